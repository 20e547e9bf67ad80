package sampling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Simple draws n of population units, every set of n with the same probability, and
// returns their indices in ascending order. Each unit has the probability n/N, each
// pair n(n−1)/(N(N−1)). The sets are drawn by Floyd's method (Bentley and Floyd 1987).
func Simple(rng *rand.Rand, population, n int) ([]int, error) {
	if err := enough(population, n); err != nil {
		return nil, err
	}
	in := make(map[int]bool, n)
	drawn := make([]int, 0, n)
	for j := population - n; j < population; j++ {
		k := rng.IntN(j + 1)
		if in[k] {
			k = j
		}
		in[k] = true
		drawn = append(drawn, k)
	}
	slices.Sort(drawn)
	return drawn, nil
}

// Systematic draws n of population units at the fractional interval N/n from a random
// start: the units floor((u+k)N/n) for k = 0, …, n−1 with u uniform on [0,1). Each unit
// has the probability n/N whether or not N/n is whole (Murthy 1967, sec. 5.5).
func Systematic(rng *rand.Rand, population, n int) ([]int, error) {
	if err := enough(population, n); err != nil {
		return nil, err
	}
	start := rng.Float64()
	drawn := make([]int, n)
	for k := range drawn {
		drawn[k] = int((start + float64(k)) * float64(population) / float64(n))
		if k > 0 { // against rounding, where the interval is near 1
			drawn[k] = max(drawn[k], drawn[k-1]+1)
		}
		drawn[k] = min(drawn[k], population-n+k)
	}
	return drawn, nil
}

func enough(population, n int) error {
	switch {
	case n < 0:
		return fmt.Errorf("cannot draw %d units", n)
	case n > population:
		return fmt.Errorf("cannot draw %d of %d units; draw at most %d", n, population, population)
	}
	return nil
}

// Inclusion returns the probabilities n·x_i/Σx of a sample of n units drawn with
// probability proportional to size. Units whose probability would reach 1 are taken
// with certainty, and the rest of the sample is shared among the others, repeatedly
// (Särndal, Swensson and Wretman 1992, sec. 3.6.2; R's sampling::inclusionprobabilities).
// A unit of size 0 has probability 0. Sizes that are negative or not finite, and fewer
// units with a size than n, are errors.
func Inclusion(size []float64, n int) ([]float64, error) {
	sum, positive, err := measure(size)
	if err != nil {
		return nil, err
	}
	if err := enough(positive, n); err != nil {
		return nil, fmt.Errorf("units with a size above 0: %w", err)
	}
	chances := make([]float64, len(size))
	left := n
	for again := true; again; {
		again = false
		rest := 0.0
		taken := 0
		for i, x := range size {
			switch {
			case chances[i] == 1 || x == 0:
				continue
			case left > 0 && float64(left)*x >= sum*(1-certain):
				chances[i] = 1
				taken++
			default:
				chances[i] = float64(left) * x / sum
				rest += x
			}
		}
		if taken > 0 {
			left, sum, again = left-taken, rest, left > taken
		}
	}
	if left == 0 { // the certainty units are the sample
		for i := range chances {
			if chances[i] < 1 {
				chances[i] = 0
			}
		}
	}
	return chances, nil
}

// certain is how close to 1 a probability is certainty: rounding of a sum of sizes.
const certain = 1e-12

// measure checks sizes, and returns their sum and how many are above 0.
func measure(size []float64) (sum float64, positive int, err error) {
	for i, x := range size {
		if !(x >= 0) || math.IsInf(x, 0) {
			return 0, 0, fmt.Errorf("unit %d has the size %v; sizes are 0 or more", i, x)
		}
		if sum += x; x > 0 {
			positive++
		}
	}
	if math.IsInf(sum, 0) {
		return 0, 0, fmt.Errorf("the sizes are too large to be summed; scale them")
	}
	return sum, positive, nil
}

