package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/surveys"
)

// Whatever is wrong with a page that is sent in: a clear page in the reader's
// language, the right status, nothing stored.
func TestHostilePages(t *testing.T) {
	s := villageSite(t)
	section := s.get("/s/village?lang=en").press("start")
	state := section.sends("next").Get("state")
	path := section.address()
	token := strings.Split(strings.TrimPrefix(path, "/a/"), "?")[0]
	forged := "/a/" + strings.ToUpper(token[:11]) + strings.ToLower(token[11:]) + "?lang=en"
	elsewhere := villageSite(t).get("/s/village?lang=en").press("start").address()

	with := func(state, rest string) string { return "state=" + url.QueryEscape(state) + "&action=next" + rest }
	const none = "This questionnaire was not found"
	for name, c := range map[string]struct {
		path, media, body string
		status            int
		title             string
	}{
		"no state":            {path, formMedia, "action=next", 400, "This could not be processed"},
		"no body":             {path, formMedia, "", 400, "This could not be processed"},
		"state of nonsense":   {path, formMedia, with("%%%", ""), 400, "This could not be processed"},
		"state of no time":    {path, formMedia, with("!.age", ""), 400, "This could not be processed"},
		"forged token":        {forged, formMedia, with(state, ""), 404, none},
		"another site's":      {elsewhere, formMedia, with(state, ""), 404, none},
		"token cut":           {"/a/" + token[:10] + "?lang=en", formMedia, with(state, ""), 404, none},
		"unknown wave":        {"/s/nowhere?lang=en", formMedia, "action=start", 404, "Page not found"},
		"unknown button":      {path, formMedia, "state=" + state + "&action=drop", 400, "This could not be processed"},
		"no button":           {path, formMedia, "state=" + state, 400, "This could not be processed"},
		"sent too early":      {path, formMedia, "state=" + state + "&action=send", 400, "This could not be processed"},
		"NUL in an answer":    {path, formMedia, with(state, "&a.age=3%005"), 400, "This could not be processed"},
		"NUL in a name":       {path, formMedia, with(state, "&a.age%00=35"), 400, "This could not be processed"},
		"not UTF-8":           {path, formMedia, with(state, "&a.age=%ff%fe"), 400, "This could not be processed"},
		"half a percent":      {path, formMedia, with(state, "&a.age=%e"), 400, "This could not be processed"},
		"semicolons":          {path, formMedia, with(state, ";a.age=3"), 400, "This could not be processed"},
		"10,000 fields":       {path, formMedia, with(state, strings.Repeat("&a.x=1", 10_000)), 413, "Too large"},
		"two megabytes":       {path, formMedia, with(state, "&a.age="+strings.Repeat("9", 2<<20)), 413, "Too large"},
		"files":               {path, "multipart/form-data; boundary=x", "--x--", 415, "This could not be processed"},
		"JSON":                {path, "application/json", "{}", 415, "This could not be processed"},
		"no media type":       {path, "", with(state, ""), 415, "This could not be processed"},
		"name like a path":    {"/s/..%2f..%2fetc?lang=en", formMedia, with(state, ""), 404, "Page not found"},
		"a very long address": {"/s/" + strings.Repeat("x", 8000) + "?lang=en", formMedia, "", 404, "Page not found"},
	} {
		if p := s.post(c.path, c.media, c.body); p.status != c.status || p.title() != c.title {
			t.Errorf("%s: %d %q, want %d %q", name, p.status, p.title(), c.status, c.title)
		}
	}
	if n := s.log.Stat().Next; n != 1 {
		t.Errorf("the log is at %d, want 1: something was stored", n)
	}
	// The same page, sent properly, still goes on.
	section.fill("age", "35").fill("internet", "no").press("next").want(200, "Channels")
}

// Answers that are sent bit by bit cannot grow beyond what an interview may be: packed,
// they would be a few kilobytes that cost the server seconds.
func TestAnswersCannotPileUp(t *testing.T) {
	s := villageSite(t)
	long := strings.Repeat("9", 700_000)
	online := s.get("/s/village?lang=en").press("start").fill("age", "35").fill("internet", "yes").fill("hours", "1").press("next")
	about := online.want(200, "Online").fill("place", long).press("back").want(200, "About you")
	wrong := about.fill("age", long).press("next").want(422, "About you") // kept short, and still wrong
	if again := wrong.press("back"); len(wrong.body)+len(again.body) > 100_000 {
		t.Errorf("pages of %d and %d bytes", len(wrong.body), len(again.body))
	}
	about.fill("age", "35").press("next").want(200, "Online")
}

