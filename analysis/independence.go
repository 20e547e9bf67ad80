package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// TableTest says which test of independence is made.
type TableTest string

// The tests of independence in a table. With X² = n Σ (p_ij − p_i.p_.j)²/(p_i.p_.j), ν the
// degrees of freedom of the design, k = (rows−1)(columns−1), and λ the k weights of the
// sum of chi-squares that X² is distributed as under the design (Rao and Scott 1984):
//
//   - RaoScottF is X²/Σλ, an F on d = (Σλ)²/Σλ² and d·ν degrees of freedom (second
//     order; Thomas and Rao 1987), the usual choice;
//   - RaoScottChiSquare is X²/λ̄, a chi-square on k (first order; Rao and Scott 1981);
//   - WeightedChiSquares has the distribution itself, Σλχ²/(χ²_dν/dν), exact however
//     far out (Lumley and Scott 2014);
//   - Saddlepoint approximates it as R does;
//   - WaldF is Y′V⁻¹Y/k of the residuals Y = T_ij − T_i.T_.j/N with their covariance V,
//     an F on k and ν (Koch, Freeman and Freeman 1975);
//   - AdjustedWaldF is WaldF·(ν−k+1)/ν on k and ν−k+1, for few PSUs (Thomas and Rao 1987);
//   - LikelihoodRatioF is RaoScottF with G² = 2n Σ p_ij log(p_ij/(p_i.p_.j)) in place of X².
const (
	RaoScottF          TableTest = "rao-scott-f"
	RaoScottChiSquare  TableTest = "rao-scott-chi-square"
	WeightedChiSquares TableTest = "weighted-chi-squares"
	Saddlepoint        TableTest = "saddlepoint"
	WaldF              TableTest = "wald"
	AdjustedWaldF      TableTest = "adjusted-wald"
	LikelihoodRatioF   TableTest = "likelihood-ratio-f"
)

// tableTests are all, in the order of the documentation.
var tableTests = []TableTest{RaoScottF, RaoScottChiSquare, WeightedChiSquares, Saddlepoint, WaldF, AdjustedWaldF, LikelihoodRatioF}

// Independence tests whether the two factors of the table have nothing to do with each
// other, as R's svychisq. An empty method is RaoScottF.
func (t *Crosstab) Independence(method TableTest) (Test, error) {
	method = orElse(method, RaoScottF)
	if !slices.Contains(tableTests, method) {
		return Test{}, fmt.Errorf("there is no test of independence %q; use one of %v", method, tableTests)
	}
	if len(t.Rows) < 2 || len(t.Columns) < 2 {
		return Test{}, fmt.Errorf("the table has %d rows and %d columns with people; independence needs two of each, widen the domain", len(t.Rows), len(t.Columns))
	}
	if !(t.Counts.DF > 0) {
		return Test{}, fmt.Errorf("the people of the table have %v degrees of freedom, PSUs less strata; a test needs more than 0", t.Counts.DF)
	}
	test := Test{Method: string(method), ChiSquare: math.NaN(), N: t.Counts.N, Notes: slices.Clone(t.Counts.Notes)}
	fill := t.raoScott
	if method == WaldF || method == AdjustedWaldF {
		fill = t.wald
	}
	if err := fill(&test, method); err != nil {
		return Test{}, err
	}
	return test, nil
}

// raoScott fills in the tests with a corrected chi-square.
func (t *Crosstab) raoScott(test *Test, method TableTest) error {
	var err error
	if test.Weights, err = t.effects(); err != nil {
		return err
	}
	test.ChiSquare = t.pearson()
	if method == LikelihoodRatioF {
		test.ChiSquare = t.likelihoodRatio()
	}
	nu, k := t.Counts.DF, float64(len(test.Weights))
	f, d, _ := twoMoments(test.Weights, test.ChiSquare, math.Inf(1))
	test.Statistic, test.DF1, test.DF2 = f, d, d*nu
	switch method {
	case RaoScottChiSquare:
		test.Statistic, test.DF1, test.DF2 = f*k, k, math.Inf(1)
		test.P = fTail(f, k, test.DF2)
	case WeightedChiSquares:
		test.P = newChiSquareSum(test.Weights, d*nu).tail(test.ChiSquare)
	case Saddlepoint:
		test.P = newChiSquareSum(test.Weights, d*nu).saddlepoint(test.ChiSquare)
	default:
		test.P = fTail(f, d, d*nu)
	}
	return nil
}

