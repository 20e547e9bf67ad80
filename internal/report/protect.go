package report

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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

// Places lists what is withheld, without reasons, in order.
func (p *Protected) Places() []Place {
	return slices.SortedFunc(maps.Keys(p.hidden), func(a, b Place) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Group, b.Group), cmp.Compare(a.By, b.By), cmp.Compare(a.Series, b.Series))
	})
}

// Protect judges all tables of results as one publication, by the rules. What was withheld
// before in a publication of the same wave stays withheld, and cannot be computed: the two could
// be compared.
//
// Where the people of the rows were not counted, all or none of a small group is judged by the
// weighted share times the number of respondents, and neither PSUs nor dominance are.
//
// It is an error, surveys.ErrInvalid, when so few people were interviewed that nothing may be
// published.
func Protect(r *assess.Results, rules disclosure.Rules, before ...Place) (*Protected, error) {
	p := &Protected{hidden: map[Place]Reason{}, Rules: rules}
	for series := range r.SeriesLevels {
		j := judge{results: r, rules: rules, series: series, cells: map[string]*judgedCell{}, before: before}
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
	before  []Place
	pub     disclosure.Publication
	cells   map[string]*judgedCell // by key, written
	order   []*judgedCell
	parts   map[string]composed // of the factors that are made of another one
}

// judgedCell is a cell of the publication with the places that print it.
type judgedCell struct {
	key    analysis.Domain
	people tally
	places []Place
	// printed says that a table shows the cell, rest that it is those who are in no group, tells
	// that it would say something of all people of a hidden cell.
	printed, rest, tells bool
}

// tally is what adds up of people, and what is known of them beside.
type tally struct {
	n, ones             int
	weighted, with      float64 // Σw, and that of those with the outcome
	psus                int
	largest, second     float64
	counted, everything bool // the ones are known; so are PSUs and weights
}

// tallyOf is that of a row of the results.
func tallyOf(r assess.Row) tally {
	e, p := r.Estimate, r.People
	t := tally{n: e.N}
	if t.n == 0 {
		t.counted, t.everything = true, true
		return t
	}
	if t.weighted, t.with = e.Weighted, e.Weighted*e.Value; p.N == e.N {
		t.weighted, t.with = p.Weighted, p.WeightedOnes
		t.counted, t.everything = p.Ones >= 0, true
		t.ones, t.psus, t.largest, t.second = max(p.Ones, 0), p.PSUs, p.Largest, p.Second
	}
	return t
}

// plus adds the people of another group, and less takes them away; of neither is known how
// many PSUs or what weights there are.
func (t tally) plus(u tally) tally {
	return tally{n: t.n + u.n, ones: t.ones + u.ones, weighted: t.weighted + u.weighted, with: t.with + u.with, counted: t.counted && u.counted}
}

func (t tally) less(u tally) tally {
	out := tally{n: t.n - u.n, ones: t.ones - u.ones, weighted: t.weighted - u.weighted, with: t.with - u.with, counted: t.counted && u.counted}
	const rounding = 1e-9
	if out.n == 0 || out.weighted < rounding*t.weighted {
		out.weighted = 0
	}
	if out.with < rounding*t.weighted {
		out.with = 0
	}
	out.with = min(out.with, out.weighted)
	return out
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
func (j *judge) add(key analysis.Domain, people tally, places ...Place) {
	name := fmt.Sprint(key) // maps are printed in the order of their keys
	c := j.cells[name]
	if c == nil {
		c = &judgedCell{key: key, people: people}
		j.cells[name], j.order = c, append(j.order, c)
	}
	c.places, c.printed = append(c.places, places...), c.printed || len(places) > 0
}

// remainder adds the people of a total who are in none of its parts.
func (j *judge) remainder(key analysis.Domain, people tally) {
	c := &judgedCell{key: key, people: people, rest: true}
	j.cells[fmt.Sprint(key)], j.order = c, append(j.order, c)
}

// publish judges the tables of the results and notes what is hidden.
func (j *judge) publish(p *Protected) error {
	r := j.results
	all := tallyOf(r.Headline[j.series])
	switch {
	case all.n == 0:
		return nil
	case all.n < j.rules.MinN:
		return fmt.Errorf("%w: %d people were interviewed, and no number of fewer than %d may be published; wait for more interviews", surveys.ErrInvalid, all.n, j.rules.MinN)
	}
	j.coarser()
	j.add(analysis.Domain{}, all, j.place(TableHeadline, ""))
	for i := range r.Tables {
		j.table(&r.Tables[i], all)
	}
	for i := range r.Crossings {
		j.crossing(&r.Crossings[i], all)
	}
	hidden, err := j.decide()
	if err != nil {
		return err
	}
	for name, why := range hidden {
		c := j.cells[name]
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

// decide says which cells are hidden, by their names: it hides more until no shown cell says
// that all or none of its people have the outcome, and so all or none of a hidden part. For
// disclosure.Protect, what a shown cell says holds for its parts.
func (j *judge) decide() (map[string]Reason, error) {
	for {
		known := j.known(j.order)
		j.pub.Cells = nil
		for _, c := range j.order {
			j.pub.Cells = append(j.pub.Cells, known.cell(c))
		}
		disclosure.SamePeople(j.pub.Cells)
		known.bare(j.pub.Cells)
		judgement, err := disclosure.ProtectInSteps(j.pub, j.rules)
		if err != nil {
			return nil, err
		}
		hidden := map[string]Reason{}
		for _, s := range judgement.Suppressions() {
			hidden[fmt.Sprint(s.Key)] = reasonOf(s.Reason)
		}
		told, err := j.told(known, hidden)
		if err != nil || !told {
			return hidden, err
		}
	}
}

// told makes the shown cells sensitive that say something of all their people, some of whom are
// hidden, and says whether there are any.
func (j *judge) told(by known, hidden map[string]Reason) (any bool, err error) {
	if len(hidden) == 0 {
		return false, nil
	}
	sums, err := j.pub.Relations()
	if err != nil {
		return false, err
	}
	for _, sum := range sums {
		total := j.cells[fmt.Sprint(sum.Total)]
		if _, is := hidden[fmt.Sprint(sum.Total)]; is || !total.printed || total.tells || len(total.key) == 0 || !by.constant(total.people) {
			continue
		}
		for _, key := range sum.Parts {
			if _, is := hidden[fmt.Sprint(key)]; is && j.cells[fmt.Sprint(key)].people.n > 0 {
				total.tells, any = true, true
			}
		}
	}
	return any, nil
}

// known says what all cells of a publication are judged by.
type known struct {
	*judge
	counted, psus bool
}

// known finds out what all cells know. Where everybody is of one PSU, that somebody is of it tells
// nothing.
func (j *judge) known(cells []*judgedCell) known {
	h := known{judge: j, counted: true}
	for _, c := range cells {
		h.counted = h.counted && c.people.counted
		h.psus = h.psus || len(c.key) == 0 && c.people.psus >= j.rules.MinPSUs
	}
	return h
}

// cell is what disclosure control judges.
func (h known) cell(c *judgedCell) disclosure.Cell {
	t := c.people
	out := disclosure.Cell{Key: c.key, N: t.n, Weighted: t.weighted, WeightedOutcomes: []float64{t.with}, Unprinted: !c.printed, Exempt: c.rest}
	switch {
	case h.counted:
		out.Outcomes = []int{t.ones}
	case t.n >= h.rules.MinN && t.n < h.rules.SmallGroup && h.allOrNone(t):
		out.Sensitive = disclosure.AllOrNone
	}
	if t.everything {
		out.Largest, out.Second = t.largest, t.second
		if h.psus {
			out.PSUs = t.psus
		}
	}
	if c.tells {
		out.Sensitive = disclosure.AllOrNone
	}
	if t.n > 0 && out.Sensitive == "" && slices.ContainsFunc(c.places, func(at Place) bool { return slices.Contains(h.before, at) }) {
		out.Sensitive = disclosure.Before
	}
	return out
}

// bare takes the weights out of cells whose people nobody counted: they are judged by their
// number and their share alone.
func (h known) bare(cells []disclosure.Cell) {
	for i := range cells {
		if !h.counted {
			cells[i].Weighted, cells[i].WeightedOutcomes, cells[i].Largest, cells[i].Second = 0, nil, 0, 0
		}
	}
}

// constant says whether all or none have the outcome.
func (h known) constant(t tally) bool {
	if h.counted {
		return t.ones == 0 || t.ones == t.n
	}
	return min(t.with, t.weighted-t.with) <= 1e-12*t.weighted
}

// allOrNone judges by the weighted share where nobody counted.
func (h known) allOrNone(t tally) bool {
	share := t.with / t.weighted
	return !(float64(t.n)*math.Min(share, 1-share) >= float64(h.rules.MinOutcome)-0.5)
}

// reasonOf is how a report calls a reason.
func reasonOf(why disclosure.Reason) Reason {
	switch why {
	case disclosure.Complementary, disclosure.Alike, disclosure.Before:
		return Complementary
	case disclosure.Dominance:
		return Dominated
	}
	return TooFew
}

// table adds the cells of a table by one factor; each group of a set that may overlap is a
// factor of its own, which people belong to or not.
func (j *judge) table(t *assess.Table, all tally) {
	id := tableID(*t)
	if t.Set != nil {
		for _, g := range t.Groups {
			people, name := tallyOf(g.Rows[j.series]), id+"/"+g.Code
			j.dimension(name, []string{"in"})
			j.add(analysis.Domain{name: "in"}, people, j.place(id, g.Code))
			j.remainder(analysis.Domain{name: rest}, all.less(people))
		}
		return
	}
	var codes []string
	left := all
	for _, g := range t.Groups {
		people := tallyOf(g.Rows[j.series])
		codes, left = append(codes, g.Code), left.less(people)
		j.add(analysis.Domain{id: g.Code}, people, j.place(id, g.Code))
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
func (j *judge) crossing(t *assess.CrossTable, all tally) {
	rows, columns := t.Rows.Levels, t.Columns.Levels
	people := func(i, k int) tally { return tallyOf(t.Cells[i][k][j.series]) }
	j.margin(&t.Rows, all, func(i int) tally {
		sum := people(i, 0)
		for k := range columns[1:] {
			sum = sum.plus(people(i, k+1))
		}
		return sum
	})
	j.margin(&t.Columns, all, func(k int) tally {
		sum := people(0, k)
		for i := range rows[1:] {
			sum = sum.plus(people(i+1, k))
		}
		return sum
	})
	both := func(row, column string) analysis.Domain {
		return analysis.Domain{t.Rows.ID: row, t.Columns.ID: column}
	}
	of := func(factor, class string) tally { return j.cells[fmt.Sprint(analysis.Domain{factor: class})].people }
	corner := of(t.Rows.ID, rest)
	below := make([]tally, len(columns))
	for k, c := range columns {
		below[k] = of(t.Columns.ID, c.Code)
	}
	for i, r := range rows {
		right := of(t.Rows.ID, r.Code)
		for k, c := range columns {
			j.add(both(r.Code, c.Code), people(i, k), j.place(t.Rows.ID+"×"+t.Columns.ID, r.Code+"×"+c.Code))
			right, below[k] = right.less(people(i, k)), below[k].less(people(i, k))
		}
		j.remainder(both(r.Code, rest), right)
	}
	for k, c := range columns {
		j.remainder(both(rest, c.Code), below[k])
		corner = corner.less(below[k])
	}
	j.remainder(both(rest, rest), corner)
}

// margin adds the groups of a factor that has no table: their people are those in the
// crossing.
func (j *judge) margin(f *assess.Factor, all tally, people func(int) tally) {
	if j.cells[fmt.Sprint(analysis.Domain{f.ID: rest})] != nil {
		return
	}
	var codes []string
	for i, l := range f.Levels {
		codes, all = append(codes, l.Code), all.less(people(i))
		j.add(analysis.Domain{f.ID: l.Code}, people(i))
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

// topics withholds the shares of too few people, and those that were withheld before.
func (j *judge) topics(p *Protected) error {
	for i := range j.results.Topics {
		t := &j.results.Topics[i]
		for _, group := range t.Groups {
			at := j.place(t.Topic.ID, group.Code)
			switch n := group.Rows[j.series].Estimate.N; {
			case n > 0 && n < j.rules.MinN:
				p.hide(at, TooFew)
			case n > 0 && slices.Contains(j.before, at):
				p.hide(at, Complementary)
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
		for _, group := range t.Groups {
			at := j.place(t.Topic.ID, group.Code)
			if at.By = l.Code; slices.Contains(j.before, at) {
				hidden[l.Code] = Complementary
			}
		}
	}
	for before := -1; before < len(hidden); {
		before = len(hidden)
		for g := range t.Groups {
			if err := j.levelsOfShare(t, g, hidden, p); err != nil {
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
func (j *judge) levelsOfShare(t *assess.TopicResult, share int, hidden map[string]Reason, p *Protected) error {
	by, left := t.Topic.By, tallyOf(t.Groups[share].Rows[j.series])
	// All who answered can be so few, or so alike, that nothing of the share may be shown.
	nothing := func() {
		if at := j.place(t.Topic.ID, t.Groups[share].Code); p.hidden[at] == "" {
			p.hide(at, TooFew)
		}
		for _, l := range t.Levels {
			hidden[l.Code] = cmp.Or(hidden[l.Code], Complementary)
		}
	}
	switch {
	case left.n == 0:
		return nil
	case left.n < j.rules.MinN:
		nothing()
		return nil
	}
	pub := disclosure.Publication{Dimensions: []disclosure.Dimension{{Name: by}}}
	cells := []*judgedCell{{people: left, printed: true}}
	for i, l := range t.Levels {
		c := &judgedCell{key: analysis.Domain{by: l.Code}, people: tallyOf(t.By[share][i][j.series]), printed: true}
		left, cells = left.less(c.people), append(cells, c)
		pub.Dimensions[0].Classes = append(pub.Dimensions[0].Classes, l.Code)
	}
	pub.Dimensions[0].Classes = append(pub.Dimensions[0].Classes, rest)
	cells = append(cells, &judgedCell{key: analysis.Domain{by: rest}, people: left, rest: true})
	known := j.known(cells)
	for _, c := range cells {
		cell := known.cell(c)
		if _, is := hidden[c.key[by]]; is {
			cell.Sensitive = disclosure.Before
		}
		pub.Cells = append(pub.Cells, cell)
	}
	known.bare(pub.Cells)
	judgement, err := disclosure.ProtectInSteps(pub, j.rules)
	if errors.Is(err, disclosure.ErrNobodyOutside) {
		nothing()
		return nil
	}
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
		at := j.place(f.Margin, f.Level)
		if f.N > 0 && f.N < j.rules.MinN {
			p.hidden[at] = TooFew
		} else if _, is := p.hidden[at]; !is && slices.Contains(j.before, at) {
			p.hidden[at] = Complementary
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
