package form_test

import (
	"maps"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

func TestInclusion(t *testing.T) {
	item := func(id string) surveys.Item {
		return surveys.Item{ID: id, Type: surveys.ShortText, MaxLength: 10, Text: surveys.Text{surveys.EN: id}}
	}
	f, err := form.Compile(&surveys.Questionnaire{
		ID: "q", Edition: "1", Languages: []surveys.Lang{surveys.EN},
		Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{item("age"), item("k1"), item("k2"), item("k3")}}},
		Booklets: []surveys.Booklet{{ID: "A", Items: []string{"k1", "k2"}, Share: 0.75}, {ID: "B", Items: []string{"k2", "k3"}, Share: 0.25}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Everybody is asked age and k2, by the definition of the booklets.
	for booklet, want := range map[string]map[string]float64{"A": {"k1": 0.75}, "B": {"k3": 0.25}, "": nil} {
		if got := f.Inclusion(booklet); !maps.Equal(got, want) {
			t.Errorf("Inclusion(%q) = %v, want %v", booklet, got, want)
		}
	}
}
