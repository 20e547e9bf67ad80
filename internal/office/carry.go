package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// GiveCases remembers that a tablet was given cases of a wave, before it gets them. Cases
// that it was given before cost no more than a look.
func (s *Store) GiveCases(ctx context.Context, device, wave string, ids []string, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	var missing bool
	err = s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT value FROM json_each(?) EXCEPT SELECT id FROM given WHERE device = ? AND wave = ?)", string(list), device, wave).Scan(&missing)
	if err != nil || !missing {
		return away("look which cases the tablet has", err)
	}
	return s.change(ctx, "give cases to the tablet", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO given (device, wave, id, at) SELECT DISTINCT ?, ?, value, ? FROM json_each(?) WHERE true
			ON CONFLICT DO NOTHING`, device, wave, now.Unix(), string(list))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if err != nil {
			return err
		}
		d, err := scanDevice(tx.QueryRowContext(ctx, selectDevice+" WHERE d.id = ?", device))
		if err != nil {
			return err
		}
		return note(ctx, tx, Entry{now, d.Login, "give cases to tablet", fmt.Sprintf("%d cases of wave %s, tablet %s", n, wave, device), Done})
	})
}

// WasGiven says whether a tablet was given a case at some time, or its enumerator has the case
// now: an office that was put back to an earlier state may not know of the former.
func (s *Store) WasGiven(ctx context.Context, device, wave, id string) (bool, error) {
	given, err := wasGiven(ctx, s.db, device, wave, id)
	return given, away("look which cases the tablet has", err)
}

func wasGiven(ctx context.Context, q querier, device, wave, id string) (given bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM given WHERE device = ?1 AND wave = ?2 AND id = ?3)
		OR EXISTS (SELECT 1 FROM cases c JOIN devices d ON d.login = c.enumerator WHERE d.id = ?1 AND c.wave = ?2 AND c.id = ?3)`, device, wave, id).Scan(&given)
	return given, err
}

// InterviewOf is the interview of a case that stands, empty when none does, such as after a
// review that sent it back, and the latest revision that came.
func (s *Store) InterviewOf(ctx context.Context, wave, id string) (interview string, revision uint32, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT interview, coalesce(progress ->> 'revision', 0) FROM cases WHERE wave = ? AND id = ?", wave, id).Scan(&interview, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return interview, revision, away("look for the interview of the case", err)
}

