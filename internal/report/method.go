package report

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/report/document"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// survey is the chapter on how the survey was done. An entry without text is left out.
func (b *builder) survey() {
	r, m := b.results, b.results.Plan.Method
	b.section("survey", b.say("survey"), 1)
	b.entries(
		b.entry("method.population", b.text(m.Population)),
		b.entry("method.design", b.text(m.Design), b.designSize()),
		b.entry("method.size", b.sampleSize()),
		b.entry("method.fieldwork", b.text(m.Fieldwork)),
		b.entry("method.questionnaire", b.questionnaire(r.Questionnaire)),
		b.entry("method.criterion", b.criterion(r.Questionnaire.Criterion)...),
		b.entry("method.weighting", b.text(m.Weighting), b.onlyBase()),
		b.entry("method.lists", b.codeLists()...),
		b.entry("method.source", b.text(m.Source)),
		b.entry("method.caution", b.text(m.Caution)),
	)
}

// onlyBase says so of a report with the base weights alone, since the plan may describe the
// weighting that is still to come.
func (b *builder) onlyBase() string {
	if b.results.Weighting != nil {
		return ""
	}
	return b.say("method.weighting.base")
}

// method is the annex on weights, errors and definitions.
func (b *builder) method() {
	b.annex("method", b.say("method"))
	b.section("weighting", b.say("method.weighting"), 2)
	b.write(document.Plain, b.weighting()...)
	b.section("weighting-steps", b.say("method.steps"), 2)
	b.write(document.Steps, b.stepList()...)
	b.section("assumptions", b.say("method.assumptions"), 2)
	b.write(document.Bullets, b.assumptions()...)
	b.section("errors", b.say("method.error"), 2)
	b.errors()
	b.section("withheld", b.say("method.disclosure"), 2)
	b.write(document.Bullets, b.disclosureRules()...)
	b.section("definitions", b.say("method.definitions"), 2)
	b.write(document.Bullets, b.definitions()...)
	b.section("software", b.say("method.software"), 2)
	b.write(document.Plain, b.say("method.software.value", "program", b.opt.Program))
}

// disclosureRules are the rules by which numbers were withheld, and why those of the plan are
// weaker than usual, if they are. A rule that is switched off is not said.
func (b *builder) disclosureRules() []string {
	p, judged := b.opt.Disclosure.(*Protected)
	if !judged {
		return nil
	}
	r := p.Rules
	var out []string
	say := func(applies bool, key string, pairs ...string) {
		if applies {
			out = append(out, b.say("method.disclosure."+key, pairs...))
		}
	}
	share := func(x float64) string { return show.Percent(x, 0) }
	say(r.MinN > 0, "people", "n", show.Count(r.MinN))
	say(r.MinPSUs > 1, "psus", "n", show.Count(r.MinPSUs))
	say(r.MinOutcome > 0 && r.SmallGroup > 0, "outcome", "n", show.Count(r.MinOutcome), "small", show.Count(r.SmallGroup))
	say(r.MinDifference > 0, "difference", "n", show.Count(r.MinDifference))
	say(r.TopShare > 0 && r.TopShare < 1, "dominance", "share", share(r.TopShare))
	say(r.Percent > 0, "remainder", "share", share(r.Percent))
	say(true, "others", "persons", show.Count(r.Persons), "share", share(r.Share))
	if weaker := b.results.Plan.WeakerRules(); len(weaker) > 0 {
		names := make([]string, len(weaker))
		for i, key := range weaker {
			names[i] = b.say("method.disclosure.rule." + key)
		}
		say(true, "weaker", "n", show.Count(len(weaker)), "rules", join(names, b.say("rule.comma")), "reason", b.text(b.results.Plan.Disclosure.Reason))
	}
	return out
}

// entry joins the texts that are not empty.
func (b *builder) entry(key string, texts ...string) document.Fact {
	var said []string
	for _, s := range texts {
		if s = strings.TrimSpace(s); s != "" {
			said = append(said, s)
		}
	}
	return document.Fact{Term: b.say(key), Text: join(said, b.space())}
}

// entries puts those with a text into the current section.
func (b *builder) entries(all ...document.Fact) {
	var facts []document.Fact
	for _, f := range all {
		if f.Text != "" {
			facts = append(facts, f)
		}
	}
	b.add(document.Block{Facts: facts})
}

// codeLists names the editions of the lists that places are chosen from, and of the
// definitions of groups and factors.
func (b *builder) codeLists() []string {
	var lists, out []string
	for it := range b.results.Questionnaire.Items {
		if it.Division != nil && !slices.Contains(lists, it.Division.List) {
			lists = append(lists, it.Division.List)
		}
	}
	if len(lists) > 0 {
		out = append(out, b.say("method.lists.divisions", "list", join(lists, b.say("rule.comma"))))
	}
	for _, s := range b.results.Plan.Groups {
		out = append(out, b.say("method.lists.set", "title", b.text(s.Title), "version", s.Version))
	}
	for _, f := range b.results.Plan.Factors {
		if f.Version != "" {
			out = append(out, b.say("method.lists.set", "title", b.text(f.Title), "version", f.Version))
		}
	}
	return out
}

