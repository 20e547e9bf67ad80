package analysis_test

import (
	"fmt"

	"github.com/suyang-survey/suyang/analysis"
)

// A database has counted literate people by PSU and sex, each person standing for ten.
// How much lower are the odds of men?
func ExampleCells_Fit() {
	c := analysis.Cells{
		PSUs:      []analysis.PSU{{Stratum: "town", Name: "1"}, {Stratum: "town", Name: "2"}, {Stratum: "land", Name: "1"}, {Stratum: "land", Name: "2"}},
		Factors:   []analysis.Factor{{ID: "sex", Levels: []string{"female", "male"}}},
		Variables: []string{"literate"},
	}
	for psu, literate := range [][2]float64{{4, 3}, {5, 1}, {2, 3}, {3, 1}} { // of five women and five men
		for sex, n := range literate {
			c.Rows = append(c.Rows, analysis.Cell{PSU: psu, Levels: []int{sex}, N: 5, W: 50, W2: 500,
				Sums: []analysis.Sum{{N: 5, W: 50, W2: 500, WY: 10 * n, WY2: 10 * n}}})
		}
	}
	fit, err := c.Fit(analysis.CellModel{Outcome: "literate", Terms: [][]string{{"sex"}}, Family: analysis.Binomial}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	men := fit.Estimates[1]
	fmt.Printf("%s: log odds ratio %.3f (SE %.3f), n = %d\n", fit.Names[1], men.Value, men.SE, men.N)
	// By hand: 14 of 20 women and 8 of 20 men are literate, log((8/12)/(14/6)) = −1.253.
	// With the scores (y − p)/(n p(1−p)) by sex, negative for women, the PSUs of town have
	// 1/4.8 − 0.5/4.2 and −1/4.8 − 1.5/4.2, those of land 1/4.8 + 1.5/4.2 and −1/4.8 + 0.5/4.2;
	// SE² is the sum of the squared differences, 0.655² + 0.655².

	// Output:
	// sex=male: log odds ratio -1.253 (SE 0.926), n = 40
}
