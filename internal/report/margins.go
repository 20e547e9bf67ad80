package report

import (
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// marginTable compares one margin with the population.
func (b *builder) marginTable(fits []weighting.MarginFit) *document.Table {
	margin := fits[0].Margin
	t := b.newTable("margin-"+strings.ReplaceAll(margin, "/", "-"), b.say("weights.title")+b.say("rule.comma")+b.marginName(margin), "")
	t.Base = ""
	t.Head = [][]document.Heading{b.heads("weights.col.category", "col.n", "weights.col.target", "weights.col.target.share", "weights.col.before", "weights.col.after")}
	var target, before, after float64
	for _, f := range fits {
		target, before, after = target+f.Target, before+f.Before, after+f.After
	}
	part := func(x, whole float64) document.Cell {
		return numeric(show.Percent(share(x, whole), 2), share(x, whole), document.Share, 2)
	}
	withheld := b.marginWithheld(fits)
	for _, f := range fits {
		n, was := count(f.N), part(f.Before, before)
		if withheld {
			n = document.Cell{Text: show.Suppressed, Suppressed: true}
			was = n
		}
		t.Rows = append(t.Rows, document.Row{Name: b.marginLevel(f), Cells: []document.Cell{
			n, numeric(show.Number(f.Target, 0), f.Target, document.Count, 0), part(f.Target, target), was, part(f.After, after),
		}})
	}
	if withheld {
		t.Notes = []string{b.say("note.withheld.margin")}
	}
	return t
}

// marginWithheld says whether the numbers of any category of a margin are withheld. Then
// the sample's are of all its categories, since one alone follows from the others.
func (b *builder) marginWithheld(fits []weighting.MarginFit) bool {
	for _, f := range fits {
		for _, p := range marginPlaces(f) {
			for s := range b.results.SeriesLevels {
				if _, hidden := b.hidden(b.place(p.Table, p.Group, s), analysis.Estimate{}); hidden {
					return true
				}
			}
		}
	}
	return false
}

// marginPlaces are where the people of a category are: the category itself, the groups that
// it lies in, and the cells of crossings, in either order, of which it is one.
func marginPlaces(f weighting.MarginFit) []Place {
	places := []Place{{Table: f.Margin, Group: f.Level}}
	factors := strings.Split(f.Margin, "/")
	for merged := range strings.SplitSeq(f.Level, " + ") {
		codes := strings.Split(merged, "/")
		for i := range min(len(factors), len(codes)) {
			places = append(places, Place{Table: factors[i], Group: codes[i]})
			for k := range i {
				places = append(places, Place{Table: factors[i] + "×" + factors[k], Group: codes[i] + "×" + codes[k]},
					Place{Table: factors[k] + "×" + factors[i], Group: codes[k] + "×" + codes[i]})
			}
		}
	}
	return places
}

// marginName writes a margin by the titles of its factors.
func (b *builder) marginName(name string) string {
	ids := strings.Split(name, "/")
	for i, id := range ids {
		if f := b.factor(id); f != nil {
			ids[i] = b.text(f.Title)
		}
	}
	return join(ids, " × ")
}

// marginLevel writes a category of a margin by the names of its levels.
func (b *builder) marginLevel(fit weighting.MarginFit) string {
	return b.levelNames(strings.Split(fit.Margin, "/"), fit.Level)
}
