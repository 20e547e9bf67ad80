package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// HasCases says whether the cases of a wave are kept here.
func (s *Store) HasCases(ctx context.Context, wave string) (has bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM cases WHERE wave = ?)", wave).Scan(&has)
	return has, away("look for the cases", err)
}

// Standings say of every case of a wave what whoever weighs needs, by case.
func (s *Store) Standings(ctx context.Context, wave string) ([]fieldwork.Standing, error) {
	var list []fieldwork.Standing
	err := s.eachCase(ctx, "TRUE", []any{wave}, func(c Case) error {
		standing, err := c.Standing(c.ID)
		list = append(list, standing)
		return err
	})
	return list, err
}

// eachCase calls do for the cases of a wave that meet a condition, by ID; the first of the
// values is the wave, the others belong to the condition.
func (s *Store) eachCase(ctx context.Context, condition string, values []any, do func(Case) error) error {
	rows, err := s.db.QueryContext(ctx, selectCase+" WHERE wave = ? AND "+condition+" ORDER BY id", values...)
	if err != nil {
		return away("read the cases", err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCase(rows)
		if err != nil {
			return away("read the cases", err)
		}
		if err := do(c); err != nil {
			return err
		}
	}
	return away("read the cases", rows.Err())
}

// TakenUpTo is how far the log of a node was read.
func (s *Store) TakenUpTo(ctx context.Context, node uint16) (seq uint64, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT seq FROM taken WHERE node = ?", node).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, away("look how far the log was read", err)
}

// Intake stands for the intake in events.
const Intake = "intake"

// Arrival is an interview that has come in.
type Arrival struct {
	surveys.Response
	// Second says that it does not count, because its case has another interview.
	Second bool
	// Decided is "dismissed" or "corrected" where this is no interview but what somebody
	// decided about one that is in quarantine under a number: By whom, and Why.
	Decided string
	By, Why string
	Number  uint64
}

// Told is what the office may know of an interview.
type Told struct {
	// Ineligible says that it found the person not to belong to the population.
	Ineligible bool
	// Sex and Age are those of the person, SexUnknown and AgeUnknown where the interview does
	// not tell. They are held against the listing of the household, and not kept.
	Sex household.Sex
	Age int
}

// differs holds who was interviewed against who was selected in the household.
func differs(ctx context.Context, tx *sql.Tx, c Case, told Told) ([]string, error) {
	if c.Selection == nil {
		return nil, nil
	}
	var text []byte
	err := tx.QueryRowContext(ctx, "SELECT event FROM events WHERE wave = ? AND id = ? AND event ->> 'action' = 'select' ORDER BY n DESC LIMIT 1", c.Wave, c.ID).Scan(&text)
	if err != nil {
		return nil, err
	}
	var e fieldwork.Event
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, err
	}
	for _, p := range e.Selection.Listing.Persons {
		if p.Line == c.Selection.Line {
			return p.Differs(told.Sex, told.Age), nil
		}
	}
	return nil, nil
}

// Take tells cases of the interviews that came for them: a whole one is submitted, one that
// was broken off is an attempt. Interviews of cases that are not kept here are passed
// over. It also notes how far the log was read, in the same transaction, so that every
// interview is taken once, whenever the program ends. Of several interviews of a case that
// several nodes took the same one stands as in the estimates, see surveys.Counting; the others,
// and what a case does not allow, stand in the audit trail as refused.
//
// read, which may be nil, says of an interview what the office may know.
func (s *Store) Take(ctx context.Context, list []Arrival, read func(*surveys.Interview) Told) error {
	if len(list) == 0 {
		return nil
	}
	return s.change(ctx, "take interviews", func(tx *sql.Tx) error {
		before, err := takenUpTo(ctx, tx)
		if err != nil {
			return err
		}
		now := maps.Clone(before)
		for _, t := range list {
			if t.Seq <= now[t.Node] {
				continue
			}
			if err := take(ctx, tx, t, read); err != nil {
				return err
			}
			now[t.Node] = t.Seq
		}
		return noteTaken(ctx, tx, before, now)
	})
}

