package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// answered has the interview iv-1 of worked stored, with its revision.
func (d *deskSite) answered(revision uint32) {
	r := surveys.Response{Interview: surveys.Interview{ID: "iv-1", Wave: "village", Case: "c1", Revision: revision, Mode: surveys.ModeTablet,
		Version: village().Version(), Started: noon.Add(-750 * time.Second), Finished: noon,
		Answers: surveys.Answers{"age": {"44"}, "internet": {"no"}, "channels": {"tv", "net"}, "K01": {"dk"}, "K02": {}}}}
	d.deps.Answers = func(_ context.Context, wave, interview string) (*surveys.Response, error) {
		if wave != r.Wave || interview != r.ID {
			return nil, fmt.Errorf("interview %s: %w", interview, surveys.ErrNotFound)
		}
		return &r, nil
	}
}

// trailOf are the lines of the trail about a case with an action.
func (d *deskSite) trailOf(action, object string) (n int) {
	d.t.Helper()
	_, err := d.office.Audit(d.t.Context(), office.AuditFilter{}, func(e office.Entry) {
		if e.Action == action && e.Object == object {
			n++
		}
	})
	d.must(err)
	return n
}

// A reviewer sees how long the interview took, how it was done, what the flags say of it, and
// on request the answers in words: what was not asked is not there, what was left blank is
// said to be. That the answers were read is on record, that the page was seen is not. 750
// seconds are 12.5 minutes.
func TestDeskReviewersSeeTheInterview(t *testing.T) {
	d := worked(t)
	d.answered(1)
	all := d.found()
	const path = "/desk/village/cases/c1?lang=en"
	wu := d.as("wu")
	status, body := wu.open(path)
	d.wants(status, body, http.StatusOK, "12.5 minutes", "2026-06-01 11:47 – 2026-06-01 12:00", "Tablet", "at night: 40 minutes of it were at night", "too fast: ", "Show the answers")
	if strings.Contains(body, "How old are you") || d.trailOf("read answers", "village c1") != 0 {
		t.Error("the answers are there without being asked for")
	}
	_, body = wu.open(path + "&answers=show")
	d.wants(0, body, 0, "How old are you</th><td>44 years", "Television · Internet", "(asked, left blank)")
	if strings.Contains(body, "Hours a day") || strings.Contains(body, "Please answer as things are") {
		t.Error("what was not asked is listed")
	}
	if n := d.trailOf("read answers", "village c1"); n != 1 {
		t.Errorf("%d lines in the trail, want 1", n)
	}
	if _, body := d.as("li").open(path + "&answers=show"); strings.Contains(body, "How old are you") || strings.Contains(body, "Show the answers") {
		t.Error("the enumerator sees the answers, or the flags")
	}
	d.answered(0) // the store has an earlier revision only
	_, body = wu.open(path + "&answers=show")
	d.wants(0, body, 0, "have not reached the database yet")
	d.deps.Findings = func(ctx context.Context, _ string) ([]quality.Finding, time.Time, error) {
		<-ctx.Done()
		return nil, time.Time{}, fmt.Errorf("judging: %w", surveys.ErrUnavailable)
	}
	begin := time.Now()
	_, body = wu.open(path)
	d.wants(0, body, 0, "has not judged this interview yet")
	if wait := time.Since(begin); wait > 10*soon {
		t.Errorf("the page waited %v for the flags", wait)
	}
	d.deps.Findings = func(context.Context, string) ([]quality.Finding, time.Time, error) { return all, noon, nil }
	if got := lines(d.as("wu").rows("/desk/village/review", "first")); !strings.Contains(got, "| 0 | 0 |") {
		t.Errorf("the queue has no number of flags:\n%s", got)
	}
	d.happen("c3", submitted(noon, "iv-3"))
	if got := lines(d.as("wu").rows("/desk/village/review", "first")); !strings.Contains(got, "| 0 | — |") {
		t.Errorf("an interview that was not judged has a number:\n%s", got)
	}
	d.happen("c2", fieldwork.Event{At: noon, Who: "wu", Action: fieldwork.Reject, Reason: "again"})
	if _, body := wu.open("/desk/village/cases/c2"); strings.Contains(body, "Show the answers") {
		t.Error("an interview that does not stand is shown")
	}
}
