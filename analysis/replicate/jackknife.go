package replicate

import (
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// JK1 leaves out one PSU after the other of a sample without strata: with n PSUs, the
// others weigh n/(n−1), and the scale is (1−f)(n−1)/n (Wolter 2007, ch. 4; R survey 4.5,
// jk1weights). Deviations are from the full sample.
func JK1(source Source) (*Set, error) {
	s, err := oneStage(source)
	if err != nil {
		return nil, err
	}
	if len(s.Strata) != 1 {
		return nil, fmt.Errorf("JK1 is for samples without strata, but this one has %d; use JKn", len(s.Strata))
	}
	set, err := s.jackknife(MethodJK1)
	if err != nil {
		return nil, err
	}
	set.scale = set.rscales[0]
	set.rscales = ones(set.Replicates())
	return set, nil
}

// JKn leaves out one PSU after the other within its stratum: with n_h PSUs, the others
// of the stratum weigh n_h/(n_h−1), and the replicate counts (1−f_h)(n_h−1)/n_h (Rust
// and Rao 1996; R survey 4.5, jknweights). Strata of which every PSU is in the sample
// have no replicates. Deviations are from the full sample.
func JKn(source Source) (*Set, error) {
	s, err := oneStage(source)
	if err != nil {
		return nil, err
	}
	return s.jackknife(MethodJKn)
}

func (s strata) jackknife(method Method) (*Set, error) {
	m := &deleted{stratum: s.Stratum, size: make([]int, len(s.psus)), kept: s.kept}
	set := &Set{method: method, scale: 1, centre: FullSample, designDF: s.df(), multipliers: m}
	for h, psus := range s.psus {
		m.size[h] = len(psus)
	}
	for psu, h := range s.Stratum {
		if !s.kept[h] {
			continue
		}
		m.psu = append(m.psu, psu)
		n := float64(m.size[h])
		set.rscales = append(set.rscales, (1-s.Fraction[h])*(n-1)/n)
	}
	if len(m.psu) == 0 {
		return nil, errCensus
	}
	return set, nil
}

// errCensus is a sample with nothing to draw again.
var errCensus = errors.New("no replicates: every PSU was sure to be in the sample; its estimates do not vary from sample to sample")

// deleted are the multipliers of a jackknife: 0 for one PSU, n/(n−1) for the others of
// its stratum and 1 for all else. They are not stored.
type deleted struct {
	stratum []int // of each PSU
	size    []int // of each stratum
	kept    []bool
	psu     []int // the one that each replicate leaves out
}

func (d *deleted) units() int      { return len(d.stratum) }
func (d *deleted) replicates() int { return len(d.psu) }

func (d *deleted) block(into []float64, from, to int) {
	width := to - from
	for i := range into[:len(d.stratum)*width] {
		into[i] = 1
	}
	// Replicates and PSUs are both in the order of strata as a rule, not always.
	members := make(map[int][]int)
	for _, out := range d.psu[from:to] {
		members[d.stratum[out]] = nil
	}
	for psu, h := range d.stratum {
		if list, needed := members[h]; needed {
			members[h] = append(list, psu)
		}
	}
	for r, out := range d.psu[from:to] {
		h := d.stratum[out]
		n := float64(d.size[h])
		for _, psu := range members[h] {
			into[psu*width+r] = n / (n - 1)
		}
		into[out*width+r] = 0
	}
}

// sum adds up the lines with the weights of the replicates. The one that leaves out unit
// i of stratum h has
//
//	T − T_h + n_h/(n_h−1) (T_h − t_i)
//
// with T the total of a group, T_h that of the stratum and t_i that of the unit, so that
// no multiplier is needed.
func (d *deleted) sum(lines []line, groups []sums) {
	first := make([]int, len(groups)+1)
	for _, l := range lines {
		first[l.group+1]++
	}
	for g := range groups {
		first[g+1] += first[g]
	}
	ordered, next := make([]int32, len(lines)), append([]int(nil), first...)
	for i, l := range lines {
		ordered[next[l.group]] = int32(i)
		next[l.group]++
	}
	const block = 8 // groups that share memory
	parallel.Blocks(len(groups), block, func(_, from, to int) {
		w, wy := d.totals(), d.totals()
		for g := from; g < to; g++ {
			w.clear()
			wy.clear()
			for _, i := range ordered[first[g]:first[g+1]] {
				l := &lines[i]
				w.add(l.unit, l.w)
				wy.add(l.unit, l.wy)
			}
			w.replicates(d, groups[g].w)
			wy.replicates(d, groups[g].wy)
		}
	})
}

// totals are those of one variable: by unit, by stratum and of all.
type totals struct {
	unit, stratum []float64
	all           float64
}

func (d *deleted) totals() *totals {
	return &totals{unit: make([]float64, len(d.stratum)), stratum: make([]float64, len(d.size))}
}

func (t *totals) clear() {
	clear(t.unit)
	clear(t.stratum)
	t.all = 0
}

func (t *totals) add(unit int32, x float64) { t.unit[unit] += x }

// replicates gives the total in every replicate.
func (t *totals) replicates(d *deleted, into []float64) {
	for unit, h := range d.stratum {
		t.stratum[h] += t.unit[unit]
	}
	for _, x := range t.stratum {
		t.all += x
	}
	for r, out := range d.psu {
		h := d.stratum[out]
		n := float64(d.size[h])
		into[r] = t.all - t.stratum[h] + n/(n-1)*(t.stratum[h]-t.unit[out])
	}
}

// rank follows from the form of the matrix: rows of units are independent but for one
// relation between each pair of strata that are seen whole.
func (d *deleted) rank(seen []bool) int {
	return stratifiedRank(d.stratum, d.size, d.kept, seen)
}

// stratifiedRank is the rank of multipliers whose sum over a stratum is the same in all
// replicates: of the units that are seen, less one for each stratum but one that is seen
// whole. A stratum without replicates has multipliers of 1, which is the sum of one
// seen whole.
func stratifiedRank(stratum, size []int, kept, seen []bool) int {
	n := make([]int, len(size))
	rank, whole := 0, 0
	constant := false
	for psu, h := range stratum {
		switch {
		case !seen[psu]:
		case kept[h]:
			n[h]++
			rank++
		default:
			constant = true
		}
	}
	for h := range size {
		if kept[h] && n[h] == size[h] {
			whole++
		}
	}
	if constant {
		whole++
		rank++
	}
	return rank - max(whole-1, 0)
}
