package analysis

import (
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A grid holds numbers row by row: one row for each unit or stratum, one column for
// each statistic.
type grid struct {
	rows, columns int
	x             []float64
}

func newGrid(rows, columns int) grid {
	return grid{rows, columns, make([]float64, rows*columns)}
}

func (t grid) row(i int) []float64 { return t.x[i*t.columns : (i+1)*t.columns] }

// squares is the upper triangle of a sum of cross-products.
type squares struct {
	k int
	x []float64
}

func newSquares(k int) squares { return squares{k, make([]float64, k*k)} }

// add adds s·v v′.
func (q squares) add(s float64, v []float64) {
	if s == 0 {
		return
	}
	q.addRows(0, q.k, s, v)
}

// addRows adds rows from to to of s·v v′.
func (q squares) addRows(from, to int, s float64, v []float64) {
	for a := from; a < to; a++ {
		if v[a] != 0 {
			floats.AddScaled(q.x[a*q.k+a:(a+1)*q.k], s*v[a], v[a:])
		}
	}
}

// settle makes variances zero that are below it by rounding only: sums of terms of the
// size of Σz² with both signs, as joint probabilities give, seldom end at zero.
func (q squares) settle(z grid) {
	for j := range q.k {
		v := &q.x[j*q.k+j]
		if *v >= 0 {
			continue
		}
		var size float64
		for i := range z.rows {
			x := z.x[i*z.columns+j]
			size += x * x
		}
		if *v > -1e-12*size {
			*v = 0
		}
	}
}

// matrix is the sum as a symmetric matrix, which takes the triangle over.
func (q squares) matrix() *mat.SymDense { return mat.NewSymDense(q.k, q.x) }
