package analysis

import (
	"fmt"
	"slices"
)

// headcount stands for the variable that is 1 for everybody.
const headcount = -1

// fold sums one variable over a domain, PSU by PSU.
func (c *Cells) fold(variable int, in Domain) (sample, error) {
	groups, err := c.split(variable, in, nil)
	if err != nil {
		return sample{}, err
	}
	return groups[0], nil
}

// split sums one variable over a domain, apart for every crossing of the levels of
// the given factors, in one pass at most.
func (c *Cells) split(variable int, in Domain, factors []int) ([]sample, error) {
	settings, err := c.Settings.orDefault()
	if err != nil {
		return nil, err
	}
	p, err := c.common()
	if err != nil {
		return nil, err
	}
	want, err := c.selection(in)
	if err != nil {
		return nil, err
	}
	f := p.fold(variable, want, factors)
	groups := make([]sample, len(f.rows))
	for g := range groups {
		s := f.sample(variable, g)
		s.layout, s.settings, s.notes, s.calibration = p.layout, settings, c.Notes, p.calibration
		s.addUp()
		groups[g] = s
	}
	return groups, nil
}

// newTable makes a table of rows × columns zeros.
func newTable[T any](rows, columns int) [][]T {
	all := make([]T, rows*columns)
	t := make([][]T, rows)
	for i := range t {
		t[i] = all[i*columns : (i+1)*columns]
	}
	return t
}

// sum is the statistics of a variable in the cell; for headcount, every y is 1.
func (r *Cell) sum(variable int) Sum {
	if variable == headcount {
		return Sum{r.N, r.W, r.W2, r.W, r.W}
	}
	return r.Sums[variable]
}

// crossings is how many crossings the levels of the factors have.
func (c *Cells) crossings(factors []int) int {
	n := 1
	for _, f := range factors {
		n *= len(c.Factors[f].Levels)
	}
	return n
}

// crossingOf numbers the crossing of these levels, the last factor fastest; -1 when
// one is missing.
func (c *Cells) crossingOf(levels, factors []int) int {
	g := 0
	for _, f := range factors {
		if levels[f] < 0 {
			return -1
		}
		g = g*len(c.Factors[f].Levels) + levels[f]
	}
	return g
}

// domainOf is the domain of a numbered crossing within another domain.
func (c *Cells) domainOf(g int, factors []int, in Domain) Domain {
	d := make(Domain, len(in)+len(factors))
	for id, level := range in {
		d[id] = level
	}
	for _, f := range slices.Backward(factors) {
		n := len(c.Factors[f].Levels)
		d[c.Factors[f].ID] = c.Factors[f].Levels[g%n]
		g /= n
	}
	return d
}

// by estimates for every crossing.
func (c *Cells) by(variable string, in Domain, ids []string, estimate func(sample) (Estimate, error)) ([]Group, error) {
	v, err := c.variable(variable)
	if err != nil {
		return nil, err
	}
	factors, err := c.crossedFactors(in, ids)
	if err != nil {
		return nil, err
	}
	samples, err := c.split(v, in, factors)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, len(samples))
	for g, s := range samples {
		groups[g].Domain = c.domainOf(g, factors, in)
		if groups[g].Estimate, err = estimate(s); err != nil {
			return nil, fmt.Errorf("variable %q: %w", variable, err)
		}
	}
	return groups, nil
}
