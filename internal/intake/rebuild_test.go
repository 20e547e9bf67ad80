package intake_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/clickhouse"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys/form"
)

var rebuilt = flag.Int("rebuild", 3000, "how many interviews the store is rebuilt from")

// TestRebuildWithTheEngine ships a log of small interviews to the real engine, verifies it,
// rebuilds the store and verifies it again: every column is the same. With -args -rebuild=N
// it is the campaign, which prints the rates.
func TestRebuildWithTheEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the engine; without -short it runs")
	}
	e := enginetest.Start(t)
	store, err := clickhouse.Open(t.Context(), clickhouse.Config{DSN: e.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := fill(t, *rebuilt)
	defer log.Close()
	f, err := form.Compile(questionnaire)
	if err != nil {
		t.Fatal(err)
	}
	waves := &intake.Waves{}
	waves.Publish(wave, questionnaire.ID, questionnaire.Version(), intake.Edition{Form: f})
	cfg := intake.DefaultConfig(t.TempDir())
	cfg.Key, cfg.Logger = installation, quiet
	in, err := intake.New(cfg, log, store, waves, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	rate := func(what string, do func() error) {
		t.Helper()
		begun := time.Now()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		took := time.Since(begun)
		t.Logf("%s: %d records in %s, %.0f/s", what, *rebuilt, took.Round(time.Millisecond), float64(*rebuilt)/took.Seconds())
	}
	verify := func() error {
		l, err := in.Verify(t.Context())
		if err == nil && (!l.Balanced() || l.Stored != uint64(*rebuilt)) {
			err = fmt.Errorf("the ledger is\n%v", l)
		}
		return err
	}
	rate("rebuild of an empty store", func() error { return in.Rebuild(t.Context(), store.Erase, nil) })
	rate("verify", verify)
	n, before, err := store.Checksum(t.Context(), 1)
	if err != nil || n != uint64(*rebuilt) {
		t.Fatalf("Checksum() = %d, %v", n, err)
	}
	rate("rebuild", func() error { return in.Rebuild(t.Context(), store.Erase, nil) })
	if n, after, err := store.Checksum(t.Context(), 1); err != nil || n != uint64(*rebuilt) || after != before {
		t.Errorf("after the rebuild: %d records with checksum %s (%v), want %s", n, after, err, before)
	}
	rate("verify", verify)
}

// fill makes a log of n small interviews, as Accept writes them.
func fill(t testing.TB, n int) *wal.Log {
	log, err := wal.Open(wal.DefaultConfig(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	var batch []wal.Record
	for i := range n {
		iv := interview(i + 1)
		body, err := json.Marshal(iv)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(body)
		b := append([]byte{1}, sum[:]...)
		b = append(b, make([]byte, 16+2)...) // no case and no reason
		batch = append(batch, wal.Record{Kind: 1, Node: 1, ID: uuid.MustParse(iv.ID), Received: start.Add(time.Duration(i) * time.Millisecond), Body: append(b, body...)})
		if len(batch) == 1000 || i == n-1 {
			if _, err := log.Append(context.Background(), batch); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	return log
}
