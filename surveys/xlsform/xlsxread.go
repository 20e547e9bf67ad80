package xlsform

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// readXLSX reads a workbook. It goes once over the parts it needs, keeps nothing but
// texts, and stops at the first limit; an error wraps surveys.ErrInvalid or
// surveys.ErrTooLarge.
func readXLSX(src []byte) (*book, error) {
	if len(src) > MaxFile {
		return nil, fmt.Errorf("%w: the workbook has more than %d MiB; divide the form", surveys.ErrTooLarge, MaxFile>>20)
	}
	z, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		return nil, fmt.Errorf("%w: this is no XLSX workbook (%v); save the form as .xlsx, not .xls or .csv", surveys.ErrInvalid, err)
	}
	r := &xlsxReader{files: map[string]*zip.File{}, left: MaxUnzipped}
	for _, f := range z.File {
		r.files[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	return &r.book, nil
}

type xlsxReader struct {
	book
	files  map[string]*zip.File
	left   int64 // bytes that may still be unpacked
	cells  int
	shared []string
	dates  map[int]bool // cell styles that show a date
	since  time.Time    // day 0 of dates
}

func (r *xlsxReader) read() error {
	main, err := r.mainPart()
	if err != nil {
		return err
	}
	targets, err := r.relations(main)
	if err != nil {
		return err
	}
	type entry struct{ name, part string }
	var sheets []entry
	r.since = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	err = r.walk(main, func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attr(e, "date1904"); v == "1" || v == "true" {
				r.since = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
			}
		case "sheet":
			sheets = append(sheets, entry{attr(e, "name"), targets[attr(e, "id")]})
			if len(sheets) > MaxSheets {
				return fmt.Errorf("%w: the workbook has more than %d sheets", surveys.ErrTooLarge, MaxSheets)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	dir := path.Dir(main)
	if err := r.styles(dir + "/styles.xml"); err != nil {
		return err
	}
	if err := r.sharedStrings(dir + "/sharedstrings.xml"); err != nil {
		return err
	}
	for _, s := range sheets {
		if r.files[s.part] == nil {
			return fmt.Errorf("%w: sheet %q is missing in the workbook; save it anew with a spreadsheet program", surveys.ErrInvalid, short(s.name))
		}
		r.sheets = append(r.sheets, &sheet{name: s.name})
		// Other sheets, such as a description of the form, hold nothing of it, and of two
		// with one name the first counts.
		if !used(s.name) || r.sheet(s.name) != r.sheets[len(r.sheets)-1] {
			continue
		}
		if err := r.table(s.part, r.sheets[len(r.sheets)-1]); err != nil {
			return err
		}
	}
	return nil
}

// used reports whether a sheet of this name belongs to a form.
func used(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "survey", "choices", "settings", ownSheet:
		return true
	}
	return false
}

// mainPart finds the workbook in the package.
func (r *xlsxReader) mainPart() (string, error) {
	main := "xl/workbook.xml"
	err := r.walk("_rels/.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && strings.HasSuffix(attr(e, "Type"), "/officeDocument") {
			main = strings.ToLower(strings.TrimPrefix(attr(e, "Target"), "/"))
		}
		return nil
	})
	if err == nil && r.files[main] == nil {
		err = fmt.Errorf("%w: there is no workbook in the file; save the form as .xlsx", surveys.ErrInvalid)
	}
	return main, err
}

