package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// tableOf finds a table by its ID.
func tableOf(t *testing.T, doc *document.Document, id string) *document.Table {
	t.Helper()
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Table != nil && b.Table.ID == id {
				return b.Table
			}
		}
	}
	t.Fatalf("the document has no table %s", id)
	return nil
}

// Every number of the document is that of the results, in full precision, in both tables
// that show it. The columns of the annex: value, standard error, bounds, design effect, n,
// effective n, degrees of freedom, true value.
func TestNumbersAreThoseOfTheResults(t *testing.T) {
	r := full()
	doc := built(t, r, surveys.ZH, fixtureOptions)
	groups := map[string][]assess.Group{"bands": r.Bands, "levels": r.Levels, "dimensions": r.Dimensions, "items-knowledge": r.Items[:2], "items-method": r.Items[2:]}
	for _, x := range r.Tables {
		groups[tableID(x)], groups[tableID(x)+"-score"] = x.Groups, x.Scores
	}
	for _, x := range r.Topics {
		groups["topic-"+x.Topic.ID] = x.Groups
	}
	checked := 0
	for id, gs := range groups {
		scale := 100.0
		if id == "dimensions" || strings.HasSuffix(id, "-score") {
			scale = 1
		}
		values, precise := withoutParts(tableOf(t, doc, "table-"+id)), withoutParts(tableOf(t, doc, "table-"+id+"-precision"))
		for i, g := range gs {
			row := g.Rows[0]
			e := row.Estimate
			check := func(what string, c document.Cell, want float64) {
				t.Helper()
				checked++
				switch {
				case math.IsNaN(want) && (c.Value != nil || c.Text != show.Missing):
					t.Errorf("%s of %s %s is %q, want none", what, id, g.Code, c.Text)
				case !math.IsNaN(want) && (c.Value == nil || *c.Value != want):
					t.Errorf("%s of %s %s is %v (%q), want %v", what, id, g.Code, c.Value, c.Text, want)
				}
			}
			check("value", values[i].Cells[0], e.Value)
			n := values[i].Cells[2]
			if id == "dimensions" {
				n = values[i].Cells[4]
			}
			check("n", n, float64(e.N))
			effective := math.NaN()
			if e.DEff > 0 {
				effective = float64(e.N) / e.DEff
			}
			for k, want := range []float64{e.Value, scale * e.SE, e.Lo, e.Hi, e.DEff, float64(e.N), effective, e.DF} {
				check(fmt.Sprint("column ", k), precise[i].Cells[k], want)
			}
			if row.Truth != nil {
				check("truth", precise[i].Cells[8], *row.Truth)
			}
		}
	}
	if checked < 300 {
		t.Errorf("only %d numbers were compared", checked)
	}
	cross := tableOf(t, doc, "table-residence-by-sex")
	for i, row := range cross.Rows {
		for j := range 2 {
			if e := r.Crossings[0].Cells[i][j][0].Estimate; *row.Cells[2*j].Value != e.Value || *row.Cells[2*j+1].Value != float64(e.N) {
				t.Errorf("crossing %d, %d: %v", i, j, row.Cells[2*j:2*j+2])
			}
		}
	}
	by := tableOf(t, doc, "table-topic-channels-any-by")
	for i, row := range by.Rows {
		for j := range 2 {
			if e := r.Topics[1].By[i][j][0].Estimate; *row.Cells[2*j].Value != e.Value {
				t.Errorf("channels %d by %d: %v", i, j, row.Cells[2*j].Text)
			}
		}
	}
}

func withoutParts(t *document.Table) []document.Row {
	return slices.DeleteFunc(slices.Clone(t.Rows), func(r document.Row) bool { return r.Heading })
}

