package chart

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// say is a text in one of two languages.
func say(lang surveys.Lang, zh, en string) string {
	if lang == surveys.ZH {
		return zh
	}
	return en
}

// point is a made-up percentage with its interval.
func point(value, half float64, n int) document.Point {
	return document.Point{Value: value, Lo: value - half, Hi: value + half, N: n, Label: fmt.Sprintf("%.1f%%", value)}
}

func withheld(lang surveys.Lang) document.Point {
	// The value stays in the point on purpose: a drawing must not give it away.
	return document.Point{Value: 87.654, Lo: 86.543, Hi: 88.765, N: 9, Label: "87.7%", Missing: say(lang, "样本不足，未公布", "withheld, few interviews")}
}

// The cities of Zhejiang and Guangdong with the places of their squares.
type city struct {
	zh, en      string
	column, row int
}

var zhejiang = []city{
	{"杭州", "Hangzhou", 1, 1}, {"宁波", "Ningbo", 3, 1}, {"温州", "Wenzhou", 2, 4}, {"嘉兴", "Jiaxing", 2, 0}, {"湖州", "Huzhou", 1, 0}, {"绍兴", "Shaoxing", 2, 1},
	{"金华", "Jinhua", 1, 2}, {"衢州", "Quzhou", 0, 2}, {"舟山", "Zhoushan", 4, 1}, {"台州", "Taizhou", 3, 2}, {"丽水", "Lishui", 1, 3},
}

var guangdong = []city{
	{"广州", "Guangzhou", 3, 2}, {"韶关", "Shaoguan", 3, 0}, {"深圳", "Shenzhen", 5, 3}, {"珠海", "Zhuhai", 4, 4}, {"汕头", "Shantou", 8, 2}, {"佛山", "Foshan", 2, 2}, {"江门", "Jiangmen", 2, 3},
	{"湛江", "Zhanjiang", 0, 4}, {"茂名", "Maoming", 0, 3}, {"肇庆", "Zhaoqing", 1, 2}, {"惠州", "Huizhou", 5, 2}, {"梅州", "Meizhou", 6, 1}, {"汕尾", "Shanwei", 6, 2}, {"河源", "Heyuan", 5, 1},
	{"阳江", "Yangjiang", 1, 3}, {"清远", "Qingyuan", 2, 1}, {"东莞", "Dongguan", 4, 2}, {"中山", "Zhongshan", 3, 3}, {"潮州", "Chaozhou", 7, 1}, {"揭阳", "Jieyang", 7, 2}, {"云浮", "Yunfu", 1, 1},
}

func names(lang surveys.Lang, all []city) (out []string) {
	for _, c := range all {
		out = append(out, say(lang, c.zh, c.en))
	}
	return out
}

func squares(lang surveys.Lang, all []city) (out []document.Tile) {
	for i, c := range all {
		out = append(out, document.Tile{Category: i, Column: c.column, Row: c.row, Short: say(lang, c.zh, c.en)})
	}
	return out
}

// rates are made-up numbers, from high to low.
func rates(n int, from, step, half float64) (out []document.Point) {
	for i := range n {
		out = append(out, point(from-step*float64(i), half+0.07*float64(i%5), 300-7*i))
	}
	return out
}

// cities are the ranked dots of a province, with one city withheld.
func cities(lang surveys.Lang, all []city) *document.Chart {
	pts := rates(len(all), 21.4, 0.61, 2.1)
	pts[len(pts)-2] = withheld(lang)
	truth := rates(len(all), 20.8, 0.55, 0)
	for i := range truth {
		truth[i].Lo, truth[i].Hi = math.NaN(), math.NaN()
	}
	return &document.Chart{
		ID: "chart-cities", Kind: document.Dots, Percent: true,
		Title:      say(lang, "杭州、宁波高于全省，差异显著", "Hangzhou and Ningbo lie above the province"),
		Alt:        say(lang, "各市具备科学素质的比例及 95% 置信区间，从高到低。", "Share of literate citizens by city with 95% intervals, from high to low."),
		Categories: names(lang, all),
		Series:     []document.Series{{Name: say(lang, "估计值", "estimate"), Points: pts}, {Name: say(lang, "真值（模拟）", "true value (simulation)"), Points: truth, Truth: true}},
		Line:       &document.Line{Value: 18.2, Name: say(lang, "全省 18.2%", "Province 18.2%")},
	}
}

func bars(lang surveys.Lang) *document.Chart {
	groups := []string{say(lang, "18—29 岁", "18–29"), say(lang, "30—39 岁", "30–39"), say(lang, "40—49 岁", "40–49"), say(lang, "50—59 岁", "50–59"), say(lang, "60—69 岁", "60–69")}
	women := rates(5, 24.1, 3.3, 2.4)
	women[3] = withheld(lang)
	return &document.Chart{
		ID: "chart-age", Kind: document.Bars, Percent: true,
		Title:      say(lang, "各年龄组男性均不低于女性", "Men and women by age"),
		Alt:        say(lang, "按年龄和性别分组的比例。", "Shares by age and sex."),
		Categories: groups,
		Series:     []document.Series{{Name: say(lang, "男", "men"), Points: rates(5, 26.2, 3.1, 2.2)}, {Name: say(lang, "女", "women"), Points: women}},
		Line:       &document.Line{Value: 18.2, Name: say(lang, "全省 18.2%", "Province 18.2%")},
	}
}

