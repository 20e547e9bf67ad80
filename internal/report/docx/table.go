package docx

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
)

// table writes a table with its caption above it.
func (b *body) table(t *document.Table, l *layout) {
	refs := b.references(t)
	b.caption("table", t.Number, t.Title, true, func() { refs.refer(unreferred(t), 0) })
	if t.Base != "" {
		b.together = true
		b.line("Base", t.Base)
		b.together = false
	}
	b.x.begin("w:tbl")
	b.tableProperties("ReportTable", l.widths, l.HeadRows, t.Number+" "+t.Title)
	for r := range l.HeadRows {
		b.headRow(l, r)
	}
	for i := range t.Rows {
		b.together = len(t.Rows) <= togetherRows && i < len(t.Rows)-1
		b.row(&t.Rows[i], l, refs)
	}
	b.x.end()
	b.gap()
}

// togetherRows is how many rows a table may have that no page breaks.
const togetherRows = 20

// caption writes what stands above a table or below a picture. Its number is a field, which
// counts on when somebody adds a table, and has a bookmark to be referred to.
func (b *body) caption(kind, number, title string, keep bool, after func()) {
	b.x.begin("w:p")
	b.x.begin("w:pPr")
	b.x.empty("w:pStyle", "w:val", "Caption")
	if keep {
		b.x.empty("w:keepNext")
	}
	b.x.end()
	label, digits := splitNumber(number)
	if number != "" {
		b.bookmark(fmt.Sprintf("_Ref_%s_%d", kind, b.marks+1), func() {
			b.run("", label)
			if digits > 0 {
				b.sequence(label, digits)
			}
		})
		b.run("", "  ")
	}
	b.run("", title)
	after()
	b.x.end()
}

// splitNumber takes the digits from the end of a number such as "表 A-3"; without any they
// are 0.
func splitNumber(number string) (label string, digits int) {
	number = grid.Plain(number)
	i := len(number)
	for i > 0 && len(number)-i < 6 && number[i-1] >= '0' && number[i-1] <= '9' {
		i--
	}
	if i == len(number) {
		return number, 0
	}
	_, _ = fmt.Sscan(number[i:], &digits) // they are digits
	if number[i] == '0' {
		return number, 0
	}
	return number[:i], digits
}

// sequence writes the number of a caption as a field of its sequence. Where it does not follow
// the number before it, the field is told its number.
func (b *body) sequence(label string, n int) {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, label)
	if name == "" {
		b.run("", twips(n))
		return
	}
	instruction := "SEQ " + name + ` \* ARABIC`
	if n != b.sequences[name]+1 {
		instruction += fmt.Sprintf(` \r %d`, n)
	}
	b.sequences[name] = n
	b.field("", 0, instruction, twips(n))
}

// tableProperties begins a table of columns of these widths; what is what the table is, for
// those who do not see it. Without rows of a head the first row is one as any other.
func (b *body) tableProperties(style string, widths []int, heads int, what string) {
	total := 0
	for _, w := range widths {
		total += w
	}
	b.x.begin("w:tblPr")
	b.x.empty("w:tblStyle", "w:val", style)
	b.x.empty("w:tblW", "w:w", twips(total), "w:type", "dxa")
	b.x.empty("w:tblLayout", "w:type", "fixed")
	look, first := "0680", "0"
	if heads > 0 {
		look, first = "06A0", "1"
	}
	b.x.empty("w:tblLook", "w:val", look, "w:firstRow", first, "w:lastRow", "0", "w:firstColumn", "1", "w:lastColumn", "0", "w:noHBand", "1", "w:noVBand", "1")
	if what = strings.TrimSpace(what); what != "" {
		b.x.empty("w:tblCaption", "w:val", what)
	}
	b.x.end()
	b.x.begin("w:tblGrid")
	for _, w := range widths {
		b.x.empty("w:gridCol", "w:w", twips(w))
	}
	b.x.end()
}

// cell is how a cell of a table is set.
type cell struct {
	from, columns int
	merge         string // how it is merged with cells above and below: restart, continue
	fill          string // colour
	line          bool   // a line below it
	middle        bool
}

// cell begins a cell, inside writes its paragraphs.
func (b *body) cell(widths []int, c cell, inside func()) {
	w := 0
	for _, x := range widths[c.from : c.from+c.columns] {
		w += x
	}
	b.x.begin("w:tc")
	b.x.begin("w:tcPr")
	b.x.empty("w:tcW", "w:w", twips(w), "w:type", "dxa")
	if c.columns > 1 {
		b.x.empty("w:gridSpan", "w:val", twips(c.columns))
	}
	if c.merge != "" {
		b.x.empty("w:vMerge", "w:val", c.merge)
	}
	if c.line {
		b.x.begin("w:tcBorders")
		b.x.empty("w:bottom", "w:val", "single", "w:sz", "8", "w:space", "0", "w:color", "000000")
		b.x.end()
	}
	if c.fill != "" {
		b.x.empty("w:shd", "w:val", "clear", "w:color", "auto", "w:fill", c.fill)
	}
	if c.middle {
		b.x.empty("w:vAlign", "w:val", "center")
	}
	b.x.end()
	inside()
	b.x.end()
}

