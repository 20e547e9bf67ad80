package xlsform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
)

// A translator turns XPath into our expressions, with the same results for missing
// answers too: in XPath a comparison with a missing answer is false (or true with !=),
// in ours the expression has no value then. Where that would differ, has(…) is asked.
type translator struct {
	env expr.Env
	// ids are the item IDs by the names of the form, lower(ID) by ID for items in use.
	ids map[string]string
	// items are the items by ID, for their options.
	items map[string]*surveys.Item
	// code gives the option code that a choice of the form became, for an item.
	code func(item, choice string) string
	// self is the item whose answer "." is; empty when there is none.
	self string
}

// What an expression without a value counts as where it stands.
type missing int

const (
	countsFalse missing = iota // a condition that is not met
	countsTrue                 // a constraint that is kept
	mustNot                    // it must have a value always
)

func (m missing) flipped() missing {
	switch m {
	case countsFalse:
		return countsTrue
	case countsTrue:
		return countsFalse
	}
	return m
}

// A cel is a piece of an expression: its source, type, how tightly its operator binds,
// and the answers without which it has no value.
type cel struct {
	src   string
	typ   expr.Type
	bind  int
	needs []string
}

// How tightly operators bind.
const (
	bindCond = iota + 1
	bindOr
	bindAnd
	bindCompare
	bindAdd
	bindMul
	bindUnary
	bindValue
)

// within puts a piece into parentheses where its operator binds less than bind.
func (c cel) within(bind int) string {
	if c.bind < bind {
		return "(" + c.src + ")"
	}
	return c.src
}

// condition translates an expression that is true or false.
func (t *translator) condition(src string, m missing) (string, error) {
	n, err := parseXPath(src)
	if err != nil {
		return "", err
	}
	c, err := t.boolean(n, m)
	if err != nil {
		return "", err
	}
	return c.src, t.check(c.src)
}

// calculation translates an expression that gives a value.
func (t *translator) calculation(src string) (string, error) {
	n, err := parseXPath(src)
	if err != nil {
		return "", err
	}
	c, err := t.value(n)
	if err != nil {
		return "", err
	}
	return c.src, t.check(c.src)
}

// check compiles what was translated: a mistake of types is the author's.
func (t *translator) check(src string) error {
	_, err := expr.Compile(src, t.env)
	var e *expr.Error
	if errors.As(err, &e) {
		return errors.New(e.Msg)
	}
	return err
}

func (t *translator) boolean(n *xnode, m missing) (cel, error) {
	switch n.op {
	case "(":
		return t.boolean(n.args[0], m)
	case "and", "or":
		sign, bind := " && ", bindAnd
		if n.op == "or" {
			sign, bind = " || ", bindOr
		}
		parts := make([]string, len(n.args))
		for i, a := range n.args {
			c, err := t.boolean(a, m)
			if err != nil {
				return cel{}, err
			}
			parts[i] = c.within(bind)
		}
		return cel{src: strings.Join(parts, sign), typ: expr.Bool, bind: bind}, nil
	case "=", "!=", "<", "<=", ">", ">=":
		return t.comparison(n, m)
	case xCall:
		switch {
		case n.text == "not" && len(n.args) == 1:
			c, err := t.boolean(n.args[0], m.flipped())
			return cel{src: "!" + c.within(bindValue), typ: expr.Bool, bind: bindUnary}, err
		case n.text == "boolean" && len(n.args) == 1:
			return t.boolean(n.args[0], m)
		case (n.text == "true" || n.text == "false") && len(n.args) == 0:
			return cel{src: n.text, typ: expr.Bool, bind: bindValue}, nil
		case n.text == "if" && len(n.args) == 3:
			return t.conditional(n, func(n *xnode) (cel, error) { return t.boolean(n, m) })
		case n.text == "selected" && len(n.args) == 2:
			return t.selected(n, m)
		}
	}
	c, err := t.value(n)
	if err != nil {
		return cel{}, err
	}
	if c.typ != expr.Bool {
		return cel{}, fmt.Errorf("a value of type %s stands where true or false is needed", c.typ)
	}
	return guard(c, m, false), nil
}

