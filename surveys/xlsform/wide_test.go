package xlsform

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// A small file whose cells stand far to the right is refused before it takes memory: a
// row is kept from its first column on. Of two sheets with one name the first counts.
func TestWideSheets(t *testing.T) {
	workbook := func(rows int, column string) []byte {
		var sh strings.Builder
		sh.WriteString("<worksheet><sheetData>")
		for i := range rows {
			fmt.Fprintf(&sh, `<row><c r="%s%d" t="str"><v>x</v></c></row>`, column, i+1)
		}
		sh.WriteString("</sheetData></worksheet>")
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		for _, p := range [][2]string{
			{"xl/workbook.xml", `<workbook><sheets><sheet name="survey" id="rId1"/><sheet name="Survey " id="rId1"/></sheets></workbook>`},
			{"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`},
			{"xl/worksheets/sheet1.xml", sh.String()},
		} {
			w, err := z.Create(p[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(p[1])); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	if _, err := readXLSX(workbook(50_000, "SF")); !errors.Is(err, surveys.ErrTooLarge) {
		t.Errorf("50,000 rows of 500 columns: %v, want too large", err)
	}
	b, err := readXLSX(workbook(20, "SF"))
	if err != nil || len(b.sheets) != 2 || len(b.sheets[0].rows) != 20 || len(b.sheets[1].rows) != 0 {
		t.Errorf("two sheets of one name: %v", err)
	}
}
