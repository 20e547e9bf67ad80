// Package parallel runs independent pieces of work on all cores. What a piece is must
// not depend on how many cores there are, so that neither does a sum.
package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Do calls work for 0 to n−1, each once, and returns when all are done.
func Do(n int, work func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			work(i)
		}
		return
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				work(int(i))
			}
		})
	}
	all.Wait()
}

// Blocks calls work for consecutive ranges of 0 to n, of at most size each.
func Blocks(n, size int, work func(block, from, to int)) {
	Do((n+size-1)/size, func(b int) {
		work(b, b*size, min((b+1)*size, n))
	})
}
