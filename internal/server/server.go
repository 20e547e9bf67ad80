// Package server is the HTTP face of the program: the respondent pages, the
// intake of interviews from devices, and the finished reports.
//
// What a respondent has answered so far is kept in package drafts, under a token that
// is in the address of the pages; the form engine decides what to ask; a finished
// interview goes to the intake, and the thank-you page follows when it is durable.
// Every page that is sent is answered with the address of the next one (303), so that
// neither reload nor the back button sends anything again.
package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"golang.org/x/net/netutil"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/signing"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Intake makes a finished interview durable. It is the JSON of a
// surveys.Interview; the same body again gives the same receipt. AcceptIf stores nothing
// when may, which sees the interview first, returns an error.
type Intake interface {
	Accept(ctx context.Context, body []byte) (intake.Receipt, error)
	AcceptIf(ctx context.Context, body []byte, may func(*surveys.Interview) error) (intake.Receipt, error)
	// Stands says what is stored under an ID and revision.
	Stands(id string, revision uint32) intake.Standing
	// ReceiptKey is the key with which receipts are checked.
	ReceiptKey() signing.Public
}

// Wave is one published survey wave.
type Wave struct {
	// ID names the wave in addresses and in interviews.
	ID string
	// Title is shown to respondents; empty means the questionnaire's title.
	Title         surveys.Text
	Questionnaire *surveys.Questionnaire
	// Form is the Questionnaire, compiled.
	Form *form.Form
	// Lists are the code lists that regions are chosen from.
	Lists []*geo.List
	// Earlier are the versions that interviews may still be under way with.
	Earlier []Version
	// Booklets are those of the sampled cases, by case; other interviews draw one.
	Booklets map[string]string
	// LinksOnly waves are begun through personal and open links only.
	LinksOnly bool
	// FirstDay and LastDay are those of the fieldwork as it is planned; zero when it is not.
	FirstDay, LastDay time.Time
	// Closed says that the office has ended the wave. Apart from that a wave ends
	// by itself after its form's last day of validity.
	Closed bool
}

// Version is a questionnaire with its form and code lists.
type Version struct {
	Questionnaire *surveys.Questionnaire
	Form          *form.Form
	Lists         []*geo.List
}

// Deps are the parts of the program that the server calls.
type Deps struct {
	Waves  []Wave
	Intake Intake
	// Drafts keeps the interviews under way.
	Drafts *drafts.Store
	// Office is what the desk works on; nil for a server without a desk.
	Office *office.Store
	// Tablets take in what enumerators' tablets recorded; nil for a server without a desk.
	Tablets *tablet.Tablets
	// Findings are what the quality flags say of a wave, and when it was judged; nil for
	// a server that judges no interviews.
	Findings func(ctx context.Context, wave string) ([]quality.Finding, time.Time, error)
	// Answers is the last revision of an interview as it is stored, surveys.ErrNotFound while
	// it is on its way; nil for a server whose reviewers see no answers.
	Answers func(ctx context.Context, wave, interview string) (*surveys.Response, error)
	// Live is the board of a wave's results so far, nil for a wave that has none; nil when no
	// results are shown before the report.
	Live func(wave string) *live.Board
	// Nodes answers the other nodes of the installation below /v1/node/, and checks who asks;
	// nil for a server that is alone.
	Nodes http.Handler
	// Disk says how full the file system of the log is; nil for one that never fills.
	Disk func() (Disk, error)
	// Stats describes the parts behind the server for the metrics; nil leaves them out.
	Stats func(context.Context) Stats
	// Quarantine is what is decided about at the desk; nil for a desk without it.
	Quarantine Quarantine
	// Collectors are the other nodes whose quarantine is decided about at the desk, too.
	Collectors []Collector
	// Releases are the frozen reports; nil for a server that gives none.
	Releases *release.Store
	// Making makes reports for the desk; nil for a desk that makes none.
	Making *making.Workshop
	// Ready reports why the program cannot serve now; nil means it always can.
	Ready func(context.Context) error
	// Log gets one line for each request, without addresses of people, answers or
	// links; nil means slog.Default.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Server serves HTTP. It is inert until Run.
type Server struct {
	cfg      Config
	deps     Deps
	links    *links
	shown    atomic.Pointer[published]
	leaving  atomic.Bool // it ends, and takes no more connections soon
	load     *load
	limits   limiters
	metrics  *metrics
	pages    *pages
	assets   map[string]asset
	app      map[string]*appFile
	engine   string // SHA-256 of the form engine that tablets are given, in hex; "" for none
	echo     *echo.Echo
	listener net.Listener
	// apart is the listener of the metrics; nil when nobody reads them.
	apart   net.Listener
	said503 atomic.Int64 // when it was last said that a page could not be served, Unix seconds
}

// New makes a server. It fails when the configuration or a wave is not usable.
func New(cfg Config, deps Deps) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Drafts == nil {
		return nil, errors.New("server: no store for interviews under way")
	}
	s := &Server{cfg: cfg, deps: deps, links: newLinks(cfg.Key), limits: cfg.Limits.limiters(), metrics: newMetrics()}
	s.load = &load{limits: cfg.Pressure, refused: s.metrics.refuse, disk: deps.Disk}
	s.metrics.registry.MustRegister(collector{s})
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.app, s.engine, err = loadApp(); err != nil {
		return nil, err
	}
	if s.pages, err = loadPages(s.assets); err != nil {
		return nil, err
	}
	if err := s.Publish(deps.Waves); err != nil {
		return nil, err
	}
	protection, err := cfg.protection()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	s.echo = s.routes(protection)
	s.metrics.know(s.echo.Routes())
	return s, nil
}

