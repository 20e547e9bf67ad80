// Package report makes the report of a survey: Build turns results into a document in
// Chinese or English, with its chapters, tables, charts, drafted texts and remarks, and
// WriteHTML writes a document as one file that is complete in itself. Which numbers there
// are is decided in package assess, how a number is written in show, what a document is in
// document; other forms of output render the same document.
package report

import (
	"fmt"
	"io"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// Options are what a report states beside the results.
type Options struct {
	// Now is when the report is made.
	Now time.Time
	// Program is the name and version of the program that makes it.
	Program string
	// Disclosure says which numbers must not be published; nil publishes all.
	Disclosure Disclosure
	// Texts are what people wrote in place of the drafted texts; nil without any.
	Texts *Texts
	// Release is the release that the report belongs to; nil for none.
	Release *Release
}

// Release is what a report says of the release that it belongs to: its number, the fingerprint
// of the key that signs it, and the number of the release that it corrects, or 0.
type Release struct {
	Number      int
	Fingerprint string
	Corrects    int
}

// Build makes the report on results in a language. The same results and options give the
// same document. It is an error, surveys.ErrInvalid, when there are no words in the
// language, or when an edited text names a block or a number that the report does not have.
func Build(r *assess.Results, lang surveys.Lang, opt Options) (*document.Document, error) {
	if _, ok := texts[lang]; !ok {
		return nil, fmt.Errorf("%w: there is no report in the language %q; use %s or %s", surveys.ErrInvalid, lang, surveys.ZH, surveys.EN)
	}
	b := newBuilder(r, lang, opt)
	b.build()
	if err := b.applyTexts(); err != nil {
		return nil, fmt.Errorf("report on wave %q: %w", r.Wave, err)
	}
	b.finish()
	return b.doc, nil
}

// HTML builds the report and writes it as one file. The same results and options give the
// same bytes.
func HTML(w io.Writer, r *assess.Results, lang surveys.Lang, opt Options) error {
	doc, err := Build(r, lang, opt)
	if err != nil {
		return err
	}
	return WriteHTML(w, doc, nil)
}
