package replicate

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/floats"
)

// Cells are sums by PSU and crossing with replicates. Estimates are functions of sums
// that replicates multiply; no weight of a row is made.
type Cells struct {
	cells *analysis.Cells
	set   *Set
	unit  []int // of each row
	rake  *raking
	notes []analysis.Note
}

// OnCells puts the replicates on cells of the sample that they were made from.
func (s *Set) OnCells(c *analysis.Cells) (*Cells, error) {
	selection, err := c.Selection()
	if err != nil {
		return nil, fmt.Errorf("replicates: %w", err)
	}
	if s.ByRow() {
		return nil, fmt.Errorf("the replicates are by row, which cells do not have; put them on a Sample, or import multipliers by PSU")
	}
	if s.Units() != selection.Units() {
		return nil, fmt.Errorf("the replicates are of %d units, but the cells are of %d; make them from the same sample, and put replicates by row on a Sample", s.Units(), selection.Units())
	}
	return &Cells{cells: c, set: s, unit: c.Units(), notes: slices.Clone(c.Notes)}, nil
}

// Set is the replicates.
func (c *Cells) Set() *Set { return c.set }

// A request is what is to be summed: a variable, or the people themselves.
type request struct {
	variable int     // −1 for people: y = 1
	group    []int32 // of each row of the cells; −1 outside
	groups   int
}

// request reads the names.
func (c *Cells) request(variable string, in analysis.Domain, by ...string) (request, []analysis.Domain, error) {
	q := request{variable: -1, groups: 1}
	if variable != "" {
		if q.variable = slices.Index(c.cells.Variables, variable); q.variable < 0 {
			return q, nil, fmt.Errorf("no variable %q in the cells; there are: %s", variable, strings.Join(c.cells.Variables, ", "))
		}
	}
	want := make(map[int]int)
	for id, level := range in {
		f, err := c.factor(id)
		if err != nil {
			return q, nil, err
		}
		if want[f] = slices.Index(c.cells.Factors[f].Levels, level); want[f] < 0 {
			return q, nil, fmt.Errorf("factor %q has no level %q; it has: %s", id, level, strings.Join(c.cells.Factors[f].Levels, ", "))
		}
	}
	domains := []analysis.Domain{in}
	var factors []int
	for _, id := range by {
		f, err := c.factor(id)
		if err != nil {
			return q, nil, err
		}
		if _, fixed := in[id]; fixed {
			return q, nil, fmt.Errorf("factor %q is both fixed by the domain and one of the table; leave it out of one", id)
		}
		factors = append(factors, f)
		var crossed []analysis.Domain
		for _, d := range domains {
			for _, level := range c.cells.Factors[f].Levels {
				crossed = append(crossed, with(d, id, level))
			}
		}
		domains = crossed
		q.groups *= len(c.cells.Factors[f].Levels)
	}
	q.group = make([]int32, len(c.cells.Rows))
	for i := range q.group {
		q.group[i] = groupOf(c.cells.Rows[i].Levels, want, factors, c.cells.Factors)
	}
	return q, domains, nil
}

// with is the domain with one more level.
func with(d analysis.Domain, id, level string) analysis.Domain {
	e := analysis.Domain{id: level}
	for k, v := range d {
		e[k] = v
	}
	return e
}

// groupOf numbers the group of people of these levels; −1 outside.
func groupOf(levels []int, want map[int]int, by []int, factors []analysis.Factor) int32 {
	for f, l := range want {
		if levels[f] != l {
			return -1
		}
	}
	g := 0
	for _, f := range by {
		if levels[f] < 0 {
			return -1
		}
		g = g*len(factors[f].Levels) + levels[f]
	}
	return int32(g)
}

func (c *Cells) factor(id string) (int, error) {
	for f, x := range c.cells.Factors {
		if x.ID == id {
			return f, nil
		}
	}
	var ids []string
	for _, x := range c.cells.Factors {
		ids = append(ids, x.ID)
	}
	return 0, fmt.Errorf("no factor %q in the cells; there are: %s", id, strings.Join(ids, ", "))
}

// of is what a row of the cells has of the variable.
func (q request) of(row *analysis.Cell) analysis.Sum {
	if q.variable < 0 {
		return analysis.Sum{N: row.N, W: row.W, W2: row.W2, WY: row.W, WY2: row.W}
	}
	return row.Sums[q.variable]
}

