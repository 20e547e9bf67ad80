package server

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/internal/fieldwork"
)

// outcomeOf is one outcome of each class that attempts have.
var outcomeOf = map[string]fieldwork.OutcomeCode{"P": fieldwork.PartlyCompleted, "R": fieldwork.PersonRefused, "NC": fieldwork.NobodyHome, "O": fieldwork.PersonUnable,
	"UH": fieldwork.NotFound, "UO": fieldwork.Unscreened, "NE": fieldwork.Vacant}

// resolved adds cases of a class to a city; each ends with its outcome, or its interview.
func (d *deskSite) resolved(city, class string, n int, weight float64, columns ...string) {
	d.t.Helper()
	var cases []fieldwork.Case
	for i := range n {
		c := fieldwork.Case{ID: fmt.Sprintf("r%s-%s-%d-%v", city, class, i, weight), Stratum: city, PSU: city + "1", Weight: weight, Columns: map[string]string{"county": city + "06"}}
		for k := 0; k+1 < len(columns); k += 2 {
			c.Columns[columns[k]] = columns[k+1]
		}
		cases = append(cases, c)
	}
	d.must(d.office.AddCases(d.t.Context(), "village", cases, "setup", noon))
	for _, c := range cases {
		if class == "I" {
			d.happen(c.ID, submitted(noon, "iv-"+c.ID))
		} else {
			d.happen(c.ID, tried(noon, outcomeOf[class]))
		}
	}
}

// The rates of a published set of counts come out on the page as R has them: case
// design_formulas-0041 to -0056 of the oracles (R 4.2.2) has I 612, P 48, R 130, NC 95, O 21,
// UH 160, UO 44 and e 0.62. Two cases of each class have half of its number each as their
// weight, so the weighted rates are those of R.
func TestDeskRatesAreThoseOfR(t *testing.T) {
	d := newDesk(t)
	for class, n := range map[string]int{"I": 612, "P": 48, "R": 130, "NC": 95, "O": 21, "UH": 160, "UO": 44} {
		d.resolved("3304", class, 2, float64(n)/2)
	}
	rows := d.as("reader").rows("/desk/village/rates?rule=given&e=0.62&area=3304", "overall")
	want := map[string]float64{"RR1": 0.551351351351351, "RR2": 0.594594594594595, "RR3": 0.592747559274756, "RR4": 0.639237563923756, "RR5": 0.675496688741722,
		"RR6": 0.728476821192053, "COOP1": 0.75462392108508, "COOP2": 0.813810110974106, "COOP3": 0.774683544303797, "COOP4": 0.835443037974684, "REF1": 0.117117117117117,
		"REF2": 0.12591042925771, "REF3": 0.143487858719647, "CON1": 0.730630630630631, "CON2": 0.785487370215404, "CON3": 0.89514348785872}
	if len(rows) != len(want) {
		t.Fatalf("%d rates, want %d", len(rows), len(want))
	}
	for _, r := range rows {
		got, err := strconv.ParseFloat(r[3], 64)
		if err != nil || math.Abs(got-want[r[0]]) > 1e-9*want[r[0]] {
			t.Errorf("weighted %s = %s (%s), R has %v", r[0], r[3], r[1], want[r[0]])
		}
	}
	// Unweighted there are two cases of each class: RR1 = 2/14, COOP3 = 2/6, by hand.
	for _, r := range rows {
		if r[0] == "RR1" && r[2] != strconv.FormatFloat(2.0/14, 'g', -1, 64) || r[0] == "COOP3" && r[2] != strconv.FormatFloat(2.0/6, 'g', -1, 64) {
			t.Errorf("unweighted %s = %s", r[0], r[2])
		}
	}
}

// By hand: Ningbo has an untouched case and Jiaxing an interview, a refusal and a
// substitute that was interviewed; nobody has closed the refusal, so that case is open. The
// rule of e is printed, open cases and substitutes are counted and said, and a rate that needs an unknown e is missing.
func TestDeskRatesByGroup(t *testing.T) {
	d := newDesk(t)
	d.resolved("3304", "I", 1, 10)
	d.resolved("3304", "R", 1, 30)
	d.resolved("3304", "I", 1, 20, fieldwork.ColumnSubstitute, "r3304-R-0-30")
	reader := d.as("reader")
	for _, c := range []struct{ query, table, want string }{
		{"area=3302", "counts", "3302 Ningbo | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 1 | 0 | 0 | — | —"},
		{"area=3302", "unweighted", "3302 Ningbo | 1 | 0 | 0 | — | — | — | — | — | — | — | — | 0 | — | — | 0 | — | —"},
		{"area=3304&by=stratum", "counts", "3304 Jiaxing | 2 | 1 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 1 | 1 | 1 | 1 | 1"},
		{"area=3304&by=county", "weighted", "330406 | 2 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.25 | 0.75 | 0.75 | 0.75 | 1 | 1 | 1"},
		{"area=3304&by=day", "unweighted", "2026-06-01 | 2 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 0.5 | 1 | 1 | 1"},
		{"area=3304", "dispositions", "1.1 | Complete interview | I | 2 | 0.6666666666666666 | 0.5\n2.112 | Refusal by the selected person | R | 1 | 0.3333333333333333 | 0.5"},
	} {
		if got := lines(reader.rows("/desk/village/rates?"+c.query, c.table)); got != c.want {
			t.Errorf("%s, %s:\n%s\nwant\n%s", c.query, c.table, got, c.want)
		}
	}
	_, body := reader.open("/desk/village/rates?lang=en&area=3304&rule=stratum")
	for _, want := range []string{"resolved cases of each stratum", "substitutes: 1, interviewed: 1", "cases still open: 1", "With substitutes, unweighted"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if status, body := reader.open("/desk/village/rates?lang=en&rule=given&e=1.5"); status != http.StatusUnprocessableEntity || !strings.Contains(body, "is not a number from 0 to 1") {
		t.Errorf("e = 1.5: %d", status)
	}
}
