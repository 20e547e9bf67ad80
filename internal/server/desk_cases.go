package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// allStates is what an enumerator asks for to see more than the open cases.
const allStates = "all"

// pageRows is how many cases a page lists.
const pageRows = 100

// casesPage is web/pages/desk-cases.
type casesPage struct {
	deskFrame
	States []stateLink
	Table  deskTable
	// Cards are the cases of an enumerator, who works on a phone.
	Cards  []caseCard
	Filter office.Filter
	// Kept are the parts of the address that a form of filters keeps.
	Kept        []keptField
	Enumerators []auth.Account
	MayAssign   bool
	// Chosen is how many cases the filter chooses.
	Chosen int
	typed
}

// stateLink leads to the cases of a state.
type stateLink struct {
	Name, Href string
	N          int
	Current    bool
}

// caseCard is a case as an enumerator sees it in the list.
type caseCard struct {
	office.Case
	Href, Appointment string
	// Where is the address; Back says why a review sent the interview back.
	Where, Back string
	Overdue     bool
}

// keptField is a hidden field.
type keptField struct{ Name, Value string }

// typed is what was typed into a form, to be shown again when it was refused.
type typed url.Values

// Typed is the first value of a field.
func (t typed) Typed(name string) string { return url.Values(t).Get(name) }

// Has says whether a field has a value, as boxes and lists do.
func (t typed) Has(name, value string) bool {
	for _, v := range t[name] {
		if v == value {
			return true
		}
	}
	return false
}

// number reads a whole number of a form from least to most.
func (t typed) number(name string, least, most int) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(t.Typed(name)))
	return n, err == nil && n >= least && n <= most
}

// sentForm is what was typed into a form, without what its address says.
func (v *call) sentForm() (url.Values, error) {
	if err := v.Request().ParseForm(); err != nil {
		return nil, fmt.Errorf("the form: %w: %w", surveys.ErrInvalid, err)
	}
	return v.Request().PostForm, nil
}

// caseHref is the address of the page of a case.
func (f deskFrame) caseHref(id string, below ...string) string {
	return f.Here("/desk/" + url.PathEscape(f.Survey) + "/cases/" + strings.Join(append([]string{url.PathEscape(id)}, below...), "/"))
}

// caseSorts are what the columns of a list of cases are sorted by.
var caseSorts = map[string]office.Sort{
	"id": office.ByID, "area": office.ByArea, "stratum": office.ByStratum, "state": office.ByState, "disposition": office.ByDisposition,
	"enumerator": office.ByEnumerator, "attempts": office.ByAttempts, "last": office.ByLast, "appointment": office.ByAppointment,
}

// caseFilter is the filter that an address asks for. An area that the account does not see is
// ErrNotFound, and the try stands in the audit trail.
func (d *desk) caseFilter(v *call, w *wave) (office.Filter, error) {
	filter := office.Filter{Wave: w.ID, State: v.QueryParam("state"), Area: strings.TrimSpace(v.QueryParam("area")), Enumerator: v.QueryParam("enumerator"), Find: v.QueryParam("find")}
	if filter.Area == "" || v.account.Sees(filter.Area) {
		return filter, nil
	}
	entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "list cases", Object: w.ID + " " + cut(filter.Area, 20), Outcome: office.Refused}
	return filter, errors.Join(fmt.Errorf("area: %w", surveys.ErrNotFound), d.office.Note(v.Request().Context(), entry))
}

func (d *desk) casesPage(v *call) error {
	return d.showCases(v, http.StatusOK, "", nil)
}

// showCases lists the cases, and what is wrong with a form to assign them.
func (d *desk) showCases(v *call, status int, fault string, sent url.Values) error {
	f, w, err := d.inWave(v, "desk.cases")
	if err != nil {
		return err
	}
	f.Fault, f.Failed = fault, fault != ""
	if err := f.said(v); err != nil {
		return err
	}
	filter, err := d.caseFilter(v, w)
	if err != nil {
		return err
	}
	p := casesPage{deskFrame: f, Filter: filter, MayAssign: v.account.May(auth.AssignCases), typed: typed(sent)}
	switch {
	case p.Filter.State == allStates:
		p.Filter.State = ""
	case p.Filter.State == "" && v.account.Role == auth.Enumerator && !v.sent("cases"):
		p.Filter.State = office.OpenCases
	}
	if err := d.countStates(v, &p); err != nil {
		return err
	}
	if err := d.listCases(v, &p); err != nil {
		return err
	}
	if v.sent("cases") {
		return p.Table.send(v)
	}
	if p.MayAssign {
		if p.Enumerators, err = d.office.Enumerators(v.Request().Context(), v.account); err != nil {
			return err
		}
	}
	for _, name := range []string{"lang", typeField, "state", "sort"} {
		if value := v.QueryParam(name); value != "" {
			p.Kept = append(p.Kept, keptField{name, value})
		}
	}
	return d.show(v, status, "desk-cases", p)
}

