package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal/simdisk"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// verdict is one of wu, with a token.
func verdict(token string) intake.Verdict {
	return intake.Verdict{By: "wu", Reason: "listened to the recording", Token: token}
}

// corrected is a correction with a token.
func corrected(token string, change func(*surveys.Interview)) intake.Correction {
	return intake.Correction{Verdict: verdict(token), Change: change}
}

// item returns what is in quarantine at a place.
func (s *station) item(seq uint64) intake.Quarantined {
	s.t.Helper()
	q, _, err := s.in.Quarantined(seq)
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

func (s *station) correct(seq uint64, c intake.Correction) intake.Receipt {
	s.t.Helper()
	r, err := s.in.Correct(s.t.Context(), seq, c)
	if err != nil {
		s.t.Fatalf("Correct(%d) = %v", seq, err)
	}
	return r
}

// decided fails unless the ledger says so of the quarantine.
func (s *station) decided(open, dismissed, corrected uint64) {
	s.t.Helper()
	l, err := s.in.Verify(s.t.Context())
	if err != nil || !l.Balanced() || l.Open != open || l.Dismissed != dismissed || l.Corrected != corrected {
		s.t.Errorf("the ledger is\n%v(%v), want open %d, dismissed %d, corrected %d", l, err, open, dismissed, corrected)
	}
	want := fmt.Sprintf("quarantined %d = open %d + dismissed %d + corrected %d\n", open+dismissed+corrected, open, dismissed, corrected)
	if !strings.Contains(l.String(), want) {
		s.t.Errorf("the ledger reads\n%vwithout %q", l, want)
	}
}

// What is wrong with an interview is put right in a new revision, which counts; what came
// stays as it came, and everything is there after a restart.
func TestCorrect(t *testing.T) {
	s := open(t)
	wrong := body(t, 1, func(iv *surveys.Interview) { iv.Case = "c1"; delete(iv.Answers, "earth") })
	first := s.accept(wrong)
	q := s.item(1)
	want := intake.Quarantined{Seq: 1, ID: interview(1).ID, Received: start, Reason: "replay: earth missing", Wave: wave, Case: "c1"}
	if q != want {
		t.Errorf("in quarantine: %+v, want %+v", q, want)
	}
	still := corrected("a", func(iv *surveys.Interview) { iv.Answers["earth"] = []string{"maybe"} })
	var wrongStill *intake.StillWrong
	if _, err := s.in.Correct(t.Context(), 1, still); !errors.As(err, &wrongStill) || wrongStill.Reason != "replay: earth not-an-option" || !errors.Is(err, surveys.ErrInvalid) {
		t.Errorf("a correction that is wrong itself: %v", err)
	}
	if st := s.log.Stat(); st.Next != 2 {
		t.Errorf("the log has %d records after it, want 1", st.Next-1)
	}
	right := func(iv *surveys.Interview) { iv.Answers["earth"] = []string{"no"} }
	batches := s.log.Stat().Batches
	r := s.correct(1, corrected("a", right))
	if n := s.log.Stat().Batches - batches; n != 1 {
		t.Errorf("the revision and the decision were synced %d times, want once, together", n)
	}
	if r.ID != first.ID || r.Revision != 1 || r.Quarantined != "" || r.Status != intake.Created || !r.Genuine(s.in.ReceiptKey()) {
		t.Errorf("Correct() = %+v", r)
	}
	check := func(when string) {
		t.Helper()
		q, kept, err := s.in.Quarantined(1)
		if err != nil || !bytes.Equal(kept, wrong) {
			t.Errorf("%s: what came is %s, %v", when, kept, err)
		}
		if d := q.Decision; d == nil || !d.Corrected() || d.By != "wu" || d.Reason != "listened to the recording" || d.Instead != first.ID || d.Revision != 1 || d.Seq != 3 || !d.At.Equal(start) {
			t.Errorf("%s: the decision is %+v", when, d)
		}
		again := s.correct(1, corrected("a", func(*surveys.Interview) { t.Error("it is corrected again") }))
		if again.Status = intake.Created; again != r {
			t.Errorf("%s: the same form again = %+v, want %+v", when, again, r)
		}
		if _, err := s.in.Correct(t.Context(), 1, corrected("b", right)); !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("%s: another form: %v, want ErrConflict", when, err)
		}
		if err := s.in.Dismiss(t.Context(), 1, verdict("c")); !errors.Is(err, surveys.ErrConflict) {
			t.Errorf("%s: dismissed after that: %v, want ErrConflict", when, err)
		}
		if same := s.accept(wrong); same.Seq != 1 || same.Quarantined != first.Quarantined || same.Signature != first.Signature {
			t.Errorf("%s: the tablet sends it again: %+v, want %+v", when, same, first)
		}
		s.decided(0, 0, 1)
	}
	check("at once")
	s.powerCut()
	check("after a restart")
	if other := s.accept(body(t, 2, func(iv *surveys.Interview) { iv.Case = "c1" })); other.Quarantined != "case already answered" {
		t.Errorf("another interview of the case: %+v", other)
	}
	s.run()
	s.flush()
	if got := s.store.people(); !reflect.DeepEqual(got, []string{"person 1"}) {
		t.Errorf("stored %q", got)
	}
	s.checkLedger(1, 0, 2)
}

