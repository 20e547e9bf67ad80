package intake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// lent yields n records, of which every tenth is quarantined, in one buffer that the next one
// overwrites. ended says that whoever reads has let go of it.
func lent(n int, ended *bool) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		defer func() { *ended = true }()
		var buf []byte
		for i := range n {
			e := entry{body: fmt.Appendf(nil, "body %06d", i)}
			kind := uint8(kindAccepted)
			if i%10 == 0 {
				kind, e.reason = kindQuarantined, fmt.Sprintf("reason %06d", i)
			}
			binary.BigEndian.PutUint64(e.caseKey[:], uint64(i+1))
			buf = append(buf[:0], e.encode()...)
			if !yield(wal.Record{Seq: uint64(i + 1), Kind: kind, Body: buf}, nil) {
				return
			}
			clear(buf)
		}
	}
}

// Records that are only lent arrive in their order with what is needed of them, also when they
// are used long after; each goes to both who take them.
func TestBatchesKeepWhatTheyNeed(t *testing.T) {
	const n = 5*batchRecords + 7
	ended, answers := false, uint64(0)
	var kept []logged
	err := inBatches(lent(n, &ended), func(l logged) { answers += binary.BigEndian.Uint64(l.entry.caseKey[:]) }, func(l logged, err error) error {
		kept = append(kept, l)
		return err
	})
	if err != nil || len(kept) != n || answers != n*(n+1)/2 || !ended {
		t.Fatalf("%v; %d of %d records, cases %d, ended %v", err, len(kept), n, answers, ended)
	}
	for i, l := range kept {
		reason, body := "", ""
		if i%10 == 0 {
			reason, body = fmt.Sprintf("reason %06d", i), fmt.Sprintf("body %06d", i)
		}
		if l.Seq != uint64(i+1) || l.entry.reason != reason || string(l.entry.body) != body {
			t.Fatalf("record %d is %d with %q and %q", i+1, l.Seq, l.entry.reason, l.entry.body)
		}
	}
}

// A record that is none ends the reading with its error, and nobody reads on.
func TestBatchesEndWithAnError(t *testing.T) {
	ended, entered := false, 0
	records := lent(20*batchRecords, &ended)
	spoilt := func(yield func(wal.Record, error) bool) {
		for r, err := range records {
			if r.Seq == 3000 {
				r.Body = r.Body[:5]
			}
			if !yield(r, err) {
				return
			}
		}
	}
	err := inBatches(spoilt, func(logged) {}, func(_ logged, err error) error { entered++; return err })
	if !errors.Is(err, errEntry) || entered != 3000 || !ended {
		t.Errorf("%v after %d records, ended %v; want that record 3000 is none of the intake", err, entered, ended)
	}
}
