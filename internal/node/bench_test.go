package node

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// BenchmarkAppend is how long one of 64 writers waits for a record of 2 KB: on one disk, and
// on two, where both are the same disk, so that the second costs what it can at most.
func BenchmarkAppend(b *testing.B) {
	body := make([]byte, 2<<10)
	run := func(b *testing.B, keep func(wal.Record) error) {
		var left atomic.Int64
		left.Store(int64(b.N))
		var wg sync.WaitGroup
		b.ResetTimer()
		for range 64 {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					if err := keep(wal.Record{Kind: 1, Node: 3, Body: body}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	}
	b.Run("one disk", func(b *testing.B) {
		log, err := wal.Open(wal.DefaultConfig(b.TempDir()))
		if err != nil {
			b.Fatal(err)
		}
		defer log.Close()
		run(b, func(r wal.Record) error {
			_, err := log.Append(b.Context(), []wal.Record{r})
			return err
		})
	})
	b.Run("two disks", func(b *testing.B) {
		p := newPeer(b)
		m, _, _ := mirrored(b, b.TempDir(), p)
		for m.Err() != nil {
		}
		before := p.asked
		run(b, func(r wal.Record) error {
			seq, err := m.Append(b.Context(), []wal.Record{r})
			if err == nil {
				err = m.Confirm(b.Context(), seq)
			}
			return err
		})
		b.ReportMetric(float64(b.N)/float64(max(p.asked-before, 1)), "records/request")
	})
}
