package disclosure

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// Breach is what a reader can find out about a hidden cell and should not.
type Breach struct {
	Key analysis.Domain
	// Of is "respondents", "weights", or "rates" where the weight of every cell is taken as known;
	// Outcome is −1 for all of them, else 2k for those with outcome k and 2k+1 for those without,
	// and of rates 0.
	Of      string
	Outcome int
	// Exact says that the number follows from the sums alone. Otherwise it lies between
	// Lo and Hi, which is closer than between WantLo and WantHi.
	Exact          bool
	Lo, Hi         float64
	WantLo, WantHi float64
}

// Attack is a reader who knows every printed number without rounding, all sums and that
// no count is negative, and tries to find out the hidden ones. It hides the cells of the
// list, and those that are unprinted or hidden already, and no others, so that any pattern can be tried.
//
// First it solves the sums: by Gaussian elimination modulo the prime 2⁶¹−1, a cell is
// found if every solution has the same number there. Then it bounds: the least and the
// greatest number that a cell can have, by linear programmes, for every sensitive cell
// and everything that Rules want uncertain about it. Fischetti and Salazar 2001,
// Management Science 47: 1008–1027.
//
// The number with an outcome and the number without add up to the respondents, so their
// bounds together bound the respondents; with several outcomes the closest bounds count.
func Attack(p Publication, rules Rules, hidden []analysis.Domain) ([]Breach, error) {
	if err := rules.check(); err != nil {
		return nil, err
	}
	l, err := link(p)
	if err != nil {
		return nil, err
	}
	r := primary(l, rules)
	for i := range r.hidden {
		r.hidden[i] = l.cells[i].Unprinted || l.cells[i].Hidden
	}
	for _, key := range hidden {
		i := l.lookup(key)
		if i < 0 {
			return nil, fmt.Errorf("the hidden cell %s is not part of the publication; correct its key", keyText(key))
		}
		r.hidden[i] = true
	}
	return r.Attack(), nil
}

// Attack tries to find out the hidden cells of the result; see the function Attack. A
// cell in Narrow is held against what it got.
func (r *Result) Attack() []Breach {
	var list []Breach
	sensitive := r.sensitive()
	for i := range sensitive { // shown though sensitive: nothing to solve
		if sensitive[i] && !r.hidden[i] {
			list = append(list, r.exact(int32(i)))
		}
	}
	for _, part := range r.l.parts(r.hidden) {
		list = append(list, r.attackPart(part, sensitive)...)
	}
	return list
}

func (r *Result) exact(i int32) Breach {
	n := float64(r.l.cells[i].N)
	return Breach{Key: maps.Clone(r.l.cells[i].Key), Of: "respondents", Outcome: -1, Exact: true, Lo: n, Hi: n, WantLo: n, WantHi: n}
}

// part is hidden cells that hang together by sums, with those sums.
type part struct {
	cells []int32
	rows  [][]term // of each sum, the hidden cells by place in cells
}

// term is a cell in a sum: the total counts −1, parts 1.
type term struct {
	place int
	sign  int
}

