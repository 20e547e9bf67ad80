package live

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
)

// judgement says what the pages of a view may show, of all areas at once: a county stands on
// the page of its city and on its own, and each group on both, so that they are one
// publication. It goes by all interviews there are.
type judgement struct {
	result *disclosure.Result
	// divided are the tables whose levels are made of whole counties, such as the city that
	// a case was drawn in: the level of each county.
	divided map[string][]int
	county  map[string]int
	// pages are the cells of the areas whose pages have tables.
	pages map[string]analysis.Domain
	// nothing may be shown but the rate of everybody.
	nothing bool
	// empty are the cells of nobody: who comes there was not judged.
	empty map[string]bool
	// people is how many were counted, moves how often anybody had come or gone by then.
	people, moves int
}

// The dimension of counties, which cities are groups of. Tables within areas divide them too:
// into units, which are cities, counties of cities with a page, and the rest of these.
const (
	counties = "county"
	cities   = "city"
	units    = "unit"
	unitsOf  = "city of units"
)

// The digits of the codes of a city and of a county; no page divides a county.
const (
	cityDigits   = 4
	countyDigits = 6
)

// pageOf is how many times the fewest people that are shown an area has to have, so that its page
// has tables: of fewer, nearly all groups would be withheld, and others of wider areas with them.
const pageOf = 20

// table is what divides people on a page: a factor, or a group and everybody else.
type table struct {
	name   string
	levels []assess.Level
	factor int // index into the levels of a person
	// shown is how many of the levels are shown, the first ones.
	shown int
}

// tables are those of a page, without the places: the factors with a table, then each group of
// the sets.
func (b *Board) tables() (list []table) {
	for i, f := range b.plan.Factors {
		if slices.Contains(b.plan.Tables, f.ID) {
			list = append(list, table{"table " + f.ID, f.Levels, i, len(f.Levels)})
		}
	}
	for i := len(b.plan.Factors); i < len(b.query.Factors); i++ {
		f := &b.query.Factors[i]
		list = append(list, table{"group " + f.ID, f.Levels, i, 1})
	}
	return list
}

// cityOf is the city of an area's code, countyOf its county.
func cityOf(area string) string   { return area[:min(len(area), cityDigits)] }
func countyOf(area string) string { return area[:min(len(area), countyDigits)] }

// fewMoves is the part of the people of whom so few have come or gone that a judgement stands:
// rates move by whole steps of people. A group that nobody was in waits for the next judgement.
const fewMoves = 200

// judged is what may be shown of a view, judged once for all areas.
func (b *Board) judged(v View) (*judgement, error) {
	moves := b.turn[v] + len(b.stays)
	if j := b.judgements[v]; j != nil && (moves-j.moves)*fewMoves <= j.people {
		return j, nil
	}
	j := &judgement{moves: moves, divided: map[string][]int{}, county: map[string]int{}, pages: map[string]analysis.Domain{}}
	var people []*person
	for _, p := range b.people {
		if p.turn[v] > 0 {
			people = append(people, p)
		}
	}
	if j.people = len(people); len(people) >= b.rules.MinN {
		if err := j.judge(b, people); err != nil {
			return nil, err
		}
	}
	b.judgements[v] = j
	return j, nil
}

// judge decides.
func (j *judgement) judge(b *Board, people []*person) error {
	for _, p := range people {
		j.county[countyOf(p.Area)] = 0
	}
	codes := slices.Sorted(maps.Keys(j.county))
	for i, code := range codes {
		j.county[code] = i
	}
	literate := make([]bool, len(people))
	crit := b.query.Questionnaire.Criterion
	place := make([]int, len(people))
	for i, p := range people {
		place[i] = j.county[countyOf(p.Area)]
		literate[i] = crit.Reaches(p.score, crit.Cut)
	}
	c := counting{people: people, place: place, literate: literate, codes: codes}
	tables := b.tables()
	byTable := c.by(tables)
	pub := j.places(&c, byTable[len(tables)], pageOf*b.rules.MinN)
	for k, t := range tables {
		j.table(&pub, &c, t, byTable[k])
	}
	disclosure.SamePeople(pub.Cells)
	for i := range pub.Cells { // the page shows no weights
		pub.Cells[i].Weighted, pub.Cells[i].WeightedOutcomes = 0, nil
	}
	j.empty = map[string]bool{}
	for _, c := range pub.Cells {
		if c.N == 0 {
			j.empty[fmt.Sprint(c.Key)] = true
		}
	}
	var err error
	j.result, err = disclosure.Protect(pub, b.rules)
	if errors.Is(err, disclosure.ErrNobodyOutside) {
		j.nothing, err = true, nil
	}
	return err
}

// counting is people by county.
type counting struct {
	people   []*person
	place    []int // the index of each one's county in codes
	literate []bool
	codes    []string
	areas    []area // whose pages may have tables
}

// area is a part of the counties, and its cell; hidden is one that no page shows.
type area struct {
	key      analysis.Domain
	counties []string
	hidden   bool
}

