package server

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// startPage is web/pages/start: the statutory header, what the survey is about,
// and the consent that the button gives.
type startPage struct {
	frame
	FormNumber, Issuer, Approval, ValidUntil string
	// Trial says that the form is a trial and nothing else on the page says so.
	Trial   bool
	Consent []string // paragraphs
	// Parts and Questions are how many there can be at most, Days how long a page
	// stays valid.
	Parts, Questions, Days int
}

// wave returns the wave in the address.
func (s *Server) wave(c echo.Context) (*wave, error) {
	w := s.waves[c.Param("wave")]
	if w == nil {
		return nil, fmt.Errorf("wave: %w", surveys.ErrNotFound)
	}
	return w, nil
}

// openWave is wave, but only when it takes answers.
func (s *Server) openWave(c echo.Context) (*wave, error) {
	w, err := s.wave(c)
	if err == nil && !w.open(s.deps.Now()) {
		err = fmt.Errorf("wave: %w", surveys.ErrClosed)
	}
	return w, err
}

// caseOf returns the wave and the case of the personal link in the address.
func (s *Server) caseOf(c echo.Context) (*wave, string, error) {
	w, caseID, ok := s.links.open(c.Param("token"), s.order)
	if !ok {
		return nil, "", errLink
	}
	if !w.open(s.deps.Now()) {
		return nil, "", fmt.Errorf("wave: %w", surveys.ErrClosed)
	}
	return w, caseID, nil
}

// start shows the first page of an open link.
func (s *Server) start(c echo.Context) error {
	w, err := s.openWave(c)
	if err != nil {
		return err
	}
	return s.showStart(c, w, w.path())
}

// startCase shows the first page of a personal link.
func (s *Server) startCase(c echo.Context) error {
	w, _, err := s.caseOf(c)
	if err != nil {
		return err
	}
	return s.showStart(c, w, "/i/"+c.Param("token"))
}

func (s *Server) showStart(c echo.Context, w *wave, path string) error {
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
		frame:      f,
		FormNumber: q.Statutory.FormNumber,
		Issuer:     q.Statutory.Issuer.In(l),
		Approval:   q.Statutory.Approval.In(l),
		ValidUntil: q.Statutory.ValidUntil,
		Trial:      q.Statutory.Trial && q.Statutory.Approval.In(l) == "",
		Consent:    strings.FieldsFunc(q.Consent.In(l), func(r rune) bool { return r == '\n' }),
		Parts:      len(q.Sections),
		Days:       int(s.cfg.PageLife / (24 * time.Hour)),
	}
	for item := range q.Items {
		if item.Type != surveys.Note {
			p.Questions++
		}
	}
	return s.show(c, http.StatusOK, "start", p)
}

// beginCase begins the interview of a personal link.
func (s *Server) beginCase(c echo.Context) error {
	w, caseID, err := s.caseOf(c)
	if err != nil {
		return err
	}
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	if fields.Get("action") != "start" {
		return fmt.Errorf("the first page can only be started: %w", surveys.ErrInvalid)
	}
	return s.begin(c, w, caseID, s.links.interviewID(w.ID, caseID))
}

// beginOpen begins an interview of an open link.
func (s *Server) beginOpen(c echo.Context, w *wave) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("making an interview's ID: %w", err)
	}
	return s.begin(c, w, "", id.String())
}

func (s *Server) begin(c echo.Context, w *wave, caseID, interviewID string) error {
	session, err := w.Form.Start(startOf(w.Questionnaire, interviewID))
	if err != nil {
		return err
	}
	r := &run{wave: w, session: session, state: state{
		Interview: interviewID,
		Case:      caseID,
		Lang:      asked(c, w.languages),
		Started:   moment(s.deps.Now()),
	}}
	r.reached(s.deps.Now())
	return s.draw(c, r, nil)
}

// startOf draws the booklet and the seed of an interview from its ID, so that starting
// it again gives the same ones.
func startOf(q *surveys.Questionnaire, interviewID string) form.Start {
	sum := sha256.Sum256([]byte("start " + interviewID))
	o := form.Start{Seed: max(1, binary.BigEndian.Uint32(sum[:4]))}
	u := float64(binary.BigEndian.Uint64(sum[8:])>>11) / (1 << 53)
	for _, b := range q.Booklets {
		o.Booklet = b.ID
		if u -= b.Share; u < 0 {
			break
		}
	}
	return o
}

// moment is a time as interviews record it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
