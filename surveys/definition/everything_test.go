package definition_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
)

// folder lies beside everything.yaml.
func folder(t testing.TB) fstest.MapFS {
	t.Helper()
	files := maps.Clone(figures)
	files["cn-test.csv"] = &fstest.MapFile{Data: []byte("code,name_zh,name_en\n33,浙江省,Zhejiang\n3301,杭州市,Hangzhou\n330106,西湖区,Xihu\n")}
	files["broken.csv"] = &fstest.MapFile{Data: []byte("code,name_zh\n33,浙江省\n33,浙江省\n")}
	files["dot.png"] = &fstest.MapFile{Data: picture(t, 9, 9)}
	files["giant.png"] = &fstest.MapFile{Data: picture(t, 4097, 1)}
	files["heavy.png"] = &fstest.MapFile{Data: append(picture(t, 9, 9), make([]byte, 200<<10)...)}
	files["cut.png"] = &fstest.MapFile{Data: picture(t, 9, 9)[:60]}
	files["text.png"] = &fstest.MapFile{Data: []byte("hello")}
	files["moving.gif"] = &fstest.MapFile{Data: []byte("GIF89a")}
	return files
}

func picture(t testing.TB, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func everything(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEverything shows what becomes of a definition with every key: grids are flat,
// shared options are written out, figures are inside.
func TestEverything(t *testing.T) {
	src := everything(t)
	q, err := definition.Read("q.yaml", []byte(src), folder(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.MarshalIndent(q, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/everything.golden.json", append(b, '\n'))
	for key := range keys(reflect.TypeFor[surveys.Questionnaire]()) {
		if !strings.Contains(src, key+": ") && !strings.Contains(src, key+":\n") {
			switch key {
			case "svg", "image": // file is written in their place
			case "row": // rows
			case "trial", "levels", "lowest": // see base.yaml
			case "bank", "dimension": // needs a bank
			default:
				t.Errorf("everything.yaml does not have the key %q", key)
			}
		}
	}
	if got := q.Item("v2"); got.Row != "views" || !got.Required || len(got.Options) != 3 || q.Item("v1").Type != surveys.Single || q.Item("views").Required {
		t.Errorf("the rows of the grid are %+v", got)
	}
}

// keys are the JSON names of a type and of all that it is made of.
func keys(t reflect.Type) map[string]bool {
	found, seen := map[string]bool{}, map[reflect.Type]bool{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			found[name] = true
			add(t.Field(i).Type)
		}
	}
	add(t)
	return found
}

// What a reader of the manual cannot find, nobody can write.
func TestManualHasEveryKey(t *testing.T) {
	b, err := os.ReadFile("../../web/docs/reference/questionnaire.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(b)
	names := keys(reflect.TypeFor[surveys.Questionnaire]())
	names["option_lists"], names["rows"], names["file"] = true, true, true
	for key := range names {
		if !strings.Contains(manual, "`"+key+"`") {
			t.Errorf("the manual does not mention `%s`", key)
		}
	}
	for _, limit := range []string{"1 MiB", "5,000", "10,000", "2,000", "1,500", "1,000", "32 KiB", "100 KiB", "4 MiB", "4,096"} {
		if !strings.Contains(manual, limit) {
			t.Errorf("the manual does not mention the limit %s", limit)
		}
	}
}

// The example of the manual can be read as it stands.
func TestManualExample(t *testing.T) {
	b, err := os.ReadFile("../../web/docs/reference/questionnaire.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the manual has no example")
	}
	if _, err := definition.Read("manual.yaml", []byte(example), nil); err != nil {
		t.Errorf("the example of the manual: %v", err)
	}
}

var faultyEdits = []edit{
	{"a way of paging that does not exist", "paging: item", "paging: screen"},
	{"rows of an item that is no grid", "type: grid", "type: likert"},
	{"a grid without rows", "        rows:\n          - {id: v1, text: {zh: 科学好, en: Science is good}}\n          - {id: v2, type: likert, text: {zh: 技术好, en: Technology is good}, relevant: hours > 1.0}\n", ""},
	{"a grid without options", "        options: agree\n        required: true\n", ""},
	{"a row with options of its own", "{id: v1, text", "{id: v1, options: agree, text"},
	{"a row that is typed in", "{id: v1, text", "{id: v1, type: number, text"},
	{"a row on a page of its own", "{id: v1, text", "{id: v1, page: true, text"},
	{"a row far from its grid", "{id: mood, type: likert,", "{id: mood, type: likert, row: view,"},
	{"shuffled options of a scale", "{id: mood, type: likert,", "{id: mood, shuffle: true, type: likert,"},
	{"a day with answers to choose", "{code: refused, text: {zh: 不愿说, en: Refused}}", "{code: soon, text: {zh: 快了, en: Soon}}"},
	{"a region without a code list", ", division: {list: cn-test, within: \"33\", level: county}", ""},
	{"a code list that is not there", "list: cn-test", "list: cn-1949"},
	{"a code list elsewhere", "list: cn-test", "list: ../cn-test"},
	{"a code list with a fault", "list: cn-test", "list: broken"},
	{"a level that does not exist", "level: county", "level: street"},
	{"a part that the list has not", "within: \"33\"", "within: \"44\""},
	{"a code list for a number", "unit: {zh: 岁, en: years}", "division: {list: cn-test, level: county}"},
	{"too many rows", "most: 10", "most: 31"},
	{"a roster in a roster", "{id: years, type: number,", "{id: years, type: roster, items: [{id: x, type: note, text: {zh: 某, en: Some}}],"},
	{"rosters all the way down", "{id: years, type: number,", "{id: years, type: roster, items: [{id: x, type: roster, items: [{id: y, type: note, text: {zh: 某, en: Some}}]}],"},
	{"a roster without items", "        items:\n          - {id: name, type: text, max_length: 30, text: {zh: 怎么称呼？, en: \"What do you call them?\"}, required: true}\n          - {id: years, type: number, unit: {zh: 岁, en: years}, text: {zh: \"${name}多大？\", en: \"How old is ${name}?\"}}\n", ""},
	{"a scored item in a roster", "{id: years, type: number,", "{id: years, key: \"1\", type: number,"},
	{"more to choose than there is", "most: 2\n", "most: 5\n"},
	{"least above most", "least: 1", "least: 3"},
	{"a number of choices for one choice", "type: single\n        from: channels", "type: single\n        least: 1\n        from: channels"},
	{"chosen from nothing", "type: single\n        from: channels", "type: single\n        from: hours"},
	{"a code that is offered already", "{code: dk, text: {zh: 说不清", "{code: tv, text: {zh: 说不清"},
	{"nothing to calculate", "        calculate: hours * 2.0\n", ""},
	{"a calculated text", "type: longtext,", "type: longtext, calculate: hours,"},
	{"a calculation that cannot be", "hours * 2.0", "hours * 2"},
	{"a required calculation", "type: calculate\n", "type: calculate\n        required: true\n"},
	{"a timed note", "{id: look, type: note,", "{id: look, timed: true, type: note,"},
	{"a limit on the length of a number", "{id: hours, type: number,", "{id: hours, max_length: 5, type: number,"},
	{"a check that checks nothing", "      - assert: people < 9\n        message", "      - message"},
	{"a check without words", "        message: {zh: 人太多了？, en: \"So many people, ${people}?\"}\n", ""},
	{"a check of what it cannot be", "people < 9", "people < 9.5"},
	{"options that read the same", "text: {zh: 网络, en: The web}", "text: {zh: 电视, en: The web}"},
	{"a translation missing in what many items share", "{zh: 不知道, en: Don’t know}", "{zh: 不知道}"},
	{"blocks that are torn apart", "block: second", "block: second\n    items: [{id: z, type: note, text: {zh: 某, en: Some}}]\n  - id: three\n    title: {zh: 丙, en: C}\n    block: first"},

	{"an unknown name in a text", "en: \"How old is ${name}?\"", "en: \"How old is ${nam}?\""},
	{"the same in Chinese only", "zh: \"${name}多大？\"", "zh: \"您说说，${nam}多大？\""},
	{"an open brace", "en: \"How old is ${name}?\"", "en: \"How old is ${name?\""},
	{"an answer put into the title", "title: {zh: 全部, en: Everything}", "title: {zh: 全部, en: \"Everything for ${name}\"}"},
	{"a question put in before it is asked", "intro: {zh: 请如实填写。, en: Please be honest.}", "intro: {zh: 请如实填写。, en: \"Please be honest, ${hours}.\"}"},

	{"a script in a text", "en: As in your passport", "en: \"As <script>alert(1)</script>\""},
	{"markup in a text", "en: As in your passport", "en: As in <b>your</b> passport"},
	{"a character written for HTML", "en: As in your passport", "en: your&nbsp;passport"},
	{"a text that turns around", "en: As in your passport", "en: \"your \\u202etropssap\""},
	{"a turning mark in the file", "en: As in your passport", "en: your \u202etropssap"},
	{"a character of no width", "zh: 公历", "zh: 公\u200b历"},
	{"a control character", "en: As in your passport", "en: \"bell \\a\""},
	{"a lost character", "zh: 公历", "zh: 公\ufffd"},
	{"a turning mark in a comment", "# Every", "# \u2067Every"},

	{"a picture too large", "dot.png", "giant.png"},
	{"a picture too heavy", "dot.png", "heavy.png"},
	{"a picture that is cut off", "dot.png", "cut.png"},
	{"a picture that is none", "dot.png", "text.png"},
	{"a picture of another kind", "dot.png", "moving.gif"},
	{"a picture that is no base64", "file: dot.png", "image: \"*\""},
	{"two pictures in one figure", "file: dot.png", "file: dot.png, svg: x"},

	{"a booklet with a stranger", "items: [k1, k2]", "items: [k1, k9]"},
	{"a booklet with an item twice", "items: [k1, k2]", "items: [k1, k1]"},
	{"a booklet in another order", "items: [k1, k2]", "items: [k2, k1]"},
	{"a booklet with a row of a roster", "items: [k1, k2]", "items: [name, k2]"},
	{"a booklet twice", "{id: B,", "{id: A,"},
	{"a booklet that nobody gets", "{id: A, items: [k1, k2], share: 0.5}", "{id: A, items: [k1, k2]}"},
	{"shares that do not make one", "{id: A, items: [k1, k2], share: 0.5}", "{id: A, items: [k1, k2], share: 0.4}"},
	{"a booklet scored as if all was asked", "unasked: left-out", "unasked: missing"},
	{"a section from a bank that is not there", "    block: first\n", "    block: first\n    bank: {dimension: knowledge}\n"},
}

// TestFaultsOfEverything shows for each edit of everything.yaml what an author gets to
// read.
func TestFaultsOfEverything(t *testing.T) {
	src, files := everything(t), folder(t)
	var got bytes.Buffer
	for _, e := range faultyEdits {
		if strings.Count(src, e.old) != 1 {
			t.Fatalf("%s: %q stands %d times in everything.yaml, want once", e.name, e.old, strings.Count(src, e.old))
		}
		_, err := definition.Read("q.yaml", []byte(strings.Replace(src, e.old, e.new, 1)), files)
		if !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: Read() = %v, want Faults", e.name, err)
			continue
		}
		fmt.Fprintf(&got, "# %s\n%v\n\n", e.name, err)
	}
	golden(t, "testdata/everything.golden", got.Bytes())
}

// TestExpressionPlaces writes the same faulty expression in every way that YAML has,
// and looks for the caret.
func TestExpressionPlaces(t *testing.T) {
	const old = "        relevant: |\n          K1 == \"1\" ||\n          age > 60\n"
	src := base(t)
	if !strings.HasSuffix(src, old) {
		t.Fatal("base.yaml does not end with the expression")
	}
	for name, written := range map[string]string{
		"plain":                     "relevant: age > 60 && @agee > 60",
		"plain on two lines":        "relevant: age > 60 &&\n            @agee > 60",
		"plain with an empty line":  "relevant: age > 60 &&\n\n            @agee > 60",
		"in single quotes":          "relevant: 'K1 == \"是\" && @agee > 60'",
		"single with an apostrophe": "relevant: 'K1 == ''是'' && @agee > 60'",
		"single on two lines":       "relevant: 'K1 == ''是'' &&   \n\n            @agee > 60'",
		"in double quotes":          "relevant: \"K1 == 'yes' && @agee > 60\"",
		"double with escapes":       "relevant: \"K1 == \\\"\\u662f\\\" &&\\t@agee > 60\"",
		"double with a line joined": "relevant: \"K1 == '\\x41' \\\n            && @agee > 60\"",
		"double with line ends":     "relevant: \"K1 == 'a' &&\\n\n            \\n@agee > 60\"",
		"double on two lines":       "relevant: \"K1 == 'yes' &&\n            @agee > 60\"",
		"a block kept":              "relevant: |\n          K1 == \"是\" &&\n\n            @agee > 60",
		"a block kept to the end":   "relevant: |+\n\n          K1 == \"1\"\n            && @agee > 60\n\n",
		"a block with an indent":    "relevant: |2\n            K1 == \"1\" &&\n          @agee > 60",
		"a block folded":            "relevant: >\n          K1 == \"1\" &&\n          @agee > 60",
		"a block folded unevenly":   "relevant: >-\n          K1 == \"1\" &&\n\n            age > 1 &&\n          @agee > 60",
		"a block with a comment":    "relevant: | # why\n          @agee > 60",
		"with a tag":                "relevant: !!str 'age > 60 && @agee > 60'",
		"with line ends of Windows": "relevant: 'K1 == \"1\" &&\r\n            @agee > 60'",
		"in a mapping in braces":    "relevant: age > 60 && @agee > 60",
	} {
		marked := strings.TrimSuffix(src, old) + "        " + written + "\n"
		if strings.HasPrefix(name, "in a mapping in braces") {
			marked = strings.TrimSuffix(src, old) + "      - {id: last, type: note, text: {zh: 完, en: End}, " + written + "}\n"
		}
		before, _, _ := strings.Cut(marked, "@")
		line := strings.Count(before, "\n") + 1
		col := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
		_, err := read(strings.Replace(marked, "@", "", 1))
		var faults definition.Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.Contains(faults[0].Msg, `"agee"`) {
			t.Errorf("%s: Read() = %v, want one fault about agee", name, err)
			continue
		}
		if f := faults[0]; f.Line != line || f.Col != col {
			t.Errorf("%s: the fault is at %d:%d, want %d:%d\n%v", name, f.Line, f.Col, line, col, f)
		}
	}
}

// TestCaret looks at the line below the faulty one, column by column of a terminal.
func TestCaret(t *testing.T) {
	long := strings.Repeat("长", 200)
	for _, c := range []struct{ name, line, caret string }{
		{"narrow", "idd: x", "^"},
		{"wide", "{zh: 中文题目, idd: x}", "               ^"},
		{"wide signs", "{zh: 「，。」, idd: x}", "               ^"},
		{"pictures", "{zh: 😀, idd: x}", "         ^"},
		{"accents on their own", "{zh: e\u0301e, idd: x}", "         ^"},
		{"a long line", "{zh: " + long + ", idd: x}", strings.Repeat(" ", 1+2*58+2) + "^"},
	} {
		_, err := read(c.line)
		var faults definition.Faults
		errors.As(err, &faults)
		at := -1
		for i, f := range faults {
			if strings.Contains(f.Msg, `"idd"`) {
				at = i
			}
		}
		if at < 0 {
			t.Errorf("%s: Read() = %v, want a fault about idd", c.name, err)
			continue
		}
		_, caret, _ := strings.Cut(faults[at].Excerpt, "\n")
		if caret != "    "+c.caret {
			t.Errorf("%s: the caret stands at %d, want %d\n%s", c.name, len(caret)-4, len(c.caret), faults[at].Excerpt)
		}
	}
}

// TestBadInputIsBounded reads what is made to take much time or memory: it is refused,
// in few words, and what it takes stays in proportion to the file.
func TestBadInputIsBounded(t *testing.T) {
	// header is everything.yaml up to its sections, without booklets and criterion.
	header, _, _ := strings.Cut(everything(t), "booklets:")
	header = strings.Replace(header, "option_lists:", "unused:", 1)
	header, _, _ = strings.Cut(header, "unused:")
	items := func(n int, item func(i int) string) string {
		var b strings.Builder
		b.WriteString(header + "sections:\n  - id: s\n    title: {zh: 节, en: S}\n    items:\n")
		for i := range n {
			b.WriteString("    - {" + item(i) + "}\n")
		}
		return b.String()
	}
	note := func(i int) string { return fmt.Sprintf("id: n%d, type: note, text: {zh: 题, en: Q}", i) }
	shared := func(lists, options int) string {
		var b strings.Builder
		b.WriteString(header + "option_lists:\n  many:\n")
		for i := range options {
			fmt.Fprintf(&b, "  - {code: c%d, text: {zh: 选%d, en: O%d}}\n", i, i, i)
		}
		b.WriteString("sections:\n  - id: s\n    title: {zh: 节, en: S}\n    items:\n")
		for i := range lists {
			fmt.Fprintf(&b, "    - {id: q%d, type: single, options: many, text: {zh: 题, en: Q}}\n", i)
		}
		return b.String()
	}
	for _, c := range []struct{ name, src, says string }{
		{"10,000 notes", items(10000, note), "has 10000 items, more than 5000"},
		{"10,000 questions", items(10000, func(i int) string {
			return fmt.Sprintf("id: n%d, type: number, text: {zh: 题, en: Q}", i)
		}), "has 10000 items, more than 5000"},
		{"20,000 items", items(20000, func(i int) string { return "" }), "items has 20000 entries, more than 10000"},
		{"a list of options in every item", shared(1000, 1000), "option lists give more than 10000 options"},
		{"an expression 10,000 deep", items(1, func(int) string {
			return "id: n, type: number, text: {zh: 题, en: Q}, relevant: '" + strings.Repeat("(", 10000) + "1" + strings.Repeat(")", 10000) + "'"
		}), "not a valid expression"},
		{"an expression of 100,000 terms", items(1, func(int) string {
			return "id: n, type: number, text: {zh: 题, en: Q}, relevant: 'true" + strings.Repeat(" && true", 100000) + "'"
		}), "not a valid expression"},
		{"a text with 100,000 expressions", items(1, func(int) string {
			return "id: n, type: note, text: {zh: 题, en: '" + strings.Repeat("${x}", 100000) + "'}"
		}), "more than 10000 characters"},
		{"200,000 unknown keys in a line", "{" + strings.Repeat("a,", 200000) + "}", "more faults are not shown"},
		{"many unknown keys", func() string {
			var b strings.Builder
			for i := range 60000 {
				fmt.Fprintf(&b, "k%d: 1\n", i)
			}
			return b.String()
		}(), "59900 more faults are not shown"},
		{"invisible characters only", strings.Repeat("\u200b", 300000), "1 more faults are not shown"},
		{"lists in lists", "id: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "id is a list"},
		{"rosters in rosters", header + "sections: [{id: s, items: " + strings.Repeat("[{items: ", 3000) + "1" + strings.Repeat("}]", 3000) + "}]", "a roster that is in a roster itself"},
		{"a name of 500,000 letters", "id: " + strings.Repeat("x", 500000), "cannot be used"},
		{"an alias bomb", bomb(), "unknown key \"a8\""},
		{"above 1 MiB", strings.Repeat("# padding\n", definition.MaxSize/10+1), "larger than 1 MiB"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := definition.Read("q.yaml", []byte(c.src), folder(t))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: Read() = %.400v, want a fault with %q", c.name, err, c.says)
			continue
		}
		if n := len(err.Error()); n > 64<<10 {
			t.Errorf("%s: the faults take %d bytes to tell", c.name, n)
		}
		took := after.TotalAlloc - before.TotalAlloc
		t.Logf("%-35s %7d bytes of source, %4d MiB allocated", c.name, len(c.src), took>>20)
		if took > 512<<20 {
			t.Errorf("%s: reading allocated %d MiB", c.name, took>>20)
		}
	}
}
