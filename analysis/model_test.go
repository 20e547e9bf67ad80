package analysis_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// clustered is a made-up sample of 6 strata with 5 PSUs each for tests of models: a
// factor of three levels, one of two, a number and three outcomes that depend on them.
type clustered struct {
	columns         analysis.Columns
	school, sex     analysis.FactorColumn
	age, score      []float64
	literate, books []float64
	degree          analysis.FactorColumn // low, middle, high
}

func clusteredSample(n int) clustered {
	r := rand.New(rand.NewPCG(5, 6))
	s := clustered{
		school: analysis.FactorColumn{Factor: analysis.Factor{ID: "school", Levels: []string{"none", "some", "full"}}},
		sex:    analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"f", "m"}}},
		degree: analysis.FactorColumn{Factor: analysis.Factor{ID: "degree", Levels: []string{"low", "middle", "high"}}},
	}
	var effect [30]float64
	for k := range effect {
		effect[k] = r.NormFloat64() / 2
	}
	for range n {
		k := r.IntN(30)
		school, sex, age := r.IntN(3), r.IntN(2), 18+60*r.Float64()
		eta := effect[k] + 0.7*float64(school) - 0.3*float64(sex) - 0.02*(age-48)
		s.columns.Weight = append(s.columns.Weight, 0.5+2*r.Float64())
		s.columns.Stratum = append(s.columns.Stratum, strconv.Itoa(k/5))
		s.columns.PSU = append(s.columns.PSU, strconv.Itoa(k%5))
		s.school.Level, s.sex.Level = append(s.school.Level, school), append(s.sex.Level, sex)
		s.age, s.score = append(s.age, age), append(s.score, 50+10*eta+8*r.NormFloat64())
		latent := eta + math.Log(1/r.Float64()-1)
		s.literate = append(s.literate, float64(btoi(latent > 0.5)))
		s.books = append(s.books, float64(r.IntN(4+2*school)))
		s.degree.Level = append(s.degree.Level, btoi(latent > -0.5)+btoi(latent > 1))
	}
	return s
}

