package wal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
)

const (
	firstSegment = "0000000001.seg"
	recordBytes  = 56 + 32 // of a record that is a batch, beside the body
)

// content returns a file of a folder.
func content(t *testing.T, fs wal.FS, name string) []byte {
	t.Helper()
	b, err := wal.ReadFile(fs, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// filled returns a disk with a log of records 1 to n, closed.
func filled(t *testing.T, n uint64) *simdisk.Disk {
	t.Helper()
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, n)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return d
}

// ends returns the offsets in a segment after each of the records 1 to n, with the
// header's end as number 0. Each record is a batch, so its size is 56 bytes of header,
// the link of 32 and its body, rounded up to 8.
func ends(n uint64) []int {
	at := []int{64}
	for i := uint64(1); i <= n; i++ {
		at = append(at, at[i-1]+(recordBytes+len(record(i).Body)+7)/8*8)
	}
	return at
}

func TestTornTailAtEveryByte(t *testing.T) {
	const n = 6
	at := ends(n)
	for size := 0; size <= at[n]; size++ {
		whole := uint64(0) // a record is whole without the zeros that pad it
		for whole < n && at[whole]+recordBytes+len(record(whole+1).Body) <= size {
			whole++
		}
		for name, rest := range map[string]int{"file ends": 0, "zeros follow": 3000} {
			d := filled(t, n)
			d.Corrupt(firstSegment, func(b []byte) []byte { return append(b[:size], make([]byte, rest)...) })
			l := open(t, small(d, ""))
			checkAll(t, l, 1, whole)
			if st := l.Stat(); len(st.Damaged) > 0 || st.Next != whole+1 {
				t.Fatalf("%s after %d bytes: Stat() = %+v, want Next %d and no damage", name, size, st, whole+1)
			}
			add(t, l, whole+1, whole+3)
			l.Close()
			l = open(t, small(d, ""))
			checkAll(t, l, 1, whole+3)
			l.Close()
		}
	}
}

// TestEveryByteFlipped changes each byte of a segment in the middle of the log: all
// records but the one that holds the byte are kept, and the range is named.
func TestEveryByteFlipped(t *testing.T) {
	const inFirst, n = 20, 60
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, inFirst)
	if err := l.Seal(); err != nil {
		t.Fatal(err)
	}
	add(t, l, inFirst+1, n)
	l.Close()
	at := ends(inFirst)
	original := content(t, d, firstSegment)
	if len(original) != at[inFirst] {
		t.Fatalf("segment has %d bytes, want %d", len(original), at[inFirst])
	}
	for i := range original {
		d.Corrupt(firstSegment, func(b []byte) []byte { b[i] ^= 0x41; return b })
		lost := uint64(slices.IndexFunc(at, func(end int) bool { return end > i }))
		checkFlip(t, d, i, lost, n)
		d.Corrupt(firstSegment, func([]byte) []byte { return slices.Clone(original) })
	}
}

// checkFlip checks a log of n records after byte i of record lost was changed; lost 0
// is the header.
func checkFlip(t *testing.T, d *simdisk.Disk, i int, lost, n uint64) {
	t.Helper()
	l := open(t, small(d, ""))
	defer l.Close()
	seqs, passed := read(t, l, 1)
	missing := slices.DeleteFunc(numbers(1, n), func(s uint64) bool { return slices.Contains(seqs, s) })
	damaged := l.Stat().Damaged
	switch {
	case len(missing) == 0 && lost != 0 && len(damaged) == 0 && i%8 != 0: // a byte of padding
	case lost == 0 && len(missing) == 0 && len(damaged) == 1 && damaged[0].Offset == 0:
	case len(missing) == 1 && missing[0] == lost && len(damaged) == 1 && len(passed) == 1:
		g := damaged[0]
		if g.From != lost || g.To != lost || int(g.Offset) > i || int(g.Offset+g.Length) <= i || g.SideFile == "" {
			t.Fatalf("byte %d: damage is named %+v", i, g)
		}
	default:
		t.Fatalf("byte %d of record %d: missing %v, damaged %+v", i, lost, missing, damaged)
	}
}

func TestDamagedBytesAreCopied(t *testing.T) {
	d := filled(t, 30)
	at := ends(30)
	whole := content(t, d, firstSegment)
	d.Corrupt(firstSegment, func(b []byte) []byte { clear(b[at[9]+8 : at[12]-8]); return b })
	l := open(t, small(d, ""))
	g := l.Stat().Damaged
	if len(g) != 1 || g[0].From != 10 || g[0].To != 12 || g[0].LastBatch {
		t.Fatalf("damage is %+v, want records 10 to 12", g)
	}
	saved := content(t, d, g[0].SideFile)
	if len(saved) != at[12]-at[9] || string(saved[:8]) != string(whole[at[9]:at[9]+8]) {
		t.Errorf("the side file has %d bytes, want the %d of the range", len(saved), at[12]-at[9])
	}
	if s := g[0].Error(); !strings.Contains(s, firstSegment) || !strings.Contains(s, "records 10 to 12 are missing") {
		t.Errorf("damage reads %q", s)
	}
}

