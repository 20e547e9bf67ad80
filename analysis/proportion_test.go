package analysis_test

import (
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

var proportionIntervals = []analysis.ProportionInterval{
	analysis.IntervalLogit, analysis.IntervalXLogit, analysis.IntervalMean, analysis.IntervalAsin,
	analysis.IntervalWilson, analysis.IntervalBeta, analysis.IntervalLikelihood,
}

// alike is a sample of 4 PSUs, in each of which the same share of one in three says yes,
// with weights whose sums are not exact in binary.
func alike(t *testing.T, fraction float64) (*analysis.Design, []float64) {
	t.Helper()
	var c analysis.Columns
	var y []float64
	for psu := range 4 {
		for i := range 3 {
			c.Weight = append(c.Weight, 0.1+0.7*float64(psu))
			c.PSU = append(c.PSU, string(rune('a'+psu)))
			c.Fraction = append(c.Fraction, fraction)
			y = append(y, float64(btoi(i == 0)))
		}
	}
	return mustDesign(t, c), y
}

// When answers differ but PSUs do not, SE is zero up to rounding: no method may then
// give an interval without width and without a word.
func TestIntervalWithoutWidthIsNoted(t *testing.T) {
	for _, fraction := range []float64{0, 0.5, 1} { // 1 is a census, where it is right
		d, y := alike(t, fraction)
		for _, method := range proportionIntervals {
			e := must(d.WithSettings(analysis.Settings{Interval: method}).Proportion(y, nil))(t)
			if !(e.SE <= 1e-12) {
				t.Fatalf("SE = %v, want rounding", e.SE)
			}
			if e.Lo != e.Value || e.Hi != e.Value || !has(e, analysis.ZeroVariance) || has(e, analysis.NoVariation) {
				t.Errorf("%s at f = %v: %v to %v around %v with notes %v, want p itself and %s", method, fraction, e.Lo, e.Hi, e.Value, e.Notes, analysis.ZeroVariance)
			}
			// The standard takes the number of respondents as the effective one.
			if p := analysis.Present(e); fraction < 1 && !(p.Lo < e.Value && e.Value < p.Hi) {
				t.Errorf("the standard has %v to %v around %v", p.Lo, p.Hi, e.Value)
			}
		}
		if e := must(d.Proportion([]float64{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0}, nil))(t); has(e, analysis.ZeroVariance) != (fraction == 1) {
			t.Errorf("f = %v: notes %v when one PSU differs", fraction, e.Notes)
		}
	}
}

// Where no standard error exists there is no interval, which is not one without width:
// Horvitz and Thompson's form may be negative, and one PSU has no degrees of freedom.
func TestNoIntervalWithoutStandardError(t *testing.T) {
	// Three units of chance ½; the first two are seldom together, π_12 = ⅛, and each nearly
	// always with the third, π = 0.49. Then Δ = ½ on the diagonal, Δ_12 = 1 − ¼/⅛ = −1 and
	// Δ_13 = Δ_23 = 1 − ¼/0.49 = 0.4898. Of answers no, no, yes the scores are
	// (−1, −1, 2)/9, so 81 V = ½·6 + 2(−1 − 4·0.4898) < 0.
	d := mustDesign(t, analysis.Columns{Weight: []float64{2, 2, 2}, Stages: []analysis.Stage{{
		Unit: []string{"a", "b", "c"},
		PPS:  analysis.PPS{Joint: [][]float64{{.5, .125, .49}, {.125, .5, .49}, {.49, .49, .5}}, Form: analysis.HorvitzThompson},
	}}})
	for _, method := range proportionIntervals {
		e := must(d.WithSettings(analysis.Settings{Interval: method}).Proportion([]float64{0, 0, 1}, nil))(t)
		if !math.IsNaN(e.SE) || !math.IsNaN(e.Lo) || !math.IsNaN(e.Hi) || has(e, analysis.ZeroVariance) {
			t.Errorf("%s: %v to %v with SE %v, want none of them", method, e.Lo, e.Hi, e.SE)
		}
	}
	v, err := d.ProportionVector(analysis.FactorColumn{Factor: analysis.Factor{ID: "answer", Levels: []string{"no", "yes"}}, Level: []int{0, 0, 1}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := must(v.Difference(1, 0))(t); !math.IsNaN(e.SE) || !math.IsNaN(e.Lo) {
		t.Errorf("difference has SE %v, want none", e.SE)
	}
	one := mustDesign(t, analysis.Columns{Weight: []float64{1, 2, 3}, PSU: []string{"a", "a", "a"}})
	for _, method := range proportionIntervals {
		e := must(one.WithSettings(analysis.Settings{Interval: method, LonePSU: analysis.LoneCertainty}).Proportion([]float64{1, 0, 1}, nil))(t)
		if !math.IsNaN(e.Lo) || !math.IsNaN(e.Hi) {
			t.Errorf("%s: %v to %v without degrees of freedom, want none", method, e.Lo, e.Hi)
		}
	}
}
