package analysis_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// The properties of this file hold for every estimator and every design: here for a
// hundred and more random designs of one to three stages, with and without finite
// populations, with unequal chances, domains and missing values, with fixed seeds.

// A kind says what happens to an answer when weights or PSUs change.
type kind int

const (
	rate      kind = iota // not when weights are rescaled; its variance follows PSUs
	sum                   // with the scale of the weights
	statistic             // of a test: F or t², which follow the reciprocal of the variance
	position              // a quantile: its SE is that of an interval, no linear one
	byNumber              // depends on the number of respondents
)

// An answer is what an estimator gave.
type answer struct {
	value, variance float64
	kind            kind
	iterated        bool
	failed          bool
	valueOnly       bool // theory says nothing of the variance
	// rest is all else that goes with the answer; nil when theory says nothing of it.
	rest []float64
}

// restOf is the interval, degrees of freedom, design effects, numbers and notes.
func restOf(e analysis.Estimate) []float64 {
	rest := []float64{e.Lo, e.Hi, e.DF, e.DEff, e.DEffWOR, float64(e.N), e.Weighted}
	for _, n := range e.Notes {
		rest = append(rest, float64(len(n.Code)), n.Value)
	}
	return rest
}

type answers map[string]answer

func (a answers) estimate(name string, k kind, e analysis.Estimate, err error) {
	a[name] = answer{value: e.Value, variance: e.SE * e.SE, kind: k, failed: err != nil, rest: restOf(e)}
}

func (a answers) vector(name string, k kind, v analysis.Vector, err error) {
	a[name] = answer{kind: k, failed: err != nil}
	for i := range v.Values {
		for j := range i + 1 {
			x := answer{variance: v.Cov.At(i, j), kind: k}
			if i == j {
				x.value, x.rest = v.Values[i], restOf(v.Estimates[i])
			}
			a[fmt.Sprintf("%s %s × %s", name, v.Names[i], v.Names[j])] = x
		}
	}
}

func (a answers) test(name string, t analysis.Test, err error) {
	a[name] = answer{value: t.Statistic, kind: statistic, failed: err != nil, rest: []float64{t.P, t.DF1, t.DF2, float64(t.N)}}
}

func (a answers) comparison(name string, c analysis.Comparison, err error) {
	if c.DF1 == 1 {
		c.Statistic *= c.Statistic // t² is F
	}
	a.test(name, c.Test, err)
	a.estimate(name+": difference", rate, c.Difference, err)
}

// iterated marks the answers of models, which are as exact as an equation is solved.
func (a answers) iterated(of answers) {
	for name, x := range of {
		x.iterated = true
		a[name] = x
	}
}

// said is the answer yes or no as a factor with the levels of sex.
func (s *randomSample) said() analysis.FactorColumn {
	f := analysis.FactorColumn{Factor: s.sex.Factor}
	for _, y := range s.yes {
		level := -1
		if y == y {
			level = int(y)
		}
		f.Level = append(f.Level, level)
	}
	return f
}

var independence = []analysis.TableTest{analysis.RaoScottF, analysis.RaoScottChiSquare, analysis.WaldF, analysis.LikelihoodRatioF}

