package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
)

func TestReceipt(t *testing.T) {
	s := open(t)
	b := body(t, 1)
	r := s.accept(b)
	want := intake.Receipt{
		ID: interview(1).ID, Node: 1, Seq: 1, SHA256: fmt.Sprintf("%x", sha256.Sum256(b)),
		Received: start, Signature: r.Signature, Status: intake.Created,
	}
	if r != want {
		t.Errorf("Accept = %+v, want %+v", r, want)
	}
	want.Status = intake.Repeated
	if again := s.accept(b); again != want {
		t.Errorf("Accept again = %+v, want %+v", again, want)
	}
	s.powerCut()
	if again := s.accept(b); again != want {
		t.Errorf("Accept after a restart = %+v, want %+v", again, want)
	}
	if !r.Genuine(s.in.ReceiptKey()) {
		t.Error("the receipt is not genuine after a restart")
	}
	for name, change := range map[string]func(*intake.Receipt){
		"id":                func(r *intake.Receipt) { r.ID = interview(2).ID },
		"revision":          func(r *intake.Receipt) { r.Revision++ },
		"node":              func(r *intake.Receipt) { r.Node++ },
		"seq":               func(r *intake.Receipt) { r.Seq++ },
		"sha256":            func(r *intake.Receipt) { r.SHA256 = strings.Repeat("0", 64) },
		"received":          func(r *intake.Receipt) { r.Received = r.Received.Add(1) },
		"no signature":      func(r *intake.Receipt) { r.Signature = "" },
		"another signature": func(r *intake.Receipt) { r.Signature = s.accept(body(t, 2)).Signature },
		"a reason":          func(r *intake.Receipt) { r.Quarantined = "case already answered" },
		"a line break":      func(r *intake.Receipt) { r.ID += "\n0" },
	} {
		forged := r
		if change(&forged); forged.Genuine(s.in.ReceiptKey()) {
			t.Errorf("a receipt with another %s is genuine", name)
		}
	}
	s.checkLedger(0, 2, 0)
}

// What came can be read again from any place, in order: what counts, and second interviews of
// a case; nothing else that is in quarantine.
func TestArrivals(t *testing.T) {
	s := open(t)
	for n := 1; n <= 5; n++ {
		s.accept(body(t, n))
	}
	other := interview(2)
	other.Answers = surveys.Answers{}
	if _, err := s.in.Accept(context.Background(), encode(t, other)); !errors.Is(err, surveys.ErrConflict) {
		t.Fatal(err)
	}
	s.accept(body(t, 6))
	s.accept(body(t, 7, func(iv *surveys.Interview) { iv.Case = "c" }))
	s.accept(body(t, 8, func(iv *surveys.Interview) { iv.Case = "c" }))
	s.powerCut()
	for after, want := range map[uint64]string{0: "1 2 3 4 5 7 8 9 second", 3: "4 5 7 8 9 second", 7: "8 9 second", 9: "", 99: ""} {
		var got []string
		for r, err := range s.in.Arrivals(after) {
			if err != nil {
				t.Fatal(err)
			}
			if n := int(r.Seq); n > 7 {
				if got = append(got, fmt.Sprint(n)); r.Second {
					got = append(got, "second")
				}
				continue
			} else if r.ID != interview(min(n, 6)).ID || r.Node != 1 || r.Received.IsZero() {
				t.Errorf("place %d has %+v", n, r)
			}
			got = append(got, fmt.Sprint(r.Seq))
		}
		if g := strings.Join(got, " "); g != want {
			t.Errorf("after %d: %q, want %q", after, g, want)
		}
	}
}

