package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// Fit is a model fitted to the people of a domain. Its Vector has the coefficients in
// the order of the terms, with their design-based covariance; DF are the residual ones.
type Fit struct {
	Vector
	// DesignDF is the degrees of freedom of the design: PSUs − strata over the PSUs with
	// people of the fit. DF is DesignDF − k + 1 for k coefficients, as R's svyglm.
	DesignDF float64
	// Deviance and NullDeviance, of the model with the intercept alone, are computed
	// with weights whose mean is 1. They are NaN in fits to cells of counts, or of shares
	// between 0 and 1; tests and pseudo R² by CoxSnell need only their difference.
	Deviance, NullDeviance float64
	// Dispersion is the weighted variance of the Pearson residuals, (y−μ)/√V(μ). It
	// describes; no standard error rests on it.
	Dispersion float64
	// Rounds is how many steps of Fisher scoring were made.
	Rounds int

	fitting *fitting
	bread   *mat.SymDense // (X′WX)⁻¹ with weights of mean 1
	gain    float64       // NullDeviance − Deviance
}

// Fit fits a generalised linear model to the rows for which in is true, or all when in
// is nil, by weighted pseudo-likelihood (Binder 1983). With A = X′WX, the Fisher
// information, the covariance of the coefficients is
//
//	A⁻¹ · V(Σ w x (y−μ)(dμ/dη)/V(μ)) · A⁻¹
//
// with the design's covariance of the total of the scores in the middle, as R's svyglm.
func (d *Design) Fit(m Model, in []bool) (*Fit, error) {
	return d.frame().fitModel(m, in)
}

// fitModel is Fit for whoever stands at the places of a frame.
func (f *frame) fitModel(m Model, in []bool) (*Fit, error) {
	if err := f.build(m, in); err != nil {
		return nil, err
	}
	t, err := f.fit(f.active, f.matrix.names())
	if err != nil {
		return nil, err
	}
	return t.finish()
}

func (l *matrixLayout) names() []string {
	names := make([]string, len(l.columns))
	for j, c := range l.columns {
		names[j] = c.name
	}
	return names
}

// finish computes the covariance and what describes the fit.
func (t *fitting) finish() (*Fit, error) {
	c, dependent := newCholesky(t.information)
	if dependent >= 0 {
		return nil, t.separated(nil)
	}
	r := t.residuals()
	bread := c.inverse()
	cov, known, err := t.covariance(r, bread)
	if err != nil {
		return nil, err
	}
	fit := &Fit{fitting: t, bread: bread, Deviance: t.deviance + t.within, Rounds: t.rounds, Dispersion: r.dispersion}
	null, err := t.nullDeviance()
	if err != nil {
		return nil, err
	}
	fit.NullDeviance, fit.gain = null+t.within, null-t.deviance
	fit.Cov = cov
	fit.describe(known)
	return fit, nil
}

// describe fills the vector of coefficients.
func (fit *Fit) describe(known facts) {
	t := fit.fitting
	fit.DesignDF = known.df
	e := missingEstimate(t.settings.Level)
	e.N, e.Weighted, e.DF = t.n, t.w, fit.DesignDF-float64(len(t.beta)-1)
	e.Notes = t.facts(e, known)
	fit.Names, fit.Values, fit.DF, fit.Level = t.names, t.beta, e.DF, e.Level
	fit.N, fit.Weighted, fit.Notes = e.N, e.Weighted, e.Notes
	for j, b := range t.beta {
		fit.Estimates = append(fit.Estimates, e.at(b, math.Sqrt(fit.Cov.At(j, j))))
	}
}

// facts are the notes of an estimate.
func (f *frame) facts(e Estimate, known facts) []Note {
	s := sample{settings: f.settings, all: Sum{N: f.n, W: f.w, W2: f.w2}}
	return append(slices.Clone(f.notes), s.facts(e, known)...)
}

// nullDeviance is that of units in the model with the intercept and the offset alone:
// with an intercept alone μ is the mean of the outcome.
func (t *fitting) nullDeviance() (float64, error) {
	if t.units.offset == nil {
		at := t.glm.family.entropy(t.mean)
		var sum float64
		for i, y := range t.units.y {
			sum += 2 * t.units.weight[i] * (t.glm.family.entropy(y) - at)
		}
		return sum, nil
	}
	null, err := t.without(func(column) bool { return true })
	if err != nil {
		return 0, fmt.Errorf("the model with the intercept alone: %w", err)
	}
	return null.deviance, nil
}