// ask asks a design everything.
func (s *randomSample) ask(d *analysis.Design, in []bool) answers {
	a := make(answers)
	ones := slices.Repeat([]float64{1}, len(s.y))
	y, x := analysis.Variable{Name: "y", Values: s.y}, analysis.Variable{Name: "x", Values: s.x}
	yes, one := analysis.Variable{Name: "yes", Values: s.yes}, analysis.Variable{Name: "one", Values: ones}
	estimate := func(name string, k kind) func(analysis.Estimate, error) {
		return func(e analysis.Estimate, err error) { a.estimate(name, k, e, err) }
	}
	estimate("total", sum)(d.Total(s.y, in))
	estimate("count", sum)(d.Count(in))
	estimate("mean", rate)(d.Mean(s.y, in))
	estimate("proportion", rate)(d.Proportion(s.yes, in))
	estimate("ratio", rate)(d.Ratio(s.y, s.x, in))
	estimate("variance", byNumber)(d.Variance(s.y, in))
	estimate("alpha", rate)(d.CronbachAlpha([]analysis.Variable{y, x, yes}, in))
	estimate("function", rate)(d.Function([]analysis.Variable{y, x, one}, in, func(t []analysis.Dual) analysis.Dual {
		return t[0].Over(t[1]).Plus(t[1].Over(t[2]).Pow(2))
	}))
	table := func(name string, k kind) func(analysis.Table, error) {
		return func(t analysis.Table, err error) { a.vector(name, k, t.Vector, err) }
	}
	vector := func(name string, k kind) func(analysis.Vector, error) {
		return func(v analysis.Vector, err error) { a.vector(name, k, v, err) }
	}
	table("means", rate)(d.MeanTable(s.y, in, s.sex, s.region))
	table("totals", sum)(d.TotalTable(s.y, in, s.region))
	table("proportions", rate)(d.ProportionTable(s.yes, in, s.sex))
	vector("shares", rate)(d.ProportionVector(s.region, in))
	vector("mean vector", rate)(d.MeanVector([]analysis.Variable{y, x}, in))
	vector("total vector", sum)(d.TotalVector([]analysis.Variable{y, x}, in))
	vector("standardised", rate)(d.StandardizedMeans(s.y, s.region, []float64{2, 3, 4}, in, s.sex))
	counts, err := d.CountVector(s.region, in)
	a.vector("counts", sum, counts, err)
	fit, err := counts.GoodnessOfFit([]float64{1, 2, 1})
	a.test("goodness of fit", fit, err)

	quantiles, err := d.Quantile(s.y, in, analysis.QuantileSettings{}, 0.3, 0.5)
	for i, e := range quantiles {
		a.estimate(fmt.Sprint("quantile ", i), position, e, err)
	}
	groups, err := d.QuantileTable(s.y, in, analysis.QuantileSettings{}, 0.5, s.sex)
	for i, g := range groups {
		a.estimate(fmt.Sprint("median of ", s.sex.Levels[i]), position, g.Estimate, err)
	}

	comparison := func(name string) func(analysis.Comparison, error) {
		return func(c analysis.Comparison, err error) { a.comparison(name, c, err) }
	}
	comparison("t test")(d.TTest(s.y, s.sex, in))
	comparison("one sample")(d.OneSampleTTest(s.y, 37, in))
	comparison("pairs")(d.PairedTTest(s.y, s.x, in))
	comparison("wilcoxon")(d.RankTest(s.y, s.sex, analysis.RankWilcoxon, in))
	comparison("kruskal")(d.RankTest(s.y, s.region, analysis.RankWilcoxon, in))
	comparison("normal scores")(d.RankTest(s.y, s.sex, analysis.RankVanDerWaerden, in))
	crosstab, err := d.Crosstab(s.sex, s.region, in)
	a.crosstab(crosstab, err)
	if crosstab, err = d.Crosstab(s.sex, s.said(), in); err == nil {
		estimate("kappa", rate)(crosstab.Kappa())
	}
	a.iterated(s.askModels(d, in))
	return a
}

func (a answers) crosstab(c *analysis.Crosstab, err error) {
	if err != nil {
		a["crosstab"] = answer{failed: true}
		return
	}
	a.vector("crosstab", sum, c.Counts, nil)
	for _, method := range independence {
		test, err := c.Independence(method)
		a.test("independence "+string(method), test, err)
	}
}

