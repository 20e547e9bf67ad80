package analysis_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// When everybody of one level gave the same answer its coefficient has no estimate: each
// step moves it by about one and gains ever less, until the gain is below rounding. No
// sample, however small, may then have a fit, with whatever start and link.
func TestSeparatedLevelsHaveNoFit(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 30))
		sex := classes("sex", "f", "m")
		degree := classes("degree", "low", "middle", "high")
		age := analysis.Variable{Name: "age"}
		var yes []float64
		var c analysis.Columns
		for i := range 8 + r.IntN(10) {
			c.Weight = append(c.Weight, 0.2+5*r.Float64())
			c.PSU = append(c.PSU, string(rune('a'+i%4)))
			sex.Level = append(sex.Level, i%2)
			age.Values = append(age.Values, 10*r.Float64())
			// Women answer both ways at any age; men all say yes.
			yes = append(yes, float64(btoi(i%2 == 1 || i%4 == 0)))
			degree.Level = append(degree.Level, []int{i / 2 % 3, 2}[i%2])
		}
		d := mustDesign(t, c)
		terms := []analysis.Term{{Factor: sex}}
		if seed%2 == 1 {
			terms = append(terms, analysis.Term{Numeric: age})
		}
		for _, link := range []analysis.Link{analysis.Logit, analysis.Probit, analysis.CLogLog} {
			if fit, err := d.Fit(analysis.Model{Outcome: yes, Terms: terms, Family: analysis.Binomial, Link: link}, nil); err == nil {
				t.Errorf("seed %d, %s: coefficients %v after %d rounds, want an error", seed, link, fit.Values, fit.Rounds)
			} else if !strings.Contains(err.Error(), "without end") {
				t.Errorf("seed %d, %s: error %q", seed, link, err)
			}
			if fit, err := d.FitOrdinal(analysis.OrdinalModel{Outcome: degree, Terms: terms, Link: link}, nil); err == nil {
				t.Errorf("seed %d, ordinal %s: coefficients %v after %d rounds, want an error", seed, link, fit.Values, fit.Rounds)
			}
		}
		no := make([]float64, len(yes))
		for i := range no {
			no[i] = 1 - yes[i]
		}
		if fit, err := d.Fit(analysis.Model{Outcome: no, Terms: terms, Family: analysis.Poisson}, nil); err == nil {
			t.Errorf("seed %d, poisson: coefficients %v, want an error", seed, fit.Values)
		}
	}
}
