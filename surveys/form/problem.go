package form

import (
	"strconv"

	"github.com/suyang-survey/suyang/surveys"
)

// Code is the kind of a problem. The strings are keys under which web/text has the
// words for people.
type Code string

// The kinds of problems.
const (
	Required          Code = "required"           // a required item was left blank
	Missing           Code = "missing"            // a relevant item was never put to the person
	NotAnOption       Code = "not-an-option"      // the item has no such option
	SeveralValues     Code = "several-values"     // more than one value for one answer
	Exclusive         Code = "exclusive"          // an option that stands alone was chosen with others
	NotANumber        Code = "not-a-number"       // the answer is no number
	TooManyDecimals   Code = "too-many-decimals"  // a number with more than Limit decimals
	TooLong           Code = "too-long"           // more than Limit characters, or digits of a number
	ControlCharacters Code = "control-characters" // characters that are not text
	Constraint        Code = "constraint"         // the item's constraint is false; Message says so in words
	Expression        Code = "expression"         // an expression failed while it ran; Detail says how
	UnknownItem       Code = "unknown-item"       // an answer to an item that the form does not have
	NotRelevant       Code = "not-relevant"       // an answer to an item that was not to be asked
	NotNormal         Code = "not-normal"         // an answer that is not in normal form
)

// Problem is one thing that is wrong with the answers. It never holds an answer, so
// it can be logged.
type Problem struct {
	Section string
	Item    string
	Code    Code
	// Limit is the greatest number of characters, digits or decimals, where Code speaks of one.
	Limit int
	// Message is the questionnaire's own words for a broken constraint; it may be empty.
	Message surveys.Text
	// Detail is the technical cause of an Expression problem, in English.
	Detail string
}

// String says in English where and what, for logs and reasons.
func (p Problem) String() string {
	where := p.Section
	if p.Item != "" {
		where = p.Item
	}
	s := where + ": " + string(p.Code)
	if p.Limit > 0 {
		s += " (limit " + strconv.Itoa(p.Limit) + ")"
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}