// A body without a declared length is cut at the limit too, and a body that ends
// early is the sender's mistake, not ours.
func TestBodyReadToItsEnd(t *testing.T) {
	s := villageSite(t)
	for name, c := range map[string]struct {
		body   io.Reader
		status int
	}{
		"endless": {io.LimitReader(zeros{}, 1<<30), 413},
		"torn":    {io.MultiReader(strings.NewReader("action=st"), torn{}), 400},
	} {
		r := httptest.NewRequest(http.MethodPost, "/s/village", io.NopCloser(c.body))
		r.ContentLength = -1
		r.Header.Set("Content-Type", formMedia)
		if p := s.do(r); p.status != c.status {
			t.Errorf("%s: %d, want %d", name, p.status, c.status)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte("0"), len(p))), nil }

type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCrossSite(t *testing.T) {
	s := villageSite(t)
	for name, c := range map[string]struct {
		header, value string
		status        int
	}{
		"from our page":                 {"Sec-Fetch-Site", "same-origin", 200},
		"typed by the person":           {"Sec-Fetch-Site", "none", 200},
		"from another site":             {"Sec-Fetch-Site", "cross-site", 403},
		"from a sister site":            {"Sec-Fetch-Site", "same-site", 403},
		"old browser, our page":         {"Origin", "http://example.com", 200}, // httptest's host
		"old browser, another site":     {"Origin", "http://evil.example", 403},
		"old browser, from a data page": {"Origin", "null", 403},
		"very old browser":              {"X-Nothing", "", 200},
	} {
		r := httptest.NewRequest(http.MethodPost, "/s/village", strings.NewReader("action=start"))
		r.Header.Set("Content-Type", formMedia)
		r.Header.Set(c.header, c.value)
		if p := s.do(r); p.status != c.status {
			t.Errorf("%s: %d, want %d", name, p.status, c.status)
		}
	}
}

func TestTrustedOrigin(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.Origins = []string{"https://survey.example.cn"} })
	r := httptest.NewRequest(http.MethodPost, "/s/village", strings.NewReader("action=start"))
	r.Header.Set("Content-Type", formMedia)
	r.Header.Set("Origin", "https://survey.example.cn")
	if p := s.do(r); p.status != 200 {
		t.Errorf("a trusted origin: %d, want 200", p.status)
	}
}

// payloads break out of every place where a text can stand, if anything lets them.
var payloads = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`</title></legend></fieldset><svg onload=alert(1)>`,
	`javascript:alert(1)`,
	`{{.}} {n} <!-- ]]>`,
	"\u2028</p><form action=//evil.example><input>",
	`&lt;script&gt;&#60;script&#62;`,
}

// hostile is the village questionnaire with a payload in every text.
func hostile(payload string) *surveys.Questionnaire {
	q := village()
	x := both(payload, payload)
	q.Title, q.Consent = x, x
	q.Statutory = surveys.Statutory{FormNumber: payload, Issuer: x, Approval: x, ValidUntil: "2026-12-31", Trial: true}
	for i := range q.Sections {
		q.Sections[i].Title, q.Sections[i].Intro = x, x
		for j := range q.Sections[i].Items {
			item := &q.Sections[i].Items[j]
			item.Text, item.Hint, item.Unit, item.MaxLength = x, x, x, 200
			if item.Constraint != "" {
				item.Message = x
			}
			if item.Figure != nil {
				item.Figure.Alt = x
			}
			for k := range item.Options {
				item.Options[k].Text = x
			}
		}
	}
	return q
}

// visit collects every kind of page, with the payload as an answer too.
func visit(s *site, answer string) []*page {
	first := s.get("/s/village")
	about := first.press("start")
	wrong := about.fill("age", answer).fill("internet", answer).press("next")
	limit := wrong.fill("age", "7").fill("internet", "yes").press("next")
	added := limit.fill("age", "35").fill("internet", "yes").press("next")
	online := added.fill("hours", "dk").press("next")
	media := online.fill("place", answer).press("next")
	back := media.press("back")
	know := media.fill("channels", "tv").press("next")
	send := know.fill("K01", "dk").press("next")
	thanks := send.press("send")
	return []*page{s.get("/"), s.get("/s/village/paper"), first, about, wrong, limit, added, online, media, back, know, send, thanks, s.get("/" + url.PathEscape(answer))}
}

// skeleton is a page without its words: elements with the names of their attributes.
func skeleton(p *page) (list []string) {
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode {
			var names []string
			for _, a := range n.Attr {
				names = append(names, a.Key)
			}
			list = append(list, n.Data+" "+strings.Join(names, " "))
		}
	}
	return list
}

