package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// literacy is the chapter on the level of literacy: levels, changes, targets.
func (b *builder) literacy() {
	b.section("literacy", b.say("literacy"), 1)
	b.levels()
	b.changes()
	b.targets()
}

// everybody is the headline as a group.
func (b *builder) everybody() *assess.Group {
	return &assess.Group{Code: "all", Name: named("all"), Max: 1, Rows: b.results.Headline}
}

// levels shows the rate, and the bands of the score exclusive and cumulative.
func (b *builder) levels() {
	r := b.results
	b.section("levels", b.say("levels"), 2)
	b.draft("text-levels", nil)
	b.estimate(estimated{
		id: "rate", table: TableHeadline, title: b.say("levels.rate"), first: b.say("levels.rate.col"), value: b.say("col.rate"),
		groups: []assess.Group{{Name: named("all"), Max: 1, Rows: r.Headline}},
	})
	if len(r.Bands) == 0 {
		return
	}
	b.write(document.Plain, b.say("levels.intro"))
	bands := estimated{
		id: "bands", table: TableBands, title: b.say("levels.bands"), first: b.say("levels.col.band"), value: b.say("col.share"), groups: r.Bands,
	}
	b.chart(bands, document.Bars)
	b.stacked(bands)
	b.estimate(bands)
	reached := make([]assess.Group, len(r.Levels))
	for i, g := range r.Levels {
		reached[i] = g
		reached[i].Name = b.levelName(r.Questionnaire.Criterion, i)
	}
	b.estimate(estimated{
		id: "levels", table: TableLevels, title: b.say("levels.cumulative"), first: b.say("levels.col.level"), value: b.say("col.share"), groups: reached,
	})
}

// levelName is the name of a level with its cut.
func (b *builder) levelName(c *surveys.Criterion, i int) surveys.Text {
	l := c.Levels[i]
	name := b.say("levels.from."+string(c.Boundary), "name", b.text(l.Name), "cut", trim(l.Cut))
	return surveys.Text{b.lang: name}
}

// changes compares the wave with earlier waves, the nation and provinces.
func (b *builder) changes() {
	r := b.results
	if len(r.Changes) == 0 || b.headlineHidden() {
		return
	}
	b.section("changes", b.say("changes"), 2)
	b.draft("text-changes", b.changeFacts())
	b.trend()
	notes := b.newFootnotes()
	t := b.newTable("changes", b.say("changes.title"), "")
	t.Head = [][]document.Heading{b.heads("changes.col.with", "changes.col.year", "col.rate", "col.n", "changes.col.criterion", "changes.col.difference",
		"changes.col.interval", "changes.col.p")}
	for _, c := range r.Changes {
		t.Rows = append(t.Rows, document.Row{Name: b.areaName(c.Reference), Cells: b.changeCells(c, notes)})
	}
	if n := len(b.compared()); n > 1 {
		notes.remark(b.say("changes.legend", "alpha", show.Number(1-b.results.Settings.Level, 2), "n", show.Count(n)))
	}
	t.Notes = notes.text()
	b.add(document.Block{Table: t})
}

// heads are headings of columns; the first column has words, as have those listed.
func (b *builder) heads(keys ...string) []document.Heading {
	words := []string{"changes.col.criterion", "targets.col.verdict", "references.col.certainty", "references.col.source"}
	out := make([]document.Heading, len(keys))
	for i, key := range keys {
		out[i] = document.Heading{Text: b.say(key, "level", b.level()), Left: i == 0 || slices.Contains(words, key)}
	}
	return out
}

// areaName names whose rate a reference is; one of an area's own survey says so.
func (b *builder) areaName(ref assess.Reference) string {
	if ref.Survey == "" || ref.Code == assess.NationCode {
		return b.placeName(ref)
	}
	return b.say("changes.area", "area", b.placeName(ref), "survey", b.codeName("survey.", ref.Survey, "changes.unknown"))
}

// placeName is the area of a reference as the plan calls it, or as it was published.
func (b *builder) placeName(ref assess.Reference) string {
	if name := b.text(ref.Name); name != "" {
		return name
	}
	return ref.Area
}

