package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/surveys"
)

// laterPage is web/pages/later: how to go on another time, or on another device.
type laterPage struct {
	frame
	Code, Link string
	// Resume is the address where the code is typed.
	Resume string
	// Back is the address of the page to go on with.
	Back string
}

// later shows the resume code and link of an interview.
func (s *Server) later(c echo.Context) error {
	r, err := s.read(c)
	if err != nil {
		return err
	}
	if r.draft.State == drafts.Finished {
		return s.thank(c, r)
	}
	how, err := s.deps.Drafts.Resume(c.Request().Context(), r.draft.Interview)
	if err != nil {
		return err
	}
	f, err := s.pages.titled(r.state.Lang, "later.title")
	if err != nil {
		return err
	}
	f.Survey = r.wave.Title.In(r.state.Lang)
	f.Action = inLanguage(r.path+"/later", r.state.Lang)
	back := place{page: c.QueryParam("page")}.address(r.path, r.state.Lang, sizeOf(c, ""))
	if f.Languages, err = s.pages.languageLinks(r.wave.languages, r.state.Lang, r.path+"/later"); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "later", laterPage{frame: f, Code: how.Code, Resume: s.outside(c) + "/r", Link: s.outside(c) + "/r/" + how.Link, Back: back})
}

// renew replaces the resume code and link of an interview.
func (s *Server) renew(c echo.Context) error {
	r, err := s.read(c)
	if err != nil {
		return err
	}
	if r.draft.State != drafts.Finished {
		if _, err := s.deps.Drafts.Renew(c.Request().Context(), r.draft.Interview); err != nil {
			return err
		}
	}
	return c.Redirect(http.StatusSeeOther, place{later: true}.address(r.path, r.state.Lang, sizeOf(c, "")))
}

// outside is the address of the server as the person sees it.
func (s *Server) outside(c echo.Context) string {
	scheme := "http"
	if s.cfg.HTTPS || c.Request().TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.Request().Host
}

// resumePage is web/pages/resume: where a code is typed, or a link is followed.
type resumePage struct {
	frame
	// Code says that a code is to be typed; Wrong says what was wrong with it.
	Code  bool
	Wrong string
}

// resumeCode shows the page where a code is typed.
func (s *Server) resumeCode(c echo.Context) error { return s.drawResume(c, true, "", http.StatusOK) }

// resumeLink shows a page with one button, since programs that look at a link in
// advance must not take up the interview.
func (s *Server) resumeLink(c echo.Context) error {
	if _, err := s.deps.Drafts.ByLink(c.Request().Context(), c.Param("link")); err != nil {
		return resumeError(err)
	}
	return s.drawResume(c, false, "", http.StatusOK)
}

func (s *Server) drawResume(c echo.Context, code bool, wrong string, status int) error {
	l := s.lang(c)
	f, err := s.pages.titled(l, "resume.title")
	if err != nil {
		return err
	}
	path := c.Request().URL.Path
	f.Action = inLanguage(path, l)
	if f.Languages, err = s.pages.languageLinks(s.pages.words.languages, l, path); err != nil {
		return err
	}
	p := resumePage{frame: f, Code: code}
	if wrong != "" {
		p.Failed = true
		if p.Wrong, err = f.T(wrong); err != nil {
			return err
		}
	}
	return s.show(c, status, "resume", p)
}

// byCode takes up the interview of a code that was typed.
func (s *Server) byCode(c echo.Context) error {
	fields, err := readFields(c)
	if err != nil {
		return err
	}
	id, err := s.deps.Drafts.ByCode(c.Request().Context(), fields.Get("code"), networkOf(c), s.deps.Now())
	switch {
	case errors.Is(err, surveys.ErrNotFound):
		return s.drawResume(c, true, "resume.wrong", http.StatusUnprocessableEntity)
	case err != nil:
		return err
	}
	return s.goOn(c, id)
}

// byLink takes up the interview of a resume link.
func (s *Server) byLink(c echo.Context) error {
	id, err := s.deps.Drafts.ByLink(c.Request().Context(), c.Param("link"))
	if err != nil {
		return resumeError(err)
	}
	return s.goOn(c, id)
}

func resumeError(err error) error {
	if errors.Is(err, surveys.ErrNotFound) {
		return errDraft
	}
	return err
}

// goOn gives this device a token of its own, and leads to the page where the interview is.
func (s *Server) goOn(c echo.Context, interview string) error {
	ctx := c.Request().Context()
	d, err := s.deps.Drafts.Get(ctx, interview)
	if err != nil {
		return resumeError(err)
	}
	r, err := s.takeUp(&d)
	if err != nil {
		return err
	}
	r.hear(c)
	if err := r.open(s.deps.Now()); err != nil {
		return err
	}
	token, err := s.deps.Drafts.Grant(ctx, interview)
	if err != nil {
		return err
	}
	return s.lead(c, token, r)
}

// lead leads to the page where an interview is.
func (s *Server) lead(c echo.Context, token drafts.Token, r *run) error {
	to := place{}
	if r.session != nil {
		to = r.here()
	}
	c.SetParamNames("token")
	c.SetParamValues(string(token))
	return s.follow(c, r, to, to.address("/a/"+string(token), r.state.Lang, sizeOf(c, "")))
}

// networkOf is where a request comes from, as far as limits go: an IPv4 address, or the
// part of an IPv6 address that one customer has.
func networkOf(c echo.Context) string {
	ip, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return "unknown"
	}
	if ip = ip.Unmap(); ip.Is6() {
		p, err := ip.WithZone("").Prefix(56)
		if err == nil {
			return p.String()
		}
	}
	return fmt.Sprint(ip)
}
