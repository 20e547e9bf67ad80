package expr

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// The values follow the language definition of CEL
// (https://github.com/cel-expr/cel-spec/blob/master/doc/langdef.md); cel_test.go
// holds all of them, and many more, against cel-go.
func TestValues(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"1 + 2 * 3", "7"},
		{"(1 + 2) * 3", "9"},
		{"7 / 2", "3"},
		{"-7 / 2", "-3"},
		{"-7 % 3", "-1"},
		{"10 - 3 - 2", "5"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"0x1F + 1", "32"},
		{"1.0 / 0.0", "+Inf"},
		{"0.1 + 0.2", "0.30000000000000004"},
		{".5 + 1e3", "1000.5"},
		{"0.0 / 0.0 == 0.0 / 0.0", "false"},
		{"0.0 / 0.0 < 1.0", "false"},
		{`"浙" + '江'`, `"浙江"`},
		{`"\u6d59\x41\101\n\"" + '\''`, `"浙AA\n\"'"`},
		{`size("浙江杭州")`, "4"},
		{`"tv".size() + size(["a"])`, "3"},
		{`"a" < "b" && "B" < "a" && false < true`, "true"},
		{"[1, 2] + [3]", "[1, 2, 3]"},
		{"[1, 2,][1]", "2"},
		{"[1, 2] == [1, 2] && [1] != [2] && [] == w", "true"},
		{`"tv" in v && !("cinema" in v)`, "true"},
		{"1 in []", "false"},
		{"b ? w : []", "[]"},
		{"b ? 1 : i / 0", "1"},
		{"i > 5 ? 'old' : 'young' // of age", `"old"`},
		{"int(2.7) + int(-2.7) + int('40')", "40"},
		{"double(3) / 2.0", "1.5"},
		{"double('1e3')", "1000"},
		{"string(1.0) + string(1e21) + string(2) + string(true)", `"11e+212true"`},
		{`"浙江省".startsWith("浙") && "浙江省".endsWith("省") && "浙江省".contains("江")`, "true"},
		{"a.i + i", "14"},
		{"has(a.i) && !has(a.mi) && !has((a.mx))", "true"},
		{"mi > 1 && false", "false"},
		{"mi > 1 || true", "true"},
		{"false || 1 / 0 > 0 || true", "true"},
		{"1 < 2 == true", "true"},
		{"-i + 1", "-6"},
		{"ages.exists(e, e > 30) && !ages.all(e, e > 30) && ages.exists_one(e, e == 40)", "true"},
		{"ages.filter(e, e == 7).map(f, f * 2)", "[14, 14]"},
		{"v.exists(e, mi > 0 || e == 'tv') && !v.all(e, mi > 0 && e == 'radio' && false)", "true"},
		{"ages.all(e, ages.exists(f, f == e))", "true"},
	} {
		p, err := Compile(c.src, answersEnv())
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		v, err := p.Eval(lookupAnswered)
		if err != nil || v.String() != c.want || v.Type() != p.Type() {
			t.Errorf("%s = %v (%v), %v, want %s", c.src, v, v.Type(), err, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", "1:1: the expression is empty"},
		{" // nothing", "1:1: the expression is empty"},
		{"1 +", "1:4: expected a value, found the end"},
		{"i = 1", "1:3: write == to compare"},
		{"b & c", "1:3: write && for and/or"},
		{"b and c", `1:3: expected an operator or the end (write && for and, || for or, ! for not), found "and"`},
		{"i + 'x'", "1:3: + does not take int and string"},
		{"i + 1.5", "1:3: + does not take int and double; convert with double(…) or int(…)"},
		{"i == 1.0", "1:3: == does not take int and double; convert with double(…) or int(…)"},
		{"b + c", "1:3: + does not take bool and bool"},
		{"x % 2.0", "1:3: % does not take double and double"},
		{"v < v", "1:3: < does not take list(string) and list(string)"},
		{"!i", "1:1: ! does not take int"},
		{"b && i", "1:3: && does not take bool and int"},
		{"1 in v", "1:3: in does not take int and list(string)"},
		{"1 in s", "1:3: in needs a list on its right side, not string"},
		{"[1, 'a']", "1:5: a string in a list of int; the elements must be of one type"},
		{"[v]", "1:2: lists of lists are not part of the language"},
		{"i.exists(x, b)", "1:3: exists needs a list before it, not int"},
		{"v.exists(e, e)", "1:13: the condition of exists must be bool, not string"},
		{"v.exists(i, b)", "1:3: i is the name of something else already; take another one for the element"},
		{"v.map(e, v)", "1:10: lists of lists are not part of the language"},
		{"v.map(x, b, 1)", "1:11: map takes a name and one expression"},
		{"v.exists(1, b)", "1:10: expected a name for the element; write exists(x, …)"},
		{"v.exists(e, b) && e == s", `1:19: there is no item "e"`},
		{"[][0]", "1:3: an empty list has no elements"},
		{"s[0]", "1:2: only a list has elements, not string"},
		{"v['0']", "1:3: the number of an element must be int, not string"},
		{"i ? 1 : 2", "1:1: the condition before ? must be bool, not int"},
		{"b ? 1 : 'x'", "1:3: the results on both sides of : must be of one type, not int and string"},
		{"b ? 1", `1:6: expected ":", found the end`},
		{"q99 > 1", `1:1: there is no item "q99"`},
		{"'浙江' == s && q99", `1:14: there is no item "q99"`},
		{"i > 1 &&\n  j > q99", `2:7: there is no item "q99"`},
		{"a == 1", "1:1: a is the record of all answers; write a.NAME"},
		{"a.for", "1:3: for is a word of the language, not the name of an item"},
		{"s.i", "1:3: only the record of answers has fields; write a.i"},
		{"has(i)", "1:1: has needs the answer to an item; write has(a.NAME)"},
		{"has(a.i, a.j)", "1:1: has needs the answer to an item; write has(a.NAME)"},
		{"has(a.q99)", `1:7: there is no item "q99"`},
		{"size()", "1:1: size has the wrong number of arguments"},
		{"size(1)", "1:1: size does not take int"},
		{"s.contains(1)", "1:3: contains does not take string and int"},
		{"length(s)", "1:1: there is no function length"},
		{"s.matches('x')", "1:3: matches is not part of the language"},
		{"null == 1", "1:1: null is not part of the language; has(a.NAME) asks whether there is an answer"},
		{"1u", "1:1: unsigned numbers are not part of the language; leave out the u"},
		{"r'x'", "1:1: raw strings and bytes are not part of the language; write the quotes alone"},
		{`"""x"""`, "1:1: triple quotes are not part of the language; write one"},
		{"{}", "1:1: maps are not part of the language"},
		{"!!b", "1:2: !! is not part of the language; leave both out"},
		{"i > １", "1:5: the full-width character １ is not allowed here; write 1"},
		{"s == “x”", `1:6: the quotation mark “ does not begin a text; write "`},
		{"i # 1", "1:3: unexpected character '#'"},
		{"2x", "1:1: this is neither a number nor a name"},
		{"9223372036854775808", "1:1: the number does not fit into 64 bits"},
		{"1e999", "1:1: the number is too large for a double"},
		{"'x", "1:1: the text has no closing '"},
		{"'x\n'", `1:1: the text does not end on its line; close it, or write \n for a line break`},
		{`'\q'`, `1:2: unknown escape; write \\ for a backslash`},
		{`'\ud800'`, "1:2: the escape names no character"},
		{`'\`, "1:2: the text ends in the middle of an escape"},
		{"(1", `1:3: expected ")", found the end`},
		{"1 2", `1:3: expected an operator or the end, found "2"`},
		{"\xff", "1:1: the expression is not valid UTF-8"},
	} {
		_, err := Compile(c.src, answersEnv())
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v, want %s", c.src, err, c.want)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.src, got, c.want)
		}
	}
}

func TestRuntimeErrors(t *testing.T) {
	for _, c := range []struct {
		src, want string
		kind      error
	}{
		{"i / 0", "1:3: division by zero", nil},
		{"i % 0", "1:3: division by zero", nil},
		{"k + 1", "1:3: the result does not fit into 64 bits", nil},
		{"l - 1", "1:3: the result does not fit into 64 bits", nil},
		{"k * 2", "1:3: the result does not fit into 64 bits", nil},
		{"l * -1", "1:3: the result does not fit into 64 bits", nil},
		{"l / -1", "1:3: the result does not fit into 64 bits", nil},
		{"-l", "1:1: the result does not fit into 64 bits", nil},
		{"int(1e19)", "1:1: the result does not fit into 64 bits", nil},
		{"int('x')", "1:1: int() takes a text of digits only", nil},
		{"double('x')", "1:1: double() takes a text that is a number", nil},
		{"v[2]", "1:2: the list has no such element; the first one is [0]", nil},
		{"v[-1]", "1:2: the list has no such element; the first one is [0]", nil},
		{"1 + mi", "1:5: mi has no answer", ErrNoValue},
		{"a.mi > 1", "1:3: mi has no answer", ErrNoValue},
		{"mb || c", "1:1: mb has no answer", ErrNoValue},
		{"mb && 1 / 0 > 0", "1:1: mb has no answer", ErrNoValue},
		{"mb ? 1 : 2", "1:1: mb has no answer", ErrNoValue},
	} {
		p, err := Compile(c.src, answersEnv())
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		v, err := p.Eval(lookupAnswered)
		if err == nil {
			t.Errorf("%s = %v, want an error", c.src, v)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != c.want || errors.Is(err, ErrNoValue) != (c.kind == ErrNoValue) {
			t.Errorf("%s:\n got %s (%v)\nwant %s", c.src, got, errors.Unwrap(err), c.want)
		}
	}
}

func TestCaretStandsBelowItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"wide characters and a tab": {"i > 1 &&\n\t'浙江' == q99", "2:10: there is no item \"q99\"\n  \t'浙江' == q99\n  \t \u3000\u3000     ^"},
		"an emoji and an accent":    {"'\U0001F600e\u0301' == q", "1:10: there is no item \"q\"\n  '\U0001F600e\u0301' == q\n   \u3000      ^"},
		"marks of direction":        {"'\u202Ex' == q", "1:9: there is no item \"q\"\n  '\uFFFDx' == q\n          ^"},
		"a long line": {"'" + strings.Repeat("x", 100) + "' == q == '" + strings.Repeat("y", 100) + "'",
			"1:107: there is no item \"q\"\n  …" + strings.Repeat("x", 55) + "' == q == '" + strings.Repeat("y", 54) + "…\n  " + strings.Repeat(" ", 61) + "^"},
	} {
		_, err := Compile(c.src, answersEnv())
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %q\nwant %q", name, err, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	deep := func(n int, open, inner, end string) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for name, src := range map[string]string{
		"a megabyte":        strings.Repeat("i + ", 1<<18),
		"ten thousand deep": deep(10_000, "(", "1", ")"),
		"macros":            deep(MaxDepth+1, "v.all(e, ", "b", ")"),
		"length":            strings.Repeat(" ", MaxLength) + "1",
		"parentheses":       deep(MaxDepth+1, "(", "1", ")"),
		"brackets":          deep(5000, "[", "", "]"),
		"not":               deep(1000, "!(", "b", ")"),
		"conditional":       deep(1000, "b ? 1 : ", "2", ""),
		"calls":             deep(MaxDepth+1, "string(", "s", ")"),
		"index":             deep(1000, "v[", "0", "]"),
	} {
		if _, err := Compile(src, answersEnv()); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %.80v, want ErrLimit", name, err)
		}
	}
	if _, err := Compile(deep(MaxDepth, "(", "1", ")"), nil); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
	if _, err := Compile("1"+strings.Repeat("+1", MaxLength/2-1), nil); err != nil {
		t.Errorf("a long sum is not deep: %v", err)
	}
}

func TestRunsEnd(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	many := make([]string, 20_000)
	lookup := func(name string) (Value, bool) {
		switch name {
		case "s":
			return StringValue(long), true
		case "t":
			return StringValue(strings.Repeat("x", MaxValueSize+1)), true
		case "v":
			return StringsValue(many[:10_000]), true
		}
		return StringsValue(many), true
	}
	for name, src := range map[string]string{
		"quadratic building":  "size(s" + strings.Repeat("+s", 15) + ") > 0 && size(''" + strings.Repeat("+s", 1000) + ") > 0",
		"large text":          "s" + strings.Repeat("+s", 16),
		"large list":          "size(v + v)",
		"large list literal":  "size([s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s])",
		"large variable":      "size(t)",
		"long list as answer": "'a' in w",
		"long search":         "'a' in v" + strings.Repeat(" || 'a' in v", 12),
		"long comparison":     "!(s == s)" + strings.Repeat(" || !(s == s)", 100),
		"nested macros":       "v.all(x, v.all(y, v.all(z, x == z || true)))",
		"errors in macros":    "v.exists(x, v.exists(y, 1 / size(x) > 0)) || true",
		"mapped large texts":  "size(v.map(x, s)) > 0",
		"a budget outweighed": "v.all(x, v.all(y, true)) || true",
		"long substrings":     "s.contains('a')" + strings.Repeat(" || s.contains('a')", 100),
	} {
		p, err := Compile(src, Env{"s": String, "t": String, "v": Strings, "w": Strings})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v, err := p.Eval(lookup); !errors.Is(err, ErrLimit) {
			t.Errorf("%s = %.80v, %v, want ErrLimit", name, v, err)
		}
	}
}

func TestNames(t *testing.T) {
	p, err := Compile("j > 1 && has(a.mi) && a.i in [j, k]", answersEnv())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Names(), []string{"i", "j", "k", "mi"}; !slices.Equal(got, want) {
		t.Errorf("Names() = %q, want %q", got, want)
	}
	if p.Source() != "j > 1 && has(a.mi) && a.i in [j, k]" {
		t.Errorf("Source() = %q", p.Source())
	}
	if e := p.ErrorAt("i", "later"); e.Line != 1 || e.Col != 25 || e.Msg != "later" {
		t.Errorf("ErrorAt(i) = %v", e)
	}
	if e := p.ErrorAt("x", "nowhere"); e.Col != 1 {
		t.Errorf("ErrorAt of an unused name = %v, want the beginning", e)
	}
}

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{"q1": true, "_x": true, "Age": true, "size": true,
		"": false, "1q": false, "a": false, "in": false, "while": false, "string": false, "q-1": false, "年龄": false} {
		if got := IsName(name); got != want {
			t.Errorf("IsName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestAnswerOfAnotherTypeIsAnError(t *testing.T) {
	p, err := Compile("i + 1", answersEnv())
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Eval(func(string) (Value, bool) { return StringValue("7"), true })
	if err == nil || !strings.Contains(err.Error(), "i was declared int, but the answer is string") || errors.Is(err, ErrNoValue) {
		t.Errorf("Eval() = %v", err)
	}
}

func TestAccessorsRefuseOtherTypes(t *testing.T) {
	for name, read := range map[string]func(){
		"Bool":   func() { IntValue(1).Bool() },
		"Int":    func() { DoubleValue(1).Int() },
		"Double": func() { IntValue(1).Double() },
		"Str":    func() { BoolValue(true).Str() },
		"List":   func() { StringValue("x").List() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s read a value of another type", name)
				}
			}()
			read()
		}()
	}
	list := StringsValue([]string{"x"}).List()
	if !BoolValue(true).Bool() || IntValue(-5).Int() != -5 || DoubleValue(math.Pi).Double() != math.Pi ||
		len(list) != 1 || list[0].Str() != "x" {
		t.Error("an accessor does not return what went in")
	}
	if got := (Value{}).String(); got != "no value" {
		t.Errorf("the zero Value is written %q", got)
	}
}

func FuzzCompileAndEval(f *testing.F) {
	for _, src := range []string{"i+1", "((", "'\\u", "v[0", "1e", "has(a.", "浙", "b?1:2", "//", "[1,2,][0]"} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Compile(src, answersEnv())
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Line < 1 || e.Col < 1 || e.Error() == "" {
				t.Fatalf("Compile(%q) = %#v", src, err)
			}
			return
		}
		v, err := p.Eval(lookupAnswered)
		if err == nil && v.Type() != p.Type() || err != nil && !errors.As(err, &e) {
			t.Fatalf("%q: %v of type %v, %v, want type %v", src, v, v.Type(), err, p.Type())
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	env := answersEnv()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`(i >= 18 && i <= 69) || "tv" in v`, env); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	p, err := Compile(`(i >= 18 && i <= 69) || "tv" in v`, answersEnv())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if v, err := p.Eval(lookupAnswered); err != nil || !v.Bool() {
			b.Fatal(v, err)
		}
	}
}
