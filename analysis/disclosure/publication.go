package disclosure

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
)

// Publication is everything that is printed together, or that may be asked for: the
// cells of all tables at once. Tables need no names: a cell is known by its key, and
// what two tables share is one cell.
type Publication struct {
	// Dimensions are what the keys speak of, such as city, sex and age.
	Dimensions []Dimension
	// Groups are classes made of other classes: a region of cities, "basic or better".
	Groups []Group
	Cells  []Cell
}

// Dimension is one way to divide the respondents. The classes exclude each other and
// hold everybody, so that they add up to the total: those without an answer are a class too.
type Dimension struct {
	Name    string
	Classes []string
}

// Group says that the class Class of Dimension is the sum of the classes Parts of the
// dimension Of. Dimension may be Of itself (a cumulative level) or a name of its own (the
// regions of cities, the provinces of regions). Groups may overlap.
type Group struct {
	Dimension, Class string
	Of               string
	Parts            []string
}

// Cell is a group of respondents and what is printed about it. It is hidden or shown as
// a whole: respondents, rates and estimated population together, in every table.
type Cell struct {
	// Key names the class of every dimension that the group is narrowed to; a dimension
	// that is not named is at its total. The empty key is the grand total.
	Key analysis.Domain
	// N is the number of respondents.
	N int
	// PSUs is the number of primary sampling units that they come from; 0 is not known.
	PSUs int
	// Outcomes counts, of N, those with each outcome of which a rate is printed, in the
	// same order in every cell. Whoever has a rate and n has this count (see Counts).
	Outcomes []int
	// Weighted is the sum of the weights, if the estimated population is printed; else 0.
	// WeightedOutcomes is that of each outcome, or nil.
	Weighted         float64
	WeightedOutcomes []float64
	// Largest and Second are the largest contributions to Weighted; 0 is not known.
	Largest, Second float64
	// Importance multiplies the cost of hiding the cell; 0 is 1.
	Importance float64
	// Unprinted cells are not printed but are part of a sum. They are protected all the
	// same, since what is printed may give them away.
	Unprinted bool
	// Exempt cells tell nothing about anybody, such as those who did not answer: no
	// rule makes them sensitive.
	Exempt bool
	// Sensitive is a reason that the caller knows of, such as AllOrNone where the outcomes
	// are known by their weights alone; empty leaves it to the rules.
	Sensitive Reason
	// Hidden cells are hidden whatever the rules say. What is known of them is not protected,
	// which Sensitive cells are.
	Hidden bool
	// Same is equal for cells of the very same people, such as the elderly and the highest age
	// group: they are shown together or hidden together. 0 is nobody else; see SamePeople.
	Same int
}

// Relation is a sum that everybody can do: Total has the respondents, outcomes and
// weights of all Parts together.
type Relation struct {
	Total analysis.Domain
	Parts []analysis.Domain
}

// Relations derives all sums that hold between the cells, in a fixed order. Errors name
// the cells that contradict each other or are missing.
func (p Publication) Relations() ([]Relation, error) {
	l, err := link(p)
	if err != nil {
		return nil, err
	}
	list := make([]Relation, len(l.relations))
	for i, r := range l.relations {
		list[i].Total = maps.Clone(l.cells[r.total].Key)
		for _, c := range r.parts {
			list[i].Parts = append(list[i].Parts, maps.Clone(l.cells[c].Key))
		}
	}
	return list, nil
}

// axis is a name that keys may use: a dimension, or the name of groups of one.
type axis struct {
	name    string
	base    int // the dimension whose classes everything on this axis is made of
	classes []string
	index   map[string]int
	in      [][]int // for each class of the dimension, the classes of the axis it lies in
	size    []int   // how many classes of the dimension each class has
	isGroup []bool
	whole   bool // the classes that are no groups of the axis itself add up to the total
}

// table is all cells that name the same axes.
type table struct {
	axes  []int // in order
	bases []int // the dimension of each axis
	cell  map[int]int32
	dense []int32 // the same, −1 where there is none; nil if there are too many codes
}

