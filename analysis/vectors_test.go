package analysis_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// The cases of testdata/vectors, described in testdata/README.md.

type vectorFile struct {
	Dataset string
	Designs map[string]vectorDesign
	Cases   []vectorCase
}

type vectorDesign struct {
	Base          string
	Data          string
	Rows          []condition
	IDs           any `json:"ids"`
	Strata        any
	Weights       any
	Derived       map[string]string
	Nonresponse   any
	LonelyPSU     string `json:"lonely_psu"`
	LoneInDomains bool   `json:"lonely_psu_in_domains"`
	Rake          struct{ Margins []vectorMargin }
	Poststratify  *vectorMargin
}

type vectorMargin struct {
	By         string
	Population map[string]float64
}

type condition struct {
	Var   string
	Op    string
	Value any
}

type vectorCase struct {
	ID, Design, Estimator, Variable, Level string
	Domain                                 []condition
	Params                                 struct {
		By        []string
		Indicator condition
		Method    string
		Level     float64
		DF        string
	}
	Estimate, SE any
	Extra        struct {
		DFDesign *float64         `json:"df_design"`
		DFDomain *float64         `json:"df_domain"`
		T        []float64        `json:"ci95_t_domain"`
		Normal   []float64        `json:"ci95_normal"`
		DEff     any              `json:"deff_wr"`
		Lower    *float64         `json:"lower"`
		Upper    *float64         `json:"upper"`
		Cells    []map[string]any `json:"cells"`
		Levels   []string         `json:"levels"`
		Names    []string         `json:"names_strata"`
		Expected string           `json:"expected"`
		File     string           `json:"file"`
	}
	Tolerance struct{ Rel, Abs float64 }
}

// TestVectors runs every case of testdata/vectors, through cells and, where there is
// a direct way, straight from the columns.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors found: %v", err)
	}
	ran := make(map[string]int)
	for _, name := range files {
		var f vectorFile
		readJSON(t, name, &f)
		designs := make(map[string]*prepared)
		for _, c := range f.Cases {
			d := designs[c.Design]
			if d == nil {
				d = f.prepare(t, c.Design)
				designs[c.Design] = d
			}
			t.Run(c.ID, func(t *testing.T) { d.run(t, c) })
			ran[c.Estimator]++
		}
	}
	total := 0
	for _, n := range ran {
		total += n
	}
	if total < 600 {
		t.Errorf("only %d cases ran; 616 were there when the files were made", total)
	}
	t.Logf("%d cases ran: %v", total, ran)
}

// prepared is a design of a vector file with its data.
type prepared struct {
	data    table
	weights []float64
	design  *analysis.Design
	raking  *raking
}

// raking is how the weights of a raked design were made.
type raking struct {
	before, after []float64
	margins       []weighting.Margin
}

func (f vectorFile) prepare(t *testing.T, name string) *prepared {
	t.Helper()
	spec := f.Designs[name]
	if spec.Base != "" {
		return f.rake(t, spec)
	}
	p := &prepared{data: readTable(t, filepath.Join("testdata/data", filepath.Base(spec.Data)))}
	for column, formula := range spec.Derived {
		p.data.derive(t, column, formula)
	}
	p.data = p.data.where(spec.Rows)
	p.weights = p.data.numbers(t, fmt.Sprint(spec.Weights))
	if spec.Nonresponse != nil {
		p.weights = readTable(t, fmt.Sprintf("testdata/data/%s_%s.csv", f.Dataset, name)).numbers(t, "w")
	}
	p.design = newDesign(t, p.data, spec, p.weights, nil)
	return p
}

