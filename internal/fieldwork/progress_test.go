package fieldwork

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// monday is a Monday, nine o'clock in China.
var monday = time.Date(2026, 6, 1, 9, 0, 0, 0, surveys.ChinaTime)

func event(who string, a Action, hours int, change ...func(*Event)) Event {
	e := Event{At: monday.Add(time.Duration(hours) * time.Hour), Who: who, Action: a}
	for _, c := range change {
		c(&e)
	}
	return e
}

func because(why string) func(*Event) { return func(e *Event) { e.Reason = why } }
func to(who string) func(*Event)      { return func(e *Event) { e.Enumerator = who } }
func with(outcome OutcomeCode) func(*Event) {
	return func(e *Event) { e.Attempt = &Attempt{At: e.At, Contact: Visit, Outcome: outcome} }
}
func interview(id string) func(*Event) { return func(e *Event) { e.Interview = id } }

// A case goes from the draw over attempts, an interview and two reviews into the
// estimates; what is not its turn is refused and changes nothing.
func TestWayOfACase(t *testing.T) {
	var p Progress
	for i, step := range []struct {
		event Event
		err   error
		state State
	}{
		{event("wu", Assign, 0), surveys.ErrInvalid, Drawn},
		{event("wu", Reject, 0, because("no")), surveys.ErrConflict, Drawn},
		{event("wu", Assign, 0, to("li")), nil, Assigned},
		{event("wu", Assign, 0, to("chen")), surveys.ErrInvalid, Assigned},
		{event("li", Try, 1, with("nonsense")), surveys.ErrInvalid, Assigned},
		{event("li", Try, 1, with(NobodyHome)), nil, Contacting},
		{event("li", Close, 2, because("nobody there")), surveys.ErrConflict, Contacting},
		{event("li", Try, 6, with(Appointment), func(e *Event) { e.Attempt.Appointment = e.At.Add(24 * time.Hour) }), nil, Appointed},
		{event("li", Approve, 7), surveys.ErrConflict, Appointed},
		{event("li", Begin, 30), nil, Started},
		{event("li", Submit, 31), surveys.ErrInvalid, Started},
		{event("li", Submit, 31, interview("i1")), nil, Submitted},
		{event("li", Submit, 31, interview("i2")), surveys.ErrConflict, Submitted},
		{event("li", Approve, 32), surveys.ErrConflict, Submitted},
		{event("wu", Reject, 32), surveys.ErrInvalid, Submitted},
		{event("wu", Reject, 32, because("wrong person")), nil, Returned},
		{event("li", Submit, 40, interview("i3")), nil, Submitted},
		{event("wu", Approve, 41), nil, UnderReview},
		{event("wu", Approve, 42), surveys.ErrConflict, UnderReview},
		{event("office", Approve, 43), nil, Approved},
		{event("office", Close, 44, because("x")), surveys.ErrConflict, Approved},
	} {
		before := p
		err := p.Apply(step.event, DefaultAttemptRules)
		if !errors.Is(err, step.err) || p.State != step.state {
			t.Fatalf("step %d, %s: %v and %s, want %v and %s", i+1, step.event.Action, err, p.State, step.err, step.state)
		}
		if err != nil && before.State != "" && !reflect.DeepEqual(before, p) {
			t.Fatalf("step %d failed, and yet %+v became %+v", i+1, before, p)
		}
	}
	if code, err := p.Disposition(); err != nil || code != "1.1" || !p.Counts() || p.Interview != "i3" || p.Rejections != 1 {
		t.Errorf("%+v, disposition %s (%v)", p, code, err)
	}
}

// A later revision of the interview that stands is reviewed anew; the same one again, and a
// second interview, change nothing.
func TestRevisions(t *testing.T) {
	revised := func(n int) func(*Event) { return func(e *Event) { e.Revision = n } }
	p := Progress{State: Drawn}
	for i, step := range []struct {
		event Event
		err   error
		state State
	}{
		{event("intake", Submit, 1, interview("i1"), revised(1)), nil, Submitted},
		{event("wu", Approve, 2), nil, UnderReview},
		{event("office", Approve, 3), nil, Approved},
		{event("intake", Submit, 4, interview("i1"), revised(1)), surveys.ErrConflict, Approved},
		{event("intake", Submit, 4, interview("i2"), revised(2)), surveys.ErrConflict, Approved},
		{event("intake", Submit, 5, interview("i1"), revised(2)), nil, Submitted},
	} {
		if err := p.Apply(step.event, DefaultAttemptRules); !errors.Is(err, step.err) || p.State != step.state {
			t.Fatalf("step %d: %v and %s", i+1, err, p.State)
		}
	}
	if p.Revision != 2 || p.Counts() || len(p.Outcomes) != 1 {
		t.Errorf("in the end %+v", p)
	}
}

