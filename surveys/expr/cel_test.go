package expr

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// This file holds the language to CEL: random expressions, right and wrong ones,
// must be accepted by cel-go exactly when they are accepted here, and give the same
// result or fail as well.

// answered are the variables with a value in the comparison; unanswered have none.
var answered = map[string]Value{
	"i": IntValue(7), "j": IntValue(-3), "k": IntValue(math.MaxInt64), "l": IntValue(math.MinInt64),
	"x": DoubleValue(2.5), "y": DoubleValue(-0.5), "z": DoubleValue(math.Inf(1)),
	"s": StringValue("浙江省"), "t": StringValue("江"), "u": StringValue("12"),
	"b": BoolValue(true), "c": BoolValue(false),
	"v": StringsValue([]string{"tv", "radio"}), "w": StringsValue(nil),
	"ages":    ListValue(Int, []Value{IntValue(40), IntValue(7), IntValue(7), IntValue(0)}),
	"shares":  ListValue(Double, []Value{DoubleValue(0.5), DoubleValue(-2)}),
	"present": ListValue(Bool, []Value{BoolValue(true), BoolValue(false)}),
}

var unanswered = Env{"mi": Int, "mx": Double, "ms": String, "mb": Bool, "mv": Strings, "mages": ListOf(Int)}

// pool are the answers that a variable of a type may have by chance.
var pool = map[Type][]Value{
	Bool: {BoolValue(true), BoolValue(false)},
	Int: {IntValue(0), IntValue(1), IntValue(2), IntValue(-1), IntValue(7), IntValue(-3), IntValue(18), IntValue(1 << 31),
		IntValue(1<<53 + 1), IntValue(math.MaxInt64), IntValue(math.MinInt64)},
	Double: {DoubleValue(0), DoubleValue(math.Copysign(0, -1)), DoubleValue(1), DoubleValue(2.5), DoubleValue(-0.5),
		DoubleValue(1e300), DoubleValue(9.3e18), DoubleValue(math.Inf(1)), DoubleValue(math.NaN())},
	String: {StringValue(""), StringValue("浙江省"), StringValue("江"), StringValue("12"), StringValue("tv"),
		StringValue("-7"), StringValue("1.5"), StringValue("\U0001F600x"), StringValue("it's \"x\"")},
}

// someAnswers answers about three of four variables.
func someAnswers(r *rand.Rand) map[string]Value {
	answers := map[string]Value{}
	for _, name := range sortedNames {
		if t := declared[name]; r.IntN(4) > 0 {
			answers[name] = someValue(r, t)
		}
	}
	return answers
}

func someValue(r *rand.Rand, t Type) Value {
	if !t.isList() {
		return pool[t][r.IntN(len(pool[t]))]
	}
	list := make([]Value, r.IntN(5))
	for i := range list {
		list[i] = someValue(r, t.elem())
	}
	return ListValue(t.elem(), list)
}

var (
	declared    = answersEnv()
	sortedNames = slices.Sorted(maps.Keys(declared))
)

// answersEnv declares all of them.
func answersEnv() Env {
	env := Env{}
	for name, v := range answered {
		env[name] = v.typ
	}
	for name, t := range unanswered {
		env[name] = t
	}
	return env
}

func lookupAnswered(name string) (Value, bool) {
	v, ok := answered[name]
	return v, ok
}

// oracle is cel-go with the same variables, and the record a.
type oracle struct {
	env     *cel.Env
	answers map[string]Value
}

// recordType makes cel-go see the record a with a typed field for each variable.
type recordType struct {
	types.Provider
	fields map[string]*types.Type
	oracle *oracle
}

const recordName = "Answers"

func (r recordType) FindStructType(name string) (*types.Type, bool) {
	if name == recordName {
		return types.NewTypeTypeWithParam(types.NewObjectType(recordName)), true
	}
	return r.Provider.FindStructType(name)
}

