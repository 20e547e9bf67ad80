package wal_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

var (
	speed   = flag.Duration("speed", 0, "how long each part of a round of TestLogSpeed takes; 0 skips it")
	rounds  = flag.Int("rounds", 3, "rounds of TestLogSpeed")
	logSize = flag.Int64("logsize", 1<<30, "bytes of the log that TestLogSpeed opens")
)

// contender is one way to make records durable.
type contender struct {
	name    string
	writers int
	// begin prepares it in a folder and returns what makes one record durable.
	begin func(dir string) (put func(body []byte) error, end func() error, err error)
}

// payload is what each record holds.
const payload = 4096

var contenders = []contender{
	{"write and fdatasync, one writer", 1, beginBare},
	{"log, one writer", 1, beginLog},
	{"log, 64 writers", 64, beginLog},
	{"SQLite WAL, synchronous FULL, 64 writers", 64, beginSQLite},
}

// beginBare writes over a file that is there already, the fastest a sync of each record can be.
func beginBare(dir string) (func([]byte) error, func() error, error) {
	folder, err := wal.Folder(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := folder.Create("bare")
	if err != nil {
		return nil, nil, err
	}
	const size = 64 << 20
	at := int64(0)
	return func(body []byte) error {
		_, err := f.WriteAt(body, at)
		if at += payload; at == size {
			at = 0
		}
		if err != nil {
			return err
		}
		return f.Datasync()
	}, f.Close, f.Allocate(size)
}

func beginLog(dir string) (func([]byte) error, func() error, error) {
	l, err := wal.Open(wal.DefaultConfig(dir))
	if err != nil {
		return nil, nil, err
	}
	return func(body []byte) error {
		_, err := l.Append(context.Background(), []wal.Record{{Body: body}})
		return err
	}, l.Close, nil
}

// beginSQLite commits whatever waits as one transaction, as the log does.
func beginSQLite(dir string) (func([]byte) error, func() error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	o, err := openOracle(dir)
	if err != nil {
		return nil, nil, err
	}
	g := &grouped{o: o, ended: make(chan struct{})}
	g.wake = sync.NewCond(&g.mu)
	go g.run()
	return g.put, g.close, nil
}

// grouped is the oracle with group commit.
type grouped struct {
	o       *oracle
	mu      sync.Mutex
	wake    *sync.Cond
	waiting []wal.Record
	answers []chan error
	closing bool
	ended   chan struct{}
}

func (g *grouped) put(body []byte) error {
	answer := make(chan error, 1)
	g.mu.Lock()
	g.waiting, g.answers = append(g.waiting, wal.Record{Body: body}), append(g.answers, answer)
	g.wake.Signal()
	g.mu.Unlock()
	return <-answer
}

func (g *grouped) run() {
	defer close(g.ended)
	for {
		g.mu.Lock()
		for len(g.waiting) == 0 && !g.closing {
			g.wake.Wait()
		}
		rs, answers := g.waiting, g.answers
		g.waiting, g.answers = nil, nil
		g.mu.Unlock()
		if len(rs) == 0 {
			return
		}
		_, err := g.o.Append(context.Background(), rs)
		for _, answer := range answers {
			answer <- err
		}
	}
}

func (g *grouped) close() error {
	g.mu.Lock()
	g.closing = true
	g.wake.Signal()
	g.mu.Unlock()
	<-g.ended
	return g.o.Close()
}

// pace is what one contender did in one round.
type pace struct {
	rate     float64 // records a second
	p50, p99 time.Duration
	// disk is how many bytes of files a byte of payload took.
	disk float64
}

// measure lets the writers of a contender put records for a while.
func (c contender) measure(t *testing.T, d time.Duration) pace {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "contender")
	put, end, err := c.begin(dir)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	body := make([]byte, payload)
	took := make([][]time.Duration, c.writers)
	begun := time.Now()
	var wg sync.WaitGroup
	for w := range c.writers {
		wg.Go(func() {
			for {
				at := time.Now()
				if at.Sub(begun) > d {
					return
				}
				if err := put(body); err != nil {
					t.Errorf("%s: %v", c.name, err)
					return
				}
				took[w] = append(took[w], time.Since(at))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begun)
	if err := end(); err != nil {
		t.Errorf("%s: %v", c.name, err)
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	n := len(all)
	if n == 0 {
		t.Fatalf("%s: not one record in %v", c.name, d)
	}
	disk := float64(folderBytes(t, dir)) / float64(n*payload)
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	time.Sleep(rest)
	return pace{float64(n) / elapsed.Seconds(), all[n/2], all[n*99/100], disk}
}

// rest is what the disk gets after each contender, so that what one left it to do does not
// count for the next.
const rest = 2 * time.Second

func folderBytes(t *testing.T, dir string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		sum += fi.Size()
	}
	return sum
}

// middle returns the middle one, the least and the greatest.
func middle[T float64 | time.Duration](vs []T) (mid, least, most T) {
	vs = slices.Sorted(slices.Values(vs))
	return vs[len(vs)/2], vs[0], vs[len(vs)-1]
}

// TestLogSpeed prints what the log does beside the disk's own speed and SQLite, in rounds
// that begin with another one each time, and how long a log takes to open.
func TestLogSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("make bench-log runs it")
	}
	paces := make([][]pace, len(contenders))
	for round := range *rounds {
		for i := range contenders {
			k := (i + round) % len(contenders)
			paces[k] = append(paces[k], contenders[k].measure(t, *speed))
		}
	}
	t.Logf("records of %d bytes, %d rounds of %v: the middle round (least to most)", payload, *rounds, *speed)
	t.Logf("%-42s %26s %8s %10s %10s %7s", "", "durable records/s", "ratio", "p50", "p99", "files")
	var base float64
	for k, c := range contenders {
		rate, least, most := middle(each(paces[k], func(p pace) float64 { return p.rate }))
		p50, _, _ := middle(each(paces[k], func(p pace) time.Duration { return p.p50 }))
		p99, _, _ := middle(each(paces[k], func(p pace) time.Duration { return p.p99 }))
		disk, _, _ := middle(each(paces[k], func(p pace) float64 { return p.disk }))
		if k == 0 {
			base, disk = rate, 1
		}
		t.Logf("%-42s %8.0f (%.0f to %.0f) %7.2f× %10v %10v %6.2f×", c.name, rate, least, most, rate/base,
			p50.Round(time.Microsecond), p99.Round(time.Microsecond), disk)
	}
	measureOpening(t)
}

func each[T any](ps []pace, of func(pace) T) (vs []T) {
	for _, p := range ps {
		vs = append(vs, of(p))
	}
	return vs
}

// measureOpening prints how long a log takes to open, to be checked, and to give its last
// records, and how much memory opening takes.
func measureOpening(t *testing.T) {
	cfg := wal.DefaultConfig(t.TempDir())
	l, err := wal.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rs := make([]wal.Record, 256)
	for i := range rs {
		rs[i].Body = large(uint64(i)).Body
	}
	for l.Stat().Bytes < *logSize {
		if _, err := l.Append(context.Background(), rs); err != nil {
			t.Fatal(err)
		}
	}
	st := l.Stat()
	l.Close()
	gb := float64(st.Bytes) / (1 << 30)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun, busy := time.Now(), processorTime()
	l = open(t, cfg)
	opened, busyOpening := time.Since(begun), processorTime()-busy
	runtime.ReadMemStats(&after)
	runtime.GC()
	var kept runtime.MemStats
	runtime.ReadMemStats(&kept)
	begun = time.Now()
	n := 0
	for _, err := range l.Read(st.Next - 100) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	read := time.Since(begun)
	begun, busy = time.Now(), processorTime()
	c := look(t, existing(t, cfg.Dir))
	checked, busyChecking := time.Since(begun), processorTime()-busy
	if n != 100 || !c.Sound() || c.Head != st.Head {
		t.Errorf("%d records read, %+v", n, c)
	}
	t.Logf("a log of %.2f GB, %d records in %d segments: opened in %.2f s per GB (%.2f s of a processor), taking %d MB from the system and keeping %d MB; "+
		"the last 100 records read in %v; checked in %.2f s per GB (%.2f)", gb, st.Next-1, st.Segments, opened.Seconds()/gb, busyOpening.Seconds()/gb,
		int64(after.Sys-before.Sys)>>20, (int64(kept.HeapAlloc)-int64(before.HeapAlloc))>>20, read.Round(time.Microsecond), checked.Seconds()/gb, busyChecking.Seconds()/gb)
}
