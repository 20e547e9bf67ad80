package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Quarantined is a submission that is kept but does not count. It stays as it came; what
// somebody decides about it is a record of its own.
type Quarantined struct {
	// Seq is its place in the log, by which it is named.
	Seq      uint64
	ID       string
	Revision uint32
	Received time.Time
	Reason   string
	// Wave and Case are those that the submission claims.
	Wave, Case string
	// Decision is nil as long as nobody has decided.
	Decision *Decision
}

// Second says that it does not count because its case has another interview.
func (q Quarantined) Second() bool { return q.Reason == reasonAnswered }

// Decision is what somebody decided about a quarantined submission.
type Decision struct {
	// Seq is its own place in the log.
	Seq uint64
	At  time.Time
	// By is the login of who decided, Reason why.
	By, Reason string
	// Instead and Revision name the submission that stands for the quarantined one; empty
	// for one that was dismissed.
	Instead  string
	Revision uint32
	// token is that of the form, by which a decision that is sent twice is known.
	token string
}

// Corrected says that another submission stands for the quarantined one; otherwise it was
// dismissed.
func (d *Decision) Corrected() bool { return d.Instead != "" }

// Verdict is who decides and why. Token is random and of one form: the same verdict sent
// again is done once.
type Verdict struct{ By, Reason, Token string }

const maxToken = 64

func (v Verdict) check() error {
	switch {
	case strings.TrimSpace(v.Reason) == "" || len(v.Reason) > maxReason:
		return fmt.Errorf("say why, in at most %d bytes: %w", maxReason, surveys.ErrInvalid)
	case v.By == "" || v.Token == "" || len(v.By) > maxToken || len(v.Token) > maxToken:
		return fmt.Errorf("a verdict needs who decides and the token of the form: %w", surveys.ErrInvalid)
	}
	return nil
}

// StillWrong is the error of a correction that would not count either. It wraps
// surveys.ErrInvalid.
type StillWrong struct{ Reason string }

func (e *StillWrong) Error() string {
	return "the corrected interview would not count either: " + e.Reason
}

// Unwrap makes it surveys.ErrInvalid.
func (e *StillWrong) Unwrap() error { return surveys.ErrInvalid }

// note is the body of a record about a quarantined submission. Wave and Case are those that
// the submission claims, for those who read the log of another node piece by piece; notes of
// older programs do not have them.
type note struct {
	Seq      uint64 `json:"seq"`
	Wave     string `json:"wave,omitempty"`
	Case     string `json:"case,omitempty"`
	By       string `json:"by"`
	Token    string `json:"token"`
	Instead  string `json:"instead,omitempty"`
	Revision uint32 `json:"revision,omitempty"`
}

// decisionOf reads the record of a decision.
func decisionOf(r wal.Record, e entry) (n note, d *Decision, err error) {
	if err := json.Unmarshal(e.body, &n); err != nil || (r.Kind == kindCorrected) != (n.Instead != "") {
		return note{}, nil, fmt.Errorf("record %d: %w", r.Seq, errEntry)
	}
	return n, &Decision{Seq: r.Seq, At: r.Received.UTC(), By: n.By, Reason: e.reason, Instead: n.Instead, Revision: n.Revision, token: n.Token}, nil
}

// asideOf is what is known of a quarantined submission. Wave and case are read from it as
// far as that goes: it may be one that is no interview any more.
func asideOf(r wal.Record, e entry, reason string) *Quarantined {
	var claim struct{ Wave, Case string }
	_ = json.Unmarshal(e.body, &claim)
	return &Quarantined{Seq: r.Seq, ID: formatUUID(r.ID), Revision: r.Revision, Received: r.Received.UTC(), Reason: reason, Wave: claim.Wave, Case: claim.Case}
}

// Quarantine lists what is in quarantine, in the order of the log, with what was decided.
func (in *Intake) Quarantine() []Quarantined {
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	list := make([]Quarantined, 0, len(in.index.aside))
	for _, q := range in.index.aside {
		list = append(list, *q)
	}
	slices.SortFunc(list, func(a, b Quarantined) int { return cmp.Compare(a.Seq, b.Seq) })
	return list
}

