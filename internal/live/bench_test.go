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

// A group that nobody was in when the tables were judged is not shown before they are judged
// again, however many have come by then.
func TestAGroupOfNobodyIsNotShownUnjudged(t *testing.T) {
	const people, news = 2400, 12
	f := begin(t, 0, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	l := &large{}
	cities := f.plan.Factor("city").Levels
	education := f.plan.Factor("education")
	var answers []string
	for _, x := range f.plan.Factors {
		if x.Sample == "" {
			answers = append(answers, x.ID)
		}
	}
	for range f.plan.Groups[0].Groups {
		answers = append(answers, "group")
	}
	for i := range people + news {
		late, psu := i >= people, i/12%200
		city := cities[psu%len(cities)].Code
		score := 100 * rng.Float64()
		if late {
			psu, score = 0, 100
		}
		id := fmt.Sprintf("c%07d", i)
		l.cases = append(l.cases, live.Case{ID: id, Stratum: "s", PSU: fmt.Sprint(psu), Area: city[:4] + fmt.Sprintf("%02d", 2+psu%2),
			Weight: 100, Columns: map[string]string{"city": city, "class": []string{"urban", "rural"}[psu%2]},
			Class: fieldwork.ClassI, State: fieldwork.Approved, Interviewed: true, Approved: true})
		r := live.Record{Score: score, Response: &surveys.Response{Node: 1, Seq: uint64(i + 1), Received: noon.Add(time.Duration(i) * time.Second),
			Interview: surveys.Interview{ID: "i" + id, Case: id, Finished: noon}}}
		for _, a := range answers {
			switch {
			case a != "education":
				r.Levels = append(r.Levels, rng.IntN(2))
			case late:
				r.Levels = append(r.Levels, 0)
			default:
				r.Levels = append(r.Levels, 1+rng.IntN(len(education.Levels)-1))
			}
		}
		l.records = append(l.records, r)
	}
	now := noon
	board := live.NewBoard("w", f.q, f.plan, l, l)
	board.SetClock(func() time.Time { return now })
	first := func() live.Group {
		t.Helper()
		figures, err := board.Figures(t.Context(), live.Approved, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range figures.Tables {
			if table.Factor.ID == "education" {
				return table.Groups[0]
			}
		}
		t.Fatal("there is no table by education")
		return live.Group{}
	}
	l.moved = people
	if g := first(); g.N != 0 {
		t.Fatalf("%d people have the first level at the beginning", g.N)
	}
	l.moved, now = people+news, now.Add(live.Every)
	if g := first(); g.N != news || !g.Withheld {
		t.Errorf("of %d people of a group that was not judged the rate is %v, withheld %v", g.N, g.Estimate.Value, g.Withheld)
	}
}
