package clickhouse

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/live"
	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/expr"
	"github.com/suyang-survey/suyang/surveys/score"
)

var (
	madeUpWaves = flag.Int("waves", 5, "how many made-up waves TestMadeUpWavesEqualMemory compares")
	madeUpSeed  = flag.Uint64("seed", 1, "the seed of the first of them; each has the next one")
)

// Whatever a questionnaire asks, a plan looks at and people answer, the store sums what memory
// sums. A difference names the seed that makes it again.
func TestMadeUpWavesEqualMemory(t *testing.T) {
	n := *madeUpWaves
	if testing.Short() {
		n = min(n, 3)
	}
	s := open(t)
	people, cells, failed, seen := 0, 0, 0, map[string]int{}
	for i := range n {
		seed := *madeUpSeed + uint64(i)
		w := makeUpWave(rand.New(rand.NewPCG(seed, 17)), fmt.Sprint("wave ", seed))
		if s.portion, s.listed = w.portion, w.listed; !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { w.store(t, s); w.compare(t, s, seen) }) {
			if failed++; failed == 3 {
				break
			}
		}
		people, cells = people+w.people, cells+w.cells
	}
	t.Logf("%d waves, %d people in %d cells; %v", n, people, cells, seen)
	if people == 0 && n >= 5 {
		t.Error("nobody was summed, which tests nothing")
	}
}

// madeUp is a wave with everything that a report may ask of it.
type madeUp struct {
	*rand.Rand
	memory        *assess.Memory
	questionnaire *surveys.Questionnaire
	factors       []assess.Factor
	shares        []assess.Share
	portion       uint64
	listed        int
	block         int
	people, cells int // that were compared
}

func makeUpWave(rng *rand.Rand, name string) *madeUp {
	w := &madeUp{Rand: rng, memory: &assess.Memory{Wave: name, Weights: map[string][]assess.CaseWeight{}}}
	w.portion, w.listed, w.block = uint64(pick(w, portion, portion, 30, 150)), pick(w, mostListed, 0, 3), pick(w, 65_000, 1, 9, 50)
	w.makeUpQuestionnaire()
	w.makeUpFactors()
	w.makeUpShares()
	w.makeUpSample()
	w.makeUpInterviews()
	if len(w.memory.Cases) > 0 && w.IntN(2) == 0 {
		w.memory.Standings = someStandings(w.memory, rng)
	}
	return w
}

// madeUpWeights are the weights of a wave as the store names them.
const madeUpWeights = "raked@1"

func pick[T any](w *madeUp, from ...T) T { return from[w.IntN(len(from))] }

// some is a part of a list, in an order of its own.
func some[T any](w *madeUp, list []T) (part []T) {
	for _, i := range w.Perm(len(list))[:w.IntN(len(list)+1)] {
		part = append(part, list[i])
	}
	return part
}

// madeUpCodes are codes of options. Numbers and digits are read as such by factors of ranges.
var madeUpCodes = []string{"a", "b", "c", "1", "2", "7", "12", "3.5", "-4", surveys.DontKnow, surveys.Refused, `a' OR 1=1 --`, `b\`, "c\n@keys@", `{wave:String}`, "答", "?"}

// options are some codes, of which one may come twice.
func (w *madeUp) options(least, most int) (list []surveys.Option) {
	for range least + w.IntN(most-least+1) {
		list = append(list, surveys.Option{Code: pick(w, madeUpCodes...)})
	}
	return list
}

func (w *madeUp) makeUpQuestionnaire() {
	c := &surveys.Criterion{
		Cut: float64(w.IntN(100)), Boundary: pick(w, surveys.AtLeast, surveys.Above),
		Unasked: pick(w, surveys.UnaskedWrong, surveys.UnaskedMissing, surveys.UnaskedLeftOut),
	}
	for i := range w.IntN(3) {
		c.Levels = append(c.Levels, surveys.Level{ID: fmt.Sprint("l'", i), Cut: float64(w.IntN(100))})
	}
	q := &surveys.Questionnaire{ID: "madeup", Criterion: c}
	var items []surveys.Item
	names := 0
	name := func() string {
		names++
		return pick(w, "q", "u", `e' -- `, `{x:String}`) + strconv.Itoa(names)
	}
	for i := range 1 + w.IntN(3) {
		d := surveys.Dimension{ID: fmt.Sprint(`d\'`, i), Points: pick(w, 10.0, 33.333, 0.5, 60)}
		c.Dimensions = append(c.Dimensions, d)
		for range pick(w, 1, 2, 5, 12, 36) {
			it := surveys.Item{ID: name(), Type: surveys.Single, Dimension: d.ID, Options: w.options(2, 5)}
			for range 1 + w.IntN(3) {
				if key := pick(w, it.Options...).Code; !slices.Contains(it.Key, key) {
					it.Key = append(it.Key, key)
				}
			}
			items = append(items, it)
		}
	}
	several := []string{""}
	for range w.IntN(pick(w, 12, 24, 40)) {
		it := surveys.Item{ID: name(), Type: pick(w, surveys.Single, surveys.Likert, surveys.Multiple, surveys.Ranking, surveys.Number)}
		switch {
		case it.Type == surveys.Number:
			it.Decimals = 2 * w.IntN(2)
		case w.IntN(4) == 0: // more words
			for o := range 40 {
				it.Options = append(it.Options, surveys.Option{Code: fmt.Sprint("o", o)})
			}
		default:
			it.Options, it.From = w.options(0, 6), pick(w, several...)
		}
		if it.Type == surveys.Multiple || it.Type == surveys.Ranking {
			several = append(several, it.ID, it.ID)
		}
		items = append(items, it)
	}
	w.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	for part := range slices.Chunk(items, 7) {
		q.Sections = append(q.Sections, surveys.Section{ID: fmt.Sprint("s", len(q.Sections)), Items: part})
	}
	w.questionnaire = q
}