// An interview that found the person not to belong to the population makes the case one that
// is not eligible, and counts in no estimate; a later revision may find otherwise.
func TestIneligible(t *testing.T) {
	p := Progress{State: Drawn}
	for i, step := range []struct {
		revision   int
		ineligible bool
		code       Code
		counts     bool
	}{{1, true, "4.70", false}, {2, false, "1.1", true}, {3, true, "4.70", false}} {
		for _, e := range []Event{event("intake", Submit, i, interview("i1"), func(e *Event) { e.Revision, e.Ineligible = step.revision, step.ineligible }), event("wu", Approve, i), event("office", Approve, i)} {
			if err := p.Apply(e, DefaultAttemptRules); err != nil {
				t.Fatal(err)
			}
		}
		s, err := p.Standing("c1")
		if err != nil || s.Check() != nil || s.Disposition != step.code || s.Counts != step.counts || len(p.Outcomes) != 1 {
			t.Errorf("revision %d: %+v, %v (%v)", step.revision, s, p.Outcomes, err)
		}
	}
}

// In a household one person is selected, once, and without that no interview is approved.
func TestSelectionInTheHousehold(t *testing.T) {
	listing := household.Listing{Case: "c1", Method: household.Kish, Date: household.Date{Year: 2026, Month: 6, Day: 1},
		Persons: []household.Person{{Line: 1, Sex: household.Man, Age: 50, Eligible: true}, {Line: 2, Sex: household.Woman, Age: 48, Eligible: true}, {Line: 3, Sex: household.Man, Age: 12}}}
	evidence, err := household.Reveal(listing, household.Number{Case: "c1", Value: 1 << 63})
	if err != nil {
		t.Fatal(err)
	}
	chosen := func(e *Event) { e.Selection = &evidence }
	p := Progress{State: Drawn, Method: household.Kish}
	for i, step := range []struct {
		event Event
		err   error
		state State
	}{
		{event("intake", Submit, 1, interview("i1")), nil, Submitted},
		{event("wu", Approve, 2), surveys.ErrConflict, Submitted},
		{event("wu", Reject, 3, because("no listing")), nil, Returned},
		{event("li", Select, 4), surveys.ErrInvalid, Returned},
		{event("li", Select, 4, chosen), nil, Returned},
		{event("li", Select, 5, chosen), surveys.ErrConflict, Returned},
		{event("intake", Submit, 6, interview("i1"), func(e *Event) { e.Revision = 1 }), nil, Submitted},
		{event("wu", Approve, 7), nil, UnderReview},
		{event("office", Approve, 8), nil, Approved},
	} {
		if err := p.Apply(step.event, DefaultAttemptRules); !errors.Is(err, step.err) || p.State != step.state {
			t.Fatalf("step %d, %s: %v and %s", i+1, step.event.Action, err, p.State)
		}
	}
	s, err := p.Standing("c1")
	if want := (Standing{Case: "c1", Disposition: "1.1", Eligible: 2, Counts: true}); err != nil || s != want {
		t.Errorf("the standing is %+v (%v), want %+v", s, err, want)
	}
	drawn := Progress{State: Drawn}
	if err := drawn.Apply(event("li", Select, 1, chosen), DefaultAttemptRules); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a selection where a person was drawn: %v", err)
	}
}

