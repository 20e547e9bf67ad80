package intake

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/internal/backoff"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// shipment is a block while it is being sent.
type shipment struct {
	in *Intake
	*block
	attempt int
	wait    *backoff.Wait
	// unknown says that the block was sent and that nobody could tell what became of it.
	unknown bool
	// failures counts how often the whole block was sent and was not there then.
	failures int
	// strikes counts the rounds in which a record was not stored although it was sent
	// alone and the store took others.
	strikes map[uint64]int
	// taken says that the store agreed to something in this round and has it, so that a
	// record which it refuses is itself at fault. What it has may be from before; proved
	// says that it took something new, so that one which it passes over in silence is.
	taken, proved bool
	// suspects are the records that were sent alone and not stored in this round.
	suspects []suspect
}

type suspect struct {
	response surveys.Response
	cause    error
}

func (in *Intake) newShipment(b *block) *shipment {
	return &shipment{in: in, block: b, attempt: 1, wait: in.newWait(), unknown: b.resumed, strikes: map[uint64]int{}}
}

// errTooSlow says that a block is too large for the store at present.
var errTooSlow = errors.New("the store did not take a block in the time allowed")

// send brings a block into the store and moves the cursor behind it. Whatever the
// store says about an insert, only a count with the right sum is believed. It
// returns an error when the block is too large at present, files of the intake fail or
// ctx ends.
func (in *Intake) send(ctx context.Context, b *block) error {
	s := in.newShipment(b)
	for stored := false; !stored; {
		var err error
		if stored, err = s.round(ctx); err != nil {
			return err
		}
		if !stored {
			s.wait.Sleep(ctx)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	if err := in.advance(b.To); err != nil {
		return err
	}
	in.ship.grow(in.cfg.BlockRecords)
	if b.N > 0 {
		in.ship.note(func(st *ShippingStat) { st.Blocks++; st.Verified += b.N })
		in.logger.Info("interviews stored", "n", b.N, "to", b.To)
	}
	return nil
}

// round sends the block once. After a sending of which nobody could tell what became,
// it asks the store first: the question costs little, and an answer says whether the
// store is back. A block that is not there after all is sent under a new token, because
// the store drops what it believes to have.
func (s *shipment) round(ctx context.Context) (stored bool, err error) {
	if len(s.responses) == 0 {
		return true, nil
	}
	if s.unknown {
		stored, away := s.isStored(ctx, s.responses, s.From, s.To)
		if stored {
			return true, nil
		}
		if away != nil {
			s.tell(ctx, "store does not answer", nil, away)
			return false, nil
		}
		s.unknown = false
		s.attempt++
	}
	cause := s.insert(ctx, s.responses, s.From, s.To)
	stored, away := s.isStored(ctx, s.responses, s.From, s.To)
	if stored || ctx.Err() != nil { // when the program ends, the next start goes on
		return stored, nil
	}
	s.in.ship.note(func(st *ShippingStat) { st.Resends++ })
	s.tell(ctx, "block is not in the store", cause, away)
	if away != nil {
		s.unknown = true
		return false, nil
	}
	s.attempt++
	return false, s.mend(ctx, cause)
}

// tell logs that a block is not stored, unless the program ends.
func (s *shipment) tell(ctx context.Context, what string, cause, away error) {
	if ctx.Err() == nil {
		s.in.logger.Warn(what, "from", s.From, "to", s.To, "attempt", s.attempt, "insert", cause, "count", away)
	}
}

// mend does what a failed insert calls for beside sending the block again: a block that
// is too large is cut, and one that failed often enough may hold a record that is to
// blame. A store that is busy is left alone, for a search would send it more.
func (s *shipment) mend(ctx context.Context, cause error) error {
	if isTooLarge(cause) && len(s.responses) > 1 {
		s.in.ship.shrink(s.To - s.From + 1)
		return fmt.Errorf("records %d to %d are sent in smaller blocks: %w", s.From, s.To, cause)
	}
	if errors.Is(cause, ErrBusy) {
		return nil
	}
	if s.failures++; !errors.Is(cause, surveys.ErrInvalid) && s.failures < s.in.cfg.Attempts {
		return nil
	}
	err := s.search(ctx)
	s.attempt++
	return err
}

func isTooLarge(cause error) bool {
	return errors.Is(cause, errTooSlow) || errors.Is(cause, surveys.ErrTooLarge)
}

// isOfRecords says whether the fault may lie in the records that were sent.
func isOfRecords(cause error) bool {
	return errors.Is(cause, surveys.ErrInvalid) || errors.Is(cause, ErrRefused)
}

// insert sends responses under tokens that no other content ever had: a token names the
// start of the program and the attempt. A block of several waves is sent wave by wave,
// since the store keeps each apart: only then is an insert stored whole or not at all.
func (s *shipment) insert(ctx context.Context, rs []surveys.Response, from, to uint64) error {
	var causes []error
	for i, of := range byWave(rs) {
		token := fmt.Sprintf("%d-%d-%d-%s-%d-%d", s.Node, from, to, s.in.ship.run, s.attempt, i)
		if n := s.in.ship.rebuilt; n > 0 {
			token += fmt.Sprintf("-r%d", n)
		}
		if err := s.in.insert(ctx, Block{Token: token, Responses: of}); err != nil {
			causes = append(causes, err)
			if !isOfRecords(err) {
				break // the other waves would fare no better
			}
		}
	}
	return errors.Join(causes...)
}

// insert calls the store for at most the time of an attempt.
func (in *Intake) insert(ctx context.Context, b Block) error {
	limited, cancel := context.WithTimeout(ctx, in.cfg.AttemptTime)
	defer cancel()
	err := in.store.Insert(limited, b)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", errTooSlow, err)
	}
	return err
}

// byWave sorts responses apart, each wave in the order of the log, the first wave first.
func byWave(rs []surveys.Response) [][]surveys.Response {
	var all [][]surveys.Response
	places := map[string]int{}
	for _, r := range rs {
		at, known := places[r.Wave]
		if !known {
			at = len(all)
			places[r.Wave] = at
			all = append(all, nil)
		}
		all[at] = append(all[at], r)
	}
	return all
}

// count asks the store for a range; see Store.
func (in *Intake) count(ctx context.Context, from, to uint64) (n, check uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, in.cfg.AttemptTime)
	defer cancel()
	n, check, err = in.store.Count(ctx, in.cfg.Node, from, to)
	in.answers(err)
	return n, check, err
}

