package fieldwork

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// State says where a case is on its way from the draw to the estimate.
type State string

// The states. A case that was submitted passes two levels of review; only an approved one
// counts in the estimates.
const (
	Drawn       State = "drawn"       // nobody works on it yet
	Assigned    State = "assigned"    // an enumerator has it
	Contacting  State = "contacting"  // there was an attempt
	Appointed   State = "appointment" // there is an appointment
	Started     State = "started"     // the interview has begun, on a tablet, by a link or on paper
	Submitted   State = "submitted"   // the interview was accepted and waits for the first review
	UnderReview State = "review"      // it passed the first review and waits for the second
	Approved    State = "approved"    // it counts
	Returned    State = "rejected"    // a review rejected it, and it is with its enumerator again
	Closed      State = "closed"      // work has ended without an interview
)

// States lists the states in the order of the way.
func States() []State {
	return []State{Drawn, Assigned, Contacting, Appointed, Started, Submitted, UnderReview, Approved, Returned, Closed}
}

// Action is what somebody does with a case.
type Action string

// The actions.
const (
	Assign  Action = "assign"  // give the case to an enumerator, or to another one
	Try     Action = "attempt" // one attempt to reach the household or person
	Select  Action = "select"  // the household was listed, and one person of it selected
	Begin   Action = "start"   // the interview begins
	Submit  Action = "submit"  // an interview was accepted
	Approve Action = "approve" // a review passes it, to the next level
	Reject  Action = "reject"  // a review sends it back
	Close   Action = "close"   // end work without an interview
	Reopen  Action = "reopen"  // take work up again
	Comment Action = "note"    // something worth knowing; it changes nothing
	Relist  Action = "relist"  // the listing of the household was changed after the selection, which stands
)

// Actions lists the actions.
func Actions() []Action {
	return []Action{Assign, Try, Select, Begin, Submit, Approve, Reject, Close, Reopen, Comment, Relist}
}

// Event is one thing that happened to a case: who did what when, and why.
type Event struct {
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Action Action    `json:"action"`
	// Reason is needed to reject, close and reopen, and to give a case to another
	// enumerator. Of Comment it is what is worth knowing.
	Reason string `json:"reason,omitempty"`
	// Enumerator is who gets the case, of Assign.
	Enumerator string `json:"enumerator,omitempty"`
	// Attempt is there for Try.
	Attempt *Attempt `json:"attempt,omitempty"`
	// Selection is there for Select. Of Relist it holds the new listing, and nothing else.
	Selection *household.Evidence `json:"selection,omitempty"`
	// Interview is the one that was accepted, of Submit, or that a Comment is about, Revision
	// which revision of it, and Mode how it was done.
	Interview string       `json:"interview,omitempty"`
	Revision  int          `json:"revision,omitempty"`
	Mode      surveys.Mode `json:"mode,omitempty"`
	// Ineligible says that the interview found the person not to belong to the population,
	// and ended early.
	Ineligible bool `json:"ineligible,omitempty"`
	// Differs are the things in which the person interviewed is not as the selected one was
	// listed: sex, age.
	Differs []string `json:"differs,omitempty"`
	// Device is the tablet that the event came from; empty when it came from none.
	Device string `json:"device,omitempty"`
	// Flags say what whoever reads the event should know.
	Flags []Flag `json:"flags,omitempty"`
}

// Flag is something about an event that whoever reads it should know.
type Flag string

// The flags.
const (
	Withdrawn Flag = "withdrawn" // the case was not with this enumerator any more when the tablet brought it
	// Instead says of an interview that it counts in the place of the one that stood: several
	// nodes took interviews of the case, and by the rule for that this one counts.
	Instead    Flag = "instead"
	ClockMoved Flag = "clock" // the time was put right, because the clock of the tablet was wrong
)

// Contact is the way of an attempt.
type Contact string

// The ways of contact.
const (
	Visit  Contact = "visit"
	Phone  Contact = "phone"
	Letter Contact = "letter"
	Link   Contact = "link" // a message with the personal link
)

