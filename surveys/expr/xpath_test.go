package expr

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// formEnv and formPlaces are the variables of the tests as an ODK form spells them.
var formEnv = Env{"age": Int, "minutes": Int, "share": Double, "net": String, "name": String, "born": String,
	"moved": String, "adult": Bool, "tv": Strings, "rank": Strings, "ages": ListOf(Int), "names": Strings}

func formPlaces(name string) (Place, bool) {
	p := Place{Path: "/data/" + name}
	switch name {
	case "net":
		p.Code = true
	case "born", "moved":
		p.Date = true
	case "tv":
		p.Options = []string{"news", "film"}
	case "rank":
		p.Ordered = true
	case "ages", "names":
		p.Path, p.Count = "/data/hh/"+name, "/data/members"
	}
	_, ok := formEnv[name]
	return p, ok
}

func TestXPath(t *testing.T) {
	for _, c := range []struct{ src, yes, no string }{
		{"age >= 18", "/data/age >= 18", "/data/age < 18"},
		{"age != 18", "/data/age != '' and /data/age != 18", "/data/age = 18"},
		{`net == "yes" && age > 17`, "/data/net = 'yes' and /data/age > 17",
			"/data/net != '' and /data/net != 'yes' or /data/age <= 17"},
		{"!has(a.age)", "not(/data/age != '')", "/data/age != ''"},
		{"age / 7 * 7 == age", "int(/data/age div 7) * 7 = /data/age", "/data/age != '' and int(/data/age div 7) * 7 != /data/age"},
		{"(age + 1) % 2 == 0", "(/data/age + 1) mod 2 = 0", "/data/age != '' and (/data/age + 1) mod 2 != 0"},
		{"age - (minutes - 1) > 0", "/data/age - (/data/minutes - 1) > 0", "/data/age - (/data/minutes - 1) <= 0"},
		{`"news" in tv`, "/data/tv != '' and selected(/data/tv, 'news')", "/data/tv != '' and not(selected(/data/tv, 'news'))"},
		{"size(tv) <= 3", "/data/tv != '' and count-selected(/data/tv) <= 3", "/data/tv != '' and count-selected(/data/tv) > 3"},
		{`net in ["a", "b"]`, "/data/net != '' and (/data/net = 'a' or /data/net = 'b')",
			"/data/net != '' and not(/data/net = 'a' or /data/net = 'b')"},
		{`born < "2008-01-01"`, "/data/born != '' and date(/data/born) < date('2008-01-01')",
			"/data/born != '' and date(/data/born) >= date('2008-01-01')"},
		{"ages.exists(x, x >= 60)", "/data/members != '' and count(/data/hh/ages[. != ''][. >= 60]) > 0",
			"/data/members != '' and not(count(/data/hh/ages[. != ''][not(. < 60)]) > 0)"},
		{"size(ages.filter(x, x < 18)) > 2", "/data/members != '' and count(/data/hh/ages[. != ''][. < 18]) > 2",
			"/data/members != '' and count(/data/hh/ages[. != ''][. < 18]) <= 2"},
		{`name.contains("it's \"so\"")`, `/data/name != '' and contains(/data/name, concat('it', "'", 's "so"'))`,
			`/data/name != '' and not(contains(/data/name, concat('it', "'", 's "so"')))`},
		{`tv.all(x, x == "news")`, "not(selected(/data/tv, 'film')) and /data/tv != ''", "/data/tv != '' and selected(/data/tv, 'film')"},
	} {
		p, err := Compile(c.src, formEnv)
		if err != nil {
			t.Fatal(err)
		}
		x, err := XPath(p, formPlaces)
		if err != nil || x.True != c.yes || x.False != c.no {
			t.Errorf("%s\n true  %s\n want  %s\n false %s\n want  %s\n %v", c.src, x.True, c.yes, x.False, c.no, err)
		}
	}
}

