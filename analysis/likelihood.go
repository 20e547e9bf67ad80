package analysis

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// likelihood is the interval of a proportion from the profile of its binomial
// likelihood, scaled for the design (Rao and Scott 1984): the log odds η with
// |z(η)| ≤ t√λ, where
//
//	z² = 2(n−1)·(p log(p/q) + (1−p) log((1−p)/(1−q))),  q = 1/(1+e^−η)
//
// and λ = scaled/n* compares the variance with that of a model whose weights add up to
// scaled. R survey 4.5 makes the weights 1 on the average over all people of the domain,
// also those without a value; so scaled is n only where nobody lacks one. As in R, z is
// computed on a grid of η, joined by a cubic spline and read off linearly, which moves
// the limits by up to 5e-4 of themselves. Where the profile is flat as far as the grid
// goes, or λ so large that R has no answer, the limits solve the equation.
func likelihood(p, effective, scaled float64, n int, t float64) (lo, hi float64) {
	if !(t > 0) || n < 2 {
		return math.NaN(), math.NaN()
	}
	cut := t * math.Sqrt(scaled/effective)
	z := func(eta float64) float64 {
		q := 1 / (1 + math.Exp(-eta))
		kl := p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q))
		return math.Copysign(math.Sqrt(max(2*float64(n-1)*kl, 0)), q-p)
	}
	centre := math.Log(p / (1 - p))
	eta, deviations := profile(z, centre, 1/math.Sqrt(effective*p*(1-p)), cut, n)
	lo, hi = readOff(eta, deviations, -cut), readOff(eta, deviations, cut)
	if math.IsNaN(lo) {
		lo = centre - solve(0, 700, func(x float64) float64 { return -z(centre-x) - cut })
	}
	if math.IsNaN(hi) {
		hi = centre + solve(0, 700, func(x float64) float64 { return z(centre+x) - cut })
	}
	return 1 / (1 + math.Exp(-lo)), 1 / (1 + math.Exp(-hi))
}

// profile computes z on a grid around the estimate, in steps of a fifth of the largest
// deviation wanted times the standard error (MASS, profile.glm), and refines it by a
// spline of three times as many points (R, confint.glm).
func profile(z func(float64) float64, centre, se, cut float64, n int) (eta, deviations []float64) {
	tail := 0.5 * math.Erfc(cut/math.Sqrt2) / 4
	if !(tail > 0) {
		return nil, nil
	}
	student := distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}
	largest := solve(0, 1000, func(x float64) float64 { return tail - student.CDF(-x) })
	eta, deviations = []float64{centre}, []float64{0}
	for _, sign := range []float64{-1, 1} {
		for step, d := 1, 0.0; step < 10 && math.Abs(d) < largest; step++ {
			x := centre + sign*float64(step)*largest/5*se
			d = z(x)
			eta, deviations = append(eta, x), append(deviations, d)
		}
		slices.Sort(eta)
		slices.Sort(deviations)
	}
	s := newSpline(eta, deviations)
	fine := make([]float64, 3*len(eta))
	values := make([]float64, len(fine))
	for i := range fine {
		fine[i] = eta[0] + (eta[len(eta)-1]-eta[0])*float64(i)/float64(len(fine)-1)
		values[i] = s.at(fine[i])
	}
	return fine, values
}

// readOff finds the x at which rising values reach y, linearly between the points; NaN
// when they do not.
func readOff(x, values []float64, y float64) float64 {
	for i := 1; i < len(values); i++ {
		if values[i-1] <= y && y <= values[i] {
			return x[i-1] + (x[i]-x[i-1])*(y-values[i-1])/(values[i]-values[i-1])
		}
	}
	return math.NaN()
}

// A spline is the cubic one of Forsythe, Malcolm and Moler (1977, §4.4): at each end its
// third derivative is that of the cubic through the four points there.
type spline struct{ x, y, b, c, d []float64 }

// newSpline needs three points or more, in order of x; with three it is a parabola.
func newSpline(x, y []float64) spline {
	n := len(x)
	s := spline{x, y, make([]float64, n), make([]float64, n), make([]float64, n)}
	b, c, d := s.b, s.c, s.d
	d[0] = x[1] - x[0]
	c[1] = (y[1] - y[0]) / d[0]
	for i := 1; i < n-1; i++ {
		d[i] = x[i+1] - x[i]
		b[i] = 2 * (d[i-1] + d[i])
		c[i+1] = (y[i+1] - y[i]) / d[i]
		c[i] = c[i+1] - c[i]
	}
	b[0], b[n-1] = -d[0], -d[n-2]
	if n > 3 {
		c[0] = (c[2]/(x[3]-x[1]) - c[1]/(x[2]-x[0])) * d[0] * d[0] / (x[3] - x[0])
		c[n-1] = -(c[n-2]/(x[n-1]-x[n-3]) - c[n-3]/(x[n-2]-x[n-4])) * d[n-2] * d[n-2] / (x[n-1] - x[n-4])
	} else {
		c[0], c[n-1] = 0, 0
	}
	for i := 1; i < n; i++ {
		t := d[i-1] / b[i-1]
		b[i] -= t * d[i-1]
		c[i] -= t * c[i-1]
	}
	c[n-1] /= b[n-1]
	for i := n - 2; i >= 0; i-- {
		c[i] = (c[i] - d[i]*c[i+1]) / b[i]
	}
	for i := range n - 1 {
		h := x[i+1] - x[i]
		b[i] = (y[i+1]-y[i])/h - h*(c[i+1]+2*c[i])
		d[i] = (c[i+1] - c[i]) / h
	}
	for i := range c {
		c[i] *= 3
	}
	return s
}

// at is the value of the spline within its points.
func (s spline) at(x float64) float64 {
	i, _ := slices.BinarySearch(s.x, x)
	i = min(max(i-1, 0), len(s.x)-2)
	h := x - s.x[i]
	return s.y[i] + h*(s.b[i]+h*(s.c[i]+h*s.d[i]))
}
