package making

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making/makingtest"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/surveys"
)

// A wave whose criterion no published rate was measured by is compared with none, and whoever
// makes the report is told, since the name of the criterion may be mistyped.
func TestCriterionOfNobody(t *testing.T) {
	rate := []assess.Row{{Estimate: analysis.Estimate{Value: 0.2, SE: 0.01, N: 900}}}
	r := &assess.Results{Plan: &assess.Plan{}, SeriesLevels: []assess.Level{{}}, Headline: rate,
		Questionnaire: &surveys.Questionnaire{Criterion: &surveys.Criterion{ID: "cast-2099"}}}
	other := assess.Change{Reference: assess.Reference{Criterion: "points_70"}, P: math.NaN()}
	for _, c := range []struct {
		changes []assess.Change
		told    bool
	}{{nil, false}, {[]assess.Change{other}, true}, {[]assess.Change{other, {Comparable: true}}, false}} {
		var said bytes.Buffer
		r.Changes = c.changes
		if _, err := (Forms{Say: func(format string, args ...any) { fmt.Fprintf(&said, format, args...) }}).Content(r); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(said.String(), `criterion "cast-2099"`); told != c.told {
			t.Errorf("with the changes %v it said %q", c.changes, said.String())
		}
	}
}

// Reports and drafts of the desk withhold what releases of the wave do.
func TestDeskKeepsWhatReleasesWithhold(t *testing.T) {
	old := report.Place{Table: "sex", Group: "male"}
	for _, before := range [][]report.Place{nil, {old}} {
		cfg := DefaultConfig()
		cfg.Before = func(wave string) ([]report.Place, error) {
			if wave != "village" {
				t.Errorf("it asks for wave %q", wave)
			}
			return before, nil
		}
		e := Estimated{Results: makingtest.Results("village", 0.162), judged: &judgement{}}
		opt, err := (&Workshop{cfg: cfg}).content(e, surveys.EN, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := opt.Disclosure.Withheld(old); is != (before != nil) {
			t.Errorf("after %v men are withheld: %v", before, is)
		}
	}
}