func TestXPathValues(t *testing.T) {
	for src, want := range map[string]string{
		"age":                      "/data/age",
		"age + 1":                  "if(/data/age != '', /data/age + 1, '')",
		"share * 2.0":              "if(/data/share != '', /data/share * 2, '')",
		`has(a.age) ? "old" : "?"`: "if(/data/age != '', 'old', '?')",
		"age > 17":                 "if(/data/age > 17, 'true', if(/data/age <= 17, 'false', ''))",
		"rank[0]": "if(/data/rank != '' and 0 >= 0 and count-selected(/data/rank) > 0, " +
			"selected-at(/data/rank, 0), '')",
		"1 + 2 * 3": "7",
	} {
		p, err := Compile(src, formEnv)
		if err != nil {
			t.Fatal(err)
		}
		if x, err := XPath(p, formPlaces); err != nil || x.Value != want {
			t.Errorf("%s is written %s, %v, want %s", src, x.Value, err, want)
		}
	}
}

func TestXPathRefuses(t *testing.T) {
	for src, want := range map[string]string{
		"age * minutes * age > 0":               "1:5: the result may leave the whole numbers that XPath computes exactly, up to 2^53",
		"age == 9007199254740993":               "1:8: XPath keeps whole numbers up to 2^53 only",
		`name < "b"`:                            "1:6: XPath orders numbers and dates, not texts",
		`born < "soon"`:                         "1:6: XPath orders numbers and dates, not texts",
		"int(name) > 1":                         "1:1: XPath reads numbers from texts in another way; compare the text",
		"string(share) == name":                 "1:1: XPath writes such a number in another way",
		`tv[0] == "news"`:                       "1:3: an ODK form does not keep the order of this list; use in or a macro",
		"tv == rank":                            "1:4: XPath cannot compare lists; use size, in or a macro",
		"name in tv":                            "1:6: only the code of an option can be looked for among the chosen ones",
		"ages.exists(x, ages.exists(y, y > x))": "1:35: XPath cannot name the element of the outer list inside the inner one",
		"ages.map(x, x + 1).exists(y, y > 3)":   "1:6: XPath cannot compute a list; put the computation into the condition of exists, all or filter",
		"rank.exists(x, x == 'a')":              "1:6: a macro over chosen options needs the list of all options",
		"age / 0 > 1":                           "1:5: division by zero",
		"1 / 0 > age":                           "1:3: this never has a value",
		"size(has(a.age) ? tv : rank) > 1":      "1:17: XPath cannot choose between lists; put the condition around what uses them",
		"name == 'a\\u0001'":                    "1:9: the text holds a character that a form cannot",
		"tv":                                    "1:1: a list is no value of an ODK form; use size, in or a macro",
		"adult" + strings.Repeat(" == adult", 12) + "": "1:1: the XPath would take more than 65536 bytes",
	} {
		p, err := Compile(src, formEnv)
		if err != nil {
			t.Fatal(err)
		}
		_, err = XPath(p, formPlaces)
		if err == nil {
			t.Errorf("%s was written", src)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", src, got, want)
		}
	}
}

// xpathCase is one expression over one document.
type xpathCase struct {
	src     string
	text    XPathText
	typ     Type
	answers map[string]Value
	value   Value
	err     error
}

