package assess_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
)

// planQuestionnaire has one item of each type that a plan may name.
func planQuestionnaire() *surveys.Questionnaire {
	return &surveys.Questionnaire{
		ID: "q", Languages: []surveys.Lang{surveys.ZH, surveys.EN},
		Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{
			{ID: "sex", Type: surveys.Single, Options: []surveys.Option{{Code: "1"}, {Code: "2"}}},
			{ID: "age", Type: surveys.Number},
			{ID: "news", Type: surveys.Multiple, Options: []surveys.Option{{Code: "tv"}}},
		}}},
	}
}

const goodPlan = `title: {zh: 报告, en: Report}
factors:
  - id: sex
    title: {zh: 性别, en: Sex}
    answer: sex
    levels:
      - {code: male, name: {zh: 男, en: Men}, values: ["1"]}
      - {code: female, name: {zh: 女, en: Women}, values: ["2"]}
  - id: age
    title: {zh: 年龄, en: Age}
    answer: age
    levels:
      - {code: young, name: {zh: 青, en: Young}, min: 18, below: 40}
      - {code: old, name: {zh: 老, en: Old}, min: 40}
tables: [sex, age]
`

func TestReadPlan(t *testing.T) {
	p, err := assess.ReadPlan("plan.yaml", []byte(goodPlan), planQuestionnaire())
	if err != nil {
		t.Fatal(err)
	}
	age := p.Factor("age")
	for value, want := range map[string]int{"18": 0, "39": 0, "39.5": 0, "40": 1, "99": 1, "17": -1, "": -1, "old": -1, "NaN": -1} {
		if got := age.Level(value); got != want {
			t.Errorf("Level(%q) = %d, want %d", value, got, want)
		}
	}
	if got := p.Factor("sex").Level("2"); got != 1 {
		t.Errorf("Level of sex 2 = %d, want 1", got)
	}
	if p.Factor("moon") != nil {
		t.Error("a factor that is not there was found")
	}
}

// Each case changes one line of the good plan; the message must give the line of the
// fault and say what is wrong.
func TestReadPlanFaults(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "tables: [sex, age]", "tabels: [sex, age]", `plan.yaml:15: invalid: unknown key "tabels"`},
		{"text for a number", "min: 40}", "min: old}", "plan.yaml:14: invalid: cannot unmarshal"},
		{"no YAML", goodPlan, "title: [", "plan.yaml: invalid"},
		{"empty", goodPlan, "", "the plan is empty"},
		{"title in one language", "title: {zh: 报告, en: Report}", "title: {zh: 报告}", `plan.yaml:1: invalid: the title has no text in the language "en"`},
		{"factor twice", "- id: age", "- id: sex", `plan.yaml:9: invalid: factor "sex" stands there twice`},
		{"no such item", "answer: age", "answer: years", `plan.yaml:11: invalid: factor "age": the questionnaire has no item "years"`},
		{"multiple choice", "answer: age", "answer: news", `plan.yaml:11: invalid: factor "age": the item "news" is of type "multiple"`},
		{"answer and sample", "    answer: age", "    answer: age\n    sample: age", "plan.yaml:9: invalid: factor \"age\": give either answer"},
		{"no such option", `values: ["2"]`, `values: ["3"]`, `plan.yaml:8: invalid: factor "sex", level "female": the item "sex" has no option "3"`},
		{"value in two levels", `values: ["2"]`, `values: ["1"]`, `plan.yaml:8: invalid: factor "sex": the value "1" is in the levels "male" and "female"`},
		{"level twice", "code: female", "code: male", `plan.yaml:8: invalid: factor "sex" has two levels "male"`},
		{"slash in a code", "code: female", "code: fe/male", `plan.yaml:8: invalid: factor "sex": the level code "fe/male"`},
		{"overlap", "min: 40}", "min: 39}", `plan.yaml:13: invalid: factor "age": the ranges of the levels "young" and "old" overlap`},
		{"empty range", "min: 18, below: 40", "min: 40, below: 18", `plan.yaml:13: invalid: factor "age", level "young": min 40 is not below 18`},
		{"range of a choice", `values: ["2"]`, "min: 2", `plan.yaml:8: invalid: factor "sex", level "female": the item "sex" is no number`},
		{"neither values nor range", `, values: ["2"]`, "", `plan.yaml:8: invalid: factor "sex", level "female": give either values or a range`},
		{"unknown table", "tables: [sex, age]", "tables: [sex, moon]", `plan.yaml:15: invalid: the table "moon" is no factor`},
		{"table twice", "tables: [sex, age]", "tables: [sex, sex]", `plan.yaml:15: invalid: the table "sex" stands there twice`},
		{"table of the series", "tables: [sex, age]", "tables: [sex, age]\nseries: sex", `plan.yaml:15: invalid: the table "sex" is the series`},
		{"unknown series", "tables: [sex, age]", "series: moon", `plan.yaml:15: invalid: the series "moon" is no factor`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodPlan, c.old) {
				t.Fatalf("the good plan has no %q", c.old)
			}
			_, err := assess.ReadPlan("plan.yaml", []byte(strings.Replace(goodPlan, c.old, c.new, 1)), planQuestionnaire())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ReadPlan() error = %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestReadPlanTooLarge(t *testing.T) {
	if _, err := assess.ReadPlan("plan.yaml", make([]byte, 1<<20+1), planQuestionnaire()); err == nil || !strings.Contains(err.Error(), "the limit is") {
		t.Errorf("ReadPlan() error = %v, want the limit", err)
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(goodPlan))
	f.Add([]byte("factors: [{levels: [{min: .nan}]}]\ntables: [a]"))
	f.Add([]byte("factors: &a [*a]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := assess.ReadPlan("plan.yaml", src, planQuestionnaire())
		if (p == nil) == (err == nil) {
			t.Errorf("ReadPlan() = %v, %v", p, err)
		}
	})
}

// manual reads a page of the manual.
func manual(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile("../../web/docs/reference/" + page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// example is the first piece of YAML in a page of the manual.
func example(t *testing.T, page string) []byte {
	t.Helper()
	_, rest, _ := strings.Cut(manual(t, page), "```yaml\n")
	src, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatalf("%s has no example", page)
	}
	return []byte(src)
}

// The smallest plan of the manual fits the example questionnaire of the manual.
func TestManualPlan(t *testing.T) {
	q, err := definition.Read("questionnaire.yaml", example(t, "questionnaire.md"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := assess.ReadPlan("plan.yaml", example(t, "plan.md"), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tables) != 1 || p.Factor(p.Tables[0]) == nil {
		t.Errorf("the plan of the manual has the tables %v", p.Tables)
	}
}

// What a reader of the manual cannot find, nobody can write.
func TestManualHasEveryKeyOfAPlan(t *testing.T) {
	text := manual(t, "plan.md")
	var look func(typ reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
				if !strings.Contains(text, "`"+key+"`") {
					t.Errorf("the manual does not mention `%s`", key)
				}
				look(typ.Field(i).Type)
			}
		}
	}
	look(reflect.TypeFor[assess.Plan]())
}
