package analysis

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
)

// layout is how units lie in strata: all that a variance needs of the design. Its
// leaves are the units it wants sums of: PSUs, or the smallest units of later stages
// that matter, or people.
type layout struct {
	strata   []string  // names
	stratum  []int     // of each PSU
	size     []int     // number of PSUs of each stratum
	fraction []float64 // n/N of each stratum; nil when all are negligible
	chance   []float64 // of each PSU, with unequal probabilities; nil otherwise
	joint    *joint    // with joint probabilities; nil otherwise
	within   []level   // the later stages that matter
	phase    *phase    // of two phases; nil otherwise
	first    []int     // first leaf of each PSU, and their number; nil when PSUs are leaves
	label    func(psu int) string
}

// level is a later stage. Its units are in the order of those of the stage before.
type level struct {
	stage    int // 2 for the second
	stratum  []int32
	size     []int
	fraction []float64
	chance   []float64
	// factor of each stratum is the product of the sampling fractions above it: what its
	// variance counts for.
	factor []float64
	// first is the first unit within each unit of the stage before, and their number.
	first []int
}

func newLayout(psus []PSU) *layout {
	l := &layout{stratum: make([]int, len(psus)), label: func(i int) string {
		return fmt.Sprintf("PSU %q of stratum %q", psus[i].Name, psus[i].Stratum)
	}}
	index := make(map[string]int)
	last, lastIs := "", -1
	for i, p := range psus {
		if lastIs < 0 || p.Stratum != last {
			h, known := index[p.Stratum]
			if !known {
				h = len(l.strata)
				index[p.Stratum] = h
				l.strata = append(l.strata, p.Stratum)
				l.size = append(l.size, 0)
			}
			last, lastIs = p.Stratum, h
		}
		l.stratum[i] = lastIs
		l.size[lastIs]++
	}
	return l
}

// plain says whether PSUs are the leaves.
func (l *layout) plain() bool { return l.first == nil }

// leaves is how many there are.
func (l *layout) leaves() int {
	if l.plain() {
		return len(l.stratum)
	}
	return l.first[len(l.stratum)]
}

// byPSU adds up counts of leaves.
func (l *layout) byPSU(n []int) []int {
	if l.plain() {
		return n
	}
	sums := make([]int, len(l.stratum))
	for i := range sums {
		for _, x := range n[l.first[i]:l.first[i+1]] {
			sums[i] += x
		}
	}
	return sums
}

// fractionOf is n/N of a stratum; 0 when it is negligible.
func (l *layout) fractionOf(h int) float64 {
	if l.fraction == nil {
		return 0
	}
	return l.fraction[h]
}

// remains is the share 1−f of a PSU's squares that counts.
func (l *layout) remains(psu int) float64 {
	if l.chance != nil {
		return 1 - l.chance[psu]
	}
	return 1 - l.fractionOf(l.stratum[psu])
}

// complete says that every PSU of the stratum is in the sample, so that it adds nothing.
func (l *layout) complete(h int) bool { return l.fractionOf(h) > 1-completeTolerance }

// completeTolerance is R's: a smaller share than this of a stratum is not missing.
const completeTolerance = 1e-7

// df counts degrees of freedom, PSUs − strata, over the PSUs with people of the
// domain or over the whole design. n is the number of such people in each PSU.
func (l *layout) df(rule DFRule, n []int) float64 {
	switch rule {
	case DFNormal:
		return math.Inf(1)
	case DFDesign:
		return float64(len(l.stratum) - len(l.strata))
	}
	seen := make([]bool, len(l.strata))
	df := 0
	for i, h := range l.stratum {
		if n[i] == 0 {
			continue
		}
		df++
		if !seen[h] {
			seen[h] = true
			df--
		}
	}
	return float64(df)
}

// lone says whether a rule for lone PSUs applies to a stratum.
func (l *layout) lone(h int, t tally, s Settings) bool {
	return !l.complete(h) && (l.size[h] == 1 || s.LoneInDomains && t.seen[h] == 1)
}

// hasLone says whether a stratum that is not complete has a single PSU.
func (l *layout) hasLone() bool {
	for h, size := range l.size {
		if size == 1 && !l.complete(h) {
			return true
		}
	}
	return false
}

