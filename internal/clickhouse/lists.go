package clickhouse

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/surveys"
)

// A list is a column of numbers that comes many rows at a time, as the bytes that the engine
// would keep them in: reading millions of rows one by one takes longer than adding them up.
type list struct {
	of   string // the expression of a number, or of an array of them
	size int    // bytes of a number
	// flat lists join the arrays of all rows.
	flat bool
}

// text is the expression of the list.
func (l list) text() string {
	if l.flat {
		return fmt.Sprintf("CAST(groupArrayArrayState(%s), 'String')", l.of)
	}
	return fmt.Sprintf("CAST(groupArrayState(%s), 'String')", l.of)
}

// texts are the expressions of lists.
func texts(lists []list) string {
	all := make([]string, len(lists))
	for i, l := range lists {
		all[i] = l.text()
	}
	return strings.Join(all, ",\n")
}

// numbers are those of a list, one after the other, the lowest byte first.
type numbers []byte

func (b numbers) u16(i int) uint16  { return binary.LittleEndian.Uint16(b[2*i:]) }
func (b numbers) u64(i int) uint64  { return binary.LittleEndian.Uint64(b[8*i:]) }
func (b numbers) f64(i int) float64 { return math.Float64frombits(b.u64(i)) }
func (b numbers) i32(i int) int32   { return int32(binary.LittleEndian.Uint32(b[4*i:])) }

// queryLists runs a query for lists alone. It calls do with those of each row and how many
// entries they have, but for flat ones.
func (s *Store) queryLists(ctx context.Context, text string, args arguments, lists []list, do func(entries int, columns []numbers) error) error {
	row, into := make([][]byte, len(lists)), make([]any, len(lists))
	for i := range row {
		into[i] = &row[i]
	}
	return s.queryText(ctx, text, args, func(rows driver.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		columns, entries := make([]numbers, len(lists)), 0
		for i, l := range lists {
			var n int
			var err error
			if columns[i], n, err = uncount(row[i], l.size); err != nil {
				return err
			}
			switch {
			case i == 0:
				entries = n
			case n != entries && !l.flat:
				return errUneven
			}
		}
		return do(entries, columns)
	})
}

var errUneven = fmt.Errorf("%w: ClickHouse wrote lists of the same people that are not equally long; ask again", surveys.ErrConflict)

// uncount takes how many numbers there are from the beginning of a state, where it stands as
// a varint. It is an error when they are not all there, each of so many bytes.
func uncount(state []byte, size int) (numbers, int, error) {
	n, length := binary.Uvarint(state)
	if length <= 0 || n > math.MaxInt32*8 || len(state)-length != int(n)*size {
		return nil, 0, fmt.Errorf("%w: ClickHouse wrote a list of numbers in a form that is not known here; use the version of it in docker-compose.yml", surveys.ErrInvalid)
	}
	return state[length:], int(n), nil
}
