package docx

import (
	"strings"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
)

// layout is how a table is set on the page.
type layout struct {
	*grid.Grid
	// widths are those of the columns in twips, size that of the letters in halves of a point.
	widths   []int
	size     int
	sideways bool
}

// need is how wide a column must and would like to be, in halves of a letter's height.
type need struct{ least, full int }

// Sizes of letters in tables, in halves of a point: the first is that of the style.
var (
	uprightSizes  = []int{18, 16}
	sidewaysSizes = []int{18, 16, 15, 14, 13, 12, 11, 10}
)

// padding is what a column needs beside its text, longest is the longest word that is kept
// whole, names what the names of rows get at least before they wrap, and widest what the
// longest text of a column counts.
const (
	padding = 2
	longest = 24
	names   = 16
	widest  = 60
)

// lay finds how a table fits best: upright, else sideways, else sideways in smaller letters.
// A table that does not even fit so breaks its words.
func lay(t *document.Table) (*layout, error) {
	g, err := grid.Of(t)
	if err != nil {
		return nil, err
	}
	needs := needs(t, g)
	least := 0
	for _, n := range needs {
		least += n.least
	}
	for _, size := range uprightSizes {
		if least <= units(uprightText, size) {
			return &layout{g, share(needs, uprightText, size), size, false}, nil
		}
	}
	for _, size := range sidewaysSizes {
		if least <= units(sidewaysText, size) {
			return &layout{g, share(needs, sidewaysText, size), size, true}, nil
		}
	}
	size := sidewaysSizes[len(sidewaysSizes)-1]
	return &layout{g, share(needs, sidewaysText, size), size, true}, nil
}

// units is how many halves of a letter's height go into a width: a size counts halves of a
// point, and a point has 20 twips.
func units(width, size int) int { return width / (size * 5) }

// needs measures the columns. Headings that go over several columns are left out: they wrap.
func needs(t *document.Table, g *grid.Grid) []need {
	ns := make([]need, g.Columns)
	measure := func(c int, text string) {
		ns[c].least = max(ns[c].least, padding+min(word(text), longest))
		ns[c].full = max(ns[c].full, padding+min(grid.Width(text), widest))
	}
	for _, s := range g.Head {
		if s.Columns == 1 {
			// Bold letters are wider.
			measure(s.Column, s.Text)
			ns[s.Column].least += min(word(s.Text), longest) / 8
		}
	}
	for _, r := range t.Rows {
		if r.Heading {
			continue
		}
		measure(0, r.Name)
		measure(0, r.Detail)
		for c, cell := range r.Cells {
			measure(c+1, cell.Text+strings.Repeat("0", marks(&cell)))
		}
	}
	for c := range ns {
		ns[c].least = max(ns[c].least, padding+4)
		ns[c].full = max(ns[c].full, ns[c].least)
	}
	ns[0].least = max(ns[0].least, min(ns[0].full, padding+names))
	return ns
}

// marks is how many letters stand behind the text of a cell.
func marks(c *document.Cell) int {
	n := 2*len(c.Notes) - min(len(c.Notes), 1)
	if c.Letters != "" {
		n += 1 + len(c.Letters)
	}
	return n
}

// word is the width of the longest part of a text that lines do not break.
func word(text string) int {
	longest, w := 0, 0
	for _, r := range text {
		switch {
		case r == ' ' || r == '\n' || r == '\t' || r == '/':
			w = 0
		case grid.Wide(r):
			w = 2
		default:
			w++
		}
		longest = max(longest, w)
	}
	return longest
}

// share divides a width among the columns: everyone gets what it must have, and of the rest
// in proportion to what more it would like.
func share(ns []need, width, size int) []int {
	var least, full int
	for _, n := range ns {
		least += n.least
		full += n.full
	}
	total := units(width, size)
	widths := make([]int, len(ns))
	left := width
	for c, n := range ns {
		var w float64
		switch rest := float64(total - least); {
		case rest <= 0:
			w = float64(n.least) / float64(least)
		case full-least <= total-least:
			w = (float64(n.full) + float64(total-full)*float64(n.full)/float64(full)) / float64(total)
		default:
			w = (float64(n.least) + rest*float64(n.full-n.least)/float64(full-least)) / float64(total)
		}
		widths[c] = int(w * float64(width))
		left -= widths[c]
	}
	widths[0] += left
	return widths
}
