package expr

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// machine runs one program once.
type machine struct {
	src    string
	lookup func(string) (Value, bool)
	steps  int     // left
	locals []Value // the elements of the macros around
}

// eval computes a node.
func (m *machine) eval(n *node) (Value, error) {
	if err := m.spend(n, 1); err != nil {
		return Value{}, err
	}
	switch n.op {
	case opLiteral:
		return n.val, nil
	case opVar:
		return m.variable(n)
	case opLocal:
		return m.locals[n.slot], nil
	case opHas:
		_, ok := m.lookup(n.text)
		return BoolValue(ok), nil
	case opAnd, opOr:
		return m.logic(n)
	case opCond:
		return m.conditional(n)
	case opList:
		return m.listLiteral(n)
	case opAll, opExists, opExistsOne, opFilter, opMap:
		return m.macro(n)
	}
	x, err := m.eval(n.args[0])
	if err != nil {
		return Value{}, err
	}
	if len(n.args) == 1 {
		return m.unary(n, x)
	}
	y, err := m.eval(n.args[1])
	if err != nil {
		return Value{}, err
	}
	return m.binary(n, x, y)
}

// spend takes steps from the budget.
func (m *machine) spend(n *node, steps int) error {
	m.steps -= steps
	if m.steps < 0 {
		return m.fail(n, ErrLimit, "the expression needs too many steps; the limit is "+strconv.Itoa(MaxSteps))
	}
	return nil
}

// spendBytes takes the steps of work on so many bytes.
func (m *machine) spendBytes(n *node, bytes int) error {
	return m.spend(n, bytes/64)
}

// fail makes an error. Finding its line takes steps too, since && and || and macros
// can go past many errors.
func (m *machine) fail(n *node, kind error, msg string) error {
	m.steps -= n.pos / 64
	return errorAt(m.src, n.pos, kind, msg)
}

func (m *machine) variable(n *node) (Value, error) {
	v, ok := m.lookup(n.text)
	switch {
	case !ok:
		return Value{}, n.noValue
	case v.typ != n.typ:
		return Value{}, m.fail(n, nil, n.text+" was declared "+n.typ.String()+", but the answer is "+v.typ.String())
	}
	if err := m.spend(n, len(v.list)); err != nil {
		return Value{}, err
	}
	return v, m.fits(n, v)
}

// fits checks the size of a value.
func (m *machine) fits(n *node, v Value) error {
	if (v.typ == String || v.typ.isList()) && v.size() > MaxValueSize {
		return m.tooLarge(n)
	}
	return nil
}

func (m *machine) tooLarge(n *node) error {
	return m.fail(n, ErrLimit, "a value takes more than "+strconv.Itoa(MaxValueSize)+" bytes")
}

// logic computes && and ||. One operand that decides outweighs the errors of all
// others; without such a one, the first error is the result.
func (m *machine) logic(n *node) (Value, error) {
	v := verdict{deciding: n.op == opOr}
	for _, a := range n.args {
		if one, err := m.eval(a); v.settledBy(one, err) {
			return one, err
		}
	}
	return v.open()
}

// A verdict is what an or (an and) of several tests makes of them: one true (false) test
// decides, whatever errors others have.
type verdict struct {
	deciding bool
	first    error
}

// settledBy takes up one more test and reports whether its outcome is that of the whole.
func (v *verdict) settledBy(one Value, err error) bool {
	switch {
	case err == nil:
		return (one.bits != 0) == v.deciding
	case final(err):
		return true
	case v.first == nil:
		v.first = err
	}
	return false
}

// open is the outcome when no test decided.
func (v *verdict) open() (Value, error) {
	if v.first != nil {
		return Value{}, v.first
	}
	return BoolValue(!v.deciding), nil
}

// final reports whether an error ends the run at once, whatever else decides.
func final(err error) bool { return err.(*Error).kind == ErrLimit }

// macro computes the argument of a macro for each element of its list.
func (m *machine) macro(n *node) (Value, error) {
	list, err := m.eval(n.args[0])
	if err != nil {
		return Value{}, err
	}
	m.locals = append(m.locals, Value{})
	defer func() { m.locals = m.locals[:n.slot] }()
	switch n.op {
	case opAll, opExists:
		return m.quantify(n, list.list)
	case opExistsOne:
		return m.existsOne(n, list.list)
	}
	return m.build(n, list)
}

