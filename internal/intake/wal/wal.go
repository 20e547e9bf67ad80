// Package wal is the log of accepted interviews: append-only segments on disk,
// made durable by group commit before Append returns. It is the system of record.
//
// One writer takes everything that waits as one batch, writes it with one call and
// syncs once, so that a sync costs the same for one caller as for many. Open
// recovers from whatever a crash or a failing disk left; Read gives the records
// back in order; Release lets old segments go.
package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Errors of Append beside those of the context. Both wrap surveys.ErrUnavailable,
// and with both the records are not acknowledged, though they may be found in the
// log after a restart.
var (
	// ErrReadOnly says that the disk failed twice in a row. The log can be read, but
	// takes nothing until it is opened again.
	ErrReadOnly = fmt.Errorf("the log is read-only after disk errors; check the disk, then restart: %w", surveys.ErrUnavailable)
	// ErrFull says that the disk is full. The log goes on by itself when there is room.
	ErrFull = fmt.Errorf("the disk of the log is full; free some space: %w", surveys.ErrUnavailable)
	// ErrBusy says that too much waits for the disk already.
	ErrBusy = fmt.Errorf("too many records wait for the disk: %w", surveys.ErrUnavailable)
)

// Config says where a log lives and how large its pieces are.
type Config struct {
	// Dir is the folder of the log; one process may have it open.
	Dir string
	// FS is used instead of the folder Dir when it is set.
	FS FS
	// SegmentBytes is the size of a segment file; one is always made ahead.
	SegmentBytes int64
	// BatchRecords and BatchBytes limit what one sync makes durable.
	BatchRecords int
	BatchBytes   int
	// Keep is how long a segment that was released is kept after its latest record was
	// received: as long as what took the records may still lose them.
	Keep time.Duration
	// Now is the clock of Keep; nil means time.Now.
	Now func() time.Time
	// QueueBytes limits what waits for the disk; beyond it Append returns ErrBusy.
	QueueBytes int
	// Logger gets what went wrong with the disk; nil means slog.Default().
	Logger *slog.Logger
}

// DefaultConfig returns the configuration of a log in dir.
func DefaultConfig(dir string) Config {
	return Config{Dir: dir, SegmentBytes: 64 << 20, BatchRecords: 1024, BatchBytes: 4 << 20, QueueBytes: 64 << 20, Keep: 30 * 24 * time.Hour}
}

// largestBatch is the most records a batch can have: their index takes 16 bits.
const largestBatch = 1<<16 - 1

func (c Config) check() error {
	switch {
	case c.Dir == "" && c.FS == nil:
		return errors.New("log: no folder given")
	case c.BatchRecords < 1 || c.BatchRecords > largestBatch:
		return fmt.Errorf("log: BatchRecords is %d; it must be from 1 to %d", c.BatchRecords, largestBatch)
	case c.BatchBytes < sizeOf(0):
		return fmt.Errorf("log: BatchBytes is %d; it must be at least %d", c.BatchBytes, sizeOf(0))
	case c.SegmentBytes < int64(segmentHeader+linkSize+c.BatchBytes):
		return fmt.Errorf("log: SegmentBytes is %d; a batch of %d bytes does not fit", c.SegmentBytes, c.BatchBytes)
	case c.QueueBytes < c.BatchBytes:
		return fmt.Errorf("log: QueueBytes is %d; it must be at least BatchBytes, %d", c.QueueBytes, c.BatchBytes)
	}
	return nil
}

// Log is an open log. Its methods may be called from several goroutines.
type Log struct {
	cfg    Config
	folder FS
	lock   io.Closer
	logger *slog.Logger
	done   chan struct{} // closed when the writer has ended
	spares chan spare    // the segment that is made ahead

	mu       sync.Mutex
	wake     *sync.Cond
	queue    []*request
	queued   int // bytes in queue
	closing  bool
	segs     []*segment
	active   *segment // the last of segs, or nil when the next batch begins one
	next     uint64   // the sequence number of the next record
	last     uint64   // the sequence number of the last record there is
	head     Hash     // of the last batch; the writer alone changes it
	released uint64
	// releasedHead is where the chain was at the end of the last segment that Release removed.
	releasedHead Head
	broken       error // not nil: read-only
	full         error // not nil: the last batch found the disk full
	stat         counts
	torn         int64
	unreadable   []Damage

	// These belong to the writer alone, after Open.
	file       File // of active
	lastNumber uint64
	buf        []byte
	newest     time.Time // when the latest record of the batch in buf was received
}

// counts are the parts of Stat that only grow.
type counts struct {
	records, batches uint64
	abandoned        int
	syncTime         time.Duration
}

// Open opens the log in cfg.Dir, or begins a new one. It fails when another process
// has the log open or a later version of the program wrote it, but not because of
// damage: that is in Stat.
func Open(cfg Config) (*Log, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, folder: cfg.FS, logger: cfg.Logger, next: 1, done: make(chan struct{}), spares: make(chan spare, 1)}
	l.wake = sync.NewCond(&l.mu)
	if l.logger == nil {
		l.logger = slog.Default()
	}
	if l.cfg.Now == nil {
		l.cfg.Now = time.Now
	}
	var err error
	if l.folder == nil {
		if l.folder, err = Folder(cfg.Dir); err != nil {
			return nil, fmt.Errorf("open the log: %w", err)
		}
	}
	if l.lock, err = l.folder.Lock(); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if err := l.recover(); err != nil {
		l.lock.Close()
		return nil, fmt.Errorf("open the log: %w", err)
	}
	l.prepareAhead()
	go l.write()
	return l, nil
}

