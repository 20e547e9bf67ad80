package tablet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

func visit(id, at, outcome string) string {
	return about("attempt", id, fmt.Sprintf(`,"attempt":{"at":%q,"contact":"visit","outcome":%q}`, at, outcome))
}

// A day of a tablet: what it recorded is signed for at once, carried out in order, and then
// covered by a checkpoint.
func TestDayOfATablet(t *testing.T) {
	r := rigOf(t)
	c := newChain(device).add(
		`{"kind":"open","at":"2026-11-26T01:00:00Z","app":"1"}`,
		visit("c1", "2026-11-26T01:05:00Z", string(fieldwork.NobodyHome)),
		note("c1", "狗"),
		about("begin", "c2", fmt.Sprintf(`,"interview":%q`, interviewID(1))),
		about("step", "c2", `,"message":{"do":"next"}`),
		done(t, interview(1, "c2")),
		`{"kind":"of next year","at":"2026-11-26T01:00:00Z"}`,
	)
	a := r.mustTake(c.batch(1, 7))
	r.verifyAnswer(a)
	if a.Checkpoint != nil || a.Receipt.Head != hexOf(c.hashes[7]) || len(a.Want) != 0 || len(a.Conflict) != 0 {
		t.Errorf("at first %+v", a)
	}
	r.flush()
	a = r.mustTake(tablet.Batch{})
	r.verifyAnswer(a)
	if a.Receipt != nil || a.Checkpoint == nil || a.Checkpoint.Upto != 7 || a.Checkpoint.Head != hexOf(c.hashes[7]) {
		t.Errorf("then %+v", a)
	}
	var got []string
	for _, id := range []string{"c1", "c2", "c3"} {
		for _, e := range r.events(id) {
			got = append(got, fmt.Sprint(id, " ", e.Action, " ", e.Who, " ", e.Flags))
		}
	}
	if want := []string{"c1 attempt li []", "c1 note li []", "c2 start li []"}; !slices.Equal(got, want) {
		t.Errorf("the office has %v, want %v", got, want)
	}
	if want := []string{interviewID(1) + "/0"}; !slices.Equal(r.intake.accepted, want) || r.held() != nil {
		t.Errorf("the intake has %v, held are %v", r.intake.accepted, r.held())
	}
	want := tablet.Counts{Kinds: map[string]int{"open": 1, "attempt": 1, "note": 1, "begin": 1, "step": 1, "finish": 1, "other": 1},
		Begun: 1, Finished: 1, Attempts: 1, Notes: 1, Last: 7, Upto: 7, Carried: 7}
	for range 2 {
		if d := cmp.Diff(want, r.tablets.Counts(device)); d != "" {
			t.Errorf("counts (-want +got):\n%s", d)
		}
		r.restart()
	}
}

