package disclosure

import (
	"math"
	"slices"
)

// programme bounds hidden numbers x ≥ 0 of which sums are known. It is a simplex method
// that starts from the real numbers, so it needs no first phase, and keeps its basis
// from one question to the next: thousands of questions about one set of sums cost
// little more than one. (gonum's solver starts afresh, refuses sums that depend on each
// other, as those of tables do, and factorises anew in every step.)
//
// The basic numbers are x_B = b − T·x_N, all of x_N at 0.
type programme struct {
	part         part
	values       []float64 // the real numbers of the part
	lo, hi       []float64 // the least and greatest number of each cell at any corner seen
	basic, other []int     // places of the cells
	pivots       int
	row, column  []int // of each cell, its row if basic, else −1; and its column
	t            [][]float64
	b            []float64
}

// tiny is what counts as nothing in T, and firm what may be divided by: its numbers are
// 0, ±1 and fractions with small denominators, so whatever lies between is rounding.
const (
	tiny = 1e-9
	firm = 1e-5
)

// newProgramme solves the sums for as many cells as possible and moves from the real
// numbers to a corner.
func newProgramme(p part, values []float64) *programme {
	n := len(p.cells)
	x := make([]float64, n)
	for k, c := range p.cells {
		x[k] = values[c]
	}
	q := &programme{part: p, values: x, lo: slices.Clone(x), hi: slices.Clone(x)}
	q.start()
	return q
}

// start begins anew, without the rounding of earlier steps.
func (q *programme) start() {
	n := len(q.values)
	q.row, q.column, q.other, q.t = make([]int, n), make([]int, n), nil, nil
	rows, lead := eliminate(q.part, q.values)
	q.arrange(rows, lead, n)
	q.b = make([]float64, len(q.basic))
	for i, c := range q.basic {
		q.b[i] = q.values[c]
	}
	q.corner(q.values)
	q.pivots = 0
}

// reach is how far up (direction 1) or down (−1) a cell can go from its real number, or
// something of at least enough.
func (q *programme) reach(cell int, direction, enough float64) float64 {
	if seen := q.seen(cell, direction); seen >= enough {
		return seen
	}
	if q.pivots > 10*len(q.values)+1000 {
		q.start()
	}
	x := q.extreme(cell, direction, enough)
	if far := math.Abs(x - q.values[cell]); far >= enough-1e-6*max(1, enough) && q.holds() {
		q.note()
		return far
	}
	q.start() // be sure before anything is called found
	x = q.extreme(cell, direction, enough)
	if q.holds() {
		q.note()
	}
	return math.Abs(x - q.values[cell])
}

// seen is how far a cell went at corners that were met before.
func (q *programme) seen(cell int, direction float64) float64 {
	if direction > 0 {
		return q.hi[cell] - q.values[cell]
	}
	return q.values[cell] - q.lo[cell]
}

// note remembers a corner.
func (q *programme) note() {
	for c := range q.values {
		v := q.value(c)
		q.lo[c], q.hi[c] = min(q.lo[c], v), max(q.hi[c], v)
	}
}

// holds reports whether the corner fulfils the sums.
func (q *programme) holds() bool {
	for _, row := range q.part.rows {
		off, size := 0.0, 1.0
		for _, t := range row {
			off += float64(t.sign) * (q.value(t.place) - q.values[t.place])
			size += math.Abs(q.values[t.place])
		}
		if math.Abs(off) > 1e-7*size {
			return false
		}
	}
	return true
}

// eliminate brings the sums to reduced form, with the largest numbers as basic ones, so
// that few steps lead to a corner. It leaves out sums that follow from others.
func eliminate(p part, x []float64) (rows [][]float64, lead []int) {
	for _, terms := range p.rows {
		row := make([]float64, len(p.cells))
		for _, t := range terms {
			row[t.place] = float64(t.sign)
		}
		for i, c := range lead {
			if f := row[c]; f != 0 {
				axpy(row, rows[i], -f)
				row[c] = 0
			}
		}
		best := -1
		for c, f := range row {
			if math.Abs(f) > firm && (best < 0 || x[c]*math.Abs(f) > x[best]*math.Abs(row[best])) {
				best = c
			}
		}
		if best < 0 {
			continue
		}
		f := row[best]
		for c := range row {
			row[c] /= f
			if math.Abs(row[c]) < tiny {
				row[c] = 0
			}
		}
		for i := range rows {
			if f := rows[i][best]; f != 0 {
				axpy(rows[i], row, -f)
				rows[i][best] = 0
			}
		}
		rows, lead = append(rows, row), append(lead, best)
	}
	return rows, lead
}

