package form

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// The words of an option may speak of an answer, whose option's words speak of another:
// the text stays small, and says … where it would go on without end.
func TestTextsOfTextsEnd(t *testing.T) {
	var items []surveys.Item
	for n := range 30 {
		text := "x"
		if n > 0 {
			text = fmt.Sprintf("${q%d}${q%d}", n-1, n-1)
		}
		items = append(items, surveys.Item{ID: fmt.Sprintf("q%d", n), Type: surveys.Single, Options: []surveys.Option{{Code: "1", Text: surveys.Text{surveys.EN: text}}}})
	}
	items = append(items, surveys.Item{ID: "last", Type: surveys.ShortText, MaxLength: 9, Text: surveys.Text{surveys.EN: "${q29} and ${q0}"}})
	s := begin(t, small(t, surveys.Section{ID: "s", Items: items}))
	for n := range 30 {
		s.Set(fmt.Sprintf("q%d", n), []string{"1"})
	}
	got := s.Text(items[30].Text, surveys.EN, "last")
	if len(got) > maxTextBytes || !strings.Contains(got, noAnswer) {
		t.Errorf("a text of %d bytes: %.80q", len(got), got)
	}
	if got := s.Text(items[1].Options[0].Text, surveys.EN, "q1"); got != "xx" {
		t.Errorf("two levels say %q, want xx", got)
	}
}

// Calculated values that double each time are an error and no flood.
func TestCalculatedValuesAreBounded(t *testing.T) {
	items := []surveys.Item{{ID: "c0", Type: surveys.LongText, MaxLength: 5000}}
	for n := range 200 {
		of := min(n, 7)
		items = append(items, surveys.Item{ID: fmt.Sprintf("c%d", n+1), Type: surveys.Calculate, Calculate: fmt.Sprintf("c%d + c%d", of, of)})
	}
	s := begin(t, small(t, surveys.Section{ID: "s", Items: items}))
	s.SubmitShown(map[string][]string{"c0": {strings.Repeat("x", 5000)}}, 0)
	problems := s.Next()
	if len(problems) == 0 || problems[0].Code != Expression {
		t.Errorf("%d problems, want the expression", len(problems))
	}
	total := 0
	for _, values := range s.Partial().Answers {
		for _, v := range values {
			total += len(v)
		}
	}
	if total > fullLimits.computed+5000 {
		t.Errorf("%d bytes of answers", total)
	}
}

// All conditions together have a budget; what is left undecided is a problem, not silence.
func TestConditionsShareABudget(t *testing.T) {
	list := "[" + strings.Repeat("1, ", 44) + "1]"
	items := []surveys.Item{{ID: "n", Type: surveys.Number}}
	for n := range 600 {
		items = append(items, surveys.Item{ID: fmt.Sprintf("x%d", n), Type: surveys.Note,
			Relevant: fmt.Sprintf("%s.all(x, %s.all(y, x + y + n > %d))", list, list, n%3)})
	}
	s := begin(t, small(t, surveys.Section{ID: "s", Items: items}))
	s.SubmitShown(map[string][]string{"n": {"5"}}, 0)
	s.refresh()
	if used := fullLimits.steps - s.limits.steps; used < fullLimits.steps || used > fullLimits.steps+expr.MaxSteps {
		t.Fatalf("the conditions took %d steps; they were to take %d and at most one run more", used, fullLimits.steps)
	}
	if problems := s.Next(); len(problems) == 0 || problems[0].Code != Expression {
		t.Errorf("Next() = %.100v, want expressions", problems)
	}
}

func TestUnseenCharactersAreNoAnswer(t *testing.T) {
	for _, r := range "\u200B\u2060\uFEFF\u00AD\u3164\U000E0041\u200E\u3000 " {
		s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{{ID: "name", Type: surveys.ShortText, MaxLength: 9, Required: true}}}))
		s.SubmitShown(map[string][]string{"name": {string(r)}}, 0)
		if got := codes(s.Next()); !slices.Equal(got, []string{"name required"}) {
			t.Errorf("U+%04X: %v, want required", r, got)
		}
	}
}

