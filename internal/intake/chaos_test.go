package intake_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys/form"
)

var (
	chaosPhase = flag.Duration("phase", 300*time.Millisecond, "how long each disturbance of TestChaos lasts")
	chaosAway  = flag.Duration("away", 0, "how long the store is away in TestChaos; 0 means as long as each disturbance lasts")
	chaosRate  = flag.Int("rate", 50, "how many interviews a second arrive in TestChaos")
)

// liar stands before ClickHouse and, while it lies, does not tell the truth about inserts.
type liar struct {
	real http.Handler

	mu    sync.Mutex
	lying bool
	rng   *rand.Rand
	lies  map[string]int
}

// newLiar forwards to the engine under the name that the engine goes by.
func newLiar(engine *url.URL) *liar {
	to := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(engine); r.Out.Host = engine.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return &liar{real: to, rng: rand.New(rand.NewPCG(8, 8)), lies: map[string]int{}}
}

func (l *liar) set(lying bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lying = lying
}

// lie chooses what to do with a request; "" is to tell the truth.
func (l *liar) lie(r *http.Request) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lying || !strings.HasPrefix(r.URL.Query().Get("query"), "INSERT") {
		return ""
	}
	what := []string{"", "said stored, did not forward", "stored, answered an error", "stored, hung up"}[l.rng.IntN(4)]
	if what != "" {
		l.lies[what]++
	}
	return what
}

// told counts the lies.
func (l *liar) told() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.lies {
		n += times
	}
	return n
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch l.lie(r) {
	case "said stored, did not forward":
		io.Copy(io.Discard, r.Body)
	case "stored, answered an error":
		l.real.ServeHTTP(httptest.NewRecorder(), r)
		http.Error(w, "Code: 999. the coordination service is gone", http.StatusInternalServerError)
	case "stored, hung up":
		l.real.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		l.real.ServeHTTP(w, r)
	}
}

// chaos is an intake on real files before a real engine, with a bad way in between.
type chaos struct {
	t     *testing.T
	in    *intake.Intake
	store *clickhouse.Store // directly, for the count in the end
	proxy *toxiproxy.Proxy
	liar  *liar
	body  func(n int) []byte

	next    int
	refused int
	phases  []phase
}

// phase is what submitters saw while something was disturbed.
type phase struct {
	name      string
	latencies []time.Duration
	pending   uint64 // at its end
}

func (p phase) quantile(q float64) time.Duration {
	if len(p.latencies) == 0 {
		return 0
	}
	slices.Sort(p.latencies)
	return p.latencies[int(q*float64(len(p.latencies)-1))].Round(10 * time.Microsecond)
}

func openChaos(t *testing.T) *chaos {
	t.Helper()
	c := &chaos{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	zerolog.SetGlobalLevel(zerolog.Disabled) // the toxics talk of every packet
	e := enginetest.Start(t)
	direct, err := url.Parse(e.DSN())
	must(err)
	c.liar = newLiar(&url.URL{Scheme: "http", Host: direct.Host})
	lying := httptest.NewServer(c.liar)
	t.Cleanup(lying.Close)
	c.proxy = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		"clickhouse", "127.0.0.1:0", lying.Listener.Addr().String())
	must(c.proxy.Start())
	t.Cleanup(c.proxy.Stop)
	c.store, err = clickhouse.Open(t.Context(), clickhouse.Config{DSN: e.DSN()})
	must(err)
	t.Cleanup(func() { c.store.Close() })
	must(c.store.Migrate(t.Context()))
	disturbed := *direct
	disturbed.Host = c.proxy.Listen
	store, err := clickhouse.Open(t.Context(), clickhouse.Config{DSN: disturbed.String()})
	must(err)
	t.Cleanup(func() { store.Close() })

	q, iv := wide(80)
	f, err := form.Compile(q)
	must(err)
	waves := &intake.Waves{}
	waves.Publish(wave, q.ID, q.Version(), intake.Edition{Form: f})
	template, err := json.Marshal(iv)
	must(err)
	c.body = func(n int) []byte {
		return []byte(strings.Replace(string(template), interview(0).ID, interview(n).ID, 1))
	}
	log, err := wal.Open(wal.DefaultConfig(t.TempDir()))
	must(err)
	t.Cleanup(func() { log.Close() })
	cfg := intake.DefaultConfig(t.TempDir())
	cfg.Key = installation
	cfg.Logger, cfg.BlockAge = quiet, 100*time.Millisecond
	cfg.FirstWait, cfg.LongestWait, cfg.AttemptTime = 20*time.Millisecond, *chaosPhase/5, max(time.Second, *chaosPhase/10)
	c.in, err = intake.New(cfg, log, store, waves, time.Now)
	must(err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.in.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// toxic disturbs both directions of the way.
func (c *chaos) toxic(kind, attributes string) {
	c.t.Helper()
	for _, way := range []string{"upstream", "downstream"} {
		_, err := c.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
			`{"name":"%s %s","type":%[1]q,"stream":%[2]q,"attributes":%[3]s}`, kind, way, attributes)))
		if err != nil {
			c.t.Fatal(err)
		}
	}
}

// submit has interviews arrive at the steady rate until enough says so, and measures how
// long each waits for its receipt.
func (c *chaos) submit(name string, enough func() bool) {
	tick := time.NewTicker(time.Second / time.Duration(*chaosRate))
	defer tick.Stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	p := phase{name: name}
	for !enough() {
		<-tick.C
		c.next++
		b := c.body(c.next)
		wg.Go(func() {
			began := time.Now()
			_, err := c.in.Accept(context.Background(), b)
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			p.latencies = append(p.latencies, took)
			if err != nil {
				c.refused++
				c.t.Errorf("%s: an interview is refused: %v", name, err)
			}
		})
	}
	wg.Wait()
	p.pending = c.in.Shipping().Pending
	c.phases = append(c.phases, p)
}

