package synthetic

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

func TestDrawIsTheSameEveryTime(t *testing.T) {
	if !reflect.DeepEqual(Draw(5000), Draw(5000)) {
		t.Error("two draws of 5,000 rows differ")
	}
	if !reflect.DeepEqual(Draw(5000).Shuffled(), Draw(5000).Shuffled()) {
		t.Error("two shuffled draws of 5,000 rows differ")
	}
}

// The smallest sample has one person in each PSU.
func TestDrawHasEveryPSU(t *testing.T) {
	for _, n := range []int{PSUs, 2000, 20_000} {
		d, err := analysis.NewDesign(Draw(n).Columns)
		if err != nil {
			t.Fatal(err)
		}
		if d.Rows() != n || d.Strata() != Strata || len(d.PSUs()) != PSUs {
			t.Errorf("Draw(%d) has %d rows, %d strata and %d PSUs", n, d.Rows(), d.Strata(), len(d.PSUs()))
		}
	}
}

func TestDrawFillsLevelsAndDomains(t *testing.T) {
	s := Draw(100_000)
	if len(s.Factors) != 12 || len(s.Predictors()) != 8 {
		t.Errorf("%d factors, %d of them predictors; want 12 and 8", len(s.Factors), len(s.Predictors()))
	}
	for _, f := range s.Factors {
		n := make([]int, len(f.Levels))
		for _, l := range f.Level {
			n[l]++
		}
		if slices.Min(n) < len(f.Level)/200 {
			t.Errorf("levels of %s have %v of %d people", f.ID, n, len(f.Level))
		}
	}
	domain := map[[3]int]int{}
	for i := range s.Score {
		var d [3]int
		for k, f := range s.Domains() {
			d[k] = f.Level[i]
		}
		domain[d]++
	}
	if len(domain) != 120 {
		t.Errorf("%d domains have people, want 120", len(domain))
	}
}

func TestDrawStaysInRange(t *testing.T) {
	s := Draw(20_000)
	for i, y := range s.Score {
		if y != math.Round(y) || y < 0 || y > 100 {
			t.Fatalf("score %v in row %d, want a whole number from 0 to 100", y, i)
		}
		if s.Literate[i] != 0 && s.Literate[i] != 1 {
			t.Fatalf("outcome %v in row %d, want 0 or 1", s.Literate[i], i)
		}
		if s.Age[i] < 18 || s.Age[i] >= 80 {
			t.Fatalf("age %v in row %d, want 18 to 80", s.Age[i], i)
		}
		if !(s.Columns.Weight[i] > 0) {
			t.Fatalf("weight %v in row %d", s.Columns.Weight[i], i)
		}
	}
	if slices.Max(s.Columns.Weight) < 5*slices.Min(s.Columns.Weight) {
		t.Error("weights are nearly equal")
	}
}

// PSUs differ by more than their people do, so that the design has an effect, and the
// outcome follows the predictors.
func TestDrawHasClustersAndAnOutcomeThatDepends(t *testing.T) {
	s := Draw(50_000)
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		t.Fatal(err)
	}
	mean, err := d.Mean(s.Score, nil)
	if err != nil {
		t.Fatal(err)
	}
	if mean.DEff < 1.5 {
		t.Errorf("design effect of the score = %v, want a clustered sample", mean.DEff)
	}
	fit, err := d.Fit(analysis.Model{Outcome: s.Literate, Terms: s.Predictors(), Family: analysis.Binomial}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(fit.Values) != 20 {
		t.Errorf("%d coefficients, want 19 and the intercept", len(fit.Values))
	}
	for _, term := range []string{"education", "residence", "internet"} {
		w, err := fit.Wald(term)
		if err != nil {
			t.Fatal(err)
		}
		if w.P > 1e-6 {
			t.Errorf("P of %s = %v, want an outcome that depends on it", term, w.P)
		}
	}
}

// Shuffled people are the same people, and no longer in order of PSU.
func TestShuffledKeepsPeople(t *testing.T) {
	s := Draw(5000)
	o := s.Shuffled()
	people := func(s *Sample) map[[4]any]int {
		m := map[[4]any]int{}
		for i := range s.Score {
			m[[4]any{s.Columns.Stratum[i] + "/" + s.Columns.PSU[i], s.Columns.Weight[i], s.Score[i], s.Factors[household].Level[i]}]++
		}
		return m
	}
	if !reflect.DeepEqual(people(s), people(o)) {
		t.Error("shuffling changed the people")
	}
	if slices.Equal(s.Columns.Weight, o.Columns.Weight) {
		t.Error("shuffling left the order")
	}
}
