package disclosure

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// Result says which cells are hidden.
type Result struct {
	// Narrow lists sensitive cells about which less remains uncertain than the rules ask,
	// because too few respondents are outside of them. None of them can be computed.
	Narrow []Narrow

	l      *linked
	rules  Rules
	hidden []bool
	reason []Reason // of printed cells that are hidden
	value  []float64
}

// Narrow is a demand of the rules that is not met in full.
type Narrow struct {
	Key analysis.Domain
	// Of is "respondents", "weights" or "rates"; Outcome is −1 for all of them, else 2k for those
	// with outcome k and 2k+1 for those without, and of rates 0.
	Of      string
	Outcome int
	// Upward says whether the cell should look higher or lower, Wanted by how much, and
	// Got by how much it can.
	Upward      bool
	Wanted, Got float64
}

// ErrNobodyOutside is the error when a cell has to be hidden that everything else tells.
var ErrNobodyOutside = errors.New("cannot be hidden, since nobody is outside of it")

// Protect finds the sensitive cells by the rules and hides others until what remains
// uncertain about each is as much as the rules ask. Errors name cells that contradict
// each other, and a cell that cannot be hidden because everybody is in it.
func Protect(p Publication, rules Rules) (*Result, error) {
	if err := rules.check(); err != nil {
		return nil, err
	}
	l, err := link(p)
	if err != nil {
		return nil, err
	}
	for {
		r := primary(l, rules)
		if err := r.checkTotal(); err != nil {
			return nil, err
		}
		if err := r.complement(); err != nil {
			return nil, err
		}
		if !r.sameHidden() {
			return r, nil
		}
	}
}

// primary hides the sensitive cells only, and whatever is not printed.
func primary(l *linked, rules Rules) *Result {
	n := len(l.cells)
	r := &Result{l: l, rules: rules, hidden: make([]bool, n), reason: make([]Reason, n), value: make([]float64, n)}
	for i := range l.cells {
		reason, value, sensitive := rules.judge(l, i)
		if sensitive {
			r.reason[i], r.value[i] = reason, value
		}
		if l.cells[i].Hidden && !sensitive && !l.cells[i].Unprinted {
			r.reason[i] = Complementary
		}
		r.hidden[i] = sensitive || l.cells[i].Unprinted || l.cells[i].Hidden
	}
	return r
}

// checkTotal refuses a publication that is too small as a whole.
func (r *Result) checkTotal() error {
	if i := r.l.lookup(nil); i >= 0 && r.l.cells[i].N < r.rules.MinN {
		return fmt.Errorf("the whole publication rests on %d respondents, and the rules want %d; do not publish it", r.l.cells[i].N, r.rules.MinN)
	}
	return nil
}

// sensitive lists for each cell whether a rule makes it so.
func (r *Result) sensitive() []bool {
	list := make([]bool, len(r.reason))
	for i, why := range r.reason {
		list[i] = why != "" && why != Complementary
	}
	return list
}

// complement hides cells until all needs are met.
func (r *Result) complement() error {
	s, sensitive := newSearch(r), r.sensitive()
	for i := range r.l.cells {
		if !sensitive[i] {
			continue
		}
		moved := false
		for _, n := range r.rules.needs(r.l, i, sensitive) {
			got := s.meet(n)
			moved = moved || n.layer < 0 && r.l.measures[n.measure].unit > 0 && got > 0
			if got < n.amount-1e-6*n.amount {
				r.Narrow = append(r.Narrow, Narrow{maps.Clone(r.l.cells[i].Key), r.l.measures[n.measure].name, n.layer, n.direction > 0, n.amount, got})
			}
		}
		if !moved {
			return fmt.Errorf("the cell %s %w; leave its table out or pool its classes", keyText(r.l.cells[i].Key), ErrNobodyOutside)
		}
	}
	s.prune()
	return nil
}

