package form

import (
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// An answer that is changed in a finished interview changes what is calculated from it and
// which soft checks it breaks; then the interview can be replayed.
func TestRecompute(t *testing.T) {
	q := &surveys.Questionnaire{ID: "q", Languages: []surveys.Lang{surveys.EN}, Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{
		{ID: "age", Type: surveys.Number, Required: true, Checks: []surveys.Check{{Assert: "age < 100", Soft: true, Message: surveys.Text{surveys.EN: "Is that right?"}}}},
		{ID: "twice", Type: surveys.Calculate, Calculate: "2 * age"},
		{ID: "old", Type: surveys.Calculate, Calculate: "age - 60", Relevant: "age > 60"},
	}}}}
	f, err := Compile(q)
	if err != nil {
		t.Fatal(err)
	}
	iv := surveys.Interview{Answers: surveys.Answers{"age": {"50"}, "twice": {"100"}}}
	if p := f.Replay(&iv); len(p) > 0 {
		t.Fatalf("as it was: %v", p)
	}
	for age, want := range map[string]surveys.Answers{
		"101": {"age": {"101"}, "twice": {"202"}, "old": {"41"}}, "70": {"age": {"70"}, "twice": {"140"}, "old": {"10"}}, "30": {"age": {"30"}, "twice": {"60"}},
	} {
		iv.Answers["age"] = []string{age}
		if p := f.Replay(&iv); len(p) == 0 {
			t.Errorf("age %s alone changed, and nothing is wrong", age)
		}
		f.Recompute(&iv)
		if p := f.Replay(&iv); len(p) > 0 {
			t.Errorf("age %s: %v", age, p)
		}
		if len(iv.Answers) != len(want) || !slices.Equal(iv.Answers["twice"], want["twice"]) || !slices.Equal(iv.Answers["old"], want["old"]) {
			t.Errorf("age %s: %v, want %v", age, iv.Answers, want)
		}
		if kept := len(iv.Paradata.Kept); kept != map[bool]int{true: 1}[age == "101"] {
			t.Errorf("age %s: kept %v", age, iv.Paradata.Kept)
		}
	}
	iv.Answers["age"] = []string{"x"}
	f.Recompute(&iv)
	if p := f.Replay(&iv); len(p) == 0 {
		t.Error("an age that is none passes")
	}
	iv.Booklet = "none"
	f.Recompute(&iv)
}