// What cannot be done is held with its reason, and keeps nothing after it waiting.
func TestHeld(t *testing.T) {
	r := rigOf(t)
	r.intake.reasons[interviewID(3)] = "case already answered"
	other := func(change func(*surveys.Interview)) string { return done(t, interview(9, "c1", change)) }
	stolen := strings.Replace(done(t, interview(4, "c3")), `"case":"c3"`, `"case":"c1"`, 1)
	events := []struct{ text, held string }{
		{visit("c3", "2026-11-26T01:05:00Z", "no-contact"), "attempt not-given"},
		{visit("c1", "2026-11-26T01:05:00Z", "nonsense"), "attempt attempt"},
		{visit("c1", "2026-11-26T01:05:00Z", string(fieldwork.NobodyHome)), ""},
		{visit("c1", "2026-11-26T01:09:00Z", string(fieldwork.NobodyHome)), "attempt twice"},
		{about("attempt", "c1", ""), "attempt attempt"},
		{about("attempt", "c1", `,"attempt":"x"`), "attempt unreadable"},
		{about("select", "c1", `,"evidence":{"listing":{"case":"c1"}}`), "select person"},
		{about("select", "c1", `,"evidence":{"listing":{"case":"c2"}}`), "select other-case"},
		{about("relist", "c1", `,"listing":{"case":"c1"}`), "relist unselected"},
		{note("c1", " "), "note reason"},
		{note("c1", strings.Repeat("x", 6001)), "note reason"},
		{`{"kind":"note","text":"about nothing"}`, "note no-case"},
		{`no JSON`, "note unreadable"},
		{``, "note unreadable"},
		{`{"kind":"note","case":7}`, "note unreadable"},
		{about("finish", "c1", `,"interview":"`+interviewID(8)+`","body":"{"`), "submit unreadable"},
		{stolen, "submit other-case"},
		{done(t, interview(4, "c3")), "submit not-given"},
		{other(func(iv *surveys.Interview) { iv.Wave = "another" }), "submit other-case"},
		{other(func(iv *surveys.Interview) { iv.Mode = surveys.ModeWeb }), "submit other-case"},
		{strings.Replace(other(func(iv *surveys.Interview) { iv.Partial = true }), `"part"`, `"finish"`, 1), "submit other-case"},
		{strings.Replace(other(func(*surveys.Interview) {}), interviewID(9), interviewID(10), 1), "submit other-case"},
		{done(t, interview(3, "c2")), "submit quarantined"},
		{done(t, interview(5, "c2")), ""},
		{done(t, interview(5, "c2", func(iv *surveys.Interview) { iv.Lang = surveys.EN })), "submit conflict"},
		{about("step", "c1", `,"text":5`), ""},
		{note("c1", "the last"), ""},
	}
	c := newChain(device)
	var want []string
	for n, e := range events {
		c.add(e.text)
		if e.held != "" {
			want = append(want, fmt.Sprint(n+1, " ", e.held))
		}
	}
	r.mustTake(c.batch(1, len(events)))
	r.flush()
	if d := cmp.Diff(want, r.held()); d != "" {
		t.Errorf("held (-want +got):\n%s", d)
	}
	if e := r.events("c1"); len(e) != 2 || e[1].Reason != "the last" {
		t.Errorf("the office has %+v", e)
	}
	if want := []string{interviewID(3) + "/0", interviewID(5) + "/0"}; !slices.Equal(r.intake.accepted, want) {
		t.Errorf("the intake has %v, want %v", r.intake.accepted, want)
	}
	if n := r.tablets.Counts(device).Quarantined; n != 1 {
		t.Errorf("%d in quarantine, want 1", n)
	}
	r.restart()
	if n := r.tablets.Counts(device).Quarantined; n != 1 {
		t.Errorf("%d in quarantine after a restart, want 1", n)
	}
	all, err := r.office.Held(context.Background(), boss, device)
	must(t, err)
	for _, h := range all {
		if text, err := json.Marshal(h); err != nil || strings.Contains(string(text), "earth") {
			t.Errorf("what is held tells of answers: %s (%v)", text, err)
		}
	}
}

// An interview that the intake does not take is held; one that it cannot take now is tried
// again, and what comes after it waits.
func TestIntakeRefuses(t *testing.T) {
	for err, held := range map[error]string{surveys.ErrInvalid: "1 submit invalid", surveys.ErrNotFound: "1 submit invalid", surveys.ErrTooLarge: "1 submit invalid", errTry: "", errors.New("odd"): ""} {
		r := rigOf(t)
		r.intake.refuses = err
		c := newChain(device).add(done(t, interview(1, "c1")), note("c2", "x"))
		r.mustTake(c.batch(1, 2))
		flushed := r.tablets.Flush(t.Context())
		if held != "" {
			if got := r.held(); flushed != nil || !slices.Equal(got, []string{held}) || len(r.events("c2")) != 1 {
				t.Errorf("%v: %v, held %v, %d events", err, flushed, got, len(r.events("c2")))
			}
			if d, again := r.tablets.Retry(t.Context(), device, 1); d.Why != office.HeldInvalid || d.Detail == "" || d.Seq != 1 || again != nil {
				t.Errorf("%v, again: %+v, %v", err, d, again)
			}
			r.intake.refuses = nil
			if d, again := r.tablets.Retry(t.Context(), device, 1); d.Why != "" || again != nil || len(r.intake.accepted) != 1 {
				t.Errorf("%v, later: %+v, %v", err, d, again)
			}
			for _, n := range []uint64{0, 2, 3} {
				if _, again := r.tablets.Retry(t.Context(), device, n); !errors.Is(again, surveys.ErrNotFound) {
					t.Errorf("number %d again: %v", n, again)
				}
			}
			continue
		}
		if flushed == nil || len(r.held()) != 0 || len(r.events("c2")) != 0 {
			t.Errorf("%v: %v, held %v", err, flushed, r.held())
		}
		r.intake.refuses = nil
		r.flush()
		if len(r.intake.accepted) != 1 || len(r.events("c2")) != 1 {
			t.Errorf("%v: later the intake has %v", err, r.intake.accepted)
		}
	}
}

