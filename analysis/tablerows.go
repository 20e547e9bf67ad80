package analysis

import (
	"errors"
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
	"gonum.org/v1/gonum/mat"
)

// MeanTable is Cells.MeanTable straight from columns, in one pass: over the rows for
// which in is true, or all when in is nil.
func (d *Design) MeanTable(y []float64, in []bool, factors ...FactorColumn) (Table, error) {
	return d.table(y, in, factors, tableOfMeans)
}

// ProportionTable is Cells.ProportionTable straight from columns.
func (d *Design) ProportionTable(y []float64, in []bool, factors ...FactorColumn) (Table, error) {
	return d.table(y, in, factors, tableOfProportions)
}

// TotalTable is Cells.TotalTable straight from columns.
func (d *Design) TotalTable(y []float64, in []bool, factors ...FactorColumn) (Table, error) {
	return d.table(y, in, factors, tableOfTotals)
}

// tableKind is what a table estimates.
type tableKind int

const (
	tableOfMeans tableKind = iota
	tableOfProportions
	tableOfTotals
	tableOfShares // up to a limit, of which quantiles are made
)

// table estimates for every crossing of the factors.
func (d *Design) table(y []float64, in []bool, factors []FactorColumn, kind tableKind) (Table, error) {
	settings, err := d.settings.orDefault()
	if err != nil {
		return Table{}, err
	}
	x, err := d.tabulation(y, in, factors)
	if err != nil {
		return Table{}, err
	}
	g, err := d.sumGroups(x)
	if err != nil {
		return Table{}, err
	}
	for _, s := range g.all {
		if err := d.checkFinite(s, Variable{"y", y}); err != nil {
			return Table{}, err
		}
	}
	if kind == tableOfProportions {
		if err := g.checkShares(x); err != nil {
			return Table{}, d.shareFault(err, y, in)
		}
		if g.weights, err = d.groupWeights(x, g); err != nil {
			return Table{}, err
		}
	}
	v, err := d.tableVector(x, g, settings, kind)
	if err != nil {
		return Table{}, err
	}
	return newTableOf(v, x.domains()), nil
}

// A tabulation says which rows to sum, apart for each crossing of factors.
type tabulation struct {
	y       []float64
	in      []bool
	factors []FactorColumn
	groups  int
	// upTo, when set, makes the variable the indicator of values up to a limit of each
	// group, and leaves those without a value out altogether.
	upTo []float64
	// codes is the group of each person in the design's order, -1 outside all, once known.
	codes []groupCode
}

// groupCode numbers a group; maxGroups fits.
type groupCode = int16

// maxGroups bounds the crossings of a table: their covariance has the square of it.
const maxGroups = 1 << 13

// tabulation checks the columns of a table, but for the levels, which are checked while
// they are read.
func (d *Design) tabulation(y []float64, in []bool, factors []FactorColumn) (tabulation, error) {
	x := tabulation{y: y, in: in, factors: factors, groups: 1}
	if len(y) != d.rows {
		return x, fmt.Errorf("the variable has %d values for %d rows of the design; give one for each row, NaN for missing", len(y), d.rows)
	}
	if in != nil && len(in) != d.rows {
		return x, fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), d.rows)
	}
	for i, f := range factors {
		if len(f.Level) != d.rows {
			return x, fmt.Errorf("factor %q has %d values for %d rows of the design; give one for each row, -1 for missing", f.ID, len(f.Level), d.rows)
		}
		for _, g := range factors[:i] {
			if g.ID == f.ID {
				return x, fmt.Errorf("two factors are called %q; rename one", f.ID)
			}
		}
		x.groups *= len(f.Levels)
		if x.groups > maxGroups {
			return x, fmt.Errorf("factor %q and those before it have more than %d crossings; merge levels", f.ID, maxGroups)
		}
	}
	if x.groups == 0 {
		return x, fmt.Errorf("a factor has no levels; name those it can have")
	}
	return x, nil
}

