package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// judged is a wave of the desk with interviews on tablets, four an hour from nine o'clock.
type judged struct {
	t     *testing.T
	st    *station
	state string
	given []surveys.Interview
}

const judgedWave = "judged"

func newJudged(t *testing.T) *judged {
	t.Helper()
	j := &judged{t: t, state: t.TempDir(), given: gssInterviews(t).Interviews}
	must(t, "publish", judgedWave, "--questionnaire", "gss-science", "--state", j.state)
	var err error
	if j.st, err = (&stateFlags{State: j.state}).open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.st.Close() })
	var cases []fieldwork.Case
	for n := range 12 {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("q%02d", n), Stratum: "330106", PSU: "330106", Weight: 1,
			Columns: map[string]string{"county": "330106", columnLatitude: "30.25", columnLongitude: "120.15", columnRadius: "500"}})
	}
	j.must(j.st.office.AddCases(t.Context(), judgedWave, cases, "test", time.Now()))
	return j
}

func (j *judged) must(err error) {
	j.t.Helper()
	if err != nil {
		j.t.Fatal(err)
	}
}

// interview does the interview of a case at a time, at a latitude.
func (j *judged) interview(n int, revision uint32, at time.Time, latitude float64, partial bool) {
	j.t.Helper()
	id := fmt.Sprintf("q%02d", n)
	if revision == 0 {
		place := &fieldwork.Position{Latitude: latitude, Longitude: 120.15, Accuracy: 10}
		for _, e := range []fieldwork.Event{
			{At: at, Who: "wu", Action: fieldwork.Assign, Enumerator: "li"},
			{At: at, Who: "li", Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: at, Contact: fieldwork.Visit, Outcome: fieldwork.NobodyHome, Place: place}},
		} {
			_, err := j.st.office.Record(j.t.Context(), judgedWave, id, e, fieldwork.DefaultAttemptRules)
			j.must(err)
		}
	}
	iv := j.given[n]
	iv.Wave, iv.Case, iv.ID, iv.Revision, iv.Mode, iv.Partial = judgedWave, id, fmt.Sprintf("00000000-0000-4000-8000-%012x", n), revision, surveys.ModeTablet, partial
	iv.Started, iv.Finished = at, at.Add(20*time.Minute)
	body, err := json.Marshal(iv)
	j.must(err)
	_, err = j.st.intake.Accept(j.t.Context(), body)
	j.must(err)
	j.must(j.st.intake.Flush(j.t.Context()))
	j.must(j.st.takeAccepted(j.t.Context()))
}

// flagged names, by the last digit, the interviews that a flag was raised about.
func flagged(findings []quality.Finding, f quality.Flag) string {
	var ids []string
	for _, x := range findings {
		if x.Flag == f && x.Outcome == quality.Flagged {
			ids = append(ids, x.Interview[len(x.Interview)-1:]+" of "+x.Enumerator)
		}
	}
	return strings.Join(ids, ", ")
}

