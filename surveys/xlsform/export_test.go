package xlsform_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
	"github.com/suyang-survey/suyang/surveys/xlsform"
)

func both(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

var options = xlsform.Options{
	Words: xlsform.Words{Other: both("其他", "Other"), Specify: both("请注明", "Please say which"), Check: both("请检查", "Please check"),
		Approval: both("试用", "Trial"), Consent: both("同意", "I agree")},
	Today: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
}

// everything is a questionnaire with one of each kind of thing that can be said.
func everything() *surveys.Questionnaire {
	yesNo := []surveys.Option{{Code: "1", Text: both("是", "Yes")}, {Code: "2", Text: both("否", "No")}}
	dk := surveys.Option{Code: "dk", Text: both("不知道", "Don’t know")}
	refused := surveys.Option{Code: "refused", Text: both("不愿回答", "Rather not say")}
	scale := []surveys.Option{{Code: "1", Text: both("好", "Good")}, {Code: "2", Text: both("中", "Fair")}, {Code: "3", Text: both("差", "Poor")}}
	media := []surveys.Option{{Code: "tv", Text: both("电视", "TV")}, {Code: "web", Text: both("网络", "Web")}, {Code: "book", Text: both("书", "Books")},
		{Code: "none", Text: both("都没有", "None"), Exclusive: true}}
	return &surveys.Questionnaire{
		ID: "everything", Edition: "1", Languages: []surveys.Lang{"zh", "en"}, Title: both("全部", "Everything <&>"), Consent: both("同意\n第二行", "I agree\nline two"),
		Statutory: surveys.Statutory{FormNumber: "T-1", Issuer: both("甲", "A"), Approval: both("试用", "Trial"), ValidUntil: "2027-12-31", Trial: true},
		Criterion: &surveys.Criterion{ID: "rule", Name: both("规则", "Rule"), Dimensions: []surveys.Dimension{{ID: "knowledge", Name: both("知识", "Knowledge"), Points: 12.5}},
			Cut: 5, Levels: []surveys.Level{{ID: "high", Name: both("高", "High"), Cut: 8}}, Lowest: both("低", "Low"), Boundary: surveys.Above, Unasked: surveys.UnaskedLeftOut},
		Booklets: []surveys.Booklet{{ID: "A", Items: []string{"K1", "mood"}, Share: 0.25}, {ID: "B", Items: []string{"mood"}, Share: 0.75}},
		Sections: []surveys.Section{
			{ID: "person", Title: both("个人", "Person"), Intro: both("请如实", "Be honest"), Items: []surveys.Item{
				{ID: "age", Type: surveys.Number, Text: both("年龄", "Age"), Hint: both("周岁", "In years"), Unit: both("岁", "years"), Required: true,
					Constraint: "age >= 1 && age <= 120", Message: both("一到一百二", "1 to 120"), Options: []surveys.Option{dk, refused},
					Checks: []surveys.Check{{Assert: "age >= 18", Message: both("真的吗", "Really?"), Soft: true}, {Assert: "age != 99", Message: both("不能是 99", "Not 99")}}},
				{ID: "height", Type: surveys.Number, Decimals: 2, Text: both("身高", "Height"), Relevant: "age > 5"},
				{ID: "name1", Type: surveys.ShortText, MaxLength: 20, Text: both("称呼", "What shall we call you")},
				{ID: "born", Type: surveys.Date, Text: both("生日", "Birthday"), Constraint: `born <= "2026-12-31"`, Message: both("太晚", "Too late")},
				{ID: "media", Type: surveys.Multiple, Text: both("渠道", "Media"), Options: media, Least: 1, Most: 2},
				{ID: "main", Type: surveys.Single, Text: both("最常用", "The one used most"), From: "media", Options: []surveys.Option{dk}},
				{ID: "order", Type: surveys.Ranking, Text: both("排序", "Rank them"), Options: scale, Shuffle: true},
				{ID: "living", Type: surveys.Region, Text: both("住在", "Where do you live"), Division: &surveys.Division{List: "cn-2020", Within: "33", Level: "county"}},
			}},
			{ID: "quiz", Title: both("题目", "Quiz"), Relevant: `age >= 18 && !("none" in media)`, Block: "b1",
				Checks: []surveys.Check{{Assert: `!(K1 == "1" && happy == "3")`, Message: both("矛盾", "Contradiction"), Soft: true}},
				Items: []surveys.Item{
					{ID: "K1", Type: surveys.Single, Text: both("太阳是恒星。${name1}您说呢？", "The Sun is a star, ${name1}?"), Options: append(slices.Clone(yesNo), dk),
						Dimension: "knowledge", Key: []string{"1"}, Timed: true,
						Figure: &surveys.Figure{SVG: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><line x1="1" y1="1" x2="8" y2="8" stroke="#000"></line></svg>`, Alt: both("线", "A line")}},
					{ID: "mood", Type: surveys.Grid, Text: both("感觉", "How do you feel"), Options: scale},
					{ID: "happy", Type: surveys.Single, Row: "mood", Text: both("高兴", "Happy"), Options: scale},
					{ID: "calm", Type: surveys.Likert, Row: "mood", Text: both("平静", "Calm"), Options: scale, Relevant: `happy != "1"`},
					{ID: "why", Type: surveys.LongText, Text: both("您选了${happy}，为什么？", "You said ${happy}. Why?"), Page: true},
				}},
			{ID: "views", Title: both("看法", "Views"), Shuffle: true, Items: []surveys.Item{
				{ID: "v1", Type: surveys.Single, Text: both("甲", "A"), Options: scale},
				{ID: "v2", Type: surveys.Single, Text: both("乙", "B"), Options: scale, Shuffle: true},
			}},
			{ID: "home", Title: both("家庭", "Home"), Items: []surveys.Item{
				{ID: "rooms2", Type: surveys.Calculate, Text: both("计算", "Computed"), Calculate: "has(a.age) ? age / 2 : 0"},
				{ID: "members", Type: surveys.Roster, Text: both("几口人", "How many people"), Most: 4, Items: []surveys.Item{
					{ID: "hh_age", Type: surveys.Number, Text: both("年龄", "Age")},
					{ID: "hh_job", Type: surveys.Single, Text: both("工作吗", "Works?"), Options: yesNo, Relevant: "hh_age >= 16 && age > 10"},
				}},
				{ID: "alone", Type: surveys.Note, Text: both("一个人", "Alone"), Relevant: "members == 1"},
				{ID: "crowd", Type: surveys.Note, Text: both("有老人", "Old people"), Relevant: "hh_age.exists(x, x > 60)"},
			}},
		},
	}
}

// pictures are the files beside a form.
func pictures(files []xlsform.File) fstest.MapFS {
	m := fstest.MapFS{}
	for _, f := range files {
		m[f.Name] = &fstest.MapFile{Data: f.Data}
	}
	return m
}

func exported(t testing.TB, q *surveys.Questionnaire) ([]byte, xlsform.Options) {
	t.Helper()
	src, files, _, err := xlsform.Export(q)
	if err != nil {
		t.Fatal(err)
	}
	o := options
	o.Media = pictures(files)
	return src, o
}

func TestAnExportedFormComesBackWithoutLoss(t *testing.T) {
	forms := map[string]*surveys.Questionnaire{"everything": everything()}
	for _, id := range library.IDs() {
		q, err := library.Read(id)
		if err != nil {
			t.Fatal(err)
		}
		forms[id] = q
	}
	for _, name := range slices.Sorted(maps.Keys(forms)) {
		t.Run(name, func(t *testing.T) {
			src, o := exported(t, forms[name])
			again, losses, err := xlsform.Import(src, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(forms[name], again); diff != "" {
				t.Errorf("Import(Export(q)) (-want +got):\n%s", diff)
			}
			for _, l := range losses {
				t.Errorf("lost on the way: %s", l)
			}
		})
	}
}

func TestExportGivesTheSameBytes(t *testing.T) {
	a, _ := exported(t, everything())
	b, _ := exported(t, everything())
	if !bytes.Equal(a, b) {
		t.Error("Export gave other bytes the second time")
	}
}