// Quarantined returns a quarantined submission and its body, as it came; nil when damage has
// taken that from the log, so that it can still be dismissed. There being none is
// surveys.ErrNotFound.
func (in *Intake) Quarantined(seq uint64) (Quarantined, []byte, error) {
	in.index.mu.Lock()
	known := in.index.aside[seq]
	var q Quarantined
	if known != nil {
		q = *known
	}
	in.index.mu.Unlock()
	if known == nil {
		return q, nil, fmt.Errorf("nothing is in quarantine under number %d: %w", seq, surveys.ErrNotFound)
	}
	_, e, err := recordAt(in.log, seq)
	if errors.As(err, new(*wal.Damage)) {
		return q, nil, nil
	}
	return q, e.body, err
}

// Interview reads the body of a submission. Its errors wrap surveys.ErrInvalid.
func Interview(body []byte) (surveys.Interview, error) { return parse(body) }

// recordAt reads one record of the log.
func recordAt(log Log, seq uint64) (wal.Record, entry, error) {
	for r, err := range log.Read(seq) {
		if err != nil {
			return r, entry{}, fmt.Errorf("read record %d of the log: %w", seq, err)
		}
		if r.Seq != seq {
			break
		}
		e, err := decodeEntry(r)
		return r, e, err
	}
	return wal.Record{}, entry{}, fmt.Errorf("the log has no record %d: %w", seq, surveys.ErrNotFound)
}

// Dismiss leaves a quarantined submission at that, for ever: it stays in the log and does not
// count. It returns when the decision is durable, on both disks where another node keeps a
// copy. Its errors wrap surveys.ErrInvalid, ErrNotFound, ErrConflict (somebody decided already)
// or ErrUnavailable: then the decision may be there or not, and sending the same again tells.
func (in *Intake) Dismiss(ctx context.Context, seq uint64, v Verdict) error {
	if err := v.check(); err != nil {
		return err
	}
	at, err := in.dismiss(ctx, seq, v)
	if away := in.confirm(ctx, at, err); away != nil {
		return away
	}
	return err
}

// dismiss is Dismiss on this node's disk, and returns the place of the decision.
func (in *Intake) dismiss(ctx context.Context, seq uint64, v Verdict) (at uint64, err error) {
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	if err := in.index.reserve(ctx, deciding(seq)); err != nil {
		return 0, err
	}
	defer in.index.release(deciding(seq))
	q, repeated, err := in.undecided(seq, v)
	switch {
	case err != nil:
		return 0, err
	case repeated:
		return q.Decision.Seq, nil
	}
	return in.appendAll(ctx, in.noteRecord(q, v, nil))
}

// deciding is what is reserved while somebody decides about a quarantined submission.
type deciding uint64

// undecided returns a quarantined submission that nobody has decided about. The same verdict
// again is repeated. Callers hold index.mu.
func (in *Intake) undecided(seq uint64, v Verdict) (q *Quarantined, repeated bool, err error) {
	q = in.index.aside[seq]
	switch {
	case q == nil:
		return nil, false, fmt.Errorf("nothing is in quarantine under number %d: %w", seq, surveys.ErrNotFound)
	case q.Decision == nil:
		return q, false, nil
	case q.Decision.token == v.Token && q.Decision.By == v.By:
		return q, true, nil
	}
	return q, false, fmt.Errorf("somebody has decided about number %d already: %w", seq, surveys.ErrConflict)
}

// logged is a record with what it holds.
type logged struct {
	wal.Record
	entry entry
}

