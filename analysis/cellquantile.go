package analysis

import (
	"fmt"
	"math"
	"strconv"
)

// Quantile is Design.Quantile of a score that is a factor of the cells: its levels are
// numbers, such as "0" to "100". Only the rules that look at nothing but the
// distribution of the values can be had: math, school, hf1, hf2 and hf3.
func (c *Cells) Quantile(score string, in Domain, q QuantileSettings, p ...float64) ([]Estimate, error) {
	q, err := q.orDefault()
	if err != nil {
		return nil, err
	}
	if err := checkShares(p); err != nil {
		return nil, err
	}
	if !q.Rule.discrete() {
		return nil, fmt.Errorf("quantile rule %q interpolates between people, whom cells do not know; use %s, %s or %s, or estimate straight from the design",
			string(q.Rule), QuantileMath, QuantileSchool, QuantileHF3)
	}
	factors, err := c.crossedFactors(in, []string{score})
	if err != nil {
		return nil, err
	}
	f := c.column(factors[0])
	values, err := f.numbers()
	if err != nil {
		return nil, err
	}
	who, _, err := c.people(in)
	if err != nil {
		return nil, err
	}
	return who.compared(f).quantiles(f.byRow(values), q, p)
}

// byRow gives each row the number of its level, NaN for missing.
func (f FactorColumn) byRow(values []float64) []float64 {
	y := make([]float64, len(f.Level))
	for row, l := range f.Level {
		y[row] = math.NaN()
		if l >= 0 {
			y[row] = values[l]
		}
	}
	return y
}

// numbers reads the levels of a factor as numbers.
func (f Factor) numbers() ([]float64, error) {
	values := make([]float64, len(f.Levels))
	for l, name := range f.Levels {
		v, err := strconv.ParseFloat(name, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("level %q of factor %q is not a number, so it has no quantiles; give the scores as levels", name, f.ID)
		}
		values[l] = v
	}
	return values, nil
}