// A number that could not be computed is never a 0.
func TestMissingIsNeverZero(t *testing.T) {
	r := full()
	for _, gs := range [][]assess.Group{r.Tables[0].Groups, r.Tables[2].Groups, r.Tables[2].Scores, r.Bands, r.Dimensions} {
		gs[0].Rows[0] = assess.Row{Estimate: estimate(0, 0, analysis.Note{Code: analysis.Empty})}
	}
	doc := built(t, r, surveys.ZH, fixtureOptions)
	for _, id := range []string{"city", "residence", "residence-score", "bands", "dimensions"} {
		for _, table := range []string{"table-" + id, "table-" + id + "-precision"} {
			row := tableOf(t, doc, table).Rows[0]
			if row.Cells[0].Text != show.Missing || row.Cells[0].Value != nil {
				t.Errorf("%s: %q", table, row.Cells[0].Text)
			}
			for _, c := range row.Cells {
				if c.Unit != document.Count && strings.HasPrefix(c.Text, "0") {
					t.Errorf("%s: a number that does not exist is written %q", table, c.Text)
				}
			}
		}
	}
}

// The document is laid out as its contract says: IDs are unique, tables and charts are
// numbered in order, every table says its criterion, and rows are as wide as their heads.
// The trend has the wave in the year of its fieldwork, wherever that lies among the published
// years, and in that of the report where no fieldwork was planned, which it does not call the
// wave's.
func TestTrendHasTheWaveInItsYear(t *testing.T) {
	for _, c := range []struct {
		name       string
		year, made int
		want       string // categories, the wave's in brackets
		breaks     string
	}{
		{"later than all", 2026, 2027, "2010 2015 2020 2024 [2026]", "2020"},
		{"in a published year", 2020, 2027, "2010 2015 [2020] 2024", "2020"},
		{"between published years", 2017, 2027, "2010 2015 [2017] 2020 2024", "2017"},
		{"not planned", 0, 2027, "2010 2015 2020 2024 [本次调查]", "2020"},
		{"not planned, made in a published year", 0, 2024, "2010 2015 2020 [2024]", "2020"},
	} {
		r, opt := full(), fixtureOptions
		r.Year, opt.Now = c.year, time.Date(c.made-1, 12, 31, 18, 0, 0, 0, time.UTC) // in China it is the year of c.made
		var trend *document.Chart
		for _, s := range built(t, r, surveys.ZH, opt).Sections {
			for _, o := range chartsOf(s) {
				if o.Kind == document.Trend {
					trend = o
				}
			}
		}
		var got []string
		for i, name := range trend.Categories {
			if p := trend.Series[len(trend.Series)-1].Points[i]; !math.IsNaN(p.Value) {
				name = "[" + name + "]"
			}
			got = append(got, name)
			want := cmp.Or(c.year, c.made)
			if y, err := strconv.Atoi(trend.Categories[i]); err == nil {
				want = y
			}
			if trend.Times[i] != float64(want) {
				t.Errorf("%s: %s is drawn at %v, want %d", c.name, name, trend.Times[i], want)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: the trend has %v, want %s", c.name, got, c.want)
		}
		if len(trend.Breaks) != 1 || trend.Categories[trend.Breaks[0].Before] != c.breaks {
			t.Errorf("%s: the trend is broken at %+v, want before %s", c.name, trend.Breaks, c.breaks)
		}
	}
}

func TestDocumentKeepsItsContract(t *testing.T) {
	for name, r := range map[string]*assess.Results{"single": single(), "series": series(), "full": full()} {
		for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
			doc := built(t, r, lang, fixtureOptions)
			ids, tables, figures := map[string]bool{}, 0, 0
			once := func(id string) {
				if id == "" || ids[id] {
					t.Errorf("%s: the ID %q is empty or stands there twice", name, id)
				}
				ids[id] = true
			}
			for _, s := range doc.Sections {
				once(s.ID)
				if s.Number == "" || s.Depth < 1 || s.Title == "" {
					t.Errorf("%s: section %+v", name, s)
				}
				for _, b := range s.Blocks {
					switch {
					case b.Table != nil:
						tables++
						once(b.Table.ID)
						if !strings.HasSuffix(b.Table.Number, fmt.Sprint(tables)) {
							t.Errorf("%s: %s is table %d", name, b.Table.Number, tables)
						}
						margins := strings.HasPrefix(b.Table.ID, "table-margin-") || b.Table.ID == "table-references"
						if !margins && !strings.Contains(b.Table.Base, r.Questionnaire.Criterion.Name.In(lang)) {
							t.Errorf("%s: %s does not say its criterion: %q", name, b.Table.ID, b.Table.Base)
						}
						checkShape(t, b.Table)
					case b.Chart != nil:
						figures++
						once(b.Chart.ID)
						if !strings.HasSuffix(b.Chart.Number, fmt.Sprint(figures)) {
							t.Errorf("%s: %s is figure %d", name, b.Chart.Number, figures)
						}
						for _, x := range b.Chart.Series {
							if len(x.Points) != len(b.Chart.Categories) {
								t.Errorf("%s: %s has %d points for %d categories", name, b.Chart.ID, len(x.Points), len(b.Chart.Categories))
							}
						}
					}
				}
			}
		}
	}
}

