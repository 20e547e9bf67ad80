package conformance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Estimators with covariance, contrasts, quantiles, intervals and plausible values.

func init() {
	register("proportion_ci", runInterval)
	register("mean_vector", runVector)
	register("total_vector", runVector)
	register("proportion_vector", runProportions)
	register("by_mean", runBy)
	register("by_total", runBy)
	register("by_mean_contrast", runContrast)
	register("by_total_contrast", runContrast)
	register("change_between_waves", runChange)
	register("variance", runVariance)
	register("quantile", runQuantile)
	register("presentation_standard", runPresentation)
	register("mi_mean", runImputed)
	register("mi_share_at_or_above", runImputed)
}

// runInterval checks every method, from cells and straight from columns.
func runInterval(r *run) error {
	y, err := r.data.indicator(r.Params.condition("indicator"))
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	cells, err := r.cells(r.Case, y)
	if err != nil {
		return err
	}
	cells.Settings.Level = r.Params.number("level")
	cells.Settings.Interval = analysis.ProportionInterval(r.Params.text("method"))
	if r.Params.text("df") == "infinite" {
		cells.Settings.DF = analysis.DFNormal
	}
	if r.sample != nil {
		return r.intervalReplicated(y, in, cells)
	}
	e, err := cells.Proportion("y", inDomain)
	if err != nil {
		return err
	}
	r.compareInterval(e)
	if e, err = r.design.WithSettings(cells.Settings).Proportion(y, in); err != nil {
		return err
	}
	r.compareInterval(e)
	return nil
}

func (r *run) compareInterval(e analysis.Estimate) {
	r.check("estimate", e.Value, number(r.Estimate))
	r.compareSE(e.Value, e.SE, number(r.SE))
	r.check("lower", e.Lo, r.Extra.number("lower"))
	r.check("upper", e.Hi, r.Extra.number("upper"))
	if df := r.Extra.number("df_used"); !math.IsNaN(df) {
		r.check("df", e.DF, df)
	}
}

// compareVector checks values, standard errors and the covariance of a vector, whose
// elements stand in places.
func (r *run) compareVectorAt(v analysis.Vector, places []int) {
	estimates, ses := numbers(r.Estimate), numbers(r.SE)
	for i, p := range places {
		r.check(v.Names[p], v.Values[p], estimates[i])
		r.check(v.Names[p]+" SE", v.Estimates[p].SE, ses[i])
	}
	r.checkMatrix("vcov", func(i, j int) float64 { return v.Cov.At(places[i], places[j]) }, r.Extra.matrix("vcov"))
}

