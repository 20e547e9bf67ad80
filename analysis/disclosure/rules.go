package disclosure

import (
	"fmt"
	"math"

	"github.com/suyang-survey/suyang/analysis"
)

// Rules say which cells are sensitive and how uncertain they must remain. A rule with
// the value 0 does not apply; DefaultRules has usual values.
type Rules struct {
	// MinN is the least number of respondents of a cell that is shown.
	MinN int
	// MinPSUs is the least number of PSUs, where that is known: all respondents from one
	// village are that village.
	MinPSUs int
	// MinOutcome is the least number of respondents with and without each outcome in a
	// group of fewer than SmallGroup: where all or none of a few people have it, whoever
	// knows that somebody is among them knows it of that person.
	MinOutcome, SmallGroup int
	// MinDifference is the least number of respondents by which a shown cell and one that
	// contains it may differ: their difference is a group too.
	MinDifference int
	// Top and TopShare are the dominance rule, (n, k): the Top largest contributions (1 or
	// 2) may not be more than the share TopShare of Weighted. Percent is the p% rule: what
	// remains after the two largest may not be below the share Percent of the largest, or
	// else the second largest contributor could estimate it that closely. Hundepool et
	// al. 2012, Statistical Disclosure Control, chapter 4.
	Top      int
	TopShare float64
	Percent  float64
	// Persons and Share are how much remains uncertain about a sensitive cell: what is
	// printed must allow its count to be that many respondents, and that share of it,
	// higher or lower than it is, whichever is more (lower: not below 0); the number with
	// each outcome, and without, to be Persons higher; the estimated population and its
	// outcomes to be that share higher. Nothing needs to be higher than what a shown cell
	// leaves that contains it.
	Persons int
	Share   float64
}

// DefaultRules has the thresholds that statistical offices commonly use: 10 respondents
// from 2 PSUs, 3 with and without each outcome in groups below 30, dominance (2, 85 %)
// and 10 %, and an uncertainty of 3 respondents or 10 %.
func DefaultRules() Rules {
	return Rules{
		MinN: 10, MinPSUs: 2, MinOutcome: 3, SmallGroup: 30, MinDifference: 10,
		Top: 2, TopShare: 0.85, Percent: 0.10, Persons: 3, Share: 0.10,
	}
}

// check finds rules that cannot be meant.
func (r Rules) check() error {
	if min(r.MinN, r.MinPSUs, r.MinOutcome, r.SmallGroup, r.MinDifference) < 0 {
		return fmt.Errorf("a minimum of the rules is negative; 0 switches a rule off")
	}
	if r.Top < 0 || r.Top > 2 || !(r.TopShare >= 0 && r.TopShare <= 1) || !(r.Percent >= 0 && r.Percent <= 1) {
		return fmt.Errorf("dominance rule (%d, %v) with %v; use 1 or 2 contributions and shares between 0 and 1", r.Top, r.TopShare, r.Percent)
	}
	if r.Persons < 1 || !(r.Share >= 0 && r.Share < 1) {
		return fmt.Errorf("an uncertainty of %d persons and the share %v; use at least 1 person and a share below 1", r.Persons, r.Share)
	}
	return nil
}

// Reason is why a cell is hidden. It is for the office: whoever reads the table must not
// learn it, since "fewer than 10" is a bound. See [Suppression.Note].
type Reason string

// The reasons, with what Suppression.Value holds.
const (
	FewRespondents Reason = "few-respondents" // fewer than MinN; Value is N
	FewPSUs        Reason = "few-psus"        // fewer than MinPSUs; Value is the count
	AllOrNone      Reason = "all-or-none"     // fewer than MinOutcome in a small group; Value is the lowest count with or without an outcome
	Dominance      Reason = "dominance"       // few contributions are most of the weight; Value is the share that broke the rule
	Difference     Reason = "difference"      // a cell that contains it has fewer than MinDifference more; Value is the difference
	Alike          Reason = "alike"           // a hidden cell has the very same people; Value is N
	Before         Reason = "before"          // hidden in what was published before; Value is N
	Complementary  Reason = "complementary"   // not sensitive, but it would give a sensitive cell away; Value is 0
)

// Hidden is the note on a hidden cell, the same for every reason.
const Hidden analysis.NoteCode = "hidden"

// Suppression is a hidden cell and why it is.
type Suppression struct {
	Key    analysis.Domain
	Reason Reason
	Value  float64
}

// Note is what the reader of the table may know: that the cell is hidden.
func (s Suppression) Note() analysis.Note { return analysis.Note{Code: Hidden} }

