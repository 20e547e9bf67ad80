package server

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// What the buttons of a page do. A button for the language or the size of type sends
// the name of the field in the address, a colon and the value.
const (
	actionStart = "start"
	actionNext  = "next"
	actionBack  = "back"
	actionSend  = "send"
	actionSave  = "save"  // keeps the answers and answers with nothing; a script sends it
	actionLater = "later" // shows how to go on another time
	langAction  = "lang:"
	typeAction  = "type:"
)

// atEnd is the page that sends the answers, in an address.
const atEnd = "-"

// place is where a page that was sent leads: an address of the same interview.
type place struct {
	page string
	// check shows what is wrong there, failed that sending failed, later the code.
	check, failed, later bool
}

// answer takes a page and leads to the one that follows. A page sets the answers to its
// own questions and no others, so it may be sent again, late, or beside another window.
func (s *Server) answer(c echo.Context) error {
	interview, err := s.interviewOf(c) // first: who has no token costs nothing more
	if err != nil {
		return err
	}
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	from, err := readMark(fields.Get("state"), s.deps.Now())
	if err != nil {
		return err
	}
	ctx, action := c.Request().Context(), fields.Get("action")
	var to place
	var lang surveys.Lang
	var there *run // as it is kept now
	err = s.change(ctx, interview, func(r *run) error {
		there = nil
		r.hear(c)
		lang = r.state.Lang
		if r.draft.State == drafts.Finished {
			return errUnchanged
		}
		if err := r.open(s.deps.Now()); err != nil {
			return err
		}
		to, err = s.step(r, from, action, answersIn(fields))
		lang, there = r.state.Lang, r
		return err
	})
	switch {
	case errors.Is(err, surveys.ErrNotFound):
		return errDraft
	case err != nil && !errors.Is(err, errUnchanged):
		return err
	case action == actionSave:
		return c.NoContent(http.StatusNoContent)
	}
	if action == actionSend && !to.check {
		if err := s.deliver(ctx, interview); err != nil {
			// Whatever it is, the person can do nothing but wait; it will be tried again.
			s.deps.Log.ErrorContext(ctx, "interview not accepted yet", "err", err)
			to = place{page: atEnd, failed: true}
		}
		there = nil
	}
	return s.follow(c, there, to, to.address("/a/"+c.Param("token"), lang, sizeOf(c, action)))
}

// follow leads to a place. A script that prefers it (RFC 7240) gets the page at once,
// and its address with it: on a slow network the second request would take as long
// again as the first. What is there is read again unless the caller has it.
func (s *Server) follow(c echo.Context, there *run, to place, address string) error {
	if c.Request().Header.Get("Prefer") != "return=representation" {
		return c.Redirect(http.StatusSeeOther, address)
	}
	_, query, _ := strings.Cut(address, "?")
	asked, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("an address of our own: %w", err)
	}
	here := c.QueryParams()
	clear(here)
	maps.Copy(here, asked)
	c.Response().Header().Set("Content-Location", address)
	switch {
	case to.later:
		return s.later(c)
	case there == nil:
		return s.page(c)
	}
	there.path = "/a/" + c.Param("token")
	defer there.leave()
	return s.drawRun(c, there)
}

// address of a place; size is that of the type, where it is not the normal one.
func (p place) address(path string, l surveys.Lang, size string) string {
	if p.later {
		path += "/later"
	}
	q := "?lang=" + url.QueryEscape(string(l))
	if p.page != "" {
		q += "&page=" + url.QueryEscape(p.page)
	}
	if p.check {
		q += "&check=1"
	}
	if p.failed {
		q += "&failed=1"
	}
	if size != "" {
		q += "&type=" + url.QueryEscape(size)
	}
	return path + q
}

// sizeOf returns the size of type that a button or the address asks for, or "".
func sizeOf(c echo.Context, action string) string {
	size, pressed := strings.CutPrefix(action, typeAction)
	if !pressed {
		size = c.QueryParam(typeField)
	}
	if size != largeType {
		return ""
	}
	return size
}

// step does what a button of a page says, after it has set what the page sent.
func (s *Server) step(r *run, from sent, action string, answers map[string][]string) (place, error) {
	code, lang := strings.CutPrefix(action, langAction)
	lang = lang && slices.Contains(r.wave.languages, surveys.Lang(code))
	if !lang && !strings.HasPrefix(action, typeAction) && !slices.Contains(buttons, action) || action == actionSend && from.page != "" {
		return place{}, fmt.Errorf("the page has no such button: %w", surveys.ErrInvalid)
	}
	if action == actionSend && r.draft.State == drafts.Sending {
		return place{}, errUnchanged
	}
	r.touched(s.deps.Now())
	if lang {
		r.state.Lang = surveys.Lang(code)
	}
	switch {
	case from.page == "" && action == actionSend:
		return s.sending(r), nil
	case from.page == "" && r.session.Page() != "": // another window went back
		return r.here(), nil
	case from.page != "" && !r.session.Jump(from.page): // another window made the page one that is not asked
		r.keep(from, answers)
		return r.here(), nil
	}
	switch action {
	case actionNext, actionBack:
		for _, key := range from.shown {
			if _, ok := answers[key]; !ok {
				answers[key] = nil // left blank
			}
		}
		r.session.Submit(from.page, answers, from.took)
	case actionSave: // the page stays, and is sent once more with all its time
		r.keep(sent{page: from.page, shown: from.shown}, answers)
	default:
		r.keep(from, answers)
	}
	switch action {
	case actionNext:
		to := place{check: len(r.session.Next()) > 0}
		to.page = r.here().page
		return to, nil
	case actionBack:
		r.session.Back()
	case actionLater:
		return place{page: r.here().page, later: true}, nil
	}
	return r.here(), nil
}

