// Package workbook reads the cells of XLSX workbooks, in one pass and within limits, so that
// a sheet of a million rows needs no more memory than its texts. It reads texts as a person
// sees them and leaves to its user what they mean.
package workbook

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Limits are what a workbook may have; beyond one of them it is refused before more of it
// is read.
type Limits struct {
	File, Unzipped int64 // bytes of the file, and bytes that are unpacked from it
	Sheets         int
	Texts          int // shared texts of cells
	Text           int // characters of a cell; Excel has 32,767
}

// Book is a workbook that is being read.
type Book struct {
	limits Limits
	files  map[string]*zip.File
	left   int64 // bytes that may still be unpacked
	sheets []entry
	shared []string
	dates  map[int]bool // cell styles that show a date
	since  time.Time    // day 0 of dates
}

// entry is a sheet and its part of the package.
type entry struct{ name, part string }

// Cell is a cell that is not empty. Row and column are counted from 0.
type Cell struct {
	Row, Col int
	// Text is what the cell shows; numbers have all their digits, dates are 2026-11-25.
	Text    string
	Formula bool
}

// Open reads everything of a workbook but the cells. An error wraps surveys.ErrInvalid or
// surveys.ErrTooLarge.
func Open(src []byte, l Limits) (*Book, error) {
	if int64(len(src)) > l.File {
		return nil, fmt.Errorf("%w: the workbook has more than %d MiB; divide it", surveys.ErrTooLarge, l.File>>20)
	}
	z, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		return nil, fmt.Errorf("%w: this is no XLSX workbook (%v); save it as .xlsx, not .xls or .csv", surveys.ErrInvalid, err)
	}
	b := &Book{limits: l, files: map[string]*zip.File{}, left: l.Unzipped}
	for _, f := range z.File {
		b.files[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *Book) open() error {
	main, err := b.mainPart()
	if err != nil {
		return err
	}
	targets, err := b.relations(main)
	if err != nil {
		return err
	}
	b.since = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	err = b.walk(main, func(_ *tokens, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attr(e, "date1904"); v == "1" || v == "true" {
				b.since = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		case "sheet":
			b.sheets = append(b.sheets, entry{attr(e, "name"), targets[attr(e, "id")]})
			if len(b.sheets) > b.limits.Sheets {
				return fmt.Errorf("%w: the workbook has more than %d sheets", surveys.ErrTooLarge, b.limits.Sheets)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range b.sheets {
		if b.files[s.part] == nil {
			return fmt.Errorf("%w: sheet %q is missing in the workbook; save it anew with a spreadsheet program", surveys.ErrInvalid, short(s.name))
		}
	}
	dir := path.Dir(main)
	if err := b.styles(dir + "/styles.xml"); err != nil {
		return err
	}
	return b.sharedStrings(dir + "/sharedstrings.xml")
}

// Sheets are the names of the sheets, in their order.
func (b *Book) Sheets() []string {
	names := make([]string, len(b.sheets))
	for i, s := range b.sheets {
		names[i] = s.name
	}
	return names
}

// Unzipped is how many bytes were unpacked so far, of how many that the workbook says.
func (b *Book) Unzipped() (done, total int64) {
	for _, f := range b.files {
		total += int64(min(f.UncompressedSize64, 1<<40))
	}
	return b.limits.Unzipped - b.left, total
}

// mainPart finds the workbook in the package.
func (b *Book) mainPart() (string, error) {
	main := "xl/workbook.xml"
	err := b.walk("_rels/.rels", func(_ *tokens, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && strings.HasSuffix(attr(e, "Type"), "/officeDocument") {
			main = strings.ToLower(strings.TrimPrefix(attr(e, "Target"), "/"))
		}
		return nil
	})
	if err == nil && b.files[main] == nil {
		err = fmt.Errorf("%w: there is no workbook in the file; save it as .xlsx", surveys.ErrInvalid)
	}
	return main, err
}

// relations gives the parts that a part refers to, by ID.
func (b *Book) relations(part string) (map[string]string, error) {
	dir, name := path.Split(part)
	to := map[string]string{}
	err := b.walk(dir+"_rels/"+name+".rels", func(_ *tokens, e xml.StartElement) error {
		if e.Name.Local == "Relationship" {
			target := attr(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = path.Join(dir, target)
			}
			to[attr(e, "Id")] = strings.ToLower(strings.TrimPrefix(target, "/"))
		}
		return nil
	})
	return to, err
}

// walk calls each with every element that begins in a part; a part that is not there
// has none.
func (b *Book) walk(part string, each func(*tokens, xml.StartElement) error) error {
	f := b.files[part]
	if f == nil {
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: part %s of the workbook cannot be unpacked: %v", surveys.ErrInvalid, short(part), err)
	}
	defer in.Close()
	limited := &meter{r: in, book: b}
	dec := &tokens{Decoder: xml.NewDecoder(limited)}
	dec.Entity = map[string]string{} // no entities but the five of XML
	for {
		tok, err := dec.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return badXML(part, err)
		}
		if e, ok := tok.(xml.StartElement); ok {
			if err := each(dec, e); err != nil {
				return badXML(part, err)
			}
		}
	}
}

// tokens are those of a part, which has ended when its outermost element has.
type tokens struct {
	*xml.Decoder
	open  int // elements that have begun and not ended
	begun bool
}

// RawToken is that of the decoder; a part that ends within an element, or before any, is
// an error other than io.EOF.
func (t *tokens) RawToken() (xml.Token, error) {
	tok, err := t.Decoder.RawToken()
	if errors.Is(err, io.EOF) && (t.open > 0 || !t.begun) {
		return nil, errors.New("it ends early; fetch or save the file again")
	}
	switch tok.(type) {
	case xml.StartElement:
		t.open, t.begun = t.open+1, true
	case xml.EndElement:
		t.open--
	}
	return tok, err
}

// badXML wraps what went wrong in a part, unless that says already what it is.
func badXML(part string, err error) error {
	if errors.Is(err, surveys.ErrTooLarge) || errors.Is(err, surveys.ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: part %s of the workbook is damaged: %v", surveys.ErrInvalid, short(part), err)
}

// meter reads as much as is left for the whole workbook.
type meter struct {
	r    io.Reader
	book *Book
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.book.left -= int64(n); m.book.left < 0 {
		return 0, fmt.Errorf("%w: the workbook unpacks to more than %d MiB", surveys.ErrTooLarge, m.book.limits.Unzipped>>20)
	}
	return n, err
}

// attr returns an attribute by its local name.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space != "xmlns" {
			return a.Value
		}
	}
	return ""
}

// styles finds which cell styles show dates.
func (b *Book) styles(part string) error {
	b.dates = map[int]bool{}
	formats := map[string]bool{}
	for id := 14; id <= 22; id++ {
		formats[strconv.Itoa(id)] = true
	}
	cellXfs, style := false, 0
	return b.walk(part, func(_ *tokens, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			code := strings.ToLower(attr(e, "formatCode"))
			formats[attr(e, "numFmtId")] = strings.Contains(code, "yy") || strings.Contains(code, "mmm")
		case "cellXfs":
			cellXfs = true
		case "cellStyles":
			cellXfs = false
		case "xf":
			if cellXfs {
				b.dates[style] = formats[attr(e, "numFmtId")]
				style++
			}
		}
		return nil
	})
}

func (b *Book) sharedStrings(part string) error {
	return b.walk(part, func(dec *tokens, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		if len(b.shared) >= b.limits.Texts {
			return fmt.Errorf("%w: the workbook has more than %d texts", surveys.ErrTooLarge, b.limits.Texts)
		}
		text, err := b.richText(dec, "si")
		b.shared = append(b.shared, text)
		return err
	})
}

// richText joins the pieces of text up to the end of an element, without the reading
// aids of East Asian texts.
func (b *Book) richText(dec *tokens, end string) (string, error) {
	var out strings.Builder
	in, aid := false, 0
	for {
		tok, err := dec.RawToken()
		if err != nil {
			return "", err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				in = true
			case "rPh":
				aid++
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				in = false
			case "rPh":
				aid--
			case end:
				return out.String(), nil
			}
		case xml.CharData:
			if in && aid == 0 {
				if out.Write(t); out.Len() > 4*b.limits.Text {
					return "", fmt.Errorf("%w: a cell has more than %d characters", surveys.ErrTooLarge, b.limits.Text)
				}
			}
		}
	}
}

