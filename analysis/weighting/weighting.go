// Package weighting turns selection probabilities into weights that agree with
// known population counts, in steps that each say what they did: Base, then Rake.
package weighting

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// Step is the record of one weighting operation, in a form a report can print.
type Step struct {
	// What names the operation, such as "rake".
	What string
	// N is the number of weights above zero; Sum, Min, Median and Max describe them
	// afterwards.
	N                     int
	Sum, Min, Median, Max float64
	// KishBefore and KishAfter are Kish's design effect of unequal weights, n Σw²/(Σw)².
	KishBefore, KishAfter float64
	Converged             bool
	// Rounds holds the largest relative distance from a margin after each round.
	Rounds  []float64
	Margins []MarginFit
}

// MarginFit compares one category of a margin with its target.
type MarginFit struct {
	Margin, Level         string
	N                     int
	Target, Before, After float64
}

// Notes are the facts that every estimate with these weights must carry. Put them
// into Cells.Notes.
func (s Step) Notes() []analysis.Note {
	if s.Converged || len(s.Rounds) == 0 {
		return nil
	}
	return []analysis.Note{{Code: analysis.NotConverged, Subject: s.What, Value: s.Rounds[len(s.Rounds)-1]}}
}

// Base gives the design weight of each respondent, the inverse of the product of the
// selection probabilities of its stages (Horvitz and Thompson 1952).
func Base(probabilities [][]float64) ([]float64, error) {
	w := make([]float64, len(probabilities))
	for i, stages := range probabilities {
		if len(stages) == 0 {
			return nil, fmt.Errorf("row %d has no selection probability; give one for each stage of the sample", i)
		}
		p := 1.0
		for k, x := range stages {
			if !(x > 0 && x <= 1) {
				return nil, fmt.Errorf("the probability of row %d at stage %d is %v; it must be above 0 and at most 1", i, k+1, x)
			}
			p *= x
		}
		w[i] = 1 / p
	}
	return w, nil
}

// Kish is the design effect of unequal weights, n Σw²/(Σw)², over the weights above
// zero (Kish 1965, §11.7); NaN without any.
func Kish(w []float64) float64 {
	return describe(w).kish()
}

// summary describes the weights above zero.
type summary struct {
	n                 int
	sum, sum2, lo, hi float64
}

func describe(w []float64) summary {
	parts := make([]summary, (len(w)+blockRows-1)/blockRows)
	parallel.Blocks(len(w), blockRows, func(b, from, to int) {
		parts[b] = describeBlock(w[from:to])
	})
	s := describeBlock(nil)
	for _, p := range parts {
		s.n += p.n
		s.sum += p.sum
		s.sum2 += p.sum2
		s.lo, s.hi = min(s.lo, p.lo), max(s.hi, p.hi)
	}
	return s
}

func describeBlock(w []float64) summary {
	s := summary{lo: math.Inf(1), hi: math.Inf(-1)}
	for _, x := range w {
		if !(x > 0) {
			continue
		}
		s.n++
		s.sum += x
		s.sum2 += x * x
		if x < s.lo {
			s.lo = x
		}
		if x > s.hi {
			s.hi = x
		}
	}
	return s
}

func (s summary) kish() float64 {
	return float64(s.n) * s.sum2 / (s.sum * s.sum)
}

// newStep describes the weights before and after an operation.
func newStep(what string, before, after []float64) Step {
	a := describe(after)
	return Step{
		What: what, N: a.n, Sum: a.sum, Min: a.lo, Median: median(after, a.n), Max: a.hi,
		KishBefore: Kish(before), KishAfter: a.kish(),
	}
}
