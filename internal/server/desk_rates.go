package server

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/office"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// deskRates is web/pages/desk-rates: the outcome rates of AAPOR, of all cases and by group,
// with the dispositions that they come from.
type deskRates struct {
	figuresFrame
	// Rule and E are what was asked for, RuleWords says what that means.
	Rule, E, RuleWords string
	By                 string
	Rules, Groupings   []choice
	Facts              []fact
	Overall            deskTable
	Counts             deskTable
	Unweighted         deskTable
	Weighted           deskTable
	Dispositions       deskTable
}

// choice is something that can be chosen in a form.
type choice struct{ Value, Name string }

// rateGroupings are how rates can be grouped, with the words for it.
var rateGroupings = []struct {
	key, words string
	of         func(office.Tally) string
}{
	{"city", "figures.city", func(t office.Tally) string { return cut(t.Area, 4) }},
	{"county", "figures.county", func(t office.Tally) string { return t.Area }},
	{"stratum", "figures.stratum", func(t office.Tally) string { return t.Stratum }},
	{"enumerator", "figures.enumerator", func(t office.Tally) string { return t.Enumerator }},
	{"day", "figures.lastday", func(t office.Tally) string { return t.Day }},
}

// eligibility reads the rule for e that the address asks for: proportional unless it says
// otherwise.
func (p *deskRates) eligibility(v *call) fieldwork.Eligibility {
	p.Rule, p.E = v.QueryParam("rule"), cut(v.QueryParam("e"), 20)
	switch p.Rule {
	case "given":
		e, err := strconv.ParseFloat(p.E, 64)
		if err == nil && e >= 0 && e <= 1 {
			return fieldwork.GivenE(e)
		}
		p.fault(p.say.words("figures.bade", "text", p.E))
	case "stratum":
		return fieldwork.StratumE()
	}
	p.Rule = "proportional"
	return fieldwork.ProportionalE()
}

func (d *desk) rates(v *call) error {
	f, err := d.figures(v, "figures.rates")
	if err != nil {
		return err
	}
	p := deskRates{figuresFrame: f}
	for _, c := range [][2]string{{"proportional", "figures.proportional"}, {"stratum", "figures.ebystratum"}, {"given", "figures.given"}} {
		p.Rules = append(p.Rules, choice{c[0], f.say.words(c[1])})
	}
	by := rateGroupings[0]
	for _, g := range rateGroupings {
		p.Groupings = append(p.Groupings, choice{g.key, f.say.words(g.words)})
		if g.key == v.QueryParam("by") {
			by = g
		}
	}
	p.By = by.key
	rates, err := fieldwork.NewRates(p.eligibility(v), by.key)
	if err != nil {
		return err
	}
	found := map[fieldwork.Code]weightedCases{}
	err = cmp.Or(d.office.Tallies(v.Request().Context(), v.account, f.wave.ID, f.scope(v), func(t office.Tally) {
		w := found[t.Disposition]
		found[t.Disposition] = weightedCases{w.cases + t.Cases, w.weight + float64(t.Cases)*t.Weight}
		r := fieldwork.CaseResult{Disposition: t.Disposition, Weight: t.Weight, Stratum: t.Stratum, Substitute: t.Substitute, Open: !t.State.Done()}
		for range t.Cases {
			err = cmp.Or(err, rates.Add(r, by.of(t)))
		}
	}), err)
	if err != nil {
		return err
	}
	tables := rates.Tables()
	p.RuleWords = tables[0].Rule.In(f.lang)
	if err := d.rateTables(&p, tables, by.words); err != nil {
		return err
	}
	if p.Dispositions, err = d.dispositionTable(f, found); err != nil {
		return err
	}
	return d.showFigures(v, p.figuresFrame, "desk-rates", p, p.Overall, p.Counts, p.Unweighted, p.Weighted, p.Dispositions)
}

// rateTables fills in the tables of all cases and of the groups.
func (d *desk) rateTables(p *deskRates, tables []fieldwork.RateTable, by string) (err error) {
	var all fieldwork.RateRow
	if rows := tables[0].Rows; len(rows) > 0 {
		all = rows[0]
	}
	p.Facts = p.rateFacts(all)
	if p.Overall, err = d.overallTable(p.figuresFrame, all); err != nil {
		return err
	}
	if p.Counts, err = d.countTable(p.figuresFrame, tables[1], by); err != nil {
		return err
	}
	if p.Unweighted, err = d.groupTable(p.figuresFrame, "unweighted", "figures.unweightedby", by, tables[1], func(s fieldwork.RateSet) fieldwork.Measured { return s.Unweighted }); err != nil {
		return err
	}
	p.Weighted, err = d.groupTable(p.figuresFrame, "weighted", "figures.weightedby", by, tables[1], func(s fieldwork.RateSet) fieldwork.Measured { return s.Weighted })
	return err
}

// total is the number of all cases of counts.
func total(c fieldwork.Counts) float64 { return c.Eligible() + c.Unknown() + c.NE }

// rateFacts are the numbers above everything.
func (f figuresFrame) rateFacts(all fieldwork.RateRow) []fact {
	n := int(total(all.Drawn.Unweighted.Counts))
	return []fact{
		{f.say.words("figures.drawncases"), show.Count(n)},
		{f.say.words("figures.substitutes"), show.Count(all.Substitutes)},
		{f.say.words("figures.open"), ofAll(all.Open, n+all.Substitutes)},
		{f.say.words("figures.e"), show.Number(all.Drawn.Unweighted.E, 4)},
		{f.say.words("figures.eweighted"), show.Number(all.Drawn.Weighted.E, 4)},
	}
}

