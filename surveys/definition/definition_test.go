package definition_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// figures is the folder of base.yaml with one more drawing that does harm.
var figures = fstest.MapFS{
	"line.svg":   {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><line x1="1" y1="1" x2="8" y2="8" stroke="#000"/></svg>`)},
	"script.svg": {Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)},
}

func base(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func read(src string) (*surveys.Questionnaire, error) {
	return definition.Read("q.yaml", []byte(src), figures)
}

func TestReadGivesTheQuestionnaire(t *testing.T) {
	q, err := read(base(t))
	if err != nil {
		t.Fatal(err)
	}
	want := &surveys.Questionnaire{
		ID: "base", Edition: "1", Languages: []surveys.Lang{"zh", "en"},
		Title: text("基础", "Base"),
		Statutory: surveys.Statutory{
			FormNumber: "T-1", Issuer: text("甲方", "Issuer"), Approval: text("试用", "Trial"),
			ValidUntil: "2027-12-31", Trial: true,
		},
		Consent: text("同意", "Agreed"),
		Criterion: &surveys.Criterion{
			ID: "rule", Name: text("规则", "Rule"),
			Dimensions: []surveys.Dimension{{ID: "knowledge", Name: text("知识", "Knowledge"), Points: 10}},
			Cut:        5,
			Levels:     []surveys.Level{{ID: "high", Name: text("高", "High"), Cut: 8}, {ID: "middle", Name: text("中", "Middle"), Cut: 5}},
			Lowest:     text("低", "Low"), Boundary: surveys.Above, Unasked: surveys.UnaskedWrong,
		},
		Sections: []surveys.Section{
			{ID: "person", Title: text("个人", "Person"), Items: []surveys.Item{
				{ID: "age", Type: surveys.Number, Text: text("年龄", "Age"),
					Constraint: "age >= 18 && age <= 69", Message: text("请填 18 到 69", "Enter 18 to 69")},
				{ID: "media", Type: surveys.Multiple, Text: text("渠道", "Media"), Options: []surveys.Option{
					{Code: "tv", Text: text("电视", "Television")}, {Code: "none", Text: text("没有", "None"), Exclusive: true},
				}},
			}},
			{ID: "quiz", Title: text("题目", "Quiz"), Relevant: `age >= 18 && !("none" in media)`, Items: []surveys.Item{
				{ID: "K1", Type: surveys.Single, Text: text("太阳是恒星。", "The Sun is a star."),
					Options: []surveys.Option{
						{Code: "1", Text: text("对", "True")}, {Code: "2", Text: text("错", "False")}, {Code: "dk", Text: text("不知道", "Don’t know")},
					}, Dimension: "knowledge", Key: []string{"1"}},
				{ID: "chart", Type: surveys.Note, Text: text("看图", "Look at the chart"), Relevant: "K1 == \"1\" ||\nage > 60\n", Page: true,
					Figure: &surveys.Figure{
						SVG: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><line x1="1" y1="1" x2="8" y2="8" stroke="#000"></line></svg>`,
						Alt: text("一条线", "A line"),
					}},
			}},
		},
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Errorf("Read() (-want +got):\n%s", diff)
	}
}

