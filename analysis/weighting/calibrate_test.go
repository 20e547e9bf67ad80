package weighting_test

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"pgregory.net/rapid"
)

// twelve is a sample of twelve persons, two in each of six PSUs of two strata.
type twelve struct {
	w, income, score []float64
	sex, age         []int
	stratum, psu     []string
}

func newTwelve() twelve {
	return twelve{
		w:       []float64{10, 12, 9, 11, 14, 8, 10, 13, 12, 9, 11, 10},
		income:  []float64{21, 35, 18, 40, 27, 15, 33, 29, 22, 38, 25, 31},
		score:   []float64{5, 7, 4, 8, 6, 3, 7, 6, 5, 9, 6, 6},
		sex:     []int{0, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 1}, // female, male
		age:     []int{0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1}, // young, old
		stratum: []string{"a", "a", "a", "a", "a", "a", "b", "b", "b", "b", "b", "b"},
		psu:     []string{"1", "1", "2", "2", "3", "3", "4", "4", "5", "5", "6", "6"},
	}
}

// margins: 74 women and 66 men, 72 young and 68 old.
func (x twelve) margins() []weighting.Margin {
	return []weighting.Margin{
		{Name: "sex", Levels: []string{"female", "male"}, Level: x.sex, Targets: []float64{74, 66}},
		{Name: "age", Levels: []string{"young", "old"}, Level: x.age, Targets: []float64{72, 68}},
	}
}

// known adds the total of income.
func (x twelve) known() weighting.Known {
	return weighting.Known{Margins: x.margins(), Totals: []weighting.Total{{Name: "income", Values: x.income, Target: 4000}}}
}

