package score

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Expressions are the scores of one row as ClickHouse expressions of the type
// Nullable(Float64), in which NULL is a missing value. Yes is 1 and no is 0.
type Expressions struct {
	Score    string
	Literate string
	// Dimensions holds each dimension's points by its ID.
	Dimensions map[string]string
	// Levels says whether the cut of a level is reached, Bands whether it is the
	// highest one reached (BandLowest: none is), by level ID.
	Levels map[string]string
	Bands  map[string]string
	// Items says whether the answer is right, by item ID.
	Items map[string]string
}

// SQL returns the scores as expressions over a column named answers of the type
// Map(LowCardinality(String), Array(String)). Each stands on its own, and those of
// Items are plain lookups. A query that needs several expressions, or many items,
// computes Marks in a subquery and the rest with OverMarks.
func SQL(q *surveys.Questionnaire) (Expressions, error) {
	s, err := New(q)
	if err != nil {
		return Expressions{}, err
	}
	e := s.OverMarks(s.Marks())
	e.Items = s.lookups()
	return e, nil
}

// lookups returns for each item whether its answer is right. An item not asked has no
// entry in the map, which reads as an empty list and so as wrong.
func (s *Scorer) lookups() map[string]string {
	items := make(map[string]string, len(s.items))
	for _, it := range s.items {
		id := Quote(it.id)
		var equal []string
		for _, k := range it.key {
			equal = append(equal, fmt.Sprintf("answers[%s] = [%s]", id, Quote(k)))
		}
		right := "toNullable(toFloat64(" + strings.Join(equal, " OR ") + "))"
		if s.criterion.Unasked != surveys.UnaskedWrong {
			right = fmt.Sprintf("if(mapContains(answers, %s), %s, NULL)", id, right)
		}
		items[it.id] = right
	}
	return items
}

// addLevels fills Levels and Bands. Levels go from the highest cut down, so a band
// is the part of a level that the level before it does not reach.
func (s *Scorer) addLevels(e *Expressions) {
	above := ""
	for _, l := range s.criterion.Levels {
		reached := s.reaches(e.Score, l.Cut)
		e.Levels[l.ID] = reached
		if above == "" {
			e.Bands[l.ID] = reached
		} else {
			e.Bands[l.ID] = fmt.Sprintf("(%s - %s)", reached, above)
		}
		above = reached
	}
	if above != "" {
		e.Bands[BandLowest] = fmt.Sprintf("(1 - %s)", above)
	}
}

func (s *Scorer) reaches(score string, cut float64) string {
	op := ">"
	if s.criterion.Boundary == surveys.AtLeast {
		op = ">="
	}
	return fmt.Sprintf("toFloat64(%s %s %s)", score, op, number(cut))
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Quote writes s as a ClickHouse string literal. Bytes with a meaning to ClickHouse
// or to its client, such as quotes, backslashes, braces and question marks, are
// written as \xHH, so no value can leave its literal or be taken for a parameter.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02X`, c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// plain reports whether a byte may stand in a literal as it is: letters, digits,
// some harmless signs and the bytes of other scripts.
func plain(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= 0x80:
		return true
	}
	return strings.IndexByte(" _-.,/+=<>()", c) >= 0
}
