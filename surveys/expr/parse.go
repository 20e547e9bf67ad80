package expr

import (
	"strconv"
	"strings"
)

// parser makes the syntax tree, by recursive descent. It returns after the first
// mistake, which makes every later token the end of the source.
type parser struct {
	lex   lexer
	tok   token // the token not yet used
	depth int
	err   error
}

// parse reads a whole expression.
func parse(src string) (*node, error) {
	p := &parser{lex: lexer{src: src}}
	p.advance()
	if p.err == nil && p.tok.kind == tokenEnd {
		return nil, errorAt(src, 0, nil, "the expression is empty")
	}
	n := p.conditional()
	if p.err == nil && p.tok.kind != tokenEnd {
		p.unexpected("an operator or the end")
	}
	return n, p.err
}

func (p *parser) advance() {
	tok, err := p.lex.next()
	if err != nil {
		p.fail(err)
		return
	}
	p.tok = tok
}

// fail keeps the first mistake and ends the source.
func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.lex.pos = len(p.lex.src)
	p.tok = token{kind: tokenEnd, pos: p.lex.pos}
}

func (p *parser) failAt(pos int, kind error, msg string) {
	p.fail(errorAt(p.lex.src, pos, kind, msg))
}

// unexpected reports that the present token cannot stand here.
func (p *parser) unexpected(wanted string) {
	found := strconv.Quote(p.tok.text)
	switch {
	case p.tok.kind == tokenEnd:
		found = "the end"
	case p.tok.kind == tokenString:
		found = "a text"
	case p.tok.text == "and" || p.tok.text == "or" || p.tok.text == "not":
		wanted += " (write && for and, || for or, ! for not)"
	}
	p.failAt(p.tok.pos, nil, "expected "+wanted+", found "+found)
}

// is reports whether the present token is this sign.
func (p *parser) is(sign string) bool {
	return p.tok.kind == tokenSign && p.tok.text == sign
}

// take goes past a sign that may be there.
func (p *parser) take(sign string) bool {
	if p.is(sign) {
		p.advance()
		return true
	}
	return false
}

// expect goes past a sign that must be there.
func (p *parser) expect(sign string) {
	if !p.take(sign) {
		p.unexpected(strconv.Quote(sign))
	}
}

// nested runs f one level deeper.
func (p *parser) nested(f func() *node) *node {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > MaxDepth {
		p.failAt(p.tok.pos, ErrLimit, "nested too deeply; the limit is "+strconv.Itoa(MaxDepth)+" levels")
		return &node{}
	}
	return f()
}

// conditional reads c ? x : y, or what c stands for alone.
func (p *parser) conditional() *node {
	n := p.or()
	pos := p.tok.pos
	if !p.take("?") {
		return n
	}
	yes := p.nested(p.or)
	p.expect(":")
	no := p.nested(p.conditional)
	return &node{op: opCond, pos: pos, text: "?", args: []*node{n, yes, no}}
}

func (p *parser) or() *node  { return p.chain("||", opOr, p.and) }
func (p *parser) and() *node { return p.chain("&&", opAnd, func() *node { return p.binary(0) }) }

// chain reads operands joined by one operator into one node.
func (p *parser) chain(sign string, o op, operand func() *node) *node {
	n := operand()
	if !p.is(sign) {
		return n
	}
	all := &node{op: o, pos: p.tok.pos, text: sign, args: []*node{n}}
	for p.take(sign) {
		all.args = append(all.args, operand())
	}
	return all
}

// binary reads operators of this level and tighter ones, grouped from the left.
func (p *parser) binary(level int) *node {
	if level == len(binaryOps) {
		return p.unary()
	}
	n := p.binary(level + 1)
	for p.tok.kind == tokenSign {
		o, ok := binaryOps[level][p.tok.text]
		if !ok {
			break
		}
		both := &node{op: o, pos: p.tok.pos, text: p.tok.text}
		p.advance()
		both.args = []*node{n, p.binary(level + 1)}
		n = both
	}
	return n
}

func (p *parser) unary() *node {
	sign := p.tok
	o := opNot
	switch {
	case p.take("!"):
	case p.take("-"):
		if p.tok.kind == tokenInt || p.tok.kind == tokenDouble {
			return p.postfix(p.negative(sign))
		}
		o = opNeg
	default:
		return p.postfix(p.primary())
	}
	if p.is(sign.text) {
		p.failAt(p.tok.pos, errSubset, sign.text+sign.text+" is not part of the language; leave both out")
	}
	return &node{op: o, pos: sign.pos, text: sign.text, args: []*node{p.postfix(p.primary())}}
}

// negative reads a number after its minus sign, so that the smallest int can be written.
func (p *parser) negative(sign token) *node {
	p.tok.text = "-" + p.tok.text
	p.tok.pos = sign.pos
	return p.primary()
}

// postfix reads what may follow a value: .name, .method(…) and [index].
func (p *parser) postfix(n *node) *node {
	for {
		pos := p.tok.pos
		switch {
		case p.take("["):
			n = &node{op: opIndex, pos: pos, text: "[]", args: []*node{n, p.nested(p.conditional)}}
			p.expect("]")
		case p.take("."):
			n = p.member(n)
		default:
			return n
		}
	}
}

