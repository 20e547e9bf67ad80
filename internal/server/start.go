package server

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
	"github.com/suyang-survey/suyang/surveys/form"
)

// startPage is web/pages/start: the statutory header, what the survey is about,
// and the consent that the button gives.
type startPage struct {
	frame
	startHeader
	// Parts and Questions are how many there can be at most.
	Parts, Questions int
	// Paper is the address of the questionnaire for printing.
	Paper string
	// Begun says that the interview is under way.
	Begun bool
}

// startHeader is the statutory header and what the survey is about.
type startHeader struct {
	FormNumber, Issuer, Approval, ValidUntil string
	// Trial says that the form is a trial and nothing else on the page says so.
	Trial   bool
	Consent []string // paragraphs
}

func headerOf(q *surveys.Questionnaire, l surveys.Lang) startHeader {
	return startHeader{
		FormNumber: q.Statutory.FormNumber,
		Issuer:     q.Statutory.Issuer.In(l),
		Approval:   q.Statutory.Approval.In(l),
		ValidUntil: q.Statutory.ValidUntil,
		Trial:      q.Statutory.Trial && q.Statutory.Approval.In(l) == "",
		Consent:    strings.FieldsFunc(q.Consent.In(l), func(r rune) bool { return r == '\n' }),
	}
}

// wave returns the wave in the address.
func (s *Server) wave(c echo.Context) (*wave, error) {
	w := s.waves()[c.Param("wave")]
	if w == nil {
		return nil, fmt.Errorf("wave: %w", surveys.ErrNotFound)
	}
	return w, nil
}

// door is how an interview is begun: a wave's own address, a personal link or an open
// link.
type door struct {
	wave *wave
	path string
	// caseID and interview belong to a personal link, link to an open one.
	caseID, interview, link string
	// mode is how the interview is done, "" by the person themselves; revision is that of
	// the interview, above 0 when it was accepted before and sent back.
	mode     surveys.Mode
	revision uint32
	// begun says that the interview of a personal link is under way.
	begun bool
}

// waveDoor is the door of a wave's own address.
func (s *Server) waveDoor(c echo.Context) (door, error) {
	w, err := s.wave(c)
	if err != nil {
		return door{}, err
	}
	if w.LinksOnly {
		return door{}, errLinksOnly
	}
	return door{wave: w, path: w.path()}, w.mustBeOpen(s.deps.Now())
}

// caseDoor is the door of a personal link.
func (s *Server) caseDoor(c echo.Context) (door, error) {
	w, caseID, err := s.caseOf(c.Request().Context(), c.Param("token"))
	if err != nil {
		return door{}, err
	}
	d := door{wave: w, path: "/i/" + c.Param("token"), caseID: caseID, interview: s.links.interviewID(w.ID, caseID)}
	draft, err := s.deps.Drafts.Get(c.Request().Context(), d.interview)
	switch {
	case errors.Is(err, surveys.ErrNotFound):
	case err != nil:
		return door{}, err
	case draft.State == drafts.Finished:
		return door{}, errAnswered
	default:
		d.begun = true
	}
	return d, w.mustBeOpen(s.deps.Now())
}

// openDoor is the door of an open link.
func (s *Server) openDoor(c echo.Context) (door, error) {
	l, err := s.deps.Drafts.OpenLink(c.Request().Context(), c.Param("token"))
	if errors.Is(err, surveys.ErrNotFound) {
		return door{}, errLink
	}
	if err != nil {
		return door{}, err
	}
	w := s.waves()[l.Wave]
	if w == nil {
		return door{}, errLink
	}
	if !l.Takes(s.deps.Now()) {
		return door{}, errLinkClosed
	}
	return door{wave: w, path: "/o/" + c.Param("token"), link: l.Name}, w.mustBeOpen(s.deps.Now())
}

// start shows the first page behind a door.
func (s *Server) start(find func(echo.Context) (door, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		d, err := find(c)
		if err != nil {
			return err
		}
		return s.showStart(c, d)
	}
}

