package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// Protected withholds the numbers that would tell what single people answered, and those that
// would give such numbers away.
type Protected struct {
	hidden map[Place]Reason
	// Rules are those that were applied, Hidden and Sensitive count the groups that are
	// withheld and those of them that rules forbid by themselves.
	Rules             disclosure.Rules
	Hidden, Sensitive int
}

// Withheld is that of Disclosure.
func (p *Protected) Withheld(at Place) (Reason, bool) {
	why, hidden := p.hidden[at]
	return why, hidden
}

// Protect judges all tables of results as one publication, by the rules. Of the outcomes only
// the weighted shares are known, so all or none of a small group is judged by the share times
// the number of respondents.
//
// It is an error, surveys.ErrInvalid, when so few people were interviewed that nothing may be
// published.
func Protect(r *assess.Results, rules disclosure.Rules) (*Protected, error) {
	p := &Protected{hidden: map[Place]Reason{}, Rules: rules}
	for series := range r.SeriesLevels {
		j := judge{results: r, rules: rules, series: series, cells: map[string]*judgedCell{}}
		if err := j.publish(p); err != nil {
			return nil, fmt.Errorf("what may be published of wave %q: %w", r.Wave, err)
		}
	}
	return p, nil
}

// judge makes a publication of one level of the series.
type judge struct {
	results *assess.Results
	rules   disclosure.Rules
	series  int
	pub     disclosure.Publication
	cells   map[string]*judgedCell // by key, written
	order   []*judgedCell
	parts   map[string]composed // of the factors that are made of another one
}

// judgedCell is a cell of the publication with the places that print it.
type judgedCell struct {
	disclosure.Cell
	estimate analysis.Estimate
	places   []Place
}

// rest is the class of those who belong to no group of a factor.
const rest = "\x00rest"

func (j *judge) place(table, group string) Place {
	p := Place{Table: table, Group: group}
	if j.results.Plan.Series != "" {
		p.Series = j.results.SeriesLevels[j.series].Code
	}
	return p
}

// add adds a cell, or a further place of one that is there.
func (j *judge) add(key analysis.Domain, e analysis.Estimate, places ...Place) {
	name := fmt.Sprint(key) // maps are printed in the order of their keys
	if c := j.cells[name]; c != nil {
		c.places = append(c.places, places...)
		c.Unprinted = c.Unprinted && len(places) == 0
		return
	}
	c := &judgedCell{Cell: disclosure.Cell{Key: key, N: e.N, Unprinted: len(places) == 0}, estimate: e, places: places}
	if n := float64(e.N); e.N >= j.rules.MinN && e.N < j.rules.SmallGroup && !(n*math.Min(e.Value, 1-e.Value) >= float64(j.rules.MinOutcome)-0.5) {
		c.Sensitive = disclosure.AllOrNone
	}
	j.cells[name], j.order = c, append(j.order, c)
}

// remainder adds the people of a total who are in none of its parts.
func (j *judge) remainder(key analysis.Domain, n int) {
	c := &judgedCell{Cell: disclosure.Cell{Key: key, N: n, Unprinted: true, Exempt: true}}
	j.cells[fmt.Sprint(key)], j.order = c, append(j.order, c)
}

// publish judges the tables of the results and notes what is hidden.
func (j *judge) publish(p *Protected) error {
	r := j.results
	all := r.Headline[j.series].Estimate
	switch {
	case all.N == 0:
		return nil
	case all.N < j.rules.MinN:
		return fmt.Errorf("%w: %d people were interviewed, and no number of fewer than %d may be published; wait for more interviews", surveys.ErrInvalid, all.N, j.rules.MinN)
	}
	j.coarser()
	j.add(analysis.Domain{}, all)
	for i := range r.Tables {
		j.table(&r.Tables[i], all.N)
	}
	for i := range r.Crossings {
		j.crossing(&r.Crossings[i], all.N)
	}
	hidden, err := j.protect()
	if err != nil {
		return err
	}
	j.same(hidden)
	for name, why := range hidden {
		c := j.cells[name]
		if len(c.places) == 0 {
			continue
		}
		p.Hidden++
		if why != Complementary {
			p.Sensitive++
		}
		for _, at := range c.places {
			p.hidden[at] = why
		}
	}
	j.margins(p)
	return j.topics(p)
}

