package xlsform

import (
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

func sample(self string) *translator {
	options := []surveys.Option{{Code: "1"}, {Code: "2"}}
	return &translator{
		env: expr.Env{"age": expr.Int, "height": expr.Double, "sex": expr.String, "media": expr.Strings, "job": expr.String, "born": expr.String},
		ids: map[string]string{"age": "age", "height": "height", "sex": "sex", "media": "media", "job": "job", "born": "born"},
		items: map[string]*surveys.Item{"age": {ID: "age", Type: surveys.Number}, "height": {ID: "height", Type: surveys.Number, Decimals: 1},
			"sex": {ID: "sex", Type: surveys.Single, Options: options}, "media": {ID: "media", Type: surveys.Multiple, Options: options},
			"job": {ID: "job", Type: surveys.ShortText}, "born": {ID: "born", Type: surveys.Date}},
		code: func(_, choice string) string { return choice },
		self: self,
	}
}

// TryExpression translates an expression in every way.
func TryExpression(s string) {
	_, _ = sample("age").condition(s, countsTrue)
	_, _ = sample("").condition(s, countsFalse)
	_, _ = sample("").calculation(s)
}

func TestConditionsKeepTheirMeaning(t *testing.T) {
	for _, c := range []struct{ xpath, cel string }{
		{"${age} > 18", "age > 18"},
		{"not(${age} > 18)", "!(has(a.age) && age > 18)"},
		{"${sex} != '1'", `!has(a.sex) || sex != "1"`},
		{"not(${sex} != '1')", `!(sex != "1")`},
		{"${sex} = 1 or ${age} >= 17.5", `sex == "1" || double(age) >= 17.5`},
		{"selected(${media}, '1') and not(selected(${media}, '2'))", `"1" in media && !(has(a.media) && "2" in media)`},
		{"${job} = ''", "!has(a.job)"},
		{"${job} != '' and (${age} < 3 or ${age} > 60)", "has(a.job) && (age < 3 || age > 60)"},
		{"count-selected(${media}) >= 1", "(has(a.media) ? size(media) : 0) >= 1"},
		{"${sex} > 1", "int(sex) > 1"},
		{"${age} div 2 > 3", "double(age) / 2.0 > 3.0"},
		{"${born} < date('2000-01-01')", `born < "2000-01-01"`},
		{"if(${age} > 17, ${sex} = 1, false())", `has(a.age) && age > 17 ? sex == "1" : false`},
		{"contains(${job}, 'x')", `(has(a.job) ? job : "").contains("x")`},
	} {
		got, err := sample("").condition(c.xpath, countsFalse)
		if err != nil || got != c.cel {
			t.Errorf("condition(%s) = %s, %v, want %s", c.xpath, got, err, c.cel)
		}
	}
}

func TestConstraintsAreKeptWhenAnAnswerIsMissing(t *testing.T) {
	got, err := sample("age").condition(". > 5 and . < ${height}", countsTrue)
	if want := "age > 5 && has(a.height) && double(age) < height"; err != nil || got != want {
		t.Errorf("condition() = %s, %v, want %s", got, err, want)
	}
}

func TestWhatHasNoCounterpartIsNamed(t *testing.T) {
	for xpath, want := range map[string]string{
		"regex(., '^a')":   "the function regex(…) has no counterpart here",
		"/data/age > 1":    "a path has no counterpart; only ${name} and . refer to answers",
		"${other} = 1":     "${other} is not asked before, or was left out",
		"${age} > ":        "the expression is not complete",
		"${job} > 3":       "a text is used as a number; only choices with codes that all are numbers can be",
		"${media} = '1'":   "the answer to a question with several choices is compared as a whole; use selected(…)",
		"position(..) = 1": "a path has no counterpart; only ${name} and . refer to answers",
		"'a":               "a text in quotes has no end",
		"age > 3":          "\"age\" has no counterpart; write ${age} for an answer",
	} {
		if _, err := sample("sex").condition(xpath, countsFalse); err == nil || err.Error() != want {
			t.Errorf("condition(%s) = %v, want %s", xpath, err, want)
		}
	}
}