// each computes the argument of a macro for one element.
func (m *machine) each(n *node, element Value) (Value, error) {
	if err := m.spend(n, 1); err != nil {
		return Value{}, err
	}
	m.locals[n.slot] = element
	return m.eval(n.args[1])
}

// quantify computes all and exists, which are && and || over the elements.
func (m *machine) quantify(n *node, elements []Value) (Value, error) {
	v := verdict{deciding: n.op == opExists}
	for _, e := range elements {
		if one, err := m.each(n, e); v.settledBy(one, err) {
			return one, err
		}
	}
	return v.open()
}

// existsOne counts. As in cel-go, any error is an error of the whole, and the last one
// is shown.
func (m *machine) existsOne(n *node, elements []Value) (Value, error) {
	count := 0
	var last error
	for _, e := range elements {
		v, err := m.each(n, e)
		switch {
		case err != nil && final(err):
			return Value{}, err
		case err != nil:
			last = err
		}
		count += int(v.bits)
	}
	return BoolValue(count == 1), last
}

// build makes the list of filter and map.
func (m *machine) build(n *node, of Value) (Value, error) {
	built := Value{typ: n.typ, list: []Value{}}
	size := 0
	var last error
	for _, e := range of.list {
		v, err := m.each(n, e)
		switch {
		case err != nil && (n.op == opMap || final(err)):
			return Value{}, err
		case err != nil:
			last = err // of filter, which goes on as existsOne does
			continue
		case n.op == opMap:
			e = v
		case v.bits == 0:
			continue
		}
		if size += valueBytes + len(e.str); size > MaxValueSize {
			return Value{}, m.tooLarge(n)
		}
		built.list = append(built.list, e)
	}
	return built, last
}

func (m *machine) conditional(n *node) (Value, error) {
	c, err := m.eval(n.args[0])
	if err != nil {
		return Value{}, err
	}
	if c.bits != 0 {
		return m.eval(n.args[1])
	}
	return m.eval(n.args[2])
}

func (m *machine) listLiteral(n *node) (Value, error) {
	v := Value{typ: n.typ, list: make([]Value, len(n.args))}
	for i, a := range n.args {
		var err error
		if v.list[i], err = m.eval(a); err != nil {
			return Value{}, err
		}
	}
	return v, m.fits(n, v)
}

// unary computes what has one argument.
func (m *machine) unary(n *node, x Value) (Value, error) {
	switch n.op {
	case opNot:
		return BoolValue(x.bits == 0), nil
	case opNeg:
		return m.negate(n, x)
	case opSize:
		if x.typ.isList() {
			return IntValue(int64(len(x.list))), nil
		}
		return IntValue(int64(utf8.RuneCountInString(x.str))), m.spendBytes(n, len(x.str))
	case opInt:
		return m.toInt(n, x)
	case opDouble:
		return m.toDouble(n, x)
	}
	return StringValue(x.text()), nil // opString
}

func (m *machine) negate(n *node, x Value) (Value, error) {
	switch {
	case x.typ == Double:
		return DoubleValue(-x.Double()), nil
	case x.Int() == math.MinInt64:
		return Value{}, m.overflow(n)
	}
	return IntValue(-x.Int()), nil
}

func (m *machine) toInt(n *node, x Value) (Value, error) {
	switch x.typ {
	case Double:
		// As in cel-go, both ends of the range are refused: as doubles they are not exact.
		f := x.Double()
		if math.IsNaN(f) || f <= math.MinInt64 || f >= math.MaxInt64 {
			return Value{}, m.overflow(n)
		}
		return IntValue(int64(f)), nil
	case String:
		if err := m.spendBytes(n, len(x.str)); err != nil {
			return Value{}, err
		}
		i, err := strconv.ParseInt(x.str, 10, 64)
		if err != nil {
			return Value{}, m.fail(n, nil, "int() takes a text of digits only")
		}
		return IntValue(i), nil
	}
	return x, nil
}

func (m *machine) toDouble(n *node, x Value) (Value, error) {
	switch x.typ {
	case Int:
		return DoubleValue(float64(x.Int())), nil
	case String:
		if err := m.spendBytes(n, len(x.str)); err != nil {
			return Value{}, err
		}
		f, err := strconv.ParseFloat(x.str, 64)
		if err != nil {
			return Value{}, m.fail(n, nil, "double() takes a text that is a number")
		}
		return DoubleValue(f), nil
	}
	return x, nil
}

