package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// value is what stands in the field of an item.
func (p *page) value(item string) string { return attr(p.find("input", "id", "i-"+item), "value") }

// chosen are the options of an item that are ticked.
func (p *page) chosen(item string) (codes []string) {
	for _, n := range p.all("input") {
		if attr(n, "name") == "a."+item && has(n, "checked") {
			codes = append(codes, attr(n, "value"))
		}
	}
	return codes
}

// send is press without following where it leads.
func (p *page) send(action string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, p.address(), strings.NewReader(p.sends(action).Encode()))
	r.Header.Set("Content-Type", formMedia)
	w := httptest.NewRecorder()
	p.site.Handler().ServeHTTP(w, r)
	return w
}

// atMedia is somebody on the page Channels, who has said to be online.
func atMedia(s *site) *page {
	s.t.Helper()
	p := s.get("/s/village").press("start").fill("age", "35").fill("internet", "yes").press("next")
	return p.fill("hours", "3").press("next").fill("place", "甲").press("next").want(200, "渠道")
}

// Two windows show two pages of one interview. Each sets the answers to its own
// questions; neither loses those of the other.
func TestTwoWindows(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	about := s.get(strings.Split(media.path, "?")[0]+"?page=age").want(200, "基本情况")
	know := media.fill("channels", "tv").press("next").want(200, "科学知识")
	// The first window, opened before, goes on from its own page.
	online := about.fill("age", "36").press("next").want(200, "上网")
	if online.value("place") != "甲" {
		t.Error("the first window lost the answer of the second")
	}
	send := know.fill("K01", "true").press("next").want(200, "提交问卷")
	// The second window sends, while the first one is somewhere else.
	online.fill("place", "乙").press("next").want(200, "渠道")
	send.press("send").want(200, "谢谢，您的问卷已收到")
	want := surveys.Answers{"age": {"36"}, "internet": {"yes"}, "hours": {"3"}, "place": {"乙"}, "channels": {"tv"}, "K01": {"true"}, "K02": {}}
	if d := cmp.Diff(want, s.stored()[0].Answers); d != "" {
		t.Error(d)
	}
	// What the first window still shows changes nothing any more.
	online.fill("place", "丙").press("next").want(200, "谢谢，您的问卷已收到")
	if n := len(s.stored()); n != 1 {
		t.Errorf("%d interviews stored, want 1", n)
	}
}

// A page that another window has made superfluous keeps what was typed and leads on.
func TestAPageThatIsNotAskedAnyMore(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	address := strings.Split(media.path, "?")[0]
	online := s.get(address+"?page=place").want(200, "上网")
	s.get(address+"?page=age").fill("internet", "no").press("next").want(200, "渠道")
	online.fill("place", "丁").press("next").want(200, "渠道")
	s.get(address+"?page=age").fill("internet", "yes").press("next").want(200, "上网")
	if got := s.get(address + "?page=place").value("place"); got != "丁" {
		t.Errorf("place = %q, want what was typed last", got)
	}
}

// Back, forward and reload of the browser only read; sending a page twice is sending
// it once.
func TestBackButtonAndReload(t *testing.T) {
	s := villageSite(t)
	about := s.get("/s/village").press("start")
	about.fill("age", "35").fill("internet", "no")
	w := about.send("next")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/a/") || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("a page that is sent = %d %q, want 303 to the next one, not to be kept", w.Code, w.Header().Get("Location"))
	}
	if again := about.send("next"); again.Header().Get("Location") != w.Header().Get("Location") {
		t.Errorf("sent twice: %q, then %q", w.Header().Get("Location"), again.Header().Get("Location"))
	}
	media := s.get(w.Header().Get("Location")).want(200, "渠道")
	if media.header.Get("Cache-Control") != "no-store" {
		t.Error("the page with answers may be kept by the browser")
	}
	s.get(media.path).want(200, "渠道") // reload
	back := s.get(about.path).want(200, "基本情况")
	if back.value("age") != "35" || !slices.Equal(back.chosen("internet"), []string{"no"}) {
		t.Error("the page that the back button shows has lost its answers")
	}
	know := media.fill("channels", "tv").press("next").want(200, "科学知识")
	back.fill("age", "40").press("next").want(200, "渠道")
	know.fill("K01", "dk").press("next").want(200, "提交问卷").press("send").want(200, "谢谢，您的问卷已收到")
	if got := s.stored()[0].Answers.First("age"); got != "40" {
		t.Errorf("age = %s, want the corrected 40", got)
	}
	// A page that was not reached is not shown because somebody types its name.
	fresh := s.get("/s/village").press("start")
	s.get(strings.Split(fresh.path, "?")[0]+"?page=K01").want(200, "基本情况")
	s.get(strings.Split(fresh.path, "?")[0]+"?page=nonsense").want(200, "基本情况")
}