// A case is given up only after visits on different parts of the day, or when the outcome
// settles it.
func TestAttemptRules(t *testing.T) {
	give := func(hours ...int) (*Progress, error) {
		p := &Progress{}
		if err := p.Apply(event("wu", Assign, 0, to("li")), DefaultAttemptRules); err != nil {
			t.Fatal(err)
		}
		for _, h := range hours {
			if err := p.Apply(event("li", Try, h, with(NobodyHome)), DefaultAttemptRules); err != nil {
				t.Fatal(err)
			}
		}
		return p, p.Apply(event("li", Close, 200, because("nobody home")), DefaultAttemptRules)
	}
	for name, c := range map[string]struct {
		hours []int
		err   error
	}{
		"two visits":                     {[]int{0, 6}, surveys.ErrConflict},
		"three on one part of the day":   {[]int{0, 1, 24}, surveys.ErrConflict}, // all before noon
		"three on two":                   {[]int{0, 6, 24}, nil},
		"evening and weekend count, too": {[]int{10, 34, 5 * 24}, nil}, // 19:00, 19:00, Saturday
	} {
		p, err := give(c.hours...)
		if !errors.Is(err, c.err) || (p.State == Closed) != (c.err == nil) {
			t.Errorf("%s: %v, %s", name, err, p.State)
		}
	}
	p := &Progress{}
	for _, e := range []Event{event("wu", Assign, 0, to("li")), event("li", Try, 1, with(Vacant)), event("li", Close, 2, because("nobody lives there"))} {
		if err := p.Apply(e, DefaultAttemptRules); err != nil {
			t.Fatalf("a vacant house: %v", err)
		}
	}
	if code, err := p.Disposition(); err != nil || code[0] != '4' {
		t.Errorf("a vacant house is %s (%v)", code, err)
	}
}

// Who typed an interview in from paper does not review it, but may review the one that comes
// after it was sent back.
func TestTypistDoesNotReview(t *testing.T) {
	var p Progress
	for _, e := range []Event{event("wu", Begin, 1), event("intake", Submit, 2, interview("i1"))} {
		if err := p.Apply(e, DefaultAttemptRules); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Apply(event("wu", Approve, 3), DefaultAttemptRules); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("the typist approves: %v", err)
	}
	reject := event("office", Reject, 4)
	reject.Reason = "two pages are missing"
	for _, e := range []Event{event("office", Approve, 3), reject, event("intake", Submit, 5, interview("i2")), event("wu", Approve, 6)} {
		if err := p.Apply(e, DefaultAttemptRules); err != nil {
			t.Errorf("%s: %v", e.Action, err)
		}
	}
}

// Whatever is tried, the interview that counts passed two reviews by two people who did
// not do it, and the events alone give the same progress again.
func TestProgressKeepsItsPromises(t *testing.T) {
	actions := []Action{Assign, Try, Begin, Submit, Approve, Reject, Close, Reopen}
	people := []string{"li", "chen", "wu", "office"}
	outcomes := []OutcomeCode{NobodyHome, Appointment, PersonRefused, Vacant, NoAccess}
	approved := 0
	for n := range 2000 {
		r := rand.New(rand.NewPCG(uint64(n), 6))
		var p Progress
		var happened []Event
		var passed []string // who approved the interview that stands
		for k := range 60 {
			e := event(people[r.IntN(4)], actions[r.IntN(8)], k, interview("i"+strconv.Itoa(r.IntN(2))))
			e.Revision = r.IntN(10)
			if r.IntN(4) > 0 {
				e.Reason = "a reason"
			}
			if e.Action == Assign {
				e.Enumerator = people[r.IntN(2)]
			}
			if e.Action == Try {
				e.Attempt = &Attempt{At: e.At, Contact: Visit, Outcome: outcomes[r.IntN(len(outcomes))]}
			}
			before := p
			if err := p.Apply(e, DefaultAttemptRules); err != nil {
				if before.State != "" && !reflect.DeepEqual(before, p) {
					t.Fatalf("%v changed %+v to %+v", err, before, p)
				}
				continue
			}
			happened = append(happened, e)
			switch e.Action {
			case Approve:
				if passed = append(passed, e.Who); slices.Contains(passed, p.Enumerator) {
					t.Fatalf("%v reviewed an interview of their own", passed)
				}
			case Submit, Reject:
				passed = nil
			}
			has := p.State == Submitted || p.State == UnderReview || p.State == Approved
			if has != (p.Interview != "") {
				t.Fatalf("%s with the interview %q", p.State, p.Interview)
			}
			if p.Counts() {
				approved++
				if len(passed) != 2 || passed[0] == passed[1] {
					t.Fatalf("approved by %v", passed)
				}
			}
			if _, err := p.Disposition(); err != nil {
				t.Fatal(err)
			}
		}
		var again Progress
		for _, e := range happened {
			if err := again.Apply(e, DefaultAttemptRules); err != nil {
				t.Fatalf("the same event failed: %v", err)
			}
		}
		if len(happened) > 0 && !reflect.DeepEqual(p, again) {
			t.Fatalf("%+v, and again %+v", p, again)
		}
	}
	if approved < 100 {
		t.Errorf("only %d cases were approved", approved)
	}
}

