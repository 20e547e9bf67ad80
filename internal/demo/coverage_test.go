package demo

import (
	"flag"
	"math"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

var (
	surveysDrawn  = flag.Int("surveys", 40, "number of surveys that TestCoverage draws from one population")
	interviewsPer = flag.Int("interviews", 600, "expected interviews of each")
)

// Over many draws from one population, with non-response and raking in each, the
// 95 % intervals cover the truth about as often as they promise.
func TestCoverage(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Interviews = *interviewsPer
	p, q, census := province(t, cfg)
	pl := plan(t, q)
	margins, assumptions, err := census.Margins(pl)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := p.Truth(t.Context(), q, pl, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var all assess.Cover
	headline, sumZ, sumZ2 := 0, 0.0, 0.0
	for seed := range *surveysDrawn {
		m := p.survey(q, uint64(seed+1))
		query := assess.Query{Wave: m.Wave, Questionnaire: q, Factors: pl.Factors}
		weights, step, err := assess.Weigh(t.Context(), m, query, margins)
		if err != nil {
			t.Fatal(err)
		}
		m.Weights = map[string]map[string]float64{"raked": weights}
		r, err := assess.Assess(t.Context(), m, q, pl, assess.Options{
			Wave: m.Wave, Weights: "raked", Raking: &step, Assumptions: assumptions, Truth: truth.Value,
		})
		if err != nil {
			t.Fatal(err)
		}
		c := assess.Coverage(r)
		all.Covered += c.Covered
		all.Total += c.Total
		if in, _ := r.Headline[0].Covered(); in {
			headline++
		}
		e := r.Headline[0].Estimate
		z := (e.Value - *r.Headline[0].Truth) / e.SE
		sumZ += z
		sumZ2 += z * z
	}
	n := float64(*surveysDrawn)
	mean := sumZ / n
	sd := math.Sqrt((sumZ2 - n*mean*mean) / (n - 1))
	rate := float64(all.Covered) / float64(all.Total)
	t.Logf("%d surveys of about %d: %.1f %% of %d intervals cover, the headline in %d; its (estimate − truth)/SE has mean %.2f and SD %.2f",
		*surveysDrawn, *interviewsPer, 100*rate, all.Total, headline, mean, sd)
	// The intervals of one survey hang together, so the share over all of them scatters
	// about twice as much as that of independent ones would: with 40 surveys of 85
	// intervals, about 0.8 points. Three times that, and another point for proportions
	// near 0 in small groups, where the logit interval is known to be short.
	if rate < 0.915 || rate > 0.985 {
		t.Errorf("%.1f %% of the intervals cover the truth, want about 95 %%", 100*rate)
	}
	// A mean of z of 40 draws has the standard error 0.16, its SD one of 0.11; four each.
	if math.Abs(mean) > 4/math.Sqrt(n) || math.Abs(sd-1) > 4/math.Sqrt(2*n) {
		t.Errorf("(estimate − truth)/SE of the headline has mean %.2f and SD %.2f, want about 0 and 1", mean, sd)
	}
}

// survey draws a sample and lets it answer, without a server.
func (p *Population) survey(q *surveys.Questionnaire, seed uint64) *assess.Memory {
	m := &assess.Memory{Wave: "w"}
	for _, d := range p.Draw(seed) {
		m.Cases = append(m.Cases, fieldwork.Case(d.Case))
		if !p.Responds(seed, d.Person) {
			continue
		}
		answers := surveys.Answers{}
		for it := range q.Items {
			if it.Dimension != "" || isFact(it) {
				answers[it.ID] = p.Answer(d.Person, it, answers)
			}
		}
		m.Responses = append(m.Responses, surveys.Response{Interview: surveys.Interview{
			ID: d.ID, Revision: 1, Wave: m.Wave, Case: d.ID, Answers: answers,
		}})
	}
	return m
}