// buttons are those that have no value of their own.
var buttons = []string{actionNext, actionBack, actionSend, actionSave, actionLater}

// here is where the run is now.
func (r *run) here() place {
	if page := r.session.Page(); page != "" {
		return place{page: page}
	}
	return place{page: atEnd}
}

// keep sets what was answered on a page so far. What is still blank was not left blank:
// the person has not gone on yet. But an answer that was taken back is.
func (r *run) keep(from sent, answers map[string][]string) {
	kept := map[string][]string{}
	for key, values := range answers {
		if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) != "" }) {
			kept[key] = values
		}
	}
	for _, key := range from.shown {
		if _, ok := kept[key]; !ok && len(r.session.Values(key)) > 0 {
			kept[key] = answers[key]
		}
	}
	r.session.Submit(from.page, kept, from.took)
}

// sending makes the interview one that the intake gets, if nothing is wrong with it.
func (s *Server) sending(r *run) place {
	if _, problems := r.session.Finish(); len(problems) > 0 {
		for _, p := range problems { // the first that a page shows
			if r.session.Jump(p.Item) {
				break
			}
		}
		return place{page: r.here().page, check: true}
	}
	r.draft.State, r.state.Finished = drafts.Sending, moment(s.deps.Now())
	if r.state.Finished.Before(r.state.Started) { // the clock was set back
		r.state.Finished = r.state.Started
	}
	return place{}
}

// page shows where an interview is, or another page of it that was reached.
func (s *Server) page(c echo.Context) error {
	r, err := s.read(c)
	if err != nil {
		return err
	}
	return s.drawRun(c, r)
}

// drawRun draws a run where the address says.
func (s *Server) drawRun(c echo.Context, r *run) error {
	if r.draft.State == drafts.Finished {
		return s.thank(c, r)
	}
	if page := c.QueryParam("page"); page != "" && page != atEnd {
		r.session.Jump(page)
	}
	if r.session.Page() == "" {
		return s.drawSend(c, r)
	}
	var problems []form.Problem
	if c.QueryParam("check") != "" {
		problems = r.wrong()
	}
	return s.drawSection(c, r, problems)
}

// wrong is what is wrong on the page, with the soft checks that were shown before.
func (r *run) wrong() []form.Problem {
	saved := r.session.Save()
	saved.Warned = nil
	again, err := r.wave.Form.Resume(saved)
	if err != nil {
		return nil // it was resumed a moment ago
	}
	return again.Check()
}

// frameOf begins a page of the run.
func (s *Server) frameOf(r *run, enter string) (frame, error) {
	f := s.pages.frame(r.state.Lang)
	f.Survey = r.wave.Title.In(r.state.Lang)
	f.Action = inLanguage(r.path, r.state.Lang) + "#notice"
	f.Default = enter
	f.State = mark(r.session.Page(), r.session.Shown(), s.deps.Now())
	var err error
	f.Languages, err = s.pages.languageLinks(r.wave.languages, r.state.Lang, "")
	return f, err
}

// sendPage is web/pages/send: everything is answered, one button sends it.
type sendPage struct {
	frame
	Answered, Blank int
	// Trouble says why it could not be sent just now.
	Trouble string
	// Problems are what keeps it from being sent and no page shows.
	Problems []string
}

func (s *Server) drawSend(c echo.Context, r *run) error {
	f, err := s.frameOf(r, actionSend)
	if err != nil {
		return err
	}
	if f.Title, err = f.T("send.title"); err != nil {
		return err
	}
	p := sendPage{frame: f}
	st := r.session.State()
	p.Answered, p.Blank = st.Answered, st.Blank
	status := http.StatusOK
	if r.draft.State == drafts.Sending && c.QueryParam("failed") != "" {
		status = http.StatusServiceUnavailable
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter())
		p.Failed = true
		if p.Trouble, err = f.T("send.trouble"); err != nil {
			return err
		}
	}
	if c.QueryParam("check") != "" {
		if p.Problems, err = unplaced(r, f); err != nil {
			return err
		}
		if p.Failed = len(p.Problems) > 0; p.Failed {
			status = http.StatusUnprocessableEntity
		}
	}
	return s.show(c, status, "send", p)
}

// unplaced says in words what keeps an interview from being finished.
func unplaced(r *run, f frame) (lines []string, err error) {
	_, problems := r.session.Finish()
	for _, problem := range problems {
		words, err := problemWords(r, f, problem)
		if err != nil {
			return nil, err
		}
		if item := r.wave.Questionnaire.Item(problem.Item); item != nil {
			words = r.session.Text(item.Text, f.lang, problem.Item) + " " + words
		}
		lines = append(lines, words)
	}
	return lines, nil
}

// thanksPage is web/pages/thanks.
type thanksPage struct {
	frame
	Receipt string
}

func (s *Server) thank(c echo.Context, r *run) error {
	if r.state.Receipt == "" {
		return fmt.Errorf("the interview was accepted in another way: %w", surveys.ErrConflict)
	}
	f, err := s.pages.titled(r.state.Lang, "thanks.title")
	if err != nil {
		return err
	}
	f.Survey = r.wave.Title.In(r.state.Lang)
	return s.show(c, http.StatusOK, "thanks", thanksPage{frame: f, Receipt: r.state.Receipt})
}

// receiptNumber is short enough to be written down: the place in the log, and the
// beginning of the hash of what was received, which cannot be guessed from it.
func receiptNumber(r intake.Receipt) string {
	return fmt.Sprintf("%d-%d-%.8s", r.Node, r.Seq, strings.ToUpper(r.SHA256))
}