// Suppressed reports whether a cell is hidden, and why. A cell that is not part of the
// publication is hidden with no reason: nothing is known about its safety.
func (r *Result) Suppressed(key analysis.Domain) (Suppression, bool) {
	i := r.l.lookup(key)
	if i < 0 {
		return Suppression{Key: key}, true
	}
	return r.suppression(i), r.hidden[i]
}

func (r *Result) suppression(i int32) Suppression {
	return Suppression{maps.Clone(r.l.cells[i].Key), r.reason[i], r.value[i]}
}

// Suppressions lists the hidden cells, without those that are not printed anyway, from
// the widest to the narrowest and by key.
func (r *Result) Suppressions() []Suppression {
	var list []Suppression
	for i := range r.l.cells {
		if r.hidden[i] && !r.l.cells[i].Unprinted {
			list = append(list, r.suppression(int32(i)))
		}
	}
	return list
}

// search looks for exchanges of respondents.
type search struct {
	r       *Result
	l       *linked
	cost    []float64     // of hiding each cell
	now     [][][]float64 // measures, layers, cells: the other table, while a need is met
	touched []int32
	plans   map[string]*plan
	proofs  []proof
	closed  bool // nothing further may be hidden

	// What is being looked for.
	need      need
	plan      *plan
	remaining float64
	singles   bool // cells with one respondent may take part
	oneWay    bool // respondents go from one group to another, and none the other way
	at        []int
	other     []int // the second coordinate of swapped dimensions
	best      move
	caps      [][]float64 // by depth: how far each layer can go
	entries   []entry
}

// proof is how far exchanges meet a need, and the cells that they need hidden.
type proof struct {
	need    need
	got     float64
	singles bool
	cells   []int32
}

// entry is a cell of an exchange and whether it gains or loses.
type entry struct {
	cell int32
	sign float64
}

// move is an exchange, what hiding its cells costs more, and how many can be exchanged.
type move struct {
	entries []entry
	cost    float64
	size    float64
}

// plan is which tables an exchange in some dimensions touches, in the order in which
// their cells are known when one further dimension after the other is fixed.
type plan struct {
	swapped []int // dimensions
	free    []int // dimensions that must be fixed
	tables  [][]*table
}

func newSearch(r *Result) *search {
	s := &search{r: r, l: r.l, plans: map[string]*plan{}, at: make([]int, len(r.l.sizes)), other: make([]int, len(r.l.sizes))}
	for i := range s.l.cells {
		s.cost = append(s.cost, hidingCost(s.l.cells[i]))
	}
	for _, m := range s.l.measures {
		var layers [][]float64
		for _, v := range m.layers {
			layers = append(layers, slices.Clone(v))
		}
		s.now = append(s.now, layers)
	}
	return s
}

// hidingCost is what a reader loses: more for more respondents, by far more for wider
// groups, since they are what most readers look for.
func hidingCost(c Cell) float64 {
	importance := c.Importance
	if importance == 0 {
		importance = 1
	}
	depth := float64(len(c.Key))
	return importance * math.Log2(2+float64(c.N)) * math.Pow(8, 3-depth)
}

// meet makes exchanges until the need is met, hides their cells and says how far it came.
// Exchanges in all dimensions of the cell leave its margins alone and come first; cells
// with one respondent, who knows their own answer, take part only if nothing else does.
// Where no exchange goes any way at all, respondents of another group come over, or go
// there, without others in return, which changes the margins in all their dimensions.
func (s *search) meet(n need) float64 {
	p := s.prove(n, true)
	s.proofs = append(s.proofs, p)
	return p.got
}

