package intake

import (
	"fmt"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Waves is the list of published waves, each with the versions of its questionnaire
// that interviews may still come in with. It satisfies Forms; the zero value is empty.
type Waves struct {
	mu    sync.RWMutex
	waves map[string]map[edition]*Edition
}

type edition struct{ survey, version string }

// Edition is one version of a questionnaire in a wave: its form, and what else an
// interview must keep to.
type Edition struct {
	Form
	// Ends is the first moment after the form's validity; zero means never.
	Ends time.Time
	// Booklets are those that cases were given when they were drawn.
	Booklets map[string]string
}

// Publish lets interviews of wave in that were held with this version of survey.
func (w *Waves) Publish(wave, survey, version string, e Edition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waves == nil {
		w.waves = map[string]map[edition]*Edition{}
	}
	if w.waves[wave] == nil {
		w.waves[wave] = map[edition]*Edition{}
	}
	w.waves[wave][edition{survey, version}] = &e
}

// Edition returns a version of a published wave.
func (w *Waves) Edition(wave, survey, version string) (*Edition, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	editions, ok := w.waves[wave]
	if !ok {
		return nil, fmt.Errorf("no such wave is published: %w", surveys.ErrNotFound)
	}
	e, ok := editions[edition{survey, version}]
	if !ok {
		return nil, fmt.Errorf("the wave does not use this version of the questionnaire; load the form again: %w", surveys.ErrInvalid)
	}
	return e, nil
}
