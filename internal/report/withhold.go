package report

import (
	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
)

// Disclosure decides which numbers of a report must not be published. What is withheld
// stands nowhere in the document: neither the estimate nor its interval, its number of
// respondents, its standard error, its point in a chart, nor a sentence about it.
type Disclosure interface {
	// Withheld says why the numbers of a place must not be published; withheld is false for
	// those that may be.
	Withheld(p Place) (why Reason, withheld bool)
}

// Place names the numbers of one group.
type Place struct {
	// Table is the ID of a factor, of a set of groups or of a topic, the IDs of two factors
	// with "×" between them for a crossing, or one of the tables below.
	Table string
	// Group is the code of the group in its table; of a crossing, the code of the row and
	// that of the column with "×" between them. Of everybody it is empty.
	Group string
	// By is the code of a level of the factor that a topic is shown by; otherwise empty.
	By string
	// Series is the code of the level of the plan's series; empty for a single wave.
	Series string
}

// The tables of everybody.
const (
	TableHeadline   = "headline"
	TableScore      = "score"
	TableLevels     = "levels"
	TableBands      = "bands"
	TableDimensions = "dimensions"
	TableItems      = "items"
)

// Reason says why a number is withheld. It is for the office: a reader who knows it knows
// something of the number, such as that fewer than ten people are in it. The report says
// only that the number is withheld to protect respondents, or that it is unreliable.
type Reason string

// The reasons.
const (
	TooFew        Reason = "few"           // fewer people than may be published
	Dominated     Reason = "dominance"     // a few people make up most of the number
	Complementary Reason = "complementary" // another withheld number could be computed from it
	Unreliable    Reason = "unreliable"    // the presentation standard forbids to show it
)

// hidden says why an estimate of a place is withheld.
func (b *builder) hidden(p Place, e analysis.Estimate) (Reason, bool) {
	if b.opt.Disclosure != nil {
		if why, withheld := b.opt.Disclosure.Withheld(p); withheld {
			return why, true
		}
	}
	for _, n := range e.Notes {
		switch n.Code {
		case noteHidden:
			return Complementary, true
		case analysis.Suppress:
			return Unreliable, true
		}
	}
	return "", false
}

// noteHidden is the note on an estimate that disclosure control has hidden.
const noteHidden analysis.NoteCode = "hidden"

// place is where the row of a group stands; series is the index of its level.
func (b *builder) place(table, group string, series int) Place {
	p := Place{Table: table, Group: group}
	if b.isSeries() {
		p.Series = b.results.SeriesLevels[series].Code
	}
	return p
}

// withholds says whether the last row of a group is withheld, which is the one that
// contrasts are about.
func (b *builder) withholds(table string, g assess.Group) bool {
	last := len(g.Rows) - 1
	if last < 0 {
		return true
	}
	_, hidden := b.hidden(b.place(table, g.Code, last), g.Rows[last].Estimate)
	return hidden
}

// withheldArea says whether the rate of an area is withheld, by the code of its group in
// any table.
func (b *builder) withheldArea(code string) bool {
	for _, t := range b.results.Tables {
		for _, g := range t.Groups {
			if g.Code == code && b.withholds(tableID(t), g) {
				return true
			}
		}
	}
	return false
}

// tableID is the ID of the factor or the set that a table is about.
func tableID(t assess.Table) string {
	if t.Set != nil {
		return t.Set.ID
	}
	return t.Factor.ID
}
