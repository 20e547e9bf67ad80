package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// approved is a wave with four cases at the desk, of which some were answered and have passed
// both reviews.
func approved(t *testing.T, ids ...string) reached {
	t.Helper()
	state := t.TempDir()
	sample := filepath.Join(t.TempDir(), "sample.csv")
	if err := os.WriteFile(sample, []byte("case,stratum,psu,weight,city\na,1,1,2,330100\nb,1,1,2,330100\nc,1,2,2,330100\nd,1,2,2,330100\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "publish", "w", "--questionnaire", "testdata/tiny/questionnaire.yaml", "--sample", sample, "--desk", "--state", state)
	st, err := (&stateFlags{State: state}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r := reached{st, t, auth.Account{Login: "city", Role: auth.City, Area: "3301"}}
	for _, id := range ids {
		r.answer(id, 1, uuid.NewString(), "40")
		r.until(id, fieldwork.Submitted, 1)
		r.review(id, fieldwork.Event{Action: fieldwork.Approve})
	}
	if err := st.intake.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// review lets a supervisor and then the city do something with a case; only the city when the
// supervisor may not any more.
func (r reached) review(id string, e fieldwork.Event) {
	r.t.Helper()
	reviewers := []auth.Account{{Login: "super", Role: auth.Supervisor, Area: "3301"}, r.city}
	if e.Action == fieldwork.Reject {
		reviewers = reviewers[1:]
	}
	for _, who := range reviewers {
		c, err := r.office.Case(r.t.Context(), who, "w", id, time.Now())
		if err == nil {
			e.At = time.Now()
			_, err = r.office.Act(r.t.Context(), who, "w", id, c.Changes, e, fieldwork.DefaultAttemptRules)
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// During a computation: a file that it reads on the way is a pipe, from which it gets nothing
// until do has returned.
func (r reached) during(do func()) (written <-chan error) {
	r.t.Helper()
	path := filepath.Join(string(r.flags.waves()), "w", "plan.yaml")
	plan, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = syscall.Mkfifo(path, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for whoever reads
		if err == nil {
			do()
			_, err = pipe.Write(plan)
			err = errors.Join(err, pipe.Close())
		}
		ended <- errors.Join(err, os.Remove(path), os.WriteFile(path, plan, 0o600))
	}()
	return ended
}

// A report says which standings of the cases it was computed from: they are told of before, so
// that what was approved last is in it, and when they change while it is computed there is no
// report, since nobody could say from which it is.
func TestReportSaysItsInputs(t *testing.T) {
	r := approved(t, "a", "b", "c")
	first, err := r.estimate(t.Context(), "w", "")
	if err != nil {
		t.Fatalf("the first report after an approval: %v", err)
	}
	if first.Data.Interviews != 3 || first.Data.Standings == "" || first.Data.Sample == "" {
		t.Errorf("it was computed from %+v", first.Data)
	}
	ended := r.during(func() {
		r.review("c", fieldwork.Event{Action: fieldwork.Reject, Reason: "another person"})
		if err := r.tellStandings(t.Context(), "w"); err != nil {
			t.Error(err)
		}
	})
	if e, err := r.estimate(t.Context(), "w", ""); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("an interview was sent back meanwhile: noted are %+v of %d interviews, %v", e.Data, e.Data.Interviews, err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	r.review("b", fieldwork.Event{Action: fieldwork.Reject, Reason: "another person"}) // which nobody has told of yet
	e, err := r.estimate(t.Context(), "w", "")
	if err != nil {
		t.Fatalf("made again: %v", err)
	}
	now, err := r.store.Digests(t.Context(), "w", "")
	if err != nil || e.Data.Interviews != 1 || e.Data.Standings != now.Standings || e.Data.Standings == first.Data.Standings {
		t.Errorf("made again it is from %+v, the store has %+v, %v", e.Data, now, err)
	}
}
