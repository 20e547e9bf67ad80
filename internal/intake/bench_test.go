package intake_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// BenchmarkAccept takes different interviews of 80 answers from 64 goroutines, on
// real files.
func BenchmarkAccept(b *testing.B) {
	q := &surveys.Questionnaire{ID: "wide", Languages: []surveys.Lang{surveys.EN}, Sections: []surveys.Section{{ID: "s"}}}
	answers := surveys.Answers{}
	for i := range 80 {
		id := fmt.Sprintf("q%d", i)
		q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{ID: id, Type: surveys.Single, Options: []surveys.Option{{Code: "a"}, {Code: "b"}}})
		answers[id] = []string{"b"}
	}
	f, err := form.Compile(q)
	if err != nil {
		b.Fatal(err)
	}
	waves := &intake.Waves{}
	waves.Publish(wave, q.ID, q.Version(), intake.Edition{Form: f})
	log, err := wal.Open(wal.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	cfg := intake.DefaultConfig(b.TempDir())
	cfg.Key = installation
	in, err := intake.New(cfg, log, newStore(), waves, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	iv := interview(0)
	iv.Survey, iv.Version, iv.Answers = q.ID, q.Version(), answers
	template, err := json.Marshal(iv)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(template)))
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				body := append([]byte(nil), template...)
				copy(body[len(`{"id":"`):], fmt.Sprintf("10000000-0000-4000-8000-%012x", n))
				if _, err := in.Accept(context.Background(), body); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "interviews/s")
}

// BenchmarkIndex rebuilds the index from a log of a million interviews of 1 KB, of a case each.
func BenchmarkIndex(b *testing.B) {
	const records, size, batch = 1_000_000, 1024, 1000
	log, err := wal.Open(wal.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	for n := 0; n < records; n += batch {
		rs := make([]wal.Record, batch)
		for i := range rs {
			sum := sha256.Sum256(fmt.Append(nil, n+i))
			body := append([]byte{1}, sum[:]...)
			body = append(body, sum[16:]...) // a case of its own
			rs[i] = wal.Record{Kind: 1, Node: 1, ID: [16]byte(sum[:16]), Received: start, Body: append(body, make([]byte, size)...)}
		}
		if _, err := log.Append(context.Background(), rs); err != nil {
			b.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		cfg := intake.DefaultConfig(b.TempDir())
		cfg.Key = installation
		in, err := intake.New(cfg, log, newStore(), &intake.Waves{}, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
		runtime.KeepAlive(in)
	}
	b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
