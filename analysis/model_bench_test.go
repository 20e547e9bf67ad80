package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// predictors are 8 factors with 16 coefficients, a continuous variable and an outcome
// of zeros and ones that depends on them.
type predictors struct {
	columns analysis.Columns
	factors []analysis.Term
	age     analysis.Term
	y       []float64
}

func synthesizeModel(n int, shuffled bool) predictors {
	r := rand.New(rand.NewPCG(3, 4))
	p := predictors{columns: synthesize(n, shuffled).columns, y: make([]float64, n)}
	eta := make([]float64, n)
	for k, size := range []int{2, 2, 3, 3, 3, 3, 4, 4} {
		f := analysis.FactorColumn{Factor: analysis.Factor{ID: fmt.Sprintf("f%d", k)}, Level: make([]int, n)}
		for l := range size {
			f.Levels = append(f.Levels, fmt.Sprint(l))
		}
		for i := range n {
			f.Level[i] = r.IntN(size)
			eta[i] += 0.2 * float64(f.Level[i]) * math.Pow(-1, float64(k))
		}
		p.factors = append(p.factors, analysis.Term{Factor: f})
	}
	age := make([]float64, n)
	for i := range n {
		age[i] = 18 + 60*r.Float64()
		if r.Float64() < 1/(1+math.Exp(-eta[i]-0.02*(age[i]-48))) {
			p.y[i] = 1
		}
	}
	p.age = analysis.Term{Numeric: analysis.Variable{Name: "age", Values: age}}
	return p
}

// BenchmarkFit is a logistic regression with 8 factors, and with a continuous variable
// besides, over 10⁶ rows.
func BenchmarkFit(b *testing.B) {
	for _, order := range []string{"sorted", "shuffled"} {
		p := synthesizeModel(1_000_000, order == "shuffled")
		d, err := analysis.NewDesign(p.columns)
		if err != nil {
			b.Fatal(err)
		}
		factors := analysis.Model{Outcome: p.y, Terms: p.factors, Family: analysis.Binomial}
		numeric := factors
		numeric.Terms = append([]analysis.Term{p.age}, p.factors...)
		for name, m := range map[string]analysis.Model{"factors": factors, "numeric": numeric} {
			b.Run(name+"/"+order, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.Fit(m, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
