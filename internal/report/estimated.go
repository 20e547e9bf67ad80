package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// estimated describes a table of estimates and its chart.
type estimated struct {
	// id is the table's ID in the document, table what Disclosure knows it by, by the level
	// of a factor that a topic is shown by.
	id, table, by string
	title         string
	// precise is the title in the annex, where it has no columns that the title speaks of.
	precise string
	// first is the heading of the names, value that of the estimates.
	first, value string
	groups       []assess.Group
	// parts are headings before the group with that index.
	parts map[int]string
	// total is the last group: everybody.
	total *assess.Group
	// points tells mean points from shares.
	points bool
	// rates are the rates of the same groups where the table has their mean scores, that of
	// everybody last: a score is withheld with its rate.
	rates []assess.Group
	// wording shows the names below the codes, in the table, and the codes in the chart.
	wording bool
	// line marks the total in the chart.
	line bool
	// places says that the groups are places: they get one decimal and the ranks that are
	// possible in place of an order.
	places     bool
	separation *assess.Separation
	// base is said before the base of the report, remarks are footnotes of the table.
	base    string
	remarks []string
}

func (e estimated) all() []assess.Group {
	if e.total == nil {
		return e.groups
	}
	return append(e.groups[:len(e.groups):len(e.groups)], *e.total)
}

// isTotal says whether the group with this index of all is everybody.
func (e estimated) isTotal(i int) bool { return e.total != nil && i == len(e.groups) }

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

// drawsTruth says whether any true value stands in the chart, which leaves everybody out.
func (e estimated) drawsTruth() bool { return estimated{groups: e.groups}.hasTruth() }

// column chooses how all numbers of the table are written, by those that are shown: decimals
// must not tell how precise a withheld one is.
func (b *builder) column(e estimated) show.Column {
	var es []analysis.Estimate
	for i, g := range e.all() {
		for s, row := range g.Rows {
			if _, hidden := b.hides(e, i, s); !hidden {
				es = append(es, row.Estimate)
			}
		}
	}
	c := show.PercentColumn(b.lang, es)
	if e.points {
		c = show.PointColumn(b.lang, es)
	}
	if e.places {
		c.Decimals = 1 // the samples of single places bear no more
	}
	return c
}

// hides says why a row of the table is withheld.
func (b *builder) hides(e estimated, group, series int) (Reason, bool) {
	g := e.all()[group]
	p := b.place(e.table, g.Code, series)
	p.By = e.by
	if e.isTotal(group) {
		p.Table, p.Group = TableHeadline, ""
		if e.points {
			p.Table = TableScore
		}
	}
	why, hidden := b.hidden(p, g.Rows[series].Estimate)
	if !hidden && e.rates != nil {
		rate := e
		rate.rates, rate.points, rate.total = nil, false, nil
		rate.groups = e.rates
		if e.total != nil {
			rate.groups, rate.total = e.rates[:len(e.groups)], &e.rates[len(e.groups)]
		}
		why, hidden = b.hides(rate, group, series)
	}
	return why, hidden
}

// column is one column of a table of estimates.
type column struct {
	head string
	cell func(assess.Group, assess.Row) document.Cell
}

// numeric makes a cell of a number that is written as text; a number that does not exist has
// no value.
func numeric(text string, v float64, unit document.Unit, decimals int) document.Cell {
	c := document.Cell{Text: text, Unit: unit, Decimals: decimals}
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		c.Value = &v
	}
	return c
}

func count(n int) document.Cell { return numeric(show.Count(n), float64(n), document.Count, 0) }

// measured is an estimate, or a bound of it, in the unit of the column.
func (b *builder) measured(e estimated, x float64) document.Cell {
	how, unit := b.column(e), document.Share
	if e.points {
		unit = document.Points
	}
	return numeric(how.Value(x), x, unit, how.Decimals)
}

// estimate puts a table of estimates into the current section, and keeps it for the annex
// with its precision.
func (b *builder) estimate(e estimated) {
	b.shown = append(b.shown, e)
	b.add(document.Block{Table: b.estimateTable(e)})
}

