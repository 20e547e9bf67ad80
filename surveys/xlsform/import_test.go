package xlsform_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/definition"
	"github.com/suyang-survey/suyang/surveys/xlsform"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// workbook makes an .xlsx file of the CSV files in a folder, with another program's
// library, as a person's spreadsheet program would.
func workbook(t testing.TB, folder string) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for _, sheet := range []string{"survey", "choices", "settings"} {
		src, err := os.ReadFile(filepath.Join(folder, sheet+".csv"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(bytes.NewReader(src))
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		for y, row := range rows {
			for x, text := range row {
				cell, _ := excelize.CoordinatesToCellName(x+1, y+1)
				if err := f.SetCellValue(sheet, cell, text); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := f.DeleteSheet("Sheet1"); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestFormsOfOthers keeps for each form what becomes of it and what is lost.
func TestFormsOfOthers(t *testing.T) {
	for _, name := range []string{"household", "aliases", "cascade"} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join("testdata", name)
			q, losses, err := xlsform.Import(workbook(t, folder), options)
			if err != nil {
				t.Fatal(err)
			}
			src, err := definition.Write(q)
			if err != nil {
				t.Fatal(err)
			}
			again, err := definition.Read("q.yaml", src, nil)
			if err != nil {
				t.Errorf("the result has faults: %v", err)
			} else if diff := cmp.Diff(q, again); diff != "" {
				t.Errorf("Read(Write(q)) (-want +got):\n%s", diff)
			}
			lines := make([]string, len(losses))
			for i, l := range losses {
				lines[i] = l.String()
			}
			golden(t, filepath.Join(folder, "questionnaire.golden.yaml"), string(src))
			golden(t, filepath.Join(folder, "losses.golden"), strings.Join(lines, "\n")+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestAChangedCellCountsBeforeTheColumnBesideIt(t *testing.T) {
	src, o := exported(t, everything())
	f, err := excelize.OpenReader(bytes.NewReader(src))
	if err != nil {
		t.Fatalf("another library cannot open the exported workbook: %v", err)
	}
	defer f.Close()
	rows, err := f.GetRows("survey")
	if err != nil {
		t.Fatal(err)
	}
	set := func(name, column, text string) {
		for y, row := range rows {
			for x, head := range rows[0] {
				if y > 0 && len(row) > 1 && row[1] == name && !strings.HasPrefix(row[0], "end") && head == column {
					cell, _ := excelize.CoordinatesToCellName(x+1, y+1)
					if err := f.SetCellValue("survey", cell, text); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
	set("height", "relevant", "${age} > 10")
	set("born", "constraint", ". <= '2020-01-01'")
	set("name1", "label::English (en)", "Your name")
	set("why", "label::English (en)", "Why?")
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	q, _, err := xlsform.Import(out.Bytes(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := everything()
	person, quiz := &want.Sections[0], &want.Sections[1]
	person.Items[1].Relevant = "age > 10"
	person.Items[3].Constraint = `born <= "2020-01-01"`
	person.Items[2].Text["en"] = "Your name"
	quiz.Items[4].Text["en"] = "Why?"
	if diff := cmp.Diff(want, q); diff != "" {
		t.Errorf("Import() of the changed workbook (-want +got):\n%s", diff)
	}
}

func simple(t testing.TB, change func(f *excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", "survey"); err != nil {
		t.Fatal(err)
	}
	for i, row := range [][]any{{"type", "name", "label", "relevant"}, {"integer", "age", "Age"}, {"text", "job", "Job"}} {
		if err := f.SetSheetRow("survey", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	change(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBadWorkbooksAreRefusedWithACause(t *testing.T) {
	row := func(f *excelize.File, n int, cells ...any) {
		_ = f.SetSheetRow("survey", fmt.Sprintf("A%d", n), &cells)
	}
	for _, c := range []struct {
		name   string
		src    []byte
		kind   error
		saying string
	}{
		{"not a workbook", []byte("type,name,label"), surveys.ErrInvalid, "no XLSX workbook"},
		{"too large", make([]byte, xlsform.MaxFile+1), surveys.ErrTooLarge, "10 MiB"},
		{"no sheet survey", simple(t, func(f *excelize.File) { _ = f.SetSheetName("survey", "questions") }), surveys.ErrInvalid, "no sheet “survey”"},
		{"no column type", simple(t, func(f *excelize.File) { _ = f.SetCellValue("survey", "A1", "kind") }), surveys.ErrInvalid, "no column “type”"},
		{"a group without an end", simple(t, func(f *excelize.File) { row(f, 4, "begin group", "g", "G") }), surveys.ErrInvalid, "row 4"},
		{"an end without a group", simple(t, func(f *excelize.File) { row(f, 4, "end group") }), surveys.ErrInvalid, "ends nothing"},
		{"groups that cross", simple(t, func(f *excelize.File) {
			row(f, 4, "begin group", "g", "G")
			row(f, 5, "begin repeat", "r", "R")
			row(f, 6, "end group")
		}), surveys.ErrInvalid, "reverse order"},
		{"a row far below", simple(t, func(f *excelize.File) { row(f, 100_000, "text", "t", "T") }), surveys.ErrTooLarge, "beyond row 50000"},
		{"a cell far to the right", simple(t, func(f *excelize.File) { _ = f.SetCellValue("survey", "XFD2", "x") }), surveys.ErrTooLarge, "beyond column"},
		{"nothing that can be asked", simple(t, func(f *excelize.File) { row(f, 2, "photo", "a", "A"); row(f, 3, "photo", "b", "B") }), surveys.ErrInvalid, "no question"},
		{"a zip bomb", bomb(t), surveys.ErrTooLarge, "unpacks to more than 24 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := xlsform.Import(c.src, options)
			if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.saying) {
				t.Errorf("Import() = %v, want %v with “%s”", err, c.kind, c.saying)
			}
		})
	}
}

func TestFormulasAndMergedCellsAreReported(t *testing.T) {
	_, losses, err := xlsform.Import(simple(t, func(f *excelize.File) {
		_ = f.SetCellFormula("survey", "D3", `"a"`)
		_ = f.MergeCell("survey", "C2", "D2")
	}), options)
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(losses)
	for _, want := range []string{"row 3, column D: a formula", "row 2, column C: merged cells"} {
		if !strings.Contains(said, want) {
			t.Errorf("losses = %s, want one with “%s”", said, want)
		}
	}
}
