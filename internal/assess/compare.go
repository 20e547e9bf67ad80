package assess

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
)

// The notes of changes.
const (
	// OwnErrorOnly is the note on a change against a published rate without a standard
	// error, named by the Subject as code/year: its interval and its P know the error of the
	// wave alone, so that both look more certain than they are.
	OwnErrorOnly analysis.NoteCode = "own-error-only"
	// OtherItems is the note on a change between rates by the same rule, but of other items,
	// which may be easier or harder.
	OtherItems analysis.NoteCode = "other-items"
	// OtherCriterion is the note on a reference that was measured by another rule than the
	// wave's, named by Subject; there is no difference between the two.
	OtherCriterion analysis.NoteCode = "other-criterion"
)

// SameCriterion says that a criterion of the published series is that of a questionnaire,
// and whether the items are the same too.
type SameCriterion struct {
	Published, Questionnaire string
	SameItems                bool
}

// Published wants a published rate for every area and year that the plan compares with. All
// that are missing are named; the error is a surveys.ErrInvalid.
func (p *Plan) Published(rates []Reference) error {
	var faults []error
	for _, c := range p.Compare {
		var years []int
		for _, r := range rates {
			if r.Code == c.Code {
				years = append(years, r.Year)
			}
		}
		if len(years) == 0 {
			faults = append(faults, fmt.Errorf("%w: the plan compares with the area %q, but there is no published rate of it; correct the code, or remove it", surveys.ErrInvalid, c.Code))
			continue
		}
		slices.Sort(years)
		for _, y := range c.Years {
			if !slices.Contains(years, y) {
				faults = append(faults, fmt.Errorf("%w: the plan compares with the area %q in %d, but there is no published rate of that year; remove the year, there are %v", surveys.ErrInvalid, c.Code, y, slices.Compact(years)))
			}
		}
	}
	return errors.Join(faults...)
}

// compare sets the published rates and the targets beside those of the wave.
func (r *Results) compare(opt Options) error {
	if len(opt.References) > 0 {
		if err := r.Plan.Published(opt.References); err != nil {
			return err
		}
	}
	for _, c := range r.Plan.Compare {
		for _, ref := range opt.References {
			if ref.Code == c.Code && (len(c.Years) == 0 || slices.Contains(c.Years, ref.Year)) {
				ref.Name = c.Name
				r.References = append(r.References, ref)
			}
		}
	}
	slices.SortStableFunc(r.References, func(a, b Reference) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Year, b.Year))
	})
	if len(r.Headline) > 0 {
		own := r.Headline[len(r.Headline)-1].Estimate
		for _, ref := range r.References {
			r.Changes = append(r.Changes, change(own, ref, r.Questionnaire.Criterion.ID, opt.Criteria))
		}
	}
	r.attain(opt.Targets)
	return nil
}

// change is how an estimate stands to a published rate.
func change(own analysis.Estimate, ref Reference, criterion string, same []SameCriterion) Change {
	nan := math.NaN()
	rule := slices.IndexFunc(same, func(s SameCriterion) bool { return s.Published == ref.Criterion && s.Questionnaire == criterion })
	c := Change{Reference: ref, P: nan, Comparable: rule >= 0,
		Difference: analysis.Estimate{Value: nan, SE: nan, Lo: nan, Hi: nan, Level: own.Level, DF: nan, DEff: nan, DEffWOR: nan}}
	if !c.Comparable {
		c.Difference.Notes = []analysis.Note{{Code: OtherCriterion, Subject: ref.Criterion}}
		return c
	}
	notes := slices.Clone(own.Notes)
	if !same[rule].SameItems {
		notes = append(notes, analysis.Note{Code: OtherItems})
	}
	published := analysis.Estimate{Value: ref.Rate, SE: ref.SE, DF: math.Inf(1)}
	if math.IsNaN(ref.SE) {
		published.SE = 0
		notes = append(notes, analysis.Note{Code: OwnErrorOnly, Subject: fmt.Sprintf("%s/%d", ref.Code, ref.Year)})
	}
	v := analysis.Independent(own, published)
	v.Notes = notes
	if d, err := v.Difference(0, 1); err == nil { // else the wave has no rate
		if alike(own) {
			d = recovered(d, own, published)
		}
		c.Difference, c.P = d, d.Test(0).P
	}
	return c
}

// attain says which targets are reached: those of the area by the rate of all, those of a
// level of a table, such as a city or a key group, by its rate. A target of another area
// is in none of the tables.
func (r *Results) attain(targets []Target) {
	for _, t := range targets {
		if row, known := r.rowOf(t.Code); known {
			r.Targets = append(r.Targets, attainment(row.Estimate, t))
		} else {
			r.Elsewhere = append(r.Elsewhere, t)
		}
	}
	settle(r.Targets, r.Settings.Level)
}

// HasRate says whether a report by the plan has a rate of an area or group, by its code.
func (p *Plan) HasRate(code string) bool {
	if code == p.Area.Code {
		return true
	}
	for _, id := range p.Tables {
		if f := p.Factor(id); f != nil && slices.ContainsFunc(f.Levels, func(l Level) bool { return l.Code == code }) {
			return true
		}
	}
	return slices.ContainsFunc(p.Groups, func(s GroupSet) bool {
		return slices.ContainsFunc(s.Groups, func(g KeyGroup) bool { return g.Code == code })
	})
}

// rowOf finds the rate of an area or group in the last level of the series.
func (r *Results) rowOf(code string) (Row, bool) {
	last := len(r.Headline) - 1
	if last < 0 {
		return Row{}, false
	}
	if code == r.Plan.Area.Code {
		return r.Headline[last], true
	}
	for _, t := range r.Tables {
		for _, g := range t.Groups {
			if g.Code == code {
				return g.Rows[last], true
			}
		}
	}
	return Row{}, false
}

// attainment compares an estimate with a target. What is tested is the opposite of the
// verdict, one-sidedly: t = (rate − target)/SE on the degrees of freedom of the rate. Where
// nobody, or everybody, reaches the criterion there is no standard error; then P is that of as
// many people by the binomial distribution, as the interval is.
func attainment(e analysis.Estimate, t Target) Attainment {
	nan := math.NaN()
	a := Attainment{Target: t, Estimate: e, Verdict: Unknown, P: nan, Adjusted: nan, Sure: nan}
	if e.N == 0 || math.IsNaN(e.Value) {
		return a
	}
	a.Verdict = LikelyMissed
	if e.Value > t.Rate || !t.Above && e.Value == t.Rate {
		a.Verdict = LikelyAttained
	}
	switch {
	case e.SE > 0:
		a.P = e.Test(t.Rate).P / 2
	case e.Value == 0:
		a.P = math.Pow(1-t.Rate, float64(e.N))
	case e.Value == 1:
		a.P = math.Pow(t.Rate, float64(e.N))
	}
	a.Sure = 1 - a.P
	return a
}

// settle corrects the P of all targets for their number and makes the verdicts sure that are so
// at the level.
func settle(all []Attainment, level float64) {
	p := make([]float64, len(all))
	for i, a := range all {
		p[i] = a.P
	}
	for i, x := range analysis.Holm(p) {
		all[i].Adjusted = x
		switch sure := x < 1-level; {
		case sure && all[i].Verdict == LikelyAttained:
			all[i].Verdict = Attained
		case sure && all[i].Verdict == LikelyMissed:
			all[i].Verdict = Missed
		}
	}
}
