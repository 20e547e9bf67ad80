package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// BenchmarkShip brings interviews that wait in a log on real files into the real
// ClickHouse engine: what a store that was away is given when it comes back.
func BenchmarkShip(b *testing.B) {
	for _, items := range []int{80, 250} {
		b.Run(fmt.Sprintf("items=%d", items), func(b *testing.B) { benchmarkShip(b, items) })
	}
}

func benchmarkShip(b *testing.B, items int) {
	q, iv := wide(items)
	f, err := form.Compile(q)
	if err != nil {
		b.Fatal(err)
	}
	waves := &intake.Waves{}
	waves.Publish(wave, q.ID, q.Version(), intake.Edition{Form: f})
	e := enginetest.Start(b)
	store, err := clickhouse.Open(b.Context(), clickhouse.Config{DSN: e.DSN()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	log, err := wal.Open(wal.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	cfg := intake.DefaultConfig(b.TempDir())
	cfg.Logger = quiet
	in, err := intake.New(cfg, log, store, waves, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	template, err := json.Marshal(iv)
	if err != nil {
		b.Fatal(err)
	}
	const atOnce = 64
	done := make(chan error, atOnce)
	for w := range atOnce {
		go func() {
			for n := w; n < b.N; n += atOnce {
				body := []byte(strings.Replace(string(template), interview(0).ID, fmt.Sprintf("10000000-0000-4000-8000-%012x", n), 1))
				if _, err := in.Accept(context.Background(), body); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range atOnce {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	b.SetBytes(int64(len(template)))
	b.ResetTimer()
	go func() { ended <- in.Run(ctx) }()
	if err := in.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "interviews/s")
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// wide is a questionnaire of single choices and an interview that answers all of them.
func wide(items int) (*surveys.Questionnaire, surveys.Interview) {
	q := &surveys.Questionnaire{ID: "wide", Languages: []surveys.Lang{surveys.EN}, Sections: []surveys.Section{{ID: "s"}}}
	iv := interview(0)
	iv.Answers = surveys.Answers{}
	for i := range items {
		id := fmt.Sprintf("question%d", i)
		q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{ID: id, Type: surveys.Single, Options: []surveys.Option{{Code: "a"}, {Code: "b"}}})
		iv.Answers[id] = []string{"ab"[i%2 : i%2+1]}
	}
	iv.Survey, iv.Version = q.ID, q.Version()
	return q, iv
}
