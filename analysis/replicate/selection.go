package replicate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// A Source tells how its sample was drawn: *analysis.Design and *analysis.Cells do.
type Source interface {
	Selection() (analysis.Selection, error)
}

// strata are the PSUs of each stratum, as far as its replicates matter.
type strata struct {
	analysis.Selection
	psus [][]int
	// kept says which strata are drawn from; the others are in the sample for sure.
	kept []bool
}

// complete is R's: a stratum of which less than this is missing is in the sample.
const complete = 1 - 1e-7

// strataOf reads the strata. A stratum with one PSU is an error, unless it is complete
// or the rule for lone PSUs takes it as certain.
func strataOf(source Source) (strata, error) {
	selection, err := source.Selection()
	if err != nil {
		return strata{}, fmt.Errorf("replicates: %w", err)
	}
	s := strata{selection, make([][]int, len(selection.Strata)), make([]bool, len(selection.Strata))}
	for psu, h := range s.Stratum {
		s.psus[h] = append(s.psus[h], psu)
	}
	var lone []string
	for h, psus := range s.psus {
		certain := s.Fraction[h] > complete || len(psus) == 1 && (s.Lone == analysis.LoneCertainty || s.Lone == analysis.LoneRemove)
		if len(psus) == 1 && !certain {
			lone = append(lone, fmt.Sprintf("%q", s.Strata[h]))
		}
		s.kept[h] = !certain
	}
	if len(lone) > 0 {
		return strata{}, fmt.Errorf("no replicates: one PSU only in stratum %s, which cannot be drawn again; merge each with a neighbour, or set Settings.LonePSU to %s if it was sure to be in the sample",
			strings.Join(lone, ", "), analysis.LoneCertainty)
	}
	return s, nil
}

// oneStage is strataOf for methods that know nothing of later stages.
func oneStage(source Source) (strata, error) {
	s, err := strataOf(source)
	if err == nil && len(s.Later) > 0 {
		err = errors.New("no replicates: the sampling fraction of PSUs is not negligible and later stages were drawn; use Preston, which draws them too, or leave the population of PSUs out, which is on the safe side")
	}
	return s, err
}

// df is PSUs − strata, without the strata that are certain.
func (s strata) df() float64 {
	df := 0
	for h, psus := range s.psus {
		if s.kept[h] {
			df += len(psus) - 1
		}
	}
	return float64(df)
}

// generator is the source of chance of one replicate: replicates do not wait for each
// other, and more of them leave the first ones as they are.
func generator(seed uint64, replicate int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(replicate)))
}

// checkReplicates checks how many are wanted.
func checkReplicates(n int) error {
	if n < 2 {
		return fmt.Errorf("%d replicates have no spread; 500 or more are usual for a bootstrap", n)
	}
	return nil
}
