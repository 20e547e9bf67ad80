package margins

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// Limits of a table: its bytes, its rows, and the faults that are told one by one.
const (
	maxTable  = 16 << 20
	maxRows   = 100_000
	maxFaults = 20
)

// ReadTable reads the counts of a margin from a CSV file in UTF-8, with or without a
// byte order mark. The first line names the columns; there is one of the ID of each
// factor and one named count. Each further line is a level, or a crossing of levels, with
// its count: a plain number, such as 1234567. Other columns are ignored.
//
// A level stands in the table by its code, or by its values, which are then added up:
// all those of its list, or every whole number of its range, such as single years of age.
// Every crossing must be there, once, with 0 if nobody belongs to it.
//
// All faults are reported at once, each with its line and the way out; name stands for
// the file. Shares in the place of counts are a fault; see ReadShares.
func ReadTable(name string, r io.Reader, factors []assess.Factor, count string) (Margin, error) {
	t, err := readTable(name, r, factors, count)
	if err != nil {
		return Margin{}, err
	}
	for _, row := range t.rows {
		if row.n.percent {
			t.fault(row.line, "%q is a share; give counts, or give the total beside the shares", row.n.text)
		}
	}
	m, err := t.margin(func(n number) float64 { return n.value })
	if err == nil && t.shares() {
		t.fault(1, "the column %q adds up to %.6g, as shares do; give counts, or give the total beside the shares (%.6g if they are counts)", count, t.sum(), t.sum())
		return Margin{}, t.err()
	}
	return m, err
}

// ReadShares reads a margin from a table as ReadTable does, whose column share holds
// percentages that add up to 100, with or without percent signs, or shares that add up to
// 1, within what rounding the last decimal of each explains. The people of a level are
// total × share / Σ share; where the shares do not add up exactly, that is an assumption.
func ReadShares(name string, r io.Reader, factors []assess.Factor, share string, total float64) (Margin, []assess.Assumption, error) {
	if !(total > 0) || math.IsInf(total, 1) {
		return Margin{}, nil, fmt.Errorf("%s: %w: the total of the shares is %v; give the people of the population", name, surveys.ErrInvalid, total)
	}
	t, err := readTable(name, r, factors, share)
	if err != nil {
		return Margin{}, nil, err
	}
	for _, row := range t.rows {
		if row.n.percent != t.rows[0].n.percent {
			t.fault(row.line, "%q: some shares have a percent sign and some have none; write all alike", row.n.text)
		}
	}
	sum := t.sum()
	m, err := t.margin(func(n number) float64 { return total * (n.value / sum) })
	if err != nil {
		return Margin{}, nil, err
	}
	unit := t.unit()
	if unit == 0 {
		t.fault(1, "the shares add up to %.6g; let them add up to 100, or to 1", sum)
		return Margin{}, nil, t.err()
	}
	var assumed []assess.Assumption
	if by := unit/sum - 1; math.Abs(by) > rounding {
		assumed = append(assumed, assess.Assumption{Code: MarginScaled, Subject: m.Name, Value: by})
	}
	return m, assumed, nil
}

// table is what a file says of a margin.
type table struct {
	name    string
	factors []assess.Factor
	rows    []row
	named   []naming // one for each factor
	faults  []error
	untold  int // faults beyond maxFaults
}

// row is one line: what names its level of each factor, those levels, and its number.
type row struct {
	line   int
	texts  []string
	levels []int
	n      number
}

// naming is how a table names the levels of a factor.
type naming struct {
	// texts holds what names each level, in order of appearance; seen holds all of it.
	texts [][]string
	seen  map[string]bool
	// byCode says of each level that its code does.
	byCode []bool
}

// fault notes what is wrong with a line.
func (t *table) fault(line int, format string, args ...any) {
	if len(t.faults) == maxFaults {
		t.untold++
		return
	}
	t.faults = append(t.faults, fmt.Errorf("%s:%d: %w: %s", t.name, line, surveys.ErrInvalid, fmt.Sprintf(format, args...)))
}

// err returns the faults found so far as one error, or nil.
func (t *table) err() error {
	if t.untold > 0 {
		return errors.Join(append(slices.Clone(t.faults), fmt.Errorf("%s: %w: and %d more faults", t.name, surveys.ErrInvalid, t.untold))...)
	}
	return errors.Join(t.faults...)
}

