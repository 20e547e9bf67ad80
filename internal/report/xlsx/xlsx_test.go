package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/document/documenttest"
	"github.com/suyang-survey/suyang/internal/report/grid"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

var keep = flag.String("keep", "", "folder to keep a workbook in, to look at it")

func written(t *testing.T, d *document.Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	if *keep != "" {
		if err := os.WriteFile(filepath.Join(*keep, string(d.Lang)+".xlsx"), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func opened(t *testing.T, d *document.Document) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(written(t, d)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func tables(d *document.Document) []*document.Table {
	var ts []*document.Table
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if b.Table != nil {
				ts = append(ts, b.Table)
			}
		}
	}
	return ts
}

// start is the first row of numbers on the sheet of a table, counted from 1: below the caption,
// base, marks, the link back and the head.
func start(d *document.Document, t *document.Table) int {
	n := 3 + len(d.Marks) + len(t.Head)
	if t.Base != "" {
		n++
	}
	return n
}

// Every number is stored in full precision and shown as it is printed; every text is a text.
func TestCells(t *testing.T) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		d := documenttest.Sample(lang)
		f := opened(t, d)
		sheets := f.GetSheetList()
		numbers := 0
		for i, table := range tables(d) {
			sheet := sheets[i+1]
			p, err := (&book{}).places(table)
			if err != nil {
				t.Fatal(err)
			}
			for r, row := range table.Rows {
				for c, cell := range row.Cells {
					at, _ := excelize.CoordinatesToCellName(p.start[c+1], start(d, table)+r)
					kind, _ := f.GetCellType(sheet, at)
					raw, _ := f.GetCellValue(sheet, at, excelize.Options{RawCellValue: true})
					shown, _ := f.GetCellValue(sheet, at)
					if x, ok := grid.Number(&cell); ok {
						numbers++
						got, err := strconv.ParseFloat(raw, 64)
						if err != nil || math.Float64bits(got) != math.Float64bits(x) || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
							t.Errorf("%s!%s is %q of kind %v, want the number %v", sheet, at, raw, kind, x)
						}
						want := strings.ReplaceAll(cell.Text, "−", "-")
						if strings.ReplaceAll(shown, ",", "") != want {
							t.Errorf("%s!%s looks like %q, want %q", sheet, at, shown, want)
						}
						continue
					}
					if want := grid.Plain(cell.Text); raw != want || want != "" && kind != excelize.CellTypeSharedString {
						t.Errorf("%s!%s is %q of kind %v, want the text %q", sheet, at, raw, kind, want)
					}
				}
			}
		}
		if numbers < 400 {
			t.Errorf("only %d numbers were compared", numbers)
		}
	}
}

// What must not be published is nowhere in the file, though the program knew it.
func TestSuppressedNumbersAreNotInTheFile(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	secret := 0.9753197
	cell := &tables(d)[0].Rows[8].Cells[0]
	if !cell.Suppressed {
		t.Fatal("the sample has changed")
	}
	cell.Value = &secret
	for name, text := range unzipped(t, written(t, d)) {
		if strings.Contains(text, "9753197") {
			t.Errorf("%s has the number", name)
		}
	}
}

func unzipped(t *testing.T, src []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		texts[f.Name] = string(text)
	}
	return texts
}

func TestNoFormulaAndTextThatLooksLikeOneIsFormattedAsText(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	src := written(t, d)
	for name, text := range unzipped(t, src) {
		if strings.HasPrefix(name, "xl/worksheets/") && (strings.Contains(text, "<f>") || strings.Contains(text, "<f ")) {
			t.Errorf("%s has a formula", name)
		}
		if strings.Contains(name, "externalLink") {
			t.Errorf("there is %s", name)
		}
	}
	f := opened(t, d)
	hostile := tables(d)[3]
	guarded := 0
	for r, row := range hostile.Rows {
		at, _ := excelize.CoordinatesToCellName(2, start(d, hostile)+r)
		id, err := f.GetCellStyle("Table B-1", at)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil {
			t.Fatal(err)
		}
		dangerous := strings.ContainsAny(strings.TrimSpace(row.Name)[:1], "=+-@") || strings.HasPrefix(row.Name, "＝")
		if dangerous {
			guarded++
		}
		if dangerous != (style.NumFmt == 49) {
			t.Errorf("%q has the format %d", row.Name, style.NumFmt)
		}
	}
	if guarded != 6 {
		t.Errorf("%d hostile texts look like formulas, want 6", guarded)
	}
}

func TestTheSameReportGivesTheSameBytes(t *testing.T) {
	one := written(t, documenttest.Sample(surveys.ZH))
	for range 3 {
		if two := written(t, documenttest.Sample(surveys.ZH)); !bytes.Equal(one, two) {
			t.Fatal("the same report gives two workbooks")
		}
	}
}

