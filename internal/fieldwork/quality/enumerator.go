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
// substantive answer, and the logarithm of the pace, as TooFast takes it.
const (
	RightShare  Measure = "right"
	SilentShare Measure = "silent"
	LogPace     Measure = "pace"
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
	return EnumeratorRule{Measures: []Measure{RightShare, SilentShare, LogPace}, Interviews: 10, Tolerated: 0.02, Alpha: 0.05}
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
// 1979, Scandinavian Journal of Statistics 6). Threshold is the difference, in either
// direction, from which on it is flagged. N is the number of interviews.
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
	var apart, effects []Finding
	for _, m := range r.Measures {
		v := w.variance(w.measure(m), r)
		apart = append(apart, v.apart(m, r)...)
		effects = append(effects, v.effect(m, r))
	}
	holm(apart, r.Alpha)
	benjaminiHochberg(effects, r.Alpha)
	out := append(apart, effects...)
	for i := range out {
		out[i].spare = spare{}
	}
	return out, nil
}

// measure returns the values of a measure by interview, NaN where there is none.
func (w *Wave) measure(m Measure) []float64 {
	if m == LogPace {
		return w.speeds(DefaultSpeed().Pages)
	}
	out := make([]float64, len(w.rows))
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
}

func (w *Wave) variance(values []float64, r EnumeratorRule) *variance {
	v := &variance{done: map[string]int{}}
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

// apart are the findings about the enumerators, with their own p values.
func (v *variance) apart(m Measure, r EnumeratorRule) []Finding {
	var out []Finding
	for _, e := range slices.Sorted(maps.Keys(v.done)) {
		f := Finding{Flag: EnumeratorApart, Enumerator: e, Measure: m}
		d, se, n := v.difference(e, r)
		switch why := v.why(); {
		case why != "" && why != whyNobodyBeside:
			out = append(out, f.cannot(why, v.done[e]))
		case v.done[e] < r.Interviews:
			out = append(out, f.cannot(whyFewDone, v.done[e]))
		case n == 0:
			out = append(out, f.cannot(whyNobodyBeside, v.done[e]))
		default:
			f.P = tTails(d/se, v.dfWith)
			f.spare = spare{se, v.dfWith}
			out = append(out, f.judge(d, 0, false, n))
		}
	}
	return out
}

// difference is that of an enumerator from the others of the areas, with its standard
// error and the number of interviews.
func (v *variance) difference(e string, r EnumeratorRule) (d, se float64, n int) {
	var total, weighted, sampling, allowed float64
	for _, area := range v.areas {
		own, ok := area[e]
		if !ok {
			continue
		}
		others, loads := cell{}, 0.0
		for _, o := range slices.Sorted(maps.Keys(area)) {
			if o != e {
				others = cell{others.n + area[o].n, others.sum + area[o].sum, 0}
				loads += area[o].n * area[o].n
			}
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

// judged orders the findings that have a p value by it.
func judged(fs []Finding) []*Finding {
	var out []*Finding
	for i := range fs {
		if fs[i].Outcome != Unjudged {
			out = append(out, &fs[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *Finding) int { return cmp.Compare(a.P, b.P) })
	return out
}

// holm turns the p values into Holm's, flags those up to alpha, and gives each difference
// the threshold it was held against.
func holm(fs []Finding, alpha float64) {
	order := judged(fs)
	running, level := 0.0, 0.0
	for k, f := range order {
		left := float64(len(order) - k)
		if running <= alpha {
			level = alpha / left
		}
		running = max(running, min(1, f.P*left))
		f.P = running
		f.Threshold = tBound(level, f.spare.df) * f.spare.se
		if running <= alpha {
			f.Outcome = Flagged
		}
	}
}

// benjaminiHochberg turns the p values into those of Benjamini and Hochberg and flags
// those up to alpha.
func benjaminiHochberg(fs []Finding, alpha float64) {
	order := judged(fs)
	least := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		least = min(least, order[k].P*float64(len(order))/float64(k+1))
		order[k].P = least
		if least <= alpha {
			order[k].Outcome = Flagged
		}
	}
}
