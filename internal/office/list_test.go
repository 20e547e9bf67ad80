package office

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// happen lets something happen to a case.
func happen(t testing.TB, s *Store, id string, e fieldwork.Event) {
	t.Helper()
	if _, err := s.Record(t.Context(), wave, id, e, somehow); err != nil {
		t.Fatal(err)
	}
}

// worked is a store whose cases are at different points of their way:
// c1 with li, an appointment tomorrow; c2 with li, one attempt; c3 submitted by li; c4 drawn.
func worked(t *testing.T) *Store {
	s := staffed(t)
	for _, id := range []string{"c1", "c2", "c3"} {
		happen(t, s, id, fieldwork.Event{At: nine, Who: "wu", Action: fieldwork.Assign, Enumerator: "li"})
	}
	visit := func(at, appointment time.Time) *fieldwork.Attempt {
		return &fieldwork.Attempt{At: at, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome, Appointment: appointment}
	}
	happen(t, s, "c2", fieldwork.Event{At: nine.Add(time.Hour), Who: "li", Action: fieldwork.Try, Attempt: visit(nine.Add(time.Hour), time.Time{})})
	happen(t, s, "c1", fieldwork.Event{At: nine.Add(2 * time.Hour), Who: "li", Action: fieldwork.Try, Attempt: visit(nine.Add(2*time.Hour), nine.Add(26*time.Hour))})
	happen(t, s, "c3", fieldwork.Event{At: nine.Add(3 * time.Hour), Who: "intake", Action: fieldwork.Submit, Interview: "i3"})
	return s
}

// Lists are sorted over all cases, and paged after that.
func TestLists(t *testing.T) {
	s := worked(t)
	for name, c := range map[string]struct {
		who  auth.Account
		f    Filter
		want string
	}{
		"by state":             {office, Filter{Sort: ByState}, "c4 c2 c1 c3"},
		"by state downwards":   {office, Filter{Sort: ByState, Down: true}, "c3 c1 c2 c4"},
		"by attempts":          {office, Filter{Sort: ByAttempts, Down: true}, "c1 c2 c3 c4"},
		"by last event":        {office, Filter{Sort: ByLast}, "c4 c2 c1 c3"},
		"by disposition":       {office, Filter{Sort: ByDisposition}, "c3 c1 c2 c4"}, // 1.1, 2.24 twice, 3.11
		"by appointment":       {office, Filter{Sort: ByAppointment}, "c1 c2 c3 c4"},
		"by area":              {office, Filter{Sort: ByArea, Down: true}, "c4 c1 c2 c3"},
		"second page":          {office, Filter{Sort: ByState, Limit: 2, Offset: 2}, "c1 c3"},
		"due":                  {li, Filter{Sort: ByDue, State: OpenCases}, "c1 c2"},
		"open":                 {office, Filter{State: OpenCases}, "c1 c2 c4"},
		"with nobody":          {office, Filter{Enumerator: Nobody}, "c4"},
		"part of an ID":        {office, Filter{Find: "C3"}, "c3"},
		"chosen ones":          {hz, Filter{IDs: []string{"c2", "c4", "c9"}}, "c2"},
		"none chosen":          {hz, Filter{IDs: []string{}}, ""},
		"not of another's ID":  {chen, Filter{Find: "c"}, ""},
		"a per cent sign, too": {office, Filter{Find: "%"}, ""},
	} {
		if got := strings.Join(ids(t, s, c.who, c.f), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if err := s.Cases(t.Context(), office, Filter{Wave: wave, Sort: "weight; DROP TABLE cases"}, func(Case) bool { return true }); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("an unknown sort: %v", err)
	}
	counts, err := s.CountStates(t.Context(), hz, Filter{Wave: wave, State: string(fieldwork.Drawn)})
	must(t, err)
	if d := cmp.Diff(map[fieldwork.State]int{fieldwork.Appointed: 1, fieldwork.Contacting: 1, fieldwork.Submitted: 1}, counts); d != "" {
		t.Errorf("states (-want +got):\n%s", d)
	}
	if _, err := s.CountStates(t.Context(), reader, Filter{Wave: wave}); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a reader counts cases: %v", err)
	}
}

