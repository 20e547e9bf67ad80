package conformance

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// A session is a design of an oracle file with its data, ready to estimate. Kinds read
// it and change nothing.
type session struct {
	spec    designSpec // with the fields of its base filled in
	data    table
	weights []float64
	design  *analysis.Design
	raking  *raking // nil when the weights were not raked
	// Whether the weights were calibrated to totals of variables, or changed after their
	// calibration, which cells cannot hold.
	auxiliary bool
	set       *replicate.Set
	sample    *replicate.Sample  // nil without replicates
	margins   []weighting.Margin // of the replicates
}

// raking is how the weights of a raked design were made.
type raking struct {
	before, after []float64
	margins       []weighting.Margin
}

// errUnsupported marks a design that package analysis, or this test, cannot make yet.
var errUnsupported = errors.New("design not supported")

// errAbsent marks data that are not here: they may not be passed on.
var errAbsent = errors.New("data absent")

// An archive finds and remembers data, oracle files and designs.
type archive struct {
	oracles  string                           // folder of the oracle files
	roots    []string                         // folders of data, the first one that has a file wins
	make     map[string]func() (table, error) // tables that are made of files
	tables   map[string]table
	sessions map[string]opened
}

// opened is what opening a design came to.
type opened struct {
	session *session
	err     error
}

// newArchive reads the folders from the environment.
func newArchive() *archive {
	a := &archive{oracles: "testdata/oracles", roots: []string{"testdata/data"},
		make: make(map[string]func() (table, error)), tables: make(map[string]table), sessions: make(map[string]opened)}
	if dir := os.Getenv("SUYANG_ORACLES"); dir != "" {
		a.oracles = dir
	}
	if dir := os.Getenv("SUYANG_DATA"); dir != "" {
		a.roots = append([]string{dir}, a.roots...)
	}
	return a
}

// table reads a CSV file of the data folders.
func (a *archive) table(name string) (table, error) {
	if t, known := a.tables[name]; known {
		return t, nil
	}
	if made := a.make[name]; made != nil {
		t, err := made()
		if err == nil {
			a.tables[name] = t
		}
		return t, err
	}
	for _, root := range a.roots {
		path := filepath.Join(root, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			return a.read(path)
		}
	}
	return table{}, fmt.Errorf("%w: %s is not in %v; set SUYANG_DATA", errAbsent, name, a.roots)
}

// read reads a CSV file once.
func (a *archive) read(path string) (table, error) {
	if t, known := a.tables[path]; known {
		return t, nil
	}
	t, err := readTable(path)
	if err == nil {
		a.tables[path] = t
	}
	return t, err
}

// weightsFile reads a vector of weights that stands beside the oracle files.
func (a *archive) weightsFile(name string) ([]float64, error) {
	t, err := a.read(filepath.Join(a.oracles, "weights", name))
	if err != nil {
		return nil, err
	}
	return t.numbers("w")
}

// open makes a design of a file, once.
func (a *archive) open(f oracleFile, name string) (*session, error) {
	if name == "" { // a formula: all inputs are in params
		return new(session), nil
	}
	key := f.Dataset + "/" + name
	o, known := a.sessions[key]
	if !known {
		o.session, o.err = a.prepare(f, name)
		a.sessions[key] = o
	}
	return o.session, o.err
}

func (a *archive) prepare(f oracleFile, name string) (*session, error) {
	spec, known := f.Designs[name]
	if !known {
		return nil, fmt.Errorf("the file has no design %q", name)
	}
	if spec.Base != "" {
		base, err := a.open(f, spec.Base)
		if err != nil {
			return nil, err
		}
		return a.change(base, spec)
	}
	if missing := unsupported(spec); missing != "" {
		return nil, fmt.Errorf("%w: %s", errUnsupported, missing)
	}
	return a.build(spec)
}

// unsupported names what a design needs that is not there yet; "" when all is.
func unsupported(spec designSpec) string {
	if spec.Rows.words != "" {
		return "rows in words, " + spec.Rows.words
	}
	return ""
}

// build makes a design from its data.
func (a *archive) build(spec designSpec) (*session, error) {
	s := &session{spec: spec}
	var err error
	if s.data, err = a.table(spec.Data); err != nil {
		return nil, err
	}
	for column, formula := range spec.Derived {
		if s.data, err = s.data.derive(column, formula); err != nil {
			return nil, err
		}
	}
	if spec.Nonresponse == nil {
		if s.data, err = s.data.where(spec.Rows.conditions); err != nil {
			return nil, err
		}
	}
	switch {
	case spec.Nonresponse != nil:
		err = s.nonresponse()
	case spec.Weights != nil:
		s.weights, err = s.data.numbers(fmt.Sprint(spec.Weights))
	case spec.Phase1 != nil: // a census: no weights before the second phase
		s.weights, err = s.data.numbers("1")
	}
	if err != nil {
		return nil, err
	}
	if s.design, err = s.newDesign(a, nil, nil); err != nil {
		return nil, err
	}
	s.weights = s.design.Weights()
	if spec.Replicate != nil {
		return s, s.replicate(a, spec.Replicate)
	}
	return s, nil
}

