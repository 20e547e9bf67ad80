package expr

import (
	"math"
	"strconv"
	"strings"
)

// MaxWritten is how long a text written from an expression may be, in bytes.
const MaxWritten = 64 << 10

// Place says how an ODK form spells a variable.
type Place struct {
	// Path leads to the answer, such as "/data/age" or "." for the item itself. It must
	// begin with / or ${ to be used for the elements of a roster's list.
	Path string
	// Count is the path of the number of rows, for a list that holds an item of a roster;
	// Path then leads to that item in all rows. Other lists are the chosen options, parted
	// by spaces.
	Count string
	// Code says that a string is the code of an option, so that it has no spaces.
	Code bool
	// Date says that a string is a day, YYYY-MM-DD, so that it can be compared.
	Date bool
	// Ordered says that the order of chosen options is that of the answer, as in a ranking.
	Ordered bool
	// Options are the codes of a list of chosen options, which macros need.
	Options []string
	// Most is the greatest absolute value of a number; 0 stands for 15 digits.
	Most int64
}

// XPathText is an expression in XPath 1.0 with the functions of ODK forms: if, int,
// selected, count-selected, selected-at, date, ends-with.
type XPathText struct {
	// Value is the value, and the empty string when there is none; a bool is 'true' or
	// 'false'. A bool answer is kept in the same way.
	Value string
	// True and False are conditions that hold exactly when a bool is true, and when it is
	// false; neither does when it has no value. Relevance is True, a constraint that does
	// not complain about missing answers is not(False).
	True, False string
}

// XPath writes a program as XPath, in which an empty answer is no value. What XPath
// cannot say exactly is an *Error at its place: whole numbers beyond 2^53 (a sum or
// product of answers that can leave them too), the order of texts other than dates,
// numbers read from texts, decimals written as texts, and elements or comparisons of
// lists whose order a form does not keep. Characters beyond U+FFFF count as two in
// clients that are built on Java or JavaScript.
func XPath(p *Program, places func(name string) (Place, bool)) (XPathText, error) {
	w := &xpathWriter{places: places, m: machine{src: p.src, steps: MaxSteps}}
	x := w.write(p.root)
	if w.err == nil && x.list != nil {
		w.refuse(p.root, "a list is no value of an ODK form; use size, in or a macro")
	}
	if w.err != nil {
		return XPathText{}, w.err
	}
	if x.typ != Bool {
		return XPathText{Value: w.or0(x, p.root)}, w.error()
	}
	otherwise := xString("false")
	if x.defined.s != xTrue.s {
		otherwise = w.call("if", x.no, xString("false"), xString(""))
	}
	text := XPathText{Value: w.call("if", x.yes, xString("true"), otherwise).s, True: x.yes.s, False: x.no.s}
	return text, w.error()
}

// xtext is XPath with the tightness of its outermost operator.
type xtext struct {
	s     string
	tight int
}

// How tight the operators of XPath bind.
const (
	tightOr = iota
	tightAnd
	tightEqual
	tightLess
	tightAdd
	tightMul
	tightMinus
	tightest
)

var xTrue, xFalse = xtext{"true()", tightest}, xtext{"false()", tightest}

// xvalue is what is written for a node.
type xvalue struct {
	typ     Type
	text    xtext // of a value that is neither bool nor list
	yes, no xtext // of a bool: is it true, is it false
	defined xtext // has it a value
	list    *xlist
	lit     *Value
	// blank says that text is NaN or empty when there is no value, so that most
	// comparisons fail by themselves.
	blank      bool
	node       bool // text is a path
	code, date bool
	most       float64 // the greatest absolute value of a number
	depth      int     // the predicate whose node the element is; 0 for none
}

// xlist is what is written for a list: nodes, chosen options, or elements one by one.
type xlist struct {
	nodes   string // a path
	chosen  string // the path of options parted by spaces
	ordered bool
	elem    xvalue // of nodes
	elems   []xelem
	single  bool // elems says everything
}

