package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// design presents cells as the rows of a design: all people of a cell stand for one, who
// has the sum of their weights. Margins of raked weights become a calibration.
func (c *Cells) design() (*Design, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	l, err := c.frame()
	if err != nil {
		return nil, err
	}
	k, err := c.calibration()
	if err != nil {
		return nil, err
	}
	d := &Design{settings: c.Settings, psus: c.PSUs, layout: l, rows: len(c.Rows)}
	weight, leaf := make([]float64, len(c.Rows)), make([]int32, len(c.Rows))
	for i := range c.Rows {
		weight[i], leaf[i] = c.Rows[i].W, int32(c.leafOf(&c.Rows[i]))
		if !(weight[i] >= 0) || math.IsInf(weight[i], 1) {
			return nil, fmt.Errorf("%s: the sum of the weights of a cell is %v; weights are finite and not negative, correct it", c.place(i), weight[i])
		}
	}
	d.arrange(weight, leaf)
	if k != nil {
		d.regression = k.regression(d)
	}
	return d, nil
}

// regression is the calibration by place in a design of cells: everybody of a cell has
// the same x and the same d/w.
func (k *calibration) regression(d *Design) *regression {
	width, _ := k.inverse.Dims()
	r := &regression{width: width, weight: d.weight, ratio: make([]float64, len(d.weight)), inverse: k.inverse}
	for place := range d.weight {
		m := k.crossing[d.rowAt(place)]
		r.ratio[place] = k.ratio[m]
		if place == 0 {
			r.columns = newTable[int32](len(k.columns[m]), len(d.weight))
		}
		for j, column := range k.columns[m] {
			r.columns[j][place] = int32(column)
		}
	}
	return r
}

// people presents those of a domain who have the variables, by cell, and the means of
// the variables in each. Cells know each variable by itself, so all must be missing for
// the same people. Without variables it is everybody of the domain.
func (c *Cells) people(in Domain, names ...string) (people, []Variable, error) {
	settings, err := c.Settings.orDefault()
	if err != nil {
		return people{}, nil, err
	}
	d, err := c.design()
	if err != nil {
		return people{}, nil, err
	}
	want, err := c.selection(in)
	if err != nil {
		return people{}, nil, err
	}
	numbers := []int{headcount}
	if len(names) > 0 {
		if numbers, err = c.variables(names); err != nil {
			return people{}, nil, err
		}
	}
	cell, means, err := c.means(numbers)
	if err != nil {
		return people{}, nil, err
	}
	p := people{design: d, settings: settings, notes: c.Notes, seen: make([]int, len(d.psus)),
		weight: make([]float64, len(d.weight)), cell: make([]Sum, len(d.weight))}
	for place := range d.weight {
		row := d.rowAt(place)
		p.cell[place], p.weight[place] = cell[row], cell[row].W
		r := &c.Rows[row]
		if !matches(r.Levels, want) {
			continue
		}
		p.seen[r.PSU] += r.N
		p.rows += r.N
		p.weighted += r.W
		if cell[row].W > 0 {
			p.include(int32(place))
		}
	}
	return p, means, nil
}

// variables finds variables by name.
func (c *Cells) variables(names []string) ([]int, error) {
	numbers := make([]int, len(names))
	for i, name := range names {
		var err error
		if numbers[i], err = c.variable(name); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// means are those of variables in each cell, NaN where nobody has a value, and cell the
// statistics of the first one.
func (c *Cells) means(numbers []int) (cell []Sum, means []Variable, err error) {
	cell = make([]Sum, len(c.Rows))
	for _, v := range numbers {
		m := Variable{Values: make([]float64, len(c.Rows))}
		if v != headcount {
			m.Name = c.Variables[v]
		}
		for i := range c.Rows {
			s := c.Rows[i].sum(v)
			if len(means) == 0 {
				cell[i] = s
			}
			switch first := cell[i]; {
			case s.N != first.N || math.Abs(s.W-first.W) > 1e-9*first.W:
				return nil, nil, fmt.Errorf("%s: %d people have %q and %d have %q; make both missing for the same people",
					c.place(i), first.N, means[0].Name, s.N, m.Name)
			case !isFinite(s.W) || !isFinite(s.WY) || !isFinite(s.WY2):
				return nil, nil, fmt.Errorf("%s: variable %q has the sums Σw = %v, Σwy = %v and Σwy² = %v; correct it, or choose a larger unit", c.place(i), m.Name, s.W, s.WY, s.WY2)
			}
			m.Values[i] = math.NaN()
			if s.W > 0 {
				m.Values[i] = s.WY / s.W
			}
		}
		means = append(means, m)
	}
	return cell, means, nil
}

// place says where a cell lies.
func (c *Cells) place(row int) string {
	p := c.PSUs[c.Rows[row].PSU]
	return fmt.Sprintf("PSU %q of stratum %q", p.Name, p.Stratum)
}

// column is a factor by cell.
func (c *Cells) column(factor int) FactorColumn {
	f := FactorColumn{Factor: c.Factors[factor], Level: make([]int, len(c.Rows))}
	for i := range c.Rows {
		f.Level[i] = c.Rows[i].Levels[factor]
	}
	return f
}

// compared finds the groups of a comparison: the levels of a factor that are named, or
// all that somebody has. p are then the people of these groups.
func (c *Cells) compared(p people, group string, in Domain, levels []string) (people, FactorColumn, []int, error) {
	factors, err := c.crossedFactors(in, []string{group})
	if err != nil {
		return people{}, FactorColumn{}, nil, err
	}
	f := c.column(factors[0])
	if len(levels) == 0 {
		p = p.compared(f)
		return p, f, p.levelsOf(f), nil
	}
	groups := make([]int, len(levels))
	for k, name := range levels {
		groups[k] = slices.Index(f.Levels, name)
		if groups[k] < 0 {
			return people{}, FactorColumn{}, nil, fmt.Errorf("factor %q has no level %q; it has: %s", group, name, strings.Join(f.Levels, ", "))
		}
		if slices.Contains(levels[:k], name) {
			return people{}, FactorColumn{}, nil, fmt.Errorf("level %q of factor %q is named twice; name the levels to compare", name, group)
		}
	}
	for i, l := range f.Level {
		if !slices.Contains(groups, l) {
			f.Level[i] = -1
		}
	}
	p = p.compared(f)
	occur := p.levelsOf(f)
	for k, l := range groups {
		if !slices.Contains(occur, l) {
			return people{}, FactorColumn{}, nil, fmt.Errorf("nobody in the domain has a value and level %q of factor %q; leave the level out or widen the domain", levels[k], group)
		}
	}
	return p, f, groups, nil
}