func TestDamageInTheLastBatchIsToldApart(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, 4)
	if _, err := l.Append(t.Context(), []wal.Record{record(5), record(6), record(7)}); err != nil {
		t.Fatal(err)
	}
	l.Close()
	d.Corrupt(firstSegment, func(b []byte) []byte { b[ends(5)[5]-10] ^= 1; return b })
	g := open(t, small(d, "")).Stat().Damaged
	if len(g) != 1 || g[0].From != 5 || g[0].To != 5 || !g[0].LastBatch {
		t.Errorf("damage is %+v, want record 5 in the last batch", g)
	}
}

func TestDamageWhileTheLogIsOpen(t *testing.T) {
	d := simdisk.New(1, simdisk.Strict)
	l := open(t, small(d, ""))
	add(t, l, 1, 300)
	d.Corrupt(firstSegment, func(b []byte) []byte { b[ends(5)[5]-10] ^= 1; return b })
	seqs, passed := read(t, l, 2)
	if len(passed) != 1 || passed[0].From != 5 || passed[0].To != 5 || len(seqs) != 298 {
		t.Errorf("Read(2) passes %+v and yields %d records, want record 5 missing and 298", passed, len(seqs))
	}
	if g := l.Stat().Damaged; len(g) != 1 || g[0].From != 5 {
		t.Errorf("Stat names %+v, want record 5", g)
	}
}

func TestMissingSegment(t *testing.T) {
	for _, gone := range []string{"first", "middle"} {
		dir := t.TempDir()
		l := open(t, small(nil, dir))
		add(t, l, 1, 400)
		l.Close()
		files, _ := filepath.Glob(filepath.Join(dir, "*.seg"))
		if len(files) < 4 {
			t.Fatalf("only %d segments", len(files))
		}
		i := map[string]int{"first": 0, "middle": 1}[gone]
		if err := os.Remove(files[i]); err != nil {
			t.Fatal(err)
		}
		l = open(t, small(nil, dir))
		seqs, passed := read(t, l, 1)
		if len(passed) != 1 || uint64(len(seqs))+passed[0].Missing() != 400 || seqs[len(seqs)-1] != 400 || passed[0].LastBatch {
			t.Errorf("%s segment gone: %d records, damage %+v; want all of 400 read or named", gone, len(seqs), passed)
		}
		if st := l.Stat(); st.Next != 401 {
			t.Errorf("%s segment gone: Next = %d, want 401", gone, st.Next)
		}
		l.Close()
	}
}

// TestLaterVersionIsRefused sets the version of a record to 2 and the checksum right
// again, as a later program would write it.
func TestLaterVersionIsRefused(t *testing.T) {
	d := filled(t, 3)
	d.Corrupt(firstSegment, func(b []byte) []byte { wal.SetVersion(b[64:], 2); return b })
	before := string(content(t, d, firstSegment))
	_, err := wal.Open(small(d, ""))
	if !errors.Is(err, wal.ErrVersion) || !strings.Contains(fmt.Sprint(err), firstSegment) {
		t.Errorf("Open: %v, want ErrVersion with the segment", err)
	}
	if string(content(t, d, firstSegment)) != before {
		t.Error("the segment was changed")
	}
}

// FuzzOpen opens whatever is in a segment file: never a panic, never a refusal but
// for a later version, and what was read once is read again.
func FuzzOpen(f *testing.F) {
	d := simdisk.New(1, simdisk.Strict)
	l, err := wal.Open(small(d, ""))
	if err != nil {
		f.Fatal(err)
	}
	for n := range uint64(12) {
		if _, err := l.Append(f.Context(), []wal.Record{record(n), record(n)}); err != nil {
			f.Fatal(err)
		}
	}
	l.Close()
	seed, err := wal.ReadFile(d, firstSegment)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:100])
	f.Add(append([]byte{1, 2, 3, 4, 5, 6, 7, 8}, seed...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := simdisk.New(1, simdisk.Strict)
		file, err := d.Create(firstSegment)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteAt(b, 0); err != nil {
			t.Fatal(err)
		}
		first := openAndRead(t, d)
		v, err := wal.Look(d)
		if err == nil {
			_, err = v.Check()
		}
		if err != nil && !errors.Is(err, wal.ErrVersion) {
			t.Errorf("Check: %v", err)
		}
		if again := openAndRead(t, d); !slices.Equal(first, again) {
			t.Errorf("first start reads %v, second %v", first, again)
		}
	})
}

func openAndRead(t *testing.T, d *simdisk.Disk) (seqs []uint64) {
	l, err := wal.Open(small(d, ""))
	if errors.Is(err, wal.ErrVersion) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for r, err := range l.Read(1) {
		var g *wal.Damage
		if err != nil && !errors.As(err, &g) {
			t.Fatalf("Read: %v", err)
		}
		if err == nil {
			seqs = append(seqs, r.Seq)
		}
	}
	return seqs
}
