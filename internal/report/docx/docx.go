// Package docx writes a report as a document of Word: headings with an outline, a table of
// contents, tables with captions and repeated heads, real footnotes, charts as pictures. It
// opens in Word, WPS and LibreOffice. It writes the parts of the document itself, since the
// libraries that there are lose tables or are not free.
package docx

import (
	"archive/zip"
	"embed"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/labels"
	"github.com/suyang-survey/suyang/surveys"
)

// Options are what a document needs beside the report.
type Options struct {
	// Picture draws a chart as PNG, and as SVG for programs that can show it; svg may be nil.
	// Without the function, and where png is nil without an error, the words that describe the
	// chart stand in its place.
	Picture func(c *document.Chart) (png, svg []byte, err error)
}

//go:embed parts
var parts embed.FS

// Write writes the report as DOCX. The same report and pictures give the same bytes. An error
// wraps surveys.ErrInvalid if the report itself cannot be written, such as a cell that refers
// to a footnote that is not there.
func Write(w io.Writer, d *document.Document, opt Options) error {
	words, err := labels.In(d.Lang)
	if err != nil {
		return err
	}
	b := &body{doc: d, words: words, opt: opt, files: map[string][]byte{}}
	if err := b.write(); err != nil {
		return fmt.Errorf("write %q as DOCX: %w", d.Title, err)
	}
	if err := b.parts(); err != nil {
		return fmt.Errorf("write %q as DOCX: %w", d.Title, err)
	}
	return pack(w, b.files)
}

// language is that of the document as office programs write it.
func language(l surveys.Lang) string {
	if l == surveys.ZH {
		return "zh-CN"
	}
	return "en-US"
}

// relation is what a part of the package refers to.
type relation struct{ id, kind, target string }

// parts makes all the parts beside the body itself.
func (b *body) parts() error {
	for _, name := range []string{"styles", "settings", "fontTable"} {
		text, err := parts.ReadFile("parts/" + name + ".xml")
		if err != nil {
			return err
		}
		b.files["word/"+name+".xml"] = []byte(strings.ReplaceAll(string(text), "{lang}", language(b.doc.Lang)))
		b.relate(name, name+".xml")
	}
	b.files["word/document.xml"] = b.x.Bytes()
	b.files["word/footnotes.xml"] = b.footnotes()
	b.files["word/numbering.xml"] = b.numbering()
	b.files["word/header1.xml"], b.files["word/footer1.xml"] = b.header(), b.footer()
	for _, name := range []string{"footnotes", "numbering"} {
		b.relate(name, name+".xml")
	}
	b.files["word/_rels/document.xml.rels"] = relations(b.related)
	b.files["docProps/core.xml"], b.files["docProps/app.xml"] = b.core(), b.app()
	b.files["_rels/.rels"] = relations([]relation{
		{"rId1", nsR + "/officeDocument", "word/document.xml"},
		{"rId2", "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties", "docProps/core.xml"},
		{"rId3", nsR + "/extended-properties", "docProps/app.xml"},
	})
	b.files["[Content_Types].xml"] = contentTypes()
	return nil
}

// relate makes the body refer to a part and returns the ID of the relation.
func (b *body) relate(kind, target string) string {
	id := fmt.Sprintf("rId%d", len(b.related)+1)
	b.related = append(b.related, relation{id, nsR + "/" + kind, target})
	return id
}

func relations(rs []relation) []byte {
	var m markup
	m.WriteString(declaration)
	m.begin("Relationships", "xmlns", "http://schemas.openxmlformats.org/package/2006/relationships")
	for _, r := range rs {
		m.empty("Relationship", "Id", r.id, "Type", r.kind, "Target", r.target)
	}
	m.end()
	return m.Bytes()
}

func contentTypes() []byte {
	const word = "application/vnd.openxmlformats-officedocument.wordprocessingml."
	var m markup
	m.WriteString(declaration)
	m.begin("Types", "xmlns", "http://schemas.openxmlformats.org/package/2006/content-types")
	for _, d := range [][2]string{{"rels", "application/vnd.openxmlformats-package.relationships+xml"}, {"xml", "application/xml"},
		{"png", "image/png"}, {"svg", "image/svg+xml"}} {
		m.empty("Default", "Extension", d[0], "ContentType", d[1])
	}
	for _, o := range [][2]string{{"/word/document.xml", word + "document.main+xml"}, {"/word/styles.xml", word + "styles+xml"},
		{"/word/settings.xml", word + "settings+xml"}, {"/word/fontTable.xml", word + "fontTable+xml"},
		{"/word/footnotes.xml", word + "footnotes+xml"}, {"/word/numbering.xml", word + "numbering+xml"},
		{"/word/header1.xml", word + "header+xml"}, {"/word/footer1.xml", word + "footer+xml"},
		{"/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"},
		{"/docProps/app.xml", "application/vnd.openxmlformats-officedocument.extended-properties+xml"}} {
		m.empty("Override", "PartName", o[0], "ContentType", o[1])
	}
	m.end()
	return m.Bytes()
}

// core says what the document is.
func (b *body) core() []byte {
	var m markup
	m.WriteString(declaration)
	m.begin("cp:coreProperties", "xmlns:cp", "http://schemas.openxmlformats.org/package/2006/metadata/core-properties",
		"xmlns:dc", "http://purl.org/dc/elements/1.1/", "xmlns:dcterms", "http://purl.org/dc/terms/",
		"xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
	m.leaf("dc:title", b.doc.Title)
	m.leaf("dc:subject", b.doc.Subtitle)
	m.leaf("dc:creator", b.doc.Program)
	m.leaf("dc:language", language(b.doc.Lang))
	m.leaf("cp:keywords", strings.Join(b.doc.Marks, "; "))
	made := b.doc.Made.UTC().Format(time.RFC3339)
	m.leaf("dcterms:created", made, "xsi:type", "dcterms:W3CDTF")
	m.leaf("dcterms:modified", made, "xsi:type", "dcterms:W3CDTF")
	m.end()
	return m.Bytes()
}

func (b *body) app() []byte {
	var m markup
	m.WriteString(declaration)
	m.begin("Properties", "xmlns", "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties")
	m.leaf("Application", b.doc.Program)
	m.end()
	return m.Bytes()
}

// pack writes the parts in the order of their names, but the types of contents first, as some
// programs look for them there. The times inside are all the same.
func pack(w io.Writer, files map[string][]byte) error {
	z := zip.NewWriter(w)
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		method := zip.Deflate
		if strings.HasSuffix(name, ".png") {
			method = zip.Store
		}
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		if _, err := f.Write(files[name]); err != nil {
			return err
		}
	}
	return z.Close()
}
