package server

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// The words of what the fieldwork names.
var (
	roleWords = map[auth.Role]string{
		auth.Administrator: "desk.role.administrator", auth.Province: "desk.role.province", auth.City: "desk.role.city", auth.County: "desk.role.county",
		auth.Supervisor: "desk.role.supervisor", auth.Enumerator: "desk.role.enumerator", auth.Statistician: "desk.role.statistician", auth.Reader: "desk.role.reader",
	}
	stateWords = map[fieldwork.State]string{
		fieldwork.Drawn: "desk.state.drawn", fieldwork.Assigned: "desk.state.assigned", fieldwork.Contacting: "desk.state.contacting",
		fieldwork.Appointed: "desk.state.appointment", fieldwork.Started: "desk.state.started", fieldwork.Submitted: "desk.state.submitted",
		fieldwork.UnderReview: "desk.state.review", fieldwork.Approved: "desk.state.approved", fieldwork.Returned: "desk.state.rejected",
		fieldwork.Closed: "desk.state.closed",
	}
	actionWords = map[fieldwork.Action]string{
		fieldwork.Assign: "desk.do.assign", fieldwork.Try: "desk.do.attempt", fieldwork.Select: "desk.do.select", fieldwork.Begin: "desk.do.start",
		fieldwork.Submit: "desk.do.submit", fieldwork.Approve: "desk.do.approve", fieldwork.Reject: "desk.do.reject",
		fieldwork.Close: "desk.do.close", fieldwork.Reopen: "desk.do.reopen",
		fieldwork.Comment: "desk.do.note", fieldwork.Relist: "desk.do.relist",
	}
	// trailWords are those of what stands in the audit trail beside actions on cases.
	trailWords = map[string]string{
		"sign in": "desk.trail.signin", "put account": "desk.trail.account", "set password": "desk.trail.password", "open page": "desk.trail.page",
		"add cases": "desk.trail.cases", "put draw": "desk.trail.draw", "read case": "desk.trail.read", "read figures": "desk.trail.figures", "list cases": "desk.trail.list",
		"select again": "desk.trail.again", "show link": "desk.trail.link", "type paper": "desk.trail.paper", "begin interview": "desk.trail.begin",
		"draw back-checks": "desk.trail.drawn", "check back": "desk.trail.checked",
		"make tablet code": "desk.trail.tabletcode", "enrol tablet": "desk.trail.enrol", "revoke tablet": "desk.trail.revoke", "give cases to tablet": "desk.trail.give",
		"dismiss held": "desk.trail.dismiss", "retry held": "desk.trail.retry", "give up events": "desk.trail.giveup", "read tablet": "desk.trail.readtablet", "read rescue file": "desk.trail.rescue",
		"read quarantined": "desk.trail.quarantine", "dismiss quarantined": "desk.trail.dismissed", "correct quarantined": "desk.trail.corrected",
		"read answers": "desk.trail.answers", "read draw": "desk.trail.readdraw", "read account": "desk.trail.readaccount",
		"make release": "desk.trail.release", "publish release": "desk.trail.publish", "withdraw release": "desk.trail.withdraw", "read release": "desk.trail.readrelease", "check release": "desk.trail.checkrelease",
		"make report": "desk.trail.report", "read report": "desk.trail.readreport", "edit text": "desk.trail.text", "restore text": "desk.trail.restoretext", "draft texts": "desk.trail.drafttexts", "revoke release key": "desk.trail.revokekey",
	}
	outcomeWords = map[string]string{office.Done: "desk.outcome.done", office.Refused: "desk.outcome.refused", office.Failed: "desk.outcome.failed"}
	flagWords    = map[fieldwork.Flag]string{fieldwork.Withdrawn: "desk.flag.withdrawn", fieldwork.ClockMoved: "desk.flag.clock", fieldwork.Instead: "desk.flag.instead"}
	contactWords = map[fieldwork.Contact]string{
		fieldwork.Visit: "desk.contact.visit", fieldwork.Phone: "desk.contact.phone", fieldwork.Letter: "desk.contact.letter", fieldwork.Link: "desk.contact.link",
	}
	modeWords = map[surveys.Mode]string{
		surveys.ModeWeb: "desk.mode.web", surveys.ModeTablet: "desk.mode.tablet", surveys.ModePaper: "desk.mode.paper", surveys.ModeImport: "desk.mode.import",
	}
	faultWords = map[fieldwork.BackCheckFault]string{
		fieldwork.NoInterview: "desk.fault.interview", fieldwork.OtherPerson: "desk.fault.person", fieldwork.OtherListing: "desk.fault.listing",
		fieldwork.Shortened: "desk.fault.shortened", fieldwork.OtherMode: "desk.fault.mode", fieldwork.OtherAnswers: "desk.fault.answers",
	}
	whyWords = map[fieldwork.Why]string{
		fieldwork.RefusedState: "desk.why.state", fieldwork.RefusedNobody: "desk.why.nobody", fieldwork.RefusedReason: "desk.why.reason",
		fieldwork.RefusedAttempt: "desk.why.attempt", fieldwork.RefusedFuture: "desk.why.future", fieldwork.RefusedAppointment: "desk.why.appointment", fieldwork.RefusedBefore: "desk.why.before", fieldwork.RefusedTwice: "desk.why.twice",
		fieldwork.RefusedContradicted: "desk.why.contradicted", fieldwork.RefusedUnselected: "desk.why.unselected",
		fieldwork.RefusedPerson: "desk.why.person", fieldwork.RefusedAgain: "desk.why.again", fieldwork.RefusedUnlisted: "desk.why.unlisted",
		fieldwork.RefusedOwn: "desk.why.own", fieldwork.RefusedSecond: "desk.why.second", fieldwork.RefusedEarly: "desk.why.early",
	}
)

