package export

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/grid"
	"github.com/suyang-survey/suyang/surveys"
)

// Schema names the form of the JSON file; it changes when a field changes its meaning or goes.
const Schema = "suyang-report/1"

// file is the JSON file, which the page report-formats of the manual describes.
type file struct {
	Schema   string    `json:"schema"`
	Lang     string    `json:"lang"`
	Title    string    `json:"title"`
	Subtitle string    `json:"subtitle"`
	Marks    []string  `json:"marks"`
	Facts    []fact    `json:"facts"`
	Made     time.Time `json:"made"`
	Program  string    `json:"program"`
	Sections []section `json:"sections"`
}

type fact struct {
	Term string `json:"term"`
	Text string `json:"text"`
}

type section struct {
	ID     string  `json:"id"`
	Number string  `json:"number"`
	Title  string  `json:"title"`
	Depth  int     `json:"depth"`
	Annex  bool    `json:"annex"`
	Blocks []block `json:"blocks"`
}

// block has exactly one field.
type block struct {
	Text  *text     `json:"text,omitempty"`
	Facts []fact    `json:"facts,omitempty"`
	Cards []card    `json:"cards,omitempty"`
	Table *theTable `json:"table,omitempty"`
	Chart *chart    `json:"chart,omitempty"`
}

type text struct {
	ID         string   `json:"id,omitempty"`
	Style      string   `json:"style,omitempty"`
	Paragraphs []string `json:"paragraphs"`
	Edited     bool     `json:"edited,omitempty"`
	Stale      bool     `json:"stale,omitempty"`
}

type card struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Detail string `json:"detail"`
}

type theTable struct {
	ID     string      `json:"id"`
	Number string      `json:"number"`
	Title  string      `json:"title"`
	Base   string      `json:"base"`
	Head   [][]heading `json:"head"`
	Rows   []row       `json:"rows"`
	Notes  []string    `json:"notes"`
}

type heading struct {
	Text string `json:"text"`
	Span int    `json:"span"`
	Down int    `json:"down"`
	Left bool   `json:"left,omitempty"`
}

type row struct {
	Name    string    `json:"name"`
	Detail  string    `json:"detail,omitempty"`
	Total   bool      `json:"total,omitempty"`
	Heading bool      `json:"heading,omitempty"`
	Cells   []theCell `json:"cells"`
}

type theCell struct {
	Text       string   `json:"text"`
	Value      *float64 `json:"value"`
	Unit       string   `json:"unit,omitempty"`
	Decimals   int      `json:"decimals"`
	Main       bool     `json:"main,omitempty"`
	Notes      []int    `json:"notes,omitempty"`
	Letters    string   `json:"letters,omitempty"`
	Suppressed bool     `json:"suppressed,omitempty"`
}

type chart struct {
	ID         string    `json:"id"`
	Number     string    `json:"number"`
	Title      string    `json:"title"`
	Base       string    `json:"base"`
	Alt        string    `json:"alt"`
	Kind       string    `json:"kind"`
	Percent    bool      `json:"percent"`
	Max        float64   `json:"max"`
	Categories []string  `json:"categories"`
	Times      []float64 `json:"times,omitempty"` // of a trend, in years
	Series     []series  `json:"series"`
	Line       *line     `json:"line,omitempty"`
	Breaks     []brk     `json:"breaks,omitempty"`
	Tiles      []tile    `json:"tiles,omitempty"`
}

type series struct {
	Name   string  `json:"name"`
	Truth  bool    `json:"truth,omitempty"`
	Points []point `json:"points"`
}

type point struct {
	Value   *float64 `json:"value"`
	Lo      *float64 `json:"lo"`
	Hi      *float64 `json:"hi"`
	N       *int     `json:"n"`
	Label   string   `json:"label"`
	Missing string   `json:"missing,omitempty"`
}

type line struct {
	Value float64 `json:"value"`
	Name  string  `json:"name"`
}

type brk struct {
	Before int    `json:"before"`
	Text   string `json:"text"`
}

type tile struct {
	Category int    `json:"category"`
	Column   int    `json:"column"`
	Row      int    `json:"row"`
	Short    string `json:"short"`
}

// JSON writes the whole report. The same report gives the same bytes.
func JSON(w io.Writer, d *document.Document) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	f := file{Schema, string(d.Lang), d.Title, d.Subtitle, there(d.Marks), each(d.Facts, toFact), d.Made, d.Program, each(d.Sections, toSection)}
	if err := enc.Encode(f); err != nil {
		return fmt.Errorf("write %q as JSON: %w", d.Title, err)
	}
	return nil
}

