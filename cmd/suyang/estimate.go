package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
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

	By    []string `placeholder:"COLUMN" help:"Estimate apart for every crossing of these columns."`
	Where []string `sep:"none" placeholder:"CONDITION" help:"Estimate for those who satisfy it, such as 'age>=18 and sex=F'; the design stays whole."`

	CI           string   `name:"ci" default:"logit" enum:"logit,xlogit,mean,asin,wilson,beta,likelihood" help:"Interval of proportions: ${enum}."`
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
	conditions, err := parseWhere(c.Where)
	if err != nil {
		return err
	}
	data, err := readCSV(con.in, c.File, c.columns(requests, conditions), c.Missing)
	if err != nil {
		return err
	}
	e := &estimation{command: c, data: data}
	if e.design, err = c.design(data); err != nil {
		return err
	}
	if e.groups, err = e.split(conditions); err != nil {
		return err
	}
	if n := e.outside; n > 0 {
		con.say("%s: %d rows are in no group: they have no value in %s", data.name, n, strings.Join(c.By, " or "))
	}
	for _, r := range requests {
		if err := e.estimate(r); err != nil {
			return err
		}
	}
	return e.write(con.out)
}

// A request is one thing to estimate.
type request struct {
	estimator    string
	variable     string  // as asked for
	column, over string  // over is the denominator of a ratio
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
	if len(all) == 0 {
		return nil, errors.New("nothing to estimate; ask for --mean, --proportion, --total, --count, --ratio or --quantile")
	}
	return all, nil
}

func orAll(column string) string {
	if column == "" {
		return "all"
	}
	return column
}

// columns lists the columns that are needed.
func (c *estimateCommand) columns(requests []request, where []whereCondition) []string {
	need := slices.Concat([]string{c.Weights}, c.Strata, c.PSU, c.FPC, c.By)
	for _, r := range requests {
		need = append(need, r.column, r.over)
	}
	for _, w := range where {
		need = append(need, w.column)
	}
	return slices.DeleteFunc(need, func(name string) bool { return name == "" })
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
		return nil, fmt.Errorf("%s: %w", data.name, err)
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
	command *estimateCommand
	data    *csvData
	design  *analysis.Design
	groups  []peopleGroup
	outside int // rows that --where selects but that have no group
	results []result
}

// A peopleGroup is one crossing of the columns of --by.
type peopleGroup struct {
	levels []string
	in     []bool // of each row
}

// A result is one line of the answer.
type result struct {
	request
	analysis.Estimate
	group []string
}

// estimate answers one request for every group.
func (e *estimation) estimate(r request) error {
	y, x, err := e.values(r)
	if err != nil {
		return err
	}
	if r.estimator == "proportion" && r.level == "" && y == nil {
		for _, level := range e.data.levels(r.column) {
			r.level = level
			if err := e.each(r, e.data.indicator(r.column, level), nil); err != nil {
				return err
			}
		}
		return nil
	}
	return e.each(r, y, x)
}

// values reads the numbers a request works on: nil for all values of a classification.
func (e *estimation) values(r request) (y, x []float64, err error) {
	switch {
	case r.estimator == "count" && r.column == "":
		y = make([]float64, e.data.rows)
		for i := range y {
			y[i] = 1
		}
		return y, nil, nil
	case r.level != "":
		if !slices.Contains(e.data.levels(r.column), r.level) {
			return nil, nil, fmt.Errorf("%s: nobody has %s=%s; the values are: %s", e.data.name, r.column, r.level, shortList(e.data.levels(r.column)))
		}
		return e.data.indicator(r.column, r.level), nil, nil
	case r.estimator == "proportion" && !e.data.zeroOne(r.column):
		return nil, nil, nil
	}
	if y, err = e.data.numbers(r.column); err != nil || r.over == "" {
		return y, nil, err
	}
	x, err = e.data.numbers(r.over)
	return y, x, err
}

// each estimates for one group after another.
func (e *estimation) each(r request, y, x []float64) error {
	for _, g := range e.groups {
		estimate, err := e.one(r, y, x, g.in)
		if err != nil {
			return fmt.Errorf("%s: %s of %s%s: %w", e.data.name, r.estimator, r.variable, e.describe(g), err)
		}
		e.results = append(e.results, result{request: r, Estimate: estimate, group: g.levels})
	}
	return nil
}

func (e *estimation) one(r request, y, x []float64, in []bool) (analysis.Estimate, error) {
	switch r.estimator {
	case "mean":
		return e.design.Mean(y, in)
	case "proportion":
		return e.design.Proportion(y, in)
	case "ratio":
		return e.design.Ratio(y, x, in)
	case "quantile":
		q, err := e.design.Quantile(y, in, analysis.QuantileSettings{Rule: analysis.QuantileRule(e.command.QuantileRule)}, r.share)
		if err != nil {
			return analysis.Estimate{}, err
		}
		return q[0], nil
	}
	return e.design.Total(y, in)
}

// describe names a group in a message.
func (e *estimation) describe(g peopleGroup) string {
	var b strings.Builder
	for k, level := range g.levels {
		fmt.Fprintf(&b, ", %s=%s", e.command.By[k], level)
	}
	return b.String()
}

// split makes the groups: every crossing of the columns of --by that occurs in the
// file, in order, restricted to those whom --where selects.
func (e *estimation) split(where []whereCondition) ([]peopleGroup, error) {
	selected, err := e.data.satisfying(where)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(selected, true) {
		return nil, fmt.Errorf("%s: no row satisfies --where %s", e.data.name, strings.Join(e.command.Where, " and "))
	}
	by := e.command.By
	if len(by) == 0 {
		return []peopleGroup{{in: selected}}, nil
	}
	codes, levels := e.data.crossing(by)
	groups := make([]peopleGroup, len(levels))
	for g := range groups {
		groups[g] = peopleGroup{levels: levels[g], in: make([]bool, e.data.rows)}
	}
	for i, g := range codes {
		switch {
		case !selected[i]:
		case g < 0:
			e.outside++
		default:
			groups[g].in[i] = true
		}
	}
	return groups, nil
}

// cv is the coefficient of variation, SE/|value|.
func (r result) cv() float64 {
	if r.Value == 0 {
		return math.NaN()
	}
	return r.SE / math.Abs(r.Value)
}
