package analysis_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"pgregory.net/rapid"
)

// survey is a random small survey: up to four strata of two to four PSUs.
type survey struct {
	columns analysis.Columns
	y       []float64
	sex     []int // 0, 1, or -1 for missing
}

func drawSurvey(t *rapid.T) survey {
	var s survey
	for h := range rapid.IntRange(1, 4).Draw(t, "strata") {
		for p := range rapid.IntRange(2, 4).Draw(t, "PSUs") {
			for range rapid.IntRange(1, 4).Draw(t, "people") {
				s.add(fmt.Sprint("h", h), fmt.Sprint("p", p),
					rapid.Float64Range(0.1, 50).Draw(t, "weight"),
					rapid.Float64Range(-20, 100).Draw(t, "y"),
					rapid.IntRange(-1, 1).Draw(t, "sex"))
			}
		}
	}
	return s
}

func (s *survey) add(stratum, psu string, w, y float64, sex int) {
	s.columns.Stratum = append(s.columns.Stratum, stratum)
	s.columns.PSU = append(s.columns.PSU, psu)
	s.columns.Weight = append(s.columns.Weight, w)
	s.y, s.sex = append(s.y, y), append(s.sex, sex)
}

// rows copies the survey with the rows given, in that order.
func (s survey) rows(index []int) survey {
	var r survey
	for _, i := range index {
		r.add(s.columns.Stratum[i], s.columns.PSU[i], s.columns.Weight[i], s.y[i], s.sex[i])
	}
	return r
}

func (s survey) design(t *rapid.T) *analysis.Design {
	d, err := analysis.NewDesign(s.columns)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (s survey) cells(t *rapid.T) *analysis.Cells {
	ones := make([]float64, len(s.y))
	women, womensY := make([]float64, len(s.y)), make([]float64, len(s.y))
	for i := range ones {
		ones[i] = 1
		if s.sex[i] == 0 {
			women[i], womensY[i] = 1, s.y[i]
		}
	}
	c, err := s.design(t).Cells(
		[]analysis.Variable{{Name: "y", Values: s.y}, {Name: "one", Values: ones}, {Name: "woman", Values: women}, {Name: "womansY", Values: womensY}},
		[]analysis.FactorColumn{{Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}}, Level: s.sex}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// same compares value and SE; scale is the size of the numbers summed, as differences
// of large sums cannot be sharper.
func same(t *rapid.T, what string, got, want analysis.Estimate, scale float64) {
	t.Helper()
	near := func(a, b float64) bool {
		return math.Abs(a-b) <= 1e-10*scale || math.IsNaN(a) && math.IsNaN(b)
	}
	if !near(got.Value, want.Value) || !near(got.SE, want.SE) {
		t.Fatalf("%s: %v (SE %v), want %v (SE %v)", what, got.Value, got.SE, want.Value, want.SE)
	}
}

func mustRapid(e analysis.Estimate, err error) func(*rapid.T) analysis.Estimate {
	return func(t *rapid.T) analysis.Estimate {
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

var women = analysis.Domain{"sex": "female"}

func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSurvey(t)
		shuffled := s.rows(rapid.Permutation(count(len(s.y))).Draw(t, "order"))
		a, b := s.cells(t), shuffled.cells(t)
		same(t, "mean", mustRapid(b.Mean("y", nil))(t), mustRapid(a.Mean("y", nil))(t), 100)
		same(t, "women", mustRapid(b.Mean("y", women))(t), mustRapid(a.Mean("y", women))(t), 100)
	})
}

func TestScaleOfWeightsMovesOnlyTotals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSurvey(t)
		scaled := s
		k := rapid.Float64Range(0.01, 100).Draw(t, "factor")
		scaled.columns.Weight = slices.Clone(s.columns.Weight)
		for i := range scaled.columns.Weight {
			scaled.columns.Weight[i] *= k
		}
		a, b := s.cells(t), scaled.cells(t)
		same(t, "mean", mustRapid(b.Mean("y", women))(t), mustRapid(a.Mean("y", women))(t), 100)
		want := mustRapid(a.Total("y", women))(t)
		want.Value *= k
		want.SE *= k
		same(t, "total", mustRapid(b.Total("y", women))(t), want, k*1e5)
	})
}

// Replacing everybody by two people of half the weight in the same PSU changes no sum
// of a PSU, so neither the estimate nor its error.
func TestTwinsInThePSUChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSurvey(t)
		twins := s.rows(append(count(len(s.y)), count(len(s.y))...))
		for i := range twins.columns.Weight {
			twins.columns.Weight[i] /= 2
		}
		a, b := s.cells(t), twins.cells(t)
		same(t, "mean", mustRapid(b.Mean("y", women))(t), mustRapid(a.Mean("y", women))(t), 100)
		same(t, "total", mustRapid(b.Total("y", nil))(t), mustRapid(a.Total("y", nil))(t), 1e5)
	})
}

