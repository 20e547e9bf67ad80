package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// both is a text in both languages.
func both(zh, en string) surveys.Text { return surveys.Text{surveys.ZH: zh, surveys.EN: en} }

func options(codes ...string) (list []surveys.Option) {
	names := map[string]surveys.Text{
		"true": both("对", "True"), "false": both("错", "False"), "dk": both("不知道", "Don't know"),
		"yes": both("是", "Yes"), "no": both("否", "No"), "refused": both("不愿回答", "Prefer not to say"),
		"tv": both("电视", "Television"), "net": both("互联网", "Internet"), "none": both("以上都不是", "None of these"),
	}
	for _, c := range codes {
		list = append(list, surveys.Option{Code: c, Text: names[c], Exclusive: c == "none"})
	}
	return list
}

// village is a questionnaire that has one of everything: four sections of which
// one is asked of internet users only, a question that another on the same page
// brings up, a limit, a picture, a note.
func village() *surveys.Questionnaire {
	return &surveys.Questionnaire{
		ID: "village", Edition: "1", Languages: []surveys.Lang{surveys.ZH, surveys.EN},
		Title:   both("乡村科学素质调查", "Village science survey"),
		Consent: both("本调查仅用于统计。\n参加自愿。", "For statistics only.\nTaking part is voluntary."),
		Statutory: surveys.Statutory{
			FormNumber: "浙科协 1 表", Issuer: both("浙江省科学技术协会", "Zhejiang Association"),
			Approval: both("浙统制〔2026〕1 号", "ZJ-2026-1"), ValidUntil: "2026-12-31",
		},
		Sections: []surveys.Section{
			{ID: "about", Title: both("基本情况", "About you"), Items: []surveys.Item{
				{ID: "intro", Type: surveys.Note, Text: both("请按实际情况回答。", "Please answer as things are.")},
				{ID: "age", Type: surveys.Number, Required: true, Text: both("您的年龄是", "How old are you"),
					Hint: both("周岁", "In full years"), Unit: both("岁", "years"),
					Constraint: "age >= 18 && age <= 120", Message: both("年龄应在 18 到 120 岁之间。", "Age is between 18 and 120.")},
				{ID: "internet", Type: surveys.Single, Required: true, Text: both("您上网吗", "Do you use the internet"), Options: options("yes", "no")},
				{ID: "hours", Type: surveys.Number, Decimals: 1, Required: true, Relevant: `internet == "yes"`, Text: both("每天上网几小时", "Hours a day"), Options: options("dk")},
			}},
			{ID: "online", Title: both("上网", "Online"), Relevant: `internet == "yes"`, Items: []surveys.Item{
				{ID: "place", Type: surveys.ShortText, MaxLength: 10, Text: both("常用的网站", "A site you use")},
			}},
			{ID: "media", Title: both("渠道", "Channels"), Intro: both("可多选。", "Choose any."), Items: []surveys.Item{
				{ID: "channels", Type: surveys.Multiple, Required: true, Text: both("从哪里了解科技信息", "Where do you hear about science"), Options: options("tv", "net", "none")},
			}},
			{ID: "know", Title: both("科学知识", "Knowledge"), Items: []surveys.Item{
				{ID: "K01", Type: surveys.Single, Required: true, Text: both("地心温度很高", "The centre of the Earth is hot"), Options: options("true", "false", "dk"),
					Figure: &surveys.Figure{SVG: `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="60"><rect width="300" height="60" fill="#048"/></svg>`, Alt: both("示意图", "A sketch")}},
				{ID: "K02", Type: surveys.Single, Text: both("月亮自己发光", "The Moon makes light"), Options: options("true", "false", "dk", "refused")},
			}},
		},
	}
}

// site is a server with a real intake, for one test.
type site struct {
	*Server
	t      testing.TB
	log    *wal.Log
	drafts *drafts.Store
	intake *intake.Intake
	forms  *intake.Waves
	store  *store
	// clock is what the server takes for now.
	clock *clock
	logs  *lockedBuffer
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newSite serves the questionnaires, each as a wave named like it; change may
// alter configuration and parts before the server is made.
func newSite(t testing.TB, qs []*surveys.Questionnaire, change func(*Config, *Deps)) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{now: noon}, logs: &lockedBuffer{}, store: &store{}}
	cfg := DefaultConfig(testKey)
	deps := Deps{Now: s.clock.Now, Log: slog.New(slog.NewTextHandler(s.logs, nil))}
	published := &intake.Waves{}
	for _, q := range qs {
		f, err := form.Compile(q, divisions(t))
		if err != nil {
			t.Fatalf("compiling %s: %v", q.ID, err)
		}
		deps.Waves = append(deps.Waves, Wave{ID: q.ID, Questionnaire: q, Form: f})
		published.Publish(q.ID, q.ID, q.Version(), intake.Edition{Form: f})
	}
	s.forms = published
	s.open(published)
	deps.Intake, deps.Quarantine = s.intake, s.intake
	var err error
	if s.drafts, err = drafts.Open(t.TempDir()+"/drafts.db", testKey); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.drafts.Close() })
	deps.Drafts = s.drafts
	if change != nil {
		change(&cfg, &deps)
	}
	if s.Server, err = New(cfg, deps); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens the log and the intake, and ships until the test ends.
