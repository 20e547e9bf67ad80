package expr

import (
	"math"
	"strconv"
	"strings"
)

// Column says how a variable is kept in the answers of an interview.
type Column struct {
	// Key is the item's ID.
	Key string
	// Rows is the key of the number of rows, for a list that holds an item of a roster;
	// such a list has MaxRows rows at most, under the keys Key#1, Key#2 and so on.
	Rows    string
	MaxRows int
	// NoValue are answers that stand for no value, such as "dk" of a text.
	NoValue []string
	// Value, where it is set, is an expression for the value in place of the answers, so
	// that these need not be read: of the variable's type, NULL without a value; of a list,
	// empty without one.
	Value string
}

// SQL writes a program as a ClickHouse expression over a column named answers of the
// type Map(LowCardinality(String), Array(String)), or over what Column.Value says; NULL is no value, and bools are 0
// and 1. Every error of a run is NULL, an overflow too, and && and || outweigh it as
// they do in a run. The limits of a run on steps and sizes are not kept. What SQL cannot
// say exactly is an *Error at its place: texts of doubles, doubles from texts, and the
// comparison of lists. Quote writes a string literal.
func SQL(p *Program, quote func(string) string, columns func(name string) (Column, bool)) (string, error) {
	w := &sqlWriter{quote: quote, columns: columns, m: machine{src: p.src, steps: MaxSteps}}
	x := w.write(p.root)
	if w.err == nil && x.typ.isList() {
		w.refuse(p.root, "a list cannot be NULL; use size, in or a macro")
	}
	if w.err != nil {
		return "", w.err
	}
	return x.s, nil
}

// svalue is what is written for a node.
type svalue struct {
	typ Type
	s   string
	// null says that s may be NULL.
	null bool
	// defined says of a list, which cannot be NULL, when it has a value; "" is always. It
	// is 0 or 1.
	defined string
}

type sqlWriter struct {
	quote   func(string) string
	columns func(string) (Column, bool)
	locals  []svalue
	m       machine
	err     *Error
}

func (w *sqlWriter) refuse(n *node, msg string) svalue {
	if w.err == nil {
		w.err = errorAt(w.m.src, n.pos, nil, msg)
	}
	return svalue{}
}

// text joins the parts of a piece of SQL, up to the limit.
func (w *sqlWriter) text(parts ...string) string {
	s := strings.Join(parts, "")
	if len(s) > MaxWritten && w.err == nil {
		w.err = errorAt(w.m.src, 0, ErrLimit, "the SQL would take more than "+strconv.Itoa(MaxWritten)+" bytes")
	}
	if w.err != nil {
		return ""
	}
	return s
}

func (w *sqlWriter) literal(n *node, v Value) svalue {
	x := svalue{typ: v.typ}
	switch v.typ {
	case Bool:
		x.s = strconv.FormatUint(v.bits, 10)
	case Int:
		x.s = "toInt64(" + v.text() + ")"
	case Double:
		switch f := v.Double(); {
		case math.IsNaN(f):
			x.s = "nan"
		case math.IsInf(f, 0):
			x.s = strings.TrimPrefix(strings.ToLower(v.text()), "+")
		default:
			x.s = "toFloat64(" + v.text() + ")"
		}
	case String:
		x.s = w.quote(v.str)
	default:
		parts := make([]string, len(v.list))
		for i, e := range v.list {
			parts[i] = w.literal(n, e).s
		}
		x.s = w.text("CAST([", strings.Join(parts, ", "), "], 'Array(", sqlType(n.typ.elem()), ")')")
	}
	return x
}

// sqlType is the type of elements.
func sqlType(t Type) string {
	switch t {
	case Bool:
		return "UInt8"
	case Int:
		return "Int64"
	case Double:
		return "Float64"
	}
	return "String"
}

func (w *sqlWriter) write(n *node) svalue {
	if w.err != nil {
		return svalue{}
	}
	if constant(n, len(w.locals)) {
		v, err := fold(&w.m, n, len(w.locals))
		switch {
		case err != nil:
			w.err = err
			return svalue{}
		case v == nil:
			return w.refuse(n, "this never has a value")
		}
		return w.literal(n, *v)
	}
	switch n.op {
	case opVar:
		return w.variable(n)
	case opHas:
		return w.has(n)
	case opLocal:
		return w.locals[n.slot]
	case opAll, opExists, opExistsOne, opFilter, opMap:
		return w.macro(n)
	}
	args := make([]svalue, len(n.args))
	null := false
	for i, a := range n.args {
		args[i] = w.write(a)
		null = null || args[i].null || args[i].defined != ""
	}
	if w.err != nil {
		return svalue{}
	}
	return w.apply(n, svalue{typ: n.typ, null: null}, args)
}

