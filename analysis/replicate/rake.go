package replicate

import (
	"fmt"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"gonum.org/v1/gonum/floats"
)

// Margin is a factor of the cells whose population counts are known.
type Margin struct {
	Factor string
	// Targets has the population count of each level of the factor.
	Targets []float64
}

// raking is what every replicate is raked to. Within a crossing of all margins raking
// multiplies every weight by the same factor, so that the sums of replicates by crossing
// are all that is raked.
type raking struct {
	settings weighting.Settings
	margins  []weighting.Margin // over the crossings
	crossing []int              // of each row of the cells
	lines    []line             // weights by unit and crossing, which is the group
	factor   []float64          // of each crossing, in the full sample
	factors  *table             // of each crossing, in every replicate
	facts    []analysis.Note
}

// Rake rakes the full sample and every replicate to the margins. The result estimates
// with these weights; raking again replaces the margins. A replicate in which a level
// that the population has loses all its respondents is an error that names both, and
// replicates that do not reach the margins are in the notes of every estimate.
//
// Every replicate is raked from its own weights, so that the variance counts the raking
// (Deville and Särndal 1992; R survey 4.5, rake of replicate designs). What is kept is
// one factor for each crossing of the margins and replicate. The Step describes the full
// sample, by crossings.
func (c *Cells) Rake(margins []Margin, s weighting.Settings) (*Cells, weighting.Step, error) {
	r := &raking{settings: s, crossing: make([]int, len(c.cells.Rows))}
	if err := r.cross(c, margins); err != nil {
		return nil, weighting.Step{}, err
	}
	w := make([]float64, len(r.margins[0].Level))
	for i, k := range r.crossing {
		w[k] += c.cells.Rows[i].W
	}
	raked, step, err := weighting.Rake(w, r.margins, s)
	if err != nil {
		return nil, step, err
	}
	r.facts = step.Notes()
	r.factor = quotients(raked, w)
	r.collect(c)
	if err := r.rake(c); err != nil {
		return nil, step, err
	}
	other := *c
	other.rake = r
	return &other, step, nil
}

// quotients are a/b, 1 where b is zero.
func quotients(a, b []float64) []float64 {
	q := ones(len(a))
	for i, x := range b {
		if x > 0 {
			q[i] = a[i] / x
		}
	}
	return q
}

// cross numbers the crossings of the margins that occur.
func (r *raking) cross(c *Cells, margins []Margin) error {
	if len(margins) == 0 {
		return fmt.Errorf("no margin to rake to; give at least one")
	}
	factors := make([]int, len(margins))
	for j, m := range margins {
		f, err := c.factor(m.Factor)
		if err != nil {
			return fmt.Errorf("margin: %w", err)
		}
		factors[j] = f
		r.margins = append(r.margins, weighting.Margin{Name: m.Factor, Levels: c.cells.Factors[f].Levels, Targets: m.Targets})
	}
	number := make(map[string]int)
	key := make([]byte, 0, 4*len(factors))
	for i := range c.cells.Rows {
		row := &c.cells.Rows[i]
		key = key[:0]
		for j, f := range factors {
			l := row.Levels[f]
			if l < 0 {
				return fmt.Errorf("margin %q is missing for %d respondents of cell %d; impute it or leave the margin out", margins[j].Factor, row.N, i)
			}
			key = append(key, byte(l), byte(l>>8), byte(l>>16), byte(l>>24))
		}
		k, known := number[string(key)]
		if !known {
			k = len(number)
			number[string(key)] = k
			for j, f := range factors {
				r.margins[j].Level = append(r.margins[j].Level, row.Levels[f])
			}
		}
		r.crossing[i] = k
	}
	return r.checkEmpty(c, factors)
}