// member reads a field of the record, or a method.
func (p *parser) member(of *node) *node {
	name := p.tok
	if name.kind != tokenName {
		p.unexpected("a name after the dot")
		return of
	}
	p.advance()
	if o, ok := macros[name.text]; ok && p.is("(") {
		return p.macro(o, name, of)
	}
	if p.is("(") {
		return p.call(name, methods, []*node{of})
	}
	if of.op != opVar || of.text != record {
		p.failAt(name.pos, errSubset, "only the record of answers has fields; write "+record+"."+name.text)
	}
	if reserved[name.text] {
		p.failAt(name.pos, errSubset, name.text+" is a word of the language, not the name of an item")
	}
	return &node{op: opVar, pos: name.pos, text: name.text, field: true}
}

// macro reads the element's name and what is done with it.
func (p *parser) macro(o op, name token, list *node) *node {
	p.expect("(")
	local := p.tok
	switch {
	case local.kind != tokenName:
		p.failAt(local.pos, errSubset, "expected a name for the element; write "+name.text+"(x, …)")
	case reserved[local.text]:
		p.failAt(local.pos, errSubset, local.text+" is a word of the language, not a name for the element")
	}
	p.advance()
	p.expect(",")
	body := p.nested(p.conditional)
	if p.is(",") {
		p.failAt(p.tok.pos, errSubset, name.text+" takes a name and one expression")
	}
	p.expect(")")
	return &node{op: o, pos: name.pos, text: name.text, local: local.text, args: []*node{list, body}}
}

// primary reads a literal, a list, a variable, a function or something in parentheses.
func (p *parser) primary() *node {
	tok := p.tok
	switch tok.kind {
	case tokenInt, tokenDouble, tokenString:
		p.advance()
		return p.literal(tok)
	case tokenName:
		p.advance()
		return p.name(tok)
	}
	switch {
	case p.take("("):
		n := p.nested(p.conditional)
		p.expect(")")
		return n
	case p.take("["):
		return &node{op: opList, pos: tok.pos, text: "[", args: p.arguments("]")}
	case p.is("."):
		p.failAt(tok.pos, errSubset, "a name does not begin with a dot")
	default:
		p.unexpected("a value")
	}
	return &node{pos: tok.pos}
}

// name reads a variable, a function or a word that is a value.
func (p *parser) name(tok token) *node {
	switch tok.text {
	case "true", "false":
		return &node{op: opLiteral, pos: tok.pos, val: BoolValue(tok.text == "true")}
	case "null":
		p.failAt(tok.pos, errSubset, "null is not part of the language; has(a.NAME) asks whether there is an answer")
	}
	if p.is("(") {
		if tok.text == "has" {
			return p.has(tok)
		}
		return p.call(tok, functions, nil)
	}
	if reserved[tok.text] && tok.text != record {
		p.failAt(tok.pos, errSubset, tok.text+" is a word of the language, not the name of an item")
	}
	return &node{op: opVar, pos: tok.pos, text: tok.text}
}

// has reads the argument of has, which names an item.
func (p *parser) has(tok token) *node {
	args := p.nestedArguments()
	if len(args) == 1 && args[0].op == opHas { // which CEL takes for one
		p.failAt(tok.pos, errSubset, "has stands in another has; leave one out")
	}
	if len(args) != 1 || !args[0].field {
		p.failAt(tok.pos, nil, "has needs the answer to an item; write has("+record+".NAME)")
		return &node{}
	}
	return &node{op: opHas, pos: args[0].pos, text: args[0].text}
}

// call reads the arguments of a function; a method has its value in args already.
func (p *parser) call(name token, known map[string]op, args []*node) *node {
	args = append(args, p.nestedArguments()...)
	o, ok := known[name.text]
	switch {
	case ok:
	case leftOut[name.text]:
		p.failAt(name.pos, errSubset, name.text+" is not part of the language")
	default:
		p.failAt(name.pos, nil, "there is no function "+name.text)
	}
	return &node{op: o, pos: name.pos, text: name.text, args: args}
}

func (p *parser) nestedArguments() []*node {
	p.expect("(")
	return p.arguments(")")
}

// arguments reads expressions up to the closing sign.
func (p *parser) arguments(end string) []*node {
	var args []*node
	if p.is(",") && end == "]" {
		p.failAt(p.tok.pos, errSubset, "[,] is not part of the language; the empty list is []")
	}
	for !p.is(end) && p.err == nil {
		args = append(args, p.nested(p.conditional))
		if !p.take(",") {
			break
		}
		if p.is(end) && end == ")" {
			p.unexpected("a value")
		}
	}
	p.expect(end)
	return args
}

// literal makes a value of a number or a string.
func (p *parser) literal(tok token) *node {
	n := &node{op: opLiteral, pos: tok.pos}
	switch tok.kind {
	case tokenString:
		n.val = StringValue(tok.text)
	case tokenInt:
		i, err := parseInt(tok.text)
		if err != nil {
			p.failAt(tok.pos, nil, "the number does not fit into 64 bits")
		}
		n.val = IntValue(i)
	case tokenDouble:
		f, err := strconv.ParseFloat(tok.text, 64)
		if err != nil {
			p.failAt(tok.pos, nil, "the number is too large for a double")
		}
		n.val = DoubleValue(f)
	}
	return n
}

// parseInt reads a decimal or hexadecimal int with an optional minus sign.
func parseInt(s string) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	hex, isHex := strings.CutPrefix(digits, "0x")
	if !isHex {
		return strconv.ParseInt(s, 10, 64)
	}
	if negative {
		hex = "-" + hex
	}
	return strconv.ParseInt(hex, 16, 64)
}
