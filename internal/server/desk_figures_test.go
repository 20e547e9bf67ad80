package server

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// happen lets something happen to a case.
func (d *deskSite) happen(id string, e fieldwork.Event) {
	d.t.Helper()
	if e.Who == "" {
		e.Who = "wu"
	}
	_, err := d.office.Record(d.t.Context(), "village", id, e, fieldwork.AttemptRules{})
	d.must(err)
}

// tried is an attempt with an outcome.
func tried(at time.Time, outcome fieldwork.OutcomeCode) fieldwork.Event {
	return fieldwork.Event{At: at, Action: fieldwork.Try, Attempt: &fieldwork.Attempt{At: at, Contact: fieldwork.Visit, Outcome: outcome}}
}

// submitted is an interview that was accepted.
func submitted(at time.Time, id string) fieldwork.Event {
	return fieldwork.Event{At: at, Action: fieldwork.Submit, Interview: id, Revision: 1, Mode: surveys.ModeTablet}
}

// worked is a desk with some fieldwork, begun ten days before the clock of the tests: c1 is
// approved, c2 waits for its review, c3 refused, c4 was not met, c5 and c6 are untouched.
func worked(t *testing.T) *deskSite {
	t.Helper()
	d := newDesk(t)
	begin := noon.AddDate(0, 0, -10)
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		d.happen(id, fieldwork.Event{At: begin, Action: fieldwork.Assign, Enumerator: "li"})
	}
	d.happen("c1", tried(begin, fieldwork.NobodyHome))
	d.happen("c1", submitted(begin.AddDate(0, 0, 1), "iv-1"))
	d.happen("c1", fieldwork.Event{At: begin.AddDate(0, 0, 2), Who: "hangzhou", Action: fieldwork.Approve})
	d.happen("c1", fieldwork.Event{At: begin.AddDate(0, 0, 3), Who: "province", Action: fieldwork.Approve})
	d.happen("c2", submitted(begin.AddDate(0, 0, 4), "iv-2"))
	d.happen("c3", tried(begin.AddDate(0, 0, 4), fieldwork.PersonRefused))
	d.happen("c4", tried(begin.AddDate(0, 0, 4), fieldwork.NobodyHome))
	return d
}

// rows downloads a table of a page, without its header.
func (w *worker) rows(path, table string) [][]string {
	w.desk.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	status, body := w.open(path + sep + "lang=en&download=" + table)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	if status != http.StatusOK || err != nil || len(rows) == 0 {
		w.desk.t.Fatalf("%s, table %s: %d %v\n%s", path, table, status, err, cut(body, 500))
	}
	return rows[1:]
}

// lines writes rows for comparison.
func lines(rows [][]string) string {
	var out []string
	for _, r := range rows {
		out = append(out, strings.Join(r, " | "))
	}
	return strings.Join(out, "\n")
}

