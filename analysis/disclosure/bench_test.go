package disclosure

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// province is a report's tables: cities in regions, each crossed with everything, and
// further crossings, about 30 tables with their margins.
func province(cities, people int) world {
	d := []Dimension{{"city", classes("city", cities)}, {"sex", classes("sex", 2)}, {"age", classes("age", 6)}, {"edu", classes("edu", 6)},
		{"urban", classes("urban", 2)}, {"job", classes("job", 10)}, {"group", classes("group", 6)}, {"income", classes("income", 8)}, {"level", classes("level", 4)},
		{"channel", classes("channel", 12)}, {"trade", classes("trade", 15)}, {"party", classes("party", 3)}}
	w := world{name: "a province's report", people: people, dimensions: d, groups: append(regions(d[0].Classes), levels...), outcomes: 1, weighted: true}
	for _, other := range d[1:] {
		w.tables = append(w.tables, []string{"city", other.Name}, []string{"region", other.Name})
	}
	w.tables = append(w.tables, [][]string{{"sex", "age"}, {"sex", "edu"}, {"edu", "age"}, {"urban", "edu"}, {"job", "sex"}, {"job", "edu"}, {"group", "age"}, {"trade", "sex"}, {"channel", "edu"}}...)
	return w
}

// large is a publication of about ten times as many cells.
func large(cities, people int) world {
	w := province(cities, people)
	for _, pair := range [][2]string{{"sex", "age"}, {"sex", "edu"}, {"urban", "edu"}, {"urban", "age"}, {"sex", "job"}, {"sex", "trade"}, {"sex", "channel"}, {"urban", "income"}, {"urban", "job"}, {"age", "edu"}} {
		w.tables = append(w.tables, []string{"city", pair[0], pair[1]})
	}
	return w
}

// processorTime is what the process has used, which does not depend on what else the
// machine does.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmarkProtect(b *testing.B, w world) {
	p := w.publish(w.draw(rand.New(rand.NewPCG(1, 1))))
	b.ReportAllocs()
	var r *Result
	before, rounds := processorTime(), 0
	for b.Loop() {
		var err error
		if r, err = Protect(p, DefaultRules()); err != nil {
			b.Fatal(err)
		}
		rounds++
	}
	b.ReportMetric((processorTime()-before).Seconds()/float64(rounds), "cpu-s/op")
	sensitive := 0
	for _, is := range r.sensitive() {
		sensitive += b2i(is)
	}
	b.ReportMetric(float64(len(p.Cells)), "cells")
	b.ReportMetric(float64(sensitive), "sensitive")
	b.ReportMetric(float64(len(r.Suppressions())-sensitive), "hidden-with-them")
	b.ReportMetric(float64(len(r.Narrow)), "narrow")
}

func BenchmarkProtect(b *testing.B) {
	b.Run("11 cities, 3300 people", func(b *testing.B) { benchmarkProtect(b, province(11, 3300)) })
	b.Run("21 cities, 10000 people", func(b *testing.B) { benchmarkProtect(b, province(21, 10000)) })
	b.Run("100 cities, 50000 people", func(b *testing.B) { benchmarkProtect(b, province(100, 50000)) })
	b.Run("21 cities, three-way", func(b *testing.B) { benchmarkProtect(b, large(21, 30000)) })
}

func BenchmarkAttack(b *testing.B) {
	p := province(21, 10000)
	r, err := Protect(p.publish(p.draw(rand.New(rand.NewPCG(1, 1)))), DefaultRules())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if found := r.Attack(); len(found) > 0 {
			b.Fatalf("found %d, such as %+v", len(found), found[0])
		}
	}
}

// A live page: six dimensions, any two at once.
func BenchmarkGuard(b *testing.B) {
	w := live
	w.people = 3300
	w.dimensions = []Dimension{{"city", classes("city", 11)}, {"edu", classes("edu", 6)}, {"sex", classes("sex", 2)}, {"urban", classes("urban", 2)}, {"age", classes("age", 6)}, {"group", classes("group", 6)}}
	w.groups = regions(classes("city", 11))
	p := w.cube(w.draw(rand.New(rand.NewPCG(2, 2))))
	before, rounds := processorTime(), 0
	var g *Guard
	for b.Loop() {
		var err error
		if g, err = NewGuard(p, DefaultRules(), 2); err != nil {
			b.Fatal(err)
		}
		rounds++
	}
	b.ReportMetric((processorTime()-before).Seconds()/float64(rounds), "cpu-s/op")
	b.ReportMetric(float64(len(g.result.l.cells)), "views")
	b.ReportMetric(float64(len(g.result.Suppressions())), "hidden")
}
