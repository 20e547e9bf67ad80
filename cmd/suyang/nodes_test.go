package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/server"
)

// standing is the interview that stands for a case, as the office has it.
func (c *cluster) standing(id string) (interview string, changes int) {
	c.t.Helper()
	store, err := office.Open(c.t.Context(), filepath.Join(c.office.state, officeFile))
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	k, err := store.Case(c.t.Context(), auth.Account{Login: "office", Role: auth.Province}, replayWave, id, time.Now())
	if err != nil {
		c.t.Fatal(err)
	}
	return k.Interview, k.Changes
}

// toldOf waits until the office has the interview of a case.
func (c *cluster) toldOf(id string) string {
	c.t.Helper()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if interview, _ := c.standing(id); interview != "" || time.Since(began) > time.Minute {
			return interview
		}
	}
}

// load sends interviews to a node until it takes no more, and returns the receipts.
func (p *process) load(of *people, from, to int) map[int]intake.Receipt {
	receipts, next := sync.Map{}, atomic.Int64{}
	next.Store(int64(from))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < to; i = int(next.Add(1) - 1) {
				status, receipt := p.post(of.body(i), of.token(i))
				if status == 0 || status == http.StatusServiceUnavailable {
					return // it has ended
				}
				if status != http.StatusCreated {
					p.t.Errorf("interview %d at %s: %d", i, p.name, status)
				}
				receipts.Store(i, receipt)
			}
		})
	}
	wg.Wait()
	all := map[int]intake.Receipt{}
	for i, r := range receipts.Range {
		all[i.(int)] = r.(intake.Receipt)
	}
	return all
}

