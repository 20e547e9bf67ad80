package report_test

import (
	"html"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/output"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// published puts every published rate of the library into the results.
func published(t *testing.T, r *assess.Results) {
	t.Helper()
	folder, err := fs.Sub(library.FS, "literacy-series")
	if err != nil {
		t.Fatal(err)
	}
	if r.References, _, err = assess.ReadSeries(folder); err != nil {
		t.Fatal(err)
	}
	for i, ref := range r.References {
		r.References[i].Name = surveys.Text{surveys.ZH: ref.Area, surveys.EN: "Area " + ref.Code}
	}
}

// notesOf are the notes of a document: the footnotes of its tables, and what stands with each
// published rate.
func notesOf(doc *document.Document) (out []string) {
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Table == nil {
				continue
			}
			out = append(out, b.Table.Notes...)
			if b.Table.ID != "table-references" {
				continue
			}
			for _, row := range b.Table.Rows {
				if row.Detail != "" {
					out = append(out, row.Detail)
				}
				if source := row.Cells[len(row.Cells)-1].Text; source != show.Missing {
					out = append(out, source)
				}
			}
		}
	}
	return out
}

func han(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// A Chinese report has no note without Chinese, and an English one none in Chinese only: with
// everything that was ever published, in every form, and the notes of the other language are in
// none of them.
func TestNotesAreInTheLanguageOfTheReport(t *testing.T) {
	r := wave(t, 40, 20, 8, 3)
	published(t, r)
	notes, files := map[surveys.Lang][]string{}, map[surveys.Lang]map[string]string{}
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		doc, err := report.Build(r, lang, report.Options{Program: "suyang", Now: time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		notes[lang] = notesOf(doc)
		if len(notes[lang]) < len(r.References) {
			t.Fatalf("%s: only %d notes and sources for %d published rates", lang, len(notes[lang]), len(r.References))
		}
		for _, n := range notes[lang] {
			if lang == surveys.ZH && !han(n) || lang == surveys.EN && han(n) && !regexp.MustCompile(`\p{Latin}{2}`).MatchString(n) {
				t.Errorf("the report in %s has the note %q", lang, n)
			}
		}
		dir := t.TempDir()
		files[lang] = texts(t, dir, write(t, dir, doc, []output.Format{output.HTML, output.DOCX, output.XLSX, output.CSV, output.JSON}, described))
	}
	for _, file := range []string{"r.html", "r.csv", "r.json", "r.docx!word/document.xml (text)", "r.xlsx!xl/sharedStrings.xml (text)"} {
		for lang, other := range map[surveys.Lang]surveys.Lang{surveys.ZH: surveys.EN, surveys.EN: surveys.ZH} {
			text := html.UnescapeString(files[lang][file])
			for _, ref := range r.References {
				for _, x := range []surveys.Text{ref.Note, ref.Source} {
					if x != nil && !strings.Contains(text, x[lang]) {
						t.Errorf("%s in %s does not have %q", file, lang, x[lang])
					}
					if x != nil && strings.Contains(strings.ReplaceAll(text, x[lang], ""), x[other]) {
						t.Errorf("%s in %s has %q", file, lang, x[other])
					}
				}
			}
		}
	}
}
