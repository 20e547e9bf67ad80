package analysis_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

func mustFitOrdinal(t *testing.T, d *analysis.Design, m analysis.OrdinalModel) *analysis.OrdinalFit {
	t.Helper()
	fit, err := d.FitOrdinal(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fit
}

// With two levels the proportional odds model is logistic regression, and its threshold
// is minus the intercept.
func TestOrdinalOfTwoLevelsIsLogistic(t *testing.T) {
	s := clusteredSample(600)
	d := s.design(t)
	outcome := analysis.FactorColumn{Factor: analysis.Factor{ID: "literate", Levels: []string{"no", "yes"}}}
	for _, y := range s.literate {
		outcome.Level = append(outcome.Level, int(y))
	}
	for _, link := range []analysis.Link{analysis.Logit, analysis.Probit} {
		for name, terms := range map[string][]analysis.Term{"by pattern": s.terms()[:2], "by person": s.terms()} {
			logistic := mustFit(t, d, analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Link: link, Terms: terms})
			ordinal := mustFitOrdinal(t, d, analysis.OrdinalModel{Outcome: outcome, Terms: terms, Link: link})
			k := len(ordinal.Values) - 1
			for j, b := range ordinal.Values {
				want, sign := logistic.Estimates[0], -1.0
				if j < k {
					want, sign = logistic.Estimates[j+1], 1
				}
				// The bread of the probit model is the observed information here and the expected
				// one there, so that standard errors only resemble each other.
				tolerance := map[analysis.Link]float64{analysis.Logit: 1e-8, analysis.Probit: 0.05}[link]
				if math.Abs(sign*b-want.Value) > 1e-7*want.SE || math.Abs(ordinal.Estimates[j].SE/want.SE-1) > tolerance {
					t.Errorf("%s %s: %s = %v ± %v, want %v ± %v", link, name, ordinal.Names[j], b, ordinal.Estimates[j].SE, sign*want.Value, want.SE)
				}
			}
			if math.Abs(ordinal.Deviance/logistic.Deviance-1) > 1e-9 {
				t.Errorf("%s %s: deviance = %v, want %v", link, name, ordinal.Deviance, logistic.Deviance)
			}
		}
	}
}

// logLikelihood is that of proportional odds by its definition, person by person, with
// the coefficients of school=some, school=full, sex=m, age and two thresholds.
func (s clustered) logLikelihood(i int, b []float64) float64 {
	eta := b[2]*float64(s.sex.Level[i]) + b[3]*s.age[i]
	if l := s.school.Level[i]; l > 0 {
		eta += b[l-1]
	}
	below := func(theta float64) float64 { return 1 / (1 + math.Exp(eta-theta)) }
	switch s.degree.Level[i] {
	case 0:
		return math.Log(below(b[4]))
	case 1:
		return math.Log(below(b[5]) - below(b[4]))
	}
	return math.Log(1 - below(b[5]))
}

// The standard errors come again from numerical derivatives of the log likelihood: the
// scores of people by first differences, the information by second ones, and the
// variance of PSU totals within strata.
func TestOrdinalByNumericalDerivatives(t *testing.T) {
	s := clusteredSample(600)
	fit := mustFitOrdinal(t, s.design(t), analysis.OrdinalModel{Outcome: s.degree, Terms: s.terms()})
	const k = 6
	steps := []float64{1e-4, 1e-4, 1e-4, 1e-6, 1e-4, 1e-4}
	moved := func(j int, by float64, b []float64) []float64 {
		c := slices.Clone(b)
		c[j] += by
		return c
	}
	score := func(i int, b []float64) []float64 {
		g := make([]float64, k)
		for j, h := range steps {
			g[j] = (s.logLikelihood(i, moved(j, h, b)) - s.logLikelihood(i, moved(j, -h, b))) / (2 * h)
		}
		return g
	}
	information, totals := make([][]float64, k), make(map[[2]string][]float64)
	var sum [k]float64
	for j := range information {
		information[j] = make([]float64, k)
	}
	for i, w := range s.columns.Weight {
		psu := [2]string{s.columns.Stratum[i], s.columns.PSU[i]}
		if totals[psu] == nil {
			totals[psu] = make([]float64, k)
		}
		for j, g := range score(i, fit.Values) {
			totals[psu][j] += w * g
			sum[j] += w * g
		}
		for l, h := range steps {
			up, down := score(i, moved(l, h, fit.Values)), score(i, moved(l, -h, fit.Values))
			for j := range k {
				information[j][l] -= w * (up[j] - down[j]) / (2 * h)
			}
		}
	}
	inverse := invert(information)
	var variance [k]float64
	for stratum := range 6 {
		var z [][]float64
		var mean [k]float64
		for psu, total := range totals {
			if psu[0] != string(rune('0'+stratum)) {
				continue
			}
			u := make([]float64, k)
			for j := range u {
				for l := range total {
					u[j] += inverse[j][l] * total[l]
				}
				mean[j] += u[j] / 5
			}
			z = append(z, u)
		}
		for _, u := range z {
			for j := range u {
				variance[j] += 5.0 / 4 * (u[j] - mean[j]) * (u[j] - mean[j])
			}
		}
	}
	for j, e := range fit.Estimates {
		if slope := math.Abs(sum[j]) * e.SE; slope > 1e-4 {
			t.Errorf("the log likelihood still rises with %s: a standard error along by %v", fit.Names[j], slope)
		}
		if want := math.Sqrt(variance[j]); math.Abs(e.SE/want-1) > 1e-4 {
			t.Errorf("SE of %s = %v, want %v", fit.Names[j], e.SE, want)
		}
	}
}

