package analysis_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"pgregory.net/rapid"
)

// twoStages is a random survey of two stages: strata of PSUs, PSUs of households.
type twoStages struct {
	stratum, psu, household []string
	first, second           []float64 // sampling fractions
	weight, y               []float64
	phase                   []string // stratum and PSU together
}

func drawStages(t *rapid.T, fractions ...float64) twoStages {
	fraction := rapid.SampledFrom(fractions)
	var s twoStages
	for h := range rapid.IntRange(1, 3).Draw(t, "strata") {
		f := fraction.Draw(t, "fraction of PSUs")
		for p := range rapid.IntRange(2, 4).Draw(t, "PSUs") {
			g := fraction.Draw(t, "fraction of households")
			for hh := range rapid.IntRange(2, 4).Draw(t, "households") {
				for range rapid.IntRange(1, 2).Draw(t, "people") {
					s.stratum, s.psu = append(s.stratum, fmt.Sprint("h", h)), append(s.psu, fmt.Sprint("p", p))
					s.household = append(s.household, fmt.Sprint(hh))
					s.phase = append(s.phase, fmt.Sprint(h, "/", p))
					s.first, s.second = append(s.first, f), append(s.second, g)
					s.weight = append(s.weight, rapid.Float64Range(0.5, 20).Draw(t, "weight"))
					s.y = append(s.y, rapid.Float64Range(-20, 100).Draw(t, "y"))
				}
			}
		}
	}
	return s
}

func (s twoStages) columns() analysis.Columns {
	return analysis.Columns{Weight: s.weight, Stages: []analysis.Stage{
		{Stratum: s.stratum, Unit: s.psu, Fraction: s.first},
		{Unit: s.household, Fraction: s.second},
	}}
}

// pick takes the elements at the places given.
func pick[T any](x []T, places []int) []T {
	picked := make([]T, len(places))
	for i, p := range places {
		picked[i] = x[p]
	}
	return picked
}

// bothTotals is the total, straight from the columns and from cells, which must agree.
func bothTotals(t *rapid.T, c analysis.Columns, y []float64) analysis.Estimate {
	t.Helper()
	d, err := analysis.NewDesign(c)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := d.Cells([]analysis.Variable{{Name: "y", Values: y}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := mustRapid(d.Total(y, nil))(t)
	same(t, "from cells", mustRapid(cells.Total("y", nil))(t), e, 1e5)
	return e
}

func mustDesign(t testing.TB, c analysis.Columns) *analysis.Design {
	t.Helper()
	d, err := analysis.NewDesign(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOrderOfRowsDoesNotMatterInStages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStages(t, 0.1, 0.5, 1)
		p := rapid.Permutation(count(len(s.y))).Draw(t, "order")
		shuffled := analysis.Columns{Weight: pick(s.weight, p), Stages: []analysis.Stage{
			{Stratum: pick(s.stratum, p), Unit: pick(s.psu, p), Fraction: pick(s.first, p)},
			{Unit: pick(s.household, p), Fraction: pick(s.second, p)},
		}}
		same(t, "total", bothTotals(t, shuffled, pick(s.y, p)), bothTotals(t, s.columns(), s.y), 1e5)
	})
}

// A census of PSUs and of households within them has no sampling error.
func TestCensusHasNoError(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStages(t, 1)
		if e := bothTotals(t, s.columns(), s.y); e.SE != 0 {
			t.Fatalf("SE of a census = %v, want 0", e.SE)
		}
	})
}

// With every PSU in the sample, PSUs are strata of households.
func TestCompleteFirstStageIsStratification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStages(t, 0.1, 0.5)
		for i := range s.first {
			s.first[i] = 1
		}
		strata := analysis.Columns{Weight: s.weight, Stratum: s.phase, PSU: s.household, Fraction: s.second}
		same(t, "total", bothTotals(t, s.columns(), s.y), bothTotals(t, strata, s.y), 1e5)
	})
}

// In a population without end the correction vanishes, and with it later stages.
func TestLargePopulationIsReplacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStages(t, 0.5)
		for i := range s.first {
			s.first[i] = 1e-14
		}
		want := bothTotals(t, analysis.Columns{Weight: s.weight, Stratum: s.stratum, PSU: s.psu}, s.y)
		same(t, "fraction 1e-14", bothTotals(t, s.columns(), s.y), want, 1e5)
		endless := s.columns()
		endless.Stages[0].Fraction, endless.Stages[0].Population = nil, slices.Repeat([]float64{math.Inf(1)}, len(s.y))
		same(t, "population +Inf", bothTotals(t, endless, s.y), want, 1e5)
	})
}