func TestEqualSubmissionsAtOnce(t *testing.T) {
	s := open(t)
	b := body(t, 1)
	var mu sync.Mutex
	status := map[intake.Status]int{}
	seqs := map[uint64]bool{}
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			r, err := s.in.Accept(context.Background(), b)
			if err != nil {
				t.Errorf("Accept: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			status[r.Status]++
			seqs[r.Seq] = true
		})
	}
	wg.Wait()
	if status[intake.Created] != 1 || status[intake.Repeated] != 199 || len(seqs) != 1 {
		t.Errorf("statuses %v, places %v; want 1 created, 199 repeated, 1 place", status, seqs)
	}
	s.checkLedger(0, 1, 0)
}

func TestConflictIsKeptOnce(t *testing.T) {
	s := open(t)
	s.accept(body(t, 1))
	other := body(t, 1, func(iv *surveys.Interview) { iv.Answers["name"] = []string{"someone else"} })
	conflict := func() {
		t.Helper()
		if _, err := s.in.Accept(t.Context(), other); !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("Accept of another body: %v, want ErrConflict", err)
		}
	}
	conflict()
	conflict()
	s.powerCut()
	conflict()
	kept := 0
	for _, q := range s.in.Quarantine() {
		_, body, err := s.in.Quarantined(q.Seq)
		if kept++; err != nil || !bytes.Equal(body, other) || !strings.HasPrefix(q.Reason, "conflict") {
			t.Errorf("the quarantine has %q, %q (%v)", q.Reason, body, err)
		}
	}
	if kept != 1 {
		t.Errorf("the second body is kept %d times, want 1", kept)
	}
	s.checkLedger(0, 1, 1)
	next := s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Revision, iv.Answers["name"] = 1, []string{"corrected"} }))
	if next.Status != intake.Created || next.Quarantined != "" {
		t.Errorf("the next revision: %+v, want it accepted", next)
	}
}

func TestCaseIsAnsweredOnce(t *testing.T) {
	s := open(t)
	inCase := func(name string, revision uint32) func(*surveys.Interview) {
		return func(iv *surveys.Interview) { iv.Case, iv.Revision = name, revision }
	}
	check := func(name string, r intake.Receipt, reason string) {
		t.Helper()
		if r.Quarantined != reason {
			t.Errorf("%s: quarantined %q, want %q", name, r.Quarantined, reason)
		}
	}
	broken := func(iv *surveys.Interview) { delete(iv.Answers, "earth") }
	check("a broken interview", s.accept(body(t, 9, inCase("c1", 0), broken)), "replay: earth missing")
	check("the first of a case", s.accept(body(t, 1, inCase("c1", 0))), "")
	check("another one", s.accept(body(t, 2, inCase("c1", 0))), "case already answered")
	check("that one again", s.accept(body(t, 2, inCase("c1", 0))), "case already answered")
	check("a revision of the first", s.accept(body(t, 1, inCase("c1", 1))), "")
	check("another case", s.accept(body(t, 3, inCase("c2", 0))), "")
	check("an open link", s.accept(body(t, 4)), "")
	check("another open link", s.accept(body(t, 5)), "")
	s.powerCut()
	check("another one after a restart", s.accept(body(t, 6, inCase("c2", 0))), "case already answered")
	check("a repeat after a restart", s.accept(body(t, 9, inCase("c1", 0), broken)), "replay: earth missing")
	s.checkLedger(0, 5, 3)
}

