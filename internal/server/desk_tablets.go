package server

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/tablet"
)

// tabletList is the address of the list of tablets.
const tabletList = "/desk/tablets"

// tabletRoutes adds the pages of the tablets, when there are any.
func (d *desk) tabletRoutes(e *echo.Echo, read, post func(string, auth.Right, func(*call) error)) {
	if d.deps.Tablets == nil {
		return
	}
	read(tabletList, "", d.looksAfter(d.tabletsPage))
	post("/desk/tablets/enrol", auth.AssignCases, d.newTablet)
	e.POST("/desk/tablets/rescue", d.signedIn(auth.AssignCases, d.uploaded(d.ownForm(d.rescue))))
	read("/desk/tablets/:device", "", d.looksAfter(d.tabletPage))
	post("/desk/tablets/:device", auth.AssignCases, d.actOnTablet)
}

// looksAfter lets those in who have to do with tablets: who gives cases out, and who reviews.
func (d *desk) looksAfter(h func(*call) error) func(*call) error {
	return func(v *call) error {
		if v.account.May(auth.AssignCases) || v.account.May(auth.Review) {
			return h(v)
		}
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "open page", Object: v.Path(), Outcome: office.Refused}
		return errors.Join(fmt.Errorf("tablets: %w", office.ErrForbidden), d.office.Note(v.Request().Context(), entry))
	}
}

// What is asked of a tablet before fieldwork, as its own app asks.
const (
	silentAfter = 48 * time.Hour
	mostOffset  = 5 * time.Minute
	// lowBattery is the charge below which a tablet that is not plugged in needs attention.
	lowBattery = 0.15
)

// roomy says whether a tablet has room: 200 MiB, or twenty times what is stored.
func roomy(r office.DeviceReport) bool {
	free := r.Quota - r.Usage
	return free >= 200<<20 || r.Usage > 0 && free/20 >= max(r.Usage, 10<<20)
}

// seenTablet is a tablet with what its journal holds here.
type seenTablet struct {
	office.Device
	journal tablet.Counts
	// brought is what it brought and could not be done.
	brought []office.Held
	now     time.Time
}

// held is how much of what the tablet brought waits for somebody to look at it.
func (s *seenTablet) held() (n int) {
	for _, h := range s.brought {
		if h.Dismissed.IsZero() {
			n++
		}
	}
	return n
}

// heard says whether the tablet ever reported.
func (s *seenTablet) heard() bool { return !s.Contact.IsZero() }

// silence is how long nothing was heard of the tablet, since it was enrolled at most.
func (s *seenTablet) silence() time.Duration {
	since := s.Contact
	if since.IsZero() {
		since = s.Enrolled
	}
	return s.now.Sub(since)
}

func (s *seenTablet) silent() bool { return s.Revoked.IsZero() && s.silence() > silentAfter }

// A tally is one line of the reconciliation: what the tablet counted, at its last report, and
// what came here.
type tally struct {
	words      string
	tablet     int
	here, done int
	// counted says that the tablet counts this, carried that the office does.
	counted, carried bool
}

// missing is how much has not come here. What came after the last report is not missing.
func (t tally) missing() int {
	if !t.counted {
		return 0
	}
	return max(t.tablet-t.here, 0)
}

// tabletKinds are the kinds of event in the reconciliation, with what a report says of them.
var tabletKinds = []struct {
	kind, words string
	counted     func(office.DeviceReport) int
}{
	{"begin", "desk.tablets.kind.begin", func(r office.DeviceReport) int { return r.Begun }},
	{"finish", "desk.tablets.kind.finish", func(r office.DeviceReport) int { return r.Finished }},
	{"part", "desk.tablets.kind.part", func(r office.DeviceReport) int { return r.Parted }},
	{"attempt", "desk.tablets.kind.attempt", func(r office.DeviceReport) int { return r.Attempts }},
	{"select", "desk.tablets.kind.select", func(r office.DeviceReport) int { return r.Selections }},
	{"relist", "desk.tablets.kind.relist", func(r office.DeviceReport) int { return r.Relists }},
	{"note", "desk.tablets.kind.note", func(r office.DeviceReport) int { return r.Notes }},
}

