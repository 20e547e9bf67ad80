// Package live keeps the literacy rate of a wave, by area and group, while its fieldwork
// runs: it reads only what is new, and shows nothing about a single interview.
package live

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/surveys"
)

// Query says what to read of the records of a wave: the levels of the factors that are
// answers, in their order, beside the score.
type Query struct {
	Wave          string
	Questionnaire *surveys.Questionnaire
	Factors       []assess.Factor
}

// Record is a stored record of an interview with what its answers add up to. Only what
// surveys.Counting looks at is filled in of the response.
type Record struct {
	*surveys.Response
	// Score is NaN where the answers give none.
	Score  float64
	Levels []int
}

// Case is a drawn case as the fieldwork has it.
type Case struct {
	ID, Stratum, PSU, Area string
	// Weight is that of the draw times the eligible persons of the household.
	Weight  float64
	Columns map[string]string
	Class   fieldwork.Class
	State   fieldwork.State
	// Interviewed says that the case has an interview that stands, reviewed or not, and
	// Approved that it passed its reviews.
	Interviewed, Approved bool
}

// Records are where the records are stored.
type Records interface {
	// Places says how far the log of each node is stored.
	Places(ctx context.Context, wave string) (map[uint16]uint64, error)
	// Arrivals calls do for the records that stand in the log of their node after the places.
	Arrivals(ctx context.Context, q Query, after map[uint16]uint64, do func(Record) error) error
}

// Cases are where the fieldwork keeps the cases: Moved calls do for those that were drawn or
// have changed since the move after, in the order of their last change, and returns the
// number of the last move.
type Cases interface {
	Moved(ctx context.Context, wave string, after int64, do func(Case) error) (last int64, err error)
}

// Board keeps the figures of one wave. Its methods may be called from several goroutines.
type Board struct {
	query   Query // its factors are those of the plan, then the groups of its sets
	plan    *assess.Plan
	records Records
	cases   Cases

	mu      sync.Mutex
	fresh   time.Time // when what is new was last looked for
	now     func() time.Time
	every   time.Duration
	version int
	places  map[uint16]uint64
	all     []Record
	known   map[place]bool // of the records in all
	counts  map[string]int // by case: which of all counts
	ids     map[string]int // by submission: how many records
	move    int64
	people  []*person // the cases, by first appearance
	byCase  map[string]*person
	turn    [2]int // of the views
	figures map[asked]*Figures

	rules disclosure.Rules
	// step is how many further interviews a group has to have before its rate is computed anew.
	// Rates that moved with every interview would tell what a single person answered, to
	// whoever watches the page.
	step       int
	judgements [2]*judgement // of the views
	shown      map[string]*shown
	stays      []stay // those that have ended
	stamp      int
	scratch    []int
	psus       map[analysis.PSU]int
	areas      map[string]int // numbers of the areas of all people
	// levels and column are room for the samples that are estimated from, one after the other.
	levels [][]int
	column []int
}

// place is where a record stands.
type place struct {
	node uint16
	seq  uint64
}

// person is a case with its interview.
type person struct {
	Case
	// levels has one for each factor, -1 = missing; it is exchanged and not written over.
	levels []int
	// score is NaN without an interview that counts and gives one.
	score float64
	// turn is when the person came into the view of approved interviews, and of all; 0: is not in
	// it. as is what the rates know of the person since then.
	turn [2]int
	as   snapshot
	// row is the row in the sample that is at hand, and stamp marks people for comparing them.
	row, stamp int
	psu, area  int // numbers of theirs
}

// Every is how often a board looks for what is new, at most.
const Every = 2 * time.Second

// NewBoard returns a board for a wave, which reads nothing until it is asked.
func NewBoard(wave string, q *surveys.Questionnaire, plan *assess.Plan, records Records, cases Cases) *Board {
	factors := slices.Clone(plan.Factors)
	for i := range plan.Groups {
		factors = append(factors, plan.Groups[i].Factors()...)
	}
	b := &Board{query: Query{Wave: wave, Questionnaire: q, Factors: factors}, plan: plan, records: records, cases: cases, now: time.Now, every: Every,
		rules: plan.Rules(), shown: map[string]*shown{}, scratch: make([]int, len(factors)), psus: map[analysis.PSU]int{}, areas: map[string]int{}, levels: make([][]int, len(factors))}
	b.step = max(1, b.rules.MinDifference)
	b.reset()
	return b
}

// SetClock lets the board take the time from elsewhere, before it is first asked.
func (b *Board) SetClock(now func() time.Time) { b.now = now }

// reset forgets the records, not the cases.
func (b *Board) reset() {
	b.places, b.all, b.known = map[uint16]uint64{}, nil, map[place]bool{}
	b.counts, b.ids = map[string]int{}, map[string]int{}
	for _, p := range b.people {
		p.score = math.NaN()
	}
	if b.byCase == nil {
		b.byCase = map[string]*person{}
	}
	b.figures = map[asked]*Figures{}
}

// refresh reads what is new, unless that was done a moment ago.
func (b *Board) refresh(ctx context.Context) error {
	now := b.now()
	if now.Sub(b.fresh) < b.every {
		return nil
	}
	moved, err := b.readCases(ctx)
	if err != nil {
		return err
	}
	arrived, err := b.readRecords(ctx)
	if err != nil {
		return err
	}
	b.fresh = now
	if moved || arrived {
		b.version++
		b.figures = map[asked]*Figures{}
		b.admit()
	}
	return nil
}

