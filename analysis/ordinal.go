package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// OrdinalModel is a model of ordered levels, such as degrees of literacy:
//
//	P(Y ≤ j) = F(θ_j − η)
//
// with one threshold θ_j between each two levels, η the sum of the terms without an
// intercept, and F the inverse of the link. With the link logit, the default, odds are
// proportional: exp(β) multiplies the odds of every "more than" (McCullagh 1980).
type OrdinalModel struct {
	// Outcome has its levels in order, the lowest first.
	Outcome FactorColumn
	Terms   []Term
	// Link is Logit, Probit or CLogLog; empty means Logit.
	Link Link
}

// OrdinalFit is an ordinal model fitted to the people of a domain. Its Vector has the
// coefficients of the terms and then the thresholds, named "low|middle"; DF are
// PSUs − strata − the number of coefficients of terms.
type OrdinalFit struct {
	Vector
	// DesignDF is the degrees of freedom of the design.
	DesignDF float64
	// Deviance is −2 log pseudo-likelihood with weights whose mean is 1.
	Deviance float64
	// Rounds is how many steps of Newton's method were made.
	Rounds int

	ordinal *ordinal
}

// ordinal is the state of Newton's method.
type ordinal struct {
	*frame
	model      OrdinalModel
	link       link
	slopes     int       // coefficients of terms
	parameters []float64 // these and then the thresholds
	deviance   float64
	score      []float64
	hessian    *mat.SymDense // of minus the log likelihood
	rounds     int
}

// FitOrdinal fits an ordinal model to the rows for which in is true, or all when in is
// nil, by weighted pseudo-likelihood. With H the observed information, the covariance
// is H⁻¹·V(Σ w s)·H⁻¹, s being the scores (Binder 1983; as R's svyolr).
func (d *Design) FitOrdinal(m OrdinalModel, in []bool) (*OrdinalFit, error) {
	return d.frame().fitOrdinal(m, in)
}

// fitOrdinal is FitOrdinal for whoever stands at the places of a frame.
func (f *frame) fitOrdinal(m OrdinalModel, in []bool) (*OrdinalFit, error) {
	o, err := f.ordinal(m, in)
	if err != nil {
		return nil, err
	}
	if err := o.maximise(); err != nil {
		return nil, err
	}
	c, dependent := newCholesky(o.hessian)
	if dependent >= 0 {
		return nil, o.unbounded()
	}
	a := c.inverse()
	a.ScaleSym(float64(o.n)/o.w, a)
	cov, known, err := o.totals(a, func(at person, row []float64) {
		p := o.point(at.unit, o.parameters)
		o.addScore(at.pattern, at.unit, p, o.weight[at.place], row)
	})
	if err != nil {
		return nil, err
	}
	return o.result(cov, known), nil
}

// ordinal checks a model and gathers its people. The level of the outcome is part of
// their pattern, so that without numeric columns one unit has one level.
func (f *frame) ordinal(m OrdinalModel, in []bool) (*ordinal, error) {
	d := f.design
	links := map[Link]link{"": logitLink, Logit: logitLink, Probit: probitLink, CLogLog: clogLogLink}
	l, known := links[m.Link]
	if !known {
		return nil, fmt.Errorf("link %q is none of ordinal models; use %s, %s or %s", m.Link, Logit, Probit, CLogLog)
	}
	if err := (Term{Factor: m.Outcome}).check(d, 0, nil); err != nil {
		return nil, fmt.Errorf("the outcome: %w", err)
	}
	if len(m.Terms) == 0 {
		return nil, errors.New("the model has no terms; for the shares of the levels use ProportionVector")
	}
	for _, t := range m.Terms {
		if t.name() == m.Outcome.ID {
			return nil, fmt.Errorf("factor %q is both the outcome and a term; leave it out of one", t.name())
		}
	}
	y := make([]float64, d.rows)
	for i, level := range m.Outcome.Level {
		y[i] = float64(level)
		if level < 0 {
			y[i] = math.NaN()
		}
	}
	if err := f.build(Model{Outcome: y, Terms: m.Terms, Family: Gaussian}, in, m.Outcome); err != nil {
		return nil, err
	}
	o := &ordinal{frame: f, model: m, link: l, slopes: len(f.matrix.columns) - 1}
	o.start()
	return o, nil
}

