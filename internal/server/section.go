package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

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
	Items      []itemView
	Problems   []problemView
	// Added says that nothing is wrong, but the answers have brought more questions.
	Added bool
	Back  bool
}

// problemView is a line of the list of errors; Target is the field it leads to.
type problemView struct{ Target, Question, Message string }

func (s *Server) drawSection(c echo.Context, r *run, problems []form.Problem) error {
	f, err := s.frameOf(r, actionNext)
	if err != nil {
		return err
	}
	st := r.session.State()
	section := st.Sections[slices.IndexFunc(st.Sections, func(x form.SectionState) bool { return x.Section == st.Page.Section })]
	f.Title = r.session.Text(section.Section.Title, f.lang, st.Page.ID)
	p := sectionPage{frame: f, Number: section.Position, Back: st.Page.Back}
	if st.Page.First {
		p.Intro = r.session.Text(section.Section.Intro, f.lang, st.Page.ID)
	}
	p.Of, p.AtMost = ahead(st, &section)
	if onlyAdded(problems) {
		p.Added, problems = true, nil
	}
	if err := p.list(r, st.Page.Items, problems); err != nil {
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

// list adds the items that are asked and the problems, each to its item and all to
// the list on top.
func (p *sectionPage) list(r *run, items []form.ItemState, problems []form.Problem) error {
	p.Failed = len(problems) > 0
	messages := map[string][]string{}
	for _, problem := range problems {
		message, err := p.message(r, problem)
		if err != nil {
			return err
		}
		messages[problem.Item] = append(messages[problem.Item], message)
	}
	for _, item := range items {
		if !item.Relevant {
			continue
		}
		v := newItemView(r, item, messages[item.Key], p.lang)
		p.Items = append(p.Items, v)
		p.Problems = append(p.Problems, listed(v.ID, v.Text, messages[item.Key])...)
		delete(messages, item.Key)
	}
	for _, rest := range messages { // what no question on the page can show
		p.Problems = append(p.Problems, listed("main", "", rest)...)
	}
	return nil
}

// listed are the lines on top for the messages of one question.
func listed(target, question string, messages []string) (lines []problemView) {
	for _, m := range messages {
		lines = append(lines, problemView{Target: target, Question: question, Message: m})
	}
	return lines
}

// message says in words what is wrong: the questionnaire's own words first.
func (p *sectionPage) message(r *run, problem form.Problem) (string, error) {
	if own := r.session.Text(problem.Message, p.lang, problem.Item); own != "" {
		return own, nil
	}
	key := "rule." + string(problem.Code)
	if problem.Code == form.TooManyDecimals && problem.Limit == 0 {
		key += ".none"
	}
	return p.T(key, "max", problem.Limit)
}

// itemView is an item as the template draws it, in one language.
type itemView struct {
	// ID is the HTML id of the first field, where the list of errors leads to; Name
	// is the name of its fields.
	ID, Name string
	Type     surveys.ItemType
	Text     string
	Hint     string
	// Figure is the address of the picture, Alt says what it shows.
	Figure, Alt string
	Required    bool
	// Choices says that there are Options, Control is their kind; Short options
	// stand side by side.
	Choices, Short bool
	Control        string
	Options        []optionView
	// Field says that there is a field to type in, with Typed in it.
	Field       bool
	Typed, Unit string
	InputMode   string
	Errors      []string
	DescribedBy string
}

// optionView is one option; Apart sets "don't know" and "refused" off from the answers.
type optionView struct {
	ID, Code, Text string
	Chosen, Apart  bool
}

func newItemView(r *run, state form.ItemState, errors []string, l surveys.Lang) itemView {
	item := state.Item
	v := itemView{
		ID:       "i-" + strings.ReplaceAll(state.Key, "#", "-"),
		Name:     answerPrefix + state.Key,
		Type:     item.Type,
		Text:     r.session.Text(item.Text, l, state.Key),
		Hint:     r.session.Text(item.Hint, l, state.Key),
		Required: item.Required,
		Choices:  len(item.Options) > 0,
		Field:    item.Type == surveys.Number || item.Type == surveys.ShortText,
		Unit:     item.Unit.In(l),
		Errors:   errors,
	}
	if item.Figure != nil {
		v.Figure = r.wave.path() + "/figure/" + item.ID + "?v=" + url.QueryEscape(r.wave.version)
		v.Alt = item.Figure.Alt.In(l)
	}
	v.describe()
	v.options(r, state, l)
	v.field(item, state.Values)
	return v
}

// describe names the hint and the errors as the description of the fields.
func (v *itemView) describe() {
	if v.Hint != "" {
		v.DescribedBy = v.ID + "-hint"
	}
	if len(v.Errors) > 0 {
		if v.DescribedBy != "" {
			v.DescribedBy += " "
		}
		v.DescribedBy += v.ID + "-error"
	}
}

// options adds the options. "Don't know" beside a field is a box that can be
// unticked, since without script a radio button alone cannot.
func (v *itemView) options(r *run, state form.ItemState, l surveys.Lang) {
	v.Control = "checkbox"
	if state.Item.Type.OneOf() {
		v.Control = "radio"
	}
	answers := 0 // beside "don't know" and "refused"
	v.Short = true
	for i, o := range state.Options {
		view := optionView{
			ID:     v.ID + "-" + o.Code,
			Code:   o.Code,
			Text:   r.session.Text(o.Text, l, state.Key),
			Chosen: slices.Contains(state.Values, o.Code),
			Apart:  o.Code == surveys.DontKnow || o.Code == surveys.Refused,
		}
		if i == 0 && !v.Field {
			view.ID = v.ID
		}
		if !view.Apart {
			answers++
		}
		v.Short = v.Short && answers <= shortAnswers && breadth(view.Text) <= shortBreadth
		v.Options = append(v.Options, view)
	}
}

// field fills the field with what was typed.
func (v *itemView) field(item *surveys.Item, values []string) {
	for _, value := range values {
		if v.Field && !slices.ContainsFunc(item.Options, func(o surveys.Option) bool { return o.Code == value }) {
			v.Typed = value
			break
		}
	}
	switch {
	case item.Type == surveys.Number && item.Decimals > 0:
		v.InputMode = "decimal"
	case item.Type == surveys.Number:
		v.InputMode = "numeric"
	}
}

// Options stand side by side when they fit beside two others on a phone. A scale
// of more answers always runs down the page: broken over two lines, its middle
// would be read as something else.
const (
	shortBreadth = 12
	shortAnswers = 3
)

// breadth measures a text in Latin letters; a Chinese character is as broad as two.
func breadth(text string) (n int) {
	for _, r := range text {
		n++
		if r >= 0x2e80 {
			n++
		}
	}
	return n
}
