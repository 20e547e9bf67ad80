package form

import (
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// small compiles sections of plain items.
func small(t *testing.T, sections ...surveys.Section) *Form {
	t.Helper()
	f, err := Compile(&surveys.Questionnaire{ID: "q", Edition: "1", Languages: []surveys.Lang{surveys.EN}, Sections: sections})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func open(id, relevant string) surveys.Item {
	return surveys.Item{ID: id, Type: surveys.ShortText, MaxLength: 20, Relevant: relevant}
}

func codes(problems []Problem) (list []string) {
	for _, p := range problems {
		list = append(list, p.Item+" "+string(p.Code))
	}
	return list
}

// What became relevant after a page was drawn was not seen, so it is not left blank.
func TestNotShownIsNotBlank(t *testing.T) {
	s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{open("qa", ""), open("b", `qa == "yes"`)}}))
	shown := s.Shown()
	s.Set("qa", []string{"yes"}) // kept as it was typed; the page is not drawn again
	if !slices.Equal(shown, []string{"qa"}) {
		t.Fatalf("Shown() = %v, want qa", shown)
	}
	s.Submit("qa", map[string][]string{"qa": {"yes"}}, 0)
	if got := codes(s.Next()); !slices.Equal(got, []string{"b missing"}) {
		t.Errorf("Next() = %v, want b missing", got)
	}
	s.SubmitShown(map[string][]string{"qa": {"yes"}}, 0)
	if got := codes(s.Next()); got != nil {
		t.Errorf("Next() after b was shown = %v", got)
	}
	// An answer that is not to be given any more stays, in case it is again.
	s.Set("b", []string{"hello"})
	s.Submit("qa", map[string][]string{"qa": {"no"}}, 0)
	s.Submit("qa", map[string][]string{"qa": {"yes"}}, 0)
	if got := s.Save().Answers["b"]; !slices.Equal(got, []string{"hello"}) {
		t.Errorf("b = %q, want hello", got)
	}
	s.Submit("nowhere", map[string][]string{"qa": {"x"}}, 0)
	s.Submit("b", map[string][]string{"qa": {"no"}, "c": {"x"}}, 0) // b stands on the page of a
	if got := s.Save().Answers["qa"]; !slices.Equal(got, []string{"no"}) {
		t.Errorf("qa = %q, want no", got)
	}
}

// A condition that cannot be computed is said where it can be mended, be it that of an
// item of the section, of one that has no page for it, or of a whole section.
func TestConditionsThatFail(t *testing.T) {
	n := surveys.Item{ID: "n", Type: surveys.Number}
	for name, sections := range map[string][]surveys.Section{
		"item of the next section": {{ID: "s1", Items: []surveys.Item{n}}, {ID: "s2", Items: []surveys.Item{open("b", "10 / n > 2")}}, {ID: "s3", Items: []surveys.Item{open("c", "")}}},
		"section":                  {{ID: "s1", Items: []surveys.Item{n}}, {ID: "b", Relevant: "10 / n > 2", Items: []surveys.Item{open("x", "")}}},
		"item of the page":         {{ID: "s1", Items: []surveys.Item{n, open("b", "10 / n > 2")}}},
		"first section has no page": {{ID: "s0", Items: []surveys.Item{{ID: "z", Type: surveys.Calculate, Calculate: "0"}, {ID: "b", Type: surveys.Calculate, Calculate: "1 / z"}}},
			{ID: "s1", Items: []surveys.Item{n, {ID: "m", Type: surveys.ShortText, MaxLength: 9, Page: true}}}},
	} {
		s := begin(t, small(t, sections...))
		s.SubmitShown(map[string][]string{"n": {"0"}}, 0)
		problems := s.Next()
		if name == "first section has no page" {
			if len(problems) > 0 {
				t.Fatalf("%s: %v on the first page", name, problems)
			}
			s.SubmitShown(nil, 0)
			problems = s.Next()
		}
		if len(problems) != 1 || problems[0].Code != Expression || problems[0].Item+problems[0].Section == "" {
			t.Errorf("%s: Next() = %v, want one expression", name, problems)
			continue
		}
		if s.Page() == "" {
			t.Errorf("%s: the page was left", name)
		}
	}
}

// A day of a million digits is none, and takes no longer to read than other nonsense.
func TestLongDate(t *testing.T) {
	s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{{ID: "day", Type: surveys.Date}}}))
	s.SubmitShown(map[string][]string{"day": {strings.Repeat("1", 1_000_000)}}, 0)
	if got := codes(s.Next()); !slices.Equal(got, []string{"day not-a-date"}) {
		t.Errorf("Next() = %v", got)
	}
	s.SubmitShown(map[string][]string{"day": {"２０２６年１月２日"}}, 0)
	if got := s.Save().Answers["day"]; !slices.Equal(got, []string{"2026-01-02"}) {
		t.Errorf("day = %q", got)
	}
}

// Who is offered fewer options than have to be chosen chooses all.
func TestLeastOfWhatIsOffered(t *testing.T) {
	options := []surveys.Option{{Code: "tv"}, {Code: "net"}, {Code: "none", Exclusive: true}}
	s := begin(t, small(t, surveys.Section{ID: "s", Items: []surveys.Item{
		{ID: "all", Type: surveys.Multiple, Options: options},
		{ID: "best", Type: surveys.Multiple, From: "all", Least: 2, Required: true, Page: true, Options: []surveys.Option{{Code: "dk"}}}}}))
	s.SubmitShown(map[string][]string{"all": {"tv"}}, 0)
	s.Next()
	s.SubmitShown(map[string][]string{"best": {"tv"}}, 0)
	if got := codes(s.Next()); got != nil {
		t.Errorf("Next() = %v, want none", got)
	}
}

// A text of the section, and of an option chosen before, speaks of answers in a roster too.
func TestPipedInRoster(t *testing.T) {
	say := func(s string) surveys.Text { return surveys.Text{surveys.EN: s} }
	f := small(t, surveys.Section{ID: "s0", Items: []surveys.Item{open("nm", ""),
		{ID: "likes", Type: surveys.Multiple, Options: []surveys.Option{{Code: "x", Text: say("${nm}'s book")}}}}},
		surveys.Section{ID: "s1", Title: say("${nm}'s home"), Items: []surveys.Item{{ID: "people", Type: surveys.Roster, Most: 3, Items: []surveys.Item{
			{ID: "fav", Type: surveys.Single, From: "likes", Options: []surveys.Option{{Code: "dk"}}}}}}})
	s := begin(t, f)
	s.SubmitShown(map[string][]string{"nm": {"Li"}, "likes": {"x"}}, 0)
	s.Next()
	s.SubmitShown(map[string][]string{"people": {"1"}}, 0)
	s.Next()
	page := s.State().Page
	if got := s.Text(page.Section.Title, surveys.EN, page.ID); got != "Li's home" {
		t.Errorf("title %q", got)
	}
	if got := s.Text(page.Items[0].Options[0].Text, surveys.EN, page.ID); got != "Li's book" {
		t.Errorf("option %q", got)
	}
}
