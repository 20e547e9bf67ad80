package weigh_test

import (
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// approved gives every case that has a response a standing that counts, in a household of
// 1 to 3, and every other one a refusal in a household where nobody was selected.
func (w wave) approved() {
	responded := map[string]bool{}
	for _, r := range w.Responses {
		responded[r.Case] = true
	}
	w.Standings = nil
	for i, c := range w.Cases {
		s := fieldwork.Standing{Case: c.ID, Disposition: "2.111"}
		if responded[c.ID] {
			s = fieldwork.Standing{Case: c.ID, Disposition: "1.1", Eligible: 1 + i%3, Counts: true}
		}
		w.Standings = append(w.Standings, s)
	}
}

const withHousehold = "steps:\n  - base: {}\n  - unknown-eligibility: {by: []}\n  - nonresponse: {by: []}\n  - household: {}\n"

// The fieldwork says what came of each case. An interview that was rejected is
// nonresponse; so is one that waits for its review, and a case that was not contacted.
func TestStandingsSayWhatCame(t *testing.T) {
	w := civic(t)
	w.approved()
	var all, ineligible, unknown float64
	for i, c := range w.Cases {
		switch s := &w.Standings[i]; i % 12 { // 10 and 11 have not responded anywhere
		case 1:
			s.Counts = false // waits for its review
		case 2:
			*s = fieldwork.Standing{Case: c.ID, Disposition: "2.36", Eligible: 2}
		case 3:
			*s = fieldwork.Standing{Case: c.ID, Disposition: "3.20"}
			unknown += c.Weight
		case 10:
			*s = fieldwork.Standing{Case: c.ID, Disposition: "4.70"}
			ineligible += c.Weight
		case 11:
			*s = fieldwork.Standing{Case: c.ID, Disposition: "3.11"}
			unknown += c.Weight
		}
		all += c.Weight
	}
	last := w.Cases[len(w.Cases)-1] // the fieldwork does not know it: unknown, as before
	w.Standings = slices.DeleteFunc(w.Standings, func(s fieldwork.Standing) bool { return s.Case == last.ID })
	_, record := w.run(t, head+withHousehold)
	// Of each of 40 PSUs two are nonresponse, two unknown and one ineligible; in the 20 rural
	// ones two more have not responded.
	if want := (assess.Outcomes{Respondents: 240, Nonrespondents: 120, Ineligible: 40, Unknown: 80}); record.Outcomes != want {
		t.Errorf("outcomes %+v, want %+v", record.Outcomes, want)
	}
	if want := []string{"base weights", "unknown eligibility", "nonresponse", "household selection"}; !slices.Equal(whats(record), want) {
		t.Errorf("steps %v, want %v", whats(record), want)
	}
	near(t, "sum after unknown eligibility", record.Steps[1].Sum, all)
	near(t, "sum after nonresponse", record.Steps[2].Sum, all-ineligible*all/(all-unknown))
	if !record.FromFieldwork {
		t.Error("the record does not say where the outcomes are from")
	}
}

func TestStandingsAndAColumn(t *testing.T) {
	w := civic(t)
	text := head + "status: {column: mode, ineligible: [x]}\n" + withHousehold
	w.run(t, text) // as long as there are no standings
	w.approved()
	_, _, err := weigh.Run(t.Context(), w, w.input(w.read(t, text), nil))
	wantError(t, err, "the fieldwork says what came of each case", `"mode"`, "remove status.column")
}

// A response that counts but has no score means what the plan says, also with standings.
func TestStandingsAndResponsesWithoutAScore(t *testing.T) {
	w := civic(t)
	w.approved()
	w.Responses[3].Answers = surveys.Answers{"age": {"75"}, "sex": {"1"}, "resident": {"1"}}
	_, record := w.run(t, head+withHousehold)
	if n := record.Outcomes; n.Ineligible != 1 || n.Nonrespondents != 120 {
		t.Errorf("outcomes %+v, want one ineligible", n)
	}
	_, record = w.run(t, head+"status: {unscored: nonrespondent}\n"+withHousehold)
	if n := record.Outcomes; n.Ineligible != 0 || n.Nonrespondents != 121 {
		t.Errorf("outcomes %+v, want one more nonrespondent", n)
	}
}

// The step multiplies the weight of each respondent after nonresponse by k, or by most.
func TestHouseholdStep(t *testing.T) {
	w := civic(t)
	before, _ := w.run(t, head+"steps:\n  - base: {}\n  - nonresponse: {by: [residence]}\n")
	w.approved()
	k := map[string]int{}
	for _, s := range w.Standings {
		k[s.Case] = s.Eligible
	}
	for _, c := range []struct {
		settings string
		most     int
	}{{"{}", 9}, {"{most: 2}", 2}} {
		after, record := w.run(t, head+"steps:\n  - base: {}\n  - nonresponse: {by: [residence]}\n  - household: "+c.settings+"\n")
		if len(after) != len(before) {
			t.Fatalf("%s: %d weights, want %d", c.settings, len(after), len(before))
		}
		for i, x := range after {
			if want := before[i].Weight * float64(min(k[x.Case], c.most)); x.Weight != want || x.Base != want {
				t.Errorf("%s: case %s: weight %v, before calibration %v, want %v", c.settings, x.Case, x.Weight, x.Base, want)
			}
		}
		step := record.Steps[2]
		if len(step.Classes) != 3 || step.Classes[2].Name != "3" || step.Classes[2].Factor != float64(min(3, c.most)) {
			t.Errorf("%s: classes %+v", c.settings, step.Classes)
		}
	}
}

// Weights are calibrated after the selection in the household, and errors know of it: the
// weights before the calibration are those after the household.
func TestHouseholdBeforeCalibration(t *testing.T) {
	w := civic(t)
	w.approved()
	steps := "steps:\n  - base: {}\n  - nonresponse: {by: [residence]}\n  - household: {}\n"
	uncalibrated, _ := w.run(t, head+steps)
	weights, record := w.run(t, head+sexResidence+steps+"  - rake: {}\n")
	w.sizes(t, "test", map[string]float64{"sex=male": 25000, "residence=rural": 14000})
	for i, x := range weights {
		if x.Base != uncalibrated[i].Weight {
			t.Fatalf("case %s: %v before calibration, want %v", x.Case, x.Base, uncalibrated[i].Weight)
		}
	}
	if record.Calibrated != 3 || len(record.Calibration) != 2 {
		t.Errorf("calibrated in step %d to %v", record.Calibrated, record.Calibration)
	}
}

func TestHouseholdFaults(t *testing.T) {
	for _, c := range []struct {
		name, steps string
		change      func(w wave)
		want        []string
	}{
		// Of each PSU in towns 6 of 10 respondents, of every other one 5 of 8.
		{"a plan without the step", "  - base: {}\n  - nonresponse: {by: []}\n", nil,
			[]string{"220 respondents were selected among several eligible persons", "c001, c002, c004", `"- household: {}"`, "after the steps for eligibility and nonresponse"}},
		{"a column of the sample file instead", "  - base: {eligible: adults}\n  - nonresponse: {by: []}\n", nil, []string{"remove eligible from the step base"}},
		{"a respondent of no household", "  - base: {}\n  - nonresponse: {by: []}\n  - household: {}\n",
			func(w wave) { w.Standings[4].Eligible, w.Standings[8].Eligible = 0, 0 },
			[]string{"step 3 of the plan, household", "for 2 respondents nobody knows", "c004, c008", "complete the selection"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := civic(t)
			w.approved()
			if c.change != nil {
				c.change(w)
			}
			weights, _, err := weigh.Run(t.Context(), w, w.input(w.read(t, head+"steps:\n"+c.steps), nil))
			if weights != nil {
				t.Errorf("there are %d weights", len(weights))
			}
			wantError(t, err, c.want...)
		})
	}
	// Households of one need no step, and who was not interviewed needs no household.
	w := civic(t)
	w.approved()
	for i := range w.Standings {
		w.Standings[i].Eligible = min(w.Standings[i].Eligible, 1)
	}
	w.run(t, head+"steps:\n  - base: {}\n  - nonresponse: {by: []}\n")
}

func TestHouseholdInAPlan(t *testing.T) {
	w := civic(t)
	for _, c := range []struct{ name, steps, want string }{
		{"before nonresponse", "  - base: {}\n  - household: {}\n  - nonresponse: {by: []}\n", "the step nonresponse comes after the selection in the household; put it before"},
		{"before unknown eligibility", "  - base: {}\n  - household: {}\n  - unknown-eligibility: {by: []}\n", "the step unknown-eligibility comes after the selection in the household"},
		{"after raking", "  - base: {}\n  - rake: {}\n  - household: {}\n", "the step household comes after steps about respondents; put it before"},
		{"twice", "  - base: {}\n  - household: {}\n  - household: {}\n", "the step household stands there twice"},
		{"a cap below one", "  - base: {}\n  - household: {most: -1}\n", "most is -1; it must be at least 1"},
		{"and eligible persons of a column", "  - base: {eligible: adults}\n  - household: {}\n", `multiplied by the eligible persons of the column "adults" already`},
	} {
		_, err := weigh.ReadPlan("weights.yaml", []byte(head+sexResidence+"steps:\n"+c.steps), w.q, w.p.Factors)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ReadPlan() error = %v, want one with %q", c.name, err, c.want)
		}
	}
}

