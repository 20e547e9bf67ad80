package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// asset is a static file. Its address holds a hash of its content, so browsers may
// keep it for ever.
type asset struct {
	path, media string
	content     []byte
}

// forEver is the caching of an address whose content never changes.
const forEver = "public, max-age=31536000, immutable"

// loadAssets reads web/static; the keys are file names.
func loadAssets() (map[string]asset, error) {
	entries, err := web.Static.ReadDir("static")
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	assets := map[string]asset{}
	for _, e := range entries {
		content, err := web.Static.ReadFile("static/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("static files: %w", err)
		}
		ext := path.Ext(e.Name())
		sum := sha256.Sum256(content)
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		assets[e.Name()] = asset{path: "/static/" + name, media: mime.TypeByExtension(ext), content: content}
	}
	return assets, nil
}

func (s *Server) static(c echo.Context) error {
	wanted := "/static/" + c.Param("file")
	for _, a := range s.assets {
		if a.path == wanted {
			c.Response().Header().Set("Cache-Control", forEver)
			return c.Blob(http.StatusOK, a.media, a.content)
		}
	}
	return fmt.Errorf("static file: %w", surveys.ErrNotFound)
}

// figure serves the picture of an item. It is meant for <img>; opened by itself it
// can neither run scripts nor load anything.
func (s *Server) figure(c echo.Context) error {
	w, err := s.wave(c)
	if err != nil {
		return err
	}
	if e := w.editions[c.QueryParam("v")]; e != nil {
		w = e
	}
	item := w.Questionnaire.Item(c.Param("item"))
	if item == nil || item.Figure == nil {
		return fmt.Errorf("figure: %w", surveys.ErrNotFound)
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'")
	if c.QueryParam("v") == w.version {
		h.Set("Cache-Control", forEver)
	}
	if image := item.Figure.Image; len(image) > 0 {
		return c.Blob(http.StatusOK, imageType(image), image)
	}
	return c.Blob(http.StatusOK, "image/svg+xml", []byte(item.Figure.SVG))
}

// imageType is the media type of an image by its content. What is none of those that
// pages show is sent as bytes, which no browser draws.
func imageType(image []byte) string {
	switch media := http.DetectContentType(image); media {
	case "image/png", "image/jpeg", "image/webp":
		return media
	}
	return echo.MIMEOctetStream
}