// countStates makes the links to the states with their counts.
func (d *desk) countStates(v *call, p *casesPage) error {
	counts, err := d.office.CountStates(v.Request().Context(), v.account, p.Filter)
	if err != nil {
		return err
	}
	t := &teller{deskFrame: p.deskFrame}
	all, open := 0, 0
	for state, n := range counts {
		all += n
		if state.Open() {
			open += n
		}
	}
	link := func(state, name string, n int) {
		asked := state
		if state == "" && v.account.Role == auth.Enumerator {
			asked = allStates
		}
		current := state == p.Filter.State
		p.States = append(p.States, stateLink{name, p.with("state", asked, "after", "", "said", ""), n, current})
		if current {
			p.Chosen = n
		}
	}
	link("", t.say("desk.all"), all)
	link(office.OpenCases, t.say("desk.open"), open)
	for _, state := range fieldwork.States() {
		if n := counts[state]; n > 0 || string(state) == p.Filter.State {
			link(string(state), t.word(t.StateName(state)), n)
		}
	}
	return t.err
}

// listCases lists a page of the cases, or all of them to be downloaded.
func (d *desk) listCases(v *call, p *casesPage) error {
	ctx := v.Request().Context()
	names, err := d.people(ctx)
	if err != nil {
		return err
	}
	t, err := d.table(p.deskFrame, "cases", "desk.cases", "desk.column.id", "desk.column.area", "desk.column.stratum", "desk.column.state", "desk.column.disposition",
		"desk.column.enumerator", "#desk.column.attempts", "desk.column.last", "desk.column.appointment")
	if err != nil {
		return err
	}
	column, down := t.mark(p.deskFrame)
	filter := p.Filter
	if filter.Down = down; column >= 0 {
		filter.Sort = caseSorts[t.Columns[column].Key]
	} else if v.account.Role == auth.Enumerator {
		filter.Sort = office.ByDue
	}
	from, err := strconv.Atoi(v.QueryParam("after"))
	if err != nil || from < 0 {
		from = 0
	}
	if !v.sent("cases") {
		filter.Limit, filter.Offset = pageRows+1, from
	}
	words := &teller{deskFrame: p.deskFrame}
	n := 0
	err = d.office.Cases(ctx, v.account, filter, func(c office.Case) bool {
		if n++; filter.Limit > 0 && n > pageRows {
			t.Next = p.with("after", strconv.Itoa(from+pageRows), "said", "")
			return false
		}
		if v.account.Role == auth.Enumerator {
			at := c.NextAppointment()
			p.Cards = append(p.Cards, caseCard{Case: c, Href: p.caseHref(c.ID), Appointment: clockTime(at), Where: words.address(c), Overdue: !at.IsZero() && at.Before(d.deps.Now())})
		}
		t.add(p.caseRow(words, c, names)...)
		return words.err == nil
	})
	if from > 0 {
		t.Previous = p.with("after", strconv.Itoa(max(from-pageRows, 0)), "said", "")
	}
	p.Table = t
	return errors.Join(err, words.err, d.sayBack(v, p))
}

// sayBack has the cards of cases that a review sent back say why.
func (d *desk) sayBack(v *call, p *casesPage) error {
	for i := range p.Cards {
		c := &p.Cards[i]
		if c.Rejections == 0 || !c.State.Open() {
			continue
		}
		events, err := d.office.Events(v.Request().Context(), c.Wave, c.ID)
		if err != nil {
			return err
		}
		c.Back, _ = sentBack(events)
	}
	return nil
}

// caseRow is the row of a case in a list.
func (p *casesPage) caseRow(t *teller, c office.Case, names people) []deskCell {
	code, err := c.Disposition()
	if t.err == nil {
		t.err = err
	}
	id := deskCell{Text: c.ID, Href: p.caseHref(c.ID)}
	if p.MayAssign && c.Allows(fieldwork.Assign) {
		id.Tick, id.Ticked = c.ID, p.Has("case", c.ID)
	}
	who := ""
	if c.Enumerator != "" {
		who = names.Name(c.Enumerator)
	}
	return []deskCell{id, {Text: t.AreaText(c.Area)}, {Text: t.stratum(c.Stratum)}, {Text: t.word(t.StateName(c.State))}, {Text: t.DispositionName(code, c.Method != 0)},
		{Text: who}, whole(len(c.Attempts)), {Text: clockTime(c.Last)}, {Text: clockTime(c.NextAppointment())}}
}

