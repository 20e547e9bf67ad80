package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// csvData are the columns of a CSV file that an estimation needs. A field is missing
// when it is "".
type csvData struct {
	name    string
	rows    int
	lines   []int // of the file, on which each row begins
	columns map[string][]string
}

// readCSV reads the named columns of a file, or of in when the name is "-". Texts of
// missing become "".
func readCSV(in io.Reader, name string, columns, missing []string) (*csvData, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	} else {
		name = "standard input"
	}
	d := &csvData{name: name, columns: make(map[string][]string)}
	if err := d.read(in, columns, missing); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if d.rows == 0 {
		return nil, fmt.Errorf("%s: no rows below the names of the columns", name)
	}
	return d, nil
}

func (d *csvData) read(in io.Reader, columns, missing []string) error {
	r := csv.NewReader(bufio.NewReader(in))
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty; its first line names the columns")
	}
	if err != nil {
		return err
	}
	places, err := findColumns(header, columns)
	if err != nil {
		return err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		d.lines = append(d.lines, line)
		d.rows++
		for name, place := range places {
			x := strings.TrimSpace(record[place])
			if slices.Contains(missing, x) {
				x = ""
			}
			d.columns[name] = append(d.columns[name], strings.Clone(x))
		}
	}
}

// findColumns says where the columns stand.
func findColumns(header, columns []string) (map[string]int, error) {
	names := make([]string, len(header))
	for k, h := range header {
		names[k] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
	}
	places := make(map[string]int)
	for _, name := range columns {
		k := slices.Index(names, name)
		if k < 0 {
			return nil, fmt.Errorf("no column %q; there are: %s", name, shortList(names))
		}
		if slices.Contains(names[k+1:], name) {
			return nil, fmt.Errorf("two columns are called %q; rename one", name)
		}
		places[name] = k
	}
	return places, nil
}

// shortList names up to thirty things.
func shortList(names []string) string {
	const most = 30
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// at names a row in a message.
func (d *csvData) at(row int) string { return fmt.Sprintf("%s:%d", d.name, d.lines[row]) }

// numbers reads a column; missing is NaN.
func (d *csvData) numbers(column string) ([]float64, error) {
	y := make([]float64, d.rows)
	for i, x := range d.columns[column] {
		if x == "" {
			y[i] = math.NaN()
			continue
		}
		v, err := strconv.ParseFloat(x, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s: %s is %q, which is no number; if it means a missing value, name it in --missing", d.at(i), column, x)
		}
		y[i] = v
	}
	return y, nil
}

// weights reads the column of weights, which has to be whole; without a column all are 1.
func (d *csvData) weights(column string) ([]float64, error) {
	w := make([]float64, d.rows)
	if column == "" {
		for i := range w {
			w[i] = 1
		}
		return w, nil
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
	joined := make([]string, d.rows)
	for k, name := range columns {
		for i, x := range d.columns[name] {
			if x == "" {
				return nil, d.errMissing(i, name)
			}
			if k > 0 {
				x = joined[i] + "/" + x
			}
			joined[i] = x
		}
	}
	return joined, nil
}

// zeroOne says whether a column has only 0 and 1.
func (d *csvData) zeroOne(column string) bool {
	for _, x := range d.columns[column] {
		if x == "" {
			continue
		}
		if v, err := strconv.ParseFloat(x, 64); err != nil || v != 0 && v != 1 {
			return false
		}
	}
	return true
}

// levels lists the values of a column, numbers by size, else by name.
func (d *csvData) levels(column string) []string {
	seen := make(map[string]bool)
	var levels []string
	for _, x := range d.columns[column] {
		if x != "" && !seen[x] {
			seen[x] = true
			levels = append(levels, x)
		}
	}
	slices.Sort(levels)
	numeric := make(map[string]float64, len(levels))
	for _, l := range levels {
		v, err := strconv.ParseFloat(l, 64)
		if err != nil {
			return levels
		}
		numeric[l] = v
	}
	slices.SortStableFunc(levels, func(a, b string) int { return compareFloats(numeric[a], numeric[b]) })
	return levels
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// indicator is 1 where a column has the level, missing where it is missing.
func (d *csvData) indicator(column, level string) []float64 {
	y := make([]float64, d.rows)
	for i, x := range d.columns[column] {
		switch x {
		case "":
			y[i] = math.NaN()
		case level:
			y[i] = 1
		}
	}
	return y
}

// crossing numbers the crossings of columns that occur, the last column fastest. A row
// with a missing value has the number -1.
func (d *csvData) crossing(columns []string) (codes []int, levels [][]string) {
	codes = make([]int, d.rows)
	levels = [][]string{nil}
	for _, name := range columns {
		codes, levels = d.refine(codes, levels, name)
	}
	return codes, levels
}

// refine crosses with one more column.
func (d *csvData) refine(codes []int, before [][]string, column string) ([]int, [][]string) {
	own := d.levels(column)
	index := make(map[string]int, len(own))
	for k, l := range own {
		index[l] = k
	}
	occurs := make([]bool, len(before)*len(own))
	crossed := make([]int, d.rows)
	for i, x := range d.columns[column] {
		crossed[i] = -1
		if x != "" && codes[i] >= 0 {
			crossed[i] = codes[i]*len(own) + index[x]
			occurs[crossed[i]] = true
		}
	}
	place := make([]int, len(occurs))
	var levels [][]string
	for k, yes := range occurs {
		if yes {
			place[k] = len(levels)
			levels = append(levels, append(slices.Clone(before[k/len(own)]), own[k%len(own)]))
		}
	}
	for i, k := range crossed {
		if k >= 0 {
			crossed[i] = place[k]
		}
	}
	return crossed, levels
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
	if _, err := strconv.ParseFloat(c.value, 64); err != nil {
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
	b, err := strconv.ParseFloat(c.value, 64)
	isNumber := err == nil
	for i, x := range d.columns[c.column] {
		if x == "" {
			in[i] = false
			continue
		}
		a, err := strconv.ParseFloat(x, 64)
		same := x == c.value || isNumber && err == nil && a == b
		switch c.op {
		case "=", "==":
			in[i] = in[i] && same
			continue
		case "!=":
			in[i] = in[i] && !same
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %s is %q, which cannot be compared by %s; if it means a missing value, name it in --missing", d.at(i), c.column, x, c.op)
		}
		in[i] = in[i] && ordered(a, c.op, b)
	}
	return nil
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
