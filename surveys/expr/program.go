package expr

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// The limits of expressions.
const (
	MaxLength    = 8 << 10 // bytes of source
	MaxDepth     = 64      // levels of parentheses, brackets, arguments and conditionals
	MaxSteps     = 100_000 // operations of one run; working on 64 bytes of text counts as one
	MaxValueSize = 1 << 20 // bytes of a value
)

// Env gives the type of every variable that an expression may use. No name may be
// one that IsName refuses.
type Env map[string]Type

// Program is an expression that was checked. It is not changed by use and may run
// in several goroutines at the same time.
type Program struct {
	src  string
	root *node
}

// Compile checks an expression. The error is an *Error.
func Compile(src string, env Env) (*Program, error) {
	if len(src) > MaxLength {
		return nil, errorAt("", 0, ErrLimit, "the expression has "+strconv.Itoa(len(src))+
			" bytes; the limit is "+strconv.Itoa(MaxLength))
	}
	if !utf8.ValidString(src) {
		return nil, errorAt("", 0, errSubset, "the expression is not valid UTF-8")
	}
	root, err := parse(src)
	if err != nil {
		return nil, err
	}
	c := &checker{src: src, env: env}
	if _, err := c.check(root); err != nil {
		return nil, err
	}
	return &Program{src: src, root: root}, nil
}

// Type returns the type of the results.
func (p *Program) Type() Type { return p.root.typ }

// Source returns the expression as written.
func (p *Program) Source() string { return p.src }

// Names returns the variables used, also inside has, in alphabetical order.
func (p *Program) Names() []string {
	var names []string
	p.root.walk(func(n *node) {
		if n.op == opVar || n.op == opHas {
			names = append(names, n.text)
		}
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// ErrorAt returns an error at the first place where a variable is used, or at the
// beginning when it is not used, for rules that this package does not know.
func (p *Program) ErrorAt(name, msg string) *Error {
	pos := -1
	p.root.walk(func(n *node) {
		if (n.op == opVar || n.op == opHas) && n.text == name && (pos < 0 || n.pos < pos) {
			pos = n.pos
		}
	})
	return errorAt(p.src, max(pos, 0), nil, msg)
}

// Eval computes the expression. Lookup gives the value of a variable, and false
// when there is none. The error is an *Error.
func (p *Program) Eval(lookup func(name string) (Value, bool)) (Value, error) {
	steps := MaxSteps
	return p.EvalWithin(lookup, &steps)
}

// EvalWithin is Eval with a budget of steps that several runs share, beside MaxSteps for
// each. It takes from steps what the run needed.
func (p *Program) EvalWithin(lookup func(name string) (Value, bool), steps *int) (Value, error) {
	if *steps <= 0 {
		err := errorAt(p.src, 0, nil, "the expressions need too many steps together")
		err.kind = ErrLimit
		return Value{}, err
	}
	m := &machine{src: p.src, lookup: lookup, steps: MaxSteps}
	v, err := m.eval(p.root)
	*steps -= MaxSteps - m.steps
	if err != nil {
		return Value{}, err
	}
	v.typ = p.root.typ // [] takes the type of the lists it may stand for
	return v, nil
}