// manySeries is how many levels of a series can stand side by side with columns of their
// own for interval and base.
const manySeries = 3

// estimateTable is a table of the chapters: each estimate, its interval and its base, and
// which groups can be told apart. The rest of what is needed to trust it is in the annex.
func (b *builder) estimateTable(e estimated) *document.Table {
	notes := b.newFootnotes()
	columns := b.valueColumns(e, notes)
	t := b.newTable(e.id, e.title, e.base)
	t.Head = b.estimateHead(e, columns)
	ranks := b.hasRanks(e)
	for i, g := range e.all() {
		if part, ok := e.parts[i]; ok {
			t.Rows = append(t.Rows, document.Row{Name: part, Heading: true})
		}
		row := b.named(e, i)
		for s, v := range g.Rows {
			row.Cells = append(row.Cells, b.cells(e, i, s, v, columns, notes)...)
		}
		if ranks {
			row.Cells = append(row.Cells, b.ranks(e, i))
		}
		t.Rows = append(t.Rows, row)
	}
	b.letters(e, t, len(columns), notes)
	for _, r := range e.remarks {
		notes.remark(r)
	}
	t.Notes = notes.text()
	return t
}

// named begins the row of a group.
func (b *builder) named(e estimated, i int) document.Row {
	g := e.all()[i]
	row := document.Row{Name: b.text(g.Name), Total: e.isTotal(i)}
	if e.wording && !row.Total {
		row.Name, row.Detail = g.Code, row.Name
	}
	return row
}

// cells are those of one row of the results; of a withheld one each has the sign alone.
func (b *builder) cells(e estimated, group, series int, v assess.Row, columns []column, notes *footnotes) []document.Cell {
	var out []document.Cell
	why, hidden := b.hides(e, group, series)
	for i, c := range columns {
		switch {
		case !hidden:
			out = append(out, c.cell(e.all()[group], v))
		case i == 0:
			out = append(out, document.Cell{Text: show.Suppressed, Suppressed: true, Main: true, Notes: []int{notes.withheld(why)}})
		default:
			out = append(out, document.Cell{Text: show.Suppressed, Suppressed: true})
		}
	}
	return out
}

func (b *builder) newTable(id, title, base string) *document.Table {
	b.tables++
	if base != "" {
		base += b.say("base.join")
	}
	return &document.Table{ID: "table-" + id, Number: b.say("table", "i", show.Count(b.tables)), Title: title, Base: base + b.base()}
}

// valueColumns are the estimate with its remarks, the interval and the base.
func (b *builder) valueColumns(e estimated, notes *footnotes) []column {
	how := b.column(e)
	interval := b.say("col.interval", "level", b.level())
	out := []column{{e.value, func(_ assess.Group, r assess.Row) document.Cell {
		c := b.measured(e, r.Estimate.Value)
		c.Main, c.Notes = true, notes.add(r.Estimate.Notes)
		if len(b.results.SeriesLevels) > manySeries {
			c.Text = how.WithInterval(r.Estimate)
		}
		return c
	}}}
	if len(b.results.SeriesLevels) > manySeries {
		out[0].head = b.say("col.with-interval", "value", e.value, "interval", interval)
		return out
	}
	out = append(out, column{interval, func(_ assess.Group, r assess.Row) document.Cell {
		return document.Cell{Text: how.Interval(r.Estimate)}
	}})
	if e.points && e.rates == nil { // of scores the title has the maximum
		out = append(out,
			column{b.say("col.max"), func(g assess.Group, _ assess.Row) document.Cell {
				return numeric(trim(g.Max), g.Max, document.Points, 0)
			}},
			column{b.say("col.ofmax"), func(g assess.Group, r assess.Row) document.Cell {
				x := share(r.Estimate.Value, g.Max)
				return numeric(show.Percent(x, 1), x, document.Share, 1)
			}})
	}
	return append(out, column{b.say("col.n"), func(_ assess.Group, r assess.Row) document.Cell { return count(r.Estimate.N) }})
}

