package replicate_test

import (
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// million is the sample of 10⁶ people in 1,740 PSUs, summed by the given factors.
func million(b *testing.B, factors []analysis.FactorColumn) *analysis.Cells {
	b.Helper()
	s := synthetic.Draw(1_000_000)
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		b.Fatal(err)
	}
	c, err := d.Cells([]analysis.Variable{{Name: "score", Values: s.Score}}, factors)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkJKn is a mean of 10⁶ people with 1,740 replicates, once the cells are there.
func BenchmarkJKn(b *testing.B) {
	c := million(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		set, err := replicate.JKn(c)
		if err != nil {
			b.Fatal(err)
		}
		cells, err := set.OnCells(c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := cells.Mean("score", nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBootstrapDomains is 120 domain means with 1,000 bootstrap replicates.
func BenchmarkBootstrapDomains(b *testing.B) {
	c := million(b, synthetic.Draw(1_000_000).Domains())
	b.ReportAllocs()
	for b.Loop() {
		set, err := replicate.Bootstrap(c, 1000, 1)
		if err != nil {
			b.Fatal(err)
		}
		cells, err := set.OnCells(c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := cells.MeanTable("score", nil, "region", "sex", "age_group"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBootstrapRaked is a mean with 1,000 bootstrap replicates of 10⁶ people, each
// raked to five margins, once the cells are there.
func BenchmarkBootstrapRaked(b *testing.B) {
	s := synthetic.Draw(1_000_000)
	var factors []analysis.FactorColumn
	var margins []replicate.Margin
	for _, f := range s.Factors[:5] { // region, sex, age, education, residence
		factors = append(factors, f)
		m := replicate.Margin{Factor: f.ID}
		for l := range f.Levels {
			m.Targets = append(m.Targets, 1e8*float64(l+5)/float64(len(f.Levels)*5+len(f.Levels)*(len(f.Levels)-1)/2))
		}
		margins = append(margins, m)
	}
	c := million(b, factors)
	b.ReportMetric(float64(len(c.Rows)), "cells")
	b.ReportAllocs()
	for b.Loop() {
		set, err := replicate.Bootstrap(c, 1000, 1)
		if err != nil {
			b.Fatal(err)
		}
		cells, err := set.OnCells(c)
		if err != nil {
			b.Fatal(err)
		}
		cells, step, err := cells.Rake(margins, weighting.Settings{})
		if err != nil || !step.Converged {
			b.Fatal(err, step.Rounds)
		}
		if _, err := cells.Mean("score", nil); err != nil {
			b.Fatal(err)
		}
	}
}
