package node

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Bundle is everything that a collector needs of the office: the files of the published waves
// and of their code lists, named as in the office's state folder, and which personal links
// were replaced.
type Bundle struct {
	Files []File `json:"files"`
	// Issues are the numbers of issue of replaced links, by the keyed hash of the case.
	Issues []Issue `json:"issues,omitempty"`
}

// File is a file with its path in the state folder, with slashes.
type File struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Issue says which issue of a case's personal link holds.
type Issue struct {
	Case  []byte `json:"case"`
	Issue uint32 `json:"issue"`
}

// Encode returns the text of a bundle and its tag.
func (b *Bundle) Encode() (text []byte, tag string, err error) {
	slices.SortFunc(b.Files, func(x, y File) int { return strings.Compare(x.Name, y.Name) })
	text, err = json.Marshal(b)
	return text, tagOf(text), err
}

func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// check compares a bundle with its tag, and refuses files that lie elsewhere than in the
// folders of waves and code lists.
func (b *Bundle) check(tag string) error {
	if _, is, err := b.Encode(); err != nil || is != tag {
		return fmt.Errorf("what came is not what was sent (%v)", err)
	}
	for _, f := range b.Files {
		top, rest, _ := strings.Cut(f.Name, "/")
		if !filepath.IsLocal(f.Name) || !slices.Contains(folders, top) || rest == "" || strings.Contains(f.Name, `\`) {
			return fmt.Errorf("a file is named %q: %w", f.Name, surveys.ErrInvalid)
		}
	}
	return nil
}

// folders are those of the state folder that a bundle has files of.
var folders = []string{"waves", "divisions"}