// relations gives the parts that a part refers to, by ID.
func (r *xlsxReader) relations(part string) (map[string]string, error) {
	dir, name := path.Split(part)
	to := map[string]string{}
	err := r.walk(dir+"_rels/"+name+".rels", func(_ *xml.Decoder, e xml.StartElement) error {
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
func (r *xlsxReader) walk(part string, each func(*xml.Decoder, xml.StartElement) error) error {
	f := r.files[part]
	if f == nil {
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: part %s of the workbook cannot be unpacked: %v", surveys.ErrInvalid, short(part), err)
	}
	defer in.Close()
	limited := &meter{r: in, left: &r.left}
	dec := xml.NewDecoder(limited)
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
	left *int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if *m.left -= int64(n); *m.left < 0 {
		return 0, fmt.Errorf("%w: the workbook unpacks to more than %d MiB", surveys.ErrTooLarge, MaxUnzipped>>20)
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
func (r *xlsxReader) styles(part string) error {
	r.dates = map[int]bool{}
	formats := map[string]bool{}
	for id := 14; id <= 22; id++ {
		formats[strconv.Itoa(id)] = true
	}
	cellXfs, style := false, 0
	return r.walk(part, func(_ *xml.Decoder, e xml.StartElement) error {
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
				r.dates[style] = formats[attr(e, "numFmtId")]
				style++
			}
		}
		return nil
	})
}

func (r *xlsxReader) sharedStrings(part string) error {
	return r.walk(part, func(dec *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		if len(r.shared) >= MaxCells {
			return fmt.Errorf("%w: the workbook has more than %d texts", surveys.ErrTooLarge, MaxCells)
		}
		text, err := richText(dec, "si")
		r.shared = append(r.shared, text)
		return err
	})
}

// richText joins the pieces of text up to the end of an element, without the reading
// aids of East Asian texts.
func richText(dec *xml.Decoder, end string) (string, error) {
	var b strings.Builder
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
				return b.String(), nil
			}
		case xml.CharData:
			if in && aid == 0 {
				if b.Write(t); b.Len() > 4*MaxText {
					return "", fmt.Errorf("%w: a cell has more than %d characters", surveys.ErrTooLarge, MaxText)
				}
			}
		}
	}
}

// table reads the cells of a sheet.
func (r *xlsxReader) table(part string, s *sheet) error {
	row, col := -1, -1
	return r.walk(part, func(dec *xml.Decoder, e xml.StartElement) error {
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
			text, formula, err := r.value(dec, e)
			if err != nil || text == "" && !formula {
				return err
			}
			if err := r.room(s, row, col); err != nil {
				return err
			}
			if !utf8.ValidString(text) || utf8.RuneCountInString(text) > MaxText {
				return fmt.Errorf("%w: sheet %q, cell %s%d: the text has more than %d characters", surveys.ErrTooLarge, short(s.name), columnName(col), row+1, MaxText)
			}
			s.put(row, col, text)
			if formula {
				s.odd = append(s.odd, oddity{row, col, "a formula"})
			}
		case "mergeCell":
			first, _, area := strings.Cut(attr(e, "ref"), ":")
			if y, x, ok := place(first); ok && area && len(s.odd) < MaxCells {
				s.odd = append(s.odd, oddity{y, x, "merged cells"})
			}
		}
		return nil
	})
}

// room checks the limits before a cell is kept.
func (r *xlsxReader) room(s *sheet, row, col int) error {
	have := 0
	if row < len(s.rows) {
		have = len(s.rows[row])
	}
	if r.cells += max(1, col+1-have); r.cells > MaxCells {
		return fmt.Errorf("%w: the workbook has more than %d cells, counted from the first of each row to the last; delete what stands far to the right", surveys.ErrTooLarge, MaxCells)
	}
	switch {
	case row >= MaxRows:
		return fmt.Errorf("%w: sheet %q goes beyond row %d; divide the form, or delete what stands below it", surveys.ErrTooLarge, short(s.name), MaxRows)
	case col >= MaxColumns:
		return fmt.Errorf("%w: sheet %q goes beyond column %s; delete what stands to the right of it", surveys.ErrTooLarge, short(s.name), columnName(MaxColumns-1))
	}
	return nil
}

// value reads the text of a cell, up to its end, and whether a formula made it.
func (r *xlsxReader) value(dec *xml.Decoder, c xml.StartElement) (text string, formula bool, err error) {
	kind, in := attr(c, "t"), false
	var b strings.Builder
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
				if text, err = richText(dec, "is"); err != nil {
					return "", false, err
				}
			}
		case xml.CharData:
			if in {
				if b.Write(t); b.Len() > 4*MaxText {
					return "", false, fmt.Errorf("%w: a cell has more than %d characters", surveys.ErrTooLarge, MaxText)
				}
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "v":
				in = false
			case "c":
				if kind != "inlineStr" {
					text = r.show(kind, b.String(), attr(c, "s"))
				}
				return text, formula, nil
			}
		}
	}
}

// show writes a stored value as a person sees it in the cell.
func (r *xlsxReader) show(kind, v, style string) string {
	switch kind {
	case "s":
		if i, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && i >= 0 && i < len(r.shared) {
			return r.shared[i]
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
	if n, err := strconv.Atoi(style); err == nil && r.dates[n] && x >= 1 && x < 3e6 {
		return r.since.Add(time.Duration(int64(x)) * 24 * time.Hour).Format(time.DateOnly)
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
