package weighting

import "fmt"

// cells are the respondents collapsed to the crossings of all margins that occur:
// within one, raking multiplies every weight by the same factor.
type cells struct {
	code   []int32   // of each respondent
	level  [][]int32 // of each margin: the level of each cell
	weight []float64 // Σw of each cell
	n      []int     // respondents with a weight above zero in each cell
}

// collapse numbers the crossings margin after margin, keeping only those that occur.
func collapse(w []float64, margins []Margin) cells {
	c := cells{code: make([]int32, len(w))}
	size := 1
	for _, m := range margins {
		size = c.with(m, size)
	}
	c.weight, c.n = make([]float64, size), make([]int, size)
	for i, k := range c.code {
		c.weight[k] += w[i]
		if w[i] > 0 {
			c.n[k]++
		}
	}
	return c
}

// with crosses the cells, of which there are size, with one more margin.
func (c *cells) with(m Margin, size int) int {
	levels := len(m.Levels)
	place := make([]int32, size*levels)
	for i, k := range c.code {
		at := k*int32(levels) + int32(m.Level[i])
		c.code[i] = at
		place[at] = 1
	}
	var from, level []int32
	for at, occurs := range place {
		if occurs != 0 {
			place[at] = int32(len(from))
			from = append(from, int32(at/levels))
			level = append(level, int32(at%levels))
		}
	}
	for i, at := range c.code {
		c.code[i] = place[at]
	}
	for k, before := range c.level {
		c.level[k] = pick(before, from)
	}
	c.level = append(c.level, level)
	return len(from)
}

// pick takes the elements of x at the given places.
func pick(x, at []int32) []int32 {
	y := make([]int32, len(at))
	for i, k := range at {
		y[i] = x[k]
	}
	return y
}

// sums adds up the cells' weights by the levels of a margin.
func (c cells) sums(weight []float64, margin, levels int) []float64 {
	s := make([]float64, levels)
	for k, l := range c.level[margin] {
		s[l] += weight[k]
	}
	return s
}

// fits starts the comparison with the margins, and names what can never be met.
func (c cells) fits(margins []Margin) ([]MarginFit, error) {
	var fits []MarginFit
	for j, m := range margins {
		before := c.sums(c.weight, j, len(m.Levels))
		n := make([]int, len(m.Levels))
		for k, l := range c.level[j] {
			n[l] += c.n[k]
		}
		for l, name := range m.Levels {
			if n[l] == 0 && m.Targets[l] > 0 {
				return nil, fmt.Errorf("margin %q: no respondent in %q, which the population says holds %v people; merge it with another level or leave the margin out", m.Name, name, m.Targets[l])
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
func (c cells) rake(margins []Margin, s Settings) (factor, rounds []float64) {
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
func (c cells) meet(weight []float64, margin int, target []float64) {
	factor := c.sums(weight, margin, len(target))
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
func (c cells) distance(weight []float64, targets [][]float64) float64 {
	var far float64
	for j, target := range targets {
		for l, s := range c.sums(weight, j, len(target)) {
			if target[l] > 0 {
				far = max(far, abs(s-target[l])/target[l])
			}
		}
	}
	return far
}

func abs(x float64) float64 { return max(x, -x) }

// after completes the comparison with the margins.
func (c cells) after(fits []MarginFit, margins []Margin, factor []float64) []MarginFit {
	weight := make([]float64, len(factor))
	for k, f := range factor {
		weight[k] = c.weight[k] * f
	}
	i := 0
	for j, m := range margins {
		for _, s := range c.sums(weight, j, len(m.Levels)) {
			fits[i].After = s
			i++
		}
	}
	return fits
}
