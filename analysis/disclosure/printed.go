package disclosure

import "math"

// Counts bounds how many of n respondents have an outcome whose printed unweighted rate
// (a proportion) is a percentage with some decimals: every k with |k/n − rate| ≤ half a
// unit of the last decimal. Below about 100·10^decimals respondents there is one such k,
// so a rate and its n are a count, and Cell.Outcomes counts as printed. A weighted rate
// gives the count away less, but is treated alike. lo > hi if no count fits.
func Counts(rate float64, decimals, n int) (lo, hi int) {
	half := 0.5 * math.Pow(10, -float64(decimals)-2)
	const slack = 1e-9 // of a respondent, for the arithmetic
	lo = int(math.Ceil(float64(n)*(rate-half) - slack))
	hi = int(math.Floor(float64(n)*(rate+half) + slack))
	return max(0, lo), min(n, hi)
}
