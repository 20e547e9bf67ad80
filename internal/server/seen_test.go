package server

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/surveys"
)

// follows has a question that an answer on the same page brings, and a second section.
func follows() *surveys.Questionnaire {
	q := village()
	q.ID, q.Criterion = "follows", nil
	q.Sections = []surveys.Section{
		{ID: "s1", Title: both("甲节", "S1"), Items: []surveys.Item{
			{ID: "qa", Type: surveys.Single, Text: both("甲", "A"), Options: options("yes", "no")},
			{ID: "qb", Type: surveys.ShortText, MaxLength: 20, Relevant: `qa == "yes"`, Text: both("乙", "B")},
		}},
		{ID: "s2", Title: both("乙节", "S2"), Items: []surveys.Item{
			{ID: "qc", Type: surveys.ShortText, MaxLength: 20, Text: both("丙", "C")},
		}},
	}
	return q
}

// keep sends what was filled in so far, as the script does while a page stays open.
func (p *page) keep() {
	p.site.t.Helper()
	if got := p.site.post(p.address(), formMedia, p.sends("save").Encode()); got.status != http.StatusNoContent {
		p.site.t.Fatalf("keeping answers = %d", got.status)
	}
}

// A question that an answer on its page brings is shown before it counts as left blank,
// whether the answer was kept before the page was sent, or in another window.
func TestWhatWasNotShownIsAsked(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{follows()}, nil)
	for name, before := range map[string]func(*page){
		"sent at once":   func(*page) {},
		"kept before":    func(p *page) { p.fill("qa", "yes").keep() },
		"another window": func(p *page) { s.get(p.path).fill("qa", "yes").press("next") },
	} {
		p := s.get("/s/follows").press("start")
		before(p)
		p = p.fill("qa", "yes").press("next")
		if p.find("input", "name", "a.qb") == nil {
			t.Errorf("%s: qb is not shown, but %q", name, p.title())
			continue
		}
		p.press("next").want(200, "乙节").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	}
	for _, r := range s.stored() {
		if v, ok := r.Answers["qb"]; !ok || len(v) != 0 {
			t.Errorf("qb = %v, %v, want left blank", v, ok)
		}
	}
}

// Changing one's mind forward and back loses nothing, with the script or without.
func TestChangingOnesMindLosesNothing(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{follows()}, nil)
	p := s.get("/s/follows").press("start").fill("qa", "yes").press("next")
	p = p.fill("qb", "hello").press("next").press("back").fill("qa", "no").press("next").press("back")
	p.fill("qa", "no").keep()
	p.fill("qa", "yes").keep()
	p = p.fill("qa", "yes").press("next")
	if p.title() == "甲节" {
		p = p.press("next")
	}
	p = p.want(200, "乙节").press("back")
	if got := attr(p.find("input", "name", "a.qb"), "value"); got != "hello" {
		t.Errorf("qb = %q, want hello", got)
	}
}

// A page that is not asked any more sets its own answers and no others.
func TestStalePageSetsOnlyItsOwn(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, nil)
	p := s.get("/s/village").press("start")
	f := p.sends("next")
	f.Set("state", "0.K01.K01.K02")
	for key, v := range map[string]string{"a.K01": "true", "a.channels": "tv", "a.age": "30"} {
		f.Set(key, v)
	}
	p = s.post(p.address(), formMedia, f.Encode())
	if p.status != 200 || attr(p.find("input", "name", "a.age"), "value") != "" {
		t.Fatalf("a page not reached leads to %d %q", p.status, p.title())
	}
	p = p.fill("age", "30").fill("internet", "no").press("next")
	if n := p.find("input", "value", "tv"); n == nil || has(n, "checked") {
		t.Error("channels was answered from another page")
	}
	f = url.Values{"state": {"0.nonsense"}, "action": {"bogus"}}
	if got := s.post(p.address(), formMedia, f.Encode()); got.status != http.StatusBadRequest {
		t.Errorf("an unknown button on a page that is none = %d, want 400", got.status)
	}
}

