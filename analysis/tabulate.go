package analysis

import (
	"fmt"
	"slices"
)

// Variable is a column of numbers, one for each row of the design; NaN is missing.
type Variable struct {
	Name   string
	Values []float64
}

// FactorColumn classifies the rows of a design: Level has an index into
// Factor.Levels for each row, -1 for missing.
type FactorColumn struct {
	Factor
	Level []int
}

// Cells sums the variables by PSU and crossing of the factors. The rows come in the
// order of PSU and levels, and each is summed in the order of the columns.
func (d *Design) Cells(variables []Variable, factors []FactorColumn) (*Cells, error) {
	c := &Cells{PSUs: d.PSUs(), Settings: d.settings}
	for _, v := range variables {
		if len(v.Values) != d.rows {
			return nil, fmt.Errorf("variable %q has %d values for %d rows of the design; give one for each row, NaN for missing", v.Name, len(v.Values), d.rows)
		}
		if slices.Contains(c.Variables, v.Name) {
			return nil, fmt.Errorf("two variables are called %q; rename one", v.Name)
		}
		c.Variables = append(c.Variables, v.Name)
	}
	for _, f := range factors {
		if err := d.checkFactor(f); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(c.Factors, func(g Factor) bool { return g.ID == f.ID }) {
			return nil, fmt.Errorf("two factors are called %q; rename one", f.ID)
		}
		c.Factors = append(c.Factors, Factor{f.ID, slices.Clone(f.Levels)})
	}
	x := d.cross(factors)
	t := newTally(len(x.levels), len(variables))
	for psu := range d.psus {
		d.sumPSU(psu, variables, x, t)
		c.Rows = t.flush(c.Rows, psu, x)
	}
	return c, nil
}

func (d *Design) checkFactor(f FactorColumn) error {
	if len(f.Level) != d.rows {
		return fmt.Errorf("factor %q has %d values for %d rows of the design; give one for each row, -1 for missing", f.ID, len(f.Level), d.rows)
	}
	for i, l := range f.Level {
		if l < -1 || l >= len(f.Levels) {
			return fmt.Errorf("factor %q has level %d in row %d, but only %d levels; -1 is missing", f.ID, l, i, len(f.Levels))
		}
	}
	return nil
}

// sumPSU adds the people of one PSU to the tally.
func (d *Design) sumPSU(psu int, variables []Variable, x crossing, t *tally) {
	for place := d.start[psu]; place < d.start[psu+1]; place++ {
		row := d.rowAt(place)
		w := d.weight[place]
		k := t.slot(x.code[row])
		t.add(k, w, d.baseOf(row))
		sums := t.sums[k*len(variables):][:len(variables)]
		for v := range variables {
			if y := variables[v].Values[row]; y == y { // not NaN
				s := &sums[v]
				wy := w * y
				s.N++
				s.W += w
				s.W2 += w * w
				s.WY += wy
				s.WY2 += wy * y
			}
		}
	}
}

// baseOf is the weight of a row before raking, 0 when the weights were not raked.
func (d *Design) baseOf(row int) float64 {
	if d.base == nil {
		return 0
	}
	return d.base[row]
}

// crossing numbers the crossings of factor levels that occur, in the order of the
// levels with the first factor slowest and missing before the others.
type crossing struct {
	code   []int32 // of each row
	levels [][]int // of each crossing
}

// cross takes the factors one after another. After each one it keeps only the
// numbers that occur, so that many factors need no large table.
func (d *Design) cross(factors []FactorColumn) crossing {
	x := crossing{code: make([]int32, d.rows), levels: [][]int{nil}}
	for _, f := range factors {
		x = x.with(f)
	}
	return x
}

func (x crossing) with(f FactorColumn) crossing {
	n := len(f.Levels) + 1
	place := make([]int32, len(x.levels)*n)
	for i, k := range x.code {
		place[int(k)*n+f.Level[i]+1] = 1
	}
	next := crossing{code: make([]int32, len(x.code))}
	for k, occurs := range place {
		if occurs == 0 {
			continue
		}
		place[k] = int32(len(next.levels))
		next.levels = append(next.levels, append(slices.Clone(x.levels[k/n]), k%n-1))
	}
	for i, k := range x.code {
		next.code[i] = place[int(k)*n+f.Level[i]+1]
	}
	return next
}

// tally holds the sums of the PSU at hand, only of crossings that occur in it.
type tally struct {
	slots     []int32 // of each crossing: its place in the slices below + 1; 0 = none yet
	crossings []int32
	people    []person
	sums      []Sum // variables together for each crossing
	variables int
}

func newTally(crossings, variables int) *tally {
	return &tally{slots: make([]int32, crossings), variables: variables}
}

// slot finds or makes the place of a crossing.
func (t *tally) slot(crossing int32) int {
	if k := t.slots[crossing]; k > 0 {
		return int(k - 1)
	}
	t.crossings = append(t.crossings, crossing)
	t.people = append(t.people, person{})
	for range t.variables {
		t.sums = append(t.sums, Sum{})
	}
	t.slots[crossing] = int32(len(t.crossings))
	return len(t.crossings) - 1
}

// person sums what is known of everybody in a crossing.
type person struct {
	n           int
	w, w2, base float64
}

// add counts one person into a slot.
func (t *tally) add(slot int, w, base float64) {
	p := &t.people[slot]
	p.n++
	p.w += w
	p.w2 += w * w
	p.base += base
}

// flush writes the PSU's cells in order of crossing and empties the tally.
func (t *tally) flush(cells []Cell, psu int, x crossing) []Cell {
	slices.Sort(t.crossings)
	sums := make([]Sum, 0, len(t.sums))
	for _, k := range t.crossings {
		at := int(t.slots[k] - 1)
		from := len(sums)
		sums = append(sums, t.sums[at*t.variables:][:t.variables]...)
		p := t.people[at]
		cells = append(cells, Cell{
			PSU: psu, Levels: x.levels[k],
			N: p.n, W: p.w, W2: p.w2, Base: p.base, Sums: sums[from:len(sums):len(sums)],
		})
		t.slots[k] = 0
	}
	t.crossings, t.people, t.sums = t.crossings[:0], t.people[:0], t.sums[:0]
	return cells
}