func (s clustered) design(t testing.TB) *analysis.Design {
	t.Helper()
	d, err := analysis.NewDesign(s.columns)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// terms are school, sex and age.
func (s clustered) terms() []analysis.Term {
	return []analysis.Term{{Factor: s.school}, {Factor: s.sex}, {Numeric: analysis.Variable{Name: "age", Values: s.age}}}
}

func mustFit(t testing.TB, d *analysis.Design, m analysis.Model) *analysis.Fit {
	t.Helper()
	fit, err := d.Fit(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fit
}

// nearVector compares two vectors, relative to the size of the numbers.
func nearVector(t *testing.T, what string, got, want analysis.Vector, tolerance float64) {
	t.Helper()
	if len(got.Values) != len(want.Values) {
		t.Fatalf("%s: %d estimates, want %d", what, len(got.Values), len(want.Values))
	}
	for i, v := range want.Values {
		se := math.Sqrt(want.Cov.At(i, i))
		if off := math.Abs(got.Values[i] - v); !(off <= tolerance*(math.Abs(v)+se)) {
			t.Errorf("%s: %s = %v, want %v", what, want.Names[i], got.Values[i], v)
		}
		for j := range want.Values {
			scale := math.Sqrt(want.Cov.At(i, i) * want.Cov.At(j, j))
			if off := math.Abs(got.Cov.At(i, j) - want.Cov.At(i, j)); !(off <= tolerance*scale) {
				t.Errorf("%s: covariance of %s and %s = %v, want %v", what, want.Names[i], want.Names[j], got.Cov.At(i, j), want.Cov.At(i, j))
			}
		}
	}
}

// A model with one factor and nothing else predicts the mean of each level under every
// family and link, with the standard error of that mean: an identity.
func TestModelOfOneFactorIsTheMeans(t *testing.T) {
	s := clusteredSample(600)
	d := s.design(t)
	for _, m := range []analysis.Model{
		{Outcome: s.score, Family: analysis.Gaussian},
		{Outcome: s.score, Family: analysis.Gaussian, Link: analysis.Log},
		{Outcome: s.literate, Family: analysis.Binomial},
		{Outcome: s.literate, Family: analysis.Binomial, Link: analysis.Probit},
		{Outcome: s.literate, Family: analysis.Binomial, Link: analysis.CLogLog},
		{Outcome: s.literate, Family: analysis.Binomial, Link: analysis.Log},
		{Outcome: s.literate, Family: analysis.Binomial, Link: analysis.Identity},
		{Outcome: s.books, Family: analysis.Poisson},
		{Outcome: s.books, Family: analysis.Poisson, Link: analysis.Identity},
	} {
		m.Terms = []analysis.Term{{Factor: s.school}}
		fit := mustFit(t, d, m)
		for level, name := range s.school.Levels {
			got, err := fit.Predict(analysis.Profile{Levels: map[string]string{"school": name}})
			if err != nil {
				t.Fatal(err)
			}
			in := make([]bool, len(s.score))
			for i, l := range s.school.Level {
				in[i] = l == level
			}
			want := must(d.Mean(m.Outcome, in))(t)
			if e := got.Estimates[0]; math.Abs(e.Value/want.Value-1) > 1e-9 || math.Abs(e.SE/want.SE-1) > 1e-8 {
				t.Errorf("%s %s: prediction for %s = %v ± %v, want %v ± %v", m.Family, m.Link, name, e.Value, e.SE, want.Value, want.SE)
			}
		}
	}
}

// An offset of zero makes the fit go through people instead of patterns: two ways of
// computing the same.
func TestPatternsGiveWhatPeopleGive(t *testing.T) {
	s := clusteredSample(600)
	d := s.design(t)
	for family, y := range map[analysis.Family][]float64{analysis.Gaussian: s.score, analysis.Binomial: s.literate, analysis.Poisson: s.books} {
		m := analysis.Model{Outcome: y, Family: family, Terms: []analysis.Term{{Factor: s.school}, {Factor: s.sex}, {Interaction: []string{"school", "sex"}}}}
		patterns := mustFit(t, d, m)
		m.Offset = make([]float64, len(y))
		people := mustFit(t, d, m)
		nearVector(t, string(family), patterns.Vector, people.Vector, 1e-8)
		for what, x := range map[string][2]float64{
			"deviance":      {patterns.Deviance, people.Deviance},
			"null deviance": {patterns.NullDeviance, people.NullDeviance},
			"dispersion":    {patterns.Dispersion, people.Dispersion},
		} {
			if math.Abs(x[0]/x[1]-1) > 1e-9 {
				t.Errorf("%s: %s of patterns = %v, of people %v", family, what, x[0], x[1])
			}
		}
	}
}

// Whether a model stops at the solution or where R stops moves a standard error by
// less than R's criterion lets it: about √10⁻⁸.
func TestStopAsRIsNearTheSolution(t *testing.T) {
	s := clusteredSample(600)
	d := s.design(t)
	m := analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: s.terms()}
	exact := mustFit(t, d, m)
	m.Stop = analysis.StopAsR
	nearVector(t, "as R", mustFit(t, d, m).Vector, exact.Vector, 1e-3)
}

// An offset of 2·age takes 2 from the coefficient of age, nothing else.
func TestOffsetTakesFromTheCoefficient(t *testing.T) {
	s := clusteredSample(400)
	d := s.design(t)
	m := analysis.Model{Outcome: s.score, Family: analysis.Gaussian, Terms: s.terms()}
	want := mustFit(t, d, m)
	for _, age := range s.age {
		m.Offset = append(m.Offset, 2*age)
	}
	got := mustFit(t, d, m)
	got.Values[len(got.Values)-1] += 2
	nearVector(t, "offset", got.Vector, want.Vector, 1e-9)
}

func TestModelInvariants(t *testing.T) {
	s := clusteredSample(500)
	m := analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: s.terms()}
	want := mustFit(t, s.design(t), m)

	t.Run("weights seven times as large", func(t *testing.T) {
		scaled := s
		scaled.columns.Weight = nil
		for _, w := range s.columns.Weight {
			scaled.columns.Weight = append(scaled.columns.Weight, 7*w)
		}
		nearVector(t, "scaled", mustFit(t, scaled.design(t), m).Vector, want.Vector, 1e-9)
	})
	t.Run("a number in other units", func(t *testing.T) {
		other := s.terms()
		thousandths := make([]float64, len(s.age))
		for i, x := range s.age {
			thousandths[i] = 1000 * x
		}
		other[2].Numeric.Values = thousandths
		got := mustFit(t, s.design(t), analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: other})
		k := len(got.Values) - 1
		if math.Abs(1000*got.Values[k]/want.Values[k]-1) > 1e-9 || math.Abs(1000*got.Estimates[k].SE/want.Estimates[k].SE-1) > 1e-9 {
			t.Errorf("coefficient of 1000·age = %v, want a thousandth of %v", got.Values[k], want.Values[k])
		}
	})
	t.Run("one core", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		got := mustFit(t, s.design(t), m)
		if !slices.Equal(got.Values, want.Values) || got.Cov.At(0, 1) != want.Cov.At(0, 1) {
			t.Error("one core gives other bits than two")
		}
	})
}

