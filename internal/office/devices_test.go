package office

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/surveys"
)

// tabletID is that of the n-th tablet, tabletSecret its secret.
func tabletID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

func tabletSecret(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("%032d", n)))
}

// enrolled enrols the n-th tablet, of an enumerator.
func enrolled(t *testing.T, s *Store, n int, login string) Device {
	t.Helper()
	token, _, err := s.NewEnrolment(t.Context(), office, login, nine)
	must(t, err)
	_, err = s.Enrol(t.Context(), token, tabletID(n), tabletSecret(n), fmt.Sprint("平板 ", n), nine)
	must(t, err)
	d, err := s.Device(t.Context(), tabletID(n), tabletSecret(n))
	must(t, err)
	return d
}

// A code enrols one tablet, once, in time; the same tablet may ask again.
func TestEnrolment(t *testing.T) {
	s := staffed(t)
	token, expires, err := s.NewEnrolment(t.Context(), hz, "li", nine)
	must(t, err)
	if !expires.Equal(nine.Add(72 * time.Hour)) {
		t.Errorf("the code expires at %v", expires)
	}
	late, _, err := s.NewEnrolment(t.Context(), hz, "li", nine)
	must(t, err)
	must(t, s.PutAccount(t.Context(), auth.Account{Login: "gone", Name: "去", Role: auth.Enumerator, Area: "3301"}, "setup", nine))
	gone, _, err := s.NewEnrolment(t.Context(), hz, "gone", nine)
	must(t, err)
	must(t, s.PutAccount(t.Context(), auth.Account{Login: "gone", Name: "去", Role: auth.Enumerator, Area: "3301", Disabled: true}, "setup", nine))
	for i, step := range []struct {
		token  string
		device int
		secret int
		name   string
		at     time.Duration
		err    error
	}{
		{"ABC", 1, 1, "平板", 0, ErrTokenUnknown},
		{"", 1, 1, "平板", 0, ErrTokenUnknown},
		{token, 1, 1, " ", 0, surveys.ErrInvalid},
		{token, 1, 1, "a\nb", 0, surveys.ErrInvalid},
		{token, 1, 1, "平板", time.Hour, nil},
		{token, 1, 1, "平板", time.Hour, nil},
		{token, 1, 1, "another name", 200 * time.Hour, nil},
		{token, 1, 2, "平板", time.Hour, ErrTokenUsed},
		{token, 2, 1, "平板", time.Hour, ErrTokenUsed},
		{late, 1, 1, "平板", time.Hour, surveys.ErrConflict},
		{late, 2, 2, "平板", 72 * time.Hour, ErrTokenExpired},
		{late, 2, 2, "平板", 71 * time.Hour, nil},
		{gone, 3, 3, "平板", 0, ErrRevoked},
	} {
		a, err := s.Enrol(t.Context(), step.token, tabletID(step.device), tabletSecret(step.secret), step.name, nine.Add(step.at))
		if !errors.Is(err, step.err) || (err == nil) != (a.Login == "li") {
			t.Errorf("step %d: %v %v, want %v", i+1, a, err, step.err)
		}
	}
	for _, id := range []string{"", "x", strings.ToUpper("a" + tabletID(1)[1:]), tabletID(1) + "\n"} {
		if _, err := s.Enrol(t.Context(), late, id, tabletSecret(1), "平板", nine); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("the ID %q: %v", id, err)
		}
	}
	for _, secret := range []string{"", "x", tabletSecret(1)[:42], strings.Repeat("a", 300), tabletSecret(1)[:42] + "!"} {
		if _, err := s.Enrol(t.Context(), late, tabletID(9), secret, "平板", nine); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("the secret %q: %v", secret, err)
		}
	}
	trail, err := s.Trail(t.Context(), 100)
	must(t, err)
	for _, e := range trail {
		for _, secret := range []string{token, late, tabletSecret(1)} {
			if strings.Contains(fmt.Sprint(e), secret) {
				t.Errorf("the audit trail tells a secret: %+v", e)
			}
		}
	}
	var kept int
	must(t, s.db.QueryRow("SELECT count(*) FROM enrolments, devices WHERE instr(hash, ?) OR instr(secret, ?)", token, tabletSecret(1)).Scan(&kept))
	if kept != 0 {
		t.Error("a code or secret is kept as it is")
	}
}

