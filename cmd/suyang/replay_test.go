package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/intake"
)

// The size of the campaign; “make replay” gives the full one.
var (
	replaySubmissions = flag.Int("submissions", 300, "how many different interviews are sent in the replay campaign")
	replayKills       = flag.Int("node-kills", 2, "how often a collector is killed in the replay campaign")
	replaySeed        = flag.Uint64("replay-seed", 1, "seed of the order and the nodes in the replay campaign")
)

// Every interview is sent one to ten times, in any order, to three collectors that are killed
// in the course. Each is stored once, and the statistics are those of a clean run, in which
// one node takes each once, to the last bit.
func TestReplay(t *testing.T) {
	e := enginetest.Start(t)
	noisyDSN, cleanDSN := database(t, e, "noisy"), database(t, e, "clean")
	office := t.TempDir()
	key, err := (&stateFlags{State: office}).key()
	if err != nil {
		t.Fatal(err)
	}
	p := newPeople(t, *replaySubmissions, key)
	publishPeople(t, office, noisyDSN, p)
	c := newCluster(t, office, noisyDSN, 3)
	c.start()

	began := time.Now()
	accepted, repeated, refused, kills := c.replay(p)
	t.Logf("%d interviews were sent until they were acknowledged %d times: %d first at a node, %d repeats; %d sendings got no answer or “later”; %d kills; %v",
		len(p.cases), accepted+repeated, accepted, repeated, refused, kills, time.Since(began).Round(time.Millisecond))
	c.verify(len(p.cases), int(accepted))
	noisy, n := c.statistics(office, noisyDSN)

	clean := t.TempDir()
	publishPeople(t, clean, cleanDSN, p)
	takeOnce(t, clean, cleanDSN, p)
	want, m := c.statistics(clean, cleanDSN)
	t.Logf("stored and counted: %d, in the clean run %d; the statistics are %d bytes", n, m, len(want))
	if n != len(p.cases) || m != len(p.cases) {
		t.Errorf("%d interviews count, and %d in the clean run; %d are distinct", n, m, len(p.cases))
	}
	if !bytes.Equal(noisy, want) || len(want) < 1000 {
		t.Errorf("the statistics differ from those of the clean run: %d and %d bytes", len(noisy), len(want))
	}
}

// replay sends all interviews, and kills collectors meanwhile. It returns how many were new to
// the node that took them, how many repeats, and how many sendings failed and were repeated.
func (c *cluster) replay(p *people) (accepted, repeated, refused, kills int64) {
	c.t.Helper()
	rng := rand.New(rand.NewPCG(*replaySeed, 7))
	all := sendings(rng, len(p.cases))
	var next, created, again, later atomic.Int64
	var wg sync.WaitGroup
	for w := range 32 {
		rng := rand.New(rand.NewPCG(*replaySeed, uint64(w)))
		wg.Go(func() {
			for k := next.Add(1) - 1; k < int64(len(all)); k = next.Add(1) - 1 {
				switch c.deliver(p, int(all[k]), rng, &later) {
				case http.StatusCreated:
					created.Add(1)
				case http.StatusOK:
					again.Add(1)
				default:
					c.t.Error(errNobody)
					return
				}
			}
		})
	}
	for kill := range *replayKills { // spread over the sendings
		for next.Load() < int64(len(all)*(kill+1)/(*replayKills+1)) && !c.t.Failed() {
			time.Sleep(time.Millisecond)
		}
		victim := c.collectors[rng.IntN(len(c.collectors))]
		victim.kill()
		victim.start()
		kills++
	}
	wg.Wait()
	return created.Load(), again.Load(), later.Load(), kills
}

// deliver sends an interview to any node until one has acknowledged it.
func (c *cluster) deliver(p *people, i int, rng *rand.Rand, later *atomic.Int64) int {
	body, token := p.body(i), p.token(i)
	for range 10_000 {
		status, receipt := c.collectors[rng.IntN(len(c.collectors))].post(body, token)
		switch {
		case status == http.StatusCreated || status == http.StatusOK:
			if receipt.Quarantined != "" {
				c.t.Errorf("interview %d is quarantined: %s", i, receipt.Quarantined)
			}
			return status
		case status != 0 && status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
			return status
		}
		later.Add(1)
		time.Sleep(time.Duration(1+rng.IntN(20)) * time.Millisecond)
	}
	return 0
}

