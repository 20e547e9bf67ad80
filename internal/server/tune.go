package server

import (
	"os"
	"runtime"
	"runtime/debug"
)

// cores is how many processors the runtime chose.
var cores = runtime.GOMAXPROCS(0)

// Tune sets the runtime of a program whose work is to serve pages, unless GOGC, GOMEMLIMIT
// or GOMAXPROCS say otherwise.
//
// Pages leave much behind and little stays, so collecting less often costs some tens of
// megabytes and gives a tenth more pages. And whoever waits for the disk to sync keeps
// the runtime's processor for a while; with one more than there are cores, no core is
// idle meanwhile.
func Tune() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(1 << 30) // from here on it collects as often as it takes
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(cores + 1)
	}
}
