package analysis

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// facts are what the notes of an estimate need to know of its covariance.
type facts struct {
	// lone names the strata on which the rule for lone PSUs had a bearing.
	lone []string
}

// covariance returns the k×k covariance matrix of the totals Σ z_j under everything
// the design knows. z holds one column for each statistic: the linearised value of
// each person times the weight, in the design's own order of people (see rowAt), zero
// outside the domain. seen says how many people of the domain each PSU has.
func (d *Design) covariance(z [][]float64, seen []int) (*mat.SymDense, facts, error) {
	settings, err := d.settings.orDefault()
	if err != nil {
		return nil, facts{}, err
	}
	for j, column := range z {
		if len(column) != len(d.weight) {
			return nil, facts{}, fmt.Errorf("statistic %d has %d values for %d people of the design", j, len(column), len(d.weight))
		}
	}
	if len(seen) != len(d.psus) {
		return nil, facts{}, fmt.Errorf("%d counts of people for %d PSUs of the design", len(seen), len(d.psus))
	}
	return d.layout.covariance(d.psuSums(z), seen, settings)
}

// psuSums adds up columns over the people of each PSU, in their order.
func (d *Design) psuSums(z [][]float64) grid {
	t := newGrid(len(d.psus), len(z))
	const psus = 16
	parallel.Blocks(t.rows, psus, func(_, from, to int) {
		for psu := from; psu < to; psu++ {
			sums := t.row(psu)
			for j, column := range z {
				for _, x := range column[d.start[psu]:d.start[psu+1]] {
					sums[j] += x
				}
			}
		}
	})
	return t
}

// A grid holds numbers row by row: here one row for each PSU or stratum, one column
// for each statistic.
type grid struct {
	rows, columns int
	x             []float64
}

func newGrid(rows, columns int) grid {
	return grid{rows, columns, make([]float64, rows*columns)}
}

func (t grid) row(i int) []float64 { return t.x[i*t.columns : (i+1)*t.columns] }

// covariance is that of Σz, the sums of the linearised PSU totals z (one row for each
// PSU), under sampling of PSUs with replacement within strata:
//
//	V = Σ_h n_h/(n_h−1) Σ_i (z_hi − z̄_h)(z_hi − z̄_h)′
//
// (Särndal, Swensson and Wretman 1992, ch. 4; R survey 4.5, svyrecvar). PSUs without
// people of the domain have z = 0 and count. seen is the number of people of the
// domain in each PSU.
func (l layout) covariance(z grid, seen []int, s Settings) (*mat.SymDense, facts, error) {
	if s.LonePSU == LoneFail {
		if err := l.failIfLone(); err != nil {
			return nil, facts{}, err
		}
	}
	t := l.tally(seen, s.LoneInDomains)
	means, centre := l.means(z, t)
	role := l.roles(t, s)
	scale := make([]float64, len(l.size))
	averaged := 0
	for h, size := range l.size {
		switch role[h] {
		case aside:
		case averagedStratum:
			averaged++
		case centredAtAll:
			scale[h] = besselOrOne(size)
			copy(means.row(h), centre)
		case centredAtOwn:
			scale[h] = besselOrOne(size)
		}
	}
	v := l.products(z, means, scale)
	if averaged > 0 {
		if averaged == t.strata {
			return nil, facts{}, fmt.Errorf("every stratum has a single PSU, so rule %q has no stratum to take a mean of; merge strata", LoneAverage)
		}
		v.ScaleSym(float64(t.strata)/float64(t.strata-averaged), v)
	}
	return v, facts{lone: l.bearing(z, means, scale, role, t, v)}, nil
}

// role is what a stratum does in a variance.
type role uint8

const (
	aside           role = iota // adds nothing
	centredAtOwn                // squares around its own mean
	centredAtAll                // squares around the mean of all PSUs: lone, LoneAdjust
	averagedStratum             // counts as the mean of the others: lone, LoneAverage
)