// takenUpTo returns how far the log of each node was taken.
func takenUpTo(ctx context.Context, tx *sql.Tx) (map[uint16]uint64, error) {
	rows, err := tx.QueryContext(ctx, "SELECT node, seq FROM taken")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	upTo := map[uint16]uint64{}
	for rows.Next() {
		var node uint16
		var seq uint64
		if err := rows.Scan(&node, &seq); err != nil {
			return nil, err
		}
		upTo[node] = seq
	}
	return upTo, rows.Err()
}

// noteTaken notes how far the log of each node was taken now.
func noteTaken(ctx context.Context, tx *sql.Tx, before, now map[uint16]uint64) error {
	for node, seq := range now {
		if seq == before[node] {
			continue
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO taken (node, seq) VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET seq = excluded.seq", node, seq); err != nil {
			return err
		}
	}
	return nil
}

// quarantineNumber names a quarantined interview as the desk does: by its place in the log, with
// the number of the node before it where that is a collector.
func quarantineNumber(t Arrival) string {
	if t.Node > officeNode {
		return fmt.Sprintf("n%d-%d", t.Node, t.Number)
	}
	return strconv.FormatUint(t.Number, 10)
}

// officeNode is the number of the office among the nodes; collectors have higher ones.
const officeNode = 1

func take(ctx context.Context, tx *sql.Tx, t Arrival, read func(*surveys.Interview) Told) error {
	if t.Decided != "" {
		object := fmt.Sprintf("%s %s · %s: %s", t.Wave, t.Case, quarantineNumber(t), t.Why)
		entry := Entry{At: t.Received, Who: t.By, Action: "dismiss quarantined", Object: object, Outcome: Done}
		if t.Decided == "corrected" {
			entry = Entry{At: t.Received, Who: t.By, Action: "correct quarantined", Object: object, Outcome: Done}
		}
		if err := settleHeld(ctx, tx, t); err != nil {
			return err
		}
		return note(ctx, tx, entry)
	}
	if t.Case == "" {
		return nil
	}
	c, err := scanCase(tx.QueryRowContext(ctx, selectCase+" WHERE wave = ? AND id = ?", t.Wave, t.Case))
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	refused := Entry{t.Received, Intake, string(fieldwork.Submit), t.Wave + " " + t.Case, Refused}
	if t.Second {
		return note(ctx, tx, refused)
	}
	place, err := arrive(ctx, tx, c, t)
	switch {
	case err != nil || place == same:
		return err
	case place == behind:
		return note(ctx, tx, refused)
	}
	e := fieldwork.Event{At: t.Received, Who: Intake, Action: fieldwork.Submit, Interview: t.ID, Revision: int(t.Revision), Mode: t.Mode}
	if read != nil {
		told := read(&t.Interview)
		e.Ineligible = told.Ineligible
		if e.Differs, err = differs(ctx, tx, c, told); err != nil {
			return err
		}
	}
	if t.Partial {
		contact, at := fieldwork.Link, t.Received
		if t.Mode == surveys.ModeTablet || t.Mode == surveys.ModePaper {
			contact = fieldwork.Visit
		}
		if t.Mode == surveys.ModeTablet { // it may have been days without a network
			at = brokenOffAt(t, c.Given)
		}
		e = fieldwork.Event{At: t.Received, Who: Intake, Action: fieldwork.Try,
			Attempt: &fieldwork.Attempt{At: at, Contact: contact, Outcome: fieldwork.BrokenOff}}
	}
	if place == instead { // and the one that stood does not count
		e.Flags = []fieldwork.Flag{fieldwork.Instead}
		if err := note(ctx, tx, refused); err != nil {
			return err
		}
	}
	err = applyIn(ctx, tx, &c, e, fieldwork.DefaultAttemptRules)
	var refusal *fieldwork.Refusal // whatever its reason: what comes after it must not wait for it
	if errors.As(err, &refusal) {
		return note(ctx, tx, Entry{t.Received, Intake, string(e.Action), t.Wave + " " + t.Case, Refused})
	}
	return err
}

// place is what an interview that came is beside the others of its case.
type place int

const (
	counts  place = iota // it counts, as far as the office can tell
	same                 // another node brought the very same
	behind               // another one counts
	instead              // it counts in the place of the one that stands
)