// A case that is with somebody else by now is worked on all the same, and flagged; so is an
// interview of it.
func TestWithdrawn(t *testing.T) {
	r := rigOf(t)
	k, err := r.office.Case(t.Context(), boss, wave, "c1", nine)
	must(t, err)
	_, err = r.office.Act(t.Context(), boss, wave, "c1", k.Changes, fieldwork.Event{At: nine, Action: fieldwork.Assign, Enumerator: "chen", Reason: "ill"}, fieldwork.DefaultAttemptRules)
	must(t, err)
	c := newChain(device).add(note("c1", "x"), done(t, interview(1, "c1")), note("c2", "mine"))
	r.mustTake(c.batch(1, 3))
	r.flush()
	e := r.events("c1")
	if len(e) != 2 || !slices.Equal(e[0].Flags, []fieldwork.Flag{fieldwork.Withdrawn}) || !slices.Equal(e[1].Flags, e[0].Flags) || e[1].Action != fieldwork.Comment || e[1].Interview != interviewID(1) {
		t.Errorf("the office has %+v", e)
	}
	if mine := r.events("c2"); len(mine) != 1 || mine[0].Flags != nil {
		t.Errorf("of a case that is still theirs it has %+v", mine)
	}
	if len(r.intake.accepted) != 1 {
		t.Errorf("the intake has %v", r.intake.accepted)
	}
}

// A whole interview takes the place of those that were broken off elsewhere, also when the
// program ends right after it was accepted; a whole one of somewhere else stays.
func TestRevisionIsRaised(t *testing.T) {
	r := rigOf(t)
	web := func(n int, partial bool, revision uint32) {
		body, err := json.Marshal(interview(n, "c1", func(iv *surveys.Interview) {
			iv.Mode, iv.Partial, iv.Revision = surveys.ModeWeb, partial, revision
		}))
		must(t, err)
		_, err = r.intake.Accept(t.Context(), body)
		must(t, err)
	}
	web(1, true, 0)
	web(1, true, 1)
	web(2, false, 0)
	c := newChain(device).add(done(t, interview(1, "c1")), done(t, interview(2, "c1")), done(t, interview(3, "c2", func(iv *surveys.Interview) { iv.Partial = true })), done(t, interview(3, "c2")))
	r.mustTake(c.batch(1, 4))
	calls := 0
	r.tries.fails = func() bool { calls++; return calls == 2 } // after the first was accepted
	if err := r.tablets.Flush(t.Context()); err == nil {
		t.Error("the intake did not fail")
	}
	r.tries.fails = nil
	r.restart()
	r.flush()
	want := []string{interviewID(1) + "/0", interviewID(1) + "/1", interviewID(2) + "/0", interviewID(1) + "/2", interviewID(3) + "/0", interviewID(3) + "/1"}
	if !slices.Equal(r.intake.accepted, want) {
		t.Errorf("the intake has %v, want %v", r.intake.accepted, want)
	}
	if got := r.held(); !slices.Equal(got, []string{"2 submit conflict"}) {
		t.Errorf("held are %v", got)
	}
}

