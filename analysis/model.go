package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis/internal/parallel"
)

// Model is a generalised linear model: the mean of the outcome is g⁻¹(η) for the link g,
// and η is the sum of an intercept, the terms and the offset. Every column has one
// element for each row of the design; people with a missing value in any of them are
// left out.
//
// There are no quasi families: a design-based covariance does not rest on the
// dispersion, so that quasibinomial and binomial are the same model.
type Model struct {
	// Outcome has the values to explain, NaN for missing: shares from 0 to 1 for
	// Binomial, values of at least 0 for Poisson.
	Outcome []float64
	Terms   []Term
	Family  Family
	// Link is the canonical one of the family when it is left empty.
	Link Link
	// Offset is added to η with coefficient 1; nil means none.
	Offset []float64
	// Stop is StopExact unless the fit is to be compared with R.
	Stop Stop
}

// Term is a part of a model. Exactly one of its fields is set.
type Term struct {
	// Factor has one coefficient for each of its levels but the first, which is the
	// reference (treatment coding, as in R).
	Factor FactorColumn
	// Numeric has one coefficient.
	Numeric Variable
	// Interaction has the products of the columns of the terms that it names, each a
	// term of the model itself.
	Interaction []string
}

// name is how tests and interactions call the term.
func (t Term) name() string {
	switch {
	case t.Factor.ID != "":
		return t.Factor.ID
	case t.Numeric.Name != "":
		return t.Numeric.Name
	}
	return strings.Join(t.Interaction, ":")
}

// check finds faults that need no look at the rows.
func (m Model) check(d *Design) error {
	if err := d.checkValues(Variable{"the outcome", m.Outcome}); err != nil {
		return err
	}
	if m.Offset != nil {
		if err := d.checkValues(Variable{"the offset", m.Offset}); err != nil {
			return err
		}
	}
	var names []string
	for i, t := range m.Terms {
		if err := t.check(d, i, m.mains()); err != nil {
			return err
		}
		if slices.Contains(names, t.name()) {
			return fmt.Errorf("two terms are called %q; rename one or leave it out", t.name())
		}
		names = append(names, t.name())
	}
	if m.Stop != StopExact && m.Stop != StopAsR {
		return fmt.Errorf("rule %q for stopping is unknown; leave it empty or use %q", m.Stop, StopAsR)
	}
	_, err := m.glm()
	return err
}

// mains are the terms that interactions may name.
func (m Model) mains() map[string]Term {
	mains := make(map[string]Term)
	for _, t := range m.Terms {
		if t.Interaction == nil {
			mains[t.name()] = t
		}
	}
	return mains
}

