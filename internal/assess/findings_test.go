package assess_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// unscored lets people answer the unscored questions, as their conditions ask: some skip a
// question, and some decline.
func unscored(m *assess.Memory, q *surveys.Questionnaire) {
	rng := rand.New(rand.NewPCG(21, 22))
	for i := range m.Responses {
		a := m.Responses[i].Answers
		pick := func(id string) string {
			options := q.Offered(q.Item(id))
			return options[rng.IntN(len(options))].Code
		}
		for it := range q.Items {
			switch {
			case it.Dimension != "" || it.ID == "age" || it.ID == "sex" || it.ID == "education" || rng.IntN(15) == 0:
			case it.Type.OneOf():
				a[it.ID] = []string{pick(it.ID)}
			case it.Type == surveys.Multiple:
				a[it.ID] = nil
				for range 1 + rng.IntN(3) {
					if o := pick(it.ID); !slices.Contains(a[it.ID], o) {
						a[it.ID] = append(a[it.ID], o)
					}
				}
			}
		}
		if len(a["C01"]) < 2 {
			delete(a, "C02")
		}
		if a.First("work") != "working" {
			delete(a, "occupation")
			delete(a, "employer")
		}
	}
}

// person is what a test knows of somebody, from the answers alone.
type person struct {
	sex, residence, farmer, any, first int // −1: not known
	literate                           bool
	city, stratum, psu, occupation     string
	weight                             float64
}

// people reads the answers without the code under test.
func people(m *assess.Memory, q *surveys.Questionnaire) (list []person) {
	by := map[string]surveys.Answers{}
	for _, r := range m.Responses {
		by[r.Case] = r.Answers
	}
	for _, c := range m.Cases {
		a, responded := by[c.ID]
		p := person{stratum: c.Stratum, psu: c.PSU, city: c.Columns["city"], sex: -1, residence: -1, farmer: -1, any: -1, first: -1}
		if !responded {
			list = append(list, p) // weight 0: only the PSU
			continue
		}
		p.weight, p.literate = c.Weight, points(q, a) > q.Criterion.Cut
		p.sex = slices.Index([]string{"1", "2"}, a.First("sex"))
		p.residence = slices.Index([]string{"urban", "rural"}, c.Columns["class"])
		p.farmer, p.occupation = farmer(a), a.First("occupation")
		if given := a["C01"]; len(given) > 0 {
			p.any, p.first = 0, 0
			if slices.Contains(given, "internet") {
				p.any = 1
			}
			switch {
			case len(a["C02"]) == 0 && len(given) > 1:
				p.first = -1
			case a.First("C02") == "internet" || len(a["C02"]) == 0 && given[0] == "internet":
				p.first = 1
			}
		}
		if len(a["C02"]) > 0 && len(a["C01"]) == 0 {
			p.first = 0
			if a.First("C02") == "internet" {
				p.first = 1
			}
		}
		list = append(list, p)
	}
	return list
}

// farmer is 0 for farmers, 1 for others and −1 when declined or skipped questions leave it
// open.
func farmer(a surveys.Answers) int {
	known := func(id string) bool { return a.First(id) != "" && a.First(id) != "refused" }
	switch {
	case !known("work"):
		return -1
	case a.First("work") != "working":
		return 1
	case a.First("occupation") == "5" || a.First("employer") == "farm":
		return 0
	case known("occupation") && known("employer"):
		return 1
	}
	return -1
}

// share is Σwy/Σw of a domain, with the standard error of its difference from another.
func share(list []person, in func(person) bool, y func(person) float64) (value float64, z []float64, n int) {
	var sum, all float64
	for _, p := range list {
		if p.weight > 0 && in(p) {
			sum, all, n = sum+p.weight*y(p), all+p.weight, n+1
		}
	}
	value = sum / all
	z = make([]float64, len(list))
	for i, p := range list {
		if p.weight > 0 && in(p) {
			z[i] = p.weight * (y(p) - value) / all
		}
	}
	return value, z, n
}

