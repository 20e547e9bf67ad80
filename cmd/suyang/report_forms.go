package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// reportForms say how a report is written.
type reportForms struct {
	con  *console
	lang surveys.Lang
	// texts are what people wrote; nil without any.
	texts *report.Texts
	// made is when the report is made, release the release it belongs to.
	made    time.Time
	release *report.Release
	// chromium is the browser that prints, empty for the one that is installed.
	chromium string
	// pictures lets the page have a picture of each chart for readers without script.
	pictures bool
}

// document makes the report.
func (f reportForms) document(r *assess.Results) (*document.Document, error) {
	opt, err := f.content(r)
	if err != nil {
		return nil, err
	}
	return report.Build(r, f.lang, opt)
}

// content says what the report is made with: what must not be published is withheld, and it
// tells how much that is, and what was left out.
func (f reportForms) content(r *assess.Results) (report.Options, error) {
	withheld, err := report.Protect(r, disclosure.DefaultRules())
	if err != nil {
		return report.Options{}, err
	}
	if withheld.Hidden > 0 {
		f.con.say("%d groups are withheld to protect respondents: %d by themselves, the others because they would tell those", withheld.Hidden, withheld.Sensitive)
	}
	for _, t := range r.Elsewhere {
		f.con.say("%s", targetElsewhere(t, waves.TargetsFile))
	}
	if c := r.Changes; len(c) > 0 && !slices.ContainsFunc(c, func(c assess.Change) bool { return c.Comparable }) {
		f.con.say("no published rate was measured by the criterion %q of this wave, so there are no differences from earlier waves and other areas; is the criterion of the questionnaire named right?", r.Questionnaire.Criterion.ID)
	}
	return report.Options{
		Now: f.made, Program: "suyang " + version(), Texts: f.texts, Disclosure: withheld, Release: f.release,
	}, nil
}

// options are what the forms of a document need.
func (f reportForms) options(ctx context.Context, doc *document.Document) output.Options {
	drawn := &pictures{ctx: ctx, con: f.con, doc: doc}
	var svg func(*document.Chart) (string, error)
	if f.pictures {
		svg = drawn.page
	}
	return output.Options{
		Page:    func(w io.Writer, d *document.Document) error { return report.WriteHTML(w, d, svg) },
		Picture: drawn.picture,
		Print:   pdf.Options{Chromium: f.chromium},
	}
}

// files writes a report in several forms and returns the paths that are written.
func (f reportForms) files(ctx context.Context, r *assess.Results, formats []output.Format, paths []string, progress func(done, total int)) ([]string, error) {
	doc, err := f.document(r)
	if err != nil {
		return nil, err
	}
	opt := f.options(ctx, doc)
	opt.Progress = progress
	return output.Files(ctx, paths, formats, doc, opt)
}

// pictures are the charts of a document, drawn side by side when the first is asked for.
type pictures struct {
	ctx  context.Context
	con  *console
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
			p.con.say("charts of the DOCX are described in words: %v", err)
		}
		p.said = true
		return nil, nil, nil
	}
	return png, svg, err
}

// dotsOfPixel makes pictures sharp on paper: about 290 dots an inch.
const dotsOfPixel = 3

// writeReport writes the page of a report to a path.
func writeReport(ctx context.Context, con *console, path string, r *assess.Results, lang surveys.Lang) error {
	f := reportForms{con: con, lang: lang, made: time.Now()}
	_, err := f.files(ctx, r, []output.Format{output.HTML}, []string{path}, nil)
	return err
}
