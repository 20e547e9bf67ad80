package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// happens lets something happen to a case without the desk.
func (d *deskSite) happens(id string, e fieldwork.Event) {
	d.t.Helper()
	if e.At.IsZero() {
		e.At = noon
	}
	_, err := d.office.Record(d.t.Context(), "village", id, e, fieldwork.DefaultAttemptRules)
	d.must(err)
}

// given has a case assigned to li.
func (d *deskSite) given(ids ...string) {
	d.t.Helper()
	for _, id := range ids {
		d.happens(id, fieldwork.Event{Who: "wu", Action: fieldwork.Assign, Enumerator: "li"})
	}
}

// submitted has an interview of a case accepted, which li made.
func (d *deskSite) submitted(ids ...string) {
	d.t.Helper()
	d.given(ids...)
	for _, id := range ids {
		d.happens(id, fieldwork.Event{Who: office.Intake, Action: fieldwork.Submit, Interview: "i-" + id, Mode: surveys.ModeTablet})
	}
}

// form opens a page and returns the hidden fields of its form with an action.
func (w *worker) form(path, action string) url.Values {
	w.desk.t.Helper()
	status, body := w.open(path)
	doc, err := html.Parse(strings.NewReader(body))
	w.desk.must(err)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		fields := url.Values{}
		for in := range n.Descendants() {
			if in.Type == html.ElementNode && in.Data == "input" && attr(in, "type") == "hidden" {
				fields.Set(attr(in, "name"), attr(in, "value"))
			}
		}
		if fields.Get("action") == action {
			return fields
		}
	}
	w.desk.t.Fatalf("%s (%d) has no form to %s:\n%s", path, status, action, body)
	return nil
}

// does fills in the form of a case for an action and sends it.
func (w *worker) does(id, action string, more ...string) (int, string) {
	w.desk.t.Helper()
	path := "/desk/village/cases/" + id + "?lang=en"
	return w.send(path, with(w.form(path, action), more...))
}

// with is a copy of form fields with others added.
func with(fields url.Values, more ...string) url.Values {
	out := url.Values{}
	for name, values := range fields {
		out[name] = slices.Clone(values)
	}
	for i := 0; i+1 < len(more); i += 2 {
		out.Set(more[i], more[i+1])
	}
	return out
}

// wants fails unless a page has this status and these words.
func (d *deskSite) wants(status int, body string, wantStatus int, words ...string) {
	d.t.Helper()
	if status != wantStatus {
		d.t.Errorf("status %d, want %d\n%s", status, wantStatus, body)
	}
	for _, want := range words {
		if !strings.Contains(body, want) {
			d.t.Errorf("%q is not on the page:\n%s", want, body)
		}
	}
}

// state is the state of a case, and how many events it has.
func (d *deskSite) state(id string) string {
	d.t.Helper()
	c, err := d.office.Case(d.t.Context(), deskStaff()[1], "village", id, noon)
	d.must(err)
	return fmt.Sprint(c.State, " ", c.Changes)
}

// refusedLast is the last refused line of the audit trail.
func (d *deskSite) refusedLast() string {
	d.t.Helper()
	found := ""
	_, err := d.office.Audit(d.t.Context(), office.AuditFilter{Outcome: office.Refused, Limit: 1}, func(e office.Entry) { found = e.Who + " " + e.Action + " " + e.Object })
	d.must(err)
	return found
}

// A case goes its whole way over the pages: assigned, attempted, reviewed twice, and every
// step stands in its history with who and why.
func TestDeskCaseGoesItsWay(t *testing.T) {
	d := newDesk(t)
	wu, li, hangzhou := d.as("wu"), d.as("li"), d.as("hangzhou")
	status, body := wu.does("c1", "assign", "enumerator", "li")
	d.wants(status, body, http.StatusOK, "Saved.", "李访问员 (li)")
	status, body = li.does("c1", "attempt", "at", "2026-06-01T12:00", "contact", "visit", "outcome", "appointment", "appointment", "2026-06-02T19:00", "lat", "30.25", "lon", "120.16", "accuracy", "12")
	d.wants(status, body, http.StatusOK, "Appointment 2026-06-02 19:00", "30.25000, 120.16000 ± 12 m", "2.36 Miscellaneous")
	_, body = li.open("/desk/village/cases?lang=en")
	d.wants(0, body, 0, `<strong>c1</strong>`, "Appointment 2026-06-02 19:00")
	status, body = li.does("c1", "start")
	d.wants(status, body, http.StatusOK, "Started")
	d.happens("c1", fieldwork.Event{Who: office.Intake, Action: fieldwork.Submit, Interview: "i1", Mode: surveys.ModeTablet})
	_, body = wu.open("/desk/village/review")
	d.wants(0, body, 0, ">c1</a>")
	status, body = wu.does("c1", "approve")
	d.wants(status, body, http.StatusOK, "Waits for final review", "吴督导 (wu)")
	status, body = hangzhou.does("c1", "approve")
	d.wants(status, body, http.StatusOK, "杭州市科协 (hangzhou)")
	if got := d.state("c1"); got != "approved 6" {
		t.Errorf("the case is %s", got)
	}
	status, body = hangzhou.does("c1", "reject", "reason", "the back-check found nobody")
	d.wants(status, body, http.StatusOK, "Sent back", "the back-check found nobody")
	_, csv := hangzhou.open("/desk/village/cases/c1?lang=en&download=events")
	if lines := strings.Count(csv, "\n"); lines != 8 { // the header and seven events
		t.Errorf("the history has %d lines:\n%s", lines, csv)
	}
}

