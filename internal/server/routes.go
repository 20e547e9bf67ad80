package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/suyang-survey/suyang/surveys"
)

// maxSignIns is how many people may sign in at one time. They have places of their own, since
// each takes as long as many pages.
const maxSignIns = 16

// maxBody is the greatest size of a request's body.
const maxBody = 1 << 20

// routes makes the router. Echo's Decompress stays out: it turns a small body into
// gigabytes behind any limit.
func (s *Server) routes(protection *http.CrossOriginProtection) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	if s.cfg.HTTPS { // a proxy on the same machine or network names the person's address
		e.IPExtractor = echo.ExtractIPFromXFFHeader()
	}
	e.HTTPErrorHandler = s.fail
	e.Pre(s.number, s.protect, middleware.RemoveTrailingSlash())
	e.Use(s.record, s.recover(), sameSite(protection),
		middleware.ContextTimeoutWithConfig(middleware.ContextTimeoutConfig{Timeout: s.cfg.RequestTime, ErrorHandler: timedOut}))

	read := func(path string, h echo.HandlerFunc) { e.Match([]string{http.MethodGet, http.MethodHead}, path, h) }
	read("/", s.home)
	read("/s/:wave", s.start(s.waveDoor))
	read("/s/:wave/figure/:item", s.figure)
	read("/s/:wave/paper", s.paper(s.waveDoor))
	read("/i/:token", s.start(s.caseDoor))
	read("/i/:token/paper", s.paper(s.caseDoor))
	read("/o/:token", s.start(s.openDoor))
	read("/o/:token/paper", s.paper(s.openDoor))
	read("/a/:token", s.page)
	read("/a/:token/later", s.later)
	read("/r", s.resumeCode)
	read("/r/:link", s.resumeLink)
	read("/static/:file", s.static)
	read("/reports/:file", s.report)
	read("/healthz", s.health)
	read("/readyz", s.ready)
	admit := s.admit(s.cfg.MaxRequests)
	e.POST("/s/:wave", s.begin(s.waveDoor), receive, admit)
	e.POST("/i/:token", s.begin(s.caseDoor), receive, admit)
	e.POST("/o/:token", s.begin(s.openDoor), receive, admit)
	e.POST("/a/:token", s.answer, receive, admit)
	e.POST("/a/:token/later", s.renew, receive, admit)
	e.POST("/r", s.byCode, receive, admit)
	e.POST("/r/:link", s.byLink, receive, admit)
	e.POST("/v1/submissions", s.submit, receive, admit)
	if s.deps.Office != nil {
		(&desk{s, s.deps.Office}).routes(e, admit, s.admit(maxSignIns))
	}
	if s.deps.Nodes != nil {
		e.Any("/v1/node/*", echo.WrapHandler(s.deps.Nodes))
	}
	if s.deps.Tablets != nil {
		read("/tablet", s.appFile)
		read("/tablet/:file", s.appFile)
		(&tablets{s, s.deps.Office, s.deps.Tablets}).routes(e, admit)
	}
	return e
}

// number gives the request a number of our own, whatever the client sent.
func (s *Server) number(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderXRequestID, uuid.NewString())
		return next(c)
	}
}

// record writes one line for each request. It names the route, not the address,
// which may hold a personal link.
func (s *Server) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := s.deps.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		s.deps.Log.InfoContext(c.Request().Context(), "request",
			"id", c.Response().Header().Get(echo.HeaderXRequestID),
			"method", c.Request().Method,
			"route", c.Path(),
			"status", c.Response().Status,
			"bytes", c.Response().Size,
			"took", s.deps.Now().Sub(began).Round(time.Microsecond))
		return nil
	}
}

// recover turns a panic into an error page; the record of it is written by fail.
func (s *Server) recover() echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableStackAll:     true,
		DisableErrorHandler: true,
		LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
			return fmt.Errorf("panic: %w\n%s", err, stack)
		},
	})
}

// receive takes in the whole body before a request counts as being served, so that
// slow senders keep nobody else out. It refuses bodies beyond maxBody, by their
// declared and by their real size.
func receive(next echo.HandlerFunc) echo.HandlerFunc { return receiveUpTo(maxBody)(next) }

// receiveUpTo is receive with another greatest size.
func receiveUpTo(most int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.ContentLength > most {
				return fmt.Errorf("body of %d bytes: %w", r.ContentLength, surveys.ErrTooLarge)
			}
			body, err := io.ReadAll(http.MaxBytesReader(c.Response().Writer, r.Body, most))
			var tooLarge *http.MaxBytesError
			switch {
			case errors.As(err, &tooLarge):
				return fmt.Errorf("body of more than %d bytes: %w", most, surveys.ErrTooLarge)
			case err != nil:
				return fmt.Errorf("the body ended early: %w: %w", surveys.ErrInvalid, err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return next(c)
		}
	}
}

// admit limits the requests being served at one time. Whoever comes beyond the
// limit is asked to come again; a respondent's browser still holds the page.
func (s *Server) admit(most int) echo.MiddlewareFunc {
	places := make(chan struct{}, most)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
				return next(c)
			default:
				return fmt.Errorf("%d requests are being served: %w", most, surveys.ErrUnavailable)
			}
		}
	}
}

// sameSite refuses what another site's page made a browser send. Browsers say so
// by Sec-Fetch-Site or Origin; programs and very old browsers send neither.
func sameSite(protection *http.CrossOriginProtection) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := protection.Check(c.Request()); err != nil {
				return fmt.Errorf("%w: %w", errCross, err)
			}
			return next(c)
		}
	}
}

// timedOut names the error of a request that took too long.
func timedOut(err error, _ echo.Context) error {
	if isTimeout(err) {
		return fmt.Errorf("%w: %w", surveys.ErrUnavailable, err)
	}
	return err
}
