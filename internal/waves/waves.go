// Package waves keeps the published waves of a state folder: for each the frozen
// questionnaire, the plan of its analysis and the sample it was drawn with.
package waves

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Wave is one survey: a questionnaire, and how it is analysed.
type Wave struct {
	ID string
	// Questionnaire is the newest version, which new interviews get. No version changes.
	Questionnaire *surveys.Questionnaire
	// Earlier are the versions before, the first one first; interviews that began with
	// one finish on it.
	Earlier []*surveys.Questionnaire
	Plan    *assess.Plan
	// Closed waves take no more answers on their pages, nor interviews that were finished
	// after ClosedAt.
	Closed   bool
	ClosedAt time.Time
	// LinksOnly waves are answered through personal and open links only.
	LinksOnly bool
	// Fieldwork is when it is planned to be.
	Fieldwork Period
}

// The files of a wave's folder.
const (
	questionnaireFile = "questionnaire.json"
	planFile          = "plan.yaml"
	sampleFile        = "sample.csv"
	targetsFile       = "targets.yaml"
)

// TargetsFile is the file of a wave's folder with the targets of its report, which the office
// may publish anew.
const TargetsFile = targetsFile

// OfficeFiles are the files of a wave that nobody but the office needs, since they list its
// cases, or are about its report.
var OfficeFiles = []string{sampleFile, targetsFile, targetsFile + sumMark}

var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// reserved are the names of pages of the desk.
var reserved = []string{"accounts", "audit", "password", "precision", "sign-in", "sign-out"}

// Folder holds the waves, one folder each.
type Folder string

// Publish freezes a wave. plan is the text of its plan file. Publishing the same
// again changes nothing. A changed questionnaire becomes the next version of the wave.
// It is an ErrConflict when its scored items, criterion, booklets or kinds of items
// differ, since the answers of all versions are analysed together, and so is another plan. A
// plan that was edited since is replaced by the published one.
func (f Folder) Publish(id string, q *surveys.Questionnaire, plan []byte) (Wave, error) {
	if !idPattern.MatchString(id) || slices.Contains(reserved, id) {
		return Wave{}, fmt.Errorf("%w: wave %q: use a-z, 0-9 and hyphens, such as zj-2026, but none of %v, which pages are named by", surveys.ErrInvalid, id, reserved)
	}
	p, err := f.ReadPlan(id, planFile, plan, q)
	if err != nil {
		return Wave{}, err
	}
	if err := f.freezePlan(id, plan); err != nil {
		return Wave{}, err
	}
	if err := f.freezeVersion(id, q); err != nil {
		return Wave{}, fmt.Errorf("publish: %w", err)
	}
	w, err := f.Load(id)
	w.Plan = p
	return w, err
}

// ReadPlan reads a plan that a wave is to be published with; name stands for the file. What is
// wanted of new plans is not wanted of one that the wave has been published with already.
func (f Folder) ReadPlan(id, name string, src []byte, q *surveys.Questionnaire) (*assess.Plan, error) {
	kept, err := readIfThere(filepath.Join(string(f), id, planFile))
	if err != nil {
		return nil, err
	}
	sum, err := f.publishedSum(id, planFile)
	if err != nil {
		return nil, err
	}
	if sum == sumOf(src) || sum == "" && kept != nil && bytes.Equal(kept, src) {
		return assess.ReadKeptPlan(name, src, q)
	}
	return assess.ReadPlan(name, src, q)
}

// SaveSample keeps the sample file of a wave, as it was given. A later one may have more
// cases and other weights, as when a replicate of the reserve is released; any other change
// is an ErrConflict.
func (f Folder) SaveSample(id string, sample []byte) error {
	frozen := f.freeze(id, sampleFile, sample)
	if !errors.Is(frozen, surveys.ErrConflict) {
		return frozen
	}
	old, err := f.Sample(id)
	if err != nil {
		return err
	}
	cases, err := fieldwork.ReadSample("the new "+sampleFile, bytes.NewReader(sample))
	if err != nil {
		return err
	}
	if err := fieldwork.Extends(old, cases); err != nil {
		return fmt.Errorf("%w (%w)", frozen, err)
	}
	return WriteDurably(filepath.Join(string(f), id, sampleFile), sample)
}