// isStored compares count and sum of a range in the store with rs. Its error means
// that the store cannot be asked.
func (s *shipment) isStored(ctx context.Context, rs []surveys.Response, from, to uint64) (bool, error) {
	n, check, err := s.in.count(ctx, from, to)
	for _, r := range rs {
		check -= CheckNumber(r)
	}
	return err == nil && n == uint64(len(rs)) && check == 0, err
}

// patience is how many times as many strikes condemn a record as Config.Attempts says
// when the store did not even say that it refuses it: connections can break at any record.
const patience = 5

// search halves the block until records that the store does not take are alone, and
// puts into quarantine those whose guilt is certain.
func (s *shipment) search(ctx context.Context) error {
	s.taken, s.proved, s.suspects = false, false, nil
	if err := s.halve(ctx, s.responses); err != nil {
		return nil // the store is away; another round will tell
	}
	if len(s.suspects) > 0 && !s.proved {
		s.probe(ctx)
	}
	guilty := map[uint64]bool{}
	for _, p := range s.suspects {
		if !s.isGuilty(p) {
			continue
		}
		if err := s.in.refuseResponse(p.response); err != nil {
			return err
		}
		guilty[p.response.Seq] = true
	}
	if len(guilty) == 0 {
		return nil
	}
	s.remove(guilty)
	s.failures = 0
	return s.in.keepManifest(s.block)
}

// isGuilty counts the strikes of a suspect and says whether they are enough.
func (s *shipment) isGuilty(p suspect) bool {
	seq, enough := p.response.Seq, patience*s.in.cfg.Attempts
	switch {
	case errors.Is(p.cause, surveys.ErrInvalid):
		return true
	case errors.Is(p.cause, ErrBusy), !s.taken, p.cause == nil && !s.proved:
		return false
	case errors.Is(p.cause, ErrRefused):
		enough = s.in.cfg.Attempts
	}
	s.strikes[seq]++
	return s.strikes[seq] >= enough
}

