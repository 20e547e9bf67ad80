package making

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// Forms say how a report is written.
type Forms struct {
	Lang surveys.Lang
	// Texts are what people wrote; nil without any.
	Texts *report.Texts
	// Made is when the report is made, Release the release it belongs to.
	Made    time.Time
	Release *report.Release
	// Before is what releases of the wave withhold, which stays withheld.
	Before []report.Place
	// Program is the name and version of the program.
	Program string
	// Chromium is the browser that prints, empty for the one that is installed.
	Chromium string
	// Pictures lets the page have a picture of each chart for readers without script.
	Pictures bool
	// Say is told what whoever makes the report should know; nil where nobody listens.
	Say func(format string, args ...any)
}

func (f Forms) say(format string, args ...any) {
	if f.Say != nil {
		f.Say(format, args...)
	}
}

// Document makes the report.
func (f Forms) Document(r *assess.Results) (*document.Document, error) {
	opt, err := f.Content(r)
	if err != nil {
		return nil, err
	}
	return report.Build(r, f.Lang, opt)
}

// Content says what the report is made with: what must not be published is withheld, and it
// tells how much that is, and what was left out.
func (f Forms) Content(r *assess.Results) (report.Options, error) {
	withheld, err := report.Protect(r, r.Plan.Rules(), f.Before...)
	if err != nil {
		return report.Options{}, err
	}
	return f.content(r, withheld), nil
}

// content is Content with what was judged to be withheld of these results.
func (f Forms) content(r *assess.Results, withheld *report.Protected) report.Options {
	if withheld.Hidden > 0 {
		f.say("%d groups are withheld to protect respondents: %d by themselves, the others because they would tell those", withheld.Hidden, withheld.Sensitive)
	}
	for _, t := range r.Elsewhere {
		f.say("%s", TargetElsewhere(t, waves.TargetsFile))
	}
	if c := r.Changes; len(c) > 0 && !slices.ContainsFunc(c, func(c assess.Change) bool { return c.Comparable }) {
		f.say("no published rate was measured by the criterion %q of this wave, so there are no differences from earlier waves and other areas; is the criterion of the questionnaire named right?", r.Questionnaire.Criterion.ID)
	}
	return report.Options{
		Now: f.Made, Program: f.Program, Texts: f.Texts, Disclosure: withheld, Release: f.Release,
	}
}

// Options are what the forms of a document need.
func (f Forms) Options(ctx context.Context, doc *document.Document) output.Options {
	drawn := &pictures{ctx: ctx, say: f.say, doc: doc}
	var svg func(*document.Chart) (string, error)
	if f.Pictures {
		svg = drawn.page
	}
	return output.Options{
		Page:    func(w io.Writer, d *document.Document) error { return report.WriteHTML(w, d, svg) },
		Picture: drawn.picture,
		Print:   pdf.Options{Chromium: f.Chromium},
	}
}

// Files writes a report in several forms and returns the paths that are written.
func (f Forms) Files(ctx context.Context, r *assess.Results, formats []output.Format, paths []string, progress func(done, total int)) ([]string, error) {
	doc, err := f.Document(r)
	if err != nil {
		return nil, err
	}
	return f.Write(ctx, doc, formats, paths, progress)
}

// Write writes a document in several forms and returns the paths that are written.
func (f Forms) Write(ctx context.Context, doc *document.Document, formats []output.Format, paths []string, progress func(done, total int)) ([]string, error) {
	opt := f.Options(ctx, doc)
	opt.Progress = progress
	return output.Files(ctx, paths, formats, doc, opt)
}

// pictures are the charts of a document, drawn side by side when the first is asked for.
type pictures struct {
	ctx  context.Context
	say  func(format string, args ...any)
	doc  *document.Document
	svgs map[string][]byte
	said bool
}

func (p *pictures) svg(c *document.Chart) ([]byte, error) {
	if p.svgs == nil {
		all := p.doc.Charts()
		drawn, err := chart.Drawer{}.SVGs(all, p.doc.Lang, chart.Paper)
		if err != nil {
			return nil, err
		}
		p.svgs = map[string][]byte{}
		for i, c := range all {
			p.svgs[c.ID] = drawn[i]
		}
	}
	return p.svgs[c.ID], nil
}

// page gives a picture for the page.
func (p *pictures) page(c *document.Chart) (string, error) {
	svg, err := p.svg(c)
	return string(svg), err
}

// picture draws a chart for a document of Word, which needs a PNG. Where there is no program
// that makes one, the document says in words what the chart shows, and the user is told once.
func (p *pictures) picture(c *document.Chart) (png, svg []byte, err error) {
	if svg, err = p.svg(c); err != nil {
		return nil, nil, err
	}
	png, err = chart.PNG(p.ctx, svg, dotsOfPixel*int(chart.Paper))
	if errors.Is(err, chart.ErrNoConverter) {
		if !p.said {
			p.say("charts of the DOCX are described in words: %v", err)
		}
		p.said = true
		return nil, nil, nil
	}
	return png, svg, err
}

// dotsOfPixel makes pictures sharp on paper: about 290 dots an inch.
const dotsOfPixel = 3