// judge finds the first rule that a cell breaks.
func (r Rules) judge(l *linked, i int) (Reason, float64, bool) {
	c := l.cells[i]
	if c.Exempt || c.N == 0 || len(c.Key) == 0 || l.everybody(i) {
		return "", 0, false
	}
	if c.N < r.MinN {
		return FewRespondents, float64(c.N), true
	}
	if c.Sensitive != "" && !c.Sensitive.mild() {
		return c.Sensitive, float64(c.N), true
	}
	if c.PSUs > 0 && c.PSUs < r.MinPSUs {
		return FewPSUs, float64(c.PSUs), true
	}
	if least := c.leastOutcome(); c.N < r.SmallGroup && least < r.MinOutcome {
		return AllOrNone, float64(least), true
	}
	if share, broken := r.dominated(c); broken {
		return Dominance, share, true
	}
	if d, small := r.smallDifference(l, i); small {
		return Difference, float64(d), true
	}
	return c.Sensitive, float64(c.N), c.Sensitive != ""
}

// mild says whether a cell must not be computed, but may be known within bounds.
func (why Reason) mild() bool { return why == Alike || why == Before }

// everybody says whether nobody is outside of a cell, which then tells what the grand total
// does.
func (l *linked) everybody(i int) bool {
	return len(l.cells[0].Key) == 0 && l.cells[0].N == l.cells[i].N
}

// leastOutcome is the lowest number with or without an outcome.
func (c Cell) leastOutcome() int {
	least := math.MaxInt
	for _, n := range c.Outcomes {
		least = min(least, n, c.N-n)
	}
	return least
}

// dominated applies the (n, k) and the p% rule.
func (r Rules) dominated(c Cell) (share float64, broken bool) {
	if c.Weighted <= 0 || c.Largest <= 0 {
		return 0, false
	}
	top := c.Largest
	if r.Top == 2 {
		top += c.Second
	}
	if share = top / c.Weighted; r.Top > 0 && r.TopShare > 0 && share > r.TopShare {
		return share, true
	}
	share = (c.Weighted - c.Largest - c.Second) / c.Largest
	return share, r.Percent > 0 && share < r.Percent
}

// dominanceNeed is how far the sum must be uncertain so that nobody can estimate the
// largest contribution closer than the rule allows: k⁻¹·(x₁+…+xₙ) − X for the (n, k)
// rule and p·x₁ − (X − x₁ − x₂) for the p% rule (Hundepool et al. 2012, chapter 4).
func (r Rules) dominanceNeed(c Cell) float64 {
	if c.Weighted <= 0 || c.Largest <= 0 {
		return 0
	}
	need := r.Percent*c.Largest - (c.Weighted - c.Largest - c.Second)
	if r.Top > 0 && r.TopShare > 0 {
		top := c.Largest
		if r.Top == 2 {
			top += c.Second
		}
		need = max(need, top/r.TopShare-c.Weighted)
	}
	return max(0, need)
}

// smallDifference finds the smallest difference to a cell that contains this one and is
// not the same people.
func (r Rules) smallDifference(l *linked, i int) (int, bool) {
	if r.MinDifference == 0 {
		return 0, false
	}
	least := math.MaxInt
	for _, up := range l.above(i) {
		if d := l.cells[up.cell].N - l.cells[i].N - up.exempt; d > 0 {
			least = min(least, d)
		}
	}
	return least, least < r.MinDifference
}

// ancestor is a cell that contains another, and how many respondents of exempt cells
// are known to lie between.
type ancestor struct {
	cell   int32
	exempt int
}

// above lists the cells that contain a cell by definition: dimensions are left out, or
// a class is replaced by a group that holds it.
func (l *linked) above(i int) []ancestor {
	axes, classes := l.tables[l.tableOf[i]].axes, l.classOf[i]
	found := []ancestor{{cell: int32(i)}}
	for at, k := range axes {
		for _, a := range found {
			found = append(found, l.wider(a, k, classes[at])...)
		}
	}
	return found[1:]
}