// An interview that was broken off on a tablet, then done in the browser, and then finished on
// the tablet, replaces nothing: of two whole ones the first counts. After a review sent it
// back, the next one does.
func TestSecondWholeInterview(t *testing.T) {
	r := rigOf(t)
	accept := func(iv surveys.Interview) {
		t.Helper()
		body, err := json.Marshal(iv)
		must(t, err)
		_, err = r.intake.Accept(t.Context(), body)
		must(t, err)
		must(t, r.office.Take(t.Context(), []office.Arrival{{Response: surveys.Response{Interview: iv, Seq: uint64(len(r.intake.accepted)), Node: 1, Received: r.now}}}, nil))
	}
	web := interview(1, "c1", func(iv *surveys.Interview) { iv.Mode = surveys.ModeWeb })
	accept(web)
	later := func(revision uint32, partial bool) string {
		return done(t, interview(1, "c1", func(iv *surveys.Interview) {
			iv.Revision, iv.Partial = revision, partial
			iv.Finished = iv.Finished.Add(time.Hour)
		}))
	}
	c := newChain(device).add(later(0, true), later(1, true), later(2, false))
	r.mustTake(c.batch(1, 3))
	r.flush()
	r.restart()
	if want := []string{interviewID(1) + "/0"}; !slices.Equal(r.intake.accepted, want) {
		t.Errorf("the intake counts %v, want %v", r.intake.accepted, want)
	}
	if got, want := r.held(), []string{"1 submit conflict", "2 submit conflict", "3 submit conflict"}; !slices.Equal(got, want) {
		t.Errorf("held are %v, want %v", got, want)
	}
	_, err := r.office.Record(t.Context(), wave, "c1", fieldwork.Event{At: r.now, Who: "province", Action: fieldwork.Reject, Reason: "太快"}, fieldwork.DefaultAttemptRules)
	must(t, err)
	c.add(later(1, true), later(2, false))
	r.mustTake(c.batch(4, 5))
	r.flush()
	if want := []string{interviewID(1) + "/0", interviewID(1) + "/1", interviewID(1) + "/2"}; !slices.Equal(r.intake.accepted, want) {
		t.Errorf("after the review the intake counts %v, want %v", r.intake.accepted, want)
	}
}

// Who did an interview of a case that was withdrawn does not review it, also when somebody else
// had begun it by then.
func TestWithdrawnIsNotReviewedByItsInterviewer(t *testing.T) {
	r := rigOf(t)
	happens := func(e fieldwork.Event) error {
		e.At = r.now
		_, err := r.office.Record(t.Context(), wave, "c1", e, fieldwork.DefaultAttemptRules)
		return err
	}
	must(t, happens(fieldwork.Event{Who: boss.Login, Action: fieldwork.Assign, Enumerator: "chen", Reason: "近"}))
	must(t, happens(fieldwork.Event{Who: "chen", Action: fieldwork.Begin, Mode: surveys.ModePaper}))
	c := newChain(device).add(about("begin", "c1", fmt.Sprintf(`,"interview":%q`, interviewID(1))), done(t, interview(1, "c1")))
	r.mustTake(c.batch(1, 2))
	r.flush()
	must(t, happens(fieldwork.Event{Who: office.Intake, Action: fieldwork.Submit, Interview: interviewID(1), Mode: surveys.ModeTablet}))
	for who, want := range map[string]error{"li": surveys.ErrConflict, "chen": surveys.ErrConflict, "zhou": nil} {
		if err := happens(fieldwork.Event{Who: who, Action: fieldwork.Approve}); !errors.Is(err, want) {
			t.Errorf("%s approves: %v, want %v", who, err, want)
		}
	}
}

// Under the number of another case's interview nothing is accepted: it would take its place.
func TestInterviewOfAnotherCase(t *testing.T) {
	r := rigOf(t)
	_, err := r.office.Record(t.Context(), wave, "c3", fieldwork.Event{At: r.now, Who: office.Intake, Action: fieldwork.Submit, Interview: interviewID(7), Mode: surveys.ModeWeb}, fieldwork.DefaultAttemptRules)
	must(t, err)
	c := newChain(device).add(done(t, interview(7, "c1", func(iv *surveys.Interview) { iv.Revision = 5 })))
	r.mustTake(c.batch(1, 1))
	r.flush()
	if got := r.held(); len(r.intake.accepted) != 0 || !slices.Equal(got, []string{"1 submit other-case"}) {
		t.Errorf("accepted are %v, held %v", r.intake.accepted, got)
	}
}

