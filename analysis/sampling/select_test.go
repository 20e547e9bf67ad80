package sampling

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// draws is how often each method draws; “make draws” takes 10,000 and more.
var draws = flag.Int("draws", 3000, "simulated draws of each method")

// sizes of a population with one unit that is certain when 4 are drawn: 60 of 180.
var sizes = []float64{60, 5, 30, 12, 9, 21, 3, 25, 15, 0}

var methods = []struct {
	name string
	draw PPS
}{
	{"systematic", PPSSystematic}, {"random systematic", PPSRandomSystematic}, {"Sampford", Sampford}, {"Brewer", Brewer},
}

// By hand: 4·60/180 > 1, so the first is certain; the other 120 share 3, and none of
// 3·30/120 = 0.75 or less is.
func TestInclusion(t *testing.T) {
	got, err := Inclusion(sizes, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range sizes {
		want := 3 * x / 120
		if i == 0 {
			want = 1
		}
		if math.Abs(got[i]-want) > 1e-15 {
			t.Errorf("π of unit %d = %v, want %v", i, got[i], want)
		}
	}
	// Repeatedly: 3·10/16 > 1; of the rest 2·5/6 > 1; then 1 is left for the ones.
	got, err = Inclusion([]float64{10, 5, 1}, 3)
	if want := []float64{1, 1, 1}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Inclusion = %v, %v, want %v", got, err, want)
	}
	got, err = Inclusion([]float64{10, 4, 1, 1}, 2)
	if want := []float64{1, 4. / 6, 1. / 6, 1. / 6}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Inclusion = %v, %v, want %v", got, err, want)
	}
}

func TestInclusionFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		size []float64
		n    int
		want string
	}{
		{"more than there are", []float64{1, 2, 0}, 3, "at most 2"},
		{"negative size", []float64{1, -2}, 1, "unit 1"},
		{"no number", []float64{math.NaN()}, 1, "unit 0"},
		{"infinite", []float64{1, math.Inf(1)}, 1, "unit 1"},
		{"sum overflows", []float64{math.MaxFloat64, math.MaxFloat64}, 1, "scale"},
		{"negative number", []float64{1}, -1, "-1"},
	} {
		if _, err := Inclusion(c.size, c.n); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error that says %q", c.name, err, c.want)
		}
	}
}

// Every sample has n different units, those that are certain among them, whatever the
// probabilities.
func TestSamplesAreComplete(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		size := make([]float64, 1+rng.IntN(40))
		for i := range size {
			size[i] = math.Exp(4 * rng.NormFloat64())
		}
		n := rng.IntN(len(size) + 1)
		chances, err := Inclusion(size, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range methods {
			drawn, err := m.draw(rng, chances)
			if err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			if len(drawn) != n || !slices.IsSorted(drawn) || len(slices.Compact(slices.Clone(drawn))) != n {
				t.Fatalf("%s of %d from %v: %v", m.name, n, chances, drawn)
			}
			for i, p := range chances {
				if p == 1 && !slices.Contains(drawn, i) {
					t.Fatalf("%s left out unit %d, which is certain", m.name, i)
				}
			}
		}
		for name, draw := range map[string]func(*rand.Rand, int, int) ([]int, error){"simple": Simple, "systematic": Systematic} {
			drawn, err := draw(rng, len(size), n)
			if err != nil || len(drawn) != n || !slices.IsSorted(drawn) || len(slices.Compact(slices.Clone(drawn))) != n || n > 0 && drawn[n-1] >= len(size) {
				t.Fatalf("%s of %d from %d: %v, %v", name, n, len(size), drawn, err)
			}
		}
	}
}

