package weighting

import (
	"fmt"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Status is what came of a selected person.
type Status int

// The outcomes that weights distinguish.
const (
	Respondent      Status = iota // eligible, has answered
	Nonrespondent                 // eligible, has not answered
	Ineligible                    // does not belong to the population
	UnknownEligible               // never found out whether eligible
	statuses
)

func checkStatus(w []float64, status []Status) error {
	if err := checkWeights(w); err != nil {
		return err
	}
	if len(status) != len(w) {
		return fmt.Errorf("%d outcomes for %d weights; give one for each", len(status), len(w))
	}
	for i, s := range status {
		if s < 0 || s >= statuses {
			return fmt.Errorf("the outcome of row %d is %d; it must be Respondent, Nonrespondent, Ineligible or UnknownEligible", i, s)
		}
	}
	return nil
}

// A share says what happens to the weight of a person in an adjustment by class.
type share int

const (
	stays  share = iota
	keeps        // and receives
	gives        // all of it
	leaves       // with the weight
)

// UnknownEligibility gives the weights of those of unknown eligibility to the others of
// their class: each is multiplied by Σw of the class / Σw of those who are known,
// whatever came of them, so that the share of eligible persons is taken to be the same
// among the unknown (Valliant, Dever and Kreuter 2018, §13.4). The unknown get weight 0.
// Everybody needs a class; one class for all says that none matters.
func UnknownEligibility(w []float64, status []Status, classes analysis.FactorColumn, m Merge) ([]float64, Step, error) {
	return adjust("unknown eligibility", w, status, classes, m, [statuses]share{keeps, keeps, keeps, gives})
}

// Nonresponse gives the weights of nonrespondents to the respondents of their class,
// by the factor
//
//	Σw of eligible persons / Σw of respondents
//
// (Kalton and Flores-Cervantes 2003; Valliant, Dever and Kreuter 2018, §13.5). Who is
// ineligible gets weight 0: they stand for people who are not of the population. Unknown
// eligibility must have been settled before. A class without respondents is an error
// unless the rule merges it.
func Nonresponse(w []float64, status []Status, classes analysis.FactorColumn, m Merge) ([]float64, Step, error) {
	if err := settled(w, status); err != nil {
		return nil, Step{}, err
	}
	return adjust("nonresponse", w, status, classes, m, [statuses]share{keeps, gives, leaves, stays})
}

// settled says whether all eligibility is known.
func settled(w []float64, status []Status) error {
	if err := checkStatus(w, status); err != nil {
		return err
	}
	unknown := 0
	for i, s := range status {
		if s == UnknownEligible && w[i] > 0 {
			unknown++
		}
	}
	if unknown > 0 {
		return fmt.Errorf("%d persons of unknown eligibility have a weight; call UnknownEligibility first, or count them as nonrespondents", unknown)
	}
	return nil
}

// Keep leaves people out of the sample: who is not kept gets weight 0, and nobody gets
// the weight in exchange. left says in the record who they are, such as
// "nonrespondents", whom a calibration must make up for then.
func Keep(w []float64, keep []bool, left string) ([]float64, Step, error) {
	if err := checkWeights(w); err != nil {
		return nil, Step{}, err
	}
	if len(keep) != len(w) {
		return nil, Step{}, fmt.Errorf("%d rows to keep or not for %d weights; say it of each", len(keep), len(w))
	}
	after := make([]float64, len(w))
	gone := Class{Name: left}
	for i, x := range w {
		switch {
		case x == 0:
		case keep[i]:
			after[i] = x
		default:
			gone.N++
			gone.Before += x
		}
	}
	if err := checkWeights(after); err != nil {
		return nil, Step{}, fmt.Errorf("leaving out %d people (%s) leaves nobody", gone.N, left)
	}
	step := newStep("leave out", w, after)
	step.Classes = []Class{gone}
	return after, step, nil
}

// adjust multiplies the weights of those who keep theirs by the factor of their class.
func adjust(what string, w []float64, status []Status, classes analysis.FactorColumn, m Merge, shares [statuses]share) ([]float64, Step, error) {
	if err := checkStatus(w, status); err != nil {
		return nil, Step{}, err
	}
	levels, err := shared(w, status, classes, shares)
	if err != nil {
		return nil, Step{}, err
	}
	groups, err := m.settle(levels, classes)
	if err != nil {
		return nil, Step{}, fmt.Errorf("%s: %w", what, err)
	}
	place, kept := make([]int, len(levels)), make([]float64, len(groups))
	for k, g := range groups {
		for _, l := range g.levels {
			place[l] = k
		}
	}
	after := make([]float64, len(w))
	for i, x := range w {
		switch s := shares[status[i]]; {
		case s == stays:
			after[i] = x
		case x > 0 && s == keeps:
			k := place[classes.Level[i]]
			after[i] = x * groups[k].factor()
			kept[k] += after[i]
		}
	}
	step := newStep(what, w, after, append([]Setting{{Name: "classes", Text: classes.ID}}, m.list()...)...)
	for k, g := range groups {
		step.Classes = append(step.Classes, g.class(classes.Levels, kept[k]))
	}
	for l, g := range levels {
		if g.n == 0 {
			step.Classes = append(step.Classes, Class{Name: classes.Levels[l]})
		}
	}
	return after, step, nil
}

// shared sums up each class: what there is, and who keeps a weight.
func shared(w []float64, status []Status, classes analysis.FactorColumn, shares [statuses]share) ([]group, error) {
	if len(classes.Level) != len(w) {
		return nil, fmt.Errorf("classes %q have %d values for %d weights; give one for each", classes.ID, len(classes.Level), len(w))
	}
	levels := make([]group, len(classes.Levels))
	for l := range levels {
		levels[l].levels = []int{l}
	}
	for i, x := range w {
		s := shares[status[i]]
		if x == 0 || s == leaves || s == stays {
			continue
		}
		l := classes.Level[i]
		if l < 0 || l >= len(levels) {
			return nil, fmt.Errorf("the class %q of row %d is %d, but there are %d; give those without one a class of their own", classes.ID, i, l, len(levels))
		}
		g := &levels[l]
		g.n++
		g.all += x
		if s == keeps {
			g.kept++
			g.receives += x
		}
	}
	return levels, nil
}

// settle leaves out classes of nobody, merges small ones, and names one that is left
// without anybody who keeps a weight.
func (m Merge) settle(groups []group, classes analysis.FactorColumn) ([]group, error) {
	var some []group
	for _, g := range groups {
		if g.n > 0 {
			some = append(some, g)
		}
	}
	some = m.join(some)
	for _, g := range some {
		name := strings.Join(g.names(classes.Levels), " + ")
		switch {
		case g.kept == 0:
			return nil, fmt.Errorf("class %q of %q has %d persons with a weight of %s, but none to keep it; merge the class with another, or set Merge.Least to 1", name, classes.ID, g.n, plain(g.all))
		case m.tooSmall(g):
			return nil, fmt.Errorf("all classes of %q together have %d persons to keep the weights of %d, a factor of %.3g; the rule asks for at least %d and a factor of at most %v: relax it", classes.ID, g.kept, g.n, g.factor(), m.Least, m.Most)
		}
	}
	return some, nil
}