// failIfLone names the strata with a single PSU.
func (l *layout) failIfLone() error {
	var names []string
	for h, size := range l.size {
		if size == 1 && !l.complete(h) {
			names = append(names, fmt.Sprintf("%q", l.strata[h]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("no variance: one PSU only in stratum %s; merge each with a neighbour or choose another rule in Settings.LonePSU",
		strings.Join(names, ", "))
}

// A merge is a group of strata that LoneCollapse made one of.
type merge []int

// collapsed merges every stratum with a lone PSU with the next in the order of names,
// the last ones with the one before, until each has two PSUs. Strata that are complete,
// or take no part, stay out of it.
func (l *layout) collapsed(t tally, s Settings) (*layout, []merge, error) {
	if l.joint != nil {
		return nil, nil, fmt.Errorf("rule %q cannot merge strata with joint probabilities; use rule %q for unequal probabilities", LoneCollapse, PPSBrewer)
	}
	order := make([]int, 0, len(l.size))
	for h := range l.size {
		if t.counts[h] && !l.complete(h) {
			order = append(order, h)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(l.strata[a], l.strata[b]) })
	var groups []merge
	var open merge
	count := 0
	for _, h := range order {
		open = append(open, h)
		if s.LoneInDomains {
			count += t.seen[h]
		} else {
			count += l.size[h]
		}
		if count > 1 {
			groups, open, count = append(groups, open), nil, 0
		}
	}
	if len(open) > 0 {
		if len(groups) == 0 {
			return nil, nil, fmt.Errorf("the whole sample has a single PSU, so rule %q has no stratum to merge it with", LoneCollapse)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], open...)
	}
	groups = slices.DeleteFunc(groups, func(g merge) bool { return len(g) == 1 })
	return l.merged(groups), groups, nil
}

// merged is the layout with each group of strata as one.
func (l *layout) merged(groups []merge) *layout {
	m := *l
	to := make([]int, len(l.size))
	for h := range to {
		to[h] = h
	}
	m.size, m.strata = slices.Clone(l.size), slices.Clone(l.strata)
	m.fraction = slices.Clone(l.fraction)
	for _, g := range groups {
		n, population := 0, 0.0
		for _, h := range g {
			to[h] = g[0]
			n += l.size[h]
			population += float64(l.size[h]) / l.fractionOf(h)
			m.size[h] = 0
		}
		m.size[g[0]], m.strata[g[0]] = n, l.names(g)
		if m.fraction != nil {
			m.fraction[g[0]] = float64(n) / population
		}
	}
	m.stratum = make([]int, len(l.stratum))
	for i, h := range l.stratum {
		m.stratum[i] = to[h]
	}
	return &m
}

// names joins the names of merged strata.
func (l *layout) names(g merge) string {
	names := make([]string, len(g))
	for i, h := range g {
		names[i] = l.strata[h]
	}
	return strings.Join(names, " + ")
}

// simple says whether PSUs and the population of each stratum say all.
func (l *layout) simple() bool {
	return l.plain() && l.chance == nil && l.joint == nil && l.phase == nil
}

// populations are n/f of the strata where f is not negligible; nil when there are none.
func (l *layout) populations() map[string]float64 {
	if l.fraction == nil {
		return nil
	}
	n := make(map[string]float64)
	for h, f := range l.fraction {
		if f > 0 {
			n[l.strata[h]] = float64(l.size[h]) / f
		}
	}
	return n
}

// psuOf is the PSU of a leaf.
func (l *layout) psuOf(leaf int) int {
	if l.plain() {
		return leaf
	}
	return sort.Search(len(l.stratum), func(psu int) bool { return l.first[psu+1] > leaf })
}

// frame is the layout of the cells.
func (c *Cells) frame() (*layout, error) {
	if c.layout != nil {
		return c.layout, nil
	}
	l := newLayout(c.PSUs)
	if len(c.Population) == 0 {
		return l, nil
	}
	l.fraction = make([]float64, len(l.size))
	for h, name := range l.strata {
		n, known := c.Population[name]
		if !known {
			continue
		}
		f := float64(l.size[h]) / n
		if !(f >= 0 && f <= 1+1e-9) {
			return nil, fmt.Errorf("stratum %q has %d PSUs in the cells and %v in the population; correct Cells.Population", name, l.size[h], n)
		}
		l.fraction[h] = min(f, 1)
	}
	return l, nil
}

// leafOf is the leaf of the layout that a cell belongs to.
func (c *Cells) leafOf(r *Cell) int {
	if c.layout != nil {
		return r.Unit
	}
	return r.PSU
}

// leaves is how many leaves the layout has.
func (c *Cells) leaves() int {
	if c.layout != nil {
		return c.layout.leaves()
	}
	return len(c.PSUs)
}
