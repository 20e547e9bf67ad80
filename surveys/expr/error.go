package expr

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrNoValue is the kind of error that a variable without an answer makes.
var ErrNoValue = errors.New("no value")

// ErrLimit is the kind of error that an expression makes which is too long, nested
// too deeply, or needs too many steps or too large values.
var ErrLimit = errors.New("limit")

// errSubset marks what CEL has and this language leaves out.
var errSubset = errors.New("not in the subset")

// Error is a mistake in an expression, or what went wrong while it ran. Its kind,
// ErrNoValue or ErrLimit, is found with errors.Is.
type Error struct {
	// Line and Col are where, counted from 1; Col counts characters.
	Line, Col int
	// Msg says what is wrong, and the way out when there is one.
	Msg string
	// Source is the whole expression.
	Source string

	kind error
}

// around is how many characters of a long line are shown before and after the place.
const around = 60

// Error shows place and message, then the line with a caret below the place. Of a long
// line it shows the part around the place.
func (e *Error) Error() string {
	line := []rune(strings.Split(e.Source, "\n")[e.Line-1])
	at := min(e.Col-1, len(line))
	from, to := max(0, at-around), min(len(line), at+around)
	var shown, below strings.Builder
	if from > 0 {
		shown.WriteString("…")
		below.WriteByte(' ')
	}
	for i, r := range line[from:to] {
		if unseen(r) {
			r = '\uFFFD'
		}
		shown.WriteRune(r)
		if from+i < at && !joined(r) {
			below.WriteRune(blank(r))
		}
	}
	if to < len(line) {
		shown.WriteString("…")
	}
	return strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg +
		"\n  " + shown.String() + "\n  " + below.String() + "^"
}

// unseen reports characters that would change how the line is shown: controls, and the
// marks that turn the direction of writing.
func unseen(r rune) bool {
	return r < ' ' && r != '\t' || r >= 0x7F && r < 0xA0 || r == 0x061C || r == 0x200E || r == 0x200F ||
		r >= 0x2028 && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// joined reports characters without a width of their own: accents that stand on the one
// before, and joiners.
func joined(r rune) bool {
	return r >= 0x0300 && r <= 0x036F || r >= 0x200B && r <= 0x200D || r >= 0x20D0 && r <= 0x20FF ||
		r >= 0x3099 && r <= 0x309A || r >= 0xFE00 && r <= 0xFE0F || r == 0xFEFF || r >= 0xE0100 && r <= 0xE01EF
}

// Unwrap returns the kind of the error, for errors.Is.
func (e *Error) Unwrap() error { return e.kind }

// blank is a space as wide as r, so that the caret stands below its place in
// Chinese text too.
func blank(r rune) rune {
	switch {
	case r == '\t':
		return '\t'
	case r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF,
		r >= 0xFE30 && r <= 0xFE6F, r >= 0xFF00 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6,
		r >= 0x1F300 && r <= 0x1F64F, r >= 0x1F680 && r <= 0x1F6FF, r >= 0x1F900 && r <= 0x1FAFF,
		r >= 0x20000 && r <= 0x3FFFD:
		return '\u3000'
	}
	return ' '
}

// errorAt makes an error at a byte offset of the source.
func errorAt(src string, pos int, kind error, msg string) *Error {
	before := src[:pos]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Line:   strings.Count(before, "\n") + 1,
		Col:    utf8.RuneCountInString(before[start:]) + 1,
		Msg:    msg,
		Source: src,
		kind:   kind,
	}
}
