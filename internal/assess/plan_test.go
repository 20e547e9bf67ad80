package assess_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis/disclosure"
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
		{"text for a number", "min: 40}", "min: old}", `plan.yaml:14: invalid: the text "old" stands where a number belongs`},
		{"another file", goodPlan, "<html>", `plan.yaml:1: invalid: the text "<html>" stands where keys belong: title, factors, tables`},
		{"list for texts", "title: {zh: 报告, en: Report}", "title: [Report]", `plan.yaml:1: invalid: a list stands where a text for each language belongs`},
		{"text for a list", "tables: [sex, age]", "tables: sex", `plan.yaml:15: invalid: the text "sex" stands where a list belongs`},
		{"no YAML", goodPlan, "title: [", "plan.yaml: invalid"},
		{"empty", goodPlan, "", "the plan is empty"},
		{"title in one language", "title: {zh: 报告, en: Report}", "title: {zh: 报告}", `plan.yaml:1: invalid: the title has no text in the language "en"`},
		{"factor twice", "- id: age", "- id: sex", `plan.yaml:9: invalid: factor "sex" stands there twice`},
		{"no such item", "answer: age", "answer: years", `plan.yaml:11: invalid: factor "age": the questionnaire has no item "years"`},
		{"multiple choice", "answer: age", "answer: news", `plan.yaml:11: invalid: factor "age": the item "news" is of type "multiple"`},
		{"answer and sample", "    answer: age", "    answer: age\n    sample: age", "plan.yaml:9: invalid: factor \"age\": give either answer"},
		{"source without a version", "    answer: age", "    answer: age\n    source: {zh: 公报, en: A communiqué}", `plan.yaml:12: invalid: factor "age" has a source but no version`},
		{"source in one language", "    answer: age", "    answer: age\n    version: \"2020\"\n    source: {zh: 公报}", `plan.yaml:13: invalid: factor "age" (where its definition is from) has no text in the language "en"`},
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
	f.Add([]byte(fullPlan))
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

// The grouping of the manual is one that needs its version and source.
func TestManualGrouping(t *testing.T) {
	_, rest, _ := strings.Cut(manual(t, "plan.md"), "```yaml\n  - id: region")
	region, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("plan.md has no grouping")
	}
	plan := "title: {zh: 报告, en: Report}\nfactors:\n  - id: region" + region + "tables: [region]\n"
	if _, err := assess.ReadPlan("plan.yaml", []byte(plan), planQuestionnaire()); err != nil {
		t.Error(err)
	}
	if _, err := assess.ReadPlan("plan.yaml", []byte(strings.Replace(plan, "version: \"2026\"", "", 1)), planQuestionnaire()); err == nil {
		t.Error("it needs no version")
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
				if key == "-" {
					continue
				}
				if !strings.Contains(text, "`"+key+"`") {
					t.Errorf("the manual does not mention `%s`", key)
				}
				look(typ.Field(i).Type)
			}
		}
	}
	look(reflect.TypeFor[assess.Plan]())
}

// fullPlan has what a plan may have beyond factors and tables.
const fullPlan = `title: {zh: 报告, en: Report}
factors:
  - id: sex
    title: {zh: 性别, en: Sex}
    answer: sex
    levels:
      - {code: male, name: {zh: 男, en: Men}, values: ["1"], tile: [1, 1], short: {zh: 男, en: M}}
      - {code: female, name: {zh: 女, en: Women}, values: ["2"], tile: [2, 1]}
  - id: stage
    title: {zh: 阶段, en: Stage}
    levels:
      - {code: old, name: {zh: 老, en: Old}, when: age >= 60}
      - {code: rest, name: {zh: 其余, en: Others}, when: "true"}
    version: "2026"
    source: {zh: 本项目, en: This project}
tables: [sex, stage]
crossings: [[sex, stage]]
groups:
  - id: key
    title: {zh: 人群, en: Groups}
    version: "2021"
    groups:
      - {code: a, name: {zh: 甲, en: A}, when: 'sex == "1" && age > 30'}
      - {code: b, name: {zh: 乙, en: B}, when: '"tv" in news'}
    source: {zh: 纲要, en: The outline}
topics:
  - id: news
    title: {zh: 渠道, en: News}
    items: [news]
    by: literate
area: {code: "330000", name: {zh: 浙江, en: Zhejiang}}
compare:
  - {code: "000000", name: {zh: 全国, en: China}, years: [2020, 2024]}
disclosure:
  people: 20
  psus: 1
  dominance: 0.8
  reason: {zh: 一村一县, en: One village a county}
`

