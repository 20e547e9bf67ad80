package server

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// The lines of a listing form: how many it begins with, and how many more a button gives.
const (
	listLines = 8
	moreLines = 4
	mostLines = 40
)

// householdPage is web/pages/desk-household: the listing of a household, before the number
// of the case is revealed.
type householdPage struct {
	deskFrame
	Case      office.Case
	Lines     []listLine
	Birthdays bool
	Method    string
	Back      string
	// Population says who belongs to it, Odd which ticked persons have an age that asks for
	// a second look, empty when there is nothing to confirm.
	Population, Odd string
	// Nobody says that nobody listed is eligible: then an attempt with that outcome is
	// recorded, at the time Now.
	Nobody bool
	Now    string
	typed
}

// listLine is a line of the form; its fields end in its number.
type listLine struct {
	N                    int
	Sex, Age, Month, Day string
	Eligible, Opener     bool
	// Wrong says what is wrong with the line.
	Wrong string
}

// selectedPage is web/pages/desk-selected: who was selected, which stands.
type selectedPage struct {
	deskFrame
	Case     office.Case
	Evidence household.Evidence
	Person   household.Person
	Sex      string
	Note     string
	Listing  deskTable
	Back     string
}

func (d *desk) householdPage(v *call) error {
	f, w, c, err := d.inCase(v, "desk.household")
	if err != nil {
		return err
	}
	switch {
	case c.Method == 0:
		return fmt.Errorf("the case is a person: %w", surveys.ErrNotFound)
	case c.Selection != nil:
		return d.showSelected(v, f, w, c, http.StatusOK)
	case !v.account.May(auth.Attempt):
		return fmt.Errorf("list the household: %w", office.ErrForbidden)
	}
	return d.showListing(v, f, c, http.StatusOK, typed{}, nil)
}

// showListing shows the form of the listing; wrong is what is wrong with its lines.
func (d *desk) showListing(v *call, f deskFrame, c office.Case, status int, sent typed, wrong map[int]string) error {
	f.Failed = f.Fault != ""
	p := householdPage{deskFrame: f, Case: c, Birthdays: c.Method == household.LastBirthday, Back: f.caseHref(c.ID), typed: sent}
	p.Nobody, p.Now = status == http.StatusUnprocessableEntity && len(wrong) == 0 && sent.listed(), d.deps.Now().In(surveys.ChinaTime).Format(formLayout)
	w := &teller{deskFrame: f}
	p.Method, p.Population = w.say(methodWords[c.Method]), w.say("desk.household.population", "survey", d.waves()[c.Wave].Title.In(f.lang))
	if odd := sent.oddAges(); len(odd) > 0 && status != http.StatusOK {
		p.Odd = w.say("desk.household.odd", "lines", strings.Join(odd, ", "), "from", oddBelow, "to", oddAbove)
	}
	if w.err != nil {
		return w.err
	}
	for n := 1; n <= sent.lines(); n++ {
		of := strconv.Itoa(n)
		p.Lines = append(p.Lines, listLine{N: n, Sex: sent.Typed("sex" + of), Age: sent.Typed("age" + of), Month: sent.Typed("month" + of), Day: sent.Typed("day" + of),
			Eligible: sent.Typed("eligible"+of) != "", Opener: sent.Typed("opener") == of, Wrong: wrong[n]})
	}
	return d.show(v, status, "desk-household", p)
}

// lines is how many lines the form has.
func (t typed) lines() int {
	n, ok := t.number("lines", listLines, mostLines)
	if !ok {
		n = listLines
	}
	if t.Typed("action") == "more" {
		n = min(n+moreLines, mostLines)
	}
	return n
}

// listed says that somebody is listed, and nobody of them eligible.
func (t typed) listed() (some bool) {
	for n := 1; n <= t.lines(); n++ {
		of := strconv.Itoa(n)
		if t.Typed("eligible"+of) != "" {
			return false
		}
		some = some || t.Typed("sex"+of) != ""
	}
	return some
}

// The ages from which a person who is said to belong to the population is asked about again:
// surveys of adults have nobody below oddBelow, and few people are above oddAbove.
const oddBelow, oddAbove = 16, 100

// oddAges are the lines of persons who are ticked as eligible with an unlikely age.
func (t typed) oddAges() (lines []string) {
	for n := 1; n <= t.lines(); n++ {
		of := strconv.Itoa(n)
		age, err := strconv.Atoi(strings.TrimSpace(t.Typed("age" + of)))
		if err == nil && t.Typed("eligible"+of) != "" && (age < oddBelow || age > oddAbove) {
			lines = append(lines, of)
		}
	}
	return lines
}

