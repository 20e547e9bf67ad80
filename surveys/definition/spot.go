package definition

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// spot is a place in the file, counted from 1, the column in characters.
type spot struct{ line, col int }

// spots finds where each character of a scalar was written, and where it ends. The
// scalar may be plain, in quotes with escapes, or a block, and go over many lines. It
// gives nil when what stands there is not the value.
func (r *report) spots(n *yaml.Node) []spot {
	w := walker{lines: r.lines, value: []rune(n.Value)}
	w.goTo(spot{n.Line, n.Column})
	w.skipTag()
	ok := false
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		ok = w.block(w.literal)
	case n.Style&yaml.FoldedStyle != 0:
		ok = w.block(w.folded)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		w.at.col++
		ok = w.flow(w.escaped)
	case n.Style&yaml.SingleQuotedStyle != 0:
		w.at.col++
		ok = w.flow(w.apostrophe)
	default:
		ok = w.flow(w.plain)
	}
	if !ok {
		return nil
	}
	return append(w.found, w.at)
}

// walker goes through the source along a value that is known already, so it never
// has to find out where a scalar ends.
type walker struct {
	lines []string
	value []rune
	found []spot
	at    spot
	line  []rune // the line it is in
}

// goTo moves to a place, which may be past the end of the file.
func (w *walker) goTo(to spot) {
	w.at, w.line = to, nil
	if to.line >= 1 && to.line <= len(w.lines) {
		w.line = []rune(w.lines[to.line-1])
	}
}

// rest is what stands from here to the end of the line.
func (w *walker) rest() []rune {
	if w.at.col < 1 || w.at.col > len(w.line) {
		return nil
	}
	return w.line[w.at.col-1:]
}

func (w *walker) skipTag() {
	if rest := w.rest(); len(rest) > 0 && rest[0] == '!' {
		for i, c := range rest {
			if c == ' ' {
				w.at.col += i
				break
			}
		}
		for rest := w.rest(); len(rest) > 0 && rest[0] == ' '; rest = w.rest() {
			w.at.col++
		}
	}
}

// next is the character of the value to be found now.
func (w *walker) next() rune { return w.value[len(w.found)] }

// take finds the next character of the value here, where it takes width columns.
func (w *walker) take(width int) {
	w.found = append(w.found, w.at)
	w.at.col += width
}

// down moves to the column that start gives in the next line that is not empty, and
// counts the empty lines before it.
func (w *walker) down(start func(line []rune) int) (skipped int) {
	for {
		w.goTo(spot{w.at.line + 1, 1})
		if w.at.line > len(w.lines) {
			return skipped
		}
		if col := start(w.line); !empty(w.line) {
			w.at.col = col
			return skipped
		}
		skipped++
	}
}

func empty(line []rune) bool { return len(indent(line)) == len(line) }

// indent are the blanks that a line begins with.
func indent(line []rune) []rune {
	for i, c := range line {
		if c != ' ' && c != '\t' {
			return line[:i]
		}
	}
	return line
}

// flow walks along a plain or quoted scalar, one finds a character within a line.
func (w *walker) flow(one func(rest []rune) bool) bool {
	for len(w.found) < len(w.value) {
		if rest := w.rest(); !empty(rest) {
			if !one(rest) {
				return false
			}
			continue
		}
		if !w.fold(' ') {
			return false
		}
	}
	return true
}

// fold goes to the next line of a plain or quoted scalar. The line end is the
// character given, 0 for none; when empty lines follow, they are the line ends.
func (w *walker) fold(end rune) bool {
	from := w.at
	n := w.down(func(line []rune) int { return len(indent(line)) + 1 })
	ends := []rune(strings.Repeat("\n", n))
	if n == 0 && end != 0 {
		ends = []rune{end}
	}
	for _, c := range ends {
		if len(w.found) == len(w.value) || w.next() != c {
			return false
		}
		w.found = append(w.found, from)
	}
	return w.at.line <= len(w.lines)
}

func (w *walker) plain(rest []rune) bool {
	if rest[0] != w.next() {
		return false
	}
	w.take(1)
	return true
}

func (w *walker) apostrophe(rest []rune) bool {
	if len(rest) > 1 && rest[0] == '\'' && rest[1] == '\'' && w.next() == '\'' {
		w.take(2)
		return true
	}
	return w.plain(rest)
}

// escapes are what the letters after a backslash stand for.
var escapes = map[rune]rune{'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r',
	'e': 0x1B, ' ': ' ', '"': '"', '/': '/', '\\': '\\', 'N': 0x85, '_': 0xA0, 'L': 0x2028, 'P': 0x2029}

func (w *walker) escaped(rest []rune) bool {
	if rest[0] != '\\' {
		return w.plain(rest)
	}
	if len(rest) == 1 {
		return w.fold(0)
	}
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[rest[1]]
	c, known := escapes[rest[1]]
	if digits > 0 && len(rest) >= 2+digits {
		n, err := strconv.ParseUint(string(rest[2:2+digits]), 16, 32)
		c, known = rune(n), err == nil
	}
	if !known || c != w.next() {
		return false
	}
	w.take(2 + digits)
	return true
}

// block walks along a block scalar, whose lines are indented.
func (w *walker) block(lines func(indented int) bool) bool {
	first := w.at.line + 1
	for first <= len(w.lines) && strings.TrimLeft(w.lines[first-1], " ") == "" {
		first++
	}
	if first > len(w.lines) {
		return false
	}
	extra := len(indent([]rune(strings.TrimLeft(string(w.value), "\n"))))
	indented := len(w.lines[first-1]) - len(strings.TrimLeft(w.lines[first-1], " ")) - extra
	return indented >= 0 && lines(indented)
}

func (w *walker) literal(indented int) bool {
	w.goTo(spot{w.at.line + 1, indented + 1})
	for len(w.found) < len(w.value) {
		switch rest := w.rest(); {
		case w.next() == '\n':
			if len(rest) > 0 {
				return false
			}
			w.take(0)
			w.goTo(spot{w.at.line + 1, indented + 1})
		case len(rest) == 0 || !w.plain(rest):
			return false
		}
	}
	return true
}

func (w *walker) folded(indented int) bool {
	w.at.col = len(w.line) + 1
	for len(w.found) < len(w.value) {
		if rest := w.rest(); len(rest) > 0 {
			if !w.plain(rest) {
				return false
			}
			continue
		}
		ends := len(w.found)
		for len(w.found) < len(w.value) && w.next() == '\n' {
			w.take(0)
		}
		if ends == len(w.found) && ends > 0 && w.next() == ' ' {
			w.take(0)
		}
		w.down(func([]rune) int { return indented + 1 })
		if w.at.line > len(w.lines) {
			return len(w.found) == len(w.value)
		}
	}
	return true
}
