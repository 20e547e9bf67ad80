package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// fakeDisk is as full as a test says.
type fakeDisk struct {
	mu sync.Mutex
	Disk
	err error
}

func (d *fakeDisk) look() (Disk, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Disk, d.err
}

// fill sets how full the disk is, and lets the server see it at once.
func (d *fakeDisk) fill(s *site, used float64, free uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Disk, d.err = Disk{Used: used, Free: free}, err
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	s.load.seen = time.Time{}
}

func diskSite(t *testing.T) (*site, *fakeDisk) {
	d := &fakeDisk{}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(_ *Config, deps *Deps) { deps.Disk = d.look })
	d.fill(s, 0.5, 1<<40, nil)
	return s, d
}

// A disk that fills up first keeps out who has not begun, and then everybody; who is turned
// away for good reason is told when to come again.
func TestDiskFillsUp(t *testing.T) {
	const gigabytes = 1 << 40
	s, d := diskSite(t)
	caseLink := s.caseLink("village", "c1")
	s.get(caseLink).press("start").want(200, "基本情况")
	for _, c := range []struct {
		name              string
		used              float64
		free              uint64
		err               error
		start, page, send int
		ready             int
		says              string
	}{
		{"half full", 0.5, gigabytes, nil, 200, 200, 201, 200, "ready\n"},
		{"filling", 0.86, gigabytes, nil, 503, 200, 201, 200, "ready\ndisk filling: no new online interviews\n"},
		{"full but for the reserve", 0.96, gigabytes, nil, 503, 503, 503, 503, "not ready\ndisk full: nothing is taken\n"},
		{"little left of a large disk", 0.5, 127 << 20, nil, 503, 503, 503, 503, "not ready\ndisk full: nothing is taken\n"},
		{"nobody knows", 0.96, 0, errors.New("no such folder"), 200, 200, 201, 200, "ready\n"},
		{"free again", 0.84, gigabytes, nil, 200, 200, 201, 200, "ready\n"},
	} {
		d.fill(s, 0.5, gigabytes, nil)
		under := s.get("/s/village").press("start").fill("age", "35").fill("internet", "no")
		body := interviewBody(t, func(in *surveys.Interview) { in.ID = fmt.Sprintf("7d7f1c6e-55a8-4b21-8b0e-%012x", len(c.name)) })
		d.fill(s, c.used, c.free, c.err)
		check := func(what string, p *page, want int) {
			t.Helper()
			if p.status != want {
				t.Errorf("%s, %s: %d, want %d", c.name, what, p.status, want)
			}
			if again, err := strconv.Atoi(p.header.Get("Retry-After")); want == 503 && (err != nil || again < 1 || again > 5) {
				t.Errorf("%s, %s: Retry-After is %q", c.name, what, p.header.Get("Retry-After"))
			}
		}
		check("a new interview", s.post("/s/village", formMedia, "action=start"), c.start)
		check("a new interview by a personal link", s.get(s.caseLink("village", c.name)).press("start"), c.start)
		check("a page under way", under.press("next"), c.page)
		check("an interview taken up by its personal link", s.post(caseLink, formMedia, "action=start"), c.page)
		check("a finished interview", s.post("/v1/submissions", "application/json", body), c.send)
		if p := s.get("/readyz"); p.status != c.ready || p.body != c.says {
			t.Errorf("%s: /readyz is %d %q, want %d %q", c.name, p.status, p.body, c.ready, c.says)
		}
		s.get("/s/village").want(200, "乡村科学素质调查") // reading goes on
	}
}

// A page that is turned away comes back with everything that was filled in, and can be sent
// again without script.
func TestTurnedAwayPageKeepsTheAnswers(t *testing.T) {
	s, d := diskSite(t)
	about := s.get("/s/village?lang=en").press("start").fill("age", "41").fill("internet", "yes").fill("hours", `2"><b>`)
	d.fill(s, 0.99, 0, nil)
	back := about.press("next").want(503, "Please wait a moment")
	if got, want := back.sends("next"), about.sends("next"); got.Encode() != want.Encode() {
		t.Errorf("the page holds\n%v, want\n%v", got, want)
	}
	if back.find("button", "class", "main") == nil || back.address() != about.address() {
		t.Errorf("nothing to press, or it leads to %q, want %q", back.address(), about.address())
	}
	d.fill(s, 0.5, 1<<40, nil)
	r := httptest.NewRequest(http.MethodPost, back.address(), strings.NewReader(back.only().Encode()))
	r.Header.Set("Content-Type", formMedia)
	wrong := s.do(r).want(422, "About you")
	wrong.fill("hours", "2").press("next").want(200, "Online")
}

