package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// Case is a case of a wave with what became of it.
type Case struct {
	fieldwork.Case
	Wave string
	// Area is the code of the division that the case lies in, in short form.
	Area string
	// Commitment binds the office to the random number of a household; see
	// household.Number.
	Commitment string
	fieldwork.Progress
	// Changes is how many events there were. Who acts on a case says which it saw, so that
	// of two who act at once one is told.
	Changes int
	// Last is when the last event was, zero before the first.
	Last time.Time
}

// AddCases keeps cases that were drawn elsewhere: persons, with the classifications that the
// sample file has. Cases that are there already stay as they are, if they were drawn the
// same way; otherwise it is an ErrConflict and nothing is kept.
func (s *Store) AddCases(ctx context.Context, wave string, cases []fieldwork.Case, by string, now time.Time) error {
	return s.change(ctx, "keep the cases of wave "+wave, func(tx *sql.Tx) error {
		if err := (newCases{wave: wave}).put(ctx, tx, cases); err != nil {
			return err
		}
		return note(ctx, tx, Entry{now, by, "add cases", fmt.Sprintf("%d cases of wave %s", len(cases), wave), Done})
	})
}

// newCases are about to be kept.
type newCases struct {
	wave   string
	method household.Method
	// commit gives the commitment of a case; nil when there are none.
	commit func(id string) string
	// reweigh lets cases that are there have other weights than before: more of the
	// reserve is released.
	reweigh bool
}