func (r recordType) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := r.fields[field]
	if name != recordName || !ok {
		return nil, false
	}
	return &types.FieldType{
		Type:  t,
		IsSet: func(any) bool { _, ok := r.oracle.answers[field]; return ok },
		GetFrom: func(any) (any, error) {
			if v, ok := r.oracle.answers[field]; ok {
				return native(v), nil
			}
			return nil, errNoAnswer
		},
	}, true
}

var errNoAnswer = errors.New("no answer")

// recordValue is the record at run time; its fields are read through recordType.
type recordValue struct{ ref.Val }

func (recordValue) Type() ref.Type { return types.NewObjectType(recordName) }
func (r recordValue) Value() any   { return r }

func newOracle(t testing.TB) *oracle {
	t.Helper()
	registry, err := types.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{answers: answered}
	r := recordType{Provider: registry, fields: map[string]*types.Type{}, oracle: o}
	opts := []cel.EnvOption{cel.CustomTypeAdapter(registry), cel.HomogeneousAggregateLiterals(),
		cel.Variable(record, cel.ObjectType(recordName))}
	for name, typ := range answersEnv() {
		r.fields[name] = celType(typ)
		opts = append(opts, cel.Variable(name, r.fields[name]))
	}
	if o.env, err = cel.NewEnv(append(opts, cel.CustomTypeProvider(r))...); err != nil {
		t.Fatal(err)
	}
	return o
}

func celType(t Type) *types.Type {
	if t.isList() {
		return types.NewListType(celType(t.elem()))
	}
	return map[Type]*types.Type{Bool: types.BoolType, Int: types.IntType, Double: types.DoubleType,
		String: types.StringType}[t]
}

// native is a value as plain Go data.
func native(v Value) any {
	switch v.typ {
	case Bool:
		return v.Bool()
	case Int:
		return v.Int()
	case Double:
		return v.Double()
	case String:
		return v.Str()
	}
	list := make([]any, len(v.list))
	for i, e := range v.list {
		list[i] = native(e)
	}
	return list
}