// list takes the listing in, and has one person selected.
func (d *desk) list(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	f, w, c, err := d.inCase(v, "desk.household")
	if err != nil {
		return err
	}
	sent := typed(form)
	if c.Method == 0 {
		return fmt.Errorf("the case is a person: %w", surveys.ErrNotFound)
	}
	if sent.Typed("action") == "more" {
		return d.showListing(v, f, c, http.StatusOK, sent, nil)
	}
	now := d.deps.Now().In(surveys.ChinaTime)
	l, wrong, err := sent.listing(f, c)
	l.Date = household.Date{Year: now.Year(), Month: int(now.Month()), Day: now.Day()}
	switch {
	case err != nil:
		return err
	case len(wrong) > 0:
		f.Fault, err = f.T("desk.household.wrong")
	case len(l.Persons) == 0:
		f.Fault, err = f.T("desk.household.empty")
	case !slices.ContainsFunc(l.Persons, func(p household.Person) bool { return p.Eligible }):
		f.Fault, err = f.T("desk.household.nobody")
	case sent.Typed("opener") == "":
		f.Fault, err = f.T("desk.household.who")
	case len(sent.oddAges()) > 0 && sent.Typed("sure") == "":
		f.Fault, err = f.T("desk.household.odd", "lines", strings.Join(sent.oddAges(), ", "), "from", oddBelow, "to", oddAbove)
	}
	if err != nil {
		return err
	}
	if f.Fault != "" {
		return d.showListing(v, f, c, http.StatusUnprocessableEntity, sent, wrong)
	}
	if !v.account.May(auth.Attempt) {
		return fmt.Errorf("list the household: %w", office.ErrForbidden)
	}
	if c.Selection != nil { // the date of the first listing belongs to it
		if l.Date, err = d.dateOf(v, w, c); err != nil {
			return err
		}
	}
	_, err = d.office.Select(v.Request().Context(), v.account, w.ID, c.ID, l, now)
	if err == nil {
		return v.leadTo(f, f.url.EscapedPath(), "done")
	}
	return d.notSelected(v, f, w, sent, err)
}

// notSelected answers a listing that was refused: an earlier one stands, or the state of the
// case does not allow it.
func (d *desk) notSelected(v *call, f deskFrame, w *wave, sent typed, err error) error {
	c, readErr := d.readCase(v, w)
	if readErr != nil {
		return readErr
	}
	if c.Selection != nil && errors.Is(err, surveys.ErrConflict) {
		if f.Fault, readErr = f.T("desk.why.again"); readErr != nil {
			return readErr
		}
		return d.showSelected(v, f, w, c, http.StatusConflict)
	}
	words, status, ok, wordsErr := d.refusal(f, c, err)
	if !ok || wordsErr != nil {
		return errors.Join(err, wordsErr)
	}
	f.Fault = words
	return d.showListing(v, f, c, status, sent, nil)
}

// evidenceOf is the selection of a case, with its listing.
func (d *desk) evidenceOf(v *call, w *wave, c office.Case) (household.Evidence, error) {
	events, err := d.office.Events(v.Request().Context(), w.ID, c.ID)
	if err != nil {
		return household.Evidence{}, err
	}
	for _, e := range events {
		if e.Action == fieldwork.Select && e.Selection != nil {
			return *e.Selection, nil
		}
	}
	return household.Evidence{}, fmt.Errorf("selection of case %q: %w", c.ID, surveys.ErrNotFound)
}

func (d *desk) dateOf(v *call, w *wave, c office.Case) (household.Date, error) {
	e, err := d.evidenceOf(v, w, c)
	return e.Listing.Date, err
}

// sexCodes are the sexes as forms have them.
var sexCodes = map[string]household.Sex{"man": household.Man, "woman": household.Woman, "unknown": household.SexUnknown}

