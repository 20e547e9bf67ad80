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
	"github.com/suyang-survey/suyang/surveys"
)

// Filter chooses cases. Empty fields choose all.
type Filter struct {
	// State is one of the states, or OpenCases; Enumerator a login, or Nobody.
	Wave, State, Area, Enumerator string
	// Find is part of the ID, in small or capital letters.
	Find string
	// IDs are cases to choose among.
	IDs []string
	// After is the ID after which the list begins, Limit how many there are at most, 0 for
	// all, and Offset how many are passed over.
	After         string
	Limit, Offset int
	// Sort is what the cases are sorted by, Down from the largest on; by ID among equals.
	Sort Sort
	Down bool
}

// What a filter takes instead of one state or enumerator.
const (
	OpenCases = "open" // all states in which work goes on before an interview
	Nobody    = "-"    // no enumerator has the case
)

// Sort is what lists of cases can be sorted by.
type Sort string

// What can be sorted by. ByDue is the order of work: appointments first, the next one at the
// top, then what a review sent back, then the rest.
const (
	ByID          Sort = "id"
	ByArea        Sort = "area"
	ByStratum     Sort = "stratum"
	ByState       Sort = "state"
	ByDisposition Sort = "disposition"
	ByEnumerator  Sort = "enumerator"
	ByAttempts    Sort = "attempts"
	ByLast        Sort = "last"
	ByAppointment Sort = "appointment"
	ByDue         Sort = "due"
)

// orders are what the sorts mean in the database.
var orders = map[Sort]string{
	"": "id", ByID: "id", ByArea: "area", ByStratum: "stratum", ByState: stateOrder(), ByDisposition: "disposition",
	ByEnumerator: "enumerator", ByAttempts: "attempts", ByLast: "last",
	ByAppointment: "appointment = 0, appointment", // those without one come last
	ByDue:         "appointment = 0, appointment, state <> 'rejected', last",
}

// stateOrder sorts states in the order of the way, not of their names.
func stateOrder() string {
	var b strings.Builder
	b.WriteString("CASE state")
	for i, state := range fieldwork.States() {
		fmt.Fprintf(&b, " WHEN '%s' THEN %d", state, i)
	}
	return b.String() + " END"
}

// openStates are the open ones as a list in the database.
var openStates = func() string {
	var list []string
	for _, state := range fieldwork.States() {
		if state.Open() {
			list = append(list, "'"+string(state)+"'")
		}
	}
	return "(" + strings.Join(list, ", ") + ")"
}()

// where is the condition of a filter for an account.
func (f Filter) where(a auth.Account) (condition string, values []any, err error) {
	seen, seenValues := visible(a)
	asked, askedValues := within(f.Area)
	list := []string{"wave = ?", asked, seen}
	values = append(append([]any{f.Wave}, askedValues...), seenValues...)
	add := func(condition string, value ...any) { list, values = append(list, condition), append(values, value...) }
	if f.After != "" {
		add("id > ?", f.After)
	}
	switch f.State {
	case "":
	case OpenCases:
		add("state IN " + openStates)
	default:
		add("state = ?", f.State)
	}
	switch f.Enumerator {
	case "":
	case Nobody:
		add("enumerator = ''")
	default:
		add("enumerator = ?", f.Enumerator)
	}
	if f.Find != "" {
		add("instr(lower(id), lower(?)) > 0", f.Find)
	}
	if f.IDs != nil {
		ids, err := json.Marshal(f.IDs)
		if err != nil {
			return "", nil, err
		}
		add("id IN (SELECT value FROM json_each(?))", string(ids))
	}
	return strings.Join(list, " AND "), values, nil
}

