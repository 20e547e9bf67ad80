package weighting_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"pgregory.net/rapid"
)

// By hand: 2 too much at the top and 1 too little at the bottom leave 1 for the two
// within, of which one is then above the limit.
func TestTrim(t *testing.T) {
	w := []float64{1, 3, 4, 6, 0}
	got, step, err := weighting.Trim(w, weighting.Limits{Lower: 2, Upper: 4})
	if err != nil {
		t.Fatal(err)
	}
	near(t, got, []float64{2, 3.5, 4.5, 4, 0})
	want := []weighting.Class{
		{Name: "below", N: 1, Kept: 1, Before: 1, After: 2},
		{Name: "within", N: 2, Kept: 2, Before: 7, After: 8},
		{Name: "above", N: 1, Kept: 1, Before: 6, After: 4},
	}
	if diff := cmp.Diff(want, step.Classes); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
	// 14 = 4 + 4 + (3 + c) + (1 + c) if both stay below 4: c = 1, and then 3 + c = 4.
	if got, _, err = weighting.Trim(w, weighting.Limits{Lower: 2, Upper: 4, Strict: true}); err != nil {
		t.Fatal(err)
	}
	near(t, got, []float64{2, 4, 4, 4, 0})
	// The median is 3.5: limits of 2 and 4 again.
	relative, _, err := weighting.Trim(w, weighting.Limits{Lower: 2 / 3.5, Upper: 4 / 3.5, OfMedian: true, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	near(t, relative, got)
	if !slices.Equal(w, []float64{1, 3, 4, 6, 0}) {
		t.Errorf("the input was changed to %v", w)
	}
	if same, _, err := weighting.Trim(w, weighting.Limits{Lower: 1, Upper: 6}); err != nil || !slices.Equal(same, w) {
		t.Errorf("within the limits %v became %v, %v", w, same, err)
	}
}

// Whatever the weights, strict trimming keeps the limits and the sum, leaves the order,
// and is that of repeated passes when there is an upper limit only.
func TestStrictTrimProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SliceOfN(rapid.Float64Range(0.1, 10), 2, 30).Draw(t, "weights")
		var sum float64
		for _, x := range w {
			sum += x
		}
		mean := sum / float64(len(w))
		l := weighting.Limits{Upper: mean * rapid.Float64Range(1.05, 3).Draw(t, "upper"), Strict: true}
		if rapid.Bool().Draw(t, "both") {
			l.Lower = mean * rapid.Float64Range(0.05, 0.95).Draw(t, "lower")
		}
		got, step, err := weighting.Trim(w, l)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(step.Sum/sum-1) > 1e-12 || step.Min < l.Lower || step.Max > l.Upper {
			t.Fatalf("sum %v of %v, from %v to %v within %v", step.Sum, sum, step.Min, step.Max, l)
		}
		for i := range w {
			for j := range w {
				if w[i] < w[j] && got[i] > got[j] {
					t.Fatalf("order of %v and %v changed to %v, %v", w[i], w[j], got[i], got[j])
				}
			}
		}
		if l.Lower > 0 {
			return
		}
		passes := slices.Clone(w)
		for range 10_000 {
			pass(passes, l.Upper)
		}
		for i := range w {
			if math.Abs(got[i]-passes[i]) > 1e-9*mean {
				t.Fatalf("weight %d of %v is %v, repeated passes give %v", i, w, got[i], passes[i])
			}
		}
	})
}

// pass cuts weights at a limit and spreads what is cut over those below or at it.
func pass(w []float64, upper float64) {
	var excess, others float64
	for _, x := range w {
		if x > upper {
			excess += x - upper
		} else {
			others++
		}
	}
	for i, x := range w {
		if x > upper {
			w[i] = upper
		} else {
			w[i] += excess / max(others, 1) // without others by rounding only
		}
	}
}

func TestTrimNamesFaults(t *testing.T) {
	w := []float64{1, 3, 4, 6}
	for name, test := range map[string]struct {
		l    weighting.Limits
		want string
	}{
		"order":       {weighting.Limits{Lower: 5, Upper: 4}, "below the upper one"},
		"negative":    {weighting.Limits{Lower: -1}, "must be at least 0"},
		"all outside": {weighting.Limits{Lower: 4.2, Upper: 4.5}, "all 4 weights are outside 4.2 to 4.5"},
		"mean above":  {weighting.Limits{Upper: 3, Strict: true}, "the mean weight is 3.5"},
		"mean below":  {weighting.Limits{Lower: 3.6, Strict: true}, "the mean weight is 3.5"},
	} {
		if _, _, err := weighting.Trim(w, test.l); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, test.want)
		}
	}
	// Six weights come up to 10, and 54 more are more than the one of 12 has.
	if _, _, err := weighting.Trim([]float64{1, 1, 1, 1, 1, 1, 12}, weighting.Limits{Lower: 10}); err == nil || !strings.Contains(err.Error(), "row 6") {
		t.Errorf("trimming beyond zero: %v", err)
	}
}
