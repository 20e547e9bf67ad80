package intake

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// shipment is a block while it is being sent.
type shipment struct {
	in *Intake
	*block
	attempt int
	wait    *backoff
	// strikes counts the rounds in which a record was not stored although it was sent
	// alone and the store took others.
	strikes map[uint64]int
	// taken says that the store took something in this round, so that a record
	// which it does not take is itself at fault.
	taken bool
	// suspects are the records that were sent alone and not stored in this round.
	suspects []suspect
}

type suspect struct {
	response surveys.Response
	cause    error
}

// send brings a block into the store and moves the cursor behind it. Whatever the
// store says about an insert, only a count with the right sum is believed. It
// returns an error when files of the intake fail or ctx ends.
func (in *Intake) send(ctx context.Context, b *block) error {
	s := &shipment{in: in, block: b, attempt: 1, wait: in.newBackoff(), strikes: map[uint64]int{}}
	stored := false
	if b.resumed {
		stored, _ = s.isStored(ctx, b.responses, b.From, b.To)
	}
	for !stored && len(b.responses) > 0 {
		var err error
		if stored, err = s.round(ctx); err != nil {
			return err
		}
		if !stored && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := in.advance(b.To); err != nil {
		return err
	}
	in.ship.counts.verified.Add(b.N)
	if b.N > 0 {
		in.logger.Info("interviews stored", "n", b.N, "to", b.To)
	}
	return nil
}

// round sends the whole block once and, when that has not helped often enough,
// looks for the record that is to blame. It waits when the block is not stored.
func (s *shipment) round(ctx context.Context) (stored bool, err error) {
	cause := s.insert(ctx, s.responses, s.From, s.To)
	stored, away := s.isStored(ctx, s.responses, s.From, s.To)
	if stored {
		return true, nil
	}
	if ctx.Err() != nil {
		return false, nil // the program ends; the block is sent again after the next start
	}
	s.in.ship.counts.resends.Add(1)
	s.in.logger.Warn("block is not in the store", "from", s.From, "to", s.To, "attempt", s.attempt, "insert", cause, "count", away)
	if away != nil { // the insert may have succeeded: the same token again is right
		s.wait.sleep(ctx)
		return false, nil
	}
	s.attempt++
	if errors.Is(cause, surveys.ErrInvalid) || s.attempt > s.in.cfg.Attempts {
		refused, err := s.search(ctx)
		s.attempt++
		if refused || err != nil {
			return false, err
		}
	}
	s.wait.sleep(ctx)
	return false, nil
}

// insert sends responses under a token that no other content had in this process.
func (s *shipment) insert(ctx context.Context, rs []surveys.Response, from, to uint64) error {
	token := fmt.Sprintf("%d-%d-%d-%d", s.Node, from, to, s.attempt)
	return s.in.store.Insert(ctx, Block{Token: token, Responses: rs})
}

// isStored compares count and sum of a range in the store with rs. Its error means
// that the store cannot be asked.
func (s *shipment) isStored(ctx context.Context, rs []surveys.Response, from, to uint64) (bool, error) {
	n, check, err := s.in.store.Count(ctx, s.Node, from, to)
	for _, r := range rs {
		check -= CheckNumber(r)
	}
	return err == nil && n == uint64(len(rs)) && check == 0, err
}

// search halves the block until records that the store does not take are alone, and
// puts into quarantine those whose guilt is certain. It returns whether there are any.
func (s *shipment) search(ctx context.Context) (refused bool, err error) {
	s.taken, s.suspects = false, nil
	if err := s.halve(ctx, s.responses); err != nil {
		return false, nil // the store is away; another round will tell
	}
	if len(s.suspects) > 0 && !s.taken {
		s.taken = s.probe(ctx)
	}
	guilty := map[uint64]bool{}
	for _, p := range s.suspects {
		seq := p.response.Seq
		if s.taken {
			s.strikes[seq]++
		}
		if !errors.Is(p.cause, surveys.ErrInvalid) && s.strikes[seq] < s.in.cfg.Attempts {
			continue
		}
		if err := s.in.refuseResponse(p.response); err != nil {
			return false, err
		}
		guilty[seq] = true
	}
	if len(guilty) == 0 {
		return false, nil
	}
	s.remove(guilty)
	return true, s.in.keepManifest(s.block)
}

// halve sends responses in ever smaller parts. An error means that the store is away.
func (s *shipment) halve(ctx context.Context, rs []surveys.Response) error {
	from, to := rs[0].Seq, rs[len(rs)-1].Seq
	cause := s.insert(ctx, rs, from, to)
	stored, err := s.isStored(ctx, rs, from, to)
	switch {
	case err != nil:
		return err
	case stored:
		s.taken = s.taken || cause == nil
		return nil
	case len(rs) == 1:
		return s.accuse(ctx, rs[0], cause)
	}
	middle := len(rs) / 2
	if err := s.halve(ctx, rs[:middle]); err != nil {
		return err
	}
	return s.halve(ctx, rs[middle:])
}

// accuse makes a record a suspect if the store holds nothing at all in its place.
func (s *shipment) accuse(ctx context.Context, r surveys.Response, cause error) error {
	n, _, err := s.in.store.Count(ctx, s.Node, r.Seq, r.Seq)
	if err == nil && n == 0 {
		s.suspects = append(s.suspects, suspect{r, cause})
	}
	return err
}

// probe finds out whether the store takes anything at all, with the next record
// after the block. That record is sent again with its own block, which does not
// make it count twice.
func (s *shipment) probe(ctx context.Context) bool {
	next, err := s.in.collect(s.To+1, s.To+uint64(s.in.cfg.BlockRecords))
	if err != nil || len(next.responses) == 0 {
		return false
	}
	one := next.responses[:1]
	if s.insert(ctx, one, one[0].Seq, one[0].Seq) != nil {
		return false
	}
	stored, _ := s.isStored(ctx, one, one[0].Seq, one[0].Seq)
	return stored
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
	in.index.mu.Unlock()
	return nil
}
