package drafts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/suyang-survey/suyang/surveys"
)

// writer is the one writer of the file. Changes that wait together are committed
// together, so that a hundred pages sent at the same moment cost one sync of the disk.
type writer struct {
	db    *sql.DB
	conn  *sql.Conn
	queue chan *change
	mu    sync.RWMutex // held for reading by who sends into queue
	// closed is set before queue is closed.
	closed bool
	done   chan struct{}
	// failing says that the last commit failed.
	failing atomic.Bool
	// statements are prepared once, on conn.
	statements map[string]*sql.Stmt
}

// change is one write: it happens whole or not at all. It may be run twice, since a
// batch that fails is tried again one by one.
type change struct {
	run  func(*tx) error
	done chan error
}

// tx is a transaction.
type tx struct{ w *writer }

// maxBatch is how many changes are committed together at most.
const maxBatch = 500

func newWriter(db *sql.DB) (*writer, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	w := &writer{db: db, conn: conn, queue: make(chan *change, maxBatch), done: make(chan struct{}), statements: map[string]*sql.Stmt{}}
	go w.work()
	return w, nil
}

// write runs a change and returns when it is durable. When ctx ends before, the change
// may still happen.
func (w *writer) write(ctx context.Context, run func(*tx) error) error {
	c := &change{run: run, done: make(chan error, 1)}
	if err := w.send(ctx, c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) send(ctx context.Context, c *change) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fmt.Errorf("the program is ending: %w", surveys.ErrUnavailable)
	}
	select {
	case w.queue <- c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) close() error {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.mu.Unlock()
	if already {
		return nil
	}
	close(w.queue)
	<-w.done
	return errors.Join(w.conn.Close(), w.db.Close())
}

func (w *writer) work() {
	defer close(w.done)
	for c := range w.queue {
		batch := []*change{c}
		for len(batch) < maxBatch && len(w.queue) > 0 {
			batch = append(batch, <-w.queue)
		}
		w.commit(batch)
	}
}

// commit runs a batch. If any of it fails, each change gets a transaction of its own,
// so that nobody else suffers for it.
func (w *writer) commit(batch []*change) {
	err := w.together(batch)
	w.failing.Store(err != nil && !refusal(err))
	for _, c := range batch {
		if err != nil && len(batch) > 1 {
			c.done <- w.together([]*change{c})
		} else {
			c.done <- err
		}
	}
}

// refusal reports whether an error is about the change, and not about the file.
func refusal(err error) bool {
	return errors.Is(err, surveys.ErrConflict) || errors.Is(err, surveys.ErrClosed) || errors.Is(err, surveys.ErrNotFound) || errors.Is(err, sql.ErrNoRows)
}

func (w *writer) together(batch []*change) error {
	t := &tx{w}
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, c := range batch {
		if err := c.run(t); err != nil {
			return errors.Join(err, t.rollback())
		}
	}
	if _, err := t.exec("COMMIT"); err != nil {
		return errors.Join(err, t.rollback())
	}
	return nil
}

// rollback undoes the transaction, unless SQLite did that itself.
func (t *tx) rollback() error {
	_, err := t.exec("ROLLBACK")
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	s, err := t.prepared(text)
	if err != nil {
		return 0, err
	}
	r, err := s.Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// row asks for one row.
func (t *tx) row(text string, args []any, into ...any) error {
	s, err := t.prepared(text)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(into...)
}

func (t *tx) prepared(text string) (*sql.Stmt, error) {
	if s := t.w.statements[text]; s != nil {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(context.Background(), text)
	if err == nil {
		t.w.statements[text] = s
	}
	return s, err
}
