package wal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
)

// acked collects what Append acknowledged: which record has which sequence number.
type acked struct {
	mu    sync.Mutex
	seq   map[uint64]uint64 // sequence number to record
	heads []wal.Head        // that the chain had after a start
}

// writeAll appends batches of new records from several goroutines until the log
// takes no more or each has written its share, and notes what was acknowledged.
func (a *acked) writeAll(l *wal.Log, rng *rand.Rand, writers, share int) {
	var wg sync.WaitGroup
	for range writers {
		base := rng.Uint64() >> 1
		sizes := rand.New(rand.NewPCG(base, 2))
		wg.Go(func() {
			for i := 0; i < share; i++ {
				rs := make([]wal.Record, 1+sizes.IntN(3))
				for k := range rs {
					rs[k] = record(base + uint64(4*i+k))
				}
				seq, err := l.Append(context.Background(), rs)
				if err != nil {
					return
				}
				a.mu.Lock()
				for k := range rs {
					a.seq[seq+uint64(k)] = base + uint64(4*i+k)
				}
				a.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// check fails unless every acknowledged record is in the log, and adds whatever else
// survived, because from now on it must stay.
func (a *acked) check(t *testing.T, l *wal.Log, what string) {
	t.Helper()
	want := maps.Clone(a.seq)
	for r, err := range l.Read(1) {
		var d *wal.Damage
		if errors.As(err, &d) {
			for seq := d.From; seq <= d.To; seq++ {
				if _, ok := want[seq]; ok {
					t.Fatalf("%s: acknowledged record %d is in a damaged range: %v", what, seq, d)
				}
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: Read: %v", what, err)
		}
		n, ok := want[r.Seq]
		if !ok {
			n = number(r)
			a.seq[r.Seq] = n
		}
		if !sameRecord(r, n, r.Seq) {
			t.Fatalf("%s: record %d has changed", what, r.Seq)
		}
		delete(want, r.Seq)
	}
	if len(want) > 0 {
		t.Fatalf("%s: %d of %d acknowledged records are lost", what, len(want), len(a.seq))
	}
}

// TestPowerCuts runs a log on a simulated disk through many lives; each ends with a
// power cut at a random call, some while the log is being recovered.
func TestPowerCuts(t *testing.T) {
	cuts := *simulated
	if testing.Short() {
		cuts = 300
	}
	for model, name := range map[simdisk.Directories]string{simdisk.Strict: "strict", simdisk.Journal: "journal"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(2026, uint64(model)))
			total := 0
			for done := 0; done < cuts/2; {
				d := simdisk.New(rng.Uint64(), model)
				a := &acked{seq: map[uint64]uint64{}}
				for life := range 5 {
					d.CutAfter(rng.IntN(60))
					if l, err := wal.Open(small(d, "")); err == nil {
						a.writeAll(l, rng, 4, 10)
						l.Close()
					}
					if rng.IntN(4) == 0 { // the process was killed; what it wrote last may go later
						d.Restart()
					} else {
						d = d.Reboot()
					}
					done++
					l, err := wal.Open(small(d, ""))
					if err != nil {
						t.Fatalf("cut %d: the log does not open: %v", done, err)
					}
					a.check(t, l, fmt.Sprintf("cut %d, life %d", done, life))
					head := l.Stat().Head
					l.Close()
					if c := look(t, d, a.heads...); !c.Sound() || len(c.Breaks) > 0 || c.Head != head {
						t.Fatalf("cut %d, life %d: the chain does not hold: %+v, want the head %v", done, life, c, head)
					}
					if head.Seq > 0 {
						a.heads = append(a.heads, head)
					}
				}
				total += len(a.seq)
			}
			t.Logf("%d power cuts, %d acknowledged records, none lost", cuts/2, total)
		})
	}
}

// TestOneFailedSync lets one sync fail at each moment of a run, then cuts the power.
func TestOneFailedSync(t *testing.T) {
	for _, fault := range []simdisk.Faults{{Syncs: 1}, {Writes: 1}, {Writes: 1, ShortWrites: true}} {
		abandoned := 0
		for at := range 40 {
			what := fmt.Sprintf("%+v at append %d", fault, at)
			d := simdisk.New(uint64(at), simdisk.Strict)
			l, err := wal.Open(small(d, ""))
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(uint64(at), 3))
			a := &acked{seq: map[uint64]uint64{}}
			a.writeAll(l, rng, 1, at)
			d.Fail(fault)
			a.writeAll(l, rng, 3, 40)
			if st := l.Stat(); st.Err != nil {
				t.Fatalf("%s: the log gave up: %v", what, st.Err)
			}
			abandoned += l.Stat().Abandoned
			a.check(t, l, what+", running")
			d = d.Reboot()
			a.check(t, open(t, small(d, "")), what+", after a power cut")
		}
		if abandoned < 20 { // now and then it is the making of the next segment that fails
			t.Errorf("%+v: a segment was given up %d times in 40", fault, abandoned)
		}
	}
}

func TestDiskThatFailsForEver(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	a := &acked{seq: map[uint64]uint64{}}
	rng := rand.New(rand.NewPCG(1, 4))
	a.writeAll(l, rng, 4, 20)
	d.Fail(simdisk.Faults{Syncs: -1})
	before := len(a.seq)
	a.writeAll(l, rng, 4, 20)
	if len(a.seq) != before {
		t.Errorf("%d records were acknowledged by a disk that syncs nothing", len(a.seq)-before)
	}
	_, err := l.Append(t.Context(), []wal.Record{record(1)})
	if !errors.Is(err, wal.ErrReadOnly) || !errors.Is(err, surveys.ErrUnavailable) || !errors.Is(err, syscall.EIO) {
		t.Errorf("Append: %v, want ErrReadOnly because of EIO", err)
	}
	d.Fail(simdisk.Faults{})
	if _, err := l.Append(t.Context(), []wal.Record{record(1)}); !errors.Is(err, wal.ErrReadOnly) {
		t.Errorf("Append after the disk came back: %v, want ErrReadOnly until a restart", err)
	}
	if st := l.Stat(); !errors.Is(st.Err, wal.ErrReadOnly) {
		t.Errorf("Stat() = %+v, want ErrReadOnly", st)
	}
	a.check(t, l, "read-only")
	l.Close()
	l = open(t, small(d.Reboot(), ""))
	a.check(t, l, "after a restart")
	a.writeAll(l, rng, 4, 20)
	a.check(t, l, "writing again")
}

func TestDiskFullThenFreed(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	a := &acked{seq: map[uint64]uint64{}}
	rng := rand.New(rand.NewPCG(1, 5))
	a.writeAll(l, rng, 4, 20)
	d.SetCapacity(64 << 10)
	a.writeAll(l, rng, 4, 1000)
	_, err := l.Append(t.Context(), []wal.Record{record(1)})
	if !errors.Is(err, wal.ErrFull) || !errors.Is(err, surveys.ErrUnavailable) {
		t.Fatalf("Append on a full disk: %v, want ErrFull", err)
	}
	a.check(t, l, "full")
	d.SetCapacity(-1)
	before := len(a.seq)
	a.writeAll(l, rng, 4, 20)
	if len(a.seq) == before {
		t.Error("nothing is acknowledged after the disk was freed")
	}
	if st := l.Stat(); st.Err != nil {
		t.Errorf("Stat().Err = %v after the disk was freed", st.Err)
	}
	a.check(t, l, "freed")
	a.check(t, open(t, small(d.Reboot(), "")), "after a power cut")
}

// A disk with less room than a segment takes is used to its end.
func TestLessRoomThanASegment(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	cfg := small(d, "")
	d.SetCapacity(cfg.SegmentBytes + cfg.SegmentBytes*3/4)
	l := open(t, cfg)
	a := &acked{seq: map[uint64]uint64{}}
	a.writeAll(l, rand.New(rand.NewPCG(1, 6)), 1, 1000)
	if st := l.Stat(); st.Bytes <= cfg.SegmentBytes || !errors.Is(st.Err, wal.ErrFull) {
		t.Errorf("the log holds %d bytes when it is full (%v), want more than a segment, %d", st.Bytes, st.Err, cfg.SegmentBytes)
	}
	a.check(t, l, "full")
	l.Close()
	a.check(t, open(t, small(d.Reboot(), "")), "after a power cut")
}

func TestQueueIsLimited(t *testing.T) {
	d := &stuckDisk{Disk: simdisk.New(1, simdisk.Strict), free: make(chan struct{})}
	cfg := small(d, "")
	cfg.QueueBytes = cfg.BatchBytes
	l := open(t, cfg)
	var wg sync.WaitGroup
	var mu sync.Mutex
	busy := 0
	for n := range uint64(400) {
		wg.Go(func() {
			_, err := l.Append(context.Background(), []wal.Record{record(n)})
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, wal.ErrBusy) {
				if busy++; busy == 1 {
					close(d.free)
				}
			} else if err != nil {
				t.Errorf("Append: %v", err)
			}
		})
	}
	wg.Wait()
	if busy == 0 || busy == 400 {
		t.Errorf("%d of 400 calls found the queue full, want some", busy)
	}
}

// stuckDisk makes no file until it is freed.
type stuckDisk struct {
	*simdisk.Disk
	free chan struct{}
}

func (d *stuckDisk) Create(name string) (wal.File, error) {
	<-d.free
	return d.Disk.Create(name)
}

// TestReleaseSurvivesPowerCuts cuts the power at each moment of a release: what is gone
// was released, and nothing looks like a loss.
func TestReleaseSurvivesPowerCuts(t *testing.T) {
	for _, model := range []simdisk.Directories{simdisk.Strict, simdisk.Journal} {
		for seed := range uint64(20) {
			released := false
			for at := 0; !released; at++ {
				d := simdisk.New(seed, model)
				l := open(t, small(d, ""))
				add(t, l, 1, 200)
				if err := l.Seal(); err != nil { // the next segment is then being made, or made
					t.Fatal(err)
				}
				d.CutAfter(at)
				released = l.Release(150) == nil
				l.Close()
				d = d.Reboot()
				c := look(t, d)
				if !c.Sound() || len(c.Breaks) > 0 || c.Last != 200 || released && c.Released != 150 {
					t.Fatalf("power cut at call %d of a release: %+v", at, c)
				}
				if g := open(t, small(d, "")).Stat().Damaged; len(g) > 0 {
					t.Fatalf("power cut at call %d of a release: %v", at, g)
				}
			}
		}
	}
}

// TestKilledBeforeTheSync kills the process at each moment, lets the next one read what was
// not synced, and then cuts the power: what was read once stays. The segments are filled to
// the last byte, so that nothing need be cut off them.
func TestKilledBeforeTheSync(t *testing.T) {
	const body = 1000
	for seed := range uint64(20) {
		for at := range 25 {
			d := simdisk.New(seed, simdisk.Strict)
			cfg := small(d, "")
			cfg.BatchBytes = 56 + body
			cfg.SegmentBytes = int64(64 + 32 + cfg.BatchBytes)
			d.CutAfter(at)
			if l, err := wal.Open(cfg); err == nil {
				for err == nil {
					_, err = l.Append(t.Context(), []wal.Record{{Body: make([]byte, body)}})
				}
				l.Close()
			}
			d.Restart()
			l := open(t, cfg)
			seen := l.Stat().Head
			l.Close()
			d = d.Reboot()
			if c := look(t, d, seen); seen.Seq > 0 && (!c.Sound() || c.Head != seen) {
				t.Fatalf("killed at call %d: record %d was read, then %+v", at, seen.Seq, c)
			}
		}
	}
}