// rake makes a design by raking the one it is based on; post-stratification is raking
// to one margin.
func (f vectorFile) rake(t *testing.T, spec vectorDesign) *prepared {
	t.Helper()
	base := f.prepare(t, spec.Base)
	margins := spec.Rake.Margins
	if spec.Poststratify != nil {
		margins = []vectorMargin{*spec.Poststratify}
	}
	r := &raking{before: base.weights}
	for _, m := range margins {
		r.margins = append(r.margins, base.data.margin(m.By, m.Population))
	}
	w, step, err := weighting.Rake(r.before, r.margins, weighting.Settings{})
	if err != nil || !step.Converged {
		t.Fatalf("Rake: %v, converged %v after %v", err, step.Converged, step.Rounds)
	}
	r.after = w
	return &prepared{data: base.data, weights: w, raking: r,
		design: newDesign(t, base.data, f.Designs[spec.Base], w, r.before)}
}

func newDesign(t *testing.T, data table, spec vectorDesign, weights, before []float64) *analysis.Design {
	t.Helper()
	d, err := analysis.NewDesign(analysis.Columns{
		Weight:  weights,
		Base:    before,
		Stratum: data.labels(spec.Strata),
		PSU:     data.labels(spec.IDs),
	})
	if err != nil {
		t.Fatal(err)
	}
	rule := map[string]analysis.LonePSURule{"": analysis.LoneFail, "remove": analysis.LoneCertainty}[spec.LonelyPSU]
	if rule == "" {
		rule = analysis.LonePSURule(spec.LonelyPSU)
	}
	return d.WithSettings(analysis.Settings{LonePSU: rule, LoneInDomains: spec.LoneInDomains})
}

// run checks one case.
func (p *prepared) run(t *testing.T, c vectorCase) {
	if c.Extra.Expected == "error" {
		_, err := p.cells(t, c, p.data.numbers(t, c.Variable)).Mean("y", everyone)
		for _, name := range c.Extra.Names {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v does not name stratum %s", err, name)
			}
		}
		return
	}
	switch c.Estimator {
	case "mean", "total", "proportion", "count":
		p.runOne(t, c)
	case "proportion_ci":
		p.runInterval(t, c)
	case "ratio":
		p.runRatio(t, c)
	case "by_mean", "by_total":
		p.runBy(t, c)
	case "mean_vector", "total_vector":
		p.runVector(t, c)
	case "proportion_vector":
		p.runProportions(t, c)
	case "weights":
		p.runWeights(t, c)
	default:
		t.Fatalf("no runner for estimator %q", c.Estimator)
	}
}

var (
	everyone = analysis.Domain{}
	inDomain = analysis.Domain{"in": "yes"}
)

// cells sums y with the case's domain as the factor "in".
func (p *prepared) cells(t *testing.T, c vectorCase, y []float64) *analysis.Cells {
	t.Helper()
	in := analysis.FactorColumn{Factor: analysis.Factor{ID: "in", Levels: []string{"no", "yes"}}}
	for i := range p.data.rows {
		in.Level = append(in.Level, btoi(p.data.holds(i, c.Domain)))
	}
	return p.tabulate(t, []analysis.Variable{{Name: "y", Values: y}}, in)
}

// tabulate makes cells, with the margins as factors where the design is raked.
func (p *prepared) tabulate(t *testing.T, variables []analysis.Variable, factors ...analysis.FactorColumn) *analysis.Cells {
	t.Helper()
	var margins [][]string
	if p.raking != nil {
		for _, m := range p.raking.margins {
			margins = append(margins, []string{m.Name})
			if !slices.ContainsFunc(factors, func(f analysis.FactorColumn) bool { return f.ID == m.Name }) {
				factors = append(factors, analysis.FactorColumn{Factor: analysis.Factor{ID: m.Name, Levels: m.Levels}, Level: m.Level})
			}
		}
	}
	cells, err := p.design.Cells(variables, factors)
	if err != nil {
		t.Fatal(err)
	}
	cells.Margins = margins
	return cells
}

