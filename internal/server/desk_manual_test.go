package server

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
)

// The tables of the manual page are what the program does: which role may do what, and which
// action is possible in which state, for whom.
func TestDeskManual(t *testing.T) {
	text, err := os.ReadFile("../../web/docs/reference/desk.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, right := range auth.Rights() {
		row := "| " + string(right) + " |"
		for _, role := range auth.Roles() {
			mark := " – |"
			if (auth.Account{Role: role}).May(right) {
				mark = " yes |"
			}
			row += mark
		}
		if !strings.Contains(string(text), row) {
			t.Errorf("the page lacks the row\n%s", row)
		}
	}
	for _, state := range fieldwork.States() {
		offers := map[fieldwork.Action][]string{}
		c := office.Case{Progress: fieldwork.Progress{State: state, Method: 1}}
		for _, role := range []auth.Role{auth.Enumerator, auth.Supervisor, auth.City} {
			for _, a := range c.Offers(auth.Account{Role: role, Area: "3301"}) {
				offers[a] = append(offers[a], string(role))
			}
		}
		var parts []string
		for _, a := range formActions {
			if who := offers[a]; len(who) > 0 {
				parts = append(parts, string(a)+" ("+strings.Join(who, ", ")+")")
			}
		}
		if row := fmt.Sprintf("| %s | %s |", state, strings.Join(parts, "; ")); !strings.Contains(string(text), row) {
			t.Errorf("the page lacks the row\n%s", row)
		}
	}
}

// The manual lists every page of the desk, by its address, and none that is not there.
func TestDeskManualPages(t *testing.T) {
	text, err := os.ReadFile("../../web/docs/reference/desk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, pages, _ := strings.Cut(string(text), "\n## Pages\n")
	pages, _, _ = strings.Cut(pages, "\n## ")
	listed := map[string]bool{}
	for row := range strings.Lines(pages) {
		address, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, m := range regexp.MustCompile("`(/desk[^`]*)`").FindAllStringSubmatch(address, -1) {
			listed[m[1]] = true
		}
	}
	served := map[string]bool{}
	for _, r := range newDesk(t).echo.Routes() {
		if strings.HasPrefix(r.Path, "/desk") && !strings.HasPrefix(r.Path, "/desk/sign-") {
			served[strings.NewReplacer(":wave", "WAVE", ":case", "CASE", ":login", "LOGIN", ":device", "TABLET", ":number", "NUMBER", ":release", "NUMBER", ":name", "FILE").Replace(r.Path)] = true
		}
	}
	for page := range served {
		if !listed[page] {
			t.Errorf("the manual lacks the page %s", page)
		}
	}
	for page := range listed {
		if !served[page] {
			t.Errorf("the manual lists %s, which is not served", page)
		}
	}
	if len(served) < 20 {
		t.Errorf("only %v are served", served)
	}
}

// Every action that the audit trail gets has words: those that the sources of the office, the
// server and the command write.
func TestTrailWords(t *testing.T) {
	written := regexp.MustCompile(`(?:Entry\{[^{}"]*?|Action: )"([a-z][a-z -]*)"`)
	found := map[string]bool{}
	for _, pattern := range []string{"../office/*.go", "*.go", "../../cmd/suyang/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range written.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = true
			}
		}
	}
	if len(found) < 12 {
		t.Errorf("the sources write only %v", found)
	}
	for action := range found {
		if trailWords[action] == "" && actionWords[fieldwork.Action(action)] == "" {
			t.Errorf("%q has no words", action)
		}
	}
	for action := range trailWords {
		if !found[action] {
			t.Errorf("%q is never written", action)
		}
	}
}

// The manual lists every reason that the audit trail keeps, since the filter finds them by it.
func TestDeskManualReasons(t *testing.T) {
	text, err := os.ReadFile("../../web/docs/reference/desk.md")
	if err != nil {
		t.Fatal(err)
	}
	for why := range becauseWords {
		if !strings.Contains(string(text), "`"+string(why)+"`") {
			t.Errorf("the manual lacks the reason %s", why)
		}
	}
}