func TestDatesAsTheyAreWritten(t *testing.T) {
	for in, want := range map[string]string{
		"2024-1-2": "2024-01-02", "2024年1月2日": "2024-01-02", " 2024 . 1 . 2": "2024-01-02", "2024 1 2": "2024-01-02", "２０２４／１／２": "2024-01-02",
		"0000-01-01": "", "1799-12-31": "", "2024//1..2": "", "-2024-1-2-": "", "2024-1": "", "2024-1-2-3": "", "2024-x-2": "", "24-1-2": "", "2024--2": "", "日": "",
	} {
		s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{{ID: "day", Type: surveys.Date}}}))
		s.SubmitShown(map[string][]string{"day": {in}}, 0)
		problems := codes(s.Next())
		got := s.Save().Answers["day"][0]
		if want != "" && (got != want || problems != nil) || want == "" && !slices.Equal(problems, []string{"day not-a-date"}) {
			t.Errorf("%q = %q with %v, want %q", in, got, problems, want)
		}
	}
}

// What is no finite number is no answer.
func TestCalculatedNumbersAreFinite(t *testing.T) {
	s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{{ID: "x", Type: surveys.Number, Decimals: 1},
		{ID: "y", Type: surveys.Calculate, Calculate: "1.0 / x"}, {ID: "z", Type: surveys.Calculate, Calculate: "x / x"}}}))
	s.SubmitShown(map[string][]string{"x": {"0"}}, 0)
	if got := codes(s.Next()); got != nil {
		t.Fatal(got)
	}
	r, problems := s.Finish()
	if len(problems) > 0 || len(r.Answers["y"]) != 0 || len(r.Answers["z"]) != 0 {
		t.Errorf("Finish() = %v, %v, want y and z blank", r.Answers, problems)
	}
	if _, there := r.Answers["y"]; !there {
		t.Error("y was asked, so it is blank and not absent")
	}
}

// A state that was tampered with gives no times of what is no page, nor times before the start.
func TestResumeTakesOnlyTimesOfPages(t *testing.T) {
	f := small(t, surveys.Section{ID: "s", Items: []surveys.Item{{ID: "x", Type: surveys.Number}}})
	s, err := f.Resume(Saved{Page: "x", Millis: map[string]int64{"zz": 5, "x": -1 << 62}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Save().Millis; len(got) > 0 {
		t.Errorf("Millis = %v, want none", got)
	}
}

// What is far too long to be an answer is kept short, and stays wrong.
func TestEndlessValuesAreCut(t *testing.T) {
	s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{
		{ID: "one", Type: surveys.Single, Options: []surveys.Option{{Code: "1"}, {Code: "2"}}}, {ID: "n", Type: surveys.Number},
		{ID: "text", Type: surveys.LongText, MaxLength: 10_000}}}))
	long := strings.Repeat("长", 300_000)
	s.SubmitShown(map[string][]string{"one": {long}, "n": {strings.Repeat("1", 900_000)}, "text": {long}}, 1000*time.Hour)
	if got := codes(s.Next()); !slices.Equal(got, []string{"one not-an-option", "n too-long", "text too-long"}) {
		t.Errorf("Next() = %v", got)
	}
	for key, most := range map[string]int{"one": longestOther, "n": longestOther, "text": longestText} {
		if v := s.Values(key); len(v) != 1 || len(v[0]) > most || !utf8.ValidString(v[0]) {
			t.Errorf("%s keeps %d bytes, at most %d", key, len(strings.Join(v, "")), most)
		}
	}
	if got := s.Save().Millis["one"]; got != longestOnPage.Milliseconds() {
		t.Errorf("%d ms on the page", got)
	}
}
