package server

import (
	"context"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	devtools "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

// Expressions become words with the numbers of the questions; an expression that the
// words do not reach stays as it is, rather than being said wrongly.
func TestRoutingInWords(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{everything()}, nil)
	w := s.waves()["everything"]
	for source, want := range map[string][2]string{
		`sex == "1"`: {"（仅当第 2 题选“男”时回答）", "(Only if question 2 is “Male”)"},
		`sex != "1" && age >= 60`: {"（仅当第 2 题没有选“男”，并且第 1 题不小于 60 时回答）",
			"(Only if question 2 is not “Male”, and question 1 is at least 60)"},
		`"tv" in channels || "net" in channels`: {"（仅当第 11 题选了“电视”，或者第 11 题选了“互联网”时回答）",
			"(Only if “Television” is chosen in question 11, or “The internet” is chosen in question 11)"},
		`!("none" in channels)`:                     {"（仅当第 11 题没有选“以上都不是”时回答）", "(Only if “None of these” is not chosen in question 11)"},
		`(age < 30 || age > 60) && t1 == "5"`:       {"（仅当［第 1 题小于 30 ，或者第 1 题大于 60 ］，并且第 10.1 题选“非常同意”时回答）", "(Only if [question 1 is less than 30, or question 1 is more than 60], and question 10.1 is “Strongly agree”)"},
		`has(a.born) && a.age != 40`:                {"（仅当第 3 题已回答，并且第 1 题不等于 40 时回答）", "(Only if question 3 has an answer, and question 1 is not 40)"},
		`age + 1 > 60`:                              {"（仅当符合条件 age + 1 > 60 时回答）", "(Only if this holds: age + 1 > 60)"},
		`most in channels`:                          {"（仅当符合条件 most in channels 时回答）", "(Only if this holds: most in channels)"},
		`!(age > 3)`:                                {"（仅当符合条件 !(age > 3) 时回答）", "(Only if this holds: !(age > 3))"},
		`!("none" in channels && "tv" in channels)`: {"（仅当符合条件 !(\"none\" in channels && \"tv\" in channels) 时回答）", "(Only if this holds: !(\"none\" in channels && \"tv\" in channels))"},
		`sex == "9"`:                                {"（仅当符合条件 sex == \"9\" 时回答）", "(Only if this holds: sex == \"9\")"},
	} {
		for i, l := range []surveys.Lang{surveys.ZH, surveys.EN} {
			d := paperDrawing{frame: s.pages.frame(l), wave: w, numbers: map[string]string{}}
			if _, err := d.sections(); err != nil {
				t.Fatal(err)
			}
			if got, err := d.when(source); err != nil || got != want[i] {
				t.Errorf("%s = %q, %v; want %q", source, got, err, want[i])
			}
		}
	}
}

// How many options are chosen, and what is calculated, have words where they can; the
// respondent does not know the names of items.
func TestRoutingOfNumbersInWords(t *testing.T) {
	q := follows()
	q.Sections = []surveys.Section{{ID: "s1", Title: both("甲节", "S1"), Items: []surveys.Item{
		{ID: "channels", Type: surveys.Multiple, Text: both("渠道", "Channels"), Options: options("tv", "net")},
		{ID: "first", Type: surveys.Single, Text: both("最常用", "Most used"), From: "channels"},
		{ID: "members", Type: surveys.Roster, Text: both("几口人", "How many"), Most: 4, Items: []surveys.Item{
			{ID: "mage", Type: surveys.Number, Text: both("年龄", "Age")}}},
		{ID: "kids", Type: surveys.Calculate, Calculate: "size(mage.filter(x, x < 18))"},
		{ID: "many", Type: surveys.Calculate, Calculate: "size(channels) * 2", Text: both("渠道数", "Twice the channels")},
		{ID: "eager", Type: surveys.Calculate, Calculate: `"tv" in channels || size(channels) >= 2`},
		{ID: "deeper", Type: surveys.Calculate, Calculate: `eager && eager`},
	}}}
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	for source, want := range map[string][2]string{
		`size(channels) > 1`:              {"（仅当第 1 题选了多于 1 项时回答）", "(Only if more than 1 options are chosen in question 1)"},
		`size(channels) == 1`:             {"（仅当第 1 题选了 1 项时回答）", "(Only if the number of options chosen in question 1 is 1)"},
		`kids > 0`:                        {"（仅当符合“第 3.1 题小于 18 ”的人数大于 0 时回答）", "(Only if the number of people for whom question 3.1 is less than 18 is more than 0)"},
		`many >= 4`:                       {"（仅当“渠道数”不小于 4 时回答）", "(Only if “Twice the channels” is at least 4)"},
		`eager && first == "tv"`:          {"（仅当［第 1 题选了“电视”，或者第 1 题选了不少于 2 项］，并且第 2 题选“电视”时回答）", "(Only if [“Television” is chosen in question 1, or at least 2 options are chosen in question 1], and question 2 is “Television”)"},
		`deeper`:                          {"（仅当符合条件 deeper 时回答）", "(Only if this holds: deeper)"},
		`size(mage) > 1`:                  {"（仅当符合条件 size(mage) > 1 时回答）", "(Only if this holds: size(mage) > 1)"},
		`size(mage.filter(x, x + 1 < 3))`: {"（仅当符合条件 size(mage.filter(x, x + 1 < 3)) 时回答）", "(Only if this holds: size(mage.filter(x, x + 1 < 3)))"},
	} {
		for i, l := range []surveys.Lang{surveys.ZH, surveys.EN} {
			d := paperDrawing{frame: s.pages.frame(l), wave: s.waves()["follows"], numbers: map[string]string{}}
			if _, err := d.sections(); err != nil {
				t.Fatal(err)
			}
			if got, err := d.when(source); err != nil || got != want[i] {
				t.Errorf("%s = %q, %v; want %q", source, got, err, want[i])
			}
		}
	}
}