func (p *prepared) runOne(t *testing.T, c vectorCase) {
	y := p.values(t, c)
	cells := p.cells(t, c, y)
	in := make([]bool, p.data.rows)
	for i := range in {
		in[i] = p.data.holds(i, c.Domain)
	}
	estimate, direct := cells.Mean, p.design.Mean
	switch c.Estimator {
	case "total", "count":
		estimate, direct = cells.Total, p.design.Total
	case "proportion":
		estimate, direct = cells.Proportion, p.design.Proportion
	}
	e := must(estimate("y", inDomain))(t)
	p.compare(t, c, e)
	if p.raking == nil { // straight from columns, weights are taken as given
		p.compare(t, c, must(direct(y, in))(t))
	}
	if c.Extra.Normal != nil {
		cells.Settings.DF = analysis.DFNormal
		n := must(estimate("y", inDomain))(t)
		c.check(t, "normal lower", n.Lo, c.Extra.Normal[0])
		c.check(t, "normal upper", n.Hi, c.Extra.Normal[1])
	}
	if c.Extra.DFDesign != nil {
		cells.Settings.DF = analysis.DFDesign
		c.check(t, "df of the design", must(estimate("y", inDomain))(t).DF, *c.Extra.DFDesign)
	}
}

// compare checks what every single estimate has.
func (p *prepared) compare(t *testing.T, c vectorCase, e analysis.Estimate) {
	t.Helper()
	c.check(t, "estimate", e.Value, number(c.Estimate))
	// Where raking fixes a total its SE is zero, and both numbers are the rounding of
	// sums of the size of the total.
	if rounding := 1e-15 * math.Abs(e.Value); e.SE > rounding || number(c.SE) > rounding {
		c.check(t, "SE", e.SE, number(c.SE))
	}
	if c.Extra.DFDomain != nil {
		c.check(t, "df", e.DF, *c.Extra.DFDomain)
	}
	if c.Extra.T != nil {
		c.check(t, "lower", e.Lo, c.Extra.T[0])
		c.check(t, "upper", e.Hi, c.Extra.T[1])
	}
	if deff, finite := c.Extra.DEff.(float64); finite {
		c.check(t, "deff", e.DEff, deff)
	}
}

func (p *prepared) runInterval(t *testing.T, c vectorCase) {
	cells := p.cells(t, c, p.data.indicator(t, c.Params.Indicator))
	cells.Settings.Level = c.Params.Level
	if c.Params.DF == "infinite" {
		cells.Settings.DF = analysis.DFNormal
	}
	estimate := cells.Proportion
	if c.Params.Method == "mean" {
		estimate = cells.Mean
	}
	e := must(estimate("y", inDomain))(t)
	p.compare(t, c, e)
	c.check(t, "lower", e.Lo, *c.Extra.Lower)
	c.check(t, "upper", e.Hi, *c.Extra.Upper)
}

func (p *prepared) runRatio(t *testing.T, c vectorCase) {
	numerator, denominator, _ := strings.Cut(c.Variable, "/")
	y, x := together(p.data.numbers(t, numerator), p.data.numbers(t, denominator))
	in := analysis.FactorColumn{Factor: analysis.Factor{ID: "in", Levels: []string{"no", "yes"}}}
	for i := range p.data.rows {
		in.Level = append(in.Level, btoi(p.data.holds(i, c.Domain)))
	}
	cells := p.tabulate(t, []analysis.Variable{{Name: "y", Values: y}, {Name: "x", Values: x}}, in)
	p.compare(t, c, must(cells.Ratio("y", "x", inDomain))(t))
}

// together makes both columns missing where one is.
func together(y, x []float64) ([]float64, []float64) {
	for i := range y {
		if math.IsNaN(x[i] + y[i]) {
			x[i], y[i] = math.NaN(), math.NaN()
		}
	}
	return y, x
}