// What cannot be done says why, with the status that fits, and keeps what was typed.
func TestDeskRefusals(t *testing.T) {
	d := newDesk(t)
	d.given("c1", "c2")
	d.submitted("c3")
	wu, li := d.as("wu"), d.as("li")
	for name, c := range map[string]struct {
		who        *worker
		id, action string
		typed      []string
		status     int
		words      []string
	}{
		"close too early":         {wu, "c1", "close", []string{"reason", "no time left"}, http.StatusConflict, []string{"There were 0 visits on 0 parts", "no time left"}},
		"close without a reason":  {wu, "c1", "close", nil, http.StatusUnprocessableEntity, []string{"Give a reason."}},
		"reassign without reason": {wu, "c1", "assign", []string{"enumerator", "chen"}, http.StatusUnprocessableEntity, []string{"Give a reason.", `<option value="chen" selected`}},
		"assign to nobody":        {wu, "c1", "assign", []string{"reason", "x"}, http.StatusUnprocessableEntity, []string{"Choose the enumerator"}},
		"assign to a supervisor":  {wu, "c1", "assign", []string{"reason", "x", "enumerator", "wu"}, http.StatusUnprocessableEntity, []string{"no such enumerator"}},
		"reject without a reason": {wu, "c3", "reject", []string{"reason", " "}, http.StatusUnprocessableEntity, []string{"Give a reason."}},
		"attempt of tomorrow":     {li, "c2", "attempt", []string{"at", "2026-06-02T11:30", "contact", "phone", "outcome", "nobody-home"}, http.StatusUnprocessableEntity, []string{"later than now", `value="2026-06-02T11:30"`, `<option value="phone" selected`}},
		"attempt without outcome": {li, "c2", "attempt", []string{"at", "2026-06-01T12:00", "contact", "visit"}, http.StatusUnprocessableEntity, []string{"Give time, way and outcome"}},
		"an interview made up":    {li, "c2", "attempt", []string{"at", "2026-06-01T12:00", "contact", "visit", "outcome", "complete"}, http.StatusUnprocessableEntity, []string{"Give time, way and outcome"}},
		"appointment without one": {li, "c2", "attempt", []string{"at", "2026-06-01T12:00", "contact", "visit", "outcome", "appointment"}, http.StatusUnprocessableEntity, []string{"give its time"}},
		"appointment before":      {li, "c2", "attempt", []string{"at", "2026-06-01T12:00", "contact", "visit", "outcome", "appointment", "appointment", "2026-06-01T11:00"}, http.StatusUnprocessableEntity, []string{"later than the attempt"}},
		"a place off the earth":   {li, "c2", "attempt", []string{"at", "2026-06-01T12:00", "contact", "visit", "outcome", "nobody-home", "lat", "91", "lon", "1"}, http.StatusUnprocessableEntity, []string{"Latitude is from", `value="91"`}},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := c.who.does(c.id, c.action, c.typed...)
			d.wants(status, body, c.status, c.words...)
		})
	}
	for id, want := range map[string]string{"c1": "assigned 1", "c2": "assigned 1", "c3": "submitted 2"} {
		if got := d.state(id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
	// Actions that no form of the page has are not taken from made-up ones either.
	for action, want := range map[string]int{"submit": http.StatusBadRequest, "select": http.StatusBadRequest, "nonsense": http.StatusBadRequest, "approve": http.StatusForbidden} {
		fields := with(li.form("/desk/village/cases/c2?lang=en", "attempt"), "action", action)
		if status, _ := li.send("/desk/village/cases/c2?lang=en", fields); status != want {
			t.Errorf("li sends %s: %d, want %d", action, status, want)
		}
	}
	if status, _ := wu.send("/desk/village/cases/c1?lang=en", url.Values{"action": {"close"}}); status != http.StatusBadRequest {
		t.Errorf("a form without the state that it saw: %d", status)
	}
}

// Two supervisors send their reviews of one interview at the same moment: one wins, the
// other is told and keeps what was typed.
func TestDeskTwoReviewersAtOnce(t *testing.T) {
	d := newDesk(t)
	d.submitted("c1")
	path := "/desk/village/cases/c1?lang=en"
	both := []*worker{d.as("wu"), d.as("hangzhou")}
	forms := []url.Values{with(both[0].form(path, "approve")), with(both[1].form(path, "reject"), "reason", "too short by far")}
	var wg sync.WaitGroup
	statuses, bodies := make([]int, 2), make([]string, 2)
	for i, w := range both {
		wg.Add(1)
		go func() {
			defer wg.Done()
			statuses[i], bodies[i] = w.send(path, forms[i])
		}()
	}
	wg.Wait()
	loser := slices.Index(statuses, http.StatusConflict)
	if loser < 0 || statuses[1-loser] != http.StatusOK {
		t.Fatalf("statuses %v, want one 200 and one 409", statuses)
	}
	d.wants(statuses[loser], bodies[loser], http.StatusConflict, "This case changed meanwhile")
	if loser == 1 {
		d.wants(0, bodies[1], 0, "too short by far")
	}
	if got := d.state("c1"); got != "review 3" && got != "rejected 3" {
		t.Errorf("the case is %s", got)
	}
}

// What was typed is kept when the case, as it is now, has no such form: it stands above the
// others. So it is for a supervisor whose review would be the final one now, and for an
// attempt at a case that was closed; nothing is said of others, since it may have been oneself.
func TestDeskKeepsWhatNoFormTakes(t *testing.T) {
	d := newDesk(t)
	d.submitted("c1")
	d.given("c2")
	wu, li := d.as("wu"), d.as("li")
	const path = "/desk/village/cases/"
	stale := wu.form(path+"c1?lang=en", "reject")
	status, body := d.as("hangzhou").does("c1", "reject", "reason", "mine was first")
	d.wants(status, body, http.StatusOK)
	status, body = wu.send(path+"c1?lang=en", with(stale, "reason", "too short by far"))
	d.wants(status, body, http.StatusConflict, "This case changed meanwhile", "What you sent", "<dd>too short by far</dd>", "<dd>Send back</dd>")
	if strings.Contains(body, "Somebody else") {
		t.Error("others are blamed")
	}
	attempt := li.form(path+"c2?lang=en", "attempt")
	d.happen("c2", tried(noon, fieldwork.Vacant))
	d.happens("c2", fieldwork.Event{Who: "wu", Action: fieldwork.Close, Reason: "vacant"})
	status, body = li.send(path+"c2?lang=en", with(attempt, "at", "2026-06-01T12:00", "contact", "phone", "outcome", "nobody-home"))
	d.wants(status, body, http.StatusConflict, "<dd>2026-06-01T12:00</dd>", "<dd>Telephone</dd>", "nobody at home</dd>")
	d.submitted("c3")
	approve := wu.form(path+"c3?lang=en", "approve")
	d.happens("c3", fieldwork.Event{Who: "hangzhou", Action: fieldwork.Approve})
	status, body = wu.send(path+"c3?lang=en", approve)
	d.wants(status, body, http.StatusConflict, "This case changed meanwhile")
}

// A case of another area is not there: 404, and a line in the audit trail; nor is that of
// another enumerator, nor one that does not exist.
func TestDeskCasesOfOthers(t *testing.T) {
	d := newDesk(t)
	d.given("c1")
	for login, id := range map[string]string{"ningbo": "c1", "hangzhou": "c6", "chen": "c1", "province": "c99"} {
		w := d.as(login)
		status, body := w.open("/desk/village/cases/" + id)
		d.wants(status, body, http.StatusNotFound, "Survey desk")
		if got, want := d.refusedLast(), login+" read case village "+id; got != want {
			t.Errorf("the trail says %q, want %q", got, want)
		}
		form := url.Values{"action": {"close"}, "seen": {"0"}, "reason": {"mine now"}}
		status, body = w.send("/desk/village/cases/"+id+"?lang=en", form)
		d.wants(status, body, http.StatusNotFound)
		_, csv := w.open("/desk/village/cases?lang=en&download=cases&state=all")
		if strings.Contains(csv, "\n"+id+",") {
			t.Errorf("%s downloads case %s", login, id)
		}
	}
	for _, c := range []struct{ login, path string }{{"reader", "/desk/village/cases"}, {"stat", "/desk/village/cases/c1"}, {"li", "/desk/village/review"}, {"li", "/desk/village/work"},
		{"wu", "/desk/accounts"}, {"wu", "/desk/audit"}, {"wu", "/desk/village/selection"}, {"admin", "/desk/village/cases"}, {"li", "/desk/village/cases/c1/link"},
		{"li", "/desk/tablets"}, {"admin", "/desk/tablets"}, {"stat", "/desk/tablets"}, {"reader", "/desk/tablets/" + firstTablet}} {
		if status, _ := d.as(c.login).open(c.path); status != http.StatusForbidden {
			t.Errorf("%s opens %s: %d", c.login, c.path, status)
		}
	}
}

// The list is filtered, sorted over all cases, counted by state, and downloaded whole.
func TestDeskCaseList(t *testing.T) {
	d := newDesk(t)
	d.given("c2")
	d.submitted("c5")
	w := d.as("province")
	column := func(query string) string {
		t.Helper()
		_, csv := w.open("/desk/village/cases?lang=en&download=cases" + query)
		var ids []string
		for _, line := range strings.Split(strings.TrimSpace(csv), "\n")[1:] {
			id, _, _ := strings.Cut(line, ",")
			ids = append(ids, id)
		}
		return strings.Join(ids, " ")
	}
	for query, want := range map[string]string{
		"": "c1 c2 c3 c4 c5 c6", "&sort=-cases.id": "c6 c5 c4 c3 c2 c1", "&sort=-cases.state": "c5 c2 c1 c3 c4 c6", "&state=open": "c1 c2 c3 c4 c6",
		"&state=submitted": "c5", "&area=3302": "c6", "&enumerator=li": "c2 c5", "&enumerator=-&area=330102": "c4", "&find=C3": "c3", "&find=no": "",
	} {
		if got := column(query); got != want {
			t.Errorf("%q lists %q, want %q", query, got, want)
		}
	}
	_, body := w.open("/desk/village/cases?lang=en&state=open")
	d.wants(0, body, 0, "All <b>6</b>", "Open <b>5</b>", "Waits for review <b>1</b>", "All 5 that the filter chooses")
}

// Many cases are assigned by tick or by filter.
func TestDeskAssignMany(t *testing.T) {
	d := newDesk(t)
	wu := d.as("wu")
	status, body := wu.send("/desk/village/cases?lang=en", url.Values{"enumerator": {"li"}, "which": {"ticked"}})
	d.wants(status, body, http.StatusUnprocessableEntity, "No case is ticked", `<option value="li" selected`)
	status, body = wu.send("/desk/village/cases?lang=en", url.Values{"enumerator": {"li"}, "which": {"ticked"}, "case": {"c1", "c3", "c6"}})
	d.wants(status, body, http.StatusOK, "2 cases were assigned.") // c6 is not seen
	if strings.Contains(body, "were not") {
		t.Error("none were kept, but it is said")
	}
	status, body = wu.send("/desk/village/cases?lang=en&area=330106", url.Values{"enumerator": {"chen"}, "which": {"all"}})
	d.wants(status, body, http.StatusUnprocessableEntity, "Give a reason")
	status, body = wu.send("/desk/village/cases?lang=en&area=330106", url.Values{"enumerator": {"chen"}, "which": {"all"}, "reason": {"li is ill"}})
	d.wants(status, body, http.StatusOK, "3 cases were assigned")
	status, body = wu.send("/desk/village/cases?lang=en", url.Values{"enumerator": {"province"}, "which": {"all"}})
	d.wants(status, body, http.StatusUnprocessableEntity, "no such enumerator")
	_, body = wu.open("/desk/village/work?lang=en&download=work")
	d.wants(0, body, 0, "Nobody,,2,", "陈访问员 (chen),3301 Hangzhou,3,", "李访问员 (li),3301 Hangzhou,0,")
	if status, _ := d.as("li").send("/desk/village/cases?lang=en", url.Values{"enumerator": {"li"}, "which": {"all"}}); status != http.StatusForbidden {
		t.Errorf("an enumerator assigns: %d", status)
	}
}

// listing fills in the form of a household: sex, age and "yes" for who is eligible, by line.
func listing(opener string, lines ...[3]string) url.Values {
	form := url.Values{"opener": {opener}}
	for i, l := range lines {
		n := strconv.Itoa(i + 1)
		form.Set("sex"+n, l[0])
		form.Set("age"+n, l[1])
		if l[2] != "" {
			form.Set("eligible"+n, l[2])
		}
	}
	return form
}

// householdDesk has a draw of households at the desk of the wave, one of them for li.
func householdDesk(t *testing.T, method string) (d *deskSite, id string) {
	t.Helper()
	d = newDesk(t)
	draw := householdDraw(t, method)
	cases, err := draw.Cases(0)
	d.must(err)
	d.must(d.office.PutDraw(t.Context(), office.NewDraw{Wave: "village", Draw: draw, Cases: cases, By: "province", At: noon}))
	id = cases[0].ID
	d.given(id)
	return d, id
}

// A household is listed and one person selected; it stands, a second other listing is
// refused and on record, the same one again is not, and the replay finds nothing wrong.
func TestDeskHousehold(t *testing.T) {
	d, id := householdDesk(t, "kish")
	li := d.as("li")
	path := "/desk/village/cases/" + url.PathEscape(id) + "/household?lang=en"
	form := listing("2", [3]string{"man", "44", "yes"}, [3]string{"woman", "41", "yes"}, [3]string{"woman", "12", ""})
	for name, c := range map[string]struct {
		form  url.Values
		words string
	}{
		"nobody listed":          {url.Values{}, "Nobody is listed yet"},
		"an age too high":        {with(form, "age1", "131"), "whole number from 0 to 130"},
		"no sex":                 {with(form, "sex2", ""), "Choose the sex"},
		"an empty opener":        {with(form, "opener", "7"), "Nobody is listed on this line"},
		"no word of the opener":  {with(form, "opener", ""), "Say who opened the door"},
		"a child is ticked":      {with(form, "age2", "15"), `name="sure"`},
		"somebody of 101 years":  {with(form, "age1", "101"), "Line 1: the person is ticked, and under 16 or over 100"},
		"a child, and no answer": {with(form, "age2", "15", "opener", ""), "Say who opened the door"},
		"nobody eligible":        {listing("1", [3]string{"woman", "12", ""}), "Record that nobody is eligible"},
		"nonsense as a sex":      {with(form, "sex1", "x"), "Choose the sex"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := li.send(path, with(c.form))
			d.wants(status, body, http.StatusUnprocessableEntity, c.words)
		})
	}
	_, body := li.open(path)
	d.wants(0, body, 0, "by age and residence, as the plan of “Village science survey” has it")
	if strings.Contains(body, `name="sure"`) {
		t.Error("there is something to confirm before anything was listed")
	}
	status, body := li.send(path, with(form, "action", "more"))
	d.wants(status, body, http.StatusOK, `id="age12"`, `value="44"`)
	status, body = li.send(path, with(form))
	d.wants(status, body, http.StatusOK, "Selected among 2 eligible persons, with the probability 1/2")
	c, err := d.office.Case(t.Context(), deskStaff()[1], "village", id, noon)
	d.must(err)
	if c.Selection == nil || c.Selection.K != 2 || !strings.Contains(body, fmt.Sprintf("Interview line %d:", c.Selection.Line)) {
		t.Fatalf("the case has the selection %+v, the page:\n%s", c.Selection, body)
	}
	d.clock.pass(48 * time.Hour)
	li = d.as("li")
	status, body = li.send(path, with(form))
	d.wants(status, body, http.StatusOK, "Selected among 2")
	status, body = li.send(path, with(form, "age1", "45"))
	d.wants(status, body, http.StatusConflict, "was listed and somebody selected before", fmt.Sprintf("Interview line %d:", c.Selection.Line))
	if got, want := d.refusedLast(), "li select again village "+id; got != want {
		t.Errorf("the trail says %q, want %q", got, want)
	}
	stat := d.as("stat")
	_, body = stat.open("/desk/village/selection?lang=en")
	d.wants(0, body, 0, "1 selections were replayed: 0 faults", "In 0 of 1 listings nobody listed opened the door", `<th scope="row">li</th>`)
	if got := stat.rows("/desk/village/selection", "relisted"); len(got) != 0 {
		t.Errorf("relisted are %v", got)
	}
	relisted := fieldwork.Event{At: noon, Who: "li", Action: fieldwork.Relist, Flags: []fieldwork.Flag{fieldwork.Withdrawn, fieldwork.ClockMoved}, Selection: &household.Evidence{
		Listing: household.Listing{Case: id, Method: household.Kish, Date: household.Date{Year: 2026, Month: 6, Day: 1}, Persons: []household.Person{{Line: 1, Sex: household.Man, Age: 50, Eligible: true}}}}}
	_, err = d.office.Record(t.Context(), "village", id, relisted, fieldwork.DefaultAttemptRules)
	d.must(err)
	if got, want := lines(stat.rows("/desk/village/selection", "relisted")), id+" | 2026-06-01 12:00 | li | 2 | 1"; got != want {
		t.Errorf("relisted are\n%s\nwant\n%s", got, want)
	}
	_, body = li.open("/desk/village/cases/" + url.PathEscape(id) + "?lang=en")
	d.wants(0, body, 0, "Listing changed after the selection", "no longer with this enumerator", "the clock of the tablet was wrong")
	_, body = li.open(path)
	d.wants(0, body, 0, "Selected among 2 eligible persons")
	_, csv := stat.open("/desk/village/selection?lang=en&download=commitments")
	draw, err := d.office.Draw(t.Context(), "village")
	d.must(err)
	committed, err := d.office.Committed(t.Context(), auth.Account{Role: auth.Province}, "village")
	d.must(err)
	d.wants(0, csv, 0, id+","+committed[slices.IndexFunc(committed, func(c household.Committed) bool { return c.Case == id })].Commitment.String()+","+draw.Seal.String())
	if lines := strings.Count(csv, "\n"); lines != len(committed)+1 {
		t.Errorf("%d lines for %d commitments", lines, len(committed))
	}
}

