package report

import (
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
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
// A paragraph may have blanks: {rate}, {score}, {interval} and {n} of everybody, and of a group
// {table.code}, {table.code.interval} and {table.code.n}. They are filled in at each making
// of the report.
type Texts struct {
	name   string
	blocks map[string]written
	// faults are what is wrong with the file itself. Build names them together with what only
	// the report can know, so that nobody is told of faults in two rounds.
	faults []*TextFault
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

// ReadTexts reads a file of texts; name stands for it in errors. It fails only for a file
// that is too large: whatever else is wrong Build says, every fault with its line and the
// way out.
func ReadTexts(name string, src []byte) (*Texts, error) {
	if len(src) > maxTexts {
		return nil, fmt.Errorf("%s: %w: the texts have %d bytes; the limit is %d", name, surveys.ErrTooLarge, len(src), maxTexts)
	}
	r := textReader{t: &Texts{name: name, blocks: map[string]written{}}}
	for i, line := range strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n") {
		r.line(i+1, strings.TrimRight(line, " \t"))
	}
	r.end()
	return r.t, nil
}

// textReader reads a file of texts line by line.
type textReader struct {
	t       *Texts
	id      string
	block   written
	comment int // line in which an open comment began, 0 without one
}

func (r *textReader) fault(line int, kind TextFaultKind, what ...string) {
	r.t.faults = append(r.t.faults, r.t.fault(line, kind, what...))
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
		r.fault(number, FaultHeading, line)
	case r.id == "" && line != "":
		r.fault(number, FaultNoBlock, line)
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
		r.fault(number, FaultBehindComment, strings.TrimSpace(behind))
	}
	return 0
}

func (r *textReader) begin(number int, id string) {
	r.keep()
	r.id, r.block = id, written{line: number}
	if other, twice := r.t.blocks[id]; twice {
		r.fault(number, FaultTwice, id, strconv.Itoa(other.line))
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
			r.fault(l.number, FaultBrace)
		}
		if hasComment(l.text) {
			r.fault(l.number, FaultComment)
		}
	}
	r.block.raw = strings.TrimSpace(strings.Join(raw, "\n"))
	if _, twice := r.t.blocks[r.id]; !twice {
		r.t.blocks[r.id] = r.block
	}
}

