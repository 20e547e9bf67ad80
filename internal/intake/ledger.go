package intake

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// Ledger is the account of all submissions that were acknowledged: accepted = stored
// + pending + quarantined. All but Stored is counted in the log, Stored in the store.
type Ledger struct {
	Node uint16
	// Head is the end of the chain of the log; zero where whoever made the ledger cannot
	// tell it.
	Head wal.Head
	// Accepted counts every submission that is kept, quarantined ones included.
	Accepted uint64
	// Stored counts the records found in the store as they are in the log, up to the
	// shipping cursor.
	Stored uint64
	// Pending counts the interviews that are still to be shipped.
	Pending uint64
	// Quarantined counts what is kept but does not count, Reasons the same by reason. It is
	// the sum of what nobody has decided about, of what was dismissed, and of that for which
	// a corrected revision stands.
	Quarantined                uint64
	Open, Dismissed, Corrected uint64
	Reasons                    map[string]uint64
	// Different counts the records in which store and log differ; Differences are the first
	// of them.
	Different   uint64
	Differences []Difference
	// Damaged are the ranges of the log that cannot be read, and Altered the records
	// whose body is not the one that was acknowledged.
	Damaged []wal.Damage
	Altered []uint64
}

// Fault is how the store differs from the log.
type Fault string

// The faults.
const (
	// Missing records are in the log and must be in the store, but are not.
	Missing Fault = "missing"
	// Foreign records are in the store under the number of this node, but must not be: the log
	// does not have them, or has them in quarantine.
	Foreign Fault = "foreign"
	// Unequal records are in both, with other content.
	Unequal Fault = "unequal"
)

// Difference is a record in which the store differs from the log. Log and Store are the
// SHA-256 of the body there, in hexadecimal digits; empty where it is not.
type Difference struct {
	Fault    Fault  `json:"fault"`
	Seq      uint64 `json:"seq"`
	ID       string `json:"id"`
	Revision uint32 `json:"revision"`
	Log      string `json:"log,omitempty"`
	Store    string `json:"store,omitempty"`
}

// Lost returns how many acknowledged records damage may have taken from the log.
func (l Ledger) Lost() uint64 {
	var n uint64
	for _, d := range l.Damaged {
		if !d.LastBatch {
			n += d.Missing()
		}
	}
	return n
}

// Balanced reports whether every submission is accounted for, and unchanged.
func (l Ledger) Balanced() bool {
	return l.Accepted == l.Stored+l.Pending+l.Quarantined && l.Quarantined == l.Open+l.Dismissed+l.Corrected &&
		l.Different == 0 && len(l.Altered) == 0 && l.Lost() == 0
}

// String prints the ledger for people.
func (l Ledger) String() string {
	var b strings.Builder
	sign := "="
	if l.Accepted != l.Stored+l.Pending+l.Quarantined {
		sign = "≠"
	}
	fmt.Fprintf(&b, "node %d: accepted %d %s stored %d + pending %d + quarantined %d\n",
		l.Node, l.Accepted, sign, l.Stored, l.Pending, l.Quarantined)
	if l.Head != (wal.Head{}) {
		fmt.Fprintf(&b, "  head of the chain %s\n", l.Head)
	}
	if l.Quarantined > 0 {
		fmt.Fprintf(&b, "  quarantined %d = open %d + dismissed %d + corrected %d\n", l.Quarantined, l.Open, l.Dismissed, l.Corrected)
	}
	for _, reason := range slices.Sorted(maps.Keys(l.Reasons)) {
		fmt.Fprintf(&b, "  quarantined %d: %s\n", l.Reasons[reason], reason)
	}
	for _, d := range l.Differences {
		fmt.Fprintf(&b, "  %s\n", d)
	}
	if n := l.Different - uint64(len(l.Differences)); n > 0 {
		fmt.Fprintf(&b, "  and %d more differences\n", n)
	}
	for _, d := range l.Damaged {
		fmt.Fprintf(&b, "  %s\n", d.Error())
	}
	for _, seq := range l.Altered {
		fmt.Fprintf(&b, "  record %d is not what was acknowledged\n", seq)
	}
	return b.String()
}

// String names a difference for people.
func (d Difference) String() string {
	what := fmt.Sprintf("record %d, interview %s, revision %d", d.Seq, d.ID, d.Revision)
	switch d.Fault {
	case Missing:
		return what + ": the store does not have it; its hash in the log is " + d.Log
	case Foreign:
		return what + ": the store has it, but it is not of this log; its hash there is " + d.Store
	}
	return what + ": its hash in the log is " + d.Log + ", in the store " + d.Store
}

// StoredRecord is a record in the store as far as it is compared with the log.
type StoredRecord struct {
	Seq      uint64
	ID       [16]byte
	Revision uint32
	BodyHash [32]byte
}

// Comparison says what Compare does beside counting. Its functions may be nil.
type Comparison struct {
	// Difference is called for every difference, in the order of the log.
	Difference func(Difference) error
	// Progress is called now and then with how many records of the log were compared.
	Progress func(done, total int)
}

// Verify recomputes the ledger from the log, hashing every body again, and compares
// it with the store record by record.
func (in *Intake) Verify(ctx context.Context) (Ledger, error) { return in.Compare(ctx, Comparison{}) }

// Compare is Verify that names every difference. It keeps a piece of the log in memory at a
// time, however long the log is and however much differs.
func (in *Intake) Compare(ctx context.Context, c Comparison) (Ledger, error) {
	a := &audit{Ledger: Ledger{Node: in.cfg.Node, Reasons: map[string]uint64{}}, Comparison: c, in: in, from: 1, cursor: in.cursor(),
		last: in.last(), quarantine: map[uint64]bool{}, decided: map[uint64]bool{}}
	if err := a.run(ctx); err != nil {
		return Ledger{}, fmt.Errorf("verify: %w", err)
	}
	return a.Ledger, nil
}

