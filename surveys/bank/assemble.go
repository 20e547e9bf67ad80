package bank

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Set is what Assemble drew from a bank.
type Set struct {
	Blueprint *Blueprint
	Bank      *Bank
	Design    Design
	// Clusters are the IDs of the items of each cluster of the design, in the order of the
	// bank, Linking those that stand in every booklet.
	Clusters [][]string
	Linking  []string
}

// Assemble draws a set that meets the blueprint, which must be one for this bank. The
// same bank and blueprint give the same set. When there is none the error is an Unmet.
//
// The items are divided into disjoint clusters with fixed numbers of items of each
// dimension; a booklet has the linking items and one cluster (fixed, spiral) or those of
// a block design (bib), so the numbers of items hold by construction. Whatever counting
// can show to be impossible is reported before any search. Then the clusters are filled
// at random, items used in the fewest waves first, and repaired: a random item is
// exchanged for a free one, or for one of another cluster, of its dimension; exchanges
// that lessen what is violated are kept, others less and less often (annealing), until
// nothing is violated or a fixed number of exchanges was tried. A set that is returned
// meets every rule. One that is not found need not be impossible, and the error says so.
func Assemble(b *Bank, p *Blueprint) (*Set, error) {
	s, short := newSearch(b, p)
	if len(short) == 0 {
		short = s.run()
	}
	if len(short) > 0 {
		return nil, short
	}
	set := &Set{Blueprint: p, Bank: b, Design: s.design, Linking: inBankOrder(b, p.Linking)}
	for _, c := range s.clusters {
		var ids []string
		for _, x := range slices.Sorted(slices.Values(c)) {
			ids = append(ids, b.Items[x].ID)
		}
		set.Clusters = append(set.Clusters, ids)
	}
	return set, nil
}

func inBankOrder(b *Bank, ids []string) []string {
	out := slices.Clone(ids)
	slices.SortFunc(out, func(x, y string) int { return b.index(x) - b.index(y) })
	return out
}

// designOf is the block design of a blueprint.
func designOf(p *Blueprint) Design {
	switch p.Kind {
	case BIB:
		return NewDesign(p.Clusters, p.PerBooklet, p.Booklets)
	case Spiral:
		d := Design{Clusters: p.Booklets}
		for x := range p.Booklets {
			d.Booklets = append(d.Booklets, []int{x})
		}
		return d
	}
	return Design{Clusters: 1, Booklets: [][]int{{0}}}
}

// A bound limits a sum over the items of a booklet: of 1 for each item that matches, or
// of its difficulty.
type bound struct {
	least, most float64 // of the sum
	values      []float64
	rule        *Rule // of a count
	// A mean is of a dimension, or of all items, and so many items make it.
	dimension string
	mean      float64
}

// short is a shortfall of this bound.
func (b *bound) short(code ShortfallCode, needs, has float64) Shortfall {
	if b.rule != nil {
		return Shortfall{Code: code, Rules: []Rule{*b.rule}, Needs: needs, Has: has}
	}
	return Shortfall{Code: code, Dimension: b.dimension, Needs: needs / b.mean, Has: has / b.mean}
}

// miss is how far a sum is outside.
func (b *bound) miss(sum float64) float64 {
	const rounding = 1e-9
	switch {
	case sum < b.least-rounding:
		return b.least - sum
	case sum > b.most+rounding:
		return sum - b.most
	}
	return 0
}

// The places of an item that is in no cluster.
const (
	free    = -1
	linking = -2
	retired = -3 // used in too many waves
	foreign = -4 // of a dimension that is not wanted
	hostile = -5 // an enemy of a linking item
)

// search looks for clusters.
type search struct {
	b       *Bank
	p       *Blueprint
	design  Design
	in      [][]int // the booklets of each cluster
	bounds  []bound
	of      [][]int // for each item the bounds that it counts in
	enemies [][]int
	group   []int   // for each item its dimension, an index of p.Dimensions, or -1
	size    []int   // for each dimension the items in a cluster
	pool    [][]int // for each dimension its items, least used first

	place    []int // for each item its cluster
	clusters [][]int
	sums     [][]float64 // for each booklet and bound
	cost     float64
	work     int
}