// has is the cell with a code, or −1.
func (t *table) has(code int) int32 {
	if t.dense != nil {
		return t.dense[code]
	}
	if c, known := t.cell[code]; known {
		return c
	}
	return -1
}

// pack lays the cells out by code where that takes little memory.
func (l *linked) pack(t *table) {
	codes := 1
	for _, k := range t.axes {
		codes *= len(l.axes[k].classes)
		if codes > 16*len(t.cell)+1<<12 {
			return
		}
	}
	t.dense = make([]int32, codes)
	for i := range t.dense {
		t.dense[i] = -1
	}
	for code, c := range t.cell {
		t.dense[code] = c
	}
}

// linked is a publication whose cells are numbered and whose sums are known.
type linked struct {
	axes      []axis
	named     map[string]int
	sizes     []int // classes of each dimension
	groups    []Group
	tables    []*table
	byAxes    map[string]int
	cells     []Cell
	tableOf   []int
	classOf   [][]int // the classes of each cell, along the axes of its table
	relations []relation
	measures  []measure
}

type relation struct {
	total int32
	parts []int32
}

// measure is what adds up: respondents or weights. Each layer is a part that cannot be
// below nothing: those with an outcome and those without, or all if there is no outcome.
//
// A measure whose total is known is of a reader who knows the weight of every cell, hidden or
// not, from elsewhere. It has one layer, those with an outcome, which cannot be above the total.
type measure struct {
	known  bool
	name   string
	unit   float64 // the least amount that counts as a difference
	total  []float64
	layers [][]float64
}

// link numbers the cells by depth and name, so that their order in the input does not
// matter, checks them and derives the relations.
func link(p Publication) (*linked, error) {
	l := &linked{named: map[string]int{}, byAxes: map[string]int{}, groups: p.Groups}
	for _, step := range []func(Publication) error{l.readDimensions, l.readGroups, l.readCells, l.checkMargins} {
		if err := step(p); err != nil {
			return nil, err
		}
	}
	l.measure()
	l.relate()
	l.relateSame()
	return l, l.checkSums()
}

func (l *linked) readDimensions(p Publication) error {
	for _, d := range p.Dimensions {
		if _, twice := l.named[d.Name]; twice || d.Name == "" {
			return fmt.Errorf("dimension %q is declared twice or has no name; give each one name", d.Name)
		}
		if len(d.Classes) == 0 {
			return fmt.Errorf("dimension %q has no classes; name them, with one for those without an answer", d.Name)
		}
		a := axis{name: d.Name, base: len(l.sizes), index: map[string]int{}, in: make([][]int, len(d.Classes)), whole: true}
		for i, c := range d.Classes {
			if err := a.add(c, []int{i}, false); err != nil {
				return err
			}
		}
		l.named[d.Name] = len(l.axes)
		l.axes = append(l.axes, a)
		l.sizes = append(l.sizes, len(d.Classes))
	}
	return nil
}

// add makes a class of some classes of the dimension.
func (a *axis) add(class string, of []int, group bool) error {
	if _, twice := a.index[class]; twice {
		return fmt.Errorf("class %q of %q is declared twice; give it one meaning", class, a.name)
	}
	k := len(a.classes)
	a.index[class] = k
	a.classes = append(a.classes, class)
	a.size = append(a.size, len(of))
	a.isGroup = append(a.isGroup, group)
	for _, i := range of {
		a.in[i] = append(a.in[i], k)
	}
	return nil
}

// bases lists the classes of the dimension that a class is made of.
func (a *axis) bases(class int) []int {
	var list []int
	for i, in := range a.in {
		if slices.Contains(in, class) {
			list = append(list, i)
		}
	}
	return list
}

