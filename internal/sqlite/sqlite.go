// Package sqlite opens and copies SQLite files the way the program's stores need them.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// lockWait is how long a statement waits for another process.
const lockWait = 5 * time.Second

// Make makes an empty file that only its owner can read, and the folder around it, unless
// they are there. Both names outlast a power cut: what is committed to the file is worth no
// more than the way to it.
func Make(path string) error {
	folder, err := wal.Folder(filepath.Dir(path))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), folder.SyncDir())
}

// Connect returns a pool of at most n connections to a file: write-ahead log, every commit
// synced, transactions that take the lock for writing at once.
func Connect(path string, n int) (*sql.DB, error) {
	// A path may hold what means something in an address.
	u := "file:" + (&url.URL{Path: path}).EscapedPath() + fmt.Sprintf(
		"?_txlock=immediate&_pragma=busy_timeout(%d)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=cache_size(-16000)",
		lockWait.Milliseconds())
	db, err := sql.Open("sqlite", u)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// Backup writes a copy of the file as it is at one moment, while others go on using it. A
// path that is there already is an ErrConflict.
func Backup(ctx context.Context, db *sql.DB, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: %w", path, surveys.ErrConflict)
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}