// newSearch prepares a search, and reports what counting shows to be impossible.
func newSearch(b *Bank, p *Blueprint) (*search, Unmet) {
	s := &search{b: b, p: p, design: designOf(p), in: nil, of: make([][]int, len(b.Items))}
	s.in = make([][]int, s.design.Clusters)
	for k, block := range s.design.Booklets {
		for _, c := range block {
			s.in[c] = append(s.in[c], k)
		}
	}
	s.classify()
	s.bound()
	return s, slices.Concat(s.sizes(), s.counts(), s.linked())
}

// classify finds what each item is for.
func (s *search) classify() {
	n := len(s.b.Items)
	s.group, s.place, s.enemies = make([]int, n), make([]int, n), make([][]int, n)
	s.pool = make([][]int, len(s.p.Dimensions))
	for i := range s.b.Items {
		it := &s.b.Items[i]
		s.group[i] = slices.IndexFunc(s.p.Dimensions, func(q Quota) bool { return q.ID == it.Dimension })
		switch {
		case s.group[i] < 0:
			s.place[i] = foreign
		case slices.Contains(s.p.Linking, it.ID):
			s.place[i] = linking
		case !s.p.Usable(it):
			s.place[i] = retired
		default:
			s.place[i] = free
		}
		for _, e := range it.Enemies {
			if k := s.b.index(e); !slices.Contains(s.enemies[i], k) {
				s.enemies[i], s.enemies[k] = append(s.enemies[i], k), append(s.enemies[k], i)
			}
		}
	}
	for i, p := range s.place {
		switch {
		case p != free:
		case slices.ContainsFunc(s.enemies[i], func(e int) bool { return s.place[e] == linking }):
			s.place[i] = hostile
		default:
			s.pool[s.group[i]] = append(s.pool[s.group[i]], i)
		}
	}
}

// bound makes the rules into bounds.
func (s *search) bound() {
	add := func(b bound, value func(it *Item) float64) {
		b.values = make([]float64, len(s.b.Items))
		for i := range s.b.Items {
			if v := value(&s.b.Items[i]); v != 0 && s.group[i] >= 0 {
				b.values[i] = v
				s.of[i] = append(s.of[i], len(s.bounds))
			}
		}
		s.bounds = append(s.bounds, b)
	}
	for _, r := range s.p.flat(s.b) {
		b := bound{least: float64(r.Least), most: math.Inf(1), rule: &r}
		if r.Most != nil {
			b.most = float64(*r.Most)
		}
		add(b, func(it *Item) float64 {
			if r.matches(it) {
				return 1
			}
			return 0
		})
	}
	for _, m := range s.p.Difficulty {
		n := 0.0
		for _, q := range s.p.Dimensions {
			if m.Dimension == "" || m.Dimension == q.ID {
				n += float64(q.count())
			}
		}
		add(bound{dimension: m.Dimension, least: m.Least * n, most: m.Most * n, mean: n}, func(it *Item) float64 {
			if m.Dimension == "" || m.Dimension == it.Dimension {
				return it.Tags.Difficulty
			}
			return 0
		})
	}
}

// perBooklet is how many clusters a booklet has.
func (s *search) perBooklet() int { return len(s.design.Booklets[0]) }

// sizes finds how many items of each dimension a cluster has.
func (s *search) sizes() (u Unmet) {
	for g, q := range s.p.Dimensions {
		links, used := 0, 0
		for i, of := range s.group {
			if of == g && s.place[i] == linking {
				links++
			}
			if of == g && s.place[i] == retired {
				used++
			}
		}
		rest, k := q.count()-links, s.perBooklet()
		s.size = append(s.size, max(rest, 0)/k)
		switch needs := s.size[g] * s.design.Clusters; {
		case rest < 0:
			u = append(u, Shortfall{Code: ShortLinks, Dimension: q.ID, Needs: float64(q.count()), Has: float64(links)})
		case rest%k != 0:
			u = append(u, Shortfall{Code: ShortDivision, Dimension: q.ID, Needs: float64(k), Has: float64(rest)})
		case needs > len(s.pool[g]):
			u = append(u, Shortfall{Code: ShortItems, Dimension: q.ID, Needs: float64(needs), Has: float64(len(s.pool[g])), Used: used})
		}
	}
	return u
}