// change makes a design from the one it is based on.
func (a *archive) change(base *session, spec designSpec) (*session, error) {
	if missing := unsupported(spec); missing != "" {
		return nil, fmt.Errorf("%w: %s", errUnsupported, missing)
	}
	s := *base
	switch {
	case spec.Replicate != nil:
		return &s, s.replicate(a, spec.Replicate)
	case base.sample != nil:
		return &s, s.adjust(spec)
	case spec.Calibrate != nil:
		return &s, s.calibrate(a, spec.Calibrate)
	case spec.Trim != nil:
		return &s, s.trim(a, spec.Trim)
	}
	margins := spec.margins()
	if margins == nil {
		return &s, nil
	}
	s.raking = &raking{before: base.weights}
	for _, m := range margins {
		known, err := s.data.margin(m)
		if err != nil {
			return nil, err
		}
		s.raking.margins = append(s.raking.margins, known)
	}
	w, step, err := weighting.Rake(s.raking.before, s.raking.margins, weighting.Settings{})
	if err != nil {
		return nil, err
	}
	if !step.Converged {
		return nil, fmt.Errorf("raking did not converge in %v rounds", step.Rounds)
	}
	s.weights, s.raking.after = w, w
	s.design, err = s.newDesign(a, s.raking.before, s.raking.calibration())
	return &s, err
}

// margins are the margins to rake to; post-stratification is raking to one.
func (spec designSpec) margins() []margin {
	switch {
	case spec.Rake != nil:
		return spec.Rake.Margins
	case spec.Poststratify != nil:
		return []margin{*spec.Poststratify}
	}
	return nil
}

// lonePSURule is our name of R's option.
func lonePSURule(option string) analysis.LonePSURule {
	switch option {
	case "":
		return analysis.LoneFail
	case "remove":
		return analysis.LoneRemove
	}
	return analysis.LonePSURule(option)
}

// in says which rows are in the case's domain.
func (s *session) in(c Case) ([]bool, error) { return s.data.holds(c.Domain) }

// values is the variable of a case: a column, or the indicator of one of its levels.
func (s *session) values(c Case) ([]float64, error) {
	if c.Level != "" {
		return s.data.indicator(condition{Var: c.Variable, Op: "==", Value: c.Level})
	}
	return s.data.numbers(c.Variable)
}

// inFactor is the domain of a case as the factor "in" with the levels no and yes.
func (s *session) inFactor(c Case) (analysis.FactorColumn, error) {
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: "in", Levels: []string{"no", "yes"}}}
	in, err := s.in(c)
	for _, yes := range in {
		f.Level = append(f.Level, btoi(yes))
	}
	return f, err
}

// everyone and inDomain are domains of the cells that the session makes.
var (
	everyone = analysis.Domain{}
	inDomain = analysis.Domain{"in": "yes"}
)

// cells sums variables with the domain of the case as the factor "in"; the variables
// are called y, x and so on.
func (s *session) cells(c Case, variables ...[]float64) (*analysis.Cells, error) {
	in, err := s.inFactor(c)
	if err != nil {
		return nil, err
	}
	named := make([]analysis.Variable, len(variables))
	for k, values := range variables {
		named[k] = analysis.Variable{Name: []string{"y", "x", "z"}[k], Values: values}
	}
	return s.tabulate(named, in)
}

// tabulate makes cells, with the margins as factors where the design is raked.
func (s *session) tabulate(variables []analysis.Variable, factors ...analysis.FactorColumn) (*analysis.Cells, error) {
	for _, m := range s.margins { // of replicates
		if !slices.ContainsFunc(factors, func(f analysis.FactorColumn) bool { return f.ID == m.Name }) {
			factors = append(factors, analysis.FactorColumn{Factor: analysis.Factor{ID: m.Name, Levels: m.Levels}, Level: m.Level})
		}
	}
	var margins [][]string
	if s.raking != nil {
		for _, m := range s.raking.margins {
			margins = append(margins, []string{m.Name})
			if !slices.ContainsFunc(factors, func(f analysis.FactorColumn) bool { return f.ID == m.Name }) {
				factors = append(factors, analysis.FactorColumn{Factor: analysis.Factor{ID: m.Name, Levels: m.Levels}, Level: m.Level})
			}
		}
	}
	cells, err := s.design.Cells(variables, factors)
	if err != nil {
		return nil, err
	}
	cells.Margins = margins
	return cells, nil
}

// together makes all columns missing where one is, on copies of its own.
func together(columns ...[]float64) [][]float64 {
	whole := make([][]float64, len(columns))
	for k, y := range columns {
		whole[k] = slices.Clone(y)
	}
	for i := range columns[0] {
		for _, y := range columns {
			if math.IsNaN(y[i]) {
				for _, z := range whole {
					z[i] = math.NaN()
				}
			}
		}
	}
	return whole
}