func (l *linked) readGroups(p Publication) error {
	for _, g := range p.Groups {
		of, known := l.named[g.Of]
		if !known {
			return fmt.Errorf("group %q of %q is made of classes of %q, which is no dimension; declare it before", g.Class, g.Dimension, g.Of)
		}
		k, known := l.named[g.Dimension]
		if !known {
			k = len(l.axes)
			l.named[g.Dimension] = k
			base := l.axes[of].base
			l.axes = append(l.axes, axis{name: g.Dimension, base: base, index: map[string]int{}, in: make([][]int, l.sizes[base])})
		}
		if l.axes[k].base != l.axes[of].base {
			return fmt.Errorf("group %q of %q is made of classes of %q, but other groups there are made of other dimensions; give it another name", g.Class, g.Dimension, g.Of)
		}
		all, err := l.groupBases(g, of)
		if err != nil {
			return err
		}
		if err := l.axes[k].add(g.Class, all, k == of || l.axes[k].whole); err != nil {
			return err
		}
	}
	for k := range l.axes {
		l.axes[k].whole = l.axes[k].partition()
	}
	return nil
}

// groupBases resolves the parts of a group down to the classes of its dimension.
func (l *linked) groupBases(g Group, of int) ([]int, error) {
	if len(g.Parts) == 0 {
		return nil, fmt.Errorf("group %q of %q has no parts; name them", g.Class, g.Dimension)
	}
	var all []int
	for _, part := range g.Parts {
		c, known := l.axes[of].index[part]
		if !known {
			return nil, fmt.Errorf("group %q of %q has the part %q, which %q does not have; correct the name", g.Class, g.Dimension, part, g.Of)
		}
		all = append(all, l.axes[of].bases(c)...)
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		return nil, fmt.Errorf("the parts of group %q of %q overlap; a sum must not count anybody twice", g.Class, g.Dimension)
	}
	return all, nil
}

// partition reports whether the classes of the axis that are not made of others on it
// hold everybody once.
func (a *axis) partition() bool {
	for _, in := range a.in {
		n := 0
		for _, k := range in {
			if !a.isGroup[k] {
				n++
			}
		}
		if n != 1 {
			return false
		}
	}
	return true
}

func (l *linked) readCells(p Publication) error {
	l.cells = slices.Clone(p.Cells)
	slices.SortStableFunc(l.cells, func(a, b Cell) int {
		if d := len(a.Key) - len(b.Key); d != 0 {
			return d
		}
		return strings.Compare(keyText(a.Key), keyText(b.Key))
	})
	l.tableOf, l.classOf = make([]int, len(l.cells)), make([][]int, len(l.cells))
	for i, c := range l.cells {
		if err := c.check(l.cells[0]); err != nil {
			return err
		}
		axes, classes, err := l.place(c.Key)
		if err != nil {
			return err
		}
		t := l.tableWith(axes)
		code := l.code(t, classes)
		if _, twice := l.tables[t].cell[code]; twice {
			return fmt.Errorf("the cell %s is given twice; tables that share a cell share one entry", keyText(c.Key))
		}
		l.tables[t].cell[code] = int32(i)
		l.tableOf[i], l.classOf[i] = t, classes
	}
	for _, t := range l.tables {
		l.pack(t)
	}
	return nil
}

// check finds counts that cannot be.
func (c Cell) check(first Cell) error {
	name := keyText(c.Key)
	if c.N < 0 || c.PSUs < 0 {
		return fmt.Errorf("the cell %s has %d respondents in %d PSUs; counts are not negative", name, c.N, c.PSUs)
	}
	if len(c.Outcomes) != len(first.Outcomes) || len(c.WeightedOutcomes) != len(first.WeightedOutcomes) {
		return fmt.Errorf("the cell %s has %d outcomes, others have %d; give every cell the same ones", name, len(c.Outcomes), len(first.Outcomes))
	}
	for k, n := range c.Outcomes {
		if n < 0 || n > c.N {
			return fmt.Errorf("the cell %s has %d of %d respondents with outcome %d; give a count of the same respondents", name, n, c.N, k)
		}
	}
	for _, w := range append([]float64{c.Weighted, c.Largest, c.Second, c.Importance}, c.WeightedOutcomes...) {
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("the cell %s has a weight or importance of %v; give finite numbers that are not negative", name, w)
		}
	}
	return nil
}