func text(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

// edit replaces a piece of base.yaml, so that each case shows only what is wrong.
type edit struct{ name, old, new string }

var edits = []edit{
	{"an unknown key with a likely meaning", "    title: {zh: 个人", "    titel: {zh: 个人"},
	{"an unknown key", "edition: \"1\"", "colour: red\nedition: \"1\""},
	{"an unknown key inside an option", "{code: tv,", "{code: tv, score: 3,"},
	{"a key given twice", "cut: 5\n  levels", "cut: 5\n  cut: 6\n  levels"},
	{"a number where a text belongs", "edition: \"1\"", "edition: 1"},
	{"a text where a list belongs", "languages: [zh, en]", "languages: zh"},
	{"a list where a mapping belongs", "statutory:\n", "statutory: [1, 2]\nunused:\n"},
	{"a text where a number belongs", "cut: 5\n  levels", "cut: five\n  levels"},
	{"a number that is none", "cut: 5\n  levels", "cut: .nan\n  levels"},
	{"a text where yes or no belongs", "trial: true", "trial: yes"},
	{"an empty value", "form_number: \"T-1\"", "form_number:"},
	{"a tag", "edition: \"1\"", "edition: !secret \"1\""},
	{"broken YAML", "languages: [zh, en]", "languages: [zh, en"},
	{"two documents", "consent:", "---\nconsent:"},
	{"an alias", "title: {zh: 基础, en: Base}", "title: &t {zh: 基础, en: Base}"},
	{"an unknown option list", "options: truth", "options: lie"},
	{"an option list nobody uses", "option_lists:\n", "option_lists:\n  spare: []\n"},
	{"several faults at once", "id: base\nedition: \"1\"", "idd: base\nedition: 1"},

	{"an ID that cannot stand in an address", "id: base", "id: Base Form"},
	{"no title", "title: {zh: 基础, en: Base}\n", ""},
	{"a missing translation", "{zh: 个人, en: Person}", "{zh: 个人}"},
	{"a blank translation", "{zh: 个人, en: Person}", "{zh: 个人, en: \" \"}"},
	{"a wording in another language", "{zh: 个人, en: Person}", "{zh: 个人, en: Person, fr: Personne}"},
	{"a missing translation in a shared list", "{zh: 错, en: \"False\"}", "{zh: 错}"},
	{"a language twice", "languages: [zh, en]", "languages: [zh, en, zh]"},
	{"no form number", "  form_number: \"T-1\"\n", ""},
	{"a date that does not exist", "2027-12-31", "2027-02-30"},
	{"a trial that does not say so", "approval: {zh: 试用, en: Trial}", "approval: {zh: 国统制〔2026〕1号, en: Approved}"},

	{"an empty section", "sections:\n", "sections:\n  - id: nothing\n    title: {zh: 无, en: Nothing}\n    items: []\n"},
	{"a section ID twice", "id: quiz", "id: person"},
	{"an item ID twice", "id: media", "id: Age"},
	{"an item ID with a hyphen", "id: media", "id: my-media"},
	{"an unknown type", "type: number", "type: slider"},
	{"options on a note", "type: note\n", "type: note\n        options: truth\n"},
	{"a required note", "type: note\n", "type: note\n        required: true\n"},
	{"decimals on a choice", "type: multiple\n", "type: multiple\n        decimals: 2\n"},
	{"one option only", "          - {code: none, text: {zh: 没有, en: None}, exclusive: true}\n", ""},
	{"an option code twice", "{code: tv,", "{code: none,"},
	{"an option code with a blank", "{code: tv,", "{code: t v,"},
	{"an exclusive option of a single item", "{code: \"1\", text: {zh: 对, en: \"True\"}}", "{code: \"1\", text: {zh: 对, en: \"True\"}, exclusive: true}"},
	{"don't know beside other answers", "{code: tv,", "{code: dk,"},
	{"a constraint without a message", "        message: {zh: 请填 18 到 69, en: Enter 18 to 69}\n", ""},
	{"a message without a constraint", "        constraint: age >= 18 && age <= 69\n", ""},
	{"a figure that is missing", "line.svg", "curve.svg"},
	{"a figure outside the folder", "line.svg", "../line.svg"},
	{"a figure with a script", "line.svg", "script.svg"},
	{"a figure without alternative text", ", alt: {zh: 一条线, en: A line}", ""},

	{"a key that is no option", "key: \"1\"", "key: \"3\""},
	{"don't know as the right answer", "key: \"1\"", "key: dk"},
	{"every option right", "key: \"1\"", "key: [\"1\", \"2\", dk]"},
	{"a scored item without key", "        key: \"1\"\n", ""},
	{"a key without dimension", "        dimension: knowledge\n", ""},
	{"an unknown dimension", "dimension: knowledge", "dimension: wisdom"},
	{"a scored multiple item", "type: multiple\n", "type: multiple\n        dimension: knowledge\n        key: tv\n"},
	{"a cut above all points", "cut: 5\n  levels", "cut: 11\n  levels"},
	{"a cut nobody is above", "cut: 5\n  levels", "cut: 10\n  levels"},
	{"levels in the wrong order", "cut: 8}", "cut: 4}"},
	{"a reserved level", "{id: high,", "{id: lowest,"},
	{"levels without a name for the lowest", "  lowest: {zh: 低, en: Low}\n", ""},
	{"no boundary rule", "  boundary: above\n", ""},
	{"points that cannot be added exactly", "points: 10}", "points: 10.00001}"},

	{"an expression that is cut off", "constraint: age >= 18 && age <= 69", "constraint: age >= 18 && age <="},
	{"an unknown name in a quoted expression", "relevant: 'age >= 18 &&", "relevant: 'agee >= 18 &&"},
	{"types that do not go together", "constraint: age >= 18 && age <= 69", "constraint: age >= \"18\""},
	{"a fault in the second line of a block", "          age > 60\n", "          agee > 60\n"},
	{"a question that comes later", "relevant: 'age >= 18 &&", "relevant: 'K1 == \"1\" &&"},
	{"an expression behind an escape", "relevant: 'age >= 18 && !(\"none\" in media)'", `relevant: "\"none\" in medium"`},
}

// TestFaults shows for each edit of base.yaml what an author gets to read.
func TestFaults(t *testing.T) {
	src := base(t)
	var got bytes.Buffer
	for _, e := range edits {
		if strings.Count(src, e.old) != 1 {
			t.Fatalf("%s: %q stands %d times in base.yaml, want once", e.name, e.old, strings.Count(src, e.old))
		}
		_, err := read(strings.Replace(src, e.old, e.new, 1))
		var faults definition.Faults
		if !errors.As(err, &faults) || !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: Read() = %v, want Faults", e.name, err)
			continue
		}
		fmt.Fprintf(&got, "# %s\n%v\n\n", e.name, err)
	}
	golden(t, "testdata/faults.golden", got.Bytes())
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); rewrite with -update:\n%s", file, diff)
	}
}

