package server

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// casePage is web/pages/desk-case.
type casePage struct {
	deskFrame
	Case    office.Case
	Facts   []fact
	Actions []caseAction
	Events  deskTable
	// Interview is what a reviewer is shown of it.
	Interview *interviewPart
	// Household is the address of the listing, Selected what was selected there.
	Household, Selected string
	// Personal is the address of the page with the personal link, PaperForm where an
	// interview on paper is begun, TabletForm where the person is asked on this device.
	Personal, PaperForm, TabletForm string
	// Other says that somebody else than the selected person seems to have been interviewed.
	Other string
	// Back says why a review sent the interview back.
	Back string
	// Quarantine says that further interviews came, and do not count.
	Quarantine string
	// QuarantineHref leads to where it is decided about them.
	QuarantineHref string
	Outcomes       []fieldwork.Outcome
	Contacts       []fieldwork.Contact
	Enumerators    []auth.Account
	// Now is the time as forms have it, ReasonNeeded says that assigning needs a reason.
	Now          string
	ReasonNeeded bool
	// Sent is what was sent with a form that the case, as it is now, has not any more.
	Sent []fact
	// Rules say what has to be tried still before the case can be closed.
	Rules string
	typed
}

// fact is a line of what is known.
type fact struct{ Name, Value string }

// caseAction is something that can be done, as a form.
type caseAction struct {
	Action fieldwork.Action
	Name   string
	Open   bool
}

// formActions are the actions that the page of a case has forms for. A selection has a page
// of its own, and an interview is submitted by its own pages.
var formActions = []fieldwork.Action{fieldwork.Try, fieldwork.Begin, fieldwork.Approve, fieldwork.Reject, fieldwork.Assign, fieldwork.Close, fieldwork.Reopen}

// named is a name in the address. The router gives it as it was sent when it holds what the
// path itself may not, such as a slash.
func (v *call) named(param string) (string, error) {
	name := v.Param(param)
	if v.Request().URL.RawPath == "" {
		return name, nil
	}
	name, err := url.PathUnescape(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", param, surveys.ErrNotFound)
	}
	return name, nil
}

// readCase reads the case in the address for the account.
func (d *desk) readCase(v *call, w *wave) (office.Case, error) {
	id, err := v.named("case")
	if err != nil {
		return office.Case{}, err
	}
	return d.office.Case(v.Request().Context(), v.account, w.ID, id, d.deps.Now())
}

// inCase begins a page about a case of a wave.
func (d *desk) inCase(v *call, key string) (deskFrame, *wave, office.Case, error) {
	w := d.waves()[v.Param("wave")]
	if w == nil {
		return deskFrame{}, nil, office.Case{}, fmt.Errorf("wave: %w", surveys.ErrNotFound)
	}
	c, err := d.readCase(v, w)
	if err != nil {
		return deskFrame{}, w, c, err
	}
	f, _, err := d.inWave(v, key, "case", c.ID)
	if err != nil {
		return f, w, c, err
	}
	return f, w, c, f.said(v)
}

func (d *desk) casePage(v *call) error { return d.showCase(v, http.StatusOK, "", nil) }

// showCase shows a case, and what is wrong with a form about it.
func (d *desk) showCase(v *call, status int, fault string, sent url.Values) error {
	f, w, c, err := d.inCase(v, "desk.case")
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	p := casePage{deskFrame: f, Case: c, typed: typed(sent), Now: d.deps.Now().In(surveys.ChinaTime).Format(formLayout),
		Contacts: []fieldwork.Contact{fieldwork.Visit, fieldwork.Phone, fieldwork.Letter, fieldwork.Link}}
	ctx := v.Request().Context()
	events, err := d.office.Events(ctx, w.ID, c.ID)
	if err != nil {
		return err
	}
	names, err := d.people(ctx)
	if err != nil {
		return err
	}
	if p.Events, err = d.eventTable(f, events, names); err != nil {
		return err
	}
	if v.sent("events") {
		return p.Events.send(v)
	}
	if p.Facts, err = caseFacts(f, c, events, names); err != nil {
		return err
	}
	if reason, who := sentBack(events); reason != "" {
		if p.Back, err = f.T("desk.sentback", "who", names.Name(who), "reason", reason); err != nil {
			return err
		}
	}
	if p.Interview, err = d.interviewPart(v, f, w, c); err != nil {
		return err
	}
	if err := d.casePaths(v, &p, w); err != nil {
		return err
	}
	if err := d.caseForms(v, &p); err != nil {
		return err
	}
	return d.show(v, status, "desk-case", p)
}

