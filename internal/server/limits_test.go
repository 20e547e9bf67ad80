package server

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// pupils is how many sit behind one address; make nat sets 600.
var pupils = flag.Int("pupils", 60, "sessions behind one address")

// school is one address, seen through the proxy.
const school = "203.0.113.7"

// pupil is a browser behind the proxy, with a connection of its own.
type pupil struct {
	conn net.Conn
	in   *bufio.Reader
}

func (p *pupil) ask(method, path, body string) (status int, to string, err error) {
	_, err = fmt.Fprintf(p.conn, "%s %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.99, %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, school, formMedia, len(body), body)
	if err != nil {
		return 0, "", err
	}
	r, err := http.ReadResponse(p.in, &http.Request{Method: method})
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	return r.StatusCode, r.Header.Get("Location"), err
}

// class is a real server on this machine behind a proxy, and what the pupils answer.
type class struct {
	t    *testing.T
	site *site
	addr string
	// pages are what is sent from each page, by its key.
	pages   map[string]string
	refused atomic.Int64
	asked   atomic.Int64
}

func newClass(t *testing.T) *class {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.HTTPS, c.Addr = true, "127.0.0.1:0" })
	hs := httptest.NewServer(s.Handler())
	t.Cleanup(hs.Close)
	return &class{t: t, site: s, addr: hs.Listener.Addr().String(), pages: map[string]string{
		"intro": "a.age=45&a.internet=no", "channels": "a.channels=tv", "K01": "a.K01=true&a.K02=dk",
	}}
}

func (k *class) pupil() *pupil {
	conn, err := net.Dial("tcp", k.addr)
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { conn.Close() })
	return &pupil{conn, bufio.NewReader(conn)}
}

// must counts a request that is to be taken.
func (k *class) must(p *pupil, method, path, body string) (to string) {
	status, to, err := p.ask(method, path, body)
	k.asked.Add(1)
	switch {
	case err != nil:
		k.t.Error(err)
	case status == 429 || status == 503:
		if k.refused.Add(1) == 1 {
			k.t.Logf("the first that is refused: %s %s: %d", method, path, status)
		}
	case status != 200 && status != 303 && status != 204:
		k.t.Errorf("%s %s: %d", method, path, status)
	}
	return to
}

// begin reads the first page and begins; it returns the address of the interview.
func (k *class) begin(p *pupil) string {
	k.must(p, "GET", "/s/village", "")
	return k.must(p, "POST", "/s/village", "action=start")
}

// answer answers everything, with a request for each answer that the script keeps.
func (k *class) answer(p *pupil, address string) {
	for range 2 * len(k.pages) {
		u, err := url.Parse(address)
		if err != nil {
			k.t.Error(err)
			return
		}
		page := u.Query().Get("page")
		if page != atEnd && k.pages[page] == "" {
			k.t.Errorf("led to %q, which is no page to answer", address)
			return
		}
		if page == atEnd {
			k.must(p, "POST", u.Path, "action=send&state="+mark("", nil, noon))
			return
		}
		fields := k.fields(page)
		k.must(p, "POST", u.Path, "action=save&"+fields)
		address = k.must(p, "POST", u.Path, "action=next&"+fields)
		k.must(p, "GET", address, "")
	}
}

func (k *class) fields(page string) string {
	var shown []string
	for _, f := range strings.Split(k.pages[page], "&") {
		item, _, _ := strings.Cut(strings.TrimPrefix(f, "a."), "=")
		shown = append(shown, item)
	}
	return k.pages[page] + "&state=" + mark(page, shown, noon)
}