// tallies are the reconciliation of a tablet, that of all its events last.
func (s *seenTablet) tallies() []tally {
	var list []tally
	for _, k := range tabletKinds {
		t := tally{words: k.words, here: s.journal.Kinds[k.kind]}
		if t.counted = s.heard(); t.counted {
			t.tablet = k.counted(s.Report)
		}
		if held, known := s.heldOf(k.kind); known && s.journal.Carried >= s.journal.Last {
			t.done, t.carried = t.here-held, true
		}
		list = append(list, t)
	}
	return append(list, s.events())
}

// heldKinds are the kinds of event that an action may come from.
var heldKinds = map[fieldwork.Action][]string{
	fieldwork.Try: {"attempt"}, fieldwork.Select: {"select"}, fieldwork.Relist: {"relist"}, fieldwork.Comment: {"note"}, fieldwork.Begin: {"begin"},
	fieldwork.Submit: {"finish", "part"},
}

// heldOf is how many events of a kind came and could not be done; known is false where it is
// not sure which kind some of them were.
func (s *seenTablet) heldOf(kind string) (n int, known bool) {
	for _, h := range s.brought {
		from := slices.Clone(heldKinds[h.Event.Action])
		if h.Why == office.HeldUnreadable && h.Event.Action == fieldwork.Comment {
			from = append(from, "other") // its kind may not have been readable
		}
		from = slices.DeleteFunc(from, func(k string) bool { return s.journal.Kinds[k] == 0 })
		switch {
		case !slices.Contains(from, kind):
		case len(from) > 1:
			return 0, false
		default:
			n++
		}
	}
	return n, true
}

// received is how many numbers of the journal are here, damaged ones too.
func (s *seenTablet) received() int { return int(s.journal.Last) - s.skipped() }

// skipped is how many numbers are missing below the highest one.
func (s *seenTablet) skipped() (n int) {
	for _, g := range s.journal.Gaps {
		n += int(g[1] - g[0] + 1)
	}
	return n
}

// events is the tally of all events.
func (s *seenTablet) events() tally {
	return tally{words: "desk.tablets.kind.all", tablet: int(s.Report.Last), here: s.received(), done: int(s.journal.Carried), counted: s.heard(), carried: true}
}

// interviews is the tally of those that were finished or broken off.
func (s *seenTablet) interviews() tally {
	return tally{tablet: s.Report.Finished, here: s.journal.Kinds["finish"], counted: s.heard()}
}

// unsent says whether an interview of the tablet, complete or broken off, has not come here.
func (s *seenTablet) unsent() bool {
	return s.heard() && (s.Report.Finished > s.journal.Kinds["finish"] || s.Report.Parted > s.journal.Kinds["part"])
}

// pending are the numbers that are missing and keep what comes after them waiting.
func (s *seenTablet) pending() (ranges [][2]uint64) {
	for _, g := range s.journal.Gaps {
		if g[0] = max(g[0], s.journal.Carried+1); g[0] <= g[1] {
			ranges = append(ranges, g)
		}
	}
	return ranges
}

// quarantined is how many of its interviews are in quarantine.
func (s *seenTablet) quarantined() (n int) {
	for _, h := range s.brought {
		if h.Why == office.HeldQuarantined {
			n++
		}
	}
	return n
}

// missing is how many events have not come here: numbers that later ones skip, and those
// after the last one that came.
func (s *seenTablet) missing() int {
	return s.skipped() + int(max(s.Report.Last, s.journal.Last)-s.journal.Last)
}

// damaged is how many events cannot be read, here or on the tablet.
func (s *seenTablet) damaged() int { return max(s.journal.Damaged, s.Report.Damaged) }

// waiting is how many events came and are not carried out.
func (s *seenTablet) waiting() int {
	return int(s.journal.Upto - min(s.journal.Carried, s.journal.Upto))
}

// settled says that everything the tablet reported is here and carried out, and that nobody
// has to look at anything.
func (s *seenTablet) settled() bool {
	for _, t := range s.tallies() {
		if t.missing() > 0 {
			return false
		}
	}
	return s.missing() == 0 && s.waiting() == 0 && s.damaged() == 0 && s.journal.Conflicts == 0 && s.held() == 0
}

// Why a tablet needs attention, the most urgent first.
const (
	dataInDoubt = iota // something was lost, or waits for somebody
	outOfReach         // it holds what the office has not, and nothing is heard of it
	unfit              // it does not keep what is written, or soon cannot
	toBeSent           // it holds what the office has not
	outOfDate          // or silent, with nothing to send
	fine
	putAway // revoked, and everything is here
)

