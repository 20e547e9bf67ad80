package weighting

import (
	"fmt"
	"math"
)

// Distance is what a calibration keeps small between the weights before and after. It
// decides how the factor g of a weight depends on the auxiliary variables.
type Distance string

// The distances of Deville and Särndal (1992), by the factors that they lead to.
const (
	// Linear is the chi-square distance of the generalised regression estimator:
	// g = 1 + u. It always has a solution, in which weights can become negative.
	Linear Distance = "linear"
	// Raking is the entropy distance, g = exp(u): no weight becomes negative, but some
	// may become large. With margins alone it gives the weights of Rake.
	Raking Distance = "raking"
	// Logit keeps the factors between Lower and Upper, smoothly:
	//	g = (L(U−1) + U(1−L)e^(Au)) / (U−1 + (1−L)e^(Au)),  A = (U−L)/((1−L)(U−1))
	Logit Distance = "logit"
	// Truncated is Linear with the factors cut off at Lower and Upper.
	Truncated Distance = "truncated"
)

// Metric is how a calibration measures the change of the weights.
type Metric struct {
	// Distance is Linear when it is left empty.
	Distance Distance
	// Lower and Upper bound the factors by which Logit and Truncated multiply weights:
	// 0 ≤ Lower < 1 < Upper. Factors are taken of the weights as they were given: where
	// these do not add up to the population, use Normalise first.
	Lower, Upper float64
	// Spread is the working variance q of each row, up to a factor; nil means 1. With
	// Linear, one total and Spread equal to its variable, the factor is the same for
	// everybody: the ratio estimator.
	Spread []float64
}

// check lists the faults for n respondents.
func (m Metric) check(w []float64) error {
	switch m.Distance {
	case Linear, Raking:
		if m.Lower != 0 || m.Upper != 0 {
			return fmt.Errorf("distance %q keeps no bounds; use %q or %q, or leave Lower and Upper out", m.Distance, Logit, Truncated)
		}
	case Logit, Truncated:
		if !(m.Lower >= 0 && m.Lower < 1 && m.Upper > 1) || math.IsInf(m.Upper, 1) {
			return fmt.Errorf("factors from %v to %v: bounds must hold 0 ≤ Lower < 1 < Upper, so that a weight may stay as it is", m.Lower, m.Upper)
		}
	default:
		return fmt.Errorf("distance %q is unknown; use %q, %q, %q or %q", m.Distance, Linear, Raking, Logit, Truncated)
	}
	if m.Spread == nil {
		return nil
	}
	if len(m.Spread) != len(w) {
		return fmt.Errorf("%d working variances for %d weights; give one for each, or none", len(m.Spread), len(w))
	}
	for i, q := range m.Spread {
		if w[i] > 0 && !(q > 0 && !math.IsInf(q, 1)) {
			return fmt.Errorf("the working variance of row %d is %v; it must be above zero", i, q)
		}
	}
	return nil
}

// bounded says whether the factors have bounds, so that totals may be out of reach.
func (m Metric) bounded() bool { return m.Distance == Logit || m.Distance == Truncated }

// A curve gives the factor g at u, its slope, and its integral from 0.
type curve func(u float64) (integral, g, slope float64)

// curve of the metric.
func (m Metric) curve() curve {
	switch m.Distance {
	case Raking:
		return func(u float64) (float64, float64, float64) {
			e := math.Exp(u)
			return math.Expm1(u), e, e
		}
	case Logit:
		return logit(m.Lower, m.Upper)
	case Truncated:
		return truncated(m.Lower, m.Upper)
	}
	return func(u float64) (float64, float64, float64) { return u + u*u/2, 1 + u, 1 }
}

// logit is written with a = U−1, b = 1−L and p = b e^(Au)/(a + b e^(Au)), so that nothing
// overflows: g = L + (U−L)p and A = (a+b)/(ab).
func logit(lower, upper float64) curve {
	a, b := upper-1, 1-lower
	rate := (a + b) / (a * b)
	return func(u float64) (float64, float64, float64) {
		x := rate * u
		var p, rest, log float64 // rest = 1−p, log = ln((a + b e^x)/(a + b))
		if x > 0 {
			e := math.Exp(-x)
			p, rest = b/(b+a*e), a*e/(b+a*e)
			log = x + math.Log((b+a*e)/(a+b))
		} else {
			e := math.Exp(x)
			p, rest = b*e/(a+b*e), a/(a+b*e)
			log = math.Log((a + b*e) / (a + b))
		}
		return lower*u + a*b*log, lower + (a+b)*p, (a + b) * rate * p * rest
	}
}

func truncated(lower, upper float64) curve {
	return func(u float64) (float64, float64, float64) {
		switch {
		case u > upper-1:
			return upper*u - (upper-1)*(upper-1)/2, upper, 0
		case u < lower-1:
			return lower*u - (lower-1)*(lower-1)/2, lower, 0
		}
		return u + u*u/2, 1 + u, 1
	}
}
