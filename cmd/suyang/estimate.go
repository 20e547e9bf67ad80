package main

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
)

// estimateCommand estimates from the CSV of any survey. It needs no wave and no
// server: a design from columns of the file, and package analysis.
type estimateCommand struct {
	File string `arg:"" help:"The data: a CSV file whose first line names the columns; - reads standard input."`

	Weights string   `placeholder:"COLUMN" help:"Column of the weights; without it everybody weighs 1."`
	Strata  []string `placeholder:"COLUMN" help:"Columns whose crossing is the stratum."`
	PSU     []string `name:"psu" placeholder:"COLUMN" help:"Columns of the sampling units, first stage first; without it every row is its own."`
	FPC     []string `name:"fpc" placeholder:"COLUMN" help:"For each stage, the column with the number of units in the population, or with the fraction of them in the sample."`

	Mean       []string `placeholder:"Y" help:"Estimate the mean of a column."`
	Proportion []string `placeholder:"Y" help:"Estimate the share of every value of a column, or of one: y=value. Of a column of 0 and 1, the share of 1."`
	Total      []string `placeholder:"Y" help:"Estimate the total of a column."`
	Count      []string `placeholder:"Y=VALUE" help:"Estimate how many people of the population have a value; 'all' counts everybody."`
	Ratio      []string `placeholder:"Y/X" help:"Estimate the ratio of two totals."`
	Quantile   []string `placeholder:"Y@P" help:"Estimate the value below which the share P of the population lies: y@0.5 is the median."`

	Independence []string `sep:"none" placeholder:"A,B" help:"Test whether two columns have nothing to do with each other: Rao and Scott's F."`

	By    []string `placeholder:"COLUMN" help:"Estimate apart for every crossing of these columns."`
	Where []string `sep:"none" placeholder:"CONDITION" help:"Estimate for those who satisfy it, such as 'age>=18 and sex=F'; the design stays whole."`

	Compare string `default:"none" enum:"none,first,pairs" help:"Differences between the groups of --by, with P values: of each from the first, or of all pairs: ${enum}."`

	replicateFlags

	CI           string   `name:"ci" default:"auto" enum:"auto,logit,xlogit,mean,asin,wilson,beta,likelihood" help:"Interval of proportions: ${enum}. auto is logit, and with replicates xlogit, which holds where a group has nobody in some of them."`
	Level        float64  `default:"0.95" help:"Confidence of the intervals."`
	DF           string   `name:"df" default:"domain" help:"Degrees of freedom: domain, design, normal, or a number."`
	LonePSU      string   `name:"lone-psu" default:"adjust" enum:"fail,certainty,remove,adjust,average,collapse" help:"What a stratum with one PSU contributes: ${enum}."`
	QuantileRule string   `default:"math" enum:"math,school,hf1,hf2,hf3,hf4,hf5,hf6,hf7,hf8,hf9" help:"Which value is a quantile: ${enum}."`
	Standard     string   `default:"none" enum:"none,nchs-2017" help:"Presentation standard whose verdicts become notes on proportions: ${enum}."`
	Missing      []string `default:"NA" help:"Texts that mean a missing value, beside an empty field."`
	Format       string   `default:"table" enum:"table,csv,json" help:"Form of the results: ${enum}."`
}

// Run estimates and prints.
func (c *estimateCommand) Run(con *console) error {
	requests, err := c.requests()
	if err != nil {
		return err
	}
	if c.CI == "auto" {
		c.CI = string(analysis.IntervalLogit)
		if c.replicated() {
			c.CI = string(analysis.IntervalXLogit)
		}
	}
	conditions, err := parseWhere(c.Where)
	if err != nil {
		return err
	}
	data, err := readCSV(con, c.File, c.columns(requests, conditions), c.Missing)
	if err != nil {
		return err
	}
	e := &estimation{command: c, data: data}
	if err := e.run(con, requests, conditions); err != nil {
		return data.named(err)
	}
	return e.write(con.out)
}

// run estimates everything.
func (e *estimation) run(con *console, requests []request, conditions []whereCondition) error {
	var err error
	if e.design, err = e.command.design(e.data); err != nil {
		return err
	}
	e.from = e.design
	if e.command.replicated() {
		if err := e.replicate(); err != nil {
			return err
		}
	}
	if err := e.split(conditions); err != nil {
		return err
	}
	if n := e.outside; n > 0 {
		con.say("%s: %d rows are in no group: they have no value in %s", e.data.name, n, strings.Join(e.command.By, " or "))
	}
	for _, r := range requests {
		if err := e.estimate(r); err != nil {
			return err
		}
	}
	return nil
}

