package fieldwork

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"html"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library/divisions"
	"github.com/suyang-survey/suyang/surveys/workbook"
)

// frameTownships sizes the frame of TestFrameSpeed: “make frames” takes 19,600 townships.
var frameTownships = flag.Int("townships", 400, "townships of 36 villages in the frame of the speed test")

// workbookOf is a workbook with the rows of a CSV text as Excel writes it: texts are shared
// and counts are numbers. numbers says which columns hold numbers.
func workbookOf(t testing.TB, src []byte, numbers ...int) []byte {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(src)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := map[int]bool{}
	for _, n := range numbers {
		number[n] = true
	}
	var sheet, texts bytes.Buffer
	at := map[string]int{}
	sheet.WriteString(`<worksheet><sheetData>`)
	for y, row := range rows {
		fmt.Fprintf(&sheet, `<row r="%d" spans="1:%d">`, y+1, len(row))
		for x, v := range row {
			ref := fmt.Sprintf("%s%d", workbook.Column(x), y+1)
			if v == "" {
				continue
			}
			if number[x] && y > 0 {
				fmt.Fprintf(&sheet, `<c r="%s" s="1"><v>%s</v></c>`, ref, v)
				continue
			}
			n, ok := at[v]
			if !ok {
				n = len(at)
				at[v] = n
				fmt.Fprintf(&texts, `<si><t>%s</t></si>`, html.EscapeString(v))
			}
			fmt.Fprintf(&sheet, `<c r="%s" t="s"><v>%d</v></c>`, ref, n)
		}
		sheet.WriteString("</row>")
	}
	sheet.WriteString("</sheetData></worksheet>")
	return packed(t, map[string]string{
		"xl/workbook.xml":            `<workbook><sheets><sheet name="村级" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   sheet.String(),
		"xl/sharedStrings.xml":       "<sst>" + texts.String() + "</sst>",
	})
}

// packed is a workbook of parts.
func packed(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
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

const chineseFrame = `区划代码,名称,城乡分类,户数,成年人口,规模,街路
330106002001,北山社区,111,820,1710,12.5,曙光路
330106109201,绕城村,220,402,860,,
330106109202,三墩村,121,0,0,3,
`

// One frame in five encodings: the units are the same, and the hash is that of the file.
func TestOneFrameInManyFiles(t *testing.T) {
	text := strings.Replace(chineseFrame, "860,,", "860,7,", 1)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []FrameUnit{
		{Code: "330106002001", Name: "北山社区", Class: "urban", ClassCode: "111", Households: 820, Adults: 1710, Size: 12.5, Row: 2, Columns: map[string]string{"街路": "曙光路"}},
		{Code: "330106109201", Name: "绕城村", Class: "rural", ClassCode: "220", Households: 402, Adults: 860, Size: 7, Row: 3, Columns: map[string]string{"街路": ""}},
		{Code: "330106109202", Name: "三墩村", Class: "urban", ClassCode: "121", Size: 3, Row: 4, Columns: map[string]string{"街路": ""}},
	}
	for name, src := range map[string][]byte{
		"UTF-8":                   []byte(text),
		"UTF-8 with a mark":       []byte("\ufeff" + text),
		"lines of Windows":        []byte(strings.ReplaceAll(text, "\n", "\r\n")),
		"GB18030":                 []byte(gb),
		"workbook":                workbookOf(t, []byte(text), 3, 4, 5),
		"workbook of numbers":     workbookOf(t, []byte(text), 0, 2, 3, 4, 5),
		"English names":           []byte(strings.Replace(text, "区划代码,名称,城乡分类,户数,成年人口,规模", "Code,name,CLASS,households,adults,size", 1)),
		"blank rows of a program": []byte(text + ",,,,,,\n , ,,,,,\n"),
	} {
		f, err := ReadFrame("f", "2023", src, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(want, f.Units); d != "" {
			t.Errorf("%s: -want +read\n%s", name, d)
		}
		if sum := sha256.Sum256(src); f.Hash != hex.EncodeToString(sum[:]) || f.Vintage != "2023" {
			t.Errorf("%s: hash %s, vintage %s", name, f.Hash, f.Vintage)
		}
		if got := len(f.Remarks) == 1 && f.Remarks[0].Kind == RemarkEncoding; got != (name == "GB18030") {
			t.Errorf("%s: remarks %v", name, f.Remarks)
		}
	}
}

// A frame that is written is read as the same frame.
func TestFrameIsWrittenAsRead(t *testing.T) {
	f := testFrame(t, []byte("区划代码,name,class,class_code,size,路,households\n330106002001,\"a, \"\"b\"\"\",urban,111,0.1,\"x,y\",3\n330106002002,c,rural,,1e-7,,4\n"))
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	again := testFrame(t, out.Bytes())
	if d := cmp.Diff(f.Units, again.Units); d != "" {
		t.Errorf("-read +written and read\n%s", d)
	}
	if d := cmp.Diff([]string{"code", "name", "class", "class_code", "size", "路", "households"}, again.Columns); d != "" {
		t.Error(d)
	}
}

func TestFrameFaults(t *testing.T) {
	const head = "code,name,class,households,adults,size\n"
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "header"},
		{"no code", "name\nx\n", "column code (区划代码)"},
		{"no units", "code\n", "no units"},
		{"blanks only", "code,name\n,\n", "no units"},
		{"column twice", "code,code\n", "twice"},
		{"column twice in two languages", "code,户数,households\n", `"households" stands there twice, as "户数" and "households"`},
		{"short code", "code,adults\n330101001,1\n", `row 2, column code: "330101001" is not a code of 12 digits: it has 9; digits were lost`},
		{"rounded code", "code\n3.30102E+11\n", "row 2, column code: \"3.30102E+11\" was a code before a spreadsheet rounded it"},
		{"full-width code", "code\n３３０１０２００１００１\n", `has full-width digits; write 330102001001`},
		{"blank in the code", "code\n330102 001001\n", "has a blank in it"},
		{"blank after the code", "code\n330102001001\u00a0\n", "has a blank in it"},
		{"nothing seen in the code", "code\n330102001001\u200b\n", "has a blank in it, perhaps one that is not seen"},
		{"no code in a row", "code,name\n,x\n", "row 2, column code: the code is blank"},
		{"letters", "code\n33010200100a\n", "is not a code of 12 digits"},
		{"apostrophe", "code\n'330102001001\n", "is not a code of 12 digits"},
		{"code twice", "code\n330101001001\n330101001001\n", "row 3, column code: 330101001001 stands in row 2 already"},
		{"class", head + "330101001001,x,town,1,1,1\n", `row 2, column class: "town" is no urban–rural class`},
		{"two classes", "code,class,class_code\n330101001001,rural,111\n", `row 2, column class_code: "111" is another class`},
		{"two class codes", "code,class_code,class\n330101001001,112,111\n", `row 2, column class: "111" is another class`},
		{"class in the column of codes", "code,class_code\n330101001001,urban\n", `row 2, column class_code: "urban" is no urban–rural class of the statistics`},
		{"class code", "code,class_code\n330101001001,113\n", `row 2, column class_code: "113" is no urban–rural class`},
		{"no count", "code,households\n330101001001,many\n", "row 2, column households"},
		{"blank count", head + "330101001001,x,urban,,1,1\n", "row 2, column households: the number is not there; write 0 only where nobody lives"},
		{"separators", "code,households\n330101001001,\"1,200\"\n", "; write 1200"},
		{"full-width count", "code,households\n330101001001,１２\n", "; write 12"},
		{"negative", "code,adults\n330101001001,-1\n", "row 2, column adults"},
		{"no number", "code,size\n330101001001,NaN\n", "row 2, column size"},
		{"blank around a name", "code,name\n330101001001, x\n", "row 2, column name: \" x\" begins or ends with a blank"},
		{"value without a column", "code,\n330101001001,x\n", `row 2, column B: "x" stands in a column without a name`},
		{"neither encoding", "code,name\n330101001001,\xff\xff\n", "row 2, column name: "},
		{"damaged UTF-8", "code,name\n330101001001,浙江省\n330101001002,\xd5\n", "row 3: the text is not UTF-8 there"},
		{"lost characters", "code,name\n330101001001,浙\ufffd\n", "neither UTF-8 nor GB18030"},
		{"UTF-16", "\xff\xfec\x00o\x00", "UTF-16"},
		{"short row", "code,name\n330101001001\n", "wrong number of fields"},
		{"quotation mark", "code,name\n330101001001,\"x\n", "f.csv: parse error on line 2"},
	} {
		if _, err := ReadFrame("f.csv", "", []byte(c.file), nil); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
}

// Twenty faults are told at once, each with its row, and no more.
func TestFrameFaultsAreBounded(t *testing.T) {
	text := []byte("code\n" + strings.Repeat("x\n", 50))
	for name, src := range map[string][]byte{"CSV": text, "XLSX": workbookOf(t, text)} {
		_, err := ReadFrame("f", "", src, nil)
		if n := strings.Count(fmt.Sprint(err), "f: row "); n != maxFaults || !strings.Contains(err.Error(), "row 21, column code") {
			t.Errorf("%s: %d faults: %v", name, n, err)
		}
	}
}

// All faults of a row are told, and those of the codes together with those of the reading,
// twenty altogether. A row with a fault counts for codes that stand there twice.
func TestFrameFaultsTogether(t *testing.T) {
	const text = "code,name,class,households,adults\n330102001201,x,town,many,-1\n339902001201,y,111,5,10\n330102001201,z,111,5,10\n"
	rules := FrameRules{Lists: divisions.Lists()}
	f, err := ReadFrame("f.csv", "2023", []byte(text), nil)
	err = f.CodeFaults("f.csv", rules, err)
	lines := strings.Split(fmt.Sprint(err), "\n")
	for i, want := range []string{"f.csv: row 2, column class: ", "f.csv: row 2, column households: ", "f.csv: row 2, column adults: ",
		"f.csv: row 4, column code: 330102001201 stands in row 2 already", "f.csv: row 3, column code: "} {
		if len(lines) != 5 || !strings.HasPrefix(lines[i], want) || strings.HasSuffix(lines[i], "invalid") {
			t.Errorf("line %d, %q wanted, of:\n%v", i+1, want, err)
		}
	}
	if !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("%v is not invalid", err)
	}
	many := "code,households\n" + strings.Repeat("x,y\n", 9) // two faults a row
	for i := range 9 {
		many += fmt.Sprintf("3301%d001001,5\n", 40+i)
	}
	f, err = ReadFrame("f.csv", "2023", []byte(many), nil)
	err = f.CodeFaults("f.csv", rules, err)
	if n := strings.Count(fmt.Sprint(err), "f.csv: row "); n != maxFaults || !strings.HasSuffix(fmt.Sprint(err), "and 7 further divisions") {
		t.Errorf("%d faults: %v", n, err)
	}
	if f, err := ReadFrame("f.csv", "2023", nil, nil); f != nil || f.CodeFaults("f.csv", rules, err) != err {
		t.Errorf("a frame that cannot be read at all: %v, %v", f, err)
	}
}

// What only workbooks have: rows out of order, empty cells, errors of formulas, dates.
func TestWorkbookFaults(t *testing.T) {
	book := func(sheet string) []byte {
		return packed(t, map[string]string{
			"xl/workbook.xml":            `<workbook><sheets><sheet name="a" r:id="r"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r" Target="s.xml"/></Relationships>`,
			"xl/styles.xml":              `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
			"xl/s.xml":                   "<worksheet>" + sheet + "</worksheet>",
		})
	}
	const head = `<row r="1"><c r="A1" t="str"><v>code</v></c><c r="B1" t="str"><v>户数</v></c></row>`
	for _, c := range []struct{ name, sheet, want string }{
		{"empty sheet", "", "the first sheet is empty"},
		{"rounded code", head + `<row r="2"><c r="A2"><v>3.30102001E+11</v></c><c r="B2"><v>1</v></c></row>`, "no fault"},
		{"text of a rounded code", head + `<row r="2"><c r="A2" t="str"><v>3.30102E+11</v></c><c r="B2"><v>1</v></c></row>`, "row 2, column code: "},
		{"no households", head + `<row r="7"><c r="A7"><v>330102001001</v></c></row>`, "row 7, column households: the number is not there"},
		{"error of a formula", head + `<row r="2"><c r="A2"><v>330102001001</v></c><c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>`, `row 2, column households: "#DIV/0!"`},
		{"date", head + `<row r="2"><c r="A2"><v>330102001001</v></c><c r="B2" s="1"><v>45000</v></c></row>`, `row 2, column households: "2023-03-15"`},
		{"half a household", head + `<row r="2"><c r="A2"><v>330102001001</v></c><c r="B2"><v>12.5</v></c></row>`, `row 2, column households: "12.5" is not a whole number`},
		{"rows out of order", head + `<row r="5"><c r="A5"><v>330102001001</v></c></row><row r="3"><c r="A3"><v>330102001002</v></c></row>`, "row 3 stands below row 5"},
		{"column without a name", head + `<row r="2"><c r="A2"><v>330102001001</v></c><c r="B2"><v>1</v></c><c r="E2"><v>9</v></c></row>`, `row 2, column E: "9" stands in a column without a name`},
		{"far to the right", head + `<row r="2"><c r="XFD2"><v>1</v></c></row>`, "cell XFD2: a frame has at most 200 columns"},
		{"no workbook", "<row", "is damaged"},
	} {
		_, err := ReadFrame("f.xlsx", "", book(c.sheet), nil)
		if c.want == "no fault" { // 3.30102001E+11 is how a workbook may store 330102001000
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if !strings.Contains(fmt.Sprint(err), c.want) || !strings.HasPrefix(fmt.Sprint(err), "f.xlsx") {
			t.Errorf("%s: %v, want one that says %q", c.name, err, c.want)
		}
	}
	if _, err := ReadFrame("f.xlsx", "", []byte("PK\x03\x04no zip"), nil); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("half a workbook: %v", err)
	}
}

// Whatever the bytes, reading ends without panic, with a frame that can be written and read
// again, or with an error of a known kind.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte(chineseFrame))
	f.Add(frameText(1, 1, 2))
	f.Add([]byte("code,名称\n330106002001,\xd5\xe3\xbd\xad\n"))
	f.Add(workbookOf(f, []byte("code,户数\n330106002001,3\n"), 0, 1))
	f.Fuzz(func(t *testing.T, src []byte) {
		frame, err := ReadFrame("f", "", src, nil)
		if err != nil {
			if !errors.Is(err, surveys.ErrInvalid) && !errors.Is(err, surveys.ErrTooLarge) {
				t.Fatalf("%v is of no known kind", err)
			}
			return
		}
		var out bytes.Buffer
		if err := frame.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadFrame("again", "", out.Bytes(), nil)
		if err != nil || len(again.Units) != len(frame.Units) {
			t.Fatalf("written as\n%s\nread as %v", out.Bytes(), err)
		}
		for i := range frame.Units {
			frame.Units[i].Row, again.Units[i].Row = 0, 0
		}
		if d := cmp.Diff(frame.Units, again.Units); d != "" {
			t.Fatalf("-read +written and read\n%s", d)
		}
	})
}

// Reading is fast enough for the country: 700,000 villages within a minute, which is
// 11,667 in a second, from CSV and from a workbook, checked and with a proposal. “make
// frames” reads 705,600 villages and prints the times and the memory. The short version in
// the tests, beside which others run, asks for a tenth of that speed: it fails when the
// time is no longer in proportion to the villages.
func TestFrameSpeed(t *testing.T) {
	text := frameText((*frameTownships+199)/200, 100, 36)
	for _, file := range []struct {
		name string
		src  []byte
	}{{"CSV", text}, {"XLSX", workbookOf(t, text, 3, 4, 5)}} {
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		f, err := ReadFrame(file.name, "", file.src, nil)
		if err != nil {
			t.Fatal(err)
		}
		read := time.Since(begun)
		if _, err := f.Check(file.name, FrameRules{Take: 25, Most: 60}); err != nil {
			t.Fatal(err)
		}
		changes, _ := f.Proposal(FrameRules{Take: 25, Most: 60})
		all := time.Since(begun)
		runtime.GC()
		runtime.ReadMemStats(&after)
		t.Logf("%s: %d villages, %s MB, read in %.1f s, with checks and %d changes %.1f s; the frame takes %d MB, %d MB were allocated in all",
			file.name, len(f.Units), strconv.Itoa(len(file.src)>>20), read.Seconds(), len(changes), all.Seconds(), (after.HeapAlloc-before.HeapAlloc)>>20, (after.TotalAlloc-before.TotalAlloc)>>20)
		want := 700_000.0 / 60
		if len(f.Units) < 700_000 {
			want /= 10
		}
		if per := float64(len(f.Units)) / all.Seconds(); per < want {
			t.Errorf("%s: %.0f villages a second, want %.0f", file.name, per, want)
		}
		runtime.KeepAlive(f)
	}
}
