package form

import (
	"cmp"
	"errors"
	"maps"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// Check returns what is wrong on the page shown as it is now, in the order of its items,
// and on the last page of a section also what is wrong across the section, with what is
// calculated in it, which no page shows, and with sections after it that have no page. Soft checks
// that were shown with these answers are left out. At the end nothing is wrong.
func (s *Session) Check() []Problem {
	s.settle()
	if s.page >= len(s.pages) {
		return nil
	}
	s.refresh()
	s.limits.steps = fullLimits.steps
	pg := &s.pages[s.page]
	var problems []Problem
	for _, i := range pg.items {
		problems = append(problems, s.problems(i, max(pg.row-1, 0))...)
	}
	for _, n := range s.passed() {
		if err := s.sections[n].err; err != nil {
			problems = append(problems, Problem{Section: s.f.sections[n].def.ID, Code: Expression, Detail: detail(err)})
		}
		problems = append(s.computed(problems, n), s.sectionProblems(n)...)
	}
	return s.unseen(problems)
}

// passed are the sections that are left behind when the page is: none before the last
// page of its section, then that one and those up to the next with a page.
func (s *Session) passed() []int {
	at, next := s.pages[s.page].section, s.following(s.page)
	order := s.f.sectionOrder(s.start.Seed)
	if next < len(s.pages) {
		if s.pages[next].section == at {
			return nil
		}
		order = order[:slices.Index(order, s.pages[next].section)]
	}
	for before := s.preceding(s.page); before >= 0; before = s.preceding(before) {
		if s.pages[before].section != at {
			return order[slices.Index(order, at):]
		}
	}
	return order
}

// computed adds the problems of what no page shows in section n: what is calculated, and
// items of which it cannot be found out whether they are to be asked.
func (s *Session) computed(to []Problem, n int) []Problem {
	sec := &s.f.sections[n]
	for i := sec.first; i < sec.end; i++ {
		it := &s.f.items[i]
		for row := range it.rows {
			onPage := slices.Contains(s.pages[s.page].items, i) && max(s.pages[s.page].row-1, 0) == row
			if it.calculate != nil || s.slots[it.slot+row].err != nil && !onPage {
				to = append(to, s.problems(i, row)...)
			}
		}
	}
	return to
}

// unseen are problems without the soft ones that were shown before.
func (s *Session) unseen(problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool { return p.Soft && s.warned[p.kept()] })
}

// broken names the soft checks that the answers break, in the order of the questionnaire.
func (s *Session) broken() []string {
	var names []string
	for n := range s.f.sections {
		for _, p := range s.appendProblems(nil, n) {
			if p.Soft {
				names = append(names, p.kept())
			}
		}
	}
	return names
}

// appendProblems adds the problems of section n, in all its rows.
func (s *Session) appendProblems(to []Problem, n int) []Problem {
	sec := &s.f.sections[n]
	if err := s.sections[n].err; err != nil {
		to = append(to, Problem{Section: sec.def.ID, Code: Expression, Detail: detail(err)})
	}
	for i := sec.first; i < sec.end; i++ {
		for row := range s.f.items[i].rows {
			to = append(to, s.problems(i, row)...)
		}
	}
	return append(to, s.sectionProblems(n)...)
}

// sectionProblems are the broken checks across a section.
func (s *Session) sectionProblems(n int) (problems []Problem) {
	sec := &s.f.sections[n]
	if !s.sections[n].relevant {
		return nil
	}
	for _, ck := range sec.checks {
		if p := s.try(ck); p.Code != "" {
			p.Section = sec.def.ID
			problems = append(problems, p)
		}
	}
	return problems
}

// complete reports whether section n is relevant and has no problem but soft ones that
// were shown.
func (s *Session) complete(n int) bool {
	sec := &s.f.sections[n]
	for i := sec.first; i < sec.end && s.sections[n].relevant; i++ {
		it := &s.f.items[i]
		for row := range it.rows {
			if p := &s.slots[it.slot+row]; p.relevant && !p.put && it.typ != 0 {
				return false // missing, which is the usual case and needs no more looking
			}
		}
	}
	return s.sections[n].relevant && len(s.unseen(s.appendProblems(nil, n))) == 0
}

// problems returns what is wrong with item i in a row: the first hard thing, and every
// broken soft check.
func (s *Session) problems(i, row int) []Problem {
	it := &s.f.items[i]
	p := &s.slots[it.slot+row]
	if p.err == nil && (!p.relevant || it.typ == 0) {
		return nil
	}
	name := func(problem Problem) []Problem {
		problem.Section, problem.Item = s.f.sections[it.section].def.ID, s.f.key(i, row)
		return []Problem{problem}
	}
	switch {
	case p.err != nil:
		return name(Problem{Code: Expression, Detail: detail(p.err)})
	case !p.put:
		return name(Problem{Code: Missing})
	case len(p.values) == 0 && it.def.Required:
		return name(Problem{Code: Required})
	case p.code != "":
		return name(Problem{Code: p.code, Limit: p.limit})
	case p.value.Type() == 0 || len(it.checks) == 0:
		return nil
	}
	defer s.in(it.roster, row)()
	var out []Problem
	for _, ck := range it.checks {
		problem := s.try(ck)
		switch {
		case problem.Code == "":
		case problem.Soft:
			out = append(out, name(problem)...)
		default:
			return name(problem)
		}
	}
	return out
}