// simulated counts how often each unit is drawn, and checks that the frequencies are the
// probabilities and that the Horvitz–Thompson total of y is unbiased. Both may be off by
// five standard errors of the simulation, which chance exceeds once in 1.7 million
// numbers. The variances are p(1−p) for the frequencies of a unit that comes at most
// once, and that of the simulated totals for their mean.
func simulated(t *testing.T, name string, expected, y []float64, draw func(*rand.Rand) ([]int, error)) {
	t.Helper()
	rng := rand.New(rand.NewPCG(20261125, uint64(len(name))))
	counts := make([]float64, len(expected))
	squares := make([]float64, len(expected))
	truth, sum, sum2 := 0.0, 0.0, 0.0
	for i, v := range y {
		if expected[i] > 0 {
			truth += v
		}
	}
	times := make([]float64, len(expected))
	for range *draws {
		drawn, err := draw(rng)
		if err != nil {
			t.Fatal(err)
		}
		clear(times)
		total := 0.0
		for _, i := range drawn {
			times[i]++
			total += y[i] / expected[i]
		}
		for i, k := range times {
			counts[i] += k
			squares[i] += k * k
		}
		sum += total
		sum2 += total * total
	}
	n := float64(*draws)
	worst := 0.0
	for i, p := range expected {
		se := math.Sqrt((squares[i]/n - counts[i]/n*counts[i]/n) / n)
		off := math.Abs(counts[i]/n - p)
		if off > 5*se+1e-12 {
			t.Errorf("%s: unit %d is drawn %.4f times, want %.4f ± %.4f", name, i, counts[i]/n, p, 5*se)
		}
		if se > 0 {
			worst = max(worst, off/se)
		}
	}
	mean := sum / n
	se := math.Sqrt(max(0, sum2/n-mean*mean) / n)
	if math.Abs(mean-truth) > 5*se+1e-9*truth {
		t.Errorf("%s: the mean total is %v, want %v ± %v", name, mean, truth, 5*se)
	}
	z := 0.0
	if se > 1e-9*truth {
		z = (mean - truth) / se
	}
	t.Logf("%-28s %8d draws  worst unit %.2f SE  total %10.3f of %10.3f (%+.2f SE)", name, *draws, worst, mean, truth, z)
}