// Each reason for quarantine has its correction.
func TestCorrectEveryReason(t *testing.T) {
	s := open(t)
	none := func(*surveys.Interview) {}
	for i, c := range []struct {
		name, reason  string
		wrong, change func(*surveys.Interview)
		refused       string // why it does not count as it is
	}{
		{"times", "finished before it was started", func(iv *surveys.Interview) { iv.Started = start.Add(time.Hour) },
			func(iv *surveys.Interview) { iv.Started = start.Add(-time.Minute) }, "finished before it was started"},
		{"late", "finished after the form's", func(iv *surveys.Interview) { iv.Finished = start.AddDate(0, 0, 3) },
			func(iv *surveys.Interview) { iv.Finished = start }, "finished after the form's"},
		{"booklet", "another booklet", func(iv *surveys.Interview) { iv.Case = "drawn" }, func(iv *surveys.Interview) { iv.Case = "other" }, "another booklet"},
		{"an unknown item", "replay: unknown-item", func(iv *surveys.Interview) { iv.Answers["x"] = []string{"1"} },
			func(iv *surveys.Interview) { delete(iv.Answers, "x") }, "replay: unknown-item"},
	} {
		r := s.accept(body(t, i+1, c.wrong))
		if !strings.HasPrefix(r.Quarantined, c.reason) {
			t.Errorf("%s: %q, want %q", c.name, r.Quarantined, c.reason)
		}
		var still *intake.StillWrong
		if _, err := s.in.Correct(t.Context(), r.Seq, corrected("a", none)); !errors.As(err, &still) || !strings.HasPrefix(still.Reason, c.refused) {
			t.Errorf("%s: taken as it is: %v", c.name, err)
		}
		if got := s.correct(r.Seq, corrected("a", c.change)); got.Revision != 1 || got.Quarantined != "" {
			t.Errorf("%s: corrected: %+v", c.name, got)
		}
	}
	s.decided(0, 0, 4)
}

// Of two contents of one revision the office takes the second as it is: it becomes a later
// revision than any that came.
func TestCorrectConflict(t *testing.T) {
	s := open(t)
	s.accept(body(t, 1))
	second := func(iv *surveys.Interview) { iv.Answers["name"] = []string{"someone else"} }
	if _, err := s.in.Accept(t.Context(), body(t, 1, second)); !errors.Is(err, surveys.ErrConflict) {
		t.Fatal(err)
	}
	s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Revision = 7 }))
	if r := s.correct(2, corrected("a", nil)); r.Revision != 8 || r.ID != interview(1).ID {
		t.Errorf("Correct() = %+v, want revision 8", r)
	}
	if _, err := s.in.Accept(t.Context(), body(t, 1, second)); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("the same conflict again: %v", err)
	}
	s.decided(0, 0, 1)
}

