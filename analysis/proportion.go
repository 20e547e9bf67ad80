package analysis

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// ProportionInterval is how the interval of a proportion is made.
type ProportionInterval string

// The intervals of proportions, as R survey 4.5 (svyciprop) names them. p is the
// proportion, v its variance, t the quantile of Student's t and n* = p(1−p)/v the
// effective number of respondents. When everybody gave the same answer every method
// gives way to the interval of Clopper and Pearson with n* = n (Parker et al. 2017);
// R has no answer there. Close to 0 and 1 all are too short now and then, mean and
// asin most often; beta and wilson are the careful ones.
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

// bounds are the limits of a proportion p strictly between 0 and 1 with a standard
// error, seen among n respondents with df degrees of freedom.
func (m ProportionInterval) bounds(p, se, level, df float64, n int) (lo, hi float64) {
	if !(se > 0) {
		return p, p
	}
	t := tQuantile(level, df)
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
		u := tQuantile(level, float64(n-1)) / t
		return beta(p, effective*u*u, level)
	case IntervalLikelihood:
		return likelihood(p, effective*float64(n-1)/float64(n), t)
	}
	return logit(p, se, level, df)
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

// likelihood is the interval of all q with 2n·(p log(p/q) + (1−p) log((1−p)/(1−q))) ≤ t².
func likelihood(p, n, t float64) (lo, hi float64) {
	if math.IsNaN(t) {
		return t, t
	}
	excess := func(q float64) float64 {
		return 2*n*(p*math.Log(p/q)+(1-p)*math.Log((1-p)/(1-q))) - t*t
	}
	lo = solve(0, p, func(q float64) float64 { return -excess(q) })
	return lo, solve(p, 1, excess)
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

// proportion gives an estimate the interval and the notes of a proportion. people is
// how many there are in the domain, with a value or without: R's n, which the
// interval of Korn and Graubard needs.
func (s Settings) proportion(e Estimate, people int) Estimate {
	switch {
	case e.Value < sameAnswer:
		e = e.unanimous(0)
	case e.Value > 1-sameAnswer:
		e = e.unanimous(1)
	default:
		e.Lo, e.Hi = s.Interval.bounds(e.Value, e.SE, e.Level, e.DF, people)
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
func (e Estimate) unanimous(p float64) Estimate {
	e.Value, e.SE, e.DEff, e.DEffWOR = p, 0, math.NaN(), math.NaN()
	e.Lo, e.Hi = clopperPearson(p, e.N, e.Level)
	e.Notes = append(e.Notes, Note{Code: NoVariation, Value: p})
	return e
}
