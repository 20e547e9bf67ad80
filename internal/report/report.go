// Package report writes the results of a survey down: one HTML file in Chinese or
// English with its tables, charts, method and remarks, complete in itself. Which
// numbers there are is decided in package assess, how a number is written in show.
package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// Options are what a report states beside the results.
type Options struct {
	// Now is when the report is made.
	Now time.Time
	// Program is the name and version of the program that makes it.
	Program string
}

// HTML writes the report as one file that needs nothing else: style, scripts and chart
// data are inside, and its content policy forbids any request. The same results and
// options give the same bytes.
func HTML(w io.Writer, r *assess.Results, lang surveys.Lang, opt Options) error {
	t, ok := templates[lang]
	if !ok {
		return fmt.Errorf("%w: there is no report in the language %q; use %s or %s", surveys.ErrInvalid, lang, surveys.ZH, surveys.EN)
	}
	p, err := newPage(r, lang, opt)
	if err != nil {
		return fmt.Errorf("report on wave %q: %w", r.Wave, err)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the report on wave %q: %w", r.Wave, err)
	}
	return nil
}

// CSP is the content policy for the header of a server that shows reports. It is that
// of the files themselves, and no other page may frame them.
func CSP() string { return policy + "; frame-ancestors 'none'" }

// The parts that every report contains as they are.
var (
	style   = asset("static/report.css")
	scripts = []string{asset("static/echarts.min.js"), asset("static/report.js")}
	policy  = contentPolicy()
)

// templates holds the page for each language, with its words bound to the function t.
var templates = map[surveys.Lang]*template.Template{
	surveys.ZH: parse(surveys.ZH),
	surveys.EN: parse(surveys.EN),
}

func parse(lang surveys.Lang) *template.Template {
	say := func(key string) string { return texts[lang].say(key) }
	return template.Must(template.New("report").Funcs(template.FuncMap{"t": say}).Parse(asset("pages/report/report.html")))
}

// asset returns an embedded file; that it is there was checked when compiling.
func asset(name string) string {
	b, err := web.Report.ReadFile(name)
	if err != nil {
		panic("report: " + err.Error())
	}
	return string(b)
}

// contentPolicy allows our own style and scripts, by hash, and nothing else.
func contentPolicy() string {
	p := "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + source(style) + "; script-src"
	for _, s := range scripts {
		p += " " + source(s)
	}
	return p
}

func source(inline string) string {
	sum := sha256.Sum256([]byte(inline))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
