package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// measured is a site whose parts describe themselves for the metrics.
func measured(t *testing.T, change func(*Config, *Deps)) *site {
	var s *site
	s = newSite(t, []*surveys.Questionnaire{village()}, func(c *Config, d *Deps) {
		d.Stats = func(ctx context.Context) Stats {
			counts, err := s.drafts.Count(ctx)
			if err != nil {
				t.Error(err)
			}
			return Stats{Logs: map[string]wal.Stat{"interviews": s.log.Stat()}, Shipping: s.intake.Shipping(), StoreUp: true, Drafts: counts}
		}
		if change != nil {
			change(c, d)
		}
	})
	return s
}

func scrape(t *testing.T, s *site) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Metrics().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("the metrics are %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// The metrics say what happened.
func TestMetrics(t *testing.T) {
	s := measured(t, func(c *Config, _ *Deps) { c.Limits.Network = Rate{0.001, 20} })
	toSend(s.get("/s/village")).press("send").want(200, "谢谢，您的问卷已收到")
	s.post("/v1/submissions", "application/json", interviewBody(t, nil))
	s.post("/v1/submissions", "application/json", interviewBody(t, nil))
	s.post("/v1/submissions", "application/json", interviewBody(t, func(in *surveys.Interview) { in.Answers = surveys.Answers{} }))
	s.get("/s/village").press("start")
	s.get("/nothing/secret-name")
	s.get("/s/secret-wave?x=secret-query")
	for range 20 {
		s.get("/")
	}
	s.stored()
	text := scrape(t, s)
	for _, want := range []string{
		`suyang_http_requests_total{route="/v1/submissions",status="2xx"} 2`,
		`suyang_http_requests_total{route="/v1/submissions",status="4xx"} 1`,
		`suyang_http_requests_total{route="none",status="4xx"} 1`,
		`suyang_http_request_seconds_count{route="/v1/submissions"} 3`,
		`suyang_log_records_total{log="interviews"} 3`,
		`suyang_log_refuses{log="interviews"} 0`,
		`suyang_shipping_cursor 3`, `suyang_shipping_pending 0`, `suyang_shipping_verified_total 2`, `suyang_quarantined 1`,
		`suyang_store_up 1`, `suyang_drafts{state="under-way"} 1`, `suyang_drafts{state="finished"} 1`, `suyang_room 0`, `suyang_bytes_in_flight 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(text, `suyang_refused_total{reason="network"} 0`) {
		t.Error("nobody is said to be refused")
	}
	if strings.Contains(text, "secret") {
		t.Error("what a client sent is in the metrics")
	}
	if sync := regexp.MustCompile(`suyang_log_sync_seconds_total\{log="interviews"\} (\S+)`).FindStringSubmatch(text); sync == nil || sync[1] == "0" {
		t.Errorf("the syncs took %v", sync)
	}
}

// Every label is a name of ours, however many addresses are tried.
func TestMetricLabels(t *testing.T) {
	s := measured(t, nil)
	for _, path := range []string{"/x", "/s/x", "/a/x", "/%00", "/r/x?y"} {
		for _, method := range []string{"GET", "POST", "BREW"} {
			s.do(httptest.NewRequest(method, path, nil))
		}
	}
	known := map[string]bool{noRoute: true, "interviews": true}
	for _, r := range s.echo.Routes() {
		known[r.Path] = true
	}
	for _, state := range draftStates {
		known[state] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^suyang_\w+\{(?:route|log|state)="([^"]*)"`).FindAllStringSubmatch(scrape(t, s), -1) {
		if !known[m[1]] {
			t.Errorf("the label %q is none of ours", m[1])
		}
	}
	if len(draftStates) != int(drafts.Finished)+1 {
		t.Error("not every state of a draft has a name")
	}
}

// The manual names every metric, and none that is not there.
func TestMetricsManual(t *testing.T) {
	page, err := os.ReadFile("../../web/docs/reference/operation.md")
	if err != nil {
		t.Fatal(err)
	}
	s := measured(t, func(_ *Config, d *Deps) { d.Disk = func() (Disk, error) { return Disk{0.5, 1 << 40}, nil } })
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "suyang_") {
			have = append(have, f.GetName())
		}
	}
	// Vectors that have counted nothing are not gathered.
	have = append(have, "suyang_http_requests_total", "suyang_http_request_seconds")
	slices.Sort(have)
	have = slices.Compact(have)
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(suyang_\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, m[1])
	}
	slices.Sort(documented)
	if !slices.Equal(have, documented) {
		t.Errorf("the metrics are\n%v, the manual has\n%v", have, documented)
	}
}

// The metrics are on a listener of their own, and not among the pages.
func TestMetricsAreApart(t *testing.T) {
	s := measured(t, func(c *Config, _ *Deps) { c.Addr, c.MetricsAddr = "127.0.0.1:0", "127.0.0.1:0" })
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	ask := func(address string) (status int, body string) {
		r, err := http.Get("http://" + address)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
	if status, body := ask(s.MetricsAddr() + "/metrics"); status != 200 || !strings.Contains(body, "suyang_room 0") || !strings.Contains(body, "go_goroutines") {
		t.Errorf("the metrics: %d %.200s", status, body)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/v1/metrics"} {
		if status, _ := ask(s.Addr() + path); status != 404 {
			t.Errorf("%s for respondents: %d, want 404", path, status)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if villageSite(t).MetricsAddr() != "" {
		t.Error("the metrics are served although nobody asked for it")
	}
}
