package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

// Errors of the server itself.
var (
	errDevice     = fmt.Errorf("no tablet is enrolled with this number and secret: %w", surveys.ErrNotFound)
	errAnswered   = fmt.Errorf("the case was answered: %w", surveys.ErrClosed)
	errCase       = errors.New("not allowed to answer for this case")
	errCross      = errors.New("sent from another site")
	errDraft      = fmt.Errorf("no such interview under way: %w", surveys.ErrNotFound)
	errLinkClosed = fmt.Errorf("the open link takes no more: %w", surveys.ErrClosed)
	errLinksOnly  = fmt.Errorf("the wave is answered through links only: %w", surveys.ErrNotFound)
	errReplaced   = fmt.Errorf("the personal link was replaced: %w", surveys.ErrClosed)
	errLink       = fmt.Errorf("forged or damaged link: %w", surveys.ErrNotFound)
	errMedia      = errors.New("media type not supported")
	errMethod     = errors.New("method not allowed")
	errRoute      = fmt.Errorf("no such address: %w", surveys.ErrNotFound)
)

// problems says which status and words belong to an error; the first that matches counts.
var problems = []struct {
	err    error
	status int
	words  string
}{
	{errApp, http.StatusNotFound, "app"},
	{errDevice, http.StatusUnauthorized, "device-unknown"},
	{office.ErrRevoked, http.StatusForbidden, "device-revoked"},
	{office.ErrBarred, http.StatusForbidden, "device-barred"},
	{office.ErrTokenUnknown, http.StatusNotFound, "token-unknown"},
	{office.ErrTokenExpired, http.StatusGone, "token-expired"},
	{office.ErrTokenUsed, http.StatusConflict, "token-used"},
	{tablet.ErrChain, http.StatusConflict, "chain"},
	{errAnswered, http.StatusGone, "answered"},
	{errDraft, http.StatusNotFound, "draft"},
	{errLinkClosed, http.StatusGone, "linkclosed"},
	{errLinksOnly, http.StatusNotFound, "linksonly"},
	{errReplaced, http.StatusGone, "replaced"},
	{errTooMany, http.StatusTooManyRequests, "toomany"},
	{drafts.ErrTries, http.StatusTooManyRequests, "tries"},
	{errLink, http.StatusNotFound, "link"},
	{errCase, http.StatusForbidden, "case"},
	{errForm, http.StatusForbidden, "form"},
	{office.ErrForbidden, http.StatusForbidden, "forbidden"},
	{errCross, http.StatusForbidden, "cross"},
	{errMedia, http.StatusUnsupportedMediaType, "media"},
	{errMethod, http.StatusMethodNotAllowed, "method"},
	{surveys.ErrTooLarge, http.StatusRequestEntityTooLarge, "toolarge"},
	{surveys.ErrNotFound, http.StatusNotFound, "notfound"},
	{surveys.ErrConflict, http.StatusConflict, "conflict"},
	{surveys.ErrClosed, http.StatusGone, "closed"},
	{surveys.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
	{surveys.ErrInvalid, http.StatusBadRequest, "invalid"},
}

// turnedAway says that the same request will do at another time.
func turnedAway(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// problemOf returns status and words of an error.
func problemOf(err error) (status int, words string) {
	err = named(err)
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.status, p.words
		}
	}
	return http.StatusInternalServerError, "internal"
}

// named turns errors of the libraries into ours.
func named(err error) error {
	switch {
	case errors.Is(err, echo.ErrNotFound):
		return errRoute
	case errors.Is(err, echo.ErrMethodNotAllowed):
		return errMethod
	}
	return err
}

