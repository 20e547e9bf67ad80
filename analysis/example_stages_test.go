package analysis_test

import (
	"fmt"
	"log"

	"github.com/suyang-survey/suyang/analysis"
)

// Särndal, Swensson and Wretman (1992, §4.3): of the 50 clusters of Swedish
// municipalities five were drawn, and three municipalities in each. Weights follow from
// the populations. R survey 4.5 (data set mu284) gives 15080 with SE 2274.25.
func ExampleStage() {
	thrice := func(numbers ...float64) []float64 {
		var x []float64
		for _, v := range numbers {
			x = append(x, v, v, v)
		}
		return x
	}
	var cluster []string
	for _, c := range thrice(19, 31, 45, 47, 50) {
		cluster = append(cluster, fmt.Sprint(c))
	}
	// The population of each municipality in thousands, cluster after cluster.
	population := []float64{41, 49, 49, 49, 51, 33, 49, 49, 45, 31, 31, 35, 39, 41, 61}
	d, err := analysis.NewDesign(analysis.Columns{Stages: []analysis.Stage{
		{Unit: cluster, Population: thrice(50, 50, 50, 50, 50)},
		{Population: thrice(5, 7, 8, 5, 9)},
	}})
	if err != nil {
		log.Fatal(err)
	}
	total, err := d.Total(population, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.0f (SE %.2f)\n", total.Value, total.SE)
	// Output: 15080 (SE 2274.25)
}
