package intake

import (
	"fmt"
	"testing"
)

// A store that is back gets full blocks again after a few small ones, and one for which the
// larger ones are too large is not offered much larger ones at once.
func TestBlocksGrow(t *testing.T) {
	s := shipping{limit: 10_000, growth: fastest}
	var limits []int
	shrink := func() {
		s.shrink(uint64(s.limit))
		limits = append(limits, s.limit)
	}
	grow := func() {
		s.grow(10_000)
		limits = append(limits, s.limit)
	}
	for range 14 {
		shrink()
	}
	for range 5 {
		grow()
	}
	shrink()
	grow()
	const want = "[5000 2500 1250 625 312 156 78 39 19 9 4 2 1 1 2 8 64 1024 10000 5000 10000]"
	if got := fmt.Sprint(limits); got != want {
		t.Errorf("limits are %s, want %s", got, want)
	}
}
