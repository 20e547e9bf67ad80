package analysis

import (
	"fmt"
	"math"
)

// Mean estimates ȳ = Σwy/Σw over the people of the domain who have a value. The
// standard error is linearised, z = Σ_psu w(y − ȳ)/Σw; the interval is ȳ ± t·SE, as
// R's svymean.
func (c *Cells) Mean(variable string, in Domain) (Estimate, error) {
	return c.one(variable, in, sample.mean)
}

// Proportion is the mean of a variable of zeros and ones, with an interval made on
// the scale of log odds (R's svyciprop, method xlogit). When everybody gave the same
// answer the interval is Clopper and Pearson's, and the estimate carries NoVariation.
func (c *Cells) Proportion(variable string, in Domain) (Estimate, error) {
	return c.one(variable, in, sample.proportion)
}

// Total estimates Σwy over the people of the domain who have a value, with
// z = Σ_psu wy and the interval ± t·SE, as R's svytotal.
func (c *Cells) Total(variable string, in Domain) (Estimate, error) {
	return c.one(variable, in, sample.total)
}

// Size estimates how many people of the population are in the domain: Σw.
func (c *Cells) Size(in Domain) (Estimate, error) {
	s, err := c.fold(headcount, in)
	if err != nil {
		return Estimate{}, err
	}
	return s.total()
}

// Ratio estimates R = Σwy/Σwx over the people of the domain. The standard error is
// linearised, z = Σ_psu w(y − Rx)/Σwx, as R's svyratio. Cells know each variable by
// itself, so both must be missing for the same people. DEff is NaN.
func (c *Cells) Ratio(numerator, denominator string, in Domain) (Estimate, error) {
	y, err := c.variable(numerator)
	if err != nil {
		return Estimate{}, err
	}
	x, err := c.variable(denominator)
	if err != nil {
		return Estimate{}, err
	}
	s, err := c.fold(y, in)
	if err != nil {
		return Estimate{}, err
	}
	t, err := c.fold(x, in)
	if err != nil {
		return Estimate{}, err
	}
	e, err := s.ratio(t)
	if err != nil {
		return Estimate{}, fmt.Errorf("ratio of %q to %q: %w", numerator, denominator, err)
	}
	return e, nil
}

// Group is the estimate for one class of people.
type Group struct {
	// Domain selects the class: the domain asked for and the levels of the factors.
	Domain   Domain
	Estimate Estimate
}

// MeanBy gives Mean for every crossing of the levels of the factors within the
// domain: in the order of the levels, the last factor fastest, empty crossings too.
func (c *Cells) MeanBy(variable string, in Domain, factors ...string) ([]Group, error) {
	return c.by(variable, in, factors, sample.mean)
}

// ProportionBy gives Proportion for every crossing, as MeanBy.
func (c *Cells) ProportionBy(variable string, in Domain, factors ...string) ([]Group, error) {
	return c.by(variable, in, factors, sample.proportion)
}

// TotalBy gives Total for every crossing, as MeanBy.
func (c *Cells) TotalBy(variable string, in Domain, factors ...string) ([]Group, error) {
	return c.by(variable, in, factors, sample.total)
}

// one folds a variable over a domain and estimates.
func (c *Cells) one(variable string, in Domain, estimate func(sample) (Estimate, error)) (Estimate, error) {
	v, err := c.variable(variable)
	if err != nil {
		return Estimate{}, err
	}
	s, err := c.fold(v, in)
	if err != nil {
		return Estimate{}, err
	}
	e, err := estimate(s)
	if err != nil {
		return Estimate{}, fmt.Errorf("variable %q: %w", variable, err)
	}
	return e, nil
}

// sample is what an estimate is made of: the sums of one variable over the people of
// a domain, leaf by leaf of the layout (PSU by PSU in one stage).
type sample struct {
	layout   *layout
	settings Settings
	notes    []Note
	rows     []int   // people of the domain in each leaf, with or without a value
	sums     []Sum   // of each leaf
	all      Sum     // over the PSUs
	weighted float64 // Σw of the people of the domain, with a value or without
	// calibration is set when the weights were raked, and crossings then has the sums
	// of each crossing of the margins.
	calibration *calibration
	crossings   []Sum
	// personal is set when the weights of a design were calibrated and there are no
	// cells: it gives the residuals of a score by leaf.
	personal func(score func(Sum) float64) []float64
}

// newSample makes a sample with nobody in it.
func newSample(l *layout, s Settings, notes []Note, k *calibration) sample {
	n := l.leaves()
	p := sample{layout: l, settings: s, notes: notes, rows: make([]int, n), sums: make([]Sum, n), calibration: k}
	if k != nil {
		p.crossings = make([]Sum, len(k.columns))
	}
	return p
}

// addUp completes the sample when all PSUs are in.
func (s *sample) addUp() {
	for _, x := range s.sums {
		s.all = s.all.add(x)
	}
}

// people counts those of the domain, with a value or without.
func (s sample) people() int {
	n := 0
	for _, m := range s.rows {
		n += m
	}
	return n
}