// A PPS draws units without replacement with the inclusion probabilities given, whose
// sum must be a whole number, and returns their indices in ascending order. Units with
// probability 1 are always drawn, units with 0 never.
type PPS func(rng *rand.Rand, chances []float64) ([]int, error)

// The methods without replacement.
var (
	_ PPS = PPSSystematic
	_ PPS = PPSRandomSystematic
	_ PPS = Sampford
	_ PPS = Brewer
)

// split separates certainty units from those that are left to chance. n is how many of
// the latter are to be drawn.
func split(chances []float64) (sure, open []int, n int, err error) {
	sum := 0.0
	for i, p := range chances {
		switch {
		case !(p >= 0 && p <= 1):
			return nil, nil, 0, fmt.Errorf("unit %d has the probability %v; probabilities are from 0 to 1", i, p)
		case p >= 1-nearly:
			sure = append(sure, i)
		case p > 0:
			open = append(open, i)
			sum += p
		}
	}
	if n = int(math.Round(sum)); n == len(open) {
		return append(sure, open...), nil, 0, nil
	}
	if math.Abs(sum-float64(n)) > whole {
		return nil, nil, 0, fmt.Errorf("the probabilities below 1 add up to %v; they must add up to a whole number, the size of the sample: take them from Inclusion", sum)
	}
	return sure, open, n, nil
}

// whole is how far a sum of probabilities may be from a whole number, and nearly how far
// one may be from certainty.
const whole, nearly = 1e-6, 1e-9

// merged puts the two parts of a sample together in ascending order.
func merged(sure, drawn []int) []int {
	all := append(slices.Clone(sure), drawn...)
	slices.Sort(all)
	return all
}

// PPSSystematic draws systematically in the order given: unit i is drawn when a point
// u+k, k = 0, 1, …, lies between the sums of the probabilities before and with it
// (Madow 1949). The order of the list is an implicit stratification; units that
// together have a probability below 1 are never drawn together when they are neighbours.
func PPSSystematic(rng *rand.Rand, chances []float64) ([]int, error) {
	sure, open, n, err := split(chances)
	if err != nil {
		return nil, err
	}
	return merged(sure, madow(rng.Float64(), chances, open, n)), nil
}

// PPSRandomSystematic is PPSSystematic in random order (Hartley and Rao 1962).
func PPSRandomSystematic(rng *rand.Rand, chances []float64) ([]int, error) {
	sure, open, n, err := split(chances)
	if err != nil {
		return nil, err
	}
	rng.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	return merged(sure, madow(rng.Float64(), chances, open, n)), nil
}

// madow draws n of the open units from the start u. Each has a probability below 1, so
// no two points fall on one unit.
func madow(u float64, chances []float64, open []int, n int) []int {
	drawn := make([]int, 0, n)
	sum := 0.0
	for k, i := range open {
		sum += chances[i]
		// The last units are drawn if rounding kept the sum below n.
		if len(drawn) < n && (u+float64(len(drawn)) < sum || len(open)-k == n-len(drawn)) {
			drawn = append(drawn, i)
		}
	}
	return drawn
}

// Sampford draws by the method of Sampford (1967), whose samples s have the probability
// P(s) ∝ Σ_{k∈s} π_k Π_{i∈s, i≠k} π_i/(1−π_i): a first unit with probability π_k/n,
// then all units independently with π_i, until n−1 are drawn and the first is not among
// them. That is rejective with an acceptance near 1/√(2πΣπ(1−π)) for any n, where
// drawing with replacement until all units differ is out of reach for large samples
// (Bondesson, Traat and Lundqvist 2006, Scand. J. Statist. 33, 699–720).
func Sampford(rng *rand.Rand, chances []float64) ([]int, error) {
	sure, open, n, err := split(chances)
	if err != nil || n == 0 {
		return sure, err
	}
	if n == 1 {
		return merged(sure, []int{open[first(rng, chances, open)]}), nil
	}
	drawn := make([]int, 0, n)
	for {
		drawn = drawn[:0]
		k := first(rng, chances, open)
		for j, i := range open {
			if rng.Float64() >= chances[i] {
				continue
			}
			if j == k || len(drawn) == n-1 { // refused; begin again
				drawn = drawn[:0]
				break
			}
			drawn = append(drawn, i)
		}
		if len(drawn) == n-1 {
			return merged(sure, append(drawn, open[k])), nil
		}
	}
}

