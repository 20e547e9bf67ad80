package server

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"
)

// cores is how many processors the runtime chose.
var cores = runtime.GOMAXPROCS(0)

// Tune sets the runtime of a program whose work is to serve pages, unless GOGC, GOMEMLIMIT
// or GOMAXPROCS say otherwise. What it measures it measures until ctx ends.
//
// Pages leave much behind and little stays, so collecting less often costs some tens of
// megabytes and gives a tenth more pages. And whoever waits for the disk to sync keeps
// the runtime's processor for a while; with one more than there are cores, no core is
// idle meanwhile.
func Tune(ctx context.Context) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit(liveHeap()))
		go followLive(ctx)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(cores + 1)
	}
}

// usualMemory is the memory, in bytes, from which on the program collects more often than it
// would by itself.
const usualMemory = 240 << 20

// memoryLimit is from where on to collect as often as it takes, for what is in use now. It
// leaves room for as much again, because with little room collecting would be all that the
// program does: the index of millions of interviews is larger than usualMemory.
func memoryLimit(live uint64) int64 { return int64(max(usualMemory, 2*live+64<<20)) }

// liveHeap is how much was in use after the last collection, in bytes.
func liveHeap() uint64 {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	return sample[0].Value.Uint64()
}

// followLive lets the limit grow and shrink with what is in use.
func followLive(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			debug.SetMemoryLimit(memoryLimit(liveHeap()))
		}
	}
}