// definitions say who belongs to the groups that are defined by a condition, and what the
// levels of factors with a version are made of.
func (b *builder) definitions() []string {
	var out []string
	for _, s := range b.results.Plan.Groups {
		for _, g := range s.Groups {
			out = append(out, b.say("method.definition", "title", b.text(s.Title), "version", s.Version, "name", b.text(g.Name), "when", g.When))
		}
		if source := b.text(s.Source); source != "" {
			out = append(out, b.say("method.definition.source", "title", b.text(s.Title), "source", source))
		}
	}
	for i := range b.results.Plan.Factors {
		f := &b.results.Plan.Factors[i]
		for _, l := range f.Levels {
			when := l.When
			if when == "" && f.Version != "" {
				when = join(b.members(f, l), b.say("method.definition.and"))
			}
			if when != "" {
				out = append(out, b.say("method.definition", "title", b.text(f.Title), "version", f.Version, "name", b.text(l.Name), "when", when))
			}
		}
		if source := b.text(f.Source); source != "" {
			out = append(out, b.say("method.definition.source", "title", b.text(f.Title), "source", source))
		}
	}
	return out
}

// members names the values that a level is made of as the levels of another factor of the same
// column or question do, such as the cities of a region.
func (b *builder) members(f *assess.Factor, l assess.Level) []string {
	names := slices.Clone(l.Values)
	for i, v := range names {
		for _, other := range b.results.Plan.Factors {
			if other.ID == f.ID || other.Answer != f.Answer || other.Sample != f.Sample {
				continue
			}
			for _, part := range other.Levels {
				if len(part.Values) == 1 && part.Values[0] == v {
					names[i] = b.text(part.Name)
				}
			}
		}
	}
	return names
}

func (b *builder) designSize() string {
	r := b.results
	return b.say("method.design.size", "strata", show.Count(r.Strata), "psus", show.Count(r.PSUs))
}

// rates are the outcome rates of the fieldwork, with e by proportional allocation.
func (b *builder) rates(f *assess.Fieldwork) string {
	count := func(x float64) string { return show.Count(int(x)) }
	pairs := []string{"drawn", count(f.Cases.Eligible() + f.Cases.Unknown() + f.Cases.NE), "n", count(f.Cases.I), "partial", count(f.Cases.P),
		"ineligible", count(f.Cases.NE), "unknown", count(f.Cases.Unknown())}
	for _, of := range []struct {
		name   string
		counts fieldwork.Counts
	}{{"", f.Cases}, {"-weighted", f.Weighted}} {
		e, _ := of.counts.E()
		pairs = append(pairs, "e"+of.name, show.Percent(e, 1))
		for _, r := range []fieldwork.Rate{fieldwork.RR1, fieldwork.RR3, fieldwork.COOP1, fieldwork.REF1, fieldwork.CON1} {
			value, known := of.counts.Rate(r, e)
			text := show.Missing
			if known {
				text = show.Percent(value, 1)
			}
			pairs = append(pairs, r.String()+of.name, text)
		}
	}
	return b.say("method.size.rates", pairs...)
}

func (b *builder) sampleSize() string {
	r := b.results
	if r.Fieldwork != nil {
		return b.rates(r.Fieldwork)
	}
	if r.Drawn > r.Responded {
		return b.say("method.size.completed", "drawn", show.Count(r.Drawn), "n", show.Count(r.Responded), "rate", b.completion())
	}
	return b.say("method.size.only", "n", show.Count(r.Responded))
}

func (b *builder) questionnaire(q *surveys.Questionnaire) string {
	return b.say("method.questionnaire.value", "title", b.text(q.Title), "edition", q.Edition, "version", q.Version())
}

// criterion says the rule, the points, and what becomes of answers that are none.
func (b *builder) criterion(c *surveys.Criterion) []string {
	var dims []string
	for _, d := range c.Dimensions {
		dims = append(dims, b.say("rule.dimension", "name", b.text(d.Name), "points", trim(d.Points)))
	}
	points := b.say("rule.points", "max", trim(c.MostPoints()), "dimensions", join(dims, b.say("rule.comma")))
	return []string{
		b.say("summary.rule", "criterion", b.text(c.Name), "rule", b.rule(c)+b.say("rule.comma")+points),
		b.say("rule.answers") + b.space() + b.say("rule.unasked."+string(c.Unasked)),
	}
}

// space stands between two sentences: nothing in Chinese.
func (b *builder) space() string {
	if b.lang == surveys.ZH {
		return ""
	}
	return " "
}

