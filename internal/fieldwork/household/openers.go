package household

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// An Opening says whether in a household the person who opened the door was selected.
type Opening struct {
	Enumerator string
	// K is the number of eligible persons.
	K      int
	Chosen bool
}

// OpeningOf takes from evidence what TestOpeners needs. It is of no use, false, when
// nobody eligible opened or when there was nobody else to select.
func OpeningOf(enumerator string, e Evidence) (Opening, bool) {
	i := slices.IndexFunc(e.Listing.Persons, func(p Person) bool { return p.Line == e.Listing.Opener })
	o := Opening{Enumerator: enumerator, K: e.Selection.K, Chosen: e.Selection.Line == e.Listing.Opener}
	return o, i >= 0 && e.Listing.Persons[i].Eligible && o.K > 1
}

// DefaultAlpha is the probability of an alert about anybody in a survey in which every
// enumerator selects as told.
const DefaultAlpha = 0.05

// An OpenerTest asks of one enumerator whether the person who opened the door was selected
// too often.
type OpenerTest struct {
	Enumerator string
	// Households is how many there were in which an eligible person opened and somebody
	// else could have been selected.
	Households, Chosen int
	// Expected is Σ 1/k_i.
	Expected float64
	// P is the probability of at least Chosen when the number decides.
	P float64
	// Adjusted is P after Holm's correction for the number of enumerators.
	Adjusted float64
	Alert    bool
}

// TestOpeners tests every enumerator. When the number decides, the opener of household i
// is selected with probability 1/k_i, whoever opens, and independently of the other
// households; so the number of chosen openers has a Poisson-binomial distribution, and P
// is its exact upper tail. Holm's rule (1979) keeps the probability of an alert about
// anybody honest within alpha, whatever the number of enumerators. Openings with k < 2
// tell nothing and are left out. The order is that of the names.
func TestOpeners(openings []Opening, alpha float64) []OpenerTest {
	chances := make(map[string][]float64)
	chosen := make(map[string]int)
	for _, o := range openings {
		if o.K < 2 {
			continue
		}
		chances[o.Enumerator] = append(chances[o.Enumerator], 1/float64(o.K))
		if o.Chosen {
			chosen[o.Enumerator]++
		}
	}
	tests := make([]OpenerTest, 0, len(chances))
	for _, name := range slices.Sorted(maps.Keys(chances)) {
		p := chances[name]
		t := OpenerTest{Enumerator: name, Households: len(p), Chosen: chosen[name], P: UpperTail(p, chosen[name])}
		for _, x := range p {
			t.Expected += x
		}
		tests = append(tests, t)
	}
	holm(tests, alpha)
	return tests
}

// holm adjusts the P of m tests: in their order p(1) ≤ p(2) ≤ …, the i-th becomes the
// largest of (m − j + 1)·p(j), j ≤ i, at most 1.
func holm(tests []OpenerTest, alpha float64) {
	order := make([]int, len(tests))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(tests[a].P, tests[b].P) })
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, math.Min(1, float64(len(tests)-rank)*tests[i].P))
		tests[i].Adjusted = worst
		tests[i].Alert = worst <= alpha
	}
}

// UpperTail is P(S ≥ s), S being the sum of independent Bernoulli variables with the
// probabilities p (Poisson-binomial distribution), exact by convolution: adding one
// variable makes f(j) = (1 − p)·f(j) + p·f(j − 1). All terms are positive, so that the
// relative error stays near len(p)·2⁻⁵³.
func UpperTail(p []float64, s int) float64 {
	f := make([]float64, len(p)+1)
	f[0] = 1
	for n, x := range p {
		for j := n + 1; j > 0; j-- {
			f[j] = (1-x)*f[j] + x*f[j-1]
		}
		f[0] *= 1 - x
	}
	tail := 0.0
	for j := len(p); j >= max(s, 0); j-- {
		tail += f[j]
	}
	return min(tail, 1)
}
