package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
)

// readChunk is how much of a segment Read takes from the disk at once.
const readChunk = 1 << 20

// Read yields the records with Seq >= from in order, up to the last one that is
// durable when Read begins. A damaged range is yielded as a *Damage error, after
// which reading can go on; any other error ends it. Each body is the caller's own.
func (l *Log) Read(from uint64) iter.Seq2[Record, error] { return l.read(from, slices.Clone) }

// Scan is Read without a copy of each body: a body is good until the next record is asked for.
// For whoever reads the whole log and keeps little of it.
func (l *Log) Scan(from uint64) iter.Seq2[Record, error] {
	return l.read(from, func(body []byte) []byte { return body })
}

// read yields the records with what own makes of their bodies.
func (l *Log) read(from uint64, own func([]byte) []byte) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		l.mu.Lock()
		upto := l.next
		l.mu.Unlock()
		for from = max(from, 1); from < upto; {
			r, ok := l.reader(from)
			if !ok {
				return
			}
			if !r.run(own, yield) {
				return
			}
			from = r.next
		}
	}
}

// reader reads one segment, of which it has a copy of what was known at its start.
type reader struct {
	log  *Log
	seg  segment
	file File
	// next is the sequence number to yield next, off where to look for it.
	next uint64
	off  int64
	// chunk holds the bytes of the segment from chunkAt on.
	chunk   []byte
	chunkAt int64
	// rescanned is set when the segment was examined anew because of new damage.
	rescanned bool
}

// reader returns a reader for the segment that holds from or the next record after it.
func (l *Log) reader(from uint64) (*reader, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.segs, func(s *segment) bool { return s.next > from })
	if i < 0 {
		return nil, false
	}
	r := &reader{log: l, seg: *l.segs[i]}
	r.seg.damaged = slices.Clone(r.seg.damaged)
	r.seek(from)
	return r, true
}

// seek goes to the last mark at or before the record from.
func (r *reader) seek(from uint64) {
	r.next, r.off = from, segmentHeader
	for _, m := range r.seg.marks {
		if m.seq > from {
			break
		}
		r.off = m.off
	}
}

// run yields the rest of the segment and leaves in r.next where the next one
// begins. It returns false when reading is over.
func (r *reader) run(own func([]byte) []byte, yield func(Record, error) bool) bool {
	var err error
	if r.file, err = r.log.folder.Open(r.seg.name()); err != nil {
		if errors.Is(err, fs.ErrNotExist) && r.log.isReleased(r.seg.next-1) {
			r.next = r.seg.next
			return true
		}
		yield(Record{}, fmt.Errorf("read the log: %w", err))
		return false
	}
	defer func() { r.file.Close() }()
	for r.next < r.seg.next {
		if d := r.damageHere(); d != nil {
			r.off += d.Length
			if d.Missing() > 0 && d.To >= r.next {
				r.next = d.To + 1
				if !yield(Record{}, d) {
					return false
				}
			}
			continue
		}
		rec, err := r.record()
		if err != nil {
			yield(Record{}, fmt.Errorf("read log segment %s at byte %d: %w", r.seg.name(), r.off, err))
			return false
		}
		if rec.Seq < r.next {
			continue
		}
		r.next = rec.Seq + 1
		rec.Body = own(rec.Body)
		if !yield(rec, nil) {
			return false
		}
	}
	return true
}

// damageHere takes the damaged range that begins at r.off off the list. Ranges
// before it lie before the place where reading began.
func (r *reader) damageHere() *Damage {
	for len(r.seg.damaged) > 0 && r.seg.damaged[0].Offset <= r.off {
		d := r.seg.damaged[0]
		r.seg.damaged = r.seg.damaged[1:]
		if d.Offset == r.off {
			return &d
		}
	}
	return nil
}

// record reads the record at r.off. When it is damaged although it was intact
// before, the segment is examined anew, once, and reading goes on with what is left.
func (r *reader) record() (Record, error) {
	rec, err := decodeRecord(r.window())
	if errors.Is(err, errShort) {
		if err = r.fill(); err == nil {
			rec, err = decodeRecord(r.window())
		}
	}
	if err == nil {
		r.off += int64(rec.size())
		return rec.Record, nil
	}
	if r.rescanned {
		return Record{}, err
	}
	r.rescanned = true
	if again := r.log.rescan(&r.seg); again != nil {
		return Record{}, errors.Join(err, again)
	}
	r.chunk = nil
	r.seek(r.next)
	return Record{}, nil
}

// window returns the bytes at r.off that are in memory.
func (r *reader) window() []byte {
	if i := r.off - r.chunkAt; i >= 0 && i < int64(len(r.chunk)) {
		return r.chunk[i:]
	}
	return nil
}

// fill reads from r.off on, at least one whole record if the segment holds it.
func (r *reader) fill() error {
	want := int64(readChunk)
	if n := int64(sizeOf(MaxBody) + linkSize); len(r.window()) >= recordHeader && want < n {
		want = n
	}
	n := min(want, r.seg.end-r.off)
	if n <= 0 {
		return errNoRecord
	}
	r.chunk, r.chunkAt = slices.Grow(r.chunk[:0], int(n))[:n], r.off
	return readAt(r.file, r.chunk, r.off)
}

// rescan looks for the intact records of a segment again, and keeps what it finds
// in the log and in seg.
func (l *Log) rescan(seg *segment) error {
	content, _, err := readSegment(l.folder, seg.name(), nil)
	if err != nil {
		return err
	}
	content = content[:min(seg.end, int64(len(content)))]
	s, err := scanSegment(content, seg.number, seg.next)
	if err != nil {
		return err
	}
	(&recovery{log: l}).save(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.segs {
		if known.number == seg.number && known != l.active {
			known.damaged, known.marks = s.seg.damaged, s.seg.marks
		}
	}
	seg.damaged, seg.marks, seg.end = slices.Clone(s.seg.damaged), s.seg.marks, s.seg.end
	return nil
}

// isReleased says whether the caller gave up the record seq.
func (l *Log) isReleased(seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return seq <= l.released
}
