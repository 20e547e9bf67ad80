package server

import (
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
	"github.com/suyang-survey/suyang/internal/tablet"
	"github.com/suyang-survey/suyang/surveys"
)

// tabletPage is web/pages/desk-tablets-one: one tablet, what of it has arrived, and what could
// not be done.
type tabletPage struct {
	deskFrame
	// Why are the reasons for which it needs attention.
	Why          []string
	Facts        []fact
	Counts, Held deskTable
	// Journal says what is odd about the numbers of its events.
	Journal []fact
	// Open are the held deeds that wait, at most mostOpen of them, of More in all.
	Open []openDeed
	More int
	// Acts says that the account may dismiss, give up and revoke, Revocable that it is in use.
	Acts, Revocable bool
	// Pending are numbers that may be given up, "" for none, and Last the highest that is here.
	Pending string
	Last    uint64
	Back    string
	typed
}

// openDeed is a deed that waits for somebody to look at it.
type openDeed struct {
	Seq   uint64
	Name  string
	Facts []fact
	// Case is the address of the page of the case, "" when it is of no wave of this server.
	Case   string
	Failed bool
	// Retries says that it is an interview, which may be tried again.
	Retries bool
}

// mostOpen is how many held deeds have a form of their own on one page.
const mostOpen = 50

// heldWords are why deeds are held. A refusal of the rules of fieldwork has short words here:
// the long ones are for who fills in the form.
var heldWords = map[fieldwork.Why]string{
	office.HeldNotGiven: "desk.held.notgiven", office.HeldEvidence: "desk.held.evidence", office.HeldOtherCase: "desk.held.othercase", office.HeldUnreadable: "desk.held.unreadable",
	office.HeldLate: "desk.held.late", office.HeldQuarantined: "desk.held.quarantined", office.HeldConflict: "desk.held.conflict", office.HeldInvalid: "desk.held.invalid",
	office.HeldNoCase:       "desk.held.nocase",
	fieldwork.RefusedAction: "desk.held.action", fieldwork.RefusedState: "desk.held.state", fieldwork.RefusedNobody: "desk.why.nobody", fieldwork.RefusedReason: "desk.held.reason",
	fieldwork.RefusedAttempt: "desk.held.attempt", fieldwork.RefusedFuture: "desk.held.future", fieldwork.RefusedBefore: "desk.held.before", fieldwork.RefusedTwice: "desk.held.twice",
	fieldwork.RefusedAppointment: "desk.held.appointment", fieldwork.RefusedListing: "desk.held.listing", fieldwork.RefusedUnselected: "desk.why.unselected",
	fieldwork.RefusedPerson: "desk.why.person", fieldwork.RefusedAgain: "desk.held.again", fieldwork.RefusedInterview: "desk.held.interview",
}

// heldWhy says why a deed is held.
func (t *teller) heldWhy(h office.Held) string {
	text := string(h.Why) // of a newer program
	if key := heldWords[h.Why]; key != "" {
		text = t.say(key)
	}
	if h.Detail == "" {
		return text
	}
	return text + t.say("desk.colon") + t.heldDetail(h)
}

// heldDetail says more of it: faults of a selection in words, all else as it is.
func (t *teller) heldDetail(h office.Held) string {
	if h.Why != office.HeldEvidence {
		return h.Detail
	}
	var parts []string
	for _, code := range strings.Split(h.Detail, ", ") {
		words := household.Fault(code).Words().In(t.lang)
		if words == "" {
			words = code
		}
		parts = append(parts, words)
	}
	return strings.Join(parts, " · ")
}

// heldDetails say what belongs to the deed; "" when it has what this program does not know,
// which may be why it is held.
func (t *teller) heldDetails(h office.Held) string {
	own := &teller{deskFrame: t.deskFrame}
	if details := own.details(h.Event, nil); own.err == nil {
		return details
	}
	return ""
}

