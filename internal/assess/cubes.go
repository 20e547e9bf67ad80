package assess

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
)

// cubed are the cubes of a wave with a variance on each.
type cubed struct {
	cells      []*analysis.Cells
	estimates  []estimates
	variance   Variance
	calibrated bool
	// drawn cases, and those of them that responded
	drawn, responded int
}

// of finds the estimates of a variable by some factors.
func (c *cubed) of(variable string, by ...string) (estimates, error) {
	at, err := c.find(variable, by...)
	if err != nil {
		return nil, err
	}
	return c.estimates[at], nil
}

// find is the cube with a variable and some factors: the widest one, or the last one that has
// the factors.
func (c *cubed) find(variable string, by ...string) (int, error) {
	found := -1
	for i, cells := range c.cells {
		has := slices.Contains(cells.Variables, variable) && (found < 0 || len(by) > 0)
		for _, id := range by {
			has = has && slices.ContainsFunc(cells.Factors, func(f analysis.Factor) bool { return f.ID == id })
		}
		if has {
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("%w: %s is not summed by %v", surveys.ErrInvalid, variable, by)
	}
	return found, nil
}

// layout says which cubes an assessment needs: one of everything by what the calibration,
// the series and topics need, and rate and score by each further factor. Together they
// would be a cube of nearly as many cells as there are people, each with hundreds of sums.
type layout struct {
	query Query
	cubes []Cube
	// compared are the factors of whose levels each is compared with all others.
	compared []string
}

// layout plans the cubes of a plan; items are the scored ones.
func (o Options) layout(q *surveys.Questionnaire, plan *Plan, items []string) layout {
	l := layout{query: Query{Wave: o.Wave, Questionnaire: q, Items: true}}
	if o.Weighting != nil {
		l.query.Weights, l.query.Unweighted = o.Weighting.ID(), o.Weighting.Unweighted
	}
	known := slices.Concat(plan.Factors, []Factor{literacy(q.Criterion)})
	if o.Weighting != nil {
		known = append(known, o.Weighting.calibrationFactors()...)
	}
	for i := range plan.Groups {
		for _, g := range plan.Groups[i].Groups {
			known = append(known, plan.Groups[i].factor(g))
		}
	}
	use := func(ids ...string) (list []string) {
		for _, id := range ids {
			k := slices.IndexFunc(known, func(f Factor) bool { return f.ID == id })
			if k >= 0 && !slices.ContainsFunc(l.query.Factors, func(f Factor) bool { return f.ID == id }) {
				l.query.Factors = append(l.query.Factors, known[k])
			}
			if id != "" && !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
		return list
	}
	base := use(o.baseFactors(plan)...)
	wide := Cube{Factors: base, Variables: scoreVariables(q)}
	for _, id := range items {
		wide.Variables = append(wide.Variables, prefixItem+id)
	}
	others := map[string][]string{}
	for i := range plan.Topics {
		t := &plan.Topics[i]
		for _, s := range t.shares(q) {
			if !slices.ContainsFunc(l.query.Shares, func(o Share) bool { return o.Name == s.Name }) {
				l.query.Shares = append(l.query.Shares, s.Share)
			}
			if t.By == "" || t.By == VarLiterate || slices.Contains(base, t.By) {
				wide.Variables = appendNew(wide.Variables, s.Name)
			} else {
				others[t.By] = appendNew(others[t.By], s.Name)
			}
		}
		if t.By == VarLiterate {
			wide.Factors = use(append(slices.Clip(wide.Factors), VarLiterate)...)
		}
	}
	l.cubes = append(l.cubes, wide)
	narrow := func(by ...string) {
		l.narrow(use(append(slices.Clone(base), by...)...))
	}
	var places []string
	for _, id := range plan.Tables {
		if f := plan.Factor(id); f != nil && f.Sample != "" {
			places = append(places, id) // they hardly divide a PSU
		}
	}
	l.compared = plan.Tables
	narrow(places...)
	for _, pair := range plan.Crossings {
		narrow(pair...)
	}
	for _, id := range plan.Tables {
		narrow(id)
	}
	for i := range plan.Groups {
		for _, g := range plan.Groups[i].Groups {
			narrow(plan.Groups[i].factor(g).ID)
		}
	}
	for _, by := range sortedKeys(others) {
		l.cubes = append(l.cubes, Cube{Factors: use(append(slices.Clone(base), by)...), Variables: others[by]})
	}
	return l
}

// narrow adds a cube of rate and score, unless one of them has all these factors.
func (l *layout) narrow(factors []string) {
	within := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(f string) bool { return !slices.Contains(b, f) })
	}
	for i, c := range l.cubes[1:] {
		switch {
		case within(factors, c.Factors):
			return
		case within(c.Factors, factors):
			l.cubes[1+i].Factors = factors
			return
		}
	}
	l.cubes = append(l.cubes, Cube{Factors: factors, Variables: []string{VarScore, VarLiterate}})
}

