package analysis_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// sameSums is how far an estimate from cells may be from the same from columns: both add
// up the same few hundred numbers in another order, which moves a sum by some n·2⁻⁵³,
// and a standard error, a root of squared differences of such sums, by little more.
const sameSums = 1e-12

// counted is a sample with its cells: as given, or raked to region and sex, which the
// design knows by its Calibration and the cells by their Margins.
type counted struct {
	questioned
	pass   []float64 // 1 when the score is above 5, NaN where it is missing
	income []float64 // a variable of the same people that differs within cells; some are negative
	design *analysis.Design
	cells  *analysis.Cells
}

// counting makes the cells of the sample as a database would: they know nothing of the
// design but what their fields say, and come in another order.
func counting(t *testing.T, raked bool) counted {
	t.Helper()
	s := counted{questioned: ask(t, 11)}
	for i, l := range s.sex.Level {
		s.sex.Level[i] = max(l, 0)
	}
	columns := s.columns
	for i, y := range s.score {
		if columns.Stratum[i] == "2" && columns.PSU[i] == "3" { // a PSU of people without a value
			y, s.points.Level[i] = math.NaN(), -1
			s.score[i] = y
		}
		s.pass = append(s.pass, float64(btoi(y > 5)))
		if math.IsNaN(y) {
			s.pass[i] = math.NaN()
		}
		s.income = append(s.income, y*y-2*float64(s.sex.Level[i])+3*math.Sin(float64(i)))
	}
	if raked {
		var margins []weighting.Margin
		for k, f := range []analysis.FactorColumn{s.region, s.sex} {
			m := weighting.Margin{Name: f.ID, Levels: f.Levels, Level: f.Level, Targets: [][]float64{{300, 500, 400}, {500, 700}}[k]}
			margins = append(margins, m)
		}
		w, _, err := weighting.Rake(columns.Weight, margins, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		columns.Weight, columns.Base = w, columns.Weight
		columns.Calibration = &analysis.Calibration{Margins: []analysis.FactorColumn{s.region, s.sex}}
	}
	var err error
	if s.design, err = analysis.NewDesign(columns); err != nil {
		t.Fatal(err)
	}
	variables := []analysis.Variable{{Name: "score", Values: s.score}, {Name: "pass", Values: s.pass}, {Name: "income", Values: s.income}}
	c, err := s.design.Cells(variables, []analysis.FactorColumn{s.sex, s.region, s.points})
	if err != nil {
		t.Fatal(err)
	}
	s.cells = &analysis.Cells{PSUs: c.PSUs, Factors: c.Factors, Variables: c.Variables, Rows: slices.Clone(c.Rows), Margins: c.Margins}
	slices.Reverse(s.cells.Rows)
	return s
}

// eachCount runs a test with weights as given and with raked ones.
func eachCount(t *testing.T, test func(t *testing.T, s counted)) {
	for _, raked := range []bool{false, true} {
		name := map[bool]string{false: "as given", true: "raked"}[raked]
		t.Run(name, func(t *testing.T) { test(t, counting(t, raked)) })
	}
}

// women are the rows of the domain {"sex": "f"}.
func (s counted) women() []bool {
	in := make([]bool, len(s.sex.Level))
	for i, l := range s.sex.Level {
		in[i] = l == 0
	}
	return in
}

// likeColumns fails when an estimate from cells is not the one from columns.
func likeColumns(t *testing.T, what string, cells, columns analysis.Estimate) {
	t.Helper()
	for k, pair := range [][2]float64{{cells.Value, columns.Value}, {cells.SE, columns.SE}, {cells.Lo, columns.Lo},
		{cells.Hi, columns.Hi}, {cells.DF, columns.DF}, {cells.Weighted, columns.Weighted}, {cells.DEff, columns.DEff}} {
		scale := math.Abs(pair[1])
		if k < 4 { // a limit near zero is as exact as the estimate and its SE are
			scale = math.Abs(columns.Value) + columns.SE
		}
		if !(math.Abs(pair[0]-pair[1]) <= sameSums*scale) && !(math.IsNaN(pair[0]) && math.IsNaN(pair[1])) {
			t.Errorf("%s: %s from cells is %v, from columns %v", what,
				[]string{"value", "SE", "lower limit", "upper limit", "df", "Σw", "design effect"}[k], pair[0], pair[1])
		}
	}
	if cells.N != columns.N || !slices.Equal(cells.Notes, columns.Notes) {
		t.Errorf("%s: %d people and notes %v from cells, %d and %v from columns", what, cells.N, cells.Notes, columns.N, columns.Notes)
	}
}

// likeTest is likeColumns for tests. P is a tail of a t or an F distribution, or of a sum
// of chi-squares: it moves by the change of the statistic times its hazard.
func likeTest(t *testing.T, what string, cells, columns analysis.Test) {
	t.Helper()
	same := func(a, b, tolerance float64) bool {
		return math.Abs(a-b) <= tolerance*math.Abs(b) || a == b || math.IsNaN(a) && math.IsNaN(b)
	}
	if !same(cells.Statistic, columns.Statistic, 10*sameSums) || !same(cells.DF1, columns.DF1, 10*sameSums) || !same(cells.DF2, columns.DF2, 10*sameSums) ||
		!same(cells.P, columns.P, 1e-9) || !same(cells.ChiSquare, columns.ChiSquare, 10*sameSums) ||
		cells.Method != columns.Method || cells.N != columns.N || !slices.Equal(cells.Notes, columns.Notes) {
		t.Errorf("%s from cells: %+v\nfrom columns: %+v", what, cells, columns)
	}
}

// TestTableFromCells: the table of two factors is the vector of counts of their crossing,
// which the design makes of people and not of cells, and so are all tests of it.
func TestTableFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		both := classes("both")
		for r := range s.region.Levels {
			for p := range s.points.Levels {
				both.Levels = append(both.Levels, s.region.Levels[r]+","+s.points.Levels[p])
			}
		}
		for i, r := range s.region.Level {
			both.Level = append(both.Level, -1)
			if p := s.points.Level[i]; p >= 0 {
				both.Level[i] = r*len(s.points.Levels) + p
			}
		}
		table, err := s.cells.Crosstab("region", "points", analysis.Domain{"sex": "f"})
		if err != nil {
			t.Fatal(err)
		}
		counts, err := s.design.CountVector(both, s.women())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(table.Counts.Names, counts.Names) {
			t.Fatalf("cells %v, columns %v", table.Counts.Names, counts.Names)
		}
		nearVector(t, "counts", table.Counts, counts, sameSums)
		straight, err := s.design.Crosstab(s.region, s.points, s.women())
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []analysis.TableTest{analysis.RaoScottF, analysis.RaoScottChiSquare, analysis.WeightedChiSquares,
			analysis.Saddlepoint, analysis.LikelihoodRatioF} {
			got, err := table.Independence(method)
			if err != nil {
				t.Fatal(err)
			}
			want, err := straight.Independence(method)
			if err != nil {
				t.Fatal(err)
			}
			likeTest(t, string(method), got, want)
		}
	})
}

