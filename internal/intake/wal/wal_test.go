package wal_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// small is a log with small segments, so that tests pass many of them.
func small(fs wal.FS, dir string) wal.Config {
	cfg := wal.DefaultConfig(dir)
	cfg.FS = fs
	cfg.SegmentBytes = 8 << 10
	cfg.BatchBytes = 4 << 10
	cfg.Keep = 0
	cfg.Logger = quiet
	return cfg
}

func open(t *testing.T, cfg wal.Config) *wal.Log {
	t.Helper()
	l, err := wal.Open(cfg)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// record makes a record whose body follows from n alone.
func record(n uint64) wal.Record {
	r := wal.Record{Kind: uint8(n % 7), Node: 3, Revision: uint32(n), Received: time.Unix(0, int64(n)).UTC()}
	binary.BigEndian.PutUint64(r.ID[:], n)
	r.Body = bytes.Repeat(fmt.Appendf(nil, "%d,", n), int(n%40)+1)
	return r
}

func number(r wal.Record) uint64 { return binary.BigEndian.Uint64(r.ID[:]) }

func add(t *testing.T, l *wal.Log, from, to uint64) {
	t.Helper()
	for n := from; n <= to; n++ {
		if seq, err := l.Append(t.Context(), []wal.Record{record(n)}); err != nil || seq != n {
			t.Fatalf("Append(record %d) = %d, %v; want %d", n, seq, err, n)
		}
	}
}

// sameRecord says whether r is record n with sequence number seq.
func sameRecord(r wal.Record, n, seq uint64) bool {
	want := record(n)
	return r.Seq == seq && r.Kind == want.Kind && r.Node == want.Node && r.Revision == want.Revision &&
		r.Received.Equal(want.Received) && r.ID == want.ID && bytes.Equal(r.Body, want.Body)
}

// read returns the sequence numbers that Read yields from a place on, where record n
// has sequence number n, and the damage it passes.
func read(t *testing.T, l *wal.Log, from uint64) (seqs []uint64, damage []wal.Damage) {
	t.Helper()
	for r, err := range l.Read(from) {
		var d *wal.Damage
		switch {
		case errors.As(err, &d):
			damage = append(damage, *d)
		case err != nil:
			t.Fatalf("Read(%d): %v", from, err)
		case !sameRecord(r, r.Seq, r.Seq):
			t.Fatalf("Read(%d) yields %+v, want record %d", from, r, r.Seq)
		default:
			seqs = append(seqs, r.Seq)
		}
	}
	return seqs, damage
}

// checkAll fails unless the log holds exactly the records from to to.
func checkAll(t *testing.T, l *wal.Log, from, to uint64) {
	t.Helper()
	seqs, damage := read(t, l, from)
	if len(damage) > 0 {
		t.Errorf("Read(%d) passes damage %v, want none", from, damage)
	}
	if got, want := fmt.Sprint(seqs), fmt.Sprint(numbers(from, to)); got != want {
		t.Errorf("Read(%d) = %s, want %s", from, got, want)
	}
}

func numbers(from, to uint64) []uint64 {
	var ns []uint64
	for n := from; n <= to; n++ {
		ns = append(ns, n)
	}
	return ns
}

func TestRecordsSurviveReopening(t *testing.T) {
	cfg := small(nil, filepath.Join(t.TempDir(), "new", "log"))
	for round := range uint64(4) {
		l := open(t, cfg)
		checkAll(t, l, 1, round*200)
		add(t, l, round*200+1, round*200+200)
		checkAll(t, l, 1, round*200+200)
		checkAll(t, l, round*200+77, round*200+200)
		if st := l.Stat(); st.Next != round*200+201 || st.Segments < 2 || st.Err != nil || len(st.Damaged) > 0 {
			t.Errorf("Stat() = %+v", st)
		}
		if err := l.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

func TestManyWritersShareSyncs(t *testing.T) {
	l := open(t, small(nil, t.TempDir()))
	const writers, each = 32, 40
	var mu sync.Mutex
	got := map[uint64]uint64{}
	var wg sync.WaitGroup
	for w := range uint64(writers) {
		wg.Go(func() {
			for i := range uint64(each) {
				n := w*each + i + 1
				seq, err := l.Append(context.Background(), []wal.Record{record(n), record(n + 1e6)})
				if err != nil {
					t.Errorf("Append: %v", err)
				}
				for range l.Read(seq) { // readers and the writer meet
					break
				}
				mu.Lock()
				got[seq], got[seq+1] = n, n+1e6
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	next := uint64(1)
	for r, err := range l.Read(1) {
		if err != nil || r.Seq != next || !sameRecord(r, got[next], next) {
			t.Fatalf("Read yields %d (%v), want record %d as %d", r.Seq, err, got[next], next)
		}
		next++
	}
	if want := uint64(2*writers*each + 1); next != want {
		t.Errorf("Read ends before %d, want %d", next, want)
	}
	if st := l.Stat(); st.Batches >= st.Records/2 {
		t.Errorf("%d records took %d syncs; the writers did not share them", st.Records, st.Batches)
	}
}

func TestReadEndsWhereItBegan(t *testing.T) {
	l := open(t, small(nil, t.TempDir()))
	add(t, l, 1, 3)
	for r := range l.Read(1) {
		if r.Seq > 3 {
			t.Fatalf("Read yields %d, which was appended after it began", r.Seq)
		}
		add(t, l, r.Seq+3, r.Seq+3)
	}
}

func TestReleaseRemovesWholeSegments(t *testing.T) {
	dir := t.TempDir()
	l := open(t, small(nil, dir))
	add(t, l, 1, 400)
	before := l.Stat()
	if err := l.Release(250); err != nil {
		t.Fatalf("Release: %v", err)
	}
	st := l.Stat()
	if st.First <= before.First || st.First > 251 || st.Segments >= before.Segments || st.Released != 250 {
		t.Errorf("after Release(250): %+v; before: %+v", st, before)
	}
	checkAll(t, l, st.First, 400)
	l.Close()
	l = open(t, small(nil, dir))
	checkAll(t, l, st.First, 400)
	if err := l.Release(1e9); err != nil {
		t.Fatalf("Release: %v", err)
	}
	l.Close()
	l = open(t, small(nil, dir))
	if st := l.Stat(); st.Next != 401 || len(st.Damaged) > 0 {
		t.Errorf("after releasing all: %+v, want Next 401 and no damage", st)
	}
	add(t, l, 401, 402)
}

func TestSealMakesFilesComplete(t *testing.T) {
	dir := t.TempDir()
	l := open(t, small(nil, dir))
	add(t, l, 1, 5)
	if err := l.Seal(); err != nil {
		t.Fatalf("Seal: %v", err)
	}
	copied := t.TempDir()
	if err := os.CopyFS(filepath.Join(copied, "log"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	checkAll(t, open(t, small(nil, filepath.Join(copied, "log"))), 1, 5)
	add(t, l, 6, 9)
	checkAll(t, l, 1, 9)
}

func TestSkippedNumbersAreNamed(t *testing.T) {
	dir := t.TempDir()
	l := open(t, small(nil, dir))
	add(t, l, 1, 5)
	for _, upto := range []uint64{9, 3} { // the second one changes nothing
		if err := l.Skip(upto); err != nil {
			t.Fatalf("Skip(%d): %v", upto, err)
		}
	}
	add(t, l, 10, 12)
	for range 2 {
		seqs, passed := read(t, l, 1)
		if want := append(numbers(1, 5), numbers(10, 12)...); fmt.Sprint(seqs) != fmt.Sprint(want) {
			t.Errorf("Read(1) = %v, want %v", seqs, want)
		}
		if len(passed) != 1 || passed[0].From != 6 || passed[0].To != 9 || passed[0].LastBatch {
			t.Errorf("Read(1) passes %+v, want records 6 to 9", passed)
		}
		l.Close()
		l = open(t, small(nil, dir))
	}
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	open(t, small(nil, dir))
	_, err := wal.Open(small(nil, dir))
	if err == nil || !strings.Contains(err.Error(), "in use by another process") || !strings.Contains(err.Error(), dir) {
		t.Errorf("second Open: %v, want a sentence that names the folder", err)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := open(t, small(nil, t.TempDir()))
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	huge := record(1)
	huge.Body = make([]byte, wal.MaxBody+1)
	large := record(1)
	large.Body = make([]byte, 5<<10)
	check := func(name string, ctx context.Context, rs []wal.Record, want error) {
		t.Helper()
		if _, err := l.Append(ctx, rs); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", name, err, want)
		}
	}
	check("a context that has ended", cancelled, []wal.Record{record(1)}, context.Canceled)
	check("nothing", t.Context(), nil, nil)
	check("a body above MaxBody", t.Context(), []wal.Record{huge}, surveys.ErrTooLarge)
	check("more than a batch", t.Context(), []wal.Record{large}, surveys.ErrTooLarge)
	add(t, l, 1, 1)
	l.Close()
	check("a closed log", t.Context(), []wal.Record{record(1)}, surveys.ErrUnavailable)
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := wal.Open(wal.DefaultConfig("")); err == nil {
		t.Error("Open without a folder succeeds")
	}
	for name, change := range map[string]func(*wal.Config){
		"no records in a batch":     func(c *wal.Config) { c.BatchRecords = 0 },
		"too many records":          func(c *wal.Config) { c.BatchRecords = 1 << 16 },
		"no bytes in a batch":       func(c *wal.Config) { c.BatchBytes = 1 },
		"a batch above a segment":   func(c *wal.Config) { c.SegmentBytes = int64(c.BatchBytes) },
		"a queue smaller than that": func(c *wal.Config) { c.QueueBytes = c.BatchBytes - 1 },
	} {
		cfg := small(nil, t.TempDir())
		change(&cfg)
		if l, err := wal.Open(cfg); err == nil {
			l.Close()
			t.Errorf("%s: Open succeeds", name)
		}
	}
	open(t, wal.DefaultConfig(t.TempDir()))
}

func TestFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := wal.Open(small(nil, path)); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Open on a file: %v, want an error that names it", err)
	}
}

// Scan yields what Read does, over several chunks and segments and past damage, with bodies
// that are good until the next record.
func TestScanIsReadWithoutCopies(t *testing.T) {
	dir := t.TempDir()
	cfg := wal.DefaultConfig(dir)
	cfg.SegmentBytes, cfg.Logger = 6<<20, quiet
	l, err := wal.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		body := bytes.Repeat([]byte{byte(i)}, 100_000)
		if _, err := l.Append(t.Context(), []wal.Record{{Kind: 1, Body: body}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "0000000001.seg"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 2<<20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if l, err = wal.Open(cfg); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	next, stop := iter.Pull2(l.Scan(5))
	defer stop()
	records, damaged := 0, 0
	for r, err := range l.Read(5) {
		s, serr, ok := next()
		if !ok || s.Seq != r.Seq || !bytes.Equal(s.Body, r.Body) || fmt.Sprint(serr) != fmt.Sprint(err) {
			t.Fatalf("Scan yields record %d, %v where Read yields %d, %v", s.Seq, serr, r.Seq, err)
		}
		if records++; err != nil {
			damaged++
		}
	}
	if _, _, ok := next(); ok || damaged != 1 || records != 116 {
		t.Errorf("%d records and damage, %d of damage; want 116, 1, and no more in Scan", records, damaged)
	}
}