// A script keeps answers while the person is still on the page.
func TestKeepOnChange(t *testing.T) {
	s := villageSite(t)
	about := s.get("/s/village").press("start")
	if w := about.fill("age", "35").send("save"); w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Fatalf("save = %d with %d bytes, want 204 with none", w.Code, w.Body.Len())
	}
	again := s.get(about.path).want(200, "基本情况")
	if again.value("age") != "35" {
		t.Errorf("age = %q after it was kept", again.value("age"))
	}
	// What is still blank was not left blank, and it is not complained about.
	d := s.draftOf(about)
	if _, there := d.Form.Answers["internet"]; there || d.Form.Page != "intro" {
		t.Errorf("kept %v on page %q", d.Form.Answers, d.Form.Page)
	}
	// Something that was chosen can be taken back.
	media := atMedia(s)
	media.fill("channels", "tv", "net").send("save")
	media.fill("channels").send("save")
	if got := s.get(media.path).chosen("channels"); got != nil {
		t.Errorf("channels = %v after all were unticked", got)
	}
}

// draftOf is what is kept of the interview of a page.
func (s *site) draftOf(p *page) state {
	s.t.Helper()
	id, err := s.drafts.Interview(context.Background(), drafts.Token(tokenOf(p)))
	if err != nil {
		s.t.Fatal(err)
	}
	d, err := s.drafts.Get(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var st state
	if err := json.Unmarshal(d.Body, &st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

// With the code, or the link, another phone goes on where the first one stopped.
func TestResumeOnAnotherDevice(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	later := media.fill("channels", "net").press("later").want(200, "稍后继续")
	code := text(later.find("p", "class", "receipt"))
	links := slices.DeleteFunc(later.all("a"), func(n *html.Node) bool { return !strings.Contains(attr(n, "href"), "/r/") })
	if len(code) != 11 || len(links) != 1 {
		t.Fatalf("code %q, %d links", code, len(links))
	}
	reloaded := s.get(later.path)
	if got := text(reloaded.find("p", "class", "receipt")); got != code {
		t.Errorf("a reload shows the code %q in place of %q", got, code)
	}
	first := tokenOf(media)

	other := s.get("/r?lang=en").want(200, "Go on with your questionnaire")
	other.typed = url.Values{"code": {strings.ToLower(code)}}
	there := other.press("resume").want(200, "Channels")
	if !slices.Equal(there.chosen("channels"), []string{"net"}) {
		t.Errorf("channels = %v on the other device", there.chosen("channels"))
	}
	if tokenOf(there) == first {
		t.Error("both devices have one token")
	}
	u, err := url.Parse(attr(links[0], "href"))
	if err != nil {
		t.Fatal(err)
	}
	// Looking at the link is not following it: programs do that.
	s.get(u.Path).want(200, "继续填写问卷").press("resume").want(200, "渠道")

	renewed := later.press("renew").want(200, "稍后继续")
	if got := text(renewed.find("p", "class", "receipt")); got == code {
		t.Error("the new code is the old one")
	}
	other.press("resume").want(422, "Go on with your questionnaire")
	s.get(u.Path).want(404, "没有找到这份问卷")

	there.press("next").want(200, "Knowledge").fill("K01", "true").press("next").press("send").want(200, "Thank you, your answers have arrived")
	media.press("next").want(200, "谢谢，您的问卷已收到") // the first device sees that it is done
	other.typed = url.Values{"code": {text(renewed.find("p", "class", "receipt"))}}
	other.press("resume").want(422, "Go on with your questionnaire")
}

func TestWrongCodesAreLimited(t *testing.T) {
	s := villageSite(t)
	later := atMedia(s).press("later")
	code := text(later.find("p", "class", "receipt"))
	try := func(code, from string) *page {
		r := httptest.NewRequest(http.MethodPost, "/r", strings.NewReader(url.Values{"code": {code}}.Encode()))
		r.Header.Set("Content-Type", formMedia)
		r.RemoteAddr = from
		return s.do(r)
	}
	for i := range 20 {
		if p := try(fmt.Sprintf("00000-000%02d", i), "[2001:db8::1]:1"); p.status != 422 {
			t.Fatalf("wrong code %d: %d, want 422", i, p.status)
		}
	}
	if p := try(code, "[2001:db8::ffff]:1"); p.status != 429 { // a neighbour within the same network
		t.Errorf("the right code after too many wrong ones: %d, want 429", p.status)
	}
	if p := try(code, "192.0.2.1:1"); p.status != 200 || p.title() != "渠道" {
		t.Errorf("from elsewhere: %d %q, want the interview", p.status, p.title())
	}
	s.clock.pass(time.Hour)
	if p := try(code, "[2001:db8::1]:1"); p.status != 200 {
		t.Errorf("an hour later: %d, want 200", p.status)
	}
}

// The personal link is a way back too, on any device.
func TestPersonalLinkGoesOn(t *testing.T) {
	s := villageSite(t)
	link := s.caseLink("village", "c1")
	s.get(link).press("start").fill("age", "50").fill("internet", "no").press("next").want(200, "渠道")
	p := s.get(link).want(200, "乡村科学素质调查")
	if !strings.Contains(p.body, "继续填写") {
		t.Error("the first page does not say that the interview is under way")
	}
	p.press("start").want(200, "渠道").press("back").want(200, "基本情况")
	// A double click begins one interview.
	link = s.caseLink("village", "c2")
	first := s.get(link)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { first.send("start") })
	}
	all.Wait()
	toSend(s.get(link)).press("send").want(200, "谢谢，您的问卷已收到")
	if n := len(s.stored()); n != 1 {
		t.Errorf("%d interviews, want 1", n)
	}
}

// An enumerator's interview ends the web interview of the same case.
func TestAnsweredElsewhere(t *testing.T) {
	s := villageSite(t)
	link := s.caseLink("village", "c1")
	p := s.get(link).press("start").fill("age", "50")
	body := interviewBody(t, func(in *surveys.Interview) { in.Case = "c1" })
	r := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+strings.TrimPrefix(link, "/i/"))
	if got := s.do(r); got.status != http.StatusCreated {
		t.Fatalf("submission = %d %s", got.status, got.body)
	}
	s.get(link).want(410, "您已经提交过了")
	if got := p.press("next"); got.status != 200 || got.find("p", "class", "receipt") == nil {
		t.Errorf("the open page leads to %d %q, want the receipt", got.status, got.title())
	}
}

