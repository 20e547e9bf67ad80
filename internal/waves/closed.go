package waves

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The marks of a wave: its pages take no more answers; it is answered through links only.
const (
	closedFile    = "closed"
	linksOnlyFile = "links-only"
)

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

// SetLinksOnly takes a wave's own address away: it is answered through personal and open
// links only, from the next start of the server on.
func (f Folder) SetLinksOnly(id string) error {
	if _, err := f.Load(id); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(string(f), id, linksOnlyFile), nil); err != nil {
		return fmt.Errorf("restrict wave %s to links: %w", id, err)
	}
	return nil
}

func (f Folder) has(id, mark string) (bool, error) {
	_, err := os.Stat(filepath.Join(string(f), id, mark))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
