package conformance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Models, predictions, margins and standardised means.

func init() {
	register("glm", runFit)
	register("glm_term_test", runTermTest)
	register("glm_predict", runPredict)
	register("glm_contrast", runFitContrast)
	register("predictive_margins", runMargins)
	register("standardized_by_mean", runStandardized)
	register("mi_glm", runImputedFit)
}

// model reads a formula of R, such as lit ~ factor(educ) * sex + net.
func (r *run) model(formula, family string) (analysis.Model, error) {
	outcome, right, found := strings.Cut(formula, "~")
	if !found {
		return analysis.Model{}, fmt.Errorf("no ~ in the formula %q", formula)
	}
	m := analysis.Model{Stop: analysis.StopAsR}
	var err error
	if m.Outcome, err = r.data.numbers(strings.TrimSpace(outcome)); err != nil {
		return m, err
	}
	name, link, _ := strings.Cut(strings.TrimPrefix(family, "quasi"), "-")
	m.Family, m.Link = analysis.Family(name), analysis.Link(link)
	var interactions []analysis.Term
	for _, part := range strings.Split(right, "+") {
		var names []string
		for _, word := range strings.Split(part, "*") {
			t, err := r.term(strings.TrimSpace(word))
			if err != nil {
				return m, err
			}
			m.Terms = append(m.Terms, t)
			names = append(names, plain(word))
		}
		if len(names) > 1 {
			interactions = append(interactions, analysis.Term{Interaction: names})
		}
	}
	m.Terms = append(m.Terms, interactions...)
	return m, nil
}

// plain is a variable without factor( ).
func plain(word string) string {
	return strings.NewReplacer("factor(", "", ")", "", "(", "").Replace(strings.TrimSpace(word))
}

// term is a factor when R says so or the column is not of numbers.
func (r *run) term(word string) (analysis.Term, error) {
	name := plain(word)
	values, err := r.data.numbers(name)
	if err != nil {
		return analysis.Term{}, err
	}
	isNumeric := name == word && !slices.ContainsFunc(r.data.levels(name), func(l string) bool { return math.IsNaN(toNumber(l)) })
	if isNumeric {
		return analysis.Term{Numeric: analysis.Variable{Name: name, Values: values}}, nil
	}
	f, err := r.data.factor(name)
	if err != nil {
		return analysis.Term{}, err
	}
	f, err = r.occurring(f)
	return analysis.Term{Factor: f}, err
}

// occurring is the factor with the levels that occur in the domain, as R's factors of
// words have them.
func (r *run) occurring(f analysis.FactorColumn) (analysis.FactorColumn, error) {
	in, err := r.in(r.Case)
	if err != nil {
		return f, err
	}
	seen := make([]bool, len(f.Levels))
	for i, l := range f.Level {
		if in[i] && l >= 0 {
			seen[l] = true
		}
	}
	place := make([]int, len(f.Levels))
	some := analysis.FactorColumn{Factor: analysis.Factor{ID: f.ID}}
	for l, name := range f.Levels {
		place[l] = -1
		if seen[l] {
			place[l] = len(some.Levels)
			some.Levels = append(some.Levels, name)
		}
	}
	for _, l := range f.Level {
		if l >= 0 {
			l = place[l]
		}
		some.Level = append(some.Level, l)
	}
	return some, nil
}

// fit fits the model of a case.
func (r *run) fit() (*analysis.Fit, error) {
	m, err := r.model(r.Variable, r.Params.text("family"))
	if err != nil {
		return nil, err
	}
	in, err := r.in(r.Case)
	if err != nil {
		return nil, err
	}
	return r.from().Fit(m, in)
}

func runFit(r *run) error {
	fit, err := r.fit()
	if err != nil {
		return err
	}
	names := r.Extra.texts("terms")
	for i, name := range fit.Names {
		if ours := plain(strings.ReplaceAll(name, "=", "")); ours != plain(names[i]) {
			r.fault("coefficient %d is %s, want %s", i, ours, names[i])
		}
	}
	r.compareVector(fit.Vector)
	if r.Extra.has("vcov") {
		r.checkMatrix("vcov", fit.Cov.At, r.Extra.matrix("vcov"))
	}
	scale, err := r.weightOfR(fit)
	if err != nil {
		return err
	}
	compared := map[string]float64{"df_residual": fit.DF, "dispersion": fit.Dispersion * scale, "r2_cox_snell": fit.CoxSnell(), "r2_nagelkerke": fit.Nagelkerke()}
	if r.sample != nil {
		// R's summary of a fit with replicates has Σwe²/Σw of the Pearson residuals e, which
		// is (n−1)/n of their variance where their mean is zero, as in a linear model. It is
		// another number elsewhere, and not compared there.
		compared["dispersion"] *= float64(fit.N-1) / float64(fit.N)
		if !strings.HasPrefix(r.Params.text("family"), "gaussian") {
			delete(compared, "dispersion")
		}
	}
	for what, got := range compared {
		if r.Extra.has(what) {
			r.check(what, got, r.Extra.number(what))
		}
	}
	p := r.Extra.numbers("p_value")
	for i, want := range r.Extra.numbers("t") {
		test, err := fit.Significance(i)
		if err != nil {
			return err
		}
		r.check("t", test.Statistic, want)
		r.check("p", test.P, p[i])
	}
	return nil
}