func (s *search) prove(n need, singles bool) proof {
	p := proof{need: n}
	s.need, s.remaining = n, n.amount
	axes := s.l.tables[s.l.tableOf[n.cell]].axes
	for _, s.singles = range []bool{false, true} {
		if s.singles && (!singles || s.remaining <= 1e-9*n.amount) {
			break
		}
		p.singles = s.singles
		for size := len(axes); size > 0; size-- {
			for s.remaining > 1e-9*n.amount && s.step(axes, size) {
			}
		}
	}
	s.oneWay = true
	for size := 1; size <= len(axes) && s.remaining >= n.amount; size++ {
		s.step(axes, size)
	}
	s.oneWay = false
	slices.Sort(s.touched)
	p.got, p.cells = n.amount-max(0, s.remaining), slices.Clone(slices.Compact(s.touched))
	s.reset()
	return p
}

// prune shows cells again, the dearest first, where the needs can be met with the other
// hidden cells alone: those that were hidden first did not know of those that followed.
func (s *search) prune() {
	s.closed = true
	users := make([][]int, len(s.l.cells))
	for k, p := range s.proofs {
		for _, c := range p.cells {
			users[c] = append(users[c], k)
		}
	}
	for _, c := range s.dearest() {
		s.show(c, users)
	}
	for _, c := range s.dearest() { // those that no proof needs any more
		if len(users[c]) == 0 {
			s.show(c, users)
		}
	}
}

// dearest lists the printed cells that are hidden with others.
func (s *search) dearest() []int32 {
	var list []int32
	for i, why := range s.r.reason {
		if why == Complementary && s.r.hidden[i] && !s.l.cells[i].Hidden {
			list = append(list, int32(i))
		}
	}
	slices.SortStableFunc(list, func(a, b int32) int {
		return cmp.Compare(hidingCost(s.l.cells[b]), hidingCost(s.l.cells[a]))
	})
	return list
}

// show shows a cell again if every need that it was hidden for can be met without it.
func (s *search) show(c int32, users [][]int) {
	s.r.hidden[c] = false
	var others []proof
	for _, k := range users[c] {
		n := s.proofs[k].need
		n.amount = s.proofs[k].got
		p := proof{}
		if n.amount > 0 {
			p = s.prove(n, s.proofs[k].singles)
		}
		if p.got < n.amount-1e-9*n.amount {
			s.r.hidden[c] = true
			return
		}
		others = append(others, p)
	}
	s.r.reason[c] = ""
	for i, k := range slices.Clone(users[c]) {
		for _, old := range s.proofs[k].cells {
			users[old] = slices.DeleteFunc(users[old], func(x int) bool { return x == k })
		}
		s.proofs[k] = others[i]
		for _, cell := range others[i].cells {
			users[cell] = append(users[cell], k)
		}
	}
}

// reset brings the other table back to the real one.
func (s *search) reset() {
	for m := range s.now {
		for k, v := range s.now[m] {
			for _, c := range s.touched {
				v[c] = s.l.measures[m].layers[k][c]
			}
		}
	}
	s.touched = s.touched[:0]
}

// step makes the best exchange in some number of the cell's dimensions.
func (s *search) step(axes []int, size int) bool {
	s.best = move{cost: math.Inf(1)}
	for set := 1; set < 1<<len(axes); set++ {
		if ones(set) == size && s.try(axes, set) {
			break
		}
	}
	if s.best.size <= 0 {
		return false
	}
	s.apply(s.best)
	return true
}

func ones(set int) int {
	n := 0
	for ; set > 0; set &= set - 1 {
		n++
	}
	return n
}

// apply makes an exchange in the other table and hides its cells.
func (s *search) apply(m move) {
	m.size = min(m.size, s.remaining)
	layers := s.now[s.need.measure]
	for _, e := range m.entries {
		s.touched = append(s.touched, e.cell)
		if !s.r.hidden[e.cell] {
			s.r.hidden[e.cell], s.r.reason[e.cell] = true, Complementary
			s.cost[e.cell] = 0
		}
	}
	s.remaining -= m.size
	if s.need.layer >= 0 {
		shift(layers[s.need.layer], m.entries, m.size)
		return
	}
	if len(layers) == 1 {
		shift(layers[0], m.entries, m.size)
		return
	}
	for k := 0; k < len(layers); k += 2 {
		with := min(m.size, room(layers[k], m.entries))
		shift(layers[k], m.entries, with)
		shift(layers[k+1], m.entries, m.size-with)
	}
}

