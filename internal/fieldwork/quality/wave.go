package quality

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/surveys"
)

// Interview is a finished interview with what the office knows about it. What is not known
// stays empty and is not judged.
type Interview struct {
	surveys.Interview
	Enumerator string
	// Area is where enumerators work side by side, such as a county: each is compared with
	// the others of the area, so that differences between areas are not blamed on them.
	Area string
	PSU  string
	// Visited is when an interview on paper was done: its own times are those of typing in.
	Visited time.Time
	Fix     Fix
	// Drawn is where the interview should be.
	Drawn Place
}

// The codes of an answer in a column. An answer that was given has firstCode or more.
const (
	unasked uint16 = iota
	blank
	dontKnow
	refused
	firstCode
)

// Wave is the interviews that are judged together, in about 1,200 bytes each for a
// questionnaire of 100 items.
type Wave struct {
	q      *surveys.Questionnaire
	items  []column
	at     map[string]int // of an item in items
	blocks []block
	scored []int // of the scored items in items
	texts  map[surveys.Lang]*lengths

	rows  []row
	codes []uint16 // by interview, then item
	right []bool   // by interview, then scored item
	pages []page   // of all interviews, one after the other
	ids   map[string]struct{}
	names map[string]string // one copy of each enumerator, PSU, area, booklet
}

// column is an item that people answer, outside rosters.
type column struct {
	def     *surveys.Item
	section int
	grid    *surveys.Item // that it is a row of
}

// block is a run of items with the same scale.
type block struct{ first, end int }

// row is an interview.
type row struct {
	id, caseID, enumerator, area, psu, booklet string
	mode                                       surveys.Mode
	lang                                       surveys.Lang
	started, finished, visited                 time.Time
	pages                                      [2]int // in Wave.pages
	fix                                        Fix
	drawn                                      Place
}

// pageID is where a page begins: the section and the item in it.
type pageID struct{ section, item int }

// page is a page as it was shown in an interview.
type page struct {
	at     pageID
	length float64 // what was shown, in characters or words
	millis float64
}

// New makes an empty wave of a questionnaire.
func New(q *surveys.Questionnaire) *Wave {
	w := &Wave{q: q, at: map[string]int{}, ids: map[string]struct{}{},
		names: map[string]string{}, texts: map[surveys.Lang]*lengths{}}
	for s := range q.Sections {
		w.addSection(s)
	}
	w.blocks = findBlocks(w.items)
	return w
}

// addSection takes over the items of a section that people answer.
func (w *Wave) addSection(s int) {
	sec := &w.q.Sections[s]
	var grid *surveys.Item
	for i := range sec.Items {
		it := &sec.Items[i]
		switch {
		case it.Type == surveys.Grid:
			grid = it
		case it.Row == "":
			grid = nil
		}
		if !it.Type.Answered() || it.Type == surveys.Calculate {
			continue
		}
		k := len(w.items)
		w.items = append(w.items, column{def: it, section: s, grid: grid})
		w.at[it.ID] = k
		if it.Dimension != "" && len(it.Key) > 0 && it.Type == surveys.Single {
			w.scored = append(w.scored, k)
		}
	}
}

// findBlocks finds the grids, and the runs of likert items of a section that have the same
// options.
func findBlocks(items []column) (blocks []block) {
	joins := func(a, b column) bool {
		if a.section != b.section || a.grid != b.grid || !a.def.Type.OneOf() || !b.def.Type.OneOf() {
			return false
		}
		return a.grid != nil || a.def.Type == surveys.Likert && b.def.Type == surveys.Likert &&
			slices.EqualFunc(a.def.Options, b.def.Options, func(x, y surveys.Option) bool { return x.Code == y.Code })
	}
	for k := 0; k < len(items); {
		end := k + 1
		for end < len(items) && joins(items[k], items[end]) {
			end++
		}
		if end > k+1 {
			blocks = append(blocks, block{k, end})
		}
		k = end
	}
	return blocks
}

// Len is the number of interviews.
func (w *Wave) Len() int { return len(w.rows) }