// TestAgreesWithXPath writes random expressions as XPath into forms that compute them,
// and lets the engine of ODK Web Forms compute them over the same answers.
func TestAgreesWithXPath(t *testing.T) {
	const odk = "../xlsform/odk"
	if _, err := os.Stat(odk + "/node_modules"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the engine of ODK Web Forms is missing; run make odk")
		}
		t.Skip("the engine of ODK Web Forms is not installed; run make odk")
	}
	const forms, perForm = 80, 30
	r := rand.New(rand.NewPCG(5, 3))
	g := &generator{rand: r}
	type form struct {
		XML      string     `json:"xml"`
		Language string     `json:"language"`
		Cases    [][]string `json:"cases"` // one without answers beyond those of the form
	}
	var input struct {
		Forms []form `json:"forms"`
	}
	var cases []xpathCase
	for n := range forms {
		answers := formAnswers(r)
		of := cases
		for len(cases) < (n+1)*perForm {
			src := g.expr([]Type{Bool, Bool, Bool, Int, Double, String}[r.IntN(6)], 1+r.IntN(3))
			if r.IntN(8) == 0 {
				src = fmt.Sprintf(`(%s) %s (%s)`, g.pick("day", "day2", `"2008-02-29"`), g.pick("<", "<=", ">", ">=", "==", "!="), g.pick("day", "day2", `"2026-01-01"`))
			}
			p, err := Compile(src, randomFormEnv)
			if err != nil || len(p.Names()) == 0 || p.Type().isList() {
				continue
			}
			c := xpathCase{src: src, typ: p.Type(), answers: answers}
			if c.text, err = XPath(p, randomFormPlaces); err != nil {
				continue
			}
			c.value, c.err = p.Eval(func(name string) (Value, bool) { v, ok := answers[name]; return v, ok })
			cases = append(cases, c)
		}
		input.Forms = append(input.Forms, form{XML: computingForm(answers, cases[len(of):]), Cases: [][]string{{}}})
	}
	in, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", odk+"/walk.mjs")
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node walk.mjs: %v\n%.2000s", err, errs.String())
	}
	var results []struct {
		Cases []struct{ Values map[string]string }
	}
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	values, wrong := 0, 0
	for i, c := range cases {
		got := results[i/perForm].Cases[0].Values
		at := fmt.Sprintf("/data/x%d_", i%perForm)
		values += count(c.err == nil)
		if msg := c.check(got[at+"value"], got[at+"true"], got[at+"false"]); msg != "" && wrong < 10 {
			wrong++
			t.Errorf("%s\n with  %v\n is    %v, %v\n value %s\n true  %s\n false %s\n gave  %q %q %q: %s", c.src, c.answers, c.value, c.err,
				c.text.Value, c.text.True, c.text.False, got[at+"value"], got[at+"true"], got[at+"false"], msg)
		}
	}
	t.Logf("%d expressions, %d with a value", len(cases), values)
	if values < len(cases)/3 {
		t.Errorf("only %d of %d expressions have a value", values, len(cases))
	}
}

// check says what is wrong with what the engine computed.
func (c xpathCase) check(value, yes, no string) string {
	text := ""
	if c.err == nil {
		text = c.value.Text()
	}
	switch {
	case c.err == nil && (c.typ == Double || c.typ == Int):
		want := c.value.asDouble()
		got, err := strconv.ParseFloat(value, 64)
		if err != nil || got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			return "another number"
		}
	case value != text:
		return "another value"
	}
	if c.typ == Bool {
		if yes != strconv.FormatBool(c.err == nil && c.value.Bool()) || no != strconv.FormatBool(c.err == nil && !c.value.Bool()) {
			return "another truth"
		}
	}
	return ""
}

// asDouble is a number of either type as a double.
func (v Value) asDouble() float64 {
	if v.typ == Int {
		return float64(v.Int())
	}
	return v.Double()
}

// randomFormEnv are the variables of the generator, and two days.
var randomFormEnv = func() Env {
	env := answersEnv()
	env["day"], env["day2"] = String, String
	return env
}()

func randomFormPlaces(name string) (Place, bool) {
	p := Place{Path: "/data/" + name, Most: 1000}
	switch name {
	case "k", "l":
		p.Most = 1e12
	case "u", "ms":
		p.Code = true
	case "day", "day2":
		p.Date = true
	case "v", "w", "mv":
		p.Options, p.Ordered = []string{"tv", "radio", "12"}, name == "v"
	case "ages", "mages", "shares", "present":
		p.Path, p.Count = "/data/hh/"+name, "/data/members"
	}
	return p, true
}

