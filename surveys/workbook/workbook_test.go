package workbook_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

var limits = workbook.Limits{File: 1 << 20, Unzipped: 1 << 20, Sheets: 3, Texts: 100, Text: 50}

// written is a workbook that excelize makes, a program that is not ours.
func written(t testing.TB, make func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	make(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func set(f *excelize.File, cell string, v any) { _ = f.SetCellValue("Sheet1", cell, v) }

// Cells come in the order of rows, as a person sees them; merged areas by their first cell.
func TestRead(t *testing.T) {
	b, err := workbook.Open(written(t, func(f *excelize.File) {
		_, _ = f.NewSheet("二")
		set(f, "A1", "code")
		set(f, "C1", "户数 & more")
		set(f, "A2", 330102001001)
		set(f, "B2", 0.1)
		set(f, "C2", true)
		set(f, "AB7", time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
		_ = f.SetCellFormula("Sheet1", "A8", "1+1")
		_ = f.SetCellRichText("Sheet1", "B8", []excelize.RichTextRun{{Text: "rich "}, {Text: "text"}})
		_ = f.MergeCell("Sheet1", "D3", "E4")
	}), limits)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Sheets(); !cmp.Equal(got, []string{"Sheet1", "二"}) {
		t.Errorf("sheets %v", got)
	}
	var got, merged []string
	err = b.Read(0, func(c workbook.Cell) error {
		text := fmt.Sprintf("%s%d %s", workbook.Column(c.Col), c.Row+1, c.Text)
		if c.Formula {
			text += "="
		}
		got = append(got, text)
		return nil
	}, func(row, col int) error {
		merged = append(merged, fmt.Sprintf("%s%d", workbook.Column(col), row+1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A1 code", "C1 户数 & more", "A2 330102001001", "B2 0.1", "C2 TRUE", "AB7 2026-11-25", "A8 =", "B8 rich text"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +read\n%s", d)
	}
	if !cmp.Equal(merged, []string{"D3"}) {
		t.Errorf("merged areas at %v", merged)
	}
	if done, total := b.Unzipped(); done <= 0 || done > total {
		t.Errorf("%d of %d bytes are unpacked", done, total)
	}
	stop := errors.New("stop")
	cells := 0
	if err := b.Read(0, func(workbook.Cell) error { cells++; return stop }, nil); !errors.Is(err, stop) || cells != 1 {
		t.Errorf("an error after %d cells: %v", cells, err)
	}
}

// packed is a workbook of parts.
func packed(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err == nil {
			_, err = w.Write([]byte(parts[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRefusals(t *testing.T) {
	const main, rels = `<workbook><sheets><sheet name="a" id="r"/></sheets></workbook>`, `<Relationships><Relationship Id="r" Target="s.xml"/></Relationships>`
	book := func(sheet string) []byte {
		return packed(t, "xl/workbook.xml", main, "xl/_rels/workbook.xml.rels", rels, "xl/s.xml", sheet)
	}
	for _, c := range []struct {
		name string
		src  []byte
		kind error
		want string
	}{
		{"no workbook", []byte("code,name"), surveys.ErrInvalid, "no XLSX workbook"},
		{"too large", make([]byte, limits.File+1), surveys.ErrTooLarge, "more than 1 MiB"},
		{"another package", packed(t, "word/document.xml", "<a/>"), surveys.ErrInvalid, "no workbook in the file"},
		{"a sheet that is gone", packed(t, "xl/workbook.xml", main), surveys.ErrInvalid, `sheet "a" is missing`},
		{"many sheets", packed(t, "xl/workbook.xml", "<workbook>"+strings.Repeat(`<sheet name="a"/>`, 4)+"</workbook>"), surveys.ErrTooLarge, "more than 3 sheets"},
		{"a bomb", book("<worksheet>" + strings.Repeat(" ", 2<<20)), surveys.ErrTooLarge, "unpacks to more than 1 MiB"},
		{"a long text", book(`<c r="A1" t="str"><v>` + strings.Repeat("x", 201) + "</v></c>"), surveys.ErrTooLarge, "a cell has more than 50 characters"},
		{"damaged", book("<row"), surveys.ErrInvalid, "part xl/s.xml of the workbook is damaged"},
		{"cut between two rows", book(`<worksheet><sheetData><row><c r="A1" t="str"><v>x</v></c></row>`), surveys.ErrInvalid, "part xl/s.xml of the workbook is damaged: it ends early"},
		{"cut within a cell", book(`<worksheet><sheetData><row><c r="A1"><v>1`), surveys.ErrInvalid, "it ends early"},
		{"an empty sheet part", book(""), surveys.ErrInvalid, "it ends early"},
		{"shared texts cut", packed(t, "xl/workbook.xml", "<workbook/>", "xl/sharedStrings.xml", "<sst><si><t>x</t></si>"), surveys.ErrInvalid, "part xl/sharedstrings.xml of the workbook is damaged: it ends early"},
		{"an address", book(`<c r="1A"/>`), surveys.ErrInvalid, `a cell with the address "1A"`},
		{"many texts", packed(t, "xl/workbook.xml", "<workbook/>", "xl/sharedStrings.xml", strings.Repeat("<si></si>", 101)), surveys.ErrTooLarge, "more than 100 texts"},
	} {
		b, err := workbook.Open(c.src, limits)
		if err == nil {
			err = b.Read(0, func(workbook.Cell) error { return nil }, nil)
		}
		if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestColumn(t *testing.T) {
	for col, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA", 16383: "XFD"} { // the last of Excel
		if got := workbook.Column(col); got != want {
			t.Errorf("Column(%d) = %s, want %s", col, got, want)
		}
	}
}
