package assess

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// conditional checks a factor whose levels are conditions.
func (c *PlanFile) conditional(f *Factor, at []any) {
	codes, conditions := map[string]bool{}, map[string]string{}
	for i, l := range f.Levels {
		here := append(slices.Clone(at), "levels", i)
		what := fmt.Sprintf("factor %q, level %q", f.ID, l.Code)
		c.code(l.Code, codes, what, here)
		c.Text(l.Name, what, append(slices.Clone(here), "name")...)
		c.tile(f, i, here)
		if len(l.Values) > 0 || l.Min != nil || l.Below != nil {
			c.Fault(here, "%s: give a condition (when), as the other levels have, and no values and no range", what)
		}
		c.condition(l.When, l.Code, conditions, what, append(slices.Clone(here), "when"))
	}
}

// code wants codes that differ.
func (c *PlanFile) code(code string, seen map[string]bool, what string, at []any) {
	switch {
	case code == "" || strings.ContainsAny(code, "/"):
		c.Fault(at, "%s: the code must not be empty and has no slash", what)
	case seen[code]:
		c.Fault(at, "%s stands there twice; every one needs its own code", what)
	}
	seen[code] = true
}

// condition checks one; seen has those before it by their text.
func (c *PlanFile) condition(src, code string, seen map[string]string, what string, at []any) {
	if strings.TrimSpace(src) == "" {
		c.Fault(at, "%s has no condition; add when: with a condition on the answers", what)
		return
	}
	if other, twice := seen[src]; twice {
		c.Fault(at, "%s has the condition of %q; correct or remove one", what, other)
	}
	seen[src] = code
	if _, err := CompileCondition(src, c.q); err != nil {
		c.Fault(at, "%s: %v", what, err)
	}
}

// tile wants places of a grid to be whole, positive and taken once.
func (c *PlanFile) tile(f *Factor, i int, at []any) {
	l := f.Levels[i]
	if l.Tile == nil {
		if k := slices.IndexFunc(f.Levels, func(o Level) bool { return o.Tile != nil }); k >= 0 {
			c.Fault(at, "factor %q: the level %q has no tile, and %q has one; give every level its square, or none", f.ID, l.Code, f.Levels[k].Code)
		}
		return
	}
	at = append(slices.Clone(at), "tile")
	if len(l.Tile) != 2 || l.Tile[0] < 1 || l.Tile[1] < 1 || l.Tile[0] > 99 || l.Tile[1] > 99 {
		c.Fault(at, "factor %q, level %q: a tile is a column and a row from 1 to 99, such as [3, 2]", f.ID, l.Code)
		return
	}
	for _, o := range f.Levels[:i] {
		if slices.Equal(o.Tile, l.Tile) {
			c.Fault(at, "factor %q: the levels %q and %q have the same tile; move one", f.ID, o.Code, l.Code)
		}
	}
}

// groupSets checks the sets of groups that may overlap.
func (c *PlanFile) groupSets(p *Plan) {
	ids := map[string]bool{}
	for i, s := range p.Groups {
		at := []any{"groups", i}
		if s.ID == "" || strings.ContainsAny(s.ID, "/ :") {
			c.Fault(at, "group set %q: an ID needs at least one character and has no blank, colon or slash", s.ID)
		}
		if ids[s.ID] || p.Factor(s.ID) != nil {
			c.Fault(at, "group set %q: there is another set or a factor of this ID; every one needs its own", s.ID)
		}
		ids[s.ID] = true
		c.Text(s.Title, fmt.Sprintf("group set %q", s.ID), "groups", i, "title")
		c.definition(fmt.Sprintf("group set %q", s.ID), s.Version, s.Source, "groups", i)
		if len(s.Groups) == 0 {
			c.Fault(at, "group set %q has no groups; add them", s.ID)
		}
		codes, conditions := map[string]bool{}, map[string]string{}
		for k, g := range s.Groups {
			here := []any{"groups", i, "groups", k}
			what := fmt.Sprintf("group set %q, group %q", s.ID, g.Code)
			c.code(g.Code, codes, what, here)
			c.Text(g.Name, what, append(slices.Clone(here), "name")...)
			c.condition(g.When, g.Code, conditions, what, append(slices.Clone(here), "when"))
		}
	}
}

