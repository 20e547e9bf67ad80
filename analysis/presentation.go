package analysis

import "math"

// Presentation is what the data presentation standard for proportions of the US
// National Center for Health Statistics says about an estimate (Parker et al. 2017,
// Vital and Health Statistics, Series 2, no. 175).
type Presentation struct {
	// N is the number of respondents, NEff the effective number: p(1−p)/v, made larger
	// for the degrees of freedom as Korn and Graubard do, at most N, and N itself when p
	// is 0 or 1. NEffUnadjusted is without that factor.
	N                    int
	NEff, NEffUnadjusted float64
	// Lo and Hi are the interval of Korn and Graubard; Width is Hi − Lo and
	// RelativeWidth Width/p.
	Lo, Hi, Width, RelativeWidth float64
	DF                           float64
	// Suppress says that the proportion must not be shown.
	Suppress bool
	// Review lists why a statistician must look at it before it is shown.
	Review []ReviewReason
}

// ReviewReason is why the standard asks for a review.
type ReviewReason string

// The reasons for a review.
const (
	ReviewFewDF      ReviewReason = "few-df"              // fewer than 8 degrees of freedom
	ReviewUnanimous  ReviewReason = "unanimous"           // the proportion is 0 or 1
	ReviewComplement ReviewReason = "complement-too-wide" // the width is more than 1.30 times 1 − p
)

// PresentationStandard names a standard for presenting proportions.
type PresentationStandard string

// StandardNCHS2017 is the standard that Present applies.
const StandardNCHS2017 PresentationStandard = "nchs-2017"

// The limits of the standard.
const (
	nchsRespondents = 30
	nchsNarrow      = 0.05
	nchsWide        = 0.30
	nchsRelative    = 1.30
	nchsDF          = 8
)

// Present judges an estimated proportion by the standard: fewer than 30 respondents,
// or effective respondents, suppress; a width up to 0.05 shows; of 0.30 or more
// suppresses; a relative width above 1.30 suppresses; all else shows. The degrees of
// freedom and the confidence are those of the estimate.
func Present(e Estimate) Presentation {
	p := Presentation{N: e.N, DF: e.DF, Lo: math.NaN(), Hi: math.NaN(), Width: math.NaN(), RelativeWidth: math.NaN()}
	n := float64(e.N)
	p.NEff, p.NEffUnadjusted = n, n
	if e.N == 0 {
		p.Suppress = true
		return p
	}
	v := e.SE * e.SE
	if e.Value > 0 && e.Value < 1 && v > 0 {
		u := tQuantile(e.Level, n-1) / tQuantile(e.Level, e.DF)
		p.NEffUnadjusted = math.Min(n, e.Value*(1-e.Value)/v)
		p.NEff = math.Min(n, e.Value*(1-e.Value)/v*u*u)
	}
	p.Lo, p.Hi = beta(e.Value, p.NEff, e.Level)
	p.Width = p.Hi - p.Lo
	p.RelativeWidth = p.Width / e.Value
	p.Suppress = p.tooWeak()
	p.Review = p.reasons(e.Value)
	return p
}

// tooWeak is the verdict. What cannot be computed is too weak.
func (p Presentation) tooWeak() bool {
	switch {
	case p.N < nchsRespondents || !(p.NEff >= nchsRespondents):
		return true
	case p.Width <= nchsNarrow:
		return false
	}
	return !(p.Width < nchsWide && p.RelativeWidth <= nchsRelative)
}

// reasons lists what asks for a review of a proportion.
func (p Presentation) reasons(value float64) []ReviewReason {
	var r []ReviewReason
	if p.DF < nchsDF {
		r = append(r, ReviewFewDF)
	}
	if value == 0 || value == 1 {
		r = append(r, ReviewUnanimous)
	}
	if p.Width/(1-value) > nchsRelative {
		r = append(r, ReviewComplement)
	}
	return r
}

// Notes says the verdict in notes: Suppress, or Review with the reason as Subject.
func (p Presentation) Notes() []Note {
	if p.Suppress {
		return []Note{{Code: Suppress, Value: p.Width}}
	}
	var notes []Note
	for _, r := range p.Review {
		notes = append(notes, Note{Code: Review, Subject: string(r), Value: p.Width})
	}
	return notes
}
