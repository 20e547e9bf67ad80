package replicate_test

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/replicate"
	"github.com/suyang-survey/suyang/analysis/weighting"
)

// JKn by its definition: leave a PSU out, weigh the others of its stratum up, estimate
// again, and add up (1−f)(n−1)/n times the squares around the full sample.
func TestJKnIsNaiveReestimation(t *testing.T) {
	p := draw(1, 3, 5, 2, 4)
	p.columns.Population = make([]float64, len(p.y))
	sizes := map[string]float64{"S0": 3, "S1": 5, "S2": 2, "S3": 4}
	for i, h := range p.columns.Stratum {
		p.columns.Population[i] = 4 * sizes[h] // f = 1/4
	}
	d := p.design(t)
	full := ok[analysis.Estimate](t)(d.Mean(p.y, p.in))
	var variance float64
	for _, out := range d.PSUs() {
		w := slices.Clone(p.columns.Weight)
		n := sizes[out.Stratum]
		for i := range w {
			switch {
			case p.columns.Stratum[i] != out.Stratum:
			case p.columns.PSU[i] == out.Name:
				w[i] = 0
			default:
				w[i] *= n / (n - 1)
			}
		}
		e := ok[analysis.Estimate](t)(ok[*analysis.Design](t)(d.Reweighted(w)).Mean(p.y, p.in))
		variance += 0.75 * (n - 1) / n * (e.Value - full.Value) * (e.Value - full.Value)
	}
	set := ok[*replicate.Set](t)(replicate.JKn(d))
	rows := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(set.On(d)).Mean(p.y, p.in))
	cells := ok[analysis.Estimate](t)(ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d))).Mean("y", analysis.Domain{"in": "yes"}))
	for _, e := range []analysis.Estimate{rows, cells} {
		near(t, "mean", e.Value, full.Value, 1e-13)
		near(t, "SE", e.SE, math.Sqrt(variance), 1e-12)
		if e.N != full.N || e.DF != full.DF {
			t.Errorf("N %d and DF %v, want %d and %v", e.N, e.DF, full.N, full.DF)
		}
		near(t, "deff", e.DEff, full.DEff*e.SE*e.SE/(full.SE*full.SE), 1e-12)
	}
}

// For totals, which are linear, jackknife and balanced replicates give the linearised
// variance exactly (Wolter 2007, ch. 3 and 4), with all covariances.
func TestLinearTotalsAreExact(t *testing.T) {
	pairs, many := draw(2, 2, 2, 2, 2, 2), draw(3, 4, 7, 3)
	one := draw(4, 9)
	for name, c := range map[string]struct {
		p    people
		make func(replicate.Source) (*replicate.Set, error)
	}{
		"JKn":        {many, replicate.JKn},
		"JKn, pairs": {pairs, replicate.JKn},
		"JK1":        {one, replicate.JK1},
		"BRR":        {pairs, replicate.BRR},
		"Fay":        {pairs, func(s replicate.Source) (*replicate.Set, error) { return replicate.Fay(s, 0.3) }},
	} {
		t.Run(name, func(t *testing.T) {
			d := c.p.design(t)
			set := ok[*replicate.Set](t)(c.make(d))
			want := ok[analysis.Table](t)(d.TotalTable(c.p.y, nil, c.p.sex, c.p.age))
			rows := ok[analysis.Table](t)(ok[*replicate.Sample](t)(set.On(d)).TotalTable(c.p.y, nil, c.p.sex, c.p.age))
			cells := ok[analysis.Table](t)(ok[*replicate.Cells](t)(set.OnCells(c.p.cells(t, d))).TotalTable("y", nil, "sex", "age"))
			for _, got := range []analysis.Table{rows, cells} {
				for i := range want.Values {
					near(t, want.Names[i], got.Values[i], want.Values[i], 1e-13)
					for j := range want.Values {
						if diff := math.Abs(got.Cov.At(i, j) - want.Cov.At(i, j)); diff > 1e-11*math.Sqrt(want.Cov.At(i, i)*want.Cov.At(j, j)) {
							t.Errorf("covariance %d, %d is %v, want %v", i, j, got.Cov.At(i, j), want.Cov.At(i, j))
						}
					}
				}
				a, b := ok[analysis.Estimate](t)(got.Difference(0, 3)), ok[analysis.Estimate](t)(want.Difference(0, 3))
				near(t, "SE of a contrast", a.SE, b.SE, 1e-11)
			}
		})
	}
}