// protect hides cells until no sum tells that all or none of a hidden group have the outcome.
func (j *judge) protect() (map[string]Reason, error) {
	for {
		j.pub.Cells = nil
		for _, c := range j.order {
			j.pub.Cells = append(j.pub.Cells, c.Cell)
		}
		judgement, err := disclosure.Protect(j.pub, j.rules)
		if err != nil {
			return nil, err
		}
		hidden := map[string]Reason{}
		for _, s := range judgement.Suppressions() {
			hidden[fmt.Sprint(s.Key)] = reasonOf(s.Reason)
		}
		if len(hidden) == 0 {
			return hidden, nil
		}
		sums, err := j.pub.Relations()
		if err != nil {
			return nil, err
		}
		told := false
		for _, sum := range sums {
			if c := j.telling(sum, hidden); c != nil && c.Sensitive == "" && len(c.Key) > 0 {
				c.Sensitive, told = disclosure.AllOrNone, true
			}
		}
		if !told {
			return hidden, nil
		}
	}
}

// telling is the shown cell of a sum that should be hidden too, since the rates tell those of
// hidden parts: of a total that all or none have the outcome of, so have all parts, and where
// all hidden parts are such, nothing or everything is left for them. Counts of the outcomes,
// which disclosure.Protect would keep uncertain by itself, are not known here.
func (j *judge) telling(sum disclosure.Relation, hidden map[string]Reason) *judgedCell {
	total := j.cells[fmt.Sprint(sum.Total)]
	if _, is := hidden[fmt.Sprint(sum.Total)]; is || total.Unprinted && len(total.Key) > 0 {
		return nil
	}
	var shown *judgedCell // the smallest part whose rate leaves room
	withheld, alike, rate := false, true, math.NaN()
	for _, key := range sum.Parts {
		c := j.cells[fmt.Sprint(key)]
		_, is := hidden[fmt.Sprint(key)]
		constant := c.estimate.N > 0 && allOrNone(c.estimate.Value)
		switch {
		case c.N == 0:
		case is && !c.Unprinted:
			alike = alike && constant && (math.IsNaN(rate) || math.Abs(rate-c.estimate.Value) < 0.5)
			withheld, rate = true, c.estimate.Value
		case is || c.Unprinted:
			alike = false
		case !constant && (shown == nil || c.N < shown.N):
			shown = c
		}
	}
	switch {
	case withheld && allOrNone(total.estimate.Value):
		return total
	case withheld && alike:
		return shown
	}
	return nil
}

// allOrNone says whether a rate is that of all or none, but for rounding.
func allOrNone(rate float64) bool { return math.Min(rate, 1-rate) < 1e-12 }

// reasonOf is how a report calls a reason.
func reasonOf(why disclosure.Reason) Reason {
	switch why {
	case disclosure.Complementary:
		return Complementary
	case disclosure.Dominance:
		return Dominated
	}
	return TooFew
}

// table adds the cells of a table by one factor; each group of a set that may overlap is a
// factor of its own, which people belong to or not.
func (j *judge) table(t *assess.Table, all int) {
	id := tableID(*t)
	if t.Set != nil {
		for _, g := range t.Groups {
			e := g.Rows[j.series].Estimate
			name := id + "/" + g.Code
			j.dimension(name, []string{"in"})
			j.add(analysis.Domain{name: "in"}, e, j.place(id, g.Code))
			j.remainder(analysis.Domain{name: rest}, all-e.N)
		}
		return
	}
	var codes []string
	left := all
	for _, g := range t.Groups {
		e := g.Rows[j.series].Estimate
		codes, left = append(codes, g.Code), left-e.N
		j.add(analysis.Domain{id: g.Code}, e, j.place(id, g.Code))
	}
	if made := j.parts[id]; made.of != "" {
		for _, code := range codes {
			j.pub.Groups = append(j.pub.Groups, disclosure.Group{Dimension: id, Class: code, Of: made.of, Parts: made.parts[code]})
		}
		j.pub.Groups = append(j.pub.Groups, disclosure.Group{Dimension: id, Class: rest, Of: made.of, Parts: []string{rest}})
	} else {
		j.dimension(id, codes)
	}
	j.remainder(analysis.Domain{id: rest}, left)
}

// dimension adds one, if it is not there.
func (j *judge) dimension(name string, classes []string) {
	if !slices.ContainsFunc(j.pub.Dimensions, func(d disclosure.Dimension) bool { return d.Name == name }) {
		j.pub.Dimensions = append(j.pub.Dimensions, disclosure.Dimension{Name: name, Classes: append(classes, rest)})
	}
}

