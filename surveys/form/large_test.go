package form

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// largeForm has 10,000 items on 500 pages; every one depends on the one before it.
func largeForm() *surveys.Questionnaire {
	q := &surveys.Questionnaire{}
	for s := range 500 {
		sec := surveys.Section{ID: fmt.Sprintf("s%d", s)}
		for i := range 20 {
			n := s*20 + i
			it := surveys.Item{ID: fmt.Sprintf("q%d", n), Type: surveys.Single, Options: []surveys.Option{{Code: "1"}, {Code: "2"}}}
			if n > 0 {
				it.Relevant = fmt.Sprintf("q%d == '1'", n-1)
			}
			sec.Items = append(sec.Items, it)
		}
		q.Sections = append(q.Sections, sec)
	}
	return q
}

func TestLargeForm(t *testing.T) {
	f, err := Compile(largeForm())
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, f)
	for i := range f.items {
		s.Set(f.items[i].def.ID, []string{"1"})
	}
	r, problems := s.Finish()
	if len(problems) > 0 || len(r.Answers) != 10_000 {
		t.Fatalf("%d answers, %v", len(r.Answers), problems)
	}
	s.Set("q0", []string{"2"})
	if r, _ := s.Finish(); len(r.Answers) != 1 {
		t.Errorf("with the first answer changed, %d answers count; want 1", len(r.Answers))
	}
}

// What would take too long, or too much memory, is refused when it is compiled.
func TestTooLarge(t *testing.T) {
	many := &surveys.Questionnaire{Sections: []surveys.Section{{ID: "s"}}}
	for i := range MaxSlots/surveys.MaxRows + 1 {
		many.Sections[0].Items = append(many.Sections[0].Items, surveys.Item{ID: fmt.Sprintf("r%d", i), Type: surveys.Roster,
			Items: []surveys.Item{{ID: fmt.Sprintf("a%d", i), Type: surveys.Number}}})
	}
	if _, err := Compile(many); err == nil || !strings.Contains(err.Error(), "the limit is 50000") || !strings.Contains(err.Error(), "the limit is 20") {
		t.Errorf("too many rows of rosters: %v", err)
	}
	one := func(relevant string) error {
		_, err := Compile(&surveys.Questionnaire{Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{
			{ID: "age", Type: surveys.Number}, {ID: "b", Type: surveys.Number, Relevant: relevant}}}}})
		return err
	}
	for name, src := range map[string]string{
		"10,000 parentheses": strings.Repeat("(", 10_000) + "age > 1" + strings.Repeat(")", 10_000),
		"a long expression":  "age > 1" + strings.Repeat(" || age > 1", 10_000),
	} {
		if err := one(src); !errors.Is(err, expr.ErrLimit) {
			var faults Faults
			if !errors.As(err, &faults) || !errors.Is(faults[0], expr.ErrLimit) {
				t.Errorf("%s: %.200v, want a limit", name, err)
			}
		}
	}
}

func BenchmarkCompile10000(b *testing.B) {
	q := largeForm()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(q); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPage10000(b *testing.B) {
	f, err := Compile(largeForm())
	if err != nil {
		b.Fatal(err)
	}
	s := begin(b, f)
	for i := range f.items {
		s.Set(f.items[i].def.ID, []string{"1"})
	}
	saved := s.Save()
	saved.Page = "q5000"
	b.ReportAllocs()
	for b.Loop() {
		s, err := f.Resume(saved)
		if err != nil {
			b.Fatal(err)
		}
		s.SubmitShown(map[string][]string{"q5000": {"1"}}, 0)
		s.State()
		s.Save()
	}
}
