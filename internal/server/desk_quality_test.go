package server

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork/quality"
)

// found is what flags say of the two interviews of worked, of one of Ningbo, and of one that
// came by an open link.
func (d *deskSite) found() []quality.Finding {
	d.happen("c6", submitted(noon.AddDate(0, 0, -1), "iv-6"))
	all := []quality.Finding{
		{Flag: quality.TooFast, Outcome: quality.Flagged, Interview: "iv-1", Enumerator: "li", Value: -4, Threshold: -3, N: 12},
		{Flag: quality.TooFast, Outcome: quality.Clear, Interview: "iv-2", Enumerator: "li", N: 12},
		{Flag: quality.Night, Outcome: quality.Flagged, Interview: "iv-1", Enumerator: "li", Value: 40, Threshold: 15, N: 1},
		{Flag: quality.Night, Outcome: quality.Flagged, Interview: "iv-6", Value: 30, Threshold: 15, N: 1},
		{Flag: quality.Night, Interview: "iv-open", Why: "self-completed"},
		{Flag: quality.PersonFit, Outcome: quality.Flagged, Interview: "iv-open", Value: 0.4, Threshold: 0.3, N: 20},
		{Flag: quality.EnumeratorApart, Outcome: quality.Flagged, Enumerator: "li", Measure: quality.LogPace, Value: -0.5, Threshold: 0.3, P: 0.01, N: 20},
		{Flag: quality.EnumeratorEffect, Outcome: quality.Clear, Measure: quality.LogPace, Value: 0.01, Threshold: 0.02, P: 0.4, N: 40},
		{Flag: quality.EnumeratorEffect, Measure: quality.Misfit, Why: "no-key", N: 40},
	}
	d.deps.Findings = func(context.Context, string) ([]quality.Finding, time.Time, error) { return all, noon, nil }
	return all
}

// Each account is told of the interviews of its area: who may see cases which ones, others
// how many.
func TestDeskQuality(t *testing.T) {
	d := worked(t)
	d.found()
	for _, c := range []struct{ login, query, table, want string }{
		{"hangzhou", "", "interviews", "c1 | 330106 Xihu District | li | 2 | too fast · at night | Time on 12 pages for what they show is -4.0 robust standard deviations from the middle of the wave; the bound is -3.0. 40 minutes of it were at night; the bound is 15."},
		{"ningbo", "", "interviews", "c6 | 330203 Haishu District | nobody | 1 | at night | 30 minutes of it were at night; the bound is 15."},
		{"ningbo", "", "enumerators", "nobody | 1 | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 0"},
		{"ningbo", "", "apart", ""},
		{"reader", "?area=3301", "enumerators", "li | 2 | 1 | 0.5 | 1 | 0 | 0 | 0 | 0 | 1 | 0"},
		{"stat", "", "enumerators", "nobody | 2 | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 1\nli | 2 | 1 | 0.5 | 1 | 0 | 0 | 0 | 0 | 1 | 0"},
		{"reader", "", "apart", "li | logarithm of the pace | -0.5 | 0.3 | 0.01 | 20"},
		{"reader", "", "effects", "logarithm of the pace | 0.01 | 0.02 | 0.4 | 40 | In 40 interviews the intraclass correlation of enumerators for the logarithm of the pace is 0.010; 0.020 is tolerated (adjusted p = 0.4).\n" +
			"misfit of the answers to the order of difficulty | — | — | — | 40 | Cannot be judged, because the questionnaire has no scored items."},
	} {
		if got := lines(d.as(c.login).rows("/desk/village/quality"+c.query, c.table)); got != c.want {
			t.Errorf("%s, %s%s:\n%s\nwant\n%s", c.login, c.table, c.query, got, c.want)
		}
	}
	// The statistician sees all interviews, that of the open link too: 1 of 2 too fast, and
	// chance flags 0.0013 of 2.
	flags := lines(d.as("stat").rows("/desk/village/quality", "flags"))
	for _, want := range []string{"too fast | 1 | 2 | 0 | 0.5 | 0.0013 | 0.0026\n", "at night | 2 | 2 | 1 | 1 | 0.0043 | 0.0086\n", "knowledge out of the order of difficulty | 1 | 1 | 0 | 1 | 0.008 | 0.008\n"} {
		if !strings.Contains(flags, want) {
			t.Errorf("the flags are\n%s\nwithout %s", flags, want)
		}
	}
	for login, sees := range map[string]bool{"province": true, "reader": false, "stat": false} {
		status, body := d.as(login).open("/desk/village/quality?lang=en")
		if status != http.StatusOK || strings.Contains(body, "/desk/village/cases/c1") != sees || strings.Contains(body, "iv-1") {
			t.Errorf("%s: %d; sees single cases: %v, want %v", login, status, !sees, sees)
		}
	}
}
