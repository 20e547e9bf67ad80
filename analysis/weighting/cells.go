package weighting

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// cells are the respondents collapsed to the crossings of all margins that occur:
// within one, raking multiplies every weight by the same factor.
type cells struct {
	code   []int32   // of each row: its place in a table of crossings
	number []int32   // of each place: the cell; -1 without respondents
	level  [][]int32 // of each margin: the level of each cell
	weight []float64 // Σw of each cell
	n      []int     // respondents with a weight above zero in each cell
}

// people are those of a crossing: Σw and how many.
type people struct {
	w float64
	n int
}

// blockRows is how many respondents are worked on at once, chunkRows how many of them
// stay close to the processor. Sums are made block by block and then in their order,
// whatever the number of cores.
const (
	blockRows = 1 << 16
	chunkRows = 1 << 11
)

// mostCrossings is the size above which a table of crossings is first reduced to
// those that occur.
const mostCrossings = 1 << 18

// collapse numbers the crossings that occur, in the order of levels. It checks weights
// and levels on the way: an error names every fault of them.
func collapse(w []float64, margins []Margin) (*cells, error) {
	c := &cells{code: make([]int32, len(w))}
	size := 1
	for first := 0; first < len(margins); {
		table, last := size*len(margins[first].Levels), first+1
		for last < len(margins) && table*len(margins[last].Levels) <= mostCrossings {
			table *= len(margins[last].Levels)
			last++
		}
		if table > math.MaxInt32 {
			return nil, fmt.Errorf("margin %q and those before it have %d crossings; merge levels", margins[first].Name, table)
		}
		all, sound := c.cross(w, margins[first:last], table)
		if !sound {
			if err := checkRows(w, margins); err != nil {
				return nil, err
			}
		}
		c.count(all, margins[first:last])
		size = len(c.weight)
		first = last
	}
	return c, nil
}

// cross refines the cells by more margins, for which a table of the given size has room,
// and adds up its places, in blocks of more rows than it has. It is not sound when there
// is nobody, or a weight or a level that cannot be.
func (c *cells) cross(w []float64, margins []Margin, table int) (all []people, sound bool) {
	rows := max(blockRows, 4*table)
	blocks := make([][]people, (len(w)+rows-1)/rows)
	faulty := make([]bool, len(blocks))
	parallel.Blocks(len(w), rows, func(b, from, to int) {
		sums := make([]people, table)
		for ; from < to; from += chunkRows {
			end := min(from+chunkRows, to)
			good := c.encode(w, margins, from, end) && add(sums, c.code[from:end], w[from:end])
			faulty[b] = faulty[b] || !good
		}
		blocks[b] = sums
	})
	all = make([]people, table)
	var sum float64
	for _, sums := range blocks {
		for k, s := range sums {
			all[k].w += s.w
			all[k].n += s.n
			sum += s.w
		}
	}
	return all, sum > 0 && !math.IsInf(sum, 1) && !slices.Contains(faulty, true)
}

// encode gives rows their place in the table of crossings.
func (c *cells) encode(w []float64, margins []Margin, from, to int) (good bool) {
	var room [chunkRows]int32
	code := room[:to-from]
	if c.number != nil {
		for i := range code {
			code[i] = c.cellOf(from + i)
		}
	}
	bad, m := 0, margins
	for ; len(m) > 1; m = m[2:] {
		bad |= refineTwice(code, m[0].Level[from:to], m[1].Level[from:to], len(m[0].Levels), len(m[1].Levels))
	}
	if len(m) > 0 {
		bad |= refine(code, m[0].Level[from:to], len(m[0].Levels))
	}
	if bad < 0 && !c.encodeNobody(code, w, margins, from) {
		return false
	}
	copy(c.code[from:to], code)
	return true
}

// cellOf is the cell of a row, by the margins so far.
func (c *cells) cellOf(row int) int32 {
	if c.number == nil {
		return 0
	}
	return max(c.number[c.code[row]], 0) // only nobody has -1
}

// encodeNobody is encode for rows of which some have no level, which takes longer.
func (c *cells) encodeNobody(code []int32, w []float64, margins []Margin, from int) (good bool) {
	for i := range code {
		k := c.cellOf(from + i)
		for _, m := range margins {
			l := m.Level[from+i]
			if l == -1 && w[from+i] == 0 {
				l = 0
			}
			if uint(l) >= uint(len(m.Levels)) {
				return false
			}
			k = k*int32(len(m.Levels)) + int32(l)
		}
		code[i] = k
	}
	return true
}

// refine crosses places with one more margin of n levels. It has no branches; the result
// is negative when a level is out of range.
func refine(code []int32, level []int, n int) (bad int) {
	level = level[:len(code)]
	for i, l := range level {
		bad |= l | (n - 1 - l)
		code[i] = code[i]*int32(n) + int32(l)
	}
	return bad
}

// refineTwice is refine with two margins, in less time than one after the other.
func refineTwice(code []int32, first, second []int, n, k int) (bad int) {
	first, second = first[:len(code)], second[:len(code)]
	for i, l := range first {
		m := second[i]
		bad |= l | (n - 1 - l) | m | (k - 1 - m)
		code[i] = code[i]*int32(n*k) + int32(l*k+m)
	}
	return bad
}

// add adds rows to the sums of their places; it tells whether all weights can be.
func add(sums []people, code []int32, w []float64) (good bool) {
	good = true
	w = w[:len(code)]
	for i, k := range code {
		if x := w[i]; x > 0 {
			s := &sums[k]
			s.w += x
			s.n++
		} else if x != 0 { // negative or NaN
			good = false
		}
	}
	return good
}