// standardError is that of Σz with replacement of PSUs within strata.
func standardError(list []person, z []float64) float64 {
	totals := map[string]map[string]float64{}
	for i, p := range list {
		if totals[p.stratum] == nil {
			totals[p.stratum] = map[string]float64{}
		}
		totals[p.stratum][p.psu] += z[i]
	}
	variance := 0.0
	for _, psus := range totals {
		n, mean := float64(len(psus)), 0.0
		for _, t := range psus {
			mean += t / n
		}
		for _, t := range psus {
			variance += n / (n - 1) * (t - mean) * (t - mean)
		}
	}
	return math.Sqrt(variance)
}

func literate(p person) float64 {
	if p.literate {
		return 1
	}
	return 0
}

// A topic's share, a key group, a cell of a crossing and contrasts are what somebody gets who
// goes through the people one by one.
func TestFindingsAreThoseOfPeople(t *testing.T) {
	m, q, p := civic(t)
	unscored(m, q)
	r := assessed(t, m, q, p, assess.Options{})
	list := people(m, q)
	counted := 0
	check := func(what string, row assess.Row, in func(person) bool, y func(person) float64) {
		t.Helper()
		e := row.Estimate
		if row.People.N > 0 {
			counted++
			checkPeople(t, what, row.People, list, in, y)
		}
		value, z, n := share(list, in, y)
		near(t, what, e.Value, value)
		near(t, what+" SE", e.SE, standardError(list, z))
		if e.N != n || n < 10 {
			t.Errorf("%s: n = %d, want %d", what, e.N, n)
		}
	}
	topic := func(id, code string) (assess.TopicResult, int) {
		k := slices.IndexFunc(r.Topics, func(x assess.TopicResult) bool { return x.Topic.ID == id })
		g := slices.IndexFunc(r.Topics[k].Groups, func(x assess.Group) bool { return x.Code == code })
		return r.Topics[k], g
	}
	any, g := topic("channels", "C01/internet")
	check("any channel", any.Groups[g].Rows[0], func(x person) bool { return x.any >= 0 }, func(x person) float64 { return float64(x.any) })
	check("any channel of the literate", any.By[g][0][0], func(x person) bool { return x.any >= 0 && x.literate }, func(x person) float64 { return float64(x.any) })
	first, g := topic("first-channel", "C02/internet")
	check("first channel", first.Groups[g].Rows[0], func(x person) bool { return x.first >= 0 }, func(x person) float64 { return float64(x.first) })

	set := r.Tables[slices.IndexFunc(r.Tables, func(x assess.Table) bool { return x.Set != nil })]
	check("farmers", set.Groups[0].Rows[0], func(x person) bool { return x.farmer == 0 }, literate)
	if set.Separation.Letters != nil || set.Separation.Pairs != nil {
		t.Error("groups that overlap were compared in pairs")
	}
	cross := r.Crossings[slices.IndexFunc(r.Crossings, func(x assess.CrossTable) bool { return x.Rows.ID == "residence" && x.Columns.ID == "sex" })]
	check("rural women", cross.Cells[1][1][0], func(x person) bool { return x.residence == 1 && x.sex == 1 }, literate)
	check("everybody", r.Headline[0], func(person) bool { return true }, literate)
	if counted != 6 {
		t.Errorf("%d of 6 rows know their people", counted)
	}
	if text, err := json.Marshal(r.Headline); err != nil || strings.Contains(string(text), "Ones") {
		t.Errorf("the export has %s, %v", text, err)
	}

	contrast := func(what string, c assess.Contrast, a, b func(person) bool) {
		t.Helper()
		va, za, _ := share(list, a, literate)
		vb, zb, _ := share(list, b, literate)
		for i := range za {
			za[i] -= zb[i]
		}
		near(t, what, c.Difference.Value, va-vb)
		if va == 0 || va == 1 { // then the error is that of an exact interval
			if !(c.Difference.SE > standardError(list, za)) {
				t.Errorf("%s: all of the group are alike, and yet SE %v", what, c.Difference.SE)
			}
			return
		}
		near(t, what+" SE", c.Difference.SE, standardError(list, za))
	}
	find := func(list []assess.Contrast, a, b string) assess.Contrast {
		t.Helper()
		for _, c := range list {
			if c.A == a && c.B == b {
				return c
			}
		}
		t.Fatalf("there is no contrast of %q and %q", a, b)
		return assess.Contrast{}
	}
	contrast("farmers and others", find(set.Separation.Others, "farmers", ""),
		func(x person) bool { return x.farmer == 0 }, func(x person) bool { return x.farmer == 1 })
	sex := r.Tables[slices.IndexFunc(r.Tables, func(x assess.Table) bool { return x.Factor.ID == "sex" })]
	pair := sex.Separation.Pairs[0]
	index := map[string]int{"male": 0, "female": 1}
	contrast("men and women", pair, func(x person) bool { return x.sex == index[pair.A] }, func(x person) bool { return x.sex == index[pair.B] })
	city := r.Tables[slices.IndexFunc(r.Tables, func(x assess.Table) bool { return x.Factor.ID == "city" })]
	for _, c := range city.Separation.Others {
		contrast("city "+c.A, c, func(x person) bool { return x.city == c.A }, func(x person) bool { return x.city != c.A })
	}
	work := r.Tables[slices.IndexFunc(r.Tables, func(x assess.Table) bool { return x.Factor.ID == "occupation" })]
	for _, c := range work.Separation.Others { // who has no occupation is no other
		contrast("occupation "+c.A, c, func(x person) bool { return x.occupation == c.A },
			func(x person) bool { return x.occupation != "" && x.occupation != "refused" && x.occupation != c.A })
	}
	p2 := math.Abs(pair.Difference.Value) / pair.Difference.SE
	if !(pair.P > 0 && pair.P < 1) || pair.Adjusted != pair.P || math.Abs(pair.Difference.T()-p2) > 1e-9 && math.Abs(pair.Difference.T()+p2) > 1e-9 {
		t.Errorf("the only pair has P %v and adjusted %v", pair.P, pair.Adjusted)
	}
	checkSeparation(t, r, city)
	most := city.Separation.Pairs[0].A // as if nobody knew of the highest one
	fewer := city
	fewer.Groups = slices.DeleteFunc(slices.Clone(city.Groups), func(g assess.Group) bool { return g.Code == most })
	fewer.Separation = city.Separation.Among(r.Settings.Level, func(code string) bool { return code != most })
	checkSeparation(t, r, fewer)
	for code, ranks := range fewer.Separation.Ranks {
		if ranks.Worst > len(fewer.Separation.Ranks) || ranks.Worst > city.Separation.Ranks[code].Worst {
			t.Errorf("without the highest city, %s has the ranks %v of %d", code, ranks, len(fewer.Separation.Ranks))
		}
	}
}

