package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// The synthetic sample of the benchmarks: 60 strata of 29 PSUs, 1,740 in all, rows in
// order of PSU as survey files are, a score with a few missing and three factors that
// cross to 120 domains.
type synthetic struct {
	columns analysis.Columns
	score   []float64
	factors []analysis.FactorColumn
}

func synthesize(n int, shuffled bool) synthetic {
	r := rand.New(rand.NewPCG(1, 2))
	s := synthetic{score: make([]float64, n)}
	s.columns = analysis.Columns{Weight: make([]float64, n), Stratum: make([]string, n), PSU: make([]string, n)}
	var strata, psus []string
	for k := range 1740 {
		strata = append(strata, fmt.Sprintf("S%02d", k/29))
		psus = append(psus, strconv.Itoa(k%29))
	}
	for _, size := range []int{10, 2, 6} {
		f := analysis.FactorColumn{Factor: analysis.Factor{ID: "f" + strconv.Itoa(size)}, Level: make([]int, n)}
		for l := range size {
			f.Levels = append(f.Levels, strconv.Itoa(l))
		}
		s.factors = append(s.factors, f)
	}
	for i := range n {
		k := i * len(psus) / n
		if shuffled {
			k = r.IntN(len(psus))
		}
		s.columns.Weight[i] = 0.5 + r.Float64()
		s.columns.Stratum[i], s.columns.PSU[i] = strata[k], psus[k]
		s.score[i] = float64(r.IntN(101))
		for f := range s.factors {
			s.factors[f].Level[i] = r.IntN(len(s.factors[f].Levels))
		}
	}
	return s
}

func BenchmarkNewDesign(b *testing.B) {
	s := synthesize(1_000_000, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := analysis.NewDesign(s.columns); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMean is a mean with its standard error from 10⁶ rows in memory.
func BenchmarkMean(b *testing.B) {
	for _, order := range []string{"sorted", "shuffled"} {
		b.Run(order, func(b *testing.B) {
			s := synthesize(1_000_000, order == "shuffled")
			d, err := analysis.NewDesign(s.columns)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Mean(s.score, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCells sums 10⁶ rows into the cells of 120 crossings.
func BenchmarkCells(b *testing.B) {
	s := synthesize(1_000_000, false)
	d, err := analysis.NewDesign(s.columns)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Cells([]analysis.Variable{{Name: "score", Values: s.score}}, s.factors); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMeanBy estimates 120 domain means from the cells of 10⁶ rows.
func BenchmarkMeanBy(b *testing.B) {
	s := synthesize(1_000_000, false)
	d, err := analysis.NewDesign(s.columns)
	if err != nil {
		b.Fatal(err)
	}
	c, err := d.Cells([]analysis.Variable{{Name: "score", Values: s.score}}, s.factors)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.MeanBy("score", nil, "f10", "f2", "f6"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTable is the means of 120 domains with their full covariance from 10⁶ rows
// in memory.
func BenchmarkTable(b *testing.B) {
	for _, order := range []string{"sorted", "shuffled"} {
		b.Run(order, func(b *testing.B) {
			s := synthesize(1_000_000, order == "shuffled")
			d, err := analysis.NewDesign(s.columns)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.MeanTable(s.score, nil, s.factors...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkQuantileTable is the medians of a 0–100 score in 120 domains with their
// intervals from 10⁶ rows in memory.
func BenchmarkQuantileTable(b *testing.B) {
	s := synthesize(1_000_000, false)
	d, err := analysis.NewDesign(s.columns)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.QuantileTable(s.score, nil, analysis.QuantileSettings{}, 0.5, s.factors...); err != nil {
			b.Fatal(err)
		}
	}
}
