package sampling

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Quantile is the quantile of the standard normal distribution for a two-sided
// confidence level such as 0.95.
func Quantile(confidence float64) float64 {
	return distuv.UnitNormal.Quantile((1 + confidence) / 2)
}

// Goal is what the estimate of a proportion must reach. N is the number of people, +Inf
// when it is large. The sizes are those of a simple random sample and are not whole;
// multiply by the design effect and divide by the response rate.
type Goal struct {
	P          float64 // the expected proportion, above 0 and below 1
	N          float64
	Confidence float64 // of the interval, such as 0.95
}

// check says what is wrong with a goal and the bound it is to reach.
func (g Goal) check(bound float64) error {
	switch {
	case !(g.P > 0 && g.P < 1):
		return fmt.Errorf("the proportion is %v; it must be above 0 and below 1", g.P)
	case !(g.N > 1):
		return fmt.Errorf("the population is %v; it must be above 1", g.N)
	case !(bound > 0):
		return fmt.Errorf("the bound is %v; it must be above 0", bound)
	}
	return nil
}

// checkInterval checks the confidence and the half-width as well.
func (g Goal) checkInterval(half float64) error {
	switch {
	case !(g.Confidence > 0 && g.Confidence < 1):
		return fmt.Errorf("the confidence is %v; it must be above 0 and below 1", g.Confidence)
	case !(half < 0.5):
		return fmt.Errorf("the half-width is %v; it must be below 0.5", half)
	}
	return g.check(half)
}

// spread solves bound² = v (1/n)(N−n)/(N−1) for n: v N/(N−1) / (bound² + v/(N−1)).
func (g Goal) spread(v, bound float64) float64 {
	if math.IsInf(g.N, 1) {
		return v / (bound * bound)
	}
	return v * g.N / (g.N - 1) / (bound*bound + v/(g.N-1))
}

// ForCV is the size for a coefficient of variation, SE/p, of at most cv (Cochran 1977,
// sec. 4.4; R's PracTools::nProp).
func (g Goal) ForCV(cv float64) (float64, error) {
	return g.spread((1-g.P)/g.P, cv), g.check(cv)
}

// ForMargin is the size for the half-width of the interval p ± z·SE (Cochran 1977,
// sec. 4.4; PracTools::nPropMoe).
func (g Goal) ForMargin(half float64) (float64, error) {
	z := Quantile(g.Confidence)
	return g.spread(z*z*g.P*(1-g.P), half), g.checkInterval(half)
}

// ForRelativeMargin is the size for a half-width of share·p.
func (g Goal) ForRelativeMargin(share float64) (float64, error) {
	z := Quantile(g.Confidence)
	return g.spread(z*z*(1-g.P)/g.P, share), g.checkInterval(share * g.P)
}

// ForLogOddsMargin is the size for half the width of the interval that is symmetric on
// the log odds, where the limits are o e^{±L}/(1 + o e^{±L}) with L = z·SE: e^L solves
// x²(1−2e) − 2e(p/q + q/p)x − (1+2e) = 0, and n = 1/(L²pq/z² · N/(N−1) + 1/N) (Valliant,
// Dever and Kreuter 2018, sec. 3.2.2; PracTools::nLogOdds, with its finite correction).
func (g Goal) ForLogOddsMargin(half float64) (float64, error) {
	if err := g.checkInterval(half); err != nil {
		return math.NaN(), err
	}
	q := 1 - g.P
	c := half * (g.P/q + q/g.P)
	x := (c + math.Sqrt(c*c+1-4*half*half)) / (1 - 2*half)
	v := math.Pow(math.Log(x)/Quantile(g.Confidence), 2) * g.P * q
	if math.IsInf(g.N, 1) {
		return 1 / v, nil
	}
	return 1 / (v*g.N/(g.N-1) + 1/g.N), nil
}

