package quality

import (
	"cmp"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// DuplicateRule is the rule of Duplicates.
type DuplicateRule struct {
	// Match is the share of equal answers below which nobody is flagged.
	Match float64
	// Deviations is how many standard deviations above the mean match of interviews that
	// have nothing to do with each other is too much.
	Deviations float64
	// Items is how many items both must have answered in substance or with "don't know".
	Items int
	// Apart is how many answers two interviews of the same items may differ in and still be
	// found for certain, whoever did them.
	Apart int
	// Group is the greatest number of interviews of an enumerator, or of a PSU, that are
	// all compared with each other.
	Group int
	// Bucket is with how many neighbours an interview is compared among those with which
	// it shares a whole block of answers.
	Bucket int
	// Pairs is how many pairs of interviews without anything in common are drawn, with
	// Seed, to learn how far answers agree by chance.
	Pairs int
	Seed  uint64
}

// DefaultDuplicate takes the 85 % of Kuriakose & Robbins (2016, Statistical Journal of the
// IAOS 32) as a floor only: Simmons, Mercer, Schwarzer & Kennedy (2016, the same volume)
// show that honest interviews reach it where there are few items, few options or people
// who think alike. So a match must also be far above what the wave has by chance.
func DefaultDuplicate() DuplicateRule {
	return DuplicateRule{Match: 0.85, Deviations: 5, Items: 40, Apart: 5, Group: 2000, Bucket: 100, Pairs: 20000, Seed: 1}
}

func (r DuplicateRule) check() error {
	return errors.Join(within("Duplicate.Match", r.Match, 0.5, 1), within("Duplicate.Deviations", r.Deviations, 0, 50),
		within("Duplicate.Items", float64(r.Items), 5, 1e5), within("Duplicate.Apart", float64(r.Apart), 0, 50),
		within("Duplicate.Group", float64(r.Group), 2, 1e5), within("Duplicate.Bucket", float64(r.Bucket), 1, 1e5),
		within("Duplicate.Pairs", float64(r.Pairs), 1000, 1e8))
}

// whyAlone says that there is nothing to compare with.
const whyAlone Why = "alone"

// Duplicates finds for each interview the one that it agrees with most, the maximum percent
// match of Kuriakose & Robbins. Only items that both were asked and answered count, "don't
// know" among them; at least Items. Value is the share of those with equal answers,
// Threshold the greater of Match and the mean match of random pairs (of different
// enumerators and PSUs) plus Deviations of their standard deviations, at most 1. It is
// flagged at or above Threshold. N is the number of items compared, With the other interview,
// the first of several.
//
// All pairs within an enumerator's work and within a PSU are compared, up to Group
// interviews. Across the wave the items are dealt into Apart + 1 blocks, and interviews
// that agree in a whole block are compared: two that differ in at most Apart of their
// items, and were asked and answered the same ones, agree in at least one block and are
// found, unless more than Bucket others share the block with them. Then each is compared
// with the Bucket next to it in the order of all answers, so that exact copies still are
// found. Other pairs may be missed: work and memory are bounded by
// n·(2·Group + (Apart+1)·Bucket) comparisons and 2 bytes an answer.
func (w *Wave) Duplicates(r DuplicateRule) ([]Finding, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	p := w.pack()
	best := make([]match, len(w.rows))
	for i := range best {
		best[i].with = -1
	}
	compare := func(a, b int) {
		m := p.match(a, b)
		if m.both < r.Items {
			return
		}
		best[a] = best[a].or(m, b)
		best[b] = best[b].or(m, a)
	}
	w.pairsWithin(r.Group, func(x row) string { return x.enumerator }, compare)
	w.pairsWithin(r.Group, func(x row) string { return x.psu }, compare)
	for block := range r.Apart + 1 {
		w.pairsOfBlock(block, r, compare)
	}
	threshold := max(r.Match, w.byChance(p, r))
	out := make([]Finding, len(w.rows))
	for i := range w.rows {
		out[i] = w.duplicate(i, best[i], r, threshold)
	}
	return out, nil
}

// duplicate judges an interview by its best match.
func (w *Wave) duplicate(i int, m match, r DuplicateRule, threshold float64) Finding {
	f := w.finding(Duplicate, i)
	answered := 0
	for _, c := range w.answers(i) {
		if counts(c) {
			answered++
		}
	}
	switch {
	case len(w.rows) < 2:
		return f.cannot(whyAlone, 0)
	case answered < r.Items:
		return f.cannot(whyFewItems, answered)
	case m.with < 0: // nothing was alike enough to be compared
		return f.judge(0, threshold, false, answered)
	}
	f.With, f.WithCase = w.rows[m.with].id, w.rows[m.with].caseID
	return f.judge(m.share(), threshold, m.share() >= threshold, m.both)
}

// counts reports whether an answer can be held against another's.
func counts(c uint16) bool { return c != unasked && c != blank && c != refused }

// match is how far two interviews agree.
type match struct{ equal, both, with int }

func (m match) share() float64 { return float64(m.equal) / float64(max(m.both, 1)) }

// or returns the better match, with interview b, or m.
func (m match) or(other match, b int) match {
	other.with = b
	if m.with < 0 {
		return other
	}
	switch c := cmp.Compare(other.equal*m.both, m.equal*other.both); {
	case c > 0, c == 0 && b < m.with:
		return other
	}
	return m
}

// packed are the answers of a wave, four to a word, 0 where there is nothing to compare.
type packed struct {
	words []uint64
	each  int // words of an interview
}

func (w *Wave) pack() packed {
	p := packed{each: (len(w.items) + 3) / 4}
	p.words = make([]uint64, p.each*len(w.rows))
	for i := range w.rows {
		for k, c := range w.answers(i) {
			if counts(c) {
				p.words[i*p.each+k/4] |= uint64(c) << (k % 4 * 16)
			}
		}
	}
	return p
}

// zeros has the highest bit of each of the four lanes of x that is zero.
func zeros(x uint64) uint64 {
	const low = 0x7fff7fff7fff7fff
	return ^((x&low + low) | x | low)
}

// match compares two interviews, four answers at a time.
func (p packed) match(a, b int) (m match) {
	x, y := p.words[a*p.each:(a+1)*p.each], p.words[b*p.each:(b+1)*p.each]
	for k := range x {
		missing := zeros(x[k]) | zeros(y[k])
		m.both += 4 - bits.OnesCount64(missing)
		m.equal += bits.OnesCount64(zeros(x[k]^y[k]) &^ missing)
	}
	return m
}

// pairsWithin yields all pairs of interviews of which of is the same and not empty. In a
// group larger than most each is paired with the most that follow it.
func (w *Wave) pairsWithin(most int, of func(row) string, compare func(a, b int)) {
	members := map[string][]int{}
	for i, x := range w.rows {
		if g := of(x); g != "" {
			members[g] = append(members[g], i)
		}
	}
	for _, m := range members {
		for n, a := range m {
			for _, b := range m[n+1 : min(len(m), n+1+most)] {
				compare(a, b)
			}
		}
	}
}

// pairsOfBlock yields pairs of interviews that agree in every item of a block, the items
// whose number leaves the remainder block by Apart + 1.
func (w *Wave) pairsOfBlock(block int, r DuplicateRule, compare func(a, b int)) {
	type key struct {
		block, all uint64
		i          int
	}
	keys := make([]key, 0, len(w.rows))
	for i := range w.rows {
		if b, n := w.hash(i, block, r.Apart+1); n > 0 {
			all, _ := w.hash(i, 0, 1)
			keys = append(keys, key{b, all, i})
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.block, b.block), cmp.Compare(a.all, b.all), cmp.Compare(a.i, b.i))
	})
	for n, a := range keys {
		for _, b := range keys[n+1 : min(len(keys), n+1+r.Bucket)] {
			if b.block != a.block {
				break
			}
			compare(a.i, b.i)
		}
	}
}

