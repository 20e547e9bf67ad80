package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// Reasons for quarantine beside what the form engine finds.
const (
	reasonConflict = "conflict: another body under the same ID and revision"
	reasonAnswered = "case already answered"
	reasonTimes    = "finished before it was started"
	reasonExpired  = "finished after the form's last day of validity, or after the wave was closed"
	reasonElse     = "the ID is that of an interview of another case"
	reasonBooklet  = "another booklet than the case was given when it was drawn"
)

// Accept takes the JSON of a surveys.Interview and returns when it is durable. The
// same body again gives the same receipt. Its errors wrap surveys.ErrTooLarge,
// ErrInvalid, ErrNotFound (no such wave), ErrConflict (another body under the same ID
// and revision; it is kept, but does not count) or ErrUnavailable (try again later).
// With any other error than ErrConflict nothing was stored, or it is on one disk only where
// two are asked for; sending the same again is right.
func (in *Intake) Accept(ctx context.Context, body []byte) (Receipt, error) {
	return in.AcceptIf(ctx, body, func(*surveys.Interview) error { return nil })
}

// AcceptIf is Accept for an interview that may has nothing against; its error is that of
// AcceptIf. May is called once, with the interview as it can be read, which it must not
// change or keep.
func (in *Intake) AcceptIf(ctx context.Context, body []byte, may func(*surveys.Interview) error) (Receipt, error) {
	if len(body) > MaxBody {
		return Receipt{}, fmt.Errorf("a submission of %d bytes, at most %d are allowed: %w", len(body), MaxBody, surveys.ErrTooLarge)
	}
	iv, err := parse(body)
	if err != nil {
		return Receipt{}, err
	}
	if err := may(&iv); err != nil {
		return Receipt{}, err
	}
	s := submission{interview: iv, sum: sha256.Sum256(body), body: body, caseKey: keyOfCase(iv.Wave, iv.Case)}
	s.key.id, _ = parseUUID(iv.ID)
	s.key.revision = iv.Revision
	r, err := in.submit(ctx, s)
	if away := in.confirm(ctx, r.Seq, err); away != nil {
		return Receipt{}, away
	}
	if err != nil {
		return Receipt{}, err
	}
	return in.sign(r)
}

// confirm waits until what is about to be acknowledged is on the other node's disk too, where
// one keeps a copy: a record of this submission, or with a conflict whatever was kept last.
func (in *Intake) confirm(ctx context.Context, seq uint64, err error) error {
	m, ok := in.log.(Mirrored)
	if !ok || err != nil && !errors.Is(err, surveys.ErrConflict) {
		return nil
	}
	if err != nil {
		in.index.mu.Lock()
		seq = in.index.last
		in.index.mu.Unlock()
	}
	if away := m.Confirm(ctx, seq); away != nil {
		return fmt.Errorf("keep the interview on two disks: %w", away)
	}
	in.nudge()
	return nil
}

// Standing says what is stored under an ID and revision.
type Standing int

// What can be stored.
const (
	Nothing Standing = iota
	// BrokenOff is an interview that was broken off, and counts as such: a whole one takes
	// its place under a higher revision.
	BrokenOff
	// Stored is a whole interview that counts, unless a later revision does.
	Stored
	// Aside is an interview in quarantine.
	Aside
)

// Stands says what is stored under an ID and revision; an ID that is no UUID has Nothing.
func (in *Intake) Stands(id string, revision uint32) Standing {
	key := identity{revision: revision}
	var ok bool
	if key.id, ok = parseUUID(id); !ok {
		return Nothing
	}
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	k, seen := in.index.ids[key]
	switch {
	case !seen:
		return Nothing
	case k.quarantined:
		return Aside
	case k.partial:
		return BrokenOff
	}
	return Stored
}

// submission is what Accept works on.
type submission struct {
	interview surveys.Interview
	key       identity
	sum       [32]byte
	caseKey   caseKey
	body      []byte
}

// locks are what nobody else may append at the same time.
func (s submission) locks() []any {
	if s.caseKey == (caseKey{}) {
		return []any{s.key}
	}
	return []any{s.key, s.caseKey}
}

// submit finds out what a submission is and appends it if it is new.
func (in *Intake) submit(ctx context.Context, s submission) (Receipt, error) {
	x := in.index
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.reserve(ctx, s.locks()...); err != nil {
		return Receipt{}, err
	}
	defer x.release(s.locks()...)
	before, seen := x.ids[s.key]
	switch {
	case seen && before.sum == half(s.sum):
		r := x.receipt(s.key, s.sum)
		r.Status = Repeated
		return r, nil
	case seen:
		return Receipt{}, in.keepConflict(ctx, s)
	}
	reason, err := in.judge(s)
	if err != nil {
		return Receipt{}, err
	}
	if err := in.append(ctx, s, reason); err != nil {
		return Receipt{}, err
	}
	r := x.receipt(s.key, s.sum)
	r.Status = Created
	return r, nil
}

