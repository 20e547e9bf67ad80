package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// numbers is a column of numbers; missing is NaN.
func (d *csvData) numbers(column string) ([]float64, error) {
	c := d.numeric[column]
	if c.badText != "" {
		return nil, fmt.Errorf("%s: %s is %q, which is no number such as 1234.5; if it means a missing value, name it in --missing", d.at(c.badRow), column, c.badText)
	}
	return c.values, nil
}

// ones are a 1 for every row.
func (d *csvData) ones() []float64 { return slices.Repeat([]float64{1}, d.rows) }

// weights reads the column of weights, which has to be whole; without a column all are 1.
func (d *csvData) weights(column string) ([]float64, error) {
	if column == "" {
		return d.ones(), nil
	}
	w, err := d.whole(column)
	if err != nil {
		return nil, err
	}
	for i, x := range w {
		if x < 0 {
			return nil, fmt.Errorf("%s: the weight %s is %v; weights are not negative", d.at(i), column, x)
		}
	}
	return w, nil
}

// population reads how many units of a stage the population has, or, where no number is
// above 1, the fraction of them in the sample.
func (d *csvData) population(stage *analysis.Stage, column string) error {
	size, err := d.whole(column)
	if err != nil {
		return err
	}
	for i, x := range size {
		if !(x > 0) {
			return fmt.Errorf("%s: %s is %v; give the number of units in the population, or the fraction of them in the sample", d.at(i), column, x)
		}
	}
	if slices.Max(size) <= 1 {
		stage.Fraction = size
	} else {
		stage.Population = size
	}
	return nil
}

// whole reads a column of the design, in which nothing may be missing.
func (d *csvData) whole(column string) ([]float64, error) {
	y, err := d.numbers(column)
	if err != nil {
		return nil, err
	}
	for i, x := range y {
		if x != x {
			return nil, d.errMissing(i, column)
		}
	}
	return y, nil
}

func (d *csvData) errMissing(row int, column string) error {
	return fmt.Errorf("%s: %s is missing; the design needs it in every row, so fill it in or take the row out with care", d.at(row), column)
}

// labels joins columns of the design to one label; no columns give none.
func (d *csvData) labels(columns []string) ([]string, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	for _, name := range columns {
		if i := slices.Index(d.text[name].code, -1); i >= 0 {
			return nil, d.errMissing(i, name)
		}
	}
	codes, levels := d.crossing(columns)
	names := make([]string, len(levels))
	for k, l := range levels {
		if len(l) > 1 { // else "a/b" and "c" have the name of "a" and "b/c"
			l = slices.Clone(l)
			for i := range l {
				l[i] = strings.ReplaceAll(l[i], "/", "//")
			}
		}
		names[k] = strings.Join(l, "/")
	}
	joined := make([]string, d.rows)
	for i, k := range codes {
		joined[i] = names[k]
	}
	return joined, nil
}

// zeroOne reads a text column as numbers when it has only 0 and 1.
func (d *csvData) zeroOne(column string) (y []float64, yes bool) {
	c := d.text[column]
	values := make([]float64, len(c.texts))
	for k, x := range c.texts {
		v, ok := parseNumber(x)
		if !ok || v != 0 && v != 1 {
			return nil, false
		}
		values[k] = v
	}
	return c.spread(values), true
}

// spread gives every row the value of its text, NaN where it is missing.
func (c *textColumn) spread(values []float64) []float64 {
	y := make([]float64, len(c.code))
	for i, k := range c.code {
		y[i] = math.NaN()
		if k >= 0 {
			y[i] = values[k]
		}
	}
	return y
}

// indicator is 1 where a column has the level, missing where it is missing.
func (d *csvData) indicator(column, level string) []float64 {
	c := d.text[column]
	values := make([]float64, len(c.texts))
	values[c.index[level]] = 1
	return c.spread(values)
}