// hash is that of every step-th answer from the first on that can be compared, and their
// number.
func (w *Wave) hash(i, first, step int) (sum uint64, n int) {
	h := fnv.New64a()
	var b [2]byte
	codes := w.answers(i)
	for k := first; k < len(codes); k += step {
		c := codes[k]
		if !counts(c) {
			c = 0
		} else {
			n++
		}
		binary.LittleEndian.PutUint16(b[:], c)
		h.Write(b[:])
	}
	return h.Sum64(), n
}

// byChance is the match that interviews with nothing in common stay below.
func (w *Wave) byChance(p packed, r DuplicateRule) float64 {
	if len(w.rows) < 2 {
		return r.Match
	}
	rng := random(r.Seed, "pairs")
	var sum, squares, n float64
	for range r.Pairs {
		a, b := rng.IntN(len(w.rows)), rng.IntN(len(w.rows))
		x, y := w.rows[a], w.rows[b]
		if a == b || x.enumerator != "" && x.enumerator == y.enumerator || x.psu != "" && x.psu == y.psu {
			continue
		}
		if m := p.match(a, b); m.both >= r.Items {
			n++
			sum += m.share()
			squares += m.share() * m.share()
		}
	}
	if n < 2 {
		return r.Match
	}
	mean := sum / n
	sd := math.Sqrt(max(0, squares/n-mean*mean))
	return min(1, mean+r.Deviations*sd)
}

// random is the source of what the rules draw, by seed and purpose.
func random(seed uint64, purpose string) *rand.Rand {
	return rand.New(rand.NewChaCha8(seedOf(seed, purpose)))
}
