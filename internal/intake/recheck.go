package intake

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// A store may lose what it had: after a power cut, or with a disk that was replaced. So
// Run compares it again with the log, range by range, between blocks.

// recheck is where that comparison stands.
type recheck struct {
	next time.Time // when the next range is due; zero means never
	// seq is compared already in the round that began at begun; a round that has not
	// begun has neither.
	seq   uint64
	begun time.Time
	// failed counts how often the next range could not be shipped again.
	failed int
}

// recheckFile says when the last whole round began.
const recheckFile = "recheck.json"

type recheckRound struct {
	Begun time.Time `json:"begun"`
}

// recheckRange is how many sequence numbers are compared with one question.
const recheckRange = 10_000

// openRecheck reads when the next round is due.
func (in *Intake) openRecheck() {
	if in.cfg.RecheckEvery == 0 {
		return
	}
	var last recheckRound
	if err := readJSON(in.folder, recheckFile, &last); err != nil {
		in.logger.Warn("it cannot be read when the store was last compared with the log", "error", err)
	}
	in.ship.again.next = in.now()
	if due := last.Begun.Add(in.cfg.RecheckEvery); !last.Begun.IsZero() && last.Begun.Before(in.now()) {
		in.ship.again.next = due
	}
}

// bound lets the next range wait no longer than the longest wait there is: the clock may have
// been set back since it was planned, by years.
func (r *recheck) bound(now time.Time, longest time.Duration) {
	if most := now.Add(longest); r.next.After(most) {
		r.next = most
	}
}

// timer fires when the next range is due. Its channel is nil when none ever is.
func (r *recheck) timer(now time.Time) (due <-chan time.Time, stop func()) {
	if r.next.IsZero() {
		return nil, func() {}
	}
	t := time.NewTimer(max(0, r.next.Sub(now)))
	return t.C, func() { t.Stop() }
}

// recheck compares the next range of the log with the store, and plans the one after it.
// A range for which the store has no answer is compared again later.
func (in *Intake) recheck(ctx context.Context) {
	r := &in.ship.again
	if r.begun.IsZero() {
		r.begun = in.now()
		r.seq = in.firstSince(r.begun.Add(-in.cfg.RecheckAge)) - 1
	}
	to := min(r.seq+recheckRange, in.cursor())
	if to <= r.seq {
		in.endRecheck()
		return
	}
	err := in.compare(ctx, r.seq+1, to)
	if err != nil && ctx.Err() == nil {
		in.logger.Warn("store does not hold what the log does", "from", r.seq+1, "to", to, "error", err)
	}
	if errors.Is(err, errNotShipped) {
		r.failed++
	}
	if err != nil && r.failed < in.cfg.Attempts {
		r.next = in.now().Add(in.cfg.LongestWait)
		return
	}
	in.ship.note(func(st *ShippingStat) { st.Rechecked += to - r.seq })
	r.seq, r.failed = to, 0
	r.next = in.now().Add(in.cfg.RecheckPause)
}

// endRecheck plans the next round.
func (in *Intake) endRecheck() {
	r := &in.ship.again
	if err := writeJSON(in.folder, recheckFile, recheckRound{r.begun}); err != nil {
		in.logger.Warn("it cannot be kept when the store was compared with the log", "error", err)
	}
	*r = recheck{next: r.begun.Add(in.cfg.RecheckEvery)}
}

// firstSince returns the first place in the log that was received at a time or later.
// Where the clock was set back it may be off by as many records, which does no harm.
func (in *Intake) firstSince(t time.Time) uint64 {
	return 1 + uint64(sort.Search(int(in.cursor()), func(i int) bool {
		for r, err := range in.log.Read(uint64(i) + 1) {
			if err == nil {
				return !r.Received.Before(t)
			}
		}
		return true
	}))
}

// compare asks the store for a range of the log, and ships it again if something is
// missing or altered. Its error means that the answer is still to come.
func (in *Intake) compare(ctx context.Context, from, to uint64) error {
	want, wantSum, err := in.expected(from, to)
	if err != nil {
		return err
	}
	have, sum, err := in.count(ctx, from, to)
	switch {
	case err != nil:
		return err
	case have == want && sum == wantSum:
		return nil
	case have > want:
		in.logger.Error("the store has interviews that the log does not have; verify names them", "from", from, "to", to, "store", have, "log", want)
		return nil
	}
	in.logger.Error("the store has lost interviews; they are shipped again", "from", from, "to", to, "store", have, "log", want)
	return in.shipAgain(ctx, from, to)
}

// expected returns count and sum of what the store should hold of a range.
func (in *Intake) expected(from, to uint64) (n, sum uint64, err error) {
	for r, err := range in.log.Read(from) {
		var damage *wal.Damage
		switch {
		case errors.As(err, &damage):
			continue
		case err != nil:
			return 0, 0, fmt.Errorf("read the log: %w", err)
		case r.Seq > to:
			return n, sum, nil
		case !counts(r.Kind) || in.isRefused(r.Seq):
			continue
		}
		e, err := decodeEntry(r)
		if err != nil {
			return 0, 0, err
		}
		n++
		sum += CheckNumber(surveys.Response{BodyHash: e.sum})
	}
	return n, sum, nil
}

// errNotShipped says that the store answers, but does not take what it lost. After some
// attempts the comparison goes on; verify names such places, and so does the next round.
var errNotShipped = errors.New("the store does not take again what it lost")

// shipAgain sends a range in blocks, each a limited number of times.
func (in *Intake) shipAgain(ctx context.Context, from, to uint64) error {
	for from <= to {
		b, err := in.collect(from, min(to, in.blockEnd(from)))
		if err != nil {
			return err
		}
		if err := in.sendAgain(ctx, b); err != nil {
			return err
		}
		from = b.To + 1
	}
	return nil
}

// sendAgain sends a block whose place the cursor has passed.
func (in *Intake) sendAgain(ctx context.Context, b *block) error {
	s := in.newShipment(b)
	s.unknown = true // a part of the range may be whole
	for range in.cfg.Attempts {
		stored, err := s.round(ctx)
		if err != nil {
			return err
		}
		if stored {
			in.ship.note(func(st *ShippingStat) { st.Reshipped += b.N })
			return nil
		}
		if s.wait.Sleep(ctx); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if s.unknown {
		return fmt.Errorf("records %d to %d: %w", b.From, b.To, surveys.ErrUnavailable)
	}
	return fmt.Errorf("records %d to %d: %w", b.From, b.To, errNotShipped)
}