// Collectors get the waves from the office while they serve and go on without it; the office
// hears of their interviews; one that is told to end loses nothing that it acknowledged; and
// one whose disk is lost is made anew from its peer, with the same receipts.
func TestCollectors(t *testing.T) {
	e := enginetest.Start(t)
	state := t.TempDir()
	key, err := (&stateFlags{State: state}).key()
	if err != nil {
		t.Fatal(err)
	}
	const n = 4000
	p := newPeople(t, n, key)
	publishPeople(t, state, e.DSN(), p, "--desk")
	c := newCluster(t, state, e.DSN(), 2)
	first, second := c.collectors[0], c.collectors[1]
	first.args = append(first.args, "--ack-peer", second.url())
	c.start()
	first.becomes("/readyz", http.StatusOK)

	// One interview at each, and one at both.
	receipts := map[int]intake.Receipt{}
	for i, to := range []*process{first, second, first} {
		status, r := to.post(p.body(i), p.token(i))
		if status != http.StatusCreated || r.Node != []uint16{2, 3, 2}[i] {
			t.Fatalf("interview %d at %s: %d %+v", i, to.name, status, r)
		}
		if to == first {
			receipts[i] = r
		}
	}
	if status, _ := second.post(p.body(2), p.token(2)); status != http.StatusCreated {
		t.Errorf("the same interview at the second node: %d", status)
	}
	if status, _ := first.post(p.body(3), p.token(4)); status != http.StatusForbidden {
		t.Errorf("an interview with another case's code: %d", status)
	}
	for i := range 3 {
		if got := c.toldOf(p.cases[i].ID); got != p.interview(i).ID {
			t.Fatalf("case %d has the interview %q at the office", i, got)
		}
	}
	if _, changes := c.standing(p.cases[2].ID); changes != 1 {
		t.Errorf("an interview that two nodes took changed its case %d times", changes)
	}

	// A wave that is published is there soon, one that is closed is closed, also without the
	// office and after a start without it.
	must(t, "publish", "later", "--questionnaire", "gss-science", "--state", state, "--clickhouse", e.DSN())
	for _, q := range []*process{c.office, first, second} {
		q.becomes("/s/later", http.StatusOK)
	}
	must(t, "close", "later", "--state", state)
	for _, q := range []*process{c.office, first, second} {
		q.becomes("/s/later", http.StatusGone)
	}
	if status := c.office.end(syscall.SIGTERM); status != 0 {
		t.Errorf("the office ended with %d", status)
	}
	if status := second.end(syscall.SIGTERM); status != 0 {
		t.Errorf("the second collector ended with %d", status)
	}
	// While the peer is away nothing is acknowledged, and the reason is said.
	first.becomes("/readyz", http.StatusServiceUnavailable)
	if status, _ := first.post(p.body(5), p.token(5)); status != http.StatusServiceUnavailable {
		t.Errorf("an interview while the second disk is away: %d", status)
	}
	second.start()
	if got := second.status("/s/later"); got != http.StatusGone {
		t.Errorf("a closed wave after a start without the office: %d", got)
	}
	first.becomes("/readyz", http.StatusOK)

	// Told to end under load.
	ended := make(chan int)
	go func() {
		time.Sleep(300 * time.Millisecond)
		ended <- first.end(syscall.SIGTERM)
	}()
	underway := first.load(p, 10, n)
	if status := <-ended; status != 0 {
		t.Errorf("the first collector ended with %d", status)
	}
	if len(underway) == 0 || len(underway) == n-10 {
		t.Fatalf("%d interviews were acknowledged before it ended", len(underway))
	}
	first.start()
	first.becomes("/readyz", http.StatusOK)
	for i, r := range underway {
		receipts[i] = r
	}
	checkReceipts(t, first, p, receipts, "after it was told to end")

	// Killed, and its disk lost.
	for i, r := range first.load(p, n-200, n-100) {
		receipts[i] = r
	}
	first.kill()
	lost := first.state
	first.state = filepath.Join(t.TempDir(), "anew")
	if err := os.Mkdir(first.state, 0o700); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := suyang(t, "recover", "--node", "2", "--from", second.url(), "--state", first.state); status == 0 || !strings.Contains(talk, "key") {
		t.Errorf("without the key: %d %s", status, talk)
	}
	c.giveKey(first.state)
	out := must(t, "recover", "--node", "2", "--from", second.url(), "--state", first.state)
	if err := os.RemoveAll(lost); err != nil {
		t.Fatal(err)
	}
	first.start()
	first.becomes("/readyz", http.StatusServiceUnavailable) // it has no waves: the office is away
	c.office.start()
	first.becomes("/readyz", http.StatusOK)
	checkReceipts(t, first, p, receipts, "after its disk was lost")
	t.Logf("%d receipts were the same after the disk was lost; %s", len(receipts), strings.TrimSpace(out))

	// The account of both, by the office, once everything has been shipped.
	c.shipped()
	c.office.end(syscall.SIGTERM)
	out = must(t, "verify", "--state", state, "--clickhouse", e.DSN(), "--collectors", first.url(), "--collectors", second.url())
	for _, p := range c.collectors {
		p.end(syscall.SIGTERM)
	}
	again := must(t, "verify", "--state", state, "--clickhouse", e.DSN(), "--log", first.state, "--log", second.state)
	if out != again || !strings.Contains(out, "3 nodes: accepted ") || !strings.Contains(out, "node 3: accepted 2 = stored 2") ||
		!strings.Contains(out, "wave replay: 1 records are of interviews that another node has too; 0 are other bodies of a revision, 0 further") {
		t.Errorf("verify printed\n%s\nby the nodes, and by their folders\n%s", out, again)
	}
	t.Log(strings.TrimSpace(out))
	if strings.Count(out, "head of the chain ") != 2 { // the office has taken nothing itself
		t.Errorf("verify printed\n%s\nwithout the heads of both logs", out)
	}
	checkCollectorFolder(t, second.state, e.DSN())

	// An empty log never goes on under a number that was used.
	empty := t.TempDir()
	c.giveKey(empty)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var talk bytes.Buffer
	status := run(ctx, []string{"serve", "--only", "collect", "--node", "3", "--office", c.office.url(), "--clickhouse", e.DSN(), "--state", empty, "--listen", "127.0.0.1:0"}, strings.NewReader(""), io.Discard, &talk)
	if status == 0 || !strings.Contains(talk.String(), "suyang recover") {
		t.Errorf("a collector with an empty log and the number of another: %d, %s", status, talk.String())
	}
}

