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
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

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
	// Step is how many further interviews a group has to have before its rate is computed anew.
	Step int
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
	f := &Figures{Version: b.version, Step: b.step, Criterion: b.query.Questionnaire.Criterion.Name}
	s, err := b.sample(of)
	if err != nil {
		return nil, err
	}
	j, err := b.judged(of.view)
	if err != nil {
		return nil, err
	}
	for _, p := range b.people {
		if strings.HasPrefix(p.Area, of.area) {
			f.Fieldwork.Cases.Add(p.Class, 1)
			f.Fieldwork.Weighted.Add(p.Class, p.Weight)
		}
	}
	all, err := b.groups(s, []assess.Level{{Code: "all"}}, make([]int, len(s.people)), func(int) (string, belongs) { return inArea(j.page(of.area)) })
	if err != nil {
		return nil, err
	}
	f.Everybody = all[0]
	f.Everybody.Withheld = !j.shows(of.area, nil, 0) || f.Everybody.Estimate.N < b.rules.MinN
	if err := b.fillTables(f, s, j, of.area); err != nil {
		return nil, err
	}
	if f.Places, err = b.parts(s, of.area); err != nil {
		return nil, err
	}
	for i := range f.Places {
		p := &f.Places[i]
		p.Withheld = f.Everybody.Withheld || !j.shows(p.Code, nil, 0) || p.Estimate.N < b.rules.MinN
	}
	foresee(f.Places, f.Everybody.Estimate)
	return f, nil
}

// inArea names the people of an area, and says who belongs to them.
func inArea(area string) (string, belongs) {
	return area, func(as *snapshot) bool { return strings.HasPrefix(as.area, area) }
}

// fillTables makes the tables of the figures: of the factors, and one of each set of groups.
func (b *Board) fillTables(f *Figures, s *sample, j *judgement, area string) error {
	of := map[int]int{} // of each group's factor, the table of its set
	at := len(b.plan.Factors)
	for i := range b.plan.Factors {
		if slices.Contains(b.plan.Tables, b.plan.Factors[i].ID) {
			of[i] = len(f.Tables)
			f.Tables = append(f.Tables, Table{Factor: b.plan.Factors[i]})
		}
	}
	for k := range b.plan.Groups {
		for range b.plan.Groups[k].Groups {
			of[at] = len(f.Tables)
			at++
		}
		f.Tables = append(f.Tables, Table{Factor: assess.Factor{ID: b.plan.Groups[k].ID, Title: b.plan.Groups[k].Title}})
	}
	for _, t := range b.tables() {
		groups, err := b.groups(s, t.levels[:t.shown], s.levels[t.factor], func(l int) (string, belongs) {
			if city := j.cityOf(t, l); city != "" && j.page(area) == "" {
				return inArea(city) // the same people
			}
			return j.page(area) + "\x00" + t.name + "\x00" + t.levels[l].Code, func(as *snapshot) bool {
				return as.levels[t.factor] == l && strings.HasPrefix(as.area, area)
			}
		})
		if err != nil {
			return err
		}
		for l := range groups {
			g := &groups[l]
			g.Withheld = f.Everybody.Withheld || !j.shows(area, &t, l) || g.Estimate.N < b.rules.MinN
			if t.factor >= len(b.plan.Factors) {
				g.Level.Code = b.query.Factors[t.factor].ID
			}
		}
		table := &f.Tables[of[t.factor]]
		table.Groups = append(table.Groups, groups...)
	}
	return nil
}

// sample is the people of a view in an area, in the order of their turns, as a design.
type sample struct {
	view   View
	design *analysis.Design
	people []*person
	y      []float64
	// levels has for each factor the level of each of the people, in room of the board.
	levels [][]int
}

