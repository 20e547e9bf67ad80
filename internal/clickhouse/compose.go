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
	// within is the condition for a value, of binary variables that have people of their
	// own. Unlike those of scored items, which most people have together, these would take
	// cells apart until each held one person; number and weights of them are summed instead.
	within string
	base   int // the place of within among those of the query
}

// ranges are what is known of the weights before they are summed.
type ranges struct {
	cases       uint64 // how many there are at most
	base, given extent // given is that of the set asked for, or of the base weights
}

// cellsQuery is a composed query for one or several cubes of the same variables.
type cellsQuery struct {
	query     assess.Query
	words     words
	levels    []string // of the factors that are answers
	score     string   // an expression; NULL is none
	literate  string   // the criterion is reached: an expression
	cubes     []cubeKeys
	variables []variable
	within    []string // the different conditions of the variables
	flags     int      // the word among the keys where those of missing values begin
	standing  standing
}

// cubeKeys is where the levels of a cube lie in the keys.
type cubeKeys struct {
	factors []int   // indexes into those of the query
	places  []field // of the levels, in the words of this cube
	first   int     // the first of these among all keys
}

// newCellsQuery composes for the variables that are named, items too, or for all that a
// query has, by each list of factors.
func newCellsQuery(q assess.Query, cubes [][]string, names ...string) (*cellsQuery, error) {
	q.Items = q.Items || len(names) > 0
	scorer, err := score.New(q.Questionnaire)
	if err != nil {
		return nil, err
	}
	out := &cellsQuery{query: q}
	out.words.score(scorer, q.Questionnaire)
	if out.levels, err = out.words.levels(q); err != nil {
		return nil, err
	}
	e := scorer.OverMarks(out.words.marks())
	out.score, out.literate = e.Score, e.Literate
	out.variables = variables(q, scorer, e)
	for _, s := range q.Shares {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		v, err := out.words.share(s, q.Questionnaire)
		if err != nil {
			return nil, err
		}
		v.absent = len(out.variables)
		out.variables = append(out.variables, v)
	}
	if err := out.choose(names); err != nil {
		return nil, err
	}
	for i := range out.variables {
		v := &out.variables[i]
		if v.within == "" {
			continue
		}
		if v.base = slices.Index(out.within, v.within); v.base < 0 {
			v.base, out.within = len(out.within), append(out.within, v.within)
		}
	}
	return out, out.pack(cubes)
}

