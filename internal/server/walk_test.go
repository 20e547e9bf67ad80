package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

func villageSite(t *testing.T) *site {
	t.Helper()
	return newSite(t, []*surveys.Questionnaire{village()}, nil)
}

// toSend answers the village questionnaire in Chinese up to the page that sends it.
func toSend(first *page) *page {
	first.site.t.Helper()
	p := first.press("start").want(200, "基本情况")
	p = p.fill("age", "35").fill("internet", "yes").press("next").want(200, "基本情况")
	p = p.fill("hours", "2.50").press("next").want(200, "上网")
	p = p.fill("place", " 科普网 ").press("next").want(200, "渠道")
	p = p.fill("channels", "net", "tv").press("next").want(200, "科学知识")
	return p.fill("K01", "true").press("next").want(200, "提交问卷")
}

// The answers of toSend as the engine normalises them: numbers in one way,
// options in the order of the questionnaire, spaces trimmed; K02 was left blank.
var villageAnswers = surveys.Answers{
	"age": {"35"}, "internet": {"yes"}, "hours": {"2.5"}, "place": {"科普网"},
	"channels": {"tv", "net"}, "K01": {"true"}, "K02": {},
}

func TestWalkInChinese(t *testing.T) {
	s := villageSite(t)
	first := s.get("/s/village").want(200, "乡村科学素质调查")
	for _, words := range []string{"浙科协 1 表", "浙江省科学技术协会", "浙统制〔2026〕1 号", "2026-12-31", "本调查仅用于统计"} {
		if !strings.Contains(first.body, words) {
			t.Errorf("the first page does not show %q", words)
		}
	}
	if got := attr(first.find("html", "", ""), "lang"); got != "zh-CN" {
		t.Errorf("lang = %q, want zh-CN", got)
	}
	send := toSend(first)
	if !strings.Contains(send.body, "您回答了 6 个问题") || !strings.Contains(send.body, "有 1 个问题留空") {
		t.Errorf("the last page miscounts:\n%s", send.body)
	}
	s.clock.pass(time.Minute)
	thanks := send.press("send").want(200, "谢谢，您的问卷已收到")

	stored := s.stored()
	if len(stored) != 1 {
		t.Fatalf("%d interviews stored, want 1", len(stored))
	}
	got := stored[0]
	if _, err := uuid.Parse(got.ID); err != nil {
		t.Errorf("ID %q: %v", got.ID, err)
	}
	want := surveys.Interview{
		ID: got.ID, Survey: "village", Version: village().Version(), Wave: "village", Mode: surveys.ModeWeb,
		Lang: surveys.ZH, Started: noon.UTC(), Finished: noon.UTC().Add(time.Minute), Answers: villageAnswers,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stored interview (-want +got):\n%s", d)
	}
	if receipt := text(thanks.find("p", "class", "receipt")); !strings.HasPrefix(receipt, "1-1-") || len(receipt) != len("1-1-01234567") {
		t.Errorf("receipt = %q, want node, sequence and eight digits", receipt)
	}
}

func TestWalkInEnglishSkipsWhatIsNotRelevant(t *testing.T) {
	s := villageSite(t)
	p := s.get("/s/village?lang=en").want(200, "Village science survey").press("start").want(200, "About you")
	if got := p.header.Get("Content-Language"); got != "en" {
		t.Errorf("Content-Language = %q, want en", got)
	}
	if got := text(p.find("label", "for", "progress")); got != "Part 1 of at most 4" {
		t.Errorf("progress = %q while it is open whether Online is asked", got)
	}
	p = p.fill("age", "70").fill("internet", "no").press("next").want(200, "Channels")
	if got := text(p.find("label", "for", "progress")); got != "Part 2 of 3" {
		t.Errorf("progress = %q without Online, want Part 2 of 3", got)
	}
	p = p.fill("channels", "none").press("next").want(200, "Knowledge")
	p.fill("K01", "dk").fill("K02", "refused").press("next").want(200, "Send your answers").
		press("send").want(200, "Thank you, your answers have arrived")
	want := surveys.Answers{"age": {"70"}, "internet": {"no"}, "channels": {"none"}, "K01": {"dk"}, "K02": {"refused"}}
	if got := s.stored()[0]; !reflect.DeepEqual(got.Answers, want) || got.Lang != surveys.EN {
		t.Errorf("stored %v in %s, want %v in en", got.Answers, got.Lang, want)
	}
}

