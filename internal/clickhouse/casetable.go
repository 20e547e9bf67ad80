package clickhouse

import (
	"context"
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// caseTable has the cases of a sample that can be in estimates, in no order. What is known of a
// case lies together, for cases are looked up by chance: the hash of the ID; the weight, and
// that before calibration, as bits of float64; the place of its PSU in the design with a bit for
// a case without a weight in the sample, and its levels of the factors that are columns of the
// sample, in halves of words.
type caseTable struct {
	cases   []uint64
	width   int     // words of a case
	factors []int   // the factors of the query that are columns of the sample
	slots   []int32 // a hash table of cases, each one more
}

func newCaseTable(factors []int, cases uint64) *caseTable {
	d := &caseTable{factors: factors, width: 3 + (1+len(factors)+1)/2}
	d.cases = make([]uint64, 0, int(cases)*d.width)
	return d
}

// append adds a case.
func (d *caseTable) append(hash uint64, unit int32, drawn bool, w, base float64, level func(k int) int32) {
	d.cases = append(d.cases, hash, math.Float64bits(w), math.Float64bits(base))
	word := uint64(uint32(unit))
	if !drawn {
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

func (d *caseTable) len() int             { return len(d.cases) / d.width }
func (d *caseTable) hash(n int) uint64    { return d.cases[n*d.width] }
func (d *caseTable) weight(n int) float64 { return math.Float64frombits(d.cases[n*d.width+1]) }
func (d *caseTable) base(n int) float64   { return math.Float64frombits(d.cases[n*d.width+2]) }
func (d *caseTable) unit(n int) int32     { return d.half(n, 0) & (notDrawn - 1) }
func (d *caseTable) drawn(n int) bool     { return d.cases[n*d.width+3]&notDrawn == 0 }
func (d *caseTable) level(n, k int) int32 { return d.half(n, 1+k) }
func (d *caseTable) half(n, at int) int32 { return int32(d.cases[n*d.width+3+at/2] >> (at % 2 * 32)) }

// notDrawn is the bit of a case that has no weight in the sample, though it may have one in a set
// of weights.
const notDrawn = 1 << 31

// slot is where the search for a hash begins.
func (d *caseTable) slot(hash uint64) int { return int(hash & uint64(len(d.slots)-1)) }

// find returns the place of a case by the hash of its ID, -1 when it is not in the sample.
func (d *caseTable) find(hash uint64) int {
	for i := d.slot(hash); d.slots[i] > 0; i = (i + 1) & (len(d.slots) - 1) {
		if place := int(d.slots[i]) - 1; d.hash(place) == hash {
			return place
		}
	}
	return -1
}

// index makes the hash table, at most half full. It is an error when two cases have the same
// hash, of which there is a chance of 1 in 300,000 among ten million cases.
func (d *caseTable) index() error {
	size := 2
	for size < 2*d.len() {
		size *= 2
	}
	d.slots = make([]int32, size)
	for place := range d.len() {
		hash := d.hash(place)
		if d.find(hash) >= 0 {
			return fmt.Errorf("%w: two cases of the sample have IDs with the same hash, %d, and cannot be told apart; rename one of them", surveys.ErrConflict, hash)
		}
		i := d.slot(hash)
		for d.slots[i] > 0 {
			i = (i + 1) & (size - 1)
		}
		d.slots[i] = int32(place) + 1
	}
	return nil
}

// caseTableText is the query for the sample with its weights: its lists, and which factors of the
// query are columns of the sample.
func caseTableText(q assess.Query, of standing, cases uint64) (text string, lists []list, factors []int) {
	lists = []list{{of: "hash", size: 8}, {of: "unit", size: 8}, {of: "toFloat64(w)", size: 8}, {of: "toFloat64(base)", size: 8}, {of: "toUInt8(drawn)", size: 1}}
	for i, f := range q.Factors {
		if f.Sample != "" {
			factors, lists = append(factors, i), append(lists, list{of: levelColumn(i), size: 4})
		}
	}
	return compose("case_table", map[string]string{
		"lists": texts(lists), "sample": sampled(q, of, unit+" AS unit", "weight > 0 AS drawn"), "joining": joining(cases),
	}), lists, factors
}

// caseTable reads the sample with its weights.
func (s *Store) caseTable(ctx context.Context, q assess.Query, on design) (*caseTable, error) {
	text, lists, factors := caseTableText(q, on.on.standing, on.ranges.cases)
	d := newCaseTable(factors, on.ranges.cases)
	err := s.queryLists(ctx, text, on.on.args, lists, func(n int, columns []numbers) error {
		for i := range n {
			unit, known := on.index[columns[1].u64(i)]
			if !known {
				return fmt.Errorf("%w: the sample changed meanwhile; ask again", surveys.ErrConflict)
			}
			d.append(columns[0].u64(i), int32(unit), columns[4][i] == 1, columns[2].f64(i), columns[3].f64(i), func(k int) int32 { return columns[5+k].i32(i) })
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, d.index()
}

// hashedCases is how many cases are joined with their weights by a hash table, of some hundred
// bytes each. More lie in the order of the cases already.
const hashedCases = 1_000_000

// joining is how the engine joins a sample of so many cases with its weights.
func joining(cases uint64) string {
	if cases <= hashedCases {
		return "join_algorithm = 'hash'"
	}
	return "join_algorithm = 'full_sorting_merge'"
}