// tally counts a group.
type tally struct {
	n, literate        int
	weighted, weightOf float64 // Σw, and that of the literate
	psus, psu          int     // whether there are none, one or several, and which is the first
}

// add adds somebody; of the PSUs it is enough to know whether there are several.
func (t *tally) add(p *person, literate bool) {
	t.n++
	t.weighted += p.Weight
	if literate {
		t.literate++
		t.weightOf += p.Weight
	}
	t.from(1, p.psu)
}

// manyPSUs stands for two PSUs or more.
const manyPSUs = 2

// from adds PSUs, the first of which is given.
func (t *tally) from(psus, psu int) {
	switch {
	case psus == 0:
	case t.psus == 0:
		t.psus, t.psu = psus, psu
	case psus > 1 || psu != t.psu:
		t.psus = manyPSUs
	}
}

// join adds all of another group.
func (t *tally) join(u *tally) {
	t.n += u.n
	t.literate += u.literate
	t.weighted += u.weighted
	t.weightOf += u.weightOf
	t.from(u.psus, u.psu)
}

// cell is what is judged.
func (t *tally) cell(key analysis.Domain) disclosure.Cell {
	return disclosure.Cell{Key: key, N: t.n, PSUs: t.psus, Outcomes: []int{t.literate}, Weighted: t.weighted, WeightedOutcomes: []float64{t.weightOf}}
}

// by counts the people of each county and level of each table, the last level being those who
// have none, and last of each county alone.
func (c *counting) by(tables []table) [][][]tally {
	out := make([][][]tally, len(tables)+1)
	for k := range out {
		levels := 0
		if k < len(tables) {
			levels = len(tables[k].levels)
		}
		out[k] = make([][]tally, len(c.codes))
		for place := range out[k] {
			out[k][place] = make([]tally, levels+1)
		}
	}
	for i, p := range c.people {
		place, literate := c.place[i], c.literate[i]
		for k := range tables {
			of := out[k][place]
			l := p.levels[tables[k].factor]
			if l < 0 {
				l = len(of) - 1
			}
			of[l].add(p, literate)
		}
		out[len(tables)][place][0].add(p, literate)
	}
	return out
}

// places begins the publication with everybody and the areas, and finds those whose pages have
// tables: cities and counties of at least so many people.
func (j *judgement) places(c *counting, by [][]tally, least int) disclosure.Publication {
	pub := disclosure.Publication{Dimensions: []disclosure.Dimension{{Name: counties, Classes: c.codes}}}
	n := func(codes []string) (sum int) {
		for _, code := range codes {
			sum += by[j.county[code]][0].n
		}
		return sum
	}
	c.areas = []area{{key: analysis.Domain{}, counties: c.codes}}
	j.pages[""] = c.areas[0].key
	in := map[string][]string{}
	for _, code := range c.codes {
		c.areas = append(c.areas, area{key: analysis.Domain{counties: code}, counties: []string{code}})
		in[cityOf(code)] = append(in[cityOf(code)], code)
	}
	group := func(dimension, class string, of string, parts, codes []string, hidden bool) {
		pub.Groups = append(pub.Groups, disclosure.Group{Dimension: dimension, Class: class, Of: of, Parts: parts})
		c.areas = append(c.areas, area{key: analysis.Domain{dimension: class}, counties: codes, hidden: hidden})
	}
	var others []string // of the cities without a page
	for _, city := range slices.Sorted(maps.Keys(in)) {
		group(cities, city, counties, in[city], in[city], false)
		if n(in[city]) < least {
			others = append(others, in[city]...)
		}
	}
	for _, city := range slices.Sorted(maps.Keys(in)) {
		if n(in[city]) < least {
			continue
		}
		var open, rest, parts []string
		for _, code := range in[city] {
			if n([]string{code}) < least {
				rest = append(rest, code)
			} else {
				open = append(open, code)
			}
		}
		if len(open) == 0 {
			group(units, city, counties, rest, rest, false)
			j.pages[city] = analysis.Domain{units: city}
			continue
		}
		for _, code := range open {
			group(units, code, counties, []string{code}, []string{code}, false)
			j.pages[code] = analysis.Domain{units: code}
			parts = append(parts, code)
		}
		if len(rest) > 0 {
			group(units, city+" rest", counties, rest, rest, true)
			parts = append(parts, city+" rest")
		}
		group(unitsOf, city, units, parts, in[city], false)
		j.pages[city] = analysis.Domain{unitsOf: city}
	}
	if len(others) > 0 && len(j.pages) > 1 {
		group(units, "others", counties, others, others, true)
	}
	for _, a := range c.areas {
		pub.Cells = append(pub.Cells, c.sum(a, by, 0, maps.Clone(a.key)))
	}
	return pub
}

// sum is the cell of a class in an area.
func (c *counting) sum(a area, by [][]tally, class int, key analysis.Domain) disclosure.Cell {
	var t tally
	for _, code := range a.counties {
		k, _ := slices.BinarySearch(c.codes, code)
		t.join(&by[k][class])
	}
	cell := t.cell(key)
	cell.Unprinted = a.hidden
	return cell
}

