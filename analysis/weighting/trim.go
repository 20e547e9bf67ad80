package weighting

import (
	"fmt"
	"math"
	"slices"
)

// Limits say which weights are too small or too large.
type Limits struct {
	// Lower and Upper are the limits; one left at zero limits nothing.
	Lower, Upper float64
	// OfMedian makes the limits multiples of the median weight.
	OfMedian bool
	// Strict keeps all weights within the limits afterwards.
	Strict bool
}

// Trim moves weights outside the limits to the nearer limit, and what that changes of
// their sum evenly to the others. In one pass (R's trimWeights),
//
//	w′ = U for w > U, L for w < L, and w + δ else,
//
// some of the others may then be outside. Strict trimming is
//
//	w′ = min(U, max(L, w + c))  with c such that Σw′ = Σw,
//
// to which repeated passes lead when all trimmed weights are on one side (R's
// trimWeights with strict = TRUE). Weights of zero are nobody and stay so.
func Trim(w []float64, l Limits) ([]float64, Step, error) {
	if err := checkWeights(w); err != nil {
		return nil, Step{}, err
	}
	before := describe(w)
	low, high := l.Lower, l.Upper
	if l.OfMedian {
		m := median(w, before.n)
		low, high = low*m, high*m
	}
	if high == 0 {
		high = math.Inf(1)
	}
	if !(low >= 0 && low < high) {
		return nil, Step{}, fmt.Errorf("trimming to weights from %v to %v: the lower limit must be at least 0 and below the upper one", low, high)
	}
	find := onePass
	if l.Strict {
		find = strictShift
	}
	shift, err := find(w, low, high)
	if err != nil {
		return nil, Step{}, err
	}
	after := make([]float64, len(w))
	for i, x := range w {
		switch {
		case x == 0:
		case l.Strict:
			after[i] = min(high, max(low, x+shift))
		case x < low || x > high:
			after[i] = min(high, max(low, x))
		default:
			if after[i] = x + shift; !(after[i] > 0) {
				return nil, Step{}, fmt.Errorf("trimming takes %v from the weight of row %d, which is %v; lower the lower limit of %v", -shift, i, x, low)
			}
		}
	}
	return after, l.step(w, after, low, high), nil
}

// onePass is what every weight within the limits gets of what the others lose.
func onePass(w []float64, low, high float64) (float64, error) {
	var excess float64
	inside, outside := 0, 0
	for _, x := range w {
		switch {
		case x == 0:
		case x < low || x > high:
			excess += x - min(high, max(low, x))
			outside++
		default:
			inside++
		}
	}
	if outside > 0 && inside == 0 {
		return 0, fmt.Errorf("all %d weights are outside %v to %v, so there is none to take the difference of %v; widen the limits", outside, low, high, excess)
	}
	if outside == 0 {
		return 0, nil
	}
	return excess / float64(inside), nil
}

// strictShift finds c. The sum of min(U, max(L, w + c)) is linear in c between the points
// at which a weight comes to a limit.
func strictShift(w []float64, low, high float64) (float64, error) {
	s := describe(w)
	if s.lo >= low && s.hi <= high {
		return 0, nil
	}
	if n := float64(s.n); low*n > s.sum || high*n < s.sum {
		return 0, fmt.Errorf("the mean weight is %v, so that not all can be from %v to %v; widen the limits", s.sum/n, low, high)
	}
	short := func(c float64) float64 { // how far below Σw the sum is
		var missing float64
		for _, x := range w {
			if x > 0 {
				missing += x - min(high, max(low, x+c))
			}
		}
		return missing
	}
	points := turns(w, low, high)
	at, _ := slices.BinarySearchFunc(points, 0, func(c float64, _ int) int {
		if short(c) > 0 {
			return -1
		}
		return 1
	})
	// The first point has no sum above Σw, as there all weights are at the lower limit.
	c := points[max(at-1, 0)]
	if at < len(points) {
		if here, next := short(c), short(points[at]); here > next {
			c += (points[at] - c) * here / (here - next)
		}
		return c, nil
	}
	return c + short(c)/float64(s.n), nil // no upper limit, and no weight at the lower one
}

// turns are the shifts at which a weight comes to a limit, in order.
func turns(w []float64, low, high float64) []float64 {
	var points []float64
	for _, x := range w {
		if x == 0 {
			continue
		}
		points = append(points, low-x)
		if !math.IsInf(high, 1) {
			points = append(points, high-x)
		}
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// step records what was done below, between and above the limits.
func (l Limits) step(w, after []float64, low, high float64) Step {
	settings := []Setting{}
	if low > 0 {
		settings = append(settings, Setting{Name: "lower", Value: low})
	}
	if !math.IsInf(high, 1) {
		settings = append(settings, Setting{Name: "upper", Value: high})
	}
	if l.OfMedian {
		settings = append(settings, Setting{Name: "limits", Text: "multiples of the median"})
	}
	redistribution := "in one pass"
	if l.Strict {
		redistribution = "strict"
	}
	step := newStep("trim", w, after, append(settings, Setting{Name: "redistribution", Text: redistribution})...)
	step.Classes = []Class{{Name: "below"}, {Name: "within"}, {Name: "above"}}
	for i, x := range w {
		if x == 0 {
			continue
		}
		c := &step.Classes[1]
		switch {
		case x < low:
			c = &step.Classes[0]
		case x > high:
			c = &step.Classes[2]
		}
		c.N++
		c.Kept++
		c.Before += x
		c.After += after[i]
	}
	return step
}

// Normalise multiplies all weights such that they add up to sum; a sum of 0 means the
// number of weights above zero, so that their mean is 1. Totals are then those of a
// population of this size, and no population in the latter case.
func Normalise(w []float64, sum float64) ([]float64, Step, error) {
	if err := checkWeights(w); err != nil {
		return nil, Step{}, err
	}
	if !(sum >= 0) || math.IsInf(sum, 1) {
		return nil, Step{}, fmt.Errorf("weights cannot add up to %v; give a number above zero, or 0 for the number of people", sum)
	}
	s := describe(w)
	if sum == 0 {
		sum = float64(s.n)
	}
	after := make([]float64, len(w))
	for i, x := range w {
		after[i] = x * (sum / s.sum)
	}
	return after, newStep("normalise", w, after, Setting{Name: "sum", Value: sum}), nil
}
