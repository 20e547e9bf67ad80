package analysis

import "fmt"

// Settings are the choices that change a number or its notes. A field left at its
// zero value means the value of DefaultSettings.
type Settings struct {
	// Level is the confidence of intervals.
	Level float64
	// LonePSU says what a stratum with a single PSU contributes to the variance.
	LonePSU LonePSURule
	// LoneInDomains applies the rules LoneAdjust, LoneAverage and LoneCollapse also to a stratum of
	// several PSUs of which only one has people of the domain, and lets strata without
	// such people take no part (as survey.adjust.domain.lonely in R).
	LoneInDomains bool
	// DF says how the degrees of freedom of intervals are counted.
	DF DFRule
	// FixedDF, when not zero, is the degrees of freedom whatever DF says.
	FixedDF float64
	// Interval is how the intervals of proportions are made.
	Interval ProportionInterval
	// Standard is the presentation standard by which proportions get the notes Suppress
	// and Review; none when left out.
	Standard PresentationStandard
	// FewRespondents is the N below which an estimate carries that note.
	FewRespondents int
	// FewDF is the degrees of freedom below which an estimate carries FewPSUs.
	FewDF float64
	// LargeWeights is Kish's effect of unequal weights, n Σw²/(Σw)², above which an
	// estimate carries that note.
	LargeWeights float64
	// WideInterval is the width above which the interval of a proportion carries that
	// note; WideRelative is the limit of width/|value| for every other estimate.
	WideInterval, WideRelative float64
}

// DefaultSettings returns the documented defaults: 95 % intervals, lone PSUs
// centred at the mean of all PSUs, degrees of freedom of the domain. The thresholds
// of notes are those of the US National Center for Health Statistics where it has
// one: 30 respondents, 8 degrees of freedom and a width of 0.30 (Series 2, no. 175,
// 2017), a relative width of 1.60 (Series 2, no. 200, 2023). The limit of 2 for the
// effect of unequal weights is ours.
func DefaultSettings() Settings {
	return Settings{
		Level:          0.95,
		LonePSU:        LoneAdjust,
		DF:             DFDomain,
		Interval:       IntervalLogit,
		FewRespondents: 30,
		FewDF:          8,
		LargeWeights:   2,
		WideInterval:   0.30,
		WideRelative:   1.60,
	}
}

// LonePSURule is what a stratum with one PSU contributes to a variance.
type LonePSURule string

// The rules for lone PSUs (as survey.lonely.psu in R, but for LoneCollapse). At later
// stages they hold within each unit of the stage before, and LoneCollapse adds nothing.
const (
	LoneFail      LonePSURule = "fail"      // an error that names the strata
	LoneCertainty LonePSURule = "certainty" // nothing
	LoneRemove    LonePSURule = "remove"    // nothing: another name for it
	LoneAdjust    LonePSURule = "adjust"    // centred at the mean of all PSU totals
	LoneAverage   LonePSURule = "average"   // the mean of the other strata
	// LoneCollapse merges a stratum with a single PSU with the next in the order of
	// names, the last one with the one before it. Merged strata vary more, so the
	// variance is on the safe side; estimates name them in a note.
	LoneCollapse LonePSURule = "collapse"
)

// DFRule is how degrees of freedom are counted.
type DFRule string

// The rules for degrees of freedom. DFDomain is the careful one: a domain seen in few
// PSUs gets the wide interval it deserves. DFDesign gives every domain the degrees of
// freedom of the whole sample, as tables of the General Social Survey do.
const (
	DFDomain DFRule = "domain" // PSUs − strata, over those with a respondent in the domain
	DFDesign DFRule = "design" // PSUs − strata of the whole design
	DFNormal DFRule = "normal" // infinite: the normal distribution
)

// orDefault fills the fields that were left out and checks the others.
func (s Settings) orDefault() (Settings, error) {
	d := DefaultSettings()
	s.Level = orElse(s.Level, d.Level)
	s.LonePSU = orElse(s.LonePSU, d.LonePSU)
	s.DF = orElse(s.DF, d.DF)
	s.Interval = orElse(s.Interval, d.Interval)
	s.FewRespondents = orElse(s.FewRespondents, d.FewRespondents)
	s.FewDF = orElse(s.FewDF, d.FewDF)
	s.LargeWeights = orElse(s.LargeWeights, d.LargeWeights)
	s.WideInterval = orElse(s.WideInterval, d.WideInterval)
	s.WideRelative = orElse(s.WideRelative, d.WideRelative)
	if !(s.Level > 0 && s.Level < 1) {
		return s, fmt.Errorf("confidence level %v is not between 0 and 1; 0.95 is usual", s.Level)
	}
	switch s.LonePSU {
	case LoneFail, LoneCertainty, LoneRemove, LoneAdjust, LoneAverage, LoneCollapse:
	default:
		return s, fmt.Errorf("lone PSU rule %q is unknown; use %s, %s, %s, %s, %s or %s",
			s.LonePSU, LoneFail, LoneCertainty, LoneRemove, LoneAdjust, LoneAverage, LoneCollapse)
	}
	switch s.DF {
	case DFDomain, DFDesign, DFNormal:
	default:
		return s, fmt.Errorf("rule %q for degrees of freedom is unknown; use %s, %s or %s",
			s.DF, DFDomain, DFDesign, DFNormal)
	}
	if !(s.FixedDF >= 0) {
		return s, fmt.Errorf("%v degrees of freedom are not possible; give a number above 0, or 0 for the rule in Settings.DF", s.FixedDF)
	}
	switch s.Standard {
	case "", StandardNCHS2017:
	default:
		return s, fmt.Errorf("presentation standard %q is unknown; use %s or none", s.Standard, StandardNCHS2017)
	}
	return s, s.Interval.check()
}

// df counts degrees of freedom by the rule, or takes the number given. seen is the
// number of people of the domain in each PSU.
func (s Settings) df(l *layout, seen []int) float64 {
	if s.FixedDF > 0 {
		return s.FixedDF
	}
	return l.df(s.DF, seen)
}

// orElse returns v, or otherwise when v is the zero value.
func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
