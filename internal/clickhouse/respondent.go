package clickhouse

import (
	"math/bits"

	"github.com/suyang-survey/suyang/internal/assess"
)

// respondent is a person as cubes add them. It is filled anew for each.
type respondent struct {
	person
	levels []int32  // by factor of the query
	key    []uint64 // room for the key of a cell

	// The weight, its square and the weight before calibration follow each other in weights.
	weight           float64
	w, squared, base []uint64
	weights          []uint64
	// verdicts are the binary variables of the score that are 1, and ones those of answers that
	// mean something together; the bases without do not hold; of the variables absent there is
	// no value.
	verdicts, ones, without, absent []int
	products                        []product
}

// product is a variable that is not binary: w·y and w·y², which follow each other in both.
type product struct {
	place              int
	missing            bool
	sum, squares, both []uint64
}

// newRespondent is room for a person.
func (c *cellsQuery) newRespondent(in scales) *respondent {
	p := &respondent{
		person: *c.newPerson(), levels: make([]int32, len(c.query.Factors)),
	}
	p.weights = make([]uint64, in.w.limbs+in.squared.limbs+in.base.limbs)
	rest := p.weights
	p.w, rest = cutOff(rest, in.w.limbs)
	p.squared, p.base = cutOff(rest, in.squared.limbs)
	words := 0
	for _, of := range c.cubes {
		words = max(words, of.words)
	}
	p.key = make([]uint64, words)
	for _, v := range c.variables {
		if !v.binary {
			y := product{place: v.place, both: make([]uint64, v.sum.limbs+v.squares.limbs)}
			y.sum, y.squares = cutOff(y.both, v.sum.limbs)
			p.products = append(p.products, y)
		}
	}
	return p
}

// weigh notes the weights of a person.
func (p *respondent) weigh(in scales, w, base float64) {
	p.weight = w
	in.w.split(w, p.w)
	in.squared.split(w*w, p.squared)
	in.base.split(base, p.base)
}

// fill works out what a person whose answers were read and who was weighed has of each
// variable, but for those that cubes add by the numbers of the answers.
func (c *cellsQuery) fill(p *respondent) {
	c.score(&p.person)
	p.verdicts, p.ones, p.without, p.absent = p.verdicts[:0], p.ones[:0], p.without[:0], p.absent[:0]
	c.fillScores(p)
	c.fillMissed(p)
	if !p.scored() {
		for base := range c.bases {
			p.without = append(p.without, base)
		}
		return
	}
	for w, all := range c.holding {
		for lacking := all &^ p.words[w]; lacking != 0; lacking &= lacking - 1 {
			p.without = append(p.without, c.holds[w*wordBits+bits.TrailingZeros64(lacking)])
		}
	}
	for _, q := range c.questions {
		q.fill(p)
	}
}

// fillScores takes the score and what is made of it.
func (c *cellsQuery) fillScores(p *respondent) {
	criterion := c.query.Questionnaire.Criterion
	for i := range p.products {
		y := &p.products[i]
		v := &c.variables[y.place]
		value := p.total
		if v.kind == ofDimension {
			value = p.points[v.index]
		}
		if y.missing = value != value; y.missing {
			p.absent = append(p.absent, y.place)
			continue
		}
		weighted := p.weight * value
		v.sum.split(weighted, y.sum)
		v.squares.split(weighted*value, y.squares)
	}
	for _, place := range c.verdicts {
		v := &c.variables[place]
		switch {
		case !p.scored():
			p.absent = append(p.absent, place)
		case v.kind == ofLiteracy && p.literate, v.kind == ofLevel && criterion.Reaches(p.total, criterion.Levels[v.index].Cut):
			p.verdicts = append(p.verdicts, place)
		}
	}
}

// fillMissed takes which scored items were not asked.
func (c *cellsQuery) fillMissed(p *respondent) {
	for w, asked := range p.asked {
		for missed := c.wanted[w] &^ asked; missed != 0; missed &= missed - 1 {
			p.absent = append(p.absent, c.itemPlaces[w*wordBits+bits.TrailingZeros64(missed)])
		}
	}
}

// fill takes the answer to an unscored question of somebody with a score.
func (q *question) fill(p *respondent) {
	given := q.given(p.words)
	switch {
	case !q.several:
		m := &q.meanings[given]
		p.ones, p.without = append(p.ones, m.ones...), append(p.without, m.without...)
		return
	case given == 0:
		p.without = append(p.without, q.bases...)
		return
	}
	for i := range q.marked {
		m := &q.marked[i]
		if given&m.excluding != 0 {
			p.without = append(p.without, m.base)
			continue
		}
		for chosen := given & m.single; chosen != 0; chosen &= chosen - 1 {
			p.ones = append(p.ones, m.variable[bits.TrailingZeros64(chosen)])
		}
		for _, s := range m.shares {
			if given&s.options != 0 {
				p.ones = append(p.ones, s.variable)
			}
		}
	}
}

// classify finds the levels of the factors; those of the sample are at the place of the case.
func (r *reading) classify(p *person, d *caseTable, of sampled, levels []int32) {
	for f, level := range r.levels {
		if level != nil {
			levels[f] = int32(level(p))
		}
	}
	for k, f := range d.factors {
		levels[f] = of.level(k)
	}
}

// Which kinds of variables there are.
type variableKind int

const (
	ofScore variableKind = iota
	ofLiteracy
	ofDimension
	ofLevel
	ofItem
	ofShare
)

// variable is something that gets summed.
type variable struct {
	name  string
	kind  variableKind
	index int // of the dimension, level, item or share
	place int // among those of the query
	// binary variables are 0 or 1, so Σwy² = Σwy.
	binary bool
	// positive is where the values above zero are.
	positive extent
	// share says that the variable is one of an unscored question, and base the number of its
	// base.
	share bool
	base  int
	// The scales of Σwy and Σwy², which has none for binary ones.
	sum, squares scale
}

// variables lists what a query can sum, in the order of package assess.
func (r *reading) variables() []variable {
	criterion := r.query.Questionnaire.Criterion
	one := extent{1, 1}
	var whole extent
	most := 0.0
	var dimensions []variable
	for i, d := range criterion.Dimensions {
		positive := extent{d.Points / float64(items(r.query.Questionnaire, d.ID)), d.Points}
		whole = whole.with(positive)
		most += d.Points
		dimensions = append(dimensions, variable{name: "dim:" + d.ID, kind: ofDimension, index: i, positive: positive})
	}
	whole.max = most
	all := append([]variable{
		{name: assess.VarScore, kind: ofScore, positive: whole},
		{name: assess.VarLiterate, kind: ofLiteracy, binary: true, positive: one},
	}, dimensions...)
	for i, l := range criterion.Levels {
		all = append(all, variable{name: "level:" + l.ID, kind: ofLevel, index: i, binary: true, positive: one})
	}
	if r.query.Items {
		for i, id := range r.words.items {
			all = append(all, variable{name: "item:" + id, kind: ofItem, index: i, binary: true, positive: one})
		}
	}
	for i, s := range r.query.Shares {
		all = append(all, variable{name: s.Name, kind: ofShare, index: i, binary: true, positive: one, share: true})
	}
	return all
}
