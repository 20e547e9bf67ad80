package form

import (
	"errors"

	"github.com/suyang-survey/suyang/surveys/expr"
)

// limits is what is left to a session's expressions until the answers change again, so
// that no form can take a server's time or memory, however many expressions it has.
type limits struct {
	steps    int // of all expressions
	computed int // bytes of all calculated values
}

// fullLimits are far beyond what a form of 10,000 items needs; a run to the end takes
// some tenths of a second.
var fullLimits = limits{steps: 10_000_000, computed: 2 << 20}

var errComputed = errors.New("the calculated values are too large together")

// take takes the room of a calculated value.
func (l *limits) take(v expr.Value) error {
	if v.Type().IsList() {
		for _, e := range v.List() {
			l.computed -= len(e.Text()) + 16
		}
	} else if v.Type() == expr.String {
		l.computed -= len(v.Text())
	}
	if l.computed < 0 {
		return errComputed
	}
	return nil
}

// The limits of a text that speaks of answers: how deep the words of options may speak of
// further answers, how many places are filled in, and its bytes.
const (
	maxTextDepth = 3
	maxTextParts = 2000
	maxTextBytes = 64 << 10
)