// checkPeople counts the people of a row one by one.
func checkPeople(t *testing.T, what string, got analysis.People, list []person, in func(person) bool, y func(person) float64) {
	t.Helper()
	want := analysis.People{}
	psus := map[string]bool{}
	for _, p := range list {
		if !(p.weight > 0) || !in(p) {
			continue
		}
		want.N++
		want.Ones += int(y(p))
		want.Weighted += p.weight
		want.WeightedOnes += p.weight * y(p)
		psus[p.stratum+" "+p.psu] = true
		want.Largest = max(want.Largest, p.weight)
	}
	want.PSUs = len(psus)
	near(t, what+": weight", got.Weighted, want.Weighted)
	near(t, what+": weight of the ones", got.WeightedOnes, want.WeightedOnes)
	if got.N != want.N || got.Ones != want.Ones || got.PSUs != want.PSUs || got.Largest < want.Largest || got.Second > got.Largest || got.Second == 0 {
		t.Errorf("%s: the people are %+v, want %+v", what, got, want)
	}
}

// checkSeparation holds letters and ranks against the pairs.
func checkSeparation(t *testing.T, r *assess.Results, table assess.Table) {
	t.Helper()
	s, n := table.Separation, 0
	for _, g := range table.Groups {
		if g.Rows[0].Estimate.N > 0 {
			n++
		}
	}
	if len(s.Pairs) != n*(n-1)/2 || len(s.Letters) != n || len(s.Ranks) != n || len(s.Others) != n {
		t.Fatalf("%d groups have %d pairs, %d letters, %d ranks", n, len(s.Pairs), len(s.Letters), len(s.Ranks))
	}
	var raw []float64
	for _, c := range s.Pairs {
		raw = append(raw, c.P)
	}
	for i, adjusted := range analysis.Holm(raw) {
		c := s.Pairs[i]
		if c.Adjusted != adjusted || c.Difference.Value < 0 {
			t.Errorf("%s and %s: adjusted %v, want %v; difference %v", c.A, c.B, c.Adjusted, adjusted, c.Difference.Value)
		}
		if strings.ContainsAny(s.Letters[c.A], s.Letters[c.B]) == c.Significant(r.Settings.Level) {
			t.Errorf("%s and %s have the letters %q and %q", c.A, c.B, s.Letters[c.A], s.Letters[c.B])
		}
		if c.Significant(r.Settings.Level) && s.Ranks[c.A].Worst >= s.Ranks[c.B].Worst {
			t.Errorf("%s is above %s, but the ranks are %v and %v", c.A, c.B, s.Ranks[c.A], s.Ranks[c.B])
		}
	}
}