// place finds the axes of a key, in order, and the class on each.
func (l *linked) place(key analysis.Domain) (axes, classes []int, err error) {
	used := map[int]string{}
	for _, name := range slices.Sorted(maps.Keys(key)) {
		k, known := l.named[name]
		if !known {
			return nil, nil, fmt.Errorf("the cell %s names %q, which is no dimension; declare it", keyText(key), name)
		}
		if other, twice := used[l.axes[k].base]; twice {
			return nil, nil, fmt.Errorf("the cell %s names both %q and %q, of which one is made of the other; name the finer one only", keyText(key), other, name)
		}
		if _, known := l.axes[k].index[key[name]]; !known {
			return nil, nil, fmt.Errorf("the cell %s names the class %q, which %q does not have; declare it", keyText(key), key[name], name)
		}
		used[l.axes[k].base] = name
		axes = append(axes, k)
	}
	slices.Sort(axes)
	for _, k := range axes {
		classes = append(classes, l.axes[k].index[key[l.axes[k].name]])
	}
	return axes, classes, nil
}

// tableWith finds or makes the table of some axes.
func (l *linked) tableWith(axes []int) int {
	name := axesText(axes)
	if t, known := l.byAxes[name]; known {
		return t
	}
	t := &table{axes: axes, cell: map[int]int32{}}
	for _, k := range axes {
		t.bases = append(t.bases, l.axes[k].base)
	}
	l.byAxes[name] = len(l.tables)
	l.tables = append(l.tables, t)
	return len(l.tables) - 1
}

// code is the number of a cell within its table.
func (l *linked) code(t int, classes []int) int {
	code := 0
	for i, k := range l.tables[t].axes {
		code = code*len(l.axes[k].classes) + classes[i]
	}
	return code
}

// axesText is the name of a table in the index.
func axesText(axes []int) string {
	b := make([]byte, 0, 16)
	for _, k := range axes {
		b = append(b, byte(k), byte(k>>8))
	}
	return string(b)
}

// find is the number of a cell, or −1: then nobody is in it.
func (l *linked) find(axes, classes []int) int32 {
	t, known := l.byAxes[axesText(axes)]
	if !known {
		return -1
	}
	return l.tables[t].has(l.code(t, classes))
}

// lookup is the number of the cell with a key, or −1.
func (l *linked) lookup(key analysis.Domain) int32 {
	axes, classes, err := l.place(key)
	if err != nil {
		return -1
	}
	return l.find(axes, classes)
}

// checkMargins wants every cell's totals over one dimension, since without them there
// are sums that nobody has written down.
func (l *linked) checkMargins(Publication) error {
	for i := range l.cells {
		t := l.tables[l.tableOf[i]]
		for k := range t.axes {
			if l.find(without(t.axes, k), without(l.classOf[i], k)) < 0 {
				return fmt.Errorf("the cell %s is given, but not the total of its table over %q; give that cell, with Unprinted if no table shows it",
					keyText(l.cells[i].Key), l.axes[t.axes[k]].name)
			}
		}
	}
	return nil
}

// measure splits the respondents and the weights by outcome.
func (l *linked) measure() {
	n := len(l.cells)
	persons, weights := make([]float64, n), make([]float64, n)
	weighted := false
	for i, c := range l.cells {
		persons[i], weights[i] = float64(c.N), c.Weighted
		weighted = weighted || c.Weighted > 0
	}
	l.measures = []measure{split("respondents", 1, persons, len(first(l.cells).Outcomes), func(i, k int) float64 { return float64(l.cells[i].Outcomes[k]) })}
	if weighted {
		l.measures = append(l.measures, split("weights", 0, weights, len(first(l.cells).WeightedOutcomes), func(i, k int) float64 { return l.cells[i].WeightedOutcomes[k] }))
		for k := range first(l.cells).WeightedOutcomes {
			with := make([]float64, n)
			for i, c := range l.cells {
				with[i] = c.WeightedOutcomes[k]
			}
			l.measures = append(l.measures, measure{known: true, name: rateName(k), total: weights, layers: [][]float64{with}})
		}
	}
}