// guard makes a test count as whenMissing when an answer it needs is missing.
func guard(c cel, m missing, whenMissing bool) cel {
	if len(c.needs) == 0 || m == countsFalse && !whenMissing || m == countsTrue && whenMissing {
		return cel{src: c.src, typ: expr.Bool, bind: c.bind}
	}
	var parts []string
	for _, name := range c.needs {
		if whenMissing {
			parts = append(parts, "!has(a."+name+")")
		} else {
			parts = append(parts, "has(a."+name+")")
		}
	}
	if whenMissing {
		return cel{src: strings.Join(append(parts, c.within(bindOr)), " || "), typ: expr.Bool, bind: bindOr}
	}
	return cel{src: strings.Join(append(parts, c.within(bindAnd)), " && "), typ: expr.Bool, bind: bindAnd}
}

// selected asks for an option of a choice.
func (t *translator) selected(n *xnode, m missing) (cel, error) {
	of, err := t.value(n.args[0])
	if err != nil {
		return cel{}, err
	}
	what, err := t.literalFor(n.args[1], n.args[0])
	if err != nil {
		return cel{}, err
	}
	needs := union(of.needs, what.needs)
	switch of.typ {
	case expr.Strings:
		return guard(cel{src: what.within(bindAdd) + " in " + of.within(bindAdd), bind: bindCompare, needs: needs}, m, false), nil
	case expr.String:
		return guard(cel{src: of.within(bindAdd) + " == " + what.within(bindAdd), bind: bindCompare, needs: needs}, m, false), nil
	}
	return cel{}, errors.New("selected needs a choice")
}

// literalFor is the value of n, where a literal is a choice of the item that other
// refers to.
func (t *translator) literalFor(n, other *xnode) (cel, error) {
	if n.op == xString || n.op == xNumber {
		if id := t.id(other); id != "" && len(t.items[id].Options) > 0 && t.env[id] != expr.Int && t.env[id] != expr.Double {
			return cel{src: strconv.Quote(t.code(id, n.text)), typ: expr.String, bind: bindValue}, nil
		}
	}
	return t.value(n)
}

// id is the item that a node refers to, or "".
func (t *translator) id(n *xnode) string {
	id := ""
	switch n.op {
	case xRef:
		id = t.ids[n.text]
	case xSelf:
		id = t.self
	}
	if t.items[id] == nil {
		return ""
	}
	return id
}