// audit is Compare at work.
type audit struct {
	Ledger
	Comparison
	in     *Intake
	cursor uint64
	last   uint64
	// piece are the interviews that count from the place from on, in order.
	piece []StoredRecord
	from  uint64
	// quarantine are the places of what is in quarantine, decided those about which somebody
	// decided.
	quarantine, decided map[uint64]bool
}

// auditRange is how many sequence numbers are compared with one question.
const auditRange = 100_000

// maxDifferences is how many differences a ledger names.
const maxDifferences = 100

func (a *audit) run(ctx context.Context) error {
	for r, err := range a.in.log.Read(1) {
		var damage *wal.Damage
		if errors.As(err, &damage) {
			a.Damaged = append(a.Damaged, *damage)
			continue
		}
		if err == nil && r.Seq >= a.from+auditRange {
			err = a.compare(ctx, r.Seq-1)
		}
		if err == nil {
			err = errors.Join(a.count(r), ctx.Err())
		}
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
	}
	a.Open = a.Quarantined - a.Dismissed - a.Corrected
	return a.compare(ctx, math.MaxUint64)
}

// count takes a record of the log into the account.
func (a *audit) count(r wal.Record) error {
	e, err := decodeEntry(r)
	if err != nil {
		return err
	}
	switch {
	case isDecision(r.Kind):
		return a.decide(r, e)
	case !isSubmission(r.Kind):
		return nil
	}
	a.Accepted++
	if sha256.Sum256(e.body) != e.sum {
		a.Altered = append(a.Altered, r.Seq)
	}
	reason := e.reason
	if counts(r.Kind) && a.in.isRefused(r.Seq) {
		reason = a.in.reasonAt(r.Seq)
	}
	if reason != "" {
		a.setAside(r.Seq, reason)
		return nil
	}
	if r.Seq > a.cursor {
		a.Pending++
	}
	a.piece = append(a.piece, StoredRecord{r.Seq, r.ID, r.Revision, e.sum})
	return nil
}

func (a *audit) setAside(seq uint64, reason string) {
	a.Quarantined++
	a.quarantine[seq] = true
	kind, _, _ := strings.Cut(reason, ":")
	a.Reasons[kind]++
}

// decide counts what was decided, once for each quarantined submission.
func (a *audit) decide(r wal.Record, e entry) error {
	n, d, err := decisionOf(r, e)
	if err != nil || !a.quarantine[n.Seq] || a.decided[n.Seq] {
		return err
	}
	a.decided[n.Seq] = true
	if d.Corrected() {
		a.Corrected++
	} else {
		a.Dismissed++
	}
	return nil
}

// reasonAt is why an accepted record is in quarantine after all.
func (in *Intake) reasonAt(seq uint64) string {
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	if q := in.index.aside[seq]; q != nil {
		return q.Reason
	}
	return "the store does not take it"
}

// order is that of records in the log and the store.
func order(a, b StoredRecord) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Revision, b.Revision))
}

// compare compares the piece of the log, which ends at a place, with the store, and begins
// the next one behind it.
func (a *audit) compare(ctx context.Context, to uint64) error {
	rest := a.piece
	err := a.in.store.Records(ctx, a.Node, a.from, to, func(r StoredRecord) error {
		for len(rest) > 0 && order(rest[0], r) < 0 {
			if err := a.missing(rest[0]); err != nil {
				return err
			}
			rest = rest[1:]
		}
		if len(rest) == 0 || order(rest[0], r) != 0 {
			return a.foreign(r)
		}
		want := rest[0]
		rest = rest[1:]
		return a.both(want, r)
	})
	if err != nil && a.cursor == 0 && a.Different == 0 && ctx.Err() == nil {
		err = nil // nothing was shipped yet, so the ledger needs no store that answers
	}
	for _, r := range rest {
		if err == nil {
			err = a.missing(r)
		}
	}
	if err != nil {
		return fmt.Errorf("ask the store for the records from %d on: %w", a.from, err)
	}
	a.piece, a.from = a.piece[:0], to+1
	if a.Progress != nil {
		a.Progress(int(min(to, a.last)), int(a.last))
	}
	return nil
}

// both compares a record that log and store have. One that is beyond the cursor is pending
// still, though it is there.
func (a *audit) both(log, store StoredRecord) error {
	switch {
	case log.BodyHash != store.BodyHash:
		return a.differ(Difference{Fault: Unequal, Log: hex.EncodeToString(log.BodyHash[:]), Store: hex.EncodeToString(store.BodyHash[:])}, log)
	case log.Seq <= a.cursor:
		a.Stored++
	}
	return nil
}

func (a *audit) missing(r StoredRecord) error {
	if r.Seq > a.cursor {
		return nil
	}
	return a.differ(Difference{Fault: Missing, Log: hex.EncodeToString(r.BodyHash[:])}, r)
}

// foreign notes a record that only the store has, unless it was accepted after the log was
// read.
func (a *audit) foreign(r StoredRecord) error {
	if r.Seq > a.last && r.Seq <= a.in.last() {
		return nil
	}
	return a.differ(Difference{Fault: Foreign, Store: hex.EncodeToString(r.BodyHash[:])}, r)
}

func (a *audit) differ(d Difference, r StoredRecord) error {
	d.Seq, d.ID, d.Revision = r.Seq, formatUUID(r.ID), r.Revision
	if a.Different++; len(a.Differences) < maxDifferences {
		a.Differences = append(a.Differences, d)
	}
	if a.Comparison.Difference == nil {
		return nil
	}
	return a.Comparison.Difference(d)
}
