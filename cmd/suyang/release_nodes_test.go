package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
)

// An office with collectors releases its report: interviews came in at both, and the release
// knows both logs. Without those of the collectors it is refused, with the way out. It is sound
// while the collectors serve, by their addresses, and by a copy of their folders when they
// are away.
func TestReleaseWithCollectors(t *testing.T) {
	e := enginetest.Start(t)
	state := t.TempDir()
	key, err := (&stateFlags{State: state}).key()
	if err != nil {
		t.Fatal(err)
	}
	const n = 120
	p := newPeople(t, n, key)
	publishPeople(t, state, e.DSN(), p)
	c := newCluster(t, state, e.DSN(), 1)
	collector := c.collectors[0]
	c.start()
	collector.becomes("/readyz", http.StatusOK)
	for i := range n {
		to := collector
		if i%4 == 0 {
			to = c.office
		}
		if status, _ := to.post(p.body(i), p.token(i)); status != http.StatusCreated {
			t.Fatalf("interview %d at %s: %d", i, to.name, status)
		}
	}
	command := func(args ...string) []string { return append(args, "--state", state, "--clickhouse", e.DSN()) }
	remote, folder := []string{"--collectors", collector.url()}, []string{"--log", collector.state}
	make := command("release", "make", replayWave, "--lang", "zh")
	one, talk := "", ""
	for began := time.Now(); one == ""; time.Sleep(100 * time.Millisecond) { // until all are stored
		var status int
		if status, one, talk = suyang(t, append(make, remote...)...); status != 0 && time.Since(began) > time.Minute {
			t.Fatal(talk)
		}
	}
	one = strings.TrimSpace(one)
	refuses(t, "the log of the collector is left out", "interviews of node 2, but its log was not given", make...)
	m := manifestIn(t, one)
	if l := m.Inputs.Ledger; l.Accepted != n || l.Stored != n || len(m.Inputs.Log) != 2 {
		t.Errorf("the ledger in the manifest is %+v, of the logs %+v", l, m.Inputs.Log)
	}
	verify := command("release", "verify", one, "--again")
	sound := func(what string, want string, more ...string) {
		t.Helper()
		out := must(t, append(slices.Clone(verify), more...)...)
		for _, want := range []string{"the log of node 1 still has all 30 records", "inputs have the hashes of then", "made again, 2 files have the same bytes", want} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: verify printed\n%s\nwant %q in it", what, out, want)
			}
		}
	}
	sound("without the collector", "not checked: the log of node 2; run there: suyang log check --head 90:")
	refuses(t, "the folder of a collector that serves", "name its address with --collectors", append(slices.Clone(verify), folder...)...)
	collector.kill()
	refuses(t, "the address of a collector that is away", "does not answer", append(slices.Clone(verify), remote...)...)
	c.office.kill()
	sound("by folders while nothing serves", "the log of node 2 still has all 90 records up to the head of then, unchanged", folder...)
}