// formAnswers are answers that a form can hold.
func formAnswers(r *rand.Rand) map[string]Value {
	answers := map[string]Value{}
	scalar := func(t Type, name string) Value {
		switch {
		case t == Bool:
			return BoolValue(r.IntN(2) == 0)
		case name == "k" || name == "l":
			return IntValue(r.Int64N(2e12) - 1e12)
		case t == Int:
			return IntValue(r.Int64N(5+r.Int64N(1995)) - 2)
		case t == Double:
			return DoubleValue(float64(r.IntN(4000)-1000) / 100)
		case strings.HasPrefix(name, "day"):
			return StringValue(fmt.Sprintf("%d-%02d-%02d", 2007+r.IntN(3), 1+r.IntN(12), 1+r.IntN(28)))
		case name == "u" || name == "ms":
			return StringValue([]string{"tv", "radio", "12", "x"}[r.IntN(4)])
		}
		return StringValue([]string{"浙江省", "江", "12", "a b", "it's", `"x"'y'`, "true", "7"}[r.IntN(8)])
	}
	members := r.IntN(4) > 0
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range randomFormEnv {
			if !yield(name) {
				return
			}
		}
	}) {
		t := randomFormEnv[name]
		place, _ := randomFormPlaces(name)
		switch {
		case place.Count != "" && members:
			list := []Value{}
			for range r.IntN(4) {
				list = append(list, scalar(t.elem(), ""))
			}
			answers[name] = ListValue(t.elem(), list)
		case place.Count != "" || r.IntN(4) == 0:
		case t.isList():
			var chosen []string
			for _, code := range place.Options {
				if r.IntN(2) == 0 {
					chosen = append(chosen, code)
				}
			}
			if len(chosen) > 0 {
				answers[name] = StringsValue(chosen)
			}
		default:
			v := scalar(t, name)
			if t == Int && place.Most == 1000 && v.Int() > 1000 {
				v = IntValue(1000)
			}
			answers[name] = v
		}
	}
	return answers
}

// computingForm is an XForm that holds the answers and computes the cases: /data/x0_value,
// and x0_true and x0_false of one that is true or false.
func computingForm(answers map[string]Value, cases []xpathCase) string {
	var data, binds strings.Builder
	element := func(name, text string) {
		data.WriteString("<" + name + ">")
		xml.EscapeText(&data, []byte(text))
		data.WriteString("</" + name + ">")
	}
	rows := 0
	for name := range randomFormEnv {
		place, _ := randomFormPlaces(name)
		v, ok := answers[name]
		switch {
		case place.Count != "":
			rows = max(rows, len(v.list))
		case !ok:
			element(name, "")
		case v.typ.isList():
			var codes []string
			for _, e := range v.list {
				codes = append(codes, e.str)
			}
			element(name, strings.Join(codes, " "))
		default:
			element(name, v.Text())
		}
	}
	if _, ok := answers["ages"]; ok {
		element("members", strconv.Itoa(rows))
	} else {
		element("members", "")
	}
	for row := range rows {
		data.WriteString("<hh>")
		for name, v := range answers {
			if place, _ := randomFormPlaces(name); place.Count == "" {
				continue
			}
			// A row without an answer comes first, where there are fewer answers than rows.
			if at := row - (rows - len(v.list)); at >= 0 {
				element(name, v.list[at].Text())
			} else {
				element(name, "")
			}
		}
		data.WriteString("</hh>")
	}
	compute := func(name, text string) {
		element(name, "")
		binds.WriteString(`<bind type="string" nodeset="/data/` + name + `" calculate="`)
		xml.EscapeText(&binds, []byte(text))
		binds.WriteString(`"/>`)
	}
	for i, c := range cases {
		at := fmt.Sprintf("x%d_", i)
		compute(at+"value", c.text.Value)
		if c.typ == Bool {
			compute(at+"true", "boolean("+c.text.True+")")
			compute(at+"false", "boolean("+c.text.False+")")
		}
	}
	return `<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>x</h:title><model><instance><data id="x">` +
		data.String() + `</data></instance>` + binds.String() + `</model></h:head><h:body><group ref="/data/hh"><repeat nodeset="/data/hh"/></group></h:body></h:html>`
}
