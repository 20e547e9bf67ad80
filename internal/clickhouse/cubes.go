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
// The sums of a cell are a block of limbs: Σw, Σw² and the sum of the weights before calibration;
// the two largest weights as bits of float64; for each base, as reading.bases has them, Σw and Σw²
// of those for whom it does not hold; for each variable Σwy, and Σwy² of one that is not binary;
// and last some numbers that nobody reads, see answerPlaces. Σw, and Σwy of a binary variable, also
// say of how many people they are, see scale.counted.
type cube struct {
	factors []int // of the query
	places  []field
	words   int // of the levels
	// The place of a cell in table is that of the first level of all factors, origin, and a step
	// of each factor for each level. There are no steps where there are too many places.
	origin    int
	steps     []int
	variables []*variable
	scales    scales
	size      int     // of a block
	pairs     bool    // all numbers of a block have two limbs
	base      []int32 // where the sums of each base of the reading begin; -1 of one that is not summed
	at        []int32 // where those of each variable of the query begin; -1 of one that is not summed
	order     []int   // of each variable of the query among those of the cube
	// answers has where the number of an answer is added, of people with a score and without;
	// nil if no variable is that of an answer.
	answers, unscored *answerPlaces

	from  int32 // the first PSU
	units []*unitCells
	free  []uint64 // for further blocks

	// What is at hand of the PSU whose people are added: its cells; table has each of them, one
	// more, at the place of its levels, or where the hash of its key says; and who is added later,
	// last the last of them in each cell, one more.
	unit  *unitCells
	table []int32
	later []laterAnswers
	last  []int32
}

// unitCells are the cells of a PSU.
type unitCells struct {
	keys   []uint64   // levels of each cell
	places []int32    // of each in the table of the cube; empty where that is a hash table
	blocks [][]uint64 // sums of each
	// absent has by cell Σw and Σw² of who has no value of each variable; nil if all
	// have.
	absent [][]uint64
}

// mostPlaces is how many places a table may have. A PSU has cells in few of them.
const mostPlaces = 1 << 20

// answerPlaces says where in a block the weight of somebody is added for an answer. An answer
// that makes no variable 1, or several, adds to numbers that nobody reads, which is quicker than
// asking; where those of several are, further says.
type answerPlaces struct {
	first   []int32 // by number of the answer
	further map[int][]int32
}

// cellsInAPage is how many blocks are made at once.
const cellsInAPage = 64

