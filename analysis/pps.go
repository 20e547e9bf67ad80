package analysis

import (
	"fmt"
	"math"
)

// PPS says how the variance is estimated where units were drawn with unequal
// probabilities without replacement.
type PPS struct {
	// Rule is the formula; PPSBrewer when empty, PPSJoint when Joint is given.
	Rule PPSRule
	// Form is how the rules on pairs use the joint probabilities; YatesGrundy when empty.
	Form PairForm
	// Joint has the joint inclusion probabilities of the units of the sample, for
	// PPSJoint: rows and columns are the units in the order of their first row in the
	// columns, and the diagonal is the chance of each. Units of two strata have the
	// product of their chances.
	Joint [][]float64
	// SumSquares is Σπ²/n over all units of the population of a stratum, for
	// PPSHartleyRao; it is estimated by the mean of π in the sample for strata without.
	SumSquares map[string]float64
}

// PPSRule is a formula for the variance under unequal probabilities. With z a unit's
// linearised total, weight included, and π its chance:
type PPSRule string

const (
	// PPSBrewer needs no joint probabilities and can be followed by further stages, and
	// used at any: V = n/(n−1) Σ(1−π_i)(z_i − z̄)² (Brewer's class; R survey 4.5, pps =
	// "brewer").
	PPSBrewer PPSRule = "brewer"
	// PPSJoint uses the joint probabilities given in PPS.Joint.
	PPSJoint PPSRule = "joint"
	// PPSHartleyRao approximates the joint probability of i and j by (n−1) π_i π_j /
	// (n − π_i − π_j + Σπ²/n) (Hartley and Rao 1962, truncated; R's HR).
	PPSHartleyRao PPSRule = "hartley-rao"
	// PPSOverton approximates it by (n−1) π_i π_j / (n − (π_i+π_j)/2) (Overton 1985).
	PPSOverton PPSRule = "overton"
)

// PairForm is how joint probabilities make a variance; Δ_ij = 1 − π_i π_j / π_ij.
type PairForm string

const (
	// YatesGrundy is V = −½ ΣΣ Δ_ij (z_i − z_j)², for samples of fixed size.
	YatesGrundy PairForm = "yates-grundy"
	// HorvitzThompson is V = ΣΣ Δ_ij z_i z_j. It is the default of R, less stable, and
	// may be negative; a standard error is then NaN.
	HorvitzThompson PairForm = "horvitz-thompson"
)

// rule is the rule with its default.
func (p PPS) rule() PPSRule {
	switch {
	case p.Rule != "":
		return p.Rule
	case p.Joint != nil:
		return PPSJoint
	}
	return PPSBrewer
}

// given says whether anything was set.
func (p PPS) given() bool {
	return p.Rule != "" || p.Form != "" || p.Joint != nil || p.SumSquares != nil
}

// check names what is missing or too much.
func (p PPS) check(chances bool, stage int) error {
	if !p.given() {
		return nil
	}
	rule := p.rule()
	switch rule {
	case PPSBrewer, PPSJoint, PPSHartleyRao, PPSOverton:
	default:
		return fmt.Errorf("rule %q for unequal probabilities is unknown; use %s, %s, %s or %s",
			rule, PPSBrewer, PPSJoint, PPSHartleyRao, PPSOverton)
	}
	switch p.Form {
	case "", YatesGrundy, HorvitzThompson:
	default:
		return fmt.Errorf("form %q of the variance is unknown; use %s or %s", p.Form, YatesGrundy, HorvitzThompson)
	}
	switch {
	case !chances && rule != PPSJoint:
		return fmt.Errorf("rule %q needs the chance of each unit; give it in Stage.Chance", rule)
	case rule == PPSJoint && p.Joint == nil:
		return fmt.Errorf("rule %q needs the joint probabilities; give them in PPS.Joint or use %q", rule, PPSBrewer)
	case rule != PPSBrewer && stage > 1:
		return fmt.Errorf("rule %q is for the first stage; use %q at later ones", rule, PPSBrewer)
	}
	return nil
}