// xelem is an element that a list may hold.
type xelem struct {
	xvalue
	in xtext // does it hold it
}

type xpathWriter struct {
	places func(string) (Place, bool)
	locals []xvalue
	depth  int // of predicates
	m      machine
	err    *Error
}

func (w *xpathWriter) error() error {
	if w.err == nil {
		return nil
	}
	return w.err
}

// refuse keeps the first reason why the program cannot be written.
func (w *xpathWriter) refuse(n *node, msg string) xvalue {
	if w.err == nil {
		w.err = errorAt(w.m.src, n.pos, nil, msg)
	}
	return xvalue{}
}

func (w *xpathWriter) sized(s string, tight int) xtext {
	if len(s) > MaxWritten && w.err == nil {
		w.err = errorAt(w.m.src, 0, ErrLimit, "the XPath would take more than "+strconv.Itoa(MaxWritten)+" bytes")
	}
	if w.err != nil {
		return xtext{}
	}
	return xtext{s, tight}
}

// within brackets x unless it binds at least so tightly.
func within(x xtext, tight int) string {
	if x.tight < tight {
		return "(" + x.s + ")"
	}
	return x.s
}

func (w *xpathWriter) infix(op string, tight int, x, y xtext) xtext {
	return w.sized(within(x, tight)+" "+op+" "+within(y, tight+1), tight)
}

func (w *xpathWriter) call(f string, args ...xtext) xtext {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.s
	}
	return w.sized(f+"("+strings.Join(parts, ", ")+")", tightest)
}

// and joins conditions; those that always hold are left out.
func (w *xpathWriter) and(xs ...xtext) xtext { return w.chain("and", tightAnd, xTrue, xFalse, xs) }
func (w *xpathWriter) or(xs ...xtext) xtext  { return w.chain("or", tightOr, xFalse, xTrue, xs) }

func (w *xpathWriter) chain(op string, tight int, idle, deciding xtext, xs []xtext) xtext {
	var parts []string
	seen := map[string]bool{}
	last := idle
	for _, x := range xs {
		switch {
		case x.s == deciding.s:
			return deciding
		case x.s == idle.s || seen[x.s]:
			continue
		}
		seen[x.s] = true
		last = x
		parts = append(parts, within(x, tight))
	}
	if len(parts) < 2 {
		return last
	}
	return w.sized(strings.Join(parts, " "+op+" "), tight)
}

func (w *xpathWriter) not(x xtext) xtext {
	switch {
	case x.s == xTrue.s:
		return xFalse
	case x.s == xFalse.s:
		return xTrue
	}
	return w.call("not", x)
}

// condition is a bool that is x where it is defined.
func (w *xpathWriter) condition(defined, x xtext) xvalue {
	return xvalue{typ: Bool, yes: w.and(defined, x), no: w.and(defined, w.not(x)), defined: defined}
}

// or0 is a value, or the empty string where there is none.
func (w *xpathWriter) or0(x xvalue, n *node) string {
	if x.defined.s == xTrue.s || n.op == opVar {
		return x.text.s
	}
	return w.call("if", x.defined, x.text, xString("")).s
}

// xString quotes a string. XPath has no escapes, so one with both quotes is joined.
func xString(s string) xtext {
	switch {
	case !strings.Contains(s, "'"):
		return xtext{"'" + s + "'", tightest}
	case !strings.Contains(s, `"`):
		return xtext{`"` + s + `"`, tightest}
	}
	return xtext{"concat('" + strings.ReplaceAll(s, "'", `', "'", '`) + "')", tightest}
}

// exact is the greatest whole number up to which XPath, which computes with doubles,
// is exact.
const exact = 1 << 53

