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

// BenchmarkCalibrate calibrates 10⁶ rows to two margins and the total of a variable, in
// the logit distance.
func BenchmarkCalibrate(b *testing.B) {
	w, known := manyPeople(1_000_000)
	metric := weighting.Metric{Distance: weighting.Logit, Lower: 0.2, Upper: 4}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := weighting.Calibrate(w, known, metric, weighting.Settings{}); err != nil {
			b.Fatal(err)
		}
	}
}

// manyPeople are n people with what is known of ten times as many.
func manyPeople(n int) ([]float64, weighting.Known) {
	r := rand.New(rand.NewPCG(5, 6))
	w := make([]float64, n)
	income := weighting.Total{Name: "income", Values: make([]float64, n), Target: 10.3 * float64(n)}
	known := weighting.Known{Margins: []weighting.Margin{
		{Name: "sex", Levels: []string{"f", "m"}, Level: make([]int, n), Targets: []float64{5.2 * float64(n), 4.8 * float64(n)}},
		{Name: "age", Levels: []string{"a", "b", "c", "d"}, Level: make([]int, n), Targets: []float64{3 * float64(n), 2.5 * float64(n), 2.4 * float64(n), 2.1 * float64(n)}},
	}}
	for i := range w {
		w[i] = 5 + 10*r.Float64()
		income.Values[i] = r.ExpFloat64()
		for _, m := range known.Margins {
			m.Level[i] = r.IntN(len(m.Levels))
		}
	}
	known.Totals = []weighting.Total{income}
	return w, known
}
