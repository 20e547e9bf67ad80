package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// ProportionVector is Design.ProportionVector from cells: the share of every level of a
// factor and their covariance, over the people of the domain who have a level.
func (c *Cells) ProportionVector(factor string, in Domain) (Vector, error) {
	return c.classify(factor, in, people.proportionVector)
}

// CountVector is Design.CountVector from cells: how many people of the population have
// each level of a factor, and their covariance.
func (c *Cells) CountVector(factor string, in Domain) (Vector, error) {
	return c.classify(factor, in, people.countVector)
}

// classify estimates a vector of the levels of a factor.
func (c *Cells) classify(factor string, in Domain, estimate func(people, FactorColumn) (Vector, error)) (Vector, error) {
	factors, err := c.crossedFactors(in, []string{factor})
	if err != nil {
		return Vector{}, err
	}
	p, _, err := c.people(in)
	if err != nil {
		return Vector{}, err
	}
	f := c.column(factors[0])
	return estimate(p.classified(f), f)
}

// MeanVector is Design.MeanVector from cells: the means of several variables and their
// covariance. Cells know each variable by itself, so that all must be missing for the
// same people. Vector.Function then gives any function of the means; Cronbach's alpha is
// none, it needs the squares of the sum of the items: make cells of that sum, or use
// Design.CronbachAlpha.
func (c *Cells) MeanVector(variables []string, in Domain) (Vector, error) {
	return c.several(variables, in, people.meanVector, func(Sum) float64 { return 1 })
}

// TotalVector is Design.TotalVector from cells: Σwy of several variables, missing for
// the same people, and their covariance. Vector.Function gives any function of the
// totals, such as Design.Function; for the size of the population there must be a
// variable of ones among them.
func (c *Cells) TotalVector(variables []string, in Domain) (Vector, error) {
	return c.several(variables, in, people.totalVector, func(all Sum) float64 { return all.W })
}

// several estimates a vector of variables; scale is that of the estimate compared with
// a mean.
func (c *Cells) several(variables []string, in Domain, estimate func(people, []Variable) (Vector, error), scale func(Sum) float64) (Vector, error) {
	if len(variables) == 0 {
		return Vector{}, fmt.Errorf("no variable is named; the cells have: %s", strings.Join(c.Variables, ", "))
	}
	p, means, err := c.people(in, variables...)
	if err != nil {
		return Vector{}, err
	}
	v, err := estimate(p, means)
	if err != nil {
		return Vector{}, err
	}
	for i, name := range variables {
		s := sample{all: c.sumOf(p, name)}
		k := scale(s.all)
		v.Estimates[i].setEffects(k*k*s.spread(), s.all.N, s.all.W)
	}
	return v, nil
}

// sumOf adds up a variable over people who are cells.
func (c *Cells) sumOf(p people, name string) Sum {
	v := slices.Index(c.Variables, name)
	var all Sum
	for _, place := range p.places {
		all = all.add(c.Rows[p.design.rowAt(int(place))].Sums[v])
	}
	return all
}

// StandardizedMeans is Design.StandardizedMeans from cells: the means of a variable in
// the groups of the crossed factors over, each with the composition by the factor by
// that the population has. population has one number for each level of by.
func (c *Cells) StandardizedMeans(variable, by string, population []float64, in Domain, over ...string) (Vector, error) {
	factors, err := c.crossedFactors(in, append([]string{by}, over...))
	if err != nil {
		return Vector{}, err
	}
	columns := make([]FactorColumn, len(factors))
	for i, f := range factors {
		if slices.Contains(factors[:i], f) {
			return Vector{}, fmt.Errorf("factor %q is named twice; leave it out once", c.Factors[f].ID)
		}
		columns[i] = c.column(f)
	}
	p, y, err := c.people(in, variable)
	if err != nil {
		return Vector{}, err
	}
	return p.standardizedMeans(y[0].Values, columns[0], population, columns[1:])
}
