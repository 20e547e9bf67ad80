package weighting

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Household multiplies the weight of each person by the number of eligible persons in the
// household, of whom that person was selected with equal chances: the probability of that
// stage is 1/k, so the factor is k (Kish 1949). Weights up to here are those of households,
// which must have been adjusted for nonresponse already. Above most, which 0 leaves out,
// the factor stays at most, for a smaller variance at the price of a bias. The record has a
// class for each k, named by it.
func Household(w []float64, eligible []int, most int) ([]float64, Step, error) {
	if err := checkWeights(w); err != nil {
		return nil, Step{}, err
	}
	if len(eligible) != len(w) {
		return nil, Step{}, fmt.Errorf("%d counts of eligible persons for %d rows; give one for each", len(eligible), len(w))
	}
	if most < 0 {
		return nil, Step{}, fmt.Errorf("the largest factor is %d; it must be at least 1, or 0 for none", most)
	}
	after := make([]float64, len(w))
	by := map[int]*Class{}
	for i, x := range w {
		k := eligible[i]
		switch {
		case x == 0:
			continue
		case k < 1:
			return nil, Step{}, fmt.Errorf("the household of row %d has %d eligible persons; who was selected is one of them, so correct the count", i, k)
		case by[k] == nil:
			by[k] = &Class{Name: strconv.Itoa(k), Factor: float64(k)}
			if most > 0 {
				by[k].Factor = float64(min(k, most))
			}
		}
		c := by[k]
		after[i] = x * c.Factor
		c.N++
		c.Kept++
		c.Before += x
		c.After += after[i]
	}
	step := newStep("household selection", w, after)
	if most > 0 {
		step.Settings = []Setting{{Name: "most persons", Value: float64(most)}}
	}
	for _, k := range slices.Sorted(maps.Keys(by)) {
		step.Classes = append(step.Classes, *by[k])
	}
	return after, step, nil
}
