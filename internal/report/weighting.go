package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// Weighting writes the convergence report of a weighting as text: every step with its
// weights, classes and margins, what it all rests on, and what standard errors know of
// it. The record may be that of a weighting that failed.
func Weighting(out io.Writer, record *assess.Weighting, plan *assess.Plan, lang surveys.Lang) error {
	w, ok := texts[lang]
	if !ok {
		return fmt.Errorf("no words in the language %q; use zh or en", lang)
	}
	b := &builder{results: &assess.Results{Plan: plan, Weighting: record}, lang: lang, words: w}
	var s strings.Builder
	for _, line := range b.outcomes() {
		fmt.Fprintln(&s, line)
	}
	for i, step := range record.Steps {
		fmt.Fprintf(&s, "%d. %s\n", i+1, b.stepHead(step))
		for _, line := range b.stepWords(step) {
			fmt.Fprintf(&s, "   %s\n", line)
		}
		if err := b.stepTables(&s, step); err != nil {
			return err
		}
	}
	for _, line := range slices.Concat(b.totals(), b.assumptions(), b.known()) {
		fmt.Fprintln(&s, line)
	}
	_, err := io.WriteString(out, s.String())
	return err
}

// outcomes says what came of the cases.
func (b *builder) outcomes() []string {
	w := b.results.Weighting
	o := w.Outcomes
	if o == (assess.Outcomes{}) {
		return nil
	}
	out := []string{
		b.say("method.weighting.outcomes", "n", show.Count(o.Respondents+o.Nonrespondents+o.Ineligible+o.Unknown),
			"respondents", show.Count(o.Respondents), "nonrespondents", show.Count(o.Nonrespondents),
			"ineligible", show.Count(o.Ineligible), "unknown", show.Count(o.Unknown)),
		b.say("method.weighting.unscored." + w.Unscored),
	}
	if w.Substitutes > 0 {
		out = append(out, b.say("method.weighting.substitutes", "n", show.Count(w.Substitutes)))
	}
	if w.FromFieldwork {
		out = append(out, b.say("method.weighting.fieldwork"))
	}
	return out
}

// steps are the steps of the weighting, one paragraph each.
func (b *builder) steps() []string {
	var out []string
	for _, s := range b.results.Weighting.Steps {
		out = append(out, b.stepHead(s)+b.space()+join(b.stepWords(s), b.space()))
	}
	return out
}

// stepHead names a step and describes the weights after it.
func (b *builder) stepHead(s weighting.Step) string {
	return b.say("step.head", "name", b.say("step."+s.What), "n", show.Count(s.N), "sum", number(s.Sum),
		"min", number(s.Min), "median", number(s.Median), "max", number(s.Max),
		"before", show.Number(s.KishBefore, 3), "after", show.Number(s.KishAfter, 3))
}

// number writes a weight, or a sum of weights, with enough digits to be seen.
func number(x float64) string {
	switch {
	case math.Abs(x) >= 1000:
		return show.Number(x, 0)
	case math.Abs(x) >= 10:
		return show.Number(x, 1)
	}
	return show.Number(x, 4)
}

// stepWords says what a step did beyond that.
func (b *builder) stepWords(s weighting.Step) []string {
	var out []string
	if settings := b.settings(s); settings != "" {
		out = append(out, settings)
	}
	if len(s.Rounds) > 0 {
		key := "step.rounds.failed"
		if s.Converged {
			key = "step.rounds"
		}
		out = append(out, b.say(key, "rounds", show.Count(len(s.Rounds)), "distance", scientific(s.Rounds[len(s.Rounds)-1])))
	}
	switch s.What {
	case "leave out":
		c := s.Classes[0]
		why, margin, missing := strings.Cut(c.Name, ": ")
		key := "step.left.nonrespondents"
		if missing && why == "missing" {
			key = "step.left.missing"
		}
		out = append(out, b.say(key, "n", show.Count(c.N), "weight", number(c.Before), "margin", b.marginName(margin)))
	case "trim":
		out = append(out, b.say("step.trimmed", "below", show.Count(s.Classes[0].N), "above", show.Count(s.Classes[2].N), "n", show.Count(s.N)))
	case "household selection":
		out = append(out, b.householdWords(s)...)
	case "nonresponse", "unknown eligibility", "response propensity", "collapse":
		out = append(out, b.classWords(s)...)
	}
	return out
}

// householdWords says how many eligible persons households had, and whose factor was
// limited. The classes are named by the number of persons, the smallest first.
func (b *builder) householdWords(s weighting.Step) []string {
	last := s.Classes[len(s.Classes)-1]
	out := []string{b.say("step.household", "n", show.Count(len(s.Classes)), "low", s.Classes[0].Name, "high", last.Name)}
	limited := 0
	for _, c := range s.Classes {
		if trim(c.Factor) != c.Name {
			limited += c.N
		}
	}
	if limited > 0 {
		out = append(out, b.say("step.household.capped", "n", show.Count(limited), "most", trim(last.Factor)))
	}
	return out
}

// settings lists the settings of a step.
func (b *builder) settings(s weighting.Step) string {
	var list []string
	for _, x := range s.Settings {
		value := x.Text
		switch {
		case b.words["step.setting."+value] != "":
			value = b.say("step.setting." + value)
		case x.Name == "margin" || x.Name == "classes":
			value = b.marginName(strings.ReplaceAll(value, " × ", "/"))
		case x.Name == "terms":
			value = b.terms(value)
		case value == "":
			value = trimSetting(x.Value)
		}
		name := x.Name
		if words, ok := b.words["step.setting."+name]; ok {
			name = words
		} else if mode, ok := strings.CutPrefix(name, "share of "); ok {
			name = b.say("step.share", "mode", mode)
		}
		list = append(list, b.say("step.setting", "name", name, "value", value))
	}
	if len(list) == 0 {
		return ""
	}
	return b.say("step.settings", "list", join(list, b.say("step.semicolon")))
}

