package surveys

import (
	"errors"
	"time"
)

// Answers holds what was said, by item ID. A single, number or text item has one
// value, a multiple item one value for each chosen option, in the order of the
// options. An item that was asked and left blank is present with no value; an item
// that was not asked is absent.
type Answers map[string][]string

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
}

// Mode is how an interview was done.
type Mode string

// The modes.
const (
	ModeWeb    Mode = "web"    // the respondent's own phone or computer
	ModeTablet Mode = "tablet" // an enumerator at the door
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