// arrive keeps that an interview of a case came, and finds its place by surveys.Counting, so
// that the office has the same interview as the estimates, in whatever order the nodes bring
// them. Of interviews that came before this was kept nothing is known: what stands, stands.
func arrive(ctx context.Context, tx *sql.Tx, c Case, t Arrival) (place, error) {
	r, err := tx.ExecContext(ctx, "INSERT INTO arrivals (wave, id, interview, revision, hash, finished, partial) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		t.Wave, t.Case, t.ID, t.Revision, t.BodyHash[:], t.Finished.UnixMilli(), t.Partial)
	if err != nil {
		return 0, err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return same, err
	}
	if t.Partial {
		return counts, nil
	}
	all, err := arrivals(ctx, tx, t.Wave, t.Case)
	if err != nil {
		return 0, err
	}
	known := slices.ContainsFunc(all, func(r *surveys.Response) bool { return r.ID == c.Interview && int(r.Revision) == c.Revision })
	best := surveys.Counting(all)[0]
	switch ours := best.ID == t.ID && best.Revision == t.Revision && best.BodyHash == t.BodyHash; {
	case !ours && (known || c.Interview == ""):
		return behind, nil
	case ours && known && (c.Interview != t.ID || int(t.Revision) <= c.Revision):
		return instead, nil
	}
	return counts, nil
}

// arrivals are the whole interviews of a case that came, as far as the rule looks at them.
func arrivals(ctx context.Context, tx *sql.Tx, wave, id string) (all []*surveys.Response, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT interview, revision, hash, finished FROM arrivals WHERE wave = ? AND id = ? AND NOT partial", wave, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := &surveys.Response{Interview: surveys.Interview{Wave: wave, Case: id}}
		var hash []byte
		var finished int64
		if err := rows.Scan(&r.ID, &r.Revision, &hash, &finished); err != nil {
			return nil, err
		}
		copy(r.BodyHash[:], hash)
		r.Finished = time.UnixMilli(finished)
		all = append(all, r)
	}
	return all, rows.Err()
}

// brokenOffAt is when an interview on a tablet was broken off, as the tablet says, if its clock
// can be right: not before the case was given, and not later than it came.
func brokenOffAt(t Arrival, given time.Time) time.Time {
	switch {
	case t.Finished.After(t.Received):
		return t.Received
	case t.Finished.Before(given):
		return given
	}
	return t.Finished
}

// BackCheck is an interview that was drawn to be asked about again.
type BackCheck struct {
	Wave, Case, Interview, Enumerator string
	Area                              string
	Drawn                             time.Time
	Who                               string
	Seed                              int
	// Result is nil until it is done.
	Result *fieldwork.BackCheck
}

// ErrSeed is for a seed of back-checks that is not the wave's.
var ErrSeed = fmt.Errorf("back-checks of this wave were drawn with another seed, and all draws of a wave need the same one, or else interviews have unequal chances; leave the seed out: %w", surveys.ErrConflict)

// BackCheckSeed is the seed with which the back-checks of a wave are drawn, that of its
// first draw; 0 before.
func (s *Store) BackCheckSeed(ctx context.Context, wave string) (seed int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT seed FROM backchecks WHERE wave = ? ORDER BY drawn, id, interview LIMIT 1", wave).Scan(&seed)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seed, away("read the seed of the back-checks", err)
}

