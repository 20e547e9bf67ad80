package xlsform_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys/definition"
	"github.com/suyang-survey/suyang/surveys/xlsform"
)

// packed makes a workbook with one part as given, from an exported one.
func packed(t testing.TB, part string, content io.Reader) []byte {
	t.Helper()
	src, _ := exported(t, everything())
	in, err := zip.NewReader(bytes.NewReader(src), int64(len(src)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range in.File {
		var from io.Reader = content
		if f.Name != part {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			from = r
		}
		w, err := z.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, from); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bomb is a small workbook that unpacks to 30 MB.
func bomb(t testing.TB) []byte {
	cell := `<c t="inlineStr"><is><t></t></is></c>`
	return packed(t, "xl/worksheets/sheet1.xml", io.LimitReader(&endless{text: `<worksheet><sheetData><row>` + strings.Repeat(cell, 1000)}, 30<<20))
}

// endless repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c := copy(p[n:], e.text[e.at:])
		n += c
		e.at = (e.at + c) % len(e.text)
	}
	return n, nil
}

// FuzzSheet reads a workbook whose sheet survey is any XML: it is refused or becomes a
// questionnaire that can be written.
func FuzzSheet(f *testing.F) {
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>type</t></is></c><c t="str"><v>name</v></c></row><row><c><v>1</v></c></row></sheetData></worksheet>`)
	f.Add(`<worksheet><sheetData><row r="-1"><c r="A60000000"/></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells></worksheet>`)
	f.Fuzz(func(t *testing.T, sheet string) {
		if len(sheet) > 10_000 {
			t.Skip("small forms find the same")
		}
		q, _, err := xlsform.Import(packed(t, "xl/worksheets/sheet1.xml", strings.NewReader(sheet)), options)
		if err != nil {
			return
		}
		if _, err := definition.Write(q); err != nil {
			t.Error(err)
		}
	})
}

// FuzzExpressions reads a form with any expression.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{"${age} > 18", "selected(${media}, 'tv') and not(. = 'x')", "if(${age} mod 2 = 0, 'a', \"b\")", strings.Repeat("(", 500), "--1", "${", "'", "a/b[1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { xlsform.TryExpression(s) })
}
