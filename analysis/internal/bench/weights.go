package main

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// The works that weigh and replicate.

// bootstraps is how many replicates are made, bootstrapsR how many of the same R gets.
const (
	bootstraps     = 1000
	bootstrapsR    = 10
	bootstrapsSeed = 1
)

// margins are the population counts that the samples are raked to: of 10⁸ people, level l
// of a margin, counted from 1, has a share in proportion to l + 4.
func margins(s *synthetic.Sample) []weighting.Margin {
	var all []weighting.Margin
	for _, f := range s.Margins() {
		m := weighting.Margin{Name: f.ID, Levels: f.Levels, Level: f.Level, Targets: make([]float64, len(f.Levels))}
		var sum float64
		for l := range m.Targets {
			sum += float64(l + 5)
		}
		for l := range m.Targets {
			m.Targets[l] = 1e8 * float64(l+5) / sum
		}
		all = append(all, m)
	}
	return all
}

// crossing numbers the crossing of a row, the last margin fastest.
func crossing(margins []weighting.Margin, row int) int {
	k := 0
	for _, m := range margins {
		k = k*len(m.Levels) + m.Level[row]
	}
	return k
}

// crossings is how many there can be.
func crossings(margins []weighting.Margin) int {
	n := 1
	for _, m := range margins {
		n *= len(m.Levels)
	}
	return n
}

// rakeRows rakes all rows. Its numbers are the factors of the crossings, which are all
// that raking adds to the weights; a crossing of nobody has none.
func rakeRows(s *synthetic.Sample, _ *analysis.Design) (do, error) {
	known, w := margins(s), s.Columns.Weight
	first := make([]int, crossings(known))
	for row := len(w) - 1; row >= 0; row-- {
		first[crossing(known, row)] = row + 1
	}
	return func() (answer, error) {
		after, err := raked(w, known)
		if err != nil {
			return answer{}, err
		}
		a := answer{weights: after, margins: known}
		for _, next := range first {
			factor := math.NaN()
			if next > 0 {
				factor = after[next-1] / w[next-1]
			}
			a.estimates = append(a.estimates, analysis.Estimate{Value: factor})
		}
		return a, nil
	}, nil
}

// rakeCells rakes the sums of the crossings.
func rakeCells(s *synthetic.Sample, _ *analysis.Design) (do, error) {
	known := margins(s)
	w := make([]float64, crossings(known))
	for row, x := range s.Columns.Weight {
		w[crossing(known, row)] += x
	}
	cells := margins(s)
	for j := range cells {
		cells[j].Level = make([]int, len(w))
	}
	for k := range w {
		rest := k
		for j := len(cells) - 1; j >= 0; j-- {
			cells[j].Level[k] = rest % len(cells[j].Levels)
			rest /= len(cells[j].Levels)
		}
	}
	return func() (answer, error) {
		after, err := raked(w, cells)
		return answer{weights: after, margins: cells}, err
	}, nil
}

func raked(w []float64, known []weighting.Margin) ([]float64, error) {
	after, step, err := weighting.Rake(w, known, weighting.Settings{})
	if err == nil && !step.Converged {
		err = fmt.Errorf("raking does not converge in %d rounds", len(step.Rounds))
	}
	return after, err
}

// distance is how far, relatively, weights are from the margins at most.
func (a answer) distance() float64 {
	var far float64
	for _, m := range a.margins {
		// The sums are compensated (Neumaier 1974): their own rounding must not be seen.
		sum, lost := make([]float64, len(m.Levels)), make([]float64, len(m.Levels))
		for i, l := range m.Level {
			x := a.weights[i]
			t := sum[l] + x
			if sum[l] >= x {
				lost[l] += sum[l] - t + x
			} else {
				lost[l] += x - t + sum[l]
			}
			sum[l] = t
		}
		for l, target := range m.Targets {
			far = max(far, math.Abs(sum[l]+lost[l]-target)/target)
		}
	}
	return far
}

// scores are the cells of the score.
func scores(s *synthetic.Sample, d *analysis.Design, factors ...analysis.FactorColumn) (*analysis.Cells, error) {
	return d.Cells([]analysis.Variable{{Name: "score", Values: s.Score}}, factors)
}

// jackknife makes the replicates and estimates.
func jackknife(c *analysis.Cells) (answer, error) {
	set, err := replicate.JKn(c)
	if err != nil {
		return answer{}, err
	}
	cells, err := set.OnCells(c)
	if err != nil {
		return answer{}, err
	}
	e, err := cells.Mean("score", nil)
	return answer{estimates: []analysis.Estimate{e}}, err
}

// bootstrap makes the cells and the replicates, rakes the sample and every replicate, and
// estimates.
func bootstrap(s *synthetic.Sample, d *analysis.Design, replicates int) (answer, error) {
	c, err := scores(s, d, s.Margins()...)
	if err != nil {
		return answer{}, err
	}
	set, err := replicate.Bootstrap(c, replicates, bootstrapsSeed)
	if err != nil {
		return answer{}, err
	}
	cells, err := set.OnCells(c)
	if err != nil {
		return answer{}, err
	}
	var known []replicate.Margin
	for _, m := range margins(s) {
		known = append(known, replicate.Margin{Factor: m.Name, Targets: m.Targets})
	}
	if cells, _, err = cells.Rake(known, weighting.Settings{}); err != nil {
		return answer{}, err
	}
	e, err := cells.Mean("score", nil)
	if err != nil {
		return answer{}, err
	}
	for _, note := range e.Notes {
		if note.Code == analysis.NotConverged {
			return answer{}, fmt.Errorf("%s does not converge: it ends %v away", note.Subject, note.Value)
		}
	}
	return answer{estimates: []analysis.Estimate{e}}, nil
}
