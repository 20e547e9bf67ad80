package weigh_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/weigh"
	"github.com/suyang-survey/suyang/surveys/library"
)

const goodPlan = `title: {zh: 权数, en: Weights}
name: calibrated
agree: 0.001
status:
  column: disposition
  ineligible: [vacant]
  unknown: [no contact]
factors:
  - {id: place, title: {zh: 地, en: Place}, sample: class, levels: [{code: u, name: {zh: 城, en: U}, values: [urban]}, {code: r, name: {zh: 乡, en: R}, values: [rural]}]}
margins:
  - factors: [sex, place]
    targets: {male/u: 1, male/r: 2, female/u: 3, female/r: 4}
  - {factors: [city], census: "330000"}
  - {factors: [education], file: education.csv, count: people, missing: drop}
steps:
  - base: {eligible: adults}
  - unknown-eligibility: {by: [place]}
  - nonresponse: {by: [city, residence], least: 10, most: 3}
  - collapse: {margin: education, least: 30}
  - rake: {margins: [sex/place, city]}
  - trim: {lower: 0.2, upper: 4, of-median: true, strict: true}
  - calibrate: {margins: [city], distance: logit, lower: 0.5, upper: 2}
  - normalise: {sum: 1000}
`

// Each case changes one line of the good plan; the message must give the line of the
// fault and say what is wrong.
func TestReadPlanFaults(t *testing.T) {
	w := civic(t)
	if _, err := weigh.ReadPlan("weights.yaml", []byte(goodPlan), w.q, w.p.Factors); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "agree: 0.001", "agrees: 0.001", `weights.yaml:3: invalid: unknown key "agrees"`},
		{"unknown key of a step", "least: 30", "fewest: 30", `weights.yaml:19: invalid: unknown key "fewest"; keys known here: margin, least`},
		{"text for a number", "least: 30", "least: few", `weights.yaml:19: invalid: the text "few" stands where a number belongs`},
		{"empty", goodPlan, "", "the plan is empty"},
		{"title in one language", "{zh: 权数, en: Weights}", "{zh: 权数}", `weights.yaml:1: invalid: the title has no text in the language "en"`},
		{"a name with a version", "name: calibrated", "name: calibrated@2", `weights.yaml:2: invalid: the weights cannot be named "calibrated@2"`},
		{"a negative agreement", "agree: 0.001", "agree: -1", "weights.yaml:3: invalid: agree is -1"},
		{"an acceptance of anything", "agree: 0.001", "accept: all", `weights.yaml:3: invalid: accept is "all"`},
		{"values without a column", "  column: disposition\n", "", "weights.yaml:5: invalid: the status lists values but no column"},
		{"a value of two meanings", "unknown: [no contact]", "unknown: [vacant]", `"vacant" is both ineligible and unknown`},
		{"a column without values", "  ineligible: [vacant]\n  unknown: [no contact]\n", "", `weights.yaml:5: invalid: the status names the column "disposition" but no values`},
		{"a meaning that is none", "column: disposition", "unscored: maybe\n  column: disposition", `weights.yaml:5: invalid: unscored is "maybe"`},
		{"factor of the analysis", "id: place", "id: sex", `weights.yaml:9: invalid: factor "sex" is one of the plan of the analysis already`},
		{"margin of no factor", "factors: [city]", "factors: [moon]", `weights.yaml:13: invalid: there is no factor "moon"; the factors are city, region, residence`},
		{"margin of nothing", "factors: [city]", "factors: []", "weights.yaml:13: invalid: the margin has no factors"},
		{"margin with a factor twice", "factors: [sex, place]", "factors: [sex, sex]", "weights.yaml:11: invalid: the margin sex/sex names the factor \"sex\" twice"},
		{"margin twice", "factors: [education]", "factors: [city]", "weights.yaml:14: invalid: the margin city stands there twice"},
		{"margin of two sources", `census: "330000"`, `census: "330000", targets: {}`, "weights.yaml:13: invalid: margin city: give its counts in one way"},
		{"margin of no source", `, census: "330000"`, "", "weights.yaml:13: invalid: margin city: give its counts in one way"},
		{"assumptions about a file", "missing: drop", "missing: drop, assume: {}", "weights.yaml:14: invalid: margin education: assumptions"},
		{"file without a column", ", count: people", "", "weights.yaml:14: invalid: margin education: the file needs count"},
		{"share without a total", "count: people", "share: percent", "weights.yaml:14: invalid: margin education: total"},
		{"column without a file", `census: "330000"`, `census: "330000", count: people`, "weights.yaml:13: invalid: margin city: count, share and total say how to read a file"},
		{"file elsewhere", "file: education.csv", "file: ../education.csv", `weights.yaml:14: invalid: margin education: the file "../education.csv" must lie`},
		{"what to do with the missing", "missing: drop", "missing: guess", `weights.yaml:14: invalid: margin education: missing is "guess"`},
		{"margin without a level", "female/r: 4", "female/x: 4", `weights.yaml:12: invalid: margin sex/place: the level "female/r" needs a count`},
		{"margin with a level too many", "female/r: 4", "female/r: 4, x/r: 4", `margin sex/place: there is no level "x/r"`},
		{"negative count", "female/r: 4", "female/r: -4", `the level "female/r" needs a count`},
		{"no steps", goodPlan[strings.Index(goodPlan, "steps:"):], "steps: []\n", "weights.yaml:15: invalid: the plan has no steps"},
		{"no base", "  - base: {eligible: adults}\n", "", "weights.yaml:16: invalid: the first step is unknown-eligibility; begin with"},
		{"base twice", "  - normalise: {sum: 1000}", "  - base: {}", "weights.yaml:23: invalid: the base weights are the first step"},
		{"step without braces", "base: {eligible: adults}", "base:", `weights.yaml:16: invalid: step 1 must be one operation with its settings in braces`},
		{"two steps in one", "  - collapse:", "    collapse:", "weights.yaml:18: invalid: step 3 must be one operation"},
		{"nonresponse after raking", "  - normalise: {sum: 1000}", "  - nonresponse: {by: []}", "weights.yaml:23: invalid: the step nonresponse comes after steps about respondents"},
		{"eligibility after nonresponse", "collapse: {margin: education, least: 30}", "unknown-eligibility: {by: []}", "weights.yaml:19: invalid: the step unknown-eligibility comes after nonresponse"},
		{"classes by an answer", "by: [place]", "by: [sex]", `weights.yaml:17: invalid: factor "sex" is an answer, which nonrespondents have not given`},
		{"classes by no factor", "by: [place]", "by: [moon]", `weights.yaml:17: invalid: there is no factor "moon"`},
		{"a factor below one", "most: 3", "most: 0.5", "weights.yaml:18: invalid: most is 0.5"},
		{"step of no margin", "margins: [sex/place, city]", "margins: [sex/place, moon]", `weights.yaml:20: invalid: there is no margin "moon"; the margins are sex/place, city, education`},
		{"trimming to nothing", "lower: 0.2, upper: 4, ", "", "weights.yaml:21: invalid: the trimming has no limit"},
		{"limits the wrong way round", "lower: 0.2", "lower: 5", "weights.yaml:21: invalid: the lower limit 5 is not below"},
		{"an unknown distance", "distance: logit", "distance: far", `weights.yaml:22: invalid: there is no distance "far"`},
		{"bounds of a distance without", "distance: logit", "distance: linear", "weights.yaml:22: invalid: this distance keeps no bounds"},
		{"bounds that leave no room", "lower: 0.5, upper: 2", "lower: 1.5, upper: 2", "weights.yaml:22: invalid: the bounds are 1.5 and 2"},
		{"a negative sum", "sum: 1000", "sum: -1", "weights.yaml:23: invalid: sum is -1"},
		{"modes without a column", "normalise: {sum: 1000}", "separate: {}", "weights.yaml:23: invalid: by is missing"},
		{"an overlap without values", "normalise: {sum: 1000}", "composite: {by: mode, overlap: {column: x}}", "weights.yaml:23: invalid: the overlap needs"},
		{"propensity of nothing", "nonresponse: {by: [city, residence], least: 10, most: 3}", "propensity: {}", "weights.yaml:18: invalid: the propensity has no terms"},
		{"propensity of an answer", "nonresponse: {by: [city, residence], least: 10, most: 3}", "propensity: {terms: [education]}", `weights.yaml:18: invalid: factor "education" is an answer`},
		{"interaction without its terms", "nonresponse: {by: [city, residence], least: 10, most: 3}", "propensity: {terms: [city, \"city:place\"]}", `weights.yaml:18: invalid: the interaction "city:place" needs "place"`},
		{"one class", "nonresponse: {by: [city, residence], least: 10, most: 3}", "propensity: {terms: [city], classes: 1}", "weights.yaml:18: invalid: classes is 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(goodPlan, c.old) {
				t.Fatalf("the good plan has no %q", c.old)
			}
			_, err := weigh.ReadPlan("weights.yaml", []byte(strings.Replace(goodPlan, c.old, c.new, 1)), w.q, w.p.Factors)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("ReadPlan() error = %v, want one with %q", err, c.want)
			}
		})
	}
}