func (b *builder) weighting() []string {
	r := b.results
	w := r.Weighting
	if w == nil {
		out := []string{b.say("method.weighting.base")}
		if r.Drawn > r.Responded {
			out = append(out, b.say("method.weighting.nonresponse"))
		}
		return out
	}
	out := []string{b.say("method.weighting.set", "set", w.ID())}
	if title := b.text(w.Title); title != "" {
		out[0] += b.space() + b.say("method.weighting.title", "title", title)
	}
	if n := len(w.Steps); n > 0 {
		if without := r.Responded - w.Steps[n-1].N; without > 0 {
			out = append(out, b.say("method.weighting.without", "without", show.Count(without), "n", show.Count(r.Responded)))
		}
	}
	out = append(out, b.outcomes()...)
	return append(out, b.known()...)
}

// stepList is the list of the steps of the weighting.
func (b *builder) stepList() []string {
	if b.results.Weighting == nil {
		return nil
	}
	return b.steps()
}

// scientific writes a very small number by its power of ten.
func scientific(x float64) string {
	switch {
	case math.IsNaN(x):
		return show.Missing
	case x == 0:
		return "0"
	}
	power := int(math.Floor(math.Log10(math.Abs(x))))
	if power >= -3 {
		return show.Number(x, 3)
	}
	return show.Number(x/math.Pow(10, float64(power)), 1) + " × 10" + superscript(power)
}

func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
		"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(trim(float64(n)))
}

func (b *builder) assumptions() []string {
	var out []string
	if b.results.Weighting == nil {
		return nil
	}
	for _, a := range b.results.Weighting.Assumptions {
		out = append(out, b.say("assume."+string(a.Code), "share", value(a), "source", a.Source,
			"margin", b.marginName(a.Subject), "with", b.marginName(a.With), "level", b.levelOf(a.Subject), "change", b.change(a)))
	}
	return out
}

// value writes the value of an assumption: with one decimal where it was computed, with
// all it has, up to four, where somebody gave it.
func value(a assess.Assumption) string {
	decimals := 1
	for a.Source != "" && decimals < 4 && math.Abs(100*a.Value-math.Round(100*a.Value*math.Pow10(decimals))/math.Pow10(decimals)) > 1e-9 {
		decimals++
	}
	return show.Percent(a.Value, decimals)
}

// levelOf writes a level that is given as "factor=level" by its name.
func (b *builder) levelOf(subject string) string {
	id, code, _ := strings.Cut(subject, "=")
	f := b.factor(id)
	if f == nil {
		return code
	}
	for i, l := range f.Levels {
		if l.Code == code || i == f.Level(code) {
			return b.text(l.Name)
		}
	}
	return code
}

// change writes a relative change with its sign, precise enough to be seen.
func (b *builder) change(a assess.Assumption) string {
	if math.Abs(a.Value) < 1e-3 {
		return scientific(a.Value)
	}
	return show.Percent(a.Value, 2)
}

// errors says how standard errors and intervals are computed, with the settings used.
func (b *builder) errors() {
	v := b.results.Variance
	v.Method = orDefault(v.Method, assess.Taylor)
	words := b.say("method.error.words."+string(v.Method), "replicates", show.Count(v.Replicates), "seed", strconv.FormatUint(v.Seed, 10))
	b.write(document.Plain, words, b.say(b.weightsInErrors(v)))
	b.write(document.Formula, strings.Split(b.say("method.error.formula."+string(v.Method)), "\n")...)
	b.write(document.Plain, b.say("method.error.where."+string(v.Method)),
		b.say("method.error.lone."+string(b.lonePSU(v)))+b.space()+b.say("method.error.df."+b.freedom(v)))
	if b.tested() {
		b.write(document.Plain, b.say("method.error.tests", "level", show.Number(1-b.results.Settings.Level, 2)))
	}
}

// weightsInErrors says what the errors know of the weights.
func (b *builder) weightsInErrors(v assess.Variance) string {
	switch {
	case !b.results.Calibrated:
		return "method.error.given"
	case v.Method == assess.Taylor:
		return "method.error.calibrated"
	}
	return "method.error.repeated"
}

// lonePSU is the rule that was used. Replicates of a stratum with one PSU there are only
// when the rule takes it as certain.
func (b *builder) lonePSU(v assess.Variance) analysis.LonePSURule {
	rule := orDefault(b.results.Settings.LonePSU, analysis.LoneAdjust)
	if v.Method != assess.Taylor && rule != analysis.LoneCertainty {
		return analysis.LoneFail
	}
	return rule
}

// freedom is the rule for degrees of freedom.
func (b *builder) freedom(v assess.Variance) string {
	rule := orDefault(b.results.Settings.DF, analysis.DFDomain)
	if v.Method != assess.Taylor && rule == analysis.DFDomain {
		return "replicates"
	}
	return string(rule)
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
