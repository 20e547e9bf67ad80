package wal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
)

// fault is a way in which a disk fails.
type fault struct {
	name string
	// begin makes the disk fail, end repairs it.
	begin, end func(*simdisk.Disk)
	// takes is what Append says while the disk fails; nil when it goes on.
	takes error
	// heals says that the log goes on by itself after end.
	heals bool
	// share is how many records each writer tries meanwhile, if not a few: a full disk still
	// takes what there is room for in the files that are there.
	share int
}

func failing(f simdisk.Faults) func(*simdisk.Disk) { return func(d *simdisk.Disk) { d.Fail(f) } }

var works = failing(simdisk.Faults{})

// diskFaults are the errors that a disk gives.
var diskFaults = []fault{
	{"a write fails once", failing(simdisk.Faults{Writes: 1}), works, nil, true, 0},
	{"a write is short once", failing(simdisk.Faults{Writes: 1, ShortWrites: true}), works, nil, true, 0},
	{"a sync fails once", failing(simdisk.Faults{Syncs: 1}), works, nil, true, 0},
	{"writes fail for ever", failing(simdisk.Faults{Writes: -1}), works, wal.ErrReadOnly, false, 0},
	{"writes are short for ever", failing(simdisk.Faults{Writes: -1, ShortWrites: true}), works, wal.ErrReadOnly, false, 0},
	{"syncs fail for ever", failing(simdisk.Faults{Syncs: -1}), works, wal.ErrReadOnly, false, 0},
	{"the disk is full, then freed", func(d *simdisk.Disk) { d.SetCapacity(0) }, func(d *simdisk.Disk) { d.SetCapacity(-1) }, wal.ErrFull, true, 200},
	{"the disk becomes read-only", func(d *simdisk.Disk) { d.SetReadOnly(true) }, func(d *simdisk.Disk) { d.SetReadOnly(false) }, wal.ErrReadOnly, false, 0},
}

// rot is a way in which what is on a disk changes. It returns which records it destroys.
type rot struct {
	name string
	do   func(c *crash, d *simdisk.Disk, segments []string) func(wal.Place) bool
}

var diskRots = []rot{
	{"bits flip", func(c *crash, d *simdisk.Disk, segments []string) func(wal.Place) bool {
		type bit struct {
			segment string
			at      int64
		}
		var flipped []bit
		for range 1 + c.rng.IntN(5) {
			name := segments[c.rng.IntN(len(segments))]
			d.Corrupt(name, func(b []byte) []byte {
				at := c.rng.IntN(len(b))
				b[at] ^= 1 << c.rng.IntN(8)
				flipped = append(flipped, bit{name, int64(at)})
				return b
			})
		}
		return func(p wal.Place) bool {
			return slices.ContainsFunc(flipped, func(f bit) bool { return f.segment == p.Segment && p.Begin <= f.at && f.at < p.End })
		}
	}},
	{"a segment is cut", func(c *crash, d *simdisk.Disk, segments []string) func(wal.Place) bool {
		name, size := segments[c.rng.IntN(len(segments))], 0
		d.Corrupt(name, func(b []byte) []byte { size = c.rng.IntN(len(b)); return b[:size] })
		return func(p wal.Place) bool { return p.Segment == name && p.End > int64(size) }
	}},
	{"a segment in the middle is gone", func(c *crash, d *simdisk.Disk, segments []string) func(wal.Place) bool {
		name := segments[min(1+c.rng.IntN(len(segments)), len(segments)-2)]
		if err := d.Remove(name); err != nil {
			panic(err)
		}
		return func(p wal.Place) bool { return p.Segment == name }
	}},
}

// diskFault is a campaign of failing disks.
type diskFault struct {
	crash
	runs, falseAcks, wrongAnswers, unnamed, destroyed int
}

