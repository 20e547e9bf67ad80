package weigh

import (
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys"
)

// Plan says how the weights of a wave are made. It is read from weights.yaml beside the
// questionnaire.
type Plan struct {
	Title surveys.Text `yaml:"title"`
	// Name is that of the weights; each new run under it is its next version.
	Name string `yaml:"name"`
	// Factors are classifications beside those of the analysis, for weighting only.
	Factors []assess.Factor `yaml:"factors,omitempty"`
	Status  Status          `yaml:"status,omitempty"`
	Margins []Margin        `yaml:"margins,omitempty"`
	// Agree is how far, relatively, the totals of margins may lie apart; within it the
	// later ones are scaled to the first, which the record says. 0 means DefaultAgree.
	Agree float64 `yaml:"agree,omitempty"`
	// Accept is "not-converged" when weights are wanted even if raking stops before its
	// goal; every estimate then says so.
	Accept string `yaml:"accept,omitempty"`
	Steps  []Step `yaml:"steps"`

	// Text is the file as it was read.
	Text string `yaml:"-"`
	// factors are those of the analysis and then those of the plan.
	factors []assess.Factor
}

// DefaultAgree is how far totals of margins may lie apart when a plan does not say it:
// rounded counts of one population.
const DefaultAgree = 1e-6

const acceptNotConverged = "not-converged"

// Status says what came of the cases. A case is a respondent when there is a response
// with a score. One without a response is a nonrespondent, unless its value in Column
// says otherwise, or the class of its disposition where the wave has standings of the
// fieldwork: NE is ineligible, UH and UO are unknown, and so is a case of which the
// fieldwork knows nothing.
type Status struct {
	// Column is a column of the sample file, such as the final disposition. A plan for a
	// wave with standings names none.
	Column     string   `yaml:"column,omitempty"`
	Ineligible []string `yaml:"ineligible,omitempty"`
	Unknown    []string `yaml:"unknown,omitempty"`
	// Unscored is what a response without a score means: ineligible, the default, as the
	// interview ends early for who is not of the population, or nonrespondent.
	Unscored string `yaml:"unscored,omitempty"`
}

const (
	unscoredIneligible    = "ineligible"
	unscoredNonrespondent = "nonrespondent"
)

// Margin is a factor, or a crossing of factors, with the counts of the population. It
// takes them from the census of a province, from a table, or from Targets.
type Margin struct {
	Factors []string `yaml:"factors"`
	// Census is the code of a province, Assume what stands for what it does not count.
	Census string               `yaml:"census,omitempty"`
	Assume *margins.Assumptions `yaml:"assume,omitempty"`
	// File is a CSV file beside the plan with a column Count, or with a column Share of a
	// Total.
	File    string             `yaml:"file,omitempty"`
	Count   string             `yaml:"count,omitempty"`
	Share   string             `yaml:"share,omitempty"`
	Total   float64            `yaml:"total,omitempty"`
	Targets map[string]float64 `yaml:"targets,omitempty"`
	// Source says in words where the counts are from.
	Source string `yaml:"source,omitempty"`
	// Missing is "drop" when respondents without a level get no weight, which the record
	// says; otherwise they are an error.
	Missing string `yaml:"missing,omitempty"`
}

const missingDrop = "drop"

// name joins the factors, as level codes are joined.
func (m Margin) name() string { return strings.Join(m.Factors, "/") }

// maxCrossing limits the levels of one margin.
const maxCrossing = 10_000

// ReadPlan reads a weighting plan from YAML, strictly: an unknown key is an error. It is
// checked against the questionnaire and the factors of the analysis. All faults are
// reported at once, each with its line and the way out; name stands for the file.
func ReadPlan(name string, src []byte, q *surveys.Questionnaire, factors []assess.Factor) (*Plan, error) {
	p := &Plan{Text: string(src)}
	f, err := assess.OpenPlanFile(name, src, p, q)
	if err != nil {
		return nil, err
	}
	p.factors = append(slices.Clone(factors), p.Factors...)
	c := &checker{PlanFile: f, plan: p}
	c.head(factors)
	c.status()
	for i, m := range p.Margins {
		c.margin(m, i)
	}
	c.steps()
	if err := f.Err(); err != nil {
		return nil, err
	}
	if p.Agree == 0 {
		p.Agree = DefaultAgree
	}
	if p.Status.Unscored == "" {
		p.Status.Unscored = unscoredIneligible
	}
	return p, nil
}