// literal writes a value.
func (w *xpathWriter) literal(n *node, v Value) xvalue {
	x := xvalue{typ: v.typ, defined: xTrue, lit: &v}
	switch v.typ {
	case Bool:
		x.yes, x.no = xTrue, xFalse
		if !v.Bool() {
			x.yes, x.no = xFalse, xTrue
		}
	case Int:
		x.most = math.Abs(float64(v.Int()))
		if v.Int() > exact || v.Int() < -exact {
			return w.refuse(n, "XPath keeps whole numbers up to 2^53 only")
		}
		x.text = number(strconv.FormatInt(v.Int(), 10))
	case Double:
		x.text, x.most = xDouble(v.Double()), math.Abs(v.Double())
	case String:
		if strings.ContainsFunc(v.str, notXML) {
			return w.refuse(n, "the text holds a character that a form cannot")
		}
		x.text, x.date = xString(v.str), isDay(v.str)
	default:
		x.list = &xlist{single: true}
		for _, e := range v.list {
			x.list.elems = append(x.list.elems, xelem{w.literal(n, e), xTrue})
		}
	}
	return x
}

// notXML reports characters that XML does not have, or changes.
func notXML(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF
}

func number(s string) xtext {
	if s[0] == '-' {
		return xtext{s, tightMinus}
	}
	return xtext{s, tightest}
}

// xDouble writes a double; XPath has no exponents, and no words for what is no number.
func xDouble(f float64) xtext {
	switch {
	case math.IsNaN(f):
		return xtext{"0 div 0", tightMul}
	case math.IsInf(f, 1):
		return xtext{"1 div 0", tightMul}
	case math.IsInf(f, -1):
		return xtext{"-1 div 0", tightMul}
	}
	return number(strconv.FormatFloat(f, 'f', -1, 64))
}

// isDay reports whether s is a day of the calendar, YYYY-MM-DD.
func isDay(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	y, m, d := 0, 0, 0
	for i, part := range []*int{&y, &y, &y, &y, nil, &m, &m, nil, &d, &d} {
		if part != nil {
			if !isDigit(s[i]) {
				return false
			}
			*part = *part*10 + int(s[i]-'0')
		}
	}
	if m < 1 || m > 12 || y < 1 {
		return false
	}
	days := [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m-1]
	if m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		days++
	}
	return d >= 1 && d <= days
}

// constant reports whether no answer and no element from around plays a part.
func (w *xpathWriter) constant(n *node) bool { return constant(n, len(w.locals)) }

func constant(n *node, around int) bool {
	is := true
	n.walk(func(n *node) {
		if n.op == opVar || n.op == opHas || n.op == opLocal && n.slot < around {
			is = false
		}
	})
	return is
}

// fold computes a constant; without a value it is nil.
func fold(m *machine, n *node, around int) (*Value, *Error) {
	m.locals = make([]Value, around)
	v, err := m.eval(n)
	if err != nil {
		if final(err) {
			return nil, err.(*Error)
		}
		return nil, nil
	}
	v.typ = n.typ
	return &v, nil
}

// write writes a node.
func (w *xpathWriter) write(n *node) xvalue {
	if w.err != nil {
		return xvalue{}
	}
	if w.constant(n) {
		v, err := fold(&w.m, n, len(w.locals))
		switch {
		case err != nil:
			w.err = err
			return xvalue{}
		case v == nil:
			return w.refuse(n, "this never has a value")
		}
		return w.literal(n, *v)
	}
	switch n.op {
	case opVar:
		return w.variable(n)
	case opHas:
		p := w.place(n)
		if p.Count != "" {
			p.Path = p.Count
		}
		return w.condition(xTrue, notEmpty(p.Path))
	case opLocal:
		x := w.locals[n.slot]
		if x.depth != 0 && x.depth != w.depth {
			return w.refuse(n, "XPath cannot name the element of the outer list inside the inner one")
		}
		return x
	case opAnd, opOr:
		return w.logic(n)
	case opList:
		return w.listLiteral(n)
	case opAll, opExists, opExistsOne, opFilter, opMap:
		return w.macro(n)
	case opIn:
		return w.in(n)
	}
	args := make([]xvalue, len(n.args))
	for i, a := range n.args {
		args[i] = w.write(a)
	}
	if w.err != nil {
		return xvalue{}
	}
	return w.apply(n, args)
}