// Of many tablets that use a code at once one is enrolled.
func TestEnrolmentAtOnce(t *testing.T) {
	s := staffed(t)
	token, _, err := s.NewEnrolment(t.Context(), hz, "li", nine)
	must(t, err)
	var wg sync.WaitGroup
	results := make([]error, 6)
	for n := range results {
		wg.Go(func() { _, results[n] = s.Enrol(t.Context(), token, tabletID(n), tabletSecret(n), "平板", nine) })
	}
	wg.Wait()
	done := 0
	for _, err := range results {
		if err == nil {
			done++
		} else if !errors.Is(err, ErrTokenUsed) {
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d tablets were enrolled", done)
	}
}

// Who makes codes, and for whom.
func TestWhoEnrols(t *testing.T) {
	s := staffed(t)
	for _, c := range []struct {
		by    auth.Account
		login string
		err   error
	}{
		{office, "li", nil}, {hz, "li", nil}, {wu, "li", surveys.ErrNotFound}, {ningbo, "li", surveys.ErrNotFound}, {hz, "wu", surveys.ErrNotFound},
		{hz, "nobody", surveys.ErrNotFound}, {li, "li", ErrForbidden}, {reader, "li", ErrForbidden},
	} {
		token, _, err := s.NewEnrolment(t.Context(), c.by, c.login, nine)
		trail, trailErr := s.Trail(t.Context(), 1)
		must(t, trailErr)
		outcome := Done
		if c.err != nil {
			outcome = Refused
		}
		if !errors.Is(err, c.err) || (token == "") != (c.err != nil) || trail[0] != (Entry{nine.UTC(), c.by.Login, "make tablet code", c.login, outcome}) {
			t.Errorf("%s for %s: %v, trail %+v", c.by.Login, c.login, err, trail[0])
		}
	}
}

// A tablet is known by its secret, until it is revoked or its enumerator's account disabled;
// who has to do with the area sees it.
func TestDevices(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	if want := (Device{ID: tabletID(1), Name: "平板 1", Login: "li", Area: "3301", Enrolled: nine.UTC()}); !cmp.Equal(d, want) {
		t.Errorf("the tablet is %+v, want %+v", d, want)
	}
	enrolled(t, s, 2, "chen")
	for _, c := range []struct {
		id, secret string
	}{{tabletID(1), tabletSecret(2)}, {tabletID(1), ""}, {tabletID(3), tabletSecret(3)}, {"", ""}} {
		if _, err := s.Device(t.Context(), c.id, c.secret); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("tablet %q with %q: %v", c.id, c.secret, err)
		}
	}
	half := 0.5
	report := DeviceReport{App: "1", Questionnaires: []string{"zj-2026 1"}, Persisted: true, Battery: &half, Last: 7, Notes: 1}
	must(t, s.Contact(t.Context(), d.ID, report, nine.Add(time.Hour)))
	if err := s.Contact(t.Context(), d.ID, DeviceReport{App: strings.Repeat("x", maxReport)}, nine); !errors.Is(err, surveys.ErrTooLarge) {
		t.Errorf("a long report: %v", err)
	}
	if err := s.Contact(t.Context(), tabletID(3), report, nine); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a report of an unknown tablet: %v", err)
	}
	for _, c := range []struct {
		who  auth.Account
		want int
		err  error
	}{{office, 2, nil}, {hz, 2, nil}, {wu, 0, nil}, {ningbo, 0, nil}, {li, 0, ErrForbidden}, {reader, 0, ErrForbidden}} {
		list, err := s.Devices(t.Context(), c.who)
		one, oneErr := s.DeviceOf(t.Context(), c.who, d.ID)
		if len(list) != c.want || !errors.Is(err, c.err) || (c.want > 0) != (oneErr == nil) {
			t.Errorf("%s sees %d tablets (%v, %v), want %d", c.who.Login, len(list), err, oneErr, c.want)
		}
		if oneErr == nil && (!cmp.Equal(one.Report, report) || !one.Contact.Equal(nine.Add(time.Hour))) {
			t.Errorf("the report is %+v", one)
		}
	}
	for _, c := range []struct {
		who    auth.Account
		reason string
		err    error
	}{{hz, " ", surveys.ErrInvalid}, {ningbo, "lost", surveys.ErrNotFound}, {li, "lost", surveys.ErrNotFound}, {hz, "lost", nil}, {hz, "lost", surveys.ErrConflict}} {
		if err := s.Revoke(t.Context(), c.who, d.ID, c.reason, nine.Add(2*time.Hour)); !errors.Is(err, c.err) {
			t.Errorf("%s revokes because of %q: %v, want %v", c.who.Login, c.reason, err, c.err)
		}
	}
	if _, err := s.Device(t.Context(), d.ID, tabletSecret(1)); !errors.Is(err, ErrRevoked) {
		t.Errorf("a revoked tablet: %v", err)
	}
	if _, err := s.Device(t.Context(), d.ID, tabletSecret(2)); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a revoked tablet with another secret: %v", err)
	}
	off := chen
	off.Disabled = true
	must(t, s.PutAccount(t.Context(), off, "setup", nine))
	if _, err := s.Device(t.Context(), tabletID(2), tabletSecret(2)); !errors.Is(err, ErrBarred) || errors.Is(err, ErrRevoked) {
		t.Errorf("the tablet of a disabled account: %v", err)
	}
	list, err := s.Devices(t.Context(), office)
	must(t, err)
	if len(list) != 2 || list[1].Reason != "lost" || !list[1].Revoked.Equal(nine.Add(2*time.Hour)) {
		t.Errorf("the tablets are %+v", list)
	}
}

