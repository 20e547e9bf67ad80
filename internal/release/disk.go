package release

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/exclusive"
	"github.com/suyang-survey/suyang/surveys"
)

// syncFolder brings the names in a folder to the disk.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// makeFolder makes a folder and its parents, readable by the owner only, and makes their
// names durable.
func makeFolder(dir string) error {
	switch fi, err := os.Stat(dir); {
	case err == nil && fi.IsDir():
		return nil
	case err == nil:
		return fmt.Errorf("%s is a file, and must be a folder: %w", dir, surveys.ErrConflict)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

// writeWhole writes a file so that it is there whole or not at all, and durable.
func writeWhole(path string, text []byte, mode fs.FileMode) error {
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) { // left of a crash
		return err
	}
	err := writeFile(part, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(os.Rename(part, path), syncFolder(filepath.Dir(path)))
}

// writeFile writes a file that is not there yet, and returns when its content is on the
// disk; its name may not be.
func writeFile(path string, mode fs.FileMode, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	return errors.Join(err, f.Close())
}

// lock keeps everybody else out of a folder until unlock; what is said of what is in it is
// the beginning of the error that somebody else has it.
func lock(dir, what string) (unlock func(), err error) {
	return exclusive.Lock(filepath.Join(dir, "lock"), what)
}
