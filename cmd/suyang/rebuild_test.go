package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// withStation opens a state folder as rebuild does, and closes it again.
func withStation(t *testing.T, state string, do func(*station) error) {
	t.Helper()
	st, err := (&stateFlags{State: state}).openStill(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(do(st), st.Close()); err != nil {
		t.Fatal(err)
	}
}

// storeSums are the checksum of the responses and the ledger, without shipping anything.
func storeSums(t *testing.T, state string) (sum string, l intake.Ledger) {
	t.Helper()
	withStation(t, state, func(st *station) (err error) {
		if _, sum, err = st.store.Checksum(t.Context(), officeNumber); err != nil {
			return err
		}
		l, err = st.intake.Verify(t.Context())
		return err
	})
	return sum, l
}

// A store that is not what the log says is named record by record, and made anew: every
// column is as it was, and weights are there still. A rebuild that is killed leaves a store
// that says so, and that is whole after the next start.
func TestRebuildCommand(t *testing.T) {
	state := t.TempDir()
	must(t, "import", "gss", microdataFolder, "--state", state)
	whole, l := storeSums(t, state)
	if !l.Balanced() || l.Pending > 0 || l.Stored == 0 {
		t.Fatalf("after the import:\n%v", l)
	}
	foreign := surveys.Response{Node: officeNumber, Seq: 7, Received: time.Now()}
	foreign.ID, foreign.Wave, foreign.BodyHash = "99999999-0000-4000-8000-000000000001", "gss", [32]byte{9}
	withStation(t, state, func(st *station) error {
		cases, err := st.flags.waves().Sample("gss")
		if err != nil {
			return err
		}
		_, _, err = st.store.PutWeights(t.Context(), "gss", assess.Weighting{Name: "mine"}, []assess.CaseWeight{{Case: cases[0].ID, Weight: 2}})
		return errors.Join(err, st.store.Insert(t.Context(), intake.Block{Token: "foreign", Responses: []surveys.Response{foreign}}))
	})
	status, out, talk := suyang(t, "verify", "--all", "--state", state)
	var d intake.Difference
	if err := json.Unmarshal([]byte(out), &d); err != nil || status == 0 || d.Fault != intake.Foreign || d.ID != foreign.ID || d.Seq != 7 || d.Log != "" || !strings.HasPrefix(d.Store, "09") {
		t.Errorf("verify --all: %d, %v: %s", status, err, out)
	}
	if !strings.Contains(talk, "suyang rebuild") || !strings.Contains(talk, "but it is not of this log") {
		t.Errorf("verify --all says %s", talk)
	}
	if out := must(t, "rebuild", "--state", state); !strings.Contains(out, "before was different") || !strings.Contains(out, "checksum "+whole) || !strings.Contains(out, "pending 0") {
		t.Errorf("rebuild: %s", out)
	}
	withStation(t, state, func(st *station) error { // weeks of work may stand behind them
		_, err := st.store.CaseWeights(t.Context(), "gss", "mine@1")
		return errors.Join(err, st.store.Erase(t.Context(), officeNumber))
	})
	if _, lost := storeSums(t, state); lost.Balanced() || lost.Different != l.Stored || lost.Differences[0].Fault != intake.Missing {
		t.Errorf("with nothing in the store the ledger is\n%v", lost)
	}
	must(t, "rebuild", "--state", state)
	if out := must(t, "rebuild", "--state", state); !strings.Contains(out, "identical to what was there before") {
		t.Errorf("rebuild of a whole store: %s", out)
	}
	killRebuild(t, state)
	sum, after := storeSums(t, state)
	if after.Accepted != l.Accepted || after.Stored+after.Pending != l.Stored || after.Pending == 0 && sum != whole {
		t.Errorf("after a kill, with checksum %s (whole: %s), the ledger is\n%v", sum, whole, after)
	}
	t.Logf("killed with %d of %d pending", after.Pending, l.Stored)
	must(t, "verify", "--state", state)
	if sum, _ := storeSums(t, state); sum != whole {
		t.Errorf("the checksum is %s, was %s", sum, whole)
	}
	for name, args := range map[string][]string{"no state folder": {"rebuild", "--state", t.TempDir()}, "no log": {"verify", "--all", "--state", t.TempDir()}} {
		if status, _, talk := suyang(t, args...); status == 0 || !strings.Contains(talk, "holds no log") {
			t.Errorf("%s: %d %s", name, status, talk)
		}
	}
}

// killRebuild kills a rebuild with SIGKILL as soon as it has begun.
func killRebuild(t *testing.T, state string) {
	t.Helper()
	file := filepath.Join(state, "intake", "cursor.json")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "rebuild", "--state", state)
	talk, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(talk); lines.Scan(); {
		}
	}()
	for ctx.Err() == nil {
		if now, err := os.ReadFile(file); err == nil && string(now) != string(before) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for ctx.Err() == nil { // its engine ends with it, and then gives the folder free
		st, err := (&stateFlags{State: state}).openStill(ctx)
		if err == nil {
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the state folder is not free after the kill")
}

// A receipt is checked with nothing but the public key; what was changed in it, or beside it,
// is found.
func TestReceiptCommand(t *testing.T) {
	state, dir := t.TempDir(), t.TempDir()
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", state)
	body, err := json.Marshal(gssInterviews(t).Interviews[0])
	if err != nil {
		t.Fatal(err)
	}
	var r intake.Receipt
	withStation(t, state, func(st *station) (err error) {
		r, err = st.intake.Accept(t.Context(), body)
		return err
	})
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	receipt := func(name string, change func(*intake.Receipt), more string) string {
		r := r
		change(&r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return write(name, []byte(strings.TrimSuffix(string(text), "}")+more+"}"))
	}
	same := func(*intake.Receipt) {}
	good, interview := receipt("good", same, ""), write("interview", body)
	key := write("key.pem", []byte(must(t, "receipt", "key", "--state", state)))
	out := must(t, "receipt", "check", good, "--key", key, "--body", interview, "--state", filepath.Join(dir, "none"))
	if !strings.Contains(out, fmt.Sprintf("genuine: interview %s, revision %d", r.ID, r.Revision)) || !strings.Contains(out, "is what was received") {
		t.Errorf("a good receipt: %s", out)
	}
	if out := must(t, "receipt", "check", good, "--state", state, "--log"); !strings.Contains(out, "the log has it") {
		t.Errorf("the log: %s", out)
	}
	if out := must(t, "receipt", "key", "--jwk", "--state", state); !strings.Contains(out, `"crv":"P-256"`) {
		t.Errorf("the JWK: %s", out)
	}
	other := t.TempDir()
	must(t, "publish", "gss", "--questionnaire", "gss-science", "--state", other)
	withStation(t, other, func(*station) error { return nil })
	for name, args := range map[string][]string{
		"another place":        {receipt("a", func(r *intake.Receipt) { r.Seq++ }, "")},
		"another reason":       {receipt("b", func(r *intake.Receipt) { r.Quarantined = "late" }, "")},
		"another hash":         {receipt("c", func(r *intake.Receipt) { r.SHA256 = strings.Repeat("0", 64) }, "")},
		"a field beside it":    {receipt("d", same, `,"paid":true`)},
		"another interview":    {good, "--body", write("x", append(body, ' '))},
		"another installation": {good, "--state", other},
		"no receipt":           {interview},
		"no key":               {good, "--state", t.TempDir()},
		"a key that is none":   {good, "--key", good},
	} {
		if !strings.Contains(strings.Join(args, " "), "--state") {
			args = append(args, "--state", state)
		}
		if status, out, _ := suyang(t, append([]string{"receipt", "check"}, args...)...); status == 0 {
			t.Errorf("%s passes: %s", name, out)
		}
	}
}
