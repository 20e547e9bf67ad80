package analysis

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A SecondPhase is a subsample of people drawn from those of the columns, by simple
// random sampling within strata, after these were seen. The columns then hold the
// whole first phase and its weights; the design multiplies the weights of those
// selected by N_g/n_g of their stratum, and the others weigh nothing.
type SecondPhase struct {
	// Selected says which rows are in the second phase.
	Selected []bool
	// Stratum names the second-phase stratum of each row; nil means one. Strata may cut
	// across those of the first phase.
	Stratum []string
	// Variance is the way to estimate the part of the first phase; PhaseApprox when
	// empty.
	Variance PhaseVariance
}

// PhaseVariance is how the first phase's part of a two-phase variance is estimated.
// That of the second is Σ_g (1−f_g) n_g/(n_g−1) Σ(z−z̄_g)² in both (Särndal, Swensson and
// Wretman 1992, ch. 9).
type PhaseVariance string

const (
	// PhaseApprox estimates the sum of squares of the first phase from the second, each
	// person weighted by the reciprocal of the second-phase probability p:
	// (1−f) n/(n−1) Σ (p z − c)²/p with c = Σz/n. Every unit of the first phase is then
	// one person (R survey 4.5, twophase, methods approx and simple).
	PhaseApprox PhaseVariance = "approx"
	// PhaseFull takes the joint probabilities of both phases, ΣΣ Δ_kl z_k z_l with
	// Δ = 1 − π_k π_l / π_kl and π = π₁ π₂ (R's method full). As there, first-phase units of
	// an infinite population are taken as independent draws of a random number, so that
	// totals vary more than under PhaseApprox; give a large Population for a fixed number.
	PhaseFull PhaseVariance = "full"
)

// phase is what the variance needs to know of a second phase. Leaves are its people.
type phase struct {
	full    bool
	name    []string
	stratum []int32   // of each leaf; −1 when it was not selected
	chance  []float64 // n_g/N_g of each stratum
	size    []int     // n_g
	psu     []int32   // first-phase unit of each leaf
}

func (s *SecondPhase) check(rows int) error {
	var faults []error
	if len(s.Selected) != rows {
		faults = append(faults, fmt.Errorf("second phase: %d marks of those selected for %d rows; give one for each row", len(s.Selected), rows))
	}
	if s.Stratum != nil && len(s.Stratum) != rows {
		faults = append(faults, fmt.Errorf("second phase: %d strata for %d rows; give one for each row, or none", len(s.Stratum), rows))
	}
	switch s.Variance {
	case "", PhaseApprox, PhaseFull:
	default:
		faults = append(faults, fmt.Errorf("second phase: variance %q is unknown; use %s or %s", s.Variance, PhaseApprox, PhaseFull))
	}
	return errors.Join(faults...)
}

// weigh multiplies the weights of those selected by N_g/n_g and makes the others zero;
// it returns the stratum of each row beside the phase. Rows that weigh nothing already
// are nobody and do not count.
func (s *SecondPhase) weigh(weight []float64) (*phase, []int32, error) {
	l := encode(s.Stratum).sorted()
	p := &phase{full: s.Variance == PhaseFull, name: l.name, chance: make([]float64, len(l.name)), size: make([]int, len(l.name))}
	all, code := make([]int, len(l.name)), make([]int32, len(weight))
	for i, w := range weight {
		code[i] = l.at(i)
		if w == 0 {
			continue
		}
		all[code[i]]++
		if s.Selected[i] {
			p.size[code[i]]++
		}
	}
	for g, n := range p.size {
		switch {
		case all[g] == 0:
			continue
		case n == 0:
			return nil, nil, fmt.Errorf("second phase: nobody of stratum %q was selected; merge it with another", l.name[g])
		case n == 1 && all[g] > 1:
			return nil, nil, fmt.Errorf("second phase: only one of %d people of stratum %q was selected, so it has no variance; merge it with another", all[g], l.name[g])
		}
		p.chance[g] = float64(n) / float64(all[g])
	}
	for i := range weight {
		if s.Selected[i] {
			weight[i] /= p.chance[code[i]]
		} else {
			weight[i] = 0
		}
	}
	return p, code, nil
}

// covariance adds both phases. z has a row for each leaf.
func (p *phase) covariance(z grid, l *layout) *mat.SymDense {
	out := newSquares(z.columns)
	p.second(z, out)
	if p.full {
		p.fullFirst(z, l, out)
		out.settle(z)
	} else {
		p.approximateFirst(z, l, out)
	}
	return out.matrix()
}