// IsOfAnother says whether an interview stands for another case of the wave.
func (s *Store) IsOfAnother(ctx context.Context, wave, id, interview string) (is bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM cases INDEXED BY cases_interviewed
		WHERE wave = ? AND interview <> '' AND interview = ? AND id <> ?)`, wave, interview, id).Scan(&is)
	return is, away("look whose interview it is", err)
}

// Cursor is how far the journal of a tablet was carried out.
type Cursor struct {
	Carried uint64
	// Quarantined is how many of its interviews do not count.
	Quarantined int
}

// Cursors returns those of all tablets, by ID.
func (s *Store) Cursors(ctx context.Context) (map[string]Cursor, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, carried, (SELECT count(*) FROM held h WHERE h.device = d.id AND h.why = ?) FROM devices d", HeldQuarantined)
	if err != nil {
		return nil, away("look how far tablets were carried out", err)
	}
	defer rows.Close()
	all := map[string]Cursor{}
	for rows.Next() {
		var id string
		var c Cursor
		if err := rows.Scan(&id, &c.Carried, &c.Quarantined); err != nil {
			return nil, away("look how far tablets were carried out", err)
		}
		all[id] = c
	}
	return all, away("look how far tablets were carried out", rows.Err())
}

// TabletDeed is something that was done with a case on a tablet. Who did it, and on which
// tablet, CarryOut knows.
type TabletDeed struct {
	// Seq is the number of the event in the journal of the tablet.
	Seq        uint64
	Wave, Case string
	Event      fieldwork.Event
	// OnlyWithdrawn says that the event is worth recording only if the case is not with the
	// enumerator any more.
	OnlyWithdrawn bool
	// Why is set when it is only to be held, and Detail says more.
	Why    fieldwork.Why
	Detail string
}

// Why a deed is held, beside the reasons of refusals. Whatever it is, somebody looks at it.
const (
	HeldNotGiven    fieldwork.Why = "not-given"   // the tablet was never given the case
	HeldEvidence    fieldwork.Why = "evidence"    // the selection is not what the listing and the number of the draw give
	HeldOtherCase   fieldwork.Why = "other-case"  // the listing or the interview is of another case than the event
	HeldUnreadable  fieldwork.Why = "unreadable"  // it cannot be understood
	HeldLate        fieldwork.Why = "late"        // it came after what follows it was carried out
	HeldQuarantined fieldwork.Why = "quarantined" // the interview is kept, but does not count
	HeldConflict    fieldwork.Why = "conflict"    // the interview is there with other content
	HeldInvalid     fieldwork.Why = "invalid"     // the interview was not accepted
	HeldNoCase      fieldwork.Why = "no-case"     // it is about no case
)

// tabletActions are those that a tablet may bring.
var tabletActions = []fieldwork.Action{fieldwork.Try, fieldwork.Select, fieldwork.Begin, fieldwork.Comment, fieldwork.Relist}

// CarryOut does what was done on a tablet, in order, and notes that the events of its journal
// up to a number are carried out, in one transaction: whenever the program ends, each is done
// once. What cannot be done is held, with a line in the audit trail, and keeps nothing else
// from being done.
//
// A case that the tablet was given at some time is worked on, whoever has it now; the event
// says so. Times that cannot be are put right, and the event says that, too.
func (s *Store) CarryOut(ctx context.Context, device string, upTo uint64, deeds []TabletDeed, now time.Time) error {
	return s.change(ctx, "carry out what was done on the tablet", func(tx *sql.Tx) error {
		d, err := scanDevice(tx.QueryRowContext(ctx, selectDevice+" WHERE d.id = ?", device))
		if err != nil {
			return err
		}
		for _, deed := range deeds {
			if deed.Seq <= d.Carried || deed.Seq > upTo {
				continue
			}
			if err := carry(ctx, tx, d, deed, now); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE devices SET carried = max(carried, ?) WHERE id = ?", int64(upTo), device)
		return err
	})
}

// Hold keeps deeds of a tablet that are not to be done, as CarryOut does, but moves nothing.
// One that is held already stays as it is.
func (s *Store) Hold(ctx context.Context, device string, deeds []TabletDeed, now time.Time) error {
	return s.change(ctx, "hold what was done on the tablet", func(tx *sql.Tx) error {
		d, err := scanDevice(tx.QueryRowContext(ctx, selectDevice+" WHERE d.id = ?", device))
		if err != nil {
			return err
		}
		for _, deed := range deeds {
			if err := hold(ctx, tx, d, deed, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// carry does one deed, or holds it.
func carry(ctx context.Context, tx *sql.Tx, d Device, deed TabletDeed, now time.Time) error {
	deed.Event.Who, deed.Event.Device = d.Login, d.ID
	if deed.Why == "" {
		var err error
		if deed.Why, deed.Detail, err = d.perform(ctx, tx, deed, now); err != nil {
			return err
		}
	}
	if deed.Why == "" {
		return nil
	}
	return hold(ctx, tx, d, deed, now)
}

// perform does one deed; why says that it cannot be done.
func (d Device) perform(ctx context.Context, tx *sql.Tx, deed TabletDeed, now time.Time) (why fieldwork.Why, detail string, err error) {
	given, err := wasGiven(ctx, tx, d.ID, deed.Wave, deed.Case)
	if err != nil {
		return "", "", err
	}
	c, err := scanCase(tx.QueryRowContext(ctx, selectCase+" WHERE wave = ? AND id = ?", deed.Wave, deed.Case))
	e := deed.Event
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !given:
		return HeldNotGiven, "", nil
	case err != nil:
		return "", "", err
	case !slices.Contains(tabletActions, e.Action):
		return fieldwork.RefusedAction, "", nil
	}
	withdrawn := c.Enumerator != d.Login || !(auth.Account{Area: d.Area}).Sees(c.Area)
	switch {
	case deed.OnlyWithdrawn && !withdrawn:
		return "", "", nil
	case e.Action == fieldwork.Begin && !c.Allows(e.Action): // it goes on, or was begun elsewhere
		return "", "", nil
	case withdrawn:
		e.Flags = append(slices.Clone(e.Flags), fieldwork.Withdrawn)
	}
	if why, detail := unproved(c, e); why != "" {
		return why, detail, nil
	}
	putRight(&e, c.Given, now)
	if _, err := json.Marshal(e); err != nil {
		return HeldUnreadable, "", nil
	}
	err = applyIn(ctx, tx, &c, e, fieldwork.DefaultAttemptRules)
	var refusal *fieldwork.Refusal
	if errors.As(err, &refusal) {
		return refusal.Why, "", nil
	}
	return "", "", err
}

// unproved says why the selection of an event cannot be believed.
func unproved(c Case, e fieldwork.Event) (why fieldwork.Why, detail string) {
	switch {
	case e.Selection == nil:
		return "", ""
	case e.Selection.Listing.Case != c.ID:
		return HeldOtherCase, ""
	case e.Action != fieldwork.Select || c.Method == 0:
		return "", ""
	}
	bound := household.Committed{Case: c.ID, Method: c.Method}
	if err := bound.Commitment.UnmarshalText([]byte(c.Commitment)); err != nil {
		return HeldEvidence, string(household.NumberChanged)
	}
	var faults []string
	for _, v := range household.Verify(bound, *e.Selection) {
		faults = append(faults, string(v.Fault))
	}
	if faults == nil {
		return "", ""
	}
	return HeldEvidence, strings.Join(faults, ", ")
}

// putRight moves the times of an event that cannot be to the nearest that can: not later than
// now, and an attempt or selection not before the case was given to anybody.
func putRight(e *fieldwork.Event, given, now time.Time) {
	moved := false
	right := func(at time.Time, visit bool) time.Time {
		switch {
		case at.IsZero() || at.After(now):
			moved = true
			return now
		case visit && at.Before(given.Truncate(time.Minute)): // to the minute, as an attempt may be
			moved = true
			return given
		}
		return at
	}
	e.At = right(e.At, e.Action == fieldwork.Try || e.Action == fieldwork.Select)
	if e.Attempt != nil && !e.Attempt.At.IsZero() {
		a := *e.Attempt
		a.At = right(a.At, true)
		e.Attempt = &a
	}
	if moved {
		e.Flags = append(slices.Clone(e.Flags), fieldwork.ClockMoved)
	}
}

// hold keeps a deed that cannot be done.
func hold(ctx context.Context, tx *sql.Tx, d Device, deed TabletDeed, now time.Time) error {
	deed.Event.Who, deed.Event.Device = d.Login, d.ID
	event, err := json.Marshal(deed.Event)
	if err != nil { // such as a time that cannot be written
		if event, err = json.Marshal(fieldwork.Event{At: now, Who: d.Login, Action: deed.Event.Action, Device: d.ID}); err != nil {
			return err
		}
	}
	r, err := tx.ExecContext(ctx, `INSERT INTO held (device, seq, wave, id, action, why, detail, at, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`, d.ID, int64(deed.Seq), deed.Wave, deed.Case, deed.Event.Action, deed.Why, deed.Detail, now.Unix(), string(event))
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return note(ctx, tx, Entry{now, d.Login, string(deed.Event.Action), deed.Wave + " " + deed.Case, Refused})
}

// Held is something that a tablet brought and that could not be done.
type Held struct {
	Device     string
	Seq        uint64
	Wave, Case string
	// Why says why it could not be done, in one word, and Detail more of it.
	Why    fieldwork.Why
	Detail string
	// At is when it came to be held; Event says what was to happen, and when.
	At    time.Time
	Event fieldwork.Event
	// Dismissed is when somebody looked at it and left it at that, zero before; By is who,
	// and Reason why.
	Dismissed  time.Time
	By, Reason string
}

// Held lists what is held of a tablet, or with an empty ID of all tablets that an account may
// see, by tablet and number, also what was dismissed.
func (s *Store) Held(ctx context.Context, a auth.Account, device string) ([]Held, error) {
	if !seesDevices(a) {
		return nil, fmt.Errorf("list what is held: %w", ErrForbidden)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT h.device, h.seq, h.wave, h.id, h.why, h.detail, h.at, h.event, h.dismissed, h.who, h.reason
		FROM held h JOIN devices d ON d.id = h.device JOIN accounts a ON a.login = d.login
		WHERE (? = '' OR h.device = ?) AND substr(a.area, 1, length(?)) = ? ORDER BY h.device, h.seq`, device, device, a.Area, a.Area)
	if err != nil {
		return nil, away("list what is held", err)
	}
	defer rows.Close()
	var list []Held
	for rows.Next() {
		var h Held
		var seq, at, dismissed int64
		var event []byte
		if err := rows.Scan(&h.Device, &seq, &h.Wave, &h.Case, &h.Why, &h.Detail, &at, &event, &dismissed, &h.By, &h.Reason); err != nil {
			return nil, away("list what is held", err)
		}
		if err := json.Unmarshal(event, &h.Event); err != nil {
			return nil, away("list what is held", err)
		}
		h.Seq, h.At, h.Dismissed = uint64(seq), momentOf(at), momentOf(dismissed)
		list = append(list, h)
	}
	return list, away("list what is held", rows.Err())
}

