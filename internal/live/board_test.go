package live_test

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/suyang-survey/suyang/analysis"
	"github.com/suyang-survey/suyang/analysis/disclosure"
	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/library"
	"github.com/suyang-survey/suyang/surveys/score"
)

// The built-in rules.
var (
	step  = disclosure.DefaultRules().MinDifference
	least = disclosure.DefaultRules().MinN
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// field is a survey in which interviews arrive, are reviewed, sent back and corrected.
type field struct {
	t       *testing.T
	rng     *rand.Rand
	q       *surveys.Questionnaire
	plan    *assess.Plan
	scorer  *score.Scorer
	cases   []live.Case
	moves   []int64 // by case
	move    int64
	records []surveys.Response
	now     time.Time
	asked   int // how often records were asked for
}

func begin(t *testing.T, cases int, seed uint64) *field {
	t.Helper()
	q, err := library.Read("civic-literacy")
	if err != nil {
		t.Fatal(err)
	}
	src, err := fs.ReadFile(library.FS, "civic-literacy/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := assess.ReadPlan("plan.yaml", src, q)
	if err != nil {
		t.Fatal(err)
	}
	f := &field{t: t, rng: rand.New(rand.NewPCG(seed, 1)), q: q, plan: plan, now: noon}
	if f.scorer, err = score.New(q); err != nil {
		t.Fatal(err)
	}
	cities := plan.Factor("city").Levels
	for i := range cases {
		psu := i / 12
		city := cities[psu%3].Code
		f.cases = append(f.cases, live.Case{
			ID: fmt.Sprintf("c%04d", i), Stratum: fmt.Sprintf("s%d", psu%3), PSU: fmt.Sprintf("p%03d", psu), Area: city[:4] + fmt.Sprintf("%02d", 2+psu%2),
			Weight: 50 + 100*f.rng.Float64(), Columns: map[string]string{"city": city, "class": []string{"urban", "rural"}[psu%2]},
			Class: fieldwork.ClassUH,
		})
		f.move++
		f.moves = append(f.moves, f.move)
	}
	return f
}

func (f *field) board() *live.Board {
	b := live.NewBoard("w", f.q, f.plan, f, f)
	b.SetClock(func() time.Time { return f.now })
	return b
}

// change lets something happen to a case.
func (f *field) change(i int, do func(*live.Case)) {
	do(&f.cases[i])
	f.move++
	f.moves[i] = f.move
}

// interview lets an interview of a case arrive; submission and revision tell whether it is
// another one.
func (f *field) interview(i int, submission string, revision uint32) {
	f.now = f.now.Add(time.Second)
	node := uint16(1 + f.rng.IntN(2))
	seq := uint64(1)
	for _, r := range f.records {
		if r.Node == node {
			seq = max(seq, r.Seq+1)
		}
	}
	ability := f.rng.Float64()
	a := surveys.Answers{"sex": {fmt.Sprint(1 + f.rng.IntN(2))}, "age": {fmt.Sprint(18 + f.rng.IntN(52))},
		"education": {[]string{"primary", "junior", "senior", "college", "bachelor"}[f.rng.IntN(5)]}}
	for it := range f.q.Items {
		if len(it.Key) > 0 && f.rng.Float64() < ability {
			a[it.ID] = it.Key[:1]
		} else if len(it.Key) > 0 {
			a[it.ID] = []string{surveys.DontKnow}
		}
	}
	f.records = append(f.records, surveys.Response{Node: node, Seq: seq, Received: f.now, Interview: surveys.Interview{
		ID: submission, Revision: revision, Wave: "w", Case: f.cases[i].ID, Finished: f.now, Answers: a}})
	f.change(i, func(c *live.Case) {
		c.Interviewed, c.Class, c.State = true, fieldwork.ClassI, fieldwork.Submitted
	})
}

// Moved is that of live.Cases.
func (f *field) Moved(_ context.Context, _ string, after int64, do func(live.Case) error) (int64, error) {
	var order []int
	for i, m := range f.moves {
		if m > after {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(f.moves[a], f.moves[b]) })
	for _, i := range order {
		if err := do(f.cases[i]); err != nil {
			return after, err
		}
	}
	return f.move, nil
}

// Places is that of live.Records.
func (f *field) Places(context.Context, string) (map[uint16]uint64, error) {
	places := map[uint16]uint64{}
	for _, r := range f.records {
		places[r.Node] = max(places[r.Node], r.Seq)
	}
	return places, nil
}

// Arrivals is that of live.Records, and gives every third record twice.
func (f *field) Arrivals(_ context.Context, q live.Query, after map[uint16]uint64, do func(live.Record) error) error {
	f.asked++
	for i := range f.records {
		r := f.records[i]
		if r.Seq <= after[r.Node] {
			continue
		}
		rec := live.Record{Response: &r, Score: math.NaN()}
		if result, ok := f.scorer.Score(r.Answers); ok {
			rec.Score = result.Total
		}
		for k := range q.Factors {
			switch fac := &q.Factors[k]; {
			case fac.Sample != "":
			case fac.Conditional(): // only the elderly can be told, of 60 years and more
				level := -1
				if strings.HasSuffix(fac.ID, ":elderly") {
					level = 1
					if r.Answers.First("age") >= "60" {
						level = 0
					}
				}
				rec.Levels = append(rec.Levels, level)
			default:
				rec.Levels = append(rec.Levels, fac.Level(r.Answers.First(fac.Answer)))
			}
		}
		for range 1 + (i+2)%3/2 {
			if err := do(rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// live reads the figures after a while.
func (f *field) figures(b *live.Board, view live.View, area string) *live.Figures {
	f.t.Helper()
	f.now = f.now.Add(live.Every)
	got, err := b.Figures(f.t.Context(), view, area)
	if err != nil {
		f.t.Fatal(err)
	}
	return got
}

// approve lets an interview pass its reviews.
func approve(c *live.Case) { c.Approved, c.State = true, fieldwork.Approved }

// The rate, its error and its interval are those that package assess computes from the same
// people, with every PSU of the draw.
func TestFiguresAreThoseOfTheReport(t *testing.T) {
	f := begin(t, 600, 1)
	for i := range 400 {
		f.interview(i, fmt.Sprintf("i%d", i), 1)
		if i%4 > 0 {
			f.change(i, approve)
		}
	}
	b := f.board()
	for _, view := range []live.View{live.Approved, live.All} {
		got := f.figures(b, view, "")
		if got.Everybody.N != map[live.View]int{live.Approved: 300, live.All: 400}[view] {
			t.Fatalf("view %d: %d interviews", view, got.Everybody.N)
		}
		same(t, "everybody", got.Everybody.Estimate, f.reported(b.Shown(view, "", "", "")))
		for k, table := range got.Tables {
			for _, g := range table.Groups {
				cases := b.Shown(view, "", table.Factor.ID, g.Level.Code)
				if len(cases) != g.N/step*step {
					t.Errorf("table %d: %d of %d interviews are in the rate", k, len(cases), g.N)
				}
				if len(cases) > 0 {
					same(t, table.Factor.ID+" "+g.Level.Code, g.Estimate, f.reported(cases))
				}
			}
		}
	}
}

// reported is the headline of a report on these cases alone, as a domain of the sample.
func (f *field) reported(cases []string) analysis.Estimate {
	f.t.Helper()
	m := &assess.Memory{Wave: "w"}
	for _, c := range f.cases {
		m.Cases = append(m.Cases, fieldwork.Case{ID: c.ID, Stratum: c.Stratum, PSU: c.PSU, Weight: c.Weight, Columns: c.Columns})
	}
	for _, r := range f.records {
		if slices.Contains(cases, r.Case) {
			m.Responses = append(m.Responses, r)
		}
	}
	r, err := assess.Assess(f.t.Context(), m, f.q, f.plan, assess.Options{Wave: "w"})
	if err != nil {
		f.t.Fatal(err)
	}
	return r.Headline[0].Estimate
}

func same(t *testing.T, what string, got, want analysis.Estimate) {
	t.Helper()
	for _, p := range []struct {
		name      string
		got, want float64
	}{{"rate", got.Value, want.Value}, {"SE", got.SE, want.SE}, {"low end", got.Lo, want.Lo}, {"high end", got.Hi, want.Hi}, {"df", got.DF, want.DF}, {"deff", got.DEff, want.DEff}} {
		// The sums are those of the same numbers in another order.
		if !(math.Abs(p.got-p.want) <= 1e-9*math.Max(1, math.Abs(p.want))) && !(math.IsNaN(p.got) && math.IsNaN(p.want)) {
			t.Errorf("%s: %s = %v, want %v", what, p.name, p.got, p.want)
		}
	}
	if got.N != want.N {
		t.Errorf("%s: n = %d, want %d", what, got.N, want.N)
	}
}

// A board that reads on and on shows the same as one that reads everything at once, whatever
// happens: corrections, second interviews, interviews sent back, a store made anew.
func TestReadingOn(t *testing.T) {
	f := begin(t, 240, 2)
	on := f.board()
	for step := range 60 {
		f.happen(step)
		got, want := f.figures(on, live.All, ""), f.figures(f.board(), live.All, "")
		if got.Everybody.N != want.Everybody.N {
			t.Fatalf("step %d: %d interviews, want %d", step, got.Everybody.N, want.Everybody.N)
		}
		for k := range want.Tables {
			for l := range want.Tables[k].Groups {
				if g, w := got.Tables[k].Groups[l].N, want.Tables[k].Groups[l].N; g != w {
					t.Fatalf("step %d, %s: %d interviews of %s, want %d", step, want.Tables[k].Factor.ID, g, want.Tables[k].Groups[l].Level.Code, w)
				}
			}
		}
		if step == 40 { // the store is made anew from half of the logs, then from all
			all := f.records
			f.records = f.records[:len(all)/2]
			f.figures(on, live.All, "")
			f.records = all
		}
	}
}

// happen lets things happen to some cases.
func (f *field) happen(step int) {
	for range 1 + f.rng.IntN(6) {
		i := f.rng.IntN(len(f.cases))
		c := f.cases[i]
		switch kind := f.rng.IntN(6); {
		case !c.Interviewed:
			f.interview(i, fmt.Sprintf("i%d-%d", i, step), 1)
		case kind == 0: // sent back
			f.change(i, func(c *live.Case) { c.Interviewed, c.Approved, c.State = false, false, fieldwork.Assigned })
		case kind == 1: // a second interview of the case
			f.interview(i, fmt.Sprintf("i%d-%d", i, step), 1)
		case kind == 2: // a correction of what is there
			for _, r := range f.records {
				if r.Case == c.ID {
					f.interview(i, r.ID, r.Revision+1)
					break
				}
			}
		default:
			f.change(i, approve)
		}
	}
}

// Whoever watches the page sees each rate move by whole steps of people, never by one, as
// long as nobody is sent back; and what a group with too few people has cannot be found from
// everybody less the other groups.
func TestWatchingTellsNothing(t *testing.T) {
	watched, moved := 0, 0
	for seed := range uint64(3) {
		f := begin(t, 150, 10+seed)
		b := f.board()
		before := map[string][]string{}
		for i := range f.cases {
			f.interview(i, fmt.Sprintf("i%d", i), 1)
			if f.rng.IntN(3) > 0 {
				f.change(f.rng.IntN(i+1), func(c *live.Case) {
					if c.Interviewed {
						approve(c)
					}
				})
			}
			for _, view := range []live.View{live.Approved, live.All} {
				figures := f.figures(b, view, "")
				for k, table := range figures.Tables {
					for l, g := range table.Groups {
						now := b.Shown(view, "", table.Factor.ID, g.Level.Code)
						key := fmt.Sprint(view, k, l)
						gone, came := less(before[key], now), less(now, before[key])
						watched++
						if len(gone) > 0 || len(came)%step != 0 {
							t.Fatalf("seed %d, %d interviews: the rate of %s lost %v and gained %v", seed, i+1, g.Level.Code, gone, came)
						}
						if len(came) > 0 {
							moved++
						}
						before[key] = now
						if !g.Withheld && g.Estimate.N < least {
							t.Fatalf("the rate of %d interviews is shown", g.Estimate.N)
						}
					}
				}
			}
		}
	}
	t.Logf("%d rates watched, which moved %d times; none by fewer than %d people", watched, moved, step)
}

// less lists what is in a and not in b.
func less(a, b []string) (out []string) {
	in := map[string]bool{}
	for _, x := range b {
		in[x] = true
	}
	for _, x := range a {
		if !in[x] {
			out = append(out, x)
		}
	}
	return out
}

// An account of a city sees that city, split into its counties; nothing of others is in it.
func TestArea(t *testing.T) {
	f := begin(t, 240, 3)
	for i := range f.cases {
		f.interview(i, fmt.Sprintf("i%d", i), 1)
		f.change(i, approve)
	}
	b := f.board()
	all, city := f.figures(b, live.Approved, ""), f.figures(b, live.Approved, "3301")
	if all.Everybody.N != 240 || city.Everybody.N != 84 {
		t.Errorf("%d interviews everywhere and %d in the city, want 240 and 84", all.Everybody.N, city.Everybody.N)
	}
	var codes []string
	for _, p := range all.Places {
		codes = append(codes, p.Code)
	}
	slices.Sort(codes)
	if !slices.Equal(codes, []string{"3301", "3302", "3303"}) {
		t.Errorf("the places of everywhere are %v", codes)
	}
	sum := 0.0
	for _, p := range city.Places {
		sum += p.Share
		if len(p.Code) != 6 || p.Code[:4] != "3301" {
			t.Errorf("a place of the city is %s", p.Code)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the shares of the city add up to %v", sum)
	}
}

// The places are in the order of what further interviews do there, by hand from W²V.
func TestWhereMoreHelp(t *testing.T) {
	f := begin(t, 360, 4)
	for i := range f.cases {
		if i/12%3 == 0 || i%3 == 0 { // everybody in the first city, a third elsewhere
			f.interview(i, fmt.Sprintf("i%d", i), 1)
			f.change(i, approve)
		}
	}
	got := f.figures(f.board(), live.Approved, "")
	sum := 0.0
	for _, p := range got.Places {
		sum += p.Share * p.Share * p.Estimate.SE * p.Estimate.SE
	}
	last := 0.0
	for _, p := range got.Places {
		n := float64(p.Estimate.N)
		rest := sum - p.Share*p.Share*p.Estimate.SE*p.Estimate.SE*(1-n/(n+live.More))
		if want := got.Everybody.Estimate.SE * math.Sqrt(rest/sum); math.Abs(p.Whole-want) > 1e-12 || p.Whole < last {
			t.Errorf("%s: the error of the whole becomes %v, want %v, after %v", p.Code, p.Whole, want, last)
		}
		last = p.Whole
	}
	if got.Places[len(got.Places)-1].Code != "3301" {
		t.Errorf("the city that is done is not the last: %+v", got.Places)
	}
}

// Before the first interview nothing is shown as 0.
func TestNothingYet(t *testing.T) {
	f := begin(t, 24, 5)
	for _, f := range []*field{f, begin(t, 0, 5)} {
		got := f.figures(f.board(), live.Approved, "")
		if e := got.Everybody; !e.Withheld || !math.IsNaN(e.Estimate.Value) {
			t.Errorf("without interviews the rate is %v", e.Estimate.Value)
		}
	}
}

// Asked again at once, a board does not ask the store again.
func TestAskedOften(t *testing.T) {
	f := begin(t, 24, 6)
	f.interview(0, "i", 1)
	b := f.board()
	f.figures(b, live.All, "")
	for range 5 {
		if _, err := b.Figures(t.Context(), live.All, ""); err != nil {
			t.Fatal(err)
		}
	}
	if f.asked != 1 {
		t.Errorf("the store was asked %d times, want once", f.asked)
	}
}

// An area that the last case was moved out of is not listed any more.
func TestAreaWithoutCases(t *testing.T) {
	f := begin(t, 60, 3)
	b := f.board()
	codes := func() (list []string) {
		f.now = f.now.Add(live.Every)
		got, err := b.Figures(t.Context(), live.All, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got.Places {
			list = append(list, p.Code)
		}
		slices.Sort(list)
		return list
	}
	before := codes()
	for i, c := range f.cases {
		if c.Area[:4] == before[0] {
			f.change(i, func(c *live.Case) { c.Area = before[1] + "02" })
		}
	}
	if got := codes(); len(before) != 3 || !slices.Equal(got, before[1:]) {
		t.Errorf("areas %v, before %v", got, before)
	}
}
