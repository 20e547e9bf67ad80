package server

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// canaries are texts that no program writes by itself: half of them names, half phone
// numbers.
func canaries(n int) (list []string) {
	for i := range n {
		if i%2 == 0 {
			list = append(list, fmt.Sprintf("王金丝雀%04d", i))
		} else {
			list = append(list, fmt.Sprintf("1997%07d", 5_550_000+i))
		}
	}
	return list
}

// disguises are how a text may stand in a log.
func disguises(s string) []string {
	quoted := fmt.Sprintf("%+q", s)
	return slices.Compact([]string{s, quoted[1 : len(quoted)-1], url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s))})
}

// A thousand marked names and phone numbers are put wherever a text can stand, at every
// endpoint and in interviews that are accepted, quarantined, refused, and lost to a panic. None
// of them is in the log at any level, in the metrics or in what net/http says; nor are tokens,
// secrets and addresses of networks.
func TestCanary(t *testing.T) {
	logs := &lockedBuffer{}
	everything := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}))
	before := slog.Default()
	slog.SetDefault(everything)
	defer slog.SetDefault(before)
	a := newAttacker(t, 3)
	a.deps.Log, a.texts = everything, canaries(1000)
	n := 5
	if *hostilePayloads > 0 {
		n = 400
	}
	requests := 0
	for _, endpoint := range slices.Sorted(maps.Keys(endpoints)) {
		if endpoints[endpoint].hashes {
			a.attack(endpoint, 2, map[int]int{})
			continue
		}
		a.attack(endpoint, n, map[int]int{})
		requests += n
	}
	a.interviews()
	a.connections()
	secrets := append(a.secrets(), a.texts...)
	metrics := httptest.NewRecorder()
	a.Metrics().ServeHTTP(metrics, httptest.NewRequest(http.MethodGet, "/", nil))
	hits := 0
	for name, text := range map[string]string{"log": logs.String() + a.logs.String(), "metrics": metrics.Body.String()} {
		if len(text) < 5000 {
			t.Errorf("the %s holds %d bytes only, so nothing was looked at", name, len(text))
		}
		for _, secret := range secrets {
			for _, d := range disguises(secret) {
				if at := strings.Index(text, d); at >= 0 {
					if hits++; hits < 10 {
						t.Errorf("%q is in the %s: …%s…", secret, name, text[max(0, at-200):min(len(text), at+100)])
					}
				}
			}
		}
	}
	t.Logf("%d requests with %d marks, %d further secrets: %d hits in %d bytes of log and %d of metrics",
		requests, len(a.texts), len(secrets)-len(a.texts), hits, len(logs.String())+len(a.logs.String()), metrics.Body.Len())
}

// secrets are what opens something, and where requests came from.
func (a *attacker) secrets() (list []string) {
	_, secret, _ := strings.Cut(a.bearer, ".") // the number of a tablet is no secret
	list = append(list, secret, a.params["/a/:token"], a.params["/i/:token"], a.params["/o/:token"], deskPassword, stranger)
	for _, s := range a.staff {
		list = append(list, s.cookie.Value, s.token)
	}
	return list
}

// stranger is where the requests of the canaries come from.
const stranger = "203.0.113.177"

// interviews sends marked interviews of every fate.
func (a *attacker) interviews() {
	link, mark := a.params["/i/:token"], 0
	send := func(change func(*surveys.Interview)) {
		body := interviewBody(a.t.(*testing.T), func(in *surveys.Interview) {
			in.ID = fmt.Sprintf("7d7f1c6e-55a8-4b21-8b0e-%012x", 500+mark)
			in.Answers = surveys.Answers{}
			for k, v := range villageAnswers {
				in.Answers[k] = v
			}
			change(in)
		})
		mark++
		r := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader(body))
		r.RemoteAddr = stranger + ":1234"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+link)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
	}
	sure := a.deps.Intake
	for _, in := range []Intake{sure, &switchable{}, &switchable{err: fmt.Errorf("disk: %w", syscall.ENOSPC)}, &switchable{err: fmt.Errorf("disk: %w", surveys.ErrUnavailable)}} {
		a.deps.Intake = in
		for _, text := range a.texts[:50] {
			send(func(in *surveys.Interview) { in.Answers["place"] = []string{text[len(text)-7:]} })
			send(func(in *surveys.Interview) { in.Answers["age"] = []string{text} })
			send(func(in *surveys.Interview) { in.Answers["K01"] = []string{text} })
			send(func(in *surveys.Interview) { in.Case = text })
			send(func(in *surveys.Interview) { in.ID = intakeID; in.Answers["place"] = []string{text[:4]} })
			send(func(in *surveys.Interview) { in.Wave = text })
			send(func(in *surveys.Interview) { in.Booklet, in.Version = text, text })
		}
		p := atMedia(a.site)
		p.fill("channels", a.texts[1]).press("next").fill("K01", a.texts[3]).press("next").press("send")
	}
	a.deps.Intake = sure
	a.stored()
}

// intakeID is sent with other answers again and again.
const intakeID = "7d7f1c6e-55a8-4b21-8b0e-5d1f8a1affff"

// connections speaks HTTP badly, with marks, and has net/http say where that came from.
func (a *attacker) connections() {
	hs := a.httpServer(a.Handler())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	a.must(err)
	go hs.Serve(l)
	defer hs.Close()
	for i, text := range a.texts[:40] {
		conn, err := net.Dial("tcp", l.Addr().String())
		a.must(err)
		fmt.Fprintf(conn, []string{"GET /%s HTTP/9.9\r\n\r\n", "%s\r\n\r\n", "GET / HTTP/1.1\r\nHost: %s\r\nHost: y\r\n\r\n", "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n"}[i%4], text)
		conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		_, _ = conn.Read(make([]byte, 100))
		conn.Close()
	}
	hs.ErrorLog.Printf("http: panic serving %s:4444: bad", stranger)
	hs.ErrorLog.Printf("http: TLS handshake error from [2001:db8:ca:4a::9]:4444: EOF")
}

// What net/http says of connections is kept without the addresses.
func TestNameless(t *testing.T) {
	for said, want := range map[string]string{
		"http: panic serving 203.0.113.9:4444: bad":                      "http: panic serving somebody: bad",
		"http: TLS handshake error from [2001:db8:ca:4a::9]:4444: EOF\n": "http: TLS handshake error from somebody: EOF",
		"accept error on ::1; retrying in 5ms":                           "accept error on somebody; retrying in 5ms",
		"at 12:30":                                                       "at 12:30",
	} {
		logs := &lockedBuffer{}
		n := nameless{slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		if _, err := n.Write([]byte(said)); err != nil || !strings.Contains(logs.String(), `said="`+want+`"`) {
			t.Errorf("%q became %s, want %q", said, logs, want)
		}
	}
}