// A break-off answers no case: not for an enumerator who comes later, nor after somebody
// else has answered. It is stored, and the ledger adds up.
func TestBreakOffsAnswerNoCase(t *testing.T) {
	s := open(t)
	partial := func(iv *surveys.Interview) {
		iv.Case, iv.Partial, iv.Last = "c1", true, "earth"
		iv.Answers = surveys.Answers{}
	}
	complete := func(revision uint32) func(*surveys.Interview) {
		return func(iv *surveys.Interview) { iv.Case, iv.Revision = "c1", revision }
	}
	check := func(name string, r intake.Receipt, reason string) {
		t.Helper()
		if r.Quarantined != reason {
			t.Errorf("%s: quarantined %q, want %q", name, r.Quarantined, reason)
		}
	}
	check("a break-off", s.accept(body(t, 1, partial)), "")
	check("another device's", s.accept(body(t, 2, partial)), "")
	s.powerCut() // what the index knows comes from the log
	check("an enumerator completes the case", s.accept(body(t, 3, complete(0))), "")
	check("the first one comes back too late", s.accept(body(t, 1, complete(1))), "case already answered")
	check("a break-off after that", s.accept(body(t, 4, partial)), "")
	wrong := func(iv *surveys.Interview) { iv.Answers["earth"] = []string{"maybe"} }
	check("a break-off with an answer that is none", s.accept(body(t, 5, partial, wrong)), "replay: earth not-an-option")
	s.run()
	s.flush()
	s.checkLedger(4, 0, 2)
}

// Who comes back completes the interview that was broken off.
func TestACompletedBreakOff(t *testing.T) {
	s := open(t)
	s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Case, iv.Partial, iv.Answers = "c1", true, surveys.Answers{} }))
	r := s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Case, iv.Revision = "c1", 1 }))
	if r.Quarantined != "" {
		t.Errorf("quarantined %q, want the complete interview accepted", r.Quarantined)
	}
	if r := s.accept(body(t, 2, func(iv *surveys.Interview) { iv.Case = "c1" })); r.Quarantined != "case already answered" {
		t.Errorf("another interview of the case: quarantined %q", r.Quarantined)
	}
}

