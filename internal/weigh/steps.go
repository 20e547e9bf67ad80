package weigh

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/surveys"
)

// Step is one operation of a plan; one field is set.
type Step struct {
	Base         *Base         `yaml:"base,omitempty"`
	Unknown      *Eligibility  `yaml:"unknown-eligibility,omitempty"`
	Nonresponse  *Nonresponse  `yaml:"nonresponse,omitempty"`
	Propensity   *Propensity   `yaml:"propensity,omitempty"`
	Household    *Household    `yaml:"household,omitempty"`
	Separate     *Separate     `yaml:"separate,omitempty"`
	Composite    *Composite    `yaml:"composite,omitempty"`
	Collapse     *Collapse     `yaml:"collapse,omitempty"`
	PostStratify *PostStratify `yaml:"post-stratify,omitempty"`
	Rake         *Rake         `yaml:"rake,omitempty"`
	Calibrate    *Calibrate    `yaml:"calibrate,omitempty"`
	Trim         *Trim         `yaml:"trim,omitempty"`
	Normalise    *Normalise    `yaml:"normalise,omitempty"`
}

// operation is what every kind of step can do.
type operation interface {
	// order is the earliest and latest place of the step in a plan.
	order() int
	// ofRespondents says that nonrespondents must be gone before it.
	ofRespondents() bool
	check(c *checker, at []any)
	run(r *runner) (result, error)
}

// operation is the one field that is set with its name in YAML, or nil.
func (s Step) operation() (string, operation) {
	var name string
	var op operation
	n := 0
	for _, f := range []struct {
		name string
		set  bool
		op   operation
	}{
		{"base", s.Base != nil, s.Base},
		{"unknown-eligibility", s.Unknown != nil, s.Unknown},
		{"nonresponse", s.Nonresponse != nil, s.Nonresponse},
		{"propensity", s.Propensity != nil, s.Propensity},
		{"household", s.Household != nil, s.Household},
		{"separate", s.Separate != nil, s.Separate},
		{"composite", s.Composite != nil, s.Composite},
		{"collapse", s.Collapse != nil, s.Collapse},
		{"post-stratify", s.PostStratify != nil, s.PostStratify},
		{"rake", s.Rake != nil, s.Rake},
		{"calibrate", s.Calibrate != nil, s.Calibrate},
		{"trim", s.Trim != nil, s.Trim},
		{"normalise", s.Normalise != nil, s.Normalise},
	} {
		if f.set {
			name, op = f.name, f.op
			n++
		}
	}
	if n != 1 {
		return "", nil
	}
	return name, op
}

// Base takes the weights of the sample file, times the number of eligible persons in the
// household where one of them was selected.
type Base struct {
	// Eligible is the column of the sample file with that number.
	Eligible string `yaml:"eligible,omitempty"`
}

func (*Base) order() int            { return first }
func (*Base) ofRespondents() bool   { return false }
func (*Base) check(*checker, []any) {}

func (b *Base) run(r *runner) (result, error) {
	s := weighting.Selection{Weight: r.w}
	if b.Eligible != "" {
		at := r.column(b.Eligible)
		s.Eligible = make([]int, len(r.units))
		for i, u := range r.units {
			n, err := strconv.Atoi(u.Columns[at])
			if err != nil {
				return result{}, fmt.Errorf("%w: case %s: the column %q is %q; it must be the number of eligible persons in the household", surveys.ErrInvalid, u.Case, b.Eligible, u.Columns[at])
			}
			s.Eligible[i] = n
		}
	}
	w, step, err := weighting.Base(s)
	step.Settings = nil // stages are a matter of the sample file
	if b.Eligible != "" {
		step.Settings = []weighting.Setting{{Name: "eligible persons", Text: b.Eligible}}
	}
	return result{weights: w, step: step}, err
}

// Classes are classes of cases by factors of the sample file, with the rule by which
// small ones are merged. Without factors all cases are one class.
type Classes struct {
	By    []string `yaml:"by"`
	Least int      `yaml:"least,omitempty"`
	Most  float64  `yaml:"most,omitempty"`
}

func (k Classes) check(c *checker, at []any) {
	c.known(k.By, append(slices.Clone(at), "by"))
	c.number(float64(k.Least), 0, "least", at)
	if k.Most != 0 {
		c.number(k.Most, 1, "most", at)
	}
}