// Attempt is one contact, or the try of one.
type Attempt struct {
	At      time.Time   `json:"at"`
	Contact Contact     `json:"contact"`
	Outcome OutcomeCode `json:"outcome"`
	// Appointment is the time agreed on; zero without one.
	Appointment time.Time `json:"appointment,omitzero"`
	// Place is where the enumerator was, if the tablet knows it.
	Place *Position `json:"place,omitempty"`
}

// Position is a place on earth, in degrees (WGS 84), with the radius in metres in which
// it lies; Mocked says that the tablet got it from another program than its receiver.
type Position struct {
	Latitude  float64 `json:"lat"`
	Longitude float64 `json:"lon"`
	Accuracy  float64 `json:"accuracy"`
	Mocked    bool    `json:"mocked,omitempty"`
}

// Progress is where a case is, and what led there. It changes by Apply only, so the
// events of a case always give the same Progress.
type Progress struct {
	State      State  `json:"state"`
	Enumerator string `json:"enumerator,omitempty"`
	// Method is how one person of the household is selected; 0 when the case is a person.
	Method household.Method `json:"method,omitempty"`
	// Selection is the person selected in the household, nil until then.
	Selection *household.Selection `json:"selection,omitempty"`
	// Interview is the one that was accepted and stands, empty when none does; Revision is
	// the latest one that came, and Mode how it was done.
	Interview string       `json:"interview,omitempty"`
	Revision  int          `json:"revision,omitempty"`
	Mode      surveys.Mode `json:"mode,omitempty"`
	// Differs are the things in which who was interviewed is not as who was selected; see
	// Event.
	Differs []string `json:"differs,omitempty"`
	// Contradicted says that the interview found the person not eligible, while the listing
	// of the household found that somebody is.
	Contradicted bool `json:"contradicted,omitempty"`
	// Began is who began the interview, as whoever types one in from paper, or did it on a
	// tablet although the case was withdrawn; empty again when a review sends it back.
	Began string `json:"began,omitempty"`
	// Given is when an enumerator first got the case, zero before; Attempts are in the order
	// of time since the last review.
	Given    time.Time `json:"given,omitzero"`
	Attempts []Attempt `json:"attempts,omitempty"`
	// Rejections counts the reviews that sent it back, Relisted how often the listing was
	// changed after the selection.
	Rejections int `json:"rejections,omitempty"`
	Relisted   int `json:"relisted,omitempty"`
	// Outcomes are those of the attempts and reviews in the order of time, for Resolve.
	Outcomes []OutcomeCode `json:"outcomes,omitempty"`
	// FirstReviewer passed it on the first level; the second one is somebody else.
	FirstReviewer string `json:"first_reviewer,omitempty"`
}

// allowed are the states in which an action can be taken.
var allowed = map[Action][]State{
	Assign:  {Drawn, Assigned, Contacting, Appointed, Started, Returned},
	Try:     {Drawn, Assigned, Contacting, Appointed, Started, Returned},
	Select:  {Drawn, Assigned, Contacting, Appointed, Started, Returned},
	Begin:   {Drawn, Assigned, Contacting, Appointed, Returned},
	Submit:  States(), // it may come by a link while the case is closed, or again after its review
	Approve: {Submitted, UnderReview},
	Reject:  {Submitted, UnderReview, Approved},
	Close:   {Drawn, Assigned, Contacting, Appointed, Started, Returned},
	Reopen:  {Closed},
	Comment: States(),
	Relist:  States(),
}

// Open says whether work on a case in the state goes on before an interview.
func (s State) Open() bool { return slices.Contains(allowed[Close], s) }

// Allows says whether the state of a case allows an action. What the action itself needs,
// such as a reason, Apply says.
func (p *Progress) Allows(a Action) bool {
	switch {
	case a == Select && (p.Method == 0 || p.Selection != nil), a == Relist && p.Selection == nil:
		return false
	}
	return slices.Contains(allowed[a], cmp.Or(p.State, Drawn))
}

// NextAppointment is the time agreed on, zero when there is none to keep.
func (p *Progress) NextAppointment() time.Time {
	if p.State != Appointed || len(p.Attempts) == 0 {
		return time.Time{}
	}
	return p.Attempts[len(p.Attempts)-1].Appointment
}