// Dismiss marks what is held as looked at; it stays on record.
func (s *Store) Dismiss(ctx context.Context, a auth.Account, device string, seq uint64, reason string, now time.Time) error {
	if strings.TrimSpace(reason) == "" || len(reason) > maxWords {
		return fmt.Errorf("dismiss what is held: say why, in at most %d bytes: %w", maxWords, surveys.ErrInvalid)
	}
	if _, err := s.DeviceOf(ctx, a, device); err != nil {
		return err
	}
	return s.change(ctx, "dismiss what is held", func(tx *sql.Tx) error {
		if err := changeHeld(ctx, tx, device, seq, "dismissed = ?, who = ?, reason = ?", now.Unix(), a.Login, reason); err != nil {
			return err
		}
		return note(ctx, tx, Entry{now, a.Login, "dismiss held", heldName(device, seq), Done})
	})
}

// Retried notes what came of a held interview that was handed in once more. Without a Why the
// deed counts now: it is done, and what was held is dismissed with the reason. Otherwise it
// stays held, for the Why that it has now, which is returned.
func (s *Store) Retried(ctx context.Context, a auth.Account, device string, deed TabletDeed, reason string, now time.Time) (why fieldwork.Why, err error) {
	d, err := s.DeviceOf(ctx, a, device)
	if err != nil {
		return "", err
	}
	deed.Event.Who, deed.Event.Device = d.Login, d.ID
	err = s.change(ctx, "note that an interview was tried again", func(tx *sql.Tx) error {
		if deed.Why == "" {
			if deed.Why, deed.Detail, err = d.perform(ctx, tx, deed, now); err != nil {
				return err
			}
		}
		entry, set, values := Entry{now, a.Login, "retry held", heldName(device, deed.Seq), Refused}, "why = ?, detail = ?", []any{deed.Why, deed.Detail}
		if deed.Why == "" {
			entry.Outcome, set, values = Done, "dismissed = ?, who = ?, reason = ?", []any{now.Unix(), a.Login, reason}
		}
		if err := changeHeld(ctx, tx, device, deed.Seq, set, values...); err != nil {
			return err
		}
		return note(ctx, tx, entry)
	})
	return deed.Why, err
}

