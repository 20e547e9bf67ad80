package analysis

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// A chiSquareSum is the distribution of Σ λ_i χ²_i for independent chi-squares with one
// degree of freedom, divided by an independent χ²_df/df when df is finite: that of
// Pearson's statistic under a design (Rao and Scott 1981, 1984), with the uncertainty
// of the estimated covariance in the divisor (Lumley and Scott 2014).
type chiSquareSum struct {
	weights []float64 // λ, positive
	df      float64   // infinite for none
}

// smallestWeight is the share of the largest weight that every weight is taken to have
// at least: it bounds the work, and moves no tail by more than half of that share of
// itself for each weight below. Weights under negligibleWeight are rounding of zero.
const (
	smallestWeight   = 1e-4
	negligibleWeight = 1e-12
)

// newChiSquareSum leaves out weights that are zero.
func newChiSquareSum(weights []float64, df float64) chiSquareSum {
	q := chiSquareSum{df: df}
	if len(weights) == 0 {
		return q
	}
	largest := slices.Max(weights)
	for _, w := range weights {
		if w > negligibleWeight*largest {
			q.weights = append(q.weights, max(w, smallestWeight*largest))
		}
	}
	return q
}

// tail is the probability of more than x. A sum of weighted chi-squares is a mixture of
// chi-squares with m, m+2, m+4, … degrees of freedom, all multiplied by the smallest
// weight β (Ruben 1962; Farebrother 1984, AS 204):
//
//	P = Σ_k c_k P(β χ²_{m+2k} > x),  Σ_k c_k z^k = Π_i √(β/λ_i) (1 − (1−β/λ_i) z)^{−½}
//
// Every term is positive, so that P has nine right digits or more however far out; each
// chi-square tail becomes that of an F when there is a divisor.
func (q chiSquareSum) tail(x float64) float64 {
	if len(q.weights) == 0 || isMissing(x) {
		return math.NaN()
	}
	if x <= 0 {
		return 1
	}
	m := newMixture(q.weights)
	t := newTails(float64(len(q.weights)), x/m.smallest, q.df)
	sum, before := 0.0, 0.0
	for range maxTerms {
		term := product(m.coefficient, t.probability)
		sum += term
		// The terms fall at last as those of a geometric series.
		if r := term / before; r < 1 && term*r/(1-r) <= sum*1e-16 || term == 0 && (m.coefficient.x == 0 || t.probability.atLeast(0.5)) {
			break
		}
		before = term
		m.next()
		t.next()
	}
	return min(sum, 1)
}

// maxTerms is more than a tail can need whose logarithm a number can hold.
const maxTerms = 1 << 26

// A scaled number is x·e^shift, for factors that are too small for a number while their
// product is not.
type scaled struct{ x, shift float64 }

// rescale keeps x within what a number can hold, and multiplies others with the same.
func (s *scaled) rescale(others ...*float64) {
	const far = 1e200
	if s.shift == 0 || s.x < far {
		return
	}
	down := math.Min(math.Log(far), -s.shift)
	factor := math.Exp(-down)
	s.shift += down
	if s.shift > -1e-9 {
		s.shift = 0
	}
	s.x *= factor
	for _, o := range others {
		*o *= factor
	}
}

// atLeast says whether the number is, for one that is scaled only while it is tiny.
func (s scaled) atLeast(x float64) bool { return s.shift == 0 && s.x >= x }

func product(a, b scaled) float64 {
	if a.shift == 0 && b.shift == 0 {
		return a.x * b.x
	}
	return math.Exp(math.Log(a.x) + math.Log(b.x) + a.shift + b.shift)
}

// A mixture walks through the coefficients c_k.
type mixture struct {
	smallest    float64
	coefficient scaled
	ratio, sums []float64 // 1−β/λ_i, and Σ_{j<k} ratio^{k−j} c_j
	k           int
}

func newMixture(weights []float64) *mixture {
	m := &mixture{smallest: slices.Min(weights), coefficient: scaled{x: 1}}
	for _, w := range weights {
		m.coefficient.shift += math.Log(m.smallest/w) / 2
		m.ratio = append(m.ratio, 1-m.smallest/w)
	}
	if m.coefficient.shift > -500 {
		m.coefficient = scaled{math.Exp(m.coefficient.shift), 0}
	}
	m.sums = make([]float64, len(weights))
	return m
}

// next follows from the derivative of the logarithm of the generating function:
// k·c_k = ½ Σ_i Σ_{j<k} ratio_i^{k−j} c_j.
func (m *mixture) next() {
	m.k++
	var sum float64
	for i, r := range m.ratio {
		m.sums[i] = r * (m.sums[i] + m.coefficient.x)
		sum += m.sums[i]
	}
	m.coefficient.x = sum / (2 * float64(m.k))
	if m.coefficient.shift != 0 && m.coefficient.x > 1e200 {
		before := m.coefficient.x
		m.coefficient.rescale()
		for i := range m.sums {
			m.sums[i] *= m.coefficient.x / before
		}
	}
}

// tails walks through P(χ²_a > x), or P(χ²_a/(χ²_df/df) > x), for a, a+2, a+4, …
type tails struct {
	probability scaled
	step        float64 // to the next, scaled alike
	a           float64 // half the degrees of freedom
	x, df       float64
}