// Read goes through the sheet at a place, counted from 0, and tells each of its cells in
// the order of the file, by rows as a rule. merged, which may be nil, is told the first cell
// of every area of merged cells. An error of either ends the reading.
func (b *Book) Read(at int, cell func(Cell) error, merged func(row, col int) error) error {
	s := b.sheets[at]
	row, col := -1, -1
	var theirs error // of the caller, which says nothing about the workbook
	err := b.walk(s.part, func(dec *tokens, e xml.StartElement) error {
		switch e.Name.Local {
		case "row":
			row, col = row+1, -1
			if n, err := strconv.Atoi(attr(e, "r")); err == nil && n > 0 {
				row = n - 1
			}
		case "c":
			col++
			if ref := attr(e, "r"); ref != "" {
				var ok bool
				if row, col, ok = place(ref); !ok {
					return fmt.Errorf("%w: sheet %q has a cell with the address %q", surveys.ErrInvalid, short(s.name), short(ref))
				}
			}
			text, formula, err := b.value(dec, e)
			if err != nil || text == "" && !formula {
				return err
			}
			theirs = cell(Cell{row, col, text, formula})
			return theirs
		case "mergeCell":
			first, _, area := strings.Cut(attr(e, "ref"), ":")
			if y, x, ok := place(first); ok && area && merged != nil {
				theirs = merged(y, x)
				return theirs
			}
		}
		return nil
	})
	return cmp.Or(theirs, err)
}

