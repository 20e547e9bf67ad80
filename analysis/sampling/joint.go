package sampling

import "fmt"

// SimplePair is the probability that two given units are both drawn by simple random
// sampling, n(n−1)/(N(N−1)).
func SimplePair(population, n int) float64 {
	if population < 2 {
		return 0
	}
	big, small := float64(population), float64(n)
	return small * (small - 1) / (big * (big - 1))
}

// SampfordPairs returns the probabilities that units of a list are both drawn by
// Sampford's method, for the units at the places given: a row and a column for each, and
// on the diagonal the probability of the unit itself. Samples have P(s) ∝ Πλ_k·Σ(1−π_k)
// over their units, λ = π/(1−π). With S_m the sum of Πλ over all sets of m units, T_m
// that of Πλ·Σ(1−π), and (ij) for the sums without i and j,
//
//	π_ij = λ_i λ_j (T_{n−2}(ij) + (2 − π_i − π_j) S_{n−2}(ij)) / T_n
//
// which is what Sampford (1967, sec. 5) writes as one sum. The sums are built up by adding
// units, which loses no digits; each pair takes time in proportion to n times the
// number of units. More than MaxSampfordPairs units to draw are an error.
func SampfordPairs(chances []float64, places []int) ([][]float64, error) {
	_, open, n, err := split(chances)
	if err != nil {
		return nil, err
	}
	if n > MaxSampfordPairs {
		return nil, fmt.Errorf("joint probabilities for a sample of %d are not offered, only up to %d; use analysis.PPSBrewer or PPSHartleyRao, which need none", n, MaxSampfordPairs)
	}
	scale := 0.0
	for _, k := range open {
		scale += chances[k] / (1 - chances[k])
	}
	scale = float64(n) / scale
	pairs := make([][]float64, len(places))
	for a := range pairs {
		pairs[a] = make([]float64, len(places))
	}
	for a, i := range places {
		pairs[a][a] = chances[i]
		for b, j := range places[:a] {
			p := chances[i] * chances[j] // right where one of them is 0 or 1
			if p > 0 && chances[i] < 1 && chances[j] < 1 && i != j {
				p = sampfordPair(chances, open, n, i, j, scale)
			}
			pairs[a][b], pairs[b][a] = p, p
		}
	}
	return pairs, nil
}

// MaxSampfordPairs limits SampfordPairs, so that no sum overflows.
const MaxSampfordPairs = 500

// sampfordPair is π_ij. All λ are multiplied by scale, which cancels: with λ that add up
// to n no sum is above eⁿ.
func sampfordPair(chances []float64, open []int, n, i, j int, scale float64) float64 {
	if n < 2 {
		return 0
	}
	without := newSums(n, scale)
	for _, k := range open {
		if k != i && k != j {
			without.add(chances[k])
		}
	}
	pi, pj := chances[i], chances[j]
	li, lj := scale*pi/(1-pi), scale*pj/(1-pj)
	both := li * lj * (without.weighted[n-2] + (2-pi-pj)*without.product[n-2])
	without.add(pi)
	without.add(pj)
	return both / without.weighted[n]
}

// sums has for each size m the sum of Πλ over all sets of m units, and the sum of
// Πλ·Σ(1−π).
type sums struct {
	product, weighted []float64
	scale             float64
}

func newSums(n int, scale float64) sums {
	s := sums{make([]float64, n+1), make([]float64, n+1), scale}
	s.product[0] = 1
	return s
}

// add takes one unit more into the sums.
func (s sums) add(p float64) {
	l := s.scale * p / (1 - p)
	for m := len(s.product) - 1; m > 0; m-- {
		s.weighted[m] += l * (s.weighted[m-1] + (1-p)*s.product[m-1])
		s.product[m] += l * s.product[m-1]
	}
}
