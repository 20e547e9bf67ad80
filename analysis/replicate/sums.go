package replicate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// sums are those of one group of people, with the weights of the full sample and with
// those of every replicate.
type sums struct {
	// full is over those with a value, people and weighted over all.
	full     analysis.Sum
	people   int
	weighted float64
	seen     []bool // units with people of the group
	w, wy    []float64
}

// kish is Kish's effect of the weights.
func (s sums) kish() float64 { return float64(s.full.N) * s.full.W2 / (s.full.W * s.full.W) }

// spread is S² = n/(n−1)(Σwy²/Σw − ȳ²) of the people.
func (s sums) spread() float64 {
	n, mean := float64(s.full.N), s.full.WY/s.full.W
	return n / (n - 1) * (s.full.WY2/s.full.W - mean*mean)
}

// statistic is a number made of the sums of one group.
type statistic struct {
	value func(w, wy float64) float64
	// unit is what the standard error is in of Σwy/Σw: 1 for a mean, Σw for a total; 0 when
	// there are no design effects.
	unit func(s sums) float64
	// share says that the value is a proportion.
	share bool
}

var (
	meanOf  = statistic{value: func(w, wy float64) float64 { return wy / w }, unit: func(sums) float64 { return 1 }}
	shareOf = statistic{value: meanOf.value, unit: meanOf.unit, share: true}
	totalOf = statistic{value: func(_, wy float64) float64 { return wy }, unit: func(s sums) float64 { return s.full.W }}
)

// replicated are the values of a statistic in the replicates.
func (s sums) replicated(of statistic) []float64 {
	theta := make([]float64, len(s.w))
	for r := range theta {
		theta[r] = of.value(s.w[r], s.wy[r])
	}
	return theta
}

// A result is the numbers of several statistics before they are estimates.
type result struct {
	names      []string
	full       []float64
	replicates [][]float64
	// facts of the people of each, and of all together
	people []facts
	all    facts
	notes  []analysis.Note
}

// facts are what an estimate says of its people.
type facts struct {
	n        int
	weighted float64
	kish     float64
	seen     []bool
}

func (s sums) facts() facts { return facts{s.full.N, s.full.W, s.kish(), s.seen} }

// vector gives the numbers their covariance, and each the interval and the notes.
func (s *Set) vector(r result, settings analysis.Settings) (analysis.Vector, error) {
	settings, err := settings.OrDefault()
	if err != nil {
		return analysis.Vector{}, err
	}
	for j, x := range r.full {
		if r.people[j].n == 0 {
			r.full[j] = math.NaN()
		} else if !isFinite(x) {
			return analysis.Vector{}, fmt.Errorf("the estimate %q is %v; choose a domain where it exists", r.names[j], x)
		}
	}
	v := analysis.Vector{Names: r.names, Values: r.full, Level: settings.Level, N: r.all.n, Weighted: r.all.weighted,
		DF: s.df(settings, r.all.seen), Estimates: make([]analysis.Estimate, len(r.full))}
	if r.all.n == 0 {
		v.DF = math.NaN()
	}
	var lost []int
	v.Cov, lost = s.covariance(r.full, r.replicates)
	whole, err := settings.Complete(analysis.Estimate{N: v.N, Weighted: v.Weighted, DF: v.DF, Value: math.NaN(), Notes: r.notes}, r.all.kish)
	if err != nil {
		return v, err
	}
	v.Notes = whole.Notes
	for j, x := range r.full {
		p := r.people[j]
		e := analysis.Estimate{Value: x, SE: math.Sqrt(v.Cov.At(j, j)), N: p.n, Weighted: p.weighted, DF: v.DF,
			DEff: math.NaN(), DEffWOR: math.NaN(), Notes: slices.Clone(r.notes)}
		if lost[j] > 0 && p.n > 0 {
			e.Notes = append(e.Notes, analysis.Note{Code: analysis.LostReplicates, Value: float64(lost[j])})
		}
		if len(r.full) > 1 {
			e.DF = s.df(settings, p.seen)
		}
		if p.n == 0 {
			e.DF = math.NaN()
		}
		if v.Estimates[j], err = settings.Complete(e, p.kish); err != nil {
			return v, err
		}
	}
	return v, nil
}