// definitions wants a version and a source, in every language, of each grouping that the plan
// makes itself: levels put together from several values or told by a condition, and sets of
// groups. Nothing else would say whose definition it is. The options of a question, single
// values of the sample and ranges of a number say by themselves what they are.
func (c *PlanFile) definitions(p *Plan) {
	for i := range p.Factors {
		f := &p.Factors[i]
		if k := slices.IndexFunc(f.Levels, Level.derived); k >= 0 {
			c.defined(fmt.Sprintf("factor %q (level %q is put together or has a condition)", f.ID, f.Levels[k].Code), f.Version, f.Source, "factors", i)
		}
	}
	for i, s := range p.Groups {
		c.defined(fmt.Sprintf("group set %q", s.ID), s.Version, s.Source, "groups", i)
	}
}

// derived says that a level is of the plan's own making.
func (l Level) derived() bool { return l.When != "" || len(l.Values) > 1 }

// defined wants a version and a source of what stands at a place. That a source has no version
// is a fault of all definitions, see definition.
func (c *PlanFile) defined(what, version string, source surveys.Text, at ...any) {
	const way = "source: in every language, which says whose definition it is, or that it is your own and what it goes by"
	switch {
	case len(source) > 0:
	case strings.TrimSpace(version) == "":
		c.Fault(at, `%s has neither version nor source; add version:, such as "2026", and `+way, what)
	default:
		c.Fault(at, "%s has no source; add "+way, what)
	}
}

// definition checks the source of a definition, where it has one.
func (c *PlanFile) definition(what, version string, source surveys.Text, at ...any) {
	if len(source) == 0 {
		return
	}
	at = append(slices.Clone(at), "source")
	c.Text(source, what+" (where its definition is from)", at...)
	if strings.TrimSpace(version) == "" {
		c.Fault(at, `%s has a source but no version; say which definition it is, such as version: "2021"`, what)
	}
}

// crossings checks the pairs of factors.
func (c *PlanFile) crossings(p *Plan) {
	for i, pair := range p.Crossings {
		at := []any{"crossings", i}
		if len(pair) != 2 || pair[0] == pair[1] {
			c.Fault(at, "the crossing %v needs two different factors, such as [residence, sex]", pair)
			continue
		}
		for _, id := range pair {
			switch {
			case p.Factor(id) == nil:
				c.Fault(at, "the crossing %v: %q is no factor of the plan; define the factor or remove the crossing", pair, id)
			case id == p.Series:
				c.Fault(at, "the crossing %v: %q is the series, whose levels stand beside each other in every table; remove the crossing", pair, id)
			}
		}
		for _, other := range p.Crossings[:i] {
			if len(other) == 2 && slices.Contains(other, pair[0]) && slices.Contains(other, pair[1]) {
				c.Fault(at, "the crossing %v stands there twice; remove one", pair)
			}
		}
	}
}

// topics checks the parts on unscored questions.
func (c *PlanFile) topics(p *Plan) {
	ids := map[string]bool{}
	for i := range p.Topics {
		t := &p.Topics[i]
		at := []any{"topics", i}
		what := fmt.Sprintf("topic %q", t.ID)
		c.code(t.ID, ids, what, at)
		c.Text(t.Title, what, "topics", i, "title")
		if len(t.Items) == 0 {
			c.Fault(at, "%s has no items; name the questions it is about", what)
		}
		if len(t.Options) > 0 {
			c.Text(t.Name, what+" (what its options mean together)", "topics", i, "name")
		}
		if len(t.Base) > 0 {
			c.Text(t.Base, what+" (of whom the shares are)", "topics", i, "base")
		}
		if t.By != "" && t.By != VarLiterate && p.Factor(t.By) == nil {
			c.Fault(append(at, "by"), "%s: %q is no factor of the plan; name one, or %q", what, t.By, VarLiterate)
		}
		if t.By != "" && t.By == p.Series {
			c.Fault(append(at, "by"), "%s: %q is the series, whose levels stand beside each other already; remove the line", what, t.By)
		}
		for k, id := range t.Items {
			c.topicItem(t, id, []any{"topics", i, "items", k}, slices.Contains(t.Items[:k], id))
		}
		c.topicOptions(t, at)
	}
}