// A birthday that no year has is refused by its line; and a household in which nobody is
// eligible is recorded as an attempt that settles the case.
func TestDeskLastBirthday(t *testing.T) {
	d, id := householdDesk(t, "last-birthday")
	li := d.as("li")
	path := "/desk/village/cases/" + url.PathEscape(id) + "/household?lang=en"
	form := listing("1", [3]string{"man", "44", "yes"}, [3]string{"woman", "41", "yes"})
	status, body := li.send(path, with(form, "month1", "2", "day1", "30"))
	d.wants(status, body, http.StatusUnprocessableEntity, "There is no such day", `value="30"`)
	status, body = li.send(path, listing("1", [3]string{"woman", "12", ""}))
	d.wants(status, body, http.StatusUnprocessableEntity, "Record that nobody is eligible")
	status, body = li.does(url.PathEscape(id), "attempt", "at", "2026-06-01T12:00", "contact", "visit", "outcome", "nobody-eligible")
	d.wants(status, body, http.StatusOK, "4.70")
	status, body = d.as("wu").does(url.PathEscape(id), "close", "reason", "nobody eligible")
	d.wants(status, body, http.StatusOK, "Closed")
	// An age that asks for a second look is taken once it is confirmed, and a listing without an
	// opener is counted.
	third, id := householdDesk(t, "kish")
	odd := with(listing("0", [3]string{"man", "101", "yes"}), "sure", "yes")
	status, body = third.as("li").send("/desk/village/cases/"+url.PathEscape(id)+"/household?lang=en", odd)
	third.wants(status, body, http.StatusOK, "Interview line 1: Man, 101 years")
	if got := lines(third.as("stat").rows("/desk/village/selection", "openers")); got != "li | 0 | — | — | — | — |  | 1" {
		t.Errorf("the openers are\n%s", got)
	}
	// The birthdays decide: on 1 June, 31 May is the last one, 2 June the first.
	other, id := householdDesk(t, "last-birthday")
	li = other.as("li")
	status, body = li.send("/desk/village/cases/"+url.PathEscape(id)+"/household?lang=en", with(form, "month1", "6", "day1", "2", "month2", "5", "day2", "31"))
	other.wants(status, body, http.StatusOK, "Interview line 2: Woman, 41 years", "assumes that the day of the listing")
}

