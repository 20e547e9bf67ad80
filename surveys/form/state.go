package form

import "github.com/suyang-survey/suyang/surveys"

// State returns everything needed to draw the interview.
func (s *Session) State() State {
	s.refresh()
	st := State{Sections: make([]SectionState, len(s.f.sections))}
	items := make([]ItemState, len(s.items))
	var asked, put int
	for i := range s.items {
		p := &s.items[i]
		items[i] = ItemState{Item: s.f.items[i].def, Relevant: p.relevant, Put: p.put, Values: p.values}
		if p.relevant && s.f.items[i].typ != 0 {
			asked++
			if p.put {
				put++
			}
		}
	}
	for n := range s.f.sections {
		sec := &s.f.sections[n]
		ss := SectionState{Section: sec.def, Relevant: s.sections[n].relevant, Complete: s.complete(n),
			Items: items[sec.first:sec.end:sec.end]}
		if ss.Relevant {
			st.Relevant++
			ss.Position = st.Relevant
		}
		st.Sections[n] = ss
	}
	st.Progress = 1
	if asked > 0 {
		st.Progress = float64(put) / float64(asked)
	}
	return st
}

// State is the interview as it stands.
type State struct {
	// Sections are all the sections of the questionnaire, in its order.
	Sections []SectionState
	// Relevant is the number of relevant sections.
	Relevant int
	// Progress is the share, from 0 to 1, of the items now relevant that were put to
	// the person.
	Progress float64
}

// Section returns the state of the section with this ID, or nil.
func (st *State) Section(id string) *SectionState {
	for i := range st.Sections {
		if st.Sections[i].Section.ID == id {
			return &st.Sections[i]
		}
	}
	return nil
}

// SectionState is a section as it stands.
type SectionState struct {
	Section *surveys.Section
	// Relevant sections are shown: their expression is true and so is that of at
	// least one of their items.
	Relevant bool
	// Complete sections are relevant and have no problem.
	Complete bool
	// Position counts the relevant sections from 1; it is 0 for others.
	Position int
	Items    []ItemState
}

// ItemState is an item as it stands.
type ItemState struct {
	Item *surveys.Item
	// Relevant items are shown and asked.
	Relevant bool
	// Put says that the item was put to the person, who may have left it blank.
	Put bool
	// Values is what was typed or chosen, in normal form; do not change it.
	Values []string
}
