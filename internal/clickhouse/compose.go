package clickhouse

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
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
	name, value string
	// binary variables are 0 or 1, so Σwy² = Σwy.
	binary bool
	// positive is where the values above zero are.
	positive extent
	// absent is the variable that has the same people without a value: an index.
	absent int
}

// ranges are what is known of the weights before they are summed.
type ranges struct {
	cases       uint64 // how many there are at most
	base, given extent // given is that of the set asked for, or of the base weights
}

// cellsQuery is a composed query for cells.
type cellsQuery struct {
	query     assess.Query
	words     words
	levels    []string // of the factors that are answers
	places    []field  // of the levels of all factors in the keys
	variables []variable
	standing  standing
}

// newCellsQuery composes for the variables that are named, items too, or for all that a
// query has.
func newCellsQuery(q assess.Query, names ...string) (*cellsQuery, error) {
	q.Items = q.Items || len(names) > 0
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	out := &cellsQuery{query: q, places: packing(q.Factors)}
	out.words.score(scorer, q.Questionnaire)
	out.levels = out.words.levels(q.Factors)
	out.variables = variables(q, scorer, scorer.OverMarks(out.words.marks()))
	return out, out.choose(names)
}

// variables lists what a query sums, in the order of package assess.
func variables(q assess.Query, s *score.Scorer, e score.Expressions) []variable {
	c := q.Questionnaire.Criterion
	one := extent{1, 1}
	var whole extent
	most := 0.0
	var dimensions []variable
	for i, d := range c.Dimensions {
		step := d.Points / float64(items(q.Questionnaire, d.ID))
		whole = whole.with(extent{step, d.Points})
		most += d.Points
		dimensions = append(dimensions, variable{"dim:" + d.ID, e.Dimensions[d.ID], false, extent{step, d.Points}, 2 + i})
	}
	whole.max = most
	all := append([]variable{{assess.VarScore, e.Score, false, whole, 0}, {assess.VarLiterate, e.Literate, true, one, 0}}, dimensions...)
	for _, l := range c.Levels {
		all = append(all, variable{"level:" + l.ID, e.Levels[l.ID], true, one, 0})
	}
	if q.Items {
		for _, id := range s.Items() {
			all = append(all, variable{"item:" + id, e.Items[id], true, one, len(all)})
		}
	}
	return all
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

// choose keeps the variables that are named; without names, all.
func (c *cellsQuery) choose(names []string) error {
	if len(names) == 0 {
		return nil
	}
	var chosen []variable
	first := map[int]int{} // of the chosen variables that are absent together
	for _, name := range names {
		i := slices.IndexFunc(c.variables, func(v variable) bool { return v.name == name })
		if i < 0 {
			return fmt.Errorf("%w: there is no variable %q; see the dimensions, levels and items of the questionnaire", surveys.ErrInvalid, name)
		}
		v := c.variables[i]
		if _, there := first[v.absent]; !there {
			first[v.absent] = len(chosen)
		}
		v.absent = first[v.absent]
		chosen = append(chosen, v)
	}
	c.variables = chosen
	return nil
}

// text is the final query.
func (c *cellsQuery) text(w ranges) string {
	given := cut("w", "w", w.given, w.cases)
	squared := cut("q", "w * w", w.given.times(w.given), w.cases)
	base := cut("b", "base", w.base, w.cases)
	columns := slices.Concat(given.columns, squared.columns, base.columns)
	sums := []string{given.sum(""), squared.sum(""), base.sum("")}
	var values, missing []string
	for i, v := range c.variables {
		column := "v" + strconv.Itoa(i)
		values = append(values, v.value+" AS "+column)
		if v.absent == i && c.words.asked {
			missing = append(missing, "isNull("+column+")")
		}
		if v.binary {
			columns = append(columns, "ifNull("+column+" = 1, 0) AS "+column+"is")
			sums = append(sums, given.sum(column+"is"))
			continue
		}
		y := cut(column+"y", "ifNull(w * "+column+", 0)", w.given.times(v.positive), w.cases)
		yy := cut(column+"yy", "ifNull(w * "+column+" * "+column+", 0)", w.given.times(v.positive).times(v.positive), w.cases)
		columns = slices.Concat(columns, y.columns, yy.columns)
		sums = append(sums, y.sum(""), yy.sum(""))
	}
	keys := append(packed(c.query.Factors), flags(missing)...)
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = "k" + strconv.Itoa(i)
		keys[i] = k + " AS " + names[i]
	}
	return compose("cells", map[string]string{
		"keys":      strings.Join(names, ", "),
		"groups":    strings.Join(append([]string{"unit"}, names...), ", "),
		"sums":      strings.Join(sums, ",\n"),
		"columns":   strings.Join(slices.Concat([]string{"unit"}, keys, columns), ",\n"),
		"values":    strings.Join(slices.Concat([]string{"unit", "w", "base"}, levelColumns(c.query.Factors), values), ",\n"),
		"responses": counted(c.words.columns(), c.levels),
		"sample":    sampled(c.query, c.standing, unit+" AS unit"),
	})
}

