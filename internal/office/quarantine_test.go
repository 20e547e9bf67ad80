package office

import (
	"maps"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
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

// What a tablet's page lists because it is in quarantine needs no second decision there.
func TestDecisionSettlesWhatIsHeld(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	held := func(seq uint64, id string, revision int, why fieldwork.Why) TabletDeed {
		return TabletDeed{Seq: seq, Wave: wave, Case: "c1", Event: fieldwork.Event{At: nine, Action: fieldwork.Submit, Interview: id, Revision: revision}, Why: why}
	}
	must(t, s.Hold(t.Context(), d.ID, []TabletDeed{held(1, "i1", 0, HeldQuarantined), held(2, "i1", 1, HeldQuarantined), held(3, "i2", 0, HeldQuarantined), held(4, "i1", 0, HeldConflict)}, nine))
	a := Arrival{Decided: "dismissed", By: "wu", Why: "a test", Number: 4}
	a.Node, a.Seq, a.Wave, a.Case, a.ID, a.Received = 1, 5, wave, "c1", "i1", nine
	must(t, s.Take(t.Context(), []Arrival{a}, nil))
	list, err := s.Held(t.Context(), hz, d.ID)
	must(t, err)
	for _, h := range list {
		if settled := !h.Dismissed.IsZero(); settled != (h.Seq == 1) || settled && (h.By != "wu" || h.Reason != "a test" || !h.Dismissed.Equal(nine)) {
			t.Errorf("held: %+v", h)
		}
	}
	if len(list) != 4 {
		t.Errorf("%d are held", len(list))
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