func (b *builder) headlineHidden() bool {
	last := len(b.results.Headline) - 1
	if last < 0 {
		return true
	}
	_, hidden := b.hidden(b.place(TableHeadline, "", last), b.results.Headline[last].Estimate)
	return hidden
}

// changeCells are the cells of a comparison. Under another criterion there is none.
func (b *builder) changeCells(c assess.Change, notes *footnotes) []document.Cell {
	ref, d := c.Reference, c.Difference
	n := document.Cell{Text: show.Missing}
	if ref.N > 0 {
		n = count(ref.N)
	}
	cells := []document.Cell{{Text: fmt.Sprint(ref.Year)}, numeric(show.Percent(ref.Rate, 2), ref.Rate, document.Share, 2), n, {Text: b.criterionName(ref.Criterion)}}
	if !c.Comparable {
		none := document.Cell{Text: show.Missing}
		first := none
		first.Main, first.Notes = true, []int{notes.remark(b.say("changes.break"))}
		return append(cells, first, none, none)
	}
	difference := numeric(signed(100*d.Value, 1), 100*d.Value, document.Points, 1)
	difference.Main, difference.Notes = true, notes.add(d.Notes)
	interval := show.Missing
	if !math.IsNaN(d.Lo) && !math.IsNaN(d.Hi) {
		interval = b.say("changes.interval", "lo", signed(100*d.Lo, 1), "hi", signed(100*d.Hi, 1))
	}
	return append(cells, difference, document.Cell{Text: interval}, numeric(probability(c.P), c.P, document.Number, 3))
}

// signed writes a difference with its sign.
func signed(x float64, decimals int) string {
	s := show.Number(x, decimals)
	if x > 0 && s != show.Missing {
		return "+" + s
	}
	return s
}

// probability writes a p value.
func probability(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return show.Number(p, 3)
}

// criterionName names a criterion by the words of the questionnaire where it is its own.
func (b *builder) criterionName(id string) string {
	if c := b.results.Questionnaire.Criterion; id == c.ID {
		return b.text(c.Name)
	}
	return b.codeName("criterion.", id, "changes.unknown")
}

// codeName is what words call a code of the published series, the code itself where they do not
// know it, and the words of none for no code.
func (b *builder) codeName(prefix, code, none string) string {
	if code == "" {
		return b.say(none)
	}
	if name := b.words[prefix+code]; name != "" {
		return name
	}
	return code
}

// targets says which targets are reached, and how surely.
func (b *builder) targets() {
	all := b.results.Targets
	if len(all) == 0 || b.headlineHidden() {
		return
	}
	b.section("targets", b.say("targets"), 2)
	b.draft("text-targets", b.targetFacts())
	notes := b.newFootnotes()
	t := b.newTable("targets", b.say("targets.title"), "")
	t.Head = [][]document.Heading{b.heads("targets.col.target", "targets.col.value", "col.rate", "col.interval", "targets.col.verdict", "targets.col.p", "targets.col.adjusted")}
	tested := 0
	for _, a := range b.results.Targets {
		if !math.IsNaN(a.P) {
			tested++
		}
	}
	for _, a := range all {
		t.Rows = append(t.Rows, document.Row{Name: b.targetName(a.Target), Cells: b.targetCells(a, notes)})
	}
	alpha := show.Number(1-b.results.Settings.Level, 2)
	if tested > 1 {
		notes.remark(b.say("targets.legend.many", "level", b.level(), "alpha", alpha, "n", show.Count(tested)))
	} else {
		notes.remark(b.say("targets.legend.one", "level", b.level(), "alpha", alpha))
	}
	t.Notes = notes.text()
	b.add(document.Block{Table: t})
}