func (s sample) mean() (Estimate, error) {
	value := s.all.WY / s.all.W
	e, err := s.linearised(value, func(x Sum) float64 { return (x.WY - value*x.W) / s.all.W })
	if err != nil || s.all.N == 0 {
		return e, err
	}
	e.setEffects(s.spread(), s.all.N, s.all.W)
	e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
	return s.judged(e, relativeWidth(e), s.settings.WideRelative), nil
}

func (s sample) proportion() (Estimate, error) {
	if err := s.all.checkShare(); err != nil {
		return Estimate{}, err
	}
	value := s.all.WY / s.all.W
	score := func(x Sum) float64 { return (x.WY - value*x.W) / s.all.W }
	e, err := s.linearised(value, score)
	if err != nil || s.all.N == 0 {
		return e, err
	}
	e.setEffects(s.spread(), s.all.N, s.all.W)
	return s.settings.proportion(e, e.t(), s.people(), s.weighted), nil
}

func (s sample) total() (Estimate, error) {
	e, err := s.linearised(s.all.WY, func(x Sum) float64 { return x.WY })
	if err != nil || s.all.N == 0 {
		return e, err
	}
	e.setEffects(s.all.W*s.all.W*s.spread(), s.all.N, s.all.W)
	e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
	return s.judged(e, relativeWidth(e), s.settings.WideRelative), nil
}

// ratio divides the totals of s by those of t, the same people's other variable.
func (s sample) ratio(t sample) (Estimate, error) {
	if s.all.N != t.all.N || math.Abs(s.all.W-t.all.W) > 1e-9*s.all.W {
		return Estimate{}, fmt.Errorf("%d people have the first and %d the second; make both missing for the same people", s.all.N, t.all.N)
	}
	if t.all.N > 0 && t.all.WY == 0 {
		return Estimate{}, fmt.Errorf("the total of the second is zero; choose another domain")
	}
	value := s.all.WY / t.all.WY
	score := func(y, x Sum) float64 { return (y.WY - value*x.WY) / t.all.WY }
	e, err := s.withVariance(value, scores(s.sums, t.sums, score), scores(s.crossings, t.crossings, score))
	if err != nil || s.all.N == 0 {
		return e, err
	}
	e.Lo, e.Hi = wald(e.Value, e.SE, e.Level, e.DF)
	return s.judged(e, relativeWidth(e), s.settings.WideRelative), nil
}

// linearised completes an estimate from its value and its score: the linearised total
// of some people, a linear function of their sums.
func (s sample) linearised(value float64, score func(Sum) float64) (Estimate, error) {
	if s.personal != nil && s.all.N > 0 {
		return s.withVariance(value, s.personal(score), nil)
	}
	one := func(x, _ Sum) float64 { return score(x) }
	return s.withVariance(value, scores(s.sums, s.sums, one), scores(s.crossings, s.crossings, one))
}

// scores applies a score to the sums of two variables, group by group.
func scores(y, x []Sum, score func(y, x Sum) float64) []float64 {
	z := make([]float64, len(y))
	for i := range z {
		z[i] = score(y[i], x[i])
	}
	return z
}

// withVariance makes the estimate with its standard error, degrees of freedom and
// the notes known by then, from the scores of PSUs and of crossings of the margins.
func (s sample) withVariance(value float64, z, byCrossing []float64) (Estimate, error) {
	e := missingEstimate(s.settings.Level)
	e.N, e.Weighted, e.Notes = s.all.N, s.all.W, append([]Note(nil), s.notes...)
	if e.N == 0 {
		e.Notes = append(e.Notes, Note{Code: Empty})
		return e, nil
	}
	if s.calibration != nil {
		z = s.calibration.residuals(z, byCrossing)
	}
	seen := s.layout.byPSU(s.rows)
	v, known, err := s.layout.covariance(grid{len(z), 1, z}.leafSums(), seen, s.settings)
	if err != nil {
		return Estimate{}, err
	}
	if !isFinite(value) || !isFinite(s.all.W) || !isFinite(v.At(0, 0)) {
		return Estimate{}, fmt.Errorf("the estimate is %v with a variance of %v: a sum is infinite, missing or too large to square; correct it, or choose a larger unit", value, v.At(0, 0))
	}
	e.Value, e.SE, e.DF = value, math.Sqrt(v.At(0, 0)), known.df
	e.Notes = append(e.Notes, s.facts(e, known)...)
	return e, nil
}

// spread is the weighted variance of the variable among the people of the domain,
// S² = n/(n−1) · Σw(y − ȳ)²/Σw, as R's svyvar. It is NaN when the values are so alike
// that the difference of sums it is made of holds little but rounding.
func (s sample) spread() float64 {
	n, mean := float64(s.all.N), s.all.WY/s.all.W
	square := s.all.WY2 / s.all.W
	if v := square - mean*mean; v > sameValue*square {
		return n / (n - 1) * v
	}
	return math.NaN()
}

// sameValue is the variance of a variable, relative to its mean square, below which
// rounding has eaten it: four digits are left where it begins.
const sameValue = 1e-12