// A question that an answer on the same page brings up is shown, without an error.
func TestAddedQuestion(t *testing.T) {
	s := villageSite(t)
	p := s.get("/s/village").press("start")
	if p.find("input", "name", "a.hours") != nil {
		t.Fatal("hours is asked before anybody said they were online")
	}
	p = p.fill("age", "35").fill("internet", "yes").press("next").want(200, "基本情况")
	if p.find("input", "name", "a.hours") == nil || p.find("div", "role", "status") == nil || len(p.errors()) > 0 {
		t.Errorf("the page does not bring up hours quietly:\n%s", p.body)
	}
	p = p.press("next")
	if want := [][2]string{{"#i-hours", "每天上网几小时 请回答这个问题。"}}; p.status != 422 || !slices.Equal(p.errors(), want) {
		t.Errorf("passed over: %d %v, want 422 %v", p.status, p.errors(), want)
	}
}

func TestErrorsAreListedAndLinked(t *testing.T) {
	s := villageSite(t)
	p := s.get("/s/village").press("start").fill("age", "7").press("next")
	if p.status != http.StatusUnprocessableEntity {
		t.Errorf("status = %d, want 422", p.status)
	}
	if got := text(p.find("title", "", "")); !strings.HasPrefix(got, "错误：") {
		t.Errorf("title = %q, want it to begin with 错误：", got)
	}
	want := [][2]string{
		{"#i-age", "您的年龄是 年龄应在 18 到 120 岁之间。"},
		{"#i-internet", "您上网吗 请回答这个问题。"},
	}
	if got := p.errors(); !slices.Equal(got, want) {
		t.Errorf("errors = %v, want %v", got, want)
	}
	for _, line := range p.errors() {
		if p.find("input", "id", line[0][1:]) == nil {
			t.Errorf("%s leads to no field", line[0])
		}
	}
	age := p.find("input", "id", "i-age")
	if attr(age, "value") != "7" || attr(age, "aria-invalid") != "true" {
		t.Error("the wrong age is not kept, or not marked as wrong")
	}
	for id := range strings.FieldsSeq(attr(age, "aria-describedby")) {
		if !strings.Contains(p.body, `id="`+id+`"`) {
			t.Errorf("aria-describedby names %q, which is not there", id)
		}
	}
	if s := villageSite(t); len(s.stored()) != 0 {
		t.Error("something was stored")
	}
}

// What is wrong, by what was filled in; the words are those of web/text.
func TestEachKindOfError(t *testing.T) {
	s := villageSite(t)
	about := func() *page { return s.get("/s/village?lang=en").press("start") }
	hours := func() *page {
		return about().fill("age", "35").fill("internet", "yes").press("next").want(200, "About you")
	}
	place := func() *page { return hours().fill("hours", "dk").press("next").want(200, "Online") }
	channels := func() *page { return place().press("next").want(200, "Channels") }
	for name, c := range map[string]struct {
		page   *page
		item   string
		values []string
		want   string
	}{
		"letters for a number":  {about(), "age", []string{"abc"}, "Please enter a number, such as 35."},
		"half a year":           {about(), "age", []string{"35.5"}, "Please enter a whole number."},
		"two decimals too many": {hours(), "hours", []string{"1.234"}, "Too many decimals; at most 1."},
		"number and don't know": {hours(), "hours", []string{"2", "dk"}, "Please give only one answer to this question."},
		"eleven characters":     {place(), "place", []string{"一二三四五六七八九十一"}, "Your answer is too long: at most 10 characters."},
		"a bell":                {place(), "place", []string{"a\ab"}, "Please remove the special characters from your answer."},
		"option of its own":     {channels(), "channels", []string{"radio"}, "Please choose one of the options shown."},
		"none and one":          {channels(), "channels", []string{"tv", "none"}, "An option like “none of these” cannot be chosen together with others."},
		"two for one":           {about(), "internet", []string{"yes", "no"}, "Please give only one answer to this question."},
	} {
		p := c.page.fill(c.item, c.values...).press("next")
		found := slices.ContainsFunc(p.errors(), func(line [2]string) bool {
			return line[0] == "#i-"+c.item && strings.HasSuffix(line[1], c.want)
		})
		if p.status != 422 || !found {
			t.Errorf("%s: %d %v, want 422 and %q", name, p.status, p.errors(), c.want)
		}
	}
}

