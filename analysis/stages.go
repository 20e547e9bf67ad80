package analysis

import (
	"errors"
	"fmt"
	"math"
)

// A Stage is one step of selection: within the units of the stage before, and within
// strata of these, units were drawn. Every column has one element for each row.
//
// A unit's label is read within its stratum and within its unit of the stage before:
// the same label elsewhere is another unit (see Columns.UniqueUnits).
type Stage struct {
	// Stratum names the stratum of each row; nil means one stratum within each unit of
	// the stage before.
	Stratum []string
	// Unit names the unit of each row; nil makes every row its own unit, which only the
	// last stage can have.
	Unit []string

	// At most one of the following says how many were drawn. With none of them, units
	// were drawn with replacement, or are a negligible part of the population, with
	// equal or unequal probabilities; then later stages add nothing to a variance.

	// Population is the number of units in the population of the row's stratum, the same
	// in all rows of a stratum; +Inf for a stratum drawn with replacement.
	Population []float64
	// Fraction is the sampling fraction n/N of the row's stratum, the same in all rows
	// of a stratum; 1 for a stratum of which every unit is in the sample.
	Fraction []float64
	// Chance is the probability of the row's unit to be in the sample, where units were
	// drawn with unequal probabilities without replacement. PPS says how the variance
	// is estimated.
	Chance []float64
	// PPS is used with Chance, or alone when it holds the joint probabilities.
	PPS PPS
}

// stages are those of the columns, the first one from the short fields if need be.
func (c Columns) stages() ([]Stage, error) {
	if c.Stages == nil {
		return []Stage{{Stratum: c.Stratum, Unit: c.PSU, Population: c.Population, Fraction: c.Fraction}}, nil
	}
	if c.Stratum != nil || c.PSU != nil || c.Population != nil || c.Fraction != nil {
		return nil, errors.New("the columns have Stages and also a Stratum, PSU, Population or Fraction; the first of Stages takes their place")
	}
	if len(c.Stages) == 0 {
		return nil, errors.New("the columns have an empty list of Stages; leave it nil for simple random sampling")
	}
	return c.Stages, nil
}

// check lists the faults that can be seen without knowing units and strata.
func (s Stage) check(number, of, rows int) error {
	var faults []error
	fault := func(err error) {
		if of > 1 {
			err = fmt.Errorf("stage %d: %w", number, err)
		}
		faults = append(faults, err)
	}
	add := func(format string, args ...any) { fault(fmt.Errorf(format, args...)) }
	length := func(what string, n int, given bool) {
		if given && n != rows {
			add("%d %s for %d rows; give one for each row, or none", n, what, rows)
		}
	}
	length("strata", len(s.Stratum), s.Stratum != nil)
	length("PSUs", len(s.Unit), s.Unit != nil)
	length("populations", len(s.Population), s.Population != nil)
	length("fractions", len(s.Fraction), s.Fraction != nil)
	length("chances", len(s.Chance), s.Chance != nil)
	if s.Unit == nil && number < of {
		add("has no units, but is not the last; name the unit of each row in Stage.Unit")
	}
	if s.sizes() > 1 {
		add("has more than one of Population, Fraction and Chance; give one")
	}
	for i, n := range s.Population {
		if !(n > 0) {
			fault(rowError(i, "the population of %s is %v; give the number of units in its stratum, +Inf when drawn with replacement", n))
			break
		}
	}
	for i, f := range s.Fraction {
		if !(f >= 0 && f <= 1) {
			fault(rowError(i, "the sampling fraction of %s is %v; fractions lie between 0 and 1, numbers of units belong into Population", f))
			break
		}
	}
	for i, p := range s.Chance {
		if !(p > 0 && p <= 1) {
			fault(rowError(i, "the chance of %s is %v; chances are above 0 and at most 1", p))
			break
		}
	}
	if err := s.PPS.check(s.Chance != nil, number); err != nil {
		fault(err)
	}
	return errors.Join(faults...)
}

// sizes counts the ways in which the stage says how many were drawn.
func (s Stage) sizes() int {
	n := 0
	for _, given := range []bool{s.Population != nil, s.Fraction != nil, s.Chance != nil} {
		if given {
			n++
		}
	}
	return n
}

// A grouping is how the rows fall into units and strata at one stage. Strata and
// units are numbered so that those of one unit of the stage before are together.
type grouping struct {
	unit    []int32 // of each row
	stratum []int32 // of each unit
	parent  []int32 // of each stratum: a unit of the stage before
	size    []int   // number of units of each stratum
}

// units is how many units there are.
func (g *grouping) units() int { return len(g.stratum) }

// fractions are n/N of each stratum and, with unequal chances, of each unit.
func (g *grouping) fractions(s Stage, number int, name func(stratum int) string) (fraction, chance []float64, err error) {
	switch {
	case s.Chance != nil:
		chance, err = g.constant(s.Chance, g.unit, g.units(), func(unit int) string {
			return fmt.Sprintf("the chance of a unit of %s", name(int(g.stratum[unit])))
		})
		return nil, chance, err
	case s.Fraction != nil:
		fraction, err = g.byStratum(s.Fraction, "sampling fraction", name)
	case s.Population != nil:
		fraction, err = g.byStratum(s.Population, "population", name)
		for h, n := range fraction {
			if n < float64(g.size[h])*(1-1e-9) && err == nil {
				err = fmt.Errorf("%s: its population is %v units, but %d are in the sample; give the number in the population, or fractions in Fraction", name(h), n, g.size[h])
			}
			fraction[h] = min(1, float64(g.size[h])/n)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("stage %d: %w", number, err)
	}
	return fraction, nil, nil
}

// byStratum is a column that does not vary within strata, by stratum.
func (g *grouping) byStratum(column []float64, what string, name func(int) string) ([]float64, error) {
	stratum := make([]int32, len(g.unit))
	for i, u := range g.unit {
		stratum[i] = g.stratum[u]
	}
	return g.constant(column, stratum, len(g.size), func(h int) string {
		return fmt.Sprintf("the %s of %s", what, name(h))
	})
}

// constant gives the value of each group of a column that does not vary in a group.
func (g *grouping) constant(column []float64, group []int32, groups int, name func(int) string) ([]float64, error) {
	values := make([]float64, groups)
	for i := range values {
		values[i] = math.NaN()
	}
	for i, k := range group {
		v := column[i]
		switch known := values[k]; {
		case known != known:
			values[k] = v
		case known != v && !(math.Abs(v-known) <= 1e-9*math.Abs(known)):
			return nil, rowError(i, "%[2]s is %[3]v in one row and %[4]v in %[1]s; give all of its rows the same", name(int(k)), known, v)
		}
	}
	return values, nil
}

// reciprocal multiplies weights by N/n of each row, or by the reciprocal of its chance.
func (g *grouping) reciprocal(weight, fraction, chance []float64) {
	for i, u := range g.unit {
		switch {
		case chance != nil:
			weight[i] /= chance[u]
		case fraction != nil:
			weight[i] /= fraction[g.stratum[u]]
		default:
			weight[i] = math.Inf(1)
		}
	}
}