// design has the weights before and after.
func (x twelve) design(t *testing.T, after []float64, c *analysis.Calibration) *analysis.Design {
	t.Helper()
	d, err := analysis.NewDesign(analysis.Columns{Weight: after, Base: x.w, Calibration: c, Stratum: x.stratum, PSU: x.psu})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// fromR has numbers of R 4.2.2, survey 4.1:
//
//	d <- svydesign(~psu, strata=~stratum, weights=~w, data=x, nest=TRUE)
//	pop <- c("(Intercept)"=140, sexm=66, agey=72, income=4000)
//	g <- calibrate(d, ~sex+age+income, pop, ..., epsilon=1e-13, maxit=500)
//	weights(g); svymean(~score, g); svytotal(~score, g)
type fromR struct {
	w                        []float64
	mean, meanSE, sum, sumSE float64
}

var linearOfR = fromR{[]float64{9.34073644956239, 11.0517467925289, 9.06075032785124, 17.9422284662527, 19.7703231023496, 6.14163112771984, 7.61614802402114, 9.80991889001989, 15.905738764542, 10.4402254035631, 13.780820227975, 9.13973242361436},
	6.17200113361984, 0.0846260067952925, 864.080158706778, 11.8476409513409}

func TestCalibrateAgreesWithR(t *testing.T) {
	x := newTwelve()
	margins := weighting.Known{Margins: x.margins()}
	for name, test := range map[string]struct {
		known  weighting.Known
		metric weighting.Metric
		want   fromR
	}{
		"linear": {x.known(), weighting.Metric{}, linearOfR},
		// calfun="raking"
		"raking": {x.known(), weighting.Metric{Distance: weighting.Raking}, fromR{[]float64{9.41023601774718, 10.894298968887, 8.85890055841572, 18.2688959397727, 20.0355897780573, 6.38543538583148, 7.8945403744652, 10.0106299374351, 15.6207164670678, 10.0762130679628, 13.6891217928805, 8.85542171147715},
			6.16893007619747, 0.0819334263504373, 863.650210667645, 11.4706796890612}},
		// calfun="logit", bounds=c(.7,1.6)
		"logit": {x.known(), weighting.Metric{Distance: weighting.Logit, Lower: 0.7, Upper: 1.6}, fromR{[]float64{8.5737574874537, 10.7106350780645, 8.60494194922927, 17.2970442305979, 20.182844196324, 6.16167487706855, 7.79575208892729, 10.2468248717008, 16.5863208838058, 10.8465505431118, 13.8904606061187, 9.10319318759768},
			6.17703671683285, 0.0879918940160049, 864.785140356599, 12.3188651622407}},
		// bounds=c(.75,1.5): four factors are at a bound
		"truncated": {x.known(), weighting.Metric{Distance: weighting.Truncated, Lower: 0.75, Upper: 1.5}, fromR{[]float64{7.9265336769241, 11.0104644678284, 8.74236851984798, 16.5, 20.5749589039102, 6, 7.5, 9.85096243215931, 17.072383791921, 11.3042878439408, 13.6837551073965, 9.83428525607152},
			6.1781405249365, 0.0927877754908393, 864.939673491109, 12.9902885687175}},
		// ~sex+age, pop[1:3], calfun="raking"
		"margins": {margins, weighting.Metric{Distance: weighting.Raking}, fromR{[]float64{11.5706781498531, 12.1945650872958, 10.3973668372286, 11.1609149638042, 16.1989494097943, 9.24210385531427, 10.1621375727465, 13.1901722299504, 13.8631557829714, 9.14592381547188, 12.7277459648384, 10.1462863307311},
			5.98686732043459, 0.284488093886376, 838.161424860842, 39.8283331440926}},
		// variance=x$income
		"linear, spread": {x.known(), weighting.Metric{Spread: x.income}, fromR{[]float64{8.65317088760672, 11.2663384638436, 9.3055932006915, 16.6397856869051, 20.0034755992394, 4.48424004104568, 7.8963625161401, 10.3535788226286, 17.572091727607, 10.1992239893604, 13.9814285438097, 9.64471052112216},
			6.17679125130101, 0.0808635997309016, 864.750775182142, 11.3209039623263}},
		// variance=x$income, calfun="raking". R leaves the working variance out of the
		// residuals here, other than with calfun="linear"; Deville and Särndal's residuals
		// have it. Its SEs are those of residuals without.
		"raking, spread": {x.known(), weighting.Metric{Distance: weighting.Raking, Spread: x.income}, fromR{[]float64{8.67654020457756, 11.1669625675522, 8.79532320413219, 16.9571869790793, 20.2502396765063, 5.05442584320264, 8.12949082688523, 10.4167128621009, 17.434010936119, 9.98730658901642, 13.7894601354623, 9.34234017536589},
			6.17363051457912, 0.0841865412560489, 864.308272041077, 11.7861157758469}},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(x.w)
			w, step, err := weighting.Calibrate(x.w, test.known, test.metric, weighting.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			check := checker(t, 1e-9) // R stops at 1e-13 of the totals
			for i := range w {
				check("weight", w[i], test.want.w[i])
			}
			residuals := test.metric
			if residuals.Distance == weighting.Raking {
				residuals.Spread = nil
			}
			d := x.design(t, w, test.known.Calibration(residuals))
			mean, err := d.Mean(x.score, nil)
			if err != nil {
				t.Fatal(err)
			}
			total, err := d.Total(x.score, nil)
			if err != nil {
				t.Fatal(err)
			}
			check("mean", mean.Value, test.want.mean)
			check("its SE", mean.SE, test.want.meanSE)
			check("total", total.Value, test.want.sum)
			check("its SE", total.SE, test.want.sumSE)
			if !step.Converged || step.Notes() != nil || !slices.Equal(before, x.w) {
				t.Errorf("step %+v of weights %v", step, x.w)
			}
			for _, f := range step.Margins {
				check(f.Margin+" "+f.Level, f.After, f.Target)
			}
		})
	}
}

// checker compares within a relative tolerance.
func checker(t *testing.T, rel float64) func(what string, got, want float64) {
	return func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= rel*math.Abs(want)) {
			t.Errorf("%s = %.15g, want %.15g", what, got, want)
		}
	}
}

