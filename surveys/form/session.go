package form

import (
	"errors"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// Session is one interview under way. It is for one goroutine at a time.
type Session struct {
	f        *Form
	items    []progress // parallel to f.items
	sections []standing // parallel to f.sections
	stale    bool       // something was set since relevance was last found out
	lookup   func(string) (expr.Value, bool)
}

// progress is how far one item has come.
type progress struct {
	put    bool
	values []string // in normal form; replaced as a whole, never changed
	reading
	standing
}

// standing says whether a section or an item is asked.
type standing struct {
	relevant bool
	err      error // why that could not be found out
}

// Start begins an interview without answers.
func (f *Form) Start() *Session {
	s := &Session{f: f, items: make([]progress, len(f.items)), sections: make([]standing, len(f.sections)), stale: true}
	s.lookup = s.value
	return s
}

// Resume takes an interview up again from what Session.Answers gave. Answers to
// items that the form does not have are left out; Replay reports them.
func (f *Form) Resume(a surveys.Answers) *Session {
	s := f.Start()
	for id, values := range a {
		s.Set(id, values)
	}
	return s
}

// Set puts an item to the person and keeps the answer in normal form: spaces around
// it trimmed, blank values dropped, numbers written in one way, chosen options in
// the order of the questionnaire. An answer that is wrong is kept too, and Check
// says what is wrong. No values means that the item was left blank. Set returns
// false, and does nothing, when the form has no such item or it takes no answer.
func (s *Session) Set(item string, values []string) bool {
	i, ok := s.f.index[item]
	if !ok || s.f.items[i].typ == 0 {
		return false
	}
	p := &s.items[i]
	p.put = true
	p.values = s.f.items[i].normal(values)
	p.reading = s.f.items[i].read(p.values)
	s.stale = true
	return true
}

// Submit takes what a page with one section sent: it calls Set for every item of
// the section that was relevant, and so was shown, and for every other item of it
// that has values, and returns what Check then finds. A page without a problem goes
// on to Next, any other shows the section again.
func (s *Session) Submit(section string, values map[string][]string) []Problem {
	n := s.f.section(section)
	if n < 0 {
		return nil
	}
	s.refresh()
	for i := s.f.sections[n].first; i < s.f.sections[n].end; i++ {
		id := s.f.items[i].def.ID
		// Set does not touch relevance until the next refresh, so this still is
		// what the page showed.
		if s.items[i].relevant || len(values[id]) > 0 {
			s.Set(id, values[id])
		}
	}
	return s.Check(section)
}

// Answers returns everything that was set, relevant or not, as a copy. It is what
// Resume takes; the final answers come from Finish.
func (s *Session) Answers() surveys.Answers {
	a := surveys.Answers{}
	for i := range s.items {
		if s.items[i].put {
			a[s.f.items[i].def.ID] = slices.Clone(s.items[i].values)
		}
	}
	return a
}

// Next returns the next relevant section after the one named, or the first one for
// "". It returns false after the last: then it is time to Finish.
func (s *Session) Next(section string) (string, bool) {
	s.refresh()
	from := s.f.section(section)
	if from < 0 && section != "" {
		return "", false
	}
	for n := from + 1; n < len(s.sections); n++ {
		if s.sections[n].relevant {
			return s.f.sections[n].def.ID, true
		}
	}
	return "", false
}

// Prev returns the relevant section before the one named, or the last one for "".
func (s *Session) Prev(section string) (string, bool) {
	s.refresh()
	from := s.f.section(section)
	if section == "" {
		from = len(s.sections)
	}
	for n := from - 1; n >= 0; n-- {
		if s.sections[n].relevant {
			return s.f.sections[n].def.ID, true
		}
	}
	return "", false
}

// Finish returns the final answers: every item that was asked, without values when
// it was left blank, and no other. When something is wrong, it returns the problems
// of all sections and no answers.
func (s *Session) Finish() (surveys.Answers, []Problem) {
	s.refresh()
	var problems []Problem
	for n := range s.f.sections {
		problems = s.appendProblems(problems, n)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	a := surveys.Answers{}
	for i := range s.items {
		if s.items[i].relevant && s.items[i].put {
			a[s.f.items[i].def.ID] = slices.Clone(s.items[i].values)
		}
	}
	return a, nil
}

// refresh finds out what is relevant, if answers have changed since. Expressions
// only use items before them, so one pass from the beginning is enough.
func (s *Session) refresh() {
	if !s.stale {
		return
	}
	s.stale = false
	for i := range s.items {
		s.items[i].standing = standing{}
	}
	for n := range s.f.sections {
		sec := &s.f.sections[n]
		s.sections[n] = s.ask(sec.relevant)
		if !s.sections[n].relevant {
			continue
		}
		s.sections[n].relevant = false
		for i := sec.first; i < sec.end; i++ {
			s.items[i].standing = s.ask(s.f.items[i].relevant)
			if s.items[i].relevant {
				s.sections[n].relevant = true
			}
		}
	}
}

// ask runs a relevant expression.
func (s *Session) ask(p *expr.Program) standing {
	if p == nil {
		return standing{relevant: true}
	}
	v, err := p.Eval(s.lookup)
	switch {
	case errors.Is(err, expr.ErrNoValue):
		return standing{}
	case err != nil:
		return standing{err: err}
	}
	return standing{relevant: v.Bool()}
}

// value gives expressions the answer to an item, if it was asked and has one.
func (s *Session) value(item string) (expr.Value, bool) {
	p := &s.items[s.f.index[item]]
	return p.value, p.relevant && p.value.Type() != 0
}
