package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
)

const reportPolicy = "default-src 'none'; script-src 'sha256-test'"

func reportSite(t *testing.T) *site {
	return newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) {
		c.Reports = fstest.MapFS{"zhejiang.html": {Data: []byte("<!DOCTYPE html><title>r</title>")}, "key.txt": {Data: []byte("secret")}}
		c.ReportCSP = reportPolicy
	})
}

// Every route, every kind of answer: the protecting headers are there.
func TestEveryAnswerIsProtected(t *testing.T) {
	s := reportSite(t)
	fill := strings.NewReplacer(":wave", "village", ":item", "K01", ":token", strings.TrimPrefix(s.caseLink("village", "1"), "/i/"),
		":file", "zhejiang.html")
	requests := [][2]string{{"GET", "/nothing/here"}, {"DELETE", "/"}, {"GET", "/s/nowhere"}, {"BREW", "/s/village"}}
	for _, r := range s.echo.Routes() {
		requests = append(requests, [2]string{r.Method, fill.Replace(r.Path)})
	}
	if len(requests) < 15 {
		t.Fatalf("only %d routes found", len(requests))
	}
	for _, r := range requests {
		p := s.do(httptest.NewRequest(r[0], r[1], nil))
		want := map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		}
		for name, value := range want {
			if got := p.header.Get(name); got != value {
				t.Errorf("%s %s: %s = %q, want %q", r[0], r[1], name, got, value)
			}
		}
		policy := p.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "http") {
			t.Errorf("%s %s: policy %q", r[0], r[1], policy)
		}
		if strings.HasPrefix(p.header.Get("Content-Type"), "text/html") && policy != pagePolicy && policy != reportPolicy {
			t.Errorf("%s %s: a page with the policy %q", r[0], r[1], policy)
		}
		if p.header.Get("Permissions-Policy") == "" || p.header.Get("Cache-Control") == "" {
			t.Errorf("%s %s: no Permissions-Policy or Cache-Control", r[0], r[1])
		}
		if p.header.Get("Set-Cookie") != "" {
			t.Errorf("%s %s sets a cookie, which the footer denies", r[0], r[1])
		}
	}
}

func TestStrictTransportOnlyWithHTTPS(t *testing.T) {
	if got := villageSite(t).get("/").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("HSTS = %q on http", got)
	}
	s := newSite(t, nil, func(c *Config, _ *Deps) { c.HTTPS = true })
	if got := s.get("/").header.Get("Strict-Transport-Security"); !strings.Contains(got, "max-age=31536000") {
		t.Errorf("HSTS = %q, want a year", got)
	}
}

func TestMethods(t *testing.T) {
	s := reportSite(t)
	for name, c := range map[string]struct {
		method, path string
		status       int
		title        string
	}{
		"head of a page":           {"HEAD", "/s/village", 200, "乡村科学素质调查"},
		"trailing slash":           {"GET", "/s/village/", 200, "乡村科学素质调查"},
		"unknown page":             {"GET", "/nothing", 404, "页面不存在"},
		"unknown wave":             {"GET", "/s/nothing", 404, "页面不存在"},
		"unknown file":             {"GET", "/static/site.css", 404, "页面不存在"},
		"report":                   {"GET", "/reports/zhejiang.html", 200, ""},
		"no report":                {"GET", "/reports/none.html", 404, "页面不存在"},
		"a file that is no report": {"GET", "/reports/key.txt", 404, "页面不存在"},
		"out of the folder":        {"GET", "/reports/..%2fkey.html", 404, "页面不存在"},
		"page deleted":             {"DELETE", "/s/village", 405, "无法处理"},
		"intake read":              {"GET", "/v1/submissions", 405, ""},
	} {
		p := s.do(httptest.NewRequest(c.method, c.path, nil))
		if p.status != c.status || p.title() != c.title {
			t.Errorf("%s: %d %q, want %d %q", name, p.status, p.title(), c.status, c.title)
		}
		if p.status == 405 && p.header.Get("Allow") == "" {
			t.Errorf("%s: 405 without Allow", name)
		}
	}
	if p := s.get("/reports/zhejiang.html"); p.header.Get("Content-Security-Policy") != reportPolicy {
		t.Errorf("report policy = %q", p.header.Get("Content-Security-Policy"))
	}
	if home := s.get("/"); home.find("a", "href", "/reports/zhejiang.html") == nil || home.find("a", "href", "/s/village?lang=zh") == nil {
		t.Error("the home page does not list the survey and the report")
	}
}