func shift(v []float64, entries []entry, size float64) {
	for _, e := range entries {
		v[e.cell] += e.sign * size
	}
}

// room is how far the cells that lose can go.
func room(v []float64, entries []entry) float64 {
	least := math.Inf(1)
	for _, e := range entries {
		if e.sign < 0 {
			least = min(least, v[e.cell])
		}
	}
	return least
}

// try goes through the exchanges in some of the cell's dimensions. It reports whether
// one was found that costs nothing and suffices.
func (s *search) try(axes []int, set int) bool {
	classes := s.l.classOf[s.need.cell]
	var swapped []int
	choices := make([][][2]int, 0, len(axes)) // of each swapped dimension: inside and outside of the cell
	fixed := map[int][]int{}                  // of the others: the classes that the cell has
	for at, k := range axes {
		inside := s.l.axes[k].bases(classes[at])
		if set&(1<<at) == 0 {
			fixed[s.l.axes[k].base] = inside
			continue
		}
		swapped = append(swapped, s.l.axes[k].base)
		choices = append(choices, pairs(inside, s.l.sizes[s.l.axes[k].base]))
	}
	s.plan = s.planFor(swapped, fixed)
	return s.choose(choices, fixed)
}

// pairs combines each class inside with each outside.
func pairs(inside []int, size int) [][2]int {
	var list [][2]int
	for _, i := range inside {
		for j := range size {
			if !slices.Contains(inside, j) {
				list = append(list, [2]int{i, j})
			}
		}
	}
	return list
}

// planFor orders the tables that an exchange touches: those that name all swapped
// dimensions, for in the others it cancels; if nobody comes in return, those that name
// any of them.
func (s *search) planFor(swapped []int, fixed map[int][]int) *plan {
	first := slices.Sorted(maps.Keys(fixed))
	name := fmt.Sprint(swapped, first, s.oneWay)
	if p, known := s.plans[name]; known {
		return p
	}
	var touched []*table
	seen := map[int]bool{}
	for _, t := range s.l.tables {
		if holdsAll(t.bases, swapped) || s.oneWay && slices.ContainsFunc(swapped, func(b int) bool { return slices.Contains(t.bases, b) }) {
			touched = append(touched, t)
			for _, b := range t.bases {
				seen[b] = true
			}
		}
	}
	p := &plan{swapped: swapped}
	known := map[int]bool{}
	for _, b := range swapped {
		known[b] = true
	}
	p.tables = append(p.tables, ready(touched, known, -1))
	for _, b := range append(first, slices.Sorted(maps.Keys(seen))...) {
		if seen[b] && !known[b] {
			known[b] = true
			p.free = append(p.free, b)
			p.tables = append(p.tables, ready(touched, known, b))
		}
	}
	s.plans[name] = p
	return p
}

func holdsAll(list, some []int) bool {
	for _, x := range some {
		if !slices.Contains(list, x) {
			return false
		}
	}
	return true
}

// ready lists the tables whose dimensions are all known, the last one among them.
func ready(tables []*table, known map[int]bool, last int) []*table {
	var list []*table
	for _, t := range tables {
		all := last < 0 || slices.Contains(t.bases, last)
		for _, b := range t.bases {
			all = all && known[b]
		}
		if all {
			list = append(list, t)
		}
	}
	return list
}

