package wal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
)

// The sizes of the campaigns; the Makefile gives the full ones.
var (
	cuts      = flag.Int("cuts", 12, "power cuts for each model of directories")
	simulated = flag.Int("simulated", 2000, "power cuts of the simulated disk, for both models together")
	kills     = flag.Int("kills", 4, "kills of a process that writes")
	faults    = flag.Int("faults", 33, "runs with a failing disk")
)

// store is what the crash suite needs of a log; the oracle has it, too.
type store interface {
	Append(ctx context.Context, rs []wal.Record) (first uint64, err error)
	Read(from uint64) iter.Seq2[wal.Record, error]
	Close() error
}

// place is where a store lives: a disk that forgets, as the program sees it.
type place struct {
	// dir is the folder through which the system shows the disk; empty when it does not.
	dir string
	fs  wal.FS
}

// opener opens a store on a disk.
type opener func(place) (store, error)

// openLog opens the log of the program. change, if not nil, breaks the file system under it.
func openLog(change func(wal.FS) wal.FS) opener {
	return func(p place) (store, error) {
		cfg := wal.DefaultConfig("")
		cfg.SegmentBytes, cfg.BatchBytes, cfg.Keep, cfg.Logger = 256<<10, 64<<10, 0, quiet
		if cfg.FS = p.fs; change != nil {
			cfg.FS = change(p.fs)
		}
		return wal.Open(cfg)
	}
}

// crash is a campaign of power cuts.
type crash struct {
	open  opener
	model simdisk.Directories
	// folder is where the disk is mounted; empty runs the store on the disk itself.
	folder string
	// calls is how many calls that write there are before a cut, at most.
	calls int
	// strange says that the store has no chain to check.
	strange bool

	tally
	rng *rand.Rand
}

// tally counts what a campaign found.
type tally struct {
	cuts, acked, lost, unopenable, doubled, unsound int
	trouble                                         []string
}

func (t *tally) String() string {
	return fmt.Sprintf("%d cuts: %d records acknowledged, %d lost, %d doubled, %d times not opened, %d times a chain that does not hold",
		t.cuts, t.acked, t.lost, t.doubled, t.unopenable, t.unsound)
}

func (t *tally) bad() bool { return t.lost+t.unopenable+t.doubled+t.unsound > 0 }

func (t *tally) note(format string, args ...any) {
	if len(t.trouble) < 5 {
		t.trouble = append(t.trouble, fmt.Sprintf("cut %d: ", t.cuts)+fmt.Sprintf(format, args...))
	}
}

// livesPerDisk is how often the power of one disk is cut.
const livesPerDisk = 10

// run cuts the power n times, or until stop says that it has seen enough.
func (c *crash) run(t *testing.T, n int, stop func() bool) {
	c.rng = rand.New(rand.NewPCG(2026, uint64(c.model)+7))
	for c.cuts < n && !stop() {
		d := simdisk.New(c.rng.Uint64(), c.model)
		kept := &ledger{seq: map[uint64]uint64{}}
		for life := 0; life < livesPerDisk && c.cuts < n; life++ {
			d = c.life(t, d, kept)
			c.cuts++
		}
		c.acked += kept.acked
	}
}

// life lets a store write until the power goes, restarts the machine and compares.
func (c *crash) life(t *testing.T, d *simdisk.Disk, kept *ledger) *simdisk.Disk {
	d.CutAfter(c.rng.IntN(c.calls))
	c.on(t, d, func(p place) {
		s, err := c.open(p)
		if err != nil {
			return // the power went while it was being opened
		}
		trimmed := kept.trim(s, c.rng.IntN(2) == 0)
		kept.writeAll(s, c.rng, 32)
		trimmed()
		s.Close()
	})
	d = d.Reboot()
	c.on(t, d, func(p place) {
		s, err := c.open(p)
		if err != nil {
			c.unopenable++
			c.note("not opened: %v", err)
			return
		}
		c.compare(s, kept)
		s.Close()
		if !c.strange {
			c.checkChain(p)
		}
	})
	return d
}

// on gives do the disk, through the system if it is to be mounted.
func (c *crash) on(t *testing.T, d *simdisk.Disk, do func(place)) {
	t.Helper()
	if c.folder == "" {
		do(place{fs: d})
		return
	}
	unmount, err := mount(d, c.folder)
	if err != nil {
		t.Fatalf("mount: %v", err)
	}
	defer func() {
		if err := unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	}()
	fs, err := wal.Folder(c.folder)
	if err != nil {
		t.Fatal(err)
	}
	do(place{c.folder, fs})
}

// compare counts what was acknowledged and is not there, or there twice, byte for byte.
func (c *crash) compare(s store, kept *ledger) {
	for n, seq := range kept.seq {
		if seq <= kept.released {
			delete(kept.seq, n)
		}
	}
	at, missing := map[uint64]uint64{}, len(kept.seq)
	for r, err := range s.Read(1) {
		if d := (*wal.Damage)(nil); errors.As(err, &d) {
			continue // what is missing is counted by its absence
		}
		if err != nil {
			c.unopenable++
			c.note("Read: %v", err)
			break
		}
		n := number(r)
		if seq, again := at[n]; again {
			c.doubled++
			c.note("record %d is there as %d and as %d", n, seq, r.Seq)
		}
		at[n] = r.Seq
		if !same(r, large(n)) {
			c.note("record %d has changed", r.Seq)
			continue // lost, if it was acknowledged
		}
		if want, ok := kept.seq[n]; ok && want == r.Seq {
			missing--
		}
		if r.Seq > kept.released {
			kept.seq[n] = r.Seq // it was seen, so it must stay
		}
	}
	if missing > 0 {
		c.lost += missing
		c.note("%d of %d acknowledged records are lost", missing, len(kept.seq))
		clear(kept.seq)
	}
}

