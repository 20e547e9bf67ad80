// Package wal is the log of accepted interviews: append-only segments on disk,
// made durable by group commit before Append returns. It is the system of record.
package wal

import "time"

// Record is one entry of the log.
type Record struct {
	// Seq is assigned by Append: consecutive, beginning at 1.
	Seq uint64
	// Kind is the caller's; the log does not look at it.
	Kind     uint8
	Node     uint16
	Received time.Time
	// ID and Revision identify the submission.
	ID       [16]byte
	Revision uint32
	Body     []byte
}