// A correction that is the same everywhere multiplies the variance of one stage by 1−f.
func TestFractionScalesTheVariance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStages(t, 0.5)
		f := rapid.Float64Range(0.01, 0.99).Draw(t, "fraction")
		want := bothTotals(t, analysis.Columns{Weight: s.weight, Stratum: s.stratum, PSU: s.psu}, s.y)
		want.SE *= math.Sqrt(1 - f)
		got := bothTotals(t, analysis.Columns{Weight: s.weight, Stratum: s.stratum, PSU: s.psu, Fraction: slices.Repeat([]float64{f}, len(s.y))}, s.y)
		same(t, "total", got, want, 1e5)
	})
}

// A first phase of PSUs and a second one of people within them is a sample of two
// stages (Särndal, Swensson and Wretman 1992, §9.1): the formulas are unlike, the
// numbers equal.
func TestTwoPhasesWithinPSUsAreTwoStages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c, stages analysis.Columns
		var selected []bool
		var y, selectedY []float64
		stages.Stages = make([]analysis.Stage, 2)
		for h := range rapid.IntRange(1, 3).Draw(t, "strata") {
			population := float64(rapid.IntRange(4, 9).Draw(t, "PSUs in the population"))
			for p := range rapid.IntRange(2, 4).Draw(t, "PSUs") {
				people := rapid.IntRange(2, 5).Draw(t, "people")
				taken := rapid.IntRange(2, people).Draw(t, "people taken")
				for i := range people {
					c.Stratum, c.PSU = append(c.Stratum, fmt.Sprint(h)), append(c.PSU, fmt.Sprint(p))
					c.Population = append(c.Population, population)
					selected = append(selected, i < taken)
					y = append(y, rapid.Float64Range(-20, 100).Draw(t, "y"))
					if i < taken {
						first, second := &stages.Stages[0], &stages.Stages[1]
						first.Stratum, first.Unit = append(first.Stratum, fmt.Sprint(h)), append(first.Unit, fmt.Sprint(p))
						first.Population = append(first.Population, population)
						second.Population = append(second.Population, float64(people))
						selectedY = append(selectedY, y[len(y)-1])
					}
				}
			}
		}
		second := &analysis.SecondPhase{Selected: selected, Variance: analysis.PhaseFull}
		for i := range y {
			second.Stratum = append(second.Stratum, c.Stratum[i]+"/"+c.PSU[i])
		}
		c.SecondPhase = second
		same(t, "total", bothTotals(t, c, y), bothTotals(t, stages, selectedY), 1e4)
	})
}

// When the second phase takes everybody, or the first phase was a census, the other
// phase is a design by itself.
func TestOneOfTwoPhasesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(4, 12).Draw(t, "people")
		y := rapid.SliceOfN(rapid.Float64Range(-20, 100), n, n).Draw(t, "y")
		population := slices.Repeat([]float64{float64(3 * n)}, n)
		everyone, half := slices.Repeat([]bool{true}, n), make([]bool, n)
		for i := range half {
			half[i] = i < 2
		}
		srs := bothTotals(t, analysis.Columns{Population: population}, y)
		fewer := bothTotals(t, analysis.Columns{Population: slices.Repeat([]float64{float64(n)}, 2)}, y[:2])
		for _, v := range []analysis.PhaseVariance{analysis.PhaseApprox, analysis.PhaseFull} {
			all := analysis.Columns{Population: population, SecondPhase: &analysis.SecondPhase{Selected: everyone, Variance: v}}
			same(t, "everybody", bothTotals(t, all, y), srs, 1e4)
			census := analysis.Columns{Population: slices.Repeat([]float64{float64(n)}, n), SecondPhase: &analysis.SecondPhase{Selected: half, Variance: v}}
			same(t, "census", bothTotals(t, census, y), fewer, 1e4)
		}
	})
}

