package form

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

func TestCompileReportsAllFaults(t *testing.T) {
	yesNo := []surveys.Option{{Code: "yes"}, {Code: "no"}}
	q := &surveys.Questionnaire{Sections: []surveys.Section{
		{ID: "one", Relevant: "q1 == 'yes'", Items: []surveys.Item{
			{ID: "q1", Type: surveys.Single, Options: yesNo, Relevant: "q2 > 1"},
			{ID: "q1", Type: surveys.ShortText, Options: yesNo, MaxLength: -1},
			{ID: "q2", Type: surveys.Number, Constraint: "q2 < 3.0", Options: yesNo[:1]},
			{ID: "q3", Type: surveys.Multiple, Constraint: "size(q3)", Decimals: 16},
			{ID: "q4", Type: surveys.Single, Options: []surveys.Option{{Code: "a b"}, {Code: "x"}, {Code: "x"}},
				Relevant: "q2 > 1 &&\n  q5 > 2", Constraint: "q4 == 'x' && q9"},
			{ID: "q5", Type: surveys.Number, Relevant: "q5 > 1"},
			{ID: "q6", Type: surveys.Number, Constraint: "q6 > q7"},
			{ID: "q7", Type: surveys.Number},
		}},
		{ID: "one", Items: []surveys.Item{
			{ID: "for", Type: surveys.Note, Constraint: "true"},
			{ID: "1x", Type: "slider"},
		}},
		{ID: ""},
	}}
	_, err := Compile(q)
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("Compile() = %v, want Faults", err)
	}
	var got []string
	for _, f := range faults {
		line, _, _ := strings.Cut(f.Err.Error(), "\n")
		got = append(got, f.Section+"/"+f.Item+" "+f.Field+": "+line)
	}
	want := []string{
		"one/q1 id: another item has this id",
		"one/q1 options: an item of type text can only have the options dk and refused",
		"one/q1 options: an item of type text can only have the options dk and refused",
		"one/q1 max_length: a length is not negative",
		"one/q2 options: an item of type number can only have the options dk and refused",
		"one/q3 options: there is nothing to choose from; give options",
		"one/q3 decimals: a number has from 0 to 15 decimals",
		`one/q4 options: "a b" is no code; a code is letters, digits, _ and -`,
		`one/q4 options: two options have the code "x"`,
		"one/ id: another section has this id",
		`one/for id: "for" cannot be used in expressions; an id is a letter, then letters, digits and _, and no word of the expression language`,
		"one/for constraint: a note takes no answer that could be checked",
		`one/1x id: "1x" cannot be used in expressions; an id is a letter, then letters, digits and _, and no word of the expression language`,
		`one/1x type: there is no type "slider"; the types are single, likert, multiple, ranking, number, text, longtext, date, region, calculate, grid, roster, note`,
		"/ sections: section 3 has no id",
		"one/ relevant: 1:1: q1 is asked later; an expression can only use items before it",
		"one/q1 relevant: 1:1: q2 is asked later; an expression can only use items before it",
		"one/q2 constraint: 1:4: < does not take int and double; convert with double(…) or int(…)",
		"one/q3 constraint: 1:1: the expression must be true or false (bool), but it is int",
		"one/q4 relevant: 2:3: q5 is asked later; an expression can only use items before it",
		`one/q4 constraint: 1:14: there is no item "q9"`,
		"one/q5 relevant: 1:1: q5 is asked later; an expression can only use items before it",
		"one/q6 constraint: 1:6: q7 is asked later; an expression can only use items before it",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(err.Error(), `item "q1", id: another item has this id`+"\n") {
		t.Errorf("Error() begins %.60q", err)
	}
	var e *expr.Error
	if !errors.As(faults[len(faults)-1], &e) || e.Line != 1 || e.Source != "q6 > q7" {
		t.Errorf("the last fault holds %+v, want an *expr.Error", e)
	}
}

func TestCompileWithoutSections(t *testing.T) {
	if _, err := Compile(&surveys.Questionnaire{}); err == nil {
		t.Error("Compile of an empty questionnaire found nothing wrong")
	}
}

