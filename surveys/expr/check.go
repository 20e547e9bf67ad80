package expr

import (
	"slices"
	"strconv"
)

// checker finds the type of every node.
type checker struct {
	src string
	env Env
	// locals are the elements of the macros around, the outermost first.
	locals []local
}

// local is an element that a macro names.
type local struct {
	name string
	typ  Type
}

// check returns the type of n, after those of its arguments.
func (c *checker) check(n *node) (Type, error) {
	if opAll <= n.op && n.op <= opMap {
		t, err := c.macro(n)
		n.typ = t
		return t, err
	}
	for _, a := range n.args {
		if _, err := c.check(a); err != nil {
			return 0, err
		}
	}
	t, err := c.typeOf(n)
	n.typ = t
	return t, err
}

// typeOf returns the type of a node whose arguments have theirs.
func (c *checker) typeOf(n *node) (Type, error) {
	switch n.op {
	case opLiteral:
		return n.val.typ, nil
	case opVar, opHas:
		return c.variable(n)
	case opList:
		return c.listLiteral(n)
	case opCond:
		return c.conditional(n)
	case opIndex:
		return c.index(n)
	case opIn:
		return c.in(n)
	case opAdd:
		return c.add(n)
	case opEq, opNe:
		if _, ok := join(n.args[0].typ, n.args[1].typ); !ok {
			return 0, c.mismatch(n)
		}
		return Bool, nil
	case opLt, opLe, opGt, opGe:
		return c.compare(n)
	}
	return c.fixed(n)
}

// signature lists the types of arguments that an operator or function takes, and
// what it then returns; same says that the result has the type of the argument.
type signature struct {
	takes   []Type // of each argument; all are of one type
	count   int    // of arguments; 0 for any number
	returns Type   // 0 for the type taken
}

// signatures are those of the operators and functions without a rule of their own.
var signatures = map[op]signature{
	opNeg:        {[]Type{Int, Double}, 1, 0},
	opNot:        {[]Type{Bool}, 1, Bool},
	opAnd:        {[]Type{Bool}, 0, Bool},
	opOr:         {[]Type{Bool}, 0, Bool},
	opSub:        {[]Type{Int, Double}, 2, 0},
	opMul:        {[]Type{Int, Double}, 2, 0},
	opDiv:        {[]Type{Int, Double}, 2, 0},
	opRem:        {[]Type{Int}, 2, Int},
	opSize:       {[]Type{String, list}, 1, Int},
	opInt:        {[]Type{Int, Double, String}, 1, Int},
	opDouble:     {[]Type{Int, Double, String}, 1, Double},
	opString:     {[]Type{Bool, Int, Double, String}, 1, String},
	opContains:   {[]Type{String}, 2, Bool},
	opStartsWith: {[]Type{String}, 2, Bool},
	opEndsWith:   {[]Type{String}, 2, Bool},
}

// fixed types a node by its signature.
func (c *checker) fixed(n *node) (Type, error) {
	sig := signatures[n.op]
	if sig.count > 0 && len(n.args) != sig.count {
		return 0, c.errorf(n.pos, nil, n.text+" has the wrong number of arguments")
	}
	first := n.args[0].typ
	if !takes(sig.takes, first) {
		return 0, c.mismatch(n)
	}
	for _, a := range n.args[1:] {
		if a.typ != first {
			return 0, c.mismatch(n)
		}
	}
	if sig.returns == 0 {
		return first, nil
	}
	return sig.returns, nil
}

func takes(types []Type, t Type) bool {
	for _, want := range types {
		if t == want || want == list && t.isList() {
			return true
		}
	}
	return false
}

// variable types an answer and prepares its error.
func (c *checker) variable(n *node) (Type, error) {
	if slot := c.localNamed(n.text); slot >= 0 && !n.field && n.op == opVar {
		n.op, n.slot = opLocal, slot
		return c.locals[slot].typ, nil
	}
	t, ok := c.env[n.text]
	switch {
	case n.text == record && !n.field:
		return 0, c.errorf(n.pos, errSubset, record+" is the record of all answers; write "+record+".NAME")
	case !ok:
		return 0, c.errorf(n.pos, nil, "there is no item "+strconv.Quote(n.text))
	case n.op == opHas:
		n.of = t
		return Bool, nil
	}
	n.noValue = errorAt(c.src, n.pos, ErrNoValue, n.text+" has no answer")
	return t, nil
}