// divides says whether tables are made within an area, or of it all.
func (a area) divides() bool { return a.key[counties] == "" && a.key[cities] == "" }

// unplaced is the class of those who are in no group of a table.
const unplaced = "\x00"

// table adds a table to the publication, by itself and within each area.
func (j *judgement) table(pub *disclosure.Publication, c *counting, t table, by [][]tally) {
	rest := len(t.levels)
	if division := wholeCounties(by); division != nil {
		j.divided[t.name] = division
		j.division(pub, c, t, by, division)
		return
	}
	classes := make([]string, rest, rest+1)
	for l, level := range t.levels {
		classes[l] = level.Code
	}
	classes = append(classes, unplaced)
	pub.Dimensions = append(pub.Dimensions, disclosure.Dimension{Name: t.name, Classes: classes})
	for _, a := range c.areas {
		if !a.divides() {
			continue
		}
		for l, class := range classes {
			key := maps.Clone(a.key)
			key[t.name] = class
			cell := c.sum(a, by, l, key)
			cell.Unprinted, cell.Exempt = cell.Unprinted || l >= t.shown, l == rest
			pub.Cells = append(pub.Cells, cell)
		}
	}
}

// wholeCounties finds the level of each county, where nobody of a county has another one; nil
// otherwise.
func wholeCounties(by [][]tally) []int {
	division := make([]int, len(by))
	for k, classes := range by {
		division[k] = -1
		for l, t := range classes {
			switch {
			case t.n == 0:
			case division[k] >= 0:
				return nil
			default:
				division[k] = l
			}
		}
	}
	return division
}

// division adds a table whose levels are made of whole counties: each level is a group of them,
// of all and within each city with a page.
func (j *judgement) division(pub *disclosure.Publication, c *counting, t table, by [][]tally, division []int) {
	for _, a := range c.areas {
		if !a.divides() || a.hidden || len(a.counties) == 1 {
			continue
		}
		for l := range t.shown {
			part := area{key: divided(t, l, a.key)}
			for _, code := range a.counties {
				if division[j.county[code]] == l {
					part.counties = append(part.counties, code)
				}
			}
			for dimension, class := range part.key {
				if len(part.counties) > 0 {
					pub.Groups = append(pub.Groups, disclosure.Group{Dimension: dimension, Class: class, Of: counties, Parts: part.counties})
					pub.Cells = append(pub.Cells, c.sum(part, by, l, part.key))
				}
			}
		}
	}
}

// divided is the cell of a level that is made of counties, in an area.
func divided(t table, level int, in analysis.Domain) analysis.Domain {
	for dimension, class := range in {
		return analysis.Domain{t.name + " " + dimension: t.levels[level].Code + " " + class}
	}
	return analysis.Domain{t.name: t.levels[level].Code}
}

// shows says whether the rate of a level of a table may be shown on the page of an area; with
// no table that of the area itself. Nothing is shown of an area below a county.
func (j *judgement) shows(area string, t *table, level int) bool {
	if j.result == nil {
		return false
	}
	key, known := j.areaKey(area)
	if t != nil {
		key, known = j.levelKey(area, *t, level)
	}
	if !known {
		return false
	}
	if j.nothing {
		return len(key) == 0
	}
	_, hidden := j.result.Suppressed(key)
	return !hidden && !j.empty[fmt.Sprint(key)]
}

// areaKey is the cell of an area by itself.
func (j *judgement) areaKey(code string) (key analysis.Domain, known bool) {
	switch _, county := j.county[code]; {
	case j.everything(code):
		return analysis.Domain{}, true
	case county:
		return analysis.Domain{counties: code}, true
	}
	return analysis.Domain{cities: code}, len(code) == cityDigits
}

// everything says whether all people are in an area.
func (j *judgement) everything(code string) bool {
	for county := range j.county {
		if !strings.HasPrefix(county, code) {
			return false
		}
	}
	return true
}

// levelKey is the cell of a level of a table on the page of an area.
func (j *judgement) levelKey(code string, t table, level int) (key analysis.Domain, known bool) {
	if j.everything(code) {
		code = ""
	}
	page, open := j.pages[code]
	if !open {
		return nil, false
	}
	if division, is := j.divided[t.name]; is {
		if k, county := j.county[code]; county {
			return page, division[k] == level
		}
		return divided(t, level, page), true
	}
	key = maps.Clone(page)
	key[t.name] = t.levels[level].Code
	return key, true
}

// page is the name under which the rates of an area are kept: that of the province is of
// everybody.
func (j *judgement) page(code string) string {
	if len(code) < cityDigits && j.everything(code) {
		return ""
	}
	return code
}

// cityOf is the city that a level of a table is, by its code, and empty where it is none: its
// rate stands among the places, too.
func (j *judgement) cityOf(t table, level int) string {
	division, is := j.divided[t.name]
	if !is {
		return ""
	}
	city := ""
	for code, k := range j.county {
		if division[k] == level {
			city = cityOf(code)
		}
	}
	for code, k := range j.county {
		if k >= len(division) || (division[k] == level) != (cityOf(code) == city) {
			return ""
		}
	}
	return city
}