// Another content that came under the ID of another case's interview does not take that case
// its interview: for its own case it is an interview of its own.
func TestCorrectConflictOfAnotherCase(t *testing.T) {
	s := open(t)
	in := func(name string) func(*surveys.Interview) { return func(iv *surveys.Interview) { iv.Case = name } }
	s.accept(body(t, 1, in("c1")))
	if _, err := s.in.Accept(t.Context(), body(t, 1, in("c2"))); !errors.Is(err, surveys.ErrConflict) {
		t.Fatal(err)
	}
	if _, err := s.in.Accept(t.Context(), body(t, 1, in("c1"), func(iv *surveys.Interview) { iv.Answers["name"] = []string{"z"} })); !errors.Is(err, surveys.ErrConflict) {
		t.Fatal(err)
	}
	r := s.correct(2, corrected("a", nil))
	if r.ID == interview(1).ID || r.Quarantined != "" {
		t.Errorf("Correct() = %+v, want another interview", r)
	}
	if again := s.correct(2, corrected("a", nil)); again.ID != r.ID || again.Seq != r.Seq {
		t.Errorf("the same form again = %+v, want %+v", again, r)
	}
	if moved := s.correct(3, corrected("b", in("c3"))); moved.ID == interview(1).ID || moved.ID == r.ID {
		t.Errorf("moved to a case of its own: %+v", moved)
	}
	s.run()
	s.flush()
	cases := map[string]int{}
	for _, stored := range s.store.records {
		cases[stored.ID+" "+stored.Case]++
	}
	if cases[interview(1).ID+" c1"] != 1 || cases[r.ID+" c2"] != 1 || len(cases) != 3 {
		t.Errorf("stored %v", cases)
	}
	s.decided(0, 0, 2)
}

// A revision takes no case its interview, whoever knows the ID.
func TestRevisionOfAnotherCase(t *testing.T) {
	s := open(t)
	in := func(name string, revision uint32) func(*surveys.Interview) {
		return func(iv *surveys.Interview) { iv.Case, iv.Revision = name, revision }
	}
	s.accept(body(t, 1, in("c1", 0)))
	for i, to := range []string{"", "c2"} {
		if r := s.accept(body(t, 1, in(to, uint32(5+i)))); r.Quarantined != "the ID is that of an interview of another case" {
			t.Errorf("a revision of case %q: %+v", to, r)
		}
	}
	if r := s.accept(body(t, 1, in("c1", 7))); r.Quarantined != "" {
		t.Errorf("a revision of the same case: %+v", r)
	}
	s.accept(body(t, 2))
	if r := s.accept(body(t, 2, in("", 1))); r.Quarantined != "" {
		t.Errorf("a revision without a case: %+v", r)
	}
	if r := s.correct(3, corrected("a", nil)); r.ID == interview(1).ID {
		t.Errorf("accepted for its own case: %+v", r)
	}
	s.decided(1, 0, 1)
}

// The second interview of a case is chosen to count: it becomes the next revision of the one
// that the case has.
func TestChooseTheSecondInterview(t *testing.T) {
	s := open(t)
	inCase := func(iv *surveys.Interview) { iv.Case = "c1" }
	s.accept(body(t, 1, inCase))
	second := s.accept(body(t, 2, inCase))
	if q := s.item(second.Seq); !q.Second() {
		t.Fatalf("%+v is no second interview", q)
	}
	var still *intake.StillWrong
	if _, err := s.in.Correct(t.Context(), 2, corrected("a", nil)); !errors.As(err, &still) || still.Reason != "case already answered" {
		t.Errorf("accepted beside the first: %v", err)
	}
	choice := corrected("a", nil)
	choice.Replace = true
	r := s.correct(2, choice)
	if r.ID != interview(1).ID || r.Revision != 1 {
		t.Errorf("Correct() = %+v, want revision 1 of the first", r)
	}
	s.run()
	s.flush()
	if got := s.store.records[fmt.Sprint(wave, interview(1).ID, 1)]; got.Answers.First("name") != "person 2" || got.Case != "c1" {
		t.Errorf("stored %+v", got)
	}
	s.decided(0, 0, 1)
	var told []string
	for a, err := range s.in.Arrivals(0) {
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, fmt.Sprintf("%d %s %s %d %v %s %s", a.Seq, a.Wave, a.Case, a.Revision, a.Second, a.Decided, a.By))
	}
	if want := []string{"1 w2026 c1 0 false  ", "2 w2026 c1 0 true  ", "3 w2026 c1 1 false  ", "4 w2026 c1 0 false corrected wu"}; !reflect.DeepEqual(told, want) {
		t.Errorf("Arrivals() = %q, want %q", told, want)
	}
}

