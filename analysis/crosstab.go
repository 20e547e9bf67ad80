package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Crosstab is a table of two factors: how many people of the population have each pair
// of levels. Tests of independence and agreement are functions of it.
type Crosstab struct {
	// Rows and Columns are the levels that somebody in the domain has, together with a
	// level of the other factor.
	Rows, Columns []string
	// Counts are the counts Σw of all pairs with their covariance, row by row; names are
	// the two levels joined by a comma.
	Counts Vector
	// Respondents are the unweighted counts of all pairs, row by row.
	Respondents []int
	// Sample is how many respondents the domain has, those without a level of one of the
	// factors too. Pearson's statistic is that of a sample of so many, as in R.
	Sample int
	// ShareCov is the covariance of the shares of all pairs where it was found in another
	// way than from that of the counts, such as from replicates; nil otherwise.
	ShareCov *mat.SymDense
}

// At is the count of a pair of levels.
func (t *Crosstab) At(row, column int) Estimate { return t.Counts.Estimates[row*len(t.Columns)+column] }

// Crosstab counts the pairs of levels of two factors in a domain, as R's svytable.
// People without a level of one of the factors are not in the table. Levels that nobody
// has are left out. With Cells.Margins the covariance is that of raked weights, and so
// are all tests of the table.
func (c *Cells) Crosstab(rows, columns string, in Domain) (*Crosstab, error) {
	var factors [2]int
	for i, id := range []string{rows, columns} {
		f, err := c.factor(id)
		if err != nil {
			return nil, err
		}
		if _, fixed := in[id]; fixed {
			return nil, fmt.Errorf("factor %q is both fixed by the domain and part of the table; leave it out of one", id)
		}
		factors[i] = f
	}
	if factors[0] == factors[1] {
		return nil, fmt.Errorf("factor %q is both the rows and the columns of the table; name two factors", rows)
	}
	samples, err := c.split(headcount, in, factors[:])
	if err != nil {
		return nil, err
	}
	domain, err := c.fold(headcount, in)
	if err != nil {
		return nil, err
	}
	t := &Crosstab{Sample: domain.all.N}
	kept := t.occurring(samples, c.Factors[factors[0]].Levels, c.Factors[factors[1]].Levels)
	if len(kept) == 0 {
		return nil, fmt.Errorf("nobody in the domain has both a level of %q and one of %q; widen the domain", rows, columns)
	}
	return t, t.count(kept, domain)
}

// Crosstab is Cells.Crosstab straight from two columns, over the rows for which in is
// true, or all when in is nil. It knows the margins of Columns.Calibration, but no
// auxiliary variables: cells cannot hold them.
func (d *Design) Crosstab(rows, columns FactorColumn, in []bool) (*Crosstab, error) {
	if in != nil && len(in) != d.rows {
		return nil, fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), d.rows)
	}
	factors, domain := []FactorColumn{rows, columns}, Domain{}
	if in != nil {
		f := FactorColumn{Factor: Factor{ID: "the domain of the table", Levels: []string{"in"}}, Level: make([]int, d.rows)}
		for i, yes := range in {
			f.Level[i] = btoi(yes) - 1
		}
		factors, domain[f.ID] = append(factors, f), "in"
	}
	c, err := d.Cells(nil, factors)
	if err != nil {
		return nil, err
	}
	return c.Crosstab(rows.ID, columns.ID, domain)
}

// occurring names the rows and columns that have people, and takes their samples.
func (t *Crosstab) occurring(samples []sample, rows, columns []string) []sample {
	row, column := make([]int, len(rows)), make([]int, len(columns))
	for g := range samples {
		row[g/len(columns)] += samples[g].all.N
		column[g%len(columns)] += samples[g].all.N
	}
	var kept []sample
	for i, n := range row {
		if n == 0 {
			continue
		}
		t.Rows = append(t.Rows, rows[i])
		for j, m := range column {
			if m > 0 {
				kept = append(kept, samples[i*len(columns)+j])
			}
		}
	}
	for j, m := range column {
		if m > 0 {
			t.Columns = append(t.Columns, columns[j])
		}
	}
	return kept
}

