// Package weigh runs a weighting plan over the cases of a wave: from the weights of the
// sample file to weights that make up for nonresponse and agree with the population,
// with a record of every step.
//
// ReadPlan reads the plan, a YAML file beside the questionnaire, and Run carries it out:
//
//	plan, err := weigh.ReadPlan("weights.yaml", src, questionnaire, analysisPlan.Factors)
//	weights, record, err := weigh.Run(ctx, store, weigh.Input{Wave: "zj", Plan: plan, …})
//
// The statistics are those of package weighting; the counts of the population come from
// package margins. To store the weights is left to the caller.
package weigh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Input is what a plan is run on.
type Input struct {
	Wave          string
	Questionnaire *surveys.Questionnaire
	Plan          *Plan
	// Files holds the tables that the plan names, Library the census counts.
	Files, Library fs.FS
	// Program is written into the record.
	Program string
}

// Run carries out the plan. It returns the weight of every case that has one, ordered by
// case, and the record. When a step fails, the record of the steps before it, and of
// that one if it got so far, comes back with the error. The same plan on the same data
// gives the same bytes.
func Run(ctx context.Context, src assess.Source, in Input) ([]assess.CaseWeight, *assess.Weighting, error) {
	fail := func(err error) ([]assess.CaseWeight, *assess.Weighting, error) {
		return nil, nil, fmt.Errorf("weigh wave %q: %w", in.Wave, err)
	}
	r := &runner{
		plan: in.Plan, classified: map[string]*weighting.Margin{}, merged: map[string][][]int{},
		record: &assess.Weighting{
			Name: in.Plan.Name, Title: in.Plan.Title, Plan: in.Plan.Text, PlanHash: hash([]byte(in.Plan.Text)), Program: in.Program,
			Unscored: in.Plan.Status.Unscored, Factors: in.Plan.Factors,
		},
	}
	if err := r.count(in); err != nil {
		return fail(err)
	}
	if err := r.list(ctx, src, in); err != nil {
		return fail(err)
	}
	for i, s := range in.Plan.Steps {
		name, op := s.operation()
		if err := r.do(name, op); err != nil {
			return nil, r.record, fmt.Errorf("weigh wave %q: step %d of the plan, %s: %w", in.Wave, i+1, name, r.inWords(err))
		}
	}
	if err := r.respondentsOnly(); err != nil {
		return nil, r.record, fmt.Errorf("weigh wave %q: %w", in.Wave, r.inWords(err))
	}
	for i, u := range r.units {
		if u.Responded && r.w[i] == 0 {
			r.record.Unweighted++
		}
	}
	return r.weights(), r.record, nil
}

// runner carries the weights from step to step.
type runner struct {
	plan   *Plan
	units  []assess.Unit
	status []weighting.Status
	w      []float64
	// margins are those of the plan with their counts; classified those that were used,
	// with the level of each unit; merged what was collapsed of them.
	margins    []known
	classified map[string]*weighting.Margin
	merged     map[string][][]int
	// base are the weights before the last calibration, nil without one that still holds.
	base   []float64
	record *assess.Weighting
}

// result is what an operation did.
type result struct {
	weights []float64 // nil: they stay as they are
	step    weighting.Step
	// calibrated names the margins that the weights meet now.
	calibrated []string
}

// do runs one operation and keeps its record.
func (r *runner) do(name string, op operation) error {
	if op.ofRespondents() {
		if err := r.respondentsOnly(); err != nil {
			return err
		}
	}
	before := r.w
	res, err := op.run(r)
	if res.step.What != "" {
		r.record.Steps = append(r.record.Steps, res.step)
	}
	if err != nil || res.step.What == "" { // there was nothing to do
		return err
	}
	if !res.step.Converged && r.plan.Accept != acceptNotConverged {
		return notConverged(res.step)
	}
	if res.weights != nil {
		r.w = res.weights
	}
	switch {
	case len(res.calibrated) > 0:
		r.calibrate(before, res.calibrated)
	case !sameShape(before, r.w):
		r.base, r.record.Calibration, r.record.Calibrated = nil, nil, 0
	}
	return nil
}

