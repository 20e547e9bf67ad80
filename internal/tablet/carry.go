package tablet

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// Run carries out what waits, until ctx ends. While the office or the intake is away it waits
// and tries again; a tablet that has to wait keeps no other one waiting.
func (t *Tablets) Run(ctx context.Context) error {
	for {
		pause := t.round(ctx)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-t.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// round carries out all that is due, by turns, and returns how long nothing else is.
func (t *Tablets) round(ctx context.Context) time.Duration {
	for more := true; more && ctx.Err() == nil; {
		more = false
		for _, j := range t.all() {
			if time.Until(j.dueAt()) > 0 {
				continue
			}
			waits, err := t.turn(ctx, j)
			if err != nil && ctx.Err() == nil {
				t.delay(j, err)
			}
			more = more || waits
		}
	}
	pause := t.cfg.LongestWait
	for _, j := range t.all() {
		if wait := time.Until(j.dueAt()); wait > 0 {
			pause = min(pause, wait)
		}
	}
	return pause
}

func (j *journal) dueAt() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.again
}

// delay lets a journal wait.
func (t *Tablets) delay(j *journal, cause error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wait = min(max(2*j.wait, t.cfg.FirstWait), t.cfg.LongestWait)
	j.again = time.Now().Add(j.wait)
	t.logger.Warn("events of a tablet have not been carried out yet", "device", j.device, "cause", cause)
}

// Flush carries out all that can be carried out now, and returns the errors of what cannot.
func (t *Tablets) Flush(ctx context.Context) error {
	var errs []error
	for _, j := range t.all() {
		for more := true; more; {
			var err error
			if more, err = t.turn(ctx, j); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// turn carries out some events of one journal, and says whether more wait.
func (t *Tablets) turn(ctx context.Context, j *journal) (more bool, err error) {
	t.carrying.Lock()
	defer t.carrying.Unlock()
	if more, err = t.step(ctx, j); err != nil {
		return false, fmt.Errorf("carry out what tablet %s recorded: %w", j.device, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.again, j.wait = time.Time{}, 0
	return more, nil
}

// step carries out some events of one journal, and says whether more wait.
func (t *Tablets) step(ctx context.Context, j *journal) (more bool, err error) {
	j.mu.Lock()
	from, to := j.carried+1, min(j.upto, j.carried+uint64(t.cfg.AtOnce))
	some := slices.Clone(j.entries[min(from-1, j.last()):min(to, j.last())])
	late := j.late
	j.busy = to
	j.mu.Unlock()
	defer func() {
		if err != nil { // the office may have done it all the same
			return
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		j.busy = 0
	}()
	if err = t.carryLate(ctx, j, late); err != nil || len(some) == 0 {
		return false, err
	}
	items, err := t.read(some)
	var lost *lostEvent
	switch {
	case errors.As(err, &lost):
		t.logger.Warn("an event of a tablet is lost from the log, and asked for again", "device", j.device, "n", from+uint64(lost.index))
		j.mu.Lock()
		j.lose(from + uint64(lost.index))
		j.mu.Unlock()
		return true, nil
	case err != nil:
		return false, err
	}
	c := carrier{tablets: t, journal: j, ctx: ctx}
	for k, i := range items {
		if err = c.event(from+uint64(k), i); err != nil {
			return false, errors.Join(err, c.flush(c.upTo))
		}
	}
	err = c.flush(to)
	return err == nil, err
}

// carrier carries out a run of events.
type carrier struct {
	tablets *Tablets
	journal *journal
	ctx     context.Context
	// deeds wait to be done together; upTo is the last number that was looked at.
	deeds []office.TabletDeed
	upTo  uint64
}

// event carries out an event, or lets it wait with others for flush.
func (c *carrier) event(n uint64, i item) error {
	if i.readable() {
		e, readable := readEvent(i.text)
		d, does := deed(n, e, readable)
		if does && d.Event.Action == fieldwork.Submit && d.Why == "" {
			err := c.flush(n - 1) // what was before comes first
			if err != nil {
				return err
			}
			if d, err = c.tablets.submit(c.ctx, c.journal.device, d, e); err != nil {
				return err
			}
		}
		if does {
			c.deeds = append(c.deeds, d)
		}
	}
	c.upTo = n
	return nil
}

// flush does what waits, and notes that all up to a number is carried out.
func (c *carrier) flush(upTo uint64) error {
	j := c.journal
	j.mu.Lock()
	done := j.carried >= upTo
	j.mu.Unlock()
	if done {
		return nil
	}
	if err := c.tablets.office.CarryOut(c.ctx, j.device, upTo, c.deeds, c.tablets.now()); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range c.deeds {
		if d.Why == office.HeldQuarantined {
			j.quarantined++
		}
	}
	j.carried, c.deeds = upTo, nil
	j.upto = max(j.upto, upTo)
	return nil
}

// carryLate deals with events that came when their number had been passed over: interviews are
// accepted, which may be repeated; whatever has its place in an order is held.
func (t *Tablets) carryLate(ctx context.Context, j *journal, places []uint64) error {
	for _, place := range places {
		i, err := t.readAt(place)
		if err != nil && !errors.Is(err, errLost) {
			return err
		}
		if err == nil {
			if err := t.lateEvent(ctx, j.device, i); err != nil {
				return err
			}
		}
		j.mu.Lock()
		j.late = j.late[1:]
		j.mu.Unlock()
	}
	return nil
}

func (t *Tablets) lateEvent(ctx context.Context, device string, i item) error {
	e, readable := readEvent(i.text)
	d, does := deed(i.n, e, readable)
	switch {
	case !does:
		return nil
	case d.Event.Action != fieldwork.Submit:
		d.Why = cmp.Or(d.Why, office.HeldLate)
	case d.Why == "":
		var err error
		if d, err = t.submit(ctx, device, d, e); err != nil || d.Why == "" {
			return err
		}
	}
	return t.office.Hold(ctx, device, []office.TabletDeed{d}, t.now())
}

// submit hands an interview to the intake, and returns what the office is told: why it does not
// count, or that it came although the case is with somebody else. With an error it is to be
// tried again.
func (t *Tablets) submit(ctx context.Context, device string, d office.TabletDeed, e event) (office.TabletDeed, error) {
	var iv surveys.Interview
	if json.Unmarshal([]byte(e.Body), &iv) != nil {
		d.Why = office.HeldUnreadable
		return d, nil
	}
	d.Event.Revision = int(iv.Revision)
	if iv.Wave != e.Wave || iv.Case != e.Case || iv.ID != e.Interview || iv.Mode != surveys.ModeTablet || iv.Partial != (e.Kind == kindPart) {
		d.Why = office.HeldOtherCase
		return d, nil
	}
	given, err := t.office.WasGiven(ctx, device, e.Wave, e.Case)
	if err != nil {
		return d, err
	}
	if !given { // or a tablet could answer any case
		d.Why = office.HeldNotGiven
		return d, nil
	}
	elsewhere, err := t.office.IsOfAnother(ctx, e.Wave, e.Case, iv.ID)
	if err != nil {
		return d, err
	}
	if elsewhere { // it would take that one's place
		d.Why = office.HeldOtherCase
		return d, nil
	}
	r, err := t.accept(ctx, &iv, []byte(e.Body))
	d.Event.Revision = int(iv.Revision)
	switch {
	case err == nil && r.Quarantined == "":
		d.Event.Action, d.OnlyWithdrawn = fieldwork.Comment, true
	case err == nil:
		d.Why, d.Detail = office.HeldQuarantined, r.Quarantined
	case errors.Is(err, surveys.ErrConflict):
		d.Why = office.HeldConflict
	case errors.Is(err, surveys.ErrInvalid), errors.Is(err, surveys.ErrNotFound), errors.Is(err, surveys.ErrTooLarge):
		d.Why, d.Detail = office.HeldInvalid, err.Error()
	default:
		return d, err
	}
	return d, nil
}

// Retry hands an interview that is held to the intake once more, such as one of a wave that was
// not published yet, also one that came late. It returns what office.Store.Retried is to be
// told; its Why says why the interview still does not count, empty when it does. Anything but
// an interview that was carried out is an error that wraps surveys.ErrNotFound.
func (t *Tablets) Retry(ctx context.Context, device string, seq uint64) (office.TabletDeed, error) {
	none := fmt.Errorf("tablet %s has no interview of number %d to try again: %w", device, seq, surveys.ErrNotFound)
	place := t.journal(device).textOf(seq)
	if place == 0 {
		return office.TabletDeed{}, none
	}
	i, err := t.readAt(place)
	switch {
	case errors.Is(err, errLost):
		return office.TabletDeed{}, fmt.Errorf("%w: %w", none, err)
	case err != nil:
		return office.TabletDeed{}, fmt.Errorf("read the interview again: %w", err)
	}
	e, readable := readEvent(i.text)
	d, does := deed(seq, e, readable)
	if !does || d.Event.Action != fieldwork.Submit {
		return office.TabletDeed{}, none
	}
	if d.Why == "" {
		d, err = t.submit(ctx, device, d, e)
	}
	return d, err
}

// textOf is the place in the log of the text of a number that was carried out, also of one
// that came late; 0 when there is none.
func (j *journal) textOf(n uint64) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e := j.entry(n); {
	case n > j.carried:
		return 0
	case e.readable():
		return e.at()
	}
	return j.lateOf[n]
}

// latestRevision is above what any interview comes to.
const latestRevision = 1000

// answered is the revision of a whole interview that was done elsewhere and counts, below that
// of one from a tablet; -1 when there is none. One that a review sent back is none: the tablet
// brings the next.
func (t *Tablets) answered(ctx context.Context, iv *surveys.Interview) (int, error) {
	r := int(min(iv.Revision, latestRevision)) - 1
	for r >= 0 && t.intake.Stands(iv.ID, uint32(r)) != intake.Stored {
		r--
	}
	if r < 0 {
		return r, nil
	}
	stands, latest, err := t.office.InterviewOf(ctx, iv.Wave, iv.Case)
	if stands == "" && int(latest) >= r {
		r = -1
	}
	return r, err
}

// accept hands an interview to the intake, under a higher revision where one that was broken
// off elsewhere has its own: the whole one counts in its place. Where a whole one was done
// elsewhere it takes that one's revision, so that it is kept as a conflict and replaces
// nothing. Tried again it gives the same.
func (t *Tablets) accept(ctx context.Context, iv *surveys.Interview, body []byte) (r intake.Receipt, err error) {
	switch r0, err := t.answered(ctx, iv); {
	case err != nil:
		return r, err
	case r0 >= 0:
		iv.Revision = uint32(r0)
		if body, err = json.Marshal(iv); err != nil {
			return r, fmt.Errorf("%w: %w", surveys.ErrInvalid, err)
		}
	}
	for {
		for !iv.Partial && t.intake.Stands(iv.ID, iv.Revision) == intake.BrokenOff {
			iv.Revision++
			if body, err = json.Marshal(iv); err != nil {
				return r, fmt.Errorf("%w: %w", surveys.ErrInvalid, err)
			}
		}
		r, err = t.intake.Accept(ctx, body)
		quicker := errors.Is(err, surveys.ErrConflict) && !iv.Partial && t.intake.Stands(iv.ID, iv.Revision) == intake.BrokenOff
		if !quicker { // one that was broken off came in between
			return r, err
		}
	}
}

// lostEvent is for an event that the log has not any more, the one at an index of those asked
// for.
type lostEvent struct{ index int }

func (l *lostEvent) Error() string {
	return fmt.Sprintf("event %d of those asked for: %v", l.index, errLost)
}

// near is how many records of others are read over rather than sought past.
const near = 100

// read reads entries from the log, as one run where they lie near each other.
func (t *Tablets) read(entries []entry) ([]item, error) {
	order := make([]int, len(entries))
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(entries[a].at(), entries[b].at()) })
	items := make([]item, len(entries))
	for len(order) > 0 {
		read, err := t.readRun(entries, order, items)
		if err != nil {
			return nil, err
		}
		order = order[read:]
	}
	return items, nil
}

// readRun reads the first of the entries in order, and those that lie near after it.
func (t *Tablets) readRun(entries []entry, order []int, items []item) (read int, err error) {
	for r, err := range t.log.Read(entries[order[0]].at()) {
		want := entries[order[read]].at()
		var damage *wal.Damage
		switch {
		case errors.As(err, &damage):
			if damage.To >= want {
				return read, &lostEvent{order[read]}
			}
			continue
		case err != nil:
			return read, err
		case r.Seq > want:
			return read, &lostEvent{order[read]}
		case r.Seq < want:
			continue
		}
		if items[order[read]], err = readItem(r); err != nil {
			return read, err
		}
		if read++; read == len(order) || entries[order[read]].at() > want+near {
			return read, nil
		}
	}
	return read, &lostEvent{order[read]}
}
