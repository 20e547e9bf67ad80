package chart

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// The heights of a group, in pixels: of one estimate, and of each further one.
const (
	rowHeight  = 30
	slotHeight = 18
)

// The shapes of report.js beside those of points, which begin at 1.
const (
	shapeBar  = 0
	shapeTick = 9
)

// rowAxes lets the groups stand below each other beside an axis of values.
func (p *picture) rowAxes(row int) {
	low, high := p.bounds()
	p.axes = true
	p.layout["row"] = row
	p.custom.SetGlobalOptions(
		charts.WithXAxisOpts(opts.XAxis{
			Type: "value", Min: low, Max: high,
			AxisLabel: &opts.AxisLabel{Formatter: p.valueLabel(), Color: soft, FontSize: 12, HideOverlap: opts.Bool(true)},
			SplitLine: &opts.SplitLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: grid}},
		}),
		charts.WithYAxisOpts(opts.YAxis{
			Type: "category", Data: p.Categories, Inverse: opts.Bool(true),
			AxisLabel: &opts.AxisLabel{Color: ink, FontSize: 13, Interval: "0"},
			AxisLine:  &opts.AxisLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: soft}},
		}),
	)
}

// rows draws dots or bars with their intervals, those of several series below each other
// in each group.
func (p *picture) rows() {
	all := estimates(p.Chart)
	p.rowAxes(rowHeight + (max(1, len(all))-1)*slotHeight)
	long := ""
	encode := charts.WithEncodeOpts(opts.Encode{X: []int{0, 1, 2, 7}, Y: 3})
	for i, s := range all {
		shape, icon := i+1, pointIcons[i]
		if p.Kind == document.Bars {
			shape, icon = shapeBar, barIcons[i]
		}
		data := make([]opts.CustomData, len(s.Points))
		for row, pt := range s.Points {
			end := reach(append(p.truthsOf(i, row, len(all)), pt)...)
			item := []any{nil, nil, nil, row, i, len(all), shape, number(end), p.label(pt), p.missing(pt), i}
			if drawn(pt) {
				item[0] = number(pt.Value)
				item[1], item[2] = ends(pt)
			} else {
				item[7] = nil
			}
			data[row] = opts.CustomData{Name: p.tip(p.part(row, s.Name), pt), Value: item}
			long = longest(long, p.label(pt))
		}
		p.legend = append(p.legend, legendEntry{Name: s.Name, Icon: icon})
		p.add(s.Name, "ciWhisker", data, encode, coloured(Palette[i]))
	}
	p.truths(len(all))
	p.rule("x")
	p.layout["longest"] = long
}

// truthsOf are the true values that are drawn upon an estimate.
func (p *picture) truthsOf(series, row, slots int) []document.Point {
	var out []document.Point
	all := truths(p.Chart)
	for k, s := range all {
		if len(all) != slots || k == series {
			out = append(out, s.Points[row])
		}
	}
	return out
}

// truths draws true values as ticks: each beside the series it belongs to when there are as
// many, otherwise across the middle of the group. Where no estimate is shown, the truth has
// nothing to be compared with.
func (p *picture) truths(slots int) {
	all := truths(p.Chart)
	for k, s := range all {
		slot, of := k, slots
		if len(all) != slots {
			slot, of = 0, 1
		}
		data := []opts.CustomData{}
		for row, pt := range s.Points {
			if drawn(pt) && p.anyDrawn(row) {
				data = append(data, opts.CustomData{
					Name:  p.tip(p.part(row, s.Name), pt),
					Value: []any{number(pt.Value), nil, nil, row, slot, of, shapeTick, nil, "", ""},
				})
			}
		}
		if k == 0 {
			p.legend = append(p.legend, legendEntry{Name: s.Name, Icon: tickIcon})
		}
		p.add(s.Name, "ciWhisker", data, charts.WithEncodeOpts(opts.Encode{X: []int{0}, Y: 3}), coloured(truthColor))
	}
}