func (c *diskFault) String() string {
	return fmt.Sprintf("%d runs: %d records acknowledged, %d lost, %d acknowledged falsely, %d doubled, %d times not opened, %d wrong answers, "+
		"%d destroyed on the disk and %d of them not named, %d times a chain that does not hold",
		c.runs, c.acked, c.lost, c.falseAcks, c.doubled, c.unopenable, c.wrongAnswers, c.destroyed, c.unnamed, c.unsound)
}

func (c *diskFault) failed() bool { return c.bad() || c.falseAcks+c.wrongAnswers+c.unnamed > 0 }

// failingDisk lives through one fault: write, fail, write, heal, write, restart, compare.
func (c *diskFault) failingDisk(t *testing.T, f fault) {
	d := simdisk.New(c.rng.Uint64(), c.model)
	kept := &ledger{seq: map[uint64]uint64{}}
	c.on(t, d, func(p place) {
		s, err := c.open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		l := s.(*wal.Log)
		kept.writeSome(l, c.rng, 8, 1+c.rng.IntN(20))
		f.begin(d)
		before := kept.acked
		kept.writeSome(l, c.rng, 8, max(f.share, 1+c.rng.IntN(20)))
		c.answers(l, f, kept, before)
		f.end(d)
		before = kept.acked
		kept.writeSome(l, c.rng, 8, 1+c.rng.IntN(20))
		if healed := kept.acked > before && l.Stat().Err == nil; healed != f.heals {
			c.wrongAnswers++
			c.note("%s: goes on by itself: %v, %v", f.name, healed, l.Stat().Err)
		}
	})
	if c.rng.IntN(2) == 0 {
		d = d.Reboot()
	}
	c.restart(t, d, kept)
}

// answers checks what the log says while the disk fails, and that it can still be read.
func (c *diskFault) answers(l *wal.Log, f fault, kept *ledger, before int) {
	_, err := l.Append(context.Background(), []wal.Record{large(c.rng.Uint64() >> 1)})
	switch {
	case f.takes == nil && (err != nil || l.Stat().Err != nil),
		f.takes != nil && !(errors.Is(err, f.takes) && errors.Is(err, surveys.ErrUnavailable) && errors.Is(l.Stat().Err, f.takes)):
		c.wrongAnswers++
		c.note("%s: Append: %v, Stat: %v", f.name, err, l.Stat().Err)
	case f.takes != nil && f.share == 0 && kept.acked > before:
		c.falseAcks += kept.acked - before
		c.note("%s: %d records are acknowledged", f.name, kept.acked-before)
	}
	c.compare(l, kept)
}

// rottenDisk lives through one change of what is on the disk.
func (c *diskFault) rottenDisk(t *testing.T, r rot) {
	d := simdisk.New(c.rng.Uint64(), c.model)
	kept := &ledger{seq: map[uint64]uint64{}}
	var head wal.Head
	var places map[uint64]wal.Place
	c.on(t, d, func(p place) {
		s, err := c.open(p)
		if err != nil {
			t.Fatal(err)
		}
		kept.writeSome(s, c.rng, 8, 50+c.rng.IntN(50)) // several segments
		head = s.(*wal.Log).Stat().Head
		s.Close()
		if places, err = wal.Places(p.fs); err != nil {
			t.Fatal(err)
		}
	})
	destroys := r.do(&c.crash, d, names(t, d))
	destroyed := map[uint64]bool{}
	for n, seq := range kept.seq {
		if destroys(places[seq]) {
			destroyed[seq] = true
			delete(kept.seq, n)
		}
	}
	c.destroyed += len(destroyed)
	c.on(t, d, func(p place) { c.named(p, r, destroyed, head) })
	c.restart(t, d, kept)
}