// parts divides the hidden cells into those that have no sum in common.
func (l *linked) parts(hidden []bool) []part {
	up := make([]int32, len(l.cells))
	for i := range up {
		up[i] = int32(i)
	}
	root := func(i int32) int32 {
		for up[i] != i {
			up[i] = up[up[i]]
			i = up[i]
		}
		return i
	}
	for _, rel := range l.relations {
		some := int32(-1)
		for _, c := range append([]int32{rel.total}, rel.parts...) {
			if !hidden[c] {
				continue
			}
			if some >= 0 {
				a, b := root(some), root(c)
				up[max(a, b)] = min(a, b)
			}
			some = c
		}
	}
	index, place := map[int32]int{}, make([]int, len(l.cells))
	var list []part
	for i := range l.cells {
		if !hidden[i] {
			continue
		}
		k, known := index[root(int32(i))]
		if !known {
			k = len(list)
			index[root(int32(i))] = k
			list = append(list, part{})
		}
		place[i] = len(list[k].cells)
		list[k].cells = append(list[k].cells, int32(i))
	}
	for _, rel := range l.relations {
		var row []term
		k := -1
		for n, c := range append([]int32{rel.total}, rel.parts...) {
			if hidden[c] {
				k = index[root(c)]
				row = append(row, term{place[c], 1 - 2*b2i(n == 0)})
			}
		}
		if k >= 0 {
			list[k].rows = append(list[k].rows, row)
		}
	}
	return list
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// attackPart solves and bounds the hidden cells of one part.
func (r *Result) attackPart(p part, sensitive []bool) []Breach {
	var list []Breach
	found := p.determined()
	for k, c := range p.cells {
		if found[k] && (sensitive[c] || !r.l.cells[c].Unprinted) {
			list = append(list, r.exact(c))
		}
	}
	b := bounds{r: r, part: p, made: map[[2]int]*programme{}}
	for k, c := range p.cells {
		if sensitive[c] && !found[k] {
			list = append(list, b.breaches(k, sensitive)...)
		}
	}
	return append(list, b.pinned(found)...)
}

// prime is 2⁶¹−1. The sums have coefficients 0 and ±1, so a number that is found over
// the rationals could be missed only if a subdeterminant were a multiple of it.
const prime = 1<<61 - 1

func mulmod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	_, rem := bits.Div64(hi, lo, prime)
	return rem
}

// inverse is a^(prime−2).
func inverse(a uint64) uint64 {
	x := uint64(1)
	for e := uint64(prime - 2); e > 0; e >>= 1 {
		if e&1 == 1 {
			x = mulmod(x, a)
		}
		a = mulmod(a, a)
	}
	return x
}

// determined finds the cells that have the same number in every solution of the sums:
// after Gauss-Jordan elimination, those that stand alone in a row.
func (p part) determined() []bool {
	var rows []map[int]uint64
	in := make([]map[int]bool, len(p.cells)) // the reduced rows each cell stands in
	for k := range in {
		in[k] = map[int]bool{}
	}
	pivot := map[int]int{} // cell to row
	order := slices.Clone(p.rows)
	slices.SortStableFunc(order, func(a, b []term) int { return len(a) - len(b) })
	for _, terms := range order {
		row := map[int]uint64{}
		for _, t := range terms {
			row[t.place] = uint64(1)
			if t.sign < 0 {
				row[t.place] = prime - 1
			}
		}
		for _, t := range terms {
			if k, known := pivot[t.place]; known {
				subtract(row, rows[k], row[t.place])
			}
		}
		if len(row) == 0 {
			continue
		}
		lead := -1
		for c := range row { // the cell in the fewest rows, for little fill
			if lead < 0 || len(in[c]) < len(in[lead]) || len(in[c]) == len(in[lead]) && c < lead {
				lead = c
			}
		}
		scale := inverse(row[lead])
		for c := range row {
			row[c] = mulmod(row[c], scale)
		}
		for k := range in[lead] {
			before := slices.Collect(maps.Keys(row))
			subtract(rows[k], row, rows[k][lead])
			for _, c := range before {
				if _, has := rows[k][c]; has {
					in[c][k] = true
				} else if c != lead {
					delete(in[c], k)
				}
			}
		}
		in[lead] = map[int]bool{}
		for c := range row {
			in[c][len(rows)] = true
		}
		pivot[lead] = len(rows)
		rows = append(rows, row)
	}
	found := make([]bool, len(p.cells))
	for c, k := range pivot {
		found[c] = len(rows[k]) == 1
	}
	return found
}

