package quality

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// FitRule is the rule of PersonFit.
type FitRule struct {
	// Robust is how many robust standard deviations more Guttman errors than expected are
	// too many.
	Robust float64
	// Items is how many scored items must have been asked.
	Items int
	// Wave is how many interviews of the booklet there must be.
	Wave int
}

// DefaultFit takes 2.6 robust standard deviations, which 0.5 % of a normal distribution
// are above: a person who guesses is not much further away.
func DefaultFit() FitRule { return FitRule{Robust: 2.6, Items: 15, Wave: 50} }

func (r FitRule) check() error {
	return errors.Join(within("Fit.Robust", r.Robust, 0.5, 20), within("Fit.Items", float64(r.Items), 3, 1e6),
		within("Fit.Wave", float64(r.Wave), 10, 1e9))
}

// The reasons of PersonFit.
const (
	whyAllAlike Why = "all-alike"
	whyNoKey    Why = "no-key"
)

// PersonFit judges whether knowledge follows the order of difficulty. Value is the share of
// Guttman errors: the pairs of items of which the easier was answered wrongly and the
// harder rightly, over the r(n−r) pairs that there can be with r of n right (normed
// Guttman errors, van der Flier 1982, Journal of Cross-Cultural Psychology 13; Meijer &
// Sijtsma 2001, Applied Psychological Measurement 25). An item's difficulty is the share of
// right answers among all who were asked it; items that a person was not asked drop out of
// the pairs, so that each booklet is judged on its own items.
//
// It was chosen over Hᵀ, which needs covariances of items that few people may have been
// asked together, and over lz, whose distribution depends on the estimated ability (Snijders
// 2001, Psychometrika 66). The number of errors is the sum of the ranks, from 0, of the
// items answered rightly minus r(r−1)/2. So under the Rasch model its mean and variance
// given r do not depend on ability and follow exactly from the elementary symmetric functions
// of the items' odds, as in the conditional test of Molenaar & Hoijtink (1990, Psychometrika
// 55). What is judged is the number of errors, standardised by these, against the others
// with the booklet by median and MAD, since items also differ in slope: more than Robust
// deviations above is flagged. Threshold is the share of errors where that begins. N is the
// number of scored items asked.
//
// Guessing raises the value; so do being told some of the answers and an education of
// another kind.
func (w *Wave) PersonFit(r FitRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	fits := w.fits(r.Items)
	z, booklets := make([]float64, len(w.rows)), make([]string, len(w.rows))
	for i := range w.rows {
		z[i], booklets[i] = fits[i].z(), w.rows[i].booklet
	}
	scales := scales(z, booklets, r.Wave)
	out := make([]Finding, len(w.rows))
	for i := range w.rows {
		f := w.finding(PersonFit, i)
		right, asked := w.score(i)
		switch s := scales[booklets[i]]; {
		case len(w.scored) == 0:
			out[i] = f.cannot(whyNoKey, 0)
		case asked < r.Items:
			out[i] = f.cannot(whyFewItems, asked)
		case right == 0 || right == asked:
			out[i] = f.cannot(whyAllAlike, asked)
		case s.why != "":
			out[i] = f.cannot(s.why, asked)
		default:
			pairs := float64(right * (asked - right))
			bound := fits[i].mean + (s.middle+r.Robust*s.sd)*fits[i].sd
			out[i] = f.judge(fits[i].errors/pairs, bound/pairs, fits[i].errors > bound, asked)
		}
	}
	return out, nil
}

// fit is a person's number of Guttman errors, with its mean and standard deviation given
// the number of right answers.
type fit struct{ errors, mean, sd float64 }

// z is the standardised number, NaN where there is none.
func (f fit) z() float64 {
	if !(f.sd > 0) {
		return math.NaN()
	}
	return (f.errors - f.mean) / f.sd
}

