package definition

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// sense checks expressions that could be asked as they are, and would not do what the
// author means.
func (l *linter) sense(f *form.Form, lists []*geo.List) {
	s := sense{linter: l, paths: l.paths(), lists: lists, items: map[string]*surveys.Item{}, page: map[string]int{},
		uses: map[string][]form.Use{}, asked: map[condition]bool{}}
	for it := range l.q.Items {
		s.items[it.ID] = it
	}
	var all []form.Use
	for u := range f.Uses() {
		s.uses[u.Item] = append(s.uses[u.Item], u)
		all = append(all, u)
	}
	s.lay(f)
	for _, u := range all {
		s.codes(u)
		switch it := s.items[u.Item]; {
		case it == nil:
		case u.Field == "relevant" && it.Type == surveys.Note:
			s.tooLate(it, u)
		case u.Shown:
			s.tooEarly(it, u)
		}
	}
}

type sense struct {
	*linter
	paths func(u form.Use) string
	lists []*geo.List
	items map[string]*surveys.Item
	uses  map[string][]form.Use // by item
	// page is where an answer is given, by ID, counted from 1; of what is calculated, the
	// last page with an answer that it is calculated of.
	page  map[string]int
	asked map[condition]bool // the conditions under which questions are asked
}

// condition is a condition of something on a page.
type condition struct {
	page   int
	source string
}

func conditionOf(page int, u form.Use) condition {
	return condition{page, strings.TrimSpace(u.Program.Source())}
}

// lay finds what stands on which page.
func (s *sense) lay(f *form.Form) {
	n := 0
	for items := range f.Pages() {
		n++
		for _, it := range items {
			s.page[it.ID] = n
		}
	}
	for it := range s.q.Items {
		for _, u := range s.uses[it.ID] {
			switch {
			case u.Field == "relevant" && it.Type.Answered():
				s.asked[conditionOf(s.page[it.ID], u)] = true
			case u.Field == "calculate":
				for _, name := range u.Program.Names() {
					s.page[it.ID] = max(s.page[it.ID], s.page[name])
				}
			}
		}
	}
}

// paths tells where an expression stands in the file.
func (l *linter) paths() func(form.Use) string {
	items, sections := map[string]string{}, map[string]string{}
	for s := range l.q.Sections {
		sections[l.q.Sections[s].ID] = fmt.Sprintf("sections[%d]", s)
	}
	l.walk(func(path string, it *surveys.Item) { items[it.ID] = path })
	return func(u form.Use) string {
		if u.Item != "" {
			return join(items[u.Item], u.Field)
		}
		return join(sections[u.Section], u.Field)
	}
}

// maxCodes is how many codes a fault lists.
const maxCodes = 12

// codes finds texts that an answer is held against and can never be.
func (s *sense) codes(u form.Use) {
	for _, c := range u.Program.Compared() {
		it := s.items[c.Name]
		if it == nil {
			continue
		}
		outcome := "so this is never true"
		if c.Unequal {
			outcome = "so this is true of every answer"
		}
		switch {
		case it.Type == surveys.Region:
			s.division(u, c, it, outcome)
		case it.Type.OneOf() || it.Type == surveys.Multiple || it.Type == surveys.Ranking:
			codes := s.offered(it)
			if slices.Contains(codes, c.Text) {
				continue
			}
			if more := len(codes) - maxCodes; more > 0 {
				codes = append(codes[:maxCodes:maxCodes], fmt.Sprintf("and %d more", more))
			}
			s.within(u, c.Error(fmt.Sprintf("%q is no code of %s, %s", shorten(c.Text), it.ID, outcome)), "the codes of "+it.ID+" are "+strings.Join(codes, ", "))
		}
	}
}

