package columnar

import (
	"fmt"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// The sizes that an answer names are not believed: room is made for so much of a column at
// first, and then for as much again as has come. An answer that promises more than it holds
// costs no more than what it holds.
const atFirst = 1 << 16

// mostName is longer than the names of columns and their types.
const mostName = 1 << 12

// block takes a block of n columns, which must have the names and types of those asked for.
func block(in *proto.Reader, n uint64, columns proto.Results) (rows int, err error) {
	if rows, err = in.Int(); err != nil {
		return 0, err
	}
	if rows < 0 {
		return 0, fmt.Errorf("a block has %d rows", uint(rows))
	}
	if n != uint64(len(columns)) {
		return 0, fmt.Errorf("a block has %d columns, not %d", n, len(columns))
	}
	for _, c := range columns {
		if err := column(in, c, rows); err != nil {
			return 0, fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return rows, nil
}

func column(in *proto.Reader, c proto.ResultColumn, rows int) error {
	name, err := name(in)
	if err != nil {
		return err
	}
	if name != c.Name {
		return fmt.Errorf("another stands in its place, %q", name)
	}
	of, err := typeName(in)
	if err != nil {
		return err
	}
	if of.Conflicts(c.Data.Type()) {
		return fmt.Errorf("it has the type %q, not %q", of, c.Data.Type())
	}
	c.Data.Reset()
	if rows == 0 {
		return nil
	}
	if s, has := c.Data.(proto.StateDecoder); has {
		if err := s.DecodeState(in); err != nil {
			return err
		}
	}
	if err := Decode(in, c.Data, rows); err != nil {
		return err
	}
	if got := c.Data.Rows(); got != rows {
		return fmt.Errorf("it has %d rows, not %d", got, rows)
	}
	return nil
}

func typeName(in *proto.Reader) (proto.ColumnType, error) {
	text, err := name(in)
	return proto.ColumnType(text), err
}

// name reads a short text.
func name(in *proto.Reader) (string, error) {
	n, err := in.StrLen()
	if err != nil {
		return "", err
	}
	if n > mostName {
		return "", fmt.Errorf("a name has %d bytes", n)
	}
	text := make([]byte, n)
	err = in.ReadFull(text)
	return string(text), err
}

// Decode reads so many further rows of a column. Columns that are not of this list read
// themselves.
func Decode(in *proto.Reader, column proto.ColResult, rows int) error {
	switch c := column.(type) {
	case *proto.ColUInt8:
		return gradually(in, c, rows)
	case *proto.ColUInt16:
		return gradually(in, c, rows)
	case *proto.ColUInt32:
		return gradually(in, c, rows)
	case *proto.ColUInt64:
		return gradually(in, c, rows)
	case *proto.ColInt32:
		return gradually(in, c, rows)
	case *proto.ColInt64:
		return gradually(in, c, rows)
	case *proto.ColFloat64:
		return gradually(in, c, rows)
	case *proto.ColUUID:
		return gradually(in, c, rows)
	case *proto.ColFixedStr32:
		return gradually(in, c, rows)
	case *proto.ColStr:
		return texts(in, c, rows)
	case *proto.ColLowCardinalityRaw:
		return lowCardinality(in, c, rows)
	}
	return column.DecodeColumn(in, rows)
}

// gradually reads values of a fixed size.
func gradually[S ~[]T, T any, C interface {
	*S
	DecodeColumn(in *proto.Reader, rows int) error
}](in *proto.Reader, into C, rows int) error {
	all := *into
	for rows > 0 {
		n := min(rows, max(atFirst, len(all)))
		all = slices.Grow(all, n)
		part := all[len(all):]
		if err := C(&part).DecodeColumn(in, n); err != nil {
			return err
		}
		all, rows = all[:len(all)+n], rows-n
		*into = all
	}
	return nil
}

// texts reads texts.
func texts(in *proto.Reader, into *proto.ColStr, rows int) error {
	for range rows {
		n, err := in.StrLen()
		if err != nil {
			return err
		}
		start := len(into.Buf)
		for n > 0 {
			part := min(n, max(atFirst, len(into.Buf)))
			into.Buf = slices.Grow(into.Buf, part)
			at := len(into.Buf)
			into.Buf = into.Buf[:at+part]
			if err := in.ReadFull(into.Buf[at:]); err != nil {
				return err
			}
			n -= part
		}
		into.Pos = append(into.Pos, proto.Position{Start: start, End: len(into.Buf)})
	}
	return nil
}

// What stands before the values of a column of few different values: how wide the places are,
// and that the different values of the block follow, not those of all blocks.
const (
	widthBits = 0xff
	ofAll     = 1 << 8
	ofBlock   = 1 << 9
)

// lowCardinality reads values of which few are different: those that are, and the place of each
// value among them.
func lowCardinality(in *proto.Reader, into *proto.ColLowCardinalityRaw, rows int) error {
	if rows == 0 {
		return nil // nothing is written of them
	}
	about, err := in.UInt64()
	if err != nil {
		return err
	}
	into.Key = proto.CardinalityKey(about & widthBits)
	if about&ofAll != 0 || about&ofBlock == 0 || !into.Key.IsACardinalityKey() {
		return fmt.Errorf("its values are written in an unknown way, %#x", about)
	}
	different, err := in.UInt64()
	if err != nil {
		return err
	}
	if different > mostDifferent {
		return fmt.Errorf("it has %d different values", different)
	}
	if err := Decode(in, into.Index, int(different)); err != nil {
		return err
	}
	places, err := in.UInt64()
	if err != nil {
		return err
	}
	if places != uint64(rows) {
		return fmt.Errorf("it has %d places of values, not %d", places, rows)
	}
	return Decode(in, into.Keys(), rows)
}

// mostDifferent is how many different values a block can have.
const mostDifferent = 1 << 32
