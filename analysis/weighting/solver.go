package weighting

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A solver finds λ. It works on θ, with λ = Qθ, where Q is chosen such that the matrix of
// the normal equations of linear calibration is the identity: then neither the units of
// the variables nor things that are known twice trouble it.
type solver struct {
	units  *units
	curve  curve
	target []float64
	scale  []float64 // of each column: what a distance from the target is relative to
	basis  *mat.Dense
	before state // at λ = 0
	theta  []float64
	at     state // at θ
}

// rankTolerance is the ratio to the largest eigenvalue of the correlations below which
// an eigenvalue is zero.
const rankTolerance = 1e-12

// newSolver starts at λ = 0 and names totals that contradict each other.
func (u *units) newSolver(k Known, m Metric, s Settings) (*solver, error) {
	v := &solver{units: u, curve: m.curve(), target: k.targets()}
	v.before = u.evaluate(make([]float64, u.width), Metric{}.curve())
	v.at = v.before
	if err := v.orthogonalise(k, s); err != nil {
		return nil, err
	}
	v.scale = make([]float64, u.width)
	for j, t := range v.target {
		v.scale[j] = math.Abs(t)
		if oneSign := math.Abs(v.before.sum[j]) == v.before.size[j]; !oneSign || t == 0 {
			v.scale[j] = max(v.scale[j], v.before.size[j])
		}
	}
	_, rank := v.basis.Dims()
	v.theta = make([]float64, rank)
	return v, nil
}

// targets are those of the columns of x; all margins have the total of the first.
func (k Known) targets() []float64 {
	var targets []float64
	if len(k.Margins) > 0 {
		targets = slices.Concat(scaled(k.Margins)...)
	}
	for _, t := range k.Totals {
		targets = append(targets, t.Target)
	}
	return targets
}

// orthogonalise finds Q = S V Λ^(−1/2), with S the scale that makes the normal matrix one
// of correlations and V, Λ its eigenvectors and eigenvalues other than zero. An
// eigenvalue of zero says that some columns depend on each other; then their totals must
// do so in the same way. What they differ by, within the tolerance for totals, is
// taken from the targets.
func (v *solver) orthogonalise(k Known, s Settings) error {
	scale, normal := v.correlations()
	var e mat.EigenSym
	if !e.Factorize(normal, true) {
		return errors.New("the eigenvalues of the auxiliary variables' cross-products did not converge; merge small levels")
	}
	values := e.Values(nil)
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	width := len(scale)
	apart := make([]float64, width) // the part of the scaled misfit that nothing can mend
	var columns [][]float64
	for c, x := range values {
		column := mat.Col(nil, c, &vectors)
		if x > rankTolerance*values[width-1] {
			floats.Scale(1/math.Sqrt(x), column)
			floats.Mul(column, scale)
			columns = append(columns, column)
			continue
		}
		var part float64
		for j, a := range column {
			part += a * scale[j] * (v.target[j] - v.before.sum[j])
		}
		floats.AddScaled(apart, part, column)
	}
	v.basis = mat.NewDense(width, len(columns), nil)
	for c, column := range columns {
		v.basis.SetCol(c, column)
	}
	return v.mend(k, apart, scale, s.TotalsAgree)
}

// correlations are the normal matrix of linear calibration with ones in its diagonal,
// and the scale of each column that makes it so; 0 for a column of zeros.
func (v *solver) correlations() (scale []float64, normal *mat.SymDense) {
	width := v.units.width
	scale, normal = make([]float64, width), mat.NewSymDense(width, nil)
	for j := range scale {
		if x := v.before.normal[j*width+j]; x > 0 {
			scale[j] = 1 / math.Sqrt(x)
		}
	}
	for i := range width {
		for j := i; j < width; j++ {
			normal.SetSym(i, j, v.before.normal[i*width+j]*scale[i]*scale[j])
		}
	}
	return scale, normal
}

// mend takes a contradiction from the targets, or names it when it is too large.
func (v *solver) mend(k Known, apart, scale []float64, agree float64) error {
	off := make([]float64, len(apart)) // relatively
	for j, x := range apart {
		if scale[j] > 0 {
			off[j] = math.Abs(x/scale[j]) / max(math.Abs(v.target[j]), v.before.size[j])
			v.target[j] -= x / scale[j]
		}
	}
	worst := slices.Max(off)
	var involved []string
	for j, name := range k.columnNames() {
		if off[j] > worst/10 && !slices.Contains(involved, name) {
			involved = append(involved, name)
		}
	}
	if worst > agree {
		return fmt.Errorf("the population figures contradict each other, by %.2g of their size or more: %s; take all of them from the same population", worst, strings.Join(involved, ", "))
	}
	return nil
}

// columnNames are the margin or the variable of each column of x.
func (k Known) columnNames() []string {
	var names []string
	for _, m := range k.Margins {
		names = append(names, slices.Repeat([]string{fmt.Sprintf("margin %q", m.Name)}, len(m.Levels))...)
	}
	for _, t := range k.Totals {
		names = append(names, fmt.Sprintf("total %q", t.Name))
	}
	return names
}