// The ratio estimator multiplies all weights by T/Σwx = 4000/Σwx.
func TestRatioIsACalibration(t *testing.T) {
	x := newTwelve()
	known := weighting.Known{Totals: x.known().Totals}
	w, step, err := weighting.Calibrate(x.w, known, weighting.Metric{Spread: x.income}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for i, d := range x.w {
		sum += d * x.income[i]
	}
	check := checker(t, 1e-13)
	for i, d := range x.w {
		check("factor", w[i]/d, 4000/sum)
	}
	if len(step.Rounds) != 1 {
		t.Errorf("%d rounds, but linear calibration needs one", len(step.Rounds))
	}
}

// Calibration in the entropy distance and iterative proportional fitting reach the same
// weights (Deville, Särndal and Sautory 1993), whatever the sample; margins and a
// variable of ones say the size of the population three times.
func TestRakingDistanceIsRake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 24 // four people in each of six crossings
		w := rapid.SliceOfN(rapid.Float64Range(0.1, 10), n, n).Draw(t, "weights")
		share := rapid.Float64Range(0.1, 0.9)
		a, b := share.Draw(t, "a"), share.Draw(t, "b")
		two := weighting.Margin{Name: "two", Levels: []string{"0", "1"}, Targets: []float64{1000 * a, 1000 * (1 - a)}}
		three := weighting.Margin{Name: "three", Levels: []string{"0", "1", "2"}, Targets: []float64{1000 * b, 1000 * (1 - b) * a, 1000 * (1 - b) * (1 - a)}}
		ones := slices.Repeat([]float64{1}, n)
		for i := range n {
			two.Level, three.Level = append(two.Level, i%2), append(three.Level, i%3)
		}
		margins := []weighting.Margin{two, three}
		raked, _, err := weighting.Rake(w, margins, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		for _, totals := range [][]weighting.Total{nil, {{Name: "size", Values: ones, Target: 1000}}} {
			known := weighting.Known{Margins: margins, Totals: totals}
			got, _, err := weighting.Calibrate(w, known, weighting.Metric{Distance: weighting.Raking}, weighting.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			for i := range got { // both stop within 1e-10 of the totals
				if math.Abs(got[i]/raked[i]-1) > 1e-8 {
					t.Fatalf("weight %d = %v, raked %v", i, got[i], raked[i])
				}
			}
		}
	})
}