// apply writes an operator or function between its operands.
func (w *xpathWriter) apply(n *node, args []xvalue) xvalue {
	switch n.op {
	case opNot:
		return xvalue{typ: Bool, yes: args[0].no, no: args[0].yes, defined: args[0].defined}
	case opCond:
		return w.conditional(n, args[0], args[1], args[2])
	case opEq, opNe, opLt, opLe, opGt, opGe:
		return w.compare(n, n.op, args[0], args[1])
	case opIndex:
		return w.index(n, args[0], args[1])
	case opSize:
		return w.size(n, args[0])
	case opInt, opDouble, opString:
		return w.convert(n, args[0])
	case opContains, opStartsWith, opEndsWith:
		return w.search(n, args[0], args[1])
	case opNeg:
		x := args[0]
		x.text = w.sized("-"+within(x.text, tightest), tightMinus)
		x.lit, x.node = nil, false
		return x
	}
	return w.arithmetic(n, args[0], args[1])
}

func notEmpty(path string) xtext { return xtext{path + " != ''", tightEqual} }

// place asks how a variable is spelled.
func (w *xpathWriter) place(n *node) Place {
	p, ok := w.places(n.text)
	switch {
	case !ok:
		w.refuse(n, "the form has no place for "+n.text)
	case w.depth > 0 && !strings.HasPrefix(p.Path, "/") && !strings.HasPrefix(p.Path, "${"):
		w.refuse(n, n.text+" is spelled "+p.Path+" here, which means something else beside the elements of a list")
	}
	return p
}

func (w *xpathWriter) variable(n *node) xvalue {
	p := w.place(n)
	most := float64(p.Most)
	if p.Most == 0 {
		most = 1e15 - 1
	}
	x := xvalue{typ: n.typ, text: xtext{p.Path, tightest}, defined: notEmpty(p.Path), blank: true, node: true,
		code: p.Code, date: p.Date, most: most}
	switch {
	case n.typ == Bool:
		x.yes, x.no = truth(p.Path)
		return x
	case !n.typ.isList():
		return x
	case p.Count != "":
		elem := x
		elem.typ, elem.text, elem.defined = n.typ.elem(), xtext{".", tightest}, xTrue
		elem.yes, elem.no = truth(".")
		return xvalue{typ: n.typ, defined: notEmpty(p.Count), list: &xlist{nodes: p.Path + "[. != '']", elem: elem}}
	case n.typ != Strings:
		return w.refuse(n, "a list of "+n.typ.elem().String()+" is no answer of an ODK form")
	}
	l := &xlist{chosen: p.Path, ordered: p.Ordered}
	for _, code := range p.Options {
		l.elems = append(l.elems, xelem{w.literal(n, StringValue(code)), w.call("selected", xtext{p.Path, tightest}, xString(code))})
	}
	return xvalue{typ: n.typ, defined: x.defined, list: l}
}

func truth(path string) (yes, no xtext) {
	return xtext{path + " = 'true'", tightEqual}, xtext{path + " = 'false'", tightEqual}
}

// logic writes && and ||: one operand that decides is enough, all others must not.
func (w *xpathWriter) logic(n *node) xvalue {
	var yes, no []xtext
	defined := true
	for _, a := range n.args {
		x := w.write(a)
		yes, no = append(yes, x.yes), append(no, x.no)
		defined = defined && x.defined.s == xTrue.s
	}
	x := xvalue{typ: Bool}
	if n.op == opAnd {
		x.yes, x.no = w.and(yes...), w.or(no...)
	} else {
		x.yes, x.no = w.or(yes...), w.and(no...)
	}
	x.defined = xTrue
	if !defined {
		x.defined = w.or(x.yes, x.no)
	}
	return x
}

