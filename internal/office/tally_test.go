package office

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// wander lets things happen to cases at random, in every order that their states allow.
func wander(t *testing.T, s *Store, steps int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 5))
	actions := []fieldwork.Action{fieldwork.Assign, fieldwork.Try, fieldwork.Submit, fieldwork.Approve, fieldwork.Approve, fieldwork.Reject, fieldwork.Close, fieldwork.Reopen}
	for n := range steps {
		id := fmt.Sprintf("c%d", 1+rng.IntN(4))
		c, err := s.Case(t.Context(), office, wave, id, nine)
		must(t, err)
		e := fieldwork.Event{At: nine.Add(time.Duration(n) * 3 * time.Hour), Who: fmt.Sprintf("reviewer%d", n), Action: actions[rng.IntN(len(actions))],
			Reason: "why", Enumerator: []string{"li", "chen"}[rng.IntN(2)], Interview: "iv-" + id, Revision: n, Mode: surveys.ModeTablet}
		if e.Action == fieldwork.Try {
			e.Attempt = &fieldwork.Attempt{At: e.At, Contact: fieldwork.Visit, Outcome: []fieldwork.OutcomeCode{fieldwork.NobodyHome, fieldwork.PersonRefused, fieldwork.Vacant}[rng.IntN(3)]}
		}
		if _, err := s.apply(t.Context(), c, e, fieldwork.AttemptRules{}); err != nil && !errors.Is(err, surveys.ErrConflict) {
			t.Fatal(err)
		}
	}
}

// What happened on all days together is what the cases are now, however they came there;
// and the numbers that a file of an earlier schema gets are those that would have been
// counted on the days.
func TestDaysAddUp(t *testing.T) {
	s := staffed(t)
	wander(t, s, 600)
	counted, err := s.Days(t.Context(), office, wave, "")
	must(t, err)
	if len(counted) < 100 {
		t.Fatalf("only %d days", len(counted))
	}
	var sums, want Daily
	byDay := func(list []Daily) map[string]Daily {
		m := map[string]Daily{}
		for _, d := range list {
			k := d.Area + " " + d.Day
			x := m[k]
			if x = (Daily{Attempts: x.Attempts + d.Attempts, Done: x.Done + d.Done, Interviews: x.Interviews + d.Interviews, Passed: x.Passed + d.Passed}); x == (Daily{}) {
				delete(m, k) // what came and went again on one day
				continue
			}
			m[k] = x
		}
		return m
	}
	for _, d := range byDay(counted) {
		sums = Daily{Attempts: sums.Attempts + d.Attempts, Done: sums.Done + d.Done, Interviews: sums.Interviews + d.Interviews, Passed: sums.Passed + d.Passed}
	}
	must(t, s.Cases(t.Context(), office, Filter{Wave: wave}, func(c Case) bool {
		want.Attempts += len(c.Attempts)
		if c.Done() {
			want.Done++
		}
		if c.Interview != "" {
			want.Interviews++
		}
		if c.State == fieldwork.Approved {
			want.Passed++
		}
		return true
	}))
	if sums != want || want.Passed == 0 || want.Done == 4 {
		t.Errorf("the days come to %+v, the cases are %+v", sums, want)
	}
	fill, err := migrations.ReadFile("migrations/0004_tallies.sql")
	must(t, err)
	_, insert, _ := strings.Cut(string(fill), "INSERT INTO daily")
	_, err = s.db.Exec("DELETE FROM daily; INSERT INTO daily" + insert)
	must(t, err)
	filled, err := s.Days(t.Context(), office, wave, "")
	must(t, err)
	if diff := cmp.Diff(byDay(counted), byDay(filled)); diff != "" {
		t.Errorf("counted (-) and filled (+):\n%s", diff)
	}
}