// changeHeld changes what is held under a number and was not dismissed.
func changeHeld(ctx context.Context, tx *sql.Tx, device string, seq uint64, set string, values ...any) error {
	r, err := tx.ExecContext(ctx, "UPDATE held SET "+set+" WHERE device = ? AND seq = ? AND dismissed = 0", append(values, device, int64(seq))...)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("nothing is held of number %d, or it was dismissed before: %w", seq, surveys.ErrConflict))
	}
	return nil
}

// settleHeld dismisses what is held of tablets because it is in quarantine, once somebody has
// decided about it there: it needs no second decision.
func settleHeld(ctx context.Context, tx *sql.Tx, t Arrival) error {
	_, err := tx.ExecContext(ctx, `UPDATE held SET dismissed = ?, who = ?, reason = ?
		WHERE dismissed = 0 AND why = ? AND wave = ? AND event ->> 'interview' = ? AND coalesce(event ->> 'revision', 0) = ?`,
		t.Received.Unix(), t.By, t.Why, HeldQuarantined, t.Wave, t.ID, t.Revision)
	return err
}

// heldName is what the audit trail calls what is held under a number.
func heldName(device string, seq uint64) string { return fmt.Sprintf("tablet %s, %d", device, seq) }

// GivenUp says which numbers in the journal of a tablet the office goes on without.
type GivenUp struct {
	At          time.Time
	Who, Reason string
	// Numbers are from and to.
	Numbers [][2]uint64
}