// Cases calls yield for every case that an account may see and the filter chooses, in the
// order of the filter, until it returns false.
func (s *Store) Cases(ctx context.Context, a auth.Account, f Filter, yield func(Case) bool) error {
	if !a.May(auth.ReadCases) {
		return fmt.Errorf("list the cases: %w", surveys.ErrNotFound)
	}
	condition, values, err := f.where(a)
	if err != nil {
		return away("list the cases", err)
	}
	order, known := orders[f.Sort]
	if !known {
		return fmt.Errorf("list the cases: they cannot be sorted by %q: %w", f.Sort, surveys.ErrInvalid)
	}
	if f.Down {
		order = strings.ReplaceAll(order, ",", " DESC,") + " DESC"
	}
	order += ", id"
	query := selectCase + " WHERE " + condition + " ORDER BY " + order
	if f.Limit > 0 { // the index alone tells which ones, and only those are read whole
		query = selectCase + " JOIN (SELECT wave AS w, id AS i FROM cases WHERE " + condition + " ORDER BY " + order + " LIMIT ? OFFSET ?) ON wave = w AND id = i ORDER BY " + order
		values = append(values, f.Limit, f.Offset)
	}
	rows, err := s.db.QueryContext(ctx, query, values...)
	if err != nil {
		return away("list the cases", err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return away("list the cases", err)
		}
		if !yield(c) {
			return nil
		}
	}
	return away("list the cases", rows.Err())
}

// CountStates counts the cases that an account may see and a filter chooses, by state; the
// state of the filter does not matter.
func (s *Store) CountStates(ctx context.Context, a auth.Account, f Filter) (map[fieldwork.State]int, error) {
	if !a.May(auth.ReadCases) {
		return nil, fmt.Errorf("count the cases: %w", surveys.ErrNotFound)
	}
	f.State = ""
	condition, values, err := f.where(a)
	if err != nil {
		return nil, away("count the cases", err)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT state, count(*) FROM cases WHERE "+condition+" GROUP BY state", values...)
	if err != nil {
		return nil, away("count the cases", err)
	}
	defer rows.Close()
	counts := map[fieldwork.State]int{}
	for rows.Next() {
		var state fieldwork.State
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, away("count the cases", err)
		}
		counts[state] = n
	}
	return counts, away("count the cases", rows.Err())
}

// Load is the work of one enumerator, or of nobody (Enumerator empty): cases by what is to be
// done with them.
type Load struct {
	Enumerator string
	// Open are those before an interview; Contacting, Due and Overdue are among them: Due
	// has an appointment later today, Overdue one that has passed.
	Open, Contacting, Due, Overdue        int
	Submitted, Returned, Approved, Closed int
	Attempts                              int
}

// Workload tells the work of every enumerator with cases that an account may see, by login;
// that of nobody comes first.
func (s *Store) Workload(ctx context.Context, a auth.Account, wave string, now time.Time) ([]Load, error) {
	if !a.May(auth.ReadCases) {
		return nil, fmt.Errorf("read the workload: %w", surveys.ErrNotFound)
	}
	condition, values := visible(a)
	local := now.In(surveys.ChinaTime)
	tomorrow := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, surveys.ChinaTime)
	rows, err := s.db.QueryContext(ctx, `SELECT enumerator, count(*) FILTER (WHERE state IN `+openStates+`), count(*) FILTER (WHERE state = 'contacting'),
		count(*) FILTER (WHERE appointment >= ? AND appointment < ?), count(*) FILTER (WHERE appointment > 0 AND appointment < ?),
		count(*) FILTER (WHERE state IN ('submitted', 'review')), count(*) FILTER (WHERE state = 'rejected'),
		count(*) FILTER (WHERE state = 'approved'), count(*) FILTER (WHERE state = 'closed'), sum(attempts)
		FROM cases WHERE wave = ? AND `+condition+` GROUP BY enumerator ORDER BY enumerator`,
		append([]any{now.Unix(), tomorrow.Unix(), now.Unix(), wave}, values...)...)
	if err != nil {
		return nil, away("read the workload", err)
	}
	defer rows.Close()
	var list []Load
	for rows.Next() {
		var l Load
		if err := rows.Scan(&l.Enumerator, &l.Open, &l.Contacting, &l.Due, &l.Overdue, &l.Submitted, &l.Returned, &l.Approved, &l.Closed, &l.Attempts); err != nil {
			return nil, away("read the workload", err)
		}
		list = append(list, l)
	}
	return list, away("read the workload", rows.Err())
}

// Enumerators lists those who can be given cases of the area of an account, by login.
func (s *Store) Enumerators(ctx context.Context, a auth.Account) ([]auth.Account, error) {
	all, err := s.Accounts(ctx, "")
	if err != nil {
		return nil, err
	}
	var list []auth.Account
	for _, e := range all {
		if e.Role == auth.Enumerator && !e.Disabled && (e.Sees(a.Area) || a.Sees(e.Area)) {
			list = append(list, e)
		}
	}
	return list, nil
}

