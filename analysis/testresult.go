package analysis

import (
	"math"
	"slices"
)

// Test is a design-based test of a hypothesis.
type Test struct {
	// Method names the test and the reference distribution.
	Method string
	// Statistic is compared with the reference distribution: F with DF1 and DF2 degrees
	// of freedom, chi-square with DF1 when DF2 is infinite, t with DF2 when it is a t
	// test (then DF1 is 1). P is the probability of a statistic at least as extreme when
	// the hypothesis is true; it is exact far out in the tail.
	Statistic, DF1, DF2, P float64
	// ChiSquare is the statistic of Pearson, or of the likelihood ratio, before it was
	// corrected for the design; NaN in tests that have none.
	ChiSquare float64
	// Weights are those of the sum of chi-squares with one degree of freedom that
	// ChiSquare is distributed as under the design, the largest first; in a simple random
	// sample they are all 1. nil in tests that have none.
	Weights []float64
	// N is how many respondents the test rests on.
	N     int
	Notes []Note
}

// Test compares an estimate with a value: t = (estimate − value)/SE on the degrees of
// freedom of the estimate. It fits estimates with an interval ± t·SE, such as means and
// contrasts. P is NaN without degrees of freedom or standard error.
func (e Estimate) Test(value float64) Test {
	t := Test{Method: "design-based t test", Statistic: (e.Value - value) / e.SE, DF1: 1, DF2: e.DF,
		ChiSquare: math.NaN(), N: e.N, Notes: slices.Clone(e.Notes)}
	t.P = tTail(t.Statistic, t.DF2)
	return t
}

// tTail is the probability that a t variable is further from zero than t: t² is F with
// 1 and df degrees of freedom.
func tTail(t, df float64) float64 {
	if math.IsInf(df, 1) {
		return math.Erfc(math.Abs(t) / math.Sqrt2)
	}
	return fTail(t*t, 1, df)
}

// Holm adjusts the P values of a family of tests so that, whichever hypotheses are
// true, a true one is rejected with no more than the level in all (Holm 1979): with
// p(1) ≤ … ≤ p(m) the adjusted p(i) is the largest min(1, (m−j+1)·p(j)) of j ≤ i. NaN
// stays NaN and is no member of the family. The result is in the order given.
func Holm(p []float64) []float64 {
	order, adjusted := sortedFamily(p)
	m, most := len(order), 0.0
	for i, k := range order {
		most = max(most, min(1, float64(m-i)*p[k]))
		adjusted[k] = most
	}
	return adjusted
}

// BenjaminiHochberg adjusts the P values of a family of tests so that of the
// hypotheses rejected no larger share than the level is expected to be true (Benjamini
// and Hochberg 1995): the adjusted p(i) is the smallest min(1, m·p(j)/j) of j ≥ i. NaN
// stays NaN and is no member of the family. The result is in the order given.
func BenjaminiHochberg(p []float64) []float64 {
	order, adjusted := sortedFamily(p)
	m, least := len(order), 1.0
	for i, k := range slices.Backward(order) {
		least = min(least, float64(m)*p[k]/float64(i+1))
		adjusted[k] = least
	}
	return adjusted
}

// sortedFamily are the places of the P values there are, the smallest first, and a
// result of NaN to write into.
func sortedFamily(p []float64) (order []int, adjusted []float64) {
	adjusted = make([]float64, len(p))
	for k, x := range p {
		adjusted[k] = math.NaN()
		if !isMissing(x) {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	return order, adjusted
}
