package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// Texts are what people wrote in place of the drafts of a report, block by block. They are
// kept in a file of Markdown beside the wave: a heading "## findings" begins the block with
// that ID, and the comment below it says by which facts and from which draft it was
// written, so that the report knows whether a person changed it and whether its numbers
// have changed since.
//
// A paragraph may have blanks: {rate}, {interval} and {n} of everybody, and of a group
// {table.code}, {table.code.interval} and {table.code.n}. They are filled in at each making
// of the report.
type Texts struct {
	name   string
	blocks map[string]written
}

// written is a block of the file.
type written struct {
	// facts and draft are the digests of when the block was drafted.
	facts, draft string
	// raw is the text as it stands in the file, which lies at line; lines has the number of
	// each of its lines.
	raw   string
	line  int
	lines []textLine
}

type textLine struct {
	number int
	text   string
}

// maxTexts is the size limit of a file of texts, in bytes.
const maxTexts = 1 << 20

var (
	blockHead = regexp.MustCompile(`^##[ \t]+(\S+)[ \t]*$`)
	blockMark = regexp.MustCompile(`^<!-- facts ([0-9a-f]{12}) draft ([0-9a-f]{12}) -->$`)
)

// ReadTexts reads a file of texts; name stands for it in errors. Every fault is reported,
// with its line and the way out, as surveys.ErrInvalid.
func ReadTexts(name string, src []byte) (*Texts, error) {
	if len(src) > maxTexts {
		return nil, fmt.Errorf("%s: %w: the texts have %d bytes; the limit is %d", name, surveys.ErrTooLarge, len(src), maxTexts)
	}
	r := textReader{t: &Texts{name: name, blocks: map[string]written{}}}
	for i, line := range strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n") {
		r.line(i+1, strings.TrimRight(line, " \t"))
	}
	r.end()
	return r.t, errors.Join(r.faults...)
}

// textReader reads a file of texts line by line.
type textReader struct {
	t       *Texts
	id      string
	block   written
	comment int // line in which an open comment began, 0 without one
	faults  []error
}

func (r *textReader) fault(line int, format string, args ...any) {
	r.faults = append(r.faults, r.t.fault(line, format, args...))
}

func (t *Texts) fault(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w: %s", t.name, line, surveys.ErrInvalid, fmt.Sprintf(format, args...))
}

func (r *textReader) line(number int, line string) {
	switch {
	case r.comment > 0:
		r.comment = r.comments(r.comment, number, line)
	case r.id != "" && blockMark.MatchString(line):
		m := blockMark.FindStringSubmatch(line)
		r.block.facts, r.block.draft = m[1], m[2]
	case strings.HasPrefix(line, "<!--"):
		r.comment = r.comments(number, number, line)
	case blockHead.MatchString(line):
		r.begin(number, blockHead.FindStringSubmatch(line)[1])
	case strings.HasPrefix(line, "#"):
		r.fault(number, "%q is no heading of a block; write ## and the ID of a block, such as ## findings", line)
	case r.id == "" && line != "":
		r.fault(number, "%q stands before the first block; put it below a heading such as ## findings", line)
	default:
		r.block.lines = append(r.block.lines, textLine{number, line})
	}
}

// comments is the line in which the comment began that is open after a line, 0 where the line
// ends it. Text that stands behind it would be lost, and is a fault.
func (r *textReader) comments(began, number int, line string) int {
	_, behind, ends := strings.Cut(line, "-->")
	switch {
	case !ends:
		return began
	case behind != "":
		r.fault(number, "%q stands behind a comment; write it on a line of its own", strings.TrimSpace(behind))
	}
	return 0
}

func (r *textReader) begin(number int, id string) {
	r.keep()
	r.id, r.block = id, written{line: number}
	if other, twice := r.t.blocks[id]; twice {
		r.fault(number, "the block %q stands there twice, first in line %d; keep one", id, other.line)
	}
}

// keep puts the block that ends here away.
func (r *textReader) keep() {
	if r.id == "" {
		return
	}
	var raw []string
	for _, l := range r.block.lines {
		raw = append(raw, l.text)
		if strings.Count(l.text, "{") != strings.Count(l.text, "}") {
			r.fault(l.number, "a brace is open or was never opened; a blank is written {rate} or {city.330100}")
		}
		if strings.Contains(l.text, "<!--") || strings.Contains(l.text, "-->") {
			r.fault(l.number, "a comment stands behind text, and would be printed; write it on a line of its own")
		}
	}
	r.block.raw = strings.TrimSpace(strings.Join(raw, "\n"))
	if _, twice := r.t.blocks[r.id]; !twice {
		r.t.blocks[r.id] = r.block
	}
}

func (r *textReader) end() {
	if r.comment > 0 {
		r.fault(r.comment, "this comment never ends; close it with -->")
	}
	r.keep()
}