func TestDismiss(t *testing.T) {
	s := open(t)
	s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Answers = nil }))
	s.accept(body(t, 2))
	for name, v := range map[string]intake.Verdict{
		"no reason": {By: "wu", Reason: " ", Token: "a"}, "nobody": {Reason: "x", Token: "a"}, "no token": {By: "wu", Reason: "x"},
		"a long reason": {By: "wu", Reason: strings.Repeat("x", 501), Token: "a"},
	} {
		if err := s.in.Dismiss(t.Context(), 1, v); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: Dismiss() = %v", name, err)
		}
	}
	for _, seq := range []uint64{0, 2, 3} {
		if err := s.in.Dismiss(t.Context(), seq, verdict("a")); !errors.Is(err, surveys.ErrNotFound) {
			t.Errorf("Dismiss(%d) = %v, want ErrNotFound", seq, err)
		}
	}
	s.decided(1, 0, 0)
	s.logDisk.Fail(simdisk.Faults{Syncs: -1})
	if err := s.in.Dismiss(t.Context(), 1, verdict("a")); !errors.Is(err, surveys.ErrUnavailable) {
		t.Errorf("Dismiss() on a failing disk = %v", err)
	}
	if s.item(1).Decision != nil {
		t.Error("it is dismissed although the log has no word of it")
	}
	s.powerCut()
	for range 2 {
		if err := s.in.Dismiss(t.Context(), 1, verdict("a")); err != nil {
			t.Errorf("Dismiss() = %v", err)
		}
	}
	if d := s.item(1).Decision; d == nil || d.Corrected() {
		t.Errorf("the decision is %+v", d)
	}
	if _, err := s.in.Correct(t.Context(), 1, corrected("a", nil)); !errors.Is(err, surveys.ErrConflict) {
		t.Errorf("corrected after that: %v, want ErrConflict", err)
	}
	s.powerCut()
	s.decided(0, 1, 0)
}

// Many forms at one moment decide once, beside tablets that send the same case.
func TestDecideAtOnce(t *testing.T) {
	s := open(t)
	inCase := func(iv *surveys.Interview) { iv.Case = "c1" }
	s.accept(body(t, 1, inCase))
	s.accept(body(t, 2, inCase))
	var mu sync.Mutex
	done := map[string]int{}
	var wg sync.WaitGroup
	for n := range 60 {
		wg.Go(func() {
			what := []string{"dismissed", "corrected", "same form"}[n%3]
			var err error
			switch what {
			case "dismissed":
				err = s.in.Dismiss(context.Background(), 2, verdict(fmt.Sprint("d", n)))
			case "corrected":
				c := corrected(fmt.Sprint("c", n), nil)
				c.Replace = true
				_, err = s.in.Correct(context.Background(), 2, c)
			default:
				c := corrected("one", nil)
				c.Replace = true
				_, err = s.in.Correct(context.Background(), 2, c)
			}
			if err != nil && !errors.Is(err, surveys.ErrConflict) {
				t.Errorf("%s: %v", what, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done[what]++
			}
		})
		wg.Go(func() {
			if _, err := s.in.Accept(context.Background(), body(t, 1, inCase, func(iv *surveys.Interview) { iv.Revision = uint32(n % 4) })); err != nil && !errors.Is(err, surveys.ErrConflict) {
				t.Errorf("Accept: %v", err)
			}
		})
	}
	wg.Wait()
	if n := done["dismissed"] + done["corrected"]; n > 1 || n == 1 && done["same form"] > 0 || n == 0 && done["same form"] != 20 {
		t.Errorf("decided: %v, want one", done)
	}
	decisions := 0
	for r, err := range s.log.Read(1) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == 8 || r.Kind == 9 {
			decisions++
		}
	}
	if decisions != 1 {
		t.Errorf("the log has %d decisions, want 1", decisions)
	}
	if l, err := s.in.Verify(t.Context()); err != nil || !l.Balanced() || l.Dismissed+l.Corrected != 1 {
		t.Errorf("the ledger is\n%v(%v)", l, err)
	}
}

