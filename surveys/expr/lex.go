package expr

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token. Operators and brackets are their own text.
type kind uint8

const (
	tokenEnd kind = iota
	tokenName
	tokenInt
	tokenDouble
	tokenString
	tokenSign // an operator, a bracket, or the word in
)

// token is a piece of the source.
type token struct {
	kind kind
	pos  int    // byte offset
	text string // as written; of a string, its value
}

// lexer cuts the source into tokens.
type lexer struct {
	src string
	pos int
}

// signs lists the operators and brackets, longer ones before their beginnings.
var signs = []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%",
	"?", ":", "(", ")", "[", "]", ",", "."}

// next returns the next token.
func (l *lexer) next() (token, error) {
	l.skipSpace()
	start := l.pos
	if start == len(l.src) {
		return token{tokenEnd, start, ""}, nil
	}
	c := l.src[start]
	switch {
	case isLetter(c):
		return l.word()
	case isDigit(c), c == '.' && start+1 < len(l.src) && isDigit(l.src[start+1]):
		return l.number()
	case c == '"' || c == '\'':
		return l.quoted()
	}
	for _, s := range signs {
		if strings.HasPrefix(l.src[start:], s) {
			l.pos += len(s)
			return token{tokenSign, start, s}, nil
		}
	}
	return token{}, l.strange()
}

// skipSpace goes past white space and comments.
func (l *lexer) skipSpace() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f':
			l.pos++
		case strings.HasPrefix(l.src[l.pos:], "//"):
			n := strings.IndexByte(l.src[l.pos:], '\n')
			if n < 0 {
				n = len(l.src) - l.pos
			}
			l.pos += n
		default:
			return
		}
	}
}

// strange reports a character that no expression has.
func (l *lexer) strange() error {
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	switch {
	case r == '=':
		return l.errorf(l.pos, nil, "write == to compare")
	case r == '&' || r == '|':
		return l.errorf(l.pos, nil, "write "+string(r)+string(r)+" for and/or")
	case r == '{' || r == '}':
		return l.errorf(l.pos, errSubset, "maps are not part of the language")
	case r >= 0xFF01 && r <= 0xFF5E:
		return l.errorf(l.pos, nil, "the full-width character "+string(r)+" is not allowed here; write "+string(r-0xFEE0))
	case strings.ContainsRune("“”‘’「」《》", r):
		return l.errorf(l.pos, nil, "the quotation mark "+string(r)+` does not begin a text; write "`)
	}
	return l.errorf(l.pos, nil, "unexpected character "+strconv.QuoteRune(r))
}

func (l *lexer) errorf(pos int, kind error, msg string) error {
	return errorAt(l.src, pos, kind, msg)
}

// word reads a name, or the operator in.
func (l *lexer) word() (token, error) {
	start := l.pos
	for l.pos < len(l.src) && (isLetter(l.src[l.pos]) || isDigit(l.src[l.pos])) {
		l.pos++
	}
	w := l.src[start:l.pos]
	if quote := l.pos < len(l.src) && (l.src[l.pos] == '"' || l.src[l.pos] == '\''); quote && isPrefix(w) {
		return token{}, l.errorf(start, errSubset, "raw strings and bytes are not part of the language; write the quotes alone")
	}
	if w == "in" {
		return token{tokenSign, start, w}, nil
	}
	return token{tokenName, start, w}, nil
}

// isPrefix reports whether CEL gives a meaning to w before a quotation mark.
func isPrefix(w string) bool {
	switch w {
	case "r", "R", "b", "B", "rb", "rB", "Rb", "RB", "br", "bR", "Br", "BR":
		return true
	}
	return false
}

// number reads an int or a double.
func (l *lexer) number() (token, error) {
	start := l.pos
	if l.hex() {
		return l.numberEnd(tokenInt, start)
	}
	kind := tokenInt
	l.digits()
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]) {
		kind = tokenDouble
		l.pos++
		l.digits()
	}
	if n := exponent(l.src[l.pos:]); n > 0 {
		kind = tokenDouble
		l.pos += n
	}
	return l.numberEnd(kind, start)
}

// hex goes past a hexadecimal number, if there is one.
func (l *lexer) hex() bool {
	rest := l.src[l.pos:]
	if len(rest) < 3 || rest[0] != '0' || rest[1] != 'x' || !isHex(rest[2]) {
		return false
	}
	for l.pos += 2; l.pos < len(l.src) && isHex(l.src[l.pos]); {
		l.pos++
	}
	return true
}

func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

// exponent returns the length of an exponent at the beginning of s, or 0.
func exponent(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '+' || s[n] == '-') {
		n++
	}
	digits := n
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == digits {
		return 0
	}
	return n
}

// numberEnd makes the token, unless a letter sticks to the number.
func (l *lexer) numberEnd(k kind, start int) (token, error) {
	if l.pos < len(l.src) && isLetter(l.src[l.pos]) {
		if c := l.src[l.pos]; k == tokenInt && (c == 'u' || c == 'U') {
			return token{}, l.errorf(start, errSubset, "unsigned numbers are not part of the language; leave out the "+string(c))
		}
		if strings.HasPrefix(l.src[l.pos:], "in") {
			return token{}, l.errorf(l.pos, errSubset, "a space is missing after the number")
		}
		return token{}, l.errorf(start, nil, "this is neither a number nor a name")
	}
	return token{k, start, l.src[start:l.pos]}, nil
}

// quoted reads a string.
func (l *lexer) quoted() (token, error) {
	start, quote := l.pos, l.src[l.pos]
	if strings.HasPrefix(l.src[start:], strings.Repeat(string(quote), 3)) {
		return token{}, l.errorf(start, errSubset, "triple quotes are not part of the language; write one")
	}
	var b strings.Builder
	for l.pos++; l.pos < len(l.src); {
		switch c := l.src[l.pos]; c {
		case quote:
			l.pos++
			return token{tokenString, start, b.String()}, nil
		case '\n', '\r':
			return token{}, l.errorf(start, nil, "the text does not end on its line; close it, or write \\n for a line break")
		case '\\':
			r, err := l.escape()
			if err != nil {
				return token{}, err
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
			l.pos++
		}
	}
	return token{}, l.errorf(start, nil, "the text has no closing "+string(quote))
}

// simpleEscapes are the escapes of one character and what they mean.
const simpleEscapes = "a\ab\bf\fn\nr\rt\tv\v\\\\''\"\"``??"

// escape reads one escape.
func (l *lexer) escape() (rune, error) {
	start := l.pos
	rest := l.src[start+1:]
	if rest == "" {
		return 0, l.errorf(start, nil, "the text ends in the middle of an escape")
	}
	for i := 0; i < len(simpleEscapes); i += 2 {
		if rest[0] == simpleEscapes[i] {
			l.pos += 2
			return rune(simpleEscapes[i+1]), nil
		}
	}
	skip, digits, base := 1, 0, 16
	switch c := rest[0]; {
	case c == 'x' || c == 'X':
		digits = 2
	case c == 'u':
		digits = 4
	case c == 'U':
		digits = 8
	case c >= '0' && c <= '3':
		skip, digits, base = 0, 3, 8
	}
	if digits == 0 || len(rest) < skip+digits {
		return 0, l.errorf(start, nil, `unknown escape; write \\ for a backslash`)
	}
	n, err := strconv.ParseUint(rest[skip:skip+digits], base, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return 0, l.errorf(start, nil, "the escape names no character")
	}
	l.pos += 1 + skip + digits
	return rune(n), nil
}

func isLetter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
