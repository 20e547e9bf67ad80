package clickhouse

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/score"
)

// exprEnv are the variables of the test; roster items are lists.
var exprEnv = expr.Env{"i": expr.Int, "j": expr.Int, "x": expr.Double, "y": expr.Double, "s": expr.String, "t": expr.String,
	"b": expr.Bool, "v": expr.Strings, "ages": expr.ListOf(expr.Int), "names": expr.Strings, "shares": expr.ListOf(expr.Double)}

func exprColumn(name string) (expr.Column, bool) {
	c := expr.Column{Key: name}
	switch name {
	case "t":
		c.NoValue = []string{"dk", "refused"}
	case "ages", "names", "shares":
		c.Rows, c.MaxRows = "members", 4
	}
	_, ok := exprEnv[name]
	return c, ok
}

// TestExpressionsAsSQL computes random expressions in ClickHouse and in Go over the same
// random answers.
func TestExpressionsAsSQL(t *testing.T) {
	s := openBare(t)
	if err := s.conn.Exec(t.Context(), "CREATE TABLE people (id UInt32, answers Map(LowCardinality(String), Array(String))) ENGINE = MergeTree ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 7))
	people := make([]map[string]expr.Value, 60)
	batch, err := s.conn.PrepareBatch(t.Context(), "INSERT INTO people")
	if err != nil {
		t.Fatal(err)
	}
	for i := range people {
		var answers map[string][]string
		people[i], answers = randomPerson(r)
		if err := batch.Append(uint32(i), answers); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	written, refused, values := 0, 0, 0
	g := sqlExpressions{r}
	const together = 15
	for range 20 {
		var programs []*expr.Program
		var columns []string
		for len(programs) < together {
			p, err := expr.Compile(g.any(), exprEnv)
			if err != nil {
				t.Fatal(err)
			}
			sql, err := expr.SQL(p, score.Quote, exprColumn)
			if err != nil || len(sql) > 1500 { // longer ones take the engine seconds
				refused++
				continue
			}
			programs = append(programs, p)
			columns = append(columns, "toString("+sql+")")
		}
		written += len(programs)
		rows, err := s.conn.Query(t.Context(), "SELECT [\n"+strings.Join(columns, ",\n")+"] FROM people ORDER BY id")
		if err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(columns, "\n"))
		}
		for person := 0; rows.Next(); person++ {
			var got []*string
			if err := rows.Scan(&got); err != nil {
				t.Fatal(err)
			}
			for k, p := range programs {
				v, err := p.Eval(func(name string) (expr.Value, bool) { v, ok := people[person][name]; return v, ok })
				if err == nil {
					values++
				}
				if msg := differs(v, err, got[k]); msg != "" && !t.Failed() {
					t.Errorf("%s: %s\n in Go %v, %v\n with %v\n %s", p.Source(), msg, v, err, people[person], columns[k])
				}
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(columns, "\n"))
		}
	}
	t.Logf("%d expressions over %d people: %d values; %d refused", written, len(people), values, refused)
	if values < written*len(people)/4 || values > written*len(people)*9/10 {
		t.Errorf("%d values of %d: the expressions test too little", values, written*len(people))
	}
}

// differs says how a result of ClickHouse, as text, differs from ours.
func differs(v expr.Value, err error, got *string) string {
	switch {
	case err != nil && got == nil:
		return ""
	case err != nil:
		return "ClickHouse gives " + *got
	case got == nil:
		return "ClickHouse gives NULL"
	}
	same := *got == v.Text()
	switch v.Type() {
	case expr.Bool:
		same = *got == map[bool]string{true: "1", false: "0"}[v.Bool()]
	case expr.Double:
		f, err := strconv.ParseFloat(*got, 64)
		same = err == nil && (f == v.Double() || f != f && v.Double() != v.Double())
	}
	if !same {
		return "ClickHouse gives " + *got
	}
	return ""
}

// randomPerson makes the answers of one person, as values and as they are stored.
func randomPerson(r *rand.Rand) (map[string]expr.Value, map[string][]string) {
	values, answers := map[string]expr.Value{}, map[string][]string{}
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	scalar := func(t expr.Type) (expr.Value, string) {
		switch t {
		case expr.Bool:
			s := pick("true", "false")
			return expr.BoolValue(s == "true"), s
		case expr.Int:
			i, _ := strconv.ParseInt(pick("0", "1", "2", "7", "-3", "18", "9223372036854775807", "-9223372036854775808"), 10, 64)
			return expr.IntValue(i), strconv.FormatInt(i, 10)
		case expr.Double:
			s := pick("0", "1.5", "-2.25", "0.1", "123456789.123", "99999999999999.9")
			f, _ := strconv.ParseFloat(s, 64)
			return expr.DoubleValue(f), s
		}
		s := pick("浙江省", "江", "12", "-7", "it's", "tv", "+1", "a b", "?")
		return expr.StringValue(s), s
	}
	for _, name := range []string{"i", "j", "x", "y", "s", "t", "b"} {
		switch r.IntN(6) {
		case 0: // not asked
		case 1:
			answers[name] = []string{}
		case 2:
			if name != "s" && name != "b" { // "don't know" is no value, but of a choice
				answers[name] = []string{"dk"}
			}
		default:
			v, s := scalar(exprEnv[name])
			values[name], answers[name] = v, []string{s}
		}
	}
	if chosen := []string{"tv", "news", "12"}[r.IntN(4)%3:]; r.IntN(3) > 0 {
		values["v"], answers["v"] = expr.StringsValue(chosen), chosen
	}
	if r.IntN(4) > 0 {
		rows := r.IntN(5)
		answers["members"] = []string{strconv.Itoa(rows)}
		for name, t := range map[string]expr.Type{"ages": expr.Int, "names": expr.String, "shares": expr.Double} {
			list := []expr.Value{}
			for row := range rows {
				if r.IntN(4) > 0 {
					v, s := scalar(t)
					list = append(list, v)
					answers[fmt.Sprintf("%s#%d", name, row+1)] = []string{s}
				}
			}
			values[name] = expr.ListValue(t, list)
		}
	}
	return values, answers
}

