package report

import (
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/internal/report/show"
)

// footnotes collects the notes of the estimates of one table: one remark for each
// kind of note, numbered in the order in which the kinds come up.
type footnotes struct {
	b *builder
	// keys are kinds of notes, or whole remarks.
	keys     []string
	subjects map[string][]string
	largest  map[string]float64 // value
	remarks  map[string]string
}

func (b *builder) newFootnotes() *footnotes {
	return &footnotes{b: b, subjects: map[string][]string{}, largest: map[string]float64{}, remarks: map[string]string{}}
}

// add takes the notes of one estimate and returns the numbers of their remarks.
func (f *footnotes) add(notes []analysis.Note) []int {
	var numbers []int
	for _, n := range notes {
		key := string(n.Code)
		number := f.number(key)
		f.largest[key] = max(f.largest[key], n.Value)
		for s := range strings.SplitSeq(n.Subject, ", ") {
			if s != "" && !slices.Contains(f.subjects[key], s) {
				f.subjects[key] = append(f.subjects[key], s)
			}
		}
		if !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// number is the number of a kind of note, a new one for a new kind.
func (f *footnotes) number(key string) int {
	i := slices.Index(f.keys, key)
	if i < 0 {
		i = len(f.keys)
		f.keys = append(f.keys, key)
	}
	return i + 1
}

// remark takes a whole remark and returns its number.
func (f *footnotes) remark(text string) int {
	f.remarks[text] = text
	return f.number(text)
}

// withheld returns the number of the remark on a withheld number, which does not tell why
// it needs protection.
func (f *footnotes) withheld(why Reason) int {
	if why == Unreliable {
		return f.remark(f.b.say("note.withheld.unreliable"))
	}
	return f.remark(f.b.say("note.withheld.protected"))
}

// text writes the remarks in order of their numbers.
func (f *footnotes) text() []string {
	var out []string
	s := f.b.results.Settings
	for _, key := range f.keys {
		if text, ok := f.remarks[key]; ok {
			out = append(out, text)
			continue
		}
		few := show.Count(s.FewRespondents)
		if key == string(analysis.FewPSUs) {
			few = trim(s.FewDF)
		}
		out = append(out, f.b.say(f.b.noteKey(key), "few", few, "limit", trim(s.LargeWeights), "subject", f.subject(key),
			"n", show.Number(f.largest[key], 0), "code", key))
	}
	return out
}

// noteKey is the key of the words for a note. One without words is said by its code, so
// that a fact about a number is never left out.
func (b *builder) noteKey(code string) string {
	if key := "note." + code; b.words[key] != "" {
		return key
	}
	return "note.other"
}

// manySubjects is how many subjects a remark names at most.
const manySubjects = 5

func (f *footnotes) subject(key string) string {
	all := f.subjects[key]
	comma := f.b.say("rule.comma")
	if len(all) > manySubjects {
		return f.b.say("note.lone-psu.more", "first", join(all[:manySubjects], comma), "n", show.Count(len(all)))
	}
	return join(all, comma)
}
