package exclusive

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Of two only one has the lock, the other is told why, and gets it afterwards.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(path, "the texts are")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path, "the texts are"); !errors.Is(err, surveys.ErrConflict) || !strings.HasPrefix(err.Error(), "the texts are being changed") {
		t.Errorf("the second one: %v", err)
	}
	unlock()
	again, err := Lock(path, "the texts are")
	if err != nil {
		t.Fatal(err)
	}
	again()
}

// Only whole numbers from 1 on, written as we write them, are numbers; they come in the order of
// numbers, not of names. A folder that is not there has none, one that cannot be read is an error.
func TestNumbers(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"10", "9", "2", "0", "-3", "01", "+4", "5.public", ".making-6", "7x", "99999999999999999999"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := Numbers(dir); err != nil || !slices.Equal(list, []int{2, 9, 10}) {
		t.Errorf("Numbers() = %v, %v", list, err)
	}
	if list, err := Numbers(filepath.Join(dir, "nothing")); err != nil || len(list) > 0 {
		t.Errorf("of a folder that is not there: %v, %v", list, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Numbers(file); err == nil {
		t.Error("a file has numbers")
	}
}
