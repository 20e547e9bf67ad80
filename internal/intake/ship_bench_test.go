package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
	in, log := waiting(b, items)
	defer log.Close()
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	b.ResetTimer()
	own, engines := processorTime("self"), childrenTime()
	go func() { ended <- in.Run(ctx) }()
	if err := in.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "interviews/s")
	b.ReportMetric(each(processorTime("self")-own), "cpu-µs/interview")
	b.ReportMetric(each(childrenTime()-engines), "engine-cpu-µs/interview")
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

// waiting is an intake whose log holds b.N interviews that are not shipped yet.
func waiting(b *testing.B, items int) (*intake.Intake, *wal.Log) {
	b.Helper()
	q, iv := wide(items)
	f, err := form.Compile(q)
	if err != nil {
		b.Fatal(err)
	}
	waves := &intake.Waves{}
	waves.Publish(wave, q.ID, q.Version(), intake.Edition{Form: f})
	store, err := clickhouse.Open(b.Context(), clickhouse.Config{DSN: enginetest.Start(b).DSN()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	if err := store.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	log, err := wal.Open(wal.DefaultConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	cfg := intake.DefaultConfig(b.TempDir())
	cfg.Key = installation
	cfg.Logger = quiet
	in, err := intake.New(cfg, log, store, waves, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	template, err := json.Marshal(iv)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(template)))
	acceptMany(b, in, string(template))
	return in, log
}

// acceptMany accepts b.N interviews, many at once, so that they share the syncs.
func acceptMany(b *testing.B, in *intake.Intake, template string) {
	b.Helper()
	const atOnce = 64
	var wg sync.WaitGroup
	for w := range atOnce {
		wg.Go(func() {
			for n := w; n < b.N; n += atOnce {
				body := strings.Replace(template, interview(0).ID, fmt.Sprintf("10000000-0000-4000-8000-%012x", n), 1)
				if _, err := in.Accept(context.Background(), []byte(body)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// processorTime is what a process has used; 0 where /proc does not tell. Linux counts it
// in 1/100 s.
func processorTime(pid string) time.Duration {
	stat, _ := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / 100
}

// childrenTime is what the engine has used, the only child of this process.
func childrenTime() (sum time.Duration) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(children)) {
			sum += processorTime(pid)
		}
	}
	return sum
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
