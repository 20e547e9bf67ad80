package clickhouse

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

func TestResponsesComeBackAsTheyWere(t *testing.T) {
	s := open(t)
	const wave = "w'1\\\t{x:String}?\n浙江"
	a := response(wave, "case '1'", 2, surveys.Answers{
		"K01": {"a"}, "M": {"x", "y"}, "blank": {}, "note": {"it's \\ \"quoted\" \x00 ' OR 1=1 -- 你好"},
	})
	b := response(wave, "case 2", 1, surveys.Answers{"K01": {"dk"}})
	b.Started, b.Finished, b.Revision = time.Time{}, time.Time{}, 4_000_000_000
	b.Booklet, b.Partial, b.Last = "B'1", true, "age#2"
	b.Paradata = surveys.Paradata{Seed: 1<<32 - 1, Orders: map[string][]string{"": {"s2", "s1"}, "K01": {"b", "a"}}, Millis: map[string]int64{"age": 1 << 40}, Kept: []string{"age:1"}}
	b.Inclusion = map[string]float64{"K01": 1.0 / 3, "K'2": 0.5}
	b.Node, b.Seq, b.Mode, b.Lang = 65535, 1<<63+7, surveys.ModeImport, surveys.EN
	put(t, s, "1-1-2", a, b)
	if d := cmp.Diff([]surveys.Response{a, b}, responses(t, s, wave)); d != "" {
		t.Error(d)
	}
	waves, err := s.Waves(t.Context())
	if err != nil || !slices.Equal(waves, []string{wave}) {
		t.Errorf("Waves() = %q, %v, want %q", waves, err, wave)
	}
}

// One interview is read alone, in its last revision; those of other waves are not its.
func TestResponseIsTheLastRevision(t *testing.T) {
	s := open(t)
	first := response("w", "a", 1, surveys.Answers{"K01": {"a"}})
	last, other := first, response("w", "b", 3, nil)
	last.Revision, last.Seq, last.Answers = 2, 2, surveys.Answers{"K01": {"b"}, "blank": {}}
	put(t, s, "1", last, first, other)
	got, err := s.Response(t.Context(), "w", first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(last, *got); d != "" {
		t.Error(d)
	}
	_, err = s.Response(t.Context(), "v", first.ID)
	wantError(t, err, surveys.ErrNotFound, first.ID)
	_, err = s.Response(t.Context(), "w", "no UUID")
	wantError(t, err, surveys.ErrNotFound, "no UUID")
}

func TestResponsesStopsWhenTold(t *testing.T) {
	s := open(t)
	put(t, s, "1", response("w", "a", 1, nil), response("w", "b", 2, nil))
	n := 0
	err := s.Responses(t.Context(), "w", func(surveys.Response) bool { n++; return false })
	if err != nil || n != 1 {
		t.Errorf("read %d responses, error %v, want 1 and none", n, err)
	}
	err = s.Responses(t.Context(), "nowhere", func(surveys.Response) bool { return true })
	wantError(t, err, surveys.ErrNotFound, "nowhere")
}

func TestInsertedOnceHoweverOftenItIsSent(t *testing.T) {
	s := open(t)
	block := []surveys.Response{
		response("w", "a", 11, nil), response("w", "b", 12, nil), response("v", "c", 13, nil),
	}
	// By the definition of Count: the first eight bytes of each hash, added.
	var check uint64
	for _, r := range block {
		check += intake.CheckNumber(r)
	}
	count := func(name string, node uint16, from, to, want, wantCheck uint64) {
		t.Helper()
		n, sum, err := s.Count(t.Context(), node, from, to)
		if err != nil || n != want || sum != wantCheck {
			t.Errorf("%s: Count(%d, %d, %d) = %d, %d, %v, want %d, %d", name, node, from, to, n, sum, err, want, wantCheck)
		}
	}
	rows := func(name string, want uint64) {
		t.Helper()
		var n uint64
		if err := s.conn.QueryRow(t.Context(), "SELECT count() FROM responses").Scan(&n); err != nil || n != want {
			t.Errorf("%s: the table has %d rows (%v), want %d", name, n, err, want)
		}
	}
	if err := s.conn.Exec(t.Context(), "SYSTEM STOP MERGES responses"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "1-11-13", block...)
	put(t, s, "1-11-13", block...)
	rows("same token", 3)
	count("same token", 1, 11, 13, 3, check)
	put(t, s, "1-11-13/2", block...)
	rows("other token, before a merge", 6)
	count("other token", 1, 11, 13, 3, check)
	count("part of the range", 1, 12, 12, 1, intake.CheckNumber(block[1]))
	count("other node", 2, 11, 13, 0, 0)
	if got := responses(t, s, "w"); len(got) != 2 {
		t.Errorf("read %d responses of w, want 2", len(got))
	}
}

func TestNewLogUnderAnOldNumberReplacesNothing(t *testing.T) {
	s := open(t)
	first, second := response("w", "a", 1, nil), response("w", "b", 1, nil)
	second.ID = submission(99)
	put(t, s, "old", first)
	put(t, s, "new", second)
	if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE responses FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := responses(t, s, "w"); len(got) != 2 {
		t.Errorf("%d responses are left of two different ones", len(got))
	}
}

func TestInsertNamesARecordThatCanNeverBeStored(t *testing.T) {
	s := open(t)
	for _, c := range []struct {
		name string
		edit func(*surveys.Response)
		want string
	}{
		{"ID", func(r *surveys.Response) { r.ID = "1 OR 1=1" }, "UUID"},
		{"time", func(r *surveys.Response) { r.Started = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }, "9999"},
	} {
		bad := response("w", "b", 8, nil)
		c.edit(&bad)
		err := s.Insert(t.Context(), intake.Block{Token: c.name, Responses: []surveys.Response{response("w", "a", 7, nil), bad}})
		wantError(t, err, surveys.ErrInvalid, "response 8 of node 1", c.want)
	}
	if n, _, err := s.Count(t.Context(), 1, 0, 100); n != 0 || err != nil {
		t.Errorf("Count() = %d, %v after refused blocks, want 0", n, err)
	}
}
