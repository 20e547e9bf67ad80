package waves

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// Weighting is the record of how a set of weights was made.
type Weighting struct {
	Step        weighting.Step
	Assumptions []assess.Assumption
}

func weightingFile(name string) string { return "weights-" + name + ".json" }

// SaveWeighting keeps the record of a set of weights. A name belongs to one record
// for good: another one under it is an ErrConflict.
func (f Folder) SaveWeighting(id, name string, w Weighting) error {
	if !idPattern.MatchString(name) {
		return fmt.Errorf("%w: weights %q: use a-z, 0-9 and hyphens, such as raked-1", surveys.ErrInvalid, name)
	}
	data, err := json.MarshalIndent(w, "", "\t")
	if err != nil {
		return fmt.Errorf("record of weights %s: %w", name, err)
	}
	return f.freeze(id, weightingFile(name), data)
}

// Weighting reads the record of a set of weights.
func (f Folder) Weighting(id, name string) (Weighting, error) {
	var w Weighting
	if !idPattern.MatchString(name) {
		return w, fmt.Errorf("wave %s has no weights %q: %w", id, name, surveys.ErrNotFound)
	}
	data, err := os.ReadFile(filepath.Join(string(f), id, weightingFile(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return w, fmt.Errorf("wave %s has no weights %q; make them with suyang weigh: %w", id, name, surveys.ErrNotFound)
	}
	if err != nil {
		return w, err
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return w, fmt.Errorf("record of weights %s of wave %s: %w", name, id, err)
	}
	return w, nil
}