// domains are the groups in order, the last factor fastest.
func (x tabulation) domains() []Domain {
	domains := make([]Domain, x.groups)
	for g := range domains {
		domains[g] = make(Domain, len(x.factors))
		rest := g
		for i := len(x.factors) - 1; i >= 0; i-- {
			f := x.factors[i]
			domains[g][f.ID] = f.Levels[rest%len(f.Levels)]
			rest /= len(f.Levels)
		}
	}
	return domains
}

// names are those of the groups.
func (x tabulation) names() []string {
	ids := make([]string, len(x.factors))
	for i, f := range x.factors {
		ids[i] = f.ID
	}
	names := make([]string, x.groups)
	for g, d := range x.domains() {
		names[g] = nameOf(d, ids)
	}
	return names
}

// groupSums are the sums of one variable by leaf of the layout and group, and by group.
type groupSums struct {
	w, wy grid    // of the people with a value
	seen  []uint8 // 1 for each leaf and group with people, with a value or without
	all   []Sum   // by group
	rows  []int   // people of each group, with a value or without
	// weights has Σw of each group, with a value or without; nil when all have one.
	weights []float64
}

// weighted is Σw of all people of a group.
func (g groupSums) weighted(i int) float64 {
	if g.weights == nil {
		return g.all[i].W
	}
	return g.weights[i]
}

// groupWeights sums the weights of all people of each group, where some lack a value.
func (d *Design) groupWeights(x tabulation, g groupSums) ([]float64, error) {
	lacking := false
	for i, n := range g.rows {
		lacking = lacking || n != g.all[i].N
	}
	if !lacking {
		return nil, nil
	}
	x.y = make([]float64, d.rows)
	h, err := d.sumGroups(x)
	weights := make([]float64, x.groups)
	for i, s := range h.all {
		weights[i] = s.W
	}
	return weights, err
}

// chunk is how many rows are numbered at a time.
const chunk = 512

// sumBlock is how many leaves one piece of work has.
const sumBlock = 32

// sumGroups sums in one pass. Each leaf is summed by one worker in the order of its
// people, and blocks of leaves are added in order, so that the number of cores changes
// no bit.
func (d *Design) sumGroups(x tabulation) (groupSums, error) {
	k, leaves := x.groups, d.layout.leaves()
	g := groupSums{w: newGrid(leaves, k), wy: newGrid(leaves, k),
		seen: make([]uint8, leaves*k), all: make([]Sum, k), rows: make([]int, k)}
	blocks := make([]blockSums, (leaves+sumBlock-1)/sumBlock)
	parallel.Blocks(leaves, sumBlock, func(b, from, to int) {
		blocks[b].all, blocks[b].rows = make([]Sum, k), make([]int, k)
		acc := make([]accumulator, k)
		room := make([]groupCode, chunk)
		for leaf := from; leaf < to; leaf++ {
			if !d.sumLeafGroups(leaf, x, acc, room) {
				blocks[b].fault = true
				return
			}
			g.take(leaf, acc, &blocks[b])
		}
		blocks[b].finish(acc)
	})
	for _, b := range blocks {
		if b.fault {
			return g, d.levelFault(x)
		}
		for i := range g.all {
			g.all[i] = g.all[i].add(b.all[i])
			g.rows[i] += b.rows[i]
		}
	}
	return g, nil
}

// blockSums are the sums by group of a block of leaves.
type blockSums struct {
	all   []Sum
	rows  []int
	fault bool // a level that the factor has not
}

// accumulator holds the sums of one group: rows, w and wy within one leaf, the others
// over a block of leaves.
type accumulator struct {
	w, wy   float64
	w2, wy2 float64
	rows    int32
	n       int32
}

