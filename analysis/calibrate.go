package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A Calibration says how Columns.Weight came from Columns.Base: by raking to margins,
// by calibration to the totals of auxiliary variables, or to both. What is known of the
// population then varies no more from sample to sample, and standard errors say so.
// Every column has one element for each row.
type Calibration struct {
	// Margins are the classifications whose counts were met.
	Margins []FactorColumn
	// Auxiliary are the variables whose totals were met; a column of ones where the size
	// of the population was.
	Auxiliary []Variable
	// Spread is the working variance of each row, up to a factor; nil means 1. For a
	// ratio estimator it is the auxiliary variable itself.
	Spread []float64
	// Weight is the weight of each row right after the calibration, where a later step,
	// such as trimming, changed it; nil means that it is Columns.Weight. What a later step
	// multiplies a weight by is taken as given.
	Weight []float64
}

// check names the faults.
func (c *Calibration) check(weight, base []float64, rows int) error {
	if base == nil {
		return errors.New("the calibration needs the weights before it; give them in Columns.Base")
	}
	if c.Spread != nil && len(c.Spread) != rows {
		return fmt.Errorf("calibration: %d working variances for %d rows; give one for each row, or none", len(c.Spread), rows)
	}
	if c.Weight != nil && len(c.Weight) != rows {
		return fmt.Errorf("calibration: %d weights right after it for %d rows; give one for each row, or none", len(c.Weight), rows)
	}
	var faults []error
	for _, f := range c.Margins {
		faults = append(faults, c.checkMargin(f, weight))
	}
	for _, v := range c.Auxiliary {
		faults = append(faults, c.checkAuxiliary(v, weight))
	}
	for i, w := range weight {
		switch {
		case w > 0 && !(base[i] > 0):
			faults = append(faults, rowError(i, "calibration: %s has weight %v, but %v before; a calibration changes weights that there are", w, base[i]))
		case w > 0 && c.Spread != nil && !(c.Spread[i] > 0 && !math.IsInf(c.Spread[i], 1)):
			faults = append(faults, rowError(i, "calibration: the working variance of %s is %v; it must be above zero", c.Spread[i]))
		case w > 0 && c.Weight != nil && !(c.Weight[i] > 0 && !math.IsInf(c.Weight[i], 1)):
			faults = append(faults, rowError(i, "calibration: %s has weight %v, but %v right after the calibration; it must be above zero", w, c.Weight[i]))
		default:
			continue
		}
		break
	}
	return errors.Join(faults...)
}

func (c *Calibration) checkMargin(f FactorColumn, weight []float64) error {
	if len(f.Level) != len(weight) {
		return fmt.Errorf("calibration: margin %q has %d values for %d rows; give one for each row", f.ID, len(f.Level), len(weight))
	}
	for i, l := range f.Level {
		if weight[i] > 0 && (l < 0 || l >= len(f.Levels)) {
			return rowError(i, "calibration: margin %[2]q has level %[3]d in %[1]s, but %[4]d levels; raked weights need it for everybody", f.ID, l, len(f.Levels))
		}
	}
	return nil
}

func (c *Calibration) checkAuxiliary(v Variable, weight []float64) error {
	if len(v.Values) != len(weight) {
		return fmt.Errorf("calibration: variable %q has %d values for %d rows; give one for each row", v.Name, len(v.Values), len(weight))
	}
	for i, x := range v.Values {
		if weight[i] > 0 && (math.IsNaN(x) || math.IsInf(x, 0)) {
			return rowError(i, "calibration: variable %[2]q is %[3]v in %[1]s; calibrated weights need a number for everybody", v.Name, x)
		}
	}
	return nil
}

// A regression turns linearised values into their residuals on what the weights were
// calibrated to:
//
//	z_k − c_k x_k′B,  B = (Σ d x x′/q)⁻¹ Σ d x z/(c q),  z = w u
//
// with d the weights before calibration, c those after it and w the final ones, which
// are c unless a later step changed them; x are the indicators of the margins and the
// auxiliary variables, q the working variance (Deville and Särndal 1992; calibrate in R
// survey 4.5). Everything is by person in the design's order.
type regression struct {
	width     int
	margins   []Factor
	columns   [][]int32 // of each margin: the column of x that is 1
	auxiliary [][]float64
	weight    []float64 // c
	ratio     []float64 // d/(c q)
	spread    bool      // whether there is a q
	later     bool      // whether a later step changed c
	inverse   *mat.Dense
}

