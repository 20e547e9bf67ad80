package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/web"
)

// WriteHTML writes a document as one file that needs nothing else: style, scripts and chart
// data are inside, and its content policy forbids any request. svg draws a chart for readers
// without script and for paper; nil leaves the charts to the script. The same document gives
// the same bytes.
func WriteHTML(w io.Writer, doc *document.Document, svg func(*document.Chart) (string, error)) error {
	t, ok := templates[doc.Lang]
	if !ok {
		return fmt.Errorf("%w: there is no report in the language %q; use %s or %s", surveys.ErrInvalid, doc.Lang, surveys.ZH, surveys.EN)
	}
	p, err := newPage(doc, svg)
	if err != nil {
		return err
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("write the report %q: %w", doc.Title, err)
	}
	return nil
}

// page is what the template shows.
type page struct {
	HTMLLang, CSP  string
	Style          template.CSS
	Scripts        []template.JS
	Made, MadeText string
	Footer         string
	Doc            *document.Document
	Sections       []section
}

// section is a section of the document with its blocks as the template shows them.
type section struct {
	document.Section
	Blocks []block
	// Top says that it is a chapter, whose heading is of the second rank in the page.
	Level int
}

// block is one thing below a heading; exactly one field is set.
type block struct {
	Text  *document.Text
	Facts []document.Fact
	Cards []document.Card
	Table *table
	Chart *figure
}

// table is a table with what the page needs to lay it out.
type table struct {
	*document.Table
	// Long tables may be broken across pages; short ones are kept together.
	Long bool
	// Wide is how many columns there are.
	Wide int
}

// Words says whether the cells with this index hold words, which stand on the left.
func (t *table) Words(i int) bool {
	return len(t.Head) == 1 && i+1 < len(t.Head[0]) && t.Head[0][i+1].Left
}

// figure is a chart with its drawing.
type figure struct {
	*document.Chart
	SVG template.HTML
	// Option is what the script draws from, as JSON in which < > & are escaped, so that no
	// label can end the script element it stands in.
	Option template.JS
}

func newPage(doc *document.Document, svg func(*document.Chart) (string, error)) (*page, error) {
	p := &page{
		HTMLLang: map[surveys.Lang]string{surveys.ZH: "zh-CN", surveys.EN: "en"}[doc.Lang],
		CSP:      policy, Style: template.CSS(style), Doc: doc,
		Made:   doc.Made.Format("2006-01-02"),
		Footer: texts[doc.Lang].say("footer", "program", doc.Program),
	}
	for _, s := range scripts {
		p.Scripts = append(p.Scripts, template.JS(s))
	}
	for _, s := range doc.Sections {
		shown := section{Section: s, Level: s.Depth + 1}
		for _, bl := range s.Blocks {
			b, err := newBlock(bl, doc.Lang, svg)
			if err != nil {
				return nil, err
			}
			shown.Blocks = append(shown.Blocks, b)
		}
		p.Sections = append(p.Sections, shown)
	}
	return p, nil
}

// longTable is how many rows a table has at least that may be broken across pages.
const longTable = 16

func newBlock(bl document.Block, lang surveys.Lang, svg func(*document.Chart) (string, error)) (block, error) {
	b := block{Text: bl.Text, Facts: bl.Facts, Cards: bl.Cards}
	if t := bl.Table; t != nil {
		b.Table = &table{Table: t, Long: len(t.Rows) >= longTable}
		for _, h := range t.Head[0] {
			b.Table.Wide += max(1, h.Span)
		}
	}
	if c := bl.Chart; c != nil {
		option, err := chart.Drawer{}.Option(c, lang)
		if err != nil {
			return b, err
		}
		b.Chart = &figure{Chart: c, Option: template.JS(option)}
		if svg != nil {
			drawn, err := svg(c)
			if err != nil {
				return b, fmt.Errorf("draw the chart %q: %w", c.Title, err)
			}
			b.Chart.SVG = template.HTML(drawn)
		}
	}
	return b, nil
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
	functions := template.FuncMap{
		"t": func(key string) string { return texts[lang].say(key) },
		// The template escapes it; nothing that is written into a tag's name is from outside.
		"join":  strings.Join,
		"scope": scope,
		"parts": parts,
	}
	return template.Must(template.New("report").Funcs(functions).Parse(asset("pages/report/report.html")))
}

// scope says what a heading is the heading of.
func scope(h document.Heading) string {
	if h.Span > 1 {
		return "colgroup"
	}
	return "col"
}

// A chapter with its parts, for the contents.
type chapter struct {
	section
	Parts []section
}

// parts puts the parts of depth 2 below their chapters.
func parts(sections []section) []chapter {
	var out []chapter
	for _, s := range sections {
		switch {
		case s.Depth == 1:
			out = append(out, chapter{section: s})
		case s.Depth == 2 && len(out) > 0:
			last := &out[len(out)-1]
			last.Parts = append(last.Parts, s)
		}
	}
	return out
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
