package clickhouse

import (
	"context"
	"fmt"
	"math"
	"math/bits"

	"github.com/ClickHouse/ch-go/proto"

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

// mostAtFirst is how many cases room is made for before they come.
const mostAtFirst = 1 << 24

func newCaseTable(factors []int, cases uint64) *caseTable {
	d := &caseTable{factors: factors, width: 3 + (1+len(factors)+1)/2}
	d.cases = make([]uint64, 0, int(min(cases, mostAtFirst))*d.width)
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

// slot is where the search for a hash begins.
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
func (d *caseTable) findAll(hashes []uint64, do func(i, place int)) (looked uint64) {
	for first := 0; first < len(hashes); first += ahead {
		group := hashes[first:min(first+ahead, len(hashes))]
		for _, hash := range group {
			looked += uint64(d.slots[d.slot(hash)])
		}
		for _, hash := range group {
			if n := int(d.slots[d.slot(hash)]); n > 0 {
				looked += d.cases[(n-1)*d.width] + d.cases[n*d.width-1]
			}
		}
		for i, hash := range group {
			do(first+i, d.find(hash))
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

// hashed is the query for columns of what a table of cases has under a digest, which is a
// parameter.
func hashed(table, digest string, columns ...string) string {
	return compose("hashed", map[string]string{"columns": columnList(columns), "table": table, "digest": digest})
}

// sampledCasesText is the query for the sample, and which factors of the query are columns of it.
func sampledCasesText(q assess.Query) (text string, factors []int) {
	columns := []string{unit + " AS unit", "weight"}
	for i, f := range q.Factors {
		if f.Sample != "" {
			factors, columns = append(factors, i), append(columns, sampledLevel(q, i))
		}
	}
	return hashed("sample", "sample", columns...), factors
}

// sampledCases reads the sample with its own weights.
func (s *Store) sampledCases(ctx context.Context, q assess.Query, on design) (*caseTable, error) {
	text, factors := sampledCasesText(q)
	d := newCaseTable(factors, on.ranges.cases)
	var hashes, units proto.ColUInt64
	var weights proto.ColFloat64
	levels := make([]proto.ColInt32, len(factors))
	columns := proto.Results{{Name: "hash", Data: &hashes}, {Name: "unit", Data: &units}, {Name: "weight", Data: &weights}}
	for k, f := range factors {
		columns = append(columns, proto.ResultColumn{Name: levelColumn(f), Data: &levels[k]})
	}
	err := s.queryColumns(ctx, text, on.on.args, columns, atMost(on.ranges.cases, func(rows int) error {
		for i := range rows {
			unit, known := on.index[units[i]]
			if !known {
				return fmt.Errorf("%w: the sample changed meanwhile; ask again", surveys.ErrConflict)
			}
			d.append(hashes[i], int32(unit), weights[i], func(k int) int32 { return levels[k][i] })
		}
		return nil
	}))
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
	var hashes proto.ColUInt64
	var eligible, counts proto.ColUInt8
	columns := proto.Results{{Name: "hash", Data: &hashes}, {Name: "eligible", Data: &eligible}, {Name: "counted", Data: &counts}}
	return s.queryColumns(ctx, hashed("standings", "standings", "eligible", "toUInt8(counts) AS counted"), args, columns, func(int) error {
		d.findAll(hashes, func(i, place int) {
			if place < 0 || counts[i] == 0 {
				return
			}
			c := d.at(place)
			w := c.weight() * float64(max(eligible[i], 1))
			c.weigh(w, w)
			c[3] &^= notCounted
		})
		return nil
	})
}

// weighCases takes the weights of a set; a case that has none in it keeps that of the draw as the
// weight before calibration, and weighs nothing.
func (s *Store) weighCases(ctx context.Context, d *caseTable, args arguments) error {
	for n := range d.len() {
		d.at(n)[1] = 0
	}
	var hashes proto.ColUInt64
	var weights, bases proto.ColFloat64
	columns := proto.Results{{Name: "hash", Data: &hashes}, {Name: "weight", Data: &weights}, {Name: "base", Data: &bases}}
	return s.queryColumns(ctx, hashed("weights", "weights", "weight", "base"), args, columns, func(int) error {
		d.findAll(hashes, func(i, place int) {
			if place < 0 {
				return
			}
			c, before := d.at(place), bases[i]
			if before == 0 {
				before = c.base()
			}
			c.weigh(weights[i], before)
		})
		return nil
	})
}