func TestBackLosesNothing(t *testing.T) {
	s := villageSite(t)
	p := s.get("/s/village").press("start").fill("age", "35").fill("internet", "yes").press("next").
		fill("hours", "3").press("next").want(200, "上网").fill("place", "甲").press("next").want(200, "渠道")
	// Something wrong is kept too: it is nobody's business until Next.
	p = p.fill("channels", "tv", "none").press("back").want(200, "上网")
	if got := attr(p.find("input", "id", "i-place"), "value"); got != "甲" {
		t.Errorf("place = %q after going back, want 甲", got)
	}
	p = p.press("back").want(200, "基本情况")
	if p.find("button", "value", "back") != nil {
		t.Error("the first section has a Back button")
	}
	// Without the internet the section Online is not asked, but what was typed stays.
	p = p.fill("internet", "no").press("next").want(200, "渠道")
	for _, n := range p.all("input") {
		if attr(n, "name") == "a.channels" && has(n, "checked") != (attr(n, "value") != "net") {
			t.Errorf("channel %s: checked = %v after going back and forth", attr(n, "value"), has(n, "checked"))
		}
	}
	p = p.press("back").want(200, "基本情况").fill("internet", "yes").press("next").want(200, "上网")
	if got := attr(p.find("input", "id", "i-place"), "value"); got != "甲" {
		t.Errorf("place = %q after its section was skipped, want 甲", got)
	}
}

// The last section can be gone back to from the page that sends the answers.
func TestBackFromTheEnd(t *testing.T) {
	s := villageSite(t)
	p := toSend(s.get("/s/village")).press("back").want(200, "科学知识").
		fill("K02", "false").press("next").want(200, "提交问卷")
	s.clock.pass(time.Minute)
	p.press("send").want(200, "谢谢，您的问卷已收到")
	if got := s.stored()[0].Answers["K02"]; !slices.Equal(got, []string{"false"}) {
		t.Errorf("K02 = %v, want false", got)
	}
}

func TestLanguageSwitchKeepsWhatWasTyped(t *testing.T) {
	s := villageSite(t)
	p := s.get("/s/village").press("start").fill("age", "7").fill("internet", "no").press("lang:en").want(200, "About you")
	if attr(p.find("html", "", ""), "lang") != "en" || attr(p.find("input", "id", "i-age"), "value") != "7" {
		t.Errorf("the English page lost the age:\n%s", p.body)
	}
	if p.find("input", "checked", "") == nil {
		t.Error("the English page lost the choice")
	}
	p.press("lang:fr").want(400, "This could not be processed")
	toSend(s.get("/s/village")).press("lang:en").want(200, "Send your answers").
		press("send").want(200, "Thank you, your answers have arrived")
}

// A second click, or a reload of the thank-you page, sends the same bytes again.
func TestSendingTwiceCountsOnce(t *testing.T) {
	s := villageSite(t)
	send := toSend(s.get("/s/village"))
	s.clock.pass(time.Second)
	first := send.press("send").want(200, "谢谢，您的问卷已收到")
	s.clock.pass(time.Hour)
	second := send.press("send").want(200, "谢谢，您的问卷已收到")
	if first.body != second.body {
		t.Error("the second thank-you page differs from the first")
	}
	if n := len(s.stored()); n != 1 {
		t.Errorf("%d interviews stored, want 1", n)
	}
}

func TestPersonalLink(t *testing.T) {
	s := villageSite(t)
	link := s.caseLink("village", "330102-0017")
	p := s.get(link).want(200, "乡村科学素质调查")
	toSend(p).press("send").want(200, "谢谢，您的问卷已收到")
	got := s.stored()[0]
	if got.Case != "330102-0017" || got.ID != newLinks(testKey).interviewID("village", "330102-0017") {
		t.Errorf("stored case %q as %s", got.Case, got.ID)
	}
	// The link says that it was answered, and shows no answers.
	s.clock.pass(time.Hour)
	p = s.get(link).want(410, "您已经提交过了")
	if strings.Contains(p.body, "科普网") {
		t.Error("the link shows an answer")
	}
	s.post(link, formMedia, "action=start").want(410, "您已经提交过了")
}

func TestForgedLinkGetsAPage(t *testing.T) {
	s := villageSite(t)
	for name, path := range map[string]string{
		"made up":    "/i/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"other wave": CaseLink(testKey, "elsewhere", "1", 0),
		"cut":        strings.TrimSuffix(s.caseLink("village", "1"), s.caseLink("village", "1")[20:]),
	} {
		if p := s.get(path); p.status != 404 || p.title() != "链接无效" {
			t.Errorf("%s: %d %q, want 404 链接无效", name, p.status, p.title())
		}
		if p := s.post(path, formMedia, "action=start"); p.status != 404 {
			t.Errorf("%s, started: %d, want 404", name, p.status)
		}
	}
	if p := s.post(s.caseLink("village", "1"), formMedia, "action=next"); p.status != 400 {
		t.Errorf("a link that is not started: %d, want 400", p.status)
	}
}

