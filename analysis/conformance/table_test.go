package conformance

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// A table is a CSV file, by column; an empty field is missing.
type table struct {
	rows     int
	columns  map[string][]string
	declared map[string][]string // levels of a factor in an order of its own
}

// declare puts a level behind those that a factor has.
func (d *table) declare(factor, level string) {
	if d.declared == nil {
		d.declared = make(map[string][]string)
	}
	d.declared[factor] = append(d.declared[factor], level)
}

func readTable(path string) (table, error) {
	f, err := os.Open(path)
	if err != nil {
		return table{}, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return table{}, fmt.Errorf("%s: %w", path, err)
	}
	d := table{rows: len(records) - 1, columns: make(map[string][]string)}
	for k, name := range records[0] {
		column := make([]string, d.rows)
		for i, r := range records[1:] {
			column[i] = r[k]
		}
		d.columns[name] = column
	}
	return d, nil
}

// with returns the table with one more column.
func (d table) with(name string, column []string) table {
	columns := make(map[string][]string, len(d.columns)+1)
	for k, c := range d.columns {
		columns[k] = c
	}
	columns[name] = column
	return table{rows: d.rows, columns: columns, declared: d.declared}
}

// derive returns the table with a column by one of the formulas the files use: a chain
// of numbers and columns joined by - * /, or "1 if x > a else 0".
func (d table) derive(name, formula string) (table, error) {
	words := strings.Fields(formula)
	column := make([]string, d.rows)
	for i := range column {
		v := math.NaN()
		switch {
		case len(words) == 7 && words[1] == "if":
			if d.columns[words[2]] == nil {
				return d, fmt.Errorf("formula %q: no column %q", formula, words[2])
			}
			if x := d.columns[words[2]][i]; x != "" {
				v = float64(btoi(compare(x, words[3], words[4])))
			}
		case len(words)%2 == 1:
			var err error
			if v, err = d.chain(i, words); err != nil {
				return d, err
			}
		default:
			return d, fmt.Errorf("cannot read the formula %q", formula)
		}
		if v == v {
			column[i] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return d.with(name, column), nil
}

// chain computes a - b - c or a * b / c from left to right.
func (d table) chain(row int, words []string) (float64, error) {
	value := func(word string) float64 {
		if column, known := d.columns[word]; known {
			return toNumber(column[row])
		}
		return toNumber(word)
	}
	v := value(words[0])
	for k := 1; k < len(words); k += 2 {
		x := value(words[k+1])
		switch words[k] {
		case "-":
			v -= x
		case "*":
			v *= x
		case "/":
			v /= x
		default:
			return 0, fmt.Errorf("cannot read the formula %q", strings.Join(words, " "))
		}
	}
	return v, nil
}

// where keeps the rows on which all conditions hold.
func (d table) where(conditions []condition) (table, error) {
	if len(conditions) == 0 {
		return d, nil
	}
	holds, err := d.holds(conditions)
	if err != nil {
		return d, err
	}
	kept := table{columns: make(map[string][]string), declared: d.declared}
	for _, in := range holds {
		kept.rows += btoi(in)
	}
	for name, column := range d.columns {
		c := make([]string, 0, kept.rows)
		for i, in := range holds {
			if in {
				c = append(c, column[i])
			}
		}
		kept.columns[name] = c
	}
	return kept, nil
}

// holds says on which rows all conditions hold. One on a missing value does not.
func (d table) holds(conditions []condition) ([]bool, error) {
	in := make([]bool, d.rows)
	for i := range in {
		in[i] = true
	}
	for _, c := range conditions {
		column, known := d.columns[c.Var]
		if !known {
			return nil, fmt.Errorf("no column %q", c.Var)
		}
		value := fmt.Sprint(c.Value)
		for i, x := range column {
			in[i] = in[i] && compare(x, c.Op, value)
		}
	}
	return in, nil
}

// compare is false for a missing value, whatever the comparison. Numbers are compared
// as numbers, other values only for equality.
func compare(x, op, value string) bool {
	if x == "" {
		return false
	}
	a, b := toNumber(x), toNumber(value)
	switch op {
	case "==":
		return x == value || a == b
	case "!=":
		return x != value && a != b
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	case "<=":
		return a <= b
	}
	panic("unknown comparison " + op)
}

// numbers reads a column; a name that is a number is that number for every row.
func (d table) numbers(name string) ([]float64, error) {
	y := make([]float64, d.rows)
	column, exists := d.columns[name]
	constant := toNumber(name)
	if !exists && constant != constant {
		return nil, fmt.Errorf("no column %q", name)
	}
	for i := range y {
		y[i] = constant
		if exists {
			y[i] = toNumber(column[i])
		}
	}
	return y, nil
}

// indicator is 1 where the condition holds, 0 where not, missing where its variable is.
func (d table) indicator(c condition) ([]float64, error) {
	column, known := d.columns[c.Var]
	if !known {
		return nil, fmt.Errorf("no column %q", c.Var)
	}
	y := make([]float64, d.rows)
	value := fmt.Sprint(c.Value)
	for i, x := range column {
		y[i] = float64(btoi(compare(x, c.Op, value)))
		if x == "" {
			y[i] = math.NaN()
		}
	}
	return y, nil
}

// labels joins one or several columns; nil names none.
func (d table) labels(names any) ([]string, error) {
	list := texts(names)
	if list == nil {
		return nil, nil
	}
	joined := make([]string, d.rows)
	for k, name := range list {
		column, known := d.columns[name]
		if !known {
			return nil, fmt.Errorf("no column %q", name)
		}
		for i, x := range column {
			if k > 0 {
				joined[i] += "/"
			}
			joined[i] += x
		}
	}
	return joined, nil
}

// levels lists the values of a column: those declared in their order, others sorted,
// numbers by size and texts by name.
func (d table) levels(name string) []string {
	declared := d.declared[name]
	levels := slices.Clone(d.columns[name])
	slices.SortFunc(levels, func(a, b string) int {
		if i, j := slices.Index(declared, a), slices.Index(declared, b); i >= 0 || j >= 0 {
			return cmp.Compare(uint(i), uint(j)) // -1, not declared, is the largest
		}
		x, y := toNumber(a), toNumber(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return strings.Compare(a, b)
	})
	return slices.DeleteFunc(slices.Compact(levels), func(l string) bool { return l == "" })
}

// factor classifies by a column.
func (d table) factor(name string) (analysis.FactorColumn, error) {
	column, known := d.columns[name]
	if !known {
		return analysis.FactorColumn{}, fmt.Errorf("no column %q", name)
	}
	levels := d.levels(name)
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: name, Levels: levels}, Level: make([]int, d.rows)}
	index := map[string]int{"": -1}
	for k, l := range levels {
		index[l] = k
	}
	for i, x := range column {
		f.Level[i] = index[x]
	}
	return f, nil
}

// margin classifies by a column with known counts.
func (d table) margin(m margin) (weighting.Margin, error) {
	f, err := d.factor(m.By)
	if err != nil {
		return weighting.Margin{}, err
	}
	known := weighting.Margin{Name: m.By, Levels: f.Levels, Level: f.Level}
	for _, l := range f.Levels {
		known.Targets = append(known.Targets, m.Population[l])
	}
	return known, nil
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
