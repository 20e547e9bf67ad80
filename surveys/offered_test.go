package surveys_test

import (
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Options go through a chain of items, be they in one section, and a circle ends.
func TestOffered(t *testing.T) {
	item := func(id, from string, codes ...string) surveys.Item {
		it := surveys.Item{ID: id, Type: surveys.Multiple, From: from}
		for _, c := range codes {
			it.Options = append(it.Options, surveys.Option{Code: c})
		}
		return it
	}
	q := &surveys.Questionnaire{Sections: []surveys.Section{{Items: []surveys.Item{
		item("q1", "", "a", "b"), item("q2", "q1", "c"), item("q3", "q2", "d"), item("self", "self", "x"), item("x1", "x2", "1"), item("x2", "x1", "2"),
	}}}}
	for id, want := range map[string]string{"q1": "ab", "q2": "abc", "q3": "abcd", "self": "x", "x1": "21", "x2": "12"} {
		got := ""
		for _, o := range q.Offered(q.Item(id)) {
			got += o.Code
		}
		if got != want {
			t.Errorf("Offered(%s) = %s, want %s", id, got, want)
		}
	}
}