// The working likelihood ratio of one coefficient is the difference of two deviances,
// and its weight is the variance over that of a simple sample: from the definitions.
func TestLikelihoodRatio(t *testing.T) {
	s := clusteredSample(600)
	d := s.design(t)
	m := analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: s.terms()}
	with := mustFit(t, d, m)
	test, err := with.LikelihoodRatio("sex")
	if err != nil {
		t.Fatal(err)
	}
	m.Terms = []analysis.Term{m.Terms[0], m.Terms[2]}
	without := mustFit(t, d, m)
	if want := without.Deviance - with.Deviance; math.Abs(test.ChiSquare-want) > 1e-9*with.Deviance {
		t.Errorf("ChiSquare = %v, want the difference of deviances %v", test.ChiSquare, want)
	}
	// Near the Wald F, as both test the same. With one weight its F is that of the sum.
	wald, err := with.Wald("sex")
	if err != nil {
		t.Fatal(err)
	}
	if len(test.Weights) != 1 || test.DF2 != with.DF || math.Abs(test.Statistic*test.Weights[0]/test.ChiSquare-1) > 1e-9 || math.Abs(test.Statistic/wald.Statistic-1) > 0.1 {
		t.Errorf("LikelihoodRatio = %+v, Wald = %+v", test, wald)
	}
	one, err := with.Significance(slices.Index(with.Names, "sex=m"))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(one.Statistic*one.Statistic/wald.Statistic-1) > 1e-9 || math.Abs(one.P/wald.P-1) > 1e-9 {
		t.Errorf("t² = %v with p %v, want the Wald F %v with p %v", one.Statistic*one.Statistic, one.P, wald.Statistic, wald.P)
	}
}

// Margins of the only factor are its predictions, and the weighted mean of margins over
// people as they are is the mean: a factor alone leaves nothing to hold constant.
func TestMarginsOfTheOnlyFactor(t *testing.T) {
	s := clusteredSample(400)
	fit := mustFit(t, s.design(t), analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: []analysis.Term{{Factor: s.school}}})
	margins, err := fit.Margins("school")
	if err != nil {
		t.Fatal(err)
	}
	var profiles []analysis.Profile
	for _, l := range s.school.Levels {
		profiles = append(profiles, analysis.Profile{Levels: map[string]string{"school": l}})
	}
	predictions, err := fit.Predict(profiles...)
	if err != nil {
		t.Fatal(err)
	}
	nearVector(t, "margins", margins, predictions, 1e-9)
}

