package assess_test

import (
	"math"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// all lets everybody of a sex reach the criterion, or nobody.
func all(m *assess.Memory, q *surveys.Questionnaire, sex string, right bool) {
	for i := range m.Responses {
		a := m.Responses[i].Answers
		if sex != "" && a.First("sex") != sex {
			continue
		}
		for it := range q.Items {
			switch {
			case len(it.Key) == 0:
			case right:
				a[it.ID] = it.Key[:1]
			default:
				a[it.ID] = []string{surveys.DontKnow}
			}
		}
	}
}

// Where all or none of a group reach the criterion its standard error is 0, and a difference
// from it would have that of the other group alone, or none, and be called significant too soon.
// So it has the error that the exact interval stands for: of none of n, (1 − 0.025^(1/n))/1.96.
func TestNobodyAndEverybody(t *testing.T) {
	refs, same, _ := series(t)
	targets := []assess.Target{{Code: "330000", Year: 2025, Rate: 0.15}, {Code: "male", Year: 2025, Rate: 0.005}, {Code: "male", Year: 2026, Rate: 0.5}}
	for name, prepare := range map[string]func(m *assess.Memory, q *surveys.Questionnaire){
		"no man":                     func(m *assess.Memory, q *surveys.Questionnaire) { all(m, q, "1", false) },
		"every man":                  func(m *assess.Memory, q *surveys.Questionnaire) { all(m, q, "1", true) },
		"every man and no woman":     func(m *assess.Memory, q *surveys.Questionnaire) { all(m, q, "1", true); all(m, q, "2", false) },
		"nobody":                     func(m *assess.Memory, q *surveys.Questionnaire) { all(m, q, "", false) },
		"everybody, from replicates": func(m *assess.Memory, q *surveys.Questionnaire) { all(m, q, "", true) },
	} {
		m, q, p := civic(t)
		prepare(m, q)
		opt := assess.Options{References: refs, Criteria: same, Targets: targets}
		if name == "everybody, from replicates" {
			opt.Variance = assess.Variance{Method: assess.Bootstrap, Replicates: 20, Seed: 1}
		}
		r := assessed(t, m, q, p, opt)
		for _, k := range assess.KnownEstimates(r) {
			e := k.Row.Estimate
			switch {
			case e.N == 0 && !math.IsNaN(e.Value):
				t.Errorf("%s: %s %s of nobody is %v", name, k.Kind, k.Code, e.Value)
			case e.N > 0 && math.IsNaN(e.Value):
				t.Errorf("%s: %s %s of %d people has no value", name, k.Kind, k.Code, e.N)
			}
		}
		sexes := r.Tables[slices.IndexFunc(r.Tables, func(x assess.Table) bool { return x.Factor.ID == "sex" })]
		men := sexes.Groups[0].Rows[0].Estimate
		if !(men.Hi-men.Lo > 0.001) || men.SE != 0 || !slices.ContainsFunc(men.Notes, func(n analysis.Note) bool { return n.Code == analysis.NoVariation }) {
			t.Errorf("%s: men have the rate %v (%v–%v), SE %v, notes %v", name, men.Value, men.Lo, men.Hi, men.SE, men.Notes)
		}
		women := sexes.Groups[1].Rows[0].Estimate
		exact := func(e analysis.Estimate) float64 {
			if e.SE > 0 {
				return e.SE
			}
			return (1 - math.Pow(0.025, 1/float64(e.N))) / 1.959963984540054
		}
		want := math.Hypot(exact(men), exact(women))
		s := sexes.Separation
		for _, c := range append(slices.Clone(s.Pairs), s.Others...) {
			d := c.Difference
			near(t, name+": SE of "+c.A+" less "+c.B, d.SE, want)
			near(t, name+": p of "+c.A+" less "+c.B, c.P, d.Test(0).P)
			if same := men.Value == women.Value; same != (c.P == 1) || same == c.Significant(0.95) || d.N != men.N+women.N {
				t.Errorf("%s: %s less %q is %+v, p %v, corrected %v", name, c.A, c.B, d, c.P, c.Adjusted)
			}
			if !slices.ContainsFunc(d.Notes, func(n analysis.Note) bool { return n.Code == analysis.NoVariation }) {
				t.Errorf("%s: nothing says why %s less %q has another error", name, c.A, c.B)
			}
		}
		whole := r.Headline[0].Estimate
		for _, c := range r.Changes {
			if c.Comparable && math.Abs(c.Difference.SE-exact(whole)) > 1e-12 {
				t.Errorf("%s: the change since %d has the error %v, want %v", name, c.Reference.Year, c.Difference.SE, exact(whole))
			}
		}
		for _, a := range r.Targets {
			if sure := a.Verdict == assess.Attained || a.Verdict == assess.Missed; a.Estimate.SE == 0 && sure == (a.Estimate.Lo < a.Target.Rate && a.Target.Rate < a.Estimate.Hi) {
				t.Errorf("%s: target %v against %v–%v is %q", name, a.Target.Rate, a.Estimate.Lo, a.Estimate.Hi, a.Verdict)
			}
		}
	}
}

// A wave with a series of which nobody was interviewed keeps the levels of the series, and has
// no number.
func TestSeriesOfNobody(t *testing.T) {
	m, q, p := civic(t)
	m.Responses = m.Responses[:1]
	m.Responses[0].Answers = surveys.Answers{"age": {"75"}} // too old for the population
	p.Series, p.Tables = "residence", []string{"sex"}
	p.Crossings, p.Topics = nil, nil
	r := assessed(t, m, q, p, assess.Options{})
	if len(r.SeriesLevels) != 2 || len(r.Headline) != 2 || len(r.Tables[0].Groups[0].Rows) != 2 {
		t.Errorf("series %v, rates %v", r.SeriesLevels, r.Headline)
	}
	for _, k := range assess.KnownEstimates(r) {
		if !math.IsNaN(k.Row.Estimate.Value) {
			t.Errorf("%s %s of nobody is %v", k.Kind, k.Code, k.Row.Estimate.Value)
		}
	}
}
