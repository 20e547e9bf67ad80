package office

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/sqlite"
	"github.com/suyang-survey/suyang/surveys"
)

// nine is a Monday morning.
var nine = time.Date(2026, 6, 1, 9, 0, 0, 0, surveys.ChinaTime)

func fresh(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "office.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	office  = auth.Account{Login: "province", Name: "省科协", Role: auth.Province}
	hz      = auth.Account{Login: "hangzhou", Name: "杭州", Role: auth.City, Area: "3301"}
	wu      = auth.Account{Login: "wu", Name: "吴", Role: auth.Supervisor, Area: "330106"}
	li      = auth.Account{Login: "li", Name: "李", Role: auth.Enumerator, Area: "3301"}
	chen    = auth.Account{Login: "chen", Name: "陈", Role: auth.Enumerator, Area: "3301"}
	reader  = auth.Account{Login: "reader", Name: "读者", Role: auth.Reader}
	ningbo  = auth.Account{Login: "ningbo", Name: "宁波", Role: auth.City, Area: "3302"}
	wave    = "zj-2026"
	somehow = fieldwork.DefaultAttemptRules
)

func sample() []fieldwork.Case {
	var cases []fieldwork.Case
	for i, county := range []string{"330106", "330106", "330102", "330203"} {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("c%d", i+1), Stratum: county[:4], PSU: county, Weight: 100, Columns: map[string]string{"county": county}})
	}
	return append(cases, fieldwork.Case{ID: "empty", Stratum: "3303", PSU: "330302", Weight: 0})
}

// staffed is a store with everybody's account and the sample.
func staffed(t *testing.T) *Store {
	t.Helper()
	s := fresh(t)
	for _, a := range []auth.Account{office, hz, wu, li, chen, reader, ningbo} {
		must(t, s.PutAccount(t.Context(), a, "setup", nine))
	}
	must(t, s.AddCases(t.Context(), wave, sample(), "setup", nine))
	return s
}

func ids(t *testing.T, s *Store, a auth.Account, f Filter) (list []string) {
	t.Helper()
	f.Wave = wave
	must(t, s.Cases(t.Context(), a, f, func(c Case) bool { list = append(list, c.ID); return true }))
	return list
}

// Each account sees the cases of its area, an enumerator those they were given, and the
// try to see another one is ErrNotFound and stands in the audit trail.
func TestWhoSeesWhat(t *testing.T) {
	s := staffed(t)
	c, err := s.Case(t.Context(), wu, wave, "c1", nine)
	must(t, err)
	_, err = s.Act(t.Context(), wu, wave, "c1", c.Changes, fieldwork.Event{At: nine, Action: fieldwork.Assign, Enumerator: "li"}, somehow)
	must(t, err)
	for _, c := range []struct {
		who  auth.Account
		want string
	}{{office, "c1 c2 c3 c4"}, {hz, "c1 c2 c3"}, {wu, "c1 c2"}, {li, "c1"}, {chen, ""}, {ningbo, "c4"}} {
		if got := strings.Join(ids(t, s, c.who, Filter{}), " "); got != c.want {
			t.Errorf("%s sees %q, want %q", c.who.Login, got, c.want)
		}
	}
	if err := s.Cases(t.Context(), reader, Filter{Wave: wave}, func(Case) bool { return true }); !errors.Is(err, surveys.ErrNotFound) {
		t.Errorf("a reader lists cases: %v", err)
	}
	for _, c := range []struct {
		who auth.Account
		id  string
	}{{ningbo, "c1"}, {hz, "c4"}, {chen, "c1"}, {reader, "c1"}, {office, "c9"}} {
		_, err := s.Case(t.Context(), c.who, wave, c.id, nine)
		trail, terr := s.Trail(t.Context(), 1)
		must(t, terr)
		if want := (Entry{nine.UTC(), c.who.Login, "read case", wave + " " + c.id, Refused}); !errors.Is(err, surveys.ErrNotFound) || !cmp.Equal(trail[0], want) {
			t.Errorf("%s reads %s: %v, trail %+v", c.who.Login, c.id, err, trail[0])
		}
	}
	for name, f := range map[string]struct {
		f    Filter
		want string
	}{
		"state": {Filter{State: string(fieldwork.Assigned)}, "c1"}, "enumerator": {Filter{Enumerator: "li"}, "c1"}, "area": {Filter{Area: "330102"}, "c3"},
		"page": {Filter{After: "c1", Limit: 2}, "c2 c3"},
	} {
		if got := strings.Join(ids(t, s, office, f.f), " "); got != f.want {
			t.Errorf("%s: %q, want %q", name, got, f.want)
		}
	}
}

