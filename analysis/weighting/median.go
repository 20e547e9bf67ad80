package weighting

import (
	"math"
	"slices"
)

// median of the weights above zero: the middle one, or the mean of the middle two;
// NaN without any.
func median(w []float64) float64 {
	positive := make([]float64, 0, len(w))
	for _, x := range w {
		if x > 0 {
			positive = append(positive, x)
		}
	}
	n := len(positive)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return smallest(positive, n/2)
	}
	return (smallest(positive, n/2-1) + smallest(positive, n/2)) / 2
}

// smallest is the k-th smallest of positive numbers, counted from 0. Positive floats
// have the order of their bits, so a count of the leading 16 bits tells in which
// bucket it lies; only that bucket is looked at further.
func smallest(x []float64, k int) float64 {
	for shift := 48; len(x) > 1<<10 && shift >= 0; shift -= 16 {
		var count [1 << 16]int32
		for _, v := range x {
			count[digit(v, shift)]++
		}
		d := 0
		for k >= int(count[d]) {
			k -= int(count[d])
			d++
		}
		bucket := make([]float64, 0, count[d])
		for _, v := range x {
			if digit(v, shift) == d {
				bucket = append(bucket, v)
			}
		}
		x = bucket
	}
	return slices.Sorted(slices.Values(x))[k]
}

// digit is the 16 bits of a number from shift on.
func digit(v float64, shift int) int {
	return int(math.Float64bits(v)>>shift) & 0xffff
}