// The personal link is shown to those who assign, with its code, and that is on record; from
// paper the one interview of the case is typed in.
func TestDeskLinkAndPaper(t *testing.T) {
	d := newDesk(t)
	d.given("c1", "c2")
	wu, li := d.as("wu"), d.as("li")
	status, body := wu.open("/desk/village/cases/c1/link")
	d.wants(status, body, http.StatusOK, d.served.URL+d.caseLink("village", "c1"), `<svg class="qr"`)
	if trail, err := d.office.Trail(t.Context(), 1); err != nil || trail[0].Action != "show link" || trail[0].Object != "village c1" {
		t.Errorf("the trail ends with %+v, %v", trail, err)
	}
	status, body = li.send("/desk/village/cases/c1/paper?lang=en", url.Values{})
	d.wants(status, body, http.StatusOK, "About you", `name="a.age"`)
	status, body = li.send("/desk/village/cases/c1/paper?lang=en", url.Values{}) // again: the same interview
	d.wants(status, body, http.StatusOK, `name="a.age"`)
	if got := d.state("c1"); got != "started 2" {
		t.Errorf("the case is %s", got)
	}
	p := d.do(get(d.caseLink("village", "c1") + "?lang=en"))
	for p = p.press("start"); !strings.Contains(p.body, `value="send"`); p = p.press("next") {
		p.fill("age", "44").fill("internet", "no").fill("channels", "tv").fill("K01", "true")
	}
	p.press("send")
	list := d.stored()
	if len(list) != 1 || list[0].Mode != surveys.ModePaper || list[0].Case != "c1" {
		t.Fatalf("stored: %+v", list)
	}
	second := surveys.Interview{ID: "another", Wave: "village", Case: "c1", Mode: surveys.ModeWeb}
	d.must(d.office.Take(t.Context(), []office.Arrival{{Response: surveys.Response{Interview: list[0], Node: 1, Seq: 1, Received: noon}}, {Response: surveys.Response{Interview: second, Node: 1, Seq: 2, Received: noon}}}, nil))
	_, body = wu.open("/desk/village/cases/c1")
	d.wants(0, body, 0, "1 further interviews came for this case", "Paper")
	status, body = wu.send("/desk/village/cases/c1/paper?lang=en", url.Values{})
	d.wants(status, body, http.StatusConflict, "The case has an interview or is closed")
	// Who began by the link goes on there; and what was sent back is typed in as a revision.
	d.do(get(d.caseLink("village", "c2") + "?lang=en")).press("start")
	status, body = li.send("/desk/village/cases/c2/paper?lang=en", url.Values{})
	d.wants(status, body, http.StatusConflict, "begun in another way")
	wu.does("c1", "reject", "reason", "a page is missing")
	status, body = li.send("/desk/village/cases/c1/paper?lang=en", url.Values{})
	d.wants(status, body, http.StatusOK, `name="a.age"`)
	if status, _ := d.as("stat").send("/desk/village/cases/c1/paper?lang=en", url.Values{}); status != http.StatusForbidden {
		t.Errorf("a statistician types in: %d", status)
	}
}

