package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// QuantileRule says which value of a step-shaped distribution function is the
// quantile (Hyndman and Fan 1996, with weights in place of counts; the names are
// those of R survey 4.5, svyquantile).
type QuantileRule string

// The rules for quantiles. Those of the first block look only at the distribution of
// the values and are the same whatever the order of the rows; the others interpolate
// between neighbouring people, so where several people share a value and differ in
// weight, their order in the columns has a small influence, as in R.
const (
	QuantileMath   QuantileRule = "math"   // the smallest value with F ≥ p (Hyndman-Fan 1)
	QuantileSchool QuantileRule = "school" // the same, but the middle of two values where F = p (2)
	QuantileHF1    QuantileRule = "hf1"    // as math
	QuantileHF2    QuantileRule = "hf2"    // as school
	QuantileHF3    QuantileRule = "hf3"    // as math, but where F = p at an even step the value itself

	QuantileHF4 QuantileRule = "hf4" // F interpolated, F(x_k) = C_k/C_n with C the cumulated weights
	QuantileHF5 QuantileRule = "hf5" // interpolated, (C_k − w_k/2)/C_n
	QuantileHF6 QuantileRule = "hf6" // interpolated, C_k/(C_n + w_n)
	QuantileHF7 QuantileRule = "hf7" // interpolated, C_{k−1}/C_{n−1}
	QuantileHF8 QuantileRule = "hf8" // interpolated, (C_{k−1} + 2C_k)/3 over C_n + w_n/3
	QuantileHF9 QuantileRule = "hf9" // interpolated, (3C_{k−1} + 5C_k)/8 over C_n + w_n/4

	// Shah and Vaish (2006): the value at the last (C_k + ½ − w_k/2)/(n+1) ≤ p, with the
	// weights scaled to a mean of 1. QuantileShahVaishR is what R survey 4.5 computes
	// under that name: it does not scale the last w_k, so that the answer depends on the
	// unit of the weights and its interval may leave the estimate out. It is there to
	// reproduce R; do not publish with it.
	QuantileShahVaish  QuantileRule = "shahvaish-scaled"
	QuantileShahVaishR QuantileRule = "shahvaish"
)

// discrete says whether the rule needs no more than the weight of each value.
func (r QuantileRule) discrete() bool {
	switch r {
	case QuantileMath, QuantileSchool, QuantileHF1, QuantileHF2, QuantileHF3:
		return true
	}
	return false
}

// check finds out whether the rule exists.
func (r QuantileRule) check() error {
	switch r {
	case QuantileHF4, QuantileHF5, QuantileHF6, QuantileHF7, QuantileHF8, QuantileHF9, QuantileShahVaish, QuantileShahVaishR:
		return nil
	}
	if r.discrete() {
		return nil
	}
	return fmt.Errorf("quantile rule %q is unknown; use %s, %s, %s or %s to %s",
		string(r), QuantileMath, QuantileSchool, QuantileShahVaish, QuantileHF1, QuantileHF9)
}

// distribution is a weighted sample in the order of its values: of people, or of
// distinct values when all that is asked for is discrete.
type distribution struct {
	value, weight []float64
	below         []float64 // cumulated weights, C_k
}

// newDistribution sorts people by value, and those of one value by their place.
// Neither slice is changed.
func newDistribution(value, weight []float64) distribution {
	order := make([]int32, len(value))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(value[a], value[b]) })
	f := distribution{value: make([]float64, len(order)), weight: make([]float64, len(order))}
	for k, i := range order {
		f.value[k], f.weight[k] = value[i], weight[i]
	}
	f.cumulate()
	return f
}

// cumulate fills below, with compensated sums: a step is then found where it is.
func (f *distribution) cumulate() {
	f.below = make([]float64, len(f.weight))
	var s neumaier
	for k, w := range f.weight {
		s.add(w)
		f.below[k] = s.sum()
	}
}

// distinct merges the people of one value.
func (f distribution) distinct() distribution {
	var g distribution
	for k, v := range f.value {
		if k > 0 && v == f.value[k-1] {
			g.weight[len(g.weight)-1] += f.weight[k]
			g.below[len(g.below)-1] = f.below[k]
			continue
		}
		g.value = append(g.value, v)
		g.weight = append(g.weight, f.weight[k])
		g.below = append(g.below, f.below[k])
	}
	return g
}

// total is C_n.
func (f distribution) total() float64 { return f.below[len(f.below)-1] }