// Handler returns the handler of all routes, for a server of the caller's own.
func (s *Server) Handler() http.Handler { return packed(s.echo) }

// compressMin is the size of a response from which compressing it pays.
const compressMin = 512

// packed compresses what a handler gives, for clients that take it so. It stands around
// the router, whose own middleware needs the standard library's slower writer.
var packed = sync.OnceValue(func() func(http.Handler) http.HandlerFunc {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(compressMin), gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		panic("server: " + err.Error()) // only for impossible settings
	}
	return wrap
})()

// Listen opens the address of the configuration, so that Addr is known and a
// port that is taken is reported before Run.
func (s *Server) Listen() error {
	l, err := listen(s.cfg.Addr)
	if err != nil {
		return err
	}
	fair := newSharing(l, max(1, s.cfg.MaxConns/2), func() { s.metrics.refuse("connections") })
	limited := netutil.LimitListener(fair, s.cfg.MaxConns)
	s.listener = newHeaders(limited, s.cfg.Pressure.InHeaders, func() { s.metrics.refuse("headers") })
	if s.cfg.MetricsAddr == "" {
		return nil
	}
	if l, err = listen(s.cfg.MetricsAddr); err != nil {
		return errors.Join(err, s.listener.Close())
	}
	s.apart = netutil.LimitListener(l, maxReaders)
	return nil
}

// maxReaders limits the connections to the listener of the metrics.
const maxReaders = 16

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("address %s is in use by another program; stop it or choose another address", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", addr, err)
	}
	return l, nil
}

// Addr returns the address the server listens on, or "" before Listen.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// MetricsAddr returns the address that the metrics are read at, or "".
func (s *Server) MetricsAddr() string {
	if s.apart == nil {
		return ""
	}
	return s.apart.Addr().String()
}

// Run serves until ctx ends, then lets the requests under way finish. It calls
// Listen unless that was done.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	s.noteUnfinished(ctx)
	caring, stop := context.WithCancel(ctx)
	cared := make(chan struct{})
	go func() { s.care(caring); close(cared) }()
	defer func() { stop(); <-cared }()
	hs := s.httpServer(s.Handler())
	served := make(chan error, 2)
	go func() { served <- hs.Serve(s.listener) }()
	if s.apart != nil {
		apart := s.httpServer(s.Metrics())
		defer apart.Close()
		go func() { served <- apart.Serve(s.apart) }()
	}
	select {
	case err := <-served:
		return fmt.Errorf("serving %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	s.leave(served)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
	defer cancel()
	if err := hs.Shutdown(grace); err != nil {
		return fmt.Errorf("requests were still running after %v: %w", s.cfg.Grace, errors.Join(err, hs.Close()))
	}
	return nil
}

// leave says for a while that the server is not ready, while it still serves, so that whatever
// shares out the requests sends it no more.
func (s *Server) leave(served <-chan error) {
	s.leaving.Store(true)
	select {
	case <-time.After(s.cfg.Leave):
	case <-served:
	}
}

// nameless writes what net/http says of connections to a log, without the addresses.
type nameless struct{ to *slog.Logger }

// addresses are IPv4 and IPv6 addresses, with or without a port.
var addresses = regexp.MustCompile(`\[?([0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F.]*(%\w+)?(\]:\d+)?|\d{1,3}(\.\d{1,3}){3}(:\d+)?`)

func (n nameless) Write(line []byte) (int, error) {
	n.to.Debug("connection", "said", string(addresses.ReplaceAll(bytes.TrimSpace(line), []byte("somebody"))))
	return len(line), nil
}

// httpServer sets every limit that net/http and Echo leave open: without them,
// half-open requests stay for ever.
func (s *Server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ConnState:         s.connChanged,
		ErrorLog:          log.New(nameless{s.deps.Log}, "", 0),
	}
}

// connChanged tells the listener of respondents when the header of a request has arrived.
func (s *Server) connChanged(c net.Conn, state http.ConnState) {
	if h, ours := c.(*heading); ours {
		h.changed(state)
	}
}