func checkShape(t *testing.T, table *document.Table) {
	t.Helper()
	width := func(hs []document.Heading) (n int) {
		for _, h := range hs {
			n += max(1, h.Span)
		}
		return n
	}
	wide := width(table.Head[0])
	if len(table.Head) == 2 {
		down := 0
		for _, h := range table.Head[0] {
			if h.Down == 2 {
				down++
			}
		}
		if got := down + width(table.Head[1]); got != wide {
			t.Errorf("%s: the rows of the head are %d and %d wide", table.ID, wide, got)
		}
	}
	for _, r := range table.Rows {
		if !r.Heading && len(r.Cells)+1 != wide {
			t.Errorf("%s: row %q has %d cells below %d headings", table.ID, r.Name, len(r.Cells), wide)
		}
		for _, c := range r.Cells {
			for _, n := range c.Notes {
				if n < 1 || n > len(table.Notes) {
					t.Errorf("%s: %q points to footnote %d of %d", table.ID, c.Text, n, len(table.Notes))
				}
			}
			if c.Suppressed && (c.Value != nil || c.Text != show.Suppressed || c.Letters != "") {
				t.Errorf("%s: a withheld cell says %+v", table.ID, c)
			}
		}
	}
}

// Places get one decimal, the ranks that are possible, and dots in order of value; where the
// criterion changed the trend is broken and there is no difference.
func TestPlacesAndBreaks(t *testing.T) {
	doc := built(t, full(), surveys.ZH, fixtureOptions)
	city := tableOf(t, doc, "table-city")
	if got := city.Rows[0]; got.Cells[3].Text != "1–3" || got.Cells[0].Letters != "a" || got.Cells[0].Decimals != 1 {
		t.Errorf("the row of a city is %+v", got)
	}
	var cities, trend *document.Chart
	for _, s := range doc.Sections {
		for _, c := range chartsOf(s) {
			switch c.ID {
			case "chart-city":
				cities = c
			case "chart-trend":
				trend = c
			}
		}
	}
	if got := strings.Join(cities.Categories, " "); got != "南湖市 东海市 西山市 北原市" || cities.Kind != document.Dots {
		t.Errorf("the cities are drawn as %s, %s", cities.Kind, got)
	}
	if len(trend.Breaks) != 1 || trend.Categories[trend.Breaks[0].Before] != "2020" {
		t.Errorf("the trend is broken at %+v of %v", trend.Breaks, trend.Categories)
	}
	changes := tableOf(t, doc, "table-changes")
	if c := changes.Rows[0].Cells[4]; c.Value != nil || c.Text != show.Missing || len(c.Notes) != 1 {
		t.Errorf("the difference from a rate under another criterion is %+v", c)
	}
}

// drafted are the texts of the blocks that people may edit.
func drafted(doc *document.Document) (out []string) {
	for _, s := range doc.Sections {
		for _, b := range s.Blocks {
			if b.Text != nil && b.Text.ID != "" {
				out = append(out, b.Text.Paragraphs...)
			}
		}
	}
	return out
}