// targetCells are the cells of a target: of one whose rate is withheld the target alone, and of
// one of nobody no number.
func (b *builder) targetCells(a assess.Attainment, notes *footnotes) []document.Cell {
	how := show.Column{Lang: b.lang, Scale: 100, Unit: "%", Decimals: 1}
	cells := []document.Cell{numeric(b.targetValue(a.Target), a.Target.Rate, document.Share, 2)}
	if b.withheldArea(a.Target.Code) {
		cells = append(cells, document.Cell{Text: show.Suppressed, Suppressed: true, Main: true, Notes: []int{notes.withheld(Complementary)}})
		for range 4 {
			cells = append(cells, document.Cell{Text: show.Suppressed, Suppressed: true})
		}
		return cells
	}
	rate := numeric(how.Value(a.Estimate.Value), a.Estimate.Value, document.Share, 1)
	rate.Main, rate.Notes = true, notes.add(a.Estimate.Notes)
	return append(cells, rate, document.Cell{Text: how.Interval(a.Estimate)}, document.Cell{Text: b.say("verdict." + string(a.Verdict))},
		numeric(probability(a.P), a.P, document.Number, 3), numeric(probability(a.Adjusted), a.Adjusted, document.Number, 3))
}

// published are the targets with a verdict whose rate may be published.
func (b *builder) published() []assess.Attainment {
	var out []assess.Attainment
	for _, a := range b.results.Targets {
		if !b.withheldArea(a.Target.Code) && !b.headlineHidden() && !math.IsNaN(a.Estimate.Value) && b.words["verdict."+string(a.Verdict)] != "" {
			out = append(out, a)
		}
	}
	return out
}

func (b *builder) targetName(t assess.Target) string {
	if name := b.text(t.Name); name != "" {
		return name
	}
	return b.say("targets.name", "area", t.Area, "year", fmt.Sprint(t.Year))
}

func (b *builder) targetValue(t assess.Target) string {
	sign := "≥ "
	if t.Above {
		sign = "> "
	}
	return sign + trim(math.Round(t.Rate*1e6)/1e4) + "%"
}

// trend draws the published rates over time with that of the wave, interrupted where the
// criterion changed. Areas with a single rate stand in the tables only.
func (b *builder) trend() {
	years := b.years()
	if len(years) == 0 {
		return
	}
	now := b.surveyed()
	if !slices.Contains(years, now) {
		years = append(years, now)
		slices.Sort(years)
	}
	e := estimated{}
	c := b.newChart("trend", document.Trend, b.say("changes.trend"), e)
	c.Percent = true
	for _, y := range years {
		c.Categories, c.Times = append(c.Categories, b.yearName(y)), append(c.Times, float64(y))
	}
	for _, area := range b.areas() {
		c.Series = append(c.Series, b.areaSeries(area, years))
	}
	c.Series = append(c.Series, b.nowSeries(len(years), slices.Index(years, now)))
	c.Breaks = b.breaks(years)
	b.add(document.Block{Chart: c})
}

// surveyed is the year of the wave: of its fieldwork, or of the report where nobody said when
// the fieldwork is.
func (b *builder) surveyed() int {
	if y := b.results.Year; y != 0 {
		return y
	}
	return b.opt.Now.In(surveys.ChinaTime).Year()
}

// yearName is what the trend calls a year. That of the report stands for the wave's only on the
// axis, so it is not written as if it were known.
func (b *builder) yearName(y int) string {
	if b.results.Year == 0 && y == b.surveyed() && !slices.Contains(b.years(), y) {
		return b.say("changes.now.axis")
	}
	return fmt.Sprint(y)
}

// years are those of the areas of the trend, in order.
func (b *builder) years() []int {
	var years []int
	for _, area := range b.areas() {
		for _, ref := range b.results.References {
			if ref.Code == area && !slices.Contains(years, ref.Year) {
				years = append(years, ref.Year)
			}
		}
	}
	slices.Sort(years)
	return years
}

// trendAreas is how many areas a trend shows at most.
const trendAreas = 3

// areas are the codes of areas with rates of more than one year, in the order of the
// references.
func (b *builder) areas() []string {
	var order []string
	n := map[string]int{}
	for _, ref := range b.results.References {
		if n[ref.Code]++; n[ref.Code] == 2 && len(order) < trendAreas {
			order = append(order, ref.Code)
		}
	}
	return order
}