// count fills in the counts with their covariance. domain are all people of it, with
// both levels or without.
func (t *Crosstab) count(cells []sample, domain sample) error {
	k := len(cells)
	z := newGrid(len(domain.sums), k)
	total := sample{settings: domain.settings}
	v := &t.Counts
	for j := range cells {
		s := &cells[j]
		total.all = total.all.add(s.all)
		v.Names = append(v.Names, t.Rows[j/len(t.Columns)]+","+t.Columns[j%len(t.Columns)])
		v.Values = append(v.Values, s.all.W)
		t.Respondents = append(t.Respondents, s.all.N)
		for leaf, w := range s.totals() {
			z.row(leaf)[j] = w
		}
	}
	l := domain.layout
	cov, known, err := l.covariance(z.leafSums(), l.byPSU(domain.rows), domain.settings)
	if err != nil {
		return err
	}
	e := missingEstimate(domain.settings.Level)
	e.N, e.Weighted, e.DF = total.all.N, total.all.W, known.df
	e.Notes = append(slices.Clone(domain.notes), total.facts(e, known)...)
	v.Cov, v.DF, v.Level, v.N, v.Weighted, v.Notes = cov, e.DF, e.Level, e.N, e.Weighted, e.Notes
	v.Estimates = make([]Estimate, k)
	for j := range cells {
		one := e.at(v.Values[j], math.Sqrt(cov.At(j, j)))
		one.N, one.Weighted = cells[j].all.N, cells[j].all.W
		one.setEffects(v.Weighted*v.Weighted*shareSpread(v.Values[j]/v.Weighted, v.N), v.N, v.Weighted)
		if one.N == 0 {
			one.Notes = append(one.Notes, Note{Code: Empty})
		}
		v.Estimates[j] = one
	}
	return nil
}

// shareSpread is the variance S² of an indicator with mean p among n people.
func shareSpread(p float64, n int) float64 { return float64(n) / float64(n-1) * p * (1 - p) }

// totals are Σw of each leaf, or the residuals on the margins of raked weights.
func (s *sample) totals() []float64 {
	weight := func(x, _ Sum) float64 { return x.W }
	z := scores(s.sums, s.sums, weight)
	if s.calibration != nil {
		z = s.calibration.residuals(z, scores(s.crossings, s.crossings, weight))
	}
	return z
}

// margins are the shares of the rows and of the columns.
func (t *Crosstab) margins() (row, column []float64) {
	row, column = make([]float64, len(t.Rows)), make([]float64, len(t.Columns))
	for i := range row {
		for j := range column {
			p := t.share(i, j)
			row[i] += p
			column[j] += p
		}
	}
	return row, column
}

// share is the share of a pair of levels in the table.
func (t *Crosstab) share(i, j int) float64 {
	return t.Counts.Values[i*len(t.Columns)+j] / t.Counts.Weighted
}

// Kappa is Cohen's (1960) agreement of two factors beyond chance, with the delta
// method's standard error, as R's svykappa:
//
//	κ = (Σ p_ii − Σ p_i. p_.i)/(1 − Σ p_i. p_.i)
//
// Both factors must have the same levels, in the same order; ones that nobody has are
// left out of both.
func (t *Crosstab) Kappa() (Estimate, error) {
	if !slices.Equal(t.Rows, t.Columns) {
		return Estimate{}, fmt.Errorf("agreement needs the same levels in both factors, but the rows have %v and the columns %v; rename or merge levels", t.Rows, t.Columns)
	}
	if len(t.Rows) < 2 {
		return Estimate{}, errors.New("everybody has the same level, so there is no agreement beyond chance to speak of; choose another domain")
	}
	k := len(t.Rows)
	return t.Counts.Function(func(counts []Dual) Dual {
		row, column, n := t.dualMargins(counts)
		observed, chance := Constant(0), Constant(0)
		for i := range k {
			observed = observed.Plus(counts[i*k+i].Over(n))
			chance = chance.Plus(row[i].Times(column[i]).Over(n.Times(n)))
		}
		return observed.Minus(chance).Over(Constant(1).Minus(chance))
	})
}

// dualMargins are the totals of rows, of columns and of all.
func (t *Crosstab) dualMargins(counts []Dual) (row, column []Dual, all Dual) {
	row, column, all = make([]Dual, len(t.Rows)), make([]Dual, len(t.Columns)), Constant(0)
	for i := range row {
		for j := range column {
			c := counts[i*len(column)+j]
			row[i], column[j], all = row[i].Plus(c), column[j].Plus(c), all.Plus(c)
		}
	}
	return row, column, all
}

// shareCovariance is the covariance of the shares of all pairs: with N = Σ counts,
// ∂p_a/∂T_b = (1[a = b] − p_a)/N.
func (t *Crosstab) shareCovariance() *mat.SymDense {
	if t.ShareCov != nil {
		return t.ShareCov
	}
	k, n := len(t.Counts.Values), t.Counts.Weighted
	jacobian := mat.NewDense(k, k, nil)
	for a, x := range t.Counts.Values {
		for b := range k {
			jacobian.Set(a, b, (float64(btoi(a == b))-x/n)/n)
		}
	}
	return sandwich(jacobian, t.Counts.Cov)
}

// sandwich is J V J′.
func sandwich(j mat.Matrix, v *mat.SymDense) *mat.SymDense {
	var half, product mat.Dense
	half.Mul(j, v)
	product.Mul(&half, j.T())
	k, _ := product.Dims()
	s := mat.NewSymDense(k, nil)
	for a := range k {
		for b := a; b < k; b++ {
			s.SetSym(a, b, (product.At(a, b)+product.At(b, a))/2)
		}
	}
	return s
}
