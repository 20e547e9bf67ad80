package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ProportionVector estimates the share of every level of a factor and their
// covariance, over the people of the domain who have a level, as
// Design.ProportionVector.
func (c *Cells) ProportionVector(factor string, in Domain) (Vector, error) {
	b, f, err := c.levels(factor, in)
	if err != nil {
		return Vector{}, err
	}
	whole := b.together()
	for l, s := range b.samples {
		share := s.all.W / whole.all.W
		score := func(level, all Sum) float64 { return (level.W - share*all.W) / whole.all.W }
		e, err := whole.withVariance(share, scores(s.sums, whole.sums, score), scores(s.crossings, whole.crossings, score))
		if err != nil {
			return Vector{}, err
		}
		if e.N > 0 {
			n := float64(e.N)
			e.setEffects(n/(n-1)*share*(1-share), e.N, whole.all.W)
			e = whole.settings.proportion(e, e.t(), e.N, e.Weighted)
		}
		b.names[l], b.estimates[l] = f.Levels[l], e
		b.fill(l, s, whole, score)
	}
	return b.vectorOf(whole)
}

// CountVector estimates how many people of the population have each level of a factor
// and their covariance, as Design.CountVector.
func (c *Cells) CountVector(factor string, in Domain) (Vector, error) {
	b, f, err := c.levels(factor, in)
	if err != nil {
		return Vector{}, err
	}
	whole := b.together()
	score := func(level, _ Sum) float64 { return level.W }
	for l, s := range b.samples {
		e, err := whole.withVariance(s.all.W, scores(s.sums, whole.sums, score), scores(s.crossings, whole.crossings, score))
		if err != nil {
			return Vector{}, err
		}
		if e.N > 0 {
			n, share := float64(e.N), s.all.W/whole.all.W
			e.setEffects(whole.all.W*whole.all.W*n/(n-1)*share*(1-share), e.N, whole.all.W)
			e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
			if s.all.N == 0 && e.N > 0 {
				e.Notes = append(e.Notes, Note{Code: Empty})
			}
		}
		b.names[l], b.estimates[l] = f.Levels[l], e
		b.fill(l, s, whole, score)
	}
	return b.vectorOf(whole)
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

// levels sums the people of every level of a factor.
func (c *Cells) levels(factor string, in Domain) (*bundle, Factor, error) {
	factors, err := c.crossedFactors(in, []string{factor})
	if err != nil {
		return nil, Factor{}, err
	}
	samples, err := c.split(headcount, in, factors)
	if err != nil {
		return nil, Factor{}, err
	}
	return newBundle(samples), c.Factors[factors[0]], nil
}

// together is the sample of all people.
func (b *bundle) together() sample {
	s := b.samples[0]
	whole := newSample(s.layout, s.settings, s.notes, s.calibration)
	for _, t := range b.samples {
		for i := range whole.sums {
			whole.sums[i] = whole.sums[i].add(t.sums[i])
			whole.rows[i] += t.rows[i]
		}
		for m := range whole.crossings {
			whole.crossings[m] = whole.crossings[m].add(t.crossings[m])
		}
	}
	whole.addUp()
	return whole
}

// people counts those of the domain, with a value or without.
func (s sample) people() int {
	n := 0
	for _, m := range s.rows {
		n += m
	}
	return n
}

// fill writes the linearised totals of statistic l.
func (b *bundle) fill(l int, s, whole sample, score func(level, all Sum) float64) {
	z := scores(s.sums, whole.sums, score)
	if s.calibration != nil {
		z = s.calibration.residuals(z, scores(s.crossings, whole.crossings, score))
	}
	for i, x := range z {
		b.z.x[i*b.z.columns+l] = x
	}
}

// vectorOf completes the vector of statistics that all rest on the same people.
func (b *bundle) vectorOf(whole sample) (Vector, error) {
	v := Vector{Names: b.names, Estimates: b.estimates, Values: make([]float64, len(b.names)),
		Level: whole.settings.Level, N: whole.all.N, Weighted: whole.all.W, DF: math.NaN()}
	for l, e := range b.estimates {
		v.Values[l] = e.Value
	}
	if v.N == 0 {
		b.z.x = make([]float64, len(b.z.x))
	}
	cov, f, err := whole.layout.covariance(b.z.leafSums(), whole.layout.byPSU(whole.rows), whole.settings)
	if err != nil {
		return Vector{}, err
	}
	v.complete(cov)
	if v.N == 0 {
		v.Notes = []Note{{Code: Empty}}
		return v, nil
	}
	v.DF = f.df
	v.Notes = append(append([]Note(nil), whole.notes...), whole.facts(Estimate{N: v.N, DF: v.DF}, f)...)
	return v, nil
}
