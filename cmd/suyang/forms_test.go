package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var versionWords = regexp.MustCompile(`version [0-9a-f]{16}`)

// A questionnaire that takes items from a bank goes out as a form and comes back the
// same, and so does one of the library by its name.
func TestFormsComeBack(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "civic-literacy")
	if err := os.CopyFS(folder, os.DirFS("../../surveys/library/civic-literacy")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "questionnaire.yaml")
	want := versionWords.FindString(must(t, "lint", file))
	for _, name := range []string{file, "civic-literacy"} {
		book, back := filepath.Join(dir, "form.xlsx"), filepath.Join(dir, "back.yaml")
		must(t, "export-form", name, "-o", book)
		must(t, "import-form", book, "-o", back)
		if got := versionWords.FindString(must(t, "lint", back)); got != want || want == "" {
			t.Errorf("%s comes back as %q, want %q", filepath.Base(name), got, want)
		}
	}
	xml := filepath.Join(dir, "form.xml")
	must(t, "export-form", "gss-science", "--format", "xform", "-o", xml)
	if b, err := os.ReadFile(xml); err != nil || !strings.HasPrefix(string(b), "<?xml") && !strings.HasPrefix(string(b), "<h:html") {
		t.Errorf("the XForm begins with %.40q, %v", b, err)
	}
	bad := filepath.Join(dir, "bad.xlsx")
	if err := os.WriteFile(bad, []byte("no workbook"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, talk := suyang(t, "import-form", bad, "-o", filepath.Join(dir, "x.yaml")); status == 0 || !strings.Contains(talk, "bad.xlsx") {
		t.Errorf("a file that is no workbook: status %d, %q", status, talk)
	}
}
