package analysis

import (
	"encoding/binary"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// calibration is what a variance needs to know of weights that were raked.
//
// The linearised total of PSU i becomes
//
//	z_i = Σ_k∈i w_k (u_k − x_k′B),  B = (Σ d x x′)⁻¹ Σ d x u
//
// where u is the score of the estimate, zero outside the domain, x the indicators of
// all levels of all margins, w the weights after and d those before raking (Deville
// and Särndal 1992; as calibrate in R survey 4.5. R's rake sweeps margin by margin
// with unweighted means and differs). Within a crossing of all margins w/d is the same
// for everybody, so sums over crossings are enough.
type calibration struct {
	crossing []int     // of each row of the cells
	ratio    []float64 // d/w of each crossing
	columns  [][]int   // of each crossing: its levels as columns of x
	// weight has Σw of each leaf by column of x.
	weight [][]float64
	// inverse is (Σ d x x′)⁻¹, the generalised inverse.
	inverse *mat.Dense
}

// calibration gathers the sums; nil when the weights were not raked.
func (c *Cells) calibration() (*calibration, error) {
	if len(c.Margins) == 0 {
		return nil, nil
	}
	margins, width, err := c.marginFactors()
	if err != nil {
		return nil, err
	}
	k := &calibration{
		crossing: make([]int, len(c.Rows)),
		weight:   newTable[float64](c.leaves(), width),
	}
	var w, d []float64
	var key []byte
	index := make(map[string]int)
	for i := range c.Rows {
		r := &c.Rows[i]
		columns, err := c.marginColumns(r.Levels, margins)
		if err != nil {
			return nil, err
		}
		key = appendKey(key[:0], columns)
		m, known := index[string(key)]
		if !known {
			m = len(k.columns)
			index[string(key)] = m
			k.columns = append(k.columns, columns)
			w, d = append(w, 0), append(d, 0)
		}
		k.crossing[i] = m
		w[m] += r.W
		d[m] += r.Base
		for _, col := range columns {
			k.weight[c.leafOf(r)][col] += r.W
		}
	}
	return k, k.finish(width, w, d)
}

// appendKey writes the columns in a form that can be a key of a map.
func appendKey(key []byte, columns []int) []byte {
	for _, col := range columns {
		key = binary.AppendUvarint(key, uint64(col))
	}
	return key
}

// finish computes d/w and the inverse from the sums of each crossing.
func (k *calibration) finish(width int, w, d []float64) error {
	normal := mat.NewSymDense(width, nil)
	k.ratio = make([]float64, len(w))
	for m, columns := range k.columns {
		if !(d[m] > 0) || !(w[m] > 0) {
			return errors.New("the cells have margins but no sums of the weights before raking; fill Cell.Base or leave Cells.Margins empty")
		}
		k.ratio[m] = d[m] / w[m]
		for a, i := range columns {
			for _, j := range columns[a:] {
				normal.SetSym(i, j, normal.At(i, j)+d[m])
			}
		}
	}
	var err error
	k.inverse, err = generalisedInverse(normal)
	return err
}

// marginFactors finds the factors of each margin, and how many columns x has.
func (c *Cells) marginFactors() ([][]int, int, error) {
	margins := make([][]int, len(c.Margins))
	width := 0
	for j, ids := range c.Margins {
		for _, id := range ids {
			f, err := c.factor(id)
			if err != nil {
				return nil, 0, fmt.Errorf("margin of the weights: %w", err)
			}
			margins[j] = append(margins[j], f)
		}
		width += c.crossings(margins[j])
	}
	return margins, width, nil
}

// marginColumns lists the columns of x that are 1 for people of these levels.
func (c *Cells) marginColumns(levels []int, margins [][]int) ([]int, error) {
	columns := make([]int, len(margins))
	offset := 0
	for j, factors := range margins {
		g := c.crossingOf(levels, factors)
		if g < 0 {
			return nil, fmt.Errorf("margin %v of the weights is missing in a cell; raked weights need it for everybody", c.Margins[j])
		}
		columns[j] = offset + g
		offset += c.crossings(factors)
	}
	return columns, nil
}

// residuals turns the totals of scores by PSU, Σwu, into those of the residuals.
// byCrossing has Σwu of each crossing of the margins.
func (k *calibration) residuals(byPSU, byCrossing []float64) []float64 {
	width, _ := k.inverse.Dims()
	xu, b := mat.NewVecDense(width, nil), mat.NewVecDense(width, nil)
	for m, u := range byCrossing {
		for _, col := range k.columns[m] {
			xu.SetVec(col, xu.AtVec(col)+u*k.ratio[m])
		}
	}
	b.MulVec(k.inverse, xu)
	z := make([]float64, len(byPSU))
	for i, u := range byPSU {
		z[i] = u
		for col, w := range k.weight[i] {
			z[i] -= w * b.AtVec(col)
		}
	}
	return z
}

// generalisedInverse leaves out the directions in which a has no extent: the
// indicators of every margin add up to the same column, so Σ d x x′ is never of full
// rank.
func generalisedInverse(a *mat.SymDense) (*mat.Dense, error) {
	var e mat.EigenSym
	if !e.Factorize(a, true) {
		return nil, errors.New("the eigenvalues of the margins' cross-products did not converge; merge small levels")
	}
	values := e.Values(nil)
	var vectors, scaled, inverse mat.Dense
	e.VectorsTo(&vectors)
	largest := values[len(values)-1]
	for i, v := range values {
		if v > rankTolerance*largest {
			values[i] = 1 / v
		} else {
			values[i] = 0
		}
	}
	scaled.Mul(&vectors, mat.NewDiagDense(len(values), values))
	inverse.Mul(&scaled, vectors.T())
	return &inverse, nil
}

// rankTolerance is the ratio to the largest eigenvalue below which one is zero.
const rankTolerance = 1e-12