// first draws the place of one open unit with probability proportional to its chance.
func first(rng *rand.Rand, chances []float64, open []int) int {
	sum := 0.0
	for _, i := range open {
		sum += chances[i]
	}
	u := rng.Float64() * sum
	for k, i := range open {
		if u -= chances[i]; u < 0 {
			return k
		}
	}
	return len(open) - 1
}

// Brewer draws unit after unit: the r-th of n with probability proportional to
// π_i (n − a − π_i) / (n − a − π_i (n−r+1)), where a is the sum of the probabilities of
// those drawn before (Brewer 1975; Tillé 2006, algorithm 6.10; R's sampling::UPbrewer).
// It takes time in proportion to n times the number of units.
func Brewer(rng *rand.Rand, chances []float64) ([]int, error) {
	sure, open, n, err := split(chances)
	if err != nil {
		return nil, err
	}
	drawn := make([]int, 0, n)
	p := make([]float64, len(open))
	rest := 0.0 // n − a
	for _, i := range open {
		rest += chances[i]
	}
	for r := range n {
		sum := 0.0
		for k, i := range open {
			pi := chances[i]
			p[k] = pi * (rest - pi) / (rest - pi*float64(n-r))
			if r == n-1 {
				p[k] = pi // what the fraction is when one unit is left to draw
			}
			sum += p[k]
		}
		u := rng.Float64() * sum
		at := len(open) - 1
		for k := range open {
			if u -= p[k]; u < 0 {
				at = k
				break
			}
		}
		rest -= chances[open[at]]
		drawn = append(drawn, open[at])
		open = slices.Delete(open, at, at+1)
	}
	return merged(sure, drawn), nil
}

// PPSReplacement makes n independent draws, each of unit i with probability x_i/Σx, and
// returns the units in the order of the draws; one may come several times. The expected
// number of times is n·x_i/Σx, which Expected returns; the estimator of a total is
// Σ y_i/(n p_i) over the draws (Hansen and Hurwitz 1943).
func PPSReplacement(rng *rand.Rand, size []float64, n int) ([]int, error) {
	sum, positive, err := measure(size)
	switch {
	case err != nil:
		return nil, err
	case n < 0:
		return nil, enough(0, n)
	case positive == 0 && n > 0:
		return nil, fmt.Errorf("cannot draw %d units: none has a size above 0", n)
	}
	cumulated := make([]float64, len(size))
	last := 0
	total := 0.0
	for i, x := range size {
		total += x
		cumulated[i] = total
		if x > 0 {
			last = i
		}
	}
	drawn := make([]int, n)
	for k := range drawn {
		u := rng.Float64() * sum
		// The first unit whose cumulated size is above u: units of size 0 are passed.
		i, exact := slices.BinarySearch(cumulated, u)
		for exact && i < len(cumulated) && cumulated[i] <= u {
			i++
		}
		drawn[k] = min(i, last)
	}
	return drawn, nil
}

// Expected returns how often each unit is expected in n draws with replacement.
func Expected(size []float64, n int) ([]float64, error) {
	sum, positive, err := measure(size)
	if err != nil {
		return nil, err
	}
	if positive == 0 && n > 0 {
		return nil, fmt.Errorf("cannot draw %d units: none has a size above 0", n)
	}
	e := make([]float64, len(size))
	for i, x := range size {
		if x > 0 {
			e[i] = float64(n) * x / sum
		}
	}
	return e, nil
}