// attention says why a tablet needs some, and how urgently.
func (t *teller) attention(d *desk, s *seenTablet) (why []string, urgency int) {
	urgency = fine
	note := func(is bool, level int, key string, pairs ...any) {
		if is {
			why, urgency = append(why, t.say(key, pairs...)), min(urgency, level)
		}
	}
	gone := s.silent() || !s.Revoked.IsZero()
	j := s.journal
	note(s.damaged() > 0, dataInDoubt, "desk.tablets.note.damaged", "n", s.damaged())
	note(j.Conflicts > 0, dataInDoubt, "desk.tablets.note.conflict", "n", j.Conflicts)
	note(s.held() > 0, dataInDoubt, "desk.tablets.note.held", "n", s.held())
	level := toBeSent
	if gone {
		level = outOfReach
	}
	note(s.missing() > 0, level, "desk.tablets.note.missing", "n", s.missing())
	note(s.unsent(), level, "desk.tablets.note.interviews", "n", max(s.Report.Finished-j.Kinds["finish"], 0)+max(s.Report.Parted-j.Kinds["part"], 0))
	note(s.waiting() > 0, toBeSent, "desk.tablets.note.waiting", "n", s.waiting())
	if !s.Revoked.IsZero() {
		if urgency == fine {
			urgency = putAway
		}
		return why, urgency
	}
	level = outOfDate
	if s.Report.Open > 0 || s.missing() > 0 {
		level = outOfReach
	}
	note(s.silent(), level, "desk.tablets.note.silent", "n", int(s.silence().Hours())/24)
	note(len(t.checks(s)) > 0, unfit, "desk.tablets.note.check")
	note(s.flat(), unfit, "desk.tablets.note.battery")
	note(d.oldEngine(s.Report), outOfDate, "desk.tablets.note.engine")
	_, old := t.questionnaires(d, s.Report)
	note(old, outOfDate, "desk.tablets.note.questionnaire")
	return why, urgency
}

// flat says that the battery is nearly empty and not being charged.
func (s *seenTablet) flat() bool {
	return s.Report.Battery != nil && *s.Report.Battery < lowBattery && (s.Report.Charging == nil || !*s.Report.Charging)
}

// checks are the faults that the checks of a tablet found, in words.
func (t *teller) checks(s *seenTablet) (faults []string) {
	r := s.Report
	if !s.heard() {
		return nil
	}
	if !r.Persisted {
		faults = append(faults, t.say("desk.tablets.check.persisted"))
	}
	if !roomy(r) {
		faults = append(faults, t.say("desk.tablets.check.room", "size", t.bytes(max(r.Quota-r.Usage, 0))))
	}
	switch minutes := int(math.Round(time.Duration(r.Offset * int64(time.Millisecond)).Abs().Minutes())); {
	case minutes < int(mostOffset.Minutes()):
	case r.Offset > 0:
		faults = append(faults, t.say("desk.tablets.check.slow", "n", minutes))
	default:
		faults = append(faults, t.say("desk.tablets.check.fast", "n", minutes))
	}
	if !r.Write {
		faults = append(faults, t.say("desk.tablets.check.write"))
	}
	if r.Copied != nil && !*r.Copied {
		faults = append(faults, t.say("desk.tablets.check.copied"))
	}
	return faults
}

// bytes is a number of bytes for people.
func (t *teller) bytes(n int64) string {
	if n < 1<<30 {
		return t.say("desk.tablets.mb", "n", n>>20)
	}
	return t.say("desk.tablets.gb", "n", strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64))
}

// span is a length of time for people.
func (t *teller) span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return t.say("desk.tablets.minutes", "n", max(int(d.Minutes()), 0))
	case d < 48*time.Hour:
		return t.say("desk.tablets.hours", "n", int(d.Hours()))
	}
	return t.say("desk.tablets.days", "n", int(d.Hours())/24)
}

// oldEngine says that a tablet runs another form engine than the one that is served.
func (d *desk) oldEngine(r office.DeviceReport) bool {
	return d.engine != "" && r.Engine != "" && r.Engine != d.engine
}

