package docx

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
	"github.com/suyang-survey/suyang/internal/report/labels"
	"github.com/suyang-survey/suyang/surveys"
)

// Pages are A4. Lengths are in twips, of which an inch has 1,440.
const (
	short, long   = 11906, 16838
	margin        = 1418
	uprightText   = short - 2*margin
	sidewaysText  = long - 2*margin
	textHeight    = long - 2*margin
	emuOfTwip     = 635
	headerToPaper = 720
)

// body is the document while it is written.
type body struct {
	doc   *document.Document
	words labels.Labels
	opt   Options

	x       markup
	files   map[string][]byte
	related []relation
	// marks counts bookmarks, steps the lists whose order counts, pictures the pictures.
	marks, steps, pictures int
	// notes are the footnotes so far, in the order of their numbers in the document.
	notes []string
	// sequences are the last numbers of the captions, by the name of their sequence.
	sequences map[string]int
	sideways  bool
	// together says that paragraphs stay on the page of the next one.
	together bool
}

// item is a heading or a block, in the order of the document.
type item struct {
	section *document.Section // of a heading
	block   *document.Block
	table   *layout // of a table
}

// write writes the body.
func (b *body) write() error {
	items, err := b.items()
	if err != nil {
		return err
	}
	b.sequences = map[string]int{}
	header, footer := b.relate("header", "header1.xml"), b.relate("footer", "footer1.xml")
	b.x.WriteString(declaration)
	b.x.begin("w:document", "xmlns:w", nsW, "xmlns:r", nsR, "xmlns:wp", nsWP, "xmlns:a", nsA, "xmlns:pic", nsPic)
	b.x.begin("w:body")
	b.front()
	b.contents()
	for i, it := range items {
		if turned := sideways(items[i:]); turned != b.sideways {
			b.x.begin("w:p")
			b.x.begin("w:pPr")
			b.x.empty("w:pStyle", "w:val", "Gap")
			b.page(header, footer)
			b.x.end()
			b.x.end()
			b.sideways = turned
		}
		if err := b.item(it); err != nil {
			return err
		}
	}
	b.page(header, footer)
	b.x.end()
	b.x.end()
	return nil
}

// items lays the document out in a row.
func (b *body) items() ([]item, error) {
	var items []item
	for i := range b.doc.Sections {
		s := &b.doc.Sections[i]
		items = append(items, item{section: s})
		for j := range s.Blocks {
			it := item{block: &s.Blocks[j]}
			if t := it.block.Table; t != nil {
				var err error
				if it.table, err = lay(t); err != nil {
					return nil, err
				}
			}
			items = append(items, it)
		}
	}
	return items, nil
}

// sideways reports whether the first item stands on a page that is wider than high: a wide
// table does, and so do the headings right above it.
func sideways(items []item) bool {
	for _, it := range items {
		if it.section == nil {
			return it.table != nil && it.table.sideways
		}
	}
	return false
}

// page ends the part of the document whose pages are as they are now.
func (b *body) page(header, footer string) {
	b.x.begin("w:sectPr")
	b.x.empty("w:headerReference", "w:type", "default", "r:id", header)
	b.x.empty("w:footerReference", "w:type", "default", "r:id", footer)
	b.x.empty("w:type", "w:val", "nextPage")
	if b.sideways {
		b.x.empty("w:pgSz", "w:w", twips(long), "w:h", twips(short), "w:orient", "landscape")
	} else {
		b.x.empty("w:pgSz", "w:w", twips(short), "w:h", twips(long))
	}
	m := twips(margin)
	b.x.empty("w:pgMar", "w:top", m, "w:right", m, "w:bottom", m, "w:left", m, "w:header", twips(headerToPaper), "w:footer", twips(headerToPaper), "w:gutter", "0")
	b.x.end()
}

func twips(n int) string { return strconv.Itoa(n) }

// textWidth is how wide text is on the pages as they are now.
func (b *body) textWidth() int {
	if b.sideways {
		return sidewaysText
	}
	return uprightText
}

// paragraph writes a paragraph in a style.
func (b *body) paragraph(style string, inside func()) {
	b.x.begin("w:p")
	b.x.begin("w:pPr")
	b.x.empty("w:pStyle", "w:val", style)
	if b.together {
		b.x.empty("w:keepNext")
	}
	b.x.end()
	inside()
	b.x.end()
}

// line writes a paragraph of one text.
func (b *body) line(style, text string) { b.paragraph(style, func() { b.run("", text) }) }

// run writes text in a style of characters, which may be empty.
func (b *body) run(style, text string) { b.sized(style, 0, text) }

