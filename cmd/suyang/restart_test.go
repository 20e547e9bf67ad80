package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// make restart sets these; the test of every day is short.
var (
	restartPending = flag.Int("pending", 5000, "interviews that are not shipped when the server is killed")
	restartTimes   = flag.Int("restarts", 1, "how often it is killed")
)

// restartQuestions makes an interview of about 1 KB.
const restartQuestions = 44

// A server that is killed while many interviews wait for the store is soon ready again, and
// knows every one of them: sent again, each is answered with its receipt. The times are printed.
func TestRestart(t *testing.T) {
	n, state := *restartPending, t.TempDir()
	flags := &stateFlags{State: state}
	q := loadQuestionnaire(restartQuestions)
	if _, err := flags.waves().Publish(q.ID, q, []byte(loadPlan)); err != nil {
		t.Fatal(err)
	}
	template := loadInterview(t, q, "科普")
	p := newProcess(t, "server", state, "--clickhouse", "http://127.0.0.1:1/default")
	p.start()
	p.submits(numbered(template, 1), http.StatusCreated, 1)
	p.end(os.Interrupt)
	growLog(t, flags, n)
	p.start()
	p.becomes("/readyz", http.StatusOK)
	for i := range *restartTimes {
		p.submits(numbered(template, n+1+i), http.StatusCreated, n+1+i)
		said := p.said()
		began := time.Now()
		p.kill()
		p.start()
		p.becomes("/readyz", http.StatusOK)
		t.Logf("%d interviews of %d bytes wait: ready %v after the kill, %v of CPU; %s",
			n+1+i, len(template), time.Since(began).Round(time.Millisecond), cpuOf(t, p.cmd.Process.Pid), logParts(t, p.said()[len(said):]))
		for _, k := range []int{1, 2, n / 2, n, n + 1 + i} {
			p.submits(numbered(template, k), http.StatusOK, k)
		}
	}
}

// numbered is the interview of a template with the number k.
func numbered(template []byte, k int) []byte {
	body := slices.Clone(template)
	copy(body[idAt:], fmt.Sprintf("%08x-0000-4000-8000-000000000000", k))
	return body
}

// submits sends an interview and wants a status and its place in the log.
func (p *process) submits(body []byte, status, seq int) {
	p.t.Helper()
	sum := sha256.Sum256(body)
	got, r := p.post(body, "")
	if got != status || r.Seq != uint64(seq) || r.SHA256 != hex.EncodeToString(sum[:]) || r.Quarantined != "" {
		p.t.Errorf("an interview is answered with %d and %+v, want %d and place %d", got, r, status, seq)
	}
}

// said is what the process has printed so far.
func (p *process) said() string {
	b, err := os.ReadFile(p.log.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

var logRead = regexp.MustCompile(`read the log: .*`)

// logParts is what the server says of how long it took to read its log.
func logParts(t *testing.T, said string) string {
	t.Helper()
	line := logRead.FindString(said)
	if line == "" {
		t.Errorf("the server does not say that it read its log: %q", said)
	}
	return line
}

// growLog makes a log with one accepted interview into one with n, each with a case of its own,
// as they would stand there had they been sent.
func growLog(t *testing.T, flags *stateFlags, n int) {
	t.Helper()
	log, err := wal.Open(wal.DefaultConfig(flags.logFolder()))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var first wal.Record
	for r, err := range log.Read(1) {
		if first = r; err != nil {
			t.Fatal(err)
		}
	}
	// What stands before the body: a version, the hash of the body, the case, the length of a
	// reason.
	const sumAt, caseAt, bodyAt = 1, 33, 51
	if sum := sha256.Sum256(first.Body[bodyAt:]); first.Seq != 1 || [32]byte(first.Body[sumAt:caseAt]) != sum {
		t.Fatal("the log does not hold the interview as this test expects it")
	}
	for k := 2; k <= n; {
		var batch []wal.Record
		for ; k <= n && len(batch) < 1000; k++ {
			r := first
			r.Body = append(slices.Clone(first.Body[:bodyAt]), numbered(first.Body[bodyAt:], k)...)
			sum := sha256.Sum256(r.Body[bodyAt:])
			copy(r.Body[sumAt:], sum[:])
			copy(r.Body[caseAt:], sum[16:])
			binary.BigEndian.PutUint32(r.ID[:], uint32(k))
			batch = append(batch, r)
		}
		if _, err := log.Append(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
}