// Column is the letter of a column counted from 0: A, B … Z, AA.
func Column(col int) string {
	name := ""
	for col++; col > 0; col = (col - 1) / 26 {
		name = string(rune('A'+(col-1)%26)) + name
	}
	return name
}

// place reads a reference such as "B7" as row and column, counted from 0.
func place(ref string) (row, col int, ok bool) {
	i := 0
	for i < len(ref) && 'A' <= ref[i] && ref[i] <= 'Z' {
		if col = col*26 + int(ref[i]-'A') + 1; col > 1<<20 {
			return 0, 0, false
		}
		i++
	}
	row, err := strconv.Atoi(ref[i:])
	if i == 0 || err != nil || row < 1 {
		return 0, 0, false
	}
	return row - 1, col - 1, true
}

// value reads the text of a cell, up to its end, and whether a formula made it.
func (b *Book) value(dec *tokens, c xml.StartElement) (text string, formula bool, err error) {
	kind, in := attr(c, "t"), false
	var out strings.Builder
	for {
		tok, err := dec.RawToken()
		if err != nil {
			return "", false, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				formula = true
			case "v":
				in = true
			case "is":
				if text, err = b.richText(dec, "is"); err != nil {
					return "", false, err
				}
			}
		case xml.CharData:
			if in {
				if out.Write(t); out.Len() > 4*b.limits.Text {
					return "", false, fmt.Errorf("%w: a cell has more than %d characters", surveys.ErrTooLarge, b.limits.Text)
				}
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v":
				in = false
			case "c":
				if kind != "inlineStr" {
					text = b.show(kind, out.String(), attr(c, "s"))
				}
				return text, formula, nil
			}
		}
	}
}

// show writes a stored value as a person sees it in the cell.
func (b *Book) show(kind, v, style string) string {
	switch kind {
	case "s":
		if i, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && i >= 0 && i < len(b.shared) {
			return b.shared[i]
		}
		return ""
	case "b":
		if v == "1" {
			return "TRUE"
		}
		return "FALSE"
	case "str", "d", "e":
		return v
	}
	x, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return v
	}
	if n, err := strconv.Atoi(style); err == nil && b.dates[n] && x >= 1 && x < 3e6 {
		return b.since.Add(time.Duration(int64(x)) * 24 * time.Hour).Format(time.DateOnly)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// short cuts a text that is shown in a message.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