// without fits the model again without some columns; the intercept stays.
func (t *fitting) without(dropped func(column) bool) (*fitting, error) {
	place := make([]int32, len(t.names))
	var names []string
	for j, c := range t.matrix.columns {
		place[j] = -1
		if c.term < 0 || !dropped(c) {
			place[j] = int32(len(names))
			names = append(names, c.name)
		}
	}
	active := make([][][]int32, len(t.active))
	for p, lists := range t.active {
		active[p] = make([][]int32, len(lists))
		for s, list := range lists {
			for _, j := range list {
				if place[j] >= 0 {
					active[p][s] = append(active[p][s], place[j])
				}
			}
		}
	}
	return t.frame.fit(active, names)
}

// residuals are what the score of each person is made of.
type residuals struct {
	linear []float64
	// Without numeric columns all people of a pattern have the same mean.
	mean, factor, deviation []float64
	dispersion              float64
}

// residuals prepares the means at the solution.
func (t *fitting) residuals() *residuals {
	r := &residuals{linear: t.linearByPattern(t.beta)}
	if !t.units.people {
		n := len(t.levels)
		r.mean, r.factor, r.deviation = make([]float64, n), make([]float64, n), make([]float64, n)
		for p := range n {
			mu, slope := t.glm.link.mean(r.linear[p])
			v := t.glm.family.variance(mu)
			r.mean[p], r.factor[p], r.deviation[p] = mu, slope/v, math.Sqrt(v)
			if t.glm.canonical {
				r.factor[p] = 1
			}
		}
	}
	return r
}

// person is the score factor and the Pearson residual of unit i with outcome y.
func (t *fitting) person(r *residuals, i int, y float64) (score, pearson float64) {
	if r.mean != nil {
		e := y - r.mean[i]
		return e * r.factor[i], e / r.deviation[i]
	}
	eta := t.units.eta(i, r.linear, len(t.matrix.slopes))
	mu, score, _ := t.glm.working(y, eta)
	if t.working != nil {
		_, slope := t.glm.link.mean(eta)
		score = t.working[i] * (y - mu) / slope
	}
	return score, (y - mu) / math.Sqrt(t.glm.family.variance(mu))
}

// covariance is the design's covariance of the total of A⁻¹wxs. On the way it sums the
// Pearson residuals.
func (t *fitting) covariance(r *residuals, bread *mat.SymDense) (*mat.SymDense, facts, error) {
	parts := make([]Sum, len(t.design.psus))
	// The scores have the design's own weights, the bread has weights of mean 1.
	a := mat.NewSymDense(len(t.beta), nil)
	a.ScaleSym(float64(t.n)/t.w, bread)
	var cov *mat.SymDense
	var known facts
	var err error
	if !t.units.people && !t.design.needsPeople() {
		cov, known, err = t.turned(t.scoresByLeaf(r, t.halves(), parts), a)
	} else {
		cov, known, err = t.totals(a, func(at person, row []float64) {
			w := t.weight[at.place]
			score, pearson := t.person(r, at.unit, t.y[at.place])
			parts[at.psu].WY += w * pearson
			parts[at.psu].WY2 += w * pearson * pearson
			if t.cell != nil {
				parts[at.psu].WY2 += t.cell[at.place].scatter() / (r.deviation[at.unit] * r.deviation[at.unit])
			}
			t.spread(at, w*score, row)
		})
	}
	var all Sum
	for _, p := range parts {
		all = all.add(p)
	}
	n, mean := float64(t.n), all.WY/t.w
	r.dispersion = n / (n - 1) * (all.WY2/t.w - mean*mean)
	return cov, known, err
}

// halves are nil where they do not help: leaves are small.
func (t *fitting) halves() *halves {
	// Pairs of a first and a second half make all patterns.
	least := 2 * math.Sqrt(float64(len(t.active)))
	if float64(t.n) < float64(t.design.layout.leaves())*least {
		return nil
	}
	h := newHalves(t.active, len(t.names))
	if t.n < t.design.layout.leaves()*len(h.lists) {
		return nil
	}
	return &h
}

