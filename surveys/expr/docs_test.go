package expr

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestManual runs the examples of the manual.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../web/docs/reference/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]Value{"age": IntValue(44), "share": DoubleValue(2.5), "net": StringValue("yes"),
		"tv": StringsValue([]string{"news", "film"}), "born": StringValue("1982-03-01"),
		"ages": ListValue(Int, []Value{IntValue(44), IntValue(41), IntValue(9)})}
	env := Env{"income": Int}
	for name, v := range answers {
		env[name] = v.typ
	}
	kind, run := "", 0
	for line := range strings.Lines(string(text)) {
		if fence, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
			kind = fence
			continue
		}
		src, want, ok := strings.Cut(line, " => ")
		if kind == "" || !ok {
			continue
		}
		run++
		want = strings.TrimSpace(want)
		p, err := Compile(strings.TrimSpace(src), env)
		got := ""
		if err == nil {
			var v Value
			v, err = p.Eval(func(name string) (Value, bool) { v, ok := answers[name]; return v, ok })
			got = v.String()
			switch {
			case errors.Is(err, ErrNoValue):
				got = "no value"
			case err != nil:
				got = "error"
			}
		} else {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != want {
			t.Errorf("%s gives %s, the manual says %s", strings.TrimSpace(src), got, want)
		}
	}
	if run < 30 {
		t.Errorf("only %d examples were found", run)
	}
}
