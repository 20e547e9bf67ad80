package xlsform

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

// The limits of a workbook. A file beyond one of them is refused before more of it is
// read.
const (
	MaxFile     = 10 << 20 // bytes of the file
	MaxUnzipped = 24 << 20 // bytes that are unpacked from it
	MaxSheets   = 100
	MaxRows     = 50_000  // of a sheet, empty ones among them
	MaxColumns  = 500     // of a sheet
	MaxCells    = 400_000 // of all sheets, with empty ones before the last of a row
	MaxText     = 32_767  // characters of a cell, as in Excel
)

// A book is a workbook as texts: nothing else of a spreadsheet means anything to a form.
type book struct{ sheets []*sheet }

// sheet finds a sheet by its name, in any case, or nil.
func (b *book) sheet(name string) *sheet {
	for _, s := range b.sheets {
		if strings.EqualFold(strings.TrimSpace(s.name), name) {
			return s
		}
	}
	return nil
}

// A sheet is a table. Rows that are empty are nil.
type sheet struct {
	name string
	rows [][]string
	// odd are the places of what is more than a text, such as a formula.
	odd []oddity
}

// An oddity is something in a sheet that was read as a mere text.
type oddity struct {
	row, col int // from 0
	what     string
}

// cell returns the text in a place, counted from 0; blank outside.
func (s *sheet) cell(row, col int) string {
	if row >= len(s.rows) || col < 0 || col >= len(s.rows[row]) {
		return ""
	}
	return s.rows[row][col]
}

// put writes a text into a place, and makes room for it.
func (s *sheet) put(row, col int, text string) {
	for len(s.rows) <= row {
		s.rows = append(s.rows, nil)
	}
	for len(s.rows[row]) <= col {
		s.rows[row] = append(s.rows[row], "")
	}
	s.rows[row][col] = text
}

// readXLSX reads the sheets of a form in a workbook, as texts. It stops at the first limit;
// an error wraps surveys.ErrInvalid or surveys.ErrTooLarge.
func readXLSX(src []byte) (*book, error) {
	w, err := workbook.Open(src, workbook.Limits{File: MaxFile, Unzipped: MaxUnzipped, Sheets: MaxSheets, Texts: MaxCells, Text: MaxText})
	if err != nil {
		return nil, err
	}
	b, cells := &book{}, 0
	for i, name := range w.Sheets() {
		s := &sheet{name: name}
		b.sheets = append(b.sheets, s)
		// Other sheets, such as a description of the form, hold nothing of it, and of two
		// with one name the first counts.
		if !used(name) || b.sheet(name) != s {
			continue
		}
		err := w.Read(i, func(c workbook.Cell) error {
			if err := s.room(c.Row, c.Col, &cells); err != nil {
				return err
			}
			if !utf8.ValidString(c.Text) || utf8.RuneCountInString(c.Text) > MaxText {
				return fmt.Errorf("%w: sheet %q, cell %s%d: the text has more than %d characters", surveys.ErrTooLarge, short(name), workbook.Column(c.Col), c.Row+1, MaxText)
			}
			s.put(c.Row, c.Col, c.Text)
			if c.Formula {
				s.odd = append(s.odd, oddity{c.Row, c.Col, "a formula"})
			}
			return nil
		}, func(row, col int) error {
			if len(s.odd) < MaxCells {
				s.odd = append(s.odd, oddity{row, col, "merged cells"})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// used reports whether a sheet of this name belongs to a form.
func used(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "survey", "choices", "settings", ownSheet:
		return true
	}
	return false
}

// room checks the limits before a cell is kept; cells are those of all sheets so far.
func (s *sheet) room(row, col int, cells *int) error {
	have := 0
	if row < len(s.rows) {
		have = len(s.rows[row])
	}
	if *cells += max(1, col+1-have); *cells > MaxCells {
		return fmt.Errorf("%w: the workbook has more than %d cells, counted from the first of each row to the last; delete what stands far to the right", surveys.ErrTooLarge, MaxCells)
	}
	switch {
	case row >= MaxRows:
		return fmt.Errorf("%w: sheet %q goes beyond row %d; divide the form, or delete what stands below it", surveys.ErrTooLarge, short(s.name), MaxRows)
	case col >= MaxColumns:
		return fmt.Errorf("%w: sheet %q goes beyond column %s; delete what stands to the right of it", surveys.ErrTooLarge, short(s.name), workbook.Column(MaxColumns-1))
	}
	return nil
}

// short cuts a text that is shown in a message.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