// pack gives every cube its words.
func (c *cellsQuery) pack(cubes [][]string) error {
	words := 0
	for _, ids := range cubes {
		k := cubeKeys{first: words}
		var of []assess.Factor
		for _, id := range ids {
			i := slices.IndexFunc(c.query.Factors, func(f assess.Factor) bool { return f.ID == id })
			if i < 0 {
				return fmt.Errorf("%w: there is no factor %q", surveys.ErrInvalid, id)
			}
			k.factors, of = append(k.factors, i), append(of, c.query.Factors[i])
		}
		var n int
		k.places, n = packing(of)
		words += n
		c.cubes = append(c.cubes, k)
	}
	c.flags = words
	return nil
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
		dimensions = append(dimensions, variable{name: "dim:" + d.ID, value: e.Dimensions[d.ID], positive: extent{step, d.Points}, absent: 2 + i})
	}
	whole.max = most
	all := append([]variable{{name: assess.VarScore, value: e.Score, positive: whole}, {name: assess.VarLiterate, value: e.Literate, binary: true, positive: one}}, dimensions...)
	for _, l := range c.Levels {
		all = append(all, variable{name: "level:" + l.ID, value: e.Levels[l.ID], binary: true, positive: one})
	}
	if q.Items {
		for _, id := range s.Items() {
			all = append(all, variable{name: "item:" + id, value: e.Items[id], binary: true, positive: one, absent: len(all)})
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
		if v.within != "" {
			base := "b" + strconv.Itoa(v.base)
			columns = append(columns, "("+v.value+" AND "+base+") AS "+column+"is")
			sums = append(sums, given.sum(column+"is"))
			continue
		}
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
	if len(c.within) > 0 {
		values = slices.Concat(values, c.words.names("m"), []string{"isNotNull(" + c.score + ") AS scored"})
	}
	var bases []string
	for k, within := range c.within {
		base := "b" + strconv.Itoa(k)
		bases, columns = append(bases, "("+within+") AS "+base), append(columns, base)
		sums = append(sums, "toFloat64(countIf("+base+"))", given.sum(base), squared.sum(base))
	}
	for i := range sums {
		sums[i] += " AS s" + strconv.Itoa(i)
	}
	keys, groups := c.keys(missing)
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = "k" + strconv.Itoa(i)
		keys[i] = k + " AS " + names[i]
	}
	scored := compose(scoredBy(w.cases, len(sums)), map[string]string{
		"values":    strings.Join(slices.Concat([]string{"unit", "w", "base"}, c.levelColumns(), values), ",\n"),
		"responses": leveled(c.words, c.levels),
		"sample":    sampled(c.query, c.standing, unit+" AS unit"),
	})
	if len(bases) > 0 {
		scored = compose("based", map[string]string{"bases": strings.Join(bases, ",\n"), "scored": scored})
	}
	return compose("cells", map[string]string{
		"keys":     strings.Join(names, ", "),
		"groups":   groups,
		"order":    strings.Join(append([]string{"unit"}, names...), ", "),
		"sums":     strings.Join(sums, ",\n"),
		"columns":  strings.Join(slices.Concat([]string{"unit"}, keys, columns), ",\n"),
		"scored":   scored,
		"settings": settingsOf(w.cases),
	})
}

// hashedCases is how many cases are joined by a hash table, of some hundred bytes each.
const hashedCases = 1_000_000

// settingsOf is how the engine sums a sample of so many cases. For few of them, code made for
// the query takes longer to make than it saves.
func settingsOf(cases uint64) string {
	if cases <= hashedCases {
		return "join_algorithm = 'hash', compile_expressions = 0, compile_aggregate_expressions = 0, query_plan_remove_redundant_sorting = 0"
	}
	return "join_algorithm = 'full_sorting_merge'"
}

// manySums are so many that a cell with them fills a page of memory.
const manySums = 64

// scoredBy names the statement that scores people for so many sums.
func scoredBy(cases uint64, sums int) string {
	if cases <= hashedCases && sums >= manySums {
		return "scored_by_unit"
	}
	return "scored"
}

// levelColumns are the columns with the levels of the factors; that of the score is made
// here, where the score is.
func (c *cellsQuery) levelColumns() []string {
	names := levelColumns(c.query.Factors)
	for i, f := range c.query.Factors {
		if f.ByScore {
			names[i] = fmt.Sprintf("toInt32(ifNull(1 - (%s = 1), -1)) AS %s", c.literate, names[i])
		}
	}
	return names
}

// keys are the words that people are grouped by, and the grouping: one of all words, or one
// for each cube. The highest bit of the first word of a cube is set, so that a row tells its
// cube: the words of all others are 0 there.
func (c *cellsQuery) keys(missing []string) (keys []string, groups string) {
	var sets []string
	total := 0
	for _, k := range c.cubes {
		keys = append(keys, k.packed()...)
	}
	total = len(keys)
	keys = append(keys, flags(missing)...)
	for s, k := range c.cubes {
		end := total
		if s+1 < len(c.cubes) {
			end = c.cubes[s+1].first
		}
		names := []string{"unit"}
		for i := k.first; i < end; i++ {
			names = append(names, "k"+strconv.Itoa(i))
		}
		for i := total; i < len(keys); i++ {
			names = append(names, "k"+strconv.Itoa(i))
		}
		sets = append(sets, strings.Join(names, ", "))
	}
	if len(sets) == 1 {
		return keys, sets[0]
	}
	return keys, "GROUPING SETS ((" + strings.Join(sets, "), (") + "))"
}

