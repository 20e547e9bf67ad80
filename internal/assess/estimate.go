package assess

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// Options are what an assessment needs beside the data and the plan.
type Options struct {
	Wave string
	// Weighting is the record of a stored set of weights; nil means the base weights.
	Weighting *Weighting
	// Settings are the choices of the estimators; the zero value means
	// analysis.DefaultSettings.
	Settings analysis.Settings
	// Variance says what standard errors are made from; the zero value is Taylor.
	Variance Variance
	// Truth gives the true value of a variable's mean in a domain, where a simulation
	// knows it; nil for a real survey.
	Truth func(variable string, in analysis.Domain) (value float64, ok bool)
	// Progress is told how many of all estimates are done; nil when nobody waits.
	Progress func(done, total int)
}

// Assess computes every number of a report. It asks the source for cells once; all
// estimates are functions of them.
func Assess(ctx context.Context, src Source, q *surveys.Questionnaire, plan *Plan, opt Options) (*Results, error) {
	if q.Criterion == nil {
		return nil, fmt.Errorf("%w: questionnaire %q has no criterion, so there is no rate to estimate; add one", surveys.ErrInvalid, q.ID)
	}
	scorer, err := score.New(q)
	if err != nil {
		return nil, err
	}
	drawn, responded, err := src.Counts(ctx, opt.Wave)
	if err != nil {
		return nil, fmt.Errorf("count the cases of wave %q: %w", opt.Wave, err)
	}
	if opt.Settings == (analysis.Settings{}) {
		opt.Settings = analysis.DefaultSettings()
	}
	s, err := summed(ctx, src, opt.query(q, plan, true), opt)
	if err != nil {
		return nil, err
	}
	work, err := src.Fieldwork(ctx, opt.Wave)
	if err != nil {
		return nil, fmt.Errorf("count what came of the cases of wave %q: %w", opt.Wave, err)
	}
	r := &Results{
		Fieldwork: work, Wave: opt.Wave, Plan: plan, Questionnaire: q, Settings: opt.Settings,
		Drawn: drawn, Responded: responded, PSUs: len(s.cells.PSUs), Strata: strata(s.cells.PSUs),
		Weighting: opt.Weighting, Variance: s.variance, Calibrated: s.calibrated, SeriesLevels: []Level{{}},
	}
	if f := plan.Factor(plan.Series); f != nil {
		r.SeriesLevels = f.Levels
	}
	e := estimator{alive: ctx.Err, estimates: s.estimates, results: r, truth: opt.Truth, progress: opt.Progress}
	e.total = e.count(len(scorer.Items()))
	if err := e.fill(scorer.Items()); err != nil {
		return nil, err
	}
	return r, nil
}

// query asks for the cells of a wave.
func (o Options) query(q *surveys.Questionnaire, plan *Plan, items bool) Query {
	query := Query{Wave: o.Wave, Questionnaire: q, Factors: plan.Factors, Items: items}
	if o.Weighting != nil {
		query.Weights, query.Unweighted = o.Weighting.ID(), o.Weighting.Unweighted
		query.Factors = append(slices.Clip(query.Factors), o.Weighting.calibrationFactors()...)
	}
	return query
}

// sums are the cells of a wave with a variance on them.
type sums struct {
	cells      *analysis.Cells
	estimates  estimates
	variance   Variance
	calibrated bool
}

// summed asks the source for the cells and puts the variance on them.
func summed(ctx context.Context, src Source, query Query, opt Options) (sums, error) {
	cells, err := src.Cells(ctx, query)
	if err != nil {
		return sums{}, fmt.Errorf("sum the responses of wave %q: %w", opt.Wave, err)
	}
	cells = withBands(cells, query.Questionnaire.Criterion)
	cells.Settings = opt.Settings
	if opt.Weighting != nil {
		cells.Notes = append(slices.Clone(cells.Notes), opt.Weighting.Notes()...)
	}
	repeated := opt.Weighting
	if repeated != nil && (len(repeated.Calibration) == 0 || opt.Variance.linearised() && !hasBase(cells)) {
		repeated = nil // residuals need the weights before calibration
	}
	s := sums{cells: cells, calibrated: repeated != nil}
	if s.estimates, s.variance, err = opt.Variance.on(cells, query.Factors, repeated); err != nil {
		return s, fmt.Errorf("standard errors of wave %q: %w", opt.Wave, err)
	}
	return s, nil
}

// hasBase says whether the cells know the weights before raking.
func hasBase(c *analysis.Cells) bool {
	for i := range c.Rows {
		if r := &c.Rows[i]; r.W > 0 && !(r.Base > 0) {
			return false
		}
	}
	return true
}

func strata(psus []analysis.PSU) int {
	seen := map[string]bool{}
	for _, p := range psus {
		seen[p.Stratum] = true
	}
	return len(seen)
}

// estimator fills results from estimates.
type estimator struct {
	alive       func() error // says when nobody waits any more
	estimates   estimates
	results     *Results
	truth       func(string, analysis.Domain) (float64, bool)
	progress    func(done, total int)
	done, total int
}