// during lets interviews arrive for some time.
func (c *chaos) during(name string, d time.Duration) {
	end := time.Now().Add(d)
	c.submit(name, func() bool { return time.Now().After(end) })
}

// whileItLies lets interviews arrive for the time of a phase, and until some lies are told.
func (c *chaos) whileItLies() {
	end := time.Now().Add(*chaosPhase)
	guard := end.Add(time.Minute)
	c.submit("lying", func() bool {
		now := time.Now()
		return now.After(end) && c.liar.told() >= 3 || now.After(guard)
	})
	if c.liar.told() == 0 {
		c.t.Error("no lie was told")
	}
}

// flap takes the way away and gives it back until stop is closed.
func (c *chaos) flap(every time.Duration, stop <-chan struct{}) {
	for up := true; ; up = !up {
		select {
		case <-stop:
			if !up {
				c.start()
			}
			return
		case <-time.After(every):
		}
		if up {
			c.proxy.Stop()
		} else {
			c.start()
		}
	}
}

func (c *chaos) start() {
	if err := c.proxy.Start(); err != nil {
		c.t.Errorf("start the way again: %v", err)
	}
}

// TestChaos ships to the real engine over a way on which everything goes wrong that can,
// while interviews arrive at a steady rate: none is refused, and in the end each is stored
// once.
func TestChaos(t *testing.T) {
	c := openChaos(t)
	c.during("healthy", *chaosPhase)
	for _, d := range []struct{ name, kind, attributes string }{
		{"latency and jitter", "latency", `{"latency":200,"jitter":150}`},
		{"1 KB/s", "bandwidth", `{"rate":1}`},
		{"slices of 100 bytes", "slicer", `{"average_size":100,"size_variation":50,"delay":1000}`},
		{"swallowed", "timeout", `{"timeout":0}`},
		{"reset", "reset_peer", `{"timeout":5}`},
	} {
		c.toxic(d.kind, d.attributes)
		c.during(d.name, *chaosPhase)
		c.proxy.Toxics.ResetToxics(t.Context())
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		c.flap(min(2*time.Second, *chaosPhase/4), stop)
	}()
	c.during("flapping", *chaosPhase)
	close(stop)
	<-stopped
	c.liar.set(true)
	c.whileItLies()
	c.liar.set(false)
	away := cmp.Or(*chaosAway, *chaosPhase)
	c.proxy.Stop()
	c.during("away", away)
	c.start()
	began, from := time.Now(), c.in.Shipping()
	patience := max(2*time.Minute, 10**chaosPhase, away)
	guard := began.Add(patience)
	c.submit("catching up", func() bool {
		return c.in.Shipping().Pending <= uint64(*chaosRate) || time.Now().After(guard)
	})
	took, shipped := time.Since(began), c.in.Shipping().Cursor-from.Cursor
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.in.Flush(ctx); err != nil {
		t.Fatalf("Flush: %v", err)
	}
	c.account()
	arrived := len(c.phases[len(c.phases)-1].latencies) // on a busy machine fewer than the rate
	t.Logf("%d waited when the store was back: caught up in %v, %d were stored while %d arrived, %.1f times as many",
		from.Pending, took.Round(time.Millisecond), shipped, arrived, float64(shipped)/float64(max(1, arrived)))
	healthy, alone := c.phases[0].quantile(0.5), c.phases[8].quantile(0.5)
	if alone > 50*healthy+time.Second {
		t.Errorf("an interview waits %v for its receipt while the store is away, and %v while it is not", alone, healthy)
	}
}

// account compares what was accepted with what is stored, and prints it.
func (c *chaos) account() {
	c.t.Helper()
	l, err := c.in.Verify(c.t.Context())
	if err != nil || !l.Balanced() || l.Stored != uint64(c.next) || l.Pending+l.Quarantined > 0 {
		c.t.Errorf("%d were accepted; the ledger is\n%v(%v)", c.next, l, err)
	}
	found := map[string]int{}
	const part = 50_000 // records that are read at one time
	for from := uint64(1); from <= uint64(c.next); from += part {
		err := c.store.Records(c.t.Context(), 1, from, from+part-1, func(r intake.StoredRecord) error { found[uuid.UUID(r.ID).String()]++; return nil })
		if err != nil {
			c.t.Fatal(err)
		}
	}
	lost, doubled := 0, 0
	for n := 1; n <= c.next; n++ {
		switch times := found[interview(n).ID]; {
		case times == 0:
			lost++
		case times > 1:
			doubled++
		}
	}
	if lost+doubled > 0 || len(found) != c.next {
		c.t.Errorf("%d of %d are lost, %d doubled, and %d are in the store", lost, c.next, doubled, len(found))
	}
	for _, p := range c.phases {
		c.t.Logf("%-20s %6d accepted, p50 %8v, p99 %8v, then %6d waited", p.name, len(p.latencies), p.quantile(0.5), p.quantile(0.99), p.pending)
	}
	st := c.in.Shipping()
	c.t.Logf("accepted %d, stored %d, refused %d, lost %d, doubled %d; %d blocks after %d attempts in vain; lies %v",
		c.next, l.Stored, c.refused, lost, doubled, st.Blocks, st.Resends, c.liar.lies)
}