// only is what a form sends whose button has no name.
func (p *page) only() url.Values {
	fields := url.Values{}
	for _, n := range p.all("input") {
		fields.Add(attr(n, "name"), attr(n, "value"))
	}
	return fields
}

// The bytes that have arrived are bounded, whatever was announced, and are free again when
// their requests are answered.
func TestBytesInFlight(t *testing.T) {
	gate := &switchable{entered: make(chan struct{}), leave: make(chan struct{})}
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, deps *Deps) {
		c.Pressure.InFlight = maxBody
		gate.Intake, deps.Intake = deps.Intake, gate
	})
	whole := interviewBody(t, nil)
	first := make(chan int)
	padded := strings.Repeat(" ", maxBody/2) + whole
	go func() {
		r := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader(padded))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		first <- w.Code
	}()
	<-gate.entered
	if p := s.post("/v1/submissions", "application/json", padded); p.status != 503 || p.header.Get("Retry-After") == "" {
		t.Errorf("beyond the bytes in flight: %d, want 503 and when to come again", p.status)
	}
	if got := s.load.bytes.Load(); got != int64(len(padded)) {
		t.Errorf("%d bytes in flight, want those of the one that is served, %d", got, len(padded))
	}
	close(gate.leave)
	if got := <-first; got != 201 {
		t.Errorf("the one that was there first: %d, want 201", got)
	}
	if got := s.load.bytes.Load(); got != 0 {
		t.Errorf("%d bytes are still in flight", got)
	}
	gate.entered = nil
	if p := s.post("/v1/submissions", "application/json", padded); p.status != 200 {
		t.Errorf("again: %d, want 200", p.status)
	}
	announced := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader("{}"))
	announced.ContentLength = maxBody
	if p := s.do(announced); p.status == 503 {
		t.Error("a body that was only announced took up room")
	}
}

// Whoever waits is served in turn, and refused only after the time for waiting.
func TestWaitingForATurn(t *testing.T) {
	l := &load{limits: Pressure{QueueWait: time.Minute}, refused: func(string) { t.Error("somebody was refused") }}
	g := &gate{load: l, places: make(chan struct{}, 2)}
	var inside, most atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if err := g.enter(t.Context()); err != nil {
				t.Error(err)
				return
			}
			defer g.leave()
			n := inside.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
		})
	}
	all.Wait()
	if most.Load() != 2 || l.waiting.Load() != 0 {
		t.Errorf("%d were served at one time and %d wait, want 2 and none", most.Load(), l.waiting.Load())
	}
	reasons := []string{}
	l.limits.QueueWait, l.refused = time.Millisecond, func(r string) { reasons = append(reasons, r) }
	g.places <- struct{}{}
	g.places <- struct{}{}
	if err := g.enter(t.Context()); !errors.Is(err, surveys.ErrUnavailable) || len(reasons) != 1 || reasons[0] != "wait" {
		t.Errorf("enter() = %v with the reasons %v", err, reasons)
	}
}

func TestPressureIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no bytes":          func(c *Config) { c.Pressure.InFlight = 10 },
		"no headers":        func(c *Config) { c.Pressure.InHeaders = 10 },
		"nobody waits":      func(c *Config) { c.Pressure.QueueWait = 0 },
		"all before starts": func(c *Config) { c.Pressure.DiskAll = 0.5 },
		"negative rate":     func(c *Config) { c.Limits.Session.PerSecond = -1 },
		"rate, no burst":    func(c *Config) { c.Limits.Network.Burst = 0 },
		"nobody remembered": func(c *Config) { c.Limits.Clients = 0 },
		"no proxy":          func(c *Config) { c.Proxies = 0 },
	} {
		cfg := DefaultConfig(testKey)
		change(&cfg)
		if cfg.check() == nil {
			t.Errorf("%s: check() gave no error", name)
		}
	}
}

// The limit of memory grows with what is in use, so that collecting never is all that the
// program does.
func TestMemoryLimit(t *testing.T) {
	for live, want := range map[uint64]int64{0: usualMemory, 88 << 20: usualMemory, 100 << 20: 264 << 20, 500 << 20: 1064 << 20} {
		if got := memoryLimit(live); got != want {
			t.Errorf("memoryLimit(%d MB) = %d MB, want %d", live>>20, got>>20, want>>20)
		}
	}
}
