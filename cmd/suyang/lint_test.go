package main

import (
	"os"
	"path/filepath"
	"regexp"
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

// What no page could show is said before it is published, and not by a server that does
// not start.
func TestLintSaysWhatPagesCannotShow(t *testing.T) {
	good := string(sound(t))
	for want, src := range map[string]string{
		`the pages do not speak the language "fr", only zh, en`: strings.ReplaceAll(strings.Replace(good, "languages: [zh, en]", "languages: [zh, fr]", 1), " en:", " fr:"),
		"the form was valid until 2025-12-31":                   validUntil.ReplaceAllString(good, `valid_until: "2025-12-31"`),
	} {
		file := filepath.Join(t.TempDir(), "q.yaml")
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"lint", file}, {"publish", "w", "--questionnaire", file, "--plan", file, "--state", t.TempDir()}} {
			status, _, talk := suyang(t, args...)
			if !strings.Contains(talk, want) || (args[0] == "lint") && (status == 0) != strings.Contains(want, "valid until") {
				t.Errorf("%v: status %d, %s, want %q", args[0], status, talk, want)
			}
		}
	}
}

var validUntil = regexp.MustCompile(`valid_until: "[^"]*"`)
