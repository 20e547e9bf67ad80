package quality

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
)

// Measure is what enumerators are compared on.
type Measure string

// The measures: the share of scored items that are right, the share of items without a
// substantive answer, the logarithm of the pace, as TooFast takes it, and the standardised
// number of Guttman errors, as PersonFit takes it.
const (
	RightShare  Measure = "right"
	SilentShare Measure = "silent"
	LogPace     Measure = "pace"
	Misfit      Measure = "misfit"
)

// EnumeratorRule is the rule of Enumerators.
type EnumeratorRule struct {
	// Measures are compared, in this order.
	Measures []Measure
	// Interviews is the least number an enumerator must have done in an area to count
	// there.
	Interviews int
	// Tolerated is the intraclass correlation that is nobody's fault: people differ
	// between places, and enumerators between themselves.
	Tolerated float64
	// Alpha is the chance that an honest wave has any enumerator flagged, and any measure.
	Alpha float64
}

// DefaultEnumerator tolerates a correlation of 0.02, the size that well-trained enumerators
// in face-to-face surveys are known for (Groves 1989, Survey Errors and Survey Costs, ch. 8).
func DefaultEnumerator() EnumeratorRule {
	return EnumeratorRule{Measures: []Measure{RightShare, SilentShare, LogPace, Misfit}, Interviews: 10, Tolerated: 0.02, Alpha: 0.05}
}

func (r EnumeratorRule) check() error {
	err := errors.Join(within("Enumerator.Interviews", float64(r.Interviews), 2, 1e6), within("Enumerator.Tolerated", r.Tolerated, 0, 0.5),
		within("Enumerator.Alpha", r.Alpha, 1e-6, 0.5), within("Enumerator.Measures, the number of them", float64(len(r.Measures)), 1, 100))
	for _, m := range r.Measures {
		if !slices.Contains(DefaultEnumerator().Measures, m) {
			err = errors.Join(err, within("Enumerator.Measures, a measure "+string(m)+" that is not known", 0, 1, 1))
		}
	}
	return err
}

// The reasons of Enumerators.
const (
	whyNoEnumerator Why = "no-enumerator"
	whyFewDone      Why = "few-done"
	whyNobodyBeside Why = "nobody-beside"
)

// Enumerators compares each enumerator with the others of the same area, for each measure.
//
// EnumeratorApart has for each enumerator the mean of the measure minus that of the others
// of the area, averaged over the areas by interviews, as Value. Its variance is
// σ²(1/n + 1/m), n interviews against m, with σ² the mean square within enumerators, plus
// what Tolerated allows: τ²(1 + Σm²ₑ/m²) with τ² = σ²·Tolerated/(1−Tolerated). The p value is
// Student's, two-sided, and P is after Holm's rule over all enumerators and measures (Holm
// 1979, Scandinavian Journal of Statistics 6): the smallest of m is flagged up to Alpha/m,
// then the smallest of the others up to Alpha/(m−1), and so on. Whoever is flagged is no
// longer one of those that the others are held against. Threshold is the difference, in
// either direction, from which on it is flagged. N is the number of interviews.
//
// EnumeratorEffect has for each measure the intraclass correlation by the analysis of
// variance of enumerators within areas as Value: (MSB − MSW) / (MSB + (n₀−1)·MSW), which
// may be below 0, n₀ = Σ(nₐ − Σn²ₑ/nₐ) / Σ(kₐ−1) (Searle, Casella & McCulloch 1992, Variance
// Components, §3.6). F = MSB/MSW over 1 + n₀·Tolerated/(1−Tolerated) gives the p value of
// a correlation of at most Tolerated, exact for equal workloads of normal values, and P is
// after the rule of Benjamini & Hochberg (1995, Journal of the Royal Statistical Society B
// 57) over the measures. Flagged is P ≤ Alpha, and Threshold is Tolerated. N is the number
// of interviews.
//
// Enumerators who work in different places differ because the people do: only where the
// cases of an area are dealt out at random is the difference theirs alone.
func (w *Wave) Enumerators(r EnumeratorRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	var apart []one
	var effects []Finding
	for _, m := range r.Measures {
		v := w.variance(w.measure(m), r)
		effects = append(effects, v.effect(m, r))
		for _, e := range slices.Sorted(maps.Keys(v.done)) {
			apart = append(apart, v.apart(e, m, r))
		}
	}
	holm(apart, r)
	benjaminiHochberg(effects, r.Alpha)
	out := make([]Finding, 0, len(apart)+len(effects))
	for _, a := range apart {
		out = append(out, a.Finding)
	}
	return append(out, effects...), nil
}

