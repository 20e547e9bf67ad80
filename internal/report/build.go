package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// builder turns results into a document. It numbers tables and figures as they come.
type builder struct {
	results         *assess.Results
	lang            surveys.Lang
	words           words
	opt             Options
	doc             *document.Document
	tables, figures int
	// shown are the tables of estimates so far, which an annex repeats with their precision.
	shown []estimated
	// drafts are the blocks that people may edit, by ID.
	drafts map[string]draft
}

func newBuilder(r *assess.Results, lang surveys.Lang, opt Options) *builder {
	b := &builder{results: r, lang: lang, words: texts[lang], opt: opt, drafts: map[string]draft{}}
	b.separateShown()
	return b
}

// separateShown lets letters, ranks and comparisons be those of the groups that are shown: a
// rank among all would tell how the rates of withheld groups stand to those that are shown.
func (b *builder) separateShown() {
	shown := *b.results
	shown.Tables = slices.Clone(shown.Tables)
	for i := range shown.Tables {
		t := &shown.Tables[i]
		hidden := map[string]bool{}
		for _, g := range t.Groups {
			if b.withholds(tableID(*t), g) {
				hidden[g.Code] = true
			}
		}
		if len(hidden) > 0 {
			t.Separation = t.Separation.Among(shown.Settings.Level, func(code string) bool { return !hidden[code] })
		}
	}
	b.results = &shown
}

// build fills the document chapter by chapter. A chapter without numbers is left out.
func (b *builder) build() {
	q := b.results.Questionnaire
	b.doc = &document.Document{
		Lang: b.lang, Title: b.text(b.results.Plan.Title),
		Subtitle: b.say("subtitle", "wave", b.results.Wave, "date", b.date()),
		Marks:    b.marks(), Facts: append(b.statutory(q.Statutory), b.releaseFacts()...),
		Made: b.opt.Now, Program: b.opt.Program,
	}
	for _, chapter := range []func(){
		b.summary, b.survey, b.literacy, b.groups, b.crossings, b.scores, b.topics, b.findings,
		b.method, b.weights, b.precision, b.references, b.coverage, b.printed,
	} {
		chapter()
	}
}

// finish drops what holds nothing and numbers the rest.
func (b *builder) finish() {
	b.dropEmpty()
	b.numberSections()
}

// section begins a chapter (depth 1) or a part; what is added afterwards stands in it.
func (b *builder) section(id, title string, depth int) {
	b.doc.Sections = append(b.doc.Sections, document.Section{ID: id, Title: title, Depth: depth})
}

// annex begins a chapter that is numbered with a letter.
func (b *builder) annex(id, title string) {
	b.section(id, title, 1)
	b.doc.Sections[len(b.doc.Sections)-1].Annex = true
}

// add puts blocks into the current section.
func (b *builder) add(blocks ...document.Block) {
	s := &b.doc.Sections[len(b.doc.Sections)-1]
	s.Blocks = append(s.Blocks, blocks...)
}

// write puts paragraphs into the current section, without those that are empty.
func (b *builder) write(style document.TextStyle, paragraphs ...string) {
	var said []string
	for _, p := range paragraphs {
		if p = strings.TrimSpace(p); p != "" {
			said = append(said, p)
		}
	}
	if len(said) > 0 {
		b.add(document.Block{Text: &document.Text{Paragraphs: said, Style: style}})
	}
}

// dropEmpty removes sections that neither hold anything nor have a part that does.
func (b *builder) dropEmpty() {
	var kept []document.Section
	for i, s := range b.doc.Sections {
		full := len(s.Blocks) > 0
		for _, part := range b.doc.Sections[i+1:] {
			if part.Depth <= s.Depth {
				break
			}
			full = full || len(part.Blocks) > 0
		}
		if full {
			kept = append(kept, s)
		}
	}
	b.doc.Sections = kept
}

// numberSections numbers chapters 1, 2, …, annexes A, B, … and their parts 1.1, A.1.
func (b *builder) numberSections() {
	var at [4]int
	annexes, head := 0, ""
	for i := range b.doc.Sections {
		s := &b.doc.Sections[i]
		switch {
		case s.Depth > 1:
			at[s.Depth]++
			s.Number = head
			for d := 2; d <= s.Depth; d++ {
				s.Number += "." + strconv.Itoa(at[d])
			}
		case s.Annex:
			head = string(rune('A' + annexes))
			annexes++
			s.Number = head
		default:
			at[1]++
			head = strconv.Itoa(at[1])
			s.Number = head
		}
		for d := s.Depth + 1; d < len(at); d++ {
			at[d] = 0
		}
	}
}