// A power cut at any point of a correction leaves both the new revision and the decision, or
// neither.
func TestPowerCutDuringCorrection(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	whole, none := 0, 0
	for range 40 {
		s := open(t)
		s.accept(body(t, 1, func(iv *surveys.Interview) { iv.Answers = nil }))
		s.logDisk.Fail(simdisk.Faults{Writes: rng.IntN(2), Syncs: rng.IntN(2)})
		_, err := s.in.Correct(t.Context(), 1, corrected("a", func(iv *surveys.Interview) { iv.Answers = interview(1).Answers }))
		s.powerCut()
		d := s.item(1).Decision
		stands := s.in.Stands(interview(1).ID, 1)
		switch {
		case d != nil && stands == intake.Stored:
			whole++
		case d == nil && stands == intake.Nothing && err != nil:
			none++
		default:
			t.Fatalf("Correct() = %v, then the decision is %+v and the revision %v", err, d, stands)
		}
		s.end()
	}
	t.Logf("%d corrections survived, %d left nothing", whole, none)
}

// An accepted interview that the store cannot take goes to quarantine, with its wave and
// case, and can be corrected, also after a restart.
func TestCorrectWhatTheStoreRefused(t *testing.T) {
	s := open(t)
	s.store.poison = "person 2"
	s.accept(body(t, 1))
	s.accept(body(t, 2, func(iv *surveys.Interview) { iv.Case = "c2" }))
	s.run()
	s.flush()
	s.end()
	s.start()
	q := s.item(2)
	if q.Reason != "the store does not take it" || q.Wave != wave || q.Case != "c2" || q.Decision != nil {
		t.Fatalf("in quarantine: %+v", q)
	}
	s.correct(2, corrected("a", func(iv *surveys.Interview) { iv.Answers["name"] = []string{"person II"} }))
	s.run()
	s.flush()
	s.end()
	s.start()
	s.checkLedger(2, 0, 1)
	s.decided(0, 0, 1)
}

// A receipt is the same after a restart, however long the reason is for which an interview
// was put aside.
func TestReceiptOfALongReason(t *testing.T) {
	q := &surveys.Questionnaire{ID: "long", Languages: []surveys.Lang{surveys.EN}, Sections: []surveys.Section{{ID: "s"}}}
	for i := range 5 {
		q.Sections[0].Items = append(q.Sections[0].Items, surveys.Item{ID: strings.Repeat(string(rune('a'+i)), 120), Type: surveys.ShortText, Required: true})
	}
	f, err := form.Compile(q)
	if err != nil {
		t.Fatal(err)
	}
	waves := &intake.Waves{}
	waves.Publish(wave, q.ID, q.Version(), intake.Edition{Form: f})
	s := open(t)
	b := body(t, 1, func(iv *surveys.Interview) { iv.Survey, iv.Version, iv.Answers = q.ID, q.Version(), nil })
	receipt := func() string {
		t.Helper()
		in, err := intake.New(s.cfg, s.log, s.store, waves, func() time.Time { return start })
		if err != nil {
			t.Fatal(err)
		}
		r, err := in.Accept(t.Context(), b)
		if err != nil || len(r.Quarantined) < 400 {
			t.Fatalf("Accept() = %+v, %v", r, err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if first, again := receipt(), receipt(); again != first {
		t.Errorf("the receipt is %s, then %s", first, again)
	}
}
