package replicate

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// The estimators of Cells straight from columns, with every adjustment of the sample.

// rowRequest is what is to be summed of the rows.
type rowRequest struct {
	y       []float64 // NaN for missing; nil for the people themselves
	group   []int32   // of each row; −1 outside
	groups  int
	domains []analysis.Domain
}

// request checks the columns and crosses the factors.
func (x *Sample) request(y []float64, in []bool, factors ...analysis.FactorColumn) (rowRequest, error) {
	q := rowRequest{y: y, group: make([]int32, len(x.full)), groups: 1, domains: []analysis.Domain{{}}}
	var columns [][]float64
	if y != nil {
		columns = append(columns, y)
	}
	if err := x.checkRows(in, columns, factors); err != nil {
		return q, err
	}
	for _, f := range factors {
		var crossed []analysis.Domain
		for _, d := range q.domains {
			for _, level := range f.Levels {
				crossed = append(crossed, with(d, f.ID, level))
			}
		}
		q.domains = crossed
		q.groups *= len(f.Levels)
	}
	for row := range q.group {
		if !(x.full[row] > 0) || in != nil && !in[row] {
			q.group[row] = -1
			continue
		}
		g := 0
		for _, f := range factors {
			l := f.Level[row]
			if l < 0 || g < 0 {
				g = -1
				continue
			}
			g = g*len(f.Levels) + l
		}
		q.group[row] = int32(g)
	}
	return q, nil
}

// checkRows checks the lengths of columns and the levels of factors.
func (x *Sample) checkRows(in []bool, columns [][]float64, factors []analysis.FactorColumn) error {
	n := len(x.full)
	if in != nil && len(in) != n {
		return fmt.Errorf("the domain has %d values for %d rows of the design; give one for each row", len(in), n)
	}
	for _, y := range columns {
		if len(y) != n {
			return fmt.Errorf("a variable has %d values for %d rows of the design; give one for each row, NaN for missing", len(y), n)
		}
		if i := slices.IndexFunc(y, func(v float64) bool { return math.IsInf(v, 0) }); i >= 0 {
			return fmt.Errorf("a variable is infinite in row %d; NaN is missing, every other value is a number", i)
		}
	}
	for _, f := range factors {
		if len(f.Level) != n {
			return fmt.Errorf("factor %q has %d values for %d rows of the design; give one for each row, -1 for missing", f.ID, len(f.Level), n)
		}
		if i := slices.IndexFunc(f.Level, func(l int) bool { return l < -1 || l >= len(f.Levels) }); i >= 0 {
			return fmt.Errorf("factor %q has level %d in row %d, but %d levels; -1 is missing", f.ID, f.Level[i], i, len(f.Levels))
		}
	}
	return nil
}

// of is the value of a row, 1 for the people themselves.
func (q rowRequest) of(row int) float64 {
	if q.y == nil {
		return 1
	}
	return q.y[row]
}

// sums adds up the groups with the weights of the full sample and of every replicate.
func (x *Sample) sums(q rowRequest) ([]sums, error) {
	groups := x.set.newSums(q.groups)
	for row, g := range q.group {
		if g < 0 {
			continue
		}
		s, w, y := &groups[g], x.full[row], q.of(row)
		s.people++
		s.weighted += w
		s.seen[x.unit[row]] = true
		if math.IsNaN(y) {
			continue
		}
		s.full.N++
		s.full.W += w
		s.full.W2 += w * w
		s.full.WY += w * y
		s.full.WY2 += w * y * y
	}
	if len(x.adjust) == 0 {
		x.set.replicate(x.lines(q), groups, nil)
		return groups, nil
	}
	errs := make([]error, x.set.Replicates())
	parallel.Do(len(errs), func(r int) { errs[r] = x.sumReplicate(r, q, groups) })
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// sumReplicate adds up the groups with the adjusted weights of one replicate.
func (x *Sample) sumReplicate(r int, q rowRequest, groups []sums) error {
	weights, err := x.Weights(r)
	if err != nil {
		return err
	}
	w, wy := make([]float64, q.groups), make([]float64, q.groups)
	for row, g := range q.group {
		if y := q.of(row); g >= 0 && !math.IsNaN(y) {
			w[g] += weights[row]
			wy[g] += weights[row] * y
		}
	}
	for g := range groups {
		groups[g].w[r], groups[g].wy[r] = w[g], wy[g]
	}
	return nil
}

// lines are the sums of the rows by unit and group, in that order.
func (x *Sample) lines(q rowRequest) []line {
	var order []int32
	for row, g := range q.group {
		if g >= 0 && !math.IsNaN(q.of(row)) {
			order = append(order, int32(row))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		if c := cmp.Compare(x.unit[a], x.unit[b]); c != 0 {
			return c
		}
		return cmp.Compare(q.group[a], q.group[b])
	})
	var lines []line
	for _, row := range order {
		u, g, w := int32(x.unit[row]), q.group[row], x.full[row]
		if n := len(lines); n == 0 || lines[n-1].unit != u || lines[n-1].group != g {
			lines = append(lines, line{unit: u, group: g})
		}
		l := &lines[len(lines)-1]
		l.w += w
		l.wy += w * q.of(int(row))
	}
	return lines
}

// table estimates a statistic of every group of a table.
func (x *Sample) table(y []float64, in []bool, of statistic, settings analysis.Settings, factors []analysis.FactorColumn) (analysis.Table, error) {
	q, err := x.request(y, in, factors...)
	if err != nil {
		return analysis.Table{}, err
	}
	groups, err := x.sums(q)
	if err != nil {
		return analysis.Table{}, err
	}
	ids := make([]string, len(factors))
	for i, f := range factors {
		ids[i] = f.ID
	}
	v, err := x.set.table(groups, together(groups), of, settings, nil, func(g int) string { return groupName(q.domains[g], ids) })
	if err != nil {
		return analysis.Table{}, err
	}
	t := analysis.Table{Vector: v}
	for g, d := range q.domains {
		t.Groups = append(t.Groups, analysis.Group{Domain: d, Estimate: v.Estimates[g]})
	}
	return t, nil
}

// group estimates a statistic of one group.
func (x *Sample) group(y []float64, in []bool, of statistic, settings analysis.Settings) (analysis.Estimate, error) {
	t, err := x.table(y, in, of, settings, nil)
	if err != nil {
		return analysis.Estimate{}, err
	}
	return t.Estimates[0], nil
}

// one is group with the settings of the design.
func (x *Sample) one(y []float64, in []bool, of statistic) (analysis.Estimate, error) {
	settings, err := x.design.Settings()
	if err != nil {
		return analysis.Estimate{}, err
	}
	return x.group(y, in, of, settings)
}

// Mean estimates Σwy/Σw over the rows for which in is true, or all when in is nil, and
// y is not NaN.
func (x *Sample) Mean(y []float64, in []bool) (analysis.Estimate, error) { return x.one(y, in, meanOf) }

// Proportion is Mean of a variable of zeros and ones, with the interval of a proportion;
// that of the method logit replicates the log odds.
func (x *Sample) Proportion(y []float64, in []bool) (analysis.Estimate, error) {
	return x.one(y, in, shareOf)
}

// Total estimates Σwy.
func (x *Sample) Total(y []float64, in []bool) (analysis.Estimate, error) {
	return x.one(y, in, totalOf)
}

// Count estimates how many people the domain has, Σw.
func (x *Sample) Count(in []bool) (analysis.Estimate, error) { return x.one(nil, in, totalOf) }

// MeanTable estimates Mean for every crossing of the levels of the factors, the last one
// fastest, with the covariance of all.
func (x *Sample) MeanTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error) {
	return x.tableOf(y, in, meanOf, factors)
}