// heldAction is what was to happen.
func (t *teller) heldAction(h office.Held) string {
	if h.Event.Action == "" {
		return notReported
	}
	return t.trailName(string(h.Event.Action))
}

// readTablet is the tablet in the address. One of another area is not there, and the try
// stands in the audit trail.
func (d *desk) readTablet(v *call) (*seenTablet, error) {
	id, err := v.named("device")
	if err != nil {
		return nil, err
	}
	ctx := v.Request().Context()
	device, err := d.office.DeviceOf(ctx, v.account, id)
	if errors.Is(err, surveys.ErrNotFound) {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read tablet", Object: cut(id, 40), Outcome: office.Refused}
		err = errors.Join(err, d.office.Note(ctx, entry))
	}
	if err != nil {
		return nil, err
	}
	held, err := d.office.Held(ctx, v.account, device.ID)
	return &seenTablet{device, d.deps.Tablets.Counts(device.ID), held, d.deps.Now()}, err
}

func (d *desk) tabletPage(v *call) error { return d.showTablet(v, http.StatusOK, "", nil) }

// showTablet shows a tablet, and what is wrong with a form about it; fault is its key.
func (d *desk) showTablet(v *call, status int, fault string, sent url.Values) error {
	ctx := v.Request().Context()
	s, err := d.readTablet(v)
	if err != nil {
		return err
	}
	f, err := d.frameOf(v, "desk.tablets.one", "name", s.Name)
	if err != nil {
		return err
	}
	t := &teller{deskFrame: f}
	if fault != "" {
		f.Fault, f.Failed = t.say(fault), true
	}
	if err := f.said(v); err != nil {
		return err
	}
	names, err := d.people(ctx)
	if err != nil {
		return err
	}
	givenUp, err := d.office.GivenUps(ctx, v.account, s.ID)
	if err != nil {
		return err
	}
	p := tabletPage{deskFrame: f, typed: typed(sent), Acts: v.account.May(auth.AssignCases), Revocable: s.Revoked.IsZero(), Back: f.Here(tabletList)}
	if p.Counts, err = d.reconciliation(t, "desk.tablets.counts", s.tallies()); err != nil {
		return err
	}
	if p.Held, err = d.heldTable(t, s, names); err != nil {
		return err
	}
	switch {
	case v.sent(p.Counts.ID):
		return p.Counts.send(v)
	case v.sent(p.Held.ID):
		return p.Held.send(v)
	}
	p.Why, _ = t.attention(d, s)
	p.Facts, p.Journal = t.tabletFacts(d, s, names), t.journalFacts(s, givenUp, names)
	if p.Acts {
		p.Open, p.More = d.openDeeds(t, s, p.typed)
		p.Pending, p.Last = t.numbers(s.pending()), s.journal.Last
	}
	if t.err != nil {
		return t.err
	}
	return d.show(v, status, "desk-tablets-one", p)
}

// tabletFacts are the lines about a tablet.
func (t *teller) tabletFacts(d *desk, s *seenTablet, names people) (facts []fact) {
	r := s.Report
	add := func(key, value string) {
		if value != "" {
			facts = append(facts, fact{t.say(key), value})
		}
	}
	add("desk.column.enumerator", names.Name(s.Login))
	add("desk.column.area", t.AreaText(s.Area))
	add("desk.column.state", t.tabletState(s))
	add("desk.tablets.revoked", clockTime(s.Revoked))
	add("desk.reason", s.Reason)
	add("desk.tablets.enrolled", clockTime(s.Enrolled))
	add("desk.tablets.id", s.ID)
	if !s.heard() {
		return facts
	}
	add("desk.tablets.column.contact", t.say("desk.tablets.ago", "at", clockTime(s.Contact), "span", t.span(s.silence())))
	checks := strings.Join(t.checks(s), " · ")
	if checks == "" {
		checks = t.say("desk.tablets.check.fine")
	}
	add("desk.tablets.column.checks", checks)
	add("desk.tablets.room", t.say("desk.tablets.roomof", "used", t.bytes(r.Usage), "quota", t.bytes(r.Quota)))
	add("desk.tablets.clock", t.offset(r.Offset))
	if r.Restored > 0 {
		add("desk.tablets.restored", t.say("desk.tablets.restored.n", "n", r.Restored))
	}
	add("desk.tablets.column.battery", t.battery(r))
	add("desk.tablets.column.underway", strconv.Itoa(r.Open))
	add("desk.tablets.column.app", t.versions(d, r))
	questionnaires, _ := t.questionnaires(d, r)
	add("desk.tablets.column.questionnaires", questionnaires)
	return facts
}

