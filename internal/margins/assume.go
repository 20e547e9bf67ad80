package margins

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/surveys"
)

// What margins assume. The report has words for each.
const (
	// Years of age are taken to be equally large: Value of those aged 15–19 are 18 or 19.
	EvenAges assess.AssumptionCode = "even-ages"
	// Value of those aged 15–19 are taken to be 18 or 19: of everybody, of the men, of
	// the women, of the city Subject.
	Aged18to19       assess.AssumptionCode = "aged-18-19"
	Aged18to19Men    assess.AssumptionCode = "aged-18-19-men"
	Aged18to19Women  assess.AssumptionCode = "aged-18-19-women"
	Aged18to19InCity assess.AssumptionCode = "aged-18-19-city"
	// The urban share of all residents, Value, is taken for those aged 18–69.
	UrbanShareOfAll assess.AssumptionCode = "urban-share-of-all"
	// Value of those aged 18–69 are taken to live in towns.
	UrbanShare assess.AssumptionCode = "urban-share"
	// Value of those aged 18–69 are taken to have the level Subject of education.
	EducationShare assess.AssumptionCode = "education-share"
	// The counts of margin Subject were multiplied by 1+Value, so that all margins have
	// one total.
	MarginScaled assess.AssumptionCode = "margin-scaled"
	// The counts of margin Subject were changed so that the factors it shares with the
	// margin With are counted as there; their levels lay apart by up to Value, relatively.
	MarginFitted assess.AssumptionCode = "margin-fitted"
)

// Codes lists every code.
func Codes() []assess.AssumptionCode {
	return []assess.AssumptionCode{
		EvenAges, Aged18to19, Aged18to19Men, Aged18to19Women, Aged18to19InCity,
		UrbanShareOfAll, UrbanShare, EducationShare, MarginScaled, MarginFitted,
	}
}

// EvenShare is the share of those aged 15–19 who are 18 or 19 if every year of age is
// equally large.
const EvenShare = 2.0 / 5

// Assumptions say what stands for that which the census does not count. The zero value
// takes EvenShare, takes the urban share of all residents, and refuses a margin of
// education. Whoever gives a value says where it is from.
type Assumptions struct {
	Share15to19 AgeShare        `yaml:"aged_18_19,omitempty"`
	Urban       Share           `yaml:"urban,omitempty"`
	Education   EducationShares `yaml:"education,omitempty"`
}

// AgeShare is the share, from 0 to 1, of those aged 15–19 who are 18 or 19. A sex or a
// city without a value of its own takes Share. Without Share, the sexes take the mean
// over the cities where only ByCity is given, and the cities that over the sexes where
// only BySex is, such that the totals agree; else it is EvenShare.
type AgeShare struct {
	Share *float64 `yaml:"share,omitempty"`
	// BySex has the keys male and female, ByCity the six-digit codes.
	BySex  map[string]float64 `yaml:"by_sex,omitempty"`
	ByCity map[string]float64 `yaml:"by_city,omitempty"`
	Source string             `yaml:"source,omitempty"`
}

// Share is the share, from 0 to 1, of those aged 18–69 who live in towns; nil takes that
// of all residents.
type Share struct {
	Share  *float64 `yaml:"share,omitempty"`
	Source string   `yaml:"source,omitempty"`
}

// EducationShares holds the share of those aged 18–69 that each level of the factor
// education has, by level code; together they are 1.
type EducationShares struct {
	Shares map[string]float64 `yaml:"shares,omitempty"`
	Source string             `yaml:"source,omitempty"`
}

// sharesAgree is how far shares may lie from adding up to 1: what is left by rounding
// the last of six decimals.
const sharesAgree = 1e-6

