package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// A fitting is the state of Fisher scoring.
type fitting struct {
	*frame
	active      [][][]int32 // as frame.active, but only the columns that are fitted
	names       []string
	beta        []float64
	deviance    float64 // at beta, with weights of mean 1
	score       []float64
	information *mat.SymDense // X′WX at beta, with weights of mean 1
	rounds      int
	working     []float64 // working weights of units a round ago; nil unless StopAsR
}

// maxRounds is how often a step is made; a fit that has a solution takes 4 to 10.
const maxRounds = 40

// fit finds the coefficients by Fisher scoring from the model with the intercept
// alone, β ← β + (X′WX)⁻¹X′s, halving steps that do not lower the deviance. It stops
// when the step would lower the deviance by less than rounding.
func (f *frame) fit(active [][][]int32, names []string) (*fitting, error) {
	if f.model.Stop == StopAsR {
		return f.fitAsR(active, names)
	}
	t := &fitting{frame: f, active: active, names: names, beta: make([]float64, len(names))}
	t.beta[0] = f.glm.link.linear(f.glm.family.start(f.mean))
	if f.units.offset != nil {
		for i, o := range f.units.offset {
			t.beta[0] -= f.units.weight[i] * o / float64(f.n)
		}
	}
	t.evaluate()
	if math.IsNaN(t.deviance) || math.IsInf(t.deviance, 0) {
		return nil, fmt.Errorf("the outcome has a mean of %v, which the link %s cannot reach; choose another link", f.mean, f.model.Link)
	}
	if err := t.checkColumns(); err != nil {
		return nil, err
	}
	for t.rounds = 1; ; t.rounds++ {
		step, dependent := t.step()
		if dependent >= 0 {
			return nil, t.separated(step)
		}
		var gain float64 // of log likelihood, twice
		for j, s := range t.score {
			gain += s * step[j]
		}
		before := t.deviance
		if !t.advance(step) {
			if gain < 1e-10*(math.Abs(before)+1) {
				return t, nil // rounding
			}
			return nil, fmt.Errorf("the model does not converge: after %d rounds no step lowers the deviance of %v; choose another link or fewer terms", t.rounds, before)
		}
		if gain <= smallGain*(math.Abs(t.deviance)+float64(f.n)) {
			if err := t.settled(step); err != nil {
				return nil, err
			}
		}
		if gain <= 1e-18*(math.Abs(t.deviance)+float64(f.n)) || f.glm.family == gaussian && f.glm.canonical && t.rounds == 2 {
			return t, nil
		}
		if t.rounds == maxRounds {
			return nil, t.separated(step)
		}
	}
}

// step is (X′WX)⁻¹X′s; dependent is the column that is a combination of those before
// it, -1 when none is.
func (t *fitting) step() (step []float64, dependent int) {
	c, dependent := newCholesky(t.information)
	if dependent >= 0 {
		return nil, dependent
	}
	return c.solve(t.score), -1
}

// advance goes along the step, or a half, a quarter and so on of it.
func (t *fitting) advance(step []float64) bool {
	from, before := append([]float64(nil), t.beta...), t.deviance
	for fraction := 1.0; fraction > 1e-6; fraction /= 2 {
		for j := range t.beta {
			t.beta[j] = from[j] + fraction*step[j]
		}
		t.evaluate()
		if t.deviance <= before+1e-9*(math.Abs(before)+0.1) {
			return true
		}
	}
	copy(t.beta, from)
	t.evaluate()
	return false
}

// sums are those of one pattern: of the score and the information by slope.
type sums struct {
	slopes   int
	deviance float64
	score    []float64 // pattern × slope
	info     []float64 // pattern × slope × slope, upper part
}

func newSums(patterns, slopes int) sums {
	return sums{slopes: slopes, score: make([]float64, patterns*slopes), info: make([]float64, patterns*slopes*slopes)}
}

// patternBlock is how many patterns one piece of work has, of which there are 16 at most.
func patternBlock(patterns int) int { return max(1<<10, (patterns+15)/16) }

// evaluate computes the deviance, the score and the information at beta.
func (t *fitting) evaluate() {
	u := &t.units
	s, patterns := len(t.matrix.slopes), len(t.levels)
	linear := t.linearByPattern(t.beta)
	all := newSums(patterns, s)
	if u.people {
		pieces := min(max(len(u.y)/(8*patterns), 1), 16)
		parts := make([]sums, pieces)
		parallel.Blocks(len(u.y), (len(u.y)+pieces-1)/pieces, func(b, from, to int) {
			parts[b] = newSums(patterns, s)
			t.sumUnits(&parts[b], linear, from, to)
		})
		for _, p := range parts {
			all.deviance += p.deviance
			for i, x := range p.score {
				all.score[i] += x
			}
			for i, x := range p.info {
				all.info[i] += x
			}
		}
	} else { // each pattern is one unit
		block := patternBlock(patterns)
		deviance := make([]float64, (patterns+block-1)/block)
		parallel.Blocks(patterns, block, func(b, from, to int) {
			own := sums{slopes: s, score: all.score, info: all.info}
			t.sumUnits(&own, linear, from, to)
			deviance[b] = own.deviance
		})
		for _, x := range deviance {
			all.deviance += x
		}
	}
	t.deviance = all.deviance
	t.expand(&all)
}

