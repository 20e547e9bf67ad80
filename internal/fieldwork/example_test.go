package fieldwork_test

import (
	"cmp"
	"fmt"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// From what enumerators wrote down to the response rates of each city.
func ExampleRates() {
	rates, err := fieldwork.NewRates(fieldwork.ProportionalE(), "city")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range []struct {
		city     string
		weight   float64
		attempts []fieldwork.OutcomeCode
	}{
		{"Hangzhou", 900, []fieldwork.OutcomeCode{fieldwork.NobodyHome, fieldwork.Completed}},
		{"Hangzhou", 900, []fieldwork.OutcomeCode{fieldwork.PersonRefused, fieldwork.NobodyHome}},
		{"Hangzhou", 900, []fieldwork.OutcomeCode{fieldwork.NotFound}},
		{"Lishui", 300, []fieldwork.OutcomeCode{fieldwork.Appointment, fieldwork.Completed}},
		{"Lishui", 300, []fieldwork.OutcomeCode{fieldwork.Vacant}},
		{"Lishui", 300, nil},
	} {
		r, err := fieldwork.Resolve(c.attempts)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := rates.Add(fieldwork.CaseResult{Disposition: r.Code, Weight: c.weight, Stratum: c.city, Open: !r.Settled}, c.city); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, table := range rates.Tables() {
		for _, row := range table.Rows {
			plain, _ := row.Drawn.Unweighted.Rate(fieldwork.RR3)
			weighted, _ := row.Drawn.Weighted.Rate(fieldwork.RR3)
			fmt.Printf("%-9s RR3 %.3f, weighted %.3f, e %.3f", cmp.Or(row.Group, "all"), plain, weighted, row.Drawn.Unweighted.E)
			for _, n := range row.Notes {
				fmt.Print("; ", n.Text.In(surveys.EN))
			}
			fmt.Println()
		}
	}
	// By hand: I 2, R 1, NE 1, U 2, so e = 3/4 and RR3 = 2/(3 + 2·3/4); with the weights
	// e = 2100/2400 and RR3 = 1200/(2100 + 1200·0.875).

	// Output:
	// all       RR3 0.444, weighted 0.381, e 0.750; cases still open: 3; their dispositions may change
	// Hangzhou  RR3 0.364, weighted 0.348, e 0.750; cases still open: 2; their dispositions may change
	// Lishui    RR3 0.571, weighted 0.533, e 0.750; cases still open: 1; their dispositions may change
}
