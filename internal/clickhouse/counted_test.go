package clickhouse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/surveys"
)

// Of an interview that was broken off and completed the complete one counts, in whatever
// order the two came, were numbered, and were stored; of complete ones the last revision; and
// a corrected second interview stands in place of the first.
func TestWhatCounts(t *testing.T) {
	s := open(t)
	r := func(seq uint64, caseID, id string, revision uint32, partial bool) surveys.Response {
		x := response("w", caseID, seq, nil)
		x.ID, x.Revision, x.Partial = id, revision, partial
		return x
	}
	one, two, three, four, five := submission(101), submission(102), submission(103), submission(104), submission(105)
	list := []surveys.Response{
		r(1, "partial first", one, 0, true), r(2, "partial first", one, 1, false),
		r(3, "complete first", two, 0, false), r(4, "complete first", two, 1, true),
		r(5, "never completed", three, 0, true),
		r(6, "corrected", four, 0, false), r(7, "corrected", four, 1, false),
		r(9, "another's break-off", five, 0, false), r(8, "another's break-off", submission(106), 3, true),
	}
	want := []string{"another's break-off " + five + " 0", "complete first " + two + " 0", "corrected " + four + " 1", "partial first " + one + " 1"}
	check := func(name string) {
		t.Helper()
		var got []string
		text := counted(t, s, "case_id, toString(submission_id), revision")
		err := s.queryText(t.Context(), text, arguments{"wave": "w"}, func(rows driver.Rows) error {
			var c, id string
			var revision uint32
			err := rows.Scan(&c, &id, &revision)
			got = append(got, fmt.Sprint(c, " ", id, " ", revision))
			return err
		})
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	put(t, s, "1", list...)
	check("stored in order")
	if err := s.Erase(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for i, x := range slices.Backward(list) {
		put(t, s, fmt.Sprint("alone ", i), x)
	}
	check("stored backwards, each alone")
}

// counted is a query for the responses that count, which leaves out what Go leaves out when it
// sums them.
func counted(t *testing.T, s *Store, columns string) string {
	t.Helper()
	shared, err := s.shared(t.Context(), arguments{"wave": "w"}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	text := "SELECT " + columns + " FROM responses FINAL WHERE wave = {wave:String} AND case_id != '' AND NOT partial"
	if len(shared) > 0 {
		text += " AND cityHash64(node, seq, submission_id, revision) NOT IN (" + compose("records_superseded", map[string]string{"superseded": superseded("", shared)}) + ")"
	}
	return text
}
