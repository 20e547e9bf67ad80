package report

import (
	"html/template"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// page is what the template shows.
type page struct {
	HTMLLang, CSP   string
	Style           template.CSS
	Scripts         []template.JS
	Title, Wave     string
	Made, MadeText  string
	Program, Footer string
	Statutory       []term
	Warnings        []string
	Contents        []link
	Cards           []card
	Summary         []string
	Notes           []string
	HowToRead       []string
	Method          []term
	Sections        []section
}

type link struct{ ID, Title string }

// card is a key figure.
type card struct{ Name, Value, Detail string }

// term is an entry of a definition list.
type term struct {
	Term, Text string
	Paragraphs []string
	List       []string
	Steps      []string // a list whose order counts
	// Formula names the method whose formula follows, Where says what its letters mean.
	Formula, Where string
}

// section is a chapter of results.
type section struct {
	ID, Title string
	Intro     []string
	Blocks    []block
}

// block is a chart with its tables, or tables alone.
type block struct {
	Chart  *figure
	Tables []table
}

// builder turns results into a page. It numbers tables and figures as they come.
type builder struct {
	results         *assess.Results
	lang            surveys.Lang
	words           words
	opt             Options
	tables, figures int
}

func newPage(r *assess.Results, lang surveys.Lang, opt Options) (*page, error) {
	b := &builder{results: r, lang: lang, words: texts[lang], opt: opt}
	q := r.Questionnaire
	p := &page{
		HTMLLang: map[surveys.Lang]string{surveys.ZH: "zh-CN", surveys.EN: "en"}[lang],
		CSP:      policy, Style: template.CSS(style),
		Title: r.Plan.Title.In(lang), Wave: r.Wave,
		Made: opt.Now.Format("2006-01-02"), MadeText: b.date(),
		Program: opt.Program, Footer: b.say("footer", "program", opt.Program),
		Statutory: b.statutory(q.Statutory),
		Warnings:  b.warnings(),
		Cards:     b.cards(),
		Summary:   b.summary(),
		HowToRead: b.howToRead(),
		Method:    b.method(),
	}
	for _, s := range scripts {
		p.Scripts = append(p.Scripts, template.JS(s))
	}
	notes := b.newFootnotes()
	for _, row := range r.Headline {
		notes.add(row.Estimate.Notes)
	}
	p.Notes = notes.text()
	var err error
	if p.Sections, err = b.sections(); err != nil {
		return nil, err
	}
	p.Contents = []link{{"summary", b.say("summary")}, {"method", b.say("method")}}
	for _, s := range p.Sections {
		p.Contents = append(p.Contents, link{s.ID, s.Title})
	}
	return p, nil
}

func (b *builder) say(key string, pairs ...string) string { return b.words.say(key, pairs...) }

func (b *builder) text(t surveys.Text) string { return t.In(b.lang) }

func (b *builder) date() string {
	d := b.opt.Now
	return b.say("date", "y", d.Format("2006"), "m", d.Format("1"), "d", d.Format("2"), "mm", d.Format("01"), "dd", d.Format("02"))
}

// level writes the confidence of the intervals, such as "95%".
func (b *builder) level() string { return show.Number(100*b.results.Settings.Level, 0) + "%" }

func (b *builder) statutory(s surveys.Statutory) []term {
	return []term{
		{Term: b.say("statutory.number"), Text: s.FormNumber},
		{Term: b.say("statutory.issuer"), Text: b.text(s.Issuer)},
		{Term: b.say("statutory.approval"), Text: b.text(s.Approval)},
		{Term: b.say("statutory.valid"), Text: s.ValidUntil},
	}
}

func (b *builder) warnings() []string {
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

// cards are the key figures: the rate of each level of the series, or, for a single
// wave, the rate, the mean score and the number of interviews.
func (b *builder) cards() []card {
	r := b.results
	rate := show.PercentColumn(b.lang, estimates(r.Headline))
	if b.isSeries() {
		var cards []card
		for i, row := range r.Headline {
			c := b.estimateCard(b.series(i), rate, row.Estimate)
			c.Detail += b.say("base.join") + "n = " + show.Count(row.Estimate.N)
			cards = append(cards, c)
		}
		return cards
	}
	cards := []card{b.estimateCard(b.say("summary.rate"), rate, r.Headline[0].Estimate)}
	if len(r.Score) == 1 {
		name := b.say("summary.score", "max", trim(maxScore(r.Questionnaire.Criterion)))
		cards = append(cards, b.estimateCard(name, show.PointColumn(b.lang, estimates(r.Score)), r.Score[0].Estimate))
	}
	n := card{Name: b.say("summary.n"), Value: show.Count(r.Responded)}
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

func (b *builder) estimateCard(name string, c show.Column, e analysis.Estimate) card {
	return card{name, c.Value(e.Value), b.say("summary.interval", "level", b.level(), "interval", c.Interval(e))}
}

// completion is the share of drawn cases that were interviewed.
func (b *builder) completion() string {
	return show.Percent(float64(b.results.Responded)/float64(b.results.Drawn), 1)
}

func (b *builder) summary() []string {
	r := b.results
	var out []string
	rate := show.PercentColumn(b.lang, estimates(r.Headline))
	for i, row := range r.Headline {
		e := row.Estimate
		key := "summary.sentence"
		switch {
		case e.N == 0:
			key = "summary.sentence.none"
		case b.isSeries():
			key = "summary.sentence.series"
		}
		out = append(out, b.say(key, "series", b.series(i), "rate", rate.Value(e.Value),
			"level", b.level(), "interval", b.interval(rate, e), "n", show.Count(e.N)))
	}
	c := r.Questionnaire.Criterion
	out = append(out, b.say("summary.rule", "criterion", b.text(c.Name), "rule", b.rule(c)))
	if b.isSeries() {
		out = append(out, b.say("summary.series.break"))
	}
	return out
}

// interval writes an interval within a sentence, with the unit at both ends.
func (b *builder) interval(c show.Column, e analysis.Estimate) string {
	return c.Value(e.Lo) + "–" + c.Value(e.Hi)
}

// rule says when a person is literate.
func (b *builder) rule(c *surveys.Criterion) string {
	return b.say("rule."+string(c.Boundary), "cut", trim(c.Cut))
}

func (b *builder) howToRead() []string {
	var out []string
	for _, key := range []string{"read.estimate", "read.compare", "read.columns", "read.signs"} {
		out = append(out, b.say(key, "level", b.level()))
	}
	return out
}

func estimates(rows []assess.Row) []analysis.Estimate {
	es := make([]analysis.Estimate, len(rows))
	for i, r := range rows {
		es[i] = r.Estimate
	}
	return es
}

func maxScore(c *surveys.Criterion) float64 {
	var sum float64
	for _, d := range c.Dimensions {
		sum += d.Points
	}
	return sum
}

// trim writes a number of the questionnaire, such as a cut, as short as it is.
func trim(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func join(parts []string, by string) string { return strings.Join(parts, by) }
