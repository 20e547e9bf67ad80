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
	// References are the published rates there are, of which the plan takes those it
	// compares with, and Criteria says which rule of theirs a criterion is.
	References []Reference
	Criteria   []SameCriterion
	// Targets are the rates to reach.
	Targets []Target
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
	if opt.Settings == (analysis.Settings{}) {
		opt.Settings = analysis.DefaultSettings()
	}
	s, err := opt.layout(q, plan, scorer.Items()).summed(ctx, src, opt)
	if err != nil {
		return nil, err
	}
	work, err := src.Fieldwork(ctx, opt.Wave)
	if err != nil {
		return nil, fmt.Errorf("count what came of the cases of wave %q: %w", opt.Wave, err)
	}
	r := &Results{
		Fieldwork: work, Wave: opt.Wave, Plan: plan, Questionnaire: q, Settings: opt.Settings,
		Drawn: s.drawn, Responded: s.responded, PSUs: len(s.cells[0].PSUs), Strata: strata(s.cells[0].PSUs),
		Weighting: opt.Weighting, Variance: s.variance, Calibrated: s.calibrated, SeriesLevels: []Level{{}},
	}
	if f := plan.Factor(plan.Series); f != nil {
		r.SeriesLevels = f.Levels
	}
	e := estimator{alive: ctx.Err, cubes: s, results: r, truth: opt.Truth, progress: opt.Progress, shares: map[string]bool{}, kept: map[string]map[string][]analysis.People{}}
	for i := range plan.Topics {
		for _, share := range plan.Topics[i].shares(q) {
			e.shares[share.Name] = true
		}
	}
	e.total = e.count(len(scorer.Items()))
	if err := e.fill(scorer.Items()); err != nil {
		return nil, err
	}
	if err := r.compare(opt); err != nil {
		return nil, err
	}
	return r, nil
}

// sums are the cells of a wave with a variance on them.
type sums struct {
	cells      *analysis.Cells
	estimates  estimates
	variance   Variance
	calibrated bool
}

// on puts the variance on cells; factors has those of the cells, and more. Each level of
// the factors that are compared gets a factor that tells it from all others.
func (o Options) on(c *analysis.Cells, factors []Factor, compared []string) (sums, error) {
	own := *c
	own.Settings, own.Notes = o.Settings, slices.Clone(c.Notes)
	if o.Weighting != nil {
		own.Notes = append(own.Notes, o.Weighting.Notes()...)
	}
	repeated := o.Weighting
	if repeated != nil && (len(repeated.Calibration) == 0 || o.Variance.linearised() && !hasBase(&own)) {
		repeated = nil // residuals need the weights before calibration
	}
	var of []Factor
	for _, f := range own.Factors {
		k := slices.IndexFunc(factors, func(g Factor) bool { return g.ID == f.ID })
		of = append(of, factors[k])
	}
	s := sums{cells: &own, calibrated: repeated != nil}
	if len(compared) > 0 {
		s.cells = withOthers(&own, compared)
	}
	var err error
	if s.estimates, s.variance, err = o.Variance.on(s.cells, of, repeated); err != nil {
		return s, fmt.Errorf("standard errors of wave %q: %w", o.Wave, err)
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
	cubes       *cubed
	results     *Results
	truth       func(string, analysis.Domain) (float64, bool)
	progress    func(done, total int)
	done, total int
	// shares are the variables of topics, and kept has the people that were counted, by cube,
	// domain and factors, and by variable.
	shares map[string]bool
	kept   map[string]map[string][]analysis.People
}

// kind chooses the estimator of a variable: proportions get an interval that stays
// between 0 and 1, and both are Σwy/Σw.
type kind func(e estimates, variable string, in analysis.Domain) (analysis.Estimate, error)

var (
	mean       kind = estimates.Mean
	proportion kind = estimates.Proportion
)

// rows estimates a variable of everybody, once for each level of the series.
func (e *estimator) rows(k kind, variable string) ([]Row, error) {
	rows := make([]Row, 0, len(e.results.SeriesLevels))
	for _, s := range e.results.SeriesLevels {
		d := e.within(s)
		if err := e.alive(); err != nil {
			return nil, err
		}
		of, err := e.cubes.of(variable, sortedKeys(d)...)
		if err != nil {
			return nil, err
		}
		est, err := k(of, variable, d)
		if err != nil {
			return nil, fmt.Errorf("estimate %s in %s: %w", variable, domainText(d), err)
		}
		rows = append(rows, e.row(variable, d, est))
	}
	e.step()
	return rows, nil
}

// headline estimates the rate of everybody, with those whom it is of.
func (e *estimator) headline() ([]Row, error) {
	rows, err := e.rows(proportion, VarLiterate)
	if err != nil {
		return nil, err
	}
	people, err := e.people(VarLiterate)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].People = people[i][0]
	}
	return rows, nil
}

