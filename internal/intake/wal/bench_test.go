package wal_test

import (
	"context"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

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