// The successive differences: V = ½ Σ (z_i − z_{i+1})² over the circle of PSUs, exact for
// totals when there are fewer PSUs than replicates (Fay and Train 1995; with rows of a
// Hadamard matrix, Σ_r h_ar h_br = 0 for a ≠ b).
func TestSDRIsSuccessiveDifferences(t *testing.T) {
	p := draw(5, 4, 6, 3)
	d := p.design(t)
	set := ok[*replicate.Set](t)(replicate.SDR(d, 20))
	if set.Replicates() != 20 {
		t.Fatalf("%d replicates, want 20", set.Replicates())
	}
	z := make([]float64, len(d.PSUs()))
	for row, u := range d.Units() {
		z[u] += p.columns.Weight[row] * p.y[row]
	}
	var want float64
	for i := range z {
		next := z[(i+1)%len(z)]
		want += (z[i] - next) * (z[i] - next) / 2
	}
	e := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(set.On(d)).Total(p.y, nil))
	near(t, "SE", e.SE, math.Sqrt(want), 1e-12)
}

// twoStages is a sample of villages and households, both of finite populations.
func twoStages() people {
	p := draw(6, 5, 8)
	villages := map[string]float64{"S0": 12, "S1": 16}
	stages := []analysis.Stage{{Stratum: p.columns.Stratum, Unit: p.columns.PSU}, {}}
	for _, h := range p.columns.Stratum {
		stages[0].Population = append(stages[0].Population, villages[h])
		stages[1].Population = append(stages[1].Population, 20)
	}
	p.columns = analysis.Columns{Weight: p.columns.Weight, Stages: stages}
	return p
}

// The expectation of a bootstrap variance of a total is the closed form with its finite
// populations. Over R replicates the relative Monte-Carlo error is about √(2/(R−1)) =
// 1.6 % at R = 8,000; the test allows four of them.
func TestBootstrapExpectation(t *testing.T) {
	const replicates = 8000
	allowed := 4 * math.Sqrt(2.0/(replicates-1))
	withFPC := draw(7, 4, 6)
	for _, h := range withFPC.columns.Stratum {
		withFPC.columns.Population = append(withFPC.columns.Population, map[string]float64{"S0": 10, "S1": 9}[h])
	}
	type maker func(replicate.Source, int, uint64) (*replicate.Set, error)
	for name, c := range map[string]struct {
		p    people
		make maker
	}{
		"Rao, Wu and Yue, with replacement": {draw(8, 3, 6, 2), replicate.Bootstrap},
		"Rao, Wu and Yue, finite":           {withFPC, replicate.Bootstrap},
		"Preston, one stage":                {withFPC, replicate.Preston},
		"Preston, two stages":               {twoStages(), replicate.Preston},
	} {
		t.Run(name, func(t *testing.T) {
			d := c.p.design(t)
			want := ok[analysis.Estimate](t)(d.Total(c.p.y, nil))
			set := ok[*replicate.Set](t)(c.make(d, replicates, 20261125))
			e := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(set.On(d)).Total(c.p.y, nil))
			near(t, "variance", e.SE*e.SE, want.SE*want.SE, allowed)
			for r := range 50 {
				for u, m := range ok[[]float64](t)(set.Multipliers(r)) {
					if !(m >= 0) {
						t.Fatalf("replicate %d gives unit %d the multiplier %v", r, u, m)
					}
				}
			}
		})
	}
}