// Texts of the questionnaire and answers never become elements or attributes: a
// page with payloads has the very skeleton of a page with harmless words.
func TestPayloadsStayText(t *testing.T) {
	harmless := newSite(t, []*surveys.Questionnaire{hostile("words")}, nil)
	want := visit(harmless, "answer")
	for _, payload := range payloads {
		got := visit(newSite(t, []*surveys.Questionnaire{hostile(payload)}, nil), payload)
		for i := range want {
			if got[i].status != want[i].status || !slices.Equal(skeleton(got[i]), skeleton(want[i])) {
				t.Errorf("payload %q on page %d %s (%d, harmless %d):\n%s", payload, i, got[i].path, got[i].status, want[i].status, got[i].body)
			}
			for _, n := range slices.Concat(got[i].all("a"), got[i].all("img"), got[i].all("form")) {
				for _, name := range []string{"href", "src", "action"} {
					if v := attr(n, name); v != "" && !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "#") {
						t.Errorf("payload %q: %s=%q leads out", payload, name, v)
					}
				}
			}
		}
	}
}

// hostileEverything is the questionnaire with every type of item, with a payload in every
// text, and answers put into texts.
func hostileEverything(payload string) *surveys.Questionnaire {
	q := everything()
	x := both(payload, payload)
	q.Title, q.Consent = x, x
	for i := range q.Sections {
		q.Sections[i].Title = x
		if q.Sections[i].Intro != nil {
			q.Sections[i].Intro = x
		}
	}
	for item := range q.Items {
		for l, text := range item.Text {
			if !strings.Contains(text, "${") {
				item.Text[l] = payload
			}
		}
		if item.MaxLength > 0 {
			item.MaxLength = 200
		}
		if item.Hint != nil {
			item.Hint = x
		}
		if item.Unit != nil {
			item.Unit = x
		}
		if item.Message != nil {
			item.Message = x
		}
		for i := range item.Checks {
			item.Checks[i].Message = x
		}
		options := slices.Clone(item.Options)
		for i := range options {
			options[i].Text = x
		}
		item.Options = options
		if item.Figure != nil {
			item.Figure = &surveys.Figure{SVG: item.Figure.SVG, Image: item.Figure.Image, Alt: x}
		}
	}
	return q
}

// visitEverything collects the pages of that questionnaire, with the payload as every
// answer that is typed.
func visitEverything(s *site, answer string) (pages []*page) {
	add := func(p *page) *page { pages = append(pages, p); return p }
	add(s.get("/s/everything/paper"))
	who := add(s.get("/s/everything?lang=en").press("start"))
	add(who.fill("age", answer).fill("born", answer, answer, answer).fill("home", answer).press("next"))
	add(who.fill("age", "99").fill("sex", "1").fill("born").fill("home").press("next"))
	family := add(who.fill("age", "35").fill("sex", "1").fill("born", "1980", "2", "3").fill("home").fill("name", answer).fill("view", answer).press("next"))
	p := family.fill("people", "2")
	for n := 0; n < 40 && p.find("button", "value", "send") == nil; n++ {
		p = add(p.fill("called#1", answer).fill("years#1", answer).press("next"))
		if p.find("select", "name", "a.order") != nil {
			p.fill("order", "tv", "net", "paper")
		}
		p.fill("years#1", "8").fill("years#2", "9").takeFirst()
	}
	return pages
}

// The same holds for every type of question, for texts with answers in them, and on paper.
func TestPayloadsStayTextInEverything(t *testing.T) {
	harmless := visitEverything(newSite(t, []*surveys.Questionnaire{hostileEverything("words")}, nil), "answer")
	if len(harmless) < 15 {
		t.Fatalf("%d pages, want at least 15", len(harmless))
	}
	for _, payload := range payloads {
		got := visitEverything(newSite(t, []*surveys.Questionnaire{hostileEverything(payload)}, nil), payload)
		if len(got) != len(harmless) {
			t.Fatalf("payload %q leads to %d pages, harmless words to %d", payload, len(got), len(harmless))
		}
		for i, want := range harmless {
			if g, w := slices.Sorted(slices.Values(skeleton(got[i]))), slices.Sorted(slices.Values(skeleton(want))); got[i].status != want.status || !slices.Equal(g, w) {
				t.Errorf("payload %q on page %d %s (%d, harmless %d):\n%s", payload, i, got[i].path, got[i].status, want.status, got[i].body)
			}
		}
	}
}

