package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// householdFolder is drawFolder with a plan that selects a person in each household, and its
// draw.
func householdFolder(t *testing.T) (dir, drawFile string) {
	t.Helper()
	dir = drawFolder(t)
	plan := filepath.Join(dir, "plan.yaml")
	src, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plan, append(src, "person: kish\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	drawFile = filepath.Join(dir, "draw.jsonl")
	must(t, "draw", plan, "--out", drawFile)
	return dir, drawFile
}

// Publishing a draw puts its cases to the desk, with a committed number for each household;
// again changes nothing, and a replicate of the reserve can be released later.
func TestPublishDraw(t *testing.T) {
	dir, file := householdFolder(t)
	state := t.TempDir()
	publish := func(more ...string) (int, string, string) {
		return suyang(t, append([]string{"publish", "w", "--draw", file, "--state", state}, more...)...)
	}
	status, out, talk := publish()
	if status != 0 || !strings.Contains(out, "60 cases") || strings.Contains(talk, "not drawn again") {
		t.Fatalf("status %d: %s%s", status, out, talk)
	}
	look := func(want, released int) (d office.Draw, commitments map[string]string) {
		t.Helper()
		store, err := office.Open(t.Context(), filepath.Join(state, officeFile))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if d, err = store.Draw(t.Context(), "w"); err != nil || d.Released != released || d.Method != household.Kish {
			t.Fatalf("the draw is %+v (%v)", d, err)
		}
		commitments = map[string]string{}
		if err := store.Cases(t.Context(), auth.Account{Role: auth.Province}, office.Filter{Wave: "w"}, func(c office.Case) bool {
			commitments[c.ID] = c.Commitment
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if len(commitments) != want {
			t.Fatalf("there are %d cases at the desk, want %d", len(commitments), want)
		}
		return d, commitments
	}
	first, before := look(60, 0)
	if status, _, talk := publish(); status != 0 {
		t.Fatal(talk)
	}
	if status, out, talk := publish("--release", "1"); status != 0 || !strings.Contains(out, "84 cases") {
		t.Fatalf("status %d: %s%s", status, out, talk)
	}
	if out := must(t, "draw", "--wave", "w", "--state", state); !strings.Contains(out, "w: the same draw again, byte for byte") {
		t.Errorf("from the office's own copies: %s", out)
	}
	now, after := look(84, 1)
	if now.Seal != first.Seal || now.Hash != first.Hash {
		t.Errorf("the draw was %+v and is %+v", first, now)
	}
	for id, c := range before {
		if after[id] != c || len(c) != 64 {
			t.Errorf("case %s was bound by %q and is by %q", id, c, after[id])
		}
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"taken back":      {nil, "no further ones"},
		"two samples":     {[]string{"--sample", file}, "can't be used together"},
		"more than there": {[]string{"--release", "2"}, "the draw has 1"},
		"desk beside":     {[]string{"--desk"}, "anyway"},
		"a missing frame": {[]string{"--frame", filepath.Join(dir, "no.csv")}, "no.csv"},
		"a changed frame": {[]string{"--release", "1", "--frame", filepath.Join(dir, "plan.yaml")}, "plan.yaml"},
	} {
		if status, _, talk := publish(c.args...); status == 0 || !strings.Contains(talk, c.want) {
			t.Errorf("%s: status %d, %s; want %q in it", name, status, talk, c.want)
		}
	}
	for _, args := range [][]string{{"--release", "1"}, {"--desk"}} {
		if status, _, talk := suyang(t, append([]string{"publish", "other", "--state", state}, args...)...); status == 0 {
			t.Errorf("%v without a sample: %s", args, talk)
		}
	}
}

// reached is a wave with cases at the desk, of which some were answered.
type reached struct {
	*station
	t    *testing.T
	city auth.Account
}

// answer accepts an interview of a person of an age; those under 18 are asked nothing else.
func (r reached) answer(id string, revision uint32, interview, age string) {
	r.t.Helper()
	w := r.published().waves[0]
	answers := surveys.Answers{"age": {age}}
	if age >= "18" {
		answers["K1"] = []string{"t"}
	}
	body, err := json.Marshal(surveys.Interview{
		ID: interview, Revision: revision, Survey: w.Questionnaire.ID, Version: w.Questionnaire.Version(), Wave: w.ID, Case: id, Mode: surveys.ModeWeb, Lang: surveys.ZH,
		Started: time.Now(), Finished: time.Now(), Answers: answers,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if receipt, err := r.intake.Accept(r.t.Context(), body); err != nil || receipt.Quarantined != "" {
		r.t.Fatalf("Accept() = %+v, %v", receipt, err)
	}
}

// until waits until a case is in a state, as the log is followed.
func (r reached) until(id string, state fieldwork.State, revision int) office.Case {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := r.office.Case(r.t.Context(), r.city, "w", id, time.Now())
		if err != nil {
			r.t.Fatal(err)
		}
		if c.State == state && c.Revision == revision {
			return c
		}
		if time.Now().After(end) {
			r.t.Fatalf("case %s is %s, revision %d; want %s, %d", id, c.State, c.Revision, state, revision)
		}
	}
}

// counts checks how many cases responded, as estimates see it.
func (r reached) counts(when string, want int) {
	r.t.Helper()
	if err := r.intake.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := r.tellStandings(r.t.Context(), "w"); err != nil {
		r.t.Fatal(err)
	}
	sums, err := r.store.Cubes(r.t.Context(), assess.Query{Wave: "w", Questionnaire: r.published().waves[0].Questionnaire}, nil)
	if err != nil {
		r.t.Fatalf("%s: %v", when, err)
	}
	if sums.Drawn != 4 || sums.Responded != want {
		r.t.Errorf("%s: %d of %d cases count, want %d of 4", when, sums.Responded, sums.Drawn, want)
	}
}

// An accepted interview reaches its case while the server runs, and also when the program
// ended in between; it counts from its second review on, not while it is sent back, and the
// next revision begins anew.
func TestReviewReachesEstimates(t *testing.T) {
	state := t.TempDir()
	sample := filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(sample, []byte("case,stratum,psu,weight,city\na,1,1,2,330100\nb,1,1,2,330100\nc,1,2,2,330100\nd,1,2,2,330100\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "publish", "w", "--questionnaire", "testdata/tiny/questionnaire.yaml", "--sample", sample, "--desk", "--state", state)
	flags := &stateFlags{State: state}
	open := func() reached {
		st, err := flags.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return reached{st, t, auth.Account{Login: "city", Role: auth.City, Area: "3301"}}
	}
	r := open()
	ids := map[string]string{}
	for _, id := range []string{"a", "b", "c"} {
		ids[id] = uuid.NewString()
		r.answer(id, 1, ids[id], "40")
		r.until(id, fieldwork.Submitted, 1)
	}
	r.counts("before any review", 0)
	act := func(who auth.Account, id string, e fieldwork.Event) {
		t.Helper()
		c, err := r.office.Case(t.Context(), who, "w", id, time.Now())
		if err == nil {
			e.At = time.Now()
			_, err = r.office.Act(t.Context(), who, "w", id, c.Changes, e, fieldwork.DefaultAttemptRules)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	super := auth.Account{Login: "super", Role: auth.Supervisor, Area: "3301"}
	for _, id := range []string{"a", "b"} {
		act(super, id, fieldwork.Event{Action: fieldwork.Approve})
	}
	r.counts("after the first review", 0)
	for _, id := range []string{"a", "b"} {
		act(r.city, id, fieldwork.Event{Action: fieldwork.Approve})
	}
	r.counts("after both", 2)
	act(r.city, "b", fieldwork.Event{Action: fieldwork.Reject, Reason: "another person"})
	r.counts("with one sent back", 1)

	// The program ends before the case is told of the next revision.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open()
	defer r.Close()
	r.answer("b", 2, ids["b"], "41")
	r.answer("a", 2, ids["a"], "41") // also the one that was approved is changed
	r.until("b", fieldwork.Submitted, 2)
	r.until("a", fieldwork.Submitted, 2)
	r.counts("with new revisions", 0)
	for _, id := range []string{"a", "b"} {
		act(super, id, fieldwork.Event{Action: fieldwork.Approve})
		act(r.city, id, fieldwork.Event{Action: fieldwork.Approve})
	}
	r.counts("after their reviews", 2)

	// Somebody too young is no respondent, whoever approves the interview.
	r.answer("d", 1, uuid.NewString(), "17")
	r.until("d", fieldwork.Submitted, 1)
	act(super, "d", fieldwork.Event{Action: fieldwork.Approve})
	act(r.city, "d", fieldwork.Event{Action: fieldwork.Approve})
	r.counts("with one who is not eligible", 2)
	standings, err := r.office.Standings(t.Context(), "w")
	if err != nil || standings[3].Disposition != "4.70" || standings[3].Counts {
		t.Errorf("the standings are %+v (%v)", standings, err)
	}
}