// A school behind one address begins, answers and submits at the same time; nobody is
// refused. One of them who then sends without end is cut soon after the limit of a session,
// and nobody else notices.
func TestASchoolBehindOneAddress(t *testing.T) {
	k := newClass(t)
	n := *pupils
	addresses, people := make([]string, n), make([]*pupil, n)
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		people[i] = k.pupil()
		all.Go(func() { addresses[i] = k.begin(people[i]) })
	}
	all.Wait()
	started := time.Since(began)
	began = time.Now()
	for i := range n {
		all.Go(func() { k.answer(people[i], addresses[i]) })
	}
	all.Wait()
	t.Logf("%d sessions from one address began within %v and submitted within %v: %d requests, %d of them refused",
		n, started.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), k.asked.Load(), k.refused.Load())
	if k.refused.Load() != 0 {
		t.Errorf("%d requests were refused, want none", k.refused.Load())
	}
	if got := len(k.site.stored()); got != n {
		t.Errorf("%d interviews are stored, want %d", got, n)
	}
	k.abuse()
}

// abuse lets one session send without end, while another works.
func (k *class) abuse() {
	t, limit := k.t, k.site.cfg.Limits.Session
	abuser, honest := k.pupil(), k.pupil()
	u, err := url.Parse(k.begin(abuser))
	if err != nil {
		t.Fatal(err)
	}
	began, sent, cut := time.Now(), 0, 0
	for ; sent < 5*limit.Burst && cut == 0; sent++ {
		status, _, err := abuser.ask("POST", u.Path, "action=save&"+k.fields("intro"))
		if err != nil {
			t.Fatal(err)
		}
		if status == 429 {
			cut = sent
		}
	}
	budget := limit.Burst + int(limit.PerSecond*time.Since(began).Seconds())
	t.Logf("the abuser was cut after %d requests, with a budget of %d", cut, budget)
	if cut == 0 || cut > budget+20 || cut < limit.Burst {
		t.Errorf("cut after %d requests (of %d), want after %d to %d", cut, sent, limit.Burst, budget+20)
	}
	before := k.refused.Load()
	k.answer(honest, k.begin(honest))
	if k.refused.Load() != before {
		t.Error("the limit of one session touched another at the same address")
	}
}

// Tokens that are none get no limit of their own; they count for the network.
func TestInventedTokensShareOneLimit(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.Limits.Network = Rate{0.001, 10} })
	under := s.get("/s/village").press("start") // takes 3 of the 10
	refused := 0
	for i := range 30 {
		path := []string{"/a/%022d", "/i/%030d", "/r/%022d", "/o/%022d", "/nothing/%d", "/desk/%d"}[i%6]
		if p := s.get(fmt.Sprintf(path, i)); p.status == 429 {
			refused++
			if p.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if refused < 20 || refused > 23 {
		t.Errorf("%d of 30 invented addresses were refused, want what is left over of 10", refused)
	}
	under.fill("age", "35").fill("internet", "no").press("next").want(200, "渠道")
	if link := s.caseLink("village", "c1"); s.get(link).status != 200 {
		t.Error("a personal link is refused because others invented some")
	}
	s.get("/healthz").want(200, "")
}

// A personal link has a limit of its own, also for programs that bring it as a bearer token.
func TestLinkLimit(t *testing.T) {
	s := newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, _ *Deps) { c.Limits.Link = Rate{0.001, 5} })
	link := s.caseLink("village", "c1")
	send := func() int {
		r := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+strings.TrimPrefix(link, "/i/"))
		return s.do(r).status
	}
	for i := range 5 {
		if got := send(); got != 400 {
			t.Errorf("request %d: %d, want 400", i, got)
		}
	}
	if got := send(); got != 429 {
		t.Errorf("beyond the limit: %d, want 429", got)
	}
	if got := s.get(link).status; got != 429 {
		t.Errorf("the link's page: %d, want 429", got)
	}
	s.get(s.caseLink("village", "c2")).want(200, "乡村科学素质调查")
}

