package clickhouse

import (
	"math"
	"math/bits"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// scales are those of the sums over people.
type scales struct{ w, squared, base scale }

// cube sums the same variables by the same factors, PSU by PSU. Its sums are whole numbers
// that lose nothing, so that it does not matter who comes first.
//
// The sums of a cell are a block of limbs: number of people, Σw, Σw², Σ base weight, the two
// largest weights as bits of float64; of each base number, Σw and Σw²; of each variable its
// number of ones and Σwy, and of one that is not binary Σwy².
type cube struct {
	factors   []int // of the query
	places    []field
	words     int // of the levels
	shared    int // so many factors come first in all cubes
	variables []*variable
	scales    scales
	size      int     // of a block
	base      []int32 // where the sums of each base of the reading begin; -1
	at        []int32 // where those of each variable of the query begin; -1
	order     []int   // of each variable of the query among those of the cube
	few       bool    // few variables are looked at one by one

	from  int32 // the first PSU
	units []*unitCells
	free  []uint64 // for further blocks
}

// unitCells are the cells of a PSU. Each PSU has its own hash table, for people come one PSU
// after the other.
type unitCells struct {
	keys   []uint64   // levels of each cell
	blocks [][]uint64 // sums of each
	// absent has by cell Σw and Σw² of who has no value of each variable; nil if all
	// have.
	absent [][]uint64
	slots  []int32 // a hash table of cells, each one more
}

// fewVariables are so few that looking at each is quicker than going through all that a person
// has.
const fewVariables = 8

// cellsInAPage is how many blocks are made at once.
const cellsInAPage = 64

// newCube is a cube without people.
func (c *cellsQuery) newCube(of cubeOf, in scales, from, to int32) *cube {
	k := &cube{
		factors: of.factors, places: of.places, words: of.words, shared: c.shared, scales: in, few: len(of.variables) <= fewVariables,
		from: from, units: make([]*unitCells, to-from),
	}
	k.base, k.at, k.order = make([]int32, len(c.bases)), make([]int32, len(c.variables)), make([]int, len(c.variables))
	for i := range k.base {
		k.base[i] = -1
	}
	for i := range k.at {
		k.at[i] = -1
	}
	k.size = in.w.limbs + in.squared.limbs + in.base.limbs + 2
	for _, i := range of.variables {
		v := &c.variables[i]
		if v.share && k.base[v.base] < 0 {
			k.base[v.base] = int32(k.size)
			k.size += in.w.limbs + in.squared.limbs
		}
		k.at[i], k.order[i] = int32(k.size), len(k.variables)
		k.variables = append(k.variables, v)
		k.size += v.sum.limbs + v.squares.limbs
	}
	return k
}

// cell finds the cell of the people of a PSU with these levels of the factors of the query.
func (k *cube) cell(unit int32, prefix uint64, levels []int32, key []uint64) (*unitCells, int) {
	key = key[:k.words]
	clear(key)
	if k.shared > 0 {
		key[0] = prefix
	}
	for i, p := range k.places[k.shared:] {
		key[p.word] |= uint64(levels[k.factors[k.shared+i]]+1) << p.shift
	}
	u := k.units[unit-k.from]
	if u == nil {
		u = &unitCells{slots: make([]int32, 16)}
		k.units[unit-k.from] = u
	}
	for i := u.slot(hashOf(key)); ; i = u.slot(uint64(i) + 1) {
		n := int(u.slots[i]) - 1
		if n < 0 {
			u.keys, u.blocks = append(u.keys, key...), append(u.blocks, k.block())
			n = len(u.blocks) - 1
			u.slots[i] = int32(n) + 1
			u.grow(k.words)
			return u, n
		}
		if equal(u.keys[n*len(key):(n+1)*len(key)], key) {
			return u, n
		}
	}
}

// slot is where the search for a hash begins.
func (u *unitCells) slot(hash uint64) int { return int(hash) & (len(u.slots) - 1) }

// equal compares two keys of the same length.
func equal(a, b []uint64) bool {
	for i, word := range a {
		if word != b[i] {
			return false
		}
	}
	return true
}

// hashOf mixes the words of a key.
func hashOf(key []uint64) (h uint64) {
	for _, word := range key {
		hi, lo := bits.Mul64(h^word^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
		h = hi ^ lo
	}
	return h
}

// block is room for the sums of a cell.
func (k *cube) block() []uint64 {
	if len(k.free) < k.size {
		k.free = make([]uint64, cellsInAPage*k.size)
	}
	b := k.free[:k.size:k.size]
	k.free = k.free[k.size:]
	return b
}

// grow doubles the hash table when it is half full.
func (u *unitCells) grow(words int) {
	if 2*len(u.blocks) < len(u.slots) {
		return
	}
	u.slots = make([]int32, 2*len(u.slots))
	for n := range u.blocks {
		i := u.slot(hashOf(u.keys[n*words : (n+1)*words]))
		for u.slots[i] > 0 {
			i = u.slot(uint64(i) + 1)
		}
		u.slots[i] = int32(n) + 1
	}
}

// add adds a person.
func (k *cube) add(p *respondent) {
	u, n := k.cell(p.unit, p.prefix, p.levels, p.key)
	b := u.blocks[n]
	at := addAt(b, 0, p.w)
	at = addAt(b, at, p.squared)
	at = addAt(b, at, p.base)
	largest(b[at:at+2], p.weight)
	for _, base := range p.without {
		if at := int(k.base[base]); at >= 0 {
			addAt(b, addAt(b, at, p.w), p.squared)
		}
	}
	k.addVariables(b, p)
	if len(p.absent) > 0 {
		k.miss(u, n, p)
	}
}

// addAt adds a number to that at a place of a block, and returns the place behind it.
func addAt(b []uint64, at int, limbs []uint64) int {
	if len(limbs) == 2 {
		sum := b[at : at+2 : at+2]
		lo, carry := bits.Add64(sum[0], limbs[0], 0)
		sum[0] = lo
		sum[1] += limbs[1] + carry
		return at + 2
	}
	add(b[at:at+len(limbs)], limbs)
	return at + len(limbs)
}

// largest keeps the two largest weights, which are positive, so that their bits are in order.
func largest(two []uint64, weight float64) {
	switch w := math.Float64bits(weight); {
	case w > two[0]:
		two[0], two[1] = w, two[0]
	case w > two[1]:
		two[1] = w
	}
}

// addVariables adds what a person has of the variables.
func (k *cube) addVariables(b []uint64, p *respondent) {
	switch {
	case k.few:
		for _, v := range k.variables {
			if v.binary && p.is[v.place] {
				addAt(b, int(k.at[v.place]), p.w)
			}
		}
	case len(p.w) == 2: // as addAt, with the weight at hand
		w0, w1 := p.w[0], p.w[1]
		for _, v := range p.ones {
			if at := k.at[v]; at >= 0 {
				sum := b[at : at+2 : at+2]
				lo, carry := bits.Add64(sum[0], w0, 0)
				sum[0] = lo
				sum[1] += w1 + carry
			}
		}
	default:
		for _, v := range p.ones {
			if at := k.at[v]; at >= 0 {
				addAt(b, int(at), p.w)
			}
		}
	}
	for i := range p.products {
		y := &p.products[i]
		if at := k.at[y.place]; at >= 0 && !y.missing {
			addAt(b, addAt(b, int(at), y.sum), y.squares)
		}
	}
}

// miss counts a person as one of those who have no value of some variables.
func (k *cube) miss(u *unitCells, n int, p *respondent) {
	for len(u.absent) <= n {
		u.absent = append(u.absent, nil)
	}
	each := len(p.w) + len(p.squared)
	for _, v := range p.absent {
		if k.at[v] < 0 {
			continue
		}
		if u.absent[n] == nil {
			u.absent[n] = make([]uint64, each*len(k.variables))
		}
		addAt(u.absent[n], addAt(u.absent[n], each*k.order[v], p.w), p.squared)
	}
}

// rows are the cells, by PSU and levels.
func (k *cube) rows() (rows []analysis.Cell) {
	total := 0
	for _, u := range k.units {
		if u != nil {
			total += len(u.blocks)
		}
	}
	rows = make([]analysis.Cell, 0, total)
	sums := make([]analysis.Sum, total*len(k.variables))
	ones, levels := make([]int, total*len(k.variables)), make([]int, total*len(k.places))
	for i, u := range k.units {
		if u == nil {
			continue
		}
		for _, n := range u.order(k.words) {
			r := analysis.Cell{PSU: int(k.from) + i}
			r.Sums, sums = cutOff(sums, len(k.variables))
			r.Ones, ones = cutOff(ones, len(k.variables))
			r.Levels, levels = cutOff(levels, len(k.places))
			k.row(&r, u, n)
			rows = append(rows, r)
		}
	}
	return rows
}

// cutOff takes the first n of a list.
func cutOff[T any](list []T, n int) (first, rest []T) { return list[:n:n], list[n:] }

// order is that of the cells by their levels.
func (u *unitCells) order(words int) []int {
	order := make([]int, len(u.blocks))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return slices.Compare(u.keys[a*words:(a+1)*words], u.keys[b*words:(b+1)*words])
	})
	return order
}

