package analysis

import (
	"math"
)

// Stop says when the steps of a fit end.
type Stop string

// The rules for stopping. R's glm, which its svyglm calls, stops when the deviance
// changes by less than 10⁻⁸ of itself and takes the information of the round before
// into the covariance, which puts standard errors off by 10⁻⁶ to 10⁻⁴ of themselves.
// StopAsR repeats that, from the same start, to compare with R to the last digit; there
// a model without a solution ends somewhere, as in R.
const (
	StopExact Stop = ""  // as near to the solution as numbers can be
	StopAsR   Stop = "R" // where R's glm stops with its default settings
)

// The settings of R's glm.control.
const (
	deviancePrecisionOfR = 1e-8
	maxRoundsOfR         = 25
)

// fitAsR is iteratively reweighted least squares as R's glm.fit does it.
func (f *frame) fitAsR(active [][][]int32, names []string) (*fitting, error) {
	t := &fitting{frame: f, active: active, names: names, beta: make([]float64, len(names))}
	eta := f.startOfR()
	t.deviance = t.devianceAt(eta)
	for t.rounds = 1; t.rounds <= maxRoundsOfR; t.rounds++ {
		before := t.deviance
		t.leastSquares(eta)
		if t.rounds == 1 {
			if err := t.checkColumns(); err != nil {
				return nil, err
			}
		}
		c, dependent := newCholesky(t.information)
		if dependent >= 0 {
			return nil, t.separated(nil)
		}
		t.beta = c.solve(t.score)
		linear := t.linearByPattern(t.beta)
		for i := range eta {
			eta[i] = t.units.eta(i, linear, len(t.matrix.slopes))
		}
		t.deviance = t.devianceAt(eta)
		if math.Abs(t.deviance-before)/(math.Abs(t.deviance)+0.1) < deviancePrecisionOfR {
			return t, nil
		}
	}
	return nil, t.separated(nil)
}

// startOfR is η of R's first guess at the mean of each person.
func (f *frame) startOfR() []float64 {
	eta := make([]float64, len(f.units.y))
	for i, y := range f.units.y {
		switch f.glm.family {
		case binomial:
			w := f.units.weight[i] * f.weightOfR
			y = (w*y + 0.5) / (w + 1)
		case poisson:
			y += 0.1
		}
		eta[i] = f.glm.link.linear(y)
	}
	return eta
}

// devianceAt is the deviance of all units.
func (f *frame) devianceAt(eta []float64) float64 {
	var sum float64
	for i, y := range f.units.y {
		mu, _ := f.glm.link.mean(eta[i])
		sum += f.units.weight[i] * f.glm.family.deviance(y, mu)
	}
	return sum
}

// leastSquares prepares the regression of the working outcome η + (y−μ)/(dμ/dη) with
// the working weights, and keeps these.
func (t *fitting) leastSquares(eta []float64) {
	u, s := &t.units, len(t.matrix.slopes)
	a := &sums{slopes: s, score: make([]float64, len(t.levels)*s), info: make([]float64, len(t.levels)*s*s)}
	t.working = make([]float64, len(eta))
	x := make([]float64, s)
	x[0] = 1
	for i := range eta {
		mu, slope := t.glm.link.mean(eta[i])
		z := eta[i] + (u.y[i]-mu)/slope
		if u.offset != nil {
			z -= u.offset[i]
		}
		t.working[i] = slope * slope / t.glm.family.variance(mu)
		for k := 1; k < s; k++ {
			x[k] = u.slope[k-1][i]
		}
		a.add(int(u.pattern[i])*s, u.weight[i]*t.working[i]*z, u.weight[i]*t.working[i], x)
	}
	t.expand(a)
}