// The progress of each account's area: by hand from the events of worked. On the eleventh
// of twenty-one days the plan has 11/21 of the cases done.
func TestDeskProgress(t *testing.T) {
	d := worked(t)
	const plan = "/desk/village/progress?from=2026-05-22&to=2026-06-11"
	reader, ningbo := d.as("reader"), d.as("ningbo")
	for _, c := range []struct {
		who         *worker
		path, table string
		want        string
	}{
		{reader, plan, "areas", "3301 Hangzhou | 5 | 4 | 1 | 1 | 1 | 1 | 2 | 3 | 0.4\n3302 Ningbo | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 0"},
		{reader, plan + "&area=3301", "areas", "330102 Shangcheng District | 2 | 1 | 1 | 0 | 0 | 0 | 0 | 1 | 0\n330106 Xihu District | 3 | 3 | 0 | 1 | 1 | 1 | 2 | 2 | 0.6666666666666666"},
		{d.as("hangzhou"), plan + "&sort=-areas.cases", "areas", "330106 Xihu District | 3 | 3 | 0 | 1 | 1 | 1 | 2 | 2 | 0.6666666666666666\n330102 Shangcheng District | 2 | 1 | 1 | 0 | 0 | 0 | 0 | 1 | 0"},
		{ningbo, plan, "areas", "330203 Haishu District | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 0"},
		{reader, plan, "days", "2026-05-22 | 1 | 0 | 0 | 0 | 0 | 0 | 0\n2026-05-23 | 0 | 1 | 0 | 1 | 1 | 0 | 1\n2026-05-25 | 0 | 0 | 1 | 0 | 1 | 1 | 1\n2026-05-26 | 2 | 1 | 0 | 1 | 2 | 1 | 1"},
		{reader, plan, "enumerators", "nobody | 2 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0\nli | 4 | 4 | 3 | 1 | 1 | 1 | 1 | 2 | 0.5"},
	} {
		if got := lines(c.who.rows(c.path, c.table)); got != c.want {
			t.Errorf("%s, %s:\n%s\nwant\n%s", c.path, c.table, got, c.want)
		}
	}
	if status, body := reader.open("/desk/village/progress?lang=en"); status != http.StatusOK || !strings.Contains(body, "2026-05-22 – 2026-12-31") ||
		!strings.Contains(body, "Of 6 cases 2 are done, where the plan has 0, and 1 are approved.") {
		t.Errorf("the page with the plan of the wave: %d\n%s", status, body)
	}
	w := d.waves()["village"]
	w.FirstDay, w.LastDay = midnight(noon.AddDate(0, 0, -10)), midnight(noon.AddDate(0, 0, 10))
	if _, body := reader.open("/desk/village/progress?lang=en"); !strings.Contains(body, "2026-05-22 – 2026-06-11") || !strings.Contains(body, "where the plan has 3,") {
		t.Errorf("the page with the days of the wave has another plan:\n%s", body)
	}
	for _, bad := range []string{"from=soon", "from=2026-06-11&to=2026-06-11"} {
		if status, body := reader.open("/desk/village/progress?lang=en&" + bad); status != http.StatusUnprocessableEntity || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%s: %d, want 422 with words", bad, status)
		}
	}
}

// A visit of two days ago that is typed in today counts on its own day.
func TestDeskVisitsCountWhenMade(t *testing.T) {
	d := newDesk(t)
	d.happen("c1", fieldwork.Event{At: noon.AddDate(0, 0, -3), Action: fieldwork.Assign, Enumerator: "li"})
	typed := tried(noon, fieldwork.NobodyHome)
	typed.Attempt.At = noon.AddDate(0, 0, -2)
	d.happen("c1", typed)
	days := lines(d.as("reader").rows("/desk/village/progress", "days"))
	if !strings.Contains(days, "2026-05-30 | 1 |") || strings.Contains(days, "2026-06-01 | 1 |") {
		t.Errorf("the days are\n%s", days)
	}
}

// Another area is not found, and the try stands in the audit trail; who has no right to
// figures is told.
func TestDeskFiguresOfOthers(t *testing.T) {
	d := worked(t)
	ningbo := d.as("ningbo")
	for _, area := range []string{"3301", "33", "x", "3302031"} {
		if status, _ := ningbo.open("/desk/village/progress?area=" + area); status != http.StatusNotFound {
			t.Errorf("ningbo asks for %s: %d, want 404", area, status)
		}
		trail, err := d.office.Trail(t.Context(), 1)
		d.must(err)
		if e := trail[0]; e.Who != "ningbo" || e.Action != "read figures" || e.Object != "village "+area || e.Outcome != office.Refused {
			t.Errorf("the trail has %+v", e)
		}
	}
	if status, _ := d.as("li").open("/desk/village/progress"); status != http.StatusForbidden {
		t.Errorf("an enumerator looks at figures: %d, want 403", status)
	}
	if status, _ := ningbo.open("/desk/nowhere/progress"); status != http.StatusNotFound {
		t.Errorf("a wave that is not there: %d, want 404", status)
	}
}

