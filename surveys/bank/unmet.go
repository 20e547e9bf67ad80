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
	// What it is about: a dimension (of a mean difficulty, empty for all items), rules with
	// each property written out, or items.
	Dimension string
	Rules     []Rule
	Items     []string
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
	// linking ones; the bank has fewer that may be used and are no enemies of those.
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
	needs, has, about := short(s.Needs), short(s.Has), s.about()
	used := ""
	if s.Used > 0 {
		used = fmt.Sprintf(", and %d that were used in too many waves", s.Used)
	}
	switch s.Code {
	case ShortItems:
		return fmt.Sprintf("%s needs %s items beside the linking ones, the bank has %s%s; write more, or ask for fewer items or booklets", about, needs, has, used)
	case ShortDivision:
		return fmt.Sprintf("%s has %s items in a booklet beside the linking ones, which %s clusters cannot share equally; change the number of items or of linking items", about, has, needs)
	case ShortLinks:
		return fmt.Sprintf("%s has %s linking items and %s items in a booklet; link fewer", about, has, needs)
	case ShortLeast:
		return fmt.Sprintf("%s needs %s such items beside the linking ones, the bank has %s%s; write more, or ask for fewer", about, needs, has, used)
	case ShortRoom:
		return fmt.Sprintf("%s needs %s items in a booklet, which has room for %s; ask for fewer", about, needs, has)
	case ShortMost:
		return fmt.Sprintf("%s allows %s items in a booklet, but the bank leaves no choice below %s; allow more", about, needs, has)
	case ShortSum:
		return fmt.Sprintf("%s need %s items in a booklet together, which has room for %s; ask for fewer", about, needs, has)
	case ShortEasy:
		return fmt.Sprintf("%s must be at least %s; the easiest items give %s", about, needs, has)
	case ShortHard:
		return fmt.Sprintf("%s must be at most %s; the hardest items give %s", about, needs, has)
	case ShortEnemies:
		return fmt.Sprintf("%s give each other away; link only one of them", about)
	}
	return fmt.Sprintf("%s: the nearest set found has %s in booklet %s, the blueprint wants %s; loosen this rule or one that competes with it", about, has, s.Booklet, needs)
}

// about names what the shortfall is about.
func (s Shortfall) about() string {
	var labels []string
	for _, r := range s.Rules {
		labels = append(labels, r.String())
	}
	switch mean := s.Code == ShortEasy || s.Code == ShortHard || s.Code == ShortNotFound; {
	case len(labels) > 0:
		return strings.Join(labels, "; ")
	case len(s.Items) > 0:
		return "the items " + strings.Join(s.Items, " and ")
	case mean && s.Dimension == "":
		return "the mean difficulty"
	case mean:
		return "the mean difficulty of dimension " + s.Dimension
	}
	return "dimension " + s.Dimension
}

func short(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