// count numbers the places that have people and notes the levels of each cell.
func (c *cells) count(all []people, margins []Margin) {
	c.number, c.weight, c.n = make([]int32, len(all)), nil, nil
	var occurring []int32
	for k, p := range all {
		c.number[k] = -1
		if p.n > 0 {
			c.number[k] = int32(len(occurring))
			occurring = append(occurring, int32(k))
			c.weight, c.n = append(c.weight, p.w), append(c.n, p.n)
		}
	}
	levels := make([][]int32, len(margins))
	rest := occurring
	for j := len(margins) - 1; j >= 0; j-- {
		levels[j], rest = divide(rest, int32(len(margins[j].Levels)))
	}
	for j, before := range c.level {
		c.level[j] = make([]int32, len(rest))
		for i, k := range rest {
			c.level[j][i] = before[k]
		}
	}
	c.level = append(c.level, levels...)
}

// divide gives the remainders and the quotients.
func divide(x []int32, by int32) (remainders, quotients []int32) {
	remainders, quotients = make([]int32, len(x)), make([]int32, len(x))
	for i, k := range x {
		remainders[i], quotients[i] = k%by, k/by
	}
	return remainders, quotients
}

// apply multiplies every weight by the factor of its cell.
func (c *cells) apply(w, factor []float64) []float64 {
	at := make([]float64, len(c.number))
	for k, cell := range c.number {
		if cell >= 0 {
			at[k] = factor[cell]
		}
	}
	after := make([]float64, len(w))
	parallel.Blocks(len(w), blockRows, func(_, from, to int) {
		w, after := w[from:to], after[from:to]
		for i, k := range c.code[from:to] {
			after[i] = w[i] * at[k]
		}
	})
	return after
}

// marginSums adds up the weights of cells by the levels of a margin.
func (c *cells) marginSums(weight []float64, margin, levels int) []float64 {
	s := make([]float64, levels)
	for k, l := range c.level[margin] {
		s[l] += weight[k]
	}
	return s
}

// fits starts the comparison with the margins, and names what can never be met.
func (c *cells) fits(margins []Margin) ([]MarginFit, error) {
	var fits []MarginFit
	for j, m := range margins {
		before := c.marginSums(c.weight, j, len(m.Levels))
		n := make([]int, len(m.Levels))
		for k, l := range c.level[j] {
			n[l] += c.n[k]
		}
		for l, name := range m.Levels {
			if n[l] == 0 && m.Targets[l] > 0 {
				return nil, fmt.Errorf("margin %q: no respondent in %q, which the population says holds %s people; merge it with another level or leave the margin out", m.Name, name, strconv.FormatFloat(m.Targets[l], 'f', -1, 64))
			}
			if n[l] > 0 && m.Targets[l] == 0 {
				return nil, fmt.Errorf("margin %q: %d respondents in %q, which the population says is empty; merge it with another level or leave the margin out", m.Name, n[l], name)
			}
			fits = append(fits, MarginFit{Margin: m.Name, Level: name, N: n[l], Target: m.Targets[l], Before: before[l]})
		}
	}
	return fits, nil
}

// rake finds the factor of each cell, and the distance from the margins after each
// round.
func (c *cells) rake(margins []Margin, s Settings) (factor, rounds []float64) {
	targets := scaled(margins)
	weight := append([]float64(nil), c.weight...)
	for len(rounds) < s.MaxRounds {
		for j, t := range targets {
			c.meet(weight, j, t)
		}
		rounds = append(rounds, c.distance(weight, targets))
		if rounds[len(rounds)-1] <= s.Tolerance {
			break
		}
	}
	factor = make([]float64, len(weight))
	for k, w := range weight {
		if c.weight[k] > 0 {
			factor[k] = w / c.weight[k]
		}
	}
	return factor, rounds
}

// scaled gives the targets of all margins the total of the first.
func scaled(margins []Margin) [][]float64 {
	total := margins[0].total()
	targets := make([][]float64, len(margins))
	for j, m := range margins {
		scale := total / m.total()
		targets[j] = make([]float64, len(m.Targets))
		for l, t := range m.Targets {
			targets[j][l] = t * scale
		}
	}
	return targets
}

// meet multiplies the weights so that one margin is met.
func (c *cells) meet(weight []float64, margin int, target []float64) {
	factor := c.marginSums(weight, margin, len(target))
	for l, s := range factor {
		if s > 0 {
			factor[l] = target[l] / s
		}
	}
	for k, l := range c.level[margin] {
		weight[k] *= factor[l]
	}
}

// distance is the largest relative distance from a target.
func (c *cells) distance(weight []float64, targets [][]float64) float64 {
	var far float64
	for j, target := range targets {
		for l, s := range c.marginSums(weight, j, len(target)) {
			if target[l] > 0 {
				far = max(far, math.Abs(s-target[l])/target[l])
			}
		}
	}
	return far
}

// after completes the comparison with the margins.
func (c *cells) after(fits []MarginFit, margins []Margin, factor []float64) []MarginFit {
	weight := make([]float64, len(factor))
	for k, f := range factor {
		weight[k] = c.weight[k] * f
	}
	i := 0
	for j, m := range margins {
		for _, s := range c.marginSums(weight, j, len(m.Levels)) {
			fits[i].After = s
			i++
		}
	}
	return fits
}
