package assess

import (
	"math"
	"strings"
)

// Cover says how often the intervals of a simulated wave contain the true values.
type Cover struct {
	Covered, Total int
	// Level is the confidence of the intervals: the share that should be covered in
	// the long run, over repeated surveys.
	Level float64
}

// Coverage counts the estimates of the results whose true value is known, and those
// whose interval contains it. The estimates come from the same people, so the count is
// no test of the intervals: it scatters more than that of as many independent ones.
func Coverage(r *Results) Cover {
	c := Cover{Level: r.Settings.Level}
	for _, k := range KnownEstimates(r) {
		if covered, known := k.Row.Covered(); known {
			c.Total++
			if covered {
				c.Covered++
			}
		}
	}
	return c
}

// Known is an estimate whose true value a simulation knows.
type Known struct {
	// Kind says what it is about: one of the kinds below, or the factor of its table, of a
	// score with KindScoreBy before it.
	Kind string
	// Code is that of the group among its kind, with the level of the series if there is
	// one.
	Code string
	Row  Row
}

// The kinds of estimates that belong to no table.
const (
	KindRate      = "rate"
	KindScore     = "score"
	KindBand      = "band"
	KindLevel     = "level"
	KindDimension = "dimension"
	KindItem      = "item"
	KindScoreBy   = "score by "
)

// Points says whether the estimate is of points and not a share.
func (k Known) Points() bool {
	return k.Kind == KindScore || k.Kind == KindDimension || strings.HasPrefix(k.Kind, KindScoreBy)
}

// KnownEstimates lists the estimates of the results whose true value is known. One that
// the report shows twice is listed once.
func KnownEstimates(r *Results) []Known {
	var all []Known
	add := func(kind, code string, rows []Row) {
		for i, row := range rows {
			if row.Truth != nil {
				all = append(all, Known{Kind: kind, Code: code + r.SeriesLevels[i].Code, Row: row})
			}
		}
	}
	groups := func(kind string, gs []Group) {
		for _, g := range gs {
			add(kind, g.Code, g.Rows)
		}
	}
	add(KindRate, "", r.Headline)
	if len(r.Dimensions) > 1 { // else the only dimension is the score
		add(KindScore, "", r.Score)
	}
	groups(KindBand, r.Bands)
	for i, l := range r.Questionnaire.Criterion.Levels {
		// The level at the cut is the headline, the highest level is its own band, and
		// the lowest level the complement of the band below.
		if i > 0 && i < len(r.Levels)-1 && l.Cut != r.Questionnaire.Criterion.Cut {
			add(KindLevel, l.ID, r.Levels[i].Rows)
		}
	}
	for _, t := range r.Tables {
		groups(t.Factor.ID, t.Groups)
		groups(KindScoreBy+t.Factor.ID, t.Scores)
	}
	groups(KindDimension, r.Dimensions)
	groups(KindItem, r.Items)
	return all
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