// rowProperties begins a row, which no page breaks; a head is repeated on every page.
func (b *body) rowProperties(head bool) {
	b.x.begin("w:trPr")
	b.x.empty("w:cantSplit")
	if head {
		b.x.empty("w:tblHeader")
	}
	b.x.end()
}

// headRow writes a row of the head.
func (b *body) headRow(l *layout, r int) {
	b.x.begin("w:tr")
	b.rowProperties(true)
	for c := 0; c < l.Columns; {
		s := l.At(r, c)
		set := cell{from: c, columns: s.Columns, fill: "F2F2F2", line: s.Row+s.Rows == l.HeadRows, middle: true}
		text := s.Text
		if s.Rows > 1 {
			set.merge = "restart"
			if r > s.Row {
				set.merge, text = "continue", ""
			}
		}
		b.cell(l.widths, set, func() { b.headText(l, s, text) })
		c += s.Columns
	}
	b.x.end()
}

func (b *body) headText(l *layout, s grid.Span, text string) {
	b.x.begin("w:p")
	b.x.begin("w:pPr")
	b.x.empty("w:pStyle", "w:val", "TableHead")
	switch {
	case s.Columns > 1:
		b.x.empty("w:jc", "w:val", "center")
	case !s.Left && s.Column > 0:
		b.x.empty("w:jc", "w:val", "right")
	}
	b.x.end()
	b.sized("", l.smaller(), text)
	b.x.end()
}

// smaller is the size of letters where it is not that of the style.
func (l *layout) smaller() int {
	if l.size == uprightSizes[0] {
		return 0
	}
	return l.size
}

// row writes a row of numbers, or one that begins a part of the table.
func (b *body) row(r *document.Row, l *layout, refs *references) {
	b.x.begin("w:tr")
	b.rowProperties(false)
	style := ""
	if r.Heading || r.Total {
		style = "Strong"
	}
	name := func() {
		b.paragraph("TableText", func() { b.sized(style, l.smaller(), r.Name) })
		if r.Detail != "" {
			b.paragraph("TableText", func() { b.sized("Detail", l.smaller(), r.Detail) })
		}
	}
	if r.Heading {
		b.cell(l.widths, cell{columns: l.Columns, fill: "F2F2F2"}, name)
		b.x.end()
		return
	}
	b.cell(l.widths, cell{columns: 1}, name)
	for c := 1; c < l.Columns; c++ {
		b.cell(l.widths, cell{from: c, columns: 1}, func() {
			in := "TableNumber"
			if l.Words(c) {
				in = "TableText"
			}
			b.paragraph(in, func() {
				if c <= len(r.Cells) {
					b.value(&r.Cells[c-1], style, l.smaller(), refs)
				}
			})
		})
	}
	b.x.end()
}

// value writes what stands in a cell: what is printed, the letters, the footnotes.
func (b *body) value(c *document.Cell, style string, size int, refs *references) {
	b.sized(style, size, c.Text)
	if c.Letters != "" {
		b.sized("Letters", size, " "+c.Letters)
	}
	refs.refer(c.Notes, size)
}

// facts writes terms with what is said of them.
func (b *body) facts(facts []document.Fact) {
	w := b.textWidth()
	widths := []int{w / 4, w - w/4}
	b.x.begin("w:tbl")
	b.tableProperties("FactTable", widths, 0, "")
	for _, f := range facts {
		b.x.begin("w:tr")
		b.rowProperties(false)
		b.cell(widths, cell{columns: 1}, func() { b.paragraph("TableText", func() { b.run("Strong", f.Term) }) })
		b.cell(widths, cell{from: 1, columns: 1}, func() { b.line("TableText", f.Text) })
		b.x.end()
	}
	b.x.end()
	b.gap()
}

// cardsInRow is how many key figures stand beside each other at most.
const cardsInRow = 3

// cards writes key figures side by side.
func (b *body) cards(cards []document.Card) {
	if len(cards) == 0 {
		return
	}
	rows := (len(cards) + cardsInRow - 1) / cardsInRow
	n := (len(cards) + rows - 1) / rows
	widths := make([]int, n)
	for i := range widths {
		widths[i] = b.textWidth() / n
	}
	b.x.begin("w:tbl")
	b.tableProperties("CardTable", widths, 0, "")
	for first := 0; first < len(cards); first += n {
		b.x.begin("w:tr")
		b.rowProperties(false)
		for i := range n {
			b.cell(widths, cell{from: i, columns: 1}, func() { b.card(cards, first+i) })
		}
		b.x.end()
	}
	b.x.end()
	b.gap()
}

func (b *body) card(cards []document.Card, i int) {
	if i >= len(cards) {
		b.paragraph("TableText", func() {})
		return
	}
	b.line("CardName", cards[i].Name)
	b.line("CardValue", cards[i].Value)
	b.line("CardDetail", cards[i].Detail)
}