func TestOpenLink(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) { d.Waves[0].LinksOnly = true })
	s.get("/s/village").want(404, "请用您的链接打开")
	if p := s.get("/"); strings.Contains(p.body, "/s/village") {
		t.Error("the home page lists a wave that is answered through links only")
	}
	l := drafts.OpenLink{Wave: "village", Name: "poster", Limit: 1, Closes: noon.Add(48 * time.Hour)}
	if err := s.drafts.PutOpenLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	path := "/o/" + s.drafts.Token("village", "poster")
	late := s.get(path).want(200, "乡村科学素质调查").press("start").fill("age", "60").fill("internet", "no").press("next")
	toSend(s.get(path)).press("send").want(200, "谢谢，您的问卷已收到")
	s.get(path).want(410, "链接已停用")
	s.post(path, formMedia, "action=start").want(410, "链接已停用")
	// Whoever has begun may finish.
	late.fill("channels", "tv").press("next").fill("K01", "dk").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	s.get("/o/"+strings.Repeat("A", 22)).want(404, "链接无效")
	if list, err := s.drafts.OpenLinks(t.Context(), "village"); err != nil || list[0].Started != 2 || list[0].Completed != 2 {
		t.Errorf("OpenLinks() = %v, %v, want 2 begun and 2 finished", list, err)
	}
}

// Whoever stops is kept as a partial interview, with where they stopped. Coming back
// and finishing makes the next revision.
func TestBreakOff(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	s.clock.pass(23 * time.Hour)
	care(t, s)
	if n := len(s.stored()); n != 0 {
		t.Fatalf("%d interviews after 23 hours, want none", n)
	}
	s.clock.pass(2 * time.Hour)
	care(t, s)
	care(t, s) // it happens once
	list := s.stored()
	if len(list) != 1 {
		t.Fatalf("%d interviews after 25 hours, want 1", len(list))
	}
	got := list[0]
	want := surveys.Answers{"age": {"35"}, "internet": {"yes"}, "hours": {"3"}, "place": {"甲"}}
	if !got.Partial || got.Last != "channels" || got.Revision != 0 || !got.Finished.Equal(noon) || !reflect.DeepEqual(got.Answers, want) {
		t.Errorf("partial interview = %+v", got)
	}
	media.fill("channels", "tv").press("next").want(200, "科学知识")
	s.clock.pass(25 * time.Hour)
	care(t, s)
	know := s.get(media.path).want(200, "渠道").press("next")
	know.fill("K01", "true").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	list = s.stored()
	var revisions []string
	for _, iv := range list {
		revisions = append(revisions, fmt.Sprintln(iv.Revision, iv.Partial, iv.Last, iv.ID == got.ID))
	}
	if want := []string{"0 true channels true\n", "1 true K01 true\n", "2 false  true\n"}; !slices.Equal(revisions, want) {
		t.Errorf("stored %q, want %q", revisions, want)
	}
}