// row fills in a cell.
func (k *cube) row(r *analysis.Cell, u *unitCells, n int) {
	key, b := u.keys[n*k.words:(n+1)*k.words], u.blocks[n]
	for i, p := range k.places {
		r.Levels[i] = int(p.of(key)) - 1
	}
	all := count{b[:k.scales.w.limbs], b[k.scales.w.limbs:][:k.scales.squared.limbs]}
	rest := b[all.size():]
	everybody := k.sum(all)
	r.N, r.W, r.W2, r.Base = everybody.N, everybody.W, everybody.W2, k.scales.base.value(rest[:k.scales.base.limbs])
	r.Largest, r.Second = math.Float64frombits(rest[k.scales.base.limbs]), math.Float64frombits(rest[k.scales.base.limbs+1])
	var absent []uint64
	if n < len(u.absent) {
		absent = u.absent[n]
	}
	for i, v := range k.variables {
		s := &r.Sums[i]
		switch *s = everybody; {
		case v.share:
			*s = k.sum(all.without(b[k.base[v.base]:]))
		case absent != nil:
			*s = k.sum(all.without(absent[i*all.size():]))
		}
		own := b[k.at[v.place]:][:v.sum.limbs+v.squares.limbs]
		s.WY = v.sum.value(own[:v.sum.limbs])
		if s.WY2 = s.WY; v.binary {
			r.Ones[i] = terms(own)
		} else {
			s.WY2 = v.squares.value(own[v.sum.limbs:])
		}
	}
}

// count is Σw and Σw² of some people.
type count struct{ w, squared []uint64 }

// size is how many limbs a count takes in a block.
func (c count) size() int { return len(c.w) + len(c.squared) }

// without is the count of the others, when that of some stands at the beginning of a block.
func (c count) without(block []uint64) count {
	w := block[:len(c.w)]
	if terms(w) == 0 {
		return c
	}
	return count{minus(c.w, w), minus(c.squared, block[len(c.w):][:len(c.squared)])}
}

// sum is the count as float64, without a variable.
func (k *cube) sum(c count) analysis.Sum {
	return analysis.Sum{N: terms(c.w), W: k.scales.w.value(c.w), W2: k.scales.squared.value(c.squared)}
}
