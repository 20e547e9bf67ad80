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
	b, f, err := c.levels(score, in)
	if err != nil {
		return nil, err
	}
	values, err := f.numbers()
	if err != nil {
		return nil, err
	}
	whole := b.together()
	weights := make([]float64, len(values))
	for l, s := range b.samples {
		weights[l] = s.all.W
	}
	d := newDistribution(positive(values, weights))
	estimates := make([]Estimate, len(p))
	for i, share := range p {
		if estimates[i], err = b.quantile(d.distinct(), values, whole, q, share); err != nil {
			return nil, err
		}
	}
	return estimates, nil
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

// positive leaves out the values that nobody has.
func positive(values, weights []float64) (v, w []float64) {
	for i, x := range weights {
		if x > 0 {
			v, w = append(v, values[i]), append(w, x)
		}
	}
	return v, w
}

// quantile estimates F at the quantile and turns it around.
func (b *bundle) quantile(f distribution, values []float64, whole sample, q QuantileSettings, share float64) (Estimate, error) {
	value := f.quantile(share, q.Rule)
	up := newSample(whole.layout, whole.settings, nil, whole.calibration)
	for l, s := range b.samples {
		if !(values[l] <= value) {
			continue
		}
		for i, x := range s.sums {
			up.sums[i] = up.sums[i].add(x)
		}
		for m, x := range s.crossings {
			up.crossings[m] = up.crossings[m].add(x)
		}
	}
	up.addUp()
	reached := up.all.W / whole.all.W
	score := func(low, all Sum) float64 { return (low.W - reached*all.W) / whole.all.W }
	e, err := whole.withVariance(reached, scores(up.sums, whole.sums, score), scores(up.crossings, whole.crossings, score))
	if err != nil || e.N == 0 {
		return e, err
	}
	return whole.settings.judgedQuantile(e.asQuantile(f, q, value, e.t())), nil
}