// sums adds up the groups of a request, with the weights of the full sample and of
// every replicate.
func (c *Cells) sums(q request) []sums {
	groups := c.set.newSums(q.groups)
	rows := c.cells.Rows
	var lines []line
	for i := range rows {
		g := q.group[i]
		if g < 0 {
			continue
		}
		s, factor := q.of(&rows[i]), c.rake.full(i)
		x := &groups[g]
		x.people += rows[i].N
		x.weighted += factor * rows[i].W
		x.seen[c.unit[i]] = x.seen[c.unit[i]] || rows[i].N > 0
		x.full.N += s.N
		x.full.W += factor * s.W
		x.full.W2 += factor * factor * s.W2
		x.full.WY += factor * s.WY
		x.full.WY2 += factor * s.WY2
		if s.N > 0 {
			lines = append(lines, line{row: int32(i), unit: int32(c.unit[i]), group: g, w: s.W, wy: s.WY})
		}
	}
	c.set.replicate(lines, groups, c.rake.factorsOf())
	return groups
}

// newSums makes room for the sums of groups.
func (s *Set) newSums(groups int) []sums {
	g := make([]sums, groups)
	for i := range g {
		g[i].seen = make([]bool, s.Units())
		g[i].w, g[i].wy = make([]float64, s.Replicates()), make([]float64, s.Replicates())
	}
	return g
}

// A line is what a row of the cells adds to a group.
type line struct {
	row, unit, group int32
	w, wy            float64
}

// blockReplicates is how many replicates are worked on at once, blockNumbers how many
// multipliers at most.
const (
	blockReplicates = 32
	blockNumbers    = 1 << 22
)

// width is how many replicates a block has. It does not depend on the cores.
func (s *Set) width() int { return max(1, min(blockReplicates, blockNumbers/max(s.Units(), 1))) }

// replicate adds up the lines with the weights of the replicates, block after block.
// Each replicate is summed in the order of the lines. factors, when there are any, are
// those of raking for a line.
func (s *Set) replicate(lines []line, groups []sums, factors func(l line) []float64) {
	if d, jackknife := s.multipliers.(*deleted); jackknife && factors == nil {
		d.sum(lines, groups)
		return
	}
	parallel.Blocks(s.Replicates(), s.width(), func(_, from, to int) {
		k := to - from
		m := make([]float64, s.Units()*k)
		s.multipliers.block(m, from, to)
		w, wy := make([]float64, len(groups)*k), make([]float64, len(groups)*k)
		product := make([]float64, k)
		for _, l := range lines {
			by := m[int(l.unit)*k : (int(l.unit)+1)*k]
			if factors != nil {
				by = floats.MulTo(product, by, factors(l)[from:to])
			}
			g := int(l.group)
			floats.AddScaled(w[g*k:(g+1)*k], l.w, by)
			floats.AddScaled(wy[g*k:(g+1)*k], l.wy, by)
		}
		for g := range groups {
			copy(groups[g].w[from:to], w[g*k:(g+1)*k])
			copy(groups[g].wy[from:to], wy[g*k:(g+1)*k])
		}
	})
}

// Multipliers yields for every row of the cells, in order, what the weights of its people
// are multiplied with in each replicate, raking included: with them, replicate weights are
// written row by row. The slice is used again for the next row; what is held is one number
// for each unit and replicate.
func (c *Cells) Multipliers() iter.Seq2[int, []float64] {
	return func(yield func(int, []float64) bool) {
		replicates, width := c.set.Replicates(), c.set.width()
		by := newTable(c.set.Units(), replicates)
		parallel.Blocks(replicates, width, func(_, from, to int) {
			k := to - from
			m := make([]float64, by.n*k)
			c.set.multipliers.block(m, from, to)
			for u := range by.n {
				copy(by.row(u)[from:to], m[u*k:(u+1)*k])
			}
		})
		room := make([]float64, replicates)
		for row, u := range c.unit {
			copy(room, by.row(u))
			if c.rake != nil {
				floats.Mul(room, c.rake.factors.row(c.rake.crossing[row]))
			}
			if !yield(row, room) {
				return
			}
		}
	}
}