// judge returns why a new submission must be quarantined; "" when it counts. The
// caller holds index.mu, which is free while the answers are replayed.
func (in *Intake) judge(s submission) (reason string, err error) {
	if owner, taken := in.index.cases[s.caseKey]; taken && !s.interview.Partial && s.caseKey != (caseKey{}) && owner != s.key.id {
		reason = reasonAnswered
	}
	before, revised := in.index.before(s.key)
	in.index.mu.Unlock()
	defer in.index.mu.Lock()
	if revised && reason == "" {
		if reason, err = in.caseOfOther(before.seq, s.caseKey); err != nil {
			return "", err
		}
	}
	iv := s.interview
	e, err := in.forms.Edition(iv.Wave, iv.Survey, iv.Version)
	if err != nil || reason != "" {
		return reason, err
	}
	if reason = e.refuses(&iv); reason != "" {
		return reason, nil
	}
	return describe(e.Replay(&iv)), nil
}

// caseOfOther is the reason against a revision of an interview that stands at a place in the
// log: it must not take that one's case its interview, whoever knows the ID.
func (in *Intake) caseOfOther(seq uint64, now caseKey) (reason string, err error) {
	_, e, err := recordAt(everything(in.log), seq)
	switch {
	case errors.Is(err, surveys.ErrNotFound), errors.As(err, new(*wal.Damage)): // nobody knows
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look at the revision before: %w: %w", surveys.ErrUnavailable, err)
	case e.caseKey != (caseKey{}) && e.caseKey != now:
		return reasonElse, nil
	}
	return "", nil
}

// refuses says what is wrong with an interview beside its answers, or "".
func (e *Edition) refuses(iv *surveys.Interview) string {
	given := e.Booklets[iv.Case]
	switch {
	case iv.Finished.Before(iv.Started):
		return reasonTimes
	case !e.Ends.IsZero() && !iv.Finished.Before(e.Ends):
		return reasonExpired
	case given != "" && given != iv.Booklet:
		return reasonBooklet
	}
	return ""
}

// describe names the first problems of a replay. The name of an item that the form
// does not have is left out, because it came with the submission.
func describe(problems []form.Problem) string {
	const most = 5
	var words []string
	for i, p := range problems {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(problems)-most))
			break
		}
		item := p.Item
		if p.Code == form.UnknownItem {
			item = ""
		}
		words = append(words, strings.TrimSpace(item+" "+string(p.Code)))
	}
	if words == nil {
		return ""
	}
	return "replay: " + strings.Join(words, ", ")
}

// keepConflict keeps a second body of a submission, once, and returns the error.
func (in *Intake) keepConflict(ctx context.Context, s submission) error {
	if !in.index.conflicts[conflict{s.key, half(s.sum)}] {
		if err := in.append(ctx, s, reasonConflict); err != nil {
			return err
		}
	}
	return fmt.Errorf("submission %s, revision %d, is stored with other content; send a changed interview as the next revision: %w",
		formatUUID(s.key.id), s.key.revision, surveys.ErrConflict)
}

// append makes a submission durable and takes it into the index. The caller holds
// index.mu, which is free while the disk works.
func (in *Intake) append(ctx context.Context, s submission, reason string) error {
	if reason != "" {
		in.logger.Warn("interview is quarantined", "reason", reason)
	}
	if _, err := in.appendAll(ctx, in.submissionRecord(s, reason)); err != nil {
		return fmt.Errorf("keep the interview: %w", err)
	}
	return nil
}

// submissionRecord makes the record of a submission; a reason puts it into quarantine.
func (in *Intake) submissionRecord(s submission, reason string) logged {
	reason = shorten(reason, maxReason) // as it comes back from the log, so that receipts stay the same
	e := entry{sum: s.sum, caseKey: s.caseKey, reason: reason, body: s.body}
	r := wal.Record{Kind: kindAccepted, Node: in.cfg.Node, Received: in.now().UTC(), ID: s.key.id, Revision: s.key.revision, Body: e.encode()}
	if s.interview.Partial {
		r.Kind = kindPartial
	}
	if reason != "" {
		r.Kind = kindQuarantined
	}
	return logged{r, e}
}
