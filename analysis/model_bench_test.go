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

// BenchmarkFitFromCells is a logistic regression with 4 factors over the cells of 10⁶ rows.
func BenchmarkFitFromCells(b *testing.B) {
	s, d := sample(b, false)
	var factors []analysis.FactorColumn
	m := analysis.CellModel{Outcome: "literate", Family: analysis.Binomial}
	for _, t := range s.Predictors()[:4] {
		factors = append(factors, t.Factor)
		m.Terms = append(m.Terms, []string{t.Factor.ID})
	}
	c, err := d.Cells([]analysis.Variable{{Name: "literate", Values: s.Literate}}, factors)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Fit(m, nil); err != nil {
			b.Fatal(err)
		}
	}
}