// columns are the columns of the sample file that the plan needs, each once.
func (p *Plan) columns() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(p.Status.Column)
	for _, s := range p.Steps {
		switch {
		case s.Base != nil:
			add(s.Base.Eligible)
		case s.Separate != nil:
			add(s.Separate.By)
		case s.Composite != nil:
			add(s.Composite.By)
			add(s.Composite.Overlap.Column)
		}
	}
	return names
}

// checker collects the faults of a plan.
type checker struct {
	*assess.PlanFile
	plan *Plan
}

func (c *checker) head(analysed []assess.Factor) {
	p := c.plan
	c.Text(p.Title, "the title", "title")
	if !assess.WeightsName.MatchString(p.Name) {
		c.Fault([]any{"name"}, "the weights cannot be named %q; use a-z, 0-9 and hyphens, such as calibrated", p.Name)
	}
	c.Factors(p.Factors)
	for i, f := range p.Factors {
		if slices.ContainsFunc(analysed, func(o assess.Factor) bool { return o.ID == f.ID }) {
			c.Fault([]any{"factors", i}, "factor %q is one of the plan of the analysis already; give this one another ID", f.ID)
		}
	}
	if !(p.Agree >= 0 && p.Agree < 1) {
		c.Fault([]any{"agree"}, "agree is %v; it is the relative distance that totals of margins may have, such as 0.001", p.Agree)
	}
	if p.Accept != "" && p.Accept != acceptNotConverged {
		c.Fault([]any{"accept"}, "accept is %q; it can only be %q, or be left out", p.Accept, acceptNotConverged)
	}
}

func (c *checker) status() {
	s := c.plan.Status
	if s.Column == "" && len(s.Ineligible)+len(s.Unknown) > 0 {
		c.Fault([]any{"status"}, "the status lists values but no column of the sample file; add column")
	}
	if s.Column != "" && len(s.Ineligible)+len(s.Unknown) == 0 {
		c.Fault([]any{"status"}, "the status names the column %q but no values; list those of ineligible or unknown cases", s.Column)
	}
	for _, v := range s.Ineligible {
		if slices.Contains(s.Unknown, v) {
			c.Fault([]any{"status"}, "the value %q is both ineligible and unknown; keep it in one list", v)
		}
	}
	if s.Unscored != "" && s.Unscored != unscoredIneligible && s.Unscored != unscoredNonrespondent {
		c.Fault([]any{"status", "unscored"}, "unscored is %q; a response without a score means %q or %q", s.Unscored, unscoredIneligible, unscoredNonrespondent)
	}
}

// factor finds a factor, or notes that there is none.
func (c *checker) factor(id string, at []any) *assess.Factor {
	k := slices.IndexFunc(c.plan.factors, func(f assess.Factor) bool { return f.ID == id })
	if k < 0 {
		var ids []string
		for _, f := range c.plan.factors {
			ids = append(ids, f.ID)
		}
		c.Fault(at, "there is no factor %q; the factors are %s", id, strings.Join(ids, ", "))
		return nil
	}
	return &c.plan.factors[k]
}

func (c *checker) margin(m Margin, i int) {
	at := []any{"margins", i}
	if len(m.Factors) == 0 {
		c.Fault(at, "the margin has no factors; name at least one")
		return
	}
	if slices.ContainsFunc(c.plan.Margins[:i], func(o Margin) bool { return o.name() == m.name() }) {
		c.Fault(at, "the margin %s stands there twice; remove one", m.name())
	}
	var crossed []assess.Factor
	size := 1
	for k, id := range m.Factors {
		f := c.factor(id, []any{"margins", i, "factors", k})
		if f == nil {
			return
		}
		if slices.Contains(m.Factors[:k], id) {
			c.Fault(at, "the margin %s names the factor %q twice; remove one", m.name(), id)
			return
		}
		if size *= max(1, len(f.Levels)); size > maxCrossing {
			c.Fault(at, "the margin %s crosses more than %d levels; cross fewer factors", m.name(), maxCrossing)
			return
		}
		crossed = append(crossed, *f)
	}
	sources := 0
	for _, given := range []bool{m.Census != "", m.File != "", m.Targets != nil} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		c.Fault(at, "margin %s: give its counts in one way: census (the code of a province), file with count, or targets", m.name())
	}
	if m.Assume != nil && m.Census == "" {
		c.Fault(at, "margin %s: assumptions are made about census counts only; remove assume", m.name())
	}
	c.table(m, at)
	if m.Missing != "" && m.Missing != missingDrop {
		c.Fault(append(at, "missing"), "margin %s: missing is %q; it can only be %q, or be left out", m.name(), m.Missing, missingDrop)
	}
	if m.Targets != nil {
		c.targets(m, assess.Crossing(crossed), i)
	}
}