// choose goes through the combinations of swaps.
func (s *search) choose(choices [][][2]int, fixed map[int][]int) bool {
	total := 1
	for _, c := range choices {
		total *= len(c)
	}
	for n := range total {
		rest := n
		for i, c := range choices {
			pair := c[rest%len(c)]
			rest /= len(c)
			s.at[s.plan.swapped[i]], s.other[s.plan.swapped[i]] = pair[0], pair[1]
		}
		if s.build(fixed) && s.best.cost == 0 && s.best.size >= s.remaining {
			return true
		}
	}
	return false
}

// build completes an exchange by fixing the free dimensions, one after the other, each
// where it is cheapest, and keeps it if it is the best one so far.
func (s *search) build(fixed map[int][]int) bool {
	s.entries = s.entries[:0]
	caps := s.capsAt(0)
	for k := range caps {
		caps[k] = math.Inf(1)
	}
	cost, ok := s.extend(0, caps)
	for depth, b := range s.plan.free {
		if !ok || s.hopeless(cost) {
			return false
		}
		var more float64
		more, ok = s.fix(depth+1, b, fixed[b])
		cost += more
	}
	if !ok {
		return false
	}
	m := move{cost: cost, size: s.size(s.capsAt(len(s.plan.free)))}
	if m.size <= 1e-9*s.need.amount || !s.better(m) {
		return false
	}
	m.entries = append(s.best.entries[:0:0], s.entries...)
	s.best = m
	return true
}

// hopeless reports whether an exchange that costs this much already cannot be the best.
func (s *search) hopeless(cost float64) bool {
	return s.best.size > 0 && cost/s.remaining > s.best.cost/min(s.best.size, s.remaining)
}

// better compares by cost for what is still needed.
func (s *search) better(m move) bool {
	if s.best.size <= 0 {
		return true
	}
	mine, best := m.cost/min(m.size, s.remaining), s.best.cost/min(s.best.size, s.remaining)
	return mine < best || mine == best && min(m.size, s.remaining) > min(s.best.size, s.remaining)
}

// fix chooses the class of a free dimension.
func (s *search) fix(depth, base int, among []int) (float64, bool) {
	if len(s.plan.tables[depth]) == 0 {
		copy(s.capsAt(depth), s.capsAt(depth-1))
		if len(among) > 0 {
			s.at[base] = among[0]
		}
		return 0, true
	}
	start := len(s.entries)
	best, bestCost, bestSize := -1, 0.0, 0.0
	try := func(class int) (float64, float64, bool) {
		s.entries = s.entries[:start]
		s.at[base] = class
		caps := s.capsAt(depth)
		copy(caps, s.capsAt(depth-1))
		cost, ok := s.extend(depth, caps)
		return cost, s.size(caps), ok
	}
	consider := func(class int) {
		cost, size, ok := try(class)
		if !ok || size <= 1e-9*s.need.amount {
			return
		}
		size = min(size, s.remaining)
		if best < 0 || cost/size < bestCost/bestSize || cost/size == bestCost/bestSize && size > bestSize {
			best, bestCost, bestSize = class, cost, size
		}
	}
	if among == nil {
		for class := range s.l.sizes[base] {
			consider(class)
		}
	}
	for _, class := range among {
		consider(class)
	}
	if best < 0 {
		return 0, false
	}
	cost, _, ok := try(best)
	return cost, ok
}

// capsAt is how far each layer can go when that many dimensions are fixed.
func (s *search) capsAt(depth int) []float64 {
	for len(s.caps) <= depth {
		s.caps = append(s.caps, nil)
	}
	n := len(s.now[s.need.measure])
	if cap(s.caps[depth]) < n {
		s.caps[depth] = make([]float64, n)
	}
	s.caps[depth] = s.caps[depth][:n]
	return s.caps[depth]
}

// size is how many can be exchanged: with and without each outcome together.
func (s *search) size(caps []float64) float64 {
	if s.need.layer >= 0 {
		return caps[s.need.layer]
	}
	if len(caps) == 1 {
		return caps[0]
	}
	least := math.Inf(1)
	for k := 0; k < len(caps); k += 2 {
		least = min(least, caps[k]+caps[k+1])
	}
	return least
}