// checkChain checks the log as “suyang log check” does.
func (c *crash) checkChain(p place) {
	v, err := wal.Look(p.fs)
	if err == nil {
		var found wal.Check
		if found, err = v.Check(); err == nil && found.Sound() {
			return
		}
		err = errors.Join(err, fmt.Errorf("%+v", found))
	}
	c.unsound++
	c.note("the chain does not hold: %v", err)
}

// ledger holds what was acknowledged and not lost since: the number of a record and where it was put.
type ledger struct {
	mu    sync.Mutex
	seq   map[uint64]uint64
	acked int
	// released is up to where the log was told that it may forget.
	released uint64
}

// trim begins to close and to release segments of a log while it is written, and returns
// what ends that.
func (k *ledger) trim(s store, wanted bool) (end func()) {
	l, ok := s.(*wal.Log)
	if !ok || !wanted {
		return func() {}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for err := error(nil); err == nil; {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			k.mu.Lock()
			k.released = max(k.released, l.Stat().Head.Seq*3/4)
			upto := k.released
			k.mu.Unlock()
			err = errors.Join(l.Seal(), l.Release(upto))
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}

func (k *ledger) note(n, seq uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seq[n] = seq
	k.acked++
}

// writeAll appends records from many writers until the store takes no more.
func (k *ledger) writeAll(s store, rng *rand.Rand, writers int) {
	var wg sync.WaitGroup
	for range writers {
		base := rng.Uint64() >> 1
		wg.Go(func() {
			for n := base; n < base+200; n++ {
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

// large makes a record of 2 KB whose bytes follow from n alone.
func large(n uint64) wal.Record {
	r := record(n)
	r.Body = make([]byte, 2048)
	src := rand.NewPCG(n, 1)
	for i := 0; i < len(r.Body); i += 8 {
		v := src.Uint64()
		for k := range 8 {
			r.Body[i+k] = byte(v >> (8 * k))
		}
	}
	return r
}

func same(r, want wal.Record) bool {
	want.Seq = r.Seq
	return r.Kind == want.Kind && r.Node == want.Node && r.Revision == want.Revision && r.Received.Equal(want.Received) &&
		r.ID == want.ID && string(r.Body) == string(want.Body)
}

// models names what makes a file's name durable.
var models = []struct {
	name  string
	model simdisk.Directories
}{{"names by a sync of the folder only", simdisk.Strict}, {"names by a sync of any file", simdisk.Journal}}

// lossyFolder returns a folder on which disks can be mounted, or nothing and why not.
func lossyFolder(t *testing.T) (folder, disk string) {
	t.Helper()
	dir := t.TempDir()
	unmount, err := mount(simdisk.New(1, simdisk.Strict), dir)
	if err != nil {
		return "", fmt.Sprintf("the simulated disk, without FUSE (%v)", err)
	}
	if err := unmount(); err != nil {
		t.Fatal(err)
	}
	return dir, "a lossy FUSE file system"
}

// TestCrash cuts the power of a log that 32 writers fill with records of 2 KB.
func TestCrash(t *testing.T) {
	folder, disk := lossyFolder(t)
	for _, m := range models {
		c := crash{open: openLog(nil), model: m.model, folder: folder, calls: 150}
		c.run(t, *cuts, func() bool { return t.Failed() })
		t.Logf("%s, %s: %s", disk, m.name, &c.tally)
		if c.bad() || c.acked == 0 {
			t.Errorf("%s, %s: %s\n%s", disk, m.name, &c.tally, strings.Join(c.trouble, "\n"))
		}
	}
}

// lax is a folder that breaks one of the rules by which records survive.
type lax struct {
	wal.FS
	syncFiles, syncNames bool
}

func (l lax) SyncDir() error {
	if !l.syncNames {
		return nil
	}
	return l.FS.SyncDir()
}

func (l lax) Open(name string) (wal.File, error) {
	f, err := l.FS.Open(name)
	return laxFile{f, l.syncFiles}, err
}

func (l lax) Create(name string) (wal.File, error) {
	f, err := l.FS.Create(name)
	return laxFile{f, l.syncFiles}, err
}

type laxFile struct {
	wal.File
	sync bool
}

func (f laxFile) Datasync() error {
	if !f.sync {
		return nil
	}
	return f.File.Datasync()
}

// TestCrashSuiteFindsBrokenRules runs the suite on logs that break a rule: it must find
// that records are lost.
func TestCrashSuiteFindsBrokenRules(t *testing.T) {
	folder, disk := lossyFolder(t)
	for name, broken := range map[string]lax{
		"acknowledged before the sync":    {syncNames: true},
		"the folder is not synced at all": {syncFiles: true},
	} {
		for on, dir := range map[string]string{disk: folder, "the simulated disk": ""} {
			c := crash{model: simdisk.Strict, folder: dir, calls: 60,
				open: openLog(func(fs wal.FS) wal.FS { l := broken; l.FS = fs; return l })}
			c.run(t, 100, c.bad)
			t.Logf("%s, %s: %s", name, on, &c.tally)
			if c.lost == 0 {
				t.Errorf("%s, %s: %s; the suite did not find it", name, on, &c.tally)
			}
		}
	}
}