// apply writes an operator or function between its operands; z is what it gives, still
// without its text.
func (w *sqlWriter) apply(n *node, z svalue, args []svalue) svalue {
	x := args[0]
	switch n.op {
	case opAnd, opOr:
		parts := make([]string, len(args))
		for i, a := range args {
			parts[i] = a.s
		}
		z.s = w.text("(", strings.Join(parts, map[op]string{opAnd: " AND ", opOr: " OR "}[n.op]), ")")
	case opNot:
		z.s = w.text("NOT (", x.s, ")")
	case opCond:
		return w.conditional(n, x, args[1], args[2])
	case opList:
		return w.listLiteral(n, args)
	case opIn:
		return w.in(x, args[1])
	case opIndex:
		at := args[1].s
		ok := w.text(at, " >= 0 AND ", at, " < length(", x.s, ")")
		z.s, z.null = w.text("if(", w.guard(ok, x.defined), ", ", x.s, "[", at, " + 1], NULL)"), true
	case opSize:
		if x.typ == String {
			z.s = w.text("toInt64(lengthUTF8(", x.s, "))")
		} else {
			z.s = w.when(x.defined, w.text("toInt64(length(", x.s, "))"))
		}
	case opInt, opDouble, opString:
		return w.convert(n, x)
	case opNeg:
		if n.typ == Int {
			return w.int64(z, w.text("-toInt128(", x.s, ")"))
		}
		z.s = w.text("(-", x.s, ")")
	case opContains:
		z.s = w.text("(position(", x.s, ", ", args[1].s, ") > 0)")
	case opStartsWith, opEndsWith:
		z.s = w.text(n.text, "(", x.s, ", ", args[1].s, ")")
	case opEq, opNe, opLt, opLe, opGt, opGe:
		if x.typ.isList() {
			return w.refuse(n, "SQL cannot compare lists that may have no value; use size, in or a macro")
		}
		z.s = w.text("(", x.s, " ", strings.Replace(n.text, "==", "=", 1), " ", args[1].s, ")")
	default:
		return w.arithmetic(n, z, x, args[1])
	}
	return z
}

// guard joins a condition and the one under which a list has a value.
func (w *sqlWriter) guard(cond, defined string) string {
	if defined == "" {
		return cond
	}
	return w.text(defined, " AND ", cond)
}

// when is a value where a condition holds, and NULL elsewhere.
func (w *sqlWriter) when(cond, s string) string {
	if cond == "" {
		return s
	}
	return w.text("if(", cond, ", ", s, ", NULL)")
}

// int64 makes a number of 64 bits of one of 128, NULL when it does not fit.
func (w *sqlWriter) int64(z svalue, wide string) svalue {
	z.s, z.null = w.text("accurateCastOrNull(", wide, ", 'Int64')"), true
	return z
}

func (w *sqlWriter) arithmetic(n *node, z, x, y svalue) svalue {
	a, b := w.text("toInt128(", x.s, ")"), w.text("toInt128(", y.s, ")")
	switch {
	case n.typ.isList():
		z.s, z.null, z.defined = w.text("arrayConcat(", x.s, ", ", y.s, ")"), false, w.both(x.defined, y.defined)
	case n.typ == String:
		z.s = w.text("concat(", x.s, ", ", y.s, ")")
	case n.typ == Double:
		z.s = w.text("(", x.s, " ", n.text, " ", y.s, ")")
	case n.op == opDiv:
		return w.int64(z, w.text("intDivOrNull(", a, ", ", b, ")"))
	case n.op == opRem:
		// The smallest number has no remainder by -1, since the quotient does not fit.
		fits := w.text("isNotNull(accurateCastOrNull(intDivOrNull(", a, ", ", b, "), 'Int64'))")
		z.s, z.null = w.when(fits, w.text("moduloOrNull(", x.s, ", ", y.s, ")")), true
	default:
		return w.int64(z, w.text(a, " ", n.text, " ", b))
	}
	return z
}