// A part of an interview that was corrected in quarantine has the next revision; the whole one
// that follows counts all the same.
func TestWholeAfterACorrectedPart(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	s.clock.pass(25 * time.Hour)
	care(t, s)
	part := s.stored()[0]
	part.Revision = 1
	part.Answers["place"] = []string{"乙"}
	body, err := json.Marshal(part)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.deps.Intake.Accept(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	media.fill("channels", "tv").press("next").fill("K01", "true").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	list := s.stored()
	if last := list[len(list)-1]; len(list) != 3 || last.Partial || last.Revision != 2 || last.ID != part.ID {
		t.Errorf("stored %+v, want the whole interview as revision 2", list)
	}
}

func care(t testing.TB, s *site) {
	t.Helper()
	if err := s.lookAfter(t.Context()); err != nil {
		t.Error(err)
	}
}

// A wave that ends makes partial interviews of what is under way, and nothing of it
// stays among the drafts.
func TestWaveEnds(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	sent := toSend(s.get("/s/village")).press("send")
	s.clock.pass(time.Date(2027, 1, 1, 0, 0, 0, 0, surveys.ChinaTime).Sub(noon))
	media.press("next").want(410, "调查已结束")
	care(t, s)
	if list := s.stored(); len(list) != 2 || !list[1].Partial {
		t.Fatalf("stored %+v, want a finished and a partial interview", list)
	}
	for _, p := range []*page{media, sent} {
		if got := s.get(p.path); got.status != 404 {
			t.Errorf("%s = %d after the end of the wave, want 404", p.title(), got.status)
		}
	}
	for state := drafts.UnderWay; state <= drafts.Finished; state++ {
		if left, err := s.drafts.Idle(t.Context(), state, "", s.clock.Now().Add(time.Hour)); err != nil || len(left) > 0 {
			t.Errorf("state %d: %d drafts are left (%v)", state, len(left), err)
		}
	}
}

// What was sent while the log was away is delivered by itself.
func TestSentLater(t *testing.T) {
	away := &switchable{}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) { away.Intake, d.Intake = d.Intake, away })
	send := toSend(s.get("/s/village"))
	away.err = fmt.Errorf("disk: %w", surveys.ErrUnavailable)
	send.press("send").want(503, "提交问卷")
	s.clock.pass(time.Minute)
	if err := s.lookAfter(t.Context()); !errors.Is(err, surveys.ErrUnavailable) {
		t.Errorf("lookAfter() = %v with the log away", err)
	}
	away.err = nil
	care(t, s)
	if list := s.stored(); len(list) != 1 || list[0].Partial || !list[0].Finished.Equal(noon) {
		t.Errorf("stored %+v, want the interview as it was sent", list)
	}
	s.get(send.path).want(200, "谢谢，您的问卷已收到")
}

// Whoever goes back after sending failed, and changes an answer, sends another revision:
// the log may have the first one.
func TestChangedAfterSendingFailed(t *testing.T) {
	lossy := &answerLost{}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) { lossy.Intake, d.Intake = d.Intake, lossy })
	send := toSend(s.get("/s/village"))
	lossy.on = true
	failed := send.press("send").want(503, "提交问卷")
	lossy.on = false
	failed.press("back").want(200, "科学知识").fill("K01", "false").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	list := s.stored()
	if len(list) != 2 || list[0].Revision != 0 || list[1].Revision != 1 || list[1].Answers.First("K01") != "false" {
		t.Errorf("stored %+v, want revision 1 after revision 0", list)
	}
}

// answerLost accepts interviews, and its answer gets lost.
type answerLost struct {
	Intake
	on bool
}

func (a *answerLost) Accept(ctx context.Context, body []byte) (intake.Receipt, error) {
	r, err := a.Intake.Accept(ctx, body)
	if a.on {
		return intake.Receipt{}, fmt.Errorf("cut off: %w", surveys.ErrUnavailable)
	}
	return r, err
}