// Two who act on one case at once: one wins, the other is told, and nothing is lost.
func TestTwoReviewersAtOnce(t *testing.T) {
	s := staffed(t)
	_, err := s.Record(t.Context(), wave, "c1", fieldwork.Event{At: nine, Who: "intake", Action: fieldwork.Submit, Interview: "i1"}, somehow)
	must(t, err)
	var wg sync.WaitGroup
	results := make([]error, 8)
	for n := range results {
		wg.Add(1)
		go func() {
			defer wg.Done()
			e := fieldwork.Event{At: nine, Action: fieldwork.Approve}
			if n%2 == 1 {
				e.Action, e.Reason = fieldwork.Reject, "too short"
			}
			_, results[n] = s.Act(context.Background(), []auth.Account{wu, hz}[n%2], wave, "c1", 1, e, somehow)
		}()
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), "meanwhile"):
			t.Errorf("a loser got %v", err)
		}
	}
	c, err := s.Case(t.Context(), office, wave, "c1", nine)
	must(t, err)
	events, err := s.Events(t.Context(), wave, "c1")
	must(t, err)
	if won != 1 || c.Changes != 2 || len(events) != 2 {
		t.Errorf("%d won; %d changes, %d events", won, c.Changes, len(events))
	}
}

// What an account may not do is refused, told apart from what the case does not allow, and
// stands in the audit trail; the events give the case again.
func TestActs(t *testing.T) {
	s := staffed(t)
	do := func(a auth.Account, e fieldwork.Event, want error) {
		t.Helper()
		c, err := s.Case(t.Context(), office, wave, "c1", nine)
		must(t, err)
		e.At = nine.Add(time.Duration(c.Changes) * time.Hour)
		if _, err := s.Act(t.Context(), a, wave, "c1", c.Changes, e, somehow); !errors.Is(err, want) {
			t.Fatalf("%s %s: %v, want %v", a.Login, e.Action, err, want)
		}
	}
	do(wu, fieldwork.Event{Action: fieldwork.Assign, Enumerator: "li"}, nil)
	do(li, fieldwork.Event{Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: nine, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome}}, nil)
	do(li, fieldwork.Event{Action: fieldwork.Approve}, ErrForbidden)
	do(hz, fieldwork.Event{Action: fieldwork.Try}, ErrForbidden)
	do(wu, fieldwork.Event{Action: fieldwork.Approve}, surveys.ErrConflict)
	do(li, fieldwork.Event{Action: fieldwork.Submit, Interview: "i1"}, nil)
	do(wu, fieldwork.Event{Action: fieldwork.Approve}, nil)
	do(wu, fieldwork.Event{Action: fieldwork.Approve}, ErrForbidden) // the final review is the office's
	do(hz, fieldwork.Event{Action: fieldwork.Approve}, nil)
	c, err := s.Case(t.Context(), hz, wave, "c1", nine)
	must(t, err)
	events, err := s.Events(t.Context(), wave, "c1")
	must(t, err)
	var again fieldwork.Progress
	for _, e := range events {
		must(t, again.Apply(e, somehow))
	}
	if d := cmp.Diff(c.Progress, again); d != "" || !c.Counts() {
		t.Errorf("the events give another case (-kept +again):\n%s", d)
	}
	trail, err := s.Trail(t.Context(), 100)
	must(t, err)
	var refused []string
	for _, e := range trail {
		if e.Outcome == Refused {
			refused = append(refused, e.Who+" "+e.Action)
		}
	}
	slices.Reverse(refused)
	if want := []string{"li approve", "hangzhou attempt", "wu approve", "wu approve"}; !slices.Equal(refused, want) {
		t.Errorf("refused: %v, want %v", refused, want)
	}
}

