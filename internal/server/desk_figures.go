package server

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/geo"
	codelists "github.com/suyang-survey/suyang/surveys/library/divisions"
)

// figuresFrame is what the pages of figures have in common: they are about a wave, or
// the part of it that lies in an area.
type figuresFrame struct {
	deskFrame
	wave *wave
	// Area is the code of the area that was asked for, empty for all that the account sees.
	Area string
	// Where names what the page is about, Up leads to the area around it.
	Where string
	Up    roomLink
	// Path is the page's own address, without what it asks for.
	Path string
	say  *sayer
}

// Keep are the fields that a form of the page sends along, by name and value.
func (f figuresFrame) Keep() [][2]string {
	keep := [][2]string{{"lang", string(f.lang)}}
	if f.Large() {
		keep = append(keep, [2]string{typeField, largeType})
	}
	return keep
}

// figures begins a page of figures. An area that the account does not see is
// ErrNotFound, and the try stands in the audit trail.
func (d *desk) figures(v *call, key string) (figuresFrame, error) {
	var f figuresFrame
	var err error
	if f.deskFrame, f.wave, err = d.inWave(v, key); err != nil {
		return f, err
	}
	f.Path, f.say = v.Request().URL.Path, &sayer{frame: f.frame}
	f.Area = v.QueryParam("area")
	if l := geo.LevelOf(f.Area); f.Area != "" && (l == "" || l.Reaches(geo.Township) || !v.account.Sees(f.Area)) {
		entry := office.Entry{At: d.deps.Now(), Who: v.account.Login, Action: "read figures", Object: f.wave.ID + " " + cut(f.Area, 20), Outcome: office.Refused}
		return f, errors.Join(fmt.Errorf("area: %w", surveys.ErrNotFound), d.office.Note(v.Request().Context(), entry))
	}
	f.Where = f.say.words("figures.everywhere")
	if area := f.scope(v); area != "" {
		f.Where = area + " " + areaName(area, f.lang)
	}
	if up := f.above(v); f.Area != "" {
		f.Up = roomLink{Name: f.say.words("figures.up"), Href: f.with("area", up)}
	}
	return f, f.say.err
}

// scope is the code of the area that the page is about.
func (f figuresFrame) scope(v *call) string {
	if f.Area == "" {
		return v.account.Area
	}
	return f.Area
}

// above is the area around the one that was asked for, empty when that is all the account
// sees.
func (f figuresFrame) above(v *call) string {
	up := f.Area[:max(0, len(f.Area)-2)]
	if len(up) <= len(v.account.Area) || len(up) < 4 {
		return ""
	}
	return up
}

// part is the part of an area that a code lies in: its city, or its county once the
// page is about a city. Other codes are a part of their own.
func part(code, scope string) string {
	digits := 4
	if len(scope) >= 4 {
		digits = 6
	}
	return cut(code, digits)
}

// cut is the beginning of a text, at most n bytes.
func cut(s string, n int) string { return s[:min(n, len(s))] }

// areaLists are the code lists that name areas, the newest first.
var areaLists = sync.OnceValue(func() []*geo.List {
	lists := codelists.Lists()
	slices.Reverse(lists)
	return lists
})

// areaName is the name of a division in the newest list that has its code, empty when none
// has.
func areaName(code string, l surveys.Lang) string {
	for _, list := range areaLists() {
		if d, ok := list.Get(code); ok {
			return d.Name.In(l)
		}
	}
	return ""
}

// areaLabel names an area in a table.
func (f figuresFrame) areaLabel(code string) string {
	if code == "" {
		return f.say.words("figures.nowhere")
	}
	return strings.TrimSpace(code + " " + areaName(code, f.lang))
}

// sayer asks for words and keeps the first error, so that a page made of many words is
// checked once.
type sayer struct {
	frame frame
	err   error
}

func (s *sayer) words(key string, pairs ...any) string {
	text, err := s.frame.T(key, pairs...)
	if s.err == nil {
		s.err = err
	}
	return text
}

