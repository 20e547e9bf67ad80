package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/clickhouse/columnar"
	"github.com/suyang-survey/suyang/surveys"
)

// queryColumns runs a query whose answer has many rows, and takes it by columns; see
// columnar.Take.
func (s *Store) queryColumns(ctx context.Context, text string, args arguments, columns proto.Results, do func(rows int) error) error {
	t := columnar.Take(text, columns, do)
	return t.Err(s.queryText(t.In(ctx), text, args, func(driver.Rows) error { return nil }))
}

// atMost is for an answer of about so many rows, which were counted before: room is made for all
// of them, so one that does not end must not be read for ever.
func atMost(about uint64, do func(rows int) error) func(rows int) error {
	come, most := uint64(0), 2*about+1000 // some may have come since
	return func(rows int) error {
		if come += uint64(rows); come > most {
			return fmt.Errorf("%w: ClickHouse counted %d rows and writes more than %d; ask again", surveys.ErrConflict, about, most)
		}
		return do(rows)
	}
}

// lowLists is a column of lists of values, of which few are different: Array(LowCardinality(T)).
// The values of a block stand in a list of their own, and the lists have their places there.
type lowLists struct {
	ends   proto.ColUInt64 // of the list of each row, among all
	values proto.ColLowCardinalityRaw
}

func lowListsOf(of proto.Column) *lowLists {
	return &lowLists{values: proto.ColLowCardinalityRaw{Index: of}}
}

// Type is that of the column.
func (l *lowLists) Type() proto.ColumnType { return proto.ColumnTypeArray.Sub(l.values.Type()) }

// Rows is how many lists there are.
func (l *lowLists) Rows() int { return len(l.ends) }

// Reset forgets all lists.
func (l *lowLists) Reset() {
	l.ends.Reset()
	l.values.Reset()
}

// DecodeState reads what stands before the column.
func (l *lowLists) DecodeState(in *proto.Reader) error { return l.values.DecodeState(in) }

// DecodeColumn reads the column.
func (l *lowLists) DecodeColumn(in *proto.Reader, rows int) error {
	if err := columnar.Decode(in, &l.ends, rows); err != nil {
		return err
	}
	before := uint64(0)
	for _, end := range l.ends {
		if end < before {
			return errLists
		}
		before = end
	}
	if before > maxValues {
		return errLists
	}
	if err := columnar.Decode(in, &l.values, int(before)); err != nil {
		return err
	}
	return l.check()
}

// maxValues is how many values the lists of a block may have.
const maxValues = 1 << 31

var errLists = fmt.Errorf("%w: ClickHouse wrote lists whose lengths do not fit together; ask again", surveys.ErrConflict)

// numbered are the numbers of the different values of a column of hashes, by their places.
func (l *lowLists) numbered(by map[uint64]codeNumber) []codeNumber {
	numbers := l.noNumbers()
	for i, hash := range *l.values.Index.(*proto.ColUInt64) {
		numbers[i] = by[hash]
	}
	return numbers
}

// noNumbers has a 0 for each of the different values, and for all places that there may be where
// places have one byte or two: so none needs to be looked at whether it is one.
func (l *lowLists) noNumbers() []codeNumber {
	return make([]codeNumber, max(1<<16, l.values.Index.Rows()))
}

// put writes the numbers of the values from ≤ i < to that are not 0. It returns how many there
// are, and how many values are listed answers.
func (l *lowLists) put(into []uint16, from, to uint64, numbers []codeNumber) (n, listed int) {
	switch v := &l.values; v.Key {
	case proto.KeyUInt8:
		return putNumbers(into, v.Keys8[from:to], numbers)
	case proto.KeyUInt16:
		return putNumbers(into, v.Keys16[from:to], numbers)
	case proto.KeyUInt32:
		return putNumbers(into, v.Keys32[from:to], numbers)
	default:
		return putNumbers(into, v.Keys64[from:to], numbers)
	}
}

func putNumbers[K uint8 | uint16 | uint32 | uint64](into []uint16, places []K, numbers []codeNumber) (n, listed int) {
	into = into[:len(places)]
	for _, place := range places {
		number := numbers[place]
		into[n] = uint16(number)
		n += int((number&(listedAnswer-1) + listedAnswer - 1) >> 16) // 1 unless it is 0; a branch takes longer
		listed += int(number >> 16)
	}
	return n, listed
}

// check sees that every value is there, where that is not sure.
func (l *lowLists) check() error {
	different := uint64(l.values.Index.Rows())
	for _, k := range l.values.Keys32 {
		if uint64(k) >= different {
			return errLists
		}
	}
	for _, k := range l.values.Keys64 {
		if k >= different {
			return errLists
		}
	}
	return nil
}
