package demo

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// Truth holds what the survey should find: means over the whole synthetic population.
type Truth struct {
	all     tally
	factors map[string]map[string]*tally // by factor and level code
	crit    *surveys.Criterion
	items   []string
}

// tally sums the people of one domain. Its sums are of whole numbers or of points
// with few binary digits, so they do not depend on the order of the people.
type tally struct {
	n        int
	literate int
	score    float64
	levels   []int // people at or above each level
	points   []float64
	right    []int
}

func newTally(c *surveys.Criterion, items int) *tally {
	return &tally{levels: make([]int, len(c.Levels)), points: make([]float64, len(c.Dimensions)), right: make([]int, items)}
}

func (t *tally) add(r score.Result) {
	t.n++
	t.score += r.Total
	if r.Literate {
		t.literate++
	}
	for l := max(r.Level, 0); l < len(t.levels); l++ {
		t.levels[l]++
	}
	for i, p := range r.Dimensions {
		t.points[i] += p
	}
	for i, x := range r.Right {
		t.right[i] += int(x)
	}
}

func (t *tally) merge(u *tally) {
	t.n += u.n
	t.literate += u.literate
	t.score += u.score
	for i := range u.levels {
		t.levels[i] += u.levels[i]
	}
	for i := range u.points {
		t.points[i] += u.points[i]
	}
	for i := range u.right {
		t.right[i] += u.right[i]
	}
}

// Truth asks everybody, which only a simulation can. step is called now and then
// with the number of people asked since the last call, from several goroutines.
func (p *Population) Truth(q *surveys.Questionnaire, plan *assess.Plan, step func(n int)) (*Truth, error) {
	scorer, err := score.New(q)
	if err != nil {
		return nil, fmt.Errorf("true rates: %w", err)
	}
	workers := runtime.GOMAXPROCS(0)
	parts := make([]*Truth, workers)
	var wg sync.WaitGroup
	for w := range workers {
		parts[w] = &Truth{crit: q.Criterion, items: scorer.Items(), factors: map[string]map[string]*tally{}}
		wg.Go(func() { p.ask(parts[w], w, workers, q, scorer, plan, step) })
	}
	wg.Wait()
	t := parts[0]
	for _, part := range parts[1:] {
		t.merge(part)
	}
	return t, nil
}

// ask puts the scored items to every workers-th person.
func (p *Population) ask(t *Truth, first, workers int, q *surveys.Questionnaire, scorer *score.Scorer, plan *assess.Plan, step func(int)) {
	const stride = 10_000
	t.all = *newTally(t.crit, len(t.items))
	answers := surveys.Answers{}
	asked := 0
	for i := first; i < len(p.people); i += workers {
		x := &p.people[i]
		for it := range q.Items {
			if _, fact := x.fact(it, answers); fact || it.Dimension != "" {
				answers[it.ID] = p.Answer(x, it, answers)
			}
		}
		r, _ := scorer.Score(answers)
		t.all.add(r)
		for _, f := range plan.Factors {
			if level, ok := levelOf(f, x, answers); ok {
				t.domain(f.ID, level).add(r)
			}
		}
		if asked++; asked%stride == 0 {
			step(stride)
		}
	}
	step(asked % stride)
}

func (t *Truth) domain(factor, level string) *tally {
	if t.factors[factor] == nil {
		t.factors[factor] = map[string]*tally{}
	}
	if t.factors[factor][level] == nil {
		t.factors[factor][level] = newTally(t.crit, len(t.items))
	}
	return t.factors[factor][level]
}

func (t *Truth) merge(u *Truth) {
	t.all.merge(&u.all)
	for f, levels := range u.factors {
		for l, tally := range levels {
			t.domain(f, l).merge(tally)
		}
	}
}

// levelOf finds the level of a factor that the person belongs to.
func levelOf(f assess.Factor, x *Person, answers surveys.Answers) (string, bool) {
	value := answers.First(f.Answer)
	switch f.Sample {
	case "city":
		value = x.City
	case "residence":
		value = x.Residence
	}
	number, err := strconv.ParseFloat(value, 64)
	for _, l := range f.Levels {
		if slices.Contains(l.Values, value) {
			return l.Code, true
		}
		ranged := l.Min != nil || l.Below != nil
		if ranged && err == nil && (l.Min == nil || number >= *l.Min) && (l.Below == nil || number < *l.Below) {
			return l.Code, true
		}
	}
	return "", false
}
