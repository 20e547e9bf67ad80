package weighting_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/analysis/weighting"
)

// Weights times k, and times the smaller of k and 3; who has no weight needs no household.
func TestHousehold(t *testing.T) {
	w, eligible := []float64{2, 0, 10, 1.5, 1, 4}, []int{3, 0, 1, 4, 3, 5}
	for _, c := range []struct {
		most    int
		want    []float64
		classes []weighting.Class
	}{
		{0, []float64{6, 0, 10, 6, 3, 20}, []weighting.Class{
			{Name: "1", N: 1, Kept: 1, Before: 10, After: 10, Factor: 1},
			{Name: "3", N: 2, Kept: 2, Before: 3, After: 9, Factor: 3},
			{Name: "4", N: 1, Kept: 1, Before: 1.5, After: 6, Factor: 4},
			{Name: "5", N: 1, Kept: 1, Before: 4, After: 20, Factor: 5},
		}},
		{3, []float64{6, 0, 10, 4.5, 3, 12}, []weighting.Class{
			{Name: "1", N: 1, Kept: 1, Before: 10, After: 10, Factor: 1},
			{Name: "3", N: 2, Kept: 2, Before: 3, After: 9, Factor: 3},
			{Name: "4", N: 1, Kept: 1, Before: 1.5, After: 4.5, Factor: 3},
			{Name: "5", N: 1, Kept: 1, Before: 4, After: 12, Factor: 3},
		}},
	} {
		after, step, err := weighting.Household(w, eligible, c.most)
		if err != nil || !slices.Equal(after, c.want) {
			t.Errorf("at most %d: Household() = %v, %v, want %v", c.most, after, err, c.want)
		}
		if d := cmp.Diff(c.classes, step.Classes); d != "" {
			t.Errorf("at most %d: classes: %s", c.most, d)
		}
		// Kish: n Σw²/(Σw)² of the weights before, 5·(4 + 100 + 2.25 + 1 + 16)/18.5².
		if step.What != "household selection" || step.N != 5 || !step.Converged || math.Abs(step.KishBefore-5*123.25/342.25) > 1e-12 {
			t.Errorf("at most %d: step %+v", c.most, step)
		}
	}
}

func TestHouseholdNamesFaults(t *testing.T) {
	for name, c := range map[string]struct {
		w        []float64
		eligible []int
		most     int
		want     string
	}{
		"nobody":        {[]float64{1, 2}, []int{1, 0}, 0, "household of row 1 has 0 eligible"},
		"short":         {[]float64{1, 2}, []int{1}, 0, "1 counts of eligible persons for 2 rows"},
		"no weights":    {nil, nil, 0, "weight"},
		"negative most": {[]float64{1}, []int{1}, -1, "largest factor is -1"},
	} {
		if _, _, err := weighting.Household(c.w, c.eligible, c.most); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, c.want)
		}
	}
}
