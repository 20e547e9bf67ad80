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
	e.IPExtractor = s.address
	e.HTTPErrorHandler = s.fail
	e.Pre(s.number, s.protect, middleware.RemoveTrailingSlash())
	e.Use(s.metrics.count, s.record, s.recover(), sameSite(protection),
		middleware.ContextTimeoutWithConfig(middleware.ContextTimeoutConfig{Timeout: s.cfg.RequestTime, ErrorHandler: timedOut}),
		s.fair)

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
	read("/release/:wave/:release/:name", s.publicRelease)
	read("/v1/release-key.pem", s.releaseKey)
	read("/v1/release-revoked.json", s.releaseRevoked)
	read("/v1/receipt-key", s.receiptKey)
	read("/v1/receipt-key.pem", s.receiptPEM)
	read("/healthz", s.health)
	read("/readyz", s.ready)
	receive, admit := s.receiveUpTo(maxBody), s.admit(s.cfg.MaxRequests)
	take := func(path string, h echo.HandlerFunc) { e.POST(path, h, receive, s.whileRoom, admit) }
	take("/s/:wave", s.begin(s.waveDoor))
	take("/i/:token", s.begin(s.caseDoor))
	take("/o/:token", s.begin(s.openDoor))
	take("/a/:token", s.answer)
	take("/a/:token/later", s.renew)
	take("/r", s.byCode)
	take("/r/:link", s.byLink)
	take("/v1/submissions", s.submit)
	if s.deps.Office != nil {
		(&desk{s, s.deps.Office}).routes(e, receive, admit, s.admit(maxSignIns))
	}
	if s.deps.Nodes != nil {
		e.Any("/v1/node/*", echo.WrapHandler(s.deps.Nodes))
	}
	if s.deps.Tablets != nil {
		read("/tablet", s.appFile)
		read("/tablet/:file", s.appFile)
		(&tablets{s, s.deps.Office, s.deps.Tablets}).routes(e, receive, admit)
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

// whileRoom refuses whatever is sent when the disk of the log is full but for its reserve. It
// stands behind receiveUpTo, so that a page that it refuses can be given back. The desk is not
// asked: whoever makes room may need it, and it writes little.
func (s *Server) whileRoom(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.load.mayTake(); err != nil {
			return err
		}
		return next(c)
	}
}

// bodyKey is where the body of a request is found again when the request is refused.
const bodyKey = "body"

// receiveUpTo takes in the whole body before a request counts as being served, so that
// slow senders keep nobody else out. It refuses bodies beyond most bytes, by their
// declared and by their real size, and packed ones, which could be of any size.
func (s *Server) receiveUpTo(most int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			switch packing := r.Header.Get(echo.HeaderContentEncoding); {
			case packing != "" && packing != "identity":
				return fmt.Errorf("%w: a body is sent as it is, not packed", errMedia)
			case r.ContentLength > most:
				return fmt.Errorf("body of %d bytes: %w", r.ContentLength, surveys.ErrTooLarge)
			}
			body, done, err := s.load.readBody(http.MaxBytesReader(c.Response().Writer, r.Body, most), r.ContentLength)
			defer done()
			if err != nil {
				return bodyError(err, most)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			c.Set(bodyKey, body)
			return next(c)
		}
	}
}

// bodyError says why a body was not taken in.
func bodyError(err error, most int64) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fmt.Errorf("body of more than %d bytes: %w", most, surveys.ErrTooLarge)
	case errors.Is(err, errBusy):
		return err
	}
	return fmt.Errorf("the body ended early: %w: %w", surveys.ErrInvalid, err)
}

// admit limits the requests being served at one time. Whoever comes beyond the
// limit waits, and is asked to come again when that takes too long.
func (s *Server) admit(most int) echo.MiddlewareFunc {
	g := &gate{load: s.load, places: make(chan struct{}, most)}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := g.enter(c.Request().Context()); err != nil {
				return err
			}
			defer g.leave()
			return next(c)
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