// askModels fits a model of each family, and an ordinal one.
func (s *randomSample) askModels(d *analysis.Design, in []bool) answers {
	a := make(answers)
	terms := []analysis.Term{{Factor: s.sex}, {Numeric: analysis.Variable{Name: "x", Values: s.x}}}
	amount := make([]float64, len(s.y))
	for i, y := range s.y {
		amount[i] = math.Abs(y) / 10
	}
	for family, outcome := range map[analysis.Family][]float64{analysis.Gaussian: s.y, analysis.Binomial: s.yes, analysis.Poisson: amount} {
		name := string(family)
		fit, err := d.Fit(analysis.Model{Outcome: outcome, Terms: terms, Family: family}, in)
		if err != nil {
			a[name] = answer{failed: true}
			continue
		}
		a.vector(name, rate, fit.Vector, nil)
		wald, err := fit.Wald("sex")
		a.test(name+" Wald", wald, err)
		ratio, err := fit.LikelihoodRatio("sex")
		a.test(name+" likelihood ratio", ratio, err)
		margins, err := fit.Margins("sex")
		a.vector(name+" margins", rate, margins, err)
		predicted, err := fit.Predict(analysis.Profile{Levels: map[string]string{"sex": "m"}, Values: map[string]float64{"x": 4}})
		a.vector(name+" predicted", rate, predicted, err)
	}
	ordinal, err := d.FitOrdinal(analysis.OrdinalModel{Outcome: s.region, Terms: terms[1:]}, in)
	if err != nil {
		a["ordinal"] = answer{failed: true}
		return a
	}
	a.vector("ordinal", rate, ordinal.Vector, nil)
	return a
}

// compare checks answers against what theory makes of others. Closed forms sum some
// hundred numbers in another order: 1e-10 of their size is rounding. Models solve their
// equations to the last digits, but these may be ill-conditioned in small samples: 1e-6.
func (a answers) compare(t *testing.T, property string, from answers, theory func(name string, x answer) (answer, bool)) {
	t.Helper()
	compared := 0
	for name, x := range from {
		want, applies := theory(name, x)
		got, exists := a[name]
		switch {
		case !applies:
			continue
		case !exists || got.failed != x.failed:
			t.Errorf("%s: %s fails in one and not in the other", property, name)
			continue
		case x.failed:
			continue
		}
		compared++
		tolerance := 1e-10
		if x.iterated {
			tolerance = 1e-6
		}
		size := 1 + math.Abs(want.value)
		if !within(got.value, want.value, tolerance*size) {
			t.Errorf("%s: %s = %v, want %v", property, name, got.value, want.value)
		}
		if !want.valueOnly && !within(got.variance, want.variance, tolerance*(size*size+math.Abs(want.variance))) {
			t.Errorf("%s: variance of %s = %v, want %v", property, name, got.variance, want.variance)
		}
		if want.rest != nil && !slices.EqualFunc(got.rest, want.rest, func(a, b float64) bool {
			return within(a, b, 100*tolerance*(1+math.Abs(b))) // quotients of the above
		}) {
			t.Errorf("%s: with %s come %v, want %v", property, name, got.rest, want.rest)
		}
	}
	if compared < 30 {
		t.Errorf("%s: only %d answers were compared", property, compared)
	}
}

func within(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance || math.IsNaN(a) && math.IsNaN(b) || a == b
}

func unchanged(_ string, x answer) (answer, bool) { return x, true }

// domain is everybody for every second sample, and a part of them for the others.
func (s *randomSample) domain(r *rand.Rand) []bool {
	if r.IntN(2) == 0 {
		return nil
	}
	return s.in
}

const samplesOfAKind = 25

// larger lets models have people enough.
func larger(_ uint64, o *options) { o.people += 3 }

func TestEveryOrderOfRowsGivesTheSame(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		shuffled := s.rows(r.Perm(len(s.y)))
		in, inShuffled := s.in, shuffled.in
		if r.IntN(2) == 0 {
			in, inShuffled = nil, nil
		}
		shuffled.ask(mustDesign(t, shuffled.columns), inShuffled).
			compare(t, "order of rows", s.ask(mustDesign(t, s.columns), in), unchanged)
	})
}

// With weights k times as large totals are k times as large, their variances k², and
// nothing else changes: z of a rate and the ranks of people are quotients of weights.
func TestEveryScaleOfWeightsMovesOnlyTotals(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		scaled := *s
		k := math.Exp(4 * r.NormFloat64())
		scaled.columns.Weight = slices.Clone(s.columns.Weight)
		for i := range scaled.columns.Weight {
			scaled.columns.Weight[i] *= k
		}
		in := s.domain(r)
		scaled.ask(mustDesign(t, scaled.columns), in).
			compare(t, fmt.Sprint("weights times ", k), s.ask(mustDesign(t, s.columns), in), func(_ string, x answer) (answer, bool) {
				x.rest = nil
				if x.kind == sum {
					x.value, x.variance = x.value*k, x.variance*k*k
				}
				return x, true
			})
	})
}

