package backoff

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// Waits are spread over the whole of a bound that doubles up to the longest, and begin anew
// after a success.
func TestWaits(t *testing.T) {
	const rounds = 2000
	bounds := []time.Duration{100, 200, 400, 500, 500}
	for i, bound := range bounds {
		var most, sum time.Duration
		random := rand.New(rand.NewPCG(1, uint64(i)))
		for range rounds {
			w := New(100, 500, random)
			w.Next()
			w.Reset()
			for range i {
				w.Next()
			}
			d := w.Next()
			most, sum = max(most, d), sum+d
			if d < 0 || d > bound {
				t.Fatalf("wait %d is %d, want at most %d", i, d, bound)
			}
		}
		// The mean of a uniform wait is half the bound; 5 % of it are more than five standard
		// errors of 2,000 waits.
		if mean := sum / rounds; mean < bound*45/100 || mean > bound*55/100 || most < bound*99/100 {
			t.Errorf("wait %d is %d in the mean and %d at most, want half of %d and nearly all of it", i, mean, most, bound)
		}
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	New(time.Hour, time.Hour, rand.New(rand.NewPCG(1, 1))).Sleep(ctx)
	if d := time.Since(began); d > time.Minute {
		t.Errorf("it slept for %v", d)
	}
}