// TestGoodnessOfFitFromCells: as from columns.
func TestGoodnessOfFitFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		counts, err := s.cells.CountVector("points", analysis.Domain{"sex": "f"})
		if err != nil {
			t.Fatal(err)
		}
		columns, err := s.design.CountVector(s.points, s.women())
		if err != nil {
			t.Fatal(err)
		}
		equal := slices.Repeat([]float64{1}, len(counts.Values))
		got, err := counts.GoodnessOfFit(equal)
		if err != nil {
			t.Fatal(err)
		}
		want, err := columns.GoodnessOfFit(equal)
		if err != nil {
			t.Fatal(err)
		}
		likeTest(t, "goodness of fit", got, want)
	})
}

// saysSo fails when an error does not name what is wrong and the way out.
func saysSo(t *testing.T, what string, err error, says ...string) {
	t.Helper()
	for _, s := range says {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%s: error %v, want one that says %q", what, err, s)
		}
	}
}

func TestTablesFromCellsNameFaults(t *testing.T) {
	c := counting(t, false).cells
	saysSo(t, "unknown factor", second(c.Crosstab("region", "age", nil)), `no factor "age"`, "sex, region, points")
	saysSo(t, "the same factor", second(c.Crosstab("region", "region", nil)), "name two factors")
	saysSo(t, "factor of the domain", second(c.Crosstab("region", "sex", analysis.Domain{"sex": "f"})), "leave it out of one")
	saysSo(t, "unknown level", second(c.Crosstab("region", "points", analysis.Domain{"sex": "x"})), `no level "x"`, "f, m")
	c.Rows = nil
	saysSo(t, "no cells", second(c.Crosstab("region", "sex", nil)), "nobody in the domain", "widen the domain")
}