// joint is the quadratic form of the variance on pairs of units.
type joint struct {
	first []int       // first unit of each stratum; units of one are together
	form  [][]float64 // of each stratum: n×n, row by row
}

// jointOf makes the quadratic forms of all strata: Δ of Horvitz and Thompson, from
// which Yates and Grundy's takes the row sums off the diagonal, as
// −½ ΣΣ Δ_ij (z_i−z_j)² = ΣΣ Δ_ij z_i z_j − Σ_i (Σ_j Δ_ij) z_i².
func jointOf(p PPS, g *grouping, chance []float64, psus []PSU, place []int) (*joint, error) {
	j := &joint{first: make([]int, len(g.size)), form: make([][]float64, len(g.size))}
	unit := 0
	for h, n := range g.size {
		j.first[h] = unit
		if n > maxPairs {
			return nil, fmt.Errorf("stratum %q has %d units, too many for rule %q; use %q", psus[unit].Stratum, n, p.rule(), PPSBrewer)
		}
		delta, err := p.pairs(unit, n, chance, psus[unit].Stratum, place)
		if err != nil {
			return nil, err
		}
		if p.Form != HorvitzThompson {
			takeRowSums(delta, n)
		}
		j.form[h] = delta
		unit += n
	}
	return j, nil
}

// maxPairs is how many units of a stratum rules on pairs allow: 512 MB of them.
const maxPairs = 8192

func takeRowSums(delta []float64, n int) {
	for i := range n {
		var sum float64
		for _, x := range delta[i*n : (i+1)*n] {
			sum += x
		}
		delta[i*n+i] -= sum
	}
}

// pairs is Δ of the n units from first on.
func (p PPS) pairs(first, n int, chance []float64, stratum string, place []int) ([]float64, error) {
	delta := make([]float64, n*n)
	pi := chance[first : first+n]
	squares, known := p.SumSquares[stratum]
	if !known {
		for _, x := range pi {
			squares += x / float64(n)
		}
	}
	for i := range n {
		for j := range n {
			d := 1 - pi[i]
			switch {
			case i == j:
			case p.rule() == PPSOverton:
				d = 1 - (float64(n)-(pi[i]+pi[j])/2)/float64(n-1)
			case p.rule() == PPSHartleyRao:
				d = 1 - (float64(n)-pi[i]-pi[j]+squares)/float64(n-1)
			default:
				both := p.Joint[place[first+i]][place[first+j]]
				if !(both > 0 && both <= 1) {
					return nil, fmt.Errorf("the joint probability of units %d and %d is %v; it must be above 0 for a variance, use %q otherwise", place[first+i], place[first+j], both, PPSBrewer)
				}
				d = 1 - pi[i]*pi[j]/both
			}
			delta[i*n+j] = d
		}
	}
	return delta, nil
}

// jointChances reads the chances of units from the diagonal of the joint
// probabilities, and checks those that were given too.
func (p PPS) jointChances(chance []float64, place []int) ([]float64, error) {
	if len(p.Joint) != len(place) {
		return nil, fmt.Errorf("%d rows of joint probabilities for %d units; give one for each unit of the sample", len(p.Joint), len(place))
	}
	diagonal := make([]float64, len(place))
	for u, k := range place {
		if len(p.Joint[k]) != len(place) {
			return nil, fmt.Errorf("row %d of the joint probabilities has %d values for %d units", k, len(p.Joint[k]), len(place))
		}
		x := p.Joint[k][k]
		if !(x > 0 && x <= 1) {
			return nil, fmt.Errorf("the joint probabilities have %v on the diagonal of row %d, where the chance of the unit belongs", x, k)
		}
		if chance != nil && math.Abs(chance[u]-x) > 1e-6*x {
			return nil, fmt.Errorf("unit %d has chance %v, but %v on the diagonal of the joint probabilities", k, chance[u], x)
		}
		diagonal[u] = x
	}
	return diagonal, nil
}
