package weighting

import (
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Merge says which classes are too small to stand alone. Each is merged with the
// neighbour in the order of levels that has fewer people, the one before if both have
// as many, again and again until no class is too small. Left at zero, nothing is merged.
type Merge struct {
	// Least is the fewest people whose weights are kept that a class may have.
	Least int
	// Most is the largest factor of a class.
	Most float64
}

// list is what a step records.
func (m Merge) list() []Setting {
	var list []Setting
	if m.Least > 0 {
		list = append(list, Setting{Name: "fewest people", Value: float64(m.Least)})
	}
	if m.Most > 0 {
		list = append(list, Setting{Name: "largest factor", Value: m.Most})
	}
	return list
}

// Cross makes one classification of several: its levels are all crossings, the last
// factor fastest, with names joined by " × ". Who misses a level of one factor misses
// that of the crossing.
func Cross(factors ...analysis.FactorColumn) (analysis.FactorColumn, error) {
	var all analysis.FactorColumn
	if len(factors) == 0 {
		return all, fmt.Errorf("no factor to cross; give one at least")
	}
	all.Levels, all.Level = slices.Clone(factors[0].Levels), slices.Clone(factors[0].Level)
	all.ID = factors[0].ID
	for _, f := range factors[1:] {
		if len(f.Level) != len(all.Level) {
			return all, fmt.Errorf("factor %q has %d values, factor %q %d; give one for each row", factors[0].ID, len(all.Level), f.ID, len(f.Level))
		}
		var levels []string
		for _, a := range all.Levels {
			for _, b := range f.Levels {
				levels = append(levels, a+" × "+b)
			}
		}
		for i, l := range f.Level {
			if l >= len(f.Levels) {
				return all, fmt.Errorf("factor %q has level %d in row %d, but %d levels; -1 is missing", f.ID, l, i, len(f.Levels))
			}
			if all.Level[i] < 0 || l < 0 {
				all.Level[i] = -1
				continue
			}
			all.Level[i] = all.Level[i]*len(f.Levels) + l
		}
		all.ID += " × " + f.ID
		all.Levels = levels
	}
	return all, nil
}

// group is a class, or several that were merged.
type group struct {
	levels        []int // of the classification
	n, kept       int
	all, receives float64 // what the weights that are kept must add up to, and do so far
}

func (g group) factor() float64 { return g.all / g.receives }

func (g group) with(o group) group {
	return group{slices.Concat(g.levels, o.levels), g.n + o.n, g.kept + o.kept, g.all + o.all, g.receives + o.receives}
}

// tooSmall says whether a group must be merged. Without rule nothing must.
func (m Merge) tooSmall(g group) bool {
	return g.kept < m.Least || m.Most > 0 && g.all > m.Most*g.receives
}

// join merges groups that are too small, the smallest one first.
func (m Merge) join(groups []group) []group {
	groups = slices.Clone(groups)
	for len(groups) > 1 {
		small := -1
		for i, g := range groups {
			if m.tooSmall(g) && (small < 0 || g.kept < groups[small].kept) {
				small = i
			}
		}
		if small < 0 {
			break
		}
		first := small
		if small == len(groups)-1 || small > 0 && groups[small-1].kept <= groups[small+1].kept {
			first = small - 1
		}
		groups[first] = groups[first].with(groups[first+1])
		groups = slices.Delete(groups, first+1, first+2)
	}
	return groups
}

// names are those of the levels of a group.
func (g group) names(levels []string) []string {
	names := make([]string, len(g.levels))
	for i, l := range g.levels {
		names[i] = levels[l]
	}
	return names
}

// class is the record of a group.
func (g group) class(levels []string, after float64) Class {
	names := g.names(levels)
	c := Class{Name: strings.Join(names, " + "), N: g.n, Kept: g.kept, Before: g.all, After: after, Factor: g.factor()}
	if len(names) > 1 {
		c.Merged = names
	}
	return c
}

// Collapse merges the levels of a margin that fewer than least respondents with a weight
// have, as Merge does it, and adds up their targets. The Step says what was merged; the
// weights stay as they are. Rake, PostStratify or Calibrate to the margin that comes
// back, and let the design know of that one.
func Collapse(w []float64, m Margin, least int) (Margin, Step, error) {
	if err := checkWeights(w); err != nil {
		return Margin{}, Step{}, err
	}
	if err := m.check(w); err != nil {
		return Margin{}, Step{}, err
	}
	merge := Merge{Least: least}
	groups := make([]group, len(m.Levels))
	for l, t := range m.Targets {
		groups[l] = group{levels: []int{l}, all: t}
	}
	for i, x := range w {
		if x > 0 {
			g := &groups[m.Level[i]]
			g.n++
			g.kept++
			g.receives += x
		}
	}
	if groups = merge.join(groups); merge.tooSmall(groups[0]) {
		return Margin{}, Step{}, fmt.Errorf("margin %q: all %d respondents together are fewer than %d; leave the margin out", m.Name, groups[0].kept, least)
	}
	step := newStep("collapse", w, w, append([]Setting{{Name: "margin", Text: m.Name}}, merge.list()...)...)
	merged := Margin{Name: m.Name, Level: make([]int, len(w))}
	place := make([]int, len(m.Levels))
	for k, g := range groups {
		for _, l := range g.levels {
			place[l] = k
		}
		c := g.class(m.Levels, g.receives)
		c.Before, c.Factor = g.receives, 1
		step.Classes = append(step.Classes, c)
		merged.Levels, merged.Targets = append(merged.Levels, c.Name), append(merged.Targets, g.all)
	}
	for i, l := range m.Level {
		if merged.Level[i] = -1; l >= 0 {
			merged.Level[i] = place[l]
		}
	}
	return merged, step, nil
}
