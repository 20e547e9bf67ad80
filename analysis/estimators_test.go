package analysis_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// fourPSUs is a design small enough to compute by hand: two strata of two PSUs of one
// person each, weights 1 and 2.
func fourPSUs(t *testing.T) *analysis.Design {
	t.Helper()
	d, err := analysis.NewDesign(analysis.Columns{
		Weight: []float64{1, 1, 2, 2}, Stratum: []string{"n", "n", "s", "s"}, PSU: []string{"1", "2", "1", "2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// By hand: Σw = 6, Σwy = 1 + 3 + 2·2 + 2·6 = 20; the mean is 10/3. With two PSUs in a
// stratum V_h = (z₁ − z₂)²: for the total (3−1)² + (12−4)² = 68. For the mean
// z = w(y − 10/3)/6, so V = ((3−1)/6)² + (2·(6−2)/6)² = 68/36. S² = 4/3·(Σwy²/6 −
// 100/9) = 4/3·(90/6 − 100/9) = 140/27, so deff = 68/36 / (S²/4) = 51/35.
func TestEstimatesByHand(t *testing.T) {
	d := fourPSUs(t)
	y := []float64{1, 3, 2, 6}
	mean := must(d.Mean(y, nil))(t)
	check := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s = %.15g, want %.15g", name, got, want)
		}
	}
	check("mean", mean.Value, 10.0/3)
	check("SE of the mean", mean.SE, math.Sqrt(68)/6)
	check("df", mean.DF, 2)
	check("deff", mean.DEff, 51.0/35)
	check("weighted", mean.Weighted, 6)
	total := must(d.Total(y, nil))(t)
	check("total", total.Value, 20)
	check("SE of the total", total.SE, math.Sqrt(68))
	// With 2 df, P(|t| < x) = x/√(2+x²), so the quantile for 0.95 is 0.95·√(2/(1−0.95²)).
	tail := 0.95 * math.Sqrt(2/(1-0.95*0.95))
	check("lower", total.Lo, 20-tail*math.Sqrt(68))
	check("upper", total.Hi, 20+tail*math.Sqrt(68))
}

// The size of a domain is the total of its indicator.
func TestSizeIsTheTotalOfAnIndicator(t *testing.T) {
	c := smallCells(t)
	size := must(c.Size(analysis.Domain{"sex": "female"}))(t)
	// The women are in PSU b, with weights 1 and 3; PSU a has z = 0: V = 2·(2² + 2²) = 16.
	if size.Value != 4 || size.SE != 4 || size.N != 2 {
		t.Errorf("size %v ± %v from %d, want 4 ± 4 from 2", size.Value, size.SE, size.N)
	}
}

func TestEmptyDomainHasNoValue(t *testing.T) {
	d := fourPSUs(t)
	nobody := make([]bool, 4)
	for name, estimate := range map[string]func([]float64, []bool) (analysis.Estimate, error){
		"mean": d.Mean, "proportion": d.Proportion, "total": d.Total,
	} {
		e := must(estimate([]float64{0, 1, 0, 1}, nobody))(t)
		for part, v := range map[string]float64{"value": e.Value, "SE": e.SE, "lo": e.Lo, "hi": e.Hi, "df": e.DF, "deff": e.DEff} {
			if !math.IsNaN(v) {
				t.Errorf("%s of nobody: %s = %v, want NaN", name, part, v)
			}
		}
		if e.N != 0 || !has(e, analysis.Empty) {
			t.Errorf("%s of nobody: n = %d, notes %v", name, e.N, e.Notes)
		}
	}
}

// When everybody answers alike the bound solves (1−p)ⁿ = α/2: for n = 30 and 95 %,
// 1 − 0.025^(1/30) = 0.115703, the Clopper-Pearson bound of 0 in 30 in any table.
func TestUnanimousProportion(t *testing.T) {
	w, psu := make([]float64, 30), make([]string, 30)
	no, yes := make([]float64, 30), make([]float64, 30)
	for i := range w {
		w[i], psu[i], yes[i] = 1+float64(i%3), string(rune('a'+i%10)), 1
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: w, PSU: psu})
	if err != nil {
		t.Fatal(err)
	}
	e := must(d.Proportion(no, nil))(t)
	if e.Value != 0 || e.SE != 0 || e.Lo != 0 || math.Abs(e.Hi-0.115703) > 5e-7 || !has(e, analysis.NoVariation) {
		t.Errorf("nobody: %+v", e)
	}
	e = must(d.Proportion(yes, nil))(t)
	if e.Value != 1 || e.SE != 0 || e.Hi != 1 || math.Abs(e.Lo-(1-0.115703)) > 5e-7 || !has(e, analysis.NoVariation) {
		t.Errorf("everybody: %+v", e)
	}
}

func TestProportionNeedsZerosAndOnes(t *testing.T) {
	d := fourPSUs(t)
	for _, y := range [][]float64{{0, 1, 2, 1}, {0, 0.5, 1, 1}, {-1, 1, 1, 0}, {2, 2, 2, 2}} {
		if e, err := d.Proportion(y, nil); err == nil {
			t.Errorf("proportion of %v = %v, want an error", y, e.Value)
		}
	}
}

// When everybody has the same value there is no variance to compare with, and where a
// large constant has eaten it, no design effect is better than one made of rounding.
func TestNoDesignEffectWithoutSpread(t *testing.T) {
	n := 4000
	w, psu := make([]float64, n), make([]string, n)
	plain, shifted, far, alike := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range w {
		w[i], psu[i] = 1+float64(i%7)/3, fmt.Sprint(i%50)
		plain[i] = float64(i*i%101) / 8
		shifted[i], far[i], alike[i] = plain[i]+1e4, plain[i]+1e9, 45.6
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: w, PSU: psu})
	if err != nil {
		t.Fatal(err)
	}
	for name, estimate := range map[string]func([]float64, []bool) (analysis.Estimate, error){"mean": d.Mean, "total": d.Total} {
		for what, y := range map[string][]float64{"one value": alike, "a large constant": far} {
			if e := must(estimate(y, nil))(t); !math.IsNaN(e.DEff) || math.IsNaN(e.SE) {
				t.Errorf("%s of %s: deff %v, SE %v, want no deff but an SE", name, what, e.DEff, e.SE)
			}
		}
	}
	want, got := must(d.Mean(plain, nil))(t), must(d.Mean(shifted, nil))(t)
	if math.Abs(got.DEff/want.DEff-1) > 1e-6 || math.Abs(got.SE/want.SE-1) > 1e-9 {
		t.Errorf("shifted by 10,000: deff %v, SE %v, want %v, %v", got.DEff, got.SE, want.DEff, want.SE)
	}
}