// With equal chances every rule for unequal ones is simple random sampling: all joint
// probabilities are n(n−1)/N(N−1).
func TestEqualChancesAreSimpleRandomSampling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 8).Draw(t, "units")
		population := n + rapid.IntRange(1, 20).Draw(t, "others")
		y := rapid.SliceOfN(rapid.Float64Range(-20, 100), n, n).Draw(t, "y")
		want := bothTotals(t, analysis.Columns{Population: slices.Repeat([]float64{float64(population)}, n)}, y)
		chance := float64(n) / float64(population)
		joint := make([][]float64, n)
		for i := range joint {
			joint[i] = slices.Repeat([]float64{chance * float64(n-1) / float64(population-1)}, n)
			joint[i][i] = chance
		}
		for _, form := range []analysis.PairForm{analysis.YatesGrundy, analysis.HorvitzThompson} {
			for _, p := range []analysis.PPS{
				{Rule: analysis.PPSBrewer}, {Rule: analysis.PPSOverton, Form: form},
				{Rule: analysis.PPSHartleyRao, Form: form}, {Joint: joint, Form: form},
			} {
				c := analysis.Columns{Stages: []analysis.Stage{{Chance: slices.Repeat([]float64{chance}, n), PPS: p}}}
				same(t, fmt.Sprint(p.Rule, form), bothTotals(t, c, y), want, 1e4)
			}
		}
	})
}

// lonely has strata a and c of two PSUs and b and d of one; the totals are 1, 3 | 7 |
// 4, 10 | 20.
func lonely() (analysis.Columns, []float64) {
	return analysis.Columns{
		Weight:  []float64{1, 1, 1, 1, 1, 1},
		Stratum: []string{"a", "a", "b", "c", "c", "d"},
		PSU:     []string{"1", "2", "1", "1", "2", "1"},
	}, []float64{1, 3, 7, 4, 10, 20}
}

// Worked by hand: V_a = 2·(1+1) = 4, V_c = 2·(9+9) = 36.
func TestLonePSURulesByHand(t *testing.T) {
	c, y := lonely()
	for rule, want := range map[analysis.LonePSURule]float64{
		analysis.LoneRemove:    40,
		analysis.LoneCertainty: 40,
		analysis.LoneAverage:   80,                 // times 4 strata / 2
		analysis.LoneAdjust:    40 + 0.25 + 156.25, // (7 − 7.5)² and (20 − 7.5)², 7.5 = 45/6
		analysis.LoneCollapse:  4 + 4.0/3*144.75,   // b, c and d in one: Σ(x − 10.25)² of 7, 4, 10, 20
	} {
		d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: rule})
		e := must(d.Total(y, nil))(t)
		if math.Abs(e.SE*e.SE-want) > 1e-9 {
			t.Errorf("%s: variance %v, want %v", rule, e.SE*e.SE, want)
		}
	}
}

// Merged strata are one in the degrees of freedom, and a note names them.
func TestCollapseIsLogged(t *testing.T) {
	c, y := lonely()
	d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: analysis.LoneCollapse})
	e := must(d.Total(y, nil))(t)
	if e.DF != 4 { // 6 PSUs − (a and b+c+d)
		t.Errorf("df = %v, want 4", e.DF)
	}
	at := slices.IndexFunc(e.Notes, func(n analysis.Note) bool { return n.Code == analysis.MergedStrata })
	if at < 0 || e.Notes[at].Subject != "b + c + d" || e.Notes[at].Value != 1 {
		t.Errorf("notes %v, want one that b + c + d were merged", e.Notes)
	}
	if _, err := mustDesign(t, analysis.Columns{Weight: []float64{1}}).
		WithSettings(analysis.Settings{LonePSU: analysis.LoneCollapse}).Total([]float64{1}, nil); err == nil || !strings.Contains(err.Error(), "no stratum to merge") {
		t.Errorf("one PSU in all: error %v", err)
	}
}

// Merged strata have the population of both: a is 2 of 4, b, c and d together 4 of
// 5 + 10 + 5. See TestLonePSURulesByHand.
func TestCollapseAddsPopulations(t *testing.T) {
	c, y := lonely()
	c.Population = []float64{4, 4, 5, 10, 10, 5}
	d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: analysis.LoneCollapse})
	want := 0.5*4 + 0.8*4.0/3*144.75
	if e := must(d.Total(y, nil))(t); math.Abs(e.SE*e.SE-want) > 1e-9 {
		t.Errorf("variance %v, want %v", e.SE*e.SE, want)
	}
}