// sized writes text of a size in halves of a point; 0 leaves the size to the paragraph.
func (b *body) sized(style string, size int, text string) {
	if text == "" {
		return
	}
	b.x.begin("w:r")
	b.runProperties(style, size, text)
	for i, l := range strings.Split(grid.Plain(text), "\n") {
		if i > 0 {
			b.x.empty("w:br")
		}
		b.x.leaf("w:t", strings.ReplaceAll(l, "\t", " "), "xml:space", "preserve")
	}
	b.x.end()
}

// runProperties says that quotation marks and dashes within Chinese are Chinese ones, which
// Unicode does not tell apart from others.
func (b *body) runProperties(style string, size int, text string) {
	chinese := b.doc.Lang == surveys.ZH && strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if style == "" && size == 0 && !chinese {
		return
	}
	b.x.begin("w:rPr")
	if style != "" {
		b.x.empty("w:rStyle", "w:val", style)
	}
	if chinese {
		b.x.empty("w:rFonts", "w:hint", "eastAsia")
	}
	if size != 0 {
		b.x.empty("w:sz", "w:val", twips(size))
		b.x.empty("w:szCs", "w:val", twips(size))
	}
	b.x.end()
}

// field writes a field with the result that is shown until somebody updates it. The last
// switch of an instruction may be followed by nothing.
func (b *body) field(style string, size int, instruction, result string) {
	b.fieldPart(style, size, "begin")
	b.x.begin("w:r")
	b.x.leaf("w:instrText", " "+instruction+" ", "xml:space", "preserve")
	b.x.end()
	b.fieldPart(style, size, "separate")
	b.sized(style, size, result)
	b.fieldPart(style, size, "end")
}

func (b *body) fieldPart(style string, size int, kind string) {
	b.x.begin("w:r")
	b.runProperties(style, size, "")
	b.x.empty("w:fldChar", "w:fldCharType", kind)
	b.x.end()
}

// bookmark names what inside writes, so that links and fields find it.
func (b *body) bookmark(name string, inside func()) {
	b.marks++
	id := twips(b.marks)
	b.x.empty("w:bookmarkStart", "w:id", id, "w:name", name)
	inside()
	b.x.empty("w:bookmarkEnd", "w:id", id)
}

// front writes the title with what must be known of the report.
func (b *body) front() {
	b.line("Title", b.doc.Title)
	if b.doc.Subtitle != "" {
		b.line("Subtitle", b.doc.Subtitle)
	}
	for _, m := range b.doc.Marks {
		b.line("Caution", m)
	}
	facts := append([]document.Fact(nil), b.doc.Facts...)
	facts = append(facts, document.Fact{Term: b.words.Say("made"), Text: b.doc.Made.Format("2006-01-02")})
	if b.doc.Program != "" {
		facts = append(facts, document.Fact{Term: b.words.Say("program"), Text: b.doc.Program})
	}
	b.gap()
	b.facts(facts)
}

// contents writes the table of contents. The numbers of pages only a program that lays pages out
// can know: each entry has a field for its number that is empty until then, and the settings
// ask for the fields to be updated when the document is opened.
func (b *body) contents() {
	b.x.begin("w:sdt")
	b.x.begin("w:sdtPr")
	b.x.begin("w:docPartObj")
	b.x.empty("w:docPartGallery", "w:val", "Table of Contents")
	b.x.empty("w:docPartUnique")
	b.x.end()
	b.x.end()
	b.x.begin("w:sdtContent")
	b.line("TOCHeading", b.words.Say("contents"))
	last := len(b.doc.Sections) - 1
	for i := range b.doc.Sections {
		s := &b.doc.Sections[i]
		b.paragraph("TOC"+twips(depth(s)), func() {
			if i == 0 {
				b.fieldPart("", 0, "begin")
				b.x.begin("w:r")
				b.x.leaf("w:instrText", ` TOC \o "1-3" \h \z \u `, "xml:space", "preserve")
				b.x.end()
				b.fieldPart("", 0, "separate")
			}
			b.x.begin("w:hyperlink", "w:anchor", sectionMark(i), "w:history", "1")
			b.run("Hyperlink", heading(s))
			b.x.begin("w:r")
			b.x.empty("w:tab")
			b.x.end()
			b.field("", 0, "PAGEREF "+sectionMark(i)+` \h`, "")
			b.x.end()
			if i == last {
				b.fieldPart("", 0, "end")
			}
		})
	}
	b.x.end()
	b.x.end()
	b.x.begin("w:p")
	b.x.begin("w:r")
	b.x.empty("w:br", "w:type", "page")
	b.x.end()
	b.x.end()
}

// sectionMark is the bookmark of a heading, of the kind that Word makes for contents.
func sectionMark(i int) string { return fmt.Sprintf("_Toc%09d", 100000001+i) }

// depth is that of a heading; Word's headings go three deep here.
func depth(s *document.Section) int { return min(max(s.Depth, 1), 3) }

