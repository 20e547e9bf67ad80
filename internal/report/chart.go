package report

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// figure is a chart ready to be shown.
type figure struct {
	ID, Number, Title, Base, Label string
	Height                         int
	// Option is an ECharts option as JSON in which < > & are escaped, so that no label
	// can end the script element it stands in.
	Option template.JS
}

// The look of charts. The colours can be told apart by people with any colour vision
// (after Okabe and Ito, darkened for contrast on white), and points differ in shape too.
var (
	palette    = []string{"#0b4a82", "#c25400", "#00745a", "#8a3a74"}
	truthColor = "#a3002b"
	inkColor   = "#1b2733"
	softColor  = "#4c5a67"
	lineColor  = "#e3e7eb"
)

// The shapes of static/report.js: a bar, four kinds of points and a tick.
const (
	shapeBar   = 0
	shapePoint = 1
	shapes     = 4
	shapeTick  = 9
)

// The sizes of a chart, in pixels.
const (
	rowHeight  = 30 // of a category with one estimate
	slotHeight = 18 // of each further estimate of a category
	axisHeight = 30
	topEmpty   = 6
	topLabel   = 28 // room for a legend or the name of a line
)

// block is a chart of estimates with its table.
func (b *builder) block(e estimated) (block, error) {
	f, err := b.chart(e)
	if err != nil {
		return block{}, fmt.Errorf("chart %q: %w", e.title, err)
	}
	return block{Chart: f, Tables: b.estimateTables(e)}, nil
}

// chart draws the groups below each other, each with its interval: one series for each
// level of the plan's series, and one for the true values of a simulation.
func (b *builder) chart(e estimated) (*figure, error) {
	b.figures++
	slots := len(b.results.SeriesLevels)
	base := b.chartBase(e)
	f := &figure{
		ID: fmt.Sprintf("chart-%d", b.figures), Number: b.say("figure", "i", show.Count(b.figures)),
		Title: e.title, Base: base, Label: b.say("chart.label", "title", e.title, "base", base),
	}
	top := topEmpty
	if slots > 1 || b.hasLine(e) {
		top = topLabel
	}
	f.Height = top + axisHeight + len(e.groups)*(rowHeight+(slots-1)*slotHeight)
	c := charts.NewCustom()
	c.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: f.ID}),
		charts.WithColorsOpts(append(opts.Colors{}, palette...)),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item", Formatter: "itemName"}),
		charts.WithXAxisOpts(b.valueAxis()),
		charts.WithYAxisOpts(b.groupAxis(e)),
		charts.WithGridOpts(opts.Grid{Left: "8", Right: "52", Top: fmt.Sprint(top), Bottom: fmt.Sprint(axisHeight)}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(slots > 1), Top: "0", Left: "0", Icon: "roundRect", ItemWidth: 14, ItemHeight: 10}),
		charts.WithAriaOpts(&opts.Aria{Enabled: opts.Bool(true), Label: &opts.AriaLabel{Description: f.Label}}),
	)
	for i := range b.results.SeriesLevels {
		c.AddSeries(b.series(i), b.points(e, i, slots), b.seriesOptions(e, i)...)
	}
	if e.hasTruth() {
		c.AddSeries(b.say("chart.truth.name"), b.truths(e, slots), b.look(truthColor)...)
	}
	c.Validate()
	option, err := json.Marshal(c.JSON())
	f.Option = template.JS(option)
	return f, err
}

// chartBase is the base of the chart with what its marks mean.
func (b *builder) chartBase(e estimated) string {
	parts := []string{b.base(), b.say("base.whiskers", "level", b.level())}
	if b.hasLine(e) {
		parts = append(parts, b.say("base.line", "value", b.column(e).Value(b.results.Headline[0].Estimate.Value)))
	}
	if e.hasTruth() {
		parts = append(parts, b.say("base.truth"))
	}
	return join(parts, b.say("base.join"))
}

func (b *builder) valueAxis() opts.XAxis {
	return opts.XAxis{
		Type: "value", Min: 0,
		AxisLabel: &opts.AxisLabel{Formatter: "{value}%", Color: softColor, FontSize: 12, HideOverlap: opts.Bool(true)},
		SplitLine: &opts.SplitLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: lineColor}},
	}
}

