package geo

import (
	"fmt"

	"github.com/suyang-survey/suyang/surveys"
)

// Place returns the deepest division of the list that a code lies in. known is false where
// the list does not reach so far that it could know: it has no province, or no parts of the
// division. An error, which wraps surveys.ErrNotFound, says that the list has the parts of
// the division and that the code is in none of them.
//
// Of a city without counties, such as Dongguan, statistics repeat the city as a county
// numbered 00; its codes are in the city.
func (l *List) Place(code string) (in string, known bool, err error) {
	for i := len(levels) - 1; i >= 0 && in == ""; i-- {
		if n := levels[i].digits; n <= len(code) {
			if _, ok := l.index[code[:n]]; ok {
				in = code[:n]
			}
		}
	}
	parts := l.parts[in]
	switch {
	case in == "" && len(l.divisions[parts[0]].Code) > 2: // a list of one county or city
		return "", false, nil
	case in == code:
		return in, true, nil
	case len(parts) > 0:
		first := l.divisions[parts[0]].Code
		digits := min(len(first), len(code))
		if in == "" {
			return in, true, fmt.Errorf("%w: there is no province %s in %s", surveys.ErrNotFound, code[:digits], l.ID)
		}
		return in, true, fmt.Errorf("%w: %s is no part of %s %s in %s", surveys.ErrNotFound, code[:digits], in, l.divisions[l.index[in]].Name[surveys.ZH], l.ID)
	case l.withoutCounties(in):
		if len(code) >= 6 && code[4:6] != "00" {
			return in, true, fmt.Errorf("%w: %s %s has no counties in %s, so that its codes begin with %s00, not %s",
				surveys.ErrNotFound, in, l.divisions[l.index[in]].Name[surveys.ZH], l.ID, in, code[:6])
		}
		return in, true, nil
	}
	return in, LevelOf(in).Reaches(County), nil
}

// withoutCounties reports whether a division is a city of which the list has no counties
// though it has those of its neighbours.
func (l *List) withoutCounties(city string) bool {
	return LevelOf(city) == City && l.Deepest(l.Parent(city)).Reaches(County)
}

// Zone reports whether a code lies in a development zone that statistics count as a county
// though it is none: they give it a number from 71 to 79.
func Zone(code string) bool { return len(code) >= 6 && code[4] == '7' && code[5] != '0' }
