package weighting

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
)

// Modes say by which mode, or sample, each person was interviewed, and whom more than
// one mode could reach. The samples must be independent, and the weights of each stand
// for the people whom it covers.
type Modes struct {
	analysis.FactorColumn
	// Overlap says whether the other modes cover the person too; nil means that all
	// modes cover everybody.
	Overlap []bool
}

// Separate leaves the weights as they are and records the modes: each estimates for its
// own people, and the weights of several modes must not be added up where they cover
// the same.
func Separate(w []float64, m Modes) ([]float64, Step, error) {
	if err := m.check(w); err != nil {
		return nil, Step{}, err
	}
	after := append([]float64(nil), w...)
	step := newStep("combine modes", w, after, Setting{Name: "modes", Text: m.ID}, Setting{Name: "rule", Text: "separate"})
	step.Classes = m.classes(w, after)
	return after, step, nil
}

// Composite multiplies, in the overlap, the weights of each mode by its share; shares
// are in the order of Levels and add up to 1. A total is then
//
//	Σ_m T̂_m of those whom mode m alone covers + Σ_m λ_m T̂_m of the overlap
//
// (Hartley 1962). Shares may be chosen, as by the sizes of the samples, or be those of
// MinimumVariance. In the design for estimates the strata must be named by mode, as the
// samples are independent.
func Composite(w []float64, m Modes, shares []float64) ([]float64, Step, error) {
	if err := m.check(w); err != nil {
		return nil, Step{}, err
	}
	if len(shares) != len(m.Levels) {
		return nil, Step{}, fmt.Errorf("%d shares for the %d modes of %q; give one for each", len(shares), len(m.Levels), m.ID)
	}
	var sum float64
	for k, x := range shares {
		if !(x >= 0 && x <= 1) {
			return nil, Step{}, fmt.Errorf("the share of mode %q is %v; shares are from 0 to 1", m.Levels[k], x)
		}
		sum += x
	}
	if math.Abs(sum-1) > 1e-9 {
		return nil, Step{}, fmt.Errorf("the shares of the modes of %q add up to %v; they must add up to 1", m.ID, sum)
	}
	after := make([]float64, len(w))
	for i, x := range w {
		if after[i] = x; x > 0 && m.overlaps(i) {
			after[i] *= shares[m.Level[i]]
		}
	}
	settings := []Setting{{Name: "modes", Text: m.ID}, {Name: "rule", Text: "composite"}}
	for k, x := range shares {
		settings = append(settings, Setting{Name: "share of " + m.Levels[k], Value: x})
	}
	step := newStep("combine modes", w, after, settings...)
	step.Classes = m.classes(w, after)
	return after, step, nil
}

// MinimumVariance gives the shares for Composite with which the mean of y in the overlap
// has the smallest variance: in proportion to 1/V of the means of the modes, which are
// independent (Hartley 1962). The design has the weights before they are combined,
// with strata named by mode. The shares are taken as given by standard errors later, and
// they are best for y only.
func MinimumVariance(d *analysis.Design, y []float64, m Modes) ([]float64, error) {
	if err := m.check(d.Weights()); err != nil {
		return nil, err
	}
	shares := make([]float64, len(m.Levels))
	var sum float64
	for k, name := range m.Levels {
		in := make([]bool, d.Rows())
		for i, l := range m.Level {
			in[i] = l == k && m.overlaps(i)
		}
		e, err := d.Mean(y, in)
		if err != nil {
			return nil, fmt.Errorf("variance of mode %q: %w", name, err)
		}
		if !(e.SE > 0) {
			return nil, fmt.Errorf("mode %q has a standard error of %v of the mean of %d people; choose the shares by hand", name, e.SE, e.N)
		}
		shares[k] = 1 / (e.SE * e.SE)
		sum += shares[k]
	}
	for k := range shares {
		shares[k] /= sum
	}
	return shares, nil
}

func (m Modes) overlaps(row int) bool { return m.Overlap == nil || m.Overlap[row] }

// check lists the faults, and names a mode without people in the overlap.
func (m Modes) check(w []float64) error {
	if err := checkWeights(w); err != nil {
		return err
	}
	if len(m.Level) != len(w) || m.Overlap != nil && len(m.Overlap) != len(w) {
		return fmt.Errorf("modes %q have %d values, and %d of the overlap, for %d weights; give one for each", m.ID, len(m.Level), len(m.Overlap), len(w))
	}
	n := make([]int, len(m.Levels))
	for i, l := range m.Level {
		if w[i] == 0 {
			continue
		}
		if l < 0 || l >= len(m.Levels) {
			return fmt.Errorf("the mode %q of row %d is %d, but there are %d; everybody needs one", m.ID, i, l, len(m.Levels))
		}
		if m.overlaps(i) {
			n[l]++
		}
	}
	for k, count := range n {
		if count == 0 {
			return fmt.Errorf("mode %q has nobody whom the other modes cover too; combine the modes that overlap, and put the other samples beside them", m.Levels[k])
		}
	}
	return nil
}

// classes describe each mode.
func (m Modes) classes(w, after []float64) []Class {
	classes := make([]Class, len(m.Levels))
	for k, name := range m.Levels {
		classes[k].Name = name
	}
	for i, x := range w {
		if x == 0 {
			continue
		}
		c := &classes[m.Level[i]]
		c.N++
		c.Before += x
		if after[i] > 0 {
			c.Kept++
			c.After += after[i]
		}
	}
	return classes
}