// try runs a check.
func (s *Session) try(ck check) Problem {
	v, err := ck.assert.EvalWithin(s.lookup, &s.limits.steps)
	switch {
	case errors.Is(err, expr.ErrNoValue):
		return Problem{}
	case err != nil:
		return Problem{Code: Expression, Detail: detail(err)}
	case !v.Bool():
		return Problem{Code: Constraint, Message: ck.message, Soft: ck.soft, Check: ck.number}
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

// Replay checks a finished or broken-off interview as it was sent in. It returns nothing
// exactly when a session of this form can end with it: Finish with it, or be broken off.
func (f *Form) Replay(iv *surveys.Interview) []Problem {
	a, pd := iv.Answers, iv.Paradata
	s, err := f.Start(Start{Booklet: iv.Booklet, Seed: pd.Seed})
	if err != nil {
		return []Problem{{Code: UnknownBooklet}}
	}
	known := 0
	for key, values := range a {
		if i, row, ok := f.find(key); ok && f.items[i].typ != 0 {
			known++
			s.take(i, row, values)
		}
	}
	for _, k := range pd.Kept {
		s.warned[k] = true
	}
	problems := s.faults()
	if iv.Partial {
		problems = slices.DeleteFunc(problems, func(p Problem) bool {
			_, there := a[p.Item]
			return p.open() || !there
		})
	}
	wrong := map[string]bool{}
	for _, p := range problems {
		wrong[p.Item] = true
	}
	for i := range s.f.items {
		it := &s.f.items[i]
		for row := range it.rows {
			if code := s.mismatch(iv, i, row); code != "" && !wrong[f.key(i, row)] {
				problems = append(problems, Problem{Section: f.sections[it.section].def.ID, Item: f.key(i, row), Code: code})
			}
		}
	}
	if known < len(a) {
		problems = append(problems, f.unknown(a)...)
	}
	return append(problems, s.otherCourse(iv, len(problems) == 0)...)
}

// otherCourse says where the interview cannot have gone as its paradata tell. Which soft
// checks were gone past is only known when the answers are right.
func (s *Session) otherCourse(iv *surveys.Interview, right bool) []Problem {
	var problems []Problem
	var orders map[string][]string
	if s.f.shuffled {
		orders = s.orders()
	}
	if (!s.f.shuffled && iv.Paradata.Seed != 0) || !maps.EqualFunc(iv.Paradata.Orders, orders, slices.Equal) {
		problems = append(problems, Problem{Code: OtherOrder})
	}
	known := iv.Last == "" || iv.Partial && s.pageOf(iv.Last) >= 0
	for page, ms := range iv.Paradata.Millis {
		known = known && s.isPage(page) && ms > 0
	}
	if !known {
		problems = append(problems, Problem{Code: UnknownPage})
	}
	broken := s.broken()
	if iv.Partial { // and some were not yet shown
		broken = slices.DeleteFunc(broken, func(name string) bool { return !s.warned[name] })
	}
	if right && !slices.Equal(iv.Paradata.Kept, broken) {
		problems = append(problems, Problem{Code: OtherChecks})
	}
	return problems
}

// isPage reports whether a page has this ID.
func (s *Session) isPage(id string) bool {
	n := s.pageOf(id)
	return n >= 0 && s.pageKey(n) == id
}

// open reports whether a problem is none for an interview that was broken off: what was
// not yet asked, was left blank, or breaks a rule that the person was still to be told of.
func (p Problem) open() bool {
	return p.Code == Missing || p.Code == Required || p.Code == Constraint || p.Code == Expression
}

// mismatch says how the answer to an item differs from what the session would give; ""
// when it does not.
func (s *Session) mismatch(iv *surveys.Interview, i, row int) Code {
	it := &s.f.items[i]
	p := &s.slots[it.slot+row]
	values, there := iv.Answers[s.f.key(i, row)]
	switch {
	case it.typ == 0:
		return ""
	case there && !p.relevant:
		return NotRelevant
	case there && !slices.Equal(values, p.values),
		it.calculate != nil && p.relevant && there == (iv.Partial && p.code != ""):
		return NotNormal
	}
	return ""
}

// unknown reports answers to what is no item or row that takes one, in the order of
// their names.
func (f *Form) unknown(a surveys.Answers) []Problem {
	var problems []Problem
	for key := range a {
		if i, _, ok := f.find(key); !ok || f.items[i].typ == 0 {
			problems = append(problems, Problem{Item: key, Code: UnknownItem})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Item, b.Item) })
	return problems
}
