package live

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Least is the fewest interviews of which a rate is shown.
var Least = disclosure.DefaultRules().MinN

// asked is what figures were asked for.
type asked struct {
	view View
	area string
}

// Figures are the literacy rate in an area, from the interviews of a view. The weights are
// those of the draw: nothing makes up yet for who has not been reached.
type Figures struct {
	// At is when what is new was last looked for, Version changes with the figures.
	At      time.Time
	Version int
	// Criterion is the rule of the rate.
	Criterion surveys.Text
	// Everybody is the rate of all, Groups the number of their interviews.
	Everybody Group
	Tables    []Table
	// Places are the parts of the area with what 100 more interviews in each would do,
	// where they help the rate of the whole area most at the top.
	Places []Place
	// Fieldwork counts what came of the cases, as they are and with their weights.
	Fieldwork assess.Fieldwork
}

// Group is the rate of one group. Of a group that is withheld nothing but the number of
// interviews is known.
type Group struct {
	Level assess.Level
	// N counts the interviews there are, Estimate.N those that are in the rate: the first
	// ones, as many whole steps as there are.
	N        int
	Estimate analysis.Estimate
	// Withheld says that the rate is not shown, since it is of too few people or would tell
	// that of too few others.
	Withheld bool
}

// Table is the rate by a factor.
type Table struct {
	Factor assess.Factor
	Groups []Group
}

// Place is a part of an area, by its code.
type Place struct {
	Code string
	Group
	// Share is the part of the area's people who live here, as the weights of the draw have
	// it.
	Share float64
	// Open are the cases that fieldwork is not done with.
	Open int
	// Here and Whole are the standard errors of the rate here and of that of the whole area
	// after More interviews here, NaN where the present ones do not tell.
	Here, Whole float64
	// Guessed says that there are too few interviews here for an error of their own, and that
	// of the whole area stands for it.
	Guessed bool
}

// More is how many further interviews the places are compared with.
const More = 100

// Figures returns the figures of an area, by the beginning of its code, or of everybody when
// that is empty. They are at most Every older than the store and the fieldwork.
func (b *Board) Figures(ctx context.Context, view View, area string) (*Figures, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.refresh(ctx); err != nil {
		return nil, err
	}
	key := asked{view, area}
	f := b.figures[key]
	if f == nil {
		var err error
		if f, err = b.compute(key); err != nil {
			return nil, fmt.Errorf("figures of wave %q: %w", b.query.Wave, err)
		}
		b.figures[key] = f
	}
	out := *f
	out.At = b.fresh
	return &out, nil
}

// compute makes the figures of an area.
func (b *Board) compute(of asked) (*Figures, error) {
	f := &Figures{Version: b.version, Criterion: b.query.Questionnaire.Criterion.Name}
	s, err := b.sample(of)
	if err != nil {
		return nil, err
	}
	for _, p := range b.people {
		if strings.HasPrefix(p.Area, of.area) {
			f.Fieldwork.Cases.Add(p.Class, 1)
			f.Fieldwork.Weighted.Add(p.Class, p.Weight)
		}
	}
	all, err := s.groups([]assess.Level{{Code: "all"}}, make([]int, len(s.people)))
	if err != nil {
		return nil, err
	}
	f.Everybody = all[0]
	var tables []judged
	for i := range b.plan.Factors {
		t := Table{Factor: b.plan.Factors[i]}
		if !slices.Contains(b.plan.Tables, t.Factor.ID) {
			continue
		}
		if t.Groups, err = s.groups(t.Factor.Levels, s.levels[i]); err != nil {
			return nil, err
		}
		f.Tables = append(f.Tables, t)
		tables = append(tables, judged{"table " + t.Factor.ID, t.Groups, s.levels[i]})
	}
	sets, err := b.sets(s)
	if err != nil {
		return nil, err
	}
	for _, t := range sets {
		tables = append(tables, t...)
	}
	places, byPlace, err := b.parts(s, of.area)
	if err != nil {
		return nil, err
	}
	if err := s.withhold(f, append(tables, byPlace)); err != nil {
		return nil, err
	}
	for i := range places {
		places[i].Group = byPlace.groups[i]
	}
	for k, t := range sets {
		set := Table{Factor: assess.Factor{ID: b.plan.Groups[k].ID, Title: b.plan.Groups[k].Title}}
		for _, one := range t {
			set.Groups = append(set.Groups, one.groups[0])
		}
		f.Tables = append(f.Tables, set)
	}
	foresee(places, f.Everybody.Estimate)
	f.Places = places
	return f, nil
}

// sets has, for each set of groups that may overlap, a table of each of them: who belongs, and
// the others.
func (b *Board) sets(s *sample) ([][]judged, error) {
	out := make([][]judged, len(b.plan.Groups))
	at := len(b.plan.Factors)
	for k := range b.plan.Groups {
		for range b.plan.Groups[k].Groups {
			f := &b.query.Factors[at]
			groups, err := s.groups(f.Levels, s.levels[at])
			if err != nil {
				return nil, err
			}
			groups[0].Level.Code = f.ID
			out[k] = append(out[k], judged{"group " + f.ID, groups, s.levels[at]})
			at++
		}
	}
	return out, nil
}