// unit is a number for a PSU, which is quicker to compare than its names. That all
// units of a sample differ is seen when they are listed.
const unit = "bitXor(CAST(cityHash64(stratum), 'UInt64'), bitRotateLeft(CAST(cityHash64(psu), 'UInt64'), 1))"

// packing is how levels lie in words of 64 bits: each one level more, so that missing is
// 0, the first factor in the highest bits but one. It returns the number of words too, at
// least one.
func packing(factors []assess.Factor) (places []field, words int) {
	word, left := 0, wordBits-1
	for _, f := range factors {
		size := bits.Len(uint(len(f.Levels)))
		if size > left {
			word, left = word+1, wordBits
		}
		left -= size
		places = append(places, field{word, left, size})
	}
	return places, word + 1
}

// packed are the words of the levels.
func (k cubeKeys) packed() []string {
	words := []string{fmt.Sprintf("toUInt64(%d)", uint64(1)<<(wordBits-1))}
	for i, f := range k.places {
		level := fmt.Sprintf("bitShiftLeft(toUInt64(f%d + 1), %d)", k.factors[i], f.shift)
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

// unpack reads a row's cube, levels and flags from its words: the levels of the factors of
// the cube, and which variables have no value.
func (c *cellsQuery) unpack(words []uint64) (cube int, levels []int, gone []bool) {
	for i, k := range c.cubes {
		if words[k.first]>>(wordBits-1) == 1 {
			cube = i
		}
	}
	k := c.cubes[cube]
	levels = make([]int, len(k.places))
	for i, f := range k.places {
		levels[i] = int(words[k.first+f.word]>>f.shift&(1<<f.bits-1)) - 1
	}
	gone = make([]bool, len(c.variables))
	if c.flags == len(words) {
		return cube, levels, gone
	}
	n := 0
	for i, v := range c.variables {
		switch {
		case v.within != "":
		case v.absent < i:
			gone[i] = gone[v.absent]
		default:
			gone[i] = words[c.flags+n/wordBits]>>(n%wordBits)&1 == 1
			n++
		}
	}
	return cube, levels, gone
}

// factorsOf are the factors of a cube.
func (c *cellsQuery) factorsOf(cube int) (list []assess.Factor) {
	for _, i := range c.cubes[cube].factors {
		list = append(list, c.query.Factors[i])
	}
	return list
}

// counted is the query for the responses that count, with the columns listed.
func counted(columns ...[]string) string {
	return compose("counted", map[string]string{
		"columns":    strings.Join(append([]string{"case_id"}, slices.Concat(columns...)...), ",\n"),
		"superseded": statement("superseded"),
	})
}

// leveled is the query for the responses that count, with the words, the levels over them,
// and more over both. The words are made in a query of their own, for the engine takes an
// alias for its whole text wherever it stands.
func leveled(ws words, levels []string, more ...string) string {
	inner := append(ws.columns(), "numbers")
	return compose("leveled", map[string]string{
		"columns":   strings.Join(slices.Concat([]string{"case_id"}, ws.marks(), ws.rest(), levels, more), ",\n"),
		"responses": counted(inner),
	})
}

// levels are the columns with the levels of the factors that are answers or conditions on
// them.
func (ws *words) levels(q assess.Query) ([]string, error) {
	var columns []string
	for i, f := range q.Factors {
		name := " AS f" + strconv.Itoa(i)
		switch {
		case f.ByScore, f.Sample != "":
		case f.Answer != "":
			columns = append(columns, ws.level(f)+name)
		default:
			level, err := ws.conditional(f, q.Questionnaire)
			if err != nil {
				return nil, err
			}
			columns = append(columns, level+name)
		}
	}
	return columns, nil
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