// sample makes the design of those in a view and an area. Every PSU of the draw is in it.
func (b *Board) sample(of asked) (*sample, error) {
	s := &sample{view: of.view}
	for _, p := range b.people {
		if p.turn[of.view] > 0 && strings.HasPrefix(p.Area, of.area) {
			s.people = append(s.people, p)
		}
	}
	slices.SortFunc(s.people, func(x, y *person) int { return cmp.Compare(x.turn[of.view], y.turn[of.view]) })
	n := len(s.people) + len(s.people)/64 // and some PSUs
	c := analysis.Columns{Weight: make([]float64, 0, n), Stratum: make([]string, 0, n), PSU: make([]string, 0, n)}
	s.y = make([]float64, 0, n)
	add := func(p *person, weight, y float64) {
		c.Weight, c.Stratum, c.PSU = append(c.Weight, weight), append(c.Stratum, p.Stratum), append(c.PSU, p.PSU)
		s.y = append(s.y, y)
	}
	crit := b.query.Questionnaire.Criterion
	s.levels = b.levels
	for f := range s.levels {
		s.levels[f] = slices.Grow(s.levels[f][:0], len(s.people))[:len(s.people)]
	}
	for i, p := range s.people {
		p.row = i
		for f, l := range p.levels {
			s.levels[f][i] = l
		}
		literate := 0.0
		if crit.Reaches(p.score, crit.Cut) {
			literate = 1
		}
		add(p, p.Weight, literate)
	}
	seen := make([]bool, len(b.psus)+1)
	for _, p := range b.people {
		if !seen[p.psu] {
			seen[p.psu] = true
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
// people an index into levels, or another number, and of names a level and says who belongs to
// it.
func (b *Board) groups(s *sample, levels []assess.Level, class []int, of func(level int) (string, belongs)) ([]Group, error) {
	n := make([]int, len(levels))
	for _, l := range class {
		if l >= 0 && l < len(levels) {
			n[l]++
		}
	}
	kept := make([]*shown, len(levels))
	take, last := make([]int, len(levels)), make([]int, len(levels))
	column := analysis.FactorColumn{Factor: analysis.Factor{ID: "group"}, Level: slices.Grow(b.column[:0], len(s.y))[:len(s.y)]}
	b.column = column.Level
	for i := range column.Level {
		column.Level[i] = -1 // declares a PSU, or is not in a rate
	}
	anew := false
	for l, level := range levels {
		column.Levels = append(column.Levels, level.Code)
		name, in := of(l)
		kept[l] = b.group(name)
		if size, plain := b.plain(kept[l], s.view, n[l]); !plain {
			for _, p := range b.pick(kept[l], s.view, s.members(class, l), in) {
				column.Level[p.row], anew = l, true
			}
		} else if size != kept[l].size[s.view] {
			take[l], anew = size, true
		}
	}
	if anew {
		left := slices.Clone(take)
		for i, l := range class {
			if l >= 0 && l < len(levels) && left[l] > 0 {
				column.Level[i], last[l] = l, i
				left[l]--
			}
		}
		t, err := s.design.ProportionTable(s.y, nil, column)
		if err != nil {
			return nil, err
		}
		for l := range levels {
			if take[l] > 0 {
				b.put(kept[l], s.view, take[l], s.people[last[l]].turn[s.view])
			}
			if t.Estimates[l].N > 0 {
				kept[l].last[s.view].Estimate = t.Estimates[l]
			}
		}
	}
	out := make([]Group, len(levels))
	for l, level := range levels {
		out[l] = Group{Level: level, N: n[l], Estimate: kept[l].last[s.view].Estimate}
	}
	return out, nil
}

// members are the people of a class, in the order of their turns.
func (s *sample) members(class []int, of int) (list []*person) {
	for i, l := range class {
		if l == of {
			list = append(list, s.people[i])
		}
	}
	return list
}

func missing() analysis.Estimate {
	nan := math.NaN()
	return analysis.Estimate{Value: nan, SE: nan, Lo: nan, Hi: nan, Level: analysis.DefaultSettings().Level, DF: nan, DEff: nan, DEffWOR: nan,
		Notes: []analysis.Note{{Code: analysis.Empty}}}
}

// parts are the parts of an area, with what further interviews in each would do. The error
// of a rate falls with the root of the number of interviews, as long as they are gathered
// as the present ones are: after m more, V becomes V·n/(n + m). The variance of the whole
// is that of its parts, ΣW²V, and so a part helps by W²V·m/(n + m) (Cochran 1977, 5.5).
func (b *Board) parts(s *sample, area string) ([]Place, error) {
	codes, part := b.partsOf(area)
	list := make([]Place, len(codes))
	for i, code := range codes {
		list[i] = Place{Code: code, Here: math.NaN(), Whole: math.NaN()}
	}
	total := 0.0
	for _, p := range b.people {
		if part[p.area] < 0 {
			continue
		}
		pl := &list[part[p.area]]
		if p.Class != fieldwork.ClassNE {
			pl.Share += p.Weight
			total += p.Weight
		}
		if !p.State.Done() {
			pl.Open++
		}
	}
	levels := make([]assess.Level, len(codes))
	for i, code := range codes {
		levels[i].Code = code
	}
	class := make([]int, len(s.people))
	for i, p := range s.people {
		class[i] = part[p.area]
	}
	groups, err := b.groups(s, levels, class, func(l int) (string, belongs) { return inArea(codes[l]) })
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Group = groups[i]
		list[i].Share /= total
	}
	return list, nil
}

// partsOf are the codes of the parts of an area where anybody was drawn, in order, and for each
// number of an area the place of its part among them, -1 for none.
func (b *Board) partsOf(area string) (codes []string, part []int) {
	part = make([]int, len(b.areas))
	lived := make([]bool, len(b.areas)) // a case may have been moved elsewhere
	for _, p := range b.people {
		lived[p.area] = true
	}
	for code, n := range b.areas {
		if of := partOf(code, area); lived[n] && strings.HasPrefix(code, area) && of != area {
			codes = append(codes, of)
		}
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	for code, n := range b.areas {
		part[n] = -1
		if strings.HasPrefix(code, area) {
			part[n] = slices.Index(codes, partOf(code, area))
		}
	}
	return codes, part
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
