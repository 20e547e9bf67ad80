package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// A segment file begins with a header, little endian:
//
//	 0 magic, 8 bytes
//	 8 version, u32: 2, or 1 when its batches are not chained
//	12 CRC-32C of bytes 0-11 and 16-63, u32
//	16 number of the segment, u64
//	24 sequence number of its first record, u64
//	32 hash of the last batch of the segment before, 32 bytes; zeros in version 1
//
// It is written together with the first batch. A file made ahead is all zeros until
// then, so the first sequence number is always known when the header is there.
const (
	segmentMagic   = "suyanglg"
	segmentVersion = 2
	segmentHeader  = 64
	segmentLink    = 32
	segmentSuffix  = ".seg"
)

// markEvery is how far apart, in bytes, the places are from which Read can begin.
const markEvery = 256 << 10

// segment is what is known of one segment file. Log.mu guards it.
type segment struct {
	number uint64
	// first is the sequence number of the first record, next the one after the
	// last durable record.
	first, next uint64
	// end is the offset after the last durable record.
	end     int64
	marks   []mark
	damaged []Damage
	// chained says that the batches are linked, and link is the hash of the batch before
	// the first one, if that is known.
	chained, linked bool
	link            Hash
	// newest is when the latest record was received.
	newest time.Time
}

// mark is a place where a record begins.
type mark struct {
	seq uint64
	off int64
}

func (s *segment) name() string { return segmentName(s.number) }

func segmentName(number uint64) string { return fmt.Sprintf("%010d%s", number, segmentSuffix) }

// segmentNumber returns the number in a segment's file name.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && segmentName(n) == name
}

// mark notes that a record begins at off, if the last mark is far enough away.
func (s *segment) mark(seq uint64, off int64) {
	if n := len(s.marks); n == 0 || off-s.marks[n-1].off >= markEvery {
		s.marks = append(s.marks, mark{seq, off})
	}
}

// appendHeader appends the header of a segment to buf.
func appendHeader(buf []byte, number, first uint64, link Hash) []byte {
	start := len(buf)
	buf = append(buf, segmentMagic...)
	buf = binary.LittleEndian.AppendUint32(buf, segmentVersion)
	buf = binary.LittleEndian.AppendUint32(buf, 0)
	buf = binary.LittleEndian.AppendUint64(buf, number)
	buf = binary.LittleEndian.AppendUint64(buf, first)
	buf = append(buf, link[:]...)
	binary.LittleEndian.PutUint32(buf[start+12:], headerSum(buf[start:]))
	return buf
}

func headerSum(h []byte) uint32 {
	sum := crc32.Update(0, castagnoli, h[:12])
	return crc32.Update(sum, castagnoli, h[16:segmentHeader])
}

// readHeader reads the header of a segment. One that is not there or is damaged gives
// errNoRecord.
func readHeader(content []byte, number uint64) (seg segment, err error) {
	seg = segment{number: number, end: segmentHeader}
	if len(content) < segmentHeader || string(content[:8]) != segmentMagic ||
		binary.LittleEndian.Uint32(content[12:]) != headerSum(content) {
		return seg, errNoRecord
	}
	version := binary.LittleEndian.Uint32(content[8:])
	if version < 1 || version > segmentVersion {
		return seg, fmt.Errorf("segment version %d: %w", version, ErrVersion)
	}
	if n := binary.LittleEndian.Uint64(content[16:]); n != number {
		return seg, errNoRecord
	}
	seg.first = binary.LittleEndian.Uint64(content[24:])
	seg.next = seg.first
	seg.chained, seg.linked = version > 1, version > 1
	seg.link = Hash(content[segmentLink:segmentHeader])
	return seg, nil
}

// Damage is a range of a segment in which records cannot be read any more. It is
// also the error with which Read passes over the range.
type Damage struct {
	// Segment is the file, Offset and Length the bytes; Length is 0 where records
	// are missing between two that are intact.
	Segment        string
	Offset, Length int64
	// From and To are the sequence numbers that are missing; To < From when only
	// bytes that hold no record are damaged, such as the segment's header.
	From, To uint64
	// LastBatch says that the range lies in the last batch of its segment. A power
	// cut during a batch leaves such a range too, and then it was never acknowledged.
	LastBatch bool
	// SideFile holds a copy of the bytes; empty when there are none.
	SideFile string
}

// Error names the range.
func (d *Damage) Error() string {
	s := fmt.Sprintf("log segment %s is damaged at bytes %d to %d", d.Segment, d.Offset, d.Offset+d.Length)
	if d.Missing() > 0 {
		s += fmt.Sprintf("; records %d to %d are missing", d.From, d.To)
	}
	if d.LastBatch {
		s += " (the last batch before a crash; it may never have been acknowledged)"
	}
	return s
}

// Missing returns how many records the range should hold.
func (d *Damage) Missing() uint64 {
	if d.To < d.From {
		return 0
	}
	return d.To - d.From + 1
}

// scan reads a whole segment and finds every intact record.
type scan struct {
	content []byte
	seg     segment
	// limit is the first sequence number that belongs to a later segment, or
	// noLimit for the last one.
	limit uint64
	// lost is what the disk could not read of content, or nil.
	lost *Damage
	// headless says that the header cannot be read.
	headless bool
	// torn is the length of the bytes after the last record of the last segment
	// which are neither records nor zeros.
	torn int64
	// batchFrom and batchTo are the batch of the last record.
	batchFrom, batchTo uint64
}

const noLimit = ^uint64(0)

