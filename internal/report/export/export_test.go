package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/document/documenttest"
	"github.com/suyang-survey/suyang/internal/report/grid"
	"github.com/suyang-survey/suyang/surveys"
)

func both(t *testing.T, check func(t *testing.T, d *document.Document)) {
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		t.Run(string(lang), func(t *testing.T) { check(t, documenttest.Sample(lang)) })
	}
}

func asJSON(t *testing.T, d *document.Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// published is the report without the numbers that no file may have.
func published(d *document.Document) *document.Document {
	for _, s := range d.Sections {
		for _, b := range s.Blocks {
			if b.Table == nil {
				continue
			}
			for h := range b.Table.Head {
				for i := range b.Table.Head[h] {
					b.Table.Head[h][i].Span, b.Table.Head[h][i].Down = max(1, b.Table.Head[h][i].Span), max(1, b.Table.Head[h][i].Down)
				}
			}
			for _, r := range b.Table.Rows {
				for c := range r.Cells {
					if _, ok := grid.Number(&r.Cells[c]); !ok {
						r.Cells[c].Value = nil
					}
				}
			}
		}
	}
	return d
}

func TestJSONComesBackAsItWas(t *testing.T) {
	both(t, func(t *testing.T, d *document.Document) {
		back, err := ReadJSON(bytes.NewReader(asJSON(t, d)))
		if err != nil {
			t.Fatal(err)
		}
		want := published(documenttest.Sample(d.Lang))
		valid := cmp.Transformer("valid", func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") })
		if diff := cmp.Diff(want, back, cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmp.FilterValues(func(a, b string) bool { return !validText(a) || !validText(b) }, valid)); diff != "" {
			t.Errorf("the report comes back otherwise (-want +got):\n%s", diff)
		}
	})
}

func validText(s string) bool { return strings.ToValidUTF8(s, "\uFFFD") == s }

func TestTheSameReportGivesTheSameBytes(t *testing.T) {
	both(t, func(t *testing.T, d *document.Document) {
		if again := asJSON(t, documenttest.Sample(d.Lang)); !bytes.Equal(asJSON(t, d), again) {
			t.Error("the same report gives two JSON files")
		}
		if !bytes.Equal(asCSV(t, d), asCSV(t, documenttest.Sample(d.Lang))) {
			t.Error("the same report gives two CSV files")
		}
	})
}

// What must not be published is in no file, though the program knew it.
func TestSuppressedNumbersAreNotInTheFiles(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	secret := 0.9753197
	d.Sections[2].Blocks[0].Table.Rows[8].Cells[0].Value = &secret
	p := &d.Sections[2].Blocks[1].Chart.Series[0].Points[2]
	p.Value, p.Lo, p.Hi, p.N = secret, secret, secret, 9753197
	for name, src := range map[string][]byte{"JSON": asJSON(t, d), "CSV": asCSV(t, d)} {
		if bytes.Contains(src, []byte("9753197")) {
			t.Errorf("%s has the number", name)
		}
	}
}

// A number that does not exist is null, and no field of a cell is left out that would be zero.
func TestMissingNumbersAreNull(t *testing.T) {
	var f struct {
		Schema   string
		Sections []struct {
			Blocks []struct {
				Table *struct {
					Rows []struct{ Cells []map[string]any }
				}
				Chart *struct {
					Series []struct{ Points []map[string]any }
				}
			}
		}
	}
	if err := json.Unmarshal(asJSON(t, documenttest.Sample(surveys.EN)), &f); err != nil {
		t.Fatal(err)
	}
	if f.Schema != Schema {
		t.Errorf("the schema is %q", f.Schema)
	}
	b := f.Sections[2].Blocks
	for _, c := range []map[string]any{b[0].Table.Rows[8].Cells[0], b[0].Table.Rows[9].Cells[0], b[0].Table.Rows[9].Cells[1], b[1].Chart.Series[0].Points[2]} {
		if v, ok := c["value"]; !ok || v != nil {
			t.Errorf("%v has the value %v, want null", c, v)
		}
	}
	if v := b[0].Table.Rows[7].Cells[3]["value"]; v != 0.0 {
		t.Errorf("a change of nothing is %v, want 0", v)
	}
}

func TestOtherJSONIsRefused(t *testing.T) {
	for name, src := range map[string]string{"no JSON": "<html>", "another schema": `{"schema":"suyang-report/99"}`, "nothing": ""} {
		if _, err := ReadJSON(strings.NewReader(src)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func asCSV(t *testing.T, d *document.Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := CSV(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// records reads the CSV file as a person's program does: by the names of the columns, without
// the apostrophe of guarded texts.
func records(t *testing.T, src []byte) []map[string]string {
	t.Helper()
	text, ok := strings.CutPrefix(string(src), "\ufeff")
	if !ok {
		t.Fatal("the file does not begin with the mark that Excel needs")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, f := range r {
			m[rows[0][i]] = strings.TrimPrefix(f, "'")
		}
		out = append(out, m)
	}
	return out
}

// Every cell is one record, from which it can be made again.
func TestCSVHasEveryCell(t *testing.T) {
	both(t, func(t *testing.T, d *document.Document) {
		rs := records(t, asCSV(t, d))
		n := 0
		for _, s := range d.Sections {
			for _, b := range s.Blocks {
				if b.Table == nil {
					continue
				}
				g, err := grid.Of(b.Table)
				if err != nil {
					t.Fatal(err)
				}
				part := ""
				for i, row := range b.Table.Rows {
					if row.Heading {
						part = row.Name
					}
					for c, cell := range row.Cells {
						if n >= len(rs) {
							t.Fatalf("there are only %d records", n)
						}
						r := rs[n]
						n++
						for key, want := range map[string]string{
							"report": d.Title, "marks": strings.Join(d.Marks, "\n"), "table": b.Table.ID, "number": b.Table.Number, "title": b.Table.Title, "base": b.Table.Base,
							"row": strconv.Itoa(i + 1), "part": part, "name": row.Name, "detail": row.Detail, "total": strconv.FormatBool(row.Total),
							"column": strconv.Itoa(c + 1), "heading": g.Name(c + 1), "unit": string(cell.Unit), "printed": cell.Text,
							"suppressed": strconv.FormatBool(cell.Suppressed), "letters": cell.Letters, "main": strconv.FormatBool(cell.Main),
						} {
							if r[key] != grid.Plain(want) {
								t.Errorf("record %d: %s is %q, want %q", n, key, r[key], want)
							}
						}
						value(t, r, &cell)
						if len(cell.Notes) > 0 && (r["notes"] == "" || len(strings.Fields(r["note_numbers"])) != len(cell.Notes)) {
							t.Errorf("record %d has the notes %q %q, want %v", n, r["note_numbers"], r["notes"], cell.Notes)
						}
					}
				}
			}
		}
		if n != len(rs) || n < 500 {
			t.Errorf("%d records, want %d", len(rs), n)
		}
	})
}

func value(t *testing.T, r map[string]string, cell *document.Cell) {
	t.Helper()
	want, ok := grid.Number(cell)
	if !ok {
		if r["value"] != "" {
			t.Errorf("%q has the value %q, want none", r["printed"], r["value"])
		}
		return
	}
	if got, err := strconv.ParseFloat(r["value"], 64); err != nil || math.Float64bits(got) != math.Float64bits(want) {
		t.Errorf("%q has the value %q, want %v", r["printed"], r["value"], want)
	}
}

func TestNoFieldIsAFormula(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(asCSV(t, documenttest.Sample(surveys.EN)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		for c, f := range r {
			f = strings.TrimLeft(f, " \t\n")
			if _, err := strconv.ParseFloat(f, 64); f == "" || err == nil {
				continue
			}
			if strings.IndexAny(f, "=+-@＝＋－＠") == 0 && !printed.MatchString(f) {
				t.Errorf("record %d, column %d is %q", i, c, f)
			}
		}
	}
}

func TestGuard(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+1+1": "'+1+1", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", " =1": "' =1", "＝1": "'＝1", "%x": "'%x",
		"+2.1": "+2.1", "-0.4": "-0.4", "−0.4": "−0.4", "+1,234.5%": "+1,234.5%", "—": "—", "※": "※", "31.4%": "31.4%", "": "",
		"'quoted'": "''quoted'", "+2.1=": "'+2.1=", "-": "'-", "杭州": "杭州", "a=b": "a=b", "\r=1": "'\n=1",
	} {
		if got := guard(in); got != want {
			t.Errorf("guard(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTablesThatCannotBeLaidOut(t *testing.T) {
	d := documenttest.Sample(surveys.EN)
	d.Sections[2].Blocks[0].Table.Rows[0].Cells[0].Notes = []int{12}
	if err := CSV(io.Discard, d); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), `table "rate-by-city"`) {
		t.Errorf("a footnote that is not there: %v", err)
	}
}
