package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/making"
	"github.com/suyang-survey/suyang/internal/release"
	"github.com/suyang-survey/suyang/internal/report"
)

// What the releases of a wave withhold is read from all of them that came before, and from no
// other; one whose list was changed is an error, and one without a list is told.
func TestWithheldBefore(t *testing.T) {
	dir := t.TempDir()
	s := release.In(filepath.Join(dir, "releases"), release.KeysIn(filepath.Join(dir, "keys")))
	lists := [][]report.Place{
		{{Table: "city", Group: "330100"}, {Table: "city×sex", Group: "330100×male"}},
		{{Table: "interest", Group: "I01", By: "330100", Series: "2026"}},
		nil, // a program of long ago
	}
	for _, places := range lists {
		_, err := s.Make(t.Context(), release.Draft{Wave: "w", Languages: []string{"zh"}, Program: "suyang", Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
			Contents: func(context.Context, release.About) (c release.Contents, err error) {
				page := func(w io.Writer) error { _, err := io.WriteString(w, "page"); return err }
				c.Files = []release.File{{Name: "page.html", Recipe: "html zh", Write: page}}
				if places != nil {
					c.Files = append(c.Files, release.File{Name: "withheld.csv", Recipe: withheldRecipe, Write: func(w io.Writer) error { return writeWithheld(w, places) }})
				}
				return c, nil
			}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var talk bytes.Buffer
	con := &console{err: &talk}
	for below, want := range map[int][]report.Place{1: nil, 2: lists[0], 3: slices.Concat(lists[0], lists[1]), anyRelease: slices.Concat(lists[0], lists[1])} {
		talk.Reset()
		got, err := withheldBefore(con.say, s, "w", below)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("before release %d: %v, %v, want %v", below, got, err, want)
		}
		if said := strings.Contains(talk.String(), "release 3 does not list"); said != (below == anyRelease) {
			t.Errorf("before release %d it says %q", below, talk.String())
		}
	}
	if got, err := withheldBefore(con.say, s, "other", anyRelease); err != nil || got != nil {
		t.Errorf("a wave without releases: %v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "releases", "w", "1", "withheld.csv"), []byte("table,group,by,series\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := withheldBefore(con.say, s, "w", 2); err == nil || !strings.Contains(err.Error(), "not the file that was signed") {
		t.Errorf("a changed list: %v", err)
	}
}

// A report withholds what releases before it did, by itself harmless, and what would tell it; and
// the list of its own release has both.
func TestReportsKeepWhatReleasesWithhold(t *testing.T) {
	row := func(n int) []assess.Row {
		half := float64(n) / 2
		return []assess.Row{{Estimate: analysis.Estimate{N: n, Value: 0.5, Weighted: float64(n), Level: 0.95},
			People: analysis.People{N: n, Ones: n / 2, PSUs: 9, Weighted: float64(n), WeightedOnes: half, Largest: 1, Second: 1}}}
	}
	city := assess.Factor{ID: "city", Levels: []assess.Level{{Code: "a"}, {Code: "b"}, {Code: "c"}}}
	table := assess.Table{Factor: city}
	for i, l := range city.Levels {
		table.Groups = append(table.Groups, assess.Group{Code: l.Code, Rows: row(100 + 20*i)})
	}
	r := &assess.Results{Wave: "w", Plan: &assess.Plan{}, SeriesLevels: []assess.Level{{}}, Headline: row(360), Tables: []assess.Table{table}}
	old := report.Place{Table: "city", Group: "c"}
	for _, before := range [][]report.Place{nil, {old}} {
		var talk bytes.Buffer
		f := making.Forms{Say: (&console{err: &talk}).say, Before: before}
		opt, err := f.Content(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := opt.Disclosure.Withheld(old); is != (before != nil) {
			t.Errorf("after %v the city is withheld: %v", before, is)
		}
		list, err := withheldIn(r, before)
		if err != nil {
			t.Fatal(err)
		}
		if want := 2 * len(before); len(list) != want {
			t.Errorf("after %v the release lists %v, want %d places", before, list, want)
		}
	}
}
