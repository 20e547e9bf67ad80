package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Ledger is the account of all submissions that were acknowledged: accepted = stored
// + pending + quarantined. All but Stored is counted in the log, Stored in the store.
type Ledger struct {
	Node uint16
	// Accepted counts every submission that is kept, quarantined ones included.
	Accepted uint64
	// Stored counts the records found in the store, up to the shipping cursor.
	Stored uint64
	// Pending counts the interviews that are still to be shipped.
	Pending uint64
	// Quarantined counts what is kept but does not count, Reasons the same by reason.
	Quarantined uint64
	Reasons     map[string]uint64
	// Differences are the places where store and log differ.
	Differences []Difference
	// Damaged are the ranges of the log that cannot be read, and Altered the records
	// whose body is not the one that was acknowledged.
	Damaged []wal.Damage
	Altered []uint64
}

// Difference is a range of sequence numbers in which the store does not hold what
// the log does. Want and Have count records; when they are equal, the contents differ.
type Difference struct {
	From, To   uint64
	Want, Have uint64
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
	return l.Accepted == l.Stored+l.Pending+l.Quarantined && len(l.Differences) == 0 && len(l.Altered) == 0 && l.Lost() == 0
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
	for _, reason := range slices.Sorted(maps.Keys(l.Reasons)) {
		fmt.Fprintf(&b, "  quarantined %d: %s\n", l.Reasons[reason], reason)
	}
	for _, d := range l.Differences {
		fmt.Fprintf(&b, "  records %d to %d: the log has %d, the store %d\n", d.From, d.To, d.Want, d.Have)
	}
	for _, d := range l.Damaged {
		fmt.Fprintf(&b, "  %s\n", d.Error())
	}
	for _, seq := range l.Altered {
		fmt.Fprintf(&b, "  record %d is not what was acknowledged\n", seq)
	}
	return b.String()
}

// Verify recomputes the ledger from the log, hashing every body again, and compares
// it with the store range by range.
func (in *Intake) Verify(ctx context.Context) (Ledger, error) {
	a := &audit{Ledger: Ledger{Node: in.cfg.Node, Reasons: map[string]uint64{}}, in: in, cursor: in.cursor(), refused: map[uint64]string{}}
	if err := a.readLog(ctx); err != nil {
		return Ledger{}, fmt.Errorf("verify: read the log: %w", err)
	}
	if err := a.askStore(ctx); err != nil {
		return Ledger{}, fmt.Errorf("verify: ask the store: %w", err)
	}
	return a.Ledger, nil
}

// audit is Verify at work.
type audit struct {
	Ledger
	in      *Intake
	cursor  uint64
	counted []counted         // the interviews that count, in order
	refused map[uint64]string // the reasons of those that the store does not take
}

// counted is an interview that must be in the store, or get there.
type counted struct{ seq, check uint64 }

func (a *audit) readLog(ctx context.Context) error {
	for r, err := range a.in.log.Read(1) {
		var damage *wal.Damage
		if errors.As(err, &damage) {
			a.Damaged = append(a.Damaged, *damage)
			continue
		}
		if err == nil {
			err = errors.Join(a.count(r), ctx.Err())
		}
		if err != nil {
			return err
		}
	}
	a.counted = slices.DeleteFunc(a.counted, func(c counted) bool {
		reason, ok := a.refused[c.seq]
		if ok {
			a.quarantine(reason)
		}
		return ok
	})
	return nil
}

// count takes a record of the log into the account.
func (a *audit) count(r wal.Record) error {
	e, err := decodeEntry(r)
	if err != nil {
		return err
	}
	if r.Kind == kindRefused {
		a.refused[refused(e)] = e.reason
		return nil
	}
	a.Accepted++
	if sha256.Sum256(e.body) != e.sum {
		a.Altered = append(a.Altered, r.Seq)
	}
	if r.Kind == kindQuarantined {
		a.quarantine(e.reason)
		return nil
	}
	a.counted = append(a.counted, counted{r.Seq, CheckNumber(surveys.Response{BodyHash: e.sum})})
	return nil
}