// levels lists the values of a column, numbers by size, else by name.
func (d *csvData) levels(column string) []string {
	levels := slices.Sorted(slices.Values(d.text[column].texts))
	numbers := make(map[string]float64, len(levels))
	for _, l := range levels {
		v, ok := parseNumber(l)
		if !ok {
			return levels
		}
		numbers[l] = v
	}
	slices.SortStableFunc(levels, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return levels
}

// crossing numbers the crossings of columns that occur, the last column fastest. A row
// with a missing value has the number -1.
func (d *csvData) crossing(columns []string) (codes []int, levels [][]string) {
	codes = make([]int, d.rows)
	levels = [][]string{nil}
	for _, name := range columns {
		levels = d.refine(codes, levels, name)
	}
	return codes, levels
}

// refine crosses with one more column.
func (d *csvData) refine(codes []int, before [][]string, column string) [][]string {
	c, own := d.text[column], d.levels(column)
	order := make([]int, len(own)) // of the texts
	for k, l := range own {
		order[c.index[l]] = k
	}
	place := make(map[int]int)
	for i, text := range c.code {
		if text < 0 || codes[i] < 0 {
			codes[i] = -1
			continue
		}
		codes[i] = codes[i]*len(own) + order[text]
		place[codes[i]] = 0
	}
	var levels [][]string
	for _, k := range slices.Sorted(maps.Keys(place)) {
		place[k] = len(levels)
		levels = append(levels, append(slices.Clone(before[k/len(own)]), own[k%len(own)]))
	}
	for i, k := range codes {
		if k >= 0 {
			codes[i] = place[k]
		}
	}
	return levels
}

// A whereCondition compares a column with a value.
type whereCondition struct{ column, op, value string }

// operators of conditions; the longer ones come before those they begin with.
var operators = []string{">=", "<=", "!=", "==", "=", ">", "<"}

// parseWhere reads conditions joined by "and".
func parseWhere(texts []string) ([]whereCondition, error) {
	var all []whereCondition
	for _, text := range texts {
		for _, part := range strings.Split(text, " and ") {
			c, err := parseCondition(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func parseCondition(text string) (whereCondition, error) {
	at := strings.IndexAny(text, "<>=!")
	if at > 0 {
		for _, op := range operators {
			if value, found := strings.CutPrefix(text[at:], op); found {
				c := whereCondition{column: strings.TrimSpace(text[:at]), op: op, value: strings.Trim(strings.TrimSpace(value), `"'`)}
				if c.value != "" {
					return c, c.check()
				}
			}
		}
	}
	return whereCondition{}, fmt.Errorf("--where %q: write a condition as column, one of %s, and a value, such as age>=18", text, strings.Join(operators, " "))
}

// check finds out whether the value fits the comparison.
func (c whereCondition) check() error {
	if c.op[0] != '<' && c.op[0] != '>' {
		return nil
	}
	if _, ok := parseNumber(c.value); !ok {
		return fmt.Errorf("--where %s%s%s: %q is no number; compare texts with = or !=", c.column, c.op, c.value, c.value)
	}
	return nil
}

// satisfying says which rows satisfy all conditions; a missing value satisfies none.
func (d *csvData) satisfying(where []whereCondition) ([]bool, error) {
	in := make([]bool, d.rows)
	for i := range in {
		in[i] = true
	}
	for _, c := range where {
		if err := d.restrict(in, c); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// restrict takes out the rows that do not satisfy a condition.
func (d *csvData) restrict(in []bool, c whereCondition) error {
	column := d.text[c.column]
	holds := make([]bool, len(column.texts))
	for k, x := range column.texts {
		ok, comparable := c.holds(x)
		if !comparable {
			return fmt.Errorf("%s: %s is %q, which cannot be compared by %s; if it means a missing value, name it in --missing",
				d.at(slices.Index(column.code, int32(k))), c.column, x, c.op)
		}
		holds[k] = ok
	}
	for i, k := range column.code {
		in[i] = in[i] && k >= 0 && holds[k]
	}
	return nil
}

// holds says whether a text satisfies the condition, and whether it can be compared.
func (c whereCondition) holds(x string) (ok, comparable bool) {
	a, isNumber := parseNumber(x)
	b, number := parseNumber(c.value)
	same := x == c.value || isNumber && number && a == b
	switch c.op {
	case "=", "==":
		return same, true
	case "!=":
		return !same, true
	}
	return isNumber && ordered(a, c.op, b), isNumber
}

// ordered compares numbers.
func ordered(a float64, op string, b float64) bool {
	switch op {
	case ">":
		return a > b
	case ">=":
		return a >= b
	case "<":
		return a < b
	}
	return a <= b
}
