// Package library holds the questionnaires that come with the program, each in a
// folder of its own, plans of further provinces for them, and the census counts that
// weights are raked to. Microdata for tests lie beside them but are not part of the
// program.
package library

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/bank"
)

// FS holds ID/questionnaire.yaml, ID/plan.yaml, for some ID/weights.yaml, ID/targets.yaml,
// ID/bank.yaml and ID/blueprint*.yaml, and what they refer to for each questionnaire; the
// same without a questionnaire in ID-PROVINCE, which is for a further province; and the
// folders census2020 and literacy-series.
//
//go:embed */questionnaire.yaml */bank.yaml */blueprint*.yaml */plan.yaml */weights.yaml */targets.yaml */import.yaml */*.svg census2020 literacy-series
var FS embed.FS

// IDs returns the IDs of the questionnaires in the library, sorted.
func IDs() []string {
	files, err := fs.Glob(FS, "*/questionnaire.yaml")
	if err != nil {
		panic("library: " + err.Error()) // the pattern is constant and right
	}
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = path.Dir(f)
	}
	slices.Sort(ids)
	return ids
}

// Folders returns the names of the folders that a survey can begin with, sorted: those of
// the questionnaires and of the plans for further provinces.
func Folders() []string {
	files, err := fs.Glob(FS, "*/plan.yaml")
	if err != nil {
		panic("library: " + err.Error()) // the pattern is constant and right
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = path.Dir(f)
	}
	slices.Sort(names)
	return names
}

// File reads a file of a folder of the library, such as its plan.yaml. The error wraps
// surveys.ErrNotFound when there is none, and says which folders have one.
func File(folder, name string) ([]byte, error) {
	var have []string
	for _, other := range Folders() {
		if _, err := fs.Stat(FS, other+"/"+name); err == nil {
			have = append(have, other)
		}
	}
	if !slices.Contains(have, folder) {
		return nil, fmt.Errorf("the library has no %s of the name %q: %w; it has one in %v; a file of your own is named with its path, such as ./%s", name, folder, surveys.ErrNotFound, have, name)
	}
	return fs.ReadFile(FS, folder+"/"+name)
}

// Read reads a questionnaire of the library. The error wraps surveys.ErrNotFound when
// there is none with this ID.
func Read(id string) (*surveys.Questionnaire, error) {
	if !slices.Contains(IDs(), id) {
		return nil, fmt.Errorf("questionnaire %q: %w; the library has %v", id, surveys.ErrNotFound, IDs())
	}
	folder, err := fs.Sub(FS, id)
	if err != nil {
		return nil, fmt.Errorf("questionnaire %q: %w", id, err)
	}
	src, err := fs.ReadFile(folder, "questionnaire.yaml")
	if err != nil {
		return nil, fmt.Errorf("questionnaire %q: %w", id, err)
	}
	return bank.ReadQuestionnaire(id+"/questionnaire.yaml", src, folder)
}
