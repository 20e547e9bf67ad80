package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// A Profile describes somebody to predict for: the level of every factor of the model
// and the value of every numeric term.
type Profile struct {
	Levels map[string]string
	Values map[string]float64
	Offset float64
}

// PredictLinear is η = x′β for each profile, with the covariance XVX′ (predict of R's
// svyglm, type link).
func (fit *Fit) PredictLinear(profiles ...Profile) (Vector, error) {
	return fit.predict(profiles, func(eta float64) (float64, float64) { return eta, 1 })
}

// Predict is the mean μ = g⁻¹(x′β) for each profile, with the covariance of the delta
// method (predict of R's svyglm, type response). The intervals are g⁻¹(η ± t·SE(η)), so
// that they stay within the range of a mean.
func (fit *Fit) Predict(profiles ...Profile) (Vector, error) {
	v, err := fit.predict(profiles, fit.fitting.glm.link.mean)
	if err != nil {
		return Vector{}, err
	}
	linear, err := fit.PredictLinear(profiles...)
	if err != nil {
		return Vector{}, err
	}
	for i := range v.Estimates {
		e := &v.Estimates[i]
		e.Lo, _ = fit.fitting.glm.link.mean(linear.Estimates[i].Lo)
		e.Hi, _ = fit.fitting.glm.link.mean(linear.Estimates[i].Hi)
	}
	return v, nil
}

// predict gives a function of η and its covariance; f gives value and slope.
func (fit *Fit) predict(profiles []Profile, f func(eta float64) (value, slope float64)) (Vector, error) {
	if len(profiles) == 0 {
		return Vector{}, errors.New("no profile to predict for; give one at least")
	}
	names, values := make([]string, len(profiles)), make([]float64, len(profiles))
	gradient := mat.NewDense(len(profiles), len(fit.Values), nil)
	for i, p := range profiles {
		x, err := fit.fitting.matrix.row(p)
		if err != nil {
			return Vector{}, fmt.Errorf("profile %d: %w", i, err)
		}
		eta := p.Offset
		for j, b := range fit.Values {
			eta += x[j] * b
		}
		value, slope := f(eta)
		names[i], values[i] = strconv.Itoa(i+1), value
		for j := range x {
			gradient.Set(i, j, x[j]*slope)
		}
	}
	return derived(fit.Vector, names, values, quadratic(gradient, fit.Cov)), nil
}

// derived is a vector made from that of coefficients.
func derived(of Vector, names []string, values []float64, cov *mat.SymDense) Vector {
	v := of
	v.Names, v.Values, v.Cov = names, values, cov
	v.Estimates, v.Notes = make([]Estimate, len(values)), slices.Clone(of.Notes)
	e := missingEstimate(of.Level)
	e.N, e.Weighted, e.DF, e.Notes = of.N, of.Weighted, of.DF, of.Notes
	for i := range values {
		v.Estimates[i] = e.at(values[i], math.Sqrt(max(cov.At(i, i), 0)))
	}
	return v
}

// quadratic is G·V·G′.
func quadratic(g *mat.Dense, v *mat.SymDense) *mat.SymDense {
	var half, full mat.Dense
	half.Mul(g, v)
	full.Mul(&half, g.T())
	n, _ := full.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
		}
	}
	return s
}

// row is the row of the model matrix of a profile. Factors without columns need no level.
func (m *matrixLayout) row(p Profile, without ...string) ([]float64, error) {
	levels := make([]int32, len(m.factors))
	for k, f := range m.factors {
		if slices.Contains(without, f.ID) {
			continue
		}
		name, known := p.Levels[f.ID]
		if !known {
			return nil, fmt.Errorf("no level of factor %q; it has: %s", f.ID, strings.Join(f.Levels, ", "))
		}
		l := slices.Index(f.Levels, name)
		if l < 0 {
			return nil, fmt.Errorf("factor %q has no level %q; it has: %s", f.ID, name, strings.Join(f.Levels, ", "))
		}
		levels[k] = int32(l)
	}
	x := make([]float64, len(m.columns))
	for s, list := range m.active([][]int32{levels})[0] {
		product := 1.0
		for _, v := range m.slopes[s] {
			value, known := p.Values[v.Name]
			if !known || isMissing(value) || math.IsInf(value, 0) {
				return nil, fmt.Errorf("no value of %q", v.Name)
			}
			product *= value
		}
		for _, j := range list {
			x[j] = product
		}
	}
	return x, nil
}

