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

// Error shows place and message, then the line with a caret below the place.
func (e *Error) Error() string {
	line := strings.Split(e.Source, "\n")[e.Line-1]
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg)
	b.WriteString("\n  " + line + "\n  ")
	n := 1
	for _, r := range line {
		if n == e.Col {
			break
		}
		b.WriteRune(blank(r))
		n++
	}
	b.WriteByte('^')
	return b.String()
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
