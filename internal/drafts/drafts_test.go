package drafts

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/surveys"
)

var (
	installation = bytes.Repeat([]byte{7}, 32)
	noon         = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

func opened(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, installation)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(t testing.TB) *Store { return opened(t, filepath.Join(t.TempDir(), "drafts.db")) }

func draft(interview string) Draft {
	return Draft{Interview: interview, Wave: "zj", Version: "v1", Updated: noon, Last: "age", Body: []byte("answers of " + interview)}
}

func begun(t testing.TB, s *Store, d Draft) Token {
	t.Helper()
	token, err := s.Begin(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func wantError(t testing.TB, name string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", name, err, want)
	}
}

func TestADraftIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b", "drafts?#.db") // a name that means something in an address
	s := opened(t, path)
	token := begun(t, s, draft("i1"))
	want := draft("i1")
	want.Body, want.Last, want.State, want.Updated = []byte("more"), "sex", BrokenOff, noon.Add(time.Hour)
	if _, err := s.Change(t.Context(), "i1", func(d *Draft) error { *d = want; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, path)
	interview, err := s.Interview(t.Context(), token)
	if err != nil || interview != "i1" {
		t.Fatalf("Interview(token) = %q, %v, want i1", interview, err)
	}
	got, err := s.Get(t.Context(), interview)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	s := fresh(t)
	token := begun(t, s, draft("i1"))
	forged := Token(strings.ToLower(string(token)) + "A")
	for _, bad := range []Token{"", "x", forged[:22], Token("AAAAAAAAAAAAAAAAAAAAAA"), token[:21]} {
		_, err := s.Interview(t.Context(), bad)
		wantError(t, fmt.Sprintf("token %q", bad), err, surveys.ErrNotFound)
	}
	_, err := s.Get(t.Context(), "i2")
	wantError(t, "another interview", err, surveys.ErrNotFound)
	_, err = s.Begin(t.Context(), draft("i1"))
	wantError(t, "beginning twice", err, surveys.ErrConflict)
	refused := errors.New("refused")
	_, err = s.Change(t.Context(), "i1", func(d *Draft) error { d.Body = []byte("x"); return refused })
	wantError(t, "a change that fails", err, refused)
	if d, err := s.Get(t.Context(), "i1"); err != nil || string(d.Body) != "answers of i1" {
		t.Errorf("after a change that failed: %q, %v", d.Body, err)
	}
	if err := s.Forget(t.Context(), "i1"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Interview(t.Context(), token)
	wantError(t, "the token of a forgotten draft", err, surveys.ErrNotFound)
	_, err = s.Change(t.Context(), "i1", func(*Draft) error { return nil })
	wantError(t, "a forgotten draft", err, surveys.ErrNotFound)
}

// Many pages sent at the same moment: each change sees the one before.
func TestChangesOfOneDraftFollowEachOther(t *testing.T) {
	s := fresh(t)
	d := draft("i1")
	d.Body = []byte("0")
	begun(t, s, d)
	begun(t, s, draft("i2"))
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if _, err := s.Change(t.Context(), "i1", func(d *Draft) error {
				n, err := strconv.Atoi(string(d.Body))
				d.Body = []byte(strconv.Itoa(n + 1))
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if d, err := s.Get(t.Context(), "i1"); err != nil || string(d.Body) != "200" {
		t.Errorf("after 200 changes: %s, %v", d.Body, err)
	}
}

func TestTheFileShowsNeitherAnswersNorTokens(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, filepath.Join(dir, "drafts.db"))
	d := draft("i1")
	d.Body = []byte("CANARY-ANSWER")
	token := begun(t, s, d)
	r, err := s.Resume(t.Context(), "i1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutOpenLink(t.Context(), OpenLink{Wave: "zj", Name: "poster"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Reissue(t.Context(), "zj", []string{"CANARY-CASE"}); err != nil {
		t.Fatal(err)
	}
	secrets := []string{"CANARY", string(token), r.Code, strings.ReplaceAll(r.Code, "-", ""), r.Link, s.Token("zj", "poster")}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v: where is the write-ahead log?", files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range secrets {
			if bytes.Contains(content, []byte(c)) {
				t.Errorf("%s holds %q", filepath.Base(name), c)
			}
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, want only its owner to read it", filepath.Base(name), info.Mode())
		}
	}
}

// A row that is put in the place of another one does not open.
func TestASealedBodyBelongsToItsDraft(t *testing.T) {
	s := fresh(t)
	begun(t, s, draft("i1"))
	begun(t, s, draft("i2"))
	for name, change := range map[string]string{
		"another's answers": "UPDATE drafts SET sealed = (SELECT sealed FROM drafts WHERE interview = 'i2') WHERE interview = 'i1'",
		"another version":   "UPDATE drafts SET version = 'v2' WHERE interview = 'i2'",
	} {
		if _, err := s.db.Exec(change); err != nil {
			t.Fatal(err)
		}
		id := map[bool]string{true: "i1", false: "i2"}[strings.HasPrefix(name, "another's")]
		s.recent.forget(id) // it is read from the file
		if _, err := s.Get(t.Context(), id); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v, want it to be refused as damaged", name, err)
		}
	}
}

func TestCodesTakeAnInterviewUp(t *testing.T) {
	s := fresh(t)
	begun(t, s, draft("i1"))
	r, err := s.Resume(t.Context(), "i1")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Resume(t.Context(), "i1"); err != nil || again != r {
		t.Errorf("shown again: %v, %v, want the same code and link", again, err)
	}
	if len(r.Code) != 11 || strings.Trim(r.Code, codeLetters+"-") != "" {
		t.Errorf("code %q, want two groups of five letters", r.Code)
	}
	good := func(name, code string) {
		t.Helper()
		if got, err := s.ByCode(t.Context(), code, "n", noon); err != nil || got != "i1" {
			t.Errorf("%s: ByCode() = %q, %v, want i1", name, got, err)
		}
	}
	good("as shown", r.Code)
	good("small letters, blanks", strings.ToLower(strings.ReplaceAll(r.Code, "-", " ")))
	good("look-alikes", strings.NewReplacer("0", "O", "1", "l").Replace(r.Code))
	wide := strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f {
			return c + 0xfee0
		}
		return c
	}, r.Code)
	good("full width", wide)
	if got, err := s.ByLink(t.Context(), r.Link); err != nil || got != "i1" {
		t.Errorf("ByLink() = %q, %v, want i1", got, err)
	}

	renewed, err := s.Renew(t.Context(), "i1")
	if err != nil || renewed == r {
		t.Fatalf("Renew() = %v, %v, want another code", renewed, err)
	}
	_, err = s.ByCode(t.Context(), r.Code, "n", noon)
	wantError(t, "the old code", err, surveys.ErrNotFound)
	_, err = s.ByLink(t.Context(), r.Link)
	wantError(t, "the old link", err, surveys.ErrNotFound)
	good("the new code", strings.ReplaceAll(r.Code, r.Code, renewed.Code))

	if _, err := s.Change(t.Context(), "i1", func(d *Draft) error { d.State = Finished; return nil }); err != nil {
		t.Fatal(err)
	}
	_, err = s.ByCode(t.Context(), renewed.Code, "n", noon)
	wantError(t, "the code of a finished interview", err, surveys.ErrNotFound)
}