// solve goes to the minimum and returns the distance from the totals after each round.
func (v *solver) solve(s Settings) []float64 {
	v.at = v.units.evaluate(v.lambda(v.theta), v.curve)
	var rounds []float64
	for len(rounds) < s.MaxRounds {
		moved := v.round()
		rounds = append(rounds, v.distance())
		if rounds[len(rounds)-1] <= s.Tolerance || !moved {
			break
		}
	}
	return rounds
}

func (v *solver) lambda(theta []float64) []float64 {
	lambda := make([]float64, v.units.width)
	mat.NewVecDense(len(lambda), lambda).MulVec(v.basis, mat.NewVecDense(len(theta), theta))
	return lambda
}

// distance is the largest relative distance from a target.
func (v *solver) distance() float64 {
	var far float64
	for j, t := range v.target {
		if v.scale[j] > 0 {
			far = max(far, math.Abs(v.at.sum[j]-t)/v.scale[j])
		}
	}
	return far
}

// misfit is Q′(T − Σ d g x), the descent direction of the dual function.
func (v *solver) misfit(at state) []float64 {
	short := make([]float64, len(v.target))
	floats.SubTo(short, v.target, at.sum)
	m := make([]float64, len(v.theta))
	mat.NewVecDense(len(m), m).MulVec(v.basis.T(), mat.NewVecDense(len(short), short))
	return m
}

// dual is Σ d q ∫g − T′λ, and the size of what it is rounded at.
func (v *solver) dual(at state, lambda []float64) (value, size float64) {
	gain := floats.Dot(v.target, lambda)
	return at.dual - gain, math.Abs(at.dual) + math.Abs(gain)
}

// round makes a step of Newton's method, halved until the dual function falls. Where the
// bounds leave it no curvature, a multiple of the identity is added (Levenberg 1944). It
// reports whether there was such a step.
func (v *solver) round() bool {
	misfit := v.misfit(v.at)
	hessian := v.hessian()
	before, size := v.dual(v.at, v.lambda(v.theta))
	for _, ridge := range []float64{0, 1e-6, 1e-3, 1} {
		step := newton(hessian, misfit, ridge)
		if step == nil {
			continue
		}
		slope := floats.Dot(step, misfit)
		for fraction := 1.0; fraction > 1e-9; fraction /= 2 {
			theta := slices.Clone(v.theta)
			floats.AddScaled(theta, fraction, step)
			lambda := v.lambda(theta)
			at := v.units.evaluate(lambda, v.curve)
			if value, _ := v.dual(at, lambda); value <= before-1e-4*fraction*slope+1e-14*size {
				v.theta, v.at = theta, at
				return true
			}
		}
	}
	return false
}

// hessian is Q′(Σ d g′ x x′/q)Q.
func (v *solver) hessian() *mat.SymDense {
	width, rank := v.basis.Dims()
	normal := mat.NewSymDense(width, v.at.normal)
	var left, h mat.Dense
	left.Mul(normal, v.basis)
	h.Mul(v.basis.T(), &left)
	sym := mat.NewSymDense(rank, nil)
	for i := range rank {
		for j := i; j < rank; j++ {
			sym.SetSym(i, j, h.At(i, j))
		}
	}
	return sym
}

// newton solves (H + ridge·I)·step = misfit; nil when H has no such inverse.
func newton(h *mat.SymDense, misfit []float64, ridge float64) []float64 {
	n := h.SymmetricDim()
	a := mat.NewSymDense(n, nil)
	a.CopySym(h)
	for i := range n {
		a.SetSym(i, i, a.At(i, i)+ridge)
	}
	var c mat.Cholesky
	if !c.Factorize(a) || !(c.Cond() < 1e15) {
		return nil
	}
	step := mat.NewVecDense(n, nil)
	if c.SolveVecTo(step, mat.NewVecDense(n, misfit)) != nil {
		return nil
	}
	return step.RawVector().Data
}

// unbounded are the smallest and the largest factor of linear calibration, whose θ is
// the misfit at the start.
func (v *solver) unbounded() (low, high float64) {
	linear := v.units.evaluate(v.lambda(v.misfit(v.before)), Metric{}.curve())
	low, high = math.Inf(1), math.Inf(-1)
	for i, g := range linear.factor {
		if v.units.weight[i] > 0 {
			low, high = min(low, g), max(high, g)
		}
	}
	return low, high
}

// fits compares the totals with their targets.
func (v *solver) fits(k Known) []MarginFit {
	var fits []MarginFit
	add := func(margin, level string) {
		j := len(fits)
		fits = append(fits, MarginFit{Margin: margin, Level: level, N: v.units.n[j], Target: v.target[j], Before: v.before.sum[j], After: v.at.sum[j]})
	}
	for _, m := range k.Margins {
		for _, l := range m.Levels {
			add(m.Name, l)
		}
	}
	for _, t := range k.Totals {
		add(t.Name, "")
	}
	return fits
}