// listing reads the lines of the form that are filled in; wrong says what is wrong, by line.
func (t typed) listing(f deskFrame, c office.Case) (l household.Listing, wrong map[int]string, err error) {
	l = household.Listing{Case: c.ID, Method: c.Method}
	wrong = map[int]string{}
	words := &teller{deskFrame: f}
	opener := t.Typed("opener")
	for n := 1; n <= t.lines(); n++ {
		of := strconv.Itoa(n)
		sex, age, month, day := t.Typed("sex"+of), strings.TrimSpace(t.Typed("age"+of)), strings.TrimSpace(t.Typed("month"+of)), strings.TrimSpace(t.Typed("day"+of))
		eligible := t.Typed("eligible"+of) != ""
		if sex == "" && age == "" && month == "" && day == "" && !eligible {
			if opener == of {
				wrong[n] = words.say("desk.household.opener")
			}
			continue
		}
		p := household.Person{Line: n, Sex: sexCodes[sex], Eligible: eligible, Age: household.AgeUnknown}
		if age != "" {
			years, ok := t.number("age"+of, 0, 130)
			if !ok {
				wrong[n] = words.say("desk.household.age")
			}
			p.Age = years
		}
		if p.Sex == 0 {
			wrong[n] = words.say("desk.household.sex")
		}
		if c.Method == household.LastBirthday && (month != "" || day != "") {
			m, okMonth := t.number("month"+of, 1, 12)
			of31, okDay := t.number("day"+of, 1, daysIn(m))
			if !okMonth || !okDay {
				wrong[n] = words.say("desk.household.birthday")
			}
			p.Birthday = household.Birthday{Month: m, Day: of31}
		}
		if opener == of {
			l.Opener = n
		}
		l.Persons = append(l.Persons, p)
	}
	return l, wrong, words.err
}

