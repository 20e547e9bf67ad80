package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/suyang-survey/suyang/analysis"
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
	}
	jsonDesign struct {
		Weights string   `json:"weights,omitempty"`
		Strata  []string `json:"strata,omitempty"`
		PSU     []string `json:"psu,omitempty"`
		FPC     []string `json:"fpc,omitempty"`
		NStrata int      `json:"n_strata"`
		NPSU    int      `json:"n_psu"`
	}
	jsonSettings struct {
		Level   float64 `json:"level"`
		CI      string  `json:"ci"`
		DF      string  `json:"df"`
		LonePSU string  `json:"lone_psu"`
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

// digits writes a number so that it reads back as the same.
func digits(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

func (e *estimation) writeJSON(out io.Writer) error {
	c := e.command
	all := jsonEstimates{
		Schema: estimatesSchema, File: e.data.name, Rows: e.data.rows,
		Design: jsonDesign{Weights: c.Weights, Strata: c.Strata, PSU: c.PSU, FPC: c.FPC,
			NStrata: e.design.Strata(), NPSU: len(e.design.PSUs())},
		Settings: jsonSettings{Level: c.Level, CI: c.CI, DF: c.DF, LonePSU: c.LonePSU},
		Where:    append([]string{}, c.Where...),
	}
	for _, r := range e.results {
		all.Estimates = append(all.Estimates, e.json(r))
	}
	w := json.NewEncoder(out)
	w.SetIndent("", "  ")
	w.SetEscapeHTML(false)
	return w.Encode(all)
}

func (e *estimation) json(r result) jsonEstimate {
	j := jsonEstimate{
		Estimator: r.estimator, Variable: r.variable, Level: r.level,
		Estimate: jsonNumber(r.Value), SE: jsonNumber(r.SE), Lower: jsonNumber(r.Lo), Upper: jsonNumber(r.Hi),
		DF: jsonNumber(r.Estimate.DF), N: r.N, Weighted: jsonNumber(r.Weighted), DEff: jsonNumber(r.DEff), DEffWOR: jsonNumber(r.DEffWOR), CV: jsonNumber(r.cv()),
		Notes: []jsonNote{},
	}
	for k, level := range r.group {
		if j.By == nil {
			j.By = make(map[string]string)
		}
		j.By[e.command.By[k]] = level
	}
	for _, n := range r.Notes {
		j.Notes = append(j.Notes, jsonNote{Code: string(n.Code), Subject: n.Subject, Value: jsonNumber(n.Value)})
	}
	return j
}

// writeCSV writes one line for each estimate; a number that does not exist is empty.
func (e *estimation) writeCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	header := append([]string{"estimator", "variable", "level"}, e.command.By...)
	lines := [][]string{append(header, "estimate", "se", "lower", "upper", "df", "n", "weighted", "deff", "cv", "notes")}
	for _, r := range e.results {
		line := append([]string{r.estimator, r.variable, r.level}, r.group...)
		for _, x := range []float64{r.Value, r.SE, r.Lo, r.Hi, r.Estimate.DF, float64(r.N), r.Weighted, r.DEff, r.cv()} {
			line = append(line, csvNumber(x))
		}
		var codes []string
		for _, n := range r.Notes {
			codes = append(codes, string(n.Code))
		}
		lines = append(lines, append(line, strings.Join(codes, " ")))
	}
	return w.WriteAll(lines)
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
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	columns := append([]string{"", ""}, e.command.By...)
	columns = append(columns, "estimate", "SE", show.Number(100*e.command.Level, 0)+"% interval", "df", "n", "deff", "CV", "")
	fmt.Fprintln(w, strings.Join(columns, "\t"))
	for i, r := range e.results {
		columns := append([]string{r.estimator, r.name()}, r.group...)
		decimals := e.decimals(i)
		number := func(x float64) string { return show.Number(x, decimals) }
		columns = append(columns, number(r.Value), number(r.SE), number(r.Lo)+" – "+number(r.Hi),
			show.Number(r.Estimate.DF, 0), show.Count(r.N), show.Number(r.DEff, 2), show.Percent(r.cv(), 1), notes.marks(r))
		fmt.Fprintln(w, strings.TrimRight(strings.Join(columns, "\t"), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for k, text := range notes {
		if _, err := fmt.Fprintf(out, "[%d] %s\n", k+1, text); err != nil {
			return err
		}
	}
	return nil
}

// name is the variable with its level.
func (r result) name() string {
	if r.level != "" {
		return r.variable + "=" + r.level
	}
	return r.variable
}

// decimals lets the smallest standard error among the results of the same estimator
// and variable have two digits.
func (e *estimation) decimals(i int) int {
	least := math.Inf(1)
	for _, r := range e.results {
		if r.estimator == e.results[i].estimator && r.variable == e.results[i].variable && r.SE > 0 {
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
func (f *footnotes) marks(r result) string {
	var marks strings.Builder
	for _, n := range r.Notes {
		text := noteText(n)
		at := -1
		for k, known := range *f {
			if known == text {
				at = k
			}
		}
		if at < 0 {
			at = len(*f)
			*f = append(*f, text)
		}
		fmt.Fprintf(&marks, "[%d]", at+1)
	}
	return marks.String()
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
	case analysis.Empty:
		return "nobody in the group"
	case analysis.Suppress:
		return "not to be published by the presentation standard"
	case analysis.Review:
		return "to be reviewed before publication: " + n.Subject
	}
	return strings.TrimSpace(string(n.Code) + " " + n.Subject)
}
