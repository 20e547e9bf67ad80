package bank

import (
	"math/rand/v2"
	"slices"
)

// Design is a block design: which clusters, from 0, each booklet has, ascending.
type Design struct {
	Clusters int
	Booklets [][]int
}

// NewDesign makes a design of v clusters, k in each booklet, in b booklets; with b = 0
// the smallest balanced design it finds. It tries, in this order: cyclic difference
// families, in which a few booklets are moved round all clusters; the lines of an affine
// plane; all combinations; and a search that makes the pairs meet as equally often as it
// can. What came of it say Balanced and PairCounts.
func NewDesign(v, k, b int) Design {
	if b > 0 {
		if d := exactly(v, k, b); d != nil {
			return Design{v, d}
		}
		blocks, _ := evened(v, k, b)
		return Design{v, blocks}
	}
	for b := v; b <= maxBooklets; b++ {
		if b*k%v != 0 || b*k*(k-1)%(v*(v-1)) != 0 {
			continue // some pair would meet more often than another
		}
		if d := exactly(v, k, b); d != nil {
			return Design{v, d}
		}
		if v > 16 {
			continue
		}
		if d, balanced := evened(v, k, b); balanced {
			return Design{v, d}
		}
	}
	blocks, _ := evened(v, k, v)
	return Design{v, blocks}
}

// exactly constructs a balanced design with b booklets, or returns nil.
func exactly(v, k, b int) [][]int {
	if b%v == 0 {
		if bases := differences(v, k, b/v); bases != nil {
			return develop(v, bases)
		}
	}
	if prime(k) && v == k*k && b == v+k {
		return lines(k)
	}
	if combinations(v, k) == b {
		return allOf(v, k)
	}
	return nil
}

// maxNodes bounds the search for difference families.
const maxNodes = 200_000

// differences finds n blocks of k numbers modulo v among whose differences every number
// but 0 comes up equally often, or returns nil. Moving such blocks round all numbers makes
// a balanced design.
func differences(v, k, n int) [][]int {
	if n*k*(k-1)%(v-1) != 0 {
		return nil
	}
	times := n * k * (k - 1) / (v - 1)
	seen := make([]int, v)
	bases := make([][]int, n)
	nodes := 0
	var extend func(b, from int) bool
	extend = func(b, from int) bool {
		if len(bases[b]) == k {
			if b++; b == n {
				return true
			}
			bases[b] = []int{0}
			return extend(b, 1)
		}
		for x := from; x < v; x++ {
			if nodes++; nodes > maxNodes {
				return false
			}
			ok := true
			for _, y := range bases[b] {
				seen[x-y]++
				seen[v-x+y]++
				ok = ok && seen[x-y] <= times && seen[v-x+y] <= times
			}
			if ok {
				bases[b] = append(bases[b], x)
				if extend(b, x+1) {
					return true
				}
				bases[b] = bases[b][:len(bases[b])-1]
				if b+1 < n {
					bases[b+1] = nil
				}
			}
			for _, y := range bases[b] {
				seen[x-y]--
				seen[v-x+y]--
			}
		}
		return false
	}
	bases[0] = []int{0}
	if !extend(0, 1) {
		return nil
	}
	return bases
}

// develop moves blocks round the numbers modulo v.
func develop(v int, bases [][]int) [][]int {
	var blocks [][]int
	for _, base := range bases {
		for move := range v {
			block := make([]int, len(base))
			for i, x := range base {
				block[i] = (x + move) % v
			}
			slices.Sort(block)
			blocks = append(blocks, block)
		}
	}
	return blocks
}

func prime(p int) bool {
	for d := 2; d*d <= p; d++ {
		if p%d == 0 {
			return false
		}
	}
	return p > 1
}

// lines are those of the affine plane of prime order p, whose points (x, y) are numbered
// x + p y: p lines of each slope, and the p upright ones.
func lines(p int) [][]int {
	var blocks [][]int
	for slope := range p {
		for shift := range p {
			line := make([]int, p)
			for x := range p {
				line[x] = x + p*((slope*x+shift)%p)
			}
			slices.Sort(line)
			blocks = append(blocks, line)
		}
	}
	for x := range p {
		line := make([]int, p)
		for y := range p {
			line[y] = x + p*y
		}
		blocks = append(blocks, line)
	}
	return blocks
}

// combinations is how many ways there are to choose k of v, at most maxBooklets + 1.
func combinations(v, k int) int {
	n := 1
	for i := 1; i <= min(k, v-k); i++ {
		if n = n * (v - i + 1) / i; n > maxBooklets {
			return maxBooklets + 1
		}
	}
	return n
}