// Batches in any order are right; what is missing is asked for, and waits.
func TestGaps(t *testing.T) {
	r := rigOf(t)
	c := newChain(device)
	for n := range 9 {
		c.add(note("c1", fmt.Sprint(n+1)))
	}
	r.mustTake(c.batch(8, 9))
	a := r.mustTake(c.batch(4, 4))
	if d := cmp.Diff([][2]uint64{{1, 3}, {5, 7}}, a.Want); d != "" {
		t.Errorf("asked for (-want +got):\n%s", d)
	}
	r.flush()
	if n := len(r.events("c1")); n != 0 {
		t.Errorf("%d events were done before the first", n)
	}
	r.mustTake(c.batch(1, 3))
	r.flush()
	if e := r.events("c1"); len(e) != 4 {
		t.Errorf("%d events were done, want 4", len(e))
	}
	if given, err := r.tablets.GiveUp(t.Context(), device, [][2]uint64{{0, 4}, {8, 1 << 40}}); given != 0 || err != nil {
		t.Errorf("%d numbers that are there, or beyond, were given up (%v)", given, err)
	}
	given, err := r.tablets.GiveUp(t.Context(), device, [][2]uint64{{3, 6}, {7, 9}})
	must(t, err)
	r.flush()
	if e := r.events("c1"); given != 3 || len(e) != 6 || e[4].Reason != "8" {
		t.Errorf("%d were given up, and %d events done", given, len(e))
	}
	a = r.mustTake(c.batch(5, 7)) // they come all the same
	r.flush()
	if got := r.held(); !slices.Equal(got, []string{"5 note late", "6 note late", "7 note late"}) || len(a.Conflict) != 0 || a.Checkpoint.Upto != 4 {
		t.Errorf("held are %v, conflicts %v, checkpoint %+v", got, a.Conflict, a.Checkpoint)
	}
	r.restart()
	r.flush()
	if n := r.tablets.Counts(device); n.Late != 3 || n.Damaged != 3 || n.Notes != 9 || n.Carried != 9 || len(r.held()) != 3 || !cmp.Equal(n.DamagedAt, tablet.Numbers{Total: 3, First: [][2]uint64{{5, 7}}}) {
		t.Errorf("in the end %+v", n)
	}
}

// An interview that came after its number was given up is accepted; held, it is tried again
// like any other.
func TestRetryOfLate(t *testing.T) {
	r := rigOf(t)
	c := newChain(device).add(note("c1", "1"), done(t, interview(1, "c1")), note("c1", "3"), note("c1", "4"), done(t, interview(2, "c2")))
	r.mustTake(c.batch(1, 1))
	r.mustTake(c.batch(3, 3))
	r.mustTake(c.batch(5, 5))
	_, err := r.tablets.GiveUp(t.Context(), device, [][2]uint64{{2, 2}, {4, 4}})
	must(t, err)
	r.flush()
	if _, err := r.tablets.Retry(t.Context(), device, 2); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("before it came: %v", err)
	}
	r.intake.refuses = surveys.ErrNotFound
	r.mustTake(c.batch(2, 2))
	r.mustTake(c.batch(4, 4))
	r.flush()
	if got := r.held(); !slices.Equal(got, []string{"2 submit invalid", "4 note late"}) {
		t.Errorf("held are %v", got)
	}
	for _, refuses := range []error{surveys.ErrNotFound, nil} {
		r.intake.refuses = refuses
		if d, err := r.tablets.Retry(t.Context(), device, 2); (d.Why == "") != (refuses == nil) || err != nil {
			t.Errorf("tried again: %+v, %v", d, err)
		}
		if _, err := r.tablets.Retry(t.Context(), device, 4); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("a note: %v", err)
		}
		r.restart()
	}
	if want := []string{interviewID(2) + "/0", interviewID(1) + "/0"}; !slices.Equal(r.intake.accepted, want) {
		t.Errorf("the intake has %v, want %v", r.intake.accepted, want)
	}
}