// sumLeafGroups adds up the people of a leaf by group; false means a level out of range.
func (d *Design) sumLeafGroups(leaf int, x tabulation, acc []accumulator, room []groupCode) bool {
	for from := d.leaf[leaf]; from < d.leaf[leaf+1]; from += chunk {
		to := min(from+chunk, d.leaf[leaf+1])
		c := room[:to-from]
		if x.codes != nil {
			c = x.codes[from:to]
		} else if !d.number(x, from, c) {
			return false
		}
		weight := d.weight[from:to]
		if row, together := d.together(from, to); together && x.upTo == nil {
			accumulate(acc, c, weight, x.y[row:row+to-from])
			continue
		} else if together {
			accumulateUpTo(acc, c, weight, x.y[row:row+to-from], x.upTo)
			continue
		}
		for i, code := range c {
			if code >= 0 {
				x.include(&acc[code], code, weight[i], x.y[d.row[from+i]])
			}
		}
	}
	return true
}

// together says whether the people of these places, all of one leaf, stand side by side
// in the columns too, and in which row the first one does. Within a leaf people keep the
// order of the columns.
func (d *Design) together(from, to int) (row int, yes bool) {
	if d.row == nil {
		return from, true
	}
	if to <= from {
		return 0, true
	}
	first, last := int(d.row[from]), int(d.row[to-1])
	return first, last-first == to-1-from
}

// accumulate adds people who stand side by side.
func accumulate(acc []accumulator, codes []groupCode, weight, y []float64) {
	weight, y = weight[:len(codes)], y[:len(codes)]
	for i, code := range codes {
		if code >= 0 {
			acc[code].include(weight[i], y[i])
		}
	}
}

// accumulateUpTo adds up the indicators of values up to the limit of their group. About
// half of all values are, in no order, so that a branch would be guessed wrong half of
// the time: the sign of limit − value takes its place.
func accumulateUpTo(acc []accumulator, codes []groupCode, weight, y, upTo []float64) {
	weight, y = weight[:len(codes)], y[:len(codes)]
	for i, code := range codes {
		if v := y[i]; code >= 0 && v == v { // not NaN
			a := &acc[code]
			w := weight[i]
			above := uint64(int64(math.Float64bits(upTo[code]-v)) >> 63)
			a.rows++
			a.n++
			a.w += w
			a.w2 += w * w
			a.wy += math.Float64frombits(math.Float64bits(w) &^ above)
		}
	}
}

// value is what the value y of a person of a group counts as.
func (x tabulation) value(group groupCode, y float64) float64 {
	switch {
	case x.upTo == nil:
		return y
	case y <= x.upTo[group]:
		return 1
	}
	return 0
}

// include adds one person of a group.
func (x tabulation) include(a *accumulator, group groupCode, w, y float64) {
	if x.upTo == nil || y == y { // not NaN
		a.include(w, x.value(group, y))
	}
}

// include adds one person.
func (a *accumulator) include(w, y float64) {
	a.rows++
	if y != y { // NaN
		return
	}
	a.n++
	wy := w * y
	a.w += w
	a.w2 += w * w
	a.wy += wy
	a.wy2 += wy * y
}

// number gives people from a place on the number of their group, -1 outside all;
// false means a level out of range.
func (d *Design) number(x tabulation, from int, codes []groupCode) bool {
	clear(codes)
	var bad int
	row, together := d.together(from, from+len(codes))
	factors := x.factors
	if together && len(factors) >= 3 {
		var levels [3][]int
		for k := range levels {
			levels[k] = factors[k].Level[row : row+len(codes)]
		}
		bad = crossThree(codes, levels, [3]int{len(factors[0].Levels), len(factors[1].Levels), len(factors[2].Levels)})
		factors = factors[3:]
	}
	for _, f := range factors {
		n := len(f.Levels)
		if together {
			bad |= cross(codes, f.Level[row:row+len(codes)], n)
		} else {
			var room [chunk]int
			levels := room[:len(codes)]
			for i := range levels {
				levels[i] = f.Level[d.row[from+i]]
			}
			bad |= cross(codes, levels, n)
		}
	}
	if x.in != nil {
		for i := range codes {
			if !x.in[d.rowAt(from+i)] {
				codes[i] = -1
			}
		}
	}
	return bad >= 0
}