// offset says how a tablet's clock stands to the server's.
func (t *teller) offset(ms int64) string {
	seconds := strconv.FormatFloat(float64(max(ms, -ms))/1000, 'f', 1, 64)
	switch {
	case seconds == "0.0":
		return t.say("desk.tablets.clock.same")
	case ms > 0:
		return t.say("desk.tablets.clock.slow", "n", seconds)
	}
	return t.say("desk.tablets.clock.fast", "n", seconds)
}

// journalFacts are the lines about the numbers of its events.
func (t *teller) journalFacts(s *seenTablet, givenUp []office.GivenUp, names people) (facts []fact) {
	j := s.journal
	add := func(key, value string) { facts = append(facts, fact{t.say(key), value}) }
	if s.heard() {
		add("desk.tablets.journal.tablet", t.say("desk.tablets.upto", "n", s.Report.Last))
	}
	add("desk.tablets.journal.here", t.say("desk.tablets.upto", "n", j.Last))
	add("desk.tablets.journal.carried", t.say("desk.tablets.upto", "n", j.Carried))
	if len(j.Gaps) > 0 {
		add("desk.tablets.journal.gaps", t.numbers(j.Gaps))
	}
	for _, g := range givenUp {
		add("desk.tablets.journal.givenup", t.say("desk.tablets.givenup", "at", clockTime(g.At), "who", names.Name(g.Who), "numbers", t.numbers(g.Numbers), "reason", g.Reason))
	}
	for _, line := range []struct {
		key string
		tablet.Numbers
	}{{"desk.tablets.journal.damaged", j.DamagedAt}, {"desk.tablets.journal.conflicts", j.ConflictsAt}} {
		if line.Total > 0 {
			add(line.key, t.say("desk.tablets.rescued.of", "n", line.Total, "numbers", t.lowest(line.Numbers)))
		}
	}
	for _, line := range []struct {
		key string
		n   int
	}{{"desk.tablets.journal.unreadable", s.Report.Damaged}, {"desk.tablets.journal.late", j.Late}, {"desk.tablets.journal.quarantined", s.quarantined()},
		{"desk.tablets.journal.other", j.Kinds["other"]}} {
		if line.n > 0 {
			add(line.key, strconv.Itoa(line.n))
		}
	}
	return facts
}

// lowest writes the numbers that are named, and how many more there are.
func (t *teller) lowest(all tablet.Numbers) string {
	more := all.Total
	for _, r := range all.First {
		more -= int(r[1] - r[0] + 1)
	}
	text := t.numbers(all.First)
	if more > 0 {
		text += t.say("desk.tablets.andothers", "n", more)
	}
	return text
}

// numbers writes ranges of numbers.
func (t *teller) numbers(ranges [][2]uint64) string {
	var parts []string
	for _, r := range ranges[:min(len(ranges), tablet.MostRanges)] {
		part := strconv.FormatUint(r[0], 10)
		if r[1] > r[0] {
			part += "–" + strconv.FormatUint(r[1], 10)
		}
		parts = append(parts, part)
	}
	text := strings.Join(parts, t.say("desk.tablets.comma"))
	if more := len(ranges) - tablet.MostRanges; more > 0 {
		text += t.say("desk.tablets.andmore", "n", more)
	}
	return text
}