// table estimates a statistic of the groups of a table.
func (c *Cells) table(variable string, of statistic, in analysis.Domain, by []string) (analysis.Table, error) {
	q, domains, err := c.request(variable, in, by...)
	if err != nil {
		return analysis.Table{}, err
	}
	groups := c.sums(q)
	v, err := c.set.table(groups, together(groups), of, c.cells.Settings, c.allNotes(), func(g int) string { return groupName(domains[g], by) })
	if err != nil {
		return analysis.Table{}, err
	}
	t := analysis.Table{Vector: v}
	for g, d := range domains {
		t.Groups = append(t.Groups, analysis.Group{Domain: d, Estimate: v.Estimates[g]})
	}
	return t, nil
}

// together are the people of all groups.
func together(groups []sums) sums {
	if len(groups) == 1 {
		return groups[0]
	}
	var all sums
	for _, g := range groups {
		all.full.N += g.full.N
		all.full.W += g.full.W
		all.full.W2 += g.full.W2
		all.people += g.people
		all.weighted += g.weighted
		if all.seen == nil {
			all.seen = make([]bool, len(g.seen))
		}
		for u, yes := range g.seen {
			all.seen[u] = all.seen[u] || yes
		}
	}
	return all
}

// allNotes are those of the cells and of raking.
func (c *Cells) allNotes() []analysis.Note { return append(slices.Clone(c.notes), c.rake.notes()...) }

// one estimates a statistic of one group.
func (c *Cells) one(variable string, of statistic, in analysis.Domain) (analysis.Estimate, error) {
	t, err := c.table(variable, of, in, nil)
	if err != nil {
		return analysis.Estimate{}, err
	}
	return t.Estimates[0], nil
}

// Mean estimates Σwy/Σw over the people of the domain who have a value.
func (c *Cells) Mean(variable string, in analysis.Domain) (analysis.Estimate, error) {
	return c.one(variable, meanOf, in)
}

// Proportion is Mean of a variable of zeros and ones, with the interval of a proportion;
// that of the method logit replicates the log odds.
func (c *Cells) Proportion(variable string, in analysis.Domain) (analysis.Estimate, error) {
	return c.one(variable, shareOf, in)
}

// Total estimates Σwy over the people of the domain who have a value.
func (c *Cells) Total(variable string, in analysis.Domain) (analysis.Estimate, error) {
	return c.one(variable, totalOf, in)
}

// Count estimates how many people the domain has, Σw.
func (c *Cells) Count(in analysis.Domain) (analysis.Estimate, error) { return c.one("", totalOf, in) }

// MeanTable estimates Mean for every crossing of the levels of the factors, the last one
// fastest, with the covariance of all.
func (c *Cells) MeanTable(variable string, in analysis.Domain, factors ...string) (analysis.Table, error) {
	return c.table(variable, meanOf, in, factors)
}

// ProportionTable is MeanTable of zeros and ones, with intervals of proportions.
func (c *Cells) ProportionTable(variable string, in analysis.Domain, factors ...string) (analysis.Table, error) {
	return c.table(variable, shareOf, in, factors)
}

// TotalTable is MeanTable for totals.
func (c *Cells) TotalTable(variable string, in analysis.Domain, factors ...string) (analysis.Table, error) {
	return c.table(variable, totalOf, in, factors)
}

// CountVector counts the people of every level of a factor.
func (c *Cells) CountVector(factor string, in analysis.Domain) (analysis.Vector, error) {
	t, err := c.table("", totalOf, in, []string{factor})
	return t.Vector, err
}

// ProportionVector estimates the share of every level of a factor among the people of
// the domain who have one.
func (c *Cells) ProportionVector(factor string, in analysis.Domain) (analysis.Vector, error) {
	q, domains, err := c.request("", in, factor)
	if err != nil {
		return analysis.Vector{}, err
	}
	groups := c.sums(q)
	return c.set.shares(groups, c.cells.Settings, c.allNotes(), func(g int) string { return domains[g][factor] })
}

// shares turns the counts of groups into their shares of all.
func (s *Set) shares(groups []sums, settings analysis.Settings, notes []analysis.Note, name func(g int) string) (analysis.Vector, error) {
	all := together(groups)
	all.w = make([]float64, s.Replicates())
	for _, g := range groups {
		floats.Add(all.w, g.w)
	}
	shares := make([]sums, len(groups))
	for g, x := range groups {
		shares[g] = all
		shares[g].full.WY, shares[g].full.WY2, shares[g].wy = x.full.W, x.full.W, x.w
	}
	return s.table(shares, all, shareOf, settings, notes, name)
}