// Interviews go the whole way, from the intake and the office to the flags: one at night,
// one far from the drawn place, one of which the last revision was no longer at night.
// Findings stand for a minute, then new interviews are judged with the others.
func TestQualityOfAWave(t *testing.T) {
	j := newJudged(t)
	nine := time.Date(2026, 6, 1, 9, 0, 0, 0, surveys.ChinaTime)
	for n := range 8 {
		j.interview(n, 0, nine.Add(time.Duration(n)*15*time.Minute), 30.251, false)
	}
	j.interview(8, 0, nine.Add(14*time.Hour), 30.251, false) // eleven at night
	j.interview(9, 0, nine, 30.35, false)                    // 11 km away, beyond 300 + 500 + 25 m
	j.interview(10, 0, nine.Add(14*time.Hour), 30.251, false)
	j.interview(10, 1, nine, 30.251, false)
	judge := newJudge(j.st)
	clock := nine
	judge.now = func() time.Time { return clock }
	findings, at, err := judge.findings(t.Context(), judgedWave)
	j.must(err)
	if got := flagged(findings, quality.Night); got != "8 of li" || !at.Equal(nine) {
		t.Errorf("at night: %q at %v, want 8 of li", got, at)
	}
	if got := flagged(findings, quality.FarAway); got != "9 of li" {
		t.Errorf("far away: %q, want 9 of li", got)
	}
	for _, c := range quality.Tally(findings) {
		if c.Flag == quality.Night && c.Judged != 11 {
			t.Errorf("%d interviews were judged, want 11", c.Judged)
		}
	}
	j.interview(11, 0, nine.Add(15*time.Hour), 30.251, false)
	clock = nine.Add(59 * time.Second)
	if _, at, err := judge.findings(t.Context(), judgedWave); err != nil || !at.Equal(nine) {
		t.Errorf("before a minute has passed they were judged at %v (%v)", at, err)
	}
	clock = nine.Add(time.Minute)
	for range 200 { // the old findings are shown meanwhile
		if findings, at, err = judge.findings(t.Context(), judgedWave); at.Equal(clock) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got := flagged(findings, quality.Night); err != nil || got != "8 of li, b of li" {
		t.Errorf("after a minute: %q (%v), want 8 and b", got, err)
	}
	j.command()
}

// command prints the findings while the server runs.
func (j *judged) command() {
	j.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(must(j.t, "quality", judgedWave, "--format", "csv", "--lang", "en", "--state", j.state))).ReadAll()
	j.must(err)
	var got []string
	for _, r := range rows[1:] {
		got = append(got, r[0]+" "+r[1]+r[2]+" "+r[len(r)-1])
	}
	// 0.1° of a great circle of 6,371,009 m radius is 11,119.5 m; 300 + 500 + 2.5 × 10 is the bound.
	want := "far-away q09 11120 m from the drawn place; with the error of the fix the bound is 825 m.\n" +
		"night q08 20 minutes of it were at night; the bound is 0.\nnight q11 20 minutes of it were at night; the bound is 0."
	if text := strings.Join(got, "\n"); text != want {
		j.t.Errorf("the command prints\n%s\nwant\n%s", text, want)
	}
	out := must(j.t, "quality", judgedWave, "--lang", "en", "--state", j.state)
	for _, want := range []string{"honest flagged", "at night", "0.43%", "\nq08  "} {
		if !strings.Contains(out, want) {
			j.t.Errorf("the text lacks %q:\n%s", want, out)
		}
	}
	var report struct {
		Schema   string
		Findings []quality.Finding
	}
	j.must(json.Unmarshal([]byte(must(j.t, "quality", judgedWave, "--format", "json", "--state", j.state)), &report))
	if report.Schema != "suyang.quality.1" || flagged(report.Findings, quality.Night) != "8 of li, b of li" {
		j.t.Errorf("the JSON has the schema %q and at night %q", report.Schema, flagged(report.Findings, quality.Night))
	}
	if status, _, talk := suyang(j.t, "quality", "none", "--state", j.state); status == 0 || !strings.Contains(talk, `no wave "none"`) {
		j.t.Errorf("a wave that is not there: %d, %s", status, talk)
	}
}

// The visit of an interview on paper is the last one before it was typed in, however long
// before; that of a tablet lies within three hours and has a position. Calls are no visits.
func TestVisitOf(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 6, day, hour, 0, 0, 0, surveys.ChinaTime) }
	place := &fieldwork.Position{Latitude: 30.25, Longitude: 120.15, Accuracy: 10}
	attempts := []fieldwork.Attempt{
		{At: at(1, 19), Contact: fieldwork.Visit, Place: place},
		{At: at(2, 23), Contact: fieldwork.Visit, Place: place},
		{At: at(3, 9), Contact: fieldwork.Phone},
		{At: at(5, 9), Contact: fieldwork.Visit},
	}
	for _, c := range []struct {
		name     string
		mode     surveys.Mode
		finished time.Time
		want     *fieldwork.Attempt
	}{
		{"paper, typed in two days later", surveys.ModePaper, at(4, 10), &attempts[1]},
		{"paper, without a position", surveys.ModePaper, at(6, 10), &attempts[3]},
		{"paper, before any visit", surveys.ModePaper, at(1, 10), nil},
		{"tablet, two hours after", surveys.ModeTablet, at(1, 21), &attempts[0]},
		{"tablet, two days later", surveys.ModeTablet, at(4, 10), nil},
		{"tablet, without a position", surveys.ModeTablet, at(5, 10), nil},
	} {
		if got := visitOf(surveys.Interview{Mode: c.mode, Finished: c.finished}, attempts); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	iv := interviewOf(surveys.Interview{Mode: surveys.ModePaper, Finished: at(4, 10)}, office.Interviewed{Attempts: attempts})
	if !iv.Visited.Equal(at(2, 23)) || !iv.Fix.Known || iv.Fix.Accuracy != 10 {
		t.Errorf("the interview on paper was done %v at %+v", iv.Visited, iv.Fix)
	}
}
