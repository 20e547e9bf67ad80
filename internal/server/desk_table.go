package server

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// deskTable is a table of a page of the desk. It is sorted by the address and downloaded
// as CSV: ?sort=TABLE.COLUMN, or -TABLE.COLUMN downwards, and ?download=TABLE.
type deskTable struct {
	ID, Caption string
	Columns     []deskColumn
	Rows        [][]deskCell
	// Empty is said of a table without rows; Notes stand below it.
	Empty string
	Notes []string
	// Download is the address of the table as CSV, Next that of its next rows, Previous that
	// of those before.
	Download, Next, Previous             string
	DownloadName, NextName, PreviousName string
}

// deskColumn is a column; Href sorts by it, Sorted is ascending, descending or none.
type deskColumn struct {
	Key, Name, Href, Sorted string
	Number                  bool
}

// deskCell is a cell. Numbers are sorted by Value; Bar draws Value, 0 to 1, as a bar
// beside the text, which says the same. Tick is the value of a box before the text, a field
// “case” of the form with the ID assign.
type deskCell struct {
	Text, Href  string
	Number, Bar bool
	Value       float64
	Tick        string
	Ticked      bool
	// Full says that the download has Value with all its digits instead of Text.
	Full bool
}

// Width is the length of the bar.
func (c deskCell) Width() string { return strconv.FormatFloat(100*min(max(c.Value, 0), 1), 'f', 1, 64) }

// Long says that the text needs room: more than ten Chinese characters.
func (c deskCell) Long() bool { return len(c.Text) > 30 }

// whole is a cell with a count.
func whole(n int) deskCell {
	return deskCell{Text: strconv.Itoa(n), Number: true, Value: float64(n)}
}

// table begins a table; caption and columns are keys of words. A column that begins with
// # holds numbers. A column's key in addresses is what comes after the last dot.
func (d *desk) table(f deskFrame, id, caption string, columns ...string) (deskTable, error) {
	t := deskTable{ID: id, Download: f.with("download", id)}
	var err error
	say := func(key string) string {
		text, sayErr := f.T(key)
		if err == nil {
			err = sayErr
		}
		return text
	}
	t.Caption, t.Empty, t.DownloadName, t.NextName, t.PreviousName = say(caption), say("desk.empty"), say("desk.download"), say("desk.next"), say("desk.previous")
	for _, c := range columns {
		key, number := strings.CutPrefix(c, "#")
		t.Columns = append(t.Columns, deskColumn{Key: key[strings.LastIndex(key, ".")+1:], Name: say(key), Number: number})
	}
	return t, err
}

// add adds a row with a cell for every column.
func (t *deskTable) add(cells ...deskCell) { t.Rows = append(t.Rows, cells) }

// sortedBy is the column that an address asks for, -1 for none.
func (t *deskTable) sortedBy(f deskFrame) (column int, down bool) {
	asked, down := strings.CutPrefix(f.url.Query().Get("sort"), "-")
	table, key, _ := strings.Cut(asked, ".")
	if table != t.ID {
		return -1, false
	}
	return slices.IndexFunc(t.Columns, func(c deskColumn) bool { return c.Key == key }), down
}

// mark gives the columns the addresses that sort by them.
func (t *deskTable) mark(f deskFrame) (column int, down bool) {
	column, down = t.sortedBy(f)
	for i := range t.Columns {
		c := &t.Columns[i]
		by := t.ID + "." + c.Key
		switch {
		case i == column && down:
			c.Sorted = "descending"
		case i == column:
			c.Sorted, by = "ascending", "-"+by
		}
		c.Href = f.with("sort", by, "after", "")
	}
	return column, down
}

// arrange sorts the rows as the address asks, in the order they were added otherwise.
func (t *deskTable) arrange(f deskFrame) error {
	for _, r := range t.Rows {
		if len(r) != len(t.Columns) {
			return fmt.Errorf("table %s: a row has %d cells for %d columns", t.ID, len(r), len(t.Columns))
		}
	}
	column, down := t.mark(f)
	if column < 0 {
		return nil
	}
	slices.SortStableFunc(t.Rows, func(a, b []deskCell) int {
		x, y := a[column], b[column]
		if down {
			x, y = y, x
		}
		if x.Number && y.Number {
			return cmp.Compare(x.Value, y.Value)
		}
		return cmp.Compare(x.Text, y.Text)
	})
	return nil
}

// cut leaves the rows of one page, from the one on that the address asks for: ?after=N.
func (t *deskTable) cut(f deskFrame) {
	from, err := strconv.Atoi(f.url.Query().Get("after"))
	if err != nil || from < 0 || from >= len(t.Rows) {
		from = 0
	}
	if from > 0 {
		t.Previous = f.with("after", strconv.Itoa(max(from-pageRows, 0)))
	}
	t.Rows = t.Rows[from:]
	if len(t.Rows) > pageRows {
		t.Next, t.Rows = f.with("after", strconv.Itoa(from+pageRows)), t.Rows[:pageRows]
	}
}

// sent says that the address asks for a table as CSV.
func (v *call) sent(table string) bool { return v.QueryParam("download") == table }

// formula are the first characters that a spreadsheet would take for the beginning of a
// formula.
const formula = "=+-@＝＋－＠\t\r"

// send writes the table as CSV, UTF-8 with the mark by which Excel knows it.
func (t *deskTable) send(v *call) error {
	var out bytes.Buffer
	out.WriteString("\ufeff")
	w := csv.NewWriter(&out)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Name
	}
	if err := w.Write(line); err != nil {
		return err
	}
	for _, r := range t.Rows {
		for i, c := range r {
			if line[i] = c.Text; !c.Number && c.Text != "" && strings.ContainsRune(formula, []rune(c.Text)[0]) {
				line[i] = "'" + c.Text
			}
			if c.Full {
				line[i] = strconv.FormatFloat(c.Value, 'g', -1, 64)
			}
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	v.Response().Header().Set("Content-Disposition", `attachment; filename="`+t.ID+`.csv"`)
	return v.Blob(http.StatusOK, "text/csv; charset=utf-8", out.Bytes())
}