// ErrEnumerator is for a login that is no enumerator, or not one of the area of a case.
var ErrEnumerator = fmt.Errorf("there is no enumerator of this login who sees the area: %w", surveys.ErrInvalid)

// canHave says why a login cannot be given a case of an area. The error wraps
// surveys.ErrInvalid.
func (s *Store) canHave(ctx context.Context, login, area string) error {
	e, err := s.Account(ctx, login)
	switch {
	case errors.Is(err, surveys.ErrNotFound), err == nil && (e.Role != auth.Enumerator || e.Disabled || !e.Sees(area)):
		return fmt.Errorf("assign to %q, area %q: %w", login, area, ErrEnumerator)
	}
	return err
}

// Given is what became of assigning many cases.
type Given struct {
	// Cases were given, of those chosen; Kept were not: their state does not allow it, they
	// lie outside the enumerator's area, or somebody else worked on them meanwhile.
	Cases, Kept int
}

// MostAssigned is how many cases are assigned in one step: while it is done, nobody else's
// work is written.
const MostAssigned = 2000

// Assign gives all cases that a filter chooses to an enumerator, in one step. Those that are
// with the enumerator already are passed over. More than MostAssigned are ErrTooLarge.
func (s *Store) Assign(ctx context.Context, a auth.Account, f Filter, e fieldwork.Event) (given Given, err error) {
	e.Action, e.Who = fieldwork.Assign, a.Login
	if !a.May(auth.AssignCases) {
		return given, errors.Join(fmt.Errorf("assign: %w", ErrForbidden), s.Note(ctx, Entry{e.At, a.Login, "assign", f.Wave, Refused}))
	}
	to, err := s.Account(ctx, e.Enumerator)
	if err != nil && !errors.Is(err, surveys.ErrNotFound) {
		return given, err
	}
	if to.Role != auth.Enumerator || to.Disabled {
		return given, fmt.Errorf("assign to %q: %w", e.Enumerator, ErrEnumerator)
	}
	var list []Case
	if err := s.Cases(ctx, a, f, func(c Case) bool {
		if c.Enumerator != to.Login {
			list = append(list, c)
		}
		return true
	}); err != nil {
		return given, err
	}
	if len(list) > MostAssigned {
		return given, fmt.Errorf("assign %d cases: at most %d are assigned in one step; choose fewer by area or state: %w", len(list), MostAssigned, surveys.ErrTooLarge)
	}
	err = s.change(ctx, "assign the cases", func(tx *sql.Tx) error {
		for _, c := range list {
			if !to.Sees(c.Area) || !c.Allows(fieldwork.Assign) {
				given.Kept++
				continue
			}
			switch err := applyIn(ctx, tx, &c, e, fieldwork.DefaultAttemptRules); {
			case errors.Is(err, errQuicker):
				given.Kept++
			case err != nil:
				return err
			default:
				given.Cases++
			}
		}
		return nil
	})
	if err != nil {
		return Given{}, err
	}
	return given, nil
}

// fillDispositions works out the dispositions that an earlier schema did not keep.
func fillDispositions(ctx context.Context, tx *sql.Tx) error {
	list, err := casesWithout(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range list {
		code, err := c.Disposition()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE cases SET disposition = ? WHERE wave = ? AND id = ?", code, c.Wave, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// casesWithout reads the cases whose disposition has not been worked out.
func casesWithout(ctx context.Context, tx *sql.Tx) (list []Case, err error) {
	rows, err := tx.QueryContext(ctx, selectCase+" WHERE disposition = ''")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// Quarantined counts the interviews of a case that came in, but do not count, because it has
// another one.
func (s *Store) Quarantined(ctx context.Context, wave, id string) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM audit WHERE object = ? AND outcome = 'refused' AND who = ? AND action = ?",
		wave+" "+id, Intake, fieldwork.Submit).Scan(&n)
	return n, away("count the interviews in quarantine", err)
}

// momentOf is a time in Unix seconds, zero for 0; seconds is the opposite.
func momentOf(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
