// Package score turns answers into points, a level and a verdict on literacy, by
// the criterion of a questionnaire: in Go from the answers with Score, or from bits that say
// which items were asked and answered right with Marked; and as ClickHouse expressions with
// SQL. All give the same float64, bit for bit.
//
// All sums are sums of integers and the total is a single division of two integers,
// so it is the float64 nearest to the exact score. A score that lies exactly on a
// cut is therefore equal to the cut, and the boundary rule of the criterion decides
// about it and about nothing else.
package score

import (
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// milli is how many units a point has: points and cuts may have three decimals.
const milli = 1000

// maxExact is the largest integer up to which float64 counts without gaps.
const maxExact = 1 << 53

// BandLowest names the band below the lowest cut. No level may have this ID.
const BandLowest = "lowest"

// Result is what one person's answers are worth. Missing values are NaN.
type Result struct {
	// Total is the score.
	Total float64
	// Dimensions are the points of each dimension, in the order of the criterion.
	Dimensions []float64
	// Level is the index of the highest level reached in Criterion.Levels;
	// len(Levels) when none is reached, -1 when there is no score.
	Level int
	// Literate says whether the score reaches the criterion's cut.
	Literate bool
	// Right holds 1 for a right and 0 for a wrong answer, in the order of Scorer.Items.
	Right []float64
}

// Scorer scores answers to one questionnaire. It is safe for concurrent use.
type Scorer struct {
	criterion  *surveys.Criterion
	items      []item
	dimensions []dimension
	// denominator divides a sum of units into points; it serves people who were asked
	// every item.
	denominator float64
}

type item struct {
	id  string
	key []string
}

type dimension struct {
	id    string
	items []int
	// bits are the places of the items in words of 64 bits.
	bits []uint64
	// units is what one right answer adds to the numerator of the total.
	units float64
	// points and count give the dimension's own points: points × right / (milli × count).
	points, count float64
}

// New prepares scoring by the criterion of q. It fails when the criterion cannot be
// computed exactly or is not complete; a questionnaire that passed the checks of
// package definition never fails.
func New(q *surveys.Questionnaire) (*Scorer, error) {
	c := q.Criterion
	if c == nil {
		return nil, fmt.Errorf("%w: questionnaire %q has no criterion; add one or do not score it", surveys.ErrInvalid, q.ID)
	}
	if len(c.Dimensions) == 0 {
		return nil, fmt.Errorf("%w: criterion %q has no dimension; list at least one, with its points", surveys.ErrInvalid, c.ID)
	}
	s := &Scorer{criterion: c}
	for _, d := range c.Dimensions {
		found, err := s.collect(q, d.ID)
		if err != nil {
			return nil, err
		}
		s.dimensions = append(s.dimensions, dimension{id: d.ID, items: found, bits: wordsOf(found), count: float64(len(found))})
	}
	if err := s.scale(); err != nil {
		return nil, err
	}
	return s, nil
}

// collect adds the scored items of a dimension and returns their places.
func (s *Scorer) collect(q *surveys.Questionnaire, dimension string) ([]int, error) {
	var found []int
	for it := range q.Items {
		if it.Dimension != dimension {
			continue
		}
		if len(it.Key) == 0 {
			return nil, fmt.Errorf("%w: item %q is scored but has no key; name the right option", surveys.ErrInvalid, it.ID)
		}
		found = append(found, len(s.items))
		s.items = append(s.items, item{id: it.ID, key: it.Key})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: dimension %q has no scored item; give items this dimension or remove it", surveys.ErrInvalid, dimension)
	}
	return found, nil
}

// scale expresses points and cuts in units that make every sum whole: thousandths
// of a point, divided by the least common multiple of the numbers of items.
func (s *Scorer) scale() error {
	lcm := 1
	for _, d := range s.dimensions {
		lcm = lcm / gcd(lcm, len(d.items)) * len(d.items)
		if lcm > maxExact/milli {
			return fmt.Errorf("%w: the dimensions' numbers of items have no usable common multiple; make them more alike", surveys.ErrInvalid)
		}
	}
	s.denominator = float64(lcm) * milli
	var sum float64
	for i := range s.dimensions {
		d := &s.dimensions[i]
		points, err := thousandths(s.criterion.Dimensions[i].Points, "points of dimension "+d.id)
		if err != nil {
			return err
		}
		d.points = points
		d.units = points * float64(lcm/len(d.items))
		sum += d.units * d.count
	}
	if sum > maxExact {
		return fmt.Errorf("%w: the points are too large to be added exactly; use smaller points", surveys.ErrInvalid)
	}
	if err := s.checkProducts(); err != nil {
		return err
	}
	return s.checkCuts()
}

// checkProducts checks that a score over the items a person was asked is exact: its
// denominator is the product of the numbers of items asked in each dimension.
func (s *Scorer) checkProducts() error {
	if s.criterion.Unasked != surveys.UnaskedLeftOut {
		return nil
	}
	product, points := 1.0, 0.0
	for _, d := range s.dimensions {
		product *= d.count
		points += d.points
	}
	if product*max(points, milli) > maxExact {
		return fmt.Errorf("%w: the dimensions have too many items to score exactly by those that were asked; use fewer dimensions, or fewer items in them", surveys.ErrInvalid)
	}
	return nil
}

func (s *Scorer) checkCuts() error {
	if _, err := thousandths(s.criterion.Cut, "the cut"); err != nil {
		return err
	}
	for _, l := range s.criterion.Levels {
		if _, err := thousandths(l.Cut, "the cut of level "+l.ID); err != nil {
			return err
		}
	}
	return nil
}

// thousandths returns 1000 x when that is a whole, non-negative number.
func thousandths(x float64, what string) (float64, error) {
	t := math.Round(x * milli)
	if !(t >= 0 && t <= maxExact) || t/milli != x {
		return 0, fmt.Errorf("%w: %s is %v; use a number from 0 with at most three decimals", surveys.ErrInvalid, what, x)
	}
	return t, nil
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Items returns the IDs of the scored items, dimension by dimension.
func (s *Scorer) Items() []string {
	ids := make([]string, len(s.items))
	for i, it := range s.items {
		ids[i] = it.id
	}
	return ids
}

// Score scores one person's answers. It reports false when the person has no score:
// because an item was not asked and the criterion says that this is missing, or because
// no item of a dimension was asked and the criterion leaves those out. Then Total is
// NaN, and so are the points of the dimensions at fault.
func (s *Scorer) Score(a surveys.Answers) (Result, bool) {
	r := Result{
		Dimensions: make([]float64, len(s.dimensions)),
		Right:      make([]float64, len(s.items)),
	}
	for i, it := range s.items {
		r.Right[i] = s.right(it, a)
	}
	counts := make([]tally, len(s.dimensions))
	for i, d := range s.dimensions {
		counts[i] = s.tally(d, r.Right)
	}
	r.Total = s.total(r.Dimensions, counts)
	r.Level = s.level(r.Total)
	r.Literate = s.criterion.Reaches(r.Total, s.criterion.Cut)
	return r, !math.IsNaN(r.Total)
}

// tally is the number of right answers in a dimension, and of the items they are out of.
type tally struct{ right, asked float64 }

// total adds up the points of the dimensions, which it notes.
func (s *Scorer) total(points []float64, counts []tally) float64 {
	// Σ points × right / asked, over the common denominator of the dimensions so far.
	units, denominator := 0.0, float64(milli)
	for i, d := range s.dimensions {
		right, asked := counts[i].right, counts[i].asked
		points[i] = d.points * right / (milli * asked)
		if s.criterion.Unasked == surveys.UnaskedLeftOut {
			units = units*asked + d.points*right*denominator/milli
			denominator *= asked
		} else {
			units += d.units * right
			denominator = s.denominator
		}
	}
	return units / denominator
}

// tally counts the right answers of a dimension and the items they are out of.
func (s *Scorer) tally(d dimension, answers []float64) tally {
	t := tally{asked: d.count}
	for _, j := range d.items {
		if s.criterion.Unasked == surveys.UnaskedLeftOut && math.IsNaN(answers[j]) {
			t.asked--
			continue
		}
		t.right += answers[j]
	}
	return t
}

// right returns 1, 0 or, unless the criterion takes it for wrong, NaN for an item not asked.
func (s *Scorer) right(it item, a surveys.Answers) float64 {
	values, asked := a[it.id]
	switch {
	case !asked && s.criterion.Unasked != surveys.UnaskedWrong:
		return math.NaN()
	case len(values) == 1 && slices.Contains(it.key, values[0]):
		return 1
	}
	return 0
}

func (s *Scorer) level(total float64) int {
	if math.IsNaN(total) {
		return -1
	}
	for i, l := range s.criterion.Levels {
		if s.criterion.Reaches(total, l.Cut) {
			return i
		}
	}
	return len(s.criterion.Levels)
}

// Score scores one person's answers to q, as a Scorer does. It reports false also
// when q cannot be scored at all. To score many people, make a Scorer once.
func Score(q *surveys.Questionnaire, a surveys.Answers) (Result, bool) {
	s, err := New(q)
	if err != nil {
		return Result{Total: math.NaN(), Level: -1}, false
	}
	return s.Score(a)
}