// No sentence is drafted without a significant fact, and one about a group never where the
// group's number is withheld: over random results, each sentence is accounted for by what
// the results say.
func TestDraftsOnlyFromSignificantFacts(t *testing.T) {
	names := map[string]string{"1": "东海市", "2": "西山市", "3": "南湖市", "4": "北原市", "male": "男", "female": "女", "urban": "城镇居民", "rural": "农村居民",
		"farmers": "农民", "elderly": "老年人", "workers": "产业工人"}
	rapid.Check(t, func(rt *rapid.T) {
		r := full()
		p := rapid.Float64Range(0, 0.2)
		hidden := withheldPlaces{}
		significant := map[string]bool{}
		for i := range r.Tables {
			x := &r.Tables[i]
			for k := range x.Groups {
				g := &x.Groups[k]
				g.Rows[0].Estimate.Value = rapid.Float64Range(0.01, 0.5).Draw(rt, "rate")
				if rapid.IntRange(0, 4).Draw(rt, "withheld") == 0 {
					hidden[Place{Table: tableID(*x), Group: g.Code}] = TooFew
				}
			}
			for _, list := range [][]assess.Contrast{x.Separation.Pairs, x.Separation.Others} {
				for k := range list {
					c := &list[k]
					c.P = p.Draw(rt, "p") / 4
					c.Adjusted = c.P
					c.Difference.Value = rapid.Float64Range(-0.2, 0.2).Draw(rt, "difference")
				}
			}
			kept := func(code string) bool { _, is := hidden[Place{Table: tableID(*x), Group: code}]; return !is }
			x.Separation = x.Separation.Among(r.Settings.Level, func(string) bool { return true })
			shown := x.Separation.Among(r.Settings.Level, kept) // the contrasts of groups that are shown
			for _, c := range slices.Concat(shown.Pairs, shown.Others) {
				for _, code := range []string{c.A, c.B} {
					if c.Significant(r.Settings.Level) {
						significant[names[code]] = true
					}
				}
			}
		}
		for i := range r.Changes {
			r.Changes[i].P = p.Draw(rt, "change")
			r.Changes[i].Comparable = rapid.Bool().Draw(rt, "comparable")
		}
		verdicts := []assess.Verdict{assess.Attained, assess.LikelyAttained, assess.LikelyMissed, assess.Missed}
		sureTargets := 0
		for i := range r.Targets {
			v := rapid.SampledFrom(verdicts).Draw(rt, "verdict")
			r.Targets[i].Verdict = v
			_, withheld := hidden[Place{Table: "city", Group: r.Targets[i].Target.Code}]
			if (v == assess.Attained || v == assess.Missed) && !withheld {
				sureTargets++
			}
		}
		opt := fixtureOptions
		opt.Disclosure = hidden
		doc, err := Build(r, surveys.ZH, opt)
		if err != nil {
			rt.Fatal(err)
		}
		for _, said := range drafted(doc) {
			switch {
			case strings.HasPrefix(said, "本次调查"):
				if !slices.ContainsFunc(r.Changes, func(c assess.Change) bool {
					return c.Comparable && c.P < 0.05 && strings.Contains(said, fmt.Sprint(c.Reference.Area, " ", c.Reference.Year))
				}) {
					rt.Fatalf("no significant change says %q", said)
				}
			case strings.Contains(said, "达到"):
				if sureTargets == 0 {
					rt.Fatalf("no sure verdict says %q", said)
				}
			case strings.HasPrefix(said, "按"), strings.HasPrefix(said, "重点人群中"):
				for _, name := range names {
					if strings.Contains(said, "“"+name+"”") || strings.Contains(said, name+"（") {
						if !significant[name] {
							rt.Fatalf("%q names %s, of which nothing significant may be said", said, name)
						}
					}
				}
			default:
				rt.Fatalf("a sentence of no known kind: %q", said)
			}
			for _, cause := range []string{"因为", "由于", "导致", "使得", "排名第", "第一位"} {
				if strings.Contains(said, cause) {
					rt.Fatalf("%q claims a cause or a rank", said)
				}
			}
		}
	})
}

// withheldPlaces withholds what it lists.
type withheldPlaces map[Place]Reason

func (w withheldPlaces) Withheld(p Place) (Reason, bool) {
	why, ok := w[p]
	return why, ok
}