// quantile is the value at p under a rule; NaN where p is not a probability or nobody
// is there.
func (f distribution) quantile(p float64, rule QuantileRule) float64 {
	n := len(f.value)
	switch {
	case n == 0 || !(p >= 0 && p <= 1):
		return math.NaN()
	case n == 1:
		return f.value[0]
	case rule.discrete():
		return f.step(p, rule)
	case rule == QuantileHF4:
		return f.linear(p)
	case rule == QuantileShahVaish:
		return f.shahVaish(p, f.total()/float64(n))
	case rule == QuantileShahVaishR:
		return f.shahVaish(p, 1)
	}
	return f.interpolate(p, rule)
}

// sameStep is the distance to a step, as a share of all weights, that is rounding.
const sameStep = 1e-14

// step is the quantile of the discrete rules.
func (f distribution) step(p float64, rule QuantileRule) float64 {
	n, total := len(f.value), f.total()
	k, _ := slices.BinarySearchFunc(f.below, p, func(c, p float64) int {
		if c/total-p < -sameStep {
			return -1
		}
		return 1
	})
	k = min(k, n-1) // the first with C_k/C_n ≥ p
	at := math.Abs(f.below[k]/total-p) <= sameStep
	if !at || k == n-1 {
		return f.value[k]
	}
	switch rule {
	case QuantileSchool, QuantileHF2:
		return (f.value[k] + f.value[k+1]) / 2
	case QuantileHF3:
		if f.distinctUpTo(k)%2 != 0 {
			return f.value[k+1]
		}
	}
	return f.value[k]
}

// distinctUpTo counts the distinct values of the first k+1.
func (f distribution) distinctUpTo(k int) int {
	n := 1
	for i := 1; i <= k; i++ {
		if f.value[i] != f.value[i-1] {
			n++
		}
	}
	return n
}

// linear interpolates F itself, below its first step without end (Hyndman-Fan 4; the
// first step is extended to the left as in R).
func (f distribution) linear(p float64) float64 {
	n, total := len(f.value), f.total()
	k, _ := slices.BinarySearchFunc(f.below, p*total, func(c, t float64) int {
		if c <= t {
			return -1
		}
		return 1
	})
	low := max(k-1, 0)
	if low == n-1 {
		return f.value[low]
	}
	a, b := f.below[low]/total, f.below[low+1]/total
	g := (p - a) / (b - a)
	return f.value[low]*(1-g) + f.value[low+1]*g
}

// interpolate is the quantile of the rules 5 to 9, each of which puts person k at
// another point of the probability axis.
func (f distribution) interpolate(p float64, rule QuantileRule) float64 {
	lo, hi := 0, len(f.value)-1
	if p <= f.point(lo, rule) {
		return f.value[lo]
	}
	if p >= f.point(hi, rule) {
		return f.value[hi]
	}
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; f.point(mid, rule) <= p {
			lo = mid
		} else {
			hi = mid
		}
	}
	a, b := f.point(lo, rule), f.point(hi, rule)
	return f.value[lo] + (f.value[hi]-f.value[lo])*((p-a)/(b-a))
}

// point is where a rule puts person k on the probability axis.
func (f distribution) point(k int, rule QuantileRule) float64 {
	n := len(f.value)
	c, w, total, last := f.below[k], f.weight[k], f.total(), f.weight[n-1]
	var before float64
	if k > 0 {
		before = f.below[k-1]
	}
	switch rule {
	case QuantileHF5:
		return (c - w/2) / total
	case QuantileHF6:
		return c / (total + last)
	case QuantileHF7:
		return before / f.below[n-2]
	case QuantileHF8:
		return (before/3 + c*2/3) / (total + last/3)
	}
	return (before*3/8 + c*5/8) / (total + last/4)
}

// shahVaish is the value at the last point ≤ p, the points in order; before the first
// of them, the value there. scale is what w_k is divided by.
func (f distribution) shahVaish(p, scale float64) float64 {
	n := float64(len(f.value))
	mean := f.total() / n
	best, first := math.Inf(-1), math.Inf(1)
	var q, atFirst float64
	for k, c := range f.below {
		point := (c/mean + 0.5 - f.weight[k]/scale/2) / (n + 1)
		if point <= p && point >= best {
			best, q = point, f.value[k]
		}
		if point < first {
			first, atFirst = point, f.value[k]
		}
	}
	if math.IsInf(best, -1) {
		return atFirst
	}
	return q
}

// neumaier adds numbers and keeps what rounding loses (Neumaier 1974).
type neumaier struct{ s, lost float64 }

func (n *neumaier) add(x float64) {
	t := n.s + x
	if math.Abs(n.s) >= math.Abs(x) {
		n.lost += (n.s - t) + x
	} else {
		n.lost += (x - t) + n.s
	}
	n.s = t
}

func (n *neumaier) sum() float64 { return n.s + n.lost }
