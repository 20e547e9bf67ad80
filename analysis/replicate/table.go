package replicate

import (
	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/floats"
)

// table are multipliers that are stored, those of one unit side by side.
type table struct {
	n, columns int // units and replicates
	x          []float64
	known      func(seen []bool) int // the rank, where it follows from the method
}

func newTable(units, replicates int) *table {
	return &table{n: units, columns: replicates, x: make([]float64, units*replicates)}
}

func (t *table) units() int      { return t.n }
func (t *table) replicates() int { return t.columns }

func (t *table) row(unit int) []float64 { return t.x[unit*t.columns : (unit+1)*t.columns] }

func (t *table) block(into []float64, from, to int) {
	width := to - from
	for u := range t.n {
		copy(into[u*width:(u+1)*width], t.row(u)[from:to])
	}
}

// fill sets the multipliers of each replicate, all cores at once.
func (t *table) fill(replicate func(r int, m []float64)) {
	parallel.Do(t.columns, func(r int) {
		m := make([]float64, t.n)
		replicate(r, m)
		for u, x := range m {
			t.x[u*t.columns+r] = x
		}
	})
}

func (t *table) rank(seen []bool) int {
	if t.known != nil {
		return t.known(seen)
	}
	return rank(t.columns, func(yield func(row []float64) bool) {
		for u := range t.n {
			if seen[u] && !yield(t.row(u)) {
				return
			}
		}
	})
}

// rankTolerance is R's in degf: a column of which less than this share is new adds
// nothing.
const rankTolerance = 1e-5

// rank is that of a matrix of weights. Rows are taken one after the other until they are
// as many independent ones as there are columns, which is soon as a rule. When they
// never are, the columns are judged as R does (survey 4.5, degf).
func rank(columns int, rows func(yield func(row []float64) bool)) int {
	var basis [][]float64
	var seen [][]float64
	var last []float64
	left := make([]float64, columns)
	rows(func(row []float64) bool {
		if last == nil || !floats.Equal(last, row) { // not people of one PSU
			seen, last = append(seen, row), row
			copy(left, row)
			basis = extended(basis, left)
		}
		return len(basis) < columns
	})
	if len(basis) == columns {
		return columns
	}
	basis = nil
	column := make([]float64, len(seen))
	for r := range columns {
		for i, row := range seen {
			column[i] = row[r]
		}
		basis = extended(basis, column)
	}
	return len(basis)
}

// extended adds what is new in a vector to an orthonormal basis, if that is enough. It
// overwrites the vector.
func extended(basis [][]float64, v []float64) [][]float64 {
	size := floats.Norm(v, 2)
	if size == 0 {
		return basis
	}
	for range 2 { // the second time for the sake of rounding
		for _, b := range basis {
			floats.AddScaled(v, -floats.Dot(v, b), b)
		}
	}
	rest := floats.Norm(v, 2)
	if rest < rankTolerance*size {
		return basis
	}
	b := make([]float64, len(v))
	floats.ScaleTo(b, 1/rest, v)
	return append(basis, b)
}
