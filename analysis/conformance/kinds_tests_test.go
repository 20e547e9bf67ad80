package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Tests of hypotheses.

func init() {
	register("independence_test", runIndependence)
	register("crosstab", runCrosstab)
	register("kappa", runKappa)
	register("gof_test", runGoodnessOfFit)
	register("t_test", runTTest)
	register("rank_test", runRankTest)
	register("cronbach_alpha", runAlpha)
}

// tableTests are R's names of the tests of independence.
var tableTests = map[string]analysis.TableTest{
	"F": analysis.RaoScottF, "Chisq": analysis.RaoScottChiSquare, "Wald": analysis.WaldF, "adjWald": analysis.AdjustedWaldF,
	"lincom": analysis.WeightedChiSquares, "saddlepoint": analysis.Saddlepoint,
}

// crosstab makes the table of a case from the columns.
func (r *run) crosstab() (*analysis.Crosstab, error) {
	row, column, _ := strings.Cut(r.Variable, ",")
	in, err := r.in(r.Case)
	if err != nil {
		return nil, err
	}
	rows, err := r.data.factor(row)
	if err != nil {
		return nil, err
	}
	columns, err := r.data.factor(column)
	if err != nil {
		return nil, err
	}
	return r.from().Crosstab(rows, columns, in)
}

func runIndependence(r *run) error {
	t, err := r.crosstab()
	if err != nil {
		return err
	}
	method := tableTests[r.Params.text("statistic")]
	test, err := t.Independence(method)
	if err != nil {
		return err
	}
	df := []float64{test.DF1, test.DF2}
	switch method {
	case analysis.RaoScottChiSquare:
		test.Statistic, df = test.ChiSquare, df[:1]
	case analysis.WeightedChiSquares, analysis.Saddlepoint:
		test.Statistic, df = test.ChiSquare, nil
	}
	r.check("statistic", test.Statistic, number(r.Estimate))
	r.checkAll("df", df, r.Extra.numbers("parameter"))
	r.check("p", test.P, r.Extra.number("p_value"))
	if r.Extra.has("chi_square") {
		r.check("X²", test.ChiSquare, r.Extra.number("chi_square"))
	}
	return nil
}

func runCrosstab(r *run) error {
	t, err := r.crosstab()
	if err != nil {
		return err
	}
	if rows, columns := r.Extra.texts("rows"), r.Extra.texts("cols"); fmt.Sprint(t.Rows, t.Columns) != fmt.Sprint(rows, columns) {
		r.fault("the table has %v × %v, want %v × %v", t.Rows, t.Columns, rows, columns)
		return nil
	}
	for i, counts := range r.Extra.matrix("counts") {
		for j, want := range counts {
			r.check(t.Rows[i]+","+t.Columns[j], t.At(i, j).Value, want)
		}
	}
	return nil
}

func runKappa(r *run) error {
	t, err := r.crosstab()
	if err != nil {
		return err
	}
	e, err := t.Kappa()
	if err != nil {
		return err
	}
	r.check("kappa", e.Value, number(r.Estimate))
	r.check("SE", e.SE, number(r.SE))
	return nil
}

func runGoodnessOfFit(r *run) error {
	f, err := r.data.factor(r.Variable)
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	counts, err := r.design.CountVector(f, in)
	if err != nil {
		return err
	}
	test, err := counts.GoodnessOfFit(r.Params.numbers("p"))
	if err != nil {
		return err
	}
	r.check("X²", test.ChiSquare, number(r.Estimate))
	r.checkAll("scale and df", []float64{test.ChiSquare / test.Statistic / test.DF1, test.DF1}, r.Extra.numbers("parameter"))
	r.check("p", test.P, r.Extra.number("p_value"))
	return nil
}

// outcomeAndGroup reads y~g and the domain of a case.
func (r *run) outcomeAndGroup() (y []float64, g analysis.FactorColumn, in []bool, err error) {
	outcome, group, _ := strings.Cut(r.Variable, "~")
	if y, err = r.data.numbers(outcome); err != nil {
		return
	}
	if g, err = r.data.factor(group); err != nil {
		return
	}
	in, err = r.in(r.Case)
	return
}

func runTTest(r *run) error {
	y, group, in, err := r.outcomeAndGroup()
	if err != nil {
		return err
	}
	c, err := r.design.TTest(y, group, in)
	if err != nil {
		return err
	}
	r.check("difference", c.Difference.Value, number(r.Estimate))
	r.check("t", c.Statistic, r.Extra.number("t"))
	r.check("df", c.DF2, r.Extra.number("df"))
	r.check("p", c.P, r.Extra.number("p_value"))
	ci := r.Extra.numbers("ci95")
	r.check("lower", c.Difference.Lo, ci[0])
	r.check("upper", c.Difference.Hi, ci[1])
	return nil
}

func runRankTest(r *run) error {
	y, group, in, err := r.outcomeAndGroup()
	if err != nil {
		return err
	}
	score := analysis.RankScore(r.Params.text("test"))
	if score == "vanderWaerden" {
		score = analysis.RankVanDerWaerden
	}
	c, err := r.design.RankTest(y, group, score, in)
	if err != nil {
		return err
	}
	r.check("difference", c.Difference.Value, number(r.Estimate))
	r.check("t", c.Statistic, r.Extra.number("statistic"))
	r.check("df", c.DF2, r.Extra.number("parameter"))
	r.check("p", c.P, r.Extra.number("p_value"))
	return nil
}

// runAlpha reads items as a list or as first..last, numbered.
func runAlpha(r *run) error {
	names := strings.Split(r.Variable, ",")
	if first, last, isRange := strings.Cut(r.Variable, ".."); isRange {
		names = nil
		for _, name := range slices.Sorted(maps.Keys(r.data.columns)) {
			if len(name) == len(first) && first <= name && name <= last {
				names = append(names, name)
			}
		}
	}
	var items []analysis.Variable
	for _, name := range names {
		values, err := r.data.numbers(name)
		if err != nil {
			return err
		}
		items = append(items, analysis.Variable{Name: name, Values: values})
	}
	e, err := r.design.CronbachAlpha(items, nil)
	if err != nil {
		return err
	}
	r.check("alpha", e.Value, number(r.Estimate))
	return nil
}