// What is withheld stands nowhere in the bytes: each of its numbers is made one that
// nothing else in the report has.
func TestWithheldIsNowhere(t *testing.T) {
	mark := func(rows []assess.Row) {
		truth := 0.98767
		rows[0].Truth = &truth
		rows[0].Estimate = analysis.Estimate{Value: 0.97654, SE: 0.087651, Lo: 0.86543, Hi: 0.99444, Level: 0.95, DF: 7654, N: 76543, Weighted: 1, DEff: 6.54}
	}
	forbidden := []string{"97.6", "97.7", "0.97654", "8.76", "8.77", "86.5", "99.4", "98.7", "98.8", "7654", "7,654", "76,543", "6.54", "11,704"}
	r := full()
	hidden := withheldPlaces{}
	hide := func(p Place, rows []assess.Row) {
		mark(rows)
		hidden[p] = Complementary
	}
	hide(Place{Table: "city", Group: "1"}, r.Tables[0].Groups[0].Rows)
	hide(Place{Table: "key", Group: "farmers"}, r.Tables[3].Groups[0].Rows)
	mark(r.Tables[0].Scores[0].Rows) // a score is withheld with its rate
	mark(r.Tables[3].Scores[0].Rows)
	hide(Place{Table: "residence×sex", Group: "urban×male"}, r.Crossings[0].Cells[0][0])
	hide(Place{Table: "channels-any", Group: "C03/1", By: "1"}, r.Topics[1].By[0][0])
	hide(Place{Table: "interest", Group: "C02"}, r.Topics[0].Groups[1].Rows)
	hide(Place{Table: TableItems, Group: "K02"}, r.Items[1].Rows)
	hide(Place{Table: TableDimensions, Group: "method"}, r.Dimensions[1].Rows)
	hide(Place{Table: TableBands, Group: "high"}, r.Bands[0].Rows)
	for i := range 3 { // bands add up to 1
		r.Bands[i+1].Rows[0].Estimate.Value = (1 - 0.97654) / 3
	}
	hide(Place{Table: TableLevels, Group: "high"}, r.Levels[0].Rows)
	r.Targets[2].Target.Code, r.Targets[2].Estimate = "1", r.Tables[0].Groups[0].Rows[0].Estimate
	r.Tables[0].Separation.Others[0].Adjusted = 0
	for i := range r.Tables[0].Separation.Pairs {
		r.Tables[0].Separation.Pairs[i].Adjusted = 0
	}
	steps := r.Weighting.Steps
	for i := range steps {
		for k := range steps[i].Margins {
			if f := &steps[i].Margins[k]; f.Margin == "city/sex" {
				f.N, f.Before = 76543, 11900000.97654
			}
		}
	}
	for _, lang := range []surveys.Lang{surveys.ZH, surveys.EN} {
		seen := render(t, r, lang)
		for _, f := range forbidden[:1] {
			if !strings.Contains(body(seen), f) {
				t.Fatalf("without disclosure control %q is not in the report, so this test shows nothing", f)
			}
		}
		opt := fixtureOptions
		opt.Disclosure = hidden
		doc := built(t, r, lang, opt)
		var page strings.Builder
		if err := WriteHTML(&page, doc, nil); err != nil {
			t.Fatal(err)
		}
		for _, f := range forbidden {
			if at := strings.Index(body(page.String()), f); at >= 0 {
				t.Errorf("%s: %q is in the report: …%s…", lang, f, body(page.String())[max(0, at-120):at+20])
			}
		}
		if n := strings.Count(page.String(), show.Suppressed); n < 20 {
			t.Errorf("%s: only %d cells are marked as withheld", lang, n)
		}
		for _, reason := range []string{string(TooFew), string(Dominated), string(Complementary)} {
			if strings.Contains(body(page.String()), reason+"<") || strings.Contains(body(page.String()), reason+"\"") {
				t.Errorf("%s: the report tells the reason %q", lang, reason)
			}
		}
		for _, s := range drafted(doc) {
			if strings.Contains(s, "东海市") || strings.Contains(s, "Donghai") {
				t.Errorf("%s: a sentence was drafted on a withheld city: %q", lang, s)
			}
		}
	}
}

// The note that the presentation standard forbids a number withholds it, and the score with it.
func TestSuppressNoteWithholds(t *testing.T) {
	r := full()
	r.Tables[2].Groups[0].Rows[0].Estimate.Notes = []analysis.Note{{Code: analysis.Suppress, Value: 0.4}}
	doc := built(t, r, surveys.EN, fixtureOptions)
	for _, id := range []string{"table-residence", "table-residence-precision", "table-residence-score", "table-residence-score-precision"} {
		for i, row := range tableOf(t, doc, id).Rows {
			for _, c := range row.Cells {
				if c.Suppressed != (i == 0) {
					t.Errorf("%s: row %d says %q", id, i, c.Text)
				}
			}
		}
	}
}