func (r *textReader) end() {
	if r.comment > 0 {
		r.fault(r.comment, FaultOpenComment)
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
// draft where nobody wrote anything. Every fault of the texts is named at once.
func (b *builder) applyTexts() error {
	faults := b.fileFaults()
	for i := range b.doc.Sections {
		s := &b.doc.Sections[i]
		var blocks []document.Block
		for _, bl := range s.Blocks {
			if bl.Text == nil || bl.Text.ID == "" {
				blocks = append(blocks, bl)
				continue
			}
			texts, found := b.filled(bl.Text)
			blocks, faults = append(blocks, texts...), append(faults, found...)
		}
		s.Blocks = blocks
	}
	return joined(faults)
}

// fileFaults are those of the file itself, and the blocks in it that the report does not
// have.
func (b *builder) fileFaults() []*TextFault {
	if b.opt.Texts == nil {
		return nil
	}
	faults := slices.Clone(b.opt.Texts.faults)
	for _, id := range b.strangers() {
		faults = append(faults, b.opt.Texts.fault(b.opt.Texts.blocks[id].line, FaultUnknownBlock, id, strings.Join(slices.Sorted(maps.Keys(b.drafts)), ", ")))
	}
	return faults
}

// strangers are the blocks with text that the report does not have.
func (b *builder) strangers() (ids []string) {
	if b.opt.Texts == nil {
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(b.opt.Texts.blocks)) {
		if _, known := b.drafts[id]; !known && b.opt.Texts.blocks[id].raw != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// filled is a block with its text, in several where a person mixed paragraphs and lists.
func (b *builder) filled(t *document.Text) ([]document.Block, []*TextFault) {
	d := b.drafts[t.ID]
	if w, ok := b.edited(t.ID); ok {
		return b.byHand(t.ID, w, d)
	}
	if len(d.facts) == 0 {
		return nil, nil
	}
	return []document.Block{{Text: &document.Text{ID: t.ID, Style: d.style, Paragraphs: d.sentences()}}}, nil
}

// edited is the block of the file with an ID; ok says whether there is one that a person
// changed.
func (b *builder) edited(id string) (w written, ok bool) {
	if b.opt.Texts == nil {
		return w, false
	}
	w, ok = b.opt.Texts.blocks[id]
	return w, ok && w.edited()
}

// byHand is what a person wrote. Numbers in it that were typed are left as they are; that
// the facts of the draft have changed is marked.
func (b *builder) byHand(id string, w written, d draft) ([]document.Block, []*TextFault) {
	var out []document.Block
	var faults []*TextFault
	for _, p := range paragraphs(w) {
		said, found := b.fillIn(p)
		faults = append(append(faults, found...), b.revealing(p.number, said)...)
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
		out[0].Text.Stale = w.stale(d)
	}
	return out, faults
}

// stale says that the facts have changed since the block was drafted.
func (w written) stale(d draft) bool { return w.facts != "" && w.facts != d.fingerprint() }

// A paragraph is one of a person's text, or an item of a list.
type paragraph struct {
	number int // of its first line
	lines  []textLine
	item   bool
}

// paragraphs puts lines together that no blank line parts; an item begins with a hyphen.
func paragraphs(w written) []paragraph {
	var out []paragraph
	open := false
	for _, l := range w.lines {
		text := strings.TrimSpace(l.text)
		item, isItem := strings.CutPrefix(text, "- ")
		switch {
		case text == "":
			open = false
		case isItem:
			out, open = append(out, paragraph{l.number, []textLine{{l.number, strings.TrimSpace(item)}}, true}), true
		case open:
			out[len(out)-1].lines = append(out[len(out)-1].lines, textLine{l.number, text})
		default:
			out, open = append(out, paragraph{l.number, []textLine{{l.number, text}}, false}), true
		}
	}
	return out
}

var blank = regexp.MustCompile(`\{([^{}]*)\}`)

// fillIn puts numbers into the blanks of a paragraph and its lines together.
func (b *builder) fillIn(p paragraph) (said string, faults []*TextFault) {
	for i, l := range p.lines {
		if i > 0 {
			said += b.space()
		}
		said += blank.ReplaceAllStringFunc(l.text, func(m string) string {
			text, fault := b.number(m[1 : len(m)-1])
			if fault != nil {
				fault.Name, fault.Line = b.opt.Texts.name, l.number
				faults = append(faults, fault)
			}
			return text
		})
	}
	return said, faults
}

// number is what stands in a blank.
func (b *builder) number(name string) (string, *TextFault) {
	table, rest, grouped := strings.Cut(name, ".")
	if !grouped {
		e := estimated{table: TableHeadline, groups: []assess.Group{{Max: 1, Rows: b.results.Headline}}}
		if name == "score" {
			all := assess.Group{Max: b.results.Questionnaire.Criterion.MostPoints(), Rows: b.results.Score}
			return b.numberOf(name, estimated{total: &all, points: true, rates: []assess.Group{*b.everybody()}}, 0, "")
		}
		what := map[string]string{"rate": "", "interval": "interval", "n": "n"}
		w, ok := what[name]
		if !ok {
			return "", blankFault(FaultNoNumber, name)
		}
		return b.numberOf(name, e, 0, w)
	}
	code, what, _ := strings.Cut(rest, ".")
	for _, t := range b.results.Tables {
		if tableID(t) != table {
			continue
		}
		e := estimated{table: table, groups: t.Groups, places: isPlaces(t.Factor)}
		for i, g := range t.Groups {
			switch {
			case g.Code == code && what == "score" && i < len(t.Scores):
				score := b.scoresOf(t)
				score.table, score.rates = table, append(e.all(), *b.everybody())
				return b.numberOf(name, score, i, "")
			case g.Code == code:
				return b.numberOf(name, e, i, what)
			}
		}
		return "", blankFault(FaultNoGroup, name, table, code)
	}
	return "", blankFault(FaultNoTable, name, table)
}

// numberOf writes the last estimate of a group, its interval or its base, for the blank of a
// name.
func (b *builder) numberOf(name string, e estimated, i int, what string) (string, *TextFault) {
	g := e.all()[i]
	last := len(g.Rows) - 1
	if last < 0 {
		return "", blankFault(FaultMissing, name)
	}
	v := g.Rows[last].Estimate
	if _, hidden := b.hides(e, i, last); hidden {
		return "", blankFault(FaultWithheld, name)
	}
	if math.IsNaN(v.Value) {
		return "", blankFault(FaultMissing, name)
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
	return "", blankFault(FaultNoPart, name, what)
}

// revealing complains of a paragraph that names a group together with its withheld rate or
// score, as a text may that was written before it was withheld.
func (b *builder) revealing(line int, said string) (faults []*TextFault) {
	for _, t := range b.results.Tables {
		rates, scores := b.column(estimated{groups: t.Groups, total: b.everybody(), places: isPlaces(t.Factor)}), b.column(b.scoresOf(t))
		for i, g := range t.Groups {
			name := b.text(g.Name)
			if !b.withholds(tableID(t), g) || math.IsNaN(lastValue(g)) || name == "" || !strings.Contains(said, name) {
				continue
			}
			if strings.Contains(said, rates.Value(lastValue(g))) || i < len(t.Scores) && saysPoints(said, scores.Value(lastValue(t.Scores[i]))) {
				faults = append(faults, b.opt.Texts.fault(line, FaultRevealing, name))
			}
		}
	}
	return faults
}

// saysPoints says whether a paragraph has a number of points: not as a part of another one, nor
// as a percentage.
func saysPoints(said, points string) bool {
	for before, after, found := strings.Cut(said, points); found; before, after, found = strings.Cut(after, points) {
		inside := strings.LastIndexAny(before, "0123456789.") == len(before)-1 && before != ""
		if !inside && strings.IndexAny(after, "0123456789%％") != 0 {
			return true
		}
	}
	return false
}

// WriteTexts writes the file of texts of a report: every block that people may edit, with
// what they wrote in Options.Texts as it stands there, and otherwise with its draft. Where
// the numbers have changed since somebody wrote a text, the new draft stands below it in a
// comment. A file that cannot be kept as it is gives an error that names every fault of it,
// also those of blanks, with which alone it is written.
func WriteTexts(w io.Writer, r *assess.Results, lang surveys.Lang, opt Options) error {
	b, err := drafting(r, lang, opt)
	if err != nil {
		return err
	}
	if len(b.fileFaults()) > 0 {
		return b.applyTexts()
	}
	return b.writeTexts(w)
}

// drafting is a builder that has drafted all texts.
func drafting(r *assess.Results, lang surveys.Lang, opt Options) (*builder, error) {
	if _, ok := texts[lang]; !ok {
		return nil, fmt.Errorf("%w: there is no report in the language %q; use %s or %s", surveys.ErrInvalid, lang, surveys.ZH, surveys.EN)
	}
	b := newBuilder(r, lang, opt)
	b.build()
	return b, nil
}

// writeTexts writes the file; blocks that the report does not have come last.
func (b *builder) writeTexts(w io.Writer) error {
	var s strings.Builder
	fmt.Fprintf(&s, "<!--\n%s\n-->\n", b.say("texts.head", "title", b.text(b.results.Plan.Title), "wave", b.results.Wave))
	b.eachText(func(section, id string) { b.writeBlock(&s, section, id) })
	for _, id := range b.strangers() {
		w := b.opt.Texts.blocks[id]
		fmt.Fprintf(&s, "\n## %s\n", id)
		if w.facts != "" {
			fmt.Fprintf(&s, blockMarkFormat, w.facts, w.draft)
		}
		fmt.Fprintf(&s, "\n%s\n", w.raw)
	}
	_, err := io.WriteString(w, s.String())
	return err
}

// eachText calls do for every block that people may edit, in the order of the report.
func (b *builder) eachText(do func(section, id string)) {
	for _, section := range b.doc.Sections {
		for _, bl := range section.Blocks {
			if bl.Text != nil && bl.Text.ID != "" {
				do(section.Title, bl.Text.ID)
			}
		}
	}
}

// blockMarkFormat is how the mark of a block is written, which blockMark reads.
const blockMarkFormat = "<!-- facts %s draft %s -->\n"

func (b *builder) writeBlock(s *strings.Builder, section, id string) {
	d := b.drafts[id]
	text := d.markdown()
	facts, drafted, fresh := d.fingerprint(), digest(text), ""
	if w, ok := b.edited(id); ok {
		text = w.raw
		if w.facts != "" {
			if w.stale(d) {
				fresh = b.say("texts.stale", "facts", facts) + "\n" + d.markdown()
			}
			facts, drafted = w.facts, w.draft
		}
	}
	fmt.Fprintf(s, "\n<!-- %s -->\n## %s\n"+blockMarkFormat, uncommented(section), id, facts, drafted)
	if fresh != "" {
		fmt.Fprintf(s, "<!-- %s\n-->\n", uncommented(fresh))
	}
	if text != "" {
		fmt.Fprintf(s, "\n%s\n", text)
	}
}

// uncommented keeps a text from ending the comment it stands in.
func uncommented(s string) string { return strings.ReplaceAll(s, "--", "—") }