func newTails(n, x, df float64) *tails {
	t := &tails{a: n / 2, x: x, df: df}
	logStep := t.logStep()
	if logStep < -500 { // what is below the first step is lost in those that matter
		t.probability.shift, t.step = logStep, 1
		return t
	}
	t.step = math.Exp(logStep)
	if math.IsInf(df, 1) {
		t.probability.x = mathext.GammaIncRegComp(t.a, x/2)
	} else {
		t.probability.x = mathext.RegIncBeta(df/2, t.a, df/(df+x))
	}
	return t
}

// logStep is the logarithm of the difference of two neighbours: x^a e^{−x}/Γ(a+1) at
// x/2, or the beta's (1−y)^a y^b/(a·B(a, b)) with b = df/2 and y = df/(df+x).
func (t *tails) logStep() float64 {
	lgamma, _ := math.Lgamma(t.a + 1)
	if math.IsInf(t.df, 1) {
		return t.a*math.Log(t.x/2) - t.x/2 - lgamma
	}
	b := t.df / 2
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(t.a + b)
	return -t.a*math.Log1p(t.df/t.x) - b*math.Log1p(t.x/t.df) + lab - lgamma - lb
}

// next adds the step, and the step to the next follows.
func (t *tails) next() {
	t.probability.x += t.step
	if t.probability.shift == 0 {
		t.probability.x = min(t.probability.x, 1)
	}
	t.a++
	if math.IsInf(t.df, 1) {
		t.step *= t.x / 2 / t.a
	} else {
		t.step *= (t.a - 1 + t.df/2) / t.a * t.x / (t.df + t.x)
	}
	t.probability.rescale(&t.step)
}

// twoMoments approximates the tail by a scaled chi-square, or F, with the same mean and
// variance (Satterthwaite 1946): with d = (Σλ)²/Σλ²,
//
//	P(Σ λ_i χ²_i > x) ≈ P(F_{d, df} > x/Σλ)
func twoMoments(weights []float64, x, df float64) (statistic, df1, p float64) {
	var sum, squares float64
	for _, w := range weights {
		sum += w
		squares += w * w
	}
	statistic, df1 = x/sum, sum*sum/squares
	return statistic, df1, fTail(statistic, df1, df)
}

// saddlepoint approximates the tail with the cumulants of Σ λ_i χ²_i − x·χ²_df/df, which
// is positive when the quotient is larger than x (Kuonen 1999, after Lugannani and Rice
// 1980), as R survey 4.5 does: df is cut to a whole number there, but for the factor
// x/df, and near the middle, where the formula is 0/0, two moments take its place.
func (q chiSquareSum) saddlepoint(x float64) float64 {
	weights, counts, at := slices.Clone(q.weights), make([]float64, 0, len(q.weights)+1), x
	for range weights {
		counts = append(counts, 1)
	}
	if !math.IsInf(q.df, 1) {
		weights, counts, at = append(weights, -x/q.df), append(counts, math.Floor(q.df)), 0
	}
	largest := slices.Max(weights)
	for i := range weights {
		weights[i] /= largest
	}
	k := cumulants{weights, counts, at / largest}
	zeta := k.saddle()
	if math.Abs(zeta) < 1e-4 {
		_, _, p := twoMoments(q.weights, x, q.df)
		return p
	}
	w := math.Copysign(math.Sqrt(2*(zeta*k.x-k.value(zeta))), zeta)
	v := zeta * math.Sqrt(k.second(zeta))
	return math.Erfc((w+math.Log(v/w)/w)/math.Sqrt2) / 2
}

// cumulants is the logarithm K(ζ) = −½ Σ n_i log(1 − 2ζλ_i) of the moment generating
// function of a sum, with the largest λ equal to 1, and the point x of interest.
type cumulants struct {
	weights, counts []float64
	x               float64
}

func (k cumulants) value(zeta float64) float64 {
	var sum float64
	for i, w := range k.weights {
		sum -= k.counts[i] * math.Log1p(-2*zeta*w) / 2
	}
	return sum
}

func (k cumulants) first(zeta float64) float64 {
	var sum float64
	for i, w := range k.weights {
		sum += k.counts[i] * w / (1 - 2*zeta*w)
	}
	return sum
}

func (k cumulants) second(zeta float64) float64 {
	var sum float64
	for i, w := range k.weights {
		r := w / (1 - 2*zeta*w)
		sum += 2 * k.counts[i] * r * r
	}
	return sum
}

// saddle solves K′(ζ) = x. K′ grows over the interval where K exists, from below x to
// infinity.
func (k cumulants) saddle() float64 {
	low, high := math.Inf(-1), 0.5
	for _, w := range k.weights {
		if w < 0 {
			low = max(low, 1/(2*w))
		}
	}
	if math.IsInf(low, -1) {
		low = -1
		for k.first(low) > k.x {
			low *= 2
		}
	}
	for range 200 {
		middle := (low + high) / 2
		if middle <= low || middle >= high {
			break
		}
		if k.first(middle) < k.x {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
