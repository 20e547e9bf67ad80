package xlsx

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
)

// sheet is a sheet that is written from the top. The first error stops all that follows.
type sheet struct {
	*book
	name string
	row  int // counted from 0
	err  error
}

func (s *sheet) next() { s.row++ }

// at is the name of a cell in the row that is written; columns are counted from 1.
func (s *sheet) at(column int) string {
	name, err := excelize.CoordinatesToCellName(column, s.row+1)
	s.note(err)
	return name
}

func (s *sheet) note(err error) {
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("sheet %q: %w", s.name, err)
	}
}

// put sets the look of a cell after its value.
func (s *sheet) put(column int, l look) {
	if s.err != nil {
		return
	}
	id, err := s.style(l)
	s.note(err)
	s.note(s.SetCellStyle(s.name, s.at(column), s.at(column), id))
}

// cellText is how many units of UTF-16 a cell holds, and asText how many Excel shows of a
// cell that is formatted as text.
const (
	cellText = 32767
	asText   = 255
)

// text writes a text. One that begins as formulas do is formatted as text, so that it does not
// become a formula when somebody edits the cell.
func (s *sheet) text(column int, l look, text string) {
	text = clip(grid.Plain(text), cellText)
	if strings.IndexAny(strings.TrimLeft(text, " \t\n"), "=+-@＝＋－＠") == 0 && len(text) <= asText {
		l.format = "@"
	}
	if strings.Contains(text, "\n") {
		l.wrap = true
	}
	if s.err == nil && text != "" {
		s.note(s.SetCellStr(s.name, s.at(column), text))
	}
	s.put(column, l)
	if s.err == nil && l.size > 0 {
		s.note(s.SetRowHeight(s.name, s.row+1, l.size*rowOfLetters))
	}
}

// rowOfLetters is how high a row of large letters is, as a multiple of them; rows of usual
// ones get their height from the program that shows them.
const rowOfLetters = 1.6

// link writes a text that leads to another sheet.
func (s *sheet) link(column int, text, to string) {
	s.text(column, look{link: true, wrap: true}, text)
	if s.err == nil && text != "" {
		target := "'" + strings.ReplaceAll(to, "'", "''") + "'!A1"
		s.note(s.SetCellHyperLink(s.name, s.at(column), target, "Location"))
	}
}

func (s *sheet) width(column int, w float64) {
	name, err := excelize.ColumnNumberToName(column)
	s.note(err)
	s.note(s.SetColWidth(s.name, name, name, w))
}

// merge makes one cell of those of a rectangle, from the row that is written on; the first of
// them has its text and look already.
func (s *sheet) merge(from, to, rows int, l look) {
	first := s.row
	for r := range rows {
		s.row = first + r
		for c := from; c <= to; c++ {
			if r > 0 || c > from {
				s.put(c, l)
			}
		}
	}
	last := s.at(to)
	s.row = first
	if s.err == nil && (to > from || rows > 1) {
		s.note(s.MergeCell(s.name, s.at(from), last))
	}
}

// freeze keeps the rows up to last, counted from 0, and columns at their place.
func (s *sheet) freeze(last, columns int) {
	corner, err := excelize.CoordinatesToCellName(columns+1, last+2)
	s.note(err)
	pane := "bottomRight"
	if columns == 0 {
		pane = "bottomLeft"
	}
	s.note(s.SetPanes(s.name, &excelize.Panes{Freeze: true, XSplit: columns, YSplit: last + 1, TopLeftCell: corner, ActivePane: pane}))
}

