package wal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// processorTime returns how long the processors worked for this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// smallDisk mounts an empty disk of some bytes in memory, or skips the test.
func smallDisk(t *testing.T, bytes int) (dir string, remount func(flags uintptr)) {
	t.Helper()
	dir = t.TempDir()
	size := fmt.Sprintf("size=%d", bytes)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, size); err != nil {
		t.Skipf("a disk cannot be mounted here (%v)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, size); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRealDiskFullThenFreed fills a real file system and frees it, without a restart.
func TestRealDiskFullThenFreed(t *testing.T) {
	dir, _ := smallDisk(t, 2<<20)
	cfg := wal.DefaultConfig(filepath.Join(dir, "log"))
	cfg.SegmentBytes, cfg.BatchBytes, cfg.Logger = 256<<10, 64<<10, quiet
	l := open(t, cfg)
	kept, c := &ledger{seq: map[uint64]uint64{}}, crash{}
	rng := rand.New(rand.NewPCG(3, 3))
	kept.writeSome(l, rng, 4, 20)
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = f.Write(chunk)
	}
	f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is filled until %v", err)
	}
	kept.writeSome(l, rng, 4, 500)
	if _, err := l.Append(t.Context(), []wal.Record{large(1)}); !errors.Is(err, wal.ErrFull) {
		t.Fatalf("Append on a full disk: %v, want ErrFull", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	before := kept.acked
	kept.writeSome(l, rng, 4, 20)
	if kept.acked != before+80 || l.Stat().Err != nil {
		t.Errorf("after the disk is freed, %d of 80 are accepted: %v", kept.acked-before, l.Stat().Err)
	}
	l.Close()
	c.compare(open(t, cfg), kept)
	if c.bad() {
		t.Errorf("%s\n%s", &c.tally, strings.Join(c.trouble, "\n"))
	}
}

// TestRealReadOnlyDisk opens a log on a disk that cannot be written: it is read, and takes
// nothing.
func TestRealReadOnlyDisk(t *testing.T) {
	dir, remount := smallDisk(t, 4<<20)
	cfg := small(nil, filepath.Join(dir, "log"))
	l := open(t, cfg)
	add(t, l, 1, 100)
	l.Close()
	remount(syscall.MS_RDONLY)
	l = open(t, cfg)
	checkAll(t, l, 1, 100)
	if _, err := l.Append(t.Context(), []wal.Record{record(101)}); !errors.Is(err, wal.ErrReadOnly) || !errors.Is(err, syscall.EROFS) {
		t.Errorf("Append: %v, want ErrReadOnly because of EROFS", err)
	}
	if c := look(t, existing(t, cfg.Dir)); !c.Sound() || c.Records != 100 {
		t.Errorf("Check() = %+v", c)
	}
	l.Close()
	remount(0)
	l = open(t, cfg)
	add(t, l, 101, 110)
	checkAll(t, l, 1, 110)
}
