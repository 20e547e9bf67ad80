package analysis_test

import (
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// BenchmarkFit is a logistic regression with 8 factors, and with a continuous variable
// besides, over 10⁶ rows.
func BenchmarkFit(b *testing.B) {
	for _, order := range []string{"sorted", "shuffled"} {
		s, d := sample(b, order == "shuffled")
		factors := analysis.Model{Outcome: s.Literate, Terms: s.Predictors(), Family: analysis.Binomial}
		numeric := factors
		numeric.Terms = append([]analysis.Term{s.AgeTerm()}, s.Predictors()...)
		for _, m := range []struct {
			name string
			analysis.Model
		}{{"factors", factors}, {"numeric", numeric}} {
			b.Run(m.name+"/"+order, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.Fit(m.Model, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