// noteRecord makes the record of a decision; instead is the submission that stands for it.
func (in *Intake) noteRecord(q *Quarantined, v Verdict, instead *submission) logged {
	n, kind := note{Seq: q.Seq, Wave: q.Wave, Case: q.Case, By: v.By, Token: v.Token}, uint8(kindDismissed)
	if instead != nil {
		n.Instead, n.Revision, kind = formatUUID(instead.key.id), instead.key.revision, kindCorrected
	}
	body, err := json.Marshal(n)
	if err != nil { // numbers and strings
		panic(err)
	}
	id, _ := parseUUID(q.ID)
	e := entry{sum: sha256.Sum256(body), reason: v.Reason, body: body}
	return logged{wal.Record{Kind: kind, Node: in.cfg.Node, Received: in.now().UTC(), ID: id, Revision: q.Revision, Body: e.encode()}, e}
}

// appendAll makes records durable, all or none, and takes them into the index. The caller
// holds index.mu, which is free while the disk works.
func (in *Intake) appendAll(ctx context.Context, list ...logged) (first uint64, err error) {
	records := make([]wal.Record, len(list))
	for i, l := range list {
		records[i] = l.Record
	}
	in.index.mu.Unlock()
	first, err = in.log.Append(ctx, records)
	in.index.mu.Lock()
	if err != nil {
		return 0, err
	}
	for i, l := range list {
		l.Seq = first + uint64(i)
		if err := in.index.add(l.Record, l.entry); err != nil {
			return 0, err
		}
	}
	in.nudge()
	return first, nil
}

// Correction is what a quarantined submission is to become.
type Correction struct {
	Verdict
	// Change corrects the interview; nil takes it as it is. ID and revision are given
	// afterwards.
	Change func(*surveys.Interview)
	// Replace lets it stand in place of the interview that its case has: it becomes the next
	// revision of that one.
	Replace bool
}

// Correct accepts a corrected quarantined submission as a new revision, once, after the same
// checks as any other; the quarantined one stays as it came. The new revision and the
// decision are durable together or not at all. Its errors are those of Dismiss, and
// *StillWrong when the interview would not count either: then nothing is stored.
func (in *Intake) Correct(ctx context.Context, seq uint64, c Correction) (Receipt, error) {
	if err := c.check(); err != nil {
		return Receipt{}, err
	}
	r, at, err := in.decideOnce(ctx, seq, c)
	if away := in.confirm(ctx, at, err); away != nil {
		return Receipt{}, away
	}
	return r, err
}

// decideOnce is Correct on this node's disk, and returns the place of the decision.
func (in *Intake) decideOnce(ctx context.Context, seq uint64, c Correction) (r Receipt, at uint64, err error) {
	in.index.mu.Lock()
	defer in.index.mu.Unlock()
	if err := in.index.reserve(ctx, deciding(seq)); err != nil {
		return r, 0, err
	}
	defer in.index.release(deciding(seq))
	q, repeated, err := in.undecided(seq, c.Verdict)
	if err != nil {
		return r, 0, err
	}
	if repeated {
		r, err = in.receiptOf(q.Decision)
		return r, q.Decision.Seq, err
	}
	_, e, err := recordAt(in.log, seq)
	if err != nil {
		return r, 0, err
	}
	iv, err := parse(e.body)
	if err != nil {
		return r, 0, err
	}
	if c.Change != nil {
		c.Change(&iv)
	}
	if r, err = in.correct(ctx, q, c, iv); err != nil {
		return r, 0, err
	}
	return r, in.index.aside[seq].Decision.Seq, nil
}

// correct accepts the corrected interview. The caller holds index.mu and has reserved the
// decision.
func (in *Intake) correct(ctx context.Context, q *Quarantined, c Correction, iv surveys.Interview) (Receipt, error) {
	x := in.index
	iv.ID = q.ID
	key := keyOfCase(iv.Wave, iv.Case)
	if key != (caseKey{}) {
		if err := x.reserve(ctx, key); err != nil { // so that the case has the same interview to the end
			return Receipt{}, err
		}
		defer x.release(key)
		if owner, taken := x.cases[key]; taken && c.Replace {
			iv.ID = formatUUID(owner)
		}
	}
	if x.answersOther(iv.ID, key) {
		iv.ID, iv.Revision = uuid.NewString(), 0 // a revision of it would take the other case its interview
	}
	s, err := x.next(iv)
	if err != nil {
		return Receipt{}, err
	}
	if err := x.reserve(ctx, s.key); err != nil {
		return Receipt{}, err
	}
	defer x.release(s.key)
	if _, taken := x.ids[s.key]; taken {
		return Receipt{}, fmt.Errorf("another revision of the interview came at this moment; try again: %w", surveys.ErrConflict)
	}
	reason, err := in.judge(s)
	if err != nil {
		return Receipt{}, err
	}
	if reason != "" {
		return Receipt{}, &StillWrong{reason}
	}
	if _, err := in.appendAll(ctx, in.submissionRecord(s, ""), in.noteRecord(q, c.Verdict, &s)); err != nil {
		return Receipt{}, fmt.Errorf("keep the corrected interview: %w", err)
	}
	r := x.receipt(s.key, s.sum)
	r.Status = Created
	return in.sign(r)
}

