// Package office keeps what the office decides and does: accounts, cases and what
// happened to them, and the audit trail, in one SQLite file. Answers never lie here.
package office

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/sqlite"
	"github.com/suyang-survey/suyang/surveys"
)

// Store is the office database. Its methods may be called from several goroutines. Their
// errors wrap surveys.ErrNotFound, ErrInvalid, ErrConflict, or ErrUnavailable when the file
// is locked, full or away.
type Store struct {
	db *sql.DB
	// drawing lets one draw of back-checks follow the other.
	drawing sync.Mutex
}

//go:embed migrations/*.sql
var migrations embed.FS

// Open opens the database in a file, which it makes if needed, and brings it to the
// present schema.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open the office database, %s: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (*Store, error) {
	if err := sqlite.Make(path); err != nil {
		return nil, err
	}
	db, err := sqlite.Connect(path, 4)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, migrations); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// migrate brings the schema to the newest step, and the cases with it, in one transaction;
// user_version counts the steps done.
func migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var done int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&done); err != nil {
		return err
	}
	if done > len(names) {
		return fmt.Errorf("%w: it was made by a newer program (step %d, this one knows %d); use the newer program", surveys.ErrConflict, done, len(names))
	}
	for _, name := range names[done:] { // sorted, since they begin with their numbers
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := fillDispositions(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(names))); err != nil {
		return err
	}
	return tx.Commit()
}

// Backup writes a copy of the database as it is at one moment, while others go on using
// it. The file must not be there.
func (s *Store) Backup(ctx context.Context, path string) error {
	return away("back up the office database", sqlite.Backup(ctx, s.db, path))
}

// change runs a transaction that is done whole or not at all.
func (s *Store) change(ctx context.Context, what string, run func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return away(what, err)
	}
	defer tx.Rollback()
	if err := run(tx); err != nil {
		return away(what, err)
	}
	return away(what, tx.Commit())
}

// away names what could not be done, and says of errors of the database itself that
// trying again later is right.
func away(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", what, surveys.ErrNotFound)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, own := range []error{surveys.ErrInvalid, surveys.ErrNotFound, surveys.ErrConflict, surveys.ErrClosed, surveys.ErrTooLarge} {
		if errors.Is(err, own) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", what, surveys.ErrUnavailable, err)
}

// Entry is a line of the audit trail. It never holds answers, names of respondents or
// tokens.
type Entry struct {
	At                           time.Time
	Who, Action, Object, Outcome string
}

// The outcomes of an entry.
const (
	Done    = "done"
	Refused = "refused"
	Failed  = "failed" // it was tried and came to nothing
)

// Note adds a line to the audit trail.
func (s *Store) Note(ctx context.Context, e Entry) error {
	return s.change(ctx, "write the audit trail", func(tx *sql.Tx) error { return note(ctx, tx, e) })
}

func note(ctx context.Context, tx *sql.Tx, e Entry) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO audit (at, who, action, object, outcome) VALUES (?, ?, ?, ?, ?)", e.At.Unix(), e.Who, e.Action, e.Object, e.Outcome)
	return err
}

// Trail returns the last lines of the audit trail, the newest first, at most n.
func (s *Store) Trail(ctx context.Context, n int) (list []Entry, err error) {
	_, err = s.Audit(ctx, AuditFilter{Limit: n}, func(e Entry) { list = append(list, e) })
	return list, err
}

// AuditFilter chooses lines of the audit trail. Empty fields choose all.
type AuditFilter struct {
	Who, Outcome string
	// Find is part of the action or of what it was done to.
	Find string
	// Area keeps to what people did whose account lies in the area, and to what was done with
	// cases that lie in it.
	Area string
	// Before is the number of the line before which the list begins, Limit how many there
	// are at most, 0 for all.
	Before int64
	Limit  int
}

// auditOfArea is the condition, with the area five times as its value, that keeps to an area: by
// the account that did something, or by the case that a line names after its wave, before
// what else it says.
const auditOfArea = `(? = ''
	OR EXISTS (SELECT 1 FROM accounts a WHERE a.login = audit.who AND substr(a.area, 1, length(?)) = ?)
	OR EXISTS (SELECT 1 FROM cases c WHERE c.wave = substr(object, 1, instr(object, ' ') - 1)
		AND c.id IN (substr(object, instr(object, ' ') + 1), substr(object, instr(object, ' ') + 1, max(instr(object, ' · ') - instr(object, ' ') - 1, 0)))
		AND substr(c.area, 1, length(?)) = ?))`

// Audit calls each for every line of the audit trail that a filter chooses, the newest
// first, and returns the number of the last one.
func (s *Store) Audit(ctx context.Context, f AuditFilter, each func(Entry)) (last int64, err error) {
	before, limit := f.Before, f.Limit
	if before <= 0 {
		before = math.MaxInt64
	}
	if limit <= 0 {
		limit = -1
	}
	rows, err := s.db.QueryContext(ctx, `SELECT n, at, who, action, object, outcome FROM audit WHERE n < ? AND (? = '' OR who = ?) AND (? = '' OR outcome = ?)
		AND (? = '' OR instr(action, ?) > 0 OR instr(object, ?) > 0) AND `+auditOfArea+` ORDER BY n DESC LIMIT ?`,
		before, f.Who, f.Who, f.Outcome, f.Outcome, f.Find, f.Find, f.Find, f.Area, f.Area, f.Area, f.Area, f.Area, limit)
	if err != nil {
		return 0, away("read the audit trail", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var at int64
		if err := rows.Scan(&last, &at, &e.Who, &e.Action, &e.Object, &e.Outcome); err != nil {
			return 0, away("read the audit trail", err)
		}
		e.At = time.Unix(at, 0).UTC()
		each(e)
	}
	return last, away("read the audit trail", rows.Err())
}
