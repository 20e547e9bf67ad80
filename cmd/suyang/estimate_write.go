package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// write prints the results in the format asked for.
func (e *estimation) write(out io.Writer) error {
	switch e.command.Format {
	case "csv":
		return e.writeCSV(out)
	case "json":
		return e.writeJSON(out)
	}
	return e.writeTable(out)
}

// estimatesSchema is the version of the JSON: it changes when a field changes its
// meaning or goes away.
const estimatesSchema = 1

// The JSON of estimates. Numbers have full precision; one that does not exist is null.
type (
	jsonEstimates struct {
		Schema    int            `json:"schema"`
		File      string         `json:"file"`
		Rows      int            `json:"rows"`
		Design    jsonDesign     `json:"design"`
		Settings  jsonSettings   `json:"settings"`
		Where     []string       `json:"where"`
		Estimates []jsonEstimate `json:"estimates"`
		// Differences and Tests are there when they were asked for.
		Differences []jsonDifference `json:"differences,omitempty"`
		Tests       []jsonTest       `json:"tests,omitempty"`
	}
	jsonDesign struct {
		Weights string   `json:"weights,omitempty"`
		Strata  []string `json:"strata,omitempty"`
		PSU     []string `json:"psu,omitempty"`
		FPC     []string `json:"fpc,omitempty"`
		NStrata int      `json:"n_strata"`
		NPSU    int      `json:"n_psu"`
		// Replicates is there when variances are those of replicates.
		Replicates *jsonReplicates `json:"replicates,omitempty"`
	}
	jsonSettings struct {
		Level   float64 `json:"level"`
		CI      string  `json:"ci"`
		DF      string  `json:"df"`
		LonePSU string  `json:"lone_psu"`
		// Those that hold for some estimators only.
		QuantileRule string   `json:"quantile_rule,omitempty"`
		Standard     string   `json:"standard,omitempty"`
		Missing      []string `json:"missing"`
	}
	jsonEstimate struct {
		Estimator string            `json:"estimator"`
		Variable  string            `json:"variable"`
		Level     string            `json:"level,omitempty"`
		By        map[string]string `json:"by,omitempty"`
		Estimate  jsonNumber        `json:"estimate"`
		SE        jsonNumber        `json:"se"`
		Lower     jsonNumber        `json:"lower"`
		Upper     jsonNumber        `json:"upper"`
		DF        jsonNumber        `json:"df"`
		N         int               `json:"n"`
		Weighted  jsonNumber        `json:"weighted"`
		DEff      jsonNumber        `json:"deff"`
		DEffWOR   jsonNumber        `json:"deff_wor"`
		CV        jsonNumber        `json:"cv"`
		Notes     []jsonNote        `json:"notes"`
	}
	jsonDifference struct {
		Estimator string            `json:"estimator"`
		Variable  string            `json:"variable"`
		Level     string            `json:"level,omitempty"`
		By        map[string]string `json:"by"`
		Minus     map[string]string `json:"minus"`
		Estimate  jsonNumber        `json:"estimate"`
		SE        jsonNumber        `json:"se"`
		Lower     jsonNumber        `json:"lower"`
		Upper     jsonNumber        `json:"upper"`
		DF        jsonNumber        `json:"df"`
		P         jsonNumber        `json:"p"`
		PHolm     jsonNumber        `json:"p_holm"`
		N         int               `json:"n"`
		Notes     []jsonNote        `json:"notes"`
	}
	jsonTest struct {
		Test      string            `json:"test"`
		Rows      string            `json:"rows"`
		Columns   string            `json:"columns"`
		By        map[string]string `json:"by,omitempty"`
		ChiSquare jsonNumber        `json:"chi_square"`
		Statistic jsonNumber        `json:"statistic"`
		DF1       jsonNumber        `json:"df1"`
		DF2       jsonNumber        `json:"df2"`
		P         jsonNumber        `json:"p"`
		N         int               `json:"n"`
		Notes     []jsonNote        `json:"notes"`
	}
	jsonNote struct {
		Code    string     `json:"code"`
		Subject string     `json:"subject,omitempty"`
		Value   jsonNumber `json:"value"`
	}
)

// jsonNumber is null where the number does not exist; infinite degrees of freedom are
// the text "infinite".
type jsonNumber float64