func (w *xpathWriter) conditional(n *node, c, x, y xvalue) xvalue {
	if n.typ.isList() {
		return w.refuse(n, "XPath cannot choose between lists; put the condition around what uses them")
	}
	z := xvalue{typ: n.typ, most: max(x.most, y.most), code: x.code && y.code, date: x.date && y.date}
	z.defined = w.or(w.and(c.yes, x.defined), w.and(c.no, y.defined))
	if x.defined.s == xTrue.s && y.defined.s == xTrue.s {
		z.defined = c.defined
	}
	if n.typ == Bool {
		z.yes = w.or(w.and(c.yes, x.yes), w.and(c.no, y.yes))
		z.no = w.or(w.and(c.yes, x.no), w.and(c.no, y.no))
		return z
	}
	z.text = w.call("if", c.yes, x.text, y.text)
	return z
}

// xops are the comparisons, and those that hold when they do not.
var xops = map[op][2]string{opEq: {"=", "!="}, opNe: {"!=", "="}, opLt: {"<", ">="}, opLe: {"<=", ">"},
	opGt: {">", "<="}, opGe: {">=", "<"}}

// compare writes the comparison of two values.
func (w *xpathWriter) compare(n *node, o op, x, y xvalue) xvalue {
	switch {
	case x.list != nil || y.list != nil:
		return w.refuse(n, "XPath cannot compare lists; use size, in or a macro")
	case x.lit != nil && y.lit != nil:
		v, _ := w.m.binary(&node{op: o}, *x.lit, *y.lit)
		return w.literal(n, v)
	case x.typ == Bool:
		return w.compareBools(o, x, y)
	case x.typ == String && o != opEq && o != opNe:
		if !x.date || !y.date {
			return w.refuse(n, "XPath orders numbers and dates, not texts")
		}
		x.text, y.text = w.call("date", x.text), w.call("date", y.text)
		x.blank, y.blank = false, false
	}
	if x.typ != String && x.node && y.node { // or their texts are compared
		x.text = w.call("number", x.text)
	}
	defined := w.and(x.defined, y.defined)
	tight := tightLess
	if o == opEq || o == opNe {
		tight = tightEqual
	}
	holds := func(op string, either bool) xtext {
		cond := w.infix(op, tight, x.text, y.text)
		if op != "!=" && either && fails(x, y) && fails(y, x) {
			return cond
		}
		return w.and(defined, cond)
	}
	z := xvalue{typ: Bool, defined: defined, yes: holds(xops[o][0], true)}
	if x.typ == Double { // of which there are some that are no number
		z.no = w.and(defined, w.not(w.infix(xops[o][0], tight, x.text, y.text)))
	} else {
		z.no = holds(xops[o][1], true)
	}
	return z
}

// fails reports whether any comparison but != of x with y is false when x has no value.
func fails(x, y xvalue) bool {
	switch {
	case x.defined.s == xTrue.s:
		return true
	case x.typ == String:
		return x.blank && y.lit != nil && y.lit.str != ""
	}
	return x.blank
}

func (w *xpathWriter) compareBools(o op, x, y xvalue) xvalue {
	both := w.and(x.defined, y.defined)
	less, equal := w.and(x.no, y.yes), w.or(w.and(x.yes, y.yes), w.and(x.no, y.no))
	more := w.and(x.yes, y.no)
	z := xvalue{typ: Bool, defined: both}
	switch o {
	case opEq:
		z.yes, z.no = equal, w.or(less, more)
	case opNe:
		z.yes, z.no = w.or(less, more), equal
	case opLt:
		z.yes, z.no = less, w.or(equal, more)
	case opLe:
		z.yes, z.no = w.or(less, equal), more
	case opGt:
		z.yes, z.no = more, w.or(less, equal)
	default:
		z.yes, z.no = w.or(more, equal), less
	}
	return z
}