func (w *sqlWriter) both(a, b string) string {
	switch {
	case a == "" || a == b:
		return b
	case b == "":
		return a
	}
	return w.text(a, " AND ", b)
}

// answer is the first answer under a key as a string, NULL without one.
func (w *sqlWriter) answer(c Column, key string) string {
	first := "answers[" + w.quote(key) + "][1]"
	if len(c.NoValue) == 0 {
		return "nullIf(" + first + ", '')"
	}
	return "if(" + first + " IN (" + w.noValues(c) + "), NULL, " + first + ")"
}

func (w *sqlWriter) noValues(c Column) string {
	list := "''"
	for _, s := range c.NoValue {
		list += ", " + w.quote(s)
	}
	return list
}

// read is a text as a value of a type, NULL when it is none.
func read(t Type, s string) string {
	switch t {
	case Int:
		return "toInt64OrNull(" + s + ")"
	case Double:
		return "toFloat64OrNull(" + s + ")"
	case Bool:
		return "multiIf(" + s + " = 'true', 1, " + s + " = 'false', 0, NULL)"
	}
	return s
}

func (w *sqlWriter) column(n *node) Column {
	c, ok := w.columns(n.text)
	if !ok {
		w.refuse(n, "there is no column for "+n.text)
	}
	return c
}

func (w *sqlWriter) variable(n *node) svalue {
	c := w.column(n)
	x := svalue{typ: n.typ}
	switch {
	case c.Value != "" && n.typ.isList():
		x.s = w.text(c.Value)
		x.defined = w.text("notEmpty(", x.s, ")")
	case c.Value != "":
		x.s, x.null = w.text(c.Value), true
	case !n.typ.isList():
		x.s, x.null = w.text(read(n.typ, w.answer(c, c.Key))), true
	case c.Rows == "" && n.typ != Strings:
		return w.refuse(n, "a list of "+n.typ.elem().String()+" is no answer")
	case c.Rows == "":
		x.s = w.text("answers[", w.quote(c.Key), "]")
		x.defined = w.text("notEmpty(", x.s, ")")
	default:
		x.defined = w.text("isNotNull(", read(Int, w.answer(Column{}, c.Rows)), ")")
		rows := w.text("arrayFilter(e -> e NOT IN (", w.noValues(c), "), arrayMap(i -> answers[concat(", w.quote(c.Key+"#"),
			", toString(i))][1], range(1, least(", strconv.Itoa(c.MaxRows), ", ifNull(", read(Int, w.answer(Column{}, c.Rows)), ", 0)) + 1)))")
		if n.typ == Strings {
			x.s = rows
		} else {
			x.s = w.text("arrayMap(e -> assumeNotNull(e), arrayFilter(e -> isNotNull(e), arrayMap(e -> ",
				read(n.typ.elem(), "e"), ", ", rows, ")))")
		}
	}
	return x
}

func (w *sqlWriter) has(n *node) svalue {
	c := w.column(n)
	v := svalue{typ: Bool}
	switch t := n.of; {
	case c.Value != "" && t.isList():
		v.s = w.text("notEmpty(", c.Value, ")")
	case c.Value != "":
		v.s = w.text("isNotNull(", c.Value, ")")
	case c.Rows != "":
		v.s = w.text("isNotNull(", read(Int, w.answer(Column{}, c.Rows)), ")")
	case t.isList():
		v.s = w.text("notEmpty(answers[", w.quote(c.Key), "])")
	default:
		v.s = w.text("isNotNull(", read(t, w.answer(c, c.Key)), ")")
	}
	return v
}

func (w *sqlWriter) conditional(n *node, c, x, y svalue) svalue {
	z := svalue{typ: n.typ}
	if n.typ.isList() {
		sure := c.s
		if c.null {
			sure = w.text("ifNull(", c.s, ", 0)")
			z.defined = w.text("isNotNull(", c.s, ")")
		}
		z.s = w.text("if(", sure, ", ", x.s, ", ", y.s, ")")
		if x.defined != "" || y.defined != "" {
			z.defined = w.both(z.defined, w.text("if(", sure, ", ", orOne(x.defined), ", ", orOne(y.defined), ")"))
		}
		return z
	}
	z.null = c.null || x.null || y.null
	if c.null {
		z.s = w.text("multiIf(isNull(", c.s, "), NULL, ", c.s, ", ", x.s, ", ", y.s, ")")
	} else {
		z.s = w.text("if(", c.s, ", ", x.s, ", ", y.s, ")")
	}
	return z
}

