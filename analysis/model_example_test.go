package analysis_test

import (
	"fmt"

	"github.com/suyang-survey/suyang/analysis"
)

// A logistic regression of literacy on schooling and age in a made-up sample: log odds
// ratios, a test of schooling, and what the literacy of all would be with each degree
// of it.
func ExampleDesign_Fit() {
	s := clusteredSample(1000)
	d, err := analysis.NewDesign(s.columns)
	if err != nil {
		fmt.Println(err)
		return
	}
	fit, err := d.Fit(analysis.Model{
		Outcome: s.literate,
		Terms:   []analysis.Term{{Factor: s.school}, {Numeric: analysis.Variable{Name: "age", Values: s.age}}},
		Family:  analysis.Binomial,
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, e := range fit.Estimates {
		fmt.Printf("%-12s %6.3f  SE %.3f\n", fit.Names[i], e.Value, e.SE)
	}
	test, err := fit.Wald("school")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: F(%v, %v) = %.1f\n", test.Method, test.DF1, test.DF2, test.Statistic)
	margins, err := fit.Margins("school")
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, e := range margins.Estimates {
		fmt.Printf("school %s: %.1f %% literate\n", margins.Names[i], 100*e.Value)
	}
	// Output:
	// (Intercept)   0.210  SE 0.207
	// school=some   0.884  SE 0.170
	// school=full   1.571  SE 0.184
	// age          -0.022  SE 0.003
	// Wald F test of school: F(2, 21) = 39.5
	// school none: 30.7 % literate
	// school some: 51.0 % literate
	// school full: 66.9 % literate
}
