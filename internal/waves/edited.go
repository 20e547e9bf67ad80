package waves

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// ErrEdited says that a file of a published wave is not the one that was published. It wraps
// surveys.ErrConflict.
var ErrEdited = fmt.Errorf("%w: a published file was changed by hand", surveys.ErrConflict)

// sumMark is what the name of a file ends in that holds the SHA-256 of another as it was
// published, in the form of the program sha256sum.
const sumMark = ".sha256"

// CheckPublished wants the questionnaires, the plan and the targets of a wave to be the files
// that were published, so that nothing is computed with one that somebody edited afterwards. All
// that are not are named at once, with the way out; the error is ErrEdited. Of waves of
// programs that kept no sums only the questionnaires are checked.
func (f Folder) CheckPublished(id string) error {
	_, _, err := f.versions(id)
	return errors.Join(err, f.checkUnpublished(id),
		f.checkSum(id, planFile, fmt.Sprintf("restore it from a backup or by publishing that plan again (suyang publish %s --plan FILE), or publish the changed one as a new wave (suyang publish NEW-WAVE --plan FILE)", id)),
		f.checkSum(id, targetsFile, fmt.Sprintf("publish the targets that count: suyang publish %s --targets FILE, where FILE may be this one", id)))
}

// checkUnpublished finds targets that somebody put beside a plan whose sum is kept.
func (f Folder) checkUnpublished(id string) error {
	for _, name := range []string{planFile, targetsFile} {
		kept, err := f.has(id, name+sumMark)
		if err != nil || kept != (name == planFile) {
			return err
		}
	}
	there, err := f.HasTargets(id)
	if there {
		err = fmt.Errorf("%w: wave %s: %s was never published; publish it: suyang publish %s --targets FILE, where FILE may be this one", ErrEdited, id, filepath.Join(string(f), id, targetsFile), id)
	}
	return err
}

// checkSum compares a file of a wave with its sum.
func (f Folder) checkSum(id, name, way string) error {
	was, err := f.publishedSum(id, name)
	if was == "" || err != nil {
		return err
	}
	path := filepath.Join(string(f), id, name)
	src, err := readIfThere(path)
	switch {
	case err != nil:
		return err
	case src == nil:
		return fmt.Errorf("%w: wave %s: %s was published and is gone; %s", ErrEdited, id, path, way)
	case sumOf(src) != was:
		return fmt.Errorf("%w: wave %s: %s is not the file that was published; %s", ErrEdited, id, path, way)
	}
	return nil
}

// publishedSum is the SHA-256 that a file was published with; empty where none was kept.
func (f Folder) publishedSum(id, name string) (string, error) {
	path := filepath.Join(string(f), id, name+sumMark)
	mark, err := readIfThere(path)
	if mark == nil || err != nil {
		return "", err
	}
	sum, of, _ := strings.Cut(strings.TrimSpace(string(mark)), "  ")
	if len(sum) != 2*sha256.Size || of != name {
		return "", fmt.Errorf("%w: %s does not hold the sum of %s; restore it from a backup", surveys.ErrConflict, path, name)
	}
	return sum, nil
}

// keepSum keeps the sum of a file that is about to be published. Where the power fails before
// the file is written, what is there is not the file of the sum, and publishing again sets that
// right.
func (f Folder) keepSum(id, name string, src []byte) error {
	return WriteDurably(filepath.Join(string(f), id, name+sumMark), []byte(sumOf(src)+"  "+name+"\n"))
}

// adoptTargets keeps the sum of targets that an earlier program published.
func (f Folder) adoptTargets(id string) error {
	src, err := readIfThere(filepath.Join(string(f), id, targetsFile))
	if src == nil || err != nil {
		return err
	}
	return f.keepSum(id, targetsFile, src)
}

func sumOf(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:])
}

// freezePlan keeps the plan of a wave. The plan that was published goes into the place of what
// somebody made of it since; another one is an ErrConflict.
func (f Folder) freezePlan(id string, plan []byte) error {
	was, err := f.publishedSum(id, planFile)
	if err != nil {
		return err
	}
	path := filepath.Join(string(f), id, planFile)
	old, err := readIfThere(path)
	if err != nil {
		return err
	}
	published, err := f.has(id, questionnaireFile) // else publishing was cut short
	switch {
	case err != nil:
		return err
	case was == "" && old != nil && !bytes.Equal(old, plan), published && was != "" && was != sumOf(plan):
		return fmt.Errorf("%w: wave %s is published with another %s; publish the change as a new wave", surveys.ErrConflict, id, planFile)
	}
	if err := f.make(id); err != nil {
		return err
	}
	if was == "" {
		err = f.adoptTargets(id)
	}
	if err == nil && was != sumOf(plan) {
		err = f.keepSum(id, planFile, plan)
	}
	if err != nil {
		return err
	}
	if bytes.Equal(old, plan) {
		return nil
	}
	return WriteDurably(path, plan)
}
