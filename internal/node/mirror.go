package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/backoff"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// MirrorConfig says how a log is copied to another node.
type MirrorConfig struct {
	// Node is the number of the node whose log it is.
	Node uint16
	// Patience is how long one record, or one request to the other node, may take.
	Patience time.Duration
	// FirstWait and LongestWait bound the waits between attempts on a node that is away; each
	// is random up to a bound that doubles.
	FirstWait, LongestWait time.Duration
	// Logger gets what went wrong; nil means slog.Default().
	Logger *slog.Logger
}

// DefaultMirror returns the configuration for the log of a node.
func DefaultMirror(node uint16) MirrorConfig {
	return MirrorConfig{Node: node, Patience: 2 * time.Second, FirstWait: 50 * time.Millisecond, LongestWait: 5 * time.Second}
}

// Mirror is a log of which another node keeps a copy. Append refuses while the other node is
// away; Confirm returns when a record is durable there as well. Read yields only what is on
// both disks, so that nothing goes to the store or the office under a number which the log,
// made anew from the copy, would give again; ReadAll yields everything.
//
// One request is on its way at a time and takes all records that wait, so that its cost is
// shared however many come.
type Mirror struct {
	cfg  MirrorConfig
	log  *wal.Log
	peer *Client

	mu     sync.Mutex
	copied uint64        // the other node has everything up to here
	moved  chan struct{} // closed when copied or away changes
	away   error         // why nothing is accepted now; nil when the other node answers
	nudged chan struct{} // has room for one: something new to copy
}

// NewMirror copies a log to another node once Run runs.
func NewMirror(cfg MirrorConfig, log *wal.Log, peer *Client) *Mirror {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Mirror{cfg: cfg, log: log, peer: peer, moved: make(chan struct{}), nudged: make(chan struct{}, 1),
		away: fmt.Errorf("node %s, which keeps the second copy, was not reached yet: %w", peer.Address(), surveys.ErrUnavailable)}
}

// Append appends to the log, unless the other node is away.
func (m *Mirror) Append(ctx context.Context, rs []wal.Record) (uint64, error) {
	if err := m.Err(); err != nil {
		return 0, err
	}
	first, err := m.log.Append(ctx, rs)
	if err == nil {
		select {
		case m.nudged <- struct{}{}:
		default:
		}
	}
	return first, err
}

// Skip skips in the log.
func (m *Mirror) Skip(upto uint64) error { return m.log.Skip(upto) }

// ReadAll yields the records of the log, also those that are on this disk only.
func (m *Mirror) ReadAll(from uint64) iter.Seq2[wal.Record, error] { return m.log.Read(from) }

// Scan is ReadAll without a copy of each body: a body is good until the next record is asked
// for.
func (m *Mirror) Scan(from uint64) iter.Seq2[wal.Record, error] { return m.log.Scan(from) }

// Stat describes the log on this disk.
func (m *Mirror) Stat() wal.Stat { return m.log.Stat() }

// Read yields the records that are on both disks.
func (m *Mirror) Read(from uint64) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		last := m.Confirmed()
		for r, err := range m.log.Read(from) {
			var damage *wal.Damage
			if err == nil && r.Seq > last || errors.As(err, &damage) && damage.From > last {
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// Confirmed is the number up to which the other node has everything.
func (m *Mirror) Confirmed() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.copied
}

// Err is why nothing is accepted now.
func (m *Mirror) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.away
}

// Confirm returns when the record with this number is durable at the other node too. Its
// errors wrap surveys.ErrUnavailable: the record may be there or not, and asking again later
// tells.
func (m *Mirror) Confirm(ctx context.Context, seq uint64) error {
	timer := time.NewTimer(m.cfg.Patience)
	defer timer.Stop()
	for {
		m.mu.Lock()
		done, away, moved := m.copied >= seq, m.away, m.moved
		m.mu.Unlock()
		switch {
		case done:
			return nil
		case away != nil:
			return away
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("the interview is on one disk only so far: %w: %w", surveys.ErrUnavailable, ctx.Err())
		case <-timer.C:
			return fmt.Errorf("node %s has not confirmed the interview within %v: %w", m.peer.Address(), m.cfg.Patience, surveys.ErrUnavailable)
		}
	}
}

