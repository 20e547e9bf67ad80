package geo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Crosswalk says what became of divisions from one vintage to another. It does not change,
// so any number of readers may share it.
type Crosswalk struct {
	From, To string // the vintages, such as 2020 and 2023
	moves    map[string][]move
}

// move is where a division went; kept says that the digits below it stayed what they were.
type move struct {
	to   string
	kept bool
}

// ReadCrosswalk reads a crosswalk between two vintages from CSV in UTF-8 with the columns
// from, to and below, and perhaps more. Both codes are of the same level. below is
// “kept” where everything in the division has the same last digits as before; otherwise
// what lies below needs rows of its own. Several rows for one division: it was divided.
// Errors wrap surveys.ErrInvalid, unless reading fails, and name the line.
func ReadCrosswalk(from, to string, r io.Reader) (*Crosswalk, error) {
	c := &Crosswalk{From: from, To: to, moves: map[string][]move{}}
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	n := 1
	for ; in.Scan(); n++ {
		line := strings.TrimSuffix(strings.TrimPrefix(in.Text(), "\ufeff"), "\r")
		if n == 1 {
			if line != "from,to,below" && !strings.HasPrefix(line, "from,to,below,") {
				return nil, fmt.Errorf("%w: crosswalk, line 1: the first columns must be from,to,below", surveys.ErrInvalid)
			}
			continue
		}
		if line == "" {
			continue
		}
		if err := c.add(strings.Split(line, ",")); err != nil {
			return nil, fmt.Errorf("%w: crosswalk, line %d: %w", surveys.ErrInvalid, n, err)
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%w: crosswalk, line %d: the line is longer than %d bytes", surveys.ErrInvalid, n, maxLine)
	case err != nil:
		return nil, fmt.Errorf("crosswalk, line %d: %w", n, err)
	case len(c.moves) == 0:
		return nil, fmt.Errorf("%w: the crosswalk has no rows", surveys.ErrInvalid)
	}
	return c, nil
}

func (c *Crosswalk) add(row []string) error {
	if len(row) < 3 {
		return errors.New("write both codes and what is below, without quotation marks")
	}
	from, to := Short(row[0]), Short(row[1])
	switch {
	case LevelOf(from) == "" || LevelOf(from) != LevelOf(to):
		return fmt.Errorf("%.20q and %.20q are not two codes of one level", row[0], row[1])
	case row[2] != "" && row[2] != "kept":
		return fmt.Errorf("below is %.20q; write kept, or nothing", row[2])
	case slices.ContainsFunc(c.moves[from], func(m move) bool { return m.to == to }):
		return fmt.Errorf("%s to %s stands there twice", from, to)
	case len(c.moves) == MaxDivisions:
		return fmt.Errorf("a crosswalk has at most %d divisions", MaxDivisions)
	}
	c.moves[from] = append(c.moves[from], move{to, row[2] == "kept"})
	return nil
}

// With adds the rows of another crosswalk between the same vintages; where both speak of a
// division, those of the other count.
func (c *Crosswalk) With(other *Crosswalk) *Crosswalk {
	all := &Crosswalk{From: c.From, To: c.To, moves: make(map[string][]move, len(c.moves)+len(other.moves))}
	for _, moves := range []map[string][]move{c.moves, other.moves} {
		for from, to := range moves {
			all.moves[from] = to
		}
	}
	return all
}

// Move returns the code of a division in the later vintage. The row of the deepest
// division that the code lies in decides; a code that no row speaks of stays. An error,
// which wraps surveys.ErrNotFound, says between what the crosswalk cannot decide.
func (c *Crosswalk) Move(code string) (string, error) {
	for i := len(levels) - 1; i >= 0; i-- {
		n := levels[i].digits
		if n > len(code) {
			continue
		}
		moves := c.moves[code[:n]]
		switch {
		case len(moves) == 0:
			continue
		case len(moves) == 1 && (moves[0].kept || n == len(code)):
			return moves[0].to + code[n:], nil
		}
		to := make([]string, len(moves))
		for k, m := range moves {
			to[k] = m.to
		}
		what := fmt.Sprintf("%s became %s", code[:n], strings.Join(to, " and "))
		if n < len(code) {
			what += ", with new numbers below it"
		}
		return "", fmt.Errorf("%w: the crosswalk from %s to %s does not say what became of %s: %s; add a row for it", surveys.ErrNotFound, c.From, c.To, code, what)
	}
	return code, nil
}