// scoresByLeaf sums the scores wxs by leaf, and the Pearson residuals by PSU, of people
// who are not units themselves. h may be nil.
func (t *fitting) scoresByLeaf(r *residuals, h *halves, pearson []Sum) grid {
	d := t.design
	sums := newGrid(d.layout.leaves(), len(t.names))
	const block = 16
	parallel.Blocks(len(d.psus), block, func(_, from, to int) {
		var room []float64
		if h != nil {
			room = make([]float64, len(h.lists))
		}
		for psu := from; psu < to; psu++ {
			for leaf := d.layout.endOf(psu - 1); leaf < d.layout.endOf(psu); leaf++ {
				t.sumLeaf(leaf, r, h, room, sums.row(leaf), &pearson[psu])
			}
		}
	})
	return sums
}

// sumLeaf adds the people of a leaf to sums by column. room is for sums by half.
func (t *fitting) sumLeaf(leaf int, r *residuals, h *halves, room, sums []float64, pearson *Sum) {
	from, to := t.design.leaf[leaf], t.design.leaf[leaf+1]
	weight, y := t.weight[from:to], t.y[from:to]
	var p1, p2 float64
	for i, p := range t.code[from:to] {
		if p < 0 {
			continue
		}
		w, e := weight[i], y[i]-r.mean[p]
		pearson := e / r.deviation[p]
		p1 += w * pearson
		p2 += w * pearson * pearson
		score := w * e * r.factor[p]
		if h != nil {
			room[h.first[p]] += score
			room[h.second[p]] += score
		} else {
			for _, j := range t.active[p][0] {
				sums[j] += score
			}
		}
		if t.cell != nil {
			p2 += t.cell[from+i].scatter() / (r.deviation[p] * r.deviation[p])
		}
	}
	if h != nil {
		h.collect(room, sums)
	}
	pearson.WY += p1
	pearson.WY2 += p2
}

// spread adds v·x to the sums, for the row x of somebody.
func (t *fitting) spread(at person, v float64, sums []float64) {
	for s, list := range t.active[at.pattern] {
		vs := v
		if s > 0 {
			vs *= t.units.slope[s-1][at.unit]
		}
		for _, j := range list {
			sums[j] += vs
		}
	}
}

// CoxSnell and Nagelkerke are pseudo R² of models for shares and counts, from the
// deviances with weights of mean 1 (as psrsq of R survey 4.5):
//
//	1 − exp((D − D₀)/n)  and the same divided by  1 − exp(−D₀/n)
func (fit *Fit) CoxSnell() float64 {
	return -math.Expm1(-fit.gain / float64(fit.N))
}

// Nagelkerke is CoxSnell divided by the largest value that it can take.
func (fit *Fit) Nagelkerke() float64 {
	return fit.CoxSnell() / -math.Expm1(-fit.NullDeviance/float64(fit.N))
}

// Significance tests that a coefficient is zero: t = β/SE on the residual degrees of
// freedom.
func (fit *Fit) Significance(coefficient int) (Test, error) {
	if coefficient < 0 || coefficient >= len(fit.Estimates) {
		return Test{}, fmt.Errorf("there is no coefficient %d among %d", coefficient, len(fit.Estimates))
	}
	return fit.Estimates[coefficient].Test(0), nil
}

// test is a test of the fit, without its numbers.
func (fit *Fit) test(method string) Test {
	return Test{Method: method, DF2: fit.DF, ChiSquare: math.NaN(), N: fit.N, Notes: slices.Clone(fit.Notes)}
}

// Wald tests that all coefficients of the terms are zero: F = β′V⁻¹β/q on q and DF
// degrees of freedom (regTermTest of R survey 4.5, method Wald).
func (fit *Fit) Wald(terms ...string) (Test, error) {
	columns, err := fit.columnsOf(terms)
	if err != nil {
		return Test{}, err
	}
	c, dependent := newCholesky(pick(fit.Cov, columns))
	if dependent >= 0 {
		return Test{}, fmt.Errorf("the covariance of the %d coefficients has no inverse: the design has too few degrees of freedom, %v, to test them together; test fewer terms or merge levels", len(columns), fit.DesignDF)
	}
	b := make([]float64, len(columns))
	for i, j := range columns {
		b[i] = fit.Values[j]
	}
	t := fit.test("Wald F test of " + strings.Join(terms, ", "))
	t.DF1 = float64(len(b))
	for i, x := range c.solve(b) {
		t.Statistic += b[i] * x / t.DF1
	}
	t.P = fTail(t.Statistic, t.DF1, t.DF2)
	return t, nil
}

