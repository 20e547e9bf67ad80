package household

import (
	"encoding/json"
	"fmt"

	"github.com/suyang-survey/suyang/surveys"
)

// A reply is what Call gives back.
type reply struct {
	OK       bool      `json:"ok"`
	Error    string    `json:"error,omitempty"`
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Call checks a listing, or selects the person of one, by a message: a JSON object in, one
// out. It is how a page in a browser, which cannot call Go, selects:
//
//	{"do": "check", "listing": {…}}
//	{"do": "select", "listing": {…}, "number": {…}, "commitment": "…"}
//
// The answer of select has the Evidence; it has an error when the listing cannot be used,
// and when the number is not the one that was committed at the draw.
func Call(in []byte) []byte {
	e, err := call(in)
	r := reply{OK: err == nil, Evidence: e}
	if err != nil {
		r = reply{Error: err.Error()}
	}
	out, err := json.Marshal(r)
	if err != nil {
		panic("household: a reply must be plain data: " + err.Error())
	}
	return out
}

func call(in []byte) (*Evidence, error) {
	var m struct {
		Do         string  `json:"do"`
		Listing    Listing `json:"listing"`
		Number     Number  `json:"number"`
		Commitment Digest  `json:"commitment"`
	}
	if err := json.Unmarshal(in, &m); err != nil {
		return nil, fmt.Errorf("the message is no JSON that can be read: %w", err)
	}
	switch m.Do {
	case "check":
		return nil, m.Listing.Check()
	case "select":
		if m.Commitment == (Digest{}) || m.Number.Commitment() != m.Commitment {
			return nil, fmt.Errorf("the number of case %q is not the one that was committed at the draw; fetch the case again: %w", m.Listing.Case, surveys.ErrConflict)
		}
		e, err := Reveal(m.Listing, m.Number)
		if err != nil {
			return nil, err
		}
		return &e, nil
	}
	return nil, fmt.Errorf("there is nothing called %q to do; send check or select", m.Do)
}