// With raked weights and with replicates there is all of it too, and the errors are near
// each other.
func TestFindingsWithEveryVariance(t *testing.T) {
	m, q, p := civic(t)
	unscored(m, q)
	record := rakeTo(t, m, q, p, sexByAge(p))
	linear := assessed(t, m, q, p, assess.Options{Weighting: record})
	if !linear.Calibrated {
		t.Fatal("the calibration is not counted")
	}
	jackknife := assessed(t, m, q, p, assess.Options{Weighting: record, Variance: assess.Variance{Method: assess.JKn}})
	compare := func(what string, a, b analysis.Estimate, apart float64) {
		t.Helper()
		near(t, what, a.Value, b.Value)
		if !(math.Abs(a.SE/b.SE-1) <= apart) {
			t.Errorf("%s: SE %v linearised, %v by the jackknife", what, a.SE, b.SE)
		}
	}
	for i, table := range linear.Tables {
		other := jackknife.Tables[i]
		if table.Separation == nil {
			t.Fatalf("table %q compares nothing", table.Factor.ID)
		}
		apart := 0.1
		if table.Set != nil || table.Factor.ID == "city" || table.Factor.ID == "occupation" {
			apart = 0.5 // of a few PSUs, or a few people, each
		}
		for k, c := range table.Separation.Others {
			compare(table.Factor.ID+" "+c.A, c.Difference, other.Separation.Others[k].Difference, apart)
		}
	}
	compare("crossing", linear.Crossings[0].Cells[0][0][0].Estimate, jackknife.Crossings[0].Cells[0][0][0].Estimate, 0.1)
	compare("topic", linear.Topics[0].By[0][1][0].Estimate, jackknife.Topics[0].By[0][1][0].Estimate, 0.1)
}

