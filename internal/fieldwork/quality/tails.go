package quality

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// seedOf makes a seed for a purpose: the SHA-256 of both.
func seedOf(seed uint64, purpose string) [32]byte {
	return sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), purpose...))
}

// fTail is the probability that F with the degrees of freedom a and b is above f.
func fTail(f, a, b float64) float64 {
	if f <= 0 {
		return 1
	}
	return beta(b/(b+a*f), b/2, a/2)
}

// tTails is the probability that Student's t is further from 0 than t.
func tTails(t, df float64) float64 { return beta(df/(df+t*t), df/2, 0.5) }

// tBound is the t of which tTails is p.
func tBound(p, df float64) float64 {
	lo, hi := 0.0, 1.0
	for tTails(hi, df) > p && hi < 1e12 {
		hi *= 2
	}
	for range 80 {
		if mid := (lo + hi) / 2; tTails(mid, df) > p {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// beta is the regularised incomplete beta function I_x(a, b), by its continued fraction
// (NIST Digital Library of Mathematical Functions, 8.17.22) evaluated with Lentz's method.
func beta(x, a, b float64) float64 {
	if x <= 0 || x >= 1 {
		return min(1, max(0, x))
	}
	if x > (a+1)/(a+b+2) {
		return 1 - beta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	f, c, d := 1.0, 1.0, 0.0
	for i := 0; i < 10000; i++ {
		m := float64(i / 2)
		term := 1.0
		switch {
		case i > 0 && i%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		case i > 0:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + term*d; math.Abs(d) < tiny {
			d = tiny
		}
		if c = 1 + term/c; math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		f *= c * d
		if math.Abs(1-c*d) < 1e-15 {
			break
		}
	}
	return front * (f - 1)
}