func (p *prepared) runBy(t *testing.T, c vectorCase) {
	var factors []analysis.FactorColumn
	for _, by := range c.Params.By {
		factors = append(factors, p.data.factor(by))
	}
	cells := p.tabulate(t, []analysis.Variable{{Name: "y", Values: p.data.numbers(t, c.Variable)}}, factors...)
	estimate := cells.MeanBy
	if c.Estimator == "by_total" {
		estimate = cells.TotalBy
	}
	groups, err := estimate("y", everyone, c.Params.By...)
	if err != nil {
		t.Fatal(err)
	}
	estimates, ses := numbers(c.Estimate), numbers(c.SE)
	for i, cell := range c.Extra.Cells {
		g := slices.IndexFunc(groups, func(g analysis.Group) bool {
			for id, level := range cell {
				if g.Domain[id] != fmt.Sprint(level) {
					return false
				}
			}
			return true
		})
		if g < 0 {
			t.Fatalf("no group for %v", cell)
		}
		c.check(t, fmt.Sprint(cell), groups[g].Estimate.Value, estimates[i])
		c.check(t, fmt.Sprint(cell, " SE"), groups[g].Estimate.SE, ses[i])
	}
}

// runVector checks several variables over the rows that have all of them.
func (p *prepared) runVector(t *testing.T, c vectorCase) {
	names := strings.Split(c.Variable, ",")
	columns := make([][]float64, len(names))
	for k, name := range names {
		columns[k] = p.data.numbers(t, name)
	}
	for i := range p.data.rows {
		for _, y := range columns {
			if math.IsNaN(y[i]) {
				for _, z := range columns {
					z[i] = math.NaN()
				}
			}
		}
	}
	estimates, ses := numbers(c.Estimate), numbers(c.SE)
	for k, y := range columns {
		cells := p.cells(t, c, y)
		estimate := cells.Mean
		if c.Estimator == "total_vector" {
			estimate = cells.Total
		}
		e := must(estimate("y", inDomain))(t)
		c.check(t, names[k], e.Value, estimates[k])
		c.check(t, names[k]+" SE", e.SE, ses[k])
	}
}

func (p *prepared) runProportions(t *testing.T, c vectorCase) {
	estimates, ses := numbers(c.Estimate), numbers(c.SE)
	for k, level := range c.Extra.Levels {
		y := p.data.indicator(t, condition{Var: c.Variable, Op: "==", Value: level})
		e := must(p.cells(t, c, y).Proportion("y", inDomain))(t)
		c.check(t, level, e.Value, estimates[k])
		c.check(t, level+" SE", e.SE, ses[k])
	}
}

func (p *prepared) runWeights(t *testing.T, c vectorCase) {
	want := readTable(t, filepath.Join("testdata/data", c.Extra.File)).numbers(t, "w")
	for i := range want {
		c.check(t, fmt.Sprint("row ", i), p.raking.after[i], want[i])
	}
}

// values is the variable of a case: a column, or the indicator of one of its levels.
func (p *prepared) values(t *testing.T, c vectorCase) []float64 {
	if c.Level != "" {
		return p.data.indicator(t, condition{Var: c.Variable, Op: "==", Value: c.Level})
	}
	return p.data.numbers(t, c.Variable)
}

// check compares within the tolerance of the case.
func (c vectorCase) check(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= c.Tolerance.Abs+c.Tolerance.Rel*math.Abs(want)) {
		t.Errorf("%s of %s (%s): %s = %.15g, want %.15g, off by %.2g", c.Estimator, c.Variable, c.Design, what, got, want, got/want-1)
	}
}

// A table is a CSV file, by column; an empty field is missing.
type table struct {
	rows    int
	columns map[string][]string
}

func readTable(t testing.TB, path string) table {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	d := table{rows: len(records) - 1, columns: make(map[string][]string)}
	for k, name := range records[0] {
		for _, r := range records[1:] {
			d.columns[name] = append(d.columns[name], r[k])
		}
	}
	return d
}

// derive adds a column by one of the two formulas the files use: "a - x" and
// "1 if x > a else 0".
func (d table) derive(t *testing.T, column, formula string) {
	t.Helper()
	words := strings.Fields(formula)
	for i := range d.rows {
		var v float64
		switch {
		case len(words) == 3 && words[1] == "-":
			a, _ := strconv.ParseFloat(words[0], 64)
			x := d.columns[words[2]][i]
			if x == "" {
				d.columns[column] = append(d.columns[column], "")
				continue
			}
			v = a - toNumber(x)
		case len(words) == 7 && words[1] == "if":
			v = float64(btoi(compare(d.columns[words[2]][i], words[3], words[4])))
		default:
			t.Fatalf("cannot read the formula %q", formula)
		}
		d.columns[column] = append(d.columns[column], fmt.Sprint(v))
	}
}

