package analysis_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/suyang-survey/suyang/analysis"
)

// A textbook computes covariances straight from the formulas, on labels and by
// recursion, without any of the library's means. Of linearised values z, weight included
// (Särndal, Swensson and Wretman 1992, results 3.7.3, 4.3.1 and 4.3.2; Brewer's class for
// unequal chances):
//
//	V = Σ_h n/(n−1) Σ_i (1−π_i)(z_i − z̄_h)² + Σ_i π_i V_i
//
// with π_i = f_h for equal chances, V_i the same formula within unit i, and no later
// stage where units were drawn with replacement, π_i = 0.
type textbook struct {
	s    *randomSample
	rule analysis.LonePSURule
	in   []bool // who is of the domain: counts for inDomains only
	// inDomains is Settings.LoneInDomains.
	inDomains bool
	failed    bool // no variance exists under the rule
}

// A drawn unit is the rows of a unit with its share of the population.
type drawnUnit struct {
	rows  []int
	share float64
}

// strata lists the units of the rows by stratum, in the order of labels.
func (b *textbook) strata(stage int, rows []int) (names []string, units map[string][]drawnUnit) {
	byUnit := make(map[[2]string][]int)
	for _, i := range rows {
		k := [2]string{b.s.stratum[stage][i], b.s.unit[stage][i]}
		byUnit[k] = append(byUnit[k], i)
	}
	units = make(map[string][]drawnUnit)
	for k, members := range byUnit {
		units[k[0]] = append(units[k[0]], drawnUnit{members, b.s.share[stage][members[0]]})
	}
	for h := range units {
		names = append(names, h)
	}
	slices.Sort(names)
	return names, units
}

func sumOver(z []float64, rows []int) float64 {
	var sum float64
	for _, i := range rows {
		sum += z[i]
	}
	return sum
}

// seen counts the units with people of the domain.
func (b *textbook) seen(units []drawnUnit) int {
	n := 0
	for _, u := range units {
		if slices.ContainsFunc(u.rows, func(i int) bool { return b.in[i] && b.s.columns.Weight[i] > 0 }) {
			n++
		}
	}
	return n
}

// certain says that a stratum has no sampling error: every unit was sure to be drawn.
func certain(units []drawnUnit) bool {
	return !slices.ContainsFunc(units, func(u drawnUnit) bool { return u.share < 1 })
}

// within is the covariance of Σa and Σc by the selection at a stage and those after it,
// among the rows of one unit of the stage before.
func (b *textbook) within(stage int, rows []int, a, c []float64) float64 {
	names, strata := b.strata(stage, rows)
	var v float64
	for _, h := range names { // later stages
		for _, u := range strata[h] {
			if u.share > 0 && stage+1 < len(b.s.stratum) {
				v += u.share * b.within(stage+1, u.rows, a, c)
			}
		}
	}
	return v + b.selection(stage, names, strata, a, c)
}

// selection is the part of one stage.
func (b *textbook) selection(stage int, names []string, strata map[string][]drawnUnit, a, c []float64) float64 {
	inDomains := b.inDomains && stage == 0
	if b.rule == analysis.LoneFail {
		for _, h := range names {
			b.failed = b.failed || len(strata[h]) == 1 && !certain(strata[h])
		}
	}
	if inDomains {
		names = slices.DeleteFunc(slices.Clone(names), func(h string) bool { return b.seen(strata[h]) == 0 })
	}
	lone := func(units []drawnUnit) bool {
		return !certain(units) && (len(units) == 1 || inDomains && b.seen(units) == 1)
	}
	if b.rule == analysis.LoneCollapse && stage == 0 {
		names, strata = b.collapse(names, strata, inDomains)
	}
	var ofAll []drawnUnit
	for _, h := range names {
		ofAll = append(ofAll, strata[h]...)
	}
	var v float64
	averaged := 0
	for _, h := range names {
		units := strata[h]
		n := float64(len(units))
		around := units
		switch {
		case certain(units):
			continue
		case lone(units) && b.rule == analysis.LoneAdjust:
			around = ofAll
		case lone(units) && b.rule == analysis.LoneAverage:
			averaged++
			continue
		case len(units) == 1:
			continue
		}
		var meanA, meanC float64
		for _, u := range around {
			meanA += sumOver(a, u.rows) / float64(len(around))
			meanC += sumOver(c, u.rows) / float64(len(around))
		}
		for _, u := range units {
			v += n / math.Max(n-1, 1) * (1 - u.share) * (sumOver(a, u.rows) - meanA) * (sumOver(c, u.rows) - meanC)
		}
	}
	if averaged > 0 {
		b.failed = b.failed || averaged == len(names)
		v *= float64(len(names)) / float64(len(names)-averaged)
	}
	return v
}