// start puts the thresholds where the shares of the levels have them.
func (o *ordinal) start() {
	shares := make([]float64, len(o.model.Outcome.Levels))
	for i, w := range o.units.weight {
		shares[o.level(i)] += w / float64(o.n)
	}
	o.parameters = make([]float64, o.slopes, o.slopes+len(shares)-1)
	var below float64
	for _, s := range shares[:len(shares)-1] {
		below += s
		o.parameters = append(o.parameters, o.link.linear(below))
	}
}

// level is that of the outcome of a unit: the last factor of its pattern. The mean outcome
// of the unit would be the same but for rounding.
func (o *ordinal) level(i int) int {
	levels := o.levels[o.units.pattern[i]]
	return int(levels[len(levels)-1])
}

// maximise is Newton's method with halved steps where the likelihood falls.
func (o *ordinal) maximise() error {
	o.evaluate()
	for o.rounds = 1; o.rounds <= maxRounds; o.rounds++ {
		c, dependent := newCholesky(o.hessian)
		if dependent >= 0 {
			return o.unbounded()
		}
		step := c.solve(o.score)
		var gain float64
		for j, s := range o.score {
			gain += s * step[j]
		}
		if !o.advance(step) && gain > 1e-10*(o.deviance+1) {
			return fmt.Errorf("the ordinal model does not converge: after %d rounds no step raises the likelihood; leave out terms or merge levels", o.rounds)
		}
		if gain <= smallGain*float64(o.n) && o.far(step) {
			return o.unbounded()
		}
		if gain <= 1e-18*float64(o.n) {
			return nil
		}
	}
	return o.unbounded()
}

// far says whether a step moves a linear predictor or a threshold by farStep.
func (o *ordinal) far(step []float64) bool {
	for j, move := range step[o.slopes:] {
		if math.Abs(move) > farStep*(1+math.Abs(o.parameters[o.slopes+j])) {
			return true
		}
	}
	for i := range o.units.y {
		if move := math.Abs(o.eta(i, step)); move > farStep && move > farStep*(1+math.Abs(o.eta(i, o.parameters))) {
			return true
		}
	}
	return false
}

// advance goes along the step, or a half, a quarter and so on of it.
func (o *ordinal) advance(step []float64) bool {
	from, before := slices.Clone(o.parameters), o.deviance
	for fraction := 1.0; fraction > 1e-6; fraction /= 2 {
		for j := range from {
			o.parameters[j] = from[j] + fraction*step[j]
		}
		o.evaluate()
		if o.deviance <= before+1e-9*(math.Abs(before)+0.1) {
			return true
		}
	}
	copy(o.parameters, from)
	o.evaluate()
	return false
}

// unbounded names the coefficient that grows without end or cannot be told from others.
func (o *ordinal) unbounded() error {
	names := o.matrix.names()[1:]
	if o.rounds <= 1 {
		if c, dependent := newCholesky(o.hessian); dependent >= 0 && dependent < o.slopes {
			for _, j := range c.dependence(o.hessian, dependent) {
				return fmt.Errorf("column %q is a combination of %q and perhaps others, so that their coefficients cannot be told apart; leave one of them out", names[dependent], names[j])
			}
			return fmt.Errorf("column %q is zero for everybody in the domain; leave it out or merge levels", names[dependent])
		}
	}
	worst := 0
	for j := range names {
		if math.Abs(o.parameters[j]) > math.Abs(o.parameters[worst]) {
			worst = j
		}
	}
	return fmt.Errorf("the coefficient of %q grows without end: with it the model tells some outcomes exactly; merge its levels or leave the term out", names[worst])
}

// A point is the log likelihood of one unit and what it depends on: the threshold above
// its level and the one below, a = θ_j − η and b = θ_{j−1} − η.
type point struct {
	level          int
	p              float64 // F(a) − F(b)
	fa, fb, ga, gb float64 // F′ and F″ at a and b, each divided by p
}