// binary computes what has two arguments.
func (m *machine) binary(n *node, x, y Value) (Value, error) {
	switch n.op {
	case opEq, opNe:
		err := m.spendBytes(n, min(x.size(), y.size()))
		return BoolValue(equal(x, y) == (n.op == opEq)), err
	case opLt, opLe, opGt, opGe:
		return m.compare(n, x, y)
	case opIn:
		return m.in(n, x, y)
	case opIndex:
		return m.index(n, x, y)
	case opContains:
		return BoolValue(strings.Contains(x.str, y.str)), m.spendBytes(n, len(x.str)+len(y.str))
	case opStartsWith:
		return BoolValue(strings.HasPrefix(x.str, y.str)), m.spendBytes(n, len(y.str))
	case opEndsWith:
		return BoolValue(strings.HasSuffix(x.str, y.str)), m.spendBytes(n, len(y.str))
	}
	switch x.typ {
	case Int:
		return m.integers(n, x.Int(), y.Int())
	case Double:
		return doubles(n.op, x.Double(), y.Double()), nil
	}
	return m.concat(n, x, y)
}

// compare orders two values: false before true, texts by their code points. NaN
// is neither smaller than, equal to, nor larger than anything.
func (m *machine) compare(n *node, x, y Value) (Value, error) {
	var less, more bool
	switch x.typ {
	case String:
		less, more = x.str < y.str, x.str > y.str
		if err := m.spendBytes(n, min(len(x.str), len(y.str))); err != nil {
			return Value{}, err
		}
	case Double:
		less, more = x.Double() < y.Double(), x.Double() > y.Double()
	default: // a bool is stored as 0 or 1
		less, more = int64(x.bits) < int64(y.bits), int64(x.bits) > int64(y.bits)
	}
	switch n.op {
	case opLt:
		return BoolValue(less), nil
	case opLe:
		return BoolValue(less || equal(x, y)), nil
	case opGt:
		return BoolValue(more), nil
	}
	return BoolValue(more || equal(x, y)), nil
}

func (m *machine) in(n *node, x, list Value) (Value, error) {
	for _, e := range list.list {
		if err := m.spend(n, 1+min(len(x.str), len(e.str))/64); err != nil {
			return Value{}, err
		}
		if equal(x, e) {
			return BoolValue(true), nil
		}
	}
	return BoolValue(false), nil
}

func (m *machine) index(n *node, list, at Value) (Value, error) {
	i := at.Int()
	if i < 0 || i >= int64(len(list.list)) {
		return Value{}, m.fail(n, nil, "the list has no such element; the first one is [0]")
	}
	return list.list[i], nil
}

// concat joins two texts or two lists.
func (m *machine) concat(n *node, x, y Value) (Value, error) {
	if err := m.spendBytes(n, x.size()+y.size()); err != nil {
		return Value{}, err
	}
	if x.size()+y.size() > MaxValueSize {
		return Value{}, m.tooLarge(n)
	}
	if x.typ == String {
		return StringValue(x.str + y.str), nil
	}
	both := make([]Value, 0, len(x.list)+len(y.list))
	return Value{typ: n.typ, list: append(append(both, x.list...), y.list...)}, nil
}

func doubles(o op, x, y float64) Value {
	switch o {
	case opAdd:
		return DoubleValue(x + y)
	case opSub:
		return DoubleValue(x - y)
	case opMul:
		return DoubleValue(x * y)
	}
	return DoubleValue(x / y)
}

// integers computes with 64 bits and refuses to leave them.
func (m *machine) integers(n *node, x, y int64) (Value, error) {
	var z int64
	var ok bool
	switch n.op {
	case opAdd:
		z = x + y
		ok = (z > x) == (y > 0)
	case opSub:
		z = x - y
		ok = (z < x) == (y > 0)
	case opMul:
		z = x * y
		ok = x == 0 || z/x == y && !(x == -1 && y == math.MinInt64)
	default: // opDiv, opRem
		if y == 0 {
			return Value{}, m.fail(n, nil, "division by zero")
		}
		ok = !(x == math.MinInt64 && y == -1)
		if n.op == opDiv && ok {
			z = x / y
		} else if ok {
			z = x % y
		}
	}
	if !ok {
		return Value{}, m.overflow(n)
	}
	return IntValue(z), nil
}

func (m *machine) overflow(n *node) error {
	return m.fail(n, nil, "the result does not fit into 64 bits")
}
