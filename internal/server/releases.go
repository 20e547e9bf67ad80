package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/surveys"
)

// filePolicy is the content policy of files of releases that are no page: nothing in them
// runs or loads anything, even when a browser shows them.
const filePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

// releaseTypes are the media types of the files of releases by their ending; others are
// bytes.
var releaseTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".json": "application/json; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	".pdf": "application/pdf", ".zip": "application/zip", ".png": "image/png", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// releaseKey gives everybody the key with which releases are checked, as openssl reads it;
// with ?all the keys before it, too.
func (s *Server) releaseKey(c echo.Context) error {
	if s.deps.Releases == nil {
		return fmt.Errorf("releases: %w", surveys.ErrNotFound)
	}
	keys, err := s.deps.Releases.Keys().Public()
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return fmt.Errorf("there is no release yet: %w", surveys.ErrNotFound)
	}
	var text []byte
	for _, k := range keys {
		text = append(text, k.PEM()...)
		if !c.QueryParams().Has("all") {
			break
		}
	}
	return c.Blob(http.StatusOK, "application/x-pem-file", text)
}

// releaseRevoked gives everybody the list of revoked keys.
func (s *Server) releaseRevoked(c echo.Context) error {
	if s.deps.Releases == nil {
		return fmt.Errorf("releases: %w", surveys.ErrNotFound)
	}
	list, err := s.deps.Releases.Keys().Revoked()
	if err != nil {
		return damaged(err)
	}
	text, err := release.WriteRevoked(list)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "application/json; charset=utf-8", text)
}

// publicRelease gives everybody a file of a release that was published. One that was not
// looks as if it were not there.
func (s *Server) publicRelease(c echo.Context) error {
	e, err := s.releaseOf(c)
	if err != nil {
		return err
	}
	if !e.Public {
		return fmt.Errorf("release: %w", surveys.ErrNotFound)
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return s.sendRelease(c, e, func() error { return nil })
}

// releaseOf finds the release that an address names.
func (s *Server) releaseOf(c echo.Context) (e release.Entry, err error) {
	number, err := strconv.Atoi(c.Param("release"))
	if s.deps.Releases == nil || err != nil || strconv.Itoa(number) != c.Param("release") {
		return e, fmt.Errorf("release: %w", surveys.ErrNotFound)
	}
	e, err = s.deps.Releases.Find(c.Param("wave"), number)
	if errors.Is(err, surveys.ErrInvalid) {
		err = fmt.Errorf("release: %w", surveys.ErrNotFound)
	}
	return e, err
}

// sendRelease sends a file of a release, or all of it as a zip, only as it was signed. It calls
// begin when there is something to send; an error of that keeps it from being sent.
func (s *Server) sendRelease(c echo.Context, e release.Entry, begin func() error) error {
	if e.Err != nil {
		return damaged(e.Err)
	}
	name := c.Param("name")
	if name == release.ZipName {
		if err := begin(); err != nil {
			return err
		}
		return s.sendZip(c, e)
	}
	f, err := s.deps.Releases.OpenFile(e.Wave, e.Number, name)
	if errors.Is(err, surveys.ErrNotFound) {
		return fmt.Errorf("release: %w", surveys.ErrNotFound)
	}
	if err != nil {
		return damaged(err)
	}
	defer f.Close()
	if err := begin(); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("ETag", `"`+e.SHA256[:16]+"-"+url.PathEscape(name)+`"`)
	s.headRelease(h, name)
	http.ServeContent(c.Response(), c.Request(), "", e.Made, f)
	return nil
}

// damaged is an error of ours, whatever was wrong: who asked can do nothing about it.
func damaged(err error) error { return errors.New("a release is damaged: " + err.Error()) }

// headRelease says what a file is. Reports are shown, with the policy of reports; all else
// is downloaded.
func (s *Server) headRelease(h http.Header, name string) {
	kind := releaseTypes[path.Ext(name)]
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	policy := filePolicy
	if path.Ext(name) == ".html" && s.cfg.ReportCSP != "" {
		policy = s.cfg.ReportCSP
	} else {
		h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	}
	h.Set("Content-Security-Policy", policy)
}

// sendZip sends a release as one file. A fault on the way breaks the answer off, and what
// came is no whole zip.
func (s *Server) sendZip(c echo.Context, e release.Entry) error {
	s.headRelease(c.Response().Header(), fmt.Sprintf("%s-release-%d.zip", e.Wave, e.Number))
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK)
	}
	c.Response().WriteHeader(http.StatusOK)
	return s.deps.Releases.Zip(c.Response(), e.Wave, e.Number)
}
