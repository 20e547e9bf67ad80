// Package geo reads code lists of administrative divisions: which province, city,
// county and township a code stands for, and which parts each of them has.
//
// Codes are those of GB/T 2260 and GB/T 10114 as the statistical division codes use
// them, without the zeros at the end: 2 digits for a province, 4 for a city, 6 for a
// county, 9 for a township, 12 for a village or neighbourhood. Codes change almost every
// year, so a list is named by its vintage, and a code means nothing without it.
package geo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/suyang-survey/suyang/surveys"
)

// Level is how deep in the hierarchy a division is.
type Level string

// The levels, from the top.
const (
	Province Level = "province"
	City     Level = "city"
	County   Level = "county"
	Township Level = "township"
	Village  Level = "village"
)

// levels has the digits of a code at each level.
var levels = []struct {
	level  Level
	digits int
}{{Province, 2}, {City, 4}, {County, 6}, {Township, 9}, {Village, 12}}

// Division is an entry of a list.
type Division struct {
	Code string       `json:"code"`
	Name surveys.Text `json:"name"`
}

// List is a code list. It does not change, so any number of readers may share it.
type List struct {
	// ID names the list and its vintage, such as "cn-2020".
	ID        string
	divisions []Division // by code
	index     map[string]int
	parts     map[string][]int // positions by the code of the parent, "" for the topmost
}

// The limits of a list.
const (
	MaxDivisions = 1_000_000
	maxLine      = 1 << 12
	maxName      = 200
)

// LevelOf returns the level of a code without its zeros at the end; "" for what is no code.
func LevelOf(code string) Level {
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return ""
		}
	}
	for _, l := range levels {
		if len(code) == l.digits {
			return l.level
		}
	}
	return ""
}

// Valid reports whether a level is one of those named here.
func (l Level) Valid() bool { return l.depth() >= 0 }

// Reaches reports whether l is as deep as other, or deeper.
func (l Level) Reaches(other Level) bool { return l.depth() >= other.depth() }

func (l Level) depth() int {
	for i, x := range levels {
		if x.level == l {
			return i
		}
	}
	return -1
}

// Short takes the zeros off the end of a code as statistics write it: 330100000000 and
// 330100 become 3301. Codes that are short stay as they are.
func Short(code string) string {
	if LevelOf(code) == "" {
		return code
	}
	for _, l := range levels {
		if len(code) > l.digits && strings.Trim(code[l.digits:], "0") == "" {
			return code[:l.digits]
		}
	}
	return code
}

// Read reads a list from CSV in UTF-8 with the columns code, name_zh and, if there are
// English names, name_en, and no commas or quotation marks in names. Codes may have zeros
// at the end. A division may hang directly under any higher one: the townships of a city
// without counties are its parts. Errors wrap surveys.ErrInvalid, unless reading fails,
// and name the line and the way out.
func Read(id string, r io.Reader) (*List, error) {
	l := &List{ID: id, index: map[string]int{}, parts: map[string][]int{}}
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	n := 1
	for ; in.Scan(); n++ {
		line := strings.TrimSuffix(strings.TrimPrefix(in.Text(), "\ufeff"), "\r")
		if n == 1 {
			if line != "code,name_zh" && line != "code,name_zh,name_en" {
				return nil, fmt.Errorf("%w: code list %s, line 1: the columns must be code,name_zh or code,name_zh,name_en", surveys.ErrInvalid, id)
			}
			continue
		}
		if line == "" {
			continue
		}
		if err := l.add(line); err != nil {
			return nil, fmt.Errorf("%w: code list %s, line %d: %w", surveys.ErrInvalid, id, n, err)
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%w: code list %s, line %d: the line is longer than %d bytes", surveys.ErrInvalid, id, n, maxLine)
	case err != nil:
		return nil, fmt.Errorf("code list %s, line %d: %w", id, n, err)
	}
	if len(l.divisions) == 0 {
		return nil, fmt.Errorf("%w: code list %s is empty", surveys.ErrInvalid, id)
	}
	l.arrange()
	return l, nil
}

func (l *List) add(line string) error {
	if !utf8.ValidString(line) {
		return errors.New("the text is not UTF-8; save the table as “CSV UTF-8”")
	}
	fields := strings.Split(line, ",")
	if len(fields) < 2 || len(fields) > 3 || strings.Contains(line, `"`) {
		return errors.New("write the code, the Chinese name and at most an English name, without commas and quotation marks in them")
	}
	code := Short(fields[0])
	if LevelOf(code) == "" {
		return fmt.Errorf("%.20q is no code: a code has 2, 4, 6, 9 or 12 digits", fields[0])
	}
	for i, name := range fields[1:] {
		if !proper(name) && (i == 0 || name != "") {
			return fmt.Errorf("code %s needs a name of at most %d characters, all of them visible", code, maxName)
		}
	}
	if _, twice := l.index[code]; twice {
		return fmt.Errorf("code %s stands there twice", code)
	}
	if len(l.divisions) == MaxDivisions {
		return fmt.Errorf("a list has at most %d divisions", MaxDivisions)
	}
	d := Division{Code: code, Name: surveys.Text{surveys.ZH: fields[1]}}
	if len(fields) == 3 && fields[2] != "" {
		d.Name[surveys.EN] = fields[2]
	}
	l.index[code] = len(l.divisions)
	l.divisions = append(l.divisions, d)
	return nil
}

// proper reports whether a name can be shown: not blank, not long, without characters
// that control the text around them.
func proper(name string) bool {
	return strings.TrimSpace(name) == name && name != "" && utf8.RuneCountInString(name) <= maxName &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) })
}

