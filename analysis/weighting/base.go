package weighting

import "fmt"

// Selection is how each person came into the sample.
type Selection struct {
	// Weight is the inverse of chances that are known already, such as the weights of a
	// sample file; nil means 1.
	Weight []float64
	// Chances has, for each stage of the sample, the selection probability of each row.
	Chances [][]float64
	// Eligible is the number of eligible persons in the household of each row, of whom
	// one was selected with equal chances; nil when persons were not selected within
	// households, or when a stage of Chances says so already.
	Eligible []int
}

// Base gives the design weight of each person, the inverse of the product of the
// selection probabilities of all stages (Horvitz and Thompson 1952), times the weight
// that is there already and the number of eligible persons in the household.
func Base(s Selection) ([]float64, Step, error) {
	n := max(len(s.Eligible), len(s.Weight))
	if len(s.Chances) > 0 {
		n = len(s.Chances[0])
	}
	if n == 0 {
		return nil, Step{}, fmt.Errorf("the sample is empty: Selection.Chances has no rows, nor has Selection.Weight; give the probabilities of one stage at least, or weights")
	}
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	for k, chances := range s.Chances {
		if len(chances) != n {
			return nil, Step{}, fmt.Errorf("stage %d has %d probabilities for %d rows; give one for each", k+1, len(chances), n)
		}
		for i, p := range chances {
			if !(p > 0 && p <= 1) {
				return nil, Step{}, fmt.Errorf("the probability of row %d at stage %d is %v; it must be above 0 and at most 1", i, k+1, p)
			}
			w[i] *= p
		}
	}
	for i, p := range w {
		w[i] = 1 / p
	}
	if err := s.given(w); err != nil {
		return nil, Step{}, err
	}
	if err := s.eligible(w); err != nil {
		return nil, Step{}, err
	}
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	return w, newStep("base weights", ones, w, Setting{Name: "stages", Value: float64(len(s.Chances))}), nil
}

// given multiplies by the weights that are there already.
func (s Selection) given(w []float64) error {
	if s.Weight == nil {
		return nil
	}
	if len(s.Weight) != len(w) {
		return fmt.Errorf("%d weights for %d rows; give one for each", len(s.Weight), len(w))
	}
	if err := checkWeights(s.Weight); err != nil {
		return err
	}
	for i, x := range s.Weight {
		w[i] *= x
	}
	return nil
}

// eligible multiplies by the persons of the household.
func (s Selection) eligible(w []float64) error {
	if s.Eligible == nil {
		return nil
	}
	if len(s.Eligible) != len(w) {
		return fmt.Errorf("%d counts of eligible persons for %d rows; give one for each, or none", len(s.Eligible), len(w))
	}
	for i, persons := range s.Eligible {
		if persons < 1 {
			return fmt.Errorf("the household of row %d has %d eligible persons; who was selected is one of them, so correct the count", i, persons)
		}
		w[i] *= float64(persons)
	}
	return nil
}
