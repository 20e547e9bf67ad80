package assess

import (
	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/surveys"
)

// GroupSet is a list of groups of people that may overlap, such as the key groups of a
// national plan, each with a condition.
type GroupSet struct {
	ID    string       `yaml:"id"`
	Title surveys.Text `yaml:"title"`
	// Version says which definition it is, such as "2021-2035"; it is printed with the
	// table.
	Version string       `yaml:"version"`
	Source  surveys.Text `yaml:"source,omitempty"`
	Groups  []KeyGroup   `yaml:"groups"`
}

// KeyGroup is one group of a set. When is a condition on the answers in the language of
// the questionnaire's own conditions.
type KeyGroup struct {
	Code string       `yaml:"code"`
	Name surveys.Text `yaml:"name"`
	When string       `yaml:"when"`
}

// Topic is a part of the report on questions that are not scored, such as interest or
// channels.
type Topic struct {
	ID    string       `yaml:"id"`
	Title surveys.Text `yaml:"title"`
	// Items are the questions, in order.
	Items []string `yaml:"items"`
	// Options are the answers whose share together is shown for each item, with Name for
	// what they mean together, such as very or fairly interested. Without them the share
	// of each option of each item is shown.
	Options []string     `yaml:"options,omitempty"`
	Name    surveys.Text `yaml:"name,omitempty"`
	// Without are answers whose givers are left out of the shares, such as dk. Who was not
	// asked, gave no answer, or has no score is in none.
	Without []string `yaml:"without,omitempty"`
	// First takes a ranking's first choice only. Of a single choice among the answers to
	// another question it takes that, and where one answer was given there, and so nothing
	// was left to choose, this one.
	First bool `yaml:"first,omitempty"`
	// Base says of whom the shares are; empty means of everybody with a score who answered.
	Base surveys.Text `yaml:"base,omitempty"`
	// By is a factor whose levels stand side by side, or "literate"; may be empty.
	By string `yaml:"by,omitempty"`
}

// Area is a place that rates are of, by its code in GB/T 2260; NationCode is the nation.
type Area struct {
	Code string       `yaml:"code"`
	Name surveys.Text `yaml:"name"`
}

// NationCode stands for the whole nation.
const NationCode = "000000"

// Comparison names an area and the years of its published rates to compare with; without
// years all that there are.
type Comparison struct {
	Code  string       `yaml:"code"`
	Name  surveys.Text `yaml:"name"`
	Years []int        `yaml:"years,flow,omitempty"`
}

// TopicResult has the shares of a topic. Code of a group is the item, and with options of
// single items the option behind a slash, such as "C01/3".
type TopicResult struct {
	Topic  Topic
	Groups []Group
	// By has for each group the rows of each level of Topic.By, in the order of Levels.
	Levels []Level   `json:",omitempty"`
	By     [][][]Row `json:",omitempty"`
}

// CrossTable is the literacy rate by two factors at once. Cells has one list of rows of the
// series for each level of Rows and of Columns.
type CrossTable struct {
	Rows, Columns Factor
	Cells         [][][]Row
}

// Contrast is the difference of two groups of a table, A less B. B is empty where A is
// compared with everybody else in the table.
type Contrast struct {
	A, B       string
	Difference analysis.Estimate
	// P is the probability of a difference at least as large where there is none, with the error
	// of the exact interval for a group whose respondents are all alike; Adjusted is P after Holm's correction for all contrasts of its family: the pairs of a table, or
	// its groups against the others.
	P, Adjusted float64
}

// Significant says whether the groups differ at the level of the report.
func (c Contrast) Significant(level float64) bool { return c.Adjusted < 1-level }

// Separation says which groups of a table can be told apart, in the last level of the
// series.
type Separation struct {
	// Pairs are the contrasts of all pairs of groups, Others of each group with all others.
	Pairs, Others []Contrast
	// Letters has for each group, by code, the letters of the groups it cannot be separated
	// from: two that share a letter do not differ significantly (Piepho 2004).
	Letters map[string]string
	// Ranks are for each group, by code, the ranks that the pairs leave possible, from 1 for
	// the highest rate (Klein, Wright and Wieczorek 2020).
	Ranks map[string]Ranks
}

// Ranks are the best and the worst rank that a group can have.
type Ranks = analysis.RankSet

// Reference is a published rate to compare with: of an earlier wave, the nation, or a
// province.
type Reference struct {
	Area, Code string
	// Name is that of the area as the plan calls it, in every language.
	Name surveys.Text
	Year int
	// Rate is a share. SE is NaN where none was published, N 0.
	Rate, SE float64
	N        int
	// Criterion is the rule under which it was measured; a rate under another rule than that
	// of the wave cannot be compared.
	Criterion string
	// Survey says whether it is of the national survey or the area's own.
	Survey string
	// Source says where it is from, and Note what else is to be known of it, each in every
	// language of reports; nil where there is nothing to say.
	Source, Note surveys.Text
	// Grade says how good the sources are, Certainty whether it was published, derived or is
	// unverified.
	Grade, Certainty string
}

// Change is the difference between the rate of the wave and a reference.
type Change struct {
	Reference Reference
	// Comparable says that both rates follow the same criterion. Without it there is no
	// Difference.
	Comparable bool
	// Difference has the error of the reference too, if that was published; otherwise a note
	// says that it has not.
	Difference analysis.Estimate
	P          float64
}

// Target is a rate that an area is to reach.
type Target struct {
	Area string       `yaml:"area" json:"area"`
	Code string       `yaml:"code" json:"code"`
	Year int          `yaml:"year" json:"year"`
	Rate float64      `yaml:"rate" json:"rate"`
	Name surveys.Text `yaml:"name" json:"name"`
	// Above says that the rate must be above, not at least, the target.
	Above  bool   `yaml:"above,omitempty" json:"above,omitempty"`
	Source string `yaml:"source,omitempty" json:"source,omitempty"`
}

// Attainment says how a rate stands to a target.
type Attainment struct {
	Target   Target
	Estimate analysis.Estimate
	Verdict  Verdict
	// P is the one-sided p of the opposite of the verdict: of a rate as far beyond the target
	// by chance, on its side. Adjusted is P after Holm's correction for all targets that were
	// tested. Both are NaN where there is nothing to test with. Sure is 1 − P, from 0.5 to 1.
	P, Adjusted, Sure float64
}

// Verdict says whether a target is reached.
type Verdict string

// The verdicts. Only the first and the last are sure: P after the correction is below one minus
// the level of the report.
const (
	Attained       Verdict = "attained"
	LikelyAttained Verdict = "likely-attained"
	LikelyMissed   Verdict = "likely-missed"
	Missed         Verdict = "missed"
	// Unknown is the verdict where nobody was interviewed.
	Unknown Verdict = "unknown"
)