// Add puts an interview into the wave. It refuses, with an error that wraps
// surveys.ErrInvalid, an interview without an ID, one that was broken off, and one of
// another questionnaire; and with surveys.ErrConflict one that is there already, since it
// would be its own duplicate. Answers to items that the questionnaire does not have are
// left aside.
func (w *Wave) Add(iv Interview) error {
	switch _, there := w.ids[iv.ID]; {
	case iv.ID == "":
		return fmt.Errorf("quality: an interview without an ID: %w; give it the one it was accepted under", surveys.ErrInvalid)
	case there:
		return fmt.Errorf("quality: interview %s: %w: it is in the wave already; add its last revision only", iv.ID, surveys.ErrConflict)
	case iv.Partial:
		return fmt.Errorf("quality: interview %s: %w: it was broken off; only finished interviews are judged", iv.ID, surveys.ErrInvalid)
	case iv.Survey != "" && iv.Survey != w.q.ID:
		return fmt.Errorf("quality: interview %s: %w: it answers questionnaire %q and the wave %q; make a wave for each", iv.ID, surveys.ErrInvalid, iv.Survey, w.q.ID)
	}
	w.ids[iv.ID] = struct{}{}
	first := len(w.codes)
	for k := range w.items {
		values, asked := iv.Answers[w.items[k].def.ID]
		w.codes = append(w.codes, encode(w.items[k].def, values, asked))
	}
	for _, k := range w.scored {
		w.right = append(w.right, slices.Contains(w.items[k].def.Key, iv.Answers.First(w.items[k].def.ID)))
	}
	from := len(w.pages)
	w.pages = w.shown(w.pages, iv, w.codes[first:])
	w.rows = append(w.rows, row{id: iv.ID, caseID: iv.Case, enumerator: w.name(iv.Enumerator), area: w.name(iv.Area), psu: w.name(iv.PSU),
		booklet: w.name(iv.Booklet), mode: iv.Mode, lang: iv.Lang, started: iv.Started, finished: iv.Finished, visited: iv.Visited,
		pages: [2]int{from, len(w.pages)}, fix: iv.Fix, drawn: iv.Drawn})
	return nil
}

// name returns the one copy of a name, so that a wave does not hold on to the interviews.
func (w *Wave) name(s string) string {
	if _, ok := w.names[s]; !ok {
		w.names[s] = strings.Clone(s)
	}
	return w.names[s]
}

// answers are the codes of an interview.
func (w *Wave) answers(i int) []uint16 { return w.codes[i*len(w.items) : (i+1)*len(w.items)] }

// marks are the right answers of an interview, by scored item.
func (w *Wave) marks(i int) []bool { return w.right[i*len(w.scored) : (i+1)*len(w.scored)] }

// finding begins a finding about an interview.
func (w *Wave) finding(f Flag, i int) Finding {
	return Finding{Flag: f, Interview: w.rows[i].id, Case: w.rows[i].caseID, Enumerator: w.rows[i].enumerator}
}

// encode gives an answer its code. Answers that are one of the item's own options have
// codes of their own; other values are hashed, so that two different ones get the same
// code once in 65,000.
func encode(it *surveys.Item, values []string, asked bool) uint16 {
	switch {
	case !asked:
		return unasked
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return blank
	case len(values) == 1 && values[0] == surveys.DontKnow:
		return dontKnow
	case len(values) == 1 && values[0] == surveys.Refused:
		return refused
	}
	if it.Type.OneOf() && len(values) == 1 && it.From == "" {
		if o := slices.IndexFunc(it.Options, func(o surveys.Option) bool { return o.Code == values[0] }); o >= 0 {
			return firstCode + uint16(o)
		}
	}
	h := fnv.New64a()
	for _, v := range values {
		h.Write([]byte(v))
		h.Write([]byte{0})
	}
	const hashed = 1<<16 - 1024 // above the options' own codes
	return 1024 + uint16(h.Sum64()%hashed)
}

// judge makes the finding of an interview whose value is beyond the threshold or not.
func (f Finding) judge(value, threshold float64, flagged bool, n int) Finding {
	f.Value, f.Threshold, f.N, f.Outcome = value, threshold, n, Clear
	if flagged {
		f.Outcome = Flagged
	}
	return f
}

// cannot makes the finding of what could not be judged.
func (f Finding) cannot(why Why, n int) Finding {
	f.Outcome, f.Why, f.N = Unjudged, why, n
	return f
}
