// Package drafts keeps interviews under way: what was answered so far, by whom it can
// be taken up again, and through which link it came. Begin, Get and Change are what
// pages need; each returns when its change is durable.
//
// Everything lies in one SQLite file. Answers are sealed with a key that is derived
// from the secret of the installation and the interview's ID; tokens and codes are
// there as keyed hashes only. Whoever has the file but not the secret learns how many
// interviews of which wave are under way and where they stand, and nothing else.
package drafts

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/internal/secret"
	"github.com/suyang-survey/suyang/internal/sqlite"
	"github.com/suyang-survey/suyang/surveys"
)

// State says where an interview stands.
type State int

// The states. They are stored; their numbers never change.
const (
	UnderWay  State = 0 // it is being filled in
	Parting   State = 1 // a partial interview of it is on its way to the intake
	BrokenOff State = 2 // a partial interview of it was accepted
	Sending   State = 3 // it was sent and is on its way to the intake
	Finished  State = 4 // it was accepted; its answers are gone from here
)

// Draft is an interview under way.
type Draft struct {
	// Interview is its UUID.
	Interview string
	// Wave and Version say what it is an answer to, Link by which open link it came;
	// empty for others.
	Wave, Version, Link string
	State               State
	// Updated is when answers were last set, Last the page reached.
	Updated time.Time
	Last    string
	// Body is all the rest, as the caller likes it. It is stored sealed.
	Body []byte
	// Spare holds what the caller made of Body, in memory only.
	Spare *Spare
}

// MaxBody is the size of the largest body, in bytes.
const MaxBody = 1 << 20

// Store holds the drafts. Its methods may be called from several goroutines. Their
// errors wrap surveys.ErrNotFound for what is not there (any more), and
// surveys.ErrUnavailable when the file is locked, full or away: then nothing was
// changed, and trying again later is right.
type Store struct {
	db     *sql.DB // for reading
	writes *writer
	key    []byte // for sealing; the keys of drafts are derived from it
	hashes []byte // for hashing tokens and codes
	codes  []byte // for making codes
	locks  locks
	tries  tries
	recent recent
}

// schemaVersion is that of the tables below, as SQLite's user_version.
const schemaVersion = 1

// schema makes the tables. Times are Unix seconds; 0 is none.
const schema = `
CREATE TABLE drafts (
	interview TEXT PRIMARY KEY,
	wave      TEXT NOT NULL,
	version   TEXT NOT NULL,
	link      TEXT NOT NULL,
	state     INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	last      TEXT NOT NULL,
	code      INTEGER NOT NULL DEFAULT 0, -- which resume code holds
	sealed    BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX drafts_by_state ON drafts (state, updated);
CREATE TABLE keys ( -- what opens a draft: page tokens, resume links and codes
	hash      BLOB PRIMARY KEY,
	interview TEXT NOT NULL,
	kind      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_by_interview ON keys (interview);
CREATE TABLE issues ( -- personal links that were replaced
	case_hash BLOB PRIMARY KEY,
	issue     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE open_links (
	wave      TEXT NOT NULL,
	name      TEXT NOT NULL,
	hash      BLOB NOT NULL UNIQUE,
	most      INTEGER NOT NULL,
	starts    INTEGER NOT NULL,
	opens     INTEGER NOT NULL,
	closes    INTEGER NOT NULL,
	started   INTEGER NOT NULL DEFAULT 0,
	completed INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (wave, name)
) WITHOUT ROWID;
`

// Open opens the drafts in a file, which it makes if needed. key is that of the
// installation; with another one nothing in the file can be read.
func Open(path string, key []byte) (*Store, error) {
	s, err := open(path, key)
	if err != nil {
		return nil, fmt.Errorf("open the interviews under way, %s: %w", path, err)
	}
	return s, nil
}

func open(path string, key []byte) (*Store, error) {
	if err := sqlite.Make(path); err != nil {
		return nil, err
	}
	one, err := sqlite.Connect(path, 1)
	if err != nil {
		return nil, err
	}
	if err := prepare(one); err != nil {
		return nil, errors.Join(err, one.Close())
	}
	many, err := sqlite.Connect(path, readers)
	if err != nil {
		return nil, errors.Join(err, one.Close())
	}
	writes, err := newWriter(one)
	if err != nil {
		return nil, errors.Join(err, one.Close(), many.Close())
	}
	return &Store{db: many, writes: writes, key: key,
		hashes: secret.For(key, "draft hash"), codes: secret.For(key, "draft code"), locks: newLocks(),
		recent: recent{drafts: generations[Draft]{limit: recentDrafts}, tokens: generations[string]{limit: recentTokens}}}, nil
}

// readers is how many reads run at one time.
const readers = 4

// prepare makes the tables, or checks that they are ours.
func prepare(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	switch {
	case version == schemaVersion:
		return nil
	case version > schemaVersion:
		return fmt.Errorf("%w: it was made by a newer program (version %d, this one knows %d); use the newer program", surveys.ErrConflict, version, schemaVersion)
	}
	if _, err := tx.Exec(schema + fmt.Sprintf("PRAGMA user_version = %d;", schemaVersion)); err != nil {
		return err
	}
	return tx.Commit()
}

// Close waits for the writes under way and closes the file.
func (s *Store) Close() error { return errors.Join(s.writes.close(), s.db.Close()) }

// Check reports why the store cannot be used now.
func (s *Store) Check(ctx context.Context) error {
	if s.writes.failing.Load() { // as on a full disk, where reading goes on
		return away("keep interviews under way", s.writes.write(ctx, func(t *tx) error {
			_, err := t.exec(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)) // writes the first page again
			return err
		}))
	}
	var n int
	return away("look at the interviews under way", s.db.QueryRowContext(ctx, "SELECT count(*) FROM drafts WHERE interview = ''").Scan(&n))
}

// Count counts the drafts by their state.
func (s *Store) Count(ctx context.Context) (map[State]int, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT state, count(*) FROM drafts GROUP BY state")
	if err != nil {
		return nil, away("count the interviews under way", err)
	}
	defer rows.Close()
	counts := map[State]int{}
	for rows.Next() {
		var state State
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, away("count the interviews under way", err)
		}
		counts[state] = n
	}
	return counts, away("count the interviews under way", rows.Err())
}

// away names an error of the database. What is not found stays ErrNotFound.
func away(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", what, surveys.ErrNotFound)
	case errors.Is(err, surveys.ErrNotFound), errors.Is(err, surveys.ErrClosed), errors.Is(err, surveys.ErrConflict),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: %w: %w", what, surveys.ErrUnavailable, err)
}

// mac authenticates the parts; their lengths keep ("a", "bc") and ("ab", "c") apart.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p))))
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// Backup writes a copy of the file as it is at one moment, while others go on using it.
// The file must not be there.
func (s *Store) Backup(ctx context.Context, path string) error {
	return away("back up the interviews under way", sqlite.Backup(ctx, s.db, path))
}