// A Refusal is an event that cannot happen: its words are in English, and Why is for those
// who say it in other words. It wraps surveys.ErrConflict or surveys.ErrInvalid.
type Refusal struct {
	Why   Why
	cause error
}

// Why names the reason of a refusal.
type Why string

// The reasons of refusals.
const (
	RefusedAction       Why = "action"       // unknown, or without who and when
	RefusedState        Why = "state"        // the state does not allow it
	RefusedNobody       Why = "nobody"       // assigned to nobody
	RefusedReason       Why = "reason"       // the reason is missing
	RefusedAttempt      Why = "attempt"      // time, way or outcome is missing or unknown
	RefusedFuture       Why = "future"       // the attempt is later than now
	RefusedBefore       Why = "before"       // the attempt is earlier than the case was given
	RefusedTwice        Why = "twice"        // there is one of this time already
	RefusedAppointment  Why = "appointment"  // it is not after the attempt
	RefusedListing      Why = "listing"      // none, or for another method
	RefusedUnselected   Why = "unselected"   // listed again, but nobody was selected before
	RefusedPerson       Why = "person"       // a person was drawn, so nobody is selected
	RefusedAgain        Why = "again"        // somebody is selected already
	RefusedInterview    Why = "interview"    // a second one, or an earlier revision
	RefusedUnlisted     Why = "unlisted"     // approved without a selection
	RefusedContradicted Why = "contradicted" // approved although the listing says otherwise
	RefusedOwn          Why = "own"          // a review of one's own interview
	RefusedSecond       Why = "second"       // both reviews by one person
	RefusedEarly        Why = "early"        // too few attempts to give up
)

func refuse(why Why, format string, args ...any) error {
	return &Refusal{why, fmt.Errorf(format, args...)}
}

// Error says what cannot be done and why.
func (r *Refusal) Error() string { return r.cause.Error() }

// Unwrap gives what Apply says the error wraps.
func (r *Refusal) Unwrap() error { return r.cause }

// AttemptRules say what has to be tried before a case is closed of which nothing final is
// known.
type AttemptRules struct {
	// Visits is how many visits there must be, DayParts on how many different parts of the
	// day, of morning, afternoon, evening and weekend.
	Visits, DayParts int
}

// DefaultAttemptRules ask for three visits on two parts of the day. All waves have them.
var DefaultAttemptRules = AttemptRules{Visits: 3, DayParts: 2}

// DayPart is the part of the day of a time: weekend, or morning before 12, afternoon
// before 18, evening.
func DayPart(t time.Time) string {
	t = t.In(surveys.ChinaTime)
	switch {
	case t.Weekday() == time.Saturday || t.Weekday() == time.Sunday:
		return "weekend"
	case t.Hour() < 12:
		return "morning"
	case t.Hour() < 18:
		return "afternoon"
	}
	return "evening"
}

// maxReason is the greatest length of a reason, in bytes.
const maxReason = 6000

// Apply lets an event happen. It is an error that wraps surveys.ErrConflict when the state
// of the case does not allow it, and surveys.ErrInvalid when the event lacks something;
// then nothing has changed.
func (p *Progress) Apply(e Event, rules AttemptRules) error {
	if p.State == "" {
		p.State = Drawn
	}
	states, known := allowed[e.Action]
	switch {
	case !known:
		return refuse(RefusedAction, "there is no action %q; use one of assign, attempt, select, start, submit, approve, reject, close, reopen, note and relist: %w", e.Action, surveys.ErrInvalid)
	case e.Who == "" || e.At.IsZero():
		return refuse(RefusedAction, "%s: an event says who did it and when: %w", e.Action, surveys.ErrInvalid)
	case len(e.Reason) > maxReason:
		return refuse(RefusedReason, "%s: the reason has %d bytes; at most %d are kept: %w", e.Action, len(e.Reason), maxReason, surveys.ErrInvalid)
	case !slices.Contains(states, p.State):
		return refuse(RefusedState, "the case is %s, so “%s” cannot be done with it: %w", p.State, e.Action, surveys.ErrConflict)
	}
	switch e.Action {
	case Assign:
		return p.assign(e)
	case Try:
		return p.try(e)
	case Select:
		return p.choose(e)
	case Begin:
		p.State, p.Began = Started, e.Who
	case Submit:
		return p.submit(e)
	case Approve:
		return p.approve(e)
	case Reject:
		return p.reject(e)
	case Close:
		return p.close(e, rules)
	case Reopen:
		return p.reopen(e)
	case Comment:
		return p.remark(e)
	case Relist:
		return p.relist(e)
	}
	return nil
}