// The charts say in words what they show, and need neither script nor style of their own.
func TestDeskCharts(t *testing.T) {
	d := worked(t)
	_, body := d.as("province").open("/desk/village/progress?lang=en&from=2026-05-22&to=2026-06-11")
	for _, want := range []string{`<svg role="img" aria-labelledby="area-bars-name"`, "Areas behind the plan: 2 of 2.", `<svg role="img" aria-labelledby="day-lines-name"`,
		`class="done" x="0" y="18" width="128" height="12"`, // 2 of 5 of 320
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if found := regexp.MustCompile(`(?i)<script| style=|NaN|Inf[^o]`).FindString(body); found != "" {
		t.Errorf("the page has %q", found)
	}
}

// province is a desk with fieldwork of a size that pages are made for.
func province(t *testing.T) *deskSite {
	t.Helper()
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(7, 7))
	var cases []fieldwork.Case
	for city := 1; city <= 11; city++ {
		for i := range 12 {
			county := fmt.Sprintf("33%02d%02d", city, 2+2*(i%2))
			class := []string{"urban", "rural"}[i%2]
			cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("p%02d-%03d", city, i), Stratum: county[:4] + "-" + class, PSU: county + "001001", Weight: 80 + float64(10*city+i),
				Columns: map[string]string{"city": county[:4] + "00", "class": class, "village": county + "001001"}})
		}
	}
	d.must(d.office.AddCases(t.Context(), "village", cases, "setup", noon))
	outcomes := []fieldwork.OutcomeCode{fieldwork.NobodyHome, fieldwork.NoAnswer, fieldwork.PersonRefused, fieldwork.Vacant, fieldwork.NotFound, fieldwork.PersonAway}
	for i, c := range cases {
		at := noon.AddDate(0, 0, -20+rng.IntN(18))
		d.happen(c.ID, fieldwork.Event{At: at, Action: fieldwork.Assign, Enumerator: []string{"li", "chen"}[i%2]})
		if rng.IntN(6) == 0 {
			continue
		}
		d.happen(c.ID, tried(at, outcomes[rng.IntN(len(outcomes))]))
		switch rng.IntN(5) {
		case 0:
			d.happen(c.ID, fieldwork.Event{At: at.Add(time.Hour), Action: fieldwork.Close, Reason: "given up"})
		case 1, 2:
			d.happen(c.ID, submitted(at.AddDate(0, 0, 1), "iv-"+c.ID))
			d.happen(c.ID, fieldwork.Event{At: at.AddDate(0, 0, 1), Who: "hangzhou", Action: fieldwork.Approve})
			d.happen(c.ID, fieldwork.Event{At: at.AddDate(0, 0, 2), Who: "province", Action: fieldwork.Approve})
		}
	}
	return d
}

// axe-core finds nothing wrong with the pages of figures, on a phone and a desk, in light
// and dark, in normal and large type, in both languages.
func TestFiguresAccessible(t *testing.T) {
	script := axeScript(t)
	d := province(t)
	d.found()
	d.drawn()
	for _, l := range []surveys.Lang{surveys.ZH, surveys.EN} {
		t.Run(string(l), func(t *testing.T) {
			a := &axe{browser: openBrowser(t, d.served.URL), script: script}
			a.run(emulation.SetScriptExecutionDisabled(false))
			a.open("/desk/sign-in?lang=" + string(l))
			a.signIn("province")
			for i, page := range figurePages {
				a.open(page + "&lang=" + string(l))
				a.look(fmt.Sprintf("figures %s %d", l, i))
			}
			if a.checks != len(axeLooks)*len(figurePages) {
				t.Errorf("%d looks", a.checks)
			}
		})
	}
}

// figurePages are the pages of figures.
var figurePages = []string{"/desk/village/progress?to=2026-06-20", "/desk/village/rates?by=stratum&area=3301", "/desk/village/quality?", "/desk/village/live?", "/desk/village/live?view=all&area=3304", "/desk/village/sample?",
	"/desk/precision?wave=village", "/desk/precision?rows=3&city.0=A&cases.0=1500&city.1=B&cases.1=900&all.rate=0.135", "/desk/precision?rows=3&city.0=A"}

// signIn signs an account in, in the browser.
func (a *axe) signIn(login string) {
	a.t.Helper()
	a.run(chromedp.SetValue(`[name="login"]`, login, chromedp.ByQuery), chromedp.SetValue(`[name="password"]`, deskPassword, chromedp.ByQuery))
	a.press("main button")
}