// verify waits until everything is stored, and checks the ledger of all nodes. A node that was
// killed after it had made an interview durable, and before it could say so, has one more than
// it acknowledged.
func (c *cluster) verify(distinct, acknowledged int) {
	c.t.Helper()
	var ledgers []intake.Ledger
	st, err := (&stateFlags{State: c.office.state, ClickHouse: c.clickhouse}).openStore(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	defer st.Close()
	for _, p := range c.collectors {
		clients, err := st.flags.clients(p.url())
		if err != nil {
			c.t.Fatal(err)
		}
		var l intake.Ledger
		for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
			if l, err = st.verifyNode(c.t.Context(), intake.Comparison{}, clients[0]); err == nil && l.Pending == 0 || time.Since(began) > 10*time.Minute {
				break
			}
		}
		if err != nil || !l.Balanced() || l.Pending != 0 || l.Quarantined != 0 {
			c.t.Errorf("the ledger of %s: %v\n%v", p.name, err, l)
		}
		ledgers = append(ledgers, l)
		c.t.Log(strings.TrimSpace(l.String()))
	}
	sum := intake.Sum(ledgers...)
	c.t.Logf("all nodes: accepted %d = stored %d + pending %d + quarantined %d, of %d distinct interviews", sum.Accepted, sum.Stored, sum.Pending, sum.Quarantined, distinct)
	overlaps, err := st.store.Overlaps(c.t.Context())
	if err != nil || len(overlaps) != 1 || overlaps[0].Repeated != sum.Stored-uint64(distinct) || overlaps[0].Bodies+overlaps[0].Further != 0 {
		c.t.Errorf("of %d records of %d interviews the store says %+v (%v)", sum.Stored, distinct, overlaps, err)
	}
	if int(sum.Accepted) < acknowledged {
		c.t.Errorf("%d interviews were acknowledged as new, and the logs have %d", acknowledged, sum.Accepted)
	}
}

// statistics are those of a report, with every bit, and how many interviews count.
func (c *cluster) statistics(state, dsn string) (text []byte, responded int) {
	c.t.Helper()
	flags := &stateFlags{State: state}
	w, err := flags.waves().Load(replayWave)
	if err != nil {
		c.t.Fatal(err)
	}
	store, err := clickhouse.Open(c.t.Context(), clickhouse.Config{DSN: dsn})
	if err != nil {
		c.t.Fatal(err)
	}
	defer store.Close()
	r, err := assess.Assess(c.t.Context(), store, w.Questionnaire, w.Plan, assess.Options{Wave: w.ID})
	if err != nil {
		c.t.Fatal(err)
	}
	return exactly(nil, reflect.ValueOf(r)), r.Responded
}

// exactly writes everything in a value, numbers by their bits.
func exactly(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return append(b, "nil "...)
		}
		return exactly(b, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			b = exactly(append(b, v.Type().Field(i).Name+":"...), v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			b = exactly(b, v.Index(i))
		}
	case reflect.Map:
		var entries []string
		for k, x := range v.Seq2() {
			entries = append(entries, string(exactly(exactly(nil, k), x)))
		}
		slices.Sort(entries)
		return append(b, strings.Join(entries, "")...)
	case reflect.Float64:
		return fmt.Appendf(b, "%x ", math.Float64bits(v.Float()))
	case reflect.Func, reflect.Chan:
		return b
	default:
		return fmt.Appendf(b, "%v ", v)
	}
	return append(b, '\n')
}

// takeOnce is the clean run: one node takes each interview once.
func takeOnce(t *testing.T, state, dsn string, p *people) {
	t.Helper()
	st, err := (&stateFlags{State: state, ClickHouse: dsn}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	numbers := make([]int, len(p.cases))
	for i := range numbers {
		numbers[i] = i
	}
	err = each(t.Context(), acceptedAtOnce, numbers, func(ctx context.Context, i int) error {
		_, err := st.intake.Accept(ctx, p.body(i))
		return err
	})
	if err == nil {
		err = st.intake.Flush(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}
