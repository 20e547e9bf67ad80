package report

import (
	"math"
	"slices"

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

// column is one column of a table of estimates.
type column struct {
	head string
	cell func(assess.Group, assess.Row) cell
}

// estimateTables are the tables of an estimated: each estimate, its interval and what
// is needed to trust it. With a series the levels stand side by side, and the precision
// gets a table of its own, so that both fit on paper.
func (b *builder) estimateTables(e estimated) []table {
	notes := b.newFootnotes()
	if !b.isSeries() {
		t := b.estimateTable(e, e.title, slices.Concat(b.valueColumns(e, notes), b.precisionColumns(e), b.truthColumns(e)))
		t.Notes = notes.text()
		return []table{t}
	}
	values := b.estimateTable(e, e.title, slices.Concat(b.valueColumns(e, notes), b.truthColumns(e)))
	values.Notes = notes.text()
	return []table{values, b.estimateTable(e, b.say("table.precision", "title", e.title), b.precisionColumns(e))}
}

func (b *builder) estimateTable(e estimated, title string, columns []column) table {
	t := b.newTable(title)
	t.Head = b.estimateHead(e, columns)
	for i, g := range e.all() {
		r := row{Name: b.text(g.Name), Total: e.total != nil && i == len(e.groups)}
		if e.wording && !r.Total {
			r.Name, r.Detail = g.Code, r.Name
		}
		for _, v := range g.Rows {
			for _, c := range columns {
				r.Cells = append(r.Cells, c.cell(g, v))
			}
		}
		t.Rows = append(t.Rows, r)
	}
	return t
}

func (b *builder) newTable(title string) table {
	b.tables++
	number := show.Count(b.tables)
	return table{ID: "table-" + number, Number: b.say("table", "i", number), Title: title, Base: b.base()}
}

// valueColumns are the estimate with its remarks, the interval and the base.
func (b *builder) valueColumns(e estimated, notes *footnotes) []column {
	how := b.column(e)
	out := []column{
		{e.value, func(_ assess.Group, r assess.Row) cell {
			return cell{Text: how.Value(r.Estimate.Value), Main: true, Notes: notes.add(r.Estimate.Notes)}
		}},
		{b.say("col.interval", "level", b.level()), func(_ assess.Group, r assess.Row) cell { return cell{Text: how.Interval(r.Estimate)} }},
	}
	if e.points {
		out = append(out,
			column{b.say("col.max"), func(g assess.Group, _ assess.Row) cell { return cell{Text: trim(g.Max)} }},
			column{b.say("col.ofmax"), func(g assess.Group, r assess.Row) cell {
				return cell{Text: show.Percent(r.Estimate.Value/g.Max, 1)}
			}})
	}
	return append(out, column{b.say("col.n"), func(_ assess.Group, r assess.Row) cell { return cell{Text: show.Count(r.Estimate.N)} }})
}

// precisionColumns are the standard error, the design effect and the degrees of freedom.
func (b *builder) precisionColumns(e estimated) []column {
	how, se := b.column(e), "col.se"
	if e.points {
		se = "col.se.points"
	}
	return []column{
		{b.say(se), func(_ assess.Group, r assess.Row) cell { return cell{Text: how.SE(r.Estimate.SE)} }},
		{b.say("col.deff"), func(_ assess.Group, r assess.Row) cell { return cell{Text: show.Number(r.Estimate.DEff, 2)} }},
		{b.say("col.df"), func(_ assess.Group, r assess.Row) cell { return cell{Text: show.Number(r.Estimate.DF, 0)} }},
	}
}

// truthColumns are the true value of a simulation and whether the interval contains it.
func (b *builder) truthColumns(e estimated) []column {
	if !e.hasTruth() {
		return nil
	}
	how := b.column(e)
	return []column{
		{b.say("col.truth"), func(_ assess.Group, r assess.Row) cell {
			if r.Truth == nil {
				return cell{Text: show.Missing}
			}
			return cell{Text: how.Value(*r.Truth)}
		}},
		{b.say("col.covered"), func(_ assess.Group, r assess.Row) cell {
			in, known := r.Covered()
			switch {
			case !known:
				return cell{Text: show.Missing}
			case in:
				return cell{Text: b.say("yes")}
			}
			return cell{Text: b.say("no")}
		}},
	}
}

// estimateHead is one row of headings, or two with the levels of a series on top.
func (b *builder) estimateHead(e estimated, columns []column) [][]heading {
	first := heading{Text: e.first, Scope: "col", Left: true}
	var heads []heading
	for range b.results.SeriesLevels {
		for _, c := range columns {
			heads = append(heads, heading{Text: c.head, Scope: "col"})
		}
	}
	if !b.isSeries() {
		return [][]heading{append([]heading{first}, heads...)}
	}
	first.Down = 2
	top := []heading{first}
	for i := range b.results.SeriesLevels {
		top = append(top, heading{Text: b.series(i), Scope: "colgroup", Span: len(columns)})
	}
	return [][]heading{top, heads}
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
