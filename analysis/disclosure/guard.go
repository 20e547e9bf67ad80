package disclosure

import (
	"fmt"
	"maps"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// Guard decides what a page may show on which readers choose the groups themselves. It
// decides on every view that can be asked for at once, as one publication, and keeps
// nothing of what was asked: the same view is always shown or always hidden, whoever
// asks and in whatever order, and the difference of any two shown views, of which one
// contains the other, is never a group below Rules.MinDifference.
//
// A view narrows each dimension to one class or one declared group. A page that lets
// readers tick any set of classes asks for more than the guard has decided on: declare
// the sets as groups.
//
// A guard may be used by several goroutines at once.
//
// A guard holds for the respondents that it was made from. When interviews arrive, a
// figure minus what it was before is that of the new respondents: see [Guard.Next].
type Guard struct {
	result *Result
	depth  int
}

// Views lists all cells that can be asked for with up to depth dimensions narrowed at
// once, summed up from cells that name every dimension (classes, not groups). Outcomes
// and weights are summed too; of the PSUs, which may be the same ones in several cells,
// and of the largest contributions, the greatest known is taken, which is less than the
// truth for PSUs.
func Views(p Publication, depth int) (Publication, error) {
	l, err := link(Publication{Dimensions: p.Dimensions, Groups: p.Groups})
	if err != nil {
		return Publication{}, err
	}
	sums, order := map[string]*Cell{}, []string{}
	for _, c := range p.Cells {
		keys, err := l.views(c, depth)
		if err != nil {
			return Publication{}, err
		}
		for _, key := range keys {
			name := keyText(key)
			if sums[name] == nil {
				sums[name] = &Cell{Key: key, Exempt: true}
				order = append(order, name)
			}
			if err := sums[name].gather(c); err != nil {
				return Publication{}, err
			}
		}
	}
	all := Publication{Dimensions: p.Dimensions, Groups: p.Groups}
	for _, name := range order {
		all.Cells = append(all.Cells, *sums[name])
	}
	return all, nil
}

// gather adds a cell to a wider one, which is exempt only if all its cells are.
func (c *Cell) gather(part Cell) error {
	if c.N > 0 && (len(c.Outcomes) != len(part.Outcomes) || len(c.WeightedOutcomes) != len(part.WeightedOutcomes)) {
		return fmt.Errorf("the cell %s has %d outcomes, others have %d; give every cell the same ones", keyText(part.Key), len(part.Outcomes), len(c.Outcomes))
	}
	if c.Outcomes == nil {
		c.Outcomes = make([]int, len(part.Outcomes))
		c.WeightedOutcomes = make([]float64, len(part.WeightedOutcomes))
	}
	c.N += part.N
	c.Weighted += part.Weighted
	c.PSUs = max(c.PSUs, part.PSUs)
	c.Exempt = c.Exempt && part.Exempt
	for k, n := range part.Outcomes {
		c.Outcomes[k] += n
	}
	for k, w := range part.WeightedOutcomes {
		c.WeightedOutcomes[k] += w
	}
	for _, w := range []float64{part.Largest, part.Second} {
		if w > c.Largest {
			c.Largest, c.Second = w, c.Largest
		} else if w > c.Second {
			c.Second = w
		}
	}
	return nil
}

// views lists the keys of up to depth dimensions that a cell belongs to.
func (l *linked) views(c Cell, depth int) ([]analysis.Domain, error) {
	axes, classes, err := l.place(c.Key)
	if err != nil {
		return nil, err
	}
	if len(axes) != len(l.sizes) {
		return nil, fmt.Errorf("the cell %s names %d of %d dimensions; give cells that name the class of every one", keyText(c.Key), len(axes), len(l.sizes))
	}
	keys := []analysis.Domain{{}}
	for at, k := range axes {
		if k >= len(l.sizes) || l.axes[k].isGroup[classes[at]] {
			return nil, fmt.Errorf("the cell %s names a group of %q; give cells that name the classes it is made of", keyText(c.Key), l.axes[k].name)
		}
		for _, key := range slices.Clone(keys) {
			if len(key) < depth {
				keys = append(keys, l.narrowed(key, k, classes[at])...)
			}
		}
	}
	return keys, nil
}

// narrowed adds to a key the class of a dimension, and every group that has it.
func (l *linked) narrowed(key analysis.Domain, k, class int) []analysis.Domain {
	var list []analysis.Domain
	for x := range l.axes {
		if l.axes[x].base != l.axes[k].base {
			continue
		}
		for _, in := range l.axes[x].in[class] {
			more := maps.Clone(key)
			more[l.axes[x].name] = l.axes[x].classes[in]
			list = append(list, more)
		}
	}
	return list
}

// NewGuard decides on all views of up to depth dimensions at once. The cells of the
// publication name every dimension; see Views, whose size decides the time it takes.
func NewGuard(p Publication, rules Rules, depth int) (*Guard, error) {
	if depth < 1 {
		return nil, fmt.Errorf("views of %d dimensions; let readers narrow at least one", depth)
	}
	all, err := Views(p, depth)
	if err != nil {
		return nil, err
	}
	result, err := Protect(all, rules)
	if err != nil {
		return nil, err
	}
	return &Guard{result, depth}, nil
}

// Shows reports whether a view may be shown. Views that name more dimensions than the
// guard has decided on, unknown classes, or groups with nobody in them are not.
func (g *Guard) Shows(view analysis.Domain) bool {
	_, hidden := g.result.Suppressed(view)
	return !hidden
}

// Next reports whether a view may change from the figures of this guard to those of a
// later one, which has the same respondents and more: both show it, and nobody or at
// least MinDifference respondents have come. Where it may not, keep showing the earlier
// figures.
func (g *Guard) Next(later *Guard, view analysis.Domain) bool {
	if !g.Shows(view) || !later.Shows(view) {
		return false
	}
	before, after := g.result.l.lookup(view), later.result.l.lookup(view)
	came := later.result.l.cells[after].N - g.result.l.cells[before].N
	return came == 0 || came >= later.result.rules.MinDifference
}

// Result is the decision on all views, for audits.
func (g *Guard) Result() *Result { return g.result }
