package analysis

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// facts are what the notes and intervals of an estimate need to know of its covariance.
type facts struct {
	lone   []string // strata on which the rule for lone PSUs had a bearing
	merged []string // strata merged under LoneCollapse, each group as "A + B"
	df     float64  // by Settings.DF, with merged strata as one
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
	sums := d.leafSums(z)
	if d.regression != nil {
		sums = d.residualSums(z)
	}
	return d.layout.covariance(sums, seen, settings)
}

// leafSums are sums over the people of leaves: fill puts those of leaves from to to−1
// into sums, for one column.
type leafSums struct {
	columns int
	fill    func(sums []float64, column, from, to int)
	made    *grid     // when they are in a grid already; it is read only
	spare   []float64 // memory that the covariance may write over
}

// using lends the covariance the memory of a grid whose numbers nobody needs any more.
func (z leafSums) using(t grid) leafSums {
	z.spare = t.x
	return z
}

// leafSums adds up columns over the people of each leaf, in their order.
func (d *Design) leafSums(z [][]float64) leafSums {
	return leafSums{columns: len(z), fill: func(sums []float64, column, from, to int) {
		for leaf := from; leaf < to; leaf++ {
			var sum float64
			for _, x := range z[column][d.leaf[leaf]:d.leaf[leaf+1]] {
				sum += x
			}
			sums[leaf-from] = sum
		}
	}}
}

// leafSums are those in a grid with one row for each leaf.
func (t grid) leafSums() leafSums {
	return leafSums{columns: t.columns, made: &t, fill: func(sums []float64, column, from, to int) {
		for leaf := from; leaf < to; leaf++ {
			sums[leaf-from] = t.x[leaf*t.columns+column]
		}
	}}
}

// grid puts the sums of all leaves into a grid.
func (z leafSums) grid(leaves int) grid {
	if z.made != nil {
		return *z.made
	}
	t := newGrid(leaves, z.columns)
	const block = 64
	parallel.Blocks(leaves, block, func(_, from, to int) {
		sums := make([]float64, to-from)
		for j := range z.columns {
			z.fill(sums, j, from, to)
			for i, x := range sums {
				t.x[(from+i)*t.columns+j] = x
			}
		}
	})
	return t
}

// covariance is that of Σz, the sums of the linearised values z over all leaves. In
// one stage, with f_h = n_h/N_h of the PSUs of each stratum,
//
//	V = Σ_h (1−f_h) n_h/(n_h−1) Σ_i (z_hi − z̄_h)(z_hi − z̄_h)′
//
// and each next stage adds f_h times the same formula within each PSU (Särndal,
// Swensson and Wretman 1992, ch. 4; R survey 4.5, svyrecvar). PSUs without people of
// the domain have z = 0 and count. seen is the number of people of the domain in each
// PSU.
func (l *layout) covariance(z leafSums, seen []int, s Settings) (*mat.SymDense, facts, error) {
	if s.LonePSU == LoneFail {
		if err := l.failIfLone(); err != nil {
			return nil, facts{}, err
		}
	}
	t := l.tally(seen, s.LoneInDomains)
	known := facts{}
	if s.LonePSU == LoneCollapse {
		m, groups, err := l.collapsed(t, s)
		if err != nil {
			return nil, facts{}, err
		}
		for _, g := range groups {
			known.merged = append(known.merged, l.names(g))
			for _, h := range g {
				if l.lone(h, t, s) {
					known.lone = append(known.lone, l.strata[h])
				}
			}
		}
		l, t = m, m.tally(seen, s.LoneInDomains)
	}
	known.df = s.df(l, seen)
	if l.phase != nil {
		if s.FixedDF == 0 {
			known.df = min(known.df, l.phase.df(s.DF))
		}
		return l.phase.covariance(z.grid(l.leaves()), l), known, nil
	}
	psus, inner, err := l.inner(z, s)
	if err != nil {
		return nil, facts{}, err
	}
	if l.joint != nil {
		l.joint.covariance(psus, inner)
		inner.settle(psus)
		return inner.matrix(), known, nil
	}
	lone, err := l.outer(psus, z.spare, t, s, inner)
	known.lone = append(known.lone, lone...)
	return inner.matrix(), known, err
}

// outer adds the first stage to the sum of the later ones, and names the strata on
// which the rule for lone PSUs had a bearing. It may write over spare.
func (l *layout) outer(z grid, spare []float64, t tally, s Settings, out squares) ([]string, error) {
	means, centre := l.means(z, t)
	roles := l.roles(t, s)
	factor, err := averaging(roles, t)
	if err != nil {
		return nil, err
	}
	scale := make([]float64, z.rows)
	for i, h := range l.stratum {
		switch roles[h] {
		case centredAtOwn, centredAtAll:
			scale[i] = factor * l.remains(i) * besselOrOne(l.size[h])
		}
	}
	for h := range l.size {
		if roles[h] == centredAtAll {
			copy(means.row(h), centre)
		}
	}
	l.products(z, means, scale, spare, out)
	return l.bearing(z, means, scale, roles, t, out), nil
}

