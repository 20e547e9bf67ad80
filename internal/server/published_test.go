package server

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Publish shows other waves without a restart: a wave that was closed takes no answers any
// more, also in an interview that is under way, one that is new is there, and a list that is
// not usable changes nothing.
func TestPublishAgain(t *testing.T) {
	s := villageSite(t)
	first := s.Server.deps.Waves[0]
	media := s.get("/s/village").press("start").fill("age", "35").fill("internet", "no").pressAtOnce("next") // it stays in memory
	bad := first
	bad.Form = nil
	if err := s.Server.Publish([]Wave{bad}); err == nil || !strings.Contains(err.Error(), first.ID) {
		t.Errorf("Publish() of a wave without a form = %v", err)
	}
	want := func(path string, status int) {
		t.Helper()
		if got := s.get(path).status; got != status {
			t.Errorf("%s = %d, want %d", path, got, status)
		}
	}
	want("/s/village", http.StatusOK)
	closed, another := first, first
	closed.Closed = true
	another.ID = "another"
	if err := s.Server.Publish([]Wave{closed, another}); err != nil {
		t.Fatal(err)
	}
	want("/s/village", http.StatusGone)
	want("/s/another", http.StatusOK)
	if got := media.fill("channels", "tv").pressAtOnce("next").status; got != http.StatusGone {
		t.Errorf("a page of the closed wave = %d, want %d", got, http.StatusGone)
	}
}

// A server that ends says first that it is not ready, while it still serves.
func TestLeave(t *testing.T) {
	s := villageSite(t)
	cfg := s.Server.cfg
	cfg.Addr, cfg.Leave = "127.0.0.1:0", 300*time.Millisecond
	srv, err := New(cfg, s.Server.deps)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	status := func(path string) int {
		r, err := http.Get("http://" + srv.Addr() + path)
		if err != nil {
			return 0
		}
		r.Body.Close()
		return r.StatusCode
	}
	if got := status("/readyz"); got != http.StatusOK {
		t.Fatalf("before: %d", got)
	}
	cancel()
	seen := false
	for range 1000 {
		if seen = status("/readyz") == http.StatusServiceUnavailable; seen {
			break
		}
	}
	if !seen || status("/healthz") != http.StatusOK {
		t.Errorf("not seen to be leaving: %v", seen)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
