package report

import (
	"math"
	"slices"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/chart"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// newChart begins a chart. Its number counts all charts.
func (b *builder) newChart(id string, kind document.ChartKind, title string, e estimated) *document.Chart {
	b.figures++
	base := b.chartBase(e)
	return &document.Chart{
		ID: "chart-" + id, Number: b.say("figure", "i", show.Count(b.figures)), Title: title, Base: base, Kind: kind,
		Alt: b.say("chart.label", "title", title, "base", base), Percent: true,
	}
}

// chart puts a chart of a table of estimates into the current section: one series for each
// level of the plan's series, and one for the true values of a simulation. Points of scores
// are drawn as shares of their maximum.
func (b *builder) chart(e estimated, kind document.ChartKind) {
	if len(b.results.SeriesLevels) > len(chart.Palette) || !anybody(e.groups) {
		return // more levels than colours, or nothing to draw: the table has it
	}
	c := b.newChart(e.id, kind, b.chartTitle(e), e)
	order := make([]int, len(e.groups))
	for i := range order {
		order[i] = i
	}
	if kind == document.Dots {
		order = b.byValue(e)
	}
	for _, i := range order {
		c.Categories = append(c.Categories, b.category(e, i))
	}
	for s := range b.results.SeriesLevels {
		series := document.Series{Name: b.series(s)}
		for _, i := range order {
			series.Points = append(series.Points, b.point(e, i, s))
		}
		c.Series = append(c.Series, series)
	}
	if e.drawsTruth() {
		c.Series = append(c.Series, b.truths(e, order)...)
	}
	c.Line = b.line(e)
	b.add(document.Block{Chart: c})
}

// anybody says whether any group has respondents. Otherwise a chart, such as on the reasons of
// people of whom there are none, would be empty.
func anybody(groups []assess.Group) bool {
	return slices.ContainsFunc(groups, func(g assess.Group) bool {
		return slices.ContainsFunc(g.Rows, func(r assess.Row) bool { return r.Estimate.N > 0 })
	})
}

// chartTitle states the finding of a chart, or what it shows where there is none.
func (b *builder) chartTitle(e estimated) string {
	if high, low, ok := b.extremes(e.table, e.groups, e.separation); ok {
		return b.say("chart.finding", "title", e.title, "high", b.text(high.Name), "low", b.text(low.Name))
	}
	return e.title
}

// category is the name of a group in a chart; items go by their codes.
func (b *builder) category(e estimated, i int) string {
	if e.wording {
		return e.groups[i].Code
	}
	return b.text(e.groups[i].Name)
}

// point is one estimate of a chart; one that does not exist or is withheld says why.
func (b *builder) point(e estimated, i, series int) document.Point {
	if why, hidden := b.hides(e, i, series); hidden {
		p := missing(b.withheldWords(why))
		p.Label = show.Suppressed
		return p
	}
	g := e.all()[i]
	v := g.Rows[series].Estimate
	if math.IsNaN(v.Value) {
		return missing(b.say("note.empty"))
	}
	label := b.column(e).Value(v.Value)
	if e.points {
		label = show.Percent(v.Value/g.Max, 1)
	}
	return document.Point{
		Value: percentage(v.Value / g.Max), Lo: percentage(v.Lo / g.Max), Hi: percentage(v.Hi / g.Max), N: v.N, Label: label,
	}
}

// truths are the true values of a simulation, a series for each level of the plan's.
func (b *builder) truths(e estimated, order []int) []document.Series {
	var out []document.Series
	for s := range b.results.SeriesLevels {
		series := document.Series{Name: b.say("chart.truth.name"), Truth: true}
		for _, i := range order {
			g, p := e.groups[i], missing("")
			if _, hidden := b.hides(e, i, s); !hidden && g.Rows[s].Truth != nil {
				v := *g.Rows[s].Truth
				p = document.Point{Value: percentage(v / g.Max), Lo: math.NaN(), Hi: math.NaN(), Label: show.Percent(v/g.Max, 1)}
			}
			series.Points = append(series.Points, p)
		}
		out = append(out, series)
	}
	return out
}

// chartBase is the base of the chart with what its marks mean.
func (b *builder) chartBase(e estimated) string {
	parts := []string{b.base(), b.say("base.whiskers", "level", b.level())}
	if e.base != "" {
		parts = append([]string{e.base}, parts...)
	}
	if line := b.line(e); line != nil {
		parts = append(parts, b.say("base.line", "value", b.column(e).Value(b.results.Headline[0].Estimate.Value)))
	}
	if e.drawsTruth() {
		parts = append(parts, b.say("base.truth"))
	}
	return join(parts, b.say("base.join"))
}

// line marks the value of everybody.
func (b *builder) line(e estimated) *document.Line {
	head := b.results.Headline
	if !e.line || len(head) != 1 || math.IsNaN(head[0].Estimate.Value) || b.headlineHidden() {
		return nil
	}
	v := head[0].Estimate.Value
	return &document.Line{Value: percentage(v), Name: b.say("chart.all", "value", b.column(e).Value(v))}
}

// stacked draws the bands as parts of one bar, one bar for each level of the series. Bars
// of which a part is withheld or missing are not drawn, since the parts add up to 100.
func (b *builder) stacked(e estimated) {
	for s := range b.results.SeriesLevels {
		for i := range e.groups {
			if _, hidden := b.hides(e, i, s); hidden || math.IsNaN(e.groups[i].Rows[s].Estimate.Value) {
				return
			}
		}
	}
	if len(e.groups) > len(chart.Palette) {
		return
	}
	plain := e
	for i, g := range plain.groups {
		rows := make([]assess.Row, len(g.Rows))
		for s, r := range g.Rows {
			rows[s] = assess.Row{Estimate: r.Estimate}
		}
		if i == 0 {
			plain.groups = make([]assess.Group, len(e.groups))
		}
		plain.groups[i] = assess.Group{Code: g.Code, Name: g.Name, Max: g.Max, Rows: rows}
	}
	c := b.newChart(e.id+"-stacked", document.Stacked, b.say("levels.stacked"), plain)
	c.Base, c.Max = b.base(), 100
	c.Alt = b.say("chart.label", "title", c.Title, "base", c.Base)
	for s := range b.results.SeriesLevels {
		name := b.series(s)
		if !b.isSeries() {
			name = b.say("all")
		}
		c.Categories = append(c.Categories, name)
	}
	for i := len(e.groups) - 1; i >= 0; i-- {
		series := document.Series{Name: b.text(e.groups[i].Name)}
		for s := range b.results.SeriesLevels {
			series.Points = append(series.Points, b.point(plain, i, s))
		}
		c.Series = append(c.Series, series)
	}
	b.add(document.Block{Chart: c})
}

// tiles draws places as squares in a grid, where the plan says where each stands.
func (b *builder) tiles(e estimated, f assess.Factor) {
	var tiles []document.Tile
	left, top := math.MaxInt, math.MaxInt
	for i, l := range f.Levels {
		if len(l.Tile) != 2 || i >= len(e.groups) || e.groups[i].Code != l.Code {
			continue
		}
		short := b.text(l.Short)
		if short == "" {
			short = b.text(l.Name)
		}
		tiles = append(tiles, document.Tile{Category: i, Column: l.Tile[0], Row: l.Tile[1], Short: short})
		left, top = min(left, l.Tile[0]), min(top, l.Tile[1])
	}
	for i := range tiles { // plans count from 1, charts from 0
		tiles[i].Column, tiles[i].Row = tiles[i].Column-left, tiles[i].Row-top
	}
	if len(tiles) == 0 || b.isSeries() {
		return
	}
	c := b.newChart(e.id+"-tiles", document.Tiles, b.say("tiles.title", "title", e.title), estimated{})
	c.Base = b.say("tiles.base") + b.say("base.join") + b.base()
	c.Alt = b.say("chart.label", "title", c.Title, "base", c.Base)
	c.Tiles = tiles
	series := document.Series{}
	for i := range e.groups {
		c.Categories = append(c.Categories, b.category(e, i))
		series.Points = append(series.Points, b.point(e, i, 0))
	}
	c.Series = []document.Series{series}
	b.add(document.Block{Chart: c})
}

// percentage is a share in percent, rounded to what a screen can show.
func percentage(share float64) float64 { return math.Round(share*1e6) / 1e4 }