// The paper has every question of the questionnaire, the statutory header and the version.
func TestPaperIsWhole(t *testing.T) {
	shipped, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []*surveys.Questionnaire{everything(), shipped} {
		s := newSite(t, []*surveys.Questionnaire{q}, nil)
		for _, l := range q.Languages {
			p := s.get("/s/"+q.ID+"/paper?lang="+string(l)).want(200, q.Title.In(l))
			words := text(p.doc)
			for item := range q.Items {
				if item.Type == surveys.Calculate || strings.Contains(item.Text.In(l), "${") {
					continue
				}
				for _, part := range append([]surveys.Text{item.Text}, texts(item.Options)...) {
					if !strings.Contains(words, strings.Join(strings.Fields(part.In(l)), " ")) {
						t.Errorf("%s in %s: %q is not on paper", q.ID, l, part.In(l))
					}
				}
			}
			for _, want := range []string{q.Statutory.FormNumber, q.Statutory.Issuer.In(l), q.Version()} {
				if !strings.Contains(words, want) {
					t.Errorf("%s in %s: %q is not on paper", q.ID, l, want)
				}
			}
			if strings.Contains(words, "${") {
				t.Errorf("%s in %s: a text shows its ${", q.ID, l)
			}
		}
	}
}

func texts(options []surveys.Option) (list []surveys.Text) {
	for _, o := range options {
		list = append(list, o.Text)
	}
	return list
}

// The paper of a booklet leaves out what only other booklets have, and numbers the rest.
func TestPaperOfABooklet(t *testing.T) {
	q := everything()
	q.Booklets = []surveys.Booklet{{ID: "A", Items: []string{"K1", "K3"}, Share: .5}, {ID: "B", Items: []string{"K2", "K3"}, Share: .5}}
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	has := func(path string) (found []bool) {
		words := text(s.get(path).want(200, "题型一览").doc)
		for _, item := range []string{"地心的温度非常高", "图中的折线是上升的吗", "图中是什么颜色"} {
			found = append(found, strings.Contains(words, item))
		}
		return found
	}
	for path, want := range map[string][]bool{
		"/s/everything/paper?booklet=A": {true, false, true},
		"/s/everything/paper?booklet=B": {false, true, true},
	} {
		if got := has(path); !slices.Equal(got, want) {
			t.Errorf("%s has K1, K2, K3: %v, want %v", path, got, want)
		}
	}
	a, b := []bool{true, false, true}, []bool{false, true, true}
	if got := has("/s/everything/paper"); !slices.Equal(got, a) && !slices.Equal(got, b) {
		t.Errorf("the paper without a booklet named has K1, K2, K3: %v, want those of one", got)
	}
	s.get("/s/everything/paper?booklet=C&lang=en").want(404, "Page not found")
}

// Printed in a browser, the paper is A4 and nothing stands outside of it.
func TestPaperPrints(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{everything()}, nil)
	hs := httptest.NewServer(s.Handler())
	defer hs.Close()
	b := openBrowser(t, hs.URL)
	for _, l := range []string{"zh", "en"} {
		b.open("/s/everything/paper?lang=" + l)
		b.check("paper-" + l)
		var pdf []byte
		b.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
			pdf, _, err = devtools.PrintToPDF().WithPreferCSSPageSize(true).Do(ctx)
			return err
		}))
		if !strings.Contains(string(pdf), "/MediaBox [0 0 594.95996 841.91998]") {
			t.Errorf("%s: the PDF is not in A4", l)
		}
		if *screenshots != "" {
			if err := os.WriteFile(*screenshots+"/paper-"+l+".pdf", pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Rankings have a place for each option that can come to them, and no more.
func TestPaperOfOptionsChosenElsewhere(t *testing.T) {
	q := follows()
	with := append(options("tv", "net"), surveys.Option{Code: "none", Text: both("都没有", "None"), Exclusive: true}, surveys.Option{Code: surveys.DontKnow, Text: both("不知道", "Don't know")})
	q.Sections = []surveys.Section{{ID: "s1", Title: both("甲节", "S1"), Items: []surveys.Item{
		{ID: "q1", Type: surveys.Multiple, Text: both("一", "One"), Options: with, Least: 1, Most: 2},
		{ID: "q2", Type: surveys.Multiple, Text: both("二", "Two"), From: "q1"},
		{ID: "q3", Type: surveys.Ranking, Text: both("三", "Three"), From: "q2"},
		{ID: "q4", Type: surveys.Ranking, Text: both("四", "Four"), Options: options("tv", "net"), Most: 9},
	}}}
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	p := s.get("/s/follows/paper?lang=en").want(200, q.Title.In(surveys.EN))
	var got []string
	for _, n := range p.all("div") {
		if attr(n, "class") == "printed" {
			got = append(got, text(n))
		}
	}
	if len(got) != 4 {
		t.Fatalf("%d items on paper", len(got))
	}
	for i, want := range [][]string{
		{"at least 1", "at most 2", "None (choose this alone)", "Don't know"}, {"tv", "net"}, {"1.", "2.", "tv", "net"}, {"1.", "2."},
	} {
		for _, w := range want {
			if !strings.Contains(got[i], w) {
				t.Errorf("item %d: %q lacks %q", i+1, got[i], w)
			}
		}
		for _, no := range []string{"3.", "None", "Don't know"} {
			if i > 0 && strings.Contains(strings.TrimPrefix(got[i], "3."), no) {
				t.Errorf("item %d: %q has %q", i+1, got[i], no)
			}
		}
	}
}
