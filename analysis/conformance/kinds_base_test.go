package conformance

import (
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// The kinds that are functions of totals, from cells and, where there is a direct way,
// straight from the columns.

func init() {
	for _, estimator := range []string{"mean", "total", "proportion", "count"} {
		register(estimator, runOne)
	}
	register("ratio", runRatio)
	register("weights", runWeights)
	register("kish_design_effect", func(r *run) error {
		r.check("Kish", weighting.Kish(r.Params.numbers("w")), number(r.Estimate))
		return nil
	})
}

func runOne(r *run) error {
	y, err := r.values(r.Case)
	if err != nil {
		return err
	}
	if r.auxiliary { // cells cannot hold what these weights were calibrated to
		return r.compareDirect(y)
	}
	cells, err := r.cells(r.Case, y)
	if err != nil {
		return err
	}
	if r.sample != nil {
		return r.compareReplicated(y, cells)
	}
	if r.Extra.text("expected") == "error" {
		return r.checkRefusal(cells)
	}
	estimate := cells.Mean
	switch r.Estimator {
	case "total", "count":
		estimate = cells.Total
	case "proportion":
		estimate = cells.Proportion
	}
	e, err := estimate("y", inDomain)
	if err != nil {
		return err
	}
	r.compare(e)
	if err := r.compareDirect(y); err != nil {
		return err
	}
	return r.compareDF(&cells.Settings, estimate)
}

// compareDirect compares the estimate straight from the columns.
func (r *run) compareDirect(y []float64) error {
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	from := r.from()
	direct := from.Mean
	switch r.Estimator {
	case "total", "count":
		direct = from.Total
	case "proportion":
		direct = from.Proportion
	}
	e, err := direct(y, in)
	if err != nil {
		return err
	}
	r.compare(e)
	return nil
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
func (r *run) compareDF(settings *analysis.Settings, estimate func(string, analysis.Domain) (analysis.Estimate, error)) error {
	with := func(rule analysis.DFRule) (analysis.Estimate, error) {
		settings.DF = rule
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
	r.compareWithout(e, "deff_wor")
	if cv := r.Extra.number("cv"); !math.IsNaN(cv) && !math.IsInf(cv, 0) {
		r.check("cv", e.SE/e.Value, cv)
	}
	if deff := r.Extra.number("deff_wr"); !math.IsNaN(deff) && !math.IsInf(deff, 0) {
		r.check("deff", e.DEff, deff)
	}
}

// compareWithout compares the design effect against sampling without replacement. There
// is none when the weights add up to no more than the respondents; R then has infinity.
func (r *run) compareWithout(e analysis.Estimate, field string) {
	if deff := r.Extra.number(field); !math.IsNaN(deff) && !math.IsInf(deff, 0) && e.Weighted > float64(e.N) {
		r.check("deff without replacement", e.DEffWOR, deff)
	}
}

// compareSE compares standard errors. Where raking or a census fixes a value its SE is
// zero, and both numbers are the rounding of sums of the size of the value.
func (r *run) compareSE(value, got, want float64) {
	if rounding := 1e-15 * math.Abs(value); got > rounding || want > rounding {
		r.check("SE", got, want)
	}
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
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	e, err := r.from().Ratio(y, x, in)
	if err != nil {
		return err
	}
	r.compare(e)
	r.compareWithout(e, "deff") // cells have none
	if r.auxiliary {            // cells cannot hold what these weights were calibrated to
		return nil
	}
	cells, err := r.cells(r.Case, together(y, x)...)
	if err != nil {
		return err
	}
	ratio := cells.Ratio
	if r.sample != nil {
		c, err := r.replicated(cells)
		if c == nil || err != nil {
			return err
		}
		ratio = c.Ratio
	}
	if e, err = ratio("y", "x", inDomain); err != nil {
		return err
	}
	r.compare(e)
	return nil
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

// runWeights compares the weights of every row.
func runWeights(r *run) error {
	want, err := r.archive.weightsFile(filepath.Base(r.Extra.text("file")))
	if err != nil {
		return err
	}
	r.checkAll("weight of row", r.weights, want)
	return nil
}
