package analysis_test

import (
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
)

// rows is how many people the benchmarks have: the goals are for a million.
const rows = 1_000_000

// sample is the people of the benchmarks and their design.
func sample(b *testing.B, shuffled bool) (*synthetic.Sample, *analysis.Design) {
	b.Helper()
	s := synthetic.Draw(rows)
	if shuffled {
		s = s.Shuffled()
	}
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		b.Fatal(err)
	}
	return s, d
}

func BenchmarkNewDesign(b *testing.B) {
	s := synthetic.Draw(rows)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := analysis.NewDesign(s.Columns); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMean is a mean with its standard error from 10⁶ rows in memory.
func BenchmarkMean(b *testing.B) {
	for _, order := range []string{"sorted", "shuffled"} {
		b.Run(order, func(b *testing.B) {
			s, d := sample(b, order == "shuffled")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Mean(s.Score, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCells sums 10⁶ rows into the cells of 120 crossings.
func BenchmarkCells(b *testing.B) {
	s, d := sample(b, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Cells([]analysis.Variable{{Name: "score", Values: s.Score}}, s.Domains()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMeanBy estimates 120 domain means from the cells of 10⁶ rows.
func BenchmarkMeanBy(b *testing.B) {
	s, d := sample(b, false)
	c, err := d.Cells([]analysis.Variable{{Name: "score", Values: s.Score}}, s.Domains())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.MeanBy("score", nil, "region", "sex", "age_group"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTable is the means of 120 domains with their full covariance from 10⁶ rows
// in memory.
func BenchmarkTable(b *testing.B) {
	for _, order := range []string{"sorted", "shuffled"} {
		b.Run(order, func(b *testing.B) {
			s, d := sample(b, order == "shuffled")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.MeanTable(s.Score, nil, s.Domains()...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkQuantileTable is the medians of a 0–100 score in 120 domains with their
// intervals from 10⁶ rows in memory.
func BenchmarkQuantileTable(b *testing.B) {
	s, d := sample(b, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.QuantileTable(s.Score, nil, analysis.QuantileSettings{}, 0.5, s.Domains()...); err != nil {
			b.Fatal(err)
		}
	}
}