// readTable reads the lines. Its error holds what makes the file no table; faults of
// single lines stay in the table.
func readTable(name string, r io.Reader, factors []assess.Factor, column string) (*table, error) {
	if err := checkFactors(factors); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t := &table{name: name, factors: factors}
	src, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(src) > maxTable {
		return nil, fmt.Errorf("%s: %w: the table has more than %d bytes; keep the lines of the margin only", name, surveys.ErrTooLarge, maxTable)
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	switch {
	case bytes.HasPrefix(src, []byte{0xff, 0xfe}), bytes.HasPrefix(src, []byte{0xfe, 0xff}), !utf8.Valid(src):
		return nil, fmt.Errorf("%s: %w: the file is not in UTF-8; save it as “CSV UTF-8”", name, surveys.ErrInvalid)
	case len(bytes.TrimSpace(src)) == 0:
		return nil, fmt.Errorf("%s: %w: the file is empty; it needs a line with the names of the columns and one for each level", name, surveys.ErrInvalid)
	}
	for _, f := range factors {
		t.named = append(t.named, naming{make([][]string, len(f.Levels)), map[string]bool{}, make([]bool, len(f.Levels))})
	}
	lines := csv.NewReader(bytes.NewReader(src))
	lines.FieldsPerRecord = -1
	head, err := lines.Read()
	if err != nil {
		return nil, t.unreadable(err)
	}
	line, _ := lines.FieldPos(0)
	places, err := t.columns(line, head, column)
	if err != nil {
		return nil, err
	}
	if err := t.read(lines, len(head), places); err != nil {
		return nil, err
	}
	if len(t.rows) == 0 && len(t.faults) == 0 {
		return nil, fmt.Errorf("%s: %w: there is no line below the names of the columns; add one for each level", name, surveys.ErrInvalid)
	}
	return t, nil
}

// unreadable words what stops the reading of CSV.
func (t *table) unreadable(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("%s:%d: %w: %w; put quotes around a whole value, or leave them out", t.name, p.Line, surveys.ErrInvalid, p.Err)
	}
	return fmt.Errorf("%s: %w", t.name, err)
}

// columns finds the columns of the factors and, last, that of the numbers.
func (t *table) columns(line int, head []string, column string) ([]int, error) {
	for i := range head {
		head[i] = strings.TrimSpace(head[i])
	}
	if len(head) == 1 && strings.ContainsAny(head[0], ";\t") {
		return nil, fmt.Errorf("%s:%d: %w: the columns are not separated by commas; save the file with commas", t.name, line, surveys.ErrInvalid)
	}
	var ids []string
	for _, f := range t.factors {
		ids = append(ids, f.ID)
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s:%d: %w: %s", t.name, line, surveys.ErrInvalid, fmt.Sprintf(format, args...)))
	}
	if column == "" || slices.Contains(ids, column) {
		fault("the column of counts cannot be %q; name one of %s", column, some(head, len(head)))
	}
	var places []int
	for _, id := range append(ids, column) {
		at := slices.Index(head, id)
		switch {
		case at < 0:
			fault("there is no column %q; the columns are %s", id, some(head, len(head)))
		case slices.Contains(head[at+1:], id):
			fault("there are two columns %q; rename one", id)
		}
		places = append(places, at)
	}
	return places, errors.Join(faults...)
}

// read reads the lines below the head. Lines of blanks are none.
func (t *table) read(lines *csv.Reader, width int, places []int) error {
	for {
		cells, err := lines.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return t.unreadable(err)
		}
		line, _ := lines.FieldPos(0)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !slices.ContainsFunc(cells, func(s string) bool { return s != "" }):
		case len(cells) != width:
			t.fault(line, "the line has %d values, but there are %d columns; write counts without thousands separators, and quotes around a value with a comma", len(cells), width)
		case len(t.rows) == maxRows:
			return fmt.Errorf("%s:%d: %w: the table has more than %d lines; keep those of the margin only", t.name, line, surveys.ErrTooLarge, maxRows)
		default:
			t.row(line, cells, places)
		}
	}
}

// row reads one line.
func (t *table) row(line int, cells []string, places []int) {
	r := row{line: line}
	good := true
	for i, f := range t.factors {
		level, text, byCode, err := nameLevel(f, cells[places[i]])
		if err != nil {
			t.fault(line, "%v", err)
			good = false
			continue
		}
		r.levels = append(r.levels, level)
		r.texts = append(r.texts, text)
		n := t.named[i]
		if !n.seen[text] {
			n.seen[text] = true
			n.texts[level] = append(n.texts[level], text)
			n.byCode[level] = n.byCode[level] || byCode
		}
	}
	var err error
	if r.n, err = parseNumber(cells[places[len(places)-1]]); err != nil {
		t.fault(line, "%v", err)
		good = false
	}
	if good {
		t.rows = append(t.rows, r)
	}
}