// overallTable has a row for each rate of all cases.
func (d *desk) overallTable(f figuresFrame, all fieldwork.RateRow) (deskTable, error) {
	columns := []string{"figures.rate", "figures.formula", "#figures.unweighted", "#figures.weighted"}
	if all.Substitutes > 0 {
		columns = append(columns, "#figures.withsubstitutes", "#figures.withsubstitutesweighted")
	}
	t, err := d.table(f.deskFrame, "overall", "figures.overall", columns...)
	if err != nil {
		return t, err
	}
	for _, r := range fieldwork.AllRates() {
		cells := []deskCell{{Text: r.String()}, {Text: r.Formula()}, percent(all.Drawn.Unweighted.Rate(r)), percent(all.Drawn.Weighted.Rate(r))}
		if all.Substitutes > 0 {
			cells = append(cells, percent(all.WithSubstitutes.Unweighted.Rate(r)), percent(all.WithSubstitutes.Weighted.Rate(r)))
		}
		t.add(cells...)
	}
	t.Notes = rateNotes(all, f.lang, "")
	return t, t.arrange(f.deskFrame)
}

// rateNotes are the notes of a row in words, those of one kind when it is named.
func rateNotes(row fieldwork.RateRow, l surveys.Lang, only fieldwork.RateNoteCode) (notes []string) {
	for _, n := range row.Notes {
		if only == "" || n.Code == only {
			notes = append(notes, n.Text.In(l))
		}
	}
	return notes
}

// groupCell names a group of a grouping.
func (f figuresFrame) groupCell(by, group string) deskCell {
	switch by {
	case "city", "county":
		return deskCell{Text: f.areaLabel(group)}
	case "enumerator":
		return f.staffCell(group)
	case "stratum":
		t := teller{deskFrame: f.deskFrame}
		return deskCell{Text: t.stratum(group)}
	case "day":
		if group == "" {
			return deskCell{Text: f.say.words("figures.never")}
		}
	}
	return deskCell{Text: group}
}

// countTable has the cases of each group by class, drawn ones and substitutes apart.
func (d *desk) countTable(f figuresFrame, rates fieldwork.RateTable, by string) (deskTable, error) {
	t, err := d.table(f.deskFrame, "counts", "figures.counts", by, "#figures.drawncases", "#figures.class.i", "#figures.class.p", "#figures.class.r", "#figures.class.nc",
		"#figures.class.o", "#figures.class.uh", "#figures.class.uo", "#figures.class.ne", "#figures.open", "#figures.substitutes", "#figures.substituteinterviews", "#figures.e", "#figures.eweighted")
	if err != nil {
		return t, err
	}
	for _, r := range rates.Rows {
		c := r.Drawn.Unweighted.Counts
		cells := []deskCell{f.groupCell(rates.By, r.Group), whole(int(total(c)))}
		for _, n := range []float64{c.I, c.P, c.R, c.NC, c.O, c.UH, c.UO, c.NE} {
			cells = append(cells, whole(int(n)))
		}
		t.add(append(cells, whole(r.Open), whole(r.Substitutes), whole(r.SubstituteInterviews), decimal(r.Drawn.Unweighted.E, 3), decimal(r.Drawn.Weighted.E, 3))...)
		for _, n := range rateNotes(r, f.lang, fieldwork.NoteUnknownE) {
			t.Notes = append(t.Notes, f.groupCell(rates.By, r.Group).Text+": "+n)
		}
	}
	return t, t.arrange(f.deskFrame)
}

// groupTable has the rates of each group, with the number of cases they rest on.
func (d *desk) groupTable(f figuresFrame, id, caption, by string, rates fieldwork.RateTable, of func(fieldwork.RateSet) fieldwork.Measured) (deskTable, error) {
	t, err := d.table(f.deskFrame, id, caption, by, "#figures.n")
	if err != nil {
		return t, err
	}
	for _, r := range fieldwork.AllRates() {
		t.Columns = append(t.Columns, deskColumn{Key: r.String(), Name: r.String(), Number: true})
	}
	for _, row := range rates.Rows {
		cells := []deskCell{f.groupCell(rates.By, row.Group), whole(int(total(row.Drawn.Unweighted.Counts)))}
		for _, r := range fieldwork.AllRates() {
			cells = append(cells, percent(of(row.Drawn).Rate(r)))
		}
		t.add(cells...)
	}
	return t, t.arrange(f.deskFrame)
}

// weightedCases are a number of cases with the sum of their weights.
type weightedCases struct {
	cases  int
	weight float64
}

// dispositionTable lists the final dispositions that there are, as they are now.
func (d *desk) dispositionTable(f figuresFrame, found map[fieldwork.Code]weightedCases) (deskTable, error) {
	t, err := d.table(f.deskFrame, "dispositions", "figures.dispositions", "figures.code", "figures.disposition", "figures.countsas", "#figures.n", "#figures.ofcases", "#figures.weightedshare")
	if err != nil {
		return t, err
	}
	var all weightedCases
	for _, code := range slices.Sorted(maps.Keys(found)) {
		all = weightedCases{all.cases + found[code].cases, all.weight + found[code].weight}
	}
	for _, code := range slices.Sorted(maps.Keys(found)) {
		class, err := code.Class()
		if err != nil {
			return t, err
		}
		name := code.Name(fieldwork.InPerson)
		if name == nil { // a code of a survey by links only
			name = code.Name(fieldwork.WebNamed | fieldwork.WebUnnamed)
		}
		n := found[code]
		t.add(deskCell{Text: string(code)}, deskCell{Text: name.In(f.lang)}, deskCell{Text: class.String()}, whole(n.cases),
			percent(shareOf(n.cases, all.cases)), percent(n.weight/all.weight, true))
	}
	return t, t.arrange(f.deskFrame)
}
