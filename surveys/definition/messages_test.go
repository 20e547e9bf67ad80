package definition_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys/definition"
)

// What people from an office program and a Chinese keyboard write is named, in its place,
// with what to do.
func TestLikelySlipsAreNamed(t *testing.T) {
	for _, tt := range []struct {
		name, src string
		line, col int
		says      string
	}{
		{"a tab", "id: a\nstatutory:\n\tform_number: \"1\"\n", 3, 1, "here stands a tab, and YAML is indented with blanks; replace it with blanks"},
		{"a tab behind blanks", "id: a\nstatutory:\n  \tform_number: \"1\"\n   x: 1\n", 3, 3, "here stands a tab"},
		{"a full-width colon in the first line", "id： a\nedition: \"1\"\n", 1, 3, "here stands the full-width colon ：, which is no sign of YAML; write “: ” behind a key"},
		{"a full-width colon further in", "statutory:\n  form_number： \"T-1\"\n  trial: true\n", 2, 14, "here stands the full-width colon"},
		{"a full-width colon alone", "statutory:\n  form_number： T-1\n", 2, 14, "here stands the full-width colon"},
		{"a full-width colon in braces", "title: {zh： 甲, en: A}\n", 1, 11, "here stands the full-width colon"},
		{"a date without quotes", "statutory:\n  valid_until: 2027-12-31\n", 2, 16, "valid_until is the date 2027-12-31, which YAML does not take for a text; put it in quotes: \"2027-12-31\""},
	} {
		_, err := definition.Read("q.yaml", []byte(tt.src), nil)
		var faults definition.Faults
		if !errors.As(err, &faults) || faults[0].Line != tt.line || faults[0].Col != tt.col || !strings.Contains(faults[0].Error(), tt.says) {
			t.Errorf("%s: Read() = %v, want %d:%d: %s", tt.name, err, tt.line, tt.col, tt.says)
		}
	}
	// In a text it is a sign like others.
	if _, err := read(strings.Replace(base(t), "{zh: 个人, en: Person}", "{zh: age： 个人, en: \"age： Person\"}", 1)); err != nil {
		t.Errorf("a full-width colon in a text: %v", err)
	}
}
