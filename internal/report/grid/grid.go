// Package grid lays a table of a report out in rows and columns, as all the files need it that
// have cells: which place every heading takes, and what a column is called as a whole.
package grid

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// Span is a heading and the places that it takes in the head, counted from 0.
type Span struct {
	Row, Column, Rows, Columns int
	Text                       string
	Left                       bool
}

// Grid is a table laid out.
type Grid struct {
	// Columns and HeadRows count the columns and the rows of the head.
	Columns, HeadRows int
	// Head covers every place of the head once, in the order of rows and columns; where the
	// table has no heading, its text is empty.
	Head []Span

	at [][]int // index into Head by row and column
}

// Of lays a table out. A heading goes to the first free place of its row. An error wraps
// surveys.ErrInvalid and says what is wrong: headings that overlap or reach below the head,
// or a cell that refers to a footnote that the table does not have.
func Of(t *document.Table) (*Grid, error) {
	g := &Grid{HeadRows: len(t.Head)}
	if err := g.place(t); err != nil {
		return nil, fmt.Errorf("%w: table %q: %w", surveys.ErrInvalid, t.ID, err)
	}
	if err := notes(t); err != nil {
		return nil, fmt.Errorf("%w: table %q: %w", surveys.ErrInvalid, t.ID, err)
	}
	g.cover(t)
	return g, nil
}

// place finds the places of the headings.
func (g *Grid) place(t *document.Table) error {
	taken := make([]map[int]bool, g.HeadRows)
	for r := range taken {
		taken[r] = map[int]bool{}
	}
	for r, row := range t.Head {
		c := 0
		for _, h := range row {
			for taken[r][c] {
				c++
			}
			s := Span{r, c, max(h.Down, 1), max(h.Span, 1), h.Text, h.Left}
			if r+s.Rows > g.HeadRows {
				return fmt.Errorf("heading %q reaches below the head; its rows must fit into the %d of the head", h.Text, g.HeadRows)
			}
			for i := range s.Rows {
				for j := range s.Columns {
					if taken[r+i][c+j] {
						return fmt.Errorf("heading %q overlaps another; make one of them narrower", h.Text)
					}
					taken[r+i][c+j] = true
				}
			}
			g.Head = append(g.Head, s)
			c += s.Columns
			g.Columns = max(g.Columns, c)
		}
	}
	return nil
}

// notes checks the references to footnotes.
func notes(t *document.Table) error {
	for _, row := range t.Rows {
		for _, c := range row.Cells {
			for _, n := range c.Notes {
				if n < 1 || n > len(t.Notes) {
					return fmt.Errorf("a cell of row %q refers to footnote %d, but there are %d; number the footnotes from 1", row.Name, n, len(t.Notes))
				}
			}
		}
	}
	return nil
}

// cover makes the head as wide as the rows and fills its free places.
func (g *Grid) cover(t *document.Table) {
	g.Columns = max(g.Columns, 1)
	for _, row := range t.Rows {
		g.Columns = max(g.Columns, 1+len(row.Cells))
	}
	g.at = make([][]int, g.HeadRows)
	for r := range g.at {
		g.at[r] = slices.Repeat([]int{-1}, g.Columns)
	}
	for i, s := range g.Head {
		g.mark(i, s)
	}
	for r := range g.at {
		for c, i := range g.at[r] {
			if i < 0 {
				g.Head = append(g.Head, Span{r, c, 1, 1, "", false})
			}
		}
	}
	slices.SortFunc(g.Head, func(a, b Span) int {
		if a.Row != b.Row {
			return a.Row - b.Row
		}
		return a.Column - b.Column
	})
	for i, s := range g.Head {
		g.mark(i, s)
	}
}

func (g *Grid) mark(i int, s Span) {
	for r := range s.Rows {
		for c := range s.Columns {
			g.at[s.Row+r][s.Column+c] = i
		}
	}
}

// At returns the heading that covers a place of the head.
func (g *Grid) At(row, column int) Span { return g.Head[g.at[row][column]] }

// Words reports whether a column holds words, which begin at the left; numbers end at the
// right. The names of the rows are words.
func (g *Grid) Words(column int) bool {
	return column == 0 || g.HeadRows > 0 && g.At(g.HeadRows-1, column).Left
}

// Name is what a column is called as a whole: its headings from the top, such as
// "2025 / Rate".
func (g *Grid) Name(column int) string {
	var parts []string
	for r := range g.HeadRows {
		if s := g.At(r, column); s.Row == r && s.Text != "" {
			parts = append(parts, s.Text)
		}
	}
	return strings.Join(parts, " / ")
}

// Number is the number of a cell in full precision. A cell has none where it has words, where
// the number does not exist, and where it must not be published, whatever its value says.
func Number(c *document.Cell) (float64, bool) {
	if c.Value == nil || c.Suppressed || math.IsNaN(*c.Value) || math.IsInf(*c.Value, 0) {
		return 0, false
	}
	return *c.Value, true
}

// Plain makes a text fit for files of characters: it takes out what XML forbids and control
// characters, and makes broken characters U+FFFD. Lines end with \n.
func Plain(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return -1
		}
		return r
	}, s)
}

// Width is how wide a text is in halves of a Chinese character: 2 for each that is as wide as
// one, else 1, of its widest line.
func Width(s string) int {
	var widest, w int
	for _, r := range s {
		switch {
		case r == '\n':
			w = 0
			continue
		case Wide(r):
			w += 2
		default:
			w++
		}
		widest = max(widest, w)
	}
	return widest
}

// Wide reports whether a character takes the place of a Chinese one.
func Wide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd
}