// cross refines codes, all zero before the first factor, by one more factor of n levels;
// the result is negative when a level is out of range.
//
// It has no branches, and is not inlined so that its loop has the registers to itself.
//
//go:noinline
func cross(codes []groupCode, levels []int, n int) (bad int) {
	levels = levels[:len(codes)]
	for i, l := range levels {
		bad |= (l + 1) | (n - 1 - l)
		c := int(codes[i])
		// A missing level, or one missing before, makes the code negative for good.
		codes[i] = groupCode((c*n + l) | (l|c)>>63)
	}
	return bad
}

// crossThree is cross for the first three factors at once, which reads and writes the
// codes once instead of three times.
//
//go:noinline
func crossThree(codes []groupCode, levels [3][]int, n [3]int) (bad int) {
	first, second, third := levels[0][:len(codes)], levels[1][:len(codes)], levels[2][:len(codes)]
	for i, a := range first {
		b, c := second[i], third[i]
		bad |= (a + 1) | (n[0] - 1 - a) | (b + 1) | (n[1] - 1 - b) | (c + 1) | (n[2] - 1 - c)
		codes[i] = groupCode(((a*n[1]+b)*n[2] + c) | (a|b|c)>>63)
	}
	return bad
}

// levelFault names the first level that its factor has not.
func (d *Design) levelFault(x tabulation) error {
	for _, f := range x.factors {
		if err := d.checkFactor(f, nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("a factor has a level that is not named")
}

// take moves the sums of a leaf out of the accumulators.
func (g *groupSums) take(leaf int, acc []accumulator, b *blockSums) {
	w, wy := g.w.row(leaf)[:len(acc)], g.wy.row(leaf)[:len(acc)]
	seen := g.seen[leaf*len(acc):][:len(acc)]
	all, rows := b.all[:len(acc)], b.rows[:len(acc)]
	for i := range acc {
		a := &acc[i]
		w[i], wy[i] = a.w, a.wy
		seen[i] = uint8(uint32(-a.rows) >> 31) // a count has a sign bit when negated, unless it is zero
		all[i].W += a.w
		all[i].WY += a.wy
		rows[i] += int(a.rows)
		a.w, a.wy, a.rows = 0, 0, 0
	}
}

// finish takes the sums over the whole block.
func (b *blockSums) finish(acc []accumulator) {
	for i := range acc {
		b.all[i].N, b.all[i].W2, b.all[i].WY2 = int(acc[i].n), acc[i].w2, acc[i].wy2
	}
}

// checkShares makes sure that a variable has only zeros and ones.
func (g groupSums) checkShares(x tabulation) error {
	for i, s := range g.all {
		if err := s.checkShare(); err != nil {
			return fmt.Errorf("group %q: %w", x.names()[i], err)
		}
	}
	return nil
}

// tableVector makes the estimates of a table and their covariance.
func (d *Design) tableVector(x tabulation, g groupSums, s Settings, kind tableKind) (Vector, error) {
	values := g.values(kind)
	z := g.scores(values, kind)
	if d.regression != nil {
		d.groupResiduals(x, z, g.score(values, kind))
	}
	cov, f, err := d.layout.covariance(z.leafSums().using(g.w), d.layout.byPSU(g.seenBy(-1)), s)
	if err != nil {
		return Vector{}, err
	}
	v := Vector{Names: x.names(), Values: values, Level: s.Level, DF: f.df, Estimates: make([]Estimate, x.groups)}
	own, err := d.ownFacts(z, g, s, cov, f)
	if err != nil {
		return Vector{}, err
	}
	var all Sum
	for i := range values {
		all = all.add(g.all[i])
		v.Estimates[i] = g.estimate(i, values[i], own[i], s, kind)
	}
	v.N, v.Weighted = all.N, all.W
	if v.N == 0 {
		v.Notes, v.DF = []Note{{Code: Empty}}, math.NaN()
	} else {
		v.Notes = sample{settings: s, all: all}.facts(Estimate{N: v.N, DF: v.DF}, f)
	}
	v.complete(cov)
	return v, nil
}

// seenBy is above zero for each leaf with people of a group, or of any group when it is -1.
func (g groupSums) seenBy(group int) []int {
	k := len(g.all)
	n := make([]int, len(g.seen)/k)
	for leaf := range n {
		if group >= 0 {
			n[leaf] = int(g.seen[leaf*k+group])
			continue
		}
		for _, m := range g.seen[leaf*k : (leaf+1)*k] {
			n[leaf] += int(m)
		}
	}
	return n
}

// groupFacts are what a group needs to know by itself.
type groupFacts struct {
	facts
	variance float64
	t        float64 // the quantile of Student's t
}

// ownFacts finds the variance and the degrees of freedom of every group. Where
// there are lone PSUs, each group is a domain of its own: the rule may look at the domain,
// and the notes do.
func (d *Design) ownFacts(z grid, g groupSums, s Settings, cov *mat.SymDense, f facts) ([]groupFacts, error) {
	own := make([]groupFacts, len(g.all))
	if s.LoneInDomains || s.LonePSU == LoneCollapse || len(f.lone) > 0 || d.layout.phase != nil {
		return own, d.separately(z, g, s, own)
	}
	df := d.groupDF(g, s)
	for i := range own {
		own[i] = groupFacts{f, cov.At(i, i), 0}
		own[i].df = df[i]
	}
	setQuantiles(own, s.Level)
	return own, nil
}

// values are the estimates of all groups, NaN for those of nobody.
func (g groupSums) values(kind tableKind) []float64 {
	values := make([]float64, len(g.all))
	for i, s := range g.all {
		switch {
		case s.N == 0:
			values[i] = math.NaN()
		case kind == tableOfTotals:
			values[i] = s.WY
		default:
			values[i] = s.WY / s.W
		}
	}
	return values
}

// scores turns the sums by PSU and group into linearised totals, (Σwy − ȳΣw)/W, in the
// place of wy; those of weights are of no use afterwards.
func (g groupSums) scores(values []float64, kind tableKind) grid {
	if kind == tableOfTotals {
		return g.wy
	}
	mean, inverse := make([]float64, len(values)), make([]float64, len(values)) // 0 for nobody
	for i, s := range g.all {
		if s.N > 0 {
			mean[i], inverse[i] = values[i], 1/s.W
		}
	}
	parallel.Blocks(g.wy.rows, 64, func(_, from, to int) {
		for leaf := from; leaf < to; leaf++ {
			w, z := g.w.row(leaf)[:len(mean)], g.wy.row(leaf)[:len(mean)]
			for i, m := range mean {
				z[i] = (z[i] - m*w[i]) * inverse[i]
			}
		}
	})
	return g.wy
}

// score is that of a person of a group with value y.
func (g groupSums) score(values []float64, kind tableKind) func(group int, y float64) float64 {
	if kind == tableOfTotals {
		return func(_ int, y float64) float64 { return y }
	}
	return func(group int, y float64) float64 { return (y - values[group]) / g.all[group].W }
}

// varianceOfEach finds the variance of every group without their covariances. Where no
// stratum has a lone PSU and the design is of one stage, that is one sweep over the sums:
// the diagonal of layout.covariance, Σ_h (1−f_h) n_h/(n_h−1) Σ_i (z_hi − z̄_h)².
func (d *Design) varianceOfEach(z grid, g groupSums, s Settings) ([]groupFacts, error) {
	own, l := make([]groupFacts, len(g.all)), d.layout
	if !l.plain() || l.joint != nil || l.phase != nil || s.LoneInDomains || l.hasLone() {
		return own, d.separately(z, g, s, own)
	}
	means, _ := l.means(z, l.tally(d.layout.byPSU(g.seenBy(-1)), false))
	for i, h := range l.stratum {
		scale := l.remains(i) * besselOrOne(l.size[h])
		if l.complete(h) {
			continue
		}
		centre := means.row(h)
		for j, x := range z.row(i) {
			own[j].variance += scale * (x - centre[j]) * (x - centre[j])
		}
	}
	for j, df := range d.groupDF(g, s) {
		own[j].df = df
	}
	setQuantiles(own, s.Level)
	return own, nil
}

// separately finds the variance of every group by itself.
func (d *Design) separately(z grid, g groupSums, s Settings, own []groupFacts) error {
	faults := make([]error, len(own))
	parallel.Do(len(own), func(i int) {
		column := newGrid(z.rows, 1)
		for leaf := range z.rows {
			column.x[leaf] = z.x[leaf*z.columns+i]
		}
		v, f, err := d.layout.covariance(column.leafSums(), d.layout.byPSU(g.seenBy(i)), s)
		if faults[i] = err; err == nil {
			own[i] = groupFacts{f, v.At(0, 0), 0}
		}
	})
	setQuantiles(own, s.Level)
	return errors.Join(faults...)
}

// setQuantiles fills in t; most groups share a few degrees of freedom.
func setQuantiles(own []groupFacts, level float64) {
	place, of := make(map[float64]int), make([]int, len(own))
	var df []float64
	for i, o := range own {
		at, known := place[o.df]
		if !known {
			at = len(df)
			place[o.df] = at
			df = append(df, o.df)
		}
		of[i] = at
	}
	t := make([]float64, len(df))
	parallel.Do(len(df), func(i int) { t[i] = tQuantile(level, df[i]) })
	for i := range own {
		own[i].t = t[of[i]]
	}
}

// groupDF counts the degrees of freedom of every group: PSUs − strata, over those with
// people of the group.
func (d *Design) groupDF(g groupSums, s Settings) []float64 {
	k := len(g.all)
	df := make([]float64, k)
	if s.FixedDF > 0 || s.DF != DFDomain {
		for i := range df {
			df[i] = s.df(d.layout, nil)
		}
		return df
	}
	// PSUs of a stratum are side by side.
	people, psus := make([]uint8, k), make([]int32, k)
	leaf := 0
	for psu, h := range d.layout.stratum {
		clear(people)
		for ; leaf < d.layout.endOf(psu); leaf++ {
			for i, n := range g.seen[leaf*k:][:k] {
				people[i] |= n
			}
		}
		for i, n := range people {
			psus[i] += int32(n)
		}
		if psu+1 == len(d.layout.stratum) || d.layout.stratum[psu+1] != h {
			for i, n := range psus {
				df[i] += float64(max(n-1, 0))
			}
			clear(psus)
		}
	}
	return df
}

// endOf is the first leaf after those of a PSU.
func (l *layout) endOf(psu int) int {
	if l.plain() {
		return psu + 1
	}
	return l.first[psu+1]
}

// estimate completes that of group i.
func (g groupSums) estimate(i int, value float64, own groupFacts, s Settings, kind tableKind) Estimate {
	all := g.all[i]
	e := missingEstimate(s.Level)
	if all.N == 0 {
		e.Notes = []Note{{Code: Empty}}
		return e
	}
	e.N, e.Weighted, e.DF = all.N, all.W, own.df
	e.Notes = sample{settings: s, all: all}.facts(e, own.facts)
	e = e.within(value, math.Sqrt(own.variance), own.t)
	person := sample{all: all}.spread()
	if kind == tableOfTotals {
		person *= all.W * all.W
	}
	e.setEffects(person, all.N, all.W)
	if kind == tableOfProportions {
		return s.proportion(e, own.t, g.rows[i], g.weighted(i))
	}
	if kind == tableOfShares {
		return e
	}
	return sample{settings: s}.judged(e, relativeWidth(e), s.WideRelative)
}
