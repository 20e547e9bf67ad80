package weigh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// wave is a synthetic wave with its questionnaire and the plan of its analysis.
type wave struct {
	*assess.Memory
	q *surveys.Questionnaire
	p *assess.Plan
}

// civic makes a wave of the civic literacy questionnaire: 480 people in 40 PSUs of 4
// strata. Of 12 people of a PSU ten respond in even PSUs, which are urban, and eight in
// the others.
func civic(t *testing.T) wave {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(library.FS, "civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	m := &assess.Memory{Wave: "w", Weights: map[string][]assess.CaseWeight{}}
	cities := p.Factor("city").Levels
	for i := range 480 {
		psu := i / 12
		residence, respond := "urban", 10
		if psu%2 == 1 {
			residence, respond = "rural", 8
		}
		c := fieldwork.Case{
			ID: fmt.Sprintf("c%03d", i), Stratum: fmt.Sprintf("s%d", psu%4), PSU: fmt.Sprintf("p%02d", psu),
			Weight: 50 + 100*rng.Float64(),
			Columns: map[string]string{
				"city": cities[psu%len(cities)].Code, "class": residence, "adults": fmt.Sprint(1 + i%3),
				"mode": []string{"visit", "online"}[psu/2%2],
			},
		}
		m.Cases = append(m.Cases, c)
		if i%12 < respond {
			m.Responses = append(m.Responses, surveys.Response{Seq: uint64(i), Interview: surveys.Interview{
				ID: "i" + c.ID, Revision: 1, Wave: "w", Case: c.ID, Answers: answers(rng, q),
			}})
		}
	}
	return wave{m, q, p}
}

// answers are those of a person who knows a share of the right ones.
func answers(rng *rand.Rand, q *surveys.Questionnaire) surveys.Answers {
	ability := 0.35 + 0.6*rng.Float64()
	a := surveys.Answers{
		"sex": {[]string{"1", "2"}[rng.IntN(2)]}, "age": {fmt.Sprint(18 + rng.IntN(52))},
		"education": {[]string{"primary", "junior", "senior", "college", "bachelor"}[rng.IntN(5)]},
	}
	for it := range q.Items {
		switch {
		case len(it.Key) == 0:
		case rng.Float64() < ability:
			a[it.ID] = it.Key[:1]
		default:
			a[it.ID] = []string{surveys.DontKnow}
		}
	}
	return a
}

const (
	head = "title: {zh: 权数, en: Weights}\nname: test\n"
	// sexResidence are margins of 48,000 people.
	sexResidence = `margins:
  - factors: [sex]
    targets: {male: 25000, female: 23000}
  - factors: [residence]
    targets: {urban: 34000, rural: 14000}
`
)

// read reads a plan that must be right.
func (w wave) read(t *testing.T, text string) *weigh.Plan {
	t.Helper()
	p, err := weigh.ReadPlan("weights.yaml", []byte(text), w.q, w.p.Factors)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// input is what a plan is run on.
func (w wave) input(p *weigh.Plan, files fs.FS) weigh.Input {
	return weigh.Input{Wave: w.Wave, Questionnaire: w.q, Plan: p, Files: files, Library: library.FS, Program: "suyang test"}
}

// run carries out a plan that must succeed, and puts the weights into the wave.
func (w wave) run(t *testing.T, text string) ([]assess.CaseWeight, *assess.Weighting) {
	t.Helper()
	weights, record, err := weigh.Run(t.Context(), w, w.input(w.read(t, text), nil))
	if err != nil {
		t.Fatal(err)
	}
	w.Weights[record.ID()] = weights
	return weights, record
}

// cells are those of the weights.
func (w wave) cells(t *testing.T, weights string) *analysis.Cells {
	t.Helper()
	c, err := w.Cells(t.Context(), assess.Query{Wave: w.Wave, Questionnaire: w.q, Factors: w.p.Factors, Weights: weights})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// near fails unless got is want up to rounding of sums of 400 terms.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// sizes checks weighted counts, by factor=level.
func (w wave) sizes(t *testing.T, weights string, want map[string]float64) {
	t.Helper()
	c := w.cells(t, weights)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		factor, level, _ := strings.Cut(name, "=")
		size, err := c.Size(analysis.Domain{factor: level})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "people with "+name, size.Value, want[name])
	}
}

func whats(r *assess.Weighting) []string {
	var list []string
	for _, s := range r.Steps {
		list = append(list, s.What)
	}
	return list
}

// Substitutes were not drawn: with them everybody else has the weight that they have without.
func TestSubstitutesAreLeftOut(t *testing.T) {
	plan := head + "steps:\n  - base: {}\n  - nonresponse: {by: [residence]}\n"
	want, _ := civic(t).run(t, plan)
	w := civic(t)
	first := w.Cases[0]
	for i, stands := range []string{w.Cases[10].ID, w.Cases[11].ID} {
		c := first
		c.ID, c.Columns = fmt.Sprintf("s%d", i), maps.Clone(first.Columns)
		c.Columns[fieldwork.ColumnSubstitute] = stands
		w.Cases = append(w.Cases, c)
	}
	r := w.Responses[0]
	r.ID, r.Case = "of a substitute", "s0"
	w.Responses = append(w.Responses, r)
	got, record := w.run(t, plan)
	if !slices.Equal(got, want) || record.Substitutes != 2 || record.Unweighted != 1 {
		t.Errorf("%d weights with substitutes and %d without; the record has %d substitutes, and %d interviews without a weight", len(got), len(want), record.Substitutes, record.Unweighted)
	}
}

// The factor of each class is Σw of all / Σw of respondents there, so that the respondents
// add up to the sample in every class; computed here from the sample alone.
func TestNonresponseByClass(t *testing.T) {
	w := civic(t)
	weights, record := w.run(t, head+"steps:\n  - base: {}\n  - nonresponse: {by: [residence]}\n")
	all, responding := map[string]float64{}, map[string]float64{}
	responded := map[string]bool{}
	for _, r := range w.Responses {
		responded[r.Case] = true
	}
	byCase := map[string]fieldwork.Case{}
	for _, c := range w.Cases {
		byCase[c.ID] = c
		all[c.Columns["class"]] += c.Weight
		if responded[c.ID] {
			responding[c.Columns["class"]] += c.Weight
		}
	}
	if len(weights) != 360 { // 20 PSUs × 10 + 20 × 8
		t.Fatalf("%d weights, want 360", len(weights))
	}
	for _, x := range weights {
		c := byCase[x.Case]
		near(t, "weight of "+x.Case, x.Weight, c.Weight*all[c.Columns["class"]]/responding[c.Columns["class"]])
		if x.Base != x.Weight {
			t.Errorf("case %s: %v before the last calibration, but there is none; want %v", x.Case, x.Base, x.Weight)
		}
	}
	if got := whats(record); !slices.Equal(got, []string{"base weights", "nonresponse"}) {
		t.Errorf("steps %v", got)
	}
	if got := record.Given(); !slices.Equal(got, []string{assess.GivenNonresponse, assess.GivenAll}) {
		t.Errorf("Given() = %v", got)
	}
}

// Without a step for nonresponse, those who did not respond lose their weight all the
// same, and the record says so.
func TestRakingAloneSaysWhoIsLeftOut(t *testing.T) {
	w := civic(t)
	_, record := w.run(t, head+sexResidence+"steps:\n  - base: {}\n  - rake: {}\n")
	if got := whats(record); !slices.Equal(got, []string{"base weights", "leave out", "rake"}) {
		t.Fatalf("steps %v", got)
	}
	if c := record.Steps[1].Classes[0]; c.Name != "nonrespondents" || c.N != 120 {
		t.Errorf("left out %+v, want 120 nonrespondents", c)
	}
	w.sizes(t, "test", map[string]float64{"sex=male": 25000, "sex=female": 23000, "residence=urban": 34000, "residence=rural": 14000})
}

const chain = head + sexResidence + `steps:
  - base: {}
  - nonresponse: {by: [residence]}
  - rake: {}
  - trim: {upper: 1.8, of-median: true}
  - rake: {}
`

// Standard errors after nonresponse, raking, trimming and raking again are those of a
// design whose weights before calibration are the ones after trimming.
func TestErrorsKnowTheLastCalibration(t *testing.T) {
	w := civic(t)
	weights, record := w.run(t, chain)
	w.sizes(t, "test", map[string]float64{"sex=male": 25000, "sex=female": 23000, "residence=urban": 34000, "residence=rural": 14000})
	if s := record.Steps[3]; s.What != "trim" || s.Classes[2].N == 0 {
		t.Fatalf("the trimming did nothing, so this test shows nothing: %+v", s)
	}
	if want := []string{assess.GivenNonresponse, assess.GivenCalibration, assess.GivenTrimming}; !slices.Equal(record.Given(), want) {
		t.Errorf("Given() = %v, want %v", record.Given(), want)
	}
	r, err := assess.Assess(t.Context(), w, w.q, w.p, assess.Options{Wave: "w", Weighting: record})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Calibrated || len(r.Headline[0].Estimate.Notes) > 0 {
		t.Errorf("calibrated %v, notes %v", r.Calibrated, r.Headline[0].Estimate.Notes)
	}
	want := w.direct(t, weights, []string{"sex", "residence"})
	got := r.Headline[0].Estimate
	near(t, "rate", got.Value, want.Value)
	near(t, "SE", got.SE, want.SE)
	// R 4.2.2 with survey 4.1.1 on the units of this wave: base × Σbase/Σbase of
	// respondents by residence; rake(..., control=list(maxit=200, epsilon=1e-9));
	// trimWeights(upper=1.8*median); a new svydesign with these weights; calibrate(~sex +
	// residence, calfun="raking", epsilon=1e-12); svymean. The largest relative difference
	// of a weight is 3e-13.
	near(t, "score of R", r.Score[0].Estimate.Value, 64.3519860953879)
	near(t, "SE of the score of R", r.Score[0].Estimate.SE, 1.11668359729215)
	near(t, "rate of R", got.Value, 0.417055177470133)
	near(t, "SE of the rate of R", got.SE, 0.0293072020573258)
}

// direct estimates the literacy rate with a design made from rows, whose weights were
// calibrated to the margins of the factors.
func (w wave) direct(t *testing.T, weights []assess.CaseWeight, factors []string) analysis.Estimate {
	t.Helper()
	units, err := w.Units(t.Context(), assess.Query{Wave: "w", Questionnaire: w.q, Factors: w.p.Factors})
	if err != nil {
		t.Fatal(err)
	}
	byCase := map[string]assess.CaseWeight{}
	for _, x := range weights {
		byCase[x.Case] = x
	}
	cols := analysis.Columns{Calibration: &analysis.Calibration{}}
	var literate []float64
	for _, u := range units {
		x := byCase[u.Case]
		cols.Weight, cols.Base = append(cols.Weight, x.Weight), append(cols.Base, x.Base)
		cols.Stratum, cols.PSU = append(cols.Stratum, u.Stratum), append(cols.PSU, u.PSU)
		right := 0.0
		if w.q.Criterion.Reaches(u.Score, w.q.Criterion.Cut) {
			right = 1
		}
		literate = append(literate, right)
	}
	for _, id := range factors {
		k := slices.IndexFunc(w.p.Factors, func(f assess.Factor) bool { return f.ID == id })
		c := analysis.FactorColumn{Factor: analysis.Factor{ID: id}}
		for _, l := range w.p.Factors[k].Levels {
			c.Levels = append(c.Levels, l.Code)
		}
		for _, u := range units {
			c.Level = append(c.Level, u.Levels[k])
		}
		cols.Calibration.Margins = append(cols.Calibration.Margins, c)
	}
	d, err := analysis.NewDesign(cols)
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Proportion(literate, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A calibration that is followed by trimming is none any more; normalising keeps it.
func TestWhatEndsACalibration(t *testing.T) {
	w := civic(t)
	for _, c := range []struct {
		name, last string
		calibrated bool
	}{
		{"trimming that moves weights", "  - trim: {upper: 1.2, of-median: true}\n", false},
		{"trimming that moves none", "  - trim: {upper: 100, of-median: true}\n", true},
		{"normalising", "  - normalise: {}\n", true},
	} {
		weights, record := w.run(t, head+sexResidence+"steps:\n  - base: {}\n  - rake: {}\n"+c.last)
		if got := len(record.Calibration) > 0; got != c.calibrated {
			t.Errorf("%s: calibrated %v, want %v", c.name, got, c.calibrated)
		}
		if got := slices.Contains(record.Given(), assess.GivenAll); got == c.calibrated {
			t.Errorf("%s: Given() = %v", c.name, record.Given())
		}
		if !c.calibrated && weights[0].Base != weights[0].Weight {
			t.Errorf("%s: weights before a calibration that does not hold: %+v", c.name, weights[0])
		}
	}
}

// Merged levels of a margin are met together, and errors know of the merged margin.
func TestCollapse(t *testing.T) {
	w := civic(t)
	m := `margins:
  - factors: [education]
    targets: {primary: 12000, junior: 10000, senior: 9000, college: 9000, bachelor: 8000}
`
	weights, record := w.run(t, head+m+"steps:\n  - base: {}\n  - collapse: {margin: education, least: 100}\n  - rake: {}\n")
	calibrated := record.Calibration[0]
	if len(calibrated.Merged) < 2 || len(calibrated.Merged) > 4 {
		t.Fatalf("merged %v; the test wants some levels merged, not all", calibrated.Merged)
	}
	counts := []float64{12000, 10000, 9000, 9000, 8000}
	levels := w.p.Factor("education").Levels
	c := w.cells(t, "test")
	seen := 0
	for _, group := range calibrated.Merged {
		var got, want float64
		for _, l := range group {
			size, err := c.Size(analysis.Domain{"education": levels[l].Code})
			if err != nil {
				t.Fatal(err)
			}
			got, want = got+size.Value, want+counts[l]
			seen++
		}
		near(t, fmt.Sprintf("people of levels %v", group), got, want)
	}
	if seen != 5 {
		t.Errorf("%d levels in the groups, want 5", seen)
	}
	r, err := assess.Assess(t.Context(), w, w.q, w.p, assess.Options{Wave: "w", Weighting: record})
	if err != nil {
		t.Fatal(err)
	}
	// The same design from rows, with education classified into the groups.
	merged := w
	plan := *w.p
	plan.Factors = slices.Clone(w.p.Factors)
	k := slices.IndexFunc(plan.Factors, func(f assess.Factor) bool { return f.ID == "education" })
	grouped := assess.Factor{ID: "education", Answer: "education"}
	for _, group := range calibrated.Merged {
		l := assess.Level{Code: fmt.Sprint(group)}
		for _, i := range group {
			l.Values = append(l.Values, levels[i].Values...)
		}
		grouped.Levels = append(grouped.Levels, l)
	}
	plan.Factors[k] = grouped
	merged.p = &plan
	want := merged.direct(t, weights, []string{"education"})
	near(t, "SE", r.Headline[0].Estimate.SE, want.SE)
	if !r.Calibrated {
		t.Error("the standard errors do not know the merged margin")
	}
}

// The other steps, each by what it promises.
func TestSteps(t *testing.T) {
	w := civic(t)
	sum := func(weights []assess.CaseWeight, of func(fieldwork.Case) float64) float64 {
		byCase := map[string]fieldwork.Case{}
		for _, c := range w.Cases {
			byCase[c.ID] = c
		}
		total := 0.0
		for _, x := range weights {
			total += x.Weight * of(byCase[x.Case])
		}
		return total
	}
	one := func(fieldwork.Case) float64 { return 1 }
	total := 0.0
	for _, c := range w.Cases {
		total += c.Weight
	}
	t.Run("eligible persons", func(t *testing.T) {
		want := 0.0
		for i, c := range w.Cases {
			want += c.Weight * float64(1+i%3)
		}
		weights, _ := w.run(t, head+"steps:\n  - base: {eligible: adults}\n  - nonresponse: {by: []}\n")
		near(t, "sum", sum(weights, one), want)
	})
	t.Run("propensity classes", func(t *testing.T) {
		weights, record := w.run(t, head+"steps:\n  - base: {}\n  - propensity: {terms: [residence, city], classes: 3, least: 5}\n")
		near(t, "sum", sum(weights, one), total)
		if record.Steps[1].What != "response propensity" {
			t.Errorf("steps %v", whats(record))
		}
	})
	t.Run("post-stratification", func(t *testing.T) {
		w.run(t, head+sexResidence+"steps:\n  - base: {}\n  - post-stratify: {margin: residence}\n")
		w.sizes(t, "test", map[string]float64{"residence=urban": 34000, "residence=rural": 14000})
	})
	t.Run("calibration within bounds", func(t *testing.T) {
		weights, _ := w.run(t, head+sexResidence+"steps:\n  - base: {}\n  - normalise: {sum: 48000}\n  - calibrate: {distance: logit, lower: 0.5, upper: 2}\n")
		w.sizes(t, "test", map[string]float64{"sex=male": 25000, "residence=rural": 14000})
		for _, x := range weights {
			if f := x.Weight / x.Base; !(f >= 0.5 && f <= 2) {
				t.Errorf("case %s: factor %v", x.Case, f)
			}
		}
	})
	t.Run("normalise", func(t *testing.T) {
		weights, _ := w.run(t, head+"steps:\n  - base: {}\n  - normalise: {sum: 1000}\n")
		near(t, "sum", sum(weights, one), 1000)
	})
	t.Run("separate modes", func(t *testing.T) {
		_, record := w.run(t, head+"steps:\n  - base: {}\n  - separate: {by: mode}\n")
		if c := record.Steps[1].Classes; len(c) != 2 || c[0].Name != "online" || c[1].Name != "visit" || c[0].N+c[1].N != 480 {
			t.Errorf("modes %+v", c)
		}
	})
	t.Run("composite modes", func(t *testing.T) {
		base, _ := w.run(t, head+"steps:\n  - base: {}\n")
		weights, record := w.run(t, head+"steps:\n  - base: {}\n  - composite: {by: mode, shares: {visit: 0.75, online: 0.25}}\n")
		online := func(c fieldwork.Case) float64 {
			if c.Columns["mode"] == "online" {
				return 1
			}
			return 0
		}
		near(t, "online", sum(weights, online), 0.25*sum(base, online))
		near(t, "all", sum(weights, one), 0.25*sum(base, online)+0.75*(sum(base, one)-sum(base, online)))
		if !slices.Contains(record.Given(), assess.GivenModes) {
			t.Errorf("Given() = %v", record.Given())
		}
	})
	t.Run("composite modes of the smallest variance", func(t *testing.T) {
		_, record := w.run(t, head+"steps:\n  - base: {}\n  - composite: {by: mode, overlap: {column: class, values: [urban]}}\n")
		s := record.Steps[len(record.Steps)-1]
		shares := 0.0
		for _, x := range s.Settings {
			if strings.HasPrefix(x.Name, "share of ") {
				shares += x.Value
			}
		}
		near(t, "shares", shares, 1)
	})
}

// What the sample file says of cases without a response decides what becomes of their
// weights.
func TestStatus(t *testing.T) {
	w := civic(t)
	var all, ineligible, unknown float64
	for i := range w.Cases {
		c := &w.Cases[i]
		c.Columns["disposition"] = ""
		switch i % 12 { // 10 and 11 have not responded anywhere
		case 10:
			c.Columns["disposition"] = "vacant"
			ineligible += c.Weight
		case 11:
			c.Columns["disposition"] = "no contact"
			unknown += c.Weight
		}
		all += c.Weight
	}
	text := head + "status: {column: disposition, ineligible: [vacant], unknown: [no contact]}\nsteps:\n  - base: {}\n  - unknown-eligibility: {by: []}\n  - nonresponse: {by: []}\n"
	_, record := w.run(t, text)
	// The unknown give their weight to all others, in proportion; the ineligible then leave
	// with theirs.
	near(t, "sum after unknown eligibility", record.Steps[1].Sum, all)
	near(t, "sum after nonresponse", record.Steps[2].Sum, all-ineligible*all/(all-unknown))
	// In each of 40 PSUs one is vacant and one not contacted; in the 20 rural ones two more
	// have not responded.
	if want := (assess.Outcomes{Respondents: 360, Nonrespondents: 40, Ineligible: 40, Unknown: 40}); record.Outcomes != want {
		t.Errorf("outcomes %+v, want %+v", record.Outcomes, want)
	}

	w.Cases[0].Columns["disposition"] = "vacant" // but has a score
	_, _, err := weigh.Run(t.Context(), w, w.input(w.read(t, text), nil))
	wantError(t, err, "1 cases have a response with a score", `"disposition"`, "c000 (vacant)")
}

// Who ends early does not belong to the population, unless the plan says otherwise.
func TestResponsesWithoutAScore(t *testing.T) {
	w := civic(t)
	w.Responses[3].Answers = surveys.Answers{"age": {"75"}, "sex": {"1"}, "resident": {"1"}}
	total := 0.0
	var early float64
	for _, c := range w.Cases {
		total += c.Weight
		if c.ID == w.Responses[3].Case {
			early = c.Weight
		}
	}
	steps := "steps:\n  - base: {}\n  - nonresponse: {by: []}\n"
	_, record := w.run(t, head+steps)
	near(t, "sum", record.Steps[1].Sum, total-early)
	weights, record := w.run(t, head+"status: {unscored: nonrespondent}\n"+steps)
	near(t, "sum", record.Steps[1].Sum, total)
	if len(weights) != 359 || record.Unscored != "nonrespondent" {
		t.Errorf("%d weights, unscored %q, want 359, nonrespondent", len(weights), record.Unscored)
	}
}

// Respondents without a level of a margin are an error that says how many and which, and
// lose their weight where the plan says so.
func TestMissingLevels(t *testing.T) {
	w := civic(t)
	for _, i := range []int{3, 8} {
		w.Responses[i].Answers = maps.Clone(w.Responses[i].Answers)
		w.Responses[i].Answers["sex"] = []string{surveys.Refused}
	}
	plan := w.read(t, head+sexResidence+"steps:\n  - base: {}\n  - rake: {}\n")
	_, record, err := weigh.Run(t.Context(), w, w.input(plan, nil))
	wantError(t, err, "step 2 of the plan, rake", "2 respondents have no level of the margin sex: c003, c008", "missing: drop")
	if record == nil || len(record.Steps) != 2 {
		t.Errorf("record %+v, want the steps before the fault", record)
	}
	drop := strings.Replace(sexResidence, "factors: [sex]", "factors: [sex]\n    missing: drop", 1)
	weights, record := w.run(t, head+drop+"steps:\n  - base: {}\n  - rake: {}\n")
	if c := record.Steps[2].Classes[0]; len(weights) != 358 || c.Name != "missing: sex" || c.N != 2 {
		t.Errorf("%d weights, left out %+v, want 358 and two for their sex", len(weights), c)
	}
	w.sizes(t, "test", map[string]float64{"sex=male": 25000, "residence=urban": 34000})
	r, err := assess.Assess(t.Context(), w, w.q, w.p, assess.Options{Wave: "w", Weighting: record})
	if err != nil || !r.Calibrated {
		t.Errorf("Assess(): %v, calibrated %v", err, r.Calibrated)
	}
}

// A plan may classify people in its own way; errors know of such margins too.
func TestFactorsOfThePlan(t *testing.T) {
	w := civic(t)
	weights, record := w.run(t, head+`factors:
  - id: schooled
    title: {zh: 学历, en: Schooling}
    answer: education
    levels:
      - {code: less, name: {zh: 低, en: Less}, values: [primary, junior]}
      - {code: more, name: {zh: 高, en: More}, values: [senior, college, bachelor]}
margins:
  - factors: [schooled]
    targets: {less: 22000, more: 26000}
steps:
  - base: {}
  - rake: {}
`)
	w.sizes(t, "test", nil)
	c := w.cells(t, "test")
	less := 0.0
	for _, code := range []string{"primary", "junior"} {
		size, err := c.Size(analysis.Domain{"education": code})
		if err != nil {
			t.Fatal(err)
		}
		less += size.Value
	}
	near(t, "people with less schooling", less, 22000)
	r, err := assess.Assess(t.Context(), w, w.q, w.p, assess.Options{Wave: "w", Weighting: record})
	if err != nil {
		t.Fatal(err)
	}
	own := w
	if len(record.Factors) != 1 {
		t.Fatalf("%d factors in the record, want the one of the plan", len(record.Factors))
	}
	own.p = &assess.Plan{Factors: record.Factors}
	near(t, "SE", r.Headline[0].Estimate.SE, own.direct(t, weights, []string{"schooled"}).SE)
}

// The same plan on the same data gives the same bytes, in whatever order responses came.
func TestSameInputSameBytes(t *testing.T) {
	run := func(shuffled bool) []byte {
		w := civic(t)
		if shuffled {
			slices.Reverse(w.Responses)
			slices.Reverse(w.Cases)
		}
		weights, record := w.run(t, chain)
		text, err := json.Marshal([]any{weights, record})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if first, second := run(false), run(true); !bytes.Equal(first, second) {
		t.Error("two runs of the same plan on the same data differ")
	}
}

// The digests tell other samples and other responses apart.
func TestDigests(t *testing.T) {
	w := civic(t)
	_, before := w.run(t, chain)
	w.Cases[7].Weight++
	_, sample := w.run(t, chain)
	if sample.Sample == before.Sample || sample.Responses != before.Responses {
		t.Error("another weight in the sample must change the digest of the sample alone")
	}
	other := map[string]string{"1": "2", "2": "1"}
	answers := maps.Clone(w.Responses[7].Answers)
	answers["sex"] = []string{other[answers.First("sex")]}
	w.Responses[7].Answers = answers
	_, responses := w.run(t, chain)
	if responses.Sample != sample.Sample || responses.Responses == sample.Responses {
		t.Error("another answer must change the digest of the responses alone")
	}
}

// Margins come from the census, from a table, or from the plan.
func TestSourcesOfMargins(t *testing.T) {
	w := civic(t)
	table := "residence,people,year\nurban,34000,2020\nrural,14000,2020\n"
	files := fstest.MapFS{"residence.csv": {Data: []byte(table)}}
	plan := w.read(t, head+"margins:\n  - {factors: [residence], file: residence.csv, count: people}\nsteps:\n  - base: {}\n  - rake: {}\n")
	weights, record, err := weigh.Run(t.Context(), w, w.input(plan, files))
	if err != nil {
		t.Fatal(err)
	}
	w.Weights["test"] = weights
	w.sizes(t, "test", map[string]float64{"residence=urban": 34000, "residence=rural": 14000})
	if len(record.Files) != 1 || record.Files[0].Name != "residence.csv" || len(record.Files[0].Hash) != 64 {
		t.Errorf("files %+v", record.Files)
	}
	_, _, err = weigh.Run(t.Context(), w, w.input(plan, fstest.MapFS{}))
	wantError(t, err, "margin residence", "residence.csv", "beside the plan")

	// The same as shares of 48,000 people.
	files["share.csv"] = &fstest.MapFile{Data: []byte("residence,percent\nurban,75\nrural,25\n")}
	plan = w.read(t, head+"margins:\n  - {factors: [residence], file: share.csv, share: percent, total: 48000}\nsteps:\n  - base: {}\n  - rake: {}\n")
	if w.Weights["test"], _, err = weigh.Run(t.Context(), w, w.input(plan, files)); err != nil {
		t.Fatal(err)
	}
	w.sizes(t, "test", map[string]float64{"residence=urban": 36000, "residence=rural": 12000})

	// 48,882,983 people aged 18–69, of census2020/README.md.
	_, record = w.run(t, head+"margins:\n  - {factors: [sex, age_group], census: \"330000\"}\n  - {factors: [residence], census: \"330000\"}\nsteps:\n  - base: {}\n  - rake: {}\n")
	if s := record.Steps[len(record.Steps)-1]; math.Abs(s.Sum-48882983) > 1 {
		t.Errorf("sum %v, want 48,882,983", s.Sum)
	}
	if len(record.Assumptions) == 0 || len(record.Files) == 0 {
		t.Errorf("assumptions %v, files %v", record.Assumptions, record.Files)
	}
}

// A raking that stops before its goal is an error with its record; where the plan accepts
// it, every estimate says so.
func TestNotConverged(t *testing.T) {
	w := civic(t)
	text := head + sexResidence + "steps:\n  - base: {}\n  - rake: {max-rounds: 1}\n"
	weights, record, err := weigh.Run(t.Context(), w, w.input(w.read(t, text), nil))
	wantError(t, err, "did not converge in 1 rounds", "has", "respondents and a target of", "step collapse", "accept: not-converged")
	if weights != nil || record == nil || record.Steps[len(record.Steps)-1].Converged {
		t.Errorf("%d weights, record %+v, want none with a record", len(weights), record)
	}
	_, record = w.run(t, "accept: not-converged\n"+text)
	r, err := assess.Assess(t.Context(), w, w.q, w.p, assess.Options{Wave: "w", Weighting: record})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []analysis.Estimate{r.Headline[0].Estimate, r.Score[0].Estimate, r.Tables[1].Groups[0].Rows[0].Estimate} {
		if !slices.ContainsFunc(e.Notes, func(n analysis.Note) bool { return n.Code == analysis.NotConverged }) {
			t.Errorf("notes %v, want that the weights did not converge", e.Notes)
		}
	}
}

func TestRunFaults(t *testing.T) {
	steps := "steps:\n  - base: {}\n"
	for _, c := range []struct {
		name   string
		plan   string
		change func(w wave)
		want   []string
	}{
		{"a category without respondents", head + `factors:
  - {id: place, title: {zh: 地, en: Place}, sample: class, levels: [{code: urban, name: {zh: 城, en: U}, values: [urban]}, {code: rural, name: {zh: 乡, en: R}, values: [rural]}, {code: sea, name: {zh: 海, en: S}, values: [sea]}]}
margins:
  - factors: [place]
    targets: {urban: 30000, rural: 10000, sea: 8000}
` + steps + "  - rake: {}\n", nil, []string{"step 2", `margin "place"`, `no respondent in "sea"`, "8000 people", "collapse"}},
		{"totals that disagree", head + strings.Replace(sexResidence, "23000", "23500", 1) + steps + "  - rake: {}\n", nil,
			[]string{"sex", "residence", "48500", "48000"}},
		{"negative calibrated weights", head + `margins:
  - factors: [sex]
    targets: {male: 47900, female: 100}
  - factors: [residence]
    targets: {urban: 100, rural: 47900}
` + steps + "  - calibrate: {}\n", nil, []string{"step 2", "makes", "weights negative or zero", "in case c0", "sex=female"}},
		{"bounds that cannot be kept", head + sexResidence + steps + "  - calibrate: {distance: logit, lower: 0.99, upper: 1.01}\n", nil,
			[]string{"did not meet its totals", "respondents and a target of", "widen the bounds"}},
		{"a propensity that separates", head + steps + "  - propensity: {terms: [residence]}\n", func(w wave) {
			for i := range w.Cases {
				if i%12 >= 10 {
					w.Cases[i].Weight = 0 // leaves nobody in towns who has not responded
				}
			}
		}, []string{"everybody has responded", `"urban" of "residence"`, "merge the level"}},
		{"a class without respondents", head + steps + "  - nonresponse: {by: [residence]}\n", func(w wave) {
			for i := range w.Responses {
				if w.Responses[i].Case < "c012" {
					w.Responses[i].Case = "nobody"
				}
			}
			for i := range w.Cases {
				if i >= 12 {
					w.Cases[i].Columns["class"] = "rural"
				}
			}
		}, []string{`class "urban" of "residence" has 12 persons`, "least: 1"}},
		{"a class that is missing", head + steps + "  - nonresponse: {by: [residence]}\n", func(w wave) { w.Cases[11].Columns["class"] = "sea" },
			[]string{`1 cases have no level of the factor "residence": c011`, "give their values a level"}},
		{"unknown eligibility that is not settled", head + "status: {column: disposition, unknown: [x]}\n" + steps + "  - nonresponse: {by: []}\n",
			func(w wave) { w.Cases[11].Columns["disposition"] = "x" }, []string{"1 persons of unknown eligibility", "step unknown-eligibility before"}},
		{"no such column", head + "status: {column: disposition, unknown: [x]}\n" + steps, nil, []string{`no column "disposition"`}},
		{"a household that is no number", head + "steps:\n  - base: {eligible: adults}\n", func(w wave) { w.Cases[4].Columns["adults"] = "two" },
			[]string{"case c004", `"adults" is "two"`}},
		{"a household of nobody", head + "steps:\n  - base: {eligible: adults}\n", func(w wave) { w.Cases[4].Columns["adults"] = "0" },
			[]string{"household of case c004 has 0 eligible"}},
		{"a case without a mode", head + steps + "  - separate: {by: mode}\n", func(w wave) { w.Cases[4].Columns["mode"] = "" }, []string{"1 cases have no mode", "c004"}},
		{"an unknown mode", head + steps + "  - composite: {by: mode, shares: {visit: 0.5, post: 0.5}}\n", nil, []string{`no mode "post"`, "online, visit"}},
		{"shares that are no whole", head + steps + "  - composite: {by: mode, shares: {visit: 0.5, online: 0.4}}\n", nil, []string{"add up to 0.9"}},
		{"weights that cannot be trimmed", head + steps + "  - trim: {upper: 10, strict: true}\n", nil, []string{"step 2 of the plan, trim", "widen the limits"}},
		{"nobody", head + steps, func(w wave) { clear(w.Responses) }, []string{"nobody has responded with a score"}},
		{"another wave", head + steps, func(w wave) { w.Memory.Wave = "v" }, []string{`wave "w"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := civic(t)
			plan := w.read(t, c.plan)
			in := w.input(plan, nil)
			if c.change != nil {
				c.change(w)
			}
			weights, _, err := weigh.Run(context.Background(), w, in)
			if weights != nil {
				t.Errorf("there are %d weights", len(weights))
			}
			wantError(t, err, c.want...)
		})
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %v, want %q in it", err, p)
		}
	}
}

// Replicates repeat the last raking, also after trimming, and with merged levels: their
// errors are near the linearised ones, with 40 PSUs and 300 replicates within a quarter.
func TestReplicatesRepeatTheLastRaking(t *testing.T) {
	w := civic(t)
	merged := head + `margins:
  - factors: [sex, residence]
    targets: {male/urban: 18000, male/rural: 7000, female/urban: 16000, female/rural: 7000}
steps:
  - base: {}
  - nonresponse: {by: [residence]}
  - collapse: {margin: sex/residence, least: 90}
  - rake: {}
`
	for name, text := range map[string]string{"trimmed": chain, "merged": merged} {
		_, record := w.run(t, text)
		if name == "merged" && len(record.Calibration[0].Merged) == 0 {
			t.Fatal("nothing was merged, so this test shows nothing")
		}
		var se [2]float64
		for i, v := range []assess.Variance{{}, {Method: assess.Bootstrap, Replicates: 300, Seed: 1}} {
			r, err := assess.Assess(t.Context(), w, w.q, w.p, assess.Options{Wave: "w", Weighting: record, Variance: v})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Calibrated {
				t.Errorf("%s, %s: not calibrated", name, v.Method)
			}
			se[i] = r.Headline[0].Estimate.SE
		}
		if ratio := se[1] / se[0]; !(ratio > 0.75 && ratio < 1.25) {
			t.Errorf("%s: standard error of the bootstrap %v, linearised %v", name, se[1], se[0])
		}
	}
}