// invert is Gauss and Jordan's.
func invert(a [][]float64) [][]float64 {
	n := len(a)
	m := make([][]float64, n)
	for i := range m {
		m[i] = append(slices.Clone(a[i]), make([]float64, n)...)
		m[i][n+i] = 1
	}
	for i := range m {
		p := m[i][i]
		for j := range m[i] {
			m[i][j] /= p
		}
		for k := range m {
			if f := m[k][i]; k != i {
				for j := range m[k] {
					m[k][j] -= f * m[i][j]
				}
			}
		}
	}
	inverse := make([][]float64, n)
	for i := range m {
		inverse[i] = m[i][n:]
	}
	return inverse
}

// The jackknife leaves out one PSU after the other and raises the weights of the others
// in its stratum; its variance is near the linearised one for smooth estimates.
func TestOrdinalNearTheJackknife(t *testing.T) {
	s := clusteredSample(900)
	m := analysis.OrdinalModel{Outcome: s.degree, Terms: s.terms()}
	fit := mustFitOrdinal(t, s.design(t), m)
	variance := make([]float64, len(fit.Values))
	for _, left := range s.design(t).PSUs() {
		r := s
		r.columns.Weight = slices.Clone(s.columns.Weight)
		for i := range r.columns.Weight {
			switch {
			case s.columns.Stratum[i] != left.Stratum:
			case s.columns.PSU[i] == left.Name:
				r.columns.Weight[i] = 0
			default:
				r.columns.Weight[i] *= 5.0 / 4
			}
		}
		replicate := mustFitOrdinal(t, r.design(t), m)
		for j, b := range replicate.Values {
			variance[j] += 4.0 / 5 * (b - fit.Values[j]) * (b - fit.Values[j])
		}
	}
	for j, e := range fit.Estimates {
		if ratio := e.SE / math.Sqrt(variance[j]); ratio < 0.93 || ratio > 1.07 {
			t.Errorf("SE of %s = %v, the jackknife's is %v", fit.Names[j], e.SE, math.Sqrt(variance[j]))
		}
	}
}

// Probabilities add up to one whatever the coefficients, so that their covariances do
// to zero.
func TestOrdinalProbabilitiesAddUp(t *testing.T) {
	s := clusteredSample(400)
	for _, link := range []analysis.Link{analysis.Logit, analysis.Probit, analysis.CLogLog} {
		fit := mustFitOrdinal(t, s.design(t), analysis.OrdinalModel{Outcome: s.degree, Terms: s.terms(), Link: link})
		v, err := fit.Predict(analysis.Profile{Levels: map[string]string{"school": "some", "sex": "m"}, Values: map[string]float64{"age": 30}})
		if err != nil {
			t.Fatal(err)
		}
		all, err := v.Contrast(1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(all.Value-1) > 1e-12 || all.SE > 1e-7 {
			t.Errorf("%s: probabilities %v add up to %v ± %v", link, v.Values, all.Value, all.SE)
		}
		if slices.Min(v.Values) <= 0 {
			t.Errorf("%s: probabilities %v", link, v.Values)
		}
	}
}

func TestOrdinalModelsNameFaults(t *testing.T) {
	s := clusteredSample(200)
	d := s.design(t)
	same := analysis.Term{Numeric: analysis.Variable{Name: "twin", Values: s.age}}
	answer := make([]float64, len(s.age))
	for i, l := range s.degree.Level {
		answer[i] = float64(l)
	}
	for word, m := range map[string]analysis.OrdinalModel{
		"cauchit":     {Outcome: s.degree, Terms: s.terms(), Link: "cauchit"},
		"no terms":    {Outcome: s.degree},
		"degree":      {Outcome: s.degree, Terms: []analysis.Term{{Factor: s.degree}}},
		"twin":        {Outcome: s.degree, Terms: append(s.terms(), same)},
		"without end": {Outcome: s.degree, Terms: []analysis.Term{{Numeric: analysis.Variable{Name: "answer", Values: answer}}}},
	} {
		if _, err := d.FitOrdinal(m, nil); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not say %q", err, word)
		}
	}
}

// A factor of two levels and a number of zeros and ones are the same model. With the
// number people are the units, with the factor all people of a pattern are, whose mean
// level is not always a whole number to the last bit: 3 times the weights over the
// weights is not 3.
func TestOrdinalOfManyLevels(t *testing.T) {
	s := ask(t, 11)
	sex := make([]float64, len(s.score))
	for i, l := range s.sex.Level {
		sex[i] = float64(l)
		if l < 0 {
			sex[i] = math.NaN()
		}
	}
	region := analysis.Term{Factor: s.region}
	patterns := mustFitOrdinal(t, s.design, analysis.OrdinalModel{Outcome: s.points, Terms: []analysis.Term{region, {Factor: s.sex}}})
	people := mustFitOrdinal(t, s.design, analysis.OrdinalModel{Outcome: s.points,
		Terms: []analysis.Term{region, {Numeric: analysis.Variable{Name: "sex", Values: sex}}}})
	// Two ways to the same maximum, each as near as Newton's method takes it.
	nearVector(t, "coefficients", patterns.Vector, people.Vector, 1e-9)
}
