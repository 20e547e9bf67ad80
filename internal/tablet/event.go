package tablet

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/fieldwork/household"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/surveys"
)

// The kinds of events.
const (
	kindAttempt = "attempt"
	kindSelect  = "select"
	kindRelist  = "relist"
	kindNote    = "note"
	kindBegin   = "begin"
	kindFinish  = "finish"
	kindPart    = "part"
	// otherKind counts those that are not known; they are kept, and change nothing.
	otherKind = "other"
)

// kinds lists the known kinds.
var kinds = []string{"open", "checkout", "checkin", kindAttempt, kindSelect, kindRelist, kindNote, kindBegin, "step", kindFinish, kindPart, "clock"}

// countedKind is the kind of an event as it is counted. It reads no further than to the kind,
// which tablets write first.
func countedKind(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return otherKind
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return otherKind
		}
		if name == "kind" {
			var kind string
			if d.Decode(&kind) != nil || !slices.Contains(kinds, kind) {
				return otherKind
			}
			return kind
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return otherKind
		}
	}
	return otherKind
}

// event is what is read of an event.
type event struct {
	Kind      string              `json:"kind"`
	At        string              `json:"at"`
	Wave      string              `json:"wave"`
	Case      string              `json:"case"`
	Attempt   *fieldwork.Attempt  `json:"attempt"`
	Evidence  *household.Evidence `json:"evidence"`
	Listing   *household.Listing  `json:"listing"`
	Text      string              `json:"text"`
	Interview string              `json:"interview"`
	Body      string              `json:"body"`
}

// actions are what events do with a case. A finished or broken-off interview is submitted by
// way of the intake.
var actions = map[string]fieldwork.Action{
	kindAttempt: fieldwork.Try, kindSelect: fieldwork.Select, kindRelist: fieldwork.Relist, kindNote: fieldwork.Comment, kindBegin: fieldwork.Begin,
	kindFinish: fieldwork.Submit, kindPart: fieldwork.Submit,
}

// readEvent reads the text of an event. What of it cannot be read is left out, and then
// whatever it was is held.
func readEvent(text []byte) (e event, readable bool) {
	if json.Unmarshal(text, &e) == nil {
		return e, true
	}
	var bare struct{ Kind, At, Wave, Case, Interview string }
	if json.Unmarshal(text, &bare) != nil {
		return event{}, false
	}
	return event{Kind: bare.Kind, At: bare.At, Wave: bare.Wave, Case: bare.Case, Interview: bare.Interview}, false
}

// deed is what event n does with a case; ok is false when it does nothing.
func deed(n uint64, e event, readable bool) (d office.TabletDeed, ok bool) {
	action, known := actions[e.Kind]
	if !known && (readable || e.Kind != "") {
		return d, false
	}
	at, err := time.Parse(time.RFC3339, e.At)
	if err != nil {
		at = time.Time{} // the office puts it right
	}
	d = office.TabletDeed{Seq: n, Wave: e.Wave, Case: e.Case, Event: fieldwork.Event{At: at.UTC(), Action: action}}
	switch {
	case !readable:
		if d.Why = office.HeldUnreadable; !known {
			d.Event.Action = fieldwork.Comment
		}
		return d, true
	case e.Wave == "" || e.Case == "":
		d.Why = office.HeldNoCase
	}
	switch e.Kind {
	case kindAttempt:
		d.Event.Attempt = e.Attempt
	case kindSelect:
		d.Event.Selection = e.Evidence
	case kindRelist:
		if e.Listing != nil {
			d.Event.Selection = &household.Evidence{Listing: *e.Listing}
		}
	case kindNote:
		d.Event.Reason = e.Text
	case kindBegin:
		d.Event.Mode = surveys.ModeTablet
	case kindFinish, kindPart:
		d.Event.Interview, d.Event.Mode = e.Interview, surveys.ModeTablet
	}
	return d, true
}
