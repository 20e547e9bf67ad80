// Package export writes a report for other programs, with numbers in full precision: its
// tables as one long CSV file, and all of it as JSON. A number that does not exist or must not
// be published is missing there, never zero.
package export

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
)

// Columns are those of the CSV file, in their order. A record is one cell of a table.
var columns = []string{
	"report", "marks", "chapter", "table", "number", "title", "base",
	"row", "part", "name", "detail", "total",
	"column", "heading", "main",
	"value", "unit", "printed", "decimals", "suppressed", "letters", "note_numbers", "notes",
}

// byteOrderMark tells Excel that the file is UTF-8.
const byteOrderMark = "\ufeff"

// CSV writes the tables as one record for each cell. An error wraps surveys.ErrInvalid if a
// table cannot be laid out. No text is a formula to a spreadsheet program: one that begins as
// formulas do, or with an apostrophe, has an apostrophe before it.
func CSV(w io.Writer, d *document.Document) error {
	if _, err := io.WriteString(w, byteOrderMark); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(columns); err != nil {
		return err
	}
	for i := range d.Sections {
		for _, b := range d.Sections[i].Blocks {
			if b.Table == nil {
				continue
			}
			if err := table(out, d, &d.Sections[i], b.Table); err != nil {
				return fmt.Errorf("write %q as CSV: %w", d.Title, err)
			}
		}
	}
	out.Flush()
	return out.Error()
}

func table(out *csv.Writer, d *document.Document, s *document.Section, t *document.Table) error {
	g, err := grid.Of(t)
	if err != nil {
		return err
	}
	before := []string{guard(d.Title), guard(strings.Join(d.Marks, "\n")), guard(strings.TrimSpace(s.Number + " " + s.Title)),
		guard(t.ID), guard(t.Number), guard(t.Title), guard(t.Base)}
	part := ""
	for r, row := range t.Rows {
		if row.Heading {
			part = row.Name
			continue
		}
		of := append(before[:len(before):len(before)], strconv.Itoa(r+1), guard(part), guard(row.Name), guard(row.Detail), strconv.FormatBool(row.Total))
		for c := range row.Cells {
			if err := out.Write(append(of[:len(of):len(of)], cell(t, g, c, &row.Cells[c])...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// cell makes the fields that differ from cell to cell.
func cell(t *document.Table, g *grid.Grid, c int, x *document.Cell) []string {
	value, decimals := "", ""
	if v, ok := grid.Number(x); ok {
		value, decimals = strconv.FormatFloat(v, 'f', -1, 64), strconv.Itoa(x.Decimals)
	}
	numbers, notes := make([]string, len(x.Notes)), make([]string, len(x.Notes))
	for i, n := range x.Notes {
		numbers[i], notes[i] = strconv.Itoa(n), t.Notes[n-1]
	}
	return []string{strconv.Itoa(c + 1), guard(g.Name(c + 1)), strconv.FormatBool(x.Main),
		value, string(x.Unit), guard(x.Text), decimals, strconv.FormatBool(x.Suppressed), guard(x.Letters),
		strings.Join(numbers, " "), guard(strings.Join(notes, "\n"))}
}

// printed is a number as it is printed, which is no formula though it may begin with a sign.
var printed = regexp.MustCompile(`^[-+−]?[0-9][0-9,]*(\.[0-9]+)?%?$`)

// guard keeps spreadsheet programs from taking a text for a formula.
func guard(s string) string {
	s = grid.Plain(s)
	begins := strings.TrimLeft(s, " \t\n")
	if strings.HasPrefix(s, "'") || strings.IndexAny(begins, "=+-@＝＋－＠|%") == 0 && !printed.MatchString(s) {
		return "'" + s
	}
	return s
}