// The digest of the sample tells other standings apart.
func TestDigestsKnowStandings(t *testing.T) {
	w := civic(t)
	w.approved()
	_, before := w.run(t, head+withHousehold)
	seen := []string{before.Sample}
	for _, change := range []func(){
		func() { w.Standings[0].Eligible = 3 },
		func() { w.Standings[11].Disposition = "2.31" }, // another class of nonresponse
	} {
		change()
		_, after := w.run(t, head+withHousehold)
		if slices.Contains(seen, after.Sample) || after.Responses != before.Responses {
			t.Error("another standing must change the digest of the sample alone")
		}
		seen = append(seen, after.Sample)
	}
}

// Steps for what there is none of leave no trace: the shipped plan without standings gives
// the weights of one without them.
func TestStepsWithNothingToDo(t *testing.T) {
	w := civic(t)
	shipped, err := fs.ReadFile(library.FS, "civic-literacy/weights.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(shipped)
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "unknown-eligibility:") && !strings.Contains(line, "household:") {
			lines = append(lines, line)
		}
	}
	short := strings.Join(lines, "")
	if len(lines) != strings.Count(text, "\n")-2 {
		t.Fatalf("the shipped plan lacks one of the two steps:\n%s", text)
	}
	got, gotRecord := w.run(t, text)
	want, wantRecord := w.run(t, short)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("weights: %s", d)
	}
	if d := cmp.Diff(wantRecord.Steps, gotRecord.Steps); d != "" {
		t.Errorf("steps: %s", d)
	}
	// With standings both do something.
	w.approved()
	w.Standings[11] = fieldwork.Standing{Case: w.Cases[11].ID, Disposition: "3.11"}
	_, record := w.run(t, text)
	for _, what := range []string{"unknown eligibility", "household selection"} {
		if !slices.Contains(whats(record), what) {
			t.Errorf("steps %v, want %q", whats(record), what)
		}
	}
}

