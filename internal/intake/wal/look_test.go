package wal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
)

// look checks a log without opening it.
func look(t *testing.T, fs wal.FS, heads ...wal.Head) wal.Check {
	t.Helper()
	v, err := wal.Look(fs)
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	c, err := v.Check(heads...)
	if err != nil {
		t.Fatalf("Check: %v", err)
	}
	return c
}

// existing returns the folder dir for looking at.
func existing(t *testing.T, dir string) wal.FS {
	t.Helper()
	fs, err := wal.Existing(dir)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// addBatch appends records from to to as one batch.
func addBatch(t *testing.T, l *wal.Log, from, to uint64) {
	t.Helper()
	var rs []wal.Record
	for n := from; n <= to; n++ {
		rs = append(rs, record(n))
	}
	if seq, err := l.Append(t.Context(), rs); err != nil || seq != from {
		t.Fatalf("Append(records %d to %d) = %d, %v", from, to, seq, err)
	}
}

func TestChainHoldsOverReopening(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	var heads []wal.Head
	l := open(t, small(d, ""))
	next := uint64(1)
	for round := range uint64(6) {
		add(t, l, next, next+29)
		addBatch(t, l, next+30, next+34)
		next += 35
		heads = append(heads, l.Stat().Head)
		switch round % 3 {
		case 0:
			if err := l.Seal(); err != nil {
				t.Fatal(err)
			}
		case 1:
			l.Close()
			l = open(t, small(d, ""))
			if got := l.Stat().Head; got != heads[round] {
				t.Fatalf("head after reopening is %v, want %v", got, heads[round])
			}
		}
	}
	c := look(t, d, heads...)
	if !c.Sound() || len(c.Breaks) > 0 || c.Head != l.Stat().Head || c.Records != 6*35 || c.Batches != 6*31 || c.Unchained != 0 {
		t.Errorf("Check() = %+v, want 210 records in 186 batches up to %v", c, l.Stat().Head)
	}
	wrong := heads[2]
	wrong.Hash[7] ^= 1
	if c = look(t, d, heads[1], wrong); c.Sound() || !c.Found[heads[1]] || c.Found[wrong] {
		t.Errorf("with a head that never was: sound %v, found %v", c.Sound(), c.Found)
	}
}

func TestHeadIsReadBack(t *testing.T) {
	h := wal.Head{Seq: 77, Hash: wal.Hash{1, 2, 3, 31: 9}}
	if got, err := wal.ParseHead(h.String()); err != nil || got != h {
		t.Errorf("ParseHead(%q) = %v, %v", h, got, err)
	}
	for _, s := range []string{"", "77", "77:", "x:00", "77:" + h.Hash.String()[2:], ":" + h.Hash.String()} {
		if _, err := wal.ParseHead(s); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("ParseHead(%q): %v, want ErrInvalid", s, err)
		}
	}
}

// TestEveryChangedRecordBreaksTheChain changes the body of each record and sets its
// checksum right again, as somebody would who wants to change an answer.
func TestEveryChangedRecordBreaksTheChain(t *testing.T) {
	const n = 60
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, 10)
	addBatch(t, l, 11, 15)
	add(t, l, 16, n)
	l.Close()
	head := look(t, d).Head
	changed := 0
	for _, name := range names(t, d) {
		original := content(t, d, name)
		for off := 64; off < len(original); off += wal.RecordSize(original[off:]) {
			changed++
			d.Corrupt(name, func(b []byte) []byte { wal.ChangeLastByte(b[off:]); return b })
			c := look(t, d)
			last := changed == n
			if len(c.Damaged) > 0 || c.Records != n || last && (!c.Sound() || c.Head == head) {
				t.Fatalf("record %d changed: %+v", changed, c)
			}
			if !last && (c.Sound() || len(c.Breaks) != 1 || c.Breaks[0].Damaged || c.Breaks[0].Seq != follower(uint64(changed))) {
				t.Fatalf("record %d changed: %+v, want a break before %d", changed, c.Breaks, follower(uint64(changed)))
			}
			if c := look(t, d, head); c.Sound() {
				t.Fatalf("record %d changed: sound although the head is another", changed)
			}
			d.Corrupt(name, func([]byte) []byte { return slices.Clone(original) })
		}
	}
	if changed != n {
		t.Errorf("%d records were changed, want %d", changed, n)
	}
}

// follower returns where the batch after that of record n begins, when 11 to 15 are one.
func follower(n uint64) uint64 {
	if n >= 11 && n <= 15 {
		return 16
	}
	return n + 1
}

func names(t *testing.T, fs wal.FS) (segments []string) {
	t.Helper()
	all, err := fs.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if filepath.Ext(name) == ".seg" {
			segments = append(segments, name)
		}
	}
	return segments
}

