package xlsform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxXPath is the longest XPath expression that is read, in bytes, and maxNesting the
// deepest.
const (
	maxXPath   = 8 << 10
	maxNesting = 60
)

// An xnode is a node of an XPath expression as forms write them. Its op is a number, a
// string, a reference ${name}, "." for the answer itself, a function with its name and
// "(", or an operator.
type xnode struct {
	op   string
	text string
	args []*xnode
}

const (
	xNumber = "number"
	xString = "string"
	xRef    = "ref"
	xName   = "name" // a column of the choices, in a choice_filter
	xSelf   = "."
	xCall   = "call"
	xNeg    = "neg"
)

// parseXPath reads the part of XPath 1.0 that has a counterpart; an error names what
// has none.
func parseXPath(src string) (*xnode, error) {
	if len(src) > maxXPath {
		return nil, fmt.Errorf("the expression has more than %d bytes", maxXPath)
	}
	p := &xparser{src: src}
	p.next()
	n := p.binary(0)
	if p.err == nil && p.tok != "" {
		p.fail(fmt.Sprintf("%q cannot stand there", short(p.tok)))
	}
	return n, p.err
}

type xparser struct {
	src   string
	pos   int
	kind  string // of the present token; "" for signs and the end
	tok   string
	depth int
	err   error
}

func (p *xparser) fail(msg string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s", msg)
	}
	p.pos, p.kind, p.tok = len(p.src), "", ""
}

// next reads a token.
func (p *xparser) next() {
	rest := strings.TrimLeftFunc(p.src[p.pos:], unicode.IsSpace)
	p.pos = len(p.src) - len(rest)
	p.kind, p.tok = "", ""
	if rest == "" {
		return
	}
	take := func(kind string, n int) { p.kind, p.tok, p.pos = kind, rest[:n], p.pos+n }
	c, size := utf8.DecodeRuneInString(rest)
	switch {
	case strings.HasPrefix(rest, "${"):
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			p.fail("a name after ${ has no end")
			return
		}
		take(xRef, end+1)
		p.tok = strings.TrimSpace(p.tok[2:end])
	case c == '\'' || c == '"' || c == '‘' || c == '“':
		closing := map[rune]rune{'‘': '’', '“': '”'}[c]
		if closing == 0 {
			closing = c
		}
		start := utf8.RuneLen(c)
		end := strings.IndexRune(rest[start:], closing)
		if end < 0 {
			p.fail("a text in quotes has no end")
			return
		}
		take(xString, start+end+utf8.RuneLen(closing))
		p.tok = rest[start : start+end]
	case '0' <= c && c <= '9' || c == '.' && len(rest) > 1 && '0' <= rest[1] && rest[1] <= '9':
		n := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if n < 0 {
			n = len(rest)
		}
		take(xNumber, n)
	case c == '_' || unicode.IsLetter(c):
		n := strings.IndexFunc(rest, func(r rune) bool {
			return r != '_' && r != '-' && r != '.' && r != ':' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		})
		if n < 0 {
			n = len(rest)
		}
		take(xName, n)
	default:
		n := size
		for _, two := range []string{"!=", "<=", ">=", "//", "..", "::"} {
			if strings.HasPrefix(rest, two) {
				n = 2
			}
		}
		take("", n)
	}
}

// xlevels are the operators from the loosest to the tightest.
var xlevels = [][]string{{"or"}, {"and"}, {"=", "!="}, {"<", "<=", ">", ">="}, {"+", "-"}, {"*", "div", "mod"}}

func (p *xparser) binary(level int) *xnode {
	if p.depth++; p.depth > maxNesting*len(xlevels) {
		p.fail("the expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	if p.err != nil {
		return &xnode{}
	}
	if level == len(xlevels) {
		return p.unary()
	}
	n := p.binary(level + 1)
	for p.kind == "" || p.kind == xName {
		found := ""
		for _, op := range xlevels[level] {
			if p.tok == op {
				found = op
			}
		}
		if found == "" || p.err != nil {
			break
		}
		p.next()
		right := p.binary(level + 1)
		if (found == "and" || found == "or") && n.op == found {
			n.args = append(n.args, right)
		} else {
			n = &xnode{op: found, args: []*xnode{n, right}}
		}
	}
	return n
}

func (p *xparser) unary() *xnode {
	if p.kind == "" && p.tok == "-" {
		p.next()
		if p.depth++; p.depth > maxNesting*len(xlevels) {
			p.fail("the expression is nested too deeply")
			return &xnode{}
		}
		defer func() { p.depth-- }()
		n := p.unary()
		if n.op == xNumber && !strings.HasPrefix(n.text, "-") {
			return &xnode{op: xNumber, text: "-" + n.text}
		}
		return &xnode{op: xNeg, args: []*xnode{n}}
	}
	n := p.primary()
	if p.kind == "" && (p.tok == "/" || p.tok == "[" || p.tok == "//" || p.tok == "|") {
		p.fail("a path has no counterpart; only ${name} and . refer to answers")
	}
	return n
}

func (p *xparser) primary() *xnode {
	kind, tok := p.kind, p.tok
	switch kind {
	case xNumber:
		if _, err := strconv.ParseFloat(tok, 64); err != nil {
			p.fail(fmt.Sprintf("%q is no number", short(tok)))
		}
		p.next()
		return &xnode{op: xNumber, text: tok}
	case xString, xRef:
		p.next()
		return &xnode{op: kind, text: tok}
	case xName:
		p.next()
		if p.kind != "" || p.tok != "(" {
			return &xnode{op: xName, text: tok}
		}
		p.next()
		n := &xnode{op: xCall, text: tok}
		for p.err == nil && (p.kind != "" || p.tok != ")") {
			n.args = append(n.args, p.binary(0))
			if p.kind != "" || p.tok != "," {
				break
			}
			p.next()
		}
		p.expect(")")
		return n
	}
	switch tok {
	case "(":
		p.next()
		n := p.binary(0)
		p.expect(")")
		if n.op == "and" || n.op == "or" {
			return &xnode{op: "(", args: []*xnode{n}}
		}
		return n
	case ".":
		p.next()
		return &xnode{op: xSelf}
	case "":
		p.fail("the expression is not complete")
	case "/", "..", "//", "@":
		p.fail("a path has no counterpart; only ${name} and . refer to answers")
	default:
		p.fail(fmt.Sprintf("%q cannot stand there", short(tok)))
	}
	return &xnode{}
}

func (p *xparser) expect(sign string) {
	if p.kind != "" || p.tok != sign {
		p.fail(fmt.Sprintf("%q is missing", sign))
		return
	}
	p.next()
}