func TestHealth(t *testing.T) {
	var trouble error
	s := newSite(t, nil, func(_ *Config, d *Deps) { d.Ready = func(context.Context) error { return trouble } })
	if s.get("/healthz").status != 200 || s.get("/readyz").status != 200 {
		t.Error("a healthy server says it is not")
	}
	trouble = errors.New("engine away")
	if s.get("/healthz").status != 200 || s.get("/readyz").status != 503 {
		t.Error("with the engine away, /healthz must be 200 and /readyz 503")
	}
}

// The first page and everything it loads, as sent over the line: headers and
// compressed bodies. 30 KiB is the promise, 12 the aim.
func TestFirstPageIsLight(t *testing.T) {
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, []*surveys.Questionnaire{q}, nil)
	total := 0
	var load func(path string)
	load = func(path string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code != 200 {
			t.Fatalf("%s = %d", path, w.Code)
		}
		var head bytes.Buffer
		if err := w.Header().Write(&head); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes of headers, %d of body", path, head.Len(), w.Body.Len())
		total += head.Len() + w.Body.Len()
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			return
		}
		plain, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatalf("%s is not compressed: %v", path, err)
		}
		p := s.do(httptest.NewRequest(http.MethodGet, path, nil))
		if readAll(t, plain) != p.body {
			t.Error("compressed and plain page differ")
		}
		for _, n := range append(p.all("link"), append(p.all("img"), p.all("script")...)...) {
			for _, address := range []string{attr(n, "href"), attr(n, "src")} {
				if strings.HasPrefix(address, "/") {
					load(address)
				} else if address != "" && address != "data:," {
					t.Errorf("the page loads %s from elsewhere", address)
				}
			}
		}
	}
	load("/s/civic-literacy")
	t.Logf("first page: %d bytes", total)
	if total > 12<<10 {
		t.Errorf("the first page takes %d bytes, want at most %d", total, 12<<10)
	}
}

func TestCaching(t *testing.T) {
	s := villageSite(t)
	for path, want := range map[string]string{
		"/s/village":              "no-store",
		s.assets["site.css"].path: "public, max-age=31536000, immutable",
		"/s/village/figure/K01":   "no-store",
		"/s/village/figure/K01?v=" + village().Version(): "public, max-age=31536000, immutable",
	} {
		if got := s.get(path).header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control = %q, want %q", path, got, want)
		}
	}
}