// household is one of the population: what its members know, as right answers of four.
type household struct {
	urban bool
	right []int
}

// streets makes up 1,500 households of 1 to 4 adults. The more adults there are, the less
// each knows; in towns they know more.
func streets(rng *rand.Rand) (all []household, mean float64) {
	persons := 0.0
	for range 1500 {
		h := household{urban: rng.IntN(2) == 0, right: make([]int, 1+rng.IntN(4))}
		for i := range h.right {
			knows := 0.85 - 0.15*float64(len(h.right))
			if h.urban {
				knows += 0.1
			}
			for range 4 {
				if rng.Float64() < knows {
					h.right[i]++
				}
			}
			mean += 25 * float64(h.right[i])
			persons++
		}
		all = append(all, h)
	}
	return all, mean / persons
}

// fourItems is a questionnaire of four items of 25 points.
func fourItems() *surveys.Questionnaire {
	q := &surveys.Questionnaire{ID: "four", Criterion: &surveys.Criterion{
		Dimensions: []surveys.Dimension{{ID: "d", Points: 100}}, Cut: 50, Boundary: surveys.AtLeast, Unasked: surveys.UnaskedWrong,
	}, Sections: []surveys.Section{{ID: "s"}}}
	for i := range 4 {
		q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{
			ID: fmt.Sprint("i", i), Type: surveys.Single, Dimension: "d", Key: []string{"a"}, Options: []surveys.Option{{Code: "a"}, {Code: "b"}},
		})
	}
	return q
}