// The form's last day of validity is its last day in China.
func TestWaveClosesByItself(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, nil)
	lastMoment := time.Date(2026, 12, 31, 23, 59, 59, 0, surveys.ChinaTime)
	s.clock.pass(lastMoment.Sub(noon))
	open := s.get("/s/village").want(200, "乡村科学素质调查")
	send := toSend(open)
	s.clock.pass(time.Second)
	for name, p := range map[string]*page{
		"first page":    s.get("/s/village"),
		"start":         open.press("start"),
		"personal link": s.get(s.caseLink("village", "1")),
		"answers":       send.press("send"),
	} {
		if p.status != 410 || p.title() != "调查已结束" {
			t.Errorf("%s: %d %q, want 410 调查已结束", name, p.status, p.title())
		}
	}
	if n := len(s.stored()); n != 0 {
		t.Errorf("%d interviews stored after the end, want 0", n)
	}
	if p := s.get("/"); !strings.Contains(p.body, "目前没有开放填写的调查") {
		t.Error("the home page does not say that no survey is open")
	}
}

func TestClosedByTheOffice(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) { d.Waves[0].Closed = true })
	s.get("/s/village?lang=en").want(410, "The survey has ended")
}

// When the intake is away, the page with the answers comes back and can be sent again.
func TestIntakeAwayKeepsTheAnswers(t *testing.T) {
	away := &switchable{}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) {
		away.Intake, d.Intake = d.Intake, away
	})
	send := toSend(s.get("/s/village"))
	away.err = fmt.Errorf("disk: %w", surveys.ErrUnavailable)
	p := send.press("send").want(503, "提交问卷")
	if p.header.Get("Retry-After") == "" || p.find("div", "role", "alert") == nil {
		t.Error("the page does not say that and when to try again")
	}
	away.err = nil
	p.press("send").want(200, "谢谢，您的问卷已收到")
	if got := s.stored()[0].Answers; !reflect.DeepEqual(got, villageAnswers) {
		t.Errorf("stored %v, want %v", got, villageAnswers)
	}
}

// Beyond the limit of requests at one time, people are asked to come again.
func TestTooManyRequests(t *testing.T) {
	gate := &switchable{entered: make(chan struct{}), leave: make(chan struct{})}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, d *Deps) {
		c.MaxRequests, c.Pressure.QueueWait = 1, time.Millisecond
		gate.Intake, d.Intake = d.Intake, gate
	})
	send := toSend(s.get("/s/village"))
	thanks := make(chan int)
	go func() {
		r := httptest.NewRequest(http.MethodPost, send.address(), strings.NewReader(send.sends("send").Encode()))
		r.Header.Set("Content-Type", formMedia)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		thanks <- w.Code
	}()
	<-gate.entered
	p := s.post("/s/village", formMedia, "action=start").want(503, "请稍候")
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	// Reading stays possible, and so does asking whether the server is well.
	s.get("/s/village").want(200, "乡村科学素质调查")
	if got := s.get("/healthz").status; got != 200 {
		t.Errorf("/healthz = %d under load, want 200", got)
	}
	close(gate.leave)
	if got := <-thanks; got != 303 {
		t.Errorf("the request under way ended with %d, want 303", got)
	}
	s.post("/s/village", formMedia, "action=start").want(200, "基本情况")
}

// Two or three short answers stand side by side; a scale runs down the page.
func TestShortOptions(t *testing.T) {
	scale := options("yes", "no", "true", "false", "dk")
	long := options("yes", "dk")
	long[0].Text = both("比较支持这种做法", "I rather agree with it")
	for name, c := range map[string]struct {
		options []surveys.Option
		want    bool
	}{
		"true, false and don't know": {options("true", "false", "dk", "refused"), true},
		"four answers":               {scale, false},
		"a long one":                 {long, false},
	} {
		item := surveys.Item{ID: "x", Type: surveys.Single, Options: c.options}
		f, err := form.Compile(&surveys.Questionnaire{Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{item}}}})
		if err != nil {
			t.Fatal(err)
		}
		session, err := f.Start(form.Start{})
		if err != nil {
			t.Fatal(err)
		}
		d := &drawing{frame: frame{lang: surveys.ZH}, run: &run{wave: &wave{}, session: session}}
		v, err := d.item(session.State().Page.Items[0])
		if err != nil {
			t.Fatal(err)
		}
		if v.Short != c.want {
			t.Errorf("%s: Short = %v, want %v", name, v.Short, c.want)
		}
	}
}
