package waves

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// Many who change the texts at one time lose nothing of each other, and a change that fails
// leaves the file as it was.
func TestChangeTexts(t *testing.T) {
	f := Folder(t.TempDir())
	if err := os.Mkdir(filepath.Join(string(f), "zj"), 0o700); err != nil {
		t.Fatal(err)
	}
	if src, err := f.Texts("zj", surveys.ZH); src != nil || err != nil {
		t.Errorf("without a file: %q, %v", src, err)
	}
	const times = 20
	var all sync.WaitGroup
	for range times {
		all.Go(func() {
			err := f.ChangeTexts("zj", surveys.ZH, func(old []byte) ([]byte, error) {
				n, _ := strconv.Atoi(string(old)) // of no file it is 0
				return []byte(strconv.Itoa(n + 1)), nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if src, err := f.Texts("zj", surveys.ZH); string(src) != strconv.Itoa(times) || err != nil {
		t.Errorf("after %d changes the file holds %q, %v", times, src, err)
	}
	broken := errors.New("no")
	if err := f.ChangeTexts("zj", surveys.ZH, func([]byte) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("a change that fails: %v", err)
	}
	if src, _ := f.Texts("zj", surveys.ZH); string(src) != strconv.Itoa(times) {
		t.Errorf("after a change that failed the file holds %q", src)
	}
	if _, err := os.Stat(f.TextsPath("zj", surveys.EN)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file of the other language is there")
	}
}