// measure returns the values of a measure by interview, NaN where there is none.
func (w *Wave) measure(m Measure) []float64 {
	if m == LogPace {
		return w.speeds(DefaultSpeed().Pages)
	}
	out := make([]float64, len(w.rows))
	if m == Misfit {
		for i, f := range w.fits(DefaultFit().Items) {
			out[i] = f.z()
		}
		return out
	}
	for i := range out {
		k, n := w.score(i)
		if m == SilentShare {
			k, n = w.silent(i)
		}
		out[i] = float64(k) / float64(n) // NaN when nothing was asked
	}
	return out
}

// cell is what an enumerator did in an area.
type cell struct{ n, sum, squares float64 }

func (c cell) mean() float64 { return c.sum / c.n }

// variance is the analysis of variance of enumerators within areas.
type variance struct {
	areas             []map[string]cell // those with two enumerators who did enough
	done              map[string]int    // interviews of every enumerator
	n                 int               // interviews in areas
	between, within   float64           // mean squares
	dfBetween, dfWith float64
	n0                float64
	areasOf           map[string][]int // of an enumerator, in areas
	flagged           map[string]bool  // enumerators
}

func (w *Wave) variance(values []float64, r EnumeratorRule) *variance {
	v := &variance{done: map[string]int{}, areasOf: map[string][]int{}, flagged: map[string]bool{}}
	areas := map[string]map[string]cell{}
	for i, x := range w.rows {
		if x.enumerator == "" {
			continue
		}
		v.done[x.enumerator] += 0
		if math.IsNaN(values[i]) {
			continue
		}
		v.done[x.enumerator]++
		if areas[x.area] == nil {
			areas[x.area] = map[string]cell{}
		}
		c := areas[x.area][x.enumerator]
		areas[x.area][x.enumerator] = cell{c.n + 1, c.sum + values[i], c.squares + values[i]*values[i]}
	}
	for _, a := range slices.Sorted(maps.Keys(areas)) {
		maps.DeleteFunc(areas[a], func(_ string, c cell) bool { return c.n < float64(r.Interviews) })
		if len(areas[a]) >= 2 {
			for e := range areas[a] {
				v.areasOf[e] = append(v.areasOf[e], len(v.areas))
			}
			v.areas = append(v.areas, areas[a])
		}
	}
	v.squares()
	return v
}

// squares sums up the squares between and within enumerators.
func (v *variance) squares() {
	var n, loads float64
	for _, area := range v.areas {
		total, load := cell{}, 0.0
		for _, e := range slices.Sorted(maps.Keys(area)) {
			c := area[e]
			total = cell{total.n + c.n, total.sum + c.sum, 0}
			load += c.n * c.n
			v.within += max(0, c.squares-c.sum*c.mean())
		}
		for _, e := range slices.Sorted(maps.Keys(area)) {
			d := area[e].mean() - total.mean()
			v.between += area[e].n * d * d
		}
		v.dfBetween += float64(len(area) - 1)
		v.dfWith += total.n - float64(len(area))
		n += total.n
		loads += total.n - load/total.n
	}
	v.n = int(n)
	v.n0 = loads / v.dfBetween
	v.between /= v.dfBetween
	v.within /= v.dfWith
}

// why says why there is nothing to compare, or nothing.
func (v *variance) why() Why {
	switch {
	case len(v.done) == 0:
		return whyNoEnumerator
	case len(v.areas) == 0:
		return whyNobodyBeside
	case !(v.within > 0):
		return whyNoSpread
	}
	return ""
}

// effect is the finding about the wave, with its own p value.
func (v *variance) effect(m Measure, r EnumeratorRule) Finding {
	f := Finding{Flag: EnumeratorEffect, Measure: m}
	if why := v.why(); why != "" {
		return f.cannot(why, v.n)
	}
	ratio := v.between / v.within / (1 + v.n0*r.Tolerated/(1-r.Tolerated))
	f.P = fTail(ratio, v.dfBetween, v.dfWith)
	return f.judge((v.between-v.within)/(v.between+(v.n0-1)*v.within), r.Tolerated, false, v.n)
}