// sample is the people of a view in an area, in the order of their turns, as a design.
type sample struct {
	design *analysis.Design
	people []*person
	y      []float64
	// levels has for each factor the level of each of the people.
	levels [][]int
}

// sample makes the design of those in a view and an area. Every PSU of the draw is in it.
func (b *Board) sample(of asked) (*sample, error) {
	s := &sample{}
	for _, p := range b.people {
		if p.turn[of.view] > 0 && strings.HasPrefix(p.Area, of.area) {
			s.people = append(s.people, p)
		}
	}
	slices.SortFunc(s.people, func(x, y *person) int { return cmp.Compare(x.turn[of.view], y.turn[of.view]) })
	var c analysis.Columns
	add := func(p *person, weight, y float64) {
		c.Weight, c.Stratum, c.PSU = append(c.Weight, weight), append(c.Stratum, p.Stratum), append(c.PSU, p.PSU)
		s.y = append(s.y, y)
	}
	crit := b.query.Questionnaire.Criterion
	s.levels = make([][]int, len(b.query.Factors))
	for f := range s.levels {
		s.levels[f] = make([]int, len(s.people))
	}
	for i, p := range s.people {
		for f, l := range p.levels {
			s.levels[f][i] = l
		}
		literate := 0.0
		if crit.Reaches(p.score, crit.Cut) {
			literate = 1
		}
		add(p, p.Weight, literate)
	}
	seen := map[analysis.PSU]bool{}
	for _, p := range b.people {
		u := analysis.PSU{Stratum: p.Stratum, Name: p.PSU}
		if !seen[u] {
			seen[u] = true
			add(p, 0, math.NaN())
		}
	}
	if len(s.people) == 0 {
		return s, nil
	}
	var err error
	s.design, err = analysis.NewDesign(c)
	return s, err
}

// groups estimates the rate of each level, in whole steps of people; class has for each of the
// people an index into levels, or -1.
func (s *sample) groups(levels []assess.Level, class []int) ([]Group, error) {
	out := make([]Group, len(levels))
	column := analysis.FactorColumn{Factor: analysis.Factor{ID: "group"}, Level: make([]int, len(s.y))}
	for l, level := range levels {
		out[l] = Group{Level: level, Estimate: missing()}
		column.Levels = append(column.Levels, level.Code)
	}
	for _, l := range class {
		if l >= 0 {
			out[l].N++
		}
	}
	if s.design == nil {
		return out, nil
	}
	for i := copy(column.Level, class); i < len(column.Level); i++ {
		column.Level[i] = -1 // declares a PSU
	}
	over := make([]int, len(levels))
	for l, g := range out {
		over[l] = g.N % Step
	}
	for i := len(s.people) - 1; i >= 0; i-- { // the last ones to come
		if l := column.Level[i]; l >= 0 && over[l] > 0 {
			column.Level[i] = -1
			over[l]--
		}
	}
	t, err := s.design.ProportionTable(s.y, nil, column)
	if err != nil {
		return nil, err
	}
	for l := range out {
		if out[l].N >= Step {
			out[l].Estimate = t.Estimates[l]
		}
	}
	return out, nil
}

func missing() analysis.Estimate {
	nan := math.NaN()
	return analysis.Estimate{Value: nan, SE: nan, Lo: nan, Hi: nan, Level: analysis.DefaultSettings().Level, DF: nan, DEff: nan, DEffWOR: nan,
		Notes: []analysis.Note{{Code: analysis.Empty}}}
}

// withhold hides the groups of which a rate would tell what single people answered, and those
// that would give them away together with everybody. The tables and the places are judged as
// one publication (see package disclosure), by all interviews there are.
func (s *sample) withhold(f *Figures, tables []judged) error {
	f.Everybody.Withheld = f.Everybody.Estimate.N < Least
	if f.Everybody.Withheld {
		for _, t := range tables {
			for l := range t.groups {
				t.groups[l].Withheld = true
			}
		}
		return nil
	}
	pub := disclosure.Publication{Cells: s.cells("", nil, nil)}
	for _, t := range tables {
		d := disclosure.Dimension{Name: t.name, Classes: []string{}}
		for _, g := range t.groups {
			d.Classes = append(d.Classes, g.Level.Code)
		}
		cells := s.cells(t.name, d.Classes, t.class)
		rest := &cells[len(cells)-1]
		rest.Unprinted, rest.Exempt = true, true
		d.Classes = append(d.Classes, unplaced)
		pub.Dimensions, pub.Cells = append(pub.Dimensions, d), append(pub.Cells, cells...)
	}
	judgement, err := disclosure.Protect(pub, disclosure.DefaultRules())
	if err != nil {
		return err
	}
	for _, t := range tables {
		for l := range t.groups {
			g := &t.groups[l]
			_, hidden := judgement.Suppressed(analysis.Domain{t.name: g.Level.Code})
			g.Withheld = hidden || g.Estimate.N < Least
		}
	}
	alike(tables)
	return nil
}

