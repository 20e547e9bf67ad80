package analysis

import (
	"math"
	"testing"
)

// nearly says whether a number is as near to another as a share of it.
func nearly(got, want, share float64) bool { return math.Abs(got-want) <= share*math.Abs(want) }

// twoPairs is the tail of λ₁χ²₂ + λ₂χ²₂, over χ²_df/df when df is finite. The two are
// exponential, so that P(> x) = (λ₁e^{−x/2λ₁} − λ₂e^{−x/2λ₂})/(λ₁−λ₂), and with a
// divisor each e^{−x/2λ} becomes its mean (1 + x/(λ·df))^{−df/2}.
func twoPairs(a, b, x, df float64) float64 {
	one := func(w float64) float64 {
		if math.IsInf(df, 1) {
			return w * math.Exp(-x/(2*w))
		}
		return w * math.Exp(-df/2*math.Log1p(x/(w*df)))
	}
	return (one(a) - one(b)) / (a - b)
}

func TestTailOfPairsIsExact(t *testing.T) {
	for _, df := range []float64{3, 23.97, 371.4, math.Inf(1)} {
		for _, w := range [][2]float64{{2, 1}, {5, 0.2}, {1.1, 1}, {1, 0.003}} {
			for _, x := range []float64{0.01, 1, 10, 100, 900} {
				got := newChiSquareSum([]float64{w[0], w[1], w[0], w[1]}, df).tail(x)
				if want := twoPairs(w[0], w[1], x, df); !nearly(got, want, 1e-9) {
					t.Errorf("P(%v χ²₂ + %v χ²₂ > %v), df %v: %v, want %v", w[0], w[1], x, df, got, want)
				}
			}
		}
	}
}

// TestTailOfImhof has the first rows of the table of Imhof (1961), to the four digits
// printed there.
func TestTailOfImhof(t *testing.T) {
	q := newChiSquareSum([]float64{0.6, 0.3, 0.1}, math.Inf(1))
	for x, want := range map[float64]float64{0.1: 0.9458, 0.7: 0.5064, 2: 0.1240} {
		if got := q.tail(x); math.Abs(got-want) > 5e-5 {
			t.Errorf("P(> %v) = %.5f, want %v", x, got, want)
		}
	}
}

// TestTailOfManyWeights: the mixture's first coefficient is too small for a number, and
// the sum of 400 is nearly the three large ones.
func TestTailOfManyWeights(t *testing.T) {
	weights := []float64{1, 1, 1}
	for range 400 {
		weights = append(weights, 1e-4)
	}
	got, want := newChiSquareSum(weights, math.Inf(1)).tail(30), fTail((30-0.04)/3, 3, math.Inf(1))
	if !nearly(got, want, 1e-4) {
		t.Errorf("%v, want nearly %v", got, want)
	}
}

func TestTailOfEqualWeights(t *testing.T) {
	for _, df := range []float64{17, math.Inf(1)} {
		for _, x := range []float64{0.5, 20, 1e3, 1e5} {
			got, want := newChiSquareSum([]float64{2, 2, 2}, df).tail(x), fTail(x/6, 3, df)
			if !nearly(got, want, 1e-11) {
				t.Errorf("x %v, df %v: %v, want %v", x, df, got, want)
			}
		}
	}
}

func TestTailWithTinyWeights(t *testing.T) {
	zero := newChiSquareSum([]float64{1, 0, 1e-17}, 30).tail(12)
	if want := fTail(12, 1, 30); !nearly(zero, want, 1e-12) {
		t.Errorf("weights of zero: %v, want %v", zero, want)
	}
	tiny := newChiSquareSum([]float64{1, 1e-9}, 30).tail(12)
	if want := fTail(12, 1, 30); !nearly(tiny, want, 1e-4) {
		t.Errorf("a tiny weight: %v, want %v", tiny, want)
	}
	if p := newChiSquareSum(nil, 30).tail(12); !math.IsNaN(p) {
		t.Errorf("no weights: %v, want NaN", p)
	}
	if p := newChiSquareSum([]float64{1, 2}, 30).tail(0); p != 1 {
		t.Errorf("at zero: %v, want 1", p)
	}
}

// TestSaddlepointIsNear: the approximation is within a tenth of the exact tail.
func TestSaddlepointIsNear(t *testing.T) {
	for _, df := range []float64{60, math.Inf(1)} {
		for _, x := range []float64{0.3, 2.6, 3.1, 9, 40} {
			q := newChiSquareSum([]float64{1.5, 1, 0.5}, df)
			if got, want := q.saddlepoint(x), q.tail(x); !nearly(got, want, 0.1) {
				t.Errorf("x %v, df %v: %v, exact %v", x, df, got, want)
			}
		}
	}
}

// TestTailsOfTAndF has closed forms: t with one degree of freedom is Cauchy's, with two
// P(|T| > t) = 1 − t/√(2+t²), F with two and m is (1 + 2x/m)^{−m/2}, and the normal tail
// at 10 is 1.5239706048320995e-23 (Abramowitz and Stegun 1964, 26.2).
func TestTailsOfTAndF(t *testing.T) {
	for _, x := range []float64{0.1, 3, 1e3} {
		if got, want := tTail(-x, 1), 2/math.Pi*math.Atan(1/x); !nearly(got, want, 1e-12) {
			t.Errorf("Cauchy beyond %v: %v, want %v", x, got, want)
		}
		r := math.Sqrt(2 + x*x)
		if got, want := tTail(x, 2), 2/(r*(r+x)); !nearly(got, want, 1e-12) {
			t.Errorf("t₂ beyond %v: %v, want %v", x, got, want)
		}
		if got, want := fTail(x, 2, 46), math.Exp(-23*math.Log1p(x/23)); !nearly(got, want, 1e-11) {
			t.Errorf("F beyond %v: %v, want %v", x, got, want)
		}
	}
	if got := tTail(10, math.Inf(1)); !nearly(got, 1.5239706048320995e-23, 1e-12) {
		t.Errorf("normal beyond 10: %v", got)
	}
}