// edited says whether a person changed the draft that the block was written from. A block
// without the mark of a draft was written by a person alone.
func (w written) edited() bool { return w.draft != digest(w.raw) }

// markdown is a draft as it stands in the file.
func (d draft) markdown() string {
	lines := d.sentences()
	if d.style == document.Bullets {
		for i := range lines {
			lines[i] = "- " + lines[i]
		}
		return strings.Join(lines, "\n")
	}
	return strings.Join(lines, "\n\n")
}

// applyTexts fills the blocks that people may edit: with what they wrote, or with the
// draft where nobody wrote anything.
func (b *builder) applyTexts() error {
	if err := b.knowTexts(); err != nil {
		return err
	}
	var faults []error
	for i := range b.doc.Sections {
		s := &b.doc.Sections[i]
		var blocks []document.Block
		for _, bl := range s.Blocks {
			if bl.Text == nil || bl.Text.ID == "" {
				blocks = append(blocks, bl)
				continue
			}
			texts, err := b.filled(bl.Text)
			blocks, faults = append(blocks, texts...), append(faults, err)
		}
		s.Blocks = blocks
	}
	return errors.Join(faults...)
}

// knowTexts complains of blocks that the report does not have.
func (b *builder) knowTexts() error {
	if b.opt.Texts == nil {
		return nil
	}
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(b.opt.Texts.blocks)) {
		w := b.opt.Texts.blocks[id]
		if _, known := b.drafts[id]; !known && w.raw != "" {
			faults = append(faults, b.opt.Texts.fault(w.line, "the report has no block %q; blocks of this report: %s", id, strings.Join(slices.Sorted(maps.Keys(b.drafts)), ", ")))
		}
	}
	return errors.Join(faults...)
}

// filled is a block with its text, in several where a person mixed paragraphs and lists.
func (b *builder) filled(t *document.Text) ([]document.Block, error) {
	d := b.drafts[t.ID]
	if b.opt.Texts != nil {
		if w, ok := b.opt.Texts.blocks[t.ID]; ok && w.edited() {
			return b.byHand(t.ID, w, d)
		}
	}
	if len(d.facts) == 0 {
		return nil, nil
	}
	return []document.Block{{Text: &document.Text{ID: t.ID, Style: d.style, Paragraphs: d.sentences()}}}, nil
}

// byHand is what a person wrote. Numbers in it that were typed are left as they are; that
// the facts of the draft have changed is marked.
func (b *builder) byHand(id string, w written, d draft) ([]document.Block, error) {
	var out []document.Block
	var faults []error
	for _, p := range b.paragraphs(w) {
		said, err := b.fillIn(p)
		faults = append(faults, err, b.revealing(p.number, said))
		style := document.Plain
		if p.item {
			style = document.Bullets
		}
		if n := len(out); n > 0 && out[n-1].Text.Style == style {
			out[n-1].Text.Paragraphs = append(out[n-1].Text.Paragraphs, said)
			continue
		}
		out = append(out, document.Block{Text: &document.Text{Style: style, Paragraphs: []string{said}, Edited: true}})
	}
	if len(out) > 0 {
		out[0].Text.ID = id
		out[0].Text.Stale = w.facts != "" && w.facts != d.fingerprint()
	}
	return out, errors.Join(faults...)
}

// A paragraph is one of a person's text, or an item of a list.
type paragraph struct {
	number int
	text   string
	item   bool
}

// paragraphs puts lines together that no blank line parts; an item begins with a hyphen.
func (b *builder) paragraphs(w written) []paragraph {
	var out []paragraph
	open := false
	for _, l := range w.lines {
		text := strings.TrimSpace(l.text)
		item, isItem := strings.CutPrefix(text, "- ")
		switch {
		case text == "":
			open = false
		case isItem:
			out, open = append(out, paragraph{l.number, strings.TrimSpace(item), true}), true
		case open:
			out[len(out)-1].text += b.space() + text
		default:
			out, open = append(out, paragraph{l.number, text, false}), true
		}
	}
	return out
}

var blank = regexp.MustCompile(`\{([^{}]*)\}`)

// fillIn puts numbers into the blanks of a paragraph.
func (b *builder) fillIn(p paragraph) (string, error) {
	var faults []error
	said := blank.ReplaceAllStringFunc(p.text, func(m string) string {
		name := m[1 : len(m)-1]
		text, err := b.number(name)
		if err != nil {
			faults = append(faults, b.opt.Texts.fault(p.number, "{%s}: %v", name, err))
		}
		return text
	})
	return said, errors.Join(faults...)
}