// point evaluates a unit.
func (o *ordinal) point(i int, parameters []float64) point {
	eta := o.eta(i, parameters)
	thresholds := parameters[o.slopes:]
	u := point{level: o.level(i)}
	fa, above := 1.0, 0.0 // F(a) and 1 − F(a) of the last level
	fb, below := 0.0, 1.0 // F(b) and 1 − F(b) of the first
	if u.level < len(thresholds) {
		fa, above, u.fa, u.ga = o.link.cumulative(thresholds[u.level] - eta)
	}
	if u.level > 0 {
		fb, below, u.fb, u.gb = o.link.cumulative(thresholds[u.level-1] - eta)
	}
	// Far up, 1 − F has the digits that F has lost.
	if u.p = fa - fb; fb > 0.5 {
		u.p = below - above
	}
	u.fa, u.fb, u.ga, u.gb = u.fa/u.p, u.fb/u.p, u.ga/u.p, u.gb/u.p
	return u
}

// eta is Σxβ of a unit.
func (o *ordinal) eta(i int, parameters []float64) float64 {
	var eta float64
	for s, list := range o.active[o.units.pattern[i]] {
		x := o.slope(s, i)
		for _, j := range list {
			if j > 0 { // without the intercept
				eta += x * parameters[j-1]
			}
		}
	}
	return eta
}

// slope is the product s of numeric columns of a unit.
func (o *ordinal) slope(s, i int) float64 {
	if s == 0 {
		return 1
	}
	return o.units.slope[s-1][i]
}

// cumulative is F, 1 − F, F′ and F″.
func (l link) cumulative(x float64) (below, above, density, slope float64) {
	switch l {
	case probitLink:
		density = math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
		return 0.5 * math.Erfc(-x/math.Sqrt2), 0.5 * math.Erfc(x/math.Sqrt2), density, -x * density
	case clogLogLink:
		e := math.Exp(x)
		above = math.Exp(-e)
		return -math.Expm1(-e), above, e * above, e * above * (1 - e)
	}
	below, _ = logitLink.mean(x)
	above, density = logitLink.mean(-x)
	return below, above, density, density * (above - below)
}

// addScore adds w times the score of a unit to a row.
func (o *ordinal) addScore(pattern int32, i int, u point, w float64, row []float64) {
	eta := w * (u.fb - u.fa)
	for s, list := range o.active[pattern] {
		x := o.slope(s, i)
		for _, j := range list {
			if j > 0 {
				row[j-1] += eta * x
			}
		}
	}
	if at := o.slopes + u.level; at < len(row) {
		row[at] += w * u.fa
	}
	if u.level > 0 {
		row[o.slopes+u.level-1] -= w * u.fb
	}
}

// evaluate computes the deviance, the score and the Hessian. The number of pieces of
// work depends on the data only.
func (o *ordinal) evaluate() {
	k, n := len(o.parameters), len(o.units.y)
	pieces := min(max(n/4096, 1), 16)
	type part struct {
		deviance       float64
		score, hessian []float64
	}
	parts := make([]part, pieces)
	parallel.Blocks(n, (n+pieces-1)/pieces, func(b, from, to int) {
		p := part{score: make([]float64, k), hessian: make([]float64, k*k)}
		for i := from; i < to; i++ {
			u := o.point(i, o.parameters)
			if !(u.p > 0) {
				p.deviance = math.Inf(1)
				break
			}
			w := o.units.weight[i]
			p.deviance -= 2 * w * math.Log(u.p)
			o.addScore(o.units.pattern[i], i, u, w, p.score)
			o.addHessian(i, u, w, p.hessian)
		}
		parts[b] = p
	})
	o.deviance, o.score = 0, make([]float64, k)
	hessian := make([]float64, k*k)
	for _, p := range parts {
		o.deviance += p.deviance
		for j, x := range p.score {
			o.score[j] += x
		}
		for j, x := range p.hessian {
			hessian[j] += x
		}
	}
	o.hessian = mat.NewSymDense(k, hessian)
}