func (k Classes) merge() weighting.Merge { return weighting.Merge{Least: k.Least, Most: k.Most} }

// Eligibility shares the weights of cases of unknown eligibility among those known, by
// class. Where there are none, it leaves no record.
type Eligibility struct {
	Classes `yaml:",inline"`
}

func (*Eligibility) order() int          { return eligibility }
func (*Eligibility) ofRespondents() bool { return false }

func (e *Eligibility) run(r *runner) (result, error) {
	if r.record.Outcomes.Unknown == 0 {
		return result{}, nil
	}
	classes, err := r.classes(e.By)
	if err != nil {
		return result{}, err
	}
	w, step, err := weighting.UnknownEligibility(r.w, r.status, classes, e.merge())
	return result{weights: w, step: step}, err
}

// Nonresponse gives the weights of nonrespondents to the respondents of their class.
type Nonresponse struct {
	Classes `yaml:",inline"`
}

func (*Nonresponse) order() int          { return response }
func (*Nonresponse) ofRespondents() bool { return false }

func (n *Nonresponse) run(r *runner) (result, error) {
	classes, err := r.classes(n.By)
	if err != nil {
		return result{}, err
	}
	w, step, err := weighting.Nonresponse(r.w, r.status, classes, n.merge())
	return result{weights: w, step: step}, err
}

// Propensity makes up for nonresponse by a model of the chance to respond.
type Propensity struct {
	// Terms are factors of the sample file, or interactions of terms such as city:sex.
	Terms []string `yaml:"terms"`
	// Classes is into how many classes of propensity cases are put; 0 divides by it.
	Classes int     `yaml:"classes,omitempty"`
	Least   int     `yaml:"least,omitempty"`
	Most    float64 `yaml:"most,omitempty"`
}

func (*Propensity) order() int          { return response }
func (*Propensity) ofRespondents() bool { return false }

func (p *Propensity) check(c *checker, at []any) {
	if len(p.Terms) == 0 {
		c.Fault(at, "the propensity has no terms; name factors of the sample file")
	}
	var factors []string
	for k, t := range p.Terms {
		parts := strings.Split(t, ":")
		if len(parts) == 1 {
			c.known(parts, []any{at[0], at[1], at[2], "terms"})
			factors = append(factors, t)
			continue
		}
		for _, part := range parts {
			if !slices.Contains(factors, part) {
				c.Fault(append(slices.Clone(at), "terms", k), "the interaction %q needs %q as a term before it", t, part)
			}
		}
	}
	if p.Classes < 0 || p.Classes == 1 {
		c.Fault(append(slices.Clone(at), "classes"), "classes is %d; use two or more, or 0 to divide by the propensity itself", p.Classes)
	}
	Classes{Least: p.Least, Most: p.Most}.check(c, at)
}

func (p *Propensity) run(r *runner) (result, error) {
	m := weighting.PropensityModel{Classes: p.Classes, Merge: weighting.Merge{Least: p.Least, Most: p.Most}}
	for _, t := range p.Terms {
		if parts := strings.Split(t, ":"); len(parts) > 1 {
			m.Terms = append(m.Terms, analysis.Term{Interaction: parts})
			continue
		}
		c, err := r.factorColumn(t)
		if err != nil {
			return result{}, err
		}
		m.Terms = append(m.Terms, analysis.Term{Factor: r.occurring(c)})
	}
	w, step, err := weighting.Propensity(r.w, r.status, m)
	return result{weights: w, step: step}, err
}

// occurring leaves out the levels that no eligible case has.
func (r *runner) occurring(c analysis.FactorColumn) analysis.FactorColumn {
	place := make([]int, len(c.Levels))
	for i, l := range c.Level {
		if r.w[i] > 0 && r.status[i] != weighting.Ineligible {
			place[l] = 1
		}
	}
	out := analysis.FactorColumn{Factor: analysis.Factor{ID: c.ID}, Level: make([]int, len(c.Level))}
	for l, there := range place {
		if place[l] = -1; there > 0 {
			place[l] = len(out.Levels)
			out.Levels = append(out.Levels, c.Levels[l])
		}
	}
	for i, l := range c.Level {
		if out.Level[i] = -1; l >= 0 {
			out.Level[i] = place[l]
		}
	}
	return out
}

