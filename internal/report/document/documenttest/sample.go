// Package documenttest has a report with everything that reports can have, and with texts
// that try to break the files, for the tests of those who write reports.
package documenttest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// Hostile are texts that stand somewhere in every sample: markup, formulas, characters that
// XML forbids, writing from right to left, and words without a place to break.
var Hostile = []string{
	`</w:t></w:r><b>&amp; "quotes" 'and' <!--`,
	"=HYPERLINK(\"http://example.invalid\",\"x\")",
	"+1+1", "-2+3", "@SUM(A1:A9)", "\t=1+1", "＝1+1",
	"bell\a null\x00 vertical\v escape\x1b broken\xff end",
	"\u202egnp.exe\u202c \u200fעברית\u200f العربية",
	strings.Repeat("Donaudampfschifffahrtsgesellschaft", 6),
	"]]><![CDATA[", "line one\r\nline two\rline three",
}

// Made is when the samples were made.
var Made = time.Date(2026, 11, 26, 9, 30, 0, 0, time.FixedZone("CST", 8*3600))

// Sample is a report in a language with every feature.
func Sample(lang surveys.Lang) *document.Document {
	s := sampler{zh: lang == surveys.ZH}
	return &document.Document{
		Lang: lang, Made: Made, Program: "suyang 0.9",
		Title:    s.say("浙江省公民科学素质调查报告", "Citizen scientific literacy in Zhejiang"),
		Subtitle: s.say("2026 年调查 · 第一版", "Survey of 2026, first edition"),
		Marks:    []string{s.say("模拟数据：受访者由计算机模拟产生。", "Simulated data: the respondents were made up by a computer."), s.say("试用问卷", "Trial questionnaire")},
		Facts: []document.Fact{
			{Term: s.say("表号", "Form"), Text: "KP-301"},
			{Term: s.say("制定机关", "Issued by"), Text: s.say("中国科学技术协会", "China Association for Science and Technology")},
			{Term: s.say("有效期至", "Valid until"), Text: "2027-12-31"},
		},
		Sections: s.sections(),
	}
}

type sampler struct{ zh bool }

func (s sampler) say(zh, en string) string {
	if s.zh {
		return zh
	}
	return en
}

func (s sampler) sections() []document.Section {
	return []document.Section{
		{ID: "summary", Title: s.say("主要结果", "Main results"), Depth: 1, Number: "1", Blocks: []document.Block{
			{Cards: []document.Card{
				{Name: s.say("具备科学素质的比例", "Scientifically literate"), Value: "17.3%", Detail: s.say("95% 置信区间 15.9%–18.8%", "95% interval 15.9%–18.8%")},
				{Name: s.say("平均得分", "Mean score"), Value: "52.4", Detail: s.say("满分 100", "of 100")},
				{Name: s.say("访问数", "Interviews"), Value: "3,300", Detail: s.say("应答率（RR3）61.2%", "response rate (RR3) 61.2%")},
				{Name: s.say("目标", "Target"), Value: s.say("已达到", "attained"), Detail: "p = 0.98"},
			}},
			{Text: &document.Text{Paragraphs: []string{
				s.say("全省具备科学素质的公民比例为 17.3%（95% 置信区间 15.9%–18.8%），比 2023 年提高 2.1 个百分点，差异显著。“城乡差距”仍然存在——见第 2 章。",
					"17.3% of the citizens are scientifically literate (95% interval 15.9%–18.8%), 2.1 points more than in 2023, a significant difference."),
			}}},
			{Text: &document.Text{ID: "findings", Style: document.Bullets, Edited: true, Stale: true, Paragraphs: []string{
				s.say("杭州高于全省平均水平，差异显著。", "Hangzhou is above the province, significantly."), s.say("其余各市之间不能区分先后。", "The other cities cannot be separated."),
			}}},
			{Text: &document.Text{Style: document.Caution, Paragraphs: []string{
				s.say("2020 年起判定标准改变，前后数据不可直接比较。", "The criterion changed in 2020; numbers before and after cannot be compared."),
				s.say("丽水市样本不足，仅供参考。", "Lishui has few interviews."),
			}}},
		}},
		{ID: "levels", Title: s.say("科学素质水平", "Level of literacy"), Depth: 1, Number: "2"},
		{ID: "cities", Title: s.say("各市", "Cities"), Depth: 2, Number: "2.1", Blocks: []document.Block{
			{Table: s.cities()}, {Chart: s.chart("cities", s.say("图 1", "Figure 1"), document.Dots)},
			{Text: &document.Text{Style: document.Small, Paragraphs: []string{s.say("区间为 95% 置信区间。", "Intervals have a confidence of 95%.")}}},
		}},
		{ID: "trend", Title: s.say("历年变化", "Change"), Depth: 3, Number: "2.1.1", Blocks: []document.Block{{Chart: s.chart("trend", s.say("图 2", "Figure 2"), document.Trend)}}},
		{ID: "empty", Title: s.say("没有内容的章节", "A chapter without anything"), Depth: 1, Number: "3"},
		{ID: "method", Title: s.say("调查方法", "Method"), Depth: 1, Number: "A", Annex: true, Blocks: []document.Block{
			{Text: &document.Text{Style: document.Steps, Paragraphs: []string{s.say("抽取乡镇街道。", "Draw towns."), s.say("抽取村居。", "Draw villages."), s.say("抽取住户。", "Draw households.")}}},
			{Text: &document.Text{Style: document.Formula, Paragraphs: []string{"R̂ = Σwy / Σwx", "v(R̂) = Σₕ nₕ/(nₕ−1) Σᵢ (zₕᵢ − z̄ₕ)²"}}},
			{Text: &document.Text{Style: document.Steps, Paragraphs: []string{s.say("核对。", "Check."), s.say("加权。", "Weigh.")}}},
			{Facts: []document.Fact{{Term: "n", Text: s.say("访问数", "number of interviews")}, {Term: "deff", Text: s.say("设计效应", "design effect")}}},
		}},
		{ID: "wide", Title: s.say("宽表", "A wide table"), Depth: 2, Number: "A.1", Annex: true, Blocks: []document.Block{{Table: s.wide()}}},
		{ID: "long", Title: s.say("长表", "A long table"), Depth: 2, Number: "A.2", Annex: true, Blocks: []document.Block{{Table: s.long()}}},
		{ID: "hostile", Title: s.say("异常文字", "Hostile texts") + " <&>", Depth: 1, Number: "B", Annex: true, Blocks: []document.Block{
			{Text: &document.Text{Style: document.Bullets, Paragraphs: Hostile}}, {Table: s.hostile()},
		}},
	}
}

