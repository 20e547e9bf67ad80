package expr

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
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
}

var unanswered = Env{"mi": Int, "mx": Double, "ms": String, "mb": Bool, "mv": Strings}

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
	env  *cel.Env
	vars map[string]any
}

// recordType makes cel-go see the record a with a typed field for each variable.
type recordType struct {
	types.Provider
	fields map[string]*types.Type
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
		IsSet: func(any) bool { _, ok := answered[field]; return ok },
		GetFrom: func(any) (any, error) {
			if v, ok := answered[field]; ok {
				return native(v), nil
			}
			return nil, errors.New("no answer")
		},
	}, true
}

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
	r := recordType{Provider: registry, fields: map[string]*types.Type{}}
	opts := []cel.EnvOption{cel.CustomTypeAdapter(registry), cel.HomogeneousAggregateLiterals(),
		cel.Variable(record, cel.ObjectType(recordName))}
	o := &oracle{vars: map[string]any{record: recordValue{}}}
	for name, typ := range answersEnv() {
		r.fields[name] = celType(typ)
		opts = append(opts, cel.Variable(name, r.fields[name]))
		if v, ok := answered[name]; ok {
			o.vars[name] = native(v)
		}
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
	v, _, err := prg.Eval(o.vars)
	if err != nil {
		out.err = err
		return out
	}
	out.ran, out.value = true, show(t, v)
	return out
}

// runOurs returns false for what the language leaves out of CEL or limits.
func runOurs(src string) (outcome, bool) {
	p, err := Compile(src, answersEnv())
	if err != nil {
		return outcome{err: err}, !errors.Is(err, errSubset) && !errors.Is(err, ErrLimit)
	}
	out := outcome{compiled: true, typ: p.Type().String()}
	if p.Type() == list {
		out.typ = "list(dyn)"
	}
	v, err := p.Eval(lookupAnswered)
	if err != nil {
		out.err = err
		return out, !errors.Is(err, ErrLimit)
	}
	out.ran, out.value = true, v.String()
	return out, true
}

// compare fails the test when both disagree. It returns our outcome and whether
// there was something to compare.
func (o *oracle) compare(t testing.TB, src string) (outcome, bool) {
	t.Helper()
	ours, ok := runOurs(src)
	if !ok {
		return ours, false
	}
	theirs := o.run(t, src)
	a, b := ours, theirs
	a.err, b.err = nil, nil
	if a != b {
		t.Errorf("%s\n ours: %+v %v\n cel:  %+v %v", src, a, ours.err, b, theirs.err)
	}
	return ours, true
}

func TestAgreesWithCEL(t *testing.T) {
	const n = 20_000
	o := newOracle(t)
	g := &generator{rand: rand.New(rand.NewPCG(2, 4))}
	var compared, compiled, ran int
	for range n {
		src := g.source()
		out, ok := o.compare(t, src)
		compared += count(ok)
		compiled += count(ok && out.compiled)
		ran += count(ok && out.ran)
		if t.Failed() {
			return
		}
	}
	t.Logf("of %d expressions %d were compared, %d of them were right and %d gave a value", n, compared, compiled, ran)
	// The generator must not drift into comparing mistakes only.
	if compared < n*8/10 || compiled < n/3 || ran < n/5 {
		t.Errorf("too few expressions of a kind: %d compared, %d right, %d with a value", compared, compiled, ran)
	}
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func FuzzAgreesWithCEL(f *testing.F) {
	for _, src := range []string{`i + 1 > 7 && "tv" in v`, `has(a.mi) ? mi : -1`, `"浙" + s == '浙江'`, `[1, 2][0] % 0`} {
		f.Add(src)
	}
	o := newOracle(f)
	f.Fuzz(func(t *testing.T, src string) {
		o.compare(t, src)
	})
}

// generator writes random expressions, most of them well typed.
type generator struct {
	rand *rand.Rand
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
	"u", "null", "true", "size", ".size()", "=", "&", "浙", "for", " ", "{", "r\"\"", "\t", "e", "%"}

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
	if g.rand.IntN(2) == 0 {
		return g.expr(t, depth-1) + " + " + g.expr(t, depth-1)
	}
	return fmt.Sprintf("[%s, %s]", g.expr(t.elem(), depth-1), g.expr(t.elem(), depth-1))
}

// leaf writes a literal or a variable.
func (g *generator) leaf(t Type) string {
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
	return g.pick("[]", "["+g.leaf(t.elem())+"]")
}

func (g *generator) condition(depth int) string {
	sub := func(t Type) string { return g.expr(t, depth) }
	switch g.rand.IntN(9) {
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
