package analysis

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// Table is the estimates of every crossing of some factors with their full
// covariance: groups that share PSUs are not independent, and differences between
// them, or between waves, need to know. Groups are in the order of the levels, the
// last factor fastest, empty crossings too; the Vector has them in the same order.
type Table struct {
	Vector
	Groups []Group
}

// newTableOf names the groups of a vector.
func newTableOf(v Vector, domains []Domain) Table {
	t := Table{Vector: v, Groups: make([]Group, len(domains))}
	for g := range domains {
		t.Groups[g] = Group{Domain: domains[g], Estimate: v.Estimates[g]}
	}
	return t
}

// MeanTable is MeanBy with the covariance of the groups: Cov_gh is that of Σz_g and
// Σz_h with z_g = Σ_psu 1[g]·w(y − ȳ_g)/W_g (as R's svyby with covmat=TRUE).
func (c *Cells) MeanTable(variable string, in Domain, factors ...string) (Table, error) {
	return c.table(variable, in, factors, sample.mean, meanScore)
}

// ProportionTable is ProportionBy with the covariance of the groups.
func (c *Cells) ProportionTable(variable string, in Domain, factors ...string) (Table, error) {
	return c.table(variable, in, factors, sample.proportion, meanScore)
}

// TotalTable is TotalBy with the covariance of the groups.
func (c *Cells) TotalTable(variable string, in Domain, factors ...string) (Table, error) {
	return c.table(variable, in, factors, sample.total, totalScore)
}

// A scorer gives the score of an estimate: the linearised total of some people of the
// group as a linear function of their sums.
type scorer func(all Sum) func(Sum) float64

func meanScore(all Sum) func(Sum) float64 {
	mean := all.WY / all.W
	return func(x Sum) float64 { return (x.WY - mean*x.W) / all.W }
}

func totalScore(Sum) func(Sum) float64 {
	return func(x Sum) float64 { return x.WY }
}

// table estimates for every crossing, with covariance.
func (c *Cells) table(variable string, in Domain, ids []string, estimate func(sample) (Estimate, error), score scorer) (Table, error) {
	v, err := c.variable(variable)
	if err != nil {
		return Table{}, err
	}
	factors, err := c.crossedFactors(in, ids)
	if err != nil {
		return Table{}, err
	}
	samples, err := c.split(v, in, factors)
	if err != nil {
		return Table{}, err
	}
	b := newBundle(samples)
	domains := make([]Domain, len(samples))
	for g, s := range samples {
		domains[g] = c.domainOf(g, factors, in)
		e, err := estimate(s)
		if err != nil {
			return Table{}, fmt.Errorf("variable %q: %w", variable, err)
		}
		b.set(g, nameOf(domains[g], ids), e, score(s.all))
	}
	vector, err := b.vector()
	if err != nil {
		return Table{}, err
	}
	return newTableOf(vector, domains), nil
}

// crossedFactors finds the factors of a table.
func (c *Cells) crossedFactors(in Domain, ids []string) ([]int, error) {
	factors := make([]int, len(ids))
	for i, id := range ids {
		var err error
		if factors[i], err = c.factor(id); err != nil {
			return nil, err
		}
		if _, fixed := in[id]; fixed {
			return nil, fmt.Errorf("factor %q is both fixed by the domain and asked for by level; leave it out of one", id)
		}
		if len(c.Factors[factors[i]].Levels) == 0 {
			return nil, fmt.Errorf("factor %q has no levels; name those it can have", id)
		}
	}
	return factors, nil
}

// nameOf joins the levels of a group.
func nameOf(d Domain, ids []string) string {
	levels := make([]string, len(ids))
	for i, id := range ids {
		levels[i] = d[id]
	}
	return strings.Join(levels, ",")
}

// bundle makes the vector of samples that lie apart in the same PSUs.
type bundle struct {
	samples   []sample
	names     []string
	estimates []Estimate
	z         grid // linearised totals of each PSU, by sample
}

func newBundle(samples []sample) *bundle {
	k := len(samples)
	return &bundle{samples: samples, names: make([]string, k), estimates: make([]Estimate, k),
		z: newGrid(len(samples[0].sums), k)}
}

// set fills in sample g.
func (b *bundle) set(g int, name string, e Estimate, score func(Sum) float64) {
	b.names[g], b.estimates[g] = name, e
	s := b.samples[g]
	if s.all.N == 0 {
		return
	}
	one := func(x, _ Sum) float64 { return score(x) }
	z := scores(s.sums, s.sums, one)
	if s.calibration != nil {
		z = s.calibration.residuals(z, scores(s.crossings, s.crossings, one))
	}
	for i, x := range z {
		b.z.x[i*b.z.columns+g] = x
	}
}

// vector completes the covariance.
func (b *bundle) vector() (Vector, error) {
	s := b.samples[0]
	seen := make([]int, len(s.rows))
	v := Vector{Names: b.names, Estimates: b.estimates, Values: make([]float64, len(b.names)), Level: s.settings.Level}
	for g, t := range b.samples {
		v.Values[g] = b.estimates[g].Value
		v.N += t.all.N
		v.Weighted += t.all.W
		for i, n := range t.rows {
			seen[i] += n
		}
	}
	cov, f, err := s.layout.covariance(b.z.leafSums(), s.layout.byPSU(seen), s.settings)
	if err != nil {
		return Vector{}, err
	}
	v.DF = f.df
	v.complete(cov)
	all := sample{settings: s.settings, all: Sum{N: v.N, W: v.Weighted}}
	for _, t := range b.samples {
		all.all.W2 += t.all.W2
	}
	v.Notes = append(append([]Note(nil), s.notes...), all.facts(Estimate{N: v.N, DF: v.DF}, f)...)
	return v, nil
}

// complete takes the covariance; the rows of values that do not exist are NaN.
func (v *Vector) complete(cov *mat.SymDense) {
	for i, x := range v.Values {
		if math.IsNaN(x) {
			for j := range v.Values {
				cov.SetSym(i, j, math.NaN())
			}
		}
	}
	v.Cov = cov
}
