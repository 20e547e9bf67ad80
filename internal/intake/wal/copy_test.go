package wal_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// A copy that is made while records are appended and segments end is sound, and has what was
// durable before it began.
func TestCopyOfALogInUse(t *testing.T) {
	cfg := small(nil, filepath.Join(t.TempDir(), "log"))
	l := open(t, cfg)
	var durable atomic.Uint64
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := uint64(1); ; n++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if _, err := l.Append(context.Background(), []wal.Record{record(n)}); err != nil {
				ended <- err
				return
			}
			durable.Store(n)
		}
	}()
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	for range rounds {
		before := durable.Load()
		from, err := wal.Existing(cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "copy")
		to, err := wal.Folder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := wal.Copy(from, to); err != nil {
			t.Fatalf("Copy: %v", err)
		}
		if c := look(t, to); !c.Sound() || len(c.Damaged) > 0 || len(c.Breaks) > 0 || c.TornBytes > 0 || c.Last < before || uint64(c.Records) != c.Last {
			t.Fatalf("the copy has %d records up to %d, damage %v, breaks %v, %d torn bytes; %d were durable before", c.Records, c.Last, c.Damaged, c.Breaks, c.TornBytes, before)
		}
		again, err := wal.Open(small(nil, dir))
		if err != nil {
			t.Fatal(err)
		}
		if s := again.Stat(); len(s.Damaged) > 0 || s.Next <= before {
			t.Errorf("opened, the copy is %+v", s)
		}
		again.Close()
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// busyFolder is a folder in which segments end just after one of its files was read.
type busyFolder struct {
	wal.FS
	name string
	work func()
}

func (f busyFolder) Open(name string) (wal.File, error) {
	file, err := f.FS.Open(name)
	if name != f.name {
		return file, err
	}
	return busyFile{file, f.work}, err
}

type busyFile struct {
	wal.File
	work func()
}

func (f busyFile) Close() error {
	f.work()
	return f.File.Close()
}

// Segments that end between the copies of two files leave no gap, whenever they do.
func TestCopyWhileSegmentsEnd(t *testing.T) {
	cfg := small(nil, filepath.Join(t.TempDir(), "log"))
	l := open(t, cfg)
	next := uint64(1)
	more := func(n uint64) {
		add(t, l, next, next+n-1)
		next += n
	}
	for round := range 8 {
		more(5)
		all, before := names(t, existing(t, cfg.Dir)), next-1
		to, err := wal.Folder(filepath.Join(t.TempDir(), "copy"))
		if err != nil {
			t.Fatal(err)
		}
		reads := 0
		active := all[max(0, len(all)-2)] // the last one is made ahead
		if err := wal.Copy(busyFolder{existing(t, cfg.Dir), active, func() {
			if reads++; reads == round%4+1 {
				more(120)
			}
		}}, to); err != nil {
			t.Fatal(err)
		}
		if c := look(t, to); !c.Sound() || len(c.Damaged) > 0 || len(c.Breaks) > 0 || c.Last < before || uint64(c.Records) != c.Last {
			t.Errorf("round %d: %d records up to %d, damage %v, breaks %v; %d were durable before", round, c.Records, c.Last, c.Damaged, c.Breaks, before)
		}
	}
}