// All faults come at once.
func TestReadPlanTellsAllFaults(t *testing.T) {
	w := civic(t)
	text := strings.NewReplacer("[city, residence]", "[moon]", "name: calibrated", "name: A", "sum: 1000", "sum: -1").Replace(goodPlan)
	_, err := weigh.ReadPlan("weights.yaml", []byte(text), w.q, w.p.Factors)
	wantError(t, err, "weights.yaml:2:", "weights.yaml:18:", "weights.yaml:23:")
}

// The plan of the library and that of the README are right.
func TestShippedPlans(t *testing.T) {
	w := civic(t)
	shipped, err := library.FS.ReadFile("civic-literacy/weights.yaml")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(readme), "```yaml\n")
	example, _, closed := strings.Cut(example, "```")
	if !found || !closed {
		t.Fatal("the README has no plan")
	}
	for name, text := range map[string]string{"weights.yaml": string(shipped), "README.md": example} {
		p, err := weigh.ReadPlan(name, []byte(text), w.q, w.p.Factors)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Text != text || len(p.Steps) < 5 {
			t.Errorf("%s: %d steps", name, len(p.Steps))
		}
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(goodPlan))
	f.Add([]byte("steps: [{base: {}}, {rake: {}, trim: {upper: .nan}}, {}]"))
	f.Add([]byte("margins: [{factors: [sex], targets: {a: .inf}, assume: {aged_18_19: {share: 1}}}]"))
	f.Add([]byte("margins: &a [*a]"))
	q, err := library.Read("gss-science")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := weigh.ReadPlan("weights.yaml", src, q, nil)
		if (p == nil) == (err == nil) {
			t.Errorf("ReadPlan() = %v, %v", p, err)
		}
	})
}

// The manual has a plan that fits, and every key.
func TestManualOfTheWeighting(t *testing.T) {
	src, err := os.ReadFile("../../web/docs/reference/weighting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(src), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	w := civic(t)
	p, err := weigh.ReadPlan("weights.yaml", []byte(example), w.q, w.p.Factors)
	if err != nil || len(p.Steps) != 7 {
		t.Errorf("the plan of the manual: %v", err)
	}
	var look func(typ reflect.Type)
	look = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(typ.Elem())
		case reflect.Struct:
			if typ.PkgPath() != reflect.TypeFor[weigh.Plan]().PkgPath() {
				return // factors and assumptions have pages of their own
			}
			for i := range typ.NumField() {
				f := typ.Field(i)
				key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
				if f.IsExported() && key != "-" && key != "" && !strings.Contains(string(src), "`"+key+"`") {
					t.Errorf("the manual does not mention `%s`", key)
				}
				look(f.Type)
			}
		}
	}
	look(reflect.TypeFor[weigh.Plan]())
}