// shortVersion is how much of a version or hash is shown in a list.
func shortVersion(version string) string { return cut(version, 8) }

// versions are those of the app and the engine of a tablet.
func (t *teller) versions(d *desk, r office.DeviceReport) string {
	text := shortVersion(r.App)
	if r.Engine != "" {
		text = strings.TrimPrefix(text+" / "+shortVersion(r.Engine), " / ")
	}
	if d.oldEngine(r) {
		text += t.say("desk.tablets.older.engine")
	}
	return text
}

// questionnaires are those that a tablet has, and whether one is not the present one.
func (t *teller) questionnaires(d *desk, r office.DeviceReport) (text string, old bool) {
	var parts []string
	for _, q := range r.Questionnaires {
		id, version, _ := strings.Cut(q, " ")
		part := id + " " + shortVersion(version)
		switch w := d.waves()[id]; {
		case w == nil:
			part += t.say("desk.tablets.older.wave")
		case w.version != version:
			part, old = part+t.say("desk.tablets.older.questionnaire"), true
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " · "), old
}

// tabletState says whether a tablet is in use.
func (t *teller) tabletState(s *seenTablet) string {
	switch {
	case !s.Revoked.IsZero():
		return t.say("desk.tablets.state.revoked")
	case !s.heard():
		return t.say("desk.tablets.state.new")
	case s.silent():
		return t.say("desk.tablets.state.silent")
	}
	return t.say("desk.tablets.state.used")
}

// battery is the charge of a tablet, "" when it does not say.
func (t *teller) battery(r office.DeviceReport) string {
	if r.Battery == nil {
		return ""
	}
	text := strconv.FormatFloat(100**r.Battery, 'f', 0, 64) + " %"
	if r.Charging != nil && *r.Charging {
		text += t.say("desk.tablets.charging")
	}
	return text
}

// seeTablets are the tablets of the account's area, with their journals.
func (d *desk) seeTablets(v *call) ([]*seenTablet, error) {
	ctx := v.Request().Context()
	devices, err := d.office.Devices(ctx, v.account)
	if err != nil {
		return nil, err
	}
	held, err := d.office.Held(ctx, v.account, "")
	if err != nil {
		return nil, err
	}
	brought := map[string][]office.Held{}
	for _, h := range held {
		brought[h.Device] = append(brought[h.Device], h)
	}
	list := make([]*seenTablet, len(devices))
	for i, device := range devices {
		list[i] = &seenTablet{device, d.deps.Tablets.Counts(device.ID), brought[device.ID], d.deps.Now()}
	}
	return list, nil
}

// tabletsPage is web/pages/desk-tablets: all tablets, whether everything has arrived, and what
// can be done about them.
type tabletsPage struct {
	deskFrame
	// Settled says that everything is accounted for, Verdict says it in words.
	Settled     bool
	Verdict     string
	Facts       []fact
	Table, Sums deskTable
	// Acts says that the account may enrol tablets and read rescue files.
	Acts        bool
	Enumerators []auth.Account
	Most        int
	typed
}

func (d *desk) tabletsPage(v *call) error { return d.showTablets(v, http.StatusOK, "", nil) }

// at has the page of a request be shown under another address: that of a form has no page.
func (v *call) at(path string) {
	r := v.Request().WithContext(v.Request().Context())
	address := *r.URL
	address.Path, address.RawPath = path, ""
	r.URL = &address
	v.SetRequest(r)
}

// showTablets shows the list, and what is wrong with a form below it; fault is its key.
func (d *desk) showTablets(v *call, status int, fault string, sent url.Values, pairs ...any) error {
	v.at(tabletList)
	f, err := d.frameOf(v, "desk.tablets")
	if err != nil {
		return err
	}
	t := &teller{deskFrame: f}
	if fault != "" {
		f.Fault, f.Failed = t.say(fault, pairs...), true
	}
	all, err := d.seeTablets(v)
	if err != nil {
		return err
	}
	names, err := d.people(v.Request().Context())
	if err != nil {
		return err
	}
	p := tabletsPage{deskFrame: f, typed: typed(sent), Acts: v.account.May(auth.AssignCases), Most: maxUpload >> 20}
	if p.Table, err = d.tabletTable(t, all, names); err != nil {
		return err
	}
	if p.Sums, err = d.sumTable(t, all); err != nil {
		return err
	}
	switch {
	case t.err != nil:
		return t.err
	case v.sent(p.Table.ID):
		return p.Table.send(v)
	case v.sent(p.Sums.ID):
		return p.Sums.send(v)
	}
	p.Facts, p.Settled, p.Verdict = t.tabletsSum(all)
	p.Table.cut(f)
	if p.Acts {
		if p.Enumerators, err = d.office.Enumerators(v.Request().Context(), v.account); err != nil {
			return err
		}
		p.Enumerators = slices.DeleteFunc(p.Enumerators, func(a auth.Account) bool { return !v.account.Sees(a.Area) })
	}
	if t.err != nil {
		return t.err
	}
	return d.show(v, status, "desk-tablets", p)
}

// tabletTable lists tablets, those that need attention first.
func (d *desk) tabletTable(t *teller, all []*seenTablet, names people) (deskTable, error) {
	table, err := d.table(t.deskFrame, "tablets", "desk.tablets.all", "desk.tablets.column.tablet", "desk.tablets.column.attention", "desk.column.enumerator", "desk.column.state",
		"desk.tablets.column.contact", "#desk.tablets.column.silence", "desk.tablets.column.checks", "#desk.tablets.column.battery", "#desk.tablets.column.underway",
		"#desk.tablets.column.unsent", "#desk.tablets.column.finished", "#desk.tablets.column.ontablet", "#desk.tablets.column.here", "#desk.tablets.column.carried",
		"#desk.tablets.column.damaged", "#desk.tablets.column.held", "desk.tablets.column.app", "desk.tablets.column.questionnaires")
	if err != nil {
		return table, err
	}
	type row struct {
		*seenTablet
		why     string
		urgency int
	}
	rows := make([]row, len(all))
	for i, s := range all {
		why, urgency := t.attention(d, s)
		rows[i] = row{s, strings.Join(why, " · "), urgency}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.urgency, b.urgency), cmp.Compare(b.silence(), a.silence()))
	})
	for _, r := range rows {
		questionnaires, _ := t.questionnaires(d, r.Report)
		checks, events := "", r.events()
		if r.heard() {
			if checks = strings.Join(t.checks(r.seenTablet), " · "); checks == "" {
				checks = t.say("desk.tablets.check.fine")
			}
		}
		table.add(deskCell{Text: r.Name, Href: t.Here(tabletList + "/" + url.PathEscape(r.ID))}, deskCell{Text: r.why}, deskCell{Text: names.Name(r.Login)},
			deskCell{Text: t.tabletState(r.seenTablet)}, deskCell{Text: clockTime(r.Contact)}, deskCell{Text: t.span(r.silence()), Number: true, Value: r.silence().Minutes()},
			deskCell{Text: checks}, batteryCell(t.battery(r.Report), r.Report), reported(r.heard(), r.Report.Open), whole(r.missing()), t.compared(r.interviews()),
			reported(r.heard(), events.tablet), whole(events.here), whole(events.done), whole(r.damaged()), whole(r.held()), deskCell{Text: t.versions(d, r.Report)}, deskCell{Text: questionnaires})
	}
	return table, errors.Join(t.err, table.arrange(t.deskFrame))
}