// TestTornBatchStaysInTheChain loses each record of a last batch, as a power cut does,
// goes on writing, and loses what a power cut cannot have taken.
func TestTornBatchStaysInTheChain(t *testing.T) {
	for _, before := range []uint64{0, 6} { // is the batch the first of its segment?
		for lost := before + 1; lost <= before+4; lost++ {
			for _, header := range []bool{false, true} {
				what := fmt.Sprintf("record %d lost after %d, header lost: %v", lost, before, header)
				d := simdisk.New(1, simdisk.Strict)
				l := open(t, small(d, ""))
				add(t, l, 1, 3)
				l.Seal()
				for n := uint64(4); n <= before+3; n++ {
					add(t, l, n, n)
				}
				addBatch(t, l, before+4, before+8) // five records
				l.Close()
				name := names(t, d)[1]
				d.Corrupt(name, func(b []byte) []byte {
					b[nthRecord(b, lost)+8] ^= 1
					if header {
						clear(b[:32])
					}
					return b
				})
				l = open(t, small(d, ""))
				next := before + 9
				add(t, l, next, next+5)
				l.Close()
				l = open(t, small(d, ""))
				add(t, l, next+6, next+7)
				head := l.Stat().Head
				c := look(t, d)
				if !c.Sound() || len(c.Breaks) > 0 || c.Head != head || missingRecords(c) != 1 {
					t.Fatalf("%s: %+v, want a sound chain with one record missing", what, c)
				}
				if g := l.Stat().Damaged; !slices.ContainsFunc(g, func(g wal.Damage) bool { return g.From == lost+3 && g.LastBatch }) {
					t.Fatalf("%s: damage is %+v, want record %d in the last batch", what, g, lost+3)
				}
				l.Close()
				second := before + 5 // the last record of the batch
				d.Corrupt(name, func(b []byte) []byte { b[nthRecord(b, second)+8] ^= 1; return b })
				if c := look(t, d); c.Sound() {
					t.Fatalf("%s: sound although record %d went after the next batch: %+v", what, second+3, c)
				}
			}
		}
	}
}

func missingRecords(c wal.Check) (n uint64) {
	for _, d := range c.Damaged {
		n += d.Missing()
	}
	return n
}

// nthRecord returns where record n of a segment begins; n counts from 1.
func nthRecord(b []byte, n uint64) int {
	off := 64
	for range n - 1 {
		off += wal.RecordSize(b[off:])
	}
	return off
}

func TestLossAfterTheNextBatchIsNoTornBatch(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, 4)
	addBatch(t, l, 5, 8)
	l.Seal()
	add(t, l, 9, 10)
	l.Close()
	d.Corrupt(firstSegment, func(b []byte) []byte { b[nthRecord(b, 6)+8] ^= 1; return b })
	c := look(t, d)
	if c.Sound() || c.Missing() != 1 || len(c.Damaged) != 1 || c.Damaged[0].LastBatch {
		t.Errorf("Check() = %+v, want record 6 missing for good", c)
	}
	g := open(t, small(d, "")).Stat().Damaged
	if len(g) != 1 || g[0].From != 6 || g[0].LastBatch {
		t.Errorf("Open names %+v, want record 6 and no torn batch", g)
	}
}

func TestChainKnowsWhatIsMissing(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, 400)
	l.Close()
	all := names(t, d)
	if len(all) < 4 {
		t.Fatalf("only %d segments", len(all))
	}
	for i, name := range all {
		whole := content(t, d, name)
		if err := d.Remove(name); err != nil {
			t.Fatal(err)
		}
		c := look(t, d)
		if last := i == len(all)-1; !last && (c.Sound() || len(c.Breaks) > 1 || missingRecords(c)+uint64(c.Records) != 400) {
			t.Errorf("without %s: %+v", name, c)
		}
		f, err := d.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(whole, 0); err != nil {
			t.Fatal(err)
		}
	}
	if c := look(t, d); !c.Sound() || c.Records != 400 {
		t.Errorf("with all of them again: %+v", c)
	}
}

// TestFirstVersion reads a log that was written before there was a chain, and goes on
// in it. Its folder was written by the version of the program before the chain: records
// 1 to 40 by themselves, 41 to 43 as one batch, sealed, then 44 to 60.
func TestFirstVersion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.CopyFS(dir, os.DirFS("testdata/version1")); err != nil {
		t.Fatal(err)
	}
	if c := look(t, existing(t, dir)); !c.Sound() || c.Unchained != 60 || c.Batches != 58 || c.Head != (wal.Head{Seq: 60}) {
		t.Errorf("Check() = %+v, want 60 records before the chain", c)
	}
	l := open(t, small(nil, dir))
	checkAll(t, l, 1, 60)
	add(t, l, 61, 200)
	checkAll(t, l, 1, 200)
	head := l.Stat().Head
	l.Close()
	if c := look(t, existing(t, dir), head); !c.Sound() || c.Unchained != 60 || c.Records != 200 || c.Head != head {
		t.Errorf("Check() = %+v, want 200 records up to %v", c, head)
	}
	l = open(t, small(nil, dir))
	checkAll(t, l, 1, 200)
}

