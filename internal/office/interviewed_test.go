package office

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/suyang-survey/suyang/internal/auth"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Whoever judges interviews is told of those that stand in the area of the account, with
// what the office knows of them; one that a review sent back does not stand.
func TestInterviewed(t *testing.T) {
	s := staffed(t)
	place := &fieldwork.Position{Latitude: 30.25, Longitude: 120.15, Accuracy: 12}
	for _, id := range []string{"c1", "c3", "c4"} {
		for _, e := range []fieldwork.Event{
			{At: nine, Who: "wu", Action: fieldwork.Assign, Enumerator: "li"},
			{At: nine, Who: "li", Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: nine, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome, Place: place}},
			{At: nine, Who: "intake", Action: fieldwork.Submit, Interview: "iv-" + id, Revision: 1, Mode: surveys.ModeTablet},
		} {
			_, err := s.Record(t.Context(), wave, id, e, somehow)
			must(t, err)
		}
	}
	_, err := s.Record(t.Context(), wave, "c3", fieldwork.Event{At: nine, Who: "wu", Action: fieldwork.Reject, Reason: "too fast"}, somehow)
	must(t, err)
	first := Interview{Case: "c1", Interview: "iv-c1", Enumerator: "li", Area: "330106"}
	for _, c := range []struct {
		who  auth.Account
		area string
		want []Interview
	}{
		{reader, "", []Interview{first, {"c4", "iv-c4", "li", "330203"}}}, {reader, "3302", []Interview{{"c4", "iv-c4", "li", "330203"}}},
		{hz, "", []Interview{first}}, {hz, "3302", nil},
	} {
		var got []Interview
		must(t, s.Interviews(t.Context(), c.who, wave, c.area, func(i Interview) { got = append(got, i) }))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, area %q: want (-), got (+)\n%s", c.who.Login, c.area, diff)
		}
	}
	if err := s.Interviews(t.Context(), li, wave, "", func(Interview) {}); !errors.Is(err, ErrForbidden) {
		t.Errorf("an enumerator is told of interviews: %v", err)
	}
	var all []Interviewed
	must(t, s.Interviewed(t.Context(), wave, func(i Interviewed) { all = append(all, i) }))
	want := Interviewed{Interview: first, PSU: "330106", Columns: map[string]string{"county": "330106"},
		Attempts: []fieldwork.Attempt{{At: nine, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome, Place: place}}}
	if len(all) != 2 {
		t.Fatalf("%d interviews stand, want 2", len(all))
	}
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Errorf("c1: want (-), got (+)\n%s", diff)
	}
}

// BenchmarkInterviews lists 100,000 interviews that stand.
func BenchmarkInterviews(b *testing.B) {
	s, err := Open(b.Context(), b.TempDir()+"/office.db")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var cases []fieldwork.Case
	for i := range 100_000 {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("%06d", i), Stratum: "s", PSU: "p", Weight: 1, Columns: map[string]string{"county": "330106", "class": "urban"}})
	}
	if err := s.AddCases(b.Context(), wave, cases, "setup", nine); err != nil {
		b.Fatal(err)
	}
	if _, err := s.db.Exec(`UPDATE cases SET state = 'approved', interview = id, progress = json_set(progress, '$.interview', id, '$.attempts', json(?))`,
		`[{"at":"2026-06-01T09:00:00+08:00","contact":"visit","outcome":"nobody-home","place":{"lat":30.25,"lon":120.15,"accuracy":12}}]`); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n := 0
		if err := s.Interviews(b.Context(), auth.Account{Role: auth.Reader}, wave, "", func(Interview) { n++ }); err != nil || n != len(cases) {
			b.Fatal(n, err)
		}
	}
}
