package weigh

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys"
)

// known is a margin of the plan with its counts.
type known struct {
	Margin
	targets map[string]float64
}

// count reads the counts of all margins, has their totals agree, and records what that
// rests on.
func (r *runner) count(in Input) error {
	var counted []margins.Margin
	censuses := map[string]*margins.Census{}
	for _, m := range in.Plan.Margins {
		c, err := r.counted(m, in, censuses)
		if err != nil {
			return fmt.Errorf("margin %s: %w", m.name(), err)
		}
		c.Name, c.Factors = m.name(), m.Factors
		counted = append(counted, c)
	}
	agreed, assumed, err := margins.Reconcile(counted, in.Plan.Agree)
	if err != nil {
		return err
	}
	r.assume(assumed)
	for i, m := range in.Plan.Margins {
		r.margins = append(r.margins, known{m, agreed[i].Targets})
	}
	return nil
}

// assume records assumptions, each once.
func (r *runner) assume(all []assess.Assumption) {
	for _, a := range all {
		if !slices.Contains(r.record.Assumptions, a) {
			r.record.Assumptions = append(r.record.Assumptions, a)
		}
	}
}

// counted takes the counts of a margin from where the plan says.
func (r *runner) counted(m Margin, in Input, censuses map[string]*margins.Census) (margins.Margin, error) {
	factors := in.Plan.factorsOf(m)
	switch {
	case m.Census != "":
		c := censuses[m.Census]
		if c == nil {
			var err error
			if c, err = margins.ReadCensus(in.Library, m.Census); err != nil {
				return margins.Margin{}, err
			}
			censuses[m.Census] = c
			if err := r.hashCensus(in.Library); err != nil {
				return margins.Margin{}, err
			}
		}
		var given margins.Assumptions
		if m.Assume != nil {
			given = *m.Assume
		}
		out, assumed, err := c.Margin(factors, given)
		r.assume(assumed)
		return out, err
	case m.File != "":
		src, err := fs.ReadFile(in.Files, m.File)
		if err != nil {
			return margins.Margin{}, fmt.Errorf("%w: the table of the counts cannot be read: %w; put it beside the plan", surveys.ErrInvalid, err)
		}
		r.hashed(m.File, src)
		if m.Share == "" {
			return margins.ReadTable(m.File, bytes.NewReader(src), factors, m.Count)
		}
		out, assumed, err := margins.ReadShares(m.File, bytes.NewReader(src), factors, m.Share, m.Total)
		r.assume(assumed)
		return out, err
	}
	return margins.Margin{Targets: m.Targets, Source: m.Source}, nil
}

// hashed records the content of a file.
func (r *runner) hashed(name string, src []byte) {
	f := assess.FileHash{Name: name, Hash: hash(src)}
	if !slices.Contains(r.record.Files, f) {
		r.record.Files = append(r.record.Files, f)
	}
}

func (r *runner) hashCensus(library fs.FS) error {
	names, err := fs.Glob(library, "census2020/*.csv")
	if err != nil {
		return err
	}
	for _, name := range names {
		src, err := fs.ReadFile(library, name)
		if err != nil {
			return err
		}
		r.hashed(name, src)
	}
	return nil
}

// factorsOf finds the factors of a margin, which the plan was checked to have.
func (p *Plan) factorsOf(m Margin) []assess.Factor {
	var out []assess.Factor
	for _, id := range m.Factors {
		out = append(out, p.factors[slices.IndexFunc(p.factors, func(f assess.Factor) bool { return f.ID == id })])
	}
	return out
}

func (r *runner) marginNamed(name string) known {
	return r.margins[slices.IndexFunc(r.margins, func(m known) bool { return m.name() == name })]
}

// marginsOf are the margins of a step; none means all.
func (r *runner) marginsOf(names []string) ([]string, []weighting.Margin, error) {
	if len(names) == 0 {
		for _, m := range r.margins {
			names = append(names, m.name())
		}
	}
	for _, name := range names { // all first: who is dropped for one is in none
		if _, err := r.margin(name); err != nil {
			return nil, nil, err
		}
	}
	var ms []weighting.Margin
	for _, name := range names {
		ms = append(ms, *r.classified[name])
	}
	return names, ms, nil
}

// margin classifies the respondents by a margin. Those without a level are an error, or
// lose their weight where the plan says so.
func (r *runner) margin(name string) (*weighting.Margin, error) {
	if m := r.classified[name]; m != nil {
		return m, nil
	}
	k := r.marginNamed(name)
	factors := r.plan.factorsOf(k.Margin)
	m := &weighting.Margin{Name: name, Levels: assess.Crossing(factors), Level: make([]int, len(r.units))}
	for _, code := range m.Levels {
		t, ok := k.targets[code]
		if !ok {
			return nil, fmt.Errorf("%w: margin %s has no count for the level %q; give one", surveys.ErrInvalid, name, code)
		}
		m.Targets = append(m.Targets, t)
	}
	places := make([]int, len(factors))
	for i, f := range factors {
		_, places[i] = r.factor(f.ID)
	}
	var missing []string
	for i, u := range r.units {
		m.Level[i] = levelIn(u, factors, places)
		if m.Level[i] < 0 && r.w[i] > 0 {
			missing = append(missing, u.Case)
		}
	}
	switch {
	case len(missing) == 0:
	case k.Missing == missingDrop:
		if err := r.keep("missing: "+name, func(i int) bool { return m.Level[i] >= 0 }); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: %d respondents have no level of the margin %s: %s; give their answers a level in a factor, write \"missing: drop\" at the margin to give them no weight, or leave the margin out",
			surveys.ErrInvalid, len(missing), name, some(missing))
	}
	r.classified[name] = m
	return m, nil
}

// levelIn is the level of a unit in a crossing, or -1.
func levelIn(u assess.Unit, factors []assess.Factor, places []int) int {
	level := 0
	for i, p := range places {
		if u.Levels[p] < 0 {
			return -1
		}
		level = level*len(factors[i].Levels) + u.Levels[p]
	}
	return level
}

// merge puts a collapsed margin in the place of the one before, and notes which levels of
// the crossing went together.
func (r *runner) merge(name string, before, after weighting.Margin) {
	groups := r.merged[name]
	if groups == nil {
		for l := range before.Levels {
			groups = append(groups, []int{l})
		}
	}
	// A level of the new margin is made of neighbours among the old ones, in their order.
	next := 0
	var merged [][]int
	for _, target := range after.Levels {
		var group []int
		for joined := ""; joined != target; next++ {
			if joined != "" {
				joined += " + "
			}
			joined += before.Levels[next]
			group = append(group, groups[next]...)
		}
		merged = append(merged, group)
	}
	if len(merged) < len(before.Levels) {
		r.merged[name] = merged
	}
	r.classified[name] = &after
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