// A server that was put back to yesterday's backup asks for what it signed for since, whether
// or not the tablet has anything new, and does each event once.
func TestServerPutBack(t *testing.T) {
	r := rigOf(t)
	c := newChain(device).add(note("c1", "a"), note("c1", "b"), note("c1", "c"), note("c1", "d"))
	r.mustTake(c.batch(1, 2))
	r.flush()
	backup := t.TempDir()
	r.close()
	must(t, os.CopyFS(backup, os.DirFS(r.dir)))
	r.start()
	r.mustTake(c.batch(3, 4))
	r.flush()
	if a := r.mustTake(c.batch(5, 4)); a.Checkpoint.Upto != 4 || len(a.Want) != 0 {
		t.Errorf("before, the checkpoint is %+v, and asked for is %v", a.Checkpoint, a.Want)
	}
	r.close()
	r.dir = backup
	r.start()
	a := r.mustTake(c.batch(5, 4))
	if d := cmp.Diff([][2]uint64{{3, 4}}, a.Want); d != "" || a.Checkpoint.Upto != 2 {
		t.Errorf("the checkpoint is %+v, and asked for is (-want +got):\n%s", a.Checkpoint, d)
	}
	r.mustTake(c.batch(3, 4))
	r.flush()
	if a := r.mustTake(c.batch(5, 4)); a.Checkpoint.Upto != 4 || len(a.Want) != 0 || len(r.events("c1")) != 4 {
		t.Errorf("in the end the checkpoint is %+v, asked for is %v, and done are %d", a.Checkpoint, a.Want, len(r.events("c1")))
	}
}

// A tablet that was put back to an earlier state sends other texts under numbers that are
// there: both are kept, it is told, and no checkpoint goes beyond.
func TestFork(t *testing.T) {
	r := rigOf(t)
	main, fork := newChain(device).add(note("c1", "a"), note("c1", "b")), newChain(device).add(note("c1", "a"), note("c1", "B"), note("c1", "C"))
	r.mustTake(main.batch(1, 2))
	for range 2 {
		if a := r.mustTake(fork.batch(2, 3)); !slices.Equal(a.Conflict, []uint64{2}) {
			t.Errorf("conflicts %v, want 2", a.Conflict)
		}
	}
	r.flush()
	for range 2 {
		if a := r.mustTake(tablet.Batch{}); a.Checkpoint == nil || a.Checkpoint.Upto != 2 || a.Checkpoint.Head != hexOf(main.hashes[2]) {
			t.Errorf("checkpoint %+v, want 2", a.Checkpoint)
		}
		if n := r.tablets.Counts(device); n.Conflicts != 1 || n.Carried != 3 || n.Notes != 3 || !cmp.Equal(n.ConflictsAt, tablet.Numbers{Total: 1, First: [][2]uint64{{2, 2}}}) {
			t.Errorf("counts %+v", n)
		}
		r.restart()
	}
}

// An interview under a number that has another text is in no other place: it is accepted.
func TestInterviewInFork(t *testing.T) {
	r := rigOf(t)
	main := newChain(device).add(note("c1", "a"), note("c1", "b"))
	fork := newChain(device).add(note("c1", "a"), done(t, interview(1, "c1")), note("c1", "C"), done(t, interview(2, "c3")))
	r.mustTake(main.batch(1, 2))
	r.mustTake(fork.batch(2, 4))
	r.mustTake(newChain(device).add(note("c1", "a"), note("c1", "B"), done(t, interview(3, "c3"))).batch(2, 3))
	for range 2 {
		r.flush()
		if want := []string{interviewID(1) + "/0"}; !slices.Equal(r.intake.accepted, want) {
			t.Errorf("accepted are %v, want %v", r.intake.accepted, want)
		}
		if got, want := r.held(), []string{"3 submit not-given", "4 submit not-given"}; !slices.Equal(got, want) {
			t.Errorf("held are %v, want %v", got, want)
		}
		r.restart()
	}
}