// check says what is wrong with the assumptions about a province, all at once.
func (a Assumptions) check(c *Census) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s", surveys.ErrInvalid, fmt.Sprintf(format, args...)))
	}
	share := func(where string, x float64) {
		if !(x >= 0 && x <= 1) {
			fault("assumption %s: %v is no share; give a number from 0 to 1", where, x)
		}
	}
	source := func(where, text string, given bool) {
		switch {
		case given && text == "":
			fault("assumption %s: a value without its origin; say in source where it is from", where)
		case !given && text != "":
			fault("assumption %s: a source without a value; give the value or remove the source", where)
		}
	}
	s := a.Share15to19
	if s.Share != nil {
		share("aged_18_19.share", *s.Share)
	}
	for _, sex := range slices.Sorted(maps.Keys(s.BySex)) {
		share("aged_18_19.by_sex."+sex, s.BySex[sex])
		if c.Ages[sex] == nil {
			fault("assumption aged_18_19.by_sex: the census has no sex %q; it knows male and female", sex)
		}
	}
	for _, city := range slices.Sorted(maps.Keys(s.ByCity)) {
		share("aged_18_19.by_city."+city, s.ByCity[city])
		if _, ok := c.Cities[city]; !ok {
			fault("assumption aged_18_19.by_city: province %s has no city %q; give a six-digit code in quotes", c.Province, city)
		}
	}
	source("aged_18_19", s.Source, s.Share != nil || len(s.BySex)+len(s.ByCity) > 0)
	if a.Urban.Share != nil {
		share("urban.share", *a.Urban.Share)
	}
	source("urban", a.Urban.Source, a.Urban.Share != nil)
	var sum float64
	for _, level := range slices.Sorted(maps.Keys(a.Education.Shares)) {
		share("education.shares."+level, a.Education.Shares[level])
		sum += a.Education.Shares[level]
	}
	if len(a.Education.Shares) > 0 && !(math.Abs(sum-1) <= sharesAgree) {
		fault("assumption education.shares: the shares add up to %v; let them add up to 1", sum)
	}
	source("education", a.Education.Source, len(a.Education.Shares) > 0)
	return errors.Join(faults...)
}

// rest returns the share of the sexes, or of the cities, that have none in own, as an
// assumption: Share; or the mean of those given elsewhere, when they alone are given; or
// EvenShare.
func (s AgeShare) rest(own, elsewhere map[string]float64, mean func() float64) assess.Assumption {
	switch {
	case s.Share != nil:
		return assess.Assumption{Code: Aged18to19, Value: *s.Share, Source: s.Source}
	case len(own) == 0 && len(elsewhere) > 0:
		return assess.Assumption{Code: Aged18to19, Value: mean(), Source: s.Source}
	}
	return assess.Assumption{Code: EvenAges, Value: EvenShare}
}

// sexes returns the share of each sex and what that assumes.
func (s AgeShare) sexes(c *Census) (map[string]float64, []assess.Assumption) {
	rest := s.rest(s.BySex, s.ByCity, func() float64 {
		var n, all float64
		for _, code := range slices.Sorted(maps.Keys(c.Cities)) {
			n += orRest(s.ByCity, code, EvenShare) * c.Cities[code].Age15to19
			all += c.Cities[code].Age15to19
		}
		return n / all
	})
	shares := map[string]float64{}
	for sex := range c.Ages {
		shares[sex] = orRest(s.BySex, sex, rest.Value)
	}
	var assumed []assess.Assumption
	if len(s.BySex) < len(c.Ages) {
		assumed = append(assumed, rest)
	}
	for _, sex := range []struct {
		name string
		code assess.AssumptionCode
	}{{"male", Aged18to19Men}, {"female", Aged18to19Women}} {
		if x, ok := s.BySex[sex.name]; ok {
			assumed = append(assumed, assess.Assumption{Code: sex.code, Value: x, Source: s.Source})
		}
	}
	return shares, assumed
}

// cities returns the share of each city and what that assumes.
func (s AgeShare) cities(c *Census) (map[string]float64, []assess.Assumption) {
	rest := s.rest(s.ByCity, s.BySex, func() float64 {
		var n, all float64
		for _, sex := range slices.Sorted(maps.Keys(c.Ages)) {
			n += orRest(s.BySex, sex, EvenShare) * c.Ages[sex][splitGroup]
			all += c.Ages[sex][splitGroup]
		}
		return n / all
	})
	shares := map[string]float64{}
	var assumed []assess.Assumption
	if len(s.ByCity) < len(c.Cities) {
		assumed = append(assumed, rest)
	}
	for _, code := range slices.Sorted(maps.Keys(c.Cities)) {
		shares[code] = orRest(s.ByCity, code, rest.Value)
		if x, ok := s.ByCity[code]; ok {
			assumed = append(assumed, assess.Assumption{Code: Aged18to19InCity, Subject: factorCity + "=" + code, Value: x, Source: s.Source})
		}
	}
	return shares, assumed
}

func orRest(given map[string]float64, key string, rest float64) float64 {
	if x, ok := given[key]; ok {
		return x
	}
	return rest
}
