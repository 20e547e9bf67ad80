package analysis

import (
	"fmt"
	"math"
)

// WoodruffInterval is how the interval of F(q) is made before it is turned into one
// of the quantile q.
type WoodruffInterval string

// The intervals of F(q), as R survey 4.5 (svyquantile, interval.type).
const (
	WoodruffMean   WoodruffInterval = "mean"   // F ± t·SE (Woodruff 1952)
	WoodruffXLogit WoodruffInterval = "xlogit" // t·SE on the log odds, turned back
	WoodruffBeta   WoodruffInterval = "beta"   // Korn and Graubard's
	WoodruffAsin   WoodruffInterval = "asin"   // t·SE on the scale of arcsin √F
)

// QuantileSettings are the choices of a quantile; what is left out means the rule
// math and the interval mean.
type QuantileSettings struct {
	Rule     QuantileRule
	Interval WoodruffInterval
}

func (q QuantileSettings) orDefault() (QuantileSettings, error) {
	q.Rule, q.Interval = orElse(q.Rule, QuantileMath), orElse(q.Interval, WoodruffMean)
	switch q.Interval {
	case WoodruffMean, WoodruffXLogit, WoodruffBeta, WoodruffAsin:
	default:
		return q, fmt.Errorf("interval %q for quantiles is unknown; use %s, %s, %s or %s",
			string(q.Interval), WoodruffMean, WoodruffXLogit, WoodruffBeta, WoodruffAsin)
	}
	return q, q.Rule.check()
}

// method is the interval of a proportion that the interval of F(q) is made by.
func (q QuantileSettings) method() ProportionInterval {
	switch q.Interval {
	case WoodruffXLogit:
		return IntervalXLogit
	case WoodruffBeta:
		return IntervalBeta
	case WoodruffAsin:
		return IntervalAsin
	}
	return IntervalMean
}

// bounds is the interval of F(q); n is the number of people with a value.
func (q QuantileSettings) bounds(p, se, level, t float64, n int) (lo, hi float64) {
	if p >= 1 || p <= 0 {
		if q.Interval == WoodruffMean {
			return p, p // the SE is zero
		}
		return math.NaN(), math.NaN()
	}
	return q.method().bounds(p, se, level, t, audience{people: n})
}

// Quantile estimates the values below which the shares p of the population lie, over
// the people of the domain who have a value. The interval is Woodruff's: that of the
// share F(q), turned into values by the same rule as the estimate; SE is its length
// divided by 2t. Where the interval of F leaves 0 to 1 the bound is NaN, and so is
// the SE (R survey 4.5, svyquantile).
func (d *Design) Quantile(y []float64, in []bool, q QuantileSettings, p ...float64) ([]Estimate, error) {
	q, err := q.orDefault()
	if err != nil {
		return nil, err
	}
	if err := checkShares(p); err != nil {
		return nil, err
	}
	who, err := d.people(in, Variable{"variable", y})
	if err != nil {
		return nil, err
	}
	// As in R, those without a value are outside, also for the degrees of freedom.
	who.seen = who.inPSUs()
	return who.quantiles(y, q, p)
}

// quantiles estimates a quantile for each share.
func (p people) quantiles(y []float64, q QuantileSettings, shares []float64) ([]Estimate, error) {
	f := p.distribution(y, q.Rule)
	estimates := make([]Estimate, len(shares))
	for i, share := range shares {
		var err error
		if estimates[i], err = p.quantile(f, y, q, share); err != nil {
			return nil, err
		}
	}
	return estimates, nil
}

// checkShares checks the shares of quantiles.
func checkShares(p []float64) error {
	if len(p) == 0 {
		return fmt.Errorf("no share is given for the quantile; 0.5 is the median")
	}
	for _, x := range p {
		if !(x >= 0 && x <= 1) {
			return fmt.Errorf("a quantile of share %v does not exist; give shares between 0 and 1, 0.5 is the median", x)
		}
	}
	return nil
}

// distribution sorts the people by value and, within one, by row of the columns.
func (p people) distribution(y []float64, rule QuantileRule) distribution {
	d := p.design
	inside := make([]float64, d.rows) // weights by row, 0 outside
	for _, place := range p.places {
		inside[d.rowAt(int(place))] = p.weight[place]
	}
	values, weights := make([]float64, 0, len(p.places)), make([]float64, 0, len(p.places))
	for row, w := range inside {
		if w > 0 {
			values, weights = append(values, y[row]), append(weights, w)
		}
	}
	f := newDistribution(values, weights)
	if rule.discrete() {
		f = f.distinct()
	}
	return f
}

// quantile estimates one quantile.
func (p people) quantile(f distribution, y []float64, q QuantileSettings, share float64) (Estimate, error) {
	if p.n == 0 {
		return p.estimateOfNobody(), nil
	}
	value := f.quantile(share, q.Rule)
	reached := f.upTo(value)
	e, err := p.one(reached, func(row int) float64 {
		if y[row] <= value {
			return (1 - reached) / p.w
		}
		return -reached / p.w
	})
	if err != nil {
		return Estimate{}, err
	}
	return p.settings.judgedQuantile(e.asQuantile(f, q, value, e.t())), nil
}

// upTo is F(x), the share of the weights of values up to x.
func (f distribution) upTo(x float64) float64 {
	var reached float64
	for k, v := range f.value {
		if v > x {
			break
		}
		reached = f.below[k]
	}
	return reached / f.total()
}

// judgedQuantile adds the note on a wide interval.
func (s Settings) judgedQuantile(e Estimate) Estimate {
	return sample{settings: s}.judged(e, relativeWidth(e), s.WideRelative)
}

// asQuantile turns an estimate of F(value) into one of the quantile.
func (e Estimate) asQuantile(f distribution, q QuantileSettings, value, t float64) Estimate {
	lo, hi := q.bounds(e.Value, e.SE, e.Level, t, e.N)
	e.Value = value
	e.Lo, e.Hi = f.quantile(lo, q.Rule), f.quantile(hi, q.Rule)
	e.SE = (e.Hi - e.Lo) / (2 * t)
	e.DEff, e.DEffWOR = math.NaN(), math.NaN()
	return e
}
