package server

import (
	"regexp"
	"strings"

	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/office"
)

// because is why something about reports was refused or failed, or what a check found, as the
// audit trail keeps it behind what it was done to. Those of makings that failed are making.Why.
type because string

// The reasons beside those of makings.
const (
	becauseArea    because = "area"    // it is about more than the area of the account
	becauseForm    because = "form"    // what was chosen or typed cannot be used
	becauseChanged because = "changed" // somebody else had changed the text
	becauseNumbers because = "numbers" // the numbers of the texts were not at hand
	becauseAbsent  because = "absent"  // there is nothing of that name
	becauseSound   because = "sound"   // a release is as it was signed
	becauseUnsound because = "unsound" // a release is not
)

// becauseWords are their words.
var becauseWords = map[because]string{
	because(making.WhyTexts): "desk.because.texts", because(making.WhyStore): "desk.because.store", because(making.WhyGone): "desk.because.gone", because(making.WhyBrowser): "desk.because.browser",
	because(making.WhyDisk): "desk.because.disk", because(making.WhyEnded): "desk.because.ended", because(making.WhyLong): "desk.because.long", because(making.WhyBusy): "desk.because.busy",
	because(making.WhyEdited):  "desk.because.edited",
	because(making.WhyInvalid): "desk.because.invalid", because(making.WhyOurs): "desk.because.ours",
	becauseArea: "desk.because.area", becauseForm: "desk.because.form", becauseChanged: "desk.because.changed", becauseNumbers: "desk.because.numbers",
	becauseAbsent: "desk.because.absent", becauseSound: "desk.because.sound", becauseUnsound: "desk.because.unsound",
}

// becauseMark stands between what something was done to and why it was not.
const becauseMark = " · "

// of is the object of an entry with the reason.
func (b because) of(object string) string { return object + becauseMark + string(b) }

// refused is an entry of what was refused, failed of what was tried and came to nothing.
func refused(e office.Entry, why because) office.Entry {
	e.Object, e.Outcome = why.of(e.Object), office.Refused
	return e
}

func failed(e office.Entry, why because) office.Entry {
	e.Object, e.Outcome = why.of(e.Object), office.Failed
	return e
}

// made is an entry of a making as it ended.
func made(e office.Entry, f *making.Failure) office.Entry {
	if f != nil {
		return failed(e, because(f.Why))
	}
	e.Outcome = office.Done
	return e
}

// noted puts what the account of a request does now into the audit trail.
func (d *desk) noted(v *call, e office.Entry) error {
	e.At, e.Who = d.deps.Now(), v.account.Login
	return d.office.Note(v.Request().Context(), e)
}

// trailObject is what an entry was done to, with the reason in words. Of what was done the end
// is no reason but what somebody typed, except of a check, which says what it found.
func (t *teller) trailObject(e office.Entry) string {
	at := strings.LastIndex(e.Object, becauseMark)
	if at < 0 || e.Outcome == office.Done && e.Action != "check release" {
		return e.Object
	}
	key := becauseWords[because(e.Object[at+len(becauseMark):])]
	if key == "" { // another kind of entry, or of a newer program
		return e.Object
	}
	return e.Object[:at] + becauseMark + t.say(key)
}

// blockName is what can be the name of a block of text. What is not does not go into the audit
// trail, since anything can be typed.
var blockName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,79}$`)