// there is a list that is written as [] when it is empty.
func there[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// each turns every item of a list into another.
func each[A, B any](list []A, turn func(A) B) []B {
	out := make([]B, len(list))
	for i, x := range list {
		out[i] = turn(x)
	}
	return out
}

func toFact(f document.Fact) fact { return fact(f) }

func toCard(c document.Card) card { return card(c) }

func toSection(s document.Section) section {
	return section{s.ID, s.Number, s.Title, s.Depth, s.Annex, each(s.Blocks, toBlock)}
}

func toBlock(b document.Block) block {
	var out block
	switch {
	case b.Text != nil:
		t := b.Text
		out.Text = &text{t.ID, string(t.Style), there(t.Paragraphs), t.Edited, t.Stale}
	case b.Facts != nil:
		out.Facts = each(b.Facts, toFact)
	case b.Cards != nil:
		out.Cards = each(b.Cards, toCard)
	case b.Table != nil:
		out.Table = toTable(b.Table)
	case b.Chart != nil:
		out.Chart = toChart(b.Chart)
	}
	return out
}

func toTable(t *document.Table) *theTable {
	head := each(t.Head, func(hs []document.Heading) []heading {
		return each(hs, func(h document.Heading) heading { return heading{h.Text, max(h.Span, 1), max(h.Down, 1), h.Left} })
	})
	return &theTable{t.ID, t.Number, t.Title, t.Base, head, each(t.Rows, toRow), there(t.Notes)}
}

func toRow(r document.Row) row {
	return row{r.Name, r.Detail, r.Total, r.Heading, each(r.Cells, toCell)}
}

func toCell(c document.Cell) theCell {
	out := theCell{c.Text, nil, string(c.Unit), c.Decimals, c.Main, c.Notes, c.Letters, c.Suppressed}
	if v, ok := grid.Number(&c); ok {
		out.Value = &v
	}
	return out
}

func toChart(c *document.Chart) *chart {
	out := &chart{ID: c.ID, Number: c.Number, Title: c.Title, Base: c.Base, Alt: c.Alt, Kind: string(c.Kind), Percent: c.Percent, Max: c.Max, Categories: there(c.Categories), Times: c.Times}
	out.Series = each(c.Series, func(s document.Series) series { return series{s.Name, s.Truth, each(s.Points, toPoint)} })
	if c.Line != nil && number(c.Line.Value) != nil {
		out.Line = &line{c.Line.Value, c.Line.Name}
	}
	out.Breaks = each(c.Breaks, func(b document.Break) brk { return brk(b) })
	out.Tiles = each(c.Tiles, func(t document.Tile) tile { return tile(t) })
	return out
}

// toPoint writes nothing of a point that must not be published but the reason.
func toPoint(p document.Point) point {
	if p.Missing != "" {
		return point{Label: p.Label, Missing: p.Missing}
	}
	return point{number(p.Value), number(p.Lo), number(p.Hi), &p.N, p.Label, ""}
}

// number is nil for a number that does not exist.
func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// ReadJSON reads a report back. Numbers that were not written are nil in tables and NaN in
// charts. An error wraps surveys.ErrInvalid.
func ReadJSON(r io.Reader) (*document.Document, error) {
	var f file
	dec := json.NewDecoder(r)
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: this is no report in JSON: %v", surveys.ErrInvalid, err)
	}
	if f.Schema != Schema {
		return nil, fmt.Errorf("%w: the report has the schema %q; this version reads %q", surveys.ErrInvalid, f.Schema, Schema)
	}
	return &document.Document{Lang: surveys.Lang(f.Lang), Title: f.Title, Subtitle: f.Subtitle, Marks: f.Marks,
		Facts: each(f.Facts, fromFact), Made: f.Made, Program: f.Program, Sections: each(f.Sections, fromSection)}, nil
}

func fromFact(f fact) document.Fact { return document.Fact(f) }

func fromSection(s section) document.Section {
	return document.Section{ID: s.ID, Number: s.Number, Title: s.Title, Depth: s.Depth, Annex: s.Annex, Blocks: each(s.Blocks, fromBlock)}
}

func fromBlock(b block) document.Block {
	var out document.Block
	switch {
	case b.Text != nil:
		t := b.Text
		out.Text = &document.Text{ID: t.ID, Style: document.TextStyle(t.Style), Paragraphs: t.Paragraphs, Edited: t.Edited, Stale: t.Stale}
	case b.Facts != nil:
		out.Facts = each(b.Facts, fromFact)
	case b.Cards != nil:
		out.Cards = each(b.Cards, func(c card) document.Card { return document.Card(c) })
	case b.Table != nil:
		out.Table = fromTable(b.Table)
	case b.Chart != nil:
		out.Chart = fromChart(b.Chart)
	}
	return out
}

func fromTable(t *theTable) *document.Table {
	head := each(t.Head, func(hs []heading) []document.Heading {
		return each(hs, func(h heading) document.Heading { return document.Heading(h) })
	})
	rows := each(t.Rows, func(r row) document.Row {
		return document.Row{Name: r.Name, Detail: r.Detail, Total: r.Total, Heading: r.Heading, Cells: each(r.Cells, fromCell)}
	})
	return &document.Table{ID: t.ID, Number: t.Number, Title: t.Title, Base: t.Base, Head: head, Rows: rows, Notes: t.Notes}
}

func fromCell(c theCell) document.Cell {
	return document.Cell{Text: c.Text, Value: c.Value, Unit: document.Unit(c.Unit), Decimals: c.Decimals, Main: c.Main, Notes: c.Notes,
		Letters: c.Letters, Suppressed: c.Suppressed}
}

func fromChart(c *chart) *document.Chart {
	out := &document.Chart{ID: c.ID, Number: c.Number, Title: c.Title, Base: c.Base, Alt: c.Alt, Kind: document.ChartKind(c.Kind), Percent: c.Percent,
		Max: c.Max, Categories: c.Categories, Times: c.Times}
	out.Series = each(c.Series, func(s series) document.Series {
		return document.Series{Name: s.Name, Truth: s.Truth, Points: each(s.Points, fromPoint)}
	})
	if c.Line != nil {
		out.Line = &document.Line{Value: c.Line.Value, Name: c.Line.Name}
	}
	out.Breaks = each(c.Breaks, func(b brk) document.Break { return document.Break(b) })
	out.Tiles = each(c.Tiles, func(t tile) document.Tile { return document.Tile(t) })
	return out
}

func fromPoint(p point) document.Point {
	value := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	out := document.Point{Value: value(p.Value), Lo: value(p.Lo), Hi: value(p.Hi), Label: p.Label, Missing: p.Missing}
	if p.N != nil {
		out.N = *p.N
	}
	return out
}