// twins has everybody twice with half the weight; the second ones may have other labels
// of the stratum or the unit of the first stage.
func (s *randomSample) twins(relabel func(stratum, unit []string)) *randomSample {
	n := len(s.y)
	d := s.rows(append(count(n), count(n)...))
	for i := range d.columns.Weight {
		d.columns.Weight[i] /= 2
	}
	relabel(d.stratum[0][n:], d.unit[0][n:])
	return d
}

// Twins in the same smallest unit, each with half the weight, change no sum of a unit
// and so nothing but what looks at the number of respondents.
func TestTwinsInTheSmallestUnitChangeNothing(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		twins := s.twins(func(_, _ []string) {})
		in := s.domain(r)
		twins.ask(mustDesign(t, twins.columns), twice(in)).
			compare(t, "twins", s.ask(mustDesign(t, s.columns), in), func(_ string, x answer) (answer, bool) {
				x.rest = nil
				return x, x.kind != byNumber
			})
	})
}

// With every stratum there twice at half the weight, z is halved and each stratum
// contributes a quarter of before, twice: variances are halved exactly, whatever the
// stages and fractions. F and t² are doubled. A quantile stays where it is.
func TestDoubleStrataHalveVariances(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		double := s.twins(func(stratum, _ []string) {
			for i := range stratum {
				stratum[i] += "twin"
			}
		})
		in := s.domain(r)
		double.ask(mustDesign(t, double.columns), twice(in)).
			compare(t, "double strata", s.ask(mustDesign(t, s.columns), in), func(_ string, x answer) (answer, bool) {
				x.variance /= 2
				return x.after(0.5), x.kind != byNumber && !x.failed // for want of degrees of freedom
			})
	})
}

// after is what a variance r times as large makes of a test. The variance of a quantile
// is not compared.
func (x answer) after(r float64) answer {
	x.rest = nil
	switch x.kind {
	case statistic:
		x.value /= r
	case position:
		x.valueOnly = true
	}
	return x
}

// With every PSU there twice at half the weight, in the sample and in the population,
// z is halved. With f the same, the first stage of a stratum contributes
//
//	(1−f) 2n/(2n−1) · 2 Σ (z−z̄)²/4 = (n−1)/(2n−1) · (1−f) n/(n−1) Σ (z−z̄)²,
//
// and the later stages, f Σ V_i(z), 2f Σ V_i(z)/4: one half. So with n the same in all
// strata V′ = (n−1)/(2n−1) V₁ + (V − V₁)/2, where V₁ is the variance of the first stage
// alone. The same holds for unequal chances under Brewer's formula. In one stage F and
// t² are those of before divided by (n−1)/(2n−1).
func TestDoublePSUsInStages(t *testing.T) {
	equal := func(seed uint64, o *options) { larger(seed, o); o.psus = 2 + int(seed%3) }
	eachSample(t, samplesOfAKind, equal, func(t *testing.T, s *randomSample, r *rand.Rand) {
		double := s.twins(func(_, unit []string) {
			for i := range unit {
				unit[i] += "twin"
			}
		})
		if p := double.columns.Stages[0].Population; p != nil {
			for i := range p {
				p[i] *= 2
			}
		}
		psus := make(map[string]bool)
		for i, h := range s.stratum[0] {
			if h == s.stratum[0][0] {
				psus[s.unit[0][i]] = true
			}
		}
		n := float64(len(psus))
		first := s.columns
		first.Stages = first.Stages[:1]
		in := s.domain(r)
		alone := s.ask(mustDesign(t, first), in)
		double.ask(mustDesign(t, double.columns), twice(in)).
			compare(t, "double PSUs", s.ask(mustDesign(t, s.columns), in), func(name string, x answer) (answer, bool) {
				v1, ratio := alone[name].variance, (n-1)/(2*n-1)
				x.variance = ratio*v1 + (x.variance-v1)/2
				return x.after(ratio), x.kind != byNumber && !x.failed && !alone[name].failed && (x.kind != statistic || len(s.unit) == 1)
			})
	})
}

