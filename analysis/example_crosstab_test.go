package analysis_test

import (
	"fmt"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// Does literacy depend on sex? A simple sample of twenty: 7 of 10 women and 2 of 10 men
// are literate. Then three contrasts that were tested together.
func ExampleCrosstab_Independence() {
	sex := analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}}}
	literate := analysis.FactorColumn{Factor: analysis.Factor{ID: "literate", Levels: []string{"yes", "no"}}}
	for cell, n := range []int{7, 3, 2, 8} {
		sex.Level = append(sex.Level, slices.Repeat([]int{cell / 2}, n)...)
		literate.Level = append(literate.Level, slices.Repeat([]int{cell % 2}, n)...)
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: slices.Repeat([]float64{50}, 20)})
	if err != nil {
		fmt.Println(err)
		return
	}
	table, err := d.Crosstab(sex, literate, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	test, err := table.Independence(analysis.RaoScottF)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("X² = %.3f, F = %.3f on %.0f and %.0f, P = %.3f\n", test.ChiSquare, test.Statistic, test.DF1, test.DF2, test.P)
	fmt.Printf("%.3f\n", analysis.Holm([]float64{test.P, 0.002, 0.6}))
	// By hand: X² = 20·(7·8 − 3·2)²/(10·10·9·11), and F is 19/20 of it.

	// Output:
	// X² = 5.051, F = 4.798 on 1 and 19, P = 0.041
	// [0.082 0.006 0.600]
}