// value is a pointer to a number.
func value(x float64) *float64 { return &x }

// share is a percentage of a table as it is printed with one decimal.
func share(x float64) document.Cell {
	return document.Cell{Text: fmt.Sprintf("%.1f%%", 100*x), Value: value(x), Unit: document.Share, Decimals: 1, Main: true}
}

func count(n int) document.Cell {
	return document.Cell{Text: fmt.Sprint(n), Value: value(float64(n)), Unit: document.Count}
}

func interval(lo, hi float64) document.Cell {
	return document.Cell{Text: fmt.Sprintf("%.1f–%.1f", 100*lo, 100*hi)}
}

// cities is a table with everything: two rows of headings, parts, a total, letters,
// suppressed and missing numbers, and footnotes that several cells share.
func (s sampler) cities() *document.Table {
	t := &document.Table{ID: "rate-by-city", Number: s.say("表 1", "Table 1"),
		Title: s.say("各市具备科学素质的公民比例", "Literate citizens by city"),
		Base:  s.say("18–69 岁公民；判定标准 2020（70 分及以上）；加权", "Citizens of 18 to 69 years; criterion of 2020 (70 points and more); weighted"),
		Head: [][]document.Heading{
			{{Text: s.say("地区", "Area"), Down: 2, Left: true}, {Text: s.say("2026 年", "2026"), Span: 3}, {Text: s.say("比 2023 年增减（百分点）", "Change on 2023 (points)"), Down: 2}, {Text: s.say("访问数", "Interviews"), Down: 2}, {Text: s.say("说明", "Remark"), Down: 2, Left: true}},
			{{Text: s.say("比例", "Rate")}, {Text: s.say("95% 置信区间", "95% interval")}, {Text: s.say("标准误", "Standard error")}},
		},
		Notes: []string{
			s.say("访问数少于 100，估计值不稳定。", "Fewer than 100 interviews; the estimate is unstable."),
			s.say("为保护受访者，数据不予公布。", "Withheld to protect the respondents."),
			s.say("2023 年未调查该市 <&>。", "The city had no survey in 2023 <&>."),
			s.say("没有单元格引用的注释：权数经事后分层。", "A footnote of no cell: weights are post-stratified."),
		}}
	change := func(x float64) document.Cell {
		return document.Cell{Text: strings.Replace(fmt.Sprintf("%+.1f", x), "-", "−", 1), Value: value(x), Unit: document.Points, Decimals: 1}
	}
	se := func(x float64) document.Cell {
		return document.Cell{Text: fmt.Sprintf("%.2f", x), Value: value(x), Unit: document.Points, Decimals: 2}
	}
	none := document.Cell{Text: "—"}
	row := func(name string, rate, d, e float64, n int, letters string, notes ...int) document.Row {
		r := share(rate)
		r.Letters, r.Notes = letters, notes
		return document.Row{Name: name, Cells: []document.Cell{r, interval(rate-1.96*e/100, rate+1.96*e/100), se(e), change(d), count(n), {Text: ""}}}
	}
	total := row(s.say("全省", "Province"), 0.17304987, 2.1234567, 0.7391, 3300, "")
	total.Total = true
	hidden := document.Cell{Text: "※", Suppressed: true, Notes: []int{2}, Unit: document.Share, Decimals: 1, Main: true}
	t.Rows = []document.Row{total,
		{Name: s.say("浙北", "North"), Heading: true},
		row(s.say("杭州市", "Hangzhou"), 0.2312345, 3.2, 1.41, 620, "a"),
		row(s.say("湖州市", "Huzhou"), 0.1712, -0.4, 1.9, 240, "ab"),
		row(s.say("嘉兴市", "Jiaxing"), 0.1688, 1.1, 1.8, 260, "b", 3),
		{Name: s.say("浙南", "South"), Heading: true},
		row(s.say("温州市", "Wenzhou"), 0.1499, 0.9, 1.5, 430, "b"),
		row(s.say("丽水市", "Lishui"), 0.1201, 0, 3.3, 88, "b", 1, 3),
		{Name: s.say("舟山市", "Zhoushan"), Detail: s.say("含海岛县区", "with the islands"), Cells: []document.Cell{hidden, none, none, none, {Text: "※", Suppressed: true, Notes: []int{2, 1}}, {Text: "=cmd|' /C calc'!A0"}}},
		{Name: s.say("衢州市", "Quzhou"), Cells: []document.Cell{{Text: "—", Value: value(math.NaN()), Unit: document.Share, Decimals: 1}, none}},
	}
	return t
}

