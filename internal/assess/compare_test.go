package assess

import (
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A target of an area that has no rate here, as when its code is mistyped, is not lost.
func TestTargetsElsewhere(t *testing.T) {
	r := &Results{Plan: &Plan{Area: Area{Code: "330000"}}, Settings: analysis.DefaultSettings(),
		Headline: []Row{{Estimate: analysis.Estimate{Value: 0.2, SE: 0.01, N: 900, DF: 90}}}}
	r.attain([]Target{{Code: "330000", Year: 2025, Rate: 0.1}, {Code: "33010", Year: 2025, Rate: 0.1}})
	if len(r.Targets) != 1 || len(r.Elsewhere) != 1 || r.Elsewhere[0].Code != "33010" {
		t.Errorf("targets %v, elsewhere %v", r.Targets, r.Elsewhere)
	}
}

// The verdicts are corrected for the number of targets, one-sidedly: what is sure of one target
// alone may not be sure among ten. Where nobody is literate P is that of the binomial
// distribution: 0.9⁴⁰ = 0.0148 for none of 40 against a tenth.
func TestTargetsAreCorrected(t *testing.T) {
	rate := analysis.Estimate{Value: 0.2, SE: 0.01, N: 900, DF: math.Inf(1)}
	of := func(targets ...Target) []Attainment {
		r := &Results{Plan: &Plan{Area: Area{Code: "330000"}}, Settings: analysis.DefaultSettings(), Headline: []Row{{Estimate: rate}}}
		r.Tables = []Table{{Groups: []Group{
			{Code: "none", Rows: []Row{{Estimate: analysis.Estimate{N: 40}}}},
			{Code: "nobody", Rows: []Row{{Estimate: analysis.Estimate{Value: math.NaN(), SE: math.NaN()}}}},
			{Code: "alike", Rows: []Row{{Estimate: analysis.Estimate{Value: 0.5, N: 40}}}},
		}}}
		r.attain(targets)
		return r.Targets
	}
	near := Target{Code: "330000", Rate: 0.18} // two standard errors below: one-sided p = 0.0228
	alone := of(near)[0]
	if alone.Verdict != Attained || math.Abs(alone.P-0.02275) > 1e-5 || alone.Adjusted != alone.P || alone.Sure != 1-alone.P {
		t.Errorf("one target: %+v", alone)
	}
	if two := of(near, Target{Code: "330000", Rate: 0.2}); two[0].Verdict != Attained || math.Abs(two[0].Adjusted-2*alone.P) > 1e-12 {
		t.Errorf("of two: %+v", two[0])
	}
	many := of(near, near, near, Target{Code: "nobody", Rate: 0.1})
	if many[0].Verdict != LikelyAttained || math.Abs(many[0].Adjusted-3*alone.P) > 1e-12 {
		t.Errorf("of three that were tested: %+v", many[0])
	}
	if last := many[3]; last.Verdict != Unknown || !math.IsNaN(last.P) || !math.IsNaN(last.Adjusted) || !math.IsNaN(last.Sure) {
		t.Errorf("a city without interviews: %+v", last)
	}
	if none := of(Target{Code: "none", Rate: 0.1})[0]; none.Verdict != Missed || math.Abs(none.P-0.01478) > 1e-5 {
		t.Errorf("none of 40 against a tenth: %+v", none)
	}
	if none := of(Target{Code: "none", Rate: 0.05})[0]; none.Verdict != LikelyMissed || math.Abs(none.P-0.1285) > 1e-4 {
		t.Errorf("none of 40 against a twentieth: %+v", none)
	}
	if alike := of(Target{Code: "alike", Rate: 0.1})[0]; alike.Verdict != LikelyAttained || !math.IsNaN(alike.P) {
		t.Errorf("a rate whose PSUs are alike has no error to test with: %+v", alike)
	}
}

// None of 40 against 4 of 40 is not significant (Fisher's exact test: p = 0.116), which it was
// with the error of the second group alone (t = 2.1). None of 798 against 56 % is beyond doubt,
// and PSUs that are all alike leave nothing to test with.
func TestRecovered(t *testing.T) {
	none := func(n int, hi float64) analysis.Estimate {
		return analysis.Estimate{Hi: hi, N: n, Level: 0.95, Notes: []analysis.Note{{Code: analysis.NoVariation}}}
	}
	four := analysis.Estimate{Value: 0.1, SE: 0.04743, N: 40, Level: 0.95}
	d := recovered(analysis.Estimate{Value: -0.1, SE: 0.04743, DF: 78, N: 80}, none(40, 0.08810), four)
	if math.Abs(d.Value+0.1) > 1e-12 || math.Abs(d.SE-0.06535) > 1e-4 || d.Test(0).P < 0.1 || d.N != 80 || len(d.Notes) != 1 || !(d.Lo < 0 && d.Hi > 0) {
		t.Errorf("none of 40 less 4 of 40: %+v, p %v", d, d.Test(0).P)
	}
	many := analysis.Estimate{Value: 0.561, SE: 0.025, N: 555, Level: 0.95}
	if d := recovered(analysis.Estimate{Value: -0.561, SE: 0.025, DF: 300}, none(798, 0.0046), many); !(d.Test(0).P < 1e-9) {
		t.Errorf("none of 798 less 56 %%: %+v", d)
	}
	flat := analysis.Estimate{Value: 0.3, Lo: 0.3, Hi: 0.3, Level: 0.95, Notes: []analysis.Note{{Code: analysis.ZeroVariance}}}
	if d := recovered(analysis.Estimate{Value: 0.2, SE: 0.05, DF: 78}, flat, four); !math.IsNaN(d.SE) || !math.IsNaN(d.Lo) || !math.IsNaN(d.Test(0).P) || d.Value != 0.2 {
		t.Errorf("PSUs that are all alike: %+v", d)
	}
}