// answersOther says whether an interview is the one of another case. Callers hold mu.
func (x *index) answersOther(interview string, key caseKey) bool {
	id, _ := parseUUID(interview)
	if x.cases[key] == id {
		return false
	}
	for _, owner := range x.cases { // a look at all of them, as in next
		if owner == id {
			return true
		}
	}
	return false
}

// next makes the next revision of an interview. Callers hold mu.
func (x *index) next(iv surveys.Interview) (s submission, err error) {
	id, _ := parseUUID(iv.ID)
	for key := range x.ids { // a look at all of them: corrections are few, and an index by ID would cost each interview memory
		if key.id != id || key.revision < iv.Revision {
			continue
		}
		if iv.Revision = key.revision; iv.Revision == math.MaxUint32 {
			return s, fmt.Errorf("the interview has the last revision there is: %w", surveys.ErrConflict)
		}
	}
	iv.Revision++
	body, err := json.Marshal(iv)
	if err != nil {
		return s, fmt.Errorf("write the corrected interview: %w: %w", surveys.ErrInvalid, err)
	}
	if len(body) > MaxBody {
		return s, fmt.Errorf("the corrected interview has %d bytes, at most %d are allowed: %w", len(body), MaxBody, surveys.ErrTooLarge)
	}
	if iv, err = parse(body); err != nil {
		return s, err
	}
	return submission{interview: iv, key: identity{id, iv.Revision}, sum: sha256.Sum256(body), body: body, caseKey: keyOfCase(iv.Wave, iv.Case)}, nil
}

// receiptOf returns the receipt of the submission that a decision names. Callers hold mu.
func (in *Intake) receiptOf(d *Decision) (Receipt, error) {
	if !d.Corrected() {
		return Receipt{}, fmt.Errorf("it was dismissed: %w", surveys.ErrConflict)
	}
	id, _ := parseUUID(d.Instead)
	key := identity{id, d.Revision}
	_, e, err := recordAt(everything(in.log), in.index.ids[key].seq)
	if err != nil {
		return Receipt{}, err
	}
	r := in.index.receipt(key, e.sum)
	r.Status = Repeated
	return in.sign(r)
}

// setAside puts accepted records that the store never takes into quarantine, by the notes
// about them. Callers hold mu, or own x alone.
func (x *index) setAside(log Log, seqs map[uint64]string) {
	for _, seq := range slices.Sorted(maps.Keys(seqs)) {
		r, e, err := recordAt(log, seq)
		if err != nil { // damage is in the ledger
			r = wal.Record{Seq: seq}
		}
		q := asideOf(r, e, seqs[seq])
		if known := x.aside[seq]; known != nil {
			q.Decision = known.Decision
		}
		x.aside[seq] = q
	}
}

// refusal is the body of a note: the sequence number it speaks of.
func refusal(seq uint64) []byte { return binary.LittleEndian.AppendUint64(nil, seq) }

// refused returns the sequence number that a note speaks of.
func refused(e entry) uint64 {
	if len(e.body) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(e.body)
}

// isDecision says whether records of a kind are what somebody decided about a quarantined
// submission.
func isDecision(kind uint8) bool { return kind == kindDismissed || kind == kindCorrected }