// sqlExpressions writes random expressions that are right.
type sqlExpressions struct{ *rand.Rand }

func (g sqlExpressions) pick(from ...string) string { return from[g.IntN(len(from))] }

// element is the name of an int that a macro gives, or that of an answer.
func (g sqlExpressions) element(x string) string {
	if x == "" {
		return "i"
	}
	return g.pick(x, "i")
}

func (g sqlExpressions) any() string {
	switch g.IntN(5) {
	case 0:
		return g.integer(3, "")
	case 1:
		return g.double(2)
	case 2:
		return g.text(2)
	}
	return g.condition(3, "")
}

func (g sqlExpressions) integer(depth int, x string) string {
	if depth == 0 {
		return g.pick("i", "j", "1", "0", "-1", "2", "-7", "9223372036854775807", "size(v)", "size(s)", g.element(x)+"+0")
	}
	d := depth - 1
	switch g.IntN(8) {
	case 0:
		return "(" + g.condition(d, x) + " ? " + g.integer(d, x) + " : " + g.integer(d, x) + ")"
	case 1:
		return "int(" + g.pick(g.double(d), "s", "t", g.integer(d, x)) + ")"
	case 2:
		return "-(" + g.integer(d, x) + ")"
	case 3:
		return "size(" + g.list(d) + ")"
	case 4:
		return "(" + g.list(d) + ")[" + g.pick("0", "1", "i") + "]"
	}
	return "(" + g.integer(d, x) + " " + g.pick("+", "-", "*", "/", "%") + " " + g.integer(d, x) + ")"
}

func (g sqlExpressions) double(depth int) string {
	if depth == 0 {
		return g.pick("x", "y", "0.0", "1.5", "-0.1", "1e300", "double(i)")
	}
	return "(" + g.double(depth-1) + " " + g.pick("+", "-", "*", "/") + " " + g.double(depth-1) + ")"
}

func (g sqlExpressions) text(depth int) string {
	if depth == 0 {
		return g.pick("s", "t", `"江"`, `""`, `"it's ?"`, "string(i)", "string(b)", "v[0]", "names[1]")
	}
	return g.pick(g.text(depth-1)+" + "+g.text(depth-1), "(b ? "+g.text(depth-1)+" : "+g.text(0)+")")
}

func (g sqlExpressions) list(depth int) string {
	if depth == 0 {
		return g.pick("ages", "ages", "[i, 2]", "[1, 2, 7]")
	}
	d := depth - 1
	return g.pick("ages", g.list(d)+" + "+g.list(d), "("+g.list(d)+").filter(e, "+g.condition(d, "e")+")",
		"("+g.list(d)+").map(m, "+g.integer(d, "m")+")", "(b ? "+g.list(d)+" : "+g.list(d)+")")
}

func (g sqlExpressions) condition(depth int, x string) string {
	compare := g.pick(" == ", " != ", " < ", " <= ", " > ", " >= ")
	if depth == 0 {
		return g.pick("b", "has(a.i)", "has(a.v)", "has(a.ages)", "has(a.t)", "i > 1", `"tv" in v`, "t in names",
			"s == t", "x < y", g.element(x)+" > 2", `names.exists(n, n == s)`, "0.1 in shares")
	}
	d := depth - 1
	switch g.IntN(9) {
	case 0, 1:
		return "(" + g.condition(d, x) + g.pick(" && ", " || ") + g.condition(d, x) + ")"
	case 2:
		return "!(" + g.condition(d, x) + ")"
	case 3:
		return "(" + g.integer(d, x) + compare + g.integer(d, x) + ")"
	case 4:
		return "(" + g.double(d) + compare + g.double(d) + ")"
	case 5:
		return "(" + g.text(d) + ")" + compare + "(" + g.text(d) + ")"
	case 6:
		return "(" + g.text(d) + ")." + g.pick("contains", "startsWith", "endsWith") + "(" + g.text(0) + ")"
	case 7:
		return g.integer(d, x) + " in " + g.list(d)
	}
	return fmt.Sprintf("(%s).%s(k%d, %s)", g.list(d), g.pick("exists", "all", "exists_one"), depth, g.condition(d, fmt.Sprintf("k%d", depth)))
}
