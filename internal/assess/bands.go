package assess

import (
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/score"
)

// prefixBand begins the name of a variable that is 1 for people whose highest level
// it is; the band below all levels is score.BandLowest.
const prefixBand = "band:"

// bands lists the levels of a criterion from the highest down, and the band below.
func bands(c *surveys.Criterion) []surveys.Level {
	if len(c.Levels) == 0 {
		return nil
	}
	return append(slices.Clone(c.Levels), surveys.Level{ID: score.BandLowest, Name: c.Lowest})
}

// withBands returns the cells with one variable more for each band. Levels are
// nested: whoever reaches one reaches every lower one, so the indicator of a band is
// the difference of two level indicators, and because both are 0 or 1, so is its
// square. All sums of the band are therefore differences of sums that are there.
func withBands(c *analysis.Cells, crit *surveys.Criterion) *analysis.Cells {
	out := *c
	levels := make([]int, len(crit.Levels))
	for i, l := range crit.Levels {
		levels[i] = slices.Index(c.Variables, prefixLevel+l.ID)
		if levels[i] < 0 {
			return &out // the estimate of the level will say that it is missing
		}
	}
	all := bands(crit)
	out.Variables = slices.Clone(c.Variables)
	for _, b := range all {
		out.Variables = append(out.Variables, prefixBand+b.ID)
	}
	out.Rows = slices.Clone(c.Rows)
	for i := range out.Rows {
		sums := append(make([]analysis.Sum, 0, len(out.Variables)), out.Rows[i].Sums...)
		for b := range all {
			sums = append(sums, bandSum(c.Rows[i].Sums, levels, b))
		}
		out.Rows[i].Sums = sums
		out.Rows[i].Ones = withBandOnes(&c.Rows[i], levels)
	}
	return &out
}

// withBandOnes counts those in each band beside the others that were counted, if any.
func withBandOnes(r *analysis.Cell, levels []int) []int {
	if r.Ones == nil {
		return nil
	}
	ones, above := append(make([]int, 0, len(r.Ones)+len(levels)+1), r.Ones...), 0
	for _, l := range levels {
		ones = append(ones, r.Ones[l]-above)
		above = r.Ones[l]
	}
	return append(ones, r.Sums[levels[len(levels)-1]].N-above)
}

// bandSum is the sum of band b: those who reach its level less those who reach the
// next higher one.
func bandSum(sums []analysis.Sum, levels []int, b int) analysis.Sum {
	s := sums[levels[min(b, len(levels)-1)]]
	reach, above := s.WY, 0.0
	if b == len(levels) {
		reach = s.W
	}
	if b > 0 {
		above = sums[levels[b-1]].WY
	}
	s.WY = reach - above
	if math.Abs(s.WY) <= 1e-12*s.W {
		s.WY = 0 // nobody is in the band; what is left is rounding
	}
	s.WY2 = s.WY
	return s
}