// halve sends responses in ever smaller parts. An error means that the store is away.
func (s *shipment) halve(ctx context.Context, rs []surveys.Response) error {
	stored, cause, err := s.try(ctx, rs)
	switch {
	case err != nil || stored:
		return err
	case len(rs) == 1:
		return s.accuse(ctx, rs[0], cause)
	}
	middle := len(rs) / 2
	if err := s.halve(ctx, rs[:middle]); err != nil {
		return err
	}
	return s.halve(ctx, rs[middle:])
}

// try sends a part of the block, or others, and notes what it tells of the store. Its err
// means that the store is away.
func (s *shipment) try(ctx context.Context, rs []surveys.Response) (stored bool, cause, err error) {
	from, to := rs[0].Seq, rs[len(rs)-1].Seq
	before, err := s.isStored(ctx, rs, from, to)
	if err != nil {
		return false, nil, err
	}
	cause = s.insert(ctx, rs, from, to)
	if stored, err = s.isStored(ctx, rs, from, to); stored && cause == nil {
		s.taken = true
		s.proved = s.proved || !before
	}
	return stored, cause, err
}

// accuse makes a record a suspect if the store holds nothing at all in its place.
func (s *shipment) accuse(ctx context.Context, r surveys.Response, cause error) error {
	n, _, err := s.in.count(ctx, r.Seq, r.Seq)
	if err == nil && n == 0 {
		s.suspects = append(s.suspects, suspect{r, cause})
	}
	return err
}

// probes is how many records the store is tried with; some of them may be at fault, too.
const probes = 16

// probe finds out whether the store takes anything at all: the next records after the
// block, one by one, or the last ones before it. To be sent again does not make them count
// twice.
func (s *shipment) probe(ctx context.Context) {
	next, err := s.in.collect(s.To+1, s.To+probes)
	if err == nil && s.tryEach(ctx, next.responses) || s.taken || s.From == 1 {
		return
	}
	if last, err := s.in.collect(s.From-min(probes, s.From-1), s.From-1); err == nil {
		s.tryEach(ctx, last.responses)
	}
}

// tryEach tries records one by one until the store has taken one that is new to it.
func (s *shipment) tryEach(ctx context.Context, rs []surveys.Response) bool {
	for i := range rs {
		if _, _, err := s.try(ctx, rs[i:i+1]); err != nil || s.proved {
			break
		}
	}
	return s.proved
}

// remove takes records out of the block.
func (s *shipment) remove(seqs map[uint64]bool) {
	var rest []surveys.Response
	for _, r := range s.responses {
		if !seqs[r.Seq] {
			rest = append(rest, r)
		}
	}
	s.responses = rest
	s.seal()
}

func (in *Intake) isRefused(seq uint64) bool {
	in.ship.mu.Lock()
	defer in.ship.mu.Unlock()
	return in.ship.refused[seq]
}

func (in *Intake) refuseResponse(r surveys.Response) error {
	id, _ := parseUUID(r.ID)
	return in.refuse(id, r.Revision, r.Seq, "the store does not take it")
}

// refuse notes in the log that an accepted interview goes to quarantine after all.
func (in *Intake) refuse(id [16]byte, revision uint32, seq uint64, reason string) error {
	e := entry{reason: reason, body: refusal(seq)}
	r := wal.Record{Kind: kindRefused, Node: in.cfg.Node, Received: in.now().UTC(), ID: id, Revision: revision, Body: e.encode()}
	var err error
	if r.Seq, err = in.log.Append(context.Background(), []wal.Record{r}); err != nil {
		return fmt.Errorf("note that a record is quarantined: %w", err)
	}
	in.logger.Error("an accepted interview is quarantined", "seq", seq, "id", hex.EncodeToString(id[:]), "reason", reason)
	in.ship.mu.Lock()
	in.ship.refused[seq] = true
	in.ship.mu.Unlock()
	in.index.mu.Lock()
	in.index.last = max(in.index.last, r.Seq)
	in.index.setAside(in.log, map[uint64]string{seq: reason})
	in.index.mu.Unlock()
	return nil
}
