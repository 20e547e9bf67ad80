// Package xlsx writes the tables of a report as a workbook: one table a sheet, with numbers
// that are numbers in full precision and look as they are printed. The first sheet lists the
// tables. There are no formulas, and no text becomes one.
package xlsx

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
	"github.com/suyang-survey/suyang/internal/report/labels"
	"github.com/suyang-survey/suyang/surveys"
)

// Write writes the tables of the report as XLSX. The same report gives the same bytes. An
// error wraps surveys.ErrInvalid if a table cannot be laid out.
func Write(w io.Writer, d *document.Document) error {
	words, err := labels.In(d.Lang)
	if err != nil {
		return err
	}
	b := &book{File: excelize.NewFile(), doc: d, words: words, styles: map[look]int{}}
	defer b.Close()
	if err := b.write(w); err != nil {
		return fmt.Errorf("write %q as XLSX: %w", d.Title, err)
	}
	return nil
}

// book is the workbook while it is written.
type book struct {
	*excelize.File
	doc    *document.Document
	words  labels.Labels
	styles map[look]int
	// contents is the name of the first sheet, names those of the sheets of the tables.
	contents string
	names    names
}

// listed is a table with the chapter it stands in and its sheet.
type listed struct {
	table   *document.Table
	chapter string
	sheet   string
}

func (b *book) write(w io.Writer) error {
	b.names = names{}
	b.contents = b.names.take(b.words.Say("contents"), "")
	if err := b.SetSheetName("Sheet1", b.contents); err != nil {
		return err
	}
	var tables []listed
	for i := range b.doc.Sections {
		s := &b.doc.Sections[i]
		for _, block := range s.Blocks {
			if t := block.Table; t != nil {
				tables = append(tables, listed{t, strings.TrimSpace(s.Number + " " + s.Title), b.names.take(t.Number, t.ID)})
			}
		}
	}
	if err := b.list(tables); err != nil {
		return err
	}
	for _, l := range tables {
		if err := b.table(l); err != nil {
			return err
		}
	}
	if err := b.properties(); err != nil {
		return err
	}
	return b.Write(w)
}

// properties say what the workbook is.
func (b *book) properties() error {
	made := b.doc.Made.UTC().Format(time.RFC3339)
	language := map[surveys.Lang]string{surveys.ZH: "zh-CN", surveys.EN: "en-US"}[b.doc.Lang]
	err := b.SetDocProps(&excelize.DocProperties{Title: grid.Plain(b.doc.Title), Subject: grid.Plain(b.doc.Subtitle), Creator: grid.Plain(b.doc.Program),
		LastModifiedBy: grid.Plain(b.doc.Program), Keywords: grid.Plain(strings.Join(b.doc.Marks, "; ")), Language: language, Created: made, Modified: made})
	if err != nil {
		return err
	}
	return b.SetAppProps(&excelize.AppProperties{Application: grid.Plain(b.doc.Program)})
}

// list writes the first sheet: what the report is, and its tables with links to them.
func (b *book) list(tables []listed) error {
	s := &sheet{book: b, name: b.contents}
	s.text(1, look{bold: true, size: 16}, b.doc.Title)
	s.next()
	s.text(1, look{}, b.doc.Subtitle)
	s.next()
	for _, m := range b.doc.Marks {
		s.text(1, look{bold: true}, m)
		s.next()
	}
	for _, f := range b.facts() {
		s.text(1, look{bold: true}, f.Term)
		s.text(2, look{}, f.Text)
		s.next()
	}
	s.next()
	for i, key := range []string{"number", "title", "chapter", "base"} {
		s.text(i+1, look{bold: true, fill: true, line: true}, b.words.Say(key))
	}
	head := s.row
	s.next()
	for _, l := range tables {
		s.link(1, l.table.Number, l.sheet)
		s.link(2, l.table.Title, l.sheet)
		s.text(3, look{wrap: true}, l.chapter)
		s.text(4, look{wrap: true}, l.table.Base)
		s.next()
	}
	for i, w := range []float64{14, 60, 40, 60} {
		s.width(i+1, w)
	}
	s.freeze(head, 0)
	s.paper(head, head, true)
	return s.err
}

// facts are the statutory head with when and by what the report was made.
func (b *book) facts() []document.Fact {
	facts := append([]document.Fact(nil), b.doc.Facts...)
	facts = append(facts, document.Fact{Term: b.words.Say("made"), Text: b.doc.Made.Format("2006-01-02")})
	if b.doc.Program != "" {
		facts = append(facts, document.Fact{Term: b.words.Say("program"), Text: b.doc.Program})
	}
	return facts
}

// look is how a cell looks.
type look struct {
	format                              string // of a number; "@" is text
	size                                float64
	bold, fill, line, wrap, right, link bool
	center, top                         bool
}

// style returns the number of a look in the workbook.
func (b *book) style(l look) (int, error) {
	if id, ok := b.styles[l]; ok {
		return id, nil
	}
	font := &excelize.Font{Bold: l.bold, Size: 11, Family: "等线"}
	if b.doc.Lang == surveys.EN {
		font.Family = "Calibri"
	}
	if l.size > 0 {
		font.Size = l.size
	}
	if l.link {
		font.Color, font.Underline = "1F4E79", "single"
	}
	s := &excelize.Style{Font: font, Alignment: &excelize.Alignment{Vertical: "top", WrapText: l.wrap}}
	switch {
	case l.center:
		s.Alignment.Horizontal = "center"
	case l.right:
		s.Alignment.Horizontal = "right"
	}
	if l.fill {
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"F2F2F2"}}
	}
	if l.line {
		s.Border = append(s.Border, excelize.Border{Type: "bottom", Style: 1, Color: "000000"})
	}
	if l.top {
		s.Border = append(s.Border, excelize.Border{Type: "top", Style: 1, Color: "000000"})
	}
	switch l.format {
	case "":
	case "@":
		s.NumFmt = 49
	default:
		s.CustomNumFmt = &l.format
	}
	id, err := b.NewStyle(s)
	if err == nil {
		b.styles[l] = id
	}
	return id, err
}

// names are the names of sheets that are taken, in lower case.
type names map[string]bool

// most is how many characters the name of a sheet has at most.
const most = 31

// take makes the name of a sheet from the first text of which something is left without the
// characters that Excel forbids, and makes it unlike all others.
func (n names) take(texts ...string) string {
	name := "Sheet"
	for _, t := range texts {
		if t = allowed(t); t != "" {
			name = t
			break
		}
	}
	unique := clip(name, most)
	for i := 2; n[strings.ToLower(unique)]; i++ {
		end := fmt.Sprintf(" (%d)", i)
		unique = clip(name, most-len(end)) + end
	}
	n[strings.ToLower(unique)] = true
	return unique
}

// allowed takes out of a text what the name of a sheet must not have. Excel keeps History to
// itself.
func allowed(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) || r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, grid.Plain(s))
	s = strings.Trim(strings.Join(strings.Fields(s), " "), "' ")
	if strings.EqualFold(s, "history") {
		return s + "_"
	}
	return s
}

// clip cuts a text after n units of UTF-16, which is how Excel counts.
func clip(s string, n int) string {
	for i, r := range s {
		if r > 0xffff {
			n--
		}
		if n--; n < 0 {
			return strings.TrimRight(s[:i], "' ")
		}
	}
	return s
}
