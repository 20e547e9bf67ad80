package fieldwork

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// letters say in which kinds of survey something is used.
func letters(in Surveys) string {
	var s []string
	for _, k := range []struct {
		in   Surveys
		name string
	}{{InPerson, "H"}, {WebNamed, "N"}, {WebUnnamed, "U"}} {
		if in&k.in != 0 {
			s = append(s, k.name)
		}
	}
	return strings.Join(s, " ")
}

// dispositionLines are the rows of the table of dispositions in the manual.
func dispositionLines() []string {
	var lines []string
	for _, d := range dispositions {
		lines = append(lines, fmt.Sprintf("| %s | %v | %s | %s | %s |", d.Code, d.Counts, letters(d.Surveys), d.Name[surveys.ZH], d.Name[surveys.EN]))
	}
	return lines
}

// outcomeLines are the rows of the table of outcomes in the manual.
func outcomeLines() []string {
	var lines []string
	for _, o := range outcomes {
		settles := ""
		if o.Settles {
			settles = "yes"
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", o.Code, o.Means, settles, letters(o.Surveys), o.Name[surveys.ZH], o.Name[surveys.EN]))
	}
	return lines
}

// The manual has every code, outcome and formula, and the simulated table of the opener
// test, as the program has them.
func TestTheManualHasTheTables(t *testing.T) {
	b, err := os.ReadFile("../../web/docs/reference/fieldwork-rates.md")
	if err != nil {
		t.Fatal(err)
	}
	openers, err := os.ReadFile("household/testdata/openers.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := append(dispositionLines(), outcomeLines()...)
	for _, r := range AllRates() {
		want = append(want, fmt.Sprintf("| %v | %s |", r, r.Formula()))
	}
	for _, e := range []Eligibility{ProportionalE(), StratumE()} {
		want = append(want, e.Words()[surveys.ZH], e.Words()[surveys.EN])
	}
	for _, line := range append(want, strings.Split(string(openers), "\n")...) {
		if !strings.Contains(string(b), line) {
			t.Errorf("the manual lacks the line %s", line)
		}
	}
}
