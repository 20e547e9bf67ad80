package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/waves"
	"github.com/suyang-survey/suyang/surveys"
)

// officeNumber is the number of the node that has the office, as long as it was given no other.
var officeNumber = intake.DefaultConfig("").Node

// number returns the number of the node, under which it appends to its log. One that is asked
// for is kept at first use and never changes: the records in the store and the receipts are
// named by it. Zero asks for none.
func (f *stateFlags) number(asked uint16) (uint16, error) {
	path := filepath.Join(f.State, nodeFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.newNumber(path, asked)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot use %s as the state folder: %w; give another one with --state", f.State, err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s holds no number of a node; restore it from the backup", path)
	}
	if asked != 0 && uint16(n) != asked {
		return 0, fmt.Errorf("the state folder %s is that of node %d, not %d; give the number back, or another folder with --state: %w", f.State, n, asked, surveys.ErrConflict)
	}
	return uint16(n), nil
}

func (f *stateFlags) newNumber(path string, asked uint16) (uint16, error) {
	if asked == 0 {
		return officeNumber, nil
	}
	if entries, err := os.ReadDir(f.logFolder()); err == nil && len(entries) > 0 && asked != officeNumber {
		return 0, fmt.Errorf("the log in %s was begun as node %d; leave the number, or give another folder with --state: %w", f.State, officeNumber, surveys.ErrConflict)
	}
	if err := f.make(); err != nil {
		return 0, err
	}
	return asked, waves.WriteDurably(path, fmt.Appendf(nil, "%d\n", asked))
}

// makeFolder makes a folder and its parents, readable by the owner only, so that their names
// outlast a power cut; what is synced in a folder is worth no more than the way to it.
func makeFolder(path string) error {
	_, err := wal.Folder(path)
	return err
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