// casePaths are the pages below that of a case which the account may open.
func (d *desk) casePaths(v *call, p *casePage, w *wave) error {
	c, t := p.Case, &teller{deskFrame: p.deskFrame}
	if c.Selection != nil || slices.Contains(c.Offers(v.account), fieldwork.Select) {
		p.Household = p.caseHref(c.ID, "household")
		if c.Selection != nil {
			p.Selected = t.say("desk.household.is", "line", c.Selection.Line, "k", c.Selection.K)
		}
	}
	if v.account.May(auth.AssignCases) {
		p.Personal = p.caseHref(c.ID, "link")
	}
	if onPaper.offered(d, v, w, c) {
		p.PaperForm = p.caseHref(c.ID, "paper")
	}
	if faceToFace.offered(d, v, w, c) && faceToFace.hinder(c) == "" {
		p.TabletForm = p.caseHref(c.ID, "interview")
	}
	if len(c.Differs) > 0 {
		p.Other = t.say("desk.other", "in", t.differs(c.Differs))
	}
	n, err := d.office.Quarantined(v.Request().Context(), w.ID, c.ID)
	if n > 0 {
		p.Quarantine = t.say("desk.quarantine", "n", n)
		if d.deps.Quarantine != nil && v.account.May(auth.Review) {
			p.QuarantineHref = p.Here("/desk/" + url.PathEscape(w.ID) + quarantineRoom)
		}
	}
	return errors.Join(err, t.err)
}

// caseForms are what the account can do with a case, as forms.
func (d *desk) caseForms(v *call, p *casePage) (err error) {
	c, t := p.Case, &teller{deskFrame: p.deskFrame}
	offers := c.Offers(v.account)
	for _, action := range formActions {
		if slices.Contains(offers, action) {
			open := p.Typed("action") == string(action) || p.Typed("action") == "" && len(p.Actions) == 0
			p.Actions = append(p.Actions, caseAction{action, t.word(t.ActionName(action)), open})
		}
	}
	if action := p.Typed("action"); action != "" && !slices.ContainsFunc(p.Actions, func(a caseAction) bool { return string(a.Action) == action }) {
		p.Sent = t.sent(p.typed)
	}
	for _, o := range fieldwork.Outcomes(kinds(c.Method != 0)) {
		if byEnumerator(o.Code) {
			p.Outcomes = append(p.Outcomes, o)
		}
	}
	if slices.Contains(offers, fieldwork.Assign) {
		if p.Enumerators, err = d.office.Enumerators(v.Request().Context(), v.account); err != nil {
			return err
		}
		p.Enumerators = slices.DeleteFunc(p.Enumerators, func(a auth.Account) bool { return !a.Sees(c.Area) })
		p.ReasonNeeded = c.Enumerator != ""
	}
	resolution, err := fieldwork.Resolve(c.Outcomes)
	if err != nil {
		return err
	}
	rules := fieldwork.DefaultAttemptRules
	if missing := rules.Missing(c.Attempts); missing != nil && !resolution.Settled {
		visits, parts := fieldwork.Visits(c.Attempts)
		p.Rules = t.say("desk.why.early", "visits", visits, "parts", parts, "needed", rules.Visits, "neededparts", rules.DayParts)
	}
	return t.err
}

// sentFields are the fields of the forms of a case, in their order, with their words.
var sentFields = [][2]string{{"enumerator", "desk.assign.to"}, {"at", "desk.attempt.at"}, {"contact", "desk.attempt.contact"}, {"outcome", "desk.attempt.outcome"},
	{"appointment", "desk.attempt.appointment"}, {"lat", "desk.attempt.lat"}, {"lon", "desk.attempt.lon"}, {"accuracy", "desk.attempt.accuracy"}, {"reason", "desk.reason"}}

// sent lists what was typed into a form of a case, in words.
func (t *teller) sent(typed typed) []fact {
	list := []fact{{t.say("desk.column.what"), t.trailName(typed.Typed("action"))}}
	for _, f := range sentFields {
		value := typed.Typed(f[0])
		switch {
		case value == "":
			continue
		case f[0] == "contact" && contactWords[fieldwork.Contact(value)] != "":
			value = t.say(contactWords[fieldwork.Contact(value)])
		case f[0] == "outcome":
			value = cmp.Or(t.OutcomeName(fieldwork.OutcomeCode(value)), value)
		}
		list = append(list, fact{t.say(f[1]), value})
	}
	return list
}

// differWords are the things in which who was interviewed may not be as who was selected.
var differWords = map[string]string{"sex": "desk.differs.sex", "age": "desk.differs.age"}

// differs says in what somebody is not as listed.
func (t *teller) differs(in []string) string {
	var words []string
	for _, what := range in {
		words = append(words, t.say(differWords[what]))
	}
	return strings.Join(words, " · ")
}

