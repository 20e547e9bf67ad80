package weighting

import (
	"math"
	"slices"
)

// median of the weights above zero, of which there are n: the middle one, or the mean
// of the middle two; NaN without any.
func median(w []float64, n int) float64 {
	if n == 0 {
		return math.NaN()
	}
	at, bucket := narrow(w, (n-1)/2)
	middle := bucket[at]
	if n%2 == 1 {
		return middle
	}
	if at+1 < len(bucket) {
		return (middle + bucket[at+1]) / 2
	}
	next := math.Inf(1)
	for _, x := range w {
		if x > middle {
			next = min(next, x)
		}
	}
	return (middle + next) / 2
}

// narrow finds some consecutive weights in order, among them the k-th smallest above
// zero, counted from 0, and where in them it is. Positive floats have the order of their
// bits, so counting the leading 16 bits tells in which bucket it lies; only that bucket
// is looked at further.
func narrow(w []float64, k int) (int, []float64) {
	x := w
	for shift := 48; shift == 48 || len(x) > 1<<10 && shift >= 0; shift -= 16 {
		count := make([]int32, 1<<16)
		for _, v := range x {
			if v > 0 {
				count[digit(v, shift)]++
			}
		}
		d := 0
		for k >= int(count[d]) {
			k -= int(count[d])
			d++
		}
		bucket := make([]float64, 0, count[d])
		for _, v := range x {
			if v > 0 && digit(v, shift) == d {
				bucket = append(bucket, v)
			}
		}
		x = bucket
	}
	slices.Sort(x)
	return k, x
}

// digit is the 16 bits of a number from shift on.
func digit(v float64, shift int) int {
	return int(math.Float64bits(v)>>shift) & 0xffff
}