// twice is a domain of twins.
func twice(in []bool) []bool {
	if in == nil {
		return nil
	}
	return append(slices.Clone(in), in...)
}

// A domain in which everybody is, is the whole; bit by bit, as nothing else is summed.
func TestDomainOfEverybodyIsTheWhole(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, _ *rand.Rand) {
		d := mustDesign(t, s.columns)
		whole, domain := s.ask(d, nil), s.ask(d, slices.Repeat([]bool{true}, len(s.y)))
		for name, want := range whole {
			if got := domain[name]; !sameBits(got.value, want.value) || !sameBits(got.variance, want.variance) || !slices.EqualFunc(got.rest, want.rest, sameBits) || got.failed != want.failed {
				t.Errorf("%s = %+v in the domain of everybody, %+v in the whole", name, got, want)
			}
		}
	})
}

func sameBits(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// What people outside the domain answered has no bearing, not on the last bit.
func TestAnswersOutsideTheDomainDoNotMatter(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		d := mustDesign(t, s.columns)
		other := *s
		other.y, other.x, other.yes = slices.Clone(s.y), slices.Clone(s.x), slices.Clone(s.yes)
		other.sex.Level, other.region.Level = slices.Clone(s.sex.Level), slices.Clone(s.region.Level)
		for i, belongs := range s.in {
			if !belongs {
				other.y[i], other.x[i], other.yes[i] = 1e3*r.Float64(), math.NaN(), float64(r.IntN(2))
				other.sex.Level[i], other.region.Level[i] = r.IntN(3)-1, r.IntN(3)
			}
		}
		changed := other.ask(d, s.in)
		for name, want := range s.ask(d, s.in) {
			if got := changed[name]; !sameBits(got.value, want.value) || !sameBits(got.variance, want.variance) || !slices.EqualFunc(got.rest, want.rest, sameBits) || got.failed != want.failed {
				t.Errorf("%s = %+v, want %+v", name, got, want)
			}
		}
	})
}

// askCells asks cells everything.
func askCells(c *analysis.Cells, in analysis.Domain) answers {
	a := make(answers)
	beta := *c
	beta.Settings.Interval = analysis.IntervalBeta // looks at the number of people too
	c = &beta
	estimate := func(name string, k kind) func(analysis.Estimate, error) {
		return func(e analysis.Estimate, err error) { a.estimate(name, k, e, err) }
	}
	groups := func(name string, k kind) func([]analysis.Group, error) {
		return func(groups []analysis.Group, err error) {
			for i, g := range groups {
				a.estimate(fmt.Sprint(name, " ", i), k, g.Estimate, err)
			}
		}
	}
	table := func(name string, k kind) func(analysis.Table, error) {
		return func(t analysis.Table, err error) { a.vector(name, k, t.Vector, err) }
	}
	vector := func(name string, k kind) func(analysis.Vector, error) {
		return func(v analysis.Vector, err error) { a.vector(name, k, v, err) }
	}
	estimate("mean", rate)(c.Mean("y", in))
	estimate("total", sum)(c.Total("y", in))
	estimate("count", sum)(c.Size(in))
	estimate("proportion", rate)(c.Proportion("yes", in))
	estimate("ratio", rate)(c.Ratio("y", "yes", in))
	groups("mean of", rate)(c.MeanBy("y", in, "sex", "region"))
	groups("total of", sum)(c.TotalBy("y", in, "region"))
	groups("proportion of", rate)(c.ProportionBy("yes", in, "sex"))
	table("means", rate)(c.MeanTable("y", in, "sex", "region"))
	table("totals", sum)(c.TotalTable("y", in, "region"))
	table("proportions", rate)(c.ProportionTable("yes", in, "sex"))
	vector("shares", rate)(c.ProportionVector("region", in))
	vector("counts", sum)(c.CountVector("region", in))
	crosstab, err := c.Crosstab("sex", "region", in)
	a.crosstab(crosstab, err)
	quantiles, err := c.Quantile("score", in, analysis.QuantileSettings{}, 0.31, 0.5)
	for i, e := range quantiles {
		a.estimate(fmt.Sprint("quantile ", i), position, e, err)
	}
	return a
}

