package demo

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/suyang-survey/suyang/analysis"
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

// Truth asks everybody, which only a simulation can, until ctx ends. step is called
// now and then with the number of people asked since the last call, from several
// goroutines.
func (p *Population) Truth(ctx context.Context, q *surveys.Questionnaire, plan *assess.Plan, step func(n int)) (*Truth, error) {
	scorer, err := score.New(q)
	if err != nil {
		return nil, fmt.Errorf("true rates: %w", err)
	}
	asked := askedForTruth(q)
	workers := runtime.GOMAXPROCS(0)
	parts := make([]*Truth, workers)
	var wg sync.WaitGroup
	for w := range workers {
		parts[w] = &Truth{crit: q.Criterion, items: scorer.Items(), factors: map[string]map[string]*tally{}}
		wg.Go(func() { p.ask(ctx, parts[w], w, workers, asked, scorer, plan, step) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("true rates: %w", err)
	}
	t := parts[0]
	for _, part := range parts[1:] {
		t.merge(part)
	}
	return t, nil
}

// askedForTruth lists the items that decide scores and domains.
func askedForTruth(q *surveys.Questionnaire) (items []*surveys.Item) {
	for it := range q.Items {
		if it.Dimension != "" || isFact(it) {
			items = append(items, it)
		}
	}
	return items
}

// ask puts the items to every workers-th person.
func (p *Population) ask(ctx context.Context, t *Truth, first, workers int, items []*surveys.Item, scorer *score.Scorer, plan *assess.Plan, step func(int)) {
	const stride = 10_000
	t.all = *newTally(t.crit, len(t.items))
	answers := surveys.Answers{}
	asked := 0
	for n := first; n < len(p.people) && ctx.Err() == nil; n += workers {
		x := &p.people[n]
		for _, it := range items {
			answers[it.ID] = p.Answer(x, it, answers)
		}
		r, _ := scorer.Score(answers)
		t.all.add(r)
		for i := range plan.Factors {
			f := &plan.Factors[i]
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
func levelOf(f *assess.Factor, x *Person, answers surveys.Answers) (string, bool) {
	value := answers.First(f.Answer)
	switch f.Sample {
	case "city":
		value = x.City
	case "class":
		value = x.Residence
	}
	l := f.Level(value)
	if l < 0 {
		return "", false
	}
	return f.Levels[l].Code, true
}

// Value is the true mean of a variable of the report in a domain that is everybody
// or one level of one factor; false for any other.
func (t *Truth) Value(variable string, in analysis.Domain) (float64, bool) {
	u := &t.all
	if len(in) > 1 {
		return 0, false
	}
	for factor, level := range in {
		if u = t.factors[factor][level]; u == nil {
			return 0, false
		}
	}
	sum, ok := t.sum(u, variable)
	return sum / float64(u.n), ok && u.n > 0
}

// sum adds up a variable over the people of a tally.
func (t *Truth) sum(u *tally, variable string) (float64, bool) {
	kind, id, _ := strings.Cut(variable, ":")
	switch kind {
	case assess.VarScore:
		return u.score, true
	case assess.VarLiterate:
		return float64(u.literate), true
	case "dim":
		i := slices.IndexFunc(t.crit.Dimensions, func(d surveys.Dimension) bool { return d.ID == id })
		return at(u.points, i)
	case "level":
		i := slices.IndexFunc(t.crit.Levels, func(l surveys.Level) bool { return l.ID == id })
		return at(u.levels, i)
	case "item":
		return at(u.right, slices.Index(t.items, id))
	case "band":
		return t.band(u, id)
	}
	return 0, false
}

func at[T int | float64](xs []T, i int) (float64, bool) {
	if i < 0 {
		return 0, false
	}
	return float64(xs[i]), true
}

// band counts the people whose highest level is this one.
func (t *Truth) band(u *tally, id string) (float64, bool) {
	i := slices.IndexFunc(t.crit.Levels, func(l surveys.Level) bool { return l.ID == id })
	switch {
	case id == score.BandLowest:
		return float64(u.n - u.levels[len(u.levels)-1]), true
	case i < 0:
		return 0, false
	case i == 0:
		return float64(u.levels[0]), true
	}
	return float64(u.levels[i] - u.levels[i-1]), true
}
