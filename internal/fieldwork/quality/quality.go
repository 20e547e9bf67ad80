// Package quality looks for interviews and enumerators that deserve a second look: too
// fast, the same answer down a whole block, few substantive answers, answers like those of
// another interview, far from the drawn place, at night, knowledge out of the order of
// difficulty, and enumerators whose interviews differ from those beside them.
//
// A Wave takes the finished interviews one by one and keeps them in compact columns; each
// flag is a method with a rule of its own, and Judge asks all of them:
//
//	w := quality.New(questionnaire)
//	err := w.Add(quality.Interview{Interview: iv, Enumerator: "E07", PSU: "330106001"})
//	findings, err := w.Judge(quality.DefaultRules())
//
// A flag is a reason to listen, call back or visit, never a proof, and no reason to leave
// an interview out by itself. What cannot be judged is said to be so, with the reason; it
// is neither clear nor flagged. How often each flag strikes honest interviews, and how
// often those with a fault, stands in web/docs/reference/quality.md and is held by a test.
package quality

import (
	"errors"
	"fmt"

	"github.com/suyang-survey/suyang/surveys"
)

// Flag names what is looked for.
type Flag string

// The flags. EnumeratorEffect is about the wave, EnumeratorApart about an enumerator, all
// others about an interview.
const (
	TooFast          Flag = "too-fast"
	StraightLine     Flag = "straight-line"
	NoAnswer         Flag = "no-answer"
	Duplicate        Flag = "duplicate"
	FarAway          Flag = "far-away"
	Night            Flag = "night"
	PersonFit        Flag = "person-fit"
	EnumeratorApart  Flag = "enumerator-apart"
	EnumeratorEffect Flag = "enumerator-effect"
)

// Outcome is what a flag says.
type Outcome string

// The outcomes. Unjudged is the zero value: what nobody looked at is not clear.
const (
	Unjudged Outcome = ""
	Clear    Outcome = "clear"
	Flagged  Outcome = "flagged"
)

// Why is the reason for which something could not be judged, or the part of a rule that
// flagged it; Words writes it out.
type Why string

// Finding is what a flag says about one interview, one enumerator, or the wave.
type Finding struct {
	Flag    Flag
	Outcome Outcome
	// Interview is the ID of the interview, Case that of its case, empty when it has none, and
	// Enumerator that of who did it. A finding about an enumerator has no Interview, one about
	// the wave has neither.
	Interview, Case, Enumerator string
	// Measure is what enumerators are compared on.
	Measure Measure
	// With is the other interview of a duplicate, and WithCase its case.
	With, WithCase string
	// Why says why it could not be judged, or by which part of the rule it was flagged.
	Why Why
	// Value is flagged when it is beyond Threshold: below it for TooFast, further from 0 in
	// either direction for EnumeratorApart, above it for the others, or at it where the
	// method says so. Units are those of the flag's method. Both are 0 when it could not be
	// judged.
	Value, Threshold float64
	// P is the p value after the rule for multiplicity, of the flags that have one.
	P float64
	// N is what the value rests on: pages, blocks, items, interviews, see the flag's method.
	N int
}

// Rules are the rules of all flags.
type Rules struct {
	Speed      SpeedRule
	Line       LineRule
	NoAnswer   NoAnswerRule
	Duplicate  DuplicateRule
	Distance   DistanceRule
	Night      NightRule
	Fit        FitRule
	Enumerator EnumeratorRule
}

// DefaultRules are the rules whose rates the manual gives.
func DefaultRules() Rules {
	return Rules{
		Speed: DefaultSpeed(), Line: DefaultLine(), NoAnswer: DefaultNoAnswer(), Duplicate: DefaultDuplicate(),
		Distance: DefaultDistance(), Night: DefaultNight(), Fit: DefaultFit(), Enumerator: DefaultEnumerator(),
	}
}

// Check says which parameters make no sense; the error wraps surveys.ErrInvalid.
func (r Rules) Check() error {
	return errors.Join(r.Speed.check(), r.Line.check(), r.NoAnswer.check(), r.Duplicate.check(),
		r.Distance.check(), r.Night.check(), r.Fit.check(), r.Enumerator.check())
}

// within complains about a parameter outside lo to hi.
func within(name string, x, lo, hi float64) error {
	if x >= lo && x <= hi {
		return nil
	}
	return fmt.Errorf("quality rule: %w: %s is %v; it must be from %v to %v", surveys.ErrInvalid, name, x, lo, hi)
}

// Judge asks every flag about every interview, then about the enumerators. The findings
// are in the order of the flags, within one in the order in which interviews were added.
// The same interviews in the same order give the same findings.
func (w *Wave) Judge(r Rules) ([]Finding, error) {
	var out []Finding
	for _, judge := range []func() ([]Finding, error){
		func() ([]Finding, error) { return w.TooFast(r.Speed) },
		func() ([]Finding, error) { return w.StraightLine(r.Line) },
		func() ([]Finding, error) { return w.NoAnswer(r.NoAnswer) },
		func() ([]Finding, error) { return w.Duplicates(r.Duplicate) },
		func() ([]Finding, error) { return w.FarAway(r.Distance) },
		func() ([]Finding, error) { return w.Night(r.Night) },
		func() ([]Finding, error) { return w.PersonFit(r.Fit) },
		func() ([]Finding, error) { return w.Enumerators(r.Enumerator) },
	} {
		found, err := judge()
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
