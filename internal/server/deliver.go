package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// deliver hands an interview that was sent or broken off to the intake, and notes that
// it was accepted. It may happen again after an error or a crash: the intake gets the
// same bytes, and counts them once.
func (s *Server) deliver(ctx context.Context, interview string) error {
	err := s.change(ctx, interview, func(r *run) error {
		switch r.draft.State {
		case drafts.Sending:
			return s.hand(ctx, r, r.finished)
		case drafts.Parting:
			return s.hand(ctx, r, r.partial)
		}
		return errUnchanged
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// hand gives the intake what make makes of the run, and puts the run into the state
// that follows.
func (s *Server) hand(ctx context.Context, r *run, make func() (surveys.Interview, error)) error {
	iv, err := make()
	if err != nil {
		return err
	}
	receipt, err := s.accept(ctx, iv)
	conflict := errors.Is(err, surveys.ErrConflict) // the log has one that this store does not know of
	if err != nil && !conflict {
		return err
	}
	if iv.Partial {
		r.draft.State = drafts.BrokenOff
		return nil
	}
	r.draft.State, r.draft.Last = drafts.Finished, ""
	r.state = state{Case: r.state.Case, Mode: r.state.Mode, Lang: r.state.Lang, Started: r.state.Started}
	if !conflict {
		r.state.Receipt = receiptNumber(receipt)
	}
	return nil
}

// accept hands an interview to the intake. A whole one takes a higher revision where one that
// was broken off has its own, such as one that was corrected in quarantine: it would be kept
// as a conflict, and the part of it would count. Tried again it gives the same.
func (s *Server) accept(ctx context.Context, iv surveys.Interview) (intake.Receipt, error) {
	partial := func() bool { return !iv.Partial && s.deps.Intake.Stands(iv.ID, iv.Revision) == intake.BrokenOff }
	for {
		for partial() {
			iv.Revision++
		}
		body, err := json.Marshal(iv)
		if err != nil {
			return intake.Receipt{}, fmt.Errorf("writing the interview: %w", err)
		}
		receipt, err := s.deps.Intake.Accept(ctx, body)
		if !errors.Is(err, surveys.ErrConflict) || !partial() { // else one came in between
			return receipt, err
		}
	}
}

// finished is what a run gives in the end. It depends on what is kept only, so the same
// run gives the same interview.
func (r *run) finished() (surveys.Interview, error) {
	result, problems := r.session.Finish()
	if len(problems) > 0 {
		return surveys.Interview{}, fmt.Errorf("an interview that was sent is no longer complete: %w", surveys.ErrInvalid)
	}
	return r.interview(result), nil
}

// partial is what a run that was broken off gives.
func (r *run) partial() (surveys.Interview, error) {
	result := r.session.Partial()
	iv := r.interview(result)
	iv.Partial, iv.Last = true, result.Last
	return iv, nil
}

func (r *run) interview(result form.Result) surveys.Interview {
	return surveys.Interview{
		ID:       r.draft.Interview,
		Revision: r.state.Revision,
		Survey:   r.wave.Questionnaire.ID,
		Version:  r.wave.version,
		Wave:     r.wave.ID,
		Case:     r.state.Case,
		Mode:     cmp.Or(r.state.Mode, surveys.ModeWeb),
		Lang:     r.state.Lang,
		Started:  r.state.Started,
		Finished: r.state.Finished,
		Answers:  result.Answers,
		Booklet:  r.state.Form.Booklet,
		Paradata: result.Paradata,
	}
}

// The times of the caretaker.
const (
	// careInterval is how often it looks.
	careInterval = time.Minute
	// onItsWay is how long a page that sends an interview has for that itself.
	onItsWay = 10 * time.Second
)

// care looks after interviews under way until ctx ends.
func (s *Server) care(ctx context.Context) {
	tick := time.NewTicker(careInterval)
	defer tick.Stop()
	for {
		if err := s.lookAfter(ctx); err != nil && ctx.Err() == nil {
			s.deps.Log.ErrorContext(ctx, "interviews under way: some have to wait", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lookAfter delivers what was sent, makes partial interviews of what was broken off or
// is of a wave that has ended, and forgets what is of such a wave and was delivered.
func (s *Server) lookAfter(ctx context.Context) error {
	now := s.deps.Now()
	errs := []error{
		s.each(ctx, drafts.Sending, "", now.Add(-onItsWay), s.retry),
		s.each(ctx, drafts.Parting, "", now.Add(-onItsWay), s.retry),
		s.each(ctx, drafts.UnderWay, "", now.Add(-s.cfg.Idle), s.part),
	}
	for _, w := range s.order() {
		if w.open(now) {
			continue
		}
		soon := now.Add(time.Hour) // all of them, whatever the clocks say
		errs = append(errs,
			s.each(ctx, drafts.UnderWay, w.ID, soon, s.part),
			s.each(ctx, drafts.BrokenOff, w.ID, soon, s.deps.Drafts.Forget),
			s.each(ctx, drafts.Finished, w.ID, soon, s.deps.Drafts.Forget))
	}
	return errors.Join(errs...)
}

// each calls do for the interviews of a state that were last touched before a time. It
// goes on after an error, unless log or drafts are away: the next would fail too.
func (s *Server) each(ctx context.Context, state drafts.State, wave string, before time.Time, do func(context.Context, string) error) error {
	list, err := s.deps.Drafts.Idle(ctx, state, wave, before)
	if err != nil {
		return err
	}
	var errs []error
	for _, interview := range list {
		err := do(ctx, interview)
		switch {
		case err == nil, errors.Is(err, errDraft), errors.Is(err, surveys.ErrNotFound):
		case errors.Is(err, surveys.ErrUnavailable), ctx.Err() != nil:
			return err
		case len(errs) < 10:
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// part makes a partial interview of one that is under way, and delivers it.
func (s *Server) part(ctx context.Context, interview string) error {
	empty := false
	brokenOff := func(d *drafts.Draft, w *wave) bool { // or it has been taken up meanwhile
		idle := !d.Updated.Add(s.cfg.Idle).After(s.deps.Now())
		return d.State == drafts.UnderWay && (idle || !s.waves()[w.ID].open(s.deps.Now()))
	}
	err := s.change(ctx, interview, func(r *run) error {
		if !brokenOff(r.draft, r.wave) {
			return errUnchanged
		}
		if empty = len(r.session.Answers()) == 0; empty {
			return errUnchanged
		}
		r.draft.State = drafts.Parting
		r.state.Finished = moment(r.draft.Updated)
		if r.state.Finished.Before(r.state.Started) { // whole seconds are kept
			r.state.Finished = r.state.Started
		}
		return nil
	})
	switch {
	case empty: // nothing was answered, so it is no interview, not even a part of one
		return s.deps.Drafts.Drop(ctx, interview, func(d drafts.Draft) bool {
			r, err := s.takeUp(&d)
			return err == nil && brokenOff(&d, r.wave) && len(r.session.Answers()) == 0
		})
	case errors.Is(err, errUnchanged):
		return nil
	case err != nil:
		return err
	}
	return s.retry(ctx, interview)
}

// retry delivers an interview. One that cannot be delivered for a reason of its own
// waits behind the others.
func (s *Server) retry(ctx context.Context, interview string) error {
	err := s.deliver(ctx, interview)
	if err == nil || errors.Is(err, surveys.ErrUnavailable) || ctx.Err() != nil {
		return err
	}
	s.deps.Log.ErrorContext(ctx, "an interview is not accepted; it is tried again", "err", err)
	return s.change(ctx, interview, func(r *run) error {
		r.draft.Updated = s.deps.Now()
		return nil
	})
}
