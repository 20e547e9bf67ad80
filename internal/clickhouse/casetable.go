package clickhouse

import (
	"context"
	"fmt"
	"math"
	"math/bits"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// caseTable has the cases of a sample, in no order. What is known of a case lies together, for
// cases are looked up by chance: the hash of the ID; the weight, and that before calibration, as
// bits of float64; the place of its PSU in the design with two bits more, and its levels of the
// factors that are columns of the sample, in halves of words.
type caseTable struct {
	cases   []uint64
	width   int     // words of a case
	factors []int   // the factors of the query that are columns of the sample
	slots   []int32 // a hash table of cases, each one more
	shift   int     // of a hash, to its slot
}

// The bits beside the PSU: the case has no weight in the sample, though it may have one in a set
// of weights; the fieldwork says that it does not count, or nothing.
const (
	notDrawn   = 1 << 31
	notCounted = 1 << 30
	unitBits   = notCounted - 1
)

func newCaseTable(factors []int, cases uint64) *caseTable {
	d := &caseTable{factors: factors, width: 3 + (1+len(factors)+1)/2}
	d.cases = make([]uint64, 0, int(cases)*d.width)
	return d
}

// append adds a case with the weight of the draw, 0 for one that only declares its PSU.
func (d *caseTable) append(hash uint64, unit int32, weight float64, level func(k int) int32) {
	d.cases = append(d.cases, hash, math.Float64bits(weight), math.Float64bits(weight))
	word := uint64(uint32(unit))
	if weight == 0 {
		word |= notDrawn
	}
	for k := range d.factors {
		if half := 1 + k; half%2 == 0 {
			d.cases = append(d.cases, word)
			word = uint64(uint32(level(k)))
		} else {
			word |= uint64(uint32(level(k))) << 32
		}
	}
	d.cases = append(d.cases, word)
}

func (d *caseTable) len() int          { return len(d.cases) / d.width }
func (d *caseTable) hash(n int) uint64 { return d.cases[n*d.width] }

// sampled is what is known of a case.
type sampled []uint64

func (d *caseTable) at(n int) sampled { return d.cases[n*d.width : (n+1)*d.width] }

func (c sampled) weight() float64       { return math.Float64frombits(c[1]) }
func (c sampled) base() float64         { return math.Float64frombits(c[2]) }
func (c sampled) weigh(w, base float64) { c[1], c[2] = math.Float64bits(w), math.Float64bits(base) }
func (c sampled) unit() int32           { return int32(c[3] & unitBits) }
func (c sampled) drawn() bool           { return c[3]&notDrawn == 0 }
func (c sampled) counts() bool          { return c[3]&notCounted == 0 }
func (c sampled) level(k int) int32     { return int32(c[3+(1+k)/2] >> ((1 + k) % 2 * 32)) }

// slot is where the search for a hash begins. Cases come from the store by the first bits of
// their hashes, so that those that follow each other lie near each other.
func (d *caseTable) slot(hash uint64) int { return int(hash >> d.shift) }

// find returns the place of a case by the hash of its ID, -1 when it is not in the sample.
func (d *caseTable) find(hash uint64) int {
	for i := d.slot(hash); d.slots[i] > 0; i = (i + 1) & (len(d.slots) - 1) {
		if place := int(d.slots[i]) - 1; d.hash(place) == hash {
			return place
		}
	}
	return -1
}

// ahead is how many people are looked at before their turn, so that what is known of them comes
// near the processor for all at once: one by one, each would wait for memory several times.
const ahead = 64

// findAll finds the places of cases by the hashes of their IDs, and calls do with each.
func (d *caseTable) findAll(hashes numbers, do func(i, place int)) (looked uint64) {
	for first, people := 0, len(hashes)/8; first < people; first += ahead {
		end := min(people, first+ahead)
		for i := first; i < end; i++ {
			looked += uint64(d.slots[d.slot(hashes.u64(i))])
		}
		for i := first; i < end; i++ {
			if n := d.slots[d.slot(hashes.u64(i))]; n > 0 {
				looked += d.cases[int(n-1)*d.width] + d.cases[int(n)*d.width-1]
			}
		}
		for i := first; i < end; i++ {
			do(i, d.find(hashes.u64(i)))
		}
	}
	return looked
}

// index makes the hash table, at most half full. It is an error when two cases have the same
// hash, of which there is a chance of 1 in 300,000 among ten million cases.
func (d *caseTable) index() error {
	size := bits.Len(uint(2 * d.len()))
	d.slots, d.shift = make([]int32, 1<<size), 64-size
	for place := range d.len() {
		hash := d.hash(place)
		i := d.slot(hash)
		for ; d.slots[i] > 0; i = (i + 1) & (len(d.slots) - 1) {
			if d.hash(int(d.slots[i])-1) == hash {
				return fmt.Errorf("%w: two cases of the sample have IDs with the same hash, %d, and cannot be told apart; rename one of them", surveys.ErrConflict, hash)
			}
		}
		d.slots[i] = int32(place) + 1
	}
	return nil
}

// caseTable reads the sample, what the fieldwork says of it, and the weights asked for. Joined by
// the engine, ten million cases would take half a minute.
func (s *Store) caseTable(ctx context.Context, q assess.Query, on design) (*caseTable, error) {
	d, err := s.sampledCases(ctx, q, on)
	if err != nil {
		return nil, err
	}
	if on.on.standings {
		if err := s.countCases(ctx, d, on.on.args); err != nil {
			return nil, err
		}
	}
	if on.on.weights != "" {
		err = s.weighCases(ctx, d, on.on.args)
	}
	return d, err
}

// hashed is the query for lists of what a table of cases has under a digest, which is a
// parameter.
func hashed(table, digest string, lists []list, columns ...string) string {
	return compose("hashed", map[string]string{"lists": texts(lists), "columns": columnList(columns), "table": table, "digest": digest})
}

// sampledCasesText is the query for the sample: its lists, and which factors of the query are
// columns of it.
func sampledCasesText(q assess.Query) (text string, lists []list, factors []int) {
	lists = []list{{of: "hash", size: 8}, {of: "unit", size: 8}, {of: "weight", size: 8}}
	columns := []string{unit + " AS unit", "weight"}
	for i, f := range q.Factors {
		if f.Sample != "" {
			factors, lists = append(factors, i), append(lists, list{of: levelColumn(i), size: 4})
			columns = append(columns, sampledLevel(q, i))
		}
	}
	return hashed("sample", "sample", lists, columns...), lists, factors
}

// sampledCases reads the sample with its own weights.
func (s *Store) sampledCases(ctx context.Context, q assess.Query, on design) (*caseTable, error) {
	text, lists, factors := sampledCasesText(q)
	d := newCaseTable(factors, on.ranges.cases)
	err := s.queryLists(ctx, text, on.on.args, lists, func(n int, columns []numbers) error {
		for i := range n {
			unit, known := on.index[columns[1].u64(i)]
			if !known {
				return fmt.Errorf("%w: the sample changed meanwhile; ask again", surveys.ErrConflict)
			}
			d.append(columns[0].u64(i), int32(unit), columns[2].f64(i), func(k int) int32 { return columns[3+k].i32(i) })
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, d.index()
}

// countCases takes what the fieldwork says: only cases that it says count are counted, and where
// one person of several of a household was selected, it stands for all of them.
func (s *Store) countCases(ctx context.Context, d *caseTable, args arguments) error {
	for n := range d.len() {
		d.at(n)[3] |= notCounted
	}
	lists := []list{{of: "hash", size: 8}, {of: "eligible", size: 1}, {of: "toUInt8(counts)", size: 1}}
	return s.queryLists(ctx, hashed("standings", "standings", lists, "eligible", "counts"), args, lists, func(n int, columns []numbers) error {
		for i := range n {
			place := d.find(columns[0].u64(i))
			if place < 0 || columns[2][i] == 0 {
				continue
			}
			c := d.at(place)
			w := c.weight() * float64(max(columns[1][i], 1))
			c.weigh(w, w)
			c[3] &^= notCounted
		}
		return nil
	})
}

// weighCases takes the weights of a set; a case that has none in it keeps that of the draw as the
// weight before calibration, and weighs nothing.
func (s *Store) weighCases(ctx context.Context, d *caseTable, args arguments) error {
	for n := range d.len() {
		d.at(n)[1] = 0
	}
	lists := []list{{of: "hash", size: 8}, {of: "weight", size: 8}, {of: "base", size: 8}}
	return s.queryLists(ctx, hashed("weights", "weights", lists, "weight", "base"), args, lists, func(n int, columns []numbers) error {
		for i := range n {
			place := d.find(columns[0].u64(i))
			if place < 0 {
				continue
			}
			c, before := d.at(place), columns[2].f64(i)
			if before == 0 {
				before = c.base()
			}
			c.weigh(columns[1].f64(i), before)
		}
		return nil
	})
}
