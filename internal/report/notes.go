package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// footnotes collects the notes of the estimates of one table: one remark for each
// kind of note, numbered in the order in which the kinds come up.
type footnotes struct {
	b        *builder
	codes    []analysis.NoteCode
	subjects map[analysis.NoteCode][]string
	largest  map[analysis.NoteCode]float64 // value
}

func (b *builder) newFootnotes() *footnotes {
	return &footnotes{b: b, subjects: map[analysis.NoteCode][]string{}, largest: map[analysis.NoteCode]float64{}}
}

// add takes the notes of one estimate and returns the numbers of their remarks.
func (f *footnotes) add(notes []analysis.Note) []string {
	var numbers []string
	for _, n := range notes {
		i := slices.Index(f.codes, n.Code)
		if i < 0 {
			i = len(f.codes)
			f.codes = append(f.codes, n.Code)
		}
		f.largest[n.Code] = max(f.largest[n.Code], n.Value)
		for s := range strings.SplitSeq(n.Subject, ", ") {
			if s != "" && !slices.Contains(f.subjects[n.Code], s) {
				f.subjects[n.Code] = append(f.subjects[n.Code], s)
			}
		}
		if number := strconv.Itoa(i + 1); !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// text writes the remarks in order of their numbers.
func (f *footnotes) text() []string {
	var out []string
	s := f.b.results.Settings
	for _, code := range f.codes {
		few := show.Count(s.FewRespondents)
		if code == analysis.FewPSUs {
			few = trim(s.FewDF)
		}
		out = append(out, f.b.say("note."+string(code), "few", few, "limit", trim(s.LargeWeights), "subject", f.subject(code),
			"n", show.Number(f.largest[code], 0)))
	}
	return out
}

// manySubjects is how many subjects a remark names at most.
const manySubjects = 5

func (f *footnotes) subject(code analysis.NoteCode) string {
	all := f.subjects[code]
	comma := f.b.say("rule.comma")
	if len(all) > manySubjects {
		return f.b.say("note.lone-psu.more", "first", join(all[:manySubjects], comma), "n", show.Count(len(all)))
	}
	return join(all, comma)
}