// crossing adds the cells of two factors at once, and their margins where no table has them.
func (j *judge) crossing(t *assess.CrossTable, all int) {
	rows, columns := t.Rows.Levels, t.Columns.Levels
	n := func(i, k int) int { return t.Cells[i][k][j.series].Estimate.N }
	j.margin(&t.Rows, all, func(i int) (sum int) {
		for k := range columns {
			sum += n(i, k)
		}
		return sum
	})
	j.margin(&t.Columns, all, func(k int) (sum int) {
		for i := range rows {
			sum += n(i, k)
		}
		return sum
	})
	both := func(row, column string) analysis.Domain {
		return analysis.Domain{t.Rows.ID: row, t.Columns.ID: column}
	}
	count := func(factor, class string) int { return j.cells[fmt.Sprint(analysis.Domain{factor: class})].N }
	corner := count(t.Rows.ID, rest)
	below := make([]int, len(columns))
	for k, c := range columns {
		below[k] = count(t.Columns.ID, c.Code)
	}
	for i, r := range rows {
		right := count(t.Rows.ID, r.Code)
		for k, c := range columns {
			e := t.Cells[i][k][j.series].Estimate
			j.add(both(r.Code, c.Code), e, j.place(t.Rows.ID+"×"+t.Columns.ID, r.Code+"×"+c.Code))
			right, below[k] = right-e.N, below[k]-e.N
		}
		j.remainder(both(r.Code, rest), right)
	}
	for k, c := range columns {
		j.remainder(both(rest, c.Code), below[k])
		corner -= below[k]
	}
	j.remainder(both(rest, rest), corner)
}

// margin adds the groups of a factor that has no table: their sizes are those in the
// crossing.
func (j *judge) margin(f *assess.Factor, all int, n func(int) int) {
	if j.cells[fmt.Sprint(analysis.Domain{f.ID: rest})] != nil {
		return
	}
	var codes []string
	for i, l := range f.Levels {
		codes, all = append(codes, l.Code), all-n(i)
		j.add(analysis.Domain{f.ID: l.Code}, analysis.Estimate{N: n(i), Value: 0.5})
	}
	j.dimension(f.ID, codes)
	j.remainder(analysis.Domain{f.ID: rest}, all)
}

// coarser finds the tables whose groups are made of those of another table: both factors list
// values of the same answer or column, and each value of the one lies in one group of the other.
func (j *judge) coarser() {
	j.parts = map[string]composed{}
	for i := range j.results.Tables {
		for k := range j.results.Tables {
			coarse, fine := &j.results.Tables[i], &j.results.Tables[k]
			if coarse.Set != nil || fine.Set != nil || i == k || coarse.Factor.Answer != fine.Factor.Answer || coarse.Factor.Sample != fine.Factor.Sample ||
				len(fine.Groups) <= len(coarse.Groups) || j.parts[fine.Factor.ID].of != "" || j.parts[coarse.Factor.ID].of != "" {
				continue
			}
			if parts := partsOf(&fine.Factor, &coarse.Factor); parts != nil && j.addUp(coarse, fine, parts) {
				j.parts[coarse.Factor.ID] = composed{fine.Factor.ID, parts}
			}
		}
	}
}

// composed says of which groups of another factor those of a factor are made.
type composed struct {
	of    string
	parts map[string][]string
}

// addUp says whether every group has as many people as its parts.
func (j *judge) addUp(coarse, fine *assess.Table, parts map[string][]string) bool {
	n := map[string]int{}
	for _, g := range fine.Groups {
		n[g.Code] = g.Rows[j.series].Estimate.N
	}
	for _, g := range coarse.Groups {
		sum := 0
		for _, part := range parts[g.Code] {
			sum += n[part]
		}
		if sum != g.Rows[j.series].Estimate.N {
			return false
		}
	}
	return true
}

// partsOf lists for each group of the coarse factor the groups of the fine one, or nil where
// they are not made of them.
func partsOf(fine, coarse *assess.Factor) map[string][]string {
	parts := map[string][]string{}
	for _, l := range fine.Levels {
		in := -1
		for _, v := range l.Values {
			at := coarse.Level(v)
			if at < 0 || in >= 0 && at != in {
				return nil
			}
			in = at
		}
		if in < 0 {
			return nil // a range or a condition
		}
		code := coarse.Levels[in].Code
		parts[code] = append(parts[code], l.Code)
	}
	for _, l := range coarse.Levels {
		if len(parts[l.Code]) == 0 {
			return nil
		}
	}
	return parts
}