func (w *xpathWriter) arithmetic(n *node, x, y xvalue) xvalue {
	z := xvalue{typ: n.typ, defined: w.and(x.defined, y.defined)}
	if n.op == opAdd && n.typ.isList() {
		if !x.list.single || !y.list.single {
			return w.refuse(n, "XPath cannot join lists of answers")
		}
		z.list = &xlist{single: true, elems: append(append([]xelem(nil), x.list.elems...), y.list.elems...)}
		return z
	}
	if n.typ == String {
		z.text = w.call("concat", x.text, y.text)
		return z
	}
	z.blank = (x.blank || x.defined.s == xTrue.s) && (y.blank || y.defined.s == xTrue.s)
	switch n.op {
	case opAdd, opSub:
		z.text, z.most = w.infix(n.text, tightAdd, x.text, y.text), x.most+y.most
	case opMul:
		z.text, z.most = w.infix("*", tightMul, x.text, y.text), x.most*y.most
	case opRem:
		z.text, z.most = w.infix("mod", tightMul, x.text, y.text), min(x.most, y.most)
	default:
		z.text, z.most = w.infix("div", tightMul, x.text, y.text), x.most
	}
	if n.typ == Double {
		z.most = math.Inf(1)
		return z
	}
	if n.op == opDiv || n.op == opRem {
		if y.lit == nil {
			z.defined = w.and(z.defined, w.infix("!=", tightEqual, y.text, xtext{"0", tightest}))
			z.blank = z.blank && n.op == opRem
		} else if y.lit.Int() == 0 {
			return w.refuse(n, "division by zero")
		}
	}
	if n.op == opDiv {
		z.text = w.call("int", z.text)
	}
	if max(x.most, y.most, z.most) > exact {
		return w.refuse(n, "the result may leave the whole numbers that XPath computes exactly, up to 2^53")
	}
	return z
}

func (w *xpathWriter) convert(n *node, x xvalue) xvalue {
	z := x
	z.typ, z.lit = n.typ, nil
	switch {
	case x.typ == n.typ:
		return x
	case n.op == opDouble && x.typ == Int:
		return z
	case n.op == opInt && x.typ == Double:
		limit := xtext{"9223372036854775808", tightest}
		if x.most > exact {
			z.defined = w.and(x.defined, w.infix("<", tightLess, x.text, limit),
				w.infix(">", tightLess, x.text, xtext{"-" + limit.s, tightMinus}))
			z.blank, z.most = false, math.MaxInt64
		}
		z.node = false
		z.text = w.call("int", x.text)
		return z
	case n.op == opString && x.typ == Bool:
		z.text = w.call("if", x.yes, xString("true"), xString("false"))
		z.blank, z.node, z.code = false, false, true
		return z
	case n.op == opString && x.typ == Int && x.most <= exact:
		z.text = w.call("string", x.text)
		z.blank, z.node, z.code = false, false, true
		return z
	case n.op == opString:
		return w.refuse(n, "XPath writes such a number in another way")
	}
	return w.refuse(n, "XPath reads numbers from texts in another way; compare the text")
}

var xsearches = map[op]string{opContains: "contains", opStartsWith: "starts-with", opEndsWith: "ends-with"}

func (w *xpathWriter) search(n *node, x, y xvalue) xvalue {
	return w.condition(w.and(x.defined, y.defined), w.call(xsearches[n.op], x.text, y.text))
}

func (w *xpathWriter) size(n *node, x xvalue) xvalue {
	z := xvalue{typ: Int, defined: x.defined, most: MaxValueSize}
	switch l := x.list; {
	case l == nil:
		z.text = w.call("string-length", x.text)
	case l.nodes != "":
		z.text = w.call("count", xtext{l.nodes, tightest})
	case l.chosen != "":
		z.text = w.call("count-selected", xtext{l.chosen, tightest})
	default:
		z.text = w.count(l.elems, func(xelem) xtext { return xTrue })
	}
	return z
}