func (p *Progress) assign(e Event) error {
	if e.Enumerator == "" {
		return refuse(RefusedNobody, "assign: say to whom: %w", surveys.ErrInvalid)
	}
	if p.Enumerator != "" && p.Enumerator != e.Enumerator && blank(e.Reason) {
		return refuse(RefusedReason, "assign: the case is with %s; say why another one gets it: %w", p.Enumerator, surveys.ErrInvalid)
	}
	if p.State == Drawn {
		p.State = Assigned
	}
	if p.Given.IsZero() {
		p.Given = e.At
	}
	p.Enumerator = e.Enumerator
	return nil
}

func (p *Progress) try(e Event) error {
	a := e.Attempt
	if a == nil || a.At.IsZero() || a.Contact == "" {
		return refuse(RefusedAttempt, "attempt: say when, how and with which outcome: %w", surveys.ErrInvalid)
	}
	if _, err := Resolve([]OutcomeCode{a.Outcome}); err != nil {
		return refuse(RefusedAttempt, "attempt: %w", err)
	}
	switch {
	case slices.Contains(notReported, a.Outcome) || a.Outcome == NobodyEligible && p.Selection != nil:
		return refuse(RefusedAttempt, "attempt: the outcome %q comes from an interview, a listing or a review, and is not reported: %w", a.Outcome, surveys.ErrInvalid)
	case a.At.After(e.At.Add(5 * time.Minute)): // clocks differ a little
		return refuse(RefusedFuture, "attempt: %s is later than now; set the clock of the device: %w", a.At.Format(time.RFC3339), surveys.ErrInvalid)
	case a.At.Before(p.Given.Truncate(time.Minute)): // times are typed in without seconds
		return refuse(RefusedBefore, "attempt: %s is before the case was given to anybody, %s: %w", a.At.Format(time.RFC3339), p.Given.Format(time.RFC3339), surveys.ErrInvalid)
	case !a.Appointment.IsZero() && !a.Appointment.After(a.At):
		return refuse(RefusedAppointment, "attempt: the appointment lies before the attempt: %w", surveys.ErrInvalid)
	}
	for _, b := range p.Attempts {
		if b.Contact == a.Contact && b.Outcome != Listed && b.At.Sub(a.At).Abs() < apart {
			return refuse(RefusedTwice, "attempt: there is one of %s already; two of a kind lie %v apart: %w", b.At.Format(time.RFC3339), apart, surveys.ErrInvalid)
		}
	}
	p.keep(*a)
	if last := p.Attempts[len(p.Attempts)-1]; p.State != Started {
		if p.State = Contacting; !last.Appointment.IsZero() {
			p.State = Appointed
		}
	}
	return nil
}

// apart is how far two attempts of one kind lie apart at least: nearer ones are one.
const apart = 10 * time.Minute

// notReported are the outcomes that nobody reports as those of an attempt. Whether a broken-off
// interview suffices as a partial one is for the office to say.
var notReported = []OutcomeCode{Completed, Rejected, Listed}

// keep puts an attempt among those since the last review, in the order of time, whenever it
// is entered.
func (p *Progress) keep(a Attempt) {
	begin := 0 // of the outcomes since the last review, each of which has an attempt
	for i, o := range p.Outcomes {
		if o == Rejected {
			begin = i + 1
		}
	}
	first := len(p.Attempts) - (len(p.Outcomes) - begin)
	at := len(p.Attempts)
	for at > first && p.Attempts[at-1].At.After(a.At) {
		at--
	}
	p.Attempts = slices.Insert(slices.Clone(p.Attempts), at, a)
	p.Outcomes = slices.Insert(slices.Clone(p.Outcomes), begin+at-first, a.Outcome)
}