// groupAxis names the groups, or the items by their codes.
func (b *builder) groupAxis(e estimated) opts.YAxis {
	names := make([]string, len(e.groups))
	for i, g := range e.groups {
		names[i] = b.text(g.Name)
		if e.wording {
			names[i] = g.Code
		}
	}
	return opts.YAxis{
		Type: "category", Data: names, Inverse: opts.Bool(true),
		AxisLabel: &opts.AxisLabel{Color: inkColor, FontSize: 13, Overflow: "break", Interval: "0"},
		AxisLine:  &opts.AxisLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: softColor}},
	}
}

// look names the drawing function and tells the axis which numbers it must hold.
func (b *builder) look(color string) []charts.SeriesOpts {
	return []charts.SeriesOpts{
		charts.WithCustomChartOpts(opts.CustomChart{RenderItem: "ciWhisker"}),
		charts.WithEncodeOpts(opts.Encode{X: []int{0, 1, 2}, Y: 3}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: color}),
	}
}

// hasLine says whether the chart marks the value of everybody.
func (b *builder) hasLine(e estimated) bool {
	head := b.results.Headline
	return e.line && len(head) == 1 && !math.IsNaN(head[0].Estimate.Value)
}

// seriesOptions is the look of a level of the series, with the line of the total.
func (b *builder) seriesOptions(e estimated, i int) []charts.SeriesOpts {
	out := b.look(palette[i%len(palette)])
	if !b.hasLine(e) {
		return out
	}
	head := b.results.Headline
	name := b.say("chart.all", "value", b.column(e).Value(head[0].Estimate.Value))
	return append(out,
		charts.WithMarkLineNameXAxisItemOpts(opts.MarkLineNameXAxisItem{Name: name, XAxis: percentage(head[0].Estimate.Value)}),
		charts.WithMarkLineStyleOpts(opts.MarkLineStyle{
			Symbol:    []string{"none", "none"},
			Label:     &opts.Label{Formatter: "{b}", Position: "start", Color: softColor},
			LineStyle: &opts.LineStyle{Color: softColor, Type: "dashed", Width: 1},
		}))
}

// points are the estimates of one level of the series. An estimate without a value has
// no point; its table says why.
func (b *builder) points(e estimated, series, slots int) []opts.CustomData {
	col := b.column(e)
	shape := shapePoint + series%shapes
	if e.bars && slots == 1 {
		shape = shapeBar
	}
	out := []opts.CustomData{}
	for i, g := range e.groups {
		v := g.Rows[series].Estimate
		if math.IsNaN(v.Value) {
			continue
		}
		out = append(out, opts.CustomData{
			Name: b.say("chart.point", "name", b.pointName(g, series), "value", col.Value(v.Value),
				"interval", col.Interval(v), "n", show.Count(v.N)),
			Value: []any{
				percentage(v.Value / g.Max), bound(v.Lo / g.Max), bound(v.Hi / g.Max), i, series, slots, shape,
				percentage(reach(g.Rows[series]) / g.Max),
			},
		})
	}
	return out
}

// reach is where the drawing of an estimate ends, so that its label does not lie on it.
func reach(r assess.Row) float64 {
	end := r.Estimate.Value
	if hi := r.Estimate.Hi; hi > end {
		end = hi
	}
	if r.Truth != nil && *r.Truth > end {
		end = *r.Truth
	}
	return end
}

// truths are the true values of all levels of the series.
func (b *builder) truths(e estimated, slots int) []opts.CustomData {
	col := b.column(e)
	out := []opts.CustomData{}
	for i, g := range e.groups {
		for series, r := range g.Rows {
			if r.Truth == nil {
				continue
			}
			out = append(out, opts.CustomData{
				Name:  b.say("chart.truth", "name", b.pointName(g, series), "value", col.Value(*r.Truth)),
				Value: []any{percentage(*r.Truth / g.Max), nil, nil, i, series, slots, shapeTick, nil},
			})
		}
	}
	return out
}

func (b *builder) pointName(g assess.Group, series int) string {
	if b.isSeries() {
		return b.text(g.Name) + b.say("rule.comma") + b.series(series)
	}
	return b.text(g.Name)
}

// percentage is a share in percent, rounded to what a screen can show.
func percentage(share float64) float64 { return math.Round(share*1e6) / 1e4 }

// bound is the end of an interval, or nothing.
func bound(share float64) any {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return nil
	}
	return percentage(share)
}
