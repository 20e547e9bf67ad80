package report

import (
	"math"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// groups is the chapter on rate and score by factors and sets of groups.
func (b *builder) groups() {
	b.section("groups", b.say("groups"), 1)
	b.draft("text-groups", nil)
	for _, t := range b.results.Tables {
		b.group(t)
	}
}

// group is the part on one factor or set of groups.
func (b *builder) group(t assess.Table) {
	id, name := tableID(t), b.text(t.Factor.Title)
	b.section("group-"+id, b.say("groups.by", "factor", name), 2)
	b.draft("text-group-"+id, b.tableFacts(t))
	e := estimated{
		id: id, table: id, title: b.say("groups.title", "factor", name), first: name, value: b.say("col.rate"),
		groups: t.Groups, total: b.everybody(), line: !b.isSeries(), places: isPlaces(t.Factor), separation: t.Separation,
	}
	if t.Set != nil {
		e.base = b.say("groups.set", "title", name, "version", t.Set.Version)
		e.remarks = []string{b.say("groups.overlap")}
	}
	kind := document.Bars
	if e.places {
		kind = document.Dots
	}
	b.chart(e, kind)
	b.tiles(e, t.Factor)
	b.estimate(e)
	b.groupScores(t, e)
}

// groupScores is the table of the mean scores of the groups of a table of rates, without a
// chart: it would be much like that of the rates.
func (b *builder) groupScores(t assess.Table, rates estimated) {
	if len(t.Scores) == 0 {
		return
	}
	e := b.scoresOf(t)
	e.id, e.table, e.base, e.remarks, e.rates = rates.id+"-score", rates.table, rates.base, rates.remarks, rates.all()
	e.title = b.say("groups.score", "factor", rates.first, "max", trim(e.total.Max))
	e.first, e.value = rates.first, b.say("col.score")
	b.estimate(e)
}

// scoresOf are the mean scores of the groups of a table, and everybody's.
func (b *builder) scoresOf(t assess.Table) estimated {
	all := assess.Group{Name: named("all"), Max: b.results.Questionnaire.Criterion.MostPoints(), Rows: b.results.Score}
	return estimated{groups: t.Scores, total: &all, points: true, places: isPlaces(t.Factor)}
}

// isPlaces says whether the levels of a factor are places, which nobody may rank by their
// estimates alone.
func isPlaces(f assess.Factor) bool {
	for _, l := range f.Levels {
		if len(l.Tile) == 2 {
			return true
		}
	}
	return f.ID == "city" || f.ID == "region" || f.ID == "county"
}

// crossings is the chapter on the rate by two factors at once.
func (b *builder) crossings() {
	if len(b.results.Crossings) == 0 {
		return
	}
	b.section("crossings", b.say("crossings"), 1)
	for _, c := range b.results.Crossings {
		b.crossing(c)
	}
}

// crossing is a table with a column for each level of the second factor; the annex has its
// cells as rows.
func (b *builder) crossing(c assess.CrossTable) {
	rows, columns := b.text(c.Rows.Title), b.text(c.Columns.Title)
	flat := estimated{
		id: c.Rows.ID + "-by-" + c.Columns.ID, table: c.Rows.ID + "×" + c.Columns.ID, title: b.say("groups.title", "factor", rows+" × "+columns),
		first: rows + " × " + columns, value: b.say("col.rate"), parts: map[int]string{}, places: isPlaces(c.Rows) || isPlaces(c.Columns),
	}
	for i, r := range c.Rows.Levels {
		flat.parts[i*len(c.Columns.Levels)] = b.text(r.Name)
		for j, k := range c.Columns.Levels {
			flat.groups = append(flat.groups, assess.Group{Code: r.Code + "×" + k.Code, Name: k.Name, Max: 1, Rows: c.Cells[i][j]})
		}
	}
	b.section("cross-"+flat.id, rows+" × "+columns, 2)
	b.draft("text-cross-"+flat.id, nil)
	by, heads := make([]estimated, len(c.Columns.Levels)), make([]string, len(c.Columns.Levels))
	for j, k := range c.Columns.Levels {
		heads[j] = b.text(k.Name)
		by[j] = flat
		by[j].groups = nil
		for i, r := range c.Rows.Levels {
			by[j].groups = append(by[j].groups, assess.Group{Code: r.Code + "×" + k.Code, Name: r.Name, Max: 1, Rows: c.Cells[i][j]})
		}
	}
	b.shown = append(b.shown, flat)
	joined := flat
	joined.first, joined.parts, joined.groups = rows, nil, by[0].groups
	b.add(document.Block{Table: b.besideTable(joined, by, heads)})
}

// beside puts a table with several estimateds side by side into the current section; the
// annex has each with its precision.
func (b *builder) beside(joined estimated, by []estimated, heads []string) {
	b.shown = append(b.shown, by...)
	b.add(document.Block{Table: b.besideTable(joined, by, heads)})
}

// besideTable has two columns for each of several estimateds with the same rows: the
// estimate with its interval, and its base.
func (b *builder) besideTable(joined estimated, by []estimated, heads []string) *document.Table {
	notes := b.newFootnotes()
	t := b.newTable(joined.id, joined.title, joined.base)
	top, columns := []document.Heading{{Text: joined.first, Left: true, Down: 2}}, []document.Heading(nil)
	for _, h := range heads {
		top = append(top, document.Heading{Text: h, Span: 2})
		columns = append(columns, document.Heading{Text: b.say("col.with-interval", "value", joined.value, "interval", b.say("col.interval", "level", b.level()))},
			document.Heading{Text: b.say("col.n")})
	}
	t.Head = [][]document.Heading{top, columns}
	for s := range b.results.SeriesLevels {
		if b.isSeries() {
			t.Rows = append(t.Rows, document.Row{Name: b.series(s), Heading: true})
		}
		for i := range joined.groups {
			if part, ok := joined.parts[i]; ok {
				t.Rows = append(t.Rows, document.Row{Name: part, Heading: true})
			}
			row := b.named(joined, i)
			for _, e := range by {
				row.Cells = append(row.Cells, b.cells(e, i, s, e.groups[i].Rows[s], b.pair(e, notes), notes)...)
			}
			t.Rows = append(t.Rows, row)
		}
	}
	for _, r := range joined.remarks {
		notes.remark(r)
	}
	t.Notes = notes.text()
	return t
}

// pair is an estimate with its interval in one column, and its base in another.
func (b *builder) pair(e estimated, notes *footnotes) []column {
	how := b.column(e)
	return []column{
		{"", func(_ assess.Group, r assess.Row) document.Cell {
			cell := b.measured(e, r.Estimate.Value)
			cell.Text, cell.Main, cell.Notes = how.WithInterval(r.Estimate), true, notes.add(r.Estimate.Notes)
			return cell
		}},
		{"", func(_ assess.Group, r assess.Row) document.Cell { return count(r.Estimate.N) }},
	}
}

// scores is the chapter on dimensions and items.
func (b *builder) scores() {
	r := b.results
	b.section("scores", b.say("scores"), 1)
	if len(r.Dimensions) > 0 {
		b.dimensions()
	}
	b.section("items", b.say("items"), 2)
	b.draft("text-items", nil)
	for _, d := range r.Questionnaire.Criterion.Dimensions {
		b.items(d)
	}
}

func (b *builder) dimensions() {
	r := b.results
	b.section("dimensions", b.say("dimensions"), 2)
	b.draft("text-dimensions", nil)
	e := estimated{
		id: "dimensions", table: TableDimensions, title: b.say("dimensions.title"), precise: b.say("dimensions.points"), first: b.say("dimensions.col"), value: b.say("col.mean"),
		groups: r.Dimensions, points: true,
	}
	if len(r.Dimensions) > 1 {
		e.total = &assess.Group{Name: named("dimensions.total"), Max: r.Questionnaire.Criterion.MostPoints(), Rows: r.Score}
	}
	b.chart(e, document.Bars)
	b.estimate(e)
}

// items shows the share of right answers to the items of a dimension.
func (b *builder) items(d surveys.Dimension) {
	var groups []assess.Group
	for _, g := range b.results.Items {
		if it := b.results.Questionnaire.Item(g.Code); it != nil && it.Dimension == d.ID {
			groups = append(groups, g)
		}
	}
	if len(groups) == 0 {
		return
	}
	if len(b.doc.Sections[len(b.doc.Sections)-1].Blocks) == 1 { // the place of the text alone
		b.write(document.Plain, b.say("items.intro"))
	}
	e := estimated{
		id: "items-" + d.ID, table: TableItems, title: b.say("items.title", "dimension", b.text(d.Name)), first: b.say("items.col"), value: b.say("col.share"),
		groups: groups, wording: true,
	}
	b.chart(e, document.Bars)
	b.estimate(e)
}

// weights is the annex that compares the margins before and after weighting.
func (b *builder) weights() {
	w := b.results.Weighting
	if w == nil || len(w.Steps) == 0 {
		return
	}
	b.annex("weights", b.say("weights"))
	step, fits := w.Steps[len(w.Steps)-1], w.Fits()
	b.write(document.Plain, b.say("weights.summary", "n", show.Count(step.N), "sum", show.Number(step.Sum, 0),
		"min", show.Number(step.Min, 2), "median", show.Number(step.Median, 2), "max", show.Number(step.Max, 2)))
	for from := 0; from < len(fits); {
		to := from
		for to < len(fits) && fits[to].Margin == fits[from].Margin {
			to++
		}
		b.add(document.Block{Table: b.marginTable(fits[from:to])})
		from = to
	}
}

// precision is the annex with every table and what is needed to trust its numbers.
func (b *builder) precision() {
	b.annex("precision", b.say("precision"))
	b.write(document.Plain, b.say("precision.intro"))
	for _, e := range b.shown {
		b.add(document.Block{Table: b.precisionTable(e)})
	}
}

// coverage is the annex that says how many intervals of a simulation contain the true value.
func (b *builder) coverage() {
	c := assess.Coverage(b.results)
	if c.Total == 0 {
		return
	}
	b.annex("coverage", b.say("coverage"))
	b.write(document.Plain, b.say("coverage.sentence", "total", show.Count(c.Total), "covered", show.Count(c.Covered),
		"share", show.Percent(share(float64(c.Covered), float64(c.Total)), 1), "level", b.level()), b.say("coverage.caution"))
}

// missing is a point without a number; why is empty where none was ever to be there, such as
// in a year without a survey.
func missing(why string) document.Point {
	return document.Point{Value: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Missing: why}
}
