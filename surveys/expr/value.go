package expr

import (
	"math"
	"strconv"
	"strings"
)

// Type is the type of an expression, a variable or a value.
type Type uint8

// The types of variables. An expression may also be a list of the other types.
const (
	Bool Type = iota + 1
	Int
	Double
	String
	// Strings is a list of strings.
	Strings = list | String

	// list marks a list of the type it is combined with; alone it is the type of [],
	// which fits every list.
	list Type = 1 << 3
)

// String returns the name of the type as messages show it.
func (t Type) String() string {
	if t.isList() {
		if t.elem() == 0 {
			return "list"
		}
		return "list(" + t.elem().String() + ")"
	}
	switch t {
	case Bool:
		return "bool"
	case Int:
		return "int"
	case Double:
		return "double"
	case String:
		return "string"
	}
	return "no type"
}

func (t Type) isList() bool { return t&list != 0 }
func (t Type) elem() Type   { return t &^ list }

// join returns the type that values of both types have: the same type, or the
// other list when one is [].
func join(a, b Type) (Type, bool) {
	switch {
	case a == b || a.isList() && b == list:
		return a, true
	case b.isList() && a == list:
		return b, true
	}
	return 0, false
}

// Value is a value of an expression or a variable. The zero Value is no value.
type Value struct {
	typ  Type
	bits uint64 // of a bool, an int or a double
	str  string
	list []Value
}

// BoolValue returns a bool.
func BoolValue(b bool) Value {
	if b {
		return Value{typ: Bool, bits: 1}
	}
	return Value{typ: Bool}
}

// IntValue returns an int.
func IntValue(i int64) Value { return Value{typ: Int, bits: uint64(i)} }

// DoubleValue returns a double.
func DoubleValue(f float64) Value { return Value{typ: Double, bits: math.Float64bits(f)} }

// StringValue returns a string.
func StringValue(s string) Value { return Value{typ: String, str: s} }

// StringsValue returns a list of strings.
func StringsValue(ss []string) Value {
	v := Value{typ: Strings, list: make([]Value, len(ss))}
	for i, s := range ss {
		v.list[i] = StringValue(s)
	}
	return v
}

// Type returns the type of the value.
func (v Value) Type() Type { return v.typ }

// Bool returns a bool; for a value of another type it panics, as do Int, Double and
// Str. Program.Type says beforehand which type comes.
func (v Value) Bool() bool {
	v.must(Bool)
	return v.bits != 0
}

// Int returns an int.
func (v Value) Int() int64 {
	v.must(Int)
	return int64(v.bits)
}

// Double returns a double.
func (v Value) Double() float64 {
	v.must(Double)
	return math.Float64frombits(v.bits)
}

// Str returns a string.
func (v Value) Str() string {
	v.must(String)
	return v.str
}

// List returns the elements of a list; do not change them.
func (v Value) List() []Value {
	if !v.typ.isList() {
		panic("expr: a list was expected, not " + v.typ.String())
	}
	return v.list
}

func (v Value) must(t Type) {
	if v.typ != t {
		panic("expr: a " + t.String() + " was expected, not " + v.typ.String())
	}
}

// String writes the value as an expression would, for messages and tests.
func (v Value) String() string {
	switch v.typ {
	case 0:
		return "no value"
	case String:
		return strconv.Quote(v.str)
	case Bool, Int, Double:
		return v.text()
	}
	parts := make([]string, len(v.list))
	for i, e := range v.list {
		parts[i] = e.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// text is what the function string makes of a scalar.
func (v Value) text() string {
	switch v.typ {
	case Bool:
		return strconv.FormatBool(v.bits != 0)
	case Int:
		return strconv.FormatInt(int64(v.bits), 10)
	case Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	}
	return v.str
}

// equal compares two values of one type. As in IEEE 754, NaN equals nothing.
func equal(a, b Value) bool {
	switch {
	case a.typ == Double:
		return a.Double() == b.Double()
	case !a.typ.isList():
		return a.bits == b.bits && a.str == b.str
	}
	if len(a.list) != len(b.list) {
		return false
	}
	for i := range a.list {
		if !equal(a.list[i], b.list[i]) {
			return false
		}
	}
	return true
}

// size is the memory a value takes in bytes, as the limit counts it.
func (v Value) size() int {
	n := len(v.str)
	for _, e := range v.list {
		n += valueBytes + len(e.str)
	}
	return n
}

// valueBytes is what one element of a list takes.
const valueBytes = 64

// ListOf returns the type of a list of t, which must be the type of a scalar.
func ListOf(t Type) Type { return list | t }

// ListValue returns a list of values of the scalar type t.
func ListValue(t Type, vs []Value) Value { return Value{typ: ListOf(t), list: vs} }

// Text returns a scalar as the function string of the language writes it.
func (v Value) Text() string { return v.text() }

// IsList reports whether the type is that of a list.
func (t Type) IsList() bool { return t.isList() }
