package tablet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// The limits of a batch.
const (
	MaxEvents = 500
	MaxBatch  = 512 << 10 // bytes of all events together
	MaxEvent  = 256 << 10 // bytes of one event
)

// Batch is a run of events as a tablet sends them.
type Batch struct {
	// From is the number of the first event, Prev the hash of the event before it.
	From   uint64   `json:"from"`
	Prev   string   `json:"prev"`
	Events []string `json:"events"`
	// Damaged are numbers whose text the tablet could not read: in its place stands the hash
	// that the tablet has of it.
	Damaged []uint64             `json:"damaged"`
	Report  *office.DeviceReport `json:"report"`
}

// Answer is what a tablet is told.
type Answer struct {
	Now string `json:"now"`
	// Receipt is for the events of this batch, nil when it had none. Checkpoint is for what
	// was there before, nil when nothing was carried out yet.
	Receipt    *Receipt    `json:"receipt,omitempty"`
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	// Want are the numbers, from and to, that are missing below the highest one, or below
	// the first of the batch, also of one without events: the tablet says so how far it got,
	// and a server that was put back to an earlier state hears of what it lost.
	Want [][2]uint64 `json:"want"`
	// Conflict are the numbers that are there with another text; both are kept.
	Conflict []uint64 `json:"conflict,omitempty"`
}

// Take keeps a batch and answers when it is durable. The same batch again, batches in any
// order and such as overlap are right. Errors wrap surveys.ErrInvalid, surveys.ErrTooLarge,
// ErrChain or surveys.ErrUnavailable; then nothing of the batch is signed for.
func (t *Tablets) Take(ctx context.Context, d office.Device, b Batch) (Answer, error) {
	items, err := b.items(d.ID)
	if err != nil {
		return Answer{}, fmt.Errorf("take the batch of a tablet: %w", err)
	}
	j := t.journal(d.ID)
	j.mu.Lock()
	defer j.mu.Unlock()
	now := t.now()
	a := Answer{Now: stamp(now), Want: [][2]uint64{}}
	if a.Checkpoint, err = t.checkpointOf(j, now); err != nil {
		return Answer{}, err
	}
	if len(items) > 0 {
		if !j.continues(items[0]) {
			return Answer{}, fmt.Errorf("event %d: %w", b.From, ErrChain)
		}
		kept, err := t.keep(ctx, j, items)
		if err != nil {
			return Answer{}, fmt.Errorf("keep the batch of a tablet: %w", err)
		}
		last := items[len(items)-1]
		if a.Receipt, err = t.receipt(d.ID, b.From, last.n, last.hash, now); err != nil {
			return Answer{}, err
		}
		a.Conflict = kept.conflicts
	}
	a.Want = append(a.Want, j.gaps()...)
	if last := j.last(); len(items) == 0 && last+1 < b.From && b.From <= maxNumber {
		a.Want = append(a.Want, [2]uint64{last + 1, b.From - 1})
	}
	return a, nil
}

// items checks a batch and chains its events.
func (b Batch) items(device string) ([]item, error) {
	if _, ok := parseUUID(device); !ok {
		return nil, fmt.Errorf("the ID of the tablet is not a UUID: %w", surveys.ErrInvalid)
	}
	if len(b.Events) == 0 && len(b.Damaged) == 0 {
		return nil, nil
	}
	prev, ok := readHash(b.Prev)
	switch {
	case len(b.Events) > MaxEvents:
		return nil, fmt.Errorf("%d events, at most %d go together: %w", len(b.Events), MaxEvents, surveys.ErrTooLarge)
	case b.From < 1 || b.From > maxNumber-MaxEvents:
		return nil, fmt.Errorf("it begins with number %d; events are numbered from 1 to %d: %w", b.From, maxNumber, surveys.ErrInvalid)
	case len(b.Damaged) > len(b.Events):
		return nil, fmt.Errorf("%d of %d events are damaged: %w", len(b.Damaged), len(b.Events), surveys.ErrInvalid)
	case !ok:
		return nil, fmt.Errorf("“prev” is not 64 hexadecimal digits: %w", surveys.ErrInvalid)
	case b.From == 1 && prev != firstHash(device):
		return nil, fmt.Errorf("event 1: %w", ErrChain)
	}
	to, size := b.From+uint64(len(b.Events))-1, 0
	for _, n := range b.Damaged {
		if n < b.From || n > to {
			return nil, fmt.Errorf("the damaged number %d is not among %d to %d: %w", n, b.From, to, surveys.ErrInvalid)
		}
	}
	items := make([]item, len(b.Events))
	for k, text := range b.Events {
		i := item{n: b.From + uint64(k), kind: storedEvent, prev: prev, text: []byte(text)}
		switch size += len(text); {
		case len(text) > MaxEvent || size > MaxBatch:
			return nil, fmt.Errorf("event %d: an event has at most %d bytes, a batch %d: %w", i.n, MaxEvent, MaxBatch, surveys.ErrTooLarge)
		case slices.Contains(b.Damaged, i.n):
			i.kind, i.text = storedDamaged, nil
			if i.hash, ok = readHash(text); !ok {
				return nil, fmt.Errorf("event %d is damaged, but its hash is not 64 hexadecimal digits: %w", i.n, surveys.ErrInvalid)
			}
		default:
			i.hash = prev.next(i.n, i.text)
		}
		items[k], prev = i, i.hash
	}
	return items, nil
}