func TestWrongCodesAreLimited(t *testing.T) {
	s := fresh(t)
	begun(t, s, draft("i1"))
	r, err := s.Resume(t.Context(), "i1")
	if err != nil {
		t.Fatal(err)
	}
	for i := range triesOfNetwork {
		_, err := s.ByCode(t.Context(), fmt.Sprintf("AAAAA-AAA%02d", i), "attacker", noon)
		wantError(t, "a wrong code", err, surveys.ErrNotFound)
	}
	_, err = s.ByCode(t.Context(), r.Code, "attacker", noon)
	wantError(t, "the right code after too many wrong ones", err, ErrTries)
	if _, err := s.ByCode(t.Context(), r.Code, "neighbour", noon); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	if _, err := s.ByCode(t.Context(), r.Code, "attacker", noon.Add(time.Hour)); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	for i := range triesOfAll {
		s.tries.wrong(fmt.Sprint(i), noon)
	}
	_, err = s.ByCode(t.Context(), r.Code, "somebody", noon)
	wantError(t, "after too many wrong codes from everywhere", err, ErrTries)
	if n := len(s.tries.counts); n > maxNetworks {
		t.Errorf("%d networks are counted, at most %d", n, maxNetworks)
	}
}

func TestOpenLinksCloseByThemselves(t *testing.T) {
	s := fresh(t)
	l := OpenLink{Wave: "zj", Name: "poster", Limit: 2, Starts: 4, Opens: noon, Closes: noon.Add(24 * time.Hour)}
	if err := s.PutOpenLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	link := func() OpenLink {
		t.Helper()
		got, err := s.OpenLink(t.Context(), s.Token("zj", "poster"))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if d := cmp.Diff(l, link()); d != "" {
		t.Error(d)
	}
	takes := func(name string, now time.Time, want bool) {
		t.Helper()
		if got := link().Takes(now); got != want {
			t.Errorf("%s: Takes() = %v, want %v", name, got, want)
		}
	}
	takes("too early", noon.Add(-time.Second), false)
	takes("at noon", noon, true)
	takes("too late", noon.Add(24*time.Hour), false)
	through := func(id string) Draft {
		d := draft(id)
		d.Link = "poster"
		return d
	}
	for i := range 4 {
		begun(t, s, through(fmt.Sprint(i)))
	}
	takes("all starts used", noon, false)
	_, err := s.Begin(t.Context(), through("late"))
	wantError(t, "one start too many", err, surveys.ErrClosed)
	_, err = s.Get(t.Context(), "late")
	wantError(t, "what was not begun", err, surveys.ErrNotFound)
	l.Starts = 0
	if err := s.PutOpenLink(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	takes("without a limit of starts", noon, true)
	for i := range 2 {
		for range 2 { // finished twice, counted once
			if _, err := s.Change(t.Context(), fmt.Sprint(i), func(d *Draft) error { d.State = Finished; return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := link(); got.Started != 4 || got.Completed != 2 {
		t.Errorf("counted %d and %d, want 4 begun and 2 finished", got.Started, got.Completed)
	}
	takes("enough", noon, false)
	wantError(t, "an impossible time", s.PutOpenLink(t.Context(), OpenLink{Wave: "zj", Name: "x", Opens: noon, Closes: noon}), surveys.ErrInvalid)
	_, err = s.OpenLink(t.Context(), s.Token("gd", "poster"))
	wantError(t, "another wave's link", err, surveys.ErrNotFound)
}

func TestReissueEndsALinkOfItsCaseOnly(t *testing.T) {
	s := fresh(t)
	if err := s.Reissue(t.Context(), "zj", []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Reissue(t.Context(), "zj", []string{"a"}); err != nil {
		t.Fatal(err)
	}
	for c, want := range map[[2]string]uint32{{"zj", "a"}: 2, {"zj", "b"}: 1, {"zj", "c"}: 0, {"gd", "a"}: 0} {
		if got, err := s.Issue(t.Context(), c[0], c[1]); err != nil || got != want {
			t.Errorf("Issue(%v) = %d, %v, want %d", c, got, err, want)
		}
	}
}

func TestIdleListsWhatWasLeft(t *testing.T) {
	s := fresh(t)
	for i, wave := range []string{"zj", "gd", "zj"} {
		d := draft(fmt.Sprint(i))
		d.Wave, d.Updated = wave, noon.Add(time.Duration(i)*time.Hour)
		begun(t, s, d)
	}
	for _, c := range []struct {
		wave   string
		before time.Time
		want   []string
	}{
		{"", noon, nil},
		{"", noon.Add(90 * time.Minute), []string{"0", "1"}},
		{"zj", noon.Add(24 * time.Hour), []string{"0", "2"}},
	} {
		got, err := s.Idle(t.Context(), UnderWay, c.wave, c.before)
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("Idle(%q, %v): %s %v", c.wave, c.before, d, err)
		}
	}
}

// While another process holds the file, writing fails in bounded time and changes
// nothing; reading goes on; afterwards all is well.
func TestALockedFileIsUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drafts.db")
	s := opened(t, path)
	begun(t, s, draft("i1"))
	other, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	set := func() error {
		_, err := s.Change(t.Context(), "i1", func(d *Draft) error { d.Body = []byte("later"); return nil })
		return err
	}
	wantError(t, "while it is locked", set(), surveys.ErrUnavailable)
	wantError(t, "Check, which writes after a failure", s.Check(t.Context()), surveys.ErrUnavailable)
	if d, err := s.Get(t.Context(), "i1"); err != nil || string(d.Body) != "answers of i1" {
		t.Errorf("read meanwhile: %q, %v", d.Body, err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := s.Check(t.Context()); err != nil || s.writes.failing.Load() {
		t.Errorf("Check afterwards: %v", err)
	}
	if err := set(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAFullDiskIsUnavailable(t *testing.T) {
	s := fresh(t)
	begun(t, s, draft("i1"))
	if _, err := s.writes.conn.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // the file as it is, no page more
		t.Fatal(err)
	}
	_, err := s.Change(t.Context(), "i1", func(d *Draft) error { d.Body = make([]byte, MaxBody); return nil })
	wantError(t, "a change too large for the disk", err, surveys.ErrUnavailable)
	if d, err := s.Get(t.Context(), "i1"); err != nil || string(d.Body) != "answers of i1" {
		t.Errorf("what was there before: %q, %v", d.Body, err)
	}
	if _, err := s.writes.conn.ExecContext(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Change(t.Context(), "i1", func(d *Draft) error { d.Body = make([]byte, MaxBody); return nil }); err != nil {
		t.Errorf("with room again: %v", err)
	}
	_, err = s.Change(t.Context(), "i1", func(d *Draft) error { d.Body = make([]byte, MaxBody+1); return nil })
	wantError(t, "a body beyond the limit", err, surveys.ErrTooLarge)
}

func TestAnEndedStoreIsUnavailable(t *testing.T) {
	s := fresh(t)
	begun(t, s, draft("i1"))
	s.recent.forget("i1")
	s.Close()
	_, err := s.Begin(t.Context(), draft("i2"))
	wantError(t, "Begin", err, surveys.ErrUnavailable)
	_, err = s.Get(t.Context(), "i1")
	wantError(t, "Get", err, surveys.ErrUnavailable)
}

func TestFilesOfOthersAreRefused(t *testing.T) {
	newer := filepath.Join(t.TempDir(), "drafts.db")
	s := opened(t, newer)
	if _, err := s.writes.conn.ExecContext(t.Context(), "PRAGMA user_version = 9"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := Open(newer, installation)
	wantError(t, "a newer version", err, surveys.ErrConflict)
	if err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a newer version: %v, want the way out", err)
	}
	none := filepath.Join(t.TempDir(), "drafts.db")
	if err := os.WriteFile(none, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(none, installation); err == nil || !strings.Contains(err.Error(), none) {
		t.Errorf("another file: %v, want an error that names it", err)
	}
	if _, err := Open("/proc/nowhere/drafts.db", installation); err == nil {
		t.Error("an impossible folder is opened")
	}
}

// The program is killed again and again in the middle of its work: what it had
// acknowledged is there. The child is this test, run as a program of its own.
func TestKilledProgramsKeepWhatTheyAcknowledged(t *testing.T) {
	if path := os.Getenv("DRAFTS_CHILD"); path != "" {
		child(path)
		return
	}
	path := filepath.Join(t.TempDir(), "drafts.db")
	s := opened(t, path)
	for i := range children {
		d := draft(fmt.Sprint(i))
		d.Body = []byte("0")
		begun(t, s, d)
	}
	s.Close()
	kills := 12
	if testing.Short() {
		kills = 3
	}
	acknowledged := make([]int, children)
	for range kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "DRAFTS_CHILD="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		stop := rand.IntN(200)
		for n := 0; lines.Scan(); n++ {
			var who, count int
			if _, err := fmt.Sscanf(lines.Text(), "%d %d\n", &who, &count); err == nil {
				acknowledged[who] = max(acknowledged[who], count)
			}
			if n == stop {
				cmd.Process.Kill() // SIGKILL; what is in the pipe is still read
			}
		}
		cmd.Wait()
		s := opened(t, path)
		for i, want := range acknowledged {
			d, err := s.Get(t.Context(), fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := strconv.Atoi(string(d.Body)); got < want {
				t.Errorf("draft %d has %d changes, but %d were acknowledged", i, got, want)
			}
		}
		s.Close()
	}
	total := 0
	for _, n := range acknowledged {
		total += n
	}
	if total == 0 {
		t.Error("nothing was ever acknowledged; the test shows nothing")
	}
}

const children = 8

// child changes drafts until it is killed, and says what is durable.
func child(path string) {
	s, err := Open(path, installation)
	if err != nil {
		fmt.Println(err)
		return
	}
	var all sync.WaitGroup
	for i := range children {
		all.Go(func() {
			for range 10_000 {
				d, err := s.Change(context.Background(), fmt.Sprint(i), func(d *Draft) error {
					n, err := strconv.Atoi(string(d.Body))
					d.Body = []byte(strconv.Itoa(n + 1))
					return err
				})
				if err != nil {
					return
				}
				os.Stdout.WriteString(fmt.Sprintf("%d %s\n", i, d.Body))
			}
		})
	}
	all.Wait()
}

func BenchmarkChange(b *testing.B) {
	s := fresh(b)
	const people = 1000
	for i := range people {
		d := draft(fmt.Sprint(i))
		d.Body = make([]byte, 2000)
		begun(b, s, d)
	}
	b.ReportAllocs()
	b.SetParallelism(50)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Change(context.Background(), fmt.Sprint(rand.IntN(people)), func(d *Draft) error { d.Body[0]++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