// Bounds are kept, and wide ones change little: logit with far bounds is close to the
// entropy distance, truncated linear without need is linear.
func TestBoundsAreKept(t *testing.T) {
	x := newTwelve()
	calibrate := func(m weighting.Metric) []float64 {
		w, _, err := weighting.Calibrate(x.w, x.known(), m, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	for _, distance := range []weighting.Distance{weighting.Logit, weighting.Truncated} {
		w := calibrate(weighting.Metric{Distance: distance, Lower: 0.72, Upper: 1.55})
		for i := range w {
			if g := w[i] / x.w[i]; g < 0.72-1e-14 || g > 1.55+1e-14 {
				t.Errorf("%s: factor %v", distance, g)
			}
		}
	}
	check := checker(t, 1e-9)
	for i, w := range calibrate(weighting.Metric{Distance: weighting.Truncated, Lower: 0.1, Upper: 10}) {
		check("weight of wide bounds", w, linearOfR.w[i])
	}
	raked := calibrate(weighting.Metric{Distance: weighting.Raking})
	near := checker(t, 1e-4) // L = 0: g = U e^(Au)/(U − 1 + e^(Au)), e^u as U grows
	for i, w := range calibrate(weighting.Metric{Distance: weighting.Logit, Upper: 1e5}) {
		near("logit without upper bound", w, raked[i])
	}
}

// Units of measurement do not matter.
func TestCalibrateDoesNotDependOnUnits(t *testing.T) {
	x := newTwelve()
	known := x.known()
	known.Totals[0].Values = slices.Clone(x.income)
	known.Totals[0].Target *= 1e9
	for i := range x.income {
		known.Totals[0].Values[i] *= 1e9
	}
	w, _, err := weighting.Calibrate(x.w, known, weighting.Metric{}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	check := checker(t, 1e-9)
	for i := range w {
		check("weight", w[i], linearOfR.w[i])
	}
}

// A negative auxiliary variable, a target of zero, and a row of nobody without a value.
func TestCalibrateToADifference(t *testing.T) {
	gain := weighting.Total{Name: "gain", Values: []float64{-2, -1, 1, 3, math.NaN()}, Target: 0}
	size := weighting.Total{Name: "size", Values: []float64{1, 1, 1, 1, 1}, Target: 8}
	known := weighting.Known{Totals: []weighting.Total{gain, size}}
	w, _, err := weighting.Calibrate([]float64{2, 2, 2, 2, 0}, known, weighting.Metric{}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	// Σ 2(1 + a + bx)(1, x) = (8, 0): a + b/4 = 0 and 1 + a + 15b = 0 on the sums 4, 1
	// and 15: b = −4/59, a = 1/59.
	check := checker(t, 1e-12)
	for i, v := range gain.Values[:4] {
		check("weight", w[i], 2*(1+1.0/59-4.0/59*v))
	}
	if w[4] != 0 {
		t.Errorf("nobody has weight %v", w[4])
	}
}

func TestCalibrateNamesFaults(t *testing.T) {
	x := newTwelve()
	with := func(change func(*weighting.Known)) weighting.Known {
		k := x.known()
		k.Totals[0].Values = slices.Clone(x.income)
		change(&k)
		return k
	}
	ones := slices.Repeat([]float64{1}, 12)
	for name, test := range map[string]struct {
		known  weighting.Known
		metric weighting.Metric
		want   []string
	}{
		"nothing":       {weighting.Known{}, weighting.Metric{}, []string{"nothing is known"}},
		"short total":   {with(func(k *weighting.Known) { k.Totals[0].Values = ones[:3] }), weighting.Metric{}, []string{`"income" has 3 values for 12 weights`}},
		"missing":       {with(func(k *weighting.Known) { k.Totals[0].Values[4] = math.NaN() }), weighting.Metric{}, []string{`"income" is missing for 1 respondents (first: row 4)`}},
		"no target":     {with(func(k *weighting.Known) { k.Totals[0].Target = math.NaN() }), weighting.Metric{}, []string{"population total is NaN"}},
		"zero":          {with(func(k *weighting.Known) { k.Totals[0].Values = make([]float64, 12) }), weighting.Metric{}, []string{`"income" is zero for all respondents`}},
		"contradiction": {with(func(k *weighting.Known) { k.Totals[0] = weighting.Total{Name: "size", Values: ones, Target: 150} }), weighting.Metric{}, []string{"contradict each other", `margin "sex"`, `total "size"`}},
		"margins":       {with(func(k *weighting.Known) { k.Margins[0].Targets = []float64{74, 70} }), weighting.Metric{}, []string{`margin "sex" adds up to 144`, "140"}},
		"nobody":        {with(func(k *weighting.Known) { k.Margins[0].Level = make([]int, 12) }), weighting.Metric{}, []string{`no respondent in "male"`, "66 people", "merge it"}},
		"negative":      {with(func(k *weighting.Known) { k.Totals[0].Target = 4900 }), weighting.Metric{}, []string{"negative or zero", "row 0", "sex=female, age=young, income=21", "raking"}},
		"out of bounds": {x.known(), weighting.Metric{Distance: weighting.Truncated, Lower: 0.95, Upper: 1.25}, []string{"factors from 0.95 to 1.25", "did not meet", "respondents and a target of", "widen the bounds", "takes factors from 0.755 to 1.63"}},
		"logit bounds":  {x.known(), weighting.Metric{Distance: weighting.Logit, Lower: 0.95, Upper: 1.25}, []string{"did not meet"}},
		"raking beyond": {with(func(k *weighting.Known) { k.Totals[0].Target = 140 * 41 }), weighting.Metric{Distance: weighting.Raking}, []string{`"raking" did not meet`, "respondents and a target of"}},
		"bounds":        {x.known(), weighting.Metric{Distance: weighting.Logit, Lower: 1.1, Upper: 2}, []string{"0 ≤ Lower < 1 < Upper"}},
		"no bounds":     {x.known(), weighting.Metric{Lower: 0.5, Upper: 2}, []string{"keeps no bounds"}},
		"distance":      {x.known(), weighting.Metric{Distance: "cubic"}, []string{`distance "cubic" is unknown`}},
		"spread":        {x.known(), weighting.Metric{Spread: make([]float64, 12)}, []string{"working variance of row 0 is 0"}},
	} {
		w, _, err := weighting.Calibrate(x.w, test.known, test.metric, weighting.Settings{})
		if w != nil {
			t.Errorf("%s: weights in spite of the error", name)
		}
		for _, words := range test.want {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: error %v, want %q in it", name, err, words)
			}
		}
	}
	if _, _, err := weighting.Calibrate(make([]float64, 12), x.known(), weighting.Metric{}, weighting.Settings{Tolerance: -1}); err == nil || errors.Unwrap(err) != nil {
		t.Errorf("negative tolerance: %v", err)
	}
}

// The record of a calibration that failed says how far it came.
func TestFailedCalibrationHasAStep(t *testing.T) {
	x := newTwelve()
	_, step, err := weighting.Calibrate(x.w, x.known(), weighting.Metric{Distance: weighting.Truncated, Lower: 0.95, Upper: 1.25}, weighting.Settings{})
	if err == nil || step.Converged || len(step.Rounds) == 0 {
		t.Fatalf("step %+v, error %v", step, err)
	}
	notes := step.Notes()
	if len(notes) != 1 || notes[0].Code != analysis.NotConverged || !strings.HasPrefix(notes[0].Subject, "calibrate: ") || notes[0].Value != step.Rounds[len(step.Rounds)-1] {
		t.Errorf("notes %+v", notes)
	}
}

// Trimming raked weights, and the standard errors after it, R 4.2.2, survey 4.1:
//
//	r <- calibrate(d, ~sex+age, c(140, 66, 72), calfun="raking", epsilon=1e-13)
//	trimWeights(r, upper=14, lower=9.6); trimWeights(r, upper=14.2, strict=TRUE)
func TestTrimAfterRakingAgreesWithR(t *testing.T) {
	x := newTwelve()
	raked, _, err := weighting.Rake(x.w, x.margins(), weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		limits weighting.Limits
		want   fromR
	}{
		"one pass": {weighting.Limits{Lower: 9.6, Upper: 14}, fromR{[]float64{11.724786714362, 12.3486736518048, 10.5514754017375, 11.3150235283132, 14, 9.6, 10.3162461372555, 13.3442807944594, 14.0172643474803, 9.6, 12.8818545293473, 10.30039489524},
			5.98892832128835, 0.297837391861851, 838.449964980369, 44.9792872320853}},
		"strict": {weighting.Limits{Upper: 14.2, Strict: true}, fromR{[]float64{11.7524008234707, 12.3762877609135, 10.5790895108462, 11.3426376374219, 14.2, 9.42382652893194, 10.3438602463642, 13.3718949035681, 14.0448784565891, 9.32764648908954, 12.909468638456, 10.3280090043488},
			5.98686732043458, 0.290170348475339, 838.161424860842, 42.5549837953159}},
	} {
		t.Run(name, func(t *testing.T) {
			w, step, err := weighting.Trim(raked, test.limits)
			if err != nil {
				t.Fatal(err)
			}
			check := checker(t, 1e-9)
			for i := range w {
				check("weight", w[i], test.want.w[i])
			}
			check("sum", step.Sum, 140)
			c := weighting.Known{Margins: x.margins()}.Calibration(weighting.Metric{})
			c.Weight = raked
			d := x.design(t, w, c)
			mean, err := d.Mean(x.score, nil)
			if err != nil {
				t.Fatal(err)
			}
			total, err := d.Total(x.score, nil)
			if err != nil {
				t.Fatal(err)
			}
			check("mean", mean.Value, test.want.mean)
			check("its SE", mean.SE, test.want.meanSE)
			check("its total", total.Value, test.want.sum)
			check("its SE", total.SE, test.want.sumSE)
		})
	}
}

// Totals that some factors within the bounds meet are met in every distance, however odd
// the sample: large and small weights, variables that are skew or nearly the same.
func TestCalibrateFindsWhatThereIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(12, 60).Draw(t, "people")
		w := rapid.SliceOfN(rapid.Float64Range(0.01, 100), n, n).Draw(t, "weights")
		g := rapid.SliceOfN(rapid.Float64Range(0.42, 2.9), n, n).Draw(t, "factors")
		x := rapid.SliceOfN(rapid.Float64Range(0, 8), n, n).Draw(t, "x")
		sex := weighting.Margin{Name: "sex", Levels: []string{"0", "1"}, Targets: make([]float64, 2)}
		area := weighting.Margin{Name: "area", Levels: []string{"0", "1", "2"}, Targets: make([]float64, 3)}
		skew := weighting.Total{Name: "skew", Values: make([]float64, n)}
		twin := weighting.Total{Name: "twin", Values: make([]float64, n)}
		for i := range n {
			sex.Level, area.Level = append(sex.Level, i%2), append(area.Level, i%3)
			skew.Values[i] = math.Exp(x[i])
			twin.Values[i] = x[i] + float64(i%5)/10
			sex.Targets[i%2] += w[i] * g[i]
			area.Targets[i%3] += w[i] * g[i]
			skew.Target += w[i] * g[i] * skew.Values[i]
			twin.Target += w[i] * g[i] * twin.Values[i]
		}
		known := weighting.Known{Margins: []weighting.Margin{sex, area}, Totals: []weighting.Total{skew, twin}}
		for _, m := range []weighting.Metric{
			{Distance: weighting.Raking},
			{Distance: weighting.Logit, Lower: 0.4, Upper: 3},
			{Distance: weighting.Truncated, Lower: 0.4, Upper: 3},
		} {
			got, step, err := weighting.Calibrate(w, known, m, weighting.Settings{})
			if err != nil {
				t.Fatalf("%v after %v", err, step.Rounds)
			}
			for _, f := range step.Margins {
				if math.Abs(f.After/f.Target-1) > 1e-10 {
					t.Fatalf("%s %s is %v of %v", f.Margin, f.Level, f.After, f.Target)
				}
			}
			if len(got) != n || len(step.Rounds) > 60 {
				t.Fatalf("%d rounds: %v", len(step.Rounds), step.Rounds)
			}
		}
	})
}

// Weights that do not know the size of the population are scaled on the way.
func TestRakingFromWeightsOfOne(t *testing.T) {
	x := newTwelve()
	margins := x.margins()
	for j := range margins {
		margins[j].Targets = slices.Clone(margins[j].Targets)
		for l := range margins[j].Targets {
			margins[j].Targets[l] *= 1e6
		}
	}
	ones := slices.Repeat([]float64{1}, 12)
	w, _, err := weighting.Calibrate(ones, weighting.Known{Margins: margins}, weighting.Metric{Distance: weighting.Raking}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	raked, _, err := weighting.Rake(ones, margins, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	check := checker(t, 1e-9)
	for i := range w {
		check("weight", w[i], raked[i])
	}
}

// Same input, same bits, on any number of cores.
func TestCalibrateIsTheSameOnAnyCores(t *testing.T) {
	w, known := manyPeople(200_000)
	var want []float64
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(cores)
		got, _, err := weighting.Calibrate(w, known, weighting.Metric{Distance: weighting.Raking}, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d cores give other weights than one", cores)
		}
	}
}