// pearson is X² of a simple sample of as many people.
func (t *Crosstab) pearson() float64 {
	row, column := t.margins()
	var sum float64
	for i, r := range row {
		for j, c := range column {
			d := t.share(i, j) - r*c
			sum += d * d / (r * c)
		}
	}
	return float64(t.Sample) * sum
}

// likelihoodRatio is G² of a simple sample of as many people.
func (t *Crosstab) likelihoodRatio() float64 {
	row, column := t.margins()
	var sum float64
	for i, r := range row {
		for j, c := range column {
			if p := t.share(i, j); p > 0 {
				sum += p * math.Log(p/(r*c))
			}
		}
	}
	return 2 * float64(t.Sample) * max(sum, 0)
}

// effects are the eigenvalues λ of (C′D⁻¹C/n)⁻¹(C′D⁻¹VD⁻¹C), the largest first: the
// design effects of the contrasts C of the log-linear interaction. V is the covariance
// of the shares and D has the shares themselves on its diagonal (Rao and Scott 1984,
// §3). Any basis of the interactions gives the same; ours is (e_i − e_r)⊗(e_j − e_c).
func (t *Crosstab) effects() ([]float64, error) {
	contrasts := t.contrasts()
	k, cells := contrasts.Dims()
	simple := mat.NewSymDense(cells, nil)
	for a, x := range t.Counts.Values {
		if x > 0 {
			p := x / t.Counts.Weighted
			simple.SetSym(a, a, p/float64(t.Sample))
			for i := range k {
				contrasts.Set(i, a, contrasts.At(i, a)/p)
			}
			continue
		}
		for i := range k {
			contrasts.Set(i, a, 0)
		}
	}
	c, dependent := newCholesky(sandwich(contrasts, simple))
	if dependent >= 0 {
		return nil, errors.New("too many cells of the table are empty to test it as a whole; merge levels")
	}
	return c.eigenvalues(sandwich(contrasts, t.shareCovariance()))
}

// contrasts has one row for each interaction.
func (t *Crosstab) contrasts() *mat.Dense {
	r, c := len(t.Rows)-1, len(t.Columns)-1
	m := mat.NewDense(r*c, (r+1)*(c+1), nil)
	for i := range r {
		for j := range c {
			at := func(row, column int, x float64) { m.Set(i*c+j, row*(c+1)+column, x) }
			at(i, j, 1)
			at(i, c, -1)
			at(r, j, -1)
			at(r, c, 1)
		}
	}
	return m
}

// eigenvalues are those of a⁻¹v, the largest first, through the symmetric L⁻¹vL⁻ᵀ with
// a = LL′.
func (c *cholesky) eigenvalues(v *mat.SymDense) ([]float64, error) {
	half := mat.NewDense(c.k, c.k, nil) // L⁻¹v, then L⁻¹(L⁻¹v)′
	half.Copy(v)
	for range 2 {
		for j := range c.k {
			half.SetCol(j, c.lower(mat.Col(nil, j, half)))
		}
		half.Copy(mat.DenseCopyOf(half.T()))
	}
	s := mat.NewSymDense(c.k, nil)
	for i := range c.k {
		for j := i; j < c.k; j++ {
			s.SetSym(i, j, (half.At(i, j)+half.At(j, i))/2)
		}
	}
	var e mat.EigenSym
	if !e.Factorize(s, false) {
		return nil, errors.New("the design effects of the table did not converge; merge small levels")
	}
	values := e.Values(nil)
	slices.Reverse(values)
	if !(values[0] > 0) {
		return nil, errors.New("the counts of the table have no variance under this design, so there is nothing to test: people are too alike, or every PSU of the population is in the sample; widen the domain")
	}
	for i := range values {
		values[i] = max(values[i], 0)
	}
	return values, nil
}

// lower is L⁻¹b.
func (c *cholesky) lower(b []float64) []float64 {
	x := make([]float64, c.k)
	for i := range x {
		x[i] = b[i] / c.scale[i]
		for j := range i {
			x[i] -= c.l[i*c.k+j] * x[j]
		}
		x[i] /= c.l[i*c.k+i]
	}
	return x
}