// Another reader than the one of the library that wrote it finds the texts, too.
func TestAnotherReaderReadsTheWorkbook(t *testing.T) {
	d := documenttest.Sample(surveys.ZH)
	b, err := workbook.Open(written(t, d), workbook.Limits{File: 1 << 24, Unzipped: 1 << 26, Sheets: 20, Texts: 10000, Text: 32767})
	if err != nil {
		t.Fatal(err)
	}
	want := "目录 表 1 表 2 表 3 表 B-1"
	if got := strings.Join(b.Sheets(), " "); got != want {
		t.Errorf("the sheets are %q, want %q", got, want)
	}
}

// The first sheet leads to every table and says whose numbers they are.
func TestTheListOfTables(t *testing.T) {
	d := documenttest.Sample(surveys.ZH)
	f := opened(t, d)
	rows, err := f.GetRows("目录")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for r, row := range rows {
		for _, table := range tables(d) {
			if len(row) < 3 || row[0] != table.Number {
				continue
			}
			found++
			at, _ := excelize.CoordinatesToCellName(2, r+1)
			there, target, err := f.GetCellHyperLink("目录", at)
			if err != nil || !there || target != "'"+table.Number+"'!A1" {
				t.Errorf("%s leads to %q (%v)", at, target, err)
			}
			if row[1] != grid.Plain(table.Title) || table.Base != "" && row[3] != table.Base {
				t.Errorf("row %d says %q", r+1, row)
			}
		}
	}
	if found != 4 {
		t.Errorf("the list has %d tables, want 4", found)
	}
	if rows[2][0] != d.Marks[0] {
		t.Errorf("the first sheet says %q, want %q", rows[2][0], d.Marks[0])
	}
}

func TestHeadsNotesAndFrames(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	f := opened(t, d)
	merged, err := f.GetMergeCells("Table 1")
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]string{}
	for _, m := range merged {
		at[m[0]] = m[1]
	}
	// Area and its remark, then 2026 over the rate with its letters and footnotes, the interval
	// and the standard error; the others go down two rows.
	for where, want := range map[string]string{"A6:A7": "Area", "B6:B7": "Remark", "C6:G6": "2026", "H6:H7": "Change on 2023 (points)", "I6:I7": "Interviews", "J6:J7": "Notes"} {
		if at[where] != want {
			t.Errorf("%s is %q, want %q; merged are %v", where, at[where], want, at)
		}
	}
	for where, want := range map[string]string{"C7": "Rate", "D7": "Group", "E7": "Notes", "F7": "95% interval", "D11": "ab", "E15": "1, 3", "C16": "※", "E16": "2", "J16": "2, 1",
		"A2": tables(d)[0].Base, "A3": d.Marks[0], "A4": d.Marks[1], "A19": "1  " + tables(d)[0].Notes[0]} {
		if got, _ := f.GetCellValue("Table 1", where); got != want {
			t.Errorf("%s is %q, want %q", where, got, want)
		}
	}
	panes, err := f.GetPanes("Table 1")
	if err != nil || !panes.Freeze || panes.YSplit != 7 || panes.XSplit != 2 || panes.TopLeftCell != "C8" {
		t.Errorf("the panes are %+v (%v)", panes, err)
	}
	found := false
	for _, n := range f.GetDefinedName() {
		found = found || n.Name == "_xlnm.Print_Titles" && n.RefersTo == "'Table 1'!$6:$7"
	}
	if !found {
		t.Errorf("no rows are repeated on every page: %+v", f.GetDefinedName())
	}
	if w, _ := f.GetColWidth("Table 3", "B"); w < 30 {
		t.Errorf("the column of remarks is %v wide", w)
	}
}

func TestNamesOfSheets(t *testing.T) {
	n := names{}
	for i, c := range []struct{ text, want string }{
		{"表 1", "表 1"}, {"表 1", "表 1 (2)"}, {"a/b:c*?[d]\\e", "a b c d e"}, {"'quoted'", "quoted"}, {"History", "History_"},
		{strings.Repeat("长", 40), strings.Repeat("长", 31)}, {strings.Repeat("长", 40), strings.Repeat("长", 27) + " (2)"},
		{strings.Repeat("𠀀", 20), strings.Repeat("𠀀", 15)}, {"", "fallback"}, {"TABLE", "TABLE"}, {"table", "table (2)"},
	} {
		if got := n.take(c.text, "fallback"); got != c.want {
			t.Errorf("%d: take(%q) = %q, want %q", i, c.text, got, c.want)
		}
	}
}

func TestReportsThatCannotBeWritten(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	tables(d)[0].Head[1][0].Down = 3
	if err := Write(io.Discard, d); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), `table "rate-by-city"`) {
		t.Errorf("a head that reaches below itself: %v", err)
	}
	if err := Write(io.Discard, &document.Document{Lang: "fr"}); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("another language: %v", err)
	}
	if err := Write(io.Discard, &document.Document{Lang: surveys.ZH}); err != nil {
		t.Errorf("a report without tables: %v", err)
	}
}