// subtract takes a multiple of a row from another.
func subtract(from, row map[int]uint64, times uint64) {
	if times == 0 {
		return
	}
	for c, x := range row {
		y := from[c] + prime - mulmod(x, times)
		if y >= prime {
			y -= prime
		}
		if y == 0 {
			delete(from, c)
		} else {
			from[c] = y
		}
	}
}

// bounds keeps one linear programme for each layer of a part.
type bounds struct {
	r    *Result
	part part
	made map[[2]int]*programme
}

func (b *bounds) programme(m, layer int) *programme {
	key := [2]int{m, layer}
	if b.made[key] == nil {
		if measure := b.r.l.measures[m]; measure.known {
			b.made[key] = newProgramme(b.part.within(measure))
		} else {
			b.made[key] = newProgramme(b.part, measure.layers[layer])
		}
	}
	return b.made[key]
}

// within adds to each cell of a part those without the outcome, so that both add up to a total
// that is known.
func (p part) within(m measure) (both part, values []float64) {
	n := len(p.cells)
	both.rows = slices.Clone(p.rows)
	values = make([]float64, 2*n)
	for k, c := range p.cells {
		values[k], values[n+k] = m.layers[0][c], m.total[c]-m.layers[0][c]
		both.rows = append(both.rows, []term{{k, 1}, {n + k, 1}})
	}
	for k := range values {
		both.cells = append(both.cells, int32(k))
	}
	return both, values
}

// reach is how far up or down a number can go, or something of at least what is needed.
func (b *bounds) reach(k int, n need) float64 {
	layers := b.r.l.measures[n.measure].layers
	one := func(layer int) float64 {
		return b.programme(n.measure, layer).reach(k, n.direction, n.amount)
	}
	if n.layer >= 0 {
		return one(n.layer)
	}
	if len(layers) == 1 {
		return one(0)
	}
	least := math.Inf(1)
	for layer := 0; layer < len(layers); layer += 2 {
		least = min(least, one(layer)+one(layer+1))
	}
	return least
}

// breaches holds a sensitive cell against what must remain uncertain about it.
func (b *bounds) breaches(k int, sensitive []bool) []Breach {
	var list []Breach
	c := b.part.cells[k]
	for _, n := range b.r.rules.needs(b.r.l, int(c), sensitive) {
		want := n.amount
		for _, w := range b.r.Narrow {
			if w.Upward == (n.direction > 0) && w.Outcome == n.layer && w.Of == b.r.l.measures[n.measure].name && b.r.l.samePeople(w.Key, c) {
				want = min(want, w.Got)
			}
		}
		if reach := b.reach(k, n); reach < want-1e-5*max(1, want) {
			list = append(list, b.breach(c, n, reach))
		}
	}
	return list
}

func (b *bounds) breach(c int32, n need, reach float64) Breach {
	m := b.r.l.measures[n.measure]
	v := m.total[c]
	if n.layer >= 0 {
		v = m.layers[n.layer][c]
	}
	x := Breach{Key: maps.Clone(b.r.l.cells[c].Key), Of: m.name, Outcome: n.layer, Lo: math.Inf(-1), Hi: math.Inf(1), WantLo: math.Inf(-1), WantHi: math.Inf(1)}
	if n.direction > 0 {
		x.Hi, x.WantHi = v+reach, v+n.amount
	} else {
		x.Lo, x.WantLo = v-reach, v-n.amount
	}
	return x
}

// pinned finds the printed cells whose number of respondents the bounds leave no choice.
func (b *bounds) pinned(found []bool) []Breach {
	var list []Breach
	for k, c := range b.part.cells {
		if found[k] || b.r.l.cells[c].Unprinted {
			continue
		}
		const some = 1e-3 // of a respondent: any leeway
		up := need{cell: c, layer: -1, direction: 1, amount: some}
		down := need{cell: c, layer: -1, direction: -1, amount: some}
		if b.reach(k, up) < some && b.reach(k, down) < some {
			list = append(list, b.r.exact(c))
		}
	}
	return list
}