// show writes a result of cel-go as Value.String writes ours.
func show(t testing.TB, v ref.Val) string {
	t.Helper()
	switch v := v.(type) {
	case types.Bool:
		return BoolValue(bool(v)).String()
	case types.Int:
		return IntValue(int64(v)).String()
	case types.Double:
		return DoubleValue(float64(v)).String()
	case types.String:
		return StringValue(string(v)).String()
	case traits.Lister:
		var parts []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			parts = append(parts, show(t, it.Next()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	t.Fatalf("cel-go returned a %T", v)
	return ""
}

// outcome is how an expression ended, in a form to be compared.
type outcome struct {
	compiled bool
	ran      bool
	noValue  bool // failed for want of an answer
	typ      string
	value    string
	err      error // for the message of the test
}

func (o *oracle) run(t testing.TB, src string) outcome {
	t.Helper()
	ast, issues := o.env.Compile(src)
	if issues.Err() != nil {
		return outcome{err: issues.Err()}
	}
	out := outcome{compiled: true, typ: ast.OutputType().String()}
	prg, err := o.env.Program(ast)
	if err != nil {
		t.Fatalf("cel-go cannot plan %q: %v", src, err)
	}
	vars := map[string]any{record: recordValue{}}
	for name, v := range o.answers {
		vars[name] = native(v)
	}
	v, _, err := prg.Eval(vars)
	if err != nil {
		out.err = err
		out.noValue = strings.Contains(err.Error(), "no such attribute") || strings.Contains(err.Error(), errNoAnswer.Error())
		return out
	}
	out.ran, out.value = true, show(t, v)
	return out
}

// runOurs returns false for what the language leaves out of CEL or limits.
func runOurs(src string, answers map[string]Value) (outcome, bool) {
	p, err := Compile(src, declared)
	if err != nil {
		return outcome{err: err}, !errors.Is(err, errSubset) && !errors.Is(err, ErrLimit)
	}
	out := outcome{compiled: true, typ: p.Type().String()}
	if p.Type() == list {
		out.typ = "list(dyn)"
	}
	v, err := p.Eval(func(name string) (Value, bool) {
		v, ok := answers[name]
		return v, ok
	})
	if err != nil {
		out.err, out.noValue = err, errors.Is(err, ErrNoValue)
		return out, !errors.Is(err, ErrLimit)
	}
	out.ran, out.value = true, v.String()
	return out, true
}

// compare fails the test when both disagree. It returns our outcome and whether
// there was something to compare.
func (o *oracle) compare(t testing.TB, src string) (outcome, bool) {
	t.Helper()
	ours, ok := runOurs(src, o.answers)
	if !ok {
		return ours, false
	}
	theirs := o.run(t, src)
	a, b := ours, theirs
	a.err, b.err = nil, nil
	if a != b {
		t.Errorf("%s\n ours: %+v %v\n cel:  %+v %v\n with %v", src, a, ours.err, b, theirs.err, o.answers)
	}
	return ours, true
}

// expressions is how many random expressions TestAgreesWithCEL compares; make
// fuzz-expr takes a million.
var expressions = flag.Int("expressions", 20_000, "random expressions to compare with cel-go")

// tally counts how expressions ended.
type tally struct{ made, compared, right, value, noValue int }

func (a *tally) add(b tally) {
	a.made += b.made
	a.compared += b.compared
	a.right += b.right
	a.value += b.value
	a.noValue += b.noValue
}

func (a tally) String() string {
	return fmt.Sprintf("%d expressions, %d compared: %d mistakes, %d values, %d without a value, %d other errors",
		a.made, a.compared, a.compared-a.right, a.value, a.noValue, a.right-a.value-a.noValue)
}

// chunk is how many expressions are made from one seed.
const chunk = 2000

func TestAgreesWithCEL(t *testing.T) {
	seeds := make(chan uint64)
	done := make(chan tally)
	workers := runtime.GOMAXPROCS(0)
	for range workers {
		go func() {
			var sum tally
			defer func() { done <- sum }()
			for seed := range seeds {
				sum.add(compareChunk(t, seed))
			}
		}()
	}
	chunks := max(1, *expressions/chunk)
	for seed := range chunks {
		if t.Failed() {
			break
		}
		seeds <- uint64(seed)
		if n := (seed + 1) * chunk; n%20_000 == 0 && *expressions > 20_000 {
			fmt.Fprintf(os.Stderr, "\r%d of %d expressions", n, chunks*chunk)
		}
	}
	close(seeds)
	var sum tally
	for range workers {
		sum.add(<-done)
	}
	if *expressions > 20_000 {
		fmt.Fprintf(os.Stderr, "\r%v\n", sum)
	}
	t.Log(sum)
	// The generator must not drift into comparing mistakes only.
	if !t.Failed() && (sum.compared < sum.made*8/10 || sum.right < sum.made/3 || sum.value < sum.made/5 || sum.noValue < sum.made/20) {
		t.Errorf("too few expressions of a kind: %v", sum)
	}
}

// compareChunk compares the expressions of a seed, with new answers for each.
func compareChunk(t *testing.T, seed uint64) tally {
	o := newOracle(t)
	r := rand.New(rand.NewPCG(2, seed))
	g := &generator{rand: r}
	var sum tally
	for range chunk {
		o.answers = someAnswers(r)
		out, ok := o.compare(t, g.source())
		sum.add(tally{1, count(ok), count(ok && out.compiled), count(ok && out.ran), count(ok && out.noValue)})
		if t.Failed() {
			break
		}
	}
	return sum
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func FuzzAgreesWithCEL(f *testing.F) {
	for _, src := range []string{`i + 1 > 7 && "tv" in v`, `has(a.mi) ? mi : -1`, `"浙" + s == '浙江'`, `[1, 2][0] % 0`,
		`ages.exists(x, x > mi) || ages.filter(x, x > 7).all(x, x != i)`, `v.map(x, size(x)) == [2, 5]`, `ages.exists_one(x, x == 7)`, `has(has(a.i))`} {
		f.Add(src)
	}
	o := newOracle(f)
	f.Fuzz(func(t *testing.T, src string) {
		o.compare(t, src)
	})
}

// generator writes random expressions, most of them well typed.
type generator struct {
	rand   *rand.Rand
	locals []local // the elements that macros around name
}

// source returns an expression, one in four with a piece damaged.
func (g *generator) source() string {
	src := g.expr(g.anyType(), 1+g.rand.IntN(5))
	if g.rand.IntN(4) == 0 {
		src = g.damage(src)
	}
	return src
}

// pieces are what damage puts into a source.
var pieces = []string{"(", ")", "[", "]", "+", "-", "!", "&&", "||", "==", "<", "in", " in ", "?", ":", ".", ",",
	"\"", "'", "\\", "\\u6d59", "\\x41", "\\377", "0x1F", "1e3", ".5", "1.", "9223372036854775808", "//", "\n", "a.", "a", "has(",
	"u", "null", "true", "size", ".size()", "=", "&", "浙", "for", " ", "{", "r\"\"", "\t", "e", "%",
	".exists(x, ", ".all(y, true)", ".map(z, 1)", "x", ".filter(i, b)", ".exists_one(", ".map(x, true, 1)"}

// damage cuts out a piece of the source, and puts another one in its place.
func (g *generator) damage(src string) string {
	runes := []rune(src)
	at := g.rand.IntN(len(runes) + 1)
	end := min(len(runes), at+g.rand.IntN(3))
	return string(runes[:at]) + g.pick(pieces...) + string(runes[end:])
}

func (g *generator) pick(from ...string) string { return from[g.rand.IntN(len(from))] }

func (g *generator) anyType() Type {
	return []Type{Bool, Bool, Bool, Int, Double, String, Strings, list | Int, list | Double, list | Bool}[g.rand.IntN(10)]
}

func (g *generator) scalar() Type { return []Type{Bool, Int, Double, String}[g.rand.IntN(4)] }

// macro writes a list of some type, the macro, and the body of a type.
func (g *generator) macro(name string, of, body Type, depth int) string {
	list := g.expr(list|of, depth)
	x := fmt.Sprintf("e%d", len(g.locals))
	g.locals = append(g.locals, local{x, of})
	src := fmt.Sprintf("(%s).%s(%s, %s)", list, name, x, g.expr(body, depth))
	g.locals = g.locals[:len(g.locals)-1]
	return src
}

// expr writes an expression of a type, seldom of another one.
func (g *generator) expr(t Type, depth int) string {
	if g.rand.IntN(60) == 0 {
		t = g.anyType()
	}
	if depth == 0 || g.rand.IntN(8) == 0 {
		return g.leaf(t)
	}
	if g.rand.IntN(10) == 0 {
		return fmt.Sprintf("(%s ? %s : %s)", g.expr(Bool, depth-1), g.expr(t, depth-1), g.expr(t, depth-1))
	}
	if g.rand.IntN(25) == 0 {
		return fmt.Sprintf("[%s, %s][%s]", g.expr(t, depth-1), g.expr(t, depth-1), g.pick("0", "1", "2", "-1", "i - 7"))
	}
	switch t {
	case Bool:
		return g.condition(depth - 1)
	case Int:
		return g.integer(depth - 1)
	case Double:
		return g.double(depth - 1)
	case String:
		return g.text(depth - 1)
	}
	switch g.rand.IntN(5) {
	case 0:
		return g.macro("filter", t.elem(), Bool, depth-1)
	case 1:
		return g.macro("map", g.scalar(), t.elem(), depth-1)
	}
	if g.rand.IntN(2) == 0 {
		return g.expr(t, depth-1) + " + " + g.expr(t, depth-1)
	}
	return fmt.Sprintf("[%s, %s]", g.expr(t.elem(), depth-1), g.expr(t.elem(), depth-1))
}

// leaf writes a literal or a variable.
func (g *generator) leaf(t Type) string {
	if len(g.locals) > 0 && g.rand.IntN(2) == 0 {
		l := g.locals[g.rand.IntN(len(g.locals))]
		if l.typ == t {
			return l.name
		}
	}
	switch t {
	case Bool:
		return g.pick("true", "false", "b", "c", "a.b", "mb", "a.mb", "has(a.mb)", "has(a.i)", "has(a.nobody)")
	case Int:
		return g.pick("0", "1", "2", "-1", "10", "i", "j", "k", "l", "a.i", "mi", "a.mi", "0x10",
			"9223372036854775807", "-9223372036854775808")
	case Double:
		return g.pick("0.0", "1.0", "-1.5", "x", "y", "z", "a.x", "mx", "1e3", ".5", "1e308", "9.3e18", "0.1", "1e21", "1e-7")
	case String:
		return g.pick(`""`, `"江"`, `'12'`, `"tv"`, "s", "t", "u", "a.s", "ms", `"\n\u6d59"`, `"1.5"`, `"-7"`, `"NaN"`, `'\''`, `"+1"`, `"1_0"`)
	case Strings:
		return g.pick("v", "w", "a.v", "mv", "[]", `["tv"]`, `["tv", "江",]`)
	}
	switch t.elem() {
	case Int:
		return g.pick("[]", "["+g.leaf(Int)+"]", "ages", "a.ages", "mages")
	case Double:
		return g.pick("["+g.leaf(Double)+"]", "shares")
	}
	return g.pick("["+g.leaf(Bool)+"]", "present")
}

func (g *generator) condition(depth int) string {
	sub := func(t Type) string { return g.expr(t, depth) }
	switch g.rand.IntN(11) {
	case 9, 10:
		return g.macro(g.pick("exists", "all", "exists_one"), g.scalar(), Bool, depth)
	case 0, 1:
		return "(" + sub(Bool) + " && " + sub(Bool) + g.pick("", " && "+sub(Bool)) + ")"
	case 2, 3:
		return "(" + sub(Bool) + " || " + sub(Bool) + ")"
	case 4:
		return "!(" + sub(Bool) + ")"
	case 5:
		t := g.anyType()
		return sub(t) + g.pick(" == ", " != ") + sub(t)
	case 6:
		t := []Type{Bool, Int, Double, String}[g.rand.IntN(4)]
		return sub(t) + g.pick(" < ", " <= ", " > ", " >= ") + sub(t)
	case 7:
		t := []Type{Int, String, String, Double}[g.rand.IntN(4)]
		return sub(t) + " in " + sub(list|t)
	}
	return "(" + sub(String) + ")." + g.pick("contains", "startsWith", "endsWith") + "(" + sub(String) + ")"
}

func (g *generator) integer(depth int) string {
	sub := func(t Type) string { return g.expr(t, depth) }
	switch g.rand.IntN(6) {
	case 0:
		return "size(" + sub(g.sized()) + ")"
	case 1:
		return "(" + sub(g.sized()) + ").size()"
	case 2:
		return "int(" + sub([]Type{Int, Double, String}[g.rand.IntN(3)]) + ")"
	case 3:
		return "-(" + sub(Int) + ")"
	}
	return sub(Int) + g.pick(" + ", " - ", " * ", " / ", " % ", "-") + sub(Int)
}

func (g *generator) sized() Type { return []Type{String, Strings, list | Int}[g.rand.IntN(3)] }

func (g *generator) double(depth int) string {
	sub := func(t Type) string { return g.expr(t, depth) }
	switch g.rand.IntN(5) {
	case 0, 1:
		return "double(" + sub([]Type{Int, Double, String}[g.rand.IntN(3)]) + ")"
	case 2:
		return "-(" + sub(Double) + ")"
	}
	return sub(Double) + g.pick(" + ", " - ", " * ", " / ") + sub(Double)
}

func (g *generator) text(depth int) string {
	if g.rand.IntN(2) == 0 {
		return g.expr(String, depth) + " + " + g.expr(String, depth)
	}
	return "string(" + g.expr([]Type{Bool, Int, Double, String}[g.rand.IntN(4)], depth) + ")"
}