// Sample reads the sample of a wave; an ErrNotFound when it has none.
func (f Folder) Sample(id string) ([]fieldwork.Case, error) {
	name := filepath.Join(string(f), id, sampleFile)
	r, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("wave %s has no sample file; import one first: %w", id, surveys.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return fieldwork.ReadKeptSample(name, r)
}

// SaveTargets keeps the targets that the report of a wave is held against, in place of those
// before. Unlike all else of a wave they may change, since they are set by others.
func (f Folder) SaveTargets(id string, src []byte) error {
	w, err := f.Load(id)
	if err != nil {
		return err
	}
	if _, err := assess.ReadTargets(targetsFile, src, w.Questionnaire); err != nil {
		return err
	}
	if err := f.keepSum(id, targetsFile, src); err != nil {
		return err
	}
	return WriteDurably(filepath.Join(string(f), id, targetsFile), src)
}

// HasTargets says whether a wave has a file of targets.
func (f Folder) HasTargets(id string) (bool, error) {
	_, err := os.Stat(filepath.Join(string(f), id, targetsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Targets reads the targets of a wave; none when it has no file of them.
func (f Folder) Targets(id string, q *surveys.Questionnaire) ([]assess.Target, error) {
	name := filepath.Join(string(f), id, targetsFile)
	src, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return assess.ReadTargets(name, src, q)
}

// freeze writes a file once; the same content again is fine, other content is not.
func (f Folder) freeze(id, name string, data []byte) error {
	dir := filepath.Join(string(f), id)
	path := filepath.Join(dir, name)
	old, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(old, data):
		return nil
	case err == nil:
		return fmt.Errorf("%w: wave %s is published with another %s; publish the change as a new wave", surveys.ErrConflict, id, name)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := f.make(id); err != nil {
		return err
	}
	return WriteDurably(path, data)
}

// make makes the folder of a wave, whose name is durable then: interviews of a published wave
// are accepted, and without its questionnaire nobody could read them after a power cut. It may
// make the state folder, too, which holds keys.
func (f Folder) make(id string) error {
	if _, err := wal.Folder(filepath.Join(string(f), id)); err != nil {
		return fmt.Errorf("publish wave %s: %w", id, err)
	}
	return nil
}

// WriteDurably writes a file so that it is there whole, or not at all, after a power cut.
func WriteDurably(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Load reads a published wave.
func (f Folder) Load(id string) (Wave, error) {
	dir := filepath.Join(string(f), id)
	if !idPattern.MatchString(id) {
		return Wave{}, fmt.Errorf("no wave %q is published in %s: %w", id, f, surveys.ErrNotFound)
	}
	list, _, err := f.versions(id)
	if err != nil {
		return Wave{}, err
	}
	if len(list) == 0 {
		return Wave{}, fmt.Errorf("no wave %q is published in %s: %w", id, f, surveys.ErrNotFound)
	}
	last := len(list) - 1
	w := Wave{ID: id, Questionnaire: list[last], Earlier: list[:last:last]}
	plan, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return Wave{}, fmt.Errorf("wave %s: %w", id, err)
	}
	if w.Plan, err = assess.ReadKeptPlan(filepath.Join(dir, planFile), plan, w.Questionnaire); err != nil {
		return Wave{}, err
	}
	if w.ClosedAt, w.Closed, err = f.closedAt(id); err != nil {
		return Wave{}, err
	}
	if w.LinksOnly, err = f.has(id, linksOnlyFile); err != nil {
		return Wave{}, err
	}
	w.Fieldwork, err = f.fieldwork(id)
	return w, err
}

// All reads every published wave, by ID.
func (f Folder) All() ([]Wave, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Wave
	for _, e := range entries {
		if !e.IsDir() || !idPattern.MatchString(e.Name()) {
			continue
		}
		w, err := f.Load(e.Name())
		if errors.Is(err, surveys.ErrNotFound) {
			continue // publishing was interrupted before it was complete
		}
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Wave) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return all, nil
}
