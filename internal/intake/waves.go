package intake

import (
	"fmt"
	"sync"

	"github.com/suyang-survey/suyang/surveys"
)

// Waves is the list of published waves, each with the versions of its questionnaire
// that interviews may still come in with. It satisfies Forms; the zero value is empty.
type Waves struct {
	mu    sync.RWMutex
	waves map[string]map[edition]Form
}

type edition struct{ survey, version string }

// Publish lets interviews of wave in that were held with this version of survey.
func (w *Waves) Publish(wave, survey, version string, f Form) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waves == nil {
		w.waves = map[string]map[edition]Form{}
	}
	if w.waves[wave] == nil {
		w.waves[wave] = map[edition]Form{}
	}
	w.waves[wave][edition{survey, version}] = f
}

// Form returns the form of a published wave.
func (w *Waves) Form(wave, survey, version string) (Form, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	editions, ok := w.waves[wave]
	if !ok {
		return nil, fmt.Errorf("no such wave is published: %w", surveys.ErrNotFound)
	}
	f, ok := editions[edition{survey, version}]
	if !ok {
		return nil, fmt.Errorf("the wave does not use this version of the questionnaire; load the form again: %w", surveys.ErrInvalid)
	}
	return f, nil
}