// byEnumerator says whether an outcome is one that an enumerator reports: that of an
// interview comes with it, that of a review from there.
func byEnumerator(o fieldwork.OutcomeCode) bool {
	return !slices.Contains([]fieldwork.OutcomeCode{fieldwork.Completed, fieldwork.PartlyCompleted, fieldwork.Rejected, fieldwork.OpenedOnly, fieldwork.ReturnedLate}, o)
}

// caseFacts are the lines about a case.
func caseFacts(f deskFrame, c office.Case, events []fieldwork.Event, names people) ([]fact, error) {
	t := &teller{deskFrame: f}
	var facts []fact
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, fact{name, value})
		}
	}
	code, err := c.Disposition()
	t.word("", err)
	add(t.say("desk.column.state"), t.word(t.StateName(c.State)))
	add(t.say("desk.column.disposition"), t.DispositionName(code, c.Method != 0))
	if c.Enumerator != "" {
		add(t.say("desk.column.enumerator"), names.Name(c.Enumerator))
	}
	add(t.say("desk.column.appointment"), clockTime(c.NextAppointment()))
	if c.Interview != "" {
		add(t.say("desk.column.interview"), t.interviewWords(c.Interview, c.Revision, c.Mode))
	}
	first, second := reviewers(events)
	add(t.say("desk.column.first"), names.Name(first))
	add(t.say("desk.column.second"), names.Name(second))
	if c.Rejections > 0 {
		add(t.say("desk.column.rejections"), strconv.Itoa(c.Rejections))
	}
	add(t.say("desk.column.address"), t.address(c))
	add(t.say("desk.column.area"), t.AreaText(c.Area))
	add(t.say("desk.column.stratum"), t.stratum(c.Stratum))
	add(t.say("desk.column.psu"), c.PSU)
	add(t.say("desk.column.weight"), strconv.FormatFloat(c.Weight, 'g', 8, 64))
	var columns []string
	for name := range c.Columns {
		columns = append(columns, name)
	}
	slices.Sort(columns)
	for _, name := range columns {
		value := c.Columns[name]
		switch name {
		case "city", "county":
			value = t.AreaText(value)
		case "class":
			value = t.stratum(value)
		}
		if key := columnWords[name]; key != "" {
			name = t.say(key)
		}
		add(name, value)
	}
	return facts, t.err
}

// columnWords are the words of columns of a sample that everybody has; others keep their names.
var columnWords = map[string]string{
	"city": "desk.sample.city", "county": "desk.sample.county", "village": "desk.sample.village", columnName: "desk.sample.name", "class": "desk.sample.class",
	"replicate": "desk.sample.replicate", fieldwork.ColumnBooklet: "desk.sample.booklet",
}

// interviewWords say which interview it is and how it was done.
func (t *teller) interviewWords(id string, revision int, mode surveys.Mode) string {
	parts := []string{id}
	if mode != "" {
		parts = append(parts, t.word(t.ModeName(mode)))
	}
	return strings.Join(append(parts, t.say("desk.revision", "n", revision)), " · ")
}

// reviewers are who passed the interview that stands, on both levels.
func reviewers(events []fieldwork.Event) (first, second string) {
	for _, e := range events {
		switch {
		case e.Action == fieldwork.Submit || e.Action == fieldwork.Reject:
			first, second = "", ""
		case e.Action == fieldwork.Approve && first == "":
			first = e.Who
		case e.Action == fieldwork.Approve:
			second = e.Who
		}
	}
	return first, second
}

// eventTable lists what happened to a case.
func (d *desk) eventTable(f deskFrame, events []fieldwork.Event, names people) (deskTable, error) {
	t, err := d.table(f, "events", "desk.events", "desk.column.when", "desk.column.who", "desk.column.what", "desk.column.details")
	if err != nil {
		return t, err
	}
	words := &teller{deskFrame: f}
	for _, e := range events {
		t.add(deskCell{Text: clockTime(e.At)}, deskCell{Text: words.doer(names, e.Who)}, deskCell{Text: words.word(words.ActionName(e.Action))}, deskCell{Text: words.details(e, names)})
	}
	return t, errors.Join(words.err, t.arrange(f))
}