// While the drafts are away, pages say so, and nothing is lost.
func TestDraftsAway(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	dir := t.TempDir()
	closed, err := drafts.Open(filepath.Join(dir, "drafts.db"), testKey)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	s.deps.Drafts = closed
	for name, p := range map[string]*page{
		"sent": media.fill("channels", "tv").press("next"), "read": s.get(media.path),
		"begun": s.post("/s/village", formMedia, "action=start"), "personal link": s.get(CaseLink(testKey, "village", "1", 0)),
	} {
		if p.status != 503 || p.title() != "请稍候" || p.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %q, want 503 and when to try again", name, p.status, p.title())
		}
	}
	s.deps.Drafts = s.drafts
	media.press("next").want(200, "科学知识")
}

// An interview stays with the version that it began with; new ones get the newest.
func TestVersionsInFlight(t *testing.T) {
	old, newer := village(), village()
	newer.Edition, newer.Sections[2].Title = "2", both("新渠道", "New channels")
	s := newSite(t, []*surveys.Questionnaire{old}, nil)
	media := atMedia(s).want(200, "渠道")
	f, err := form.Compile(newer)
	if err != nil {
		t.Fatal(err)
	}
	published := s.Server.deps.Waves[0]
	published.Earlier = []Version{{Questionnaire: published.Questionnaire, Form: published.Form}}
	published.Questionnaire, published.Form = newer, f
	s.forms.Publish("village", "village", newer.Version(), intake.Edition{Form: f})
	deps := s.deps
	deps.Waves = []Wave{published}
	if s.Server, err = New(s.cfg, deps); err != nil { // the next start of the program
		t.Fatal(err)
	}
	p := s.get(media.path).want(200, "渠道").fill("channels", "tv").press("next")
	p.fill("K01", "dk").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	q := s.get("/s/village").press("start").fill("age", "70").fill("internet", "no").press("next").want(200, "新渠道")
	q.fill("channels", "tv").press("next").fill("K01", "dk").press("next").press("send").want(200, "谢谢，您的问卷已收到")
	list := s.stored()
	if len(list) != 2 || list[0].Version != old.Version() || list[1].Version != newer.Version() {
		t.Errorf("stored %+v, want one of each version", list)
	}
}

// The case's booklet comes from the sample; without one it is drawn, always the same.
func TestBooklets(t *testing.T) {
	q := village()
	q.Booklets = []surveys.Booklet{{ID: "A", Items: []string{"K01"}, Share: 0.5}, {ID: "B", Items: []string{"K02"}, Share: 0.5}}
	s := newSite(t, []*surveys.Questionnaire{q}, func(_ *Config, d *Deps) { d.Waves[0].Booklets = map[string]string{"c1": "B"} })
	walk := func(p *page) {
		t.Helper()
		p = p.press("start").fill("age", "70").fill("internet", "no").press("next").fill("channels", "tv").press("next").want(200, "科学知识")
		p.takeFirst().press("next").press("send").want(200, "谢谢，您的问卷已收到")
	}
	walk(s.get(s.caseLink("village", "c1")))
	seen := map[string]int{}
	for range 40 {
		walk(s.get("/s/village"))
	}
	for i, iv := range s.stored() {
		_, one := iv.Answers["K01"]
		if i == 0 && iv.Booklet != "B" || one != (iv.Booklet == "A") {
			t.Errorf("interview %d has the booklet %q and the answers %v", i, iv.Booklet, iv.Answers)
		}
		seen[iv.Booklet]++
	}
	if seen["A"] < 5 || seen["B"] < 5 {
		t.Errorf("40 interviews drew %v", seen)
	}
}

// Many windows of one interview at the same moment: every answer is there.
func TestWindowsAtTheSameMoment(t *testing.T) {
	s := villageSite(t)
	media := atMedia(s)
	address := strings.Split(media.path, "?")[0]
	pages := map[string][]string{"age": nil, "place": nil, "channels": nil}
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			switch i % 3 {
			case 0:
				s.get(address+"?page=age").fill("age", fmt.Sprint(40+i)).send("save")
			case 1:
				s.get(address+"?page=place").fill("place", fmt.Sprint("p", i)).send("save")
			case 2:
				s.get(address+"?page=channels").fill("channels", "tv").send("save")
			}
		})
	}
	all.Wait()
	got := s.draftOf(media).Form.Answers
	for item := range pages {
		if len(got[item]) != 1 || got[item][0] == "35" || got[item][0] == "甲" {
			t.Errorf("%s = %v, want what one of the windows sent", item, got[item])
		}
	}
}