// TestChainOutlivesRelease removes segments, and then all of them.
func TestChainOutlivesRelease(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, 400)
	for _, upto := range []uint64{250, 400} {
		head := l.Stat().Head
		if err := l.Release(upto); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if c := look(t, d, head); !c.Sound() || len(c.Breaks) > 0 || c.Released != upto || c.Head != head {
			t.Errorf("after Release(%d): %+v, want the head %v", upto, c, head)
		}
		l = open(t, small(d, ""))
		if err := l.Release(upto); err != nil { // the segment that was active goes now
			t.Fatal(err)
		}
		if got := l.Stat().Head; got != head {
			t.Errorf("head after Release(%d) and reopening is %v, want %v", upto, got, head)
		}
	}
	if n := len(names(t, d)); n > 1 {
		t.Errorf("%d segments are left of a log that is released", n)
	}
	l.Close()
	l = open(t, small(d, ""))
	add(t, l, 401, 410)
	if c := look(t, d); !c.Sound() || len(c.Breaks) > 0 || c.First != 401 || c.Head != l.Stat().Head {
		t.Errorf("going on after releasing all: %+v", c)
	}
}

func TestReleasedSegmentsAreKeptForAWhile(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	cfg := small(d, "")
	now := time.Unix(0, 400).UTC() // record n is received at n nanoseconds
	cfg.Now, cfg.Keep = func() time.Time { return now }, time.Hour
	l := open(t, cfg)
	add(t, l, 1, 400)
	if err := l.Release(300); err != nil {
		t.Fatal(err)
	}
	if st := l.Stat(); st.First != 1 || st.Released != 300 {
		t.Errorf("just after Release(300): %+v, want all kept", st)
	}
	l.Close()
	l = open(t, cfg)
	now = now.Add(2 * time.Hour)
	if err := l.Release(300); err != nil {
		t.Fatal(err)
	}
	if st := l.Stat(); st.First <= 100 || st.First > 301 {
		t.Errorf("two hours after: %+v, want the segments up to 300 gone", st)
	}
}

// TestLookingAtALogInUse checks a log again and again while it is written.
func TestLookingAtALogInUse(t *testing.T) {
	dir := t.TempDir()
	l := open(t, small(nil, dir))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range uint64(3) {
		wg.Go(func() {
			for n := w * 1e6; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := l.Append(context.Background(), []wal.Record{record(n), record(n + 1)}); err != nil {
					t.Errorf("Append: %v", err)
					return
				}
			}
		})
	}
	for range 20 {
		for n := range uint64(10) { // the others write meanwhile
			if _, err := l.Append(t.Context(), []wal.Record{record(n)}); err != nil {
				t.Fatal(err)
			}
		}
		if c := look(t, existing(t, dir), l.Stat().Head); !c.Sound() || len(c.Breaks) > 0 {
			t.Errorf("Check() of a log in use = %+v", c)
		}
	}
	close(stop)
	wg.Wait()
}

// TestLookingChangesNothing looks at a log in every way, damaged, while it is open.
func TestLookingChangesNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, small(nil, dir))
	add(t, l, 1, 300)
	l.Close()
	path := filepath.Join(dir, firstSegment)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[nthRecord(b, 5)+8] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	v, err := wal.Look(existing(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var seqs []uint64
	passed := 0
	for r, err := range v.Records(3, 290) {
		var d *wal.Damage
		switch {
		case errors.As(err, &d):
			passed++
		case err != nil || !sameRecord(r, r.Seq, r.Seq):
			t.Fatalf("Records yields %+v, %v", r, err)
		default:
			seqs = append(seqs, r.Seq)
		}
	}
	if passed != 1 || len(seqs) != 287 || seqs[0] != 3 || seqs[286] != 290 {
		t.Errorf("Records(3, 290) yields %d records and %d damages, want 287 and 1", len(seqs), passed)
	}
	bytes, records := int64(0), 0
	for s, err := range v.Segments() {
		if err != nil || !s.Chained || s.Earliest.After(s.Latest) || s.Last < s.First {
			t.Errorf("segment %+v, %v", s, err)
		}
		bytes, records = bytes+s.FileBytes, records+s.Records
	}
	if records != 299 || bytes == 0 {
		t.Errorf("the segments hold %d records, want 299", records)
	}
	if c := look(t, existing(t, dir)); c.Sound() || c.Missing() != 1 {
		t.Errorf("Check() = %+v, want record 5 missing", c)
	}
	if after := snapshot(t, dir); !maps.Equal(before, after) {
		t.Errorf("looking changed the folder: %v, before %v", after, before)
	}
}

// snapshot describes every file of a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		fi, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = fmt.Sprint(fi.Size(), fi.ModTime(), fi.Mode())
	}
	return files
}
