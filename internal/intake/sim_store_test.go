package intake_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// simStore is a store in a simulated world: it drops blocks under tokens it knows, as
// ClickHouse does, and lies, fails and forgets as the weather says. It is touched only by
// whoever has the turn.
type simStore struct {
	turns  *turns
	rng    *rand.Rand
	rows   map[uint64][]simRow // by place in the log
	last   uint64
	tokens map[string]bool
	// weather decides what may happen to the next calls.
	weather weather
	off     bool           // the network of the node is dead, as the node is
	faults  map[string]int // what happened, by kind
	calls   int
}

type simRow struct {
	id       string
	revision uint32
	sum      [32]byte
}

// weather is what the store and the way to it are like for a while.
type weather string

var weathers = []weather{"fine", "fine", "fine", "away", "flapping", "liar", "slow", "busy", "out of memory", "forgetful"}

// The names of people whose records the store can never take: it says so, it says that it
// refuses the block, or it dies of it.
const poisonSaid, poisonRefused, poisonDeadly = "poison said", "poison refused", "poison deadly"

func newSimStore(turns *turns, rng *rand.Rand) *simStore {
	return &simStore{turns: turns, rng: rng, rows: map[uint64][]simRow{}, tokens: map[string]bool{}, weather: "fine", faults: map[string]int{}}
}

// fault counts a fault and returns its error.
func (s *simStore) fault(kind string, wraps ...error) error {
	s.faults[kind]++
	return fmt.Errorf("%s: %w", kind, errors.Join(append(wraps, errLost)...))
}

// Insert stores, or whatever the weather has it do.
func (s *simStore) Insert(ctx context.Context, b intake.Block) error {
	s.calls++
	s.turns.take("insert " + b.Token)
	switch {
	case s.off:
		if s.rng.IntN(2) == 0 {
			s.keep(b.Token, b.Responses)
		}
		return s.fault("died during an insert")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	n := s.rng.IntN(len(b.Responses) + 1)
	switch s.weather {
	case "away":
		return s.fault("store away", surveys.ErrUnavailable)
	case "flapping":
		if s.rng.IntN(2) == 0 {
			return s.fault("connection lost before storing")
		}
		if err := s.take(b); err != nil || s.rng.IntN(2) == 0 {
			return err
		}
		return s.fault("connection lost after storing")
	case "liar":
		switch s.rng.IntN(5) {
		case 0:
			s.tokens[b.Token] = true
			s.fault("said stored, kept only the token")
			return nil
		case 1:
			s.fault("said stored, stored nothing")
			return nil
		case 2:
			s.keep(b.Token, b.Responses[:n])
			s.fault("said stored, stored a part")
			return nil
		case 3:
			s.keep(b.Token, b.Responses[:n])
			return s.fault("stored a part, answered an error")
		}
	case "slow":
		if s.rng.IntN(2) == 0 {
			return s.late(ctx, b)
		}
	case "busy":
		if s.rng.IntN(3) > 0 {
			return s.fault("too many parts", intake.ErrBusy)
		}
	case "out of memory":
		if len(b.Responses) > 2 {
			return s.fault("memory limit", surveys.ErrTooLarge)
		}
	}
	return s.take(b)
}

// take stores a block unless a record of it is poison.
func (s *simStore) take(b intake.Block) error {
	for _, r := range b.Responses {
		if err := s.poison(r); err != nil {
			s.faults[err.Error()]++
			return err
		}
	}
	s.keep(b.Token, b.Responses)
	return nil
}

// poison says why a record can never be stored, if so.
func (s *simStore) poison(r surveys.Response) error {
	switch name := r.Answers.First("name"); {
	case strings.HasPrefix(name, poisonSaid):
		return errPoisonSaid
	case strings.HasPrefix(name, poisonRefused):
		return errPoisonRefused
	case strings.HasPrefix(name, poisonDeadly):
		return errPoisonDeadly
	}
	return nil
}

var (
	errPoisonSaid    = fmt.Errorf("poison: %w", surveys.ErrInvalid)
	errPoisonRefused = fmt.Errorf("poison: %w", intake.ErrRefused)
	errPoisonDeadly  = errors.New("poison: the store died of it")
)

// late answers too late, and stores later still.
func (s *simStore) late(ctx context.Context, b intake.Block) error {
	go func() {
		time.Sleep(time.Duration(len(b.Token)) * 777 * time.Millisecond)
		s.turns.take("late " + b.Token)
		if s.take(b) == nil {
			s.faults["stored long after the answer"]++
		}
	}()
	<-ctx.Done()
	return ctx.Err()
}

// keep stores records under a token, unless the token is known.
func (s *simStore) keep(token string, rs []surveys.Response) {
	if s.tokens[token] {
		return
	}
	s.tokens[token] = true
	for _, r := range rs {
		if s.poison(r) != nil {
			continue
		}
		row := simRow{r.ID, r.Revision, r.BodyHash}
		if !slices.Contains(s.rows[r.Seq], row) { // what the engine collapses
			s.rows[r.Seq] = append(s.rows[r.Seq], row)
		}
		s.last = max(s.last, r.Seq)
	}
}

// Count counts, unless nobody answers.
func (s *simStore) Count(ctx context.Context, _ uint16, from, to uint64) (n, check uint64, err error) {
	s.calls++
	s.turns.take(fmt.Sprint("count ", from, " ", to))
	switch {
	case s.off:
		return 0, 0, s.fault("died during a count")
	case ctx.Err() != nil:
		return 0, 0, ctx.Err()
	case s.weather == "away", s.weather == "flapping" && s.rng.IntN(3) == 0:
		return 0, 0, s.fault("no answer to a count", surveys.ErrUnavailable)
	}
	for seq := from; seq <= min(to, s.last); seq++ {
		for _, row := range s.rows[seq] {
			n++
			check += intake.CheckNumber(surveys.Response{BodyHash: row.sum})
		}
	}
	if s.weather == "forgetful" && s.rng.IntN(4) == 0 {
		s.forget()
	}
	return n, check, nil
}

func (s *simStore) Records(ctx context.Context, _ uint16, from, to uint64, yield func(intake.StoredRecord) error) error {
	s.calls++
	s.turns.take(fmt.Sprint("records ", from, " ", to))
	switch {
	case s.off:
		return s.fault("died during a comparison")
	case ctx.Err() != nil:
		return ctx.Err()
	case s.weather == "away":
		return s.fault("no answer to a comparison", surveys.ErrUnavailable)
	}
	for seq := from; seq <= min(to, s.last); seq++ {
		rows := slices.SortedFunc(slices.Values(s.rows[seq]), func(a, b simRow) int {
			return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.revision, b.revision))
		})
		for _, row := range slices.Compact(rows) {
			r := intake.StoredRecord{Seq: seq, ID: uuid.MustParse(row.id), Revision: row.revision, BodyHash: row.sum}
			if err := yield(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget loses some of what was stored, but not the tokens of it.
func (s *simStore) forget() {
	for _, seq := range slices.Sorted(maps.Keys(s.rows)) {
		if s.rng.IntN(20) == 0 {
			delete(s.rows, seq)
			s.fault("forgot a record")
		}
	}
}
