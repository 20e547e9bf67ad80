package assess

import "math"

// Cover says how often the intervals of a simulated wave contain the true values.
type Cover struct {
	Covered, Total int
	// Level is the confidence of the intervals: the share that should be covered in
	// the long run, over repeated surveys.
	Level float64
}

// Coverage counts the estimates of the results whose true value is known, and those
// whose interval contains it. An estimate that the report shows twice counts once.
// The estimates come from the same people, so the count is no test of the intervals:
// it scatters more than that of as many independent ones.
func Coverage(r *Results) Cover {
	c := Cover{Level: r.Settings.Level}
	c.rows(r.Headline)
	if len(r.Dimensions) > 1 { // else the only dimension is the score
		c.rows(r.Score)
	}
	c.groups(r.Bands)
	c.groups(r.Dimensions)
	c.groups(r.Items)
	for _, t := range r.Tables {
		c.groups(t.Groups)
	}
	for i, l := range r.Questionnaire.Criterion.Levels {
		// The level at the cut is the headline, the highest level is its own band, and
		// the lowest level the complement of the band below.
		if i > 0 && i < len(r.Levels)-1 && l.Cut != r.Questionnaire.Criterion.Cut {
			c.rows(r.Levels[i].Rows)
		}
	}
	return c
}

func (c *Cover) groups(gs []Group) {
	for _, g := range gs {
		c.rows(g.Rows)
	}
}

func (c *Cover) rows(rows []Row) {
	for _, row := range rows {
		if covered, known := row.Covered(); known {
			c.Total++
			if covered {
				c.Covered++
			}
		}
	}
}

// Covered says whether the interval contains the true value; known is false when
// there is no true value or no interval.
func (r Row) Covered() (covered, known bool) {
	e := r.Estimate
	if r.Truth == nil || math.IsNaN(e.Lo) || math.IsNaN(e.Hi) {
		return false, false
	}
	return e.Lo <= *r.Truth && *r.Truth <= e.Hi, true
}
