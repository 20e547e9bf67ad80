package definition

import (
	"fmt"
	"regexp"
)

// A syntax is what a kind of name must look like, for the machine and for people.
type syntax struct {
	pattern *regexp.Regexp
	words   string
}

// The kinds of names.
var (
	addressID   = syntax{regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`), "use a–z, 0–9 and hyphens, at most 64"}
	nameID      = syntax{regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`), "begin with a letter, then letters, digits, _ and -, at most 64"}
	itemID      = syntax{regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`), "begin with a letter, then letters, digits and _, at most 64"}
	optionCode  = syntax{regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`), "use letters, digits, _ and -, at most 64"}
	languageTag = syntax{regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`), ""}
)

func matches(s string, k syntax) bool { return k.pattern.MatchString(s) }

// id checks a name.
func (l *linter) id(path, s string, k syntax) {
	switch {
	case s == "":
		l.faultAt(path, named(path)+" is missing", k.words)
	case !matches(s, k):
		l.faultAt(path, fmt.Sprintf("%s %q cannot be used", named(path), shorten(s)), k.words)
	}
}