// allOf lists all ways to choose k of v.
func allOf(v, k int) [][]int {
	var blocks [][]int
	var extend func(block []int, from int)
	extend = func(block []int, from int) {
		if len(block) == k {
			blocks = append(blocks, slices.Clone(block))
			return
		}
		for x := from; x < v; x++ {
			extend(append(block, x), x+1)
		}
	}
	extend(nil, 0)
	return blocks
}

// evened searches for a design in which clusters are in equally many booklets, or nearly,
// and pairs of them as equally often as it can. It begins with the cluster used least
// and met least, and then exchanges clusters of two booklets as long as that does not make
// the sum of squared pair counts larger.
func evened(v, k, b int) (blocks [][]int, balanced bool) {
	rng := rand.New(rand.NewPCG(uint64(v), uint64(k*1000+b)))
	m := meetings{v, make([]int, v*v)}
	used := make([]int, v)
	for range b {
		var block []int
		for range k {
			best, least := -1, 0
			for _, x := range rng.Perm(v) {
				if cost := used[x]*1000 + m.of(x, block); !slices.Contains(block, x) && (best < 0 || cost < least) {
					best, least = x, cost
				}
			}
			m.add(best, block, 1)
			block = append(block, best)
			used[best]++
		}
		blocks = append(blocks, block)
	}
	const exchanges = 20_000
	for n := 0; n < exchanges && b > 1; n++ {
		i, j := rng.IntN(b), rng.IntN(b)
		m.exchange(blocks[i], rng.IntN(k), blocks[j], rng.IntN(k))
	}
	for _, block := range blocks {
		slices.Sort(block)
	}
	return blocks, Design{v, blocks}.Balanced()
}

// meetings count in how many blocks two of v clusters are together.
type meetings struct {
	v     int
	pairs []int
}

// add counts a cluster's pairs with the others of a block.
func (m meetings) add(x int, block []int, by int) {
	for _, y := range block {
		if y != x {
			m.pairs[x*m.v+y] += by
			m.pairs[y*m.v+x] += by
		}
	}
}

// of sums how often a cluster meets the others of a block.
func (m meetings) of(x int, block []int) (sum int) {
	for _, y := range block {
		if y != x {
			sum += m.pairs[x*m.v+y]
		}
	}
	return sum
}

// exchange swaps two clusters between blocks, unless that makes the sum of squared pair
// counts larger.
func (m meetings) exchange(one []int, p int, other []int, q int) {
	x, y := one[p], other[q]
	if slices.Contains(one, y) || slices.Contains(other, x) {
		return
	}
	before := m.of(x, one) + m.of(y, other)
	m.add(x, one, -1)
	m.add(y, other, -1)
	one[p], other[q] = y, x
	// Σ(c+1)² − Σc² over the new pairs against the same over the old ones.
	after := m.of(y, one) + m.of(x, other) + 2*(len(one)-1)
	m.add(y, one, 1)
	m.add(x, other, 1)
	if after > before {
		m.add(y, one, -1)
		m.add(x, other, -1)
		one[p], other[q] = x, y
		m.add(x, one, 1)
		m.add(y, other, 1)
	}
}

// PairCounts says in how many booklets two clusters meet, at least and at most, and in
// how many booklets a cluster is.
func (d Design) PairCounts() (least, most, leastUsed, mostUsed int) {
	pairs, used := d.counts()
	least, leastUsed = len(d.Booklets), len(d.Booklets)
	for x := range d.Clusters {
		leastUsed, mostUsed = min(leastUsed, used[x]), max(mostUsed, used[x])
		for y := range x {
			least, most = min(least, pairs[x][y]), max(most, pairs[x][y])
		}
	}
	return min(least, most), most, leastUsed, mostUsed
}

// Balanced reports whether every cluster is in equally many booklets and any two meet
// equally often.
func (d Design) Balanced() bool {
	least, most, leastUsed, mostUsed := d.PairCounts()
	return least == most && leastUsed == mostUsed
}

func (d Design) counts() (pairs [][]int, used []int) {
	pairs, used = make([][]int, d.Clusters), make([]int, d.Clusters)
	for x := range pairs {
		pairs[x] = make([]int, d.Clusters)
	}
	for _, block := range d.Booklets {
		for i, x := range block {
			used[x]++
			for _, y := range block[:i] {
				pairs[x][y]++
				pairs[y][x]++
			}
		}
	}
	return pairs, used
}