// rateName is the measure of the rates of an outcome.
func rateName(outcome int) string {
	if outcome == 0 {
		return "rates"
	}
	return fmt.Sprint("rates ", outcome+1)
}

func first(cells []Cell) Cell {
	if len(cells) == 0 {
		return Cell{}
	}
	return cells[0]
}

// split makes the layers of a measure.
func split(name string, unit float64, total []float64, outcomes int, with func(cell, outcome int) float64) measure {
	m := measure{name: name, unit: unit, total: total}
	if outcomes == 0 {
		m.layers = [][]float64{total}
	}
	for k := range outcomes {
		yes, no := make([]float64, len(total)), make([]float64, len(total))
		for i := range total {
			yes[i] = with(i, k)
			no[i] = max(0, total[i]-yes[i])
		}
		m.layers = append(m.layers, yes, no)
	}
	return m
}

// relate derives the sums: a cell is the sum over the classes of a dimension that it
// does not name, and a group is the sum of its parts.
func (l *linked) relate() {
	for i := range l.cells {
		axes, classes := l.tables[l.tableOf[i]].axes, l.classOf[i]
		for k := range l.axes {
			if !l.axes[k].whole || l.names(axes, l.axes[k].base) {
				continue
			}
			var parts []int
			for c := range l.axes[k].classes {
				if !l.axes[k].isGroup[c] {
					parts = append(parts, c)
				}
			}
			l.addRelation(i, axes, classes, k, parts)
		}
		for at, k := range axes {
			for _, g := range l.groups {
				if g.Dimension == l.axes[k].name && g.Class == l.axes[k].classes[classes[at]] {
					of := l.named[g.Of]
					var parts []int
					for _, p := range g.Parts {
						parts = append(parts, l.axes[of].index[p])
					}
					l.addRelation(i, without(axes, at), without(classes, at), of, parts)
				}
			}
		}
	}
}

// names reports whether one of the axes belongs to a dimension.
func (l *linked) names(axes []int, base int) bool {
	return slices.ContainsFunc(axes, func(k int) bool { return l.axes[k].base == base })
}

// addRelation adds the sum of the classes of an axis within what other axes say, if a
// table has them.
func (l *linked) addRelation(total int, axes, classes []int, k int, parts []int) {
	at, _ := slices.BinarySearch(axes, k)
	whole := slices.Insert(slices.Clone(axes), at, k)
	r := relation{total: int32(total)}
	for _, c := range parts {
		if j := l.find(whole, slices.Insert(slices.Clone(classes), at, c)); j >= 0 {
			r.parts = append(r.parts, j)
		}
	}
	if len(r.parts) > 0 {
		l.relations = append(l.relations, r)
	}
}

// checkSums finds sums that do not hold: a part is missing, or the numbers are of
// different respondents.
func (l *linked) checkSums() error {
	for _, r := range l.relations {
		for _, m := range l.measures {
			for _, v := range append([][]float64{m.total}, m.layers...) {
				sum := 0.0
				for _, p := range r.parts {
					sum += v[p]
				}
				if math.Abs(sum-v[r.total]) > 1e-6*math.Max(1, math.Abs(v[r.total])) {
					return fmt.Errorf("the cell %s has %v %s, but its parts, such as %s, add up to %v; give the others a class of their own, with Unprinted if no table shows it",
						keyText(l.cells[r.total].Key), v[r.total], m.name, keyText(l.cells[r.parts[0]].Key), sum)
				}
			}
		}
	}
	return nil
}

// without is a list without one place.
func without(list []int, at int) []int {
	return slices.Delete(slices.Clone(list), at, at+1)
}

// keyText names a cell for people and for sorting.
func keyText(key analysis.Domain) string {
	if len(key) == 0 {
		return "(grand total)"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(key)) {
		parts = append(parts, name+"="+key[name])
	}
	return strings.Join(parts, ", ")
}
