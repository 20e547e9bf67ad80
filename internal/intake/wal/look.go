package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"
)

// View is a log that is only looked at: nothing is locked, written or changed. So the
// log may be in use by a server, lie on a disk that cannot be written, or be a copy.
// Of a log in use it shows what was there when Look was called, and what is being
// written meanwhile may show as a half-written batch.
type View struct {
	folder   FS
	released ledger
	segs     []viewed
	// unreadable are the files that could not be opened.
	unreadable []Damage
}

// viewed is where the records of a segment file begin and must end.
type viewed struct{ number, first, limit uint64 }

// Look opens a log for looking at. It fails when a later version of the program wrote it.
func Look(folder FS) (*View, error) {
	names, err := folder.List()
	if err != nil {
		return nil, fmt.Errorf("look at the log: %w", err)
	}
	v := &View{folder: folder}
	limit := uint64(noLimit)
	for _, name := range slices.Backward(names) {
		number, ok := segmentNumber(name)
		if !ok {
			continue
		}
		first, err := v.first(number, limit)
		switch {
		case errors.Is(err, ErrVersion):
			return nil, fmt.Errorf("look at the log: %w", err)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			v.unreadable = append(v.unreadable, Damage{Segment: name, From: 1, To: 0})
		case err == nil && first > 0:
			v.segs = append(v.segs, viewed{number, first, limit})
			limit = first
		}
	}
	slices.Reverse(v.segs)
	v.released = readLedger(folder) // last: what a server released meanwhile is no loss
	v.segs = slices.DeleteFunc(v.segs, func(at viewed) bool { return at.limit <= v.released.removed.Seq+1 })
	return v, nil
}

// first returns the sequence number with which a segment begins, or 0 when it holds nothing.
func (v *View) first(number, limit uint64) (uint64, error) {
	head, err := readHead(v.folder, segmentName(number))
	if err != nil {
		return 0, err
	}
	seg, err := readHeader(head, number)
	if err == nil || errors.Is(err, ErrVersion) {
		return seg.first, err
	}
	content, _, err := readSegment(v.folder, segmentName(number), nil)
	if err != nil {
		return 0, err
	}
	s, err := scanSegment(content, number, limit)
	if err != nil {
		return 0, err
	}
	return s.seg.first, nil
}

// readHead reads the bytes in which a segment's header stands.
func readHead(folder FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(size, segmentHeader))
	if readAt(f, head, 0) != nil {
		return nil, nil // the scan finds out what can be read
	}
	return head, nil
}

// scans yields what is in each segment, in order.
func (v *View) scans(yield func(*scan, error) bool) {
	var buf []byte
	for i, at := range v.segs {
		s, err := v.scan(at, &buf)
		switch {
		case errors.Is(err, fs.ErrNotExist) && v.isReleased(at):
			continue
		case err == nil && i == 0 && s.seg.first > v.released.upto+1:
			gap := Damage{Segment: s.seg.name(), Offset: segmentHeader, From: v.released.upto + 1, To: s.seg.first - 1}
			s.seg.damaged = slices.Insert(s.seg.damaged, 0, gap)
		}
		if !yield(s, err) || err != nil {
			return
		}
	}
}

// scan reads one segment. The last one may be written to meanwhile, and its beginning
// read before a batch and its end after it: that looks like damage once, but not again.
func (v *View) scan(at viewed, buf *[]byte) (s *scan, err error) {
	var before []Damage
	for {
		var lost *Damage
		if *buf, lost, err = readSegment(v.folder, segmentName(at.number), *buf); err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
		if s, err = scanSegment(*buf, at.number, at.limit); err != nil {
			return nil, err
		}
		if s.lost = lost; lost != nil {
			lost.Segment = s.seg.name()
		}
		if at.limit != noLimit || len(s.seg.damaged) == 0 || slices.Equal(s.seg.damaged, before) {
			return s, nil
		}
		before = s.seg.damaged
	}
}

// isReleased says whether a segment that is gone was released since Look.
func (v *View) isReleased(at viewed) bool {
	return at.limit != noLimit && at.limit-1 <= readLedger(v.folder).upto
}

// Segment describes one segment file.
type Segment struct {
	Name string
	// First and Last are the sequence numbers of its records, Records how many are
	// intact, in Batches batches. Last < First when there is none.
	First, Last      uint64
	Records, Batches int
	// Bytes is the size of the records with their headers, FileBytes that of the file.
	Bytes, FileBytes int64
	// Earliest and Latest are when its first and its last record were received.
	Earliest, Latest time.Time
	// Chained says that the batches are in the chain.
	Chained bool
	// Damaged names what cannot be read. TornBytes is how much of a half-written batch
	// follows the last record; in a log in use it may be one under way.
	Damaged   []Damage
	TornBytes int64
}

// Segments yields the segments in order; an error ends them.
func (v *View) Segments() iter.Seq2[Segment, error] {
	return func(yield func(Segment, error) bool) {
		for s, err := range v.scans {
			if err != nil {
				yield(Segment{}, err)
				return
			}
			if !yield(s.describe(), nil) {
				return
			}
		}
	}
}

