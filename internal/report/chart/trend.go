package chart

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/surveys"
)

// mostLabelled is how many lines of a trend have their numbers beside them; more would lie
// on each other, and the table has them all.
const mostLabelled = 2

// trend draws lines over time with their intervals, interrupted where numbers before and
// after cannot be compared, and where there is no number. Times that lie far apart are drawn
// far apart.
func (p *picture) trend() error {
	broken := map[int]bool{}
	for _, b := range p.Breaks {
		if b.Before < 1 || b.Before >= len(p.Categories) {
			return fmt.Errorf("%w: the break %q lies before time %d of %d", surveys.ErrInvalid, b.Text, b.Before, len(p.Categories))
		}
		broken[b.Before] = true
	}
	p.trendAxes()
	all := estimates(p.Chart)
	encode := charts.WithEncodeOpts(opts.Encode{X: []int{0}, Y: []int{1, 2, 3}})
	for i, s := range all {
		data := []opts.CustomData{}
		for at, pt := range s.Points {
			if !p.silent(pt) {
				data = append(data, opts.CustomData{Name: p.tip(p.part(at, s.Name), pt), Value: p.time(s, i, at, len(all), broken[at])})
			}
		}
		p.legend = append(p.legend, legendEntry{Name: s.Name, Icon: pointIcons[i]})
		p.add(s.Name, "ciTrend", data, encode, coloured(Palette[i]))
	}
	for _, s := range truths(p.Chart) {
		p.truthLine(s)
	}
	p.rule("y")
	p.breaks()
	return nil
}

// time is the item of one time of a line.
func (p *picture) time(s document.Series, series, at, lines int, broken bool) []any {
	pt := s.Points[at]
	item := []any{p.Times[at], nil, nil, nil, series, lines, series + 1, nil, nil, "", p.missing(pt), series == 0}
	if !drawn(pt) {
		item[11] = p.missingBefore(series, at)
		return item
	}
	item[1] = number(pt.Value)
	item[2], item[3] = ends(pt)
	if at > 0 && !broken && drawn(s.Points[at-1]) {
		item[7], item[8] = p.Times[at-1], number(s.Points[at-1].Value)
	}
	if lines <= mostLabelled {
		item[9] = p.label(pt)
	}
	return item
}

// silent says that there was no survey: nothing is drawn then, unless nothing is drawn at all.
func (p *picture) silent(pt document.Point) bool {
	if drawn(pt) || pt.Missing != "" {
		return false
	}
	for _, s := range estimates(p.Chart) {
		if slices.ContainsFunc(s.Points, drawn) {
			return true
		}
	}
	return false
}

// missingBefore counts the lines before this one whose number at a time is withheld; where there
// was no survey there is nothing to say.
func (p *picture) missingBefore(series, at int) (n int) {
	for _, s := range estimates(p.Chart)[:series] {
		if !drawn(s.Points[at]) && !p.silent(s.Points[at]) {
			n++
		}
	}
	return n
}

// truthLine draws true values as flat marks without a line.
func (p *picture) truthLine(s document.Series) {
	data := []opts.CustomData{}
	for at, pt := range s.Points {
		if drawn(pt) {
			data = append(data, opts.CustomData{
				Name:  p.tip(p.part(at, s.Name), pt),
				Value: []any{p.Times[at], number(pt.Value), nil, nil, 0, 1, shapeTick, nil, nil, "", "", false},
			})
		}
	}
	p.legend = append(p.legend, legendEntry{Name: s.Name, Icon: flatIcon})
	p.add(s.Name, "ciTrend", data, charts.WithEncodeOpts(opts.Encode{X: []int{0}, Y: []int{1}}), coloured(truthColor))
}

func (p *picture) trendAxes() {
	low, high := p.bounds()
	p.axes = true
	p.layout["times"], p.layout["names"] = p.Times, p.Categories
	p.custom.SetGlobalOptions(
		charts.WithXAxisOpts(opts.XAxis{
			Type:      "value", // report.js sets its ends, ticks and names for the width
			AxisLabel: &opts.AxisLabel{Color: ink, FontSize: 12},
			SplitLine: &opts.SplitLine{Show: opts.Bool(false)},
			AxisLine:  &opts.AxisLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: soft}},
		}),
		charts.WithYAxisOpts(opts.YAxis{
			Type: "value", Min: low, Max: high,
			AxisLabel: &opts.AxisLabel{Formatter: p.valueLabel(), Color: soft, FontSize: 12, HideOverlap: opts.Bool(true)},
			SplitLine: &opts.SplitLine{Show: opts.Bool(true), LineStyle: &opts.LineStyle{Color: grid}},
		}),
	)
}

// breaks marks them midway between the two times.
func (p *picture) breaks() {
	var data []opts.CustomData
	for _, b := range p.Breaks {
		data = append(data, opts.CustomData{Name: b.Text, Value: []any{(p.Times[b.Before-1] + p.Times[b.Before]) / 2, b.Text, 0}})
	}
	if data != nil {
		p.add("", "ciBreak", data, charts.WithEncodeOpts(opts.Encode{X: []int{0}}))
	}
}
