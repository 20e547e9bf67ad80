package quality

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkWave judges 100,000 interviews of the shipped questionnaire, by 2,000
// enumerators, flag by flag and altogether, and says how much memory the wave keeps.
func BenchmarkWave(b *testing.B) {
	world := newWorld(b, false, simSeed)
	const people, part = 100000, 5000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := New(world.q)
	for k := range people / part { // so that the answers of all are never there at once
		for _, iv := range world.wave(random(simSeed, fmt.Sprintf("bench %d", k)), part) {
			iv.ID = fmt.Sprintf("%d-%s", k, iv.ID)
			iv.Enumerator, iv.Area, iv.PSU = fmt.Sprintf("%d-%s", k, iv.Enumerator), fmt.Sprintf("%d-%s", k, iv.Area), fmt.Sprintf("%d-%s", k, iv.PSU)
			if err := w.Add(iv); err != nil {
				b.Fatal(err)
			}
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	held := float64(after.HeapAlloc-before.HeapAlloc) / people
	r := DefaultRules()
	for _, c := range []struct {
		name  string
		judge func() ([]Finding, error)
	}{
		{"too-fast", func() ([]Finding, error) { return w.TooFast(r.Speed) }},
		{"straight-line", func() ([]Finding, error) { return w.StraightLine(r.Line) }},
		{"no-answer", func() ([]Finding, error) { return w.NoAnswer(r.NoAnswer) }},
		{"duplicate", func() ([]Finding, error) { return w.Duplicates(r.Duplicate) }},
		{"far-away", func() ([]Finding, error) { return w.FarAway(r.Distance) }},
		{"night", func() ([]Finding, error) { return w.Night(r.Night) }},
		{"person-fit", func() ([]Finding, error) { return w.PersonFit(r.Fit) }},
		{"enumerators", func() ([]Finding, error) { return w.Enumerators(r.Enumerator) }},
		{"all", func() ([]Finding, error) { return w.Judge(r) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			flagged := 0
			for b.Loop() {
				found, err := c.judge()
				if err != nil {
					b.Fatal(err)
				}
				flagged = 0
				for _, f := range found {
					if f.Outcome == Flagged {
						flagged++
					}
				}
			}
			b.ReportMetric(float64(flagged), "flagged")
			b.ReportMetric(held, "B/interview")
		})
	}
}