// same hides what is equal to something hidden: two groups with the same number of
// respondents, the same weight and the same rate are the same people under two names, such as
// the elderly and the highest age group.
func (j *judge) same(hidden map[string]Reason) {
	type people struct {
		n               int
		weighted, value float64
	}
	of := map[people]Reason{}
	for _, c := range j.order {
		if why, is := hidden[fmt.Sprint(c.Key)]; is && c.N > 0 && !c.Exempt {
			of[people{c.N, c.estimate.Weighted, c.estimate.Value}] = why
		}
	}
	for _, c := range j.order {
		name := fmt.Sprint(c.Key)
		if _, is := hidden[name]; is || c.Exempt {
			continue
		}
		if _, is := of[people{c.N, c.estimate.Weighted, c.estimate.Value}]; is {
			hidden[name] = Complementary
		}
	}
}

// topics withholds the shares of too few people.
func (j *judge) topics(p *Protected) error {
	for i := range j.results.Topics {
		t := &j.results.Topics[i]
		for _, group := range t.Groups {
			if n := group.Rows[j.series].Estimate.N; n > 0 && n < j.rules.MinN {
				p.hide(j.place(t.Topic.ID, group.Code), TooFew)
			}
		}
		if err := j.topicLevels(t, p); err != nil {
			return fmt.Errorf("topic %q: %w", t.Topic.ID, err)
		}
	}
	return nil
}

// topicLevels withholds levels of the factor that a topic is shown by: those that the factor's
// own table withholds, since the topic would tell how many they are, those of too few people,
// and those that would give them away together with everybody. A level is withheld for all
// answers alike, which have nearly the same respondents.
func (j *judge) topicLevels(t *assess.TopicResult, p *Protected) error {
	if len(t.Levels) == 0 {
		return nil
	}
	hidden := map[string]Reason{}
	for _, l := range t.Levels {
		if why, is := p.hidden[j.place(t.Topic.By, l.Code)]; is {
			hidden[l.Code] = why
		}
	}
	for before := -1; before < len(hidden); {
		before = len(hidden)
		for g := range t.Groups {
			if err := j.levelsOfShare(t, g, hidden); err != nil {
				return err
			}
		}
	}
	for _, group := range t.Groups {
		for level, why := range hidden {
			at := j.place(t.Topic.ID, group.Code)
			at.By = level
			p.hide(at, why)
		}
	}
	return nil
}

// levelsOfShare adds the levels that have to be hidden in one share of a topic.
func (j *judge) levelsOfShare(t *assess.TopicResult, share int, hidden map[string]Reason) error {
	by, left := t.Topic.By, t.Groups[share].Rows[j.series].Estimate.N
	pub := disclosure.Publication{Dimensions: []disclosure.Dimension{{Name: by}}, Cells: []disclosure.Cell{{N: left}}}
	for i, l := range t.Levels {
		c := disclosure.Cell{Key: analysis.Domain{by: l.Code}, N: t.By[share][i][j.series].Estimate.N}
		if _, is := hidden[l.Code]; is {
			c.Sensitive = disclosure.FewRespondents
		}
		left -= c.N
		pub.Dimensions[0].Classes, pub.Cells = append(pub.Dimensions[0].Classes, l.Code), append(pub.Cells, c)
	}
	pub.Dimensions[0].Classes = append(pub.Dimensions[0].Classes, rest)
	pub.Cells = append(pub.Cells, disclosure.Cell{Key: analysis.Domain{by: rest}, N: left, Unprinted: true, Exempt: true})
	judgement, err := disclosure.Protect(pub, j.rules)
	if err != nil {
		return err
	}
	for _, s := range judgement.Suppressions() {
		level := s.Key[by]
		if _, is := hidden[level]; !is && level != rest && level != "" {
			hidden[level] = reasonOf(s.Reason)
		}
	}
	return nil
}

// margins withholds the categories of the weighting that too few people are in.
func (j *judge) margins(p *Protected) {
	if j.results.Weighting == nil {
		return
	}
	for _, f := range j.results.Weighting.Fits() {
		if f.N > 0 && f.N < j.rules.MinN {
			p.hidden[j.place(f.Margin, f.Level)] = TooFew
		}
	}
}

// hide withholds a place and counts it.
func (p *Protected) hide(at Place, why Reason) {
	p.hidden[at] = why
	p.Hidden++
	if why != Complementary {
		p.Sensitive++
	}
}