// Visits may be entered in any order: what they come to follows the order of time, and an
// earlier one that is entered late does not undo an appointment.
func TestLateEntry(t *testing.T) {
	visit := func(hour int, outcome OutcomeCode) Event {
		e := event("li", Try, 100)
		e.Attempt = &Attempt{At: event("li", Try, hour).At, Contact: Visit, Outcome: outcome}
		return e
	}
	for name, c := range map[string]struct {
		events []Event
		code   Code
		state  State
	}{
		"in order":           {[]Event{visit(1, NobodyHome), visit(5, Vacant)}, "4.61", Contacting},
		"the first one late": {[]Event{visit(5, Vacant), visit(1, NobodyHome)}, "4.61", Contacting},
		"an appointment stands": {[]Event{func() Event {
			e := visit(5, Appointment)
			e.Attempt.Appointment = e.Attempt.At.Add(24 * time.Hour)
			return e
		}(), visit(1, NobodyHome)}, "2.36", Appointed},
		"after a rejection": {[]Event{visit(1, PersonRefused), event("intake", Submit, 10, interview("i")), event("wu", Reject, 11, because("x")), visit(30, NobodyHome), visit(20, PersonRefused)}, "2.112", Contacting},
	} {
		var p Progress
		for _, e := range append([]Event{event("wu", Assign, 0, to("li"))}, c.events...) {
			if err := p.Apply(e, DefaultAttemptRules); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if code, err := p.Disposition(); err != nil || code != c.code || p.State != c.state {
			t.Errorf("%s: %s and %s (%v), want %s and %s", name, code, p.State, err, c.code, c.state)
		}
		for i := 1; i < len(p.Attempts); i++ {
			if p.Attempts[i].At.Before(p.Attempts[i-1].At) {
				t.Errorf("%s: the attempts are %+v", name, p.Attempts)
			}
		}
	}
}

// An attempt that was entered before, lies before the case was given to anybody, or tells what
// only an interview or review can tell, is refused.
func TestAttemptsRefused(t *testing.T) {
	var p Progress
	for _, e := range []Event{event("wu", Assign, 10, to("li")), event("li", Try, 12, with(NobodyHome))} {
		if err := p.Apply(e, DefaultAttemptRules); err != nil {
			t.Fatal(err)
		}
	}
	at := func(shift time.Duration, outcome OutcomeCode) Event {
		e := event("li", Try, 12, with(outcome))
		e.Attempt.At = e.Attempt.At.Add(shift)
		return e
	}
	for name, c := range map[string]struct {
		event Event
		why   Why
	}{
		"the same one":       {at(0, NobodyHome), RefusedTwice},
		"a minute later":     {at(time.Minute, PersonAway), RefusedTwice},
		"before it began":    {at(-3*time.Hour, NobodyHome), RefusedBefore},
		"an interview":       {at(-time.Hour, Completed), RefusedAttempt},
		"a review":           {at(-time.Hour, Rejected), RefusedAttempt},
		"a listing":          {at(-time.Hour, Listed), RefusedAttempt},
		"later than now":     {at(time.Hour, NobodyHome), RefusedFuture},
		"a late appointment": {func() Event { e := at(-time.Hour, Appointment); e.Attempt.Appointment = e.Attempt.At; return e }(), RefusedAppointment},
	} {
		var refusal *Refusal
		if err := p.Apply(c.event, DefaultAttemptRules); !errors.As(err, &refusal) || refusal.Why != c.why {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(p.Attempts) != 1 {
		t.Errorf("the attempts are %+v", p.Attempts)
	}
}

// A listing is a visit that found the household eligible. An interview that says otherwise
// makes it no case of nobody eligible, and cannot be approved.
func TestListingAgainstInterview(t *testing.T) {
	listing := household.Listing{Case: "c1", Method: household.Kish, Date: household.Date{Year: 2026, Month: 6, Day: 1},
		Persons: []household.Person{{Line: 1, Sex: household.Man, Age: 50, Eligible: true}}}
	evidence, err := household.Reveal(listing, household.Number{Case: "c1"})
	if err != nil {
		t.Fatal(err)
	}
	p := Progress{State: Drawn, Method: household.Kish}
	ineligible := func(n int) func(*Event) { return func(e *Event) { e.Ineligible, e.Revision = true, n } }
	for i, step := range []struct {
		event Event
		err   error
		code  Code
	}{
		{event("wu", Assign, 0, to("li")), nil, NotAttempted},
		{event("li", Select, 1, func(e *Event) { e.Selection = &evidence }), nil, "2.25"},
		{event("li", Try, 1, with(PersonAway)), nil, "2.25"}, // at the same visit
		{event("li", Try, 5, with(NobodyEligible)), surveys.ErrInvalid, "2.25"},
		{event("li", Try, 5, with(NobodyHome)), nil, "2.24"},
		{event("intake", Submit, 6, interview("i1"), ineligible(0)), nil, "2.36"},
		{event("wu", Approve, 7), surveys.ErrConflict, "2.36"},
		{event("intake", Submit, 8, interview("i1"), ineligible(1)), nil, "2.36"},
		{event("wu", Reject, 9, because("another person")), nil, "2.36"},
		{event("intake", Submit, 10, interview("i1"), func(e *Event) { e.Revision = 2 }), nil, "1.1"},
		{event("wu", Approve, 11), nil, "1.1"},
	} {
		if err := p.Apply(step.event, DefaultAttemptRules); !errors.Is(err, step.err) {
			t.Fatalf("step %d: %v", i+1, err)
		}
		if code, err := p.Disposition(); err != nil || code != step.code {
			t.Fatalf("step %d: %s (%v), want %s; %v", i+1, code, err, step.code, p.Outcomes)
		}
	}
	if visits, _ := Visits(p.Attempts); visits != 2 {
		t.Errorf("%d visits, want that of the listing and another one", visits)
	}
}

// Notes are possible in every state and change nothing; a listing that is changed after the
// selection is counted, and the selection stands.
func TestNotesAndRelistings(t *testing.T) {
	listing := household.Listing{Case: "c1", Method: household.Kish, Date: household.Date{Year: 2026, Month: 6, Day: 1},
		Persons: []household.Person{{Line: 1, Sex: household.Man, Age: 50, Eligible: true}}}
	other := listing
	other.Method = household.LastBirthday
	wrong := listing
	wrong.Opener = 9
	listed := func(l household.Listing) func(*Event) {
		return func(e *Event) { e.Selection = &household.Evidence{Listing: l} }
	}
	for _, state := range States() {
		p := Progress{State: state, Method: household.Kish}
		before := p
		for i, step := range []struct {
			event Event
			why   Why
		}{
			{event("li", Comment, 0, because("a dog")), ""},
			{event("li", Comment, 0, interview("i1")), ""},
			{event("li", Comment, 0, because(" ")), RefusedReason},
			{event("li", Relist, 0, listed(listing)), RefusedUnselected},
			{event("li", Relist, 0), RefusedListing},
		} {
			err := p.Apply(step.event, DefaultAttemptRules)
			var refusal *Refusal
			if errors.As(err, &refusal) != (step.why != "") || refusal != nil && refusal.Why != step.why || !reflect.DeepEqual(p, before) {
				t.Errorf("%s, step %d: %v and %+v", state, i+1, err, p)
			}
		}
		if p.Allows(Relist) || !p.Allows(Comment) {
			t.Errorf("%s: without a selection nobody relists, and anybody comments", state)
		}
		p.Selection = &household.Selection{Line: 1, K: 1}
		before = p
		before.Relisted = 1
		for l, why := range map[*household.Listing]Why{&listing: "", &other: RefusedListing, &wrong: RefusedListing} {
			err := p.Apply(event("li", Relist, 1, listed(*l)), DefaultAttemptRules)
			var refusal *Refusal
			if errors.As(err, &refusal) != (why != "") || refusal != nil && refusal.Why != why {
				t.Errorf("%s, %+v: %v", state, l, err)
			}
		}
		if !reflect.DeepEqual(p, before) || !p.Allows(Relist) {
			t.Errorf("%s: relisted it is %+v, want %+v", state, p, before)
		}
	}
}
