package server

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// testDivisions is a small code list: two provinces, one of them with cities, of
// which one has counties.
const testDivisions = `code,name_zh,name_en
33,浙江省,Zhejiang
3301,杭州市,Hangzhou
330102,上城区,Shangcheng
330106,西湖区,Xihu
3302,宁波市,Ningbo
44,广东省,Guangdong
`

func divisions(t testing.TB) *geo.List {
	t.Helper()
	l, err := geo.Read("test-2020", strings.NewReader(testDivisions))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// scale is a list of options with numbers as codes.
func scale(texts ...surveys.Text) (list []surveys.Option) {
	for i, text := range texts {
		list = append(list, surveys.Option{Code: string(rune('1' + i)), Text: text})
	}
	return list
}

var (
	agreement = scale(both("非常不同意", "Strongly disagree"), both("不太同意", "Disagree"), both("说不清", "Neither"),
		both("比较同意", "Agree"), both("非常同意", "Strongly agree"))
	unsure = surveys.Option{Code: surveys.DontKnow, Text: both("不知道", "Don't know")}
	unsaid = surveys.Option{Code: surveys.Refused, Text: both("不愿回答", "Prefer not to say")}
)

// square is a picture in PNG.
func square() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 240, 80))
	for i := range img.Pix {
		img.Pix[i] = 0xb0
	}
	img.Set(10, 10, color.Black)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// everything is a questionnaire with every type of item and every property that is seen.
