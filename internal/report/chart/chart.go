// Package chart draws the charts of a report. From a document.Chart it makes the option
// that ECharts draws on the screen, and the same drawing as SVG or PNG for paper and for
// documents: ECharts itself runs inside the program for that, with the drawing functions of
// the page, so that there is one definition of how a number looks.
//
//	d := chart.Drawer{}
//	option, err := d.Option(c, surveys.ZH)         // JSON for <script type="application/json">
//	pictures, err := d.SVGs(charts, surveys.ZH, chart.Paper)
//	png, err := chart.PNG(ctx, pictures[0], 2*int(chart.Paper))
//
// A number that is missing or withheld is never in an option or a picture: its place is
// hatched and says why. What stands around a chart, caption, base and table, is left to
// those who write the page.
package chart

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/types"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// Drawer draws charts. The zero value draws everything but choropleths. It is safe for use
// by several goroutines at once.
type Drawer struct {
	// BaseMap is what choropleths are drawn on; see ReadBaseMap.
	BaseMap *BaseMap
}

// Option is the ECharts option of a chart as JSON, in which < > & are escaped, so that no
// name can end the script element it stands in. static/report.js of the page draws it. The
// same chart gives the same bytes. Errors wrap surveys.ErrInvalid and name the chart.
func (d Drawer) Option(c *document.Chart, lang surveys.Lang) ([]byte, error) {
	option, err := d.option(c, lang)
	if err != nil {
		return nil, fmt.Errorf("chart %q: %w", c.ID, err)
	}
	return option, nil
}

func (d Drawer) option(c *document.Chart, lang surveys.Lang) ([]byte, error) {
	w, ok := texts[lang]
	if !ok {
		return nil, fmt.Errorf("%w: there are no charts in the language %q; use %s or %s", surveys.ErrInvalid, lang, surveys.ZH, surveys.EN)
	}
	if err := check(c); err != nil {
		return nil, err
	}
	p := &picture{Chart: c, words: w, custom: charts.NewCustom(), layout: map[string]any{"kind": c.Kind}}
	if err := p.draw(d.BaseMap); err != nil {
		return nil, err
	}
	return p.json()
}

// picture is a chart while its option is made.
type picture struct {
	*document.Chart
	words  words
	custom *charts.Custom
	// layout is what report.js needs to know to find the height of the chart.
	layout map[string]any
	// legend has an entry for each series that is drawn in a colour of its own.
	legend []legendEntry
	axes   bool
}

type legendEntry struct {
	Name      string          `json:"name"`
	Icon      string          `json:"icon"`
	ItemStyle *opts.ItemStyle `json:"itemStyle,omitempty"`
}

func (p *picture) draw(m *BaseMap) error {
	switch p.Kind {
	case document.Dots, document.Bars:
		p.rows()
		return nil
	case document.Stacked:
		return p.stacked()
	case document.Trend:
		return p.trend()
	case document.Tiles:
		return p.tiles()
	case document.Choropleth:
		return p.choropleth(m)
	}
	return fmt.Errorf("%w: there is no kind of chart %q", surveys.ErrInvalid, p.Kind)
}

// json is the option with what the builder of go-echarts has no words for.
func (p *picture) json() ([]byte, error) {
	p.custom.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: p.ID}),
		charts.WithColorsOpts(append(opts.Colors{}, Palette[:]...)),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item", Formatter: "itemName"}),
		charts.WithLegendOpts(opts.Legend{
			Show: opts.Bool(len(p.legend) > 1), Top: "0", Left: "0", ItemWidth: 14, ItemHeight: 10,
			Data: p.legend, TextStyle: &opts.TextStyle{Color: ink, FontSize: 12},
		}),
		charts.WithAriaOpts(&opts.Aria{Enabled: opts.Bool(true), Label: &opts.AriaLabel{Description: p.Alt}}),
	)
	p.custom.Validate()
	option := p.custom.JSON()
	if !p.axes {
		delete(option, "xAxis")
		delete(option, "yAxis")
	}
	delete(option, "title")
	delete(option, "toolbox")
	option["suyang"] = p.layout
	return json.Marshal(option)
}

// check refuses charts that cannot be drawn as they are meant.
func check(c *document.Chart) error {
	if len(c.Categories) == 0 || len(c.Series) == 0 {
		return fmt.Errorf("%w: it has no groups or no series; leave the chart out and say why in its table", surveys.ErrInvalid)
	}
	for _, s := range c.Series {
		if len(s.Points) != len(c.Categories) {
			return fmt.Errorf("%w: series %q has %d numbers for %d groups", surveys.ErrInvalid, s.Name, len(s.Points), len(c.Categories))
		}
	}
	if c.Kind == document.Trend {
		if len(c.Times) != len(c.Categories) {
			return fmt.Errorf("%w: a trend needs the time of every category, and there are %d for %d", surveys.ErrInvalid, len(c.Times), len(c.Categories))
		}
		for i, t := range c.Times {
			if !finite(t) || i > 0 && t <= c.Times[i-1] {
				return fmt.Errorf("%w: the time of %q, %v, is not later than the one before it", surveys.ErrInvalid, c.Categories[i], t)
			}
		}
	}
	if n := len(estimates(c)); n > len(Palette) {
		return fmt.Errorf("%w: %d series cannot be told apart, %d can; divide the chart", surveys.ErrInvalid, n, len(Palette))
	}
	return nil
}

