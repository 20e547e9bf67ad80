package xlsform

import (
	"strconv"
	"strings"
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

// columnName is the letter of a column counted from 0: A, B … Z, AA.
func columnName(col int) string {
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
