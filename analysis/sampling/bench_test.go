package sampling

import (
	"math/rand/v2"
	"testing"
)

// 1,000 of 700,000 villages in one list, by each method.
func BenchmarkSelect(b *testing.B) {
	const population, n = 700_000, 1000
	size := make([]float64, population)
	for i := range size {
		size[i] = float64(100 + i*7919%900)
	}
	chances, err := Inclusion(size, n)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	run := func(name string, draw func() ([]int, error)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := draw(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, m := range methods {
		run(m.name, func() ([]int, error) { return m.draw(rng, chances) })
	}
	run("with replacement", func() ([]int, error) { return PPSReplacement(rng, size, n) })
	run("simple", func() ([]int, error) { return Simple(rng, population, n) })
	run("interval", func() ([]int, error) { return Systematic(rng, population, n) })
	run("inclusion probabilities", func() ([]int, error) { _, err := Inclusion(size, n); return nil, err })
}