// addHessian adds minus w times the second derivatives of a unit's log likelihood, in
// the upper triangle.
func (o *ordinal) addHessian(i int, u point, w float64, hessian []float64) {
	k := len(o.parameters)
	add := func(a, b int, v float64) { hessian[min(a, b)*k+max(a, b)] -= w * v }
	above, below := o.slopes+u.level, o.slopes+u.level-1
	hasAbove, hasBelow := above < k, u.level > 0
	d := u.fa - u.fb
	if hasAbove {
		add(above, above, u.ga-u.fa*u.fa)
	}
	if hasBelow {
		add(below, below, -u.gb-u.fb*u.fb)
	}
	if hasAbove && hasBelow {
		add(below, above, u.fa*u.fb)
	}
	lists := o.active[o.units.pattern[i]]
	for s, list := range lists {
		x := o.slope(s, i)
		for at, j := range list {
			if j == 0 {
				continue
			}
			if hasAbove {
				add(int(j-1), above, x*(u.fa*d-u.ga))
			}
			if hasBelow {
				add(int(j-1), below, x*(u.gb-u.fb*d))
			}
			o.addSlopes(i, lists, s, at, x*(u.ga-u.gb-d*d), add)
		}
	}
}

// addSlopes adds the second derivatives by two coefficients of terms: the one at a place
// of list s with itself and those after it.
func (o *ordinal) addSlopes(i int, lists [][]int32, s, at int, v float64, add func(a, b int, v float64)) {
	j := int(lists[s][at]) - 1
	for _, other := range lists[s][at:] {
		add(j, int(other)-1, v*o.slope(s, i))
	}
	for next := s + 1; next < len(lists); next++ {
		for _, other := range lists[next] {
			add(j, int(other)-1, v*o.slope(next, i))
		}
	}
}

// result describes the solution.
func (o *ordinal) result(cov *mat.SymDense, known facts) *OrdinalFit {
	fit := &OrdinalFit{ordinal: o, Deviance: o.deviance, Rounds: o.rounds, DesignDF: known.df}
	e := missingEstimate(o.settings.Level)
	e.N, e.Weighted, e.DF = o.n, o.w, known.df-float64(o.slopes)
	e.Notes = o.facts(e, known)
	fit.Names = o.matrix.names()[1:]
	levels := o.model.Outcome.Levels
	for j := range levels[1:] {
		fit.Names = append(fit.Names, levels[j]+"|"+levels[j+1])
	}
	fit.Values, fit.Cov, fit.DF, fit.Level = slices.Clone(o.parameters), cov, e.DF, e.Level
	fit.N, fit.Weighted, fit.Notes = e.N, e.Weighted, e.Notes
	for j, v := range fit.Values {
		fit.Estimates = append(fit.Estimates, e.at(v, math.Sqrt(cov.At(j, j))))
	}
	return fit
}

// Predict is the probability of each level of the outcome for one profile, with the
// covariance of the delta method.
func (fit *OrdinalFit) Predict(profile Profile) (Vector, error) {
	o := fit.ordinal
	// The outcome is a factor of the frame, but not of the profile.
	x, err := o.matrix.row(profile, o.model.Outcome.ID)
	if err != nil {
		return Vector{}, err
	}
	var eta float64
	for j, b := range fit.Values[:o.slopes] {
		eta += x[j+1] * b
	}
	levels := o.model.Outcome.Levels
	values := make([]float64, len(levels))
	gradient := mat.NewDense(len(levels), len(fit.Values), nil)
	values[len(levels)-1] = 1
	// Each threshold moves probability from the level above it to the one below.
	move := func(level, threshold int, below, density float64) {
		values[level] += below
		gradient.Set(level, o.slopes+threshold, density)
		for k := range o.slopes {
			gradient.Set(level, k, gradient.At(level, k)-density*x[k+1])
		}
	}
	for j, theta := range fit.Values[o.slopes:] {
		below, _, density, _ := o.link.cumulative(theta - eta)
		move(j, j, below, density)
		move(j+1, j, -below, -density)
	}
	return derived(fit.Vector, slices.Clone(levels), values, quadratic(gradient, fit.Cov)), nil
}
