package analysis

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// RankScore says what a rank test makes of the ranks.
type RankScore string

// The rank tests, with the score g(r) of a rank r between 0 and 1 (Lumley and Scott
// 2013). The Kruskal–Wallis test is RankWilcoxon with more than two groups.
const (
	RankWilcoxon      RankScore = "wilcoxon"        // r
	RankVanDerWaerden RankScore = "van-der-waerden" // Φ⁻¹(r)
	RankMedian        RankScore = "median"          // 1 when r > ½, or 0
)

// RankTest asks whether a variable has the same distribution in all groups, by ranks of
// the estimated population (Lumley and Scott 2013; R's svyranktest). The rank of y is
//
//	r = (Σ_{y_j < y} w_j + ½ Σ_{y_j = y} w_j) / Σw
//
// and the groups are compared by the means of g(r) with the scores of a mean. Two
// groups make a t test, on one degree of freedom less than the design has; Difference
// is the mean score of the second level minus that of the first. With m groups,
// F = β′V⁻¹β/(m−1) of the differences β from the first on m−1 and ν−m+1, and Difference
// is that of the second level.
//
// Ties share their rank by weight, so that the order of rows does not matter; R gives
// them the plain mean of what the order of rows makes of them, which differs when
// weights do.
func (d *Design) RankTest(y []float64, group FactorColumn, score RankScore, in []bool) (Comparison, error) {
	p, groups, err := d.grouped(y, group, in)
	if err != nil {
		return Comparison{}, err
	}
	return p.rankTest(y, group, groups, score)
}

// rankTest compares groups by a score of the ranks.
func (p people) rankTest(y []float64, group FactorColumn, groups []int, score RankScore) (Comparison, error) {
	g, err := score.function()
	if err != nil {
		return Comparison{}, err
	}
	if len(groups) < 2 {
		return Comparison{}, fmt.Errorf("%d levels of %q have people with a value; a rank test compares two or more, widen the domain", len(groups), group.ID)
	}
	scores := p.ranks(y)
	for row, r := range scores {
		scores[row] = g(r)
	}
	method := "design-based rank test, " + string(orElse(score, RankWilcoxon))
	if len(groups) == 2 {
		return p.compare(scores, group, groups, method)
	}
	return p.compareMany(scores, group, groups, method)
}

// function is g.
func (s RankScore) function() (func(float64) float64, error) {
	switch s {
	case "", RankWilcoxon:
		return func(r float64) float64 { return r }, nil
	case RankVanDerWaerden:
		return distuv.UnitNormal.Quantile, nil
	case RankMedian:
		return func(r float64) float64 {
			if r > 0.5 {
				return 1
			}
			return 0
		}, nil
	}
	return nil, fmt.Errorf("there is no rank test %q; use %s, %s or %s", s, RankWilcoxon, RankVanDerWaerden, RankMedian)
}

// ranks are those of these people, by row of the columns; ½ for others.
func (p people) ranks(y []float64) []float64 {
	type person struct {
		y     float64
		place int32
	}
	order := make([]person, len(p.places))
	for i, place := range p.places {
		order[i] = person{y[p.design.rowAt(int(place))], place}
	}
	slices.SortFunc(order, func(a, b person) int { // by place within ties, so that sums are the same
		switch {
		case a.y < b.y:
			return -1
		case a.y > b.y:
			return 1
		}
		return int(a.place) - int(b.place)
	})
	ranks := make([]float64, p.design.rows)
	for row := range ranks {
		ranks[row] = 0.5
	}
	below := 0.0
	for from := 0; from < len(order); {
		to, tied := from, 0.0
		for ; to < len(order) && order[to].y == order[from].y; to++ {
			tied += p.weight[order[to].place]
		}
		for _, who := range order[from:to] {
			ranks[p.design.rowAt(int(who.place))] = (below + tied/2) / p.w
		}
		below += tied
		from = to
	}
	return ranks
}

// compareMany tests whether the means of several groups are all the same.
func (p people) compareMany(y []float64, group FactorColumn, groups []int, method string) (Comparison, error) {
	v, err := p.differences(y, group, groups)
	if err != nil {
		return Comparison{}, err
	}
	k := float64(len(v.Values))
	test := Test{Method: method, DF1: k, DF2: v.DF - k, ChiSquare: math.NaN(), N: v.N, Notes: slices.Clone(v.Notes)}
	c, dependent := newCholesky(v.Cov)
	if dependent >= 0 || !(test.DF2 > 0) {
		return Comparison{}, fmt.Errorf("comparing %d groups needs more degrees of freedom, PSUs less strata, than the %v there are, and people who differ in each group; merge levels", len(groups), v.DF)
	}
	var sum float64
	for i, x := range c.solve(v.Values) {
		sum += v.Values[i] * x
	}
	test.Statistic = sum / k
	test.P = fTail(test.Statistic, test.DF1, test.DF2)
	return Comparison{test, v.Estimates[0]}, nil
}
