package sampling

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Scores are what an allocation is proportional to, one for each stratum.
type Scores []float64

// EqualScores give every stratum the same.
func EqualScores(strata int) Scores {
	s := make(Scores, strata)
	for h := range s {
		s[h] = 1
	}
	return s
}

// ProportionalScores are N_h.
func ProportionalScores(size []float64) Scores { return slices.Clone(size) }

// RootScores are √N_h, between proportional and equal.
func RootScores(size []float64) Scores { return PowerScores(size, nil, 0.5) }

// NeymanScores are N_h S_h, with S_h the standard deviation within the stratum: the
// least variance of the total for a given n (Neyman 1934).
func NeymanScores(size, deviation []float64) Scores { return products(size, deviation, 1) }

// PowerScores are C_h X_h^q, with X_h the size and C_h the coefficient of variation
// within the stratum, which is 1 throughout when cv is nil (Bankier 1988). q = 1 serves
// the total of all strata, q = 0 makes the strata equally precise.
func PowerScores(size, cv []float64, q float64) Scores { return products(size, cv, q) }

func products(size, factor []float64, q float64) Scores {
	s := make(Scores, len(size))
	for h, x := range size {
		s[h] = math.Pow(x, q)
		if factor != nil {
			s[h] *= factor[h]
		}
	}
	return s
}

// Limits are the least and the most of each stratum; nil means none and any number.
type Limits struct{ Least, Most []int }

func (l Limits) of(h int) (least, most float64) {
	most = math.Inf(1)
	if l.Least != nil {
		least = float64(l.Least[h])
	}
	if l.Most != nil {
		most = float64(l.Most[h])
	}
	return least, most
}

// Allocate shares n among the strata in proportion to the scores and within the limits:
// n_h = min(most, max(least, λ s_h)), with the λ that makes them add up to n. The shares
// are not whole; Round makes them so. Limits that leave no room for n are an error.
func Allocate(n int, scores Scores, limits Limits) ([]float64, error) {
	least, most, highest := 0.0, 0.0, 0.0
	for h, s := range scores {
		if !(s >= 0) || math.IsInf(s, 0) {
			return nil, fmt.Errorf("stratum %d has the score %v; scores are 0 or more", h, s)
		}
		lo, hi := limits.of(h)
		if lo > hi {
			return nil, fmt.Errorf("stratum %d has at least %v and at most %v; lower the least", h, lo, hi)
		}
		least += lo
		if s == 0 {
			hi = lo
		}
		most += hi
		highest = max(highest, s)
	}
	switch {
	case float64(n) < least:
		return nil, fmt.Errorf("%d is below %v, what the strata have at least together; raise it, or lower the least", n, least)
	case float64(n) > most:
		return nil, fmt.Errorf("%d is above %v, what the strata have at most together; lower it", n, most)
	case highest == 0:
		return clamp(0, scores, limits), nil
	}
	return clamp(multiplier(float64(n), scores, limits), scores, limits), nil
}

// multiplier finds λ. The sum of the shares rises with it, in pieces that are linear
// between the values where a stratum reaches a limit.
func multiplier(n float64, scores Scores, limits Limits) float64 {
	var bends []float64
	for h, s := range scores {
		if s == 0 {
			continue
		}
		lo, hi := limits.of(h)
		if bends = append(bends, lo/s); !math.IsInf(hi, 1) {
			bends = append(bends, hi/s)
		}
	}
	slices.Sort(bends)
	k, _ := slices.BinarySearchFunc(bends, n, func(bend, n float64) int {
		sum := 0.0
		for _, x := range clamp(bend, scores, limits) {
			sum += x
		}
		return cmp.Compare(sum, n)
	})
	if k == 0 {
		return bends[0]
	}
	// λ lies above bends[k−1]: strata between their limits there are free.
	fixed, free := 0.0, 0.0
	for h, s := range scores {
		lo, hi := limits.of(h)
		switch {
		case s == 0 || lo/s > bends[k-1]:
			fixed += lo
		case hi/s <= bends[k-1]:
			fixed += hi
		default:
			free += s
		}
	}
	if free == 0 {
		return bends[k-1]
	}
	return (n - fixed) / free
}

func clamp(lambda float64, scores Scores, limits Limits) []float64 {
	x := make([]float64, len(scores))
	for h, s := range scores {
		lo, hi := limits.of(h)
		x[h] = min(hi, max(lo, lambda*s))
	}
	return x
}

// Round makes shares whole and keeps their sum, which is rounded: every share becomes
// the whole number below or above it, the largest remainders go up (Hamilton), and
// ties go to the earlier stratum. Shares within limits stay so, as limits are whole.
func Round(shares []float64) []int {
	sum := 0.0
	counts := make([]int, len(shares))
	order := make([]int, len(shares))
	left := 0
	for h, x := range shares {
		sum += x
		counts[h] = int(math.Floor(x + hair))
		left -= counts[h]
		order[h] = h
	}
	left += int(math.Round(sum))
	remainder := func(h int) float64 { return math.Round((shares[h] - float64(counts[h])) / hair) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainder(b), remainder(a)) })
	for _, h := range order[:min(max(left, 0), len(order))] {
		counts[h]++
	}
	return counts
}

// hair is what rounding in sums may add to a share.
const hair = 1e-9

// CostAllocation is the allocation with the least variance of the total for a cost of
// Σ c_h n_h: n_h = C (N_h S_h/√c_h) / Σ N_h S_h √c_h (Cochran 1977, sec. 5.5).
func CostAllocation(cost float64, size, deviation, unitCost []float64) []float64 {
	_, times := costSums(size, deviation, unitCost)
	n := make([]float64, len(size))
	for h := range n {
		n[h] = cost * size[h] * deviation[h] / math.Sqrt(unitCost[h]) / times
	}
	return n
}

// VarianceAllocation is the allocation with the least cost for a coefficient of
// variation cv of the mean: with W_h = N_h/N, n_h = (W_h S_h/√c_h) Σ W S √c /
// ((cv·ȳ)² + Σ W S²/N) (Cochran 1977, sec. 5.5).
func VarianceAllocation(cv, mean float64, size, deviation, unitCost []float64) []float64 {
	_, times := costSums(size, deviation, unitCost)
	population, within := 0.0, 0.0
	for h, x := range size {
		population += x
		within += x * deviation[h] * deviation[h]
	}
	below := math.Pow(cv*mean, 2)*population*population + within
	n := make([]float64, len(size))
	for h := range n {
		n[h] = size[h] * deviation[h] / math.Sqrt(unitCost[h]) * times / below
	}
	return n
}

// costSums are Σ N S/√c and Σ N S √c.
func costSums(size, deviation, unitCost []float64) (over, times float64) {
	for h, x := range size {
		over += x * deviation[h] / math.Sqrt(unitCost[h])
		times += x * deviation[h] * math.Sqrt(unitCost[h])
	}
	return over, times
}
