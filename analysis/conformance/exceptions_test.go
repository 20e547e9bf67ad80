package conformance

import (
	"cmp"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"gonum.org/v1/gonum/stat/distuv"
)

// The arguments of testdata/exceptions.txt on tests of hypotheses, as tests.

// eachCase calls work for every case of some kinds in the oracle files whose design can
// be made.
func eachCase(t *testing.T, work func(r *run), kinds ...string) {
	t.Helper()
	a := newArchive()
	files, err := filepath.Glob(filepath.Join(a.oracles, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		var f oracleFile
		if err := readJSON(name, &f); err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Cases {
			if !slices.Contains(kinds, c.Estimator) {
				continue
			}
			if s, err := a.open(f, c.Design); err == nil {
				work(&run{session: s, Case: c, archive: a})
			}
		}
	}
}

// ranksOfR gives ties the plain mean of what the order of rows makes of them, as R does.
func ranksOfR(y, w []float64, in []bool) []float64 {
	var order []int
	var all float64
	for row, yes := range in {
		if yes && !math.IsNaN(y[row]) && w[row] > 0 {
			order = append(order, row)
			all += w[row]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(y[a], y[b]) })
	ranks := make([]float64, len(y))
	var cumulated float64
	for from := 0; from < len(order); {
		to, sum := from, 0.0
		for ; to < len(order) && y[order[to]] == y[order[from]]; to++ {
			cumulated += w[order[to]]
			sum += cumulated - w[order[to]]/2
		}
		for _, row := range order[from:to] {
			ranks[row] = sum / float64(to-from) / all
		}
		from = to
	}
	return ranks
}

// TestRanksOfR shows that nothing but the ranks of ties is different from R: a t test
// of the scores of R's ranks gives R's numbers in every case, excepted or not.
func TestRanksOfR(t *testing.T) {
	cases := 0
	eachCase(t, func(r *run) {
		cases++
		y, group, in, err := r.outcomeAndGroup()
		if err != nil {
			t.Fatal(err)
		}
		scores := ranksOfR(y, r.weights, in)
		for row, x := range scores {
			switch r.Params.text("test") {
			case "vanderWaerden":
				scores[row] = distuv.UnitNormal.Quantile(x)
			case "median":
				scores[row] = float64(btoi(x > 0.5))
			}
		}
		c, err := r.design.TTest(scores, group, in)
		if err != nil {
			t.Fatal(err)
		}
		r.check("difference", c.Difference.Value, number(r.Estimate))
		r.check("t", c.Statistic, r.Extra.number("statistic"))
		r.check("p", c.P, r.Extra.number("p_value"))
		if len(r.faults) > 0 {
			t.Errorf("%s: %s", r.ID, strings.Join(r.faults, "; "))
		}
	}, "rank_test")
	if cases == 0 {
		t.Error("no case of a rank test was found")
	}
}

// TestLincomOfR shows why the cases of lincom are excepted: they hold the saddlepoint
// approximation of the same table, and with one degree of freedom, where the exact
// distribution is an F, another P than R's own F test, which ours equals.
func TestLincomOfR(t *testing.T) {
	p := make(map[string]map[string]float64) // of each table, by statistic
	tables := make(map[string]*run)
	key := func(r *run) string { return r.Dataset + "/" + r.Design + "/" + r.Variable }
	eachCase(t, func(r *run) {
		if p[key(r)] == nil {
			p[key(r)] = make(map[string]float64)
		}
		p[key(r)][r.Params.text("statistic")] = r.Extra.number("p_value")
		if r.Params.text("statistic") == "lincom" {
			tables[key(r)] = r
		}
	}, "independence_test")
	single := 0
	for name, r := range tables {
		if p[name]["lincom"] != p[name]["saddlepoint"] {
			t.Errorf("%s: lincom is %v and saddlepoint %v; it is no approximation", name, p[name]["lincom"], p[name]["saddlepoint"])
		}
		table, err := r.crosstab()
		if err != nil {
			t.Fatal(err)
		}
		test, err := table.Independence(analysis.WeightedChiSquares)
		if err != nil {
			t.Fatal(err)
		}
		if len(test.Weights) > 1 {
			continue
		}
		single++
		if math.Abs(test.P/p[name]["F"]-1) > 1e-8 {
			t.Errorf("%s: P = %v with one degree of freedom, but the F test has %v", name, test.P, p[name]["F"])
		}
	}
	if single == 0 {
		t.Error("no table with one degree of freedom was found")
	}
}