// daysIn is the number of days that a month can have.
func daysIn(month int) int {
	switch month {
	case 2:
		return 29
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// showSelected shows who was selected, which stands.
func (d *desk) showSelected(v *call, f deskFrame, w *wave, c office.Case, status int) error {
	f.Failed = f.Fault != ""
	e, err := d.evidenceOf(v, w, c)
	if err != nil {
		return err
	}
	p := selectedPage{deskFrame: f, Case: c, Evidence: e, Note: e.Selection.Basis.Note().In(f.lang), Back: f.caseHref(c.ID)}
	t, err := d.table(f, "listing", "desk.household.listing", "#desk.column.line", "desk.column.sex", "#desk.column.age", "desk.column.birthday", "desk.column.eligible", "desk.column.opener")
	if err != nil {
		return err
	}
	words := &teller{deskFrame: f}
	yes := func(is bool) deskCell {
		if is {
			return deskCell{Text: words.say("desk.yes")}
		}
		return deskCell{}
	}
	for _, person := range e.Listing.Persons {
		sex := words.say(sexWords[person.Sex])
		if person.Line == e.Selection.Line {
			p.Person, p.Sex = person, sex
		}
		age, birthday := deskCell{Number: true, Value: -1}, ""
		if person.Age != household.AgeUnknown {
			age = whole(person.Age)
		}
		if person.Birthday != (household.Birthday{}) {
			birthday = fmt.Sprintf("%02d-%02d", person.Birthday.Month, person.Birthday.Day)
		}
		t.add(whole(person.Line), deskCell{Text: sex}, age, deskCell{Text: birthday}, yes(person.Eligible), yes(person.Line == e.Listing.Opener))
	}
	if err := errors.Join(words.err, t.arrange(f)); err != nil {
		return err
	}
	if p.Listing = t; v.sent("listing") {
		return t.send(v)
	}
	return d.show(v, status, "desk-selected", p)
}

var sexWords = map[household.Sex]string{household.Man: "desk.sex.man", household.Woman: "desk.sex.woman", household.SexUnknown: "desk.sex.unknown"}

// selectionPage replays all selections of a wave against what was committed at the draw.
func (d *desk) selectionPage(v *call) error {
	f, w, err := d.inWave(v, "desk.selection")
	if err != nil {
		return err
	}
	ctx := v.Request().Context()
	draw, err := d.office.Draw(ctx, w.ID)
	if errors.Is(err, surveys.ErrNotFound) {
		p := tablesPage{deskFrame: f}
		if p.Intro, err = f.T("desk.selection.none"); err != nil {
			return err
		}
		return d.show(v, http.StatusOK, "desk-tables", p)
	}
	if err != nil {
		return err
	}
	committed, err := d.office.Committed(ctx, v.account, w.ID)
	if err != nil {
		return err
	}
	if v.sent("commitments") {
		return d.sendCommitments(v, f, draw, committed)
	}
	evidence, err := d.office.Evidence(ctx, v.account, w.ID)
	if err != nil {
		return err
	}
	relistings, err := d.office.Relistings(ctx, v.account, w.ID)
	if err != nil {
		return err
	}
	return d.showReplay(v, f, draw, committed, evidence, relistings)
}

// showReplay shows the faults of the selections, the listings that were changed afterwards,
// and the enumerators who select whoever opens the door too often.
func (d *desk) showReplay(v *call, f deskFrame, draw office.Draw, committed []household.Committed, evidence []office.Evidence, relistings []office.Relisting) error {
	words := &teller{deskFrame: f}
	var list []household.Evidence
	var openings []household.Opening
	unseen := map[string]int{} // listings by enumerator in which nobody listed opened the door
	for _, e := range evidence {
		if e.Evidence.Listing.Opener == 0 {
			unseen[e.Who]++
		}
		list = append(list, e.Evidence)
		if o, useful := household.OpeningOf(e.Who, e.Evidence); useful {
			openings = append(openings, o)
		}
	}
	faults, err := d.table(f, "faults", "desk.selection.faults", "desk.column.id", "desk.column.fault", "desk.column.details")
	if err != nil {
		return err
	}
	for _, found := range household.Replay(committed, list) {
		faults.add(deskCell{Text: found.Case}, deskCell{Text: found.Fault.Words().In(f.lang)}, deskCell{Text: found.Detail})
	}
	faults.Notes = []string{words.say("desk.selection.replayed", "cases", len(committed), "selections", len(evidence), "faults", len(faults.Rows))}
	relisted, err := d.table(f, "relisted", "desk.selection.relisted", "desk.column.id", "desk.column.when", "desk.column.enumerator", "#desk.column.eligiblebefore", "#desk.column.eligibleafter")
	if err != nil {
		return err
	}
	for _, r := range relistings {
		relisted.add(deskCell{Text: r.Case}, deskCell{Text: clockTime(r.At)}, deskCell{Text: r.Who}, whole(r.Before), whole(r.After))
	}
	openers, err := d.table(f, "openers", "desk.selection.openers", "desk.column.enumerator", "#desk.column.households", "#desk.column.chosen", "#desk.column.expected", "#desk.column.p",
		"#desk.column.adjusted", "desk.column.alert", "#desk.column.noopener")
	if err != nil {
		return err
	}
	number := func(x float64, digits int) deskCell {
		return deskCell{Text: strconv.FormatFloat(x, 'f', digits, 64), Number: true, Value: x}
	}
	without := 0
	for _, o := range household.TestOpeners(openings, household.DefaultAlpha) {
		alert := ""
		if o.Alert {
			alert = words.say("desk.yes")
		}
		openers.add(deskCell{Text: o.Enumerator}, whole(o.Households), whole(o.Chosen), number(o.Expected, 1), number(o.P, 4), number(o.Adjusted, 4), deskCell{Text: alert}, whole(unseen[o.Enumerator]))
		without += unseen[o.Enumerator]
		delete(unseen, o.Enumerator)
	}
	for _, who := range slices.Sorted(maps.Keys(unseen)) { // nothing of theirs can be tested
		none := percent(0, false)
		openers.add(deskCell{Text: who}, whole(0), none, none, none, none, deskCell{}, whole(unseen[who]))
		without += unseen[who]
	}
	openers.Notes = []string{words.say("desk.selection.test", "alpha", household.DefaultAlpha), words.say("desk.selection.unseen", "n", without, "of", len(evidence))}
	commitments, err := d.table(f, "commitments", "desk.selection.commitments", "desk.column.id", "desk.column.commitment", "desk.column.seal")
	if err != nil {
		return err
	}
	commitments.Empty = words.say("desk.selection.publish", "n", len(committed), "seal", draw.Seal)
	return d.showTables(v, f, words.err, faults, relisted, openers, commitments)
}

// sendCommitments sends what is published at the draw: the commitment of every household,
// and the seal of the secret.
func (d *desk) sendCommitments(v *call, f deskFrame, draw office.Draw, committed []household.Committed) error {
	t, err := d.table(f, "commitments", "desk.selection.commitments", "desk.column.id", "desk.column.commitment", "desk.column.seal")
	if err != nil {
		return err
	}
	for _, c := range committed {
		t.add(deskCell{Text: c.Case}, deskCell{Text: c.Commitment.String()}, deskCell{Text: draw.Seal.String()})
	}
	return t.send(v)
}

// mayType says whether an account may type interviews in from paper.
func (d *desk) mayType(a auth.Account) bool { return a.May(auth.Attempt) || a.May(auth.Review) }