// hasRanks says whether the table shows the ranks that are possible.
func (b *builder) hasRanks(e estimated) bool {
	return e.places && e.separation != nil && len(e.separation.Ranks) > 1
}

// ranks is the cell with the ranks that a place can have.
func (b *builder) ranks(e estimated, i int) document.Cell {
	g := e.all()[i]
	if _, hidden := b.hides(e, i, len(g.Rows)-1); hidden {
		return document.Cell{Text: show.Suppressed, Suppressed: true}
	}
	r, ok := e.separation.Ranks[g.Code]
	switch {
	case !ok || e.isTotal(i):
		return document.Cell{Text: show.Missing}
	case r.Best == r.Worst:
		return document.Cell{Text: strconv.Itoa(r.Best)}
	}
	return document.Cell{Text: strconv.Itoa(r.Best) + "–" + strconv.Itoa(r.Worst)}
}

// letters marks the groups that cannot be told apart, in the last level of the series.
func (b *builder) letters(e estimated, t *document.Table, columns int, notes *footnotes) {
	if e.separation == nil || len(e.separation.Letters) < 2 {
		return
	}
	row := 0
	for i, g := range e.groups {
		if _, ok := e.parts[i]; ok {
			row++
		}
		last := len(g.Rows) - 1
		if _, hidden := b.hides(e, i, last); !hidden {
			t.Rows[row].Cells[last*columns].Letters = e.separation.Letters[g.Code]
		}
		row++
	}
	notes.remark(b.say("letters.legend", "level", show.Number(1-b.results.Settings.Level, 2)))
	if b.hasRanks(e) {
		notes.remark(b.say("ranks.legend"))
	}
}

// estimateHead is one row of headings, or two with the levels of a series on top.
func (b *builder) estimateHead(e estimated, columns []column) [][]document.Heading {
	first := document.Heading{Text: e.first, Left: true}
	var heads []document.Heading
	for range b.results.SeriesLevels {
		for _, c := range columns {
			heads = append(heads, document.Heading{Text: c.head})
		}
	}
	ranks := document.Heading{Text: b.say("col.ranks")}
	if !b.isSeries() {
		heads = append([]document.Heading{first}, heads...)
		if b.hasRanks(e) {
			heads = append(heads, ranks)
		}
		return [][]document.Heading{heads}
	}
	first.Down, ranks.Down = 2, 2
	top := []document.Heading{first}
	for i := range b.results.SeriesLevels {
		top = append(top, document.Heading{Text: b.series(i), Span: len(columns)})
	}
	if b.hasRanks(e) {
		top = append(top, ranks)
	}
	return [][]document.Heading{top, heads}
}

// precisionColumns are the estimate with all that is needed to trust it.
func (b *builder) precisionColumns(e estimated, notes *footnotes) []column {
	how, se := b.column(e), "col.se"
	if e.points {
		se = "col.se.points"
	}
	columns := []column{
		{e.value, func(_ assess.Group, r assess.Row) document.Cell {
			c := b.measured(e, r.Estimate.Value)
			c.Main, c.Notes = true, notes.add(r.Estimate.Notes)
			return c
		}},
		{b.say(se), func(_ assess.Group, r assess.Row) document.Cell {
			x := errorOf(r.Estimate)
			return numeric(how.SE(x), how.Scale*x, document.Points, how.Decimals+1)
		}},
		{b.say("col.lo", "level", b.level()), func(_ assess.Group, r assess.Row) document.Cell { return b.measured(e, r.Estimate.Lo) }},
		{b.say("col.hi", "level", b.level()), func(_ assess.Group, r assess.Row) document.Cell { return b.measured(e, r.Estimate.Hi) }},
		{b.say("col.deff"), func(_ assess.Group, r assess.Row) document.Cell {
			return numeric(show.Number(r.Estimate.DEff, 2), r.Estimate.DEff, document.Number, 2)
		}},
		{b.say("col.n"), func(_ assess.Group, r assess.Row) document.Cell { return count(r.Estimate.N) }},
		{b.say("col.neff"), func(_ assess.Group, r assess.Row) document.Cell {
			x := share(float64(r.Estimate.N), r.Estimate.DEff)
			return numeric(show.Number(x, 0), x, document.Number, 0)
		}},
		{b.say("col.df"), func(_ assess.Group, r assess.Row) document.Cell {
			return numeric(show.Number(r.Estimate.DF, 0), r.Estimate.DF, document.Number, 0)
		}},
	}
	return append(columns, b.truthColumns(e)...)
}