// choose keeps the selection in the household, which is a visit that found it eligible. There
// is one: whoever lists otherwise afterwards is told, and the first listing stands.
func (p *Progress) choose(e Event) error {
	switch {
	case e.Selection == nil:
		return refuse(RefusedListing, "select: the listing and what came of it are missing: %w", surveys.ErrInvalid)
	case p.Method == 0:
		return refuse(RefusedPerson, "select: the case is a person who was drawn, so nobody is selected: %w", surveys.ErrConflict)
	case e.Selection.Listing.Method != p.Method:
		return refuse(RefusedListing, "select: the listing is for another method than the draw's: %w", surveys.ErrInvalid)
	case p.Selection != nil:
		return refuse(RefusedAgain, "select: line %d of %d was selected before, and that stands: %w", p.Selection.Line, p.Selection.K, surveys.ErrConflict)
	}
	chosen := e.Selection.Selection
	if p.Selection = &chosen; p.State == Drawn || p.State == Assigned {
		p.State = Contacting
	}
	p.keep(Attempt{At: e.At, Contact: Visit, Outcome: Listed})
	return nil
}

// submit takes an interview in. A later revision of the one that stands begins its review
// anew; one that came before is an ErrConflict, and so is a second interview, unless it
// counts instead.
func (p *Progress) submit(e Event) error {
	switch {
	case e.Interview == "":
		return refuse(RefusedInterview, "submit: say which interview: %w", surveys.ErrInvalid)
	case slices.Contains(e.Flags, Instead):
	case p.Interview != "" && p.Interview != e.Interview:
		return refuse(RefusedInterview, "submit: the case has an interview already, and a second one does not count: %w", surveys.ErrConflict)
	case p.Interview == e.Interview && e.Revision <= p.Revision:
		return refuse(RefusedInterview, "submit: revision %d of this interview came before: %w", p.Revision, surveys.ErrConflict)
	}
	outcome, outcomes := Completed, slices.Clone(p.Outcomes)
	p.Contradicted = e.Ineligible && p.Selection != nil
	switch {
	case p.Contradicted:
		outcome = Rejected // until a review decides: the listing found eligible persons
	case e.Ineligible:
		outcome = NobodyEligible
	}
	if p.Interview != "" {
		outcomes = outcomes[:len(outcomes)-1] // that of the revision before
	}
	p.Outcomes = append(outcomes, outcome)
	p.State, p.Interview, p.Revision, p.Mode, p.FirstReviewer = Submitted, e.Interview, e.Revision, e.Mode, ""
	p.Differs = e.Differs
	return nil
}

func (p *Progress) approve(e Event) error {
	switch {
	case p.Method != 0 && p.Selection == nil:
		return refuse(RefusedUnlisted, "approve: nothing shows who was selected in the household; send it back to have the household listed: %w", surveys.ErrConflict)
	case p.Contradicted:
		return refuse(RefusedContradicted, "approve: the interview found the person not to belong to the population, but the listing of the household found %d who do; send it back: %w", p.Selection.K, surveys.ErrConflict)
	case e.Who == p.Enumerator || e.Who == p.Began:
		return refuse(RefusedOwn, "approve: nobody reviews an interview that they did or typed in: %w", surveys.ErrConflict)
	case p.State == Submitted:
		p.State, p.FirstReviewer = UnderReview, e.Who
	case e.Who == p.FirstReviewer:
		return refuse(RefusedSecond, "approve: the second review is for somebody else than the first: %w", surveys.ErrConflict)
	default:
		p.State = Approved
	}
	return nil
}

func (p *Progress) reject(e Event) error {
	if blank(e.Reason) {
		return refuse(RefusedReason, "reject: say why, for the enumerator: %w", surveys.ErrInvalid)
	}
	if p.Contradicted { // its outcome is that of a review already
		p.Outcomes = p.Outcomes[:len(p.Outcomes)-1]
	}
	p.State, p.Interview, p.Began, p.FirstReviewer, p.Differs, p.Contradicted = Returned, "", "", "", nil, false
	p.Rejections++
	p.Outcomes = append(slices.Clone(p.Outcomes), Rejected)
	return nil
}