// Margins are the predictive margins of a factor of the model: the mean that the people
// of the fit would have if all of them had one level, all else being as it is (Graubard
// and Korn 1999),
//
//	M_g = Σw μ(x with level g) / Σw
//
// The covariance is that of R's svypredmeans: that of the mean of the predictions given
// the coefficients, plus D′VD for the coefficients, D being the mean slope. Contrast
// then gives adjusted differences.
func (fit *Fit) Margins(factor string) (Vector, error) {
	t := fit.fitting
	k := slices.IndexFunc(t.matrix.factors, func(f FactorColumn) bool { return f.ID == factor })
	if k < 0 {
		var ids []string
		for _, f := range t.matrix.factors {
			ids = append(ids, f.ID)
		}
		return Vector{}, fmt.Errorf("no factor %q in the model; there are: %s", factor, strings.Join(ids, ", "))
	}
	names := slices.Clone(t.matrix.factors[k].Levels)
	margins := make([]margin, len(names))
	means := newTable[float64](len(names), len(t.code))
	values := make([]float64, len(names))
	gradient := mat.NewDense(len(names), len(fit.Values), nil)
	for g := range margins {
		margins[g] = t.margin(k, int32(g), means[g])
		values[g] = margins[g].mean
		gradient.SetRow(g, margins[g].slope)
	}
	for g, z := range means {
		t.centre(z, values[g])
	}
	given, _, err := t.design.covariance(means, t.seen)
	if err != nil {
		return Vector{}, err
	}
	cov := quadratic(gradient, fit.Cov)
	cov.AddSym(cov, given)
	return derived(fit.Vector, names, values, cov), nil
}

// margin is the mean prediction with one level for everybody, and its slope by
// coefficient.
type margin struct {
	mean  float64
	slope []float64
}

// margin predicts for everybody, with level of factor k; it writes μ by place.
func (t *fitting) margin(k int, level int32, mu []float64) margin {
	s := len(t.matrix.slopes)
	others := make([][]int32, len(t.levels))
	for p, levels := range t.levels {
		others[p] = slices.Clone(levels)
		others[p][k] = level
	}
	there := fitting{frame: t.frame, active: t.matrix.active(others)}
	linear := there.linearByPattern(t.beta)
	m := margin{slope: make([]float64, len(t.beta))}
	unit := 0
	for place, p := range t.code {
		if p < 0 {
			continue
		}
		at := person{place: place, pattern: p, unit: int(p)}
		if t.units.people {
			at.unit = unit
			unit++
		}
		w := t.weight[place] / t.w
		mean, slope := t.glm.link.mean(t.units.eta(at.unit, linear, s))
		mu[place] = mean
		m.mean += w * mean
		there.spread(at, w*slope, m.slope)
	}
	return m
}

// centre turns predictions by place into the scores w(μ − M)/Σw of their mean.
func (t *fitting) centre(mu []float64, mean float64) {
	for place, p := range t.code {
		if p >= 0 {
			mu[place] = t.weight[place] * (mu[place] - mean) / t.w
		}
	}
}

// Fitted are the fitted means of the people of the fit, one for each row of the columns;
// NaN for rows without.
func (fit *Fit) Fitted() []float64 {
	t, d := fit.fitting, fit.fitting.design
	linear := t.linearByPattern(t.beta)
	mu := slices.Repeat([]float64{math.NaN()}, d.rows)
	unit := 0
	for place, p := range t.code {
		if p < 0 {
			continue
		}
		eta := linear[p]
		if t.units.people {
			eta = t.units.eta(unit, linear, len(t.matrix.slopes))
			unit++
		}
		mu[d.rowAt(place)], _ = t.glm.link.mean(eta)
	}
	return mu
}
