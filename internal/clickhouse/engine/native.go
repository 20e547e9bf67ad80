package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Revisions of ClickHouse's protocol that change the frame of a Native block.
const (
	revisionBlockInfo           = 51903
	revisionCustomSerialization = 54454
)

// blockInfo says: field 1, no overflows; field 2, bucket −1; no more fields.
var blockInfo = []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0}

// errShort means that the block goes on behind the end of the bytes.
var errShort = errors.New("the block is cut off")

// framer turns the engine's Native output, which is of revision 0, into blocks
// of the client's revision. The data of a column are the same in both; only the
// frame around them differs, so the framer has to know where a column ends.
type framer struct {
	revision int
	rest     []byte // the beginning of a block that is not complete yet
}

// frame appends the complete blocks in piece to dst.
func (f *framer) frame(dst, piece []byte) ([]byte, error) {
	if len(f.rest) > 0 {
		f.rest = append(f.rest, piece...)
		piece = f.rest
	}
	for len(piece) > 0 {
		out, n, err := f.block(dst, piece)
		if errors.Is(err, errShort) {
			break
		}
		if err != nil {
			return dst, err
		}
		dst, piece = out, piece[n:]
	}
	f.rest = append([]byte(nil), piece...)
	return dst, nil
}

// block appends the block at the beginning of b and returns its length in b.
func (f *framer) block(dst, b []byte) ([]byte, int, error) {
	r := &reader{b: b}
	columns, rows := r.uvarint(), r.uvarint()
	if f.revision >= revisionBlockInfo {
		dst = append(dst, blockInfo...)
	}
	dst = append(dst, b[:r.at]...)
	for range columns {
		begin := r.at
		r.text()
		kind := r.text()
		if r.err != nil {
			return nil, 0, r.err
		}
		dst = append(dst, b[begin:r.at]...)
		if f.revision >= revisionCustomSerialization {
			dst = append(dst, 0)
		}
		begin = r.at
		if err := r.column(kind, rows); err != nil {
			return nil, 0, err
		}
		dst = append(dst, b[begin:r.at]...)
	}
	return dst, r.at, r.err
}

// reader walks over Native data. After the first error it stays where it is.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) skip(n int) {
	if r.err == nil && (n < 0 || n > len(r.b)-r.at) {
		r.err = errShort
	}
	if r.err == nil {
		r.at += n
	}
}

func (r *reader) uvarint() int {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.err = errShort
		return 0
	}
	r.at += n
	return int(v)
}

func (r *reader) uint64() int {
	r.skip(8)
	if r.err != nil {
		return 0
	}
	return int(binary.LittleEndian.Uint64(r.b[r.at-8:]))
}

func (r *reader) text() string {
	n := r.uvarint()
	begin := r.at
	r.skip(n)
	return string(r.b[begin:r.at])
}

// column walks over a column's data: the prefixes of its type, then its values.
// A block without rows has neither.
func (r *reader) column(kind string, rows int) error {
	if rows == 0 {
		return r.err
	}
	t, err := parseType(kind)
	if err != nil {
		return err
	}
	t.prefix(r)
	t.values(r, rows)
	return r.err
}

// columnType is a type of ClickHouse as far as its layout goes.
type columnType struct {
	name  string // Array, Map, Nullable, LowCardinality, Tuple, String or fixed
	width int    // bytes of a value, if fixed
	of    []columnType
}

const fixed = "fixed"

var widths = map[string]int{
	"Int8": 1, "UInt8": 1, "Bool": 1, "Enum8": 1, "Nothing": 1,
	"Int16": 2, "UInt16": 2, "Date": 2, "Enum16": 2, "BFloat16": 2,
	"Int32": 4, "UInt32": 4, "Float32": 4, "Date32": 4, "DateTime": 4, "IPv4": 4, "Decimal32": 4, "Time": 4,
	"Int64": 8, "UInt64": 8, "Float64": 8, "DateTime64": 8, "Decimal64": 8, "Time64": 8,
	"Int128": 16, "UInt128": 16, "UUID": 16, "IPv6": 16, "Decimal128": 16,
	"Int256": 32, "UInt256": 32, "Decimal256": 32,
}

var aliases = map[string]string{
	"Point":           "Tuple(Float64, Float64)",
	"Ring":            "Array(Point)",
	"LineString":      "Array(Point)",
	"Polygon":         "Array(Ring)",
	"MultiLineString": "Array(LineString)",
	"MultiPolygon":    "Array(Polygon)",
}

