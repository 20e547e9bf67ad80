package server

import (
	"github.com/labstack/echo/v4"
)

// pagePolicy is the content policy of the pages: their own style sheet and script,
// their own pictures, their own forms, nothing from elsewhere.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// protect sets the headers that keep a page to itself. They are set first, so that
// every answer has them; a handler may replace the content policy and the caching.
//
// The referrer policy is same-origin: addresses of personal links never reach
// another site. (no-referrer would make browsers send "Origin: null" with our own
// forms, and old ones, which send no Sec-Fetch-Site, could not be told from
// strangers.)
func (s *Server) protect(next echo.HandlerFunc) echo.HandlerFunc {
	fixed := [][2]string{
		{"Content-Security-Policy", pagePolicy},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "same-origin"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
		{"Cache-Control", "no-store"},
	}
	return func(c echo.Context) error {
		h := c.Response().Header()
		for _, f := range fixed {
			h.Set(f[0], f[1])
		}
		if s.cfg.HTTPS || c.Request().TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		return next(c)
	}
}