// interviewBody is the JSON of a finished interview as a device sends it.
func interviewBody(t *testing.T, change func(*surveys.Interview)) string {
	t.Helper()
	in := surveys.Interview{
		ID: "7d7f1c6e-55a8-4b21-8b0e-5d1f8a1a0001", Survey: "village", Version: village().Version(), Wave: "village",
		Mode: surveys.ModeTablet, Lang: surveys.ZH, Started: noon.UTC(), Finished: noon.UTC(), Answers: villageAnswers,
	}
	if change != nil {
		change(&in)
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSubmissions(t *testing.T) {
	s := villageSite(t)
	const path = "/v1/submissions"
	first := s.post(path, "application/json", interviewBody(t, nil))
	var receipt intake.Receipt
	if err := json.Unmarshal([]byte(first.body), &receipt); err != nil || first.status != 201 || receipt.Seq != 1 || receipt.Signature == "" {
		t.Fatalf("first = %d %s", first.status, first.body)
	}
	again := s.post(path, "application/json; charset=utf-8", interviewBody(t, nil))
	var same intake.Receipt
	if err := json.Unmarshal([]byte(again.body), &same); err != nil || again.status != 200 || again.body != first.body {
		t.Errorf("again = %d %s, want 200 and the same receipt", again.status, again.body)
	}
	for name, c := range map[string]struct {
		media, body string
		status      int
		code        string
	}{
		"other answers":  {"application/json", interviewBody(t, func(in *surveys.Interview) { in.Answers = surveys.Answers{} }), 409, "conflict"},
		"unknown wave":   {"application/json", interviewBody(t, func(in *surveys.Interview) { in.ID, in.Wave = uuid.NewString(), "x" }), 404, "notfound"},
		"not JSON":       {"application/json", "{", 400, "invalid"},
		"empty":          {"application/json", "", 400, "invalid"},
		"a form":         {formMedia, interviewBody(t, nil), 415, "media"},
		"two megabytes":  {"application/json", strings.Repeat(" ", 2<<20), 413, "toolarge"},
		"no media type":  {"", interviewBody(t, nil), 415, "media"},
		"deeply nested":  {"application/json", strings.Repeat("[", 10_000), 400, "invalid"},
		"unknown member": {"application/json", `{"id":"x","admin":true}`, 400, "invalid"},
	} {
		p := s.post(path+"?lang=en", c.media, c.body)
		var f failure
		if err := json.Unmarshal([]byte(p.body), &f); err != nil || p.status != c.status || f.Error != c.code || f.Message == "" {
			t.Errorf("%s: %d %s, want %d %s", name, p.status, p.body, c.status, c.code)
		}
	}
	if n := len(s.stored()); n < 1 || s.stored()[0].ID != receipt.ID {
		t.Errorf("%d interviews stored", n)
	}
}

// Nobody takes the place of a sampled person who does not have the person's link.
func TestSubmissionsOfCases(t *testing.T) {
	s := villageSite(t)
	body := interviewBody(t, func(in *surveys.Interview) { in.Case = "v1-01" })
	send := func(link string) int {
		r := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if link != "" {
			r.Header.Set("Authorization", "Bearer "+path.Base(link))
		}
		return s.do(r).status
	}
	for name, link := range map[string]string{
		"no token":     "",
		"another case": s.caseLink("village", "v1-02"),
		"another wave": s.caseLink("town", "v1-01"),
		"nonsense":     "/i/nonsense",
	} {
		if status := send(link); status != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, status)
		}
	}
	if n := len(s.stored()); n != 0 {
		t.Errorf("%d interviews stored without the right to answer", n)
	}
	if status := send(s.caseLink("village", "v1-01")); status != http.StatusCreated {
		t.Errorf("with the case's own link: %d, want 201", status)
	}
}