// Raking in every replicate on sums by PSU and crossing is raking every replicate's
// weights by row: the same numbers to 1e-10, as both meet the margins to 1e-12.
func TestRakedReplicatesAreNaive(t *testing.T) {
	p := draw(9, 4, 5, 6)
	before := slices.Clone(p.columns.Weight)
	d := p.design(t)
	var margins []replicate.Margin
	for _, m := range p.margins() {
		margins = append(margins, replicate.Margin{Factor: m.Name, Targets: m.Targets})
	}
	for name, make := range map[string]func() (*replicate.Set, error){
		"JKn":       func() (*replicate.Set, error) { return replicate.JKn(d) },
		"bootstrap": func() (*replicate.Set, error) { return replicate.Bootstrap(d, 70, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			set := ok[*replicate.Set](t)(make())
			raked, step, err := ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d))).Rake(margins, weighting.Settings{})
			if err != nil || !step.Converged {
				t.Fatal(err, step.Rounds)
			}
			for _, in := range []analysis.Domain{nil, {"in": "yes"}} {
				inside := func(row int) bool { return in == nil || p.in[row] }
				theta := func(w []float64) (mean, total float64) {
					var sum float64
					for row, x := range w {
						if inside(row) {
							sum += x
							total += x * p.y[row]
						}
					}
					return total / sum, total
				}
				rake := func(w []float64) []float64 {
					after, _, err := weighting.Rake(w, p.margins(), weighting.Settings{})
					if err != nil {
						t.Fatal(err)
					}
					return after
				}
				fullMean, fullTotal := theta(rake(p.columns.Weight))
				var means, totals []float64
				for r := range set.Replicates() {
					m := ok[[]float64](t)(set.Multipliers(r))
					w := slices.Clone(p.columns.Weight)
					for row, u := range d.Units() {
						w[row] *= m[u]
					}
					mean, total := theta(rake(w))
					means, totals = append(means, mean), append(totals, total)
				}
				se := func(full float64, theta []float64) float64 {
					centre := full
					if set.Centre() == replicate.ReplicateMean {
						centre = 0
						for _, x := range theta {
							centre += x / float64(len(theta))
						}
					}
					var v float64
					for r, x := range theta {
						v += set.Scale() * set.RScales()[r] * (x - centre) * (x - centre)
					}
					return math.Sqrt(v)
				}
				mean, total := ok[analysis.Estimate](t)(raked.Mean("y", in)), ok[analysis.Estimate](t)(raked.Total("y", in))
				near(t, "mean", mean.Value, fullMean, 1e-10)
				near(t, "total", total.Value, fullTotal, 1e-10)
				near(t, "SE of the mean", mean.SE, se(fullMean, means), 1e-10)
				near(t, "SE of the total", total.SE, se(fullTotal, totals), 1e-10)
			}
			// What the margins fix does not vary, as far as 1e-12 of 520 in each replicate says.
			if count := ok[analysis.Estimate](t)(raked.Count(analysis.Domain{"sex": "female"})); math.Abs(count.Value-520) > 1e-9 || count.SE > 520*1e-12*math.Sqrt(float64(set.Replicates())) {
				t.Errorf("%v women with SE %v, want 520 and none", count.Value, count.SE)
			}
		})
	}
	if !slices.Equal(before, p.columns.Weight) {
		t.Error("the weights that were given have changed")
	}
}

// With a design whose later stages matter, units are households: replicates on rows, on
// cells and by hand agree.
func TestPrestonOnCells(t *testing.T) {
	p := twoStages()
	d := p.design(t)
	set := ok[*replicate.Set](t)(replicate.Preston(d, 40, 5))
	if set.Units() <= len(d.PSUs()) {
		t.Fatalf("%d units for %d PSUs", set.Units(), len(d.PSUs()))
	}
	rows := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(set.On(d)).Mean(p.y, p.in))
	cells := ok[analysis.Estimate](t)(ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d))).Mean("y", analysis.Domain{"in": "yes"}))
	near(t, "mean", cells.Value, rows.Value, 1e-13)
	near(t, "SE", cells.SE, rows.SE, 1e-12)
}

// Same seed, same bits, on any number of cores; more replicates begin with the same.
func TestSameBits(t *testing.T) {
	p := draw(10, 6, 7, 8)
	d := p.design(t)
	cells := p.cells(t, d)
	run := func(cores, replicates int) (*replicate.Set, analysis.Table) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
		set := ok[*replicate.Set](t)(replicate.Bootstrap(d, replicates, 42))
		c, _, err := ok[*replicate.Cells](t)(set.OnCells(cells)).Rake([]replicate.Margin{{Factor: "age", Targets: []float64{3, 4, 3}}}, weighting.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		return set, ok[analysis.Table](t)(c.MeanTable("y", nil, "sex", "age"))
	}
	_, want := run(1, 100)
	for _, cores := range []int{2, 7} {
		_, got := run(cores, 100)
		for i := range want.Values {
			for j := range want.Values {
				if got.Cov.At(i, j) != want.Cov.At(i, j) {
					t.Fatalf("%d cores: covariance %d, %d is %v, want %v", cores, i, j, got.Cov.At(i, j), want.Cov.At(i, j))
				}
			}
		}
	}
	few, _ := run(2, 50)
	more, _ := run(2, 60)
	for r := range 50 {
		if !slices.Equal(ok[[]float64](t)(few.Multipliers(r)), ok[[]float64](t)(more.Multipliers(r))) {
			t.Fatalf("replicate %d changes with their number", r)
		}
	}
	other := ok[*replicate.Set](t)(replicate.Bootstrap(d, 50, 43))
	if slices.Equal(ok[[]float64](t)(few.Multipliers(0)), ok[[]float64](t)(other.Multipliers(0))) {
		t.Error("two seeds give the same replicate")
	}
}

