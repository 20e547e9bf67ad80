package analysis

import (
	"fmt"
	"sync"
)

// Prepare makes many estimates of the same cells quick: what they share, such as the
// design and the calibration, is worked out once, and variables that lie side by side are
// summed in one pass. Every estimate is the same to the last bit. From then on the cells
// must stay as they are, but for Settings and Notes; a copy of the struct is not prepared,
// so that it can be changed.
func (c *Cells) Prepare() error {
	c.prepared = nil
	p, err := c.common()
	if err != nil {
		return err
	}
	p.kept = map[string]*folds{}
	c.prepared = p
	return nil
}

// prepared is what estimates of the same cells share.
type prepared struct {
	of          *Cells // a copy of these has to be prepared by itself
	layout      *layout
	calibration *calibration
	mutex       sync.Mutex
	// kept are the last sums for each domain and list of factors; nil keeps none.
	kept map[string]*folds
}

// common works out what estimates share, unless it is known.
func (c *Cells) common() (*prepared, error) {
	if c.prepared != nil && c.prepared.of == c {
		return c.prepared, nil
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	k, err := c.calibration()
	if err != nil {
		return nil, err
	}
	l, err := c.frame()
	if err != nil {
		return nil, err
	}
	return &prepared{of: c, layout: l, calibration: k}, nil
}

// folds are the sums of variables that lie side by side, over a domain, apart for every
// crossing of some factors.
type folds struct {
	first, count int       // the variables
	rows         [][]int   // people, by crossing and leaf
	weighted     []float64 // their Σw, by crossing
	// sums are those of the leaves and margins those of the crossings of the margins, by
	// crossing; in both, the variables lie fastest.
	sums, margins [][]Sum
}

// sumsAtOnce is how many sums a pass makes at most, unless one variable needs more: 10 MB
// that stay near the processor. variablesAtOnce are as many as a line of cells feeds.
const (
	sumsAtOnce      = 1 << 18
	variablesAtOnce = 32
)

// fold sums a variable, and those beside it where more are going to be asked for.
func (p *prepared) fold(variable int, want, factors []int) *folds {
	c := p.of
	groups := c.crossings(factors)
	many := 1
	if p.kept != nil && variable != headcount {
		many = max(1, min(variablesAtOnce, sumsAtOnce/max(1, groups*p.layout.leaves()), len(c.Variables)-variable))
	}
	if many == 1 {
		return p.pass(variable, 1, groups, want, factors)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	key := fmt.Sprint(want, factors)
	f := p.kept[key]
	if f == nil || variable < f.first || variable >= f.first+f.count {
		f = p.pass(variable, many, groups, want, factors)
		p.kept[key] = f
	}
	return f
}

// pass goes through the cells once.
func (p *prepared) pass(first, count, groups int, want, factors []int) *folds {
	c, k := p.of, p.calibration
	f := &folds{first: first, count: count, rows: newTable[int](groups, p.layout.leaves()), weighted: make([]float64, groups),
		sums: newTable[Sum](groups, p.layout.leaves()*count)}
	if k != nil {
		f.margins = newTable[Sum](groups, len(k.columns)*count)
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		g := c.crossingOf(r.Levels, factors)
		if g < 0 || !matches(r.Levels, want) {
			continue
		}
		leaf := c.leafOf(r)
		f.rows[g][leaf] += r.N
		f.weighted[g] += r.W
		addAll(f.sums[g][leaf*count:], r, first, count)
		if k != nil {
			addAll(f.margins[g][k.crossing[i]*count:], r, first, count)
		}
	}
	return f
}

// addAll adds the sums of variables of a cell.
func addAll(to []Sum, r *Cell, first, count int) {
	if first == headcount {
		to[0] = to[0].add(r.sum(headcount))
		return
	}
	to = to[:count]
	for i, s := range r.Sums[first : first+count] {
		to[i] = to[i].add(s)
	}
}

// sample is what an estimate of one variable in one crossing is made of.
func (f *folds) sample(variable, g int) sample {
	s := sample{rows: f.rows[g], weighted: f.weighted[g], sums: f.of(f.sums[g], variable)}
	if f.margins != nil {
		s.crossings = f.of(f.margins[g], variable)
	}
	return s
}

// of takes one variable out of sums of several.
func (f *folds) of(sums []Sum, variable int) []Sum {
	if f.count == 1 {
		return sums
	}
	out := make([]Sum, len(sums)/f.count)
	for i := range out {
		out[i] = sums[i*f.count+variable-f.first]
	}
	return out
}