func orOne(cond string) string {
	if cond == "" {
		return "1"
	}
	return cond
}

func (w *sqlWriter) listLiteral(n *node, args []svalue) svalue {
	z := svalue{typ: n.typ}
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.s
		if a.null {
			parts[i] = w.text("assumeNotNull(", a.s, ")")
			z.defined = w.both(z.defined, w.text("isNotNull(", a.s, ")"))
		}
	}
	z.s = w.text("CAST([", strings.Join(parts, ", "), "], 'Array(", sqlType(n.typ.elem()), ")')")
	return z
}

func (w *sqlWriter) in(x, list svalue) svalue {
	z := svalue{typ: Bool, null: x.null || list.defined != ""}
	cond := list.defined
	value := x.s
	if x.null {
		cond = w.both(cond, w.text("isNotNull(", x.s, ")"))
		value = w.text("assumeNotNull(", x.s, ")")
	}
	z.s = w.when(cond, w.text("arrayExists(e -> e = ", value, ", ", list.s, ")"))
	return z
}

func (w *sqlWriter) convert(n *node, x svalue) svalue {
	z := x
	z.typ = n.typ
	switch {
	case x.typ == n.typ:
	case n.op == opDouble && x.typ == Int:
		z.s = w.text("toFloat64(", x.s, ")")
	case n.op == opInt && x.typ == Double:
		z.null = true
		z.s = w.text("if(", x.s, " > -9223372036854775808., accurateCastOrNull(trunc(", x.s, "), 'Int64'), NULL)")
	case n.op == opInt:
		z.null = true
		z.s = w.text("if(match(", x.s, ", '^[+-]?[0-9]+$'), toInt64OrNull(", x.s, "), NULL)")
	case n.op == opString && x.typ == Int:
		z.s = w.text("toString(", x.s, ")")
	case n.op == opString && x.typ == Bool && x.null:
		z.s = w.text("multiIf(isNull(", x.s, "), NULL, ", x.s, ", 'true', 'false')")
	case n.op == opString && x.typ == Bool:
		z.s = w.text("if(", x.s, ", 'true', 'false')")
	case n.op == opString:
		return w.refuse(n, "SQL writes a double in another way")
	default:
		return w.refuse(n, "SQL reads doubles from texts in another way")
	}
	return z
}

// macro writes a macro as a function of arrays.
func (w *sqlWriter) macro(n *node) svalue {
	list := w.write(n.args[0])
	name := "e" + strconv.Itoa(n.slot)
	w.locals = append(w.locals, svalue{typ: list.typ.elem(), s: name})
	p := w.write(n.args[1])
	w.locals = w.locals[:n.slot]
	if w.err != nil {
		return svalue{}
	}
	over := func(f, body string) string { return w.text(f, "(", name, " -> ", body, ", ", list.s, ")") }
	sure, unknown := p.s, ""
	if p.null {
		unknown = over("arrayExists", w.text("isNull(", p.s, ")"))
		sure = w.text("ifNull(", p.s, ", 0)")
	}
	all := list.defined // and every element gave a value
	if p.null {
		all = w.both(all, w.text("NOT ", unknown))
	}
	z := svalue{typ: n.typ, null: all != ""}
	switch n.op {
	case opExists:
		z.s = over("arrayExists", sure)
		if p.null {
			z.s = w.text("multiIf(", z.s, ", 1, ", unknown, ", NULL, 0)")
		}
		z.s = w.when(list.defined, z.s)
	case opAll:
		z.s = over("arrayAll", sure)
		if p.null {
			no := over("arrayExists", w.text("NOT ifNull(", p.s, ", 1)"))
			z.s = w.text("multiIf(", no, ", 0, ", unknown, ", NULL, 1)")
		}
		z.s = w.when(list.defined, z.s)
	case opExistsOne:
		z.s = w.when(all, w.text("(", over("arrayCount", sure), " = 1)"))
	case opFilter:
		z.s, z.null, z.defined = over("arrayFilter", sure), false, all
	default:
		body := p.s
		if p.null {
			body = w.text("assumeNotNull(", p.s, ")")
		}
		z.s, z.null, z.defined = over("arrayMap", body), false, all
	}
	return z
}