// An account counts the cases of its area, a reader too, who sees no single case.
func TestTallies(t *testing.T) {
	s := staffed(t)
	must(t, s.AddCases(t.Context(), wave, []fieldwork.Case{{ID: "s1", Stratum: "3301", PSU: "330106", Weight: 50, Columns: map[string]string{"county": "330106", fieldwork.ColumnSubstitute: "c1"}}}, "setup", nine))
	_, err := s.Act(t.Context(), wu, wave, "c1", 0, fieldwork.Event{At: nine.AddDate(0, 0, -1), Action: fieldwork.Assign, Enumerator: "li"}, somehow)
	must(t, err)
	_, err = s.Act(t.Context(), li, wave, "c1", 1, fieldwork.Event{At: nine, Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: nine, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome}}, somehow)
	must(t, err)
	tallies := func(a auth.Account, area string) (list []Tally) {
		must(t, s.Tallies(t.Context(), a, wave, area, func(t Tally) { list = append(list, t) }))
		return list
	}
	fresh := Tally{Area: "330106", Stratum: "3301", State: fieldwork.Drawn, Disposition: fieldwork.NotAttempted, Weight: 100, Cases: 1}
	worked, substitute, other, far := fresh, fresh, fresh, fresh
	worked.State, worked.Disposition, worked.Day, worked.Enumerator = fieldwork.Contacting, "2.24", "2026-06-01", "li"
	substitute.Weight, substitute.Substitute = 50, true
	other.Area, far.Area, far.Stratum = "330102", "330203", "3302"
	for _, c := range []struct {
		who  auth.Account
		area string
		want []Tally
	}{
		{reader, "", []Tally{other, fresh, substitute, worked, far}},
		{office, "330106", []Tally{fresh, substitute, worked}},
		{wu, "", []Tally{fresh, substitute, worked}},
		{ningbo, "", []Tally{far}},
		{ningbo, "3301", nil},
	} {
		if diff := cmp.Diff(c.want, tallies(c.who, c.area)); diff != "" {
			t.Errorf("%s, area %q: want (-), got (+)\n%s", c.who.Login, c.area, diff)
		}
	}
	for _, who := range []auth.Account{li, {Login: "admin", Role: auth.Administrator}} {
		if err := s.Tallies(t.Context(), who, wave, "", func(Tally) {}); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s counts cases: %v", who.Login, err)
		}
		if _, err := s.Days(t.Context(), who, wave, ""); !errors.Is(err, ErrForbidden) {
			t.Errorf("%s counts days: %v", who.Login, err)
		}
	}
}

// BenchmarkTallies counts 100,000 cases of 90 counties and 400 strata, each with some
// events, as a page of progress does.
func BenchmarkTallies(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir()+"/office.db")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var cases []fieldwork.Case
	for i := range 100_000 {
		county := fmt.Sprintf("33%02d%02d", 1+i%10, 1+i%9)
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("%s-%06d", county, i), Stratum: fmt.Sprintf("%s/%d", county, i%4), PSU: county, Weight: 100 + float64(i%500),
			Columns: map[string]string{"county": county, "class": "urban", "township": county + "001"}})
	}
	if err := s.AddCases(b.Context(), wave, cases, "setup", nine); err != nil {
		b.Fatal(err)
	}
	_, err = s.db.Exec(`UPDATE cases SET enumerator = 'e' || (weight % 300), state = iif(weight % 3 = 0, 'approved', 'contacting'), day = date('2026-06-01', (weight % 30) || ' days'),
		disposition = iif(weight % 3 = 0, '1.1', '2.24'), progress = json_set(progress, '$.outcomes', json(iif(weight % 3 = 0, '["nobody-home","nobody-home","complete"]', '["no-answer","nobody-home"]')), '$.attempts', json(?))`,
		"["+strings.Repeat(`{"at":"2026-06-01T09:00:00+08:00","contact":"visit","outcome":"nobody-home","place":{"lat":30.25,"lon":120.15,"accuracy":12}},`, 2)+"{}]")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		if err := s.Tallies(b.Context(), office, wave, "", func(t Tally) { n += t.Cases }); err != nil || n != len(cases) {
			b.Fatal(n, err)
		}
	}
}