// single makes ranges of single numbers.
func single(numbers []uint64) (ranges [][2]uint64) {
	for _, n := range slices.Compact(slices.Sorted(slices.Values(numbers))) {
		if last := len(ranges) - 1; last >= 0 && ranges[last][1] == n-1 {
			ranges[last][1] = n
			continue
		}
		ranges = append(ranges, [2]uint64{n, n})
	}
	return ranges
}

// heldTable lists what could not be done, also what was dismissed.
func (d *desk) heldTable(t *teller, s *seenTablet, names people) (deskTable, error) {
	table, err := d.table(t.deskFrame, "held", "desk.tablets.held", "#desk.tablets.column.number", "desk.wave", "desk.tablets.column.case", "desk.column.what", "desk.tablets.column.why",
		"desk.column.when", "desk.tablets.column.since", "desk.tablets.column.dismissed")
	if err != nil {
		return table, err
	}
	for _, h := range s.brought {
		dismissed := ""
		if !h.Dismissed.IsZero() {
			dismissed = t.say("desk.tablets.dismissed", "at", clockTime(h.Dismissed), "who", names.Name(h.By), "reason", h.Reason)
		}
		place := d.heldCase(t.deskFrame, h)
		why := deskCell{Text: t.heldWhy(h)}
		if h.Why == office.HeldQuarantined && place != "" { // what the case has instead
			why.Href = place + quarantineNotice
		}
		table.add(whole(int(h.Seq)), deskCell{Text: h.Wave}, deskCell{Text: h.Case, Href: place}, deskCell{Text: t.heldAction(h)}, why,
			deskCell{Text: clockTime(h.Event.At)}, deskCell{Text: clockTime(h.At)}, deskCell{Text: dismissed})
	}
	return table, errors.Join(t.err, table.arrange(t.deskFrame))
}

// quarantineNotice is the part of the page of a case that says what is in quarantine.
const quarantineNotice = "#quarantine"

// heldCase is the address of the page of the case of a held deed.
func (d *desk) heldCase(f deskFrame, h office.Held) string {
	if d.waves()[h.Wave] == nil || h.Case == "" || h.Why == office.HeldNotGiven {
		return ""
	}
	f.Survey = h.Wave
	return f.caseHref(h.Case)
}

// openDeeds are the held deeds that wait, each with a form.
func (d *desk) openDeeds(t *teller, s *seenTablet, sent typed) (list []openDeed, more int) {
	for _, h := range s.brought {
		if !h.Dismissed.IsZero() {
			continue
		}
		failed := slices.Contains([]string{dismissAction, retryAction}, sent.Typed("action")) && sent.Typed("seq") == strconv.FormatUint(h.Seq, 10)
		if len(list) == mostOpen && !failed {
			more++
			continue
		}
		o := openDeed{Seq: h.Seq, Case: d.heldCase(t.deskFrame, h), Failed: failed, Retries: h.Event.Action == fieldwork.Submit,
			Name: t.say("desk.tablets.deed", "n", h.Seq, "case", h.Case, "what", t.heldAction(h))}
		o.Facts = append(o.Facts, fact{t.say("desk.tablets.column.why"), t.heldWhy(h)})
		if details := t.heldDetails(h); details != "" {
			o.Facts = append(o.Facts, fact{t.say("desk.column.details"), details})
		}
		if !h.Event.At.IsZero() {
			o.Facts = append(o.Facts, fact{t.say("desk.column.when"), clockTime(h.Event.At)})
		}
		list = append(list, o)
	}
	return list, more
}

// The actions of the forms of a tablet.
const (
	revokeAction  = "revoke"
	dismissAction = "dismiss"
	retryAction   = "retry"
	giveUpAction  = "giveup"
)