// estimates are the series that are not true values.
func estimates(c *document.Chart) []document.Series {
	return slices.DeleteFunc(slices.Clone(c.Series), func(s document.Series) bool { return s.Truth })
}

func truths(c *document.Chart) []document.Series {
	return slices.DeleteFunc(slices.Clone(c.Series), func(s document.Series) bool { return !s.Truth })
}

// drawn says whether a point has a number that may be shown.
func drawn(p document.Point) bool { return p.Missing == "" && finite(p.Value) }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// bounded says whether a point has an interval. One from 0 to 0 around another number is what
// a point has whose interval was never filled in.
func bounded(p document.Point) bool {
	return finite(p.Lo) && finite(p.Hi) && p.Lo <= p.Hi && (p.Lo != 0 || p.Hi != 0 || p.Value == 0)
}

// number is a coordinate, rounded to what can be seen; nothing for what has no place, such as
// the end of a group without numbers.
func number(x float64) any {
	if !finite(x) {
		return nil
	}
	return math.Round(x*1e4) / 1e4
}

// ends are the coordinates of an interval, or nothing.
func ends(pt document.Point) (lo, hi any) {
	if !bounded(pt) {
		return nil, nil
	}
	return number(pt.Lo), number(pt.Hi)
}

// missing says why a point has no number; empty when it has one.
func (p *picture) missing(pt document.Point) string {
	switch {
	case drawn(pt):
		return ""
	case pt.Missing != "":
		return pt.Missing
	}
	return p.words.say("missing")
}

// label is the number of a point as it is printed.
func (p *picture) label(pt document.Point) string {
	switch {
	case !drawn(pt):
		return ""
	case pt.Label != "":
		return pt.Label
	case p.Percent:
		return show.Percent(pt.Value/100, 1)
	}
	return show.Number(pt.Value, 1)
}

// tip says everything about a point: what the pointer or the arrow keys show.
func (p *picture) tip(name string, pt document.Point) string {
	if !drawn(pt) {
		return p.words.say("point", "name", name, "value", p.missing(pt))
	}
	tip := p.words.say("point", "name", name, "value", p.label(pt))
	if bounded(pt) {
		d := decimals(pt.Label)
		tip += p.words.say("interval", "low", show.Number(pt.Lo, d), "high", show.Number(pt.Hi, d))
	}
	if pt.N > 0 {
		tip += p.words.say("n", "n", show.Count(pt.N))
	}
	return tip
}

// part names a point of one of several series.
func (p *picture) part(category int, series string) string {
	if len(p.Series) == 1 || series == "" {
		return p.Categories[category]
	}
	return p.words.say("part", "name", p.Categories[category], "series", series)
}

// decimals are those of a printed number; 1 where it is none.
func decimals(label string) int {
	_, rest, ok := strings.Cut(label, ".")
	if !ok {
		if strings.ContainsAny(label, "0123456789") {
			return 0
		}
		return 1
	}
	return len(rest) - len(strings.TrimLeft(rest, "0123456789"))
}

// reach is the largest number at which something of a point is drawn.
func reach(pts ...document.Point) float64 {
	end := math.Inf(-1)
	for _, pt := range pts {
		if !drawn(pt) {
			continue
		}
		end = math.Max(end, pt.Value)
		if bounded(pt) {
			end = math.Max(end, pt.Hi)
		}
	}
	return end
}

// add draws data by a function of report.js.
func (p *picture) add(name, function string, data []opts.CustomData, options ...charts.SeriesOpts) {
	p.custom.AddSeries(name, data, append(options, charts.WithCustomChartOpts(opts.CustomChart{RenderItem: types.FuncStr(function)}))...)
}

func coloured(color string) charts.SeriesOpts {
	return charts.WithItemStyleOpts(opts.ItemStyle{Color: color})
}

// longest is the longer of two labels.
func longest(a, b string) string {
	if utf8.RuneCountInString(b) > utf8.RuneCountInString(a) {
		return b
	}
	return a
}

// bounds are the ends of the axis of values: zero belongs to it, so that lengths can be
// compared, and so does everything that is drawn.
func (p *picture) bounds() (low, high any) {
	least, most := 0.0, reach(slices.Concat(allPoints(p.Chart)...)...)
	for _, pts := range allPoints(p.Chart) {
		for _, pt := range pts {
			if !drawn(pt) {
				continue
			}
			least = math.Min(least, pt.Value)
			if bounded(pt) {
				least = math.Min(least, pt.Lo)
			}
		}
	}
	low = 0
	if least < 0 {
		low = nil
	}
	if p.Max > 0 {
		high = math.Max(p.Max, most)
	} else if math.IsInf(most, -1) && p.Percent {
		high = 100 // nothing is known, so the whole is shown
	}
	return low, high
}

func allPoints(c *document.Chart) [][]document.Point {
	out := make([][]document.Point, len(c.Series))
	for i, s := range c.Series {
		out[i] = s.Points
	}
	return out
}

func (p *picture) valueLabel() types.FuncStr {
	if p.Percent {
		return "{value}%"
	}
	return "{value}"
}
