package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// How the weights of the oracle files are adjusted: nonresponse, calibration, trimming.

// nonresponse makes up for it among all selected persons and keeps the rows of the
// design, which are the respondents.
func (s *session) nonresponse() error {
	all, err := s.data.where(s.spec.BaseRows.conditions)
	if err != nil {
		return err
	}
	base, err := all.numbers(fmt.Sprint(s.spec.Weights))
	if err != nil {
		return err
	}
	responded, err := all.holds([]condition{{Var: "resp", Op: "==", Value: "1"}})
	if err != nil {
		return err
	}
	status := make([]weighting.Status, all.rows)
	for i, yes := range responded {
		if !yes {
			status[i] = weighting.Nonrespondent
		}
	}
	var w []float64
	spec := s.spec.Nonresponse
	switch kind := spec.text("kind"); kind {
	case "weighting class":
		w, err = all.byClass(base, status, spec.texts("classes"))
	case "inverse fitted propensity":
		w, err = all.byPropensity(base, status, spec.text("model"))
	default:
		err = fmt.Errorf("%w: nonresponse %q", errUnsupported, kind)
	}
	if err != nil {
		return err
	}
	column := make([]string, len(w))
	for i, x := range w {
		column[i] = strconv.FormatFloat(x, 'g', -1, 64)
	}
	if s.data, err = all.with(adjusted, column).where(s.spec.Rows.conditions); err != nil {
		return err
	}
	s.weights, err = s.data.numbers(adjusted)
	return err
}

// adjusted is the column of weights that nonresponse adds.
const adjusted = "weights adjusted for nonresponse"

func (d table) byClass(base []float64, status []weighting.Status, by []string) ([]float64, error) {
	var factors []analysis.FactorColumn
	for _, name := range by {
		f, err := d.factor(name)
		if err != nil {
			return nil, err
		}
		factors = append(factors, f)
	}
	classes, err := weighting.Cross(factors...)
	if err != nil {
		return nil, err
	}
	w, _, err := weighting.Nonresponse(base, status, classes, weighting.Merge{})
	return w, err
}

// byPropensity reads the terms of a model such as "resp ~ factor(educ) + urban, weighted
// logistic".
func (d table) byPropensity(base []float64, status []weighting.Status, model string) ([]float64, error) {
	_, formula, _ := strings.Cut(strings.TrimSuffix(model, ", weighted logistic"), " ~ ")
	var terms []analysis.Term
	for _, name := range strings.Split(formula, " + ") {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "factor("), ")")
		f, err := d.factor(name)
		if err != nil {
			return nil, err
		}
		terms = append(terms, analysis.Term{Factor: f})
	}
	w, _, err := weighting.Propensity(base, status, weighting.PropensityModel{Terms: terms})
	return w, err
}

// calibrate calibrates to totals: "1" is the size of the population, "x==a" a count and
// any other name the total of a column.
func (s *session) calibrate(a *archive, spec fields) error {
	known, err := s.known(spec)
	if err != nil {
		return err
	}
	metric := weighting.Metric{Distance: weighting.Distance(spec.text("fun"))}
	if bounds := spec.numbers("bounds"); bounds != nil {
		metric.Lower, metric.Upper = bounds[0], bounds[1]
		if metric.Distance == weighting.Linear {
			metric.Distance = weighting.Truncated
		}
	}
	if column, proportional := strings.CutPrefix(spec.text("residual_variance"), "proportional to "); proportional {
		if metric.Spread, err = s.data.numbers(column); err != nil {
			return err
		}
	}
	before := s.weights
	if s.weights, _, err = weighting.Calibrate(before, known, metric, weighting.Settings{}); err != nil {
		return err
	}
	s.auxiliary = true
	s.design, err = s.newDesign(a, before, known.Calibration(metric))
	return err
}

func (s *session) known(spec fields) (weighting.Known, error) {
	var known weighting.Known
	totals := spec.sub("totals")
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		x := weighting.Total{Name: name, Target: number(totals[name])}
		var err error
		if column, level, isCount := strings.Cut(name, "=="); isCount {
			x.Values, err = s.data.indicator(condition{Var: column, Op: "==", Value: level})
		} else {
			x.Values, err = s.data.numbers(name)
		}
		if err != nil {
			return known, err
		}
		known.Totals = append(known.Totals, x)
	}
	return known, nil
}

// trim trims the weights; standard errors know what they were raked to before.
func (s *session) trim(a *archive, spec fields) error {
	limits := weighting.Limits{Lower: spec.number("lower"), Upper: spec.number("upper"), Strict: spec.truth("strict")}
	var err error
	if s.weights, _, err = weighting.Trim(s.weights, limits); err != nil {
		return err
	}
	if s.raking == nil {
		s.design, err = s.newDesign(a, nil, nil)
		return err
	}
	calibration := s.raking.calibration()
	calibration.Weight = s.raking.after
	before := s.raking.before
	s.raking, s.auxiliary = nil, true
	s.design, err = s.newDesign(a, before, calibration)
	return err
}