func (b *builder) say(key string, pairs ...string) string { return b.words.say(key, pairs...) }

func (b *builder) text(t surveys.Text) string { return t.In(b.lang) }

// named is a text in both languages, for groups that the report adds itself.
func named(key string) surveys.Text {
	return surveys.Text{surveys.ZH: texts[surveys.ZH].say(key), surveys.EN: texts[surveys.EN].say(key)}
}

func (b *builder) date() string {
	d := b.opt.Now
	return b.say("date", "y", d.Format("2006"), "m", d.Format("1"), "d", d.Format("2"), "mm", d.Format("01"), "dd", d.Format("02"))
}

// level writes the confidence of the intervals, such as "95%".
func (b *builder) level() string { return show.Number(100*b.results.Settings.Level, 0) + "%" }

func (b *builder) statutory(s surveys.Statutory) []document.Fact {
	var out []document.Fact
	for _, f := range []document.Fact{
		{Term: b.say("statutory.number"), Text: s.FormNumber},
		{Term: b.say("statutory.issuer"), Text: b.text(s.Issuer)},
		{Term: b.say("statutory.approval"), Text: b.text(s.Approval)},
		{Term: b.say("statutory.valid"), Text: s.ValidUntil},
	} {
		if f.Text != "" {
			out = append(out, f)
		}
	}
	return out
}

// releaseFacts say which release the report belongs to.
func (b *builder) releaseFacts() []document.Fact {
	r := b.opt.Release
	if r == nil {
		return nil
	}
	number := b.say("release.number.text", "n", strconv.Itoa(r.Number))
	if r.Corrects > 0 {
		number = b.say("release.corrects", "n", strconv.Itoa(r.Number), "old", strconv.Itoa(r.Corrects))
	}
	return []document.Fact{{Term: b.say("release.number"), Text: number}, {Term: b.say("release.key"), Text: r.Fingerprint}}
}

func (b *builder) marks() []string {
	var w []string
	if b.results.Plan.Simulated || assess.Coverage(b.results).Total > 0 {
		w = append(w, b.say("simulated"))
	}
	if b.results.Questionnaire.Statutory.Trial {
		w = append(w, b.say("statutory.trial"))
	}
	return w
}

// series names a level of the series; the only level of a single wave has no name.
func (b *builder) series(i int) string { return b.text(b.results.SeriesLevels[i].Name) }

func (b *builder) isSeries() bool { return b.results.Plan.Series != "" }

// summary is the first chapter: key figures, the rate in a sentence, what was drafted of
// targets and changes, and how to read the report.
func (b *builder) summary() {
	b.section("summary", b.say("summary"), 1)
	b.add(document.Block{Cards: b.cards()})
	b.write(document.Plain, b.headline()...)
	b.draft("text-summary", append(b.targetFacts(), b.changeFacts()...))
	notes := b.newFootnotes()
	for i, row := range b.results.Headline {
		if _, hidden := b.hidden(b.place(TableHeadline, "", i), row.Estimate); !hidden {
			notes.add(row.Estimate.Notes)
		}
	}
	b.write(document.Small, notes.text()...)
	b.section("read", b.say("read"), 2)
	b.write(document.Bullets, b.howToRead()...)
}

