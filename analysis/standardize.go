package analysis

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// StandardizedMeans compares groups as if each had the same composition: the mean of
// group g is
//
//	ȳ_g = Σ_b p_b ȳ_gb,  p_b = population_b / Σ population
//
// with ȳ_gb the mean of the people of g in class b of by (direct standardisation; as
// svystandardize with svyby of R survey 4.5). The scores are p_b(y − ȳ_gb)/W_gb with
// W_gb the sum of their weights: the population is known, not estimated. The groups are
// the crossings of over that occur, the last factor fastest; without any, all people
// are one group. People without y, class or group are left out.
func (d *Design) StandardizedMeans(y []float64, by FactorColumn, population []float64, in []bool, over ...FactorColumn) (Vector, error) {
	p, err := d.people(in, Variable{"the variable", y})
	if err != nil {
		return Vector{}, err
	}
	for i, f := range append([]FactorColumn{by}, over...) {
		if err := d.checkFactor(f, ids(append([]FactorColumn{by}, over...)[:i])); err != nil {
			return Vector{}, err
		}
	}
	return p.standardizedMeans(y, by, population, over)
}

// standardizedMeans is StandardizedMeans of people who have the variable.
func (p people) standardizedMeans(y []float64, by FactorColumn, population []float64, over []FactorColumn) (Vector, error) {
	share, err := shares(by, population)
	if err != nil {
		return Vector{}, err
	}
	group, names := crossingsOf(p, over)
	p, group = p.inGroups(by, group)
	if p.n == 0 {
		return Vector{}, errors.New("nobody in the domain has the variable, a class and a group; widen the domain")
	}
	group, names = occurring(group, names)
	means, weights, err := classMeans(p, y, by, group, names)
	if err != nil {
		return Vector{}, err
	}
	values := make([]float64, len(names))
	for g := range values {
		for b, s := range share {
			values[g] += s * means[g][b]
		}
	}
	groupOf := make(map[int]int, len(group))
	for i, place := range p.places {
		groupOf[p.design.rowAt(int(place))] = group[i]
	}
	v, err := p.vector(names, values, func(row int, u []float64) {
		g, b := groupOf[row], by.Level[row]
		u[g] = share[b] * (y[row] - means[g][b]) / weights[g][b]
	})
	if err != nil {
		return Vector{}, err
	}
	p.countGroups(&v, group)
	return v, nil
}

// shares are those of the classes in the population.
func shares(by FactorColumn, population []float64) ([]float64, error) {
	if len(population) != len(by.Levels) {
		return nil, fmt.Errorf("%d numbers of the population for %d levels of %q; give one for each level", len(population), len(by.Levels), by.ID)
	}
	var sum float64
	for b, n := range population {
		if !(n >= 0) || math.IsInf(n, 1) {
			return nil, fmt.Errorf("the population of level %q of %q is %v; numbers of people are finite and not negative", by.Levels[b], by.ID, n)
		}
		sum += n
	}
	if sum == 0 {
		return nil, fmt.Errorf("the population of all levels of %q is zero", by.ID)
	}
	share := make([]float64, len(population))
	for b, n := range population {
		share[b] = n / sum
	}
	return share, nil
}

func ids(columns []FactorColumn) []Factor {
	factors := make([]Factor, len(columns))
	for i, c := range columns {
		factors[i] = c.Factor
	}
	return factors
}

// crossingsOf numbers the crossing of each person, the last factor fastest, -1 where a
// level is missing, and names all crossings.
func crossingsOf(p people, over []FactorColumn) (group []int, names []string) {
	names = []string{""}
	for _, f := range over {
		var longer []string
		for _, name := range names {
			for _, l := range f.Levels {
				longer = append(longer, strings.TrimPrefix(name+","+l, ","))
			}
		}
		names = longer
	}
	group = make([]int, len(p.places))
	for i, place := range p.places {
		row := p.design.rowAt(int(place))
		for _, f := range over {
			if l := f.Level[row]; l < 0 || group[i] < 0 {
				group[i] = -1
			} else {
				group[i] = group[i]*len(f.Levels) + l
			}
		}
	}
	return group, names
}

// inGroups leaves out people without a class or a group.
func (p people) inGroups(by FactorColumn, group []int) (people, []int) {
	q := p
	q.places, q.n, q.w, q.w2 = nil, 0, 0, 0
	var kept []int
	for i, place := range p.places {
		if group[i] < 0 || by.Level[p.design.rowAt(int(place))] < 0 {
			continue
		}
		q.include(place)
		kept = append(kept, group[i])
	}
	return q, kept
}

// occurring renumbers the groups that somebody is in.
func occurring(group []int, names []string) ([]int, []string) {
	number := make([]int, len(names))
	for _, g := range group {
		number[g] = 1
	}
	var kept []string
	for g, occurs := range number {
		if occurs > 0 {
			number[g] = len(kept)
			kept = append(kept, names[g])
		}
	}
	again := make([]int, len(group))
	for i, g := range group {
		again[i] = number[g]
	}
	return again, kept
}

// classMeans are the means and the sums of weights by group and class.
func classMeans(p people, y []float64, by FactorColumn, group []int, names []string) (means, weights [][]float64, err error) {
	means, weights = newTable[float64](len(names), len(by.Levels)), newTable[float64](len(names), len(by.Levels))
	for i, place := range p.places {
		row := p.design.rowAt(int(place))
		w := p.weight[place]
		means[group[i]][by.Level[row]] += w * y[row]
		weights[group[i]][by.Level[row]] += w
	}
	for g := range means {
		for b := range means[g] {
			if weights[g][b] == 0 {
				return nil, nil, fmt.Errorf("nobody of group %q is in class %q of %q, so its mean cannot be standardised; merge classes or leave the group out", names[g], by.Levels[b], by.ID)
			}
			means[g][b] /= weights[g][b]
		}
	}
	return means, weights, nil
}

// countGroups gives each estimate the people of its own group.
func (p people) countGroups(v *Vector, group []int) {
	for g := range v.Estimates {
		v.Estimates[g].N, v.Estimates[g].Weighted = 0, 0
	}
	for i, g := range group {
		n, w, _ := p.count(p.places[i])
		v.Estimates[g].N += n
		v.Estimates[g].Weighted += w
	}
}