// paper lays the sheet on A4, one page wide, and repeats rows, counted from 0, on every page.
func (s *sheet) paper(first, last int, sideways bool) {
	size, wide, high, way := 9, 1, 0, "portrait"
	if sideways {
		way = "landscape"
	}
	fit := true
	s.note(s.SetSheetProps(s.name, &excelize.SheetPropsOptions{FitToPage: &fit}))
	s.note(s.SetPageLayout(s.name, &excelize.PageLayoutOptions{Size: &size, Orientation: &way, FitToWidth: &wide, FitToHeight: &high}))
	mark := clip(strings.ReplaceAll(grid.Plain(strings.Join(s.doc.Marks, " · ")), "&", "&&"), 200)
	s.note(s.SetHeaderFooter(s.name, &excelize.HeaderFooterOptions{OddHeader: "&C" + mark, OddFooter: "&C&P / &N"}))
	s.note(s.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: s.name,
		RefersTo: fmt.Sprintf("'%s'!$%d:$%d", strings.ReplaceAll(s.name, "'", "''"), first+1, last+1)}))
}

// places say which columns of a sheet those of a table take. Beside the column of a number
// stand one with its letters and one with its footnotes, where there are any, so that the
// number stays alone in its cell.
type places struct {
	*grid.Grid
	detail         bool // the rows have remarks, which stand in the second column
	start          []int
	letters, notes []bool
	columns        int // of the sheet
}

func (b *book) places(t *document.Table) (*places, error) {
	g, err := grid.Of(t)
	if err != nil {
		return nil, err
	}
	p := &places{Grid: g, start: make([]int, g.Columns), letters: make([]bool, g.Columns), notes: make([]bool, g.Columns)}
	for _, r := range t.Rows {
		p.detail = p.detail || r.Detail != ""
		for c, cell := range r.Cells {
			p.letters[c+1] = p.letters[c+1] || cell.Letters != ""
			p.notes[c+1] = p.notes[c+1] || len(cell.Notes) > 0
		}
	}
	p.columns = 0
	for c := range p.start {
		p.start[c] = p.columns + 1
		p.columns += 1 + p.companions(c)
	}
	return p, nil
}

// companions counts the columns beside one of the table.
func (p *places) companions(c int) int {
	n := 0
	for _, there := range []bool{c == 0 && p.detail, p.letters[c], p.notes[c]} {
		if there {
			n++
		}
	}
	return n
}

// table writes a table on its sheet.
func (b *book) table(l listed) error {
	t := l.table
	p, err := b.places(t)
	if err != nil {
		return err
	}
	if _, err := b.NewSheet(l.sheet); err != nil {
		return err
	}
	s := &sheet{book: b, name: l.sheet}
	s.text(1, look{bold: true, size: 13}, strings.TrimSpace(t.Number+"  "+t.Title))
	s.next()
	for _, line := range append([]string{t.Base}, b.doc.Marks...) {
		if line != "" {
			s.text(1, look{}, line)
			s.next()
		}
	}
	s.link(1, b.words.Say("back"), b.contents)
	s.next()
	first := s.row
	s.head(p)
	s.freeze(max(s.row-1, first), p.start[0]+p.companions(0))
	s.paper(first, max(s.row-1, first), p.columns > 8)
	for i := range t.Rows {
		s.data(&t.Rows[i], p)
		s.next()
	}
	s.next()
	s.remarks(t, p)
	s.widths(t, p)
	return s.err
}

// head writes the headings, with those of the columns that stand beside others.
func (s *sheet) head(p *places) {
	first := s.row
	for _, h := range p.Head {
		s.row = first + h.Row
		l := look{bold: true, fill: true, wrap: true, line: h.Row+h.Rows == p.HeadRows, center: h.Columns > 1, right: h.Columns == 1 && !p.Words(h.Column)}
		from, last := p.start[h.Column], h.Column+h.Columns-1
		to := p.start[last] + p.companions(last)
		if h.Columns == 1 {
			to = from
			for i, name := range s.beside(p, h.Column) {
				s.text(from+1+i, l, name)
				s.merge(from+1+i, from+1+i, h.Rows, l)
			}
		}
		s.text(from, l, h.Text)
		s.merge(from, to, h.Rows, l)
	}
	s.row = first + p.HeadRows
}

// beside are the headings of the columns beside one of the table.
func (s *sheet) beside(p *places, c int) []string {
	var names []string
	if c == 0 && p.detail {
		names = append(names, s.words.Say("remark"))
	}
	if p.letters[c] {
		names = append(names, s.words.Say("letters"))
	}
	if p.notes[c] {
		names = append(names, s.words.Say("notes"))
	}
	return names
}