// extend adds the cells of the tables that are known now.
func (s *search) extend(depth int, caps []float64) (float64, bool) {
	cost := 0.0
	for _, t := range s.plan.tables[depth] {
		start := len(s.entries)
		if !s.changed(t) {
			return 0, false
		}
		for _, e := range s.entries[start:] {
			if !s.allowed(e) {
				return 0, false
			}
			if !s.r.hidden[e.cell] {
				if s.closed {
					return 0, false
				}
				cost += s.cost[e.cell]
				if s.hopeless(cost) {
					return 0, false
				}
			}
			if e.sign < 0 {
				for k, v := range s.now[s.need.measure] {
					caps[k] = min(caps[k], v[e.cell])
				}
			} else if m := &s.l.measures[s.need.measure]; m.known {
				caps[0] = min(caps[0], max(0, m.total[e.cell]-s.now[s.need.measure][0][e.cell]))
			}
		}
	}
	return cost, true
}

// allowed keeps the grand total out, and cells whose only respondent knows the answer.
func (s *search) allowed(e entry) bool {
	return e.cell == s.need.cell || s.singles || s.l.cells[e.cell].N != 1
}

// changed lists the cells of a table that the exchange changes.
func (s *search) changed(t *table) bool {
	if !s.oneWay {
		return s.cellsOf(t, 0, 0, s.need.direction)
	}
	start := len(s.entries)
	if !s.holding(t, 0, 0, s.at, s.need.direction) {
		return false
	}
	if !s.holding(t, 0, 0, s.goal(), -s.need.direction) {
		return false
	}
	both := func(e entry) bool {
		n := 0
		for _, x := range s.entries[start:] {
			n += b2i(x.cell == e.cell)
		}
		return n > 1
	}
	kept := slices.DeleteFunc(slices.Clone(s.entries[start:]), both)
	s.entries = append(s.entries[:start], kept...)
	return true
}

// goal is the other group: swapped dimensions at their second coordinates.
func (s *search) goal() []int {
	goal := slices.Clone(s.at)
	for _, b := range s.plan.swapped {
		goal[b] = s.other[b]
	}
	return goal
}

// holding lists the cells of a table that somebody with some coordinates is in.
func (s *search) holding(t *table, at, code int, place []int, sign float64) bool {
	if at == len(t.axes) {
		cell := t.has(code)
		if cell >= 0 {
			s.entries = append(s.entries, entry{cell, sign})
		}
		return cell >= 0
	}
	a := &s.l.axes[t.axes[at]]
	for _, c := range a.in[place[a.base]] {
		if !s.holding(t, at+1, code*len(a.classes)+c, place, sign) {
			return false
		}
	}
	return true
}

// cellsOf lists the cells of a table that an exchange changes: along a swapped dimension
// the classes that have the one coordinate and not the other, along the others those
// that have the coordinate. It fails at a cell that is not there, since nobody is in it.
func (s *search) cellsOf(t *table, at, code int, sign float64) bool {
	if at == len(t.axes) {
		cell := t.has(code)
		if cell >= 0 {
			s.entries = append(s.entries, entry{cell, sign})
		}
		return cell >= 0
	}
	a := &s.l.axes[t.axes[at]]
	code *= len(a.classes)
	one := a.in[s.at[a.base]]
	if !slices.Contains(s.plan.swapped, a.base) {
		for _, c := range one {
			if !s.cellsOf(t, at+1, code+c, sign) {
				return false
			}
		}
		return true
	}
	two := a.in[s.other[a.base]]
	for _, c := range one {
		if !slices.Contains(two, c) && !s.cellsOf(t, at+1, code+c, sign) {
			return false
		}
	}
	for _, c := range two {
		if !slices.Contains(one, c) && !s.cellsOf(t, at+1, code+c, -sign) {
			return false
		}
	}
	return true
}