// Face to face the enumerator who has the case asks the person on this device, with the mode
// of its own; nobody else does, not before somebody was selected in a household, and not beside
// an interview on paper. What was sent back is asked again as the next revision.
func TestDeskFaceToFace(t *testing.T) {
	d := newDesk(t)
	d.given("c1", "c2")
	wu, li := d.as("wu"), d.as("li")
	const path = "/desk/village/cases/"
	_, body := li.open(path + "c1")
	d.wants(0, body, 0, `action="/desk/village/cases/c1/interview?lang=en"`)
	if _, body := wu.open(path + "c1"); strings.Contains(body, "c1/interview") {
		t.Error("a supervisor is offered the interview")
	}
	status, _ := wu.send(path+"c1/interview?lang=en", url.Values{})
	d.wants(status, "", http.StatusForbidden)
	if got, want := d.refusedLast(), "wu begin interview village c1"; got != want {
		t.Errorf("the trail says %q, want %q", got, want)
	}
	status, _ = d.as("chen").send(path+"c1/interview?lang=en", url.Values{})
	d.wants(status, "", http.StatusNotFound)
	for revision := range uint32(2) {
		status, body = li.send(path+"c1/interview?lang=en", url.Values{})
		d.wants(status, body, http.StatusOK, "About you", `name="a.age"`)
		status, body = li.send(path+"c1/paper?lang=en", url.Values{})
		d.wants(status, body, http.StatusConflict, "begun in another way")
		p := d.do(get(d.caseLink("village", "c1") + "?lang=en"))
		for p = p.press("start"); !strings.Contains(p.body, `value="send"`); p = p.press("next") {
			p.fill("age", "44").fill("internet", "no").fill("channels", "tv").fill("K01", "true")
		}
		p.press("send")
		list := d.stored() // every arrival
		last := list[len(list)-1]
		if len(list) != int(revision)+1 || last.ID != list[0].ID || last.Mode != surveys.ModeTablet || last.Revision != revision || last.Case != "c1" {
			t.Fatalf("stored: %+v, want one interview of the tablet, up to revision %d", list, revision)
		}
		d.must(d.office.Take(t.Context(), []office.Arrival{{Response: surveys.Response{Interview: last, Node: 1, Seq: uint64(revision) + 1, Received: noon}}}, nil))
		if revision == 0 {
			status, body = wu.does("c1", "reject", "reason", "a page is missing")
			d.wants(status, body, http.StatusOK)
		}
	}
	home, id := householdDesk(t, "kish")
	li = home.as("li")
	at := path + url.PathEscape(id)
	if _, body := li.open(at); strings.Contains(body, "/interview?") {
		t.Error("the interview is offered before anybody is selected")
	}
	status, body = li.send(at+"/interview?lang=en", url.Values{})
	home.wants(status, body, http.StatusConflict, "List the household first")
}

