package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// A frame is a model with the people it is fitted to.
//
// People with the same levels of all factors have the same pattern. A row of the model
// matrix is 0 or 1 by pattern times a product of numeric columns, a slope, so that all
// sums of a fit are sums by pattern of few numbers, expanded to columns afterwards.
// Without numeric columns people of one pattern are one unit with their mean outcome.
//
// All people of a cell can stand at one place, as in the type people.
type frame struct {
	design   *Design
	settings Settings
	notes    []Note
	weight   []float64 // of each place in the design's order
	cell     []Sum     // of each place, of the outcome; nil when each is one person
	model    Model
	glm      glm
	matrix   matrixLayout
	code     []int32     // pattern of each place, -1 for outsiders
	y        []float64   // outcome at each place
	levels   [][]int32   // of each pattern: the level of each factor
	active   [][][]int32 // of each pattern and slope: the columns that are 1
	units    units
	seen     []int   // people of each PSU
	n        int     // people
	w, w2    float64 // Σw, Σw²
	within   float64 // the deviance of people from the mean of their unit
	mean     float64 // Σwy/Σw
	// weightOfR turns weights of mean 1 over the people of the fit into R's, whose mean is
	// 1 over all people of the domain.
	weightOfR float64
}

// units are what a model is fitted to: people, or all people of a pattern together.
type units struct {
	people  bool // in the design's order
	pattern []int32
	slope   [][]float64 // of each slope but the first, which is 1
	weight  []float64   // with a mean of 1 over people
	y       []float64
	offset  []float64 // nil for none
}

// frame has no model yet.
func (d *Design) frame() *frame { return &frame{design: d, weight: d.weight} }

// build checks a model and gathers its people. Patterns are told apart by further
// factors too, which have no columns.
func (f *frame) build(m Model, in []bool, further ...FactorColumn) error {
	d := f.design
	var err error
	if f.settings, err = d.settings.orDefault(); err != nil {
		return err
	}
	if in != nil && len(in) != d.rows {
		return fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), d.rows)
	}
	if err := m.check(d); err != nil {
		return err
	}
	f.model, f.matrix = m, m.matrix()
	for _, x := range further {
		f.matrix.factor(x)
	}
	if f.glm, err = m.glm(); err != nil {
		return err
	}
	if err := f.encode(in); err != nil {
		return err
	}
	f.count()
	if f.n == 0 {
		return errors.New("nobody in the domain has the outcome and all terms; widen the domain or leave out the term that is missing")
	}
	if f.mean == 0 && f.glm.family != gaussian || f.mean == 1 && f.glm.family == binomial {
		return fmt.Errorf("everybody in the domain has the outcome %v, so there is nothing to explain; widen the domain", f.mean)
	}
	if err := f.checkLevels(); err != nil {
		return err
	}
	f.active = f.matrix.active(f.levels)
	if m.Stop == StopAsR {
		f.weightOfR = f.w / float64(f.n) / d.meanWeight(in)
	}
	if f.units.people = len(f.matrix.slopes) > 1 || m.Offset != nil || m.Stop == StopAsR; f.units.people {
		f.gather()
	} else {
		f.collapse()
	}
	return nil
}

// blockSize is how many people one piece of work has.
const blockSize = 1 << 14

// maxCodes is the size up to which a table of codes is cheap.
const maxCodes = 1 << 20

// encode finds who is in and gives each person a pattern: the crossings of levels that
// occur, numbered in the order of levels, the first factor slowest. It goes through the
// columns row by row, and only then puts people in the design's order.
func (f *frame) encode(in []bool) error {
	code := f.design.present()
	if err := f.admit(code, in); err != nil {
		return err
	}
	f.levels = [][]int32{nil}
	for from := 0; from < len(f.matrix.factors); {
		codes, to := len(f.levels), from
		for to < len(f.matrix.factors) {
			n := len(f.matrix.factors[to].Levels)
			if to > from && codes*n > maxCodes {
				break
			}
			codes *= n
			to++
		}
		if codes > math.MaxInt32 {
			return fmt.Errorf("factor %q and those before it have %d crossings; merge levels", f.matrix.factors[to-1].ID, codes)
		}
		if err := f.cross(code, f.matrix.factors[from:to]); err != nil {
			return err
		}
		f.compact(code, codes, from, f.matrix.factors[from:to])
		from = to
	}
	f.code, f.y = make([]int32, len(f.design.weight)), make([]float64, len(f.design.weight))
	parallel.Blocks(len(f.code), blockSize, func(_, from, to int) {
		for place := from; place < to; place++ {
			row := f.design.rowAt(place)
			f.code[place], f.y[place] = code[row], f.model.Outcome[row]
		}
	})
	return nil
}