// collapse merges strata until each has two units; the population of merged strata is
// the sum of theirs.
func (b *textbook) collapse(names []string, strata map[string][]drawnUnit, inDomains bool) ([]string, map[string][]drawnUnit) {
	var groups [][]string
	var open []string
	count := 0
	for _, h := range names {
		if certain(strata[h]) {
			groups = append(groups, []string{h})
			continue
		}
		open = append(open, h)
		if inDomains {
			count += b.seen(strata[h])
		} else {
			count += len(strata[h])
		}
		if count > 1 {
			groups, open, count = append(groups, open), nil, 0
		}
	}
	if len(open) > 0 {
		at := len(groups) - 1
		for at >= 0 && certain(strata[groups[at][0]]) {
			at--
		}
		if at < 0 {
			b.failed = true
			return names, strata
		}
		groups[at] = append(groups[at], open...)
	}
	merged := make(map[string][]drawnUnit)
	names = nil
	for _, g := range groups {
		var n, population float64
		for _, h := range g {
			merged[g[0]] = append(merged[g[0]], strata[h]...)
			n += float64(len(strata[h]))
			population += float64(len(strata[h])) / strata[h][0].share
		}
		if len(g) > 1 && b.s.columns.Stages[0].Chance == nil {
			for i := range merged[g[0]] {
				merged[g[0]][i].share = n / population
			}
		}
		names = append(names, g[0])
	}
	return names, merged
}

// variance is that of all stages.
func (b *textbook) variance(a, c []float64) float64 {
	return b.within(0, count(len(a)), a, c)
}

// df counts PSUs with people of the domain minus their strata, those merged as one.
func (b *textbook) df() float64 {
	names, strata := b.strata(0, count(len(b.in)))
	if b.inDomains {
		names = slices.DeleteFunc(names, func(h string) bool { return b.seen(strata[h]) == 0 })
	}
	if b.rule == analysis.LoneCollapse {
		names, strata = b.collapse(names, strata, b.inDomains)
	}
	df := 0
	for _, h := range names {
		if n := b.seen(strata[h]); n > 0 {
			df += n - 1
		}
	}
	return float64(df)
}

// A linear statistic has a value and the linearised value of every row, weight included.
// size is the sum of squares of the numbers that these are differences of: no computation
// is sharper than the rounding of it.
type linear struct {
	value, size float64
	z           []float64
}

// rate is Σwy/Σwx over the rows that belong, with z = w(y − Rx)/Σwx.
func (s *randomSample) rate(belongs func(i int) bool, y, x func(i int) float64) linear {
	var above, below float64
	for i, w := range s.columns.Weight {
		if belongs(i) {
			above += w * y(i)
			below += w * x(i)
		}
	}
	l := linear{value: above / below, z: make([]float64, len(s.y))}
	for i, w := range s.columns.Weight {
		if belongs(i) {
			l.z[i] = w * (y(i) - l.value*x(i)) / below
			largest := w * (math.Abs(y(i)) + math.Abs(l.value*x(i))) / below
			l.size += largest * largest
		}
	}
	return l
}

// total is Σwy over the rows that belong, with z = wy.
func (s *randomSample) total(belongs func(i int) bool, y func(i int) float64) linear {
	l := linear{z: make([]float64, len(s.y))}
	for i, w := range s.columns.Weight {
		if belongs(i) {
			l.z[i] = w * y(i)
			l.value += l.z[i]
			l.size += l.z[i] * l.z[i]
		}
	}
	return l
}