func everything() *surveys.Questionnaire {
	svg := &surveys.Figure{SVG: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 80" width="300" height="80"><path d="M10 70L110 20L210 50L290 10" stroke="#048" stroke-width="4" fill="none"/></svg>`,
		Alt: both("一条上升的折线", "A line that rises")}
	zeroToTen := []surveys.Option{}
	for _, n := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
		zeroToTen = append(zeroToTen, surveys.Option{Code: n, Text: both(n, n)})
	}
	zeroToTen[0].Text, zeroToTen[10].Text = both("0 完全不信任", "0 no trust"), both("10 完全信任", "10 full trust")
	channels := []surveys.Option{
		{Code: "tv", Text: both("电视", "Television")}, {Code: "net", Text: both("互联网", "The internet")},
		{Code: "paper", Text: both("报纸", "Newspapers")}, {Code: "radio", Text: both("广播", "Radio")},
	}
	return &surveys.Questionnaire{
		ID: "everything", Edition: "1", Languages: []surveys.Lang{surveys.ZH, surveys.EN},
		Title:   both("题型一览", "Every type of question"),
		Consent: both("本问卷仅供测试。", "This questionnaire is for tests."),
		Statutory: surveys.Statutory{FormNumber: "测 1 表", Issuer: both("测试机关", "Test office"),
			Approval: both("测试", "Test"), ValidUntil: "2027-12-31", Trial: true},
		Sections: []surveys.Section{
			{ID: "who", Title: both("您本人", "About you"), Intro: both("请按实际情况回答。", "Please answer as things are."), Items: []surveys.Item{
				{ID: "hello", Type: surveys.Note, Text: both("以下问题没有对错之分。", "There are no right or wrong answers."), Figure: svg},
				{ID: "age", Type: surveys.Number, Required: true, Text: both("您的年龄是", "How old are you"), Hint: both("周岁", "In full years"), Unit: both("岁", "years"),
					Constraint: "age >= 18 && age <= 120", Message: both("年龄应在 18 到 120 岁之间。", "Age is between 18 and 120."),
					Checks: []surveys.Check{{Assert: "age <= 95", Message: both("年龄很大，请确认。", "That is a high age; please make sure."), Soft: true}}},
				{ID: "sex", Type: surveys.Single, Required: true, Text: both("您的性别是", "Your sex"),
					Options: append(scale(both("男", "Male"), both("女", "Female")), unsaid)},
				{ID: "born", Type: surveys.Date, Text: both("您的出生日期是", "When were you born"), Options: []surveys.Option{unsaid}},
				{ID: "home", Type: surveys.Region, Text: both("您住在哪里", "Where do you live"), Options: []surveys.Option{unsaid},
					Division: &surveys.Division{List: "test-2020", Level: "county"}},
				{ID: "name", Type: surveys.ShortText, MaxLength: 40, Text: both("怎么称呼您", "What shall we call you")},
				{ID: "view", Type: surveys.LongText, Text: both("请说说您对科学的看法", "What do you think of science"), Options: []surveys.Option{unsaid}},
			}},
			{ID: "family", Title: both("您的家人", "Your family"), Items: []surveys.Item{
				{ID: "people", Type: surveys.Roster, Required: true, Text: both("与您同住的有几人", "How many people live with you"), Most: 4, Items: []surveys.Item{
					{ID: "called", Type: surveys.ShortText, Text: both("称呼", "Name")},
					{ID: "years", Type: surveys.Number, Required: true, Text: both("${called}的年龄", "Age of ${called}"), Options: []surveys.Option{unsure}},
				}},
			}},
			{ID: "scales", Title: both("看法", "Opinions"), Items: []surveys.Item{
				{ID: "agree", Type: surveys.Likert, Required: true, Text: both("科学技术使生活更美好", "Science makes life better"), Options: append(append([]surveys.Option{}, agreement...), unsure, unsaid)},
				{ID: "trust", Type: surveys.Likert, Text: both("您对科学家的信任程度", "How far do you trust scientists"), Options: zeroToTen},
				{ID: "table", Type: surveys.Grid, Text: both("您是否同意以下说法", "Do you agree with these statements"), Options: append(append([]surveys.Option{}, agreement...), unsure)},
				{ID: "t1", Type: surveys.Likert, Row: "table", Required: true, Text: both("科学家应当参与公共讨论", "Scientists should take part in public debate"), Options: append(append([]surveys.Option{}, agreement...), unsure)},
				{ID: "t2", Type: surveys.Likert, Row: "table", Required: true, Text: both("人工智能利大于弊", "Artificial intelligence does more good than harm"), Options: append(append([]surveys.Option{}, agreement...), unsure)},
				{ID: "t3", Type: surveys.Likert, Row: "table", Text: both("我愿意参加科普活动", "I would join in science events"), Options: append(append([]surveys.Option{}, agreement...), unsure)},
				{ID: "channels", Type: surveys.Multiple, Required: true, Page: true, Text: both("您从哪里了解科技信息", "Where do you hear about science"),
					Options: append(append([]surveys.Option{}, channels...), surveys.Option{Code: "none", Text: both("以上都不是", "None of these"), Exclusive: true})},
				{ID: "most", Type: surveys.Single, Required: true, Page: true, Relevant: `!("none" in channels)`, From: "channels", Text: both("其中最常用的是", "Which of them most")},
				{ID: "order", Type: surveys.Ranking, Required: true, Shuffle: true, Most: 3, Text: both("请按信任程度排列", "Rank them by trust"), Options: append(append([]surveys.Option{}, channels...), unsure)},
			}},
			{ID: "know", Title: both("科学知识", "Knowledge"), Shuffle: true, Items: []surveys.Item{
				{ID: "K1", Type: surveys.Single, Required: true, Text: both("地心的温度非常高", "The centre of the Earth is very hot"), Options: options("true", "false", "dk")},
				{ID: "K2", Type: surveys.Single, Required: true, Text: both("图中的折线是上升的吗", "Does the line rise"), Options: options("yes", "no", "dk"), Figure: svg},
				{ID: "K3", Type: surveys.Single, Required: true, Text: both("图中是什么颜色", "What colour is it"), Options: options("true", "false", "dk"),
					Figure: &surveys.Figure{Image: square(), Alt: both("一个灰色方块", "A grey square")}},
			}},
			{ID: "end", Title: both("最后", "Finally"), Items: []surveys.Item{
				{ID: "twice", Type: surveys.Calculate, Calculate: "age * 2"},
				{ID: "quick", Type: surveys.Single, Required: true, Timed: true, Text: both("17 + 25 等于多少", "How much is 17 + 25"), Options: scale(both("42", "42"), both("32", "32"))},
				{ID: "bye", Type: surveys.Single, Required: true, Text: both("${name}，您觉得这份问卷怎么样", "${name}, how was this questionnaire"), Options: scale(both("好", "Good"), both("一般", "Fair"), both("不好", "Bad"))},
			}},
		},
	}
}