// continues says whether an item follows what is there: the event before it, or another text
// that was kept of that. When the event before is not there, nothing is known against it.
func (j *journal) continues(i item) bool {
	before := j.entry(i.n - 1)
	if before.missing() || !before.readable() && !before.chained() {
		return true
	}
	other := other{i.n - 1, [16]byte(i.prev[:16]), true}
	if before.is(i.prev) || j.others[other] != 0 {
		return true
	}
	other.readable = false
	return j.others[other] != 0
}

// keeping is what became of items.
type keeping struct {
	taken, repeated int
	conflicts       []uint64
}

// keep makes durable what is new among items. The caller holds the lock of the journal, so that
// nothing is written twice.
func (t *Tablets) keep(ctx context.Context, j *journal, items []item) (kept keeping, err error) {
	id, _ := parseUUID(j.device)
	var write []item
	var records []wal.Record
	for _, i := range items {
		v, kind := j.judge(i)
		switch v {
		case repeated:
			kept.repeated++
			continue
		case differed:
			kept.conflicts = append(kept.conflicts, i.n)
			continue
		case differs:
			kept.conflicts = append(kept.conflicts, i.n)
		case fresh:
			kept.taken++
		}
		i.kind = kind
		r := i.record(id)
		r.Received = t.now()
		write, records = append(write, i), append(records, r)
	}
	if len(records) == 0 {
		return kept, nil
	}
	first, err := t.log.Append(ctx, records)
	if err != nil {
		return keeping{}, err
	}
	for k, i := range write {
		j.add(i, first+uint64(k))
	}
	if len(kept.conflicts) > 0 {
		t.logger.Warn("a tablet sent other texts under numbers that were there", "device", j.device, "n", len(kept.conflicts))
	}
	t.nudge()
	return kept, nil
}

// GiveUp passes over numbers, from and to, as far as they are still missing in the journal of
// a device, so that what comes after them is carried out. It is for a tablet that will not
// send them any more. What comes of them all the same is kept: interviews are still accepted,
// all else is held. No checkpoint goes beyond.
func (t *Tablets) GiveUp(ctx context.Context, device string, numbers [][2]uint64) (n int, err error) {
	j := t.journal(device)
	j.mu.Lock()
	defer j.mu.Unlock()
	var items []item
	for _, r := range numbers {
		for n := max(r[0], j.carried+1); n <= min(r[1], j.last()); n++ {
			if j.entry(n).missing() {
				items = append(items, item{n: n, kind: storedGivenUp})
			}
		}
	}
	for some := range slices.Chunk(items, MaxEvents) {
		kept, err := t.keep(ctx, j, some)
		if n += kept.taken; err != nil {
			return n, fmt.Errorf("give up what is missing of a tablet: %w", err)
		}
	}
	return n, nil
}

// checkpointOf is the checkpoint of what was carried out and chains; nil when nothing was.
// Where the log cannot be read there is none, which the tablet can wait for.
func (t *Tablets) checkpointOf(j *journal, now time.Time) (*Checkpoint, error) {
	err := t.link(j)
	if err == nil && j.linked > 0 && j.headOf != j.linked {
		j.head, err = t.hashOf(j, j.linked)
		j.headOf = j.linked
	}
	if err != nil {
		t.logger.Warn("no checkpoint for a tablet", "device", j.device, "cause", err)
		j.headOf = 0
		return nil, nil
	}
	if j.linked == 0 {
		return nil, nil
	}
	return t.checkpoint(j.device, j.linked, j.head, now)
}

// link follows the chain as far as events were carried out.
func (t *Tablets) link(j *journal) error {
	for !j.broken && j.linked < j.carried {
		n := j.linked + 1
		e := j.entry(n)
		if e.missing() {
			return nil
		}
		holds, err := t.holds(j, n, e)
		if err != nil {
			return err
		}
		if !holds {
			j.broken = true
			t.logger.Warn("the journal of a tablet does not chain", "device", j.device, "at", n)
			return nil
		}
		j.linked = n
	}
	return nil
}

// holds says whether event n follows the one before.
func (t *Tablets) holds(j *journal, n uint64, e entry) (bool, error) {
	before := j.entry(n - 1)
	if n == 1 {
		first := firstHash(j.device)
		before = entry{hash: [12]byte(first[:12])}
	}
	switch {
	case e.chained():
		return e.prev == [4]byte(before.hash[:4]), nil
	case !e.readable(): // given up
		return false, nil
	}
	prev, err := t.hashOf(j, n-1)
	if err != nil {
		return false, err
	}
	i, err := t.readAt(e.at())
	return err == nil && prev.next(n, i.text) == i.hash, err
}

// hashOf is the hash of event n, from the log.
func (t *Tablets) hashOf(j *journal, n uint64) (hash, error) {
	if n == 0 {
		return firstHash(j.device), nil
	}
	i, err := t.readAt(j.entry(n).at())
	return i.hash, err
}

// errLost is for a record that the log had and has not any more.
var errLost = errors.New("the log has lost the record")

// readAt reads the item at a place in the log.
func (t *Tablets) readAt(place uint64) (item, error) {
	for r, err := range t.log.Read(place) {
		var damage *wal.Damage
		switch {
		case errors.As(err, &damage), err == nil && r.Seq != place:
			return item{}, fmt.Errorf("record %d: %w", place, errLost)
		case err != nil:
			return item{}, err
		}
		return readItem(r)
	}
	return item{}, fmt.Errorf("record %d: %w", place, errLost)
}
