package docx

import (
	"fmt"

	"github.com/suyang-survey/suyang/internal/report/document"
)

// references are the footnotes of one table. Word numbers footnotes through the whole document
// in the order of their references, so a footnote gets its number when it is first referred
// to; what refers to it later repeats the number by a field.
type references struct {
	b       *body
	table   *document.Table
	numbers map[int]int // in the document, by that in the table
}

func (b *body) references(t *document.Table) *references {
	return &references{b, t, map[int]int{}}
}

// refer writes the references to footnotes of the table, with commas between them.
func (r *references) refer(notes []int, size int) {
	for i, n := range notes {
		if i > 0 {
			r.b.sized("FootnoteReference", size, ",")
		}
		r.one(n, size)
	}
}

func (r *references) one(n, size int) {
	b := r.b
	if number, again := r.numbers[n]; again {
		b.field("FootnoteReference", size, "NOTEREF "+noteMark(number)+` \h`, fmt.Sprint(number))
		return
	}
	b.notes = append(b.notes, r.table.Notes[n-1])
	number := len(b.notes)
	r.numbers[n] = number
	b.bookmark(noteMark(number), func() {
		b.x.begin("w:r")
		b.runProperties("FootnoteReference", size, "")
		b.x.empty("w:footnoteReference", "w:id", twips(number))
		b.x.end()
	})
}

func noteMark(number int) string { return fmt.Sprintf("_RefNote%d", number) }

// unreferred are the footnotes to which no cell of the table refers: they belong to all of it.
func unreferred(t *document.Table) []int {
	used := map[int]bool{}
	for _, r := range t.Rows {
		for _, c := range r.Cells {
			for _, n := range c.Notes {
				used[n] = true
			}
		}
	}
	var rest []int
	for n := 1; n <= len(t.Notes); n++ {
		if !used[n] {
			rest = append(rest, n)
		}
	}
	return rest
}

// footnotes is the part with the footnotes and the lines above them.
func (b *body) footnotes() []byte {
	f := &body{doc: b.doc}
	f.x.WriteString(declaration)
	f.x.begin("w:footnotes", "xmlns:w", nsW, "xmlns:r", nsR)
	for id, kind := range []string{"separator", "continuationSeparator"} {
		f.x.begin("w:footnote", "w:type", kind, "w:id", twips(id-1))
		f.paragraph("FootnoteText", func() {
			f.x.begin("w:r")
			f.x.empty("w:" + kind)
			f.x.end()
		})
		f.x.end()
	}
	for i, text := range b.notes {
		f.x.begin("w:footnote", "w:id", twips(i+1))
		f.paragraph("FootnoteText", func() {
			f.x.begin("w:r")
			f.runProperties("FootnoteReference", 0, "")
			f.x.empty("w:footnoteRef")
			f.x.end()
			f.run("", " "+text)
		})
		f.x.end()
	}
	f.x.end()
	return f.x.Bytes()
}