// Every fault points to a line and column that exist, and all but those of
// expressions and of the YAML itself name a way out.
func TestEveryFaultHasAPlace(t *testing.T) {
	src := base(t)
	for _, e := range edits {
		edited := strings.Replace(src, e.old, e.new, 1)
		lines := strings.Split(edited, "\n")
		_, err := read(edited)
		var faults definition.Faults
		errors.As(err, &faults)
		for _, f := range faults {
			if f.Line < 1 || f.Line > len(lines) || f.Col < 1 || f.Col > len([]rune(lines[f.Line-1]))+1 {
				t.Errorf("%s: %v is outside the file", e.name, f)
			}
			if f.Way == "" && f.Excerpt == "" && !strings.Contains(f.Msg, ";") {
				t.Errorf("%s: %v has no way out", e.name, f)
			}
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, src, says string }{
		{"nothing", "", "the definition is empty"},
		{"a comment only", "# to do\n", "the definition is empty"},
		{"a scalar", "hello", "the definition is the text \"hello\""},
		{"too much", strings.Repeat("# padding\n", definition.MaxSize/10+1), "larger than 1 MiB"},
		{"another encoding", "id: \xb5\xc4", "not UTF-8"},
		{"an alias bomb", bomb(), "unknown key \"a8\""},
		{"deep flow sequences", "id: " + strings.Repeat("[", 20000), "not YAML"},
		{"deep block sequences", strings.Repeat("- ", 20000) + "x", "not YAML"},
		{"an alias to itself", "id: &a [*a]", "anchors and aliases are not supported"},
		{"many keys given twice", strings.Repeat("id: base\n", 2000), "given twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.src)
			if !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Read() = %.200v, want a fault with %q", err, c.says)
			}
		})
	}
}

// TestTooMuchForAPage: what a page or a submission could not carry is found before the
// field, not by respondents.
func TestTooMuchForAPage(t *testing.T) {
	option := "          - {code: tv, text: {zh: 电视, en: Television}}\n"
	options := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "          - {code: o%d, text: {zh: 某%[1]d, en: Some %[1]d}}\n", i)
		}
		return strings.Replace(base(t), option, b.String(), 1)
	}
	sections := options(1400) + `  - id: more
    title: {zh: 更多, en: More}
    items:
      - id: which
        type: multiple
        text: {zh: 哪些, en: Which}
        options:
` + strings.Repeat(option, 700)
	for i := range 700 {
		sections = strings.Replace(sections, "code: tv, text: {zh: 电视, en: Television}", fmt.Sprintf("code: p%d, text: {zh: 某%[1]d, en: Some %[1]d}", i), 1)
	}
	for name, c := range map[string]struct{ src, says string }{
		"a page":               {options(1600), "section \"person\" can get 1602 answers"},
		"all of it":            {sections, "an interview can get 2103 answers"},
		"a page that is large": {options(1400), ""},
	} {
		_, err := read(c.src)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: Read() = %.300v, want %q", name, err, c.says)
		}
	}
}

// bomb is a "billion laughs": nine levels of nine references each.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	return b.String()
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "q.yaml")
	if _, err := definition.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: ReadFile() = %v, want not exist", err)
	}
	for name, data := range map[string]string{"q.yaml": base(t), "line.svg": string(figures["line.svg"].Data)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := definition.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := read(base(t))
	if err != nil {
		t.Fatal(err)
	}
	if got.Version() != want.Version() {
		t.Errorf("ReadFile() has the version %s, Read() %s", got.Version(), want.Version())
	}
}

// FuzzRead looks for definitions that crash the reader or take it long. A fault is in
// the file and shows its line; what is accepted can be asked, and is the same when it
// is read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(base(f)))
	f.Add([]byte(everything(f)))
	for _, e := range edits {
		f.Add([]byte(strings.Replace(base(f), e.old, e.new, 1)))
	}
	for _, e := range faultyEdits {
		f.Add([]byte(strings.Replace(everything(f), e.old, e.new, 1)))
	}
	files := folder(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		q, err := definition.Read("q.yaml", src, files)
		if (q == nil) != (err != nil) {
			t.Fatalf("Read() = %v, %v", q, err)
		}
		if err == nil {
			again, err := definition.Read("q.yaml", src, files)
			if err != nil || again.Version() != q.Version() {
				t.Fatalf("read again: %v", err)
			}
			return
		}
		var faults definition.Faults
		if !errors.As(err, &faults) || len(faults) == 0 || len(faults) > 101 {
			t.Fatalf("Read() = %v, want Faults", err)
		}
		for _, fault := range faults {
			if fault.Msg == "" || fault.Line < 1 || fault.Col < 1 || len(fault.Excerpt) > 2000 {
				t.Errorf("a fault without a place or a line: %+v", fault)
			}
		}
	})
}
