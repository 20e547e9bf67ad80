package analysis

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/floats"
)

// inner sums z by PSU, and adds up what the later stages contribute to the covariance:
// for each stratum of units within a unit of the stage before,
//
//	(Π f above) (1−f) n/(n−1) Σ (z − z̄)(z − z̄)′.
//
// PSUs go in blocks whose number does not depend on the cores, and blocks are added in
// order.
func (l *layout) inner(z leafSums, s Settings) (grid, squares, error) {
	out := newSquares(z.columns)
	if len(l.within) == 0 {
		return z.grid(len(l.stratum)), out, nil
	}
	psus := newGrid(len(l.stratum), z.columns)
	blocks := min(max(blockMemory/(len(out.x)*8+1), 2), 64)
	size := max((psus.rows+blocks-1)/blocks, 1)
	parts := make([]descent, (psus.rows+size-1)/size)
	parallel.Blocks(psus.rows, size, func(b, from, to int) {
		w := &parts[b]
		w.layout, w.settings, w.out = l, s, newSquares(z.columns)
		for psu := from; psu < to && w.err == nil; psu++ {
			w.descend(psu, z, psus.row(psu))
		}
	})
	for _, p := range parts {
		if p.err != nil {
			return grid{}, squares{}, p.err
		}
		floats.Add(out.x, p.out.x)
	}
	return psus, out, nil
}

// blockMemory is what the parts of a covariance may take together.
const blockMemory = 64 << 20

// A descent works through the units within PSUs. Only the columns that are not zero
// throughout the PSU take part: active lists them, and sums has their sums over the
// units of the level at hand, column by column.
type descent struct {
	layout   *layout
	settings Settings
	out      squares
	active   []int
	sums     []float64
	parents  []float64
	centred  []float64
	scaled   []float64
	err      error
}

// descend adds the contributions within a PSU and sums it up into totals.
func (w *descent) descend(psu int, z leafSums, totals []float64) {
	from, to := w.layout.first[psu], w.layout.first[psu+1]
	n := to - from
	w.active, w.sums = w.active[:0], w.sums[:0]
	for j := range z.columns {
		w.sums = append(w.sums, make([]float64, n)...)
		column := w.sums[len(w.sums)-n:]
		z.fill(column, j, from, to)
		if allZero(column) {
			w.sums = w.sums[:len(w.sums)-n]
			continue
		}
		w.active = append(w.active, j)
	}
	for k := len(w.layout.within) - 1; k >= 0; k-- {
		above, below := w.units(psu, k-1), w.units(psu, k)
		w.level(&w.layout.within[k], psu, above, below)
	}
	for a, j := range w.active {
		totals[j] = w.sums[a]
	}
}

func allZero(x []float64) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}

// span is a range of units.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// units is the range of units of a level within a PSU; level −1 is the PSU itself.
func (w *descent) units(psu, level int) span {
	r := span{psu, psu + 1}
	for k := 0; k <= level; k++ {
		first := w.layout.within[k].first
		r = span{first[r.from], first[r.to]}
	}
	return r
}

// level adds the contributions of the units below and replaces the sums by those of
// the units above.
func (w *descent) level(l *level, psu int, above, below span) {
	n := below.len()
	w.parents = resize(w.parents, len(w.active)*above.len())
	for u := above.from; u < above.to; u++ {
		children := span{l.first[u] - below.from, l.first[u+1] - below.from}
		for a := range w.active {
			w.parents[a*above.len()+u-above.from] = floats.Sum(w.sums[a*n+children.from : a*n+children.to])
		}
		w.unit(l, psu, below, children, u-above.from, above.len())
	}
	w.sums, w.parents = w.parents, w.sums
}

// resize gives a slice of n elements, of the same memory when it is large enough.
func resize(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// unit adds the strata within one unit: children counts from the first unit below.
func (w *descent) unit(l *level, psu int, below, children span, parent, parents int) {
	factor, err := w.averaging(l, psu, below.from, children)
	if err != nil {
		w.err = err
		return
	}
	n := below.len()
	for i := children.from; i < children.to; {
		h := l.stratum[below.from+i]
		units := span{i, i + l.size[h]}
		i = units.to
		if l.factor[h] == 0 || l.complete(h) || units.len() == 1 && w.settings.LonePSU != LoneAdjust {
			continue
		}
		w.centred = w.centred[:0]
		for a := range w.active {
			z := w.sums[a*n+units.from : a*n+units.to]
			centre := floats.Sum(z) / float64(units.len())
			if units.len() == 1 {
				centre = w.parents[a*parents+parent] / float64(children.len())
			}
			for _, x := range z {
				w.centred = append(w.centred, x-centre)
			}
		}
		w.products(l, below.from+units.from, units.len(), factor*l.factor[h]*besselOrOne(units.len()))
	}
}

// products adds s Σ_i (1−f_i) c_i c_i′ over n units from first on.
func (w *descent) products(l *level, first, n int, s float64) {
	if l.chance == nil {
		s *= 1 - l.fractionOf(l.stratum[first])
		w.scaled = append(w.scaled[:0], w.centred...)
	} else {
		w.scaled = w.scaled[:0]
		for i, x := range w.centred {
			w.scaled = append(w.scaled, x*(1-l.chance[first+i%n]))
		}
	}
	for a, i := range w.active {
		for b := a; b < len(w.active); b++ {
			w.out.x[i*w.out.k+w.active[b]] += s * floats.Dot(w.centred[a*n:(a+1)*n], w.scaled[b*n:(b+1)*n])
		}
	}
}

// averaging applies LoneFail and LoneAverage within one unit: it gives what the sum
// over the strata with several units is multiplied with.
func (w *descent) averaging(l *level, psu, offset int, children span) (float64, error) {
	if w.settings.LonePSU != LoneFail && w.settings.LonePSU != LoneAverage {
		return 1, nil
	}
	strata, lone := 0, 0
	for i := children.from; i < children.to; {
		h := l.stratum[offset+i]
		i += l.size[h]
		strata++
		if l.size[h] == 1 && l.factor[h] > 0 && !l.complete(h) {
			lone++
		}
	}
	switch {
	case lone == 0:
		return 1, nil
	case w.settings.LonePSU == LoneFail || lone == strata:
		return math.NaN(), fmt.Errorf("no variance: one unit only at stage %d within %s; leave that stage out or choose another rule in Settings.LonePSU", l.stage, w.layout.label(psu))
	}
	return float64(strata) / float64(strata-lone), nil
}

// fractionOf is n/N of a stratum.
func (l *level) fractionOf(h int32) float64 {
	if l.fraction == nil {
		return 0
	}
	return l.fraction[h]
}

// complete says that every unit of the stratum is in the sample.
func (l *level) complete(h int32) bool { return l.fractionOf(h) > 1-completeTolerance }
