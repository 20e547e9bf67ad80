package surveys

import (
	"errors"
	"strconv"
	"time"
)

// Answers holds what was said, by item ID. A single, number, date, region or text item
// has one value, a multiple item one value for each chosen option, in the order of the
// options, a ranking one for each option, the most preferred first. An item that was
// asked and left blank is present with no value; an item that was not asked is absent.
// An item of a roster has one entry for each row, see RowKey.
type Answers map[string][]string

// RowKey is the key of the answer to a roster's item in a row, counted from 1:
// "age#2".
func RowKey(item string, row int) string { return item + "#" + strconv.Itoa(row) }

// First returns the first value of an item, or "".
func (a Answers) First(item string) string {
	if v := a[item]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Interview is a finished questionnaire on its way to the server. Its JSON is the
// body of a submission.
type Interview struct {
	// ID is a UUID made where the interview took place; with Revision it makes a
	// repeated submission count once.
	ID       string `json:"id"`
	Revision uint32 `json:"revision"`
	// Survey is the questionnaire's ID, Version its content hash.
	Survey  string `json:"survey"`
	Version string `json:"version"`
	// Wave is the survey wave the interview belongs to.
	Wave string `json:"wave"`
	// Case is the sampled unit; empty for an open link.
	Case     string    `json:"case,omitempty"`
	Mode     Mode      `json:"mode"`
	Lang     Lang      `json:"lang"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Answers  Answers   `json:"answers"`
	// Booklet is the one that the case was given; empty when there are none.
	Booklet string `json:"booklet,omitempty"`
	// Partial interviews were broken off; Last is the item that was reached and not
	// passed. They count in no estimate, and a complete interview of the same ID with a
	// higher revision takes their place.
	Partial bool   `json:"partial,omitempty"`
	Last    string `json:"last,omitempty"`
	// Paradata tells how the interview went.
	Paradata Paradata `json:"paradata,omitzero"`
}

// Paradata tells how an interview went: what was put before the person, in which
// order, and how long it took. It holds no answers.
type Paradata struct {
	// Seed makes the random orders; 0 when nothing was shuffled.
	Seed uint32 `json:"seed,omitempty"`
	// Orders are the orders shown: option codes by item ID, item IDs by section ID, and
	// section IDs under "".
	Orders map[string][]string `json:"orders,omitempty"`
	// Millis is the time spent on an item that stood alone on its page, or on the page
	// that begins with it, in milliseconds, added over all visits.
	Millis map[string]int64 `json:"millis,omitempty"`
	// Kept are the soft checks that the person was shown and went past: the item ID, or
	// the section ID, with the number of its check from 1, such as "age:1".
	Kept []string `json:"kept,omitempty"`
}

// Mode is how an interview was done.
type Mode string

// The modes.
const (
	ModeWeb    Mode = "web"    // the respondent's own phone or computer
	ModeTablet Mode = "tablet" // an enumerator at the door
	ModePaper  Mode = "paper"  // a questionnaire on paper, typed in at the desk
	ModeImport Mode = "import" // microdata of another survey
)

// Response is the record of an interview that was accepted: durable in the log
// of Node under Seq.
type Response struct {
	Interview
	Node     uint16
	Seq      uint64
	Received time.Time
	// BodyHash is the SHA-256 of the submitted body.
	BodyHash [32]byte
	// Inclusion is the probability with which a person was asked an item, for the items
	// of the booklet that not everybody is asked. It follows from the published version.
	Inclusion map[string]float64
}

// Errors that callers tell apart with errors.Is; they carry the words around them.
var (
	ErrInvalid     = errors.New("invalid")
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")
	ErrTooLarge    = errors.New("too large")
	ErrClosed      = errors.New("closed")
	ErrUnavailable = errors.New("unavailable")
)