// data writes a row of numbers, or one that begins a part of the table.
func (s *sheet) data(r *document.Row, p *places) {
	base := look{bold: r.Total || r.Heading, fill: r.Heading}
	if r.Heading {
		for c := 2; c <= p.columns; c++ {
			s.put(c, base)
		}
	}
	name := base
	name.wrap = true
	s.text(1, name, r.Name)
	if p.detail && !r.Heading {
		s.text(2, name, r.Detail)
	}
	if r.Heading {
		return
	}
	for c := range r.Cells {
		s.cell(&r.Cells[c], p, c+1, base)
	}
}

// cell writes a number as a number, all else as text, and its companions.
func (s *sheet) cell(c *document.Cell, p *places, column int, l look) {
	at := p.start[column]
	value := l
	value.right = !p.Words(column)
	if x, ok := grid.Number(c); ok {
		value.format = format(c)
		if s.err == nil {
			s.note(s.SetCellFloat(s.name, s.at(at), x, -1, 64))
		}
		s.put(at, value)
	} else {
		value.wrap = !value.right
		s.text(at, value, c.Text)
	}
	if p.letters[column] {
		at++
		s.text(at, l, c.Letters)
	}
	if p.notes[column] {
		numbers := make([]string, len(c.Notes))
		for i, n := range c.Notes {
			numbers[i] = strconv.Itoa(n)
		}
		s.text(at+1, l, strings.Join(numbers, ", "))
	}
}

// format shows a number as it is printed. What is printed with a plus is a difference, whose
// sign is always shown.
func format(c *document.Cell) string {
	f := "#,##0"
	if c.Unit == document.Share {
		f = "0"
	}
	if c.Decimals > 0 {
		f += "." + strings.Repeat("0", min(c.Decimals, 15))
	}
	if c.Unit == document.Share {
		f += "%"
	}
	if strings.HasPrefix(c.Text, "+") {
		return "+" + f + ";-" + f + ";+" + f
	}
	return f
}

// remarks writes the footnotes, and what letters and signs mean where there are any.
func (s *sheet) remarks(t *document.Table, p *places) {
	for i, n := range t.Notes {
		s.text(1, look{}, fmt.Sprintf("%d  %s", i+1, n))
		s.next()
	}
	withheld, letters := false, false
	for _, r := range t.Rows {
		for _, c := range r.Cells {
			withheld, letters = withheld || c.Suppressed, letters || c.Letters != ""
		}
	}
	if letters {
		s.text(1, look{}, s.words.Say("letters.read"))
		s.next()
	}
	if withheld {
		s.text(1, look{}, s.words.Say("suppressed"))
		s.next()
	}
}

// Widths of columns, in letters.
const (
	narrowest, widest    = 8, 24
	narrowName, wideName = 12, 48
	beside               = 7
)

// widths makes the columns as wide as their texts, within bounds; a Chinese character counts
// two.
func (s *sheet) widths(t *document.Table, p *places) {
	need := make([]int, p.Columns)
	for _, h := range p.Head {
		if h.Columns == 1 {
			need[h.Column] = max(need[h.Column], min(grid.Width(h.Text), widest/2))
		}
	}
	detail := 0
	for _, r := range t.Rows {
		need[0], detail = max(need[0], grid.Width(r.Name)), max(detail, grid.Width(r.Detail))
		for c, cell := range r.Cells {
			need[c+1] = max(need[c+1], grid.Width(cell.Text))
		}
	}
	for c := range need {
		least, most := narrowest, widest
		if c == 0 {
			least, most = narrowName, wideName
		}
		s.width(p.start[c], float64(min(max(need[c]+2, least), most)))
		for i := range p.companions(c) {
			s.width(p.start[c]+1+i, beside)
		}
	}
	if p.detail {
		s.width(2, float64(min(max(detail+2, narrowName), wideName)))
	}
}