// Household multiplies the weights of respondents by the number of eligible persons in the
// household, of whom each was selected. The adjustments before it are of households, to
// which the weights belong until then. Where the fieldwork has selected nobody in a
// household, it leaves no record.
type Household struct {
	// Most is the largest factor; 0 is none.
	Most int `yaml:"most,omitempty"`
}

func (*Household) order() int          { return household }
func (*Household) ofRespondents() bool { return true }

func (h *Household) check(c *checker, at []any) {
	if h.Most != 0 {
		c.number(float64(h.Most), 1, "most", at)
	}
	if b := c.plan.Steps[0].Base; b != nil && b.Eligible != "" {
		c.Fault(at, "the base weights are multiplied by the eligible persons of the column %q already; remove one of the two", b.Eligible)
	}
}

func (h *Household) run(r *runner) (result, error) {
	eligible := make([]int, len(r.units))
	var without []string
	for i, u := range r.units {
		if eligible[i] = u.Eligible; r.w[i] > 0 && u.Eligible == 0 {
			without = append(without, u.Case)
		}
	}
	switch {
	case slices.Max(eligible) == 0:
		return result{}, nil
	case len(without) > 0:
		return result{}, fmt.Errorf("%w: for %d respondents nobody knows among how many eligible persons of the household they were selected: %s; complete the selection of these cases in the fieldwork, or reject their interviews",
			surveys.ErrInvalid, len(without), some(without))
	}
	w, step, err := weighting.Household(r.w, eligible, h.Most)
	return result{weights: w, step: step}, err
}

// Separate leaves the samples of several modes beside each other and records them.
type Separate struct {
	// By is the column of the sample file with the mode.
	By string `yaml:"by"`
}

func (*Separate) order() int          { return anyTime }
func (*Separate) ofRespondents() bool { return false }

func (s *Separate) check(c *checker, at []any) {
	if s.By == "" {
		c.Fault(at, "by is missing: the column of the sample file with the mode")
	}
}

func (s *Separate) run(r *runner) (result, error) {
	m, err := r.modes(s.By)
	if err != nil {
		return result{}, err
	}
	w, step, err := weighting.Separate(r.w, m)
	return result{weights: w, step: step}, err
}

// Composite combines samples of several modes that cover the same people.
type Composite struct {
	By string `yaml:"by"`
	// Shares has the share of each mode; they add up to 1. Without them, those that give
	// the mean score the smallest variance are taken.
	Shares map[string]float64 `yaml:"shares,omitempty"`
	// Overlap says whom all modes cover: cases with one of the values in a column of the
	// sample file. Without it, everybody.
	Overlap Overlap `yaml:"overlap,omitempty"`
}

// Overlap names values of a column.
type Overlap struct {
	Column string   `yaml:"column"`
	Values []string `yaml:"values"`
}

func (*Composite) order() int          { return anyTime }
func (*Composite) ofRespondents() bool { return true }

func (k *Composite) check(c *checker, at []any) {
	if k.By == "" {
		c.Fault(at, "by is missing: the column of the sample file with the mode")
	}
	if (k.Overlap.Column == "") != (len(k.Overlap.Values) == 0) {
		c.Fault(at, "the overlap needs a column of the sample file and the values of those whom all modes cover")
	}
}

func (k *Composite) run(r *runner) (result, error) {
	m, err := r.modes(k.By)
	if err != nil {
		return result{}, err
	}
	if k.Overlap.Column != "" {
		at := r.column(k.Overlap.Column)
		for _, u := range r.units {
			m.Overlap = append(m.Overlap, slices.Contains(k.Overlap.Values, u.Columns[at]))
		}
	}
	shares, err := k.shares(r, m)
	if err != nil {
		return result{}, err
	}
	w, step, err := weighting.Composite(r.w, m, shares)
	if k.Shares == nil {
		step.Settings = append(step.Settings, weighting.Setting{Name: "shares", Text: "smallest variance of the mean score"})
	}
	return result{weights: w, step: step}, err
}