func TestOneOfManyForACase(t *testing.T) {
	s := open(t)
	var mu sync.Mutex
	counted := 0
	var wg sync.WaitGroup
	for n := range 50 {
		b := body(t, n, func(iv *surveys.Interview) { iv.Case = "c1" })
		wg.Go(func() {
			r, err := s.in.Accept(context.Background(), b)
			if err != nil {
				t.Errorf("Accept: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if r.Quarantined == "" {
				counted++
			}
		})
	}
	wg.Wait()
	if counted != 1 {
		t.Errorf("%d interviews of one case count, want 1", counted)
	}
	s.checkLedger(0, 1, 49)
}

func TestWhatFailsReplayIsKept(t *testing.T) {
	s := open(t)
	for i, c := range []struct {
		change func(*surveys.Interview)
		reason string
	}{
		{func(iv *surveys.Interview) { iv.Answers["earth"] = []string{"maybe"} }, "replay: earth not-an-option"},
		{func(iv *surveys.Interview) { iv.Answers["Zhang3"] = []string{"x"} }, "replay: unknown-item"},
		{func(iv *surveys.Interview) { iv.Finished = iv.Started.Add(-time.Second) }, "finished before it was started"},
		{func(iv *surveys.Interview) { iv.Finished = start.AddDate(0, 0, 2) }, "finished after the form's last day of validity, or after the wave was closed"},
		{func(iv *surveys.Interview) { iv.Case = "drawn" }, "another booklet than the case was given when it was drawn"},
	} {
		if r := s.accept(body(t, i, c.change)); r.Quarantined != c.reason || r.Seq != uint64(i+1) {
			t.Errorf("receipt %+v, want quarantined %q", r, c.reason)
		}
	}
	if got := s.reasons(); len(got) != 5 {
		t.Errorf("the quarantine holds %q, want 5", got)
	}
	s.checkLedger(0, 0, 5)
}

func TestRefusedSubmissions(t *testing.T) {
	s := open(t)
	good := string(body(t, 1))
	replace := func(old, with string) []byte {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("the interview has no %s: %s", old, good)
		}
		return []byte(strings.Replace(good, old, with, 1))
	}
	answers := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"a%d":["x"],`, i)
		}
		return replace(`"answers":{`, `"answers":{`+b.String())
	}
	for name, c := range map[string]struct {
		body []byte
		want error
	}{
		"nothing":                  {nil, surveys.ErrInvalid},
		"no JSON":                  {[]byte("hello"), surveys.ErrInvalid},
		"half of it":               {[]byte(good[:len(good)/2]), surveys.ErrInvalid},
		"something behind it":      {[]byte(good + "{}"), surveys.ErrInvalid},
		"above 1 MiB":              {bytes.Repeat([]byte(" "), intake.MaxBody+1), surveys.ErrTooLarge},
		"deep nesting":             {[]byte(strings.Repeat("[", 100_000)), surveys.ErrInvalid},
		"deep answers":             {replace(`["yes"]`, `[`+strings.Repeat("[", 1000)), surveys.ErrInvalid},
		"an unknown field":         {replace(`{"id"`, `{"extra":1,"id"`), surveys.ErrInvalid},
		"a field in capitals":      {replace(`"lang"`, `"Lang"`), surveys.ErrInvalid},
		"a field twice":            {replace(`"revision":0`, `"revision":0,"revision":0`), surveys.ErrInvalid},
		"an answer twice":          {replace(`"earth":["yes"]`, `"earth":["yes"],"earth":["no"]`), surveys.ErrInvalid},
		"an answer twice, escaped": {replace(`"earth":["yes"]`, `"earth":["yes"],"\u0065arth":["no"]`), surveys.ErrInvalid},
		"a field missing":          {replace(`"revision":0,`, ``), surveys.ErrInvalid},
		"invalid UTF-8":            {replace(`person 1`, "person \xff"), surveys.ErrInvalid},
		"a raw NUL":                {replace(`person 1`, "person \x00"), surveys.ErrInvalid},
		"an escaped NUL":           {replace(`person 1`, `person \u0000`), surveys.ErrInvalid},
		"half a surrogate pair":    {replace(`person 1`, `person \ud83d`), surveys.ErrInvalid},
		"a pair with no low half":  {replace(`person 1`, `person \ud83d\ufffd`), surveys.ErrInvalid},
		"an unknown escape":        {replace(`person 1`, `person \x41`), surveys.ErrInvalid},
		"too many answers":         {answers(2001), surveys.ErrInvalid},
		"too many values":          {replace(`["yes"]`, `["yes"`+strings.Repeat(`,"x"`, 10_000)+`]`), surveys.ErrInvalid},
		"a very long value":        {replace(`person 1`, strings.Repeat("x", 65<<10)), surveys.ErrInvalid},
		"a number as answer":       {replace(`["yes"]`, `[1]`), surveys.ErrInvalid},
		"an answer without a list": {replace(`["yes"]`, `"yes"`), surveys.ErrInvalid},
		"an item name with spaces": {replace(`"earth"`, `"the earth"`), surveys.ErrInvalid},
		"a negative revision":      {replace(`"revision":0`, `"revision":-1`), surveys.ErrInvalid},
		"a huge revision":          {replace(`"revision":0`, `"revision":1e400`), surveys.ErrInvalid},
		"a revision above 32 bits": {replace(`"revision":0`, `"revision":4294967296`), surveys.ErrInvalid},
		"no UUID":                  {replace(interview(1).ID, "1"), surveys.ErrInvalid},
		"the empty UUID":           {replace(interview(1).ID, "00000000-0000-0000-0000-000000000000"), surveys.ErrInvalid},
		"an unknown mode":          {replace(`"tablet"`, `"dream"`), surveys.ErrInvalid},
		"a time in words":          {replace(`2026-05-01T09:00:00Z`, `yesterday`), surveys.ErrInvalid},
		"a time before 1900":       {replace(`2026-05-01T08:00:00Z`, `0001-01-01T00:00:00Z`), surveys.ErrInvalid},
		"a time no store can hold": {replace(`2026-05-01T09:00:00Z`, `2262-01-01T00:00:00Z`), surveys.ErrInvalid},
		"another wave":             {replace(`"`+wave+`"`, `"other"`), surveys.ErrNotFound},
		"another survey":           {replace(`"tiny"`, `"other"`), surveys.ErrInvalid},
		"another version":          {replace(questionnaire.Version(), "0123456789abcdef"), surveys.ErrInvalid},
	} {
		r, err := s.in.Accept(t.Context(), c.body)
		if !errors.Is(err, c.want) || r != (intake.Receipt{}) {
			t.Errorf("%s: Accept = %+v, %v; want %v", name, r, err, c.want)
		}
		if strings.Contains(fmt.Sprint(err), "person") {
			t.Errorf("%s: the error repeats an answer: %v", name, err)
		}
	}
	if st := s.log.Stat(); st.Next != 1 {
		t.Errorf("the log holds %d records, want none", st.Next-1)
	}
	s.accept([]byte(good))
}

func TestOddButGoodSubmissions(t *testing.T) {
	s := open(t)
	s.run()
	good := string(body(t, 1))
	longest := strings.Repeat("😀", 10_000) // the longest text of package definition, 40,000 bytes
	for i, b := range []string{
		good,
		" \n" + strings.ReplaceAll(good, ":", " :\t") + "\r\n",
		strings.Replace(good, "person 1", `\u6d59\u6c5f \"\ud83d\ude00\ufffd`, 1),
		strings.Replace(good, `["person 1"]`, `null`, 1),
		strings.Replace(good, "person 1", longest, 1),
	} {
		b = strings.ReplaceAll(b, " :\t00", ":00") // times keep their colons
		b = strings.Replace(b, interview(1).ID, strings.ToUpper(fmt.Sprintf("a0000000-0000-4000-8000-%012x", i)), 1)
		if r := s.accept([]byte(b)); r.Quarantined != "" || r.Status != intake.Created || r.ID != strings.ToLower(r.ID) {
			t.Errorf("submission %d: %+v", i, r)
		}
	}
	s.flush()
	want := []string{"", "person 1", "person 1", "浙江 \"😀\ufffd", longest}
	if got := s.store.people(); !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

func TestAcceptWhenTheDiskFails(t *testing.T) {
	s := open(t)
	s.accept(body(t, 1))
	s.logDisk.Fail(simdisk.Faults{Syncs: -1})
	for range 2 {
		if _, err := s.in.Accept(t.Context(), body(t, 2)); !errors.Is(err, surveys.ErrUnavailable) {
			t.Errorf("Accept on a failing disk: %v, want ErrUnavailable", err)
		}
	}
	s.powerCut()
	s.accept(body(t, 2))
	if r := s.accept(body(t, 1)); r.Status != intake.Repeated {
		t.Errorf("the acknowledged interview: %+v, want it repeated", r)
	}
	s.checkLedger(0, 2, 0)
}

func TestConfigIsChecked(t *testing.T) {
	s := open(t)
	for name, change := range map[string]func(*intake.Config){
		"no folder":         func(c *intake.Config) { c.FS = nil },
		"no key":            func(c *intake.Config) { c.Key = nil },
		"a short key":       func(c *intake.Config) { c.Key = c.Key[:31] },
		"node 0":            func(c *intake.Config) { c.Node = 0 },
		"empty blocks":      func(c *intake.Config) { c.BlockRecords = 0 },
		"waits upside down": func(c *intake.Config) { c.LongestWait = c.FirstWait - 1 },
		"no attempts":       func(c *intake.Config) { c.Attempts = 0 },
	} {
		cfg := s.cfg
		change(&cfg)
		if _, err := intake.New(cfg, s.log, s.store, &intake.Waves{}, time.Now); err == nil {
			t.Errorf("%s: New succeeds", name)
		}
	}
	cfg := intake.DefaultConfig(t.TempDir())
	cfg.Key = installation
	if _, err := intake.New(cfg, s.log, s.store, &intake.Waves{}, time.Now); err != nil {
		t.Errorf("the default configuration: %v", err)
	}
}