// Ratio estimates Σwy/Σwx over the people of the domain, who must have both values or
// none.
func (c *Cells) Ratio(y, x string, in analysis.Domain) (analysis.Estimate, error) {
	var parts [2]sums
	for i, variable := range []string{y, x} {
		q, _, err := c.request(variable, in)
		if err != nil {
			return analysis.Estimate{}, err
		}
		parts[i] = c.sums(q)[0]
	}
	if parts[0].full.N != parts[1].full.N {
		return analysis.Estimate{}, fmt.Errorf("%d people have %q but %d have %q; make one missing where the other is", parts[0].full.N, y, parts[1].full.N, x)
	}
	return c.set.ratio(parts[0], parts[1], c.cells.Settings, c.allNotes())
}

// ratio estimates that of two totals.
func (s *Set) ratio(y, x sums, settings analysis.Settings, notes []analysis.Note) (analysis.Estimate, error) {
	theta := make([]float64, len(y.wy))
	floats.DivTo(theta, y.wy, x.wy)
	v, err := s.vector(result{names: []string{"ratio"}, full: []float64{y.full.WY / x.full.WY}, replicates: [][]float64{theta},
		people: []facts{y.facts()}, all: y.facts(), notes: notes}, settings)
	if err != nil {
		return analysis.Estimate{}, err
	}
	return v.Estimates[0], nil
}

// Crosstab counts the pairs of levels of two factors, for tests of independence and
// agreement with the replicates' covariance.
func (c *Cells) Crosstab(rows, columns string, in analysis.Domain) (*analysis.Crosstab, error) {
	if rows == columns {
		return nil, fmt.Errorf("factor %q is both the rows and the columns of the table; name two factors", rows)
	}
	var groups [2][]sums
	for i, by := range [][]string{{rows, columns}, nil} {
		q, _, err := c.request("", in, by...)
		if err != nil {
			return nil, err
		}
		groups[i] = c.sums(q)
	}
	r, _ := c.factor(rows)
	k, _ := c.factor(columns)
	return c.set.crosstab(c.cells.Factors[r], c.cells.Factors[k], groups[0], together(groups[0]), groups[1][0], c.cells.Settings, c.allNotes())
}

// Function estimates any function of the totals Σwy of variables, over the people of the
// domain who have a value of each; names are those of its values. f is called once for
// the full sample and once for every replicate, and may return NaN where a value does
// not exist.
func (c *Cells) Function(variables []string, in analysis.Domain, names []string, f func(totals []float64) []float64) (analysis.Vector, error) {
	r := result{names: names}
	totals := make([][]float64, c.set.Replicates()+1)
	for i := range totals {
		totals[i] = make([]float64, len(variables))
	}
	for j, name := range variables {
		q, _, err := c.request(name, in)
		if err != nil {
			return analysis.Vector{}, err
		}
		groups := c.sums(q)
		totals[0][j] = groups[0].full.WY
		for i, x := range groups[0].wy {
			totals[i+1][j] = x
		}
		if j == 0 || groups[0].full.N < r.all.n {
			r.all = groups[0].facts()
		}
	}
	r.notes = c.allNotes()
	if err := r.evaluate(func(i int) ([]float64, error) { return f(totals[i]), nil }, c.set.Replicates()); err != nil {
		return analysis.Vector{}, err
	}
	return c.set.vector(r, c.cells.Settings)
}

// evaluate fills in the values: at(0) is the full sample, at(r+1) replicate r.
func (r *result) evaluate(at func(i int) ([]float64, error), replicates int) error {
	values := make([][]float64, replicates+1)
	errs := make([]error, replicates+1)
	parallel.Do(replicates+1, func(i int) { values[i], errs[i] = at(i) })
	for i, err := range errs {
		if err != nil && i == 0 {
			return err
		}
		if err != nil {
			return fmt.Errorf("replicate %d: %w", i-1, err)
		}
		if len(values[i]) != len(r.names) {
			return fmt.Errorf("the statistic has %d values for %d names; give a name for each, and NaN for a value that does not exist", len(values[i]), len(r.names))
		}
	}
	r.full = values[0]
	for j := range r.names {
		theta := make([]float64, replicates)
		for i := range theta {
			theta[i] = values[i+1][j]
		}
		r.replicates = append(r.replicates, theta)
		r.people = append(r.people, r.all)
	}
	for _, x := range r.full {
		if math.IsNaN(x) && r.all.n > 0 {
			return fmt.Errorf("the statistic has no value in the full sample; choose a domain where it exists")
		}
	}
	return nil
}