// baseFactors are those that every cube has: of the series, and of the calibration, without
// which no error can be computed.
func (o Options) baseFactors(plan *Plan) []string {
	var ids []string
	if plan.Series != "" {
		ids = append(ids, plan.Series)
	}
	if o.Weighting != nil {
		for _, m := range o.Weighting.Calibration {
			for _, id := range m.Factors {
				ids = appendNew(ids, id)
			}
		}
	}
	return ids
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// summed asks the source for the cubes and puts the variance on each.
func (l layout) summed(ctx context.Context, src Source, opt Options) (*cubed, error) {
	if err := l.known(opt.Weighting); err != nil {
		return nil, err
	}
	all, err := src.Cubes(ctx, l.query, l.cubes)
	if err != nil {
		return nil, fmt.Errorf("sum the responses of wave %q: %w", opt.Wave, err)
	}
	each, faults := make([]sums, len(all.Cells)), make([]error, len(all.Cells))
	var prepared sync.WaitGroup
	for i, c := range all.Cells {
		prepared.Go(func() {
			if i == 0 {
				c = withBands(c, l.query.Questionnaire.Criterion)
			}
			each[i], faults[i] = opt.on(c, l.query.Factors, l.comparedIn(i))
		})
	}
	prepared.Wait()
	out := &cubed{drawn: all.Drawn, responded: all.Responded}
	for i, s := range each {
		if faults[i] != nil {
			return nil, faults[i]
		}
		out.cells, out.estimates = append(out.cells, s.cells), append(out.estimates, s.estimates)
		out.variance, out.calibrated = s.variance, s.calibrated
	}
	return out, nil
}

// comparedIn are the factors compared that cubed.of finds in this cube: it takes the last one
// that has them.
func (l layout) comparedIn(cube int) []string {
	return slices.DeleteFunc(slices.Clone(l.compared), func(id string) bool {
		last := -1
		for i, c := range l.cubes {
			if slices.Contains(c.Variables, VarLiterate) && slices.Contains(c.Factors, id) {
				last = i
			}
		}
		return last != cube
	})
}

// known says when the weights were calibrated by a factor that there is no more.
func (l layout) known(w *Weighting) error {
	if w == nil {
		return nil
	}
	for _, m := range w.Calibration {
		for _, id := range m.Factors {
			if !slices.ContainsFunc(l.query.Factors, func(f Factor) bool { return f.ID == id }) {
				return fmt.Errorf("%w: margin %q: %q is no factor of the plan; weigh again", surveys.ErrInvalid, m.Name(), id)
			}
		}
	}
	return nil
}

// otherwise begins the name of a factor with the levels "in" and "out" that compares a level
// of a factor with all others.
func otherwise(factor, level string) string { return factor + "≠" + level }

// withOthers adds such a factor for every level of the factors named, as far as the cells
// have these.
func withOthers(c *analysis.Cells, ids []string) *analysis.Cells {
	out := *c
	var places, levels []int
	for place, f := range c.Factors {
		if !slices.Contains(ids, f.ID) {
			continue
		}
		for l, code := range f.Levels {
			places, levels = append(places, place), append(levels, l)
			out.Factors = append(slices.Clip(out.Factors), analysis.Factor{ID: otherwise(f.ID, code), Levels: []string{InGroup, OutOfGroup}})
		}
	}
	out.Rows = slices.Clone(c.Rows)
	for i := range out.Rows {
		r := &out.Rows[i]
		all := append(make([]int, 0, len(r.Levels)+len(places)), r.Levels...)
		for k, place := range places {
			switch r.Levels[place] {
			case levels[k]:
				all = append(all, 0)
			case -1:
				all = append(all, -1)
			default:
				all = append(all, 1)
			}
		}
		r.Levels = all
	}
	return &out
}
