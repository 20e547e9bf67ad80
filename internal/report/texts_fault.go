package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// TextFault is something that is wrong with a text that a person wrote. It wraps
// surveys.ErrInvalid.
type TextFault struct {
	// Name stands for the file, Line is counted from 1.
	Name string
	Line int
	Kind TextFaultKind
	// What is what is wrong, word by word as the kind says.
	What []string
}

// TextFaultKind says what is wrong.
type TextFaultKind string

// The kinds of faults, with what TextFault.What has of them.
const (
	FaultHeading       TextFaultKind = "heading"        // a line
	FaultNoBlock       TextFaultKind = "no-block"       // a line
	FaultBehindComment TextFaultKind = "behind-comment" // a line
	FaultComment       TextFaultKind = "comment"
	FaultOpenComment   TextFaultKind = "open-comment"
	FaultTwice         TextFaultKind = "twice" // a block, the line in which it stands first
	FaultBrace         TextFaultKind = "brace"
	FaultOdd           TextFaultKind = "odd"
	FaultUnknownBlock  TextFaultKind = "unknown-block" // a block, those that there are
	FaultNoNumber      TextFaultKind = "no-number"     // a blank
	FaultNoTable       TextFaultKind = "no-table"      // a blank, a table
	FaultNoGroup       TextFaultKind = "no-group"      // a blank, a table, a group
	FaultNoPart        TextFaultKind = "no-part"       // a blank, what a group has not
	FaultMissing       TextFaultKind = "missing"       // a blank
	FaultWithheld      TextFaultKind = "withheld"      // a blank
	FaultRevealing     TextFaultKind = "revealing"     // the name of a group
)

// textFaultTexts are the texts of errors, which name what is wrong and the way out.
var textFaultTexts = map[TextFaultKind]string{
	FaultHeading:       "%q is no heading of a block; write ## and the ID of a block, such as ## findings",
	FaultNoBlock:       "%q stands before the first block; put it below a heading such as ## findings",
	FaultBehindComment: "%q stands behind a comment; write it on a line of its own",
	FaultComment:       "a comment stands behind text, and would be printed; write it on a line of its own",
	FaultOpenComment:   "this comment never ends; close it with -->",
	FaultTwice:         "the block %q stands there twice, first in line %s; keep one",
	FaultBrace:         "a brace is open or was never opened; a blank is written {rate} or {city.330100}",
	FaultOdd:           "the line has a character that no document can have; type it anew",
	FaultUnknownBlock:  "the report has no block %q; blocks of this report: %s",
	FaultNoNumber:      "{%s}: there is no such number; write {rate}, {score}, {interval}, {n}, or {table.code} of a group, such as {city.330100}",
	FaultNoTable:       "{%s}: the report has no table %q by groups",
	FaultNoGroup:       "{%s}: the table %q has no group %q",
	FaultNoPart:        "{%s}: %q is nothing a group has; write score, interval or n, or leave it out",
	FaultMissing:       "{%s}: the number does not exist; take the blank out",
	FaultWithheld:      "{%s}: the number is withheld; take the blank out",
	FaultRevealing:     "the paragraph gives the rate or the mean score of %q, which is withheld; take it out",
}

// TextFaultKinds lists the kinds.
func TextFaultKinds() (list []TextFaultKind) {
	for kind := range textFaultTexts {
		list = append(list, kind)
	}
	slices.Sort(list)
	return list
}

func (f *TextFault) Error() string {
	args := make([]any, len(f.What))
	for i, w := range f.What {
		args[i] = w
	}
	return fmt.Sprintf("%s:%d: %v: ", f.Name, f.Line, surveys.ErrInvalid) + fmt.Sprintf(textFaultTexts[f.Kind], args...)
}

func (f *TextFault) Unwrap() error { return surveys.ErrInvalid }

func (t *Texts) fault(line int, kind TextFaultKind, what ...string) *TextFault {
	return &TextFault{t.name, line, kind, what}
}

// blankFault is one of a blank, whose place the caller knows.
func blankFault(kind TextFaultKind, what ...string) *TextFault {
	return &TextFault{Kind: kind, What: what}
}

// joined is one error of all faults, in the order of their lines; nil without any.
func joined(faults []*TextFault) error {
	var errs []error
	for _, f := range inOrder(faults) {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

// inOrder are faults in the order of their lines.
func inOrder(faults []*TextFault) []*TextFault {
	return slices.SortedStableFunc(slices.Values(faults), func(a, b *TextFault) int { return cmp.Compare(a.Line, b.Line) })
}

// TextFaults are the faults of texts that an error names, in its order.
func TextFaults(err error) (list []*TextFault) {
	switch e := err.(type) {
	case *TextFault:
		return []*TextFault{e}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			list = append(list, TextFaults(one)...)
		}
	case interface{ Unwrap() error }:
		return TextFaults(e.Unwrap())
	}
	return list
}

// hasComment says whether a line begins or ends a comment.
func hasComment(line string) bool {
	return strings.Contains(line, "<!--") || strings.Contains(line, "-->")
}
