package replicate

import (
	"math"
	"math/rand/v2"

	"github.com/suyang-survey/suyang/analysis"
)

// Bootstrap draws n_h − 1 of the n_h PSUs of each stratum with replacement, and gives one
// that was drawn k times the multiplier
//
//	1 − λ + λ · n_h/(n_h−1) · k,  λ = √(1−f_h)
//
// (Rao, Wu and Yue 1992). Without finite populations λ is 1; this is R's subbootstrap
// (survey 4.5, subbootweights) and "the" bootstrap of official statistics. The variance
// is the mean square around the mean of the replicates, 1/(R−1) Σ(θ_r − θ̄)².
//
// The same seed gives the same replicates, and a larger number of them adds to those.
func Bootstrap(source Source, replicates int, seed uint64) (*Set, error) {
	s, err := oneStage(source)
	if err != nil {
		return nil, err
	}
	if err := checkReplicates(replicates); err != nil {
		return nil, err
	}
	t := newTable(s.Units(), replicates)
	t.fill(func(r int, m []float64) {
		random := generator(seed, r)
		for h, psus := range s.psus {
			s.raoWuYue(random, h, psus, m)
		}
	})
	return s.bootstrap(MethodBootstrap, t, seed)
}

// raoWuYue fills in the multipliers of one stratum.
func (s strata) raoWuYue(random *rand.Rand, h int, psus []int, m []float64) {
	if !s.kept[h] {
		for _, psu := range psus {
			m[psu] = 1
		}
		return
	}
	n := len(psus)
	lambda := math.Sqrt(1 - s.Fraction[h])
	for _, psu := range psus {
		m[psu] = 1 - lambda
	}
	for range n - 1 {
		m[psus[random.IntN(n)]] += lambda * float64(n) / float64(n-1)
	}
}

// bootstrap makes the set of multipliers that keep the size of every stratum.
func (s strata) bootstrap(method Method, t *table, seed uint64) (*Set, error) {
	size, any := make([]int, len(s.psus)), false
	for h, psus := range s.psus {
		size[h] = len(psus)
		any = any || s.kept[h]
	}
	if !any && len(s.Later) == 0 {
		return nil, errCensus
	}
	// The rank is that of the strata, or the number of replicates when these are fewer;
	// lower only when replicates happen to coincide, which says nothing about the sample.
	t.known = func(seen []bool) int {
		return min(t.columns, stratifiedRank(s.Stratum, size, s.kept, s.seenPSUs(seen)))
	}
	return &Set{method: method, seed: seed, scale: 1 / float64(t.columns-1), rscales: ones(t.columns),
		centre: ReplicateMean, designDF: s.df(), multipliers: t}, nil
}

// seenPSUs are the PSUs with a unit that is seen.
func (s strata) seenPSUs(seen []bool) []bool {
	psus := make([]bool, len(s.PSUs))
	for u, psu := range s.psuOfUnits() {
		psus[psu] = psus[psu] || seen[u]
	}
	return psus
}

// psuOfUnits is the PSU of each of the smallest units.
func (s strata) psuOfUnits() []int {
	of := make([]int, len(s.PSUs))
	for psu := range of {
		of[psu] = psu
	}
	for _, stage := range s.Later {
		below := make([]int, len(stage.Stratum))
		for u, psu := range of {
			for v := stage.First[u]; v < stage.First[u+1]; v++ {
				below[v] = psu
			}
		}
		of = below
	}
	return of
}

// Preston draws half of the units of every stratum without replacement, at each stage
// within the units drawn at the stage before, and so counts finite populations at every
// stage (Preston 2009; R survey 4.5, mrbweights). With n* = ⌊n/2⌋, δ_s = 1 for a unit
// that was drawn at stage s and 0 otherwise, and f_s the sampling fractions, the
// multiplier of a unit is
//
//	1 + Σ_s λ_s (n_s/n*_s δ_s − 1) Π_{t<s} √(n_t/n*_t) δ_t,
//	λ_s = √(n*_s (1−f_s)/(n_s − n*_s) · Π_{t<s} f_t)
//
// Single units within a unit add nothing at their stage. The variance is the mean square
// around the mean of the replicates.
func Preston(source Source, replicates int, seed uint64) (*Set, error) {
	s, err := strataOf(source)
	if err != nil {
		return nil, err
	}
	if err := checkReplicates(replicates); err != nil {
		return nil, err
	}
	stages := s.halves()
	t := newTable(s.Units(), replicates)
	t.fill(func(r int, m []float64) { copy(m, prestonReplicate(stages, generator(seed, r))) })
	return s.bootstrap(MethodPreston, t, seed)
}

// half is one stage of Preston's bootstrap.
type half struct {
	parent []int   // of each unit: that of the stage before
	strata [][]int // units of each stratum
	lambda []float64
}

// halves prepares the stages.
func (s strata) halves() []half {
	fraction := append([]float64(nil), s.Fraction...)
	for h, kept := range s.kept {
		if !kept {
			fraction[h] = 1
		}
	}
	above := []float64{1}
	first := half{parent: make([]int, len(s.PSUs)), strata: s.psus}
	above = first.prepare(s.Stratum, fraction, above)
	stages := []half{first}
	for _, later := range s.Later {
		stages = append(stages, laterHalf(later))
		above = stages[len(stages)-1].prepare(later.Stratum, later.Fraction, above)
	}
	return stages
}

func laterHalf(later analysis.LaterSelection) half {
	stage := half{parent: make([]int, len(later.Stratum)), strata: make([][]int, len(later.Fraction))}
	for u := range later.First[:len(later.First)-1] {
		for v := later.First[u]; v < later.First[u+1]; v++ {
			stage.parent[v] = u
		}
	}
	for u, h := range later.Stratum {
		stage.strata[h] = append(stage.strata[h], u)
	}
	return stage
}

// prepare computes λ of each stratum, and the product of fractions down to each unit.
func (stage *half) prepare(stratum []int, fraction, above []float64) []float64 {
	stage.lambda = make([]float64, len(stage.strata))
	for h, units := range stage.strata {
		n := len(units)
		if n < 2 {
			continue
		}
		drawn := n / 2
		stage.lambda[h] = math.Sqrt(float64(drawn) * max(1-fraction[h], 0) / float64(n-drawn) * above[stage.parent[units[0]]])
	}
	down := make([]float64, len(stratum))
	for u, h := range stratum {
		down[u] = above[stage.parent[u]] * fraction[h]
	}
	return down
}

// prestonReplicate is one replicate, by the smallest units.
func prestonReplicate(stages []half, random *rand.Rand) []float64 {
	sum, carry := []float64{1}, []float64{1}
	for _, stage := range stages {
		below, carried := make([]float64, len(stage.parent)), make([]float64, len(stage.parent))
		for h, units := range stage.strata {
			n := len(units)
			drawn := n / 2
			chosen := random.Perm(n)
			for place, i := range chosen {
				u := units[i]
				p := stage.parent[u]
				below[u] = sum[p]
				if drawn == 0 {
					continue
				}
				up := float64(n) / float64(drawn)
				if place < drawn {
					below[u] += carry[p] * stage.lambda[h] * (up - 1)
					carried[u] = carry[p] * math.Sqrt(up)
				} else {
					below[u] -= carry[p] * stage.lambda[h]
				}
			}
		}
		sum, carry = below, carried
	}
	return sum
}