// checkCollectorFolder works on the state folder of a collector that is not running: its part
// of the store is made anew with the waves of the office, and nothing takes it for an office.
func checkCollectorFolder(t *testing.T, state, dsn string) {
	t.Helper()
	if out := must(t, "rebuild", "--state", state, "--clickhouse", dsn); !strings.Contains(out, "identical to what was there before") || !strings.Contains(out, "node 3: accepted 2 = stored 2") {
		t.Errorf("rebuild of a collector prints\n%s", out)
	}
	must(t, "verify", "--state", state, "--clickhouse", dsn)
	if status, _, talk := suyang(t, "serve", "--state", state, "--clickhouse", dsn); status == 0 || !strings.Contains(talk, "--only collect") {
		t.Errorf("serving the folder of a collector as an office: %d, %s", status, talk)
	}
	if _, err := os.Stat(filepath.Join(state, officeFile)); err == nil {
		t.Error("the folder of a collector has an office now")
	}
	st, err := (&stateFlags{State: state, ClickHouse: dsn}).openStill(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	w := st.published().served
	i := slices.IndexFunc(w, func(w server.Wave) bool { return w.ID == replayWave })
	if i < 0 {
		t.Fatal("the folder of a collector is opened without the waves")
	}
	q := w[i].Questionnaire
	if _, err := st.forms.Edition(replayWave, q.ID, q.Version()); err != nil {
		t.Error(err)
	}
}

// checkReceipts sends interviews again: each was there, and has the receipt that was given.
func checkReceipts(t *testing.T, at *process, p *people, receipts map[int]intake.Receipt, when string) {
	t.Helper()
	for i, want := range receipts {
		status, got := at.post(p.body(i), p.token(i))
		if status != http.StatusOK || got != want {
			t.Fatalf("interview %d %s: %d\n%+v, want\n%+v", i, when, status, got, want)
		}
	}
}

// shipped waits until the collectors have shipped what they have.
func (c *cluster) shipped() {
	c.t.Helper()
	for _, p := range c.collectors {
		clients, err := (&stateFlags{State: c.office.state}).clients(p.url())
		if err != nil {
			c.t.Fatal(err)
		}
		for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
			var last uint64
			for r := range clients[0].Reader(c.t.Context()).Read(1) {
				last = r.Seq
			}
			end, err := clients[0].Log(c.t.Context(), last)
			if err == nil && last > 0 && end.Stored >= last {
				break
			}
			if time.Since(began) > time.Minute {
				c.t.Fatalf("%s has shipped %d of %d (%v)", p.name, end.Stored, last, err)
			}
		}
	}
}

// What does not go together is refused before anything is touched, with the way out.
func TestNodeFlags(t *testing.T) {
	state := t.TempDir()
	collect := []string{"serve", "--only", "collect", "--state", state, "--clickhouse", "http://127.0.0.1:1/default"}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no office", collect, "--office"},
		{"no ClickHouse", []string{"serve", "--only", "collect", "--state", state, "--office", "http://127.0.0.1:1", "--node", "2"}, "--clickhouse"},
		{"the number of the office", append(slices.Clone(collect), "--office", "http://127.0.0.1:1", "--node", "1"), "another number"},
		{"no key", append(slices.Clone(collect), "--office", "http://127.0.0.1:1", "--node", "2"), "copy the file “key”"},
		{"an office beside this one", []string{"serve", "--state", state, "--office", "http://127.0.0.1:1"}, "--only collect"},
		{"an office without https", append(slices.Clone(collect), "--office", "http://office.example.cn", "--node", "2"), "key"},
	} {
		status, _, talk := suyang(t, c.args...)
		if status == 0 || !strings.Contains(talk, c.want) {
			t.Errorf("%s: status %d, talk %q; want %q", c.name, status, talk, c.want)
		}
	}
	flags := &stateFlags{State: state}
	if n, err := flags.number(7); n != 7 || err != nil {
		t.Errorf("number(7) = %d, %v", n, err)
	}
	for asked, want := range map[uint16]bool{0: true, 7: true, 8: false} {
		if n, err := flags.number(asked); (err == nil) != want || want && n != 7 {
			t.Errorf("number(%d) of node 7 = %d, %v", asked, n, err)
		}
	}
}
