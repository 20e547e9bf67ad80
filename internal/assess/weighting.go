package assess

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/weighting"
	"github.com/suyang-survey/suyang/surveys"
)

// CaseWeight is what a set of weights gives to a case.
type CaseWeight struct {
	Case   string
	Weight float64
	// Base is the weight before the last calibration; equal to Weight when there is none.
	Base float64
}

// Weighting is the record of how a set of weights was made.
type Weighting struct {
	Name    string
	Version int
	Title   surveys.Text
	// Plan is the text of the weighting plan, PlanHash its SHA-256, and Files the same of
	// the files that it takes counts from.
	Plan, PlanHash string
	Files          []FileHash `json:",omitempty"`
	// Program is the version of the program that made the weights.
	Program string
	// Sample and Responses are digests of what the plan used of either.
	Sample, Responses string
	// Outcomes count what came of the cases, and Unscored is what responses without a score
	// were taken for.
	Outcomes Outcomes
	Unscored string
	// FromFieldwork says that the dispositions of the fieldwork told what came of the cases,
	// and not a column of the sample file.
	FromFieldwork bool `json:",omitempty"`
	// Substitutes is how many cases were left out because they were not drawn, but took the
	// place of one that was.
	Substitutes int `json:",omitempty"`
	// Unweighted is how many cases with an interview got no weight, since it
	// has no score or is a substitute.
	Unweighted int `json:",omitempty"`
	Steps      []weighting.Step
	// Calibration are the margins that standard errors know of, which the weights met in
	// step Calibrated (an index into Steps); none when the weights were not calibrated, or
	// changed after it. Errors take everything else as given; see Given.
	Calibration []CalibratedMargin `json:",omitempty"`
	Calibrated  int
	// Factors are those of the weighting plan, which the plan of the analysis lacks.
	Factors     []Factor `json:",omitempty"`
	Assumptions []Assumption
}

// ID is the name and version of the set, such as raked@2.
func (w *Weighting) ID() string {
	if w.Version == 0 {
		return w.Name
	}
	return w.Name + "@" + strconv.Itoa(w.Version)
}

// Outcomes count the cases that have a base weight by what came of them.
type Outcomes struct{ Respondents, Nonrespondents, Ineligible, Unknown int }

// FileHash names a file by its content.
type FileHash struct{ Name, Hash string }

// CalibratedMargin is a margin that the weights meet.
type CalibratedMargin struct {
	Factors []string
	// Levels are those of the crossing of the factors, Merged lists which of them were put
	// together, by index; empty when none were.
	Merged [][]int `json:",omitempty"`
}

// Name joins the IDs of the factors with "/", as level codes are joined.
func (m CalibratedMargin) Name() string { return strings.Join(m.Factors, "/") }

// Notes are what every estimate with these weights must say.
func (w *Weighting) Notes() []analysis.Note {
	var notes []analysis.Note
	for _, s := range w.Steps {
		notes = append(notes, s.Notes()...)
	}
	return notes
}

// The parts of a weighting that standard errors take as given.
const (
	GivenEligibility = "unknown-eligibility"
	GivenNonresponse = "nonresponse"
	GivenTrimming    = "trim"
	GivenModes       = "modes"
	GivenCalibration = "calibration" // one before the last
	GivenAll         = "all"         // no calibration that they know
)

// Given lists what standard errors take as given, in the order of the steps.
func (w *Weighting) Given() []string {
	var given []string
	add := func(part string) {
		if !slices.Contains(given, part) {
			given = append(given, part)
		}
	}
	for i, s := range w.Steps {
		switch s.What {
		case "unknown eligibility":
			add(GivenEligibility)
		case "nonresponse", "response propensity":
			add(GivenNonresponse)
		case "trim":
			if slices.ContainsFunc(s.Classes, func(c weighting.Class) bool { return c.Name != "within" && c.N > 0 }) {
				add(GivenTrimming)
			}
		case "combine modes":
			add(GivenModes)
		case "rake", "post-stratify", "calibrate":
			if i != w.Calibrated || len(w.Calibration) == 0 {
				add(GivenCalibration)
			}
		}
	}
	if len(w.Calibration) == 0 {
		add(GivenAll)
	}
	return given
}