func (a *audit) quarantine(reason string) {
	a.Quarantined++
	kind, _, _ := strings.Cut(reason, ":")
	a.Reasons[kind]++
}

// auditRange is how many sequence numbers are compared with one question.
const auditRange = 10_000

// maxDifferences limits how many differences are looked for one by one.
const maxDifferences = 100

func (a *audit) askStore(ctx context.Context) error {
	a.Pending = uint64(len(a.counted) - a.firstFrom(a.cursor+1))
	for from := uint64(1); from <= a.cursor; from += auditRange {
		have, err := a.ask(ctx, from, min(from+auditRange-1, a.cursor))
		if err != nil {
			return err
		}
		a.Stored += have
	}
	return nil
}

// ask compares a range and, where it differs, its halves, down to single records.
func (a *audit) ask(ctx context.Context, from, to uint64) (have uint64, err error) {
	have, sum, err := a.in.store.Count(ctx, a.Node, from, to)
	if err != nil {
		return 0, err
	}
	want, wantSum := a.expect(from, to)
	if have == want && sum == wantSum {
		return have, nil
	}
	if from == to || len(a.Differences) >= maxDifferences {
		a.Differences = append(a.Differences, Difference{from, to, want, have})
		return have, nil
	}
	middle := from + (to-from)/2
	if _, err := a.ask(ctx, from, middle); err != nil {
		return 0, err
	}
	_, err = a.ask(ctx, middle+1, to)
	return have, err
}

// expect returns count and sum of what the store should hold of a range.
func (a *audit) expect(from, to uint64) (n, sum uint64) {
	for i := a.firstFrom(from); i < len(a.counted) && a.counted[i].seq <= to; i++ {
		n++
		sum += a.counted[i].check
	}
	return n, sum
}

// firstFrom returns the index of the first interview from seq on.
func (a *audit) firstFrom(seq uint64) int {
	i, _ := slices.BinarySearchFunc(a.counted, seq, func(c counted, seq uint64) int { return cmp.Compare(c.seq, seq) })
	return i
}

// Quarantined is a submission that is kept but does not count.
type Quarantined struct {
	// Seq is its place in the log.
	Seq      uint64
	ID       string
	Revision uint32
	Received time.Time
	Reason   string
	// Body is what was submitted.
	Body []byte
}

// Quarantine yields what is quarantined: first what never counted, in the order of
// the log, then accepted interviews that the store can never take. An error ends it;
// damage of the log is passed over, because it is in the ledger.
func (in *Intake) Quarantine() iter.Seq2[Quarantined, error] {
	return func(yield func(Quarantined, error) bool) {
		notes := map[uint64]string{}
		for k, err := range in.kept() {
			switch {
			case err == nil && k.kind == kindRefused:
				notes[refused(entry{body: k.Body})] = k.Reason
			case err != nil || k.kind == kindQuarantined:
				if !yield(k.Quarantined, err) || err != nil {
					return
				}
			}
		}
		if len(notes) == 0 {
			return
		}
		for k, err := range in.kept() {
			reason, ok := notes[k.Seq]
			if err == nil && (!ok || !counts(k.kind)) {
				continue
			}
			k.Reason = reason
			if !yield(k.Quarantined, err) || err != nil {
				return
			}
		}
	}
}

// kept is a record of the log with its kind.
type kept struct {
	Quarantined
	kind uint8
}

// kept yields all records of the log but damaged ones.
func (in *Intake) kept() iter.Seq2[kept, error] {
	return func(yield func(kept, error) bool) {
		for r, err := range in.log.Read(1) {
			var damage *wal.Damage
			if errors.As(err, &damage) {
				continue
			}
			var e entry
			if err == nil {
				e, err = decodeEntry(r)
			}
			if err != nil {
				yield(kept{}, fmt.Errorf("read the quarantine: %w", err))
				return
			}
			q := Quarantined{r.Seq, formatUUID(r.ID), r.Revision, r.Received, e.reason, e.body}
			if !yield(kept{q, r.Kind}, nil) {
				return
			}
		}
	}
}