// Of several deeds in one transaction those that are allowed are done, and the others are
// told apart.
func TestDo(t *testing.T) {
	s := staffed(t)
	assign := func(id, to string) Deed {
		return Deed{id, fieldwork.Event{At: nine, Action: fieldwork.Assign, Enumerator: to}}
	}
	refused, err := s.Do(t.Context(), wu, wave, []Deed{
		assign("c1", "li"), assign("c2", ""), assign("c3", "li"), assign("c1", "chen"), {"c1", fieldwork.Event{At: nine, Action: fieldwork.Try}},
		{"c2", fieldwork.Event{At: nine, Action: fieldwork.Approve}}, assign("c2", "chen"),
	}, somehow)
	must(t, err)
	for i, want := range []error{nil, surveys.ErrInvalid, surveys.ErrNotFound, surveys.ErrInvalid, ErrForbidden, surveys.ErrConflict, nil} {
		if !errors.Is(refused[i], want) {
			t.Errorf("deed %d: %v, want %v", i+1, refused[i], want)
		}
	}
	for id, want := range map[string]string{"c1": "assigned li 1", "c2": "assigned chen 1", "c3": "drawn  0"} {
		c, err := s.Case(t.Context(), office, wave, id, nine)
		must(t, err)
		if got := fmt.Sprintf("%s %s %d", c.State, c.Enumerator, c.Changes); got != want {
			t.Errorf("case %s is %q, want %q", id, got, want)
		}
	}
	trail, err := s.Trail(t.Context(), 7)
	must(t, err)
	n := 0
	for _, e := range trail {
		if e.Who == "wu" && e.Outcome == Refused {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d lines of the audit trail tell of refusals, want 5", n)
	}
}

// The same draw again changes nothing; another one is refused whole.
func TestAddCasesTwice(t *testing.T) {
	s := staffed(t)
	must(t, s.AddCases(t.Context(), wave, sample(), "setup", nine))
	other := sample()
	other[3].Weight = 200
	other = append(other, fieldwork.Case{ID: "new", Stratum: "1", PSU: "1", Weight: 1})
	if err := s.AddCases(t.Context(), wave, other, "setup", nine); !errors.Is(err, surveys.ErrConflict) || !strings.Contains(err.Error(), `"c4"`) {
		t.Errorf("another draw: %v", err)
	}
	if got := ids(t, s, office, Filter{}); len(got) != 4 {
		t.Errorf("there are %v", got)
	}
}

func TestSignIn(t *testing.T) {
	s := staffed(t)
	const password = "right password 1"
	must(t, s.SetPassword(t.Context(), "li", password, "province", nine))
	token, err := s.SignIn(t.Context(), "li", password, nine)
	must(t, err)
	if a, err := s.Session(t.Context(), token, nine.Add(time.Hour)); err != nil || a.Login != "li" || a.Role != auth.Enumerator {
		t.Errorf("Session() = %+v, %v", a, err)
	}
	for name, try := range map[string][2]string{"wrong password": {"li", "wrong password 1"}, "unknown login": {"nobody", password}, "no password set": {"chen", ""}} {
		if _, err := s.SignIn(t.Context(), try[0], try[1], nine); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Locked after five wrong ones, whoever then knows the password; and open again later.
	for range 4 {
		s.SignIn(t.Context(), "li", "wrong password 1", nine)
	}
	if _, err := s.SignIn(t.Context(), "li", password, nine.Add(14*time.Minute)); !errors.Is(err, ErrSignIn) {
		t.Errorf("a locked account signs in: %v", err)
	}
	if _, err := s.SignIn(t.Context(), "li", password, nine.Add(16*time.Minute)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	// Sessions end: unused, old, signed out, and when the account changes.
	ends := func(name string, token string, at time.Time) {
		t.Helper()
		if _, err := s.Session(t.Context(), token, at); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("%s: %v, want no session", name, err)
		}
	}
	ends("a token of nobody", "x", nine)
	ends("unused for long", token, nine.Add(14*time.Hour))
	second, err := s.SignIn(t.Context(), "li", password, nine)
	must(t, err)
	must(t, s.SignOut(t.Context(), second))
	ends("signed out", second, nine)
	third, err := s.SignIn(t.Context(), "li", password, nine)
	must(t, err)
	gone := li
	gone.Disabled = true
	must(t, s.PutAccount(t.Context(), gone, "province", nine))
	ends("disabled", third, nine)
	if _, err := s.SignIn(t.Context(), "li", password, nine); !errors.Is(err, ErrSignIn) {
		t.Errorf("a disabled account signs in: %v", err)
	}
	trail, err := s.Trail(t.Context(), 1000)
	must(t, err)
	for _, e := range trail {
		if strings.Contains(fmt.Sprint(e), "password 1") || strings.Contains(fmt.Sprint(e), token) {
			t.Errorf("the audit trail tells a secret: %+v", e)
		}
	}
}

// A backup is made while others write, opens, and has what was there; the second one of a
// name is refused.
func TestBackup(t *testing.T) {
	s := staffed(t)
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := s.Note(context.Background(), Entry{At: nine, Who: "writer", Action: "n", Object: fmt.Sprint(n), Outcome: Done}); err != nil {
				done <- err
				return
			}
		}
	}()
	path := filepath.Join(t.TempDir(), "backup.db")
	must(t, s.Backup(t.Context(), path))
	close(stop)
	must(t, <-done)
	if err := s.Backup(t.Context(), path); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a second backup of one name: %v", err)
	}
	b, err := Open(t.Context(), path)
	must(t, err)
	defer b.Close()
	if got := ids(t, b, office, Filter{}); len(got) != 4 {
		t.Errorf("the backup has the cases %v", got)
	}
}