// ProportionTable is MeanTable of zeros and ones, with intervals of proportions.
func (x *Sample) ProportionTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error) {
	return x.tableOf(y, in, shareOf, factors)
}

// TotalTable is MeanTable for totals.
func (x *Sample) TotalTable(y []float64, in []bool, factors ...analysis.FactorColumn) (analysis.Table, error) {
	return x.tableOf(y, in, totalOf, factors)
}

func (x *Sample) tableOf(y []float64, in []bool, of statistic, factors []analysis.FactorColumn) (analysis.Table, error) {
	settings, err := x.design.Settings()
	if err != nil {
		return analysis.Table{}, err
	}
	return x.table(y, in, of, settings, factors)
}

// CountVector counts the people of every level of a factor.
func (x *Sample) CountVector(f analysis.FactorColumn, in []bool) (analysis.Vector, error) {
	t, err := x.tableOf(nil, in, totalOf, []analysis.FactorColumn{f})
	return t.Vector, err
}

// ProportionVector estimates the share of every level of a factor among the people of
// the domain who have one.
func (x *Sample) ProportionVector(f analysis.FactorColumn, in []bool) (analysis.Vector, error) {
	settings, err := x.design.Settings()
	if err != nil {
		return analysis.Vector{}, err
	}
	q, err := x.request(nil, in, f)
	if err != nil {
		return analysis.Vector{}, err
	}
	groups, err := x.sums(q)
	if err != nil {
		return analysis.Vector{}, err
	}
	return x.set.shares(groups, settings, nil, func(g int) string { return f.Levels[g] })
}

// Ratio estimates Σwy/Σwz over the people of the domain who have both values.
func (x *Sample) Ratio(y, z []float64, in []bool) (analysis.Estimate, error) {
	settings, err := x.design.Settings()
	if err != nil {
		return analysis.Estimate{}, err
	}
	if err := x.checkRows(in, [][]float64{y, z}, nil); err != nil {
		return analysis.Estimate{}, err
	}
	var parts [2]sums
	for i, column := range [][]float64{y, z} {
		whole := slices.Clone(column)
		for row := range whole {
			if math.IsNaN(y[row]) || math.IsNaN(z[row]) {
				whole[row] = math.NaN()
			}
		}
		q, err := x.request(whole, in)
		if err != nil {
			return analysis.Estimate{}, err
		}
		groups, err := x.sums(q)
		if err != nil {
			return analysis.Estimate{}, err
		}
		parts[i] = groups[0]
	}
	return x.set.ratio(parts[0], parts[1], settings, nil)
}

// Crosstab counts the pairs of levels of two factors, for tests of independence and
// agreement with the replicates' covariance.
func (x *Sample) Crosstab(rows, columns analysis.FactorColumn, in []bool) (*analysis.Crosstab, error) {
	settings, err := x.design.Settings()
	if err != nil {
		return nil, err
	}
	if rows.ID == columns.ID {
		return nil, fmt.Errorf("factor %q is both the rows and the columns of the table; name two factors", rows.ID)
	}
	var groups [2][]sums
	for i, factors := range [][]analysis.FactorColumn{{rows, columns}, nil} {
		q, err := x.request(nil, in, factors...)
		if err != nil {
			return nil, err
		}
		if groups[i], err = x.sums(q); err != nil {
			return nil, err
		}
	}
	return x.set.crosstab(rows.Factor, columns.Factor, groups[0], together(groups[0]), groups[1][0], settings, nil)
}
