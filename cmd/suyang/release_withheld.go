package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/report"
	"github.com/suyang-survey/suyang/surveys"
)

// withheldRecipe is that of the file of a release that lists which numbers the report withholds.
// Later releases of the wave withhold them too.
const withheldRecipe = "withheld"

// withheldHead are the columns of that file: those of report.Place.
var withheldHead = []string{"table", "group", "by", "series"}

// writeWithheld writes the list, without any reason.
func writeWithheld(w io.Writer, places []report.Place) error {
	rows := [][]string{withheldHead}
	for _, p := range places {
		rows = append(rows, []string{p.Table, p.Group, p.By, p.Series})
	}
	return csv.NewWriter(w).WriteAll(rows)
}

// readWithheld reads the list.
func readWithheld(r io.Reader) (places []report.Place, err error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], withheldHead) {
		return nil, fmt.Errorf("the list of what is withheld has the columns %v, not %v: %w", rows[:min(1, len(rows))], withheldHead, surveys.ErrInvalid)
	}
	for _, row := range rows[1:] {
		places = append(places, report.Place{Table: row[0], Group: row[1], By: row[2], Series: row[3]})
	}
	return places, nil
}

// anyRelease is more than every number of a release.
const anyRelease = math.MaxInt

// withheldBefore is what the releases of a wave before a number withhold. What they printed is
// known, so that a number which they withheld could be told by what a later report prints. Of
// releases that list nothing, which programs of long ago made, it tells the user.
func withheldBefore(say func(format string, args ...any), s *release.Store, wave string, below int) (places []report.Place, err error) {
	list, err := s.List(wave)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if e.Number >= below {
			continue
		}
		if len(e.Outputs) == 0 {
			return nil, fmt.Errorf("release %d of wave %s cannot be read, so nobody knows what it withholds; restore it from a backup: %w", e.Number, wave, e.Err)
		}
		i := slices.IndexFunc(e.Outputs, func(o release.Output) bool { return o.Recipe == withheldRecipe })
		if i < 0 {
			if slices.ContainsFunc(e.Outputs, func(o release.Output) bool { return o.Recipe != "" }) {
				say("release %d does not list what it withholds, since an older program made it: compare this report with it before it is published", e.Number)
			}
			continue
		}
		more, err := openWithheld(s, e, e.Outputs[i].Name)
		if err != nil {
			return nil, err
		}
		places = append(places, more...)
	}
	return places, nil
}

func openWithheld(s *release.Store, e release.Entry, name string) ([]report.Place, error) {
	f, err := s.OpenFile(e.Wave, e.Number, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	places, err := readWithheld(f)
	if err != nil {
		return nil, fmt.Errorf("%s of release %d: %w", name, e.Number, err)
	}
	return places, nil
}

// withheldIn lists what a report of the results withholds.
func withheldIn(r *assess.Results, before []report.Place) ([]report.Place, error) {
	p, err := report.Protect(r, r.Plan.Rules(), before...)
	if err != nil {
		return nil, err
	}
	return p.Places(), nil
}
