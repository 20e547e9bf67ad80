package quality

import (
	"slices"

	"github.com/suyang-survey/suyang/surveys"
)

// flagRow is what is known of a flag whatever the wave.
type flagRow struct {
	flag Flag
	name surveys.Text
	// honest is the share of honest interviews, enumerators or waves that it strikes.
	honest float64
}

// flagRows are the flags in the order of Judge. The shares are those of the manual, which
// says how they were simulated; a test holds the two together.
var flagRows = []flagRow{
	{TooFast, both("答题过快", "too fast"), 0.0013},
	{StraightLine, both("一答到底", "straight line"), 0.0016},
	{NoAnswer, both("不作回答过多", "many items without an answer"), 0.0001},
	{Duplicate, both("答卷雷同", "like another interview"), 0},
	{FarAway, both("远离抽中地点", "far from the drawn place"), 0},
	{Night, both("夜间访问", "at night"), 0.0043},
	{PersonFit, both("知识题作答与难度不符", "knowledge out of the order of difficulty"), 0.0080},
	{EnumeratorApart, both("访问员与同地区他人不同", "enumerator unlike those beside"), 0.0003},
	{EnumeratorEffect, both("访问员效应过大", "effect of enumerators on the wave"), 0},
}

// Flags lists the flags in the order of Judge.
func Flags() []Flag {
	all := make([]Flag, len(flagRows))
	for i, r := range flagRows {
		all[i] = r.flag
	}
	return all
}

func (f Flag) row() flagRow {
	i := slices.IndexFunc(flagRows, func(r flagRow) bool { return r.flag == f })
	if i < 0 {
		return flagRow{flag: f, name: both(string(f), string(f))}
	}
	return flagRows[i]
}

// Name is the name of the flag in a table.
func (f Flag) Name() surveys.Text { return f.row().name }

// Honest is the share of honest interviews that the flag strikes by its default rule (of
// enumerators, and of waves and measures, for the flags about those), in the simulated
// waves with one booklet of which web/docs/reference/quality.md gives the table.
func (f Flag) Honest() float64 { return f.row().honest }

// Name is the name of the measure in a table.
func (m Measure) Name() surveys.Text { return measures[m] }

// Count is how often a flag was raised.
type Count struct {
	Flag                      Flag
	Flagged, Judged, Unjudged int
	// Expected is how many flags chance raises among as many honest interviews as were
	// judged.
	Expected float64
}

// Tally counts the findings, those of every flag apart, in the order of Judge.
func Tally(findings []Finding) []Count {
	list := make([]Count, len(flagRows))
	at := map[Flag]int{}
	for i, r := range flagRows {
		list[i].Flag, at[r.flag] = r.flag, i
	}
	for _, f := range findings {
		c := &list[at[f.Flag]]
		switch f.Outcome {
		case Flagged:
			c.Flagged++
			c.Judged++
		case Clear:
			c.Judged++
		default:
			c.Unjudged++
		}
	}
	for i := range list {
		list[i].Expected = list[i].Flag.Honest() * float64(list[i].Judged)
	}
	return list
}
