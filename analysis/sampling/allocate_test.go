package sampling

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestAllocateWithinLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		scores Scores
		limits Limits
		want   []float64
	}{
		{"no limits", 10, Scores{1, 3}, Limits{}, []float64{2.5, 7.5}},
		{"a minimum binds, the others share the rest", 10, Scores{1, 3, 6}, Limits{Least: []int{4, 0, 0}}, []float64{4, 2, 4}},
		{"a maximum binds", 10, Scores{1, 3, 6}, Limits{Most: []int{9, 9, 2}}, []float64{2, 6, 2}},
		// With 2 for the last, λ = 8/4 would give the second 6; it has 5, the first 3.
		{"one maximum makes another bind", 10, Scores{1, 3, 6}, Limits{Most: []int{9, 5, 2}}, []float64{3, 5, 2}},
		{"all at the least", 4, Scores{1, 3}, Limits{Least: []int{2, 2}}, []float64{2, 2}},
		{"all at the most", 5, Scores{1, 3}, Limits{Most: []int{2, 3}}, []float64{2, 3}},
		{"a stratum without score", 6, Scores{0, 1}, Limits{Least: []int{1, 1}}, []float64{1, 5}},
		{"equal", 9, EqualScores(3), Limits{}, []float64{3, 3, 3}},
		{"root", 12, RootScores([]float64{100, 900}), Limits{}, []float64{3, 9}},
		{"power", 30, PowerScores([]float64{100, 900}, []float64{2, 1}, 0.5), Limits{}, []float64{12, 18}},
		{"Neyman", 30, NeymanScores([]float64{100, 50}, []float64{1, 4}), Limits{}, []float64{10, 20}},
	} {
		got, err := Allocate(c.n, c.scores, c.limits)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for h := range c.want {
			if math.Abs(got[h]-c.want[h]) > 1e-12 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// Whatever the limits, the shares add up, stay within them, and strata that no limit
// holds have shares in proportion to their scores.
func TestAllocationIsProportionalBetweenLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		k := 1 + rng.IntN(12)
		scores, l := make(Scores, k), Limits{make([]int, k), make([]int, k)}
		least, most := 0, 0
		for h := range k {
			scores[h] = math.Exp(2 * rng.NormFloat64())
			l.Least[h] = rng.IntN(5)
			l.Most[h] = l.Least[h] + rng.IntN(20)
			least, most = least+l.Least[h], most+l.Most[h]
		}
		n := least + rng.IntN(most-least+1)
		shares, err := Allocate(n, scores, l)
		if err != nil {
			t.Fatal(err)
		}
		ratio, sum := 0.0, 0.0
		for h, x := range shares {
			sum += x
			if x > float64(l.Least[h])+1e-9 && x < float64(l.Most[h])-1e-9 {
				if r := x / scores[h]; ratio == 0 {
					ratio = r
				} else if math.Abs(r/ratio-1) > 1e-9 {
					t.Fatalf("shares %v of scores %v within %v", shares, scores, l)
				}
			}
		}
		if math.Abs(sum-float64(n)) > 1e-9*float64(n) {
			t.Fatalf("shares add up to %v, want %d", sum, n)
		}
		whole := 0
		for h, m := range Round(shares) {
			if whole += m; m < l.Least[h] || m > l.Most[h] || math.Abs(float64(m)-shares[h]) > 1 {
				t.Fatalf("Round(%v)[%d] = %d within [%d, %d]", shares, h, m, l.Least[h], l.Most[h])
			}
		}
		if whole != n {
			t.Fatalf("Round(%v) adds up to %d, want %d", shares, whole, n)
		}
	}
}

func TestRoundTies(t *testing.T) {
	if got, want := Round([]float64{1.5, 2.5, 3}), []int{2, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("Round = %v, want %v: ties go to the earlier stratum", got, want)
	}
	if got, want := Round([]float64{0.1 + 0.2 + 0.7, 2}), []int{1, 2}; !slices.Equal(got, want) {
		t.Errorf("Round = %v, want %v", got, want)
	}
}

func TestAllocateFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		scores Scores
		limits Limits
		want   string
	}{
		{"below the least", 3, Scores{1, 1}, Limits{Least: []int{2, 2}}, "below 4"},
		{"above the most", 5, Scores{1, 1}, Limits{Most: []int{2, 2}}, "above 4"},
		{"least above most", 5, Scores{1, 1}, Limits{Least: []int{3, 0}, Most: []int{2, 9}}, "stratum 0"},
		{"negative score", 5, Scores{1, -1}, Limits{}, "stratum 1"},
		{"no score at all", 5, Scores{0, 0}, Limits{}, "above 0"},
	} {
		if _, err := Allocate(c.n, c.scores, c.limits); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error that says %q", c.name, err, c.want)
		}
	}
}

// The margins of the domain's own table of realistic precision: p = 13.53 %, deff 2.
func TestPrecision(t *testing.T) {
	for _, c := range []struct{ n, se, margin float64 }{{400, 2.42, 4.74}, {1200, 1.40, 2.74}, {2000, 1.08, 2.12}} {
		s := Survey{Cases: c.n / 0.8, Response: 0.8, DEff: 2, P: 0.1353}
		if got := 100 * s.SE(); math.Abs(got-c.se) > 0.005 {
			t.Errorf("n = %v: SE %.3f points, want %v", c.n, got, c.se)
		}
		if got := 100 * s.Margin(0.95); math.Abs(got-c.margin) > 0.005 {
			t.Errorf("n = %v: margin %.3f points, want %v", c.n, got, c.margin)
		}
	}
	// By hand: (1.959964 + 0.841621)·√2·1.39643 = 5.5327 points.
	s := Survey{Cases: 1200, Response: 1, DEff: 2, P: 0.1353}
	if got := 100 * s.Detectable(0.95, 0.8); math.Abs(got-5.5327) > 0.0005 {
		t.Errorf("detectable change %.4f points, want 5.5327", got)
	}
	if got, want := Between(s, s, 0.95, 0.8), s.Detectable(0.95, 0.8); math.Abs(got-want) > 1e-12 {
		t.Errorf("difference of two such cities %v, want %v", got, want)
	}
	for _, bad := range []Survey{{0, 1, 1, 0.5}, {1, 0, 1, 0.5}, {1, 1.1, 1, 0.5}, {1, 1, 0, 0.5}, {1, 1, 1, 0}, {1, 1, 1, 1}, {math.NaN(), 1, 1, 0.5}} {
		if bad.Check() == nil {
			t.Errorf("Check() of %+v finds nothing", bad)
		}
	}
}

// A sample of the size found has the precision that was asked for.
func TestSizesReachTheirGoal(t *testing.T) {
	for _, p := range []float64{0.03, 0.1353, 0.5} {
		g := Goal{P: p, N: 5000, Confidence: 0.95}
		n, err := g.ForMargin(0.02)
		if err != nil {
			t.Fatal(err)
		}
		se := math.Sqrt((5000 - n) / 4999 * p * (1 - p) / n)
		if half := Quantile(0.95) * se; math.Abs(half-0.02) > 1e-12 {
			t.Errorf("p = %v: half-width %v with %v people, want 0.02", p, half, n)
		}
		if n, err = g.ForWilsonMargin(0.02); err != nil {
			t.Fatal(err)
		}
		z := Quantile(0.95)
		if half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n)); math.Abs(half-0.02) > 1e-12 {
			t.Errorf("p = %v: half-width of Wilson's interval %v with %v people, want 0.02", p, half, n)
		}
	}
	for _, g := range []Goal{{0, 100, 0.95}, {0.5, 1, 0.95}, {0.5, 100, 1}} {
		if _, err := g.ForMargin(0.02); err == nil {
			t.Errorf("%+v is taken", g)
		}
	}
	if _, err := TwoProportions(0.2, 0.2, 0.05, 0.8); err == nil {
		t.Error("a sample that finds no difference is offered")
	}
}