// fits returns the fit of every interview with at least least scored items, not all of
// them right and not all wrong; that of the others is empty.
func (w *Wave) fits(least int) []fit {
	order, odds := w.difficulties()
	known := map[string][]fit{} // by the items asked, then the number right
	out := make([]fit, len(w.rows))
	asked := make([]byte, len(w.scored))
	for i := range w.rows {
		codes, marks := w.answers(i), w.marks(i)
		errs, wrong, right := 0, 0, 0
		for n, j := range order {
			asked[n] = 1
			switch {
			case codes[w.scored[j]] == unasked:
				asked[n] = 0
			case marks[j]:
				errs += wrong
				right++
			default:
				wrong++
			}
		}
		if right+wrong < least || right == 0 || wrong == 0 {
			continue
		}
		if known[string(asked)] == nil {
			known[string(asked)] = expected(asked, odds)
		}
		out[i] = known[string(asked)][right]
		out[i].errors = float64(errs)
	}
	return out
}

// expected returns mean and standard deviation of the Guttman errors for each number of
// right answers to the items asked, the easiest first. The weights of the sets of r items
// add up to the elementary symmetric function γ(r) of the odds; beside it run the sums of
// weight times rank sum and its square.
func expected(asked []byte, odds []float64) []fit {
	type moments struct{ weight, first, second float64 }
	sums := []moments{{weight: 1}}
	for n, is := range asked {
		if is == 0 {
			continue
		}
		rank := float64(len(sums) - 1)
		sums = append(sums, moments{})
		for r := len(sums) - 1; r > 0; r-- {
			m := sums[r-1]
			sums[r].weight += odds[n] * m.weight
			sums[r].first += odds[n] * (m.first + rank*m.weight)
			sums[r].second += odds[n] * (m.second + 2*rank*m.first + rank*rank*m.weight)
		}
	}
	out := make([]fit, len(sums))
	for r, m := range sums {
		mean := m.first / m.weight
		out[r] = fit{mean: mean - float64(r*(r-1))/2, sd: math.Sqrt(max(0, m.second/m.weight-mean*mean))}
	}
	return out
}

// difficulties orders the scored items by the share of right answers among those asked, the
// easiest first and items with the same share as in the questionnaire, and returns their
// odds under the Rasch model in this order. They are the PROX estimates (Cohen 1979, British
// Journal of Mathematical and Statistical Psychology 32; Wright & Stone 1979, Best Test
// Design, ch. 2): logits of the shares, spread by what the variation of ability hides.
func (w *Wave) difficulties() (order []int, odds []float64) {
	right, asked := make([]float64, len(w.scored)), make([]float64, len(w.scored))
	var people []float64
	for i := range w.rows {
		codes, marks := w.answers(i), w.marks(i)
		for j, k := range w.scored {
			if codes[k] != unasked {
				asked[j]++
			}
			if marks[j] {
				right[j]++
			}
		}
		if r, n := w.score(i); n > 0 {
			people = append(people, half(float64(r), float64(n)))
		}
	}
	ease := make([]float64, len(w.scored))
	order = make([]int, len(w.scored))
	for j := range order {
		order[j], ease[j] = j, half(right[j], asked[j])
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ease[b], ease[a]) })
	ofPeople, ofItems := variation(people), variation(ease)
	expand := math.Sqrt((1 + ofPeople/2.89) / max(0.2, 1-ofPeople*ofItems/8.35))
	for _, j := range order {
		odds = append(odds, math.Exp(expand*ease[j]))
	}
	return order, odds
}

// half is the logit of k of n with half a case added on both sides.
func half(k, n float64) float64 { return math.Log((k + 0.5) / (n - k + 0.5)) }

// variation is the variance of x.
func variation(x []float64) float64 {
	var sum, squares float64
	n := float64(len(x))
	for _, v := range x {
		sum += v
		squares += v * v
	}
	return max(0, squares-sum*sum/n) / max(1, n-1)
}
