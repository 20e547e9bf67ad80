package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// logState makes a state folder whose logs hold 30 and 2 records; the returned log of
// interviews is in use.
func logState(t *testing.T) (state string, l *wal.Log) {
	t.Helper()
	state = t.TempDir()
	for name, n := range map[string]int{logFiles: 30, tabletFiles: 2} {
		cfg := wal.DefaultConfig(filepath.Join(state, name))
		cfg.SegmentBytes, cfg.BatchBytes = 4<<10, 2<<10
		opened, err := wal.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close() })
		for i := range n {
			r := wal.Record{Kind: 1, Node: 4, Received: time.Unix(int64(i), 0), ID: [16]byte{15: byte(i)}, Body: fmt.Appendf(make([]byte, 100), "secret answer %d", i)}
			if _, err := opened.Append(t.Context(), []wal.Record{r}); err != nil {
				t.Fatal(err)
			}
		}
		if name == logFiles {
			l = opened
		}
	}
	return state, l
}

func TestLogListsAndPrints(t *testing.T) {
	state, _ := logState(t)
	rows, err := csv.NewReader(strings.NewReader(must(t, "log", "ls", "--state", state))).ReadAll()
	if err != nil || len(rows) < 3 || len(rows[1]) != len(rows[0]) {
		t.Fatalf("ls prints %v, %v; want several segments", rows, err)
	}
	if rows[1][0] != "0000000001.seg" || rows[1][1] != "1" || rows[1][7] != "1970-01-01T00:00:00Z" || rows[1][9] != "true" || rows[1][11] != "" {
		t.Errorf("the first segment is %v", rows[1])
	}
	if out := must(t, "log", "ls", "--state", state, "--log", "tablets"); strings.Count(out, ".seg,") != 1 {
		t.Errorf("the tablets' log is\n%s", out)
	}
	out := must(t, "log", "cat", "--state", state, "--from", "7", "--to", "9")
	if strings.Count(out, "\n") != 3 || strings.Contains(out, "body") || strings.Contains(out, "secret") {
		t.Errorf("cat prints\n%s", out)
	}
	if !strings.HasPrefix(out, `{"seq":7,"kind":1,"node":4,"received":"1970-01-01T00:00:06Z","id":"00000000-0000-0000-0000-000000000006","revision":0,"bytes":115}`) {
		t.Errorf("cat prints\n%s", out)
	}
	var line recordLine
	if err := json.Unmarshal([]byte(must(t, "log", "cat", "--folder", filepath.Join(state, logFiles), "--from", "30", "--body")), &line); err != nil || !bytes.HasSuffix(line.Body, []byte("secret answer 29")) {
		t.Errorf("with --body, cat prints %+v, %v", line, err)
	}
}

func TestLogCheck(t *testing.T) {
	state, l := logState(t)
	early := l.Stat().Head
	out := must(t, "log", "check", "--state", state)
	if !strings.Contains(out, "30, from 1 to 30, in 30 batches") || !strings.Contains(out, "head of the chain "+early.String()) {
		t.Errorf("check of a log in use prints\n%s", out)
	}
	if _, err := l.Append(t.Context(), []wal.Record{{Body: []byte("later")}}); err != nil {
		t.Fatal(err)
	}
	if out := must(t, "log", "check", "--state", state, "--head", early.String()); !strings.Contains(out, "found             "+early.String()) {
		t.Errorf("check with a head prints\n%s", out)
	}
	other := early
	other.Hash[0] ^= 1
	fails(t, "not found         "+other.String(), "log", "check", "--state", state, "--head", other.String())
	fails(t, "", "log", "check", "--state", state, "--head", "rubbish")
	fails(t, "", "log", "check", "--state", filepath.Join(state, "nowhere"))
	l.Close()
	path := filepath.Join(state, logFiles, "0000000001.seg")
	flip(t, path, 300)
	out = fails(t, "records 2 to 2 are missing", "log", "check", "--state", state)
	if !regexp.MustCompile(`damaged +log segment 0000000001.seg is damaged at bytes \d+ to \d+`).MatchString(out) || !strings.Contains(out, "1 records that may have been acknowledged") {
		t.Errorf("check of a damaged log prints\n%s", out)
	}
	fails(t, `{"damaged":{"segment":"0000000001.seg",`, "log", "cat", "--state", state)
	if out := must(t, "log", "ls", "--state", state); !strings.Contains(out, "records 2 to 2 are missing") {
		t.Errorf("ls of a damaged log prints\n%s", out)
	}
	if files, err := filepath.Glob(filepath.Join(state, logFiles, "damaged*")); err != nil || len(files) > 0 {
		t.Errorf("looking made side files: %v, %v", files, err)
	}
}

// fails runs a command that must fail, after it printed want.
func fails(t *testing.T, want string, args ...string) string {
	t.Helper()
	status, out, talk := suyang(t, args...)
	if status != 1 || !strings.Contains(out, want) || talk == "" {
		t.Errorf("suyang %s: status %d, %q; it prints\n%s", strings.Join(args, " "), status, talk, out)
	}
	return out
}

// flip changes one byte of a file.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
