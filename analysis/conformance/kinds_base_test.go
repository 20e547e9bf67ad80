package conformance

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// The kinds that are functions of totals, from cells and, where there is a direct way,
// straight from the columns.

func init() {
	for _, estimator := range []string{"mean", "total", "proportion", "count"} {
		register(estimator, runOne)
	}
	register("proportion_ci", runInterval)
	register("ratio", runRatio)
	register("by_mean", runBy)
	register("by_total", runBy)
	register("mean_vector", runVector)
	register("total_vector", runVector)
	register("proportion_vector", runProportions)
	register("weights", runWeights)
}

func runOne(r *run) error {
	y, err := r.values(r.Case)
	if err != nil {
		return err
	}
	cells, err := r.cells(r.Case, y)
	if err != nil {
		return err
	}
	if r.Extra.text("expected") == "error" {
		return r.checkRefusal(cells)
	}
	estimate, direct := cells.Mean, r.design.Mean
	switch r.Estimator {
	case "total", "count":
		estimate, direct = cells.Total, r.design.Total
	case "proportion":
		estimate, direct = cells.Proportion, r.design.Proportion
	}
	e, err := estimate("y", inDomain)
	if err != nil {
		return err
	}
	r.compare(e)
	if r.raking == nil { // straight from columns, weights are taken as given
		in, err := r.in(r.Case)
		if err != nil {
			return err
		}
		if e, err = direct(y, in); err != nil {
			return err
		}
		r.compare(e)
	}
	return r.compareDF(cells, estimate)
}

// checkRefusal compares the error of a design that must not give a variance.
func (r *run) checkRefusal(cells *analysis.Cells) error {
	_, err := cells.Mean("y", everyone)
	for _, name := range r.Extra.texts("names_strata") {
		r.checks++
		if err == nil || !strings.Contains(err.Error(), name) {
			r.fault("error %v does not name stratum %s", err, name)
		}
	}
	return nil
}

// compareDF compares what other rules for degrees of freedom give.
func (r *run) compareDF(cells *analysis.Cells, estimate func(string, analysis.Domain) (analysis.Estimate, error)) error {
	with := func(rule analysis.DFRule) (analysis.Estimate, error) {
		cells.Settings.DF = rule
		return estimate("y", inDomain)
	}
	if normal := r.Extra.numbers("ci95_normal"); normal != nil {
		e, err := with(analysis.DFNormal)
		if err != nil {
			return err
		}
		r.check("normal lower", e.Lo, normal[0])
		r.check("normal upper", e.Hi, normal[1])
	}
	if r.Extra.has("df_design") {
		e, err := with(analysis.DFDesign)
		if err != nil {
			return err
		}
		r.check("df of the design", e.DF, r.Extra.number("df_design"))
	}
	return nil
}

// compare checks what every single estimate has.
func (r *run) compare(e analysis.Estimate) {
	r.check("estimate", e.Value, number(r.Estimate))
	r.compareSE(e.Value, e.SE, number(r.SE))
	if r.Extra.has("n") {
		r.check("n", float64(e.N), r.Extra.number("n"))
	}
	if r.Extra.has("df_domain") {
		r.check("df", e.DF, r.Extra.number("df_domain"))
	}
	if t := r.Extra.numbers("ci95_t_domain"); t != nil {
		r.check("lower", e.Lo, t[0])
		r.check("upper", e.Hi, t[1])
	}
	if deff := r.Extra.number("deff_wr"); !math.IsNaN(deff) && !math.IsInf(deff, 0) {
		r.check("deff", e.DEff, deff)
	}
}

// compareSE compares standard errors. Where raking or a census fixes a value its SE is
// zero, and both numbers are the rounding of sums of the size of the value.
func (r *run) compareSE(value, got, want float64) {
	if rounding := 1e-15 * math.Abs(value); got > rounding || want > rounding {
		r.check("SE", got, want)
	}
}

func runInterval(r *run) error {
	y, err := r.data.indicator(r.Params.condition("indicator"))
	if err != nil {
		return err
	}
	cells, err := r.cells(r.Case, y)
	if err != nil {
		return err
	}
	cells.Settings.Level = r.Params.number("level")
	if r.Params.text("df") == "infinite" {
		cells.Settings.DF = analysis.DFNormal
	}
	estimate := cells.Proportion
	switch method := r.Params.text("method"); method {
	case "logit", "xlogit":
	case "mean":
		estimate = cells.Mean
	default:
		return fmt.Errorf("no interval %q", method)
	}
	e, err := estimate("y", inDomain)
	if err != nil {
		return err
	}
	r.compare(e)
	r.check("lower", e.Lo, r.Extra.number("lower"))
	r.check("upper", e.Hi, r.Extra.number("upper"))
	return nil
}