// Files that every earlier schema left, office-1.db after step 1 and so on, come to the
// present one with all that is in them; a second run does nothing, and a file of a newer
// program is refused.
func TestMigrations(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	must(t, err)
	for step := 1; step < len(names); step++ {
		kept, err := os.ReadFile(fmt.Sprintf("testdata/office-%d.db", step))
		must(t, err)
		path := filepath.Join(t.TempDir(), "office.db")
		must(t, os.WriteFile(path, kept, 0o600))
		for range 2 {
			s, err := Open(t.Context(), path)
			must(t, err)
			if _, err := s.SignIn(t.Context(), "li", "right password 1", nine); err != nil {
				t.Errorf("from step %d: %v", step, err)
			}
			for id, want := range map[string]string{"c1": "contacting li 2", "c2": "submitted  1", "c4": "drawn  0"} {
				c, err := s.Case(t.Context(), office, wave, id, nine)
				events, eventsErr := s.Events(t.Context(), wave, id)
				if got := fmt.Sprintf("%s %s %d", c.State, c.Enumerator, c.Changes); err != nil || eventsErr != nil || got != want || len(events) != c.Changes {
					t.Errorf("from step %d: case %s is %q with %d events (%v, %v), want %q", step, id, got, len(events), err, eventsErr, want)
				}
			}
			stands, done := "", 0
			must(t, s.Interviews(t.Context(), office, wave, "", func(i Interview) { stands += i.Case }))
			must(t, s.Tallies(t.Context(), office, wave, "", func(c Tally) {
				if c.Disposition == "1.1" && c.State.Done() && c.Day != "" {
					done += c.Cases
				}
			}))
			if stands != "c2" || done != 1 {
				t.Errorf("from step %d: an interview stands of %q, and %d cases are counted as done; want c2 and 1", step, stands, done)
			}
			must(t, s.Close())
		}
	}
}