// heading is a heading with its number as the document prints it.
func heading(s *document.Section) string {
	return strings.Join(strings.Fields(s.Number+" "+grid.Plain(s.Title)), " ")
}

func (b *body) item(it item) error {
	switch {
	case it.section != nil:
		b.section(it.section)
		return nil
	case it.table != nil:
		b.table(it.block.Table, it.table)
		return nil
	case it.block.Chart != nil:
		return b.chart(it.block.Chart)
	case it.block.Text != nil:
		b.text(it.block.Text)
	case it.block.Cards != nil:
		b.cards(it.block.Cards)
	case it.block.Facts != nil:
		b.facts(it.block.Facts)
	}
	return nil
}

func (b *body) section(s *document.Section) {
	i := 0
	for &b.doc.Sections[i] != s {
		i++
	}
	b.paragraph("Heading"+twips(depth(s)), func() { b.bookmark(sectionMark(i), func() { b.run("", heading(s)) }) })
}

// text writes paragraphs or a list. What was edited before the numbers changed is preceded by
// a warning.
func (b *body) text(t *document.Text) {
	if t.Stale {
		b.line("Caution", b.words.Say("stale"))
	}
	if t.Style == document.Steps {
		b.steps++
	}
	for _, p := range t.Paragraphs {
		switch t.Style {
		case document.Bullets:
			b.listed("ListBullet", bulletList, p)
		case document.Steps:
			b.listed("ListNumber", bulletList+b.steps, p)
		case document.Caution:
			b.line("Caution", p)
		case document.Small:
			b.line("Remark", p)
		case document.Formula:
			b.line("Formula", p)
		default:
			b.line("BodyText", p)
		}
	}
	if t.Style == document.Caution {
		b.gap()
	}
}

// bulletList is the number of the list of bullets; those whose order counts follow it.
const bulletList = 1

func (b *body) listed(style string, list int, text string) {
	b.x.begin("w:p")
	b.x.begin("w:pPr")
	b.x.empty("w:pStyle", "w:val", style)
	b.x.begin("w:numPr")
	b.x.empty("w:ilvl", "w:val", "0")
	b.x.empty("w:numId", "w:val", twips(list))
	b.x.end()
	b.x.end()
	b.run("", text)
	b.x.end()
}

// gap keeps apart what would otherwise touch or even merge, such as two tables.
func (b *body) gap() { b.paragraph("Gap", func() {}) }

// numbering is the part with the lists: one of bullets, and each list of steps begins at 1.
func (b *body) numbering() []byte {
	var m markup
	m.WriteString(declaration)
	m.begin("w:numbering", "xmlns:w", nsW)
	for id, l := range [][2]string{{"bullet", "•"}, {"decimal", "%1."}} {
		m.begin("w:abstractNum", "w:abstractNumId", twips(id))
		m.empty("w:multiLevelType", "w:val", "singleLevel")
		m.begin("w:lvl", "w:ilvl", "0")
		m.empty("w:start", "w:val", "1")
		m.empty("w:numFmt", "w:val", l[0])
		m.empty("w:lvlText", "w:val", l[1])
		m.empty("w:lvlJc", "w:val", "left")
		m.begin("w:pPr")
		m.empty("w:ind", "w:left", "420", "w:hanging", "420")
		m.end()
		m.end()
		m.end()
	}
	for n := range b.steps + 1 {
		m.begin("w:num", "w:numId", twips(bulletList+n))
		m.empty("w:abstractNumId", "w:val", twips(min(n, 1)))
		if n > 0 {
			m.begin("w:lvlOverride", "w:ilvl", "0")
			m.empty("w:startOverride", "w:val", "1")
			m.end()
		}
		m.end()
	}
	m.end()
	return m.Bytes()
}

// header is the top of every page: what must be said there, else the title.
func (b *body) header() []byte {
	text := strings.Join(b.doc.Marks, " · ")
	if text == "" {
		text = b.doc.Title
	}
	h := &body{doc: b.doc}
	h.x.WriteString(declaration)
	h.x.begin("w:hdr", "xmlns:w", nsW, "xmlns:r", nsR)
	h.line("Header", text)
	h.x.end()
	return h.x.Bytes()
}

// footer is the foot of every page: its number, of how many.
func (b *body) footer() []byte {
	f := &body{doc: b.doc}
	f.x.WriteString(declaration)
	f.x.begin("w:ftr", "xmlns:w", nsW, "xmlns:r", nsR)
	f.paragraph("Footer", func() {
		before, rest, _ := strings.Cut(b.words.Say("page"), "{page}")
		between, after, _ := strings.Cut(rest, "{pages}")
		f.run("", before)
		f.field("", 0, "PAGE", "1")
		f.run("", between)
		f.field("", 0, "NUMPAGES", "1")
		f.run("", after)
	})
	f.x.end()
	return f.x.Bytes()
}