// Standardised to the composition that the sample has, the mean is the mean.
func TestStandardizedToItself(t *testing.T) {
	s := clusteredSample(400)
	d := s.design(t)
	population := make([]float64, 3)
	for i, l := range s.school.Level {
		population[l] += s.columns.Weight[i]
	}
	v, err := d.StandardizedMeans(s.score, s.school, population, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := must(d.Mean(s.score, nil))(t); math.Abs(v.Values[0]/want.Value-1) > 1e-12 {
		t.Errorf("StandardizedMeans = %v, want %v", v.Values[0], want.Value)
	}
	if _, err := d.StandardizedMeans(s.score, s.school, population[:2], nil); err == nil || !strings.Contains(err.Error(), "school") {
		t.Errorf("two numbers for three levels: %v", err)
	}
}

// The fitted means solve the score equations Σ w x (y−μ) = 0 of the intercept, of each
// level and of the number; rows outside the domain have none.
func TestFittedSolvesTheScoreEquations(t *testing.T) {
	s := clusteredSample(500)
	d := s.design(t)
	in := make([]bool, len(s.age))
	for i, age := range s.age {
		in[i] = age < 60
	}
	for name, terms := range map[string][]analysis.Term{
		"patterns": {{Factor: s.school}, {Factor: s.sex}},
		"people":   {{Factor: s.school}, {Factor: s.sex}, {Numeric: analysis.Variable{Name: "age", Values: s.age}}},
	} {
		fit, err := d.Fit(analysis.Model{Outcome: s.literate, Terms: terms, Family: analysis.Binomial}, in)
		if err != nil {
			t.Fatal(err)
		}
		var bySchool [3]float64
		var byAge float64
		for i, mu := range fit.Fitted() {
			if in[i] == math.IsNaN(mu) {
				t.Fatalf("%s: row %d in %v has a mean of %v", name, i, in[i], mu)
			}
			if in[i] {
				r := s.columns.Weight[i] * (s.literate[i] - mu)
				bySchool[s.school.Level[i]] += r
				byAge += r * s.age[i]
			}
		}
		if len(terms) < 3 {
			byAge = 0 // not a term
		}
		for _, x := range append(bySchool[:], byAge/60) {
			if math.Abs(x) > 1e-9*500 { // the sums are of 500 people
				t.Errorf("%s: scores %v and %v, want zero", name, bySchool, byAge)
			}
		}
	}
}

func TestModelsNameFaults(t *testing.T) {
	s := clusteredSample(200)
	d := s.design(t)
	good := analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: s.terms()}
	number := func(name string, f func(i int) float64) analysis.Term {
		x := make([]float64, len(s.age))
		for i := range x {
			x[i] = f(i)
		}
		return analysis.Term{Numeric: analysis.Variable{Name: name, Values: x}}
	}
	rare := analysis.FactorColumn{Factor: analysis.Factor{ID: "region", Levels: []string{"north", "south", "moon"}}, Level: s.sex.Level}
	high := slices.Clone(s.school.Level)
	high[7] = 3
	for name, c := range map[string]struct {
		change func(m *analysis.Model)
		want   []string
	}{
		"outcome too short": {func(m *analysis.Model) { m.Outcome = m.Outcome[1:] }, []string{"outcome", "199", "200"}},
		"a share above 1":   {func(m *analysis.Model) { m.Outcome = slices.Repeat([]float64{1.5}, 200) }, []string{"row 0", "1.5"}},
		"infinite":          {func(m *analysis.Model) { m.Outcome = slices.Repeat([]float64{math.Inf(1)}, 200) }, []string{"infinite", "row 0"}},
		"mean below zero": {func(m *analysis.Model) {
			m.Outcome, m.Family, m.Link = slices.Repeat([]float64{-1, -2}, 100), analysis.Gaussian, analysis.Log
		}, []string{"-1.", "log"}},
		"the same for everybody": {func(m *analysis.Model) { m.Outcome = slices.Repeat([]float64{1}, 200) }, []string{"everybody", "1"}},
		"all missing":            {func(m *analysis.Model) { m.Outcome = slices.Repeat([]float64{math.NaN()}, 200) }, []string{"nobody"}},
		"unknown family":         {func(m *analysis.Model) { m.Family = "gamma" }, []string{"gamma", "poisson"}},
		"unknown link":           {func(m *analysis.Model) { m.Link = "cauchit" }, []string{"cauchit", "probit"}},
		"unknown stop":           {func(m *analysis.Model) { m.Stop = "soon" }, []string{"soon"}},
		"empty term":             {func(m *analysis.Model) { m.Terms = append(m.Terms, analysis.Term{}) }, []string{"term 3"}},
		"term twice":             {func(m *analysis.Model) { m.Terms = append(m.Terms, m.Terms[0]) }, []string{"school"}},
		"interaction with a stranger": {func(m *analysis.Model) {
			m.Terms = append(m.Terms, analysis.Term{Interaction: []string{"sex", "income"}})
		}, []string{"income"}},
		"level of nobody": {func(m *analysis.Model) { m.Terms = append(m.Terms, analysis.Term{Factor: rare}) }, []string{"moon", "region"}},
		"level beyond": {func(m *analysis.Model) {
			m.Terms = []analysis.Term{{Factor: analysis.FactorColumn{Factor: s.school.Factor, Level: high}}}
		}, []string{"school", "row 7"}},
		"constant column": {func(m *analysis.Model) {
			m.Terms = append(m.Terms, number("one", func(int) float64 { return 1 }))
		}, []string{"one", "(Intercept)"}},
		"collinear": {func(m *analysis.Model) {
			m.Terms = append(m.Terms, number("double", func(i int) float64 { return 3 + 2*s.age[i] + float64(s.sex.Level[i]) }))
		}, []string{"double", "age", "sex=m"}},
		"separated": {func(m *analysis.Model) {
			m.Terms = append(m.Terms, number("answer", func(i int) float64 { return s.literate[i] }))
		}, []string{"answer", "without end"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := good
			m.Terms = slices.Clone(good.Terms)
			c.change(&m)
			_, err := d.Fit(m, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, word := range c.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not name %q", err, word)
				}
			}
		})
	}
}

func TestFitsNameUnknownWords(t *testing.T) {
	s := clusteredSample(200)
	fit := mustFit(t, s.design(t), analysis.Model{Outcome: s.literate, Family: analysis.Binomial, Terms: s.terms()})
	profile := analysis.Profile{Levels: map[string]string{"school": "half", "sex": "f"}, Values: map[string]float64{"age": 30}}
	for word, err := range map[string]error{
		"income": second(fit.Wald("income")),
		"99":     second(fit.Significance(99)),
		"reader": second(fit.LikelihoodRatio("reader")),
		"age":    second(fit.Margins("age")),
		"half":   second(fit.Predict(profile)),
	} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not name %q", err, word)
		}
	}
}