// Who is behind a proxy cannot choose whom they count for.
func TestAddress(t *testing.T) {
	const evil, person, outer = "198.51.100.1", "203.0.113.9", "192.0.2.77"
	for _, c := range []struct {
		name          string
		https         bool
		proxies       int
		direct        string
		forwarded     []string
		want, network string
		limited       bool
	}{
		{"no proxy", false, 1, person + ":1", nil, person, "203.0.113.0/24", true},
		{"no proxy, header invented", false, 1, person + ":1", []string{evil}, person, "203.0.113.0/24", true},
		{"one proxy", true, 1, "127.0.0.1:1", []string{person}, person, "203.0.113.0/24", true},
		{"one proxy, header invented", true, 1, "127.0.0.1:1", []string{evil + ", " + person}, person, "203.0.113.0/24", true},
		{"in a header of its own", true, 1, "10.0.0.3:1", []string{evil, person}, person, "203.0.113.0/24", true},
		{"two proxies", true, 2, "127.0.0.1:1", []string{evil + "," + person + "," + outer}, person, "203.0.113.0/24", true},
		{"past the proxies", true, 1, person + ":1", []string{evil}, person, "203.0.113.0/24", true},
		{"fewer than there are proxies", true, 3, "10.1.2.3:1", []string{evil}, "10.1.2.3", "10.1.2.0/24", true},
		{"nonsense", true, 1, "10.1.2.3:1", []string{"<script>"}, "10.1.2.3", "10.1.2.0/24", true},
		{"IPv6", true, 1, "[::1]:1", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2:3::4", "2001:db8:1::/48", true},
		{"IPv4 in IPv6", false, 1, "[::ffff:203.0.113.9]:1", nil, "::ffff:203.0.113.9", "203.0.113.0/24", true},
		{"this machine", false, 1, "127.0.0.1:1", nil, "127.0.0.1", "", false},
		{"a proxy that says nothing", true, 1, "127.0.0.1:1", nil, "127.0.0.1", "", false},
	} {
		s := &Server{cfg: Config{HTTPS: c.https, Proxies: c.proxies}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.direct
		for _, f := range c.forwarded {
			r.Header.Add("X-Forwarded-For", f)
		}
		got := s.address(r)
		network, limited := networkLimited(got)
		if got != c.want || network != c.network || limited != c.limited {
			t.Errorf("%s: %s of %q, limited %v; want %s of %q, %v", c.name, got, network, limited, c.want, c.network, c.limited)
		}
	}
}

// However many clients come, only some are remembered; one that goes on sending is.
func TestLimiterForgets(t *testing.T) {
	l := newLimiter(Rate{0.001, 3}, 100)
	now := time.Now()
	for range 3 {
		l.allow("abuser", now)
	}
	for i := range 100_000 {
		l.allow(fmt.Sprint("client ", i), now)
		if i%50 == 0 && l.allow("abuser", now) {
			t.Fatalf("after %d others the abuser is forgotten", i)
		}
	}
	if got := l.size(); got > 200 {
		t.Errorf("%d clients are remembered, want at most 200", got)
	}
	if !newLimiter(Rate{}, 1).allow("anybody", now) {
		t.Error("no rate is a limit")
	}
}

// Every route says who its requests count for.
func TestPayers(t *testing.T) {
	for route, want := range map[string]payer{
		"": forNetwork, "/": forNetwork, "/s/:wave": forNetwork, "/o/:token": forNetwork, "/r/:link": forNetwork,
		"/a/:token": forSession, "/a/:token/later": forSession, "/i/:token/paper": forLink, "/v1/submissions": forLink,
		"/v1/tablet/sync": forCaller, "/v1/tablet/enrol": forNetwork, "/desk/:wave/cases": forCaller, "/desk/sign-in": forNetwork,
		"/static/:file": forNobody, "/tablet/:file": forNobody, "/reports/:file": forNetwork,
	} {
		if got := payerOf(route); got != want {
			t.Errorf("payerOf(%q) = %v, want %v", route, got, want)
		}
	}
}

// size is how many clients are remembered.
func (l *limiter) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.young) + len(l.old)
}