// likeComparison is likeTest with the difference. Its design effect is that of a mean.
func likeComparison(t *testing.T, what string, cells, columns analysis.Comparison) {
	t.Helper()
	likeTest(t, what, cells.Test, columns.Test)
	likeColumns(t, what, cells.Difference, columns.Difference)
}

// comparison takes a comparison with its error, or ends the test.
func comparison(t *testing.T) func(c analysis.Comparison, err error) analysis.Comparison {
	return func(c analysis.Comparison, err error) analysis.Comparison {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// only is a factor without the levels that are not named, in the order of names.
func only(f analysis.FactorColumn, levels ...string) analysis.FactorColumn {
	g := classes(f.ID, levels...)
	for _, l := range f.Level {
		if l >= 0 {
			l = slices.Index(levels, f.Levels[l])
		}
		g.Level = append(g.Level, l)
	}
	return g
}

func TestTTestFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		ok := comparison(t)
		likeComparison(t, "two sexes", ok(s.cells.TTest("score", "sex", nil)), ok(s.design.TTest(s.score, s.sex, nil)))
		women := analysis.Domain{"sex": "f"}
		likeComparison(t, "two regions of three", ok(s.cells.TTest("score", "region", women, "c", "a")),
			ok(s.design.TTest(s.score, only(s.region, "c", "a"), s.women())))
		likeComparison(t, "one sample", ok(s.cells.OneSampleTTest("score", 4.5, women)), ok(s.design.OneSampleTTest(s.score, 4.5, s.women())))
		cells, columns := ok(s.cells.PairedTTest("income", "score", women)), ok(s.design.PairedTTest(s.income, s.score, s.women()))
		if !math.IsNaN(cells.Difference.DEff) {
			t.Errorf("the design effect of a difference of pairs is %v, but cells do not know it", cells.Difference.DEff)
		}
		cells.Difference.DEff = columns.Difference.DEff
		likeComparison(t, "pairs", cells, columns)
	})
}

