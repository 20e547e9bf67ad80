package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/office"
)

// A backup that is made while interviews come in becomes a state folder in which every
// interview accepted before is there and the ledger adds up, with the links, the accounts
// and the sample; nothing that exists is overwritten.
func TestBackupAndRestore(t *testing.T) {
	state := t.TempDir()
	must(t, "import", "gss", microdataFolder, "--state", state)
	must(t, "publish", "more", "--questionnaire", "gss-science", "--state", state)
	must(t, "open-link", "more", "--name", "poster", "--limit", "5", "--state", state)
	o, err := office.Open(t.Context(), filepath.Join(state, officeFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.PutAccount(t.Context(), auth.Account{Login: "wu", Name: "吴", Role: auth.Province}, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	table := gssInterviews(t)
	server, err := (&stateFlags{State: state}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	receipts := t.TempDir()
	accept := func(n int) error { // and keep the receipt, as whoever sent it does
		iv := table.Interviews[n]
		iv.Wave, iv.Case, iv.ID = "more", "", fmt.Sprintf("00000000-0000-4000-8000-%012x", n)
		body, err := json.Marshal(iv)
		if err != nil {
			return err
		}
		r, err := server.intake.Accept(context.Background(), body)
		if err != nil {
			return err
		}
		text, err := json.Marshal(r)
		return errors.Join(err, os.WriteFile(filepath.Join(receipts, fmt.Sprint(n)), text, 0o600))
	}
	for n := range 20 {
		if err := accept(n); err != nil {
			t.Fatal(err)
		}
	}
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for n := 20; n < 400; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := accept(n); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	to := filepath.Join(t.TempDir(), "backup")
	must(t, "backup", to, "--state", state)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := accept(500); err != nil { // when the backup was there already
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(t.TempDir(), "state")
	out := must(t, "restore", to, "--state", again)
	var accepted, stored int
	if _, err := fmt.Sscanf(out[strings.Index(out, "accepted"):], "accepted %d = stored %d", &accepted, &stored); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if drawn := len(table.Interviews); accepted < drawn+20 || stored != accepted {
		t.Errorf("accepted %d, stored %d, want at least %d", accepted, stored, drawn+20)
	}
	for n := range 20 { // issued before the backup
		out := must(t, "receipt", "check", filepath.Join(receipts, fmt.Sprint(n)), "--log", "--state", again)
		if !strings.Contains(out, "genuine") || !strings.Contains(out, "the log has it") {
			t.Errorf("receipt %d: %s", n, out)
		}
	}
	late := filepath.Join(receipts, "500")
	if status, out, talk := suyang(t, "receipt", "check", late, "--log", "--state", again); status == 0 || !strings.Contains(out, "genuine") || !strings.Contains(talk, "does not have it") {
		t.Errorf("the receipt of an interview that came after the backup: %d: %s%s", status, out, talk)
	}
	must(t, "receipt", "check", late, "--log", "--state", state)
	if out := must(t, "verify", "--state", again); !strings.Contains(out, fmt.Sprintf("accepted %d = stored %d + pending 0", accepted, accepted)) {
		t.Errorf("the restored folder: %s", out)
	}
	link := []string{"open-link", "more", "--name", "poster", "--limit", "5", "--state"}
	if a, b := must(t, append(link, state)...), must(t, append(link, again)...); a != b || !strings.Contains(a, "poster") {
		t.Errorf("open links %q, and restored %q", a, b)
	}
	if o, err = office.Open(t.Context(), filepath.Join(again, officeFile)); err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if a, err := o.Account(t.Context(), "wu"); err != nil || a.Name != "吴" {
		t.Errorf("Account() = %+v, %v", a, err)
	}
	for name, args := range map[string][]string{
		"a second backup of a name": {"backup", to, "--state", state},
		"a state folder in use":     {"restore", to, "--state", state},
		"no backup":                 {"restore", state, "--state", filepath.Join(t.TempDir(), "s")},
		"within what it copies":     {"backup", filepath.Join(state, "waves", "b"), "--state", state},
		"no state folder":           {"backup", filepath.Join(t.TempDir(), "b"), "--state", t.TempDir()},
	} {
		if status, _, talk := suyang(t, args...); status == 0 {
			t.Errorf("%s: %s", name, talk)
		}
	}
}

// A wave that takes regions from a code list of its author has that list in the backup:
// without it no interview could be read, and nothing served.
func TestBackupHasCodeLists(t *testing.T) {
	state, to, again := t.TempDir(), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "s")
	must(t, "publish", "dg", "--questionnaire", authored(t, "dg-2023", "township", dongguan), "--state", state)
	must(t, "backup", to, "--state", state)
	must(t, "restore", to, "--state", again)
	if p, err := (&stateFlags{State: again}).published(); err != nil || len(p.served) != 1 {
		t.Errorf("the restored waves: %+v, %v", p, err)
	}
}

// A wave that was published, and never served yet, can be backed up and restored: the secret of
// its draw is in the office already.
func TestBackupBeforeServing(t *testing.T) {
	_, file := householdFolder(t)
	state, to, again := t.TempDir(), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "s")
	must(t, "publish", "w", "--draw", file, "--state", state)
	must(t, "backup", to, "--state", state)
	must(t, "restore", to, "--state", again)
	if out := must(t, "draw", "--wave", "w", "--state", again); !strings.Contains(out, "byte for byte") {
		t.Errorf("from the restored office: %s", out)
	}
}