// linked reports linking items that are enemies.
func (s *search) linked() (u Unmet) {
	for i, es := range s.enemies {
		for _, e := range es {
			if e > i && s.place[i] == linking && s.place[e] == linking {
				u = append(u, Shortfall{Code: ShortEnemies, Items: []string{s.b.Items[i].ID, s.b.Items[e].ID}})
			}
		}
	}
	return u
}

// counts reports the bounds that no choice can keep.
func (s *search) counts() (u Unmet) {
	for i := range s.bounds {
		if b := &s.bounds[i]; b.rule != nil {
			u = append(u, s.countRule(b)...)
		} else {
			u = append(u, s.countMean(b)...)
		}
	}
	return append(u, s.countSums()...)
}

// countRule compares a rule with the items that follow it. An item is in at most as many
// booklets as a cluster is, so b booklets that need n items each need n b / r items.
func (s *search) countRule(b *bound) (u Unmet) {
	links, has, used, room, unmatched := 0.0, 0.0, 0, 0.0, 0.0
	rooms := make([]float64, len(s.p.Dimensions)) // matching items at hand
	for i, v := range b.values {
		switch {
		case v == 0 && s.place[i] == free && (b.rule.Dimension == "" || b.rule.Dimension == s.b.Items[i].Dimension):
			unmatched++
		case v == 0:
		case s.place[i] == linking:
			links++
		case s.place[i] == free:
			has++
			rooms[s.group[i]]++
		case s.place[i] == retired:
			used++
		}
	}
	slots := 0.0 // places for items in a booklet that the rule could be about
	for g, q := range s.p.Dimensions {
		if b.rule.Dimension == "" || b.rule.Dimension == q.ID {
			slots += float64(s.size[g] * s.perBooklet())
			room += min(rooms[g], float64(s.size[g]*s.perBooklet()))
		}
	}
	_, _, _, most := s.design.PairCounts()
	times := float64(len(s.design.Booklets)) / float64(most) // clusters' worth of booklets without a common one
	switch needs := math.Ceil((b.least-links)*times - 1e-9); {
	case b.least > links+slots:
		return Unmet{b.short(ShortRoom, b.least, links+slots)}
	case needs > has:
		short := b.short(ShortLeast, needs, has)
		short.Used = used
		return Unmet{short}
	case b.least-links > room:
		return Unmet{b.short(ShortRoom, b.least, links+room)}
	}
	// What does not follow the rule can fill at most unmatched / times places.
	if floor := links + slots - math.Floor(unmatched/times+1e-9); floor > b.most {
		return Unmet{b.short(ShortMost, b.most, floor)}
	}
	return nil
}

// countMean compares a mean with that of the easiest and of the hardest items.
func (s *search) countMean(b *bound) (u Unmet) {
	lowest, highest := 0.0, 0.0
	for i, v := range b.values {
		if s.place[i] == linking {
			lowest, highest = lowest+v, highest+v
		}
	}
	for g, pool := range s.pool {
		var values []float64
		for _, i := range pool {
			if b.values[i] > 0 {
				values = append(values, b.values[i])
			}
		}
		slices.Sort(values)
		for n := range min(s.size[g]*s.perBooklet(), len(values)) {
			lowest += values[n]
			highest += values[len(values)-1-n]
		}
	}
	if highest < b.least-1e-9 {
		u = append(u, b.short(ShortEasy, b.least, highest))
	}
	if lowest > b.most+1e-9 {
		u = append(u, b.short(ShortHard, b.most, lowest))
	}
	return u
}

