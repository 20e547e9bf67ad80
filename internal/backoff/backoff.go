// Package backoff is how the parts of the program wait before they try again what failed.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Wait makes waits of random length up to a bound that doubles ("full jitter"), so that many
// who lost the same thing do not return to it at the same moment. It belongs to one goroutine.
type Wait struct {
	bound, first, longest time.Duration
	random                *rand.Rand
}

// New returns waits of at most first, then twice that and so on up to longest. random gives
// them their length; nil means a source of the system.
func New(first, longest time.Duration, random *rand.Rand) *Wait {
	if random == nil {
		random = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return &Wait{bound: first, first: first, longest: longest, random: random}
}

// Reset begins anew, after something succeeded.
func (w *Wait) Reset() { w.bound = w.first }

// Next is how long to wait now.
func (w *Wait) Next() time.Duration {
	d := time.Duration(w.random.Int64N(int64(w.bound) + 1))
	w.bound = min(2*w.bound, w.longest)
	return d
}

// Sleep waits, or returns early when ctx ends.
func (w *Wait) Sleep(ctx context.Context) {
	timer := time.NewTimer(w.Next())
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
