package server

import (
	"fmt"
	"os"
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
