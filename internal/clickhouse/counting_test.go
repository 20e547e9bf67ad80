package clickhouse

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// troubled are interviews as several nodes can have taken them: revisions, other bodies under
// one revision, several whole interviews of a case, some finished at the same moment, and
// what was broken off.
func troubled(rng *rand.Rand, cases int) (list []surveys.Response) {
	add := func(caseID, id string, revision uint32, minutes int, partial bool) {
		r := response("w", caseID, 0, surveys.Answers{"body": {fmt.Sprint(len(list))}})
		r.ID, r.Revision, r.Partial = id, revision, partial
		r.Finished = r.Started.Add(time.Duration(minutes) * time.Minute)
		r.BodyHash = sha256.Sum256(fmt.Append(nil, "body", len(list)))
		list = append(list, r)
	}
	id := func() string {
		return fmt.Sprintf("%08x-0000-4000-8000-%012x", rng.Uint32(), rng.Uint32())
	}
	for c := range cases {
		name := fmt.Sprintf("c%d", c)
		for range 1 + rng.IntN(3) {
			submission := id()
			for range 1 + rng.IntN(4) {
				add(name, submission, uint32(rng.IntN(3)), 20+rng.IntN(3), rng.IntN(4) == 0)
			}
		}
	}
	return list
}

// placed gives interviews to three nodes, each to one or more of them, at any places of
// their logs.
func placed(rng *rand.Rand, interviews []surveys.Response) (stored []surveys.Response) {
	next := [3]uint64{}
	for _, i := range rng.Perm(len(interviews)) {
		for n := range 3 {
			if n != i%3 && rng.IntN(3) > 0 {
				continue
			}
			r := interviews[i]
			next[n] += 1 + uint64(rng.IntN(3))
			r.Node, r.Seq = uint16(n+1), next[n]
			r.Received = r.Received.Add(time.Duration(rng.IntN(1000)) * time.Hour)
			stored = append(stored, r)
		}
	}
	return stored
}