// count adds up the elements for which a condition holds.
func (w *xpathWriter) count(elems []xelem, holds func(xelem) xtext) xtext {
	sure := 0
	sum := xtext{}
	for _, e := range elems {
		switch c := w.and(e.in, holds(e)); {
		case c.s == xTrue.s:
			sure++
		case c.s == xFalse.s:
		default:
			one := w.call("if", c, xtext{"1", tightest}, xtext{"0", tightest})
			if sum.s == "" {
				sum = one
			} else {
				sum = w.infix("+", tightAdd, sum, one)
			}
		}
	}
	switch {
	case sum.s == "":
		return xtext{strconv.Itoa(sure), tightest}
	case sure == 0:
		return sum
	}
	return w.infix("+", tightAdd, sum, xtext{strconv.Itoa(sure), tightest})
}

func (w *xpathWriter) index(n *node, of, at xvalue) xvalue {
	l := of.list
	switch {
	case l.chosen != "" && l.ordered:
		chosen := xtext{l.chosen, tightest}
		return xvalue{typ: String, code: true, text: w.call("selected-at", chosen, at.text),
			defined: w.and(of.defined, at.defined, w.infix(">=", tightLess, at.text, xtext{"0", tightest}),
				w.infix(">", tightLess, w.call("count-selected", chosen), at.text))}
	case l.single && at.lit != nil && plain(l.elems):
		if i := at.lit.Int(); i >= 0 && i < int64(len(l.elems)) {
			x := l.elems[i].xvalue
			x.defined = w.and(x.defined, of.defined)
			x.blank, x.lit = false, nil
			x.yes, x.no = w.and(of.defined, x.yes), w.and(of.defined, x.no)
			return x
		}
	}
	return w.refuse(n, "an ODK form does not keep the order of this list; use in or a macro")
}

// plain reports whether a list holds all these elements always.
func plain(elems []xelem) bool {
	for _, e := range elems {
		if e.in.s != xTrue.s {
			return false
		}
	}
	return true
}

func (w *xpathWriter) listLiteral(n *node) xvalue {
	z := xvalue{typ: n.typ, defined: xTrue, list: &xlist{single: true}}
	for _, a := range n.args {
		x := w.write(a)
		z.defined = w.and(z.defined, x.defined)
		z.list.elems = append(z.list.elems, xelem{x, xTrue})
	}
	return z
}

func (w *xpathWriter) in(n *node) xvalue {
	list := w.write(n.args[1])
	if w.err != nil {
		return xvalue{}
	}
	if list.list.nodes != "" {
		w.depth++
		x := w.write(n.args[0])
		same := w.compare(n, opEq, list.list.elem, x)
		w.depth--
		return w.condition(w.and(list.defined, x.defined), w.some(list.list, same.yes))
	}
	x := w.write(n.args[0])
	if w.err != nil {
		return xvalue{}
	}
	defined := w.and(list.defined, x.defined)
	if path := list.list.chosen; path != "" {
		if !x.code && (x.lit == nil || !isCode(x.lit.str)) {
			return w.refuse(n, "only the code of an option can be looked for among the chosen ones")
		}
		return w.condition(defined, w.call("selected", xtext{path, tightest}, x.text))
	}
	var any []xtext
	for _, e := range list.list.elems {
		any = append(any, w.and(e.in, w.compare(n, opEq, x, e.xvalue).yes))
	}
	return w.condition(defined, w.or(any...))
}

// isCode reports whether a text can be the code of an option.
func isCode(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) && s[i] != '-' {
			return false
		}
	}
	return s != ""
}

// some is the condition that some node fulfils a condition.
func (w *xpathWriter) some(l *xlist, cond xtext) xtext {
	if cond.s == xFalse.s {
		return xFalse
	}
	return w.infix(">", tightLess, w.call("count", w.where(l, cond)), xtext{"0", tightest})
}

// where are the nodes that fulfil a condition.
func (w *xpathWriter) where(l *xlist, cond xtext) xtext {
	if cond.s == xTrue.s {
		return xtext{l.nodes, tightest}
	}
	return w.sized(l.nodes+"["+cond.s+"]", tightest)
}

