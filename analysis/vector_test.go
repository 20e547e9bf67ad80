package analysis_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// questioned is a small random sample: 6 strata of 4 PSUs, a score with some missing, two
// factors, rows in no order.
type questioned struct {
	columns analysis.Columns
	design  *analysis.Design
	score   []float64
	in      []bool
	sex     analysis.FactorColumn
	region  analysis.FactorColumn
	points  analysis.FactorColumn // the score as a factor
}

func ask(t *testing.T, seed uint64) questioned {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	const n = 700
	c := analysis.Columns{}
	s := questioned{sex: classes("sex", "f", "m"), region: classes("region", "a", "b", "c"), points: classes("points")}
	for v := range 11 {
		s.points.Levels = append(s.points.Levels, strconv.Itoa(v))
	}
	for range n {
		c.Weight = append(c.Weight, 0.5+r.Float64())
		c.Stratum = append(c.Stratum, strconv.Itoa(r.IntN(6)))
		c.PSU = append(c.PSU, strconv.Itoa(r.IntN(4)))
		y := r.IntN(11)
		s.points.Level = append(s.points.Level, y)
		s.score = append(s.score, float64(y))
		if r.IntN(20) == 0 {
			s.score[len(s.score)-1], s.points.Level[len(s.score)-1] = math.NaN(), -1
		}
		s.in = append(s.in, r.IntN(3) > 0)
		s.sex.Level = append(s.sex.Level, r.IntN(3)-1)
		s.region.Level = append(s.region.Level, r.IntN(3))
	}
	var err error
	s.columns = c
	if s.design, err = analysis.NewDesign(c); err != nil {
		t.Fatal(err)
	}
	return s
}

func classes(id string, levels ...string) analysis.FactorColumn {
	return analysis.FactorColumn{Factor: analysis.Factor{ID: id, Levels: levels}}
}

// agree fails when two numbers differ by more than rounding.
func agree(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-11*math.Max(1, math.Abs(want))) && !(math.IsNaN(got) && math.IsNaN(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// A function of totals linearises itself to what the named estimators have by hand.
func TestFunctionIsTheNamedEstimator(t *testing.T) {
	s := ask(t, 1)
	ones := make([]float64, len(s.score))
	for i := range ones {
		ones[i] = 1
	}
	columns := []analysis.Variable{{Name: "score", Values: s.score}, {Name: "one", Values: ones}}
	mean := func(t []analysis.Dual) analysis.Dual { return t[0].Over(t[1]) }
	got, err := s.design.Function(columns, s.in, mean)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.design.Mean(s.score, s.in)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "value", got.Value, want.Value)
	agree(t, "SE", got.SE, want.SE)
	agree(t, "df", got.DF, want.DF)
	ratio, err := s.design.Ratio(s.score, ones, s.in)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "ratio", ratio.SE, want.SE)
	u, err := s.design.Influence(columns, s.in, mean)
	if err != nil {
		t.Fatal(err)
	}
	total, err := s.design.Total(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "SE of the total influence", total.SE, want.SE)
	agree(t, "total influence", total.Value, 0)
}

// Derivatives agree with differences quotients.
func TestDualDerivatives(t *testing.T) {
	f := func(x []analysis.Dual) analysis.Dual {
		a := x[0].Times(x[1]).Add(2).Log().Plus(x[1].Exp().Scale(0.3))
		return a.Minus(x[0].Sqrt()).Over(x[1].Pow(1.5)).Plus(x[1].Scale(0.2).Asin())
	}
	at := func(x, y float64) analysis.Dual {
		return f([]analysis.Dual{{Value: x, Gradient: []float64{1, 0}}, {Value: y, Gradient: []float64{0, 1}}})
	}
	const h = 1e-6
	d := at(2, 3)
	for i, quotient := range []float64{(at(2+h, 3).Value - at(2-h, 3).Value) / (2 * h), (at(2, 3+h).Value - at(2, 3-h).Value) / (2 * h)} {
		if math.Abs(d.Gradient[i]-quotient) > 1e-8 {
			t.Errorf("derivative %d = %v, difference quotient %v", i, d.Gradient[i], quotient)
		}
	}
}

