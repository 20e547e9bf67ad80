package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// newFormToken is random: a form that is sent twice is known by it.
func newFormToken() string { return rand.Text() }

// correctAction is what a form does that has an interview count; dismissAction is the other.
const correctAction = "correct"

// decide dismisses a quarantined interview or accepts a corrected one in its stead.
func (d *desk) decide(v *call) error {
	sent, err := v.sentForm()
	if err != nil {
		return err
	}
	f, w, err := d.inWave(v, "desk.quarantine.one", "n", v.Param("number"))
	if err != nil {
		return err
	}
	q, body, err := d.quarantined(v, w)
	if err != nil {
		return err
	}
	t := typed(sent)
	verdict := intake.Verdict{By: v.account.Login, Reason: strings.TrimSpace(t.Typed("reason")), Token: t.Typed("form")}
	said, fault := "dismissed", ""
	switch t.Typed("action") {
	case dismissAction:
		err = d.dismissAside(v.Request().Context(), q, verdict)
	case correctAction:
		said = "corrected"
		fault, err = d.correct(v, w, q, body, t, verdict)
	default:
		return fmt.Errorf("action %q: %w", t.Typed("action"), surveys.ErrInvalid)
	}
	status := http.StatusUnprocessableEntity
	var still *intake.StillWrong
	switch {
	case fault != "":
	case err == nil:
		return v.leadTo(f, f.url.EscapedPath(), said)
	case verdict.Reason == "":
		fault = "desk.why.reason"
	case errors.As(err, &still):
		return d.showStillWrong(v, f, still, sent)
	case errors.Is(err, surveys.ErrConflict):
		fault, status = "desk.quarantine.quicker", http.StatusConflict
	case errors.Is(err, surveys.ErrTooLarge), errors.Is(err, surveys.ErrInvalid):
		fault = "desk.quarantine.invalid"
	default:
		return err
	}
	words, err := f.T(fault)
	if err != nil {
		return err
	}
	return d.showQuarantined(v, status, words, sent)
}

// showStillWrong says why a corrected interview would not count either.
func (d *desk) showStillWrong(v *call, f deskFrame, still *intake.StillWrong, sent url.Values) error {
	t := &teller{deskFrame: f}
	words := t.say("desk.quarantine.still", "why", t.quarantineReason(still.Reason))
	if t.err != nil {
		return t.err
	}
	return d.showQuarantined(v, http.StatusUnprocessableEntity, words, sent)
}

// correct hands the corrected interview in. An account cannot move it to a case that it does
// not see. fault is the key of the words for what is wrong with the form.
func (d *desk) correct(v *call, w *wave, q setAside, body []byte, t typed, verdict intake.Verdict) (fault string, err error) {
	iv, err := intake.Interview(body)
	if err != nil {
		return "desk.quarantine.invalid", nil
	}
	if e := w.editions[iv.Version]; e != nil {
		w = e
	}
	change, fault := t.readChanges(iv, w)
	if fault != "" {
		return fault, nil
	}
	if to := strings.TrimSpace(t.Typed("case")); to != q.Case {
		areas, err := d.office.Areas(v.Request().Context(), v.account, w.ID, []string{to})
		if err != nil {
			return "", err
		}
		if _, seen := areas[to]; !seen {
			entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read case", Object: w.ID + " " + cut(to, 40), Outcome: office.Refused}
			return "desk.quarantine.nocase", d.office.Note(v.Request().Context(), entry)
		}
	}
	return "", d.correctAside(v.Request().Context(), q, intake.Correction{Verdict: verdict, Change: change, Replace: t.Has("replace", "yes")}, iv)
}

// secondsLayout is how a form has times to the second.
const secondsLayout = "2006-01-02T15:04:05"

// secondsOf is a time as a form has it.
func secondsOf(at time.Time) string { return at.In(surveys.ChinaTime).Format(secondsLayout) }

// readChanges reads what a form changes of an interview: what stands in the form as it was
// shown stays as it came, to the byte. fault is the key of the words for what is wrong.
func (t typed) readChanges(was surveys.Interview, w *wave) (change func(*surveys.Interview), fault string) {
	started, ok := t.timeOf("started", was.Started)
	finished, okToo := t.timeOf("finished", was.Finished)
	if !ok || !okToo {
		return nil, "desk.quarantine.badtime"
	}
	answers, changed := t.answersOf(was.Answers)
	return func(iv *surveys.Interview) {
		iv.Started, iv.Finished = started, finished
		iv.Case, iv.Booklet = strings.TrimSpace(t.Typed("case")), strings.TrimSpace(t.Typed("booklet"))
		if iv.Answers = answers; changed {
			w.Form.Recompute(iv)
		}
	}, ""
}

// timeOf is the time of a field, or the time that was there when the field still has that.
func (t typed) timeOf(name string, was time.Time) (at time.Time, ok bool) {
	text := t.Typed(name)
	if text == secondsOf(was) {
		return was, true
	}
	for _, layout := range []string{secondsLayout, formLayout} { // browsers leave seconds away that are 0
		if at, err := time.ParseInLocation(layout, text, surveys.ChinaTime); err == nil {
			return at.UTC(), true
		}
	}
	return at, false
}

// answersOf are the answers as a form has them, and whether it changes any. A field that has
// what was there leaves the answer alone; one without its box takes the answer away.
func (t typed) answersOf(was surveys.Answers) (answers surveys.Answers, changed bool) {
	answers = maps.Clone(was)
	if answers == nil {
		answers = surveys.Answers{}
	}
	for name := range t {
		key, is := strings.CutPrefix(name, "a.")
		if !is {
			continue
		}
		text := strings.ReplaceAll(t.Typed(name), "\r\n", "\n")
		values, there := was[key]
		same := text == strings.ReplaceAll(strings.Join(values, "\n"), "\r\n", "\n")
		switch box := t.Has("there", key); {
		case same && box == there:
		case !box && (same || text == ""):
			delete(answers, key)
			changed = true
		default:
			answers[key] = valuesOf(text, t.Has("lines", key))
			changed = changed || !there || !slices.Equal(answers[key], values)
		}
	}
	return answers, changed
}

// valuesOf are the values of a field: one in each line, or all of it one.
func valuesOf(text string, lines bool) []string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return []string{}
	case !lines:
		return []string{text}
	}
	values := []string{}
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			values = append(values, line)
		}
	}
	return values
}
