package sampling_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/suyang-survey/suyang/analysis/sampling"
)

// Villages are shared among three cities by the root of their people, and drawn in one of
// them by Sampford's method; the last village is so large that it is certain.
func Example() {
	people := []float64{900_000, 400_000, 100_000}
	shares, err := sampling.Allocate(12, sampling.RootScores(people), sampling.Limits{Least: []int{2, 2, 2}})
	if err != nil {
		panic(err)
	}
	counts := sampling.Round(shares)
	fmt.Println("villages by city:", counts)

	size := []float64{310, 120, 450, 200, 90, 330, 2_400}
	chances, err := sampling.Inclusion(size, counts[2])
	if err != nil {
		panic(err)
	}
	drawn, err := sampling.Sampford(rand.New(rand.NewPCG(20261125, 3)), chances)
	if err != nil {
		panic(err)
	}
	for _, i := range drawn {
		fmt.Printf("village %d with probability %.2f\n", i, chances[i])
	}
	// Output:
	// villages by city: [6 4 2]
	// village 5 with probability 0.22
	// village 6 with probability 1.00
}

// How many people two city surveys need to see a rate rise from 10 to 13 %, with a
// design effect of 2.
func ExampleTwoProportions() {
	n, err := sampling.TwoProportions(0.10, 0.13, 0.05, 0.80)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.0f interviews in each\n", 2*n)
	// Output: 3548 interviews in each
}
