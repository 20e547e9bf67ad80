package weighting

import (
	"fmt"
	"math"
	"strconv"
	"sync/atomic"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// cells are the respondents collapsed to the crossings of all margins that occur:
// within one, raking multiplies every weight by the same factor.
type cells struct {
	code   []int32   // of each respondent
	level  [][]int32 // of each margin: the level of each cell
	weight []float64 // Σw of each cell
	n      []int     // respondents with a weight above zero in each cell
}

// blockRows is how many respondents are worked on at once. Sums are made block by
// block and then in their order, whatever the number of cores.
const blockRows = 1 << 16

// mostCrossings is the size above which a table of crossings is first reduced to
// those that occur.
const mostCrossings = 1 << 18

// collapse numbers the crossings that occur, in the order of levels.
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
		size = c.cross(margins[first:last], table)
		first = last
	}
	c.sum(w, size)
	return c, nil
}

// cross refines the cells by more margins, for which a table of the given size has
// room, and returns how many cells there are then.
func (c *cells) cross(margins []Margin, table int) int {
	place := make([]int32, table)
	parallel.Blocks(len(c.code), blockRows, func(_, from, to int) {
		code := c.code[from:to]
		for _, m := range margins {
			levels := int32(len(m.Levels))
			for i, l := range m.Level[from:to] {
				code[i] = code[i]*levels + int32(max(l, 0)) // only nobody has -1
			}
		}
		for _, k := range code {
			if atomic.LoadInt32(&place[k]) == 0 {
				atomic.StoreInt32(&place[k], 1)
			}
		}
	})
	occurring := c.number(place, margins)
	parallel.Blocks(len(c.code), blockRows, func(_, from, to int) {
		code := c.code[from:to]
		for i, k := range code {
			code[i] = place[k]
		}
	})
	return occurring
}

// number replaces the marks in the table by consecutive numbers and notes the levels of
// each cell.
func (c *cells) number(place []int32, margins []Margin) int {
	var occurring []int32
	for k, occurs := range place {
		if occurs != 0 {
			place[k] = int32(len(occurring))
			occurring = append(occurring, int32(k))
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
	return len(occurring)
}

// divide gives the remainders and the quotients.
func divide(x []int32, by int32) (remainders, quotients []int32) {
	remainders, quotients = make([]int32, len(x)), make([]int32, len(x))
	for i, k := range x {
		remainders[i], quotients[i] = k%by, k/by
	}
	return remainders, quotients
}

// sum adds up the weights of each cell, in blocks of more rows than there are cells.
func (c *cells) sum(w []float64, size int) {
	rows := max(blockRows, 4*size)
	blocks := (len(w) + rows - 1) / rows
	weights, counts := make([][]float64, blocks), make([][]int32, blocks)
	parallel.Blocks(len(w), rows, func(b, from, to int) {
		weight, count := make([]float64, size), make([]int32, size)
		for i, k := range c.code[from:to] {
			if x := w[from+i]; x > 0 {
				weight[k] += x
				count[k]++
			}
		}
		weights[b], counts[b] = weight, count
	})
	c.weight, c.n = make([]float64, size), make([]int, size)
	for b := range weights {
		for k := range c.weight {
			c.weight[k] += weights[b][k]
			c.n[k] += int(counts[b][k])
		}
	}
}

// apply multiplies every weight by the factor of its cell.
func (c *cells) apply(w, factor []float64) []float64 {
	after := make([]float64, len(w))
	parallel.Blocks(len(w), blockRows, func(_, from, to int) {
		for i, k := range c.code[from:to] {
			after[from+i] = w[from+i] * factor[k]
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
