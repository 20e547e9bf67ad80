package waves

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/surveys"
)

// FrozenFile is a file of a published wave by its content: its name in the folder of the wave,
// the version of the questionnaire where it is one, and its SHA-256 in hexadecimal digits.
type FrozenFile struct{ Name, Version, SHA256 string }

// Frozen lists the questionnaires of a wave, the first one first, then its plan and its
// sample, which it may lack.
func (f Folder) Frozen(id string) (list []FrozenFile, err error) {
	versions, texts, err := f.versions(id)
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("wave %s is not published: %w", id, surveys.ErrNotFound)
	}
	for i, q := range versions {
		list = append(list, frozen(versionFile(i+1), q.Version(), texts[i]))
	}
	for _, name := range []string{planFile, sampleFile, targetsFile, textsFile(surveys.ZH), textsFile(surveys.EN)} {
		text, err := os.ReadFile(filepath.Join(string(f), id, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, frozen(name, "", text))
	}
	return list, nil
}

func frozen(name, version string, text []byte) FrozenFile {
	return FrozenFile{name, version, sumOf(text)}
}