// errorOf is the standard error of an estimate. Where all respondents are alike there is none: a
// 0 would say that the number is certain.
func errorOf(e analysis.Estimate) float64 {
	if slices.ContainsFunc(e.Notes, func(n analysis.Note) bool { return n.Code == analysis.NoVariation }) {
		return math.NaN()
	}
	return e.SE
}

// precisionTable is the table of the annex on an estimated. The levels of a series stand
// below each other, so that the table fits on paper.
func (b *builder) precisionTable(e estimated) *document.Table {
	notes := b.newFootnotes()
	columns := b.precisionColumns(e, notes)
	t := b.newTable(e.id+"-precision", cmp.Or(e.precise, e.title), e.base)
	heads := []document.Heading{{Text: e.first, Left: true}}
	for _, c := range columns {
		heads = append(heads, document.Heading{Text: c.head})
	}
	t.Head = [][]document.Heading{heads}
	for s := range b.results.SeriesLevels {
		if b.isSeries() {
			t.Rows = append(t.Rows, document.Row{Name: b.series(s), Heading: true})
		}
		for i, g := range e.all() {
			if part, ok := e.parts[i]; ok {
				t.Rows = append(t.Rows, document.Row{Name: part, Heading: true})
			}
			row := b.named(e, i)
			row.Detail = ""
			row.Cells = b.cells(e, i, s, g.Rows[s], columns, notes)
			t.Rows = append(t.Rows, row)
		}
	}
	t.Notes = notes.text()
	return t
}

// truthColumns are the true value of a simulation and whether the interval contains it.
func (b *builder) truthColumns(e estimated) []column {
	if !e.hasTruth() {
		return nil
	}
	return []column{
		{b.say("col.truth"), func(_ assess.Group, r assess.Row) document.Cell {
			if r.Truth == nil {
				return document.Cell{Text: show.Missing}
			}
			return b.measured(e, *r.Truth)
		}},
		{b.say("col.covered"), func(_ assess.Group, r assess.Row) document.Cell {
			in, known := r.Covered()
			switch {
			case !known:
				return document.Cell{Text: show.Missing}
			case in:
				return document.Cell{Text: b.say("yes")}
			}
			return document.Cell{Text: b.say("no")}
		}},
	}
}

// base says on how many interviews the numbers rest, which criterion was used and with
// which weights. It stands on every table and chart.
func (b *builder) base() string {
	var n []string
	for i, r := range b.results.Headline {
		text := show.Count(r.Estimate.N)
		if _, hidden := b.hidden(b.place(TableHeadline, "", i), r.Estimate); hidden {
			text = show.Suppressed
		}
		if b.isSeries() {
			text += " (" + b.series(i) + ")"
		}
		n = append(n, text)
	}
	weights := b.say("base.weights.base")
	if w := b.results.Weighting; w != nil {
		weights = b.say("base.weights", "set", w.ID())
	}
	return b.say("base", "n", join(n, b.say("rule.comma")), "criterion", b.text(b.results.Questionnaire.Criterion.Name)) + b.say("base.join") + weights
}

// byValue orders groups by the value of their last row, the highest first; those without a
// number and those withheld come last, in their own order.
func (b *builder) byValue(e estimated) []int {
	order := make([]int, len(e.groups))
	value := make([]float64, len(e.groups))
	for i, g := range e.groups {
		last := len(g.Rows) - 1
		order[i], value[i] = i, g.Rows[last].Estimate.Value
		if _, hidden := b.hides(e, i, last); hidden || math.IsNaN(value[i]) {
			value[i] = math.Inf(-1)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case value[i] > value[j]:
			return -1
		case value[i] < value[j]:
			return 1
		}
		return 0
	})
	return order
}