// roles applies the rule for lone PSUs.
func (l layout) roles(t tally, s Settings) []role {
	roles := make([]role, len(l.size))
	for h, size := range l.size {
		isLone := size == 1 || s.LoneInDomains && t.seen[h] == 1
		switch {
		case !t.counts[h]:
		case isLone && s.LonePSU == LoneAverage:
			roles[h] = averagedStratum
		case isLone && s.LonePSU == LoneAdjust:
			roles[h] = centredAtAll
		case size > 1:
			roles[h] = centredAtOwn
		}
	}
	return roles
}

// besselOrOne is n/(n−1), or 1 for a single PSU.
func besselOrOne(n int) float64 {
	if n == 1 {
		return 1
	}
	return float64(n) / float64(n-1)
}

// tally counts what a domain sees of the strata.
type tally struct {
	seen   []int  // PSUs of each stratum with people of the domain
	counts []bool // whether the stratum takes part
	strata int    // how many take part
	psus   int    // how many PSUs these have
}

// tally counts; with seenOnly, strata without people of the domain take no part.
func (l layout) tally(people []int, seenOnly bool) tally {
	t := tally{seen: make([]int, len(l.size)), counts: make([]bool, len(l.size))}
	for i, h := range l.stratum {
		if people[i] > 0 {
			t.seen[h]++
		}
	}
	for h, size := range l.size {
		t.counts[h] = !seenOnly || t.seen[h] > 0
		if t.counts[h] {
			t.strata++
			t.psus += size
		}
	}
	return t
}

// means are those of z over the PSUs of each stratum, and over all that take part.
func (l layout) means(z grid, t tally) (grid, []float64) {
	means := newGrid(len(l.size), z.columns)
	for i, h := range l.stratum {
		floats.Add(means.row(h), z.row(i))
	}
	all := make([]float64, z.columns)
	for h, size := range l.size {
		if t.counts[h] {
			floats.Add(all, means.row(h))
		}
		floats.Scale(1/float64(size), means.row(h))
	}
	floats.Scale(1/float64(max(t.psus, 1)), all)
	return means, all
}

// products is Σ_i s_h (z_i − c_h)(z_i − c_h)′ over PSUs i of strata h.
func (l layout) products(z, centre grid, scale []float64) *mat.SymDense {
	k := z.columns
	y := newGrid(z.rows, k)
	parallel.Blocks(z.rows, 64, func(_, from, to int) {
		for i := from; i < to; i++ {
			h := l.stratum[i]
			if scale[h] != 0 {
				floats.SubTo(y.row(i), z.row(i), centre.row(h))
			}
		}
	})
	out := make([]float64, k*k)
	// Each row of the result is summed by one worker in the order of PSUs, so that the
	// number of cores changes no bit.
	parallel.Blocks(k, 8, func(_, from, to int) {
		for i := range z.rows {
			row, s := y.row(i), scale[l.stratum[i]]
			for a := from; a < to && s != 0; a++ {
				if row[a] != 0 {
					floats.AddScaled(out[a*k+a:(a+1)*k], s*row[a], row[a:])
				}
			}
		}
	})
	return mat.NewSymDense(k, out)
}

// bearing names the strata with a single PSU that has people of the domain or, with
// more than rounding, added to a variance.
func (l layout) bearing(z, centre grid, scale []float64, roles []role, t tally, v *mat.SymDense) []string {
	adds := make([]bool, len(l.size))
	for i, h := range l.stratum {
		if roles[h] != centredAtAll {
			continue
		}
		for j, x := range z.row(i) {
			d := x - centre.row(h)[j]
			if scale[h]*d*d > 1e-12*math.Abs(v.At(j, j)) {
				adds[h] = true
			}
		}
	}
	var lone []string
	for h, size := range l.size {
		if size == 1 && t.seen[h] > 0 || adds[h] || roles[h] == averagedStratum {
			lone = append(lone, l.strata[h])
		}
	}
	return lone
}