// Cases that a tablet was given are remembered, and again it costs only a look.
func TestGiveCases(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	for range 3 {
		must(t, s.GiveCases(t.Context(), d.ID, wave, []string{"c1", "c2", "c1"}, nine))
	}
	must(t, s.GiveCases(t.Context(), d.ID, wave, nil, nine))
	trail, err := s.Audit(t.Context(), AuditFilter{Find: "give cases"}, func(e Entry) {
		if e.Object != "2 cases of wave zj-2026, tablet "+d.ID || e.Who != "li" {
			t.Errorf("the audit trail has %+v", e)
		}
	})
	if err != nil || trail == 0 {
		t.Errorf("the audit trail: %d, %v", trail, err)
	}
	for id, want := range map[string]bool{"c1": true, "c2": true, "c3": false} {
		if got, err := s.WasGiven(t.Context(), d.ID, wave, id); err != nil || got != want {
			t.Errorf("%s was given: %v (%v)", id, got, err)
		}
	}
	_, err = s.Record(t.Context(), wave, "c3", fieldwork.Event{At: nine, Who: "province", Action: fieldwork.Assign, Enumerator: "li", Reason: "near"}, fieldwork.DefaultAttemptRules)
	must(t, err)
	if got, err := s.WasGiven(t.Context(), d.ID, wave, "c3"); err != nil || !got {
		t.Errorf("a case that the enumerator has now was not given: %v", err)
	}
	if err := s.GiveCases(t.Context(), tabletID(3), wave, []string{"c1"}, nine); err == nil {
		t.Error("an unknown tablet was given a case")
	}
}

func attempt(seq uint64, id string, at, made time.Time) TabletDeed {
	return TabletDeed{Seq: seq, Wave: wave, Case: id, Event: fieldwork.Event{At: at, Action: fieldwork.Try,
		Attempt: &fieldwork.Attempt{At: made, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome}}}
}