// kind chooses the estimator of a variable: proportions get an interval that stays
// between 0 and 1, and both are Σwy/Σw.
type kind func(e estimates, variable string, in analysis.Domain) (analysis.Estimate, error)

var (
	mean       kind = estimates.Mean
	proportion kind = estimates.Proportion
)

// rows estimates a variable in a domain, once for each level of the series.
func (e *estimator) rows(k kind, variable string, in analysis.Domain) ([]Row, error) {
	rows := make([]Row, 0, len(e.results.SeriesLevels))
	for _, s := range e.results.SeriesLevels {
		d := maps.Clone(in)
		if series := e.results.Plan.Series; series != "" {
			if d == nil {
				d = analysis.Domain{}
			}
			d[series] = s.Code
		}
		if err := e.alive(); err != nil {
			return nil, err
		}
		est, err := k(e.estimates, variable, d)
		if err != nil {
			return nil, fmt.Errorf("estimate %s in %s: %w", variable, domainText(d), err)
		}
		row := Row{Estimate: est}
		if e.truth != nil {
			if v, ok := e.truth(variable, d); ok {
				row.Truth = &v
			}
		}
		rows = append(rows, row)
	}
	e.done++
	if e.progress != nil {
		e.progress(e.done, e.total)
	}
	return rows, nil
}

// count says how many variables fill estimates, each with a row for every level of the
// series.
func (e *estimator) count(items int) int {
	c, n := e.results.Questionnaire.Criterion, 2+items
	n += len(c.Levels) + len(bands(c)) + len(c.Dimensions)
	for _, id := range e.results.Plan.Tables {
		if f := e.results.Plan.Factor(id); f != nil {
			n += len(f.Levels)
		}
	}
	return n
}

// domainText writes a domain for an error message.
func domainText(d analysis.Domain) string {
	if len(d) == 0 {
		return "everybody"
	}
	var s string
	for i, k := range sortedKeys(d) {
		if i > 0 {
			s += ", "
		}
		s += k + "=" + d[k]
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// fill computes the parts of the results in the order of a report.
func (e *estimator) fill(items []string) (err error) {
	r, c := e.results, e.results.Questionnaire.Criterion
	if r.Headline, err = e.rows(proportion, VarLiterate, nil); err != nil {
		return err
	}
	e.dropEmptySeries()
	if r.Score, err = e.rows(mean, VarScore, nil); err != nil {
		return err
	}
	for _, l := range c.Levels {
		if err = e.group(&r.Levels, proportion, prefixLevel+l.ID, Group{Code: l.ID, Name: l.Name, Max: 1}); err != nil {
			return err
		}
	}
	for _, b := range bands(c) {
		if err = e.group(&r.Bands, proportion, prefixBand+b.ID, Group{Code: b.ID, Name: b.Name, Max: 1}); err != nil {
			return err
		}
	}
	if err = e.tables(); err != nil {
		return err
	}
	for _, d := range c.Dimensions {
		if err = e.group(&r.Dimensions, mean, prefixDimension+d.ID, Group{Code: d.ID, Name: d.Name, Max: d.Points}); err != nil {
			return err
		}
	}
	asked := r.Questionnaire.Inclusion()
	for _, id := range items {
		name := r.Questionnaire.Item(id).Text
		if err = e.group(&r.Items, proportion, prefixItem+id, Group{Code: id, Name: name, Max: 1}); err != nil {
			return err
		}
		if asked[id] < 1 {
			for i := range r.Items[len(r.Items)-1].Rows {
				est := &r.Items[len(r.Items)-1].Rows[i].Estimate
				est.Notes = append(slices.Clip(est.Notes), analysis.Note{Code: AskedOfPart, Subject: id, Value: asked[id]})
			}
		}
	}
	return nil
}

// dropEmptySeries removes the levels of the series that nobody belongs to, such as
// years whose data are not at hand.
func (e *estimator) dropEmptySeries() {
	r := e.results
	if r.Plan.Series == "" {
		return
	}
	var levels []Level
	var rows []Row
	for i, row := range r.Headline {
		if row.Estimate.N > 0 {
			levels, rows = append(levels, r.SeriesLevels[i]), append(rows, row)
		}
	}
	r.SeriesLevels, r.Headline = levels, rows
}

// group estimates a variable of everybody and appends it to groups.
func (e *estimator) group(groups *[]Group, k kind, variable string, g Group) (err error) {
	if g.Rows, err = e.rows(k, variable, nil); err != nil {
		return err
	}
	*groups = append(*groups, g)
	return nil
}

// tables estimates the literacy rate by each factor the plan wants a table of.
func (e *estimator) tables() error {
	for _, id := range e.results.Plan.Tables {
		f := e.results.Plan.Factor(id)
		if f == nil {
			return fmt.Errorf("%w: the table %q is no factor of the plan", surveys.ErrInvalid, id)
		}
		t := Table{Factor: *f}
		for _, l := range f.Levels {
			rows, err := e.rows(proportion, VarLiterate, analysis.Domain{id: l.Code})
			if err != nil {
				return err
			}
			t.Groups = append(t.Groups, Group{Code: l.Code, Name: l.Name, Max: 1, Rows: rows})
		}
		e.results.Tables = append(e.results.Tables, t)
	}
	return nil
}