// alike withholds what is the same people as something withheld, such as a city in its table
// and among the places.
func alike(tables []judged) {
	type people struct {
		n               int
		weighted, value float64
	}
	of := func(g Group) people { return people{g.N, g.Estimate.Weighted, g.Estimate.Value} }
	hidden := map[people]bool{}
	for _, t := range tables {
		for _, g := range t.groups {
			hidden[of(g)] = hidden[of(g)] || g.Withheld && g.N > 0
		}
	}
	for _, t := range tables {
		for l := range t.groups {
			t.groups[l].Withheld = t.groups[l].Withheld || hidden[of(t.groups[l])]
		}
	}
}

// judged is a table whose groups are to be judged.
type judged struct {
	name   string
	groups []Group
	class  []int // of each of the people: an index into groups, or -1
}

// unplaced is the class of those who are in no group of a table.
const unplaced = "\x00"

// cells count the people of each class, and last those of none; with no name those are
// everybody.
func (s *sample) cells(name string, classes []string, class []int) []disclosure.Cell {
	cells := make([]disclosure.Cell, len(classes)+1)
	first := make([]*person, len(cells))
	for i := range cells {
		cells[i].Outcomes = []int{0}
		switch {
		case i < len(classes):
			cells[i].Key = analysis.Domain{name: classes[i]}
		case name != "":
			cells[i].Key = analysis.Domain{name: unplaced}
		}
	}
	for i, p := range s.people {
		l := len(classes)
		if class != nil && class[i] >= 0 {
			l = class[i]
		}
		c := &cells[l]
		c.N++
		c.Outcomes[0] += int(s.y[i])
		switch {
		case first[l] == nil:
			first[l], c.PSUs = p, 1
		case p.PSU != first[l].PSU || p.Stratum != first[l].Stratum:
			c.PSUs = 2 // or more
		}
	}
	return cells
}

// parts are the parts of an area, with what further interviews in each would do. The error
// of a rate falls with the root of the number of interviews, as long as they are gathered
// as the present ones are: after m more, V becomes V·n/(n + m). The variance of the whole
// is that of its parts, ΣW²V, and so a part helps by W²V·m/(n + m) (Cochran 1977, 5.5).
func (b *Board) parts(s *sample, area string) ([]Place, judged, error) {
	places := map[string]*Place{}
	var codes []string
	total := 0.0
	for _, p := range b.people {
		code := partOf(p.Area, area)
		if !strings.HasPrefix(p.Area, area) || code == area {
			continue
		}
		pl := places[code]
		if pl == nil {
			pl = &Place{Code: code, Here: math.NaN(), Whole: math.NaN()}
			places[code], codes = pl, append(codes, code)
		}
		if p.Class != fieldwork.ClassNE {
			pl.Share += p.Weight
			total += p.Weight
		}
		if !p.State.Done() {
			pl.Open++
		}
	}
	slices.Sort(codes)
	levels := make([]assess.Level, len(codes))
	index := map[string]int{}
	for i, code := range codes {
		levels[i].Code, index[code] = code, i
	}
	class := make([]int, len(s.people))
	for i, p := range s.people {
		class[i] = -1
		if l, known := index[partOf(p.Area, area)]; known {
			class[i] = l
		}
	}
	groups, err := s.groups(levels, class)
	if err != nil {
		return nil, judged{}, err
	}
	list := make([]Place, len(codes))
	for i, code := range codes {
		list[i] = *places[code]
		list[i].Share /= total
	}
	return list, judged{"place", groups, class}, nil
}

// partOf is the part of an area that a code lies in: the city, or the county of a city.
func partOf(code, area string) string {
	digits := 4
	if len(area) >= 4 {
		digits = 6
	}
	return code[:min(len(code), digits)]
}

// foresee fills in what more interviews would do, and orders the places by it.
func foresee(list []Place, all analysis.Estimate) {
	one := all.SE * all.SE * float64(all.N) // variance of one interview, with its design effect
	sum := 0.0
	variance := make([]float64, len(list))
	for i := range list {
		p := &list[i]
		e := p.Estimate
		variance[i] = e.SE * e.SE
		if p.Guessed = p.Withheld || !(e.SE > 0); p.Guessed {
			variance[i] = one / float64(max(e.N, 1))
		}
		sum += p.Share * p.Share * variance[i]
	}
	for i := range list {
		p := &list[i]
		n := float64(max(p.Estimate.N, 1))
		gain := p.Share * p.Share * variance[i] * More / (n + More)
		if sum > 0 && all.SE > 0 {
			p.Whole = all.SE * math.Sqrt(1-gain/sum)
		}
		p.Here = math.Sqrt(variance[i] * n / (n + More))
	}
	slices.SortStableFunc(list, func(x, y Place) int { return cmp.Compare(x.Whole, y.Whole) })
}
