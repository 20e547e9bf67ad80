package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/clickhouse/engine"
	"github.com/suyang-survey/suyang/internal/clickhouse/engine/enginetest"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// shared is the engine of all tests of this package; each works in a database of its
// own there.
var shared *engine.Engine

func TestMain(m *testing.M) {
	status, err := runWithEngine(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// runWithEngine starts the engine, runs the tests and ends it.
func runWithEngine(run func() int) (status int, err error) {
	folder, err := os.MkdirTemp("", "suyang-store-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	config, err := enginetest.Config(folder)
	if err != nil {
		return 1, err
	}
	if shared, err = engine.Start(context.Background(), config); err != nil {
		return 1, err
	}
	status = run()
	return status, shared.Close()
}

// databases numbers the databases of the tests.
var databases atomic.Int64

// openBare opens a store without tables.
func openBare(t testing.TB) *Store {
	t.Helper()
	admin := openDSN(t, shared.DSN())
	name := fmt.Sprintf("test%d", databases.Add(1))
	if err := admin.conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return openDSN(t, strings.TrimSuffix(shared.DSN(), "default")+name)
}

func openDSN(t testing.TB, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// open opens a store with its tables.
func open(t testing.TB) *Store {
	t.Helper()
	s := openBare(t)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// response is the record of an interview of a case at a place in the log of node 1.
func response(wave, id string, seq uint64, answers surveys.Answers) surveys.Response {
	day := time.Date(2026, 5, 4, 9, 0, 0, int(seq%1000)*int(time.Millisecond), time.UTC)
	r := surveys.Response{
		Interview: surveys.Interview{
			ID: submission(seq), Survey: "civic-literacy", Version: "0123456789abcdef", Wave: wave, Case: id,
			Mode: surveys.ModeTablet, Lang: surveys.ZH, Started: day, Finished: day.Add(20 * time.Minute), Answers: answers,
		},
		Node: 1, Seq: seq, Received: day.Add(time.Hour),
	}
	r.BodyHash = sha256.Sum256(fmt.Append(nil, id, seq))
	return r
}

// submission is the ID of the submission first accepted at seq.
func submission(seq uint64) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[8:], seq)
	return id.String()
}

// put inserts responses as one block.
func put(t testing.TB, s *Store, token string, rs ...surveys.Response) {
	t.Helper()
	if err := s.Insert(t.Context(), intake.Block{Token: token, Responses: rs}); err != nil {
		t.Fatal(err)
	}
}

// responses reads a wave back.
func responses(t testing.TB, s *Store, wave string) []surveys.Response {
	t.Helper()
	var got []surveys.Response
	err := s.Responses(t.Context(), wave, func(r surveys.Response) bool {
		got = append(got, r)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func putSample(t testing.TB, s *Store, wave string, cases ...fieldwork.Case) {
	t.Helper()
	if err := s.PutSample(t.Context(), wave, cases); err != nil {
		t.Fatal(err)
	}
}

// wantError checks the kind of an error and that its words say enough.
func wantError(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error = %v, want one that is %q", err, kind)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error = %q, want one that says %q", err, w)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	const secret = "s3cret"
	// Port 1 of this machine is reserved and has no listener.
	_, err := Open(t.Context(), Config{DSN: "http://default:" + secret + "@127.0.0.1:1/default"})
	wantError(t, err, surveys.ErrUnavailable, "127.0.0.1:1", "does not answer")
	for _, dsn := range []string{"", "://", "http://u:" + secret + "@%zz", "clickhouse://u:" + secret + "@127.0.0.1:9000/x"} {
		_, err := Open(t.Context(), Config{DSN: dsn})
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "address") {
			t.Errorf("Open(%q) = %v, want an error about the address without the password", dsn, err)
		}
	}
}

func TestOpenRefusesAWrongPassword(t *testing.T) {
	_, err := Open(t.Context(), Config{DSN: strings.Replace(shared.DSN(), shared.Secret(), "wrong", 1)})
	if err == nil || !strings.Contains(err.Error(), "password") {
		t.Errorf("error = %v, want one about the password", err)
	}
}

func TestUnmigratedStoreSaysSo(t *testing.T) {
	s := openBare(t)
	_, err := s.Waves(t.Context())
	wantError(t, err, surveys.ErrNotFound, "migrate")
}

func TestCancelledContext(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Waves(ctx)
	wantError(t, err, context.Canceled, "list the waves")
}