// A request is one thing to estimate.
type request struct {
	estimator    string
	variable     string  // as asked for
	column, over string  // over is the denominator of a ratio, or the other column of a test
	level        string  // of a proportion or count; "" for all
	share        float64 // of a quantile
}

// requests lists what to estimate, in the order of the help text.
func (c *estimateCommand) requests() ([]request, error) {
	var all []request
	for _, y := range c.Mean {
		all = append(all, request{estimator: "mean", variable: y, column: y})
	}
	for _, y := range c.Proportion {
		column, level, _ := strings.Cut(y, "=")
		all = append(all, request{estimator: "proportion", variable: column, column: column, level: level})
	}
	for _, y := range c.Total {
		all = append(all, request{estimator: "total", variable: y, column: y})
	}
	for _, y := range c.Count {
		column, level, named := strings.Cut(y, "=")
		if !named {
			column = ""
		}
		if !named && y != "all" {
			return nil, fmt.Errorf("--count %s: say which value to count, as %s=VALUE, or 'all' for everybody", y, y)
		}
		all = append(all, request{estimator: "count", variable: orAll(column), column: column, level: level})
	}
	for _, y := range c.Ratio {
		numerator, denominator, ok := strings.Cut(y, "/")
		if !ok || numerator == "" || denominator == "" {
			return nil, fmt.Errorf("--ratio %s: write the two columns as y/x", y)
		}
		all = append(all, request{estimator: "ratio", variable: y, column: numerator, over: denominator})
	}
	for _, y := range c.Quantile {
		column, share, _ := strings.Cut(y, "@")
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || column == "" || !(p > 0 && p < 1) {
			return nil, fmt.Errorf("--quantile %s: write a column and a share between 0 and 1, such as y@0.5", y)
		}
		all = append(all, request{estimator: "quantile", variable: y, column: column, share: p})
	}
	for _, pair := range c.Independence {
		a, b, _ := strings.Cut(pair, ",")
		if a, b = strings.TrimSpace(a), strings.TrimSpace(b); a == "" || b == "" || a == b {
			return nil, fmt.Errorf("--independence %s: write two columns as a,b", pair)
		}
		all = append(all, request{estimator: independence, variable: a + "," + b, column: a, over: b})
	}
	if len(all) == 0 {
		return nil, errors.New("nothing to estimate; ask for --mean, --proportion, --total, --count, --ratio, --quantile or --independence")
	}
	return all, c.fits()
}

// independence is what a test is called among the estimators.
const independence = "independence"

// fits says which flags do not go together.
func (c *estimateCommand) fits() error {
	numbers := len(c.Mean) + len(c.Proportion) + len(c.Total) + len(c.Count) + len(c.Ratio) + len(c.Quantile)
	switch {
	case c.Compare != "none" && len(c.By) == 0:
		return fmt.Errorf("--compare %s: name the columns whose groups are compared in --by", c.Compare)
	case c.Compare != "none" && len(c.Quantile) > 0:
		return errors.New("--compare: the difference of two quantiles has no standard error here; ask for --quantile in a run of its own, and compare the shares above a limit instead")
	case c.Format == "csv" && len(c.Independence) > 0 && numbers > 0:
		return errors.New("--format csv: one file has one kind of lines; ask for --independence in a run of its own, or take --format json")
	}
	return c.replicateFlags.fits(c)
}

func orAll(column string) string {
	if column == "" {
		return "all"
	}
	return column
}

// columns lists the columns that are needed.
func (c *estimateCommand) columns(requests []request, where []whereCondition) needs {
	n := needs{numeric: slices.Concat([]string{c.Weights}, c.FPC), text: slices.Concat(c.Strata, c.PSU, c.By), patterns: c.Columns}
	for _, r := range requests {
		switch r.estimator {
		case "proportion", "count", independence:
			n.text = append(n.text, r.column, r.over)
		default:
			n.numeric = append(n.numeric, r.column, r.over)
		}
	}
	for _, w := range where {
		n.text = append(n.text, w.column)
	}
	empty := func(name string) bool { return name == "" }
	return needs{slices.DeleteFunc(n.numeric, empty), slices.DeleteFunc(n.text, empty), n.patterns}
}

// design makes the design of the file.
func (c *estimateCommand) design(data *csvData) (*analysis.Design, error) {
	settings, err := c.settings()
	if err != nil {
		return nil, err
	}
	columns, err := c.sample(data)
	if err != nil {
		return nil, err
	}
	d, err := analysis.NewDesign(columns)
	if err != nil {
		return nil, err
	}
	return d.WithSettings(settings), nil
}

