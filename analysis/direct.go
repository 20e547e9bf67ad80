package analysis

import (
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// Mean is Cells.Mean straight from a column: over the rows for which in is true, or
// all when in is nil. NaN is missing.
func (d *Design) Mean(y []float64, in []bool) (Estimate, error) {
	return d.one(y, in, sample.mean)
}

// Proportion is Cells.Proportion straight from a column of zeros and ones.
func (d *Design) Proportion(y []float64, in []bool) (Estimate, error) {
	e, err := d.one(y, in, sample.proportion)
	return e, d.shareFault(err, y, in)
}

// shareFault names the row that made the fault of a variable that is no share.
func (d *Design) shareFault(err error, y []float64, in []bool) error {
	if !errors.Is(err, errShare) {
		return err
	}
	for row, v := range y {
		if (in == nil || in[row]) && !isMissing(v) && v != 0 && v != 1 {
			return rowError(row, "a proportion needs zeros and ones, but the value of %s is %v; correct it, or use Mean", v)
		}
	}
	return err
}

// Total is Cells.Total straight from a column.
func (d *Design) Total(y []float64, in []bool) (Estimate, error) {
	return d.one(y, in, sample.total)
}

func (d *Design) one(y []float64, in []bool, estimate func(sample) (Estimate, error)) (Estimate, error) {
	settings, err := d.settings.orDefault()
	if err != nil {
		return Estimate{}, err
	}
	if len(y) != d.rows {
		return Estimate{}, fmt.Errorf("the variable has %d values for %d rows of the design; give one for each row, NaN for missing", len(y), d.rows)
	}
	if in != nil && len(in) != d.rows {
		return Estimate{}, fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), d.rows)
	}
	s := newSample(d.layout, settings, nil, nil)
	const leaves = 64
	parallel.Blocks(len(s.sums), leaves, func(_, from, to int) {
		for leaf := from; leaf < to; leaf++ {
			s.rows[leaf], s.sums[leaf] = d.sumOne(leaf, y, in)
		}
	})
	s.addUp()
	if err := d.checkFinite(s.all, Variable{"y", y}); err != nil {
		return Estimate{}, err
	}
	s.weighted = s.all.W
	if s.people() != s.all.N {
		s.weighted = d.weightOf(in)
	}
	if d.regression != nil {
		s.personal = d.personal(y, in)
	}
	return estimate(s)
}

// weightOf is Σw of a domain.
func (d *Design) weightOf(in []bool) float64 {
	var sum float64
	for place, w := range d.weight {
		if in == nil || in[d.rowAt(place)] {
			sum += w
		}
	}
	return sum
}

// sumOne counts the people of the domain in a leaf and sums a variable over those of
// them who have a value.
func (d *Design) sumOne(leaf int, y []float64, in []bool) (int, Sum) {
	from, to := d.leaf[leaf], d.leaf[leaf+1]
	if row, together := d.together(from, to); together && in == nil {
		return to - from, sumAll(d.weight[from:to], y[row:row+to-from])
	}
	var s Sum
	n := 0
	for place := from; place < to; place++ {
		row := d.rowAt(place)
		if in != nil && !in[row] {
			continue
		}
		n++
		if v := y[row]; v == v { // not NaN
			s.include(d.weight[place], v)
		}
	}
	return n, s
}

// sumAll sums a variable over people who stand side by side. The sums are separate
// variables so that they stay in registers: it is the loop of the largest samples.
func sumAll(weight, y []float64) Sum {
	var n int
	var w, w2, wy, wy2 float64
	for i, v := range y[:len(weight)] {
		if v != v { // NaN
			continue
		}
		x := weight[i]
		xv := x * v
		n++
		w += x
		w2 += x * x
		wy += xv
		wy2 += xv * v
	}
	return Sum{n, w, w2, wy, wy2}
}
