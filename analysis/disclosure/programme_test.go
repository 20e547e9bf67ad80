package disclosure

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"
)

// independent leaves out sums that follow from others, which gonum's solver refuses.
func independent(p part) [][]float64 {
	var kept, reduced [][]float64
	for _, terms := range p.rows {
		row := make([]float64, len(p.cells))
		for _, t := range terms {
			row[t.place] = float64(t.sign)
		}
		rest := append([]float64(nil), row...)
		for _, r := range reduced {
			lead := firstOf(r)
			if f := rest[lead] / r[lead]; f != 0 {
				for c := range rest {
					rest[c] -= f * r[c]
				}
				rest[lead] = 0
			}
		}
		if firstOf(rest) >= 0 {
			kept, reduced = append(kept, row), append(reduced, rest)
		}
	}
	return kept
}

func firstOf(row []float64) int {
	for c, f := range row {
		if math.Abs(f) > 1e-9 {
			return c
		}
	}
	return -1
}

// The bounds are those of gonum's simplex method, on the hidden cells of small tables.
func TestBoundsAgreeWithGonum(t *testing.T) {
	compared, failed := 0, 0
	for seed := range 25 {
		rng := rand.New(rand.NewPCG(uint64(seed), 21))
		w := worlds[seed%len(worlds)]
		w.people = 150
		p := w.publish(w.draw(rng))
		l, err := link(p)
		if err != nil {
			t.Fatal(err)
		}
		hidden := make([]bool, len(l.cells))
		for n := 0; n < 24; n++ {
			hidden[1+rng.IntN(len(hidden)-1)] = true
		}
		for _, part := range l.parts(hidden) {
			rows := independent(part)
			if len(rows) == 0 || len(rows) >= len(part.cells) {
				continue
			}
			a, b := mat.NewDense(len(rows), len(part.cells), nil), make([]float64, len(rows))
			for i, row := range rows {
				a.SetRow(i, row)
				for k, c := range part.cells {
					b[i] += row[k] * l.measures[0].total[c]
				}
			}
			q := newProgramme(part, l.measures[0].total)
			for k := range part.cells {
				for _, direction := range []float64{1, -1} {
					objective := make([]float64, len(part.cells))
					objective[k] = -direction
					value, _, err := lp.Simplex(objective, a, b, 1e-10, nil)
					got := q.extreme(k, direction, math.Inf(1))
					if err == lp.ErrUnbounded {
						value = math.Inf(-1)
					} else if err != nil {
						failed++
						continue
					}
					compared++
					if want := -direction * value; math.Abs(got-want) > 1e-6 && !(math.IsInf(got, 1) && math.IsInf(want, 1)) {
						t.Errorf("seed %d, cell %d: %v, gonum has %v", seed, k, got, want)
					}
				}
			}
		}
	}
	t.Logf("%d bounds compared; gonum gave up on %d", compared, failed)
	if compared < 100 {
		t.Errorf("only %d bounds compared", compared)
	}
}
