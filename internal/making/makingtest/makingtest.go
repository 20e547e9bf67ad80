// Package makingtest has the results of a small wave, for the tests of those who make reports
// of them. The numbers are made up.
package makingtest

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

func both(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

func estimate(p float64, n int) analysis.Estimate {
	se := math.Sqrt(1.8 * p * (1 - p) / float64(n))
	return analysis.Estimate{Value: p, SE: se, Lo: max(0, p-1.98*se), Hi: min(1, p+1.98*se), Level: 0.95, DF: 109, N: n, Weighted: 14000 * float64(n), DEff: 1.8}
}

// Results are those of a wave whose townspeople have a rate and whose villagers 7.4%, which is
// significantly less; men and women do not differ.
func Results(wave string, urban float64) *assess.Results {
	residence := assess.Factor{ID: "residence", Title: both("城乡", "Residence"), Sample: "class", Levels: []assess.Level{
		{Code: "urban", Name: both("城镇居民", "Urban residents")}, {Code: "rural", Name: both("农村居民", "Rural residents")}}}
	sex := assess.Factor{ID: "sex", Title: both("性别", "Sex"), Answer: "sex", Levels: []assess.Level{
		{Code: "male", Name: both("男", "Men")}, {Code: "female", Name: both("女", "Women")}}}
	q := &surveys.Questionnaire{ID: wave, Edition: "2026.1", Title: both("公民科学素质调查", "Survey of civic scientific literacy"),
		Criterion: &surveys.Criterion{ID: "cast", Name: both("四维百分制", "Four dimensions, 100 points"), Cut: 70, Boundary: surveys.Above, Unasked: surveys.UnaskedWrong, Lowest: both("较低", "Low"),
			Dimensions: []surveys.Dimension{{ID: "knowledge", Name: both("科学知识", "Knowledge"), Points: 100}},
			Levels:     []surveys.Level{{ID: "literate", Name: both("具备", "Literate"), Cut: 70}}}}
	for i := range 2 {
		q.Sections = append(q.Sections, surveys.Section{ID: fmt.Sprint("s", i), Title: both("题目", "Items"), Items: []surveys.Item{
			{ID: fmt.Sprintf("K%02d", i+1), Type: surveys.Single, Text: both("激光是一种声波。", "Laser light is a kind of sound wave."), Dimension: "knowledge"}}})
	}
	row := func(p float64, n int) []assess.Row { return []assess.Row{{Estimate: estimate(p, n)}} }
	group := func(l assess.Level, p float64, n int) assess.Group {
		return assess.Group{Code: l.Code, Name: l.Name, Max: 1, Rows: row(p, n)}
	}
	points := analysis.Estimate{Value: 52.4, SE: 0.3, Lo: 51.8, Hi: 53, Level: 0.95, DF: 109, N: 3012, DEff: 1.7}
	r := &assess.Results{
		Wave: wave, Questionnaire: q, Settings: analysis.DefaultSettings(), Drawn: 3300, Responded: 3012, Strata: 22, PSUs: 132, SeriesLevels: []assess.Level{{}},
		Plan:     &assess.Plan{Title: both("示例省公民科学素质调查报告", "Civic scientific literacy in Example Province"), Factors: []assess.Factor{residence, sex}, Tables: []string{"residence", "sex"}},
		Headline: row(0.1353, 3012), Score: []assess.Row{{Estimate: points}},
		Levels: []assess.Group{group(assess.Level{Code: "literate", Name: both("具备", "Literate")}, 0.1353, 3012)},
		Bands:  []assess.Group{group(assess.Level{Code: "literate", Name: both("具备", "Literate")}, 0.1353, 3012), group(assess.Level{Code: "lowest", Name: both("较低", "Low")}, 0.8647, 3012)},
		Tables: []assess.Table{
			{Factor: residence, Groups: []assess.Group{group(residence.Levels[0], urban, 2100), group(residence.Levels[1], 0.074, 912)}},
			{Factor: sex, Groups: []assess.Group{group(sex.Levels[0], 0.138, 1450), group(sex.Levels[1], 0.133, 1562)}},
		},
		Dimensions: []assess.Group{{Code: "knowledge", Name: both("科学知识", "Knowledge"), Max: 100, Rows: []assess.Row{{Estimate: points}}}},
	}
	separate(&r.Tables[0], 0.001)
	separate(&r.Tables[1], 0.7)
	return r
}

// separate gives a table of two groups the contrast of the two, with a corrected p.
func separate(t *assess.Table, p float64) {
	a, b := t.Groups[0].Rows[0].Estimate, t.Groups[1].Rows[0].Estimate
	d, se := a.Value-b.Value, math.Hypot(a.SE, b.SE)
	ranks := assess.Ranks{Best: 1, Worst: 2}
	t.Separation = &assess.Separation{
		Pairs:   []assess.Contrast{{A: t.Groups[0].Code, B: t.Groups[1].Code, Difference: analysis.Estimate{Value: d, SE: se, Lo: d - 1.96*se, Hi: d + 1.96*se, Level: 0.95, DF: 109}, P: p, Adjusted: p}},
		Letters: map[string]string{t.Groups[0].Code: "a", t.Groups[1].Code: "b"},
		Ranks:   map[string]assess.Ranks{t.Groups[0].Code: ranks, t.Groups[1].Code: ranks},
	}
}
