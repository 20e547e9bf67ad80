package intake

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Shipped is the sequence number up to which everything is stored or in quarantine.
func (in *Intake) Shipped() uint64 { return in.cursor() }

// ArrivalsIn are the arrivals among records of another node's log; see Arrivals. An interview
// that the store cannot take counts as one that came, because the note that says so is
// written later.
func (in *Intake) ArrivalsIn(records []wal.Record) (list []Arrival, err error) {
	for _, r := range records {
		if isDecision(r.Kind) {
			a, err := decided(r)
			if err != nil {
				return nil, fmt.Errorf("read what was decided at node %d: %w", r.Node, err)
			}
			list = append(list, a)
			continue
		}
		second := r.Kind == kindQuarantined && isSecond(r)
		if !second && !counts(r.Kind) {
			continue
		}
		response, err := in.readResponse(r)
		if errors.Is(err, surveys.ErrInvalid) {
			continue // its node puts it into quarantine
		}
		if err != nil {
			return nil, fmt.Errorf("read the interviews that came to node %d: %w", r.Node, err)
		}
		list = append(list, Arrival{Response: response, Second: second})
	}
	return list, nil
}

// Readable is a log that can only be read, such as that of another node.
type Readable interface {
	Read(from uint64) iter.Seq2[wal.Record, error]
}

// CompareLog is Compare for the log of another node. stored is how far the node says that
// its log is in the store.
func CompareLog(ctx context.Context, node uint16, log Readable, stored uint64, store Store, c Comparison) (Ledger, error) {
	in := &Intake{cfg: Config{Node: node}, log: readOnly{log}, store: store, logger: slog.Default()}
	in.index = &index{aside: map[uint64]*Quarantined{}}
	in.ship.cursor, in.ship.refused = stored, map[uint64]bool{}
	for r, err := range log.Read(1) { // the notes come after what they speak of
		var damage *wal.Damage
		if errors.As(err, &damage) {
			in.index.last = max(in.index.last, damage.To)
			continue
		}
		if err != nil {
			return Ledger{}, fmt.Errorf("verify: read the log: %w", err)
		}
		in.index.last = max(in.index.last, r.Seq)
		if r.Kind != kindRefused {
			continue
		}
		e, err := decodeEntry(r)
		if err != nil {
			return Ledger{}, fmt.Errorf("verify: %w", err)
		}
		in.ship.refused[refused(e)] = true
		in.index.aside[refused(e)] = &Quarantined{Seq: refused(e), Reason: e.reason}
	}
	return in.Compare(ctx, c)
}

// ShippedIn is the sequence number up to which the intake with this folder has brought
// everything to the store.
func ShippedIn(dir string) (uint64, error) {
	folder, err := wal.Folder(dir)
	if err != nil {
		return 0, err
	}
	var c cursor
	err = readJSON(folder, cursorFile, &c)
	return c.Seq, err
}

// readOnly makes a log of one that can only be read.
type readOnly struct{ Readable }

var errReadOnly = errors.New("the log of another node is only read")

func (readOnly) Append(context.Context, []wal.Record) (uint64, error) { return 0, errReadOnly }
func (readOnly) Skip(uint64) error                                    { return errReadOnly }

// Sum is the account of several nodes together. Node is 0.
func Sum(ledgers ...Ledger) Ledger {
	sum := Ledger{Reasons: map[string]uint64{}}
	for _, l := range ledgers {
		sum.Accepted, sum.Stored = sum.Accepted+l.Accepted, sum.Stored+l.Stored
		sum.Pending, sum.Quarantined = sum.Pending+l.Pending, sum.Quarantined+l.Quarantined
		sum.Open, sum.Dismissed, sum.Corrected, sum.Different = sum.Open+l.Open, sum.Dismissed+l.Dismissed, sum.Corrected+l.Corrected, sum.Different+l.Different
		for reason, n := range l.Reasons {
			sum.Reasons[reason] += n
		}
	}
	return sum
}

// Replace puts the waves of another list in the place of these.
func (w *Waves) Replace(other *Waves) {
	other.mu.RLock()
	now := other.waves
	other.mu.RUnlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waves = now
}