// What was done on a tablet is carried out once; times that cannot be are put right, and cases
// that are elsewhere by now are worked on, both with a flag.
func TestCarryOut(t *testing.T) {
	s := staffed(t)
	given, err := s.Assign(t.Context(), office, Filter{Wave: wave, Area: "3301"}, fieldwork.Event{At: nine, Enumerator: "li"})
	must(t, err)
	d := enrolled(t, s, 1, "li")
	must(t, s.GiveCases(t.Context(), d.ID, wave, []string{"c1", "c2", "c3", "c4"}, nine))
	c, err := s.Case(t.Context(), office, wave, "c2", nine)
	must(t, err)
	_, err = s.Act(t.Context(), office, wave, "c2", c.Changes, fieldwork.Event{At: nine.Add(3 * time.Hour), Action: fieldwork.Assign, Enumerator: "chen", Reason: "ill"}, somehow)
	must(t, err)
	now := nine.Add(4 * time.Hour)
	ten, eve := nine.Add(time.Hour), nine.Add(-24*time.Hour)
	deeds := []TabletDeed{
		attempt(1, "c1", ten, ten),
		attempt(2, "c2", ten, ten),
		attempt(3, "c3", eve, eve),
		attempt(4, "c3", now.Add(time.Hour), now.Add(time.Hour)),
		{Seq: 5, Wave: wave, Case: "c3", Event: fieldwork.Event{Action: fieldwork.Comment, Reason: "no time"}},
		{Seq: 6, Wave: wave, Case: "c4", Event: fieldwork.Event{At: ten, Action: fieldwork.Comment, Reason: "of another area"}},
		{Seq: 7, Wave: wave, Case: "c1", Event: fieldwork.Event{At: ten, Action: fieldwork.Begin, Mode: surveys.ModeTablet}},
		{Seq: 8, Wave: wave, Case: "c1", Event: fieldwork.Event{At: ten, Action: fieldwork.Begin, Mode: surveys.ModeTablet}},
		{Seq: 9, Wave: wave, Case: "c1", OnlyWithdrawn: true, Event: fieldwork.Event{At: ten, Action: fieldwork.Comment, Interview: "i1"}},
		{Seq: 10, Wave: wave, Case: "c2", OnlyWithdrawn: true, Event: fieldwork.Event{At: ten, Action: fieldwork.Comment, Interview: "i2"}},
		{Seq: 11, Wave: wave, Case: "c1", Event: fieldwork.Event{At: ten, Action: fieldwork.Close, Reason: "not for tablets"}},
		{Seq: 12, Wave: wave, Case: "c9", Event: fieldwork.Event{At: ten, Action: fieldwork.Comment, Reason: "no such case"}},
		attempt(13, "c1", ten, ten),
		{Seq: 14, Wave: wave, Case: "c1", Event: fieldwork.Event{At: ten, Action: fieldwork.Comment, Reason: "beyond"}},
	}
	for range 3 {
		must(t, s.CarryOut(t.Context(), d.ID, 13, deeds, now))
	}
	must(t, s.CarryOut(t.Context(), d.ID, 5, nil, now)) // nothing goes back
	var got []string
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		events, err := s.Events(t.Context(), wave, id)
		must(t, err)
		for _, e := range events {
			if e.Device == "" {
				continue
			}
			made := ""
			if e.Attempt != nil {
				made = " " + e.Attempt.At.In(surveys.ChinaTime).Format("15:04")
			}
			got = append(got, fmt.Sprint(id, " ", e.Action, " ", e.Who, " ", e.At.In(surveys.ChinaTime).Format("15:04"), made, " ", e.Flags))
		}
	}
	want := []string{"c1 attempt li 10:00 10:00 []", "c1 start li 10:00 []", "c2 attempt li 10:00 10:00 [withdrawn]", "c2 note li 10:00 [withdrawn]",
		"c3 attempt li 09:00 09:00 [clock]", "c3 attempt li 13:00 13:00 [clock]", "c3 note li 13:00 [clock]", "c4 note li 10:00 [withdrawn]"}
	if d := cmp.Diff(want, got); d != "" || given.Cases != 3 {
		t.Errorf("%d cases; what happened (-want +got):\n%s", given.Cases, d)
	}
	if c, err = s.Case(t.Context(), office, wave, "c2", nine); err != nil || !c.Last.Equal(nine.Add(3*time.Hour)) || c.Enumerator != "chen" {
		t.Errorf("the case that was given away: %+v (%v)", c, err)
	}
	held := heldOf(t, s)
	if want := []string{"11 close action", "12 note not-given", "13 attempt twice"}; !slices.Equal(held, want) {
		t.Errorf("held are %v, want %v", held, want)
	}
	cursors, err := s.Cursors(t.Context())
	if err != nil || cursors[d.ID] != (Cursor{Carried: 13}) {
		t.Errorf("cursors %v (%v)", cursors, err)
	}
	if err := s.CarryOut(t.Context(), tabletID(7), 1, nil, now); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("an unknown tablet: %v", err)
	}
	refused := 0
	_, err = s.Audit(t.Context(), AuditFilter{Who: "li", Outcome: Refused}, func(Entry) { refused++ })
	if err != nil || refused != 3 {
		t.Errorf("%d refusals in the audit trail (%v), want 3", refused, err)
	}
	var days int
	must(t, s.db.QueryRow("SELECT sum(n) FROM daily WHERE what = 'attempt'").Scan(&days))
	if days != 4 {
		t.Errorf("%d attempts are counted by day, want 4", days)
	}
}

