package report

import (
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// table is a table ready to be shown.
type table struct {
	ID, Number, Title, Base string
	Head                    [][]heading
	Rows                    []row
	Notes                   []string
}

type heading struct {
	Text, Scope string
	Span, Down  int
	Left        bool
}

type row struct {
	Name, Detail string
	Total        bool
	Cells        []cell
}

type cell struct {
	Text  string
	Main  bool
	Notes []string
}

// estimated describes a table of estimates and its chart.
type estimated struct {
	title string
	// first is the heading of the names, value that of the estimates.
	first, value string
	groups       []assess.Group
	// total is the last group: everybody.
	total *assess.Group
	// points tells mean points from shares.
	points bool
	// bars draws bars rather than points.
	bars bool
	// wording shows the names below the codes, in the table, and the codes in the chart.
	wording bool
	// line marks the total in the chart.
	line bool
}

func (e estimated) all() []assess.Group {
	if e.total == nil {
		return e.groups
	}
	return append(e.groups[:len(e.groups):len(e.groups)], *e.total)
}

// hasTruth says whether any true value is known.
func (e estimated) hasTruth() bool {
	for _, g := range e.all() {
		for _, r := range g.Rows {
			if r.Truth != nil {
				return true
			}
		}
	}
	return false
}

// column chooses how all numbers of the table are written.
func (b *builder) column(e estimated) show.Column {
	var es []analysis.Estimate
	for _, g := range e.all() {
		es = append(es, estimates(g.Rows)...)
	}
	if e.points {
		return show.PointColumn(b.lang, es)
	}
	return show.PercentColumn(b.lang, es)
}

// estimateTable is the table of an estimated: for each level of the series the
// estimate, its interval and what is needed to trust it.
func (b *builder) estimateTable(e estimated) table {
	col := b.column(e)
	t := b.newTable(e.title)
	t.Head = b.estimateHead(e)
	notes := b.newFootnotes()
	for i, g := range e.all() {
		r := row{Name: b.text(g.Name), Total: e.total != nil && i == len(e.groups)}
		if e.wording && !r.Total {
			r.Name, r.Detail = g.Code, r.Name
		}
		for _, v := range g.Rows {
			r.Cells = append(r.Cells, b.estimateCells(e, col, g, v, notes)...)
		}
		t.Rows = append(t.Rows, r)
	}
	t.Notes = notes.text()
	return t
}

func (b *builder) newTable(title string) table {
	b.tables++
	number := show.Count(b.tables)
	return table{ID: "table-" + number, Number: b.say("table", "i", number), Title: title, Base: b.base()}
}

// estimateCells are the cells of one estimate.
func (b *builder) estimateCells(e estimated, col show.Column, g assess.Group, r assess.Row, notes *footnotes) []cell {
	v := r.Estimate
	cells := []cell{
		{Text: col.Value(v.Value), Main: true, Notes: notes.add(v.Notes)},
		{Text: col.Interval(v)},
	}
	if e.points {
		cells = append(cells, cell{Text: trim(g.Max)}, cell{Text: show.Percent(v.Value/g.Max, 1)})
	}
	cells = append(cells,
		cell{Text: show.Count(v.N)},
		cell{Text: col.SE(v.SE)},
		cell{Text: show.Number(v.DEff, 2)},
		cell{Text: show.Number(v.DF, 0)})
	if e.hasTruth() {
		truth, covered := show.Missing, show.Missing
		if r.Truth != nil {
			truth = col.Value(*r.Truth)
		}
		if in, known := r.Covered(); known && in {
			covered = b.say("yes")
		} else if known {
			covered = b.say("no")
		}
		cells = append(cells, cell{Text: truth}, cell{Text: covered})
	}
	return cells
}

// estimateHead is one row of headings, or two with the levels of a series on top.
func (b *builder) estimateHead(e estimated) [][]heading {
	names := []string{e.value, b.say("col.interval", "level", b.level())}
	if e.points {
		names = append(names, b.say("col.max"), b.say("col.ofmax"))
	}
	se := "col.se"
	if e.points {
		se = "col.se.points"
	}
	names = append(names, b.say("col.n"), b.say(se), b.say("col.deff"), b.say("col.df"))
	if e.hasTruth() {
		names = append(names, b.say("col.truth"), b.say("col.covered"))
	}
	first := heading{Text: e.first, Scope: "col", Left: true}
	columns := []heading{}
	for range b.results.SeriesLevels {
		for _, n := range names {
			columns = append(columns, heading{Text: n, Scope: "col"})
		}
	}
	if !b.isSeries() {
		return [][]heading{append([]heading{first}, columns...)}
	}
	first.Down = 2
	top := []heading{first}
	for i := range b.results.SeriesLevels {
		top = append(top, heading{Text: b.series(i), Scope: "colgroup", Span: len(names)})
	}
	return [][]heading{top, columns}
}

// base says on how many interviews the numbers rest and which criterion was used. It
// stands on every table and chart.
func (b *builder) base() string {
	n := ""
	for i, r := range b.results.Headline {
		if i > 0 {
			n += b.say("rule.comma")
		}
		if b.isSeries() {
			n += show.Count(r.Estimate.N) + " (" + b.series(i) + ")"
		} else {
			n += show.Count(r.Estimate.N)
		}
	}
	return b.say("base", "n", n, "criterion", b.text(b.results.Questionnaire.Criterion.Name))
}

// share is a part of a whole, missing when there is no whole.
func share(part, whole float64) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return part / whole
}