// actOnTablet dismisses what is held or tries it again, gives up what is missing, or revokes
// the tablet.
func (d *desk) actOnTablet(v *call) error {
	form, err := v.sentForm()
	if err != nil {
		return err
	}
	f, err := d.frameOf(v, "desk.tablets")
	if err != nil {
		return err
	}
	s, err := d.readTablet(v)
	if err != nil {
		return err
	}
	ctx, sent := v.Request().Context(), typed(form)
	reason, said, before := strings.TrimSpace(sent.Typed("reason")), "revoked", "desk.tablets.revoke.before"
	seq, seqErr := strconv.ParseUint(sent.Typed("seq"), 10, 63)
	switch action := sent.Typed("action"); {
	case action == revokeAction:
		err = d.office.Revoke(ctx, v.account, s.ID, reason, d.deps.Now())
	case action == giveUpAction:
		said, before = "givenup", "desk.tablets.giveup.before"
		err = d.giveUp(v, s, sent.Typed("last"), reason)
	case (action == dismissAction || action == retryAction) && seqErr != nil:
		return fmt.Errorf("the form does not say which number it is about: %w", surveys.ErrInvalid)
	case action == dismissAction:
		said, before = "dismissed", "desk.tablets.dismiss.before"
		err = d.office.Dismiss(ctx, v.account, s.ID, seq, reason, d.deps.Now())
	case action == retryAction:
		said = "retried"
		before, err = d.retry(v, &teller{deskFrame: f}, s, seq)
	default:
		return fmt.Errorf("action %q: %w", sent.Typed("action"), surveys.ErrInvalid)
	}
	switch {
	case err == nil:
		return v.leadTo(f, f.url.EscapedPath(), said)
	case errors.Is(err, surveys.ErrInvalid):
		return d.showTablet(v, http.StatusUnprocessableEntity, "desk.tablets.reason", form)
	case errors.Is(err, surveys.ErrConflict):
		return d.showTablet(v, http.StatusConflict, before, form)
	}
	return err
}

// giveUp goes on without the numbers that the page showed as missing, when the tablet has sent
// nothing since: last is the highest number that was here.
func (d *desk) giveUp(v *call, s *seenTablet, last, reason string) error {
	ctx, numbers := v.Request().Context(), s.pending()
	if numbers == nil || last != strconv.FormatUint(s.journal.Last, 10) {
		return fmt.Errorf("give up what is missing: it is not as it was shown: %w", surveys.ErrConflict)
	}
	if err := d.office.GiveUp(ctx, v.account, s.ID, numbers, reason, d.deps.Now()); err != nil {
		return err
	}
	_, err := d.deps.Tablets.GiveUp(ctx, s.ID, numbers)
	return err
}

// retry hands a held interview in once more. With an error that wraps surveys.ErrConflict it
// does not count, and key says why.
func (d *desk) retry(v *call, t *teller, s *seenTablet, seq uint64) (key string, err error) {
	ctx := v.Request().Context()
	if !slices.ContainsFunc(s.brought, func(h office.Held) bool {
		return h.Seq == seq && h.Dismissed.IsZero() && h.Event.Action == fieldwork.Submit
	}) {
		return "desk.tablets.dismiss.before", fmt.Errorf("try number %d again: %w", seq, surveys.ErrConflict)
	}
	reason := t.say("desk.tablets.retry.counts")
	if t.err != nil {
		return "", t.err
	}
	deed, err := d.deps.Tablets.Retry(ctx, s.ID, seq)
	if errors.Is(err, surveys.ErrNotFound) {
		return "desk.tablets.retry.gone", fmt.Errorf("%w: %w", surveys.ErrConflict, err)
	}
	if err != nil {
		return "", err
	}
	why, err := d.office.Retried(ctx, v.account, s.ID, deed, reason, d.deps.Now())
	switch {
	case err != nil:
		return "desk.tablets.dismiss.before", err
	case why != "":
		return "desk.tablets.retry.still", fmt.Errorf("number %d, tried again, is %s: %w", seq, why, surveys.ErrConflict)
	}
	return "", nil
}
