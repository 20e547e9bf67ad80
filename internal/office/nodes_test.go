package office

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// came is an interview of a case at a place in the log of a node, finished some minutes after
// nine.
func came(node uint16, seq uint64, id, interview string, revision uint32, minutes int) Arrival {
	iv := surveys.Interview{ID: interview, Revision: revision, Wave: wave, Case: id, Mode: surveys.ModeWeb, Finished: nine.Add(time.Duration(minutes) * time.Minute)}
	hash := sha256.Sum256(fmt.Append(nil, interview, revision, minutes))
	return Arrival{Response: surveys.Response{Interview: iv, Node: node, Seq: seq, Received: nine.Add(2 * time.Hour), BodyHash: hash}}
}

// Of interviews of a case that several nodes took the office has the one that counts in the
// estimates, in whatever order they come; the others are told of, and the same one that came
// twice is none of them.
func TestTakeFromSeveralNodes(t *testing.T) {
	s := staffed(t)
	must(t, s.Take(t.Context(), []Arrival{
		came(1, 1, "c1", "late", 1, 30),
		came(2, 1, "c1", "late", 1, 30), // the same, sent to two nodes
		came(3, 1, "c1", "early", 1, 20),
		came(2, 2, "c1", "latest", 1, 40),
		came(3, 2, "c2", "i2", 1, 20),
		came(1, 2, "c2", "i2", 1, 10), // another body under the same revision
		came(2, 3, "c2", "i2", 1, 30),
		came(1, 3, "c2", "i2", 2, 50), // corrected, after all of them
	}, nil))
	for id, want := range map[string]struct {
		progress   string
		quarantine int
	}{"c1": {"submitted early 1", 2}, "c2": {"submitted i2 2", 2}} {
		c, err := s.Case(t.Context(), office, wave, id, nine)
		must(t, err)
		n, err := s.Quarantined(t.Context(), wave, id)
		must(t, err)
		if got := fmt.Sprint(c.State, " ", c.Interview, " ", c.Revision); got != want.progress || n != want.quarantine {
			t.Errorf("case %s is %q and %d further interviews are told of, want %q and %d", id, got, n, want.progress, want.quarantine)
		}
	}
	events, err := s.Events(t.Context(), wave, "c1")
	must(t, err)
	if last := events[len(events)-1]; !slices.Contains(last.Flags, fieldwork.Instead) || last.Interview != "early" {
		t.Errorf("the last event of c1 is %+v, want the earlier interview instead of the other", last)
	}
}

// The order in which nodes bring interviews changes nothing of which ones stand.
func TestTakeInAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	var all []Arrival
	for i := range 12 {
		all = append(all, came(0, 0, []string{"c1", "c2", "c3"}[i%3], fmt.Sprintf("c%d-i%d", i%3, i%2), uint32(rng.IntN(2)), rng.IntN(4)))
	}
	var want string
	for round := range 12 {
		s := staffed(t)
		next := [3]uint64{}
		var list []Arrival
		for _, i := range rng.Perm(len(all)) {
			n := rng.IntN(3)
			next[n]++
			a := all[i]
			a.Node, a.Seq = uint16(n+1), next[n]
			list = append(list, a)
		}
		must(t, s.Take(t.Context(), list, nil))
		got := ""
		var responses []*surveys.Response
		for i := range list {
			responses = append(responses, &list[i].Response)
		}
		counting := map[string]string{}
		for _, r := range surveys.Counting(responses) {
			counting[r.Case] = fmt.Sprint(r.ID, " ", r.Revision)
		}
		for _, id := range []string{"c1", "c2", "c3"} {
			c, err := s.Case(t.Context(), office, wave, id, nine)
			must(t, err)
			stands := fmt.Sprint(c.Interview, " ", c.Revision)
			if stands != counting[id] {
				t.Errorf("round %d: case %s has %q, and %q counts", round, id, stands, counting[id])
			}
			got += stands + "\n"
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("round %d: the cases have\n%swant\n%s", round, got, want)
		}
	}
}