// ForWilsonMargin is the size for half the width of Wilson's interval,
// z/(1+z²/n)·√(pq/n + z²/4n²) = e, in a large population whatever N is: the root of
// e²n² + (2z²e² − z²pq)n + z⁴(e² − ¼) = 0 (PracTools::nWilson).
func (g Goal) ForWilsonMargin(half float64) (float64, error) {
	if err := g.checkInterval(half); err != nil {
		return math.NaN(), err
	}
	z := Quantile(g.Confidence)
	k, e := z*z, half*half
	b := k*g.P*(1-g.P) - 2*k*e
	return max(0, (b+math.Sqrt(b*b-4*e*k*k*(e-0.25)))/(2*e)), nil
}

// MeanForCV is the size for a coefficient of variation of a mean of at most cv, when
// people have the coefficient unit: unit²/(cv² + unit²/N) (PracTools::nCont).
func MeanForCV(cv, unit, population float64) (float64, error) {
	if !(cv > 0 && unit > 0 && population > 0) {
		return math.NaN(), fmt.Errorf("cv is %v, that of people %v, the population %v; all must be above 0", cv, unit, population)
	}
	return unit * unit / (cv*cv + unit*unit/population), nil
}

// TwoProportions is the size of each of two independent simple random samples in which a
// two-sided test at level alpha finds the difference of p1 and p2 with the power given:
// (z_{α/2}√(2p̄q̄) + z_power√(p1q1 + p2q2))²/(p1−p2)², pooled under the hypothesis (Fleiss
// 1981, sec. 3.2; R's power.prop.test).
func TwoProportions(p1, p2, alpha, power float64) (float64, error) {
	for _, p := range []float64{p1, p2, alpha, power} {
		if !(p > 0 && p < 1) {
			return math.NaN(), fmt.Errorf("%v must be above 0 and below 1", p)
		}
	}
	if p1 == p2 {
		return math.NaN(), fmt.Errorf("both proportions are %v; no sample finds a difference between them", p1)
	}
	mean := (p1 + p2) / 2
	x := Quantile(1-alpha)*math.Sqrt(2*mean*(1-mean)) +
		distuv.UnitNormal.Quantile(power)*math.Sqrt(p1*(1-p1)+p2*(1-p2))
	return x * x / ((p1 - p2) * (p1 - p2)), nil
}

// TwoStage is a sample of PSUs and of units within them.
type TwoStage struct {
	PSUs, PerPSU float64 // not whole
	CV           float64 // of the mean
}

// Clustering is what the best sizes of a two-stage sample depend on.
type Clustering struct {
	PSUCost, UnitCost float64 // of a PSU, and of a unit in it
	Delta             float64 // homogeneity within PSUs, above 0 and below 1
	UnitRelvar, K     float64 // relvariance of units, and PracTools' ratio k, mostly 1
}

// ForCost is the sample with the least variance for a total cost of m(C1 + C2 n̄):
// n̄ = √(C1/C2·(1−δ)/δ), m = C/(C1 + C2 n̄), CV² = V k(1 + δ(n̄−1))/(m n̄) (Hansen, Hurwitz
// and Madow 1953, vol. I, ch. 6; PracTools::clusOpt2).
func (c Clustering) ForCost(total float64) (TwoStage, error) {
	if !(c.PSUCost > 0 && c.UnitCost > 0 && total > 0 && c.Delta > 0 && c.Delta < 1) {
		return TwoStage{}, fmt.Errorf("costs must be above 0 and the homogeneity between 0 and 1; they are %v, %v, %v and %v",
			c.PSUCost, c.UnitCost, total, c.Delta)
	}
	n := math.Sqrt(c.PSUCost / c.UnitCost * (1 - c.Delta) / c.Delta)
	m := total / (c.PSUCost + c.UnitCost*n)
	return TwoStage{m, n, math.Sqrt(c.UnitRelvar * c.K * (1 + c.Delta*(n-1)) / (m * n))}, nil
}
