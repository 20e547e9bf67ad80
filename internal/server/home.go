package server

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/surveys"
)

// homePage is web/pages/home: which surveys are open, which reports are there.
type homePage struct {
	frame
	Open    []openWave
	Reports []reportLink
}

type openWave struct{ Title, Issuer, Href string }

type reportLink struct{ Name, Href string }

func (s *Server) home(c echo.Context) error {
	l := s.lang(c)
	f, err := s.pages.titled(l, "home.title")
	if err != nil {
		return err
	}
	if f.Languages, err = s.pages.languageLinks(s.pages.words.languages, l, "/"); err != nil {
		return err
	}
	p := homePage{frame: f}
	for _, w := range s.order() {
		if !w.LinksOnly && w.open(s.deps.Now()) {
			p.Open = append(p.Open, openWave{
				Title:  w.Title.In(l),
				Issuer: w.Questionnaire.Statutory.Issuer.In(l),
				Href:   inLanguage(w.path(), l),
			})
		}
	}
	if p.Reports, err = s.reportLinks(); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "home", p)
}

// reportLinks lists the finished reports.
func (s *Server) reportLinks() ([]reportLink, error) {
	if s.cfg.Reports == nil {
		return nil, nil
	}
	names, err := fs.Glob(s.cfg.Reports, "*.html")
	if err != nil {
		return nil, fmt.Errorf("listing the reports: %w", err)
	}
	var links []reportLink
	for _, n := range names {
		links = append(links, reportLink{Name: s.reportName(n), Href: "/reports/" + n})
	}
	return links, nil
}

// titleBytes is how far into a report its title is looked for.
const titleBytes = 8 << 10

// reportName is the title of a report, with its file's name where it has none.
func (s *Server) reportName(file string) string {
	name := strings.TrimSuffix(file, ".html")
	f, err := s.cfg.Reports.Open(file)
	if err != nil {
		return name
	}
	defer f.Close()
	z := html.NewTokenizer(io.LimitReader(f, titleBytes))
	for z.Next() != html.ErrorToken {
		if tag, _ := z.TagName(); string(tag) == "title" && z.Next() == html.TextToken {
			return fmt.Sprintf("%s (%s)", strings.TrimSpace(z.Token().Data), name)
		}
	}
	return name
}

// report serves one finished report.
func (s *Server) report(c echo.Context) error {
	name := c.Param("file")
	if s.cfg.Reports == nil || !fs.ValidPath(name) || path.Ext(name) != ".html" {
		return fmt.Errorf("report: %w", surveys.ErrNotFound)
	}
	content, err := fs.ReadFile(s.cfg.Reports, name)
	if err != nil {
		return fmt.Errorf("report: %w: %w", surveys.ErrNotFound, err)
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", s.cfg.ReportCSP)
	h.Set("Cache-Control", "no-cache")
	return c.HTMLBlob(http.StatusOK, content)
}

// health answers as long as the process runs.
func (s *Server) health(c echo.Context) error { return c.String(http.StatusOK, "ok\n") }

// ready answers whether the program can take interviews now, and what it takes: one line for
// each thing that it does not. A server with too much to do stays ready: if it were taken
// out, the others would get its share.
func (s *Server) ready(c echo.Context) error {
	if s.leaving.Load() {
		return c.String(http.StatusServiceUnavailable, "not ready\nthe program is ending\n")
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.cfg.RequestTime)
	defer cancel()
	room := s.load.room()
	var err error
	if s.deps.Ready != nil {
		err = s.deps.Ready(ctx)
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "not ready", "err", err)
	}
	status, lines := http.StatusOK, []string{"ready"}
	if err != nil || room == NoRoom {
		status, lines[0] = http.StatusServiceUnavailable, "not ready"
	}
	switch {
	case room == NoRoom:
		lines = append(lines, "disk full: nothing is taken")
	case room == NoStarts:
		lines = append(lines, "disk filling: no new online interviews")
	}
	if waiting := s.load.waiting.Load(); waiting > 0 {
		lines = append(lines, "busy: requests wait for their turn")
	}
	return c.String(status, strings.Join(lines, "\n")+"\n")
}