// division finds codes of divisions that an answer cannot be.
func (s *sense) division(u form.Use, c expr.Comparison, it *surveys.Item, outcome string) {
	if it.Division == nil {
		return
	}
	i := slices.IndexFunc(s.lists, func(l *geo.List) bool { return l.ID == it.Division.List })
	if i < 0 {
		return
	}
	if _, ok := s.lists[i].Get(c.Text); ok && geo.Within(c.Text, it.Division.Within) {
		return
	}
	way := "use a code of " + it.Division.List
	if short := geo.Short(c.Text); short != c.Text {
		way = fmt.Sprintf("answers are kept without the zeros at the end: write %q", short)
	}
	s.within(u, c.Error(fmt.Sprintf("%q is no division that can be answered to %s, %s", shorten(c.Text), it.ID, outcome)), way)
}

// offered are the codes that the answer to a choice can have: its own options, and those
// that can be chosen where its options come from.
func (s *sense) offered(it *surveys.Item) (codes []string) {
	own := it
	for n := 0; it != nil && n < 20; n++ { // the form has no circles, and no longer chains
		for _, o := range it.Options {
			if it == own || !o.Exclusive && !surveys.Reserved(o.Code) {
				codes = append(codes, o.Code)
			}
		}
		if it.From == "" {
			break
		}
		it = s.items[it.From]
	}
	return codes
}

// within reports a fault in an expression, at its place in the file.
func (s *sense) within(u form.Use, e *expr.Error, way string) {
	path := s.paths(u)
	n, ok := s.at[path]
	if !ok {
		s.faultAt(path, e.Msg, way)
		return
	}
	at, _ := s.charOf(n, path, e)
	s.faultIn(at, path, e.Msg, way)
}

// charOf is the place of a fault in an expression that a scalar is, or has in it as ${…}.
func (l *linter) charOf(n *yaml.Node, path string, e *expr.Error) (at spot, piped bool) {
	start := 0
	if e.Source != "" && n.Value != e.Source {
		piped = true
		start = max(0, strings.Index(n.Value, "${"+e.Source+"}")+len("${"))
	}
	return l.inside(path, len([]rune(n.Value[:start]))+charAt(e.Source, e.Line, e.Col)), piped
}

// here are the answers that an expression uses and that are given on the page of an
// item, also through what is calculated of them.
func (s *sense) here(it *surveys.Item, names []string) (here []string) {
	for _, name := range names {
		if at := s.page[name]; name != it.ID && at > 0 && at == s.page[it.ID] {
			here = append(here, name)
		}
	}
	return here
}

// tooLate finds notes that depend on an answer of their page: when it is given, the
// person goes on to the next page. Where a question is asked under the same condition,
// the page comes back with both.
func (s *sense) tooLate(note *surveys.Item, u form.Use) {
	here := s.here(note, u.Program.Names())
	if len(here) == 0 || s.asked[conditionOf(s.page[note.ID], u)] {
		return
	}
	none := func(string) (expr.Value, bool) { return expr.Value{}, false }
	if v, err := u.Program.Eval(none); err == nil && v.Bool() {
		return // it is there before anything is answered
	}
	s.within(u, u.Program.ErrorAt(here[0], here[0]+" is answered on the page of this note: by then the person has gone on, and never sees it"),
		"begin a page at the note: page: true")
}

// tooEarly finds texts with an answer that is given on the same page: when the page is
// shown there is none yet. An item that depends on that answer is shown after it.
func (s *sense) tooEarly(it *surveys.Item, u form.Use) {
	for _, name := range s.here(it, u.Program.Names()) {
		if it.From == name || s.dependsOn(it, name) {
			continue
		}
		s.within(u, u.Program.ErrorAt(name, fmt.Sprintf("%s is answered on the same page, so the text shows … in place of ${%s}", name, shorten(strings.TrimSpace(u.Program.Source())))),
			s.newPage(it))
		return
	}
}

func (s *sense) newPage(it *surveys.Item) string {
	if it.Row != "" {
		return "begin a page at the grid: page: true"
	}
	return "begin a page at this item: page: true"
}

// dependsOn reports whether an item, or the grid whose row it is, is asked depending on
// an answer.
func (s *sense) dependsOn(it *surveys.Item, name string) bool {
	for _, id := range []string{it.ID, it.Row} {
		for _, u := range s.uses[id] {
			if id != "" && u.Field == "relevant" && slices.Contains(u.Program.Names(), name) {
				return true
			}
		}
	}
	return false
}