// localNamed returns the place of an element, or -1.
func (c *checker) localNamed(name string) int {
	return slices.IndexFunc(c.locals, func(l local) bool { return l.name == name })
}

// macro types the list, then what is done with its elements.
func (c *checker) macro(n *node) (Type, error) {
	of, err := c.check(n.args[0])
	switch {
	case err != nil:
		return 0, err
	case of == list:
		return 0, c.errorf(n.pos, errSubset, "an empty list has no elements")
	case !of.isList():
		return 0, c.errorf(n.pos, nil, n.text+" needs a list before it, not "+of.String())
	case c.env[n.local] != 0 || c.localNamed(n.local) >= 0:
		return 0, c.errorf(n.pos, errSubset, n.local+" is the name of something else already; take another one for the element")
	}
	n.slot = len(c.locals)
	c.locals = append(c.locals, local{n.local, of.elem()})
	body, err := c.check(n.args[1])
	c.locals = c.locals[:n.slot]
	switch {
	case err != nil:
		return 0, err
	case n.op == opMap && body.isList():
		return 0, c.errorf(n.args[1].pos, errSubset, "lists of lists are not part of the language")
	case n.op == opMap:
		return list | body, nil
	case body != Bool:
		return 0, c.errorf(n.args[1].pos, nil, "the condition of "+n.text+" must be bool, not "+body.String())
	case n.op == opFilter:
		return of, nil
	}
	return Bool, nil
}

// listLiteral joins the types of the elements.
func (c *checker) listLiteral(n *node) (Type, error) {
	var elem Type
	for i, a := range n.args {
		switch {
		case a.typ.isList():
			return 0, c.errorf(a.pos, errSubset, "lists of lists are not part of the language")
		case i > 0 && a.typ != elem:
			return 0, c.errorf(a.pos, nil, "a "+a.typ.String()+" in a list of "+elem.String()+"; the elements must be of one type")
		}
		elem = a.typ
	}
	n.val = Value{typ: list | elem}
	return list | elem, nil
}

func (c *checker) conditional(n *node) (Type, error) {
	if t := n.args[0].typ; t != Bool {
		return 0, c.errorf(n.args[0].pos, nil, "the condition before ? must be bool, not "+t.String())
	}
	t, ok := join(n.args[1].typ, n.args[2].typ)
	if !ok {
		return 0, c.errorf(n.pos, nil, "the results on both sides of : must be of one type, not "+
			n.args[1].typ.String()+" and "+n.args[2].typ.String())
	}
	return t, nil
}

func (c *checker) index(n *node) (Type, error) {
	of, at := n.args[0].typ, n.args[1].typ
	switch {
	case of == list:
		return 0, c.errorf(n.pos, errSubset, "an empty list has no elements")
	case !of.isList():
		return 0, c.errorf(n.pos, nil, "only a list has elements, not "+of.String())
	case at != Int:
		return 0, c.errorf(n.args[1].pos, nil, "the number of an element must be int, not "+at.String())
	}
	return of.elem(), nil
}

func (c *checker) in(n *node) (Type, error) {
	elem, of := n.args[0].typ, n.args[1].typ
	switch {
	case !of.isList():
		return 0, c.errorf(n.pos, nil, "in needs a list on its right side, not "+of.String())
	case elem.isList():
		return 0, c.errorf(n.pos, errSubset, "lists of lists are not part of the language")
	case of != list && of.elem() != elem:
		return 0, c.mismatch(n)
	}
	return Bool, nil
}

func (c *checker) add(n *node) (Type, error) {
	t, ok := join(n.args[0].typ, n.args[1].typ)
	if !ok || t == Bool {
		return 0, c.mismatch(n)
	}
	return t, nil
}

func (c *checker) compare(n *node) (Type, error) {
	if t := n.args[0].typ; t != n.args[1].typ || t.isList() {
		return 0, c.mismatch(n)
	}
	return Bool, nil
}

// mismatch reports an operator or function that does not take its arguments.
func (c *checker) mismatch(n *node) error {
	msg := n.text + " does not take "
	ints, doubles := false, false
	for i, a := range n.args {
		if i > 0 {
			msg += " and "
		}
		msg += a.typ.String()
		ints = ints || a.typ == Int
		doubles = doubles || a.typ == Double
	}
	if ints && doubles {
		msg += "; convert with double(…) or int(…)"
	}
	return c.errorf(n.pos, nil, msg)
}

func (c *checker) errorf(pos int, kind error, msg string) error {
	return errorAt(c.src, pos, kind, msg)
}