// calibrate makes the regression of a design.
func (d *Design) calibrate(c *Calibration) error {
	if c == nil {
		return nil
	}
	r := &regression{weight: d.weight, ratio: make([]float64, len(d.weight)), spread: c.Spread != nil, later: c.Weight != nil}
	if r.later {
		r.weight = make([]float64, len(d.weight))
	}
	for place := range r.ratio {
		row := d.rowAt(place)
		if r.later {
			r.weight[place] = c.Weight[row]
		}
		r.ratio[place] = d.base[row] / r.weight[place]
		if c.Spread != nil {
			r.ratio[place] /= c.Spread[row]
		}
	}
	for _, f := range c.Margins {
		columns := make([]int32, len(d.weight))
		for place := range columns {
			columns[place] = int32(r.width + f.Level[d.rowAt(place)])
		}
		r.columns = append(r.columns, columns)
		r.margins = append(r.margins, Factor{f.ID, slices.Clone(f.Levels)})
		r.width += len(f.Levels)
	}
	for _, v := range c.Auxiliary {
		x := make([]float64, len(d.weight))
		for place := range x {
			x[place] = v.Values[d.rowAt(place)]
		}
		r.auxiliary = append(r.auxiliary, x)
	}
	r.width += len(r.auxiliary)
	d.regression = r
	return r.invert()
}

// peopleBlock is how many people a block of sums has. The blocks do not depend on the
// number of cores, and are added in order.
const peopleBlock = 1 << 15

// each calls visit for the elements of x of a person that are not zero.
func (r *regression) each(place int, visit func(column int, x float64)) {
	for _, columns := range r.columns {
		visit(int(columns[place]), 1)
	}
	first := r.width - len(r.auxiliary)
	for k, x := range r.auxiliary {
		if x[place] != 0 {
			visit(first+k, x[place])
		}
	}
}

// invert computes (Σ d x x′/q)⁻¹, with x scaled to the same size first.
func (r *regression) invert() error {
	weight := r.weight
	parts := make([][]float64, (len(weight)+peopleBlock-1)/peopleBlock)
	parallel.Blocks(len(weight), peopleBlock, func(b, from, to int) {
		sum := make([]float64, r.width*r.width)
		for place := from; place < to; place++ {
			d := weight[place] * r.ratio[place]
			r.each(place, func(i int, x float64) {
				r.each(place, func(j int, y float64) {
					if j >= i {
						sum[i*r.width+j] += d * x * y
					}
				})
			})
		}
		parts[b] = sum
	})
	for _, p := range parts[1:] {
		floats.Add(parts[0], p)
	}
	normal := mat.NewSymDense(r.width, parts[0])
	scale := make([]float64, r.width)
	for i := range scale {
		scale[i] = 1
		if v := normal.At(i, i); v > 0 {
			scale[i] = 1 / math.Sqrt(v)
		}
	}
	rescale := func(i, j int, v float64) float64 { return v * scale[i] * scale[j] }
	for i := range scale {
		for j := i; j < r.width; j++ {
			normal.SetSym(i, j, rescale(i, j, normal.At(i, j)))
		}
	}
	inverse, err := generalisedInverse(normal)
	if err != nil {
		return err
	}
	inverse.Apply(rescale, inverse)
	r.inverse = inverse
	return nil
}

// coefficients are B of each column of z.
func (r *regression) coefficients(z [][]float64) [][]float64 {
	b := make([][]float64, len(z))
	parallel.Do(len(z), func(j int) {
		xu := make([]float64, r.width)
		for place, v := range z[j] {
			if v == 0 {
				continue
			}
			u := v * r.ratio[place]
			r.each(place, func(i int, x float64) { xu[i] += u * x })
		}
		b[j] = make([]float64, r.width)
		mat.NewVecDense(r.width, b[j]).MulVec(r.inverse, mat.NewVecDense(r.width, xu))
	})
	return b
}

// predict is x′B of a person.
func (r *regression) predict(place int, b []float64) float64 {
	var sum float64
	for _, columns := range r.columns {
		sum += b[columns[place]]
	}
	first := r.width - len(r.auxiliary)
	for k, x := range r.auxiliary {
		sum += b[first+k] * x[place]
	}
	return sum
}