// wald fills in the tests of the residuals.
func (t *Crosstab) wald(test *Test, method TableTest) error {
	y := t.residuals()
	k, nu := len(y), t.Counts.DF
	jacobian := mat.NewDense(k, len(t.Counts.Values), nil)
	values := make([]float64, k)
	for i, r := range y {
		values[i] = r.Value
		jacobian.SetRow(i, r.Gradient)
	}
	c, dependent := newCholesky(sandwich(jacobian, t.Counts.Cov))
	if dependent >= 0 {
		return fmt.Errorf("the covariance of the %d residuals has no inverse: the design has %v degrees of freedom, or cells are empty; use %s or merge levels", k, nu, RaoScottF)
	}
	var chi float64
	for i, x := range c.solve(values) {
		chi += values[i] * x
	}
	test.DF1, test.DF2, test.Statistic = float64(k), nu, chi/float64(k)
	if method == AdjustedWaldF && !math.IsInf(nu, 1) {
		test.DF2 = nu - float64(k) + 1
		test.Statistic *= test.DF2 / nu
		if !(test.DF2 > 0) {
			return fmt.Errorf("%d residuals for %v degrees of freedom of the design; use %s or merge levels", k, nu, RaoScottF)
		}
	}
	test.P = fTail(test.Statistic, test.DF1, test.DF2)
	return nil
}

// residuals are T_ij − T_i.T_.j/N without the last row and column, which follow.
func (t *Crosstab) residuals() []Dual {
	counts := duals(t.Counts.Values)
	row, column, n := t.dualMargins(counts)
	var y []Dual
	for i := range row[1:] {
		for j := range column[1:] {
			y = append(y, counts[i*len(column)+j].Minus(row[i].Times(column[j]).Over(n)))
		}
	}
	return y
}

// GoodnessOfFit tests whether the counts of a vector, such as Design.CountVector gives,
// are in the proportions p, which need not add up to 1. With E_i = p_i·ΣT,
// X² = Σ (T_i − E_i)²/E_i is on the scale of the population, and its weights λ are the
// eigenvalues of the covariance of (T_i − E_i)/√E_i; Statistic is X²/Σλ, a chi-square
// divided by its degrees of freedom d = (Σλ)²/Σλ² (as R's svygofchisq, which names the
// scale Σλ²/Σλ).
func (v Vector) GoodnessOfFit(p []float64) (Test, error) {
	if len(p) != len(v.Values) {
		return Test{}, fmt.Errorf("%d proportions for %d counts; give one for each", len(p), len(v.Values))
	}
	var all float64
	for i, x := range p {
		if !(x > 0) || math.IsInf(x, 1) {
			return Test{}, fmt.Errorf("the proportion of %q is %v; proportions are above 0, leave out levels that cannot occur", v.Names[i], x)
		}
		all += x
	}
	if len(p) < 2 || v.N == 0 {
		return Test{}, fmt.Errorf("%d counts of %d people; a test needs two levels and somebody in the domain", len(p), v.N)
	}
	counts, k := duals(v.Values), len(p)
	n := Constant(0)
	for _, c := range counts {
		n = n.Plus(c)
	}
	jacobian := mat.NewDense(k, k, nil)
	test := Test{Method: "goodness of fit", N: v.N, DF2: math.Inf(1), Notes: slices.Clone(v.Notes)}
	for i, c := range counts {
		expected := n.Scale(p[i] / all)
		r := c.Minus(expected).Over(expected.Sqrt())
		test.ChiSquare += r.Value * r.Value
		jacobian.SetRow(i, r.Gradient)
	}
	var e mat.EigenSym
	if !e.Factorize(sandwich(jacobian, v.Cov), false) {
		return Test{}, errors.New("the covariance of the counts has no eigenvalues; merge small levels")
	}
	test.Weights = e.Values(nil)
	slices.Reverse(test.Weights)
	if !(test.Weights[0] > 0) {
		return Test{}, errors.New("the counts have no variance under this design, so there is nothing to test; widen the domain")
	}
	test.Statistic, test.DF1, test.P = twoMoments(test.Weights, test.ChiSquare, test.DF2)
	return test, nil
}
