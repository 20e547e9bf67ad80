package replicate

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Method is how replicates were made.
type Method string

// The methods.
const (
	MethodJK1       Method = "jk1"
	MethodJKn       Method = "jkn"
	MethodBRR       Method = "brr"
	MethodFay       Method = "fay"
	MethodBootstrap Method = "rao-wu-yue"
	MethodPreston   Method = "preston"
	MethodSDR       Method = "sdr"
	MethodImported  Method = "imported"
)

// Centre is what the deviations of replicates are measured from.
type Centre string

// The centres. R's argument mse says FullSample when true, ReplicateMean when false.
const (
	FullSample    Centre = "full-sample"    // the estimate with the weights themselves
	ReplicateMean Centre = "replicate-mean" // the mean of the replicates
)

// Set is replicates: for each of them a multiplier of the weights of every unit, and how
// their spread becomes a variance,
//
//	V(θ) = Scale Σ_r RScales_r (θ_r − c)²
//
// with c by Centre (Wolter 2007, ch. 3 to 5; R survey 4.5, svrVar).
type Set struct {
	method  Method
	seed    uint64
	scale   float64
	rscales []float64
	centre  Centre
	// designDF is PSUs − strata, or what the file of the replicates says; NaN when it is
	// not known.
	designDF    float64
	multipliers multipliers
}

// multipliers are what replicates multiply the weights of units by.
type multipliers interface {
	// units and replicates are how many there are.
	units() int
	replicates() int
	// block fills in the multipliers of replicates from to to−1, those of one unit side by
	// side.
	block(into []float64, from, to int)
	// rank is that of the matrix of the multipliers of the units that are seen.
	rank(seen []bool) int
}

// Method is how the replicates were made.
func (s *Set) Method() Method { return s.method }

// Seed is where their chance came from; zero for methods without.
func (s *Set) Seed() uint64 { return s.seed }

// Replicates is how many there are.
func (s *Set) Replicates() int { return s.multipliers.replicates() }

// Units is how many units they multiply: PSUs, the smallest units of later stages that
// matter, or rows.
func (s *Set) Units() int { return s.multipliers.units() }

// ByRow says that the units are the rows of a design: such replicates cannot be put on
// cells.
func (s *Set) ByRow() bool {
	_, is := s.multipliers.(*byRow)
	return is
}

// Scale multiplies the squares of all replicates.
func (s *Set) Scale() float64 { return s.scale }

// RScales multiply those of each replicate.
func (s *Set) RScales() []float64 { return slices.Clone(s.rscales) }

// Centre is what deviations are measured from.
func (s *Set) Centre() Centre { return s.centre }

// Around is the same set with deviations from another centre.
func (s *Set) Around(c Centre) (*Set, error) {
	if c != FullSample && c != ReplicateMean {
		return nil, fmt.Errorf("centre %q is unknown; use %s or %s", c, FullSample, ReplicateMean)
	}
	other := *s
	other.centre = c
	return &other, nil
}

// Multipliers are those of one replicate, by unit.
func (s *Set) Multipliers(r int) ([]float64, error) {
	if r < 0 || r >= s.Replicates() {
		return nil, fmt.Errorf("there is no replicate %d among %d", r, s.Replicates())
	}
	m := make([]float64, s.Units())
	s.multipliers.block(m, r, r+1)
	return m, nil
}

// df is the degrees of freedom by the rule of the settings: DFDomain takes the rank of
// the multipliers of the units that have people of the domain less 1 (R survey 4.5,
// degf), DFDesign that of the design where it is known.
func (s *Set) df(settings analysis.Settings, seen []bool) float64 {
	switch {
	case settings.FixedDF > 0:
		return settings.FixedDF
	case settings.DF == analysis.DFNormal:
		return math.Inf(1)
	case settings.DF == analysis.DFDesign && !math.IsNaN(s.designDF):
		return s.designDF
	case settings.DF == analysis.DFDesign:
		seen = slices.Repeat([]bool{true}, s.Units())
	}
	return float64(s.multipliers.rank(seen) - 1)
}

// covariance is that of statistics, given the full-sample value and the replicates of
// each. A replicate in which a statistic does not exist is left out of its rows; lost
// counts them.
func (s *Set) covariance(full []float64, replicates [][]float64) (v *mat.SymDense, lost []int) {
	k := len(full)
	deviation, scaled := make([][]float64, k), make([][]float64, k)
	lost = make([]int, k)
	weight := make([]float64, len(s.rscales))
	for r, x := range s.rscales {
		weight[r] = s.scale * x
	}
	for j, theta := range replicates {
		centre := full[j]
		if s.centre == ReplicateMean {
			centre = s.mean(theta)
		}
		deviation[j] = make([]float64, len(theta))
		for r, x := range theta {
			switch {
			case s.rscales[r] == 0:
			case isFinite(x):
				deviation[j][r] = x - centre
			default: // a deviation of zero adds nothing to any product
				lost[j]++
			}
		}
		scaled[j] = make([]float64, len(theta))
		floats.MulTo(scaled[j], weight, deviation[j])
	}
	v = mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			x := math.NaN()
			if isFinite(full[i]) && isFinite(full[j]) && lost[i] < len(s.rscales) && lost[j] < len(s.rscales) {
				x = floats.Dot(scaled[i], deviation[j])
			}
			v.SetSym(i, j, x)
		}
	}
	return v, lost
}

// mean is that of the replicates that exist and count.
func (s *Set) mean(theta []float64) float64 {
	var sum, n float64
	for r, x := range theta {
		if s.rscales[r] > 0 && isFinite(x) {
			sum += x
			n++
		}
	}
	return sum / n
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// ones are n times 1.
func ones(n int) []float64 { return slices.Repeat([]float64{1}, n) }