// countSums adds up rules about the subject, or about the key, of which an item has one.
func (s *search) countSums() (u Unmet) {
	type sum struct {
		needs  float64
		rules  []Rule
		values []string
	}
	sums := map[string]*sum{}
	var order []string
	for i := range s.bounds {
		b := &s.bounds[i]
		if b.rule == nil || b.least == 0 || len(b.rule.Benchmark) > 0 || b.rule.Difficulty != nil || (b.rule.Subject == "") == (b.rule.Key == "") {
			continue
		}
		kind, value := b.rule.Dimension+"/subject", b.rule.Subject
		if value == "" {
			kind, value = b.rule.Dimension+"/key", b.rule.Key
		}
		t := sums[kind]
		if t == nil {
			t = &sum{}
			sums[kind] = t
			order = append(order, kind)
		}
		if !slices.Contains(t.values, value) {
			t.needs, t.rules, t.values = t.needs+b.least, append(t.rules, *b.rule), append(t.values, value)
		}
	}
	for _, kind := range order {
		dimension, _, _ := strings.Cut(kind, "/")
		room := 0
		for _, q := range s.p.Dimensions {
			if dimension == "" || dimension == q.ID {
				room += q.count()
			}
		}
		if t := sums[kind]; len(t.rules) > 1 && t.needs > float64(room) {
			u = append(u, Shortfall{Code: ShortSum, Rules: t.rules, Needs: t.needs, Has: float64(room)})
		}
	}
	return u
}

// The search tries so many exchanges in each of so many runs, fewer when one of them
// takes much work: additions to sums and looks at enemies.
const (
	maxExchanges = 150_000
	maxRuns      = 3
	maxWork      = 60_000_000
)

// An enemy in a booklet counts as so many items too many.
const enemyCost = 2

// run looks for clusters without violation; it reports the violations of the best it saw
// when there are none.
func (s *search) run() (best Unmet) {
	lowest := math.Inf(1)
	for n := range uint64(maxRuns) {
		rng := rand.New(rand.NewPCG(uint64(s.p.Seed), n))
		s.fill(rng)
		s.repair(rng)
		if s.cost == 0 {
			return nil
		}
		if s.cost < lowest {
			lowest, best = s.cost, s.violations()
		}
	}
	return best
}

// fill begins with random clusters of the items that were used in the fewest waves.
func (s *search) fill(rng *rand.Rand) {
	s.clusters = make([][]int, s.design.Clusters)
	s.sums = make([][]float64, len(s.design.Booklets))
	s.cost = 0
	for k := range s.sums {
		s.sums[k] = make([]float64, len(s.bounds))
		for i, p := range s.place {
			if p == linking {
				for _, b := range s.of[i] {
					s.sums[k][b] += s.bounds[b].values[i]
				}
			}
		}
		for b := range s.bounds {
			s.cost += s.bounds[b].miss(s.sums[k][b])
		}
	}
	for g, pool := range s.pool {
		for _, i := range pool {
			s.place[i] = free
		}
		rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
		slices.SortStableFunc(pool, func(i, j int) int {
			return len(s.b.Items[i].Provenance.Exposure) - len(s.b.Items[j].Provenance.Exposure)
		})
		for n := range s.size[g] * s.design.Clusters {
			c := n % s.design.Clusters
			s.clusters[c] = append(s.clusters[c], pool[n])
			s.put(pool[n], c)
		}
	}
	s.settle()
}

// settle computes the cost anew, free of what rounding left.
func (s *search) settle() {
	s.cost = 0
	for k := range s.sums {
		for b := range s.bounds {
			s.cost += s.bounds[b].miss(s.sums[k][b])
		}
	}
	for _, c := range s.clusters {
		for _, i := range c {
			s.cost += enemyCost / 2.0 * float64(s.inner(i)) // a pair in two clusters is met twice
		}
	}
}

// put takes a free item into a cluster, take out of it; both keep sums and cost.
func (s *search) put(i, c int) {
	s.place[i] = c
	s.cost += enemyCost * float64(s.inner(i))
	s.add(i, c, 1)
}