// linearByPattern is η of each pattern by slope, without the numeric columns.
func (t *fitting) linearByPattern(beta []float64) []float64 {
	s := len(t.matrix.slopes)
	linear := make([]float64, len(t.active)*s)
	parallel.Blocks(len(t.active), patternBlock(len(t.active)), func(_, from, to int) {
		for p := from; p < to; p++ {
			for k, list := range t.active[p] {
				for _, j := range list {
					linear[p*s+k] += beta[j]
				}
			}
		}
	})
	return linear
}

// eta is the linear predictor of a unit.
func (u *units) eta(i int, linear []float64, slopes int) float64 {
	at := int(u.pattern[i]) * slopes
	eta := linear[at]
	for k := 1; k < slopes; k++ {
		eta += u.slope[k-1][i] * linear[at+k]
	}
	if u.offset != nil {
		eta += u.offset[i]
	}
	return eta
}

// sumUnits adds the units from one to another.
func (t *fitting) sumUnits(a *sums, linear []float64, from, to int) {
	u, g, s := &t.units, t.glm, a.slopes
	x := make([]float64, s)
	x[0] = 1
	for i := from; i < to; i++ {
		mu, score, info := g.working(u.y[i], u.eta(i, linear, s))
		w := u.weight[i]
		if !g.family.valid(mu) {
			a.deviance = math.Inf(1)
			return
		}
		a.deviance += w * g.family.deviance(u.y[i], mu)
		score *= w
		info *= w
		at := int(u.pattern[i]) * s
		if s == 1 {
			a.score[at] += score
			a.info[at] += info
			continue
		}
		for k := 1; k < s; k++ {
			x[k] = u.slope[k-1][i]
		}
		a.add(at, score, info, x)
	}
}

// add adds one unit with the slopes x to the sums of its pattern.
func (a *sums) add(at int, score, info float64, x []float64) {
	for k, xk := range x {
		a.score[at+k] += score * xk
		for l := k; l < a.slopes; l++ {
			a.info[(at+k)*a.slopes+l] += info * xk * x[l]
		}
	}
}

// expand turns sums by pattern into the score and the information by column.
func (t *fitting) expand(a *sums) {
	k, s := len(t.names), a.slopes
	block := patternBlock(len(t.active))
	parts := newTable[float64]((len(t.active)+block-1)/block, k+k*k)
	parallel.Blocks(len(t.active), block, func(b, from, to int) {
		score, info := parts[b][:k], parts[b][k:]
		for p := from; p < to; p++ {
			lists := t.active[p]
			for x, list := range lists {
				for _, i := range list {
					score[i] += a.score[p*s+x]
				}
				for y := x; y < s; y++ {
					v := a.info[(p*s+x)*s+y]
					addProducts(info, k, v, list, lists[y], x == y)
				}
			}
		}
	})
	for _, part := range parts[1:] {
		for i, x := range part {
			parts[0][i] += x
		}
	}
	t.score, t.information = parts[0][:k:k], mat.NewSymDense(k, parts[0][k:])
}

// addProducts adds v to every pair of a column of one list and one of the other, in the
// upper triangle.
func addProducts(info []float64, k int, v float64, a, b []int32, same bool) {
	for i, ca := range a {
		if same {
			row := info[int(ca)*k:]
			for _, cb := range b[i:] {
				row[cb] += v
			}
			continue
		}
		for _, cb := range b {
			info[int(min(ca, cb))*k+int(max(ca, cb))] += v
		}
	}
}

// checkColumns names a column that is a combination of others.
func (t *fitting) checkColumns() error {
	c, dependent := newCholesky(t.information)
	if dependent < 0 {
		return nil
	}
	if t.information.At(dependent, dependent) == 0 {
		return fmt.Errorf("column %q is zero for everybody in the domain; leave it out or merge levels", t.names[dependent])
	}
	var others []string
	for _, j := range c.dependence(t.information, dependent) {
		others = append(others, fmt.Sprintf("%q", t.names[j]))
	}
	return fmt.Errorf("column %q is a combination of %s, so that their coefficients cannot be told apart; leave one of them out", t.names[dependent], strings.Join(others, ", "))
}

