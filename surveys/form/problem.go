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
	NotAnOption       Code = "not-an-option"      // the item has no such option, or does not offer it now
	SeveralValues     Code = "several-values"     // more than one value for one answer
	Exclusive         Code = "exclusive"          // an option that stands alone was chosen with others
	TooFew            Code = "too-few"            // fewer than Limit options chosen, or rows
	TooMany           Code = "too-many"           // more than Limit options chosen, or rows
	Twice             Code = "twice"              // an option stands twice in a ranking
	NotANumber        Code = "not-a-number"       // the answer is no number
	NotADate          Code = "not-a-date"         // the answer is no day of the calendar
	NotADivision      Code = "not-a-division"     // the code list has no such division there
	Unfinished        Code = "unfinished"         // a division was not chosen down to the level that is asked for
	TooManyDecimals   Code = "too-many-decimals"  // a number with more than Limit decimals
	TooLong           Code = "too-long"           // more than Limit characters, or digits of a number
	ControlCharacters Code = "control-characters" // characters that are not text
	Constraint        Code = "constraint"         // a check of the item or section is false; Message says so in words
	Expression        Code = "expression"         // an expression failed while it ran; Detail says how
	UnknownItem       Code = "unknown-item"       // an answer to an item or a row that the form does not have
	UnknownPage       Code = "unknown-page"       // a page, or a time spent on one, that the form does not have
	NotRelevant       Code = "not-relevant"       // an answer to an item that was not to be asked
	NotNormal         Code = "not-normal"         // an answer that is not in normal form, or not the calculated one
	UnknownBooklet    Code = "unknown-booklet"    // the form has no such booklet
	OtherOrder        Code = "other-order"        // the orders shown are not those of the seed
	OtherChecks       Code = "other-checks"       // the soft checks gone past are not those the answers break
)

// Problem is one thing that is wrong with the answers. It never holds an answer, so
// it can be logged.
type Problem struct {
	Section string `json:"section,omitempty"`
	// Item is the key of the answer: the item's ID, in a roster with its row ("age#2").
	Item string `json:"item,omitempty"`
	Code Code   `json:"code"`
	// Limit is the number of characters, digits, decimals, options or rows, where Code
	// speaks of one.
	Limit int `json:"limit,omitempty"`
	// Message is the questionnaire's own words for a broken check; it may be empty.
	Message surveys.Text `json:"message,omitempty"`
	// Detail is the technical cause of an Expression problem, in English.
	Detail string `json:"detail,omitempty"`
	// Soft problems only ask the person to look again.
	Soft bool `json:"soft,omitempty"`
	// Check is the number of the broken check, from 1; 0 for the constraint.
	Check int `json:"check,omitempty"`
}

// String says in English where and what, for logs and reasons.
func (p Problem) String() string {
	where := p.Section
	if p.Item != "" {
		where = p.Item
	}
	if where == "" {
		where = "interview"
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

// kept is the name of a soft check in Paradata.Kept.
func (p Problem) kept() string {
	if p.Item != "" {
		return p.Item + ":" + strconv.Itoa(p.Check)
	}
	return p.Section + ":" + strconv.Itoa(p.Check)
}
