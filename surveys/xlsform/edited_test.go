package xlsform_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/xlsform"
)

// change sets the cell of a column in the row with a name; the settings have one row.
func change(t *testing.T, src []byte, sheet, name, column, text string) []byte {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(src))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	hits := 0
	for y, row := range rows {
		for x, head := range rows[0] {
			if y > 0 && head == column && (sheet == "settings" || len(row) > 1 && row[1] == name && !strings.HasPrefix(row[0], "end")) {
				cell, _ := excelize.CoordinatesToCellName(x+1, y+1)
				if err := f.SetCellValue(sheet, cell, text); err != nil {
					t.Fatal(err)
				}
				hits++
			}
		}
	}
	if hits != 1 {
		t.Fatalf("%d cells %s of %q, want 1", hits, column, name)
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAChangedCellIsTakenOrListed(t *testing.T) {
	for _, tt := range []struct {
		sheet, name, column, text string
		want                      func(q *surveys.Questionnaire)
		said                      string
	}{
		{"settings", "", "form_title", "新标题", func(q *surveys.Questionnaire) { q.Title = both("新标题", q.Title["en"]) }, "settings row 2, column A (form_title): “新标题”"},
		{"settings", "", "version", "2", func(q *surveys.Questionnaire) { q.Edition = "2" }, "column C (version): “2”"},
		{"settings", "", "form_id", "other", func(q *surveys.Questionnaire) { q.ID = "other" }, "column B (form_id): “other”"},
		{"settings", "", "default_language", "English (en)", nil, "column D (default_language): “English (en)”: the cell was changed since it was exported; not taken"},
		{"survey", "age", "name", "years_old", nil, "(name): “years_old”: the cell was changed since it was exported; not taken; it is still called “age”"},
		{"survey", "order", "parameters", "", func(q *surveys.Questionnaire) { q.Sections[0].Items[6].Shuffle = false }, "(parameters): the emptied cell of “order”"},
		{"survey", "K1", "parameters", "randomize=true", func(q *surveys.Questionnaire) { q.Sections[1].Items[0].Shuffle = true }, "(parameters): “randomize=true”"},
		{"survey", "why", "appearance", "", func(q *surveys.Questionnaire) { q.Sections[1].Items[4].Type = surveys.ShortText }, "(appearance): the emptied cell of “why”"},
		{"survey", "mood", "appearance", "", nil, "(appearance): the emptied cell of “mood”: the cell was changed since it was exported; not taken"},
		{"survey", "height", "relevant", "", func(q *surveys.Questionnaire) { q.Sections[0].Items[1].Relevant = "" }, "(relevant): the emptied cell of “height”"},
		{"survey", "quiz", "relevant", "", func(q *surveys.Questionnaire) { q.Sections[1].Relevant = "" }, "(relevant): the emptied cell of “quiz”"},
		{"survey", "main", "choice_filter", "", nil, "(choice_filter): the emptied cell of “main”: the cell was changed since it was exported; not taken"},
		{"survey", "rooms2", "calculation", "2", func(q *surveys.Questionnaire) { q.Sections[3].Items[0].Calculate = "2" }, "(calculation): “2”"},
		{"survey", "age_none", "relevant", "1 = 2", nil, "(relevant): “1 = 2”: the cell was changed since it was exported; not taken"},
		{"survey", "members_rows", "repeat_count", "2", nil, "(repeat_count): “2”: the cell was changed since it was exported; not taken"},
	} {
		t.Run(tt.column+" of "+tt.name, func(t *testing.T) {
			src, o := exported(t, everything())
			q, losses, err := xlsform.Import(change(t, src, tt.sheet, tt.name, tt.column, tt.text), o)
			if err != nil {
				t.Fatal(err)
			}
			want := everything()
			if tt.want != nil {
				tt.want(want)
			}
			if diff := cmp.Diff(want, q); diff != "" {
				t.Errorf("Import() (-want +got):\n%s", diff)
			}
			if len(losses) != 1 || !strings.Contains(losses[0].String(), tt.said) {
				t.Errorf("the list says %q, want one line with %q", losses, tt.said)
			}
		})
	}
}

func TestARenamedRowStillHasItsOtherChanges(t *testing.T) {
	src, o := exported(t, everything())
	src = change(t, src, "survey", "height", "relevant", "${age} > 10")
	src = change(t, src, "survey", "height", "name", "tall")
	q, losses, err := xlsform.Import(src, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Sections[0].Items[1].Relevant; got != "age > 10" || len(losses) != 2 {
		t.Errorf("relevant is %q, the list says %q; want age > 10, and both changes", got, losses)
	}
}

func TestACalculatedValueWithoutATextComesBackWithoutOne(t *testing.T) {
	want := everything()
	home := &want.Sections[3]
	home.Items = append(home.Items, surveys.Item{ID: "rooms3", Type: surveys.Calculate, Calculate: "rooms2 + 1"})
	src, o := exported(t, want)
	q, _, err := xlsform.Import(src, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Errorf("Import(Export(q)) (-want +got):\n%s", diff)
	}
	if want.Version() != q.Version() {
		t.Errorf("the version is %s, want %s as before", q.Version(), want.Version())
	}
}