// people counts those in every crossing of factors, the last one fastest, once for each level
// of the series.
func (e *estimator) people(variable string, factors ...string) (out [][]analysis.People, err error) {
	for _, s := range e.results.SeriesLevels {
		d := e.within(s)
		if err := e.alive(); err != nil {
			return nil, err
		}
		at, err := e.cubes.find(variable, append(sortedKeys(d), factors...)...)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprint(at, d, factors)
		if e.kept[key][variable] == nil {
			if err := e.keepPeople(key, at, variable, d, factors); err != nil {
				return nil, fmt.Errorf("count the people of %s by %v in %s: %w", variable, factors, domainText(d), err)
			}
		}
		out = append(out, e.kept[key][variable])
	}
	return out, nil
}

// keepPeople counts the people of a variable, and where it is the share of a topic those of all
// such shares in the cube: there are many, and one pass does for all.
func (e *estimator) keepPeople(key string, at int, variable string, in analysis.Domain, factors []string) error {
	names := []string{variable}
	if e.shares[variable] {
		names = slices.DeleteFunc(slices.Clone(e.cubes.cells[at].Variables), func(name string) bool { return !e.shares[name] })
	}
	people, err := e.cubes.cells[at].PeopleOf(names, in, factors...)
	if err != nil {
		return err
	}
	if e.kept[key] == nil {
		e.kept[key] = map[string][]analysis.People{}
	}
	for k, name := range names {
		e.kept[key][name] = people[k]
	}
	return nil
}

// within is the domain of a level of the series; nil where there is no series.
func (e *estimator) within(s Level) analysis.Domain {
	if series := e.results.Plan.Series; series != "" {
		return analysis.Domain{series: s.Code}
	}
	return nil
}

// row adds the true value, where it is known.
func (e *estimator) row(variable string, d analysis.Domain, est analysis.Estimate) Row {
	row := Row{Estimate: est}
	if e.truth != nil {
		if v, ok := e.truth(variable, d); ok {
			row.Truth = &v
		}
	}
	return row
}

// by estimates shares, or the mean score, for every crossing of factors, the last one fastest,
// with their covariance, once for each level of the series.
func (e *estimator) by(variable string, factors ...string) ([]analysis.Table, error) {
	var tables []analysis.Table
	for _, s := range e.results.SeriesLevels {
		d := e.within(s)
		if err := e.alive(); err != nil {
			return nil, err
		}
		of, err := e.cubes.of(variable, append(sortedKeys(d), factors...)...)
		if err != nil {
			return nil, err
		}
		estimate := of.ProportionTable
		if variable == VarScore {
			estimate = of.MeanTable
		}
		t, err := estimate(variable, d, factors...)
		if err != nil {
			return nil, fmt.Errorf("estimate %s by %v in %s: %w", variable, factors, domainText(d), err)
		}
		tables = append(tables, t)
	}
	e.step()
	return tables, nil
}

// counted are the estimates of a variable for every crossing of factors, the last one fastest,
// and whom they are of, once for each level of the series.
type counted struct {
	variable string
	tables   []analysis.Table
	people   [][]analysis.People
}

// counted estimates shares by factors, and counts the people.
func (e *estimator) counted(variable string, factors ...string) (c counted, err error) {
	c.variable = variable
	if c.tables, err = e.by(variable, factors...); err != nil {
		return c, err
	}
	c.people, err = e.people(variable, factors...)
	return c, err
}

// rowsOf are those of a group of each level of the series.
func (e *estimator) rowsOf(c counted, group int) (rows []Row) {
	for i, t := range c.tables {
		row := e.row(c.variable, t.Groups[group].Domain, t.Groups[group].Estimate)
		row.People = c.people[i][group]
		rows = append(rows, row)
	}
	return rows
}

// step tells who waits that one more is done.
func (e *estimator) step() {
	e.done++
	if e.progress != nil {
		e.progress(e.done, e.total)
	}
}

// count says how many steps fill takes.
func (e *estimator) count(items int) int {
	p, c := e.results.Plan, e.results.Questionnaire.Criterion
	n := 2 + items + len(c.Levels) + len(bands(c)) + len(c.Dimensions) + len(p.Crossings)
	for _, id := range p.Tables {
		if f := p.Factor(id); f != nil {
			n += 2 + len(f.Levels) // rate, score, and each level against the others
		}
	}
	for _, s := range p.Groups {
		n += 2 * len(s.Groups)
	}
	for i := range p.Topics {
		shares := len(p.Topics[i].shares(e.results.Questionnaire))
		n += shares
		if p.Topics[i].By != "" {
			n += shares
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
	if r.Headline, err = e.headline(); err != nil {
		return err
	}
	e.dropEmptySeries()
	if r.Score, err = e.rows(mean, VarScore); err != nil {
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
	for _, part := range []func() error{e.tables, e.groupSets, e.groupScores, e.crossings, e.topics} {
		if err = part(); err != nil {
			return err
		}
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
// years whose data are not at hand; where nobody was interviewed at all they stay, empty.
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
	if len(levels) > 0 {
		r.SeriesLevels, r.Headline = levels, rows
	}
}

// group estimates a variable of everybody and appends it to groups.
func (e *estimator) group(groups *[]Group, k kind, variable string, g Group) (err error) {
	if g.Rows, err = e.rows(k, variable); err != nil {
		return err
	}
	*groups = append(*groups, g)
	return nil
}