func runRatio(r *run) error {
	numerator, denominator, _ := strings.Cut(r.Variable, "/")
	y, err := r.data.numbers(numerator)
	if err != nil {
		return err
	}
	x, err := r.data.numbers(denominator)
	if err != nil {
		return err
	}
	cells, err := r.cells(r.Case, together(y, x)...)
	if err != nil {
		return err
	}
	e, err := cells.Ratio("y", "x", inDomain)
	if err != nil {
		return err
	}
	r.compare(e)
	return nil
}

// groups estimates the variable of a case for every crossing of its factors.
func (r *run) groups() ([]analysis.Group, error) {
	factors, err := r.byFactors()
	if err != nil {
		return nil, err
	}
	y, err := r.data.numbers(r.Variable)
	if err != nil {
		return nil, err
	}
	cells, err := r.tabulate([]analysis.Variable{{Name: "y", Values: y}}, factors...)
	if err != nil {
		return nil, err
	}
	by := r.Params.texts("by")
	if strings.HasPrefix(r.Estimator, "by_total") {
		return cells.TotalBy("y", everyone, by...)
	}
	return cells.MeanBy("y", everyone, by...)
}

// byFactors are the factors that params.by names.
func (r *run) byFactors() ([]analysis.FactorColumn, error) {
	var factors []analysis.FactorColumn
	for _, by := range r.Params.texts("by") {
		f, err := r.data.factor(by)
		if err != nil {
			return nil, err
		}
		factors = append(factors, f)
	}
	return factors, nil
}

func runBy(r *run) error {
	groups, err := r.groups()
	if err != nil {
		return err
	}
	estimates, ses := numbers(r.Estimate), numbers(r.SE)
	for i, cell := range r.Extra.cells("cells") {
		g := groupOf(groups, cell)
		if g < 0 {
			return fmt.Errorf("no group for %v", cell)
		}
		r.check(fmt.Sprint(cell), groups[g].Estimate.Value, estimates[i])
		r.check(fmt.Sprint(cell, " SE"), groups[g].Estimate.SE, ses[i])
	}
	return nil
}

// groupOf finds the group of a cell; -1 when there is none.
func groupOf(groups []analysis.Group, cell map[string]string) int {
	return slices.IndexFunc(groups, func(g analysis.Group) bool {
		for id, level := range cell {
			if g.Domain[id] != level {
				return false
			}
		}
		return true
	})
}

// runVector checks several variables over the rows that have all of them.
func runVector(r *run) error {
	names := strings.Split(r.Variable, ",")
	columns := make([][]float64, len(names))
	for k, name := range names {
		var err error
		if columns[k], err = r.data.numbers(name); err != nil {
			return err
		}
	}
	estimates, ses := numbers(r.Estimate), numbers(r.SE)
	for k, y := range together(columns...) {
		cells, err := r.cells(r.Case, y)
		if err != nil {
			return err
		}
		estimate := cells.Mean
		if r.Estimator == "total_vector" {
			estimate = cells.Total
		}
		e, err := estimate("y", inDomain)
		if err != nil {
			return err
		}
		r.check(names[k], e.Value, estimates[k])
		r.check(names[k]+" SE", e.SE, ses[k])
	}
	return nil
}

func runProportions(r *run) error {
	estimates, ses := numbers(r.Estimate), numbers(r.SE)
	for k, level := range r.Extra.texts("levels") {
		y, err := r.data.indicator(condition{Var: r.Variable, Op: "==", Value: level})
		if err != nil {
			return err
		}
		cells, err := r.cells(r.Case, y)
		if err != nil {
			return err
		}
		e, err := cells.Proportion("y", inDomain)
		if err != nil {
			return err
		}
		r.check(level, e.Value, estimates[k])
		r.check(level+" SE", e.SE, ses[k])
	}
	return nil
}

// runWeights compares the weights of every row.
func runWeights(r *run) error {
	want, err := r.archive.weightsFile(filepath.Base(r.Extra.text("file")))
	if err != nil {
		return err
	}
	r.checkAll("weight of row", r.weights, want)
	return nil
}