// scanSegment finds the intact records of a segment. limit is where the next segment
// begins: a record from there on was written again in that segment, after this one
// had been abandoned, and is left out. When neither header nor records are left,
// first is 0.
func scanSegment(content []byte, number, limit uint64) (*scan, error) {
	s := &scan{content: content, limit: limit}
	var err error
	switch s.seg, err = readHeader(content, number); {
	case err == nil:
	case errors.Is(err, ErrVersion):
		return nil, fmt.Errorf("log segment %s: %w", s.seg.name(), err)
	case !allZero(content[:min(segmentHeader, len(content))]):
		s.headless = true
		s.damage(0, segmentHeader, 1, 0)
	default:
		s.headless = true
	}
	if err := s.run(); err != nil {
		return nil, fmt.Errorf("log segment %s: %w", s.seg.name(), err)
	}
	for i := range s.seg.damaged {
		d := &s.seg.damaged[i]
		d.LastBatch = d.Missing() > 0 && d.From >= s.batchFrom && d.To <= s.batchTo
	}
	return s, nil
}

func (s *scan) run() error {
	off := int64(segmentHeader)
	for s.seg.next < s.limit {
		found, r, err := s.find(off)
		if err != nil {
			return err
		}
		if found < 0 {
			s.finish(off)
			return nil
		}
		if s.seg.next == 0 { // no header; a batch is never spread over two segments
			s.seg.first = max(r.batchFrom(), 1)
			s.seg.next = s.seg.first
		}
		if found > off || r.Seq > s.seg.next {
			s.damage(off, found-off, s.seg.next, r.Seq-1)
		}
		s.take(r, found)
		off = s.seg.end
	}
	return nil
}

// take keeps a record that was found.
func (s *scan) take(r stored, found int64) {
	if s.headless {
		s.guess(r)
	}
	s.seg.mark(r.Seq, found)
	s.batchFrom = r.batchFrom()
	s.batchTo = s.batchFrom + uint64(r.count) - 1
	s.seg.next = r.Seq + 1
	s.seg.end = min(found+int64(r.size()), int64(len(s.content))) // the last padding may be gone
	if r.Received.After(s.seg.newest) {
		s.seg.newest = r.Received
	}
}

// guess finds out from its records what the damaged header of a segment said.
func (s *scan) guess(r stored) {
	first := len(s.seg.marks) == 0
	if first || r.index == 0 {
		s.seg.chained = r.linked || r.index > 0
	}
	if first && r.linked {
		s.seg.link, s.seg.linked = r.link, true
	}
}

// find returns the first intact record at or after off that can belong here, or a
// negative place when there is none.
func (s *scan) find(off int64) (found int64, r stored, err error) {
	found = off
	for found+recordHeader <= int64(len(s.content)) {
		r, err = decodeRecord(s.content[found:])
		switch {
		case err == nil && s.belongs(r.Seq):
			return found, r, nil
		case errors.Is(err, ErrVersion) && found == off:
			return 0, r, err
		}
		found += 8
		if zeros := zeroPrefix(s.content[found:]); zeros >= 8 {
			found += int64(zeros &^ 7)
		}
	}
	return -1, r, nil
}

// belongs says whether a record with this number can follow what was read so far.
// A segment cannot hold more records than its size allows.
func (s *scan) belongs(seq uint64) bool {
	if s.seg.next == 0 {
		return seq > 0 && seq < s.limit
	}
	return seq >= s.seg.next && seq < s.limit && seq-s.seg.next <= uint64(len(s.content))/recordHeader
}

// finish deals with what follows the last record.
func (s *scan) finish(off int64) {
	rest := s.content[min(off, int64(len(s.content))):]
	used := int64(len(bytes.TrimRight(rest, "\x00")))
	switch {
	case s.limit == noLimit:
		s.torn = used
	case s.seg.next != 0:
		s.damage(off, used, s.seg.next, s.limit-1)
		s.seg.next = s.limit
	}
}

// item is a record at a place of a segment, or a damaged range.
type item struct {
	stored
	off    int64
	damage *Damage
}

// items yields what the scan found, in order.
func (s *scan) items(yield func(item) bool) {
	damaged := s.seg.damaged
	for off := int64(segmentHeader); len(damaged) > 0 || off < s.seg.end; {
		if len(damaged) > 0 && damaged[0].Offset <= off {
			d := damaged[0]
			damaged = damaged[1:]
			off = max(off, d.Offset+d.Length)
			if !yield(item{off: d.Offset, damage: &d}) {
				return
			}
			continue
		}
		r, err := decodeRecord(s.content[off:])
		if err != nil {
			panic(fmt.Sprintf("a record that was intact at byte %d of %s is not: %v", off, s.seg.name(), err))
		}
		if !yield(item{stored: r, off: off}) {
			return
		}
		off += int64(r.size())
	}
}

// damage notes a damaged range.
func (s *scan) damage(off, length int64, from, to uint64) {
	s.seg.damaged = append(s.seg.damaged, Damage{
		Segment: s.seg.name(), Offset: off, Length: length, From: from, To: to,
	})
}

func allZero(b []byte) bool { return zeroPrefix(b) == len(b) }

var zeroPage [4096]byte

// zeroPrefix returns how many zeros b begins with.
func zeroPrefix(b []byte) int {
	n := 0
	for len(b)-n >= len(zeroPage) && bytes.Equal(b[n:n+len(zeroPage)], zeroPage[:]) {
		n += len(zeroPage)
	}
	for n < len(b) && b[n] == 0 {
		n++
	}
	return n
}