// batteryCell sorts by the charge.
func batteryCell(text string, r office.DeviceReport) deskCell {
	c := deskCell{Text: text, Number: true, Value: -1}
	if r.Battery != nil {
		c.Value = *r.Battery
	}
	return c
}

// notReported stands where a tablet has said nothing.
const notReported = "—"

// reported is a count that the tablet reports.
func reported(heard bool, n int) deskCell {
	if !heard {
		return deskCell{Text: notReported, Number: true, Value: -1}
	}
	return whole(n)
}

// compared is one cell with both counts of a tally; it is sorted by their difference.
func (t *teller) compared(c tally) deskCell {
	switch {
	case !c.counted:
		return deskCell{Text: notReported, Number: true, Value: math.Inf(-1)}
	case c.tablet == c.here:
		return deskCell{Text: t.say("desk.tablets.equal", "n", c.here), Number: true}
	case c.tablet > c.here:
		return deskCell{Text: t.say("desk.tablets.short", "tablet", c.tablet, "here", c.here, "n", c.tablet-c.here), Number: true, Value: float64(c.tablet - c.here)}
	}
	return deskCell{Text: t.say("desk.tablets.over", "tablet", c.tablet, "here", c.here, "n", c.here-c.tablet), Number: true, Value: float64(c.tablet - c.here)}
}

