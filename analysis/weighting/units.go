package weighting

import (
	"math"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// units are what a calibration multiplies by one factor each: respondents, or the
// crossings of the margins where nothing else is known.
type units struct {
	cells  *cells // nil when the units are the rows
	weight []float64
	// columns has, for each margin, the column of x that is 1 for each unit; totals the
	// columns behind those of the margins.
	columns [][]int32
	totals  [][]float64
	spread  []float64 // nil: 1
	width   int       // columns of x
	n       []int     // respondents with a value other than zero in each column
}

// units gathers them, and names a level that can never be met.
func (k Known) units(w []float64, m Metric) (*units, error) {
	u := &units{weight: w, spread: m.Spread}
	if len(k.Margins) > 0 {
		c, err := collapse(w, k.Margins)
		if err != nil {
			return nil, err
		}
		fits, err := c.fits(k.Margins)
		if err != nil {
			return nil, err
		}
		for _, f := range fits {
			u.n = append(u.n, f.N)
		}
		if len(k.Totals) == 0 && m.Spread == nil {
			u.cells, u.weight = c, c.weight
		}
	}
	for j, x := range k.Margins {
		column := make([]int32, len(u.weight))
		for i := range column {
			if u.cells != nil {
				column[i] = int32(u.width) + u.cells.level[j][i]
			} else {
				column[i] = int32(u.width + x.Level[i])
			}
		}
		u.columns = append(u.columns, column)
		u.width += len(x.Levels)
	}
	for _, x := range k.Totals {
		u.totals = append(u.totals, x.Values)
		n := 0
		for i, v := range x.Values {
			if w[i] > 0 && v != 0 {
				n++
			}
		}
		u.n = append(u.n, n)
	}
	u.width += len(k.Totals)
	return u, nil
}

// apply multiplies every weight by its factor.
func (u *units) apply(w, factor []float64) []float64 {
	if u.cells != nil {
		return u.cells.apply(w, factor)
	}
	after := make([]float64, len(w))
	for i, x := range w {
		after[i] = x * factor[i]
	}
	return after
}

// row writes the elements of x of a unit that are not zero.
func (u *units) row(i int, columns []int32, values []float64) ([]int32, []float64) {
	columns, values = columns[:0], values[:0]
	for _, c := range u.columns {
		columns, values = append(columns, c[i]), append(values, 1)
	}
	first := u.width - len(u.totals)
	for t, x := range u.totals {
		if x[i] != 0 {
			columns, values = append(columns, int32(first+t)), append(values, x[i])
		}
	}
	return columns, values
}

// a state is what the units add up to at some λ.
type state struct {
	dual   float64   // Σ d q ∫g
	sum    []float64 // Σ d g x
	size   []float64 // Σ d g |x|
	normal []float64 // Σ d g′ x x′/q, the upper part
	factor []float64 // g of each unit, 0 where there is no weight
}

// evaluate computes the state, in blocks that are added up in their order.
func (u *units) evaluate(lambda []float64, g curve) state {
	parts := make([]state, (len(u.weight)+blockRows-1)/blockRows)
	factor := make([]float64, len(u.weight))
	parallel.Blocks(len(u.weight), blockRows, func(b, from, to int) {
		s := newState(u.width)
		var columns []int32
		var values []float64
		for i := from; i < to; i++ {
			d := u.weight[i]
			if d == 0 {
				continue
			}
			q := 1.0
			if u.spread != nil {
				q = u.spread[i]
			}
			columns, values = u.row(i, columns, values)
			var at float64
			for e, c := range columns {
				at += values[e] * lambda[c]
			}
			integral, f, slope := g(at / q)
			factor[i] = f
			s.dual += d * q * integral
			for e, c := range columns {
				s.sum[c] += d * f * values[e]
				s.size[c] += math.Abs(d * f * values[e])
				v := d * slope / q * values[e]
				for h := e; h < len(columns); h++ {
					s.normal[int(c)*u.width+int(columns[h])] += v * values[h]
				}
			}
		}
		parts[b] = s
	})
	all := newState(u.width)
	for _, p := range parts {
		all.add(p)
	}
	all.factor = factor
	return all
}

func newState(width int) state {
	return state{sum: make([]float64, width), size: make([]float64, width), normal: make([]float64, width*width)}
}

func (s *state) add(p state) {
	s.dual += p.dual
	for i := range s.sum {
		s.sum[i] += p.sum[i]
		s.size[i] += p.size[i]
	}
	for i := range s.normal {
		s.normal[i] += p.normal[i]
	}
}