// levels are exclusive bands that add up to 100.
func levels(lang surveys.Lang, bands int) *document.Chart {
	c := &document.Chart{
		ID: "chart-levels", Kind: document.Stacked, Percent: true,
		Title:      say(lang, "四个水平的构成", "The four levels"),
		Alt:        say(lang, "各组四个水平所占百分比。", "Shares of the four levels in each group."),
		Categories: []string{say(lang, "全体", "all"), say(lang, "城镇", "urban"), say(lang, "乡村", "rural"), say(lang, "某小组", "a small group")},
	}
	for b := range bands {
		s := document.Series{Name: say(lang, fmt.Sprintf("水平 %d", b+1), fmt.Sprintf("level %d", b+1))}
		for g := range c.Categories {
			total := float64(bands*(bands+1)) / 2
			pt := point(100*float64((b+g)%bands+1)/total, 1.5, 800)
			if g == 3 && b == 1 {
				pt = withheld(lang)
			}
			s.Points = append(s.Points, pt)
		}
		c.Series = append(c.Series, s)
	}
	return c
}

func overTime(lang surveys.Lang) *document.Chart {
	nan := math.NaN()
	province := rates(8, 20.3, -0.2, 0.9)
	for i, v := range []float64{3.4, 5.1, 8.2, 11.1, 13.3, 14.9, 16.2, 18.2} {
		province[i] = point(v, 0.9, 3000)
	}
	nation := []document.Point{{Value: nan}, point(3.3, 0.2, 0), point(6.2, 0.2, 0), point(8.5, 0.3, 0), point(10.6, 0.3, 0), {Value: nan, Missing: say(lang, "未调查", "no survey")}, point(12.9, 0.3, 0), point(14.1, 0.3, 0)}
	return &document.Chart{
		ID: "chart-trend", Kind: document.Trend, Percent: true,
		Title:      say(lang, "2005 年以来全省比例上升", "The share has risen since 2005"),
		Alt:        say(lang, "全省与全国历次调查的比例。", "Shares of the province and the nation over time."),
		Categories: []string{"2005", "2010", "2015", "2018", "2020", "2021", "2022", "2023"},
		Times:      []float64{2005, 2010, 2015, 2018, 2020, 2021, 2022, 2023},
		Series:     []document.Series{{Name: say(lang, "全省", "province"), Points: province}, {Name: say(lang, "全国", "nation"), Points: nation}},
		Breaks: []document.Break{
			{Before: 4, Text: say(lang, "2020 年起判定标准改变，前后不可直接比较", "The criterion changed in 2020: not comparable before and after")},
			{Before: 6, Text: say(lang, "2022 年起题库更换", "A new item bank since 2022")},
		},
		Line: &document.Line{Value: 15, Name: say(lang, "目标 15%", "Target 15%")},
	}
}

func grid11(lang surveys.Lang, all []city) *document.Chart {
	c := cities(lang, all)
	c.ID, c.Kind, c.Line, c.Series = "chart-tiles", document.Tiles, nil, c.Series[:1]
	c.Tiles = squares(lang, all)
	return c
}

// madeUp is a base map of three squares somewhere in the sea, with codes that exist in GB/T
// 2260 and shapes that are no place's. Its approval number is made up too.
func madeUp() *BaseMap {
	m, err := ReadBaseMap([]byte(`{"type":"FeatureCollection","features":[
		{"type":"Feature","properties":{"code":"330100","name":"甲"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[0,2],[0,0]]]}},
		{"type":"Feature","properties":{"adcode":330200,"name":"乙"},"geometry":{"type":"MultiPolygon","coordinates":[[[[2,0],[4,0],[4,2],[2,2],[2,0]]],[[[4.2,0],[4.6,0],[4.6,0.4],[4.2,0.4],[4.2,0]]]]}},
		{"type":"Feature","properties":{"gb":"156330300","name":"丙"},"geometry":{"type":"Polygon","coordinates":[[[0,2],[2,2],[2,3],[0,3],[0,2]]]}},
		{"type":"Feature","properties":{"code":"330400","name":"丁"},"geometry":{"type":"Polygon","coordinates":[[[2,2],[4,2],[4,3],[2,3],[2,2]]]}}
	]}`), MapInfo{Approval: "浙S（2099）1号", Source: "虚构的方格 / made-up squares"})
	if err != nil {
		panic(err)
	}
	return m
}

func onMap(lang surveys.Lang) *document.Chart {
	return &document.Chart{
		ID: "chart-map", Kind: document.Choropleth, Percent: true, Title: say(lang, "甲高于乙", "A above B"), Alt: say(lang, "三个虚构地区的比例。", "Shares of three made-up regions."),
		Categories: []string{say(lang, "甲市", "City A"), say(lang, "乙市", "City B"), say(lang, "丙市", "City C")},
		Codes:      []string{"3301", "330200", "3303"},
		Series:     []document.Series{{Name: say(lang, "比例", "share"), Points: []document.Point{point(21.4, 2, 300), point(12.1, 2, 280), withheld(lang)}}},
	}
}

// gallery has a chart of every kind.
func gallery(lang surveys.Lang) map[string]*document.Chart {
	return map[string]*document.Chart{
		"dots": cities(lang, zhejiang), "bars": bars(lang), "stacked": levels(lang, 4), "trend": overTime(lang),
		"tiles": grid11(lang, zhejiang), "choropleth": onMap(lang),
	}
}
