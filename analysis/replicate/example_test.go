package replicate_test

import (
	"fmt"
	"log"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// Four villages of each of two strata, two people in each.
func villages() (*analysis.Design, []float64, analysis.FactorColumn) {
	var c analysis.Columns
	sex := analysis.FactorColumn{Factor: analysis.Factor{ID: "sex", Levels: []string{"female", "male"}}}
	for _, stratum := range []string{"hills", "plain"} {
		for _, village := range []string{"a", "b", "c", "d"} {
			for person := range 2 {
				c.Stratum, c.PSU = append(c.Stratum, stratum), append(c.PSU, village)
				c.Weight = append(c.Weight, 50)
				sex.Level = append(sex.Level, person)
			}
		}
	}
	d, err := analysis.NewDesign(c)
	if err != nil {
		log.Fatal(err)
	}
	return d, []float64{3, 4, 9, 12, 6, 5, 14, 17, 20, 22, 8, 6, 11, 9, 15, 13}, sex
}

// The jackknife leaves out one village after the other.
func ExampleJKn() {
	design, books, _ := villages()
	set, err := replicate.JKn(design)
	if err != nil {
		log.Fatal(err)
	}
	sample, err := set.On(design)
	if err != nil {
		log.Fatal(err)
	}
	e, err := sample.Mean(books, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f books, SE %.2f from %d replicates\n", e.Value, e.SE, set.Replicates())
	// Output:
	// 10.88 books, SE 2.02 from 8 replicates
}

// A bootstrap in which every replicate is raked to the margins again, from sums by
// village: no weights by row are made.
func ExampleCells_Rake() {
	design, books, sex := villages()
	cells, err := design.Cells([]analysis.Variable{{Name: "books", Values: books}}, []analysis.FactorColumn{sex})
	if err != nil {
		log.Fatal(err)
	}
	set, err := replicate.Bootstrap(cells, 500, 20261125)
	if err != nil {
		log.Fatal(err)
	}
	replicates, err := set.OnCells(cells)
	if err != nil {
		log.Fatal(err)
	}
	raked, step, err := replicates.Rake([]replicate.Margin{{Factor: "sex", Targets: []float64{410, 390}}}, weighting.Settings{})
	if err != nil {
		log.Fatal(err)
	}
	women, err := raked.Count(analysis.Domain{"sex": "female"})
	if err != nil {
		log.Fatal(err)
	}
	mean, err := raked.Mean("books", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("raked in %d rounds; women %.0f, SE %.0f; %.2f books, SE %.2f\n", len(step.Rounds), women.Value, women.SE, mean.Value, mean.SE)
	// Output:
	// raked in 1 rounds; women 410, SE 0; 10.87 books, SE 2.08
}

// Replicate weights that came with the data, four half samples here, with the scale that
// their documentation gives: 1/R.
func ExampleImport() {
	design, err := analysis.NewDesign(analysis.Columns{Weight: []float64{10, 10, 12, 12, 9, 9}})
	if err != nil {
		log.Fatal(err)
	}
	set, err := replicate.Import(design, replicate.Given{
		Weights: [][]float64{
			{20, 0, 24, 0, 18, 0},
			{0, 20, 24, 0, 0, 18},
			{20, 0, 0, 24, 0, 18},
			{0, 20, 0, 24, 18, 0},
		},
		Scale: 1.0 / 4,
	})
	if err != nil {
		log.Fatal(err)
	}
	sample, err := set.On(design)
	if err != nil {
		log.Fatal(err)
	}
	e, err := sample.Mean([]float64{5, 7, 6, 9, 4, 8}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f, SE %.2f, df %.0f\n", e.Value, e.SE, e.DF)
	// Output:
	// 6.58, SE 0.88, df 3
}