// parseType reads a type as ClickHouse writes it.
func parseType(kind string) (columnType, error) {
	kind = strings.TrimSpace(kind)
	name, list, _ := strings.Cut(kind, "(")
	args := split(strings.TrimSuffix(list, ")"))
	if width := widths[name]; width > 0 {
		return columnType{name: fixed, width: width}, nil
	}
	if alias := aliases[name]; alias != "" {
		return parseType(alias)
	}
	if strings.HasPrefix(name, "Interval") {
		return columnType{name: fixed, width: 8}, nil
	}
	switch name {
	case "String":
		return columnType{name: name}, nil
	case "FixedString":
		return fixedString(kind, args)
	case "Decimal":
		return decimal(kind, args)
	case "Nullable", "Array", "LowCardinality":
		return compound(kind, name, args[:1])
	case "Map":
		return compound(kind, name, args)
	case "Tuple":
		return compound(kind, name, unnamed(args))
	case "Nested":
		return parseType("Array(Tuple(" + strings.Join(args, ",") + "))")
	case "SimpleAggregateFunction":
		return parseType(args[len(args)-1])
	}
	return unsupported(kind)
}

func unsupported(kind string) (columnType, error) {
	return columnType{}, fmt.Errorf("the embedded engine cannot send a column of type %s; convert it in the query, for example with toString or finalizeAggregation", kind)
}

func fixedString(kind string, args []string) (columnType, error) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return unsupported(kind)
	}
	return columnType{name: fixed, width: n}, nil
}

// decimal has the width of the smallest integer that holds its digits.
func decimal(kind string, args []string) (columnType, error) {
	digits, err := strconv.Atoi(args[0])
	switch {
	case err != nil:
		return unsupported(kind)
	case digits <= 9:
		return columnType{name: fixed, width: 4}, nil
	case digits <= 18:
		return columnType{name: fixed, width: 8}, nil
	case digits <= 38:
		return columnType{name: fixed, width: 16}, nil
	}
	return columnType{name: fixed, width: 32}, nil
}

func compound(kind, name string, args []string) (columnType, error) {
	t := columnType{name: name}
	for _, arg := range args {
		of, err := parseType(arg)
		if err != nil {
			return unsupported(kind)
		}
		t.of = append(t.of, of)
	}
	return t, nil
}

// split separates the arguments of a type, minding parentheses and quotes. It
// returns at least one.
func split(list string) []string {
	var args []string
	depth, begin := 0, 0
	for i := 0; i < len(list); i++ {
		switch list[i] {
		case '\'', '`', '"':
			i = quoteEnd(list, i) - 1
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				args, begin = append(args, strings.TrimSpace(list[begin:i])), i+1
			}
		}
	}
	return append(args, strings.TrimSpace(list[begin:]))
}

// unnamed takes the names of a named tuple off its elements.
func unnamed(args []string) []string {
	types := make([]string, len(args))
	for i, arg := range args {
		types[i] = arg
		if arg != "" && isQuote(arg[0]) {
			types[i] = arg[quoteEnd(arg, 0):]
		} else if name, kind, found := strings.Cut(arg, " "); found && !strings.Contains(name, "(") {
			types[i] = kind
		}
	}
	return types
}

// prefix walks over what stands once before the values.
func (t columnType) prefix(r *reader) {
	if t.name == "LowCardinality" {
		r.skip(8) // version of the keys
		return
	}
	for _, of := range t.of {
		of.prefix(r)
	}
}

// values walks over so many values.
func (t columnType) values(r *reader, rows int) {
	if rows == 0 || r.err != nil {
		return
	}
	switch t.name {
	case fixed:
		r.skip(rows * t.width)
	case "String":
		for i := 0; i < rows && r.err == nil; i++ {
			r.skip(r.uvarint())
		}
	case "Nullable":
		r.skip(rows)
		t.of[0].values(r, rows)
	case "Tuple":
		for _, of := range t.of {
			of.values(r, rows)
		}
	case "Array", "Map":
		r.skip((rows - 1) * 8)
		n := r.uint64() // the last offset counts the elements of all rows
		for _, of := range t.of {
			of.values(r, n)
		}
	case "LowCardinality":
		t.dictionary(r)
	}
}

// dictionary walks over the two parts of a LowCardinality column: the different
// values, and for each row the number of its value.
func (t columnType) dictionary(r *reader) {
	const keyWidth, globalDictionary, additionalKeys = 0xff, 1 << 8, 1 << 9
	flags := r.uint64()
	if r.err == nil && flags&globalDictionary != 0 {
		r.err = errors.New("the engine sent a LowCardinality column with a shared dictionary; set low_cardinality_max_dictionary_size to 0")
	}
	if flags&additionalKeys != 0 {
		of := t.of[0]
		if of.name == "Nullable" {
			of = of.of[0] // NULL is entry 0
		}
		of.values(r, r.uint64())
	}
	r.skip(r.uint64() << (flags & keyWidth & 3))
}
