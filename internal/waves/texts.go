package waves

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/exclusive"
	"github.com/suyang-survey/suyang/surveys"
)

// textsLock is the file by which those who change the texts of a wave wait for each other.
const textsLock = ".texts.lock"

// TextsPath is the file of the texts that people wrote for the report of a wave, beside its
// questionnaire and plan.
func (f Folder) TextsPath(id string, lang surveys.Lang) string {
	return filepath.Join(string(f), id, textsFile(lang))
}

func textsFile(lang surveys.Lang) string { return "findings." + string(lang) + ".md" }

// Texts reads the file of the texts of a wave; nil when there is none.
func (f Folder) Texts(id string, lang surveys.Lang) ([]byte, error) {
	return readIfThere(f.TextsPath(id, lang))
}

func readIfThere(path string) ([]byte, error) {
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return src, err
}

// ChangeTexts changes the file of the texts of a wave: change gets what is there, nil without
// any, and returns the new file, which is on the disk before this returns. Nobody else changes
// it meanwhile, be it by the desk or by a command; whoever must wait too long gets
// surveys.ErrConflict. When change fails nothing is written.
func (f Folder) ChangeTexts(id string, lang surveys.Lang, change func(old []byte) ([]byte, error)) error {
	unlock, err := exclusive.Lock(filepath.Join(string(f), id, textsLock), "the texts of wave "+id+" are")
	if err != nil {
		return err
	}
	defer unlock()
	path := f.TextsPath(id, lang)
	old, err := readIfThere(path)
	if err != nil {
		return err
	}
	src, err := change(old)
	if err != nil {
		return err
	}
	if err := WriteDurably(path, src); err != nil {
		return fmt.Errorf("write the texts %s: %w", path, err)
	}
	return nil
}
