package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
)

// An oracleFile is one data set with its designs and cases.
type oracleFile struct {
	Dataset string
	Designs designs
	Cases   []Case
}

// designs are those of a file by name; a file of formulas has an empty list instead.
type designs map[string]designSpec

// UnmarshalJSON reads either.
func (d *designs) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return nil
	}
	return json.Unmarshal(b, (*map[string]designSpec)(d))
}

// A designSpec is a design of an oracle file, as written there.
type designSpec struct {
	Base           string
	Data           string
	Rows           rows
	IDs            any `json:"ids"`
	Strata         any
	Weights        any
	FPC            any    `json:"fpc"`
	FPCIs          string `json:"fpc_is"`
	Nest           bool   // of no consequence: our PSUs are always named within their stratum
	Derived        map[string]string
	BaseRows       rows `json:"base_rows"` // those before nonresponse
	Nonresponse    fields
	LonelyPSU      string `json:"lonely_psu"`
	LoneInDomains  bool   `json:"lonely_psu_in_domains"`
	Rake           *struct{ Margins []margin }
	Poststratify   *margin
	Calibrate      fields
	Trim           fields
	Replicate      fields
	PPS            fields `json:"pps"`
	Probs          string
	Phase1, Phase2 any
	Method         string
	DF             string // "design": degrees of freedom of the whole design for every domain
}

// rows are the rows that a design keeps: those that satisfy all conditions. Rows given
// in words cannot be read.
type rows struct {
	conditions []condition
	words      string
}

// UnmarshalJSON reads either.
func (r *rows) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &r.words)
	}
	return json.Unmarshal(b, &r.conditions)
}

// A margin is a classification with known counts.
type margin struct {
	By         string
	Population map[string]float64
}

// A condition on one column.
type condition struct {
	Var   string
	Op    string
	Value any
}

// A Case is one number, or a few that belong together, with its tolerance.
type Case struct {
	ID, Dataset, Design, Estimator, Variable, Level string

	Domain       []condition
	Params       fields
	Estimate, SE any // a number or a list of numbers
	Extra        fields
	Tolerance    struct{ Rel, Abs float64 }
}

// fields are the parts of a case that differ from kind to kind.
type fields map[string]any

// has says whether a field is there.
func (f fields) has(name string) bool { _, known := f[name]; return known }

// sub is a field that has fields.
func (f fields) sub(name string) fields {
	m, _ := f[name].(map[string]any)
	return m
}

// text is a field that is a string, "" when it is not there.
func (f fields) text(name string) string { s, _ := f[name].(string); return s }

// truth is a field that is true or false.
func (f fields) truth(name string) bool { b, _ := f[name].(bool); return b }

// number is a field that is a number; NaN when it is not there or is "NaN".
func (f fields) number(name string) float64 { return number(f[name]) }

// numbers is a field that is a list of numbers, or one number.
func (f fields) numbers(name string) []float64 { return numbers(f[name]) }

// texts is a field that is a list of strings, or one string.
func (f fields) texts(name string) []string { return texts(f[name]) }

// matrix is a field that is a list of lists of numbers.
func (f fields) matrix(name string) [][]float64 {
	rows, _ := f[name].([]any)
	m := make([][]float64, len(rows))
	for i, r := range rows {
		m[i] = numbers(r)
	}
	return m
}

// cells is a field that lists cells: the level of each factor.
func (f fields) cells(name string) []map[string]string {
	list, _ := f[name].([]any)
	cells := make([]map[string]string, len(list))
	for i, c := range list {
		cells[i] = make(map[string]string)
		for id, level := range c.(map[string]any) {
			cells[i][id] = fmt.Sprint(level)
		}
	}
	return cells
}

// condition is a field that is a condition.
func (f fields) condition(name string) condition {
	c, _ := f[name].(map[string]any)
	variable, _ := c["var"].(string)
	op, _ := c["op"].(string)
	return condition{Var: variable, Op: op, Value: c["value"]}
}

// number reads a value of a file. R's infinite and missing values are strings there.
func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case string:
		switch v {
		case "Inf":
			return math.Inf(1)
		case "-Inf":
			return math.Inf(-1)
		}
	}
	return math.NaN()
}

func numbers(v any) []float64 {
	list, isList := v.([]any)
	switch {
	case v == nil:
		return nil
	case !isList:
		return []float64{number(v)}
	}
	x := make([]float64, len(list))
	for i, y := range list {
		x[i] = number(y)
	}
	return x
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		x := make([]string, len(v))
		for i, y := range v {
			x[i] = fmt.Sprint(y)
		}
		return x
	}
	return nil
}

func readJSON(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