// An appointment is due on its day until its time, and overdue after it.
func TestWorkload(t *testing.T) {
	s := worked(t)
	for name, c := range map[string]struct {
		now          time.Time
		due, overdue int
	}{
		"the day before":   {nine.Add(3 * time.Hour), 0, 0},
		"the same morning": {nine.Add(24 * time.Hour), 1, 0},
		"after it":         {nine.Add(27 * time.Hour), 0, 1},
	} {
		got, err := s.Workload(t.Context(), office, wave, c.now)
		must(t, err)
		want := []Load{{Open: 1}, {Enumerator: "li", Open: 2, Contacting: 1, Due: c.due, Overdue: c.overdue, Submitted: 1, Attempts: 2}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if _, err := s.Workload(t.Context(), reader, wave, nine); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a reader: %v", err)
	}
}

// Many cases are given in one step: those that the filter chooses and the account sees, but
// not those that are under review or outside the enumerator's area.
func TestAssignMany(t *testing.T) {
	s := worked(t)
	why := fieldwork.Event{At: nine.Add(5 * time.Hour), Enumerator: "chen", Reason: "li is ill"}
	if _, err := s.Assign(t.Context(), li, Filter{Wave: wave}, why); !errors.Is(err, ErrForbidden) {
		t.Errorf("an enumerator assigns: %v", err)
	}
	for _, to := range []string{"wu", "nobody"} {
		if _, err := s.Assign(t.Context(), office, Filter{Wave: wave}, fieldwork.Event{At: nine, Enumerator: to}); !errors.Is(err, ErrEnumerator) {
			t.Errorf("to %s: %v", to, err)
		}
	}
	if _, err := s.Assign(t.Context(), office, Filter{Wave: wave}, fieldwork.Event{At: nine, Enumerator: "chen"}); !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("without a reason: %v", err)
	}
	if got := ids(t, s, chen, Filter{}); len(got) != 0 {
		t.Errorf("after a refusal chen has %v", got)
	}
	given, err := s.Assign(t.Context(), office, Filter{Wave: wave}, why)
	must(t, err)
	if want := (Given{Cases: 2, Kept: 2}); given != want { // c3 is submitted, c4 lies in Ningbo
		t.Errorf("given %+v, want %+v", given, want)
	}
	if got := strings.Join(ids(t, s, chen, Filter{}), " "); got != "c1 c2" {
		t.Errorf("chen has %s", got)
	}
	if given, err = s.Assign(t.Context(), office, Filter{Wave: wave, IDs: []string{"c1"}}, why); err != nil || given != (Given{}) {
		t.Errorf("again: %+v, %v", given, err)
	}
	c, err := s.Case(t.Context(), hz, wave, "c4", nine)
	if !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("hangzhou sees %+v", c)
	}
	if _, err := s.Act(t.Context(), ningbo, wave, "c4", 0, fieldwork.Event{At: nine, Action: fieldwork.Assign, Enumerator: "li"}, somehow); !errors.Is(err, ErrEnumerator) {
		t.Errorf("a case of Ningbo for an enumerator of Hangzhou: %v", err)
	}
}

// One step assigns so many cases and no more, so that others need not wait for long.
func TestAssignTooMany(t *testing.T) {
	s := staffed(t)
	var cases []fieldwork.Case
	for i := range MostAssigned {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprint("m", i), Stratum: "1", PSU: "1", Weight: 1, Columns: map[string]string{"county": "330109"}})
	}
	must(t, s.AddCases(t.Context(), wave, cases, "setup", nine))
	e := fieldwork.Event{At: nine, Enumerator: "li"}
	if given, err := s.Assign(t.Context(), office, Filter{Wave: wave, Area: "3301"}, e); !errors.Is(err, surveys.ErrTooLarge) || given != (Given{}) {
		t.Errorf("all of Hangzhou: %+v, %v", given, err)
	}
	if given, err := s.Assign(t.Context(), office, Filter{Wave: wave, Area: "330109"}, e); err != nil || given != (Given{Cases: MostAssigned}) {
		t.Errorf("one county: %+v, %v", given, err)
	}
}