// A table from rows is the table from cells, and its groups are domains.
func TestTableIsDomains(t *testing.T) {
	s := ask(t, 2)
	table, err := s.design.MeanTable(s.score, nil, s.sex, s.region)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := s.design.Cells([]analysis.Variable{{Name: "score", Values: s.score}}, []analysis.FactorColumn{s.sex, s.region})
	if err != nil {
		t.Fatal(err)
	}
	other, err := cells.MeanTable("score", nil, "sex", "region")
	if err != nil {
		t.Fatal(err)
	}
	for g, group := range table.Groups {
		in := make([]bool, len(s.score))
		for i := range in {
			in[i] = s.sex.Level[i] >= 0 && s.sex.Levels[s.sex.Level[i]] == group.Domain["sex"] && s.region.Levels[s.region.Level[i]] == group.Domain["region"]
		}
		e, err := s.design.Mean(s.score, in)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, "value", group.Estimate.Value, e.Value)
		agree(t, "SE", group.Estimate.SE, e.SE)
		agree(t, "lower", group.Estimate.Lo, e.Lo)
		agree(t, "df", group.Estimate.DF, e.DF)
		agree(t, "deff", group.Estimate.DEff, e.DEff)
		for h := range table.Groups {
			agree(t, "covariance", table.Cov.At(g, h), other.Cov.At(g, h))
		}
	}
	total, err := table.Contrast(1, 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "variance of a difference", total.SE*total.SE, table.Cov.At(0, 0)+table.Cov.At(3, 3)-2*table.Cov.At(0, 3))
}

// The totals of groups add up to the total, and so do their covariances.
func TestTotalsAddUp(t *testing.T) {
	s := ask(t, 3)
	table, err := s.design.TotalTable(s.score, nil, s.region)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := table.Contrast(1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.design.Total(s.score, nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "total", sum.Value, all.Value)
	agree(t, "SE", sum.SE, all.SE)
}

// The same bits on one core and on several.
func TestTablesOnAnyCores(t *testing.T) {
	s := ask(t, 4)
	run := func(cores int) (analysis.Table, []analysis.Group) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		table, err := s.design.MeanTable(s.score, s.in, s.sex, s.region)
		if err != nil {
			t.Fatal(err)
		}
		groups, err := s.design.QuantileTable(s.score, s.in, analysis.QuantileSettings{}, 0.3, s.region)
		if err != nil {
			t.Fatal(err)
		}
		return table, groups
	}
	one, oneQ := run(1)
	four, fourQ := run(4)
	for g := range one.Values {
		for h := range one.Values {
			if math.Float64bits(one.Cov.At(g, h)) != math.Float64bits(four.Cov.At(g, h)) {
				t.Errorf("covariance of %d and %d: %v on one core, %v on four", g, h, one.Cov.At(g, h), four.Cov.At(g, h))
			}
		}
	}
	for g := range oneQ {
		if oneQ[g].Estimate.SE != fourQ[g].Estimate.SE || oneQ[g].Estimate.Lo != fourQ[g].Estimate.Lo {
			t.Errorf("quantile of group %d differs", g)
		}
	}
}