// calibrate notes what standard errors need of a calibration.
func (r *runner) calibrate(before []float64, names []string) {
	r.base, r.record.Calibration, r.record.Calibrated = before, nil, len(r.record.Steps)-1
	for _, name := range names {
		r.record.Calibration = append(r.record.Calibration, assess.CalibratedMargin{Factors: r.marginNamed(name).Factors, Merged: r.merged[name]})
	}
}

// sameShape says whether all weights were multiplied by one number, up to rounding.
func sameShape(before, after []float64) bool {
	ratio := 0.0
	for i, x := range before {
		switch {
		case (x == 0) != (after[i] == 0):
			return false
		case x == 0:
		case ratio == 0:
			ratio = after[i] / x
		case math.Abs(after[i]-ratio*x) > 1e-14*after[i]:
			return false
		}
	}
	return true
}

// notConverged says how far a step stayed from its goal.
func notConverged(s weighting.Step) error {
	var far weighting.MarginFit
	distance := 0.0
	for _, f := range s.Margins {
		if off := math.Abs(f.After-f.Target) / max(f.Target, 1); off > distance {
			far, distance = f, off
		}
	}
	return fmt.Errorf("%w: it did not converge in %d rounds: %q of margin %q has %d respondents and a target of %.0f, but came to %.0f (off by %.2g); "+
		"merge the level with a neighbour by a step collapse, leave the margin out, allow more rounds, or write \"accept: not-converged\"",
		surveys.ErrInvalid, len(s.Rounds), far.Level, far.Margin, far.N, far.Target, far.After, distance)
}

// respondentsOnly takes the weight from everybody who has no score, before steps that
// are about respondents, and records it.
func (r *runner) respondentsOnly() error {
	return r.keep("nonrespondents", func(i int) bool { return r.status[i] == weighting.Respondent })
}

// keep leaves out the units that are not kept, where there are any with a weight.
func (r *runner) keep(left string, kept func(int) bool) error {
	keep := make([]bool, len(r.w))
	all := true
	for i, w := range r.w {
		keep[i] = kept(i)
		all = all && (keep[i] || w == 0)
	}
	if all {
		return nil
	}
	after, step, err := weighting.Keep(r.w, keep, left)
	if err != nil {
		return err
	}
	r.w = after
	r.record.Steps = append(r.record.Steps, step)
	return nil
}

// weights lists who has a weight.
func (r *runner) weights() []assess.CaseWeight {
	base := r.base
	if base == nil {
		base = r.w
	}
	var out []assess.CaseWeight
	for i, u := range r.units {
		if r.w[i] > 0 {
			out = append(out, assess.CaseWeight{Case: u.Case, Weight: r.w[i], Base: base[i]})
		}
	}
	return out
}

// list reads the cases and what came of them.
func (r *runner) list(ctx context.Context, src assess.Source, in Input) error {
	q := assess.Query{Wave: in.Wave, Questionnaire: in.Questionnaire, Factors: in.Plan.factors, Columns: append(in.Plan.columns(), fieldwork.ColumnSubstitute)}
	all, err := src.Units(ctx, q)
	if err != nil {
		return err
	}
	q.Columns = in.Plan.columns()
	r.leaveOutSubstitutes(all)
	if len(r.units) == 0 {
		return fmt.Errorf("%w: the sample has no case with a weight", surveys.ErrInvalid)
	}
	if err := r.checkColumns(q.Columns); err != nil {
		return err
	}
	r.record.FromFieldwork = slices.ContainsFunc(r.units, func(u assess.Unit) bool { return u.Class != "" })
	if err := r.outcomes(q.Columns); err != nil {
		return err
	}
	if err := r.checkHouseholds(); err != nil {
		return err
	}
	r.w = make([]float64, len(r.units))
	sample, responses := sha256.New(), sha256.New()
	for i, u := range r.units {
		r.w[i] = u.Base
		known, answered := slices.Clone(u.Levels), slices.Clone(u.Levels)
		for k, f := range in.Plan.factors {
			if f.Sample == "" {
				known[k] = -1
			} else {
				answered[k] = -1
			}
		}
		score := []float64{}
		if u.Scored() {
			score = append(score, u.Score)
		}
		drawn := []any{u.Case, u.Stratum, u.PSU, u.Base, known, u.Columns}
		if r.record.FromFieldwork {
			drawn = append(drawn, u.Class, u.Eligible)
		}
		for _, part := range []struct {
			digest interface{ Write([]byte) (int, error) }
			row    []any
		}{{sample, drawn}, {responses, []any{u.Case, u.Responded, score, answered}}} {
			if err := json.NewEncoder(part.digest).Encode(part.row); err != nil {
				return err
			}
		}
	}
	r.record.Sample, r.record.Responses = hex.EncodeToString(sample.Sum(nil)), hex.EncodeToString(responses.Sum(nil))
	return nil
}

