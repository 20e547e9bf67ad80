package analysis

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ProportionInterval is how the interval of a proportion is made.
type ProportionInterval string

// The intervals of proportions, as R survey 4.5 (svyciprop) names them. p is the
// proportion, v its variance, t the quantile of Student's t and n* = p(1−p)/v the
// effective number of respondents. When everybody gave the same answer every method
// but mean, whose interval then has no width, gives way to that of Clopper and Pearson
// with n* = n (Parker et al. 2017); R has no answer there. When answers differ but SE is
// 0, every interval is p itself and the estimate carries ZeroVariance. Close to 0 and 1
// all are too short now and then, mean and asin most often; beta and wilson are the
// careful ones.
const (
	IntervalLogit      ProportionInterval = "logit"      // t·SE on the log odds, turned back
	IntervalXLogit     ProportionInterval = "xlogit"     // the same by the delta method: without replicates the same
	IntervalMean       ProportionInterval = "mean"       // p ± t·SE (Wald)
	IntervalAsin       ProportionInterval = "asin"       // t·SE on the scale of arcsin √p
	IntervalWilson     ProportionInterval = "wilson"     // Wilson's score interval with n*
	IntervalBeta       ProportionInterval = "beta"       // Korn and Graubard 1998: Clopper-Pearson with n*·(t_{n−1}/t)²
	IntervalLikelihood ProportionInterval = "likelihood" // binomial likelihood ratio, scaled (Rao and Scott 1984)
)

func (m ProportionInterval) check() error {
	switch m {
	case IntervalLogit, IntervalXLogit, IntervalMean, IntervalAsin, IntervalWilson, IntervalBeta, IntervalLikelihood:
		return nil
	}
	return fmt.Errorf("interval %q for proportions is unknown; use %s, %s, %s, %s, %s, %s or %s", string(m),
		IntervalLogit, IntervalXLogit, IntervalMean, IntervalAsin, IntervalWilson, IntervalBeta, IntervalLikelihood)
}

// audience is who a proportion was seen among.
type audience struct {
	people int     // of the domain, with a value or without
	valued int     // with a value
	scaled float64 // Σw of those, with the weights scaled to 1 on the average over all people
}

// bounds are the limits of a proportion p strictly between 0 and 1 with a standard
// error; t is the quantile of Student's t for the level. They do not exist when one of
// these does not.
func (m ProportionInterval) bounds(p, se, level, t float64, a audience) (lo, hi float64) {
	switch {
	case math.IsNaN(se) || math.IsNaN(t):
		return math.NaN(), math.NaN()
	case se <= sameAnswer:
		return p, p
	}
	effective := p * (1 - p) / (se * se)
	switch m {
	case IntervalMean:
		return p - t*se, p + t*se
	case IntervalAsin:
		x, d := math.Asin(math.Sqrt(p)), t*se/(2*math.Sqrt(p*(1-p)))
		return squaredSine(x - d), squaredSine(x + d)
	case IntervalWilson:
		return wilson(p, effective, t)
	case IntervalBeta:
		u := tQuantile(level, float64(a.people-1)) / t
		return beta(p, effective*u*u, level)
	case IntervalLikelihood:
		return likelihood(p, effective, a.scaled, a.valued, t)
	}
	return logit(p, se, t)
}

// squaredSine turns an angle back into a proportion.
func squaredSine(x float64) float64 {
	s := math.Sin(x)
	return s * s
}

// wilson is the interval of all q with |p − q| ≤ t √(q(1−q)/n) (Wilson 1927).
func wilson(p, n, t float64) (lo, hi float64) {
	centre := (p + t*t/(2*n)) / (1 + t*t/n)
	half := t / (1 + t*t/n) * math.Sqrt(p*(1-p)/n+t*t/(4*n*n))
	return centre - half, centre + half
}

// beta is the interval of Clopper and Pearson for np successes among n, which need
// not be whole numbers.
func beta(p, n, level float64) (lo, hi float64) {
	if math.IsNaN(n) {
		return math.NaN(), math.NaN()
	}
	tail := (1 - level) / 2
	if p > 0 {
		lo = betaQuantile(tail, n*p, n*(1-p)+1)
	}
	hi = 1
	if p < 1 {
		hi = 1 - betaQuantile(tail, n*(1-p), n*p+1)
	}
	return lo, hi
}

// betaQuantile is the x with I_x(a, b) = p, the incomplete beta function: the
// library's, and one step of bisection after the other where that is not exact.
func betaQuantile(p, a, b float64) float64 {
	return solve(0, 1, func(x float64) float64 { return mathext.RegIncBeta(a, b, x) - p })
}

// solve finds the zero of a function that rises from below zero at lo to above zero
// at hi, by bisection to the last bit.
func solve(lo, hi float64, f func(float64) float64) float64 {
	for {
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			return mid
		}
		if f(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
}

// sameAnswer is the share of the weights below which a difference is rounding: sums
// of a database may come in another order.
const sameAnswer = 1e-12

// checkShare makes sure that a variable has only zeros and ones: only for them does the
// sum of squares equal the sum itself.
func (s Sum) checkShare() error {
	if d := math.Abs(s.WY - s.WY2); d > sameAnswer*s.W || s.WY < 0 || s.WY > s.W*(1+sameAnswer) {
		return fmt.Errorf("%w, but Σwy is %v and Σwy² is %v; use Mean", errShare, s.WY, s.WY2)
	}
	return nil
}

// errShare is a variable with other values than zeros and ones.
var errShare = errors.New("a proportion needs zeros and ones")

// proportion gives an estimate the interval and the notes of a proportion. people is
// how many there are in the domain, with a value or without, and weighted the sum of
// their weights: R counts them in the intervals beta and likelihood. t is the quantile of
// Student's t.
func (s Settings) proportion(e Estimate, t float64, people int, weighted float64) Estimate {
	switch {
	case e.Value < sameAnswer:
		e = s.unanimous(e, 0)
	case e.Value > 1-sameAnswer:
		e = s.unanimous(e, 1)
	default:
		e.Lo, e.Hi = s.Interval.bounds(e.Value, e.SE, e.Level, t,
			audience{people, e.N, float64(people) * e.Weighted / weighted})
		if e.SE <= sameAnswer {
			e.Notes = append(e.Notes, Note{Code: ZeroVariance})
		}
	}
	if w := e.Hi - e.Lo; w > s.WideInterval {
		e.Notes = append(e.Notes, Note{Code: WideInterval, Value: w})
	}
	if s.Standard == StandardNCHS2017 {
		e.Notes = append(e.Notes, Present(e).Notes()...)
	}
	return e
}

// unanimous is the estimate of a proportion when everybody answered alike.
func (s Settings) unanimous(e Estimate, p float64) Estimate {
	e.Value, e.SE, e.DEff, e.DEffWOR = p, 0, math.NaN(), math.NaN()
	if s.Interval == IntervalMean {
		e.Lo, e.Hi = p, p
	} else {
		e.Lo, e.Hi = clopperPearson(p, e.N, e.Level)
	}
	e.Notes = append(e.Notes, Note{Code: NoVariation, Value: p})
	return e
}
