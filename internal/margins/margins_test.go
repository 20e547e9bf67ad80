package margins_test

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

func ptr(x float64) *float64 { return &x }

// sex is a factor with lists of values, age one with ranges, area one with two values to
// a level.
func sex() assess.Factor {
	return assess.Factor{ID: "sex", Levels: []assess.Level{{Code: "male", Values: []string{"1"}}, {Code: "female", Values: []string{"2"}}}}
}

func age() assess.Factor {
	return assess.Factor{ID: "age", Levels: []assess.Level{{Code: "young", Min: ptr(18), Below: ptr(21)}, {Code: "old", Min: ptr(21)}}}
}

func area() assess.Factor {
	return assess.Factor{ID: "area", Levels: []assess.Level{{Code: "town", Values: []string{"city", "suburb"}}, {Code: "land", Values: []string{"village"}}}}
}

// plan reads the plan of the shipped civic literacy survey.
func plan(t *testing.T) *assess.Plan {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(library.FS, "civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func factors(p *assess.Plan, ids ...string) []assess.Factor {
	var out []assess.Factor
	for _, id := range ids {
		out = append(out, *p.Factor(id))
	}
	return out
}

// refused checks that an error is one of bad input and has all of these words.
func refused(t *testing.T, name string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want one with %q", name, words)
		return
	}
	if !errors.Is(err, surveys.ErrInvalid) && !errors.Is(err, surveys.ErrTooLarge) && !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("%s: error %v is no fault of the input", name, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: error %q, want one with %q", name, err, w)
		}
	}
}

func sameTargets(t *testing.T, name string, got, want map[string]float64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: targets = %v, want %v", name, got, want)
	}
}

// near allows a relative difference of 1e-12: sums of a few numbers of 16 digits.
func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*math.Abs(want)) {
		t.Errorf("%s = %.17g, want %.17g", name, got, want)
	}
}