// Imported replicates are those that they were exported from: whole weights by row,
// multipliers by row and by PSU.
func TestImport(t *testing.T) {
	p := draw(11, 5, 4)
	d := p.design(t)
	set := ok[*replicate.Set](t)(replicate.JKn(d))
	sample := ok[*replicate.Sample](t)(set.On(d))
	want := ok[analysis.Estimate](t)(sample.Mean(p.y, p.in))
	var weights, byRow, byPSU [][]float64
	for r := range set.Replicates() {
		w := ok[[]float64](t)(sample.Weights(r))
		weights = append(weights, w)
		m := slices.Clone(w)
		for i := range m {
			m[i] /= p.columns.Weight[i]
		}
		byRow = append(byRow, m)
		byPSU = append(byPSU, ok[[]float64](t)(set.Multipliers(r)))
	}
	for name, g := range map[string]replicate.Given{
		"weights":            {Weights: weights},
		"multipliers by row": {RowMultipliers: byRow},
		"multipliers by PSU": {PSUMultipliers: byPSU},
	} {
		g.Scale, g.RScales = set.Scale(), set.RScales()
		got := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(ok[*replicate.Set](t)(replicate.Import(d, g)).On(d)).Mean(p.y, p.in))
		near(t, name+": mean", got.Value, want.Value, 1e-13)
		near(t, name+": SE", got.SE, want.SE, 1e-12)
		if got.DF != want.DF {
			t.Errorf("%s: DF %v, want %v", name, got.DF, want.DF)
		}
	}
}

// Degrees of freedom follow from the form of the replicates as from the rank of the
// matrix, which Import computes, whichever PSUs are seen.
func TestDegreesOfFreedom(t *testing.T) {
	p := draw(12, 2, 2, 2, 2)
	d := p.design(t)
	makers := map[string]func() (*replicate.Set, error){
		"JKn":       func() (*replicate.Set, error) { return replicate.JKn(d) },
		"BRR":       func() (*replicate.Set, error) { return replicate.BRR(d) },
		"bootstrap": func() (*replicate.Set, error) { return replicate.Bootstrap(d, 60, 1) },
	}
	for name, make := range makers {
		set := ok[*replicate.Set](t)(make())
		var given replicate.Given
		given.Scale = 1
		for r := range set.Replicates() {
			given.PSUMultipliers = append(given.PSUMultipliers, ok[[]float64](t)(set.Multipliers(r)))
		}
		imported := ok[*replicate.Set](t)(replicate.Import(d, given))
		for mask := range 256 {
			in := slices.Repeat([]bool{false}, len(p.y))
			for row, u := range d.Units() {
				in[row] = mask>>u&1 == 1
			}
			a := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(set.On(d)).Count(in))
			b := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(imported.On(d)).Count(in))
			if a.DF != b.DF && !(math.IsNaN(a.DF) && math.IsNaN(b.DF)) {
				t.Errorf("%s, PSUs %08b: %v degrees of freedom, but the rank says %v", name, mask, a.DF, b.DF)
			}
		}
	}
	// Fewer replicates than that have one degree of freedom less than they are.
	few := ok[*replicate.Set](t)(replicate.Bootstrap(d, 3, 1))
	if e := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(few.On(d)).Mean(p.y, nil)); e.DF != 2 {
		t.Errorf("DF %v of three replicates, want 2", e.DF)
	}
	// The rule of the design: 8 PSUs less 4 strata.
	set := ok[*replicate.Set](t)(replicate.JKn(d))
	other := d.WithSettings(analysis.Settings{DF: analysis.DFDesign})
	if e := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(set.On(other)).Mean(p.y, p.in)); e.DF != 4 {
		t.Errorf("DF %v by the rule of the design, want 4", e.DF)
	}
}

