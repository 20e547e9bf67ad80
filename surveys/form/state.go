package form

import (
	"slices"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// State returns everything needed to draw the interview.
func (s *Session) State() *State {
	s.settle()
	s.refresh()
	s.limits.steps = fullLimits.steps
	st := &State{Sections: make([]SectionState, 0, len(s.f.sections))}
	for i := range s.f.items {
		it := &s.f.items[i]
		if !it.given() {
			continue
		}
		for row := range it.rows {
			p := &s.slots[it.slot+row]
			switch {
			case !p.relevant:
				continue
			case p.put && len(p.values) > 0:
				st.Answered++
			case p.put:
				st.Blank++
			}
			st.Asked++
		}
	}
	st.Progress = 1
	if st.Asked > 0 {
		st.Progress = float64(st.Answered+st.Blank) / float64(st.Asked)
	}
	for _, n := range s.f.sectionOrder(s.start.Seed) {
		ss := SectionState{Section: s.f.sections[n].def, Relevant: s.sections[n].relevant, Complete: s.complete(n)}
		if ss.Relevant {
			st.Relevant++
			ss.Position = st.Relevant
		}
		st.Sections = append(st.Sections, ss)
	}
	if s.page < len(s.pages) {
		st.Page = s.drawn(s.page)
	}
	return st
}

// drawn is a page as it is to be drawn.
func (s *Session) drawn(n int) *Page {
	pg := &s.pages[n]
	out := &Page{ID: s.pageKey(n), Section: s.f.sections[pg.section].def, Row: pg.row, Back: s.preceding(n) >= 0}
	before := s.preceding(n)
	out.First = before < 0 || s.pages[before].section != pg.section
	for _, i := range pg.items {
		out.Items = append(out.Items, s.item(i, max(pg.row-1, 0)))
	}
	return out
}

// item is an item in a row as it stands.
func (s *Session) item(i, row int) ItemState {
	it := &s.f.items[i]
	p := &s.slots[it.slot+row]
	st := ItemState{Item: it.def, Key: s.f.key(i, row), Relevant: s.asked(i, row), Put: p.put, Values: p.values}
	if it.def.Type == surveys.Grid {
		st.Options = it.def.Options
	} else if len(it.def.Options) > 0 || it.from >= 0 {
		st.Options = s.f.optionOrder(s.start.Seed, i, s.offered(i, row))
	}
	if it.list != nil {
		st.Steps = it.steps(p.values)
	}
	return st
}

// steps are the levels of a region to choose from: down to one below what is chosen.
func (it *item) steps(values []string) []RegionStep {
	within := geo.Short(it.def.Division.Within)
	var chain []string // from the top down, what is chosen
	if len(values) == 1 && geo.Within(values[0], within) {
		for code := values[0]; code != within && code != ""; code = it.list.Parent(code) {
			if _, ok := it.list.Get(code); ok {
				chain = append(chain, code)
			}
		}
		slices.Reverse(chain)
	}
	var out []RegionStep
	for at, n := within, 0; ; n++ {
		parts := it.list.Parts(at)
		if len(parts) == 0 || at != within && geo.LevelOf(at).Reaches(geo.Level(it.def.Division.Level)) {
			return out
		}
		step := RegionStep{Within: at, Parts: parts, Level: string(geo.LevelOf(parts[0].Code))}
		if n < len(chain) {
			step.Chosen = chain[n]
		}
		out = append(out, step)
		if step.Chosen == "" {
			return out
		}
		at = step.Chosen
	}
}

// State is the interview as it stands.
type State struct {
	// Page is the one shown; nil at the end, when all was asked.
	Page *Page `json:"page"`
	// Sections are all the sections, in the order in which this person meets them.
	Sections []SectionState `json:"sections"`
	// Relevant is the number of relevant sections.
	Relevant int `json:"relevant"`
	// Asked is how many items are now relevant, Answered and Blank are how many of them
	// were put to the person and have an answer or none.
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Blank    int `json:"blank"`
	// Progress is the share, from 0 to 1, of the items now relevant that were put to
	// the person.
	Progress float64 `json:"progress"`
}

// SectionState is a section as it stands.
type SectionState struct {
	Section *surveys.Section `json:"-"`
	// Relevant sections are shown: their expression is true and so is that of at
	// least one of their items.
	Relevant bool `json:"relevant"`
	// Complete sections are relevant and have no problem.
	Complete bool `json:"complete"`
	// Position counts the relevant sections from 1; it is 0 for others.
	Position int `json:"position"`
}

// Page is what is shown at a time.
type Page struct {
	// ID is the key of its first item; Saved.Page and Jump take it.
	ID      string           `json:"id"`
	Section *surveys.Section `json:"-"`
	// First pages show the title and the intro of the section.
	First bool `json:"first"`
	// Row is the row of the roster, from 1; 0 outside of rosters.
	Row int `json:"row,omitempty"`
	// Back says that there is a page before it.
	Back  bool        `json:"back"`
	Items []ItemState `json:"items"`
}

// ItemState is an item as it stands.
type ItemState struct {
	Item *surveys.Item `json:"-"`
	// Key is the name of its answer: the ID, in a roster with the row.
	Key string `json:"key"`
	// Relevant items are shown and asked.
	Relevant bool `json:"relevant"`
	// Put says that the item was put to the person, who may have left it blank.
	Put bool `json:"put"`
	// Values is what was typed or chosen, in normal form; do not change it.
	Values []string `json:"values"`
	// Options are those offered, in the order to be shown; do not change them.
	Options []surveys.Option `json:"-"`
	// Steps are, of a region, the levels to choose from, the topmost first: each chosen
	// one brings the next.
	Steps []RegionStep `json:"-"`
}

// RegionStep is one level of a region to choose from.
type RegionStep struct {
	// Within is the code of the division whose parts these are.
	Within string
	// Level is that of the first part: a city without counties has townships.
	Level string
	Parts []geo.Division
	// Chosen is the code of the part that was chosen, or "".
	Chosen string
}
