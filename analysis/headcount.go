package analysis

import "fmt"

// People are those whom an estimate is about, for rules on what may be published. The
// estimates themselves need none of it.
type People struct {
	// N is how many have a value, and Ones how many of them the value 1; -1 where the cells
	// have not counted that.
	N, Ones int
	// PSUs is how many primary sampling units they come from.
	PSUs int
	// Weighted is Σw and WeightedOnes Σwy, which of zeros and ones is the weight of the ones.
	Weighted, WeightedOnes float64
	// Largest and Second are the two largest weights; 0 where the cells have not looked. Cells do
	// not know who of them has a value, so that a weight may be that of a person of the same PSU
	// and the same levels without one.
	Largest, Second float64
}

// People counts who has a value of a variable in a domain, for every crossing of the levels of
// the factors, the last one fastest, in one pass; without factors there is one entry. Who has
// no level of a factor is in no crossing.
func (c *Cells) People(variable string, in Domain, factors ...string) ([]People, error) {
	all, err := c.PeopleOf([]string{variable}, in, factors...)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// PeopleOf is People of several variables, in one pass together.
func (c *Cells) PeopleOf(variables []string, in Domain, factors ...string) ([][]People, error) {
	numbers, err := c.variables(variables)
	if err != nil {
		return nil, err
	}
	crossed, err := c.crossedFactors(in, factors)
	if err != nil {
		return nil, err
	}
	want, err := c.selection(in)
	if err != nil {
		return nil, err
	}
	if _, err := c.common(); err != nil { // the cells are sound
		return nil, err
	}
	groups := c.crossings(crossed)
	out := newTable[People](len(numbers), groups)
	seen := newTable[uint64](len(numbers)*groups, (len(c.PSUs)+63)/64)
	for i := range c.Rows {
		r := &c.Rows[i]
		g := c.crossingOf(r.Levels, crossed)
		if g < 0 || !matches(r.Levels, want) {
			continue
		}
		for k, v := range numbers {
			out[k][g].join(r, v, seen[k*groups+g])
		}
	}
	return out, nil
}

// join adds the people of a cell; seen has a bit for each PSU that has been counted.
func (p *People) join(r *Cell, variable int, seen []uint64) {
	s := &r.Sums[variable]
	if s.N == 0 {
		return
	}
	p.N += s.N
	p.Weighted += s.W
	p.WeightedOnes += s.WY
	if r.Ones == nil {
		p.Ones = -1
	} else if p.Ones >= 0 {
		p.Ones += r.Ones[variable]
	}
	p.Largest, p.Second = twoLargest(p.Largest, p.Second, r.Largest, r.Second)
	if bit := uint64(1) << (r.PSU % 64); seen[r.PSU/64]&bit == 0 {
		seen[r.PSU/64] |= bit
		p.PSUs++
	}
}

// twoLargest are the two largest of four numbers, of which the first two and the last two are
// in order.
func twoLargest(a, b, c, d float64) (first, second float64) {
	if c > a {
		return c, max(a, d)
	}
	return a, max(b, c)
}

// CountedCells is Cells with what rules on publication need: the ones of each variable and the
// two largest weights of each cell.
func (d *Design) CountedCells(variables []Variable, factors []FactorColumn) (*Cells, error) {
	c, err := d.Cells(variables, factors)
	if err != nil {
		return nil, err
	}
	factors, _, err = d.withMargins(factors)
	if err != nil {
		return nil, err
	}
	x, err := d.cross(factors)
	if err != nil {
		return nil, err
	}
	first := d.countCells(x)
	if last := first[len(first)-1]; last != len(c.Rows) {
		return nil, fmt.Errorf("the design has %d cells and %d were summed", last, len(c.Rows))
	}
	ones := make([]int, len(c.Rows)*len(variables))
	for i := range c.Rows {
		c.Rows[i].Ones = ones[i*len(variables):][:len(variables):len(variables)]
	}
	d.eachBlock(len(x.levels), func(leaf int, slots []int32) {
		d.countLeaf(leaf, c.Rows[first[leaf]:first[leaf+1]], variables, x, slots)
	})
	return c, nil
}

// countLeaf counts in the cells of one leaf.
func (d *Design) countLeaf(leaf int, cells []Cell, variables []Variable, x crossing, slots []int32) {
	found := d.crossingsIn(leaf, x, slots)
	for i, k := range found {
		slots[k] = int32(i)
	}
	for place := d.leaf[leaf]; place < d.leaf[leaf+1]; place++ {
		row := d.rowAt(place)
		c := &cells[slots[x.code[row]]]
		c.Largest, c.Second = twoLargest(c.Largest, c.Second, d.weight[place], 0)
		for v := range variables {
			if variables[v].Values[row] == 1 {
				c.Ones[v]++
			}
		}
	}
	for _, k := range found {
		slots[k] = 0
	}
}