// checkEmpty names a level with respondents that the population does not have.
func (r *raking) checkEmpty(c *Cells, factors []int) error {
	for j, m := range r.margins {
		n := make([]int, len(m.Levels))
		for i := range c.cells.Rows {
			n[c.cells.Rows[i].Levels[factors[j]]] += c.cells.Rows[i].N
		}
		for l, target := range m.Targets {
			if l < len(n) && n[l] > 0 && target == 0 {
				return fmt.Errorf("margin %q: %d respondents in %q, which the population says is empty; merge it with another level or leave the margin out", m.Name, n[l], m.Levels[l])
			}
		}
	}
	return nil
}

// collect sums the weights of cells that have unit and crossing in common, in the order
// of units.
func (r *raking) collect(c *Cells) {
	lines := make([]line, 0, len(c.cells.Rows))
	for i := range c.cells.Rows {
		if w := c.cells.Rows[i].W; w > 0 {
			lines = append(lines, line{unit: int32(c.unit[i]), group: int32(r.crossing[i]), w: w})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		if a.unit != b.unit {
			return int(a.unit - b.unit)
		}
		return int(a.group - b.group)
	})
	r.lines = lines[:0] // none is written before it is read
	for _, l := range lines {
		if n := len(r.lines); n > 0 && r.lines[n-1].unit == l.unit && r.lines[n-1].group == l.group {
			r.lines[n-1].w += l.w
		} else {
			r.lines = append(r.lines, l)
		}
	}
}

// full is the factor of a row of the cells in the full sample.
func (r *raking) full(row int) float64 {
	if r == nil {
		return 1
	}
	return r.factor[r.crossing[row]]
}

// rake rakes all replicates, block after block.
func (r *raking) rake(c *Cells) error {
	replicates, width := c.set.Replicates(), c.set.width()
	r.factors = newTable(len(r.factor), replicates)
	away := make([]float64, replicates) // how far from the margins a replicate stayed
	errs := make([]error, (replicates+width-1)/width)
	parallel.Blocks(replicates, width, func(b, from, to int) {
		m := make([]float64, c.set.Units()*(to-from))
		c.set.multipliers.block(m, from, to)
		errs[b] = r.block(m, from, to, away)
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	unmet, worst := 0, 0.0
	for _, x := range away {
		if x > 0 {
			unmet, worst = unmet+1, max(worst, x)
		}
	}
	if unmet > 0 {
		r.facts = append(r.facts, analysis.Note{Code: analysis.NotConverged,
			Subject: fmt.Sprintf("rake in %d of %d replicates", unmet, replicates), Value: worst})
	}
	return nil
}

// factorsOf gives the factors of a line of the cells in every replicate; nil without
// raking.
func (r *raking) factorsOf() func(l line) []float64 {
	if r == nil {
		return nil
	}
	return func(l line) []float64 { return r.factors.row(r.crossing[l.row]) }
}

// block rakes a block of replicates. It starts from the factors of the full sample: they
// are products over the margins, and so lead to the same weights in fewer rounds.
func (r *raking) block(m []float64, from, to int, away []float64) error {
	k := to - from
	sums := make([]float64, len(r.factor)*k)
	for _, l := range r.lines {
		floats.AddScaled(sums[int(l.group)*k:(int(l.group)+1)*k], l.w, m[int(l.unit)*k:(int(l.unit)+1)*k])
	}
	before := make([]float64, len(r.factor))
	for b := range k {
		for x, f := range r.factor {
			before[x] = sums[x*k+b] * f
		}
		after, step, err := weighting.Rake(before, r.margins, r.settings)
		if err != nil {
			return fmt.Errorf("replicate %d: %w", from+b, err)
		}
		if !step.Converged {
			away[from+b] = step.Rounds[len(step.Rounds)-1]
		}
		for x, q := range quotients(after, before) {
			r.factors.row(x)[from+b] = q * r.factor[x]
		}
	}
	return nil
}

// notes say when margins were not met.
func (r *raking) notes() []analysis.Note {
	if r == nil {
		return nil
	}
	return r.facts
}
