package assess_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
)

func TestCrossing(t *testing.T) {
	sex := assess.Factor{ID: "sex", Levels: []assess.Level{{Code: "male"}, {Code: "female"}}}
	age := assess.Factor{ID: "age", Levels: []assess.Level{{Code: "young"}, {Code: "old"}}}
	got := assess.Crossing([]assess.Factor{sex, age})
	if want := []string{"male/young", "male/old", "female/young", "female/old"}; !slices.Equal(got, want) {
		t.Errorf("Crossing() = %v, want %v", got, want)
	}
}

func TestParseWeights(t *testing.T) {
	for _, c := range []struct {
		text, name string
		version    int
		bad        bool
	}{
		{text: "raked", name: "raked"},
		{text: "raked@2", name: "raked", version: 2},
		{text: "", bad: true},
		{text: "@2", bad: true},
		{text: "raked@", bad: true},
		{text: "raked@0", bad: true},
		{text: "raked@-1", bad: true},
		{text: "raked@two", bad: true},
		{text: "raked@2@3", bad: true},
	} {
		name, version, err := assess.ParseWeights(c.text)
		if name != c.name || version != c.version || (err != nil) != c.bad {
			t.Errorf("ParseWeights(%q) = %q, %d, %v", c.text, name, version, err)
		}
	}
}

// A margin is compared as it was before the first step that has it and after the last.
func TestFits(t *testing.T) {
	w := assess.Weighting{Steps: []weighting.Step{
		{What: "rake", Margins: []weighting.MarginFit{{Margin: "sex", Level: "m", Target: 5, Before: 3, After: 5}, {Margin: "city", Level: "1", Target: 9, Before: 8, After: 9}}},
		{What: "trim"},
		{What: "rake", Margins: []weighting.MarginFit{{Margin: "sex", Level: "m", Target: 5, Before: 4.9, After: 5.01}, {Margin: "sex", Level: "f", Target: 4, Before: 4.1, After: 4}}},
	}}
	want := []weighting.MarginFit{
		{Margin: "sex", Level: "m", Target: 5, Before: 3, After: 5.01},
		{Margin: "sex", Level: "f", Target: 4, Before: 4.1, After: 4},
		{Margin: "city", Level: "1", Target: 9, Before: 8, After: 9},
	}
	if d := cmp.Diff(want, w.Fits()); d != "" {
		t.Errorf("Fits() (-want +got): %s", d)
	}
}

// Every estimate says of each step that did not converge which margin is off.
func TestNotesOfAWeighting(t *testing.T) {
	w := assess.Weighting{Steps: []weighting.Step{
		{What: "base weights", Converged: true},
		{What: "rake", Rounds: []float64{0.1}, Margins: []weighting.MarginFit{{Margin: "sex", Level: "m", Target: 5, Before: 3, After: 4.5}}},
	}}
	if n := w.Notes(); len(n) != 1 || n[0].Code != analysis.NotConverged || n[0].Subject != `rake: "m" of margin "sex"` {
		t.Errorf("Notes() = %+v", n)
	}
}
