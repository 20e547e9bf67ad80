package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Comparison is a test of the difference between groups, with the difference itself.
type Comparison struct {
	Test
	// Difference is what was compared with zero, with its interval.
	Difference Estimate
}

// TTest compares the means of two groups: the level of group that comes second minus
// the one that comes first, among the people of the domain who have both a value and a
// level. With the scores u = (y − ȳ₂)/W₂ in the second group and −(y − ȳ₁)/W₁ in the
// first, t = (ȳ₂ − ȳ₁)/SE on one degree of freedom less than the design has, as a
// regression on the group does (R's svyttest).
func (d *Design) TTest(y []float64, group FactorColumn, in []bool) (Comparison, error) {
	p, groups, err := d.grouped(y, group, in)
	if err != nil {
		return Comparison{}, err
	}
	return p.tTest(y, group, groups)
}

// tTest compares two groups.
func (p people) tTest(y []float64, group FactorColumn, groups []int) (Comparison, error) {
	if len(groups) != 2 {
		return Comparison{}, fmt.Errorf("%d levels of %q have people with a value; a t test compares two, choose them by the domain", len(groups), group.ID)
	}
	return p.compare(y, group, groups, "design-based t test")
}

// noError is the standard error, relative to the values, that is rounding: some hundred
// times the last digit, and what PSUs differ by is far more.
const noError = 1e-13

// largest is the largest |y| of these people.
func (p people) largest(y []float64) float64 {
	var most float64
	for _, at := range p.places {
		most = max(most, math.Abs(y[p.design.rowAt(int(at))]))
	}
	return most
}

// OneSampleTTest compares the mean of a variable in the domain with a value. Its
// Difference is the mean minus the value. It has the degrees of freedom of the mean,
// PSUs − strata, so that it agrees with the interval of the mean (R's svyttest takes one
// less).
func (d *Design) OneSampleTTest(y []float64, value float64, in []bool) (Comparison, error) {
	v, err := d.MeanVector([]Variable{{"variable", y}}, in)
	if err != nil {
		return Comparison{}, err
	}
	return v.Estimates[0].compareWith(value)
}

// compareWith compares a mean with a value.
func (e Estimate) compareWith(value float64) (Comparison, error) {
	if isMissing(value) || math.IsInf(value, 0) {
		return Comparison{}, fmt.Errorf("the mean cannot be compared with %v; give a number", value)
	}
	if e.N == 0 {
		return Comparison{}, errors.New("nobody in the domain has a value; widen the domain")
	}
	if !(e.DF > 0) {
		return Comparison{}, fmt.Errorf("the people of the domain have %v degrees of freedom, PSUs less strata; a test needs more than 0, widen the domain", e.DF)
	}
	if !(e.SE > noError*math.Abs(e.Value)) {
		return Comparison{}, errors.New("the mean has no standard error: all people of the domain are alike, or every PSU of the population is in the sample; widen the domain")
	}
	test := e.Test(value)
	e.Value, e.Lo, e.Hi = e.Value-value, e.Lo-value, e.Hi-value
	return Comparison{test, e}, nil
}

// PairedTTest compares two values of the same people: the mean of second minus first
// among those who have both, as OneSampleTTest of the differences.
func (d *Design) PairedTTest(second, first []float64, in []bool) (Comparison, error) {
	for i, y := range [][]float64{second, first} {
		if err := d.checkValues(Variable{[]string{"second", "first"}[i], y}); err != nil {
			return Comparison{}, err
		}
	}
	difference := make([]float64, d.rows)
	for i := range difference {
		difference[i] = second[i] - first[i]
	}
	return d.OneSampleTTest(difference, 0, in)
}

// grouped finds the people of a domain who have a value and a level, and the levels
// that have such people.
func (d *Design) grouped(y []float64, group FactorColumn, in []bool) (people, []int, error) {
	if err := d.checkFactor(group, nil); err != nil {
		return people{}, nil, err
	}
	p, err := d.people(in, Variable{"variable", y})
	if err != nil {
		return people{}, nil, err
	}
	p = p.compared(group)
	return p, p.levelsOf(group), nil
}

// compared leaves out people without a level. As in R, they are outside also for the
// degrees of freedom, and so are those without a value.
func (p people) compared(group FactorColumn) people {
	q := p.classified(group)
	q.seen = q.inPSUs()
	return q
}

