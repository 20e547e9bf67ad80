package wal

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// write is the writer: the only goroutine that changes segments. While a batch is
// being synced the next one gathers in the queue.
func (l *Log) write() {
	defer close(l.done)
	for {
		batch, ok := l.take()
		if !ok {
			l.finishSegment()
			return
		}
		l.serve(batch)
		for _, q := range batch {
			close(q.done)
		}
		runtime.Gosched() // whoever was waiting may append again, in the next batch
	}
}

// take waits for requests and returns the next batch of them: a single Seal or Skip,
// or as many calls of Append as fit. It returns false when the log is closing.
func (l *Log) take() ([]*request, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 {
		if l.closing {
			return nil, false
		}
		l.wake.Wait()
	}
	n, records, bytes := 0, 0, 0
	for _, q := range l.queue {
		records += len(q.records)
		bytes += q.bytes
		if n > 0 && (q.control != nil || records > l.cfg.BatchRecords || bytes > l.cfg.BatchBytes) {
			break
		}
		n++
		l.queued -= q.bytes
		if q.control != nil {
			break
		}
	}
	batch := append([]*request(nil), l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	return batch, true
}

// serve does what a batch of requests asks for and sets their results.
func (l *Log) serve(batch []*request) {
	if control := batch[0].control; control != nil {
		control()
		return
	}
	err := l.broken // only the writer sets it
	if err == nil {
		err = l.commit(batch)
	}
	for _, q := range batch {
		q.err = err
	}
}

// commit makes a batch durable. After an error the segment is given up, never synced
// again: the system may have dropped what it could not write and would then report a
// success. The batch is appended anew to another segment, once.
func (l *Log) commit(batch []*request) error {
	err := l.try(batch)
	if err == nil {
		return nil
	}
	l.abandon(err)
	if err = l.try(batch); err == nil {
		return nil
	}
	l.abandon(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if isFull(err) {
		l.full = fmt.Errorf("%w (%w)", ErrFull, err)
		return l.full
	}
	l.broken = fmt.Errorf("%w (%w)", ErrReadOnly, err)
	l.logger.Error("log is read-only", "error", err)
	return l.broken
}

// try writes and syncs a batch, beginning a new segment when it does not fit.
func (l *Log) try(batch []*request) error {
	size := linkSize
	for _, q := range batch {
		size += q.bytes
	}
	if l.active != nil && l.active.end+int64(size) > l.cfg.SegmentBytes {
		l.finishSegment()
	}
	if l.active == nil {
		if err := l.beginSegment(); err != nil {
			return err
		}
	}
	s := l.active
	off, marks := l.encode(batch, s)
	hashed := make(chan Hash, 1)
	records, before := l.buf[marks[0].off-off:], l.head
	go func() { hashed <- hashBatch(before, records) }() // while the disk works
	took, err := l.store(off)
	sum := <-hashed // before l.buf is used again
	if err == nil {
		l.publish(s, off+int64(len(l.buf)), marks, sum, took)
	}
	return err
}

// store makes l.buf durable at off of the active segment and returns how long the sync took.
func (l *Log) store(off int64) (time.Duration, error) {
	if _, err := l.file.WriteAt(l.buf, off); err != nil {
		return 0, err
	}
	began := time.Now()
	err := l.file.Datasync()
	return time.Since(began), err
}

// encode lays the batch out in l.buf, after the header if the segment is new, and
// returns where it goes and the places of its records.
func (l *Log) encode(batch []*request, s *segment) (off int64, marks []mark) {
	l.buf = l.buf[:0]
	off = s.end
	if s.next == s.first {
		off = 0
		l.buf = appendHeader(l.buf, s.number, s.first, s.link)
	}
	count := 0
	for _, q := range batch {
		count += len(q.records)
	}
	seq, at := s.next, batchPlace{count: count}
	l.newest = time.Time{}
	for _, q := range batch {
		q.first = seq
		for _, r := range q.records {
			r.Seq = seq
			marks = append(marks, mark{seq, off + int64(len(l.buf))})
			l.buf = appendRecord(l.buf, r, at, l.head)
			if r.Received.After(l.newest) {
				l.newest = r.Received
			}
			seq++
			at.index++
		}
	}
	return off, marks
}

// publish lets readers see a batch that is durable.
func (l *Log) publish(s *segment, end int64, marks []mark, sum Hash, synced time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range marks {
		s.mark(m.seq, m.off)
	}
	s.end = end
	s.next += uint64(len(marks))
	if l.newest.After(s.newest) {
		s.newest = l.newest
	}
	l.next, l.last, l.head = s.next, s.next-1, sum
	l.full = nil
	l.stat.records += uint64(len(marks))
	l.stat.batches++
	l.stat.syncTime += synced
	if len(l.segs) == 0 || l.segs[len(l.segs)-1] != s {
		l.segs = append(l.segs, s)
	}
}

// spare is a segment file made ahead, or the reason why there is none.
type spare struct {
	number uint64
	file   File
	err    error
}

// prepareAhead makes the next segment file in the background.
func (l *Log) prepareAhead() {
	l.lastNumber++
	n := l.lastNumber
	go func() { l.spares <- l.prepare(n) }()
}

// prepare makes a segment file: reserved, synced, and its name synced as well, all
// before a record may depend on it.
func (l *Log) prepare(number uint64) spare {
	name := segmentName(number)
	f, err := l.folder.Create(name)
	if err != nil {
		return spare{number: number, err: fmt.Errorf("begin log segment %s: %w", name, err)}
	}
	err = f.Allocate(l.cfg.SegmentBytes)
	if isFull(err) { // there may be room for a batch, and the file grows as it is written
		if err = f.Truncate(0); err == nil {
			err = f.Allocate(int64(segmentHeader + linkSize + l.cfg.BatchBytes))
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = l.folder.SyncDir()
	}
	if err != nil {
		err = errors.Join(err, f.Close(), l.folder.Remove(name))
		return spare{number: number, err: fmt.Errorf("begin log segment %s: %w", name, err)}
	}
	return spare{number: number, file: f}
}

// beginSegment makes the prepared file the active segment.
func (l *Log) beginSegment() error {
	s := <-l.spares
	l.prepareAhead()
	if s.err != nil {
		return s.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = s.file
	l.active = &segment{number: s.number, first: l.next, next: l.next, end: segmentHeader, chained: true, linked: true, link: l.head}
	return nil
}

// finishSegment closes the active segment and frees the space it did not use.
// Everything in it is durable already, so an error here loses nothing.
func (l *Log) finishSegment() {
	if l.active == nil {
		return
	}
	err := l.file.Truncate(l.active.end)
	if err == nil {
		err = l.file.Sync()
	}
	l.warn("log segment was not cut after its last record", l.active.name(), errors.Join(err, l.file.Close()))
	l.dropActive()
}

// abandon gives the active segment up at its last durable record.
func (l *Log) abandon(cause error) {
	if l.active == nil {
		l.logger.Error("log segment could not be begun", "error", cause)
		return
	}
	l.logger.Error("log segment is abandoned", "segment", l.active.name(), "offset", l.active.end, "error", cause)
	l.warn("abandoned log segment was not closed", l.active.name(), l.file.Close())
	l.mu.Lock()
	l.stat.abandoned++
	l.mu.Unlock()
	l.dropActive()
}

func (l *Log) dropActive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active, l.file = nil, nil
}