// StateName, ActionName, ContactName, ModeName and FaultName are words for what cases have.
func (f deskFrame) StateName(s fieldwork.State) (string, error)          { return f.T(stateWords[s]) }
func (f deskFrame) ActionName(a fieldwork.Action) (string, error)        { return f.T(actionWords[a]) }
func (f deskFrame) ContactName(c fieldwork.Contact) (string, error)      { return f.T(contactWords[c]) }
func (f deskFrame) ModeName(m surveys.Mode) (string, error)              { return f.T(modeWords[m]) }
func (f deskFrame) FaultName(b fieldwork.BackCheckFault) (string, error) { return f.T(faultWords[b]) }
func (f deskFrame) OutcomeName(o fieldwork.OutcomeCode) string           { return outcomeNames[o].In(f.lang) }
func (f deskFrame) DispositionName(c fieldwork.Code, household bool) string {
	return string(c) + " " + c.Name(kinds(household)).In(f.lang)
}

// trailName is what an action of the audit trail is called.
func (t *teller) trailName(action string) string {
	key := trailWords[action]
	if key == "" {
		key = actionWords[fieldwork.Action(action)]
	}
	if key == "" { // of a newer program
		return action
	}
	return t.say(key)
}

// outcome is what came of an action of the audit trail.
func (t *teller) outcome(e office.Entry) string {
	key := outcomeWords[e.Outcome]
	if key == "" { // of a newer program
		return e.Outcome
	}
	return t.say(key)
}

// commandLine is who acts on the office without the desk.
const commandLine = "command line"

// partWords are what parts of the program are called that act on cases.
var partWords = map[string]string{office.Intake: "desk.intake", commandLine: "desk.commandline"}

// doer is who did something: an account by its name, or a part of the program.
func (t *teller) doer(names people, who string) string {
	if key := partWords[who]; key != "" {
		return t.say(key)
	}
	return names.Name(who)
}

// outcomeNames are those of the outcomes of attempts.
var outcomeNames = func() map[fieldwork.OutcomeCode]surveys.Text {
	names := map[fieldwork.OutcomeCode]surveys.Text{}
	for _, o := range fieldwork.Outcomes(fieldwork.InPerson | fieldwork.WebNamed | fieldwork.WebUnnamed) {
		names[o.Code] = o.Name
	}
	return names
}()

// kinds are the kinds of survey whose codes a case uses: a household, or a person drawn by
// name; both may be visited and may answer by a link.
func kinds(household bool) fieldwork.Surveys {
	if household {
		return fieldwork.InPerson | fieldwork.WebUnnamed
	}
	return fieldwork.InPerson | fieldwork.WebNamed
}