func isTimeout(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

// problemPage is web/pages/problem.
type problemPage struct {
	frame
	Message, Way string
	// Start is a link to begin again, Request the number of a request to ask about.
	Start, Request string
	// Again are the fields of a page that was turned away, to be sent once more.
	Again []field
}

// field is one field of a form.
type field struct{ Name, Value string }

// fail answers every request that ended in an error: as JSON for programs, as a
// page in the language of the reader for people.
func (s *Server) fail(err error, c echo.Context) {
	status, words := problemOf(err)
	id := c.Response().Header().Get(echo.HeaderXRequestID)
	if !hungUp(err) && (status == http.StatusInternalServerError || status == http.StatusServiceUnavailable && s.first503()) {
		s.deps.Log.ErrorContext(c.Request().Context(), "request failed", "id", id, "route", c.Path(), "status", status, "err", err)
	}
	if c.Response().Committed {
		return
	}
	if turnedAway(status) {
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter())
	}
	if wantsJSON(c.Request()) {
		err = s.failJSON(c, status, words, err)
	} else {
		err = s.failPage(c, status, words, id)
	}
	if err != nil {
		s.deps.Log.ErrorContext(c.Request().Context(), "error page failed", "id", id, "err", err)
	}
}

// first503 reports whether nothing was said for a minute of pages that cannot be served now:
// when a disk is full there are thousands of them.
func (s *Server) first503() bool {
	now := s.deps.Now().Unix()
	last := s.said503.Load()
	return now-last >= 60 && s.said503.CompareAndSwap(last, now)
}

// hungUp reports whether the request failed because its sender is no longer there,
// which is no fault of ours. Nobody else cancels a request: one that takes too long
// ends with context.DeadlineExceeded.
func hungUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

func (s *Server) failPage(c echo.Context, status int, words, id string) error {
	if s.deps.Office != nil && strings.HasPrefix(c.Request().URL.Path+"/", "/desk/") {
		return (&desk{s, s.deps.Office}).problem(c, status, words, id)
	}
	l := s.lang(c)
	f, err := s.pages.titled(l, "problem."+words+".title")
	if err != nil {
		return err
	}
	p := problemPage{frame: f}
	if p.Message, err = f.T("problem." + words + ".message"); err != nil {
		return err
	}
	if p.Way, err = f.T("problem." + words + ".way"); err != nil {
		return err
	}
	if turnedAway(status) {
		if p.Again = givenBack(c); p.Again != nil {
			p.Action = c.Request().URL.RequestURI()
		}
	}
	switch words {
	case "draft":
		p.Start = inLanguage("/r", l)
	case "internal":
		p.Request = id
	}
	return s.show(c, status, "problem", p)
}

// givenBack are what the form of a request had, to be put into the page that turns it away, so
// that nothing is lost where there is no script that keeps it. A page whose body was not taken
// in is sent again by a reload.
func givenBack(c echo.Context) (list []field) {
	body, _ := c.Get(bodyKey).([]byte)
	if body == nil || c.Request().Method != http.MethodPost {
		return nil
	}
	c.Request().Body = io.NopCloser(bytes.NewReader(body))
	fields, err := readFields(c)
	if err != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			list = append(list, field{name, value})
		}
	}
	return list
}

// failure is the JSON of an error. Detail is technical and in English; it speaks of
// the sender's own data only.
type failure struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

func (s *Server) failJSON(c echo.Context, status int, words string, err error) error {
	l := s.lang(c)
	message, wordsErr := s.pages.words.say(l, "problem."+words+".message")
	if wordsErr != nil {
		return wordsErr
	}
	f := failure{Error: words, Message: message}
	if status < http.StatusInternalServerError {
		f.Detail = named(err).Error()
	}
	return c.JSON(status, f)
}

// wantsJSON reports whether a program asks: by the route, or by asking for JSON and
// not for a page.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get(echo.HeaderAccept)
	return strings.HasPrefix(r.URL.Path, "/v1/") ||
		strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// lang returns the language to speak to the sender of a request. Forms carry it in
// their address, so it is known even when the body cannot be read.
func (s *Server) lang(c echo.Context) surveys.Lang {
	languages := s.pages.words.languages
	if w := s.waves()[c.Param("wave")]; w != nil {
		languages = w.languages
	}
	return asked(c, languages)
}

// asked returns the language that a request asks for.
func asked(c echo.Context, languages []surveys.Lang) surveys.Lang {
	return choose(languages, c.QueryParam("lang"), c.Request().Header.Get("Accept-Language"))
}