func (p *Progress) close(e Event, rules AttemptRules) error {
	if blank(e.Reason) {
		return refuse(RefusedReason, "close: say why work ends: %w", surveys.ErrInvalid)
	}
	r, err := Resolve(p.Outcomes)
	if err != nil {
		return err
	}
	if !r.Settled {
		if err := rules.Missing(p.Attempts); err != nil {
			return refuse(RefusedEarly, "close: %w", err)
		}
	}
	p.State = Closed
	return nil
}

func (p *Progress) reopen(e Event) error {
	if blank(e.Reason) {
		return refuse(RefusedReason, "reopen: say why: %w", surveys.ErrInvalid)
	}
	if p.State = Drawn; p.Enumerator != "" {
		p.State = Assigned
	}
	return nil
}

// remark changes nothing. Without words it is about an interview, and its flags say what: who
// did it after the case was given to somebody else does not review it.
func (p *Progress) remark(e Event) error {
	if blank(e.Reason) && e.Interview == "" {
		return refuse(RefusedReason, "note: say what is worth knowing: %w", surveys.ErrInvalid)
	}
	if e.Interview != "" && slices.Contains(e.Flags, Withdrawn) {
		p.Began = e.Who
	}
	return nil
}

// relist counts that the listing was changed after somebody was selected from it. The
// selection stands, and so does the listing that it was made from.
func (p *Progress) relist(e Event) error {
	switch {
	case e.Selection == nil:
		return refuse(RefusedListing, "relist: the new listing is missing: %w", surveys.ErrInvalid)
	case p.Selection == nil:
		return refuse(RefusedUnselected, "relist: nobody was selected in the household, so no listing stands: %w", surveys.ErrConflict)
	case e.Selection.Listing.Method != p.Method:
		return refuse(RefusedListing, "relist: the listing is for another method than the draw's: %w", surveys.ErrInvalid)
	}
	if err := e.Selection.Listing.Check(); err != nil {
		return refuse(RefusedListing, "relist: %w", err)
	}
	p.Relisted++
	return nil
}

// Missing says what has still to be tried; nil when enough was. The error wraps
// surveys.ErrConflict.
func (r AttemptRules) Missing(attempts []Attempt) error {
	if visits, parts := Visits(attempts); visits < r.Visits || parts < r.DayParts {
		return fmt.Errorf("there were %d visits on %d parts of the day (morning, afternoon, evening, weekend); %d on %d are needed before a case is given up: %w",
			visits, parts, r.Visits, r.DayParts, surveys.ErrConflict)
	}
	return nil
}

// Visits counts the visits among attempts, and on how many different parts of the day they
// were. A listing with what else came of the same visit is one.
func Visits(attempts []Attempt) (visits, parts int) {
	on := map[string]bool{}
	for i, a := range attempts {
		if a.Contact != Visit {
			continue
		}
		on[DayPart(a.At)] = true
		same := func(b Attempt) bool { return b.Contact == Visit && b.Outcome != Listed && b.At.Sub(a.At).Abs() < apart }
		if a.Outcome != Listed || !slices.ContainsFunc(slices.Delete(slices.Clone(attempts), i, i+1), same) {
			visits++
		}
	}
	return visits, len(on)
}

// Disposition is the final disposition of the case as it stands; see Resolve.
func (p *Progress) Disposition() (Code, error) {
	r, err := Resolve(p.Outcomes)
	return r.Code, err
}

// Done says whether fieldwork has nothing to do with the case any more, unless a review
// sends it back: it has an interview that stands, or was closed.
func (p *Progress) Done() bool { return p.State.Done() }

// Done says whether a case in the state is done, as Progress.Done has it.
func (s State) Done() bool {
	return slices.Contains([]State{Submitted, UnderReview, Approved, Closed}, s)
}

// Counts says whether the interview of the case counts in estimates of approved cases.
func (p *Progress) Counts() bool { return p.State == Approved && p.Interview != "" }

// Standing is what whoever weighs needs of the case.
func (p *Progress) Standing(id string) (Standing, error) {
	code, err := p.Disposition()
	if err != nil {
		return Standing{}, err
	}
	class, err := code.Class()
	s := Standing{Case: id, Disposition: code, Counts: p.Counts() && class.interview()}
	if p.Selection != nil {
		s.Eligible = p.Selection.K
	}
	return s, err
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
