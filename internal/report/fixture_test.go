package report

import (
	"fmt"
	"math"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/margins"
	"github.com/suyang-survey/suyang/surveys"
)

// The numbers of this fixture are made up; only their writing is tested.

var fixtureOptions = Options{Now: time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC), Program: "suyang 0.1.0"}

// both makes a text in the two languages.
func both(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

// estimate makes an estimate with a standard error for a design effect of 1.8.
func estimate(p float64, n int, notes ...analysis.Note) analysis.Estimate {
	if n == 0 {
		nan := math.NaN()
		return analysis.Estimate{Value: nan, SE: nan, Lo: nan, Hi: nan, Level: 0.95, DF: nan, DEff: nan, Notes: notes}
	}
	se := math.Sqrt(1.8 * p * (1 - p) / float64(n))
	return analysis.Estimate{
		Value: p, SE: se, Lo: max(0, p-1.98*se), Hi: min(1, p+1.98*se), Level: 0.95,
		DF: 109, N: n, Weighted: 14000 * float64(n), DEff: 1.8, Notes: notes,
	}
}

func points(p float64, n int) analysis.Estimate {
	return analysis.Estimate{Value: p, SE: 0.3, Lo: p - 0.6, Hi: p + 0.6, Level: 0.95, DF: 109, N: n, DEff: 1.7}
}

func group(code string, name surveys.Text, rows ...assess.Row) assess.Group {
	return assess.Group{Code: code, Name: name, Max: 1, Rows: rows}
}

// scores are the mean scores of the levels of a factor.
func scores(f assess.Factor, rows ...assess.Row) (out []assess.Group) {
	for i, l := range f.Levels {
		out = append(out, assess.Group{Code: l.Code, Name: l.Name, Max: 60, Rows: rows[i : i+1]})
	}
	return out
}

func questionnaire() *surveys.Questionnaire {
	q := &surveys.Questionnaire{
		ID: "civic", Edition: "2026.1", Languages: []surveys.Lang{surveys.ZH, surveys.EN},
		Title: both("公民科学素质调查问卷", "Civic scientific literacy questionnaire"),
		Statutory: surveys.Statutory{
			FormNumber: "科素试 1 表", Issuer: both("示例研究组", "Example research group"),
			Approval: both("试用，非统计调查", "trial, not a statistical survey"), ValidUntil: "2027-12-31", Trial: true,
		},
		Criterion: &surveys.Criterion{
			ID: "cast", Name: both("四维百分制", "Four dimensions, 100 points"), Cut: 70,
			Boundary: surveys.Above, Unasked: surveys.UnaskedWrong, Lowest: both("较低", "Low"),
			Dimensions: []surveys.Dimension{
				{ID: "knowledge", Name: both("科学知识", "Knowledge"), Points: 40},
				{ID: "method", Name: both("科学方法", "Method"), Points: 20},
			},
			Levels: []surveys.Level{
				{ID: "high", Name: both("高阶", "Advanced"), Cut: 85},
				{ID: "literate", Name: both("具备", "Literate"), Cut: 70},
				{ID: "basic", Name: both("基本具备", "Basic"), Cut: 55},
			},
		},
	}
	section := surveys.Section{ID: "s", Title: both("题目", "Items")}
	for i, text := range []surveys.Text{
		both("越靠近地球中心，温度越高。", "It gets hotter toward the Earth’s centre."),
		both("激光是一种声波。", "Laser light is a kind of sound wave."),
		both("随机分组比较。", "Compare random groups."),
	} {
		dim := []string{"knowledge", "knowledge", "method"}[i]
		section.Items = append(section.Items, surveys.Item{ID: fmt.Sprintf("K%02d", i+1), Type: surveys.Single, Text: text, Dimension: dim})
	}
	q.Sections = []surveys.Section{section}
	return q
}

func plan() *assess.Plan {
	return &assess.Plan{
		Title: both("示例省公民科学素质调查报告（2026）", "Civic scientific literacy in Example Province, 2026"),
		Factors: []assess.Factor{
			{ID: "city", Title: both("城市", "City"), Sample: "city", Levels: []assess.Level{
				{Code: "1", Name: both("东海市", "Donghai")}, {Code: "2", Name: both("西山市", "Xishan")},
				{Code: "3", Name: both("南湖市", "Nanhu")}, {Code: "4", Name: both("北原市", "Beiyuan")}}},
			{ID: "sex", Title: both("性别", "Sex"), Answer: "sex", Levels: []assess.Level{
				{Code: "male", Name: both("男", "Men")}, {Code: "female", Name: both("女", "Women")}}},
		},
		Tables: []string{"city", "sex"},
		Method: assess.Method{
			Population: both("本省 18–69 岁常住居民，不含现役军人。", "Usual residents of the province aged 18–69, without active military."),
			Design:     both("分层两阶段概率抽样。", "A stratified two-stage probability sample."),
			Fieldwork:  both("2026 年 9–10 月，网络访问。", "September to October 2026, on the web."),
			Weighting:  both("由抽样概率得到基础权数，再按 2020 年人口普查边际调整。", "Base weights from the selection probabilities, raked to margins of the 2020 census."),
		},
	}
}

// single is a simulated wave with every part that a report can have.
func single() *assess.Results {
	truth := func(v float64) *float64 { return &v }
	r := &assess.Results{
		Wave: "2026", Plan: plan(), Questionnaire: questionnaire(), Settings: analysis.DefaultSettings(),
		Drawn: 3300, Responded: 3012, Strata: 22, PSUs: 132, SeriesLevels: []assess.Level{{}},
		Weighting: &assess.Weighting{
			Name: "calibrated", Version: 2, Title: both("按普查校准", "Calibrated to the census"), Unscored: "ineligible",
			Outcomes: assess.Outcomes{Respondents: 3012, Nonrespondents: 251, Ineligible: 37},
			Steps: []weighting.Step{
				{What: "base weights", N: 3300, Sum: 49012000, Min: 8000, Median: 14000, Max: 31000, KishBefore: 1, KishAfter: 1.06, Converged: true},
				{
					What: "nonresponse", N: 3012, Sum: 48999000, Min: 8800, Median: 15400, Max: 36000, KishBefore: 1.06, KishAfter: 1.08, Converged: true,
					Settings: []weighting.Setting{{Name: "classes", Text: "city × sex"}, {Name: "fewest people", Value: 10}},
					Classes: []weighting.Class{
						{Name: "1 × male + 1 × female", Merged: []string{"1 × male", "1 × female"}, N: 1500, Kept: 1400, Before: 24000000, After: 24000000, Factor: 1.07},
						{Name: "2 × male", N: 1780, Kept: 1612, Before: 24999000, After: 24999000, Factor: 1.12},
						{Name: "2 × female"},
					},
				},
				{
					What: "rake", N: 3012, Sum: 48882983, Min: 6204.1, Median: 15873.2, Max: 75120.9,
					KishBefore: 1.08, KishAfter: 1.31, Converged: true, Rounds: []float64{0.12, 0.003, 2.4e-11},
					Settings: []weighting.Setting{{Name: "tolerance", Value: 1e-10}},
					Margins: []weighting.MarginFit{
						{Margin: "sex", Level: "male", N: 1450, Target: 25620000, Before: 23540000, After: 25620000},
						{Margin: "sex", Level: "female", N: 1562, Target: 23262983, Before: 25342983, After: 23262983},
						{Margin: "city/sex", Level: "1/male", N: 700, Target: 12000000, Before: 11900000, After: 12000000},
					},
				},
				{
					What: "trim", N: 3012, Sum: 48882983, Min: 6212, Median: 15880, Max: 63492.8, KishBefore: 1.31, KishAfter: 1.3, Converged: true,
					Settings: []weighting.Setting{{Name: "upper", Value: 63492.8}, {Name: "limits", Text: "multiples of the median"}, {Name: "redistribution", Text: "in one pass"}},
					Classes:  []weighting.Class{{Name: "below"}, {Name: "within", N: 3003, Kept: 3003}, {Name: "above", N: 9, Kept: 9}},
				},
				{
					What: "rake", N: 3012, Sum: 48882983, Min: 6204.1, Median: 15873.2, Max: 45120.9,
					KishBefore: 1.3, KishAfter: 1.31, Converged: true, Rounds: []float64{0.0003, 2.4e-11},
					Margins: []weighting.MarginFit{
						{Margin: "sex", Level: "male", N: 1450, Target: 25620000, Before: 25619000, After: 25620000},
						{Margin: "sex", Level: "female", N: 1562, Target: 23262983, Before: 23263983, After: 23262983},
						{Margin: "city/sex", Level: "1/male", N: 700, Target: 12000000, Before: 11999500, After: 12000000},
					},
				},
			},
			Calibration: []assess.CalibratedMargin{{Factors: []string{"sex"}}, {Factors: []string{"city", "sex"}}}, Calibrated: 4,
			Assumptions: []assess.Assumption{
				{Code: margins.EvenAges, Value: 0.4}, {Code: margins.UrbanShareOfAll, Value: 0.7217},
				{Code: margins.Aged18to19Men, Value: 0.42, Source: "浙江省统计局"}, {Code: margins.Aged18to19InCity, Subject: "city=1", Value: 0.55, Source: "浙江省统计局"},
				{Code: margins.MarginScaled, Subject: "city/sex", Value: -2e-8},
				{Code: margins.MarginFitted, Subject: "city/sex", With: "sex", Value: 0.0004},
			},
		},
		Headline: []assess.Row{{Estimate: estimate(0.1353, 3012), Truth: truth(0.1301)}},
		Score:    []assess.Row{{Estimate: points(52.4, 3012), Truth: truth(52.9)}},
	}
	row := func(p float64, n int, true float64, notes ...analysis.Note) assess.Row {
		return assess.Row{Estimate: estimate(p, n, notes...), Truth: truth(true)}
	}
	r.Levels = []assess.Group{
		group("high", both("高阶", "Advanced"), row(0.023, 3012, 0.021)),
		group("literate", both("具备", "Literate"), row(0.1353, 3012, 0.1301)),
		group("basic", both("基本具备", "Basic"), row(0.4407, 3012, 0.451)),
	}
	r.Bands = []assess.Group{
		group("high", both("高阶", "Advanced"), row(0.023, 3012, 0.021)),
		group("literate", both("具备", "Literate"), row(0.1123, 3012, 0.1091)),
		group("basic", both("基本具备", "Basic"), row(0.3054, 3012, 0.3209)),
		group("lowest", both("较低", "Low"), row(0.5593, 3012, 0.549)),
	}
	few := analysis.Note{Code: analysis.FewRespondents, Value: 24}
	city := r.Plan.Factors[0]
	r.Tables = []assess.Table{
		{Factor: city, Groups: []assess.Group{
			group("1", city.Levels[0].Name, row(0.182, 1420, 0.169)),
			group("2", city.Levels[1].Name, row(0.096, 1568, 0.12)),
			group("3", city.Levels[2].Name, row(0.25, 24, 0.14, few, analysis.Note{Code: analysis.WideInterval, Value: 0.41})),
			group("4", city.Levels[3].Name, assess.Row{Estimate: estimate(0, 0, analysis.Note{Code: analysis.Empty}), Truth: truth(0.1)}),
		}},
		{Factor: r.Plan.Factors[1], Groups: []assess.Group{
			group("male", both("男", "Men"), row(0.151, 1450, 0.148, analysis.Note{Code: analysis.LonePSU, Subject: "S07, S11", Value: 2})),
			group("female", both("女", "Women"), row(0.121, 1562, 0.112)),
		}},
	}
	score := func(p float64, n int, true float64, notes ...analysis.Note) assess.Row {
		e := points(p, n)
		e.SE, e.Notes = 10/math.Sqrt(float64(n)), notes
		e.Lo, e.Hi = p-1.98*e.SE, p+1.98*e.SE
		if n == 0 {
			e = estimate(0, 0, notes...)
		}
		return assess.Row{Estimate: e, Truth: truth(true)}
	}
	r.Tables[0].Scores = scores(city, score(56.8, 1420, 56.2), score(48.6, 1568, 49.9), score(58.1, 24, 53, few), score(0, 0, 51, analysis.Note{Code: analysis.Empty}))
	r.Tables[1].Scores = scores(r.Plan.Factors[1], score(53.9, 1450, 54.1), score(50.9, 1562, 51.6))
	r.Dimensions = []assess.Group{
		{Code: "knowledge", Name: both("科学知识", "Knowledge"), Max: 40, Rows: []assess.Row{{Estimate: points(21.5, 3012), Truth: truth(21.8)}}},
		{Code: "method", Name: both("科学方法", "Method"), Max: 20, Rows: []assess.Row{{Estimate: points(8.9, 3012), Truth: truth(9.0)}}},
	}
	for i, p := range []float64{0.71, 0.34, 0.45} {
		it := r.Questionnaire.Sections[0].Items[i]
		r.Items = append(r.Items, group(it.ID, it.Text, row(p, 3012, p+0.01)))
	}
	return r
}

// series is a survey of two years, with base weights and no simulation.
func series() *assess.Results {
	r := single()
	r.Plan.Series = "year"
	r.Plan.Factors = append(r.Plan.Factors, assess.Factor{ID: "year", Title: both("年份", "Year"), Sample: "year"})
	r.SeriesLevels = []assess.Level{{Code: "2006", Name: both("2006 年", "2006")}, {Code: "2018", Name: both("2018 年", "2018")}}
	r.Drawn, r.Responded, r.Weighting = 3012, 3012, nil
	twice := func(rows []assess.Row) []assess.Row {
		later := rows[0]
		rows[0].Truth, later.Truth = nil, nil
		later.Estimate.Value += 0.02
		later.Estimate.Lo += 0.02
		later.Estimate.Hi += 0.02
		return []assess.Row{rows[0], later}
	}
	r.Headline, r.Score = twice(r.Headline), twice(r.Score)
	all := [][]assess.Group{r.Levels, r.Bands, r.Dimensions, r.Items}
	for _, t := range r.Tables {
		all = append(all, t.Groups, t.Scores)
	}
	for _, gs := range all {
		for i := range gs {
			gs[i].Rows = twice(gs[i].Rows)
		}
	}
	for i, change := range []float64{0.01, 0.01, 0.01, -0.03} { // bands add up to 1
		e := &r.Bands[i].Rows[1].Estimate
		e.Value, e.Lo, e.Hi = e.Value-0.02+change, e.Lo-0.02+change, e.Hi-0.02+change
	}
	return r
}
