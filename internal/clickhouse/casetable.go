package clickhouse

import (
	"context"
	"fmt"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// caseTable has the cases of a sample that can be in estimates, in no order.
type caseTable struct {
	hashes  []uint64 // of the IDs
	units   []int32  // places among the PSUs of the design
	w, base []float64
	// factors are the factors of the query that are columns of the sample, levels those of
	// each case by these.
	factors []int
	levels  [][]int32
	slots   []int32 // a hash table of places, each one more
}

// slot is where the search for a hash begins.
func (d *caseTable) slot(hash uint64) int { return int(hash & uint64(len(d.slots)-1)) }

// find returns the place of a case by the hash of its ID, -1 when it is not in the sample.
func (d *caseTable) find(hash uint64) int {
	for i := d.slot(hash); d.slots[i] > 0; i = (i + 1) & (len(d.slots) - 1) {
		if place := int(d.slots[i]) - 1; d.hashes[place] == hash {
			return place
		}
	}
	return -1
}

// index makes the hash table, at most half full. It is an error when two cases have the same
// hash, of which there is a chance of 1 in 300,000 among ten million cases.
func (d *caseTable) index() error {
	size := 2
	for size < 2*len(d.hashes) {
		size *= 2
	}
	d.slots = make([]int32, size)
	for place, hash := range d.hashes {
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
	lists = []list{{of: "hash", size: 8}, {of: "unit", size: 8}, {of: "toFloat64(w)", size: 8}, {of: "toFloat64(base)", size: 8}}
	for i, f := range q.Factors {
		if f.Sample != "" {
			factors, lists = append(factors, i), append(lists, list{of: levelColumn(i), size: 4})
		}
	}
	return compose("case_table", map[string]string{
		"lists": texts(lists), "sample": sampled(q, of, unit+" AS unit"), "joining": joining(cases),
	}), lists, factors
}

// caseTable reads the sample with its weights.
func (s *Store) caseTable(ctx context.Context, q assess.Query, on design) (*caseTable, error) {
	text, lists, factors := caseTableText(q, on.on.standing, on.ranges.cases)
	n := on.ranges.cases
	d := &caseTable{
		hashes: make([]uint64, 0, n), units: make([]int32, 0, n), w: make([]float64, 0, n), base: make([]float64, 0, n),
		factors: factors, levels: make([][]int32, len(factors)),
	}
	for k := range d.levels {
		d.levels[k] = make([]int32, 0, n)
	}
	err := s.queryLists(ctx, text, on.on.args, lists, func(n int, columns []numbers) error {
		for i := range n {
			unit, known := on.index[columns[1].u64(i)]
			if !known {
				return fmt.Errorf("%w: the sample changed meanwhile; ask again", surveys.ErrConflict)
			}
			d.hashes, d.units = append(d.hashes, columns[0].u64(i)), append(d.units, int32(unit))
			d.w, d.base = append(d.w, columns[2].f64(i)), append(d.base, columns[3].f64(i))
			for k := range d.levels {
				d.levels[k] = append(d.levels[k], columns[4+k].i32(i))
			}
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