// Bad batches are refused, and nothing of them is kept.
func TestBadBatches(t *testing.T) {
	r := rigOf(t)
	c := newChain(device).add(note("c1", "a"), note("c1", "b"), note("c1", "c"))
	r.mustTake(c.batch(1, 1))
	other := newChain("0f8fad5b-d9cb-469f-a165-70867728950f").add("x", "y", "z")
	long := newChain(device).add(strings.Repeat("x", tablet.MaxEvent+1))
	half := strings.Repeat("x", tablet.MaxEvent)
	large := newChain(device).add(half, half, "x")
	many := newChain(device)
	for range tablet.MaxEvents + 1 {
		many.add("x")
	}
	change := func(change func(*tablet.Batch)) tablet.Batch {
		b := c.batch(2, 3)
		change(&b)
		return b
	}
	for name, x := range map[string]struct {
		b   tablet.Batch
		err error
	}{
		"of another tablet":       {other.batch(1, 1), tablet.ErrChain},
		"after another event":     {other.batch(2, 3), tablet.ErrChain},
		"number 0":                {change(func(b *tablet.Batch) { b.From = 0 }), surveys.ErrInvalid},
		"number beyond":           {change(func(b *tablet.Batch) { b.From = 1 << 40 }), surveys.ErrInvalid},
		"number around":           {change(func(b *tablet.Batch) { b.From = 1<<64 - 1 }), surveys.ErrInvalid},
		"no hash":                 {change(func(b *tablet.Batch) { b.Prev = "" }), surveys.ErrInvalid},
		"half a hash":             {change(func(b *tablet.Batch) { b.Prev = b.Prev[:63] + "g" }), surveys.ErrInvalid},
		"damage elsewhere":        {change(func(b *tablet.Batch) { b.Damaged = []uint64{4} }), surveys.ErrInvalid},
		"damage without hash":     {change(func(b *tablet.Batch) { b.Damaged = []uint64{2} }), surveys.ErrInvalid},
		"damage twice":            {change(func(b *tablet.Batch) { b.Damaged = []uint64{2, 2, 2} }), surveys.ErrInvalid},
		"only damage":             {tablet.Batch{From: 1, Prev: hexOf(c.hashes[0]), Damaged: []uint64{1}}, surveys.ErrInvalid},
		"a long event":            {long.batch(1, 1), surveys.ErrTooLarge},
		"events that are too big": {large.batch(1, 3), surveys.ErrTooLarge},
		"too many events":         {many.batch(1, tablet.MaxEvents+1), surveys.ErrTooLarge},
	} {
		if _, err := r.take(x.b); !errors.Is(err, x.err) {
			t.Errorf("%s: %v, want %v", name, err, x.err)
		}
	}
	if _, err := r.tablets.Take(t.Context(), office.Device{ID: "x"}, c.batch(2, 2)); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a tablet without ID: %v", err)
	}
	if n := r.tablets.Counts(device); n.Last != 1 || n.Conflicts != 0 {
		t.Errorf("counts %+v", n)
	}
	r.mustTake(c.batch(2, 3))
	must(t, r.log.Close())
	if _, err := r.take(newChain(device).add(c.texts...).add("{}").batch(4, 4)); !errors.Is(err, surveys.ErrUnavailable) {
		t.Errorf("the log is closed: %v", err)
	}
}

func TestBadConfigs(t *testing.T) {
	r := rigOf(t)
	for name, change := range map[string]func(*tablet.Config, *[]byte){
		"nothing at once": func(c *tablet.Config, _ *[]byte) { c.AtOnce = 0 },
		"no wait":         func(c *tablet.Config, _ *[]byte) { c.FirstWait = 0 },
		"waits":           func(c *tablet.Config, _ *[]byte) { c.LongestWait = 0 },
		"a short key":     func(_ *tablet.Config, key *[]byte) { *key = (*key)[:31] },
	} {
		cfg, k := tablet.DefaultConfig(), slices.Clone(key)
		change(&cfg, &k)
		if _, err := tablet.Open(t.Context(), cfg, r.log, r.office, r.intake, k, time.Now); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	again, err := tablet.Open(t.Context(), tablet.DefaultConfig(), r.log, r.office, r.intake, key, time.Now)
	must(t, err)
	other, err := tablet.Open(t.Context(), tablet.DefaultConfig(), r.log, r.office, r.intake, []byte(strings.Repeat("o", 32)), time.Now)
	must(t, err)
	if again.ReceiptKey() != r.tablets.ReceiptKey() || again.RescueKey() != r.tablets.RescueKey() || other.ReceiptKey() == again.ReceiptKey() || other.RescueKey() == again.RescueKey() || again.ReceiptKey() == again.RescueKey() {
		t.Error("the keys do not follow from the key of the installation")
	}
}

// Run carries out what comes while it runs, and tries again what failed; one tablet that has to
// wait keeps no other one waiting.
func TestRun(t *testing.T) {
	r := rigOf(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.tablets.Run(ctx) }()
	strange := "00000000-0000-4000-8000-000000000001" // which the office does not know
	_, err := r.tablets.Take(ctx, office.Device{ID: strange}, newChain(strange).add(note("c1", "x")).batch(1, 1))
	must(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	r.tries.mu.Lock()
	r.tries.fails = func() bool { return rng.IntN(3) == 0 }
	r.tries.mu.Unlock()
	c := newChain(device)
	for n := range 40 {
		c.add(note("c1", fmt.Sprint(n)))
		r.mustTake(c.batch(n+1, n+1))
	}
	for end := time.Now().Add(20 * time.Second); r.tablets.Counts(device).Carried < 40; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after a long time %+v", r.tablets.Counts(device))
		}
	}
	cancel()
	must(t, <-ended)
	if n := len(r.events("c1")); n != 40 {
		t.Errorf("%d events, want 40", n)
	}
}