// Dispositions that are missing are worked out with the migration. A file of a newer program
// is refused, and nothing of it is written.
func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "office.db")
	s, err := Open(t.Context(), path)
	must(t, err)
	must(t, s.AddCases(t.Context(), wave, sample()[:4], "setup", nine))
	missing := func(s *Store) (n int) {
		t.Helper()
		must(t, s.db.QueryRow("SELECT count(*) FROM cases WHERE disposition = ''").Scan(&n))
		return n
	}
	forget := func(s *Store) {
		t.Helper()
		_, err := s.db.Exec("UPDATE cases SET disposition = ''")
		must(t, err)
	}
	forget(s)
	must(t, s.Close())
	s, err = Open(t.Context(), path)
	must(t, err)
	if n := missing(s); n != 0 {
		t.Errorf("after opening, %d cases have no disposition", n)
	}
	forget(s)
	_, err = s.db.Exec("PRAGMA user_version = 1000")
	must(t, err)
	must(t, s.Close())
	if _, err := Open(t.Context(), path); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("a file of a newer program: %v", err)
	}
	db, err := sqlite.Connect(path, 1)
	must(t, err)
	defer db.Close()
	if n := missing(&Store{db: db}); n != 4 {
		t.Errorf("the file of a newer program was written: %d of 4 dispositions are missing", n)
	}
}

// An account whose password was hashed by an earlier version of the program signs in, also twice
// at one moment, and costs from then on what the others cost. A login that is not there is tried
// with the hash of some account, which lets nobody in.
func TestOldHashes(t *testing.T) {
	const (
		password = "correct horse 电池"
		old      = "$argon2id$v=19$m=65536,t=3,p=1$ipA3zVJkfxl+rKq8kIzJBQ$g+CzEiY7c8bs4RV0Rq5vJkLEd3AZ4v058FUGFRLDXZ8"
	)
	s := staffed(t)
	_, err := s.db.ExecContext(t.Context(), "UPDATE accounts SET password = ?", old)
	must(t, err)
	for _, login := range []string{"nobody", "anybody", ""} {
		if hash, err := s.hashToTry(t.Context(), login); hash != old || err != nil {
			t.Errorf("the login %q, which is not there, is tried with %q, %v; want the cost of the others", login, hash, err)
		}
		if _, err := s.SignIn(t.Context(), login, password, nine); !errors.Is(err, ErrSignIn) {
			t.Errorf("the login %q, which is not there, with the password of others: %v, want ErrSignIn", login, err)
		}
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if _, err := s.SignIn(t.Context(), "li", password, nine); err != nil {
				t.Errorf("sign in with an old hash: %v", err)
			}
		})
	}
	both.Wait()
	now, err := s.hashToTry(t.Context(), "li")
	must(t, err)
	if now == old || auth.Outdated(now) || !auth.Matches(now, password) {
		t.Errorf("after a sign-in the hash is %q, want a new one of the same password", now)
	}
	if _, err := s.SignIn(t.Context(), "li", password, nine); err != nil {
		t.Errorf("sign in with the new hash: %v", err)
	}
	if hash, err := fresh(t).hashToTry(t.Context(), "li"); hash != "" || err != nil {
		t.Errorf("without accounts a login is tried with %q, %v", hash, err)
	}
}

// Who guesses many passwords at once gets no more tries than who does it one after the other,
// and a session never begins with a password that is no longer the account's.
func TestSignInAtOnce(t *testing.T) {
	s := staffed(t)
	must(t, s.SetPassword(t.Context(), "li", "right password 1", "setup", nine))
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if _, err := s.SignIn(t.Context(), "li", fmt.Sprintf("wrong password %d", i), nine); !errors.Is(err, ErrSignIn) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if _, err := s.SignIn(t.Context(), "li", "right password 1", nine); !errors.Is(err, ErrSignIn) {
		t.Errorf("after ten wrong passwords at once: %v", err)
	}
	for i := range 8 {
		old, now := fmt.Sprintf("right password %d", i+1), fmt.Sprintf("right password %d", i+2)
		must(t, s.SetPassword(t.Context(), "li", old, "setup", nine))
		var token string
		wg.Go(func() { token, _ = s.SignIn(t.Context(), "li", old, nine) })
		must(t, s.SetPassword(t.Context(), "li", now, "setup", nine))
		wg.Wait()
		if _, err := s.Session(t.Context(), token, nine); err == nil {
			t.Fatal("a session of an old password lives on")
		}
	}
}