// MarshalJSON writes all digits.
func (x jsonNumber) MarshalJSON() ([]byte, error) {
	switch v := float64(x); {
	case math.IsNaN(v):
		return []byte("null"), nil
	case math.IsInf(v, 0):
		return []byte(`"infinite"`), nil
	default:
		return []byte(digits(v)), nil
	}
}

// digits writes a number so that it reads back as the same, with an exponent only where
// it is very large or small.
func digits(x float64) string {
	if size := math.Abs(x); size != 0 && (size < 1e-6 || size >= 1e15) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func (e *estimation) writeJSON(out io.Writer) error {
	c := e.command
	all := jsonEstimates{
		Schema: estimatesSchema, File: e.data.name, Rows: e.data.rows,
		Design: jsonDesign{Weights: c.Weights, Strata: c.Strata, PSU: c.PSU, FPC: c.FPC,
			NStrata: e.design.Strata(), NPSU: len(e.design.PSUs()), Replicates: e.jsonReplicates()},
		Settings: jsonSettings{Level: c.Level, CI: c.CI, DF: c.DF, LonePSU: c.LonePSU, Missing: c.Missing},
		Where:    append([]string{}, c.Where...), Estimates: []jsonEstimate{},
	}
	if len(c.Quantile) > 0 {
		all.Settings.QuantileRule = c.QuantileRule
	}
	if c.Standard != "none" {
		all.Settings.Standard = c.Standard
	}
	for _, r := range e.results {
		all.Estimates = append(all.Estimates, e.json(r))
	}
	for _, d := range e.differences {
		all.Differences = append(all.Differences, jsonDifference{
			Estimator: d.estimator, Variable: d.variable, Level: d.level, By: c.named(d.group), Minus: c.named(d.minus),
			Estimate: jsonNumber(d.Value), SE: jsonNumber(d.SE), Lower: jsonNumber(d.Lo), Upper: jsonNumber(d.Hi),
			DF: jsonNumber(d.Estimate.DF), P: jsonNumber(d.p), PHolm: jsonNumber(d.holm), N: d.N, Notes: jsonNotes(d.Notes),
		})
	}
	for _, t := range e.tests {
		all.Tests = append(all.Tests, jsonTest{
			Test: t.Method, Rows: t.column, Columns: t.over, By: c.named(t.group),
			ChiSquare: jsonNumber(t.ChiSquare), Statistic: jsonNumber(t.Statistic), DF1: jsonNumber(t.DF1), DF2: jsonNumber(t.DF2),
			P: jsonNumber(t.P), N: t.N, Notes: jsonNotes(t.Notes),
		})
	}
	w := json.NewEncoder(out)
	w.SetIndent("", "  ")
	w.SetEscapeHTML(false)
	return w.Encode(all)
}

func (e *estimation) json(r result) jsonEstimate {
	return jsonEstimate{
		Estimator: r.estimator, Variable: r.variable, Level: r.level, By: e.command.named(r.group),
		Estimate: jsonNumber(r.Value), SE: jsonNumber(r.SE), Lower: jsonNumber(r.Lo), Upper: jsonNumber(r.Hi),
		DF: jsonNumber(r.Estimate.DF), N: r.N, Weighted: jsonNumber(r.Weighted), DEff: jsonNumber(r.DEff), DEffWOR: jsonNumber(r.DEffWOR), CV: jsonNumber(r.cv()),
		Notes: jsonNotes(r.Notes),
	}
}

// named are the levels of a group by column; nil without --by.
func (c *estimateCommand) named(group []string) map[string]string {
	if len(group) == 0 {
		return nil
	}
	by := make(map[string]string)
	for k, level := range group {
		by[c.By[k]] = level
	}
	return by
}

func jsonNotes(notes []analysis.Note) []jsonNote {
	all := []jsonNote{}
	for _, n := range notes {
		all = append(all, jsonNote{Code: string(n.Code), Subject: n.Subject, Value: jsonNumber(n.Value)})
	}
	return all
}

// writeCSV writes one line for each estimate, and with --compare for each difference,
// which names the group taken away in columns of its own. A number that does not exist
// is empty.
func (e *estimation) writeCSV(out io.Writer) error {
	if len(e.tests) > 0 {
		return e.writeTestsCSV(out)
	}
	by, compared := e.command.By, e.command.Compare != "none"
	header := append([]string{"estimator", "variable", "level"}, by...)
	if compared {
		for _, column := range by {
			header = append(header, "minus_"+column)
		}
	}
	header = append(header, "estimate", "se", "lower", "upper", "df", "n", "weighted", "deff", "cv", "notes")
	if compared {
		header = append(header, "p", "p_holm")
	}
	lines := [][]string{header}
	add := func(r request, group, minus []string, x analysis.Estimate, cv float64, p ...float64) {
		line := append([]string{r.estimator, r.variable, r.level}, group...)
		if compared {
			line = append(line, minus...)
		}
		line = append(line, csvNumbers(x.Value, x.SE, x.Lo, x.Hi, x.DF, float64(x.N), x.Weighted, x.DEff, cv)...)
		line = append(line, codes(x.Notes))
		if compared {
			line = append(line, csvNumbers(p...)...)
		}
		lines = append(lines, line)
	}
	nan := math.NaN()
	for _, r := range e.results {
		add(r.request, r.group, make([]string, len(by)), r.Estimate, r.cv(), nan, nan)
	}
	for _, d := range e.differences {
		add(d.request, d.group, d.minus, d.Estimate, nan, d.p, d.holm)
	}
	return csv.NewWriter(out).WriteAll(lines)
}

// writeTestsCSV writes one line for each test.
func (e *estimation) writeTestsCSV(out io.Writer) error {
	header := append([]string{"test", "rows", "columns"}, e.command.By...)
	lines := [][]string{append(header, "chi_square", "statistic", "df1", "df2", "p", "n", "notes")}
	for _, t := range e.tests {
		line := append([]string{t.Method, t.column, t.over}, t.group...)
		line = append(line, csvNumbers(t.ChiSquare, t.Statistic, t.DF1, t.DF2, t.P, float64(t.N))...)
		lines = append(lines, append(line, codes(t.Notes)))
	}
	return csv.NewWriter(out).WriteAll(lines)
}

// codes joins the codes of notes.
func codes(notes []analysis.Note) string {
	all := make([]string, len(notes))
	for i, n := range notes {
		all[i] = string(n.Code)
	}
	return strings.Join(all, " ")
}

func csvNumbers(numbers ...float64) []string {
	texts := make([]string, len(numbers))
	for i, x := range numbers {
		texts[i] = csvNumber(x)
	}
	return texts
}

func csvNumber(x float64) string {
	switch {
	case math.IsNaN(x):
		return ""
	case math.IsInf(x, 0):
		return "infinite"
	}
	return digits(x)
}

// writeTable writes for people: numbers of one kind with the same decimals, and the
// notes below.
func (e *estimation) writeTable(out io.Writer) error {
	var notes footnotes
	var parts []string
	for _, lines := range [][][]string{e.estimateLines(&notes), e.differenceLines(&notes), e.testLines(&notes)} {
		if len(lines) > 1 { // the first has the names of the columns
			parts = append(parts, aligned(lines))
		}
	}
	text := strings.Join(parts, "\n")
	text += e.variance()
	for k, note := range notes {
		text += fmt.Sprintf("[%d] %s\n", k+1, note)
	}
	_, err := io.WriteString(out, text)
	return err
}

// aligned writes lines with the fields below each other; a Chinese character is as wide
// as two others.
func aligned(lines [][]string) string {
	var widths []int
	for _, fields := range lines {
		for k, x := range fields {
			if k == len(widths) {
				widths = append(widths, 0)
			}
			widths[k] = max(widths[k], uniseg.StringWidth(x))
		}
	}
	var b strings.Builder
	for _, fields := range lines {
		var line strings.Builder
		for k, x := range fields {
			line.WriteString(x)
			line.WriteString(strings.Repeat(" ", widths[k]-uniseg.StringWidth(x)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// interval is the name of the column of intervals.
func (e *estimation) interval() string {
	return strconv.FormatFloat(100*e.command.Level, 'f', -1, 64) + "% interval"
}

// estimateLines are the lines of the estimates.
func (e *estimation) estimateLines(notes *footnotes) [][]string {
	columns := append([]string{"", ""}, e.command.By...)
	lines := [][]string{append(columns, "estimate", "SE", e.interval(), "df", "n", "deff", "CV", "")}
	for _, r := range e.results {
		decimals := e.decimals(r.request)
		number := func(x float64) string { return show.Number(x, decimals) }
		line := append([]string{r.estimator, r.name()}, r.group...)
		lines = append(lines, append(line, number(r.Value), number(r.SE), number(r.Lo)+" – "+number(r.Hi),
			show.Number(r.Estimate.DF, 0), show.Count(r.N), show.Number(r.DEff, 2), show.Percent(r.cv(), 1), notes.marks(r.Notes)))
	}
	return lines
}

// differenceLines are those of the differences.
func (e *estimation) differenceLines(notes *footnotes) [][]string {
	lines := [][]string{{"difference", "", "", "estimate", "SE", e.interval(), "df", "n", "P", "P (Holm)", ""}}
	for _, d := range e.differences {
		decimals := e.decimals(d.request)
		number := func(x float64) string { return show.Number(x, decimals) }
		lines = append(lines, []string{d.estimator, d.name(), strings.Join(d.group, ", ") + " less " + strings.Join(d.minus, ", "),
			number(d.Value), number(d.SE), number(d.Lo) + " – " + number(d.Hi), show.Number(d.Estimate.DF, 0), show.Count(d.N),
			probability(d.p), probability(d.holm), notes.marks(d.Notes)})
	}
	return lines
}

// testLines are those of the tests of independence.
func (e *estimation) testLines(notes *footnotes) [][]string {
	columns := append([]string{"independence", ""}, e.command.By...)
	lines := [][]string{append(columns, "F", "df", "n", "P", "")}
	for _, t := range e.tests {
		line := append([]string{"Rao–Scott", t.column + " and " + t.over}, t.group...)
		lines = append(lines, append(line, show.Number(t.Statistic, 2), show.Number(t.DF1, 2)+", "+show.Number(t.DF2, 1),
			show.Count(t.N), probability(t.P), notes.marks(t.Notes)))
	}
	return lines
}

// probability writes a P value with three digits, the small ones as a limit.
func probability(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return show.Number(p, 3)
}

// name is the variable with its level.
func (r request) name() string {
	if r.level != "" {
		return r.variable + "=" + r.level
	}
	return r.variable
}

// decimals lets the smallest standard error among the results of the same estimator
// and variable have two digits.
func (e *estimation) decimals(of request) int {
	least := math.Inf(1)
	for _, r := range e.results {
		if r.estimator == of.estimator && r.variable == of.variable && r.SE > 0 {
			least = min(least, r.SE)
		}
	}
	if math.IsInf(least, 1) {
		return 3
	}
	return min(max(1-int(math.Floor(math.Log10(least))), 0), 9)
}

// footnotes are the notes of a table, each text once.
type footnotes []string

// marks are the numbers of the footnotes of a result, such as "[1][3]".
func (f *footnotes) marks(notes []analysis.Note) string {
	var marks []string
	for _, n := range notes {
		text := noteText(n)
		at := slices.Index(*f, text)
		if at < 0 {
			at = len(*f)
			*f = append(*f, text)
		}
		if mark := fmt.Sprintf("[%d]", at+1); !slices.Contains(marks, mark) {
			marks = append(marks, mark)
		}
	}
	return strings.Join(marks, "")
}

// noteText says in a sentence what a note means.
func noteText(n analysis.Note) string {
	switch n.Code {
	case analysis.FewRespondents:
		return "few respondents"
	case analysis.FewPSUs:
		return "few degrees of freedom: the standard error itself is uncertain"
	case analysis.LonePSU:
		return "strata with one PSU: " + n.Subject
	case analysis.LargeWeights:
		return "weights differ much"
	case analysis.WideInterval:
		return "wide interval"
	case analysis.NoVariation:
		return "everybody gave the same answer"
	case analysis.ZeroVariance:
		return "the standard error is zero: everybody is in the sample, or no PSU differs from the others"
	case analysis.MergedStrata:
		return "strata with one PSU, merged: " + n.Subject
	case analysis.NotConverged:
		return "the weights did not converge"
	case assess.StaleWeights:
		return fmt.Sprintf("%.0f cases with a weight in %s no longer count; weigh again", n.Value, n.Subject)
	case assess.LateCases:
		return fmt.Sprintf("%.0f cases that count have no weight in %s; weigh again", n.Value, n.Subject)
	case analysis.LostReplicates:
		return "does not exist in some replicates, which are left out"
	case analysis.Empty:
		return "nobody in the group"
	case analysis.Suppress:
		return "not to be published by the presentation standard"
	case analysis.Review:
		return "to be reviewed before publication: " + n.Subject
	}
	return strings.TrimSpace(string(n.Code) + " " + n.Subject)
}
