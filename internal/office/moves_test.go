package office

import (
	"slices"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// Each case that changed is told once, in the order of the last changes, and nothing is told
// twice or left out.
func TestMoved(t *testing.T) {
	s := staffed(t)
	var seen []string
	moved := func(after int64) int64 {
		t.Helper()
		seen = nil
		last, err := s.Moved(t.Context(), wave, after, func(c Case) error {
			seen = append(seen, c.ID)
			return nil
		})
		must(t, err)
		return last
	}
	last := moved(0)
	all := slices.Clone(seen)
	if len(all) < 3 || !slices.Contains(all, "c1") {
		t.Fatalf("the first reading gave %v, want all cases", all)
	}
	if again := moved(last); again != last || len(seen) > 0 {
		t.Errorf("nothing changed, but %v is told and the place is %d, not %d", seen, again, last)
	}
	must(t, s.Take(t.Context(), []Arrival{came(1, 1, "c2", "i2", 1, 5), came(1, 2, "c1", "i1", 1, 6)}, nil))
	first := moved(last)
	if want := []string{"c2", "c1"}; !slices.Equal(seen, want) {
		t.Errorf("after two interviews %v are told, want %v", seen, want)
	}
	c, err := s.Case(t.Context(), wu, wave, "c1", nine)
	must(t, err)
	_, err = s.Act(t.Context(), wu, wave, "c1", c.Changes, fieldwork.Event{Action: fieldwork.Approve, At: nine.Add(3 * time.Hour)}, somehow)
	must(t, err)
	if moved(first); !slices.Equal(seen, []string{"c1"}) {
		t.Errorf("after a review %v are told, want c1", seen)
	}
	if moved(0); len(seen) != len(all) || seen[len(seen)-1] != "c1" {
		t.Errorf("all of them are %v, want %d with c1 the last", seen, len(all))
	}
}
