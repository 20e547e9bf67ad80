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

// ranges are what is known of the weights before they are summed.
type ranges struct {
	cases, drawn uint64 // how many there are, and with a weight
	base, given  extent // given is that of the set asked for, or of the base weights
}

// items is how many items a dimension has.
func items(q *surveys.Questionnaire, dimension string) (n int) {
	for it := range q.Items {
		if it.Dimension == dimension {
			n++
		}
	}
	return n
}

// unit is a number for a PSU, which is quicker to compare than its names. That all
// units of a sample differ is seen when they are listed.
const unit = "bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1))"

// drawnCases is the query for the drawn cases with their weights, with the levels of the factors that
// are columns of the sample file and further columns; with standings, also the class, the
// eligible persons and whether the case counts.
func drawnCases(q assess.Query, standings bool, columns ...string) string {
	list := append([]string{"case_id"}, columns...)
	for i, f := range q.Factors {
		if f.Sample != "" {
			list = append(list, sampledLevel(q, i))
		}
	}
	parts := map[string]string{"standing": ""}
	if standings {
		list, parts["standing"] = append(list, "class", "eligible", "counts"), "\n"+statement("standing")
	}
	parts["columns"] = columnList(list)
	return compose("drawn", parts)
}

// sampledLevel is the column with the level of a factor that is a column of the sample file.
func sampledLevel(q assess.Query, factor int) string {
	f := q.Factors[factor]
	return levelOf(f, "columns["+score.Quote(f.Sample)+"]") + " AS " + levelColumn(factor)
}

func columnList(columns []string) string { return strings.Join(columns, ",\n") }

// levelColumn names the column with the level of a factor of the query.
func levelColumn(factor int) string { return "f" + strconv.Itoa(factor) }

// levelOf is the index of a factor's level as an expression of a text value, as
// assess.Factor.Level finds it: the first level that has the value, -1 when none has
// or there is no value.
func levelOf(f assess.Factor, value string) string {
	var values, levels, ranged []string
	for i, l := range f.Levels {
		for _, v := range l.Values {
			if v != "" {
				values, levels = append(values, score.Quote(v)), append(levels, strconv.Itoa(f.Level(v)))
			}
		}
		if len(l.Values) == 0 {
			ranged = append(ranged, "ifNull("+within(l, "toFloat64OrNull("+value+")")+", 0)", strconv.Itoa(i))
		}
	}
	level := "-1"
	if len(ranged) > 0 {
		level = fmt.Sprintf("multiIf(%s = '', -1, %s, -1)", value, strings.Join(ranged, ", "))
	}
	if len(values) > 0 {
		level = fmt.Sprintf("transform(%s, [%s], [%s], %s)", value, strings.Join(values, ", "), strings.Join(levels, ", "), level)
	}
	return "toInt32(" + level + ")"
}

// within is the condition for the range of a level.
func within(l assess.Level, number string) string {
	low, below := "-inf", "inf"
	if l.Min != nil {
		low = strconv.FormatFloat(*l.Min, 'g', -1, 64)
	}
	if l.Below != nil {
		below = strconv.FormatFloat(*l.Below, 'g', -1, 64)
	}
	return fmt.Sprintf("%[1]s >= %[2]s AND %[1]s < %[3]s", number, low, below)
}
