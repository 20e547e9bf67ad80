package analysis

import "errors"

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