// readCases reads the cases that changed, and says whether there are any.
func (b *Board) readCases(ctx context.Context) (any bool, err error) {
	last, err := b.cases.Moved(ctx, b.query.Wave, b.move, func(c Case) error {
		any = true
		p := b.byCase[c.ID]
		if p == nil {
			p = &person{score: math.NaN()}
			b.byCase[c.ID], b.people = p, append(b.people, p)
		}
		p.Case = c
		p.psu, p.area = b.psuNumber(c), b.areaNumber(c.Area)
		b.levelsOf(p)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read the cases of wave %q: %w", b.query.Wave, err)
	}
	b.move = last
	return any, nil
}

// psuNumber numbers the PSUs, which are compared often.
func (b *Board) psuNumber(c Case) int {
	u := analysis.PSU{Stratum: c.Stratum, Name: c.PSU}
	n, known := b.psus[u]
	if !known {
		n = len(b.psus) + 1
		b.psus[u] = n
	}
	return n
}

// areaNumber numbers the areas that people are in.
func (b *Board) areaNumber(code string) int {
	n, known := b.areas[code]
	if !known {
		n = len(b.areas)
		b.areas[code] = n
	}
	return n
}

// levelsOf finds the levels of a person: of the case's columns, and of the interview that
// counts.
func (b *Board) levelsOf(p *person) {
	r, has := b.counts[p.ID]
	answer := 0
	for i := range b.query.Factors {
		f := &b.query.Factors[i]
		if f.Sample != "" {
			b.scratch[i] = f.Level(p.Columns[f.Sample])
			continue
		}
		b.scratch[i] = -1
		if has {
			b.scratch[i] = b.all[r].Levels[answer]
		}
		answer++
	}
	if p.levels == nil || !slices.Equal(p.levels, b.scratch) {
		p.levels = slices.Clone(b.scratch)
	}
}

// readRecords reads the records that are new, and says whether there are any. When fewer are
// stored than before, the store was made anew, and all are read again.
func (b *Board) readRecords(ctx context.Context) (bool, error) {
	places, err := b.records.Places(ctx, b.query.Wave)
	if err != nil {
		return false, err
	}
	for node, seq := range b.places {
		if places[node] < seq {
			b.reset()
			break
		}
	}
	from := len(b.all)
	news := false
	for node, seq := range places {
		news = news || seq > b.places[node]
	}
	if !news {
		return false, nil
	}
	err = b.records.Arrivals(ctx, b.query, b.places, func(r Record) error {
		if at := (place{r.Node, r.Seq}); !b.known[at] {
			b.known[at] = true
			b.all = append(b.all, r)
		}
		return nil
	})
	if err != nil {
		b.reset() // half of them may have come
		return false, err
	}
	for _, r := range b.all[from:] {
		b.places[r.Node] = max(b.places[r.Node], r.Seq)
	}
	b.count(from)
	return true, nil
}

// count finds out which records count, given those from an index on are new. When a
// submission or a case is there already, the rule looks at all records.
func (b *Board) count(from int) {
	again, affected := false, b.people
	for i := from; i < len(b.all); i++ {
		r := b.all[i]
		_, taken := b.counts[r.Case]
		again = again || b.ids[r.ID] > 0 || taken
		b.ids[r.ID]++
		if !r.Partial && r.Case != "" {
			b.counts[r.Case] = i
		}
	}
	if again {
		b.recount()
	} else {
		affected = nil
		for _, r := range b.all[from:] {
			if p := b.byCase[r.Case]; p != nil {
				affected = append(affected, p)
			}
		}
	}
	for _, p := range affected {
		r, has := b.counts[p.ID]
		p.score = math.NaN()
		if has {
			p.score = b.all[r].Score
		}
		b.levelsOf(p)
	}
}

// recount applies the rule to all records.
func (b *Board) recount() {
	index := make(map[*surveys.Response]int, len(b.all))
	list := make([]*surveys.Response, len(b.all))
	for i, r := range b.all {
		list[i], index[r.Response] = r.Response, i
	}
	b.counts = map[string]int{}
	for _, r := range surveys.Counting(list) {
		if r.Case != "" {
			b.counts[r.Case] = index[r]
		}
	}
}

// View is whose interviews are counted.
type View int

// The views.
const (
	// Approved are the interviews that passed their reviews.
	Approved View = iota
	// All are also those that wait for their reviews, but not those that were sent back.
	All
)

// in says whether the person belongs to a view.
func (p *person) in(v View) bool {
	return !math.IsNaN(p.score) && p.Weight > 0 && p.Interviewed && (v == All || p.Approved)
}

// admit gives those who came into a view their turn, and takes it from those who left. Who
// comes at the same time has a turn by when the interview was received; whose answers were
// corrected leaves and comes again.
func (b *Board) admit() {
	for _, p := range b.people {
		if p.turn == [2]int{} {
			continue
		}
		same := p.as.same(p.snapshot())
		for v := Approved; v <= All; v++ {
			if p.turn[v] > 0 && !(same && p.in(v)) {
				b.stays = append(b.stays, stay{p, v, p.turn[v], b.version, p.as})
				p.turn[v] = 0
			}
		}
	}
	for v := Approved; v <= All; v++ {
		var came []*person
		for _, p := range b.people {
			if p.turn[v] == 0 && p.in(v) {
				came, p.as = append(came, p), p.snapshot()
			}
		}
		slices.SortFunc(came, func(x, y *person) int {
			r, s := b.all[b.counts[x.ID]], b.all[b.counts[y.ID]]
			return cmp.Or(r.Received.Compare(s.Received), cmp.Compare(x.ID, y.ID))
		})
		for _, p := range came {
			b.turn[v]++
			p.turn[v] = b.turn[v]
		}
	}
}