var signs = map[string]string{"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

func (t *translator) comparison(n *xnode, m missing) (cel, error) {
	left, right := n.args[0], n.args[1]
	equality := n.op == "=" || n.op == "!="
	// A comparison with '' asks whether there is an answer.
	for i, side := range n.args {
		if id := t.id(n.args[1-i]); equality && side.op == xString && side.text == "" && id != "" {
			if n.op == "=" {
				return cel{src: "!has(a." + id + ")", typ: expr.Bool, bind: bindUnary}, nil
			}
			return cel{src: "has(a." + id + ")", typ: expr.Bool, bind: bindValue}, nil
		}
	}
	l, err := t.literalFor(left, right)
	if err != nil {
		return cel{}, err
	}
	r, err := t.literalFor(right, left)
	if err != nil {
		return cel{}, err
	}
	if l.typ == expr.Strings || r.typ == expr.Strings {
		return cel{}, errors.New("the answer to a question with several choices is compared as a whole; use selected(…)")
	}
	if equality && l.typ == expr.String && r.typ == expr.String || t.dates(left, right) {
		// texts, or days, which are written in the order of time
	} else if l.typ != r.typ || l.typ == expr.String {
		if l, r, err = t.numbers(left, l, right, r); err != nil {
			return cel{}, err
		}
	}
	c := cel{src: l.within(bindAdd) + " " + signs[n.op] + " " + r.within(bindAdd), bind: bindCompare, needs: union(l.needs, r.needs)}
	return guard(c, m, n.op == "!="), nil
}

// dates reports whether one side is a day and the other a day or a text.
func (t *translator) dates(l, r *xnode) bool {
	day := func(n *xnode) bool {
		if n.op == xCall && n.text == "date" && len(n.args) == 1 {
			n = n.args[0]
		}
		id := t.id(n)
		return id != "" && t.items[id].Type == surveys.Date
	}
	text := func(n *xnode) bool {
		return day(n) || n.op == xString || n.op == xCall && n.text == "date"
	}
	return day(l) && text(r) || day(r) && text(l)
}

// numbers makes numbers of one type of both sides.
func (t *translator) numbers(ln *xnode, l cel, rn *xnode, r cel) (cel, cel, error) {
	l, err := t.number(ln, l)
	if err != nil {
		return l, r, err
	}
	if r, err = t.number(rn, r); err != nil || l.typ == r.typ {
		return l, r, err
	}
	return double(l), double(r), nil
}

// number makes a number of a value.
func (t *translator) number(n *xnode, c cel) (cel, error) {
	switch c.typ {
	case expr.Int, expr.Double:
		return c, nil
	case expr.String:
		if n.op == xString || n.op == xNumber {
			return literal(strings.TrimSpace(n.text))
		}
		if id := t.id(n); id != "" && t.items[id].Type.OneOf() && numeric(t.items[id].Options) {
			return cel{src: "int(" + c.src + ")", typ: expr.Int, bind: bindValue, needs: c.needs}, nil
		}
	}
	return cel{}, errors.New("a text is used as a number; only choices with codes that all are numbers can be")
}

// numeric reports whether all codes are whole numbers.
func numeric(options []surveys.Option) bool {
	for _, o := range options {
		if _, err := strconv.ParseInt(o.Code, 10, 32); err != nil {
			return false
		}
	}
	return len(options) > 0
}

// literal is a number as written.
func literal(s string) (cel, error) {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return cel{}, fmt.Errorf("%q is no number", short(s))
	}
	if i := int64(x); float64(i) == x && i < 1<<53 && i > -1<<53 {
		return cel{src: strconv.FormatInt(i, 10), typ: expr.Int, bind: bindValue}, nil
	}
	return cel{src: strconv.FormatFloat(x, 'f', -1, 64), typ: expr.Double, bind: bindValue}, nil
}

