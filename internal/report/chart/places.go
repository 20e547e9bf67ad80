package chart

import (
	"fmt"
	"math"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// class is a range of numbers that are shown in one colour; its upper end belongs to the
// next class, but for the last.
type class struct {
	low, high float64
	fill      string
}

// mostClasses is how many colours of one ramp are told apart at sight.
const mostClasses = 5

// classes divides numbers into ranges of equal, round width.
func classes(values []float64) []class {
	if len(values) == 0 {
		return nil
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = math.Min(low, v), math.Max(high, v)
	}
	width := roundWidth(low, high)
	from := math.Floor(low/width) * width
	n := max(1, int(math.Ceil((high-from)/width-1e-9)))
	fills := ramp(n)
	out := make([]class, n)
	for i := range out {
		out[i] = class{from + float64(i)*width, from + float64(i+1)*width, fills[i]}
	}
	return out
}

// roundWidth is the least of 1, 2 or 5 times a power of ten that divides a range into few
// enough classes.
func roundWidth(low, high float64) float64 {
	span := high - low
	if span <= 0 {
		span = math.Max(math.Abs(high), 1) / 10
	}
	for power := math.Pow(10, math.Floor(math.Log10(span/mostClasses))); ; power *= 10 {
		for _, f := range []float64{1, 2, 5} {
			w := f * power
			if math.Ceil((high-math.Floor(low/w)*w)/w-1e-9) <= mostClasses {
				return w
			}
		}
	}
}

// classOf is the colour of a number.
func classOf(all []class, v float64) string {
	for _, c := range all[:len(all)-1] {
		if v < c.high-1e-9 {
			return c.fill
		}
	}
	return all[len(all)-1].fill
}

// places are the numbers of the one series of a chart of places, with their colours.
func (p *picture) places() (document.Series, []class, error) {
	all := estimates(p.Chart)
	if len(all) != 1 || len(truths(p.Chart)) > 0 {
		return document.Series{}, nil, fmt.Errorf("%w: a place has one colour, so there can be one series and no true values, not %d series", surveys.ErrInvalid, len(p.Series))
	}
	var values []float64
	for _, pt := range all[0].Points {
		if drawn(pt) {
			values = append(values, pt.Value)
		}
	}
	return all[0], classes(values), nil
}

// tiles draws a square for each place.
func (p *picture) tiles() error {
	s, all, err := p.places()
	if err != nil {
		return err
	}
	if err := checkTiles(p.Chart); err != nil {
		return err
	}
	columns, rows := 0, 0
	for _, t := range p.Tiles {
		columns, rows = max(columns, t.Column+1), max(rows, t.Row+1)
	}
	data := make([]opts.CustomData, len(p.Tiles))
	for i, t := range p.Tiles {
		pt, fill := s.Points[t.Category], ""
		if drawn(pt) {
			fill = classOf(all, pt.Value)
		}
		short := t.Short
		if short == "" {
			short = p.Categories[t.Category]
		}
		data[i] = opts.CustomData{
			Name:  p.tip(p.Categories[t.Category], pt),
			Value: []any{t.Column, t.Row, columns, fill, inkOver(fill), short, p.label(pt), p.missing(pt)},
		}
	}
	p.layout["columns"], p.layout["rows"] = columns, rows
	p.add(s.Name, "ciTile", data, charts.WithCoordinateSystem("none"))
	p.key(all, p.missingIn(s), []string{p.words.say("tiles.note")})
	return nil
}

func inkOver(fill string) string {
	if fill == "" {
		return ink
	}
	return inkOn(fill)
}

// checkTiles refuses a grid in which a place is missing or covers another.
func checkTiles(c *document.Chart) error {
	taken := map[[2]int]int{}
	placed := map[int]bool{}
	for _, t := range c.Tiles {
		if t.Category < 0 || t.Category >= len(c.Categories) || t.Column < 0 || t.Row < 0 {
			return fmt.Errorf("%w: the square at column %d, row %d is of place %d of %d", surveys.ErrInvalid, t.Column, t.Row, t.Category, len(c.Categories))
		}
		at := [2]int{t.Column, t.Row}
		if other, ok := taken[at]; ok {
			return fmt.Errorf("%w: the squares of %q and %q are both at column %d, row %d", surveys.ErrInvalid, c.Categories[other], c.Categories[t.Category], t.Column, t.Row)
		}
		if placed[t.Category] {
			return fmt.Errorf("%w: %q has two squares", surveys.ErrInvalid, c.Categories[t.Category])
		}
		taken[at], placed[t.Category] = t.Category, true
	}
	var without []string
	for i, name := range c.Categories {
		if !placed[i] {
			without = append(without, name)
		}
	}
	if len(without) > 0 {
		return fmt.Errorf("%w: no square for %s; give each place its column and row", surveys.ErrInvalid, strings.Join(without, ", "))
	}
	return nil
}

func (p *picture) missingIn(s document.Series) bool {
	for _, pt := range s.Points {
		if !drawn(pt) {
			return true
		}
	}
	return false
}

// key explains the colours and adds the notes that the picture must carry wherever it goes.
func (p *picture) key(all []class, gaps bool, notes []string) {
	entries := [][]string{}
	for _, c := range all {
		entries = append(entries, []string{c.fill, p.classText(c)})
	}
	if gaps {
		entries = append(entries, []string{"", p.words.say("gap")})
	}
	p.add("", "ciKey", []opts.CustomData{{Value: []any{entries, notes}}}, charts.WithCoordinateSystem("none"))
}

// classText writes a class with the decimals its ends need.
func (p *picture) classText(c class) string {
	d := 0
	for width := c.high - c.low; d < 6 && math.Abs(width-math.Round(width)) > 1e-6; d++ {
		width *= 10
	}
	text := p.words.say("between", "low", show.Number(c.low, d), "high", show.Number(c.high, d))
	if p.Percent {
		text += "%"
	}
	return text
}

// choropleth colours the regions of the base map.
func (p *picture) choropleth(m *BaseMap) error {
	if m == nil {
		return fmt.Errorf("%w: a map needs a reviewed base map with its approval number (审图号); without one use a tile map", surveys.ErrInvalid)
	}
	s, all, err := p.places()
	if err != nil {
		return err
	}
	at, err := m.match(p.Chart)
	if err != nil {
		return err
	}
	regions, outside := map[string]region{}, false
	data := make([]opts.CustomData, len(m.codes))
	for i, code := range m.codes {
		r := region{Name: m.names[i], Label: p.words.say("outside"), Ink: ink}
		r.Tip = p.words.say("point", "name", r.Name, "value", r.Label)
		if c, ok := at[code]; ok {
			r = p.region(c, s.Points[c], all)
		} else {
			outside = true
		}
		regions[code], data[i] = r, opts.CustomData{Name: code}
	}
	p.custom.MultiSeries = append(p.custom.MultiSeries, charts.SingleSeries{Name: s.Name, Type: "map", MapType: mapName, Data: data})
	p.layout["map"] = map[string]any{"name": mapName, "geo": m.geo, "regions": regions}
	p.key(all, outside || p.missingIn(s), m.notes(p.words))
	return nil
}

// mapName is under which ECharts keeps a base map until the chart is drawn.
const mapName = "base"

// region is how report.js writes a region of a map.
type region struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Fill  string `json:"fill"`
	Ink   string `json:"ink"`
	Tip   string `json:"tip"`
}

func (p *picture) region(category int, pt document.Point, all []class) region {
	r := region{Name: p.Categories[category], Label: p.label(pt), Tip: p.tip(p.Categories[category], pt)}
	if drawn(pt) {
		r.Fill = classOf(all, pt.Value)
	} else {
		r.Label = p.missing(pt)
	}
	r.Ink = inkOver(r.Fill)
	return r
}
