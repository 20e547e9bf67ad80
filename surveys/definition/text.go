package definition

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// maxText is how long a wording may be, in characters.
const maxText = 10_000

// text checks a wording that must be there in every language. It may have answers put
// in, “${age}”, which the form checks.
func (l *linter) text(path string, t surveys.Text) {
	if len(t) == 0 {
		l.faultAt(path, named(path)+" is missing", "write it in every language: "+l.sample())
		return
	}
	for _, lang := range l.q.Languages {
		if strings.TrimSpace(t[lang]) == "" {
			l.faultAt(path, fmt.Sprintf("%s has no wording in %s", named(path), lang), "write one; every text needs all languages of the questionnaire")
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(t)) {
		at := path + "." + string(lang)
		if !slices.Contains(l.q.Languages, lang) {
			l.faultAt(at, fmt.Sprintf("%s has a wording in %s, which is not a language of the questionnaire", named(path), lang), "add it to languages or remove the wording")
		}
		l.wording(at, t[lang])
	}
}

// optionalText checks a wording that may be left out altogether.
func (l *linter) optionalText(path string, t surveys.Text) {
	if len(t) > 0 {
		l.text(path, t)
	}
}

// fixedText checks a wording that stands outside of an interview, where there are no
// answers to put in.
func (l *linter) fixedText(path string, t surveys.Text) {
	l.text(path, t)
	for _, lang := range slices.Sorted(maps.Keys(t)) {
		if i := strings.Index(t[lang], "${"); i >= 0 {
			l.faultInside(path+"."+string(lang), t[lang], i, "answers cannot be put in here", "write plain words; ${…} works in the texts of sections, items and options")
		}
	}
}

// sample shows how a text is written in the questionnaire's languages.
func (l *linter) sample() string {
	parts := make([]string, len(l.q.Languages))
	for i, lang := range l.q.Languages {
		parts[i] = string(lang) + ": …"
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// line checks a short text that has no languages.
func (l *linter) line(path, s string) {
	if strings.TrimSpace(s) == "" {
		l.faultAt(path, named(path)+" is missing", "write it")
	}
	if utf8.RuneCountInString(s) > 100 {
		l.faultAt(path, named(path)+" is longer than 100 characters", "shorten it")
	}
	l.wording(path, s)
}

// markup is what people write who take a text for HTML.
var markup = regexp.MustCompile(`(?i)</?(a|abbr|b|big|body|br|button|center|code|div|em|embed|font|form|h[1-6]|head|hr|html|i|iframe|img|input|li|link|meta|object|ol|p|pre|script|small|span|strike|strong|style|sub|sup|svg|table|td|textarea|th|tr|u|ul|video)(\s[^<>]*)?/?>|&(amp|lt|gt|quot|nbsp|#[0-9]{1,7}|#x[0-9a-f]{1,6});`)

// wording checks that a text shows as it reads: no characters that cannot be seen and
// change what can, no markup.
func (l *linter) wording(path, s string) {
	if len(s) > maxText*utf8.UTFMax || utf8.RuneCountInString(s) > maxText {
		l.faultAt(path, fmt.Sprintf("this text has more than %d characters", maxText), "shorten it")
		return
	}
	for i, c := range s {
		if kind := hidden(c); kind != "" {
			l.faultInside(path, s, i, fmt.Sprintf("here stands %s", kind), wayHidden)
			break
		}
	}
	if at := markup.FindStringIndex(s); at != nil {
		l.faultInside(path, s, at[0], fmt.Sprintf("the markup %q would be shown as it stands", shorten(s[at[0]:at[1]])), "write plain words; where a sign is meant, put a blank after it")
	}
}

// faultInside reports something at a byte of a text.
func (r *report) faultInside(path, s string, at int, msg, way string) {
	r.faultIn(r.inside(path, utf8.RuneCountInString(s[:at])), path, msg, way)
}

// inside is the place of the character with this number of the scalar at a path; where
// that cannot be told, the place of the scalar.
func (r *report) inside(path string, char int) spot {
	n, ok := r.node(path)
	if !ok {
		return spot{1, 1}
	}
	if found := r.spots(n); char < len(found) {
		return found[char]
	}
	return spot{n.Line, n.Column}
}

const wayHidden = "delete it and write the words around it anew"

// hidden names a character that does not show, or changes how others show: it makes a
// text look like another one. It gives "" for all others. The joiners that some scripts
// need are not among them.
func hidden(c rune) string {
	kind := ""
	switch {
	case c == '\n' || c == '\t':
	case c < 0x20, c >= 0x7F && c <= 0x9F:
		kind = "a control character"
	case c == 0x061C, c == 0x200E, c == 0x200F, c >= 0x202A && c <= 0x202E, c >= 0x2066 && c <= 0x2069:
		kind = "a mark that turns the direction of writing"
	case c == 0x2028, c == 0x2029:
		kind = "a line separator"
	case c == 0x034F, c == 0x115F, c == 0x1160, c == 0x17B4, c == 0x17B5, c == 0x180E, c == 0x200B, c >= 0x2060 && c <= 0x206F,
		c == 0x3164, c == 0xFEFF, c == 0xFFA0, c >= 0xFFF9 && c <= 0xFFFB, c >= 0xE0000 && c <= 0xE007F:
		kind = "an invisible character"
	case c == 0xFFFD:
		kind = "the sign for a character that was lost"
	case c&0xFFFE == 0xFFFE, c >= 0xFDD0 && c <= 0xFDEF:
		kind = "something that is no character"
	}
	if kind == "" {
		return ""
	}
	return fmt.Sprintf("%s, U+%04X", kind, c)
}

// hidden reports such characters anywhere in the file, also in comments.
func (d *decoder) hidden() {
	for i, line := range d.lines {
		col := 0
		for _, c := range line {
			col++
			if kind := hidden(c); kind != "" && !(c == 0xFEFF && i == 0 && col == 1) {
				d.faultIn(spot{i + 1, col}, "", "here stands "+kind, wayHidden)
			}
			if len(d.faults) > maxFaults {
				return // there may be a million of them
			}
		}
	}
}