// double makes a double of a number.
func double(c cel) cel {
	if c.typ == expr.Double {
		return c
	}
	if i, err := strconv.ParseInt(c.src, 10, 64); err == nil {
		return cel{src: strconv.FormatInt(i, 10) + ".0", typ: expr.Double, bind: bindValue}
	}
	return cel{src: "double(" + c.src + ")", typ: expr.Double, bind: bindValue, needs: c.needs}
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (t *translator) value(n *xnode) (cel, error) {
	switch n.op {
	case "(":
		return t.value(n.args[0])
	case xNumber:
		return literal(n.text)
	case xString:
		return cel{src: strconv.Quote(n.text), typ: expr.String, bind: bindValue}, nil
	case xRef, xSelf:
		return t.variable(n)
	case xName:
		return cel{}, fmt.Errorf("%q has no counterpart; write ${%s} for an answer", short(n.text), short(n.text))
	case "and", "or", "=", "!=", "<", "<=", ">", ">=":
		return t.boolean(n, mustNot)
	case xNeg:
		c, err := t.value(n.args[0])
		if err == nil {
			c, err = t.number(n.args[0], c)
		}
		return cel{src: "-" + c.within(bindValue), typ: c.typ, bind: bindUnary, needs: c.needs}, err
	case "+", "-", "*", "div", "mod":
		return t.arithmetic(n)
	}
	return t.call(n)
}

func (t *translator) variable(n *xnode) (cel, error) {
	if n.op == xSelf {
		if t.self == "" {
			return cel{}, errors.New("“.” has no counterpart here")
		}
		return cel{src: t.self, typ: t.env[t.self], bind: bindValue}, nil // there is an answer when it is checked
	}
	id := t.ids[n.text]
	typ, ok := t.env[id]
	if !ok {
		return cel{}, fmt.Errorf("${%s} is not asked before, or was left out", short(n.text))
	}
	c := cel{src: id, typ: typ, bind: bindValue}
	if id != t.self {
		c.needs = []string{id}
	}
	return c, nil
}

// twoNumbers are the two arguments of n as numbers of one type.
func (t *translator) twoNumbers(n *xnode) (l, r cel, err error) {
	if l, r, err = both(n, t.value); err != nil {
		return l, r, err
	}
	return t.numbers(n.args[0], l, n.args[1], r)
}

// both translates the two arguments of n.
func both(n *xnode, each func(*xnode) (cel, error)) (l, r cel, err error) {
	if l, err = each(n.args[0]); err == nil {
		r, err = each(n.args[1])
	}
	return l, r, err
}

func (t *translator) arithmetic(n *xnode) (cel, error) {
	l, r, err := t.twoNumbers(n)
	if err != nil {
		return cel{}, err
	}
	sign, bind := n.op, bindMul
	switch n.op {
	case "+", "-":
		bind = bindAdd
	case "div":
		l, r, sign = double(l), double(r), "/"
	case "mod":
		if sign = "%"; l.typ != expr.Int {
			return cel{}, errors.New("mod of numbers with decimals has no counterpart")
		}
	}
	return cel{src: l.within(bind) + " " + sign + " " + r.within(bind+1), typ: l.typ, bind: bind, needs: union(l.needs, r.needs)}, nil
}

// conditional is if(…, …, …).
func (t *translator) conditional(n *xnode, each func(*xnode) (cel, error)) (cel, error) {
	c, err := t.boolean(n.args[0], mustNot)
	if err != nil {
		return cel{}, err
	}
	yes, err := each(n.args[1])
	if err != nil {
		return cel{}, err
	}
	no, err := each(n.args[2])
	if err != nil {
		return cel{}, err
	}
	if yes.typ != no.typ {
		if yes, no, err = t.numbers(n.args[1], yes, n.args[2], no); err != nil {
			return cel{}, err
		}
	}
	return cel{src: c.within(bindOr) + " ? " + yes.within(bindOr) + " : " + no.within(bindCond), typ: yes.typ, bind: bindCond, needs: union(yes.needs, no.needs)}, nil
}

// text makes a text of a value; a missing one is empty.
func (t *translator) text(n *xnode) (cel, error) {
	c, err := t.value(n)
	if err != nil {
		return c, err
	}
	if c.typ.IsList() {
		return c, errors.New("several choices are used as one text")
	}
	src := c.src
	if c.typ != expr.String {
		src = "string(" + src + ")"
	} else if c.bind < bindCond+1 {
		src = "(" + src + ")"
	}
	if len(c.needs) == 0 {
		return cel{src: src, typ: expr.String, bind: bindValue}, nil
	}
	var has []string
	for _, name := range c.needs {
		has = append(has, "has(a."+name+")")
	}
	return cel{src: "(" + strings.Join(has, " && ") + " ? " + src + ` : "")`, typ: expr.String, bind: bindValue}, nil
}

func (t *translator) call(n *xnode) (cel, error) {
	args := func(count int) bool { return len(n.args) == count }
	switch n.text {
	case "if":
		if args(3) {
			return t.conditional(n, t.value)
		}
	case "not", "boolean", "true", "false", "selected":
		return t.logic(n)
	case "number", "int", "string", "date", "decimal-date", "format-date":
		if args(1) && n.text != "decimal-date" {
			return t.convert(n)
		}
	case "count-selected", "string-length", "count":
		if args(1) {
			return t.size(n)
		}
	case "selected-at":
		if args(2) {
			return t.selectedAt(n)
		}
	case "concat":
		if len(n.args) > 0 {
			return t.concat(n)
		}
	case "coalesce":
		if args(2) {
			return t.coalesce(n)
		}
	case "min", "max":
		if args(2) {
			return t.extreme(n)
		}
	case "contains", "starts-with", "ends-with":
		if args(2) {
			return t.textTest(n)
		}
	}
	return cel{}, fmt.Errorf("the function %s(…) has no counterpart here", short(n.text))
}

func (t *translator) selectedAt(n *xnode) (cel, error) {
	of, at, err := both(n, t.value)
	if err != nil {
		return cel{}, err
	}
	if of.typ != expr.Strings || at.typ != expr.Int {
		return cel{}, errors.New("selected-at needs several choices and a whole number")
	}
	return cel{src: of.within(bindValue) + "[" + at.src + "]", typ: expr.String, bind: bindValue, needs: union(of.needs, at.needs)}, nil
}

func (t *translator) concat(n *xnode) (cel, error) {
	parts := make([]string, len(n.args))
	for i, a := range n.args {
		c, err := t.text(a)
		if err != nil {
			return cel{}, err
		}
		parts[i] = c.within(bindAdd)
	}
	return cel{src: strings.Join(parts, " + "), typ: expr.String, bind: bindAdd}, nil
}

func (t *translator) coalesce(n *xnode) (cel, error) {
	id := t.id(n.args[0])
	if id == "" {
		return cel{}, errors.New("coalesce has a counterpart only when its first part is an answer")
	}
	first, err := t.value(n.args[0])
	if err != nil {
		return cel{}, err
	}
	second, err := t.literalFor(n.args[1], n.args[0])
	if err != nil {
		return cel{}, err
	}
	if first.typ != second.typ {
		if first, second, err = t.numbers(n.args[0], first, n.args[1], second); err != nil {
			return cel{}, err
		}
	}
	return cel{src: "has(a." + id + ") ? " + first.src + " : " + second.within(bindCond), typ: first.typ, bind: bindCond, needs: second.needs}, nil
}

// extreme is min or max of two numbers.
func (t *translator) extreme(n *xnode) (cel, error) {
	l, r, err := t.twoNumbers(n)
	if err != nil {
		return cel{}, err
	}
	sign := " < "
	if n.text == "max" {
		sign = " > "
	}
	return cel{src: l.within(bindAdd) + sign + r.within(bindAdd) + " ? " + l.within(bindOr) + " : " + r.within(bindCond), typ: l.typ, bind: bindCond, needs: union(l.needs, r.needs)}, nil
}

var textTests = map[string]string{"contains": "contains", "starts-with": "startsWith", "ends-with": "endsWith"}

func (t *translator) textTest(n *xnode) (cel, error) {
	of, part, err := both(n, t.text)
	if err != nil {
		return cel{}, err
	}
	return cel{src: of.within(bindValue) + "." + textTests[n.text] + "(" + part.src + ")", typ: expr.Bool, bind: bindValue}, nil
}

// logic is a function that is true or false, used as a value.
func (t *translator) logic(n *xnode) (cel, error) {
	switch {
	case n.text == "selected" && len(n.args) == 2, (n.text == "not" || n.text == "boolean") && len(n.args) == 1,
		(n.text == "true" || n.text == "false") && len(n.args) == 0:
		return t.boolean(n, mustNot)
	}
	return cel{}, fmt.Errorf("%s(…) has the wrong number of arguments", n.text)
}

func (t *translator) convert(n *xnode) (cel, error) {
	c, err := t.value(n.args[0])
	if err != nil {
		return cel{}, err
	}
	switch n.text {
	case "string":
		return t.text(n.args[0])
	case "date":
		if c.typ != expr.String {
			return cel{}, errors.New("date(…) of a number has no counterpart")
		}
		return c, nil
	}
	if c, err = t.number(n.args[0], c); err != nil || n.text == "number" || c.typ == expr.Int {
		return c, err
	}
	return cel{src: "int(" + c.src + ")", typ: expr.Int, bind: bindValue, needs: c.needs}, nil
}

// size counts; nothing counts as 0.
func (t *translator) size(n *xnode) (cel, error) {
	c, err := t.value(n.args[0])
	if err != nil {
		return cel{}, err
	}
	id := t.id(n.args[0])
	switch {
	case n.text == "count" && id != "" && t.items[id].Type == surveys.Roster:
		return c, nil
	case n.text == "count-selected" && c.typ == expr.Strings, n.text == "string-length" && c.typ == expr.String:
		src := "size(" + c.src + ")"
		if len(c.needs) == 0 {
			return cel{src: src, typ: expr.Int, bind: bindValue}, nil
		}
		return cel{src: "(has(a." + c.needs[0] + ") ? " + src + " : 0)", typ: expr.Int, bind: bindValue}, nil
	}
	return cel{}, fmt.Errorf("%s(…) has no counterpart for a value of type %s", n.text, c.typ)
}
