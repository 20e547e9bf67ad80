package report

import (
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// full is a wave with every part that a report can have: groups that overlap, crossings,
// topics, comparisons, targets, and tests of differences.
func full() *assess.Results {
	r := single()
	separate(&r.Tables[0])
	separate(&r.Tables[1])
	for i, at := range [][]int{{2, 0}, {0, 1}, {1, 2}, {1, 0}} {
		r.Plan.Factors[0].Levels[i].Tile = at
		r.Plan.Factors[0].Levels[i].Short = both([]string{"东海", "西山", "南湖", "北原"}[i], []string{"DH", "XS", "NH", "BY"}[i])
	}
	r.Tables[0].Factor = r.Plan.Factors[0]
	residence := assess.Factor{ID: "residence", Title: both("城乡", "Residence"), Sample: "class", Levels: []assess.Level{
		{Code: "urban", Name: both("城镇居民", "Urban residents")}, {Code: "rural", Name: both("农村居民", "Rural residents")}}}
	set := assess.GroupSet{
		ID: "key", Title: both("重点人群", "Key groups"), Version: "2021-2035", Source: both("《全民科学素质行动规划纲要》", "The national outline"),
		Groups: []assess.KeyGroup{
			{Code: "farmers", Name: both("农民", "Farmers"), When: `occupation == "5" && residence == "rural"`},
			{Code: "elderly", Name: both("老年人", "The elderly"), When: "age >= 60"},
			{Code: "workers", Name: both("产业工人", "Industrial workers"), When: `occupation == "6"`},
		},
	}
	r.Plan.Factors = append(r.Plan.Factors, residence)
	r.Plan.Groups = []assess.GroupSet{set}
	row := func(p float64, n int) []assess.Row { return []assess.Row{{Estimate: estimate(p, n)}} }
	tables := []assess.Table{
		{Factor: residence, Groups: []assess.Group{
			group("urban", residence.Levels[0].Name, row(0.162, 2100)...), group("rural", residence.Levels[1].Name, row(0.074, 912)...)}},
		{Factor: assess.Factor{ID: set.ID, Title: set.Title}, Set: &set, Groups: []assess.Group{
			group("farmers", set.Groups[0].Name, row(0.052, 610)...), group("elderly", set.Groups[1].Name, row(0.049, 540)...),
			group("workers", set.Groups[2].Name, row(0.131, 420)...)}},
	}
	for i := range tables {
		separate(&tables[i])
		for k, g := range tables[i].Groups {
			e := points(54.3-2.7*float64(k), g.Rows[0].Estimate.N)
			tables[i].Scores = append(tables[i].Scores, assess.Group{Code: g.Code, Name: g.Name, Max: 60, Rows: []assess.Row{{Estimate: e}}})
		}
	}
	r.Tables = append(r.Tables, tables...)
	r.Crossings = []assess.CrossTable{{Rows: residence, Columns: r.Plan.Factors[1], Cells: [][][]assess.Row{
		{row(0.174, 1010), row(0.15, 1090)}, {row(0.081, 440), row(0.067, 472)}}}}
	r.Topics = topicResults(row)
	r.Questionnaire.Sections = append(r.Questionnaire.Sections, topicSection())
	r.References, r.Changes = references()
	r.Targets = []assess.Attainment{
		{Target: assess.Target{Area: "示例省", Code: "990000", Year: 2025, Rate: 0.12, Name: both("“十四五”规划目标", "Target of the 14th plan")},
			Estimate: r.Headline[0].Estimate, Verdict: assess.Attained, P: 0.008, Adjusted: 0.016, Sure: 0.992},
		{Target: assess.Target{Area: "示例省", Code: "990000", Year: 2030, Rate: 0.14, Above: true}, Estimate: r.Headline[0].Estimate, Verdict: assess.LikelyMissed, P: 0.29, Adjusted: 0.29, Sure: 0.71},
		{Target: assess.Target{Area: "西山市", Code: "2", Year: 2025, Rate: 0.15}, Estimate: r.Tables[0].Groups[1].Rows[0].Estimate, Verdict: assess.Missed, P: 0.0002, Adjusted: 0.0006, Sure: 0.9998},
	}
	return r
}

// separate fills the contrasts of a table by the normal approximation, corrected by
// Bonferroni, with letters and ranks for groups in the order of their rates. The numbers
// are made up as all of the fixture; package assess has the real ones.
func separate(t *assess.Table) {
	s := &assess.Separation{Letters: map[string]string{}, Ranks: map[string]assess.Ranks{}}
	difference := func(a, b analysis.Estimate) (analysis.Estimate, float64) {
		d, se := a.Value-b.Value, math.Hypot(a.SE, b.SE)
		return analysis.Estimate{Value: d, SE: se, Lo: d - 1.96*se, Hi: d + 1.96*se, Level: 0.95, DF: 109}, math.Erfc(math.Abs(d) / se / math.Sqrt2)
	}
	pairs := float64(len(t.Groups) * (len(t.Groups) - 1) / 2)
	for i, g := range t.Groups {
		a := g.Rows[0].Estimate
		if math.IsNaN(a.Value) {
			continue
		}
		ranks := assess.Ranks{Best: 1, Worst: len(t.Groups)}
		for j, h := range t.Groups {
			d, p := difference(a, h.Rows[0].Estimate)
			adjusted := min(1, p*pairs)
			if i < j {
				s.Pairs = append(s.Pairs, assess.Contrast{A: g.Code, B: h.Code, Difference: d, P: p, Adjusted: adjusted})
			}
			switch {
			case i == j || !(adjusted < 0.05):
			case d.Value > 0:
				ranks.Worst--
			default:
				ranks.Best++
			}
		}
		d, p := difference(a, estimate(0.1353, 3012))
		s.Others = append(s.Others, assess.Contrast{A: g.Code, Difference: d, P: p, Adjusted: min(1, p*float64(len(t.Groups)))})
		s.Ranks[g.Code] = ranks
		switch {
		case ranks.Best > 1 && ranks.Worst < len(t.Groups):
			s.Letters[g.Code] = "b"
		case ranks.Best > 1:
			s.Letters[g.Code] = "b"
		case ranks.Worst < len(t.Groups):
			s.Letters[g.Code] = "a"
		default:
			s.Letters[g.Code] = "ab"
		}
	}
	t.Separation = s
}

func topicResults(row func(float64, int) []assess.Row) []assess.TopicResult {
	yes, no := assess.Level{Code: "1", Name: both("具备科学素质的居民", "Literate residents")}, assess.Level{Code: "0", Name: both("不具备的居民", "Other residents")}
	return []assess.TopicResult{
		{
			Topic:  assess.Topic{ID: "interest", Title: both("对科技话题的兴趣", "Interest in topics"), Items: []string{"C01", "C02"}, Options: []string{"1", "2"}, Name: both("非常或比较感兴趣", "very or fairly interested")},
			Groups: []assess.Group{group("C01", both("环境保护", "The environment"), row(0.71, 3012)...), group("C02", both("航天技术", "Space"), row(0.44, 3012)...)},
		},
		{
			Topic:  assess.Topic{ID: "channels-any", Title: both("使用的渠道", "Channels used"), Items: []string{"C03"}, By: "literate"},
			Groups: []assess.Group{group("C03/1", both("电视", "Television"), row(0.855, 3012)...), group("C03/2", both("互联网", "Internet"), row(0.792, 3012)...)},
			Levels: []assess.Level{yes, no},
			By:     [][][]assess.Row{{row(0.69, 408), row(0.88, 2604)}, {row(0.91, 408), row(0.77, 2604)}},
		},
		{
			Topic:  assess.Topic{ID: "channels-first", Title: both("首选的渠道", "First choice of channel"), Items: []string{"C03"}, First: true, Base: both("使用过任一渠道的居民", "People who used any channel")},
			Groups: []assess.Group{group("C03/1", both("电视", "Television"), row(0.268, 2950)...), group("C03/2", both("互联网", "Internet"), row(0.583, 2950)...)},
		},
		{
			Topic:  assess.Topic{ID: "ai", Title: both("人工智能（专题）", "Artificial intelligence"), Items: []string{"C01", "C02"}},
			Groups: []assess.Group{group("C01/1", both("支持", "Support"), row(0.6, 3012)...), group("C02/1", both("支持", "Support"), row(0.5, 3012)...)},
		},
	}
}

func topicSection() surveys.Section {
	s := surveys.Section{ID: "t", Title: both("科技信息", "Science information"), Intro: both("下面问您获取信息的情况。", "Now some questions on information.")}
	options := []surveys.Option{{Code: "1", Text: both("电视", "Television")}, {Code: "2", Text: both("互联网", "Internet")}}
	s.Items = []surveys.Item{
		{ID: "C01", Type: surveys.Single, Text: both("您对环境保护感兴趣吗？", "Are you interested in the environment?"), Options: options},
		{ID: "C02", Type: surveys.Single, Text: both("您对航天技术感兴趣吗？", "Are you interested in space?"), Options: options},
		{ID: "C03", Type: surveys.Multiple, Text: both("您通过哪些渠道获取科技信息？", "Where do you learn about science?"), Options: options},
	}
	return s
}

func references() ([]assess.Reference, []assess.Change) {
	nan := math.NaN()
	ref := func(area, code string, year int, rate float64, n int, criterion, grade string) assess.Reference {
		return assess.Reference{Area: area, Code: code, Year: year, Rate: rate, SE: nan, N: n, Criterion: criterion, Source: both("公报", "Bulletin"), Grade: grade, Certainty: "published"}
	}
	nation20, own20 := ref("全国", "0", 2020, 0.1056, 309800, "cast", "B"), ref("示例省", "990000", 2020, 0.11, 0, "cast", "B")
	own20.SE = 0.006
	all := []assess.Reference{
		ref("全国", "0", 2010, 0.0327, 68416, "three-measures", "B"), ref("全国", "0", 2015, 0.062, 0, "three-measures", "A"), nation20,
		ref("全国", "0", 2024, 0.1537, 0, "cast", "C"),
		ref("示例省", "990000", 2010, 0.0561, 0, "three-measures", "B"), own20,
	}
	change := func(r assess.Reference, p float64, notes ...analysis.Note) assess.Change {
		d := 0.1353 - r.Rate
		return assess.Change{Reference: r, Comparable: true, Difference: analysis.Estimate{Value: d, SE: 0.009, Lo: d - 0.0178, Hi: d + 0.0178, Level: 0.95, Notes: notes}, P: p}
	}
	broken := assess.Change{Reference: all[4], Difference: estimate(nan, 0), P: nan}
	return all, []assess.Change{broken, change(own20, 0.018), change(nation20, 0.0016, analysis.Note{Code: "own-error-only"}), change(all[3], 0.24)}
}