// table estimates a statistic of every group.
func (s *Set) table(groups []sums, all sums, of statistic, settings analysis.Settings, notes []analysis.Note, name func(g int) string) (analysis.Vector, error) {
	r := result{all: all.facts(), notes: notes}
	for g, x := range groups {
		r.names = append(r.names, name(g))
		r.full = append(r.full, of.value(x.full.W, x.full.WY))
		r.replicates = append(r.replicates, x.replicated(of))
		r.people = append(r.people, x.facts())
	}
	v, err := s.vector(r, settings)
	if err != nil {
		return v, err
	}
	for g := range v.Estimates {
		if groups[g].full.N == 0 {
			continue
		}
		e := &v.Estimates[g]
		if of.unit != nil {
			groups[g].effects(e, of.unit(groups[g]))
		}
		if of.share {
			if *e, err = s.share(*e, groups[g], settings, notes); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// effects fills in the design effects: the variance divided by that of a simple random
// sample of as many people (see analysis.Estimate).
func (s sums) effects(e *analysis.Estimate, unit float64) {
	person := unit * unit * s.spread()
	if !(person > 0) {
		return
	}
	n := float64(s.full.N)
	e.DEff = e.SE * e.SE / (person / n)
	if s.full.W > n {
		e.DEffWOR = e.DEff / (1 - n/s.full.W)
	}
}

// sameAnswer is how far Σwy and Σwy² of zeros and ones may lie apart by rounding.
const sameAnswer = 1e-12

// share gives a proportion its interval. That of the method logit replicates the log
// odds themselves (R survey 4.5, svyciprop); the others rest on the variance of the
// proportion.
func (s *Set) share(e analysis.Estimate, x sums, settings analysis.Settings, notes []analysis.Note) (analysis.Estimate, error) {
	if d := math.Abs(x.full.WY - x.full.WY2); d > sameAnswer*x.full.W || x.full.WY < 0 || x.full.WY > x.full.W*(1+sameAnswer) {
		return e, fmt.Errorf("a proportion needs zeros and ones, but Σwy is %v and Σwy² is %v; use Mean", x.full.WY, x.full.WY2)
	}
	settings, err := settings.OrDefault()
	if err != nil {
		return e, err
	}
	lostBefore := slices.DeleteFunc(slices.Clone(e.Notes), func(n analysis.Note) bool { return n.Code != analysis.LostReplicates })
	e.Notes = slices.Clone(notes)
	if settings.Interval == analysis.IntervalLogit && e.Value > sameAnswer && e.Value < 1-sameAnswer && e.SE > sameAnswer {
		odds := func(w, wy float64) float64 { return math.Log(wy / (w - wy)) }
		theta := x.replicated(statistic{value: odds})
		v, lost := s.covariance([]float64{odds(x.full.W, x.full.WY)}, [][]float64{theta})
		if lost[0] > 0 {
			e.Notes = append(e.Notes, analysis.Note{Code: analysis.LostReplicates, Value: float64(lost[0])})
		}
		// The interval of the log odds is that of a proportion whose delta-method error is
		// the replicated one.
		given := e.SE
		e.SE = math.Sqrt(v.At(0, 0)) * e.Value * (1 - e.Value)
		e, err = settings.CompleteProportion(e, x.kish(), x.people, x.weighted)
		e.SE = given
		return e, err
	}
	e.Notes = append(e.Notes, lostBefore...)
	return settings.CompleteProportion(e, x.kish(), x.people, x.weighted)
}

// groupName joins the levels of a group.
func groupName(d analysis.Domain, factors []string) string {
	levels := make([]string, len(factors))
	for i, f := range factors {
		levels[i] = d[f]
	}
	return strings.Join(levels, ",")
}

// crosstab makes a table of two factors of the sums of its pairs of levels.
func (s *Set) crosstab(rows, columns analysis.Factor, pairs []sums, all, domain sums, settings analysis.Settings, notes []analysis.Note) (*analysis.Crosstab, error) {
	t := &analysis.Crosstab{Sample: domain.people}
	k := len(columns.Levels)
	some := func(list []int) bool {
		return slices.ContainsFunc(list, func(g int) bool { return pairs[g].people > 0 })
	}
	var keptRows, keptColumns []int
	for i, name := range rows.Levels {
		var list []int
		for j := range k {
			list = append(list, i*k+j)
		}
		if some(list) {
			keptRows, t.Rows = append(keptRows, i), append(t.Rows, name)
		}
	}
	for j, name := range columns.Levels {
		var list []int
		for i := range rows.Levels {
			list = append(list, i*k+j)
		}
		if some(list) {
			keptColumns, t.Columns = append(keptColumns, j), append(t.Columns, name)
		}
	}
	if len(keptRows) == 0 {
		return nil, fmt.Errorf("nobody in the domain has both a level of %q and one of %q; widen the domain", rows.ID, columns.ID)
	}
	r := result{all: all.facts(), notes: notes}
	for a, i := range keptRows {
		for b, j := range keptColumns {
			x := pairs[i*k+j]
			r.names = append(r.names, t.Rows[a]+","+t.Columns[b])
			r.full, r.replicates = append(r.full, x.full.W), append(r.replicates, x.w)
			// A count of nobody is zero, and so is its error.
			people := x.facts()
			if people.n == 0 {
				people = all.facts()
			}
			r.people = append(r.people, people)
			t.Respondents = append(t.Respondents, x.people)
		}
	}
	var err error
	if t.Counts, err = s.vector(r, settings); err != nil {
		return nil, err
	}
	for g, n := range t.Respondents {
		e := &t.Counts.Estimates[g]
		e.N, e.Weighted = n, t.Counts.Values[g]
	}
	t.Counts.DF = s.df(settings, domain.seen)
	t.ShareCov = s.shareCov(t.Counts, r.replicates)
	return t, nil
}

// shareCov replicates the shares themselves: their spread is not that of the counts by
// the delta method (R survey 4.5, svychisq of replicate designs).
func (s *Set) shareCov(counts analysis.Vector, replicates [][]float64) *mat.SymDense {
	total := make([]float64, s.Replicates())
	for _, theta := range replicates {
		floats.Add(total, theta)
	}
	full, shares := make([]float64, len(replicates)), make([][]float64, len(replicates))
	for j, theta := range replicates {
		full[j] = counts.Values[j] / counts.Weighted
		shares[j] = make([]float64, len(theta))
		floats.DivTo(shares[j], theta, total)
	}
	cov, _ := s.covariance(full, shares)
	return cov
}