func TestComparisonsAndTargets(t *testing.T) {
	m, q, p := civic(t)
	refs, same, _ := series(t)
	rate := assessed(t, m, q, p, assess.Options{}).Headline[0].Estimate
	target := func(code string, rate float64) assess.Target {
		return assess.Target{Code: code, Year: 2025, Rate: rate, Above: true}
	}
	r := assessed(t, m, q, p, assess.Options{References: refs, Criteria: same, Targets: []assess.Target{
		target("330000", rate.Value-10*rate.SE), target("330000", rate.Value-rate.SE), target("330000", rate.Value+rate.SE),
		target("330000", rate.Value+10*rate.SE), target("330100", 0.5), target("440000", 0.1), target("330200", rate.Value),
	}})
	var verdicts []assess.Verdict
	for _, a := range r.Targets {
		verdicts = append(verdicts, a.Verdict)
	}
	if want := []assess.Verdict{assess.Attained, assess.LikelyAttained, assess.LikelyMissed, assess.Missed}; len(verdicts) != 6 || !slices.Equal(verdicts[:4], want) {
		t.Errorf("verdicts = %v, want %v and those of two cities; Guangdong is of another survey", verdicts, want)
	}
	if sure := r.Targets[1].Sure; !(sure > 0.8 && sure < 0.86) {
		t.Errorf("a rate one standard error above is sure by %v", sure)
	}
	if len(r.References) != 12 || len(r.Changes) != 12 {
		t.Fatalf("%d references and %d changes, want 7 of the nation and 5 of the province", len(r.References), len(r.Changes))
	}
	comparable := 0
	for i, c := range r.Changes {
		ref := r.References[i]
		has := func(code analysis.NoteCode) bool {
			return slices.ContainsFunc(c.Difference.Notes, func(n analysis.Note) bool { return n.Code == code })
		}
		if ref.Name["en"] == "" || i > 0 && ref.Code == r.References[i-1].Code && ref.Year <= r.References[i-1].Year {
			t.Errorf("reference %d: %+v", i, ref)
		}
		if !c.Comparable {
			if !math.IsNaN(c.Difference.Value) || !math.IsNaN(c.P) || !has(assess.OtherCriterion) {
				t.Errorf("%d: a rate by another rule has the difference %v", ref.Year, c.Difference.Value)
			}
			continue
		}
		comparable++
		near(t, "difference", c.Difference.Value, rate.Value-ref.Rate)
		near(t, "its error", c.Difference.SE, rate.SE)
		if !has(assess.OwnErrorOnly) || !has(assess.OtherItems) || ref.Criterion != "points_70" {
			t.Errorf("%d: notes %v", ref.Year, c.Difference.Notes)
		}
	}
	if comparable != 3 {
		t.Errorf("%d comparable rates, want those of 2022, 2023 and 2024", comparable)
	}
	// A reference with an error adds it; a criterion that nobody mapped compares with nothing.
	refs[0] = assess.Reference{Code: "330000", Year: 2025, Rate: 0.1, SE: 0.02, Criterion: "points_70"}
	r = assessed(t, m, q, p, assess.Options{References: refs, Criteria: []assess.SameCriterion{{Published: "points_70", Questionnaire: q.Criterion.ID, SameItems: true}}})
	last := r.Changes[len(r.Changes)-1]
	near(t, "error of both", last.Difference.SE, math.Hypot(rate.SE, 0.02))
	if len(last.Difference.Notes) != len(rate.Notes) {
		t.Errorf("notes %v", last.Difference.Notes)
	}
	q2 := *q
	criterion := *q.Criterion
	criterion.ID = "unknown-2031"
	q2.Criterion = &criterion
	for _, c := range assessed(t, m, &q2, p, assess.Options{References: refs, Criteria: same}).Changes {
		if c.Comparable {
			t.Error("a criterion unknown to the series was compared")
		}
	}
}

// Nobody is never 0: a city without interviews, a factor that nobody answered, and a group of
// nobody have no number, and nothing is compared with them.
func TestNobodyIsNotZero(t *testing.T) {
	m, q, p := civic(t)
	empty := p.Factor("city").Levels[0].Code
	m.Responses = slices.DeleteFunc(m.Responses, func(r surveys.Response) bool {
		return slices.ContainsFunc(m.Cases, func(c fieldwork.Case) bool { return c.ID == r.Case && c.Columns["city"] == empty })
	})
	for i := range m.Responses {
		for _, id := range []string{"occupation", "employer", "work", "C01", "C02"} {
			delete(m.Responses[i].Answers, id)
		}
	}
	r := assessed(t, m, q, p, assess.Options{Targets: []assess.Target{{Code: empty, Year: 2025, Rate: 0.1}}})
	nobody := func(what string, row assess.Row) {
		t.Helper()
		if e := row.Estimate; e.N != 0 || !math.IsNaN(e.Value) || !math.IsNaN(e.Lo) {
			t.Errorf("%s: %+v", what, e)
		}
	}
	for _, table := range r.Tables {
		for i, g := range table.Groups {
			if table.Factor.ID == "occupation" || g.Code == empty || table.Set != nil && g.Code != "elderly" {
				nobody(table.Factor.ID+" "+g.Code, g.Rows[0])
			}
			if g.Code != empty {
				continue
			}
			if i != 0 || table.Separation.Letters[empty] != "" || len(table.Separation.Ranks) == len(table.Groups) {
				t.Errorf("the city without interviews has letters or ranks: %+v", table.Separation)
			}
			for _, c := range append(table.Separation.Pairs, table.Separation.Others...) {
				if c.A == empty || c.B == empty {
					t.Errorf("the city without interviews was compared: %+v", c)
				}
			}
		}
		if table.Factor.ID == "occupation" && table.Separation != nil {
			t.Errorf("a factor that nobody answered compares: %+v", table.Separation)
		}
	}
	k := slices.IndexFunc(r.Topics, func(x assess.TopicResult) bool { return x.Topic.ID == "channels" })
	nobody("a topic nobody answered", r.Topics[k].Groups[0].Rows[0])
	if len(r.Targets) != 1 || r.Targets[0].Verdict != assess.Unknown || !math.IsNaN(r.Targets[0].Sure) {
		t.Errorf("the target of a city without interviews: %+v", r.Targets)
	}
	if len(r.References) != 0 || len(r.Changes) != 0 {
		t.Error("one wave alone has changes")
	}
}