func (c *PlanFile) topicItem(t *Topic, id string, at []any, twice bool) {
	it := c.q.Item(id)
	switch {
	case it == nil:
		c.Fault(at, "topic %q: the questionnaire has no item %q; correct the ID or remove it", t.ID, id)
		return
	case twice:
		c.Fault(at, "topic %q: the item %q stands there twice; remove one", t.ID, id)
	case it.Dimension != "":
		c.Fault(at, "topic %q: the item %q is scored; its results are among those of the items", t.ID, id)
	case !it.Type.OneOf() && it.Type != surveys.Multiple && it.Type != surveys.Ranking:
		c.Fault(at, "topic %q: the item %q is of type %q; a topic needs choices, and of a grid its rows", t.ID, id, it.Type)
	case !c.plain(it):
		c.Fault(at, "topic %q: the item %q is part of a roster, which has several answers of a person", t.ID, id)
	case it.Type == surveys.Multiple && t.First:
		c.Fault(at, "topic %q: the answers to %q have no order, so none is the first choice; take a ranking, or remove first", t.ID, id)
	case len(c.q.Offered(it)) > MaxOptions:
		c.Fault(at, "topic %q: the item %q has %d options; the limit is %d", t.ID, id, len(c.q.Offered(it)), MaxOptions)
	}
}

// topicOptions wants the options of a topic to be those of its items. An option that several
// lack is one fault.
func (c *PlanFile) topicOptions(t *Topic, at []any) {
	for _, list := range []struct {
		key     string
		options []string
	}{{"options", t.Options}, {"without", t.Without}} {
		for _, o := range list.options {
			var lack []string
			for _, id := range t.Items {
				if it := c.q.Item(id); it != nil && !offers(c.q, it, o) {
					lack = append(lack, strconv.Quote(id))
				}
			}
			here := append(slices.Clone(at), list.key)
			switch {
			case len(lack) == 1:
				c.Fault(here, "topic %q: the item %s has no option %q; correct or remove it", t.ID, lack[0], o)
			case len(lack) > 1:
				c.Fault(here, "topic %q: the items %s have no option %q; correct or remove it", t.ID, strings.Join(lack, ", "), o)
			}
		}
	}
	for _, o := range t.Options {
		if slices.Contains(t.Without, o) {
			c.Fault(at, "topic %q: the option %q is counted and left out; keep it in one", t.ID, o)
		}
	}
}

// plain says that an item is outside rosters.
func (c *PlanFile) plain(it *surveys.Item) bool {
	for other := range outsideRosters(c.q) {
		if other == it {
			return true
		}
	}
	return false
}

// compared checks the areas of published rates.
func (c *PlanFile) compared(p *Plan) {
	if p.Area.Code != "" || len(p.Area.Name) > 0 {
		c.areaCode(p.Area.Code, []any{"area"})
		c.Text(p.Area.Name, "the area", "area", "name")
	}
	for i, a := range p.Compare {
		at := []any{"compare", i}
		c.areaCode(a.Code, at)
		c.Text(a.Name, fmt.Sprintf("the area %q", a.Code), "compare", i, "name")
		for _, other := range p.Compare[:i] {
			if other.Code == a.Code {
				c.Fault(at, "the area %q is compared with twice; list all its years at one place", a.Code)
			}
		}
		for k, y := range a.Years {
			if y < 1949 || y > 2200 || slices.Contains(a.Years[:k], y) {
				c.Fault(append(at, "years"), "the area %q: the year %d is no year of a survey, or stands there twice", a.Code, y)
			}
		}
	}
}

func (c *PlanFile) areaCode(code string, at []any) {
	if !isAreaCode(code) {
		c.Fault(at, "the area %q: write the six digits of GB/T 2260, such as 330000, or %s for the nation", code, NationCode)
	}
}

func isAreaCode(code string) bool {
	return len(code) == 6 && strings.Trim(code, "0123456789") == ""
}
