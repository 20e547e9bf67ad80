package intake

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// identity names a submission: its ID and revision.
type identity struct {
	id       [16]byte
	revision uint32
}

// known is what the index keeps of a submission. Of the body's hash it keeps one
// half, which is enough to tell bodies apart.
type known struct {
	seq      uint64
	received int64
	sum      [16]byte
	node     uint16
	// quarantined records have their reason in index.reasons; partial ones were broken off.
	quarantined, partial bool
}

// index remembers every submission in the log, so that a repeat counts once. It is
// rebuilt from the log at each start.
type index struct {
	mu   sync.Mutex
	ids  map[identity]known
	last uint64 // the highest sequence number
	// cases tells which submission answered a sampled case.
	cases map[caseKey][16]byte
	// conflicts are the second bodies that were kept, by identity and half a hash.
	conflicts map[conflict]bool
	reasons   map[identity]string
	// aside is what is in quarantine, by its place in the log.
	aside map[uint64]*Quarantined
	// refused are the accepted records of the log that the store can never take.
	// After the start it belongs to the shipper.
	refused map[uint64]bool
	// busy holds what is being appended: identities and cases.
	busy map[any]chan struct{}
}

type conflict struct {
	identity
	sum [16]byte
}

func half(sum [32]byte) [16]byte { return [16]byte(sum[:16]) }

// readIndex builds the index from the log. Damaged ranges are passed over; they
// concern the ledger.
func readIndex(log Log) (*index, error) {
	x := &index{ids: make(map[identity]known, roomFor(log)), cases: map[caseKey][16]byte{}, conflicts: map[conflict]bool{},
		reasons: map[identity]string{}, aside: map[uint64]*Quarantined{}, refused: map[uint64]bool{}, busy: map[any]chan struct{}{}}
	late := map[uint64]string{} // accepted records that are in quarantine by a note, with the reason
	err := inBatches(scan(log), x.answer, func(l logged, err error) error {
		var damage *wal.Damage
		if errors.As(err, &damage) {
			x.last = max(x.last, damage.To)
			return nil
		}
		if err != nil {
			return err
		}
		if l.Kind == kindRefused {
			late[refused(l.entry)] = l.entry.reason
			x.aside[refused(l.entry)] = &Quarantined{Seq: refused(l.entry), Reason: l.entry.reason} // for a decision; setAside fills it
		}
		return x.enter(l.Record, l.entry)
	})
	if err != nil {
		return nil, err
	}
	x.setAside(log, late)
	return x, nil
}

// whole is a log that is read to its end, also what is on this disk only.
type whole struct{ Mirrored }

func (w whole) Read(from uint64) iter.Seq2[wal.Record, error] { return w.ReadAll(from) }

func everything(log Log) Log {
	if m, ok := log.(Mirrored); ok {
		return whole{m}
	}
	return log
}

// add takes a record of the log into the index. Callers hold mu.
func (x *index) add(r wal.Record, e entry) error {
	x.answer(logged{r, e})
	return x.enter(r, e)
}

// answer notes which case a record answers. It touches nothing else of the index.
func (x *index) answer(l logged) {
	if l.Kind == kindAccepted && l.entry.caseKey != (caseKey{}) {
		x.cases[l.entry.caseKey] = l.ID // all of them have this ID
	}
}

// enter notes all that a record says, but which case it answers. Callers hold mu, or own x
// alone.
func (x *index) enter(r wal.Record, e entry) error {
	x.last = max(x.last, r.Seq)
	key := identity{r.ID, r.Revision}
	switch {
	case r.Kind == kindRefused:
		x.refused[refused(e)] = true
	case isDecision(r.Kind):
		return x.decide(r, e)
	case r.Kind == kindQuarantined && e.reason == reasonConflict:
		x.conflicts[conflict{key, half(e.sum)}] = true
		x.aside[r.Seq] = asideOf(r, e, e.reason)
	default:
		k := known{seq: r.Seq, received: r.Received.UnixNano(), sum: half(e.sum), node: r.Node, partial: r.Kind == kindPartial}
		if r.Kind == kindQuarantined {
			k.quarantined = true
			x.reasons[key] = e.reason
			x.aside[r.Seq] = asideOf(r, e, e.reason)
		}
		x.ids[key] = k
	}
	return nil
}

// decide takes what somebody decided into the index. One about something that damage took
// from the log, or about something decided before, changes nothing.
func (x *index) decide(r wal.Record, e entry) error {
	n, d, err := decisionOf(r, e)
	if q := x.aside[n.Seq]; err == nil && q != nil && q.Decision == nil {
		q.Decision = d
	}
	return err
}

// lookedBack is how many revisions before looks at; interviews have a few.
const lookedBack = 64

// before finds a revision of a submission that is lower than its own and not in quarantine.
// Callers hold mu.
func (x *index) before(key identity) (k known, found bool) {
	for r := range min(key.revision, lookedBack) {
		if k, found = x.ids[identity{key.id, r}]; found && !k.quarantined {
			return k, true
		}
	}
	return known{}, false
}

// receipt returns the receipt of a known submission, without signature. Callers hold mu.
func (x *index) receipt(key identity, sum [32]byte) Receipt {
	k := x.ids[key]
	return Receipt{
		ID: formatUUID(key.id), Revision: key.revision, Node: k.node, Seq: k.seq, SHA256: fmt.Sprintf("%x", sum),
		Received: time.Unix(0, k.received).UTC(), Quarantined: x.reasons[key],
	}
}

// reserve waits until nobody else appends the identity or the case, and then
// reserves them. The caller holds mu before and after, and must call release.
func (x *index) reserve(ctx context.Context, keys ...any) error {
	for {
		wait := x.busyWith(keys)
		if wait == nil {
			break
		}
		x.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
		}
		x.mu.Lock()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	done := make(chan struct{})
	for _, k := range keys {
		x.busy[k] = done
	}
	return nil
}

func (x *index) busyWith(keys []any) chan struct{} {
	for _, k := range keys {
		if c := x.busy[k]; c != nil {
			return c
		}
	}
	return nil
}

// release ends a reservation. The caller holds mu.
func (x *index) release(keys ...any) {
	close(x.busy[keys[0]])
	for _, k := range keys {
		delete(x.busy, k)
	}
}