// percent is a cell with a share, missing when it is not known; its download has it in full.
func percent(share float64, known bool) deskCell {
	if !known {
		return deskCell{Text: show.Missing, Number: true, Value: -1}
	}
	return deskCell{Text: show.Percent(share, 1), Number: true, Value: share, Full: true}
}

// decimal is a cell with a number; its download has it in full.
func decimal(x float64, decimals int) deskCell {
	if math.IsNaN(x) {
		return percent(0, false)
	}
	return deskCell{Text: show.Number(x, decimals), Number: true, Value: x, Full: true}
}

// shareOf is a/b, not known when b is 0.
func shareOf(a, b int) (float64, bool) {
	if b == 0 {
		return 0, false
	}
	return float64(a) / float64(b), true
}

// chart is a drawing without script. The table that goes with it has its numbers.
type chart struct {
	ID, Title string
	// Finding is what the drawing shows, in words, with the base.
	Finding string
	Height  float64
	Bars    []chartBar
	Lines   []chartLine
	Labels  []chartLabel
	Legend  []chartKey
}

// chartWidth is the width of a drawing in its own units. A letter is 12 high.
const chartWidth = 320.0

// chartBar is a bar: its full length is all, Done the part that is filled, and Mark, if
// it is not negative, where a line stands.
type chartBar struct {
	Name, Value    string
	Y              float64
	Done, Mark     float64
	TextY, MarkEnd float64
}

// chartLine is a line through points, chartLabel a text, chartKey says what a class of
// lines is.
type (
	chartLine  struct{ Class, Points string }
	chartLabel struct {
		X, Y         float64
		Anchor, Text string
	}
	chartKey struct{ Class, Text string }
)

// bar adds a bar below those that are there.
func (c *chart) bar(name, value string, done, mark float64) {
	const row, thick = 38.0, 12.0
	y := 18 + row*float64(len(c.Bars))
	c.Bars = append(c.Bars, chartBar{Name: name, Value: value, Y: y, TextY: y - 5, Done: chartWidth * done, Mark: chartWidth * mark, MarkEnd: y + thick + 3})
	c.Height = y + thick + 6
}

// line adds a line through points in the drawing.
func (c *chart) line(class string, points [][2]float64) {
	var b strings.Builder
	for i, p := range points {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatFloat(p[0], 'f', 1, 64) + "," + strconv.FormatFloat(p[1], 'f', 1, 64))
	}
	c.Lines = append(c.Lines, chartLine{class, b.String()})
}

// sendTable answers with the table that the address asks for as CSV, and reports whether
// there is one.
func (v *call) sendTable(tables ...deskTable) (sent bool, err error) {
	for i := range tables {
		if v.sent(tables[i].ID) {
			return true, tables[i].send(v)
		}
	}
	return false, nil
}

// showFigures answers with the page, or with one of its tables.
func (d *desk) showFigures(v *call, f figuresFrame, name string, page interface {
	shown() (surveys.Lang, *view)
}, tables ...deskTable) error {
	if f.say.err != nil {
		return f.say.err
	}
	if sent, err := v.sendTable(tables...); sent {
		return err
	}
	status := http.StatusOK
	if f.Failed {
		status = http.StatusUnprocessableEntity
	}
	return d.show(v, status, name, page)
}

// fault says what is wrong with what was asked for.
func (f *figuresFrame) fault(text string) { f.Fault, f.Failed = text, true }

// date reads a day of the address; the zero time when there is none, or it is none.
func (f *figuresFrame) date(v *call, name string) time.Time {
	text := v.QueryParam(name)
	if text == "" {
		return time.Time{}
	}
	day, err := time.ParseInLocation(time.DateOnly, text, surveys.ChinaTime)
	if err != nil {
		f.fault(f.say.words("figures.baddate", "text", cut(text, 20)))
	}
	return day
}
