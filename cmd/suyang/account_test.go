package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
)

// The first administrator is made at the command line, signs in with the password that was
// printed once, and is kept out when disabled.
func TestAccounts(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	account := func(args ...string) string {
		t.Helper()
		return must(t, append(append([]string{"account"}, args...), "--state", state)...)
	}
	account("put", "admin", "--name", "管理员", "--role", "administrator")
	account("put", "wu", "--name", "吴督导", "--role", "supervisor", "--area", "3301")
	password := strings.TrimSpace(account("password", "admin", "--generate"))
	if len(password) < auth.MinPassword {
		t.Errorf("the password is %q", password)
	}
	signIn := func(login, password string) error {
		store, err := (&stateFlags{State: state}).openOffice(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		_, err = store.SignIn(t.Context(), login, password, time.Now())
		return err
	}
	if err := signIn("admin", password); err != nil {
		t.Errorf("with the printed password: %v", err)
	}
	if rows := table(t, account("list")); len(rows) != 2 || strings.Join(rows[1][:5], " ") != "wu 吴督导 supervisor 3301 false" {
		t.Errorf("the list is %v", rows)
	}
	account("disable", "admin")
	if err := signIn("admin", password); err == nil {
		t.Error("a disabled account signs in")
	}
	for want, args := range map[string][]string{
		"4 digits for a city": {"put", "city", "--name", "x", "--role", "city", "--area", "33"},
		`no account "nobody"`: {"password", "nobody", "--generate"},
		"not found":           {"disable", "nobody"},
		"at least 10":         {"password", "wu"}, // nothing on the input
		`must be one of`:      {"put", "boss", "--name", "x", "--role", "boss"},
	} {
		if status, out, talk := suyang(t, append(append([]string{"account"}, args...), "--state", state)...); status == 0 || out != "" || !strings.Contains(talk, want) {
			t.Errorf("%v: status %d, out %q, talk %q, want %q", args, status, out, talk, want)
		}
	}
}
