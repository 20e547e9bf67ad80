package live_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/surveys"
)

// large is a wave with many cases, of which all but a few have an approved interview.
type large struct {
	cases   []live.Case
	records []live.Record
	moved   int
}

func (l *large) Moved(_ context.Context, _ string, after int64, do func(live.Case) error) (int64, error) {
	for _, c := range l.cases[after:l.moved] {
		if err := do(c); err != nil {
			return after, err
		}
	}
	return int64(l.moved), nil
}

func (l *large) Places(context.Context, string) (map[uint16]uint64, error) {
	return map[uint16]uint64{1: uint64(l.moved)}, nil
}

func (l *large) Arrivals(_ context.Context, _ live.Query, after map[uint16]uint64, do func(live.Record) error) error {
	for _, r := range l.records[after[1]:l.moved] {
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkFigures is what a page costs when 100 interviews have arrived since the last one,
// at 300,000 interviews in 2,400 PSUs.
func BenchmarkFigures(b *testing.B) {
	const people, news = 300_000, 100
	f := begin(&testing.T{}, 0, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	l := &large{}
	cities := f.plan.Factor("city").Levels
	answers := 0
	for _, x := range f.plan.Factors {
		if x.Sample == "" {
			answers++
		}
	}
	for _, set := range f.plan.Groups {
		answers += len(set.Groups)
	}
	for i := range people + 100*news {
		psu := i % 2400
		city := cities[psu%len(cities)].Code
		id := fmt.Sprintf("c%07d", i)
		l.cases = append(l.cases, live.Case{ID: id, Stratum: fmt.Sprint(psu % 22), PSU: fmt.Sprint(psu), Area: city[:4] + fmt.Sprintf("%02d", 2+psu%8),
			Weight: 50 + 100*rng.Float64(), Columns: map[string]string{"city": city, "class": []string{"urban", "rural"}[psu%2]},
			Class: fieldwork.ClassI, State: fieldwork.Approved, Interviewed: true, Approved: true})
		r := live.Record{Score: 100 * rng.Float64(), Response: &surveys.Response{Node: 1, Seq: uint64(i + 1), Received: noon.Add(time.Duration(i) * time.Second),
			Interview: surveys.Interview{ID: "i" + id, Case: id, Finished: noon}}}
		for range answers {
			r.Levels = append(r.Levels, rng.IntN(2))
		}
		l.records = append(l.records, r)
	}
	l.moved = people
	now := noon
	board := live.NewBoard("w", f.q, f.plan, l, l)
	board.SetClock(func() time.Time { return now })
	first := time.Now()
	if _, err := board.Figures(b.Context(), live.Approved, ""); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(first).Seconds(), "s/first")
	for b.Loop() {
		l.moved = min(l.moved+news, len(l.cases))
		now = now.Add(live.Every)
		if _, err := board.Figures(b.Context(), live.Approved, ""); err != nil {
			b.Fatal(err)
		}
	}
}
