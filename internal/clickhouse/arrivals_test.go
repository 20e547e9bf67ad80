package clickhouse

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// What arrived has the score and the levels that the answers give in Go, comes once, and
// whoever reads on from a place gets the rest.
func TestArrivals(t *testing.T) {
	s := open(t)
	for _, of := range []struct {
		name string
		make func() (*surveys.Questionnaire, []assess.Factor)
	}{{"civic", func() (*surveys.Questionnaire, []assess.Factor) { return civic(t) }}, {"hostile", hostile}} {
		q, factors := of.make()
		m := wave(q, factors, 150, rand.New(rand.NewPCG(9, 9)))
		m.Wave = "arrivals-" + of.name
		for i := range m.Responses {
			m.Responses[i].Wave = m.Wave
		}
		put(t, s, of.name, m.Responses...)
		put(t, s, of.name+" again", m.Responses[:20]...) // under another token
		scorer, err := score.New(q)
		if err != nil {
			t.Fatal(err)
		}
		type key struct {
			node uint16
			seq  uint64
			id   string
			rev  uint32
		}
		want := map[key]surveys.Response{}
		most := map[uint16]uint64{}
		for _, r := range m.Responses {
			want[key{r.Node, r.Seq, r.ID, r.Revision}] = r
			most[r.Node] = max(most[r.Node], r.Seq)
		}
		query := live.Query{Wave: m.Wave, Questionnaire: q, Factors: factors}
		read := func(after map[uint16]uint64) int {
			t.Helper()
			seen := map[key]bool{}
			err := s.Arrivals(t.Context(), query, after, func(r live.Record) error {
				seen[key{r.Node, r.Seq, r.ID, r.Revision}] = true
				w, known := want[key{r.Node, r.Seq, r.ID, r.Revision}]
				if !known || r.Seq <= after[r.Node] {
					t.Fatalf("%s: record %d of node %d is not one that was put, or was read before", of.name, r.Seq, r.Node)
				}
				points := math.NaN()
				if result, ok := scorer.Score(w.Answers); ok {
					points = result.Total
				}
				if math.Abs(r.Score-points) > 1e-9 || math.IsNaN(r.Score) != math.IsNaN(points) {
					t.Errorf("%s: record %d has %v points, want %v", of.name, r.Seq, r.Score, points)
				}
				var levels []int
				for k := range factors {
					if f := &factors[k]; f.Sample == "" {
						levels = append(levels, f.Level(w.Answers.First(f.Answer)))
					}
				}
				if !slices.Equal(r.Levels, levels) {
					t.Errorf("%s: record %d has the levels %v, want %v", of.name, r.Seq, r.Levels, levels)
				}
				if r.Case != w.Case || r.Partial != w.Partial || r.BodyHash != w.BodyHash || !r.Finished.Equal(w.Finished) || !r.Received.Equal(w.Received) {
					t.Errorf("%s: record %d is %+v", of.name, r.Seq, r.Response)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return len(seen)
		}
		if n := read(nil); n != len(want) {
			t.Errorf("%s: %d records, want %d", of.name, n, len(want))
		}
		places, err := s.Places(t.Context(), m.Wave)
		if err != nil {
			t.Fatal(err)
		}
		half, rest := map[uint16]uint64{}, 0
		for node, seq := range places {
			if seq != most[node] {
				t.Errorf("%s: node %d is stored up to %d, want %d", of.name, node, seq, most[node])
			}
			half[node] = seq / 2
		}
		for k := range want {
			if k.seq > half[k.node] {
				rest++
			}
		}
		if n := read(half); n != rest {
			t.Errorf("%s: after the half %d records come, want %d", of.name, n, rest)
		}
		if n := read(places); n != 0 {
			t.Errorf("%s: %d records come after the last", of.name, n)
		}
	}
}
