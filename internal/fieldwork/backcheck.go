package fieldwork

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// A BackCheck is what came of asking about an interview again. It holds no answers, only
// how many of those asked again agree.
type BackCheck struct {
	At  time.Time `json:"at"`
	Who string    `json:"who"`
	// Reached says that somebody of the household could be asked. When not, nothing else
	// is known.
	Reached bool `json:"reached"`
	// Faults are what is wrong with the interview, none when it is confirmed.
	Faults []BackCheckFault `json:"faults,omitempty"`
	// Compared answers were asked again, of which Differing are not as they were given.
	Compared  int    `json:"compared,omitempty"`
	Differing int    `json:"differing,omitempty"`
	Remark    string `json:"remark,omitempty"`
}

// BackCheckFault is something that a back-check found.
type BackCheckFault string

// The faults that a back-check can find.
const (
	NoInterview  BackCheckFault = "no-interview"  // there was none
	OtherPerson  BackCheckFault = "other-person"  // another person than the selected one answered
	OtherListing BackCheckFault = "other-listing" // the household is not as it was listed
	Shortened    BackCheckFault = "shortened"     // questions were left out or answered for the person
	OtherMode    BackCheckFault = "other-mode"    // by telephone instead of a visit, or on paper
	OtherAnswers BackCheckFault = "other-answers" // facts that cannot have changed differ
)

// BackCheckFaults lists them.
func BackCheckFaults() []BackCheckFault {
	return []BackCheckFault{NoInterview, OtherPerson, OtherListing, Shortened, OtherMode, OtherAnswers}
}

// Check says what is wrong with a back-check; the error wraps surveys.ErrInvalid.
func (b BackCheck) Check() error {
	fault := func(format string, args ...any) error {
		return invalidf("back-check: %s", fmt.Sprintf(format, args...))
	}
	switch {
	case b.Who == "" || b.At.IsZero():
		return fault("say who asked and when")
	case !b.Reached && (len(b.Faults) > 0 || b.Compared > 0):
		return fault("nobody was reached, and yet something was found")
	case b.Compared < 0 || b.Differing < 0 || b.Differing > b.Compared:
		return fault("%d of %d answers differ", b.Differing, b.Compared)
	}
	for i, f := range b.Faults {
		if !slices.Contains(BackCheckFaults(), f) || slices.Contains(b.Faults[:i], f) {
			return fault("%q is no fault that is known, or stands there twice; use %v", f, BackCheckFaults())
		}
	}
	return nil
}

// Checkable is an interview that can be drawn for a back-check.
type Checkable struct{ Case, Interview, Enumerator string }

// BackCheckRule says how many interviews are asked about again.
type BackCheckRule struct {
	// Share is the chance of every interview, and Least the number of each enumerator, as
	// far as there are that many.
	Share float64
	Least int
}

// DefaultBackCheckRule asks about a tenth, and three of each enumerator.
var DefaultBackCheckRule = BackCheckRule{Share: 0.1, Least: 3}

// DrawBackChecks draws the interviews to ask about again. Every interview has a number in
// [0, 1) from the seed and its ID, and is drawn when that lies below the share: the chance
// is the same whenever the interview came, however often it is drawn, as long as the seed of
// a wave stays the same (Bernoulli sampling with permanent random numbers; Ohlsson 1995). An
// enumerator with fewer than the least number is then given those with the lowest numbers
// beyond it, which favours interviews that were there when the number was still missing.
// checked counts those of each enumerator that were drawn before, and are not among the
// interviews given. The result is in the order of the cases.
func DrawBackChecks(seed int, interviews []Checkable, checked map[string]int, rule BackCheckRule) ([]Checkable, error) {
	if !(rule.Share >= 0 && rule.Share <= 1) || rule.Least < 0 {
		return nil, invalidf("back-checks of a share of %v, at least %d: give a share from 0 to 1", rule.Share, rule.Least)
	}
	type numbered struct {
		Checkable
		number float64
	}
	list := make([]numbered, len(interviews))
	for i, c := range interviews {
		list[i] = numbered{c, stream(seed, "back-check", c.Interview).Float64()}
	}
	slices.SortFunc(list, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.Interview, b.Interview), cmp.Compare(a.Case, b.Case))
	})
	of := maps.Clone(checked)
	if of == nil {
		of = map[string]int{}
	}
	var drawn []Checkable
	for _, c := range list {
		if c.number < rule.Share || of[c.Enumerator] < rule.Least {
			drawn = append(drawn, c.Checkable)
			of[c.Enumerator]++
		}
	}
	slices.SortFunc(drawn, func(a, b Checkable) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.Interview, b.Interview))
	})
	return drawn, nil
}

// BackCheckTally is what the back-checks of one enumerator came to.
type BackCheckTally struct {
	Enumerator                       string
	Drawn, Done, Reached, Discrepant int
	// Compared answers were asked again, of which Differing differ.
	Compared, Differing int
}

// Add counts a back-check; nil is one that is not done yet.
func (t *BackCheckTally) Add(b *BackCheck) {
	t.Drawn++
	if b == nil {
		return
	}
	t.Done++
	if !b.Reached {
		return
	}
	t.Reached++
	if len(b.Faults) > 0 {
		t.Discrepant++
	}
	t.Compared += b.Compared
	t.Differing += b.Differing
}

// Discrepancies is the share of reached interviews with a fault and its 95 % interval by
// Wilson (1927); known is false when nobody was reached. The sample is one of the
// enumerator's interviews, so the share estimates that of all of them, as far as they were
// drawn by their chance and not to reach the least number.
func (t BackCheckTally) Discrepancies() (share, lower, upper float64, known bool) {
	n := float64(t.Reached)
	if n == 0 {
		return 0, 0, 0, false
	}
	const z = 1.959963984540054 // the 97.5 % point of the normal distribution
	p := float64(t.Discrepant) / n
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return p, max(middle-half, 0), min(middle+half, 1), true
}
