// Package weighting turns selection probabilities into weights that agree with what is
// known of the population, in steps that each return new weights and a Step, the record
// of what was done. A row of weight zero is nobody, as in package analysis; steps that
// take people out of the sample give them that weight, so that rows stay in place.
//
// The usual order, of which most surveys need a part:
//
//	w, step, err := weighting.Base(weighting.Selection{Chances: chances, Eligible: adults})
//	w, step, err = weighting.UnknownEligibility(w, status, classes, merge)
//	w, step, err = weighting.Nonresponse(w, status, classes, merge) // or Propensity
//	w, step, err = weighting.Rake(w, margins, weighting.Settings{}) // or PostStratify, Calibrate
//	w, step, err = weighting.Trim(w, weighting.Limits{Upper: 5, OfMedian: true, Strict: true})
//
// Trimming leaves the margins, so that raking and trimming may alternate. Samples of
// several modes are put together by Combine. The design for estimates takes the weights
// before and after calibration, and what they were calibrated to:
//
//	analysis.Columns{Weight: after, Base: before, Calibration: known.Calibration(weighting.Metric{})}
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
	// Settings are those it was done with.
	Settings []Setting `json:",omitempty"`
	// N is the number of weights above zero; Sum, Min, Median and Max describe them
	// afterwards.
	N                     int
	Sum, Min, Median, Max float64
	// KishBefore and KishAfter are Kish's design effect of unequal weights, n Σw²/(Σw)².
	KishBefore, KishAfter float64
	// Converged is false when an iteration stopped before its goal. Steps that do not
	// iterate have no Rounds.
	Converged bool
	// Rounds holds the largest relative distance from a margin after each round.
	Rounds  []float64
	Margins []MarginFit
	// Classes say what was done class by class.
	Classes []Class `json:",omitempty"`
}

// Setting is one setting of a step: a number, or a Text.
type Setting struct {
	Name  string
	Value float64 `json:",omitempty"`
	Text  string  `json:",omitempty"`
}

// Class is what a step did to one class of people. Classes of nobody come last.
type Class struct {
	// Name is that of the class; Merged lists the classes it was made of, when those
	// were several.
	Name   string
	Merged []string `json:",omitempty"`
	// N counts the people before the step, and Kept those who still have a weight
	// afterwards.
	N, Kept int
	// Before and After are the sums of their weights, and Factor is what the weights
	// that were kept are multiplied by; 0 when they got different factors.
	Before, After, Factor float64
}

// MarginFit compares one category of a margin, or the total of a variable, whose Level
// is empty, with its target.
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
	note := analysis.Note{Code: analysis.NotConverged, Subject: s.What, Value: s.Rounds[len(s.Rounds)-1]}
	if far, distance := s.farthest(); distance > 0 {
		note.Subject += ": " + far.name()
	}
	return []analysis.Note{note}
}

// farthest is the category farthest from its target, relatively to it; to what it was
// before where the target is zero.
func (s Step) farthest() (far MarginFit, distance float64) {
	for _, f := range s.Margins {
		of := f.Target
		if of == 0 {
			of = f.Before
		}
		if off := math.Abs((f.After - f.Target) / of); off > distance {
			far, distance = f, off
		}
	}
	return far, distance
}

// name is that of the category in messages.
func (f MarginFit) name() string {
	if f.Level == "" {
		return fmt.Sprintf("the total of %q", f.Margin)
	}
	return fmt.Sprintf("%q of margin %q", f.Level, f.Margin)
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
	var n int
	var sum, sum2 float64
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, x := range w {
		if !(x > 0) {
			continue
		}
		n++
		sum += x
		sum2 += x * x
		if x < lo {
			lo = x
		}
		if x > hi {
			hi = x
		}
	}
	return summary{n, sum, sum2, lo, hi}
}

func (s summary) kish() float64 {
	return float64(s.n) * s.sum2 / (s.sum * s.sum)
}

// newStep describes the weights before and after an operation.
func newStep(what string, before, after []float64, settings ...Setting) Step {
	a := describe(after)
	return Step{
		What: what, Settings: settings, Converged: true, N: a.n, Sum: a.sum, Min: a.lo, Median: median(after, a.n), Max: a.hi,
		KishBefore: Kish(before), KishAfter: a.kish(),
	}
}