// axpy adds a multiple of a row to another.
func axpy(y, x []float64, f float64) {
	for i, v := range x {
		if v != 0 {
			y[i] += f * v
			if math.Abs(y[i]) < tiny {
				y[i] = 0
			}
		}
	}
}

// arrange names the basic cells and keeps the columns of the others.
func (q *programme) arrange(rows [][]float64, lead []int, n int) {
	for c := range n {
		q.row[c], q.column[c] = -1, -1
	}
	for i, c := range lead {
		q.row[c] = i
	}
	q.basic = lead
	for c := range n {
		if q.row[c] < 0 {
			q.column[c] = len(q.other)
			q.other = append(q.other, c)
		}
	}
	for i := range rows {
		t := make([]float64, len(q.other))
		for j, c := range q.other {
			t[j] = rows[i][c]
		}
		q.t = append(q.t, t)
	}
}

// corner brings the numbers that are not basic to 0, one after the other: down as long
// as no basic number becomes negative; where one does, it changes places.
func (q *programme) corner(x []float64) {
	for j := range q.other {
		v := x[q.other[j]]
		if v <= 0 {
			continue
		}
		step, leave := v, -1
		for i := range q.basic { // x_j falls by step, x_B grows by T·step
			if f := q.t[i][j]; f < -firm && q.b[i]/-f < step {
				step, leave = q.b[i]/-f, i
			}
		}
		for i := range q.basic {
			q.b[i] = max(0, q.b[i]+q.t[i][j]*step)
		}
		if leave >= 0 {
			q.pivot(leave, j)
			q.b[leave] = v - step
		}
	}
}

// pivot exchanges a basic number with another, in T only.
func (q *programme) pivot(i, j int) {
	row := q.t[i]
	f := 1 / row[j]
	for k := range row {
		row[k] *= f
	}
	row[j] = f
	for r := range q.t {
		if r == i {
			continue
		}
		g := q.t[r][j]
		if g == 0 {
			continue
		}
		other := q.t[r]
		for k, v := range row {
			if v != 0 && k != j {
				other[k] -= g * v
				if math.Abs(other[k]) < tiny {
					other[k] = 0
				}
			}
		}
		other[j] = -g * f
	}
	in, out := q.other[j], q.basic[i]
	q.basic[i], q.other[j] = in, out
	q.row[in], q.column[in] = i, -1
	q.row[out], q.column[out] = -1, j
}

// extreme is the greatest (direction 1) or least (−1) value of a cell, ±Inf if there is
// none, or one that is further than enough from the real one.
func (q *programme) extreme(cell int, direction, enough float64) float64 {
	stalled := 0
	for {
		if v := q.value(cell); (v-q.values[cell])*direction >= enough {
			return v
		}
		j := q.entering(cell, direction, stalled > 2*len(q.other)+20)
		if j < 0 {
			return q.value(cell)
		}
		i, step := q.leaving(j)
		if i < 0 {
			return math.Inf(int(direction))
		}
		if step > 0 {
			stalled = 0
		} else {
			stalled++
		}
		for r := range q.b {
			q.b[r] = max(0, q.b[r]-q.t[r][j]*step)
		}
		q.pivot(i, j)
		q.pivots++
		q.b[i] = step
	}
}

func (q *programme) value(cell int) float64 {
	if i := q.row[cell]; i >= 0 {
		return q.b[i]
	}
	return 0
}

// entering is the column that improves most, or by Bland's rule the first by cell, which
// cannot go in circles; −1 if none improves.
func (q *programme) entering(cell int, direction float64, bland bool) int {
	i := q.row[cell]
	if i < 0 {
		if direction > 0 {
			return q.column[cell]
		}
		return -1
	}
	best, most := -1, firm
	for j, f := range q.t[i] {
		gain := -f * direction
		if gain <= firm {
			continue
		}
		if bland && (best < 0 || q.other[j] < q.other[best]) || !bland && gain > most {
			best, most = j, gain
		}
	}
	return best
}

// leaving is the row that stops the column first, the one of the lowest cell among equals.
func (q *programme) leaving(j int) (row int, step float64) {
	row, step = -1, math.Inf(1)
	for i := range q.basic {
		f := q.t[i][j]
		if f <= firm {
			continue
		}
		if s := q.b[i] / f; s < step-tiny || s <= step+tiny && row >= 0 && q.basic[i] < q.basic[row] {
			row, step = i, s
		}
	}
	return row, max(0, step)
}
