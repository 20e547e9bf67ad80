package score

import (
	"math"
	"math/bits"

	"github.com/suyang-survey/suyang/surveys"
)

// wordsOf has the bits of some items: item i has bit i%64 of word i/64.
func wordsOf(items []int) []uint64 {
	if len(items) == 0 {
		return nil
	}
	words := make([]uint64, items[len(items)-1]/wordBits+1)
	for _, i := range items {
		words[i/wordBits] |= 1 << (i % wordBits)
	}
	return words
}

// Marked scores somebody of whom only marks are known: bit i%64 of word i/64 of right says
// that item i, in the order of Items, was answered right, and of asked that it was asked.
// Asked is not looked at when the criterion takes items that were not asked for wrong. Bits
// that belong to no item may hold anything.
//
// It fills points, one for each dimension of the criterion, and returns the score: the same
// float64 as those of Score, with NaN where it has NaN.
func (s *Scorer) Marked(right, asked []uint64, points []float64) (total float64) {
	var room [8]tally
	counts := room[:0]
	for i := range s.dimensions {
		counts = append(counts, s.marked(&s.dimensions[i], right, asked))
	}
	return s.total(points, counts)
}

// marked counts the right answers of a dimension and the items they are out of.
func (s *Scorer) marked(d *dimension, right, asked []uint64) tally {
	t := tally{float64(common(right, d.bits)), d.count}
	if s.criterion.Unasked == surveys.UnaskedWrong {
		return t
	}
	of := float64(common(asked, d.bits))
	switch {
	case s.criterion.Unasked == surveys.UnaskedLeftOut:
		t.asked = of
	case of < d.count:
		t.right = math.NaN()
	}
	return t
}

// common is how many bits two lists of words have in common; the second is not longer.
func common(a, b []uint64) (n int) {
	for i, w := range b {
		n += bits.OnesCount64(a[i] & w)
	}
	return n
}