// settings are those of the flags.
func (c *estimateCommand) settings() (analysis.Settings, error) {
	s := analysis.Settings{
		Level:    c.Level,
		LonePSU:  analysis.LonePSURule(c.LonePSU),
		Interval: analysis.ProportionInterval(c.CI),
	}
	if c.Standard != "none" {
		s.Standard = analysis.PresentationStandard(c.Standard)
	}
	switch rule := analysis.DFRule(c.DF); rule {
	case analysis.DFDomain, analysis.DFDesign, analysis.DFNormal:
		s.DF = rule
		return s, nil
	}
	df, err := strconv.ParseFloat(c.DF, 64)
	if err != nil || !(df > 0) {
		return s, fmt.Errorf("--df %s: give %s, %s, %s or a number above 0", c.DF, analysis.DFDomain, analysis.DFDesign, analysis.DFNormal)
	}
	s.FixedDF = df
	return s, nil
}

// sample reads the columns of the design; none of them may have a missing value.
func (c *estimateCommand) sample(data *csvData) (analysis.Columns, error) {
	var s analysis.Columns
	var err error
	if c.Weights != "" || len(c.FPC) == 0 { // else the stages give the weights
		if s.Weight, err = data.weights(c.Weights); err != nil {
			return s, err
		}
	}
	s.Stages = make([]analysis.Stage, max(1, len(c.PSU), len(c.FPC)))
	for k := range s.Stages {
		if k < len(c.PSU) {
			if s.Stages[k].Unit, err = data.labels(c.PSU[k : k+1]); err != nil {
				return s, err
			}
		}
		if k < len(c.FPC) {
			if err := data.population(&s.Stages[k], c.FPC[k]); err != nil {
				return s, err
			}
		}
	}
	s.Stages[0].Stratum, err = data.labels(c.Strata)
	if len(c.FPC) == 0 {
		s.Stages = s.Stages[:1] // with replacement, later stages add nothing to a variance
	}
	return s, err
}

// An estimation is a design with its groups of people and what was estimated.
type estimation struct {
	command     *estimateCommand
	data        *csvData
	design      *analysis.Design
	sample      *replicate.Sample     // when variances are those of replicates
	from        estimator             // the design or the sample
	selected    []bool                // of each row, by --where; nil for all
	groups      [][]string            // the levels of each crossing of the columns of --by
	factor      analysis.FactorColumn // the group of each row
	outside     int                   // rows that --where selects but that have no group
	results     []result
	differences []difference
	tests       []test
}

// A result is one line of the answer.
type result struct {
	request
	analysis.Estimate
	group []string
}

// estimate answers one request for every group.
func (e *estimation) estimate(r request) error {
	switch r.estimator {
	case independence:
		return e.independence(r)
	case "ratio":
		return e.ratio(r)
	case "quantile":
		return e.quantile(r)
	case "proportion":
		if r.level != "" {
			break
		}
		if y, yes := e.data.zeroOne(r.column); yes {
			return e.table(r, y)
		}
		for _, level := range e.data.levels(r.column) {
			r.level = level
			if err := e.table(r, e.data.indicator(r.column, level)); err != nil {
				return err
			}
		}
		return nil
	}
	y, err := e.values(r)
	if err != nil {
		return err
	}
	return e.table(r, y)
}

// values are the numbers a mean, total, count or share of a level is made of.
func (e *estimation) values(r request) ([]float64, error) {
	switch {
	case r.column == "":
		return e.data.ones(), nil
	case r.level == "":
		return e.data.numbers(r.column)
	}
	if levels := e.data.levels(r.column); !slices.Contains(levels, r.level) {
		return nil, fmt.Errorf("nobody has %s=%s; the values are: %s", r.column, r.level, shortList(levels))
	}
	return e.data.indicator(r.column, r.level), nil
}

// table estimates for every group at once.
func (e *estimation) table(r request, y []float64) error {
	estimate := e.from.TotalTable
	switch r.estimator {
	case "mean":
		estimate = e.from.MeanTable
	case "proportion":
		estimate = e.from.ProportionTable
	}
	var own []analysis.Estimate
	var t analysis.Table
	for factor := range e.portions() {
		var err error
		if t, err = estimate(y, e.selected, factor); err != nil {
			return fmt.Errorf("%s of %s: %w", r.estimator, r.name(), err)
		}
		own = append(own, t.Estimates...)
	}
	e.add(r, own)
	return e.compare(r, own, t.Difference) // which needs all groups in one portion
}

// The groups estimated at a time: maxSums bounds the memory, one sum for each unit and
// group, and maxPortion the time, as a table has a covariance for every pair of groups.
const (
	maxSums    = 1 << 22
	maxPortion = 100
)

