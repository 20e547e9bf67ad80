package making

import (
	"slices"
	"sync"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
)

// judgement keeps what must be withheld of one set of results, so that all tables are judged
// once for it and not in every request. It belongs to its results and goes with them: others
// have one of their own. Several may ask at one time; they wait for one judging.
type judgement struct {
	mu sync.Mutex
	// before is what releases withheld when it was judged. A release that is made later can
	// withhold more, and then it is judged anew.
	before   []report.Place
	withheld *report.Protected
}

// of is what must be withheld of the results that it belongs to. Nil keeps nothing.
func (j *judgement) of(r *assess.Results, before []report.Place) (*report.Protected, error) {
	if j == nil {
		return report.Protect(r, r.Plan.Rules(), before...)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.withheld != nil && slices.Equal(j.before, before) {
		return j.withheld, nil
	}
	withheld, err := report.Protect(r, r.Plan.Rules(), before...)
	if err != nil {
		return nil, err
	}
	j.before, j.withheld = slices.Clone(before), withheld
	return withheld, nil
}