// LikelihoodRatio tests the terms by the working likelihood ratio X² = D₀ − D between
// the models without and with them. Under the design X² is distributed as Σλ_i χ²_i, the
// λ being the eigenvalues of V₀⁻¹V with V₀ the covariance if the sample were simple (Rao
// and Scott 1984; Lumley and Scott 2014; regTermTest of R survey 4.5, method LRT). P is
// that of this sum divided by χ²_DF/DF; Statistic is X²/Σλ and DF1 = (Σλ)²/Σλ², the F
// with the same mean and variance.
func (fit *Fit) LikelihoodRatio(terms ...string) (Test, error) {
	columns, err := fit.columnsOf(terms)
	if err != nil {
		return Test{}, err
	}
	without, err := fit.fitting.without(func(c column) bool {
		return slices.Contains(terms, fit.fitting.model.Terms[c.term].name())
	})
	if err != nil {
		return Test{}, fmt.Errorf("the model without %s: %w", strings.Join(terms, ", "), err)
	}
	c, dependent := newCholesky(pick(fit.bread, columns))
	if dependent >= 0 {
		return Test{}, fmt.Errorf("the coefficients of %s cannot be told apart; test fewer terms", strings.Join(terms, ", "))
	}
	t := fit.test("Rao-Scott likelihood ratio test of " + strings.Join(terms, ", "))
	if t.Weights, err = c.eigenvalues(pick(fit.Cov, columns)); err != nil {
		return Test{}, fmt.Errorf("likelihood ratio test of %s: %w", strings.Join(terms, ", "), err)
	}
	t.ChiSquare = max(without.deviance-fit.fitting.deviance, 0)
	t.Statistic, t.DF1, _ = twoMoments(t.Weights, t.ChiSquare, t.DF2)
	if t.P = math.NaN(); t.DF2 > 0 {
		t.P = newChiSquareSum(t.Weights, t.DF2).tail(t.ChiSquare)
	}
	return t, nil
}

// columnsOf are the coefficients of terms.
func (fit *Fit) columnsOf(terms []string) ([]int, error) {
	if len(terms) == 0 {
		return nil, fmt.Errorf("no term to test; name one of the model's")
	}
	model := fit.fitting.model
	var columns []int
	for _, name := range terms {
		k := slices.IndexFunc(model.Terms, func(t Term) bool { return t.name() == name })
		if k < 0 {
			return nil, fmt.Errorf("no term %q in the model; there are: %v", name, model.names())
		}
		for j, c := range fit.fitting.matrix.columns {
			if c.term == k {
				columns = append(columns, j)
			}
		}
	}
	return columns, nil
}

// names lists the terms.
func (m Model) names() []string {
	names := make([]string, len(m.Terms))
	for i, t := range m.Terms {
		names[i] = t.name()
	}
	return names
}

// pick is the part of a matrix of some rows and columns.
func pick(a *mat.SymDense, of []int) *mat.SymDense {
	p := mat.NewSymDense(len(of), nil)
	for i, r := range of {
		for j := i; j < len(of); j++ {
			p.SetSym(i, j, a.At(r, of[j]))
		}
	}
	return p
}

// fTail is the probability that an F variable exceeds x, exact far out in the tail;
// infinite df2 make it that of a chi-square divided by df1.
func fTail(x, df1, df2 float64) float64 {
	switch {
	case !(df1 > 0) || !(df2 > 0) || isMissing(x):
		return math.NaN()
	case x <= 0:
		return 1
	case math.IsInf(df2, 1):
		return mathext.GammaIncRegComp(df1/2, x*df1/2)
	}
	return mathext.RegIncBeta(df2/2, df1/2, df2/(df2+df1*x))
}