// newCube is a cube without people.
func (c *cellsQuery) newCube(of cubeOf, in scales, from, to int32) *cube {
	k := &cube{
		factors: of.factors, places: of.places, words: of.words, scales: in,
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
	k.pairs = in.w.limbs == 2 && in.squared.limbs == 2 && in.base.limbs == 2 && !slices.ContainsFunc(k.variables, func(v *variable) bool {
		return v.sum.limbs != 2 || !v.binary && v.squares.limbs != 2
	})
	k.tabulate(c)
	k.placeAnswers(c)
	return k
}

// tabulate lays out the table of the cells.
func (k *cube) tabulate(c *cellsQuery) {
	size := 1
	for _, f := range k.factors {
		k.steps = append(k.steps, size)
		if size *= len(c.query.Factors[f].Levels) + 1; size > mostPlaces {
			k.steps = nil
			return
		}
	}
	for _, step := range k.steps {
		k.origin += step
	}
	k.table = make([]int32, size)
}

// unread is how many numbers of a block nobody reads: several, for the processor waits for one
// that it has just changed.
const unread = 4

// placeAnswers finds where answers are added.
func (k *cube) placeAnswers(c *cellsQuery) {
	if !slices.ContainsFunc(k.variables, func(v *variable) bool { return v.share || v.kind == ofItem }) {
		return
	}
	size := k.size
	k.size += unread * k.scales.w.limbs
	of := func(counts func(v *variable) bool) *answerPlaces {
		a := &answerPlaces{further: map[int][]int32{}}
		for n := range c.someAsked() + 1 {
			var places []int32
			if n > 0 && n < c.keys {
				for _, v := range c.ones[c.codes[n-1]] {
					if k.at[v] >= 0 && counts(&c.variables[v]) {
						places = append(places, k.at[v])
					}
				}
			}
			switch len(places) {
			case 1:
				a.first = append(a.first, places[0])
				continue
			case 0:
			default:
				a.further[n] = places
			}
			a.first = append(a.first, int32(size+n%unread*k.scales.w.limbs))
		}
		return a
	}
	k.answers = of(func(*variable) bool { return true })
	k.unscored = of(func(v *variable) bool { return !v.share })
}

// enter makes a PSU the one whose people are added.
func (k *cube) enter(unit int32) {
	u := &k.units[unit-k.from]
	if *u == nil {
		*u = new(unitCells)
	}
	k.unit = *u
	if k.steps == nil {
		k.hash()
		return
	}
	for n, place := range k.unit.places {
		k.table[place] = int32(n) + 1
	}
}

// leave forgets the cells that are at hand.
func (k *cube) leave() {
	for _, place := range k.unit.places {
		k.table[place] = 0
	}
	k.unit = nil
}

// cell finds the cell of people with these levels of the factors of the query.
func (k *cube) cell(levels []int32, key []uint64) int {
	if k.steps == nil {
		return k.hashedCell(levels, key)
	}
	place := k.origin
	for i, f := range k.factors {
		place += int(levels[f]) * k.steps[i]
	}
	if n := k.table[place]; n > 0 {
		return int(n) - 1
	}
	k.unit.places = append(k.unit.places, int32(place))
	k.table[place] = int32(len(k.unit.places))
	return k.newCell(k.key(levels, key))
}

// key packs levels.
func (k *cube) key(levels []int32, room []uint64) []uint64 {
	key := room[:k.words]
	clear(key)
	for i, p := range k.places {
		key[p.word] |= uint64(levels[k.factors[i]]+1) << p.shift
	}
	return key
}

// newCell makes a cell of the PSU, and returns its number.
func (k *cube) newCell(key []uint64) int {
	u := k.unit
	u.keys, u.blocks = append(u.keys, key...), append(u.blocks, k.block())
	return len(u.blocks) - 1
}

// hashedCell is cell with a hash table.
func (k *cube) hashedCell(levels []int32, room []uint64) int {
	key := k.key(levels, room)
	slot := k.slot(key)
	if n := k.table[slot]; n > 0 {
		return int(n) - 1
	}
	n := k.newCell(key)
	k.table[slot] = int32(n) + 1
	if 2*len(k.unit.blocks) >= len(k.table) {
		k.hash()
	}
	return n
}

// hash makes a hash table of the cells of the PSU, at most half full.
func (k *cube) hash() {
	k.table = zeros(k.table, 1<<bits.Len(uint(2*len(k.unit.blocks)+8)))
	for n := range k.unit.blocks {
		k.table[k.slot(k.unit.keys[n*k.words:(n+1)*k.words])] = int32(n) + 1
	}
}

// slot is that of a key in the hash table, or the free one where it belongs.
func (k *cube) slot(key []uint64) int {
	last := len(k.table) - 1
	for i := int(hashOf(key)) & last; ; i = (i + 1) & last {
		if n := int(k.table[i]) - 1; n < 0 || slices.Equal(k.unit.keys[n*k.words:(n+1)*k.words], key) {
			return i
		}
	}
}

// hashOf mixes the words of a key.
func hashOf(key []uint64) (h uint64) {
	for i, word := range key {
		if word == 0 {
			continue
		}
		word += uint64(i)
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

// add adds a person of the portion, but for the variables of single answers. These are many, so
// those of all people of a cell are added one after the other, later.
func (k *cube) add(p *respondent, place int32) {
	n := k.cell(p.levels, p.key)
	b := k.unit.blocks[n]
	at := len(p.weights)
	if k.pairs {
		addPairs(b, p.weights)
	} else {
		addAt(b, addAt(b, addAt(b, 0, p.w), p.squared), p.base)
	}
	largest(b[at:at+2], p.weight)
	for _, v := range p.verdicts {
		if at := k.at[v]; at >= 0 {
			addAt(b, int(at), p.w)
		}
	}
	for i := range p.products {
		y := &p.products[i]
		switch at := int(k.at[y.place]); {
		case at < 0 || y.missing:
		case k.pairs:
			addPairs(b[at:], y.both)
		default:
			addAt(b, addAt(b, at, y.sum), y.squares)
		}
	}
	if k.answers != nil {
		k.addTogether(b, p)
		for len(k.last) <= n {
			k.last = append(k.last, 0)
		}
		k.later = append(k.later, laterAnswers{place, k.last[n], p.scored()})
		k.last[n] = int32(len(k.later))
	}
	if len(p.absent) > 0 {
		k.miss(n, p)
	}
}

// addTogether adds what a person has of the variables of answers that mean something together.
func (k *cube) addTogether(b []uint64, p *respondent) {
	for _, base := range p.without {
		if at := int(k.base[base]); at >= 0 {
			addAt(b, addAt(b, at, p.w), p.squared)
		}
	}
	for _, v := range p.ones {
		if at := k.at[v]; at >= 0 {
			addAt(b, int(at), p.w)
		}
	}
}

// laterAnswers are those of a person of the portion that are added later.
type laterAnswers struct {
	place  int32
	before int32 // who comes before in the same cell, one more; 0 for nobody
	scored bool
}

// addAnswers adds those of the people of the PSU, whose numbers and weights it asks for.
func (k *cube) addAnswers(of func(place int32) (given []uint16, w []uint64)) {
	for cell, i := range k.last {
		for ; i > 0; i = k.later[i-1].before {
			l := k.later[i-1]
			places := k.answers
			if !l.scored {
				places = k.unscored
			}
			given, w := of(l.place)
			places.add(k.unit.blocks[cell], given, w)
		}
	}
	k.later, k.last = k.later[:0], k.last[:0]
}

// add adds a weight for each of the answers.
func (a *answerPlaces) add(b []uint64, given []uint16, w []uint64) {
	if len(w) == 2 { // as addAt, with the weight at hand
		first, w0, w1 := a.first, w[0], w[1]
		for _, n := range given {
			sum := (*[2]uint64)(b[first[n]:])
			lo, carry := bits.Add64(sum[0], w0, 0)
			sum[0], sum[1] = lo, sum[1]+w1+carry
		}
	} else {
		for _, n := range given {
			addAt(b, int(a.first[n]), w)
		}
	}
	if len(a.further) > 0 {
		for _, n := range given {
			for _, at := range a.further[int(n)] {
				addAt(b, int(at), w)
			}
		}
	}
}

// merge adds the sums of a cell of a cube of the same variables, none of which is that of an
// answer.
func (k *cube) merge(sums, more []uint64) {
	at := 0
	next := func(limbs int) { at = addAt(sums, at, more[at:at+limbs]) }
	next(k.scales.w.limbs)
	next(k.scales.squared.limbs)
	next(k.scales.base.limbs)
	for _, w := range more[at : at+2] {
		largest(sums[at:at+2], math.Float64frombits(w))
	}
	at += 2
	for _, v := range k.variables {
		next(v.sum.limbs)
		if !v.binary {
			next(v.squares.limbs)
		}
	}
}

// mergeAbsent adds who has no value of the variables in a cell of another cube.
func (k *cube) mergeAbsent(n int, more []uint64) {
	sums := k.absentOf(n)
	for at := 0; at < len(more); {
		at = addAt(sums, at, more[at:at+k.scales.w.limbs])
		at = addAt(sums, at, more[at:at+k.scales.squared.limbs])
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

// addPairs adds numbers of two limbs, which follow each other.
func addPairs(b, more []uint64) {
	b = b[:len(more)]
	for i := 1; i < len(more); i += 2 {
		lo, carry := bits.Add64(b[i-1], more[i-1], 0)
		b[i-1], b[i] = lo, b[i]+more[i]+carry
	}
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

// miss counts a person as one of those who have no value of some variables.
func (k *cube) miss(n int, p *respondent) {
	for _, v := range p.absent {
		if k.at[v] >= 0 {
			sums := k.absentOf(n)
			addAt(sums, addAt(sums, (len(p.w)+len(p.squared))*k.order[v], p.w), p.squared)
		}
	}
}

// absentOf are the sums of who has no value of each variable in a cell of the PSU.
func (k *cube) absentOf(n int) []uint64 {
	u := k.unit
	for len(u.absent) <= n {
		u.absent = append(u.absent, nil)
	}
	if u.absent[n] == nil {
		u.absent[n] = make([]uint64, (k.scales.w.limbs+k.scales.squared.limbs)*len(k.variables))
	}
	return u.absent[n]
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
