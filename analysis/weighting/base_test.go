package weighting_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis/weighting"
)

// 1/(0.1·0.5) = 20, times 3 eligible persons; 1/(1·1) = 1; 1/(0.25·0.8) = 5, times 2.
func TestBase(t *testing.T) {
	chances := [][]float64{{0.1, 1, 0.25}, {0.5, 1, 0.8}}
	w, step, err := weighting.Base(weighting.Selection{Chances: chances, Eligible: []int{3, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{60, 1, 10} {
		if math.Abs(w[i]-want) > 1e-13 {
			t.Errorf("weight %d = %v, want %v", i, w[i], want)
		}
	}
	// Kish: 3·(3600 + 1 + 100)/71².
	if step.N != 3 || math.Abs(step.Sum-71) > 1e-12 || math.Abs(step.KishAfter-3*3701.0/5041) > 1e-12 || step.KishBefore != 1 {
		t.Errorf("step %+v", step)
	}
}

// Weights of a sample file, 2.5 and 0.4, of people of whom 2 and 1 were eligible in the
// household; no bit of them changes on the way.
func TestBaseOfGivenWeights(t *testing.T) {
	w, _, err := weighting.Base(weighting.Selection{Weight: []float64{2.5, 0.4}, Eligible: []int{2, 1}})
	if err != nil || !slices.Equal(w, []float64{5, 0.4}) {
		t.Errorf("Base() = %v, %v, want 5 and 0.4", w, err)
	}
}

func TestBaseNamesFaults(t *testing.T) {
	for name, test := range map[string]struct {
		s    weighting.Selection
		want string
	}{
		"nothing":         {weighting.Selection{}, "sample is empty"},
		"zero":            {weighting.Selection{Chances: [][]float64{{0.5}, {0}}}, "row 0 at stage 2 is 0"},
		"above one":       {weighting.Selection{Chances: [][]float64{{0.5, 1.5}}}, "row 1 at stage 1 is 1.5"},
		"missing":         {weighting.Selection{Chances: [][]float64{{math.NaN()}}}, "stage 1 is NaN"},
		"short stage":     {weighting.Selection{Chances: [][]float64{{0.5, 0.5}, {1}}}, "stage 2 has 1 probabilities for 2 rows"},
		"empty household": {weighting.Selection{Chances: [][]float64{{0.5, 0.5}}, Eligible: []int{1, 0}}, "row 1 has 0 eligible persons"},
		"short weights":   {weighting.Selection{Chances: [][]float64{{0.5, 0.5}}, Weight: []float64{1}}, "1 weights for 2 rows"},
		"no weight":       {weighting.Selection{Weight: []float64{1, math.NaN()}}, "the weight of row 1 is NaN"},
		"short household": {weighting.Selection{Chances: [][]float64{{0.5, 0.5}}, Eligible: []int{1}}, "1 counts of eligible persons for 2 rows"},
	} {
		if _, _, err := weighting.Base(test.s); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
}

func TestNormalise(t *testing.T) {
	w, step, err := weighting.Normalise([]float64{1, 0, 3}, 0)
	if want := []float64{0.5, 0, 1.5}; err != nil || !slices.Equal(w, want) || step.Sum != 2 {
		t.Errorf("Normalise to n = %v, %v, want %v", w, err, want)
	}
	if w, _, err = weighting.Normalise(w, 100); err != nil || !slices.Equal(w, []float64{25, 0, 75}) {
		t.Errorf("Normalise to 100 = %v, %v", w, err)
	}
	if _, _, err = weighting.Normalise(w, -1); err == nil {
		t.Error("Normalise to -1 gave no error")
	}
}