// TestAgainstTheTextbook compares the library with the formulas, for totals, means,
// proportions, ratios and the covariances of tables, over random designs, every rule for
// lone PSUs, and domains. Both sum a few hundred numbers at most, in another order, so
// that variances agree to some 1e-14 of the squares of these numbers; 1e-10 leaves room
// for weights and shares that cancel.
func TestAgainstTheTextbook(t *testing.T) {
	rules := []analysis.LonePSURule{analysis.LoneFail, analysis.LoneRemove, analysis.LoneCertainty, analysis.LoneAdjust, analysis.LoneAverage, analysis.LoneCollapse}
	compared, failures := 0, 0
	eachSample(t, 30, func(_ uint64, o *options) { o.lone = 0.2 }, func(t *testing.T, s *randomSample, _ *rand.Rand) {
		d := mustDesign(t, s.columns)
		for k := range 2 * len(rules) {
			settings := analysis.Settings{LonePSU: rules[k/2], LoneInDomains: k%2 == 1}
			for _, in := range [][]bool{nil, s.in} {
				ok := s.compare(t, d.WithSettings(settings), settings, in)
				if compared++; !ok {
					failures++
				}
			}
		}
	})
	if compared < 3000 || failures*2 > compared {
		t.Errorf("%d comparisons, of which %d without a variance", compared, failures)
	}
}

// compare checks one design and domain; it is false when no variance exists.
func (s *randomSample) compare(t *testing.T, d *analysis.Design, settings analysis.Settings, in []bool) bool {
	t.Helper()
	domain := make([]bool, len(s.y))
	for i := range domain {
		domain[i] = in == nil || in[i]
	}
	b := &textbook{s: s, rule: settings.LonePSU, in: domain, inDomains: settings.LoneInDomains}
	if b.variance(make([]float64, len(s.y)), make([]float64, len(s.y))); b.failed {
		if e, err := d.Mean(s.y, in); err == nil && e.N > 0 {
			t.Errorf("rule %s: no error, but the textbook has no variance", settings.LonePSU)
		}
		return false
	}
	valued := func(i int) bool { return domain[i] && s.columns.Weight[i] > 0 && !math.IsNaN(s.y[i]) }
	both := func(i int) bool { return valued(i) && !math.IsNaN(s.x[i]) }
	value := func(i int) float64 { return s.y[i] }
	one := func(int) float64 { return 1 }
	check := func(what string, e analysis.Estimate, err error, want linear) {
		t.Helper()
		if err != nil {
			t.Errorf("%s under %s: %v", what, settings.LonePSU, err)
			return
		}
		if e.N == 0 {
			return
		}
		v := b.variance(want.z, want.z)
		if !(math.Abs(e.Value-want.value) <= 1e-10*math.Abs(want.value)) || !(math.Abs(e.SE*e.SE-v) <= 1e-10*want.size) {
			t.Errorf("%s under %+v: %v with variance %v, the textbook has %v with %v", what, settings, e.Value, e.SE*e.SE, want.value, v)
		}
		if df := b.df(); e.DF != df {
			t.Errorf("%s under %s: %v df, want %v", what, settings.LonePSU, e.DF, df)
		}
	}
	e, err := d.Total(s.y, in)
	check("total", e, err, s.total(valued, value))
	e, err = d.Mean(s.y, in)
	check("mean", e, err, s.rate(valued, value, one))
	e, err = d.Proportion(s.yes, in)
	if p := s.rate(valued, func(i int) float64 { return s.yes[i] }, one); err != nil || p.value > 1e-12 && p.value < 1-1e-12 {
		check("proportion", e, err, p)
	}
	e, err = d.Ratio(s.y, s.x, in)
	check("ratio", e, err, s.rate(both, value, func(i int) float64 { return s.x[i] }))
	e, err = d.Count(in)
	check("count", e, err, s.total(func(i int) bool { return domain[i] && s.columns.Weight[i] > 0 }, one))

	if settings.LoneInDomains { // groups of a table then differ in their strata
		return true
	}
	table, err := d.MeanTable(s.y, in, s.sex, s.region)
	if err != nil {
		t.Error(err)
		return true
	}
	groups := make([]linear, len(table.Values))
	for g := range groups {
		groups[g] = s.rate(func(i int) bool {
			return valued(i) && s.sex.Level[i] == g/3 && s.region.Level[i] == g%3
		}, value, one)
	}
	for g, a := range groups {
		for h, c := range groups[:g+1] {
			want, got := b.variance(a.z, c.z), table.Cov.At(g, h)
			if math.IsNaN(a.value) || math.IsNaN(c.value) {
				if !math.IsNaN(got) {
					t.Errorf("covariance with the mean of nobody is %v", got)
				}
				continue
			}
			if size := math.Sqrt(a.size * c.size); !(math.Abs(got-want) <= 1e-10*size) {
				t.Errorf("covariance of groups %d and %d under %s: %v, the textbook has %v", g, h, settings.LonePSU, got, want)
			}
		}
	}
	return true
}