// where keeps the rows on which all conditions hold.
func (d table) where(conditions []condition) table {
	if len(conditions) == 0 {
		return d
	}
	kept := table{columns: make(map[string][]string)}
	for i := range d.rows {
		if !d.holds(i, conditions) {
			continue
		}
		kept.rows++
		for name, column := range d.columns {
			kept.columns[name] = append(kept.columns[name], column[i])
		}
	}
	return kept
}

func (d table) holds(row int, conditions []condition) bool {
	for _, c := range conditions {
		if !compare(d.columns[c.Var][row], c.Op, fmt.Sprint(c.Value)) {
			return false
		}
	}
	return true
}

// compare is false for a missing value, whatever the comparison.
func compare(x, op, value string) bool {
	if x == "" {
		return false
	}
	switch op {
	case "==":
		return x == value
	case "!=":
		return x != value
	case ">":
		return toNumber(x) > toNumber(value)
	case ">=":
		return toNumber(x) >= toNumber(value)
	case "<":
		return toNumber(x) < toNumber(value)
	case "<=":
		return toNumber(x) <= toNumber(value)
	}
	panic("unknown comparison " + op)
}

// numbers reads a column; a name that is a number is that number for every row.
func (d table) numbers(t testing.TB, name string) []float64 {
	t.Helper()
	column, exists := d.columns[name]
	y := make([]float64, d.rows)
	for i := range y {
		switch {
		case !exists:
			y[i] = toNumber(name)
			if math.IsNaN(y[i]) {
				t.Fatalf("no column %q", name)
			}
		default:
			y[i] = toNumber(column[i])
		}
	}
	return y
}

// indicator is 1 where the condition holds, 0 where not, missing where its variable is.
func (d table) indicator(t *testing.T, c condition) []float64 {
	t.Helper()
	y := make([]float64, d.rows)
	for i, x := range d.columns[c.Var] {
		y[i] = float64(btoi(compare(x, c.Op, fmt.Sprint(c.Value))))
		if x == "" {
			y[i] = math.NaN()
		}
	}
	return y
}

// labels joins one or several columns; nil names none.
func (d table) labels(names any) []string {
	switch n := names.(type) {
	case string:
		return d.columns[n]
	case []any:
		joined := make([]string, d.rows)
		for _, name := range n {
			for i, x := range d.columns[name.(string)] {
				joined[i] += x + "/"
			}
		}
		return joined
	}
	return nil
}

// factor classifies by a column, its levels sorted.
func (d table) factor(name string) analysis.FactorColumn {
	column := d.columns[name]
	levels := slices.Clone(column)
	slices.Sort(levels)
	levels = slices.DeleteFunc(slices.Compact(levels), func(l string) bool { return l == "" })
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: name, Levels: levels}}
	for _, x := range column {
		f.Level = append(f.Level, slices.Index(levels, x))
	}
	return f
}

// margin classifies by a column with known counts.
func (d table) margin(name string, population map[string]float64) weighting.Margin {
	f := d.factor(name)
	m := weighting.Margin{Name: name, Levels: f.Levels, Level: f.Level}
	for _, l := range f.Levels {
		m.Targets = append(m.Targets, population[l])
	}
	return m
}

func toNumber(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// number reads a value of a case.
func number(v any) float64 { return v.(float64) }

func numbers(v any) []float64 {
	var x []float64
	for _, y := range v.([]any) {
		x = append(x, y.(float64))
	}
	return x
}

// must turns an estimate with an error into the estimate, or ends the test.
func must(e analysis.Estimate, err error) func(testing.TB) analysis.Estimate {
	return func(t testing.TB) analysis.Estimate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
