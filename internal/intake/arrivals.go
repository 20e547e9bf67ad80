package intake

import (
	"errors"
	"fmt"
	"iter"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Arrival is an interview in the log.
type Arrival struct {
	surveys.Response
	// Second says that it is in quarantine because its case has another interview.
	Second bool
	// Decided is Dismissed or Corrected where this is no interview but what somebody decided about one that is in
	// quarantine, By whom and Why. The response has the wave and the case of the
	// quarantined one, and Number is that place.
	Decided string
	By, Why string
	Number  uint64
}

// What can be decided.
const (
	Dismissed = "dismissed"
	Corrected = "corrected"
)

// Arrivals yields what was accepted after a place in the log and counts, whole interviews and
// those that were broken off, and second interviews of a case, which do not, up to the last
// one that is durable when it begins, and what was decided about the quarantine. Damaged
// ranges and whatever else is in quarantine are passed over; any error ends it.
func (in *Intake) Arrivals(after uint64) iter.Seq2[Arrival, error] {
	return in.arrivals(after, func(wal.Record) bool { return true })
}

// CaseArrivals is Arrivals for those who only look at interviews of sampled cases: of others
// it gives the place in the log and when they came, and does not read them.
func (in *Intake) CaseArrivals(after uint64) iter.Seq2[Arrival, error] {
	return in.arrivals(after, ofCase)
}

// ofCase says that a record is the interview of a sampled case.
func ofCase(r wal.Record) bool {
	e, err := decodeEntry(r)
	return err != nil || e.caseKey != caseKey{}
}

// arrivals is Arrivals; of records that wanted says no to it gives the place only.
func (in *Intake) arrivals(after uint64, wanted func(wal.Record) bool) iter.Seq2[Arrival, error] {
	return func(yield func(Arrival, error) bool) {
		for r, err := range in.log.Read(after + 1) {
			var damage *wal.Damage
			switch {
			case errors.As(err, &damage):
				continue
			case err != nil:
				yield(Arrival{}, fmt.Errorf("read the interviews that came: %w", err))
				return
			}
			if isDecision(r.Kind) {
				a, err := in.decidedHere(r)
				if !yield(a, err) || err != nil {
					return
				}
				continue
			}
			second := r.Kind == kindQuarantined && isSecond(r)
			if !second && (!counts(r.Kind) || in.isRefused(r.Seq)) {
				continue
			}
			if !wanted(r) {
				if !yield(Arrival{Response: surveys.Response{Node: r.Node, Seq: r.Seq, Received: r.Received}, Second: second}, nil) {
					return
				}
				continue
			}
			response, err := in.readResponse(r)
			if errors.Is(err, surveys.ErrInvalid) {
				continue // shipping puts it into quarantine
			}
			if !yield(Arrival{Response: response, Second: second}, err) || err != nil {
				return
			}
		}
	}
}

// decidedHere is the arrival of a decision of this node. What the quarantined submission claims
// is known here also where the note does not say it.
func (in *Intake) decidedHere(r wal.Record) (Arrival, error) {
	a, err := decided(r)
	if err != nil {
		return a, err
	}
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	if q := in.index.aside[a.Number]; q != nil {
		a.Wave, a.Case = q.Wave, q.Case
	}
	return a, nil
}

// decided is the arrival of a decision, by its note alone.
func decided(r wal.Record) (a Arrival, err error) {
	e, err := decodeEntry(r)
	if err != nil {
		return a, err
	}
	n, d, err := decisionOf(r, e)
	if err != nil {
		return a, err
	}
	a = Arrival{By: d.By, Why: d.Reason, Decided: Dismissed, Number: n.Seq}
	if d.Corrected() {
		a.Decided = Corrected
	}
	a.Node, a.Seq, a.Received, a.ID, a.Revision = r.Node, r.Seq, r.Received, formatUUID(r.ID), r.Revision
	a.Wave, a.Case = n.Wave, n.Case
	return a, nil
}

// isSecond says that a record is in quarantine because its case has another interview.
func isSecond(r wal.Record) bool {
	e, err := decodeEntry(r)
	return err == nil && e.reason == reasonAnswered
}
