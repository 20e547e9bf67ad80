package disclosure

import (
	"fmt"
	"math"
)

// Round rounds a count to the nearest multiple of base, halves up. Every number by
// itself: sums of p rounded parts differ from the rounded total by up to (p+1)·base/2,
// and no table tells more than that each count is within base/2 of what is printed. It is
// the same in every table that shows the cell. For base 1 or less nothing is rounded.
func Round(n, base int) int {
	if base <= 1 {
		return n
	}
	return (n + base/2) / base * base
}

// Rounded is a two-way table of which every number is a multiple of the base and all
// sums hold.
type Rounded struct {
	Cells         [][]int
	Rows, Columns []int
	Total         int
}

// RoundTable rounds a two-way table so that the sums hold: every cell and every total
// becomes one of the two neighbouring multiples of base, itself if it is one (controlled
// rounding, zero-restricted: Cox and Ernst 1982, Controlled rounding, INFOR 20, who show that it is
// always possible). Among these tables it takes one whose numbers are closest together,
// by the sum of absolute differences over cells and totals: a flow of least cost from
// rows to columns, one unit for each cell that is rounded up. A table with one row
// rounds a list. Nothing is random: the same table is always rounded alike, so asking
// twice tells nothing; but tables that share margins need not agree on them.
func RoundTable(n [][]int, base int) (Rounded, error) {
	if base < 1 {
		return Rounded{}, fmt.Errorf("rounding to multiples of %d; use a base of at least 1, such as 5", base)
	}
	for i, row := range n {
		if len(row) != len(n[0]) {
			return Rounded{}, fmt.Errorf("row %d of the table has %d cells, row 0 has %d; give every row the same columns", i, len(row), len(n[0]))
		}
		for j, c := range row {
			if c < 0 {
				return Rounded{}, fmt.Errorf("cell %d, %d of the table is %d; counts are not negative", i, j, c)
			}
		}
	}
	if len(n) == 0 {
		return Rounded{}, nil
	}
	f := newRounding(n, base)
	if !f.solve() {
		return Rounded{}, fmt.Errorf("no rounding of the table to multiples of %d keeps its sums; this is a fault of the program", base)
	}
	return f.table(), nil
}

// rounding is the flow: source to rows, rows to columns, columns to sink.
type rounding struct {
	n       [][]int
	base    int
	rows    []int
	columns []int
	total   int
	arcs    []arc
	at      [][]int // arcs of each node
	cell    [][]int // arc of each cell, −1 if it is a multiple
}

// arc carries room more units at a cost each; arc i^1 is the way back.
type arc struct {
	to, room, cost int
}

func newRounding(n [][]int, base int) *rounding {
	f := &rounding{n: n, base: base, rows: make([]int, len(n)), columns: make([]int, len(n[0]))}
	for i, row := range n {
		for j, c := range row {
			f.rows[i] += c
			f.columns[j] += c
			f.total += c
		}
	}
	f.at = make([][]int, 2+len(f.rows)+len(f.columns))
	f.link()
	return f
}

func (f *rounding) row(i int) int    { return 2 + i }
func (f *rounding) column(j int) int { return 2 + len(f.rows) + j }

func (f *rounding) add(from, to, room, cost int) int {
	k := len(f.arcs)
	f.arcs = append(f.arcs, arc{to, room, cost}, arc{from, 0, -cost})
	f.at[from] = append(f.at[from], k)
	f.at[to] = append(f.at[to], k+1)
	return k
}

// link makes the arcs. A row takes as many units as its total, rounded down, is above
// its cells, rounded down: these must flow, so they cost less than anything else. One
// more rounds the total up. Rounding up instead of down costs base − 2·remainder.
func (f *rounding) link() {
	must := 4 * f.base * (2 + len(f.rows)*len(f.columns) + len(f.rows) + len(f.columns))
	side := func(from, to, total int, cells []int) {
		down := 0
		for _, c := range cells {
			down += c / f.base
		}
		f.add(from, to, total/f.base-down, -must)
		if rest := total % f.base; rest > 0 {
			f.add(from, to, 1, f.base-2*rest)
		}
	}
	for i, row := range f.n {
		side(0, f.row(i), f.rows[i], row)
	}
	for j := range f.columns {
		var cells []int
		for _, row := range f.n {
			cells = append(cells, row[j])
		}
		side(f.column(j), 1, f.columns[j], cells)
	}
	f.cell = make([][]int, len(f.n))
	for i, row := range f.n {
		for j, c := range row {
			k := -1
			if rest := c % f.base; rest > 0 {
				k = f.add(f.row(i), f.column(j), 1, f.base-2*rest)
			}
			f.cell[i] = append(f.cell[i], k)
		}
	}
}

// solve sends as many units as round the grand total to its nearer neighbour, each along
// the cheapest path left.
func (f *rounding) solve() bool {
	units := Round(f.total, f.base) / f.base
	for _, row := range f.n {
		for _, c := range row {
			units -= c / f.base
		}
	}
	for range units {
		if !f.send() {
			return false
		}
	}
	return true
}

// send sends one unit, by Bellman's and Ford's shortest path.
func (f *rounding) send() bool {
	far := make([]int, len(f.at))
	by := make([]int, len(f.at))
	for v := range far {
		far[v], by[v] = math.MaxInt, -1
	}
	far[0] = 0
	for changed := true; changed; {
		changed = false
		for v := range f.at {
			if far[v] == math.MaxInt {
				continue
			}
			for _, k := range f.at[v] {
				if a := f.arcs[k]; a.room > 0 && far[v]+a.cost < far[a.to] {
					far[a.to], by[a.to], changed = far[v]+a.cost, k, true
				}
			}
		}
	}
	if by[1] < 0 {
		return false
	}
	for v := 1; v != 0; v = f.arcs[by[v]^1].to {
		f.arcs[by[v]].room--
		f.arcs[by[v]^1].room++
	}
	return true
}

// table reads the flow.
func (f *rounding) table() Rounded {
	r := Rounded{Rows: make([]int, len(f.rows)), Columns: make([]int, len(f.columns))}
	for i, row := range f.n {
		cells := make([]int, len(row))
		for j, c := range row {
			cells[j] = c / f.base * f.base
			if k := f.cell[i][j]; k >= 0 && f.arcs[k].room == 0 {
				cells[j] += f.base
			}
			r.Rows[i] += cells[j]
			r.Columns[j] += cells[j]
			r.Total += cells[j]
		}
		r.Cells = append(r.Cells, cells)
	}
	return r
}
