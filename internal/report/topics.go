package report

import (
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// topics are the chapters on questions that are not scored. Topics whose IDs begin alike,
// up to the first hyphen, are parts of one chapter: channels-any and channels-first.
func (b *builder) topics() {
	chapter := ""
	for _, t := range b.results.Topics {
		kind, _, _ := strings.Cut(t.Topic.ID, "-")
		depth := 1
		if title, known := b.words["topic."+kind]; known {
			if kind != chapter {
				b.section("topic-"+kind, title, 1)
			}
			depth = 2
		}
		chapter = kind
		b.topic(t, depth)
	}
}

// topic is a chapter or part on one topic: the shares of everybody, then those of the
// groups that the plan sets side by side.
func (b *builder) topic(t assess.TopicResult, depth int) {
	id := "topic-" + t.Topic.ID
	if depth > 1 {
		id = "part-" + t.Topic.ID
	}
	b.section(id, b.text(t.Topic.Title), depth)
	b.draft("text-"+t.Topic.ID, nil)
	e := b.topicTable(t)
	b.chart(e, document.Bars)
	b.estimate(e)
	if len(t.Levels) > 0 {
		b.topicBy(t, e)
	}
}

// topicTable is the table of everybody. Its title and its base say of whom the shares are.
func (b *builder) topicTable(t assess.TopicResult) estimated {
	of := b.words.within(b.text(t.Topic.Base))
	if of == "" {
		of = b.say("topics.all")
	}
	e := estimated{
		id: "topic-" + t.Topic.ID, table: t.Topic.ID, title: b.say("topics.of", "title", b.text(t.Topic.Title), "base", of),
		first: b.say("topics.col"), value: b.say("col.share"), groups: t.Groups, parts: map[int]string{}, base: b.say("topics.base", "base", of),
	}
	if name := b.text(t.Topic.Name); name != "" {
		e.value = b.say("topics.value", "name", name)
	}
	e.parts = b.topicParts(t)
	e.remarks = b.topicRemarks(t)
	return e
}

// topicParts are the items, where the options of several stand in one table.
func (b *builder) topicParts(t assess.TopicResult) map[int]string {
	parts, before := map[int]string{}, ""
	for i, g := range t.Groups {
		item, _, options := strings.Cut(g.Code, "/")
		if options && item != before && len(t.Topic.Items) > 1 {
			if it := b.results.Questionnaire.Item(item); it != nil {
				parts[i] = b.text(it.Text)
			}
		}
		before = item
	}
	return parts
}

// topicRemarks say how the answers were counted.
func (b *builder) topicRemarks(t assess.TopicResult) []string {
	if t.Topic.First {
		return []string{b.say("topics.first")}
	}
	for _, id := range t.Topic.Items {
		if it := b.results.Questionnaire.Item(id); it != nil && (it.Type == surveys.Multiple || it.Type == surveys.Ranking) {
			return []string{b.say("topics.any")}
		}
	}
	return nil
}

// topicBy sets the levels of a factor side by side, in a chart and a table. The headings
// say of whom the shares are: of the literate the part that uses a channel, and not the
// reverse.
func (b *builder) topicBy(t assess.TopicResult, all estimated) {
	by := make([]estimated, len(t.Levels))
	heads := make([]string, len(t.Levels))
	var names []string
	for k, l := range t.Levels {
		name := b.text(l.Name)
		group := b.say("topics.group", "name", name)
		if l.Code == assess.NotLiterate {
			literate := b.text(t.Levels[0].Name)
			name, group = b.say("topics.not", "name", literate), b.say("topics.group.not", "name", literate)
		}
		names, heads[k] = append(names, name), b.say("topics.among", "group", group)
		e := all
		e.id, e.by = all.id+"-"+l.Code, l.Code
		e.title = b.say("topics.of", "title", b.text(t.Topic.Title), "base", group)
		e.base, e.remarks = b.say("topics.base", "base", group), nil
		e.groups = make([]assess.Group, len(t.Groups))
		for i, g := range t.Groups {
			g.Rows = t.By[i][k]
			e.groups[i] = g
		}
		by[k] = e
	}
	joined := all
	joined.id = all.id + "-by"
	joined.title = b.say("topics.by", "title", b.text(t.Topic.Title), "groups", join(names, b.say("topics.and")))
	joined.base = b.say("topics.direction")
	b.besideChart(joined, by, names)
	b.beside(joined, by, heads)
}

// besideChart draws the levels as series next to each other, of a single wave.
func (b *builder) besideChart(joined estimated, by []estimated, names []string) {
	if b.isSeries() || len(by) > len(chart.Palette) || !anybody(joined.groups) {
		return
	}
	bare := joined
	bare.groups = nil // true values would crowd the chart
	c := b.newChart(joined.id, document.Bars, joined.title, bare)
	for i := range joined.groups {
		c.Categories = append(c.Categories, b.category(joined, i))
	}
	for k, e := range by {
		series := document.Series{Name: names[k]}
		for i := range e.groups {
			series.Points = append(series.Points, b.point(e, i, 0))
		}
		c.Series = append(c.Series, series)
	}
	b.add(document.Block{Chart: c})
}

// printed is the annex with the text of the questionnaire. The keys are left out, since the
// items are asked again.
func (b *builder) printed() {
	q := b.results.Questionnaire
	if len(q.Sections) == 0 {
		return
	}
	b.annex("questionnaire", b.say("questionnaire"))
	b.write(document.Plain, b.questionnaire(q), b.say("questionnaire.keys"), b.text(q.Consent))
	for _, s := range q.Sections {
		b.section("questions-"+s.ID, b.text(s.Title), 2)
		b.write(document.Plain, b.text(s.Intro))
		var facts []document.Fact
		for i := range s.Items {
			facts = append(facts, b.question(&s.Items[i])...)
		}
		if len(facts) > 0 {
			b.add(document.Block{Facts: facts})
		}
	}
}

// question is an item as it was asked, with the items of a roster behind it. One that is
// computed was asked of nobody.
func (b *builder) question(it *surveys.Item) []document.Fact {
	if it.Type == surveys.Calculate {
		return nil
	}
	said := []string{b.text(it.Text)}
	if hint := b.text(it.Hint); hint != "" {
		said = append(said, hint)
	}
	if it.Figure != nil {
		said = append(said, b.say("questionnaire.figure", "alt", b.text(it.Figure.Alt)))
	}
	if it.From != "" {
		said = append(said, b.say("questionnaire.from", "item", it.From))
	}
	var options []string
	for i, o := range it.Options {
		options = append(options, b.say("questionnaire.option", "i", show.Count(i+1), "text", b.text(o.Text)))
	}
	if len(options) > 0 {
		said = append(said, join(options, b.say("questionnaire.between")))
	}
	facts := []document.Fact{{Term: it.ID, Text: join(said, b.say("questionnaire.between"))}}
	for i := range it.Items {
		facts = append(facts, b.question(&it.Items[i])...)
	}
	return facts
}