// weightOfR is what R's residuals multiply squares with when people of the domain have
// a missing value: it divides weights by their mean over the domain, residuals.svyglm by
// that over the people of the fit.
func (r *run) weightOfR(fit *analysis.Fit) (float64, error) {
	in, err := r.in(r.Case)
	if err != nil {
		return 0, err
	}
	var sum, n float64
	for i, w := range r.design.Weights() {
		if in[i] && w > 0 {
			sum += w
			n++
		}
	}
	return fit.Weighted / float64(fit.N) / (sum / n), nil
}

// compareVector checks values and standard errors.
func (r *run) compareVector(v analysis.Vector) {
	ses := make([]float64, len(v.Estimates))
	for i, e := range v.Estimates {
		ses[i] = e.SE
	}
	r.checkAll("estimate", v.Values, numbers(r.Estimate))
	r.checkAll("SE", ses, numbers(r.SE))
}

func runTermTest(r *run) error {
	fit, err := r.fit()
	if err != nil {
		return err
	}
	if method := r.Params.text("method"); method != "Wald" {
		return fmt.Errorf("no test %q", method)
	}
	test, err := fit.Wald(plain(r.Params.text("term")))
	if err != nil {
		return err
	}
	r.check("F", test.Statistic, number(r.Estimate))
	r.check("df", test.DF1, r.Extra.number("df"))
	r.check("ddf", test.DF2, r.Extra.number("ddf"))
	r.check("p", test.P, r.Extra.number("p_value"))
	return nil
}

func runPredict(r *run) error {
	fit, err := r.fit()
	if err != nil {
		return err
	}
	var profiles []analysis.Profile
	list, _ := r.Params["newdata"].([]any)
	for _, row := range list {
		p := analysis.Profile{Values: make(map[string]float64)}
		for name, value := range row.(map[string]any) {
			p.Values[name] = number(value)
		}
		profiles = append(profiles, p)
	}
	predict := fit.Predict
	if r.Params.text("type") == "link" {
		predict = fit.PredictLinear
	}
	v, err := predict(profiles...)
	if err != nil {
		return err
	}
	r.compareVector(v)
	return nil
}

func runFitContrast(r *run) error {
	fit, err := r.fit()
	if err != nil {
		return err
	}
	e, err := fit.Contrast(r.Params.numbers("coefficients")...)
	if err != nil {
		return err
	}
	r.check("contrast", e.Value, number(r.Estimate))
	r.check("SE", e.SE, number(r.SE))
	return nil
}

func runMargins(r *run) error {
	formula, factor, _ := strings.Cut(r.Variable, ", margin ")
	m, err := r.model(formula+" + "+factor, "gaussian-identity")
	if err != nil {
		return err
	}
	fit, err := r.design.Fit(m, nil)
	if err != nil {
		return err
	}
	v, err := fit.Margins(factor)
	if err != nil {
		return err
	}
	return r.compareNamed(v, r.Extra.texts("levels"))
}

// compareNamed checks estimates by their names.
func (r *run) compareNamed(v analysis.Vector, names []string) error {
	values, ses := numbers(r.Estimate), numbers(r.SE)
	for i, name := range names {
		k, err := v.Find(name)
		if err != nil {
			return err
		}
		r.check(name, v.Values[k], values[i])
		r.check(name+" SE", v.Estimates[k].SE, ses[i])
	}
	return nil
}

func runStandardized(r *run) error {
	y, err := r.data.numbers(r.Variable)
	if err != nil {
		return err
	}
	by, err := r.data.factor(r.Params.text("standardize_by"))
	if err != nil {
		return err
	}
	population := r.Params.numbers("population")
	if known, named := r.Params["population"].(map[string]any); named {
		population = nil
		for _, l := range by.Levels {
			population = append(population, number(known[l]))
		}
	}
	var over []analysis.FactorColumn
	for _, name := range r.Params.texts("over") {
		f, err := r.data.factor(name)
		if err != nil {
			return err
		}
		over = append(over, f)
	}
	v, err := r.design.StandardizedMeans(y, by, population, nil, over...)
	if err != nil {
		return err
	}
	names := r.Extra.texts("levels")
	for _, cell := range r.Extra.cells("cells") {
		var levels []string
		for _, f := range over {
			levels = append(levels, cell[f.ID])
		}
		names = append(names, strings.Join(levels, ","))
	}
	return r.compareNamed(v, names)
}

// runImputedFit fits the model with each of the plausible values.
func runImputedFit(r *run) error {
	var fits []*analysis.Fit
	for _, pv := range []string{"pv1", "pv2", "pv3", "pv4", "pv5"} {
		m, err := r.model(strings.Replace(r.Params.text("formula"), "pv", pv, 1), r.Params.text("family"))
		if err != nil {
			return err
		}
		fit, err := r.from().Fit(m, nil)
		if err != nil {
			return err
		}
		fits = append(fits, fit)
	}
	values, ses := numbers(r.Estimate), numbers(r.SE)
	for j := range values {
		var estimates []analysis.Estimate
		for _, fit := range fits {
			e := fit.Estimates[j]
			// The case has the degrees of freedom of all PSUs, also of those whose people have
			// no plausible values.
			e.DF = float64(len(r.design.PSUs()) - r.design.Strata())
			estimates = append(estimates, e)
		}
		c, err := analysis.Combine(estimates)
		if err != nil {
			return err
		}
		r.check("estimate", c.Value, values[j])
		r.check("SE", c.SE, ses[j])
		for what, got := range map[string]float64{"within": c.Within, "between": c.Between, "df_rubin": c.DFRubin, "df_barnard_rubin": c.DF, "missing_information": c.MissingInformation} {
			if r.Extra.has(what) {
				r.check(what, got, r.Extra.numbers(what)[j])
			}
		}
	}
	return nil
}
