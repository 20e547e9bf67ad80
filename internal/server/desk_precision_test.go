package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// Eleven cities of 1,500 cases at a response of 0.8, deff 2 and 13.53 %: 1,200 interviews, a
// margin of ±2.74 points, a detectable change of 5.53, and no ranking, since cities must
// differ by 8.21 points. The numbers are those of TestPrecisionOfEqualCities in
// internal/fieldwork, which says where they come from.
func TestDeskPrecision(t *testing.T) {
	d := newDesk(t)
	reader := d.as("reader")
	q := url.Values{"lang": {"en"}, "rows": {"11"}, "all.rate": {"0.1353"}, "all.response": {"0.8"}, "all.deff": {"2"}, "all.cost": {"100"}}
	var table strings.Builder
	table.WriteString("city,cases\n")
	for i := range 11 {
		q.Set(fmt.Sprintf("city.%d", i), fmt.Sprintf("c%02d", i))
		q.Set(fmt.Sprintf("cases.%d", i), "1500")
		fmt.Fprintf(&table, "c%02d,1500\n", i)
	}
	pasted := url.Values{"lang": {"en"}, "csv": {table.String()}, "all.rate": {"0.1353"}, "all.response": {"0.8"}, "all.deff": {"2"}, "all.cost": {"100"}}
	for name, form := range map[string]url.Values{"rows": q, "pasted": pasted} {
		status, body := reader.open("/desk/precision?" + form.Encode())
		for _, want := range []string{">1,200<", ">2.74<", ">5.53<", ">120,000<", "A ranking of the cities is not supported.", "differ by 8.21 points", "all 55 pairs",
			"A change of 1.20 points from one survey to the next can be seen in 0 of 11 cities.", "confidence 95 %, power 80 %", `name="all.rate" value="0.1353"`} {
			if status != http.StatusOK || !strings.Contains(body, want) {
				t.Errorf("%s: the page (%d) lacks %q", name, status, want)
			}
		}
		if rows := reader.rows("/desk/precision?"+form.Encode(), "precision"); len(rows) != 12 || rows[0][0] != "c00" || !strings.HasPrefix(rows[0][5], "0.0273") {
			t.Errorf("%s: the download has %d rows, the first %v", name, len(rows), rows[0])
		}
	}
	// The square root rule shares 300 cases among cities of 100 and 400 people as 100 and 200.
	shared := url.Values{"lang": {"en"}, "csv": {"city,people\na,100\nb,400\n"}, "rule": {"root"}, "all.total": {"300"}, "all.rate": {"0.5"}}
	rows := reader.rows("/desk/precision?"+shared.Encode(), "precision")
	if rows[0][1] != "100" || rows[1][1] != "200" {
		t.Errorf("the root rule gives %v", rows)
	}
}

// The form starts with empty rows or with the cities of a wave, grows, and says what is
// wrong with what was typed, keeping it.
func TestDeskPrecisionForm(t *testing.T) {
	d := worked(t)
	reader := d.as("reader")
	for query, want := range map[string][]string{
		"":                                {`name="city.2"`, `name="all.deff" value="2"`},
		"wave=village":                    {`aria-label="City, 1" value="3301 Hangzhou"`, `name="cases.0" aria-label="Cases, 1" value="5"`, `name="deff.0" aria-label="Design effect, 1" value=""`, `name="response.0" aria-label="Response, such as 0.6, 1" value=""`, "3302 Ningbo", "has nothing of the clusters"},
		"rows=3&more=1&city.0=x&rate.0=7": {`name="city.5"`, `name="city.0" aria-label="City, 1" value="x"`},
	} {
		status, body := reader.open("/desk/precision?lang=en&" + query)
		for _, w := range want {
			if status != http.StatusOK || !strings.Contains(body, w) || strings.Contains(body, `role="alert"`) {
				t.Errorf("?%s: the form (%d) lacks %s", query, status, w)
			}
		}
	}
	// Once 80 of 100 cases are done the share of interviews among them is known: 4 of Hangzhou's
	// 5 cases are, three of them by an interview.
	d.happen("c4", submitted(noon, "iv-4"))
	d.happen("c3", fieldwork.Event{At: noon, Action: fieldwork.Close, Reason: "refused"})
	if _, body := reader.open("/desk/precision?lang=en&wave=village"); !strings.Contains(body, `value="0.750"`) {
		t.Error("the response of Hangzhou is not 3 of 4")
	}
	for query, want := range map[string]string{
		"rows=3&city.0=a&cases.0=many&all.rate=0.1": "table: row 2, column cases",
		"rows=3&city.0=a&cases.0=100&all.rate=x":    "is not a number",
		"rows=3&city.0=a&cases.0=100":               "city a",
		"csv=town%0Aa":                              "the column city is needed",
		"csv=city%0Aa&all.rate=0.1&rule=root":       "the column people is needed",
	} {
		if status, body := reader.open("/desk/precision?lang=en&" + query); status != http.StatusUnprocessableEntity || !strings.Contains(body, want) {
			t.Errorf("?%s: %d, want 422 that says %q", query, status, want)
		}
	}
	if status, _ := reader.open("/desk/precision?wave=nowhere"); status != http.StatusNotFound {
		t.Errorf("a wave that is not there: %d", status)
	}
	if status, _ := d.as("li").open("/desk/precision"); status != http.StatusForbidden {
		t.Errorf("an enumerator plans: %d", status)
	}
}
