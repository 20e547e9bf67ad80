package server

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/suyang-survey/suyang/internal/drafts"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// linkPage is web/pages/desk-link: the personal link of a case.
type linkPage struct {
	deskFrame
	Case office.Case
	URL  string
	Code template.HTML
	Back string
}

// personalLink shows the link of a case. Whoever has it can answer for the case, so that it
// was shown stands in the audit trail.
func (d *desk) personalLink(v *call) error {
	f, w, c, err := d.inCase(v, "desk.link")
	if err != nil {
		return err
	}
	ctx := v.Request().Context()
	issue, err := d.deps.Drafts.Issue(ctx, w.ID, c.ID)
	if err != nil {
		return err
	}
	p := linkPage{deskFrame: f, Case: c, URL: d.outside(v) + d.links.path(w.ID, c.ID, issue), Back: f.caseHref(c.ID)}
	code, err := QRCode(p.URL)
	if err != nil {
		return err
	}
	p.Code = template.HTML(strings.Replace(string(code.SVG()), "<svg ", `<svg class="qr" role="img" aria-labelledby="address" width="240" height="240" `, 1)) // our own numbers
	entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "show link", Object: w.ID + " " + c.ID, Outcome: office.Done}
	if err := d.office.Note(ctx, entry); err != nil {
		return err
	}
	return d.show(v, http.StatusOK, "desk-link", p)
}

// typePaper begins the interview of a case that was answered on paper, and leads to its
// pages. It is the one interview of the case, so that it cannot be counted twice; one that
// the person began by the link is not taken over.
func (d *desk) typePaper(v *call) error {
	f, w, c, err := d.inCase(v, "desk.case")
	if err != nil {
		return err
	}
	ctx := v.Request().Context()
	if !d.mayType(v.account) {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "type paper", Object: w.ID + " " + c.ID, Outcome: office.Refused}
		return errors.Join(fmt.Errorf("type an interview in: %w", office.ErrForbidden), d.office.Note(ctx, entry))
	}
	if err := w.mustBeOpen(d.deps.Now()); err != nil {
		return err
	}
	refuse := func(key string) error {
		words, err := f.T(key)
		if err != nil {
			return err
		}
		return d.showCase(v, http.StatusConflict, words, nil)
	}
	if c.Interview != "" || !c.State.Open() {
		return refuse("desk.paper.closed")
	}
	opened, err := d.paperDoor(v, w, c)
	if err != nil {
		return err
	}
	draft, err := d.deps.Drafts.Get(ctx, opened.interview)
	switch {
	case errors.Is(err, surveys.ErrNotFound):
		return d.beginPaper(v, c, opened)
	case err != nil:
		return err
	case draft.State == drafts.Finished && opened.revision > 0: // it was accepted, and then sent back
		if err := d.deps.Drafts.Forget(ctx, opened.interview); err != nil {
			return err
		}
		return d.beginPaper(v, c, opened)
	}
	r, err := d.takeUp(&draft)
	if err != nil {
		return err
	}
	if r.state.Mode != surveys.ModePaper || draft.State == drafts.Finished {
		return refuse("desk.paper.begun")
	}
	return d.goOn(v, opened.interview)
}

// paperDoor is how the interview of a case is typed in: the one that every way of answering
// has, or the next revision of one that a review sent back.
func (d *desk) paperDoor(v *call, w *wave, c office.Case) (door, error) {
	opened := door{wave: w, caseID: c.ID, interview: d.links.interviewID(w.ID, c.ID), mode: surveys.ModePaper}
	events, err := d.office.Events(v.Request().Context(), w.ID, c.ID)
	for _, e := range events {
		if e.Action == fieldwork.Submit {
			opened.interview, opened.revision = e.Interview, uint32(c.Revision)+1
		}
	}
	return opened, err
}

func (d *desk) beginPaper(v *call, c office.Case, opened door) error {
	if c.Allows(fieldwork.Begin) {
		e := fieldwork.Event{At: d.deps.Now(), Who: v.account.Login, Action: fieldwork.Begin, Mode: surveys.ModePaper}
		if _, err := d.office.Record(v.Request().Context(), c.Wave, c.ID, e, fieldwork.DefaultAttemptRules); err != nil {
			return err
		}
	}
	return d.beginNew(v, opened)
}