// teller collects words, and the first error of them.
type teller struct {
	deskFrame
	err error
}

func (t *teller) say(key string, pairs ...any) string { return t.word(t.T(key, pairs...)) }

func (t *teller) word(text string, err error) string {
	if t.err == nil {
		t.err = err
	}
	return text
}

// clockLayout is how times are shown, formLayout how browsers write those of forms; both are
// in the time of China.
const (
	clockLayout = "2006-01-02 15:04"
	formLayout  = "2006-01-02T15:04"
)

// clockTime shows a time, empty for the zero value.
func clockTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(surveys.ChinaTime).Format(clockLayout)
}

// formTime reads a time of a form; the zero value when nothing was typed.
func formTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation(formLayout, text, surveys.ChinaTime)
}

// people are the names of accounts by login.
type people map[string]string

func (d *desk) people(ctx context.Context) (people, error) {
	all, err := d.office.Accounts(ctx, "")
	if err != nil {
		return nil, err
	}
	names := people{}
	for _, a := range all {
		names[a.Login] = a.Name
	}
	return names, nil
}

// Name is a login with the name of its owner.
func (p people) Name(login string) string {
	if name := p[login]; name != "" {
		return name + " (" + login + ")"
	}
	return login
}

// refusal is what a page says of something that could not be done, and its status; ok is
// false for errors that have a page of their own.
func (d *desk) refusal(f deskFrame, c office.Case, err error) (words string, status int, ok bool, wordsErr error) {
	state, wordsErr := f.StateName(c.State)
	if wordsErr != nil {
		return "", 0, false, wordsErr
	}
	key, status := "", http.StatusUnprocessableEntity
	if errors.Is(err, surveys.ErrConflict) {
		key, status = "desk.why.quicker", http.StatusConflict
	}
	var refused *fieldwork.Refusal
	switch {
	case errors.Is(err, office.ErrForbidden):
		return "", 0, false, nil
	case errors.As(err, &refused):
		key = whyWords[refused.Why]
	case errors.Is(err, surveys.ErrTooLarge):
		key = "desk.why.many"
	case errors.Is(err, office.ErrEnumerator):
		key = "desk.why.enumerator"
	}
	if key == "" {
		return "", 0, false, nil
	}
	visits, parts := fieldwork.Visits(c.Attempts)
	rules := fieldwork.DefaultAttemptRules
	words, wordsErr = f.T(key, "state", state, "visits", visits, "parts", parts, "most", office.MostAssigned, "needed", rules.Visits, "neededparts", rules.DayParts)
	return words, status, true, wordsErr
}

// saidWords are what a page says after a form was done, by the word in its address.
var saidWords = map[string]string{
	"done": "desk.said.done", "given": "desk.said.given", "drawn": "desk.said.drawn", "account": "desk.said.account", "password": "desk.said.password",
	"revoked": "desk.said.revoked", "dismissed": "desk.said.dismissed", "corrected": "desk.said.corrected", "retried": "desk.said.retried", "givenup": "desk.said.givenup",
	"ordered": "desk.said.ordered", "drafting": "desk.said.drafting", "text": "desk.said.text", "restored": "desk.said.restored", "releasing": "desk.said.releasing",
}

// said puts what was done before into the frame.
func (f *deskFrame) said(v *call) (err error) {
	key, known := saidWords[v.QueryParam("said")]
	if !known {
		return nil
	}
	number := func(name string) int {
		n, err := strconv.Atoi(v.QueryParam(name))
		if err != nil {
			return 0
		}
		return n
	}
	if number("kept") > 0 {
		key = "desk.said.kept"
	}
	f.Said, err = f.T(key, "n", number("n"), "kept", number("kept"))
	return err
}

// leadTo leads to a page of the desk, which says what was done; a place on it may be named
// behind a #.
func (v *call) leadTo(f deskFrame, path, said string, pairs ...string) error {
	q := f.url.Query()
	for name := range q {
		if !slices.Contains([]string{"lang", typeField}, name) {
			q.Del(name)
		}
	}
	q.Set("said", said)
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	path, place, named := strings.Cut(path, "#")
	to := path + "?" + q.Encode()
	if named {
		to += "#" + url.PathEscape(place)
	}
	return v.Redirect(http.StatusSeeOther, to)
}