// A domain in a and in one PSU of c leaves c alone there; with LoneInDomains it is
// merged with what else is seen, a: 1, 3, 4, 0 around 2 in one stratum of 4 PSUs.
func TestCollapseInADomain(t *testing.T) {
	c, y := lonely()
	d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: analysis.LoneCollapse, LoneInDomains: true})
	e := must(d.Total(y, []bool{true, true, false, true, false, false}))(t)
	if want := 4.0 / 3 * 10; math.Abs(e.SE*e.SE-want) > 1e-9 || e.DF != 2 {
		t.Errorf("variance %v with %v df, want %v with 2", e.SE*e.SE, e.DF, want)
	}
}

// A complete stratum of one PSU is no lone PSU: it has no error at this stage.
func TestCertaintyPSU(t *testing.T) {
	c, y := lonely()
	c.Fraction = []float64{0, 0, 1, 0, 0, 1}
	d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: analysis.LoneFail})
	if e := must(d.Total(y, nil))(t); math.Abs(e.SE*e.SE-40) > 1e-9 {
		t.Errorf("variance %v, want 40", e.SE*e.SE)
	}
	// With chances of ½ in a and c: half of it.
	c.Fraction = nil
	c.Stages = []analysis.Stage{{Stratum: c.Stratum, Unit: c.PSU, Chance: []float64{0.5, 0.5, 1, 0.5, 0.5, 1}}}
	c.Stratum, c.PSU = nil, nil
	d = mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: analysis.LoneFail})
	if e := must(d.Total(y, nil))(t); math.Abs(e.SE*e.SE-20) > 1e-9 {
		t.Errorf("variance %v with chances, want 20", e.SE*e.SE)
	}
}

// The stages within a lone PSU count under every rule (as in R). One of two PSUs was
// taken, and of its 6 households three with totals 1, 2, 6: f₁ · (1 − ½) · 3/2 · 14.
func TestLaterStagesOfALonePSU(t *testing.T) {
	c := analysis.Columns{Weight: []float64{1, 1, 1}, Stages: []analysis.Stage{
		{Unit: []string{"p", "p", "p"}, Population: []float64{2, 2, 2}}, {Population: []float64{6, 6, 6}},
	}}
	d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: analysis.LoneRemove})
	if e := must(d.Total([]float64{1, 2, 6}, nil))(t); math.Abs(e.SE*e.SE-0.5*0.5*1.5*14) > 1e-12 {
		t.Errorf("variance %v, want 5.25", e.SE*e.SE)
	}
	_, err := d.WithSettings(analysis.Settings{LonePSU: analysis.LoneFail}).Total([]float64{1, 2, 6}, nil)
	if err == nil || !strings.Contains(err.Error(), "one PSU only in stratum") {
		t.Errorf("error %v, want one that names the stratum", err)
	}
}

// A single household in a PSU fails under LoneFail, with the PSU's name.
func TestLoneUnitOfALaterStage(t *testing.T) {
	c := analysis.Columns{Weight: []float64{1, 1, 1}, Stages: []analysis.Stage{
		{Unit: []string{"p", "p", "q"}, Population: []float64{4, 4, 4}}, {Population: []float64{6, 6, 6}},
	}}
	for _, rule := range []analysis.LonePSURule{analysis.LoneFail, analysis.LoneAverage} {
		d := mustDesign(t, c).WithSettings(analysis.Settings{LonePSU: rule})
		if _, err := d.Total([]float64{1, 2, 6}, nil); err == nil || !strings.Contains(err.Error(), `stage 2 within PSU "q" of stratum ""`) {
			t.Errorf("%s: error %v, want one that names the PSU", rule, err)
		}
	}
}

