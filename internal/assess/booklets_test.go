package assess_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// Two booklets divide the scored items; K09 is in both. Items are estimated among those
// asked, everybody has a score, and the report is told.
func TestBooklets(t *testing.T) {
	m, q, p := civic(t)
	q.Criterion.Unasked = surveys.UnaskedLeftOut
	q.Booklets = []surveys.Booklet{{ID: "A", Share: 0.5}, {ID: "B", Share: 0.5}}
	n := 0
	for it := range q.Items {
		for k := range q.Booklets {
			if b := &q.Booklets[k]; it.Dimension != "" && (it.ID == "K09" || n%2 == k) {
				b.Items = append(b.Items, it.ID)
			}
		}
		n++
	}
	weight := map[string]float64{}
	for _, c := range m.Cases {
		weight[c.ID] = c.Weight
	}
	asked := map[string][]float64{} // weights of those asked, and of those who were right
	for i := range m.Responses {
		r := &m.Responses[i]
		b := q.Booklets[i%2]
		r.Booklet, r.Answers = b.ID, maps.Clone(r.Answers)
		for it := range q.Items {
			if it.Dimension == "" {
				continue
			}
			if !slices.Contains(b.Items, it.ID) {
				delete(r.Answers, it.ID)
				continue
			}
			s := asked[it.ID]
			if s == nil {
				s = make([]float64, 3)
			}
			w := weight[r.Case]
			s[0], s[1] = s[0]+1, s[1]+w
			if r.Answers.First(it.ID) == it.Key[0] {
				s[2] += w
			}
			asked[it.ID] = s
		}
	}
	r := assessed(t, m, q, p, assess.Options{})
	if got := r.Score[0].Estimate.N; got != 400 {
		t.Errorf("%d people have a score, want all 400", got)
	}
	for _, g := range r.Items {
		e, want := g.Rows[0].Estimate, asked[g.Code]
		if float64(e.N) != want[0] || math.Abs(e.Value-want[2]/want[1]) > 1e-12 {
			t.Errorf("item %s: %v of %d people, want %v of %v", g.Code, e.Value, e.N, want[2]/want[1], want[0])
		}
		i := slices.IndexFunc(e.Notes, func(n analysis.Note) bool { return n.Code == assess.AskedOfPart })
		switch everybody := g.Code == "K09"; {
		case everybody && i >= 0:
			t.Errorf("item %s was asked of everybody and has the note %v", g.Code, e.Notes[i])
		case !everybody && (i < 0 || e.Notes[i].Value != 0.5):
			t.Errorf("item %s was asked of half of the people; its notes are %v", g.Code, e.Notes)
		}
	}
}