// Quantiles from cells, of groups and of a domain are the same.
func TestQuantilesAgree(t *testing.T) {
	s := ask(t, 5)
	f := classes("in", "no", "yes")
	for _, in := range s.in {
		f.Level = append(f.Level, map[bool]int{false: 0, true: 1}[in])
	}
	cells, err := s.design.Cells(nil, []analysis.FactorColumn{s.points, f})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []analysis.QuantileRule{analysis.QuantileMath, analysis.QuantileSchool, analysis.QuantileHF3} {
		q := analysis.QuantileSettings{Rule: rule, Interval: analysis.WoodruffXLogit}
		for _, p := range []float64{0, 0.25, 0.5, 0.9} {
			want, err := s.design.Quantile(s.score, s.in, q, p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := cells.Quantile("points", analysis.Domain{"in": "yes"}, q, p)
			if err != nil {
				t.Fatal(err)
			}
			groups, err := s.design.QuantileTable(s.score, nil, q, p, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range []analysis.Estimate{got[0], groups[1].Estimate} {
				agree(t, "quantile", e.Value, want[0].Value)
				agree(t, "SE", e.SE, want[0].SE)
				agree(t, "lower", e.Lo, want[0].Lo)
				agree(t, "upper", e.Hi, want[0].Hi)
			}
		}
	}
}

// Scaling all weights changes no quantile, by any rule that is sound.
func TestQuantilesOfScaledWeights(t *testing.T) {
	w, y := []float64{1, 2, 1.5, 3, 1, 2.5}, []float64{4, 1, 3, 9, 2, 6}
	quantiles := func(scale float64, rule analysis.QuantileRule) []analysis.Estimate {
		c := analysis.Columns{}
		for _, x := range w {
			c.Weight = append(c.Weight, scale*x)
		}
		d, err := analysis.NewDesign(c)
		if err != nil {
			t.Fatal(err)
		}
		e, err := d.Quantile(y, nil, analysis.QuantileSettings{Rule: rule}, 0.2, 0.5, 0.8)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for _, rule := range []analysis.QuantileRule{"math", "school", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9", analysis.QuantileShahVaish} {
		one, many := quantiles(1, rule), quantiles(64, rule)
		for i := range one {
			agree(t, string(rule), many[i].Value, one[i].Value)
		}
	}
}

// Rubin's rules by hand: M = 2, values 1 and 3, variances 4 and 2 give Ū = 3, B = 2,
// T = 3 + 1.5·2 = 6 and Rubin's df (M−1)(1 + Ū/(1.5 B))² = 4.
func TestCombineByHand(t *testing.T) {
	e := func(value, variance float64) analysis.Estimate {
		return analysis.Estimate{Value: value, SE: math.Sqrt(variance), DF: math.Inf(1), Level: 0.95}
	}
	c, err := analysis.Combine([]analysis.Estimate{e(1, 4), e(3, 2)})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "value", c.Value, 2)
	agree(t, "within", c.Within, 3)
	agree(t, "between", c.Between, 2)
	agree(t, "SE", c.SE*c.SE, 6)
	agree(t, "df", c.DF, 4)
	if _, err := analysis.Combine([]analysis.Estimate{e(1, 4)}); err == nil {
		t.Error("one estimate was combined")
	}
}

// Where everybody answers alike the interval is that of Clopper and Pearson: with 10
// people and no success the upper limit solves (1−q)¹⁰ = 0.025, q = 0.3085.
func TestIntervalsAtZero(t *testing.T) {
	c := analysis.Columns{}
	y := make([]float64, 10)
	for range y {
		c.Weight = append(c.Weight, 3)
	}
	d, err := analysis.NewDesign(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []analysis.ProportionInterval{"logit", "xlogit", "asin", "wilson", "beta", "likelihood"} {
		e, err := d.WithSettings(analysis.Settings{Interval: method}).Proportion(y, nil)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, string(method)+" lower", e.Lo, 0)
		agree(t, string(method)+" upper", e.Hi, 1-math.Pow(0.025, 0.1))
	}
	e, err := d.WithSettings(analysis.Settings{Standard: analysis.StandardNCHS2017}).Proportion(y, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !hasNote(e, analysis.Suppress) {
		t.Errorf("10 respondents are shown: %v", e.Notes)
	}
}

func hasNote(e analysis.Estimate, code analysis.NoteCode) bool {
	for _, n := range e.Notes {
		if n.Code == code {
			return true
		}
	}
	return false
}

// Intervals stand in their right order around the proportion and widen with confidence.
func TestIntervalsNest(t *testing.T) {
	s := ask(t, 6)
	y := make([]float64, len(s.score))
	for i, v := range s.score {
		if v == 10 {
			y[i] = 1
		}
	}
	for _, method := range []analysis.ProportionInterval{"logit", "mean", "asin", "wilson", "beta", "likelihood"} {
		var inner analysis.Estimate
		for i, level := range []float64{0.5, 0.9, 0.99} {
			e, err := s.design.WithSettings(analysis.Settings{Interval: method, Level: level}).Proportion(y, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !(e.Lo < e.Value && e.Value < e.Hi) || i > 0 && !(e.Lo < inner.Lo && inner.Hi < e.Hi) {
				t.Errorf("%s at %v: %v to %v around %v", method, level, e.Lo, e.Hi, e.Value)
			}
			inner = e
		}
	}
}

// Effects of the design: without clusters, strata and unequal weights there are none.
func TestEffectsOfASimpleSample(t *testing.T) {
	c := analysis.Columns{}
	var y []float64
	for i := range 40 {
		c.Weight = append(c.Weight, 5)
		y = append(y, float64(i*i%17))
	}
	d, err := analysis.NewDesign(c)
	if err != nil {
		t.Fatal(err)
	}
	e, err := d.Mean(y, nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "deff", e.DEff, 1)
	agree(t, "deff without replacement", e.DEffWOR, 1/(1-0.2))
	agree(t, "effective n", e.NEff(), 40)
	agree(t, "cv", e.CV(), e.SE/e.Value)
	kish, err := d.KishEffect(nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "Kish", kish, 1)
	if _, err := d.IntraCluster(y, nil); err == nil {
		t.Error("PSUs of one person have a likeness")
	}
	// Two copies of each person as a PSU are as alike as can be.
	c2 := analysis.Columns{Weight: append(c.Weight, c.Weight...)}
	for i := range 80 {
		c2.PSU = append(c2.PSU, strconv.Itoa(i%40))
	}
	if d, err = analysis.NewDesign(c2); err != nil {
		t.Fatal(err)
	}
	rho, err := d.IntraCluster(append(append([]float64(nil), y...), y...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if rho < 0.98 || rho > 1.03 {
		t.Errorf("likeness of copies is %v, want about 1", rho)
	}
}

// Bad input is an error that names what is wrong.
func TestFaultsOfVectors(t *testing.T) {
	s := ask(t, 8)
	infinite := append([]float64(nil), s.score...)
	infinite[17] = math.Inf(1)
	wrong := s.region
	wrong.Level = append([]int(nil), wrong.Level...)
	wrong.Level[23] = 3
	q := analysis.QuantileSettings{}
	for name, c := range map[string]struct {
		want string
		do   func() error
	}{
		"short":    {"700", func() error { _, err := s.design.MeanTable(s.score[1:], nil, s.region); return err }},
		"infinite": {"row 17", func() error { _, err := s.design.MeanTable(infinite, nil, s.region); return err }},
		"quantile": {"row 17", func() error { _, err := s.design.QuantileTable(infinite, nil, q, 0.5, s.region); return err }},
		"level":    {"row 23", func() error { _, err := s.design.MeanTable(s.score, nil, wrong); return err }},
		"share":    {"1.5", func() error { _, err := s.design.Quantile(s.score, nil, q, 1.5); return err }},
		"rule": {"hf12", func() error {
			_, err := s.design.Quantile(s.score, nil, analysis.QuantileSettings{Rule: "hf12"}, 0.5)
			return err
		}},
		"interval": {"exact", func() error {
			_, err := s.design.WithSettings(analysis.Settings{Interval: "exact"}).Mean(s.score, nil)
			return err
		}},
		"twice":     {"region", func() error { _, err := s.design.MeanTable(s.score, nil, s.region, s.region); return err }},
		"no zeros":  {"zeros and ones", func() error { _, err := s.design.ProportionTable(s.score, nil, s.region); return err }},
		"log of 0":  {"function", func() error { return logOfNothing(s) }},
		"contrasts": {"coefficients", func() error { _, err := analysis.Vector{}.Contrast(1); return err }},
	} {
		err := c.do()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func logOfNothing(s questioned) error {
	zeros := []analysis.Variable{{Name: "zero", Values: make([]float64, len(s.score))}}
	_, err := s.design.Function(zeros, nil, func(t []analysis.Dual) analysis.Dual { return t[0].Log() })
	return err
}

// A group of nobody is missing, not zero, and contrasts that leave it out exist.
func TestGroupOfNobody(t *testing.T) {
	s := ask(t, 9)
	s.region.Levels = append(s.region.Levels, "d")
	table, err := s.design.MeanTable(s.score, nil, s.region)
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(table.Values[3]) || !hasNote(table.Groups[3].Estimate, analysis.Empty) {
		t.Errorf("the mean of nobody is %v", table.Values[3])
	}
	if e, err := table.Difference(0, 1); err != nil || !(e.SE > 0) {
		t.Errorf("difference of others: %v, %v", e, err)
	}
	if _, err := table.Difference(0, 3); err == nil {
		t.Error("a difference with nobody")
	}
}

// The difference of two surveys that share nobody has the root of both squared errors, and
// the degrees of freedom of the one with fewer.
func TestIndependent(t *testing.T) {
	a := analysis.Estimate{Value: 0.15, SE: 0.03, DF: 12, Level: 0.95, N: 100}
	b := analysis.Estimate{Value: 0.10, SE: 0.04, DF: math.Inf(1), Level: 0.9, N: 50}
	d, err := analysis.Independent(a, b).Difference(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	// qt(0.975, 12) = 2.178812829663
	if math.Abs(d.Value-0.05) > 1e-15 || math.Abs(d.SE-0.05) > 1e-15 || d.DF != 12 || d.N != 150 || math.Abs(d.Hi-(0.05+0.05*2.178812829663)) > 1e-9 {
		t.Errorf("difference = %+v", d)
	}
	if v := analysis.Independent(); len(v.Values) != 0 {
		t.Errorf("Independent() = %v", v)
	}
}
