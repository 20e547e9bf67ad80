package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// errApp is for a program that was built without the tablet's app.
var errApp = fmt.Errorf("the program was built without the app of the tablet; “make build” includes it: %w", surveys.ErrNotFound)

// appPolicy is the content policy of the tablet's app: pagePolicy, with the form engine and
// what an app that works offline needs.
const appPolicy = "default-src 'none'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src 'self' data: blob:; " +
	"manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// appFile is a file of the tablet's app, plain and as it was packed when it was built.
type appFile struct {
	media               string
	plain, brotli, gzip []byte
	// lasting says that its name changes with its content.
	lasting bool
}

// hashed are names that hold a hash of the content.
var hashed = regexp.MustCompile(`\.[0-9a-f]{8,}\.`)

// appPage is the file that the address /tablet gives.
const appPage = "index.html"

// loadApp reads the tablet's app, by file name, and the SHA-256 of its form engine in
// hexadecimal digits; both are empty when the program was built without it.
func loadApp() (app map[string]*appFile, engine string, err error) {
	app = map[string]*appFile{}
	err = fs.WalkDir(web.Tablet, "tablet/dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		content, err := web.Tablet.ReadFile(name)
		if err != nil {
			return err
		}
		base, packing := d.Name(), path.Ext(d.Name())
		if packing == ".br" || packing == ".gz" {
			base = strings.TrimSuffix(base, packing)
		}
		f := app[base]
		if f == nil {
			f = &appFile{media: mediaOf(base), lasting: hashed.MatchString(base)}
			app[base] = f
		}
		switch packing {
		case ".br":
			f.brotli = content
		case ".gz":
			f.gzip = content
		default:
			f.plain = content
			if path.Ext(base) == ".wasm" {
				sum := sha256.Sum256(content)
				engine = hex.EncodeToString(sum[:])
			}
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("the app of the tablet: %w", err)
	}
	return app, engine, nil
}

// mediaOf is the media type of a file of the app; some machines do not know all of them.
func mediaOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	case ".js":
		return "text/javascript; charset=utf-8"
	default:
		return mime.TypeByExtension(ext)
	}
}

// appFile serves a file of the tablet's app.
func (s *Server) appFile(c echo.Context) error {
	name := c.Param("file")
	if name == "" {
		name = appPage
	}
	f := s.app[name]
	switch {
	case len(s.app) == 0:
		return errApp
	case f == nil || f.plain == nil:
		return errRoute
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", appPolicy)
	h.Set("Permissions-Policy", "camera=(), geolocation=(self), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-cache")
	if f.lasting {
		h.Set("Cache-Control", forEver)
	}
	h.Set("Service-Worker-Allowed", "/tablet") // its own folder alone would leave the page out
	h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	content := f.plain
	accepted := c.Request().Header.Get("Accept-Encoding")
	switch {
	case f.brotli != nil && accepts(accepted, "br"):
		content = f.brotli
		h.Set(echo.HeaderContentEncoding, "br")
	case f.gzip != nil && accepts(accepted, "gzip"):
		content = f.gzip
		h.Set(echo.HeaderContentEncoding, "gzip")
	}
	return c.Blob(http.StatusOK, f.media, content)
}

// accepts says whether a list of encodings names one.
func accepts(list, encoding string) bool {
	for _, e := range strings.Split(list, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(e), ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