// cards are the key figures: the rate of each level of the series, or, for a single
// wave, the rate, the mean score and the number of interviews.
func (b *builder) cards() []document.Card {
	r := b.results
	rate := show.PercentColumn(b.lang, estimates(r.Headline))
	if b.isSeries() {
		var cards []document.Card
		for i, row := range r.Headline {
			cards = append(cards, b.estimateCard(b.series(i), rate, b.place(TableHeadline, "", i), row.Estimate, true))
		}
		return cards
	}
	cards := []document.Card{b.estimateCard(b.say("summary.rate"), rate, b.place(TableHeadline, "", 0), r.Headline[0].Estimate, false)}
	if len(r.Score) == 1 {
		name := b.say("summary.score", "max", trim(r.Questionnaire.Criterion.MostPoints()))
		cards = append(cards, b.estimateCard(name, show.PointColumn(b.lang, estimates(r.Score)), b.place(TableScore, "", 0), r.Score[0].Estimate, false))
	}
	n := document.Card{Name: b.say("summary.n"), Value: show.Count(r.Responded)}
	if f := r.Fieldwork; f != nil {
		e, _ := f.Cases.E()
		if rate, known := f.Cases.Rate(fieldwork.RR3, e); known {
			n.Detail = b.say("summary.rr", "drawn", show.Count(r.Drawn), "rate", show.Percent(rate, 1))
		}
	} else if r.Drawn > r.Responded {
		n.Detail = b.say("summary.of", "drawn", show.Count(r.Drawn), "rate", b.completion())
	}
	return append(cards, n)
}

func (b *builder) estimateCard(name string, c show.Column, p Place, e analysis.Estimate, n bool) document.Card {
	if why, hidden := b.hidden(p, e); hidden {
		return document.Card{Name: name, Value: show.Suppressed, Detail: b.withheldWords(why)}
	}
	card := document.Card{Name: name, Value: c.Value(e.Value)}
	card.Detail = b.say("summary.interval", "level", b.level(), "interval", c.Interval(e))
	if n {
		card.Detail += b.say("base.join") + "n = " + show.Count(e.N)
	}
	return card
}

func (b *builder) withheldWords(why Reason) string {
	f := b.newFootnotes()
	f.withheld(why)
	return f.text()[0]
}

// completion is the share of drawn cases that were interviewed.
func (b *builder) completion() string {
	return show.Percent(float64(b.results.Responded)/float64(b.results.Drawn), 1)
}

// headline says the rate, and when a person is literate.
func (b *builder) headline() []string {
	r := b.results
	var out []string
	rate := show.PercentColumn(b.lang, estimates(r.Headline))
	for i, row := range r.Headline {
		e := row.Estimate
		_, hidden := b.hidden(b.place(TableHeadline, "", i), e)
		key := "summary.sentence"
		switch {
		case hidden:
			continue
		case e.N == 0 || math.IsNaN(e.Value):
			key = "summary.sentence.none"
		case b.isSeries():
			key = "summary.sentence.series"
		}
		out = append(out, b.say(key, "series", b.series(i), "rate", rate.Value(e.Value),
			"level", b.level(), "interval", b.interval(rate, e), "n", show.Count(e.N)))
	}
	c := r.Questionnaire.Criterion
	out = append(out, b.say("summary.rule", "criterion", b.text(c.Name), "rule", b.rule(c)))
	if len(r.Headline) > 1 {
		out = append(out, b.say("summary.series.break"))
	}
	return out
}

// interval writes an interval within a sentence, with the unit at both ends.
func (b *builder) interval(c show.Column, e analysis.Estimate) string {
	if math.IsNaN(e.Lo) || math.IsNaN(e.Hi) {
		return show.Missing
	}
	return c.Value(e.Lo) + "–" + c.Value(e.Hi)
}

// rule says when a person is literate.
func (b *builder) rule(c *surveys.Criterion) string {
	return b.say("rule."+string(c.Boundary), "cut", trim(c.Cut))
}

func (b *builder) howToRead() []string {
	keys := []string{"read.estimate", "read.compare", "read.columns", "read.signs"}
	if b.tested() {
		keys[1] = "read.compare.tested"
	}
	var out []string
	for _, key := range keys {
		out = append(out, b.say(key, "level", b.level()))
	}
	return out
}

// tested says whether differences between groups were tested.
func (b *builder) tested() bool {
	for _, t := range b.results.Tables {
		if t.Separation != nil {
			return true
		}
	}
	return false
}

func estimates(rows []assess.Row) []analysis.Estimate {
	es := make([]analysis.Estimate, len(rows))
	for i, r := range rows {
		es[i] = r.Estimate
	}
	return es
}

// trim writes a number of the questionnaire, such as a cut, as short as it is.
func trim(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func join(parts []string, by string) string { return strings.Join(parts, by) }

// share is a part of a whole, missing when there is no whole.
func share(part, whole float64) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return part / whole
}
