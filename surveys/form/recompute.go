package form

import (
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// Recompute brings what follows from the answers of an interview up to them after some were
// changed: the calculated ones, and which soft checks were gone past. Whatever else is wrong
// it leaves for Replay to find.
func (f *Form) Recompute(iv *surveys.Interview) {
	s, err := f.Start(Start{Booklet: iv.Booklet, Seed: iv.Paradata.Seed})
	if err != nil {
		return
	}
	for key, values := range iv.Answers {
		s.Set(key, values)
	}
	s.refresh()
	s.limits.steps = fullLimits.steps
	for i := range f.items {
		if f.items[i].def.Calculate == "" || f.items[i].typ == 0 {
			continue
		}
		for row := range f.items[i].rows {
			delete(iv.Answers, f.key(i, row))
			if p := &s.slots[f.items[i].slot+row]; p.relevant {
				iv.Answers[f.key(i, row)] = slices.Clone(p.values)
			}
		}
	}
	iv.Paradata.Kept = s.broken()
}
