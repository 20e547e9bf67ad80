package disclosure

import (
	"cmp"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// SamePeople fills in Cell.Same by the numbers of the cells, given in any order: those that
// agree in all of them, weights too, are taken for the same people under two names. Cells
// without weights would agree by chance, so they are left alone, as is the grand total, which
// is never hidden.
func SamePeople(cells []Cell) {
	var order []int
	for i, c := range cells {
		if c.N > 0 && c.Weighted > 0 && len(c.Key) > 0 && !c.Exempt {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cells[a].compareCounts(cells[b]), cmp.Compare(cells[a].Weighted, cells[b].Weighted))
	})
	number := 0
	for k := 1; k < len(order); k++ {
		a, b := &cells[order[k-1]], &cells[order[k]]
		if !a.agrees(*b) {
			continue
		}
		if a.Same == 0 {
			number++
			a.Same = number
		}
		b.Same = a.Same
	}
}

func (c Cell) compareCounts(d Cell) int {
	return cmp.Or(cmp.Compare(c.N, d.N), slices.Compare(c.Outcomes, d.Outcomes))
}

// agrees says whether all numbers are the same but for the rounding of sums.
func (c Cell) agrees(d Cell) bool {
	near := func(x, y float64) bool { return math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), math.Abs(y)) }
	return c.compareCounts(d) == 0 && near(c.Weighted, d.Weighted) && slices.EqualFunc(c.WeightedOutcomes, d.WeightedOutcomes, near)
}

// relateSame adds that cells of the same people have the same numbers.
func (l *linked) relateSame() {
	first := map[int]int32{}
	for i, c := range l.cells {
		if c.Same == 0 {
			continue
		}
		if before, known := first[c.Same]; known {
			l.relations = append(l.relations, relation{total: before, parts: []int32{int32(i)}})
		} else {
			first[c.Same] = int32(i)
		}
	}
}

// samePeople says whether a key is that of a cell, or of the same people under another name.
func (l *linked) samePeople(key analysis.Domain, cell int32) bool {
	i := l.lookup(key)
	return i == cell || i >= 0 && l.cells[i].Same != 0 && l.cells[i].Same == l.cells[cell].Same
}

// sameHidden makes the shown cells sensitive whose people a hidden cell has, and says whether
// there are any. They are as sensitive as that cell, or, if it is hidden only because of
// others, no more than that they must not be computed.
func (r *Result) sameHidden() bool {
	hidden := map[int]Reason{}
	for i, c := range r.l.cells {
		if c.Same == 0 || !r.hidden[i] || c.Unprinted {
			continue
		}
		if why := r.reason[i]; why != Complementary && why != Alike {
			hidden[c.Same] = why
		} else if hidden[c.Same] == "" {
			hidden[c.Same] = Alike
		}
	}
	more := false
	for i := range r.l.cells {
		if c := &r.l.cells[i]; hidden[c.Same] != "" && !r.hidden[i] && !r.l.everybody(i) {
			c.Sensitive, c.Exempt, more = hidden[c.Same], false, true
		}
	}
	return more
}

// ProtectInSteps is Protect with as little regard to the weights as is safe: first it hides
// what has to be hidden by the counts alone, and then what the weights ask for in addition.
// So two sets of weights of the same people hide the same cells, but for those that the
// weights make dangerous, and what is published by the one seldom tells what is hidden by the
// other.
func ProtectInSteps(p Publication, rules Rules) (*Result, error) {
	counts := p
	counts.Cells = slices.Clone(p.Cells)
	weighted := false
	for i := range counts.Cells {
		c := &counts.Cells[i]
		weighted = weighted || c.Weighted > 0
		c.Weighted, c.WeightedOutcomes, c.Largest, c.Second = 0, nil, 0, 0
	}
	first, err := Protect(counts, rules)
	if err != nil || !weighted {
		return first, err
	}
	all := p
	all.Cells = slices.Clone(p.Cells)
	for i := range all.Cells {
		c := &all.Cells[i]
		if s, hidden := first.Suppressed(c.Key); hidden && !c.Unprinted {
			c.Hidden = true
			if s.Reason == Alike {
				c.Sensitive = Alike
			}
		}
	}
	return Protect(all, rules)
}