// macro writes a macro: over nodes with predicates, else element by element.
func (w *xpathWriter) macro(n *node) xvalue {
	list := w.write(n.args[0])
	if w.err != nil {
		return xvalue{}
	}
	if list.list.nodes != "" {
		return w.overNodes(n, list)
	}
	if list.list.chosen != "" && len(list.list.elems) == 0 {
		return w.refuse(n, "a macro over chosen options needs the list of all options")
	}
	bodies := make([]xvalue, len(list.list.elems))
	for i, e := range list.list.elems {
		e.defined = xTrue // or the list has no value
		bodies[i] = w.body(n, e.xvalue)
	}
	return w.overElements(n, list, bodies)
}

// body writes what a macro does with an element.
func (w *xpathWriter) body(n *node, element xvalue) xvalue {
	w.locals = append(w.locals, element)
	x := w.write(n.args[1])
	w.locals = w.locals[:n.slot]
	return x
}

func (w *xpathWriter) overNodes(n *node, list xvalue) xvalue {
	l := list.list
	if n.op == opMap {
		return w.refuse(n, "XPath cannot compute a list; put the computation into the condition of exists, all or filter")
	}
	w.depth++
	element := l.elem
	element.depth = w.depth
	p := w.body(n, element)
	w.depth--
	if w.err != nil {
		return xvalue{}
	}
	all := w.and(list.defined, w.not(w.some(l, w.not(p.defined))))
	z := xvalue{typ: Bool, defined: all}
	switch n.op {
	case opExists:
		z.yes, z.no = w.and(list.defined, w.some(l, p.yes)), w.and(list.defined, w.not(w.some(l, w.not(p.no))))
	case opAll:
		z.yes, z.no = w.and(list.defined, w.not(w.some(l, w.not(p.yes)))), w.and(list.defined, w.some(l, p.no))
	case opExistsOne:
		return w.condition(all, w.infix("=", tightEqual, w.call("count", w.where(l, p.yes)), xtext{"1", tightest}))
	default:
		filtered := *l
		filtered.nodes = w.where(l, p.yes).s
		return xvalue{typ: n.typ, defined: all, list: &filtered}
	}
	if all.s != list.defined.s {
		z.defined = w.or(z.yes, z.no)
	}
	return z
}

func (w *xpathWriter) overElements(n *node, list xvalue, bodies []xvalue) xvalue {
	all := list.defined
	var yes, no []xtext
	kept := &xlist{single: true}
	for i, e := range list.list.elems {
		p := bodies[i]
		out := w.not(e.in)
		all = w.and(all, w.or(out, p.defined))
		switch n.op {
		case opExists:
			yes, no = append(yes, w.and(e.in, p.yes)), append(no, w.or(out, p.no))
		case opAll:
			yes, no = append(yes, w.or(out, p.yes)), append(no, w.and(e.in, p.no))
		case opFilter:
			e.in = w.and(e.in, p.yes)
			kept.elems = append(kept.elems, e)
		case opMap:
			kept.elems = append(kept.elems, xelem{p, e.in})
		}
	}
	switch n.op {
	case opFilter, opMap:
		return xvalue{typ: n.typ, defined: all, list: kept}
	case opExistsOne:
		i := -1
		ones := w.count(list.list.elems, func(xelem) xtext { i++; return bodies[i].yes })
		return w.condition(all, w.infix("=", tightEqual, ones, xtext{"1", tightest}))
	}
	z := xvalue{typ: Bool}
	if n.op == opExists {
		z.yes, z.no = w.and(list.defined, w.or(yes...)), w.and(append(no, list.defined)...)
	} else {
		z.yes, z.no = w.and(append(yes, list.defined)...), w.and(list.defined, w.or(no...))
	}
	z.defined = w.or(z.yes, z.no)
	if all.s == xTrue.s {
		z.defined = xTrue
	}
	return z
}
