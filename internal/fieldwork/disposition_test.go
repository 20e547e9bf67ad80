package fieldwork

import (
	"errors"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// The Standard Definitions number the classes: 1.1 is I, 1.2 P, 2.1 R, 2.2 NC, 2.3 O, 3.1
// UH, the rest of 3 UO and 4 NE.
func TestClassesFollowTheNumbering(t *testing.T) {
	for _, d := range dispositions {
		want := ClassUO
		for prefix, c := range map[string]Class{"1.1": ClassI, "1.2": ClassP, "2.1": ClassR, "2.2": ClassNC, "2.3": ClassO, "3.1": ClassUH, "4.": ClassNE} {
			if strings.HasPrefix(string(d.Code), prefix) {
				want = c
			}
		}
		if got, err := d.Code.Class(); err != nil || got != want || d.Counts != want {
			t.Errorf("%s counts as %v and %v (%v), want %v", d.Code, got, d.Counts, err, want)
		}
		if d.Name[surveys.ZH] == "" || d.Name[surveys.EN] == "" || d.Surveys == 0 {
			t.Errorf("%s lacks a name or a kind of survey: %+v", d.Code, d)
		}
	}
	if _, err := Code("2.99").Class(); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), `"2.99"`) {
		t.Errorf("class of 2.99: %v, want an error that names it", err)
	}
}

func TestEachSurveyHasOneRowForACode(t *testing.T) {
	for _, in := range []Surveys{InPerson, WebNamed, WebUnnamed} {
		seen := map[Code]bool{}
		for _, d := range Dispositions(in) {
			if seen[d.Code] {
				t.Errorf("survey %d has %s twice", in, d.Code)
			}
			seen[d.Code] = true
			if got := d.Code.Name(in)[surveys.EN]; got != d.Name[surveys.EN] {
				t.Errorf("name of %s in %d = %q, want %q", d.Code, in, got, d.Name[surveys.EN])
			}
		}
		for _, o := range Outcomes(in) {
			if !seen[o.Means] {
				t.Errorf("outcome %s means %s, which survey %d does not use", o.Code, o.Means, in)
			}
		}
	}
	if n := Code("2.1121").Name(InPerson); n != nil {
		t.Errorf("2.1121 has the name %v in person, want none", n)
	}
	if got := Code("2.111").Name(WebNamed)[surveys.EN]; got != "Explicit refusal" {
		t.Errorf("2.111 on the web = %q", got)
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		name     string
		attempts string
		code     Code
		deciding int
		settled  bool
	}{
		{"nobody has been there", "", "3.11", -1, false},
		{"a visit and an interview", "nobody-home complete", "1.1", 1, true},
		{"a converted refusal", "person-refused complete", "1.1", 1, true},
		{"a late visit after the interview", "complete nobody-home", "1.1", 0, true},
		{"first a part, then all", "partial complete", "1.1", 1, true},
		{"all, then again a part", "complete partial", "1.1", 0, true},
		{"once refused", "household-refused nobody-home nobody-home", "2.111", 0, false},
		{"refused twice", "household-refused person-refused", "2.112", 1, false},
		{"broken off on the web, then invited again", "invited break-off invited", "2.12", 1, false},
		{"an appointment that was not kept", "appointment nobody-home", "2.36", 0, false},
		{"refused, then dead", "person-refused dead", "2.112", 0, true},
		{"unable after non-contacts", "nobody-home unable nobody-home", "2.32", 1, true},
		{"two kinds of non-contact", "nobody-home person-away", "2.25", 1, false},
		{"lived in after all", "vacant nobody-home", "2.24", 1, false},
		{"moved out since", "household-refused vacant", "4.61", 1, true},
		{"a refusal that stands after all", "household-refused vacant nobody-home", "2.111", 0, false},
		{"not eligible, and a later look at a shut door", "nobody-eligible no-answer", "4.70", 0, true},
		{"a dwelling is known", "no-answer not-found", "3.20", 0, false},
		{"the roster was begun", "no-answer unscreened", "3.21", 1, false},
		{"no dwelling is known", "not-found unsafe", "3.17", 1, false},
		{"invited by link, then visited", "invited undelivered not-found", "3.18", 2, false},
		{"rejected at the review", "complete rejected", "2.36", 1, false},
		{"rejected, done again", "complete rejected complete", "1.1", 2, true},
		{"rejected, then refused", "complete rejected person-refused", "2.112", 2, false},
		{"a converted refusal that was rejected", "household-refused complete rejected nobody-home", "2.36", 2, false},
		{"a partial interview before a rejection", "partial complete rejected", "2.36", 2, false},
	} {
		var attempts []OutcomeCode
		for _, f := range strings.Fields(c.attempts) {
			attempts = append(attempts, OutcomeCode(f))
		}
		got, err := Resolve(attempts)
		if want := (Resolution{c.code, c.deciding, c.settled}); err != nil || got != want {
			t.Errorf("%s (%s): Resolve() = %+v, %v, want %+v", c.name, c.attempts, got, err, want)
		}
	}
	if _, err := Resolve([]OutcomeCode{Completed, "gone"}); !errors.Is(err, surveys.ErrInvalid) || !strings.Contains(err.Error(), `attempt 2 has the outcome "gone"`) {
		t.Errorf("an unknown outcome: %v", err)
	}
}

// Every sequence of up to three outcomes comes to a code that one of them means, and one
// more non-contact takes nobody's interview, refusal or ineligibility away.
func TestResolveEverySequence(t *testing.T) {
	var walk func(so []OutcomeCode)
	walk = func(so []OutcomeCode) {
		got, err := Resolve(so)
		if err != nil {
			t.Fatal(err)
		}
		if len(so) > 0 && outcomeRows[so[got.Deciding]].Means != got.Code {
			t.Fatalf("%v: %+v, but that attempt means %s", so, got, outcomeRows[so[got.Deciding]].Means)
		}
		switch class := classes[got.Code]; class {
		case ClassI, ClassP, ClassR, ClassO:
			later, err := Resolve(append(so[:len(so):len(so)], NobodyHome))
			if err != nil || later.Code != got.Code {
				t.Fatalf("%v is %s, with one more visit %s", so, got.Code, later.Code)
			}
		}
		if len(so) < 3 {
			for _, o := range outcomes {
				walk(append(so[:len(so):len(so)], o.Code))
			}
		}
	}
	walk(nil)
}