// A condition that cannot be computed stops at the page that can mend it.
func TestConditionThatFails(t *testing.T) {
	q := follows()
	q.Sections = []surveys.Section{
		{ID: "s1", Title: both("甲节", "S1"), Items: []surveys.Item{{ID: "n", Type: surveys.Number, Text: both("甲", "A")}}},
		{ID: "s2", Title: both("乙节", "S2"), Items: []surveys.Item{{ID: "qb", Type: surveys.ShortText, MaxLength: 9, Relevant: `10 / n > 2`, Text: both("乙", "B")}}},
		{ID: "s3", Title: both("丙节", "S3"), Items: []surveys.Item{{ID: "qc", Type: surveys.ShortText, MaxLength: 9, Text: both("丙", "C")}}},
	}
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	p := s.get("/s/follows").press("start").fill("n", "0").press("next").want(422, "甲节")
	if len(p.errors()) != 1 {
		t.Errorf("errors %v, want one", p.errors())
	}
	p.fill("n", "5").press("next").want(200, "丙节")
}

// The time on a page counts whatever button is pressed, and once.
func TestTimeOnAPage(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{follows()}, nil)
	p := s.get("/s/follows").press("start").fill("qa", "no")
	s.clock.pass(2 * time.Second)
	p.keep()
	s.clock.pass(2 * time.Second)
	p = p.press("lang:en")
	s.clock.pass(time.Second)
	p = p.press("type:large")
	s.clock.pass(3 * time.Second)
	p = p.press("next")
	p.press("next").press("send")
	if got := s.stored()[0].Paradata.Millis["qa"]; got != 8000 {
		t.Errorf("%d ms, want 8000", got)
	}
}

// A soft check beside a question that the answers have brought is no error.
func TestDoubtBesideAddedQuestion(t *testing.T) {
	q := follows()
	q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{ID: "n", Type: surveys.Number, Text: both("数", "N"),
		Checks: []surveys.Check{{Assert: "n < 90", Message: both("确定吗", "Sure?"), Soft: true}}})
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	p := s.get("/s/follows").press("start").fill("qa", "yes").fill("n", "95").press("next").want(200, "甲节")
	if !slices.ContainsFunc(p.errors(), func(line [2]string) bool { return strings.Contains(line[1], "确定吗") }) {
		t.Errorf("errors %v, want the soft check", p.errors())
	}
}

// A mark of a million dots is refused before it is taken apart, and needs a token anyway.
func TestHugeMark(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{follows()}, nil)
	p := s.get("/s/follows").press("start")
	body := "action=next&state=1.qa" + strings.Repeat(".", 500_000)
	if got := s.post(p.address(), formMedia, body); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge mark = %d, want 413", got.status)
	}
	if got := s.post("/a/AAAAAAAAAAAAAAAAAAAAAA", formMedia, body); got.status != http.StatusNotFound {
		t.Errorf("without a token = %d, want 404", got.status)
	}
}

// An interview that was begun and left without an answer is no part of one: it goes, and
// its open link gets the start back.
func TestEmptyBreakOffIsNone(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{follows()}, func(c *Config, _ *Deps) { c.Idle = time.Hour })
	l := drafts.OpenLink{Wave: "follows", Name: "poster", Limit: 1, Starts: 2}
	if err := s.drafts.PutOpenLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	path := "/o/" + s.drafts.Token("follows", "poster")
	s.get(path).press("start").want(200, "甲节")
	s.get(path).press("start").fill("qa", "no").press("next").want(200, "乙节")
	s.get(path).want(410, "链接已停用")
	s.clock.pass(2 * time.Hour)
	if err := s.lookAfter(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := s.drafts.OpenLinks(t.Context(), "follows")
	if err != nil || list[0].Started != 1 {
		t.Errorf("OpenLinks() = %+v, %v, want one start left", list, err)
	}
	if got := s.stored(); len(got) != 1 || !got[0].Partial || got[0].Answers["qa"] == nil {
		t.Errorf("stored %+v, want the one part", got)
	}
	s.get(path).press("start").want(200, "甲节")
}

// A clock that was set back makes no interview that ends before it began.
func TestClockSetBack(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{follows()}, nil)
	p := s.get("/s/follows").press("start").fill("qa", "no").press("next").press("next")
	s.clock.pass(-time.Hour)
	p.press("send").want(200, "谢谢，您的问卷已收到")
	if got := s.stored(); len(got) != 1 || got[0].Finished.Before(got[0].Started) {
		t.Errorf("stored %+v", got)
	}
}