// begin begins the interview behind a door, or takes up the one of a personal link.
func (s *Server) begin(find func(echo.Context) (door, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		d, err := find(c)
		if err != nil {
			return err
		}
		fields, err := readFields(c)
		if err != nil {
			return err
		}
		if fields.Get("action") != actionStart {
			return fmt.Errorf("the first page can only be started: %w", surveys.ErrInvalid)
		}
		if d.begun {
			return s.goOn(c, d.interview)
		}
		return s.beginNew(c, d)
	}
}

// beginNew begins an interview with the newest version of the questionnaire.
func (s *Server) beginNew(c echo.Context, d door) error {
	if err := s.load.mayStart(); err != nil {
		return err
	}
	if d.interview == "" {
		id, err := uuid.NewRandom()
		if err != nil {
			return fmt.Errorf("making an interview's ID: %w", err)
		}
		d.interview = id.String()
	}
	session, err := d.wave.Form.Start(startOf(d.wave, d.caseID, d.interview))
	if err != nil {
		return err
	}
	now := s.deps.Now()
	draft := drafts.Draft{Interview: d.interview, Wave: d.wave.ID, Version: d.wave.version, Link: d.link, Updated: now}
	r := &run{wave: d.wave, draft: &draft, session: session, state: state{Case: d.caseID, Mode: d.mode, Revision: d.revision, Lang: asked(c, d.wave.languages), Started: moment(now)}}
	if err := r.put(); err != nil {
		return err
	}
	token, err := s.deps.Drafts.Begin(c.Request().Context(), draft)
	switch {
	case errors.Is(err, surveys.ErrConflict): // begun in two windows at the same moment
		return s.goOn(c, d.interview)
	case errors.Is(err, surveys.ErrClosed):
		return errLinkClosed
	case err != nil:
		return err
	}
	return s.lead(c, token, r)
}

func (s *Server) showStart(c echo.Context, d door) error {
	w, path := d.wave, d.path
	l := asked(c, w.languages)
	f := s.pages.frame(l)
	f.Title = w.Title.In(l)
	f.Action = inLanguage(path, l)
	var err error
	if f.Languages, err = s.pages.languageLinks(w.languages, l, path); err != nil {
		return err
	}
	q := w.Questionnaire
	p := startPage{
		frame:       f,
		startHeader: headerOf(q, l),
		Paper:       inLanguage(path+"/paper", l),
		Begun:       d.begun,
	}
	if p.Parts, p.Questions, err = d.atMost(); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "start", p)
}

// atMost is how many sections and questions one person can be asked: those of the case's
// booklet, or of the longest.
func (d door) atMost() (parts, questions int, err error) {
	q := d.wave.Questionnaire
	booklets := []string{""}
	if d.caseID != "" {
		booklets = []string{startOf(d.wave, d.caseID, d.interview).Booklet}
	} else if len(q.Booklets) > 0 {
		booklets = nil
		for _, b := range q.Booklets {
			booklets = append(booklets, b.ID)
		}
	}
	for _, booklet := range booklets {
		out, err := d.wave.leftOut(booklet)
		if err != nil {
			return 0, 0, err
		}
		p, n := 0, 0
		for _, section := range q.Sections {
			if asked := countQuestions(section.Items, out); asked > 0 {
				p, n = p+1, n+asked
			}
		}
		parts, questions = max(parts, p), max(questions, n)
	}
	return parts, questions, nil
}

// countQuestions counts what a person answers at most.
func countQuestions(items []surveys.Item, out map[string]bool) (n int) {
	for _, item := range items {
		switch {
		case out[item.ID], item.Type == surveys.Note, item.Type == surveys.Calculate:
			continue
		case item.Type != surveys.Grid:
			n++
		}
		within := countQuestions(item.Items, out)
		if item.Most > 0 && item.Type == surveys.Roster {
			within *= item.Most
		}
		n += within
	}
	return n
}

// startOf gives an interview the booklet of its case, or draws one from its ID, and draws
// the seed from its ID, so that starting it again gives the same ones.
func startOf(w *wave, caseID, interviewID string) form.Start {
	sum := sha256.Sum256([]byte("start " + interviewID))
	o := form.Start{Seed: max(1, binary.BigEndian.Uint32(sum[:4])), Booklet: w.Booklets[caseID]}
	if o.Booklet == "" {
		o.Booklet = bank.Pick(interviewID, w.Questionnaire.Booklets)
	}
	return o
}

// moment is a time as interviews record it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