// separated explains a fit without a solution: coefficients grow without end. step is
// the last one, which points where they grow to; nil when the information ran out.
func (t *fitting) separated(step []float64) error {
	worst, most := 0, -1.0
	for j := range t.names {
		size := math.Abs(t.beta[j])
		if step != nil {
			size = math.Abs(step[j])
		}
		if j > 0 && size > most {
			worst, most = j, size
		}
	}
	if t.glm.family == gaussian {
		return fmt.Errorf("the model did not converge in %d rounds; the coefficient of %q moves most; choose another link", t.rounds, t.names[worst])
	}
	return fmt.Errorf("the coefficient of %q grows without end: with it the model tells some outcomes exactly; merge its levels or leave the term out", t.names[worst])
}

// smallGain is the share of deviance and sample that a step has to gain, below which it
// must not move a linear predictor by farStep of 1 + |η|. Near a solution small gains come
// of small steps. Where there is none each step moves some predictor by 1, or by 1/η and
// more under the links probit and cloglog, however little it gains: such a fit has to end
// before the gain is lost in rounding.
const (
	smallGain = 1e-15
	farStep   = 1e-3
)

// settled is an error when a step that gains little moves a linear predictor far.
func (t *fitting) settled(step []float64) error {
	if t.glm.family == gaussian {
		return nil
	}
	u, slopes := &t.units, len(t.matrix.slopes)
	linear, moves := t.linearByPattern(t.beta), t.linearByPattern(step)
	const block = 1 << 14
	far := make([]bool, (len(u.y)+block-1)/block)
	parallel.Blocks(len(u.y), block, func(b, from, to int) {
		for i := from; i < to && !far[b]; i++ {
			move := u.eta(i, moves, slopes)
			if u.offset != nil {
				move -= u.offset[i]
			}
			far[b] = math.Abs(move) > farStep && math.Abs(move) > farStep*(1+math.Abs(u.eta(i, linear, slopes)))
		}
	})
	if slices.Contains(far, true) {
		return t.separated(step)
	}
	return nil
}

// cholesky is the factor L of a = D·LL′·D, with D the square roots of the diagonal, so
// that the units of columns do not matter.
type cholesky struct {
	k     int
	l     []float64
	scale []float64
}

// dependentTolerance is the share of a column's information that others leave it, below
// which it is their combination.
const dependentTolerance = 1e-11

// newCholesky factorises; dependent is the first column without information of its
// own, -1 when all have some. Then the factor is that of the columns before.
func newCholesky(a *mat.SymDense) (c *cholesky, dependent int) {
	k := a.SymmetricDim()
	c = &cholesky{k: k, l: make([]float64, k*k), scale: make([]float64, k)}
	for i := range k {
		c.scale[i] = math.Sqrt(a.At(i, i))
		if !(c.scale[i] > 0) || math.IsInf(c.scale[i], 1) {
			return c, i
		}
		for j := 0; j <= i; j++ {
			x := a.At(i, j) / (c.scale[i] * c.scale[j])
			for m := range j {
				x -= c.l[i*k+m] * c.l[j*k+m]
			}
			switch {
			case j < i:
				c.l[i*k+j] = x / c.l[j*k+j]
			case !(x > dependentTolerance):
				return c, i
			default:
				c.l[i*k+i] = math.Sqrt(x)
			}
		}
	}
	return c, -1
}

// solve is a⁻¹b.
func (c *cholesky) solve(b []float64) []float64 {
	x := make([]float64, c.k)
	for i := range x {
		x[i] = b[i] / c.scale[i]
		for j := range i {
			x[i] -= c.l[i*c.k+j] * x[j]
		}
		x[i] /= c.l[i*c.k+i]
	}
	for i := c.k - 1; i >= 0; i-- {
		for j := i + 1; j < c.k; j++ {
			x[i] -= c.l[j*c.k+i] * x[j]
		}
		x[i] /= c.l[i*c.k+i]
	}
	for i := range x {
		x[i] /= c.scale[i]
	}
	return x
}

// inverse is a⁻¹.
func (c *cholesky) inverse() *mat.SymDense {
	inverse := mat.NewSymDense(c.k, nil)
	for j := range c.k {
		unit := make([]float64, c.k)
		unit[j] = 1
		for i, x := range c.solve(unit)[:j+1] {
			inverse.SetSym(i, j, x)
		}
	}
	return inverse
}

// dependence lists the columns before a dependent one that it is a combination of.
func (c *cholesky) dependence(a *mat.SymDense, dependent int) []int {
	before := &cholesky{k: dependent, l: make([]float64, dependent*dependent), scale: c.scale[:dependent]}
	right := make([]float64, dependent)
	for i := range dependent {
		copy(before.l[i*dependent:(i+1)*dependent], c.l[i*c.k:i*c.k+dependent])
		right[i] = a.At(i, dependent)
	}
	var columns []int
	for j, x := range before.solve(right) {
		if math.Abs(x)*c.scale[j] > 1e-6*c.scale[dependent] {
			columns = append(columns, j)
		}
	}
	return columns
}