// runVector checks several variables over the rows that have all of them.
func runVector(r *run) error {
	var variables []analysis.Variable
	for _, name := range strings.Split(r.Variable, ",") {
		y, err := r.data.numbers(name)
		if err != nil {
			return err
		}
		variables = append(variables, analysis.Variable{Name: name, Values: y})
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	estimate := r.design.MeanVector
	if r.Estimator == "total_vector" {
		estimate = r.design.TotalVector
	}
	v, err := estimate(variables, in)
	if err != nil {
		return err
	}
	r.compareVectorAt(v, upTo(len(variables)))
	return nil
}

// upTo lists 0 to n−1.
func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

func runProportions(r *run) error {
	f, err := r.data.factor(r.Variable)
	if err != nil {
		return err
	}
	places := make([]int, 0, len(f.Levels))
	for _, level := range r.Extra.texts("levels") {
		places = append(places, slices.Index(f.Levels, level))
	}
	rows, err := r.in(r.Case)
	if err != nil {
		return err
	}
	v, err := r.from().ProportionVector(f, rows)
	if err != nil {
		return err
	}
	r.compareVectorAt(v, places)
	if r.auxiliary { // cells cannot hold what these weights were calibrated to
		return nil
	}
	in, err := r.inFactor(r.Case)
	if err != nil {
		return err
	}
	cells, err := r.tabulate(nil, in, f)
	if err != nil {
		return err
	}
	proportions := cells.ProportionVector
	if r.sample != nil {
		c, err := r.replicated(cells)
		if c == nil || err != nil {
			return err
		}
		proportions = c.ProportionVector
	}
	if v, err = proportions(r.Variable, inDomain); err != nil {
		return err
	}
	r.compareVectorAt(v, places)
	return nil
}

// tables estimates the variable of a case for every crossing of its factors: straight
// from columns, and from cells where they can.
func (r *run) tables() ([]analysis.Table, error) {
	factors, err := r.byFactors()
	if err != nil {
		return nil, err
	}
	y, err := r.data.numbers(r.Variable)
	if err != nil {
		return nil, err
	}
	rows, err := r.in(r.Case)
	if err != nil {
		return nil, err
	}
	fromRows := r.from().MeanTable
	if strings.HasPrefix(r.Estimator, "by_total") {
		fromRows = r.from().TotalTable
	}
	t, err := fromRows(y, rows, factors...)
	if err != nil || r.auxiliary { // cells cannot hold what these weights were calibrated to
		return []analysis.Table{t}, err
	}
	in, err := r.inFactor(r.Case)
	if err != nil {
		return nil, err
	}
	cells, err := r.tabulate([]analysis.Variable{{Name: "y", Values: y}}, append(slices.Clone(factors), in)...)
	if err != nil {
		return nil, err
	}
	fromCells := cells.MeanTable
	if strings.HasPrefix(r.Estimator, "by_total") {
		fromCells = cells.TotalTable
	}
	if r.sample != nil {
		c, err := r.replicated(cells)
		if c == nil || err != nil {
			return []analysis.Table{t}, err
		}
		fromCells = c.MeanTable
	}
	u, err := fromCells("y", inDomain, r.Params.texts("by")...)
	return []analysis.Table{t, u}, err
}

func runBy(r *run) error {
	tables, err := r.tables()
	if err != nil {
		return err
	}
	for _, t := range tables {
		var places []int
		for _, cell := range r.Extra.cells("cells") {
			g := groupOf(t.Groups, cell)
			if g < 0 {
				return fmt.Errorf("no group for %v", cell)
			}
			places = append(places, g)
		}
		r.compareVectorAt(t.Vector, places)
	}
	return nil
}

// runContrast compares a function of a table. R's groups have the first factor fastest
// and no empty crossings.
func runContrast(r *run) error {
	tables, err := r.tables()
	if err != nil {
		return err
	}
	factors, err := r.byFactors()
	if err != nil {
		return err
	}
	for _, t := range tables {
		order := rOrder(t, factors)
		e, err := contrast(t.Vector, r.Params, order)
		if err != nil {
			return err
		}
		r.check("estimate", e.Value, number(r.Estimate))
		r.check("SE", e.SE, number(r.SE))
	}
	return nil
}

// rOrder lists the groups with people in the order of R.
func rOrder(t analysis.Table, factors []analysis.FactorColumn) []int {
	var order []int
	for g := range t.Groups {
		if t.Groups[g].Estimate.N > 0 {
			order = append(order, g)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		for _, f := range slices.Backward(factors) {
			i := slices.Index(f.Levels, t.Groups[a].Domain[f.ID])
			j := slices.Index(f.Levels, t.Groups[b].Domain[f.ID])
			if i != j {
				return i - j
			}
		}
		return 0
	})
	return order
}

// contrast is the function that the parameters of a case name.
func contrast(v analysis.Vector, params fields, order []int) (analysis.Estimate, error) {
	switch kind := params.text("kind"); kind {
	case "linear":
		c := make([]float64, len(v.Values))
		for i, x := range params.numbers("coefficients") {
			c[order[i]] = x
		}
		return v.Contrast(c...)
	case "ratio-first-over-last":
		return v.Ratio(order[0], order[len(order)-1])
	case "log-first-over-second":
		return v.LogRatio(order[0], order[1])
	default:
		return analysis.Estimate{}, fmt.Errorf("contrast %q is unknown", kind)
	}
}

// runChange compares the difference of two waves.
func runChange(r *run) error {
	wave, err := r.data.factor("wave")
	if err != nil {
		return err
	}
	y, err := r.values(r.Case)
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	t, err := r.design.MeanTable(y, in, wave)
	if err != nil {
		return err
	}
	from := slices.Index(wave.Levels, fmt.Sprint(r.Params["wave_from"]))
	to := slices.Index(wave.Levels, fmt.Sprint(r.Params["wave_to"]))
	e, err := t.Difference(to, from)
	if err != nil {
		return err
	}
	r.check("estimate", e.Value, number(r.Estimate))
	r.check("SE", e.SE, number(r.SE))
	r.check("df", e.DF, r.Extra.number("df"))
	r.check("t", e.T(), r.Extra.number("t"))
	r.check("p", e.PValue(), r.Extra.number("p_value"))
	places := []int{from, to}
	r.checkAll("means", []float64{t.Values[from], t.Values[to]}, r.Extra.numbers("means"))
	r.checkMatrix("vcov", func(i, j int) float64 { return t.Cov.At(places[i], places[j]) }, r.Extra.matrix("vcov"))
	return nil
}

func runVariance(r *run) error {
	y, err := r.values(r.Case)
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	e, err := r.design.Variance(y, in)
	if err != nil {
		return err
	}
	r.check("estimate", e.Value, number(r.Estimate))
	r.compareSE(e.Value, e.SE, number(r.SE))
	return nil
}

func runQuantile(r *run) error {
	y, err := r.values(r.Case)
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	q := analysis.QuantileSettings{Rule: analysis.QuantileRule(r.Params.text("qrule"))}
	switch kind := strings.TrimPrefix(r.Params.text("interval"), "woodruff-"); kind {
	case "wald":
		q.Interval = analysis.WoodruffMean
	default:
		q.Interval = analysis.WoodruffInterval(kind)
	}
	if r.sample != nil {
		return r.quantileReplicated(y, in, q)
	}
	e, err := r.design.Quantile(y, in, q, r.Params.number("p"))
	if err != nil {
		return err
	}
	r.compareQuantile(e[0])
	f, err := r.inFactor(r.Case)
	if err != nil {
		return err
	}
	groups, err := r.design.QuantileTable(y, nil, q, r.Params.number("p"), f)
	if err != nil {
		return err
	}
	r.compareQuantile(groups[1].Estimate)
	return nil
}

func (r *run) compareQuantile(e analysis.Estimate) {
	r.check("estimate", e.Value, number(r.Estimate))
	r.check("SE", e.SE, number(r.SE))
	ci := r.Extra.numbers("ci95")
	r.check("lower", e.Lo, ci[0])
	r.check("upper", e.Hi, ci[1])
}

func runPresentation(r *run) error {
	y, err := r.values(r.Case)
	if err != nil {
		return err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	e, err := r.design.Proportion(y, in)
	if err != nil {
		return err
	}
	p := analysis.Present(e)
	r.check("estimate", e.Value, number(r.Estimate))
	r.compareSE(e.Value, e.SE, number(r.SE))
	for name, got := range map[string]float64{"n": float64(p.N), "n_eff": p.NEff, "n_eff_unadjusted": p.NEffUnadjusted,
		"df": p.DF, "lower": p.Lo, "upper": p.Hi, "width": p.Width, "relative_width": p.RelativeWidth} {
		r.check(name, got, r.Extra.number(name))
	}
	r.checkTruth("suppress", p.Suppress, r.Extra.text("verdict") == "suppress")
	r.checkTruth("few df", slices.Contains(p.Review, analysis.ReviewFewDF), r.Extra.truth("review_df_below_8"))
	r.checkTruth("complement", slices.Contains(p.Review, analysis.ReviewComplement), r.Extra.truth("complement_relative_width_above_1.3"))
	return nil
}

// checkTruth compares a verdict.
func (r *run) checkTruth(what string, got, want bool) {
	r.checks++
	if got != want {
		r.fault("%s is %v, want %v", what, got, want)
	}
}

// runImputed combines the estimates of all plausible values.
func runImputed(r *run) error {
	in, err := r.in(r.Case)
	if err != nil {
		return err
	}
	var estimates []analysis.Estimate
	for m := 1; r.data.columns[fmt.Sprintf("pv%d", m)] != nil; m++ {
		y, err := r.data.numbers(fmt.Sprintf("pv%d", m))
		if err != nil {
			return err
		}
		if r.Estimator == "mi_share_at_or_above" {
			y = atOrAbove(y, r.Params.number("cut"))
		}
		e, err := r.from().Mean(y, in)
		if err != nil {
			return err
		}
		estimates = append(estimates, e)
	}
	c, err := analysis.Combine(estimates)
	if err != nil {
		return err
	}
	r.check("estimate", c.Value, number(r.Estimate))
	r.check("SE", c.SE, number(r.SE))
	r.checkKnown("within", c.Within, "within")
	r.checkKnown("between", c.Between, "between")
	r.checkKnown("df of Rubin", c.DFRubin, "df_rubin")
	r.checkKnown("df", c.DF, "df_barnard_rubin")
	r.checkKnown("missing information", c.MissingInformation, "missing_information")
	return nil
}

// atOrAbove is the indicator of values from the cut on.
func atOrAbove(y []float64, cut float64) []float64 {
	x := make([]float64, len(y))
	for i, v := range y {
		switch {
		case math.IsNaN(v):
			x[i] = v
		case v >= cut:
			x[i] = 1
		}
	}
	return x
}
