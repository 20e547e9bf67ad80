package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

const token = "the token of the installation"

// peer is a node that keeps copies, on a line that can be cut. A cut can come after the other
// node has done what it was asked.
type peer struct {
	t      testing.TB
	dir    string
	copies *Copies
	site   *httptest.Server
	cut    atomic.Bool
	deaf   atomic.Bool // it does as asked, and the answer is lost
	mu     sync.Mutex
	asked  int
}

func newPeer(t testing.TB) *peer {
	t.Helper()
	p := &peer{t: t, dir: t.TempDir()}
	p.copies = OpenCopies(p.dir, 9)
	p.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		h := (&Service{Token: token, Copies: p.copies, Logger: quiet}).Handler()
		switch {
		case p.cut.Load():
			panic(http.ErrAbortHandler)
		case p.deaf.Load():
			h.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	p.site.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelDebug)
	t.Cleanup(func() { p.site.Close(); p.copies.Close() })
	return p
}

// restart opens the copies again, as after a crash.
func (p *peer) restart(dir string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.copies.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.copies = OpenCopies(dir, 9)
}

// content is what the copy of node 3 holds, by number.
func (p *peer) content() map[uint64]string {
	p.t.Helper()
	log, err := p.copies.Log(3)
	if err != nil {
		p.t.Fatal(err)
	}
	return contentOf(p.t, log)
}

func contentOf(t testing.TB, log Log) map[uint64]string {
	t.Helper()
	all := map[uint64]string{}
	for r, err := range log.Read(1) {
		var damage *wal.Damage
		if errors.As(err, &damage) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all[r.Seq] = wal.Mark(r)
	}
	return all
}

// mirrored is a log of node 3 with a copy at a peer.
func mirrored(t testing.TB, dir string, p *peer) (*Mirror, *wal.Log, func()) {
	t.Helper()
	cfg := wal.DefaultConfig(dir)
	cfg.SegmentBytes, cfg.Logger = 8<<20, quiet
	log, err := wal.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(p.site.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMirror(MirrorConfig{Node: 3, Patience: 5 * time.Second, FirstWait: time.Millisecond, LongestWait: 10 * time.Millisecond, Logger: quiet}, log, c)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		log.Close()
	})
	t.Cleanup(stop)
	return m, log, stop
}

func record(n int) wal.Record {
	return wal.Record{Kind: 1, Node: 3, Received: time.Unix(int64(n), 0).UTC(), ID: [16]byte{1, byte(n >> 16), byte(n >> 8), byte(n)}, Body: fmt.Appendf(nil, "body %d", n)}
}