// A picture with a script in it is served, but must not run it when opened by itself.
func TestFigureCannotRunScripts(t *testing.T) {
	q := village()
	q.Sections[3].Items[0].Figure.SVG = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	p := s.get("/s/village/figure/K01")
	policy := p.header.Get("Content-Security-Policy")
	if p.status != 200 || p.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("figure = %d %s", p.status, p.header.Get("Content-Type"))
	}
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") || strings.Contains(policy, "script-src") {
		t.Errorf("policy = %q, want no scripts and a sandbox", policy)
	}
	for _, path := range []string{"/s/village/figure/K02", "/s/village/figure/nothing", "/s/nowhere/figure/K01"} {
		if p := s.get(path); p.status != 404 {
			t.Errorf("%s = %d, want 404", path, p.status)
		}
	}
}

// Logs say what happened to requests, and nothing about people.
func TestLogsHoldNoSecrets(t *testing.T) {
	s := villageSite(t)
	link := s.caseLink("village", "marked-case")
	send := toSend(s.get(link))
	send.press("send")
	s.get(link + "tampered")
	s.get("/s/village?lang=en&secret=marked-query")
	s.post("/v1/submissions", "application/json", `{"id":"marked-body"}`)
	s.post(send.address(), formMedia, "state=marked-state&a.place=marked-answer")
	s.get("/r/marked-link")
	s.post("/r", formMedia, "code=marked-code")
	again := s.get("/s/village").press("start").fill("age", "35").fill("internet", "yes").fill("hours", "1").press("next")
	later := again.fill("place", "marked-text").press("later")
	s.clock.pass(48 * time.Hour)
	if err := s.lookAfter(t.Context()); err != nil {
		t.Fatal(err)
	}
	logged := s.logs.String()
	for _, secret := range []string{
		"marked", strings.TrimPrefix(link, "/i/"), "科普网", s.stored()[0].ID, tokenOf(send), tokenOf(again),
		text(later.find("p", "class", "receipt")),
	} {
		if strings.Contains(logged, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if n := strings.Count(logged, "route=/i/:token"); n != 3 {
		t.Errorf("the log has %d lines for personal links, want 3:\n%s", n, logged)
	}
}

// A bug in a handler is one page with a number, and one line in the log.
func TestPanicIsAPage(t *testing.T) {
	broken := &switchable{}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) { d.Intake = broken })
	p := toSend(s.get("/s/village")).press("send").want(500, "出错了")
	id := p.header.Get("X-Request-Id")
	if !strings.Contains(p.body, id) || !strings.Contains(s.logs.String(), id) {
		t.Errorf("the number %q is not on the page and in the log", id)
	}
	if strings.Contains(p.body, "goroutine") || !strings.Contains(s.logs.String(), "goroutine") {
		t.Error("the stack belongs into the log, not on the page")
	}
	s.get("/s/village").want(200, "乡村科学素质调查")
}

func TestRequestNumberIsOurs(t *testing.T) {
	s := villageSite(t)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Request-Id", "theirs")
	if got := s.do(r).header.Get("X-Request-Id"); got == "theirs" || got == "" {
		t.Errorf("X-Request-Id = %q, want one of our own", got)
	}
}

// Hostile or not, every error has its words in every language.
func TestEveryProblemHasAPage(t *testing.T) {
	s := villageSite(t)
	for _, p := range problems {
		for _, l := range []string{"zh", "en"} {
			r := httptest.NewRequest(http.MethodGet, "/?lang="+l, nil)
			w := httptest.NewRecorder()
			c := s.echo.NewContext(r, w)
			s.fail(fmt.Errorf("on purpose: %w", p.err), c)
			want, err := s.pages.words.say(surveys.Lang(l), "problem."+p.words+".title")
			if err != nil || w.Code != p.status || !strings.Contains(w.Body.String(), "<h1>"+want+"</h1>") {
				t.Errorf("%v in %s: %d\n%s", p.err, l, w.Code, w.Body)
			}
		}
	}
}

// Somebody who sends a body byte by byte takes no place of those who send theirs.
func TestSlowSendersKeepNobodyOut(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.MaxRequests = 1 })
	hs := httptest.NewServer(s.Handler())
	defer hs.Close()
	for range 3 {
		conn, err := net.Dial("tcp", hs.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// "Expect" makes the server say that it has begun to read the body.
		fmt.Fprintf(conn, "POST /s/village HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: %s\r\nContent-Length: 12\r\n\r\n", formMedia)
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
			t.Fatalf("the server said %q, %v; want 100 Continue", line, err)
		}
		fmt.Fprint(conn, "action=")
	}
	res, err := http.Post(hs.URL+"/s/village", formMedia, strings.NewReader("action=start"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("an honest sender got %d, want 200", res.StatusCode)
	}
}
