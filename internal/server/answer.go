package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// What the buttons of a page do. A language button sends langAction and the language.
const (
	actionStart = "start"
	actionNext  = "next"
	actionBack  = "back"
	actionSend  = "send"
	langAction  = "lang:"
)

// run is an interview while one page of it is handled.
type run struct {
	wave    *wave
	session *form.Session
	state   state
}

// answer takes a page of the questionnaire and answers with the page that follows.
func (s *Server) answer(c echo.Context) error {
	w, err := s.openWave(c)
	if err != nil {
		return err
	}
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	if fields.Get("action") == actionStart {
		return s.beginOpen(c, w)
	}
	st, err := w.seal.Open(fields.Get("state"), s.deps.Now())
	if err != nil {
		return err
	}
	session, err := w.Form.Resume(st.Form)
	if err != nil {
		return err
	}
	r := &run{wave: w, session: session, state: st}
	if st.Form.Page == "" {
		return s.answerLast(c, r, fields.Get("action"))
	}
	return s.answerSection(c, r, fields)
}

// answerSection takes a page with a section.
func (s *Server) answerSection(c echo.Context, r *run, fields url.Values) error {
	r.session.Submit(answersIn(fields), s.deps.Now().Sub(r.state.Sealed))
	switch action := fields.Get("action"); {
	case action == actionNext:
		if problems := r.session.Next(); len(problems) > 0 {
			return s.draw(c, r, problems)
		}
		r.reached(s.deps.Now())
	case action == actionBack:
		r.back()
	default:
		if err := r.speak(action); err != nil {
			return err
		}
	}
	return s.draw(c, r, nil)
}

// answerLast takes the page that sends the answers.
func (s *Server) answerLast(c echo.Context, r *run, action string) error {
	switch action {
	case actionSend:
		return s.finish(c, r)
	case actionBack:
		r.back()
	default:
		if err := r.speak(action); err != nil {
			return err
		}
	}
	return s.draw(c, r, nil)
}

// finish hands the interview to the intake.
func (s *Server) finish(c echo.Context, r *run) error {
	result, problems := r.session.Finish()
	if len(problems) > 0 {
		r.session.Jump(problems[0].Item)
		return s.draw(c, r, problems)
	}
	body, err := json.Marshal(r.interview(result))
	if err != nil {
		return fmt.Errorf("writing the interview: %w", err)
	}
	receipt, err := s.deps.Intake.Accept(c.Request().Context(), body)
	switch {
	case errors.Is(err, surveys.ErrConflict):
		return err
	case err != nil: // whatever it is, the person can do nothing but try again
		s.deps.Log.ErrorContext(c.Request().Context(), "interview not accepted", "err", err)
		return s.drawSend(c, r, sendAgain)
	}
	return s.thank(c, r, receipt)
}

// interview is what a run gives in the end. It depends on the sealed state only,
// so the same page sent twice gives the same interview.
func (r *run) interview(result form.Result) surveys.Interview {
	return surveys.Interview{
		ID:       r.state.Interview,
		Survey:   r.wave.Questionnaire.ID,
		Version:  r.wave.version,
		Wave:     r.wave.ID,
		Case:     r.state.Case,
		Mode:     surveys.ModeWeb,
		Lang:     r.state.Lang,
		Started:  r.state.Started,
		Finished: r.state.Finished,
		Answers:  result.Answers,
		Booklet:  r.state.Form.Booklet,
		Paradata: result.Paradata,
	}
}

// reached notes when the page that sends the answers was reached.
func (r *run) reached(now time.Time) {
	if r.session.Save().Page == "" {
		r.state.Finished = moment(now)
	}
}

// back goes to the page before this one, if there is one.
func (r *run) back() {
	if r.session.Back() {
		r.state.Finished = time.Time{}
	}
}

// speak changes the language, when that is what the action says.
func (r *run) speak(action string) error {
	code, ok := strings.CutPrefix(action, langAction)
	if !ok || !slices.Contains(r.wave.languages, surveys.Lang(code)) {
		return fmt.Errorf("the page has no such button: %w", surveys.ErrInvalid)
	}
	r.state.Lang = surveys.Lang(code)
	return nil
}

// draw shows where the run is now, with what is wrong there.
func (s *Server) draw(c echo.Context, r *run, problems []form.Problem) error {
	if r.session.State().Page == nil {
		return s.drawSend(c, r, sendFirst)
	}
	return s.drawSection(c, r, problems)
}

// frameOf begins a page of the run: the answers sealed in it, sent to the wave's address.
func (s *Server) frameOf(r *run, enter string) (frame, error) {
	r.state.Form = r.session.Save()
	f := s.pages.frame(r.state.Lang)
	f.Survey = r.wave.Title.In(r.state.Lang)
	f.Action = inLanguage(r.wave.path(), r.state.Lang) + "#notice"
	f.Default = enter
	var err error
	if f.State, err = r.wave.seal.Seal(r.state, s.deps.Now()); err != nil {
		return f, err
	}
	f.Languages, err = s.pages.languageLinks(r.wave.languages, r.state.Lang, "")
	return f, err
}

// sendPage is web/pages/send: everything is answered, one button sends it.
type sendPage struct {
	frame
	Answered, Blank int
	// Trouble says why it could not be sent just now.
	Trouble string
}

// sendTry says which showing of the page that sends the answers this is.
type sendTry int

const (
	sendFirst sendTry = iota
	sendAgain         // it could not be accepted a moment ago
)

func (s *Server) drawSend(c echo.Context, r *run, try sendTry) error {
	f, err := s.frameOf(r, actionSend)
	if err != nil {
		return err
	}
	if f.Title, err = f.T("send.title"); err != nil {
		return err
	}
	p := sendPage{frame: f}
	p.Answered, p.Blank = r.count()
	status := http.StatusOK
	if try == sendAgain {
		status = http.StatusServiceUnavailable
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter)
		p.Failed = true
		if p.Trouble, err = f.T("send.trouble"); err != nil {
			return err
		}
	}
	return s.show(c, status, "send", p)
}

// count returns how many of the questions asked were answered and left blank.
func (r *run) count() (answered, blank int) {
	st := r.session.State()
	return st.Answered, st.Blank
}

// thanksPage is web/pages/thanks.
type thanksPage struct {
	frame
	Receipt string
}

func (s *Server) thank(c echo.Context, r *run, receipt intake.Receipt) error {
	f, err := s.pages.titled(r.state.Lang, "thanks.title")
	if err != nil {
		return err
	}
	f.Survey = r.wave.Title.In(r.state.Lang)
	return s.show(c, http.StatusOK, "thanks", thanksPage{frame: f, Receipt: receiptNumber(receipt)})
}

// receiptNumber is short enough to be written down: the place in the log, and the
// beginning of the hash of what was received, which cannot be guessed from it.
func receiptNumber(r intake.Receipt) string {
	return fmt.Sprintf("%d-%d-%.8s", r.Node, r.Seq, strings.ToUpper(r.SHA256))
}