// keep appends a record until it is confirmed, as a client that sends again does.
func keep(t *testing.T, m *Mirror, n int) uint64 {
	t.Helper()
	for range 5000 {
		seq, err := m.Append(context.Background(), []wal.Record{record(n)})
		for ; err == nil; time.Sleep(time.Millisecond) {
			if err = m.Confirm(context.Background(), seq); err == nil {
				return seq
			}
			if !errors.Is(err, surveys.ErrUnavailable) {
				t.Fatal(err)
			}
			err = nil // it is in the log already: only the confirmation is asked for again
		}
		if !errors.Is(err, surveys.ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("a record was never confirmed")
	return 0
}

// Whatever is confirmed is in the copy, at the same number, while the line is cut, loses
// answers, and the other node is started anew; records that come together share requests.
func TestConfirmedIsOnTwoDisks(t *testing.T) {
	p := newPeer(t)
	m, log, stop := mirrored(t, t.TempDir(), p)
	const writers, each = 24, 12
	confirmed := sync.Map{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				confirmed.Store(keep(t, m, w*each+i), true)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	rng := rand.New(rand.NewPCG(1, 2))
	for faults := 0; ; faults++ {
		select {
		case <-done:
		case <-time.After(time.Duration(rng.IntN(8)) * time.Millisecond):
			switch rng.IntN(3) {
			case 0:
				p.cut.Store(true)
			case 1:
				p.deaf.Store(true)
			case 2:
				p.restart(p.dir)
			}
			p.site.CloseClientConnections()
			time.Sleep(time.Duration(rng.IntN(5)) * time.Millisecond)
			p.cut.Store(false)
			p.deaf.Store(false)
			continue
		}
		t.Logf("%d faults, %d requests", faults, p.asked)
		break
	}
	stop()
	copied, n := p.content(), 0
	confirmed.Range(func(seq, _ any) bool {
		if n++; copied[seq.(uint64)] == "" {
			t.Errorf("record %d was confirmed and is not in the copy", seq)
		}
		return true
	})
	if n != writers*each {
		t.Errorf("%d records were confirmed, want %d", n, writers*each)
	}
	_ = log
}

// While the other node is away nothing is appended, and the reason is known; once it is back,
// the copy catches up before anything new is taken. What is on one disk only is not read.
func TestOtherNodeAway(t *testing.T) {
	p := newPeer(t)
	dir := t.TempDir()
	m, log, stop := mirrored(t, dir, p)
	for n := range 10 {
		keep(t, m, n)
	}
	p.deaf.Store(true) // the last record gets there, but nobody knows
	seq, err := m.Append(t.Context(), []wal.Record{record(10)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Confirm(ctx, seq); !errors.Is(err, surveys.ErrUnavailable) {
		t.Errorf("Confirm() without an answer = %v", err)
	}
	for m.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if _, err := m.Append(t.Context(), []wal.Record{record(11)}); !errors.Is(err, surveys.ErrUnavailable) {
		t.Errorf("Append() while the other node is away = %v", err)
	}
	if all, some := contentOf(t, log), contentOf(t, m); len(all) != 11 || len(some) != 10 {
		t.Errorf("the log has %d records, and %d are on both disks as far as is known; want 11 and 10", len(all), len(some))
	}
	p.deaf.Store(false)
	if err := waitFor(m, seq); err != nil {
		t.Fatal(err)
	}
	stop()
	// The other node loses its disk: the copy is made anew.
	p.restart(t.TempDir())
	m, log, _ = mirrored(t, dir, p)
	keep(t, m, 12)
	own, copied := contentOf(t, log), p.content()
	if len(own) != 12 || len(copied) != 12 {
		t.Errorf("the log has %d records and the copy %d, want 12", len(own), len(copied))
	}
	for seq, mark := range own {
		if copied[seq] != mark {
			t.Errorf("record %d differs in the copy", seq)
		}
	}
}

func waitFor(m *Mirror, seq uint64) error {
	for range 1000 {
		if err := m.Confirm(context.Background(), seq); err == nil {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("it was never confirmed")
}

// A log that was lost, or another node under the same number, never passes for the log that
// the copy is of.
func TestAnotherLog(t *testing.T) {
	p := newPeer(t)
	m, _, stop := mirrored(t, t.TempDir(), p)
	for n := range 5 {
		keep(t, m, n)
	}
	stop()
	before := p.content()
	empty, _, stop := mirrored(t, t.TempDir(), p)
	time.Sleep(50 * time.Millisecond)
	refuses(t, empty, "it was lost")
	stop()
	dir := t.TempDir()
	log, err := wal.Open(wal.DefaultConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 8 {
		if _, err := log.Append(t.Context(), []wal.Record{record(100 + n)}); err != nil {
			t.Fatal(err)
		}
	}
	log.Close()
	other, _, _ := mirrored(t, dir, p)
	time.Sleep(50 * time.Millisecond)
	refuses(t, other, "another record")
	if after := p.content(); len(after) != len(before) {
		t.Errorf("the copy grew from %d to %d records", len(before), len(after))
	}
	if _, err := p.copies.Take(t.Context(), 3, 5, "another mark", []wal.Record{{Seq: 6, Node: 3}}); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("Take() after another record = %v", err)
	}
	if _, _, err := p.copies.State(9); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("State() of the node itself = %v", err)
	}
}

// refuses fails unless a mirror takes nothing, says why, and says it as something that has
// nothing to do with what was handed in.
func refuses(t *testing.T, m *Mirror, why string) {
	t.Helper()
	_, appended := m.Append(t.Context(), []wal.Record{record(1000)})
	for what, err := range map[string]error{"Append": appended, "Confirm": m.Confirm(t.Context(), 1000), "Err": m.Err()} {
		if !errors.Is(err, surveys.ErrUnavailable) || errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s() = %v, want ErrUnavailable alone, with %q", what, err, why)
		}
	}
}

// A gap that damage left in the log is one in the copy.
func TestGapIsCopied(t *testing.T) {
	p := newPeer(t)
	var all []wal.Record
	for _, seq := range []uint64{1, 2, 6, 7, 11} {
		r := record(int(seq))
		r.Seq = seq
		all = append(all, r)
	}
	upTo, err := p.copies.Take(t.Context(), 3, 0, "", all)
	got := p.content()
	var seqs []uint64
	for seq := range got {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	if err != nil || upTo != 11 || !slices.Equal(seqs, []uint64{1, 2, 6, 7, 11}) {
		t.Errorf("Take() = %d, %v, and the copy holds %v", upTo, err, seqs)
	}
}

// Only nodes of the installation are answered, and the token goes to nobody else.
func TestStrangers(t *testing.T) {
	p := newPeer(t)
	for _, path := range []string{"/v1/node/copies/3", "/v1/node/copies/3/log?after=0"} {
		for _, header := range []string{"", "Bearer ", "Bearer " + token + "x", "Basic " + token, token} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			(&Service{Token: token, Copies: p.copies, Logger: quiet}).Handler().ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s with %q = %d", path, header, w.Code)
			}
		}
	}
	c, err := Connect(p.site.URL, "another")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.copyState(t.Context(), 3); !errors.Is(err, ErrStranger) {
		t.Errorf("another token: %v", err)
	}
	for _, address := range []string{"http://office.example.cn", "office.example.cn", "https://", "ftp://127.0.0.1"} {
		if _, err := Connect(address, token); err == nil {
			t.Errorf("Connect(%q) succeeds", address)
		}
	}
}
