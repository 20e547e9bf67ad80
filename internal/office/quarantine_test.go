package office

import (
	"maps"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/internal/auth"
)

// What is decided about the quarantine comes into the audit trail once, with who and why.
func TestTakeDecisions(t *testing.T) {
	s := fresh(t)
	decided := func(seq uint64, what, why string) Arrival {
		a := Arrival{Decided: what, By: "wu", Why: why, Number: 4}
		a.Node, a.Seq, a.Wave, a.Case, a.Received = 1, seq, "w", "c1", nine
		return a
	}
	list := []Arrival{decided(5, "dismissed", "a test"), decided(7, "corrected", "asked again")}
	for range 2 {
		if err := s.Take(t.Context(), list, nil); err != nil {
			t.Fatal(err)
		}
	}
	trail, err := s.Trail(t.Context(), 9)
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{{nine.UTC(), "wu", "correct quarantined", "w c1 · 4: asked again", Done}, {nine.UTC(), "wu", "dismiss quarantined", "w c1 · 4: a test", Done}}
	if !slices.Equal(trail, want) {
		t.Errorf("the trail is %v, want %v", trail, want)
	}
}

// Areas are those of the cases that an account sees.
func TestAreas(t *testing.T) {
	s := staffed(t)
	for name, c := range map[string]struct {
		account auth.Account
		want    []string
	}{
		"the country":   {auth.Account{Login: "x", Role: auth.Province}, []string{"c1", "c2"}},
		"another area":  {auth.Account{Login: "x", Role: auth.City, Area: "9999"}, nil},
		"no right":      {auth.Account{Login: "x", Role: auth.Reader}, nil},
		"not their own": {auth.Account{Login: "x", Role: auth.Enumerator}, nil},
	} {
		got, err := s.Areas(t.Context(), c.account, wave, []string{"c1", "c2", "none", ""})
		if err != nil || !slices.Equal(slices.Sorted(maps.Keys(got)), c.want) {
			t.Errorf("%s: Areas() = %v, %v, want %v", name, got, err, c.want)
		}
	}
}