// With the real intake: interviews are replayed and counted, and a whole one takes the place of
// one that was broken off in the browser.
func TestRealIntake(t *testing.T) {
	r := rigOf(t)
	q := &surveys.Questionnaire{ID: "tiny", Edition: "1", Languages: []surveys.Lang{surveys.ZH}, Sections: []surveys.Section{{ID: "s", Items: []surveys.Item{
		{ID: "earth", Type: surveys.Single, Required: true, Options: []surveys.Option{{Code: "yes"}, {Code: "no"}}}}}}}
	f, err := form.Compile(q)
	must(t, err)
	waves := &intake.Waves{}
	waves.Publish(wave, q.ID, q.Version(), intake.Edition{Form: f})
	cfg := wal.DefaultConfig(t.TempDir())
	cfg.SegmentBytes, cfg.BatchBytes, cfg.Logger = 8<<20, 4<<20, quiet
	log, err := wal.Open(cfg)
	must(t, err)
	defer log.Close()
	own := intake.DefaultConfig(t.TempDir())
	own.Logger, own.Key = quiet, bytes.Repeat([]byte{7}, 32)
	in, err := intake.New(own, log, nil, waves, func() time.Time { return r.now })
	must(t, err)
	r.in = in
	r.open()
	with := func(change ...func(*surveys.Interview)) func(*surveys.Interview) {
		return func(iv *surveys.Interview) {
			iv.Version = q.Version()
			for _, c := range change {
				c(iv)
			}
		}
	}
	partial := with(func(iv *surveys.Interview) {
		iv.Mode, iv.Partial, iv.Answers = surveys.ModeWeb, true, surveys.Answers{}
	})
	body, err := json.Marshal(interview(1, "c1", partial))
	must(t, err)
	_, err = in.Accept(t.Context(), body)
	must(t, err)
	if in.Stands(interviewID(1), 0) != intake.BrokenOff || in.Stands(interviewID(1), 1) != intake.Nothing || in.Stands("x", 0) != intake.Nothing {
		t.Error("what stands is not told")
	}
	c := newChain(device).add(
		done(t, interview(1, "c1", with())),
		done(t, interview(2, "c1", with())),
		done(t, interview(3, "c2", with(func(iv *surveys.Interview) { iv.Answers = surveys.Answers{"earth": {"perhaps"}} }))),
		done(t, interview(4, "c2")), // of an edition that was never published
		done(t, interview(5, "c2", with())),
	)
	r.mustTake(c.batch(1, 5))
	r.flush()
	if in.Stands(interviewID(1), 1) != intake.Stored || in.Stands(interviewID(5), 0) != intake.Stored {
		t.Error("interviews are missing in the intake")
	}
	if got, want := r.held(), []string{"2 submit quarantined", "3 submit quarantined", "4 submit invalid"}; !slices.Equal(got, want) {
		t.Errorf("held are %v, want %v", got, want)
	}
	var counted []string
	for a, err := range in.Arrivals(0) {
		must(t, err)
		if !a.Second {
			counted = append(counted, fmt.Sprint(a.ID[35:], " ", a.Revision, " ", a.Partial))
		}
	}
	if want := []string{"1 0 true", "1 1 false", "5 0 false"}; !slices.Equal(counted, want) {
		t.Errorf("the intake counts %v, want %v", counted, want)
	}
}
