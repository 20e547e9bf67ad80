package form

import (
	"fmt"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// heavy are questionnaires of thousands of items, each of which would be slow if the
// engine looked at all items, rows or options for every single one.
func heavy() map[string]*surveys.Questionnaire {
	choices := []surveys.Option{{Code: "1"}, {Code: "2"}}
	section := func(items ...surveys.Item) *surveys.Questionnaire {
		return &surveys.Questionnaire{Sections: []surveys.Section{{ID: "s", Shuffle: true, Items: items}}}
	}
	add := func(q *surveys.Questionnaire, n int, item func(i int) []surveys.Item) *surveys.Questionnaire {
		for i := range n {
			q.Sections[0].Items = append(q.Sections[0].Items, item(i)...)
		}
		return q
	}
	id := func(letter string, i int) string { return fmt.Sprint(letter, i) }
	row := func(grid string, i int) surveys.Item {
		return surveys.Item{ID: id("q", i), Type: surveys.Likert, Row: grid, Options: choices}
	}
	q := map[string]*surveys.Questionnaire{
		"one grid": add(section(surveys.Item{ID: "g", Type: surveys.Grid, Shuffle: true, Options: choices}), 10_000,
			func(i int) []surveys.Item { return []surveys.Item{row("g", i)} }),
		"grids": add(section(), 5_000, func(i int) []surveys.Item {
			return []surveys.Item{{ID: id("g", i), Type: surveys.Grid, Shuffle: true, Options: choices}, row(id("g", i), i)}
		}),
		"calculations": add(section(surveys.Item{ID: "c0", Type: surveys.Number}), 5_000, func(i int) []surveys.Item {
			return []surveys.Item{{ID: id("c", i+1), Type: surveys.Calculate, Calculate: id("c", i) + " + 1",
				Checks: []surveys.Check{{Assert: id("c", i+1) + " < 0", Soft: true}}}}
		}),
		"texts": add(section(surveys.Item{ID: "c0", Type: surveys.Number}), 5_000, func(i int) []surveys.Item {
			return []surveys.Item{{ID: id("n", i), Type: surveys.Note, Text: surveys.Text{surveys.ZH: id("", i) + strings.Repeat("${c0}", 50)}}}
		}),
	}
	q["calculations"].Sections[0].Shuffle, q["texts"].Sections[0].Shuffle = false, false

	blocks := &surveys.Questionnaire{}
	for i := range 10_000 {
		blocks.Sections = append(blocks.Sections, surveys.Section{ID: id("s", i), Block: id("b", i), Items: []surveys.Item{{ID: id("q", i), Type: surveys.Number}}})
	}
	q["blocks"] = blocks

	roster := surveys.Item{ID: "r", Type: surveys.Roster}
	for i := range 1_500 {
		roster.Items = append(roster.Items, surveys.Item{ID: id("n", i), Type: surveys.Number})
	}
	q["rows"] = add(section(roster), 1_500, func(i int) []surveys.Item {
		return []surveys.Item{{ID: id("q", i), Type: surveys.Number, Relevant: fmt.Sprintf("size(n%d) > 1 && size(n%d) > 2 && 1 in n%d", i, i, i)}}
	})
	q["rows"].Sections[0].Shuffle = false

	many := surveys.Item{ID: "m", Type: surveys.Multiple, Shuffle: true}
	for i := range 2_000 {
		many.Options = append(many.Options, surveys.Option{Code: id("", i)})
	}
	q["options"] = add(section(many), 100, func(i int) []surveys.Item {
		return []surveys.Item{{ID: id("f", i), Type: surveys.Multiple, From: "m", Shuffle: true}}
	})
	q["options"].Sections[0].Shuffle = false
	return q
}

// A heavy form is asked, finished and replayed; every answer counts.
func TestHeavyForms(t *testing.T) {
	for name, q := range heavy() {
		f, err := Compile(q)
		if err != nil {
			t.Errorf("%s: %.300v", name, err)
			continue
		}
		s, err := f.Start(Start{Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.items {
			it := &f.items[i]
			values := []string{"1"}
			switch {
			case it.def.Type == surveys.Roster:
				values = []string{"30"}
			case it.def.Type == surveys.Multiple:
				values = nil
				for _, o := range f.items[0].def.Options {
					values = append(values, o.Code)
				}
			}
			for row := range it.rows {
				s.Set(f.key(i, row), values)
			}
		}
		s.Next()
		for s.page < len(s.pages) && len(s.Next()) == 0 && s.page%20 != 0 {
			s.State()
		}
		first := s.Answers()[f.key(0, 0)]
		s.Set(f.key(0, 0), nil)
		s.Set(f.key(0, 0), first)
		_, problems := s.Finish()
		for _, p := range problems {
			s.warned[p.kept()] = p.Soft
		}
		r, problems := s.Finish()
		if len(problems) > 0 || len(r.Answers) == 0 {
			t.Errorf("%s: %d answers, %d problems", name, len(r.Answers), len(problems))
			continue
		}
		if problems := f.Replay(&surveys.Interview{Answers: r.Answers, Paradata: r.Paradata}); len(problems) > 0 {
			t.Errorf("%s: Replay = %v …", name, problems[0])
		}
	}
}