func (s *site) open(waves *intake.Waves) {
	s.t.Helper()
	dir := s.t.TempDir()
	cfg := wal.DefaultConfig(dir + "/log")
	cfg.SegmentBytes, cfg.BatchBytes = 4<<20, 2<<20
	var err error
	if s.log, err = wal.Open(cfg); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.log.Close() })
	shipping := intake.DefaultConfig(dir + "/intake")
	shipping.BlockAge, shipping.Key = 0, testKey
	if s.intake, err = intake.New(shipping, s.log, s.store, waves, s.clock.Now); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	shipped := make(chan error, 1)
	go func() { shipped <- s.intake.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-shipped; err != nil && ctx.Err() == nil {
			s.t.Errorf("shipping: %v", err)
		}
	})
}

// store keeps in memory what the intake ships.
type store struct {
	mu        sync.Mutex
	responses []surveys.Response
}

func (s *store) Insert(_ context.Context, b intake.Block) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.responses = append(s.responses, b.Responses...)
	return nil
}

func (s *store) Count(_ context.Context, _ uint16, from, to uint64) (n, check uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.responses {
		if from <= r.Seq && r.Seq <= to {
			n++
			check += intake.CheckNumber(r)
		}
	}
	return n, check, nil
}

func (s *store) Records(context.Context, uint16, uint64, uint64, func(intake.StoredRecord) error) error {
	return errors.New("the pages need no ledger")
}

// stored returns the interviews that were accepted, when all of them are stored.
func (s *site) stored() (list []surveys.Interview) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.intake.Flush(ctx); err != nil {
		s.t.Fatal(err)
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, r := range s.store.responses {
		list = append(list, r.Interview)
	}
	return list
}

// page is an answer of the server, read as a browser reads it.
type page struct {
	site   *site
	path   string
	status int
	header http.Header
	body   string
	doc    *html.Node
	// typed is what the person fills in before pressing a button.
	typed url.Values
}

// caseLink is the path of a case's personal link.
func (s *site) caseLink(waveID, caseID string) string {
	s.t.Helper()
	issue, err := s.drafts.Issue(context.Background(), waveID, caseID)
	if err != nil {
		s.t.Fatal(err)
	}
	return CaseLink(testKey, waveID, caseID, issue)
}

// do sends a request, follows where it leads, and reads the answer.
func (s *site) do(r *http.Request) *page {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		return s.get(w.Header().Get("Location"))
	}
	p := &page{site: s, path: r.URL.RequestURI(), status: w.Code, header: w.Header(), body: w.Body.String(), typed: url.Values{}}
	var err error
	if p.doc, err = html.Parse(strings.NewReader(p.body)); err != nil {
		s.t.Fatal(err)
	}
	return p
}

func (s *site) get(path string) *page {
	s.t.Helper()
	return s.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (s *site) post(path, media, body string) *page {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	return s.do(r)
}

const formMedia = "application/x-www-form-urlencoded"

// fill answers an item; no values leave it blank.
func (p *page) fill(item string, values ...string) *page {
	p.typed["a."+item] = values
	return p
}

// press sends the page's form with a button, as a browser does: hidden fields,
// what was filled in before, and what is filled in now.
func (p *page) press(action string) *page {
	p.site.t.Helper()
	f := p.find("form", "", "")
	if f == nil {
		p.site.t.Fatalf("%s has no form to press %q in:\n%s", p.path, action, p.body)
	}
	return p.site.post(p.address(), formMedia, p.sends(action).Encode())
}

// address is where the page's form is sent.
func (p *page) address() string {
	address, _, _ := strings.Cut(attr(p.find("form", "", ""), "action"), "#")
	return address
}

// tokenOf is the token in the address of a page of an interview.
func tokenOf(p *page) string {
	token, _, _ := strings.Cut(strings.TrimPrefix(p.address(), "/a/"), "?")
	return token
}

// sends is what press sends.
func (p *page) sends(action string) url.Values {
	fields := url.Values{}
	for _, n := range p.all("input") {
		name, kind := attr(n, "name"), attr(n, "type")
		box := kind == "radio" || kind == "checkbox"
		if _, typed := p.typed[name]; !typed && (!box || has(n, "checked")) {
			fields.Add(name, attr(n, "value"))
		}
	}
	for name, values := range p.typed {
		fields[name] = values
	}
	fields.Set("action", action)
	return fields
}

// all returns the elements with a tag.
func (p *page) all(tag string) (found []*html.Node) {
	for n := range p.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			found = append(found, n)
		}
	}
	return found
}

// find returns the first element with a tag and an attribute; name "" is any.
func (p *page) find(tag, name, value string) *html.Node {
	for _, n := range p.all(tag) {
		if name == "" || attr(n, name) == value {
			return n
		}
	}
	return nil
}

// title is the text of the heading.
func (p *page) title() string { return text(p.find("h1", "", "")) }

// errors are the lines of the list of errors: where each leads to, and its words.
func (p *page) errors() (lines [][2]string) {
	if box := p.find("div", "role", "alert"); box != nil {
		for n := range box.Descendants() {
			if n.Type == html.ElementNode && n.Data == "a" {
				lines = append(lines, [2]string{attr(n, "href"), text(n)})
			}
		}
	}
	return lines
}

// want fails unless the page has this status and heading.
func (p *page) want(status int, title string) *page {
	p.site.t.Helper()
	if p.status != status || p.title() != title {
		p.site.t.Fatalf("%s = %d %q, want %d %q\n%s", p.path, p.status, p.title(), status, title, p.body)
	}
	return p
}

func attr(n *html.Node, name string) string {
	if n != nil {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// text is the text of an element, with single spaces.
func text(n *html.Node) string {
	var b strings.Builder
	if n != nil {
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data + " ")
			}
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// readAll reads a response's body.
func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testKey is the secret of the installation, noon the time in tests.
var (
	testKey = []byte("0123456789abcdef0123456789abcdef")
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, surveys.ChinaTime)
)