// leaveOutSubstitutes keeps the units that were drawn. A substitute was not: nobody knows its
// probability, and the case that it stands for has not responded.
func (r *runner) leaveOutSubstitutes(all []assess.Unit) {
	for _, u := range all {
		last := len(u.Columns) - 1
		substitute := u.Columns[last] != ""
		u.Columns = u.Columns[:last:last]
		if !substitute {
			r.units = append(r.units, u)
			continue
		}
		r.record.Substitutes++
		if u.Responded {
			r.record.Unweighted++
		}
	}
}

// checkColumns wants a value somewhere in each column of the sample that is asked for.
func (r *runner) checkColumns(names []string) error {
	for k, name := range names {
		if !slices.ContainsFunc(r.units, func(u assess.Unit) bool { return u.Columns[k] != "" }) {
			return fmt.Errorf("%w: the sample file has no column %q, or it is empty for every case; correct the name in the plan", surveys.ErrInvalid, name)
		}
	}
	return nil
}

// column is where a column of the sample stands in the units.
func (r *runner) column(name string) int { return slices.Index(r.plan.columns(), name) }

// outcomes decides what came of each case, and counts it.
func (r *runner) outcomes(columns []string) error {
	at := slices.Index(columns, r.plan.Status.Column)
	value := func(u assess.Unit) string {
		if at < 0 {
			return u.Class
		}
		return u.Columns[at]
	}
	said := r.plan.Status.of
	if r.record.FromFieldwork {
		if at >= 0 {
			return fmt.Errorf("%w: the fieldwork says what came of each case of the wave, and so does the column %q of the plan; remove status.column with its lists",
				surveys.ErrInvalid, r.plan.Status.Column)
		}
		said = ofClass
	}
	var contradicted []string
	r.status = make([]weighting.Status, len(r.units))
	for i, u := range r.units {
		status, marked := said(value(u))
		switch {
		case u.Scored() && marked:
			contradicted = append(contradicted, fmt.Sprintf("%s (%s)", u.Case, value(u)))
		case u.Scored():
			status = weighting.Respondent
		case marked:
		case u.Responded && r.plan.Status.Unscored != unscoredNonrespondent:
			status = weighting.Ineligible
		default:
			status = weighting.Nonrespondent
		}
		r.status[i] = status
		*r.outcome(status)++
	}
	if len(contradicted) > 0 {
		return fmt.Errorf("%w: %d cases have a response with a score, but the column %q says that they are ineligible or unknown: %s; correct the sample file or the lists of the plan",
			surveys.ErrInvalid, len(contradicted), r.plan.Status.Column, some(contradicted))
	}
	if r.record.Outcomes.Respondents == 0 {
		return fmt.Errorf("%w: nobody has responded with a score", surveys.ErrInvalid)
	}
	return nil
}

// outcome is where the record counts the cases of a status.
func (r *runner) outcome(s weighting.Status) *int {
	n := &r.record.Outcomes
	return map[weighting.Status]*int{
		weighting.Respondent: &n.Respondents, weighting.Nonrespondent: &n.Nonrespondents,
		weighting.Ineligible: &n.Ineligible, weighting.UnknownEligible: &n.Unknown,
	}[s]
}

// of is the status that a value of the column stands for, if it is one that is listed.
func (s Status) of(value string) (weighting.Status, bool) {
	switch {
	case value == "":
	case slices.Contains(s.Unknown, value):
		return weighting.UnknownEligible, true
	case slices.Contains(s.Ineligible, value):
		return weighting.Ineligible, true
	}
	return 0, false
}

