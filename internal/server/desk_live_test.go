package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/surveys"
)

// A rate without an error, as where no village differs from another, has no effective number.
func TestLiveEffectiveNumber(t *testing.T) {
	for deff, want := range map[float64]string{0: "—", math.NaN(): "—", 2: "20"} {
		e := analysis.Estimate{Value: 0.5, Lo: 0.5, Hi: 0.5, N: 40, DEff: deff}
		var notes liveNotes
		notes.page = &deskLive{}
		if cells := notes.estimate(live.Group{N: 40, Estimate: e}); cells[4].Text != want {
			t.Errorf("design effect %v: the effective number is %q, want %q", deff, cells[4].Text, want)
		}
	}
}

// stored are records as ClickHouse has them.
type stored struct{ records []live.Record }

func (s *stored) Places(context.Context, string) (map[uint16]uint64, error) {
	return map[uint16]uint64{1: uint64(len(s.records))}, nil
}

func (s *stored) Arrivals(_ context.Context, _ live.Query, after map[uint16]uint64, do func(live.Record) error) error {
	for _, r := range s.records[after[1]:] {
		if err := do(r); err != nil {
			return err
		}
	}
	return nil
}

// boards has a board for the wave village, whose records are d.kept.
func (d *deskSite) boards(now func() time.Time) func(string) *live.Board {
	q := &surveys.Questionnaire{ID: "village", Criterion: &surveys.Criterion{Cut: 70, Boundary: surveys.Above, Name: surveys.Text{surveys.ZH: "大于 70 分", surveys.EN: "Above 70 points"}}}
	plan := &assess.Plan{Tables: []string{"sex"}, Factors: []assess.Factor{
		{ID: "sex", Answer: "sex", Title: surveys.Text{surveys.ZH: "性别", surveys.EN: "Sex"}, Levels: []assess.Level{
			{Code: "male", Name: surveys.Text{surveys.ZH: "男", surveys.EN: "Male"}, Values: []string{"1"}},
			{Code: "female", Name: surveys.Text{surveys.ZH: "女", surveys.EN: "Female"}, Values: []string{"2"}}}}}}
	board := live.NewBoard("village", q, plan, &d.kept, LiveCases{Office: d.office})
	board.SetClock(now)
	return func(wave string) *live.Board {
		if wave != "village" {
			return nil
		}
		return board
	}
}

// come adds cases of a county with an interview each; every third person is literate,
// and men and women come in turn.
func (d *deskSite) come(county string, n int, approved bool) {
	d.t.Helper()
	var cases []fieldwork.Case
	for i := range n {
		cases = append(cases, fieldwork.Case{ID: fmt.Sprintf("l%s-%d-%d", county, len(d.kept.records), i), Stratum: county[:4], PSU: fmt.Sprint(county, i%4), Weight: 100,
			Columns: map[string]string{"county": county}})
	}
	d.must(d.office.AddCases(d.t.Context(), "village", cases, "setup", noon))
	for i, c := range cases {
		d.happen(c.ID, submitted(noon, "iv-"+c.ID))
		if approved {
			for level := range 2 {
				d.happen(c.ID, fieldwork.Event{At: noon, Action: fieldwork.Approve, Who: []string{"wu", "hangzhou"}[level]})
			}
		}
		seq := uint64(len(d.kept.records) + 1)
		d.kept.records = append(d.kept.records, live.Record{Score: 60 + 20*float64((2+i)%3/2), Levels: []int{i % 2}, Response: &surveys.Response{
			Node: 1, Seq: seq, Received: noon, Interview: surveys.Interview{ID: "iv-" + c.ID, Case: c.ID, Wave: "village", Finished: noon}}})
	}
}

// Each account sees the results of its area, from the interviews that passed their reviews
// unless it asks for all, and the wait for the next reading is shorter than five seconds.
func TestDeskLive(t *testing.T) {
	d := newDesk(t)
	d.come("330106", 60, true)
	d.come("330203", 30, true)
	d.come("330203", 12, false)
	reader := d.as("reader")
	_, body := reader.open("/desk/village/live?lang=en")
	for _, want := range []string{"Literacy rate", "33.3%", "Above 70 points", "<dd>90</dd>", "Where 100 more interviews help most", "Response rate RR3"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if rows := reader.rows("/desk/village/live?lang=en", "by-sex"); len(rows) != 3 || rows[0][3] != "40" || rows[2][3] != "90" {
		t.Errorf("by sex: %v", rows)
	}
	if rows := reader.rows("/desk/village/live?lang=en&view=all", "by-sex"); len(rows) != 3 || rows[2][3] != "100" {
		t.Errorf("of all interviews by sex: %v", rows)
	}
	places := reader.rows("/desk/village/live?lang=en", "next")
	if len(places) != 2 || !strings.HasPrefix(places[0][0], "33") {
		t.Errorf("the places are %v", places)
	}
	// Of a city only its own.
	hz := d.as("hangzhou")
	rows := hz.rows("/desk/village/live?lang=en", "by-sex")
	if len(rows) != 3 || rows[2][3] != "60" {
		t.Errorf("the account of one city sees %v", rows)
	}
	if status, _ := hz.open("/desk/village/live?area=3302"); status != http.StatusNotFound {
		t.Errorf("the account of one city asks for another: %d", status)
	}
	if status, _ := d.as("li").open("/desk/village/live"); status != http.StatusForbidden {
		t.Errorf("an enumerator asks for results: %d", status)
	}
	// Twelve more: they are counted at once, and ten of them are in the rate.
	d.come("330106", 12, true)
	d.clock.pass(live.Every)
	if live.Every > 5*time.Second {
		t.Errorf("the board looks every %v", live.Every)
	}
	_, body = reader.open("/desk/village/live?lang=en")
	if !strings.Contains(body, "<dd>102</dd>") || !strings.Contains(body, "<dd>100</dd>") {
		t.Error("after twelve more interviews the page does not have 102, of which 100 are in the rate")
	}
}

// A group with few interviews is withheld, and so is the other one, which everybody less it
// would tell; nothing of theirs is on the page or in its download.
func TestDeskLiveWithholds(t *testing.T) {
	d := newDesk(t)
	d.come("330106", 24, true)
	for i := range d.kept.records { // all but four are men
		if i >= 4 {
			d.kept.records[i].Levels = []int{0}
		} else {
			d.kept.records[i].Levels = []int{1}
		}
	}
	for _, row := range d.as("reader").rows("/desk/village/live?lang=en", "by-sex")[:2] {
		if !slices.Equal(row[1:], []string{"※", "※", "※", "※", "※"}) {
			t.Errorf("the row is %v", row)
		}
	}
	if status, _ := d.as("reader").open("/desk/nowhere/live"); status != http.StatusNotFound {
		t.Errorf("results of a wave that is not there: %d", status)
	}
}
