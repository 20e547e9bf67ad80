package main

import (
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"
)

// mostRuns ends the repetition of short works, longest that of long ones.
const (
	mostRuns = 1000
	longest  = 10 * time.Second
)

// measured is what was seen of a work.
type measured struct {
	seconds []float64 // of every run, rising
	// allocated is the bytes allocated by one run, freed or not. peak is how many of them
	// were in use at once, seen by a garbage collector that never pauses; what was
	// allocated while it looked counts as used, so that peak is rather too large.
	allocated, peak uint64
	sameBits        bool // on one core and two
	numbers         numbers
	distance        float64 // of weights from their margins; NaN without any
}

func (m measured) median() float64 { return median(m.seconds) }

// measure runs a work: for its bits, for its memory, and then for its time. A work that
// is short is repeated further, for as long as enough says, so that a median is not that
// of a few hiccups; of one that is long, no run begins after longest. Every timed run starts after a garbage collection: it then pays for
// the garbage that it makes itself, not for that of the runs before, and its memory is
// not new to the system, whose first touch costs more than the work on some machines.
func measure(do do, repetitions int, enough time.Duration) (measured, error) {
	var m measured
	one, err := onCores(1, do)
	if err != nil {
		return m, err
	}
	var two answer
	m.allocated = allocated(func() { two, err = onCores(2, do) })
	if err != nil {
		return m, err
	}
	m.sameBits = one.bits() == two.bits()
	m.numbers = one.numbers()
	m.distance = math.NaN()
	if one.margins != nil {
		m.distance = one.distance()
	}
	one, two = answer{}, answer{}

	m.peak = min(m.allocated, peak(do, enough))

	begun := time.Now()
	for len(m.seconds) < repetitions || time.Since(begun) < enough && len(m.seconds) < mostRuns {
		if len(m.seconds) > 0 && time.Since(begun) > longest {
			break
		}
		runtime.GC()
		started := time.Now()
		if _, err := do(); err != nil {
			return m, err
		}
		m.seconds = append(m.seconds, time.Since(started).Seconds())
	}
	slices.Sort(m.seconds)
	return m, nil
}

func onCores(n int, do do) (answer, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	return do()
}

// allocated is the bytes that one run allocates.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// peak is the most bytes in use during runs of a work that succeeds, beyond those in use
// before.
func peak(do do, enough time.Duration) uint64 {
	runtime.GC()
	base, most := live(), uint64(0)
	stop, stopped, ready := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		close(ready)
		for {
			runtime.GC()
			most = max(most, live())
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	<-ready
	for begun, runs := time.Now(), 0; runs < 2 || time.Since(begun) < enough; runs++ {
		must(do())
	}
	close(stop)
	<-stopped
	return most - min(base, most)
}

// live is the bytes of the heap that the last collection found in use.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// must is for works that have succeeded before on the same input.
func must(_ answer, err error) {
	if err != nil {
		panic(fmt.Sprintf("bench: the same work now fails: %v", err))
	}
}

// median is the middle of numbers, or the mean of the two in the middle.
func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// numbers are estimates with their standard errors, and their covariance row after row
// where there is one.
type numbers struct{ values, se, covariance []float64 }

// numbers are those of the answer that R finds too.
func (a answer) numbers() numbers {
	var n numbers
	for _, e := range a.estimates {
		n.values = append(n.values, e.Value)
		n.se = append(n.se, e.SE)
	}
	if a.covariance != nil {
		k := a.covariance.SymmetricDim()
		for i := range k {
			for j := range k {
				n.covariance = append(n.covariance, a.covariance.At(i, j))
			}
		}
	}
	return n
}

// difference is the largest relative difference between two answers: of an estimate
// divided by itself or by its standard error, whichever is larger, since a coefficient
// near zero has no size of its own; of a standard error divided by itself; of the
// covariance of i and j divided by SE_i·SE_j. What only one of the two has is
// infinitely different; covariances are compared where both are given.
func (n numbers) difference(other numbers) float64 {
	if len(n.values) != len(other.values) || len(n.se) != len(other.se) {
		return math.Inf(1)
	}
	worst := 0.0
	compare := func(got, want, size float64) {
		switch off := math.Abs(got - want); {
		case got == want || math.IsNaN(got) && math.IsNaN(want):
		case math.IsNaN(off) || size == 0 || math.IsNaN(size):
			worst = math.Inf(1)
		default:
			worst = max(worst, off/size)
		}
	}
	for i, want := range other.values {
		se := other.se[i]
		size := math.Abs(want)
		if se > size {
			size = se
		}
		compare(n.values[i], want, size)
		compare(n.se[i], se, se)
	}
	if n.covariance == nil || other.covariance == nil {
		return worst
	}
	if len(n.covariance) != len(other.covariance) {
		return math.Inf(1)
	}
	k := len(other.se)
	for i := range k {
		for j := range k {
			compare(n.covariance[i*k+j], other.covariance[i*k+j], other.se[i]*other.se[j])
		}
	}
	return worst
}
