package exclusive

import (
	"errors"
	"path/filepath"
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