// terms writes the terms of a model by the names of their factors.
func (b *builder) terms(list string) string {
	terms := strings.Split(list, ", ")
	for i, t := range terms {
		terms[i] = b.marginName(strings.ReplaceAll(t, ":", "/"))
	}
	return join(terms, b.say("rule.comma"))
}

// trimSetting writes a setting, very small ones by their power of ten.
func trimSetting(x float64) string {
	switch {
	case x == math.Trunc(x):
		return show.Number(x, 0)
	case math.Abs(x) < 1e-3:
		return scientific(x)
	}
	return number(x)
}

// classWords says how many classes there are, which were merged, and which are empty.
func (b *builder) classWords(s weighting.Step) []string {
	var merged, empty []string
	n, low, high := 0, math.Inf(1), math.Inf(-1)
	for _, c := range s.Classes {
		if c.N == 0 {
			empty = append(empty, b.className(s, c.Name))
			continue
		}
		n++
		low, high = min(low, c.Factor), max(high, c.Factor)
		if len(c.Merged) > 0 {
			merged = append(merged, b.className(s, c.Name))
		}
	}
	key := "step.classes"
	if s.What == "collapse" || low == 0 {
		key = "step.classes.only"
	}
	out := []string{b.say(key, "n", show.Count(n), "low", show.Number(low, 3), "high", show.Number(high, 3))}
	semicolon := b.say("step.semicolon")
	if len(merged) > 0 {
		out = append(out, b.say("step.merged", "list", join(merged, semicolon)))
	}
	if len(empty) > 0 {
		out = append(out, b.say("step.empty", "list", join(empty, semicolon)))
	}
	return out
}

// className writes a class by the names of the levels it is made of.
func (b *builder) className(s weighting.Step, name string) string {
	i := slices.IndexFunc(s.Settings, func(x weighting.Setting) bool { return x.Name == "classes" || x.Name == "margin" })
	if i < 0 {
		return name
	}
	var class, of string
	switch n, _ := fmt.Sscanf(name, "class %s of %s", &class, &of); {
	case s.Settings[i].Text == "all":
		return b.say("step.all")
	case n == 2 && s.Settings[i].Text == "propensity":
		return b.say("step.class", "i", class, "n", of)
	}
	ids := strings.Split(strings.ReplaceAll(s.Settings[i].Text, " × ", "/"), "/")
	return b.levelNames(ids, strings.ReplaceAll(name, " × ", "/"))
}

// stepTables writes the classes and the margins of a step in columns.
func (b *builder) stepTables(out io.Writer, s weighting.Step) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") }
	if s.What != "collapse" && len(s.Classes) > 1 && s.What != "trim" {
		row(b.say("step.col.class"), "n", b.say("step.col.kept"), b.say("step.col.before"), b.say("step.col.after"), b.say("step.col.factor"))
		for _, c := range s.Classes {
			factor := show.Missing
			if c.Factor > 0 {
				factor = show.Number(c.Factor, 3)
			}
			row(b.className(s, c.Name), show.Count(c.N), show.Count(c.Kept), number(c.Before), number(c.After), factor)
		}
	}
	margin := ""
	for _, f := range s.Margins {
		if f.Margin != margin {
			margin = f.Margin
			row(b.marginName(margin), "n", b.say("weights.col.target"), b.say("step.col.before"), b.say("step.col.after"))
		}
		row(b.marginLevel(f), show.Count(f.N), number(f.Target), number(f.Before), number(f.After))
	}
	return t.Flush()
}

// totals says what the margins add up to.
func (b *builder) totals() []string {
	for _, s := range slices.Backward(b.results.Weighting.Steps) {
		if len(s.Margins) == 0 {
			continue
		}
		total := 0.0
		for _, f := range s.Margins {
			if f.Margin == s.Margins[0].Margin {
				total += f.Target
			}
		}
		return []string{b.say("step.total", "total", number(total))}
	}
	return nil
}

// known says which parts of the weighting standard errors know, and which they take as
// given.
func (b *builder) known() []string {
	w := b.results.Weighting
	var margins, given []string
	for _, m := range w.Calibration {
		margins = append(margins, b.marginName(m.Name()))
	}
	for _, part := range w.Given() {
		given = append(given, b.say("given."+part))
	}
	var out []string
	comma := b.say("rule.comma")
	if len(margins) > 0 {
		out = append(out, b.say("step.known", "list", join(margins, comma)))
	}
	if len(given) > 0 {
		out = append(out, b.say("step.given", "list", join(given, comma)))
	}
	return out
}

// factor finds a factor of the plan or of the weighting.
func (b *builder) factor(id string) *assess.Factor {
	if f := b.results.Plan.Factor(id); f != nil {
		return f
	}
	if w := b.results.Weighting; w != nil {
		for i := range w.Factors {
			if w.Factors[i].ID == id {
				return &w.Factors[i]
			}
		}
	}
	return nil
}

// levelNames writes crossed level codes, joined with "/", by their names; merged ones
// are joined with " + ".
func (b *builder) levelNames(factors []string, crossing string) string {
	var merged []string
	for part := range strings.SplitSeq(crossing, " + ") {
		codes := strings.Split(part, "/")
		for i := range min(len(factors), len(codes)) {
			f := b.factor(factors[i])
			if f == nil {
				continue
			}
			if k := slices.IndexFunc(f.Levels, func(l assess.Level) bool { return l.Code == codes[i] }); k >= 0 {
				codes[i] = b.text(f.Levels[k].Name)
			}
		}
		merged = append(merged, join(codes, " × "))
	}
	return join(merged, " + ")
}
