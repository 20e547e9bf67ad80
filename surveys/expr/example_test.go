package expr_test

import (
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/surveys/expr"
)

// A question about hours online is asked of those who use the internet.
func Example() {
	env := expr.Env{"internet": expr.String, "age": expr.Int}
	p, err := expr.Compile(`internet == "yes" && age >= 18`, env)
	if err != nil {
		fmt.Println(err)
		return
	}
	answers := map[string]expr.Value{
		"internet": expr.StringValue("yes"),
		"age":      expr.IntValue(44),
	}
	v, err := p.Eval(func(name string) (expr.Value, bool) {
		v, ok := answers[name]
		return v, ok
	})
	fmt.Println(v, err)
	// Output: true <nil>
}

// A mistake is shown where it is.
func ExampleCompile() {
	_, err := expr.Compile(`"浙江" == city && age > 17.5`, expr.Env{"city": expr.String, "age": expr.Int})
	fmt.Println(err)
	// Output:
	// 1:21: > does not take int and double; convert with double(…) or int(…)
	//   "浙江" == city && age > 17.5
	//    　　                 ^
}

// Without an answer there is no value, unless the other side decides.
func ExampleProgram_Eval() {
	noAnswers := func(string) (expr.Value, bool) { return expr.Value{}, false }
	for _, src := range []string{"age > 17", "age > 17 || true", "has(a.age) && age > 17"} {
		p, err := expr.Compile(src, expr.Env{"age": expr.Int})
		if err != nil {
			fmt.Println(err)
			return
		}
		v, err := p.Eval(noAnswers)
		fmt.Println(v, errors.Is(err, expr.ErrNoValue))
	}
	// Output:
	// no value true
	// true false
	// false false
}

// Lists hold the chosen options of an item with several answers.
func ExampleStringsValue() {
	p, err := expr.Compile(`"news" in channels && size(channels) <= 3`, expr.Env{"channels": expr.Strings})
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := p.Eval(func(string) (expr.Value, bool) {
		return expr.StringsValue([]string{"video", "news"}), true
	})
	fmt.Println(v.Bool(), err)
	// Output: true <nil>
}