// table checks how a margin takes its counts from a file.
func (c *checker) table(m Margin, at []any) {
	switch {
	case m.File == "" && (m.Count != "" || m.Share != "" || m.Total != 0):
		c.Fault(at, "margin %s: count, share and total say how to read a file; name it with file", m.name())
	case m.File != "" && (m.Count == "") == (m.Share == ""):
		c.Fault(at, "margin %s: the file needs count, the column of the counts, or share, the column of the shares, and not both", m.name())
	case m.Share != "" && !(m.Total > 0 && !math.IsInf(m.Total, 1)) || m.Count != "" && m.Total != 0:
		c.Fault(at, "margin %s: total, how many people there are, goes with share, and is above 0", m.name())
	case m.File != "" && !fs.ValidPath(m.File):
		c.Fault(append(at, "file"), "margin %s: the file %q must lie in the folder of the plan or below it", m.name(), m.File)
	}
}

// targets wants a count for each level and no other.
func (c *checker) targets(m Margin, levels []string, i int) {
	at := []any{"margins", i, "targets"}
	for _, code := range levels {
		if t, ok := m.Targets[code]; !ok || !(t >= 0) || math.IsInf(t, 1) {
			c.Fault(at, "margin %s: the level %q needs a count, 0 or more", m.name(), code)
		}
	}
	for _, code := range sortedKeys(m.Targets) {
		if !slices.Contains(levels, code) {
			c.Fault([]any{"margins", i, "targets", code}, "margin %s: there is no level %q; the levels are %s", m.name(), code, strings.Join(levels, ", "))
		}
	}
}

// The order in which steps may stand: each kind of step acts on those who are left.
const (
	anyTime = iota
	first
	eligibility
	response
	household
	respondents
)

var orderWords = map[int]string{first: "the base weights", eligibility: "unknown eligibility", response: "nonresponse", household: "the selection in the household", respondents: "steps about respondents"}

func (c *checker) steps() {
	if len(c.plan.Steps) == 0 {
		c.Fault([]any{"steps"}, "the plan has no steps; begin with \"- base: {}\"")
		return
	}
	stage := anyTime
	for i, s := range c.plan.Steps {
		at := []any{"steps", i}
		name, op := s.operation()
		if op == nil {
			c.Fault(at, "step %d must be one operation with its settings in braces, such as \"base: {}\" or \"rake: {}\"", i+1)
			continue
		}
		op.check(c, append(at, name))
		o := op.order()
		switch {
		case i == 0 && o != first:
			c.Fault(at, "the first step is %s; begin with \"- base: {}\"", name)
		case i > 0 && o == first:
			c.Fault(at, "the base weights are the first step; remove this one")
		case o == household && o == stage:
			c.Fault(at, "the step %s stands there twice; remove one", name)
		case o != anyTime && o < stage:
			c.Fault(at, "the step %s comes after %s; put it before", name, orderWords[stage])
		}
		stage = max(stage, o)
	}
}

// margins checks the names of margins at a step; none means all of the plan.
func (c *checker) marginsOf(names []string, at []any) {
	if len(names) == 0 && len(c.plan.Margins) == 0 {
		c.Fault(at, "the plan has no margins; add them under margins")
	}
	for k, name := range names {
		c.marginName(name, append(slices.Clone(at), "margins", k))
		if slices.Contains(names[:k], name) {
			c.Fault(at, "the margin %q stands there twice; remove one", name)
		}
	}
}

func (c *checker) marginName(name string, at []any) {
	var names []string
	for _, m := range c.plan.Margins {
		names = append(names, m.name())
	}
	if !slices.Contains(names, name) {
		c.Fault(at, "there is no margin %q; the margins are %s", name, strings.Join(names, ", "))
	}
}

// known checks the factors of classes, which must be known of nonrespondents too.
func (c *checker) known(ids []string, at []any) {
	for k, id := range ids {
		if f := c.factor(id, append(slices.Clone(at), k)); f != nil && f.Sample == "" {
			c.Fault(append(slices.Clone(at), k), "factor %q is an answer, which nonrespondents have not given; use factors of the sample file", id)
		}
		if slices.Contains(ids[:k], id) {
			c.Fault(append(slices.Clone(at), k), "the factor %q stands there twice; remove one", id)
		}
	}
}

// number checks a setting that is a number above or equal to a limit.
func (c *checker) number(x, least float64, name string, at []any) {
	if !(x >= least) || math.IsInf(x, 1) {
		c.Fault(append(slices.Clone(at), name), "%s is %v; it must be at least %v", name, x, least)
	}
}
