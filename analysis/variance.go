package analysis

import (
	"fmt"
	"math"
	"strings"
)

// layout is how PSUs lie in strata: all that a variance needs of the design.
type layout struct {
	strata  []string // names
	stratum []int    // of each PSU
	size    []int    // number of PSUs of each stratum
}

func newLayout(psus []PSU) layout {
	l := layout{stratum: make([]int, len(psus))}
	index := make(map[string]int)
	for i, p := range psus {
		h, known := index[p.Stratum]
		if !known {
			h = len(l.strata)
			index[p.Stratum] = h
			l.strata = append(l.strata, p.Stratum)
			l.size = append(l.size, 0)
		}
		l.stratum[i] = h
		l.size[h]++
	}
	return l
}

// df counts degrees of freedom, PSUs − strata, over the PSUs with people of the
// domain or over the whole design. n is the number of such people in each PSU.
func (l layout) df(rule DFRule, n []int) float64 {
	switch rule {
	case DFNormal:
		return math.Inf(1)
	case DFDesign:
		return float64(len(l.stratum) - len(l.strata))
	}
	seen := make([]bool, len(l.strata))
	df := 0
	for i, h := range l.stratum {
		if n[i] == 0 {
			continue
		}
		df++
		if !seen[h] {
			seen[h] = true
			df--
		}
	}
	return float64(df)
}

// variance is the variance of Σz, the sum of the linearised PSU totals z, under
// sampling of PSUs with replacement within strata:
//
//	V = Σ_h n_h/(n_h−1) Σ_i (z_hi − z̄_h)²
//
// (Särndal, Swensson and Wretman 1992, ch. 4; R survey 4.5, svyrecvar). PSUs without
// people of the domain have z = 0 and count. n is the number of people of the domain
// in each PSU. The second result lists the strata on which the rule for lone PSUs had
// a bearing.
func (l layout) variance(z []float64, n []int, s Settings) (float64, []int, error) {
	if s.LonePSU == LoneFail {
		if err := l.failIfLone(); err != nil {
			return 0, nil, err
		}
	}
	t := l.sum(z, n, s.LoneInDomains)
	var v float64
	var averaged []int
	added := make([]float64, len(l.size)) // by lone strata
	for h, size := range l.size {
		isLone := size == 1 || s.LoneInDomains && t.seen[h] == 1
		switch {
		case !t.counts[h]:
		case isLone && s.LonePSU == LoneAverage:
			averaged = append(averaged, h)
		case isLone && s.LonePSU == LoneAdjust:
			added[h] = t.adjusted(h, size)
			v += added[h]
		case size > 1:
			v += t.squares[h] * float64(size) / float64(size-1)
		}
	}
	if len(averaged) == 0 {
		return v, l.bearing(t, added, v), nil
	}
	others := t.strata - len(averaged)
	if others == 0 {
		return 0, nil, fmt.Errorf("every stratum has a single PSU, so rule %q has no stratum to take a mean of; merge strata", LoneAverage)
	}
	return v * float64(t.strata) / float64(others), averaged, nil
}

// bearing lists the strata with a single PSU that has people of the domain or, with
// more than rounding, added to the variance v.
func (l layout) bearing(t strataSums, added []float64, v float64) []int {
	var lone []int
	for h, size := range l.size {
		if size == 1 && t.seen[h] > 0 || added[h] > 1e-12*v {
			lone = append(lone, h)
		}
	}
	return lone
}

// strataSums are the sums over the PSU totals z that variances are made of.
type strataSums struct {
	total   []float64 // Σz of each stratum
	squares []float64 // Σ(z − z̄_h)² of each stratum
	seen    []int     // PSUs of each stratum with people of the domain
	counts  []bool    // whether the stratum takes part
	strata  int       // how many take part
	mean    float64   // of z over all their PSUs
}

// sum adds up z by stratum. With seenOnly, strata without people of the domain take
// no part.
func (l layout) sum(z []float64, n []int, seenOnly bool) strataSums {
	t := strataSums{
		total:   make([]float64, len(l.size)),
		squares: make([]float64, len(l.size)),
		seen:    make([]int, len(l.size)),
		counts:  make([]bool, len(l.size)),
	}
	for i, h := range l.stratum {
		t.total[h] += z[i]
		if n[i] > 0 {
			t.seen[h]++
		}
	}
	for i, h := range l.stratum {
		d := z[i] - t.total[h]/float64(l.size[h])
		t.squares[h] += d * d
	}
	psus := 0
	for h, x := range t.total {
		t.counts[h] = !seenOnly || t.seen[h] > 0
		if t.counts[h] {
			t.strata++
			psus += l.size[h]
			t.mean += x
		}
	}
	t.mean /= float64(psus)
	return t
}

// adjusted is what stratum h contributes when its PSUs are centred at the mean of all
// PSUs of the sample instead of their own: Σ(z − c)², times n/(n−1) when n > 1.
func (t strataSums) adjusted(h, size int) float64 {
	n := float64(size)
	d := t.total[h]/n - t.mean
	v := t.squares[h] + n*d*d
	if size > 1 {
		v *= n / (n - 1)
	}
	return v
}

// failIfLone names the strata with a single PSU.
func (l layout) failIfLone() error {
	var names []string
	for h, size := range l.size {
		if size == 1 {
			names = append(names, fmt.Sprintf("%q", l.strata[h]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("no variance: one PSU only in stratum %s; merge each with a neighbour or choose another rule in Settings.LonePSU",
		strings.Join(names, ", "))
}