// assignCases gives the cases that were ticked, or all that the filter chooses, to an
// enumerator.
func (d *desk) assignCases(v *call) error {
	sent, err := v.sentForm()
	if err != nil {
		return err
	}
	f, w, err := d.inWave(v, "desk.cases")
	if err != nil {
		return err
	}
	filter, err := d.caseFilter(v, w)
	if err != nil {
		return err
	}
	if sent.Get("which") != "all" {
		filter.IDs = append([]string{}, sent["case"]...)
	}
	fault := ""
	switch {
	case sent.Get("enumerator") == "":
		fault, err = f.T("desk.why.nobody")
	case filter.IDs != nil && len(filter.IDs) == 0:
		fault, err = f.T("desk.why.ticked")
	}
	if err != nil {
		return err
	}
	if fault != "" {
		return d.showCases(v, http.StatusUnprocessableEntity, fault, sent)
	}
	given, err := d.office.Assign(v.Request().Context(), v.account, filter,
		fieldwork.Event{At: d.deps.Now(), Enumerator: sent.Get("enumerator"), Reason: strings.TrimSpace(sent.Get("reason"))})
	if err != nil {
		words, status, ok, wordsErr := d.refusal(f, office.Case{Progress: fieldwork.Progress{State: fieldwork.Assigned}}, err)
		if !ok || wordsErr != nil {
			return errors.Join(err, wordsErr)
		}
		return d.showCases(v, status, words, sent)
	}
	pairs := []string{"n", strconv.Itoa(given.Cases), "kept", strconv.Itoa(given.Kept)}
	for _, name := range []string{"state", "area", "find", "sort"} {
		pairs = append(pairs, name, v.QueryParam(name))
	}
	return v.leadTo(f, f.url.Path, "given", pairs...)
}

// workPage is web/pages/desk-tables, with the work of every enumerator.
func (d *desk) workPage(v *call) error {
	f, w, err := d.inWave(v, "desk.work")
	if err != nil {
		return err
	}
	ctx := v.Request().Context()
	loads, err := d.office.Workload(ctx, v.account, w.ID, d.deps.Now())
	if err != nil {
		return err
	}
	all, err := d.office.Enumerators(ctx, v.account)
	if err != nil {
		return err
	}
	t, err := d.table(f, "work", "desk.work", "desk.column.enumerator", "desk.column.area", "#desk.open", "#desk.state.contacting", "#desk.column.due", "#desk.column.overdue",
		"#desk.state.submitted", "#desk.state.rejected", "#desk.state.approved", "#desk.state.closed", "#desk.column.attempts")
	if err != nil {
		return err
	}
	words := &teller{deskFrame: f}
	of := map[string]office.Load{}
	for _, l := range loads {
		of[l.Enumerator] = l
	}
	row := func(name, area, login, enumerator string) {
		l := of[login]
		delete(of, login)
		href := f.Here("/desk/" + w.ID + "/cases?enumerator=" + url.QueryEscape(enumerator))
		t.add(deskCell{Text: name, Href: href}, deskCell{Text: f.AreaText(area)}, whole(l.Open), whole(l.Contacting), whole(l.Due), whole(l.Overdue),
			whole(l.Submitted), whole(l.Returned), whole(l.Approved), whole(l.Closed), whole(l.Attempts))
	}
	if _, some := of[""]; some {
		row(words.say("desk.unassigned"), "", "", office.Nobody)
	}
	for _, a := range all {
		row(a.Name+" ("+a.Login+")", a.Area, a.Login, a.Login)
	}
	for _, l := range loads { // of accounts that are disabled, or no enumerators any more
		if _, left := of[l.Enumerator]; left {
			row(l.Enumerator, "", l.Enumerator, l.Enumerator)
		}
	}
	return d.showTables(v, f, words.err, t)
}

// tablesPage is web/pages/desk-tables: a page that is tables.
type tablesPage struct {
	deskFrame
	Intro  string
	Tables []deskTable
}

// showTables shows tables, or sends the one that is asked for.
func (d *desk) showTables(v *call, f deskFrame, err error, tables ...deskTable) error {
	p := tablesPage{deskFrame: f, Tables: tables}
	for i := range tables {
		err = errors.Join(err, tables[i].arrange(f))
	}
	if err != nil {
		return err
	}
	for _, t := range tables {
		if v.sent(t.ID) {
			return t.send(v)
		}
	}
	return d.show(v, http.StatusOK, "desk-tables", p)
}