// An enumerator reads where to go: the area by name, the village by its name and which
// household; and why a review sent the interview back, in the list and on top of the case.
func TestDeskPlaces(t *testing.T) {
	d, id := householdDesk(t, "kish")
	named := fieldwork.Case{ID: "v1", Stratum: "330100/rural", PSU: "1", Weight: 1, Columns: map[string]string{"village": "330106001004", "name": "东山村", "class": "rural", "city": "330100"}}
	d.must(d.office.AddCases(t.Context(), "village", []fieldwork.Case{named}, "setup", noon))
	d.given("v1")
	li := d.as("li")
	_, number, _ := strings.Cut(id, "-")
	number = strings.TrimLeft(number, "0")
	_, body := li.open("/desk/village/cases")
	d.wants(0, body, 0, "330106 Xihu District · household "+number+" ·", "330106 Xihu District · 东山村 ·")
	_, body = li.open("/desk/village/cases/v1")
	d.wants(0, body, 0, "<dd>330106 Xihu District · 东山村</dd>", "<dd>330100 Hangzhou/rural</dd>", "<dt>Urban–rural class</dt><dd>rural</dd>", "<dd>330100 Hangzhou</dd>", "<dt>Name of the village or committee</dt>")
	_, body = li.open("/desk/village/cases/v1?lang=zh")
	d.wants(0, body, 0, "<dd>330106 西湖区 · 东山村</dd>", "<dd>330100 杭州市/农村</dd>", "<dd>农村</dd>")
	d.happens("v1", fieldwork.Event{Who: office.Intake, Action: fieldwork.Submit, Interview: "i-v1", Mode: surveys.ModePaper})
	d.happens("v1", fieldwork.Event{Who: "wu", Action: fieldwork.Reject, Reason: "page 3 is missing"})
	_, body = li.open("/desk/village/cases")
	d.wants(0, body, 0, "Sent back: page 3 is missing")
	_, body = li.open("/desk/village/cases/v1")
	d.wants(0, body, 0, `<p class="trial">吴督导 (wu) sent the interview back: page 3 is missing</p>`)
	d.happens("v1", fieldwork.Event{Who: office.Intake, Action: fieldwork.Submit, Interview: "i-v1", Revision: 1, Mode: surveys.ModePaper})
	if _, body := li.open("/desk/village/cases/v1"); strings.Contains(body, "sent the interview back") {
		t.Error("the reason stands after another interview came")
	}
}

