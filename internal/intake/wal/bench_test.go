package wal_test

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// BenchmarkAppend compares the log under 64 writers of 4 KB records with one
// goroutine that writes and syncs each record by itself.
func BenchmarkAppend(b *testing.B) {
	b.Run("64 writers", func(b *testing.B) { benchmarkWriters(b, 64) })
	b.Run("1 writer", func(b *testing.B) { benchmarkWriters(b, 1) })
	b.Run("write and fdatasync", benchmarkBareSync)
}

func benchmarkWriters(b *testing.B, writers int) {
	l, err := wal.Open(wal.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	r := wal.Record{Body: make([]byte, 4096)}
	b.SetBytes(4096)
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := l.Append(context.Background(), []wal.Record{r}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(l.Stat().Records)/float64(l.Stat().Batches), "records/sync")
}

func benchmarkBareSync(b *testing.B) {
	folder, err := wal.Folder(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	f, err := folder.Create("file")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const size = 64 << 20
	if err := f.Allocate(size); err != nil {
		b.Fatal(err)
	}
	page := make([]byte, 4096)
	b.SetBytes(4096)
	b.ResetTimer()
	for i := range b.N {
		if _, err := f.WriteAt(page, int64(i)*4096%size); err != nil {
			b.Fatal(err)
		}
		if err := f.Datasync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkOpen opens and reads a log of 64 MiB.
func BenchmarkOpen(b *testing.B) {
	cfg := wal.DefaultConfig(b.TempDir())
	l, err := wal.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	rs := make([]wal.Record, 512)
	for i := range rs {
		rs[i].Body = make([]byte, 4096)
	}
	for range 32 {
		if _, err := l.Append(context.Background(), rs); err != nil {
			b.Fatal(err)
		}
	}
	l.Close()
	b.SetBytes(32 * 512 * 4096)
	for b.Loop() {
		l, err := wal.Open(cfg)
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range l.Read(1) {
			if err != nil {
				b.Fatal(err)
			}
		}
		l.Close()
	}
}