// named checks that the log names every record that was destroyed: in its damage, or,
// where the end of the log is gone, by the head that was noted down.
func (c *diskFault) named(p place, r rot, destroyed map[uint64]bool, head wal.Head) {
	v, err := wal.Look(p.fs)
	if err != nil {
		c.unopenable++
		c.note("%s: Look: %v", r.name, err)
		return
	}
	found, err := v.Check(head)
	if err != nil {
		c.unopenable++
		c.note("%s: Check: %v", r.name, err)
		return
	}
	for seq := range destroyed {
		inRange := slices.ContainsFunc(found.Damaged, func(d wal.Damage) bool { return d.From <= seq && seq <= d.To })
		if !inRange && (seq <= found.Last || found.Sound()) {
			c.unnamed++
			c.note("%s: record %d is gone and nothing says so: %+v", r.name, seq, found)
		}
	}
}

// restart opens the log again, compares, goes on writing, and does so once more.
func (c *diskFault) restart(t *testing.T, d *simdisk.Disk, kept *ledger) {
	for range 2 {
		c.on(t, d, func(p place) {
			s, err := c.open(p)
			if err != nil {
				c.unopenable++
				c.note("not opened: %v", err)
				return
			}
			defer s.Close()
			c.compare(s, kept)
			kept.writeSome(s, c.rng, 4, 5)
			c.compare(s, kept)
		})
	}
	c.runs++
	c.acked += kept.acked
}

// TestDiskFaults lets disks fail in every way while a log is written, and changes what is
// on them.
func TestDiskFaults(t *testing.T) {
	folder, disk := lossyFolder(t)
	c := diskFault{crash: crash{open: openLog(nil), rng: rand.New(rand.NewPCG(2026, 11))}}
	kinds := len(diskFaults) + len(diskRots)
	mounted := 0
	for i := range *faults {
		c.model = models[i/kinds%2].model
		if c.folder = ""; i/kinds%3 == 0 && folder != "" {
			c.folder = folder
			mounted++
		}
		if k := i % kinds; k < len(diskFaults) {
			c.failingDisk(t, diskFaults[k])
		} else {
			c.rottenDisk(t, diskRots[k-len(diskFaults)])
		}
		c.cuts++
	}
	t.Logf("%d ways to fail, %d runs through the system on %s; %s", kinds, mounted, disk, &c)
	if c.failed() || c.destroyed == 0 {
		t.Errorf("%s\n%s", &c, strings.Join(c.trouble, "\n"))
	}
}

// stubborn syncs again what could not be synced, as if that could help.
type stubborn struct{ wal.FS }

func (s stubborn) Create(name string) (wal.File, error) {
	f, err := s.FS.Create(name)
	return stubbornFile{f}, err
}

type stubbornFile struct{ wal.File }

func (f stubbornFile) Datasync() error {
	if f.File.Datasync() == nil {
		return nil
	}
	return f.File.Datasync()
}

// TestDiskFaultsFindASyncTriedAgain proves that the campaign sees a log that trusts a sync
// after one that failed: the system has dropped by then what it could not write.
func TestDiskFaultsFindASyncTriedAgain(t *testing.T) {
	c := diskFault{crash: crash{rng: rand.New(rand.NewPCG(2026, 12)),
		open: openLog(func(fs wal.FS) wal.FS { return stubborn{fs} })}}
	i := slices.IndexFunc(diskFaults, func(f fault) bool { return f.name == "a sync fails once" })
	for c.runs < 50 && c.lost == 0 {
		c.failingDisk(t, diskFaults[i])
	}
	t.Logf("%s", &c)
	if c.lost == 0 {
		t.Errorf("%s; the campaign did not find it", &c)
	}
}

// writeSome appends a share of records from each of some writers, until the store takes no more.
func (k *ledger) writeSome(s store, rng *rand.Rand, writers, share int) {
	var wg sync.WaitGroup
	for range writers {
		base := rng.Uint64() >> 1
		wg.Go(func() {
			for n := base; n < base+uint64(share); n++ {
				seq, err := s.Append(context.Background(), []wal.Record{large(n)})
				if err != nil {
					return
				}
				k.note(n, seq)
			}
		})
	}
	wg.Wait()
}
