// Package assess is where surveys and statistics meet: from responses, sample and
// plan to every number of a report.
package assess

import (
	"context"
	"math"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Plan says what to compute for a wave: the factors people are classified by, the
// tables, and what the method box must state. It is read from plan.yaml beside the
// questionnaire.
type Plan struct {
	Title   surveys.Text `yaml:"title"`
	Factors []Factor     `yaml:"factors"`
	// Tables lists the factors that get a table and a chart, in order.
	Tables []string `yaml:"tables"`
	// Series is a factor whose levels stand side by side in every table, such as the
	// year; empty for a single wave.
	Series string `yaml:"series,omitempty"`
	// Groups are sets of groups that may overlap; each gets a table.
	Groups []GroupSet `yaml:"groups,omitempty"`
	// Crossings are pairs of factors of which the rate is shown by both at once.
	Crossings [][]string `yaml:"crossings,omitempty"`
	// Topics are the parts on questions that are not scored, in order.
	Topics []Topic `yaml:"topics,omitempty"`
	// Area is what the wave is a survey of, and Compare lists the published rates that the
	// report shows beside its own.
	Area    Area         `yaml:"area,omitempty"`
	Compare []Comparison `yaml:"compare,omitempty"`
	Method  Method       `yaml:"method"`
	// Disclosure has the rules on what is published of few people; nil means the built-in ones.
	Disclosure *Disclosure `yaml:"disclosure,omitempty" json:",omitempty"`
	// Simulated says that the respondents were made by a computer; every report says so.
	Simulated bool `yaml:"simulated,omitempty"`
}

// Factor classifies people by an answer or by a column of the sample file.
type Factor struct {
	ID    string       `yaml:"id"`
	Title surveys.Text `yaml:"title"`
	// Answer is the item, Sample the sample column, whichever is set. With neither, every
	// level has a condition.
	Answer string `yaml:"answer,omitempty"`
	Sample string `yaml:"sample,omitempty"`
	// Version says which definition of the levels it is, and Source where that is from, such as
	// of regions that cities are put together to; the report says both. Empty where the
	// question itself says what the levels are.
	Version string       `yaml:"version,omitempty" json:",omitempty"`
	Source  surveys.Text `yaml:"source,omitempty" json:",omitempty"`
	Levels  []Level      `yaml:"levels"`
	// ByScore is set for the factor that tells those who reach the criterion from those
	// who do not. No plan has it; topics are told apart by it.
	ByScore bool `yaml:"-" json:"-"`
}

// Level is one class of a factor: either a list of values or a range of numbers
// Min <= x < Below.
type Level struct {
	Code   string       `yaml:"code"`
	Name   surveys.Text `yaml:"name"`
	Values []string     `yaml:"values,omitempty"`
	Min    *float64     `yaml:"min,omitempty"`
	Below  *float64     `yaml:"below,omitempty"`
	// When is a condition on the answers, in place of values or a range. The first level
	// whose condition holds is the person's. A condition that a missing answer leaves open
	// ends the search: the person has no level.
	When string `yaml:"when,omitempty"`
	// Tile is the column and the row of a place in a grid of squares, and Short the name
	// that fits there.
	Tile  []int        `yaml:"tile,flow,omitempty"`
	Short surveys.Text `yaml:"short,omitempty"`
}

// Method is the text of the method box.
type Method struct {
	Population surveys.Text `yaml:"population"`
	Design     surveys.Text `yaml:"design"`
	Fieldwork  surveys.Text `yaml:"fieldwork"`
	Weighting  surveys.Text `yaml:"weighting"`
	Source     surveys.Text `yaml:"source,omitempty"`
	Caution    surveys.Text `yaml:"caution,omitempty"`
}

// Query asks a source for the responses of one wave.
type Query struct {
	Wave          string
	Questionnaire *surveys.Questionnaire
	Factors       []Factor
	// Weights names a stored set of weights, "name" for the latest version of it or
	// "name@2" for a certain one; empty means the base weights of the sample.
	Weights string
	// Unweighted is how many cases with an interview have no weight in the set, as its record
	// says.
	Unweighted int
	// Items asks for each scored item's right answers as variables too, Shares for those of
	// unscored questions.
	Items  bool
	Shares []Share
	// Columns are the columns of the sample file that Units lists.
	Columns []string
}

// Summed are the cells of cubes, and how many cases were drawn, with a weight, and how many of
// them responded, whether or not they have a weight in the set asked for.
type Summed struct {
	Cells            []*analysis.Cells
	Drawn, Responded int
}

// Cube says which variables are summed by which factors of a query, both by name.
type Cube struct{ Factors, Variables []string }

// The variables of the cells, beside one "dim:<id>" for each dimension's points and
// one "item:<id>" for each scored item (1 right, 0 wrong).
const (
	VarScore    = "score"
	VarLiterate = "literate"
	// One "level:<id>" for each level of the criterion: 1 when the score reaches its cut.
	prefixDimension = "dim:"
	prefixItem      = "item:"
	prefixLevel     = "level:"
)

// AskedOfPart is the note on an item's result when booklets ask the item of a part of the
// people only; Value is that part. The result is that of the people asked, whom chance
// chose, so it is estimated like one of everybody, with a smaller n.
const AskedOfPart analysis.NoteCode = "asked-of-part"

// StaleWeights is the note that Value cases have a weight in the set Subject but do not
// count any more, as when an interview was rejected after the weighing. Nobody makes up
// for them until the wave is weighed again.
const StaleWeights analysis.NoteCode = "stale-weights"

// LateCases is the note that Value cases count, but have no weight in the set Subject, as
// when their interview was approved after the weighing. They are in no estimate until the
// wave is weighed again.
const LateCases analysis.NoteCode = "late-cases"

// StaleNotes are the notes of a set of weights of which gone cases do not count any more,
// while late ones count without a weight, as far as there are any.
func StaleNotes(weights string, gone, late int) (notes []analysis.Note) {
	if gone > 0 {
		notes = append(notes, analysis.Note{Code: StaleWeights, Subject: weights, Value: float64(gone)})
	}
	if late > 0 {
		notes = append(notes, analysis.Note{Code: LateCases, Subject: weights, Value: float64(late)})
	}
	return notes
}

// Unit is one drawn case as weighting needs it.
type Unit struct {
	Case, Stratum, PSU string
	// Base is the weight of the sample: that of the household where a person was selected
	// in it.
	Base float64
	// Class has the letters of the final disposition, as fieldwork.Class writes them, and
	// Eligible the number of eligible persons of the household of whom one was selected, 0
	// where nobody was. The class is empty where the fieldwork says nothing of the case, as
	// of all cases of a wave without standings.
	Class    string
	Eligible int
	// Responded says that there is a response and that it counts, Score what its answers add up to. It is
	// NaN without a response, and when the interview ended early because the person does
	// not belong to the population.
	Responded bool
	Score     float64
	// Levels has one for each factor of the query, -1 = missing, as all answers are of
	// who did not respond; Columns the values of the sample columns asked for.
	Levels  []int
	Columns []string
}

// Scored says whether the answers of the unit give a score.
func (u Unit) Scored() bool { return !math.IsNaN(u.Score) }

// Source is where the responses are. Both the ClickHouse store and columns in
// memory satisfy it, and give equal cells. Where the fieldwork says what it knows of the
// cases of a wave, only the responses of cases that count are responses.
type Source interface {
	// Cells sums the responses of a wave, with every PSU of its sample. The base weight is
	// that of the sample times the eligible persons of the household, since one of them was
	// selected with equal chances (Kish 1949). A note says when cases that have a weight in
	// the set asked for do not count any more.
	Cells(ctx context.Context, q Query) (*analysis.Cells, error)
	// Cubes are the same as several cells, each of some of the variables by some of the
	// factors, in the order asked for. People are classified and scored once for all of them.
	Cubes(ctx context.Context, q Query, cubes []Cube) (*Summed, error)
	// Units lists the cases of a wave that have a base weight, whether or not they
	// responded, by case.
	Units(ctx context.Context, q Query) ([]Unit, error)
	// Fieldwork counts what came of the cases of a wave; nil where the fieldwork has said
	// nothing.
	Fieldwork(ctx context.Context, wave string) (*Fieldwork, error)
}

// Fieldwork has the drawn cases by what came of them, as they are and with their base weights.
type Fieldwork struct{ Cases, Weighted fieldwork.Counts }

// Add counts cases of a class, given by its letters, with the sum of their weights. Letters
// that are none count as of unknown eligibility, as cases that nobody knows of.
func (f *Fieldwork) Add(class string, cases int, weight float64) {
	k, known := fieldwork.ParseClass(class)
	if !known {
		k = fieldwork.ClassUH
	}
	f.Cases.Add(k, float64(cases))
	f.Weighted.Add(k, weight)
}

// Results is every number of a report, ready to be written down.
type Results struct {
	// Fieldwork is what came of the drawn cases, nil when the fieldwork has said nothing.
	Fieldwork *Fieldwork `json:",omitempty"`
	// Year is that of the last day of the planned fieldwork, 0 when none was planned.
	Year          int `json:",omitempty"`
	Wave          string
	Plan          *Plan
	Questionnaire *surveys.Questionnaire
	Settings      analysis.Settings
	Drawn         int
	Responded     int
	Strata, PSUs  int
	// Weighting is the record of the weights used; nil = base weights.
	Weighting *Weighting
	// Variance is what standard errors are made from, with the number of replicates
	// there are.
	Variance Variance
	// Calibrated says that standard errors count the last calibration of the weights:
	// they are those of the residuals on its margins, or it was repeated in every
	// replicate. Otherwise the weights are taken as given.
	Calibrated bool
	// SeriesLevels are the levels of Plan.Series that have respondents, or one nameless
	// level.
	SeriesLevels []Level
	// Headline holds the literacy rate, one row for each series level.
	Headline []Row
	Score    []Row // mean total score
	// Levels holds the share of people who reach each level of the criterion, from
	// the highest down; a higher level counts in every lower one.
	Levels []Group
	// Bands holds the share of people whose highest level it is, and last of those
	// who reach none; they add up to one.
	Bands  []Group
	Tables []Table
	// Dimensions holds mean points, Items the share of right answers.
	Dimensions []Group
	Items      []Group
	Crossings  []CrossTable
	Topics     []TopicResult
	// References are the published rates that the report shows beside the wave's, in the
	// order of area and year, and Changes how the wave stands to those it is compared with.
	References []Reference
	Changes    []Change
	Targets    []Attainment
	// Elsewhere are the targets of areas and groups that have no rate here, such as one whose
	// code is mistyped.
	Elsewhere []Target `json:",omitempty"`
}

// Assumption is something the weights rest on that nobody counted. The report says
// it in words.
type Assumption struct {
	Code AssumptionCode
	// Subject is what it is about, such as a margin, or a level of a factor written
	// "factor=level"; may be empty.
	Subject string
	// With is the margin that Subject was made to agree with; may be empty.
	With string `json:",omitempty"`
	// Value is the number in it; 0 if none.
	Value float64
	// Source says where the value is from; empty if the program supposes it.
	Source string `json:",omitempty"`
}

// AssumptionCode says what kind of assumption it is.
type AssumptionCode string

// Row is one estimate.
type Row struct {
	Estimate analysis.Estimate
	// People are those of the estimate, for disclosure control alone: what they tell beyond the
	// estimate is not for readers, so that no export has it. Rows that are never withheld by
	// themselves have none.
	People analysis.People `json:"-"`
	// Truth is the true value where a simulation knows it.
	Truth *float64
}

// Group is something with a name and one row for each series level.
type Group struct {
	Code string
	Name surveys.Text
	// Max is the highest possible value, for dimensions; 1 for shares.
	Max  float64
	Rows []Row
}

// Table is the literacy rate and the mean score by one factor, or by a set of groups that
// may overlap.
type Table struct {
	// Factor says what the groups are; of a set of groups it has the ID and title, and a
	// level for each group.
	Factor Factor
	// Set is the set of groups, nil for a factor.
	Set    *GroupSet `json:",omitempty"`
	Groups []Group
	// Scores are the mean total scores of the same groups, in the same order.
	Scores []Group
	// Separation says which of the groups differ; nil where there is a single group.
	Separation *Separation `json:",omitempty"`
}