func (b *builder) areaSeries(code string, years []int) document.Series {
	s := document.Series{Points: nothing(len(years))}
	for _, ref := range b.results.References {
		if ref.Code != code {
			continue
		}
		s.Name = b.placeName(ref)
		p := document.Point{Value: percentage(ref.Rate), Lo: math.NaN(), Hi: math.NaN(), N: ref.N, Label: show.Percent(ref.Rate, 1)}
		if ref.SE > 0 {
			p.Lo, p.Hi = percentage(ref.Rate-1.96*ref.SE), percentage(ref.Rate+1.96*ref.SE)
		}
		s.Points[slices.Index(years, ref.Year)] = p
	}
	return s
}

// nowSeries has the rate of the wave alone, at its year.
func (b *builder) nowSeries(years, at int) document.Series {
	s := document.Series{Name: b.say("changes.now"), Points: nothing(years)}
	e := estimated{table: TableHeadline, groups: []assess.Group{{Max: 1, Rows: b.results.Headline}}}
	s.Points[at] = b.point(e, 0, len(b.results.Headline)-1)
	return s
}

// nothing are the points of a line at so many times without a survey.
func nothing(times int) []document.Point {
	out := make([]document.Point, times)
	for i := range out {
		out[i] = missing("")
	}
	return out
}

// breaks lie where the criteria of a year are others than those of the year before. In a year
// with published rates these count, since lines join only them.
func (b *builder) breaks(years []int) []document.Break {
	var out []document.Break
	criteria := func(i int) []string {
		var all []string
		for _, ref := range b.results.References {
			if ref.Year == years[i] && slices.Contains(b.areas(), ref.Code) {
				all = append(all, ref.Criterion)
			}
		}
		if all == nil { // the wave is alone
			return b.comparable()
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	for i := 1; i < len(years); i++ {
		if !slices.ContainsFunc(criteria(i), func(c string) bool { return slices.Contains(criteria(i-1), c) }) {
			out = append(out, document.Break{Before: i, Text: b.say("changes.break.mark")})
		}
	}
	return out
}

// comparable are the criteria of published rates that the wave's can be compared with, and its
// own.
func (b *builder) comparable() []string {
	all := []string{b.results.Questionnaire.Criterion.ID}
	for _, c := range b.results.Changes {
		if c.Comparable {
			all = append(all, c.Reference.Criterion)
		}
	}
	return all
}

// references is the annex with all published rates and their sources.
func (b *builder) references() {
	refs := slices.Clone(b.results.References)
	if len(refs) == 0 {
		return
	}
	b.annex("references", b.say("references"))
	b.write(document.Plain, b.say("references.intro"))
	slices.SortStableFunc(refs, func(x, y assess.Reference) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Year, y.Year))
	})
	t := b.newTable("references", b.say("references"), "")
	t.Base = b.say("references.base")
	t.Head = [][]document.Heading{b.heads("references.col.area", "changes.col.year", "col.rate", "col.se", "col.n", "changes.col.criterion", "references.col.certainty",
		"references.col.grade", "references.col.source")}
	for _, ref := range refs {
		n := document.Cell{Text: show.Missing}
		if ref.N > 0 {
			n = count(ref.N)
		}
		t.Rows = append(t.Rows, document.Row{Name: b.areaName(ref), Detail: b.text(ref.Note), Cells: []document.Cell{
			{Text: fmt.Sprint(ref.Year)}, numeric(show.Percent(ref.Rate, 2), ref.Rate, document.Share, 2), numeric(show.Number(100*ref.SE, 2), 100*ref.SE, document.Points, 2), n,
			{Text: b.criterionName(ref.Criterion)}, {Text: b.codeName("certainty.", ref.Certainty, "changes.unknown")}, {Text: orMissing(ref.Grade)}, {Text: orMissing(b.text(ref.Source))},
		}})
	}
	b.add(document.Block{Table: t})
}

func orMissing(s string) string {
	if s == "" {
		return show.Missing
	}
	return s
}
