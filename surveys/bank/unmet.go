package bank

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Unmet is the error of a blueprint that asks for what the bank cannot give. It wraps
// surveys.ErrInvalid.
type Unmet []Shortfall

// Shortfall is one part of a blueprint that cannot be met.
type Shortfall struct {
	Code ShortfallCode
	// Subject is the dimension, the rule or the items that it is about.
	Subject string
	// Needs and Has are the numbers that do not agree; see the codes.
	Needs, Has float64
	// Used counts the items that would do but were used in too many waves.
	Used int
	// Booklet is the one at fault, of ShortNotFound.
	Booklet string
}

// ShortfallCode says what kind of thing cannot be met. All but ShortNotFound are proven by
// counting.
type ShortfallCode string

// The kinds of shortfalls.
const (
	// ShortItems: the booklets need that many different items of a dimension beside the
	// linking ones; the bank has fewer.
	ShortItems ShortfallCode = "items"
	// ShortDivision: a booklet's items of a dimension beside the linking ones (Has) are not
	// a multiple of the clusters in a booklet (Needs).
	ShortDivision ShortfallCode = "division"
	// ShortLinks: there are more linking items of a dimension (Has) than a booklet has
	// items of it (Needs).
	ShortLinks ShortfallCode = "links"
	// ShortLeast: the booklets need that many different items that follow a rule beside
	// linking ones; the bank has fewer.
	ShortLeast ShortfallCode = "least"
	// ShortRoom: a booklet has to hold more items that follow the rule (Needs) than it has
	// items of that dimension, or in all (Has).
	ShortRoom ShortfallCode = "room"
	// ShortMost: at least Has items of a booklet follow the rule, which allows Needs.
	ShortMost ShortfallCode = "most"
	// ShortSum: rules that exclude each other need more items in all than a booklet has.
	ShortSum ShortfallCode = "sum"
	// ShortEasy and ShortHard: the mean difficulty must reach Needs; the easiest items
	// give Has at most. Or it must not pass Needs; the hardest items give Has at least.
	ShortEasy ShortfallCode = "easy"
	ShortHard ShortfallCode = "hard"
	// ShortEnemies: linking items that give each other away.
	ShortEnemies ShortfallCode = "enemies"
	// ShortNotFound: nothing shows that the blueprint cannot be met, but the search found
	// no set; in the best it saw, a booklet had Has where the rule needs Needs.
	ShortNotFound ShortfallCode = "not-found"
)

// Error lists the shortfalls, one on each line.
func (u Unmet) Error() string {
	lines := make([]string, len(u))
	for i, s := range u {
		lines[i] = s.String()
	}
	return "the blueprint cannot be met:\n" + strings.Join(lines, "\n")
}

// Unwrap makes errors.Is(err, surveys.ErrInvalid) true.
func (u Unmet) Unwrap() error { return surveys.ErrInvalid }

// String says what is missing and what to do.
func (s Shortfall) String() string {
	needs, has := short(s.Needs), short(s.Has)
	used := ""
	if s.Used > 0 {
		used = fmt.Sprintf(", and %d that were used in too many waves", s.Used)
	}
	switch s.Code {
	case ShortItems:
		return fmt.Sprintf("dimension %s needs %s items beside the linking ones, the bank has %s%s; write more, or ask for fewer items or booklets", s.Subject, needs, has, used)
	case ShortDivision:
		return fmt.Sprintf("dimension %s has %s items in a booklet beside the linking ones, which %s clusters cannot share equally; change the number of items or of linking items", s.Subject, has, needs)
	case ShortLinks:
		return fmt.Sprintf("dimension %s has %s linking items and %s items in a booklet; link fewer", s.Subject, has, needs)
	case ShortLeast:
		return fmt.Sprintf("%s needs %s such items beside the linking ones, the bank has %s%s; write more, or ask for fewer", s.Subject, needs, has, used)
	case ShortRoom:
		return fmt.Sprintf("%s needs %s items in a booklet, which has room for %s; ask for fewer", s.Subject, needs, has)
	case ShortMost:
		return fmt.Sprintf("%s allows %s items in a booklet, but the bank leaves no choice below %s; allow more", s.Subject, needs, has)
	case ShortSum:
		return fmt.Sprintf("%s need %s items in a booklet together, which has room for %s; ask for fewer", s.Subject, needs, has)
	case ShortEasy:
		return fmt.Sprintf("the mean difficulty of %s must be at least %s; the easiest items give %s", s.Subject, needs, has)
	case ShortHard:
		return fmt.Sprintf("the mean difficulty of %s must be at most %s; the hardest items give %s", s.Subject, needs, has)
	case ShortEnemies:
		return fmt.Sprintf("the linking items %s give each other away; link only one of them", s.Subject)
	}
	return fmt.Sprintf("%s: the nearest set found has %s in booklet %s, the blueprint wants %s; loosen this rule or one that competes with it", s.Subject, has, s.Booklet, needs)
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