// Whichever nodes take interviews, how often and in whatever order, the same ones count, in
// the store as in memory.
func TestTheSameInterviewsCountWhicheverNodesTookThem(t *testing.T) {
	s := open(t)
	rng := rand.New(rand.NewPCG(8, 3))
	interviews := troubled(rng, 60)
	var want []string
	for round := range 6 {
		if err := s.conn.Exec(t.Context(), "TRUNCATE TABLE responses"); err != nil {
			t.Fatal(err)
		}
		stored := placed(rng, interviews)
		for k, block := range slices.Collect(slices.Chunk(stored, 1+len(stored)/3)) {
			put(t, s, fmt.Sprintf("round %d block %d", round, k), block...)
		}
		var inStore []string
		if s.listed = mostListed; round%2 == 1 {
			s.listed = 0
		}
		text := counted(t, s, "lower(hex(body_hash))")
		err := s.queryText(t.Context(), text, arguments{"wave": "w"}, func(rows driver.Rows) error {
			inStore = append(inStore, "")
			return rows.Scan(&inStore[len(inStore)-1])
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(inStore)
		var pointers []*surveys.Response
		for i := range stored {
			pointers = append(pointers, &stored[i])
		}
		var inMemory []string
		for _, r := range surveys.Counting(pointers) {
			inMemory = append(inMemory, fmt.Sprintf("%x", r.BodyHash))
		}
		slices.Sort(inMemory)
		if round == 0 {
			want = inStore
		}
		if len(want) < 40 || !slices.Equal(inStore, want) || !slices.Equal(inMemory, want) {
			t.Fatalf("round %d: %d interviews count in the store, %d in memory, and other ones than the %d of the first round", round, len(inStore), len(inMemory), len(want))
		}
	}
}

// Of two whole interviews of a case, taken by two nodes, the one that was finished first
// counts in the estimate, also when its revisions come later, and an equal time is decided
// by the ID as text.
func TestTwoNodesOneCase(t *testing.T) {
	q, _ := civic(t)
	right, wrong := surveys.Answers{}, surveys.Answers{}
	for it := range q.Items {
		if len(it.Key) > 0 {
			right[it.ID], wrong[it.ID] = []string{it.Key[0]}, []string{"wrong"}
		}
	}
	literate := func(node uint16, id string, revision uint32, minutes int, answers surveys.Answers) surveys.Response {
		r := response("w", "a", uint64(node), answers)
		r.ID, r.Node, r.Revision, r.Finished = id, node, revision, r.Started.Truncate(time.Hour).Add(time.Duration(minutes)*time.Minute)
		r.BodyHash = sha256.Sum256(fmt.Append(nil, node, id, revision, minutes))
		return r
	}
	low, high := "00000000-0000-4000-8000-0000000000ff", "00000001-0000-4000-8000-000000000001"
	for _, c := range []struct {
		name      string
		responses []surveys.Response
		want      float64
	}{
		{"the earlier one on the higher node", []surveys.Response{literate(1, low, 1, 30, wrong), literate(2, high, 1, 20, right)}, 1},
		{"the earlier one on the lower node", []surveys.Response{literate(1, low, 1, 20, wrong), literate(2, high, 1, 30, right)}, 0},
		{"corrected after the other came", []surveys.Response{literate(1, low, 1, 20, wrong), literate(2, high, 1, 30, wrong), literate(1, low, 2, 90, right)}, 1},
		{"at one moment", []surveys.Response{literate(2, high, 1, 20, wrong), literate(1, low, 1, 20, right)}, 1},
		{"one revision, two bodies", []surveys.Response{literate(1, low, 1, 30, wrong), literate(2, low, 1, 20, right)}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			putSample(t, s, "w", fieldwork.Case{ID: "a", Stratum: "s", PSU: "p", Weight: 1})
			for i, r := range c.responses {
				put(t, s, fmt.Sprint(i), r)
			}
			cells, err := cellsOf(t, s, assess.Query{Wave: "w", Questionnaire: q}, assess.VarLiterate)
			if err != nil || len(cells.Rows) != 1 || cells.Rows[0].Sums[0].WY != c.want {
				t.Errorf("the cells are %+v (%v), want one person of whom the rate is %v", cells, err, c.want)
			}
		})
	}
}

// What nodes have taken more than once is counted, each thing by itself.
func TestOverlaps(t *testing.T) {
	s := open(t)
	at := func(node uint16, seq uint64, caseID, id string, revision uint32, body string) surveys.Response {
		r := response("w", caseID, seq, nil)
		r.ID, r.Node, r.Revision, r.BodyHash = id, node, revision, sha256.Sum256([]byte(body))
		return r
	}
	a, b := submission(1), submission(2)
	put(t, s, "1", at(1, 1, "a", a, 1, "x"), at(1, 2, "b", b, 1, "y"), at(1, 3, "a", a, 2, "z"))
	if got, err := s.Overlaps(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("one node: %+v, %v", got, err)
	}
	put(t, s, "2", at(2, 1, "a", a, 1, "x"), at(2, 2, "b", b, 1, "other"))
	put(t, s, "3", at(3, 1, "a", a, 1, "x"), at(3, 2, "a", submission(3), 1, "v"))
	want := []Overlap{{Wave: "w", Repeated: 2, Bodies: 1, Further: 1}}
	if got, err := s.Overlaps(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("three nodes: %+v, %v, want %+v", got, err, want)
	}
}

// What the desk shows of an interview is the record that counts.
func TestResponseIsTheOneThatCounts(t *testing.T) {
	s := open(t)
	rng := rand.New(rand.NewPCG(5, 5))
	stored := placed(rng, troubled(rng, 8))
	put(t, s, "all", stored...)
	byID := map[string][]*surveys.Response{}
	for i := range stored {
		r := stored[i]
		r.Case = "" // so that each submission is judged alone
		byID[r.ID] = append(byID[r.ID], &r)
	}
	compared := 0
	for id, list := range byID {
		want := surveys.Counting(list)
		if len(want) == 0 {
			continue
		}
		got, err := s.Response(t.Context(), "w", id)
		if err != nil || got.BodyHash != want[0].BodyHash {
			t.Errorf("interview %s: %v; another body is shown than counts", id, err)
		}
		compared++
	}
	if compared < 8 {
		t.Errorf("compared %d interviews", compared)
	}
}