// With every PSU there twice at half the weight, z is halved: stratum h contributes
// 2n/(2n−1)·Σ(z−z̄)²/2, which is (n−1)/(n−½)/2 of before.
func TestDoublePSUs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 6).Draw(t, "PSUs in every stratum")
		var s, double survey
		for h := range rapid.IntRange(1, 4).Draw(t, "strata") {
			for p := range n {
				w, y := rapid.Float64Range(0.1, 50).Draw(t, "weight"), rapid.Float64Range(-20, 100).Draw(t, "y")
				stratum := fmt.Sprint("h", h)
				s.add(stratum, fmt.Sprint(p), w, y, 0)
				double.add(stratum, fmt.Sprint(p), w/2, y, 0)
				double.add(stratum, fmt.Sprint(p, "twin"), w/2, y, 0)
			}
		}
		want := mustRapid(s.cells(t).Mean("y", nil))(t)
		want.SE *= math.Sqrt(float64(n-1) / (float64(n) - 0.5) / 2)
		same(t, "mean", mustRapid(double.cells(t).Mean("y", nil))(t), want, 100)
	})
}

func TestSplitCellsGiveTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := drawSurvey(t).cells(t)
		split := *whole
		split.Rows = nil
		for _, r := range whole.Rows {
			k := rapid.IntRange(0, r.N).Draw(t, "people in the first part")
			share := float64(k) / float64(r.N)
			split.Rows = append(split.Rows, part(r, k, share), part(r, r.N-k, 1-share))
		}
		for _, in := range []analysis.Domain{nil, women} {
			same(t, "mean", mustRapid(split.Mean("y", in))(t), mustRapid(whole.Mean("y", in))(t), 100)
			same(t, "total", mustRapid(split.Total("y", in))(t), mustRapid(whole.Total("y", in))(t), 1e5)
		}
	})
}

// part takes n people and a share of all sums of a cell.
func part(r analysis.Cell, n int, share float64) analysis.Cell {
	r.N, r.W, r.W2 = n, r.W*share, r.W2*share
	sums := slices.Clone(r.Sums)
	for v, s := range sums {
		sums[v] = analysis.Sum{N: n, W: s.W * share, W2: s.W2 * share, WY: s.WY * share, WY2: s.WY2 * share}
	}
	r.Sums = sums
	return r
}

// The mean of a domain is the ratio of two totals over everybody, and a domain by
// cells is the same as one by rows.
func TestDomainMeanIsARatio(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSurvey(t)
		c := s.cells(t)
		mean := mustRapid(c.Mean("y", women))(t)
		in := make([]bool, len(s.sex))
		for i, x := range s.sex {
			in[i] = x == 0
		}
		same(t, "by rows", mustRapid(s.design(t).Mean(s.y, in))(t), mean, 100)
		if mean.N > 0 {
			same(t, "ratio", mustRapid(c.Ratio("womansY", "woman", nil))(t), mean, 100)
		}
		groups, err := c.MeanBy("y", nil, "sex")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "by sex", groups[0].Estimate, mean, 100)
	})
}

// Weights raked to nothing but their own total change no mean: its scores add up to
// zero, so their residuals on the constant are the scores themselves. The estimated
// size of everybody is then known and has no error.
func TestRakingToTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSurvey(t)
		for i := range s.sex {
			s.sex[i] = 0
		}
		given := s.cells(t)
		s.columns.Base = slices.Clone(s.columns.Weight)
		for i := range s.columns.Base {
			s.columns.Base[i] /= 3
		}
		raked := s.cells(t)
		raked.Margins = [][]string{{"sex"}}
		same(t, "mean", mustRapid(raked.Mean("y", nil))(t), mustRapid(given.Mean("y", nil))(t), 100)
		if size := mustRapid(raked.Size(nil))(t); size.SE > 1e-9*size.Value {
			t.Fatalf("size %v has SE %v, want 0", size.Value, size.SE)
		}
	})
}

// The size of a level that is rare is as known as that of any other when the weights
// were raked to it.
func TestRakingToARareLevel(t *testing.T) {
	base := []float64{900, 1100, 1000, 1e-4, 1000, 1200, 800, 3e-4}
	level := []int{0, 0, 0, 1, 0, 0, 0, 1}
	columns := analysis.Columns{Base: base, Stratum: []string{"n", "n", "n", "n", "s", "s", "s", "s"}}
	for i, l := range level {
		columns.Weight = append(columns.Weight, base[i]*[]float64{1.5, 2}[l])
	}
	d, err := analysis.NewDesign(columns)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Cells(nil, []analysis.FactorColumn{{Factor: analysis.Factor{ID: "place", Levels: []string{"main", "islet"}}, Level: level}})
	if err != nil {
		t.Fatal(err)
	}
	c.Margins = [][]string{{"place"}}
	for _, name := range []string{"main", "islet"} {
		if e := must(c.Size(analysis.Domain{"place": name}))(t); !(e.SE <= 1e-9*e.Value) {
			t.Errorf("size of %s: %v has SE %v, want 0", name, e.Value, e.SE)
		}
	}
}

// count lists 0 to n−1.
func count(n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return index
}