// details say what belongs to an event.
func (t *teller) details(e fieldwork.Event, names people) string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if e.Enumerator != "" {
		add(t.say("desk.to", "who", names.Name(e.Enumerator)))
	}
	if a := e.Attempt; a != nil {
		add(t.word(t.ContactName(a.Contact)) + " " + clockTime(a.At))
		add(t.OutcomeName(a.Outcome))
		if !a.Appointment.IsZero() {
			add(t.say("desk.appointed", "at", clockTime(a.Appointment)))
		}
		if a.Place != nil {
			add(fmt.Sprintf("%.5f, %.5f ± %.0f m", a.Place.Latitude, a.Place.Longitude, a.Place.Accuracy))
		}
	}
	if s := e.Selection; s != nil && e.Action == fieldwork.Select {
		add(t.say("desk.household.is", "line", s.Selection.Line, "k", s.Selection.K))
	}
	if e.Interview != "" {
		add(t.interviewWords(e.Interview, e.Revision, e.Mode))
	}
	add(e.Reason)
	for _, flag := range e.Flags {
		add(t.say(flagWords[flag]))
	}
	return strings.Join(parts, " · ")
}

// act does what a form of the page of a case asks for.
func (d *desk) act(v *call) error {
	sent, err := v.sentForm()
	if err != nil {
		return err
	}
	f, w, c, err := d.inCase(v, "desk.case")
	if err != nil {
		return err
	}
	t := typed(sent)
	e := fieldwork.Event{At: d.deps.Now(), Action: fieldwork.Action(t.Typed("action")), Reason: strings.TrimSpace(t.Typed("reason"))}
	if !slices.Contains(formActions, e.Action) {
		return fmt.Errorf("action %q: %w", e.Action, surveys.ErrInvalid)
	}
	seen, err := strconv.Atoi(t.Typed("seen"))
	if err != nil {
		return fmt.Errorf("the form does not say which state of the case it saw: %w", surveys.ErrInvalid)
	}
	switch e.Action {
	case fieldwork.Assign:
		e.Enumerator = t.Typed("enumerator")
	case fieldwork.Try:
		var fault string
		if e.Attempt, fault = t.attempt(); fault != "" {
			words, err := f.T(fault)
			if err != nil {
				return err
			}
			return d.showCase(v, http.StatusUnprocessableEntity, words, sent)
		}
	}
	_, err = d.office.Act(v.Request().Context(), v.account, w.ID, c.ID, seen, e, fieldwork.DefaultAttemptRules)
	if err == nil {
		return v.leadTo(f, f.url.EscapedPath(), "done")
	}
	now, nowErr := d.readCase(v, w)
	if nowErr != nil {
		return nowErr
	}
	words, status, ok, wordsErr := d.refusal(f, now, err)
	if !ok || wordsErr != nil {
		return errors.Join(err, wordsErr)
	}
	return d.showCase(v, status, words, sent)
}

// attempt reads the attempt of a form; fault is the key of the words for what is wrong.
func (t typed) attempt() (a *fieldwork.Attempt, fault string) {
	a = &fieldwork.Attempt{Contact: fieldwork.Contact(t.Typed("contact")), Outcome: fieldwork.OutcomeCode(t.Typed("outcome"))}
	var err error
	if a.At, err = formTime(t.Typed("at")); err != nil || a.At.IsZero() || contactWords[a.Contact] == "" || !byEnumerator(a.Outcome) {
		return nil, "desk.why.attempt"
	}
	if a.Appointment, err = formTime(t.Typed("appointment")); err != nil {
		return nil, "desk.why.appointment"
	}
	if a.Outcome == fieldwork.Appointment && a.Appointment.IsZero() {
		return nil, "desk.why.noappointment"
	}
	latitude, longitude := strings.TrimSpace(t.Typed("lat")), strings.TrimSpace(t.Typed("lon"))
	if latitude == "" && longitude == "" {
		return a, ""
	}
	place, ok := readPlace(latitude, longitude, strings.TrimSpace(t.Typed("accuracy")))
	if !ok {
		return nil, "desk.why.place"
	}
	a.Place = &place
	return a, ""
}

// readPlace reads a position in degrees, and its accuracy in metres, which may be empty.
func readPlace(latitude, longitude, accuracy string) (p fieldwork.Position, ok bool) {
	read := func(text string, most float64) (x float64, good bool) {
		x, err := strconv.ParseFloat(text, 64)
		return x, err == nil && x >= -most && x <= most
	}
	var good [3]bool
	p.Latitude, good[0] = read(latitude, 90)
	p.Longitude, good[1] = read(longitude, 180)
	if good[2] = true; accuracy != "" {
		p.Accuracy, good[2] = read(accuracy, 100_000)
	}
	return p, good == [3]bool{true, true, true} && p.Accuracy >= 0
}

// methodWords are the ways of selecting one person of a household.
var methodWords = map[household.Method]string{household.Kish: "desk.method.kish", household.LastBirthday: "desk.method.birthday"}
