package clickhouse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// marker is a place in a statement where composed text goes.
var marker = regexp.MustCompile(`( *)@(\w+)@`)

// compose fills the markers of sql/<name>.sql. Whatever a questionnaire, a plan or a
// wave brings into the text went through score.Quote; other values are parameters.
func compose(name string, parts map[string]string) string {
	return marker.ReplaceAllStringFunc(statement(name), func(m string) string {
		indent, key, _ := strings.Cut(strings.TrimSuffix(m, "@"), "@")
		part, ok := parts[key]
		if !ok {
			panic("clickhouse: sql/" + name + ".sql has a marker " + key + " that nothing fills")
		}
		return indent + strings.ReplaceAll(part, "\n", "\n"+indent)
	})
}

// variable is a column of numbers that gets summed.
type variable struct {
	name string
	// column is its name in the query, value the expression behind it; they are the
	// same for items, which are columns already.
	column, value string
	// binary variables are 0 or 1, so Σwy² = Σwy.
	binary bool
}

// maxPoints keeps the sums of squares far inside the whole numbers of sql/cells.sql.
const maxPoints = 1e6

// cellsQuery is a composed query for cells.
type cellsQuery struct {
	query     assess.Query
	items     []string // expressions of the scored items
	variables []variable
}

func newCellsQuery(q assess.Query) (*cellsQuery, error) {
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	e, err := score.SQL(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	c := q.Questionnaire.Criterion
	for _, d := range c.Dimensions {
		if d.Points > maxPoints {
			return nil, fmt.Errorf("%w: dimension %q has %v points; the limit is %v", surveys.ErrInvalid, d.ID, d.Points, float64(maxPoints))
		}
	}
	out := &cellsQuery{query: q}
	columns := map[string]string{}
	for i, id := range scorer.Items() {
		columns[id] = "i" + strconv.Itoa(i)
		out.items = append(out.items, e.Items[id])
	}
	out.addVariables(c, scorer.Over(func(item string) string { return columns[item] }))
	if q.Items {
		for _, id := range scorer.Items() {
			out.variables = append(out.variables, variable{"item:" + id, columns[id], columns[id], true})
		}
	}
	return out, nil
}

// addVariables lists everything but the items, in the order of package assess.
func (c *cellsQuery) addVariables(criterion *surveys.Criterion, e score.Expressions) {
	add := func(name, value string, binary bool) {
		column := "v" + strconv.Itoa(len(c.variables))
		c.variables = append(c.variables, variable{name, column, value, binary})
	}
	add(assess.VarScore, e.Score, false)
	add(assess.VarLiterate, e.Literate, true)
	for _, d := range criterion.Dimensions {
		add("dim:"+d.ID, e.Dimensions[d.ID], false)
	}
	for _, l := range criterion.Levels {
		add("level:"+l.ID, e.Levels[l.ID], true)
	}
}

// text is the final query.
func (c *cellsQuery) text() string {
	keys := levelColumns(c.query.Factors)
	var items, values, gone, sums []string
	for i, item := range c.items {
		column := "i" + strconv.Itoa(i)
		items = append(items, item+" AS "+column)
		values = append(values, column)
	}
	for _, v := range c.variables {
		if v.column != v.value {
			values = append(values, v.value+" AS "+v.column)
		}
		gone = append(gone, "isNull("+v.column+")")
		sums = append(sums, v.sums()...)
	}
	return compose("cells", map[string]string{
		"levels":    strings.Join(keys, ", "),
		"keys":      strings.Join(append(keys, ""), ", "),
		"groups":    strings.Join(append([]string{"stratum", "psu"}, keys...), ", "),
		"number":    strconv.Itoa(len(c.variables)),
		"gone":      strings.Join(gone, ",\n"),
		"values":    strings.Join(values, ",\n"),
		"sums":      strings.Join(sums, ",\n"),
		"responses": counted(c.query.Factors, items),
		"sample":    sampled(c.query, "stratum", "psu"),
	})
}

// sums are Σwy and, unless y is 0 or 1, Σwy² of a variable, in whole units.
func (v variable) sums() []string {
	if v.binary {
		return []string{"sumIf(w1, ifNull(" + v.column + " = 1, 0))"}
	}
	return []string{
		fmt.Sprintf("sum(toInt256(ifNull(w * %s, 0) * exp2(140)))", v.column),
		fmt.Sprintf("sum(toInt256(ifNull(w * %[1]s * %[1]s, 0) * exp2(140)))", v.column),
	}
}

// counted is the query for the responses that count, with the levels of the factors
// that are answers and further columns.
func counted(factors []assess.Factor, columns []string) string {
	list := []string{"case_id"}
	for i, f := range factors {
		if f.Sample == "" {
			list = append(list, levelOf(f, "answers["+score.Quote(f.Answer)+"][1]")+" AS f"+strconv.Itoa(i))
		}
	}
	return compose("counted", map[string]string{
		"columns":    strings.Join(append(list, columns...), ",\n"),
		"superseded": statement("superseded"),
	})
}

// sampled is the query for the sample with its weights, with the levels of the
// factors that are columns of the sample file and further columns.
func sampled(q assess.Query, columns ...string) string {
	list := append([]string{"case_id"}, columns...)
	for i, f := range q.Factors {
		if f.Sample != "" {
			list = append(list, levelOf(f, "columns["+score.Quote(f.Sample)+"]")+" AS f"+strconv.Itoa(i))
		}
	}
	name := "base"
	if q.Weights != "" {
		name = "weighted"
	}
	return compose(name, map[string]string{"columns": strings.Join(list, ",\n")})
}

// levelColumns names the columns with the levels of the factors.
func levelColumns(factors []assess.Factor) []string {
	names := make([]string, len(factors))
	for i := range factors {
		names[i] = "f" + strconv.Itoa(i)
	}
	return names
}

// levelOf is the index of a factor's level as an expression of a text value, as
// assess.Factor.Level finds it: the first level that has the value, -1 when none has
// or there is no value.
func levelOf(f assess.Factor, value string) string {
	list := []string{value + " = ''", "-1"}
	for i, l := range f.Levels {
		list = append(list, hasValue(l, value), strconv.Itoa(i))
	}
	return "toInt32(multiIf(" + strings.Join(append(list, "-1"), ", ") + "))"
}

// hasValue is the condition for a level: one of its values, or a number in its range.
func hasValue(l assess.Level, value string) string {
	if len(l.Values) > 0 {
		quoted := make([]string, len(l.Values))
		for i, v := range l.Values {
			quoted[i] = score.Quote(v)
		}
		return value + " IN (" + strings.Join(quoted, ", ") + ")"
	}
	min, below := "-inf", "inf"
	if l.Min != nil {
		min = strconv.FormatFloat(*l.Min, 'g', -1, 64)
	}
	if l.Below != nil {
		below = strconv.FormatFloat(*l.Below, 'g', -1, 64)
	}
	number := "toFloat64OrNull(" + value + ")"
	return fmt.Sprintf("ifNull(%s >= %s AND %s < %s, 0)", number, min, number, below)
}
