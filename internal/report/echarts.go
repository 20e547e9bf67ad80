package report

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/suyang-survey/suyang/internal/report/document"
)

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

// chartOption is the option that the script draws a chart from, and its height in pixels:
// the categories below each other, each number with its interval.
func chartOption(c *document.Chart) (option []byte, height int, err error) {
	shown := slices.DeleteFunc(slices.Clone(c.Series), func(s document.Series) bool { return s.Truth })
	slots := max(1, len(shown))
	top := topEmpty
	if slots > 1 || c.Line != nil {
		top = topLabel
	}
	height = top + axisHeight + len(c.Categories)*(rowHeight+(slots-1)*slotHeight)
	o := charts.NewCustom()
	o.SetGlobalOptions(
		charts.WithInitializationOpts(opts.Initialization{ChartID: c.ID}),
		charts.WithColorsOpts(append(opts.Colors{}, palette...)),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item", Formatter: "itemName"}),
		charts.WithXAxisOpts(valueAxis()),
		charts.WithYAxisOpts(categoryAxis(c)),
		charts.WithGridOpts(opts.Grid{Left: "8", Right: "52", Top: fmt.Sprint(top), Bottom: fmt.Sprint(axisHeight)}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(slots > 1), Top: "0", Left: "0", Icon: "roundRect", ItemWidth: 14, ItemHeight: 10}),
		charts.WithAriaOpts(&opts.Aria{Enabled: opts.Bool(true), Label: &opts.AriaLabel{Description: c.Alt}}),
	)
	slot := 0
	for _, s := range c.Series {
		if s.Truth {
			o.AddSeries(s.Name, drawn(c, s, shapeTick, 0, slots), look(truthColor)...)
			continue
		}
		shape := shapePoint + slot%shapes
		if c.Kind == document.Bars && slots == 1 {
			shape = shapeBar
		}
		o.AddSeries(s.Name, drawn(c, s, shape, slot, slots), append(look(palette[slot%len(palette)]), marked(c.Line)...)...)
		slot++
	}
	o.Validate()
	option, err = json.Marshal(o.JSON())
	return option, height, err
}

func valueAxis() opts.XAxis {
	return opts.XAxis{
		Type: "value", Min: 0,
		AxisLabel: &opts.AxisLabel{Formatter: "{value}%", Color: softColor, FontSize: 12, HideOverlap: opts.Bool(true)},
		SplitLine: &opts.SplitLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: lineColor}},
	}
}

func categoryAxis(c *document.Chart) opts.YAxis {
	return opts.YAxis{
		Type: "category", Data: c.Categories, Inverse: opts.Bool(true),
		AxisLabel: &opts.AxisLabel{Color: inkColor, FontSize: 13, Overflow: "break", Interval: "0"},
		AxisLine:  &opts.AxisLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: softColor}},
	}
}

// look names the drawing function and tells the axis which numbers it must hold.
func look(color string) []charts.SeriesOpts {
	return []charts.SeriesOpts{
		charts.WithCustomChartOpts(opts.CustomChart{RenderItem: "ciWhisker"}),
		charts.WithEncodeOpts(opts.Encode{X: []int{0, 1, 2}, Y: 3}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: color}),
	}
}

func marked(l *document.Line) []charts.SeriesOpts {
	if l == nil {
		return nil
	}
	return []charts.SeriesOpts{
		charts.WithMarkLineNameXAxisItemOpts(opts.MarkLineNameXAxisItem{Name: l.Name, XAxis: l.Value}),
		charts.WithMarkLineStyleOpts(opts.MarkLineStyle{
			Symbol:    []string{"none", "none"},
			Label:     &opts.Label{Formatter: "{b}", Position: "start", Color: softColor},
			LineStyle: &opts.LineStyle{Color: softColor, Type: "dashed", Width: 1},
		}),
	}
}

// drawn are the numbers of a series. One that is missing has no point; its table says why.
func drawn(c *document.Chart, s document.Series, shape, slot, slots int) []opts.CustomData {
	out := []opts.CustomData{}
	for i, p := range s.Points {
		if p.Missing != "" || math.IsNaN(p.Value) {
			continue
		}
		name := c.Categories[i]
		if s.Name != "" {
			name += " · " + s.Name
		}
		name += " · " + p.Label
		reach := any(p.Value)
		switch {
		case s.Truth:
			reach = nil
		case !math.IsNaN(p.Lo) && !math.IsNaN(p.Hi):
			name += fmt.Sprintf(" (%.1f–%.1f)", p.Lo, p.Hi)
			reach = max(p.Value, p.Hi)
		}
		if p.N > 0 {
			name += fmt.Sprint(", n = ", p.N)
		}
		out = append(out, opts.CustomData{Name: name, Value: []any{p.Value, bound(p.Lo), bound(p.Hi), i, slot, slots, shape, reach}})
	}
	return out
}

// bound is the end of an interval, or nothing.
func bound(x float64) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return x
}
