// Package margins holds population counts to weigh to, with where they come from and
// what they assume.
//
// Read each margin from a table (ReadTable, ReadShares) or from the 2020 census
// (ReadCensus, Census.Margin), then Reconcile them: margins of one population have one
// total, and count a factor they share alike. What nobody counted comes back as
// Assumptions, for the report to print. Weighing to the margins is left to
// analysis/weighting.
package margins

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// maxLevels limits the levels of one margin.
const maxLevels = 10_000

// Margin is how many people of the population belong to each level of a factor, or to
// each crossing of levels of several factors.
type Margin struct {
	// Name is the IDs of the factors joined with "/".
	Name    string
	Factors []string
	// Targets holds the people of every level, by the level codes joined with "/" in the
	// order of Factors.
	Targets map[string]float64
	// Source says where the counts are from, such as a file.
	Source string
}

// newMargin begins a margin of these factors.
func newMargin(factors []assess.Factor, source string) Margin {
	m := Margin{Targets: map[string]float64{}, Source: source}
	for _, f := range factors {
		m.Factors = append(m.Factors, f.ID)
	}
	m.Name = strings.Join(m.Factors, "/")
	return m
}

// Total returns the people of all levels.
func (m Margin) Total() float64 {
	var total float64
	for _, code := range slices.Sorted(maps.Keys(m.Targets)) {
		total += m.Targets[code]
	}
	return total
}

// checkFactors says what stops a margin of these factors.
func checkFactors(factors []assess.Factor) error {
	if len(factors) == 0 {
		return fmt.Errorf("%w: the margin has no factors; name at least one", surveys.ErrInvalid)
	}
	size := 1
	for i, f := range factors {
		if slices.ContainsFunc(factors[:i], func(o assess.Factor) bool { return o.ID == f.ID }) {
			return fmt.Errorf("%w: the margin names the factor %q twice; remove one", surveys.ErrInvalid, f.ID)
		}
		if len(f.Levels) == 0 {
			return fmt.Errorf("%w: the factor %q of the margin has no levels; add them to the plan", surveys.ErrInvalid, f.ID)
		}
		if size *= len(f.Levels); size > maxLevels {
			return fmt.Errorf("%w: the margin crosses more than %d levels; cross fewer factors", surveys.ErrInvalid, maxLevels)
		}
	}
	return nil
}

// check says what is wrong with the counts of a margin.
func (m Margin) check() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: margin %q: %s", surveys.ErrInvalid, m.Name, fmt.Sprintf(format, args...)))
	}
	if len(m.Factors) == 0 || len(m.Targets) == 0 {
		fault("there are no factors or no counts; give both")
		return errors.Join(faults...)
	}
	for i, id := range m.Factors {
		if slices.Contains(m.Factors[:i], id) {
			fault("the factor %q is named twice; remove one", id)
		}
	}
	var most float64
	for _, code := range slices.Sorted(maps.Keys(m.Targets)) {
		n := m.Targets[code]
		if parts := strings.Count(code, "/") + 1; parts != len(m.Factors) {
			fault("the level %q joins %d codes, but there are %d factors; join one code of each with a slash", code, parts, len(m.Factors))
		}
		if !(n >= 0) || math.IsInf(n, 1) {
			fault("the level %q has the count %v; give a number, 0 or more", code, n)
			continue
		}
		most = max(most, n)
	}
	if len(faults) == 0 && (most == 0 || math.IsInf(m.Total(), 1)) {
		fault("the counts add up to %v; give those of the population", m.Total())
	}
	return errors.Join(faults...)
}

// rounding is the relative difference of sums that the arithmetic explains: the numbers
// of a margin have 16 digits, and there are at most 10,000 of them.
const rounding = 1e-12

// count writes a number of people: whole, or with up to three decimals.
func count(n float64) string {
	return strconv.FormatFloat(math.Round(n*1000)/1000, 'f', -1, 64)
}
