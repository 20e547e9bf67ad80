package report

import (
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// A rate of 0 % or 100 % has no standard error, and none is printed: a 0 would say that it is
// certain. Its interval stands there, and the remark says how it came about.
func TestNoErrorOfAPeopleAllAlike(t *testing.T) {
	r := full()
	none := &r.Tables[1].Groups[0].Rows[0].Estimate
	none.Value, none.SE, none.Lo, none.Hi = 0, 0, 0, 0.012
	none.Notes = []analysis.Note{{Code: analysis.NoVariation}}
	doc := built(t, r, surveys.EN, fixtureOptions)
	row := tableOf(t, doc, "table-sex-precision").Rows[0]
	if rate, se, hi := row.Cells[0], row.Cells[1], row.Cells[3]; rate.Text != "0.0%" || rate.Value == nil || se.Text != "—" || se.Value != nil || hi.Text != "1.2%" {
		t.Errorf("the annex says %+v", row.Cells)
	}
	if notes := strings.Join(tableOf(t, doc, "table-sex").Notes, " "); !strings.Contains(notes, "there is no standard error") {
		t.Errorf("the notes are %q", notes)
	}
}

// A question whose options are those chosen in another one says so, and a question without a
// mark at its end is not run together with its options.
func TestQuestionsOfTheAnnex(t *testing.T) {
	r := full()
	items := r.Questionnaire.Sections[len(r.Questionnaire.Sections)-1].Items
	items[0].Text, items[1].From = both("环境保护", "The environment"), "C01"
	doc := built(t, r, surveys.ZH, fixtureOptions)
	said := map[string]string{}
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			for _, f := range b.Facts {
				said[f.Term] = f.Text
			}
		}
	}
	if want := "环境保护　1. 电视　2. 互联网"; said["C01"] != want {
		t.Errorf("C01 is %q, want %q", said["C01"], want)
	}
	if want := "您对航天技术感兴趣吗？　〔选项：C01 中选中的各项，以及：〕　1. 电视　2. 互联网"; said["C02"] != want {
		t.Errorf("C02 is %q, want %q", said["C02"], want)
	}
}

// A topic that nobody was asked about has its table, which says so, and no empty chart.
func TestTopicOfNobody(t *testing.T) {
	r := full()
	for i := range r.Topics[0].Groups {
		r.Topics[0].Groups[i].Rows = []assess.Row{{Estimate: estimate(0, 0, analysis.Note{Code: analysis.Empty})}}
	}
	doc := built(t, r, surveys.EN, fixtureOptions)
	table := tableOf(t, doc, "table-topic-interest")
	if row := table.Rows[0]; row.Cells[0].Text != "—" || row.Cells[0].Value != nil || !strings.Contains(strings.Join(table.Notes, " "), "Nobody interviewed") {
		t.Errorf("the table says %+v, %q", row.Cells, table.Notes)
	}
	for _, c := range doc.Charts() {
		if c.ID == "chart-topic-interest" {
			t.Error("there is an empty chart")
		}
	}
}