// unit is a number for a PSU, which is quicker to compare than its names. That all
// units of a sample differ is seen when they are listed.
const unit = "bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1))"

// packing is how levels lie in words of 64 bits: each one level more, so that missing is
// 0, the first factor in the highest bits.
func packing(factors []assess.Factor) []field {
	places := make([]field, len(factors))
	word, left := 0, wordBits
	for i, f := range factors {
		size := bits.Len(uint(len(f.Levels)))
		if size > left {
			word, left = word+1, wordBits
		}
		left -= size
		places[i] = field{word, left, size}
	}
	return places
}

// packed are the words of the levels.
func packed(factors []assess.Factor) []string {
	var words []string
	for i, f := range packing(factors) {
		level := fmt.Sprintf("bitShiftLeft(toUInt64(f%d + 1), %d)", i, f.shift)
		if f.word == len(words) {
			words = append(words, level)
		} else {
			words[f.word] += " + " + level
		}
	}
	return words
}

// flags packs conditions into words, the first into the lowest bit.
func flags(conditions []string) []string {
	var words []string
	for i, c := range conditions {
		flag := fmt.Sprintf("bitShiftLeft(toUInt64(%s), %d)", c, i%wordBits)
		if i%wordBits == 0 {
			words = append(words, flag)
		} else {
			words[i/wordBits] += " + " + flag
		}
	}
	return words
}

// unpack reads levels and flags from the words of a row: the levels of the factors, and
// which variables have no value.
func (c *cellsQuery) unpack(words []uint64) (levels []int, gone []bool) {
	levels = make([]int, len(c.places))
	flags := 0 // the word where they begin
	for i, f := range c.places {
		levels[i] = int(words[f.word]>>f.shift&(1<<f.bits-1)) - 1
		flags = f.word + 1
	}
	gone = make([]bool, len(c.variables))
	if flags == len(words) {
		return levels, gone
	}
	n := 0
	for i, v := range c.variables {
		if v.absent < i {
			gone[i] = gone[v.absent]
			continue
		}
		gone[i] = words[flags+n/wordBits]>>(n%wordBits)&1 == 1
		n++
	}
	return levels, gone
}

// counted is the query for the responses that count, with the columns listed.
func counted(columns ...[]string) string {
	return compose("counted", map[string]string{
		"columns":    strings.Join(append([]string{"case_id"}, slices.Concat(columns...)...), ",\n"),
		"superseded": statement("superseded"),
	})
}

// levels are the columns with the levels of the factors that are answers.
func (ws *words) levels(factors []assess.Factor) []string {
	var columns []string
	for i, f := range factors {
		if f.Sample == "" {
			columns = append(columns, ws.level(f)+" AS f"+strconv.Itoa(i))
		}
	}
	return columns
}

// sampled is the query for the sample with its weights, with the levels of the
// factors that are columns of the sample file and further columns.
func sampled(q assess.Query, of standing, columns ...string) string {
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
	parts := of.parts()
	parts["columns"] = strings.Join(list, ",\n")
	return compose(name, parts)
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
