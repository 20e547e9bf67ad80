package analysis_test

import (
	"fmt"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// Eight people of two strata with two PSUs each: how many are literate, overall and
// by sex, after raking to the census of sex.
func Example() {
	base := []float64{10, 10, 10, 10, 20, 20, 20, 20}
	sex := analysis.FactorColumn{
		Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}},
		Level:  []int{0, 1, 0, 0, 1, 0, 0, 1},
	}
	census := weighting.Margin{Name: "sex", Levels: sex.Levels, Level: sex.Level, Targets: []float64{70, 70}}
	w, step, err := weighting.Rake(base, []weighting.Margin{census}, weighting.Settings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := analysis.NewDesign(analysis.Columns{
		Weight:  w,
		Base:    base,
		Stratum: []string{"town", "town", "town", "town", "land", "land", "land", "land"},
		PSU:     []string{"1", "1", "2", "2", "1", "1", "2", "2"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	literate := analysis.Variable{Name: "literate", Values: []float64{1, 0, 1, 0, 0, 1, 1, 1}}
	c, err := d.Cells([]analysis.Variable{literate}, []analysis.FactorColumn{sex})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Margins, c.Notes = [][]string{{"sex"}}, step.Notes()
	e, err := c.Proportion("literate", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("all: %.3f (SE %.3f, n = %d)\n", e.Value, e.SE, e.N)
	groups, err := c.ProportionBy("literate", nil, "sex")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range groups {
		fmt.Printf("%s: %.3f\n", g.Domain["sex"], g.Estimate.Value)
	}
	// The SE by hand: residuals from the rates by sex, weighted and summed by PSU, are
	// −4.17 and −7.14 in town, −8.34 and 19.66 on the land; √(2.97² + 28.0²)/140 = 0.201.

	// Output:
	// all: 0.629 (SE 0.201, n = 8)
	// female: 0.857
	// male: 0.400
}