// GiveUp notes that the office goes on without numbers in the journal of a tablet, and why.
func (s *Store) GiveUp(ctx context.Context, a auth.Account, device string, numbers [][2]uint64, reason string, now time.Time) error {
	if strings.TrimSpace(reason) == "" || len(reason) > maxWords {
		return fmt.Errorf("give up what is missing: say why, in at most %d bytes: %w", maxWords, surveys.ErrInvalid)
	}
	entry := Entry{now, a.Login, "give up events", device, Refused}
	_, err := s.DeviceOf(ctx, a, device)
	if err == nil && !a.May(auth.AssignCases) {
		err = fmt.Errorf("give up what is missing: %w", ErrForbidden)
	}
	if err != nil {
		return errors.Join(err, s.Note(ctx, entry))
	}
	list, err := json.Marshal(numbers)
	if err != nil {
		return err
	}
	return s.change(ctx, "give up what is missing", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO given_up (device, at, who, reason, numbers) VALUES (?, ?, ?, ?, ?)", device, now.Unix(), a.Login, reason, string(list))
		if err != nil {
			return err
		}
		entry.Outcome = Done
		return note(ctx, tx, entry)
	})
}

// GivenUps lists what was given up of a tablet in the area of an account, in order.
func (s *Store) GivenUps(ctx context.Context, a auth.Account, device string) ([]GivenUp, error) {
	if _, err := s.DeviceOf(ctx, a, device); err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, "SELECT at, who, reason, numbers FROM given_up WHERE device = ? ORDER BY rowid", device)
	if err != nil {
		return nil, away("list what was given up", err)
	}
	defer rows.Close()
	var all []GivenUp
	for rows.Next() {
		var g GivenUp
		var at int64
		var numbers []byte
		if err := rows.Scan(&at, &g.Who, &g.Reason, &numbers); err != nil {
			return nil, away("list what was given up", err)
		}
		if err := json.Unmarshal(numbers, &g.Numbers); err != nil {
			return nil, away("list what was given up", err)
		}
		g.At = momentOf(at)
		all = append(all, g)
	}
	return all, away("list what was given up", rows.Err())
}