func TestStagesNameFaults(t *testing.T) {
	two := func(change func(*analysis.Columns)) analysis.Columns {
		c := analysis.Columns{Weight: []float64{1, 1, 1, 1}, Stages: []analysis.Stage{
			{Stratum: []string{"a", "a", "b", "b"}, Unit: []string{"1", "2", "1", "2"}}, {},
		}}
		change(&c)
		return c
	}
	first := func(change func(*analysis.Stage)) analysis.Columns {
		return two(func(c *analysis.Columns) { change(&c.Stages[0]) })
	}
	for name, test := range map[string]struct {
		columns analysis.Columns
		want    string
	}{
		"population smaller than sample": {first(func(s *analysis.Stage) { s.Population = []float64{1, 1, 9, 9} }), `stratum "a": its population is 1 units, but 2`},
		"population varies":              {first(func(s *analysis.Stage) { s.Population = []float64{9, 9, 9, 8} }), `the population of stratum "b" is 9 in one row and 8 in row 3`},
		"population of zero":             {first(func(s *analysis.Stage) { s.Population = []float64{9, 9, 0, 9} }), "the population of row 2 is 0"},
		"population missing":             {first(func(s *analysis.Stage) { s.Population = []float64{9, math.NaN(), 9, 9} }), "the population of row 1 is NaN"},
		"fraction is a count":            {first(func(s *analysis.Stage) { s.Fraction = []float64{9, 9, 9, 9} }), "numbers of units belong into Population"},
		"chance of zero":                 {first(func(s *analysis.Stage) { s.Chance = []float64{0, 1, 1, 1} }), "the chance of row 0 is 0"},
		"two sizes": {first(func(s *analysis.Stage) { s.Fraction, s.Chance = []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1} }),
			"more than one of Population, Fraction and Chance"},
		"no units in between": {first(func(s *analysis.Stage) { s.Unit = nil }), "has no units, but is not the last"},
		"short column":        {first(func(s *analysis.Stage) { s.Unit = s.Unit[:2] }), "2 PSUs for 4 rows"},
		"chance varies": {two(func(c *analysis.Columns) {
			c.Stages[0].Unit[1], c.Stages[0].Chance = "1", []float64{0.5, 0.4, 1, 1}
		}), `the chance of a unit of stratum "a" is 0.5 in one row and 0.4 in row 1`},
		"rule unknown":        {first(func(s *analysis.Stage) { s.PPS.Rule = "sampford" }), `rule "sampford" for unequal probabilities is unknown`},
		"rule without chance": {first(func(s *analysis.Stage) { s.PPS.Rule = analysis.PPSBrewer }), "needs the chance of each unit"},
		"joint missing":       {first(func(s *analysis.Stage) { s.PPS.Rule = analysis.PPSJoint }), "needs the joint probabilities"},
		"joint too small":     {first(func(s *analysis.Stage) { s.PPS.Joint = [][]float64{{1}} }), "1 rows of joint probabilities for 4 units"},
		"pairs later": {two(func(c *analysis.Columns) {
			c.Stages[1].Chance, c.Stages[1].PPS.Rule = []float64{1, 1, 1, 1}, analysis.PPSOverton
		}), "is for the first stage"},
		"both ways":     {two(func(c *analysis.Columns) { c.PSU = c.Stages[0].Unit }), "the columns have Stages and also a Stratum"},
		"no stages":     {two(func(c *analysis.Columns) { c.Stages = []analysis.Stage{} }), "empty list of Stages"},
		"no weights":    {two(func(c *analysis.Columns) { c.Weight = nil }), "there are no weights, and the stages do not give that of row 0"},
		"labels unique": {two(func(c *analysis.Columns) { c.UniqueUnits = true }), `PSU "1" is in stratum "a" and in stratum "b"`},
		"nobody selected": {analysis.Columns{Weight: []float64{1, 1, 1}, SecondPhase: &analysis.SecondPhase{Selected: make([]bool, 3)}},
			`nobody of stratum "" was selected`},
		"one selected": {analysis.Columns{Weight: []float64{1, 1, 1}, SecondPhase: &analysis.SecondPhase{Selected: []bool{true, false, false}}},
			`only one of 3 people of stratum ""`},
		"marks missing": {analysis.Columns{Weight: []float64{1, 1, 1}, SecondPhase: &analysis.SecondPhase{Selected: []bool{true}}},
			"1 marks of those selected for 3 rows"},
		"people in clusters": {analysis.Columns{Weight: []float64{1, 1, 1, 1}, PSU: []string{"1", "1", "2", "2"},
			SecondPhase: &analysis.SecondPhase{Selected: []bool{true, true, true, true}}}, `several people; use variance "full"`},
		"calibrated without base": {analysis.Columns{Weight: []float64{1, 1}, Calibration: &analysis.Calibration{}}, "give them in Columns.Base"},
		"margin missing": {analysis.Columns{Weight: []float64{1, 1}, Base: []float64{1, 1}, Calibration: &analysis.Calibration{
			Margins: []analysis.FactorColumn{{Factor: analysis.Factor{ID: "sex", Levels: []string{"f"}}, Level: []int{0, -1}}}}},
			`margin "sex" has level -1 in row 1`},
		"auxiliary missing": {analysis.Columns{Weight: []float64{1, 1}, Base: []float64{1, 1}, Calibration: &analysis.Calibration{
			Auxiliary: []analysis.Variable{{Name: "x", Values: []float64{1, math.NaN()}}}}}, `variable "x" is NaN in row 1`},
		"no weight before": {analysis.Columns{Weight: []float64{1, 1}, Base: []float64{1, 0}, Calibration: &analysis.Calibration{
			Auxiliary: []analysis.Variable{{Name: "x", Values: []float64{1, 1}}}}}, "row 1 has weight 1, but 0 before"},
		"no weight after": {analysis.Columns{Weight: []float64{1, 1}, Base: []float64{1, 1}, Calibration: &analysis.Calibration{
			Weight: []float64{0, 1}}}, "row 0 has weight 1, but 0 right after the calibration"},
		"weights after for one": {analysis.Columns{Weight: []float64{1, 1}, Base: []float64{1, 1}, Calibration: &analysis.Calibration{
			Weight: []float64{1}}}, "1 weights right after it for 2 rows"},
	} {
		if _, err := analysis.NewDesign(test.columns); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}