func TestReadPlanPartFaults(t *testing.T) {
	p, err := assess.ReadPlan("plan.yaml", []byte(fullPlan), planQuestionnaire())
	if err != nil {
		t.Fatal(err)
	}
	want := disclosure.DefaultRules()
	want.MinN, want.MinPSUs, want.TopShare = 20, 1, 0.8
	if got := p.Rules(); got != want || !slices.Equal(p.WeakerRules(), []string{"psus"}) {
		t.Errorf("the rules are %+v, of which %v are weaker", got, p.WeakerRules())
	}
	if got := new(assess.Plan).Rules(); got != disclosure.DefaultRules() {
		t.Errorf("without any the rules are %+v", got)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown variable", "when: age >= 60", "when: years >= 60", `plan.yaml:12: invalid: factor "stage", level "old": 1:1: there is no item "years"`},
		{"type fault", "when: age >= 60", "when: age >= 6.5", `plan.yaml:12: invalid: factor "stage", level "old": 1:5`},
		{"not a condition", "when: age >= 60", "when: age + 1", `must be true or false`},
		{"no condition", ", when: age >= 60", "", `plan.yaml:12: invalid: factor "stage", level "old" has no condition`},
		{"condition beside an answer", `values: ["2"], tile`, `when: age > 3, tile`, `plan.yaml:8: invalid: factor "sex", level "female": a condition stands alone`},
		{"condition and values", "when: age >= 60", `when: age >= 60, values: ["1"]`, `give a condition (when), as the other levels have`},
		{"condition twice", `when: "true"`, "when: age >= 60", `plan.yaml:13: invalid: factor "stage", level "rest" has the condition of "old"`},
		{"option that is not there", `"tv" in news`, `"radio" in news`, `plan.yaml:24: invalid: group set "key", group "b": 1:1: the item "news" has no option "radio"`},
		{"asking for a refusal", `sex == "1"`, `sex == "refused"`, `means that there is no answer`},
		{"group twice", "code: b", "code: a", `plan.yaml:24: invalid: group set "key", group "a" stands there twice`},
		{"set without a version", `version: "2021"`, `version: ""`, `plan.yaml:25: invalid: group set "key" has a source but no version`},
		{"conditions of nobody", "    version: \"2026\"\n    source: {zh: 本项目, en: This project}\n", "", `plan.yaml:9: invalid: factor "stage" (level "old" is put together or has a condition) has neither version nor source; add version:`},
		{"conditions without a source", "    source: {zh: 本项目, en: This project}\n", "", `plan.yaml:9: invalid: factor "stage" (level "old" is put together or has a condition) has no source; add source:`},
		{"conditions without a version", "    version: \"2026\"\n", "", `plan.yaml:14: invalid: factor "stage" has a source but no version`},
		{"a source in one language", "{zh: 本项目, en: This project}", "{zh: 本项目}", `plan.yaml:15: invalid: factor "stage" (where its definition is from) has no text in the language "en"`},
		{"values put together", `values: ["2"], tile: [2, 1]}`, `values: ["2"], tile: [2, 1]}\n      - {code: x, name: {zh: 它, en: X}, values: ["3", "4"], tile: [3, 1]}`, `plan.yaml:3: invalid: factor "sex" (level "x" is put together or has a condition) has neither version nor source`},
		{"set without a source", "    source: {zh: 纲要, en: The outline}\n", "", `plan.yaml:19: invalid: group set "key" has no source; add source:`},
		{"set's source in one language", "{zh: 纲要, en: The outline}", "{en: The outline}", `plan.yaml:25: invalid: group set "key" (where its definition is from) has no text in the language "zh"`},
		{"set called like a factor", "id: key", "id: sex", `there is another set or a factor of this ID`},
		{"crossing of one", "[[sex, stage]]", "[[sex]]", `plan.yaml:17: invalid: the crossing [sex] needs two`},
		{"crossing of the unknown", "[[sex, stage]]", "[[sex, moon]]", `"moon" is no factor of the plan`},
		{"crossing twice", "[[sex, stage]]", "[[sex, stage], [stage, sex]]", `stands there twice`},
		{"tile twice", "tile: [2, 1]", "tile: [1, 1]", `plan.yaml:8: invalid: factor "sex": the levels "male" and "female" have the same tile`},
		{"tile of some", `, tile: [2, 1]`, "", `plan.yaml:8: invalid: factor "sex": the level "female" has no tile, and "male" has one`},
		{"tile of one number", "tile: [2, 1]", "tile: [2]", `a tile is a column and a row`},
		{"topic of the unknown", "items: [news]", "items: [moon]", `plan.yaml:29: invalid: topic "news": the questionnaire has no item "moon"`},
		{"topic of a number", "items: [news]", "items: [age]", `the item "age" is of type "number"`},
		{"topic's option", "items: [news]", `items: [news]\n    options: [radio]\n    name: {zh: 广播, en: Radio}`, `the item "news" has no option "radio"`},
		{"option of no item", "items: [news]", `items: [news, sex]\n    options: [radio]\n    name: {zh: 广播, en: Radio}`, `plan.yaml:30: invalid: topic "news": the items "news", "sex" have no option "radio"; correct or remove it`},
		{"options without a name", "items: [news]", `items: [news]\n    options: [tv]`, `what its options mean together`},
		{"first of many", "items: [news]", `items: [news]\n    first: true`, `have no order`},
		{"topic by the unknown", "by: literate", "by: moon", `plan.yaml:30: invalid: topic "news": "moon" is no factor of the plan; name one, or "literate"`},
		{"code of an area", `"330000"`, `"33"`, `write the six digits`},
		{"people of a rule", "people: 20", "people: 2", `plan.yaml:35: invalid: disclosure: people is 2; give a number from 3 to 1000`},
		{"share of a rule", "dominance: 0.8", "dominance: 80", `plan.yaml:37: invalid: disclosure: dominance is 80; give a share above 0, at most 1`},
		{"weaker without a reason", "  reason: {zh: 一村一县, en: One village a county}\n", "", `plan.yaml:36: invalid: disclosure: "psus" protects less than the built-in rule; say why`},
		{"reason in one language", ", en: One village a county", "", `disclosure: the reason has no text in the language "en"`},
		{"reason for nothing", "psus: 1", "psus: 3", `no rule is weaker`},
		{"rule that is none", "psus: 1", "villages: 1", `unknown key "villages"`},
		{"year twice", "[2020, 2024]", "[2020, 2020]", `the year 2020`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(fullPlan, c.old) {
				t.Fatalf("the plan has no %q", c.old)
			}
			with := strings.ReplaceAll(c.new, `\n`, "\n")
			_, err := assess.ReadPlan("plan.yaml", []byte(strings.Replace(fullPlan, c.old, with, 1)), planQuestionnaire())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ReadPlan() error = %v, want one with %q", err, c.want)
			}
		})
	}
}

// A plan that an earlier program published is read although nobody was asked whose definitions
// its groupings are; all else is wanted of it as of every plan.
func TestReadKeptPlan(t *testing.T) {
	old := fullPlan
	for _, definition := range []string{"    version: \"2026\"\n", "    source: {zh: 本项目, en: This project}\n", "    source: {zh: 纲要, en: The outline}\n"} {
		old = strings.Replace(old, definition, "", 1)
	}
	if _, err := assess.ReadPlan("plan.yaml", []byte(old), planQuestionnaire()); err == nil {
		t.Error("a new plan needs no definitions")
	}
	p, err := assess.ReadKeptPlan("plan.yaml", []byte(old), planQuestionnaire())
	if err != nil || p.Factor("stage") == nil || len(p.Groups) != 1 {
		t.Errorf("ReadKeptPlan() = %+v, %v", p, err)
	}
	if _, err := assess.ReadKeptPlan("plan.yaml", []byte(strings.Replace(old, "[[sex, stage]]", "[[sex]]", 1)), planQuestionnaire()); err == nil {
		t.Error("a kept plan may have any fault")
	}
}