// A list of cases of an area that the account does not see is not there: 404, and a line in
// the audit trail, whether it is read, downloaded, or cases are to be given from it.
func TestDeskListsOfOthers(t *testing.T) {
	d := newDesk(t)
	hangzhou := d.as("hangzhou")
	for _, path := range []string{"/desk/village/cases?lang=en&area=3302", "/desk/village/cases?lang=en&area=33", "/desk/village/cases?lang=en&area=3302&download=cases", "/desk/village/review?lang=en&area=330203"} {
		status, body := hangzhou.open(path)
		d.wants(status, body, http.StatusNotFound)
		u, err := url.Parse(path)
		d.must(err)
		if got, want := d.refusedLast(), "hangzhou list cases village "+u.Query().Get("area"); got != want {
			t.Errorf("%s: the trail says %q, want %q", path, got, want)
		}
	}
	status, body := hangzhou.send("/desk/village/cases?lang=en&area=3302", url.Values{"enumerator": {"li"}, "which": {"all"}})
	d.wants(status, body, http.StatusNotFound)
	for login, area := range map[string]string{"hangzhou": "330102", "province": "3302"} {
		status, body := d.as(login).open("/desk/village/cases?lang=en&area=" + area)
		d.wants(status, body, http.StatusOK)
	}
}