// DrawBackChecks draws among the interviews that an account may review and that stand, and
// returns how many were drawn. The seed is the one of BackCheckSeed, once there is one;
// another is refused with ErrSeed.
func (s *Store) DrawBackChecks(ctx context.Context, a auth.Account, wave string, seed int, rule fieldwork.BackCheckRule, now time.Time) (n int, err error) {
	if !a.May(auth.Review) {
		return 0, fmt.Errorf("draw back-checks: %w", ErrForbidden)
	}
	s.drawing.Lock()
	defer s.drawing.Unlock()
	kept, err := s.BackCheckSeed(ctx, wave)
	if err == nil && kept != 0 && kept != seed {
		err = fmt.Errorf("draw back-checks with the seed %d: %w", seed, ErrSeed)
	}
	if err != nil {
		return 0, err
	}
	before, err := s.BackChecks(ctx, a, wave)
	if err != nil {
		return 0, err
	}
	type key struct{ id, interview string }
	known, checked := map[key]bool{}, map[string]int{}
	for _, b := range before {
		known[key{b.Case, b.Interview}] = true
		checked[b.Enumerator]++
	}
	var list []fieldwork.Checkable
	err = s.Cases(ctx, a, Filter{Wave: wave}, func(c Case) bool {
		if c.Interview != "" && c.Enumerator != "" && !known[key{c.ID, c.Interview}] {
			list = append(list, fieldwork.Checkable{Case: c.ID, Interview: c.Interview, Enumerator: c.Enumerator})
		}
		return true
	})
	if err != nil {
		return 0, err
	}
	drawn, err := fieldwork.DrawBackChecks(seed, list, checked, rule)
	if err != nil {
		return 0, err
	}
	err = s.change(ctx, "draw back-checks", func(tx *sql.Tx) error {
		for _, c := range drawn {
			r, err := tx.ExecContext(ctx, `INSERT INTO backchecks (wave, id, interview, enumerator, drawn, who, seed) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				wave, c.Case, c.Interview, c.Enumerator, now.Unix(), a.Login, seed)
			if err != nil {
				return err
			}
			added, err := r.RowsAffected()
			if err != nil {
				return err
			}
			n += int(added)
		}
		return note(ctx, tx, Entry{now, a.Login, "draw back-checks", fmt.Sprintf("wave %s, %d of %d interviews, seed %d", wave, n, len(list), seed), Done})
	})
	return n, err
}

// BackChecks lists those of a wave that an account may see, by case.
func (s *Store) BackChecks(ctx context.Context, a auth.Account, wave string) ([]BackCheck, error) {
	if !a.May(auth.ReadCases) {
		return nil, fmt.Errorf("list the back-checks: %w", surveys.ErrNotFound)
	}
	condition, values := visible(a)
	rows, err := s.db.QueryContext(ctx, `SELECT b.wave, b.id, b.interview, b.enumerator, b.drawn, b.who, b.seed, b.result, c.area
		FROM backchecks b JOIN (SELECT wave, id, area FROM cases WHERE `+condition+`) c ON c.wave = b.wave AND c.id = b.id
		WHERE b.wave = ? ORDER BY b.id, b.interview`, append(values, wave)...)
	if err != nil {
		return nil, away("list the back-checks", err)
	}
	defer rows.Close()
	var list []BackCheck
	for rows.Next() {
		var b BackCheck
		var drawn int64
		var result []byte
		if err := rows.Scan(&b.Wave, &b.Case, &b.Interview, &b.Enumerator, &drawn, &b.Who, &b.Seed, &result, &b.Area); err != nil {
			return nil, away("list the back-checks", err)
		}
		b.Drawn = time.Unix(drawn, 0).UTC()
		if len(result) > 0 {
			b.Result = &fieldwork.BackCheck{}
			if err := json.Unmarshal(result, b.Result); err != nil {
				return nil, away("list the back-checks", err)
			}
		}
		list = append(list, b)
	}
	return list, away("list the back-checks", rows.Err())
}

// CheckBack keeps what came of a back-check. Nobody checks an interview of their own; one
// that was reached before stays as it is.
func (s *Store) CheckBack(ctx context.Context, a auth.Account, wave, id string, result fieldwork.BackCheck) error {
	result.Who = a.Login
	if err := result.Check(); err != nil {
		return err
	}
	if !a.May(auth.Review) {
		return fmt.Errorf("check back: %w", ErrForbidden)
	}
	c, err := s.Case(ctx, a, wave, id, result.At)
	if err != nil {
		return err
	}
	if c.Enumerator == a.Login {
		return fmt.Errorf("check back: nobody checks an interview of their own: %w", surveys.ErrConflict)
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return s.change(ctx, "check back", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE backchecks SET done = ?, result = ? WHERE wave = ? AND id = ? AND interview = ?
			AND (result = '' OR NOT result ->> 'reached')`, result.At.Unix(), string(text), wave, id, c.Interview)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("the interview is not drawn for a back-check, or was checked before: %w", surveys.ErrConflict))
		}
		return note(ctx, tx, Entry{result.At, a.Login, "check back", wave + " " + id, Done})
	})
}