// present is 0 for the rows of people and −1 for those of nobody.
func (d *Design) present() []int32 {
	code := make([]int32, d.rows)
	if len(d.weight) == d.rows {
		return code
	}
	for row := range code {
		code[row] = -1
	}
	for place := range d.weight {
		code[d.rowAt(place)] = 0
	}
	return code
}

// admit leaves out people outside the domain or without a number that the model needs.
func (f *frame) admit(code []int32, in []bool) error {
	y, offset := f.model.Outcome, f.model.Offset
	var numeric []Variable
	for _, product := range f.matrix.slopes {
		numeric = append(numeric, product...)
	}
	return eachBlock(len(code), func(from, to int) error {
		for row := from; row < to; row++ {
			if in != nil && !in[row] || isMissing(y[row]) || offset != nil && isMissing(offset[row]) || !complete(numeric, row) {
				code[row] = -1
			}
			if code[row] < 0 {
				continue
			}
			if fault := f.glm.family.checkOutcome(y[row]); fault != "" {
				return rowError(row, "the outcome of %s is %v, but in family %s %s; correct it, make it missing, or choose another family", y[row], f.model.Family, fault)
			}
		}
		return nil
	})
}

// eachBlock calls work for blocks of n rows, in parallel. The error is that of the
// first block that has one.
func eachBlock(n int, work func(from, to int) error) error {
	faults := make([]error, (n+blockSize-1)/blockSize)
	parallel.Blocks(n, blockSize, func(b, from, to int) { faults[b] = work(from, to) })
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// cross refines codes by factors.
func (f *frame) cross(code []int32, factors []FactorColumn) error {
	return eachBlock(len(code), func(from, to int) error {
		for k := range factors {
			n, c := len(factors[k].Levels), code[from:to]
			if refine(c, factors[k].Level[from:to], n) >= 0 {
				continue
			}
			for row := from; row < to; row++ {
				if l := factors[k].Level[row]; l < -1 || l >= n {
					return errLevel(factors[k].Factor, l, row)
				}
			}
		}
		return nil
	})
}

// refine crosses codes with one more factor of n levels, a code or a level of -1 making
// it -1 for good; the result is negative when a level is out of range. It has no
// branches, as cross has none.
func refine(codes []int32, levels []int, n int) (bad int) {
	levels = levels[:len(codes)]
	for i, l := range levels {
		bad |= (l + 1) | (n - 1 - l)
		c := int(codes[i])
		codes[i] = int32((c*n + l) | (l|c)>>63)
	}
	return bad
}

// compact renumbers the codes that occur, after crossing with the factors that follow
// the first ones.
func (f *frame) compact(code []int32, codes, first int, factors []FactorColumn) {
	place := make([]int32, codes)
	for _, c := range code {
		if c >= 0 {
			place[c] = 1
		}
	}
	var occurring []int
	for c, occurs := range place {
		if occurs != 0 {
			place[c] = int32(len(occurring))
			occurring = append(occurring, c)
		}
	}
	width := first + len(factors)
	levels, room := make([][]int32, len(occurring)), make([]int32, len(occurring)*width)
	for i, rest := range occurring {
		levels[i] = room[i*width : (i+1)*width : (i+1)*width]
		for k := len(factors) - 1; k >= 0; k-- {
			n := len(factors[k].Levels)
			levels[i][first+k] = int32(rest % n)
			rest /= n
		}
		copy(levels[i], f.levels[rest])
	}
	f.levels = levels
	parallel.Blocks(len(code), blockSize, func(_, from, to int) {
		for i, c := range code[from:to] {
			if c >= 0 {
				code[from+i] = place[c]
			}
		}
	})
}

// count sums over the people of each PSU.
func (f *frame) count() {
	d := f.design
	f.seen = make([]int, len(d.psus))
	sums := make([]Sum, len(d.psus))
	parallel.Blocks(len(d.psus), 16, func(_, from, to int) {
		for psu := from; psu < to; psu++ {
			for place := d.start[psu]; place < d.start[psu+1]; place++ {
				switch {
				case f.code[place] < 0:
				case f.cell == nil:
					sums[psu].include(f.weight[place], f.y[place])
				default:
					sums[psu] = sums[psu].add(f.cell[place])
				}
			}
			f.seen[psu] = sums[psu].N
		}
	})
	var all Sum
	for _, s := range sums {
		all = all.add(s)
	}
	f.n, f.w, f.w2, f.mean = all.N, all.W, all.W2, all.WY/all.W
}

// meanWeight is that of the rows for which in is true.
func (d *Design) meanWeight(in []bool) float64 {
	var sum Sum
	for place, w := range d.weight {
		if in == nil || in[d.rowAt(place)] {
			sum.include(w, 0)
		}
	}
	return sum.W / float64(sum.N)
}

// checkLevels names a level that nobody has.
func (f *frame) checkLevels() error {
	for k, factor := range f.matrix.factors {
		seen := make([]bool, len(factor.Levels))
		for _, levels := range f.levels {
			seen[levels[k]] = true
		}
		if l := slices.Index(seen, false); l >= 0 {
			return fmt.Errorf("nobody in the domain has level %q of factor %q; leave the level out, merge it with another, or widen the domain", factor.Levels[l], factor.ID)
		}
	}
	return nil
}

// gather copies what a fit needs of each person.
func (f *frame) gather() {
	d, u := f.design, &f.units
	u.pattern = make([]int32, 0, f.n)
	u.weight, u.y = make([]float64, 0, f.n), make([]float64, 0, f.n)
	u.slope = make([][]float64, len(f.matrix.slopes)-1)
	for s := range u.slope {
		u.slope[s] = make([]float64, 0, f.n)
	}
	scale := float64(f.n) / f.w
	for place, p := range f.code {
		if p < 0 {
			continue
		}
		row := d.rowAt(place)
		u.pattern = append(u.pattern, p)
		u.weight = append(u.weight, d.weight[place]*scale)
		u.y = append(u.y, f.y[place])
		for s, product := range f.matrix.slopes[1:] {
			u.slope[s] = append(u.slope[s], slopeAt(product, row))
		}
		if f.model.Offset != nil {
			u.offset = append(u.offset, f.model.Offset[row])
		}
	}
}

// collapse makes one unit of all people of a pattern. The number of pieces of work
// depends on the data only, so that the number of cores changes no bit.
func (f *frame) collapse() {
	patterns := len(f.levels)
	pieces := min(max(f.n/(8*patterns), 1), 16)
	size := (len(f.code) + pieces - 1) / pieces
	type sum struct{ w, wy, wh float64 }
	sums := newTable[sum](pieces, patterns)
	parallel.Blocks(len(f.code), size, func(b, from, to int) {
		for place := from; place < to; place++ {
			if p := f.code[place]; p >= 0 {
				w, y := f.weight[place], f.y[place]
				s := &sums[b][p]
				s.w += w
				s.wy += w * y
				if f.cell == nil {
					s.wh += w * f.glm.family.entropy(y)
				} else {
					s.wh += f.glm.family.entropyOf(f.cell[place])
				}
			}
		}
	})
	u, scale := &f.units, float64(f.n)/f.w
	u.pattern, u.weight, u.y = make([]int32, patterns), make([]float64, patterns), make([]float64, patterns)
	for p := range patterns {
		var all sum
		for b := range sums {
			s := sums[b][p]
			all = sum{all.w + s.w, all.wy + s.wy, all.wh + s.wh}
		}
		u.pattern[p], u.weight[p], u.y[p] = int32(p), all.w*scale, all.wy/all.w
		f.within += 2 * scale * (all.wh - all.w*f.glm.family.entropy(u.y[p]))
	}
}