// Fits compares each category of a margin with its target before the first step that
// has it and after the last.
func (w *Weighting) Fits() []weighting.MarginFit {
	var fits []weighting.MarginFit
	for _, s := range w.Steps {
		for _, f := range s.Margins {
			k := slices.IndexFunc(fits, func(o weighting.MarginFit) bool { return o.Margin == f.Margin && o.Level == f.Level })
			if k < 0 {
				fits = append(fits, f)
				continue
			}
			f.Before = fits[k].Before
			fits[k] = f
		}
	}
	place := map[string]int{}
	for i, f := range fits {
		if _, known := place[f.Margin]; !known {
			place[f.Margin] = i
		}
	}
	slices.SortStableFunc(fits, func(a, b weighting.MarginFit) int { return place[a.Margin] - place[b.Margin] })
	return fits
}

// WeightsName is the name of a set of weights, as a plan may give it.
var WeightsName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ParseWeights takes the name of a set of weights and its version apart: "raked" is the
// latest version, 0, and "raked@2" the second.
func ParseWeights(s string) (name string, version int, err error) {
	name, v, numbered := strings.Cut(s, "@")
	if numbered {
		version, err = strconv.Atoi(v)
	}
	if name == "" || err != nil || numbered && version < 1 {
		return "", 0, fmt.Errorf("%w: weights %q: write the name of a set, such as raked, or one version of it, such as raked@2", surveys.ErrInvalid, s)
	}
	return name, version, nil
}

// calibrationFactors are those of the weighting plan that the calibration is about.
func (w *Weighting) calibrationFactors() []Factor {
	var out []Factor
	for _, f := range w.Factors {
		if slices.ContainsFunc(w.Calibration, func(m CalibratedMargin) bool { return slices.Contains(m.Factors, f.ID) }) {
			out = append(out, f)
		}
	}
	return out
}

// margins returns the factors of each margin of the calibration, and the cells with those
// factors. A margin with merged levels becomes a factor of its own. factors are those of
// the cells given.
func (w *Weighting) margins(c *analysis.Cells, factors []Factor) (*analysis.Cells, [][]string, error) {
	out, margins := *c, [][]string(nil)
	out.Rows = slices.Clone(c.Rows)
	for _, m := range w.Calibration {
		for _, id := range m.Factors {
			if !slices.ContainsFunc(factors, func(f Factor) bool { return f.ID == id }) {
				return nil, nil, fmt.Errorf("%w: margin %q: %q is no factor of the plan; weigh again", surveys.ErrInvalid, m.Name(), id)
			}
		}
		if len(m.Merged) == 0 {
			margins = append(margins, m.Factors)
			continue
		}
		id := m.Name() + " (merged)"
		margins = append(margins, []string{id})
		m.addTo(&out, id, factors)
	}
	return &out, margins, nil
}

// addTo adds a factor to the cells whose levels are groups of levels of a margin.
func (m CalibratedMargin) addTo(c *analysis.Cells, id string, factors []Factor) {
	var places, sizes []int
	var crossed []Factor
	for _, f := range m.Factors {
		k := slices.IndexFunc(factors, func(o Factor) bool { return o.ID == f })
		places, sizes, crossed = append(places, k), append(sizes, len(factors[k].Levels)), append(crossed, factors[k])
	}
	codes := Crossing(crossed)
	group := make([]int, len(codes))
	f := analysis.Factor{ID: id}
	for g, levels := range m.Merged {
		var names []string
		for _, l := range levels {
			group[l] = g
			names = append(names, codes[l])
		}
		f.Levels = append(f.Levels, strings.Join(names, " + "))
	}
	c.Factors = append(slices.Clip(c.Factors), f)
	for i := range c.Rows {
		r := &c.Rows[i]
		level := 0
		for k, p := range places {
			if l := r.Levels[p]; l < 0 || level < 0 {
				level = -1
			} else {
				level = level*sizes[k] + l
			}
		}
		if level >= 0 {
			level = group[level]
		}
		r.Levels = append(slices.Clip(r.Levels), level)
	}
}

// Crossing lists the level codes of crossed factors, joined with "/", the last factor
// running fastest.
func Crossing(factors []Factor) []string {
	codes := []string{""}
	for i, f := range factors {
		var next []string
		for _, prefix := range codes {
			if i > 0 {
				prefix += "/"
			}
			for _, l := range f.Levels {
				next = append(next, prefix+l.Code)
			}
		}
		codes = next
	}
	return codes
}