// second adds Σ_g (1−f_g) n_g/(n_g−1) Σ(z−z̄_g)(z−z̄_g)′.
func (p *phase) second(z grid, out squares) {
	means := newGrid(len(p.size), z.columns)
	for i, g := range p.stratum {
		if g >= 0 {
			floats.Add(means.row(int(g)), z.row(i))
		}
	}
	for g, n := range p.size {
		floats.Scale(1/float64(max(n, 1)), means.row(g))
	}
	d := make([]float64, z.columns)
	for i, g := range p.stratum {
		if g < 0 {
			continue
		}
		if scale := (1 - p.chance[g]) * besselOrOne(p.size[g]); scale > 0 {
			out.add(scale, floats.SubTo(d, z.row(i), means.row(int(g))))
		}
	}
}

// approximateFirst adds Σ_h (1−f_h) n_h/(n_h−1) Σ (p z − c)(p z − c)′/p, c = Σz/n_h.
func (p *phase) approximateFirst(z grid, l *layout, out squares) {
	centre := newGrid(len(l.size), z.columns)
	for i, u := range p.psu {
		floats.Add(centre.row(l.stratum[u]), z.row(i))
	}
	for h, n := range l.size {
		floats.Scale(1/float64(n), centre.row(h))
	}
	d := make([]float64, z.columns)
	for i, u := range p.psu {
		if p.stratum[i] < 0 {
			continue
		}
		h, chance := l.stratum[u], p.chance[p.stratum[i]]
		for j, x := range z.row(i) {
			d[j] = chance*x - centre.row(h)[j]
		}
		out.add((1-l.fractionOf(h))*besselOrOne(l.size[h])/chance, d)
	}
}

// fullFirst adds ΣΣ Δ₁_kl (π₂_k π₂_l/π₂_kl) z_k z_l′. Within a first-phase stratum of n
// units Δ₁ is 1−f in the same unit and −(1−f)/(n−1) in two; so with Q(S) the sum of
// (π₂_k π₂_l/π₂_kl) z_k z_l′ over all pairs of a set S,
//
//	Σ_h (1−f_h)/(n_h−1) (n_h Σ_i Q(unit i) − Q(stratum h)),
//
// and Σ_i Q(unit i) where the population is infinite.
func (p *phase) fullFirst(z grid, l *layout, out squares) {
	n := make([]float64, len(l.stratum))
	group := make([]int32, len(p.psu))
	for u, h := range l.stratum {
		n[u] = 1
		if f := l.fractionOf(h); f > 0 {
			n[u] = (1 - f) * besselOrOne(l.size[h])
		}
	}
	p.pairs(z, p.psu, n, out)
	whole := make([]float64, len(l.size))
	for h, size := range l.size {
		if f := l.fractionOf(h); f > 0 && size > 1 {
			whole[h] = -(1 - f) / float64(size-1)
		}
	}
	for i, u := range p.psu {
		group[i] = int32(l.stratum[u])
	}
	p.pairs(z, group, whole, out)
}

// pairs adds Σ_S scale_S Q(S) over groups S of people. As π₂_k π₂_l/π₂_kl is π₂ for k = l,
// c_g = f_g (N_g−1)/(n_g−1) for two people of one second-phase stratum and 1 otherwise,
// Q(S) = T T′ + Σ_g (c_g−1) T_g T_g′ + Σ_k (π₂_k − c_g) z_k z_k′ with totals T.
func (p *phase) pairs(z grid, group []int32, scale []float64, out squares) {
	both := func(g int32) float64 {
		n := float64(p.size[g])
		if n == 1 {
			return 1
		}
		return (n - p.chance[g]) / (n - 1)
	}
	totals := newGrid(len(scale), z.columns)
	index, code := newPairs(len(scale), len(p.size), len(group)), make([]int32, len(group))
	for i, s := range group {
		if p.stratum[i] < 0 {
			continue
		}
		floats.Add(totals.row(int(s)), z.row(i))
		g := p.stratum[i]
		code[i] = index.code(s, g)
		out.add(scale[s]*(p.chance[g]-both(g)), z.row(i))
	}
	for s, x := range scale {
		out.add(x, totals.row(s))
	}
	crossed := newGrid(len(index.keys), z.columns)
	for i, k := range code {
		if p.stratum[i] >= 0 {
			floats.Add(crossed.row(int(k)), z.row(i))
		}
	}
	for k, key := range index.keys {
		s, g := index.split(key)
		out.add(scale[s]*(both(g)-1), crossed.row(k))
	}
}

// df counts degrees of freedom of the second phase, people − strata.
func (p *phase) df(rule DFRule) float64 {
	if rule == DFNormal {
		return math.Inf(1)
	}
	df := 0
	for _, n := range p.size {
		df += max(n-1, 0)
	}
	return float64(df)
}