// survey draws 200 households with equal chances, selects one adult in each with equal
// chances (Kish), and lets 85 of 100 in towns and 45 elsewhere respond.
func survey(all []household, rng *rand.Rand) *assess.Memory {
	m := &assess.Memory{Wave: "w"}
	for n, at := range rng.Perm(len(all))[:200] {
		h := all[at]
		c := fieldwork.Case{ID: fmt.Sprintf("c%03d", n), Stratum: "h", PSU: fmt.Sprint(n), Weight: float64(len(all)) / 200, Columns: map[string]string{"residence": "rural"}}
		chance := 0.45
		if h.urban {
			c.Columns["residence"], chance = "urban", 0.85
		}
		m.Cases = append(m.Cases, c)
		selected := h.right[rng.IntN(len(h.right))]
		if rng.Float64() >= chance {
			m.Standings = append(m.Standings, fieldwork.Standing{Case: c.ID, Disposition: "2.112", Eligible: len(h.right)})
			continue
		}
		a := surveys.Answers{}
		for i := range 4 {
			a[fmt.Sprint("i", i)] = []string{[]string{"a", "b"}[min(1, max(0, i-selected+1))]}
		}
		m.Standings = append(m.Standings, fieldwork.Standing{Case: c.ID, Disposition: "1.1", Eligible: len(h.right), Counts: true})
		m.Responses = append(m.Responses, surveys.Response{Seq: uint64(n), Interview: surveys.Interview{ID: c.ID, Wave: "w", Case: c.ID, Answers: a}})
	}
	return m
}

// Over 300 surveys the weighted mean score is that of the population, within four standard
// errors of the simulation, when the selection in the household and nonresponse are
// weighed. Without the first, members of small households, who know more, count for too
// much; without the second, towns do. Seed 20 of PCG.
func TestHouseholdsBySimulation(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 1949))
	all, truth := streets(rng)
	residence := assess.Factor{ID: "residence", Title: surveys.Text{surveys.ZH: "城乡", surveys.EN: "Residence"}, Sample: "residence", Levels: []assess.Level{
		{Code: "urban", Name: surveys.Text{surveys.ZH: "城", surveys.EN: "Urban"}, Values: []string{"urban"}},
		{Code: "rural", Name: surveys.Text{surveys.ZH: "乡", surveys.EN: "Rural"}, Values: []string{"rural"}},
	}}
	base, nonresponse, selection := "steps:\n  - base: {}\n", "  - nonresponse: {by: [residence]}\n", "  - household: {}\n"
	methods := []struct {
		name, plan string
		selected   bool // whether the fieldwork says among how many
		unbiased   bool
	}{
		{"with both steps", base + nonresponse + selection, true, true},
		{"without the household", base + nonresponse, false, false},
		{"without nonresponse", base + selection, true, false},
	}
	const surveysMade = 300
	q := fourItems()
	sum, squares := make([]float64, len(methods)), make([]float64, len(methods))
	for range surveysMade {
		m := survey(all, rng)
		standings := m.Standings
		for k, method := range methods {
			m.Standings = slices.Clone(standings)
			for i := range m.Standings {
				if !method.selected {
					m.Standings[i].Eligible = 0
				}
			}
			plan, err := weigh.ReadPlan("weights.yaml", []byte(head+method.plan), q, []assess.Factor{residence})
			if err != nil {
				t.Fatal(err)
			}
			mean := weightedMean(t, m, q, plan)
			sum[k] += mean
			squares[k] += mean * mean
		}
	}
	for k, method := range methods {
		mean := sum[k] / surveysMade
		se := math.Sqrt((squares[k]/surveysMade - mean*mean) / surveysMade)
		t.Logf("%s: mean %.3f, population %.3f, standard error of the simulation %.3f", method.name, mean, truth, se)
		if off := math.Abs(mean-truth) / se; (off < 4) != method.unbiased {
			t.Errorf("%s: the mean is %.1f standard errors of the simulation off, unbiased should be %v", method.name, off, method.unbiased)
		}
	}
}

// weightedMean is Σwy/Σw of the scores.
func weightedMean(t *testing.T, m *assess.Memory, q *surveys.Questionnaire, plan *weigh.Plan) float64 {
	t.Helper()
	weights, _, err := weigh.Run(t.Context(), m, weigh.Input{Wave: "w", Questionnaire: q, Plan: plan})
	if err != nil {
		t.Fatal(err)
	}
	units, err := m.Units(t.Context(), assess.Query{Wave: "w", Questionnaire: q})
	if err != nil {
		t.Fatal(err)
	}
	var total, scores float64
	for _, u := range units {
		if i := slices.IndexFunc(weights, func(x assess.CaseWeight) bool { return x.Case == u.Case }); i >= 0 {
			total += weights[i].Weight
			scores += weights[i].Weight * u.Score
		}
	}
	return scores / total
}