func TestSimulation(t *testing.T) {
	y := []float64{70, 9, 25, 20, 2, 30, 1, 18, 16, 5}
	for _, n := range []int{1, 2, 4, 7} {
		chances, err := Inclusion(sizes, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range methods {
			simulated(t, fmt.Sprintf("%s %d of 9", m.name, n), chances, y, func(rng *rand.Rand) ([]int, error) { return m.draw(rng, chances) })
		}
		expected, err := Expected(sizes, n)
		if err != nil {
			t.Fatal(err)
		}
		simulated(t, fmt.Sprintf("PPS with replacement %d", n), expected, y, func(rng *rand.Rand) ([]int, error) { return PPSReplacement(rng, sizes, n) })
		same := make([]float64, len(sizes))
		for i := range same {
			same[i] = float64(n) / float64(len(sizes))
		}
		simulated(t, fmt.Sprintf("simple %d of 10", n), same, y, func(rng *rand.Rand) ([]int, error) { return Simple(rng, len(sizes), n) })
		simulated(t, fmt.Sprintf("fractional interval %d of 10", n), same, y, func(rng *rand.Rand) ([]int, error) { return Systematic(rng, len(sizes), n) })
	}
}

// Systematic sampling by enumeration: over the whole range of starts, each unit is drawn
// on a part of it that is exactly its probability. The starts are the middles of a grid
// that all bounds of the parts lie on (size 24 of 120 times 3 is in steps of 1/40).
func TestMadowByEnumeration(t *testing.T) {
	chances, err := Inclusion([]float64{5, 30, 12, 9, 21, 3, 25, 15}, 3)
	if err != nil {
		t.Fatal(err)
	}
	open := []int{0, 1, 2, 3, 4, 5, 6, 7}
	counts := make([]int, len(chances))
	const grid = 40
	for g := range grid {
		for _, i := range madow((float64(g)+0.5)/grid, chances, open, 3) {
			counts[i]++
		}
	}
	for i, p := range chances {
		if want := int(math.Round(p * grid)); counts[i] != want {
			t.Errorf("unit %d: %d of %d starts, want %d", i, counts[i], grid, want)
		}
	}
}

// subsets calls f with every set of n out of N.
func subsets(population, n int, f func([]int)) {
	for bits := range 1 << population {
		var s []int
		for i := range population {
			if bits>>i&1 == 1 {
				s = append(s, i)
			}
		}
		if len(s) == n {
			f(s)
		}
	}
}

// Sampford's method by enumeration of all samples: P(s) as Sampford defines it gives the
// inclusion probabilities exactly, the pairs of SampfordPairs, and the frequencies of
// whole samples in a simulation (chi-square with 34 df; its 1 − 10⁻⁶ quantile is 91.3, by
// Wilson and Hilferty).
func TestSampfordByEnumeration(t *testing.T) {
	chances, err := Inclusion([]float64{5, 30, 12, 9, 21, 3, 25}, 3)
	if err != nil {
		t.Fatal(err)
	}
	probability := map[string]float64{}
	all := 0.0
	subsets(7, 3, func(s []int) {
		p := 0.0
		for _, k := range s {
			term := chances[k]
			for _, i := range s {
				if i != k {
					term *= chances[i] / (1 - chances[i])
				}
			}
			p += term
		}
		probability[fmt.Sprint(s)] = p
		all += p
	})
	single := make([]float64, 7)
	var joint [7][7]float64
	subsets(7, 3, func(s []int) {
		p := probability[fmt.Sprint(s)] / all
		for _, i := range s {
			single[i] += p
			for _, j := range s {
				joint[i][j] += p
			}
		}
	})
	pairs, err := SampfordPairs(chances, []int{0, 1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 7 {
		if math.Abs(single[i]-chances[i]) > 1e-12 {
			t.Errorf("π of unit %d by enumeration = %v, want %v", i, single[i], chances[i])
		}
		for j := range 7 {
			if math.Abs(joint[i][j]-pairs[i][j]) > 1e-12 {
				t.Errorf("π of %d and %d = %v, want %v by enumeration", i, j, pairs[i][j], joint[i][j])
			}
		}
	}
	rng := rand.New(rand.NewPCG(7, 7))
	counts := map[string]float64{}
	for range *draws {
		s, err := Sampford(rng, chances)
		if err != nil {
			t.Fatal(err)
		}
		counts[fmt.Sprint(s)]++
	}
	chi := 0.0
	for s, p := range probability {
		want := p / all * float64(*draws)
		chi += (counts[s] - want) * (counts[s] - want) / want
	}
	if chi > 91.3 {
		t.Errorf("chi-square of whole samples = %.1f with 34 degrees of freedom", chi)
	}
}

// Brewer's method by enumeration of all orders in which units can come.
func TestBrewerByEnumeration(t *testing.T) {
	chances, err := Inclusion([]float64{5, 30, 12, 9, 21, 3}, 3)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float64, 6)
	var walk func(drawn []int, p float64)
	walk = func(drawn []int, p float64) {
		if len(drawn) == 3 {
			for _, i := range drawn {
				got[i] += p
			}
			return
		}
		rest := 3.0
		for _, i := range drawn {
			rest -= chances[i]
		}
		var share [6]float64
		sum := 0.0
		for i, pi := range chances {
			if !slices.Contains(drawn, i) {
				share[i] = pi * (rest - pi) / (rest - pi*float64(3-len(drawn)))
				sum += share[i]
			}
		}
		for i, x := range share {
			if x > 0 {
				walk(append(slices.Clone(drawn), i), p*x/sum)
			}
		}
	}
	walk(nil, 1)
	for i, p := range chances {
		if math.Abs(got[i]-p) > 1e-12 {
			t.Errorf("π of unit %d = %v, want %v", i, got[i], p)
		}
	}
}

// Joint probabilities of a larger sample add up to (n−1)π_i, as those of any sample of
// fixed size do.
func TestPairsAddUp(t *testing.T) {
	size := make([]float64, 120)
	places := make([]int, len(size))
	for i := range size {
		size[i], places[i] = float64(1+i%17), i
	}
	for _, n := range []int{2, 30, 60} {
		chances, err := Inclusion(size, n)
		if err != nil {
			t.Fatal(err)
		}
		pairs, err := SampfordPairs(chances, places)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range pairs {
			sum := -row[i]
			for _, p := range row {
				sum += p
			}
			if want := float64(n-1) * chances[i]; math.Abs(sum-want) > 1e-9*want {
				t.Errorf("n = %d: pairs of unit %d add up to %v, want %v", n, i, sum, want)
			}
		}
	}
	if got := SimplePair(10, 3); math.Abs(got-6.0/90) > 1e-15 {
		t.Errorf("SimplePair(10, 3) = %v, want 3·2/(10·9)", got)
	}
	if _, err := SampfordPairs(slices.Repeat([]float64{0.5}, 2000), []int{0}); err == nil {
		t.Error("joint probabilities for a sample of 1,000 are offered")
	}
}

func TestDrawFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, m := range methods {
		for _, chances := range [][]float64{{0.5, 0.7}, {1.5, 0.5}, {-0.5, 0.5}, {math.NaN(), 1}} {
			if _, err := m.draw(rng, chances); err == nil {
				t.Errorf("%s takes the probabilities %v", m.name, chances)
			}
		}
	}
	if _, err := Simple(rng, 3, 4); err == nil {
		t.Error("Simple draws 4 of 3")
	}
	if _, err := Systematic(rng, 3, 4); err == nil {
		t.Error("Systematic draws 4 of 3")
	}
	if _, err := PPSReplacement(rng, []float64{0, 0}, 1); err == nil {
		t.Error("PPSReplacement draws from nobody")
	}
}
