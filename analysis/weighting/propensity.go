package weighting

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
)

// PropensityModel explains who responds.
type PropensityModel struct {
	// Terms explain the log odds of responding; every eligible person needs a value.
	Terms []analysis.Term
	// Classes is into how many classes of equal weight the eligible persons are put by
	// their fitted propensity, for Nonresponse by class. 0 divides by the propensity
	// itself: then its extremes become extreme weights.
	Classes int
	// Merge is the rule for classes that are too small.
	Merge Merge
}

// Propensity makes up for nonresponse by the chance of responding, p, fitted by weighted
// logistic regression over the eligible persons (Little 1986; Kalton and
// Flores-Cervantes 2003): the weights of respondents are divided by p, or adjusted by
// classes of it. All others get weight 0.
//
// A level of a factor in which everybody or nobody has responded, and any other model
// that tells respondents exactly, is an error that names the term.
func Propensity(w []float64, status []Status, m PropensityModel) ([]float64, Step, error) {
	fail := func(err error) ([]float64, Step, error) {
		return nil, Step{}, fmt.Errorf("response propensity: %w", err)
	}
	if err := settled(w, status); err != nil {
		return fail(err)
	}
	if m.Classes < 0 || m.Classes == 1 {
		return fail(fmt.Errorf("%d classes of propensity; use 0 for none, or two at least", m.Classes))
	}
	p, err := m.fit(w, status)
	if err != nil {
		return fail(err)
	}
	settings := []Setting{{Name: "terms", Text: m.names()}}
	if m.Classes > 0 {
		after, step, err := Nonresponse(w, status, propensityClasses(w, p, m.Classes), m.Merge)
		if err != nil {
			return fail(err)
		}
		step.What, step.Settings = "response propensity", append(settings, step.Settings...)
		return after, step, nil
	}
	after := make([]float64, len(w))
	all := Class{Name: "respondents"}
	for i, x := range w {
		if x == 0 || status[i] == Ineligible {
			continue
		}
		all.N++
		all.Before += x
		if status[i] == Respondent {
			after[i] = x / p[i]
			all.Kept++
			all.After += after[i]
		}
	}
	step := newStep("response propensity", w, after, settings...)
	step.Classes = []Class{all}
	return after, step, nil
}

// names joins those of the terms.
func (m PropensityModel) names() string {
	var names string
	for i, t := range m.Terms {
		if i > 0 {
			names += ", "
		}
		switch {
		case t.Factor.ID != "":
			names += t.Factor.ID
		case t.Numeric.Name != "":
			names += t.Numeric.Name
		default:
			for k, x := range t.Interaction {
				if k > 0 {
					names += ":"
				}
				names += x
			}
		}
	}
	return names
}

// fit gives the propensity of every eligible person.
func (m PropensityModel) fit(w []float64, status []Status) ([]float64, error) {
	eligible, y := make([]bool, len(w)), make([]float64, len(w))
	respondents, others := 0, 0
	for i, x := range w {
		if eligible[i] = x > 0 && status[i] != Ineligible; !eligible[i] {
			continue
		}
		if status[i] == Respondent {
			y[i] = 1
			respondents++
		} else {
			others++
		}
	}
	if respondents == 0 || others == 0 {
		return nil, fmt.Errorf("%d respondents and %d nonrespondents; without both there is nothing to explain, leave the step out", respondents, others)
	}
	if err := m.separates(w, eligible, y); err != nil {
		return nil, err
	}
	d, err := analysis.NewDesign(analysis.Columns{Weight: w})
	if err != nil {
		return nil, err
	}
	fit, err := d.Fit(analysis.Model{Outcome: y, Terms: m.Terms, Family: analysis.Binomial}, eligible)
	if err != nil {
		return nil, err
	}
	p := fit.Fitted()
	for i, yes := range eligible {
		if yes && !(p[i] > 0) {
			return nil, fmt.Errorf("row %d has no propensity: a term is missing there; give those without a value a level of their own, or leave the term out", i)
		}
	}
	return p, nil
}

// separates names a level in which everybody or nobody has responded.
func (m PropensityModel) separates(w []float64, eligible []bool, y []float64) error {
	for _, t := range m.Terms {
		f := t.Factor
		if f.ID == "" || len(f.Level) != len(w) {
			continue
		}
		n, responded, weight := make([]int, len(f.Levels)), make([]int, len(f.Levels)), make([]float64, len(f.Levels))
		for i, l := range f.Level {
			if eligible[i] && l >= 0 && l < len(n) {
				n[l]++
				responded[l] += int(y[i])
				weight[l] += w[i]
			}
		}
		for l, name := range f.Levels {
			who := "everybody"
			if responded[l] == 0 {
				who = "nobody"
			}
			if n[l] > 0 && (responded[l] == 0 || responded[l] == n[l]) {
				return fmt.Errorf("%s has responded in level %q of %q (%d persons with a weight of %s); merge the level with a neighbour or leave the term out", who, name, f.ID, n[l], plain(weight[l]))
			}
		}
	}
	return nil
}

// propensityClasses cuts the persons who have a propensity into classes of about equal
// weight, from the lowest propensity on; ties are in the class of their middle.
func propensityClasses(w, p []float64, count int) analysis.FactorColumn {
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: "propensity"}, Level: make([]int, len(p))}
	var order []int
	var total, below float64
	for i, x := range p {
		if f.Level[i] = -1; x > 0 {
			order = append(order, i)
			total += w[i]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	for c := range count {
		f.Levels = append(f.Levels, fmt.Sprintf("class %d of %d", c+1, count))
	}
	for from := 0; from < len(order); {
		to, weight := from, 0.0
		for ; to < len(order) && p[order[to]] == p[order[from]]; to++ {
			weight += w[order[to]]
		}
		level := min(int((below+weight/2)/total*float64(count)), count-1)
		for _, i := range order[from:to] {
			f.Level[i] = level
		}
		below += weight
		from = to
	}
	return f
}