func (s *search) take(i int) {
	c := s.place[i]
	s.cost -= enemyCost * float64(s.inner(i))
	s.add(i, c, -1)
	s.place[i] = free
}

func (s *search) add(i, c int, sign float64) {
	s.work += len(s.in[c]) * len(s.of[i])
	for _, k := range s.in[c] {
		for _, b := range s.of[i] {
			bound, sum := &s.bounds[b], &s.sums[k][b]
			s.cost -= bound.miss(*sum)
			*sum += sign * bound.values[i]
			s.cost += bound.miss(*sum)
		}
	}
}

// inner counts the enemies of an item in clusters, once for every booklet that has both.
func (s *search) inner(i int) (n int) {
	for _, e := range s.enemies[i] {
		if s.place[e] < 0 {
			continue
		}
		s.work += len(s.in[s.place[i]]) * s.perBooklet()
		for _, k := range s.in[s.place[i]] {
			if slices.Contains(s.design.Booklets[k], s.place[e]) {
				n++
			}
		}
	}
	return n
}

// repair exchanges items until nothing is violated.
func (s *search) repair(rng *rand.Rand) {
	const rounding = 1e-7
	s.work = 0
	for n := range maxExchanges {
		if s.cost < rounding {
			if s.settle(); s.cost < rounding {
				s.cost = 0
				return
			}
		}
		done := max(float64(n)/maxExchanges, float64(s.work)/maxWork)
		if done >= 1 {
			break
		}
		heat := 1.5 * (1 - done)
		c := rng.IntN(len(s.clusters))
		if len(s.clusters[c]) == 0 {
			continue
		}
		at := rng.IntN(len(s.clusters[c]))
		x := s.clusters[c][at]
		pool := s.pool[s.group[x]]
		y := pool[rng.IntN(len(pool))]
		other := s.place[y]
		if y == x || other == c {
			continue
		}
		before := s.cost
		s.exchange(x, c, y, other)
		if worse := s.cost - before; worse > 0 && rng.Float64() >= math.Exp(-worse/max(heat, 0.01)) {
			s.exchange(y, c, x, other)
			continue
		}
		s.clusters[c][at] = y
		if other >= 0 {
			s.clusters[other][slices.Index(s.clusters[other], y)] = x
		}
	}
	s.settle()
}

// exchange puts y in the place of x in cluster c, and x where y was.
func (s *search) exchange(x, c, y, other int) {
	s.take(x)
	if other >= 0 {
		s.take(y)
	}
	s.put(y, c)
	if other >= 0 {
		s.put(x, other)
	}
}

// violations lists what the clusters at hand violate, the worst booklet of each bound.
func (s *search) violations() (u Unmet) {
	for b := range s.bounds {
		bound := &s.bounds[b]
		worst, far := 0, 0.0
		for k := range s.sums {
			if miss := bound.miss(s.sums[k][b]); miss > far {
				worst, far = k, miss
			}
		}
		if far == 0 {
			continue
		}
		v := bound.short(ShortNotFound, bound.least, s.sums[worst][b])
		if s.sums[worst][b] > bound.most {
			v = bound.short(ShortNotFound, bound.most, s.sums[worst][b])
		}
		v.Booklet = BookletID(worst)
		u = append(u, v)
	}
	for i, es := range s.enemies {
		for _, e := range es {
			if e < i || s.place[i] < 0 || s.place[e] < 0 {
				continue
			}
			for k, block := range s.design.Booklets {
				if slices.Contains(block, s.place[i]) && slices.Contains(block, s.place[e]) {
					u = append(u, Shortfall{Code: ShortNotFound, Items: []string{s.b.Items[i].ID, s.b.Items[e].ID}, Booklet: BookletID(k), Has: 2, Needs: 1})
					break
				}
			}
		}
	}
	return u
}

// BookletID is the ID of a booklet of the design: booklets are named A, B, … Z, A2, B2, …
func BookletID(n int) string {
	id := string(rune('A' + n%26))
	if n >= 26 {
		id += strconv.Itoa(n/26 + 1)
	}
	return id
}
