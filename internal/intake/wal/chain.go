package wal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Hash is a SHA-256 in the chain of batches.
//
// The hash of a batch is over the hash of the batch before and the records of the
// batch, without the zeros that pad them; the first batch follows a hash of zeros. So
// whoever knows the hash of a batch can tell whether anything up to there was changed,
// removed, inserted or moved since. A batch of which a crash left only some records
// counts with those, for it was never acknowledged as a whole. Records of the first
// version of the format are outside the chain, which begins after them.
type Hash [sha256.Size]byte

// String writes the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// hashBatch returns the hash of the batch of these records, as they are on disk, after the
// one with the hash before.
func hashBatch(before Hash, records []byte) (h Hash) {
	sum := sha256.New()
	sum.Write(before[:])
	for len(records) > 0 {
		n := checkedFrom + int(binary.LittleEndian.Uint32(records))
		sum.Write(records[:n])
		records = records[pad(n):]
	}
	sum.Sum(h[:0])
	return h
}

// Head is a place in the chain: the last record of a batch, and the hash of that batch.
type Head struct {
	Seq  uint64
	Hash Hash
}

// String writes the head as the number, a colon and the hash.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// ParseHead reads what Head.String wrote.
func ParseHead(s string) (Head, error) {
	number, sum, _ := strings.Cut(s, ":")
	var h Head
	seq, err := strconv.ParseUint(number, 10, 64)
	b, err2 := hex.DecodeString(sum)
	if err != nil || err2 != nil || len(b) != len(h.Hash) {
		return h, fmt.Errorf("%q is no head of the chain; it is a number, a colon and %d hexadecimal digits, as “suyang log check” prints it: %w",
			s, 2*len(h.Hash), surveys.ErrInvalid)
	}
	h.Seq = seq
	copy(h.Hash[:], b)
	return h, nil
}

// Break is a place where the chain does not fit: the batch that begins there names
// another predecessor than the one that is found.
type Break struct {
	Segment string
	Offset  int64
	// Seq is the first record that is left of the batch.
	Seq uint64
	// Damaged says that records are missing just before, which explains it.
	Damaged bool
	// after is the first record of the batch before.
	after uint64
}

// chain follows the chain through the records of a log, in their order.
type chain struct {
	// head is the last place that was reached, and known whether its hash is.
	head  Head
	known bool
	// sum is of the batch under way, which began with the record batch; the one before
	// began with the record before.
	sum           hash.Hash
	batch, before uint64
	open          bool
	// missing says that records are missing since the last batch began.
	missing bool
	// reached is told each place, broken each place that does not fit; both may be nil.
	reached func(Head)
	broken  func(Break)
}

// enter takes note that a segment begins. A batch is never spread over two.
func (c *chain) enter(s *segment) {
	c.close()
	c.before = c.batch
	switch {
	case !s.chained && c.known && c.head.Hash != Hash{}:
		c.complain(s, segmentHeader, s.first)
		c.head.Hash = Hash{}
	case !s.chained:
		c.known = true
	case s.linked:
		c.follow(s, s.link, 0, s.first)
	}
}

// add takes the next record, which stands at off of segment s and is raw there.
func (c *chain) add(s *segment, r stored, off int64, raw []byte) {
	if !s.chained {
		c.head.Seq = r.Seq
		return
	}
	if from := r.batchFrom(); !c.open || from != c.batch {
		c.close()
		c.open, c.before, c.batch = true, c.batch, from
		if r.linked && r.index == 0 {
			c.follow(s, r.link, off, r.Seq)
		} else if r.index == 0 {
			c.complain(s, off, r.Seq)
		}
		c.sum = sha256.New()
		c.sum.Write(c.head.Hash[:])
		c.missing = r.index > 0
	}
	c.sum.Write(raw)
	c.head.Seq = r.Seq
}

// pass takes note that records are missing.
func (c *chain) pass(d Damage) { c.missing = c.missing || d.Missing() > 0 }

// close ends the batch under way.
func (c *chain) close() {
	if !c.open {
		return
	}
	c.open = false
	c.sum.Sum(c.head.Hash[:0])
	if c.reached != nil {
		c.reached(c.head)
	}
}

// follow goes on from what a batch or a segment says of the one before it.
func (c *chain) follow(s *segment, link Hash, off int64, seq uint64) {
	if c.known && c.head.Hash != link {
		c.complain(s, off, seq)
	}
	c.head.Hash, c.known = link, true
}

func (c *chain) complain(s *segment, off int64, seq uint64) {
	if c.broken != nil {
		c.broken(Break{Segment: s.name(), Offset: off, Seq: seq, Damaged: c.missing, after: c.before})
	}
}

// walk takes the records and the damage that a scan found.
func (c *chain) walk(s *scan) {
	c.enter(&s.seg)
	for it := range s.items {
		if it.damage != nil {
			c.pass(*it.damage)
			continue
		}
		c.add(&s.seg, it.stored, it.off, s.content[it.off:it.off+int64(it.length)])
	}
	c.close()
}

// headAfter returns the hash of the last batch in segs, which the log begins with.
// Each segment says what the one before it ended with, so that one is read, and more
// only where a crash took that from it.
func (rec *recovery) headAfter(segs []*segment) Hash {
	l := rec.log
	if len(segs) == 0 {
		return l.releasedHead.Hash
	}
	before, last := segs[:len(segs)-1], segs[len(segs)-1]
	if !last.chained {
		return Hash{}
	}
	c := chain{head: Head{Hash: last.link}, known: true}
	if !last.linked {
		c.head.Hash = rec.headAfter(before)
	}
	content, _, err := readSegment(l.folder, last.name(), rec.buf)
	if err == nil {
		rec.buf = content
		var s *scan
		if s, err = scanSegment(content, last.number, last.next); err == nil {
			c.walk(s)
		}
	}
	l.warn("log segment cannot be read; the chain goes on from before it", last.name(), err)
	return c.head.Hash
}