func (s *scan) describe() Segment {
	d := Segment{Name: s.seg.name(), First: s.seg.first, Last: s.seg.next - 1, Bytes: s.seg.end, FileBytes: int64(len(s.content)),
		Chained: s.seg.chained, Damaged: s.seg.damaged, TornBytes: s.torn}
	if s.lost != nil {
		d.Damaged = append(slices.Clone(d.Damaged), *s.lost)
	}
	batch := uint64(0)
	for it := range s.items {
		if it.damage != nil {
			continue
		}
		if d.Records == 0 {
			d.Earliest = it.Received
		}
		if from := it.batchFrom(); d.Records == 0 || from != batch {
			d.Batches, batch = d.Batches+1, from
		}
		d.Latest = it.Received
		d.Records++
	}
	return d
}

// Records yields the records from from to to, in order. A damaged range is yielded as a
// *Damage error, after which reading can go on; any other error ends it. A body is valid
// only until the next record.
func (v *View) Records(from, to uint64) iter.Seq2[Record, error] {
	part := *v
	part.segs = slices.DeleteFunc(slices.Clone(v.segs), func(at viewed) bool { return at.limit <= from || at.first > to })
	if len(part.segs) > 0 && len(v.segs) > 0 && part.segs[0] != v.segs[0] {
		part.released.upto = part.segs[0].first // what is before is not asked for
	}
	return func(yield func(Record, error) bool) {
		for s, err := range part.scans {
			if err != nil {
				yield(Record{}, err)
				return
			}
			for it := range s.items {
				switch {
				case it.damage != nil && it.damage.Missing() > 0 && it.damage.To >= from && it.damage.From <= to:
					if !yield(Record{}, it.damage) {
						return
					}
				case it.damage == nil && it.Seq >= from && it.Seq <= to:
					if !yield(it.Record, nil) {
						return
					}
				}
			}
		}
	}
}

// Check is what reading a whole log again found.
type Check struct {
	Segments         int
	Records, Batches int
	// Bytes is the size of the records with their headers.
	Bytes int64
	// First and Last are the sequence numbers of the first and the last record.
	First, Last uint64
	// Released is the last record that may be removed.
	Released uint64
	// Unchained counts the records that were written before there was a chain.
	Unchained int
	// Head is the end of the chain.
	Head Head
	// Damaged names the ranges that cannot be read. LastBatch is set only if the batch after
	// it, when there is one, found the same records as are left now.
	Damaged []Damage
	// Unreadable names files, and parts of files, that the disk does not give.
	Unreadable []Damage
	// Breaks are the places where the chain does not fit.
	Breaks []Break
	// TornBytes is how much of a half-written batch follows the last record.
	TornBytes int64
	// Found says for each head that was asked for whether it is in the chain.
	Found map[Head]bool
}

// Sound says whether everything that was acknowledged is there and unchanged, as far as
// the log itself can tell, and every head that was asked for is in the chain.
func (c Check) Sound() bool {
	_, altered := c.Losses()
	for _, found := range c.Found {
		altered = altered || !found
	}
	return c.Missing() == 0 && len(c.Unreadable) == 0 && !altered
}

// Missing returns how many records are missing that may have been acknowledged.
func (c Check) Missing() (n uint64) {
	for _, d := range c.Damaged {
		if !d.LastBatch {
			n += d.Missing()
		}
	}
	return n
}

// Losses tells apart the places where the chain breaks: because of damage that is named,
// and without any.
func (c Check) Losses() (damaged int, altered bool) {
	for _, b := range c.Breaks {
		if b.Damaged {
			damaged++
		} else {
			altered = true
		}
	}
	return damaged, altered
}

// Check reads everything again: checksums, numbers and the chain. heads are places of the
// chain that were noted down earlier; they must still be in it.
func (v *View) Check(heads ...Head) (Check, error) {
	c := Check{Released: v.released.upto, Unreadable: slices.Clone(v.unreadable), Found: map[Head]bool{}}
	for _, h := range heads {
		c.Found[h] = h == v.released.removed
	}
	ch := v.chain(&c)
	for s, err := range v.scans {
		if err != nil {
			return c, err
		}
		c.add(s)
		ch.walk(s)
	}
	c.Head = ch.head
	return c, nil
}

// chain returns a chain that begins where the released segments ended, and notes in c
// what it finds.
func (v *View) chain(c *Check) *chain {
	ch := &chain{head: v.released.removed}
	if len(v.segs) > 0 && v.segs[0].first != v.released.removed.Seq+1 {
		ch.head = Head{}
	} else {
		ch.known = true
	}
	ch.reached = func(h Head) {
		c.Batches++
		if _, asked := c.Found[h]; asked {
			c.Found[h] = true
		}
	}
	ch.broken = func(b Break) {
		c.Breaks = append(c.Breaks, b)
		if b.Damaged {
			c.lostLater(b)
		}
	}
	return ch
}

// lostLater takes note that the batch before a break was whole when the next one was
// written: what is missing of it may have been acknowledged.
func (c *Check) lostLater(b Break) {
	for i := range c.Damaged {
		if d := &c.Damaged[i]; d.From >= b.after && d.To < b.Seq {
			d.LastBatch = false
		}
	}
}

// add counts a segment.
func (c *Check) add(s *scan) {
	d := s.describe()
	if c.Records == 0 {
		c.First = d.First
	}
	if d.Records > 0 {
		c.Last = d.Last
	}
	if !d.Chained {
		c.Unchained += d.Records
		c.Batches += d.Batches
	}
	c.Segments++
	c.Records += d.Records
	c.Bytes += d.Bytes
	c.TornBytes += d.TornBytes
	c.Damaged = append(c.Damaged, s.seg.damaged...)
	if s.lost != nil {
		c.Unreadable = append(c.Unreadable, *s.lost)
	}
}
