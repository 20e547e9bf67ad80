package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An author sees each fault with its line and a caret below the place, also behind
// wide characters, and an exit status that a script can use.
func TestLintShowsThePlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faulty.yaml")
	src := strings.Replace(string(sound(t)), `en: "Respondent"}`, `en: "Respondent", fr: Enquêté}`, 1)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out, talk := suyang(t, "lint", file)
	const want = `: title has a wording in fr, which is not a language of the questionnaire; add it to languages or remove the wording
        title: {zh: "基本情况", en: "Respondent", fr: Enquêté}
                                                      ^
`
	if status == 0 || out != "" || !strings.HasPrefix(talk, "suyang: "+file+":") || !strings.HasSuffix(talk, want) {
		t.Errorf("status %d, out %q, talk:\n%s", status, out, talk)
	}
}