// Back-checks are drawn with a seed that is kept, done by somebody else, and tallied with an
// interval.
func TestDeskBackChecks(t *testing.T) {
	d := newDesk(t)
	d.submitted("c1", "c2", "c3", "c4")
	wu := d.as("wu")
	path := "/desk/village/backchecks?lang=en"
	for _, bad := range []url.Values{{"share": {"101"}, "least": {"1"}}, {"share": {"x"}, "least": {"1"}}, {"share": {"10"}, "least": {"1"}, "seed": {"-1"}}} {
		status, body := wu.send(path, with(bad))
		d.wants(status, body, http.StatusUnprocessableEntity, "whole number from 0 to 100")
	}
	status, body := wu.send(path, url.Values{"share": {"10"}, "least": {"2"}, "seed": {"7"}})
	d.wants(status, body, http.StatusOK, "2 interviews were drawn", "To be done")
	list, err := d.office.BackChecks(t.Context(), deskStaff()[4], "village")
	d.must(err)
	// The draw is that of the seed: fieldwork.DrawBackChecks gives the same cases.
	var all []fieldwork.Checkable
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		all = append(all, fieldwork.Checkable{Case: id, Interview: "i-" + id, Enumerator: "li"})
	}
	want, err := fieldwork.DrawBackChecks(7, all, nil, fieldwork.BackCheckRule{Share: 0.1, Least: 2})
	d.must(err)
	if len(list) != 2 || list[0].Case != want[0].Case || list[1].Case != want[1].Case || list[0].Seed != 7 {
		t.Fatalf("drawn %+v, want %+v", list, want)
	}
	status, body = wu.send(path, url.Values{"share": {"10"}, "least": {"2"}, "seed": {"8"}})
	d.wants(status, body, http.StatusConflict, "drawn with another seed")
	status, body = wu.send(path, url.Values{"share": {"10"}, "least": {"2"}}) // with the seed of the wave
	d.wants(status, body, http.StatusOK, "0 interviews were drawn")
	one := "/desk/village/backchecks/" + list[0].Case + "?lang=en"
	status, body = wu.send(one, url.Values{})
	d.wants(status, body, http.StatusUnprocessableEntity, "Say whether somebody was reached")
	status, body = wu.send(one, url.Values{"reached": {"yes"}, "compared": {"3"}, "differing": {"4"}, "remark": {"seen at noon"}})
	d.wants(status, body, http.StatusUnprocessableEntity, "The numbers do not fit", "seen at noon")
	status, body = wu.send(one, url.Values{"reached": {"yes"}, "fault": {"other-person"}, "compared": {"5"}, "differing": {"2"}})
	d.wants(status, body, http.StatusOK, "Another person answered · 2 of 5 answers differ")
	status, body = wu.send(one, url.Values{"reached": {"yes"}})
	d.wants(status, body, http.StatusConflict, "was checked before")
	_, csv := wu.open("/desk/village/backchecks?lang=en&download=tally")
	// Wilson's interval of 1 of 1: from 1/(1+z²) = 20.7 % to 100 %, z = 1.96.
	d.wants(0, csv, 0, "李访问员 (li),2,1,1,1,1,20.7% – 100.0%,2,5")
	undrawn := "c1"
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		if id != list[0].Case && id != list[1].Case {
			undrawn = id
		}
	}
	if status, _ := wu.open("/desk/village/backchecks/" + undrawn); status != http.StatusNotFound {
		t.Errorf("a case that was not drawn: %d", status)
	}
}

// get is a request for a page.
func get(path string) *http.Request {
	r, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		panic(err)
	}
	return r
}

// householdDraw draws households in three villages of Hangzhou, a person of each by method.
func householdDraw(t *testing.T, method string) *fieldwork.Draw {
	t.Helper()
	plan, err := fieldwork.ReadDrawPlan("plan.yaml", []byte(`seed: 3
frame: frame.csv
vintage: "2023"
strata: [city]
allocation: {total: 2, rule: equal}
stages:
  - {unit: village, method: simple}
  - {unit: household, method: simple, number: 3}
person: `+method+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	frame := &fieldwork.Frame{Hash: strings.Repeat("0", 64), Vintage: "2023"}
	for n := range 3 {
		frame.Units = append(frame.Units, fieldwork.FrameUnit{Code: fmt.Sprintf("3301060010%02d", n+1), Class: "urban", Households: 20, Adults: 50, Size: 50})
	}
	draw, err := plan.Draw(frame, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	return draw
}

// IDs are what a sample file has, and lead to their pages whatever stands in them.
func TestDeskOddIDs(t *testing.T) {
	d := newDesk(t)
	ids := []string{"c/1", "样本 3?", "a%2Fb", "100%", "x&y=z", `"><b>`, "a+b", "a;b#c"}
	var cases []fieldwork.Case
	for _, id := range ids {
		cases = append(cases, fieldwork.Case{ID: id, Stratum: "1", PSU: "1", Weight: 1, Columns: map[string]string{"city": "330100", "<i>": "<u>"}})
	}
	d.must(d.office.AddCases(t.Context(), "village", cases, "setup", noon))
	wu := d.as("wu")
	_, body := wu.open("/desk/village/cases?lang=en")
	doc, err := html.Parse(strings.NewReader(body))
	d.must(err)
	found := map[string]string{}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" && strings.HasPrefix(attr(n, "href"), "/desk/village/cases/") {
			found[text(n)] = attr(n, "href")
		}
	}
	for _, id := range ids {
		path := found[id]
		if path == "" {
			t.Errorf("%q is not in the list", id)
			continue
		}
		status, body := wu.open(path)
		shown := &page{}
		shown.doc, err = html.Parse(strings.NewReader(body))
		d.must(err)
		if got := shown.title(); status != http.StatusOK || got != "Case "+id {
			t.Errorf("%q leads to %d %q", id, status, got)
		}
		if strings.Contains(body, "<b>") || strings.Contains(body, "<u>") {
			t.Errorf("%q: the page has tags of the sample", id)
		}
		status, body = wu.send(path, with(wu.form(path, "assign"), "enumerator", "li"))
		d.wants(status, body, http.StatusOK, "Saved.")
		if got := d.state(id); got != "assigned 1" {
			t.Errorf("%q is %s", id, got)
		}
	}
}