// anyDrawn says whether a group has an estimate that is shown.
func (p *picture) anyDrawn(row int) bool {
	return slices.ContainsFunc(estimates(p.Chart), func(s document.Series) bool { return drawn(s.Points[row]) })
}

// rule marks a value for comparison, along an axis.
func (p *picture) rule(along string) {
	if p.Line == nil || !finite(p.Line.Value) {
		return
	}
	encode := opts.Encode{X: []int{0}}
	if along == "y" {
		encode = opts.Encode{Y: []int{0}}
	} else {
		p.layout["rule"] = true
	}
	p.add("", "ciRule", []opts.CustomData{{Value: []any{number(p.Line.Value), p.Line.Name, along}}}, charts.WithEncodeOpts(encode))
}

// roundingSlack is how far the sum of parts may lie from 100 by rounding, for each part.
const roundingSlack = 0.06

// stacked draws parts that together are everybody. A group of which one part is missing is
// a gap as a whole, since the other parts would lie in wrong places or give it away.
func (p *picture) stacked() error {
	if len(truths(p.Chart)) > 0 {
		return fmt.Errorf("%w: parts of a whole are not drawn with true values", surveys.ErrInvalid)
	}
	from, whole, err := p.sums()
	if err != nil {
		return err
	}
	p.Chart = p.withMax(whole)
	p.rowAxes(rowHeight)
	fills := ramp(len(p.Series))
	encode := charts.WithEncodeOpts(opts.Encode{X: []int{0, 1}, Y: 2})
	for i, s := range p.Series {
		data := []opts.CustomData{}
		for row, pt := range s.Points {
			gap := p.gapIn(row)
			switch {
			case gap == "":
				data = append(data, opts.CustomData{
					Name:  p.tip(p.part(row, s.Name), pt),
					Value: []any{number(from[row]), number(from[row] + pt.Value), row, p.label(pt), fills[i], inkOn(fills[i]), i % 2, ""},
				})
				from[row] += pt.Value
			case i == 0:
				data = append(data, opts.CustomData{
					Name:  p.words.say("point", "name", p.Categories[row], "value", gap),
					Value: []any{0, number(whole), row, "", "", ink, 0, gap},
				})
			}
		}
		p.legend = append(p.legend, legendEntry{Name: s.Name, Icon: barIcons[i%2], ItemStyle: &opts.ItemStyle{Color: fills[i], BorderColor: soft, BorderWidth: 0.5}})
		p.add(s.Name, "ciStack", data, encode, coloured(fills[i]))
	}
	p.layout["longest"] = ""
	return nil
}

// gapIn says why the parts of a group cannot be drawn; empty when they can.
func (p *picture) gapIn(row int) string {
	for _, s := range p.Series {
		if !drawn(s.Points[row]) {
			return p.missing(s.Points[row])
		}
	}
	return ""
}

// sums gives where each group begins and how long the longest is, and refuses parts that are
// negative or, as percentages, do not add up to 100.
func (p *picture) sums() (from []float64, whole float64, err error) {
	from = make([]float64, len(p.Categories))
	for row, name := range p.Categories {
		if p.gapIn(row) != "" {
			continue
		}
		sum := 0.0
		for _, s := range p.Series {
			if v := s.Points[row].Value; v < 0 {
				return nil, 0, fmt.Errorf("%w: %q has a negative part %q", surveys.ErrInvalid, name, s.Name)
			}
			sum += s.Points[row].Value
		}
		if p.Percent && math.Abs(sum-100) > roundingSlack*float64(len(p.Series)) {
			return nil, 0, fmt.Errorf("%w: the parts of %q add up to %.2f%%, not to 100%%; use exclusive levels", surveys.ErrInvalid, name, sum)
		}
		whole = math.Max(whole, sum)
	}
	if p.Percent {
		whole = 100
	}
	return from, whole, nil
}

// withMax is the chart with an axis that ends with the whole.
func (p *picture) withMax(whole float64) *document.Chart {
	c := *p.Chart
	c.Max = whole
	return &c
}
