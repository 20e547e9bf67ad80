package server

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
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

// way is how the pages of an interview are opened from the page of its case.
type way struct {
	mode surveys.Mode
	// Action is what it is called in the audit trail.
	Action string
	may    func(*desk, *call, office.Case) bool
	// hinder is the key of the words that say why not now, "" when nothing is in the way.
	hinder func(office.Case) string
}

var (
	// onPaper types in what was answered on paper.
	onPaper = way{mode: surveys.ModePaper, Action: "type paper",
		may:    func(d *desk, v *call, _ office.Case) bool { return d.mayType(v.account) },
		hinder: func(office.Case) string { return "" }}
	// faceToFace asks the person on this device, which only who has the case does, and only
	// the person who was selected in the household.
	faceToFace = way{mode: surveys.ModeTablet, Action: "begin interview",
		may: func(_ *desk, v *call, c office.Case) bool {
			return v.account.May(auth.Attempt) && c.Enumerator == v.account.Login
		},
		hinder: func(c office.Case) string {
			if c.Method != 0 && c.Selection == nil {
				return "desk.tablet.unlisted"
			}
			return ""
		}}
)

// offered says whether the page of a case has a form to open its interview in this way.
func (y way) offered(d *desk, v *call, w *wave, c office.Case) bool {
	return y.may(d, v, c) && c.Interview == "" && (c.State.Open() || c.State == "") && w.mustBeOpen(d.deps.Now()) == nil
}

func (d *desk) typePaper(v *call) error      { return d.openInterview(v, onPaper) }
func (d *desk) beginInterview(v *call) error { return d.openInterview(v, faceToFace) }

// openInterview begins the interview of a case in some way, or goes on with it, and leads to
// its pages. It is the one interview of the case, so that it cannot be counted twice; one that
// was begun in another way, as by the person with the link, is not taken over.
func (d *desk) openInterview(v *call, y way) error {
	f, w, c, err := d.inCase(v, "desk.case")
	if err != nil {
		return err
	}
	ctx := v.Request().Context()
	if !y.may(d, v, c) {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: y.Action, Object: w.ID + " " + c.ID, Outcome: office.Refused}
		return errors.Join(fmt.Errorf("%s: %w", y.Action, office.ErrForbidden), d.office.Note(ctx, entry))
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
	if key := y.hinder(c); key != "" {
		return refuse(key)
	}
	if c.Interview != "" || !c.State.Open() {
		return refuse("desk.paper.closed")
	}
	opened, err := d.interviewDoor(v, w, c, y.mode)
	if err != nil {
		return err
	}
	draft, err := d.deps.Drafts.Get(ctx, opened.interview)
	switch {
	case errors.Is(err, surveys.ErrNotFound):
		return d.beginHere(v, c, opened)
	case err != nil:
		return err
	case draft.State == drafts.Finished && opened.revision > 0: // it was accepted, and then sent back
		if err := d.deps.Drafts.Forget(ctx, opened.interview); err != nil {
			return err
		}
		return d.beginHere(v, c, opened)
	}
	r, err := d.takeUp(&draft)
	if err != nil {
		return err
	}
	if r.state.Mode != y.mode || draft.State == drafts.Finished {
		return refuse("desk.paper.begun")
	}
	return d.goOn(v, opened.interview)
}

// interviewDoor is how the interview of a case is opened: the one that every way of answering
// has, or the next revision of one that a review sent back.
func (d *desk) interviewDoor(v *call, w *wave, c office.Case, mode surveys.Mode) (door, error) {
	events, err := d.office.Events(v.Request().Context(), w.ID, c.ID)
	opened := door{wave: w, caseID: c.ID, mode: mode}
	opened.interview, opened.revision = d.nextInterview(w, c, events)
	return opened, err
}

// beginHere begins an interview, and has the case say so.
func (d *desk) beginHere(v *call, c office.Case, opened door) error {
	if c.Allows(fieldwork.Begin) {
		e := fieldwork.Event{At: d.deps.Now(), Who: v.account.Login, Action: fieldwork.Begin, Mode: opened.mode}
		if _, err := d.office.Record(v.Request().Context(), c.Wave, c.ID, e, fieldwork.DefaultAttemptRules); err != nil {
			return err
		}
	}
	return d.beginNew(v, opened)
}