// nameLevel finds the level that a text names, by its code or one of its values. Numbers
// of a range are whole, and come back as they are written shortest.
func nameLevel(f assess.Factor, text string) (level int, name string, byCode bool, err error) {
	code := slices.IndexFunc(f.Levels, func(l assess.Level) bool { return l.Code == text })
	value := f.Level(text)
	switch {
	case text == "":
		return 0, "", false, fmt.Errorf("there is no level of %q; write one of %s", f.ID, someLevels(f))
	case code >= 0 && value >= 0 && code != value:
		return 0, "", false, fmt.Errorf("%q is the code of one level of %q and a value of the level %q; write the codes in the plan such that they differ",
			text, f.ID, f.Levels[value].Code)
	case code >= 0:
		return code, text, true, nil
	case value < 0:
		return 0, "", false, fmt.Errorf("the factor %q has no level %q; its levels are %s; correct the line or remove it", f.ID, text, someLevels(f))
	case len(f.Levels[value].Values) > 0:
		return value, text, false, nil
	}
	x, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, "", false, fmt.Errorf("%q lies in the level %q of %q, but only whole numbers are added up; write the code of the level", text, f.Levels[value].Code, f.ID)
	}
	return value, strconv.FormatInt(x, 10), false, nil
}

// mostTold limits how many words a fault lists.
const mostTold = 12

// someLevels lists the first codes of a factor.
func someLevels(f assess.Factor) string {
	var codes []string
	for _, l := range f.Levels[:min(mostTold, len(f.Levels))] {
		codes = append(codes, l.Code)
	}
	return some(codes, len(f.Levels))
}

// some lists the first of so many words.
func some(words []string, of int) string {
	list := strings.Join(words[:min(mostTold, len(words))], ", ")
	if of > mostTold {
		list += fmt.Sprintf(" and %d more", of-mostTold)
	}
	return list
}

// margin checks that every crossing is there once and adds up the people of each level.
func (t *table) margin(people func(number) float64) (Margin, error) {
	if len(t.faults) == 0 {
		t.twice()
		t.naming()
	}
	if len(t.faults) == 0 {
		t.missing()
	}
	if err := t.err(); err != nil {
		return Margin{}, err
	}
	m := newMargin(t.factors, t.name)
	for _, r := range t.rows {
		codes := make([]string, len(r.levels))
		for i, k := range r.levels {
			codes[i] = t.factors[i].Levels[k].Code
		}
		m.Targets[strings.Join(codes, "/")] += people(r.n)
	}
	if total := m.Total(); total == 0 || math.IsInf(total, 1) {
		return Margin{}, fmt.Errorf("%s: %w: the counts add up to %v; give those of the population", t.name, surveys.ErrInvalid, total)
	}
	return m, nil
}

// twice looks for lines that name the same level.
func (t *table) twice() {
	first := map[string]int{}
	for _, r := range t.rows {
		key := strings.Join(r.texts, "\x00")
		if line, ok := first[key]; ok {
			t.fault(r.line, "the level %q is there already, in line %d; keep one, or cross the margin with the factor that tells them apart", strings.Join(r.texts, "/"), line)
			continue
		}
		first[key] = r.line
	}
}

// naming checks that every level is named, by its code or by all its values.
func (t *table) naming() {
	for i, f := range t.factors {
		for k, l := range f.Levels {
			texts := t.named[i].texts[k]
			switch {
			case len(texts) == 0:
				t.fault(1, "the level %q of %q is missing; add its count, 0 if nobody belongs to it", l.Code, f.ID)
			case t.named[i].byCode[k] && len(texts) > 1:
				t.fault(1, "the level %q of %q stands there by its code and by values (%s); keep one or the other", l.Code, f.ID, some(texts, len(texts)))
			case t.named[i].byCode[k]:
			case len(l.Values) > 0:
				for _, v := range l.Values {
					if !t.named[i].seen[v] {
						t.fault(1, "the level %q of %q is counted by its values, but its value %q is missing; add it, 0 if nobody has it", l.Code, f.ID, v)
					}
				}
			default:
				t.span(f, l, texts)
			}
		}
	}
}