// averaging is what the sum over the other strata is multiplied with when lone ones
// count as their mean.
func averaging(roles []role, t tally) (float64, error) {
	averaged := 0
	for _, r := range roles {
		if r == averagedStratum {
			averaged++
		}
	}
	switch averaged {
	case 0:
		return 1, nil
	case t.strata:
		return 0, fmt.Errorf("every stratum has a single PSU, so rule %q has no stratum to take a mean of; merge strata", LoneAverage)
	}
	return float64(t.strata) / float64(t.strata-averaged), nil
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
func (l *layout) roles(t tally, s Settings) []role {
	roles := make([]role, len(l.size))
	for h, size := range l.size {
		lone := l.lone(h, t, s)
		switch {
		case !t.counts[h] || l.complete(h):
		case lone && s.LonePSU == LoneAverage:
			roles[h] = averagedStratum
		case lone && s.LonePSU == LoneAdjust:
			roles[h] = centredAtAll
		case size > 1:
			roles[h] = centredAtOwn
		}
	}
	return roles
}

// besselOrOne is n/(n−1), or 1 for a single unit.
func besselOrOne(n int) float64 {
	if n <= 1 {
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
func (l *layout) tally(people []int, seenOnly bool) tally {
	t := tally{seen: make([]int, len(l.size)), counts: make([]bool, len(l.size))}
	for i, h := range l.stratum {
		if people[i] > 0 {
			t.seen[h]++
		}
	}
	for h, size := range l.size {
		t.counts[h] = size > 0 && (!seenOnly || t.seen[h] > 0)
		if t.counts[h] {
			t.strata++
			t.psus += size
		}
	}
	return t
}

// means are those of z over the PSUs of each stratum, and over all that take part.
func (l *layout) means(z grid, t tally) (grid, []float64) {
	means := newGrid(len(l.size), z.columns)
	for i, h := range l.stratum {
		floats.Add(means.row(h), z.row(i))
	}
	all := make([]float64, z.columns)
	for h, size := range l.size {
		if t.counts[h] {
			floats.Add(all, means.row(h))
		}
		if size > 0 {
			floats.Scale(1/float64(size), means.row(h))
		}
	}
	floats.Scale(1/float64(max(t.psus, 1)), all)
	return means, all
}

// products adds Σ_i s_i (z_i − c_h)(z_i − c_h)′ over PSUs i of strata h, s_i ≥ 0. Each
// element is one sum in the order of PSUs, so that the number of cores changes no bit.
// It may write over spare.
func (l *layout) products(z, centre grid, scale, spare []float64, out squares) {
	k := z.columns
	// √s_i (z_i − c_h) by statistic: sums along a row are fast.
	y := grid{k, z.rows, resize(spare, k*z.rows)}
	parallel.Blocks(z.rows, 64, func(_, from, to int) {
		for i := from; i < to; i++ {
			root, c := math.Sqrt(scale[i]), centre.row(l.stratum[i])[:k]
			for a, x := range z.row(i) {
				y.x[a*y.columns+i] = root * (x - c[a])
			}
		}
	})
	const tile = 4
	parallel.Blocks(k, tile, func(_, from, to int) {
		for b := from; b < k; b++ {
			for a := from; a <= min(b, to-1); a++ {
				out.x[a*k+b] += floats.Dot(y.row(a), y.row(b))
			}
		}
	})
}

// bearing names the strata with a single PSU that has people of the domain or, with
// more than rounding, added to a variance.
func (l *layout) bearing(z, centre grid, scale []float64, roles []role, t tally, v squares) []string {
	adds := make([]bool, len(l.size))
	for i, h := range l.stratum {
		if roles[h] != centredAtAll {
			continue
		}
		for j, x := range z.row(i) {
			d := x - centre.row(h)[j]
			if scale[i]*d*d > 1e-12*math.Abs(v.x[j*v.k+j]) {
				adds[h] = true
			}
		}
	}
	var lone []string
	for h, size := range l.size {
		if size == 1 && t.seen[h] > 0 && !l.complete(h) || adds[h] || roles[h] == averagedStratum {
			lone = append(lone, l.strata[h])
		}
	}
	return lone
}

// covariance adds ΣΣ form_ij z_i z_j′ over the pairs of units of each stratum.
func (j *joint) covariance(z grid, out squares) {
	y := make([]float64, z.columns)
	for h, form := range j.form {
		n := int(math.Sqrt(float64(len(form))) + 0.5)
		for i := range n {
			clear(y)
			for u, x := range form[i*n : (i+1)*n] {
				floats.AddScaled(y, x, z.row(j.first[h]+u))
			}
			for a, x := range z.row(j.first[h] + i) {
				if x != 0 {
					floats.AddScaled(out.x[a*out.k+a:(a+1)*out.k], x, y[a:])
				}
			}
		}
	}
}