// wider leaves out one axis of a cell, or replaces its class by a group that holds it.
func (l *linked) wider(a ancestor, k, class int) []ancestor {
	axes, classes := l.tables[l.tableOf[a.cell]].axes, l.classOf[a.cell]
	at := -1
	for i, x := range axes {
		if x == k {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	var list []ancestor
	rest, restClasses := without(axes, at), without(classes, at)
	if j := l.find(rest, restClasses); j >= 0 {
		list = append(list, ancestor{j, a.exempt + l.exemptBeside(axes, classes, at)})
	}
	for _, g := range l.holders(k, class) {
		place := 0
		for place < len(rest) && rest[place] < g[0] {
			place++
		}
		if j := l.find(insert(rest, place, g[0]), insert(restClasses, place, g[1])); j >= 0 {
			list = append(list, ancestor{j, a.exempt})
		}
	}
	return list
}

// exemptBeside counts the respondents of exempt cells that differ from a cell in the
// class of one axis only.
func (l *linked) exemptBeside(axes, classes []int, at int) int {
	n, other := 0, append([]int(nil), classes...)
	for c := range l.axes[axes[at]].classes {
		if c == classes[at] || l.axes[axes[at]].isGroup[c] {
			continue
		}
		other[at] = c
		if j := l.find(axes, other); j >= 0 && l.cells[j].Exempt {
			n += l.cells[j].N
		}
	}
	return n
}

// holders lists the axis and class of the groups that hold a class and more.
func (l *linked) holders(k, class int) [][2]int {
	base, held := l.axes[k].base, l.axes[k].bases(class)
	var list [][2]int
	for x := range l.axes {
		if l.axes[x].base != base {
			continue
		}
		for c := range l.axes[x].classes {
			if l.axes[x].size[c] > len(held) && l.axes[x].holds(c, held) {
				list = append(list, [2]int{x, c})
			}
		}
	}
	return list
}

// holds reports whether a class of the axis has all of some classes of the dimension.
func (a *axis) holds(class int, bases []int) bool {
	for _, i := range bases {
		has := false
		for _, c := range a.in[i] {
			has = has || c == class
		}
		if !has {
			return false
		}
	}
	return true
}

// insert is a list with one element more.
func insert(list []int, at, x int) []int {
	longer := append(make([]int, 0, len(list)+1), list[:at]...)
	return append(append(longer, x), list[at:]...)
}

// need is a demand on what an attacker must hold possible: that a layer of a measure
// (−1: all layers of an outcome together) of a cell is higher or lower by an amount.
type need struct {
	cell           int32
	measure, layer int
	direction      float64
	amount         float64
}

// needs lists what must remain uncertain about a sensitive cell: of one that is hidden only with
// the same people elsewhere, or since it was before, that there is anything.
func (r Rules) needs(l *linked, i int, sensitive []bool) []need {
	above := l.above(i)
	room := func(v []float64) float64 {
		least := math.Inf(1)
		for _, a := range above {
			if !sensitive[a.cell] && !l.cells[a.cell].Unprinted {
				least = min(least, v[a.cell]-v[i])
			}
		}
		return max(0, least)
	}
	var list []need
	add := func(m, layer int, direction, amount float64) {
		if amount > 1e-9 {
			list = append(list, need{int32(i), m, layer, direction, amount})
		}
	}
	if why, _, _ := r.judge(l, i); why.mild() {
		add(0, -1, 1, min(1, room(l.measures[0].total)))
		add(0, -1, -1, 1)
		return list
	}
	for m, measure := range l.measures {
		if measure.known {
			up, down := r.rateNeeds(measure, above, i, sensitive, l)
			add(m, 0, 1, up)
			add(m, 0, -1, down)
			continue
		}
		total := measure.total[i]
		amount, part := r.Share*total, r.Share*total
		if measure.unit > 0 {
			amount = max(float64(r.Persons), math.Ceil(amount))
			part = float64(r.Persons)
		} else {
			amount = max(amount, r.dominanceNeed(l.cells[i]))
		}
		add(m, -1, 1, min(amount, room(measure.total)))
		add(m, -1, -1, min(amount, total))
		if len(measure.layers) == 1 {
			continue
		}
		for k, v := range measure.layers {
			add(m, k, 1, min(part, room(v)))
		}
	}
	return list
}

// rateNeeds is how much higher and lower those with an outcome must be able to be where the
// weights of all cells are known: by the share of them, or of those without it if these are
// fewer, or of all where there are none of the one; as far as shown cells leave room.
func (r Rules) rateNeeds(m measure, above []ancestor, i int, sensitive []bool, l *linked) (up, down float64) {
	with := m.layers[0]
	yes, no := with[i], m.total[i]-with[i]
	amount := r.Share * min(yes, no)
	if amount <= 1e-9*m.total[i] {
		amount = r.Share * m.total[i]
	}
	up, down = min(amount, no), min(amount, yes)
	for _, a := range above {
		if !sensitive[a.cell] && !l.cells[a.cell].Unprinted {
			up = min(up, with[a.cell]-yes)
			down = min(down, m.total[a.cell]-with[a.cell]-no)
		}
	}
	return max(0, up), max(0, down)
}
