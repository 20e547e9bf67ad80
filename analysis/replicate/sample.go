package replicate

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// Sample is a design with replicates, for what cells cannot hold. It works with the
// weights of one replicate at a time.
type Sample struct {
	design *analysis.Design
	set    *Set
	unit   []int // of each row
	weight []float64
	adjust []Adjustment
	full   []float64 // after the adjustments
}

// An Adjustment turns weights, one for each row, into others, such as calibrated ones. It
// must not keep or change those it is given, and may be called from several goroutines at
// once.
type Adjustment func(weights []float64) ([]float64, error)

// On puts the replicates on the design that they were made from.
func (s *Set) On(d *analysis.Design) (*Sample, error) {
	selection, err := d.Selection()
	if err != nil {
		return nil, fmt.Errorf("replicates: %w", err)
	}
	x := &Sample{design: d, set: s, weight: d.Weights()}
	x.full = x.weight
	if s.ByRow() {
		if s.Units() != d.Rows() {
			return nil, fmt.Errorf("the replicates are of %d rows, but the design has %d; import those of this sample", s.Units(), d.Rows())
		}
		for row, w := range x.weight {
			x.unit = append(x.unit, row)
			if w == 0 {
				x.unit[row] = -1
			}
		}
		return x, nil
	}
	if s.Units() != selection.Units() {
		return nil, fmt.Errorf("the replicates are of %d units, but the design has %d; make them from the same sample", s.Units(), selection.Units())
	}
	x.unit = d.Units()
	return x, nil
}

// Set is the replicates.
func (x *Sample) Set() *Set { return x.set }

// Adjust is the sample with the weights of the full sample and of every replicate
// adjusted, after the adjustments before. An error in a replicate is an error of the
// estimate, and names it.
func (x *Sample) Adjust(a Adjustment) (*Sample, error) {
	other := *x
	other.adjust = append(slices.Clone(x.adjust), a)
	var err error
	if other.full, err = a(slices.Clone(x.full)); err != nil {
		return nil, err
	}
	if len(other.full) != len(x.full) {
		return nil, fmt.Errorf("the adjustment gave %d weights for %d rows; it must give one for each", len(other.full), len(x.full))
	}
	return &other, nil
}

// Rake is Adjust with weighting.Rake. Cells.Rake is the fast way to the same. A replicate
// that does not reach the margins is an error.
func (x *Sample) Rake(margins []weighting.Margin, s weighting.Settings) (*Sample, error) {
	return x.Adjust(func(w []float64) ([]float64, error) {
		raked, step, err := weighting.Rake(w, margins, s)
		if err == nil && !step.Converged {
			err = fmt.Errorf("raking stopped %v from the margins after %d rounds; merge levels or allow more rounds", step.Rounds[len(step.Rounds)-1], len(step.Rounds))
		}
		return raked, err
	})
}

// FullWeights are the weights of the full sample, by row, after the adjustments.
func (x *Sample) FullWeights() []float64 { return slices.Clone(x.full) }

// Weights are those of one replicate, by row, after the adjustments. To write them all,
// ask for one after the other.
func (x *Sample) Weights(r int) ([]float64, error) {
	m, err := x.set.Multipliers(r)
	if err != nil {
		return nil, err
	}
	w := slices.Clone(x.weight)
	for row, u := range x.unit {
		if u >= 0 {
			w[row] *= m[u]
		}
	}
	for _, a := range x.adjust {
		if w, err = a(w); err != nil {
			return nil, fmt.Errorf("replicate %d: %w", r, err)
		}
	}
	return w, nil
}

// at are the weights of the full sample for 0, and of replicate i−1 for i.
func (x *Sample) at(i int) ([]float64, error) {
	if i == 0 {
		return x.full, nil
	}
	return x.Weights(i - 1)
}

// people are the facts of the rows of a domain that have all the values.
func (x *Sample) people(in []bool, columns ...[]float64) (facts, error) {
	if in != nil && len(in) != len(x.full) {
		return facts{}, fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), len(x.full))
	}
	for _, y := range columns {
		if len(y) != len(x.full) {
			return facts{}, fmt.Errorf("a variable has %d values for %d rows of the design; give one for each row, NaN for missing", len(y), len(x.full))
		}
	}
	f := facts{seen: make([]bool, x.set.Units())}
	var w2 float64
	for row, w := range x.full {
		if !(w > 0) || in != nil && !in[row] || slices.ContainsFunc(columns, func(y []float64) bool { return math.IsNaN(y[row]) }) {
			continue
		}
		f.n++
		f.weighted += w
		w2 += w * w
		f.seen[x.unit[row]] = true
	}
	f.kish = float64(f.n) * w2 / (f.weighted * f.weighted)
	return f, nil
}

// Estimate estimates any statistic of a design: f gets the design with the weights of the
// full sample, then of every replicate, and returns one value for each name, NaN where
// it does not exist in a replicate. in and the columns say whose facts the estimates
// carry: the rows of the domain that have all the values. f may be called from several
// goroutines at once.
func (x *Sample) Estimate(names []string, in []bool, columns [][]float64, f func(d *analysis.Design) ([]float64, error)) (analysis.Vector, error) {
	people, err := x.people(in, columns...)
	if err != nil {
		return analysis.Vector{}, err
	}
	return x.evaluate(result{names: names, all: people}, f)
}

