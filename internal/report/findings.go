package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// A fact is a significant result with its sentence. The key says the same without words,
// with the numbers as they are printed: a text is out of date when a key has changed.
type fact struct{ key, sentence string }

// A draft is a block that people may edit, with the facts it was drafted from.
type draft struct {
	facts []fact
	style document.TextStyle
}

// draft puts a block that people may edit into the current section. Without facts it holds
// nothing until somebody writes something.
func (b *builder) draft(id string, facts []fact) { b.draftAs(id, facts, document.Plain) }

func (b *builder) draftAs(id string, facts []fact, style document.TextStyle) {
	b.drafts[id] = draft{facts, style}
	b.add(document.Block{Text: &document.Text{ID: id, Style: style}})
}

// sentences are the drafted paragraphs.
func (d draft) sentences() []string {
	var out []string
	for _, f := range d.facts {
		out = append(out, f.sentence)
	}
	return out
}

// fingerprint is the digest of the facts: 12 hexadecimal digits.
func (d draft) fingerprint() string {
	var keys []string
	for _, f := range d.facts {
		keys = append(keys, f.key)
	}
	return digest(strings.Join(keys, "\n"))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

// findings is the chapter that people finish: all facts in one list, and their suggestions.
func (b *builder) findings() {
	b.section("findings", b.say("findings"), 1)
	facts := append(b.targetFacts(), b.changeFacts()...)
	for _, t := range b.results.Tables {
		facts = append(facts, b.tableFacts(t)...)
	}
	b.section("main-findings", b.say("findings.main"), 2)
	if len(facts) > 0 {
		b.write(document.Small, b.say("findings.drafted", "level", show.Number(1-b.results.Settings.Level, 2)))
	}
	b.draftAs("findings", facts, document.Bullets)
	b.section("suggestions", b.say("findings.suggestions"), 2)
	b.draft("suggestions", nil)
}

// targetFacts are the targets that are surely reached or surely missed.
func (b *builder) targetFacts() []fact {
	var out []fact
	how := show.Column{Lang: b.lang, Scale: 100, Unit: "%", Decimals: 1}
	for _, a := range b.published() {
		if a.Verdict != assess.Attained && a.Verdict != assess.Missed {
			continue
		}
		rate, target := how.Value(a.Estimate.Value), b.targetValue(a.Target)
		out = append(out, fact{
			fmt.Sprint("target ", a.Target.Code, a.Target.Year, " ", a.Verdict, " ", rate, " ", target),
			b.say("fact.target."+string(a.Verdict), "name", b.targetName(a.Target), "target", target, "rate", rate,
				"level", b.level(), "interval", b.interval(how, a.Estimate), "p", relation(a.Adjusted)),
		})
	}
	return out
}

// changeFacts are the references under the same criterion from which the rate differs
// significantly, after Holm's correction for all of them.
func (b *builder) changeFacts() []fact {
	if b.headlineHidden() {
		return nil
	}
	compared := b.compared()
	holm := adjusted(compared)
	rate := show.PercentColumn(b.lang, estimates(b.results.Headline)).Value(b.results.Headline[len(b.results.Headline)-1].Estimate.Value)
	var out []fact
	for i, c := range compared {
		if !(holm[i] < 1-b.results.Settings.Level) || c.Difference.Value == 0 {
			continue
		}
		key, difference := "fact.change.higher", show.Number(math.Abs(100*c.Difference.Value), 1)
		if c.Difference.Value < 0 {
			key = "fact.change.lower"
		}
		ref := show.Percent(c.Reference.Rate, 2)
		sentence := b.say(key, "rate", rate, "area", b.areaName(c.Reference), "year", fmt.Sprint(c.Reference.Year), "reference", ref,
			"difference", difference, "p", relation(holm[i]))
		if math.IsNaN(c.Reference.SE) || c.Reference.SE == 0 {
			sentence += b.space() + b.say("fact.change.no-error")
		}
		if slices.ContainsFunc(c.Difference.Notes, func(n analysis.Note) bool { return n.Code == assess.OtherItems }) {
			sentence += b.space() + b.say("fact.change.other-items")
		}
		out = append(out, fact{fmt.Sprint("change ", c.Reference.Code, c.Reference.Year, " ", rate, " ", ref, " ", difference, " ", key), sentence})
	}
	return out
}

// compared are the changes that were tested.
func (b *builder) compared() []assess.Change {
	var out []assess.Change
	for _, c := range b.results.Changes {
		if c.Comparable && !math.IsNaN(c.P) && !math.IsNaN(c.Difference.Value) {
			out = append(out, c)
		}
	}
	return out
}

// adjusted are the p values of changes after Holm's step-down correction.
func adjusted(changes []assess.Change) []float64 {
	p := make([]float64, len(changes))
	for i, c := range changes {
		p[i] = c.P
	}
	return analysis.Holm(p)
}

// tableFacts are what the contrasts of a table show: that of its two groups, or of the
// highest and the lowest one, and the groups that differ from all others.
func (b *builder) tableFacts(t assess.Table) []fact {
	if t.Separation == nil {
		return nil
	}
	id := tableID(t)
	how := b.column(estimated{table: id, groups: t.Groups, total: b.everybody(), places: isPlaces(t.Factor)})
	factor := b.text(t.Factor.Title)
	if b.isSeries() {
		factor = b.series(len(b.results.SeriesLevels)-1) + b.say("rule.comma") + factor
	}
	var out []fact
	if high, low, ok := b.extremes(id, t.Groups, t.Separation); ok && !isPlaces(t.Factor) {
		c := contrast(t.Separation.Pairs, high.Code, low.Code)
		hi, lo := how.Value(lastValue(high)), how.Value(lastValue(low))
		out = append(out, fact{
			fmt.Sprint("pair ", id, " ", high.Code, " ", hi, " ", low.Code, " ", lo),
			b.say("fact.pair", "factor", factor, "high", b.text(high.Name), "rate", hi, "low", b.text(low.Name), "other", lo, "p", relation(c.Adjusted)),
		})
	}
	if len(t.Groups) < 3 {
		return out
	}
	higher, lower := "fact.others.higher", "fact.others.lower"
	if t.Set != nil { // the groups overlap and leave people out, who are among the others
		higher, lower = "fact.outside.higher", "fact.outside.lower"
	}
	for _, side := range []struct {
		key  string
		sign float64
	}{{higher, 1}, {lower, -1}} {
		var names, keys []string
		for _, g := range b.apart(id, t, side.sign) {
			rate := how.Value(lastValue(g))
			names = append(names, b.say("fact.group", "name", b.text(g.Name), "rate", rate))
			keys = append(keys, g.Code+" "+rate)
		}
		if len(names) > 0 {
			out = append(out, fact{
				fmt.Sprint(side.key, " ", id, " ", strings.Join(keys, " ")),
				b.say(side.key, "factor", factor, "list", join(names, b.say("fact.and"))),
			})
		}
	}
	return out
}

// apart are the groups that differ significantly from all others, above or below.
func (b *builder) apart(table string, t assess.Table, sign float64) []assess.Group {
	var out []assess.Group
	for _, g := range t.Groups {
		if b.withholds(table, g) || math.IsNaN(lastValue(g)) {
			continue
		}
		for _, c := range t.Separation.Others {
			if c.A == g.Code && c.B == "" && c.Significant(b.results.Settings.Level) && sign*c.Difference.Value > 0 {
				out = append(out, g)
			}
		}
	}
	return out
}

// extremes are the groups with the highest and the lowest rate of those published, if they
// differ significantly.
func (b *builder) extremes(table string, groups []assess.Group, s *assess.Separation) (high, low assess.Group, ok bool) {
	if s == nil {
		return high, low, false
	}
	var shown []assess.Group
	for _, g := range groups {
		if !b.withholds(table, g) && !math.IsNaN(lastValue(g)) {
			shown = append(shown, g)
		}
	}
	if len(shown) < 2 {
		return high, low, false
	}
	byRate := func(x, y assess.Group) int { return cmp.Compare(lastValue(x), lastValue(y)) }
	high, low = slices.MaxFunc(shown, byRate), slices.MinFunc(shown, byRate)
	c := contrast(s.Pairs, high.Code, low.Code)
	return high, low, c.Significant(b.results.Settings.Level) && c.Difference.Value > 0
}

// contrast is that of group x less group y, turned round where the list has it the other
// way; without one its p is NaN, which is not significant.
func contrast(all []assess.Contrast, x, y string) assess.Contrast {
	for _, c := range all {
		switch {
		case c.A == x && c.B == y:
			return c
		case c.A == y && c.B == x:
			d := c.Difference
			d.Value, d.Lo, d.Hi = -d.Value, -d.Hi, -d.Lo
			return assess.Contrast{A: x, B: y, Difference: d, P: c.P, Adjusted: c.Adjusted}
		}
	}
	return assess.Contrast{Difference: analysis.Estimate{Value: math.NaN()}, P: math.NaN(), Adjusted: math.NaN()}
}

// lastValue is the estimate of a group in the last level of the series.
func lastValue(g assess.Group) float64 {
	if len(g.Rows) == 0 {
		return math.NaN()
	}
	return g.Rows[len(g.Rows)-1].Estimate.Value
}

// relation writes a p value in a sentence, with spaces at which no line may end.
func relation(p float64) string {
	text := probability(p)
	if below, ok := strings.CutPrefix(text, "<"); ok {
		return "p\u00a0<\u00a0" + below
	}
	return "p\u00a0=\u00a0" + text
}
