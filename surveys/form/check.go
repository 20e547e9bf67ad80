package form

import (
	"cmp"
	"errors"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// Check returns what is wrong in a section as it is now, in the order of the items;
// nothing when the section can be left, is not relevant, or does not exist.
func (s *Session) Check(section string) []Problem {
	n := s.f.section(section)
	if n < 0 {
		return nil
	}
	s.refresh()
	return s.appendProblems(nil, n)
}

// appendProblems adds the problems of section n.
func (s *Session) appendProblems(to []Problem, n int) []Problem {
	id := s.f.sections[n].def.ID
	if err := s.sections[n].err; err != nil {
		to = append(to, Problem{Section: id, Code: Expression, Detail: detail(err)})
	}
	for i := s.f.sections[n].first; i < s.f.sections[n].end; i++ {
		if p := s.problem(i); p.Code != "" {
			p.Section, p.Item = id, s.f.items[i].def.ID
			to = append(to, p)
		}
	}
	return to
}

// complete reports whether section n is relevant and has no problem.
func (s *Session) complete(n int) bool {
	if !s.sections[n].relevant {
		return false
	}
	for i := s.f.sections[n].first; i < s.f.sections[n].end; i++ {
		if s.problem(i).Code != "" {
			return false
		}
	}
	return true
}

// problem returns the first thing that is wrong with item i, or no code.
func (s *Session) problem(i int) Problem {
	it, p := &s.f.items[i], &s.items[i]
	switch {
	case p.err != nil:
		return Problem{Code: Expression, Detail: detail(p.err)}
	case !p.relevant || it.typ == 0:
		return Problem{}
	case !p.put:
		return Problem{Code: Missing}
	case len(p.values) == 0 && it.def.Required:
		return Problem{Code: Required}
	case p.code != "":
		return Problem{Code: p.code, Limit: p.limit}
	case it.constraint != nil && p.value.Type() != 0:
		return s.constraint(it)
	}
	return Problem{}
}

// constraint runs the constraint of an item that has a value.
func (s *Session) constraint(it *item) Problem {
	v, err := it.constraint.Eval(s.lookup)
	switch {
	case errors.Is(err, expr.ErrNoValue):
		return Problem{}
	case err != nil:
		return Problem{Code: Expression, Detail: detail(err)}
	case !v.Bool():
		return Problem{Code: Constraint, Message: it.def.Message}
	}
	return Problem{}
}

// detail is the message of an error without the source of the expression.
func detail(err error) string {
	var e *expr.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return err.Error()
}

// Replay checks a finished interview as it was sent in. It returns nothing exactly
// when a session of this form can Finish with these answers.
func (f *Form) Replay(a surveys.Answers) []Problem {
	s := f.Resume(a)
	_, problems := s.Finish()
	wrong := map[string]bool{}
	for _, p := range problems {
		wrong[p.Item] = true
	}
	for i := range s.items {
		p, id := &s.items[i], f.items[i].def.ID
		var code Code
		switch {
		case p.put && !p.relevant:
			code = NotRelevant
		case p.put && !wrong[id] && !slices.Equal(a[id], p.values):
			code = NotNormal
		default:
			continue
		}
		section := f.sections[f.items[i].section].def.ID
		problems = append(problems, Problem{Section: section, Item: id, Code: code})
	}
	return append(problems, f.unknown(a)...)
}

// unknown reports answers to what is no item that takes one, in the order of their names.
func (f *Form) unknown(a surveys.Answers) []Problem {
	var problems []Problem
	for id := range a {
		if i, ok := f.index[id]; !ok || f.items[i].typ == 0 {
			problems = append(problems, Problem{Item: id, Code: UnknownItem})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Item, b.Item) })
	return problems
}