// Weights that were halved and doubled after their calibration: groups of a table and
// direct estimates have the same residuals, weights that were given twice change nothing,
// and cells refuse.
func TestWeightsChangedAfterCalibration(t *testing.T) {
	s := synthetic.Draw(3_000).Shuffled()
	columns := s.Columns
	columns.Base = slices.Repeat([]float64{1}, len(s.Score))
	columns.Calibration = &analysis.Calibration{Margins: s.Factors[:1]}
	before := must(mustDesign(t, columns).Total(s.Score, nil))(t)
	columns.Calibration = &analysis.Calibration{Margins: s.Factors[:1], Weight: columns.Weight}
	if same := must(mustDesign(t, columns).Total(s.Score, nil))(t); same.SE != before.SE {
		t.Errorf("SE %v with weights that did not change, %v without saying so", same.SE, before.SE)
	}
	columns.Weight = slices.Clone(columns.Weight)
	for i := range columns.Weight {
		columns.Weight[i] *= []float64{0.5, 1, 2}[i%3]
	}
	d := mustDesign(t, columns)
	table, err := d.MeanTable(s.Score, nil, s.Factors[1])
	if err != nil {
		t.Fatal(err)
	}
	for l, g := range table.Groups {
		in := make([]bool, len(s.Score))
		for i, level := range s.Factors[1].Level {
			in[i] = level == l
		}
		if e := must(d.Mean(s.Score, in))(t); !near(g.Estimate.SE, e.SE, 1e-12) {
			t.Errorf("group %v has SE %v, its people %v", g.Domain, g.Estimate.SE, e.SE)
		}
	}
	if _, err := d.Cells(nil, nil); err == nil || !strings.Contains(err.Error(), "changed after their calibration") {
		t.Errorf("cells of changed weights: %v", err)
	}
}

// Every number must be the same on any number of cores, to the last bit.
func TestSameBitsOnAnyCores(t *testing.T) {
	s := synthetic.Draw(50_000).Shuffled()
	n := len(s.Score)
	household, half := make([]string, n), slices.Repeat([]float64{0.5}, n)
	for i := range household {
		household[i] = fmt.Sprint(i / 3)
	}
	columns := analysis.Columns{Weight: s.Columns.Weight, Base: slices.Repeat([]float64{1}, n), Stages: []analysis.Stage{
		{Stratum: s.Columns.Stratum, Unit: s.Columns.PSU, Fraction: half}, {Unit: household, Fraction: half}},
		Calibration: &analysis.Calibration{Margins: s.Factors[:1], Auxiliary: []analysis.Variable{{Name: "score", Values: s.Score}}}}
	var want string
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(cores)
		d := mustDesign(t, columns)
		v, err := d.ProportionVector(s.Factors[2], nil)
		if err != nil {
			t.Fatal(err)
		}
		table, err := d.MeanTable(s.Score, nil, s.Domains()[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(v.Cov, table.Cov, must(d.Total(s.Score, nil))(t))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d cores give other numbers than one", cores)
		}
	}
}