func TestErrorsSpeakTheReadersLanguage(t *testing.T) {
	s := villageSite(t)
	ask := func(accept, language string) *page {
		r := httptest.NewRequest(http.MethodGet, "/nothing", nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Language", language)
		return s.do(r)
	}
	ask("text/html", "en-US,en;q=0.9").want(404, "Page not found")
	ask("text/html,application/json", "zh-CN").want(404, "页面不存在")
	if p := ask("application/json", "en"); p.body != `{"error":"notfound","message":"There is no such page.","detail":"no such address: not found"}`+"\n" {
		t.Errorf("JSON error = %s", p.body)
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig(testKey).check(); err != nil {
		t.Errorf("the default configuration is refused: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"short key":            func(c *Config) { c.Key = c.Key[:31] },
		"nobody is ever idle":  func(c *Config) { c.Idle = 0 },
		"no requests":          func(c *Config) { c.MaxRequests = 0 },
		"reports, no policy":   func(c *Config) { c.Reports = fstest.MapFS{} },
		"idle in a second":     func(c *Config) { c.Idle = time.Second },
		"origin without https": func(c *Config) { c.Origins = []string{"survey.example.cn"} },
	} {
		cfg := DefaultConfig(testKey)
		change(&cfg)
		if _, err := New(cfg, Deps{Drafts: villageSite(t).drafts}); err == nil {
			t.Errorf("%s: New() gave no error", name)
		}
	}
}

func TestWavesAreChecked(t *testing.T) {
	site := villageSite(t)
	good := site.deps.Waves[0]
	for name, waves := range map[string][]Wave{
		"no ID":      {{Questionnaire: good.Questionnaire, Form: good.Form}},
		"odd ID":     {badID(good)},
		"no form":    {{ID: "w", Questionnaire: good.Questionnaire}},
		"twice":      {good, good},
		"bad date":   {badWave(good, func(q *surveys.Questionnaire) { q.Statutory.ValidUntil = "31.12.2026" })},
		"in Klingon": {badWave(good, func(q *surveys.Questionnaire) { q.Languages = []surveys.Lang{"tlh"} })},
	} {
		if _, err := New(DefaultConfig(testKey), Deps{Waves: waves, Intake: site.deps.Intake, Drafts: site.drafts}); err == nil {
			t.Errorf("%s: New() gave no error", name)
		}
	}
}

func badWave(w Wave, change func(*surveys.Questionnaire)) Wave {
	w.Questionnaire = village()
	change(w.Questionnaire)
	return w
}

func badID(w Wave) Wave {
	w.ID = "a/b"
	return w
}

// A request whose sender has hung up is not reported as a fault of the program; any
// other failure is.
func TestHungUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		logged bool
	}{
		{"hung up while the work was done", fmt.Errorf("keep the interview: %w", context.Canceled), false},
		{"hung up while the answer was sent", fmt.Errorf("write: %w", syscall.EPIPE), false},
		{"disk full", fmt.Errorf("keep the interview: %w", syscall.ENOSPC), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, d *Deps) { d.Intake = &switchable{err: c.err} })
			s.post("/v1/submissions", "application/json", interviewBody(t, nil))
			if got := strings.Contains(s.logs.String(), "request failed"); got != c.logged {
				t.Errorf("logged as a failure: %v, want %v\n%s", got, c.logged, s.logs)
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSite(t, nil, func(c *Config, _ *Deps) { c.Addr = l.Addr().String() })
	want := "address " + l.Addr().String() + " is in use by another program; stop it or choose another address"
	if err := s.Run(context.Background()); err == nil || err.Error() != want {
		t.Errorf("Run() = %v, want %s", err, want)
	}
}

// Run serves until its context ends, and lets the requests under way finish.
func TestRun(t *testing.T) {
	gate := &switchable{entered: make(chan struct{}), leave: make(chan struct{})}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, d *Deps) {
		c.Addr = "127.0.0.1:0"
		gate.Intake, d.Intake = d.Intake, gate
	})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	answered := make(chan int, 1)
	go func() {
		res, err := http.Post("http://"+s.Addr()+"/v1/submissions", "application/json", strings.NewReader(interviewBody(t, nil)))
		if err != nil {
			answered <- 0
			return
		}
		res.Body.Close()
		answered <- res.StatusCode
	}()
	<-gate.entered
	cancel()
	close(gate.leave)
	if got := <-answered; got != 201 {
		t.Errorf("the request under way ended with %d, want 201", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v", err)
	}
	if n := len(s.stored()); n != 1 {
		t.Errorf("%d interviews stored, want 1", n)
	}
}

// net/http and Echo leave these open, and half-open requests would stay for ever.
func TestTimeoutsAreSet(t *testing.T) {
	s := villageSite(t)
	hs := s.httpServer(s.Handler())
	if hs.ReadHeaderTimeout != 5*time.Second || hs.ReadTimeout != 30*time.Second || hs.WriteTimeout != time.Minute ||
		hs.IdleTimeout != time.Minute || hs.MaxHeaderBytes != 16<<10 {
		t.Errorf("timeouts of the server: %+v", hs)
	}
}

// What one page of a questionnaire costs the server: reading, the engine, sealing, drawing.
func BenchmarkSection(b *testing.B) {
	s := newSite(b, []*surveys.Questionnaire{village()}, nil)
	section := s.get("/s/village").press("start").fill("age", "35").fill("internet", "no")
	body := section.sends("next").Encode()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest(http.MethodPost, "/s/village?lang=zh", strings.NewReader(body))
			r.Header.Set("Content-Type", formMedia)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != 200 {
				b.Fatalf("%d\n%s", w.Code, w.Body)
			}
		}
	})
}
