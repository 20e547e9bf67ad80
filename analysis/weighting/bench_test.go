package weighting_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/suyang-survey/suyang/analysis/weighting"
)

// BenchmarkRake rakes 5·10⁶ rows to five margins of 1,800 crossings.
func BenchmarkRake(b *testing.B) {
	const n = 5_000_000
	r := rand.New(rand.NewPCG(3, 4))
	w := make([]float64, n)
	var margins []weighting.Margin
	for _, size := range []int{2, 6, 5, 10, 3} {
		m := weighting.Margin{Name: "m" + strconv.Itoa(size), Level: make([]int, n)}
		for l := range size {
			m.Levels = append(m.Levels, strconv.Itoa(l))
			m.Targets = append(m.Targets, 1e7*float64(l+1)*2/float64(size*(size+1)))
		}
		margins = append(margins, m)
	}
	for i := range w {
		w[i] = 0.5 + r.Float64()
		for j := range margins {
			margins[j].Level[i] = r.IntN(len(margins[j].Levels))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		_, step, err := weighting.Rake(w, margins, weighting.Settings{})
		if err != nil || !step.Converged {
			b.Fatal(err, step.Rounds)
		}
	}
}