// wide has twenty columns, which no upright page holds.
func (s sampler) wide() *document.Table {
	t := &document.Table{ID: "wide", Number: s.say("表 2", "Table 2"), Title: s.say("各年龄组与受教育程度的交叉", "Age by education"), Base: s.say("18–69 岁公民", "Citizens of 18 to 69 years")}
	head := []document.Heading{{Text: s.say("指标", "Measure"), Left: true}}
	for c := range 19 {
		head = append(head, document.Heading{Text: fmt.Sprintf(s.say("第%d组", "Group %d"), c+1)})
	}
	t.Head = [][]document.Heading{head}
	for r := range 12 {
		row := document.Row{Name: fmt.Sprintf(s.say("具备科学素质的比例 %d", "Rate of the literate %d"), r+1)}
		for c := range 19 {
			row.Cells = append(row.Cells, interval(float64(r+c)/100, float64(r+c+5)/100))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// long has two hundred rows, so that its head must be repeated.
func (s sampler) long() *document.Table {
	t := &document.Table{ID: "long", Number: s.say("表 3", "Table 3"), Title: s.say("各题答对的比例", "Correct answers by item"),
		Head: [][]document.Heading{{{Text: s.say("题目", "Item"), Left: true}, {Text: s.say("答对", "Correct")}, {Text: "n"}}}}
	for r := range 200 {
		t.Rows = append(t.Rows, document.Row{Name: fmt.Sprintf(s.say("第 %d 题", "Item %d"), r+1), Detail: s.say("地心的温度非常高。", "The centre of the Earth is very hot."),
			Cells: []document.Cell{share(1 / (float64(r) + 2.1)), count(3300 - r)}})
	}
	return t
}

// hostile has the hostile texts in every place of a table.
func (s sampler) hostile() *document.Table {
	t := &document.Table{ID: "hostile<&>", Number: s.say("表 B-1", "Table B-1"), Title: Hostile[0], Base: Hostile[1], Notes: Hostile,
		Head: [][]document.Heading{{{Text: Hostile[2], Left: true}, {Text: Hostile[3], Left: true}, {Text: Hostile[4]}}}}
	for i, h := range Hostile {
		t.Rows = append(t.Rows, document.Row{Name: h, Cells: []document.Cell{
			{Text: h, Notes: []int{i + 1}},
			{Text: "−0.5", Value: value(-0.5), Unit: document.Number, Decimals: 1},
		}})
	}
	return t
}

func (s sampler) chart(id, number string, kind document.ChartKind) *document.Chart {
	return &document.Chart{ID: id, Number: number, Kind: kind, Percent: true,
		Title:      s.say("杭州市高于全省平均水平", "Hangzhou is above the province"),
		Base:       s.say("18–69 岁公民", "Citizens of 18 to 69 years"),
		Alt:        s.say("杭州市 23.1%，湖州市 17.1%；丽水市数据不予公布。", "Hangzhou 23.1%, Huzhou 17.1%; Lishui is withheld."),
		Categories: []string{s.say("杭州市", "Hangzhou"), s.say("湖州市", "Huzhou"), s.say("丽水市", "Lishui")},
		Times:      []float64{2018, 2020, 2026},
		Series: []document.Series{{Name: s.say("比例", "Rate"), Points: []document.Point{
			{Value: 23.12345, Lo: 20.4, Hi: 25.9, N: 620, Label: "23.1%"},
			{Value: 17.12, Lo: 13.4, Hi: 20.8, N: 240, Label: "17.1%"},
			{Value: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Missing: s.say("不予公布", "withheld")},
		}}},
		Line:   &document.Line{Value: 17.3, Name: s.say("全省", "Province")},
		Breaks: []document.Break{{Before: 1, Text: s.say("标准改变", "new criterion")}},
		Tiles:  []document.Tile{{Category: 0, Column: 1, Row: 0, Short: s.say("杭", "HZ")}},
	}
}
