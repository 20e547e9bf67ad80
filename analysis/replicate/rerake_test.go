package replicate_test

import (
	"math"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// On 10⁵ people raked to five margins, replicates that are raked again and the linearised
// variance of the residuals are two ways to one number. They differ by the chance of the
// bootstrap, 1/√2R of a standard error, and by terms of second order with n_h = 29 PSUs in
// a stratum, which the jackknife shows alone: 1/n_h² is 0.0012. The margins are those of a
// population near the sample; far from it the residuals, which rest on the weights before
// raking, are only an approximation to what raking does.
func TestRerakedReplicatesAreTaylorWithResiduals(t *testing.T) {
	const replicates = 1000
	s := synthetic.Draw(100_000)
	var rows []weighting.Margin
	var margins []replicate.Margin
	var names [][]string
	for _, f := range s.Factors[:5] { // region, sex, age, education, residence
		m := weighting.Margin{Name: f.ID, Levels: f.Levels, Level: f.Level, Targets: make([]float64, len(f.Levels))}
		sum := 0.0
		for i, l := range f.Level {
			m.Targets[l] += s.Columns.Weight[i]
			sum += s.Columns.Weight[i]
		}
		changed := 0.0
		for l := range m.Targets { // a population up to a fiftieth away from the sample
			m.Targets[l] *= 0.98 + 0.04*float64(l)/float64(len(m.Targets)-1)
			changed += m.Targets[l]
		}
		for l := range m.Targets {
			m.Targets[l] *= sum / changed
		}
		rows, names = append(rows, m), append(names, []string{f.ID})
		margins = append(margins, replicate.Margin{Factor: f.ID, Targets: m.Targets})
	}
	base := s.Columns
	after, _, err := weighting.Rake(base.Weight, rows, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	cells := func(columns analysis.Columns) *analysis.Cells {
		d := ok[*analysis.Design](t)(analysis.NewDesign(columns))
		return ok[*analysis.Cells](t)(d.Cells([]analysis.Variable{{Name: "score", Values: s.Score}, {Name: "literate", Values: s.Literate}}, s.Factors[:5]))
	}
	before := cells(base)
	raked := base
	raked.Weight, raked.Base = after, base.Weight
	taylor := cells(raked)
	given := *taylor
	taylor.Margins = names

	jkn := reraked(t, before, margins, ok[*replicate.Set](t)(replicate.JKn(before)))
	bootstrap := reraked(t, before, margins, ok[*replicate.Set](t)(replicate.Bootstrap(before, replicates, 5)))
	graduates := analysis.Domain{"sex": "female", "education": "bachelor or more"}
	for _, c := range []struct {
		name string
		// matters is how many times larger the standard error is, at least, when the raking
		// is forgotten.
		matters float64
		of      func(e estimator) (analysis.Estimate, error)
	}{
		{"total of literate people", 1.4, func(e estimator) (analysis.Estimate, error) { return e.Total("literate", nil) }},
		{"mean score", 1.04, func(e estimator) (analysis.Estimate, error) { return e.Mean("score", nil) }},
		{"literate in a region", 1, func(e estimator) (analysis.Estimate, error) {
			return e.Mean("literate", analysis.Domain{"region": "Zhejiang"})
		}},
		{"literate women with a degree", 1.25, func(e estimator) (analysis.Estimate, error) { return e.Total("literate", graduates) }},
	} {
		want, fixed := ok[analysis.Estimate](t)(c.of(taylor)), ok[analysis.Estimate](t)(c.of(&given))
		if fixed.SE < c.matters*want.SE {
			t.Errorf("%s: SE %v with the raking, %v without; the case shows nothing", c.name, want.SE, fixed.SE)
		}
		j, b := ok[analysis.Estimate](t)(c.of(jkn)), ok[analysis.Estimate](t)(c.of(bootstrap))
		near(t, c.name+", value", j.Value, want.Value, 1e-9)
		near(t, c.name+", SE of the jackknife", j.SE, want.SE, 0.0012)
		near(t, c.name+", SE of the bootstrap", b.SE, want.SE, 4/math.Sqrt(2*replicates))
	}
}

type estimator interface {
	Mean(variable string, in analysis.Domain) (analysis.Estimate, error)
	Total(variable string, in analysis.Domain) (analysis.Estimate, error)
}

// reraked puts replicates on cells and rakes each.
func reraked(t *testing.T, c *analysis.Cells, margins []replicate.Margin, set *replicate.Set) *replicate.Cells {
	t.Helper()
	e, step, err := ok[*replicate.Cells](t)(set.OnCells(c)).Rake(margins, weighting.Settings{})
	if err != nil || !step.Converged {
		t.Fatal(err, step.Rounds)
	}
	return e
}
