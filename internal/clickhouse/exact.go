package clickhouse

import (
	"math"
	"math/bits"
)

// extent is the range of positive numbers; the zero value is that of none.
type extent struct{ min, max float64 }

// with is the smallest extent around both.
func (e extent) with(o extent) extent {
	switch {
	case e.max == 0:
		return o
	case o.max == 0:
		return e
	}
	return extent{math.Min(e.min, o.min), math.Max(e.max, o.max)}
}

// times is where the products are.
func (e extent) times(o extent) extent { return extent{e.min * o.min, e.max * o.max} }

// scale says how float64 terms are written as whole numbers, so that adding them loses
// nothing: whatever the order of people, the sum is the same. A number counts units of 2 to
// the power of low and has so many limbs of 64 bits, the lowest first.
//
// Terms x with min ≤ x ≤ max < 2^e are multiples of 2^(⌊log2 min⌋−52), and the sum of n of
// them is smaller than n·2^e.
type scale struct {
	low, limbs int
	// counted sums know how many terms they are of: it is in the highest bits of the last limb.
	counted bool
}

// countBits are enough for as many people as live.
const countBits = 34

// counting is the scale of sums that know how many terms, at most n, they are of.
func counting(in extent, n uint64) scale {
	s := scaleOf(in, n)
	s.limbs, s.counted = (s.size(in, n)+countBits+63)/64, true
	return s
}

// scaleOf is the scale of sums of at most n terms.
func scaleOf(in extent, n uint64) scale {
	s := scale{limbs: 1}
	if in.max == 0 {
		return s
	}
	_, low := math.Frexp(in.min)
	s.low = low - 1 - 53 // one bit more below: the extent of a product was rounded
	s.limbs = (s.size(in, n) + 63) / 64
	return s
}

// size is how many bits the sum of n terms takes.
func (s scale) size(in extent, n uint64) int {
	if in.max == 0 {
		return 0
	}
	_, top := math.Frexp(in.max)
	return top + 1 + bits.Len64(n) - s.low // one bit more above
}

// split writes a term, zero or within the extent, into limbs.
func (s scale) split(x float64, limbs []uint64) {
	var whole uint64
	var at, by int
	if x != 0 {
		b := math.Float64bits(x) // of a positive number that is not denormal: 11 bits of exponent, 52 of fraction
		shift := int(b>>52) - 1075 - s.low
		whole, at, by = b&(1<<52-1)|1<<52, shift>>6, shift&63
		if shift < 0 || at >= len(limbs) || at == len(limbs)-1 && whole>>(64-by) != 0 {
			panic("clickhouse: a term lies outside the extent that was said")
		}
	}
	for i := range limbs {
		limb := uint64(0)
		switch i {
		case at:
			limb = whole << by
		case at + 1:
			limb = whole >> (64 - by)
		}
		limbs[i] = limb
	}
	if s.counted {
		limbs[len(limbs)-1] |= 1 << (64 - countBits)
	}
}

// terms is how many terms a counted sum is of.
func terms(sum []uint64) int { return int(sum[len(sum)-1] >> (64 - countBits)) }

// add adds a number to another of the same scale.
func add(sum, limbs []uint64) {
	if len(limbs) == 2 {
		lo, carry := bits.Add64(sum[0], limbs[0], 0)
		sum[0] = lo
		sum[1] += limbs[1] + carry
		return
	}
	var carry uint64
	for i, l := range limbs {
		sum[i], carry = bits.Add64(sum[i], l, carry)
	}
}

// minus is what is left of a sum without a part of it.
func minus(sum, part []uint64) []uint64 {
	left := make([]uint64, len(sum))
	var borrow uint64
	for i := range sum {
		left[i], borrow = bits.Sub64(sum[i], part[i], borrow)
	}
	return left
}

// value is the float64 nearest to a sum.
func (s scale) value(limbs []uint64) float64 {
	top := len(limbs) - 1
	if s.counted {
		var room [8]uint64
		limbs = append(room[:0], limbs...)
		limbs[top] &= 1<<(64-countBits) - 1
	}
	for top > 0 && limbs[top] == 0 {
		top--
	}
	if top == 0 {
		return math.Ldexp(float64(limbs[0]), s.low)
	}
	// The 64 highest bits, of which the last also stands for all that are cut off: 11 bits
	// lie between it and the last one of a float64.
	zeros := bits.LeadingZeros64(limbs[top])
	high := limbs[top]<<zeros | limbs[top-1]>>(64-zeros)
	rest := limbs[top-1] << zeros
	for _, l := range limbs[:top-1] {
		rest |= l
	}
	if rest != 0 {
		high |= 1
	}
	return math.Ldexp(float64(high), s.low+64*top-zeros)
}