// Run copies the log until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	wait := backoff.New(m.cfg.FirstWait, m.cfg.LongestWait, nil)
	for ctx.Err() == nil {
		before := m.Confirmed()
		err := m.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if m.Confirmed() > before {
			wait.Reset()
		}
		m.set(before, unavailable(err))
		m.cfg.Logger.Warn("the second copy of the log has to wait", "cause", err)
		wait.Sleep(ctx)
	}
	return nil
}

// unavailable is why nothing is accepted now. Whatever the cause is, to whoever hands something
// in it says no more than that: an ErrConflict between two nodes must not be taken for one
// between two interviews, of which both are kept.
func unavailable(cause error) error { return fmt.Errorf("%w: %v", surveys.ErrUnavailable, cause) }

// set notes how far the copy is, and whether the other node is away.
func (m *Mirror) set(copied uint64, away error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.copied, m.away = max(m.copied, copied), away
	close(m.moved)
	m.moved = make(chan struct{})
}

// follow brings the copy up to date and keeps it so, until something fails.
func (m *Mirror) follow(ctx context.Context) error {
	upTo, mark, err := m.greet(ctx)
	if err != nil {
		return err
	}
	caught := false
	for {
		if last := m.log.Stat().Next - 1; !caught && upTo == last {
			caught = true
		}
		if caught { // interviews are accepted again only once the copy has caught up
			m.set(upTo, nil)
		} else {
			m.set(upTo, fmt.Errorf("node %s is being brought up to date: %w", m.peer.Address(), surveys.ErrUnavailable))
		}
		records, _, err := readPage(m.log, upTo)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			if err := m.idle(ctx); err != nil {
				return err
			}
			continue
		}
		if upTo, err = m.send(ctx, upTo, mark, records); err != nil {
			return err
		}
		mark = wal.Mark(records[len(records)-1])
	}
}

// greet asks how far the copy is, and makes sure that it is one of this log.
func (m *Mirror) greet(ctx context.Context) (upTo uint64, mark string, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Patience)
	defer cancel()
	upTo, mark, err = m.peer.copyState(ctx, m.cfg.Node)
	if err != nil {
		return 0, "", err
	}
	if last := m.log.Stat().Next - 1; upTo > last {
		return 0, "", fmt.Errorf("node %s has %d records of node %d, and this log has %d: it was lost or belongs to another node; "+
			"make it anew with “suyang recover”: %w", m.peer.Address(), upTo, m.cfg.Node, last, surveys.ErrConflict)
	}
	if mark == "" {
		return upTo, "", nil
	}
	for r, err := range m.log.Read(upTo) {
		var damage *wal.Damage
		switch {
		case errors.As(err, &damage): // the copy has what was lost here
			return upTo, mark, nil
		case err != nil:
			return 0, "", err
		case r.Seq == upTo && wal.Mark(r) == mark:
			return upTo, mark, nil
		}
		break
	}
	return 0, "", fmt.Errorf("node %s has another record %d of node %d than this log: two nodes may have the same number: %w",
		m.peer.Address(), upTo, m.cfg.Node, surveys.ErrConflict)
}

// send brings records to the other node.
func (m *Mirror) send(ctx context.Context, after uint64, mark string, records []wal.Record) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Patience)
	defer cancel()
	var body []byte
	for _, r := range records {
		body = wal.AppendRecord(body, r)
	}
	upTo, err := m.peer.sendCopy(ctx, m.cfg.Node, after, mark, body)
	if last := records[len(records)-1].Seq; err == nil && upTo != last {
		err = fmt.Errorf("node %s confirms record %d where %d was sent: %w", m.peer.Address(), upTo, last, surveys.ErrConflict)
	}
	return upTo, err
}

// lookEvery is how often the other node is asked for a sign of life while nothing comes.
const lookEvery = time.Second

// idle waits for something new, or asks the other node whether it is still there.
func (m *Mirror) idle(ctx context.Context) error {
	select {
	case <-m.nudged:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lookEvery):
	}
	_, _, err := m.greet(ctx)
	return err
}