// residualSums adds up the residuals of columns over the people of each leaf.
func (d *Design) residualSums(z [][]float64) leafSums {
	b := d.regression.coefficients(z)
	return leafSums{columns: len(z), fill: func(sums []float64, column, from, to int) {
		for leaf := from; leaf < to; leaf++ {
			var sum float64
			for place := d.leaf[leaf]; place < d.leaf[leaf+1]; place++ {
				sum += z[column][place] - d.regression.weight[place]*d.regression.predict(place, b[column])
			}
			sums[leaf-from] = sum
		}
	}}
}

// groupResiduals turns the linearised sums of leaves by group into those of the
// residuals: z − Σ c x′B for each leaf, with B of each group from the score of its
// people at y.
func (d *Design) groupResiduals(x tabulation, z grid, score func(group int, y float64) float64) {
	r := d.regression
	xu := newGrid(r.width, x.groups)
	codes := make([]groupCode, 1)
	for place, w := range d.weight {
		y := x.y[d.rowAt(place)]
		if d.number(x, place, codes); codes[0] < 0 || y != y {
			continue
		}
		u := w * r.ratio[place] * score(int(codes[0]), x.value(codes[0], y))
		r.each(place, func(i int, v float64) { xu.row(i)[codes[0]] += u * v })
	}
	d.subtractFit(z, xu)
}

// subtractFit turns linearised sums of leaves into those of the residuals, z − Σ c x′B
// with B = (Σ d x x′/q)⁻¹ xu for each column of z; xu is Σ d x u/q.
func (d *Design) subtractFit(z, xu grid) {
	r := d.regression
	var b mat.Dense
	b.Mul(r.inverse, mat.NewDense(r.width, xu.columns, xu.x))
	const leaves = 32
	parallel.Blocks(z.rows, leaves, func(_, from, to int) {
		wx := make([]float64, r.width)
		for leaf := from; leaf < to; leaf++ {
			clear(wx)
			for place := d.leaf[leaf]; place < d.leaf[leaf+1]; place++ {
				r.each(place, func(i int, v float64) { wx[i] += r.weight[place] * v })
			}
			for i, v := range wx {
				floats.AddScaled(z.row(leaf), -v, b.RawRowView(i))
			}
		}
	})
}

// personal gives the residuals of the scores of a sample of one variable by leaf: a
// score is a linear function of the sums of a person.
func (d *Design) personal(y []float64, in []bool) func(score func(Sum) float64) []float64 {
	return func(score func(Sum) float64) []float64 {
		z := make([]float64, len(d.weight))
		for place, w := range d.weight {
			row := d.rowAt(place)
			if v := y[row]; v == v && (in == nil || in[row]) {
				z[place] = score(Sum{1, w, w * w, w * v, w * v * v})
			}
		}
		return d.residualSums([][]float64{z}).grid(d.layout.leaves()).x
	}
}

// withMargins adds the margins of the weights to the factors of cells, so that their
// standard errors count the raking too.
func (d *Design) withMargins(factors []FactorColumn) ([]FactorColumn, [][]string, error) {
	r := d.regression
	if r == nil {
		return factors, nil, nil
	}
	if r.later {
		return nil, nil, errors.New("cells cannot hold weights that were changed after their calibration; estimate straight from the design, or make it without Columns.Calibration to take the weights as given")
	}
	if len(r.auxiliary) > 0 || r.spread {
		return nil, nil, errors.New("cells cannot hold a calibration to auxiliary variables; estimate straight from the design, or make it without Columns.Calibration to take the weights as given")
	}
	all := slices.Clone(factors)
	var margins [][]string
	first := int32(0)
	for k, f := range r.margins {
		margins = append(margins, []string{f.ID})
		at := slices.IndexFunc(all, func(g FactorColumn) bool { return g.ID == f.ID })
		switch {
		case at >= 0 && !slices.Equal(all[at].Levels, f.Levels):
			return nil, nil, fmt.Errorf("factor %q is a margin of the weights with other levels; rename it", f.ID)
		case at < 0:
			level := slices.Repeat([]int{-1}, d.rows)
			for place, column := range r.columns[k] {
				level[d.rowAt(place)] = int(column - first)
			}
			all = append(all, FactorColumn{f, level})
		}
		first += int32(len(f.Levels))
	}
	return all, margins, nil
}