// levelsOf are the levels of a factor that somebody has.
func (p people) levelsOf(f FactorColumn) []int {
	seen := make([]bool, len(f.Levels))
	for _, place := range p.places {
		seen[f.Level[p.design.rowAt(int(place))]] = true
	}
	var levels []int
	for l, yes := range seen {
		if yes {
			levels = append(levels, l)
		}
	}
	return levels
}

// differences estimates how far the mean of each group is from that of the first, and the
// covariance.
func (p people) differences(y []float64, group FactorColumn, groups []int) (Vector, error) {
	mean, weight := make([]float64, len(groups)), make([]float64, len(groups))
	place := make([]int, len(group.Levels))
	for k, l := range groups {
		place[l] = k
	}
	for _, at := range p.places {
		row, w := p.design.rowAt(int(at)), p.weight[at]
		k := place[group.Level[row]]
		weight[k] += w
		mean[k] += w * y[row]
	}
	for k := range mean {
		mean[k] /= weight[k]
	}
	names, values := make([]string, len(groups)-1), make([]float64, len(groups)-1)
	for k := range values {
		names[k] = group.Levels[groups[k+1]] + " − " + group.Levels[groups[0]]
		values[k] = mean[k+1] - mean[0]
	}
	return p.vector(names, values, func(row int, u []float64) {
		k := place[group.Level[row]]
		score := (y[row] - mean[k]) / weight[k]
		if k > 0 {
			u[k-1] = score
			return
		}
		for j := range u {
			u[j] = -score
		}
	})
}

// compare tests the difference of two groups.
func (p people) compare(y []float64, group FactorColumn, groups []int, method string) (Comparison, error) {
	v, err := p.differences(y, group, groups)
	if err != nil {
		return Comparison{}, err
	}
	e := v.Estimates[0]
	e.DF--
	if !(e.DF > 0) {
		return Comparison{}, fmt.Errorf("the people compared have %v degrees of freedom, PSUs less strata; comparing two groups needs more than 1, widen the domain", v.DF)
	}
	if !(e.SE > noError*p.largest(y)) {
		return Comparison{}, fmt.Errorf("the difference of levels %v has no standard error: within each level all people compared are alike, or every PSU of the population is in the sample; widen the domain", v.Names)
	}
	e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
	test := e.Test(0)
	test.Method = method
	return Comparison{test, e}, nil
}

// CronbachAlpha is the reliability of the sum of k items by their consistency (Cronbach
// 1951), over the people of the domain who have all of them:
//
//	α = k/(k−1) · (1 − Σ S²_i / S²_sum)
//
// with the variances S² of the population, as R's svycralpha, and the standard error by
// linearisation: the score of a variance is ((y − ȳ)² − S²)/Σw.
func (d *Design) CronbachAlpha(items []Variable, in []bool) (Estimate, error) {
	k := len(items)
	if k < 2 {
		return Estimate{}, fmt.Errorf("%d items; consistency needs two or more, give more items", k)
	}
	p, err := d.people(in, items...)
	if err != nil {
		return Estimate{}, err
	}
	if p.n == 0 {
		return p.estimateOfNobody(), nil
	}
	columns := append(slices.Clone(items), Variable{"sum", p.sumOf(items)})
	_, mean := p.totals(columns)
	variance := make([]float64, k+1)
	for _, place := range p.places {
		row := d.rowAt(int(place))
		for i := range columns {
			e := columns[i].Values[row] - mean[i]/p.w
			variance[i] += p.weight[place] * e * e / p.w
		}
	}
	var within float64
	for _, v := range variance[:k] {
		within += v
	}
	all, factor := variance[k], float64(k)/float64(k-1)
	if !(all > 0) {
		return Estimate{}, errors.New("the sum of the items is the same for everybody, so there is no consistency to speak of; choose another domain")
	}
	return p.one(factor*(1-within/all), func(row int) float64 {
		var u float64
		for i := range columns {
			e := columns[i].Values[row] - mean[i]/p.w
			score := (e*e - variance[i]) / p.w
			if i < k {
				u -= score / all
			} else {
				u += score * within / (all * all)
			}
		}
		return factor * u
	})
}

// sumOf adds up columns, by row.
func (p people) sumOf(columns []Variable) []float64 {
	sum := make([]float64, p.design.rows)
	for _, place := range p.places {
		row := p.design.rowAt(int(place))
		for i := range columns {
			sum[row] += columns[i].Values[row]
		}
	}
	return sum
}