// A condition that cannot be told leaves a person out, and a refusal is no answer.
func TestConditionsHaveThreeValues(t *testing.T) {
	q, _ := shipped(t, "civic-literacy")
	for _, c := range []struct {
		when    string
		answers surveys.Answers
		want    int
	}{
		{`age >= 60`, surveys.Answers{"age": {"60"}}, 0},
		{`age >= 60`, surveys.Answers{"age": {"59"}}, 1},
		{`age >= 60`, surveys.Answers{}, -1},
		{`age >= 60`, surveys.Answers{"age": {"old"}}, -1},
		{`age >= 60`, surveys.Answers{"age": {"60.5"}}, -1},
		{`work == "working" && occupation == "5"`, surveys.Answers{"work": {"retired"}}, 1},
		{`work == "working" && occupation == "5"`, surveys.Answers{"work": {"working"}}, -1},
		{`work == "working" && occupation == "5"`, surveys.Answers{"work": {"refused"}}, -1},
		{`work == "working" && occupation == "5"`, surveys.Answers{"work": {"working"}, "occupation": {"refused"}}, -1},
		{`work != "working"`, surveys.Answers{"work": {"never listed"}}, -1},
		{`work == "working"`, surveys.Answers{"work": {"working", "retired"}}, -1},
		{`"tv" in C01`, surveys.Answers{"C01": {"radio", "tv"}}, 0},
		{`"tv" in C01`, surveys.Answers{"C01": {"dk"}}, -1},
		{`"tv" in C01`, surveys.Answers{"C01": {"none"}}, 1},
	} {
		f := assess.Factor{ID: "f", Levels: []assess.Level{{Code: "a", When: c.when}, {Code: "b", When: "true"}}}
		m := &assess.Memory{Wave: "w", Cases: []fieldwork.Case{{ID: "c", Stratum: "h", PSU: "u", Weight: 1}}, Responses: []surveys.Response{{Interview: surveys.Interview{Wave: "w", Case: "c", Answers: c.answers}}}}
		units, err := m.Units(t.Context(), assess.Query{Wave: "w", Questionnaire: q, Factors: []assess.Factor{f}})
		if err != nil {
			t.Fatal(err)
		}
		if got := units[0].Levels[0]; got != c.want {
			t.Errorf("%s of %v is level %d, want %d", c.when, c.answers, got, c.want)
		}
	}
}

func TestReadTargets(t *testing.T) {
	q := planQuestionnaire()
	good := "targets:\n  - {code: \"330000\", year: 2025, rate: 0.15, above: true, name: {zh: 目标, en: Target}}\n"
	got, err := assess.ReadTargets("targets.yaml", []byte(good), q)
	want := []assess.Target{{Code: "330000", Year: 2025, Rate: 0.15, Above: true, Name: surveys.Text{"zh": "目标", "en": "Target"}}}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Errorf("ReadTargets() = %v, %s", err, d)
	}
	for _, c := range []struct{ old, with, want string }{
		{"0.15", "15", "such as 0.15 for 15 %"},
		{`"330000"`, `""`, "needs the code"},
		{"2025", "25", "write the year"},
		{", en: Target", "", `no text in the language "en"`},
		{"above", "abvoe", "unknown key"},
	} {
		_, err := assess.ReadTargets("targets.yaml", []byte(strings.Replace(good, c.old, c.with, 1)), q)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "targets.yaml:2") {
			t.Errorf("%q for %q: error %v, want %q", c.with, c.old, err, c.want)
		}
	}
}
