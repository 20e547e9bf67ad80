// Package intake accepts finished interviews: it replays each through the form
// engine, makes it durable in the log before it says so, and ships the log to the
// store so that every accepted interview is there exactly once.
package intake

import (
	"context"

	"github.com/suyang-survey/suyang/surveys"
)

// Block is a run of accepted responses on its way to the store. Its token names
// it, so that the store drops a repeated insert of the same block.
type Block struct {
	Token     string
	Responses []surveys.Response
}

// Store is where responses are analysed. Insert may have succeeded although it
// returned an error; the caller finds out with Count.
type Store interface {
	Insert(ctx context.Context, b Block) error
	// Count returns how many different records of the node with from <= seq <= to
	// are stored, and the sum modulo 2^64 of their CheckNumber.
	Count(ctx context.Context, node uint16, from, to uint64) (n, check uint64, err error)
}

// CheckNumber is the number of a response that Store.Count sums: the first eight
// bytes of its body hash, big endian.
func CheckNumber(r surveys.Response) uint64 {
	var n uint64
	for _, b := range r.BodyHash[:8] {
		n = n<<8 | uint64(b)
	}
	return n
}