// makeUpFactors makes factors of columns of the sample, of answers and of conditions.
func (w *madeUp) makeUpFactors() {
	items := slices.Collect(w.questionnaire.Items)
	for i := range w.IntN(7) {
		f := assess.Factor{ID: fmt.Sprint(`f'`, i)}
		switch w.IntN(4) {
		case 0:
			f.Sample = pick(w, `city'\`, "place", "{k:String}")
		case 1:
			f.ByScore = true
			f.Levels = []assess.Level{{Code: assess.Literate}, {Code: assess.NotLiterate}}
			w.factors = append(w.factors, f)
			continue
		case 2:
			f.Answer = pick(w, items...).ID
		default:
			w.makeUpConditions(&f)
			w.factors = append(w.factors, f)
			continue
		}
		for l := range 1 + w.IntN(pick(w, 4, 90)) {
			f.Levels = append(f.Levels, w.level(fmt.Sprint("l", l)))
		}
		w.factors = append(w.factors, f)
	}
}

// level is one of values, or of numbers.
func (w *madeUp) level(code string) assess.Level {
	l := assess.Level{Code: code}
	if w.IntN(2) == 0 {
		for range 1 + w.IntN(4) {
			l.Values = append(l.Values, pick(w, append(madeUpCodes, "o3", "none")...))
		}
		return l
	}
	low := float64(w.IntN(20)-5) / 2
	below := low + float64(w.IntN(20))/2
	if w.IntN(4) > 0 {
		l.Min = &low
	}
	if w.IntN(4) > 0 {
		l.Below = &below
	}
	return l
}

// makeUpConditions gives a factor levels that are conditions.
func (w *madeUp) makeUpConditions(f *assess.Factor) {
	for range 1 + w.IntN(4) {
		when := w.condition(w.IntN(4))
		if _, err := assess.CompileCondition(when, w.questionnaire); err != nil {
			when = pick(w, "true", "false")
		}
		f.Levels = append(f.Levels, assess.Level{Code: fmt.Sprint("c", len(f.Levels)), When: when})
	}
}

func (w *madeUp) condition(depth int) string {
	if depth > 0 {
		a, b := w.condition(depth-1), w.condition(depth-1)
		return pick(w, "("+a+") && ("+b+")", "("+a+") || ("+b+")", "!("+a+")", a)
	}
	var named []*surveys.Item
	for it := range w.questionnaire.Items {
		if expr.IsName(it.ID) {
			named = append(named, it)
		}
	}
	if len(named) == 0 {
		return "true"
	}
	it := pick(w, named...)
	if w.IntN(4) == 0 {
		return "has(a." + it.ID + ")"
	}
	code := `"none"`
	if offered := w.questionnaire.Offered(it); len(offered) > 0 {
		code = strconv.Quote(pick(w, offered...).Code)
	}
	switch {
	case it.Type == surveys.Number && it.Decimals > 0:
		return it.ID + pick(w, " < 1.5", " >= 3.5", " == 7.0", " * 2.0 > 9.0")
	case it.Type == surveys.Number:
		return it.ID + pick(w, " < 3", " >= 12", " == 7", " % 2 == 0", " / 0 == 1")
	case it.Type.OneOf():
		return it.ID + pick(w, " == ", " != ") + code
	}
	return pick(w, code+" in "+it.ID, "size("+it.ID+") > 1", it.ID+"[0] == "+code)
}

// makeUpShares makes variables of questions of all kinds.
func (w *madeUp) makeUpShares() {
	var asked []*surveys.Item
	for it := range w.questionnaire.Items {
		if it.Type != surveys.Number && len(w.questionnaire.Offered(it)) <= assess.MaxOptions {
			asked = append(asked, it)
			if it.Dimension == "" { // what topics are mostly about
				asked = append(asked, it, it, it, it)
			}
		}
	}
	for i := range w.IntN(pick(w, 14, 14, 80)) {
		it := pick(w, asked...)
		codes := []string{"never"}
		for _, o := range w.questionnaire.Offered(it) {
			codes = append(codes, o.Code)
		}
		s := assess.Share{Name: fmt.Sprint("share", i), Item: it.ID, Options: some(w, codes), First: w.IntN(2) == 0}
		if w.IntN(2) == 0 {
			s.Without = some(w, codes)
		}
		if n := len(w.shares); n > 0 && w.IntN(3) == 0 { // something in common with another
			s.Item, s.Without, s.First = w.shares[n-1].Item, w.shares[n-1].Without, w.shares[n-1].First
		}
		if w.questionnaire.Item(s.Item).Type == surveys.Multiple {
			s.First = false // a plan may not ask for it
		}
		w.shares = append(w.shares, s)
	}
}

// weight is one of a range that may be as wide as weights are allowed to be.
func (w *madeUp) weight(low, high float64) float64 {
	return min(max(math.Exp(math.Log(low)+w.Float64()*(math.Log(high)-math.Log(low))), minWeight), maxWeight)
}

func (w *madeUp) makeUpSample() {
	low := pick(w, minWeight, 1e-3, 1, 500)
	high := pick(w, low, 2*low, 1e4*low, maxWeight)
	if high < low {
		high = low
	}
	strata, psus := 1+w.IntN(4), 1+w.IntN(9)
	for i := range pick(w, 1, 2, 40, 150, 300) {
		c := fieldwork.Case{
			ID: fmt.Sprint("c'", i), Stratum: fmt.Sprint("h", w.IntN(strata)), PSU: fmt.Sprint("u", w.IntN(psus)),
			Weight: w.weight(low, high), Columns: map[string]string{},
		}
		if w.IntN(12) == 0 {
			c.Weight = 0
		}
		for _, f := range w.factors {
			if f.Sample != "" {
				c.Columns[f.Sample] = w.nonsense(nil)
			}
		}
		w.memory.Cases = append(w.memory.Cases, c)
		if w.IntN(10) > 0 {
			w.memory.Weights[madeUpWeights] = append(w.memory.Weights[madeUpWeights], assess.CaseWeight{
				Case: c.ID, Weight: pick(w, 0, w.weight(low, high), w.weight(low, high)), Base: w.weight(low, high),
			})
		}
	}
	if len(w.memory.Weights[madeUpWeights]) == 0 {
		delete(w.memory.Weights, madeUpWeights)
	}
}

// makeUpInterviews gives cases interviews as in troubled and placed, at several nodes.
func (w *madeUp) makeUpInterviews() {
	var taken []surveys.Response
	add := func(name, id string, revision uint32) {
		r := response(w.memory.Wave, name, 0, w.answers())
		r.ID, r.Revision, r.Partial = id, revision, w.IntN(8) == 0
		r.Finished = r.Started.Add(time.Duration(20+w.IntN(3)) * time.Minute)
		r.BodyHash = sha256.Sum256(fmt.Append(nil, "body", len(taken)))
		taken = append(taken, r)
	}
	id := func() string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", w.Uint32(), w.Uint32()) }
	trouble := pick(w, 0, 1, 4)
	for _, c := range w.memory.Cases {
		if w.IntN(4) == 0 {
			continue
		}
		submission := id()
		add(c.ID, submission, 0)
		for range w.IntN(trouble + 1) {
			switch w.IntN(6) {
			case 0:
				add(c.ID, id(), uint32(w.IntN(2)))
			case 1:
				add(pick(w, w.memory.Cases...).ID, submission, uint32(w.IntN(3)))
			case 2:
				add(c.ID, submission, uint32(w.IntN(3)))
			case 3:
				add(pick(w, "", "not drawn"), id(), 0)
			}
		}
	}
	if trouble == 0 {
		for i := range taken {
			taken[i].Seq = uint64(3*i + w.IntN(3))
		}
		w.memory.Responses = taken
		return
	}
	w.memory.Responses = placed(w.Rand, taken)
}

func (w *madeUp) answers() surveys.Answers {
	a := surveys.Answers{}
	for it := range w.questionnaire.Items {
		switch k := w.IntN(60); {
		case k == 0: // not asked
		case k == 1:
			a[it.ID] = nil
		case len(it.Key) > 0 && k < 30:
			a[it.ID] = []string{pick(w, it.Key...)}
		case it.Type.OneOf() && k < 55:
			a[it.ID] = []string{w.nonsense(it)}
		default:
			for range 1 + w.IntN(4) {
				a[it.ID] = append(a[it.ID], w.nonsense(it))
			}
		}
	}
	return a
}

// nonsense is an answer to an item, more often than not one that it offers.
func (w *madeUp) nonsense(it *surveys.Item) string {
	if it != nil && w.IntN(5) > 0 {
		if offered := w.questionnaire.Offered(it); len(offered) > 0 {
			return pick(w, offered...).Code
		}
	}
	if w.IntN(3) == 0 {
		return pick(w, madeUpCodes...)
	}
	return pick(w, "0", "3", "7", "12", "1.25", "-3", "1e3", "x", "nan", "inf", "9007199254740993", "", "none", "o3", "3.5", strconv.Itoa(w.IntN(40)))
}

func (w *madeUp) store(t *testing.T, s *Store) {
	m := w.memory
	putSample(t, s, m.Wave, m.Cases...)
	for i, part := range slices.Collect(slices.Chunk(m.Responses, 1+len(m.Responses)/(1+w.IntN(3)))) {
		put(t, s, fmt.Sprint(m.Wave, " ", i), part...)
	}
	if weights := m.Weights[madeUpWeights]; weights != nil {
		if _, _, err := s.PutWeights(t.Context(), m.Wave, assess.Weighting{Name: "raked"}, weights); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Standings) > 0 {
		putStandings(t, s, m.Wave, m.Standings...)
	}
}

func (w *madeUp) compare(t *testing.T, s *Store, seen map[string]int) {
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_block_size": w.block}))
	q := assess.Query{Wave: w.memory.Wave, Questionnaire: w.questionnaire, Factors: w.factors, Items: true, Shares: w.shares}
	for _, q.Weights = range []string{"", madeUpWeights} {
		if q.Weights != "" && w.memory.Weights[q.Weights] == nil {
			continue
		}
		for range 2 {
			w.compareCubes(ctx, t, s, q)
		}
	}
	q.Weights = ""
	q.Factors = slices.DeleteFunc(slices.Clone(q.Factors), func(f assess.Factor) bool { return f.ByScore })
	q.Columns = []string{`city'\`}
	got, err := s.Units(ctx, q)
	want, wantErr := w.memory.Units(ctx, q)
	if err != nil || wantErr != nil {
		t.Fatal(err, wantErr)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("units: memory and store differ:\n%s", d)
	}
	w.compareArrivals(ctx, t, s, q)
	w.note(t, q, seen)
}

// compareArrivals takes the records of the wave in two parts, as the live page does.
func (w *madeUp) compareArrivals(ctx context.Context, t *testing.T, s *Store, q assess.Query) {
	scorer, err := score.New(w.questionnaire)
	if err != nil {
		t.Fatal(err)
	}
	type place struct {
		node uint16
		seq  uint64
	}
	want := map[place]*surveys.Response{}
	for i := range w.memory.Responses {
		r := &w.memory.Responses[i]
		want[place{r.Node, r.Seq}] = r
	}
	after, rest := map[uint16]uint64{2: 5}, 0
	for _, r := range want {
		if r.Node != 2 || r.Seq > 5 {
			rest++
		}
	}
	err = s.Arrivals(ctx, live.Query{Wave: q.Wave, Questionnaire: q.Questionnaire, Factors: q.Factors}, after, func(got live.Record) error {
		r := want[place{got.Node, got.Seq}]
		if r == nil || r.Node == 2 && r.Seq <= 5 {
			return fmt.Errorf("a record that is not there, %d of node %d", got.Seq, got.Node)
		}
		points, scored := scorer.Score(r.Answers)
		if scored == math.IsNaN(got.Score) || scored && points.Total != got.Score || r.ID != got.ID || r.Case != got.Case || r.Partial != got.Partial || r.BodyHash != got.BodyHash || !r.Finished.Equal(got.Finished) {
			t.Errorf("record %d of node %d is %+v with %v points, want %+v with %v", got.Seq, got.Node, got.Response, got.Score, r, points.Total)
		}
		at := 0
		for _, f := range q.Factors {
			if f.Sample != "" {
				continue
			}
			if f.Answer != "" && got.Levels[at] != f.Level(r.Answers.First(f.Answer)) {
				t.Errorf("record %d of node %d has level %d of %s, want %d", got.Seq, got.Node, got.Levels[at], f.ID, f.Level(r.Answers.First(f.Answer)))
			}
			at++
		}
		rest--
		return nil
	})
	if err != nil || rest != 0 {
		t.Errorf("%d records are missing, %v", rest, err)
	}
}

func (w *madeUp) compareCubes(ctx context.Context, t *testing.T, s *Store, q assess.Query) {
	all, err := w.memory.Cells(ctx, q)
	if err != nil && strings.Contains(err.Error(), "all weights are zero") { // memory has no design of nobody
		if got, err := s.Cells(ctx, q); err != nil || len(got.Rows) > 0 {
			t.Errorf("weights %q: somebody is in a sample of nobody: %v, %v", q.Weights, got, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, f := range q.Factors {
		ids = append(ids, f.ID)
	}
	var cubes []assess.Cube
	for i := range 1 + w.IntN(6) {
		c := assess.Cube{Factors: some(w, ids), Variables: some(w, all.Variables)}
		switch {
		case w.IntN(3) == 0:
			c.Variables = []string{assess.VarScore, assess.VarLiterate}
		case len(c.Variables) == 0 || w.IntN(5) == 0:
			c.Variables = all.Variables
		case i > 0 && w.IntN(2) == 0:
			c.Variables = cubes[i-1].Variables
		}
		cubes = append(cubes, c)
	}
	got, err := s.Cubes(ctx, q, cubes)
	if err != nil {
		t.Fatal(err)
	}
	want, err := w.memory.Cubes(ctx, q, cubes)
	if err != nil {
		t.Fatal(err)
	}
	if got.Drawn != want.Drawn || got.Responded != want.Responded {
		t.Errorf("weights %q: %d of %d cases responded, want %d of %d", q.Weights, got.Responded, got.Drawn, want.Responded, want.Drawn)
	}
	for i := range cubes {
		for _, row := range got.Cells[i].Rows {
			w.people, w.cells = w.people+row.N, w.cells+1
		}
		for _, row := range want.Cells[i].Rows { // who is 1 is counted of variables that are 0 or 1
			for v, name := range want.Cells[i].Variables {
				if name == assess.VarScore || strings.HasPrefix(name, "dim:") {
					row.Ones[v] = 0
				}
			}
		}
		if d := cmp.Diff(want.Cells[i], got.Cells[i], compareMadeUp, cmpopts.EquateEmpty(), exported); d != "" {
			t.Errorf("weights %q, cube %d by %q of %q: memory and store differ:\n%.6000s", q.Weights, i, cubes[i].Factors, cubes[i].Variables, d)
		}
	}
}

// compareMadeUp allows for the rounding of the sums in memory. A weight may be ten million
// million times another, so that what people without the largest ones add up to is lost there
// where it is found by subtraction; in the store no bit is.
var compareMadeUp = cmpopts.EquateApprox(1e-10, 0)

// note counts what the waves have, so that a campaign says what it tested.
func (w *madeUp) note(t *testing.T, q assess.Query, seen map[string]int) {
	all := assess.Cube{}
	for _, f := range q.Factors {
		all.Factors = append(all.Factors, f.ID)
	}
	c, err := newCellsQuery(q, []assess.Cube{all})
	if err != nil {
		t.Fatal(err)
	}
	for what, has := range map[string]bool{
		"more words":      len(c.words.list) > fewWords,
		"several answers": slices.ContainsFunc(c.questions, func(q *question) bool { return q.several }),
		"first choices":   slices.ContainsFunc(c.questions, func(q *question) bool { return !q.several }),
		"held bases":      len(c.held) > 0,
		"numbers":         len(c.words.numbers) > 0,
		"conditions":      c.words.remembered > 0,
		"many levels":     c.newCube(c.joined[0], scales{}, 0, 1).steps == nil,
		"standings":       len(w.memory.Standings) > 0,
		"unasked " + strings.ToLower(string(w.questionnaire.Criterion.Unasked)): true,
	} {
		if has {
			seen[what]++
		}
	}
}