func (t Term) check(d *Design, number int, mains map[string]Term) error {
	isFactor, isNumeric := t.Factor.ID != "", t.Numeric.Name != ""
	if count := btoi(isFactor) + btoi(isNumeric) + btoi(t.Interaction != nil); count != 1 {
		return fmt.Errorf("term %d is %d things at once; set one of Factor (with an ID), Numeric (with a Name) and Interaction", number, count)
	}
	switch {
	case isFactor && len(t.Factor.Level) != d.rows:
		return fmt.Errorf("factor %q has %d values for %d rows of the design; give one for each row, -1 for missing", t.Factor.ID, len(t.Factor.Level), d.rows)
	case isFactor && len(t.Factor.Levels) < 2:
		return fmt.Errorf("factor %q has %d levels; with fewer than two there is nothing to compare, leave it out", t.Factor.ID, len(t.Factor.Levels))
	case isFactor:
		return nil
	case isNumeric:
		return d.checkValues(t.Numeric)
	case len(t.Interaction) < 2:
		return errors.New("an interaction names fewer than two terms; name the terms whose columns are multiplied")
	}
	for i, id := range t.Interaction {
		if _, known := mains[id]; !known {
			return fmt.Errorf("the interaction %q names %q, which is no term of the model; add it, or leave the interaction out", t.name(), id)
		}
		if slices.Contains(t.Interaction[:i], id) {
			return fmt.Errorf("the interaction %q names %q twice", t.name(), id)
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checkOutcome says what is wrong with an outcome of the family, "" when nothing is.
func (f family) checkOutcome(y float64) string {
	switch {
	case f == binomial && !(y >= 0 && y <= 1):
		return "shares lie between 0 and 1"
	case f == poisson && !(y >= 0):
		return "counts are not negative"
	}
	return ""
}

// A column of the model matrix is the product of indicators of levels and of numeric
// columns; the intercept has none of either.
type column struct {
	name   string
	term   int // -1 for the intercept
	levels []wanted
	slope  int // which product of numeric columns; 0 is the empty one
}

// wanted is the level that a factor must have.
type wanted struct{ factor, level int }

// A matrixLayout is the model matrix without its rows.
type matrixLayout struct {
	columns []column
	factors []FactorColumn
	slopes  [][]Variable // the numeric columns of each product
}

// matrix lays out the columns: in the order of terms, and in an interaction the first
// term fastest, as R's model.matrix.
func (m Model) matrix() matrixLayout {
	l := matrixLayout{columns: []column{{name: "(Intercept)", term: -1}}, slopes: [][]Variable{nil}}
	mains := m.mains()
	for i, t := range m.Terms {
		parts := []Term{t}
		if t.Interaction != nil {
			parts = parts[:0]
			for _, id := range t.Interaction {
				parts = append(parts, mains[id])
			}
		}
		l.add(i, parts)
	}
	return l
}

// add appends the columns of a product of main terms.
func (l *matrixLayout) add(term int, parts []Term) {
	made := []column{{term: term}}
	var numeric []Variable
	for _, p := range parts {
		if p.Factor.ID == "" {
			numeric = append(numeric, p.Numeric)
			for i := range made {
				made[i].name = joinName(made[i].name, p.Numeric.Name)
			}
			continue
		}
		f := l.factor(p.Factor)
		var crossed []column
		for level := 1; level < len(p.Factor.Levels); level++ {
			for _, c := range made {
				c.name = joinName(c.name, p.Factor.ID+"="+p.Factor.Levels[level])
				c.levels = append(slices.Clone(c.levels), wanted{f, level})
				crossed = append(crossed, c)
			}
		}
		made = crossed
	}
	slope := l.slope(numeric)
	for i := range made {
		made[i].slope = slope
	}
	l.columns = append(l.columns, made...)
}

func joinName(a, b string) string {
	if a == "" {
		return b
	}
	return a + ":" + b
}

// factor is the index of a factor, which is added when it is new.
func (l *matrixLayout) factor(f FactorColumn) int {
	for i := range l.factors {
		if l.factors[i].ID == f.ID {
			return i
		}
	}
	l.factors = append(l.factors, f)
	return len(l.factors) - 1
}

// slope is the index of a product of numeric columns, which is added when it is new.
func (l *matrixLayout) slope(product []Variable) int {
	same := func(a, b Variable) bool { return a.Name == b.Name }
	for i, s := range l.slopes {
		if slices.EqualFunc(s, product, same) {
			return i
		}
	}
	l.slopes = append(l.slopes, product)
	return len(l.slopes) - 1
}

// active lists, for each pattern of levels and each product of numeric columns, the
// columns that have an indicator of 1.
func (l *matrixLayout) active(patterns [][]int32) [][][]int32 {
	slopes := len(l.slopes)
	all, lists := make([][][]int32, len(patterns)), make([][]int32, len(patterns)*slopes)
	parallel.Blocks(len(patterns), patternBlock(len(patterns)), func(_, from, to int) {
		room := make([]int32, 0, (to-from)*(len(l.factors)+1))
		for p := from; p < to; p++ {
			all[p] = lists[p*slopes : (p+1)*slopes : (p+1)*slopes]
			for s := range slopes {
				begin := len(room)
				for j := range l.columns {
					if c := &l.columns[j]; c.slope == s && c.holds(patterns[p]) {
						room = append(room, int32(j))
					}
				}
				all[p][s] = room[begin:len(room):len(room)]
			}
		}
	})
	return all
}

func (c *column) holds(levels []int32) bool {
	for _, w := range c.levels {
		if int(levels[w.factor]) != w.level {
			return false
		}
	}
	return true
}

// slopeAt is a product of numeric columns in a row.
func slopeAt(product []Variable, row int) float64 {
	x := 1.0
	for _, v := range product {
		x *= v.Values[row]
	}
	return x
}

// isMissing says whether a number is NaN.
func isMissing(x float64) bool { return math.IsNaN(x) }