// evaluate estimates a statistic of people that are known.
func (x *Sample) evaluate(r result, f func(d *analysis.Design) ([]float64, error)) (analysis.Vector, error) {
	settings, err := x.design.Settings()
	if err != nil {
		return analysis.Vector{}, err
	}
	// The standard errors of f are of no use, so that no rule for lone PSUs matters.
	quiet := settings
	quiet.LonePSU = analysis.LoneCertainty
	err = r.evaluate(func(i int) ([]float64, error) {
		w, err := x.at(i)
		if err != nil {
			return nil, err
		}
		d, err := x.design.Reweighted(w)
		if err != nil {
			return nil, err
		}
		return f(d.WithSettings(quiet))
	}, x.set.Replicates())
	if err != nil {
		return analysis.Vector{}, err
	}
	return x.set.vector(r, settings)
}

// Quantiles estimates quantiles with the spread of the quantiles of the replicates. For
// a jackknife that is no valid variance: use Quantile, which is right for all methods.
func (x *Sample) Quantiles(y []float64, in []bool, q analysis.QuantileSettings, p ...float64) (analysis.Vector, error) {
	names := make([]string, len(p))
	for i, share := range p {
		names[i] = fmt.Sprint(share)
	}
	return x.Estimate(names, in, [][]float64{y}, func(d *analysis.Design) ([]float64, error) {
		e, err := d.Quantile(y, in, q, p...)
		return values(e), err
	})
}

func values(e []analysis.Estimate) []float64 {
	v := make([]float64, len(e))
	for i := range e {
		v[i] = e[i].Value
	}
	return v
}

// Quantile estimates a quantile with Woodruff's interval: that of the share F(q), whose
// standard error is the replicates', turned into values by the rule of the estimate. SE
// is its length divided by 2t; a bound is NaN where the interval of F leaves 0 to 1
// (R survey 4.5, svyquantile).
func (x *Sample) Quantile(y []float64, in []bool, q analysis.QuantileSettings, p float64) (analysis.Estimate, error) {
	full, err := x.design.Reweighted(x.full)
	if err != nil {
		return analysis.Estimate{}, err
	}
	at, err := full.Quantile(y, in, q, p)
	if err != nil {
		return analysis.Estimate{}, err
	}
	below := make([]float64, len(y))
	for row, v := range y {
		below[row] = v // NaN stays
		if !math.IsNaN(v) {
			below[row] = 0
			if v <= at[0].Value {
				below[row] = 1
			}
		}
	}
	settings, err := x.design.Settings()
	if err != nil {
		return analysis.Estimate{}, err
	}
	settings.Interval = analysis.IntervalMean
	if q.Interval != "" {
		settings.Interval = analysis.ProportionInterval(q.Interval)
	}
	share, err := x.group(below, in, shareOf, settings)
	if err != nil || share.N == 0 {
		return share, err
	}
	e := share
	e.Value, e.DEff, e.DEffWOR = at[0].Value, math.NaN(), math.NaN()
	for _, bound := range []*float64{&e.Lo, &e.Hi} {
		reached := *bound
		*bound = math.NaN()
		if reached >= 0 && reached <= 1 {
			v, err := full.Quantile(y, in, q, reached)
			if err != nil {
				return e, err
			}
			*bound = v[0].Value
		}
	}
	e.SE = (e.Hi - e.Lo) / (2 * tOf(settings, share))
	return e, nil
}

// tOf is the quantile of Student's t of an estimate, from an interval of known length.
func tOf(settings analysis.Settings, e analysis.Estimate) float64 {
	unit, err := settings.Complete(analysis.Estimate{N: e.N, Weighted: e.Weighted, DF: e.DF, SE: 1}, 1)
	if err != nil {
		return math.NaN()
	}
	return unit.Hi
}

// Fit fits a model with replicated covariance of the coefficients: the model is fitted
// again with the weights of every replicate (R survey 4.5, svyglm). DF is DesignDF − k +
// 1 for k coefficients.
func (x *Sample) Fit(m analysis.Model, in []bool) (*analysis.Fit, error) {
	design, err := x.design.Reweighted(x.full)
	if err != nil {
		return nil, err
	}
	fit, err := design.Fit(m, in)
	if err != nil {
		return nil, err
	}
	settings, err := x.design.Settings()
	if err != nil {
		return nil, err
	}
	people, err := x.people(in)
	if err != nil {
		return nil, err
	}
	designDF := x.set.df(settings, people.seen)
	people.n, people.weighted = fit.N, fit.Weighted
	settings.FixedDF = designDF - float64(len(fit.Values)-1)
	if !(settings.FixedDF > 0) {
		return nil, fmt.Errorf("the model has %d coefficients for %v degrees of freedom of the replicates; use fewer terms", len(fit.Values), designDF)
	}
	y := *x
	y.design = x.design.WithSettings(settings)
	v, err := y.evaluate(result{names: fit.Names, all: people}, func(d *analysis.Design) ([]float64, error) {
		again, err := d.Fit(m, in)
		if err != nil {
			return nil, err
		}
		return again.Values, nil
	})
	if err != nil {
		return nil, err
	}
	replicated := *fit
	replicated.Vector, replicated.DesignDF = v, designDF
	return &replicated, nil
}