// ofClass is the status that the class of a disposition stands for, unless the case is a
// respondent or a nonrespondent.
func ofClass(letters string) (weighting.Status, bool) {
	switch letters {
	case fieldwork.ClassNE.String():
		return weighting.Ineligible, true
	case fieldwork.ClassUH.String(), fieldwork.ClassUO.String(), "":
		return weighting.UnknownEligible, true
	}
	return 0, false
}

// checkHouseholds wants a step for the selection in the household where it made chances
// differ.
func (r *runner) checkHouseholds() error {
	if slices.ContainsFunc(r.plan.Steps, func(s Step) bool { return s.Household != nil }) {
		return nil
	}
	var selected []string
	for i, u := range r.units {
		if r.status[i] == weighting.Respondent && u.Eligible > 1 {
			selected = append(selected, u.Case)
		}
	}
	if len(selected) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d respondents were selected among several eligible persons of their household, but the plan does not count it: %s; add \"- household: {}\" after the steps for eligibility and nonresponse, and remove eligible from the step base",
		surveys.ErrInvalid, len(selected), some(selected))
}

// some joins the first few names of a list.
func some(list []string) string {
	if len(list) > 5 {
		return strings.Join(list[:5], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}

// factor finds a factor and its place in the levels of a unit; -1 for none.
func (r *runner) factor(id string) (*assess.Factor, int) {
	k := slices.IndexFunc(r.plan.factors, func(f assess.Factor) bool { return f.ID == id })
	if k < 0 {
		return nil, -1
	}
	return &r.plan.factors[k], k
}

// factorColumn classifies the units by a factor of the sample file. Whoever has a weight
// needs a level.
func (r *runner) factorColumn(id string) (analysis.FactorColumn, error) {
	f, k := r.factor(id)
	c := analysis.FactorColumn{Factor: analysis.Factor{ID: id}, Level: make([]int, len(r.units))}
	for _, l := range f.Levels {
		c.Levels = append(c.Levels, l.Code)
	}
	var missing []string
	for i, u := range r.units {
		if c.Level[i] = u.Levels[k]; u.Levels[k] < 0 && r.w[i] > 0 {
			missing = append(missing, u.Case)
		}
	}
	if len(missing) > 0 {
		return c, fmt.Errorf("%w: %d cases have no level of the factor %q: %s; give their values a level, in a factor of this plan or in the sample file",
			surveys.ErrInvalid, len(missing), id, some(missing))
	}
	return c, nil
}

// classes crosses factors of the sample file; without any, all are in one class.
func (r *runner) classes(by []string) (analysis.FactorColumn, error) {
	if len(by) == 0 {
		return analysis.FactorColumn{Factor: analysis.Factor{ID: "all", Levels: []string{"all"}}, Level: make([]int, len(r.units))}, nil
	}
	var columns []analysis.FactorColumn
	for _, id := range by {
		c, err := r.factorColumn(id)
		if err != nil {
			return c, err
		}
		columns = append(columns, c)
	}
	return weighting.Cross(columns...)
}

// rowWords finds what the statistics say of rows.
var rowWords = regexp.MustCompile(`\brow (\d+)\b`)

// planWords are the words of a plan for those of the statistics.
var planWords = strings.NewReplacer("set Merge.Least to 1", "write \"least: 1\"", "call UnknownEligibility first", "put a step unknown-eligibility before it",
	"a Lower above 0", "a lower bound above 0", "merge it with another level", "merge it with another level by a step collapse")

// worded is an error in the words of plan and sample.
type worded struct {
	text string
	err  error
}

func (w worded) Error() string { return w.text }
func (w worded) Unwrap() error { return w.err }

// inWords names cases instead of rows, and the keys of the plan.
func (r *runner) inWords(err error) error {
	text := rowWords.ReplaceAllStringFunc(err.Error(), func(m string) string {
		var row int
		if _, err := fmt.Sscanf(m, "row %d", &row); err != nil || row >= len(r.units) {
			return m
		}
		return "case " + r.units[row].Case
	})
	if !errors.Is(err, surveys.ErrInvalid) {
		err = errors.Join(surveys.ErrInvalid, err)
	}
	return worded{planWords.Replace(text), err}
}

// hash is the SHA-256 of a text, in hex.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
