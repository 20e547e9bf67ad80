package analysis

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
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
	c := &Cells{PSUs: d.PSUs(), Settings: d.settings, Population: d.layout.populations()}
	if !d.layout.simple() {
		c.layout = d.layout
	}
	factors, margins, err := d.withMargins(factors)
	if err != nil {
		return nil, err
	}
	c.Margins = margins
	for _, v := range variables {
		if err := d.checkVariable(v, c.Variables); err != nil {
			return nil, err
		}
		c.Variables = append(c.Variables, v.Name)
	}
	for _, f := range factors {
		if err := d.checkFactor(f, c.Factors); err != nil {
			return nil, err
		}
		c.Factors = append(c.Factors, Factor{f.ID, slices.Clone(f.Levels)})
	}
	x, err := d.cross(factors)
	if err != nil {
		return nil, err
	}
	first := d.countCells(x)
	c.Rows = make([]Cell, first[d.layout.leaves()])
	sums := make([]Sum, len(c.Rows)*len(variables))
	for i := range c.Rows {
		c.Rows[i].Sums = sums[i*len(variables):][:len(variables):len(variables)]
	}
	d.eachBlock(len(x.levels), func(leaf int, slots []int32) {
		d.sumLeaf(leaf, c.Rows[first[leaf]:first[leaf+1]], variables, x, slots)
	})
	for k, v := range variables {
		var all Sum
		for i := range c.Rows {
			all = all.add(c.Rows[i].Sums[k])
		}
		if err := d.checkFinite(all, v); err != nil {
			return nil, fmt.Errorf("variable %q: %w", v.Name, err)
		}
	}
	c.nameLeaves(first)
	return c, nil
}

func (d *Design) checkVariable(v Variable, before []string) error {
	if len(v.Values) != d.rows {
		return fmt.Errorf("variable %q has %d values for %d rows of the design; give one for each row, NaN for missing", v.Name, len(v.Values), d.rows)
	}
	if slices.Contains(before, v.Name) {
		return fmt.Errorf("two variables are called %q; rename one", v.Name)
	}
	return nil
}

func (d *Design) checkFactor(f FactorColumn, before []Factor) error {
	if len(f.Level) != d.rows {
		return fmt.Errorf("factor %q has %d values for %d rows of the design; give one for each row, -1 for missing", f.ID, len(f.Level), d.rows)
	}
	if slices.ContainsFunc(before, func(g Factor) bool { return g.ID == f.ID }) {
		return fmt.Errorf("two factors are called %q; rename one", f.ID)
	}
	if len(f.Levels) == 0 {
		return fmt.Errorf("factor %q has no levels; name those it can have", f.ID)
	}
	for i, l := range f.Level {
		if l < -1 || l >= len(f.Levels) {
			return errLevel(f.Factor, l, i)
		}
	}
	return nil
}

// errLevel is a level that the factor does not have.
func errLevel(f Factor, level, row int) error {
	return rowError(row, "factor %[2]q has level %[3]d in %[1]s, but only %[4]d levels; -1 is missing", f.ID, level, len(f.Levels))
}

// nameLeaves numbers PSU and leaf of each cell: those of leaf i are first[i] to
// first[i+1].
func (c *Cells) nameLeaves(first []int) {
	for leaf := range first[1:] {
		psu := leaf
		if c.layout != nil {
			psu = c.layout.psuOf(leaf)
		}
		for i := first[leaf]; i < first[leaf+1]; i++ {
			c.Rows[i].PSU = psu
			if c.layout != nil {
				c.Rows[i].Unit = leaf
			}
		}
	}
}

// eachBlock calls work for every leaf of the design, in parallel, with a table of one zero for each
// crossing, which it must leave as zeros.
func (d *Design) eachBlock(crossings int, work func(leaf int, slots []int32)) {
	leaves := d.layout.leaves()
	block := max(64, leaves/256) // few tables of slots when there are many leaves
	parallel.Blocks(leaves, block, func(_, from, to int) {
		slots := make([]int32, crossings)
		for leaf := from; leaf < to; leaf++ {
			work(leaf, slots)
		}
	})
}

// countCells numbers the cells: those of leaf i are first[i] to first[i+1].
func (d *Design) countCells(x crossing) (first []int) {
	first = make([]int, d.layout.leaves()+1)
	d.eachBlock(len(x.levels), func(leaf int, slots []int32) {
		first[leaf+1] = len(d.crossingsIn(leaf, x, slots))
	})
	for i := range first[1:] {
		first[i+1] += first[i]
	}
	return first
}

// crossingsIn lists the crossings that occur in a leaf, in order.
func (d *Design) crossingsIn(leaf int, x crossing, slots []int32) []int32 {
	var found []int32
	for place := d.leaf[leaf]; place < d.leaf[leaf+1]; place++ {
		k := x.code[d.rowAt(place)]
		if slots[k] == 0 {
			slots[k] = 1
			found = append(found, k)
		}
	}
	for _, k := range found {
		slots[k] = 0
	}
	slices.Sort(found)
	return found
}

// sumLeaf fills the cells of one leaf.
func (d *Design) sumLeaf(leaf int, cells []Cell, variables []Variable, x crossing, slots []int32) {
	found := d.crossingsIn(leaf, x, slots)
	for i, k := range found {
		slots[k] = int32(i)
		cells[i].Levels = x.levels[k]
	}
	for place := d.leaf[leaf]; place < d.leaf[leaf+1]; place++ {
		row := d.rowAt(place)
		w := d.weight[place]
		c := &cells[slots[x.code[row]]]
		c.N++
		c.W += w
		c.W2 += w * w
		if d.base != nil {
			c.Base += d.base[row]
		}
		for v := range variables {
			if y := variables[v].Values[row]; y == y { // not NaN
				c.Sums[v].include(w, y)
			}
		}
	}
	for _, k := range found {
		slots[k] = 0
	}
}

// include adds one person with weight w and value y.
func (s *Sum) include(w, y float64) {
	wy := w * y
	s.N++
	s.W += w
	s.W2 += w * w
	s.WY += wy
	s.WY2 += wy * y
}

// crossing numbers the crossings of factor levels that occur, in the order of the
// levels with the first factor slowest and missing before the others.
type crossing struct {
	code   []int32 // of each row
	levels [][]int // of each crossing
}

// cross takes the factors one after another. After each one it keeps only the
// crossings that occur, so that many factors need no large table.
func (d *Design) cross(factors []FactorColumn) (crossing, error) {
	x := crossing{code: make([]int32, d.rows), levels: [][]int{nil}}
	for _, f := range factors {
		if n := len(x.levels) * (len(f.Levels) + 1); n > math.MaxInt32 {
			return x, fmt.Errorf("factor %q and those before it have %d crossings; merge levels", f.ID, n)
		}
		x.refine(f)
	}
	return x, nil
}

// refine crosses with one more factor.
func (x *crossing) refine(f FactorColumn) {
	n := len(f.Levels) + 1
	place := make([]int32, len(x.levels)*n)
	for i, l := range f.Level {
		k := x.code[i]*int32(n) + int32(l) + 1
		x.code[i] = k
		place[k] = 1
	}
	var levels [][]int
	for k, occurs := range place {
		if occurs != 0 {
			place[k] = int32(len(levels))
			levels = append(levels, append(slices.Clone(x.levels[k/n]), k%n-1))
		}
	}
	for i, k := range x.code {
		x.code[i] = place[k]
	}
	x.levels = levels
}