// shares are those of the plan, or of the smallest variance.
func (k *Composite) shares(r *runner, m weighting.Modes) ([]float64, error) {
	if k.Shares != nil {
		for _, mode := range sortedKeys(k.Shares) {
			if !slices.Contains(m.Levels, mode) {
				return nil, fmt.Errorf("%w: there is no mode %q in the column %q; there are %s", surveys.ErrInvalid, mode, k.By, strings.Join(m.Levels, ", "))
			}
		}
		shares := make([]float64, len(m.Levels))
		for i, mode := range m.Levels {
			shares[i] = k.Shares[mode]
		}
		return shares, nil
	}
	cols, y := analysis.Columns{Weight: r.w}, make([]float64, len(r.units))
	for i, u := range r.units {
		cols.Stratum, cols.PSU, y[i] = append(cols.Stratum, u.Stratum), append(cols.PSU, u.PSU), u.Score
	}
	d, err := analysis.NewDesign(cols)
	if err != nil {
		return nil, err
	}
	return weighting.MinimumVariance(d, y, m)
}

// modes classifies the units by a column of the sample file.
func (r *runner) modes(column string) (weighting.Modes, error) {
	at := r.column(column)
	m := weighting.Modes{FactorColumn: analysis.FactorColumn{Factor: analysis.Factor{ID: column}, Level: make([]int, len(r.units))}}
	seen := map[string]bool{}
	var missing []string
	for i, u := range r.units {
		v := u.Columns[at]
		if v == "" && r.w[i] > 0 {
			missing = append(missing, u.Case)
		}
		if v != "" {
			seen[v] = true
		}
	}
	if len(missing) > 0 {
		return m, fmt.Errorf("%w: %d cases have no mode in the column %q: %s; fill it in the sample file", surveys.ErrInvalid, len(missing), column, some(missing))
	}
	m.Levels = slices.Sorted(maps.Keys(seen))
	for i, u := range r.units {
		m.Level[i] = slices.Index(m.Levels, u.Columns[at])
	}
	return m, nil
}

// Collapse merges the levels of a margin that few respondents have, for all later steps.
type Collapse struct {
	Margin string `yaml:"margin"`
	Least  int    `yaml:"least"`
}

func (*Collapse) order() int          { return respondents }
func (*Collapse) ofRespondents() bool { return true }

func (k *Collapse) check(c *checker, at []any) {
	c.marginName(k.Margin, append(slices.Clone(at), "margin"))
	c.number(float64(k.Least), 1, "least", at)
}

func (k *Collapse) run(r *runner) (result, error) {
	m, err := r.margin(k.Margin)
	if err != nil {
		return result{}, err
	}
	merged, step, err := weighting.Collapse(r.w, *m, k.Least)
	if err != nil {
		return result{}, err
	}
	r.merge(k.Margin, *m, merged)
	return result{step: step}, nil
}

// PostStratify meets one margin.
type PostStratify struct {
	Margin string `yaml:"margin"`
}

func (*PostStratify) order() int          { return respondents }
func (*PostStratify) ofRespondents() bool { return true }

func (p *PostStratify) check(c *checker, at []any) {
	c.marginName(p.Margin, append(slices.Clone(at), "margin"))
}

func (p *PostStratify) run(r *runner) (result, error) {
	m, err := r.margin(p.Margin)
	if err != nil {
		return result{}, err
	}
	w, step, err := weighting.PostStratify(r.w, *m)
	return result{w, step, []string{p.Margin}}, err
}

// Rake meets several margins, one after the other until all agree.
type Rake struct {
	// Margins are those to meet; none means all of the plan.
	Margins   []string `yaml:"margins,omitempty"`
	Tolerance float64  `yaml:"tolerance,omitempty"`
	MaxRounds int      `yaml:"max-rounds,omitempty"`
}

func (*Rake) order() int          { return respondents }
func (*Rake) ofRespondents() bool { return true }

func (k *Rake) check(c *checker, at []any) {
	c.marginsOf(k.Margins, at)
	c.number(k.Tolerance, 0, "tolerance", at)
	c.number(float64(k.MaxRounds), 0, "max-rounds", at)
}

