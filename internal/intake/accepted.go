package intake

import (
	"errors"
	"fmt"
	"iter"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Accepted yields what was accepted after a place in the log and counts, whole interviews and
// those that were broken off, up to the last one that is durable when it begins. Damaged
// ranges and what the store can never take are passed over; any error ends it.
func (in *Intake) Accepted(after uint64) iter.Seq2[surveys.Response, error] {
	return func(yield func(surveys.Response, error) bool) {
		for r, err := range in.log.Read(after + 1) {
			var damage *wal.Damage
			switch {
			case errors.As(err, &damage):
				continue
			case err != nil:
				yield(surveys.Response{}, fmt.Errorf("read the accepted interviews: %w", err))
				return
			case !counts(r.Kind) || in.isRefused(r.Seq):
				continue
			}
			response, err := in.readResponse(r)
			if errors.Is(err, surveys.ErrInvalid) {
				continue // shipping puts it into quarantine
			}
			if !yield(response, err) || err != nil {
				return
			}
		}
	}
}