// request is a call of Append, Seal or Skip that waits for the writer.
type request struct {
	records []Record
	// control is what the writer does instead of appending.
	control func()
	bytes   int
	first   uint64
	err     error
	done    chan struct{}
}

// Append makes the records durable, all or none in one batch, and returns the
// sequence number of the first; the others follow without a gap. Seq in rs is
// ignored. Once the records are queued, Append waits for the disk, not for ctx, so
// that its answer is the truth.
func (l *Log) Append(ctx context.Context, rs []Record) (first uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	q := &request{records: rs, done: make(chan struct{})}
	for i := range rs {
		if len(rs[i].Body) > MaxBody {
			return 0, fmt.Errorf("a record of %d bytes, at most %d are allowed: %w", len(rs[i].Body), MaxBody, surveys.ErrTooLarge)
		}
		q.bytes += sizeOf(len(rs[i].Body))
	}
	switch {
	case len(rs) == 0:
		return 0, errors.New("append to the log: no records given")
	case len(rs) > l.cfg.BatchRecords || q.bytes > l.cfg.BatchBytes:
		return 0, fmt.Errorf("append to the log: %d records of %d bytes together; a batch takes %d records and %d bytes: %w",
			len(rs), q.bytes, l.cfg.BatchRecords, l.cfg.BatchBytes, surveys.ErrTooLarge)
	}
	if err := l.enqueue(q); err != nil {
		return 0, err
	}
	<-q.done
	if q.err != nil {
		return 0, q.err
	}
	return q.first, nil
}

// enqueue hands a request to the writer.
func (l *Log) enqueue(q *request) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closing:
		return fmt.Errorf("the log is closed: %w", surveys.ErrUnavailable)
	case l.broken != nil:
		return l.broken
	case l.queued+q.bytes > l.cfg.QueueBytes:
		return ErrBusy
	}
	l.queue = append(l.queue, q)
	l.queued += q.bytes
	l.wake.Signal()
	return nil
}

// Seal closes the current segment, so that every file but the one made ahead is
// complete and can be copied.
func (l *Log) Seal() error { return l.control(l.finishSegment) }

// Skip lets the next record have a sequence number above upto. It is for a caller
// who knows that records up to there were acknowledged, although the log has lost
// them: a number must not be given twice. The gap is named as damage. Until a record is
// appended a restart forgets it, so it is called after every Open.
func (l *Log) Skip(upto uint64) error {
	return l.control(func() {
		l.finishSegment()
		l.mu.Lock()
		defer l.mu.Unlock()
		if upto < l.next {
			return
		}
		if n := len(l.segs); n > 0 {
			s := l.segs[n-1]
			s.damaged = append(s.damaged, Damage{Segment: s.name(), Offset: s.end, From: l.next, To: upto})
			s.next = upto + 1
		}
		l.next = upto + 1
	})
}

// control has the writer do something between two batches.
func (l *Log) control(do func()) error {
	q := &request{control: do, done: make(chan struct{})}
	if err := l.enqueue(q); err != nil {
		return err
	}
	<-q.done
	return q.err
}

// Close writes what waits, closes the files and gives the folder free. Later calls
// of Append fail; Close may be called again.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		<-l.done
		return nil
	}
	l.closing = true
	l.wake.Signal()
	l.mu.Unlock()
	<-l.done
	if s := <-l.spares; s.err == nil {
		s.file.Close()
		l.warn("unused log segment was not removed", segmentName(s.number), l.folder.Remove(segmentName(s.number)))
	}
	return l.lock.Close()
}

// Stat is the state of a log.
type Stat struct {
	// First and Next are the sequence numbers of the oldest record that is kept and
	// of the next one to be written.
	First, Next uint64
	// Head is the end of the chain: whoever knows it can tell whether any record up to
	// there is changed later.
	Head Head
	// Released is the last sequence number given to Release.
	Released uint64
	Segments int
	// Bytes is the size of the records that are kept, with their headers.
	Bytes int64
	// Records and Batches count what was appended since Open; each batch is one sync.
	Records, Batches uint64
	// SyncTime is the time that all these syncs took together.
	SyncTime time.Duration
	// Abandoned counts the segments given up because of disk errors since Open.
	Abandoned int
	// Damaged names all ranges that cannot be read.
	Damaged []Damage
	// TornBytes is how much of a half-written batch was cut at Open.
	TornBytes int64
	// Err is why the log takes no records now; nil when it does.
	Err error
}

// Stat describes the log.
func (l *Log) Stat() Stat {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := Stat{First: l.next, Next: l.next, Head: Head{l.last, l.head}, Released: l.released, Segments: len(l.segs), TornBytes: l.torn,
		Records: l.stat.records, Batches: l.stat.batches, Abandoned: l.stat.abandoned, SyncTime: l.stat.syncTime, Err: errors.Join(l.broken, l.full)}
	if len(l.segs) > 0 {
		st.First = l.segs[0].first
	}
	st.Damaged = append(st.Damaged, l.unreadable...)
	for _, s := range l.segs {
		st.Bytes += s.end
		st.Damaged = append(st.Damaged, s.damaged...)
	}
	return st
}

// isFull says whether an error means that the disk has no room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