func TestState(t *testing.T) {
	s := begin(t, readForm(t, "internet"))
	s.Set("internet", []string{"no"})
	st := s.State()
	type row struct {
		ID                 string
		Relevant, Complete bool
		Position           int
	}
	var got []row
	for _, sec := range st.Sections {
		got = append(got, row{sec.Section.ID, sec.Relevant, sec.Complete, sec.Position})
	}
	want := []row{{"use", true, true, 1}, {"online", false, false, 0}, {"offline", true, false, 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
	// Two questions are relevant, internet and why, of which one was put.
	if st.Relevant != 2 || st.Progress != 0.5 {
		t.Errorf("Relevant, Progress = %d, %v, want 2, 0.5", st.Relevant, st.Progress)
	}
	if it := st.Page.Items[0]; !it.Relevant || it.Put || !st.Page.First || st.Page.Back {
		t.Errorf("the first page: %+v, want a note that is relevant and never put, and no page before", st.Page)
	}
}

// begin starts an interview in the order of the questionnaire.
func begin(t testing.TB, f *Form) *Session {
	t.Helper()
	s, err := f.Start(Start{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resume takes up an interview at its end.
func resume(t testing.TB, f *Form, a surveys.Answers) *Session {
	t.Helper()
	s, err := f.Resume(Saved{Answers: a})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replay is Replay of a complete interview with nothing shuffled.
func replay(f *Form, a surveys.Answers) []Problem { return f.Replay(&surveys.Interview{Answers: a}) }

// Nobody outside can change a session through what it gave or was given.
func TestSessionKeepsItsOwnValues(t *testing.T) {
	s := begin(t, readForm(t, "internet"))
	given := []string{"yes"}
	s.Set("internet", given)
	given[0] = "no"
	a := s.Answers()
	a["internet"][0] = "no"
	s.Set("hours", []string{"1"})
	s.Set("channels", nil)
	s.Set("why", nil)
	final, problems := s.Finish()
	if len(problems) > 0 || final.Answers.First("internet") != "yes" {
		t.Fatalf("Finish() = %v, %v", final, problems)
	}
	final.Answers["internet"][0] = "no"
	if again, _ := s.Finish(); again.Answers.First("internet") != "yes" {
		t.Errorf("a change from outside arrived: %v", again)
	}
}

func TestFinishWithProblemsGivesNoAnswers(t *testing.T) {
	s := begin(t, readForm(t, "person"))
	s.Set("age", []string{"17"})
	final, problems := s.Finish()
	if final.Answers != nil || len(problems) != 1 || problems[0].String() != "remark: missing" {
		t.Errorf("Finish() = %v, %v, want no answers and that remark is missing", final, problems)
	}
}

func TestReplayOrdersProblems(t *testing.T) {
	f := readForm(t, "person")
	bad := surveys.Answers{"zz": nil, "thanks": {"x"}, "aa": {"1"}, "age": {"017"}, "school": nil, "remark": {"x\ty"}}
	var got []string
	for _, p := range replay(f, bad) {
		got = append(got, p.String())
	}
	want := []string{"remark: control-characters", "age: not-normal", "school: not-relevant",
		"aa: unknown-item", "thanks: unknown-item", "zz: unknown-item"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Replay (-want +got):\n%s", diff)
	}
}

func TestProblemString(t *testing.T) {
	for want, p := range map[string]Problem{
		"q1: too-long (limit 200)":        {Section: "s", Item: "q1", Code: TooLong, Limit: 200},
		"s: expression: division by zero": {Section: "s", Code: Expression, Detail: "division by zero"},
		"q1: constraint":                  {Section: "s", Item: "q1", Code: Constraint},
		"q2: too-many-decimals (limit 2)": {Item: "q2", Code: TooManyDecimals, Limit: 2},
		"stranger: unknown-item":          {Item: "stranger", Code: UnknownItem},
	} {
		if got := p.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

// The engine also runs in a browser, where every package is downloaded.
func TestImportsStayLight(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for _, heavy := range []string{"net/http", "net", "html/template", "text/template", "regexp", "go.yaml.in/yaml/v3",
		"cel.dev/cel-go/cel", "go/parser", "log/slog"} {
		if slices.Contains(strings.Fields(string(out)), heavy) {
			t.Errorf("the form engine imports %s", heavy)
		}
	}
}

// bigForm is a questionnaire of 60 items in 6 sections with an expression on every
// second item.
func bigForm() *surveys.Questionnaire {
	q := &surveys.Questionnaire{}
	for s := range 6 {
		sec := surveys.Section{ID: fmt.Sprintf("s%d", s)}
		for i := range 10 {
			n := s*10 + i
			it := surveys.Item{ID: fmt.Sprintf("q%d", n), Type: surveys.Single,
				Options: []surveys.Option{{Code: "1"}, {Code: "2"}, {Code: "3"}, {Code: "4"}, {Code: "dk"}}}
			if n%2 == 1 {
				it.Relevant = fmt.Sprintf("q%d == '1' || q%d in ['2', '3', '4', 'dk'] && !(q%d == 'x')", n-1, n-1, n-1)
			}
			sec.Items = append(sec.Items, it)
		}
		q.Sections = append(q.Sections, sec)
	}
	return q
}

// filled answers every item of bigForm.
func filled(b *testing.B, f *Form) surveys.Answers {
	b.Helper()
	s := begin(b, f)
	for i := range f.items {
		s.Set(f.items[i].def.ID, []string{"2"})
	}
	r, problems := s.Finish()
	if len(problems) > 0 || len(r.Answers) != 60 {
		b.Fatalf("%d answers, %v", len(r.Answers), problems)
	}
	return r.Answers
}

func mustCompile(b *testing.B) *Form {
	b.Helper()
	f, err := Compile(bigForm())
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func BenchmarkCompile60(b *testing.B) {
	q := bigForm()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSetAndState60(b *testing.B) {
	f := mustCompile(b)
	s := resume(b, f, filled(b, f))
	b.ReportAllocs()
	for b.Loop() {
		s.Set("q0", []string{"3"})
		if st := s.State(); st.Progress != 1 {
			b.Fatal(st.Progress)
		}
	}
}

func BenchmarkPage60(b *testing.B) {
	f := mustCompile(b)
	a := filled(b, f)
	page := map[string][]string{}
	for i := 20; i < 30; i++ {
		page[fmt.Sprintf("q%d", i)] = []string{"2"}
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := f.Resume(Saved{Page: "q20", Answers: a})
		if err != nil {
			b.Fatal(err)
		}
		s.SubmitShown(page, 0)
		if ps := s.Next(); len(ps) > 0 {
			b.Fatal(ps)
		}
		s.State()
	}
}

func BenchmarkReplay60(b *testing.B) {
	f := mustCompile(b)
	a := filled(b, f)
	b.ReportAllocs()
	for b.Loop() {
		if ps := replay(f, a); len(ps) > 0 {
			b.Fatal(ps)
		}
	}
}

// An answer from right to left that is put into a text is kept apart from the words
// around it; any other goes in as it is.
func TestPipedTextIsIsolated(t *testing.T) {
	for answer, want := range map[string]string{
		"王芳":      "王芳，您好！",
		"Anna":    "Anna，您好！",
		"محمد":    "\u2068محمد\u2069，您好！",
		"A דוד 1": "\u2068A דוד 1\u2069，您好！",
	} {
		q := &surveys.Questionnaire{Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{
			{ID: "name", Type: surveys.ShortText}, {ID: "n", Type: surveys.Note, Text: surveys.Text{surveys.ZH: "${name}，您好！"}}}}}}
		f, err := Compile(q)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Start(Start{})
		if err != nil {
			t.Fatal(err)
		}
		s.Set("name", []string{answer})
		if got := s.Text(q.Sections[0].Items[1].Text, surveys.ZH, "n"); got != want {
			t.Errorf("%q: %q, want %q", answer, got, want)
		}
	}
}