func (k *Rake) run(r *runner) (result, error) {
	names, ms, err := r.marginsOf(k.Margins)
	if err != nil {
		return result{}, err
	}
	w, step, err := weighting.Rake(r.w, ms, weighting.Settings{Tolerance: k.Tolerance, MaxRounds: k.MaxRounds})
	return result{w, step, names}, err
}

// Calibrate meets several margins with weights that stay as near as possible to those
// before, by a distance and within bounds.
type Calibrate struct {
	Margins   []string `yaml:"margins,omitempty"`
	Distance  string   `yaml:"distance,omitempty"`
	Lower     float64  `yaml:"lower,omitempty"`
	Upper     float64  `yaml:"upper,omitempty"`
	Tolerance float64  `yaml:"tolerance,omitempty"`
	MaxRounds int      `yaml:"max-rounds,omitempty"`
}

func (*Calibrate) order() int          { return respondents }
func (*Calibrate) ofRespondents() bool { return true }

func (k *Calibrate) check(c *checker, at []any) {
	c.marginsOf(k.Margins, at)
	c.number(k.Tolerance, 0, "tolerance", at)
	c.number(float64(k.MaxRounds), 0, "max-rounds", at)
	switch d := weighting.Distance(k.Distance); d {
	case "", weighting.Linear, weighting.Raking:
		if k.Lower != 0 || k.Upper != 0 {
			c.Fault(at, "this distance keeps no bounds; use %q or %q, or remove lower and upper", weighting.Logit, weighting.Truncated)
		}
	case weighting.Logit, weighting.Truncated:
		if !(k.Lower >= 0 && k.Lower < 1 && k.Upper > 1) || math.IsInf(k.Upper, 1) {
			c.Fault(at, "the bounds are %v and %v; factors need a lower one from 0 to below 1 and an upper one above 1", k.Lower, k.Upper)
		}
	default:
		c.Fault(append(slices.Clone(at), "distance"), "there is no distance %q; use %q, %q, %q or %q", d, weighting.Linear, weighting.Raking, weighting.Logit, weighting.Truncated)
	}
}

func (k *Calibrate) run(r *runner) (result, error) {
	names, ms, err := r.marginsOf(k.Margins)
	if err != nil {
		return result{}, err
	}
	metric := weighting.Metric{Distance: weighting.Distance(k.Distance), Lower: k.Lower, Upper: k.Upper}
	w, step, err := weighting.Calibrate(r.w, weighting.Known{Margins: ms}, metric, weighting.Settings{Tolerance: k.Tolerance, MaxRounds: k.MaxRounds})
	return result{w, step, names}, err
}

// Trim moves weights outside limits to them and shares what that changes.
type Trim struct {
	Lower    float64 `yaml:"lower,omitempty"`
	Upper    float64 `yaml:"upper,omitempty"`
	OfMedian bool    `yaml:"of-median,omitempty"`
	Strict   bool    `yaml:"strict,omitempty"`
}

func (*Trim) order() int          { return respondents }
func (*Trim) ofRespondents() bool { return true }

func (k *Trim) check(c *checker, at []any) {
	c.number(k.Lower, 0, "lower", at)
	c.number(k.Upper, 0, "upper", at)
	switch {
	case k.Lower == 0 && k.Upper == 0:
		c.Fault(at, "the trimming has no limit; give lower, upper or both")
	case k.Upper != 0 && k.Lower >= k.Upper:
		c.Fault(at, "the lower limit %v is not below the upper one %v", k.Lower, k.Upper)
	}
}

func (k *Trim) run(r *runner) (result, error) {
	w, step, err := weighting.Trim(r.w, weighting.Limits{Lower: k.Lower, Upper: k.Upper, OfMedian: k.OfMedian, Strict: k.Strict})
	return result{weights: w, step: step}, err
}

// Normalise multiplies all weights such that they add up to Sum, or to the number of
// respondents when it is 0.
type Normalise struct {
	Sum float64 `yaml:"sum,omitempty"`
}

func (*Normalise) order() int                   { return respondents }
func (*Normalise) ofRespondents() bool          { return true }
func (n *Normalise) check(c *checker, at []any) { c.number(n.Sum, 0, "sum", at) }

func (n *Normalise) run(r *runner) (result, error) {
	w, step, err := weighting.Normalise(r.w, n.Sum)
	return result{weights: w, step: step}, err
}