func heldOf(t *testing.T, s *Store) (list []string) {
	t.Helper()
	all, err := s.Held(t.Context(), office, "")
	must(t, err)
	for _, h := range all {
		list = append(list, fmt.Sprint(h.Seq, " ", h.Event.Action, " ", h.Why))
	}
	return list
}

// Each deed is done once, however often and from however many sides it is carried out at once.
func TestCarryOutAtOnce(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	must(t, s.GiveCases(t.Context(), d.ID, wave, []string{"c1"}, nine))
	var deeds []TabletDeed
	for n := range uint64(20) {
		deeds = append(deeds, TabletDeed{Seq: n + 1, Wave: wave, Case: "c1", Event: fieldwork.Event{At: nine, Action: fieldwork.Comment, Reason: fmt.Sprint(n + 1)}})
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range uint64(20) {
				if err := s.CarryOut(t.Context(), d.ID, n+1, deeds[:n+1], nine); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	events, err := s.Events(t.Context(), wave, "c1")
	must(t, err)
	for n, e := range events {
		if e.Reason != fmt.Sprint(n+1) {
			t.Fatalf("event %d is %s", n+1, e.Reason)
		}
	}
	if len(events) != 20 {
		t.Errorf("%d events, want 20", len(events))
	}
}

// A selection that a tablet made is held against what was committed at the draw; one listing
// stands, and what is changed afterwards is counted.
func TestSelectionsOfTablets(t *testing.T) {
	s, _ := drawnStore(t)
	var list []Case
	must(t, s.Cases(t.Context(), office, Filter{Wave: wave, Area: "3301"}, func(c Case) bool { list = append(list, c); return true }))
	given, err := s.Assign(t.Context(), office, Filter{Wave: wave, Area: "3301"}, fieldwork.Event{At: nine, Enumerator: "li"})
	must(t, err)
	d := enrolled(t, s, 1, "li")
	secret, err := s.Secret(t.Context(), wave)
	must(t, err)
	listing := func(id string, ages ...int) household.Listing {
		l := household.Listing{Case: id, Method: household.Kish, Date: household.Date{Year: 2026, Month: 6, Day: 1}}
		for i, age := range ages {
			l.Persons = append(l.Persons, household.Person{Line: i + 1, Sex: household.Man, Age: age, Eligible: age >= 18})
		}
		return l
	}
	evidence := func(c Case, change func(*household.Evidence)) TabletDeed {
		e, err := household.Reveal(listing(c.ID, 50, 40, 30), secret.Number(c.ID))
		must(t, err)
		if change != nil {
			change(&e)
		}
		return TabletDeed{Wave: wave, Case: c.ID, Event: fieldwork.Event{At: nine.Add(time.Hour), Action: fieldwork.Select, Selection: &e}}
	}
	relist := func(c Case, l household.Listing) TabletDeed {
		return TabletDeed{Wave: wave, Case: c.ID, Event: fieldwork.Event{At: nine.Add(time.Hour), Action: fieldwork.Relist, Selection: &household.Evidence{Listing: l}}}
	}
	deeds := []TabletDeed{
		evidence(list[0], nil),
		evidence(list[0], func(e *household.Evidence) {
			*e, err = household.Reveal(listing(list[0].ID, 50, 40), e.Number)
			must(t, err)
		}),
		evidence(list[1], func(e *household.Evidence) { e.Number.Value++ }),
		evidence(list[1], func(e *household.Evidence) { e.Selection.Line = e.Selection.Line%3 + 1 }),
		evidence(list[1], func(e *household.Evidence) { e.Listing.Persons[0].Age++ }),
		evidence(list[1], func(e *household.Evidence) { *e = *evidence(list[2], nil).Event.Selection }),
		evidence(list[1], func(e *household.Evidence) { *e = household.Evidence{Listing: e.Listing} }),
		relist(list[1], listing(list[1].ID, 20)),
		relist(list[0], listing(list[0].ID, 50, 40)),
		relist(list[0], listing(list[0].ID, 5)),
		relist(list[0], listing(list[1].ID, 5)),
		relist(list[0], listing(list[0].ID, 500)),
		{Wave: wave, Case: list[0].ID, Event: fieldwork.Event{At: nine, Action: fieldwork.Select}},
	}
	var ids []string
	for i := range deeds {
		deeds[i].Seq = uint64(i + 1)
		ids = append(ids, deeds[i].Case)
	}
	must(t, s.GiveCases(t.Context(), d.ID, wave, ids, nine))
	must(t, s.CarryOut(t.Context(), d.ID, uint64(len(deeds)), deeds, nine.Add(2*time.Hour)))
	want := []string{"2 select again", "3 select evidence", "4 select evidence", "5 select evidence", "6 select other-case", "7 select evidence", "8 relist unselected",
		"11 relist other-case", "12 relist listing", "13 select listing"}
	if got := heldOf(t, s); !slices.Equal(got, want) || given.Cases == 0 {
		t.Errorf("held are %v, want %v", got, want)
	}
	c, err := s.Case(t.Context(), office, wave, list[0].ID, nine)
	if err != nil || c.Selection == nil || c.Selection.K != 3 || c.Relisted != 2 || c.State != fieldwork.Contacting {
		t.Errorf("the case is %+v (%v)", c.Progress, err)
	}
	relistings, err := s.Relistings(t.Context(), hz, wave)
	must(t, err)
	at := nine.Add(time.Hour)
	for i := range relistings {
		if !relistings[i].At.Equal(at) {
			t.Errorf("relisted at %v", relistings[i].At)
		}
		relistings[i].At = at
	}
	if want := []Relisting{{c.ID, "li", at, 3, 2}, {c.ID, "li", at, 3, 0}}; !cmp.Equal(relistings, want) {
		t.Errorf("relistings %+v, want %+v", relistings, want)
	}
	if other, err := s.Relistings(t.Context(), ningbo, wave); err != nil || len(other) != 0 {
		t.Errorf("another area sees %+v (%v)", other, err)
	}
	made, err := s.Evidence(t.Context(), office, wave)
	must(t, err)
	bound, err := s.Committed(t.Context(), office, wave)
	must(t, err)
	var plain []household.Evidence
	for _, e := range made {
		plain = append(plain, e.Evidence)
	}
	if faults := household.Replay(bound, plain); len(faults) != 0 || len(made) != 1 {
		t.Errorf("%d selections, faults %v", len(made), faults)
	}
	// The same listing typed in at the desk again gives the selection that stands.
	if e, err := s.Select(t.Context(), li, wave, c.ID, listing(c.ID, 50, 40, 30), nine.Add(3*time.Hour)); err != nil || e.Selection.K != 3 {
		t.Errorf("at the desk: %+v, %v", e, err)
	}
}

// What is held is seen where the tablet is seen, and stays on record when somebody has looked
// at it.
func TestDismiss(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	deeds := []TabletDeed{{Seq: 3, Wave: wave, Case: "c1", Event: fieldwork.Event{At: nine, Action: fieldwork.Submit, Interview: "i1"}, Why: HeldQuarantined, Detail: "case already answered"},
		{Seq: 4, Wave: wave, Case: "c1", Event: fieldwork.Event{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Action: fieldwork.Comment}, Why: HeldLate}}
	for range 2 {
		must(t, s.Hold(t.Context(), d.ID, deeds, nine))
	}
	list, err := s.Held(t.Context(), hz, d.ID)
	must(t, err)
	want := Held{Device: d.ID, Seq: 3, Wave: wave, Case: "c1", Why: HeldQuarantined, Detail: "case already answered", At: nine.UTC(), Event: list[0].Event}
	if !cmp.Equal(list[0], want) || list[0].Event.Interview != "i1" || list[0].Event.Device != d.ID || len(list) != 2 {
		t.Errorf("held are %+v", list)
	}
	if cursors, err := s.Cursors(t.Context()); err != nil || cursors[d.ID] != (Cursor{0, 1}) {
		t.Errorf("cursors %v (%v)", cursors, err)
	}
	if list, err := s.Held(t.Context(), ningbo, d.ID); err != nil || len(list) != 0 {
		t.Errorf("another area sees %v (%v)", list, err)
	}
	if _, err := s.Held(t.Context(), li, d.ID); !errors.Is(err, ErrForbidden) {
		t.Errorf("an enumerator: %v", err)
	}
	for _, c := range []struct {
		who    auth.Account
		seq    uint64
		reason string
		err    error
	}{{hz, 3, "", surveys.ErrInvalid}, {ningbo, 3, "seen", surveys.ErrNotFound}, {hz, 5, "seen", surveys.ErrConflict}, {hz, 3, "seen", nil}, {hz, 3, "seen", surveys.ErrConflict}} {
		if err := s.Dismiss(t.Context(), c.who, d.ID, c.seq, c.reason, nine); !errors.Is(err, c.err) {
			t.Errorf("%s dismisses %d: %v, want %v", c.who.Login, c.seq, err, c.err)
		}
	}
	list, err = s.Held(t.Context(), hz, d.ID)
	must(t, err)
	if !list[0].Dismissed.Equal(nine) || list[0].By != "hangzhou" || list[0].Reason != "seen" || !list[1].Dismissed.IsZero() {
		t.Errorf("held are %+v", list)
	}
}

// An interview that was tried again is dismissed when it counts; otherwise it stays held, for
// the reason that there is now.
func TestRetried(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	must(t, s.GiveCases(t.Context(), d.ID, wave, []string{"c1"}, nine))
	deed := TabletDeed{Seq: 3, Wave: wave, Case: "c1", Event: fieldwork.Event{At: nine, Action: fieldwork.Submit, Interview: "i1"}, Why: HeldNotGiven}
	must(t, s.Hold(t.Context(), d.ID, []TabletDeed{deed}, nine))
	counts, still := deed, deed
	counts.Why, counts.OnlyWithdrawn, counts.Event.Action = "", true, fieldwork.Comment
	still.Why, still.Detail = HeldQuarantined, "case already answered"
	for _, c := range []struct {
		who  auth.Account
		deed TabletDeed
		why  fieldwork.Why
		err  error
	}{{ningbo, counts, "", surveys.ErrNotFound}, {hz, still, HeldQuarantined, nil}, {hz, counts, "", nil}, {hz, counts, "", surveys.ErrConflict}, {hz, still, HeldQuarantined, surveys.ErrConflict}} {
		if why, err := s.Retried(t.Context(), c.who, d.ID, c.deed, "it counts now", nine.Add(time.Hour)); why != c.why || !errors.Is(err, c.err) {
			t.Errorf("%s, %s: %q, %v", c.who.Login, c.deed.Why, why, err)
		}
	}
	list, err := s.Held(t.Context(), hz, d.ID)
	must(t, err)
	if h := list[0]; len(list) != 1 || h.Why != HeldQuarantined || h.Detail != "case already answered" || !h.Dismissed.Equal(nine.Add(time.Hour)) || h.By != "hangzhou" || h.Reason != "it counts now" || h.Event.Action != fieldwork.Submit {
		t.Errorf("held are %+v", list)
	}
	var outcomes []string
	_, err = s.Audit(t.Context(), AuditFilter{Find: "retry held"}, func(e Entry) {
		if outcomes = append(outcomes, e.Outcome); e.Object != "tablet "+d.ID+", 3" || e.Who != "hangzhou" {
			t.Errorf("the trail says %+v", e)
		}
	})
	must(t, err)
	if want := []string{Done, Refused}; !cmp.Equal(outcomes, want) {
		t.Errorf("the trail has %v, want %v", outcomes, want)
	}
	events, err := s.Events(t.Context(), wave, "c1")
	must(t, err)
	if len(events) != 1 || events[0].Interview != "i1" || !cmp.Equal(events[0].Flags, []fieldwork.Flag{fieldwork.Withdrawn}) || events[0].Device != d.ID {
		t.Errorf("the case, which is with nobody, has %+v", events)
	}
}

// What was given up of a tablet is on record, with who did it and why.
func TestGiveUp(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	numbers := [][2]uint64{{3, 5}, {8, 8}}
	for _, c := range []struct {
		who    auth.Account
		reason string
		err    error
	}{{hz, " ", surveys.ErrInvalid}, {hz, strings.Repeat("x", maxWords+1), surveys.ErrInvalid}, {ningbo, "lost", surveys.ErrNotFound}, {li, "lost", surveys.ErrNotFound}, {hz, "lost", nil}} {
		if err := s.GiveUp(t.Context(), c.who, d.ID, numbers, c.reason, nine); !errors.Is(err, c.err) {
			t.Errorf("%s because of %.10q: %v, want %v", c.who.Login, c.reason, err, c.err)
		}
	}
	all, err := s.GivenUps(t.Context(), hz, d.ID)
	must(t, err)
	if want := []GivenUp{{nine.UTC(), "hangzhou", "lost", numbers}}; !cmp.Equal(all, want) {
		t.Errorf("given up is %+v, want %+v", all, want)
	}
	if _, err := s.GivenUps(t.Context(), ningbo, d.ID); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("another area: %v", err)
	}
	trail, err := s.Trail(t.Context(), 3)
	must(t, err)
	for i, want := range []string{"hangzhou Done", "li Refused", "ningbo Refused"} {
		want = strings.NewReplacer("Done", Done, "Refused", Refused).Replace(want)
		if e := trail[i]; e.Action != "give up events" || e.Object != d.ID || e.Who+" "+e.Outcome != want {
			t.Errorf("the trail says %+v, want %s", e, want)
		}
	}
}

// A report that was overtaken by a later one does not take its place.
func TestReportsOvertake(t *testing.T) {
	s := staffed(t)
	d := enrolled(t, s, 1, "li")
	for i, c := range []struct {
		run  int
		mono int64
		want int // which of the reports stands afterwards
	}{{2, 500, 0}, {2, 400, 0}, {1, 900, 0}, {2, 500, 3}, {2, 501, 4}, {3, 10, 5}} {
		must(t, s.Contact(t.Context(), d.ID, DeviceReport{Run: c.run, Mono: c.mono, Notes: i}, nine.Add(time.Duration(i)*time.Hour)))
		got, err := s.DeviceOf(t.Context(), office, d.ID)
		if err != nil || got.Report.Notes != c.want || !got.Contact.Equal(nine.Add(time.Duration(i)*time.Hour)) {
			t.Errorf("after report %d stands %d, heard of at %v, %v; want %d", i, got.Report.Notes, got.Contact, err, c.want)
		}
	}
}
