package waves

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// closedFile marks a wave whose pages take no more answers.
const closedFile = "closed"

// Close ends a wave: its pages take no more answers from the next start of the server
// on. Interviews that devices already hold are still accepted.
func (f Folder) Close(id string) error {
	if _, err := f.Load(id); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(string(f), id, closedFile), nil); err != nil {
		return fmt.Errorf("close wave %s: %w", id, err)
	}
	return nil
}

func (f Folder) closed(id string) (bool, error) {
	_, err := os.Stat(filepath.Join(string(f), id, closedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
