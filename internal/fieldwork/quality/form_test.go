package quality

import (
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// An interview that the form engine has held, ten seconds each time a page is sent, gives a page for each
// one that the engine showed, and every item that was asked is on one of them.
func TestPagesOfTheForm(t *testing.T) {
	for _, rotated := range []bool{false, true} {
		q, _ := shipped(t, rotated)
		f, err := form.Compile(q)
		if err != nil {
			t.Fatal(err)
		}
		start := form.Start{Seed: 5}
		if rotated {
			start.Booklet = q.Booklets[2].ID
		}
		s, err := f.Start(start)
		if err != nil {
			t.Fatal(err)
		}
		shown, sent := map[string]bool{}, 0
		for s.Page() != "" {
			values := map[string][]string{}
			for _, key := range s.Shown() {
				if v := someAnswer(q.Item(key)); v != "" {
					values[key] = []string{v}
				}
			}
			shown[s.Page()] = true
			s.SubmitShown(values, 10*time.Second)
			s.Next() // stays while an answer has opened further items of the page
			if sent++; sent > 100 {
				t.Fatalf("the form does not get past page %s", s.Page())
			}
		}
		result, problems := s.Finish()
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		w := New(q)
		iv := surveys.Interview{ID: "1", Lang: surveys.ZH, Answers: result.Answers, Paradata: result.Paradata, Booklet: start.Booklet}
		if err := w.Add(Interview{Interview: iv}); err != nil {
			t.Fatal(err)
		}
		want, length, millis := 0.0, 0.0, 0.0
		for k, c := range w.items {
			if w.answers(0)[k] == unasked {
				continue
			}
			want += w.lengths(surveys.ZH).items[k]
			if b := k - 1; c.grid != nil && (b < 0 || w.items[b].grid != c.grid) {
				want += w.lengths(surveys.ZH).heads[k]
			}
		}
		for _, p := range w.pages {
			length += p.length
			millis += p.millis
		}
		if len(w.pages) != len(shown) || len(shown) < 10 {
			t.Errorf("rotated %v: %d pages, want the %d that were shown", rotated, len(w.pages), len(shown))
		}
		near(t, "the time", millis, float64(10000*sent), 0)
		near(t, "the length of what was asked", length, want, 1e-9)
	}
}

// someAnswer is one that makes a person eligible and keeps the rules.
func someAnswer(it *surveys.Item) string {
	switch {
	case it == nil:
		return ""
	case it.ID == "military":
		return "2"
	case it.Type == surveys.Number:
		return "40"
	case len(it.Options) > 0:
		return it.Options[0].Code
	}
	return ""
}