// reconciliation is a reconciliation, one line for each kind.
func (d *desk) reconciliation(t *teller, caption string, list []tally) (deskTable, error) {
	table, err := d.table(t.deskFrame, "counts", caption, "desk.tablets.column.kind", "#desk.tablets.column.ontablet", "#desk.tablets.column.here", "#desk.tablets.column.difference", "#desk.tablets.column.carried")
	if err != nil {
		return table, err
	}
	for _, c := range list {
		difference := deskCell{Text: notReported, Number: true}
		if c.counted {
			difference = t.difference(c.tablet - c.here)
		}
		table.add(deskCell{Text: t.say(c.words)}, reported(c.counted, c.tablet), whole(c.here), difference, reported(c.carried, c.done))
	}
	return table, errors.Join(t.err, table.arrange(t.deskFrame))
}

// still is a table without links to itself, for a page that is in no address.
func (t deskTable) still() *deskTable {
	t.Download, t.Columns = "", slices.Clone(t.Columns)
	for i := range t.Columns {
		t.Columns[i].Href = ""
	}
	return &t
}

// difference says by how much two counts differ.
func (t *teller) difference(n int) deskCell {
	c := deskCell{Number: true, Value: float64(n)}
	switch {
	case n == 0:
		c.Text = t.say("desk.tablets.none")
	case n > 0:
		c.Text = t.say("desk.tablets.lacking", "n", n)
	default:
		c.Text = t.say("desk.tablets.more", "n", -n)
	}
	return c
}

// sumTable adds the tallies of tablets up, as counted also when none has reported.
func (d *desk) sumTable(t *teller, all []*seenTablet) (deskTable, error) {
	sums := (&seenTablet{}).tallies()
	for i := range sums {
		sums[i].counted, sums[i].carried = true, true
	}
	for _, s := range all {
		for i, c := range s.tallies() {
			sums[i].tablet += c.tablet
			sums[i].here += c.here
			sums[i].done += c.done
			sums[i].carried = sums[i].carried && c.carried
		}
	}
	return d.reconciliation(t, "desk.tablets.sums", sums)
}

// tabletsSum says of all tablets whether everything is accounted for.
func (t *teller) tabletsSum(all []*seenTablet) (facts []fact, settled bool, verdict string) {
	var unsent, underWay, silent, revoked, missing, waiting, damaged, conflicts, held, odd int
	for _, s := range all {
		if s.unsent() {
			unsent++
		}
		if s.silent() {
			silent++
		}
		if !s.Revoked.IsZero() {
			revoked++
		}
		if !s.settled() {
			odd++
		}
		underWay += s.Report.Open
		missing, waiting, damaged, conflicts, held = missing+s.missing(), waiting+s.waiting(), damaged+s.damaged(), conflicts+s.journal.Conflicts, held+s.held()
	}
	add := func(key string, n int) { facts = append(facts, fact{t.say(key), strconv.Itoa(n)}) }
	add("desk.tablets.sum.all", len(all))
	add("desk.tablets.sum.unsent", unsent)
	add("desk.tablets.sum.underway", underWay)
	add("desk.tablets.sum.silent", silent)
	add("desk.tablets.sum.revoked", revoked)
	var parts []string
	part := func(key string, n int) {
		if n > 0 {
			parts = append(parts, t.say(key, "n", n))
		}
	}
	part("desk.tablets.note.missing", missing)
	part("desk.tablets.note.waiting", waiting)
	part("desk.tablets.note.damaged", damaged)
	part("desk.tablets.note.conflict", conflicts)
	part("desk.tablets.note.held", held)
	switch settled = odd == 0; {
	case len(all) == 0:
		verdict = t.say("desk.tablets.verdict.empty")
	case settled:
		verdict = t.say("desk.tablets.verdict.settled", "n", len(all))
	default:
		verdict = t.say("desk.tablets.verdict.open", "n", odd, "what", strings.Join(parts, t.say("desk.tablets.comma")))
	}
	if silent > 0 {
		verdict += t.say("desk.tablets.verdict.silent", "n", silent)
	}
	return facts, settled, verdict
}