// A statistic of the design with other weights, a function of totals and the estimator
// itself are one number; so is a proportion from a vector of shares.
func TestWaysToTheSameNumber(t *testing.T) {
	p := draw(13, 4, 4, 5)
	d := p.design(t)
	set := ok[*replicate.Set](t)(replicate.Bootstrap(d, 60, 9))
	sample, cells := ok[*replicate.Sample](t)(set.On(d)), ok[*replicate.Cells](t)(set.OnCells(p.cells(t, d)))
	want := ok[analysis.Estimate](t)(cells.Ratio("y", "share", analysis.Domain{"in": "yes"}))
	ratio := ok[analysis.Estimate](t)(sample.Ratio(p.y, p.share, p.in))
	function := ok[analysis.Vector](t)(cells.Function([]string{"y", "share"}, analysis.Domain{"in": "yes"}, []string{"ratio"},
		func(total []float64) []float64 { return []float64{total[0] / total[1]} }))
	statistic := ok[analysis.Vector](t)(sample.Estimate([]string{"ratio"}, p.in, [][]float64{p.y, p.share}, func(d *analysis.Design) ([]float64, error) {
		e, err := d.Ratio(p.y, p.share, p.in)
		return []float64{e.Value}, err
	}))
	for name, e := range map[string]analysis.Estimate{"rows": ratio, "function": function.Estimates[0], "statistic": statistic.Estimates[0]} {
		near(t, name, e.Value, want.Value, 1e-12)
		near(t, name+": SE", e.SE, want.SE, 1e-11)
		if e.DF != want.DF || e.N != want.N {
			t.Errorf("%s: DF %v and N %d, want %v and %d", name, e.DF, e.N, want.DF, want.N)
		}
	}
	whole := ok[analysis.Estimate](t)(cells.Proportion("share", nil))
	f := analysis.FactorColumn{Factor: analysis.Factor{ID: "share", Levels: []string{"no", "yes"}}}
	for _, x := range p.share {
		f.Level = append(f.Level, int(x))
	}
	shares := ok[analysis.Vector](t)(sample.ProportionVector(f, nil))
	near(t, "share", shares.Values[1], whole.Value, 1e-12)
	near(t, "lower bound of the share", shares.Estimates[1].Lo, whole.Lo, 1e-11)
}

// A group that one PSU alone has does not exist in the replicate without it.
func TestLostReplicates(t *testing.T) {
	p := draw(14, 4, 4)
	for row := range p.in {
		p.in[row] = p.columns.Stratum[row] == "S0" && p.columns.PSU[row] == "00"
	}
	d := p.design(t)
	sample := ok[*replicate.Sample](t)(ok[*replicate.Set](t)(replicate.JKn(d)).On(d))
	e := ok[analysis.Estimate](t)(sample.Mean(p.y, p.in))
	at := slices.IndexFunc(e.Notes, func(n analysis.Note) bool { return n.Code == analysis.LostReplicates })
	if at < 0 || e.Notes[at].Value != 1 {
		t.Errorf("notes %v, want one lost replicate", e.Notes)
	}
	share := ok[analysis.Estimate](t)(sample.Proportion(p.share, p.in))
	if !slices.ContainsFunc(share.Notes, func(n analysis.Note) bool { return n.Code == analysis.LostReplicates && n.Value == 1 }) {
		t.Errorf("notes of a share %v, want one lost replicate", share.Notes)
	}
	groups := ok[analysis.Table](t)(sample.MeanTable(p.y, nil, p.domain()))
	difference := ok[analysis.Estimate](t)(groups.Difference(0, 1))
	if !slices.ContainsFunc(difference.Notes, func(n analysis.Note) bool { return n.Code == analysis.LostReplicates && n.Value == 1 }) {
		t.Errorf("notes of a difference %v, want one lost replicate", difference.Notes)
	}
	nobody := ok[analysis.Estimate](t)(sample.Mean(p.y, make([]bool, len(p.y))))
	if !math.IsNaN(nobody.Value) || !math.IsNaN(nobody.SE) || nobody.Notes[0].Code != analysis.Empty {
		t.Errorf("the mean of nobody is %v", nobody)
	}
}

// A stratum that is in the sample whole does not vary.
func TestCompleteStrata(t *testing.T) {
	p := draw(15, 3, 4)
	for _, h := range p.columns.Stratum {
		p.columns.Population = append(p.columns.Population, map[string]float64{"S0": 3, "S1": 40}[h])
	}
	d := p.design(t)
	in := make([]bool, len(p.y))
	for row, h := range p.columns.Stratum {
		in[row] = h == "S0"
	}
	for name, make := range map[string]func() (*replicate.Set, error){
		"JKn":       func() (*replicate.Set, error) { return replicate.JKn(d) },
		"bootstrap": func() (*replicate.Set, error) { return replicate.Bootstrap(d, 50, 1) },
		"Preston":   func() (*replicate.Set, error) { return replicate.Preston(d, 50, 1) },
	} {
		e := ok[analysis.Estimate](t)(ok[*replicate.Sample](t)(ok[*replicate.Set](t)(make()).On(d)).Total(p.y, in))
		if e.SE > 1e-12*e.Value {
			t.Errorf("%s: SE %v of a stratum that is in the sample whole", name, e.SE)
		}
	}
}