// span checks that single numbers leave no gap in the range of a level.
func (t *table) span(f assess.Factor, l assess.Level, texts []string) {
	given := map[float64]bool{}
	first, last := math.Inf(1), math.Inf(-1)
	for _, text := range texts {
		x, _ := strconv.ParseFloat(text, 64)
		given[x] = true
		first, last = min(first, x), max(last, x)
	}
	if l.Min != nil {
		first = math.Ceil(*l.Min)
	}
	if l.Below != nil {
		last = math.Ceil(*l.Below) - 1
	}
	if last-first >= maxRows {
		t.fault(1, "the level %q of %q holds more than %d whole numbers; write its code", l.Code, f.ID, maxRows)
		return
	}
	for i := range int(last-first) + 1 {
		if x := first + float64(i); !given[x] {
			t.fault(1, "the level %q of %q is counted by single numbers, but %.0f is missing; add it, 0 if nobody has it", l.Code, f.ID, x)
			return
		}
	}
}

// missing looks for crossings without a line.
func (t *table) missing() {
	there := map[string]bool{}
	for _, r := range t.rows {
		there[strings.Join(r.texts, "\x00")] = true
	}
	var lost []string
	texts := make([]string, len(t.factors))
	var walk func(i int)
	walk = func(i int) {
		if i == len(t.factors) {
			if !there[strings.Join(texts, "\x00")] {
				lost = append(lost, strconv.Quote(strings.Join(texts, "/")))
			}
			return
		}
		for _, named := range t.named[i].texts {
			for _, texts[i] = range named {
				if len(lost) > mostTold {
					return
				}
				walk(i + 1)
			}
		}
	}
	walk(0)
	if len(lost) > mostTold {
		lost[mostTold] = "and more"
	}
	if len(lost) > 0 {
		t.fault(1, "levels are missing: %s; add their counts, 0 where nobody belongs", strings.Join(lost, ", "))
	}
}

// number is a cell of the column of numbers.
type number struct {
	text  string
	value float64
	// half is half a unit of its last decimal: how far rounding may have moved it.
	half    float64
	percent bool
}

var (
	plain     = regexp.MustCompile(`^\+?[0-9]+(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?$`)
	negative  = regexp.MustCompile(`^[-−－]\s*[0-9.]+`)
	separated = regexp.MustCompile(`^[0-9]{1,4}(?:[,，'’_ \x{a0}\x{202f}\x{2009}.][0-9]{3,4})+(?:\.[0-9]*)?$`)
)

func parseNumber(text string) (number, error) {
	n := number{text: text}
	digits := text
	for _, sign := range []string{"%", "％"} {
		if d, ok := strings.CutSuffix(text, sign); ok {
			digits, n.percent = strings.TrimSpace(d), true
		}
	}
	parts := plain.FindStringSubmatch(digits)
	switch {
	case text == "":
		return n, errors.New("there is no count; give one, 0 if nobody belongs to the level")
	case negative.MatchString(digits):
		return n, fmt.Errorf("%q is negative; give a number, 0 or more", text)
	case parts == nil && separated.MatchString(digits):
		return n, fmt.Errorf("%q has thousands separators; write it without, such as 1234567", text)
	case parts == nil:
		return n, fmt.Errorf("%q is no count; write a plain number, such as 1234567 or 0.5", text)
	}
	var err error
	if n.value, err = strconv.ParseFloat(digits, 64); err != nil {
		return n, fmt.Errorf("%q is too large; give a count", text)
	}
	exponent, _ := strconv.Atoi(parts[2])
	n.half = 0.5 * math.Pow10(exponent-len(parts[1]))
	return n, nil
}

func (t *table) sum() float64 {
	var sum float64
	for _, r := range t.rows {
		sum += r.n.value
	}
	return sum
}

// mostRounding limits how far shares may lie from adding up to 1, however coarsely they
// are rounded.
const mostRounding = 0.05

// unit returns what the numbers add up to if they are shares, 100 or 1, within what
// rounding explains; 0 if they are not.
func (t *table) unit() float64 {
	var within float64
	percent := false
	for _, r := range t.rows {
		within += r.n.half
		percent = percent || r.n.percent
	}
	sum := t.sum()
	near := func(unit float64) bool {
		return math.Abs(sum-unit) <= min(within*(1+rounding)+unit*rounding, mostRounding*unit)
	}
	switch {
	case near(100):
		return 100
	case near(1) && !percent:
		return 1
	}
	return 0
}

// shares says whether numbers that ought to be counts are shares. Whole numbers have to
// add up exactly, since counts are whole.
func (t *table) shares() bool {
	whole := true
	for _, r := range t.rows {
		whole = whole && r.n.value == math.Trunc(r.n.value)
	}
	unit := t.unit()
	return unit > 0 && (!whole || t.sum() == unit)
}