// portions are the groups, few enough at a time; to be compared they have to be together.
func (e *estimation) portions() iter.Seq[analysis.FactorColumn] {
	units, groups := len(e.design.PSUs()), len(e.groups)
	if len(e.command.FPC) > 1 {
		units = e.data.rows
	}
	size := min(max(1, maxSums/units), maxPortion)
	return func(yield func(analysis.FactorColumn) bool) {
		if e.command.Compare != "none" || groups <= size {
			yield(e.factor)
			return
		}
		for from := 0; from < groups; from += size {
			to := min(from+size, groups)
			f := analysis.FactorColumn{Factor: analysis.Factor{ID: e.factor.ID, Levels: e.factor.Levels[from:to]}, Level: make([]int, e.data.rows)}
			for i, g := range e.factor.Level {
				f.Level[i] = -1
				if g >= from && g < to {
					f.Level[i] = g - from
				}
			}
			if !yield(f) {
				return
			}
		}
	}
}

// add keeps the estimates of all groups.
func (e *estimation) add(r request, own []analysis.Estimate) {
	for g, estimate := range own {
		e.results = append(e.results, result{request: r, Estimate: estimate, group: e.groups[g]})
	}
}

// ratio estimates a ratio for one group after another.
func (e *estimation) ratio(r request) error {
	y, err := e.data.numbers(r.column)
	if err != nil {
		return err
	}
	x, err := e.data.numbers(r.over)
	if err != nil {
		return err
	}
	own := make([]analysis.Estimate, len(e.groups))
	for g := range own {
		if own[g], err = e.from.Ratio(y, x, e.people(g)); err != nil {
			return fmt.Errorf("%s of %s%s: %w", r.estimator, r.variable, e.describe(g), err)
		}
	}
	e.add(r, own)
	return e.compare(r, own, func(g, h int) (analysis.Estimate, error) { return e.ratioDifference(y, x, g, h) })
}

// quantile estimates a quantile for every group.
func (e *estimation) quantile(r request) error {
	y, err := e.data.numbers(r.column)
	if err != nil {
		return err
	}
	settings := analysis.QuantileSettings{Rule: analysis.QuantileRule(e.command.QuantileRule)}
	var own []analysis.Estimate
	if e.sample != nil {
		for g := range e.groups {
			estimate, err := e.sample.Quantile(y, e.people(g), settings, r.share)
			if err != nil {
				return fmt.Errorf("%s of %s%s: %w", r.estimator, r.variable, e.describe(g), err)
			}
			own = append(own, estimate)
		}
		e.add(r, own)
		return nil
	}
	for factor := range e.portions() {
		groups, err := e.design.QuantileTable(y, e.selected, settings, r.share, factor)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", r.estimator, r.variable, err)
		}
		for _, g := range groups {
			own = append(own, g.Estimate)
		}
	}
	e.add(r, own)
	return nil
}

// people are the rows of a group.
func (e *estimation) people(g int) []bool {
	in := make([]bool, e.data.rows)
	for i, k := range e.factor.Level {
		in[i] = k == g && (e.selected == nil || e.selected[i])
	}
	return in
}

// describe names a group in a message.
func (e *estimation) describe(g int) string {
	var b strings.Builder
	for k, level := range e.groups[g] {
		fmt.Fprintf(&b, ", %s=%s", e.command.By[k], level)
	}
	return b.String()
}

// split makes the groups: every crossing of the columns of --by that occurs in the
// file, in order. Without columns everybody is one group.
func (e *estimation) split(where []whereCondition) error {
	if len(where) > 0 {
		var err error
		if e.selected, err = e.data.satisfying(where); err != nil {
			return err
		}
		if !slices.Contains(e.selected, true) {
			return fmt.Errorf("no row satisfies --where %s", strings.Join(e.command.Where, " and "))
		}
	}
	e.factor.ID = "--by " + strings.Join(e.command.By, ",")
	e.factor.Level, e.groups = e.data.crossing(e.command.By)
	if len(e.groups) == 0 {
		return fmt.Errorf("no row has a value in %s; leave out --by, or one of its columns", strings.Join(e.command.By, " and "))
	}
	for _, levels := range e.groups {
		e.factor.Levels = append(e.factor.Levels, strings.Join(levels, ","))
	}
	for i, g := range e.factor.Level {
		if g < 0 && (e.selected == nil || e.selected[i]) {
			e.outside++
		}
	}
	return nil
}

// cv is the coefficient of variation, SE/|value|.
func (r result) cv() float64 {
	if r.Value == 0 {
		return math.NaN()
	}
	return r.SE / math.Abs(r.Value)
}
