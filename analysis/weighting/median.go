package weighting

import (
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// median of the weights above zero, of which there are n: the middle one, or the mean
// of the middle two; NaN without any.
func median(w []float64, n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	at, buckets := narrow(w, (n-1)/2)
	last := buckets[len(buckets)-1]
	middle := last[at]
	if n%2 == 1 {
		return middle
	}
	return (middle + following(last, at, buckets)) / 2
}

// following is the number after the one at a place of the last bucket, in order.
func following(last []float64, at int, buckets [][]float64) float64 {
	if at+1 < len(last) {
		return last[at+1]
	}
	next := math.Inf(1)
	for _, x := range slices.Backward(buckets) {
		for _, v := range x {
			if v > last[at] && v < next {
				next = v
			}
		}
		if !math.IsInf(next, 1) {
			break
		}
	}
	return next
}

// narrow finds ever fewer consecutive weights, the last of them in order, that have
// among them the k-th smallest above zero, counted from 0, and where in the last it is.
// Positive floats have the order of their bits, so counting the leading 16 bits tells in
// which bucket it lies; only that bucket is looked at further.
func narrow(w []float64, k int) (int, [][]float64) {
	buckets := [][]float64{w}
	x := w
	if len(w) <= fewWeights {
		x = slices.DeleteFunc(slices.Clone(w), func(v float64) bool { return !(v > 0) })
		buckets = append(buckets, x)
	}
	for shift := 48; len(x) > fewWeights && shift >= 0; shift -= 16 {
		counts := countDigits(x, shift)
		all := make([]int32, digits)
		for _, count := range counts {
			for d, n := range count {
				all[d] += n
			}
		}
		d := 0
		for k >= int(all[d]) {
			k -= int(all[d])
			d++
		}
		x = bucket(x, shift, d, counts)
		buckets = append(buckets, x)
	}
	slices.Sort(x)
	return k, buckets
}

// fewWeights are sorted sooner than counted.
const fewWeights = 1 << 12

// countPieces is in how many pieces weights are counted; digits is how many there are.
const (
	countPieces = 8
	digits      = 1 << 16
)

// pieceSize is that of a piece of n weights.
func pieceSize(n int) int { return max((n+countPieces-1)/countPieces, blockRows) }

// countDigits counts the weights above zero by digit, in pieces.
func countDigits(x []float64, shift int) [][]int32 {
	size := pieceSize(len(x))
	counts := make([][]int32, (len(x)+size-1)/size)
	parallel.Blocks(len(x), size, func(b, from, to int) {
		count := make([]int32, digits)
		for _, v := range x[from:to] {
			if v > 0 {
				count[digit(v, shift)]++
			}
		}
		counts[b] = count
	})
	return counts
}

// bucket are the weights above zero with a digit, in their order.
func bucket(x []float64, shift, d int, counts [][]int32) []float64 {
	at := make([]int, len(counts)+1)
	for b, count := range counts {
		at[b+1] = at[b] + int(count[d])
	}
	all := make([]float64, at[len(counts)])
	parallel.Blocks(len(x), pieceSize(len(x)), func(b, from, to int) {
		into := all[at[b]:at[b]:at[b+1]]
		for _, v := range x[from:to] {
			if v > 0 && digit(v, shift) == d {
				into = append(into, v)
			}
		}
	})
	return all
}

// digit is the 16 bits of a number from shift on.
func digit(v float64, shift int) int {
	return int(math.Float64bits(v)>>shift) & 0xffff
}