// cells sums the sample, with a whole number made of y as a factor, and the source that
// each row came from.
func (s *randomSample) cells(t *testing.T, source []int) *analysis.Cells {
	t.Helper()
	score := classes("score", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	for _, y := range s.y {
		level := -1
		if y == y {
			level = 3 * min(max(int(y/25), 0), 3)
		}
		score.Level = append(score.Level, level)
	}
	factors := []analysis.FactorColumn{s.sex, s.region, score, {Factor: analysis.Factor{ID: "source", Levels: []string{"here", "there"}}, Level: source}}
	c, err := mustDesign(t, s.columns).Cells([]analysis.Variable{{Name: "y", Values: s.y}, {Name: "yes", Values: s.yes}}, factors)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Two sources that were summed apart add up: those of the second in front of the first,
// with the same people of the same unit and classes in a row of each.
func TestCellsOfTwoSourcesAddUp(t *testing.T) {
	split := 0
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		source := make([]int, len(s.y))
		for i := range source {
			source[i] = r.IntN(2)
		}
		whole, apart := s.cells(t, make([]int, len(s.y))), s.cells(t, source)
		added := *apart
		added.Rows = nil
		for _, from := range []int{1, 0} {
			for _, row := range apart.Rows {
				if row.Levels[3] == from {
					row.Levels = append(slices.Clone(row.Levels[:3]), 0)
					added.Rows = append(added.Rows, row)
				}
			}
		}
		split += len(added.Rows) - len(whole.Rows)
		for _, in := range []analysis.Domain{nil, {"sex": "f"}} {
			if in != nil {
				e, err := added.Mean("y", in)
				want, _ := whole.Mean("y", in)
				if err != nil || !within(e.Value, want.Value, 1e-10*math.Abs(want.Value)) || !within(e.SE, want.SE, 1e-10*(1+want.SE)) {
					t.Errorf("women: %v (SE %v), want %v (SE %v)", e.Value, e.SE, want.Value, want.SE)
				}
				continue
			}
			askCells(&added, in).compare(t, "two sources", askCells(whole, in), unchanged)
		}
	})
	if split < 500 {
		t.Errorf("only %d rows of cells were split", split)
	}
}

// Two samples of the same PSUs, as two collectors have them, make one: the lists of PSUs
// are joined and rows point into the joint list.
func TestCellsOfTwoCollectorsAddUp(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, r *rand.Rand) {
		if len(s.unit) > 1 || s.columns.Stages[0].Chance != nil {
			return // units of later stages are known to the design only
		}
		whole := s.cells(t, make([]int, len(s.y)))
		joint := *whole
		joint.Rows = nil
		order := r.Perm(len(s.y))
		for _, part := range [][]int{order[:len(order)/3], order[len(order)/3:]} {
			p := s.rows(part)
			for k := range p.columns.Stages { // a part does not know how many there are
				p.columns.Stages[k].Population, p.columns.Stages[k].Fraction = nil, nil
			}
			if slices.Max(p.columns.Weight) == 0 {
				t.Fatal("a part without people")
			}
			c := p.cells(t, make([]int, len(p.y)))
			for _, row := range c.Rows {
				row.PSU = slices.Index(whole.PSUs, c.PSUs[row.PSU])
				joint.Rows = append(joint.Rows, row)
			}
		}
		askCells(&joint, nil).compare(t, "two collectors", askCells(whole, nil), unchanged)
	})
}

// A domain by a level that everybody has is the whole, and cells give what rows give.
func TestCellsAreTheRows(t *testing.T) {
	eachSample(t, samplesOfAKind, larger, func(t *testing.T, s *randomSample, _ *rand.Rand) {
		c := s.cells(t, make([]int, len(s.y)))
		whole := askCells(c, nil)
		askCells(c, analysis.Domain{"source": "here"}).compare(t, "domain of everybody", whole, unchanged)
		rows := s.ask(mustDesign(t, s.columns), nil)
		rows.compare(t, "rows", whole, func(name string, x answer) (answer, bool) {
			_, exists := rows[name]
			if x.kind == position || name == "ratio" { // of other variables
				exists = false
			}
			x.rest = nil // the intervals of cells are others
			return x, exists
		})
	})
}