// What lists are sorted by is there for cases of every earlier schema.
func TestListsOfEarlierSchemas(t *testing.T) {
	for step := 1; step <= 2; step++ {
		kept, err := os.ReadFile(fmt.Sprintf("testdata/office-%d.db", step))
		must(t, err)
		path := filepath.Join(t.TempDir(), "office.db")
		must(t, os.WriteFile(path, kept, 0o600))
		s, err := Open(t.Context(), path)
		must(t, err)
		var got []string
		rows, err := s.db.Query("SELECT id, attempts, last, appointment, disposition FROM cases ORDER BY id")
		must(t, err)
		for rows.Next() {
			var id, disposition string
			var attempts, last, appointment int64
			must(t, rows.Scan(&id, &attempts, &last, &appointment, &disposition))
			got = append(got, fmt.Sprint(id, " ", attempts, " ", last, " ", appointment, " ", disposition))
		}
		must(t, rows.Close())
		must(t, s.Close())
		ten := nine.Add(time.Hour).Unix() // of both last events in the kept files
		want := []string{fmt.Sprint("c1 1 ", ten, " 0 2.24"), fmt.Sprint("c2 0 ", ten, " 0 1.1"), "c3 0 0 0 3.11", "c4 0 0 0 3.11"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("from step %d (-want +got):\n%s", step, d)
		}
	}
}

// BenchmarkLists lists one page of 100,000 cases, counts their states and the workload.
func BenchmarkLists(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "office.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var cases []fieldwork.Case
	for i := range 100_000 {
		county := fmt.Sprintf("33%02d%02d", 1+i%11, 1+i%7)
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("z%06d", i), Stratum: county[:4] + "-urban", PSU: county + "001001", Weight: 500,
			Columns: map[string]string{"city": county[:4] + "00", "county": county, "village": county + "001001", "class": "urban"}})
	}
	if err := s.AddCases(b.Context(), wave, cases, "setup", nine); err != nil {
		b.Fatal(err)
	}
	if err := s.PutAccount(b.Context(), auth.Account{Login: "li", Name: "李", Role: auth.Enumerator}, "setup", nine); err != nil {
		b.Fatal(err)
	}
	give := func(area string) (Given, error) {
		return s.Assign(b.Context(), office, Filter{Wave: wave, Area: area}, fieldwork.Event{At: nine, Enumerator: "li"})
	}
	if given, err := give("3301"); !errors.Is(err, surveys.ErrTooLarge) { // 9,091 cases
		b.Fatalf("too many: %+v, %v", given, err)
	}
	began := time.Now()
	given, err := give("330101")
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d cases assigned in one step in %v", given.Cases, time.Since(began).Round(time.Millisecond))
	list := func(f Filter) func(*testing.B) {
		return func(b *testing.B) {
			f.Wave = wave
			for b.Loop() {
				if err := s.Cases(b.Context(), office, f, func(Case) bool { return true }); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("first page", list(Filter{Limit: 100}))
	b.Run("by last event, last page", list(Filter{Limit: 100, Offset: 99_900, Sort: ByLast}))
	b.Run("by disposition", list(Filter{Limit: 100, Sort: ByDisposition, Down: true}))
	b.Run("due of a city", list(Filter{Limit: 100, Sort: ByDue, Area: "3305", State: OpenCases}))
	b.Run("part of an ID", list(Filter{Limit: 100, Find: "999"}))
	b.Run("all", list(Filter{}))
	b.Run("states", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.CountStates(b.Context(), office, Filter{Wave: wave}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("workload", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Workload(b.Context(), office, wave, nine); err != nil {
				b.Fatal(err)
			}
		}
	})
}
