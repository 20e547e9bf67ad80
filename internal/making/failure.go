package making

import (
	"context"
	"errors"
	"syscall"

	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/internal/report/pdf"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// Why says why something could not be made.
type Why string

// The reasons.
const (
	WhyTexts   Why = "texts"   // texts that people wrote have faults
	WhyStore   Why = "store"   // ClickHouse does not answer
	WhyGone    Why = "gone"    // what it is made of is not there, such as a set of weights
	WhyBrowser Why = "browser" // there is no browser that prints the PDF
	WhyDisk    Why = "disk"    // the disk is full
	WhyEnded   Why = "ended"   // the program ended
	WhyLong    Why = "long"    // it took too long
	WhyEdited  Why = "edited"  // a published file was changed by hand
	WhyBusy    Why = "busy"    // something is changing, or in the way
	WhyInvalid Why = "invalid" // a plan, a weighting or data that cannot be used
	WhyOurs    Why = "ours"    // anything else
)

// Whys lists the reasons.
func Whys() []Why {
	return []Why{WhyTexts, WhyStore, WhyGone, WhyBrowser, WhyDisk, WhyEnded, WhyLong, WhyEdited, WhyBusy, WhyInvalid, WhyOurs}
}

// Failure is why something could not be made.
type Failure struct {
	Why Why `json:"why"`
	// Detail is the text of the error, in English, for whoever can do something about it;
	// empty for a fault of ours, which stands in the log of the program.
	Detail string `json:"detail,omitempty"`
	// Texts are the faults of texts, all of them.
	Texts []*report.TextFault `json:"texts,omitempty"`
}

// whys says which reason belongs to an error; the first that matches counts.
var whys = []struct {
	err error
	why Why
}{
	{context.Canceled, WhyEnded},
	{context.DeadlineExceeded, WhyLong},
	{syscall.ENOSPC, WhyDisk},
	{pdf.ErrNoBrowser, WhyBrowser},
	{surveys.ErrUnavailable, WhyStore},
	{waves.ErrEdited, WhyEdited},
	{surveys.ErrConflict, WhyBusy},
	{surveys.ErrNotFound, WhyGone},
	{surveys.ErrInvalid, WhyInvalid},
	{surveys.ErrTooLarge, WhyInvalid},
}

// FailureOf says why something failed; nil for no error.
func FailureOf(err error) *Failure {
	if err == nil {
		return nil
	}
	if faults := report.TextFaults(err); len(faults) > 0 {
		return &Failure{Why: WhyTexts, Texts: faults}
	}
	for _, w := range whys {
		if errors.Is(err, w.err) {
			f := &Failure{Why: w.why}
			if w.why == WhyEdited || w.why == WhyBusy || w.why == WhyGone || w.why == WhyInvalid {
				f.Detail = err.Error()
			}
			return f
		}
	}
	return &Failure{Why: WhyOurs}
}
