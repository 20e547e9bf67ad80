package analysis_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/synthetic"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"pgregory.net/rapid"
)

// factorOf is a factor with levels a, b, c, …
func factorOf(id string, levels int, level ...int) analysis.FactorColumn {
	return analysis.FactorColumn{Factor: analysis.Factor{ID: id, Levels: strings.Split("abcdefgh"[:levels], "")[:levels]}, Level: level}
}

// twenty is a simple sample of 20 people: 7, 3, 2 and 8 in the cells of a 2×2 table.
func twenty(t *testing.T) (d *analysis.Design, rows, columns analysis.FactorColumn) {
	t.Helper()
	rows, columns = factorOf("row", 2), factorOf("column", 2)
	for cell, n := range []int{7, 3, 2, 8} {
		for range n {
			rows.Level, columns.Level = append(rows.Level, cell/2), append(columns.Level, cell%2)
		}
	}
	w := make([]float64, 20)
	for i := range w {
		w[i] = 5
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: w})
	if err != nil {
		t.Fatal(err)
	}
	return d, rows, columns
}

// TestIndependenceInASimpleSample: Pearson's X² of 7, 3, 2, 8 is 20·(7·8−3·2)²/(10·10·9·11),
// and the design effect of a simple sample with replacement is n/(n−1), because its
// covariance of shares is (D − pp′)/(n−1). So F = X²·19/20 on 1 and 19.
func TestIndependenceInASimpleSample(t *testing.T) {
	d, rows, columns := twenty(t)
	table, err := d.Crosstab(rows, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	x2 := 20 * 50 * 50 / (10.0 * 10 * 9 * 11)
	var g2 float64
	for _, c := range [][2]float64{{7, 4.5}, {3, 5.5}, {2, 4.5}, {8, 5.5}} {
		g2 += 2 * c[0] * math.Log(c[0]/c[1])
	}
	for method, chi := range map[analysis.TableTest]float64{analysis.RaoScottF: x2, "": x2, analysis.LikelihoodRatioF: g2} {
		test, err := table.Independence(method)
		if err != nil {
			t.Fatal(err)
		}
		if !near(test.ChiSquare, chi, 1e-12) || !near(test.Weights[0], 20.0/19, 1e-12) || !near(test.Statistic, chi*19/20, 1e-12) ||
			!near(test.DF1, 1, 1e-12) || !near(test.DF2, 19, 1e-12) || test.N != 20 {
			t.Errorf("%q: %+v, want X² %v and F %v on 1 and 19", method, test, chi, chi*19/20)
		}
	}
	if !slices.Equal(table.Respondents, []int{7, 3, 2, 8}) || table.At(1, 0).Value != 10 {
		t.Errorf("table %v of %v people", table.Counts.Values, table.Respondents)
	}
}

// TestKappaByHand: 15 of 20 agree, and by chance 10·9/20 + 10·11/20 = 10 would.
func TestKappaByHand(t *testing.T) {
	d, rows, columns := twenty(t)
	table, err := d.Crosstab(rows, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := must(table.Kappa())(t); !near(e.Value, 0.5, 1e-12) || !(e.SE > 0) {
		t.Errorf("kappa = %v (SE %v), want 0.5", e.Value, e.SE)
	}
}

// TestGoodnessOfFitByHand: with two levels X² is one squared residual over its
// variance: counts 10·5 and 10·5 against 60 and 40, and Statistic·Σλ = X².
func TestGoodnessOfFitByHand(t *testing.T) {
	d, rows, _ := twenty(t)
	counts, err := d.CountVector(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	test, err := counts.GoodnessOfFit([]float64{3, 2})
	if err != nil {
		t.Fatal(err)
	}
	want := 100.0/60 + 100.0/40
	if sum := test.Weights[0] + test.Weights[1]; !near(test.ChiSquare, want, 1e-12) || !near(test.Statistic*sum, want, 1e-12) {
		t.Errorf("X² = %v, F = %v, want %v", test.ChiSquare, test.Statistic, want)
	}
	if test, err = counts.GoodnessOfFit([]float64{1, 1}); err != nil || test.ChiSquare > 1e-20 || !near(test.P, 1, 1e-9) {
		t.Errorf("counts in the proportions: %+v, %v", test, err)
	}
}

// TestTableOfRakedCells: weights raked to a margin fix its counts, so that the sum of a
// row has no variance; taken as given, it has.
func TestTableOfRakedCells(t *testing.T) {
	s := synthetic.Draw(4000)
	rows, columns := s.Factors[0], s.Factors[2]
	margin := weighting.Margin{Name: rows.ID, Levels: rows.Levels, Level: rows.Level, Targets: make([]float64, len(rows.Levels))}
	for l := range margin.Targets {
		margin.Targets[l] = float64(1000 * (l + 1))
	}
	w, _, err := weighting.Rake(s.Columns.Weight, []weighting.Margin{margin}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	raked := s.Columns
	raked.Weight, raked.Base = w, s.Columns.Weight
	d, err := analysis.NewDesign(raked)
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Cells(nil, []analysis.FactorColumn{rows, columns})
	if err != nil {
		t.Fatal(err)
	}
	for _, margins := range [][][]string{nil, {{rows.ID}}} {
		c.Margins = margins
		table, err := c.Crosstab(rows.ID, columns.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		ones := make([]float64, len(table.Columns))
		for j := range ones {
			ones[j] = 1
		}
		sum := must(table.Counts.Contrast(ones...))(t)
		if fixed := sum.SE < 1e-6*sum.Value; fixed != (margins != nil) {
			t.Errorf("margins %v: the first row has %v with SE %v", margins, sum.Value, sum.SE)
		}
		if test, err := table.Independence(analysis.RaoScottF); err != nil || !(test.P >= 0 && test.P <= 1) {
			t.Errorf("margins %v: %+v, %v", margins, test, err)
		}
	}
}

// TestTestsAgreeWithRegressions: a t test is that of the coefficient of a regression on
// the group, and a rank test of many groups the Wald test of one on the rank scores,
// made by other code.
func TestTestsAgreeWithRegressions(t *testing.T) {
	s := synthetic.Draw(3000).Shuffled()
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		t.Fatal(err)
	}
	group := s.Factors[2]
	c, err := d.RankTest(s.Score, group, analysis.RankWilcoxon, nil)
	if err != nil {
		t.Fatal(err)
	}
	ranks := make([]float64, len(s.Score))
	var all float64
	for i, y := range s.Score {
		all += s.Columns.Weight[i]
		for j, z := range s.Score {
			switch {
			case z < y:
				ranks[i] += s.Columns.Weight[j]
			case z == y:
				ranks[i] += s.Columns.Weight[j] / 2
			}
		}
	}
	for i := range ranks {
		ranks[i] /= all
	}
	fit, err := d.Fit(analysis.Model{Outcome: ranks, Family: analysis.Gaussian, Terms: []analysis.Term{{Factor: group}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wald, err := fit.Wald(group.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(group.Levels) < 3 || !near(c.Statistic, wald.Statistic, 1e-8) || c.DF1 != wald.DF1 || c.DF2 != wald.DF2 || !near(c.P, wald.P, 1e-6) {
		t.Errorf("rank test %+v of %d groups, regression %+v", c.Test, len(group.Levels), wald)
	}
	if !near(c.Difference.Value, fit.Values[1], 1e-8) || !near(c.Difference.SE, fit.Estimates[1].SE, 1e-8) {
		t.Errorf("difference %v (SE %v), coefficient %v (SE %v)", c.Difference.Value, c.Difference.SE, fit.Values[1], fit.Estimates[1].SE)
	}
}

func TestOneSampleAndPairs(t *testing.T) {
	s := synthetic.Draw(2000)
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		t.Fatal(err)
	}
	e := must(d.Mean(s.Score, nil))(t)
	// At the end of its 95 % interval a mean has P = 0.05.
	c, err := d.OneSampleTTest(s.Score, e.Hi, nil)
	if err != nil || !near(c.P, 0.05, 1e-8) || !near(c.Difference.Value, e.Value-e.Hi, 1e-9) || math.Abs(c.Difference.Hi) > 1e-9 {
		t.Errorf("%+v, %v; want P 0.05", c, err)
	}
	shifted := make([]float64, len(s.Score))
	for i, y := range s.Score {
		shifted[i] = 2*y - e.Hi
	}
	paired, err := d.PairedTTest(shifted, s.Score, nil)
	if err != nil || !near(paired.Statistic, c.Statistic, 1e-9) || paired.DF2 != c.DF2 {
		t.Errorf("paired %+v, %v; want %+v", paired.Test, err, c.Test)
	}
}

// TestAlphaIsAFunctionOfTotals: the same by automatic linearisation.
func TestAlphaIsAFunctionOfTotals(t *testing.T) {
	s := synthetic.Draw(2000)
	d, err := analysis.NewDesign(s.Columns)
	if err != nil {
		t.Fatal(err)
	}
	items := []analysis.Variable{{Name: "a", Values: s.Score}, {Name: "b", Values: make([]float64, 2000)}, {Name: "c", Values: make([]float64, 2000)}}
	for i, y := range s.Score {
		items[1].Values[i] = y/2 + 40*math.Sin(float64(i))
		items[2].Values[i] = 60*math.Cos(float64(i*i)) - y/9
	}
	items[1].Values[7] = math.NaN()
	totals := []analysis.Variable{{Name: "one", Values: make([]float64, 2000)}}
	for i := range totals[0].Values {
		totals[0].Values[i] = 1
	}
	sum := make([]float64, 2000)
	for _, v := range append(slices.Clone(items), analysis.Variable{Name: "sum", Values: sum}) {
		square := make([]float64, 2000)
		for i, y := range v.Values {
			if v.Name != "sum" {
				sum[i] += y
			}
			square[i] = v.Values[i] * v.Values[i]
		}
		totals = append(totals, v, analysis.Variable{Name: v.Name + "²", Values: square})
	}
	want := must(d.Function(totals, nil, func(t []analysis.Dual) analysis.Dual {
		variance := func(i int) analysis.Dual {
			mean := t[1+2*i].Over(t[0])
			return t[2+2*i].Over(t[0]).Minus(mean.Times(mean))
		}
		within := variance(0).Plus(variance(1)).Plus(variance(2))
		return analysis.Constant(1).Minus(within.Over(variance(3))).Scale(1.5)
	}))(t)
	got := must(d.CronbachAlpha(items, nil))(t)
	if !near(got.Value, want.Value, 1e-10) || !near(got.SE, want.SE, 1e-9) || got.N != 1999 {
		t.Errorf("alpha %v (SE %v, n %d), want %v (SE %v)", got.Value, got.SE, got.N, want.Value, want.SE)
	}
}

// TestRankTestKeepsOrder: ties with different weights do not depend on the order of rows.
func TestRankTestKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSurvey(t)
		for i := range s.y {
			s.y[i] = math.Round(s.y[i] / 40)
		}
		index := make([]int, len(s.y))
		for i := range index {
			index[i] = i
		}
		other := s.rows(rapid.Permutation(index).Draw(t, "order"))
		one, err := s.design(t).RankTest(s.y, factorOf("sex", 2, s.sex...), "", nil)
		two, err2 := other.design(t).RankTest(other.y, factorOf("sex", 2, other.sex...), "", nil)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("errors %v and %v", err, err2)
		}
		if err == nil && math.Abs(one.Difference.Value-two.Difference.Value) > 1e-12 {
			t.Errorf("difference %v, in another order %v", one.Difference.Value, two.Difference.Value)
		}
	})
}

// TestAdjustments: worked by hand from the definitions. Holm: 4·.01, 3·.02, 2·.03, then
// the largest so far; Benjamini and Hochberg: 4·.01/1, 4·.02/2, 4·.03/3, .5.
func TestAdjustments(t *testing.T) {
	nan := math.NaN()
	p := []float64{0.03, 0.01, nan, 0.5, 0.02}
	for what, c := range map[string]struct{ got, want []float64 }{
		"Holm":                   {analysis.Holm(p), []float64{0.06, 0.04, nan, 0.5, 0.06}},
		"Benjamini and Hochberg": {analysis.BenjaminiHochberg(p), []float64{0.04, 0.04, nan, 0.5, 0.04}},
		"Holm, at most 1":        {analysis.Holm([]float64{0.9, 0.8}), []float64{1, 1}},
		"none":                   {analysis.Holm(nil), []float64{}},
	} {
		if len(c.got) != len(c.want) {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
			continue
		}
		for i := range c.want {
			if !(math.Abs(c.got[i]-c.want[i]) < 1e-15 || math.IsNaN(c.got[i]) && math.IsNaN(c.want[i])) {
				t.Errorf("%s: %v, want %v", what, c.got, c.want)
			}
		}
	}
	if p[0] != 0.03 || p[4] != 0.02 {
		t.Errorf("the input became %v", p)
	}
}

// TestTestsNameFaults: each error says what is wrong and what to do.
func TestTestsNameFaults(t *testing.T) {
	d, rows, columns := twenty(t)
	y := make([]float64, 20)
	for i := range y {
		y[i] = float64(i)
	}
	table := func(a, b analysis.FactorColumn, in []bool) *analysis.Crosstab {
		c, err := d.Crosstab(a, b, in)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := slices.Repeat([]bool{true, false}, 10)
	for i := range first {
		first[i] = i < 7 // all in the first row and column
	}
	full := table(rows, columns, nil)
	counts, err := d.CountVector(rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	census, err := analysis.NewDesign(analysis.Columns{Weight: slices.Repeat([]float64{1}, 20), Population: slices.Repeat([]float64{20}, 20)})
	if err != nil {
		t.Fatal(err)
	}
	all, err := census.Crosstab(rows, columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	lone, err := analysis.NewDesign(analysis.Columns{Weight: slices.Repeat([]float64{1}, 20), PSU: strings.Split(strings.Repeat("ab", 10), "")})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"unknown method":         {second(full.Independence("pearson")), "rao-scott-f"},
		"one cell":               {second(table(rows, columns, first).Independence("")), "widen the domain"},
		"one level for kappa":    {second(table(rows, columns, first).Kappa()), "same level"},
		"census":                 {second(all.Independence("")), "no variance"},
		"census, Wald":           {second(all.Independence(analysis.WaldF)), "no inverse"},
		"nobody":                 {second(d.Crosstab(rows, columns, make([]bool, 20))), "nobody"},
		"short domain":           {second(d.Crosstab(rows, columns, first[:3])), "3 values for 20 rows"},
		"same factor":            {second(d.Crosstab(rows, rows, nil)), "two factors are called"},
		"level out of range":     {second(d.Crosstab(rows, factorOf("c", 2, slices.Repeat([]int{5}, 20)...), nil)), "level 5 in row 0"},
		"too few proportions":    {second(counts.GoodnessOfFit([]float64{1})), "1 proportions for 2"},
		"impossible proportion":  {second(counts.GoodnessOfFit([]float64{1, 0})), "above 0"},
		"t test of one group":    {second(d.TTest(y, rows, first)), "compares two"},
		"t test, short column":   {second(d.TTest(y[:3], rows, nil)), "3 values for 20 rows"},
		"t test, constant":       {second(d.TTest(make([]float64, 20), rows, nil)), "no standard error"},
		"t test, two PSUs":       {second(lone.TTest(y, rows, nil)), "degrees of freedom"},
		"one sample, NaN":        {second(d.OneSampleTTest(y, math.NaN(), nil)), "NaN"},
		"one sample, nobody":     {second(d.OneSampleTTest(y, 0, make([]bool, 20))), "nobody"},
		"paired, short":          {second(d.PairedTTest(y, y[:2], nil)), "2 values for 20 rows"},
		"unknown rank score":     {second(d.RankTest(y, rows, "savage", nil)), "wilcoxon"},
		"rank test of one group": {second(d.RankTest(y, rows, "", first)), "widen the domain"},
		"alpha of one item":      {second(d.CronbachAlpha([]analysis.Variable{{Name: "a", Values: y}}, nil)), "two or more"},
		"alpha of constants":     {second(d.CronbachAlpha([]analysis.Variable{{Name: "a", Values: make([]float64, 20)}, {Name: "b", Values: make([]float64, 20)}}, nil)), "same for everybody"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", what, c.err, c.says)
		}
	}
	three := factorOf("c", 3, columns.Level...)
	three.Level = append([]int{2}, three.Level[1:]...)
	if _, err := table(rows, three, nil).Kappa(); err == nil || !strings.Contains(err.Error(), "same levels") {
		t.Errorf("kappa of 2 × 3: %v", err)
	}
}

// BenchmarkIndependence is a Rao–Scott test of a 2-way table from 10⁶ rows in memory.
func BenchmarkIndependence(b *testing.B) {
	s, d := sample(b, false)
	b.ReportAllocs()
	for b.Loop() {
		t, err := d.Crosstab(s.Factors[0], s.Factors[2], nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.Independence(analysis.RaoScottF); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRankTest is a Wilcoxon test from 10⁶ rows in memory.
func BenchmarkRankTest(b *testing.B) {
	s, d := sample(b, false)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.RankTest(s.Score, s.Factors[1], "", nil); err != nil {
			b.Fatal(err)
		}
	}
}
