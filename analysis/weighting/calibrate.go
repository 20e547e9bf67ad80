package weighting

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Known is what is known of the population: counts of classes and totals of variables.
// Together they may say a thing twice, as two margins both say its size, but not
// differently.
type Known struct {
	Margins []Margin
	Totals  []Total
}

// Total is an auxiliary variable whose population total is known. A variable of ones
// has the size of the population.
type Total struct {
	Name string
	// Values has a number for each respondent.
	Values []float64
	Target float64
}

// Calibration is what Columns of package analysis need to know of weights that were
// calibrated in this metric, or raked: standard errors then profit from it.
func (k Known) Calibration(m Metric) *analysis.Calibration {
	c := &analysis.Calibration{Spread: slices.Clone(m.Spread)}
	for _, x := range k.Margins {
		c.Margins = append(c.Margins, x.Column())
	}
	for _, x := range k.Totals {
		c.Auxiliary = append(c.Auxiliary, analysis.Variable{Name: x.Name, Values: x.Values})
	}
	return c
}

// DefaultCalibrate returns the documented defaults of Calibrate.
func DefaultCalibrate() Settings {
	return Settings{Tolerance: 1e-10, MaxRounds: 100, TotalsAgree: 1e-6}
}

// Calibrate multiplies each weight d by a factor g(u), u = x′λ/q, such that all totals
// are met,
//
//	Σ d g(x′λ/q) x = T,
//
// with x the indicators of the margins and the variables of the totals, q the working
// variance and g the curve of the metric's distance. λ minimises the convex function
// Σ d q ∫g − T′λ, by Newton's method with halved steps (Deville and Särndal 1992; as
// calibrate of R survey 4.5). Rounds are the largest relative distance from a total.
//
// Totals that contradict each other, that cannot be met, at all or within the bounds,
// and weights that become negative are errors that name the total or the row. The Step
// is returned also with an error of the last two kinds, as a record; the weights are
// nil then.
func Calibrate(w []float64, k Known, m Metric, s Settings) ([]float64, Step, error) {
	s = s.or(DefaultCalibrate())
	if m.Distance == "" {
		m.Distance = Linear
	}
	if err := k.check(w, m, s); err != nil {
		return nil, Step{}, err
	}
	u, err := k.units(w, m)
	if err != nil {
		return nil, Step{}, err
	}
	v, err := u.newSolver(k, m, s)
	if err != nil {
		return nil, Step{}, err
	}
	rounds := v.solve(s)
	after := u.apply(w, v.at.factor)
	step := newStep("calibrate", w, after, m.settings(s)...)
	step.Rounds = rounds
	step.Converged = rounds[len(rounds)-1] <= s.Tolerance
	step.Margins = v.fits(k)
	if !step.Converged {
		return nil, step, v.unmet(step, m)
	}
	if err := k.negative(w, after, m, v.at.factor); err != nil {
		return nil, step, err
	}
	return after, step, nil
}

// settings are those that a step records.
func (m Metric) settings(s Settings) []Setting {
	list := []Setting{{Name: "distance", Text: string(m.Distance)}}
	if m.bounded() {
		list = append(list, Setting{Name: "lower", Value: m.Lower}, Setting{Name: "upper", Value: m.Upper})
	}
	return append(list, s.list()...)
}

// check lists the faults of the input.
func (k Known) check(w []float64, m Metric, s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	if len(k.Margins)+len(k.Totals) == 0 {
		return errors.New("nothing is known of the population; give a margin or a total")
	}
	faults := []error{checkWeights(w), m.check(w)}
	for _, x := range k.Margins {
		faults = append(faults, x.check(w))
	}
	for _, x := range k.Totals {
		faults = append(faults, x.check(w))
	}
	if err := errors.Join(faults...); err != nil || len(k.Margins) == 0 {
		return err
	}
	return checkTotals(k.Margins, s.TotalsAgree)
}

func (t Total) check(w []float64) error {
	if len(t.Values) != len(w) {
		return fmt.Errorf("variable %q has %d values for %d weights; give one for each", t.Name, len(t.Values), len(w))
	}
	if math.IsNaN(t.Target) || math.IsInf(t.Target, 0) {
		return fmt.Errorf("variable %q: the population total is %v; it must be a number", t.Name, t.Target)
	}
	first, missing, zero := 0, 0, true
	for i, x := range t.Values {
		if w[i] == 0 {
			continue
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			if missing++; missing == 1 {
				first = i
			}
		}
		zero = zero && x == 0
	}
	switch {
	case missing > 0:
		return fmt.Errorf("variable %q is missing for %d respondents (first: row %d); impute it or leave the total out", t.Name, missing, first)
	case zero && t.Target != 0:
		return fmt.Errorf("variable %q is zero for all respondents, but its population total is %v; leave it out", t.Name, t.Target)
	}
	return nil
}

// negative names the first weight that is none.
func (k Known) negative(w, after []float64, m Metric, factor []float64) error {
	first, count := -1, 0
	for i, x := range after {
		if w[i] > 0 && !(x > 0) {
			if count++; first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return nil
	}
	var who []string
	for _, x := range k.Margins {
		who = append(who, x.Name+"="+x.Levels[x.Level[first]])
	}
	for _, x := range k.Totals {
		who = append(who, x.Name+"="+plain(x.Values[first]))
	}
	return fmt.Errorf("calibration by distance %q makes %d weights negative or zero, the first %v in row %d (%s); factors go down to %v: use distance %q, or %q or %q with a Lower above 0, or merge small levels",
		m.Distance, count, after[first], first, strings.Join(who, ", "), slices.Min(factor), Raking, Logit, Truncated)
}

// plain writes a number without exponent.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// unmet explains a calibration that does not meet its totals.
func (v *solver) unmet(s Step, m Metric) error {
	far, distance := s.farthest()
	words := fmt.Sprintf("calibration by distance %q", m.Distance)
	if m.bounded() {
		words += fmt.Sprintf(" with factors from %v to %v", m.Lower, m.Upper)
	}
	words += fmt.Sprintf(" did not meet its totals in %d rounds: %s has %d respondents and a target of %s, but came to %s (off by %.2g)",
		len(s.Rounds), far.name(), far.N, plain(far.Target), plain(far.After), distance)
	if far.Level != "" {
		words += "; merge the level with a neighbour or leave the margin out"
	} else {
		words += "; check the total or leave it out"
	}
	if m.bounded() {
		low, high := v.unbounded()
		words += fmt.Sprintf(", or widen the bounds: without them linear calibration takes factors from %.3g to %.3g", low, high)
	}
	return errors.New(words)
}