// TestCellsOfSeveralStages: cells that a design of two stages made keep its variance.
func TestCellsOfSeveralStages(t *testing.T) {
	s := ask(t, 12)
	n := len(s.score)
	person, psus, people := make([]string, n), make([]float64, n), make([]float64, n)
	for i := range person {
		person[i] = strconv.Itoa(i)
		psus[i], people[i] = 8, 500
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: s.columns.Weight, Stages: []analysis.Stage{
		{Stratum: s.columns.Stratum, Unit: s.columns.PSU, Population: psus}, {Unit: person, Population: people}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := d.Cells([]analysis.Variable{{Name: "score", Values: s.score}}, []analysis.FactorColumn{s.region, s.sex})
	if err != nil {
		t.Fatal(err)
	}
	ok := comparison(t)
	likeComparison(t, "t test", ok(c.TTest("score", "sex", nil)), ok(d.TTest(s.score, s.sex, nil)))
	fit, err := c.Fit(analysis.CellModel{Outcome: "score", Family: analysis.Poisson, Terms: [][]string{{"sex"}, {"region"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	likeVector(t, "model", fit.Vector, mustFit(t, d, analysis.Model{Outcome: s.score, Family: analysis.Poisson,
		Terms: []analysis.Term{{Factor: s.sex}, {Factor: s.region}}}).Vector)
}

// TestMarginOfACrossing: weights raked to the crossing of two factors are weights
// calibrated to one factor that has all pairs as its levels.
func TestMarginOfACrossing(t *testing.T) {
	s := counting(t, false)
	both := weighting.Margin{Name: "both", Targets: []float64{100, 150, 250, 200, 180, 120}}
	for i, r := range s.region.Level {
		both.Level = append(both.Level, 2*r+s.sex.Level[i])
	}
	for _, r := range s.region.Levels {
		both.Levels = append(both.Levels, r+",f", r+",m")
	}
	columns := s.columns
	w, _, err := weighting.Rake(columns.Weight, []weighting.Margin{both}, weighting.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	columns.Weight, columns.Base = w, columns.Weight
	asGiven, err := analysis.NewDesign(columns)
	if err != nil {
		t.Fatal(err)
	}
	columns.Calibration = &analysis.Calibration{Margins: []analysis.FactorColumn{{Factor: analysis.Factor{ID: "both", Levels: both.Levels}, Level: both.Level}}}
	d, err := analysis.NewDesign(columns)
	if err != nil {
		t.Fatal(err)
	}
	c, err := asGiven.Cells([]analysis.Variable{{Name: "score", Values: s.score}}, []analysis.FactorColumn{s.region, s.sex})
	if err != nil {
		t.Fatal(err)
	}
	c.Margins = [][]string{{"region", "sex"}}
	ok := comparison(t)
	likeComparison(t, "t test", ok(c.TTest("score", "sex", nil)), ok(d.TTest(s.score, s.sex, nil)))
	if naive := ok(asGiven.TTest(s.score, s.sex, nil)); near(naive.Difference.SE, ok(c.TTest("score", "sex", nil)).Difference.SE, 1e-6) {
		t.Errorf("the standard error %v does not know the margin", naive.Difference.SE)
	}
}

// TestNotesOfCellsAreOnComparisons: what is known of all the data is on every test.
func TestNotesOfCellsAreOnComparisons(t *testing.T) {
	s := counting(t, false)
	note := analysis.Note{Code: analysis.NotConverged, Value: 0.1}
	s.cells.Notes = []analysis.Note{note}
	c := comparison(t)(s.cells.TTest("score", "sex", nil))
	if !slices.Contains(c.Notes, note) || !slices.Contains(c.Difference.Notes, note) {
		t.Errorf("notes %v and %v, want %v among them", c.Notes, c.Difference.Notes, note)
	}
	v, err := s.cells.MeanVector([]string{"score"}, analysis.Domain{"points": "0", "sex": "f", "region": "a"})
	if err != nil || !slices.Contains(v.Notes, note) {
		t.Errorf("notes %v, %v; want %v among them", v.Notes, err, note)
	}
}

func TestTTestsFromCellsNameFaults(t *testing.T) {
	c := counting(t, false).cells
	saysSo(t, "unknown variable", second(c.TTest("age", "sex", nil)), `no variable "age"`, "score, pass, income")
	saysSo(t, "unknown group", second(c.TTest("score", "age", nil)), `no factor "age"`, "sex, region, points")
	saysSo(t, "three groups", second(c.TTest("score", "region", nil)), "3 levels", "compares two")
	saysSo(t, "unknown level", second(c.TTest("score", "region", nil, "a", "d")), `no level "d"`, "a, b, c")
	saysSo(t, "one level twice", second(c.TTest("score", "region", nil, "a", "a")), "named twice")
	saysSo(t, "group of the domain", second(c.TTest("score", "sex", analysis.Domain{"sex": "f"})), "leave it out of one")
	saysSo(t, "nobody in a level", second(c.TTest("score", "points", nil, "3", "12")), `no level "12"`)
	saysSo(t, "NaN", second(c.OneSampleTTest("score", math.NaN(), nil)), "give a number")
	c.Rows = slices.DeleteFunc(slices.Clone(c.Rows), func(r analysis.Cell) bool { return r.Levels[1] == 1 })
	saysSo(t, "nobody in a level", second(c.TTest("score", "region", nil, "a", "b")), `"b"`, "widen the domain")
	saysSo(t, "nobody", second(c.OneSampleTTest("score", 0, analysis.Domain{"region": "b"})), "widen the domain")
	saysSo(t, "no pairs", second(c.PairedTTest("score", "income", analysis.Domain{"region": "b"})), "widen the domain")
	r := slices.Clone(c.Rows[0].Sums)
	r[0].N--
	c.Rows[0].Sums = r
	saysSo(t, "pairs of others", second(c.PairedTTest("score", "income", nil)), "missing for the same people", "PSU")
	r[0].WY = math.Inf(1)
	saysSo(t, "infinite", second(c.TTest("score", "sex", nil)), `"score"`, "larger unit")
}

func TestVectorsFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		names := []string{"income", "pass", "score"}
		columns := []analysis.Variable{{Name: "income", Values: s.income}, {Name: "pass", Values: s.pass}, {Name: "score", Values: s.score}}
		women := analysis.Domain{"sex": "f"}
		vector := func(v analysis.Vector, err error) analysis.Vector {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		same := func(what string, cells, straight analysis.Vector) {
			t.Helper()
			nearVector(t, what, cells, straight, sameSums)
			for i, e := range straight.Estimates {
				likeColumns(t, what+" of "+straight.Names[i], cells.Estimates[i], e)
			}
			if cells.DF != straight.DF || cells.N != straight.N || !slices.Equal(cells.Names, straight.Names) || !slices.Equal(cells.Notes, straight.Notes) {
				t.Errorf("%s: %v, %v df, n %d from cells; %v, %v df, n %d from columns", what, cells.Names, cells.DF, cells.N, straight.Names, straight.DF, straight.N)
			}
		}
		same("means", vector(s.cells.MeanVector(names, women)), vector(s.design.MeanVector(columns, s.women())))
		totals := vector(s.cells.TotalVector(names, women))
		same("totals", totals, vector(s.design.TotalVector(columns, s.women())))
		// A ratio of products, which no estimator is named for.
		f := func(t []analysis.Dual) analysis.Dual { return t[0].Times(t[1]).Over(t[2].Times(t[2])).Log() }
		got, err := totals.Function(f)
		if err != nil {
			t.Fatal(err)
		}
		want := must(s.design.Function(columns, s.women(), f))(t)
		got.DEff = want.DEff
		likeColumns(t, "function of totals", got, want)
		same("shares", vector(s.cells.ProportionVector("points", women)), vector(s.design.ProportionVector(s.points, s.women())))
		same("counts", vector(s.cells.CountVector("points", women)), vector(s.design.CountVector(s.points, s.women())))
		quantiles, err := s.cells.Quantile("points", women, analysis.QuantileSettings{}, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		median, err := s.design.Quantile(s.score, s.women(), analysis.QuantileSettings{}, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		likeColumns(t, "median", quantiles[0], median[0])
	})
}

// TestKappaFromCells: the agreement of two factors by its definition, as a function of
// totals of indicators that the design makes of people.
func TestKappaFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		again, n := classes("again", s.region.Levels...), len(s.score)
		for i, r := range s.region.Level {
			if i%3 == 0 {
				r = i % 2
			}
			again.Level = append(again.Level, r)
		}
		c, err := s.design.Cells(nil, []analysis.FactorColumn{s.region, again, s.sex})
		if err != nil {
			t.Fatal(err)
		}
		table, err := c.Crosstab("region", "again", analysis.Domain{"sex": "f"})
		if err != nil {
			t.Fatal(err)
		}
		var indicators []analysis.Variable
		for k := range 9 {
			v := analysis.Variable{Name: strconv.Itoa(k), Values: make([]float64, n)}
			for i := range v.Values {
				v.Values[i] = float64(btoi(s.region.Level[i] == k/3 && again.Level[i] == k%3))
			}
			indicators = append(indicators, v)
		}
		want := must(s.design.Function(indicators, s.women(), func(t []analysis.Dual) analysis.Dual {
			all, agree, chance := analysis.Constant(0), analysis.Constant(0), analysis.Constant(0)
			for _, x := range t {
				all = all.Plus(x)
			}
			for k := range 3 {
				row := t[3*k].Plus(t[3*k+1]).Plus(t[3*k+2]).Over(all)
				column := t[k].Plus(t[3+k]).Plus(t[6+k]).Over(all)
				agree, chance = agree.Plus(t[4*k].Over(all)), chance.Plus(row.Times(column))
			}
			return agree.Minus(chance).Over(analysis.Constant(1).Minus(chance))
		}))(t)
		got := must(table.Kappa())(t)
		likeColumns(t, "kappa", got, want)
	})
}

func TestVectorsFromCellsNameFaults(t *testing.T) {
	c := counting(t, false).cells
	saysSo(t, "no variable", second(c.MeanVector(nil, nil)), "no variable is named", "score, pass, income")
	saysSo(t, "unknown variable", second(c.TotalVector([]string{"score", "age"}, nil)), `no variable "age"`)
	saysSo(t, "unknown level", second(c.MeanVector([]string{"score"}, analysis.Domain{"sex": "x"})), `no level "x"`)
	c.Rows[3].Levels = nil
	saysSo(t, "levels missing", second(c.MeanVector([]string{"score"}, nil)), "0 levels for 3 factors")
}

func TestRankTestFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		ok := comparison(t)
		women := analysis.Domain{"sex": "f"}
		for _, score := range []analysis.RankScore{"", analysis.RankVanDerWaerden, analysis.RankMedian} {
			likeComparison(t, "two sexes", ok(s.cells.RankTest("points", "sex", score, nil)), ok(s.design.RankTest(s.score, s.sex, score, nil)))
			likeComparison(t, "two regions of three", ok(s.cells.RankTest("points", "region", score, women, "c", "a")),
				ok(s.design.RankTest(s.score, only(s.region, "c", "a"), score, s.women())))
			likeComparison(t, "three regions", ok(s.cells.RankTest("points", "region", score, women)),
				ok(s.design.RankTest(s.score, s.region, score, s.women())))
		}
	})
}

// TestOrderOfRanks: numbers are ranked as numbers however the levels are listed, names in
// the order of the levels.
func TestOrderOfRanks(t *testing.T) {
	s := counting(t, false)
	listed, named := classes(s.points.ID, "10", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"), classes(s.points.ID, strings.Split("abcdefghijk", "")...)
	for _, l := range s.points.Level {
		if named.Level = append(named.Level, l); l >= 0 {
			l = (l + 1) % 11
		}
		listed.Level = append(listed.Level, l)
	}
	want := comparison(t)(s.design.RankTest(s.score, s.sex, "", nil))
	for what, f := range map[string]analysis.FactorColumn{"numbers in another order": listed, "names": named} {
		c, err := s.design.Cells(nil, []analysis.FactorColumn{f, s.sex})
		if err != nil {
			t.Fatal(err)
		}
		likeComparison(t, what, comparison(t)(c.RankTest("points", "sex", "", nil)), want)
	}
}

func TestRankTestsFromCellsNameFaults(t *testing.T) {
	c := counting(t, false).cells
	saysSo(t, "unknown outcome", second(c.RankTest("age", "sex", "", nil)), `no factor "age"`, "sex, region, points")
	saysSo(t, "unknown group", second(c.RankTest("points", "age", "", nil)), `no factor "age"`)
	saysSo(t, "unknown score", second(c.RankTest("points", "sex", "savage", nil)), "savage", "wilcoxon")
	saysSo(t, "one factor", second(c.RankTest("points", "points", "", nil)), "name two factors")
	saysSo(t, "one group", second(c.RankTest("points", "region", "", nil, "a")), "1 levels", "widen the domain")
	saysSo(t, "group of the domain", second(c.RankTest("points", "sex", "", analysis.Domain{"sex": "f"})), "leave it out of one")
	c.Rows = nil
	saysSo(t, "no cells", second(c.RankTest("points", "sex", "", nil)), "0 levels", "widen the domain")
}

func TestStandardizedMeansFromCells(t *testing.T) {
	eachCount(t, func(t *testing.T, s counted) {
		population := []float64{30, 50, 20}
		women := analysis.Domain{"sex": "f"}
		for what, c := range map[string]struct {
			cells, columns func() (analysis.Vector, error)
		}{
			"two groups": {
				func() (analysis.Vector, error) {
					return s.cells.StandardizedMeans("score", "region", population, nil, "sex")
				},
				func() (analysis.Vector, error) {
					return s.design.StandardizedMeans(s.score, s.region, population, nil, s.sex)
				}},
			"a domain": {
				func() (analysis.Vector, error) {
					return s.cells.StandardizedMeans("score", "region", population, women)
				},
				func() (analysis.Vector, error) {
					return s.design.StandardizedMeans(s.score, s.region, population, s.women())
				}},
		} {
			got, err := c.cells()
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.columns()
			if err != nil {
				t.Fatal(err)
			}
			nearVector(t, what, got, want, sameSums)
			for g, e := range want.Estimates {
				likeColumns(t, what+" "+want.Names[g], got.Estimates[g], e)
			}
		}
	})
}

func TestStandardizedMeansFromCellsNameFaults(t *testing.T) {
	c := counting(t, false).cells
	shares := []float64{1, 1, 1}
	saysSo(t, "unknown class", second(c.StandardizedMeans("score", "age", shares, nil)), `no factor "age"`)
	saysSo(t, "unknown variable", second(c.StandardizedMeans("age", "region", shares, nil)), `no variable "age"`)
	saysSo(t, "two shares", second(c.StandardizedMeans("score", "region", shares[:2], nil)), "2 numbers", "3 levels")
	saysSo(t, "class as group", second(c.StandardizedMeans("score", "region", shares, nil, "region")), "named twice")
	saysSo(t, "class of the domain", second(c.StandardizedMeans("score", "region", shares, analysis.Domain{"region": "a"})), "leave it out of one")
	c.Rows = slices.DeleteFunc(slices.Clone(c.Rows), func(r analysis.Cell) bool { return r.Levels[0] == 1 && r.Levels[1] == 1 })
	saysSo(t, "class without people", second(c.StandardizedMeans("score", "region", shares, nil, "sex")), `"m"`, `class "b"`, "merge classes")
	c.Rows = nil
	saysSo(t, "no cells", second(c.StandardizedMeans("score", "region", shares, nil)), "nobody", "widen the domain")
}
