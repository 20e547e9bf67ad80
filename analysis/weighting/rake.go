package weighting

import (
	"errors"
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
)

// Margin is a classification of the respondents whose population counts are known.
type Margin struct {
	Name   string
	Levels []string
	// Level has an index into Levels for each respondent; -1 is missing, which only rows
	// of weight zero may be.
	Level []int
	// Targets has the population count of each level.
	Targets []float64
}

// Column is the margin as a factor of package analysis.
func (m Margin) Column() analysis.FactorColumn {
	return analysis.FactorColumn{Factor: analysis.Factor{ID: m.Name, Levels: m.Levels}, Level: m.Level}
}

// Settings say when an iteration stops. A field left at zero means the value of
// DefaultRake or DefaultCalibrate.
type Settings struct {
	// Tolerance is the relative distance from every target at which it has converged.
	Tolerance float64
	// MaxRounds is after how many rounds it gives up.
	MaxRounds int
	// TotalsAgree is how far, relatively, the totals of margins may lie apart. Within
	// it, as from rounded percentages, all are scaled to the total of the first.
	TotalsAgree float64
}

// DefaultRake returns the documented defaults of Rake.
func DefaultRake() Settings {
	return Settings{Tolerance: 1e-12, MaxRounds: 1000, TotalsAgree: 1e-6}
}

// Rake multiplies the weights, margin after margin and round after round, until the
// weighted count of every level equals its target (Deming and Stephan 1940; Deville,
// Särndal and Sautory 1993). Ratios of weights within a crossing of all margins stay as
// they were. It stops by the distance from the margins, never by the change of the
// weights.
//
// Margins that cannot be met together, or only after more than MaxRounds rounds, are
// no error: the Step says Converged false and gives a note for every estimate.
func Rake(w []float64, margins []Margin, s Settings) ([]float64, Step, error) {
	s = s.or(DefaultRake())
	if err := checkRake(w, margins, s); err != nil {
		return nil, Step{}, err
	}
	c, err := collapse(w, margins)
	if err != nil {
		return nil, Step{}, err
	}
	if err := checkTotals(margins, s.TotalsAgree); err != nil {
		return nil, Step{}, err
	}
	fits, err := c.fits(margins)
	if err != nil {
		return nil, Step{}, err
	}
	factor, rounds := c.rake(margins, s)
	after := c.apply(w, factor)
	step := newStep("rake", w, after, s.list()...)
	step.Rounds = rounds
	step.Converged = rounds[len(rounds)-1] <= s.Tolerance
	step.Margins = c.after(fits, margins, factor)
	return after, step, nil
}

// or fills in defaults.
func (s Settings) or(d Settings) Settings {
	if s.Tolerance == 0 {
		s.Tolerance = d.Tolerance
	}
	if s.MaxRounds == 0 {
		s.MaxRounds = d.MaxRounds
	}
	if s.TotalsAgree == 0 {
		s.TotalsAgree = d.TotalsAgree
	}
	return s
}

// list is what a step records.
func (s Settings) list() []Setting {
	return []Setting{{Name: "tolerance", Value: s.Tolerance}, {Name: "most rounds", Value: float64(s.MaxRounds)}, {Name: "totals agree within", Value: s.TotalsAgree}}
}

func (s Settings) check() error {
	if s.Tolerance < 0 || s.MaxRounds < 0 || s.TotalsAgree < 0 {
		return fmt.Errorf("a setting is negative: %+v; leave it out to use the default", s)
	}
	return nil
}

// checkRake lists every fault of the input, but leaves the rows to collapse when all else
// is well.
func checkRake(w []float64, margins []Margin, s Settings) error {
	if err := s.check(); err != nil {
		return err
	}
	if len(margins) == 0 {
		return errors.New("no margin to rake to; give at least one")
	}
	for _, m := range margins {
		if m.checkShape(len(w)) != nil {
			return checkRows(w, margins)
		}
	}
	return nil
}

// checkRows lists the faults of weights and margins.
func checkRows(w []float64, margins []Margin) error {
	faults := []error{checkWeights(w)}
	for _, m := range margins {
		faults = append(faults, m.check(w))
	}
	return errors.Join(faults...)
}

func checkWeights(w []float64) error {
	var sum float64
	for i, x := range w {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("the weight of row %d is %v; weights are finite and not negative", i, x)
		}
		sum += x
	}
	if sum == 0 {
		return errors.New("all weights are zero; there is nobody to weigh")
	}
	return nil
}

// check lists the faults of one margin.
func (m Margin) check(w []float64) error {
	if err := m.checkShape(len(w)); err != nil {
		return err
	}
	return m.checkLevels(w)
}

// checkShape is check without the rows.
func (m Margin) checkShape(rows int) error {
	if len(m.Level) != rows {
		return fmt.Errorf("margin %q has %d values for %d weights; give one for each", m.Name, len(m.Level), rows)
	}
	if len(m.Targets) != len(m.Levels) || len(m.Levels) == 0 {
		return fmt.Errorf("margin %q has %d targets for %d levels; give one for each", m.Name, len(m.Targets), len(m.Levels))
	}
	for l, t := range m.Targets {
		if !(t >= 0) || math.IsInf(t, 1) {
			return fmt.Errorf("margin %q: the target of %q is %v; a population count is finite and not negative", m.Name, m.Levels[l], t)
		}
	}
	return nil
}

// checkLevels names the first person whose level is none.
func (m Margin) checkLevels(w []float64) error {
	first, missing := 0, 0
	for i, l := range m.Level {
		if uint(l) < uint(len(m.Levels)) || l == -1 && w[i] == 0 {
			continue
		}
		if l != -1 {
			return fmt.Errorf("margin %q: row %d has level %d, but there are %d levels", m.Name, i, l, len(m.Levels))
		}
		if missing++; missing == 1 {
			first = i
		}
	}
	if missing > 0 {
		return fmt.Errorf("margin %q is missing for %d respondents (first: row %d); impute it or leave the margin out", m.Name, missing, first)
	}
	return nil
}

// total is the sum of the targets.
func (m Margin) total() float64 {
	var t float64
	for _, x := range m.Targets {
		t += x
	}
	return t
}

// checkTotals compares the totals of the margins with that of the first.
func checkTotals(margins []Margin, agree float64) error {
	first := margins[0].total()
	if first == 0 {
		return fmt.Errorf("margin %q: all targets are zero; give the population counts", margins[0].Name)
	}
	for _, m := range margins[1:] {
		if t := m.total(); math.Abs(t-first) > agree*first {
			return fmt.Errorf("margin %q adds up to %v but margin %q to %v, a difference of %v; take both from the same population",
				margins[0].Name, first, m.Name, t, t-first)
		}
	}
	return nil
}

// PostStratify multiplies the weights of each class by its target / Σw (Holt and Smith
// 1979): Rake to one margin, met in one round. A class that few have makes its weights
// unstable; see Collapse.
func PostStratify(w []float64, m Margin) ([]float64, Step, error) {
	after, step, err := Rake(w, []Margin{m}, Settings{})
	if err == nil {
		step.What = "post-stratify"
	}
	return after, step, err
}
