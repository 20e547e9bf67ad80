package parallel_test

import (
	"sync/atomic"
	"testing"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

func TestDoRunsEachPieceOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		seen := make([]atomic.Int32, n)
		parallel.Do(n, func(i int) { seen[i].Add(1) })
		for i := range seen {
			if got := seen[i].Load(); got != 1 {
				t.Errorf("of %d pieces, piece %d ran %d times", n, i, got)
			}
		}
	}
}

func TestBlocksCoverTheRange(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 25} {
		seen := make([]atomic.Int32, n)
		parallel.Blocks(n, 10, func(block, from, to int) {
			if from != block*10 || to-from > 10 || to <= from {
				t.Errorf("block %d of %d runs from %d to %d", block, n, from, to)
			}
			for i := from; i < to; i++ {
				seen[i].Add(1)
			}
		})
		for i := range seen {
			if got := seen[i].Load(); got != 1 {
				t.Errorf("of %d, %d was covered %d times", n, i, got)
			}
		}
	}
}
