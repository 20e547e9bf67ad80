package analysis

import (
	"math"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// QuantileTable is Quantile at one share for every crossing of the levels of the
// factors, in two passes over the rows: in the order of the levels, the last factor
// fastest, empty crossings too. Scores that are whole numbers from 0 to 1,023 need no
// sorting.
func (d *Design) QuantileTable(y []float64, in []bool, q QuantileSettings, p float64, factors ...FactorColumn) ([]Group, error) {
	settings, err := d.settings.orDefault()
	if err != nil {
		return nil, err
	}
	if q, err = q.orDefault(); err != nil {
		return nil, err
	}
	if err := checkShares([]float64{p}); err != nil {
		return nil, err
	}
	x, err := d.tabulation(y, in, factors)
	if err != nil {
		return nil, err
	}
	x.codes = make([]groupCode, len(d.weight))
	distributions, err := d.distributions(x, q.Rule)
	if err != nil {
		return nil, err
	}
	x.upTo = make([]float64, x.groups)
	for g, f := range distributions {
		x.upTo[g] = f.quantile(p, q.Rule)
	}
	return d.quantileGroups(x, settings, q, distributions)
}

// quantileGroups estimates F at the quantile of each group and turns it around.
func (d *Design) quantileGroups(x tabulation, s Settings, q QuantileSettings, f []distribution) ([]Group, error) {
	g, err := d.sumGroups(x)
	if err != nil {
		return nil, err
	}
	values := g.values(tableOfMeans)
	z := g.scores(values, tableOfMeans)
	if d.regression != nil {
		d.groupResiduals(x, z, g.score(values, tableOfMeans))
	}
	own, err := d.varianceOfEach(z, g, s)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, x.groups)
	for i, domain := range x.domains() {
		groups[i].Domain = domain
		e := g.estimate(i, values[i], own[i], s, tableOfShares)
		if e.N > 0 {
			e = s.judgedQuantile(e.asQuantile(f[i], q, x.upTo[i], own[i].t))
		}
		groups[i].Estimate = e
	}
	return groups, nil
}

// maxScore is the largest score that is counted instead of sorted.
const maxScore = 1023

// distributions finds the distribution of every group.
func (d *Design) distributions(x tabulation, rule QuantileRule) ([]distribution, error) {
	if rule.discrete() {
		f, ok, err := d.histograms(x)
		if ok || err != nil {
			return f, err
		}
	}
	return d.sorted(x, rule)
}

// sorted collects the people of every group in the order of the columns.
func (d *Design) sorted(x tabulation, rule QuantileRule) ([]distribution, error) {
	if err := d.numberAll(x); err != nil {
		return nil, err
	}
	weight, group := make([]float64, d.rows), make([]groupCode, d.rows) // by row
	for place, w := range d.weight {
		row := d.rowAt(place)
		weight[row], group[row] = w, x.codes[place]
	}
	values, weights := make([][]float64, x.groups), make([][]float64, x.groups)
	for row, g := range group {
		if v := x.y[row]; g >= 0 && weight[row] > 0 && v == v { // not NaN
			if math.IsInf(v, 0) {
				return nil, rowError(row, "the variable is infinite in %s; NaN is missing, every other value is a number")
			}
			values[g], weights[g] = append(values[g], v), append(weights[g], weight[row])
		}
	}
	f := make([]distribution, x.groups)
	parallel.Do(x.groups, func(g int) {
		f[g] = newDistribution(values[g], weights[g])
		if rule.discrete() {
			f[g] = f[g].distinct()
		}
	})
	return f, nil
}

// numberAll fills x.codes.
func (d *Design) numberAll(x tabulation) error {
	for leaf := range d.layout.leaves() {
		for from := d.leaf[leaf]; from < d.leaf[leaf+1]; from += chunk {
			if !d.number(x, from, x.codes[from:min(from+chunk, d.leaf[leaf+1])]) {
				return d.levelFault(x)
			}
		}
	}
	return nil
}

// histograms counts whole scores; ok is false when there are others. The work is cut
// into a fixed number of parts, which are added in order.
func (d *Design) histograms(x tabulation) (f []distribution, ok bool, err error) {
	top, whole := scoreRange(x.y)
	if !whole {
		return nil, false, nil
	}
	const parts = 8
	width := top + 1
	sums := make([][]float64, parts)
	faults := make([]bool, parts)
	leaves := d.layout.leaves()
	parallel.Do(parts, func(part int) {
		sums[part] = make([]float64, x.groups*width)
		faults[part] = !d.histogram(x, leaves*part/parts, leaves*(part+1)/parts, width, sums[part])
	})
	for part := range parts {
		if faults[part] {
			return nil, false, d.levelFault(x)
		}
		if part > 0 {
			for i, w := range sums[part] {
				sums[0][i] += w
			}
		}
	}
	f = make([]distribution, x.groups)
	for g := range f {
		for v, w := range sums[0][g*width : (g+1)*width] {
			if w > 0 {
				f[g].value, f[g].weight = append(f[g].value, float64(v)), append(f[g].weight, w)
			}
		}
		f[g].cumulate()
	}
	return f, true, nil
}

// scoreRange finds the largest score, when all are whole numbers that can be counted.
func scoreRange(y []float64) (top int, whole bool) {
	const parts = 8
	tops := make([]int, parts)
	parallel.Do(parts, func(part int) {
		t := 0
		for _, v := range y[len(y)*part/parts : len(y)*(part+1)/parts] {
			if v != v { // NaN
				continue
			}
			if !(v >= 0 && v <= maxScore) || v != float64(int(v)) {
				t = -1
				break
			}
			t = max(t, int(v))
		}
		tops[part] = t
	})
	for _, t := range tops {
		if t < 0 {
			return 0, false
		}
		top = max(top, t)
	}
	return top, true
}

// histogram adds up the weights of each score and group over leaves, and keeps the
// groups in x.codes.
func (d *Design) histogram(x tabulation, fromLeaf, toLeaf, width int, sums []float64) bool {
	for leaf := fromLeaf; leaf < toLeaf; leaf++ {
		for from := d.leaf[leaf]; from < d.leaf[leaf+1]; from += chunk {
			to := min(from+chunk, d.leaf[leaf+1])
			codes, weight := x.codes[from:to], d.weight[from:to]
			if !d.number(x, from, codes) {
				return false
			}
			if row, together := d.together(from, to); together {
				countScores(sums, width, codes, weight, x.y[row:row+to-from])
				continue
			}
			for i, g := range codes {
				if v := x.y[d.row[from+i]]; g >= 0 && v == v { // not NaN
					sums[int(g)*width+int(v)] += weight[i]
				}
			}
		}
	}
	return true
}

// countScores adds up people who stand side by side.
func countScores(sums []float64, width int, codes []groupCode, weight, y []float64) {
	weight, y = weight[:len(codes)], y[:len(codes)]
	for i, g := range codes {
		if v := y[i]; g >= 0 && v == v { // not NaN
			sums[int(g)*width+int(v)] += weight[i]
		}
	}
}
