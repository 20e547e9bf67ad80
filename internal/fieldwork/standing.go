package fieldwork

import (
	"fmt"

	"github.com/suyang-survey/suyang/surveys"
)

// Standing is what the fieldwork says of a case to whoever weighs and estimates.
type Standing struct {
	Case string
	// Disposition is the final disposition as it is now.
	Disposition Code
	// Eligible is k, the number of eligible persons of the household among whom one was
	// selected, so that the probability of the last stage is 1/k. 0: nobody was selected in
	// a household, since the persons were drawn by name or nobody was reached.
	Eligible int
	// Counts says that the interview of the case passed its reviews. An interview of a
	// case that does not count is in no estimate.
	Counts bool
}

// MaxEligible is the most eligible persons of a household that are believed.
const MaxEligible = 50

// Check says what is wrong with a standing; the error wraps surveys.ErrInvalid.
func (s Standing) Check() error {
	class, err := s.Disposition.Class()
	switch {
	case err != nil:
		return fmt.Errorf("case %q: %w", s.Case, err)
	case s.Eligible < 0 || s.Eligible > MaxEligible:
		return fmt.Errorf("case %q: %d persons of the household are eligible; from 0 to %d are believed: %w", s.Case, s.Eligible, MaxEligible, surveys.ErrInvalid)
	case s.Counts && !class.interview():
		return fmt.Errorf("case %q counts, but its disposition %s is no interview: %w", s.Case, s.Disposition, surveys.ErrInvalid)
	}
	return nil
}