// number is what stands in a blank.
func (b *builder) number(name string) (string, error) {
	table, rest, grouped := strings.Cut(name, ".")
	if !grouped {
		e := estimated{table: TableHeadline, groups: []assess.Group{{Max: 1, Rows: b.results.Headline}}}
		what := map[string]string{"rate": "", "interval": "interval", "n": "n"}
		w, ok := what[name]
		if !ok {
			return "", errors.New("there is no such number; write {rate}, {interval}, {n}, or {table.code} of a group, such as {city.330100}")
		}
		return b.numberOf(e, 0, w)
	}
	code, what, _ := strings.Cut(rest, ".")
	for _, t := range b.results.Tables {
		if tableID(t) != table {
			continue
		}
		e := estimated{table: table, groups: t.Groups, places: isPlaces(t.Factor)}
		for i, g := range t.Groups {
			if g.Code == code {
				return b.numberOf(e, i, what)
			}
		}
		return "", fmt.Errorf("the table %q has no group %q", table, code)
	}
	return "", fmt.Errorf("the report has no table %q by groups", table)
}

// numberOf writes the last estimate of a group, its interval or its base.
func (b *builder) numberOf(e estimated, i int, what string) (string, error) {
	g := e.groups[i]
	last := len(g.Rows) - 1
	if last < 0 {
		return "", errors.New("the number does not exist; take the blank out")
	}
	v := g.Rows[last].Estimate
	if _, hidden := b.hides(e, i, last); hidden {
		return "", errors.New("the number is withheld; take the blank out")
	}
	if math.IsNaN(v.Value) {
		return "", errors.New("the number does not exist; take the blank out")
	}
	how := b.column(e)
	switch what {
	case "":
		return how.Value(v.Value), nil
	case "interval":
		return b.interval(how, v), nil
	case "n":
		return show.Count(v.N), nil
	}
	return "", fmt.Errorf("%q is nothing a group has; write interval or n, or leave it out", what)
}

// revealing complains of a paragraph that names a group together with its withheld rate,
// as a text may that was written before the rate was withheld.
func (b *builder) revealing(line int, said string) error {
	for _, t := range b.results.Tables {
		how := b.column(estimated{groups: t.Groups, total: b.everybody(), places: isPlaces(t.Factor)})
		for _, g := range t.Groups {
			name := b.text(g.Name)
			if !b.withholds(tableID(t), g) || math.IsNaN(lastValue(g)) || name == "" || !strings.Contains(said, name) {
				continue
			}
			if rate := how.Value(lastValue(g)); strings.Contains(said, rate) {
				return b.opt.Texts.fault(line, "the paragraph gives the rate of %q, which is withheld; take it out", name)
			}
		}
	}
	return nil
}

// WriteTexts writes the file of texts of a report: every block that people may edit, with
// what they wrote in Options.Texts as it stands there, and otherwise with its draft. Where
// the numbers have changed since somebody wrote a text, the new draft stands below it in a
// comment.
func WriteTexts(w io.Writer, r *assess.Results, lang surveys.Lang, opt Options) error {
	if _, ok := texts[lang]; !ok {
		return fmt.Errorf("%w: there is no report in the language %q; use %s or %s", surveys.ErrInvalid, lang, surveys.ZH, surveys.EN)
	}
	b := newBuilder(r, lang, opt)
	b.build()
	if err := b.knowTexts(); err != nil {
		return err
	}
	var s strings.Builder
	fmt.Fprintf(&s, "<!--\n%s\n-->\n", b.say("texts.head", "title", b.text(r.Plan.Title), "wave", r.Wave))
	for _, section := range b.doc.Sections {
		for _, bl := range section.Blocks {
			if bl.Text != nil && bl.Text.ID != "" {
				b.writeBlock(&s, section.Title, bl.Text.ID)
			}
		}
	}
	_, err := io.WriteString(w, s.String())
	return err
}

func (b *builder) writeBlock(s *strings.Builder, section, id string) {
	d := b.drafts[id]
	text := d.markdown()
	facts, drafted, fresh := d.fingerprint(), digest(text), ""
	if b.opt.Texts != nil {
		if w, ok := b.opt.Texts.blocks[id]; ok && w.edited() {
			text = w.raw
			if w.facts != "" {
				if w.facts != facts {
					fresh = b.say("texts.stale", "facts", facts) + "\n" + d.markdown()
				}
				facts, drafted = w.facts, w.draft
			}
		}
	}
	fmt.Fprintf(s, "\n<!-- %s -->\n## %s\n<!-- facts %s draft %s -->\n", uncommented(section), id, facts, drafted)
	if fresh != "" {
		fmt.Fprintf(s, "<!-- %s\n-->\n", uncommented(fresh))
	}
	if text != "" {
		fmt.Fprintf(s, "\n%s\n", text)
	}
}

// uncommented keeps a text from ending the comment it stands in.
func uncommented(s string) string { return strings.ReplaceAll(s, "--", "—") }
