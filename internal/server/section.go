package server

import (
	"html/template"
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// sectionPage is web/pages/section.
type sectionPage struct {
	frame
	Intro string
	// Number and Of say where the section is among those that are asked; AtMost says
	// that answers on this page may make them fewer.
	Number, Of int
	AtMost     bool
	// Percent is the share of the questions asked so far that were passed.
	Percent int
	// Person is the row of a roster that the page is about; 0 outside.
	Person   int
	Items    []template.HTML
	Problems []problemView
	// Doubts says that all problems only ask to look again.
	Doubts bool
	// Added says that nothing is wrong, but the answers have brought more questions.
	Added bool
	Back  bool
}

// problemView is a line of the list of problems; Target is the field it leads to.
type problemView struct {
	Target, Question, Message string
	Soft                      bool
}

func (s *Server) drawSection(c echo.Context, r *run, problems []form.Problem) error {
	f, err := s.frameOf(r, actionNext)
	if err != nil {
		return err
	}
	st := r.session.State()
	section := st.Sections[slices.IndexFunc(st.Sections, func(x form.SectionState) bool { return x.Section == st.Page.Section })]
	say := func(t surveys.Text) string { return r.session.Text(t, f.lang, st.Page.ID) }
	f.Title = say(section.Section.Title)
	p := sectionPage{frame: f, Number: section.Position, Percent: int(100 * st.Progress), Person: st.Page.Row, Back: st.Page.Back}
	if st.Page.First {
		p.Intro = say(section.Section.Intro)
	}
	p.Of, p.AtMost = ahead(st, &section)
	passed := p.Number // a page that was sent and refused is not passed
	if st.Page.First {
		passed--
	}
	p.Percent = min(p.Percent, 100*passed/max(p.Of, 1))
	if onlyAdded(problems) {
		p.Added, problems = true, nil
	}
	d := &drawing{frame: p.frame, run: r, template: s.pages.templates[f.lang]["section"], problems: map[string][]problemView{}}
	if err := p.fill(d, st.Page.Items, problems); err != nil {
		return err
	}
	status := http.StatusOK
	if p.Failed {
		status = http.StatusUnprocessableEntity
	}
	return s.show(c, status, "section", p)
}

// ahead returns how many sections there are to answer. Until the section on the
// page is answered, nobody knows which of the later ones will be asked: then it is
// the number of all of them.
func ahead(st *form.State, current *form.SectionState) (of int, atMost bool) {
	of = current.Position
	for i := len(st.Sections) - 1; st.Sections[i].Section != current.Section; i-- {
		relevant := st.Sections[i].Relevant
		if relevant || !current.Complete {
			of++
		}
		atMost = atMost || !relevant && !current.Complete
	}
	return of, atMost
}

// onlyAdded reports whether all there is are questions the person has not seen yet.
func onlyAdded(problems []form.Problem) bool {
	return len(problems) > 0 && !slices.ContainsFunc(problems, func(p form.Problem) bool { return p.Code != form.Missing })
}

// fill adds the items that are asked and the problems, each to its item and all to
// the list on top.
func (p *sectionPage) fill(d *drawing, items []form.ItemState, problems []form.Problem) error {
	p.Doubts = len(problems) > 0
	for _, problem := range problems {
		message, err := problemWords(d.run, p.frame, problem)
		if err != nil {
			return err
		}
		// A region that is half chosen is no mistake: its next level is on the page now. Nor
		// is a question that the answers have brought.
		mild := problem.Soft || problem.Code == form.Unfinished || problem.Code == form.Missing
		p.Failed = p.Failed || !mild
		p.Doubts = p.Doubts && problem.Soft
		d.problems[problem.Item] = append(d.problems[problem.Item], problemView{Message: message, Soft: mild})
	}
	var err error
	if p.Items, err = d.items(items); err != nil {
		return err
	}
	if len(problems) == 0 {
		return nil
	}
	for _, item := range items {
		p.list(htmlID(item.Key), d.say(item.Item.Text, item.Key), d.problems[item.Key])
		delete(d.problems, item.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(d.problems)) { // what no question on the page can show
		p.list("main", "", d.problems[key])
	}
	return nil
}

// list adds the problems of one question to the list on top.
func (p *sectionPage) list(target, question string, problems []problemView) {
	for _, line := range problems {
		line.Target, line.Question = target, question
		p.Problems = append(p.Problems, line)
	}
}

// problemWords says in words what is wrong: the questionnaire's own words first.
func problemWords(r *run, f frame, problem form.Problem) (string, error) {
	if own := r.session.Text(problem.Message, f.lang, problem.Item); own != "" {
		return own, nil
	}
	key := "rule." + string(problem.Code)
	if problem.Code == form.TooManyDecimals && problem.Limit == 0 {
		key += ".none"
	}
	return f.T(key, "max", problem.Limit)
}
