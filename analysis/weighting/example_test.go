package weighting_test

import (
	"fmt"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// From selection to an estimate: eight persons were selected, one of each household, and
// two of them did not answer. The population has 52 people and 96 rooms.
func Example() {
	status := []weighting.Status{
		weighting.Respondent, weighting.Respondent, weighting.Nonrespondent, weighting.Respondent,
		weighting.Respondent, weighting.Nonrespondent, weighting.Respondent, weighting.Respondent,
	}
	area := analysis.FactorColumn{Factor: analysis.Factor{ID: "area", Levels: []string{"town", "village"}}, Level: []int{0, 0, 0, 0, 1, 1, 1, 1}}
	rooms := []float64{1, 2, 2, 3, 1, 2, 2, 1}
	books := []float64{3, 5, 0, 9, 1, 0, 4, 2}

	base, step, err := weighting.Base(weighting.Selection{
		Chances:  [][]float64{{0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0.5, 0.5}},
		Eligible: []int{1, 2, 2, 1, 3, 2, 2, 4},
	})
	report(step, err)
	responded, step, err := weighting.Nonresponse(base, status, area, weighting.Merge{Least: 2})
	report(step, err)
	known := weighting.Known{Totals: []weighting.Total{
		{Name: "people", Values: []float64{1, 1, 1, 1, 1, 1, 1, 1}, Target: 52},
		{Name: "rooms", Values: rooms, Target: 96},
	}}
	metric := weighting.Metric{Distance: weighting.Logit, Lower: 0.5, Upper: 2}
	final, step, err := weighting.Calibrate(responded, known, metric, weighting.Settings{})
	report(step, err)

	d, err := analysis.NewDesign(analysis.Columns{Weight: final, Base: responded, Calibration: known.Calibration(metric)})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := d.Mean(books, nil)
	fmt.Printf("books: %.2f, standard error %.2f, %v\n", e.Value, e.SE, err)
	// Output:
	// base weights: 8 weights add up to 46.0, from 4.0 to 8.0, <nil>
	// nonresponse: 6 weights add up to 46.0, from 4.9 to 12.0, <nil>
	// calibrate: 6 weights add up to 52.0, from 4.9 to 16.0, <nil>
	// books: 4.60, standard error 0.25, <nil>
}

func report(s weighting.Step, err error) {
	fmt.Printf("%s: %d weights add up to %.1f, from %.1f to %.1f, %v\n", s.What, s.N, s.Sum, s.Min, s.Max, err)
}
