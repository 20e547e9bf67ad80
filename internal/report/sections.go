package report

import (
	"strings"

	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/report/show"
	"github.com/suyang-survey/suyang/surveys"
)

// sections are the chapters of results that there are numbers for.
func (b *builder) sections() ([]section, error) {
	var out []section
	for _, make := range []func() (section, error){b.levels, b.groups, b.dimensions, b.items, b.weights, b.coverage} {
		s, err := make()
		if err != nil {
			return nil, err
		}
		if len(s.Blocks)+len(s.Intro) > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// everybody is the headline as a group.
func (b *builder) everybody() *assess.Group {
	zh, en := texts[surveys.ZH].say("all"), texts[surveys.EN].say("all")
	return &assess.Group{Code: "all", Name: surveys.Text{surveys.ZH: zh, surveys.EN: en}, Max: 1, Rows: b.results.Headline}
}

func (b *builder) levels() (section, error) {
	s := section{ID: "levels", Title: b.say("levels")}
	r := b.results
	if len(r.Bands) == 0 {
		return s, nil
	}
	s.Intro = []string{b.say("levels.intro")}
	bands, err := b.block(estimated{
		title: b.say("levels.bands"), first: b.say("levels.col.band"), value: b.say("col.share"), groups: r.Bands, bars: true,
	})
	if err != nil {
		return s, err
	}
	reached := make([]assess.Group, len(r.Levels))
	for i, g := range r.Levels {
		reached[i] = g
		reached[i].Name = b.levelName(r.Questionnaire.Criterion, i)
	}
	bands.Tables = append(bands.Tables, b.estimateTables(estimated{
		title: b.say("levels.cumulative"), first: b.say("levels.col.level"), value: b.say("col.share"), groups: reached,
	})...)
	s.Blocks = []block{bands}
	return s, nil
}

// levelName is the name of a level with its cut.
func (b *builder) levelName(c *surveys.Criterion, i int) surveys.Text {
	l := c.Levels[i]
	name := b.say("levels.from."+string(c.Boundary), "name", b.text(l.Name), "cut", trim(l.Cut))
	return surveys.Text{b.lang: name}
}

func (b *builder) groups() (section, error) {
	s := section{ID: "groups", Title: b.say("groups")}
	for _, t := range b.results.Tables {
		name := b.text(t.Factor.Title)
		bl, err := b.block(estimated{
			title: b.say("groups.title", "factor", name), first: name, value: b.say("col.rate"),
			groups: t.Groups, total: b.everybody(), line: !b.isSeries(),
		})
		if err != nil {
			return s, err
		}
		s.Blocks = append(s.Blocks, bl)
	}
	return s, nil
}

func (b *builder) dimensions() (section, error) {
	s := section{ID: "dimensions", Title: b.say("dimensions")}
	r := b.results
	if len(r.Dimensions) == 0 {
		return s, nil
	}
	var total *assess.Group
	if len(r.Dimensions) > 1 {
		zh, en := texts[surveys.ZH].say("dimensions.total"), texts[surveys.EN].say("dimensions.total")
		total = &assess.Group{Name: surveys.Text{surveys.ZH: zh, surveys.EN: en}, Max: maxScore(r.Questionnaire.Criterion), Rows: r.Score}
	}
	bl, err := b.block(estimated{
		title: b.say("dimensions.title"), first: b.say("dimensions.col"), value: b.say("col.mean"),
		groups: r.Dimensions, total: total, points: true, bars: true,
	})
	s.Blocks = []block{bl}
	return s, err
}

// items shows the share of right answers, one block for each dimension.
func (b *builder) items() (section, error) {
	s := section{ID: "items", Title: b.say("items")}
	r := b.results
	for _, d := range r.Questionnaire.Criterion.Dimensions {
		var groups []assess.Group
		for _, g := range r.Items {
			if it := r.Questionnaire.Item(g.Code); it != nil && it.Dimension == d.ID {
				groups = append(groups, g)
			}
		}
		if len(groups) == 0 {
			continue
		}
		bl, err := b.block(estimated{
			title: b.say("items.title", "dimension", b.text(d.Name)), first: b.say("items.col"), value: b.say("col.share"),
			groups: groups, wording: true,
		})
		if err != nil {
			return s, err
		}
		s.Blocks = append(s.Blocks, bl)
	}
	if len(s.Blocks) > 0 {
		s.Intro = []string{b.say("items.intro")}
	}
	return s, nil
}

// weights compares the margins before and after weighting.
func (b *builder) weights() (section, error) {
	s := section{ID: "weights", Title: b.say("weights")}
	w := b.results.Weighting
	if w == nil || len(w.Steps) == 0 {
		return s, nil
	}
	step, fits := w.Steps[len(w.Steps)-1], w.Fits()
	s.Intro = []string{b.say("weights.summary", "n", show.Count(step.N), "sum", show.Number(step.Sum, 0),
		"min", show.Number(step.Min, 2), "median", show.Number(step.Median, 2), "max", show.Number(step.Max, 2))}
	for from := 0; from < len(fits); {
		to := from
		for to < len(fits) && fits[to].Margin == fits[from].Margin {
			to++
		}
		s.Blocks = append(s.Blocks, block{Tables: []table{b.marginTable(fits[from:to])}})
		from = to
	}
	return s, nil
}

// marginTable compares one margin with the population.
func (b *builder) marginTable(fits []weighting.MarginFit) table {
	t := b.newTable(b.say("weights.title") + b.say("rule.comma") + b.marginName(fits[0].Margin))
	t.Base = ""
	heads := []heading{{Text: b.say("weights.col.category"), Scope: "col", Left: true}}
	for _, key := range []string{"col.n", "weights.col.target", "weights.col.target.share", "weights.col.before", "weights.col.after"} {
		heads = append(heads, heading{Text: b.say(key), Scope: "col"})
	}
	t.Head = [][]heading{heads}
	var target, before, after float64
	for _, f := range fits {
		target, before, after = target+f.Target, before+f.Before, after+f.After
	}
	for _, f := range fits {
		t.Rows = append(t.Rows, row{Name: b.marginLevel(f), Cells: []cell{
			{Text: show.Count(f.N)},
			{Text: show.Number(f.Target, 0)},
			{Text: show.Percent(share(f.Target, target), 2)},
			{Text: show.Percent(share(f.Before, before), 2)},
			{Text: show.Percent(share(f.After, after), 2)},
		}})
	}
	return t
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

// coverage says how many intervals of a simulation contain the true value.
func (b *builder) coverage() (section, error) {
	s := section{ID: "coverage", Title: b.say("coverage")}
	c := assess.Coverage(b.results)
	if c.Total == 0 {
		return s, nil
	}
	s.Intro = []string{
		b.say("coverage.sentence", "total", show.Count(c.Total), "covered", show.Count(c.Covered),
			"share", show.Percent(share(float64(c.Covered), float64(c.Total)), 1), "level", b.level()),
		b.say("coverage.caution"),
	}
	return s, nil
}