// put writes the cases that are not there yet.
func (n newCases) put(ctx context.Context, tx *sql.Tx, cases []fieldwork.Case) error {
	insert, err := tx.PrepareContext(ctx, `INSERT INTO cases (wave, id, stratum, psu, area, weight, columns, state, progress, commitment, disposition, substitute)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	if err != nil {
		return err
	}
	defer insert.Close()
	same, err := tx.PrepareContext(ctx, "SELECT count(*) FROM cases WHERE wave = ? AND id = ? AND stratum = ? AND psu = ? AND area = ? AND columns = ? AND weight = ?")
	if err != nil {
		return err
	}
	defer same.Close()
	progress, err := json.Marshal(fieldwork.Progress{State: fieldwork.Drawn, Method: n.method})
	if err != nil {
		return err
	}
	for _, c := range cases {
		if c.Weight == 0 {
			continue // it only declares its PSU
		}
		if err := c.Check(); err != nil {
			return fmt.Errorf("%w: %w", surveys.ErrInvalid, err)
		}
		columns, err := json.Marshal(c.Columns)
		if err != nil {
			return err
		}
		commitment := ""
		if n.commit != nil {
			commitment = n.commit(c.ID)
		}
		area := AreaOf(c)
		if _, err := insert.ExecContext(ctx, n.wave, c.ID, c.Stratum, c.PSU, area, c.Weight, string(columns), fieldwork.Drawn, string(progress), commitment, fieldwork.NotAttempted, c.Columns[fieldwork.ColumnSubstitute] != ""); err != nil {
			return err
		}
		if n.reweigh {
			if _, err := tx.ExecContext(ctx, "UPDATE cases SET weight = ? WHERE wave = ? AND id = ?", c.Weight, n.wave, c.ID); err != nil {
				return err
			}
		}
		var found int
		if err := same.QueryRowContext(ctx, n.wave, c.ID, c.Stratum, c.PSU, area, string(columns), c.Weight).Scan(&found); err != nil {
			return err
		}
		if found == 0 {
			return fmt.Errorf("case %q was drawn in another way before; a further draw needs a wave of its own: %w", c.ID, surveys.ErrConflict)
		}
	}
	return nil
}

// AreaOf is the code of the division that a case lies in, in short form: that of the county
// in its column village or county, or of its city; empty when it has none, and then only
// accounts without an area of their own see it.
func AreaOf(c fieldwork.Case) string {
	for _, column := range []string{"village", "county", "city"} {
		code := c.Columns[column]
		if len(code) < 4 || strings.Trim(code, "0123456789") != "" {
			continue
		}
		switch code = code[:min(len(code), 6)]; {
		case strings.HasSuffix(code, "0000"):
			return code[:2]
		case strings.HasSuffix(code, "00"):
			return code[:4]
		}
		return code
	}
	return ""
}

// visible is the condition, with its values, that keeps an account to what it may see: its
// area, and of an enumerator the cases they were given.
func visible(a auth.Account) (condition string, values []any) {
	condition, values = within(a.Area)
	if a.Role == auth.Enumerator {
		condition, values = condition+" AND enumerator = ?", append(values, a.Login)
	}
	return condition, values
}

// within is the condition, with its values, that keeps to the cases of an area: its code is the
// beginning of theirs, and ':' comes after all digits, so that an index serves.
func within(area string) (condition string, values []any) {
	if area == "" {
		return "TRUE", nil
	}
	return "area >= ? AND area < ?", []any{area, area + ":"}
}

const selectCase = "SELECT wave, id, stratum, psu, area, weight, columns, changes, progress, commitment, last FROM cases"

func scanCase(row interface{ Scan(...any) error }) (c Case, err error) {
	var columns, progress []byte
	var last int64
	if err := row.Scan(&c.Wave, &c.ID, &c.Stratum, &c.PSU, &c.Area, &c.Weight, &columns, &c.Changes, &progress, &c.Commitment, &last); err != nil {
		return c, err
	}
	c.Last = momentOf(last)
	if err := json.Unmarshal(columns, &c.Columns); err != nil {
		return c, err
	}
	return c, json.Unmarshal(progress, &c.Progress)
}

// Case returns a case that an account may see. One of another area is ErrNotFound, as one
// that does not exist, and the try stands in the audit trail.
func (s *Store) Case(ctx context.Context, a auth.Account, wave, id string, now time.Time) (Case, error) {
	if !a.May(auth.ReadCases) {
		return Case{}, errors.Join(surveys.ErrNotFound, s.Note(ctx, Entry{now, a.Login, "read case", wave + " " + id, Refused}))
	}
	condition, values := visible(a)
	c, err := scanCase(s.db.QueryRowContext(ctx, selectCase+" WHERE wave = ? AND id = ? AND "+condition, append([]any{wave, id}, values...)...))
	if errors.Is(err, sql.ErrNoRows) {
		if noted := s.Note(ctx, Entry{now, a.Login, "read case", wave + " " + id, Refused}); noted != nil {
			return Case{}, noted
		}
	}
	return c, away("read the case", err)
}

// needed is the right that an action needs.
func needed(p fieldwork.Progress, a fieldwork.Action) auth.Right {
	switch a {
	case fieldwork.Assign, fieldwork.Reopen:
		return auth.AssignCases
	case fieldwork.Approve:
		if p.State == fieldwork.UnderReview {
			return auth.FinalReview
		}
		return auth.Review
	case fieldwork.Reject:
		if p.State == fieldwork.Approved {
			return auth.FinalReview
		}
		return auth.Review
	case fieldwork.Close:
		return auth.CloseCases
	}
	return auth.Attempt // of cases one was given
}

// Offers lists what an account may do with a case as it stands.
func (c Case) Offers(a auth.Account) (list []fieldwork.Action) {
	for _, action := range fieldwork.Actions() {
		if c.Allows(action) && a.May(needed(c.Progress, action)) {
			list = append(list, action)
		}
	}
	return list
}

// ErrForbidden is for who may see a case, but not do this with it.
var ErrForbidden = errors.New("the role of the account does not allow this")

// Act lets an account do something with a case. seen is Case.Changes as the account saw it;
// when it changed meanwhile, it is an ErrConflict that says so. What happened, or was
// refused, stands in the audit trail.
func (s *Store) Act(ctx context.Context, a auth.Account, wave, id string, seen int, e fieldwork.Event, rules fieldwork.AttemptRules) (Case, error) {
	e.Who = a.Login
	c, err := s.Case(ctx, a, wave, id, e.At)
	if err != nil {
		return c, err
	}
	entry := Entry{e.At, a.Login, string(e.Action), wave + " " + id, Refused}
	if c.Changes != seen { // before the right, which may be that for another state now
		return c, fmt.Errorf("the case changed meanwhile: it is %s now; look at it again: %w", c.State, surveys.ErrConflict)
	}
	if right := needed(c.Progress, e.Action); !a.May(right) {
		return c, errors.Join(fmt.Errorf("%s: %w", e.Action, ErrForbidden), s.Note(ctx, entry))
	}
	if e.Action == fieldwork.Assign && e.Enumerator != "" {
		if err := s.canHave(ctx, e.Enumerator, c.Area); err != nil {
			return c, err
		}
	}
	c, err = s.apply(ctx, c, e, rules)
	var refusal *fieldwork.Refusal
	if errors.As(err, &refusal) {
		err = errors.Join(err, s.Note(ctx, entry))
	}
	return c, err
}

// Deed is something to do with a case.
type Deed struct {
	Case  string
	Event fieldwork.Event
}

// Do lets an account do several things with the cases of a wave, in their order and in one
// transaction, such as what a tablet brings home in the evening. The first result has the
// error of each deed that was refused, as Act gives it, nil for those that were done; with
// the second one nothing was.
func (s *Store) Do(ctx context.Context, a auth.Account, wave string, deeds []Deed, rules fieldwork.AttemptRules) ([]error, error) {
	refused := make([]error, len(deeds))
	err := s.change(ctx, "change cases", func(tx *sql.Tx) error {
		for i, d := range deeds {
			d.Event.Who = a.Login
			err := do(ctx, tx, a, wave, d, rules)
			if err == nil {
				continue
			}
			if !ofDeed(err) {
				return err
			}
			refused[i] = fmt.Errorf("case %s: %w", d.Case, err)
			if err := note(ctx, tx, Entry{d.Event.At, a.Login, string(d.Event.Action), wave + " " + d.Case, Refused}); err != nil {
				return err
			}
		}
		return nil
	})
	return refused, err
}

// ofDeed says that an error is about what was asked for, and not about the database.
func ofDeed(err error) bool {
	for _, own := range []error{surveys.ErrInvalid, surveys.ErrNotFound, surveys.ErrConflict, ErrForbidden} {
		if errors.Is(err, own) {
			return true
		}
	}
	return false
}

// do is one deed, with the case as it is.
func do(ctx context.Context, tx *sql.Tx, a auth.Account, wave string, d Deed, rules fieldwork.AttemptRules) error {
	condition, values := visible(a)
	c, err := scanCase(tx.QueryRowContext(ctx, selectCase+" WHERE wave = ? AND id = ? AND "+condition, append([]any{wave, d.Case}, values...)...))
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && !a.May(auth.ReadCases):
		return fmt.Errorf("read the case: %w", surveys.ErrNotFound)
	case err != nil:
		return err
	case !a.May(needed(c.Progress, d.Event.Action)):
		return fmt.Errorf("%s: %w", d.Event.Action, ErrForbidden)
	}
	return applyIn(ctx, tx, &c, d.Event, rules)
}

// Record lets something happen to a case that no account does, such as an interview that
// was accepted; e.Who says what does it.
func (s *Store) Record(ctx context.Context, wave, id string, e fieldwork.Event, rules fieldwork.AttemptRules) (Case, error) {
	for {
		c, err := scanCase(s.db.QueryRowContext(ctx, selectCase+" WHERE wave = ? AND id = ?", wave, id))
		if err != nil {
			return c, away("read the case", err)
		}
		c, err = s.apply(ctx, c, e, rules)
		if !errors.Is(err, errQuicker) {
			return c, err
		}
	}
}

// errQuicker is for a case that changed between being read and being written.
var errQuicker = fmt.Errorf("the case changed meanwhile; look at it again: %w", surveys.ErrConflict)

// apply changes a case by an event, if it still is as it was read.
func (s *Store) apply(ctx context.Context, c Case, e fieldwork.Event, rules fieldwork.AttemptRules) (Case, error) {
	err := s.change(ctx, "change the case", func(tx *sql.Tx) error { return applyIn(ctx, tx, &c, e, rules) })
	return c, err
}

// applyIn is apply within a transaction.
func applyIn(ctx context.Context, tx *sql.Tx, c *Case, e fieldwork.Event, rules fieldwork.AttemptRules) error {
	before := c.Progress
	if err := c.Progress.Apply(e, rules); err != nil {
		return err
	}
	event, err := json.Marshal(e)
	if err != nil {
		return err
	}
	progress, err := json.Marshal(c.Progress)
	if err != nil {
		return err
	}
	disposition, err := c.Disposition()
	if err != nil {
		return err
	}
	if e.At.After(c.Last) { // a tablet may bring what happened before
		c.Last = e.At
	}
	r, err := tx.ExecContext(ctx, `UPDATE cases SET state = ?, enumerator = ?, changes = changes + 1, progress = ?,
		attempts = ?, last = ?, appointment = ?, disposition = ?, day = ?, interview = ? WHERE wave = ? AND id = ? AND changes = ?`,
		c.State, c.Enumerator, string(progress), len(c.Attempts), c.Last.Unix(), seconds(c.NextAppointment()), disposition, dayOf(c.Last), c.Interview, c.Wave, c.ID, c.Changes)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errQuicker)
	}
	c.Changes++
	if _, err := tx.ExecContext(ctx, "INSERT INTO events (wave, id, n, event) VALUES (?, ?, ?, ?)", c.Wave, c.ID, c.Changes, string(event)); err != nil {
		return err
	}
	if err := countDay(ctx, tx, before, c, e); err != nil {
		return err
	}
	return note(ctx, tx, Entry{e.At, e.Who, string(e.Action), c.Wave + " " + c.ID, Done})
}

// Events returns what happened to a case, in order. The caller has read the case for the
// account that asks.
func (s *Store) Events(ctx context.Context, wave, id string) ([]fieldwork.Event, error) {
	var list []fieldwork.Event
	err := s.events(ctx, "SELECT event FROM events WHERE wave = ? AND id = ? ORDER BY n", []any{wave, id}, func(e fieldwork.Event) { list = append(list, e) })
	return list, err
}

// events calls each for every event that a query finds.
func (s *Store) events(ctx context.Context, query string, args []any, each func(fieldwork.Event)) error {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return away("read the events", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var e fieldwork.Event
		if err := rows.Scan(&text); err != nil {
			return away("read the events", err)
		}
		if err := json.Unmarshal(text, &e); err != nil {
			return away("read the events", err)
		}
		each(e)
	}
	return away("read the events", rows.Err())
}

// Size counts the cases of a wave that lie in the area of an account, and those of them that
// are approved.
func (s *Store) Size(ctx context.Context, a auth.Account, wave string) (all, approved int, err error) {
	condition, values := visible(a)
	err = s.db.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE state = ?) FROM cases WHERE wave = ? AND "+condition,
		append([]any{fieldwork.Approved, wave}, values...)...).Scan(&all, &approved)
	return all, approved, away("count the cases", err)
}
