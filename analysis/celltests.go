package analysis

import (
	"errors"
	"fmt"
)

// TTest is Design.TTest from cells: it compares the means of a variable in the two levels
// of group that have people with a value in the domain. When there are more, name two in
// levels: the difference is the second minus the first.
func (c *Cells) TTest(variable, group string, in Domain, levels ...string) (Comparison, error) {
	p, y, err := c.people(in, variable)
	if err != nil {
		return Comparison{}, err
	}
	p, f, groups, err := c.compared(p, group, in, levels)
	if err != nil {
		return Comparison{}, err
	}
	return p.tTest(y[0].Values, f, groups)
}

// OneSampleTTest is Design.OneSampleTTest from cells: it compares the mean of a variable
// in the domain with a value.
func (c *Cells) OneSampleTTest(variable string, value float64, in Domain) (Comparison, error) {
	v, err := c.MeanVector([]string{variable}, in)
	if err != nil {
		return Comparison{}, err
	}
	return v.Estimates[0].compareWith(value)
}

// PairedTTest is Design.PairedTTest from cells: the mean of second minus first, two
// variables that are missing for the same people. Cells do not know the variance of the
// differences among people, so that DEff is NaN.
func (c *Cells) PairedTTest(second, first string, in Domain) (Comparison, error) {
	v, err := c.MeanVector([]string{second, first}, in)
	if err != nil {
		return Comparison{}, err
	}
	if v.N == 0 {
		return Comparison{}, errors.New("nobody in the domain has the two values; widen the domain")
	}
	e, err := v.Difference(0, 1)
	if err != nil {
		return Comparison{}, err
	}
	return e.compareWith(0)
}

// RankTest is Design.RankTest from cells, of an outcome that is a factor: its levels as
// numbers when all are numbers, such as the scores "0" to "100", and else in their
// order, the lowest first. The rank of a level is a function of the weighted counts of
// the levels. It compares the levels of group that are named in levels, or all that have
// people in the domain.
func (c *Cells) RankTest(outcome, group string, score RankScore, in Domain, levels ...string) (Comparison, error) {
	factors, err := c.crossedFactors(in, []string{outcome})
	if err != nil {
		return Comparison{}, err
	}
	if outcome == group {
		return Comparison{}, fmt.Errorf("factor %q is both the outcome and the group; name two factors", group)
	}
	f := c.column(factors[0])
	order, err := f.numbers()
	if err != nil {
		order = make([]float64, len(f.Levels))
		for l := range order {
			order[l] = float64(l)
		}
	}
	p, _, err := c.people(in)
	if err != nil {
		return Comparison{}, err
	}
	p, g, groups, err := c.compared(p.classified(f), group, in, levels)
	if err != nil {
		return Comparison{}, err
	}
	return p.rankTest(f.byRow(order), g, groups, score)
}