// arrange sorts by code and finds the parts of every division.
func (l *List) arrange() {
	slices.SortFunc(l.divisions, func(a, b Division) int { return strings.Compare(a.Code, b.Code) })
	for i, d := range l.divisions {
		l.index[d.Code] = i
	}
	for i, d := range l.divisions {
		parent := l.Parent(d.Code)
		l.parts[parent] = append(l.parts[parent], i)
	}
}

// CSV writes the list as Read reads it, by code.
func (l *List) CSV() string {
	var b strings.Builder
	b.WriteString("code,name_zh,name_en\n")
	for _, d := range l.divisions {
		fmt.Fprintf(&b, "%s,%s,%s\n", d.Code, d.Name[surveys.ZH], d.Name[surveys.EN])
	}
	return b.String()
}

// Get returns a division; ok is false when the list does not have it.
func (l *List) Get(code string) (Division, bool) {
	i, ok := l.index[code]
	if !ok {
		return Division{}, false
	}
	return l.divisions[i], true
}

// Parent returns the code of the nearest higher division in the list, "" at the top.
func (l *List) Parent(code string) string {
	for i := len(levels) - 1; i >= 0; i-- {
		if n := levels[i].digits; n < len(code) {
			if _, ok := l.index[code[:n]]; ok {
				return code[:n]
			}
		}
	}
	return ""
}

// Within reports whether a division lies in another one or is it; everything lies in "".
func Within(code, in string) bool { return strings.HasPrefix(code, in) }

// Deepest returns the level of the deepest divisions within a division, or of the whole
// list for ""; "" when there is none.
func (l *List) Deepest(in string) Level {
	digits := 0
	first, _ := slices.BinarySearchFunc(l.divisions, in, func(d Division, in string) int { return strings.Compare(d.Code, in) })
	for _, d := range l.divisions[first:] {
		if !Within(d.Code, in) {
			break
		}
		digits = max(digits, len(d.Code))
	}
	for _, x := range levels {
		if x.digits == digits {
			return x.level
		}
	}
	return ""
}

// Parts returns the parts of a division, by code; those of "" are the topmost.
func (l *List) Parts(code string) []Division {
	at := l.parts[code]
	out := make([]Division, len(at))
	for i, n := range at {
		out[i] = l.divisions[n]
	}
	return out
}

// Chain returns the names of a division from the top down in a language.
func (l *List) Chain(code string, lang surveys.Lang) []string {
	var names []string
	for code != "" {
		if d, ok := l.Get(code); ok {
			names = append(names, d.Name.In(lang))
		}
		code = l.Parent(code)
	}
	slices.Reverse(names)
	return names
}
