package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// recovery brings the folder of a log back into order after whatever happened to
// it. It keeps every intact record, copies damaged bytes into side files, cuts what
// a crash left half-written, and goes on when the disk lets it do none of this.
type recovery struct {
	log *Log
	buf []byte
	// remove lists files that hold no record which is still needed; they go once the rest is
	// in order, because their headers say where the segment before them ends.
	remove []string
	// link is what the segment after the one under way says of the chain before it.
	link   Hash
	linked bool
}

func (l *Log) recover() error {
	names, err := l.folder.List()
	if err != nil {
		return fmt.Errorf("list the log folder: %w", err)
	}
	released := readLedger(l.folder)
	l.released, l.releasedHead = released.upto, released.removed
	rec := &recovery{log: l}
	var numbers []uint64
	for _, name := range names {
		if n, ok := segmentNumber(name); ok {
			numbers = append(numbers, n)
		} else if strings.HasSuffix(name, ".new") {
			rec.remove = append(rec.remove, name)
		}
	}
	slices.Sort(numbers)
	limit := uint64(noLimit)
	for _, n := range slices.Backward(numbers) {
		l.lastNumber = max(l.lastNumber, n)
		if limit, err = rec.segment(n, limit); err != nil {
			return err
		}
	}
	slices.Reverse(l.segs)
	l.begin()
	l.head = rec.headAfter(l.segs)
	for _, name := range rec.remove {
		l.warn("log file without records was not removed", name, l.folder.Remove(name))
	}
	return nil
}

// begin sets the next sequence number, and names records missing before the first
// segment.
func (l *Log) begin() {
	l.next = max(l.next, l.released+1)
	l.last = l.releasedHead.Seq
	if len(l.segs) == 0 {
		return
	}
	l.last = l.segs[len(l.segs)-1].next - 1
	if s := l.segs[0]; s.first > l.released+1 {
		gap := Damage{Segment: s.name(), Offset: segmentHeader, From: l.released + 1, To: s.first - 1}
		s.damaged = slices.Insert(s.damaged, 0, gap)
		s.marks = nil
	}
}

// segment takes one segment into the log, the last one first. It returns where the
// records of the segment before it must end.
func (rec *recovery) segment(number, limit uint64) (uint64, error) {
	l, name := rec.log, segmentName(number)
	if limit <= l.releasedHead.Seq+1 { // its removal was not durable when the power went
		rec.remove = append(rec.remove, name)
		return limit, nil
	}
	content, lost, err := readSegment(l.folder, name, rec.buf)
	if err != nil {
		l.segmentDamage(Damage{Segment: name, From: 1, To: 0})
		l.warn("log segment cannot be opened", name, err)
		return limit, nil
	}
	rec.buf = content
	s, err := scanSegment(content, number, limit)
	if err != nil {
		return 0, err
	}
	if lost != nil {
		lost.Segment = name
		l.segmentDamage(*lost)
	}
	rec.judge(s)
	saved := rec.save(s)
	seg := s.seg
	if seg.first != 0 {
		limit = seg.first
		l.next = max(l.next, seg.next)
		rec.link, rec.linked = seg.link, seg.linked
	}
	if seg.next == seg.first && len(seg.marks) == 0 {
		if saved && lost == nil {
			rec.remove = append(rec.remove, name)
		}
		return limit, nil
	}
	if saved && lost == nil && !tailDamaged(&seg) && int64(len(content)) > seg.end {
		l.warn("log segment was not cut after its last record", name, cut(l.folder, name, seg.end))
	} else if len(l.segs) == 0 { // what a killed process wrote may not be on disk yet
		l.warn("last log segment was not synced", name, cut(l.folder, name, int64(len(content))))
	}
	l.segs = append(l.segs, &seg)
	return limit, nil
}

// judge looks whether the last batch of a segment lost records only after the next batch
// was written. That one says what was there then, and a batch that was whole then may
// have been acknowledged.
func (rec *recovery) judge(s *scan) {
	n := len(s.seg.damaged)
	if n == 0 || !s.seg.damaged[n-1].LastBatch || !rec.linked || !s.seg.linked {
		return
	}
	c := chain{}
	c.walk(s)
	for i := range s.seg.damaged {
		d := &s.seg.damaged[i]
		d.LastBatch = d.LastBatch && c.head.Hash == rec.link
	}
}

// tailDamaged says whether damaged bytes follow the last record.
func tailDamaged(s *segment) bool {
	n := len(s.damaged)
	return n > 0 && s.damaged[n-1].Offset >= s.end
}

// save copies damaged bytes of a segment into side files and counts them. It returns
// false when a copy could not be made.
func (rec *recovery) save(s *scan) bool {
	l, ok := rec.log, true
	for i := range s.seg.damaged {
		d := &s.seg.damaged[i]
		ok = rec.saveRange(d, s.content) && ok
		l.logger.Error("log segment is damaged", "segment", d.Segment, "offset", d.Offset, "bytes", d.Length,
			"records", d.Missing(), "last_batch", d.LastBatch, "copy", d.SideFile)
	}
	if s.torn > 0 {
		d := &Damage{Segment: s.seg.name(), Offset: s.seg.end, Length: s.torn}
		ok = rec.saveRange(d, s.content) && ok
		l.torn += s.torn
		l.logger.Warn("log ends in a half-written batch, which is cut", "segment", d.Segment, "offset", d.Offset,
			"bytes", d.Length, "copy", d.SideFile)
	}
	return ok
}

func (rec *recovery) saveRange(d *Damage, content []byte) bool {
	end := min(d.Offset+d.Length, int64(len(content)))
	if d.Offset >= end {
		return true
	}
	name := fmt.Sprintf("damaged-%s-%d-%d", strings.TrimSuffix(d.Segment, segmentSuffix), d.Offset, d.Length)
	if err := ReplaceFile(rec.log.folder, name, content[d.Offset:end]); err != nil {
		rec.log.warn("damaged bytes were not copied", name, err)
		return false
	}
	d.SideFile = name
	return true
}

// cut truncates a file and makes that durable.
func cut(folder FS, name string, size int64) error {
	f, err := folder.Open(name)
	if err != nil {
		return err
	}
	if err = f.Truncate(size); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readSegment reads a whole file into buf. Where the disk cannot read, the content
// has zeros, and lost names the range.
func readSegment(folder FS, name string, buf []byte) (content []byte, lost *Damage, err error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, nil, err
	}
	content = slices.Grow(buf[:0], int(size))[:size]
	if err := readAt(f, content, 0); err != nil {
		lost = readPages(f, content)
	}
	return content, lost, nil
}

// readPages reads a file page by page, leaving zeros for pages that cannot be read.
func readPages(f File, content []byte) *Damage {
	var lost *Damage
	for off := 0; off < len(content); off += len(zeroPage) {
		page := content[off:min(off+len(zeroPage), len(content))]
		if readAt(f, page, int64(off)) == nil {
			continue
		}
		clear(page)
		if lost == nil {
			lost = &Damage{Offset: int64(off), From: 1, To: 0}
		}
		lost.Length = int64(off+len(page)) - lost.Offset
	}
	return lost
}

// readAt fills p from off.
func readAt(f io.ReaderAt, p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	return err
}

// segmentDamage notes damage that belongs to no readable segment.
func (l *Log) segmentDamage(d Damage) {
	l.unreadable = append(l.unreadable, d)
	l.logger.Error("log segment cannot be read", "segment", d.Segment, "offset", d.Offset, "bytes", d.Length)
}

// warn reports an error that the log survives. An absent file is no error.
func (l *Log) warn(what, name string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.logger.Warn(what, "file", name, "error", err)
	}
}