// one is the finding about an enumerator, with the analysis it comes from, the standard
// error of its value.
type one struct {
	Finding
	v  *variance
	se float64
}

// apart is the finding about an enumerator, with its own p value.
func (v *variance) apart(e string, m Measure, r EnumeratorRule) one {
	f := Finding{Flag: EnumeratorApart, Enumerator: e, Measure: m}
	why := v.why()
	switch {
	case why != "" && why != whyNobodyBeside:
	case v.done[e] < r.Interviews:
		why = whyFewDone
	case len(v.areasOf[e]) == 0:
		why = whyNobodyBeside
	default:
		o := one{Finding: f.judge(0, 0, false, 0), v: v}
		o.compare(r)
		return o
	}
	return one{Finding: f.cannot(why, v.done[e]), v: v}
}

// compare takes the difference from the others anew; when none are left it stays.
func (o *one) compare(r EnumeratorRule) {
	if d, se, n := o.v.difference(o.Enumerator, r); n > 0 {
		o.Value, o.se, o.N = d, se, n
		o.P = tTails(d/se, o.v.dfWith)
	}
}

// difference is that of an enumerator from the others of the areas, with its standard
// error and the number of interviews.
func (v *variance) difference(e string, r EnumeratorRule) (d, se float64, n int) {
	var total, weighted, sampling, allowed float64
	for _, a := range v.areasOf[e] {
		own, others, loads := v.areas[a][e], cell{}, 0.0
		for _, o := range slices.Sorted(maps.Keys(v.areas[a])) {
			if c := v.areas[a][o]; o != e && !v.flagged[o] {
				others = cell{others.n + c.n, others.sum + c.sum, 0}
				loads += c.n * c.n
			}
		}
		if others.n == 0 {
			continue
		}
		total += own.n
		weighted += own.n * (own.mean() - others.mean())
		sampling += own.n * own.n * (1/own.n + 1/others.n)
		allowed += own.n * own.n * loads / (others.n * others.n)
	}
	if total == 0 {
		return 0, 0, 0
	}
	tau := v.within * r.Tolerated / (1 - r.Tolerated)
	return weighted / total, math.Sqrt((v.within*sampling + tau*(allowed+total*total))) / total, int(total)
}

// holm flags enumerators one after the other, the smallest p value first, and gives each
// finding its P and the threshold it was held against.
func holm(all []one, r EnumeratorRule) {
	var left []*one
	for i := range all {
		if all[i].Outcome != Unjudged {
			left = append(left, &all[i])
		}
	}
	running := 0.0
	for len(left) > 0 {
		slices.SortStableFunc(left, func(a, b *one) int { return cmp.Compare(a.P, b.P) })
		least := left[0]
		level := r.Alpha / float64(len(left))
		if least.P > level {
			break
		}
		running = max(running, least.P*float64(len(left)))
		least.Outcome, least.P = Flagged, running
		least.Threshold = tBound(level, least.v.dfWith) * least.se
		least.v.flagged[least.Enumerator] = true
		left = left[1:]
		for _, o := range left {
			if o.v == least.v && o.v.share(o.Enumerator, least.Enumerator) {
				o.compare(r)
			}
		}
	}
	for k, o := range left {
		o.Threshold = tBound(r.Alpha/float64(len(left)), o.v.dfWith) * o.se
		running = max(running, min(1, o.P*float64(len(left)-k)))
		o.P = running
	}
}

// share reports whether two enumerators work in an area together.
func (v *variance) share(a, b string) bool {
	return slices.ContainsFunc(v.areasOf[a], func(i int) bool { return slices.Contains(v.areasOf[b], i) })
}

// benjaminiHochberg turns the p values into those of Benjamini and Hochberg and flags
// those up to alpha.
func benjaminiHochberg(fs []Finding, alpha float64) {
	var order []*Finding
	for i := range fs {
		if fs[i].Outcome != Unjudged {
			order = append(order, &fs[i])
		}
	}
	slices.SortStableFunc(order, func(a, b *Finding) int { return cmp.Compare(a.P, b.P) })
	least := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		least = min(least, order[k].P*float64(len(order))/float64(k+1))
		order[k].P = least
		if least <= alpha {
			order[k].Outcome = Flagged
		}
	}
}
