package fieldwork

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
)

// Undecided is a unit of which a crosswalk does not say what became of it.
type Undecided struct {
	Row        int
	Code, Name string
	Why        string
}

// Move brings a frame to the later vintage of a crosswalk and returns the new frame, in the
// order of the old. Where units cannot be decided they are returned, all of them, and the
// error tells the first 20 with their rows; it also tells two units that would have one code.
func (f *Frame) Move(name string, c *geo.Crosswalk) (*Frame, []Undecided, error) {
	if f.Vintage != c.From {
		return nil, nil, invalidf("%s: the frame has the vintage %q and the crosswalk begins at %q", name, f.Vintage, c.From)
	}
	out := &Frame{Hash: f.Hash, Vintage: c.To, Columns: f.Columns, Remarks: f.Remarks, Units: make([]FrameUnit, 0, len(f.Units))}
	var undecided []Undecided
	var faults []error
	fault := func(u FrameUnit, why string) {
		switch n := len(faults); {
		case n < maxFaults:
			faults = append(faults, invalidf("%s: row %d, column code: %s", name, u.Row, why))
		case n == maxFaults:
			faults = append(faults, invalidf("%s: and further rows", name))
		}
	}
	from := make(map[string]FrameUnit, len(f.Units))
	for _, u := range f.Units {
		code, err := c.Move(u.Code)
		if err != nil {
			why := strings.TrimPrefix(err.Error(), surveys.ErrNotFound.Error()+": ")
			undecided = append(undecided, Undecided{u.Row, u.Code, u.Name, why})
			fault(u, why)
			continue
		}
		if other, twice := from[code]; twice {
			fault(u, fmt.Sprintf("%s and %s of row %d would both be %s in %s; the crosswalk needs rows for what lies below them", u.Code, other.Code, other.Row, code, c.To))
			continue
		}
		from[code] = u
		u.Code = code
		out.Units = append(out.Units, u)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, undecided, err
	}
	return out, nil, nil
}

// WriteUndecided writes units that a crosswalk could not decide as the rows of a further
// crosswalk, in which the column to is to be filled in.
func WriteUndecided(w io.Writer, units []Undecided) error {
	cw := csv.NewWriter(w)
	rows := [][]string{{"from", "to", "below", "row", "name", "why"}}
	for _, u := range units {
		// A crosswalk has no quotation marks, and these columns are only read by people.
		plain := strings.NewReplacer(",", "，", `"`, "“")
		rows = append(rows, []string{u.Code, "", "", fmt.Sprint(u.Row), plain.Replace(u.Name), plain.Replace(u.Why)})
	}
	return cw.WriteAll(rows)
}