// Missing values are left out, also where the columns are summed in one go.
func TestMissingValuesAreLeftOut(t *testing.T) {
	d := fourPSUs(t)
	e := must(d.Mean([]float64{1, math.NaN(), 2, 6}, nil))(t)
	// Σwy/Σw = (1 + 4 + 12)/5.
	if e.N != 3 || e.Weighted != 5 || math.Abs(e.Value-17.0/5) > 1e-15 {
		t.Errorf("mean %v from %d with weight %v, want 3.4 from 3 with 5", e.Value, e.N, e.Weighted)
	}
}

func TestRatioNeedsTheSamePeople(t *testing.T) {
	d := fourPSUs(t)
	nan := math.NaN()
	c, err := d.Cells([]analysis.Variable{
		{Name: "y", Values: []float64{1, 3, nan, 6}}, {Name: "x", Values: []float64{1, 2, 3, 4}},
		{Name: "zero", Values: make([]float64, 4)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ratio("y", "x", nil); err == nil || !strings.Contains(err.Error(), "missing for the same people") {
		t.Errorf("ratio of different people: %v", err)
	}
	if _, err := c.Ratio("x", "zero", nil); err == nil || !strings.Contains(err.Error(), "is zero") {
		t.Errorf("ratio to zero: %v", err)
	}
}

func TestUnknownNamesListTheKnown(t *testing.T) {
	c := smallCells(t)
	for want, err := range map[string]error{
		`no variable "z" in the cells; there are: y`:        second(c.Mean("z", nil)),
		`no factor "age" in the cells; there are: sex`:      second(c.Mean("y", analysis.Domain{"age": "old"})),
		`factor "sex" has no level "x"; it has: female, ma`: second(c.Total("y", analysis.Domain{"sex": "x"})),
		`"sex" is both fixed by the domain`:                 second(c.MeanBy("y", analysis.Domain{"sex": "male"}, "sex")),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestLonePSUIsNoted(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{
		Weight: []float64{1, 1, 2}, Stratum: []string{"n", "n", "island"}, PSU: []string{"1", "2", "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	y := []float64{1, 3, 2}
	for rule, want := range map[analysis.LonePSURule]float64{
		analysis.LoneCertainty: 4,                         // (3 − 1)²
		analysis.LoneAverage:   4 * 2,                     // · H/(H − lone)
		analysis.LoneAdjust:    4 + (4.0-8.0/3)*(4-8.0/3), // z = 4, mean of PSUs 8/3
	} {
		e := must(d.WithSettings(analysis.Settings{LonePSU: rule}).Total(y, nil))(t)
		if math.Abs(e.SE*e.SE-want) > 1e-12 {
			t.Errorf("%s: variance %v, want %v", rule, e.SE*e.SE, want)
		}
		if n := note(e, analysis.LonePSU); n.Subject != "island" || n.Value != 1 {
			t.Errorf("%s: note %+v, want island", rule, n)
		}
		// Without people of the domain on the island, a mean does not depend on it, even
		// when its scores add up to zero only after rounding, as with 0.1 and 0.7.
		for _, y := range [][]float64{y, {0.1, 0.7, 2}} {
			e = must(d.WithSettings(analysis.Settings{LonePSU: rule}).Mean(y, []bool{true, true, false}))(t)
			if got := has(e, analysis.LonePSU); got != (rule == analysis.LoneAverage) {
				t.Errorf("%s: note of a domain that leaves out the lone PSU: %v", rule, got)
			}
		}
	}
	_, err = d.WithSettings(analysis.Settings{LonePSU: analysis.LoneFail}).Mean(y, nil)
	if err == nil || !strings.Contains(err.Error(), `"island"; merge`) {
		t.Errorf("fail: %v", err)
	}
}

func TestAverageNeedsAnotherStratum(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{Weight: []float64{1, 1}, PSU: []string{"a", "a"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.WithSettings(analysis.Settings{LonePSU: analysis.LoneAverage}).Total([]float64{1, 2}, nil); err == nil {
		t.Error("a single lone stratum has no others to average")
	}
}

func TestNotesOfDoubtfulEstimates(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{Weight: []float64{1, 1, 1, 40}})
	if err != nil {
		t.Fatal(err)
	}
	e := must(d.Proportion([]float64{1, 0, 1, 0}, nil))(t)
	for code, want := range map[analysis.NoteCode]float64{
		analysis.FewRespondents: 4,
		analysis.FewPSUs:        3,
		analysis.LargeWeights:   4 * 1603.0 / (43 * 43), // n Σw²/(Σw)²
		analysis.WideInterval:   e.Hi - e.Lo,
	} {
		if n := note(e, code); n.Value != want {
			t.Errorf("note %s = %+v, want %v", code, n, want)
		}
	}
	// For all but proportions the width is judged against the size of the estimate.
	m := must(d.Mean([]float64{-9, -1, -20, -2}, nil))(t)
	if n := note(m, analysis.WideInterval); n.Value != (m.Hi-m.Lo)/-m.Value || n.Value < 1.6 {
		t.Errorf("mean %v (%v–%v): note %+v", m.Value, m.Lo, m.Hi, n)
	}
	quiet := analysis.Settings{FewRespondents: 4, FewDF: 3, LargeWeights: 4, WideInterval: e.Hi - e.Lo}
	if e := must(d.WithSettings(quiet).Proportion([]float64{1, 0, 1, 0}, nil))(t); len(e.Notes) != 0 {
		t.Errorf("notes %v at thresholds that are just kept", e.Notes)
	}
}

func TestNotesOfTheCellsAreOnEveryEstimate(t *testing.T) {
	c := smallCells(t)
	c.Notes = []analysis.Note{{Code: analysis.NotConverged, Value: 0.01}}
	groups, err := c.MeanBy("y", nil, "sex")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		if note(g.Estimate, analysis.NotConverged).Value != 0.01 {
			t.Errorf("%v: notes %v", g.Domain, g.Estimate.Notes)
		}
	}
}

// Without degrees of freedom there is a value and a standard error but no interval.
func TestNoIntervalWithoutDegreesOfFreedom(t *testing.T) {
	d, err := analysis.NewDesign(analysis.Columns{Weight: []float64{1, 1}, PSU: []string{"a", "a"}})
	if err != nil {
		t.Fatal(err)
	}
	e := must(d.Mean([]float64{1, 2}, nil))(t)
	if e.Value != 1.5 || e.DF != 0 || !math.IsNaN(e.Lo) || !math.IsNaN(e.Hi) || !has(e, analysis.FewPSUs) {
		t.Errorf("%+v", e)
	}
}

// Degrees of freedom count the PSUs and strata with a person of the domain, also one
// without a value.
func TestDegreesOfFreedomOfADomain(t *testing.T) {
	d := fourPSUs(t)
	y := []float64{1, math.NaN(), 2, 6}
	for name, test := range map[string]struct {
		rule analysis.DFRule
		in   []bool
		want float64
	}{
		"all":             {analysis.DFDomain, nil, 2},
		"one stratum":     {analysis.DFDomain, []bool{true, true, false, false}, 1},
		"one PSU each":    {analysis.DFDomain, []bool{true, false, false, true}, 0},
		"whole design":    {analysis.DFDesign, []bool{true, false, false, false}, 2},
		"normal interval": {analysis.DFNormal, nil, math.Inf(1)},
	} {
		e := must(d.WithSettings(analysis.Settings{DF: test.rule}).Mean(y, test.in))(t)
		if e.DF != test.want {
			t.Errorf("%s: df = %v, want %v", name, e.DF, test.want)
		}
	}
}

func has(e analysis.Estimate, code analysis.NoteCode) bool {
	return note(e, code).Code == code
}

func note(e analysis.Estimate, code analysis.NoteCode) analysis.Note {
	for _, n := range e.Notes {
		if n.Code == code {
			return n
		}
	}
	return analysis.Note{}
}
